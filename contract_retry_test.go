package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// named is a handler that notes its name and returns what err has for it.
func (j *journal) named(name string, errs map[string]error) nexmo.Handler {
	return func(context.Context, *nexmo.Event) error {
		j.add("%s", name)
		return errs[name]
	}
}

// "When the event is delivered again, only the handlers that failed run again", however
// they failed and wherever they are registered.
func TestContract04_OnlyTheHandlersThatFailedRunAgain(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error":     func() error { return errBoom },
		"panic":     func() error { panic("boom") },
		"permanent": func() error { return nexmo.Permanent(errBoom) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var j journal
			app := nexmo.NewApplication("")
			c := app.Conversation(conA)
			failing := true
			failed := func(name string) nexmo.Handler {
				return func(context.Context, *nexmo.Event) error {
					j.add("%s", name)
					if failing {
						return fail()
					}
					return nil
				}
			}
			app.On(nexmo.EventAny, j.named("a1", nil))
			app.On(nexmo.EventText, failed("a2"))
			c.On(nexmo.EventText, j.named("c1", nil))
			c.On(nexmo.EventText, failed("c2"))
			c.On(nexmo.EventText, j.named("c3", nil))
			app.On(nexmo.EventMemberJoined, j.named("other", nil))
			for range 2 {
				if err := app.Deliver(t.Context(), numbered(1)); err == nil {
					t.Fatal("Deliver returned nil though handlers failed")
				}
			}
			failing = false
			for range 2 {
				checkError(t, app.Deliver(t.Context(), numbered(1)), nil)
			}
			j.is(t, "a1", "a2", "c1", "c2", "c3", "a2", "c2", "a2", "c2")
			mustDeliver(t, app, 2) // the next event has them all
			j.is(t, "a1", "a2", "c1", "c2", "c3", "a2", "c2", "a2", "c2", "a1", "a2", "c1", "c2", "c3")
		})
	}
}

// A handler that ends its goroutine, and those that would have followed it, run again.
func TestContract04_HandlersBehindOneThatEndedItsGoroutineRunAgain(t *testing.T) {
	t.Parallel()
	var j journal
	c := nexmo.NewConversation(conA)
	exit := true
	c.On(nexmo.EventText, j.named("1", nil))
	c.On(nexmo.EventText, func(context.Context, *nexmo.Event) error {
		j.add("2")
		if exit {
			exit = false
			runtime.Goexit()
		}
		return nil
	})
	c.On(nexmo.EventMemberAny, j.named("other", nil))
	c.On(nexmo.EventAny, j.named("3", nil))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = c.Deliver(context.Background(), numbered(1))
	}()
	<-ended
	mustDeliver(t, c, 1, 1)
	j.is(t, "1", "2", "2", "3")
}

// "Handlers are told apart by their registration: one taken off counts as done, one
// registered meanwhile does not run", and Use changes nothing of that.
func TestContract04_HandlersAreToldApartByTheirRegistration(t *testing.T) {
	t.Parallel()
	var j journal
	c := nexmo.NewConversation(conA)
	errs := map[string]error{"1": errBoom, "2": errBoom}
	off := c.On(nexmo.EventText, j.named("1", errs))
	c.On(nexmo.EventText, j.named("2", errs))
	c.On(nexmo.EventText, j.named("3", errs))
	checkError(t, c.Deliver(t.Context(), numbered(1)), errBoom)
	off()
	c.On(nexmo.EventText, j.named("4", errs))
	c.Use(func(next nexmo.Handler) nexmo.Handler {
		return func(ctx context.Context, e *nexmo.Event) error {
			j.add("use")
			return next(ctx, e)
		}
	})
	clear(errs)
	mustDeliver(t, c, 1, 1)
	j.is(t, "1", "2", "3", "use", "2")

	// If all that failed were taken off, nothing is left to do.
	errs["5"] = errBoom
	off = c.On(nexmo.EventText, j.named("5", errs))
	checkError(t, c.Deliver(t.Context(), numbered(2)), errBoom)
	off()
	mustDeliver(t, c, 2, 2)
	j.is(t, "1", "2", "3", "use", "2", "use", "2", "use", "3", "use", "4", "use", "5")
}

// A handler that Once registered and that failed runs again; one that has handled its
// event does not.
func TestContract04_OnceRunsAgainOnlyIfItFailed(t *testing.T) {
	t.Parallel()
	var j journal
	c := nexmo.NewConversation(conA)
	errs := map[string]error{"1": errBoom}
	c.Once(nexmo.EventText, j.named("1", errs))
	c.Once(nexmo.EventText, j.named("2", errs))
	checkError(t, c.Deliver(t.Context(), numbered(1)), errBoom)
	clear(errs)
	mustDeliver(t, c, 1, 1, 2)
	j.is(t, "1", "2", "1")
}

