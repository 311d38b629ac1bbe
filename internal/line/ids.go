package line

// ids knows which IDs have had their turn, and what became of them.
type ids struct {
	next int64 // the lowest ID whose turn has not come; 0 before the first event
	last int64 // the highest ID that was handled without an error

	// What became of the IDs below next. While it is nil, those below first are absent,
	// and the others were handled: a conversation whose events come in order needs no more.
	past  *past
	first int64 // the baseline
}

const (
	// remembered is how many IDs below next are remembered one by one.
	remembered = 1024
	// largest is the largest ID that a conversation can count to.
	largest = 1 << 40
	// farthest is how far ahead of next an ID is too far.
	farthest = 1 << 20
)

// outOfRange reports whether id is none that the conversation can have counted to.
func (s *ids) outOfRange(id int64) bool {
	return id > largest || s.next > 0 && id-s.next >= farthest
}

// fate is what became of an ID whose turn has passed.
type fate uint64

const (
	absent  fate = iota // it has not come: there is no such event, or none is known of
	handled             // its handlers have returned nil, or run
	failed              // its handlers have failed
	missed              // it was given up
	unknown             // it is too long ago to know; not in recent
)

// past is what became of the IDs whose turn has passed. Of the last remembered IDs it
// is known of each. Of those below, what was not handled is known.
type past struct {
	recent recent
	older  spans              // below recent: what has not come
	open   map[int64]struct{} // of any age: what failed and was not set aside
	forgot int64              // up to here, IDs that were not handled may be in neither
}

// recent has two bits for each of the last remembered IDs.
type recent [remembered / 32]uint64

func (r *recent) of(id int64) fate {
	return fate(r[id%remembered/32]>>(id%32*2)) & 3
}

func (r *recent) set(id int64, to fate) {
	word := &r[id%remembered/32]
	*word = *word&^(3<<(id%32*2)) | uint64(to)<<(id%32*2)
}

// Standing is how an ID stands to the events so far.
type Standing uint8

// The standings of an ID.
const (
	Due       Standing = iota // it is the next one, the first of all, or out of range
	Early                     // its turn has not come
	Late                      // its turn has passed, and it was not handled
	Duplicate                 // it was handled, or is being handled
	Forgotten                 // its turn passed too long ago to know
)

