package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

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
