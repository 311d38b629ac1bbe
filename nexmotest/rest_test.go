package nexmotest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo/nexmotest"
)

// problem is an error of the current generations.
func problem(status int, code, detail string, more ...string) string {
	title := http.StatusText(status)
	title = title[:1] + strings.ToLower(title[1:]) + "."
	return fmt.Sprintf(`{"title":%q,"type":"https://developer.nexmo.com/api/conversation#%s","code":%q,"detail":%q,"instance":"TRACE"%s}`,
		title, code, code, detail, strings.Join(more, ""))
}

// fault is a validation error that names one parameter.
func fault(name, reason string) string {
	return problem(400, "http:error:validation-fail", "Input validation failure.",
		fmt.Sprintf(`,"invalid_parameters":[{"name":%q,"reason":%q}]`, name, reason))
}

func TestUsers(t *testing.T) {
	t.Parallel()
	const alice = `{"id":"USR-1","name":"alice","display_name":"Alice","image_url":"https://example.com/a.png",
		"properties":{"custom_data":{"aB":1,"tier":"gold"},"ttl":2147483648},"channels":{"pstn":[{"number":123457}]},
		"_links":{"self":{"href":"LINK/v1/users/USR-1"}}}`
	newScenario(t).play(
		step{"", "POST", "/v1/users", `{"name":"alice","display_name":"Alice","image_url":"https://example.com/a.png",
			"properties":{"custom_data":{"aB":1,"tier":"gold"},"ttl":2147483648},"channels":{"pstn":[{"number":123457}]}}`, 201, alice},
		step{"", "POST", "/v1/users", ``, 201, `{"id":"USR-2","name":"NAM-1","properties":{},"_links":{"self":{"href":"LINK/v1/users/USR-2"}}}`},
		step{"", "GET", "/v1/users/USR-1", ``, 200, alice},
		step{"", "GET", "/v1/users/alice", ``, 200, alice},
		step{"", "GET", "/v1/users", ``, 200, `{"page_size":10,"_embedded":{"users":[
			{"id":"USR-1","name":"alice","display_name":"Alice","_links":{"self":{"href":"LINK/v1/users/USR-1"}}},
			{"id":"USR-2","name":"NAM-1","_links":{"self":{"href":"LINK/v1/users/USR-2"}}}]},
			"_links":{"first":{"href":"LINK/v1/users?order=asc&page_size=10"},"self":{"href":"LINK/v1/users?order=asc&page_size=10"}}}`},
		step{"", "GET", "/v1/users?name=nobody", ``, 200, `{"page_size":10,"_embedded":{"users":[]},
			"_links":{"first":{"href":"LINK/v1/users?order=asc&page_size=10&name=nobody"},"self":{"href":"LINK/v1/users?order=asc&page_size=10&name=nobody"}}}`},
		step{"", "PATCH", "/v1/users/USR-2", `{"name":"bob","display_name":"Bob"}`, 200,
			`{"id":"USR-2","name":"bob","display_name":"Bob","properties":{},"_links":{"self":{"href":"LINK/v1/users/USR-2"}}}`},
		step{"bob", "PATCH", "/v1/users/USR-2", `{"display_name":null}`, 200,
			`{"id":"USR-2","name":"bob","properties":{},"_links":{"self":{"href":"LINK/v1/users/USR-2"}}}`},
		step{"", "GET", "/beta/users/USR-2", ``, 200,
			`{"id":"USR-2","name":"bob","properties":{},"href":"LINK/beta/users/USR-2","_links":{"self":{"href":"LINK/beta/users/USR-2"}}}`},

		// Errors of users have their code in the type alone.
		step{"", "POST", "/v1/users", `{"name":"bob"}`, 409, `{"title":"Conflict.","detail":"Another user has this name.","instance":"TRACE",
			"type":"https://developer.nexmo.com/api/conversation#user:error:duplicate-name"}`},
		step{"", "GET", "/v1/users/USR-9", ``, 404, `{"title":"Not found.","detail":"User does not exist, or you do not have access.","instance":"TRACE",
			"type":"https://developer.nexmo.com/api/conversation#user:error:not-found"}`},
		step{"", "GET", "/beta/users/USR-9", ``, 404, `{"code":"user:error:not-found","description":"User does not exist, or you do not have access."}`},
		step{"", "POST", "/v1/users", `{"name":"me"}`, 400, ``},
		step{"", "POST", "/v1/users", `{"name":"USR-mine"}`, 400, ``},
		step{"bob", "POST", "/v1/users", `{"name":"carol"}`, 403, problem(403, "system:error:permission", "The token does not allow this.")},
		step{"bob", "PATCH", "/v1/users/USR-1", `{}`, 403, ``},
		step{"bob", "DELETE", "/v1/users/USR-1", ``, 403, ``},

		step{"", "DELETE", "/v1/users/USR-1", ``, 204, ``},
		step{"", "GET", "/v1/users/USR-1", ``, 404, ``},
		step{"", "DELETE", "/v1/users/USR-1", ``, 404, ``},
	)
}

