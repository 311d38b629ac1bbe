package nexmo

import (
	"context"
	"errors"
	"iter"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// FuzzSequencer takes events in any order, by what data says, through a
// Conversation and directly through the sequencer: an event is handled at most
// once unless it failed, IDs rise except for events that come late, what is held
// is bounded by the window, and nothing panics or waits for ever.
func FuzzSequencer(f *testing.F) {
	f.Add(uint8(4), []byte{})
	f.Add(uint8(4), []byte{0, 1, 0, 2, 0, 3})                                     // in order
	f.Add(uint8(4), []byte{0, 5, 0, 4, 0, 3, 0, 2, 0, 1, 0, 0})                   // backwards
	f.Add(uint8(0), []byte{0, 1, 0, 9, 0, 5, 0, 5, 0, 9})                         // no window
	f.Add(uint8(2), []byte{0, 1, 0, 3, 0, 5, 0, 7, 0, 9, 0, 11, 0, 2})            // gap upon gap
	f.Add(uint8(64), []byte{3, 1, 0, 1, 3, 3, 19, 3, 0, 2, 0, 3, 0, 3})           // failures, handled again
	f.Add(uint8(0x84), []byte{0, 1, 0, 9, 6, 20, 0, 12, 6, 255, 4, 0})            // with a Source
	f.Add(uint8(0xc4), []byte{0, 1, 5, 9, 6, 20, 5, 12, 6, 255, 4, 0, 0, 9})      // that fails
	f.Add(uint8(8), []byte{5, 1, 5, 4, 0, 4, 6, 200, 0, 4, 7, 3, 7, 9, 4, 1})     // withdrawn, nested
	f.Add(uint8(3), []byte{8, 0, 8, 255, 8, 1, 24, 7, 8, 128, 0, 0, 8, 64})       // far jumps
	f.Add(uint8(3), []byte{0, 9, 2, 6, 15, 13, 11, 10, 12, 15, 2, 3, 14, 15, 18}) // streams
	f.Add(uint8(0x23), []byte{0, 1, 0, 4, 0, 8, 0, 12, 0, 2, 0, 6, 0, 10, 0, 14}) // no time to wait
	f.Fuzz(func(t *testing.T, setup uint8, data []byte) {
		if len(data) > 1<<10 {
			return
		}
		fuzzSequencer(t, int(setup&0x1f), data)
		synctest.Test(t, func(t *testing.T) { fuzzConversation(t, setup, data) })
	})
}

// sequencerModel does with maps what the sequencer does with bits.
type sequencerModel struct {
	seq     sequencer
	handled map[EventID]bool
	failed  map[EventID]bool
	missed  map[EventID]bool
}

func fuzzSequencer(t *testing.T, window int, data []byte) {
	m := &sequencerModel{handled: map[EventID]bool{}, failed: map[EventID]bool{}, missed: map[EventID]bool{}}
	highest := EventID(0)
	for i := 0; i+1 < len(data); i += 2 {
		kind, n := data[i], EventID(data[i+1])
		// Near the next ID, or far from it in either direction.
		id := max(1, m.seq.next+n%32-16)
		if kind&8 != 0 {
			id = max(1, m.seq.next+(n-128)*17)
		}
		ok := kind&7 != 3
		switch st := m.check(t, id); st {
		case late:
			m.run(t, id, ok)
		case due:
			m.run(t, id, ok)
		case early:
			if m.seq.find(id) != nil {
				continue
			}
			m.seq.start(id)
			m.seq.hold(&turn{e: &Event{ID: id}, done: ok}) // done: what will become of it
		case duplicate, forgotten:
			if !m.handled[id] && id >= m.seq.next-remembered {
				t.Fatalf("%d was never handled but is standing %d", id, st)
			}
		}
		for head := m.seq.head(); head != nil; head = m.seq.head() {
			if head.e.ID > m.seq.next {
				if len(m.seq.held) <= window {
					break
				}
				for id := max(m.seq.next, head.e.ID-remembered); id < head.e.ID; id++ {
					m.missed[id] = true
				}
				m.seq.pass(head.e.ID, missed)
			}
			if !m.seq.remove(head) || m.seq.remove(head) {
				t.Fatalf("the held event %d was not removed once", head.e.ID)
			}
			if head.e.ID <= highest {
				t.Fatalf("%d, which was held, is handled after %d", head.e.ID, highest)
			}
			m.run(t, head.e.ID, head.done)
		}
		highest = max(highest, m.seq.next-1)
		if len(m.seq.held) > window {
			t.Fatalf("%d events are held, the window is %d", len(m.seq.held), window)
		}
	}
}

// run gives id its turn.
func (m *sequencerModel) run(t *testing.T, id EventID, ok bool) {
	if m.handled[id] {
		t.Fatalf("%d is handled again", id)
	}
	if got := m.seq.tried(id); got != (m.failed[id] && id >= m.seq.next-remembered) {
		t.Fatalf("tried(%d) is %v with next %d", id, got, m.seq.next)
	}
	if id >= m.seq.next {
		m.seq.take(id)
	}
	delete(m.missed, id)
	delete(m.failed, id)
	if ok {
		m.seq.record(id, handled)
		m.handled[id] = true
	} else {
		m.seq.record(id, failed)
		m.failed[id] = true
	}
}

// check compares what the sequencer knows of id, and of all, with the maps.
func (m *sequencerModel) check(t *testing.T, id EventID) standing {
	want := late
	switch s := &m.seq; {
	case s.next == 0 || id == s.next:
		want = due
	case id > s.next:
		want = early
	case id < s.next-remembered:
		want = forgotten
	case m.handled[id]:
		want = duplicate
	}
	got := m.seq.standing(id)
	if got != want {
		t.Fatalf("standing(%d) is %d, want %d, with next %d", id, got, want, m.seq.next)
	}
	unhandled := m.seq.next
	for _, wanted := range []map[EventID]bool{m.failed, m.missed} {
		for id := range wanted {
			if id >= m.seq.next-remembered {
				unhandled = min(unhandled, id)
			}
		}
	}
	if got := m.seq.unhandled(); got != unhandled {
		t.Fatalf("unhandled is %d, want %d", got, unhandled)
	}
	last := EventID(0)
	for id := range m.handled {
		last = max(last, id)
	}
	if m.seq.last != last {
		t.Fatalf("last is %d, want %d", m.seq.last, last)
	}
	missing := m.seq.next
	gap := false
	for i, h := range m.seq.held {
		if h.e.ID < missing || i > 0 && h.e.ID <= m.seq.held[i-1].e.ID {
			t.Fatalf("held out of order: %d at %d", h.e.ID, i)
		}
		gap = gap || h.e.ID != m.seq.next+EventID(i)
		if m.seq.gapBefore(h) != gap {
			t.Fatalf("gapBefore(%d) is %v", h.e.ID, !gap)
		}
	}
	return got
}

// The turn of an event may come, or somebody else may settle it, at the very
// moment at which the ctx of its owner ends: before the owner, who has noticed
// his ctx, gets hold of the conversation.
func TestWaitWhenCtxEndsToo(t *testing.T) {
	t.Parallel()
	for _, granted := range []bool{true, false} {
		c := NewConversation("", WithStart(1), WithReorderWindow(9, time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		returned := make(chan error)
		go func() { returned <- c.Deliver(ctx, fuzzEvent(2)) }()
		var own *turn
		for own == nil {
			runtime.Gosched()
			c.mu.Lock()
			if !c.busy {
				own = c.seq.find(2)
			}
			if own == nil {
				c.mu.Unlock()
			}
		}
		cancel()
		for range 10_000 {
			runtime.Gosched() // until the owner waits for the lock
		}
		want := context.Canceled
		if granted {
			c.busy, own.granted = true, true
			close(own.wake)
		} else {
			want = errFuzz
			c.seq.remove(own)
			c.settle(own, errFuzz)
		}
		c.mu.Unlock()
		// Whoever has the role gives it up: the gap is still open.
		if err := <-returned; !errors.Is(err, want) {
			t.Errorf("Deliver returned %v, want %v", err, want)
		}
		c.mu.Lock()
		if c.busy || len(c.seq.held) != 0 {
			t.Errorf("the role is taken: %v, %d events are held", c.busy, len(c.seq.held))
		}
		c.mu.Unlock()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// An event that is withdrawn wakes the streams behind it, but not one that has
// been given the role: that is awake.
func TestWithdrawWakesStreamsOnce(t *testing.T) {
	t.Parallel()
	c := NewConversation("", WithStart(1))
	withdrawn := &turn{e: fuzzEvent(2), ctx: t.Context(), owned: true, wake: make(chan struct{})}
	waiting := &turn{e: fuzzEvent(3), ctx: t.Context(), owned: true, eager: true, wake: make(chan struct{})}
	granted := &turn{e: fuzzEvent(1), ctx: t.Context(), owned: true, eager: true, granted: true, wake: make(chan struct{})}
	close(granted.wake)
	woken := waiting.wake
	for _, held := range []*turn{withdrawn, waiting, granted} {
		c.seq.hold(held)
	}
	c.withdraw(withdrawn)
	select {
	case <-woken:
	default:
		t.Error("the stream was not woken")
	}
	select {
	case <-waiting.wake:
		t.Error("the stream cannot wait again")
	default:
	}
}

var errFuzz = errors.New("failed on purpose")

// fuzzedSource has most of the events; it may fail half way.
type fuzzedSource struct{ fails bool }

func (s fuzzedSource) EventsAfter(_ context.Context, _ string, after EventID) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		for id := after + 1; id <= 80; id++ {
			time.Sleep(time.Millisecond)
			if s.fails && id%5 == 0 {
				yield(nil, errFuzz)
				return
			}
			if id%7 != 0 && !yield(fuzzEvent(id), nil) {
				return
			}
		}
	}
}

// fuzzedList yields the IDs it consists of, in whatever order they are in.
type fuzzedList []byte

func (l fuzzedList) EventsAfter(context.Context, string, EventID) iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		for _, n := range l {
			if !yield(fuzzEvent(fuzzID(n)), nil) {
				return
			}
		}
	}
}

func fuzzID(n byte) EventID       { return 1 + EventID(n%64) }
func fuzzEvent(id EventID) *Event { return &Event{ID: id, Type: EventText, Body: new(Text)} }
func nestedEvent(in EventID) *Event {
	return &Event{Type: EventTextTypingOn, Timestamp: time.Unix(int64(in), 0), Body: new(TextTypingOn)}
}

// fuzzedConversation is a conversation and what it did.
type fuzzedConversation struct {
	t *testing.T
	c *Conversation

	mu      sync.Mutex
	failing map[EventID]byte // how the handlers fail the next time
	handled map[EventID]bool
	given   map[EventID]bool // given up, in a Gap
	inside  bool
	calls   int // that have not returned
}

func fuzzConversation(t *testing.T, setup uint8, data []byte) {
	window, wait := int(setup&0x1f), time.Second
	if setup&0x20 != 0 {
		wait = 0
	}
	f := &fuzzedConversation{t: t, failing: map[EventID]byte{}, handled: map[EventID]bool{}, given: map[EventID]bool{}}
	opts := []ConversationOption{WithReorderWindow(window, wait), WithGapFunc(f.gap), WithHistory(5)}
	if setup&0x80 != 0 {
		opts = append(opts, WithSource(fuzzedSource{fails: setup&0x40 != 0}))
	}
	f.c = NewConversation("", opts...)
	f.c.On(EventAny, f.handle)
	for len(data) > 1 {
		kind, n := data[0], data[1]
		data = data[2:]
		id := fuzzID(n)
		switch kind & 7 {
		case 2: // a stream of the IDs that follow
			list := data[:min(int(n%8), len(data))]
			data = data[len(list):]
			f.call(func() {
				if Replay(t.Context(), f.c, fuzzedList(list), "", 0) == nil {
					for _, n := range list {
						f.wantHandled(fuzzID(n), "Replay")
					}
				}
			})
		case 3:
			f.mu.Lock()
			f.failing[id] = kind
			f.mu.Unlock()
			f.deliver(t.Context(), fuzzEvent(id))
		case 4:
			f.deliver(t.Context(), fuzzEvent(0))
		case 5:
			ctx, cancel := context.WithTimeout(t.Context(), time.Duration(n)*10*time.Millisecond)
			defer cancel()
			f.deliver(ctx, fuzzEvent(id))
		case 6:
			time.Sleep(time.Duration(n) * 10 * time.Millisecond)
		case 7:
			f.deliver(t.Context(), nestedEvent(id))
		default:
			f.deliver(t.Context(), fuzzEvent(id))
		}
		if kind&8 == 0 { // else the next one comes at the same time
			time.Sleep(time.Nanosecond) // for what is left to a timer
			synctest.Wait()
			f.check(window)
		}
	}
	time.Sleep(time.Nanosecond)
	synctest.Wait()
	f.check(window)
	time.Sleep(time.Hour)
	synctest.Wait()
	f.check(0)
	if f.calls != 0 {
		t.Fatalf("%d calls have not returned", f.calls)
	}
	if err := f.c.Close(); err != nil {
		t.Fatal(err)
	}
}

func (f *fuzzedConversation) call(fn func()) {
	f.mu.Lock()
	f.calls++
	f.mu.Unlock()
	go func() {
		fn()
		f.mu.Lock()
		f.calls--
		f.mu.Unlock()
	}()
}

func (f *fuzzedConversation) deliver(ctx context.Context, e *Event) {
	f.call(func() {
		if err := f.c.Deliver(ctx, e); err == nil && e.ID != 0 {
			f.wantHandled(e.ID, "Deliver")
		}
	})
}

// wantHandled is called when a call has returned nil.
func (f *fuzzedConversation) wantHandled(id EventID, call string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.handled[id] {
		f.t.Errorf("%s returned nil, %d was not handled", call, id)
	}
}

func (f *fuzzedConversation) handle(ctx context.Context, e *Event) error {
	f.mu.Lock()
	if f.inside {
		f.t.Error("two events are handled at the same time")
	}
	f.inside = true
	f.mu.Unlock()
	runtime.Gosched()

	// Nothing that is held is in front of what is handled.
	f.c.mu.Lock()
	if head := f.c.seq.head(); !f.c.busy || e.ID != 0 && e.ID >= f.c.seq.next || head != nil && head.e.ID < f.c.seq.next {
		f.t.Errorf("%d is handled, %d is next", e.ID, f.c.seq.next)
	}
	f.c.mu.Unlock()

	f.mu.Lock()
	defer f.mu.Unlock()
	f.inside = false
	if e.ID == 0 {
		if !e.Timestamp.IsZero() {
			return f.c.Deliver(ctx, fuzzEvent(EventID(e.Timestamp.Unix())))
		}
		return nil
	}
	if f.handled[e.ID] {
		f.t.Errorf("%d is handled again", e.ID)
	}
	if kind, ok := f.failing[e.ID]; ok {
		delete(f.failing, e.ID)
		if kind&16 != 0 {
			panic(errFuzz)
		}
		return errFuzz
	}
	f.handled[e.ID] = true
	return nil
}

func (f *fuzzedConversation) gap(_ context.Context, g Gap) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id := g.From; id <= g.To; id++ {
		if f.handled[id] || f.given[id] {
			f.t.Errorf("%d is reported missing; it was handled: %v, reported before: %v", id, f.handled[id], f.given[id])
		}
		f.given[id] = true
	}
}

// check looks at the conversation while nothing happens.
func (f *fuzzedConversation) check(window int) {
	f.t.Helper()
	f.c.mu.Lock()
	defer f.c.mu.Unlock()
	s := &f.c.seq
	switch {
	case f.c.stopFetch != nil: // what is fetched may be more
	case f.c.busy || len(f.c.queue) != 0:
		f.t.Fatalf("somebody has the role, or waits for it, and nothing happens: %d in the queue", len(f.c.queue))
	case len(s.held) > window:
		f.t.Fatalf("%d events are held, the window is %d", len(s.held), window)
	case len(s.held) > 0 && s.held[0].e.ID <= s.next:
		f.t.Fatalf("%d is held and due", s.held[0].e.ID)
	}
	for id := range f.given {
		if id >= s.next {
			f.t.Fatalf("%d was given up, and %d is next", id, s.next)
		}
	}
}
