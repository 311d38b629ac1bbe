package nexmo

import (
	"context"
	"log/slog"
	"reflect"
	"time"
)

// Trace is a set of functions that are called at each step of an event, from its arrival to
// its last handler, and of each request, as those of net/http/httptrace.ClientTrace are. Any of
// them may be nil. More functions, and more fields of what they receive, may be added.
//
// The functions run in the goroutine of the step, without a lock held, and should return soon: the
// step waits for them. They may be called from several goroutines. A panic of one is logged and
// has no other effect. They must not end their goroutine, as t.FailNow does. What they receive is shared and must not be changed.
//
// A function whose name ends in Begin returns the ctx for what follows: ctx itself, or one made
// from it. ReceiveBegin is followed by all that becomes of the event, HandleBegin by its handlers,
// HandlerBegin by what one of them does, and RequestBegin by the attempts of the request. Each
// Begin is followed by one End, with the ctx that Begin returned.
//
// Give it to [NewApplication], [NewConversation], [NewClient] and [Dial] with [WithTrace], and to
// [WebhookHandler].Trace.
type Trace struct {
	// ReceiveBegin is called when something has arrived at a [WebhookHandler] or a [Session] and was
	// not looked at yet. ReceiveEnd is called when a webhook is about to be answered, or the event of
	// a session was delivered; err is nil if the event was handled, or handed over behind a gap.
	ReceiveBegin func(ctx context.Context, t ReceiveTrace) context.Context
	ReceiveEnd   func(ctx context.Context, t ReceiveTrace, err error)

	// Verified is called for a webhook that is authentic, Refused for one that was not delivered:
	// Err says why.
	Verified func(ctx context.Context, t VerifiedTrace)
	Refused  func(ctx context.Context, t RefusedTrace)

	// Parsed is called for an event that was read from a webhook or a frame of a session.
	Parsed func(ctx context.Context, t ParsedTrace)

	// Duplicate is called for an event that is not handled because it was handled before.
	Duplicate func(ctx context.Context, t DuplicateTrace)

	// Held is called for an event that has to wait, Released when its turn has come.
	Held     func(ctx context.Context, t HeldTrace)
	Released func(ctx context.Context, t ReleasedTrace)

	// Gap is called for events that are missing and no longer waited for, Fetched when the [Source]
	// was read for missing ones.
	Gap     func(ctx context.Context, t GapTrace)
	Fetched func(ctx context.Context, t FetchedTrace)

	// HandleBegin is called when the turn of an event has come and the state has it, before its
	// handlers, HandleEnd after the last of them; err is what Deliver returns.
	HandleBegin func(ctx context.Context, t HandleTrace) context.Context
	HandleEnd   func(ctx context.Context, t HandleTrace, err error)

	// HandlerBegin is called before a handler, HandlerEnd after it; err is what it returned, or a
	// [*PanicError].
	HandlerBegin func(ctx context.Context, t HandlerTrace) context.Context
	HandlerEnd   func(ctx context.Context, t HandlerTrace, err error)

	// DeadLetter is called for an event that was set aside, or could not be: see [WithDeadLetter].
	DeadLetter func(ctx context.Context, t DeadLetterTrace)

	// Made is called for a conversation that an [Application] begins to keep, Loaded when it was
	// asked for at the service, Evicted when it is no longer kept.
	Made    func(ctx context.Context, t ConversationTrace)
	Loaded  func(ctx context.Context, t ConversationTrace)
	Evicted func(ctx context.Context, t ConversationTrace)

	// SessionState is called when the state of a [Session] changes.
	SessionState func(ctx context.Context, t SessionTrace)

	// RequestBegin is called before a request of a [Client], RequestEnd after its last attempt.
	RequestBegin func(ctx context.Context, t RequestTrace) context.Context
	RequestEnd   func(ctx context.Context, t RequestTrace, err error)
}

// TraceEvent is the event that a step is about.
type TraceEvent struct {
	ConversationID string    // "" if it has none
	EventID        EventID   // 0 if it has none
	EventType      EventType // "" if it was not read
	Event          *Event    // nil if it was not read
}

// ReceiveTrace is something that has arrived.
type ReceiveTrace struct {
	TraceEvent               // zero in ReceiveBegin of a webhook
	Via        string        // ViaWebhook or ViaSession
	Status     int           // of the answer to a webhook; only in ReceiveEnd
	Duration   time.Duration // since the arrival; only in ReceiveEnd
}

