package nexmo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync/atomic"
	"time"
)

// Gap is a run of event IDs that are missing from a conversation and are no
// longer waited for. An event of a gap that arrives later is still handled.
type Gap struct {
	ConversationID string  // whose events are missing
	From, To       EventID // both are missing
}

// fetch reads the missing events from the Source, in a goroutine of its own. ctx is that
// of the event behind the gap: it gives the values. The caller has the role and holds c.mu.
func (c *Conversation) fetch(ctx context.Context, from, to EventID) {
	ctx = context.WithValue(context.WithoutCancel(ctx), deliveryKey{}, nil)
	ctx = context.WithValue(ctx, streamKey{}, nil)
	ctx = context.WithValue(ctx, viaKey{}, ViaFetch)
	reading, stop := context.WithCancel(ctx)
	c.stopFetch = stop
	go c.read(ctx, reading, from, to)
}

// read delivers those of the missing events that the Source has and that have not been
// delivered meanwhile. It ends reading, with which the Source is read.
func (c *Conversation) read(ctx, reading context.Context, from, to EventID) {
	err := errors.New("nexmo: the Source, or a handler, ended its goroutine")
	began := time.Now()
	var fetched int
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("nexmo: the Source panicked")
		}
		c.mu.Lock()
		c.stopFetch()
		c.stopFetch = nil
		c.line.Fetched(err == nil)
		quiet := err == nil || c.closed
		c.mu.Unlock()
		if !quiet {
			c.cfg.log.LogAttrs(ctx, slog.LevelWarn, "nexmo: missing events could not be fetched",
				slog.String("conversation_id", c.id), slog.Any("error", err))
		}
		c.cfg.counters.fetched.Add(int64(fetched))
		if tr := c.cfg.trace; tr != nil {
			traceStep(ctx, c.cfg.log, tr.Fetched, FetchedTrace{c.id, from, to, fetched, time.Since(began), err})
		}
		c.look()
	}()
	err = c.readList(ctx, c.cfg.source.EventsAfter(reading, c.id, from-1), from, to, &fetched)
}

// readList delivers the missing events of a list, and counts them in fetched.
func (c *Conversation) readList(ctx context.Context, list iter.Seq2[*Event, error], from, to EventID, fetched *int) error {
	prev := from - 1
	for e, err := range list {
		if err != nil {
			return err
		}
		if e == nil || e.ID <= 0 && !unreadable(e) {
			continue
		}
		if err := c.refuse(e); err != nil {
			c.log(ctx, slog.LevelWarn, "nexmo: the Source returned an event of another conversation", e, slog.Any("error", err))
			continue
		}
		c.mu.Lock()
		if e.ID > 0 && c.inRange(e) == 0 {
			c.mu.Unlock()
			c.log(ctx, slog.LevelWarn, "nexmo: the Source returned an event whose ID is out of range", e)
			continue
		}
		c.line.Answered()
		c.mu.Unlock()
		err := deliver(ctx, listed{c, prev, to, fetched}, e)
		if errors.Is(err, ErrClosed) {
			return nil
		}
		if err = c.cfg.letterBox().settle(ctx, e, err); err != nil {
			c.log(ctx, slog.LevelError, "nexmo: the handlers of an event that was fetched failed", e, slog.Any("error", err))
		}
		c.mu.Lock()
		c.line.Resume(time.Now())
		c.mu.Unlock()
		c.look()
		if prev = max(prev, e.ID); prev >= to {
			break
		}
	}
	return nil
}

// Sync reads the Source up to now: every event that was not handled yet, from
// the first one on when there was none at all, and what was given up or failed, but for
// what was set aside.
//
// It stops at the first event that fails; call it again to go on there. An event that no
// retry makes succeed is set aside, see [WithDeadLetter], and does not stop it: Sync returns
// nil when each event was handled or set aside, and logs how many were. Without a Source it
// returns [ErrNoSource].
//
// Called with the ctx of a handler, Sync queues what it reads behind the current event,
// and does not return the errors of its handlers; see [Conversation.Deliver].
func (c *Conversation) Sync(ctx context.Context) error {
	if c.cfg.source == nil {
		return ErrNoSource
	}
	live, err := c.live(ctx)
	if err != nil {
		return err
	}
	defer live.unpin()
	return live.sync(ctx)
}

func (c *Conversation) sync(ctx context.Context) error {
	c.mu.Lock()
	prev := EventID(c.line.Wanted()) - 1
	c.mu.Unlock()
	aside := new(atomic.Int64)
	defer func() {
		if n := aside.Load(); n > 0 {
			c.cfg.log.LogAttrs(ctx, slog.LevelWarn, "nexmo: Sync has set events aside, the others were handled",
				slog.String("conversation_id", c.id), slog.Int64("count", n))
		}
	}()
	ctx = context.WithValue(context.WithValue(ctx, viaKey{}, ViaReplay), asideKey{}, aside)
	for e, err := range c.cfg.source.EventsAfter(ctx, c.id, prev) {
		if err == nil && e == nil {
			err = errNilEvent
		}
		if err != nil {
			return fmt.Errorf("nexmo: sync: %w", err)
		}
		id, err := c.take(ctx, e, prev)
		if err = c.cfg.letterBox().settle(ctx, e, err); err != nil {
			return fmt.Errorf("nexmo: sync: event %d: %w", e.ID, err)
		}
		prev = cmp.Or(id, prev)
	}
	c.mu.Lock()
	c.line.Start(1) // there are none: the first one to come is the first of all
	c.mu.Unlock()
	return nil
}

// take delivers an event that Sync has read behind prev, and returns its ID, or 0 if it has
// none of this conversation.
func (c *Conversation) take(ctx context.Context, e *Event, prev EventID) (EventID, error) {
	if err := c.refuse(e); err != nil {
		return 0, err // the Source is at fault
	}
	c.mu.Lock()
	id := c.inRange(e)
	c.line.Start(int64(id)) // now: what a handler delivers, Sync within one as well, is queued
	c.mu.Unlock()
	return id, deliver(ctx, listed{c, prev, 0, new(int)}, e)
}

// listed takes events from a list of all there are: an ID between prev and the
// event that has not come does not exist.
type listed struct {
	*Conversation
	prev EventID
	to   EventID // only missing events, up to this ID, are wanted; 0: all
	took *int    // counts those that are wanted
}

func (l listed) handle(d *delivery, e *Event) error {
	c := l.Conversation
	if !c.pin() { // it was queued until c was evicted
		return direct{c}.handle(d, e)
	}
	defer c.unpin()
	if err := c.refuse(e); err != nil {
		return err // before it is believed what it says of others
	}
	c.mu.Lock()
	look := c.line.Listed(int64(l.prev), int64(e.ID))
	wanted := e.ID == 0 || l.to == 0 && !c.failed.setAside(e.ID) ||
		l.to != 0 && e.ID <= l.to && c.running.id != e.ID && c.line.Missing(int64(e.ID))
	c.mu.Unlock()
	if look {
		c.look()
	}
	if !wanted {
		return nil
	}
	*l.took++
	return c.handle(d, e)
}
