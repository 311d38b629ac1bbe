package nexmo_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestDispatcherManyHandlers: however many handlers there are, and whenever they
// come and go, an event reaches those whose pattern matches it, in the order of
// their registration.
func TestDispatcherManyHandlers(t *testing.T) {
	t.Parallel()
	names := []nexmo.EventType{"", "a", "ab", "abc", "abcd", "abcdefg", "*", ":", ":*", "a:*", "a:b", "text", "text:*", "text:seen", "custom:*"}
	for i := range 40 { // they differ at the end, in the middle, and at the start
		pad := strings.Repeat("x", i)
		names = append(names, nexmo.EventType("custom:"+pad), nexmo.EventType(fmt.Sprintf("custom:a-long-name-%02d-of-one-length", i)),
			nexmo.EventType(fmt.Sprintf("family%02d:*", i)), nexmo.EventType(fmt.Sprintf("family%02d:type", i)), nexmo.EventType(pad+":type"))
	}
	names = append(names, nexmo.EventTypes()...)
	types := slices.Concat(names, []nexmo.EventType{"unknown", "text:unknown", "family07:unknown"})
	for _, most := range []int{3, 8, 9, 10, 40, 300} {
		t.Run(fmt.Sprint(most), func(t *testing.T) {
			t.Parallel()
			type on struct {
				number  int
				pattern nexmo.EventType
				off     func()
			}
			rnd := rand.New(rand.NewPCG(1, uint64(most)))
			var d nexmo.EventDispatcher
			var registered []on
			var got []int
			for number := range 2 * most {
				pattern := names[rnd.IntN(len(names))]
				off := d.On(pattern, func(context.Context, *nexmo.Event) error { got = append(got, number); return nil })
				registered = append(registered, on{number, pattern, off})
				if len(registered) > most {
					i := rnd.IntN(len(registered))
					registered[i].off()
					registered = slices.Delete(registered, i, i+1)
				}
				if number%(most/8+1) != 0 { // often enough to meet each size
					continue
				}
				for _, typ := range types {
					var want []int
					for _, r := range registered {
						if r.pattern.Matches(typ) {
							want = append(want, r.number)
						}
					}
					got = nil
					deliverAll(t, &d, typ)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("%d handlers, event of type %q: handlers called (-want +got):\n%s", len(registered), typ, diff)
					}
				}
			}
		})
	}
}

// TestDispatcherManyPatterns: thousands of types and hundreds of patterns do not
// make a list of each pattern for each type.
//
//nolint:paralleltest // it measures memory
func TestDispatcherManyPatterns(t *testing.T) {
	var d nexmo.EventDispatcher
	calls := 0
	h := func(context.Context, *nexmo.Event) error { calls++; return nil }
	for i := range 3000 {
		d.On(nexmo.EventType(fmt.Sprintf("custom:t%d", i)), h)
		if i%3 == 0 {
			d.On(nexmo.EventAny, h)
		}
	}
	before := heapInUse()
	for range 100 {
		deliverAll(t, &d, "custom:t7")
	}
	if want := 100 * 1001; calls != want {
		t.Errorf("%d calls, want %d", calls, want)
	}
	if grown := heapInUse() - before; grown > 4<<20 {
		t.Errorf("the heap grew by %d bytes, want less than 4 MiB", grown)
	}
	runtime.KeepAlive(&d)
}

// TestDispatcherForgetsTypes: types that nobody registered a handler for leave
// nothing behind.
//
//nolint:paralleltest // it measures memory
func TestDispatcherForgetsTypes(t *testing.T) {
	var d nexmo.EventDispatcher
	for _, typ := range append(nexmo.EventTypes(), nexmo.EventAny, nexmo.EventCustomAny) {
		d.On(typ, countEvent)
	}
	before := heapInUse()
	for i := range 20_000 {
		deliverAll(t, &d, nexmo.EventType(fmt.Sprintf("custom:type-%d", i)), nexmo.EventType(fmt.Sprintf("unknown-%d", i)))
	}
	if grown := heapInUse() - before; grown > 1<<20 {
		t.Errorf("the heap grew by %d bytes, want less than 1 MiB", grown)
	}
	runtime.KeepAlive(&d)
}

// TestDispatcherHandlersOfOtherTypes: after 100,000 handlers came and went, and
// beside 512 of other types, an event allocates nothing. How long it takes is in
// BenchmarkEventDispatcher.
//
//nolint:paralleltest // it counts allocations
func TestDispatcherHandlersOfOtherTypes(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, others := range []int{0, 8, 512} {
		var d nexmo.EventDispatcher
		var calls atomic.Int64
		for i := range others {
			d.On(nexmo.EventType(fmt.Sprintf("custom:t%d", i)), func(context.Context, *nexmo.Event) error {
				t.Error("a handler of another type was called")
				return nil
			})
		}
		d.On(nexmo.EventText, func(context.Context, *nexmo.Event) error { calls.Add(1); return nil })
		for range 100_000 / (others + 1) {
			d.On(nexmo.EventText, countEvent)()
		}
		ctx, e := t.Context(), ofType("text")
		got := testing.AllocsPerRun(1000, func() {
			if err := d.Deliver(ctx, e); err != nil {
				t.Error(err)
			}
		})
		// Making the index is all that may have allocated, once.
		if got != 0 || calls.Load() != 1001 {
			t.Errorf("%d others: %v allocations an event, %d calls; want 0 and 1001", others, got, calls.Load())
		}
	}
}
