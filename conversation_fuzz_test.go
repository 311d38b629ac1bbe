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

	"github.com/conversation-events/nexmo/internal/line"
)

// FuzzConversation delivers events in any order, by what data says: an event is handled
// at most once unless it failed, IDs rise except for events that come late, what is held
// is bounded by the window, and nothing panics or waits for ever.
func FuzzConversation(f *testing.F) {
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
		synctest.Test(t, func(t *testing.T) { fuzzConversation(t, setup, data) })
	})
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
	if !f.c.busy || f.c.running.id != e.ID || e.ID != 0 && f.c.line.Standing(int64(e.ID)) != line.Duplicate {
		f.t.Errorf("%d is handled; somebody has the role: %v, its standing is %d", e.ID, f.c.busy, f.c.line.Standing(int64(e.ID)))
	}
	if head, ok := f.c.line.Head(); ok && e.ID != 0 && f.c.line.Standing(int64(head.e.ID)) == line.Late {
		f.t.Errorf("%d is handled, and %d, which was held, was passed", e.ID, head.e.ID)
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
	switch head, held := f.c.line.Head(); {
	case f.c.stopFetch != nil: // what is fetched may be more
	case f.c.busy:
		f.t.Fatal("somebody has the role, and nothing happens")
	case !held && !f.c.line.Idle():
		f.t.Fatal("an event is due, and nothing happens")
	case held && f.c.line.Standing(int64(head.e.ID)) != line.Early:
		f.t.Fatalf("%d is held and due", head.e.ID)
	case len(f.c.line.Held()) > window:
		f.t.Fatalf("%d events are held, the window is %d", len(f.c.line.Held()), window)
	}
	for id := range f.given {
		if st := f.c.line.Standing(int64(id)); st == line.Early || st == line.Due {
			f.t.Fatalf("%d was given up, and is expected", id)
		}
	}
}
