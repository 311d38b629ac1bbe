package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// userTokens are those of a user of a server, who is made if there is none.
func userTokens(t testing.TB, server *nexmotest.Server, name string, ttl time.Duration) nexmo.TokenSource {
	t.Helper()
	server.CreateUser(name)
	credentials, err := nexmo.NewCredentials(server.ApplicationID(), server.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	return credentials.User(name, ttl, nexmo.ClientACL())
}

// dial logs a user in, until the test ends.
func dial(t testing.TB, server *nexmotest.Server, tokens nexmo.TokenSource, opts ...nexmo.SessionOption) *nexmo.Session {
	t.Helper()
	s, err := nexmo.Dial(t.Context(), tokens, append(sessionAt(server), opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func sessionAt(server *nexmotest.Server) []nexmo.SessionOption {
	return []nexmo.SessionOption{
		nexmo.WithWebsocketURL(server.WebsocketURL()), nexmo.WithBaseURL(server.URL()), nexmo.WithHTTPClient(server.HTTPClient()),
	}
}

// running is a Run of a session, and what it returned.
func running(t testing.TB, s *nexmo.Session, sink nexmo.Sink) (done <-chan error) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- s.Run(t.Context(), sink) }()
	return ended
}

// transcript notes the IDs of events in the order in which they are handled, and
// tells when there are enough.
type transcript struct {
	mu   sync.Mutex
	ids  []nexmo.EventID
	want int
	full chan struct{}
}

func newTranscript(want int) *transcript { return &transcript{want: want, full: make(chan struct{})} }

func (r *transcript) handle(_ context.Context, e *nexmo.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = append(r.ids, e.ID)
	if len(r.ids) == r.want {
		close(r.full)
	}
	return nil
}

func (r *transcript) all() []nexmo.EventID {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.ids)
}

func (r *transcript) wait(t testing.TB) {
	t.Helper()
	select {
	case <-r.full:
	case <-time.After(2 * time.Minute):
		t.Fatalf("only %d of %d events were handled", len(r.all()), r.want)
	}
}

func from1(n int) []nexmo.EventID {
	ids := make([]nexmo.EventID, n)
	for i := range ids {
		ids[i] = nexmo.EventID(i + 1)
	}
	return ids
}

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

func TestSession(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	conversation := server.CreateConversation("repairs")
	alice := server.Join(conversation, "alice")
	s := dial(t, server, userTokens(t, server, "alice", 0))

	if !strings.HasPrefix(s.ID(), "SES-") || s.Me().Name != "alice" || s.Me().ID != server.CreateUser("alice") {
		t.Errorf("the session is %s of %v", s.ID(), s.Me())
	}
	if got := server.ExpectLogin("alice"); got.SessionID != s.ID() || got.Resumed {
		t.Errorf("the server saw %v", got)
	}
	query := server.ExpectRequest("GET /v2/rtc/").Query
	query.Del("token")
	for _, informative := range []string{"SDK_name", "SDK_version", "OS_family", "OS_revision"} {
		if query.Get(informative) == "" {
			t.Errorf("%s is not sent", informative)
		}
		query.Del(informative)
	}
	want := url.Values{"session_version": {"0.0.1"}, "acknowledge_events": {"true"}, "EIO": {"4"}, "transport": {"websocket"}}
	if diff := cmp.Diff(want, query); diff != "" {
		t.Errorf("the query (-want +got):\n%s", diff)
	}

	got := make(chan *nexmo.Event, 10)
	app := nexmo.NewApplication("", nexmo.WithClient(server.Client()))
	app.OnConversation(func(c *nexmo.Conversation) {
		c.On("text", func(_ context.Context, e *nexmo.Event) error {
			if m, ok := c.Member(e.From); !ok || m.UserName != "bob" || m.State != nexmo.MemberStateJoined {
				t.Errorf("bob is %v", m)
			}
			if m, ok := c.Member(alice); !ok || m.UserName != "alice" || m.State != nexmo.MemberStateJoined {
				t.Errorf("alice, who joined before, is %v", m)
			}
			got <- e
			return nil
		})
	})
	done := running(t, s, app)
	bob := server.Join(conversation, "bob")
	id := server.Emit(conversation, &nexmo.Text{Text: "hello"}, nexmotest.From(bob))
	e := <-got
	if b, ok := nexmo.As[*nexmo.Text](e); !ok || b.Text != "hello" || e.ID != id || e.ConversationID != conversation || e.From != bob {
		t.Errorf("the event is %v", e)
	}
	server.ExpectAck("alice", "session:success")
	server.ExpectAck("alice", "member:joined")
	server.ExpectAck("alice", "text")
	if err := s.Run(t.Context(), app); err == nil {
		t.Error("there are two Runs")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Run returns %v after Close", err)
	}
	if err := s.Logout(t.Context()); !errors.Is(err, nexmo.ErrClosed) {
		t.Errorf("Logout returns %v after Close", err)
	}
	if err := s.UpdateToken(t.Context(), "x"); !errors.Is(err, nexmo.ErrClosed) {
		t.Errorf("UpdateToken returns %v after Close", err)
	}
	if err := s.Run(t.Context(), app); err != nil {
		t.Errorf("Run returns %v after Close", err)
	}
}

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

// A token that the service takes for expired is made anew, once.
func TestDialRenewsToken(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	token := server.UserToken("alice")
	for name, tt := range map[string]struct {
		tokens   nexmo.TokenSource
		refusals int
		want     error
		logins   int
	}{
		"once":                {userTokens(t, server, "alice", 0), 1, nil, 2},
		"twice":               {userTokens(t, server, "alice", 0), 2, nexmo.ErrUnauthorized, 2},
		"a new one each time": {nexmo.TokenFunc(func() (string, error) { return server.UserToken("alice"), nil }), 1, nil, 2},
		"always the same":     {nexmo.TokenFunc(func() (string, error) { return token, nil }), 1, nexmo.ErrUnauthorized, 1},
	} {
		before := len(server.Logins())
		server.Faults().Logins("system:error:expired-token", tt.refusals)
		s, err := nexmo.Dial(t.Context(), tt.tokens, sessionAt(server)...)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: Dial returns %v", name, err)
		}
		if err == nil {
			_ = s.Close()
		}
		if n := len(server.Logins()) - before; n != tt.logins {
			t.Errorf("%s: there are %d logins", name, n)
		}
	}
}

