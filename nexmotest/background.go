package nexmotest

import (
	"context"
	"sync"
	"time"
)

// tasks are the goroutines that a server started and ends.
type tasks struct {
	ctx context.Context // of the server as a whole: ends with close
	end context.CancelFunc

	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

func newTasks() *tasks {
	t := &tasks{}
	t.ctx, t.end = context.WithCancel(context.Background())
	return t
}

// begin counts a task in, unless the server is closed. A task that began is
// counted out with t.group.Done.
func (t *tasks) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.group.Add(1)
	}
	return !t.closed
}

// run runs fn in a goroutine, unless the server is closed. Its ctx ends when the
// server is.
func (t *tasks) run(fn func(ctx context.Context)) bool {
	if !t.begin() {
		return false
	}
	go func() {
		defer t.group.Done()
		fn(t.ctx)
	}()
	return true
}

// close ends all tasks and waits for them.
func (t *tasks) close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.end()
	t.group.Wait()
}

// wait waits for d to pass. It reports false if ctx ended first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
