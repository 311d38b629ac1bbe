package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// tokens stand for Credentials.
var tokens = nexmo.TokenFunc(func() (string, error) { return "a token", nil })

// liveService is a service with one conversation, which notes what it is asked.
type liveService struct {
	mu       sync.Mutex
	asked    []string
	answers  map[string]string // by "METHOD path"
	events   int               // how many are stored
	fallback string
}

func (s *liveService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := r.Method + " " + r.URL.Path
	s.asked = append(s.asked, strings.TrimSpace(key+" "+string(body)))
	if key == "GET /v1/conversations/CON-1/events" {
		var items []string
		var start int
		_, _ = fmt.Sscan(r.URL.Query().Get("start_id"), &start)
		for id := max(start, 1); id <= s.events; id++ {
			items = append(items, fmt.Sprintf(`{"id":%d,"type":"text","from":"MEM-1","body":{"text":"number %d"}}`, id, id))
		}
		_, _ = io.WriteString(w, `{"_embedded":{"events":[`+strings.Join(items, ",")+`]}}`)
		return
	}
	answer, ok := s.answers[key]
	if !ok && s.fallback != "" {
		answer, ok = s.fallback, true
	}
	if !ok {
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, answer)
}

func (s *liveService) client(t *testing.T) *nexmo.Client {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	h := server.Client()
	t.Cleanup(h.CloseIdleConnections)
	c, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(server.URL), nexmo.WithHTTPClient(h))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newLiveService() *liveService {
	return &liveService{events: 4, answers: map[string]string{
		"GET /v1/conversations/CON-1": `{"id":"CON-1","name":"NAM-1","display_name":"Repairs","image_url":"https://example.com/i.png","state":"ACTIVE",` +
			`"sequence_number":4,"timestamp":{"created":"2024-05-16T08:00:00Z"},"properties":{"ttl":60,"custom_data":{"Order No":441}},` +
			`"numbers":[{"type":"phone","number":"15555550123"}],"callback":{"url":"https://example.com/cb","params":{"applicationId":"APP-1"}}}`,
		"GET /v1/conversations/CON-1/members": `{"_embedded":{"members":[` +
			`{"id":"MEM-1","state":"JOINED","_embedded":{"user":{"id":"USR-1","name":"priya","display_name":"Priya"}},` +
			`"channel":{"type":"phone","id":"leg-1","leg_ids":["leg-2"]},"media":{"audio_settings":{"enabled":true,"muted":false}},"timestamp":{"joined":"2024-05-16T08:00:01Z"}},` +
			`{"id":"MEM-2","state":"left","_embedded":{"user":{"id":"USR-2","name":"sam"}}}]}}`,
	}}
}

