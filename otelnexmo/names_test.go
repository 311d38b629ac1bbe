package otelnexmo_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
)

// TestTableOfNames compares the table of README.md with what the scenarios make.
func TestTableOfNames(t *testing.T) {
	t.Parallel()
	made := names{}
	for _, s := range scenarios() {
		synctest.Test(t, func(t *testing.T) {
			tel := newTelemetry()
			s.run(t, tel)
			made.addSpans(tel)
			made.addMetrics(t, tel)
		})
	}
	if diff := cmp.Diff(tableOfNames(t), made.rows()); diff != "" {
		t.Errorf("the table of README.md (-), what is made (+):\n%s", diff)
	}
}

// names are the attributes of each "signal | name | unit".
type names map[string]map[string]bool

func (n names) add(signal, name, unit string, attrs ...attribute.KeyValue) {
	row := signal + " | " + name + " | " + unit
	if n[row] == nil {
		n[row] = map[string]bool{}
	}
	for _, kv := range attrs {
		n[row][string(kv.Key)] = true
	}
}

func (n names) rows() map[string]string {
	rows := map[string]string{}
	for row, attrs := range n {
		rows[row] = strings.Join(slices.Sorted(maps.Keys(attrs)), " ")
	}
	return rows
}

func (n names) addSpans(tel *telemetry) {
	for _, s := range tel.exporter.GetSpans() {
		n.add(s.SpanKind.String()+" span", generalName(s.Name), "", s.Attributes...)
		for _, e := range s.Events {
			n.add("span event", e.Name, "", e.Attributes...)
		}
		for _, l := range s.Links {
			n.add("link", valueOf(l.Attributes, "nexmo.link.reason"), "", l.Attributes...)
		}
	}
}

// generalName is a name as the table has it: "handle {type}".
func generalName(name string) string {
	first, _, more := strings.Cut(name, " ")
	switch {
	case !more:
		return name
	case first == "receive":
		return "receive {via}"
	case first == "handle":
		return "handle {type}"
	case first == "handler":
		return "handler {function}"
	default:
		return "{method} {route}"
	}
}

func (n names) addMetrics(t *testing.T, tel *telemetry) {
	t.Helper()
	for name, m := range tel.metrics(t) {
		switch data := m.Data.(type) {
		case metricdata.Sum[int64]:
			signal := "up-down counter"
			if data.IsMonotonic {
				signal = "counter"
			}
			for _, p := range data.DataPoints {
				n.add(signal, name, m.Unit, p.Attributes.ToSlice()...)
			}
		case metricdata.Histogram[float64]:
			for _, p := range data.DataPoints {
				n.add("histogram", name, m.Unit, p.Attributes.ToSlice()...)
			}
		default:
			t.Errorf("%s is a %T", name, data)
		}
	}
}

// tableOfNames reads the table of README.md.
func tableOfNames(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) != 5 || !strings.Contains(cells[1], "`") {
			continue
		}
		for i := range cells {
			cells[i] = strings.TrimSpace(strings.ReplaceAll(cells[i], "`", ""))
		}
		row := strings.Join(cells[:3], " | ")
		if _, twice := rows[row]; twice {
			t.Errorf("the table has %s twice", row)
		}
		attrs := strings.Fields(cells[3])
		slices.Sort(attrs)
		rows[row] = strings.Join(attrs, " ")
	}
	return rows
}
