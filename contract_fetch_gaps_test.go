package nexmo_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// A gap behind the one that is being fetched is neither given up before its turn nor
// forgotten.
func TestContract05_GapBehindAFetchedOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
		c := newConA(&j, nexmo.WithSource(source))
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID == 2 {
				time.Sleep(3 * time.Second)
			}
			return nil
		})
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(100 * time.Millisecond) // the Source is being read
		synctest.Wait()
		twelfth := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(12), conA, 0) })
		time.Sleep(time.Minute)
		fifth.returns(t, nil)
		twelfth.returns(t, nil)
		j.is(t, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12")
		source.is(t, "after 1", "after 5")
	})
}

// One reading of the Source is for all that is missing below the highest event that
// was held when a gap was noticed, not only for what is missing below the lowest.
func TestContract05_SourceIsAskedForAllBelowTheHighestHeldEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		read := nexmo.EventID(0)
		source := &shelf{read: func(_ context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			for id := after + 1; id <= 12; id++ {
				if read = id; !yield(numbered(id), nil) {
					return
				}
			}
		}}
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithSource(source))
		tenth := beginDeliver(t.Context(), c, numbered(10))
		tenth.waits(t)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		fifth.waits(t)
		time.Sleep(100 * time.Millisecond)
		fifth.returns(t, nil)
		tenth.returns(t, nil)
		j.is(t, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
		source.is(t, "after 0")
		if read != 9 {
			t.Errorf("the Source was read up to %d, want 9: 10 was there", read)
		}
	})
}

// The other order of arrival: 5 shows the first gap, 10 the second, before the Source
// is asked. One reading is enough for both.
func TestContract05_SourceIsAskedOnceForTwoGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithSource(source))
		fifth := beginDeliver(t.Context(), c, numbered(5))
		fifth.waits(t)
		tenth := beginDeliver(t.Context(), c, numbered(10))
		tenth.waits(t)
		time.Sleep(time.Second)
		fifth.returns(t, nil)
		tenth.returns(t, nil)
		j.is(t, "1", "2", "3", "4", "5", "6", "7", "8", "9", "10")
		source.is(t, "after 0")
	})
}

// A reading that fails has covered the gap it began with, and no other: the Source is
// asked again for the next one.
func TestContract05_SourceIsAskedForTheGapBehindAFailedReading(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		all, failing := stored(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), true
		source := &shelf{read: func(ctx context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			if failing {
				failing = false
				yield(nil, errBoom)
				return
			}
			all.read(ctx, after, yield)
		}}
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithSource(source))
		third := beginDeliver(t.Context(), c, numbered(3))
		third.waits(t)
		tenth := beginDeliver(t.Context(), c, numbered(10))
		tenth.waits(t)
		time.Sleep(2 * time.Second)
		third.returns(t, nil)
		tenth.returns(t, nil)
		j.is(t, "gap 1-2", "3", "4", "5", "6", "7", "8", "9", "10")
		source.is(t, "after 0", "after 3")
	})
}
