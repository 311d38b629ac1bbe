package nexmo

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/conversation-events/nexmo/internal/line"
)

// Handlers of a conversation run in the goroutines that deliver its events, one at a
// time: the goroutine that set busy has the role of running them. An event that is not
// due has a turn, for which its goroutine waits. Whoever has the role asks the line for
// the next step. When that is the turn of a goroutine that waits, the role is passed on
// to it; when nothing is due, the role is given up.

// turn is an event that waits until it is due. All of its fields belong to the
// conversation's mutex.
type turn struct {
	e     *Event
	id    EventID         // of e; 0 if it waits for no missing event
	ctx   context.Context // of the caller who delivered it first
	held  time.Duration   // since when, if that was traced; as of sinceStart
	stage turnStage
	err   error // what the handlers returned, when it is done

	waiting    int           // goroutines that wait for it
	owner      *delivery     // the one of them that runs it; nil for any
	wake       chan struct{} // closed, and made anew, when they are to look again
	handedOver bool          // it is handled even if nobody waits
	handed     []*handedOver // receive the outcome, as nobody waits
}

// turnStage is how far a turn has come.
type turnStage uint8

const (
	turnWaits   turnStage = iota
	turnGranted           // its owner has the role, and has not noticed
	turnRuns
	turnDone
)

// running is the event that is being handled, or whose turn was granted.
type running struct {
	id    EventID // 0 if it has none, or one out of range
	turn  *turn   // nil while nobody else waits for it
	e     *Event
	again bool // it was handled before, and failed
}

// newTurn returns a turn for an event that d delivers, and that d waits for. id is 0 if it
// waits for no missing event.
func newTurn(d *delivery, e *Event, id EventID) *turn {
	return &turn{e: e, id: id, ctx: d.Context, waiting: 1, owner: d, wake: make(chan struct{})}
}

// signal makes the goroutines that wait for t look again.
func (t *turn) signal() {
	close(t.wake)
	t.wake = make(chan struct{})
}

// grant gives the role to the owner of t, or else to another goroutine that waits for it.
func (t *turn) grant() {
	t.stage = turnGranted
	t.signal()
}

// grantedTo reports whether the goroutine of d is to take the role that was given to
// those who wait for t.
func (t *turn) grantedTo(d *delivery) bool {
	return t.stage == turnGranted && (t.owner == d || t.owner == nil)
}

// part is called for a goroutine that waits no longer.
func (t *turn) part(d *delivery) {
	t.waiting--
	if t.owner == d {
		t.owner = nil
	}
}

// handle delivers e: it returns when e has been handled, or handed over.
func (c *Conversation) handle(d *delivery, e *Event) error {
	if err := c.refuse(e); err != nil {
		return err
	}
	if d.redelivered {
		return c.redeliver(d, e)
	}
	if cause, ok := causeOf(e); ok {
		duplicate, err := c.causesOf().once(d, cause, func() error { return c.handleDue(d, e) })
		if duplicate {
			c.dropped(d, e, line.Duplicate)
		}
		return err
	}
	return c.handleDue(d, e)
}

// handleDue is handle for an event that is not known by its cause to be a duplicate.
func (c *Conversation) handleDue(d *delivery, e *Event) error {
	c.mu.Lock()
	c.originOf(d, e)
	var held time.Duration // since when, if that is traced
	for {
		if c.closed {
			c.mu.Unlock()
			return ErrClosed
		}
		if t := c.find(e.ID); t != nil {
			t.waiting++
			return c.wait(d, t)
		}
		switch st := c.line.Standing(int64(e.ID)); {
		case st == line.Duplicate || st == line.Forgotten:
			c.mu.Unlock()
			c.dropped(d, e, st)
			return nil
		case st != line.Early && !c.busy: // the usual case
			c.busy = true
			return c.runNow(d, e, held)
		}
		if c.cfg.trace == nil || held != 0 {
			break
		}
		held = c.traceHeld(d, e) // meanwhile its turn may have come
	}
	t := newTurn(d, e, e.ID)
	t.held = held
	c.line.Add(int64(e.ID), t, time.Now())
	if !c.busy {
		c.busy = true
		c.advance(d, t)
		c.mu.Lock()
	}
	return c.wait(d, t)
}

