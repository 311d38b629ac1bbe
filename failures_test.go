package nexmo

import (
	"context"
	"errors"
	"runtime"
	"testing"
)

// A handler that ends its goroutine takes those of the event that follow with it, and none
// of another type.
func TestHandlersBehindOneThatEndsItsGoroutineHaveFailed(t *testing.T) {
	t.Parallel()
	var d EventDispatcher
	nothing := func(context.Context, *Event) error { return nil }
	d.On(EventText, nothing)
	d.On(EventText, func(context.Context, *Event) error { runtime.Goexit(); return nil })
	d.On(EventMemberJoined, nothing)
	d.On(EventAny, nothing)
	var failed failures
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.handlersOf(EventText).call(t.Context(), &Event{Type: EventText}, &failed, nil)
	}()
	<-done
	if len(failed) != 2 {
		t.Errorf("%d handlers failed, want the one and the one behind it", len(failed))
	}
	for _, f := range failed {
		if !errors.Is(f.err, errHandlerExited) {
			t.Errorf("the error is %v, want %v", f.err, errHandlerExited)
		}
	}
}