func TestConversations(t *testing.T) {
	t.Parallel()
	newScenario(t).play(
		step{"", "POST", "/v1/conversations", `{"name":"support","display_name":"Support","image_url":"https://example.com/c.png",
			"properties":{"ttl":2147483648,"type":"quick_chat","custom_sort_key":"a","custom_data":{"aB":true}},
			"numbers":[{"type":"phone","number":"447700900001"}],
			"callback":{"url":"https://example.com/callback","event_mask":"text, member:*","method":"GET","params":{"applicationId":"x","ncco_url":"https://example.com/n"}}}`,
			201, `{"id":"CON-1","name":"support","display_name":"Support","image_url":"https://example.com/c.png","state":"ACTIVE","sequence_number":0,
			"timestamp":{"created":"TIME"},"properties":{"ttl":2147483648,"type":"quick_chat","custom_sort_key":"a","custom_data":{"aB":true}},
			"numbers":[{"type":"phone","number":"447700900001"}],
			"callback":{"url":"https://example.com/callback","event_mask":"text,member:*","method":"GET","params":{"applicationId":"x","ncco_url":"https://example.com/n"}},
			"_links":{"self":{"href":"LINK/v1/conversations/CON-1"}}}`},
		step{"", "POST", "/v1/conversations", `{}`, 201, `{"id":"CON-2","name":"NAM-1","state":"ACTIVE","sequence_number":0,
			"timestamp":{"created":"TIME"},"_links":{"self":{"href":"LINK/v1/conversations/CON-2"}}}`},
		step{"", "POST", "/v1/conversations", `{"name":"support"}`, 409, problem(409, "conversation:error:duplicate-name", "Another conversation has this name.")},
		step{"", "POST", "/beta/conversations", `{"name":"support"}`, 409, `{"code":"conversation:error:duplicate-name","description":"Another conversation has this name."}`},
		step{"", "GET", "/v1/conversations?page_size=1", ``, 200, `{"page_size":1,"_embedded":{"conversations":[
			{"id":"CON-1","name":"support","display_name":"Support","image_url":"https://example.com/c.png","timestamp":{"created":"TIME"},"_links":{"self":{"href":"LINK/v1/conversations/CON-1"}}}]},
			"_links":{"first":{"href":"LINK/v1/conversations?order=asc&page_size=1"},"self":{"href":"LINK/v1/conversations?order=asc&page_size=1"},
			"next":{"href":"LINK/v1/conversations?order=asc&page_size=1&CURSOR"}}}`},
		step{"", "GET", "/v0.3/conversations/support", ``, 200, ``},
		step{"", "GET", "/v0.3/conversations/CON-2", ``, 200, ``},
		step{"", "GET", "/v1/conversations/support", ``, 404, ``},

		// A replacement clears what it does not mention, apart from the name.
		step{"", "PUT", "/v1/conversations/CON-1", `{"display_name":"Day"}`, 200, `{"id":"CON-1","name":"support","display_name":"Day","state":"ACTIVE","sequence_number":1,
			"timestamp":{"created":"TIME","updated":"TIME"},"_links":{"self":{"href":"LINK/v1/conversations/CON-1"}}}`},
		step{"", "PATCH", "/v0.3/conversations/CON-1", `{"properties":{"ttl":1}}`, 200, `{"id":"CON-1","name":"support","display_name":"Day","state":"ACTIVE","sequence_number":2,
			"properties":{"ttl":1},"timestamp":{"created":"TIME","updated":"TIME"},"_links":{"self":{"href":"LINK/v0.3/conversations/CON-1"}}}`},
		step{"", "GET", "/v1/conversations/CON-1/events?start_id=2", ``, 200, `{"page_size":10,"_embedded":{"events":[{"id":2,"type":"conversation:updated","timestamp":"TIME",
			"body":{"id":"CON-1","name":"support","display_name":"Day","state":"ACTIVE","timestamp":{"created":"TIME","updated":"TIME"}},
			"_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/2"}}}]},
			"_links":{"first":{"href":"LINK/v1/conversations/CON-1/events?order=asc&page_size=10&start_id=2"},"self":{"href":"LINK/v1/conversations/CON-1/events?order=asc&page_size=10&start_id=2"}}}`},
		step{"", "PUT", "/v1/conversations/CON-2", `{"name":"support"}`, 409, ``},

		// In an inactive conversation nothing happens.
		step{"", "PUT", "/v1/conversations/CON-1", `{"state":"INACTIVE"}`, 200, ``},
		step{"", "GET", "/v1/conversations/CON-1", ``, 200, `{"id":"CON-1","name":"support","display_name":"Day","state":"INACTIVE","sequence_number":3,
			"properties":{"ttl":1},"timestamp":{"created":"TIME","updated":"TIME"},"_links":{"self":{"href":"LINK/v1/conversations/CON-1"}}}`},
		step{"", "PUT", "/v1/conversations/CON-1", `{}`, 400, problem(400, "conversation:error:not-allowed", "The conversation is inactive.")},
		step{"", "POST", "/v1/conversations/CON-1/events", `{"type":"custom:x","body":{}}`, 400, ``},

		step{"", "DELETE", "/v1/conversations/CON-1", ``, 204, ``},
		step{"", "GET", "/v1/conversations/CON-1", ``, 404, problem(404, "conversation:error:not-found", "Conversation does not exist, or you do not have access.")},
		step{"", "DELETE", "/v1/conversations/CON-1", ``, 404, ``},
		step{"", "POST", "/v0.3/conversations", `{"name":"support"}`, 201, ``}, // the name is free again
		step{"", "DELETE", "/beta/conversations/CON-3", ``, 200, `{}`},
		step{"", "POST", "/beta/conversations", `{"name":"old"}`, 200, `{"id":"CON-4","href":"LINK/beta/conversations/CON-4"}`},
	)
}

