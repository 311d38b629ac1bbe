package nexmo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A connection on which one webhook took too long serves the next one.
func TestWebhookConnectionAfterTimeout(t *testing.T) {
	t.Parallel()
	for method, send := range map[string]func(conn net.Conn, id int){
		http.MethodPost: func(conn net.Conn, id int) {
			body := hookText(id)
			_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		},
		http.MethodGet: func(conn net.Conn, id int) {
			_, _ = fmt.Fprintf(conn, "GET /?type=text&id=%d HTTP/1.1\r\nHost: localhost\r\n\r\n", id)
		},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &nexmo.WebhookHandler{AllowUnsigned: true, Sink: nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
					if e.ID == 1 {
						time.Sleep(10 * time.Second)
					}
					return ctx.Err()
				})}
				conn := inMemory(t, h)
				send(conn, 1)
				if got := readStatus(t, conn); got != http.StatusServiceUnavailable {
					t.Errorf("the slow one was answered %d", got)
				}
				time.Sleep(time.Second)
				send(conn, 2)
				if got := readStatus(t, conn); got != http.StatusNoContent {
					t.Errorf("the next one was answered %d", got)
				}
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// A handler that takes its time does not hold the sender. It is told by its ctx,
// and Drain waits for it.
func TestWebhookTimeout(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{0, time.Second, 10 * time.Second} {
		t.Run(timeout.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				want := timeout
				if want == 0 {
					want = 4 * time.Second
				}
				if want == 4*time.Second && want >= 5*time.Second {
					t.Fatal("the default must be well under 5 s")
				}
				app := nexmo.NewApplication("")
				var calls int
				var toldAfter time.Duration
				app.On("text", func(ctx context.Context, _ *nexmo.Event) error {
					calls++
					began := time.Now()
					if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(began) != want {
						t.Errorf("the deadline is in %v, %t; want %v", deadline.Sub(began), ok, want)
					}
					<-ctx.Done()
					toldAfter = time.Since(began)
					if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
						t.Errorf("ctx ended with %v", ctx.Err())
					}
					time.Sleep(time.Minute) // it does not mind, and succeeds
					return nil
				})
				h := newHook(app)
				h.Timeout = timeout
				results := observed(h)
				began := time.Now()
				wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
				if took := time.Since(began); took != want {
					t.Errorf("answered after %v, want %v", took, want)
				}
				if got := results(); len(got) != 1 || got[0].Status != http.StatusServiceUnavailable || got[0].Err == nil || got[0].Duration != want {
					t.Errorf("ReceiveEnd was told %+v", got)
				}
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != want+time.Minute {
					t.Errorf("drained after %v, want %v", took, want+time.Minute)
				}
				if toldAfter != want {
					t.Errorf("the handler was told after %v, want %v", toldAfter, want)
				}
				// The retry finds that it was handled after all.
				after := newHook(app)
				wantAnswer(t, after, signed(hookText(1)), http.StatusNoContent)
				if calls != 1 {
					t.Errorf("handled %d times", calls)
				}
			})
		})
	}
}

// The time that the body took to come is no longer there for the handlers.
func TestWebhookTimeoutCountsFromArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHook(nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		body := hookText(1)
		r := signed(body)
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), slowReader(3*time.Second)))
		began := time.Now()
		wantAnswer(t, h, r, http.StatusServiceUnavailable)
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("answered after %v", took)
		}
	})
}

// A sender that hangs up is not answered, and the handlers are told.
func TestWebhookSenderGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := make(chan error, 1)
		h := newHook(nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error {
			<-ctx.Done()
			told <- ctx.Err()
			return ctx.Err()
		}))
		conn := inMemory(t, h)
		body := hookText(1)
		began := time.Now()
		_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
			nexmotest.Sign(hookSecret, body), len(body), body)
		synctest.Wait()
		_ = conn.Close()
		if err := <-told; !errors.Is(err, context.Canceled) || time.Since(began) != 0 {
			t.Errorf("the handler was told %v after %v", err, time.Since(began))
		}
	})
}

// An event behind a gap is handled when the window has passed, which is well
// within Timeout.
func TestWebhookHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("")
		var handled []nexmo.EventID
		app.On("text", func(_ context.Context, e *nexmo.Event) error {
			handled = append(handled, e.ID)
			return nil
		})
		h := newHook(app)
		wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent)
		began := time.Now()
		wantAnswer(t, h, signed(hookText(3)), http.StatusNoContent)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("answered after %v", took)
		}
		// With a window longer than Timeout, the sender tries again.
		patient := nexmo.NewApplication("", nexmo.WithReorderWindow(64, time.Minute))
		patient.On("text", func(_ context.Context, e *nexmo.Event) error {
			handled = append(handled, 100+e.ID)
			return nil
		})
		h = newHook(patient)
		wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent)
		wantAnswer(t, h, signed(hookText(3)), http.StatusServiceUnavailable)
		wantAnswer(t, h, signed(hookText(2)), http.StatusNoContent)
		wantAnswer(t, h, signed(hookText(3)), http.StatusNoContent)
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]nexmo.EventID{1, 3, 101, 102, 103}, handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
	})
}

// ReceiveEnd receives why there is no outcome: the handlers were too slow, or the sender
// is gone.
func TestWebhookSaysWhyItDidNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			<-release // whatever ctx says
			return nil
		}))
		results := observed(h)
		wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
		gone, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		wantAnswer(t, h, signed(hookText(2)).WithContext(gone), http.StatusServiceUnavailable)
		close(release)
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		got := results()
		if err := got[0].Err; errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "longer than Timeout") {
			t.Errorf("handlers that were too slow: %v", err)
		}
		if err := got[1].Err; !errors.Is(err, context.Canceled) {
			t.Errorf("a sender who is gone: %v", err)
		}
	})
}

// The ctx of an event ends when its handlers have returned.
func TestWebhookContextEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var of context.Context
		h := newHook(nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error {
			of = ctx
			return ctx.Err()
		}))
		began := time.Now()
		wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent)
		<-of.Done()
		if took := time.Since(began); took != 0 || !errors.Is(of.Err(), context.Canceled) {
			t.Errorf("ctx ended with %v after %v", of.Err(), took)
		}
	})
}
