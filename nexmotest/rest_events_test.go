package nexmotest_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	const by = `"from":"MEM-1","_embedded":{"from_user":{"id":"USR-1","name":"alice","custom_data":{}},"from_member":{"id":"MEM-1"}},`
	withMembers(t).play(
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"message","body":{"message_type":"text","text":"a<b"}}`, 201,
			`{"id":2,"type":"message",` + by + `"body":{"message_type":"text","text":"a<b"},"state":{},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/2"}}}`},
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:a:b-c","from":"MEM-1","body":{"aB":1.50}}`, 201,
			`{"id":3,"type":"custom:a:b-c",` + by + `"body":{"aB":1.50},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/3"}}}`},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:x"}`, 201,
			`{"id":4,"type":"custom:x","body":{},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/4"}}}`},
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"ephemeral","body":{"x":1}}`, 201,
			`{"type":"ephemeral",` + by + `"body":{"x":1},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events"}}}`},

		// Receipts are kept in the state of what they mark.
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"message:delivered","body":{"event_id":"2"}}`, 201,
			`{"id":5,"type":"message:delivered",` + by + `"body":{"event_id":2},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/5"}}}`},
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"message:seen","body":{"event_id":2}}`, 201, ``},
		step{"", "GET", "/v1/conversations/CON-1/events/2", ``, 200, `{"id":2,"type":"message",` + by + `"body":{"message_type":"text","text":"a<b"},
			"state":{"delivered_to":{"MEM-1":"TIME"},"seen_by":{"MEM-1":"TIME"}},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/2"}}}`},
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"message:seen","body":{"event_id":99}}`, 404, problem(404, "event:error:not-found", "Event does not exist, or you do not have access.")},
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"message:seen"}`, 400, fault("body.event_id", `"event_id" is required`)},
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"message:seen","body":{"event_id":"two"}}`, 400, fault("body.event_id", `"event_id" must be a number`)},

		// What is deleted stays, without its content, and is told of.
		step{"bob", "DELETE", "/v1/conversations/CON-1/events/2", ``, 403, problem(403, "event:error:permission-denied", "The event is somebody else's.")},
		step{"alice", "DELETE", "/v1/conversations/CON-1/events/2", ``, 204, ``},
		step{"alice", "DELETE", "/v1/conversations/CON-1/events/2", ``, 404, ``},
		step{"", "DELETE", "/v1/conversations/CON-1/events/1", ``, 400, problem(400, "event:error:delete-not-allowed", "Events of this type cannot be deleted.")},
		step{"", "DELETE", "/beta2/conversations/CON-1/events/3", ``, 200, `{}`},
		step{"", "GET", "/v1/conversations/CON-1/events/2", ``, 200, `{"id":2,"type":"message",` + by + `"body":{"timestamp":{"deleted":"TIME"}},
			"state":{"delivered_to":{"MEM-1":"TIME"},"seen_by":{"MEM-1":"TIME"}},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/2"}}}`},
		step{"", "GET", "/v1/conversations/CON-1/events/7", ``, 200, `{"id":7,"type":"event:delete",` + by + `"body":{"event_id":2},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/7"}}}`},
		step{"", "GET", "/v1/conversations/CON-1/events?exclude_deleted_events=true&end_id=4&start_id=2", ``, 200, `{"page_size":10,"_embedded":{"events":[
			{"id":4,"type":"custom:x","body":{},"timestamp":"TIME","_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/4"}}}]},
			"_links":{"first":{"href":"LINK/v1/conversations/CON-1/events?order=asc&page_size=10&end_id=4&exclude_deleted_events=true&start_id=2"},
			"self":{"href":"LINK/v1/conversations/CON-1/events?order=asc&page_size=10&end_id=4&exclude_deleted_events=true&start_id=2"}}}`},

		// The older generations.
		step{"alice", "POST", "/beta/conversations/CON-1/events", `{"type":"text","cid":"CON-1","from":"MEM-1","body":{"text":"hi"},"originating_session":"SES-1"}`, 200,
			`{"id":9,"timestamp":"TIME","href":"LINK/beta/conversations/CON-1/events/9"}`},
		step{"alice", "POST", "/beta/conversations/CON-1/events", `{"type":"text:typing:on","from":"MEM-1","body":{"activity":1}}`, 200,
			`{"timestamp":"TIME","href":"LINK/beta/conversations/CON-1/events"}`},
		step{"alice", "POST", "/beta/conversations/CON-1/events", `{"type":"text:seen","from":"MEM-1","body":{"event_id":9}}`, 200, ``},
		step{"", "GET", "/beta/conversations/CON-1/events/9", ``, 200,
			`{"id":9,"type":"text",` + by + `"body":{"text":"hi"},"state":{"seen_by":{"MEM-1":"TIME"}},"timestamp":"TIME","conversation_id":"CON-1","application_id":"APPLICATION"}`},
		step{"", "GET", "/beta2/conversations/CON-1/events?start_id=9&page_size=1", ``, 200, `{"page_size":1,"cursor":"","_embedded":{"data":{"events":[
			{"id":9,"type":"text",` + by + `"body":{"text":"hi"},"state":{"seen_by":{"MEM-1":"TIME"}},"timestamp":"TIME","href":"LINK/beta2/conversations/CON-1/events/9","_links":{"self":{"href":"LINK/beta2/conversations/CON-1/events/9"}}}]}},
			"_links":{"first":{"href":"LINK/beta2/conversations/CON-1/events?order=asc&page_size=1&start_id=9"},"self":{"href":"LINK/beta2/conversations/CON-1/events?order=asc&page_size=1&start_id=9"},
			"next":{"href":"LINK/beta2/conversations/CON-1/events?order=asc&page_size=1&start_id=9&CURSOR"}}}`},

		step{"bob", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:x"}`, 400, problem(400, "event:error:not-joined", "The author has not joined the conversation.")},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"text","body":{"text":"hi"}}`, 400, fault("type", `"type" must be one of the types that can be created`)},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:"}`, 400, fault("type", `"type" must match the pattern /^custom:[\w\-:]+/`)},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"custom: x"}`, 400, ``},
		step{"", "POST", "/v1/conversations/CON-1/events", `{}`, 400, fault("type", `"type" is required`)},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"message","body":{}}`, 400, fault("body.message_type", `"message_type" is required`)},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:x","body":"text"}`, 400, fault("body", `"body" must be an object`)},
		step{"", "GET", "/v1/conversations/CON-1/events?event_type=a,b,c,d,e,f", ``, 400, fault("event_type", `"event_type" must contain less than or equal to 5 items`)},
		step{"", "GET", "/v1/conversations/CON-1/events?start_id=x", ``, 400, fault("start_id", `"start_id" must be a number`)},
		step{"", "GET", "/v1/conversations/CON-1/events/99", ``, 404, ``},
		step{"", "GET", "/v1/conversations/CON-1/events/x", ``, 404, ``},
	)
}

