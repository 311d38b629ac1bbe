package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/google/go-cmp/cmp"
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
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, fmt.Sprintf(format, args...))
}

// handle is a Handler that notes the event.
func (j *journal) handle(_ context.Context, e *nexmo.Event) error {
	if e.ID == 0 {
		j.add("%s", e.From)
	} else {
		j.add("%d", e.ID)
	}
	return nil
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
func (l *logbook) WithAttrs([]slog.Attr) slog.Handler       { return l }
func (l *logbook) WithGroup(string) slog.Handler            { return l }

func (l *logbook) Handle(_ context.Context, r slog.Record) error {
	var attrs strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "event_id" {
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

// "Handlers of one event run one after another in registration order, wildcards
// included; Deliver returns when all have returned, with their errors joined".
func TestContract01_HandlersRunInRegistrationOrder(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		to   interface {
			nexmo.Sink
			nexmo.Registrar
		}
	}{
		{"EventDispatcher", new(nexmo.EventDispatcher)},
		{"Conversation", nexmo.NewConversation(conA)},
		{"Application", nexmo.NewApplication("")},
		{"Conversation of an Application", nexmo.NewApplication("").Conversation(conA)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				handler := func(name string, err error) nexmo.Handler {
					return func(context.Context, *nexmo.Event) error {
						time.Sleep(time.Second)
						j.add("%s", name)
						return err
					}
				}
				for i, on := range []struct {
					pattern nexmo.EventType
					err     error
				}{
					{"text", nil}, {"*", errBoom}, {"member:*", nil}, {"text:*", nil}, {"text:seen", nil}, {"*", nil}, {"text", errOther}, {"text:*", nil},
				} {
					tt.to.On(on.pattern, handler(fmt.Sprintf("%d %s", i, on.pattern), on.err))
				}
				elapsed(t, 6*time.Second, func() {
					err := tt.to.Deliver(t.Context(), numberedIn(conA, 0))
					checkError(t, err, errBoom)
					checkError(t, err, errOther)
				})
				j.is(t, "0 text", "1 *", "3 text:*", "5 *", "6 text", "7 text:*")
			})
		})
	}
}

// Handlers of the Application run before those of the Conversation, whichever of
// the two the event is delivered to, and their errors are joined as well.
func TestContract01_ApplicationHandlersRunFirst(t *testing.T) {
	t.Parallel()
	var j journal
	app := nexmo.NewApplication("")
	c := app.Conversation(conA)
	c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("conversation"); return errOther })
	app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("application"); return errBoom })
	for i, to := range []nexmo.Sink{app, c} {
		err := to.Deliver(t.Context(), numbered(nexmo.EventID(i+1)))
		checkError(t, err, errBoom)
		checkError(t, err, errOther)
	}
	j.is(t, "application", "conversation", "application", "conversation")
}

// "For an event held back (5) that is when its turn has come: what a webhook
// acknowledges has been handled".
func TestContract01_HeldBackDeliverReturnsWhenItsTurnHasCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, time.Hour))
		release := make(chan struct{})
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			switch e.ID {
			case 2:
				<-release
			case 3:
				time.Sleep(time.Second)
				return errBoom
			}
			return nil
		})
		third, second := beginDeliver(t.Context(), c, numbered(3)), beginDeliver(t.Context(), c, numbered(2))
		third.waits(t)
		second.waits(t)
		first := beginDeliver(t.Context(), c, numbered(1))
		first.returns(t, nil)
		second.waits(t)
		close(release)
		second.returns(t, nil)
		third.waits(t)
		time.Sleep(time.Second)
		// The error reaches who delivered the event, not who filled the gap.
		third.returns(t, errBoom)
		j.is(t, "1", "2", "3")
	})
}

// "If ctx ends first, an event still held back is withdrawn and ctx's error
// returned, so that the sender may try again".
func TestContract01_HeldBackEventIsWithdrawnWhenCtxEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		limit func(context.Context) (context.Context, context.CancelFunc)
		want  error
	}{
		{"cancelled", func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, cancel := context.WithCancel(ctx)
			time.AfterFunc(time.Second, cancel)
			return ctx, cancel
		}, context.Canceled},
		{"deadline", func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		}, context.DeadlineExceeded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, time.Minute))
				ctx, cancel := tt.limit(t.Context())
				defer cancel()
				elapsed(t, time.Second, func() { checkError(t, c.Deliver(ctx, numbered(3)), tt.want) })
				mustDeliver(t, c, 1, 2)
				j.is(t, "1", "2") // 3 is not there any more
				mustDeliver(t, c, 3)
				j.is(t, "1", "2", "3")
				time.Sleep(time.Hour) // nothing comes of the timer of the gap
				mustDeliver(t, c, 4)
				j.is(t, "1", "2", "3", "4")
			})
		})
	}
}

// An event that waits behind a handler, not behind a gap, is held back as well.
func TestContract01_QueuedEventIsWithdrawnWhenCtxEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		c := newConA(&j)
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 2 {
				<-release
			}
			return nil
		})
		second := beginDeliver(t.Context(), c, numbered(2))
		second.waits(t)
		ctx, cancel := context.WithCancel(t.Context())
		waiting := []pending{
			beginDeliver(ctx, c, numbered(3)),       // due
			beginDeliver(ctx, c, numbered(1)),       // late
			beginDeliver(ctx, c, typingBy("MEM-1")), // without an ID
		}
		for _, p := range waiting {
			p.waits(t)
		}
		cancel()
		for _, p := range waiting {
			p.returns(t, context.Canceled)
		}
		close(release)
		second.returns(t, nil)
		j.is(t, "2")
		mustDeliver(t, c, 1, 3)
		j.is(t, "2", "1", "3")
	})
}

// An event that is withdrawn by one caller stays for another who delivered it
// too, and a gap that opens in front of others is found.
func TestContract01_WithdrawnEventStaysForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		ctx, cancel := context.WithCancel(t.Context())
		first := beginDeliver(ctx, c, numbered(2))
		first.waits(t)
		again := beginDeliver(t.Context(), c, numbered(2))
		again.waits(t)
		cancel()
		first.returns(t, context.Canceled)
		again.waits(t)
		mustDeliver(t, c, 1)
		again.returns(t, nil)
		j.is(t, "1", "2")
	})
}

// It does not stay for others who no longer wait.
func TestContract01_WithdrawnByAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		ctx, cancel := context.WithCancel(t.Context())
		first := beginDeliver(ctx, c, numbered(2))
		first.waits(t)
		impatient, end := context.WithCancel(t.Context())
		again := beginDeliver(impatient, c, numbered(2))
		again.waits(t)
		end()
		again.returns(t, context.Canceled)
		cancel()
		first.returns(t, context.Canceled)
		mustDeliver(t, c, 1)
		j.is(t, "1")
		mustDeliver(t, c, 2)
		j.is(t, "1", "2")
	})
}

// A ctx that ends at the very moment at which the event's turn comes leaves the
// event handled or withdrawn, and the conversation in order.
func TestContract01_CtxEndsAsItsTurnComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			var j journal
			c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, time.Second))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			want := []string{"1", "3"}
			switch err := c.Deliver(ctx, numbered(3)); {
			case err == nil:
				want = []string{"gap 1-2", "3", "1"}
			case !errors.Is(err, context.DeadlineExceeded):
				t.Fatal(err)
			}
			cancel()
			rest := begin(func() error {
				mustDeliver(t, c, 1)
				if want[1] != "3" {
					return nil
				}
				return c.Deliver(t.Context(), numbered(3))
			})
			time.Sleep(time.Minute)
			rest.returns(t, nil)
			// Whichever it was, each was handled once.
			got := slices.DeleteFunc(slices.Clone(j.entries), func(s string) bool { return strings.HasPrefix(s, "gap") })
			slices.Sort(got)
			if diff := cmp.Diff([]string{"1", "3"}, got); diff != "" {
				t.Fatalf("handled (-want +got):\n%s", diff)
			}
		}
	})
}

// The same where many events, of callers who wait and of streams, are withdrawn
// and get their turn at once.
func TestContract01_CtxEndsInFrontOfStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 200 {
			var j journal
			release := make(chan struct{})
			c := newConA(&j)
			c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
				if e.ID == 1 {
					<-release
				}
				return nil
			})
			ctx, cancel := context.WithCancel(t.Context())
			first := beginDeliver(t.Context(), c, numbered(1))
			synctest.Wait()
			stream := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(2, 4, 5), conA, 0) })
			synctest.Wait()
			third := beginDeliver(ctx, c, numbered(3))
			fourth := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(4, 5), conA, 0) })
			synctest.Wait()
			go cancel()
			close(release)
			first.returns(t, nil)
			if err := <-third; err != nil {
				mustDeliver(t, c, 3)
			}
			stream.returns(t, nil)
			fourth.returns(t, nil)
			j.is(t, "1", "2", "3", "4", "5")
		}
	})
}

// An event that is being handled is not held back any more, also when it is
// somebody else who fills the gap and handles it: Deliver waits for the outcome.
func TestContract01_CtxEndsWhileTheEventIsHandled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		asked, release := make(chan struct{}), make(chan struct{})
		c := newConA(&j, nexmo.WithSource(scripted(func() { close(asked); <-release }, 2, 3)))
		ctx, cancel := context.WithCancel(t.Context())
		c.On(nexmo.EventAny, func(hctx context.Context, e *nexmo.Event) error {
			if e.ID == 2 {
				cancel()
				time.Sleep(time.Second)
				return errors.Join(errBoom, hctx.Err())
			}
			return nil
		})
		mustDeliver(t, c, 1)
		fourth := beginDeliver(t.Context(), c, numbered(4))
		<-asked
		second := beginDeliver(ctx, c, numbered(2))
		synctest.Wait()
		close(release)
		second.waits(t)
		time.Sleep(time.Second)
		second.returns(t, errBoom)
		fourth.returns(t, nil)
		j.is(t, "1", "2", "3", "4")
	})
}

// An event that is withdrawn again and again does not hurt those behind it, and
// its gap is given up in time.
func TestContract01_WithdrawnInFrontOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, 2*time.Second))
		fifth := beginDeliver(t.Context(), c, numbered(5))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			checkError(t, c.Deliver(ctx, numbered(3)), context.DeadlineExceeded)
			cancel()
		}
		fifth.waits(t)
		elapsed(t, 1700*time.Millisecond, func() { checkError(t, <-fifth, nil) })
		j.is(t, "gap 1-4", "5")
		mustDeliver(t, c, 3)
		j.is(t, "gap 1-4", "5", "3")
	})
}

// "A sequential stream (session, Replay) hands over without waiting behind its
// own gap".
func TestContract01_StreamDoesNotWaitBehindItsOwnGap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		steps []any
		want  []string
		took  time.Duration
	}{
		{"sorted", []any{1, 2, 3}, []string{"1", "2", "3"}, 0},
		{"backwards", []any{5, 4, 3, 2, 1}, []string{"1", "2", "3", "4", "5"}, 0},
		{"duplicates", []any{2, 2, 3, 2, 1, 1, 3, 2}, []string{"1", "2", "3"}, 0},
		{"a hole", []any{1, 3, 2, 5, 6}, []string{"1", "2", "3", "gap 4-4", "5", "6"}, 2 * time.Second},
		{"unsorted, with duplicates and holes", []any{5, 3, 1, 1, 7, 4, 2, 3, 10, 5}, []string{"1", "2", "3", "4", "5", "gap 6-6", "7", "gap 8-9", "10"}, 2 * time.Second},
		{"nothing", nil, nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, 2*time.Second))
				elapsed(t, tt.took, func() {
					checkError(t, nexmo.Replay(t.Context(), c, scripted(tt.steps...), conA, 0), nil)
				})
				j.is(t, tt.want...) // Replay has returned: everything is handled
			})
		})
	}
}

