package otelnexmo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/conversation-events/nexmo"
)

// system is what every span of an event is about.
var system = semconv.MessagingSystemKey.String("nexmo")

// spans makes the spans.
type spans struct {
	tracer trace.Tracer

	arrivals cache[string, spanStart]     // by via
	handles  cache[string, spanStart]     // by typeWord
	handlers cache[handlerKey, spanStart] // by the handler
	requests cache[requestKey, spanStart] // by the route

	held   memory // the arrivals of events that wait
	failed memory // the last attempts of events that failed
}

func newSpans(t trace.Tracer) *spans { return &spans{tracer: t} }

// spanStart is how the spans of one name begin.
type spanStart struct {
	name string
	opts []trace.SpanStartOption
}

func starts(name string, kind trace.SpanKind, attrs ...attribute.KeyValue) spanStart {
	return spanStart{name, []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attrs...)}}
}

// handlerKey is what tells handlers apart.
type handlerKey struct {
	name    string
	pattern nexmo.EventType
}

// requestKey is what tells requests apart.
type requestKey struct{ method, route, operation string }

// step is the ctx of what follows a Begin.
type step struct {
	context.Context // with the span
	kind            stepKind
	span            trace.Span
	event           *nexmo.Event // that has arrived; nil until it was read
	reason          string       // why it was refused; "" if it was not
	err             error        // of the first handler that failed
}

// stepKind is the key of a step in a ctx.
type stepKind int

const (
	stepReceive stepKind = iota
	stepHandle
	stepHandler
	stepRequest
)

func (s *step) Value(key any) any {
	if key == any(s.kind) {
		return s
	}
	return s.Context.Value(key)
}

// stepOf returns the innermost step of a kind, or one without a span.
func stepOf(ctx context.Context, kind stepKind) *step {
	if s, ok := ctx.Value(kind).(*step); ok {
		return s
	}
	return &step{Context: ctx, kind: kind, span: noSpan}
}

var noSpan = trace.SpanFromContext(context.Background())

func (s *spans) begin(ctx context.Context, kind stepKind, start spanStart, more ...trace.SpanStartOption) *step {
	opts := start.opts
	if len(more) > 0 {
		opts = append(slices.Clip(opts), more...)
	}
	ctx, span := s.tracer.Start(ctx, start.name, opts...)
	return &step{Context: ctx, kind: kind, span: span}
}

// whole makes a span of something that has just ended and took so long.
func (s *spans) whole(ctx context.Context, name string, took time.Duration, attrs ...attribute.KeyValue) trace.Span {
	_, span := s.tracer.Start(ctx, name, trace.WithTimestamp(time.Now().Add(-took)), trace.WithAttributes(system), trace.WithAttributes(attrs...))
	return span
}

// eventAttrs are the attributes of an event: none of its content. The spans wait for their
// export, and must not keep its text.
func eventAttrs(t nexmo.TraceEvent, more ...attribute.KeyValue) []attribute.KeyValue {
	if t.ConversationID != "" {
		more = append(more, semconv.MessagingMessageConversationID(strings.Clone(t.ConversationID)))
	}
	if t.EventID != 0 {
		more = append(more, semconv.MessagingMessageID(strconv.FormatInt(int64(t.EventID), 10)))
	}
	if t.EventType != "" {
		more = append(more, typeKey.String(strings.Clone(string(t.EventType))))
	}
	return more
}

// fail notes why a span failed: neither a text nor a value of the error.
func fail(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	name := errorType(err)
	span.SetStatus(codes.Error, name)
	span.SetAttributes(why(name, err)...)
}

func why(name string, err error) []attribute.KeyValue {
	return []attribute.KeyValue{semconv.ErrorTypeKey.String(name), permanentKey.Bool(errors.Is(err, nexmo.ErrPermanent))}
}

func (s *spans) receiveBegin(ctx context.Context, t nexmo.ReceiveTrace) context.Context {
	r := s.begin(ctx, stepReceive, s.arrivals.get(viaWord(t.Via), func(via string) spanStart {
		return starts("receive "+via, trace.SpanKindConsumer, system,
			semconv.MessagingOperationName("receive"), semconv.MessagingOperationTypeReceive, viaKey.String(via))
	}))
	if t.Event != nil {
		r.event = t.Event
	}
	return r
}

func (s *spans) verified(ctx context.Context, _ nexmo.VerifiedTrace) {
	stepOf(ctx, stepReceive).span.AddEvent("nexmo.verified")
}

