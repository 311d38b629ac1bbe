package nexmo_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

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

// The same for each kind of event without an ID that doc.go names.
func TestContract07_EveryKindWithoutIDPassesStraightThrough(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		event string
	}{
		{"typing", `{"type":"text:typing:on","conversation_id":"CON-A","from":"MEM-1","body":{}}`},
		{"ephemeral", `{"type":"ephemeral","conversation_id":"CON-A","from":"MEM-1","body":{}}`},
		{"application", `{"type":"conversation:created","body":{"id":"CON-A"}}`},
		{"knocker", `{"type":"app:knocking","body":{}}`}, // one that does not say which
		{"leg of a knocker", `{"type":"leg:status:update","from":"knocker:1","body":{"leg_id":"LEG-1","status":"ringing"}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := nexmo.NewApplication("", nexmo.WithStart(1))
				app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
					j.add("%s %d", e.Type, e.ID)
					return nil
				})
				held := beginDeliver(t.Context(), app, numbered(2))
				held.waits(t)
				e := told(t, tt.event)
				elapsed(t, 0, func() {
					for range 2 { // there are no duplicates
						checkError(t, app.Deliver(t.Context(), e), nil)
					}
				})
				mustDeliver(t, app, 1)
				held.returns(t, nil)
				passed := string(e.Type) + " 0"
				j.is(t, passed, passed, "text 1", "text 2")
			})
		})
	}
}