// Replay returns when all is handled, with the errors of what it handed over.
func TestContract01_ReplayJoinsErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		errs := map[nexmo.EventID]error{3: errBoom, 5: errOther}
		fail := func(_ context.Context, e *nexmo.Event) error { return errs[e.ID] }

		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		c.On(nexmo.EventAny, fail)
		err := nexmo.Replay(t.Context(), c, scripted(3, 5, 5, 3, 1, 2, 4, 6), conA, 0)
		checkError(t, err, errBoom)
		checkError(t, err, errOther)
		for _, id := range []string{"event 3:", "event 5:"} {
			if n := strings.Count(fmt.Sprint(err), id); n != 1 {
				t.Errorf("the error names %q %d times: %v", id, n, err)
			}
		}
		j.is(t, "1", "2", "3", "4", "5", "6")

		// It stops where dst or src fails, and still waits for the rest.
		var k journal
		c = newConA(&k, nexmo.WithStart(1), nexmo.WithReorderWindow(64, time.Second))
		c.On(nexmo.EventAny, fail)
		elapsed(t, time.Second, func() {
			err = nexmo.Replay(t.Context(), c, scripted(1, 2, 5, 3, 4), conA, 0)
		})
		checkError(t, err, errBoom)
		checkError(t, err, errOther)
		k.is(t, "1", "2", "3", "gap 4-4", "5")
		elapsed(t, time.Second, func() {
			err = nexmo.Replay(t.Context(), c, scripted(8, errBoom, 7), conA, 0)
		})
		checkError(t, err, errBoom)
		k.is(t, "1", "2", "3", "gap 4-4", "5", "gap 6-7", "8")
	})
}

// A nil event, which no Source should yield, ends a Replay with an error.
func TestContract01_ReplayOfNil(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation(conA)
	if err := nexmo.Replay(t.Context(), c, scripted(1, (*nexmo.Event)(nil)), conA, 0); err == nil {
		t.Error("Replay of a nil event returned nil")
	}
}

// When ctx ends, Replay returns; what it handed over stays handed over.
func TestContract01_ReplayReturnsWhenCtxEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, time.Minute))
		c.On(nexmo.EventAny, func(ctx context.Context, _ *nexmo.Event) error { return ctx.Err() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		elapsed(t, time.Second, func() {
			checkError(t, nexmo.Replay(ctx, c, scripted(3, 2), conA, 0), context.DeadlineExceeded)
		})
		mustDeliver(t, c, 1)
		j.is(t, "1", "2", "3")
		mustDeliver(t, c, 2, 3) // duplicates: their handlers were not given a ctx that had ended
		j.is(t, "1", "2", "3")
	})
}

// A stream does not wait behind its own gap either when there are events of
// others in front of the gap, which are due.
func TestContract01_StreamBehindDueEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		c := newConA(&j)
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 4 {
				<-release
			}
			return nil
		})
		fourth := beginDeliver(t.Context(), c, numbered(4))
		fourth.waits(t)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		fifth.waits(t)
		elapsed(t, time.Second, func() {
			time.AfterFunc(time.Second, func() { close(release) })
			checkError(t, nexmo.Replay(t.Context(), c, scripted(9, 6, 7, 8), conA, 0), nil)
		})
		fourth.returns(t, nil)
		fifth.returns(t, nil)
		j.is(t, "4", "5", "6", "7", "8", "9")
	})
}

// Nor when the gap opens because somebody withdraws an event in front.
func TestContract01_StreamWhenGapOpens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		c := newConA(&j)
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 1 {
				<-release
			}
			return nil
		})
		first := beginDeliver(t.Context(), c, numbered(1))
		first.waits(t)
		ctx, cancel := context.WithCancel(t.Context())
		second := beginDeliver(ctx, c, numbered(2))
		second.waits(t)
		replay := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(3, 2), conA, 0) })
		replay.waits(t)
		cancel()
		second.returns(t, context.Canceled)
		close(release)
		first.returns(t, nil)
		replay.returns(t, nil)
		j.is(t, "1", "2", "3")
	})
}

// Two streams with the same events each wait for their outcome, whichever of
// them, or whoever else, delivered an event first.
func TestContract01_StreamsShareEvents(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{nil, errBoom} {
		t.Run(fmt.Sprint(fail), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				release := make(chan struct{})
				c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, time.Hour))
				c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
					if e.ID == 3 {
						<-release
						return fail
					}
					return nil
				})
				ctx, cancel := context.WithCancel(t.Context())
				calls := []pending{beginDeliver(ctx, c, numbered(3))}
				synctest.Wait()
				for range 2 {
					calls = append(calls, begin(func() error { return nexmo.Replay(t.Context(), c, scripted(3), conA, 0) }))
					synctest.Wait()
				}
				cancel() // the streams keep the event
				calls[0].returns(t, context.Canceled)
				calls[0] = beginDeliver(t.Context(), c, numbered(3))
				// A handler's event is handed over as well, and has nobody who waits.
				nested := nexmo.NewConversation(conB)
				nested.On(nexmo.EventAny, func(ctx context.Context, _ *nexmo.Event) error { return c.Deliver(ctx, numbered(3)) })
				checkError(t, nested.Deliver(t.Context(), numberedIn(conB, 1)), nil)
				for _, p := range calls {
					p.waits(t)
				}
				last := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(1, 2), conA, 0) })
				for _, p := range calls {
					p.waits(t)
				}
				close(release)
				for _, p := range calls {
					p.returns(t, fail)
				}
				last.returns(t, nil)
				j.is(t, "1", "2", "3")
			})
		})
	}
}

// A stream waits once as many events are held back as the window allows: what it
// hands over is bounded.
func TestContract01_StreamIsHeldBackByTheWindow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		c := newConA(&j, nexmo.WithReorderWindow(4, time.Hour))
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 1 {
				<-release
			}
			return nil
		})
		first := beginDeliver(t.Context(), c, numbered(1))
		first.waits(t)
		taken := 0
		replay := begin(func() error {
			return nexmo.Replay(t.Context(), c, &shelf{read: func(_ context.Context, _ nexmo.EventID, yield func(*nexmo.Event, error) bool) {
				for id := nexmo.EventID(3); id < 1000; id++ {
					taken++
					if !yield(numbered(id), nil) {
						return
					}
				}
			}}, conA, 0)
		})
		replay.waits(t)
		if taken > 4+1 {
			t.Errorf("%d events were taken from the stream while a handler ran, want 5 at most", taken)
		}
		close(release)
		first.returns(t, nil)
		replay.returns(t, nil)
		if got := c.LastEventID(); got != 999 {
			t.Errorf("the last event is %d, want 999", got)
		}
	})
}

// The stream ends with its Replay: what a handler delivers later, with the ctx it
// was given, is waited for.
func TestContract01_StreamEndsWithItsReplay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var kept context.Context
		c := newConA(&j, nexmo.WithStart(1))
		c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			if e.ID == 1 {
				kept = ctx
			}
			return nil
		})
		checkError(t, nexmo.Replay(t.Context(), c, scripted(1), conA, 0), nil)
		third := beginDeliver(kept, c, numbered(3))
		third.waits(t)
		mustDeliver(t, c, 2)
		third.returns(t, nil)
		j.is(t, "1", "2", "3")
	})
}

// "Events of one conversation are never handled concurrently; those of different
// conversations may be".
func TestContract02_NeverConcurrentWithinAConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const streams, each = 8, 50
		inside, handled := 0, 0 // without a lock: the race detector is to see none missing
		source := stored()
		source.read = func(_ context.Context, _ nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			time.Sleep(time.Millisecond)
			_ = yield(nil, errBoom)
		}
		app := nexmo.NewApplication("", nexmo.WithReorderWindow(8, 10*time.Millisecond), nexmo.WithSource(source))
		app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
			if inside++; inside != 1 {
				t.Error("two events of one conversation are handled at the same time")
			}
			time.Sleep(time.Millisecond)
			return nil
		})
		app.Conversation(conA).On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			time.Sleep(time.Millisecond)
			inside--
			handled++
			if e.ID%7 == 0 {
				panic("seven")
			}
			return nil
		})
		var wg sync.WaitGroup
		for s := range streams {
			wg.Go(func() {
				for i := range each {
					e := numbered(nexmo.EventID(1 + i*streams + s))
					switch e.ID % 11 {
					case 0:
						continue // lost
					case 1:
						e = typingBy("MEM-1")
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					_ = app.Deliver(ctx, e)
					cancel()
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if lost := streams * each / 11; handled < streams*each-lost {
			t.Errorf("%d events were handled, want %d", handled, streams*each-lost)
		}
	})
}

// See TestContract02_NeverConcurrentWithinAConversation: the handlers of two
// conversations wait for each other here.
func TestContract02_ConversationsRunConcurrently(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("")
		meet := make(chan string)
		app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			select {
			case meet <- e.ConversationID:
			case <-meet:
			}
			return nil
		})
		a, b := beginDeliver(t.Context(), app, numberedIn(conA, 1)), beginDeliver(t.Context(), app, numberedIn(conB, 1))
		a.returns(t, nil)
		b.returns(t, nil)
	})
}

func membership(typ nexmo.EventType, id nexmo.EventID, member string) *nexmo.Event {
	e := &nexmo.Event{ID: id, Type: typ, ConversationID: conA, From: member}
	m := nexmo.Membership{MemberID: member, User: nexmo.User{ID: "USR-" + member, Name: "name of " + member}}
	switch typ {
	case nexmo.EventMemberInvited:
		e.Body = &nexmo.MemberInvited{Membership: m}
	case nexmo.EventMemberJoined:
		e.Body = &nexmo.MemberJoined{Membership: m}
	default:
		e.Body = &nexmo.MemberLeft{Membership: m}
	}
	return e
}

// "Members and conversation state are as they are after the event when its
// handlers run".
func TestContract03_StateIsAsAfterTheEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := nexmo.NewConversation(conA, nexmo.WithStart(1), nexmo.WithHistory(10))
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			m, _ := c.Member("M")
			kept := slices.Collect(maps.Keys(maps.Collect(c.Events())))
			slices.Sort(kept)
			j.add("%d: %s, %q, %v, after %d", e.ID, m.State, c.Info().Name, kept, c.LastEventID())
			if e.ID == 2 && len(kept) == 2 {
				return errBoom
			}
			return nil
		})
		// They come in any order; what is held back has not happened yet.
		left := beginDeliver(t.Context(), c, membership(nexmo.EventMemberLeft, 4, "M"))
		left.waits(t)
		renamed := beginDeliver(t.Context(), c, &nexmo.Event{
			ID: 3, Type: nexmo.EventConversationUpdated, ConversationID: conA,
			Body: &nexmo.ConversationUpdated{ConversationDetails: nexmo.ConversationDetails{Name: "new"}},
		})
		renamed.waits(t)
		if _, ok := c.Member("M"); ok {
			t.Error("a member is known from an event that is held back")
		}
		checkError(t, c.Deliver(t.Context(), membership(nexmo.EventMemberInvited, 1, "M")), nil)
		joined := membership(nexmo.EventMemberJoined, 2, "M")
		checkError(t, c.Deliver(t.Context(), joined), errBoom)
		renamed.returns(t, nil)
		left.returns(t, nil)
		// An event that is handled again, or comes again, changes nothing again.
		checkError(t, c.Deliver(t.Context(), joined), nil)
		checkError(t, c.Deliver(t.Context(), joined), nil)
		checkError(t, c.Deliver(t.Context(), typingBy("N")), nil)
		j.is(t,
			`1: INVITED, "", [1], after 0`,
			`2: JOINED, "", [1 2], after 1`,
			`3: JOINED, "new", [1 2 3], after 1`,
			`4: LEFT, "new", [1 2 3 4], after 3`,
			`2: LEFT, "new", [1 2 3 4], after 4`,
			`0: LEFT, "new", [1 2 3 4], after 4`)
		if m, _ := c.Member("N"); !m.Typing {
			t.Error("an event without an ID did not change the member")
		}
	})
}

