package nexmotest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
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

// withMembers is a scenario in which alice has joined CON-1 as MEM-1, and bob is
// known.
func withMembers(t *testing.T, opts ...nexmotest.Option) *scenario {
	t.Helper()
	s := newScenario(t, opts...)
	s.play(
		step{"", "POST", "/v1/users", `{"name":"alice"}`, 201, ``},
		step{"", "POST", "/v1/users", `{"name":"bob"}`, 201, ``},
		step{"", "POST", "/v1/conversations", `{"name":"c"}`, 201, ``},
		step{"alice", "POST", "/v1/conversations/CON-1/members", aliceJoins, 201, ``},
	)
	return s
}

func TestMembers(t *testing.T) {
	t.Parallel()
	withMembers(t).play(
		step{"", "GET", "/v1/conversations/CON-1/members/MEM-1", ``, 200, `{` + aliceMember + `
			"_embedded":{"user":{"id":"USR-1","name":"alice","_links":{"self":{"href":"LINK/v1/users/USR-1"}}}},"_links":{"href":"LINK/v1/conversations/CON-1/members/MEM-1"}}`},
		// Version 0.3 has self in the links.
		step{"", "GET", "/v0.3/conversations/CON-1/members/MEM-1", ``, 200, `{` + aliceMember + `
			"_embedded":{"user":{"id":"USR-1","name":"alice","_links":{"self":{"href":"LINK/v0.3/users/USR-1"}}}},"_links":{"self":{"href":"LINK/v0.3/conversations/CON-1/members/MEM-1"}}}`},
		step{"alice", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"app"},"user":{"id":"USR-2"},"from":"MEM-1"}`, 201, `{` + bobMember + `
			"state":"INVITED","timestamp":{"invited":"TIME"},"initiator":{"invited":{"is_system":false,"user_id":"USR-1","member_id":"MEM-1"}}}`},
		step{"", "POST", "/v1/conversations/CON-1/members", aliceJoins, 400, problem(400, "conversation:error:member-already-joined", "The user has joined already.")},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"app"},"user":{"name":"bob"}}`, 400,
			problem(400, "conversation:error:member-already-invited", "The user is invited already.")},
		step{"", "GET", "/v1/conversations/CON-1/members", ``, 200, `{"page_size":10,"_embedded":{"members":[
			{"id":"MEM-1","state":"JOINED","_embedded":{"user":{"id":"USR-1","name":"alice","_links":{"self":{"href":"LINK/v1/users/USR-1"}}}},"_links":{"href":"LINK/v1/conversations/CON-1/members/MEM-1"}},
			{"id":"MEM-2","state":"INVITED","_embedded":{"user":{"id":"USR-2","name":"bob","_links":{"self":{"href":"LINK/v1/users/USR-2"}}}},"_links":{"href":"LINK/v1/conversations/CON-1/members/MEM-2"}}]},
			"_links":{"first":{"href":"LINK/v1/conversations/CON-1/members?order=asc&page_size=10"},"self":{"href":"LINK/v1/conversations/CON-1/members?order=asc&page_size=10"}}}`},

		// An invitation is accepted by joining as well as by an update.
		step{"bob", "POST", "/v0.3/conversations/CON-1/members", `{"state":"joined","channel":{"type":"app"},"from":"MEM-2"}`, 201, ``},
		step{"bob", "PATCH", "/v1/conversations/CON-1/members/MEM-2", `{"state":"joined"}`, 200, ``}, // once more changes nothing
		step{"bob", "GET", "/v1/conversations/CON-1/members/me", ``, 200, `{` + bobMember + `"state":"JOINED","timestamp":{"invited":"TIME","joined":"TIME"},
			"initiator":{"invited":{"is_system":false,"user_id":"USR-1","member_id":"MEM-1"},"joined":{"is_system":false,"user_id":"USR-2","member_id":"MEM-2"}}}`},
		step{"", "GET", "/v1/conversations/CON-1/members/me", ``, 401, ``},

		// One who left is another member when he comes back, and a second channel is
		// a second member.
		step{"bob", "PATCH", "/v1/conversations/CON-1/members/MEM-2", `{"state":"left","reason":{"code":"done","text":"good night"}}`, 200, ``},
		step{"bob", "PATCH", "/v1/conversations/CON-1/members/MEM-2", `{"state":"left"}`, 400,
			strings.Replace(problem(400, "conversation:error:invalid-member-state", "The member has left."), "Bad request.", "Conflict.", 1)},
		step{"bob", "PATCH", "/v1/conversations/CON-1/members/MEM-2", `{"state":"joined"}`, 400, ``},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"app"},"user":{"name":"bob"}}`, 201, ``},
		step{"bob", "PATCH", "/v1/conversations/CON-1/members/MEM-3", `{"state":"joined"}`, 200, ``},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"joined","channel":{"type":"phone","to":{"type":"phone","number":"447700900001"}},"user":{"name":"bob"},"knocking_id":"k","media":{"audio":true}}`, 201,
			`{"id":"MEM-4","conversation_id":"CON-1","state":"JOINED","channel":{"type":"phone","to":{"type":"phone","number":"447700900001"}},"knocking_id":"k","media":{"audio":true},
			"timestamp":{"joined":"TIME"},"initiator":{"joined":{"is_system":true}},"_embedded":{"user":{"id":"USR-2","name":"bob","_links":{"self":{"href":"LINK/v1/users/USR-2"}}}},
			"_links":{"href":"LINK/v1/conversations/CON-1/members/MEM-4"}}`},
		step{"", "PUT", "/v0.3/conversations/CON-1/members/MEM-4", `{"state":"left"}`, 200, ``},
		step{"alice", "DELETE", "/beta/conversations/CON-1/members/MEM-3?from=MEM-1&reason_code=kicked&reason_text=enough", ``, 200, `{}`},
		step{"", "GET", "/v1/conversations/CON-1/events?event_type=member:left&order=desc&page_size=1", ``, 200, `{"page_size":1,"_embedded":{"events":[{"id":9,"type":"member:left","from":"MEM-3","timestamp":"TIME",
			"body":{"member_id":"MEM-3","cname":"c","conversation":{"conversation_id":"CON-1","name":"c"},"channel":{"type":"app"},"media":` + audioOff + `,
				"user":{"id":"USR-2","user_id":"USR-2","name":"bob","member_id":"MEM-3","media":` + audioOff + `,"properties":{"custom_data":{}}},
				"timestamp":{"invited":"TIME","joined":"TIME","left":"TIME"},"reason":{"code":"kicked","text":"enough"},
				"initiator":{"invited":{"isSystem":true},"joined":{"isSystem":false,"user_id":"USR-2","member_id":"MEM-3"},"left":{"isSystem":false,"user_id":"USR-1","member_id":"MEM-1"}}},
			"_embedded":{"from_user":{"id":"USR-1","name":"alice","custom_data":{}},"from_member":{"id":"MEM-1"}},
			"_links":{"self":{"href":"LINK/v1/conversations/CON-1/events/9"}}}]},
			"_links":{"first":{"href":"LINK/v1/conversations/CON-1/events?order=desc&page_size=1&event_type=member%3Aleft"},
				"self":{"href":"LINK/v1/conversations/CON-1/events?order=desc&page_size=1&event_type=member%3Aleft"},
				"next":{"href":"LINK/v1/conversations/CON-1/events?order=desc&page_size=1&event_type=member%3Aleft&CURSOR"}}}`},

		step{"", "GET", "/v1/conversations/CON-1/members/MEM-9", ``, 404, problem(404, "conversation:error:member-not-found", "Member does not exist, or you do not have access.")},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"joined","channel":{"type":"app"},"user":{"name":"nobody"}}`, 404, ``},
		step{"", "POST", "/v1/conversations/CON-9/members", `{"state":"joined","channel":{"type":"app"},"user":{"name":"bob"}}`, 404, ``},
		step{"bob", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"app"},"user":{"name":"bob"},"from":"MEM-1"}`, 403,
			problem(403, "conversation:error:member:permission-denied", `"from" is somebody else.`)},
		step{"", "POST", "/v1/conversations/CON-1/members", `{"state":"invited","channel":{"type":"app"},"user":{"name":"bob"},"from":"MEM-9"}`, 400, ``},
	)
}

