package nexmo_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// Functions of the program that a session calls may panic: it goes on.
func TestSessionPanics(t *testing.T) {
	t.Parallel()
	t.Run("tokens", func(t *testing.T) {
		t.Parallel()
		_, err := nexmo.Dial(t.Context(), nexmo.TokenFunc(func() (string, error) { panic("no tokens") }), nexmo.WithWebsocketURL("http://127.0.0.1:1"))
		if _, ok := errors.AsType[*nexmo.PanicError](err); !ok {
			t.Errorf("Dial returns %v", err)
		}
	})
	t.Run("transport", func(t *testing.T) {
		t.Parallel()
		_, err := nexmo.Dial(t.Context(), anyToken, nexmo.WithWebsocketURL("http://127.0.0.1:1"), nexmo.WithHTTPClient(&http.Client{Transport: panickingTransport{}}))
		if _, ok := errors.AsType[*nexmo.PanicError](err); !ok {
			t.Errorf("Dial returns %v", err)
		}
	})
	t.Run("logger", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			s := saying(t, []string{successEvent, `42["text","broken"]`, textFrame("CON-1", 1), textFrame("CON-1", 2)}, nexmo.WithLogger(panics()))
			var got []nexmo.EventID
			done := running(t, s, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
				got = append(got, e.ID)
				return wildError{}
			}))
			synctest.Wait()
			_ = s.Close()
			if err := <-done; err != nil || len(got) != 2 {
				t.Errorf("Run returns %v after %v", err, got)
			}
		})
	})
	t.Run("transport of a receipt", func(t *testing.T) {
		t.Parallel()
		var log hookLog
		server := nexmotest.NewServer(t)
		conversation := server.CreateConversation("")
		server.Join(conversation, "alice")
		bob := server.Join(conversation, "bob")
		transport := &switchedTransport{RoundTripper: server.HTTPClient().Transport}
		s := dial(t, server, userTokens(t, server, "alice", 0), nexmo.WithDeliveryReceipts(), nexmo.WithLogger(log.logger()),
			nexmo.WithHTTPClient(&http.Client{Transport: transport}))
		transport.broken()
		var handled sync.WaitGroup
		handled.Add(2)
		running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { handled.Done(); return nil }))
		server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(bob))
		server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(bob))
		handled.Wait()
		transport.wait()
		_ = s.Close()
		if !strings.Contains(log.String(), "panic") {
			t.Errorf("the log says %s", log.String())
		}
	})
}

type panickingTransport struct{}

func (panickingTransport) RoundTrip(*http.Request) (*http.Response, error) {
	panic("a transport that is broken")
}

// switchedTransport panics from a moment on.
type switchedTransport struct {
	http.RoundTripper
	mu    sync.Mutex
	calls chan struct{} // not nil: it panics
}

func (s *switchedTransport) broken() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = make(chan struct{}, 100)
}

func (s *switchedTransport) wait() { <-s.calls }

func (s *switchedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	calls := s.calls
	s.mu.Unlock()
	if calls == nil {
		return s.RoundTripper.RoundTrip(r)
	}
	calls <- struct{}{}
	panic("a transport that is broken")
}