const (
	audioOff    = `{"audio_settings":{"enabled":false,"earmuffed":false,"muted":false},"audio":false}`
	aliceMember = `"id":"MEM-1","conversation_id":"CON-1","state":"JOINED","channel":{"type":"app"},"media":` + audioOff + `,"timestamp":{"joined":"TIME"},
		"initiator":{"joined":{"is_system":false,"user_id":"USR-1","member_id":"MEM-1"}},`
	bobMember = `"id":"MEM-2","conversation_id":"CON-1","channel":{"type":"app"},"media":` + audioOff + `,"invited_by":"alice",
		"_embedded":{"user":{"id":"USR-2","name":"bob","_links":{"self":{"href":"LINK/v1/users/USR-2"}}}},
		"_links":{"href":"LINK/v1/conversations/CON-1/members/MEM-2"},`
	aliceJoins = `{"state":"joined","channel":{"type":"app"},"user":{"name":"alice"}}`
)

func TestOldConversation(t *testing.T) {
	t.Parallel()
	withMembers(t).play(
		step{"alice", "GET", "/beta/conversations/CON-1", ``, 200, `{"uuid":"CON-1","name":"c","timestamp":{"created":"TIME"},"sequence_number":1,"state":"ACTIVE","properties":{},"numbers":{},
			"api_key":"abcd1234","href":"LINK/beta/conversations/CON-1","members":[{"member_id":"MEM-1","user_id":"USR-1","name":"alice","state":"JOINED","timestamp":{"joined":"TIME"},
			"channel":{"type":"app"},"initiator":{"joined":{"isSystem":false,"user_id":"USR-1","member_id":"MEM-1"}}}]}`},
		step{"alice", "GET", "/beta2/conversations/CON-1/members", ``, 200, `{"page_size":10,"cursor":"","_embedded":{"data":{"members":[{"id":"MEM-1","user_id":"USR-1","name":"alice","state":"JOINED",
			"timestamp":{"joined":"TIME"},"channel":{"type":"app"},"initiator":{"joined":{"isSystem":false,"user_id":"USR-1","member_id":"MEM-1"}},
			"_links":{"self":{"href":"LINK/beta2/conversations/CON-1/members/MEM-1"}}}]}},
			"_links":{"first":{"href":"LINK/beta2/conversations/CON-1/members?order=asc&page_size=10"},"self":{"href":"LINK/beta2/conversations/CON-1/members?order=asc&page_size=10"}}}`},
		step{"alice", "GET", "/v0.1/conversations/CON-9", ``, 404, `{"code":"conversation:error:not-found","description":"Conversation does not exist, or you do not have access."}`},
		step{"alice", "DELETE", "/v0.2/conversations/CON-1/members/MEM-1", ``, 200, `{}`},
		step{"alice", "GET", "/beta2/conversations/CON-1/events?page_size=0", ``, 400, `{"code":"http:error:validation-fail","description":"Input validation failure.",
			"validation":{"page_size":"\"page_size\" must be between 1 and 100"}}`},
	)
}

