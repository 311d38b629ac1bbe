package nexmo_test

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestDialErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		server func(t *testing.T, server *nexmotest.Server) nexmo.TokenSource
		is     error
		want   string
	}{
		{"no token", func(*testing.T, *nexmotest.Server) nexmo.TokenSource { return nil }, nil, "there are no tokens"},
		{"tokens of the application", func(t *testing.T, server *nexmotest.Server) nexmo.TokenSource {
			c, err := nexmo.NewCredentials(server.ApplicationID(), server.PrivateKey())
			if err != nil {
				t.Fatal(err)
			}
			return c
		}, nil, "give Credentials.User"},
		{"the source fails", func(*testing.T, *nexmotest.Server) nexmo.TokenSource {
			return nexmo.TokenFunc(func() (string, error) { return "", io.ErrUnexpectedEOF })
		}, io.ErrUnexpectedEOF, "no token"},
		{"a token that is none", func(*testing.T, *nexmotest.Server) nexmo.TokenSource {
			return nexmo.TokenFunc(func() (string, error) { return "a.b.c", nil })
		}, nexmo.ErrUnauthorized, "system:error:invalid-token"},
		{"too many sessions", func(t *testing.T, server *nexmotest.Server) nexmo.TokenSource {
			server.Faults().Logins("session:error:max-open-sessions", 1)
			return userTokens(t, server, "alice", 0)
		}, nexmo.ErrTooManySessions, "nexmo: session: session:error:max-open-sessions"},
		{"no permission", func(t *testing.T, server *nexmotest.Server) nexmo.TokenSource {
			server.CreateUser("alice")
			c, err := nexmo.NewCredentials(server.ApplicationID(), server.PrivateKey())
			if err != nil {
				t.Fatal(err)
			}
			return c.User("alice", 0, nexmo.NewACL(nexmo.ACLImage))
		}, nil, "system:error:permission"},
		{"an event of tomorrow", func(t *testing.T, server *nexmotest.Server) nexmo.TokenSource {
			server.Faults().Logins("member:joined", 1)
			return userTokens(t, server, "alice", 0)
		}, nil, "nexmo: session: member:joined"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := nexmotest.NewServer(t)
			tokens := tt.server(t, server)
			_, err := nexmo.Dial(t.Context(), tokens, sessionAt(server)...)
			if err == nil || !strings.Contains(err.Error(), tt.want) || tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("Dial returns %v, want %s", err, tt.want)
			}
		})
	}
}

// Each event once, in order and acknowledged, whatever happens to the frames and to
// the session.
func TestSessionFaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events, cuts int
		disturb      func(f *nexmotest.Faults)
	}{
		"none":       {2000, 0, func(*nexmotest.Faults) {}},
		"dropped":    {2000, 0, func(f *nexmotest.Faults) { f.Frames("alice", nexmotest.Drop(), 300, "message") }},
		"duplicated": {2000, 0, func(f *nexmotest.Faults) { f.Frames("alice", nexmotest.Duplicate(), 0) }},
		"reordered":  {2000, 0, func(f *nexmotest.Faults) { f.Frames("alice", nexmotest.Reorder(5), 200) }},
		"cut":        {2000, 10, func(*nexmotest.Faults) {}},
		"truncated":  {2000, 0, func(f *nexmotest.Faults) { f.Frames("alice", nexmotest.Truncated(), 50, "text") }},
		"all": {10_000, 30, func(f *nexmotest.Faults) {
			f.Frames("alice", nexmotest.Drop(), 200, "message")
			f.Frames("alice", nexmotest.Truncated(), 50, "message")
			f.Frames("alice", nexmotest.Reorder(3), 300, "text")
			f.Frames("alice", nexmotest.Duplicate(), 0, "message", "text")
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := nexmotest.NewServer(t, nexmotest.InMemory())
				tokens := userTokens(t, server, "alice", time.Minute) // a few times
				s := dial(t, server, tokens)
				record := newTranscript(tt.events + 1)
				app := nexmo.NewApplication("", nexmo.WithClient(server.Client()))
				defer app.Close() //nolint:errcheck // nothing is held back
				app.On("*", record.handle)
				done := running(t, s, app)

				conversation := server.CreateConversation("")
				alice := server.Join(conversation, "alice")
				synctest.Wait()
				tt.disturb(server.Faults())
				bodies := []nexmo.Body{&nexmo.Text{Text: "x"}, &nexmo.Message{MessageContent: nexmo.TextMessage("x")}, &nexmo.Custom{Name: "order", JSON: `{}`}}
				for i := range tt.events {
					if tt.cuts > 0 && i%(tt.events/tt.cuts) == 20 {
						server.Faults().Frames("alice", nexmotest.Cut(), 1, "custom:*")
					}
					switch i {
					case 4000: // sent away in the midst of it, and back with a new token
						server.Faults().DisconnectSessions("alice")
						if err := <-done; !errors.Is(err, nexmo.ErrSessionDisconnected) {
							t.Errorf("Run returns %v", err)
						}
						s = dial(t, server, tokens, nexmo.WithResume(s.ID()))
						done = running(t, s, app)
					case 6000: // away, and back with a token that has run out
						server.Faults().Logins("system:error:expired-token", 1)
						server.Faults().CutSessions("alice")
					case tt.events - 20:
						server.Faults().Clear() // a gap at the end is not noticed
					}
					server.Emit(conversation, bodies[i%3], nexmotest.From(alice))
					if i%50 == 49 {
						time.Sleep(time.Second) // what was cut is resumed in the midst of the others
					}
				}
				record.wait(t)
				synctest.Wait()
				first := record.all()[0]
				want := from1(tt.events + int(first))[first-1:]
				if diff := cmp.Diff(want, record.all()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}

				// What was not acknowledged would come again.
				_ = s.Close()
				if err := <-done; err != nil {
					t.Errorf("Run returns %v", err)
				}
				s = dial(t, server, tokens, nexmo.WithResume(s.ID()))
				done = running(t, s, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
					t.Errorf("event %d was not acknowledged", e.ID)
					return nil
				}))
				synctest.Wait()
				start := time.Now()
				if err := s.Logout(t.Context()); err != nil {
					t.Error(err)
				}
				if d := time.Since(start); d != 0 {
					t.Errorf("Logout took %v", d)
				}
				if err := <-done; err != nil {
					t.Errorf("Run returns %v", err)
				}
				if n := len(server.Logins()); n <= tt.cuts {
					t.Errorf("there are %d logins for %d cuts", n, tt.cuts)
				}
			})
		})
	}
}