// "An event with an ID is handled at most once per conversation unless its
// handlers failed: an event whose handlers returned an error or panicked is not
// a duplicate when it is delivered again. Nothing else is handled twice".
func TestContract04_HandledAtMostOnceUnlessItFailed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		fail func() error // nil: it does not
		want string       // of the first Deliver
	}{
		{"handled", nil, ""},
		{"error", func() error { return errBoom }, "boom"},
		{"panic", func() error { panic("whatever") }, "nexmo: a handler panicked: whatever"},
		{"exit", func() error { runtime.Goexit(); return nil }, "exit"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for id := range nexmo.EventID(3) { // in front, late, without an ID
					var j journal
					c := newConA(&j)
					mustDeliver(t, c, 2)
					failing := tt.fail != nil
					c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
						if failing {
							failing = false
							return tt.fail()
						}
						return nil
					})
					e := numbered([]nexmo.EventID{3, 1, 0}[id])
					got := make(chan string, 1)
					go func() {
						result := "exit"
						defer func() { got <- result }()
						if err := c.Deliver(t.Context(), e); err != nil {
							result = err.Error()
						} else {
							result = ""
						}
					}()
					if diff := cmp.Diff(tt.want, <-got); diff != "" {
						t.Errorf("the first Deliver (-want +got):\n%s", diff)
					}
					for range 3 {
						checkError(t, c.Deliver(t.Context(), e), nil)
					}
					mustDeliver(t, c, 2)
					want := 1
					switch {
					case e.ID == 0:
						want = 4 // it cannot be told from another one
					case tt.fail != nil:
						want = 2
					}
					if got := len(j.entries) - 1; got != want {
						t.Errorf("event %d was handled %d times, want %d", e.ID, got, want)
					}
				}
			})
		})
	}
}

// A duplicate that comes while the first is being handled, or held back, waits
// for it and has the same outcome; whoever delivers it, and however many.
func TestContract04_DuplicatesShareTheOutcome(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{nil, errBoom} {
		for _, held := range []bool{false, true} {
			t.Run(fmt.Sprintf("%v, held back %v", fail, held), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var j journal
					c := newConA(&j, nexmo.WithStart(1))
					release := make(chan struct{})
					first := true
					c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
						if e.ID == 2 && first {
							first = false
							<-release
							return fail
						}
						return nil
					})
					if !held {
						mustDeliver(t, c, 1)
					}
					var calls []pending
					for range 20 {
						calls = append(calls, beginDeliver(t.Context(), c, numbered(2)))
					}
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					defer cancel()
					synctest.Wait()
					impatient := beginDeliver(ctx, c, numbered(2))
					for _, p := range calls {
						p.waits(t)
					}
					time.Sleep(time.Second)
					impatient.returns(t, context.DeadlineExceeded)
					if held {
						mustDeliver(t, c, 1)
						// More of them while it runs.
						for range 20 {
							calls = append(calls, beginDeliver(t.Context(), c, numbered(2)))
						}
					}
					for _, p := range calls {
						p.waits(t)
					}
					close(release)
					for _, p := range calls {
						p.returns(t, fail)
					}
					j.is(t, "1", "2")
					mustDeliver(t, c, 2, 2)
					if fail == nil {
						j.is(t, "1", "2")
					} else {
						j.is(t, "1", "2", "2")
					}
				})
			})
		}
	}
}

// Duplicates from several goroutines, all at once, are handled once each.
func TestContract04_DuplicatesFromSeveralGoroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const last = 200
		var j journal
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(last, time.Hour))
		var want []string
		var wg sync.WaitGroup
		for id := nexmo.EventID(1); id <= last; id++ {
			want = append(want, fmt.Sprint(id))
			for range 4 {
				wg.Go(func() { mustDeliver(t, c, id) })
			}
		}
		wg.Wait()
		j.is(t, want...)
	})
}

// The error of a handler that ended its goroutine reaches those who wait for the
// outcome, and the conversation goes on.
func TestContract04_HandlerEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		exit := true
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 2 && exit {
				exit = false
				time.Sleep(time.Second)
				runtime.Goexit()
			}
			return nil
		})
		owner := beginDeliver(t.Context(), c, numbered(2))
		owner.waits(t)
		duplicate := beginDeliver(t.Context(), c, numbered(2))
		behind := beginDeliver(t.Context(), c, numbered(3))
		duplicate.waits(t)
		mustDeliver(t, c, 1)
		duplicate.waits(t)
		time.Sleep(time.Second)
		synctest.Wait()
		if err := <-duplicate; err == nil {
			t.Error("a duplicate of an event whose handler ended its goroutine returned nil")
		}
		behind.returns(t, nil)
		owner.waits(t) // it never returns
		mustDeliver(t, c, 2, 4)
		j.is(t, "1", "2", "3", "2", "4")
	})
}

// "IDs are handled in rising order. A gap is held back until the missing events
// come, …".
func TestContract05_IDsAreHandledInRisingOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		var calls []pending
		var want []string
		for i := range 60 {
			want = append(want, fmt.Sprint(i+1))
			calls = append(calls, beginDeliver(t.Context(), c, numbered(nexmo.EventID(60-i))))
			synctest.Wait()
		}
		for _, p := range calls {
			p.returns(t, nil)
		}
		j.is(t, want...)
	})
}

// "… are fetched once from the Source, …; what stays missing is reported as a
// Gap, and never waited for twice".
func TestContract05_SourceIsAskedOnceForAGap(t *testing.T) {
	t.Parallel()
	const grace, wait = 100 * time.Millisecond, 2 * time.Second
	for _, tt := range []struct {
		name   string
		source *shelf
		want   []string // after 1 was handled; then 6 comes, and then the others
		took   time.Duration
		more   []string
	}{
		{"has all", stored(1, 2, 3, 4, 5, 6, 7), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"has nothing", scripted(), []string{"gap 2-5", "6"}, wait, []string{"2", "3", "4", "5"}},
		{"ends early", stored(2, 3), []string{"2", "3", "gap 4-5", "6"}, wait, []string{"4", "5"}},
		{"fails", scripted(errBoom), []string{"gap 2-5", "6"}, wait, []string{"2", "3", "4", "5"}},
		{"fails on the way", scripted(2, 3, errBoom, 4, 5), []string{"2", "3", "gap 4-5", "6"}, wait, []string{"4", "5"}},
		{"has holes", stored(3, 5, 6), []string{"gap 2-2", "3", "gap 4-4", "5", "6"}, grace, []string{"2", "4"}},
		{"has a hole at the end", stored(2, 3, 7), []string{"2", "3", "gap 4-5", "6"}, grace, []string{"4", "5"}},
		{"has nothing but later ones", stored(8, 9), []string{"gap 2-5", "6"}, grace, []string{"2", "3", "4", "5"}},
		{"panics", scripted(func() { panic("source") }), []string{"gap 2-5", "6"}, wait, []string{"2", "3", "4", "5"}},
		{"panics on the way", scripted(2, 3, func() { panic("source") }), []string{"2", "3", "gap 4-5", "6"}, wait, []string{"4", "5"}},
		{"yields duplicates", scripted(1, 1, 2, 2, 3, 1, 4, 5, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"is not sorted", scripted(3, 2, 5, 4), []string{"gap 2-2", "3", "2", "gap 4-4", "5", "6"}, grace, []string{"4"}},
		{"yields nil", scripted(2, (*nexmo.Event)(nil), 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"yields events of another conversation", scripted(2, numberedIn(conB, 3), numberedIn(conB, 100), 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"yields an ID out of range", scripted(2, numbered(math.MaxInt64), 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"yields events without an ID", scripted(0, 2, 0, 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"is slow", scripted(2, func() { time.Sleep(time.Second) }, 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace + time.Second, nil},
		{"is too slow", scripted(2, func(ctx context.Context) { <-ctx.Done() }, errBoom), []string{"2", "gap 3-5", "6"}, grace + wait, []string{"3", "4", "5"}},
		{"goes on when told to stop", &shelf{read: func(_ context.Context, _ nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			for id := nexmo.EventID(2); id < 10; id++ {
				_ = yield(numbered(id), nil)
			}
		}}, []string{"2", "3", "4", "5", "6"}, grace, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithReorderWindow(64, wait), nexmo.WithSource(tt.source))
				mustDeliver(t, c, 1)
				elapsed(t, tt.took, func() { mustDeliver(t, c, 6) })
				tt.source.is(t, "after 1")
				want := append([]string{"1"}, tt.want...)
				j.is(t, want...)

				// Nobody waits for what was missing, and when it comes it is handled.
				elapsed(t, 0, func() { mustDeliver(t, c, 7, 2, 3, 4, 5, 2, 3, 4, 5) })
				want = append(append(want, "7"), tt.more...)
				j.is(t, want...)
				tt.source.is(t, "after 1")

				// The next gap is another one.
				later := beginDeliver(t.Context(), c, numbered(100))
				time.Sleep(time.Minute)
				later.returns(t, nil)
				tt.source.is(t, "after 1", "after 7")
			})
		})
	}
}

// A Source that never returns, and does not look at its ctx, holds nobody up for
// longer than the window does.
func TestContract05_SourceNeverReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		defer close(release)
		c := newConA(&j, nexmo.WithReorderWindow(2, 10*time.Second), nexmo.WithSource(scripted(func() { <-release })))
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(time.Second)
		checkError(t, c.Deliver(t.Context(), typingBy("typing")), nil) // passes straight through
		mustDeliver(t, c, 2)
		fifth.waits(t)
		elapsed(t, 9*time.Second, func() { checkError(t, <-fifth, nil) })
		j.is(t, "1", "typing", "2", "gap 3-4", "5")

		// What is given up counts from now on as it does without a Source.
		tenth := beginDeliver(t.Context(), c, numbered(10))
		eleventh := beginDeliver(t.Context(), c, numbered(11))
		tenth.waits(t)
		elapsed(t, 0, func() { mustDeliver(t, c, 12) })
		tenth.returns(t, nil)
		eleventh.returns(t, nil)
		j.is(t, "1", "typing", "2", "gap 3-4", "5", "gap 6-9", "10", "11", "12")
	})
}

// The Source is waited for as long as it goes on: pages that take their time, and
// handlers that do, are no reason to give up what it has.
func TestContract05_SourceGoesOn(t *testing.T) {
	t.Parallel()
	paged := func(events int, size int, each time.Duration) *shelf {
		return &shelf{read: func(ctx context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			for id := after + 1; int(id) <= events; id++ {
				if int(id-after)%size == 1 {
					time.Sleep(each)
				}
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
					return
				}
				if !yield(numbered(id), nil) {
					return
				}
			}
		}}
	}
	for _, tt := range []struct {
		name     string
		source   *shelf
		last     nexmo.EventID
		handling time.Duration
	}{
		{"many pages", paged(5000, 100, 150*time.Millisecond), 5000, 0},
		{"slow handlers", paged(60, 20, 150*time.Millisecond), 60, 100 * time.Millisecond},
		{"very slow handlers", paged(9, 2, time.Second), 9, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithStart(1), nexmo.WithSource(tt.source))
				c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { time.Sleep(tt.handling); return nil })
				mustDeliver(t, c, tt.last)
				var want []string
				for id := range tt.last {
					want = append(want, fmt.Sprint(id+1))
				}
				j.is(t, want...)
			})
		})
	}
}

