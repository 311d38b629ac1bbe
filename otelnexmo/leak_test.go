package otelnexmo_test

import (
	"testing"

	"github.com/conversation-events/nexmo/internal/leaktest"
	_ "github.com/google/go-cmp/cmp"
	_ "github.com/prometheus/client_golang/prometheus/promhttp"
	_ "go.opentelemetry.io/otel/exporters/prometheus"
	_ "go.opentelemetry.io/otel/sdk/metric"
	_ "go.opentelemetry.io/otel/sdk/trace/tracetest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }
