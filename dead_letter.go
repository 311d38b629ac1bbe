package nexmo

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
)

// DeadLetter is an event that is set aside because no retry makes it succeed: a handler
// marked its error with [Permanent], [On] or [OnCustom] found a body that does not fit,
// the event cannot be read at all, or it failed and there is no room left to remember it.
//
// To handle it after the fault is mended, parse Raw with [ParseEvent] and give the event
// to [Application.Redeliver]. A DeadLetter that is delivered again in the normal way has
// the handlers run that failed.
type DeadLetter struct {
	ConversationID string    // "" if the event has none, or it cannot be read
	EventID        EventID   // 0 if the event has none, or it cannot be read
	Type           EventType // "" if it cannot be read
	Raw            Raw       // the event as it was received, or as JSON if the program made it
	Via            string    // how it came: one of the Via constants
	Err            error     // why it was set aside
}

// How an event came.
const (
	ViaDeliver = "deliver" // the program called Deliver
	ViaWebhook = "webhook" // a [WebhookHandler]
	ViaSession = "session" // a [Session]
	ViaReplay  = "replay"  // [Replay], [Feed] or [Conversation.Sync]
	ViaFetch   = "fetch"   // a [Conversation] fetched it from its [Source] to fill a gap
)

// DeliveryOption is an option of everything that delivers events: [NewConversation],
// [NewApplication], [Dial], [Replay] and [Feed].
type DeliveryOption interface {
	ConversationOption
	SessionOption
	ReplayOption
}

type deadLetterOption func(context.Context, DeadLetter) error

func (o deadLetterOption) applyConversation(c *config)           { c.deadLetter = o }
func (o deadLetterOption) applyApplication(c *applicationConfig) { c.deadLetter = o }
func (o deadLetterOption) applySession(c *sessionConfig)         { c.deadLetter = o }
func (o deadLetterOption) applyReplay(c *replayConfig)           { c.deadLetter = o }

// WithDeadLetter gives fn the events that no retry makes succeed. fn keeps the
// [DeadLetter], in a database or a file, and returns nil when it is safe: then the event
// counts as set aside, and Deliver returns nil for it.
//
// If several have such a function, the one nearest to the handlers is called: that of the
// Conversation or Application before that of the [Session], [Replay] or [WebhookHandler]. If
// none has one, the error of Deliver matches [ErrPermanent], and the outermost of them logs
// it as an error and goes on as if the event had been handled.
//
// If fn returns an error or panics, the event counts as not delivered: a webhook is
// answered 503, Replay and Sync return the error, and a Session delivers the event again
// before the next one of its conversation.
//
// fn may be called from several goroutines. Its ctx is that of the delivery. WithDeadLetter
// panics if fn is nil.
func WithDeadLetter(fn func(ctx context.Context, d DeadLetter) error) DeliveryOption {
	if fn == nil {
		panic("nexmo: WithDeadLetter: the function is nil")
	}
	return deadLetterOption(fn)
}

// ErrPermanent is matched by an error that says that no retry makes an event succeed: of
// a handler, see [Permanent], and of Deliver, if all handlers that failed say so.
var ErrPermanent = errors.New("nexmo: the event is set aside: no retry makes it succeed")

// Permanent marks the error of a handler: no retry of the event makes the handler succeed.
// The event is not delivered again and becomes a [DeadLetter], unless another handler
// failed with an error that is not marked. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err: err}
}

// permanentError is an error that no retry mends. It is about one event: the error of
// another one that a handler passes on says nothing of its own event.
type permanentError struct {
	err   error
	event *Event // which it is about; nil: the one that is being handled
}

func (p *permanentError) Error() string { return p.err.Error() }

func (p *permanentError) Unwrap() error { return p.err }

func (p *permanentError) Is(target error) bool { return target == ErrPermanent }

// permanentFor reports whether err says nothing but that no retry of e succeeds.
func permanentFor(err error, e *Event) bool {
	switch err := err.(type) { //nolint:errorlint // it looks at every error of the tree
	case nil:
		return false
	case *permanentError:
		of := err.event // a middleware may have passed on a copy of e
		return of == nil || of == e || of.Raw != "" && of.Raw == e.Raw
	case interface{ Unwrap() []error }:
		errs := err.Unwrap()
		for _, part := range errs {
			if !permanentFor(part, e) {
				return false
			}
		}
		return len(errs) > 0
	case interface{ Unwrap() error }:
		return permanentFor(err.Unwrap(), e)
	default:
		return false
	}
}

// letterBox is where the dead letters of somebody who delivers go.
type letterBox struct {
	fn    func(context.Context, DeadLetter) error // nil: to the log
	log   *slog.Logger
	trace *Trace
	count *atomic.Int64 // of the events that were set aside; nil: nobody asks
}

// put gives d to the function, whose panics are errors. Without one it does nothing.
func (b letterBox) put(ctx context.Context, d DeadLetter) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
		if err != nil {
			err = &notSafeError{retryable(err)} // the function may have returned d.Err
		} else {
			countSetAside(ctx)
			if b.count != nil {
				b.count.Add(1)
			}
		}
		if b.trace != nil {
			traceStep(ctx, b.log, b.trace.DeadLetter, DeadLetterTrace{d, err})
		}
	}()
	if b.fn == nil {
		return nil
	}
	return b.fn(ctx, d)
}

// notSafeError says that the function given to [WithDeadLetter] failed: the event is to be
// delivered again.
type notSafeError struct{ err error }

func (n *notSafeError) Error() string {
	return "nexmo: the function given to WithDeadLetter failed: " + n.err.Error()
}

func (n *notSafeError) Unwrap() error { return n.err }

// notSafe reports whether err says that a dead letter is not safe.
func notSafe(err error) bool {
	_, ok := errors.AsType[*notSafeError](err)
	return ok
}

// deadLetterOf returns e as a dead letter.
func deadLetterOf(ctx context.Context, e *Event, err error) DeadLetter {
	raw := e.Raw
	if raw == "" {
		text, _ := e.MarshalJSON() // nil if it cannot be written
		raw = Raw(text)
	}
	return DeadLetter{
		ConversationID: conversationOf(e), EventID: e.ID, Type: e.Type, Raw: raw, Via: viaOf(ctx), Err: err,
	}
}

type viaKey struct{}

// viaOf returns how an event came that is delivered with ctx.
func viaOf(ctx context.Context) string {
	if via, ok := ctx.Value(viaKey{}).(string); ok {
		return via
	}
	return ViaDeliver
}

// attrs are the attributes of a dead letter in a log: nothing of its content.
func (d *DeadLetter) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("conversation_id", d.ConversationID), slog.Int64("event_id", int64(d.EventID)),
		slog.String("event_type", string(d.Type)), slog.String("via", d.Via),
	}
}

// settle is for whoever called Deliver of a sink for e and is the last on the way out: it
// returns what is left of err. An event that no retry makes succeed, e or one that a handler
// of e delivered, is put into the box, and logged if there is no function.
func (b letterBox) settle(ctx context.Context, e *Event, err error) error {
	if err == nil {
		return nil
	}
	var left []error
	for _, part := range partsOf(err) {
		of, permanent := eventOf(part, e)
		if !permanent {
			left = append(left, part)
			continue
		}
		d := deadLetterOf(ctx, of, part)
		if b.fn == nil {
			b.log.LogAttrs(ctx, slog.LevelError, "nexmo: no retry makes the handlers of an event succeed: it was set aside, see WithDeadLetter",
				append(d.attrs(), slog.Any("error", part))...)
		}
		left = append(left, b.put(ctx, d)) // nil is left out
	}
	return joinDeliveries(left...)
}

// partsOf returns the errors that Deliver has joined: of the event itself, and of those that
// its handlers delivered. What a handler returned is one of them.
func partsOf(err error) []error {
	if joined, ok := err.(*deliveryErrors); ok { //nolint:errorlint // not in what a handler returned
		return joined.errs
	}
	return []error{err}
}

// eventOf returns the event that err is about, which is e or one that a handler of e
// delivered, and whether no retry of it succeeds.
func eventOf(err error, e *Event) (of *Event, permanent bool) {
	if r, ok := err.(*retryableError); ok { //nolint:errorlint // as in partsOf
		err = r.err
	}
	if p, ok := err.(*permanentError); ok && p.event != nil { //nolint:errorlint // as in partsOf
		return p.event, true
	}
	return e, permanentFor(err, e)
}

// deliveryErrors are the errors of an event and of those that its handlers delivered, which
// differ in what becomes of them.
type deliveryErrors struct{ errs []error }

func (d *deliveryErrors) Error() string { return errors.Join(d.errs...).Error() }

// Unwrap returns the errors.
func (d *deliveryErrors) Unwrap() []error { return d.errs }

// joinDeliveries joins the errors of an event and of those that its handlers delivered; nil
// ones are left out. What is joined matches [ErrPermanent] only if no retry of any of them
// succeeds.
func joinDeliveries(errs ...error) error {
	var all []error
	permanent := true
	for _, err := range errs {
		if err != nil {
			all = append(all, partsOf(err)...)
			permanent = permanent && errors.Is(err, ErrPermanent)
		}
	}
	switch {
	case len(all) == 0:
		return nil
	case len(all) == 1:
		return all[0]
	case !permanent:
		for i := range all {
			all[i] = retryable(all[i])
		}
	}
	return &deliveryErrors{all}
}

// unreadable reports whether e is an element of a list that is no event: see [ParseEvents].
func unreadable(e *Event) bool {
	if e.Type != "" {
		return false
	}
	raw, ok := e.Body.(*RawBody)
	return ok && raw.Err != nil
}

type asideKey struct{}

// countSetAside counts an event that was set aside, for whoever delivers a list of events.
func countSetAside(ctx context.Context) {
	if n, ok := ctx.Value(asideKey{}).(*atomic.Int64); ok {
		n.Add(1)
	}
}
