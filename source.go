package nexmo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
)

// Sink takes events. [Conversation], [Application] and [EventDispatcher] are
// sinks; so is whatever a program puts in front of them, such as a durable log.
//
// Deliver returns nil when it has taken responsibility for e, and an error when
// e must be delivered again.
type Sink interface {
	// Deliver takes e, or returns why not. It may be called from several goroutines.
	Deliver(ctx context.Context, e *Event) error
}

// SinkFunc is a function as a [Sink].
type SinkFunc func(ctx context.Context, e *Event) error

// Deliver calls f.
func (f SinkFunc) Deliver(ctx context.Context, e *Event) error { return f(ctx, e) }

// deliverTo hands e to a sink that others wrote, whose panics are errors like those
// of handlers.
func deliverTo(ctx context.Context, s Sink, e *Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return s.Deliver(ctx, e)
}

// Source yields the stored events of a conversation whose ID is above after, in
// rising order of ID. Deleted events are among them; an ID that is left out does
// not exist. An error is yielded last and once, with a nil event. Ranging over
// the sequence again reads again.
type Source interface {
	// EventsAfter reads the events of a conversation whose ID is above after, all of
	// them if it is 0. It may be called from several goroutines.
	EventsAfter(ctx context.Context, conversationID string, after EventID) iter.Seq2[*Event, error]
}

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
	idle    chan struct{} // closed when pending falls to 0; nil when nobody waits
	over    bool          // the caller has gone: nothing is handed over any more
	endless bool          // nobody asks for errs
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
	if err != nil && !st.endless {
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
