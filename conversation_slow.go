package nexmo

import (
	"bytes"
	"context"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"
)

// A handler that runs long is named in the log. While a conversation has events, a timer
// looks once a second whether the same event is still being handled: so it costs an event
// next to nothing.

const (
	slowTick = time.Second
	slowFrom = 5 * slowTick // then at each doubling
)

// slowWatch watches for handlers of a conversation that run long. Its fields belong to the
// conversation's mutex.
type slowWatch struct {
	timer *time.Timer
	runs  uint8         // as it was at the last look
	since time.Duration // for how long at least the event has been handled
	next  time.Duration // when it is logged
}

// progress says which handler is being called.
type progress struct{ current atomic.Pointer[registration] }

// watchSlow starts to watch. The caller holds c.mu.
func (c *Conversation) watchSlow() {
	c.slow = new(slowWatch)
	c.slow.timer = time.AfterFunc(slowTick, c.lookSlow)
}

// lookSlow looks whether the event that is being handled is that of the last look.
func (c *Conversation) lookSlow() {
	c.mu.Lock()
	w := c.slow
	switch {
	case w == nil:
		c.mu.Unlock()
		return
	case !c.busy:
		c.slow = nil
		c.mu.Unlock()
		return
	case w.runs != c.runs:
		w.runs, w.since, w.next = c.runs, 0, slowFrom
	default:
		w.since += slowTick
	}
	w.timer.Reset(slowTick)
	reg := c.progress.current.Load()
	if w.since < w.next || reg == nil || c.running.e == nil {
		c.mu.Unlock()
		return
	}
	w.next *= 2
	running, e, waiting := w.since, c.running.e, 0
	for t := range c.line.All() {
		waiting += t.waiting
	}
	c.mu.Unlock()

	msg := "nexmo: a handler has been running for long"
	if waiting > 0 && waitsForItself() {
		msg = "nexmo: a handler waits for itself: it calls Deliver, Sync or Redeliver of its own conversation with another ctx than its own; give it the ctx of the handler"
	}
	c.log(context.Background(), slog.LevelWarn, msg, e,
		slog.String("handler", reg.name), slog.Duration("running", running), slog.Int("waiting", waiting))
}

// waitsForItself reports whether a goroutine waits for the turn of an event in a conversation
// whose handler it runs. The stacks of all goroutines tell, which takes long: it is for handlers
// that have been running for seconds.
func waitsForItself() bool {
	stacks := make([]byte, 1<<16)
	for len(stacks) < 1<<24 {
		n := runtime.Stack(stacks, true)
		if n < len(stacks) {
			stacks = stacks[:n]
			break
		}
		stacks = make([]byte, 2*len(stacks))
	}
	for goroutine := range bytes.SplitSeq(stacks, []byte("\n\n")) {
		waits := receiver(goroutine, "(*Conversation).wait(")
		if waits != nil && bytes.Equal(waits, receiver(goroutine, "(*Conversation).run(")) {
			return true
		}
	}
	return false
}

// receiver returns the first argument of the first call of a method in a stack, or nil.
func receiver(stack []byte, method string) []byte {
	_, args, ok := bytes.Cut(stack, []byte("/nexmo."+method))
	if !ok {
		return nil
	}
	end := bytes.IndexAny(args, ",?)")
	if end < 0 {
		return nil
	}
	return args[:end]
}
