package nexmo

import (
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// How the handling of an event is traced: see conversation_run.go and dispatcher.go for what
// is done if it is not.

// tracer is a Trace and the logger for its panics.
type tracer struct {
	*Trace
	log *slog.Logger
}

// traceOf returns e as what a step is about.
func traceOf(e *Event) TraceEvent {
	return TraceEvent{ConversationID: conversationOf(e), EventID: e.ID, EventType: e.Type, Event: e}
}

// forEvent returns ctx for requests that are made for e: a trace names it.
func forEvent(ctx context.Context, e *Event) context.Context {
	return context.WithValue(ctx, eventKey{}, e)
}

type eventKey struct{}

// eventFor returns the event for which what is done with ctx is done; nil if that is not traced.
func eventFor(ctx context.Context) *Event {
	e, _ := ctx.Value(eventKey{}).(*Event)
	return e
}

// handledTrace is the handling of one event that is traced, and the ctx of its handlers.
type handledTrace struct {
	*delivery
	cfg         *config
	e           *Event
	ctx         context.Context // for the handlers: this one, or what HandleBegin made of it
	began, last time.Duration   // when it began, and the last handler returned; as of sinceStart
	again       bool
}

func (h *handledTrace) Value(key any) any {
	if key == (eventKey{}) {
		return h.e
	}
	return h.delivery.Value(key)
}

func (h *handledTrace) step() HandleTrace {
	return HandleTrace{TraceEvent: traceOf(h.e), Via: viaOf(h.delivery), Again: h.again, Redelivered: h.redelivered}
}

// handledTraces are made some at a time, as deliveries are.
var handledTraces = sync.Pool{New: func() any { return new(handledBatch) }}

type handledBatch struct {
	used int
	all  [15]handledTrace
}

// beginHandle traces that the turn of e has come.
func (c *config) beginHandle(d *delivery, e *Event, again bool) *handledTrace {
	if c.trace == nil {
		return nil
	}
	b := handledTraces.Get().(*handledBatch)
	h := &b.all[b.used]
	if b.used++; b.used < len(b.all) {
		handledTraces.Put(b)
	}
	h.delivery, h.cfg, h.e, h.again = d, c, e, again
	h.ctx = h
	if c.trace.HandleBegin != nil {
		h.ctx = traceBegin(h, c.log, c.trace.HandleBegin, h.step())
	}
	h.began = sinceStart()
	h.last = h.began
	return h
}

// end traces the outcome.
func (h *handledTrace) end(err error) {
	if h == nil || h.cfg.trace.HandleEnd == nil {
		return
	}
	step := h.step()
	step.Duration = h.last - h.began
	traceEnd(h.ctx, h.cfg.log, h.cfg.trace.HandleEnd, step, err)
}

// callTraced calls the handlers of e, and traces each if the handling of e is traced.
func (hs handlers) callTraced(d *delivery, e *Event, failed *failures, h *handledTrace, p *progress) {
	if h == nil {
		hs.call(d, e, failed, p)
		return
	}
	for i, n := range hs.entries {
		if !hs.mixed || n.matches(e.Type) {
			if p != nil {
				p.current.Store(n.reg)
			}
			h.callOne(n, hs.from(i), e, failed)
		}
	}
}

// callOne calls one handler; rest are it and those that follow.
func (h *handledTrace) callOne(n *entry, rest handlers, e *Event, failed *failures) {
	step := HandlerTrace{TraceEvent: traceOf(e), Handler: n.reg.name, Pattern: n.pattern}
	ctx := traceBegin(h.ctx, h.cfg.log, h.cfg.trace.HandlerBegin, step)
	var err error
	returned := false
	defer func() {
		v := any(nil)
		if !returned {
			v = recover()
		}
		switch {
		case v != nil:
			err = &PanicError{Value: v, Stack: debug.Stack()}
			fallthrough
		case returned && err != nil:
			*failed = append(*failed, failure{n.reg, err})
		case !returned:
			err = errHandlerExited
			rest.exited(e, failed)
		}
		now := sinceStart()
		step.Duration, h.last = now-h.last, now
		traceEnd(ctx, h.cfg.log, h.cfg.trace.HandlerEnd, step, err)
	}()
	err = n.call(ctx, e)
	returned = true
}

// traceHeld traces that e has to wait, and returns since when. The caller holds c.mu, which is
// free meanwhile.
func (c *Conversation) traceHeld(ctx context.Context, e *Event) time.Duration {
	step := HeldTrace{TraceEvent: traceOf(e)}
	if from, to, ok := c.line.Before(int64(e.ID)); ok {
		step.From, step.To = EventID(from), EventID(to)
	}
	c.mu.Unlock()
	defer c.mu.Lock()
	traceStep(ctx, c.cfg.log, c.cfg.trace.Held, step)
	return sinceStart()
}

// traceReleased traces that the turn of an event has come that has been held since then; no
// lock is held.
func (c *Conversation) traceReleased(ctx context.Context, e *Event, held time.Duration) {
	traceStep(ctx, c.cfg.log, c.cfg.trace.Released, ReleasedTrace{traceOf(e), sinceStart() - held})
}

// dropped counts and traces a duplicate.
func (c *config) dropped(ctx context.Context, e *Event, forgotten bool) {
	c.counters.duplicates.Add(1)
	if c.trace != nil {
		traceStep(ctx, c.log, c.trace.Duplicate, DuplicateTrace{traceOf(e), forgotten})
	}
}
