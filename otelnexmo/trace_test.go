package otelnexmo_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/otelnexmo"
)

// A step that is added to nexmo.Trace must not be forgotten here.
func TestEveryFunctionOfTraceIsSet(t *testing.T) {
	t.Parallel()
	v := reflect.ValueOf(otelnexmo.NewTrace()).Elem()
	for i := range v.NumField() {
		if v.Field(i).IsNil() {
			t.Errorf("%s is nil", v.Type().Field(i).Name)
		}
	}
}

func TestNilOptionsPanic(t *testing.T) {
	t.Parallel()
	for want, call := range map[string]func(){
		"otelnexmo: NewTrace: option 2 is nil":               func() { otelnexmo.NewTrace(otelnexmo.WithMeterProvider(metricnoop.NewMeterProvider()), nil) },
		"otelnexmo: WithTracerProvider: the provider is nil": func() { otelnexmo.WithTracerProvider(nil) },
		"otelnexmo: WithMeterProvider: the provider is nil":  func() { otelnexmo.WithMeterProvider(nil) },
	} {
		func() {
			defer func() {
				if got := recover(); got != want {
					t.Errorf("the panic is %v, want %s", got, want)
				}
			}()
			call()
		}()
	}
}

// The spans are in the trace of the request that brought the webhook.
func TestSpansAreInTheTraceOfTheCaller(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	ctx, server := tel.tracers.Tracer("test").Start(t.Context(), "server")
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet))
	var inHandler trace.SpanContext
	app.On("text", func(ctx context.Context, _ *nexmo.Event) error {
		inHandler = trace.SpanContextFromContext(ctx)
		return nil
	})
	deliver(ctx, t, app, textEvent(1))
	server.End()
	handle, handler := tel.named("handle text"), tel.exporter.GetSpans()[0]
	if len(handle) != 1 || handle[0].Parent.SpanID() != server.SpanContext().SpanID() {
		t.Errorf("handle is not under the span of the caller: %v", handle)
	}
	if !inHandler.Equal(handler.SpanContext) {
		t.Errorf("the ctx of the handler has the span %v, want that of %s", inHandler, handler.Name)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
}

func deliver(ctx context.Context, t *testing.T, to nexmo.Sink, body string) {
	t.Helper()
	e, err := nexmo.ParseEvent([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := to.Deliver(ctx, e); err != nil {
		t.Error(err)
	}
}

func TestAttributesOfAFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry()
		panicAndRetry(t, tel)
		handles := tel.named("handle text")
		if len(handles) != 2 {
			t.Fatalf("%d spans", len(handles))
		}
		for key, want := range map[attribute.Key][2]string{
			"messaging.system":         {"nexmo", "nexmo"},
			"messaging.operation.name": {"handle", "handle"},
			"messaging.operation.type": {"process", "process"},
			"messaging.message.id":     {"1", "1"},
			"nexmo.event.type":         {"text", "text"},
			"nexmo.via":                {"webhook", "webhook"},
			"nexmo.again":              {"", "true"},
			"nexmo.outcome":            {"failed", "handled"},
			"nexmo.permanent":          {"false", ""},
			"error.type":               {"panic", ""},
		} {
			for i, h := range handles {
				if got := valueOf(h.Attributes, key); got != want[i] {
					t.Errorf("attempt %d: %s is %q, want %q", i+1, key, got, want[i])
				}
			}
		}
		if links := handles[1].Links; len(links) != 1 || !links[0].SpanContext.Equal(handles[0].SpanContext) {
			t.Errorf("the second attempt links to %v", links)
		}
		exception := tel.named("handler " + path + "panicking")[0].Events[0]
		if got := valueOf(exception.Attributes, "exception.type"); got != "string" {
			t.Errorf("exception.type is %q", got)
		}
		if stack := valueOf(exception.Attributes, "exception.stacktrace"); !strings.Contains(stack, path+"panicking\n") || strings.Contains(stack, "0x") {
			t.Errorf("exception.stacktrace is\n%s", stack)
		}
	})
}

// What is fetched says for which event.
func TestFetchedEventLinksToTheEventBehindTheGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tel := newTelemetry()
		gapAndFetch(t, tel)
		for _, h := range tel.named("handle text") {
			if valueOf(h.Attributes, "nexmo.via") != "fetch" {
				continue
			}
			if len(h.Links) != 1 || valueOf(h.Links[0].Attributes, "messaging.message.id") != "3" || valueOf(h.Attributes, "messaging.message.id") != "2" {
				t.Errorf("event %s links to %v", valueOf(h.Attributes, "messaging.message.id"), h.Links)
			}
			return
		}
		t.Error("nothing was fetched")
	})
}

