package nexmotest

import (
	"context"
	"sync"
	"time"
)

// background is the goroutines that a server started and ends.
type background struct {
	ctx context.Context // of the server as a whole: ends with close
	end context.CancelFunc

	mu     sync.Mutex
	closed bool
	group  sync.WaitGroup
}

func newBackground() *background {
	b := &background{}
	b.ctx, b.end = context.WithCancel(context.Background())
	return b
}

// begin counts a task in, unless the server is closed. A task that began is
// counted out with b.group.Done.
func (b *background) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.group.Add(1)
	}
	return !b.closed
}

// run runs fn in a goroutine, unless the server is closed. Its ctx ends when the
// server is.
func (b *background) run(fn func(ctx context.Context)) bool {
	if !b.begin() {
		return false
	}
	go func() {
		defer b.group.Done()
		fn(b.ctx)
	}()
	return true
}

// close ends all tasks and waits for them.
func (b *background) close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.end()
	b.group.Wait()
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