func TestMembersAreLimited(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	s.play(step{"", "POST", "/v1/conversations", `{}`, 201, ``})
	id := s.real("CON-1")
	for i := range 100 {
		if name := fmt.Sprint("user ", i); i%2 == 0 {
			s.server.Join(id, name)
		} else {
			s.server.Invite(id, name)
		}
	}
	s.server.CreateUser("bob")
	const bob = `{"state":"joined","channel":{"type":"app"},"user":{"name":"bob"}}`
	s.play(step{"", "POST", "/v1/conversations/CON-1/members", bob, 400,
		problem(400, "conversation:error:maximum-number-of-members", "The conversation is full.")})
	// An invited one may still join, and one who leaves makes room.
	s.server.Join(id, "user 1")
	s.play(step{"user 0", "GET", "/v1/conversations/CON-1/members/me", ``, 200, ``})
	s.server.Leave(id, s.real("MEM-1"))
	s.play(step{"", "POST", "/v1/conversations/CON-1/members", bob, 201, ``})
}

func TestMembershipsOfAUser(t *testing.T) {
	t.Parallel()
	s := withMembers(t)
	s.play(
		step{"", "POST", "/v1/conversations", `{"properties":{"custom_data":{"k":1},"ttl":5}}`, 201, ``},
		step{"", "POST", "/v1/conversations/CON-2/members", `{"state":"invited","channel":{"type":"app"},"user":{"name":"alice"}}`, 201, ``},
		step{"", "GET", "/v1/users/USR-1/conversations?state=INVITED", ``, 200, `{"page_size":10,"_embedded":{"conversations":[
			{"id":"CON-2","name":"NAM-1","state":"ACTIVE","sequence_number":1,"properties":{"ttl":5},"timestamp":{"created":"TIME"},
			"_embedded":{"id":"MEM-2","state":"INVITED"},"_links":{"self":{"href":"LINK/v1/conversations/CON-2"}}}]},
			"_links":{"first":{"href":"LINK/v1/users/USR-1/conversations?order=asc&page_size=10&state=INVITED"},"self":{"href":"LINK/v1/users/USR-1/conversations?order=asc&page_size=10&state=INVITED"}}}`},
		step{"alice", "GET", "/beta2/users/USR-1/conversations?page_size=1&order=desc", ``, 200, `{"page_size":1,"cursor":"","_embedded":{"data":{"conversations":[
			{"id":"CON-2","name":"NAM-1","sequence_number":1,"timestamp":{"created":"TIME"},"member_id":"MEM-2","state":"INVITED","_links":{"self":{"href":"LINK/beta2/conversations/CON-2"}}}]}},
			"_links":{"first":{"href":"LINK/beta2/users/USR-1/conversations?order=desc&page_size=1"},"self":{"href":"LINK/beta2/users/USR-1/conversations?order=desc&page_size=1"},
			"next":{"href":"LINK/beta2/users/USR-1/conversations?order=desc&page_size=1&CURSOR"}}}`},
		step{"alice", "GET", "/v0.3/users/USR-1/conversations?state=INVITED", ``, 200, `{"page_size":10,"_embedded":{"conversations":[
			{"id":"CON-2","name":"NAM-1","state":"ACTIVE","sequence_number":1,"properties":{"ttl":5},"timestamp":{"created":"TIME"},
			"_embedded":{"member":{"id":"MEM-2","state":"INVITED"}},"_links":{"self":{"href":"LINK/v0.3/conversations/CON-2"}}}]},
			"_links":{"first":{"href":"LINK/v0.3/users/USR-1/conversations?order=asc&page_size=10&state=INVITED"},"self":{"href":"LINK/v0.3/users/USR-1/conversations?order=asc&page_size=10&state=INVITED"}}}`},
		step{"alice", "GET", "/v0.3/conversations/CON-2", ``, 200, `{"id":"CON-2","name":"NAM-1","state":"ACTIVE","sequence_number":1,"properties":{"custom_data":{"k":1},"ttl":5},
			"timestamp":{"created":"TIME"},"_embedded":{"member":{"id":"MEM-2","state":"INVITED"}},"_links":{"self":{"href":"LINK/v0.3/conversations/CON-2"}}}`},
		step{"", "GET", "/v1/users/USR-1/conversations?state=gone", ``, 400, fault("state", `"state" must be one of [INVITED, JOINED, LEFT]`)},
		step{"", "GET", "/v1/users/USR-1/conversations?date_start=2100-01-01T00:00:00Z", ``, 200, ``},
		step{"", "GET", "/v1/users/USR-9/conversations", ``, 404, ``},
	)
	for query, want := range map[string]string{
		"include_custom_data=true&state=INVITED": `"custom_data":{"k":1}`,
		"date_end=2000-01-01 10:00:00":           `"conversations":[]`,
		"date_start=2000-01-01T10:00:00.000Z":    `"CON-2"`,
	} {
		_, body := s.do(step{method: "GET", path: "/v1/users/USR-1/conversations?" + strings.ReplaceAll(query, " ", "%20")})
		if !strings.Contains(body, want) {
			t.Errorf("%s: %s is not in %s", query, want, body)
		}
	}
}

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

