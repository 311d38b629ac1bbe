package nexmo_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/conversation-events/nexmo"
)

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
			if !errors.Is(p, errBoom) || !strings.Contains(string(p.Stack), "contract_panic_test.go") {
				t.Errorf("the panic is %v, at\n%s", p.Value, p.Stack)
			}
			if strings.Contains(err.Error(), "contract_panic_test.go") {
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
