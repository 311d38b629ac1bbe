package nexmo_test

import (
	"strings"
	"testing"
)

// docs/trace.md shows what ExampleTrace prints.
func TestTraceInDocs(t *testing.T) {
	t.Parallel()
	_, output, _ := strings.Cut(string(readFile(t, "example_trace_test.go")), "\t// Output:\n")
	output, _, _ = strings.Cut(output, "\n}")
	output = strings.ReplaceAll(strings.TrimPrefix(output, "\t// "), "\n\t// ", "\n")
	if output == "" || !strings.Contains(string(readFile(t, "docs/trace.md")), "```text\n"+output+"\n```") {
		t.Errorf("docs/trace.md does not show what ExampleTrace prints:\n%s", output)
	}
}
