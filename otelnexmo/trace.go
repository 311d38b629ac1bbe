// Package otelnexmo makes OpenTelemetry traces and metrics of what package nexmo does with
// events and requests. It needs nothing but a [nexmo.Trace]:
//
//	t := otelnexmo.NewTrace()
//	app := nexmo.NewApplication("", nexmo.WithClient(client), nexmo.WithTrace(t))
//	http.Handle("/events", &nexmo.WebhookHandler{Verifier: verifier, Sink: app, Trace: t})
//
// Give the same Trace to each Application, WebhookHandler, Client and Session, so that their
// spans are parts of one trace and the links between them are found.
//
// # Traces
//
// An event that arrives has a span "receive", in the trace of the ctx that it arrived with if
// there is one. Under it are "hold", if the event had to wait for others, and "handle", with one
// span for each handler and one for each request that a handler makes. Links lead from "handle" to
// the earlier attempt of an event that failed before, to the arrival of an event that is
// handled for another caller, and to the event behind the gap for an event that was fetched.
//
// # Metrics
//
// Counters, histograms in seconds and up-down counters. Their attributes have few values: no IDs,
// no error texts, and event types of this package only; others are counted as "custom:*" and "other".
//
// All names are in the table of README.md, in the folder of this package.
//
// # Content
//
// No span and no metric has the content of an event, the text of an error or the value of a
// panic. Spans have the IDs of conversations, events and sessions. An error is named by
// its Go type, or by the status of the answer; a panic has its stack without arguments.
package otelnexmo

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/conversation-events/nexmo"
)

// scope is the name of what makes the spans and metrics.
const scope = "github.com/conversation-events/nexmo/otelnexmo"

// Option is an option of [NewTrace].
type Option interface{ apply(c *config) }

type config struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
}

type optionFunc func(c *config)

func (f optionFunc) apply(c *config) { f(c) }

// WithTracerProvider sets what makes the spans. The default is the global one,
// [otel.GetTracerProvider]; that of package noop turns them off. It panics if p is nil.
func WithTracerProvider(p trace.TracerProvider) Option {
	if p == nil {
		panic("otelnexmo: WithTracerProvider: the provider is nil")
	}
	return optionFunc(func(c *config) { c.tracers = p })
}

// WithMeterProvider sets what makes the metrics. The default is the global one,
// [otel.GetMeterProvider]; that of package noop turns them off. It panics if p is nil.
func WithMeterProvider(p metric.MeterProvider) Option {
	if p == nil {
		panic("otelnexmo: WithMeterProvider: the provider is nil")
	}
	return optionFunc(func(c *config) { c.meters = p })
}

// NewTrace returns a Trace that makes spans and metrics. It starts no goroutine, remembers
// at most 2,048 events for links, and may be given to everything that takes one, together
// with other Traces. Its functions may be called from several goroutines.
//
// An instrument that the provider refuses to make is reported to [otel.Handle], and left out.
// NewTrace panics if an option is nil.
func NewTrace(opts ...Option) *nexmo.Trace {
	c := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for i, o := range opts {
		if o == nil {
			panic(fmt.Sprintf("otelnexmo: NewTrace: option %d is nil", i+1))
		}
		o.apply(&c)
	}
	r := &recorder{
		spans:   newSpans(c.tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))),
		metrics: newMetrics(c.meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))),
	}
	return &nexmo.Trace{
		ReceiveBegin: r.receiveBegin,
		ReceiveEnd:   r.receiveEnd,
		Verified:     r.spans.verified,
		Refused:      r.refused,
		Parsed:       r.spans.parsed,
		Duplicate:    r.duplicate,
		Held:         r.spans.heldBack,
		Released:     r.released,
		Gap:          r.gap,
		Fetched:      r.fetched,
		HandleBegin:  r.spans.handleBegin,
		HandleEnd:    r.handleEnd,
		HandlerBegin: r.spans.handlerBegin,
		HandlerEnd:   r.handlerEnd,
		DeadLetter:   r.deadLetter,
		Made:         r.metrics.made,
		Loaded:       r.loaded,
		Evicted:      r.metrics.evicted,
		SessionState: r.metrics.sessionState,
		RequestBegin: r.spans.requestBegin,
		RequestEnd:   r.requestEnd,
	}
}

// recorder makes the spans and the metrics of each step. A metric is recorded with the ctx of
// the span, which exemplars need.
type recorder struct {
	spans   *spans
	metrics *metrics
}

func (r *recorder) receiveBegin(ctx context.Context, t nexmo.ReceiveTrace) context.Context {
	ctx = r.spans.receiveBegin(ctx, t)
	r.metrics.receive(ctx, t)
	return ctx
}

func (r *recorder) receiveEnd(ctx context.Context, t nexmo.ReceiveTrace, err error) {
	r.metrics.receiveDuration(ctx, t)
	r.spans.receiveEnd(ctx, t, err)
}

func (r *recorder) refused(ctx context.Context, t nexmo.RefusedTrace) {
	r.metrics.refuse(ctx, t)
	r.spans.refused(ctx, t)
}

func (r *recorder) duplicate(ctx context.Context, t nexmo.DuplicateTrace) {
	r.metrics.duplicate(ctx, t)
	r.spans.duplicate(ctx, t)
}

func (r *recorder) released(ctx context.Context, t nexmo.ReleasedTrace) {
	r.metrics.hold(ctx, t)
	r.spans.released(ctx, t)
}

func (r *recorder) gap(ctx context.Context, t nexmo.GapTrace) {
	r.metrics.gap(ctx, t)
	r.spans.gap(ctx, t)
}

func (r *recorder) fetched(ctx context.Context, t nexmo.FetchedTrace) {
	r.metrics.fetch(ctx, t)
	r.spans.fetched(ctx, t)
}

func (r *recorder) handleEnd(ctx context.Context, t nexmo.HandleTrace, err error) {
	o := outcomeOf(ctx, t, err)
	r.metrics.handle(ctx, t, o)
	r.spans.handleEnd(ctx, t, o)
}

func (r *recorder) handlerEnd(ctx context.Context, t nexmo.HandlerTrace, err error) {
	r.metrics.handler(ctx, t, err)
	r.spans.handlerEnd(ctx, err)
}

func (r *recorder) deadLetter(ctx context.Context, t nexmo.DeadLetterTrace) {
	r.metrics.deadLetter(ctx, t)
	r.spans.deadLetter(ctx, t)
}

func (r *recorder) loaded(ctx context.Context, t nexmo.ConversationTrace) {
	r.metrics.load(ctx, t)
	r.spans.loaded(ctx, t)
}

func (r *recorder) requestEnd(ctx context.Context, t nexmo.RequestTrace, err error) {
	r.metrics.request(ctx, t, err)
	r.spans.requestEnd(ctx, t, err)
}