// "State is changed once; a retry sees today's state.".
func TestContract04_ARetrySeesTodaysState(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation(conA, nexmo.WithStart(1), noWait())
	var states []nexmo.MemberState
	fail := errBoom
	nexmo.On(c, func(_ context.Context, _ *nexmo.Event, b *nexmo.MemberJoined) error {
		m, _ := c.Member("MEM-1")
		states = append(states, m.State)
		return fail
	})
	joined := told(t, `{"id":1,"type":"member:joined","from":"MEM-1","body":{"user":{"id":"USR-1"}}}`)
	checkError(t, c.Deliver(t.Context(), joined), errBoom)
	tell(t, c, `{"id":2,"type":"member:left","from":"MEM-1","body":{}}`)
	fail = nil
	checkError(t, c.Deliver(t.Context(), joined), nil)
	if diff := cmp.Diff([]nexmo.MemberState{nexmo.MemberStateJoined, nexmo.MemberStateLeft}, states); diff != "" {
		t.Errorf("the member as handlers saw it (-want +got):\n%s", diff)
	}
}

// "Redeliver, asked for by a person, runs all handlers once more and leaves state alone;
// Redelivered(ctx) says so.".
func TestContract04_RedeliverRunsAllHandlersAndLeavesStateAlone(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("")
	c := app.Conversation(conA)
	var j journal
	note := func(name string) nexmo.Handler {
		return func(ctx context.Context, e *nexmo.Event) error {
			j.add("%s %d %t", name, e.ID, nexmo.Redelivered(ctx))
			return nil
		}
	}
	app.On(nexmo.EventAny, note("app"))
	c.On(nexmo.EventAny, note("conversation"))
	joined := told(t, `{"id":1,"conversation_id":"CON-A","type":"member:joined","from":"MEM-1","body":{"user":{"id":"USR-1"}}}`)
	checkError(t, app.Deliver(t.Context(), joined), nil)
	tell(t, app, `{"id":2,"conversation_id":"CON-A","type":"member:left","from":"MEM-1","body":{}}`)
	j.entries = nil
	for _, redeliver := range []func(context.Context, *nexmo.Event) error{app.Redeliver, c.Redeliver} {
		checkError(t, redeliver(t.Context(), joined), nil)
		j.is(t, "app 1 true", "conversation 1 true")
		j.entries = nil
	}
	if m, _ := c.Member("MEM-1"); m.State != nexmo.MemberStateLeft {
		t.Errorf("the member is %s: Redeliver has changed the state", m.State)
	}
	if got := c.LastEventID(); got != 2 {
		t.Errorf("LastEventID is %d, want 2", got)
	}
	// One that belongs to no conversation, and one that nothing was heard of yet.
	checkError(t, app.Redeliver(t.Context(), &nexmo.Event{Type: nexmo.EventAppKnocking}), nil)
	checkError(t, c.Redeliver(t.Context(), numbered(7)), nil)
	j.is(t, "app 0 true", "app 7 true", "conversation 7 true")
	mustDeliver(t, c, 3)
	if err := c.Redeliver(t.Context(), numberedIn(conB, 1)); err == nil {
		t.Error("Redeliver of an event of another conversation returned nil")
	}
	if err := c.Redeliver(t.Context(), nil); err == nil {
		t.Error("Redeliver of nil returned nil")
	}
	if nexmo.Redelivered(t.Context()) {
		t.Error("Redelivered reports true outside of a handler")
	}
	checkError(t, app.Close(), nil)
	checkError(t, c.Redeliver(t.Context(), joined), nexmo.ErrClosed)
	checkError(t, app.Redeliver(t.Context(), joined), nexmo.ErrClosed)
}

// An event that failed counts as handled when a redelivery has succeeded, and as failed
// when it has not.
func TestContract04_RedeliverMendsAnEventThatFailed(t *testing.T) {
	t.Parallel()
	var j journal
	c := nexmo.NewConversation(conA)
	errs := map[string]error{"1": errBoom}
	c.On(nexmo.EventAny, j.named("1", errs))
	c.On(nexmo.EventAny, j.named("2", errs))
	checkError(t, c.Deliver(t.Context(), numbered(1)), errBoom)
	checkError(t, c.Redeliver(t.Context(), numbered(1)), errBoom)
	j.is(t, "1", "2", "1", "2")
	clear(errs)
	checkError(t, c.Redeliver(t.Context(), numbered(1)), nil)
	mustDeliver(t, c, 1)
	j.is(t, "1", "2", "1", "2", "1", "2")
}

