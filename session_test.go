package nexmo_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
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
	if e.Type == "" {
		return nil // an event that was missed, cut short
	}
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

func requestsTo(server *nexmotest.Server, method, path string) int {
	n := 0
	for _, r := range server.Requests() {
		if r.Method == method && r.Path == path && r.Status < 300 {
			n++
		}
	}
	return n
}