// A gap behind the one that is being fetched is neither given up before its turn nor
// forgotten.
func TestContract05_GapBehindAFetchedOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
		c := newConA(&j, nexmo.WithSource(source))
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 2 {
				time.Sleep(3 * time.Second)
			}
			return nil
		})
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		synctest.Wait()
		twelfth := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(12), conA, 0) })
		time.Sleep(time.Minute)
		fifth.returns(t, nil)
		twelfth.returns(t, nil)
		j.is(t, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12")
		source.is(t, "after 1", "after 5")
	})
}

// What the list has left out does not exist, also when the event in front of it in
// the list was held already.
func TestContract05_ListedWhileOthersAreHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithSource(stored(1, 3, 6, 7, 8, 9, 10)))
		release := make(chan struct{})
		c.On(nexmo.EventTextTypingOn, func(context.Context, *nexmo.Event) error { <-release; return nil })
		mustDeliver(t, c, 1)
		third := beginDeliver(t.Context(), c, numbered(3))
		synctest.Wait()
		tenth := beginDeliver(t.Context(), c, numbered(10))
		time.Sleep(50 * time.Millisecond)
		busy := beginDeliver(t.Context(), c, typingBy("typing"))
		time.Sleep(100 * time.Millisecond)
		close(release)
		time.Sleep(100 * time.Millisecond) // the gap behind 3 is a new one
		for _, p := range []pending{busy, third, tenth} {
			p.returns(t, nil)
		}
		j.is(t, "1", "typing", "gap 2-2", "3", "gap 4-5", "6", "7", "8", "9", "10")
	})
}

// However short the window, the Source is given a second; no event of the gap is
// taken twice, and what comes after the gap was given up is handled.
func TestContract05_SourceIsGivenASecond(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		sleep time.Duration
		want  []string
		took  time.Duration
	}{
		{"in time", 900 * time.Millisecond, []string{"1", "2", "3", "4", "5"}, 900 * time.Millisecond},
		{"too late", 1100 * time.Millisecond, []string{"1", "2", "gap 3-4", "5", "3", "4"}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				source := scripted(2, func() { time.Sleep(tt.sleep) }, 3, 4)
				c := newConA(&j, nexmo.WithReorderWindow(0, 0), nexmo.WithSource(source))
				mustDeliver(t, c, 1)
				elapsed(t, tt.took, func() { mustDeliver(t, c, 5) })
				time.Sleep(time.Minute)
				j.is(t, tt.want...)
			})
		})
	}
}

// What the handlers of fetched events, and of events that fetched ones made due,
// deliver behind a gap does not keep the Source from being read on, however much is
// held back already.
func TestContract05_FetchedEventsDeliverBehindTheGap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		from, deliver nexmo.EventID // the handler of the one delivers the other
		want          []string
	}{
		{"another event", 2, 50, []string{"1", "2", "3", "4", "gap 5-5", "6", "gap 7-7", "8", "gap 9-29", "30", "31", "gap 32-49", "50"}},
		{"a held one", 2, 30, []string{"1", "2", "3", "4", "gap 5-5", "6", "gap 7-7", "8", "gap 9-29", "30", "31"}},
		{"from one that was handed over", 6, 50, []string{"1", "2", "3", "4", "gap 5-5", "6", "gap 7-7", "8", "gap 9-29", "30", "31", "gap 32-49", "50"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithReorderWindow(1, time.Second), nexmo.WithSource(stored(2, 3, 4, 8)))
				c.On(nexmo.EventText, func(ctx context.Context, e *nexmo.Event) error {
					if e.ID == tt.from {
						return c.Deliver(ctx, numbered(tt.deliver))
					}
					return nil
				})
				mustDeliver(t, c, 1)
				replay := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(6), conA, 0) })
				replay.waits(t)
				calls := []pending{replay}
				for _, id := range []nexmo.EventID{30, 31} {
					calls = append(calls, beginDeliver(t.Context(), c, numbered(id)))
					synctest.Wait()
				}
				time.Sleep(time.Minute)
				for _, call := range calls {
					call.returns(t, nil)
				}
				j.is(t, tt.want...)
			})
		})
	}
}

// Close ends the reading of the Source.
func TestContract05_CloseWhileTheSourceIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		logged := new(logbook)
		source := scripted(2, func(ctx context.Context) { <-ctx.Done() }, 3, errBoom)
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, time.Hour), nexmo.WithLogger(slog.New(logged)))
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(time.Second)
		fifth.waits(t)
		elapsed(t, 0, func() { checkError(t, c.Close(), nil) })
		fifth.returns(t, nil)
		j.is(t, "1", "2", "gap 3-4", "5")
		if n := logged.count(slog.LevelWarn); n != 1 {
			t.Errorf("%d warnings, want the one of the gap", n)
		}
	})
}

// What is fetched is handled with the values of the ctx of the event behind the
// gap, but is part of none of its deliveries: neither its end nor its stream.
func TestContract05_FetchedEventsStandAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		logged := new(logbook)
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithSource(stored(1, 2)), nexmo.WithLogger(slog.New(logged)))
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), contextKey("of"), "third"), time.Second)
		defer cancel()
		c.On(nexmo.EventAny, func(hctx context.Context, e *nexmo.Event) error {
			if e.ID > 2 {
				return nil
			}
			if got := hctx.Value(contextKey("of")); got != "third" {
				t.Errorf("the value in the ctx is %v", got)
			}
			time.Sleep(time.Second)
			if hctx.Err() != nil {
				t.Error("the ctx of a handler has ended")
			}
			return errBoom
		})
		replay := begin(func() error { return nexmo.Replay(ctx, c, scripted(3), conA, 0) })
		time.Sleep(time.Minute)
		replay.returns(t, context.DeadlineExceeded)
		j.is(t, "1", "2", "3")
		if n := logged.count(slog.LevelError); n != 2 {
			t.Errorf("%d errors are logged, want 2", n)
		}
	})
}

// A Source, or a function for gaps, that ends its goroutine takes nothing but
// the call of Deliver with it.
func TestContract05_SourceEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opt  nexmo.ConversationOption
	}{
		{"Source", nexmo.WithSource(scripted(2, func() { runtime.Goexit() }))},
		{"gap", nexmo.WithGapFunc(func(context.Context, nexmo.Gap) { runtime.Goexit() })},
		{"Logger", nexmo.WithLogger(slog.New(&logbook{hook: runtime.Goexit}))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, tt.opt)
				mustDeliver(t, c, 1)
				gone := beginDeliver(t.Context(), c, numbered(5))
				time.Sleep(time.Minute)
				if tt.name == "Source" { // it has a goroutine of its own
					gone.returns(t, nil)
				} else {
					gone.waits(t)
				}
				finish := begin(func() error { mustDeliver(t, c, 2, 3, 4, 5, 6); return nil })
				time.Sleep(time.Minute)
				finish.returns(t, nil)
				seen := slices.Clone(j.entries)
				slices.Sort(seen)
				seen = slices.DeleteFunc(seen, func(s string) bool { return strings.HasPrefix(s, "gap") })
				if diff := cmp.Diff([]string{"1", "2", "3", "4", "5", "6"}, seen); diff != "" {
					t.Errorf("handled (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// A panic of the function for gaps, or of the logger, leaves the conversation in
// order.
func TestContract05_GapFuncPanics(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opt  nexmo.ConversationOption
	}{
		{"gap", nexmo.WithGapFunc(func(context.Context, nexmo.Gap) { panic("gap") })},
		{"Logger", nexmo.WithLogger(slog.New(&logbook{hook: func() { panic("log") }}))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, tt.opt, nexmo.WithStart(1), nexmo.WithReorderWindow(0, 0))
				deliver := func(id nexmo.EventID) {
					defer func() { _ = recover() }() // who gives a logger that panics may see it
					_ = c.Deliver(t.Context(), numbered(id))
				}
				deliver(3)
				finish := begin(func() error { deliver(3); deliver(2); deliver(4); return nil })
				finish.returns(t, nil)
				seen := slices.DeleteFunc(slices.Clone(j.entries), func(s string) bool { return strings.HasPrefix(s, "gap") })
				if diff := cmp.Diff([]string{"3", "2", "4"}, seen); diff != "" {
					t.Errorf("handled (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Missing events that come by themselves while the Source is being read are
// handled once, and by those who delivered them.
func TestContract05_MissingEventsComeWhileTheSourceIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		source := scripted(func() { <-release }, 2, 3, 4)
		c := newConA(&j, nexmo.WithSource(source))
		c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			if v := ctx.Value(contextKey("of")); v != nil && v != e.ID {
				t.Errorf("event %d is handled with the ctx of %d", e.ID, v)
			}
			if e.ID == 3 {
				return errBoom
			}
			return nil
		})
		of := func(id nexmo.EventID) context.Context { return context.WithValue(t.Context(), contextKey("of"), id) }
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(time.Second)
		second, third := beginDeliver(of(2), c, numbered(2)), beginDeliver(of(3), c, numbered(3))
		fifth.waits(t)
		close(release)
		fifth.returns(t, nil)
		second.returns(t, nil)
		third.returns(t, errBoom)
		j.is(t, "1", "2", "3", "4", "5")
	})
}

// The ctx of a caller that ends while the Source is read for all does not use up
// the one time that it is asked.
func TestContract05_CallerGivesUpWhileTheSourceIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := scripted(func(ctx context.Context) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}, 2, 3)
		whole := source.read
		source.read = func(ctx context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			whole(ctx, after, func(e *nexmo.Event, err error) bool {
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
					return false
				}
				return yield(e, err)
			})
		}
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, 10*time.Second))
		mustDeliver(t, c, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		impatient := beginDeliver(ctx, c, numbered(4))
		synctest.Wait()
		patient := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(5 * time.Second)
		<-impatient //nolint:errcheck // with either outcome: it may have been its turn in time
		mustDeliver(t, c, 4)
		patient.returns(t, nil)
		j.is(t, "1", "2", "3", "4", "5")
	})
}

// "… or the window (events or time) passes; what stays missing is reported as a
// Gap": exactly, once, and before the event behind it.
func TestContract05_WindowOfEvents(t *testing.T) {
	t.Parallel()
	for _, window := range []int{0, 1, 4, 64} {
		t.Run(fmt.Sprint(window), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithStart(3), nexmo.WithReorderWindow(window, time.Hour))
				var calls []pending
				want := []string{"gap 3-9"}
				for i := range window {
					calls = append(calls, beginDeliver(t.Context(), c, numbered(nexmo.EventID(10+i))))
					want = append(want, fmt.Sprint(10+i))
				}
				for _, p := range calls {
					p.waits(t)
				}
				j.is(t) // nothing yet
				elapsed(t, 0, func() { mustDeliver(t, c, nexmo.EventID(10+window)) })
				for _, p := range calls {
					p.returns(t, nil)
				}
				want = append(want, fmt.Sprint(10+window))
				j.is(t, want...)
			})
		})
	}
}

// See TestContract05_WindowOfEvents. No event is held back for longer than the
// window says, however many gaps there are in front of it.
func TestContract05_WindowOfTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, 2*time.Second))
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Second / 10)
				elapsed(t, 2*time.Second, func() { mustDeliver(t, c, nexmo.EventID(3*i+3)) })
			})
		}
		wg.Wait()
		j.is(t, "gap 1-2", "3", "gap 4-5", "6", "gap 7-8", "9", "gap 10-11", "12", "gap 13-14", "15",
			"gap 16-17", "18", "gap 19-20", "21", "gap 22-23", "24", "gap 25-26", "27", "gap 28-29", "30")
	})
}

// A part of a gap that comes does not make the rest of it be waited for longer.
func TestContract05_PartOfAGapComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, 2*time.Second))
		start := time.Now()
		ninth := beginDeliver(t.Context(), c, numbered(9))
		time.Sleep(1500 * time.Millisecond)
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		checkError(t, <-ninth, nil)
		checkError(t, <-fifth, nil)
		if got := time.Since(start); got != 2*time.Second {
			t.Errorf("the event was held back for %v, want 2s", got)
		}
		j.is(t, "1", "gap 2-4", "5", "gap 6-8", "9")
	})
}