func (s *ids) standing(id int64) Standing {
	switch {
	case s.next == 0 || id == s.next || s.outOfRange(id):
		return Due
	case id > s.next:
		return Early
	}
	switch s.fate(id) {
	case handled:
		return Duplicate
	case unknown:
		return Forgotten
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

// window returns the lowest ID that is remembered one by one.
func (s *ids) window() int64 { return s.next - remembered }

// fate returns what became of an ID below next.
func (s *ids) fate(id int64) fate {
	p := s.past
	switch {
	case p == nil && id < s.first:
		return absent
	case p == nil:
		return handled
	case id >= s.window():
		return p.recent.of(id)
	}
	if _, ok := p.open[id]; ok {
		return failed
	}
	if i, ok := p.older.find(id); ok {
		return p.older[i].fate
	}
	if id <= p.forgot {
		return unknown
	}
	return handled
}

// memory returns the past, which it makes if need be.
func (s *ids) memory() *past {
	if s.past == nil {
		p := new(past)
		for n := max(s.first, s.window()); n < s.next; n++ {
			p.recent.set(n, handled)
		}
		if before := min(s.first, s.window()) - 1; before > 0 {
			p.older = p.older.push(span{1, before, absent})
		}
		s.past = p
	}
	return s.past
}

// setFate says that an ID below next was handled, or failed.
func (s *ids) setFate(id int64, to fate) {
	if s.fate(id) == to {
		return
	}
	p := s.memory()
	if to != failed {
		delete(p.open, id)
	} else {
		if p.open == nil {
			p.open = map[int64]struct{}{}
		}
		p.open[id] = struct{}{}
	}
	if id >= s.window() {
		p.recent.set(id, to)
	} else {
		p.older = p.older.remove(id)
		p.trim()
	}
}

// pass says that the turn of the IDs below id has come, and what becomes of
// those among them that have not had theirs.
func (s *ids) pass(id int64, as fate) {
	s.start(id)
	if id <= s.next {
		return
	}
	p := s.memory()
	for n := s.next; n < min(id, s.next+remembered); n++ {
		p.retire(n - remembered)
	}
	if before := id - remembered - 1; before >= s.next {
		p.older = p.older.push(span{s.next, before, as})
	}
	for n := max(s.next, id-remembered); n < id; n++ {
		p.recent.set(n, as)
	}
	s.next = id
	p.trim()
}

// retire is called for an ID that is no longer one of the recent ones.
func (p *past) retire(id int64) {
	if id < 1 {
		return
	}
	switch f := p.recent.of(id); f {
	case absent, missed:
		p.older = p.older.push(span{id, id, f})
	case failed:
		if _, ok := p.open[id]; !ok { // it was set aside
			p.forgot = max(p.forgot, id)
		}
	}
}

// trim forgets the lowest IDs that have not come if there are too many spans of them.
func (p *past) trim() {
	if more := len(p.older) - maxSpans; more > 0 {
		p.forgot = max(p.forgot, p.older[more-1].to)
		p.older = p.older[more:]
	}
}

// take says that id is being handled, and reports whether it has failed before. It
// counts as handled until it is settled.
func (s *ids) take(id int64) (again bool) {
	switch {
	case s.outOfRange(id):
		return false
	case id >= s.next:
		s.pass(id, absent)
		if s.past == nil { // the usual case: nothing but next changes
			s.next++
		} else {
			s.pass(id+1, handled)
		}
		return false
	}
	again = s.fate(id) == failed
	s.setFate(id, handled)
	return again
}

// settle notes how the handling of an ID that was taken ended.
func (s *ids) settle(id int64, ok bool) {
	switch {
	case id >= s.next: // it is out of range
	case ok:
		s.last = max(s.last, id)
	default:
		s.setFate(id, failed)
	}
}

// failed reports whether id has had its turn and its handlers failed.
func (s *ids) failed(id int64) bool { return id < s.next && s.fate(id) == failed }

// setAside says that an ID that failed is not to be handled again unless it comes.
func (s *ids) setAside(id int64) {
	if !s.failed(id) {
		return
	}
	delete(s.past.open, id)
	if id < s.window() {
		s.past.forgot = max(s.past.forgot, id)
	}
}

// mark says of the IDs from..to that have not come whether they are absent or missed.
func (s *ids) mark(from, to int64, as fate) {
	from, to = max(from, 1), min(to, s.next-1)
	if from > to || s.past == nil && as == absent {
		return
	}
	p := s.memory()
	for id := max(from, s.window()); id <= to; id++ {
		if f := p.recent.of(id); f == absent || f == missed {
			p.recent.set(id, as)
		}
	}
	p.older = p.older.mark(from, to, as)
	p.trim()
}

// unhandled returns the lowest ID from which events are wanted: the oldest one that was
// given up, or failed and was not set aside, else the next one.
func (s *ids) unhandled() int64 {
	lowest := s.next
	if s.past == nil {
		return lowest
	}
	for id := max(1, s.window()); id < s.next; id++ {
		if s.past.recent.of(id) == missed {
			lowest = id
			break
		}
	}
	for _, o := range s.past.older {
		if o.fate == missed {
			lowest = o.from
			break
		}
	}
	for id := range s.past.open {
		lowest = min(lowest, id)
	}
	return lowest
}

// missing returns the first run of IDs from..to that have not come; lo is 0 if there is
// none. All of them are below next, and there is a past.
func (s *ids) missing(from, to int64) (lo, hi int64) {
	for id := from; id <= to; {
		f, last := s.stretch(id)
		switch {
		case f == absent || f == missed:
			if lo == 0 {
				lo = id
			}
			hi = min(last, to)
		case lo != 0:
			return lo, hi
		}
		id = last + 1
	}
	return lo, hi
}

// stretch returns what became of an ID, and of the IDs up to last as well. Below the
// window it does not tell those that failed from those that were handled.
func (s *ids) stretch(id int64) (f fate, last int64) {
	p := s.past
	if id >= s.window() {
		return p.recent.of(id), id
	}
	i, ok := p.older.find(id)
	switch {
	case ok:
		return p.older[i].fate, p.older[i].to
	case i < len(p.older):
		return handled, p.older[i].from - 1
	default:
		return handled, s.window() - 1
	}
}
