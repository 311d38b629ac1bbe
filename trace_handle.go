package nexmo

import (
	"context"
	"log/slog"
	"runtime/debug"
	"time"
)

// How the handling of an event is traced: see conversation_run.go and dispatcher.go for what
// is done if it is not.

// tracer is a Trace and the logger for its panics.
type tracer struct {
	*Trace
	log *slog.Logger
}

// tracer returns how the steps of a conversation are traced; its Trace is nil if they are not.
func (c *config) tracer() tracer { return tracer{c.trace, c.log} }

// traceOf returns e as what a step is about.
func traceOf(e *Event) TraceEvent {
	return TraceEvent{ConversationID: conversationOf(e), EventID: e.ID, EventType: e.Type, Event: e}
}

// handling is the ctx of the handlers of an event whose handling is traced, and of what is
// loaded and fetched for it: it says which event requests are made for.
type handling struct {
	context.Context
	e *Event
}

type handlingKey struct{}

// forEvent returns ctx for requests that are made for e.
func forEvent(ctx context.Context, e *Event) context.Context { return &handling{ctx, e} }

func (h *handling) Value(key any) any {
	if key == (handlingKey{}) {
		return h.e
	}
	return h.Context.Value(key)
}

// handledEvent returns the event whose handler ctx was given to; nil if that is not traced.
func handledEvent(ctx context.Context) *Event {
	e, _ := ctx.Value(handlingKey{}).(*Event)
	return e
}

// handledTrace is the handling of one event.
type handledTrace struct {
	tracer
	ctx   context.Context // for the handlers
	step  HandleTrace
	began time.Duration // since the program was started, as last
	last  time.Duration // when the last handler has returned
}

// beginHandle traces that the turn of e has come.
func (t tracer) beginHandle(d *delivery, e *Event, again bool) *handledTrace {
	if t.Trace == nil {
		return nil
	}
	h := &handledTrace{tracer: t}
	h.step = HandleTrace{TraceEvent: traceOf(e), Via: viaOf(d), Again: again, Redelivered: d.redelivered}
	h.ctx = traceBegin(&handling{d, e}, t.log, t.HandleBegin, h.step)
	h.began = sinceStart()
	h.last = h.began
	return h
}

// end traces the outcome.
func (h *handledTrace) end(err error) {
	if h == nil || h.HandleEnd == nil {
		return
	}
	h.step.Duration = h.last - h.began
	traceEnd(h.ctx, h.log, h.HandleEnd, h.step, err)
}

// callTraced calls the handlers of e, and traces each if the handling of e is traced.
func (hs handlers) callTraced(d *delivery, e *Event, failed *failures, h *handledTrace) {
	if h == nil {
		hs.call(d, e, failed)
		return
	}
	for i, n := range hs.entries {
		if !hs.mixed || n.matches(e.Type) {
			h.callOne(n, hs.from(i), e, failed)
		}
	}
}

// callOne calls one handler; rest are it and those that follow.
func (h *handledTrace) callOne(n *entry, rest handlers, e *Event, failed *failures) {
	step := HandlerTrace{TraceEvent: h.step.TraceEvent, Handler: n.reg.name, Pattern: n.pattern}
	ctx := traceBegin(h.ctx, h.log, h.HandlerBegin, step)
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
		traceEnd(ctx, h.log, h.HandlerEnd, step, err)
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
