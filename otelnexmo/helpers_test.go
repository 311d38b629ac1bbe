package otelnexmo_test

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
	"github.com/conversation-events/nexmo/otelnexmo"
)

// telemetry keeps the spans and metrics that a Trace makes.
type telemetry struct {
	trace    *nexmo.Trace
	exporter *tracetest.InMemoryExporter
	tracers  *sdktrace.TracerProvider
	reader   *sdkmetric.ManualReader
}

func newTelemetry() *telemetry {
	exporter, reader := tracetest.NewInMemoryExporter(), sdkmetric.NewManualReader()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	return &telemetry{
		trace: otelnexmo.NewTrace(
			otelnexmo.WithTracerProvider(tracers),
			otelnexmo.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)))),
		exporter: exporter, tracers: tracers, reader: reader,
	}
}

// metrics returns all data points: the value of a counter, or the count of a histogram.
func (tel *telemetry) metrics(t *testing.T) map[string]metricdata.Metrics {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := tel.reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	byName := map[string]metricdata.Metrics{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			byName[m.Name] = m
		}
	}
	return byName
}

// counts returns the values of counters and up-down counters, and how often histograms
// were recorded, as "name{attribute=value}": those that are not 0.
func (tel *telemetry) counts(t *testing.T) map[string]int64 {
	t.Helper()
	counts := map[string]int64{}
	for name, m := range tel.metrics(t) {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			for _, p := range data.DataPoints {
				counts[name+textOf(p.Attributes)] = p.Value
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				counts[name+textOf(p.Attributes)] = int64(p.Count)
			}
		default:
			t.Errorf("%s is a %T", name, data)
		}
	}
	for name, n := range counts {
		if n == 0 {
			delete(counts, name)
		}
	}
	return counts
}

// wantCounts compares those counts that are of the metrics of want.
func (tel *telemetry) wantCounts(t *testing.T, want map[string]int64) {
	t.Helper()
	counts := tel.counts(t)
	for key, n := range want {
		if counts[key] != n {
			t.Errorf("%s is %d, want %d", key, counts[key], n)
		}
	}
	names := map[string]bool{}
	for key := range want {
		name, _, _ := strings.Cut(key, "{")
		names[name] = true
	}
	for key, n := range counts {
		if name, _, _ := strings.Cut(key, "{"); names[name] && want[key] == 0 {
			t.Errorf("%s is %d, want none", key, n)
		}
	}
}

func textOf(set attribute.Set) string {
	var all []string
	for _, kv := range set.ToSlice() {
		all = append(all, string(kv.Key)+"="+kv.Value.String())
	}
	if len(all) == 0 {
		return ""
	}
	return "{" + strings.Join(all, ",") + "}"
}

// tree returns the spans as text, one under the other, without what differs from run to run.
func (tel *telemetry) tree() string {
	spans := tel.exporter.GetSpans()
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int {
		return cmp.Or(a.StartTime.Compare(b.StartTime), strings.Compare(orderOf(a), orderOf(b)))
	})
	names := map[trace.SpanID]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID()] = s.Name
	}
	var b strings.Builder
	var write func(parent trace.SpanID, indent string)
	write = func(parent trace.SpanID, indent string) {
		for _, s := range spans {
			of := s.Parent.SpanID()
			if names[of] == "" {
				of = trace.SpanID{} // of what is not traced here
			}
			if of != parent {
				continue
			}
			fmt.Fprintf(&b, "%s%s%s\n", indent, s.Name, noteOf(s))
			for _, e := range s.Events {
				fmt.Fprintf(&b, "%s  * %s\n", indent, e.Name)
			}
			for _, l := range s.Links {
				fmt.Fprintf(&b, "%s  -> %s: %s\n", indent, valueOf(l.Attributes, "nexmo.link.reason"), names[l.SpanContext.SpanID()])
			}
			write(s.SpanContext.SpanID(), indent+"  ")
		}
	}
	write(trace.SpanID{}, "")
	return b.String()
}

// orderOf is the order of spans that began at the same instant of the bubble, and which may be of
// several goroutines. Handlers stay in the order in which they ended.
func orderOf(s tracetest.SpanStub) string {
	if strings.HasPrefix(s.Name, "handler ") {
		return "handler"
	}
	return s.Name + valueOf(s.Attributes, "messaging.message.id")
}

// noteOf is what the tree says of a span besides its name.
func noteOf(s tracetest.SpanStub) string {
	var notes []string
	for _, key := range []attribute.Key{"http.response.status_code", "nexmo.outcome", "error.type"} {
		if v := valueOf(s.Attributes, key); v != "" && v != "handled" {
			notes = append(notes, v)
		}
	}
	if s.Status.Code == codes.Error {
		notes = append(notes, "ERROR")
	}
	if len(notes) == 0 {
		return ""
	}
	return " (" + strings.Join(notes, ", ") + ")"
}

func valueOf(attrs []attribute.KeyValue, key attribute.Key) string {
	for _, kv := range attrs {
		if kv.Key == key {
			return kv.Value.String()
		}
	}
	return ""
}

// named returns the spans with a name, in the order in which they began.
func (tel *telemetry) named(name string) tracetest.SpanStubs {
	spans := tel.exporter.GetSpans()
	spans = slices.DeleteFunc(spans, func(s tracetest.SpanStub) bool { return s.Name != name })
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	return spans
}

const secret = "the signature secret of a test"

// private is content of events, errors and panics of all tests.
const private = "private words"

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// world is the service, and a program that receives its webhooks.
type world struct {
	*telemetry

	server *nexmotest.Server
	client *nexmo.Client
	app    *nexmo.Application
	hook   *nexmo.WebhookHandler
}

// newWorld is called in a bubble of testing/synctest.
func newWorld(t *testing.T, tel *telemetry) *world {
	t.Helper()
	w := &world{telemetry: tel, hook: &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Logger: quiet, Trace: tel.trace,
	}}
	w.server = nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithSignatureSecret(secret), nexmotest.WithEventHandler(w.hook), nexmotest.WithLogger(quiet))
	w.client = w.server.Client(nexmo.WithTrace(tel.trace), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: time.Millisecond}))
	w.app = nexmo.NewApplication(w.server.ApplicationID(), nexmo.WithClient(w.client), nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet))
	w.hook.Sink = w.app
	t.Cleanup(func() {
		if err := w.app.Close(); err != nil {
			t.Error(err)
		}
		w.server.Close()
	})
	return w
}

// flush waits until the service has sent everything.
func (w *world) flush(t *testing.T) {
	t.Helper()
	if err := w.server.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute) // of the bubble: what waits is given up
}

// say emits a text.
func (w *world) say(conversation string) {
	w.server.Emit(conversation, &nexmo.Text{Text: private})
	time.Sleep(time.Second) // of the bubble: spans are in the order of their start
}

// receive gives h a webhook, and returns the status of the answer.
func receive(h http.Handler, signedWith, body string) int {
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, nexmotest.SignedRequest(signedWith, []byte(body)))
	return rec.Code
}

// textEvent is a webhook of a text.
func textEvent(id int) string {
	return fmt.Sprintf(`{"type":"text","id":%d,"conversation_id":"CON-1","from":"MEM-1","body":{"text":"%s"}}`, id, private)
}

func ignore(context.Context, *nexmo.Event) error { return nil }
