package nexmo_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// states notes what OnState is told.
type states struct {
	mu   sync.Mutex
	list []nexmo.SessionState
	errs []error
	more chan struct{}
}

func statesOf(s *nexmo.Session) *states {
	n := &states{more: make(chan struct{}, 1000)}
	s.OnState(func(state nexmo.SessionState, err error) {
		n.mu.Lock()
		n.list, n.errs = append(n.list, state), append(n.errs, err)
		n.mu.Unlock()
		n.more <- struct{}{}
	})
	return n
}

func (n *states) next(t testing.TB) (nexmo.SessionState, error) {
	t.Helper()
	select {
	case <-n.more:
	case <-time.After(time.Hour):
		t.Fatal("nothing is told to OnState")
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	state, err := n.list[0], n.errs[0]
	n.list, n.errs = n.list[1:], n.errs[1:]
	return state, err
}

func (n *states) expect(t testing.TB, want ...nexmo.SessionState) {
	t.Helper()
	for _, w := range want {
		_ = n.because(t, w) // wherever the reason does not matter
	}
}

// expectChanges is expect without what is told of a state that stays.
func (n *states) expectChanges(t testing.TB, want ...nexmo.SessionState) {
	t.Helper()
	state := nexmo.SessionStateConnected
	for _, w := range want {
		was := state
		for state == was {
			state, _ = n.next(t)
		}
		if state != w {
			t.Errorf("the state is %s, want %s", state, w)
		}
	}
}

// because returns the reason for the next state.
func (n *states) because(t testing.TB, want nexmo.SessionState) error {
	t.Helper()
	state, err := n.next(t)
	if state != want {
		t.Errorf("the state is %s (%v), want %s", state, err, want)
	}
	return err
}

// What the service says about the session: the end of it, or something to know.
func TestSessionNotices(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		says string
		ends error // nil: it goes on
		told nexmo.ErrorCode
	}{
		"41":            {`41`, nexmo.ErrSessionDisconnected, ""},
		"terminated":    {`42["session:terminated",{"body":{}}]`, nexmo.ErrSessionTerminated, "session:terminated"},
		"logged out":    {`42["session:logged-out",{"body":{}}]`, nexmo.ErrSessionTerminated, "session:logged-out"},
		"invalid":       {`42["session:invalid",{"body":{}}]`, nexmo.ErrSessionInvalid, "session:invalid"},
		"system error":  {`428["system:error:permission",{"body":{"description":"no"}}]`, nil, "system:error:permission"},
		"session error": {`42["session:error:timeout",{}]`, nil, "session:error:timeout"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				say := make(chan string)
				opts := scriptedService(t, func(_ int, _ *http.Request, write func(...string), read func(n int) []string) {
					write(openPacket, letIn, successEvent)
					write(<-say, `42["session:update-token:success",{}]`, `42["text",{"id":4,"cid":"CON-1","body":{"text":"x"}}]`)
					read(10)
				})
				s, err := nexmo.Dial(t.Context(), anyToken, opts...)
				if err != nil {
					t.Fatal(err)
				}
				told := statesOf(s)
				events := make(chan nexmo.EventType, 5)
				done := running(t, s, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
					events <- e.Type
					return nil
				}))
				say <- tt.says
				state, err := told.next(t)
				var e *nexmo.SessionError
				if errors.As(err, &e) && e.Code != tt.told || tt.told != "" && e == nil {
					t.Errorf("%s and %v are told", state, err)
				}
				if tt.ends == nil {
					if got := <-events; got != "text" || state != nexmo.SessionStateConnected {
						t.Errorf("%s is delivered, the session is %s", got, state)
					}
					_ = s.Close()
				}
				if err := <-done; !errors.Is(err, tt.ends) || state == nexmo.SessionStateClosed != (tt.ends != nil) {
					t.Errorf("Run returns %v, the state is %s", err, state)
				}
				_ = s.Close()
			})
		})
	}
}

// Functions of OnState may do what they like, and come in order.
func TestSessionOnState(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	s := dial(t, server, userTokens(t, server, "alice", 0))
	s.OnState(func(nexmo.SessionState, error) { panic("a function of OnState") })
	s.OnState(func(nexmo.SessionState, error) { _ = s.Close() })
	told := statesOf(s)
	server.Faults().SendFrame("alice", "system:error:x", map[string]any{})
	told.expect(t, nexmo.SessionStateConnected, nexmo.SessionStateClosed)
}
