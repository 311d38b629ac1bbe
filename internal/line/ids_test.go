package line

import (
	"math"
	"slices"
	"strconv"
	"testing"
	"time"
)

// What the scripts cannot see: memory, and IDs that a conversation never passes.

// A conversation whose events come in order and are handled remembers two numbers, and
// that is enough to know all: what was handled, and what lies below the first one.
func TestEventsInOrderNeedNoMemory(t *testing.T) {
	t.Parallel()
	for _, start := range []int64{0, 7} {
		l := New[int64](&Rules{}, start)
		for id := int64(7); id < 3000; id++ {
			l.Take(id)
			l.Settle(id, true)
			l.Take(0)
			l.Settle(0, false)
		}
		l.Take(9) // once more, as somebody asked for
		l.Settle(9, true)
		l.Listed(0, 3000) // which says nothing new
		if l.ids.past != nil {
			t.Errorf("from %d: there is a past", start)
		}
		for id, want := range map[int64]Standing{6: Late, 7: Duplicate, 8: Duplicate, 1975: Duplicate, 2999: Duplicate} {
			if got := l.Standing(id); got != want {
				t.Errorf("from %d: the standing of %d is %d, want %d", start, id, got, want)
			}
		}
	}
}

func TestLineWithNothingWaitingKeepsNoMemory(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 1)
	now := time.Unix(0, 0)
	l.Add(0, 100, now)
	l.Add(1, 1, now)
	for _, want := range []int64{100, 1} {
		if s := l.Next(now); s.Do != Run || s.Item != want {
			t.Fatalf("%+v, want to run %d", s, want)
		}
	}
	if l.due != nil || l.held != nil {
		t.Errorf("due %v, held %v, want nil", l.due, l.held)
	}
}

func TestIDZeroIsAlwaysDue(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 0)
	for _, id := range []int64{1, 2, 5000} {
		if got := l.Standing(0); got != Due {
			t.Errorf("before %d: %d, want Due", id, got)
		}
		if l.Handled(0) || l.Handled(id) {
			t.Errorf("before %d: no ID, or that one, was handled", id)
		}
		l.Take(id)
		if !l.Handled(id) {
			t.Errorf("%d was not handled", id)
		}
	}
}

// Two callers may have delivered different events with one ID.
func TestWithdrawTakesOnlyTheSameEvent(t *testing.T) {
	t.Parallel()
	l := New[string](&Rules{}, 1)
	l.Add(3, "three", time.Unix(0, 0))
	if l.Withdraw(3, "another three") {
		t.Error("another event was withdrawn")
	}
	if v, ok := l.Find(3); !ok || v != "three" {
		t.Errorf("%q, %v: the event is gone", v, ok)
	}
}

// IDs that Take jumps over have not come: they are late, and not wanted.
func TestTakenAheadOfOthers(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 1)
	l.Take(5)
	for id := int64(1); id < 5; id++ {
		if got := l.Standing(id); got != Late {
			t.Errorf("%d: %d, want Late", id, got)
		}
	}
	if got := l.Wanted(); got != 6 {
		t.Errorf("wanted %d, want 6", got)
	}
}

// An ID has a place in a ring: one below the window must not write to that of another.
func TestIDsBelowTheWindowKeepTheirPlace(t *testing.T) {
	t.Parallel()
	var s ids
	s.take(1 + remembered)
	s.settle(1+remembered, false)
	s.take(2 + remembered)
	s.take(1)
	s.settle(1, true)
	if !s.failed(1 + remembered) {
		t.Error("taking an ID below the window changed another one")
	}
	s.take(1 + remembered)
	s.settle(1+remembered, true)
	s.take(2)
	s.settle(2, false)
	if s.failed(1+remembered) || s.failed(2+remembered) || !s.failed(2) {
		t.Error("settling an ID below the window changed another one")
	}
}

