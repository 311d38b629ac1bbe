package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// The tests of the delivery contract, sentence by sentence. All time is that of
// a synctest bubble, so a wait of two seconds is exactly that and costs nothing,
// and a goroutine that is left waiting fails the test.

const (
	conA = "CON-A"
	conB = "CON-B"
)

var (
	errBoom  = errors.New("boom")
	errOther = errors.New("another error")
)

// numbered is an event of the conversation conA.
func numbered(id nexmo.EventID) *nexmo.Event { return numberedIn(conA, id) }

func numberedIn(conversation string, id nexmo.EventID) *nexmo.Event {
	return &nexmo.Event{ID: id, Type: nexmo.EventText, ConversationID: conversation, Body: new(nexmo.Text)}
}

// typingBy is an event without an ID; from tells it from others.
func typingBy(from string) *nexmo.Event {
	return &nexmo.Event{Type: nexmo.EventTextTypingOn, ConversationID: conA, From: from, Body: new(nexmo.TextTypingOn)}
}

// journal notes what happens, in order.
type journal struct {
	mu      sync.Mutex
	entries []string
	then    nexmo.Handler // what handle does next; nil for nothing
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

// handle is a Handler that notes the event.
func (j *journal) handle(ctx context.Context, e *nexmo.Event) error {
	if e.ID == 0 {
		j.add("%s", e.From)
	} else {
		j.add("%d", e.ID)
	}
	if j.then == nil {
		return nil
	}
	return j.then(ctx, e)
}

// gap is a function for WithGapFunc.
func (j *journal) gap(_ context.Context, g nexmo.Gap) {
	if g.ConversationID == conA {
		j.add("gap %d-%d", g.From, g.To)
	} else {
		j.add("gap %d-%d in %s", g.From, g.To, g.ConversationID)
	}
}

// is fails the test unless exactly this has happened so far.
func (j *journal) is(t *testing.T, want ...string) {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	if diff := cmp.Diff(want, slices.Clone(j.entries)); diff != "" {
		t.Errorf("what happened (-want +got):\n%s", diff)
	}
}

// logbook is a logger that notes records; hook, when set, is called for each.
type logbook struct {
	journal
	hook func()
}

func (l *logbook) Enabled(context.Context, slog.Level) bool { return true }

func (l *logbook) WithAttrs([]slog.Attr) slog.Handler { return l }

func (l *logbook) WithGroup(string) slog.Handler { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	var attrs strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "event_id" || a.Key == "count" {
			fmt.Fprintf(&attrs, " %s", a)
		}
		return true
	})
	l.add("%s %s%s", r.Level, r.Message, attrs.String())
	if l.hook != nil {
		l.hook()
	}
	return nil
}

// count returns how many records have that level.
func (l *logbook) count(level slog.Level) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, r := range l.entries {
		if strings.HasPrefix(r, level.String()+" ") {
			n++
		}
	}
	return n
}

// pending is a call that may not have returned yet.
type pending chan error

// begin makes a call in a goroutine of its own. A call that ends its goroutine
// never returns.
func begin(call func() error) pending {
	p := make(pending, 1)
	go func() { p <- call() }()
	return p
}

func beginDeliver(ctx context.Context, to nexmo.Sink, e *nexmo.Event) pending {
	return begin(func() error { return to.Deliver(ctx, e) })
}

// waits fails the test if the call has returned.
func (p pending) waits(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-p:
		t.Fatalf("the call returned %v too early", err)
	default:
	}
}

// returns fails the test unless the call has returned without time passing, with
// an error that is want, or nil.
func (p pending) returns(t *testing.T, want error) {
	t.Helper()
	synctest.Wait()
	select {
	case err := <-p:
		checkError(t, err, want)
	default:
		t.Fatal("the call has not returned")
	}
}

func checkError(t *testing.T, got, want error) {
	t.Helper()
	if want == nil && got != nil || !errors.Is(got, want) {
		t.Errorf("the call returned %v, want %v", got, want)
	}
}