// refuse returns an error if e cannot be an event of the conversation.
func (c *Conversation) refuse(e *Event) error {
	if e.ConversationID != "" && e.ConversationID != c.id {
		return errors.New("nexmo: the event belongs to another conversation: deliver it to an Application, or to its own Conversation")
	}
	if e.ID < 0 {
		return errors.New("nexmo: the ID of the event is negative: IDs begin with 1, and 0 is none")
	}
	return nil
}

// find returns the turn of an event that is being handled or waits, or nil.
func (c *Conversation) find(id EventID) *turn {
	if id == 0 {
		return nil
	}
	if r := &c.running; r.id == id {
		if r.turn == nil {
			r.turn = &turn{stage: turnRuns, wake: make(chan struct{})}
		}
		return r.turn
	}
	if c.line.Idle() {
		return nil
	}
	t, _ := c.line.Find(int64(id))
	return t
}

// runNow handles e, which has no turn. held is 0, or since when it was traced as held. The
// caller has the role and holds c.mu; runNow gives up both.
func (c *Conversation) runNow(d *delivery, e *Event, held time.Duration) error {
	defer c.advance(d, nil)
	if held != 0 {
		c.mu.Unlock()
		c.traceReleased(d, e, held)
		c.mu.Lock()
	}
	id := c.inRange(e)
	c.running = running{id: id, e: e, again: c.line.Take(int64(id))}
	return c.run(d, e)
}

// wait returns when t, for which the caller counts as waiting, has been handled:
// by this goroutine if it is given the role. The caller holds c.mu; wait releases it.
func (c *Conversation) wait(d *delivery, t *turn) error {
	for {
		switch {
		case t.stage == turnDone:
			c.mu.Unlock()
			return t.err
		case t.grantedTo(d):
			c.runGranted(d, t)
			c.mu.Lock()
			continue
		case c.handOver(d, t):
			t.part(d)
			c.mu.Unlock()
			return nil
		}
		wake := t.wake
		c.mu.Unlock()
		select {
		case <-wake:
			c.mu.Lock()
		case <-d.Done():
			c.mu.Lock()
			if t.stage != turnDone && !t.grantedTo(d) {
				c.leave(d, t)
				c.mu.Unlock()
				return d.Err()
			}
		}
	}
}

// handOver takes the responsibility for t from a caller that goes on without
// waiting behind a gap, and reports whether it did. The caller holds c.mu.
func (c *Conversation) handOver(d *delivery, t *turn) bool {
	st := streamOf(d)
	if !d.queued && st == nil || t.stage != turnWaits || !c.line.Behind(int64(t.id)) {
		return false
	}
	// With the window full the gap is given up at once, unless the Source is read: the
	// goroutine that reads it may be the one that must not wait.
	if c.line.Full() && (!d.queued || !c.line.Fetching()) {
		c.crowded = true
		return false
	}
	if st != nil {
		if h := st.handOver(t.e, d.queued); h != nil {
			t.handed = append(t.handed, h)
		} else if !d.queued {
			return false
		}
	}
	t.handedOver = true
	return true
}

// leave is called for a goroutine that waits for t no longer. The last one withdraws
// the event, unless it was handed over. The caller holds c.mu.
func (c *Conversation) leave(d *delivery, t *turn) {
	t.part(d)
	if t.waiting > 0 || t.handedOver || t.stage != turnWaits {
		return
	}
	c.line.Withdraw(int64(t.id), t)
	c.wakeHeld() // there may be a gap now
}

// wakeHeld makes the goroutines that wait for held events look again whether they can
// be handed over. The caller holds c.mu.
func (c *Conversation) wakeHeld() {
	c.crowded = false
	for _, held := range c.line.Held() {
		held.signal()
	}
}