// What a list says of an ID is not taken for what it says of the one 1024 further on.
func TestIDsBelowTheWindowAreDeniedAlone(t *testing.T) {
	t.Parallel()
	var s ids
	s.take(2 * remembered)
	s.pass(2*remembered+2, missed) // 2049: the ID with its place in the ring is 1025, one too old
	s.mark(remembered+1, remembered+1, absent)
	if got := s.unhandled(); got != 2*remembered+1 {
		t.Errorf("wanted %d, want %d", got, 2*remembered+1)
	}
}

// Whatever the turn of an ID was, or however many IDs were passed at once, it stays known.
func TestWhatHasNotComeStaysKnown(t *testing.T) {
	t.Parallel()
	for _, first := range []int64{1, 2, 3, remembered, remembered + 1} {
		for _, gap := range []int64{0, 1, 2, remembered - 1, remembered, remembered + 1, remembered + 2, 3 * remembered} {
			l := New[int64](&Rules{}, first)
			l.ids.pass(first+gap, missed)
			check := func(end int64) {
				t.Helper()
				for id := int64(1); id < end; id++ {
					want := handled
					switch {
					case id < first:
						want = absent
					case id < first+gap:
						want = missed
					}
					if got := l.ids.fate(id); got != want {
						t.Fatalf("first %d, gap %d, up to %d: the fate of %d is %d, want %d", first, gap, end, id, got, want)
					}
				}
			}
			check(first + gap)
			end := first + gap + 2*remembered
			for id := first + gap; id < end; id++ {
				l.Take(id)
				l.Settle(id, true)
			}
			check(end)
			l.Take(end)
			l.Settle(end, false)
			check(end)
			if p := l.ids.past; len(p.older) > 2 {
				t.Errorf("first %d, gap %d: %d spans for two fates", first, gap, len(p.older))
			}
		}
	}
}

// A list that goes on above what was handled says nothing of the IDs with the same places
// in the ring, and what it says of the highest one below is believed.
func TestListedAboveWhatWasHandled(t *testing.T) {
	t.Parallel()
	var s ids
	s.start(1)
	s.pass(remembered, handled)
	s.pass(remembered+3, missed)
	s.pass(2*remembered, handled) // now 1024 … 1026 are the lowest of the window
	s.mark(2*remembered, 2*remembered+9, absent)
	if got := s.unhandled(); got != remembered {
		t.Errorf("wanted %d, want %d", got, remembered)
	}
	s.pass(2*remembered+1, missed)
	s.mark(remembered, 2*remembered, absent)
	if got := s.unhandled(); got != 2*remembered+1 {
		t.Errorf("wanted %d, want %d: a list has shown that the others do not exist", got, 2*remembered+1)
	}
}

// What is set aside while it is remembered one by one says nothing of those below it.
func TestSetAsideForgetsNothingElse(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 1)
	for id := int64(1); id < 2*remembered; id++ {
		l.Take(id)
		l.Settle(id, id != remembered)
	}
	if got := l.ids.window(); got != remembered {
		t.Fatalf("the window begins with %d, want %d", got, remembered)
	}
	l.SetAside(remembered)
	for id, want := range map[int64]Standing{remembered - 1: Duplicate, remembered: Late, remembered + 1: Duplicate} {
		if got := l.Standing(id); got != want {
			t.Errorf("the standing of %d is %d, want %d", id, got, want)
		}
	}
}

