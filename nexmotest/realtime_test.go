package nexmotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/socketio"
	"github.com/conversation-events/nexmo/nexmotest"
)

// peer is a client of a realtime session, which keeps the frames that it gets.
type peer struct {
	t      *testing.T
	conn   *socketio.Conn
	frames chan frame
	ended  chan error
}

// frame is a frame that a peer got.
type frame struct {
	Name   string
	Number string // of its acknowledgement
	Data   string
}

// dial connects to a server. The peer acknowledges if ack is set.
func dial(t *testing.T, s *nexmotest.Server, ack bool, query ...string) *peer {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	conn, err := socketio.Dial(t.Context(), s.WebsocketURL()+"/v2/rtc", &socketio.DialOptions{HTTPClient: s.HTTPClient(), Query: q})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: conn, frames: make(chan frame, 100), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ended <- conn.Run(ctx, func(f socketio.Packet) error {
			if ack && f.ID != "" {
				_ = conn.Ack(ctx, f.ID) // if it fails, the connection ends
			}
			select {
			case p.frames <- frame{f.Name, f.ID, string(f.Data)}:
			case <-ctx.Done():
			}
			return nil
		})
		close(p.frames)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

// login connects as a user, and acknowledges everything.
func login(t *testing.T, s *nexmotest.Server, user string, query ...string) (p *peer, sessionID string) {
	t.Helper()
	p = dial(t, s, true, append([]string{"token", s.UserToken(user), "acknowledge_events", "true"}, query...)...)
	return p, p.success().ID
}

// session is the body of session:success.
type session struct {
	ID            string            `json:"id"`
	UserID        string            `json:"user_id"`
	Name          string            `json:"name"`
	APIKey        string            `json:"api_key"`
	PendingEvents []json.RawMessage `json:"pending_events"`
}

// next returns the next frame; the zero frame if there is none any more.
func (p *peer) next() frame {
	p.t.Helper()
	select {
	case f := <-p.frames:
		return f
	case <-time.After(20 * time.Second):
		p.t.Fatal("no frame comes")
		return frame{}
	}
}

// names returns the names of the next n frames, and the IDs of their events.
func (p *peer) names(n int) []string {
	p.t.Helper()
	names := make([]string, n)
	for i := range names {
		f := p.next()
		var e struct{ ID int64 }
		_ = json.Unmarshal([]byte(f.Data), &e) // some are malformed
		names[i] = fmt.Sprint(f.Name, " ", e.ID)
	}
	return names
}

func (p *peer) success() session {
	p.t.Helper()
	f := p.next()
	var answer struct{ Body session }
	if err := json.Unmarshal([]byte(f.Data), &answer); err != nil || f.Name != "session:success" {
		p.t.Fatalf("%+v: %v", f, err)
	}
	return answer.Body
}

// end returns why the connection ended.
func (p *peer) end() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(20 * time.Second):
		p.t.Fatal("the connection does not end")
		return nil
	}
}

// pending returns the types and IDs of pending events.
func (s session) pending(t *testing.T) []string {
	t.Helper()
	list := []string{}
	for _, raw := range s.PendingEvents {
		e, err := nexmo.ParseEvent(raw)
		if err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		list = append(list, fmt.Sprint(e.Type, " ", e.ID))
	}
	return list
}

func text(s string) *nexmo.Text { return &nexmo.Text{Text: s} }

