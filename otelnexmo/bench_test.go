package otelnexmo_test

import (
	"context"
	"testing"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/otelnexmo"
)

// nowhere exports nothing.
type nowhere struct{}

func (nowhere) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (nowhere) Shutdown(context.Context) error                             { return nil }

// BenchmarkDeliver is one event with an ID and one handler.
func BenchmarkDeliver(b *testing.B) {
	noSpans, noMetrics := otelnexmo.WithTracerProvider(tracenoop.NewTracerProvider()), otelnexmo.WithMeterProvider(metricnoop.NewMeterProvider())
	spans := func(s sdktrace.Sampler) otelnexmo.Option {
		return otelnexmo.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(nowhere{}), sdktrace.WithSampler(s)))
	}
	metrics := otelnexmo.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())))
	for _, bb := range []struct {
		name  string
		trace *nexmo.Trace
	}{
		{"no Trace", nil},
		{"noop", otelnexmo.NewTrace(noSpans, noMetrics)},
		{"metrics", otelnexmo.NewTrace(noSpans, metrics)},
		{"metrics and spans, 1 in 100", otelnexmo.NewTrace(spans(sdktrace.TraceIDRatioBased(0.01)), metrics)},
		{"metrics and spans", otelnexmo.NewTrace(spans(sdktrace.AlwaysSample()), metrics)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var opts []nexmo.ConversationOption
			if bb.trace != nil {
				opts = append(opts, nexmo.WithTrace(bb.trace))
			}
			c := nexmo.NewConversation("CON-1", opts...)
			c.On("text", ignore)
			e, err := nexmo.ParseEvent([]byte(textEvent(1)))
			if err != nil {
				b.Fatal(err)
			}
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				if err := c.Deliver(ctx, e); err != nil {
					b.Fatal(err)
				}
				next := *e
				next.ID++
				e = &next
			}
		})
	}
}
