package nexmo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
)

// Replay delivers the events of a conversation after an ID from src to dst. It
// stops at the first event that dst or src fails with, and names its ID: what
// came before it has been handled. An event that no retry makes succeed is set aside, see
// [WithDeadLetter], and does not stop it: Replay returns nil when each event was handled or
// set aside, and logs how many were.
//
// A replay does not wait behind a gap in its own events: where dst holds events
// back until missing ones come, as a [Conversation] does, Replay hands over the
// rest, and returns when all it handed over has been handled.
//
// Without [WithLogger], it logs to [slog.Default]. Replay panics if an option is nil.
func Replay(ctx context.Context, dst Sink, src Source, conversationID string, after EventID, opts ...ReplayOption) error {
	cfg := replayConfigOf("Replay", opts)
	var (
		mu     sync.Mutex
		failed = map[EventID]bool{} // a duplicate of an event has the same outcome
		errs   []error
		last   atomic.Pointer[Event] // that failed
	)
	events := func(yield func(*Event, error) bool) {
		for e, err := range src.EventsAfter(ctx, conversationID, after) {
			if !yield(e, err) || e != nil && last.Load() == e {
				return
			}
		}
	}
	err := cfg.feed(ctx, dst, conversationID, events, func(e *Event, _ bool, err error) {
		if err == nil {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		last.Store(e)
		if e.ID == 0 || !failed[e.ID] {
			failed[e.ID] = true
			errs = append(errs, fmt.Errorf("nexmo: replay: event %d: %w", e.ID, err))
		}
	})
	if err != nil {
		errs = append(errs, fmt.Errorf("nexmo: replay: %w", err))
	}
	return errors.Join(errs...)
}

// Feed delivers events to sink, one after another, and tells done what became of each:
// the error that [Sink] returned for it, or nil when it was handled or set aside, see
// [WithDeadLetter]. Unlike [Replay] it does not stop at an event that fails: whoever calls
// it decides from done what to deliver again.
//
// Feed does not wait behind a gap in its own events: an event that a [Conversation] holds
// back is handed over, and done is called for it when it has been handled, perhaps by
// another goroutine and after events that follow it. Feed returns when done was called for
// each event. If ctx ends first it returns its error, and done is not called after that:
// what done was not called for is to be delivered again. The error that events yields ends
// Feed, which returns it.
//
// done may be called from several goroutines, though not for two events of one conversation
// at the same time. It must not wait for another event. Feed panics if done or an option is
// nil; a panic of done is the error of Feed, and ends it.
func Feed(ctx context.Context, sink Sink, events iter.Seq2[*Event, error], done func(e *Event, err error), opts ...ReplayOption) error {
	if done == nil {
		panic("nexmo: Feed: done is nil")
	}
	cfg := replayConfigOf("Feed", opts)
	err := cfg.feed(ctx, sink, "", events, func(e *Event, nested bool, err error) {
		if !nested { // the conversation has logged it
			done(e, err)
		}
	})
	if err != nil {
		return fmt.Errorf("nexmo: feed: %w", err)
	}
	return nil
}

// feed delivers events, and tells done what is left of the error of each when those were set
// aside that no retry makes succeed. conversation is that of all events, or "" if they may be of several.
func (c *replayConfig) feed(ctx context.Context, sink Sink, conversation string, events iter.Seq2[*Event, error], done func(e *Event, nested bool, err error)) error {
	var (
		aside    atomic.Int64
		panicked atomic.Pointer[PanicError]
		sctx     context.Context
	)
	st := &stream{conversation: conversation, done: func(e *Event, nested bool, err error) {
		defer func() {
			if v := recover(); v != nil {
				panicked.Store(&PanicError{Value: v, Stack: debug.Stack()})
			}
		}()
		done(e, nested, letterBox{c.deadLetter, c.log, c.trace, nil}.settle(sctx, e, err))
	}}
	sctx = context.WithValue(context.WithValue(context.WithValue(ctx, streamKey{}, st), viaKey{}, ViaReplay), asideKey{}, &aside)
	defer st.release()
	if k, ok := sink.(keeper); ok && conversation != "" {
		k.keep(ctx, st)
	}
	defer func() {
		if n := aside.Load(); n > 0 {
			c.log.LogAttrs(ctx, slog.LevelWarn, "nexmo: events of a replay were set aside, the others were delivered", slog.Int64("count", n))
		}
	}()
	var failed error
	for e, err := range events {
		if err == nil && e == nil {
			err = errNilEvent
		}
		if err != nil {
			failed = err
			break
		}
		st.deliver(sctx, sink, e)
		if panicked.Load() != nil {
			break
		}
	}
	failed = errors.Join(failed, st.wait(ctx))
	if p := panicked.Load(); p != nil {
		failed = errors.Join(p, failed)
	}
	return failed
}
