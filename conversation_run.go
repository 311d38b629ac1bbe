package nexmo

import (
	"context"
	"log/slog"
	"time"
)

// run applies e, which is c.running, to the state and calls its handlers: if it failed
// before, those that failed then. The caller has the role and holds c.mu, which is free
// while the handlers run.
func (c *Conversation) run(d *delivery, e *Event) (err error) {
	r := c.running
	if !r.again && !d.redelivered {
		c.state.apply(withID(e, r.id))
	}
	c.runs++
	if c.slow == nil {
		c.watchSlow()
	}
	var before *failedEvent
	if r.again {
		before = c.failed.get(r.id)
	}
	if r.turn != nil {
		r.turn.stage = turnRuns
	}
	c.mu.Unlock()

	if r.turn != nil && r.turn.held != 0 {
		c.traceReleased(d, e, r.turn.held)
	}
	traced := c.cfg.beginHandle(d, e, r.again)
	var failed failures
	err, aside := error(errHandlerExited), false
	defer func() {
		traced.end(err)
		c.settle(d, e, outcome{err, failed, aside})
	}()
	c.dispatch(d, e, before, &failed, traced)
	err, aside = c.cfg.conclude(d, e, failed)
	return err
}

// dispatch calls the handlers of the Application and then those of the conversation:
// those that are registered now, whatever the first ones do.
func (c *Conversation) dispatch(d *delivery, e *Event, before *failedEvent, failed *failures, traced *handledTrace) {
	if unreadable(e) {
		*failed = failures{{err: wrongBody(e)}}
		return
	}
	own := c.dispatcher.handlersOf(e.Type)
	if before != nil {
		own = own.only(before.regs)
	}
	if c.parent != nil {
		first := c.parent.handlersOf(e.Type)
		if before != nil {
			first = first.only(before.regs)
		}
		first.callTraced(d, e, failed, traced, &c.progress)
	}
	own.callTraced(d, e, failed, traced, &c.progress)
}

// outcome is how the handling of an event has ended.
type outcome struct {
	err    error // what Deliver returns
	failed failures
	aside  bool // no retry makes the handlers succeed; err is nil if a function has taken the dead letter
}

// conclude returns what Deliver returns for e, and whether e was set aside. An event that
// is redelivered is not: whoever asked for that has it, and is told.
func (c *config) conclude(d *delivery, e *Event, failed failures) (err error, aside bool) {
	err = failed.outcome(e)
	if err == nil || d.redelivered || !permanentFor(err, e) {
		return err, false
	}
	if c.deadLetter == nil {
		return err, true
	}
	err = c.letterBox().put(d, deadLetterOf(d, e, err))
	return err, err == nil
}

func (c *config) letterBox() letterBox {
	return letterBox{c.deadLetter, c.log, c.trace, &c.counters.deadLetters}
}

// settle notes how the handling of e, which is c.running, has ended, and tells those who
// wait for it. It takes c.mu for the caller, who has the role.
func (c *Conversation) settle(d *delivery, e *Event, o outcome) {
	if len(o.failed) > 0 || d.redelivered {
		c.settleRarely(d, e, o)
		return
	}
	c.mu.Lock() // the usual case
	if id := c.running.id; id != 0 {
		c.line.Settle(int64(id), true)
		c.forgetFailed(id)
	}
	if t := c.running.turn; t != nil {
		c.tell(t, o.err)
	}
	c.running = running{}
}

// settleRarely is settle for an event whose handlers failed, or that is redelivered.
func (c *Conversation) settleRarely(d *delivery, e *Event, o outcome) {
	if o.aside {
		c.causesOf().setAside(e)
	}
	var letter DeadLetter
	if !o.aside && !d.redelivered {
		letter = deadLetterOf(d, e, o.failed.outcome(e)) // it may take time
	}
	c.mu.Lock()
	switch id := c.running.id; {
	case d.redelivered:
		if o.err == nil && c.line.Failed(int64(e.ID)) {
			c.line.Take(int64(e.ID))
			c.line.Settle(int64(e.ID), true)
			c.forgetFailed(e.ID)
		}
	case id != 0:
		c.line.Settle(int64(id), false)
		if o.aside {
			c.line.SetAside(int64(id))
		}
		c.rememberFailed(id, o.failed, letter)
	}
	if t := c.running.turn; t != nil {
		c.tell(t, o.err)
	}
	c.running = running{}
	c.mu.Unlock()
	c.makeRoom(d, maxFailedConversation)
	c.mu.Lock()
}

// tell gives the outcome of an event to those who wait for it. The caller has the role and
// holds c.mu, which is free meanwhile.
func (c *Conversation) tell(t *turn, err error) {
	t.settle(err)
	c.running = running{}
	if len(t.handed) == 0 {
		return
	}
	c.mu.Unlock()
	defer c.mu.Lock()
	for _, h := range t.handed {
		h.handled(err)
	}
}

