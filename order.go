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

	// The fates of the last remembered IDs below next. While there are none, those
	// below first are absent, and the others were handled: a conversation whose
	// events come in order needs no more.
	fates *fates
	first EventID

	held []*turn // whose turn has not come, by rising ID
}

// remembered is how many IDs below next are remembered. An event further back
// counts as handled.
const remembered = 1024

// fate is what became of an ID whose turn has passed.
type fate uint64

const (
	absent  fate = iota // it never came: there is no such event, or it is not known of
	handled             // its handlers returned nil
	failed              // its handlers did not
	missed              // it was given up
)

// fates has two bits for each of the last remembered IDs.
type fates [remembered / 32]uint64

func (f *fates) of(id EventID) fate {
	return fate(f[id%remembered/32]>>(id%32*2)) & 3
}

func (f *fates) set(id EventID, to fate) {
	word := &f[id%remembered/32]
	*word = *word&^(3<<(id%32*2)) | uint64(to)<<(id%32*2)
}

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
	case s.fate(id) == handled:
		return duplicate
	default:
		return late
	}
}

// start sets the baseline: the first ID that is expected.
func (s *sequencer) start(id EventID) {
	if s.next == 0 {
		s.next, s.first = id, id
	}
}

// fate returns what became of an ID that is remembered.
func (s *sequencer) fate(id EventID) fate {
	switch {
	case s.fates != nil:
		return s.fates.of(id)
	case id < s.first:
		return absent
	default:
		return handled
	}
}

func (s *sequencer) setFate(id EventID, to fate) {
	if s.fate(id) == to {
		return
	}
	if s.fates == nil {
		all := new(fates)
		for n := max(s.first, s.next-remembered); n < s.next; n++ {
			all.set(n, handled)
		}
		s.fates = all
	}
	s.fates.set(id, to)
}

// pass says that the turn of the IDs below id has come, and what becomes of
// those among them that have not had theirs.
func (s *sequencer) pass(id EventID, as fate) {
	s.start(id)
	for n := max(s.next, id-remembered); n < id; n++ {
		s.setFate(n, as)
	}
	s.next = max(s.next, id)
}

// take says that the turn of id has come, which is next or behind it; until its
// fate is recorded it counts as handled.
func (s *sequencer) take(id EventID) {
	s.pass(id, absent)
	s.next = id + 1
	s.setFate(id, handled)
}

// record notes what became of an ID whose turn has come.
func (s *sequencer) record(id EventID, as fate) {
	if !s.remembers(id) {
		return
	}
	s.setFate(id, as)
	if as == handled {
		s.last = max(s.last, id)
	}
}

func (s *sequencer) remembers(id EventID) bool { return id < s.next && id >= s.next-remembered }

// tried reports whether id had its turn before and its handlers failed.
func (s *sequencer) tried(id EventID) bool { return s.remembers(id) && s.fate(id) == failed }

// deny says that there are no events between two IDs.
func (s *sequencer) deny(after, before EventID) {
	for id := max(after+1, s.next-remembered, 0); id < min(before, s.next); id++ {
		if s.fate(id) == missed {
			s.setFate(id, absent)
		}
	}
}

// unhandled returns the lowest ID from which events are wanted: the oldest one
// that was given up or whose handlers failed, else the next one.
func (s *sequencer) unhandled() EventID {
	for id := max(1, s.next-remembered); id < s.next; id++ {
		if f := s.fate(id); f == failed || f == missed {
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
