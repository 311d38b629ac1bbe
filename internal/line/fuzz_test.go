package line

import (
	"testing"
	"time"
)

// FuzzLine delivers IDs in any order, by what data says, and holds the line to a model
// that notes of each ID what became of it: an ID is handled at most once unless it failed,
// none that was not handled is dropped, held ones run in rising order, and no more are held
// than the window allows.
func FuzzLine(f *testing.F) {
	f.Add(uint8(4), []byte{})
	f.Add(uint8(4), []byte{0, 17, 0, 17, 0, 17})                                  // in order
	f.Add(uint8(4), []byte{0, 22, 0, 21, 0, 20, 0, 19, 0, 18, 0, 17})             // backwards
	f.Add(uint8(0), []byte{0, 17, 0, 26, 0, 22, 0, 22, 0, 26})                    // no window
	f.Add(uint8(2), []byte{0, 17, 0, 19, 0, 19, 0, 19, 0, 19, 0, 2})              // gap upon gap
	f.Add(uint8(9), []byte{3, 17, 0, 16, 3, 17, 3, 18, 0, 17, 0, 15})             // failures, handled again
	f.Add(uint8(3), []byte{8, 0, 8, 255, 8, 1, 24, 7, 8, 128, 8, 64})             // far jumps
	f.Add(uint8(0), []byte{8, 255, 8, 255, 8, 9, 11, 0, 8, 255, 8, 0, 11, 1})     // and back
	f.Add(uint8(0), []byte{3, 17, 23, 15, 8, 255, 3, 17, 8, 255, 23, 3, 0, 3})    // set aside, within the window and beyond
	f.Add(uint8(0), []byte{8, 255, 15, 3, 8, 9, 15, 1, 0, 17, 15, 1, 5, 255})     // the log begins at 1
	f.Add(uint8(9), []byte{8, 255, 31, 0, 8, 200, 39, 0, 0, 17, 47, 0, 55, 0})    // out of range
	f.Add(uint8(5), []byte{0, 20, 4, 20, 0, 20, 5, 9, 14, 18, 4, 21, 6, 1, 7, 0}) // withdrawn, listed, time, closed
	f.Fuzz(func(t *testing.T, window uint8, data []byte) {
		if len(data) > 1<<9 { // so few that nothing is forgotten because there are too many spans
			return
		}
		m := &model{
			line: New[int64](&Rules{Window: int(window & 31), Wait: time.Second}, 0),
			held: map[int64]bool{}, aside: map[int64]bool{}, now: time.Unix(0, 0),
		}
		for i := 0; i+1 < len(data); i += 2 {
			m.play(t, data[i], int64(data[i+1]))
			m.check(t)
		}
	})
}

// model knows of each ID what became of it.
type model struct {
	line    Line[int64]
	fates   []fate // by ID
	held    map[int64]bool
	aside   map[int64]bool // what failed and was set aside
	now     time.Time
	first   int64 // the baseline, if an event has set it
	begun   bool
	below   int64 // IDs below the first that were neither handled nor failed, and have to be reported
	highest int64 // of all that were held and run

	reported  int64 // the highest ID below the first that was reported
	forgotten int64 // the highest ID that was set aside and left the window
}

func (m *model) next() int64 { return m.line.ids.next }

func (m *model) fate(id int64) *fate {
	for int(id) >= len(m.fates) {
		m.fates = append(m.fates, absent)
	}
	return &m.fates[id]
}

func (m *model) play(t *testing.T, kind byte, n int64) {
	// Near the next ID, or far from it in either direction.
	id := max(1, m.next()+n%32-16)
	if kind&8 != 0 {
		id = max(1, m.next()+(n-128)*9)
	}
	switch kind & 7 {
	case 4:
		if m.line.Withdraw(id, id) != m.held[id] {
			t.Fatalf("Withdraw(%d) is %v", id, !m.held[id])
		}
		delete(m.held, id)
	case 5:
		m.now = m.now.Add(time.Duration(n) * 10 * time.Millisecond)
	case 6:
		prev := id - n%8
		m.line.Listed(prev, id)
		for gone := max(prev+1, 1); gone < min(id, m.next()); gone++ {
			if f := m.fate(gone); *f == missed {
				*f = absent
			}
		}
	case 7:
		m.special(t, kind>>3, n, id)
	default:
		m.come(t, id, kind&7 != 3)
	}
	for {
		step := m.line.Next(m.now)
		switch step.Do {
		case Gap:
			m.gap(t, step)
		case Run:
			if !m.held[step.Item] || step.Item <= m.highest && !step.Again {
				t.Fatalf("%d, which was held: %v, runs after %d", step.Item, m.held[step.Item], m.highest)
			}
			delete(m.held, step.Item)
			m.highest = max(m.highest, step.Item)
			m.run(t, step.ID, step.Again, true)
		case Rest:
			return
		default:
			t.Fatalf("the step is %d: there is no Source", step.Do)
		}
	}
}