// The group of events that a client SDK asks for has none of those in it that it
// cannot read.
func TestFilterGroups(t *testing.T) {
	t.Parallel()
	s := withMembers(t)
	id := s.real("CON-1")
	for _, body := range []nexmo.Body{&nexmo.Text{}, &nexmo.Message{}, &nexmo.MessageSeen{Receipt: nexmo.Receipt{EventID: 3}}, &nexmo.Custom{Name: "x"}, &nexmo.AudioSay{}} {
		s.server.Emit(id, body)
	}
	_, list := s.do(step{as: "alice", method: "GET", path: "/v0.3/conversations/CON-1/events?filter_group_type=ChatEvents&filter_group_version=3"})
	events, err := nexmo.ParseEvents([]byte(list))
	if err != nil {
		t.Fatal(err)
	}
	var types []nexmo.EventType
	for _, e := range events {
		types = append(types, e.Type)
	}
	if diff := cmp.Diff([]nexmo.EventType{"member:joined", "message", "custom:x"}, types); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.play(step{"", "GET", "/v1/conversations/CON-1/events?filter_group_type=Other", ``, 400, problem(400, "event:error:invalid-filter-group", "There is no such filter group.")})
}

// The published description has another form of event lists than the service.
func TestBareEventLists(t *testing.T) {
	t.Parallel()
	s := withMembers(t, nexmotest.WithBareEventLists(), nexmotest.WithLinkBase("https://api.example.com"))
	a, body := s.do(step{method: "GET", path: "/v1/conversations/CON-1/events"})
	if a.StatusCode != http.StatusOK || !strings.Contains(body, `"_embedded":[{`) || !strings.Contains(body, `"https://api.example.com/v1/conversations/CON-1/events/1"`) {
		t.Errorf("%d %s", a.StatusCode, body)
	}
	events, err := nexmo.ParseEvents([]byte(s.real(strings.ReplaceAll(body, `"TIME"`, `"2024-05-14T09:30:00Z"`))))
	if err != nil || len(events) != 1 || events[0].Type != nexmo.EventMemberJoined || events[0].ConversationID != s.real("CON-1") {
		t.Errorf("%v, %v", events, err)
	}
}

