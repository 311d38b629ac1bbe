package nexmo

import (
	"context"
	"sync"
)

// stream is a sequence of deliveries that one caller makes in a row. An event
// of it that is held back behind a gap is handed over: waiting for it would keep
// the caller from delivering the very events that are missing.
type stream struct {
	// done receives the outcome of each event of the stream, once, and of each event that
	// was handed over and that a handler delivered: nested. No lock is held meanwhile.
	done func(e *Event, nested bool, err error)

	conversation string // of all its events; "" if they are of several

	mu        sync.Mutex
	kept      *Conversation // pinned; nil before the first event
	event     *Event        // is being delivered; nil between two of them
	shared    *delivered    // what became of event so far; nil unless it was handed over
	pending   int           // events that were handed over and whose outcome has not come
	reporting int           // outcomes that done is receiving
	change    chan struct{} // closed when one of the two falls to 0; nil when nobody waits
	over      bool          // the caller has gone: nothing is handed over and no outcome is wanted
}

// delivered is an event of a stream that was handed over at least once: a Sink may pass it
// on to several conversations.
type delivered struct {
	e    *Event
	open int // outcomes that have not come: that of Deliver, and of each time it was handed over
	errs []error
}

// handedOver is an event that is handled later than Deliver returns.
type handedOver struct {
	st *stream
	e  *Event
	of *delivered // nil for an event that a handler delivered
}

type streamKey struct{}

func streamOf(ctx context.Context) *stream {
	st, _ := ctx.Value(streamKey{}).(*stream)
	return st
}

// deliver delivers the next event of the stream. ctx has the stream.
func (st *stream) deliver(ctx context.Context, to Sink, e *Event) {
	st.mu.Lock()
	st.event = e
	st.mu.Unlock()
	err := error(errHandlerExited)
	defer func() {
		st.mu.Lock()
		of := st.shared
		st.event, st.shared = nil, nil
		st.mu.Unlock()
		if of != nil {
			st.settle(of, err)
		} else {
			st.report(e, false, err)
		}
	}()
	err = deliverTo(ctx, to, e)
}

// handOver notes that e is handled later, unless nobody would wait for it: then it returns
// nil. nested says that a handler delivered e.
func (st *stream) handOver(e *Event, nested bool) *handedOver {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.over {
		return nil
	}
	st.pending++
	h := &handedOver{st: st, e: e}
	if !nested && st.event != nil {
		if st.shared == nil {
			st.shared = &delivered{e: st.event, open: 1}
		}
		st.shared.open++
		h.of = st.shared
	}
	return h
}

// handled notes the outcome of an event that was handed over.
func (h *handedOver) handled(err error) {
	st := h.st
	if h.of != nil {
		st.settle(h.of, err)
	} else {
		st.report(h.e, true, err)
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	st.pending--
	st.wake()
}

// settle notes one of the outcomes of an event, and reports them all with the last one.
func (st *stream) settle(of *delivered, err error) {
	st.mu.Lock()
	if err != nil {
		of.errs = append(of.errs, err)
	}
	of.open--
	last := of.open == 0
	st.mu.Unlock()
	if last {
		st.report(of.e, false, joinDeliveries(of.errs...))
	}
}

func (st *stream) report(e *Event, nested bool, err error) {
	st.mu.Lock()
	if st.over {
		st.mu.Unlock()
		return
	}
	st.reporting++
	st.mu.Unlock()
	defer func() {
		st.mu.Lock()
		defer st.mu.Unlock()
		st.reporting--
		st.wake()
	}()
	st.done(e, nested, err)
}

// wake wakes wait. The caller holds st.mu.
func (st *stream) wake() {
	if st.change != nil && (st.pending == 0 || st.reporting == 0) {
		close(st.change)
		st.change = nil
	}
}

// wait returns when the outcome of everything that was handed over has been reported. If
// ctx ends first it returns its error, and nothing is reported after that.
func (st *stream) wait(ctx context.Context) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	for st.pending > 0 && ctx.Err() == nil {
		st.waitChange(ctx.Done())
	}
	st.over = true
	for st.reporting > 0 {
		st.waitChange(nil)
	}
	if st.pending > 0 {
		return ctx.Err()
	}
	return nil
}

// waitChange waits until pending or reporting has fallen to 0, or done is closed. The caller
// holds st.mu, which is free meanwhile.
func (st *stream) waitChange(done <-chan struct{}) {
	change := make(chan struct{})
	st.change = change
	st.mu.Unlock()
	defer st.mu.Lock()
	select {
	case <-change:
	case <-done:
	}
}