// special is what does not happen often.
func (m *model) special(t *testing.T, kind byte, n, id int64) {
	switch kind {
	case 0:
		if n == 0 {
			m.line.Close()
		}
	case 1:
		m.line.Begin(1, m.now)
		if m.first > 0 && !m.begun {
			m.below = m.first - 1
			for id := int64(1); id < m.first; id++ {
				if f := m.fate(id); *f == absent {
					*f = missed
				}
			}
		}
		if m.next() == 0 {
			t.Fatal("nothing is expected")
		}
		m.begun = true
	case 2:
		m.line.SetAside(id)
		if id < m.next() && *m.fate(id) == failed {
			m.aside[id] = true
		}
	default: // out of range
		before := m.line.ids
		id = max(m.next(), largest)<<(kind&7) + farthest
		if got := m.line.Standing(id); got != Due || m.line.Take(id) {
			t.Fatalf("%d is out of range, and its standing %d", id, got)
		}
		m.line.Settle(id, kind&8 == 0)
		if m.line.ids != before {
			t.Fatalf("%d, out of range, changes %+v to %+v", id, before, m.line.ids)
		}
	}
}

// gap is called for a gap that is reported.
func (m *model) gap(t *testing.T, step Step[int64]) {
	below := step.To <= m.below
	switch {
	case step.From > step.To:
		t.Fatalf("gap %d-%d", step.From, step.To)
	case !below && m.next() != step.To+1:
		t.Fatalf("gap %d-%d, then %d is next", step.From, step.To, m.next())
	}
	for id := step.From; id <= step.To; id++ {
		f := m.fate(id)
		if m.held[id] || *f == handled || *f == failed {
			t.Fatalf("%d is held, was handled or has failed, and is given up", id)
		}
		if !below && step.To >= m.line.listed {
			*f = missed
		}
	}
	if below { // what lies in front of it and was not reported must have come
		for id := m.reported + 1; id < step.From; id++ {
			if f := *m.fate(id); f != handled && f != failed {
				t.Fatalf("%d has not come and is not reported", id)
			}
		}
		m.reported = step.To
	}
}

func (m *model) come(t *testing.T, id int64, ok bool) {
	var want Standing
	switch past := id < m.next(); {
	case m.next() == 0 || id == m.next():
		want = Due
	case !past:
		want = Early
	case m.aside[id] && id < m.next()-remembered:
		want = Forgotten
	case *m.fate(id) != handled:
		want = Late
	case id < m.forgot():
		want = Forgotten
	default:
		want = Duplicate
	}
	got := m.line.Standing(id)
	if got != want {
		t.Fatalf("Standing(%d) is %d, want %d, with next %d", id, got, want, m.next())
	}
	switch got {
	case Due, Late:
		if m.next() == 0 {
			m.first = id
		}
		m.run(t, id, m.line.Take(id), ok)
	case Early:
		if _, waits := m.line.Find(id); waits != m.held[id] {
			t.Fatalf("Find(%d) is %v", id, waits)
		}
		if !m.held[id] {
			m.line.Add(id, id, m.now)
			m.held[id] = true
		}
	}
}

// run is called when id is taken.
func (m *model) run(t *testing.T, id int64, again, ok bool) {
	f := m.fate(id)
	if *f == handled {
		t.Fatalf("%d is handled again", id)
	}
	if want := *f == failed; again != want {
		t.Fatalf("again is %v for %d, with next %d", again, id, m.next())
	}
	if st := m.line.Standing(id); st != Duplicate && st != Forgotten {
		t.Fatalf("Standing(%d) is %d while it is handled", id, st)
	}
	delete(m.aside, id)
	m.line.Settle(id, ok)
	if *f = handled; !ok {
		*f = failed
	}
}

// forgot returns the ID below which it is not known what was handled.
func (m *model) forgot() int64 {
	for id := range m.aside {
		if id < m.next()-remembered {
			m.forgotten = max(m.forgotten, id)
		}
	}
	return m.forgotten
}

// check compares what the line says of everything with the model.
func (m *model) check(t *testing.T) {
	t.Helper()
	wanted, last := max(m.next(), 1), int64(0)
	for id, f := range m.fates {
		switch {
		case f == missed || f == failed && !m.aside[int64(id)]:
			wanted = min(wanted, int64(id))
		case f == handled:
			last = int64(id)
		}
	}
	if got := m.line.Wanted(); got != wanted {
		t.Fatalf("Wanted is %d, want %d", got, wanted)
	}
	if got := m.line.Last(); got != last {
		t.Fatalf("Last is %d, want %d", got, last)
	}
	held := m.line.Held()
	if len(held) != len(m.held) || m.line.Full() {
		t.Fatalf("%d are held, want %d; the window is %d", len(held), len(m.held), m.line.rules.Window)
	}
	gap := false
	for i, id := range held {
		if id <= m.next() && i == 0 || i > 0 && id <= held[i-1] {
			t.Fatalf("%d is held at %d, with next %d", id, i, m.next())
		}
		gap = gap || id != m.next()+int64(i)
		if m.line.Behind(id) != gap {
			t.Fatalf("Behind(%d) is %v", id, !gap)
		}
	}
}