func (s *spans) parsed(ctx context.Context, t nexmo.ParsedTrace) {
	r := stepOf(ctx, stepReceive)
	r.event = t.Event
	if r.span.IsRecording() {
		r.span.SetAttributes(semconv.MessagingMessageBodySize(t.Size))
	}
}

func (s *spans) refused(ctx context.Context, t nexmo.RefusedTrace) {
	stepOf(ctx, stepReceive).reason = t.Reason
}

func (s *spans) receiveEnd(ctx context.Context, t nexmo.ReceiveTrace, err error) {
	r := stepOf(ctx, stepReceive)
	span := r.span
	if span.IsRecording() {
		span.SetAttributes(eventAttrs(t.TraceEvent)...)
		if t.Status != 0 {
			span.SetAttributes(semconv.HTTPResponseStatusCode(t.Status))
		}
		switch {
		case r.reason != "":
			span.SetStatus(codes.Error, r.reason)
			span.SetAttributes(semconv.ErrorTypeKey.String(r.reason))
		case err != nil && t.Status/100 == 2:
			span.SetAttributes(append(why(errorType(err), err), outcomeKey.String(setAside))...)
		default:
			fail(span, err)
		}
	}
	span.End()
}

func (s *spans) duplicate(ctx context.Context, t nexmo.DuplicateTrace) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("nexmo.duplicate", trace.WithAttributes(eventAttrs(t.TraceEvent, forgottenKey.Bool(t.Forgotten))...))
	}
}

func (s *spans) heldBack(ctx context.Context, t nexmo.HeldTrace) {
	if r := stepOf(ctx, stepReceive); r.event == t.Event {
		s.held.put(keyOf(t.TraceEvent), r.span.SpanContext())
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("nexmo.held", trace.WithAttributes(eventAttrs(t.TraceEvent, missing(t.From, t.To)...)...))
	}
}

// missing are the attributes of events that are missing; none if there are none.
func missing(from, to nexmo.EventID) []attribute.KeyValue {
	if to == 0 {
		return nil
	}
	return []attribute.KeyValue{fromKey.Int64(int64(from)), toKey.Int64(int64(to))}
}

func (s *spans) released(ctx context.Context, t nexmo.ReleasedTrace) {
	s.whole(ctx, "hold", t.Waited, eventAttrs(t.TraceEvent)...).End()
}

func (s *spans) gap(ctx context.Context, t nexmo.GapTrace) {
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		span.AddEvent("nexmo.gap", trace.WithAttributes(eventAttrs(nexmo.TraceEvent{ConversationID: t.ConversationID}, missing(t.From, t.To)...)...))
	}
}

func (s *spans) fetched(ctx context.Context, t nexmo.FetchedTrace) {
	attrs := append(missing(t.From, t.To), eventsKey.Int(t.Events))
	span := s.whole(ctx, "fetch", t.Duration, eventAttrs(nexmo.TraceEvent{ConversationID: t.ConversationID}, attrs...)...)
	fail(span, t.Err)
	span.End()
}

func (s *spans) loaded(ctx context.Context, t nexmo.ConversationTrace) {
	span := s.whole(ctx, "load", t.Duration, eventAttrs(nexmo.TraceEvent{ConversationID: t.ConversationID})...)
	fail(span, t.Err)
	span.End()
}

func (s *spans) handleBegin(ctx context.Context, t nexmo.HandleTrace) context.Context {
	h := s.begin(ctx, stepHandle, s.handles.get(typeWord(t.EventType), func(typ string) spanStart {
		return starts("handle "+typ, trace.SpanKindConsumer, system,
			semconv.MessagingOperationName("handle"), semconv.MessagingOperationTypeProcess)
	}), s.links(ctx, t)...)
	if h.span.IsRecording() {
		attrs := eventAttrs(t.TraceEvent, viaKey.String(viaWord(t.Via)))
		if t.Again {
			attrs = append(attrs, againKey.Bool(true))
		}
		if t.Redelivered {
			attrs = append(attrs, redeliveredKey.Bool(true))
		}
		h.span.SetAttributes(attrs...)
	}
	return h
}

