package nexmo

import (
	"slices"
	"time"
)

// sequencer decides what to do with the ID of an event: it knows which IDs have
// had their turn and which of those were handled, and keeps the events whose
// turn has not come. It knows no time, no lock and no handler; [Conversation]
// has those.
type sequencer struct {
	next EventID // the lowest ID whose turn has not come; 0 before the first event
	last EventID // the highest ID that was handled

	// What became of the IDs below next: a bit each for the last remembered
	// ones. An ID with neither bit never arrived, or was never handled.
	done   idSet
	failed idSet

	held []*turn // whose turn has not come, by rising ID
}

// remembered is how many IDs below next are remembered. An event further back
// counts as handled.
const remembered = 1024

// idSet is a set of the last remembered IDs.
type idSet [remembered / 64]uint64

func (s *idSet) has(id EventID) bool { return s[id%remembered/64]&(1<<(id%64)) != 0 }
func (s *idSet) add(id EventID)      { s[id%remembered/64] |= 1 << (id % 64) }
func (s *idSet) remove(id EventID)   { s[id%remembered/64] &^= 1 << (id % 64) }

// standing is how an ID stands to the events so far.
type standing int

const (
	due       standing = iota // it is the next one, or the first at all
	early                     // its turn has not come
	late                      // its turn has passed, but it was never handled
	duplicate                 // it was handled
	forgotten                 // too long ago to know
)

func (s *sequencer) standing(id EventID) standing {
	switch {
	case s.next == 0 || id == s.next:
		return due
	case id > s.next:
		return early
	case id < s.next-remembered:
		return forgotten
	case s.done.has(id):
		return duplicate
	default:
		return late
	}
}

// start sets the baseline: the first ID that is expected.
func (s *sequencer) start(id EventID) {
	if s.next == 0 {
		s.next = id
	}
}

// pass says that the turn of the IDs below id has come.
func (s *sequencer) pass(id EventID) {
	s.start(id)
	for n := max(s.next, id-remembered); n < id; n++ {
		s.done.remove(n)
		s.failed.remove(n)
	}
	s.next = max(s.next, id)
}

// record notes what became of an ID whose turn has come.
func (s *sequencer) record(id EventID, ok bool) {
	if id >= s.next || id < s.next-remembered {
		return
	}
	if ok {
		s.done.add(id)
		s.failed.remove(id)
		s.last = max(s.last, id)
	} else {
		s.failed.add(id)
	}
}

// tried reports whether id had its turn before and its handlers failed.
func (s *sequencer) tried(id EventID) bool {
	return id < s.next && id >= s.next-remembered && s.failed.has(id)
}

// unhandled returns the lowest ID from which events are wanted: the oldest one
// whose handlers failed, else the next one.
func (s *sequencer) unhandled() EventID {
	for id := max(1, s.next-remembered); id < s.next; id++ {
		if s.failed.has(id) {
			return id
		}
	}
	return s.next
}

func compareTurn(t *turn, id EventID) int {
	switch {
	case t.e.ID < id:
		return -1
	case t.e.ID > id:
		return 1
	default:
		return 0
	}
}

// find returns the held turn with an ID, or nil.
func (s *sequencer) find(id EventID) *turn {
	if len(s.held) == 0 {
		return nil
	}
	if i, ok := slices.BinarySearchFunc(s.held, id, compareTurn); ok {
		return s.held[i]
	}
	return nil
}

// hold keeps t until its turn has come. No other turn with its ID is held.
func (s *sequencer) hold(t *turn) {
	i, _ := slices.BinarySearchFunc(s.held, t.e.ID, compareTurn)
	s.held = slices.Insert(s.held, i, t)
}

// gapBefore reports whether t is held and events are missing in front of it.
func (s *sequencer) gapBefore(t *turn) bool {
	i, _ := slices.BinarySearchFunc(s.held, t.e.ID, compareTurn)
	return i < len(s.held) && s.held[i] == t && t.e.ID-s.next > EventID(i)
}

// oldest returns when the event came that has been held longest.
func (s *sequencer) oldest() time.Time {
	at := s.held[0].at
	for _, t := range s.held[1:] {
		if t.at.Before(at) {
			at = t.at
		}
	}
	return at
}

// head returns the held turn with the lowest ID, or nil.
func (s *sequencer) head() *turn {
	if len(s.held) == 0 {
		return nil
	}
	return s.held[0]
}

// remove takes a held turn out.
func (s *sequencer) remove(t *turn) bool {
	i, ok := slices.BinarySearchFunc(s.held, t.e.ID, compareTurn)
	if !ok || s.held[i] != t {
		return false
	}
	s.held = slices.Delete(s.held, i, i+1)
	if len(s.held) == 0 {
		s.held = nil
	}
	return true
}
