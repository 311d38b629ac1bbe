package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRun(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), filepath.FromSlash("../../testdata/call.jsonl"), &out); err != nil {
		t.Fatal(err)
	}
	told := out.String()

	// Who came and went, and in which order.
	matches := func(pattern string) []string {
		list := []string{}
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(told, -1) {
			list = append(list, strings.Join(m[1:], " "))
		}
		return list
	}
	for _, want := range []struct {
		pattern string
		lines   []string
	}{
		{`(\S+) is calling (\S+)`, []string{"447700900123 15555550123"}},
		{`(?m)^ *\S+  (.*) joined by (.*)$`, []string{"447700900123 phone", "Priya at the workshop app"}},
		{`447700900123 pressed (\S+)`, []string{"2", "4", "4", "1"}}, // though they came as 2 4 1 4
		{`Priya at the workshop is muted: (\S+)`, []string{"true", "false"}},
		{`recorded (\S+) of (\S+), (\d+) bytes`, []string{"1m34.05s mp3 752400"}},
		{`order (\d+) \((.*)\) is (\S+)`, []string{"441 tandem, blue ready"}}, // once, though it came twice
		{`a duplicate was dropped: event_id=(\d+)`, []string{"30"}},
		{`no longer waited for: from=(\d+) to=(\d+)`, []string{"25 25"}},
		{`(?m)^ *\S+  (.*) left: (.*)$`, []string{"Priya at the workshop the agent ended the call", "447700900123 the caller ended the call"}},
		{`the call took (\S+) and cost (\S+)`, []string{"2m14s 0.01608000"}},
		{`the conversation is over: (.*)`, []string{"api request"}},
	} {
		if diff := cmp.Diff(want.lines, matches(want.pattern)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.pattern, diff)
		}
	}
	if t.Failed() {
		t.Log(told)
	}
}

// The story does not depend on chance, but for the lines of the log.
func TestRunTwice(t *testing.T) {
	t.Parallel()
	tell := func() string {
		var out bytes.Buffer
		if err := run(t.Context(), filepath.FromSlash("../../testdata/call.jsonl"), &out); err != nil {
			t.Fatal(err)
		}
		return regexp.MustCompile(`(?m)^   !.*\n`).ReplaceAllString(out.String(), "")
	}
	if diff := cmp.Diff(tell(), tell()); diff != "" {
		t.Errorf("-first +second:\n%s", diff)
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := run(t.Context(), filepath.Join(dir, "missing"), new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "-file") {
		t.Errorf("a missing file: %v", err)
	}
	file := filepath.Join(dir, "bad.jsonl")
	if err := os.WriteFile(file, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), file, new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "type") {
		t.Errorf("a file that holds no events: %v", err)
	}
}