// However an event ends that is out of range, it leaves no trace.
func TestOutOfRangeMovesNothing(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	for _, tt := range []struct{ last, id int64 }{
		{0, largest + 1}, {0, math.MaxInt64}, {1, 2 + farthest}, {1, math.MaxInt64}, {largest, largest + 1}, {largest, math.MaxInt64},
	} {
		for _, ok := range []bool{true, false} {
			l := New[int64](&Rules{}, 0)
			if tt.last > 0 {
				l.Take(tt.last)
				l.Settle(tt.last, true)
			}
			before := l.ids
			if !l.OutOfRange(tt.id) || l.Standing(tt.id) != Due || l.Take(tt.id) {
				t.Errorf("%d behind %d is not due", tt.id, tt.last)
			}
			l.Settle(tt.id, ok)
			l.Expect(tt.id)
			l.Start(tt.id)
			if l.Listed(tt.last, tt.id) || l.Listed(tt.id, 1) || l.listed != 0 {
				t.Errorf("a list with %d behind %d is believed", tt.id, tt.last)
			}
			l.Add(tt.id, tt.id, now)
			if s := l.Next(now); s.Do != Run || s.Item != tt.id || s.ID != 0 || s.Again {
				t.Errorf("%+v, want to run %d", s, tt.id)
			}
			if l.ids != before {
				t.Errorf("%d behind %d: %+v, want %+v", tt.id, tt.last, l.ids, before)
			}
		}
	}
	l := New[int64](&Rules{}, 1)
	if !l.OutOfRange(1+farthest) || l.OutOfRange(farthest) {
		t.Errorf("what is out of range when the first one is expected does not begin with %d", 1+farthest)
	}
	l = New[int64](&Rules{}, 0)
	l.Take(3)
	l.Settle(3, true)
	l.Begin(1, now)
	if l.Listed(math.MaxInt64, 3); l.Wanted() != 1 {
		t.Errorf("a list with 3 behind %d is believed", int64(math.MaxInt64))
	}
	for _, tt := range []struct{ last, id int64 }{{0, largest}, {1, 1 + farthest}, {largest - 1, largest}} {
		l := New[int64](&Rules{}, 0)
		if tt.last > 0 {
			l.Take(tt.last)
		}
		if l.OutOfRange(tt.id) {
			t.Errorf("%d behind %d is out of range", tt.id, tt.last)
		}
	}
}

// More than maxSpans runs of IDs that have not come: the lowest are forgotten. An ID that
// may have been among them counts as handled, and it is known that this is not certain.
func TestTheLowestSpansAreForgotten(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 1)
	l.Take(1) // fails, and stays known
	l.Settle(1, false)
	last := int64(0)
	for id := int64(3); id < 2*(maxSpans+9)+remembered; id += 2 { // each second one is missing
		l.Take(id)
		l.Settle(id, true)
		last = id
	}
	if got := len(l.ids.past.older); got != maxSpans {
		t.Fatalf("%d spans are kept, want %d", got, maxSpans)
	}
	kept := l.ids.past.older[0].from
	if kept != 18 {
		t.Fatalf("%d is the lowest that is kept, want 18", kept)
	}
	for id, want := range map[int64]Standing{
		1: Late, 2: Forgotten, 3: Forgotten, 16: Forgotten, 17: Duplicate, 18: Late, 19: Duplicate, 20: Late, last: Duplicate, last - 1: Late,
	} {
		if got := l.Standing(id); got != want {
			t.Errorf("the standing of %d is %d, want %d", id, got, want)
		}
	}
	if got := l.Wanted(); got != 1 {
		t.Errorf("wanted %d, want the one that failed", got)
	}
}

// The spans in which a single ID is taken, or of which a list tells, are bounded too.
func TestSplitSpansAreBounded(t *testing.T) {
	t.Parallel()
	for name, split := range map[string]func(*ids, int64){
		"taken":  func(s *ids, id int64) { s.take(id) },
		"denied": func(s *ids, id int64) { s.mark(id, id, absent) },
	} {
		var s ids
		s.start(1)
		s.pass(10*maxSpans, missed)
		for id := int64(2); id < 4*maxSpans; id += 2 {
			split(&s, id)
			if got, want := len(s.past.older), min(int(id/2)+1, maxSpans); name == "taken" && got != want || got > maxSpans {
				t.Fatalf("%s: %d spans after %d, want %d", name, got, id, want)
			}
		}
		if got := len(s.past.older); got != maxSpans {
			t.Errorf("%s: %d spans, want %d", name, got, maxSpans)
		}
		if got := s.standing(9 * maxSpans); got != Late {
			t.Errorf("%s: the standing of a high one is %d, want Late", name, got)
		}
	}
}

// A conversation without holes that goes on for ever keeps what failed, and nothing else.
func TestWhatFailedIsKeptAlone(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 1)
	for id := int64(1); id < 50*remembered; id++ {
		l.Take(id)
		l.Settle(id, id%remembered != 0)
	}
	if got := len(l.ids.past.older); got != 0 {
		t.Errorf("%d spans, want none", got)
	}
	if got := len(l.ids.past.open); got != 49 {
		t.Errorf("%d failed ones are known, want 49", got)
	}
	for id := int64(remembered); id < 50*remembered; id += remembered {
		if !l.Failed(id) || l.Standing(id) != Late || l.Missing(id) || !l.Take(id) {
			t.Errorf("%d is not known to have failed", id)
		}
		if l.Settle(id, true); l.Failed(id) {
			t.Errorf("%d has failed, and was handled", id)
		}
	}
	if got := l.Wanted(); got != 50*remembered || len(l.ids.past.open) != 0 {
		t.Errorf("wanted %d, and %d failed", got, len(l.ids.past.open))
	}
}

func TestListedReportsWhetherSomethingMayBeDue(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{Window: 64, Wait: time.Hour}, 1)
	if l.Listed(0, 1) {
		t.Error("with nothing held")
	}
	l.Add(9, 9, time.Unix(0, 0))
	for _, test := range []struct {
		id   int64
		want bool
	}{{3, false}, {8, false}, {9, true}, {12, true}} {
		if got := l.Listed(0, test.id); got != test.want {
			t.Errorf("a list up to %d, with 9 held: %v", test.id, got)
		}
	}
}

// The first ID of all is a baseline like any other.
func TestTheFirstIDIsExpected(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 0)
	if l.Expect(1); !l.Started() || l.Standing(2) != Early {
		t.Error("it is not")
	}
}

func TestWithoutStartAnyIDIsDue(t *testing.T) {
	t.Parallel()
	for _, start := range []int64{0, -1} {
		l := New[int64](&Rules{}, start)
		l.Expect(start)
		if l.Started() {
			t.Errorf("start %d: it has started", start)
		}
		if got := l.Standing(9); got != Due {
			t.Errorf("start %d: the standing of 9 is %d, want Due", start, got)
		}
	}
}

// All that waits is listed: what is due first, and then what waits for missing ones.
func TestAllIsWhatWaits(t *testing.T) {
	t.Parallel()
	l := New[string](&Rules{Window: 9, Wait: time.Hour}, 1)
	for _, id := range []int64{0, 5, 3, 0} {
		l.Add(id, strconv.FormatInt(id, 10), time.Unix(0, 0))
	}
	want := []string{"0", "0", "3", "5"}
	if got := slices.Collect(l.All()); !slices.Equal(got, want) {
		t.Errorf("%q wait, want %q", got, want)
	}
	for n := 1; n < len(want); n++ {
		var got []string
		for v := range l.All() {
			if got = append(got, v); len(got) == n {
				break
			}
		}
		if !slices.Equal(got, want[:n]) {
			t.Errorf("the first %d are %q, want %q", n, got, want[:n])
		}
	}
}

// An event that is early comes behind those from the next one up to the one before it.
func TestBeforeIsWhatAnEarlyEventWaitsFor(t *testing.T) {
	t.Parallel()
	l := New[int64](&Rules{}, 1)
	l.Take(1)
	for id, want := range map[int64]bool{0: false, 1: false, 2: false, 3: true, 9: true, largest + 1: false} {
		if from, to, ok := l.Before(id); ok != want || ok && (from != 2 || to != id-1) {
			t.Errorf("before %d: %d to %d, %t", id, from, to, ok)
		}
	}
}
