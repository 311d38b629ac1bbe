package nexmo

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// webhookDelivery is the delivery of what a webhook carries, and the context of it. It has
// a goroutine of its own, which belongs to Drain: a handler that does not mind its ctx must
// not hold the sender.
type webhookDelivery struct {
	context.Context // with the deadline

	h          *WebhookHandler
	claims     *Claims
	event      *Event
	unreadable *DeadLetter // in place of event
	cancel     context.CancelFunc

	ended atomic.Bool // then the context ends, too; the rest is written before
	aside error       // why the event was set aside
	err   error       // why it is neither handled nor set aside
}

// Value says how the event came.
func (d *webhookDelivery) Value(key any) any {
	if key == (viaKey{}) {
		return ViaWebhook
	}
	return d.Context.Value(key)
}

// start begins the delivery, or returns why it is not admitted.
func (d *webhookDelivery) start(ctx context.Context, deadline time.Time) error {
	d.Context, d.cancel = context.WithDeadline(ctx, deadline)
	if err := d.h.begin(d.claims); err != nil {
		d.cancel()
		return err
	}
	go d.run()
	return nil
}

// run makes the delivery. A handler may end the goroutine, which is an error like any other.
func (d *webhookDelivery) run() {
	d.err = errHandlerExited
	defer func() {
		d.h.end(d.claims, d.err == nil)
		d.ended.Store(true)
		d.cancel()
	}()
	d.err = d.handle()
}

// handle returns nil when the event was handled or set aside.
func (d *webhookDelivery) handle() (err error) {
	defer func() { // of methods of an error
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	if d.unreadable != nil {
		d.aside = d.unreadable.Err
		err = d.h.letterBox().put(d, *d.unreadable)
	} else {
		d.aside = deliverTo(d, d.h.Sink, d.event)
		err = d.h.letterBox().settle(d, d.event, d.aside)
	}
	return err
}

// wait returns the answer, and why the event was not handled.
func (d *webhookDelivery) wait() (status int, err error) {
	<-d.Done()
	switch {
	case !d.ended.Load(): // the sender is gone, or
		err = d.Err()
		if errors.Is(err, context.DeadlineExceeded) {
			err = errSlow
		}
		return http.StatusServiceUnavailable, err
	case d.err != nil:
		return http.StatusServiceUnavailable, d.err
	default:
		return http.StatusNoContent, d.aside
	}
}