// links are those of the handling of an event.
func (s *spans) links(ctx context.Context, t nexmo.HandleTrace) (opts []trace.SpanStartOption) {
	add := func(to trace.SpanContext, reason string, attrs ...attribute.KeyValue) {
		if to.IsValid() {
			opts = append(opts, trace.WithLinks(trace.Link{SpanContext: to, Attributes: append(attrs, linkKey.String(reason))}))
		}
	}
	if t.Again || t.Redelivered {
		add(s.failed.get(keyOf(t.TraceEvent)), "retry")
	}
	if to := s.held.take(keyOf(t.TraceEvent)); to.IsValid() && !to.Equal(stepOf(ctx, stepReceive).span.SpanContext()) {
		add(to, "hold")
	}
	if t.Via == nexmo.ViaFetch {
		r := stepOf(ctx, stepReceive)
		var attrs []attribute.KeyValue
		if e := r.event; e != nil {
			attrs = eventAttrs(nexmo.TraceEvent{ConversationID: e.ConversationID, EventID: e.ID, EventType: e.Type})
		}
		add(r.span.SpanContext(), "gap", attrs...)
	}
	return opts
}

// outcome is how the handling of an event has ended.
type outcome struct {
	word string // handled, failed or set_aside
	err  error  // why it was not handled
}

// outcomeOf returns how the handling of an event has ended. err is nil as well if a
// function has taken the event as a dead letter.
func outcomeOf(ctx context.Context, t nexmo.HandleTrace, err error) outcome {
	if err != nil {
		return outcome{failed, err}
	}
	if err := stepOf(ctx, stepHandle).err; err != nil {
		return outcome{setAside, err}
	}
	if t.EventType == "" && t.Event != nil { // an element of a list that is no event: no handler runs
		if raw, ok := t.Event.Body.(*nexmo.RawBody); ok && raw.Err != nil {
			return outcome{setAside, raw.Err}
		}
	}
	return outcome{word: handled}
}

func (s *spans) handleEnd(ctx context.Context, t nexmo.HandleTrace, o outcome) {
	span := stepOf(ctx, stepHandle).span
	if o.word == handled {
		if t.Again {
			s.failed.take(keyOf(t.TraceEvent))
		}
	} else {
		s.failed.put(keyOf(t.TraceEvent), span.SpanContext())
	}
	if span.IsRecording() {
		span.SetAttributes(outcomeKey.String(o.word))
		fail(span, o.err)
	}
	span.End()
}

func (s *spans) handlerBegin(ctx context.Context, t nexmo.HandlerTrace) context.Context {
	return s.begin(ctx, stepHandler, s.handlers.get(handlerKey{t.Handler, t.Pattern}, func(k handlerKey) spanStart {
		return starts("handler "+k.name, trace.SpanKindInternal, semconv.CodeFunctionName(k.name), patternKey.String(string(k.pattern)))
	}))
}

func (s *spans) handlerEnd(ctx context.Context, err error) {
	span := stepOf(ctx, stepHandler).span
	if err != nil {
		if h := stepOf(ctx, stepHandle); h.err == nil {
			h.err = err
		}
		fail(span, err)
		if p := panicOf(err); p != nil && span.IsRecording() {
			span.AddEvent(semconv.ExceptionEventName, trace.WithAttributes(
				semconv.ExceptionType(fmt.Sprintf("%T", p.Value)), semconv.ExceptionStacktrace(safeStack(p.Stack))))
		}
	}
	span.End()
}

func (s *spans) deadLetter(ctx context.Context, t nexmo.DeadLetterTrace) {
	span := trace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	attrs := []attribute.KeyValue{viaKey.String(viaWord(t.Via)), outcomeKey.String(letterOutcome(t)), semconv.ErrorTypeKey.String(errorType(t.Err))}
	span.AddEvent("nexmo.dead_letter", trace.WithAttributes(
		eventAttrs(nexmo.TraceEvent{ConversationID: t.ConversationID, EventID: t.EventID, EventType: t.Type}, attrs...)...))
}

func (s *spans) requestBegin(ctx context.Context, t nexmo.RequestTrace) context.Context {
	r := s.begin(ctx, stepRequest, s.requests.get(requestKey{t.Method, t.Route, t.Operation}, func(k requestKey) spanStart {
		return starts(k.method+" "+k.route, trace.SpanKindClient,
			semconv.HTTPRequestMethodKey.String(k.method), semconv.URLTemplate(k.route), operationKey.String(k.operation))
	}))
	if r.span.IsRecording() {
		r.span.SetAttributes(eventAttrs(t.TraceEvent)...)
	}
	return r
}

func (s *spans) requestEnd(ctx context.Context, t nexmo.RequestTrace, err error) {
	span := stepOf(ctx, stepRequest).span
	if span.IsRecording() {
		if t.Status != 0 {
			span.SetAttributes(semconv.HTTPResponseStatusCode(t.Status))
		}
		if t.Attempts > 1 {
			span.SetAttributes(semconv.HTTPRequestResendCount(t.Attempts - 1))
		}
		fail(span, err)
	}
	span.End()
}
