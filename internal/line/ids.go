package line

// ids knows which IDs have had their turn, and what became of the last of them.
type ids struct {
	next int64 // the lowest ID whose turn has not come; 0 before the first event
	last int64 // the highest ID that was handled without an error

	// The fates of the last remembered IDs below next. While there are none, the IDs
	// below first are absent, and the others were handled: a conversation whose
	// events come in order needs no more.
	fates *fates
	first int64
}

// remembered is how many IDs below next are remembered.
const remembered = 1024

// fate is what became of an ID whose turn has passed.
type fate uint64

const (
	absent  fate = iota // it has not come: there is no such event, or none is known of
	handled             // its handlers have returned nil, or run
	failed              // its handlers have failed
	missed              // it was given up
)

// fates has two bits for each of the last remembered IDs.
type fates [remembered / 32]uint64

func (f *fates) of(id int64) fate {
	return fate(f[id%remembered/32]>>(id%32*2)) & 3
}

func (f *fates) set(id int64, to fate) {
	word := &f[id%remembered/32]
	*word = *word&^(3<<(id%32*2)) | uint64(to)<<(id%32*2)
}

// Standing is how an ID stands to the events so far.
type Standing uint8

// The standings of an ID.
const (
	Due       Standing = iota // it is the next one, or the first of all
	Early                     // its turn has not come
	Late                      // its turn has passed, and it was not handled
	Duplicate                 // it was handled, or is being handled
	Forgotten                 // its turn passed too long ago to know
)

func (s *ids) standing(id int64) Standing {
	switch {
	case s.next == 0 || id == s.next:
		return Due
	case id > s.next:
		return Early
	case id < s.next-remembered:
		return Forgotten
	case s.fate(id) == handled:
		return Duplicate
	default:
		return Late
	}
}

// start sets the baseline, the first ID that is expected, unless it is set.
func (s *ids) start(id int64) {
	if s.next == 0 {
		s.next, s.first = id, id
	}
}

// fate returns what became of an ID that is remembered.
func (s *ids) fate(id int64) fate {
	switch {
	case s.fates != nil:
		return s.fates.of(id)
	case id < s.first:
		return absent
	default:
		return handled
	}
}

func (s *ids) setFate(id int64, to fate) {
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
func (s *ids) pass(id int64, as fate) {
	s.start(id)
	for n := max(s.next, id-remembered); n < id; n++ {
		s.setFate(n, as)
	}
	s.next = max(s.next, id)
}

// take says that id is being handled; it counts as handled until it is settled.
func (s *ids) take(id int64) {
	if id == s.next && s.fates == nil { // the usual case: nothing but next changes
		s.next++
		return
	}
	if id >= s.next {
		s.pass(id, absent)
		s.next = id + 1
	}
	if s.remembers(id) {
		s.setFate(id, handled)
	}
}

// settle notes how the handling of an ID ended.
func (s *ids) settle(id int64, ok bool) {
	switch {
	case !s.remembers(id):
	case ok:
		s.last = max(s.last, id)
	default:
		s.setFate(id, failed)
	}
}

func (s *ids) remembers(id int64) bool { return id < s.next && id >= s.next-remembered }

// failed reports whether id has had its turn and its handlers failed.
func (s *ids) failed(id int64) bool { return s.remembers(id) && s.fate(id) == failed }

// deny says that there are no events between two IDs.
func (s *ids) deny(after, before int64) {
	for id := max(after+1, s.next-remembered, 0); id < min(before, s.next); id++ {
		if s.fate(id) == missed {
			s.setFate(id, absent)
		}
	}
}

// unhandled returns the lowest ID from which events are wanted: the oldest one
// that was given up or whose handlers failed, else the next one.
func (s *ids) unhandled() int64 {
	for id := max(1, s.next-remembered); id < s.next; id++ {
		if f := s.fate(id); f == failed || f == missed {
			return id
		}
	}
	return s.next
}