// When the event that showed a gap is withdrawn, and a later one shows a larger
// gap, the Source is asked for all of it.
func TestContract05_GapGrows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored()
		c := newConA(&j, nexmo.WithSource(source))
		mustDeliver(t, c, 1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		checkError(t, c.Deliver(ctx, numbered(3)), context.DeadlineExceeded)
		source.is(t, "after 1")
		time.Sleep(time.Minute)
		source.read = stored(2, 3, 4, 5, 6).read
		elapsed(t, 100*time.Millisecond, func() { mustDeliver(t, c, 6) })
		j.is(t, "1", "2", "3", "4", "5", "6")
	})
}

// "An event that arrives after its gap was given up is still handled, once".
func TestContract05_LateEventIsHandledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		mustDeliver(t, c, 4)
		fail := true
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if fail && e.ID == 2 {
				fail = false
				return errBoom
			}
			return nil
		})
		checkError(t, c.Deliver(t.Context(), numbered(2)), errBoom)
		mustDeliver(t, c, 2, 2, 3, 2, 3, 1, 1)
		j.is(t, "gap 1-3", "4", "2", "2", "3", "1")
		if got := c.LastEventID(); got != 4 {
			t.Errorf("LastEventID is %d, want 4", got)
		}
	})
}

// "The first event seen sets the baseline unless WithStart or Sync did. An event
// below the baseline that was never handled is handled when it arrives, once".
func TestContract06_Baseline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opts []nexmo.ConversationOption
		sync bool
		ids  []nexmo.EventID
		want []string
		took time.Duration
	}{
		{"first event", nil, false, []nexmo.EventID{7, 8, 5, 6, 5, 7}, []string{"7", "8", "5", "6"}, 0},
		{"WithStart, the event itself", []nexmo.ConversationOption{nexmo.WithStart(7)}, false, []nexmo.EventID{7, 8}, []string{"7", "8"}, 0},
		{"WithStart, a later event", []nexmo.ConversationOption{nexmo.WithStart(5)}, false, []nexmo.EventID{7, 8}, []string{"gap 5-6", "7", "8"}, 2 * time.Second},
		{"WithStart, an earlier event", []nexmo.ConversationOption{nexmo.WithStart(5)}, false, []nexmo.EventID{3, 5, 3, 4}, []string{"3", "5", "4"}, 0},
		{"Sync", []nexmo.ConversationOption{nexmo.WithSource(stored(3, 4))}, true, []nexmo.EventID{5, 2, 2, 3}, []string{"3", "4", "5", "2"}, 0},
		{"Sync, a gap behind", []nexmo.ConversationOption{nexmo.WithSource(stored(3, 4))}, true, []nexmo.EventID{7}, []string{"3", "4", "gap 5-6", "7"}, 2 * time.Second},
		{"Sync of nothing", []nexmo.ConversationOption{nexmo.WithSource(stored())}, true, []nexmo.EventID{3}, []string{"gap 1-2", "3"}, 2 * time.Second},
		{"WithStart, then Sync", []nexmo.ConversationOption{nexmo.WithStart(4), nexmo.WithSource(stored(3, 4, 6))}, true, []nexmo.EventID{7, 3}, []string{"4", "gap 5-5", "6", "7", "3"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, tt.opts...)
				elapsed(t, tt.took, func() {
					if tt.sync {
						checkError(t, c.Sync(t.Context()), nil)
					}
					mustDeliver(t, c, tt.ids...)
				})
				j.is(t, tt.want...)
			})
		})
	}
}

// The first event with an ID sets the baseline also when it comes while one
// without is being handled.
func TestContract06_BaselineBehindAnEventWithoutID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		c := newConA(&j)
		c.On(nexmo.EventTextTypingOn, func(context.Context, *nexmo.Event) error { <-release; return nil })
		calls := []pending{beginDeliver(t.Context(), c, typingBy("a"))}
		synctest.Wait()
		calls = append(calls, beginDeliver(t.Context(), c, numbered(7)), beginDeliver(t.Context(), c, numbered(8)))
		for _, p := range calls {
			p.waits(t)
		}
		close(release)
		for _, p := range calls {
			p.returns(t, nil)
		}
		mustDeliver(t, c, 5)
		j.is(t, "a", "7", "8", "5")
	})
}

// Sync stops at the event that fails, and goes on there when it is called again.
func TestContract06_SyncGoesOnWhereItFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(1, 2, 3, 5)
		c := newConA(&j, nexmo.WithSource(source))
		fail := errBoom
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 2 {
				return fail
			}
			return nil
		})
		checkError(t, c.Sync(t.Context()), errBoom)
		j.is(t, "1", "2")
		fail = nil
		elapsed(t, 0, func() { checkError(t, c.Sync(t.Context()), nil) })
		j.is(t, "1", "2", "2", "3", "gap 4-4", "5")
		checkError(t, c.Sync(t.Context()), nil)
		source.is(t, "after 0", "after 1", "after 5")
		j.is(t, "1", "2", "2", "3", "gap 4-4", "5")

		source.read = scripted((*nexmo.Event)(nil)).read
		if err := c.Sync(t.Context()); err == nil {
			t.Error("Sync returned nil for a Source that yields a nil event")
		}
		source.read = scripted(errOther).read
		checkError(t, c.Sync(t.Context()), errOther)
		checkError(t, nexmo.NewConversation(conA).Sync(t.Context()), nexmo.ErrNoSource)
	})
}

// Sync fills the gap that live events wait behind, without waiting for it.
func TestContract06_SyncFillsOpenGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored()
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, time.Hour))
		mustDeliver(t, c, 1)
		live := beginDeliver(t.Context(), c, numbered(6))
		time.Sleep(time.Second) // the Source was asked, and had nothing yet
		live.waits(t)
		source.read = stored(2, 3, 5, 6, 7).read
		elapsed(t, 0, func() { checkError(t, c.Sync(t.Context()), nil) })
		live.returns(t, nil)
		j.is(t, "1", "2", "3", "gap 4-4", "5", "6", "7")
	})
}

// What a Source says of another conversation says nothing of this one.
func TestContract06_SyncRefusesEventsOfAnotherConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithReorderWindow(64, time.Second), nexmo.WithSource(scripted(numberedIn(conB, 100))))
		mustDeliver(t, c, 1)
		early := beginDeliver(t.Context(), c, numbered(3))
		if err := c.Sync(t.Context()); err == nil {
			t.Error("Sync returned nil for an event of another conversation")
		}
		early.waits(t)
		mustDeliver(t, c, 2)
		early.returns(t, nil)
		j.is(t, "1", "2", "3")
	})
}

// Sync has what was given up handled too, but for what the Source says there is
// not.
func TestContract06_SyncTakesWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored()
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, time.Second))
		mustDeliver(t, c, 4, 9)
		j.is(t, "4", "gap 5-8", "9")
		source.read = stored(1, 2, 3, 4, 6, 7, 9, 10).read
		checkError(t, c.Sync(t.Context()), nil)
		j.is(t, "4", "gap 5-8", "9", "6", "7", "10")
		checkError(t, c.Sync(t.Context()), nil)
		source.is(t, "after 4", "after 4", "after 10")
		mustDeliver(t, c, 5, 8, 8)
		j.is(t, "4", "gap 5-8", "9", "6", "7", "10", "5", "8")
	})
}

// An event that waits behind IDs which the Source leaves out does not hold Sync up.
func TestContract06_SyncMeetsAnEventHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithSource(stored(1, 2, 5, 7)), nexmo.WithReorderWindow(64, time.Hour))
		mustDeliver(t, c, 1)
		seventh := beginDeliver(t.Context(), c, numbered(7))
		synctest.Wait()
		elapsed(t, 0, func() { checkError(t, c.Sync(t.Context()), nil) })
		seventh.returns(t, nil)
		j.is(t, "1", "2", "gap 3-4", "5", "gap 6-6", "7")
	})
}

// "… what was handled is remembered in a bounded window of IDs, and an event
// below that window is logged and treated as handled".
func TestContract06_MemoryIsBounded(t *testing.T) {
	t.Parallel()
	const remembered = 1024
	var j journal
	logged := new(logbook)
	c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(0, 0), nexmo.WithLogger(slog.New(logged)))
	failed := false
	c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		if e.ID == 5000 && !failed {
			failed = true
			return errBoom
		}
		return nil
	})
	checkError(t, c.Deliver(t.Context(), numbered(5000)), errBoom)
	want := []string{"gap 1-4999", "5000"}
	j.is(t, want...)
	warnings := logged.count(slog.LevelWarn)

	// The next is 5001: what is remembered goes back to 3977.
	mustDeliver(t, c, 5001-remembered, 5001-remembered)
	want = append(want, "3977")
	j.is(t, want...)
	if got := logged.count(slog.LevelWarn); got != warnings {
		t.Errorf("%d warnings for an event that is remembered", got-warnings)
	}
	for _, id := range []nexmo.EventID{5000 - remembered, 1, 3000} {
		mustDeliver(t, c, id)
	}
	j.is(t, want...)
	if got := logged.count(slog.LevelWarn) - warnings; got != 3 {
		t.Errorf("%d warnings for 3 events below the window", got)
	}
	found := false
	for _, r := range logged.entries {
		found = found || strings.HasSuffix(r, "event_id=3000")
	}
	if !found {
		t.Errorf("no warning names the event: %q", logged.entries)
	}

	// A failed event is handled again as long as it is remembered.
	mustDeliver(t, c, 5000, 5000)
	want = append(want, "5000")
	// All that is remembered is, over a whole turn of the window.
	for id := nexmo.EventID(5001); id < 5001+2*remembered; id++ {
		mustDeliver(t, c, id)
		want = append(want, fmt.Sprint(id))
	}
	for id := nexmo.EventID(5001 + remembered); id < 5001+2*remembered; id++ {
		mustDeliver(t, c, id)
	}
	j.is(t, want...)
}

// IDs at the ends of their range are no reason to loop or to overflow.
func TestContract06_ExtremeIDs(t *testing.T) {
	t.Parallel()
	const largest = nexmo.EventID(1<<63 - 1)
	var j journal
	c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(0, 0))
	for _, id := range []nexmo.EventID{-1, -largest - 1, largest} {
		if err := c.Deliver(t.Context(), numbered(id)); err == nil {
			t.Errorf("Deliver(%d) returned nil", id)
		}
	}
	mustDeliver(t, c, largest-1, largest-1, largest-2, 1)
	j.is(t, fmt.Sprintf("gap 1-%d", largest-2), fmt.Sprint(largest-1), fmt.Sprint(largest-2))
}

// "Events without an ID (typing, ephemeral, application, knocker) pass straight
// through, in arrival order".
func TestContract07_EventsWithoutIDPassStraightThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		held := beginDeliver(t.Context(), c, numbered(3))
		held.waits(t)
		elapsed(t, 0, func() {
			for _, from := range []string{"a", "b", "a", "a"} { // there are no duplicates
				checkError(t, c.Deliver(t.Context(), typingBy(from)), nil)
			}
		})
		j.is(t, "a", "b", "a", "a")

		// In arrival order also when a handler is in their way.
		release := make(chan struct{})
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 1 {
				<-release
			}
			return nil
		})
		calls := []pending{beginDeliver(t.Context(), c, numbered(1))}
		for i := range 9 {
			synctest.Wait()
			calls = append(calls, beginDeliver(t.Context(), c, typingBy(fmt.Sprint("t", i))))
		}
		for _, p := range calls {
			p.waits(t)
		}
		close(release)
		for _, p := range calls {
			p.returns(t, nil)
		}
		mustDeliver(t, c, 2)
		held.returns(t, nil)
		j.is(t, "a", "b", "a", "a", "1", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "2", "3")
	})
}

