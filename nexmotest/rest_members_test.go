package nexmotest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
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
