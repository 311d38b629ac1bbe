package nexmo_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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
					j.then = func(context.Context, *nexmo.Event) error {
						if failing {
							failing = false
							return tt.fail()
						}
						return nil
					}
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
					j.then = func(_ context.Context, e *nexmo.Event) error {
						if e.ID == 2 && first {
							first = false
							<-release
							return fail
						}
						return nil
					}
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
		j.then = func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 2 && exit {
				exit = false
				time.Sleep(time.Second)
				runtime.Goexit()
			}
			return nil
		}
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

// "… at most once per conversation": an ID says nothing of another conversation.
func TestContract04_ConversationsShareNoIDs(t *testing.T) {
	t.Parallel()
	var j journal
	app := nexmo.NewApplication("")
	app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		j.add("%s %d", e.ConversationID, e.ID)
		return nil
	})
	for range 2 {
		for _, conversation := range []string{conA, conB} {
			for id := range nexmo.EventID(2) {
				checkError(t, app.Deliver(t.Context(), numberedIn(conversation, id+1)), nil)
			}
		}
	}
	j.is(t, "CON-A 1", "CON-A 2", "CON-B 1", "CON-B 2")
}