// Events of the application belong to no conversation and wait for none.
func TestContract07_ApplicationEventsPassStraightThrough(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("")
		var j journal
		app.OnConversation(func(c *nexmo.Conversation) { j.add("new %s", c.ID()) })
		app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ConversationID != "" {
				time.Sleep(time.Second)
			}
			j.add("%s", e.Type)
			return nil
		})
		busy := beginDeliver(t.Context(), app, numbered(1))
		busy.waits(t)
		for range 2 {
			checkError(t, app.Deliver(t.Context(), &nexmo.Event{Type: nexmo.EventAppKnocking, Body: new(nexmo.AppKnocking)}), nil)
		}
		j.is(t, "new CON-A", "app:knocking", "app:knocking")
		checkError(t, <-busy, nil)
	})
}

// "Handlers may call On, off, Once, Use and Deliver; … off is idempotent and
// takes effect from the next event".
func TestContract08_HandlersChangeHandlers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		to   interface {
			nexmo.Sink
			nexmo.Registrar
			Once(nexmo.EventType, nexmo.Handler) func()
			Use(...nexmo.Middleware)
		}
	}{
		{"EventDispatcher", new(nexmo.EventDispatcher)},
		{"Conversation", nexmo.NewConversation(conA)},
		{"Application", nexmo.NewApplication("")},
		{"Conversation of an Application", nexmo.NewApplication("").Conversation(conA)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var j journal
			note := func(name string) nexmo.Handler {
				return func(_ context.Context, e *nexmo.Event) error { j.add("%s %d", name, e.ID); return nil }
			}
			var offSelf, offNext func()
			tt.to.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
				j.add("first %d", e.ID)
				switch e.ID {
				case 1:
					tt.to.On(nexmo.EventAny, note("added"))
					tt.to.Once(nexmo.EventAny, note("once"))
					offNext()
					offNext()
				case 3:
					tt.to.Use(func(next nexmo.Handler) nexmo.Handler {
						return func(ctx context.Context, e *nexmo.Event) error {
							j.add("(")
							defer j.add(")")
							return next(ctx, e)
						}
					})
				case 4:
					offSelf()
					offSelf()
				}
				return nil
			})
			_ = tt.to.On(nexmo.EventAny, note("second"))
			offNext = tt.to.On(nexmo.EventAny, note("third"))
			offSelf = tt.to.On(nexmo.EventAny, note("self"))
			mustDeliver(t, tt.to, 1, 2, 3, 4, 5)
			offNext()
			offSelf()
			j.is(t,
				"first 1", "second 1", "third 1", "self 1",
				"first 2", "second 2", "self 2", "added 2", "once 2",
				"first 3", "second 3", "self 3", "added 3",
				"(", "first 4", ")", "(", "second 4", ")", "(", "self 4", ")", "(", "added 4", ")",
				"(", "first 5", ")", "(", "second 5", ")", "(", "added 5", ")")
		})
	}
}

// A handler of an Application changes the handlers of the conversation whose event
// it is: from the next event on, as with its own.
func TestContract08_HandlersOfAnApplicationChangeThoseOfTheConversation(t *testing.T) {
	t.Parallel()
	var j journal
	app := nexmo.NewApplication("")
	c := app.Conversation(conA)
	note := func(name string) nexmo.Handler {
		return func(_ context.Context, e *nexmo.Event) error { j.add("%s %d", name, e.ID); return nil }
	}
	off := c.On(nexmo.EventAny, note("first"))
	app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		switch e.ID {
		case 1:
			off()
			c.On(nexmo.EventAny, note("second"))
		case 2:
			c.Use(func(nexmo.Handler) nexmo.Handler { return note("instead") })
		}
		return nil
	})
	mustDeliver(t, app, 1, 2, 3)
	j.is(t, "first 1", "second 2", "instead 3")
}

// Once is for one event, however many goroutines deliver; a handler that failed
// is kept for the next one.
func TestContract08_Once(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d nexmo.EventDispatcher
		var inside, calls, handled atomic.Int32
		d.Once(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if inside.Add(1) != 1 {
				t.Error("the handler runs twice at the same time")
			}
			defer inside.Add(-1)
			time.Sleep(time.Millisecond)
			switch calls.Add(1) {
			case 1:
				return errBoom
			case 2:
				panic("no")
			case 3:
				runtime.Goexit()
			}
			handled.Add(1)
			return nil
		})
		var wg sync.WaitGroup
		for id := range nexmo.EventID(100) {
			wg.Go(func() {
				time.Sleep(time.Duration(id%10) * time.Millisecond)
				_ = d.Deliver(t.Context(), numbered(id+1))
			})
		}
		wg.Wait()
		if handled.Load() != 1 || calls.Load() != 4 {
			t.Errorf("called %d times, of which %d handled the event; want 4 and 1", calls.Load(), handled.Load())
		}
	})
}

// The first middleware is the outermost, and Use wraps the handlers registered
// before and after.
func TestContract08_UseOrder(t *testing.T) {
	t.Parallel()
	var j journal
	mw := func(name string) nexmo.Middleware {
		return func(next nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error {
				j.add("%s(", name)
				defer j.add(")")
				return next(ctx, e)
			}
		}
	}
	app := nexmo.NewApplication("")
	c := app.Conversation(conA)
	c.On(nexmo.EventAny, j.handle)
	c.Use(mw("a"), mw("b"))
	app.Use(mw("app"))
	app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("-"); return nil })
	c.Use(mw("c"))
	c.Once(nexmo.EventAny, j.handle)
	mustDeliver(t, app, 1)
	j.is(t, "app(", "-", ")", "a(", "b(", "c(", "1", ")", ")", ")", "a(", "b(", "c(", "1", ")", ")", ")")
}

// "… and Deliver; what they deliver is queued behind the current event, but for an
// EventDispatcher, which handles it at once. … A
// nested Deliver (recognised by its ctx) returns nil at once; its errors go to
// the logger and to the outer caller".
func TestContract08_NestedDeliver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		logged := new(logbook)
		app := nexmo.NewApplication("", nexmo.WithLogger(slog.New(logged)))
		c := app.Conversation(conA)
		alone := nexmo.NewConversation("CON-ALONE", nexmo.WithLogger(slog.New(logged)))
		var dispatcher nexmo.EventDispatcher
		alone.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error { j.add("alone %d", e.ID); return nil })
		dispatcher.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error { j.add("dispatcher %d", e.ID); return errOther })
		app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			j.add("%s %d", e.ConversationID, e.ID)
			nested := func(to nexmo.Sink, e *nexmo.Event) {
				elapsed(t, 0, func() { checkError(t, to.Deliver(ctx, e), nil) })
			}
			switch {
			case e.ConversationID == conA && e.ID == 1:
				nested(c, numbered(2))                    // the same
				nested(app, numberedIn(conB, 1))          // another one
				nested(alone, numberedIn("CON-ALONE", 9)) // one of its own
				checkError(t, dispatcher.Deliver(ctx, numbered(77)), errOther)
				nested(app, &nexmo.Event{Type: "app:other"}) // the application
				nested(c, numbered(1))                       // itself: a duplicate by then
				nested(c, typingBy("a"))
			case e.ConversationID == conA && e.ID == 2:
				nested(app, numberedIn(conB, 2)) // a chain
				return errBoom
			case e.ConversationID == conB && e.ID == 2:
				nested(c, numbered(3))
			}
			j.add("end of %s %d", e.ConversationID, e.ID)
			return nil
		})
		err := app.Deliver(t.Context(), numbered(1))
		checkError(t, err, errBoom)
		if errors.Is(err, errOther) {
			t.Errorf("the error is %v, want none of the dispatcher", err)
		}
		j.is(t,
			"CON-A 1", "dispatcher 77", "end of CON-A 1",
			"CON-A 2",
			"CON-B 1", "end of CON-B 1",
			"alone 9",
			" 0", "end of  0",
			"CON-A 0", "end of CON-A 0",
			"CON-B 2", "end of CON-B 2",
			"CON-A 3", "end of CON-A 3")
		if got := logged.count(slog.LevelError); got != 1 {
			t.Errorf("%d errors were logged, want the one of the conversation: %q", got, logged.entries)
		}
		// What failed was not handled.
		mustDeliver(t, app, 3)
		if got := c.LastEventID(); got != 3 {
			t.Errorf("LastEventID is %d, want 3", got)
		}
	})
}

// A nested event behind a gap is held back, and does not hold up the outer call.
func TestContract08_NestedDeliverBehindAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		logged := new(logbook)
		c := newConA(&j, nexmo.WithLogger(slog.New(logged)))
		c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			switch e.ID {
			case 1:
				ctx, cancel := context.WithCancel(context.WithValue(ctx, contextKey("nested"), true))
				defer cancel()
				return errors.Join(c.Deliver(ctx, typingBy("a")), c.Deliver(ctx, numbered(3)))
			case 3:
				return errors.Join(ctx.Err(), errBoom)
			}
			return nil
		})
		ctx, cancel := context.WithCancel(t.Context())
		elapsed(t, 0, func() { checkError(t, c.Deliver(ctx, numbered(1)), nil) })
		cancel()
		j.is(t, "1", "a")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		j.is(t, "1", "a", "gap 2-2", "3")
		if got := logged.count(slog.LevelError); got != 1 {
			t.Errorf("%d errors were logged, want 1: %q", got, logged.entries)
		}
		mustDeliver(t, c, 4)
	})
}

// The outer caller is who delivered the event, not who filled the gap in front
// of it and happens to handle it.
func TestContract08_NestedErrorsOfOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		logged := new(logbook)
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithLogger(slog.New(logged)))
		c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			switch {
			case e.ID > 0:
				return c.Deliver(ctx, typingBy(fmt.Sprint("in ", e.ID)))
			case e.From == "in 2":
				return c.Deliver(ctx, typingBy("deeper")) // its error is of the same outer caller
			case e.From != "in 1":
				return errBoom
			}
			return nil
		})
		third := beginDeliver(t.Context(), c, numbered(3))
		third.waits(t)
		replay := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(2), conA, 0) })
		replay.waits(t)
		mustDeliver(t, c, 1)
		replay.returns(t, nil) // it was handled; what failed is another event
		third.returns(t, errBoom)
		slices.Sort(j.entries) // two callers go on at the same time
		j.is(t, "1", "2", "3", "deeper", "in 1", "in 2", "in 3")
		if got := logged.count(slog.LevelError); got != 2 {
			t.Errorf("%d errors were logged, want 2: %q", got, logged.entries)
		}
	})
}

// Handlers of two conversations that deliver to each other at the same time do
// not wait for each other.
func TestContract08_CrossDelivery(t *testing.T) {
	t.Parallel()
	for _, through := range []string{"Application", "Conversation"} {
		t.Run(through, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := nexmo.NewApplication("")
				sinks := map[string]nexmo.Sink{conA: app, conB: app}
				if through == "Conversation" {
					sinks = map[string]nexmo.Sink{conA: app.Conversation(conA), conB: app.Conversation(conB)}
				}
				both := make(chan struct{})
				var running atomic.Int32
				app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
					j.add("%s %d", e.ConversationID, e.ID)
					if e.ID > 3 {
						return nil
					}
					if e.ID == 1 {
						if running.Add(1) == 2 {
							close(both)
						}
						<-both
					}
					next := e.ID + 1
					return errors.Join(
						sinks[conA].Deliver(ctx, numberedIn(conA, next)),
						sinks[conB].Deliver(ctx, numberedIn(conB, next)))
				})
				a := beginDeliver(t.Context(), app, numberedIn(conA, 1))
				b := beginDeliver(t.Context(), app, numberedIn(conB, 1))
				a.returns(t, nil)
				b.returns(t, nil)
				slices.Sort(j.entries)
				j.is(t, "CON-A 1", "CON-A 2", "CON-A 3", "CON-A 4", "CON-B 1", "CON-B 2", "CON-B 3", "CON-B 4")
			})
		})
	}
}

