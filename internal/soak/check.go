package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/conversation-events/nexmo"
)

// checker knows which events there are, and watches what becomes of them.
type checker struct {
	handled    atomic.Int64 // events with an ID, once each
	plain      atomic.Int64 // those without
	refused    atomic.Int64 // how often a handler failed
	duplicates atomic.Int64 // deliveries of what was handled already
	filled     atomic.Int64 // events that were handled before anybody delivered them
	holes      atomic.Int64 // IDs that were reported missing, rightly
	aside      atomic.Int64 // events that were set aside, counted each time

	failed context.Context // ends with the first violation
	fail   context.CancelFunc

	mu   sync.Mutex
	byID map[string]*watched
	said []string
	more int // violations that are not in said
}

// watched is a conversation that is under way.
type watched struct {
	id       string
	progress chan struct{} // holds something when anything has changed

	mu      sync.Mutex
	fates   []fate // by ID
	left    int    // events that are known to exist and are not handled
	last    nexmo.EventID
	session nexmo.EventID // the last one that the session has delivered
	inside  bool
}

// fate is what is known of an event.
type fate uint8

const (
	exists   fate = 1 << iota // it was emitted
	came                      // it was delivered by a webhook or a session
	failing                   // its handler has failed
	handled                   // its handler has not
	missing                   // it was reported missing
	poisoned                  // its handler says that no retry makes it succeed
	aside                     // it was set aside
)

func newChecker() *checker {
	c := &checker{byID: map[string]*watched{}}
	c.failed, c.fail = context.WithCancel(context.Background())
	return c
}

const mostSaid = 20

func (c *checker) violation(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fail()
	if len(c.said) < mostSaid {
		c.said = append(c.said, fmt.Sprintf(format, args...))
	} else {
		c.more++
	}
}

// check takes note of an error, if it is one.
func (c *checker) check(err error) {
	if err != nil {
		c.violation("%v", err)
	}
}

func (c *checker) violations() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.more > 0 {
		return append(c.said, fmt.Sprintf("and %d more", c.more))
	}
	return c.said
}

func (c *checker) watch(id string) *watched {
	w := &watched{id: id, progress: make(chan struct{}, 1)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.byID[id] = w
	return w
}

func (c *checker) find(e *nexmo.Event) *watched {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.byID[e.ConversationID]
}

// fate returns the fate of an ID, to be changed. The caller holds w.mu.
func (w *watched) fate(id nexmo.EventID) *fate {
	for int(id) >= len(w.fates) {
		w.fates = append(w.fates, 0)
	}
	return &w.fates[id]
}

func (w *watched) changed() {
	select {
	case w.progress <- struct{}{}:
	default:
	}
}

// emitted takes note that an event exists.
func (w *watched) emitted(id nexmo.EventID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.fate(id)
	*f |= exists
	if *f&(handled|aside) == 0 {
		w.left++
	}
}

// delivered takes note of a delivery by a webhook or a session.
func (c *checker) delivered(e *nexmo.Event, session bool) {
	w := c.find(e)
	if e.ID == 0 || w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	f := w.fate(e.ID)
	if *f&handled != 0 {
		c.duplicates.Add(1)
	}
	*f |= came
	if session {
		w.session = max(w.session, e.ID)
		w.changed()
	}
}

var errRefused = errors.New("this handler fails the first time")

// handle is the handler of all events. It fails for some the first time.
func (c *checker) handle(_ context.Context, e *nexmo.Event) error {
	if e.ID == 0 {
		c.plain.Add(1)
		return nil
	}
	w := c.find(e)
	if w == nil && e.Type == poison {
		return nexmo.Permanent(errRefused) // a duplicate: what was set aside is no duplicate of what was handled
	}
	if w == nil {
		c.violation("%s: %d (%s) is handled after the conversation was over", e.ConversationID, e.ID, e.Type)
		return nil
	}
	w.mu.Lock()
	if w.inside {
		c.violation("%s: %d (%s) is handled while another is", w.id, e.ID, e.Type)
	}
	w.inside = true
	w.mu.Unlock()
	runtime.Gosched() // lets another one in, if it may

	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed()
	w.inside = false
	f := w.fate(e.ID)
	switch {
	case *f&handled != 0:
		c.violation("%s: %d (%s) is handled twice", w.id, e.ID, e.Type)
		return nil
	case e.ID <= w.last && *f&(failing|poisoned) == 0:
		c.violation("%s: %d (%s) is handled after %d (given up: %v, delivered: %v)", w.id, e.ID, e.Type, w.last, *f&missing != 0, *f&came != 0)
	}
	w.last = max(w.last, e.ID)
	if e.Type == poison {
		*f |= poisoned
		return nexmo.Permanent(errRefused)
	}
	if e.Type == refused && *f&failing == 0 {
		*f |= failing
		c.refused.Add(1)
		return errRefused
	}
	if *f&came == 0 {
		c.filled.Add(1)
	}
	if *f&exists != 0 {
		w.left--
	}
	*f |= handled
	c.handled.Add(1)
	return nil
}

// setAside takes note of an event that no retry makes succeed.
func (c *checker) setAside(_ context.Context, d nexmo.DeadLetter) error {
	c.mu.Lock()
	w := c.byID[d.ConversationID]
	c.mu.Unlock()
	switch {
	case d.EventID == 0:
		c.violation("%s: an event without an ID (%s) is set aside: %v", d.ConversationID, d.Type, d.Err)
		return nil
	case w == nil: // a duplicate
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	defer w.changed()
	c.aside.Add(1)
	f := w.fate(d.EventID)
	if *f&(handled|aside) == 0 && *f&exists != 0 {
		w.left--
	}
	*f |= aside
	return nil
}

// gap takes note of IDs that are not waited for.
func (c *checker) gap(_ context.Context, g nexmo.Gap) {
	c.mu.Lock()
	w := c.byID[g.ConversationID]
	c.mu.Unlock()
	if w == nil {
		c.violation("%s: %d to %d are reported missing after the conversation was over", g.ConversationID, g.From, g.To)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := g.From; id <= g.To; id++ {
		*w.fate(id) |= missing
		c.holes.Add(1)
	}
}

// await waits until all events that exist are handled, and the session, if there is
// one, has delivered one of them.
func (c *checker) await(w *watched, session nexmo.EventID, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		w.mu.Lock()
		done := w.left == 0 && w.session >= session
		w.mu.Unlock()
		if done {
			return true
		}
		select {
		case <-w.progress:
		case <-c.failed.Done():
			return false
		case <-timer.C:
			c.lost(w, session, patience)
			return false
		}
	}
}

func (c *checker) lost(w *watched, session nexmo.EventID, patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, f := range w.fates {
		if f&exists != 0 && f&(handled|aside) == 0 {
			c.violation("%s: %d was not handled within %v (delivered: %v, failed: %v)", w.id, id, patience, f&came != 0, f&failing != 0)
		}
	}
	if w.session < session {
		c.violation("%s: the session has delivered up to %d, and %d not within %v", w.id, w.session, session, patience)
	}
}

// over has a conversation watched no longer.
func (c *checker) over(w *watched) {
	c.mu.Lock()
	delete(c.byID, w.id)
	c.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, f := range w.fates {
		switch {
		case f&(missing|exists) == missing|exists:
			c.violation("%s: %d exists and was given up", w.id, id)
		case f&poisoned != 0 && f&aside == 0:
			c.violation("%s: %d is poison and was not set aside", w.id, id)
		case f&(handled|exists) == handled:
			c.violation("%s: %d was handled and does not exist", w.id, id)
		}
	}
}
