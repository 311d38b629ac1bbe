package nexmo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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

// An event that is withdrawn by one caller stays for another who delivered it too.
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

// The same for an event without an ID that waits behind another one without an ID:
// neither has an ID that tells which of them is being handled.
func TestContract01_EventWithoutIDIsWithdrawnWhenCtxEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		behind *nexmo.Event // what is being handled
	}{
		{"behind an event with an ID", numbered(1)},
		{"behind an event without an ID", typingBy("first")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				release := make(chan struct{})
				c := newConA(&j)
				c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
					if e == tt.behind {
						<-release
					}
					return nil
				})
				running := beginDeliver(t.Context(), c, tt.behind)
				running.waits(t)
				ctx, cancel := context.WithCancel(t.Context())
				withdrawn := beginDeliver(ctx, c, typingBy("withdrawn"))
				kept := beginDeliver(t.Context(), c, typingBy("kept"))
				withdrawn.waits(t)
				cancel()
				withdrawn.returns(t, context.Canceled) // the handler in front of it still runs
				running.waits(t)
				kept.waits(t)
				close(release)
				running.returns(t, nil)
				kept.returns(t, nil)
				first := "first"
				if tt.behind.ID != 0 {
					first = "1"
				}
				j.is(t, first, "kept")
			})
		})
	}
}

// An event is withdrawn also when the ctx of all who wait for it end at once.
func TestContract01_WithdrawnByAllAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			var j journal
			c := newConA(&j, nexmo.WithStart(1))
			ctx, cancel := context.WithCancel(t.Context())
			first := beginDeliver(ctx, c, numbered(2))
			first.waits(t)
			again := beginDeliver(ctx, c, numbered(2))
			again.waits(t)
			cancel()
			first.returns(t, context.Canceled)
			again.returns(t, context.Canceled)
			mustDeliver(t, c, 1)
			j.is(t, "1")
			mustDeliver(t, c, 2)
			j.is(t, "1", "2")
		}
	})
}