// settle wakes those who wait for t.
func (t *turn) settle(err error) {
	t.stage, t.err = turnDone, err
	close(t.wake)
}

// forgetFailed forgets that an event failed. The caller holds c.mu.
func (c *Conversation) forgetFailed(id EventID) {
	if c.failed != nil {
		c.cfg.countFailed(-c.failed.forget(id))
	}
}

// rememberFailed remembers which handlers of an event failed. The caller holds c.mu.
func (c *Conversation) rememberFailed(id EventID, failed failures, letter DeadLetter) {
	if c.failed == nil {
		c.failed = new(failedEvents)
	}
	c.cfg.countFailed(c.failed.add(id, failed.registrations(), letter))
}

// makeRoom sets aside the events that have waited longest to be delivered again, while
// there are more than limit bytes of them, or too many in the Application. The caller does
// not hold c.mu.
func (c *Conversation) makeRoom(ctx context.Context, limit int) {
	for {
		c.mu.Lock()
		letter, id, crowded := c.oldestFailed(limit)
		c.mu.Unlock()
		if !crowded {
			return
		}
		if c.putAside(ctx, letter) {
			c.mu.Lock()
			c.line.SetAside(int64(id))
			c.failed.want(id, false)
			c.mu.Unlock()
		}
	}
}

// oldestFailed returns the event that has waited longest to be delivered again, and keeps
// of it only which handlers failed, if there are too many such events. The caller holds c.mu.
func (c *Conversation) oldestFailed(limit int) (letter DeadLetter, id EventID, crowded bool) {
	if n := c.failed.waiting(); n == 0 || n <= limit && !c.cfg.tooManyFailed() {
		return letter, 0, false
	}
	if id, crowded = c.failed.oldest(); crowded {
		one := c.failed.get(id)
		letter = one.letter
		c.cfg.countFailed(c.failed.add(id, one.regs, DeadLetter{}))
		c.failed.want(id, true)
	}
	return letter, id, crowded
}

// countFailed counts the bytes of the failed events of all conversations of an Application.
func (c *config) countFailed(more int) {
	if c.failedBytes != nil {
		c.failedBytes.Add(int64(more))
	}
}

func (c *config) tooManyFailed() bool {
	return c.failedBytes != nil && c.failedBytes.Load() > maxFailedApplication
}

// putAside sets an event aside that failed before and is not delivered again, and reports
// whether it could.
func (c *Conversation) putAside(ctx context.Context, letter DeadLetter) bool {
	const msg = "nexmo: an event that failed was not delivered again and is set aside: there are too many of them, or it was too long ago"
	err := c.cfg.letterBox().put(ctx, letter)
	switch {
	case err != nil:
		c.cfg.log.LogAttrs(ctx, slog.LevelError, msg, append(letter.attrs(), slog.Any("error", err))...)
	case c.cfg.deadLetter == nil:
		c.cfg.log.LogAttrs(ctx, slog.LevelError, msg+": see WithDeadLetter", append(letter.attrs(), slog.Any("error", letter.Err))...)
	}
	return err == nil
}

// Redeliver runs all handlers of e once more, also those that have handled it, and leaves
// members, info and history as they are: for a person who asks for it, for example with
// a [DeadLetter] after the fault was mended. It waits for the event that is being handled
// and for no missing one. In the handlers, [Redelivered] reports true.
//
// If all handlers succeed, an event that had failed counts as handled. If one fails,
// Redeliver returns the error and nothing is set aside.
//
// From a handler, with the handler's ctx, Redeliver queues e behind the current event and
// returns nil at once.
func (c *Conversation) Redeliver(ctx context.Context, e *Event) error {
	c.touch()
	return deliver(ctx, redelivery{c}, e)
}

// Redelivered reports whether ctx is that of a handler of an event that a person had
// delivered again, with [Conversation.Redeliver] or [Application.Redeliver].
func Redelivered(ctx context.Context) bool {
	d, ok := ctx.Value(deliveryKey{}).(*delivery)
	return ok && d.redelivered
}

// redelivery is a conversation that runs all handlers of an event once more.
type redelivery struct{ *Conversation }

func (r redelivery) handle(d *delivery, e *Event) error {
	return direct(r).handle(d.redelivering(), e)
}

// redeliver handles an event that a person asked for.
func (c *Conversation) redeliver(d *delivery, e *Event) error {
	c.mu.Lock()
	switch {
	case c.closed:
		c.mu.Unlock()
		return ErrClosed
	case !c.busy:
		c.busy = true
		defer c.advance(d, nil)
		c.running = running{e: e}
		return c.run(d, e)
	}
	t := newTurn(d, e, 0)
	c.line.Add(0, t, time.Now())
	return c.wait(d, t)
}
