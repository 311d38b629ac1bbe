package nexmo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

func TestWebhookMaxConcurrent(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3, 0} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				var most, now atomic.Int32
				h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					<-release
					return nil
				}))
				h.MaxConcurrent = limit
				want := limit
				if want == 0 {
					want = 256
				}
				var all sync.WaitGroup
				for id := range want {
					all.Go(func() { wantAnswer(t, h, signed(hookText(id+1)), http.StatusNoContent) })
				}
				synctest.Wait()
				for id := range 3 {
					wantAnswer(t, h, signed(hookText(1000+id)), http.StatusServiceUnavailable)
				}
				// What is refused anyway takes no room, and needs none.
				wantAnswer(t, h, signedBy("another", hookText(1)), http.StatusUnauthorized)
				close(release)
				all.Wait()
				if got := most.Load(); got != int32(want) {
					t.Errorf("%d were under way at most, want %d", got, want)
				}
				wantAnswer(t, h, signed(hookText(2000)), http.StatusNoContent)
			})
		})
	}
}

// An event whose sender was sent away is still under way.
func TestWebhookMaxConcurrentCountsTheSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			<-release
			return nil
		}))
		h.MaxConcurrent = 1
		wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
		began := time.Now()
		wantAnswer(t, h, signed(hookText(2)), http.StatusServiceUnavailable)
		if took := time.Since(began); took != 0 {
			t.Errorf("a sender for whom there was no room waited %v", took)
		}
		close(release)
		synctest.Wait()
		wantAnswer(t, h, signed(hookText(2)), http.StatusNoContent)
	})
}

func TestWebhookDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var handled atomic.Int32
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			<-release
			handled.Add(1)
			return nil
		}))
		var all sync.WaitGroup
		for id := range 2 {
			all.Go(func() { wantAnswer(t, h, signed(hookText(id)), http.StatusNoContent) })
		}
		// A body that is still on its way when the draining begins is of a new
		// webhook.
		late := signed(hookText(9))
		late.Body = io.NopCloser(io.MultiReader(bytes.NewReader(hookText(9)), slowReader(time.Second)))
		all.Go(func() { wantAnswer(t, h, late, http.StatusServiceUnavailable) })
		synctest.Wait()

		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := h.Drain(short); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 500*time.Millisecond {
			t.Errorf("Drain = %v after %v", err, time.Since(began))
		}
		drained := make(chan error, 3)
		for range cap(drained) {
			go func() { drained <- h.Drain(t.Context()) }()
		}
		synctest.Wait()
		if len(drained) != 0 {
			t.Error("Drain returned while events were under way")
		}
		wantAnswer(t, h, signed(hookText(3)), http.StatusServiceUnavailable)
		wantAnswer(t, h, signedBy("another", hookText(3)), http.StatusUnauthorized)
		time.Sleep(time.Second)
		release <- struct{}{}
		synctest.Wait()
		if len(drained) != 0 || handled.Load() != 1 {
			t.Errorf("Drain returned %d times when %d of 2 events had been handled", len(drained), handled.Load())
		}
		close(release)
		for range cap(drained) {
			if err := <-drained; err != nil {
				t.Error(err)
			}
		}
		all.Wait()
		if got := handled.Load(); got != 2 {
			t.Errorf("%d were handled, want 2", got)
		}
		wantAnswer(t, h, signed(hookText(4)), http.StatusServiceUnavailable)
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A handler without webhooks is drained at once, even if ctx has ended, and refuses
// what comes then.
func TestWebhookDrainIdle(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	h := newHook(new(hookRecorder))
	results := observed(h)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 20 {
			if err := h.Drain(ended); err != nil {
				t.Error(err)
			}
		}
		wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
		if err := results()[0].Err; err == nil || !strings.Contains(err.Error(), "drained") {
			t.Errorf("refused with %v", err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute): // a lock is held
		t.Fatal("Drain, or what came after it, did not return")
	}
}