func TestAudio(t *testing.T) {
	t.Parallel()
	s := withMembers(t)
	s.play(
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"text":"hi","level":"-0.5","language":"en-GB","style":2,"premium":true,"loop":0}`, 200, `{"message":"Talk started","uuid":"ID-1"}`},
		step{"", "DELETE", "/v1/conversations/CON-1/talk", ``, 200, `{"message":"Talk stopped","uuid":"ID-1"}`},
		step{"", "PUT", "/v1/conversations/CON-1/stream", `{"stream_url":["https://example.com/a.mp3"]}`, 200, `{"message":"Stream started","uuid":"ID-2"}`},
		step{"", "DELETE", "/v1/conversations/CON-1/stream", ``, 200, `{"message":"Stream stopped","uuid":"ID-2"}`},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"start","format":"wav","retention_ttl":400,"split":"conversation"}`, 200, ``},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"stop"}`, 200, ``},
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"level":"2"}`, 400, ``},
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"text":"hi","level":"NaN"}`, 400, fault("level", `"level" must be between -1 and 1`)},
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"text":"hi","level":1}`, 400, fault("level", `"level" must be a string`)},
		step{"", "PUT", "/v1/conversations/CON-1/stream", `{"stream_url":"https://example.com/a.mp3"}`, 400, fault("stream_url", `"stream_url" must be an array`)},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"pause"}`, 400, fault("action", `"action" must be one of [start, stop]`)},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"start","retention_ttl":401}`, 400, fault("retention_ttl", `"retention_ttl" must be less than or equal to 400`)},
	)
	_, body := s.do(step{method: "GET", path: "/v1/conversations/CON-1/events?start_id=2"})
	var got []string
	for _, e := range decode(t, body).(map[string]any)["_embedded"].(map[string]any)["events"].([]any) {
		e := e.(map[string]any)
		got = append(got, fmt.Sprint(e["type"], " ", e["body"]))
	}
	want := []string{
		`audio:say map[language:en-GB level:-0.5 loop:0 premium:true queue:false say_id:ID-1 ssml:false style:2 text:hi]`,
		`audio:say:stop map[say_id:ID-1]`,
		`audio:play map[level:0 loop:1 play_id:ID-2 queue:false stream_url:[https://example.com/a.mp3]]`,
		`audio:play:stop map[play_id:ID-2]`,
		`audio:record map[format:wav recording_id:ID-3 split:true streamed:false validity:400]`,
		`audio:record:stop map[record_id:ID-3]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
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

func TestImages(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("quality_ratio", "100")
	part, err := w.CreateFormFile("file", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte("picture"))
	_ = w.Close()
	do := func(method, url, contentType string, body io.Reader) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.server.UserToken("alice"))
		r.Header.Set("Content-Type", contentType)
		a, err := s.server.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Body.Close() }()
		content, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, string(content)
	}
	status, answer := do("POST", s.server.URL()+"/v1/image", w.FormDataContentType(), bytes.NewReader(form.Bytes()))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	for size, v := range decode(t, answer).(map[string]any) {
		url := v.(map[string]any)["url"].(string)
		if status, content := do("GET", url, "", nil); status != http.StatusOK || content != "picture" {
			t.Errorf("%s: %d %s", size, status, content)
		}
		if status, _ := do("DELETE", url, "", nil); status != http.StatusNoContent {
			t.Errorf("%s: deleting it: %d", size, status)
		}
		for _, method := range []string{"GET", "DELETE"} {
			if status, _ := do(method, url, "", nil); status != http.StatusNotFound {
				t.Errorf("%s: %s after that: %d", size, method, status)
			}
		}
	}
	if status, _ := do("POST", s.server.URL()+"/v1/image", "multipart/form-data; boundary=x", strings.NewReader("x")); status != http.StatusBadRequest {
		t.Errorf("without a file: %d", status)
	}
}

func TestKnocking(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	s := newScenario(t, nexmotest.WithEventHandler(box))
	box.verifier = &nexmo.Verifier{Secrets: []string{s.server.SignatureSecret()}}
	const channel = `{"type":"app","from":{"type":"app"},"to":{"type":"phone","number":"447700900001"}}`
	s.play(
		step{"alice", "POST", "/beta/knocking", `{"channel":` + channel + `,"properties":{"custom_data":{"k":1}}}`, 201, `{"id":"ID-1"}`},
		step{"bob", "DELETE", "/v0.3/knocking/ID-1", ``, 404, problem(404, "knocking:error:not-found", "Knocker does not exist, or you do not have access.")},
		step{"alice", "DELETE", "/beta/knocking/ID-1?reason_code=x&reason_text=y", ``, 200, `{}`},
		step{"alice", "DELETE", "/v0.3/knocking/ID-1", ``, 404, ``},
		step{"", "POST", "/v0.3/knocking", `{"channel":` + channel + `}`, 401, ``},
		step{"alice", "POST", "/v0.3/knocking", `{}`, 400, fault("channel", `"channel" is required`)},
	)
	knocking, cancel := s.server.ExpectWebhook(nexmo.EventAppKnocking), s.server.ExpectWebhook(nexmo.EventAppKnockingCancel)
	for _, test := range []struct{ want, got string }{
		{`{"application_id":"APPLICATION","type":"app:knocking","from":"ID-1","timestamp":"TIME",
			"body":{"channel":` + channel + `,"user":{"id":"USR-1","name":"alice"},"properties":{"custom_data":{"k":1}}}}`, string(knocking.Body)},
		{`{"application_id":"APPLICATION","type":"app:knocking:cancel","from":"ID-1","timestamp":"TIME",
			"body":{"user":{"id":"USR-1","name":"alice"},"reason":{"code":"x","text":"y"},"timestamp":{"destroyed":"TIME"}}}`, string(cancel.Body)},
	} {
		if diff := cmp.Diff(decode(t, test.want), decode(t, s.name(test.got))); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

// A member offers audio and takes the offer back. The answer goes to that user
// alone, and fits the offer.
func TestOffers(t *testing.T) {
	t.Parallel()
	const offer, answer = `{"body":{"offer":{"sdp":"m=audio\r\na=setup:actpass\r\n"}}}`, `"m=audio\r\na=setup:active\r\n"`
	box := newInbox(t)
	box.verifier = &nexmo.Verifier{Secrets: []string{"secret"}}
	s := withMembers(t, nexmotest.WithSignatureSecret("secret"), nexmotest.WithEventHandler(box))
	seen := make(chan nexmotest.Seen, 100)
	s.server.Watch(func(e nexmotest.Seen) {
		if e.Type == string(nexmo.EventRTCAnswer) {
			seen <- e
		}
	})
	s.play(
		step{"alice", "POST", "/beta/conversations/CON-1/rtc", offer, 200, `{"rtc_id":"ID-1"}`},
		step{"alice", "POST", "/beta/conversations/CON-1/rtc/ID-1/offer", offer, 200, `{"rtc_id":"ID-1"}`},
		step{"alice", "POST", "/v0.3/conversations/CON-1/rtc/ID-1/answer", `{"from":"MEM-1","body":{"answer":"v=0"}}`, 204, ``},
		step{"alice", "DELETE", "/beta2/conversations/CON-1/rtc/ID-1?from=MEM-1&originating_session=x", ``, 200, `{}`},
		step{"alice", "POST", "/beta/legs", offer, 200, `{"rtc_id":"ID-2","sdp":` + answer + `}`},
		step{"", "POST", "/beta/legs", offer, 401, ``},
		step{"alice", "POST", "/beta/legs", `{}`, 400, `{"code":"http:error:validation-fail","description":"Input validation failure.","validation":{"body.offer.sdp":"\"sdp\" is required"}}`},
		step{"alice", "POST", "/v0.3/conversations/CON-1/rtc", `{"body":{}}`, 400, fault("body.offer.sdp", `"sdp" is required`)},
		step{"alice", "POST", "/v0.3/conversations/CON-1/rtc/ID-1/answer", `{}`, 400, fault("body.answer", `"answer" is required`)},
		step{"bob", "POST", "/v0.3/conversations/CON-1/rtc", offer, 400, problem(400, "event:error:not-joined", "The author has not joined the conversation.")},
		step{"bob", "DELETE", "/beta2/conversations/CON-1/rtc/ID-1?from=MEM-1", ``, 403, ``},
		step{"alice", "DELETE", "/beta2/conversations/CON-9/rtc/ID-1", ``, 404, ``},
		step{"", "PATCH", "/v1/conversations/CON-1/members/MEM-1", `{"state":"left"}`, 200, ``},
	)
	var types []string
	for e, err := range s.server.EventsAfter(t.Context(), s.real("CON-1"), 1) {
		if err != nil {
			t.Fatal(err)
		}
		what := string(e.Type)
		if b, ok := nexmo.As[*nexmo.LegStatusUpdate](e); ok {
			what += " " + string(b.Status) + " " + s.name(b.LegID)
		}
		types = append(types, what)
	}
	on := []string{"leg:status:update answered ID-1", "member:media"}
	want := slices.Concat(on, on, on[:1], []string{"rtc:answered"}, on[1:], []string{"rtc:hangup", "leg:status:update completed ID-1", "member:left"})
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if len(seen) != 2 {
		t.Fatalf("%d answers", len(seen))
	}
	e := <-seen
	if diff := cmp.Diff([]string{"USR-1"}, []string{s.name(strings.Join(e.Audience, " "))}); diff != "" || e.ID != 0 {
		t.Errorf("event %d, audience (-want +got):\n%s", e.ID, diff)
	}
	posted := `{"application_id":"APPLICATION","type":"rtc:answer","conversation_id":"CON-1","timestamp":"TIME","body":{"rtc_id":"ID-1","answer":` + answer + `}}`
	if diff := cmp.Diff(decode(t, posted), decode(t, s.name(string(s.server.ExpectWebhook(nexmo.EventRTCAnswer).Body)))); diff != "" {
		t.Errorf("rtc:answer (-want +got):\n%s", diff)
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
