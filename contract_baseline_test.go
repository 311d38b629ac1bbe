package nexmo_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// "The first event seen sets the baseline unless WithStart or Sync did. An event
// below the baseline that was never handled is handled when it arrives, once".
func TestContract06_Baseline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opts []nexmo.ConversationOption
		sync bool
		ids  []nexmo.EventID
		want []string
		took time.Duration
	}{
		{"first event", nil, false, []nexmo.EventID{7, 8, 5, 6, 5, 7}, []string{"7", "8", "5", "6"}, 0},
		{"WithStart, the event itself", []nexmo.ConversationOption{nexmo.WithStart(7)}, false, []nexmo.EventID{7, 8}, []string{"7", "8"}, 0},
		{"WithStart, a later event", []nexmo.ConversationOption{nexmo.WithStart(5)}, false, []nexmo.EventID{7, 8}, []string{"gap 5-6", "7", "8"}, 2 * time.Second},
		{"WithStart, an earlier event", []nexmo.ConversationOption{nexmo.WithStart(5)}, false, []nexmo.EventID{3, 5, 3, 4}, []string{"3", "5", "4"}, 0},
		{"Sync", []nexmo.ConversationOption{nexmo.WithSource(stored(3, 4))}, true, []nexmo.EventID{5, 2, 2, 3}, []string{"3", "4", "5", "2"}, 0},
		{"Sync, a gap behind", []nexmo.ConversationOption{nexmo.WithSource(stored(3, 4))}, true, []nexmo.EventID{7}, []string{"3", "4", "gap 5-6", "7"}, 2 * time.Second},
		{"Sync of nothing", []nexmo.ConversationOption{nexmo.WithSource(stored())}, true, []nexmo.EventID{3}, []string{"gap 1-2", "3"}, 2 * time.Second},
		{"WithStart, then Sync", []nexmo.ConversationOption{nexmo.WithStart(4), nexmo.WithSource(stored(3, 4, 6))}, true, []nexmo.EventID{7, 3}, []string{"4", "gap 5-5", "6", "7", "3"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, tt.opts...)
				elapsed(t, tt.took, func() {
					if tt.sync {
						checkError(t, c.Sync(t.Context()), nil)
					}
					mustDeliver(t, c, tt.ids...)
				})
				j.is(t, tt.want...)
			})
		})
	}
}

// The first event with an ID sets the baseline also when it comes while one
// without is being handled.
func TestContract06_BaselineBehindAnEventWithoutID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		c := newConA(&j)
		c.On(nexmo.EventTextTypingOn, func(context.Context, *nexmo.Event) error { <-release; return nil })
		calls := []pending{beginDeliver(t.Context(), c, typingBy("a"))}
		synctest.Wait()
		calls = append(calls, beginDeliver(t.Context(), c, numbered(7)), beginDeliver(t.Context(), c, numbered(8)))
		for _, p := range calls {
			p.waits(t)
		}
		close(release)
		for _, p := range calls {
			p.returns(t, nil)
		}
		mustDeliver(t, c, 5)
		j.is(t, "a", "7", "8", "5")
	})
}

// Sync stops at the event that fails, and goes on there when it is called again.
func TestContract06_SyncGoesOnWhereItFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(1, 2, 3, 5)
		c := newConA(&j, nexmo.WithSource(source))
		fail := errBoom
		j.then = func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 2 {
				return fail
			}
			return nil
		}
		checkError(t, c.Sync(t.Context()), errBoom)
		j.is(t, "1", "2")
		fail = nil
		elapsed(t, 0, func() { checkError(t, c.Sync(t.Context()), nil) })
		j.is(t, "1", "2", "2", "3", "gap 4-4", "5")
		checkError(t, c.Sync(t.Context()), nil)
		source.is(t, "after 0", "after 1", "after 5")
		j.is(t, "1", "2", "2", "3", "gap 4-4", "5")

		source.read = scripted((*nexmo.Event)(nil)).read
		if err := c.Sync(t.Context()); err == nil {
			t.Error("Sync returned nil for a Source that yields a nil event")
		}
		source.read = scripted(errOther).read
		checkError(t, c.Sync(t.Context()), errOther)
		checkError(t, nexmo.NewConversation(conA).Sync(t.Context()), nexmo.ErrNoSource)
	})
}

// Sync fills the gap that live events wait behind, without waiting for it.
func TestContract06_SyncFillsOpenGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored()
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, time.Hour))
		mustDeliver(t, c, 1)
		live := beginDeliver(t.Context(), c, numbered(6))
		time.Sleep(time.Second) // the Source was asked, and had nothing yet
		live.waits(t)
		source.read = stored(2, 3, 5, 6, 7).read
		elapsed(t, 0, func() { checkError(t, c.Sync(t.Context()), nil) })
		live.returns(t, nil)
		j.is(t, "1", "2", "3", "gap 4-4", "5", "6", "7")
	})
}