func TestAuthors(t *testing.T) {
	t.Parallel()
	s := withMembers(t)
	s.play(
		// By user, by member, and by nobody in particular.
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"app"},"user":{"name":"bob"},"from":"USR-1"}`, 201, `{` + bobMember + `
			"state":"INVITED","timestamp":{"invited":"TIME"},"initiator":{"invited":{"is_system":false,"user_id":"USR-1","member_id":"MEM-1"}}}`},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"sms"},"user":{"name":"bob"},"from":"USR-9"}`, 404, ``},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"sms"},"user":{"name":"bob"},"member_id_inviting":"MEM-1"}`, 201, ``},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:x","from":"MEM-1"}`, 201, ``},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:x","from":"MEM-2"}`, 400, problem(400, "event:error:not-joined", "The author has not joined the conversation.")},
		step{"bob", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:x","from":"MEM-1"}`, 403, ``},
		step{"bob", "DELETE", "/v1/conversations/CON-1/events/4?from=MEM-1", ``, 403, ``},
		step{"", "DELETE", "/v1/conversations/CON-1/events/4", ``, 204, ``},
		step{"bob", "DELETE", "/beta/conversations/CON-1/members/MEM-2?from=MEM-1", ``, 403, ``},
		step{"carol", "GET", "/v1/conversations/CON-1/members/me", ``, 404, ``},
	)
	// Everything of an unknown or inactive conversation is refused.
	for _, st := range []step{
		{"", "GET", "/members", ``, 404, ``},
		{"", "GET", "/members/MEM-1", ``, 404, ``},
		{"", "GET", "/members/me", ``, 404, ``},
		{"", "PATCH", "/members/MEM-1", `{"state":"left"}`, 404, ``},
		{"", "GET", "/events", ``, 404, ``},
		{"", "GET", "/events/1", ``, 404, ``},
		{"", "POST", "/events", `{"type":"custom:x"}`, 404, ``},
		{"", "DELETE", "/events/1", ``, 404, ``},
		{"", "PUT", "/talk", `{"text":"x"}`, 404, ``},
		{"", "DELETE", "/talk", ``, 404, ``},
		{"", "PUT", "/stream", `{"stream_url":[]}`, 404, ``},
		{"", "DELETE", "/stream", ``, 404, ``},
		{"", "PUT", "/record", `{"action":"start"}`, 404, ``},
		{"", "PUT", "", `{}`, 404, ``},
	} {
		path := st.path
		st.path = "/v1/conversations/CON-9" + path
		s.play(st)
		if st.method == "PATCH" {
			s.play(step{"", "PUT", "/v1/conversations/CON-1", `{"state":"inactive"}`, 200, ``})
			st.path, st.status = "/v1/conversations/CON-1"+path, 400
			s.play(st)
		}
	}
}

// The state of an event keeps every kind of receipt.
func TestReceipts(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	id := s.server.CreateConversation("")
	alice := s.server.Join(id, "alice")
	kinds := map[string]string{}
	for _, body := range []nexmo.Body{
		&nexmo.MessageDelivered{Receipt: nexmo.Receipt{EventID: 2}}, &nexmo.MessageSeen{Receipt: nexmo.Receipt{EventID: 2}},
		&nexmo.MessageSubmitted{Receipt: nexmo.Receipt{EventID: 2}}, &nexmo.MessageRejected{Receipt: nexmo.Receipt{EventID: 2}},
		&nexmo.MessageUndeliverable{Receipt: nexmo.Receipt{EventID: 2}},
	} {
		if len(kinds) == 0 {
			s.server.Emit(id, &nexmo.Message{MessageContent: nexmo.MessageContent{MessageType: nexmo.MessageTypeText, Text: "hi"}}, nexmotest.From(alice), nexmotest.To(alice))
		}
		kinds[string(body.EventType())] = ""
		s.server.Emit(id, body, nexmotest.From(alice))
	}
	s.server.Emit(id, &nexmo.MessageSeen{Receipt: nexmo.Receipt{EventID: 2}}) // of nobody
	_, body := s.do(step{method: "GET", path: "/v0.3/conversations/" + id + "/events/2"})
	var e struct {
		To    string
		State json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatal(err)
	}
	const at = `{"MEM-1":"TIME"}`
	want := `{"delivered_to":` + at + `,"seen_by":` + at + `,"submitted_to":` + at + `,"rejected_by":` + at + `,"undeliverable_to":` + at + `}`
	if diff := cmp.Diff(decode(t, want), decode(t, string(e.State))); diff != "" || e.To != "MEM-1" {
		t.Errorf("to %s; -want +got:\n%s", e.To, diff)
	}
}
