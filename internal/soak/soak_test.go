package main

import (
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// What goes wrong is said, and what does not is not.
func TestChecker(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		play func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), gap func(from, to nexmo.EventID))
		want string // a part of what is said; nothing if empty
	}{
		"in order": {func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), gap func(_, _ nexmo.EventID)) {
			emit(1)
			handle(1, whole)
			gap(2, 3)
			handle(4, whole) // before Emit has returned
			emit(4)
		}, ""},
		"failed and late": {func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), _ func(_, _ nexmo.EventID)) {
			emit(1)
			emit(2)
			handle(1, refused)
			handle(2, whole)
			handle(1, refused)
		}, ""},
		"lost": {func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), _ func(_, _ nexmo.EventID)) {
			emit(1)
			emit(2)
			handle(2, whole)
		}, "1 was not handled within"},
		"failed and lost": {func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), _ func(_, _ nexmo.EventID)) {
			emit(1)
			handle(1, refused)
		}, "1 was not handled within"},
		"twice": {func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), _ func(_, _ nexmo.EventID)) {
			emit(1)
			handle(1, whole)
			handle(1, whole)
		}, "1 (custom:whole) is handled twice"},
		"out of order": {func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), _ func(_, _ nexmo.EventID)) {
			emit(1)
			emit(2)
			handle(2, whole)
			handle(1, whole)
		}, "1 (custom:whole) is handled after 2"},
		"given up": {func(emit func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), gap func(_, _ nexmo.EventID)) {
			emit(1)
			gap(1, 1)
			handle(1, whole)
		}, "1 exists and was given up"},
		"made up": {func(_ func(nexmo.EventID), handle func(nexmo.EventID, nexmo.EventType), _ func(_, _ nexmo.EventID)) {
			handle(1, whole)
		}, "1 was handled and does not exist"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newChecker()
			w := c.watch("CON-1")
			tt.play(w.emitted, func(id nexmo.EventID, typ nexmo.EventType) {
				_ = c.handle(t.Context(), &nexmo.Event{ID: id, Type: typ, ConversationID: "CON-1"}) // what fails is delivered again
			}, func(from, to nexmo.EventID) {
				c.gap(t.Context(), nexmo.Gap{ConversationID: "CON-1", From: from, To: to})
			})
			c.await(w, 0, 0)
			c.over(w)
			said := strings.Join(c.violations(), "\n")
			if !strings.Contains(said, tt.want) || (said == "") != (tt.want == "") || (c.failed.Err() == nil) != (tt.want == "") {
				t.Errorf("%q is said, want %q", said, tt.want)
			}
		})
	}
}

func TestCheckerAfterwards(t *testing.T) {
	t.Parallel()
	c := newChecker()
	c.over(c.watch("CON-1"))
	_ = c.handle(t.Context(), &nexmo.Event{ID: 1, Type: whole, ConversationID: "CON-1"}) // it says so elsewhere
	c.gap(t.Context(), nexmo.Gap{ConversationID: "CON-1", From: 2, To: 3})
	if n := len(c.violations()); n != 2 {
		t.Errorf("%q", c.violations())
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	const mb = 1 << 20
	tests := map[string]struct {
		heap, goroutines []int
		want             string
	}{
		"steady":          {[]int{9 * mb, 1, 2, 40 * mb, 40 * mb, 0, 41 * mb, 41 * mb}, []int{9, 9, 9, 9, 9, 9, 9, 9}, ""},
		"warming up":      {[]int{1, 2, 40 * mb, 40 * mb, 40 * mb, 40 * mb, 41 * mb, 41 * mb}, []int{0, 0, 900, 900, 900, 900, 900, 901}, ""},
		"growing":         {[]int{40 * mb, 41 * mb, 42 * mb, 43 * mb, 50 * mb, 54 * mb, 58 * mb, 62 * mb}, []int{9, 9, 9, 9, 9, 9, 9, 9}, "the heap has grown"},
		"one after one":   {[]int{1, 1, 1, 1, 1, 1, 1, 1}, []int{10, 20, 30, 40, 50, 60, 160, 170}, "the goroutines have grown from 40 to 170"},
		"not long enough": {[]int{1, 1, 1}, []int{1, 1, 1}, "too short"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := usage{tt.heap, tt.goroutines}
			err := u.grown()
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("grown: %v, want %q", err, tt.want)
			}
		})
	}
}