// Values that a step can have, but that no scenario makes.
func TestStepsThatNoScenarioMakes(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	ctx := t.Context()
	tel.trace.Fetched(ctx, nexmo.FetchedTrace{ConversationID: "CON-1", From: 2, To: 4, Events: 3})
	tel.trace.RequestEnd(tel.trace.RequestBegin(ctx, nexmo.RequestTrace{Method: "GET", Route: "/v1/users"}),
		nexmo.RequestTrace{Method: "GET", Route: "/v1/users", Status: 200, Attempts: 3}, nil)
	unreadable := &nexmo.Event{ID: 5, Body: &nexmo.RawBody{Err: errPrivate}}
	handling := nexmo.HandleTrace{TraceEvent: nexmo.TraceEvent{ConversationID: "CON-1", EventID: 5, Event: unreadable}, Via: "replay"}
	tel.trace.HandleEnd(tel.trace.HandleBegin(ctx, handling), handling, nil)
	for _, state := range []nexmo.SessionState{"connected", "disconnected", "reconnecting"} {
		tel.trace.SessionState(ctx, nexmo.SessionTrace{SessionID: "SES-1", State: state})
	}
	tel.trace.SessionState(ctx, nexmo.SessionTrace{State: "closed"}) // could not log in
	tel.wantCounts(t, map[string]int64{
		"nexmo.fetched": 3,
		"nexmo.request.attempts{http.request.method=GET,url.template=/v1/users}":                      3,
		"nexmo.failed{error.type=*errors.errorString,nexmo.event.type=other,nexmo.outcome=set_aside}": 1,
		"nexmo.handled": 0,
		"nexmo.sessions{nexmo.session.state=reconnecting}": 1,
	})
	if got := valueOf(tel.named("GET /v1/users")[0].Attributes, "http.request.resend_count"); got != "2" {
		t.Errorf("http.request.resend_count is %q, want 2", got)
	}
}

// An End whose Begin was of another Trace, or was lost, has no effect.
func TestEndWithoutBegin(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	ctx, mine := tel.tracers.Tracer("test").Start(t.Context(), "of the program")
	tel.trace.ReceiveEnd(ctx, nexmo.ReceiveTrace{}, errPrivate)
	tel.trace.Parsed(ctx, nexmo.ParsedTrace{})
	tel.trace.HandleEnd(ctx, nexmo.HandleTrace{}, errPrivate)
	tel.trace.HandlerEnd(ctx, nexmo.HandlerTrace{}, errPrivate)
	tel.trace.RequestEnd(ctx, nexmo.RequestTrace{}, errPrivate)
	if !mine.IsRecording() || len(tel.exporter.GetSpans()) != 0 {
		t.Error("the span of the program was ended")
	}
	mine.End()
}

// Another Trace may put spans of its own into the ctx.
func TestJoinedWithAnotherTrace(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	var others []trace.Span
	other := &nexmo.Trace{HandleBegin: func(ctx context.Context, _ nexmo.HandleTrace) context.Context {
		ctx, span := tel.tracers.Tracer("test").Start(ctx, "of another")
		others = append(others, span)
		return ctx
	}}
	c := nexmo.NewConversation("CON-1", nexmo.WithTrace(tel.trace), nexmo.WithTrace(other))
	c.On("text", ignore)
	deliver(t.Context(), t, c, textEvent(1))
	if len(others) != 1 || !others[0].IsRecording() {
		t.Fatal("the span of the other Trace was ended")
	}
	if len(tel.named("handle text")) != 1 || len(tel.named("handler "+path+"ignore")) != 1 {
		t.Errorf("the spans are\n%s", tel.tree())
	}
	others[0].End()
}

