package nexmo_test

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// "… are fetched once from the Source, …; what stays missing is reported as a
// Gap, and never waited for twice".
func TestContract05_SourceIsAskedOnceForAGap(t *testing.T) {
	t.Parallel()
	const grace, wait = 100 * time.Millisecond, 2 * time.Second
	for _, tt := range []struct {
		name   string
		source *shelf
		want   []string // after 1 was handled; then 6 comes, and then the others
		took   time.Duration
		more   []string
	}{
		{"has all", stored(1, 2, 3, 4, 5, 6, 7), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"has nothing", scripted(), []string{"gap 2-5", "6"}, wait, []string{"2", "3", "4", "5"}},
		{"ends early", stored(2, 3), []string{"2", "3", "gap 4-5", "6"}, wait, []string{"4", "5"}},
		{"fails", scripted(errBoom), []string{"gap 2-5", "6"}, wait, []string{"2", "3", "4", "5"}},
		{"fails on the way", scripted(2, 3, errBoom, 4, 5), []string{"2", "3", "gap 4-5", "6"}, wait, []string{"4", "5"}},
		{"has holes", stored(3, 5, 6), []string{"gap 2-2", "3", "gap 4-4", "5", "6"}, grace, []string{"2", "4"}},
		{"has a hole at the end", stored(2, 3, 7), []string{"2", "3", "gap 4-5", "6"}, grace, []string{"4", "5"}},
		{"has nothing but later ones", stored(8, 9), []string{"gap 2-5", "6"}, grace, []string{"2", "3", "4", "5"}},
		{"panics", scripted(func() { panic("source") }), []string{"gap 2-5", "6"}, wait, []string{"2", "3", "4", "5"}},
		{"panics on the way", scripted(2, 3, func() { panic("source") }), []string{"2", "3", "gap 4-5", "6"}, wait, []string{"4", "5"}},
		{"yields duplicates", scripted(1, 1, 2, 2, 3, 1, 4, 5, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"is not sorted", scripted(3, 2, 5, 4), []string{"gap 2-2", "3", "2", "gap 4-4", "5", "6"}, grace, []string{"4"}},
		{"yields nil", scripted(2, (*nexmo.Event)(nil), 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"yields events of another conversation", scripted(2, numberedIn(conB, 3), numberedIn(conB, 100), 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"yields an ID out of range", scripted(2, numbered(math.MaxInt64), 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"yields events without an ID", scripted(0, 2, 0, 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace, nil},
		{"is slow", scripted(2, func() { time.Sleep(time.Second) }, 3, 4, 5), []string{"2", "3", "4", "5", "6"}, grace + time.Second, nil},
		{"is too slow", scripted(2, func(ctx context.Context) { <-ctx.Done() }, errBoom), []string{"2", "gap 3-5", "6"}, grace + wait, []string{"3", "4", "5"}},
		{"goes on when told to stop", &shelf{read: func(_ context.Context, _ nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			for id := nexmo.EventID(2); id < 10; id++ {
				_ = yield(numbered(id), nil)
			}
		}}, []string{"2", "3", "4", "5", "6"}, grace, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithReorderWindow(64, wait), nexmo.WithSource(tt.source))
				mustDeliver(t, c, 1)
				elapsed(t, tt.took, func() { mustDeliver(t, c, 6) })
				tt.source.is(t, "after 1")
				want := append([]string{"1"}, tt.want...)
				j.is(t, want...)

				// Nobody waits for what was missing, and when it comes it is handled.
				elapsed(t, 0, func() { mustDeliver(t, c, 7, 2, 3, 4, 5, 2, 3, 4, 5) })
				want = append(append(want, "7"), tt.more...)
				j.is(t, want...)
				tt.source.is(t, "after 1")

				// The next gap is another one.
				later := beginDeliver(t.Context(), c, numbered(100))
				time.Sleep(time.Minute)
				later.returns(t, nil)
				tt.source.is(t, "after 1", "after 7")
			})
		})
	}
}

// A Source that never returns, and does not look at its ctx, holds nobody up for
// longer than the window does.
func TestContract05_SourceNeverReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		defer close(release)
		c := newConA(&j, nexmo.WithReorderWindow(2, 10*time.Second), nexmo.WithSource(scripted(func() { <-release })))
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(time.Second)
		checkError(t, c.Deliver(t.Context(), typingBy("typing")), nil) // passes straight through
		mustDeliver(t, c, 2)
		fifth.waits(t)
		elapsed(t, 9*time.Second, func() { checkError(t, <-fifth, nil) })
		j.is(t, "1", "typing", "2", "gap 3-4", "5")

		// What is given up counts from now on as it does without a Source.
		tenth := beginDeliver(t.Context(), c, numbered(10))
		eleventh := beginDeliver(t.Context(), c, numbered(11))
		tenth.waits(t)
		elapsed(t, 0, func() { mustDeliver(t, c, 12) })
		tenth.returns(t, nil)
		eleventh.returns(t, nil)
		j.is(t, "1", "typing", "2", "gap 3-4", "5", "gap 6-9", "10", "11", "12")
	})
}

