package nexmo

import (
	"context"
	"crypto/sha256"
	"sync"
)

// An event without an ID may name its own cause: then it is known by that, as others are by
// their ID. Of two events of one type with one cause, the second is a duplicate.

// cause is what an event without an ID is known by. It is a digest, so that it has one
// size however long the name of the cause is.
type cause [sha256.Size]byte

// causeOf returns the cause that e names, if it names one and has no ID.
func causeOf(e *Event) (c cause, ok bool) {
	if e.ID != 0 || e.From == "" || e.Type != EventAppKnocking && e.Type != EventAppKnockingCancel {
		return cause{}, false
	}
	return sha256.Sum256([]byte(string(e.Type) + "\x00" + e.From)), true // From is the knocker
}

// maxCauses is how many causes are remembered, in two megabytes.
const maxCauses = 1 << 14

// causes remembers the causes of the last events that were handled. The zero value is
// ready for use.
type causes struct {
	mu      sync.Mutex
	known   map[cause]*occurrence
	handled []cause // the last ones, as a ring
	oldest  int     // in handled, when it is full
}

// occurrence is an event that is being handled; nil: it was.
type occurrence struct {
	done  chan struct{} // closed when err is set
	err   error
	aside bool // it was set aside; mu guards it
}

// once calls handle for an event with a cause, unless one with the same cause was handled,
// or is: then once waits for its outcome. An event that failed or was set aside is handled
// again. It reports whether it is a duplicate of an event that was handled before.
func (m *causes) once(ctx context.Context, c cause, handle func() error) (duplicate bool, err error) {
	m.mu.Lock()
	o, known := m.known[c]
	if known {
		m.mu.Unlock()
		if o == nil {
			return true, nil
		}
		select {
		case <-o.done:
			return false, o.err
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	if m.known == nil {
		m.known = map[cause]*occurrence{}
	}
	o = &occurrence{done: make(chan struct{}), err: errHandlerExited}
	m.known[c] = o
	m.mu.Unlock()
	defer func() { // also when a handler ends the goroutine
		m.settle(c, o)
		close(o.done)
	}()
	o.err = handle()
	return false, o.err
}

// setAside says that e, which is being handled, was set aside.
func (m *causes) setAside(e *Event) {
	c, _ := causeOf(e) // without one it is zero, which is not known
	m.mu.Lock()
	defer m.mu.Unlock()
	if o := m.known[c]; o != nil {
		o.aside = true
	}
}

// settle notes how the handling of an event ended.
func (m *causes) settle(c cause, o *occurrence) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case o.err != nil || o.aside:
		delete(m.known, c)
		return
	case len(m.handled) < maxCauses:
		m.handled = append(m.handled, c)
	default:
		delete(m.known, m.handled[m.oldest])
		m.handled[m.oldest] = c
		m.oldest = (m.oldest + 1) % maxCauses
	}
	m.known[c] = nil
}

// causesOf returns the causes of the events that the conversation has handled, or its
// Application.
func (c *Conversation) causesOf() *causes {
	if c.cfg.app != nil {
		return &c.cfg.app.causes
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.causes == nil {
		c.causes = new(causes)
	}
	return c.causes
}