// What a Source says of another conversation says nothing of this one.
func TestContract06_SyncRefusesEventsOfAnotherConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithReorderWindow(64, time.Second), nexmo.WithSource(scripted(numberedIn(conB, 100))))
		mustDeliver(t, c, 1)
		early := beginDeliver(t.Context(), c, numbered(3))
		if err := c.Sync(t.Context()); err == nil {
			t.Error("Sync returned nil for an event of another conversation")
		}
		early.waits(t)
		mustDeliver(t, c, 2)
		early.returns(t, nil)
		j.is(t, "1", "2", "3")
	})
}

// Sync has what was given up handled too, but for what the Source says there is
// not.
func TestContract06_SyncTakesWhatWasGivenUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored()
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, time.Second))
		mustDeliver(t, c, 4, 9)
		j.is(t, "4", "gap 5-8", "9")
		source.read = stored(1, 2, 3, 4, 6, 7, 9, 10).read
		checkError(t, c.Sync(t.Context()), nil)
		j.is(t, "4", "gap 5-8", "9", "6", "7", "10")
		checkError(t, c.Sync(t.Context()), nil)
		source.is(t, "after 4", "after 4", "after 10")
		mustDeliver(t, c, 5, 8, 8)
		j.is(t, "4", "gap 5-8", "9", "6", "7", "10", "5", "8")
	})
}

// An event that waits behind IDs which the Source leaves out does not hold Sync up.
func TestContract06_SyncMeetsAnEventHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithSource(stored(1, 2, 5, 7)), nexmo.WithReorderWindow(64, time.Hour))
		mustDeliver(t, c, 1)
		seventh := beginDeliver(t.Context(), c, numbered(7))
		synctest.Wait()
		elapsed(t, 0, func() { checkError(t, c.Sync(t.Context()), nil) })
		seventh.returns(t, nil)
		j.is(t, "1", "2", "gap 3-4", "5", "gap 6-6", "7")
	})
}

// "… what was handled is remembered in a bounded window of IDs, and an event
// below that window is logged and treated as handled".
func TestContract06_MemoryIsBounded(t *testing.T) {
	t.Parallel()
	const remembered = 1024
	var j journal
	logged := new(logbook)
	c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(0, 0), nexmo.WithLogger(slog.New(logged)))
	failed := false
	j.then = func(_ context.Context, e *nexmo.Event) error {
		if e.ID == 5000 && !failed {
			failed = true
			return errBoom
		}
		return nil
	}
	checkError(t, c.Deliver(t.Context(), numbered(5000)), errBoom)
	want := []string{"gap 1-4999", "5000"}
	j.is(t, want...)
	warnings := logged.count(slog.LevelWarn)

	// The next is 5001: what is remembered goes back to 3977.
	mustDeliver(t, c, 5001-remembered, 5001-remembered)
	want = append(want, "3977")
	j.is(t, want...)
	if got := logged.count(slog.LevelWarn); got != warnings {
		t.Errorf("%d warnings for an event that is remembered", got-warnings)
	}
	for _, id := range []nexmo.EventID{5000 - remembered, 1, 3000} {
		mustDeliver(t, c, id)
	}
	j.is(t, want...)
	if got := logged.count(slog.LevelWarn) - warnings; got != 3 {
		t.Errorf("%d warnings for 3 events below the window", got)
	}
	found := false
	for _, r := range logged.entries {
		found = found || strings.HasSuffix(r, "event_id=3000")
	}
	if !found {
		t.Errorf("no warning names the event: %q", logged.entries)
	}

	// A failed event is handled again as long as it is remembered.
	mustDeliver(t, c, 5000, 5000)
	want = append(want, "5000")
	// All that is remembered is, over a whole turn of the window.
	for id := nexmo.EventID(5001); id < 5001+2*remembered; id++ {
		mustDeliver(t, c, id)
		want = append(want, fmt.Sprint(id))
	}
	for id := nexmo.EventID(5001 + remembered); id < 5001+2*remembered; id++ {
		mustDeliver(t, c, id)
	}
	j.is(t, want...)
}

// IDs at the ends of their range are no reason to loop or to overflow.
func TestContract06_ExtremeIDs(t *testing.T) {
	t.Parallel()
	const largest = nexmo.EventID(1<<63 - 1)
	var j journal
	c := newConA(&j, nexmo.WithStart(1), nexmo.WithReorderWindow(0, 0))
	for _, id := range []nexmo.EventID{-1, -largest - 1, largest} {
		if err := c.Deliver(t.Context(), numbered(id)); err == nil {
			t.Errorf("Deliver(%d) returned nil", id)
		}
	}
	mustDeliver(t, c, largest-1, largest-1, largest-2, 1)
	j.is(t, fmt.Sprintf("gap 1-%d", largest-2), fmt.Sprint(largest-1), fmt.Sprint(largest-2))
}