// VerifiedTrace is a webhook that is authentic.
type VerifiedTrace struct {
	Claims *Claims // of its token; empty if it had none and WebhookHandler.AllowUnsigned is set
}

// RefusedTrace is a webhook that was not delivered.
type RefusedTrace struct {
	TraceEvent        // zero if it was refused before it was read
	Status     int    // of the answer
	Reason     string // one word, such as "signature", "busy" or "no_event": the same as in WebhookStats.Refused
	Err        error
}

// ParsedTrace is an event that was read.
type ParsedTrace struct {
	TraceEvent
	Via  string
	Size int // in bytes
}

// DuplicateTrace is an event that was handled before.
type DuplicateTrace struct {
	TraceEvent
	Forgotten bool // it came too late to know, and counts as handled
}

// HeldTrace is an event that has to wait.
type HeldTrace struct {
	TraceEvent
	From, To EventID // the IDs in front of it that are missing; 0 if it waits for the one that is being handled
}

// ReleasedTrace is an event whose turn has come.
type ReleasedTrace struct {
	TraceEvent
	Waited time.Duration
}

// GapTrace is events that are missing and no longer waited for.
type GapTrace struct{ Gap }

// FetchedTrace is a reading of the Source.
type FetchedTrace struct {
	ConversationID string
	From, To       EventID // what was missing, and more
	Events         int     // that were missing and are delivered
	Duration       time.Duration
	Err            error // nil if it was read to its end
}

// HandleTrace is the handling of an event.
type HandleTrace struct {
	TraceEvent
	Via         string
	Again       bool          // it was handled before, and failed: the handlers that failed run
	Redelivered bool          // a person asked for it
	Duration    time.Duration // only in HandleEnd
}

// HandlerTrace is a handler.
type HandlerTrace struct {
	TraceEvent
	Handler  string        // the name of the function
	Pattern  EventType     // what it was registered for
	Duration time.Duration // only in HandlerEnd
}

// DeadLetterTrace is an event that was set aside.
type DeadLetterTrace struct {
	DeadLetter
	Failed error // of the function that should have taken it; nil if it has, or there is none
}

// ConversationTrace is a conversation that an Application keeps.
type ConversationTrace struct {
	ConversationID string
	Duration       time.Duration // that Loaded took
	Err            error         // of Loaded
}

// SessionTrace is a change of the state of a session.
type SessionTrace struct {
	SessionID string
	State     SessionState
	Err       error // why, if it is an error
}

// RequestTrace is a request of a Client.
type RequestTrace struct {
	TraceEvent               // that is being handled while the request is made; zero if there is none
	Operation  string        // such as "create event"
	Method     string        // of HTTP
	Route      string        // the path, with names in place of IDs
	Status     int           // of the last answer, 0 if there was none; only in RequestEnd
	Attempts   int           // only in RequestEnd
	Duration   time.Duration // only in RequestEnd
}

// TraceOption is an option of all that can be traced: [NewApplication], [NewConversation],
// [NewClient], [Dial], [Replay] and [Feed].
type TraceOption interface {
	ConversationOption
	ConnectionOption
	ReplayOption
}

type traceOption struct{ trace *Trace }

// WithTrace has the functions of t called. Given more than once, all of them are, in the order in
// which they were given. It panics if t is nil. t must not be changed after that.
func WithTrace(t *Trace) TraceOption {
	if t == nil {
		panic("nexmo: WithTrace: the Trace is nil")
	}
	return traceOption{t}
}

func (o traceOption) applyConversation(c *config)           { c.trace = JoinTraces(c.trace, o.trace) }
func (o traceOption) applyApplication(c *applicationConfig) { o.applyConversation(&c.config) }
func (o traceOption) applyClient(c *clientConfig)           { c.trace = JoinTraces(c.trace, o.trace) }
func (o traceOption) applyReplay(c *replayConfig)           { c.trace = JoinTraces(c.trace, o.trace) }
func (o traceOption) applySession(c *sessionConfig)         { o.applyClient(&c.client) }

// JoinTraces returns a Trace that calls the functions of all ts, one after another; nil ones are
// left out. A Begin of one receives the ctx that the Begin of the one before returned. It returns
// nil if all are nil.
func JoinTraces(ts ...*Trace) *Trace {
	var all []*Trace
	for _, t := range ts {
		if t != nil {
			all = append(all, t)
		}
	}
	if len(all) < 2 {
		if len(all) == 0 {
			return nil
		}
		return all[0]
	}
	joined := all[0]
	for _, t := range all[1:] {
		joined = joinTwo(joined, t)
	}
	return joined
}