// An event that is redelivered waits for the one that is being handled, and from a handler
// it is queued; what its handlers deliver is not redelivered.
func TestContract04_RedeliverIsNeverConcurrent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := nexmo.NewConversation(conA)
		release := make(chan struct{})
		c.On(nexmo.EventText, func(ctx context.Context, e *nexmo.Event) error {
			j.add("begin %d %t", e.ID, nexmo.Redelivered(ctx))
			switch {
			case e.ID == 2:
				<-release
			case e.ID == 3:
				checkError(t, c.Redeliver(ctx, numbered(1)), nil)
			case nexmo.Redelivered(ctx):
				checkError(t, c.Deliver(ctx, typingBy("x")), nil)
			}
			j.add("end %d", e.ID)
			return nil
		})
		c.On(nexmo.EventTextTypingOn, func(ctx context.Context, _ *nexmo.Event) error {
			j.add("nested %t", nexmo.Redelivered(ctx))
			return nil
		})
		mustDeliver(t, c, 1)
		slow := beginDeliver(t.Context(), c, numbered(2))
		synctest.Wait()
		again := begin(func() error { return c.Redeliver(t.Context(), numbered(1)) })
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		withdrawn := begin(func() error { return c.Redeliver(impatient, numbered(1)) })
		again.waits(t)
		time.Sleep(time.Second)
		withdrawn.returns(t, context.DeadlineExceeded)
		close(release)
		slow.returns(t, nil)
		again.returns(t, nil)
		mustDeliver(t, c, 3)
		j.is(t, "begin 1 false", "end 1", "begin 2 false", "end 2", "begin 1 true", "end 1", "nested false",
			"begin 3 false", "end 3", "begin 1 true", "end 1", "nested false")
	})
}

// The memory of which handlers failed is of the process and bounded: an event of which it
// is no longer known has all its handlers run again, and is not lost.
func TestContract04_WhatIsRememberedOfFailedEventsIsBounded(t *testing.T) {
	t.Parallel()
	var (
		j       journal
		letters []nexmo.DeadLetter
		failing = true
	)
	c := nexmo.NewConversation(conA, nexmo.WithStart(1), nexmo.WithDeadLetter(func(_ context.Context, d nexmo.DeadLetter) error {
		letters = append(letters, d)
		return nil
	}))
	c.On(nexmo.EventText, j.named("well", nil))
	c.On(nexmo.EventText, func(context.Context, *nexmo.Event) error {
		if failing {
			return errBoom
		}
		j.add("mended")
		return nil
	})
	text := make([]byte, 64<<10)
	for i := range text {
		text[i] = 'x'
	}
	event := func(id int) *nexmo.Event {
		return told(t, fmt.Sprintf(`{"id":%d,"type":"text","body":{"text":"%s"}}`, id, text))
	}
	const n = 100
	for id := 1; id <= n; id++ {
		checkError(t, c.Deliver(t.Context(), event(id)), errBoom)
	}
	kept := (4 << 20) / (64<<10 + 350)
	if got := n - len(letters); got < kept-1 || got > kept+1 {
		t.Errorf("%d events of 64 KiB are kept, want about %d: 4 MiB", got, kept)
	}
	for i, d := range letters {
		if d.EventID != nexmo.EventID(i+1) || !errors.Is(d.Err, errBoom) || d.Raw != event(i+1).Raw || d.Type != nexmo.EventText {
			t.Fatalf("dead letter %d is event %d: %v", i, d.EventID, d.Err)
		}
	}
	// Set aside or not, only the handler that failed runs again.
	failing, j.entries = false, nil
	for id := 1; id <= n; id++ {
		checkError(t, c.Deliver(t.Context(), event(id)), nil)
	}
	if got := len(j.entries); got != n || slices.Contains(j.entries, "well") {
		t.Errorf("%d handlers ran, want the one that had failed for each of %d events", got, n)
	}
	letters, failing = nil, true
	for id := n + 1; id <= n+kept-2; id++ { // what was handled leaves room
		checkError(t, c.Deliver(t.Context(), event(id)), errBoom)
	}
	if len(letters) > 0 {
		t.Errorf("%d events were set aside though there is room", len(letters))
	}
}

// "What failed is remembered until it was handled or set aside": a conversation with such an
// event is kept when there are too many, and when it was quiet for too long, the event is set
// aside with it.
func TestContract04_AConversationThatIsEvictedLosesNoFailedEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			j journal
			l letters
		)
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(1), nexmo.WithIdleTimeout(time.Hour), nexmo.WithDeadLetter(l.take))
		errs := map[string]error{"2": errBoom}
		app.On(nexmo.EventText, j.named("1", errs))
		app.On(nexmo.EventText, j.named("2", errs))
		checkError(t, app.Deliver(t.Context(), numbered(1)), errBoom)
		for _, other := range []string{"B", "C", "D"} {
			deliverTo(t, app, other)
		}
		checkKept(t, app, conA, "D")
		clear(errs)
		checkError(t, app.Deliver(t.Context(), numbered(1)), nil)
		j.is(t, "1", "2", "2")
		deliverTo(t, app, "E")
		checkKept(t, app, "E")

		errs["2"] = errBoom
		checkError(t, app.Deliver(t.Context(), numbered(2)), errBoom)
		time.Sleep(time.Hour)
		l.are(t)
		deliverTo(t, app, "F")
		checkKept(t, app, "F")
		l.are(t, 2)
		if d := l.all[0]; d.ConversationID != conA || !errors.Is(d.Err, errBoom) || d.Raw == "" {
			t.Errorf("the dead letter is %+v", d)
		}
	})
}
