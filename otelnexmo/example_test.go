package otelnexmo_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
	"github.com/conversation-events/nexmo/otelnexmo"
)

// The spans of a webhook. A program gives the exporter of its backend in place of the one
// in memory, and a MeterProvider as well.
func ExampleNewTrace() {
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	trace := otelnexmo.NewTrace(otelnexmo.WithTracerProvider(provider))

	app := nexmo.NewApplication("", nexmo.WithTrace(trace))
	app.On("audio:dtmf", func(context.Context, *nexmo.Event) error { return nil })
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"the signature secret of the account"}},
		Sink:     app,
		Trace:    trace,
	}
	event := []byte(`{"type": "audio:dtmf", "id": 7, "conversation_id": "CON-1", "from": "MEM-1", "body": {"digits": "5"}}`)
	webhook.ServeHTTP(httptest.NewRecorder(), nexmotest.SignedRequest("the signature secret of the account", event))

	for _, span := range exporter.GetSpans() { // in the order in which they have ended
		fmt.Println(span.SpanKind, span.Name)
	}
	// Output:
	// internal handler github.com/conversation-events/nexmo/otelnexmo_test.ExampleNewTrace.func1
	// consumer handle audio:dtmf
	// consumer receive webhook
}