// A long chain of nested events needs no deep stack and loses nothing.
func TestContract08_LongChain(t *testing.T) {
	t.Parallel()
	const last = 20_000
	app := nexmo.NewApplication("")
	count := 0
	app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
		if count++; count == last {
			return nil
		}
		if e.ConversationID == conA {
			return app.Deliver(ctx, numberedIn(conB, e.ID))
		}
		return app.Deliver(ctx, numberedIn(conA, e.ID+1))
	})
	checkError(t, app.Deliver(t.Context(), numberedIn(conA, 1)), nil)
	if count != last {
		t.Errorf("%d events were handled, want %d", count, last)
	}
}

// A handler that ends its goroutine takes its own event with it, not those it
// delivered before.
func TestContract08_NestedDeliverBeforeGoexit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		to   interface {
			nexmo.Sink
			nexmo.Registrar
		}
	}{
		{"Conversation", nexmo.NewConversation(conA)},
		{"Application", nexmo.NewApplication("")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var j journal
			var kept context.Context
			tt.to.On(nexmo.EventAny, j.handle)
			tt.to.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
				switch e.ID {
				case 1:
					kept = ctx
					_ = tt.to.Deliver(ctx, numbered(2))
					_ = tt.to.Deliver(ctx, numbered(3))
					runtime.Goexit()
				case 2:
					_ = tt.to.Deliver(ctx, numbered(4))
					runtime.Goexit()
				case 5:
					return errBoom
				}
				return nil
			})
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = tt.to.Deliver(context.Background(), numbered(1))
				t.Error("Deliver returned")
			}()
			<-done
			j.is(t, "1", "2", "3", "4")
			// Its ctx belongs to a delivery that is over.
			checkError(t, tt.to.Deliver(kept, numbered(5)), errBoom)
			j.is(t, "1", "2", "3", "4", "5")
		})
	}
}

// The ctx of a handler belongs to the event it was given for. Kept for longer, it
// is an ordinary one: Deliver waits, and returns the errors, even while other
// events of the same caller are being handled.
func TestContract08_KeptContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		// Of a type that is reused, if any is.
		for _, ctx := range []context.Context{context.Background(), t.Context()} {
			var kept []context.Context
			release := make(chan struct{})
			c := nexmo.NewConversation(conA)
			c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
				kept = append(kept, ctx)
				if e.ID == 50 {
					<-release
				}
				return nil
			})
			var last pending
			for id := nexmo.EventID(1); id < 50; id++ {
				checkError(t, c.Deliver(ctx, numbered(id)), nil)
			}
			last = beginDeliver(ctx, c, numbered(50))
			last.waits(t)
			var j journal
			other := nexmo.NewConversation(conB)
			other.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("handled"); return errBoom })
			var want []string
			for i, ctx := range kept[:49] {
				checkError(t, other.Deliver(ctx, numberedIn(conB, nexmo.EventID(i+1))), errBoom)
				want = append(want, "handled")
			}
			j.is(t, want...)
			// A goroutine that delivers while its event is being handled is nested.
			checkError(t, other.Deliver(kept[49], numberedIn(conB, 50)), nil)
			j.is(t, want...)
			close(release)
			last.returns(t, errBoom)
			j.is(t, append(want, "handled")...)
		}
	})
}

// A handler's ctx has the values, the deadline and the end of its caller's; for a
// nested event, the values of the nested call.
func TestContract08_HandlerContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		key := contextKey("key")
		c := nexmo.NewConversation(conA, nexmo.WithStart(1))
		var j journal
		c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			deadline, ok := ctx.Deadline()
			left := time.Duration(0)
			if ok {
				left = time.Until(deadline)
			}
			j.add("%d %v %v %v", e.ID, ctx.Value(key), left, ctx.Err())
			if e.ID == 1 || e.ID == 2 {
				nested, cancel := context.WithTimeout(context.WithValue(ctx, key, fmt.Sprint("nested in ", e.ID)), time.Minute)
				defer cancel()
				return c.Deliver(nested, numbered(e.ID+1))
			}
			return nil
		})
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), key, "outer"), time.Hour)
		defer cancel()
		held := beginDeliver(context.WithValue(t.Context(), key, "held"), c, numbered(5))
		held.waits(t)
		stream := begin(func() error {
			return nexmo.Replay(context.WithValue(t.Context(), key, "stream"), c, scripted(6, 4), conA, 0)
		})
		stream.waits(t)
		checkError(t, c.Deliver(ctx, numbered(1)), nil)
		held.returns(t, nil)
		stream.returns(t, nil)
		j.is(t,
			"1 outer 1h0m0s <nil>", "2 nested in 1 1h0m0s <nil>", "3 nested in 2 1h0m0s <nil>",
			"4 stream 0s <nil>", "5 held 0s <nil>", "6 stream 0s <nil>")
	})
}

// "No lock is held while user code runs.": whatever is called may call anything.
func TestContract08_NoLockIsHeldWhileUserCodeRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var app *nexmo.Application
		touched := map[string]int{}
		touch := func(what string) {
			touched[what]++
			if app == nil {
				return
			}
			for c := range app.Conversations() {
				_, _ = c.Member("M")
				_, _, _ = c.Info(), c.LastEventID(), slices.Collect(c.Members())
				for range c.Events() {
					break
				}
				c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nil })()
				c.Once(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nil })()
			}
			app.Conversation(conA)
			app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nil })()
			app.OnConversation(func(*nexmo.Conversation) {})
		}
		logged := new(logbook)
		inHook := false
		logged.hook = func() {
			if !inHook { // touching logs too
				inHook = true
				touch("log")
				inHook = false
			}
		}
		source := scripted(func() { touch("source") }, 3, func() { touch("source") }, errBoom)
		app = nexmo.NewApplication("", nexmo.WithStart(1), nexmo.WithSource(source), nexmo.WithHistory(3), nexmo.WithLogger(slog.New(logged)),
			nexmo.WithGapFunc(func(context.Context, nexmo.Gap) { touch("gap") }))
		wrapping := false
		middleware := func(next nexmo.Handler) nexmo.Handler {
			if !wrapping { // touching wraps too
				wrapping = true
				touch("middleware")
				wrapping = false
			}
			return next
		}
		app.Use(middleware)
		app.OnConversation(func(c *nexmo.Conversation) {
			touch("conversation")
			c.Use(middleware)
			c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
				touch("handler")
				if e.ID >= 7 {
					return errBoom
				}
				return nil
			})
		})
		app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			touch("application handler")
			if e.ID == 5 {
				return app.Deliver(ctx, numbered(7)) // it will fail
			}
			return nil
		})
		app.Use(func(next nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error {
				touch("middleware")
				return next(ctx, e)
			}
		})
		finish := begin(func() error {
			mustDeliver(t, app, 5, 5, 6)
			// What is handed over and fails is logged.
			checkError(t, nexmo.Replay(t.Context(), app, scripted(10, 9), conA, 0), errBoom)
			checkError(t, app.Close(), nil)
			return nil
		})
		time.Sleep(time.Minute)
		finish.returns(t, nil)
		for _, what := range []string{"log", "source", "gap", "conversation", "handler", "application handler", "middleware"} {
			if touched[what] == 0 {
				t.Errorf("no %s was called", what)
			}
		}
	})
}

// "A panic in one handler becomes a *PanicError; the other handlers still run".
func TestContract09_PanicBecomesAnError(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		to   interface {
			nexmo.Sink
			nexmo.Registrar
		}
	}{
		{"EventDispatcher", new(nexmo.EventDispatcher)},
		{"Conversation", nexmo.NewConversation(conA)},
		{"Application", nexmo.NewApplication("")},
		{"Conversation of an Application", nexmo.NewApplication("").Conversation(conA)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var j journal
			tt.to.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("first"); panic(errBoom) })
			tt.to.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("second"); panic(nil) }) //nolint:govet // on purpose
			tt.to.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("third"); return errOther })
			err := tt.to.Deliver(t.Context(), numbered(1))
			checkError(t, err, errBoom) // it unwraps to what was an error
			checkError(t, err, errOther)
			j.is(t, "first", "second", "third")
			p, ok := errors.AsType[*nexmo.PanicError](err)
			if !ok {
				t.Fatalf("there is no *PanicError in %v", err)
			}
			if !errors.Is(p, errBoom) || !strings.Contains(string(p.Stack), "contract_test.go") {
				t.Errorf("the panic is %v, at\n%s", p.Value, p.Stack)
			}
			if strings.Contains(err.Error(), "contract_test.go") {
				t.Errorf("the message holds the stack: %v", err)
			}
		})
	}
}

// A panic leaves nothing behind: those who wait get their turn.
func TestContract09_PanicLeavesTheOrderAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1))
		c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { panic("always") })
		var calls []pending
		for id := nexmo.EventID(9); id > 0; id-- {
			calls = append(calls, beginDeliver(t.Context(), c, numbered(id)))
			synctest.Wait()
		}
		for _, p := range calls {
			err := <-p
			if _, ok := errors.AsType[*nexmo.PanicError](err); !ok {
				t.Errorf("Deliver returned %v, want a *PanicError", err)
			}
		}
		j.is(t, "1", "2", "3", "4", "5", "6", "7", "8", "9")
		if got := c.LastEventID(); got != 0 {
			t.Errorf("LastEventID is %d although none was handled", got)
		}
	})
}

// "No goroutine outlives its owner: whatever runs has Run(ctx) or Close."
// Close gives up the gaps and flushes what was held back.
func TestContract10_CloseFlushesWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(1, 2, 3)
		app := nexmo.NewApplication("", nexmo.WithStart(1), nexmo.WithGapFunc(j.gap), nexmo.WithSource(source))
		app.On(nexmo.EventAny, j.handle)
		c := app.Conversation(conA)
		waiting := beginDeliver(t.Context(), app, numbered(3))
		waiting.waits(t)
		replay := begin(func() error { return nexmo.Replay(t.Context(), app, scripted(5, 7), conA, 0) })
		replay.waits(t)
		elapsed(t, 0, func() { checkError(t, app.Close(), nil) })
		waiting.returns(t, nil)
		replay.returns(t, nil)
		j.is(t, "gap 1-2", "3", "gap 4-4", "5", "gap 6-6", "7")
		source.is(t) // Close waits for nothing, so it asks nobody
		for _, to := range []nexmo.Sink{app, c, app.Conversation(conB)} {
			checkError(t, to.Deliver(t.Context(), &nexmo.Event{Type: "text:typing:on"}), nexmo.ErrClosed)
		}
		checkError(t, app.Close(), nil)
		checkError(t, c.Close(), nil)
		time.Sleep(time.Hour)
		j.is(t, "gap 1-2", "3", "gap 4-4", "5", "gap 6-6", "7")
	})
}

// Close can be called while handlers run, and from one.
func TestContract10_CloseWhileHandlersRun(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		t.Run(fmt.Sprintf("from a handler %v", own), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				release := make(chan struct{})
				app := nexmo.NewApplication("", nexmo.WithGapFunc(j.gap))
				app.On(nexmo.EventAny, j.handle)
				app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
					if e.ID != 1 {
						return nil
					}
					<-release
					if own {
						checkError(t, app.Close(), nil)
					}
					return app.Deliver(ctx, numbered(9)) // closed by then
				})
				first := beginDeliver(t.Context(), app, numbered(1))
				first.waits(t)
				third, second, fifth := beginDeliver(t.Context(), app, numbered(3)), beginDeliver(t.Context(), app, numbered(2)), beginDeliver(t.Context(), app, numbered(5))
				third.waits(t)
				second.waits(t)
				fifth.waits(t)
				if !own {
					checkError(t, app.Close(), nil)
				}
				third.waits(t)
				close(release)
				first.returns(t, nexmo.ErrClosed)
				for _, p := range []pending{second, third, fifth} {
					p.returns(t, nil)
				}
				j.is(t, "1", "2", "3", "gap 4-4", "5")
			})
		})
	}
}

