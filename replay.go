package nexmo

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// Replay delivers the events of a conversation after an ID from src to dst. It
// stops at the first event that dst or src fails with, and names its ID: what
// came before it has been handled.
//
// A replay does not wait behind a gap in its own events: where dst holds events
// back until missing ones come, as a [Conversation] does, Replay hands over the
// rest, and returns when all it handed over has been handled.
func Replay(ctx context.Context, dst Sink, src Source, conversationID string, after EventID) error {
	st := new(stream)
	sctx := context.WithValue(ctx, streamKey{}, st)
	for e, err := range src.EventsAfter(ctx, conversationID, after) {
		if err == nil && e == nil {
			err = errNilEvent
		}
		if err != nil {
			return errors.Join(fmt.Errorf("nexmo: replay: %w", err), st.wait(ctx))
		}
		if err := dst.Deliver(sctx, e); err != nil {
			return errors.Join(fmt.Errorf("nexmo: replay: event %d: %w", e.ID, err), st.wait(ctx))
		}
	}
	return st.wait(ctx)
}

// stream is a sequence of deliveries that one caller makes in a row. An event
// of it that is held back behind a gap is handed over: waiting for it would keep
// the caller from delivering the very events that are missing.
type stream struct {
	mu      sync.Mutex
	pending int
	errs    []error
	idle    chan struct{}             // closed when pending falls to 0; nil when nobody waits
	over    bool                      // the caller has gone: nothing is handed over any more
	failed  func(e *Event, err error) // if not nil, receives the outcomes in place of errs
}

type streamKey struct{}

func streamOf(ctx context.Context) *stream {
	st, _ := ctx.Value(streamKey{}).(*stream)
	return st
}

// handOver notes that an event of the stream is handled later, unless nobody
// would wait for it.
func (st *stream) handOver() bool {
	st.mu.Lock()
	defer st.mu.Unlock()
	if !st.over {
		st.pending++
	}
	return !st.over
}

// handled notes the outcome of an event that was handed over.
func (st *stream) handled(e *Event, err error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	switch {
	case err == nil:
	case st.failed != nil:
		st.failed(e, err)
	default:
		st.errs = append(st.errs, fmt.Errorf("nexmo: replay: event %d: %w", e.ID, err))
	}
	st.pending--
	if st.pending == 0 && st.idle != nil {
		close(st.idle)
		st.idle = nil
	}
}

// wait returns when everything that was handed over has been handled.
func (st *stream) wait(ctx context.Context) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	for st.pending > 0 && ctx.Err() == nil {
		idle := make(chan struct{})
		st.idle = idle
		st.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
		}
		st.mu.Lock()
	}
	st.over = true
	if st.pending > 0 {
		return errors.Join(append(st.errs, ctx.Err())...)
	}
	return errors.Join(st.errs...)
}
