package nexmo

import (
	"errors"
	"strings"
	"testing"
)

// What a conversation remembers of the events that failed shows in no event before it is full.

func failedLetter(id EventID, size int) DeadLetter {
	return DeadLetter{EventID: id, Raw: Raw(strings.Repeat("x", size)), Err: errors.New("failed")}
}

// An event that waits counts with its Raw and 256 bytes, one that was set aside with nothing.
func TestFailedEventsCountBytes(t *testing.T) {
	t.Parallel()
	var f failedEvents
	for i, step := range []struct {
		do            func() int
		want, waiting int
	}{
		{func() int { return f.forget(1) }, 0, 0},
		{func() int { return f.add(1, nil, failedLetter(1, 100)) }, 356, 356},
		{func() int { return f.add(1, nil, failedLetter(1, 40)) }, -60, 296},
		{func() int { return f.add(2, nil, failedLetter(2, 10)) }, 266, 562},
		{func() int { return f.add(1, nil, DeadLetter{}) }, -296, 266},
		{func() int { return f.add(3, nil, DeadLetter{}) }, 0, 266},
		{func() int { return f.forget(1) }, 0, 266},
		{func() int { return f.forget(2) }, 266, 0},
		{func() int { return f.forget(2) }, 0, 0},
	} {
		if got := step.do(); got != step.want || f.waiting() != step.waiting {
			t.Errorf("step %d: %d bytes more or less, %d wait; want %d and %d", i, got, f.waiting(), step.want, step.waiting)
		}
	}
	if f.get(1) != nil || f.get(2) != nil || !f.setAside(3) {
		t.Errorf("%v is remembered, want event 3 alone", f.byID)
	}
}

// Of the events that were set aside, the one longest ago is forgotten when there are more than
// 1024. Those that wait are not counted, and not forgotten.
func TestFailedEventsForgetTheOldestSetAside(t *testing.T) {
	t.Parallel()
	var f failedEvents
	f.add(1, nil, failedLetter(1, 1))
	f.add(2, nil, DeadLetter{})
	f.forget(2)
	last := EventID(2)
	for range maxSetAside {
		last++
		f.add(last, nil, DeadLetter{})
	}
	for id := EventID(3); id <= last; id++ {
		if !f.setAside(id) {
			t.Fatalf("event %d of %d is forgotten", id, last)
		}
	}
	f.add(last+1, nil, failedLetter(last+1, 1))
	f.add(last+2, nil, failedLetter(last+2, 1))
	f.forget(last + 2)
	if !f.setAside(3) {
		t.Error("events that wait have driven out one that was set aside")
	}
	f.add(last+3, nil, DeadLetter{})
	if f.get(3) != nil || f.get(4) == nil || f.get(1) == nil || f.get(last+1) == nil {
		t.Error("it is not the oldest one that was set aside, and that one alone, that is forgotten")
	}
}

// The event that has waited longest is the first to be set aside: since it failed last, not
// since it failed first, and as long as it is remembered.
func TestFailedEventsKnowTheOldest(t *testing.T) {
	t.Parallel()
	var f failedEvents
	oldest := func(want EventID) {
		t.Helper()
		for range 2 {
			if id, ok := f.oldest(); id != want || ok != (want > 0) {
				t.Errorf("the oldest is %d, %t; want %d", id, ok, want)
			}
		}
	}
	oldest(0)
	f.add(9, nil, DeadLetter{})
	oldest(0)
	f.add(1, nil, failedLetter(1, 1))
	f.add(2, nil, failedLetter(2, 1))
	oldest(1)
	f.add(1, nil, failedLetter(1, 1))
	oldest(2)
	f.add(2, nil, DeadLetter{})
	oldest(1)
	f.forget(1)
	oldest(0)
}

// An event that fails again and again takes no more room each time.
func TestFailedEventsThatFailAgainTakeNoMoreRoom(t *testing.T) {
	t.Parallel()
	var f failedEvents
	most := 0
	for range 1000 {
		f.add(1, nil, failedLetter(1, 1))
		most = max(most, len(f.queues[0]))
	}
	if want := 2 + 16 + 1; most != want { // it is cleared when stale references are most of it
		t.Errorf("the queue of one event had %d places, want %d", most, want)
	}
}

// An event for which there is no room counts as set aside, unless it is not safe yet.
func TestFailedEventsThatAreWantedAreNotSetAside(t *testing.T) {
	t.Parallel()
	var f failedEvents
	f.want(1, true) // it is not known: nothing happens
	f.add(1, nil, DeadLetter{})
	for _, wanted := range []bool{true, false} {
		if f.want(1, wanted); f.setAside(1) == wanted {
			t.Errorf("wanted %t: set aside is %t", wanted, !wanted)
		}
	}
	if f.want(2, true); f.get(2) != nil || f.setAside(2) {
		t.Error("event 2, which did not fail, is remembered")
	}
}