// Where a session is, and where its requests go, follow from one another.
func TestSessionURLs(t *testing.T) {
	t.Parallel()
	const user = "eyJhbGciOiJub25lIn0.e30."
	tests := []struct {
		name string
		opts []nexmo.SessionOption
		want string
		err  string
	}{
		{"the default", nil, "ws-us.vonage.com/v2/rtc/", ""},
		{"a region", []nexmo.SessionOption{nexmo.WithWebsocketURL(nexmo.WebsocketURLAP)}, "ws-ap.vonage.com/v2/rtc/", ""},
		{"the region of requests", []nexmo.SessionOption{nexmo.WithBaseURL(nexmo.BaseURLDublin)}, "ws-eu.vonage.com/v2/rtc/", ""},
		{"the server of requests", []nexmo.SessionOption{nexmo.WithBaseURL("http://example.test:81/")}, "example.test:81/v2/rtc/", ""},
		{"a path", []nexmo.SessionOption{nexmo.WithWebsocketURL("https://example.test/rtc/")}, "example.test/rtc/", ""},
		{"no URL", []nexmo.SessionOption{nexmo.WithWebsocketURL("example.test")}, "", "the websocket URL is not like"},
		{"another scheme", []nexmo.SessionOption{nexmo.WithWebsocketURL("ftp://example.test")}, "", "the websocket URL is not like"},
		{"a query", []nexmo.SessionOption{nexmo.WithWebsocketURL("ws://example.test?x=1")}, "", "the websocket URL is not like"},
		{"no room", []nexmo.SessionOption{nexmo.WithSessionQueue(0)}, "", "WithSessionQueue"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			client := &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				asked <- r.URL.Host + r.URL.Path
				return nil, io.ErrUnexpectedEOF
			})}
			tokens := nexmo.TokenFunc(func() (string, error) { return user, nil })
			_, err := nexmo.Dial(t.Context(), tokens, append(tt.opts, nexmo.WithHTTPClient(client))...)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("Dial returns %v", err)
				}
				return
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), user) {
				t.Errorf("Dial returns %v", err)
			}
			if diff := cmp.Diff(tt.want, <-asked); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

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

