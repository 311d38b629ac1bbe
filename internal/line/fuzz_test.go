package line

import (
	"testing"
	"time"
)

// FuzzLine delivers IDs in any order, by what data says, and holds the line to a model
// that does with maps what the line does with bits: an ID is handled at most once unless
// it failed, held ones run in rising order, and no more are held than the window allows.
func FuzzLine(f *testing.F) {
	f.Add(uint8(4), []byte{})
	f.Add(uint8(4), []byte{0, 17, 0, 17, 0, 17})                           // in order
	f.Add(uint8(4), []byte{0, 22, 0, 21, 0, 20, 0, 19, 0, 18, 0, 17})      // backwards
	f.Add(uint8(0), []byte{0, 17, 0, 26, 0, 22, 0, 22, 0, 26})             // no window
	f.Add(uint8(2), []byte{0, 17, 0, 19, 0, 19, 0, 19, 0, 19, 0, 2})       // gap upon gap
	f.Add(uint8(9), []byte{3, 17, 0, 16, 3, 17, 3, 18, 0, 17, 0, 15})      // failures, handled again
	f.Add(uint8(3), []byte{8, 0, 8, 255, 8, 1, 24, 7, 8, 128, 8, 64})      // far jumps
	f.Add(uint8(5), []byte{0, 20, 4, 20, 0, 20, 5, 9, 6, 18, 4, 21, 7, 0}) // withdrawn, listed, time, closed
	f.Fuzz(func(t *testing.T, window uint8, data []byte) {
		if len(data) > 1<<11 {
			return
		}
		m := &model{
			line:    New[int64](&Rules{Window: int(window & 31), Wait: time.Second}, 0),
			handled: map[int64]bool{}, failed: map[int64]bool{}, missed: map[int64]bool{}, held: map[int64]bool{},
			now: time.Unix(0, 0),
		}
		for i := 0; i+1 < len(data); i += 2 {
			m.play(t, data[i], int64(data[i+1]))
			m.check(t)
		}
	})
}

// model does with maps what a line does with bits.
type model struct {
	line                          Line[int64]
	handled, failed, missed, held map[int64]bool
	now                           time.Time
	highest                       int64 // of all that were held and run
}

func (m *model) next() int64 { return m.line.ids.next }

func (m *model) play(t *testing.T, kind byte, n int64) {
	// Near the next ID, or far from it in either direction.
	id := max(1, m.next()+n%32-16)
	if kind&8 != 0 {
		id = max(1, m.next()+(n-128)*17)
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
		before := m.next()
		prev := id - n%8
		m.line.Listed(prev, id)
		for gone := range m.missed {
			if gone > prev && gone < id && gone < before {
				delete(m.missed, gone)
			}
		}
	case 7:
		if n == 0 {
			m.line.Close()
		}
	default:
		m.come(t, id, kind&7 != 3)
	}
	for {
		step := m.line.Next(m.now)
		switch step.Do {
		case Gap:
			if step.From != m.next() && step.From > step.To || m.next() != step.To+1 {
				t.Fatalf("gap %d-%d, then %d is next", step.From, step.To, m.next())
			}
			for id := max(step.From, step.To-remembered); id <= step.To; id++ {
				if m.held[id] {
					t.Fatalf("%d is held and given up", id)
				}
				if step.To >= m.line.listed {
					m.missed[id] = true
				}
			}
		case Run:
			if !m.held[step.Item] || step.Item <= m.highest && !step.Again {
				t.Fatalf("%d, which was held: %v, runs after %d", step.Item, m.held[step.Item], m.highest)
			}
			delete(m.held, step.Item)
			m.highest = max(m.highest, step.Item)
			m.run(t, step.Item, step.Again, true)
		case Rest:
			return
		default:
			t.Fatalf("the step is %d: there is no Source", step.Do)
		}
	}
}

func (m *model) come(t *testing.T, id int64, ok bool) {
	want := Late
	switch {
	case m.next() == 0 || id == m.next():
		want = Due
	case id > m.next():
		want = Early
	case id < m.next()-remembered:
		want = Forgotten
	case m.handled[id]:
		want = Duplicate
	}
	got := m.line.Standing(id)
	if got != want {
		t.Fatalf("Standing(%d) is %d, want %d, with next %d", id, got, want, m.next())
	}
	switch got {
	case Due, Late:
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
	if m.handled[id] {
		t.Fatalf("%d is handled again", id)
	}
	if want := m.failed[id] && id >= m.next()-remembered; again != want {
		t.Fatalf("again is %v for %d, with next %d", again, id, m.next())
	}
	if st := m.line.Standing(id); st != Duplicate && st != Forgotten {
		t.Fatalf("Standing(%d) is %d while it is handled", id, st)
	}
	delete(m.missed, id)
	delete(m.failed, id)
	m.line.Settle(id, ok)
	if ok {
		m.handled[id] = true
	} else {
		m.failed[id] = true
	}
}

// check compares what the line says of everything with the maps.
func (m *model) check(t *testing.T) {
	t.Helper()
	wanted, last := max(m.next(), 1), int64(0)
	for _, open := range []map[int64]bool{m.failed, m.missed} {
		for id := range open {
			if id >= m.next()-remembered {
				wanted = min(wanted, id)
			}
		}
	}
	for id := range m.handled {
		last = max(last, id)
	}
	if got := m.line.Wanted(); got != wanted {
		t.Fatalf("Wanted is %d, want %d", got, wanted)
	}
	if got := m.line.Last(); got != last {
		t.Fatalf("Last is %d, want %d", got, last)
	}
	held := m.line.Held()
	if len(held) != len(m.held) || len(held) > m.line.rules.Window && !m.line.Full() {
		t.Fatalf("%d are held, want %d", len(held), len(m.held))
	}
	if m.line.Full() {
		t.Fatalf("%d are held, the window is %d", len(held), m.line.rules.Window)
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
