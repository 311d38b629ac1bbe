package nexmo

import "sync"

// inbox holds what was received and waits to be delivered.
type inbox struct {
	mu     sync.Mutex
	events []*Event
	limit  int
	some   chan struct{} // there may be events
	room   chan struct{} // there may be room
}

func newInbox(limit int) inbox {
	return inbox{limit: limit, some: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is there already
	}
}

func (b *inbox) full() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.events) >= b.limit
}

func (b *inbox) put(events ...*Event) {
	b.mu.Lock()
	b.events = append(b.events, events...)
	b.mu.Unlock()
	signal(b.some)
}

// next waits for the event that is to be delivered next, and leaves it where it is.
// It reports false when done or over is closed first.
func (b *inbox) next(done, over <-chan struct{}) (*Event, bool) {
	for {
		ended := false
		select {
		case <-over:
			ended = true // nothing is put in any more
		default:
		}
		b.mu.Lock()
		if len(b.events) > 0 {
			e := b.events[0]
			b.mu.Unlock()
			return e, true
		}
		b.mu.Unlock()
		if ended {
			return nil, false
		}
		select {
		case <-b.some:
		case <-over:
		case <-done:
			return nil, false
		}
	}
}

// delivered takes out the event that is next.
func (b *inbox) delivered() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.events[0] = nil
	b.events = b.events[1:]
	if len(b.events) == 0 {
		b.events = nil
	}
	if len(b.events) <= b.limit/2 {
		signal(b.room)
	}
}

// wait returns when the inbox is at most half full, or done is closed.
func (b *inbox) wait(done <-chan struct{}) {
	for {
		b.mu.Lock()
		free := len(b.events) <= b.limit/2
		b.mu.Unlock()
		if free {
			return
		}
		select {
		case <-b.room:
		case <-done:
			return
		}
	}
}