// scriptedService is a service in memory whose connections say what a test has them say.
func scriptedService(t *testing.T, script func(n int, r *http.Request, say func(...string), read func(n int) []string)) []nexmo.SessionOption {
	t.Helper()
	var n atomic.Int64
	server := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithEventHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		// There is no buffer between the two: whoever speaks must listen, too.
		heard := make(chan string, 1000)
		var listener sync.WaitGroup
		defer listener.Wait()
		defer ws.CloseNow() //nolint:errcheck // closed in most cases
		listener.Go(func() {
			defer close(heard)
			for {
				_, text, err := ws.Read(context.Background())
				if err != nil {
					return
				}
				heard <- string(text)
			}
		})
		script(int(n.Add(1)), r, func(texts ...string) {
			for _, text := range texts {
				_ = ws.Write(r.Context(), websocket.MessageText, []byte(text)) // the client may have gone
			}
		}, func(n int) []string { // what the client says until it has said so much, or leaves
			var said []string
			for text := range heard {
				if said = append(said, text); len(said) == n {
					break
				}
			}
			return said
		})
	})))
	return []nexmo.SessionOption{nexmo.WithWebsocketURL(server.EventURL()), nexmo.WithHTTPClient(server.HTTPClient())}
}

const (
	openPacket   = `0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
	letIn        = `40{"sid":"n"}`
	successEvent = `420["session:success",{"body":{"id":"SES-1","user_id":"USR-1","name":"alice"}}]`
)

var anyToken = nexmo.TokenFunc(func() (string, error) { return "token", nil })

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

// A handler that does not return holds up neither acknowledgements nor pongs, and
// nothing is lost when more waits than there is room for.
func TestSessionSlowHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events, room = 100, 10
		server := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithPings(time.Second, time.Second))
		s := dial(t, server, userTokens(t, server, "alice", time.Hour), nexmo.WithSessionQueue(room))
		conversation := server.CreateConversation("")
		told := statesOf(s)
		release := make(chan struct{})
		record := newTranscript(events + 1)
		c := nexmo.NewConversation(conversation)
		c.On("*", func(ctx context.Context, e *nexmo.Event) error {
			<-release
			return record.handle(ctx, e)
		})
		done := running(t, s, c)
		alice := server.Join(conversation, "alice")
		for range 5 {
			server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
		}
		synctest.Wait()
		if n := len(server.Acks()); n != 1+1+5 {
			t.Errorf("%d frames are acknowledged while a handler is busy, want 7", n)
		}
		time.Sleep(time.Minute) // of pings
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins: the connection was lost", n)
		}
		for range events - 5 {
			server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
		}
		told.expect(t, nexmo.SessionStateDisconnected)
		time.Sleep(time.Minute)
		if n := len(server.Logins()); n != 1 {
			t.Errorf("the session is resumed before there is room: %d logins", n)
		}
		if n := len(server.Acks()); n != 1+room {
			t.Errorf("%d frames are acknowledged with room for %d", n, room)
		}
		close(release)
		record.wait(t)
		told.expect(t, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		first := int(record.all()[0])
		if diff := cmp.Diff(from1(first + events)[first-1:], record.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// An error of the sink, or a panic, is logged, and the session goes on; the event on which the
// context has ended is delivered by the next Run.
func TestSessionRunErrors(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	server := nexmotest.NewServer(t)
	conversation := server.CreateConversation("")
	alice := server.Join(conversation, "alice")
	s := dial(t, server, userTokens(t, server, "alice", 0), nexmo.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for range 3 {
		server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got []nexmo.EventID
	err := s.Run(ctx, nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
		got = append(got, e.ID)
		if len(got) == 2 {
			cancel()
			return ctx.Err()
		}
		return errors.New("own error")
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returns %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	err = s.Run(ctx, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
		if got = append(got, e.ID); len(got) == 4 {
			cancel()
			return nil
		}
		panic("own panic")
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returns %v", err)
	}
	if err := s.Run(t.Context(), nil); err == nil {
		t.Error("Run needs no Sink")
	}
	first := got[0]
	if diff := cmp.Diff([]nexmo.EventID{first, first + 1, first + 1, first + 2}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_ = s.Close()
	if !strings.Contains(log.String(), "own error") || !strings.Contains(log.String(), "own panic") || !strings.Contains(log.String(), "event_type=text") {
		t.Errorf("logged: %s", log.String())
	}
}

func TestSessionLogout(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	s := dial(t, server, userTokens(t, server, "alice", 0))
	told := statesOf(s)
	done := running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil }))
	id := s.ID()
	if err := s.Logout(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Run returns %v", err)
	}
	if len(told.more) != 1 {
		t.Error("Run has not waited for the functions of OnState")
	}
	if err := told.because(t, nexmo.SessionStateClosed); err != nil {
		t.Errorf("%v is told", err)
	}
	_, err := nexmo.Dial(t.Context(), userTokens(t, server, "alice", 0), append(sessionAt(server), nexmo.WithResume(id))...)
	if !errors.Is(err, nexmo.ErrSessionInvalid) {
		t.Errorf("Dial returns %v for a session that was logged out", err)
	}
}

// When the session is over Run returns, although events are held back behind one that
// only the next session brings.
func TestSessionRunGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const second = `["text",{"id":2,"cid":"CON-1","body":{"text":"x"}}]`
		end := make(chan struct{})
		opts := scriptedService(t, func(n int, _ *http.Request, say func(...string), read func(n int) []string) {
			say(openPacket, letIn, successEvent)
			if n == 2 {
				say("42" + second)
				read(10)
				return
			}
			say(`421["text",{"id":1,"cid":"CON-1","body":{"text":"x"}}]`, `423["text",{"id":3,"cid":"CON-1","body":{"text":"x"}}]`)
			<-end
			say("41")
			read(10)
		})
		record := newTranscript(3)
		c := nexmo.NewConversation("CON-1", nexmo.WithReorderWindow(10, time.Hour))
		defer c.Close() //nolint:errcheck // nothing is held back
		c.On("text", record.handle)
		for _, want := range []error{nexmo.ErrSessionDisconnected, nil} {
			s, err := nexmo.Dial(t.Context(), anyToken, append(opts, nexmo.WithResume("SES-1"))...)
			if err != nil {
				t.Fatal(err)
			}
			done := running(t, s, c)
			synctest.Wait()
			if want != nil {
				close(end)
			} else {
				_ = s.Close()
			}
			synctest.Wait()
			select {
			case err := <-done:
				if !errors.Is(err, want) {
					t.Errorf("Run returns %v", err)
				}
			default:
				t.Error("Run waits for what is missing")
			}
		}
		if diff := cmp.Diff(from1(3), record.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// After the connection was given up for want of room, the next attempt takes its time
// as any other does.
func TestSessionRoomDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events, room = 50, 5
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		s := dial(t, server, userTokens(t, server, "alice", time.Hour), nexmo.WithSessionQueue(room))
		told := statesOf(s)
		conversation := server.CreateConversation("")
		alice := server.Join(conversation, "alice")
		record := newTranscript(events + 1)
		done := running(t, s, nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			time.Sleep(time.Millisecond)
			return record.handle(ctx, e)
		}))
		for range events {
			server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
		}
		told.expect(t, nexmo.SessionStateDisconnected)
		start := time.Now()
		told.expect(t, nexmo.SessionStateReconnecting)
		if d := time.Since(start); d < 500*time.Millisecond || d > 3500*time.Millisecond {
			t.Errorf("the next attempt came after %v", d)
		}
		record.wait(t)
		_ = s.Close()
		if err := <-done; err != nil {
			t.Errorf("Run returns %v", err)
		}
	})
}

// A logout waits for the connection, and gives up with its context.
func TestSessionLogoutWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		s := dial(t, server, userTokens(t, server, "alice", time.Hour))
		told := statesOf(s)
		server.Faults().CutSessions("alice")
		told.expect(t, nexmo.SessionStateDisconnected)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		if err := s.Logout(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Logout returns %v", err)
		}
		if err := s.Logout(t.Context()); err != nil {
			t.Errorf("Logout returns %v", err)
		}
		told.expect(t, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected, nexmo.SessionStateClosed)
	})
}

// What counts as the answer to a logout is told by its rid, or ends the session.
func TestSessionLogoutAnswers(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		says string // rid stands for the tid
		want error
		over bool
	}{
		"logged out":           {`425["session:logged-out",{"rid":"rid","body":{}}]`, nil, true},
		"terminated":           {`42["session:terminated",{"rid":"rid","body":{}}]`, nil, true},
		"another name":         {`42["tomorrow",{"rid":"rid"}]`, nil, true},
		"terminated, no rid":   {`42["session:terminated",{}]`, nil, true},
		"sent away":            {`41`, nil, true},
		"an error":             {`425["system:error:permission",{"rid":"rid","body":{}}]`, &nexmo.SessionError{Code: "system:error:permission"}, false},
		"an error of another":  {`42["system:error:permission",{"rid":"x","body":{}}]`, context.DeadlineExceeded, false},
		"an answer to another": {`42["tomorrow",{"rid":"x","id":1,"cid":"CON-1"}]`, context.DeadlineExceeded, false},
		"none":                 {`6`, context.DeadlineExceeded, false},
	}
	request := regexp.MustCompile(`^42\["session:logout",\{"tid":"([0-9a-f-]{36})","body":\{\}\}\]$`)
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := scriptedService(t, func(_ int, _ *http.Request, say func(...string), read func(n int) []string) {
					say(openPacket, letIn, successEvent)
					asked := request.FindStringSubmatch(read(3)[2])
					if asked == nil {
						t.Error("this is no request to log out")
						return
					}
					say(strings.Replace(tt.says, `"rid":"rid"`, `"rid":"`+asked[1]+`"`, 1))
					read(10)
				})
				s, err := nexmo.Dial(t.Context(), anyToken, opts...)
				if err != nil {
					t.Fatal(err)
				}
				told := statesOf(s)
				done := running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil }))
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				err = s.Logout(ctx)
				want, refused := errors.AsType[*nexmo.SessionError](tt.want)
				got, _ := errors.AsType[*nexmo.SessionError](err)
				if refused && (got == nil || got.Code != want.Code) || !refused && !errors.Is(err, tt.want) {
					t.Errorf("Logout returns %v, want %v", err, tt.want)
				}
				synctest.Wait()
				if over := len(done) > 0; over != tt.over {
					t.Errorf("is it over? %v, want %v", over, tt.over)
				}
				_ = s.Close()
				if err := <-done; err != nil {
					t.Errorf("Run returns %v", err)
				}
				var state nexmo.SessionState
				for state != nexmo.SessionStateClosed { // an error may have been told before
					state, err = told.next(t)
				}
				if err != nil {
					t.Errorf("the end is told as %v", err)
				}
			})
		})
	}
}

// A session that was closed goes on elsewhere, with what was missed.
func TestSessionResume(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	tokens := userTokens(t, server, "alice", 0)
	conversation := server.CreateConversation("")
	alice := server.Join(conversation, "alice")
	s := dial(t, server, tokens)
	_ = s.Close()
	_ = s.Close()
	id := server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
	again := dial(t, server, tokens, nexmo.WithResume(s.ID()))
	if again.ID() != s.ID() {
		t.Errorf("it is session %s, want %s", again.ID(), s.ID())
	}
	got := make(chan *nexmo.Event, 1)
	running(t, again, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
		got <- e
		return nil
	}))
	if e := <-got; e.ID != id || e.Type != "text" || e.ConversationID != conversation {
		t.Errorf("the event that was missed is %v", e)
	}
}

// An event that overtakes the answer when a session goes on is not lost, nor taken for
// the answer.
func TestSessionResumeOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := make(chan struct{})
		opts := scriptedService(t, func(n int, _ *http.Request, say func(...string), read func(n int) []string) {
			say(openPacket, letIn)
			want := []string{"40", "430[]"}
			if n == 2 {
				say(`427["text",{"id":4,"cid":"CON-1","body":{"text":"x"}}]`)
				want = []string{"40", "437[]", "430[]"}
			}
			say(successEvent)
			if diff := cmp.Diff(want, read(len(want))); diff != "" {
				t.Errorf("connection %d (-want +got):\n%s", n, diff)
			}
			if <-begin; n == 2 {
				read(1)
			}
		})
		s, err := nexmo.Dial(t.Context(), anyToken, opts...)
		if err != nil {
			t.Fatal(err)
		}
		told := statesOf(s)
		close(begin)
		record := newTranscript(1)
		running(t, s, nexmo.SinkFunc(record.handle))
		record.wait(t)
		told.expect(t, nexmo.SessionStateDisconnected, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		_ = s.Close()
	})
}

// The token is renewed before it has expired, as often as need be, and the session
// goes on with the one it is given.
func TestSessionToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		s := dial(t, server, userTokens(t, server, "alice", 30*time.Second))
		told := statesOf(s)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins", n)
		}
		puts := requestsTo(server, http.MethodPut, "/v0.2/sessions/"+s.ID())
		if puts < 20 || puts > 40 {
			t.Errorf("the token was renewed %d times in ten minutes", puts)
		}
		if err := s.UpdateToken(t.Context(), server.UserToken("alice")); err != nil { // good for 15 minutes
			t.Fatal(err)
		}
		time.Sleep(12 * time.Minute)
		if n := requestsTo(server, http.MethodPut, "/v0.2/sessions/"+s.ID()); n != puts+1 {
			t.Errorf("the token that was given was renewed %d times", n-puts-1)
		}
		time.Sleep(time.Hour)
		server.Faults().SendFrame("alice", "system:error:expired-token", map[string]any{"body": map[string]any{}})
		if err := told.because(t, nexmo.SessionStateConnected); !errors.Is(err, nexmo.ErrUnauthorized) {
			t.Errorf("%v is told", err)
		}
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins", n)
		}
		if err := s.UpdateToken(t.Context(), server.UserToken("bob")); !errors.Is(err, nexmo.ErrNotFound) {
			t.Errorf("the token of somebody else: %v", err)
		}
		if err := s.UpdateToken(t.Context(), " "); !errors.Is(err, nexmo.ErrInvalid) {
			t.Errorf("no token: %v", err)
		}
	})
}

// A token that cannot be renewed is told, and 41 is the end; a new token resumes.
func TestSessionTokenExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		token := server.UserToken("alice")
		s := dial(t, server, nexmo.TokenFunc(func() (string, error) { return token, nil }))
		told := statesOf(s)
		done := running(t, s, nexmo.SinkFunc(nil))
		if err := told.because(t, nexmo.SessionStateConnected); err == nil {
			t.Error("nothing is said of a token that cannot be renewed")
		}
		if err := <-done; !errors.Is(err, nexmo.ErrSessionDisconnected) {
			t.Errorf("Run returns %v", err)
		}
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins", n)
		}
		_ = s.Close()
		token = server.UserToken("alice")
		dial(t, server, nexmo.TokenFunc(func() (string, error) { return token, nil }), nexmo.WithResume(s.ID()))
	})
}

// Without a connection a token is kept for the next one.
func TestSessionTokenDisconnected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tokens []string
		begin := make(chan struct{})
		opts := scriptedService(t, func(n int, r *http.Request, say func(...string), read func(n int) []string) {
			tokens = append(tokens, r.URL.Query().Get("token"))
			say(openPacket, letIn, successEvent)
			read(2)
			if <-begin; n > 1 {
				read(1)
			}
		})
		s, err := nexmo.Dial(t.Context(), anyToken, opts...)
		if err != nil {
			t.Fatal(err)
		}
		told := statesOf(s)
		close(begin)
		told.expect(t, nexmo.SessionStateDisconnected)
		if err := s.UpdateToken(t.Context(), "another"); err != nil {
			t.Fatal(err)
		}
		told.expect(t, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		_ = s.Close()
		if diff := cmp.Diff([]string{"token", "another"}, tokens); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func requestsTo(server *nexmotest.Server, method, path string) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Method == method && r.Path == path && r.Status < 300 {
			n++
		}
	}
	return n
}

// Receipts are sent for what others say, once, and only when asked for.
func TestSessionDeliveryReceipts(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			server := nexmotest.NewServer(t, nexmotest.InMemory())
			conversation := server.CreateConversation("")
			alice, bob := server.Join(conversation, "alice"), server.Join(conversation, "bob")
			var opts []nexmo.SessionOption
			if asked {
				opts = append(opts, nexmo.WithDeliveryReceipts())
			}
			s := dial(t, server, userTokens(t, server, "alice", time.Hour), opts...)
			running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil }))
			server.Faults().Frames("alice", nexmotest.Duplicate(), 0)
			text := server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(bob))
			message := server.Emit(conversation, &nexmo.Message{MessageContent: nexmo.TextMessage("x")}, nexmotest.From(bob))
			server.Emit(conversation, &nexmo.Custom{Name: "x", JSON: `{}`}, nexmotest.From(bob))
			server.Emit(conversation, &nexmo.Text{Text: "own"}, nexmotest.From(alice))
			synctest.Wait()
			got := map[nexmo.EventID]string{}
			for e, err := range server.Client().Events(t.Context(), conversation, nil) {
				if err != nil {
					t.Fatal(err)
				}
				switch b := e.Body.(type) {
				case *nexmo.TextDelivered:
					got[b.EventID] += "text from " + e.From
				case *nexmo.MessageDelivered:
					got[b.EventID] += "message from " + e.From
				}
			}
			want := map[nexmo.EventID]string{}
			if asked {
				want = map[nexmo.EventID]string{text: "text from " + alice, message: "message from " + alice}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("asked for: %v (-want +got):\n%s", asked, diff)
			}
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

// BenchmarkSessions holds a thousand sessions in one process, has each of them get an
// event, and tells the memory of each; the other end of the connection, and the
// server, count.
func BenchmarkSessions(b *testing.B) {
	const sessions, members = 1000, 50
	server := nexmotest.NewServer(b, nexmotest.InMemory())
	server.HTTPClient().Transport.(*http.Transport).MaxConnsPerHost = 0
	var conversations []string
	tokens := make([]nexmo.TokenSource, sessions)
	for i := range tokens {
		name := fmt.Sprint("user", i)
		tokens[i] = userTokens(b, server, name, 24*time.Hour)
		if _, err := tokens[i].Token(); err != nil { // which is kept
			b.Fatal(err)
		}
		if i%members == 0 {
			conversations = append(conversations, server.CreateConversation(""))
		}
		server.Join(conversations[i/members], name)
	}
	for b.Loop() {
		var all sync.WaitGroup
		var handled atomic.Int64
		list := make([]*nexmo.Session, sessions)
		before := memoryInUse()
		for i := range list {
			s, err := nexmo.Dial(b.Context(), tokens[i], sessionAt(server)...)
			if err != nil {
				b.Fatal(err)
			}
			list[i] = s
			all.Go(func() {
				_ = s.Run(b.Context(), nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
					handled.Add(1)
					return nil
				}))
			})
		}
		b.ReportMetric(float64(memoryInUse()-before)/sessions, "B/session")
		for _, id := range conversations {
			server.Emit(id, &nexmo.Custom{Name: "x", JSON: `{}`})
		}
		for handled.Load() < sessions {
			runtime.Gosched()
		}
		for _, s := range list {
			if err := s.Logout(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		all.Wait()
	}
}

// memoryInUse returns how much memory is in use, stacks of goroutines included.
func memoryInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// TestSessionPrintsNoToken: neither printing nor logging a session, or a client,
// shows a token.
func TestSessionPrintsNoToken(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	token := server.UserToken("alice")
	s := dial(t, server, nexmo.TokenFunc(func() (string, error) { return token, nil }))
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("session", "session", s, "client", server.Client())
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x"}
	for _, verb := range verbs {
		fmt.Fprintf(&log, verb, s)
	}
	// Here fmt looks at the fields themselves, without regard to who writes to them.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	within := struct{ s *nexmo.Session }{s}
	for _, verb := range verbs {
		fmt.Fprintf(&log, verb, within)
	}
	if strings.Contains(log.String(), token) {
		t.Errorf("the token is in %s", &log)
	}
	if !strings.Contains(log.String(), s.ID()) {
		t.Errorf("the ID is not in %s", &log)
	}
}