func TestValidation(t *testing.T) {
	t.Parallel()
	const conversations, users = "/v1/conversations", "/v1/users"
	withMembers(t).play(
		step{"", "POST", conversations, `{"name":1}`, 400, fault("name", `"name" must be a string`)},
		step{"", "POST", conversations, `{"name":"` + strings.Repeat("é", 101) + `"}`, 400, fault("name", `"name" length must be less than or equal to 100 characters long`)},
		step{"", "POST", conversations, `{"name":"` + strings.Repeat("é", 100) + `"}`, 201, ``},
		step{"", "POST", conversations, `{"display_name":"` + strings.Repeat("x", 51) + `"}`, 400, ``},
		step{"", "POST", conversations, `{"image_url":"nowhere"}`, 400, fault("image_url", `"image_url" must be a valid uri`)},
		step{"", "POST", conversations, `{"properties":{"ttl":2147483649}}`, 400, fault("properties.ttl", `"ttl" must be less than or equal to 2147483648`)},
		step{"", "POST", conversations, `{"properties":{"ttl":-1}}`, 400, fault("properties.ttl", `"ttl" must be larger than or equal to 0`)},
		step{"", "POST", conversations, `{"properties":{"ttl":1.5}}`, 400, fault("properties.ttl", `"ttl" must be an integer`)},
		step{"", "POST", conversations, `{"properties":[]}`, 400, fault("properties", `"properties" must be an object`)},
		step{"", "POST", conversations, `{"properties":{"custom_data":[]}}`, 400, fault("properties.custom_data", `"custom_data" must be an object`)},
		step{"", "POST", conversations, `{"numbers":{}}`, 400, fault("numbers", `"numbers" must be an array`)},
		step{"", "POST", conversations, `{"callback":{"method":"PUT"}}`, 400, fault("callback.method", `"method" must be one of [get, post]`)},
		step{"", "POST", conversations, `[]`, 400, fault("", `"value" must be an object`)},
		step{"", "POST", conversations, `{`, 400, fault("", `"value" must be an object`)},
		step{"", "POST", conversations, `{"name":"a","name":"b"}`, 400, fault("", `"value" is invalid JSON at byte 12: duplicate member name`)},
		step{"", "POST", users, `{"properties":{"custom_data":1}}`, 400, fault("properties.custom_data", `"custom_data" must be an object`)},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"left","channel":{"type":"app"},"user":{"name":"bob"}}`, 400, fault("state", `"state" must be one of [invited, joined]`)},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"JOINED","channel":{"type":"fax"},"user":{"name":"bob"}}`, 400,
			fault("channel.type", `"type" must be one of [app, phone, sms, mms, whatsapp, viber, messenger]`)},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"joined","channel":{},"user":{"name":"bob"}}`, 400, fault("channel.type", `"type" is required`)},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"joined","channel":{"type":"app"}}`, 400, fault("user", `"user" is required`)},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"joined","channel":{"type":"app"},"user":{}}`, 400, fault("user", `"user" must contain at least one of [id, name]`)},
		step{"", "PATCH", "/v1/conversations/CON-1/members/MEM-1", `{"state":"invited"}`, 400, fault("state", `"state" must be one of [joined, left]`)},
		step{"", "PATCH", "/v1/conversations/CON-1/members/MEM-1", `{"state":"joined","reason":{"code":"x"}}`, 400, fault("reason", `"reason" is not allowed`)},
		step{"", "GET", conversations + "?page_size=0", ``, 400, fault("page_size", `"page_size" must be between 1 and 100`)},
		step{"", "GET", conversations + "?page_size=101", ``, 400, fault("page_size", `"page_size" must be between 1 and 100`)},
		step{"", "GET", conversations + "?page_size=ten", ``, 400, fault("page_size", `"page_size" must be between 1 and 100`)},
		step{"", "GET", conversations + "?page_size=100&order=DESC", ``, 200, ``},
		step{"", "GET", conversations + "?order=up", ``, 400, fault("order", `"order" must be one of [asc, desc, ASC, DESC]`)},
		step{"", "GET", conversations + "?date_start=yesterday", ``, 400, fault("date_start", `"date_start" must be in ISO 8601 date format`)},
		step{"", "GET", conversations + "?cursor=abc", ``, 400, problem(400, "paginator-builder:error:invalid-cursor", "The cursor is invalid.")},
	)
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	notFound := problem(404, "http:error:not-found", "There is no such route.")
	s := withMembers(t)
	s.play(
		step{"", "GET", "/v1/conversations/", ``, 404, notFound}, // the gateway stopped taking a slash at the end
		step{"", "GET", "/v1/conversations/CON-1/", ``, 404, notFound},
		step{"", "GET", "/v1//conversations", ``, 404, notFound},
		step{"", "GET", "/v1", ``, 404, notFound},
		step{"", "GET", "/v9/conversations", ``, 404, notFound},
		step{"", "GET", "/beta/conversations", ``, 405, `{"code":"http:error:method-not-allowed","description":"The method is not allowed here."}`},
		step{"", "PATCH", "/v1/conversations/CON-1", ``, 405, problem(405, "http:error:method-not-allowed", "The method is not allowed here.")},
		step{"", "GET", "/v1/users/a%2Fb", ``, 404, ``},
	)
	_, body := s.do(step{method: "GET", path: "/v0.3/discovery/api"})
	// A client puts the path of the media servers behind the endpoint as it is.
	want := fmt.Sprintf(`{"nexmotest":{"endpoint":%[1]q,"https":%[1]q,"ws":%[2]q}}`, s.server.URL(), s.server.WebsocketURL())
	if diff := cmp.Diff(decode(t, want), decode(t, body)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	s.play(step{"alice", "GET", "/v0.3/discovery/media/nexmotest", ``, 200, ``}, step{"", "GET", "/v0.3/discovery/media/elsewhere", ``, 404, ``})
}

func TestContentTypes(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	for name, test := range map[string]struct {
		path, contentType string
		status            int
		answered          string
	}{
		"JSON":        {"/v1/conversations", "application/json; charset=utf-8", 201, "application/json"},
		"none":        {"/v1/conversations", "", 201, "application/json"},
		"form":        {"/v1/conversations", "application/x-www-form-urlencoded", 415, "application/problem+json"},
		"an old form": {"/beta/conversations", "text/plain", 415, "application/json"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL()+test.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "bearer "+s.server.Token())
		if test.contentType != "" {
			r.Header.Set("Content-Type", test.contentType)
		}
		a, err := s.server.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != test.status || a.Header.Get("Content-Type") != test.answered {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.Header.Get("Content-Type"))
		}
	}
}

func TestRequestTooLarge(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t, nexmotest.InMemory()) // where no answer is lost when the connection is closed
	a, err := request(t, s, http.MethodPost, "/v1/conversations", strings.Repeat(" ", 17<<20))
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("%d", a.StatusCode)
	}
}
