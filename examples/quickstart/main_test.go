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

// logLine matches what the logger adds to the story: it may say more on a machine
// that is slow.
var logLine = regexp.MustCompile(`(?m)^level=.*\n`)

// The story is the one that the README shows.
func TestRun(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile(filepath.FromSlash("../../README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, want, _ := strings.Cut(strings.ReplaceAll(string(readme), "\r\n", "\n"), "```\nTwo people")
	want, _, found := strings.Cut("Two people"+want, "```\n")
	if !found {
		t.Fatal("README.md does not show what quickstart prints, from its first line on")
	}
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(logLine.ReplaceAllString(want, ""), logLine.ReplaceAllString(out.String(), "")); diff != "" {
		t.Errorf("README.md and what it prints (-want +got):\n%s", diff)
	}
	for _, line := range logLine.FindAllString(want, -1) {
		if !strings.Contains(out.String(), line) {
			t.Errorf("it does not log %s\n%s", line, &out)
		}
	}
}