// mustDeliver delivers the events of conA with these IDs one after another.
func mustDeliver(t *testing.T, to nexmo.Sink, ids ...nexmo.EventID) {
	t.Helper()
	for _, id := range ids {
		if err := to.Deliver(t.Context(), numbered(id)); err != nil {
			t.Errorf("Deliver(%d): %v", id, err)
		}
	}
}

// elapsed fails the test unless that much time passed in call.
func elapsed(t *testing.T, want time.Duration, call func()) {
	t.Helper()
	start := time.Now()
	call()
	if got := time.Since(start); got != want {
		t.Errorf("it took %v, want %v", got, want)
	}
}

// shelf is a Source that notes how it is asked.
type shelf struct {
	journal
	read func(ctx context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool)
}

func (s *shelf) EventsAfter(ctx context.Context, _ string, after nexmo.EventID) iter.Seq2[*nexmo.Event, error] {
	return func(yield func(*nexmo.Event, error) bool) {
		s.add("after %d", after)
		s.read(ctx, after, yield)
	}
}

// stored is a Source as it should be.
func stored(ids ...nexmo.EventID) *shelf {
	return &shelf{read: func(_ context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
		for _, id := range ids {
			if id > after && !yield(numbered(id), nil) {
				return
			}
		}
	}}
}

// scripted is a Source that does what steps say, whatever it is asked for: it
// yields an ID, an error or an event, or calls a function.
func scripted(steps ...any) *shelf {
	return &shelf{read: func(ctx context.Context, _ nexmo.EventID, yield func(*nexmo.Event, error) bool) {
		for _, step := range steps {
			goOn := true
			switch step := step.(type) {
			case int:
				goOn = yield(numbered(nexmo.EventID(step)), nil)
			case *nexmo.Event:
				goOn = yield(step, nil)
			case error:
				goOn = yield(nil, step)
			case func():
				step()
			case func(context.Context):
				step(ctx)
			}
			if !goOn {
				return
			}
		}
	}}
}

// newConA returns the conversation conA, whose events and gaps go to j.
func newConA(j *journal, opts ...nexmo.ConversationOption) *nexmo.Conversation {
	c := nexmo.NewConversation(conA, append([]nexmo.ConversationOption{nexmo.WithGapFunc(j.gap)}, opts...)...)
	c.On(nexmo.EventAny, j.handle)
	return c
}

type contextKey string

// waitsOrReturns fails the test if the call does not return, whatever it returns.
func (p pending) waitsOrReturns(t *testing.T) {
	t.Helper()
	synctest.Wait()
	select {
	case <-p: //nolint:errcheck // whatever it returns
	default:
		t.Fatal("the call has not returned")
	}
}

// told parses an event that a test gives as its text.
func told(t testing.TB, text string) *nexmo.Event {
	t.Helper()
	e, err := nexmo.ParseEvent([]byte(text))
	if err != nil {
		t.Fatalf("ParseEvent(%.80s): %v", text, err)
	}
	if raw, ok := e.Body.(*nexmo.RawBody); ok && raw.Err != nil {
		t.Fatalf("the body of %.80s: %v", text, raw.Err)
	}
	return e
}

// tell delivers events, given as their texts, one after another.
func tell(t testing.TB, to nexmo.Sink, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := to.Deliver(t.Context(), told(t, text)); err != nil {
			t.Fatalf("Deliver(%.80s): %v", text, err)
		}
	}
}

// noWait is for conversations that give up a gap at once, so that the test can
// deliver what was missing late.
func noWait() nexmo.ConversationOption { return nexmo.WithReorderWindow(0, 0) }

// numberedJSON is an event that says nothing.
func numberedJSON(id int) string {
	return fmt.Sprintf(`{"id":%d,"type":"audio:ringing:start","body":{}}`, id)
}

// textIn is an event of a conversation.
func textIn(conversation string, id int) string {
	return fmt.Sprintf(`{"id":%d,"type":"text","conversation_id":%q,"from":"MEM-1","body":{"text":"Hello"}}`, id, conversation)
}
