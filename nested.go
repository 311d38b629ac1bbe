package nexmo

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
)

// target is what [deliver] delivers to.
type target interface {
	// handle returns when the event has been handled, or held back.
	handle(d *delivery, e *Event) error
	// queuedError logs what became of an event that a handler delivered.
	queuedError(e *Event, err error)
}

// delivery is one call of Deliver of a Conversation or Application, and the context that
// its handlers are given. What they deliver with that context to a Conversation or an
// Application waits in it until the current event has been handled: so no handler waits
// for another, and a conversation never waits for itself.
//
// A delivery is used once: a handler may keep its context, and what it delivers
// with that later is no part of another event.
type delivery struct {
	context.Context                         // the caller's
	root            *delivery               // whose queue is used; nil: its own
	queue           atomic.Pointer[backlog] // nil while it is empty; over when the delivery is
	queued          bool                    // the event came from the queue: do not wait behind a gap
	redelivered     bool                    // a person asked for it: see Conversation.Redeliver
	foreign         bool                    // the event is not the caller's: an error of what its handlers deliver is not returned to this caller
}

// backlog is what handlers delivered and has not been handled. A delivery without
// one begins and ends without a lock.
type backlog struct {
	mu     sync.Mutex
	events []queuedEvent
	over   bool // it takes no more
}

var over = &backlog{over: true}

type queuedEvent struct {
	to      target
	e       *Event
	ctx     context.Context
	foreign bool // as for delivery
}

// nestedContext has the values of the ctx that a handler delivered with. The
// rest is that of the outer delivery: what the handler made of it has ended by
// the time the event is handled.
type nestedContext struct {
	context.Context
	values context.Context
}

func (n nestedContext) Value(key any) any { return n.values.Value(key) }

type deliveryKey struct{}

// Value finds the delivery that a context belongs to.
func (d *delivery) Value(key any) any {
	if key == (deliveryKey{}) {
		return d
	}
	return d.Context.Value(key)
}

var errNilEvent = errors.New("nexmo: Deliver: the event is nil")

// deliver is what every Deliver does: it hands e to t, and then whatever the
// handlers delivered meanwhile to wherever they delivered it.
func deliver(ctx context.Context, t target, e *Event) error {
	if e == nil {
		return errNilEvent
	}
	if outer, ok := ctx.Value(deliveryKey{}).(*delivery); ok && outer.base().push(queuedEvent{t, e, ctx, outer.foreign}) {
		return nil
	}
	d := newDelivery(ctx)
	defer d.finish()
	err := t.handle(d, e)
	return joinDeliveries(err, d.drain())
}

// base returns the delivery whose queue d uses.
func (d *delivery) base() *delivery {
	if d.root != nil {
		return d.root
	}
	return d
}

// finish drains a delivery whose goroutine a handler ended: what was queued must
// not go with it.
func (d *delivery) finish() {
	if d.queue.Load() != over {
		_ = d.drain() // logged
	}
}

// push queues an event behind the current one, if there is a current one.
func (d *delivery) push(next queuedEvent) bool {
	b := d.queue.Load()
	if b == nil {
		d.queue.CompareAndSwap(nil, new(backlog))
		b = d.queue.Load()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return false
	}
	b.events = append(b.events, next)
	return true
}

// pop returns the next event, or ends the backlog when there is none.
func (b *backlog) pop() (next queuedEvent, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.events) == 0 {
		b.over = true
		return queuedEvent{}, false
	}
	next, b.events[0] = b.events[0], queuedEvent{}
	b.events = b.events[1:]
	return next, true
}

// drain handles what was queued, and ends the delivery.
func (d *delivery) drain() error {
	if d.queue.CompareAndSwap(nil, over) {
		return nil
	}
	defer d.finish()
	d.queued = true
	var errs []error
	for b := d.queue.Load(); ; {
		next, ok := b.pop()
		if !ok {
			d.queue.Store(over)
			return joinDeliveries(errs...)
		}
		if err := next.to.handle(d.nested(next), next.e); err != nil {
			next.to.queuedError(next.e, err)
			if !next.foreign {
				errs = append(errs, err)
			}
		}
	}
}

// nested returns the context for an event that was queued in d.
func (d *delivery) nested(next queuedEvent) *delivery {
	ctx := next.ctx
	inner, ok := ctx.(*delivery)
	if inner == d {
		return d
	}
	if ok {
		ctx = inner.Context // a chain of events is none of contexts
	}
	if _, ok := ctx.(nestedContext); !ok {
		ctx = nestedContext{d.Context, ctx}
	}
	return &delivery{Context: ctx, root: d, queued: true, foreign: next.foreign}
}

// onBehalf returns the context for an event that another caller delivered, with ctx,
// and that is handled in d: it has the queue of d.
func (d *delivery) onBehalf(ctx context.Context) *delivery {
	return &delivery{Context: ctx, root: d.base(), foreign: true}
}

// redelivering returns the context for an event that d delivers because a person asked for it.
func (d *delivery) redelivering() *delivery {
	return &delivery{Context: d.Context, root: d.base(), queued: d.queued, redelivered: true, foreign: d.foreign}
}

// deliveries hands out deliveries, which it makes 25 at a time, in a kilobyte: that
// costs an event 40 bytes and a 25th of an allocation, the only one of its dispatch.
var deliveries = sync.Pool{New: func() any { return new(deliveryBatch) }}

type deliveryBatch struct {
	used int
	all  [25]delivery
}

func newDelivery(ctx context.Context) *delivery {
	b := deliveries.Get().(*deliveryBatch)
	d := &b.all[b.used]
	if b.used++; b.used < len(b.all) {
		deliveries.Put(b)
	}
	d.Context = ctx
	return d
}