// The Source is waited for as long as it goes on: pages that take their time, and
// handlers that do, are no reason to give up what it has.
func TestContract05_SourceGoesOn(t *testing.T) {
	t.Parallel()
	paged := func(events int, size int, each time.Duration) *shelf {
		return &shelf{read: func(ctx context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			for id := after + 1; int(id) <= events; id++ {
				if int(id-after)%size == 1 {
					time.Sleep(each)
				}
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
					return
				}
				if !yield(numbered(id), nil) {
					return
				}
			}
		}}
	}
	for _, tt := range []struct {
		name     string
		source   *shelf
		last     nexmo.EventID
		handling time.Duration
	}{
		{"many pages", paged(5000, 100, 150*time.Millisecond), 5000, 0},
		{"slow handlers", paged(60, 20, 150*time.Millisecond), 60, 100 * time.Millisecond},
		{"very slow handlers", paged(9, 2, time.Second), 9, 3 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithStart(1), nexmo.WithSource(tt.source))
				c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { time.Sleep(tt.handling); return nil })
				mustDeliver(t, c, tt.last)
				var want []string
				for id := range tt.last {
					want = append(want, fmt.Sprint(id+1))
				}
				j.is(t, want...)
			})
		})
	}
}

// What the list has left out does not exist, also when the event in front of it in
// the list was held already.
func TestContract05_ListedWhileOthersAreHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithSource(stored(1, 3, 6, 7, 8, 9, 10)))
		release := make(chan struct{})
		c.On(nexmo.EventTextTypingOn, func(context.Context, *nexmo.Event) error { <-release; return nil })
		mustDeliver(t, c, 1)
		third := beginDeliver(t.Context(), c, numbered(3))
		synctest.Wait()
		tenth := beginDeliver(t.Context(), c, numbered(10))
		time.Sleep(50 * time.Millisecond)
		busy := beginDeliver(t.Context(), c, typingBy("typing"))
		time.Sleep(100 * time.Millisecond)
		close(release)
		time.Sleep(100 * time.Millisecond) // the gap behind 3 is a new one
		for _, p := range []pending{busy, third, tenth} {
			p.returns(t, nil)
		}
		j.is(t, "1", "typing", "gap 2-2", "3", "gap 4-5", "6", "7", "8", "9", "10")
	})
}

// However short the window, the Source is given a second; no event of the gap is
// taken twice, and what comes after the gap was given up is handled.
func TestContract05_SourceIsGivenASecond(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		sleep time.Duration
		want  []string
		took  time.Duration
	}{
		{"in time", 900 * time.Millisecond, []string{"1", "2", "3", "4", "5"}, 900 * time.Millisecond},
		{"too late", 1100 * time.Millisecond, []string{"1", "2", "gap 3-4", "5", "3", "4"}, time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				source := scripted(2, func() { time.Sleep(tt.sleep) }, 3, 4)
				c := newConA(&j, nexmo.WithReorderWindow(0, 0), nexmo.WithSource(source))
				mustDeliver(t, c, 1)
				elapsed(t, tt.took, func() { mustDeliver(t, c, 5) })
				time.Sleep(time.Minute)
				j.is(t, tt.want...)
			})
		})
	}
}

// What the handlers of fetched events, and of events that fetched ones made due,
// deliver behind a gap does not keep the Source from being read on, however much is
// held back already.
func TestContract05_FetchedEventsDeliverBehindTheGap(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		from, deliver nexmo.EventID // the handler of the one delivers the other
		want          []string
	}{
		{"another event", 2, 50, []string{"1", "2", "3", "4", "gap 5-5", "6", "gap 7-7", "8", "gap 9-29", "30", "31", "gap 32-49", "50"}},
		{"a held one", 2, 30, []string{"1", "2", "3", "4", "gap 5-5", "6", "gap 7-7", "8", "gap 9-29", "30", "31"}},
		{"from one that was handed over", 6, 50, []string{"1", "2", "3", "4", "gap 5-5", "6", "gap 7-7", "8", "gap 9-29", "30", "31", "gap 32-49", "50"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, nexmo.WithReorderWindow(1, time.Second), nexmo.WithSource(stored(2, 3, 4, 8)))
				c.On(nexmo.EventText, func(ctx context.Context, e *nexmo.Event) error {
					if e.ID == tt.from {
						return c.Deliver(ctx, numbered(tt.deliver))
					}
					return nil
				})
				mustDeliver(t, c, 1)
				replay := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(6), conA, 0) })
				replay.waits(t)
				calls := []pending{replay}
				for _, id := range []nexmo.EventID{30, 31} {
					calls = append(calls, beginDeliver(t.Context(), c, numbered(id)))
					synctest.Wait()
				}
				time.Sleep(time.Minute)
				for _, call := range calls {
					call.returns(t, nil)
				}
				j.is(t, tt.want...)
			})
		})
	}
}