// What is not sampled has no attributes, and no span is remembered that is not recorded.
func TestSpansThatAreNotSampled(t *testing.T) {
	t.Parallel()
	exporter := tracetest.NewInMemoryExporter()
	for _, p := range []trace.TracerProvider{
		sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter), sdktrace.WithSampler(sdktrace.NeverSample())),
		tracenoop.NewTracerProvider(),
	} {
		tel := newTelemetry()
		tr := otelnexmo.NewTrace(otelnexmo.WithTracerProvider(p), otelnexmo.WithMeterProvider(metricnoop.NewMeterProvider()))
		c := nexmo.NewConversation("CON-1", nexmo.WithTrace(tr), nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet))
		c.On("text", failing(1, errPrivate))
		e, err := nexmo.ParseEvent([]byte(textEvent(1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Deliver(t.Context(), e); !errors.Is(err, errPrivate) {
			t.Errorf("Deliver returned %v", err)
		}
		if err := c.Deliver(t.Context(), e); err != nil {
			t.Error(err)
		}
		if n := len(exporter.GetSpans()); n != 0 {
			t.Errorf("%d spans", n)
		}
	}
}

// badMeter makes no instrument.
type badMeter struct{ metric.Meter }

var errMeter = errors.New("no instruments")

func (badMeter) Int64Counter(string, ...metric.Int64CounterOption) (metric.Int64Counter, error) {
	return nil, errMeter
}

func (badMeter) Int64UpDownCounter(string, ...metric.Int64UpDownCounterOption) (metric.Int64UpDownCounter, error) {
	return nil, errMeter
}

func (badMeter) Float64Histogram(string, ...metric.Float64HistogramOption) (metric.Float64Histogram, error) {
	return nil, errMeter
}

type badMeters struct{ metric.MeterProvider }

func (badMeters) Meter(string, ...metric.MeterOption) metric.Meter { return badMeter{} }

func TestInstrumentsThatAreNotMade(t *testing.T) { //nolint:paralleltest // the error handler is global
	var mu sync.Mutex
	handled := 0
	old := otel.GetErrorHandler()
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if errors.Is(err, errMeter) {
			handled++
		}
	}))
	defer otel.SetErrorHandler(old)
	tr := otelnexmo.NewTrace(otelnexmo.WithMeterProvider(badMeters{}))
	c := nexmo.NewConversation("CON-1", nexmo.WithTrace(tr))
	c.On("text", ignore)
	deliver(t.Context(), t, c, textEvent(1))
	if mu.Lock(); handled != 20 {
		t.Errorf("%d errors were handled, want one for each of 20 instruments", handled)
	}
	mu.Unlock()
}

// TestManyGoroutines is for the race detector.
func TestManyGoroutines(t *testing.T) {
	t.Parallel()
	tel := newTelemetry()
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet))
	app.On("text", ignore)
	app.On("text", func(_ context.Context, e *nexmo.Event) error {
		if e.ID%3 == 0 {
			return errPrivate
		}
		return nil
	})
	var wg sync.WaitGroup
	const conversations, events = 8, 30
	for n := range conversations {
		wg.Go(func() {
			for id := range events {
				body := strings.Replace(textEvent(id+1), "CON-1", "CON-"+string(rune('a'+n)), 1)
				_ = receive(&nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app, Trace: tel.trace, Logger: quiet}, secret, body)
			}
		})
	}
	wg.Wait()
	tel.wantCounts(t, map[string]int64{
		"nexmo.handled{nexmo.event.type=text,nexmo.via=webhook}":                                  conversations * events * 2 / 3,
		"nexmo.failed{error.type=*errors.errorString,nexmo.event.type=text,nexmo.outcome=failed}": conversations * events / 3,
	})
	if n := len(tel.exporter.GetSpans()); n != conversations*events*4 {
		t.Errorf("%d spans, want %d", n, conversations*events*4)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
}

func TestDefaultsAreTheGlobalProviders(t *testing.T) { //nolint:paralleltest // the providers are global
	exporter, reader := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	otel.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter)))
	otel.SetMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))
	defer otel.SetTracerProvider(tracenoop.NewTracerProvider())
	defer otel.SetMeterProvider(metricnoop.NewMeterProvider())
	tel := &telemetry{trace: otelnexmo.NewTrace(), exporter: exporter, reader: reader}
	c := nexmo.NewConversation("CON-1", nexmo.WithTrace(tel.trace))
	c.On("text", ignore)
	deliver(t.Context(), t, c, textEvent(1))
	if len(tel.named("handle text")) != 1 {
		t.Errorf("the spans are\n%s", tel.tree())
	}
	tel.wantCounts(t, map[string]int64{"nexmo.handled{nexmo.event.type=text,nexmo.via=deliver}": 1})
}
