package nexmo_test

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

func knock(typ nexmo.EventType, from string) *nexmo.Event {
	e := &nexmo.Event{Type: typ, From: from, Body: new(nexmo.AppKnocking)}
	if typ == nexmo.EventAppKnockingCancel {
		e.Body = new(nexmo.AppKnockingCancel)
	}
	return e
}

// "… those that name their own cause (a knock, a Voice webhook) once each": a knock once
// for each knocking ID, wherever it is delivered and in however many copies.
func TestContract07_AKnockIsHandledOnce(t *testing.T) {
	t.Parallel()
	for name, sink := range map[string]func(*journal) nexmo.Sink{
		"Application": func(j *journal) nexmo.Sink { return newAppA(j) },
		"Conversation": func(j *journal) nexmo.Sink {
			return newConA(j)
		},
		"Conversation of an Application": func(j *journal) nexmo.Sink { return newAppA(j).Conversation(conA) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				to := sink(&j)
				for range 2 {
					for _, from := range []string{"knocker:1", "knocker:2", "1"} {
						checkError(t, to.Deliver(t.Context(), knock(nexmo.EventAppKnocking, from)), nil)
					}
				}
				for range 2 { // of the same cause, and another event
					checkError(t, to.Deliver(t.Context(), knock(nexmo.EventAppKnockingCancel, "knocker:1")), nil)
				}
				for range 2 { // it does not say which
					checkError(t, to.Deliver(t.Context(), knock(nexmo.EventAppKnocking, "")), nil)
				}
				for range 2 { // there may be several of one knocker
					checkError(t, to.Deliver(t.Context(), &nexmo.Event{Type: nexmo.EventLegStatusUpdate, From: "knocker:1", Body: new(nexmo.LegStatusUpdate)}), nil)
				}
				j.is(t, "knocker:1", "knocker:2", "1", "knocker:1", "", "", "knocker:1", "knocker:1")
			})
		})
	}
}

// All conversations of an Application have the knocks of the Application.
func TestContract07_AKnockIsHandledOnceInAnApplication(t *testing.T) {
	t.Parallel()
	var j journal
	app := newAppA(&j)
	for _, to := range []nexmo.Sink{app.Conversation(conA), app.Conversation(conB), app} {
		checkError(t, to.Deliver(t.Context(), knock(nexmo.EventAppKnocking, "knocker:1")), nil)
	}
	j.is(t, "knocker:1")
}

// A knock that was set aside is handled again when it comes again.
func TestContract07_AKnockThatWasSetAsideIsHandledAgain(t *testing.T) {
	t.Parallel()
	for name, sink := range map[string]func(*nexmo.Application) nexmo.Sink{
		"Application":  func(app *nexmo.Application) nexmo.Sink { return app },
		"Conversation": func(app *nexmo.Application) nexmo.Sink { return app.Conversation(conA) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l letters
			app := nexmo.NewApplication("", nexmo.WithDeadLetter(l.take))
			calls := 0
			app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
				if calls++; calls < 3 {
					return nexmo.Permanent(errBoom)
				}
				return nil
			})
			for range 5 {
				checkError(t, sink(app).Deliver(t.Context(), knock(nexmo.EventAppKnocking, "knocker:1")), nil)
			}
			if calls != 3 || len(l.ids()) != 2 {
				t.Errorf("handled %d times and set aside %d times, want 3 and 2", calls, len(l.ids()))
			}
		})
	}
}

// A knock whose handlers failed is handled again when it comes again.
func TestContract07_AKnockThatFailedIsHandledAgain(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errBoom },
		"panic": func() error { panic("whatever") },
		"exit":  func() error { runtime.Goexit(); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := newAppA(&j)
				failing := true
				app.On(nexmo.EventAppKnocking, func(context.Context, *nexmo.Event) error {
					if failing {
						failing = false
						return fail()
					}
					return nil
				})
				first := beginDeliver(t.Context(), app, knock(nexmo.EventAppKnocking, "knocker:1"))
				synctest.Wait()
				select {
				case err := <-first:
					if err == nil || name == "exit" {
						t.Errorf("the first Deliver returned %v", err)
					}
				default:
				}
				for range 3 {
					checkError(t, app.Deliver(t.Context(), knock(nexmo.EventAppKnocking, "knocker:1")), nil)
				}
				j.is(t, "knocker:1", "knocker:1")
			})
		})
	}
}

// Two copies at the same time: the second one waits, and has the outcome of the first, or
// goes when its ctx ends. Other knocks do not wait.
func TestContract07_CopiesOfAKnockShareTheOutcome(t *testing.T) {
	t.Parallel()
	for _, fail := range []error{nil, errBoom} {
		t.Run(fmt.Sprint(fail), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := newAppA(&j)
				release := make(chan struct{})
				app.On(nexmo.EventAppKnocking, func(_ context.Context, e *nexmo.Event) error {
					if e.From == "knocker:1" {
						<-release
						return fail
					}
					return nil
				})
				var calls []pending
				for range 3 {
					calls = append(calls, beginDeliver(t.Context(), app, knock(nexmo.EventAppKnocking, "knocker:1")))
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				synctest.Wait()
				impatient := beginDeliver(ctx, app, knock(nexmo.EventAppKnocking, "knocker:1"))
				checkError(t, app.Deliver(t.Context(), knock(nexmo.EventAppKnocking, "knocker:2")), nil)
				for _, p := range calls {
					p.waits(t)
				}
				time.Sleep(time.Second)
				impatient.returns(t, context.DeadlineExceeded)
				close(release)
				for _, p := range calls {
					p.returns(t, fail)
				}
				j.is(t, "knocker:1", "knocker:2")
			})
		})
	}
}

// A handler may deliver the knock that it handles, and another one that delivers this.
func TestContract07_KnocksDeliveredByHandlers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := newAppA(&j)
		other := map[string]string{"knocker:1": "knocker:2", "knocker:2": "knocker:1"}
		app.On(nexmo.EventAppKnocking, func(ctx context.Context, e *nexmo.Event) error {
			time.Sleep(time.Second)
			checkError(t, app.Deliver(ctx, e), nil)
			return app.Deliver(ctx, knock(nexmo.EventAppKnocking, other[e.From]))
		})
		calls := []pending{
			beginDeliver(t.Context(), app, knock(nexmo.EventAppKnocking, "knocker:1")),
			beginDeliver(t.Context(), app, knock(nexmo.EventAppKnocking, "knocker:2")),
		}
		time.Sleep(time.Minute)
		for _, p := range calls {
			p.returns(t, nil)
		}
		if len(j.entries) != 2 {
			t.Errorf("handled: %q", j.entries)
		}
	})
}

// The memory of knocks is bounded: the one that was handled longest ago is forgotten.
func TestContract07_TheMemoryOfKnocksIsBounded(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("")
	handled := map[string]int{}
	app.On(nexmo.EventAppKnocking, func(_ context.Context, e *nexmo.Event) error { handled[e.From]++; return nil })
	const last = 3<<14 + 9
	deliver := func(n int) {
		checkError(t, app.Deliver(t.Context(), knock(nexmo.EventAppKnocking, fmt.Sprint("knocker:", n))), nil)
	}
	for n := range last {
		deliver(n)
	}
	for n := last - 1<<14; n < last; n++ { // what is remembered
		deliver(n)
	}
	deliver(last - 1<<14 - 1) // what is not
	for from, n := range handled {
		if want := from == fmt.Sprint("knocker:", last-1<<14-1); want != (n == 2) || !want && n != 1 {
			t.Fatalf("%s was handled %d times", from, n)
		}
	}
}