func joinTwo(a, b *Trace) *Trace {
	return &Trace{
		ReceiveBegin: joinBegin(a.ReceiveBegin, b.ReceiveBegin),
		ReceiveEnd:   joinEnd(a.ReceiveEnd, b.ReceiveEnd),
		Verified:     joinStep(a.Verified, b.Verified),
		Refused:      joinStep(a.Refused, b.Refused),
		Parsed:       joinStep(a.Parsed, b.Parsed),
		Duplicate:    joinStep(a.Duplicate, b.Duplicate),
		Held:         joinStep(a.Held, b.Held),
		Released:     joinStep(a.Released, b.Released),
		Gap:          joinStep(a.Gap, b.Gap),
		Fetched:      joinStep(a.Fetched, b.Fetched),
		HandleBegin:  joinBegin(a.HandleBegin, b.HandleBegin),
		HandleEnd:    joinEnd(a.HandleEnd, b.HandleEnd),
		HandlerBegin: joinBegin(a.HandlerBegin, b.HandlerBegin),
		HandlerEnd:   joinEnd(a.HandlerEnd, b.HandlerEnd),
		DeadLetter:   joinStep(a.DeadLetter, b.DeadLetter),
		Made:         joinStep(a.Made, b.Made),
		Loaded:       joinStep(a.Loaded, b.Loaded),
		Evicted:      joinStep(a.Evicted, b.Evicted),
		SessionState: joinStep(a.SessionState, b.SessionState),
		RequestBegin: joinBegin(a.RequestBegin, b.RequestBegin),
		RequestEnd:   joinEnd(a.RequestEnd, b.RequestEnd),
	}
}

// What joins two functions calls the second one although the first one panics.

func joinStep[T any](a, b func(context.Context, T)) func(context.Context, T) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(ctx context.Context, t T) {
		defer b(ctx, t)
		a(ctx, t)
	}
}

func joinEnd[T any](a, b func(context.Context, T, error)) func(context.Context, T, error) {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(ctx context.Context, t T, err error) {
		defer b(ctx, t, err)
		a(ctx, t, err)
	}
}

func joinBegin[T any](a, b func(context.Context, T) context.Context) func(context.Context, T) context.Context {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	}
	return func(ctx context.Context, t T) context.Context {
		next, failed := tryBegin(ctx, a, t)
		next, failedToo := tryBegin(next, b, t)
		if failed || failedToo {
			panic(&beginPanic{next})
		}
		return next
	}
}

// tryBegin calls fn, and reports whether it panicked.
func tryBegin[T any](ctx context.Context, fn func(context.Context, T) context.Context, t T) (next context.Context, failed bool) {
	defer func() {
		if v := recover(); v != nil {
			next, failed = ctx, true
			if p, ok := v.(*beginPanic); ok {
				next = p.ctx
			}
		}
	}()
	return orElse(fn(ctx, t), ctx), false
}

// beginPanic is the panic of functions that were joined, with the ctx of those that did not panic.
type beginPanic struct{ ctx context.Context }

func orElse(ctx, other context.Context) context.Context {
	if ctx == nil {
		return other
	}
	return ctx
}

// How the functions of a Trace are called: fn may be nil, and its panic is logged.

func traceStep[T any](ctx context.Context, log *slog.Logger, fn func(context.Context, T), t T) {
	if fn == nil {
		return
	}
	defer logTracePanic[T](ctx, log)
	fn(ctx, t)
}

func traceEnd[T any](ctx context.Context, log *slog.Logger, fn func(context.Context, T, error), t T, err error) {
	if fn == nil {
		return
	}
	defer logTracePanic[T](ctx, log)
	fn(ctx, t, err)
}

func traceBegin[T any](ctx context.Context, log *slog.Logger, fn func(context.Context, T) context.Context, t T) (next context.Context) {
	if fn == nil {
		return ctx
	}
	next, failed := tryBegin(ctx, fn, t)
	if failed {
		logPanic[T](ctx, log)
	}
	return next
}

func logTracePanic[T any](ctx context.Context, log *slog.Logger) {
	if recover() != nil {
		logPanic[T](ctx, log)
	}
}

func logPanic[T any](ctx context.Context, log *slog.Logger) {
	log.LogAttrs(ctx, slog.LevelError, "nexmo: a function of a Trace panicked", slog.String("function", reflect.TypeFor[T]().Name()))
}
