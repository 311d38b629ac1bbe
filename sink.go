package nexmo

import (
	"context"
	"iter"
	"runtime/debug"
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

// HandledSink is a [Sink] that remembers what it has handled. A source of events can ask it
// first: what was handled need not be parsed and delivered again. [Conversation] and
// [Application] are such sinks. It is optional: nothing depends on the answer but speed,
// and that duplicates are acknowledged while there is too much to do.
type HandledSink interface {
	Sink
	// Handled reports whether an event has been handled, or set aside, so that to deliver
	// it again would do nothing. It returns false in doubt. It must not wait for handlers,
	// and may be called from several goroutines.
	Handled(conversationID string, id EventID) bool
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
