package nexmo_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

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

// "An event that arrives after its gap was given up is still handled, once", "one below the
// baseline that was never handled is handled when it arrives, once": however many others were
// handled since, and whatever comes back in which order.
func TestContract06_UnhandledIDsAreRememberedBeyondTheWindow(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		opts  []nexmo.ConversationOption
		first nexmo.EventID
		more  nexmo.EventID // events in order behind it
		late  func(yield func(nexmo.EventID) bool)
	}{
		"a jump from 1 to 2000, the rest in order":   {nil, 1, 0, upTo(2, 1999, 1)},
		"a jump from 1 to 2000, the rest backwards":  {nil, 1, 0, upTo(1999, 2, -1)},
		"a jump from 1 to 2000, each third one":      {nil, 1, 0, upTo(2, 1999, 3)},
		"a jump from 1 to 2000, after 3000 others":   {nil, 1, 3000, upTo(2, 1999, 7)},
		"WithStart and a jump, after 1100 others":    {[]nexmo.ConversationOption{nexmo.WithStart(1)}, 0, 1100, upTo(1, 1999, 1)},
		"below the baseline":                         {nil, 0, 0, upTo(1, 1999, 1)},
		"below the baseline, backwards, 2000 others": {nil, 0, 2000, upTo(1999, 1, -1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handled := map[nexmo.EventID]int{}
			c := nexmo.NewConversation(conA, append(tt.opts, noWait())...)
			c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error { handled[e.ID]++; return nil })
			want := map[nexmo.EventID]int{}
			deliver := func(id nexmo.EventID) {
				want[id] = 1
				mustDeliver(t, c, id)
			}
			if tt.first > 0 {
				deliver(tt.first)
			}
			for id := nexmo.EventID(2000); id <= 2000+tt.more; id++ {
				deliver(id)
			}
			for range 2 {
				tt.late(func(id nexmo.EventID) bool { deliver(id); return true })
			}
			mustDeliver(t, c, 2000, 2000+tt.more)
			if diff := cmp.Diff(want, handled); diff != "" {
				t.Errorf("how often each was handled (-want +got):\n%s", diff)
			}
			if got := c.LastEventID(); got != 2000+tt.more {
				t.Errorf("LastEventID is %d, want %d", got, 2000+tt.more)
			}
		})
	}
}

// upTo yields the IDs from a to b.
func upTo(a, b, step nexmo.EventID) func(yield func(nexmo.EventID) bool) {
	return func(yield func(nexmo.EventID) bool) {
		for id := a; step > 0 && id <= b || step < 0 && id >= b; id += step {
			if !yield(id) {
				return
			}
		}
	}
}

// "What failed is remembered beyond it until it was handled": its retry is no duplicate,
// and Sync begins there.
func TestContract06_FailedEventsAreRememberedBeyondTheWindow(t *testing.T) {
	t.Parallel()
	var j journal
	var all []nexmo.EventID
	for id := nexmo.EventID(1); id <= 3000; id++ {
		all = append(all, id)
	}
	source := stored(all...)
	c := nexmo.NewConversation(conA, nexmo.WithSource(source))
	failing := true
	c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		if e.ID%1000 == 7 {
			j.add("%d", e.ID)
			if failing {
				return errBoom
			}
		}
		return nil
	})
	for _, id := range all {
		if err := c.Deliver(t.Context(), numbered(id)); (err != nil) != (id%1000 == 7) {
			t.Fatalf("Deliver(%d): %v", id, err)
		}
	}
	checkError(t, c.Deliver(t.Context(), numbered(1007)), errBoom)
	failing = false
	mustDeliver(t, c, 1007, 1007)
	checkError(t, c.Sync(t.Context()), nil)
	source.is(t, "after 6")
	checkError(t, c.Sync(t.Context()), nil)
	source.is(t, "after 6", "after 3000")
	mustDeliver(t, c, 7, 1007, 2007)
	j.is(t, "7", "1007", "2007", "1007", "1007", "7", "2007")
}

// What was handled is not handled again, however long ago that was, and no warning is
// logged for it.
func TestContract06_HandledEventsAreRemembered(t *testing.T) {
	t.Parallel()
	logged := new(logbook)
	handled := 0
	c := nexmo.NewConversation(conA, nexmo.WithStart(1), noWait(), nexmo.WithLogger(slog.New(logged)))
	c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { handled++; return nil })
	const last = 5000
	for range 2 {
		for id := nexmo.EventID(1); id <= last; id++ {
			mustDeliver(t, c, id)
		}
	}
	if handled != last {
		t.Errorf("%d events were handled, want %d", handled, last)
	}
	if n := logged.count(slog.LevelWarn); n != 0 {
		t.Errorf("%d warnings", n)
	}
}

// The memory of what was not handled is bounded. What may have been forgotten counts as
// handled, with a warning.
func TestContract06_MemoryIsBounded(t *testing.T) {
	t.Parallel()
	logged := new(logbook)
	handled := map[nexmo.EventID]bool{}
	c := nexmo.NewConversation(conA, nexmo.WithStart(1), noWait(), nexmo.WithLogger(slog.New(logged)))
	c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error { handled[e.ID] = true; return nil })
	for id := nexmo.EventID(2); id <= 10000; id += 2 { // each second one is missing
		mustDeliver(t, c, id)
	}
	before := logged.count(slog.LevelWarn)
	mustDeliver(t, c, 1)
	if handled[1] {
		t.Error("5000 runs of missing IDs are remembered")
	}
	if n := logged.count(slog.LevelWarn) - before; n != 1 || logged.entries[len(logged.entries)-1] !=
		"WARN nexmo: an event came too late to know whether it was handled; it counts as handled event_id=1" {
		t.Errorf("%d warnings, the last is %q", n, logged.entries[len(logged.entries)-1])
	}
	mustDeliver(t, c, 9999-1024-2*1000)
	if !handled[9999-1024-2*1000] {
		t.Error("less than a thousand runs of missing IDs are remembered")
	}
}
