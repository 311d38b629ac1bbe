package nexmo

import (
	"context"
	"errors"
	"reflect"
	"sync"
)

// target is what [deliver] delivers to.
type target interface {
	// handle returns when the event has been handled, or held back.
	handle(d *delivery, e *Event) error
	// queuedError logs what became of an event that a handler delivered.
	queuedError(e *Event, err error)
}

// delivery is one call of Deliver, and the context that its handlers are given.
// What they deliver with that context, to whatever sink, waits in it until the
// current event has been handled: so no handler waits for another, and a
// conversation never waits for itself.
type delivery struct {
	context.Context           // the caller's
	root            *delivery // whose queue is used; itself, but for events run on behalf of others
	queued          bool      // the event came from the queue: do not wait behind a gap

	mu     sync.Mutex
	active bool
	queue  []queuedEvent
}

type queuedEvent struct {
	to target
	e  *Event
}

type deliveryKey struct{}

// Value finds the delivery that a context belongs to.
func (d *delivery) Value(key any) any {
	if key == (deliveryKey{}) {
		return d.root
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
	if outer, ok := ctx.Value(deliveryKey{}).(*delivery); ok && outer.push(t, e) {
		return nil
	}
	d := newDelivery(ctx)
	err := t.handle(d, e)
	if qerr := d.drain(); qerr != nil {
		err = errors.Join(err, qerr)
	}
	d.release()
	return err
}

// push queues an event behind the current one, if there is a current one.
func (d *delivery) push(t target, e *Event) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.active {
		return false
	}
	d.queue = append(d.queue, queuedEvent{t, e})
	return true
}

// drain handles what was queued, and ends the delivery.
func (d *delivery) drain() error {
	var errs []error
	for {
		d.mu.Lock()
		if len(d.queue) == 0 {
			d.active, d.queued = false, false
			d.queue = nil
			d.mu.Unlock()
			return errors.Join(errs...)
		}
		next := d.queue[0]
		d.queue[0] = queuedEvent{}
		d.queue = d.queue[1:]
		d.queued = true
		d.mu.Unlock()
		if err := next.to.handle(d, next.e); err != nil {
			next.to.queuedError(next.e, err)
			errs = append(errs, err)
		}
	}
}

// onBehalf returns the context for an event that somebody else delivered and
// that is run in d: his context, our queue.
func (d *delivery) onBehalf(ctx context.Context) *delivery {
	return &delivery{Context: ctx, root: d.root}
}

// deliveries keeps one delivery for each processor, to be used again by calls
// with the same context: a stream delivers without allocating. A handler may
// keep its context for longer than the call, so a delivery never changes to
// another one.
var deliveries sync.Pool

func newDelivery(ctx context.Context) *delivery {
	if d, ok := deliveries.Get().(*delivery); ok && d.Context == ctx {
		d.mu.Lock()
		d.active = true
		d.mu.Unlock()
		return d
	}
	d := &delivery{Context: ctx, active: true}
	d.root = d
	return d
}

func (d *delivery) release() {
	// Contexts are compared with ==, which only pointers and the two empty
	// contexts are sure to survive.
	if d.Context == context.Background() || d.Context == context.TODO() || reflect.TypeOf(d.Context).Kind() == reflect.Pointer {
		deliveries.Put(d)
	}
}
