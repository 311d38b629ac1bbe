package nexmo_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/conversation-events/nexmo"
)

func TestDispatcherOnce(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	errOnce := errors.New("not yet")
	tries := 0
	d.Once("text", func(context.Context, *nexmo.Event) error {
		tries++
		c.note("try %d", tries)
		switch tries {
		case 1:
			return errOnce
		case 2:
			panic("not yet either")
		}
		return nil
	})
	off := d.Once(nexmo.EventAny, c.handler("taken off"))
	off()
	off()
	d.On("text", c.handler("always"))

	if err := d.Deliver(t.Context(), ofType("text")); !errors.Is(err, errOnce) {
		t.Errorf("the error is %v, want %v", err, errOnce)
	}
	c.want(t, "try 1", "always text")
	deliverAll(t, &d, "image")
	c.want(t)
	err := d.Deliver(t.Context(), ofType("text"))
	if p, ok := errors.AsType[*nexmo.PanicError](err); !ok || p.Value != "not yet either" {
		t.Errorf("the error is %v, want a PanicError", err)
	}
	c.want(t, "try 2", "always text")
	deliverAll(t, &d, "text", "text")
	c.want(t, "try 3", "always text", "always text")
}

// TestDispatcherOnceRunsOnce: however many goroutines deliver.
func TestDispatcherOnceRunsOnce(t *testing.T) {
	t.Parallel()
	const rounds, goroutines = 50, 8
	for range rounds {
		var d nexmo.EventDispatcher
		var inside, succeeded, failed atomic.Int32
		d.Once("text", func(context.Context, *nexmo.Event) error {
			if inside.Add(1) != 1 {
				t.Error("the handler runs twice at a time")
			}
			defer inside.Add(-1)
			runtime.Gosched()
			if failed.Load() < 2 {
				failed.Add(1)
				return errors.New("again")
			}
			succeeded.Add(1)
			return nil
		})
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range goroutines {
			wg.Go(func() {
				<-start
				for range 10 {
					_ = d.Deliver(t.Context(), ofType("text"))
				}
			})
		}
		close(start)
		wg.Wait()
		// A delivery passes a handler that runs in another goroutine, so all of
		// them may be over before it has run three times.
		for range 3 {
			_ = d.Deliver(t.Context(), ofType("text"))
		}
		if failed.Load() != 2 || succeeded.Load() != 1 {
			t.Fatalf("%d failures and %d successes, want 2 and 1", failed.Load(), succeeded.Load())
		}
	}
}

// TestDispatcherOnceIsTakenOff: what handled its event is not kept.
//
//nolint:paralleltest // it measures memory
func TestDispatcherOnceIsTakenOff(t *testing.T) {
	const size = 8 << 20
	var d nexmo.EventDispatcher
	before := heapInUse()
	big := make([]byte, size)
	d.Once("text", func(context.Context, *nexmo.Event) error { big[0]++; return nil })
	if grown := heapInUse() - before; grown < size/2 {
		t.Fatalf("the heap grew by %d bytes with the handler, want %d", grown, size)
	}
	deliverAll(t, &d, "text")
	if grown := heapInUse() - before; grown > size/2 {
		t.Errorf("%d bytes are still in use, want none", grown)
	}
	runtime.KeepAlive(&d)
}
