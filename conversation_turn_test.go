package nexmo

import (
	"context"
	"errors"
	"runtime"
	"testing"
	"time"
)

// The turn of an event may come, or somebody else may settle it, at the very
// moment at which the ctx of its owner ends: before the owner, who has noticed
// that its ctx ended, gets hold of the conversation.
func TestWaitWhenCtxEndsToo(t *testing.T) {
	t.Parallel()
	for _, granted := range []bool{true, false} {
		c := NewConversation("", WithStart(1), WithReorderWindow(9, time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		returned := make(chan error)
		go func() { returned <- c.Deliver(ctx, fuzzEvent(2)) }()
		var own *turn
		for own == nil {
			runtime.Gosched()
			c.mu.Lock()
			if !c.busy {
				own, _ = c.line.Head()
			}
			if own == nil {
				c.mu.Unlock()
			}
		}
		cancel()
		for range 10_000 {
			runtime.Gosched() // until the owner waits for the lock
		}
		want := context.Canceled
		if granted { // and finds that the gap is still open
			c.busy = true
			own.grant()
		} else {
			want = errFuzz
			c.line.Withdraw(2, own)
			own.settle(errFuzz)
		}
		c.mu.Unlock()
		if err := <-returned; !errors.Is(err, want) {
			t.Errorf("Deliver returned %v, want %v", err, want)
		}
		c.mu.Lock()
		if c.busy || !c.line.Idle() {
			t.Errorf("the role is taken: %v, events wait: %v", c.busy, !c.line.Idle())
		}
		c.mu.Unlock()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A caller whose ctx ends returns, also while the turn is granted to another one that
// has not noticed.
func TestWaitWhenTheTurnIsGrantedToAnother(t *testing.T) {
	t.Parallel()
	c := NewConversation("", WithStart(1))
	shared := &turn{e: fuzzEvent(2), stage: turnGranted, waiting: 2, owner: new(delivery), wake: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	returned := make(chan error, 1)
	go func() {
		c.mu.Lock()
		returned <- c.wait(newDelivery(ctx), shared)
	}()
	select {
	case err := <-returned:
		if !errors.Is(err, context.Canceled) || shared.waiting != 1 || shared.stage != turnGranted {
			t.Errorf("wait returned %v, %d wait in stage %d, want 1 in stage %d", err, shared.waiting, shared.stage, turnGranted)
		}
	case <-time.After(10 * time.Second):
		t.Error("the caller spins")
		c.mu.Lock()
		shared.stage = turnDone
		c.mu.Unlock()
	}
}

// An event that is withdrawn wakes the streams behind it: there may be a gap in front
// of them now.
func TestWithdrawWakesStreams(t *testing.T) {
	t.Parallel()
	c := NewConversation("", WithStart(1))
	withdrawn := &turn{e: fuzzEvent(2), waiting: 1, wake: make(chan struct{})}
	behind := &turn{e: fuzzEvent(3), waiting: 1, wake: make(chan struct{})}
	woken := behind.wake
	for _, held := range []*turn{withdrawn, behind} {
		c.line.Add(int64(held.e.ID), held, time.Now())
	}
	c.leave(nil, withdrawn)
	select {
	case <-woken:
	default:
		t.Error("the stream was not woken")
	}
	select {
	case <-behind.wake:
		t.Error("the stream cannot wait again")
	default:
	}
}
