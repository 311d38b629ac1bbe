package nexmo_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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
		source.is(t, "after 1", "after 1")
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
		j.then = func(_ context.Context, e *nexmo.Event) error {
			if fail && e.ID == 2 {
				fail = false
				return errBoom
			}
			return nil
		}
		checkError(t, c.Deliver(t.Context(), numbered(2)), errBoom)
		mustDeliver(t, c, 2, 2, 3, 2, 3, 1, 1)
		j.is(t, "gap 1-3", "4", "2", "2", "3", "1")
		if got := c.LastEventID(); got != 4 {
			t.Errorf("LastEventID is %d, want 4", got)
		}
	})
}

// "… and never waited for twice": events behind a gap that was given up are handled
// at once, the next gap is reported without the first one, and a missing event that
// comes late makes nobody wait for the others.
func TestContract05_GapIsNeverWaitedForTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, 2*time.Second))
		elapsed(t, 2*time.Second, func() { mustDeliver(t, c, 1, 5) })
		elapsed(t, 0, func() { mustDeliver(t, c, 6, 3, 7) })
		elapsed(t, 2*time.Second, func() { mustDeliver(t, c, 10) })
		elapsed(t, 0, func() { mustDeliver(t, c, 4, 8, 11) })
		j.is(t, "1", "gap 2-4", "5", "6", "3", "7", "gap 8-9", "10", "4", "8", "11")
	})
}

// The time of the window counts from the arrival of the event that has been held
// longest, whichever ID it has, also when the first gap is filled or the event behind
// it is withdrawn.
func TestContract05_WindowCountsFromTheEventHeldLongest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		// The event 3 comes first, 9 half a second later, 7 a second later.
		then func(t *testing.T, c *nexmo.Conversation, withdraw func())
		want []string
	}{
		{
			"the first gap is filled",
			func(t *testing.T, c *nexmo.Conversation, _ func()) { mustDeliver(t, c, 1, 2) },
			[]string{"1", "2", "3", "gap 4-6", "7", "gap 8-8", "9"},
		},
		{
			"the event behind the first gap is withdrawn",
			func(_ *testing.T, _ *nexmo.Conversation, withdraw func()) { withdraw() },
			[]string{"gap 1-6", "7", "gap 8-8", "9"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(64, 2*time.Second))
				ctx, withdraw := context.WithCancel(t.Context())
				defer withdraw()
				third := beginDeliver(ctx, c, numbered(3))
				third.waits(t)
				time.Sleep(500 * time.Millisecond)
				ninth := beginDeliver(t.Context(), c, numbered(9))
				ninth.waits(t)
				time.Sleep(500 * time.Millisecond)
				seventh := beginDeliver(t.Context(), c, numbered(7))
				seventh.waits(t)
				time.Sleep(500 * time.Millisecond)
				tt.then(t, c, withdraw)
				time.Sleep(time.Second - time.Nanosecond)
				seventh.waits(t) // 9 has waited for a nanosecond less than 2 seconds
				ninth.waits(t)
				time.Sleep(time.Nanosecond)
				seventh.returns(t, nil)
				ninth.returns(t, nil)
				<-third //nolint:errcheck // handled or withdrawn
				j.is(t, tt.want...)
			})
		})
	}
}