func TestSessionLogin(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	p := dial(t, s, true, "token", s.UserToken("alice"), "acknowledge_events", "true", "session_version", "0.0.1")
	f := p.next()
	want := strings.NewReplacer("USER", s.CreateUser("alice")).Replace(`{"body":{"user_id":"USER","name":"alice"}}`)
	var got map[string]map[string]any
	if err := json.Unmarshal([]byte(f.Data), &got); err != nil {
		t.Fatal(err)
	}
	id, _ := got["body"]["id"].(string)
	if key, _ := got["body"]["api_key"].(string); key == "" || !strings.HasPrefix(id, "SES-") {
		t.Errorf("%s", f.Data)
	}
	delete(got["body"], "id")
	delete(got["body"], "api_key")
	if diff := cmp.Diff(decode(t, want), any(decode(t, string(mustJSON(t, got))))); diff != "" || f.Name != "session:success" || f.Number == "" {
		t.Errorf("%s %s (-want +got):\n%s", f.Name, f.Number, diff)
	}
	if a := s.ExpectAck("alice", "session:success"); a.SessionID != id {
		t.Errorf("%+v", a)
	}
	if l := s.ExpectLogin("alice"); l.SessionID != id || l.Resumed {
		t.Errorf("%+v", l)
	}
	if r := s.ExpectRequest("GET /v2/rtc/"); r.Status != http.StatusSwitchingProtocols || r.User != "alice" || r.Query.Get("EIO") != "4" {
		t.Errorf("%+v", r)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestSessionRefused(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t, nexmotest.WithMaxSessions(1))
	credentials, err := nexmo.NewCredentials(s.ApplicationID(), s.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	token := func(user string, acl nexmo.ACL) string {
		token, err := credentials.UserToken(user, 0, acl)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	alice := s.UserToken("alice")
	_, id := login(t, s, "bob")
	for _, tt := range []struct {
		name  string
		query []string
		want  string
	}{
		{"no token", nil, "system:error:invalid-token"},
		{"no token at all", []string{"token", "x"}, "system:error:invalid-token"},
		{"another application", []string{"token", nexmotest.NewServer(t).UserToken("alice")}, "system:error:invalid-token"},
		{"no user", []string{"token", s.Token()}, "user:error:invalid-user"},
		{"an unknown user", []string{"token", token("nobody", nexmo.ClientACL())}, "user:error:invalid-user"},
		{"not allowed", []string{"token", token("alice", nexmo.NewACL(nexmo.ACLUsers))}, "system:error:permission"},
		{"too many", []string{"token", s.UserToken("bob")}, "session:error:max-open-sessions"},
		{"an unknown session", []string{"token", alice, "session_id", "SES-x"}, "session:invalid"},
		{"somebody else's session", []string{"token", alice, "session_id", id}, "session:invalid"},
	} {
		p := dial(t, s, true, tt.query...)
		f := p.next()
		var answer struct{ Description string }
		if err := json.Unmarshal([]byte(f.Data), &answer); err != nil || f.Name != tt.want || answer.Description == "" {
			t.Errorf("%s: %+v, want %s", tt.name, f, tt.want)
		}
		if err := p.end(); err != socketio.ErrDisconnected { //nolint:errorlint // as it is documented
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	s.Faults().Logins("session:terminated", 1)
	if f := dial(t, s, true, "token", alice).next(); f.Name != "session:terminated" {
		t.Errorf("%+v", f)
	}
	if l := s.Logins(); len(l) != 11 || l[10].Refusal != "session:terminated" {
		t.Errorf("%+v", l)
	}
	login(t, s, "alice")
}

func TestSessionOfExpiredToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := nexmotest.NewServer(t, nexmotest.InMemory())
		token := s.UserToken("alice")
		time.Sleep(15*time.Minute + time.Second)
		if f := dial(t, s, true, "token", token).next(); f.Name != "system:error:expired-token" {
			t.Errorf("%+v", f)
		}
	})
}

func TestFramesOfEvents(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	s.play(
		step{"", "POST", "/v1/users", `{"name":"alice"}`, 201, ``},
		step{"", "POST", "/v1/users", `{"name":"bob","display_name":"Bob"}`, 201, ``},
		step{"", "POST", "/v1/conversations", `{"name":"chat"}`, 201, ``},
	)
	alice, _ := login(t, s.server, "alice")
	bob, _ := login(t, s.server, "bob")
	s.play(
		step{"alice", "POST", "/v0.3/conversations/CON-1/members", `{"state":"joined","channel":{"type":"app"}}`, 201, ``},
		step{"alice", "POST", "/v0.3/conversations/CON-1/members", `{"state":"invited","channel":{"type":"app"},"user":{"name":"bob"}}`, 201, ``},
		step{"alice", "POST", "/beta/conversations/CON-1/events", `{"type":"text","from":"MEM-1","body":{"text":"<hi>"}}`, 200, ``},
		step{"bob", "POST", "/v0.3/conversations/CON-1/members", `{"state":"joined","channel":{"type":"app"}}`, 201, ``},
		step{"alice", "POST", "/beta/conversations/CON-1/events", `{"type":"text:typing:on","from":"MEM-1","to":"MEM-2","body":{"activity":1}}`, 200, ``},
		step{"bob", "POST", "/beta/conversations/CON-1/events", `{"type":"text:seen","from":"MEM-2","body":{"event_id":"3"}}`, 200, ``},
		step{"alice", "DELETE", "/beta/conversations/CON-1/members/MEM-2?from=MEM-1&reason_code=1&reason_text=x", ``, 200, ``},
		step{"alice", "POST", "/beta/conversations/CON-1/events", `{"type":"custom:after","from":"MEM-1","body":{}}`, 200, ``},
	)
	if diff := cmp.Diff([]string{"member:joined 1", "member:invited 2", "text 3", "member:joined 4", "text:typing:on 0", "text:seen 5", "member:left 6", "custom:after 7"}, alice.names(8)); diff != "" {
		t.Errorf("alice's (-want +got):\n%s", diff)
	}
	// Whom it is about sees it too: before joining, and when leaving.
	const (
		fromAlice = `"_embedded":{"from_user":{"id":"USR-1","name":"alice","custom_data":{}},"from_member":{"id":"MEM-1"}}`
		fromBob   = `"_embedded":{"from_user":{"id":"USR-2","name":"bob","display_name":"Bob","custom_data":{}},"from_member":{"id":"MEM-2"}}`
		aboutBob  = `"member_id":"MEM-2","cname":"chat","conversation":{"conversation_id":"CON-1","name":"chat"},"channel":{"type":"app"},"media":` + audioOff + `,
			"user":{"id":"USR-2","user_id":"USR-2","name":"bob","display_name":"Bob","member_id":"MEM-2","media":` + audioOff + `,"properties":{"custom_data":{}}}`
		invited = `"invited":{"isSystem":false,"user_id":"USR-1","member_id":"MEM-1"}`
		joined  = `,"joined":{"isSystem":false,"user_id":"USR-2","member_id":"MEM-2"}`
	)
	for _, want := range []struct{ name, data string }{
		{"member:invited", `{"id":2,"cid":"CON-1","from":"MEM-2","timestamp":"TIME","application_id":"APPLICATION",` + fromAlice + `,
			"body":{` + aboutBob + `,"invited_by":"alice","timestamp":{"invited":"TIME"},"initiator":{` + invited + `}}}`},
		{"member:joined", `{"id":4,"cid":"CON-1","from":"MEM-2","timestamp":"TIME","application_id":"APPLICATION",` + fromBob + `,
			"body":{` + aboutBob + `,"timestamp":{"invited":"TIME","joined":"TIME"},"initiator":{` + invited + joined + `}}}`},
		{"text:typing:on", `{"cid":"CON-1","from":"MEM-1","to":"MEM-2","timestamp":"TIME","application_id":"APPLICATION","body":{"activity":1},` + fromAlice + `}`},
		{"text:seen", `{"id":5,"cid":"CON-1","from":"MEM-2","timestamp":"TIME","application_id":"APPLICATION","body":{"event_id":3},` + fromBob + `}`},
		{"member:left", `{"id":6,"cid":"CON-1","from":"MEM-2","timestamp":"TIME","application_id":"APPLICATION",` + fromAlice + `,
			"body":{` + aboutBob + `,"reason":{"code":"1","text":"x"},"timestamp":{"invited":"TIME","joined":"TIME","left":"TIME"},
			"initiator":{` + invited + joined + `,"left":{"isSystem":false,"user_id":"USR-1","member_id":"MEM-1"}}}}`},
	} {
		f := bob.next()
		if diff := cmp.Diff(decode(t, want.data), decode(t, s.name(f.Data))); diff != "" || f.Name != want.name {
			t.Errorf("%s, want %s (-want +got):\n%s", f.Name, want.name, diff)
		}
	}
	if a := s.server.ExpectAck("bob", "member:*"); a.ConversationID != s.real("CON-1") || a.EventID != 2 {
		t.Errorf("%+v", a)
	}
	select {
	case f := <-bob.frames:
		t.Errorf("bob gets %+v after leaving", f)
	default:
	}
}

func TestResume(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	c := s.CreateConversation("")
	alice := s.Join(c, "alice")
	say := func(words ...string) {
		for _, w := range words {
			s.Emit(c, text(w), nexmotest.From(alice))
		}
	}
	// One that does not acknowledge gets everything again.
	first := dial(t, s, false, "token", s.UserToken("alice"), "acknowledge_events", "true")
	id := first.success().ID
	say("a", "b")
	first.names(2)
	s.Faults().CutSessions("alice")
	if err := first.end(); err == nil || err == socketio.ErrDisconnected { //nolint:errorlint // as it is documented
		t.Error(err)
	}
	say("c")
	s.ExpectLogin("alice")
	second := dial(t, s, false, "token", s.UserToken("alice"), "session_id", id)
	if l := s.ExpectLogin("alice"); !l.Resumed || l.SessionID != id {
		t.Errorf("%+v", l)
	}
	answer := second.next()
	var got struct{ Body session }
	if err := json.Unmarshal([]byte(answer.Data), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"text 2", "text 3", "text 4"}, got.Body.pending(t)); diff != "" || got.Body.ID != id {
		t.Errorf("%s (-want +got):\n%s", got.Body.ID, diff)
	}
	say("d")
	if f := second.next(); f.Name != "text" || f.Number == "" {
		t.Errorf("%+v: acknowledgements are no longer asked for", f)
	}
	// The acknowledgement of the answer is that of the events inside.
	if err := second.conn.Ack(t.Context(), answer.Number); err != nil {
		t.Fatal(err)
	}
	s.ExpectAck("alice", "session:success")
	// The third connection comes before the second is gone, and takes its place.
	third := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id)
	if diff := cmp.Diff([]string{"text 5"}, third.success().pending(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := second.end(); err == nil {
		t.Error("two connections of one session")
	}
	s.ExpectAck("alice", "session:success")
	third.conn.Close()
	_ = third.end()
	if pending := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id).success().PendingEvents; len(pending) > 0 {
		t.Errorf("%s", pending)
	}
}

func TestSessionWithoutAcks(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	c := s.CreateConversation("")
	s.Join(c, "alice")
	p := dial(t, s, false, "token", s.UserToken("alice"))
	f := p.next()
	var got struct{ Body session }
	if err := json.Unmarshal([]byte(f.Data), &got); err != nil || f.Number != "" {
		t.Fatalf("%+v %v", f, err)
	}
	s.Emit(c, text("a"))
	if f := p.next(); f.Name != "text" || f.Number != "" {
		t.Errorf("%+v", f)
	}
	s.Faults().CutSessions("alice")
	s.Emit(c, text("b"))
	again := dial(t, s, false, "token", s.UserToken("alice"), "session_id", got.Body.ID).success()
	if diff := cmp.Diff([]string{"text 3"}, again.pending(t)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLogout(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	p, id := login(t, s, "alice")
	ask := func(name, tid string) frame {
		t.Helper()
		if err := p.conn.Send(t.Context(), socketio.Packet{Type: socketio.TypeEvent, Name: name, Data: []byte(`{"tid":"` + tid + `","body":{}}`)}); err != nil {
			t.Fatal(err)
		}
		return p.next()
	}
	if f := ask("session:nonsense", "1"); !strings.Contains(f.Name, "error") || !strings.Contains(f.Data, `"rid":"1"`) {
		t.Errorf("%+v", f)
	}
	if diff := cmp.Diff(frame{"session:logged-out", "", `{"body":{},"rid":"2"}`}, ask("session:logout", "2")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id).next(); f.Name != "session:invalid" {
		t.Errorf("%+v", f)
	}
	if err := p.conn.Disconnect(t.Context()); err != nil {
		t.Error(err)
	}
}

// A server that is closed ends its sessions, also one that has just been cut or
// whose client reads nothing.
func TestCloseEndsSessions(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(nil)
	c := s.CreateConversation("")
	s.Join(c, "alice")
	p, _ := login(t, s, "alice")
	still := dial(t, s, false, "token", s.UserToken("alice"), "acknowledge_events", "true")
	refused := dial(t, s, true, "token", "x")
	s.Faults().Frames("alice", nexmotest.Delay(time.Hour), 1)
	for range 1000 {
		s.Emit(c, text("a"))
	}
	s.Faults().DisconnectSessions("alice")
	s.Close()
	for _, p := range []*peer{p, still, refused} {
		for range p.frames { // to the end
		}
		if err := p.end(); err == nil {
			t.Error("no reason")
		}
	}
}

func TestSessionFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault   func(f *nexmotest.Faults)
		want    error // nil for the network's own
		last    string
		resumed bool
	}{
		"cut":        {fault: func(f *nexmotest.Faults) { f.CutSessions("alice") }, resumed: true},
		"close":      {fault: func(f *nexmotest.Faults) { f.CloseSessions("alice") }, want: socketio.ErrEngineClosed, resumed: true},
		"disconnect": {fault: func(f *nexmotest.Faults) { f.DisconnectSessions("alice") }, want: socketio.ErrDisconnected, resumed: true},
		"end":        {fault: func(f *nexmotest.Faults) { f.EndSessions("alice") }, want: socketio.ErrDisconnected, last: "session:terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := nexmotest.NewServer(t)
			c := s.CreateConversation("")
			s.Join(c, "alice")
			p, id := login(t, s, "alice")
			other, _ := login(t, s, "bob")
			tt.fault(s.Faults())
			s.Emit(c, text("meanwhile"))
			if tt.last != "" {
				if f := p.next(); f.Name != tt.last {
					t.Errorf("%+v", f)
				}
			}
			if err := p.end(); err == nil || tt.want != nil && err != tt.want { //nolint:errorlint // as it is documented
				t.Errorf("%v, want %v", err, tt.want)
			}
			f := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id).next()
			if resumed := f.Name == "session:success" && strings.Contains(f.Data, "meanwhile"); resumed != tt.resumed {
				t.Errorf("%+v", f)
			}
			s.Faults().SendFrame("bob", "echo", struct{}{})
			if f := other.next(); f.Name != "echo" || f.Data != "{}" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestFrameFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault nexmotest.EventFault
		clear bool
		want  []string
	}{
		"drop":        {nexmotest.Drop(), false, []string{"text 3", "text 4", "text 5"}},
		"duplicate":   {nexmotest.Duplicate(), false, []string{"text 2", "text 2", "text 3"}},
		"delay":       {nexmotest.Delay(10 * time.Second), false, []string{"text 3", "text 4", "text 5", "text 2"}},
		"reorder":     {nexmotest.Reorder(3), false, []string{"text 4", "text 3", "text 2", "text 5"}},
		"reorder all": {nexmotest.Reorder(9), true, []string{"text 2", "text 3", "text 4", "text 5"}},
		"malformed":   {nexmotest.Malformed(), false, []string{"text 2", "text 3", "text 4"}},
		"truncated":   {nexmotest.Truncated(), false, []string{"text 0", "text 3", "text 4"}},
		"unsigned":    {nexmotest.Unsigned(), false, []string{"text 2", "text 3", "text 4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := nexmotest.NewServer(t, nexmotest.InMemory())
				c := s.CreateConversation("")
				s.Join(c, "alice")
				alice, _ := login(t, s, "alice")
				s.Faults().Frames("alice", tt.fault, 1, "text")
				for _, word := range []string{"a", "b", "c", "d"} {
					s.Emit(c, text(word))
				}
				if tt.clear {
					s.Faults().Clear()
				}
				if diff := cmp.Diff(tt.want, alice.names(len(tt.want))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestCutInPlaceOfAnEvent(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	c := s.CreateConversation("")
	s.Join(c, "alice")
	s.Faults().Frames("", nexmotest.Cut(), 1, "custom:*")
	p, id := login(t, s, "alice")
	s.Emit(c, text("a"))
	s.Emit(c, &nexmo.Custom{Name: "x", JSON: `{}`})
	s.Emit(c, text("b"))
	if diff := cmp.Diff([]string{"text 2"}, p.names(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := p.end(); err == nil || err == socketio.ErrDisconnected { //nolint:errorlint // as it is documented
		t.Error(err)
	}
	again, _ := login(t, s, "alice", "session_id", id)
	s.Emit(c, text("c"))
	if diff := cmp.Diff([]string{"text 5"}, again.names(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What went wrong with an event goes wrong again when the session is resumed.
func TestResumeWithFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault nexmotest.EventFault
		want  string
	}{
		"malformed": {nexmotest.Malformed(), `"body":"malformed"`},
		"truncated": {nexmotest.Truncated(), `\"cid\"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := nexmotest.NewServer(t)
			c := s.CreateConversation("")
			s.Join(c, "alice")
			s.Faults().Frames("alice", tt.fault, 0)
			_, id := login(t, s, "alice")
			s.Faults().CutSessions("alice")
			s.Emit(c, text("a"))
			pending := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id).success().PendingEvents
			if len(pending) != 1 || !strings.Contains(string(pending[0]), tt.want) {
				t.Errorf("%s", pending)
			}
		})
	}
}

func TestTokenOfSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScenario(t, nexmotest.InMemory())
		p, id := login(t, s.server, "alice")
		time.Sleep(14 * time.Minute)
		s.play(
			step{"", "PUT", "/v0.2/sessions/" + id, ``, 401, ``},
			step{"bob", "PUT", "/v0.2/sessions/" + id, ``, 404, ``},
			step{"alice", "PUT", "/v0.2/sessions/SES-x", ``, 404, `{"code":"session:error:not-found","description":"Session does not exist, or you do not have access."}`},
			step{"alice", "PUT", "/v0.2/sessions/" + id, ``, 200, `{"session_id":"SES-ID-1"}`},
			step{"alice", "PUT", "/v0.3/sessions/" + id, ``, 200, ``},
		)
		changed := time.Now()
		select {
		case err := <-p.ended:
			if lived := time.Since(changed); err != socketio.ErrDisconnected || lived < 14*time.Minute || lived > 15*time.Minute { //nolint:errorlint // as it is documented
				t.Errorf("after %v: %v", lived, err)
			}
		case <-time.After(time.Hour):
			t.Error("the session outlives its token")
		}
		if again, same := login(t, s.server, "alice", "session_id", id); same != id {
			t.Errorf("%s, want %s", same, id)
		} else {
			again.conn.CloseNow()
			_ = again.end()
		}
		time.Sleep(14 * time.Minute)
		again, _ := login(t, s.server, "alice", "session_id", id)
		again.conn.CloseNow()
		_ = again.end()
		time.Sleep(16 * time.Minute)
		if f := dial(t, s.server, true, "token", s.server.UserToken("alice"), "session_id", id).next(); f.Name != "session:invalid" {
			t.Errorf("after a quarter of an hour: %+v", f)
		}
	})
}

func TestListSessions(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	_, first := login(t, s.server, "alice")
	_, second := login(t, s.server, "alice")
	login(t, s.server, "bob")
	s.play(step{"alice", "GET", "/v1/users/me", ``, 404, ``})
	for user, err := range s.server.Client().UserSessions(t.Context(), s.server.CreateUser("alice"), &nexmo.ListOptions{PageSize: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		want := first
		first = second
		if user.ID != want || user.User.Name != "alice" || user.APIKey == "" {
			t.Errorf("%+v, want %s", user, want)
		}
	}
	s.server.Faults().EndSessions("alice")
	s.play(step{"bob", "GET", "/v0.3/users/alice/sessions", ``, 200, `{"page_size":10,"_embedded":{"sessions":[]},"_links":{
		"first":{"href":"LINK/v0.3/users/alice/sessions?order=asc&page_size=10"},"self":{"href":"LINK/v0.3/users/alice/sessions?order=asc&page_size=10"}}}`})
}

func TestPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithPings(time.Second, time.Second))
		p, _ := login(t, s, "alice")
		time.Sleep(time.Minute)
		s.Faults().SendFrame("alice", "echo", struct{}{})
		if f := p.next(); f.Name != "echo" {
			t.Errorf("%+v", f)
		}
	})
}

// A client that reads nothing holds up neither the others nor those who emit, and
// gets everything when it comes back.
func TestSlowClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events = 500
		s := nexmotest.NewServer(t, nexmotest.InMemory())
		c := s.CreateConversation("")
		s.Join(c, "slow")
		s.Join(c, "alice")
		slow := dial(t, s, true, "token", s.UserToken("slow"), "acknowledge_events", "true")
		id := slow.success().ID // and then nothing that does not fit into the channel
		alice, _ := login(t, s, "alice")
		began := time.Now()
		for i := range events {
			s.Emit(c, text(fmt.Sprint(i)))
		}
		last := alice.names(events)[events-1]
		if want := fmt.Sprint("text ", events+2); last != want || time.Since(began) > 0 {
			t.Errorf("%s after %v, want %s", last, time.Since(began), want)
		}
		time.Sleep(20 * time.Second) // for which nobody waits for one frame
		again := dial(t, s, true, "token", s.UserToken("slow"), "session_id", id).success()
		got := map[string]bool{}
		for _, name := range again.pending(t) {
			got[name] = true
		}
		for f := range slow.frames { // what did fit
			var e struct{ ID int64 }
			if err := json.Unmarshal([]byte(f.Data), &e); err != nil {
				t.Fatal(err)
			}
			got[fmt.Sprint(f.Name, " ", e.ID)] = true
		}
		if len(got) != events {
			t.Errorf("%d events, want %d", len(got), events)
		}
	})
}

// A client that never comes back does not fill the memory.
func TestSessionThatNeedsTooMuch(t *testing.T) {
	t.Parallel()
	const most = 100
	s := nexmotest.NewServer(t, nexmotest.WithMaxPending(most))
	_, id := login(t, s, "alice")
	_, other := login(t, s, "alice")
	c := s.CreateConversation("")
	s.Join(c, "alice")
	s.Faults().CutSessions("alice")
	for range most + 1 {
		s.Emit(c, &nexmo.TextTypingOn{})
	}
	for _, id := range []string{id, other} {
		if f := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id).next(); f.Name != "session:invalid" {
			t.Errorf("%s", f.Name)
		}
	}
}

func TestPagesOfOthers(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, s.URL()+"/v1/users", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Origin") != "*" || !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "Authorization") {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
	if r := s.Requests(); len(r) > 0 {
		t.Errorf("%v", r)
	}
	// What is no websocket is told so, and recorded.
	if status := get(t, s, "/v2/rtc/?EIO=4&transport=polling"); status != http.StatusBadRequest || len(s.Requests()) != 1 {
		t.Errorf("%d, %v", status, s.Requests())
	}
}
