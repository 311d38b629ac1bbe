package otelnexmo_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the trees in testdata")

// TestScenarios compares the spans of each scenario with a file of testdata, and its counts.
func TestScenarios(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tel := newTelemetry()
				s.run(t, tel)
				tel.wantCounts(t, s.counts)
				tel.wantNoContent(t)
				if s.name == "evicted" {
					return // has no spans
				}
				file := filepath.Join("testdata", strings.ReplaceAll(s.name, " ", "_")+".txt")
				got := strings.ReplaceAll(tel.tree(), "github.com/conversation-events/nexmo/otelnexmo_test.", "")
				if *update {
					if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.ReplaceAll(string(want), "\r\n", "\n"), got); diff != "" {
					t.Errorf("the spans (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// wantNoContent looks for the content of events, errors and panics in all that was made.
func (tel *telemetry) wantNoContent(t *testing.T) {
	t.Helper()
	for what, made := range map[string]any{"spans": tel.exporter.GetSpans(), "metrics": tel.metrics(t)} {
		text, err := json.Marshal(made)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), private) {
			t.Errorf("the %s have content: %s", what, text)
		}
	}
}
