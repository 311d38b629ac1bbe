package line

import (
	"testing"
	"time"
)

// What the scripts cannot see: memory, and IDs that a conversation never passes.

// A conversation whose events come in order and are handled remembers two numbers.
func TestEventsInOrderNeedNoFates(t *testing.T) {
	t.Parallel()
	for _, start := range []int64{0, 7} {
		l := New[int64](&Rules{}, start)
		for id := int64(7); id < 3000; id++ {
			l.Take(id)
			l.Settle(id, true)
			l.Take(0)
			l.Settle(0, false)
		}
		if l.ids.fates != nil || l.Standing(2999) != Duplicate || l.Standing(6) != Forgotten {
			t.Errorf("from %d: fates %v, standings %d and %d", start, l.ids.fates != nil, l.Standing(2999), l.Standing(6))
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
		l.Take(id)
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

// A fate has a place in a ring: a forgotten ID must not write to that of a remembered one.
func TestForgottenIDsChangeNothing(t *testing.T) {
	t.Parallel()
	var s ids
	s.take(1 + remembered)
	s.settle(1+remembered, false)
	s.take(2 + remembered)
	s.take(1)
	if !s.failed(1 + remembered) {
		t.Error("taking a forgotten ID changed another one")
	}
	s.settle(1, true)
	s.take(1 + remembered)
	s.settle(1, false)
	if s.failed(1 + remembered) {
		t.Error("settling a forgotten ID changed another one")
	}
}

// What a list says of a forgotten ID is not taken for what it says of a remembered one.
func TestForgottenIDsAreNotDenied(t *testing.T) {
	t.Parallel()
	var s ids
	s.take(2 * remembered)
	s.pass(2*remembered+2, missed) // 2049: the ID with its place in the ring is 1025, one too old
	s.deny(remembered, remembered+2)
	if got := s.unhandled(); got != 2*remembered+1 {
		t.Errorf("wanted %d, want %d", got, 2*remembered+1)
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

func TestWithoutStartAnyIDIsDue(t *testing.T) {
	t.Parallel()
	for _, start := range []int64{0, -1} {
		l := New[int64](&Rules{}, start)
		if got := l.Standing(9); got != Due {
			t.Errorf("start %d: the standing of 9 is %d, want Due", start, got)
		}
	}
}
