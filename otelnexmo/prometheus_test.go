package otelnexmo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/otelnexmo"
)

// TestPrometheusScrape looks for names and values in what a Prometheus server would read.
func TestPrometheusScrape(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	reader, err := exporter.New(exporter.WithRegisterer(registry), exporter.WithoutScopeInfo())
	if err != nil {
		t.Fatal(err)
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	trace := otelnexmo.NewTrace(otelnexmo.WithMeterProvider(meters))
	app := nexmo.NewApplication("", nexmo.WithTrace(trace), nexmo.WithLogger(quiet))
	app.On("text", failing(1, errPrivate))
	hook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app, Trace: trace, Logger: quiet}
	wantStatus(t, hook, secret, textEvent(1), http.StatusServiceUnavailable)
	wantStatus(t, hook, secret, textEvent(1), http.StatusNoContent)
	wantStatus(t, hook, secret, textEvent(1), http.StatusNoContent) // a duplicate
	wantStatus(t, hook, "a guess", textEvent(2), http.StatusUnauthorized)
	wantStatus(t, hook, secret, textEvent(2), http.StatusNoContent)

	server := httptest.NewServer(promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	defer server.Close()
	text := scrape(t, server)
	for _, want := range []string{
		`nexmo_received_total{nexmo_via="webhook"} 5`,
		`nexmo_refused_total{http_response_status_code="401",nexmo_refusal_reason="signature"} 1`,
		`nexmo_failed_total{error_type="*errors.errorString",nexmo_event_type="text",nexmo_outcome="failed"} 1`,
		`nexmo_handled_total{nexmo_event_type="text",nexmo_via="webhook"} 2`,
		`nexmo_duplicates_total{nexmo_duplicate_forgotten="false",nexmo_event_type="text"} 1`,
		`nexmo_receive_duration_seconds_count{nexmo_via="webhook"} 5`,
		`nexmo_handle_duration_seconds_count{nexmo_event_type="text"} 3`,
		`nexmo_handle_duration_seconds_bucket{nexmo_event_type="text",le="+Inf"} 3`,
		`nexmo_conversations 1`,
		`# TYPE nexmo_handled_total counter`,
		`# TYPE nexmo_handle_duration_seconds histogram`,
		`# TYPE nexmo_conversations gauge`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("%s is not there", want)
		}
	}
	for _, never := range []string{"CON-1", "MEM-1", private} {
		if strings.Contains(text, never) {
			t.Errorf("%q is there", never)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
	if err := meters.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// scrape returns what the server answers, without the attributes that name this package.
func scrape(t *testing.T, server *httptest.Server) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
