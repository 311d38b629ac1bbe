package nexmo

import (
	"container/list"
	"context"
	"time"
)

// Which conversations an Application keeps. A conversation is pinned while something is
// delivered to it, or it is read into: a pinned one is not evicted. There is never more
// than one of an ID that handles events: one that was evicted returns to the Application
// when it is used again, or if another one was made meanwhile, that one is used.

// evicted is what pins is of a conversation that was evicted.
const evicted = -1

// pin keeps c from being evicted until unpin is called. It reports false if c was evicted.
func (c *Conversation) pin() bool {
	for n := c.pins.Load(); n != evicted; n = c.pins.Load() {
		if c.pins.CompareAndSwap(n, n+1) {
			return true
		}
	}
	return false
}

func (c *Conversation) unpin() { c.pins.Add(-1) }

// evict reports whether c could be evicted: nothing uses it, no event is under way or
// held back, and unless it was quiet for too long, none waits to be delivered again.
func (c *Conversation) evict(quiet bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.busy && c.line.Idle() && c.stopFetch == nil && (quiet || c.failed.waiting() == 0) &&
		c.pins.CompareAndSwap(0, evicted)
}

// letGo forgets conversations that were quiet too long, and while there are too
// many, the ones that were quiet longest. Those with events under way or held
// back stay. It returns those that need something done when a.mu is free. The caller
// holds a.mu.
func (a *Application) letGo(now time.Duration) (gone []*tracked) {
	for _, l := range [...]*list.List{&a.gone, &a.recent} {
		for el := l.Back(); el != nil; {
			t := el.Value.(*tracked)
			quiet := now-t.used >= a.cfg.idle
			if len(a.byID) <= a.cfg.maxConversations && !quiet {
				break
			}
			el = el.Prev()
			if direct := time.Duration(t.Conversation.used.Load()); direct != 0 && direct > t.used {
				t.used = direct
				l.MoveToFront(t.element)
				continue
			}
			if !t.evict(quiet) {
				continue
			}
			l.Remove(t.element)
			delete(a.byID, t.id)
			a.cfg.counters.evicted.Add(1)
			if t.failed.waiting() > 0 || a.cfg.trace != nil {
				gone = append(gone, t)
			}
		}
	}
	return gone
}

// unlock releases a.mu, and lets conversations go before: their failed events are set aside.
func (a *Application) unlock(now time.Duration) {
	gone := a.letGo(now)
	a.mu.Unlock()
	for _, t := range gone {
		t.makeRoom(context.Background(), 0)
		if tr := a.cfg.trace; tr != nil {
			traceStep(context.Background(), a.cfg.log, tr.Evicted, ConversationTrace{ConversationID: t.id})
		}
	}
}

// Lookup returns the conversation with an ID if the application keeps it. It makes none,
// and does not count as use: see [WithIdleTimeout]. A deleted conversation is among those
// that are kept.
func (a *Application) Lookup(id string) (*Conversation, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.byID[id]
	if t == nil {
		return nil, false
	}
	return t.Conversation, true
}

// Handled reports whether the event with an ID of a conversation was handled; see
// [Conversation.Handled]. It is false if the application does not keep the conversation,
// makes none, and does not count as use.
func (a *Application) Handled(conversationID string, id EventID) bool {
	c, ok := a.Lookup(conversationID)
	return ok && c.Handled(conversationID, id)
}

// Handled reports whether the event with an ID of the conversation was handled: Deliver
// would drop it as a duplicate and return nil. It is false in doubt: while the event is
// handled, if its handlers failed or it was set aside, if it has no ID or one out of
// range, if it is too long ago to know, and for another conversation. It waits for
// nothing.
func (c *Conversation) Handled(conversationID string, id EventID) bool {
	if conversationID != c.id || id <= 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.running.id != id && c.line.Handled(int64(id))
}

// adopt returns the conversation that stands for c, which was evicted, pinned: c itself,
// which the application keeps again, or the one that was made since.
func (a *Application) adopt(c *Conversation) (*tracked, error) {
	now := sinceStart()
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil, ErrClosed
	}
	t := a.byID[c.id]
	if t == nil {
		a.made++
		t = &tracked{Conversation: c, number: a.made, ready: make(chan struct{})}
		close(t.ready) // it was introduced when it was made
		c.pins.Store(0)
		a.byID[c.id] = t
		if t.deleted = c.Info().State == ConversationStateDeleted; t.deleted {
			t.element = a.gone.PushFront(t)
		} else {
			t.element = a.recent.PushFront(t)
		}
	}
	t.used = now
	t.pins.Add(1)
	a.unlock(now)
	return t, nil
}

// live returns the conversation that stands for c, pinned: c, unless it was evicted. That
// is use of it.
func (c *Conversation) live(ctx context.Context) (*Conversation, error) {
	if c.pin() {
		c.touch()
		return c, nil
	}
	t, err := c.cfg.app.adopt(c)
	if err != nil {
		return nil, err
	}
	select {
	case <-t.ready:
	case <-ctx.Done():
		t.unpin()
		return nil, ctx.Err()
	}
	t.touch()
	return t.Conversation, nil
}

// direct is a conversation to which is delivered other than through its Application.
type direct struct{ *Conversation }

func (c direct) handle(d *delivery, e *Event) error {
	if c.cfg.app == nil { // nobody evicts it
		return c.Conversation.handle(d, e)
	}
	if c.pin() {
		defer c.unpin()
		return c.Conversation.handle(d, e)
	}
	app := c.cfg.app
	t, err := app.adopt(c.Conversation)
	if err != nil {
		return err
	}
	defer t.unpin()
	return app.handleIn(d, t, e)
}

// keep pins the conversation of a stream for as long as that goes on.
func (a *Application) keep(_ context.Context, st *stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t := a.byID[st.conversation]; t != nil {
		st.keep(t.Conversation)
	}
}

func (c *Conversation) keep(ctx context.Context, st *stream) {
	if kept, err := c.live(ctx); err == nil {
		st.keep(kept)
		kept.unpin()
	}
}

// keeper is a Sink that keeps a conversation for a stream.
type keeper interface {
	keep(ctx context.Context, st *stream)
}

// keep pins c until release is called, if it is the conversation of the stream.
func (st *stream) keep(c *Conversation) {
	if c.id != st.conversation {
		return
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.over && st.kept != c && c.pin() {
		if st.kept != nil {
			st.kept.unpin()
		}
		st.kept = c
	}
}

func (st *stream) release() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.over = true
	if st.kept != nil {
		st.kept.unpin()
		st.kept = nil
	}
}