// A handler that ends its goroutine while an Application is closed leaves nothing
// held back in the other conversations.
func TestContract10_CloseWhenAHandlerEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := nexmo.NewApplication("", nexmo.WithReorderWindow(64, time.Hour))
		app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			j.add("%s %d", e.ConversationID, e.ID)
			if e.ConversationID == conA && e.ID == 3 {
				runtime.Goexit()
			}
			return nil
		})
		var replay pending
		for _, con := range []string{conA, conB} {
			checkError(t, app.Deliver(t.Context(), numberedIn(con, 1)), nil)
			// Handed over: it is for whoever closes the conversation.
			replay = begin(func() error { return nexmo.Replay(t.Context(), app, scripted(numberedIn(con, 3)), con, 0) })
			replay.waits(t)
		}
		closing := begin(app.Close)
		synctest.Wait()
		if len(closing) > 0 {
			t.Error("Close returned")
		}
		replay.returns(t, nil)
		j.is(t, "CON-A 1", "CON-B 1", "CON-A 3", "CON-B 3")
	})
}

// Close of one conversation that hands its events to another, which is closed
// too, ends.
func TestContract10_CloseOfConversationsThatDeliverToEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := nexmo.NewApplication("", nexmo.WithStart(1))
		a, b := app.Conversation(conA), app.Conversation(conB)
		sinks := map[string]nexmo.Sink{conA: b, conB: a}
		app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			j.add("%s %d", e.ConversationID, e.ID)
			if e.ID == 1 {
				return app.Close()
			}
			return sinks[e.ConversationID].Deliver(ctx, &nexmo.Event{Type: "text:typing:on"})
		})
		for _, con := range []string{conA, conB} {
			replay := begin(func() error { return nexmo.Replay(t.Context(), app, scripted(numberedIn(con, 3)), con, 0) })
			replay.waits(t)
			defer replay.returns(t, nil)
		}
		closing := beginDeliver(t.Context(), app, numberedIn(conB, 1))
		closing.waitsOrReturns(t)
		slices.Sort(j.entries)
		j.is(t, "CON-A 3", "CON-B 1", "CON-B 3")
	})
}

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

// OnConversation is called once for each conversation, before its first event,
// however many goroutines deliver.
func TestApplication_OnConversationOnceBeforeTheFirstEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("")
		var early, calls, handled atomic.Int32
		app.OnConversation(func(c *nexmo.Conversation) {
			if app.Conversation(c.ID()) != c {
				t.Error("the conversation is not the one that the application keeps")
			}
			time.Sleep(time.Second)
			c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { handled.Add(1); return nil })
			calls.Add(1)
		})
		app.OnConversation(func(c *nexmo.Conversation) { panic(c.ID()) }) // it hurts nobody
		app.OnConversation(func(*nexmo.Conversation) { calls.Add(1) })
		app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
			if calls.Load() < 2 {
				early.Add(1)
			}
			return nil
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { checkError(t, app.Deliver(t.Context(), typingBy("MEM-1")), nil) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		synctest.Wait()
		checkError(t, app.Deliver(ctx, typingBy("MEM-1")), context.DeadlineExceeded)
		wg.Wait()
		if early.Load() != 0 || calls.Load() != 2 || handled.Load() != 50 {
			t.Errorf("%d events were early, %d calls, %d events were handled; want 0, 2 and 50", early.Load(), calls.Load(), handled.Load())
		}
	})
}

// A hook that ends its goroutine leaves a conversation that works, and can be
// let go.
func TestApplication_OnConversationEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithIdleTimeout(time.Hour))
		var j journal
		app.On(nexmo.EventAny, j.handle)
		exit := true
		app.OnConversation(func(*nexmo.Conversation) {
			if exit {
				exit = false
				runtime.Goexit()
			}
		})
		beginDeliver(t.Context(), app, numbered(1)).waits(t)
		mustDeliver(t, app, 1)
		j.is(t, "1")
		time.Sleep(2 * time.Hour)
		checkError(t, app.Deliver(t.Context(), numberedIn(conB, 1)), nil)
		checkKept(t, app, conB)
	})
}

// checkKept fails the test unless the application keeps these conversations.
func checkKept(t *testing.T, app *nexmo.Application, want ...string) {
	t.Helper()
	var got []string
	for c := range app.Conversations() {
		got = append(got, c.ID())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conversations (-want +got):\n%s", diff)
	}
}

func deliverTo(t *testing.T, app *nexmo.Application, conversations ...string) {
	t.Helper()
	for _, con := range conversations {
		checkError(t, app.Deliver(t.Context(), &nexmo.Event{Type: "text:typing:on", ConversationID: con}), nil)
	}
}

// WithIdleTimeout: "for how long a conversation may be quiet before an
// application lets it go".
func TestApplication_LetsGoOfIdleConversations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		app := nexmo.NewApplication("", nexmo.WithIdleTimeout(time.Hour), nexmo.WithReorderWindow(64, 24*time.Hour))
		app.OnConversation(func(c *nexmo.Conversation) { j.add("new %s", c.ID()) })
		app.On("custom:block", func(context.Context, *nexmo.Event) error { <-release; return nil })

		deliverTo(t, app, "quiet", "busy", "held", "used", "silent")
		j.is(t, "new quiet", "new busy", "new held", "new used", "new silent")
		quiet := app.Conversation("quiet")
		deliverTo(t, app, "busy", "held", "used", "silent")
		used := app.Conversation("used")
		busy := beginDeliver(t.Context(), app, &nexmo.Event{Type: "custom:block", ConversationID: "busy"})
		checkError(t, app.Deliver(t.Context(), numberedIn("held", 1)), nil)
		held := beginDeliver(t.Context(), app, numberedIn("held", 3))
		busy.waits(t)
		held.waits(t)
		for range 9 {
			time.Sleep(10 * time.Minute)
			// Delivered to directly, a conversation is not quiet either.
			checkError(t, used.Deliver(t.Context(), numberedIn("used", 0)), nil)
		}
		deliverTo(t, app, "last")
		checkKept(t, app, "busy", "held", "used", "last")
		if app.Conversation("quiet") == quiet {
			t.Error("the conversation is still the same one")
		}
		if app.Conversation("used") != used {
			t.Error("a conversation that was used was let go")
		}
		close(release)
		busy.returns(t, nil)
		checkError(t, app.Deliver(t.Context(), numberedIn("held", 2)), nil)
		held.returns(t, nil)
		j.is(t, "new quiet", "new busy", "new held", "new used", "new silent", "new last", "new quiet")
		time.Sleep(2 * time.Hour)
		deliverTo(t, app, "end")
		checkKept(t, app, "end")
	})
}

// WithMaxConversations: "the ones that were quiet longest are let go first,
// deleted ones before others", and never one with an event under way.
func TestApplication_LetsGoOfTheLongestQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(3), nexmo.WithReorderWindow(64, 24*time.Hour))
		deliverTo(t, app, "a", "b", "c", "a", "d")
		checkKept(t, app, "a", "c", "d")
		// A deleted one goes first, although it was used last.
		deleted := &nexmo.Event{Type: nexmo.EventConversationDeleted, Body: &nexmo.ConversationDeleted{ConversationDetails: nexmo.ConversationDetails{ID: "d"}}}
		checkError(t, app.Deliver(t.Context(), deleted), nil)
		checkKept(t, app, "a", "c")
		deliverTo(t, app, "e")
		checkKept(t, app, "a", "c", "e")
		// One that holds an event back stays, and the next one goes.
		checkError(t, app.Deliver(t.Context(), numberedIn("c", 1)), nil)
		held := beginDeliver(t.Context(), app, numberedIn("c", 3))
		held.waits(t)
		deliverTo(t, app, "a", "e", "f")
		checkKept(t, app, "c", "e", "f")
		deliverTo(t, app, "g", "h")
		checkKept(t, app, "c", "g", "h")
		checkError(t, app.Deliver(t.Context(), numberedIn("c", 2)), nil)
		held.returns(t, nil)
		deliverTo(t, app, "g", "h", "i")
		checkKept(t, app, "g", "h", "i")
	})
}

// A conversation that was delivered to directly was not quiet.
func TestApplication_DirectUseCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(3))
		for _, con := range []string{"a", "b", "c"} {
			deliverTo(t, app, con)
			time.Sleep(time.Second)
		}
		checkError(t, app.Conversation("c").Deliver(t.Context(), numberedIn("c", 0)), nil)
		a := app.Conversation("a")
		deliverTo(t, app, "b", "c")
		time.Sleep(time.Second)
		checkError(t, a.Deliver(t.Context(), numberedIn("a", 0)), nil)
		time.Sleep(time.Second)
		deliverTo(t, app, "d")
		checkKept(t, app, "a", "c", "d")
		deliverTo(t, app, "e")
		checkKept(t, app, "a", "d", "e")
	})
}

// A conversation is kept for the event that is on its way to it, also while the
// functions given to OnConversation run.
func TestApplication_KeepsAConversationThatIsBeingIntroduced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(1))
		var introduced []*nexmo.Conversation
		app.OnConversation(func(c *nexmo.Conversation) {
			introduced = append(introduced, c)
			if c.ID() == conA {
				time.Sleep(time.Second)
			}
		})
		first := beginDeliver(t.Context(), app, numbered(1))
		first.waits(t)
		deliverTo(t, app, conB, conB)
		time.Sleep(time.Second)
		first.returns(t, nil)
		if c := app.Conversation(conA); c != introduced[0] || c.LastEventID() != 1 {
			t.Errorf("the conversation was let go while an event was on its way to it")
		}
	})
}

// A deleted conversation stays for what comes late, and to know its duplicates.
func TestApplication_DeletedConversationKnowsItsDuplicates(t *testing.T) {
	t.Parallel()
	var j journal
	app := nexmo.NewApplication("")
	app.On(nexmo.EventAny, j.handle)
	mustDeliver(t, app, 1, 2)
	checkError(t, app.Deliver(t.Context(), &nexmo.Event{ID: 3, ConversationID: conA, Type: nexmo.EventConversationDeleted, Body: new(nexmo.ConversationDeleted)}), nil)
	mustDeliver(t, app, 1, 2, 3, 4, 4)
	j.is(t, "1", "2", "3", "4")
	checkKept(t, app)
}

// However many goroutines come and go, a conversation that is let go and heard of
// again is introduced again, and no event is lost on the way.
func TestApplication_EvictionUnderLoad(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("", nexmo.WithMaxConversations(4))
	var made, handled atomic.Int64
	app.OnConversation(func(c *nexmo.Conversation) {
		made.Add(1)
		c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { handled.Add(1); return nil })
	})
	const workers, each = 8, 500
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				e := &nexmo.Event{Type: "text:typing:on", ConversationID: fmt.Sprint("CON-", (w*7+i)%50)}
				checkError(t, app.Deliver(t.Context(), e), nil)
			}
		})
	}
	wg.Wait()
	if got := handled.Load(); got != workers*each {
		t.Errorf("%d events were handled, want %d; %d conversations were made", got, workers*each, made.Load())
	}
	kept := len(slices.Collect(app.Conversations()))
	if deliverTo(t, app, "CON-LAST"); kept > 4+workers {
		t.Errorf("%d conversations are kept, want at most %d", kept, 4+workers)
	}
}