// TestClientConversation loads a conversation, and goes on with its events.
func TestClientConversation(t *testing.T) {
	t.Parallel()
	service := newLiveService()
	c, err := service.client(t).Conversation(t.Context(), "CON-1", nexmo.WithReorderWindow(64, time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { checkError(t, c.Close(), nil) }()
	wantInfo := nexmo.ConversationInfo{
		ID: "CON-1", Name: "NAM-1", DisplayName: "Repairs", ImageURL: "https://example.com/i.png", State: nexmo.ConversationStateActive, SequenceNumber: 4,
		Timestamp:  nexmo.ConversationTimestamp{Created: time.Date(2024, 5, 16, 8, 0, 0, 0, time.UTC)},
		Properties: &nexmo.ConversationProperties{TTL: nexmo.Seconds(time.Minute), CustomData: `{"Order No":441}`},
		Numbers:    []nexmo.ConversationNumber{{Type: "phone", Number: "15555550123"}},
		Callback:   &nexmo.Callback{URL: "https://example.com/cb", Params: nexmo.CallbackParams{ApplicationID: "APP-1"}},
	}
	if diff := cmp.Diff(wantInfo, c.Info()); diff != "" {
		t.Errorf("Info (-want +got):\n%s", diff)
	}
	var members []nexmo.Member
	for m := range c.Members() {
		members = append(members, m)
	}
	wantMembers := []nexmo.Member{
		{
			ID: "MEM-1", UserID: "USR-1", UserName: "priya", DisplayName: "Priya", State: nexmo.MemberStateJoined,
			Channel:   &nexmo.Channel{Type: "phone", ID: "leg-1", LegIDs: []string{"leg-2"}},
			Media:     nexmo.Media{AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Muted: nexmo.False}},
			Timestamp: nexmo.MemberTimestamp{Joined: time.Date(2024, 5, 16, 8, 0, 1, 0, time.UTC)},
		},
		{ID: "MEM-2", UserID: "USR-2", UserName: "sam", State: nexmo.MemberStateLeft},
	}
	if diff := cmp.Diff(wantMembers, members); diff != "" {
		t.Errorf("Members (-want +got):\n%s", diff)
	}

	// An event from before is handled, but tells nothing new.
	var got []string
	c.On("*", note(&got, "handled"))
	tell(t, c, `{"id":3,"type":"member:left","conversation_id":"CON-1","from":"MEM-1","body":{}}`)
	if m, _ := c.Member("MEM-1"); m.State != nexmo.MemberStateJoined {
		t.Errorf("after an old event the member is %s", m.State)
	}
	// Event 5 is missing: it is fetched.
	service.mu.Lock()
	service.events = 6
	service.mu.Unlock()
	tell(t, c, `{"id":6,"type":"member:left","conversation_id":"CON-1","from":"MEM-1","body":{}}`)
	if m, _ := c.Member("MEM-1"); m.State != nexmo.MemberStateLeft {
		t.Errorf("after a new event the member is %s", m.State)
	}
	if diff := cmp.Diff([]string{"handled member:left 3", "handled text 5", "handled member:left 6"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLoadDoesNotUndoEvents: what events told after the state that is loaded stays.
func TestLoadDoesNotUndoEvents(t *testing.T) {
	t.Parallel()
	service := newLiveService()
	c := nexmo.NewConversation("CON-1", nexmo.WithClient(service.client(t)))
	tell(t, c,
		`{"id":5,"type":"member:left","conversation_id":"CON-1","from":"MEM-1","body":{"user":{"name":"priya.k"}}}`,
		`{"id":6,"type":"conversation:updated","conversation_id":"CON-1","body":{"display_name":"Sales"}}`,
		`{"id":7,"type":"audio:mute:on","conversation_id":"CON-1","from":"MEM-1","to":"MEM-1","body":{}}`)
	for range 2 {
		if err := c.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		m, _ := c.Member("MEM-1")
		if m.State != nexmo.MemberStateLeft || m.UserName != "priya.k" || m.DisplayName != "Priya" || m.Media.AudioSettings.Muted != nexmo.True ||
			m.Media.AudioSettings.Enabled != nexmo.True {
			t.Errorf("the member is %+v", m)
		}
		if info := c.Info(); info.DisplayName != "Sales" || info.Name != "NAM-1" || info.Properties.TTL != nexmo.Seconds(time.Minute) {
			t.Errorf("the conversation is %+v", info)
		}
	}
	if got := c.LastEventID(); got != 7 {
		t.Errorf("the last event is %d", got)
	}
}

// TestLoadFails: the error of the request is returned, and nothing is taken over.
func TestLoadFails(t *testing.T) {
	t.Parallel()
	service := newLiveService()
	delete(service.answers, "GET /v1/conversations/CON-1/members")
	if _, err := service.client(t).Conversation(t.Context(), "CON-1"); !errors.Is(err, nexmo.ErrNotFound) {
		t.Errorf("Conversation: %v, want ErrNotFound", err)
	}
	c := nexmo.NewConversation("CON-1", nexmo.WithClient(service.client(t)))
	if err := c.Load(t.Context()); !errors.Is(err, nexmo.ErrNotFound) {
		t.Errorf("Load: %v, want ErrNotFound", err)
	}
	if info := c.Info(); info.Name != "" {
		t.Errorf("Info is %+v", info)
	}
	if _, err := service.client(t).Conversation(t.Context(), "CON-2"); !errors.Is(err, nexmo.ErrNotFound) {
		t.Errorf("Conversation: %v, want ErrNotFound", err)
	}
}

// TestClientConversationBaseline: of a conversation without events all are waited
// for, and of one whose last event is not known the first that comes is the first.
func TestClientConversationBaseline(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		info string
		want []string
	}{
		"no events": {`{"id":"CON-1","sequence_number":0}`, []string{"text 1", "text 2", "text 3"}},
		"not told":  {`{"id":"CON-1"}`, []string{"text 3"}},
		"two":       {`{"id":"CON-1","sequence_number":2}`, []string{"text 3"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newLiveService()
			service.answers["GET /v1/conversations/CON-1"] = tt.info
			c, err := service.client(t).Conversation(t.Context(), "CON-1")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			c.On("*", func(_ context.Context, e *nexmo.Event) error {
				got = append(got, fmt.Sprint(e.Type, " ", e.ID))
				return nil
			})
			tell(t, c, textIn("CON-1", 3))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("handled (-want +got):\n%s", diff)
			}
		})
	}
}

// TestApplicationWithClient: every conversation of the application can ask.
func TestApplicationWithClient(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	app := nexmo.NewApplication("", nexmo.WithClient(server.Client()))
	var names []string
	app.OnConversation(func(c *nexmo.Conversation) {
		if err := c.Load(t.Context()); err != nil {
			t.Error(err)
		}
		c.On("text", func(_ context.Context, e *nexmo.Event) error {
			m, _ := c.Member(e.From)
			names = append(names, m.UserName)
			return nil
		})
	})
	for _, name := range []string{"priya", "sam"} {
		id := server.CreateConversation("")
		server.Emit(id, &nexmo.Text{}, nexmotest.From(server.Join(id, name)))
		checkError(t, nexmo.Replay(t.Context(), app, server, id, 1), nil) // the text, not the joining
	}
	if diff := cmp.Diff([]string{"priya", "sam"}, names); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
