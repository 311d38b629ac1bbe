package nexmo_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

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

// A stream that the full window held back goes on as soon as it is no longer full, also
// when there is another gap in front of its event: the next one of it may be missing.
func TestContract01_StreamGoesOnWhenTheWindowIsNoLongerFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		c := newConA(&j, nexmo.WithReorderWindow(2, time.Hour))
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 1 {
				<-release
			}
			return nil
		})
		first := beginDeliver(t.Context(), c, numbered(1))
		first.waits(t)
		replay := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(3, 5, 7, 4, 6), conA, 0) })
		replay.waits(t) // with 7
		close(release)
		first.returns(t, nil)
		replay.returns(t, nil)
		j.is(t, "1", "gap 2-2", "3", "4", "5", "6", "7")
	})
}