// Close ends the reading of the Source.
func TestContract05_CloseWhileTheSourceIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		logged := new(logbook)
		source := scripted(2, func(ctx context.Context) { <-ctx.Done() }, 3, errBoom)
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, time.Hour), nexmo.WithLogger(slog.New(logged)))
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(time.Second)
		fifth.waits(t)
		elapsed(t, 0, func() { checkError(t, c.Close(), nil) })
		fifth.returns(t, nil)
		j.is(t, "1", "2", "gap 3-4", "5")
		if n := logged.count(slog.LevelWarn); n != 1 {
			t.Errorf("%d warnings, want the one of the gap", n)
		}
	})
}

// What is fetched is handled with the values of the ctx of the event behind the
// gap, but is part of none of its deliveries: neither its end nor its stream.
func TestContract05_FetchedEventsStandAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		logged := new(logbook)
		c := newConA(&j, nexmo.WithStart(1), nexmo.WithSource(stored(1, 2)), nexmo.WithLogger(slog.New(logged)))
		ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), contextKey("of"), "third"), time.Second)
		defer cancel()
		c.On(nexmo.EventAny, func(hctx context.Context, e *nexmo.Event) error {
			if e.ID > 2 {
				return nil
			}
			if got := hctx.Value(contextKey("of")); got != "third" {
				t.Errorf("the value in the ctx is %v", got)
			}
			time.Sleep(time.Second)
			if hctx.Err() != nil {
				t.Error("the ctx of a handler has ended")
			}
			return errBoom
		})
		replay := begin(func() error { return nexmo.Replay(ctx, c, scripted(3), conA, 0) })
		time.Sleep(time.Minute)
		replay.returns(t, context.DeadlineExceeded)
		j.is(t, "1", "2", "3")
		if n := logged.count(slog.LevelError); n != 2 {
			t.Errorf("%d errors are logged, want 2", n)
		}
	})
}

// A Source, or a function for gaps, that ends its goroutine takes nothing but
// the call of Deliver with it.
func TestContract05_SourceEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opt  nexmo.ConversationOption
	}{
		{"Source", nexmo.WithSource(scripted(2, func() { runtime.Goexit() }))},
		{"gap", nexmo.WithGapFunc(func(context.Context, nexmo.Gap) { runtime.Goexit() })},
		{"Logger", nexmo.WithLogger(slog.New(&logbook{hook: runtime.Goexit}))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				c := newConA(&j, tt.opt)
				mustDeliver(t, c, 1)
				gone := beginDeliver(t.Context(), c, numbered(5))
				time.Sleep(time.Minute)
				if tt.name == "Source" { // it has a goroutine of its own
					gone.returns(t, nil)
				} else {
					gone.waits(t)
				}
				finish := begin(func() error { mustDeliver(t, c, 2, 3, 4, 5, 6); return nil })
				time.Sleep(time.Minute)
				finish.returns(t, nil)
				seen := slices.Clone(j.entries)
				slices.Sort(seen)
				seen = slices.DeleteFunc(seen, func(s string) bool { return strings.HasPrefix(s, "gap") })
				if diff := cmp.Diff([]string{"1", "2", "3", "4", "5", "6"}, seen); diff != "" {
					t.Errorf("handled (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Missing events that come by themselves while the Source is being read are
// handled once, and by those who delivered them.
func TestContract05_MissingEventsComeWhileTheSourceIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		source := scripted(func() { <-release }, 2, 3, 4)
		c := newConA(&j, nexmo.WithSource(source))
		c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			if v := ctx.Value(contextKey("of")); v != nil && v != e.ID {
				t.Errorf("event %d is handled with the ctx of %d", e.ID, v)
			}
			if e.ID == 3 {
				return errBoom
			}
			return nil
		})
		of := func(id nexmo.EventID) context.Context { return context.WithValue(t.Context(), contextKey("of"), id) }
		mustDeliver(t, c, 1)
		fifth := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(time.Second)
		second, third := beginDeliver(of(2), c, numbered(2)), beginDeliver(of(3), c, numbered(3))
		fifth.waits(t)
		close(release)
		fifth.returns(t, nil)
		second.returns(t, nil)
		third.returns(t, errBoom)
		j.is(t, "1", "2", "3", "4", "5")
	})
}

// The ctx of a caller that ends while the Source is read for all does not use up
// the one time that it is asked.
func TestContract05_CallerGivesUpWhileTheSourceIsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := scripted(func(ctx context.Context) {
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}, 2, 3)
		whole := source.read
		source.read = func(ctx context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
			whole(ctx, after, func(e *nexmo.Event, err error) bool {
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
					return false
				}
				return yield(e, err)
			})
		}
		c := newConA(&j, nexmo.WithSource(source), nexmo.WithReorderWindow(64, 10*time.Second))
		mustDeliver(t, c, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		impatient := beginDeliver(ctx, c, numbered(4))
		synctest.Wait()
		patient := beginDeliver(t.Context(), c, numbered(5))
		time.Sleep(5 * time.Second)
		<-impatient //nolint:errcheck // with either outcome: it may have been its turn in time
		mustDeliver(t, c, 4)
		patient.returns(t, nil)
		j.is(t, "1", "2", "3", "4", "5")
		source.is(t, "after 1") // the withdrawn 4 as well, which it does not have
	})
}