// Two hundred cuts in the midst of things: no event is lost, none handled twice,
// and none of them by asking for it.
func TestSessionKilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const cuts, seed = 200, 7
		random := rand.New(rand.NewPCG(seed, seed))
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		s := dial(t, server, userTokens(t, server, "alice", 24*time.Hour))
		conversation := server.CreateConversation("")
		alice := server.Join(conversation, "alice")
		var handled []nexmo.EventID
		c := nexmo.NewConversation(conversation, nexmo.WithReorderWindow(1<<16, time.Hour),
			nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) { t.Errorf("%v is missing", g) }))
		defer c.Close() //nolint:errcheck // nothing is held back
		c.On("*", func(_ context.Context, e *nexmo.Event) error {
			handled = append(handled, e.ID)
			return nil
		})
		done := running(t, s, c)
		told := statesOf(s)
		total := 1 // alice has joined
		emit := func() {
			for range random.IntN(20) {
				server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
				total++
			}
		}
		for range cuts {
			synctest.Wait()
			emit()
			for range random.IntN(400) { // somewhere between the first byte and the last acknowledgement
				runtime.Gosched()
			}
			if random.IntN(2) == 0 {
				server.Faults().CutSessions("alice")
			} else {
				server.Faults().CloseSessions("alice")
			}
			emit()
			told.expect(t, nexmo.SessionStateDisconnected, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		}
		synctest.Wait()
		if n := len(server.Logins()); n != cuts+1 {
			t.Errorf("there are %d logins for %d cuts", n, cuts)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Errorf("Run returns %v", err)
		}
		first := int(handled[0])
		if diff := cmp.Diff(from1(first + total - 1)[first-1:], handled); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		t.Logf("%d events, %d cuts", total, cuts)
	})
}

// The delays before attempts are those that are documented.
func TestSessionBackoff(t *testing.T) {
	t.Parallel()
	shorter, longer := 0, 0                                                                              // than the delay without jitter
	bounds := [][2]time.Duration{{500, 3500}, {1000, 7000}, {2000, 14000}, {4000, 15000}, {8000, 15000}} // milliseconds
	for n := range 20 {
		synctest.Test(t, func(t *testing.T) {
			var attempts []time.Time
			begin := make(chan struct{})
			opts := scriptedService(t, func(n int, _ *http.Request, say func(...string), read func(n int) []string) {
				attempts = append(attempts, time.Now())
				switch n {
				case 1, 4: // then the count begins anew
					say(openPacket, letIn, successEvent)
					read(2)
					<-begin
				}
			})
			s, err := nexmo.Dial(t.Context(), anyToken, opts...)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close() //nolint:errcheck // it is over
			told := statesOf(s)
			close(begin)
			err = s.Run(t.Context(), nexmo.SinkFunc(nil))
			if !errors.Is(err, nexmo.ErrReconnect) || !strings.Contains(err.Error(), "after 5 attempts") || strings.Contains(err.Error(), "token=") {
				t.Errorf("Run returns %v", err)
			}
			const down, up = nexmo.SessionStateDisconnected, nexmo.SessionStateReconnecting
			told.expect(t, down, up, down, up, down, up, nexmo.SessionStateConnected)
			if n == 0 {
				told.expect(t, down, up, down, up, down, up, down, up, down, up)
			} else {
				for range 10 {
					_, _ = told.next(t)
				}
			}
			if err := told.because(t, nexmo.SessionStateClosed); !errors.Is(err, nexmo.ErrReconnect) {
				t.Errorf("the end is told as %v", err)
			}
			if len(attempts) != 9 {
				t.Fatalf("there are %d connections", len(attempts))
			}
			for i, failed := range []int{0, 1, 2, 0, 1, 2, 3, 4} {
				delay := attempts[i+1].Sub(attempts[i])
				if b := bounds[failed]; delay < b[0]*time.Millisecond || delay > b[1]*time.Millisecond {
					t.Errorf("attempt %d came after %v, want %v", i+1, delay, b)
				}
				if delay < 2*time.Second<<failed {
					shorter++
				} else {
					longer++
				}
			}
		})
	}
	if shorter < 20 || longer < 20 {
		t.Errorf("%d delays are shorter than without jitter, %d longer; want about half each", shorter, longer)
	}
}

// A connection on which no ping comes in time is given up.
func TestSessionPingDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := scriptedService(t, func(n int, r *http.Request, say func(...string), read func(n int) []string) {
			say(openPacket, letIn, successEvent)
			want := []string{"40", "430[]"}
			if n == 2 {
				if diff := cmp.Diff(url.Values{"session_id": {"SES-1"}, "token": {"token"}, "EIO": {"4"}, "transport": {"websocket"}}, r.URL.Query()); diff != "" {
					t.Errorf("the query of a connection that resumes (-want +got):\n%s", diff)
				}
				say("2")
				want = append(want, "3")
			}
			if diff := cmp.Diff(want, read(len(want))); diff != "" {
				t.Errorf("connection %d (-want +got):\n%s", n, diff)
			}
			read(1)
		})
		s, err := nexmo.Dial(t.Context(), anyToken, opts...)
		if err != nil {
			t.Fatal(err)
		}
		start, told := time.Now(), statesOf(s)
		if err := told.because(t, nexmo.SessionStateDisconnected); err == nil {
			t.Error("the reason is not told")
		}
		if d := time.Since(start); d != 45*time.Second {
			t.Errorf("it is given up after %v, want 45s", d)
		}
		told.expect(t, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		synctest.Wait() // for the pong
		_ = s.Close()
	})
}

// The login is what comes first, and waits for that no longer than it may.
func TestSessionLogin(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		says []string
		want string
		took time.Duration
	}{
		"no answer":           {nil, "did not answer the login in time", 20 * time.Second},
		"an echo":             {[]string{`42["echo",{}]`, successEvent}, "", 0},
		"a packet of another": {[]string{`42/x,["a",{}]`, successEvent}, "", 0},
		"refused":             {[]string{`421["session:error:invalid",{"body":{"description":"secret"}}]`}, "nexmo: session: session:error:invalid", 0},
		"success of nothing":  {[]string{`42["session:success",{}]`}, "does not name the session", 0},
		"disconnected":        {[]string{`41`}, "disconnected by the service", 0},
		"not let in":          {[]string{`44{"message":"secret"}`}, "nexmo: session: connect_error", 0},
		"the engine closes":   {[]string{`1`}, "closed the engine", 0},
		"no pending events":   {[]string{`42["session:success",{"body":{"id":"SES-1","pending_events":null}}]`}, "", 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := scriptedService(t, func(_ int, _ *http.Request, say func(...string), read func(n int) []string) {
					say(openPacket, letIn)
					say(tt.says...)
					read(10)
				})
				start := time.Now()
				s, err := nexmo.Dial(t.Context(), anyToken, opts...)
				if err == nil {
					_ = s.Close()
				}
				if (err == nil) != (tt.want == "") || err != nil && (!strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret")) {
					t.Errorf("Dial returns %v, want %q", err, tt.want)
				}
				if d := time.Since(start); d != tt.took {
					t.Errorf("it took %v, want %v", d, tt.took)
				}
			})
		})
	}
}

func TestDialContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		opts := scriptedService(t, func(_ int, _ *http.Request, say func(...string), read func(n int) []string) {
			say(openPacket, letIn)
			read(10)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		if _, err := nexmo.Dial(ctx, anyToken, opts...); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Dial returns %v", err)
		}
	})
}
