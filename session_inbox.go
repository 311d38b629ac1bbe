package nexmo

import (
	"slices"
	"sync"
	"time"
)

// received is what a session received and has not delivered.
type received struct {
	event  *Event
	letter *DeadLetter // in place of an event that cannot be read
	lost   int         // how many events letter stands for
	err    error       // with which the event failed after it had been handed over; nil otherwise

	failed int       // how often it could not be set aside
	again  time.Time // when the next attempt is due
	last   bool      // there is no further one: the session is over
}

// conversation returns that of the event, or what is known of it.
func (r *received) conversation() string {
	if r.letter != nil {
		return r.letter.ConversationID
	}
	return conversationOf(r.event)
}

// inbox holds what was received and waits to be delivered.
type inbox struct {
	mu    sync.Mutex
	items []*received
	limit int
	some  chan struct{} // there may be items
	room  chan struct{} // there may be room
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

func (b *inbox) full() bool { return b.length() >= b.limit }

// length returns how many items wait.
func (b *inbox) length() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.items)
}

func (b *inbox) put(items ...*received) {
	b.mu.Lock()
	b.items = append(b.items, items...)
	b.mu.Unlock()
	signal(b.some)
}

// insert puts events in front of an item.
func (b *inbox) insert(before *received, events []*Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := make([]*received, len(events))
	for i, e := range events {
		items[i] = &received{event: e}
	}
	b.items = slices.Insert(b.items, slices.Index(b.items, before), items...)
}

// due returns the item that is to be delivered next: the first one that does not wait for
// its next attempt, nor behind another one of its conversation that does. Without one it
// returns when there is one, if that is known. At the end nothing waits, but for what has
// had its last attempt.
func (b *inbox) due(end bool) (next *received, at time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var parked map[string]bool // conversations
	for _, r := range b.items {
		if parked[r.conversation()] {
			continue
		}
		switch {
		case r.failed == 0, !end && !time.Now().Before(r.again):
			return r, time.Time{}
		case end && !r.last:
			r.last = true
			return r, time.Time{}
		case at.IsZero(), r.again.Before(at):
			at = r.again
		}
		if parked == nil {
			parked = make(map[string]bool)
		}
		parked[r.conversation()] = true
	}
	return nil, at
}

// next waits for the item that is to be delivered next, and leaves it where it is.
// It reports false when done or over is closed first.
func (b *inbox) next(done, over <-chan struct{}) (*received, bool) {
	for {
		ended := false
		select {
		case <-over:
			ended = true // nothing is put in any more
		default:
		}
		r, at := b.due(ended)
		if r != nil {
			return r, true
		}
		if ended {
			return nil, false
		}
		var due <-chan time.Time
		if !at.IsZero() {
			due = time.After(time.Until(at))
		}
		select {
		case <-b.some:
		case <-due:
		case <-over:
		case <-done:
			return nil, false
		}
	}
}

// delivered takes out an item.
func (b *inbox) delivered(r *received) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.items[0] == r { // nearly always
		b.items[0] = nil
		b.items = b.items[1:]
	} else {
		i := slices.Index(b.items, r)
		b.items = slices.Delete(b.items, i, i+1)
	}
	if len(b.items) == 0 {
		b.items = nil
	}
	if len(b.items) <= b.limit/2 {
		signal(b.room)
	}
}

// park makes an item wait for its next attempt, and what follows of its conversation
// behind it. It returns for how long.
func (b *inbox) park(r *received) time.Duration {
	const first, most = time.Second, time.Minute
	b.mu.Lock()
	defer b.mu.Unlock()
	wait := min(first<<min(r.failed, 16), most)
	r.failed++
	r.again = time.Now().Add(wait)
	return wait
}

// left returns how many items wait, which all get another attempt.
func (b *inbox) left() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.items {
		r.last = false
	}
	return len(b.items)
}

// wait returns when the inbox is at most half full, or done is closed.
func (b *inbox) wait(done <-chan struct{}) {
	for {
		b.mu.Lock()
		free := len(b.items) <= b.limit/2
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
