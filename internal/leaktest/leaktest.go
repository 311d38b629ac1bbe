// Package leaktest finds goroutines that the tests of a package leave behind:
// "No goroutine outlives its owner". Every package that has tests has
//
//	func TestMain(m *testing.M) { leaktest.Main(m) }
package leaktest

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// Main runs the tests and exits, with status 1 when goroutines are left behind.
func Main(m *testing.M) {
	before := goroutines()
	code := m.Run()
	if left := leftBehind(before); len(left) > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "FAIL: %d goroutines are left behind by the tests:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// leftBehind returns the stacks of the goroutines that are not in before and do
// not end by themselves.
func leftBehind(before map[string]string) []string {
	var left []string
	for range 100 {
		left = left[:0]
		for id, stack := range goroutines() {
			if _, ok := before[id]; !ok && !ofTheTestRun(stack) {
				left = append(left, stack)
			}
		}
		if len(left) == 0 {
			return nil
		}
		// Some are on their way out, and some end when what they serve is
		// collected.
		runtime.GC()
		for range 1000 {
			runtime.Gosched()
		}
	}
	return left
}

// ofTheTestRun reports whether a goroutine is one that package testing keeps, or
// that the os/signal package starts once for all.
func ofTheTestRun(stack string) bool {
	_, created, _ := strings.Cut(stack, "\ncreated by ")
	return strings.HasPrefix(created, "os/signal.") || strings.HasPrefix(created, "testing.(*M)") ||
		strings.HasPrefix(created, "testing.(*F)") || strings.HasPrefix(created, "internal/fuzz.") ||
		strings.HasPrefix(created, "runtime.")
}

// goroutines returns the stacks of all goroutines but the calling one, by their
// number.
func goroutines() map[string]string {
	buf := make([]byte, 1<<20)
	for {
		n := runtime.Stack(buf, true)
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := map[string]string{}
	for i, stack := range bytes.Split(buf, []byte("\n\n")) {
		if i > 0 { // the first is this one
			id, _, _ := strings.Cut(strings.TrimPrefix(string(stack), "goroutine "), " ")
			all[id] = string(stack)
		}
	}
	return all
}
