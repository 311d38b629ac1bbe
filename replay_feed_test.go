package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// outcomes is a function for Feed.
type outcomes struct{ journal }

func (o *outcomes) done(e *nexmo.Event, err error) {
	if err == nil {
		o.add("%d", e.ID)
	} else {
		o.add("%d %s", e.ID, strings.ReplaceAll(err.Error(), "\n", ", "))
	}
}

// Feed goes on after an event that fails, and reports each.
func TestFeedReportsTheOutcomeOfEachEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var o outcomes
		c := newConA(&j, nexmo.WithStart(1))
		j.then = func(_ context.Context, e *nexmo.Event) error {
			switch e.ID {
			case 2:
				return errBoom
			case 3:
				panic("boom")
			}
			return nil
		}
		events := func(ids ...any) func(func(*nexmo.Event, error) bool) {
			return scripted(ids...).EventsAfter(t.Context(), conA, 0)
		}
		checkError(t, nexmo.Feed(t.Context(), c, events(1, 2, 2, 3, 4), o.done), nil)
		o.is(t, "1", "2 boom", "2 boom", "3 nexmo: a handler panicked: boom", "4")
		// Held back: reported when they have been handled, a duplicate as well.
		o.entries = nil
		checkError(t, nexmo.Feed(t.Context(), c, events(8, 7, 8, 5, 6), o.done), nil)
		o.is(t, "5", "7", "8", "8", "6") // 7 and 8 are handled before Deliver of 6 returns
		// One that is missing is waited for.
		o.entries = nil
		elapsed(t, 2*time.Second, func() {
			checkError(t, nexmo.Feed(t.Context(), c, events(11, 9), o.done), nil)
		})
		o.is(t, "9", "11")
		// The error of the list ends it; what was handed over is reported.
		o.entries = nil
		checkError(t, nexmo.Feed(t.Context(), c, events(13, errOther, 14), o.done), errOther)
		o.is(t, "13")
		if err := nexmo.Feed(t.Context(), c, events((*nexmo.Event)(nil)), o.done); err == nil {
			t.Error("Feed of a nil event returned nil")
		}
	})
}

// If ctx ends, nothing is reported any more.
func TestFeedReportsNothingAfterCtxHasEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var o outcomes
		c := newConA(&j, nexmo.WithStart(1))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		elapsed(t, time.Second, func() {
			checkError(t, nexmo.Feed(ctx, c, scripted(1, 3).EventsAfter(ctx, conA, 0), o.done), context.DeadlineExceeded)
		})
		mustDeliver(t, c, 2)
		j.is(t, "1", "2", "3")
		o.is(t, "1")
	})
}

// done is called while events are still awaited, so that a caller can go on.
func TestFeedReportsWhileItWaitsForTheNextEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		var o outcomes
		c := newConA(&j, nexmo.WithStart(1))
		next := make(chan *nexmo.Event)
		feed := begin(func() error {
			return nexmo.Feed(t.Context(), c, func(yield func(*nexmo.Event, error) bool) {
				for e := range next {
					if !yield(e, nil) {
						return
					}
				}
			}, o.done)
		})
		next <- numbered(2)
		next <- numbered(3)
		synctest.Wait()
		o.is(t)
		mustDeliver(t, c, 1)
		synctest.Wait()
		o.is(t, "2", "3")
		close(next)
		feed.returns(t, nil)
	})
}

// A panic of done ends Feed, and nothing else.
func TestFeedReturnsThePanicOfDone(t *testing.T) {
	t.Parallel()
	var j journal
	c := newConA(&j)
	err := nexmo.Feed(t.Context(), c, stored(1, 2).EventsAfter(t.Context(), conA, 0), func(*nexmo.Event, error) { panic(errBoom) })
	if p, ok := errors.AsType[*nexmo.PanicError](err); !ok || !errors.Is(p, errBoom) {
		t.Errorf("Feed returned %v, want the panic", err)
	}
	j.is(t, "1")
	for _, call := range []func(){
		func() { _ = nexmo.Feed(t.Context(), c, nil, nil) },
		func() { _ = nexmo.Replay(t.Context(), c, stored(), conA, 0, nil) },
		func() { _ = nexmo.Feed(t.Context(), c, nil, func(*nexmo.Event, error) {}, nil) },
	} {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "nil") {
					t.Errorf("the panic is %v", v)
				}
			}()
			call()
		}()
	}
}

// A Sink may pass an event on to several conversations: its outcome is that of them all.
func TestFeedJoinsTheOutcomesOfAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var (
			o    outcomes
			mu   sync.Mutex
			a, b = nexmo.NewConversation(conA, nexmo.WithStart(1)), nexmo.NewConversation(conB, nexmo.WithStart(1))
		)
		for _, c := range []*nexmo.Conversation{a, b} {
			c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
				mu.Lock()
				defer mu.Unlock()
				if e.ID == 3 {
					return fmt.Errorf("of %s", e.ConversationID)
				}
				return nil
			})
		}
		both := nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			return errors.Join(a.Deliver(ctx, e), b.Deliver(ctx, numberedIn(conB, e.ID)))
		})
		feed := begin(func() error {
			return nexmo.Feed(t.Context(), both, scripted(2, 3).EventsAfter(t.Context(), conA, 0), o.done)
		})
		synctest.Wait()
		mustDeliver(t, a, 1)
		feed.waits(t)
		o.is(t)
		checkError(t, b.Deliver(t.Context(), numberedIn(conB, 1)), nil)
		feed.returns(t, nil)
		o.is(t, "2", "3 of CON-A, of CON-B")
	})
}