// advance does what the line says until nothing is due, or until the next turn is that
// of a goroutine that waits: then it passes the role on. own is the turn that this
// goroutine waits for, or nil. The caller has the role and holds c.mu, and gives up both.
func (c *Conversation) advance(d *delivery, own *turn) {
	if c.line.Idle() { // the usual case
		c.busy = false
		c.mu.Unlock()
		return
	}
	finished := false
	defer func() {
		if finished {
			return
		}
		// What was called ended the goroutine, or its panic will: the role must
		// not go with it.
		if own != nil {
			c.leave(d, own)
		}
		c.advance(d, nil)
	}()
	for !finished {
		switch step := c.line.Next(time.Now()); step.Do {
		case line.Run:
			t := step.Item
			c.running = running{EventID(step.ID), t, t.e, step.Again}
			switch {
			case t == own:
				_ = c.run(d, t.e) // settled: wait returns the error
			case t.waiting > 0:
				t.grant()
				finished = true
			default:
				c.runOnBehalf(d, t)
			}
		case line.Gap:
			c.report(d, Gap{ConversationID: c.id, From: EventID(step.From), To: EventID(step.To)})
		case line.Fetch:
			ctx := d.Context
			if step.Item != nil {
				ctx = forEvent(step.Item.ctx, step.Item.e)
			}
			c.fetch(ctx, EventID(step.From), EventID(step.To))
		case line.Stop:
			c.stopFetch()
		case line.Rest:
			c.busy = false
			c.lookAt(step.Until)
			if c.crowded {
				c.wakeHeld()
			}
			finished = true
		}
	}
	c.mu.Unlock()
}

// runGranted takes the role that was given to those who wait for t: because t is due, or
// because the line is to be asked again. The caller holds c.mu; runGranted releases it.
func (c *Conversation) runGranted(d *delivery, t *turn) {
	if c.running.turn != t {
		t.stage = turnWaits
		c.advance(d, t)
		return
	}
	defer c.advance(d, nil)
	_ = c.run(d, t.e) // settled: wait returns the error
}

// runOnBehalf handles t, for which nobody waits. The caller has the role and holds c.mu.
func (c *Conversation) runOnBehalf(d *delivery, t *turn) {
	defer func() { // also when a handler ends the goroutine
		if err := t.err; err != nil {
			c.mu.Unlock()
			defer c.mu.Lock()
			c.log(t.ctx, slog.LevelError, "nexmo: the handlers of an event that was held back failed", t.e, slog.Any("error", err))
		}
	}()
	_ = c.run(d.onBehalf(context.WithoutCancel(t.ctx)), t.e) // settled
}

func (c *Conversation) dropped(ctx context.Context, e *Event, st line.Standing) {
	if st == line.Forgotten {
		c.log(ctx, slog.LevelWarn, "nexmo: an event came too late to know whether it was handled; it counts as handled", e)
	} else {
		c.log(ctx, slog.LevelDebug, "nexmo: a duplicate was dropped", e)
	}
	c.cfg.dropped(ctx, e, st == line.Forgotten)
}

// lookAt makes sure that the line is asked again at an instant; never if it is zero.
// The caller holds c.mu.
func (c *Conversation) lookAt(at time.Time) {
	if at.IsZero() || c.closed {
		return
	}
	if wait := time.Until(at); c.timer == nil {
		c.timer = time.AfterFunc(wait, c.look)
	} else {
		c.timer.Reset(wait)
	}
}

// look makes the line be asked again, if nobody has the role: by a goroutine that waits for the
// first of the held events, or else by this one.
func (c *Conversation) look() {
	c.mu.Lock()
	if c.busy || c.line.Idle() {
		c.mu.Unlock()
		return
	}
	c.busy = true
	ctx := context.Background()
	if head, ok := c.line.Head(); ok {
		if head.waiting > 0 {
			head.grant()
			c.mu.Unlock()
			return
		}
		ctx = context.WithoutCancel(head.ctx)
	}
	d := newDelivery(ctx)
	defer d.finish()
	c.advance(d, nil)
}

// report reports a gap. The caller has the role and holds c.mu, which is free meanwhile.
func (c *Conversation) report(d *delivery, missing Gap) {
	c.mu.Unlock()
	defer c.mu.Lock()
	c.cfg.log.LogAttrs(d, slog.LevelWarn, "nexmo: events are missing and no longer waited for",
		slog.String("conversation_id", c.id), slog.Int64("from", int64(missing.From)), slog.Int64("to", int64(missing.To)))
	c.cfg.counters.gaps.Add(1)
	if tr := c.cfg.trace; tr != nil {
		traceStep(d, c.cfg.log, tr.Gap, GapTrace{missing})
	}
	if c.cfg.onGap == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.cfg.log.ErrorContext(d, "nexmo: the function given to WithGapFunc panicked", "conversation_id", c.id)
		}
	}()
	c.cfg.onGap(d, missing)
}
