package nexmo_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// clock is the time a number of seconds after the tests' nine o'clock. The texts
// of the events say it as 2024-05-14T09:00:07Z.
func clock(seconds int) time.Time { return time.Date(2024, 5, 14, 9, 0, seconds, 0, time.UTC) }

// with returns m after change.
func with(m nexmo.Member, change func(m *nexmo.Member)) nexmo.Member {
	change(&m)
	return m
}

// checkMember compares a member of the conversation, whole.
func checkMember(t testing.TB, c *nexmo.Conversation, want nexmo.Member) {
	t.Helper()
	got, ok := c.Member(want.ID)
	if !ok {
		t.Fatalf("Member(%q): not known", want.ID)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Member(%q) (-want +got):\n%s", want.ID, diff)
	}
}

// checkMembers compares all members of the conversation, and their order.
func checkMembers(t testing.TB, c *nexmo.Conversation, want ...nexmo.Member) {
	t.Helper()
	if diff := cmp.Diff(want, slices.Collect(c.Members())); diff != "" {
		t.Errorf("Members() (-want +got):\n%s", diff)
	}
}

const (
	priyaInvited = `{"id":1,"type":"member:invited","conversation_id":"CON-1","from":"MEM-1","body":{
		"cname":"repairs","conversation":{"conversation_id":"CON-1","name":"repairs","display_name":"Repairs"},
		"invited_by":"shop","member_id":"MEM-1",
		"user":{"id":"USR-1","user_id":"USR-1","name":"priya","display_name":"Priya","image_url":"https://example.com/p.png",
			"media":{"audio_settings":{"enabled":false,"earmuffed":false,"muted":false},"audio":false}},
		"channel":{"type":"app","id":"LEG-1","from":{"type":"phone","number":"447700900123"},"to":{"type":"app","user":"priya"},
			"headers":{"X-Order":"441"},"legs":[{"leg_id":"LEG-1","status":"started"}],"leg_ids":["LEG-1"],"leg_settings":{"a":1},
			"number":"441","knocking_id":"knocker:1","cpa":true,"cpa_time":5000,"preanswer":false,"ring_timeout":45000,
			"max_length":60000,"can_hear":["LEG-2"],"can_speak":["LEG-3"],"content-type":"audio/l16"},
		"media":{"audio_settings":{"enabled":false,"earmuffed":false,"muted":false},"audio":false},
		"timestamp":{"invited":"2024-05-14T09:00:01Z"},"initiator":{"invited":{"isSystem":true}}}}`
	priyaJoined = `{"id":2,"type":"member:joined","conversation_id":"CON-1","from":"MEM-1","body":{"member_id":"MEM-1",
		"user":{"id":"USR-1","name":"priya"},
		"channel":{"type":"app","id":"LEG-1","legs":[{"leg_id":"LEG-1","status":"answered"}]},
		"timestamp":{"invited":"2024-05-14T09:00:01Z","joined":"2024-05-14T09:00:02Z"}}}`
	tomasJoined = `{"id":3,"type":"member:joined","conversation_id":"CON-1","from":"MEM-2","body":{"member_id":"MEM-2",
		"user":{"id":"USR-2","name":"tomas","display_name":"Tomás"},
		"channel":{"type":"phone","id":"LEG-2","leg_ids":["LEG-2","LEG-2b"]},
		"timestamp":{"joined":"2024-05-14T09:00:03Z"}}}`
)

// priyaAfterInvitation is what priyaInvited tells of her.
func priyaAfterInvitation() nexmo.Member {
	return nexmo.Member{
		ID: "MEM-1", UserID: "USR-1", UserName: "priya", DisplayName: "Priya", ImageURL: "https://example.com/p.png",
		State: nexmo.MemberStateInvited,
		Channel: &nexmo.Channel{
			ID: "LEG-1", Type: nexmo.ChannelTypeApp,
			From:    &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "447700900123"},
			To:      &nexmo.Endpoint{Type: nexmo.ChannelTypeApp, User: "priya"},
			Headers: nexmo.Headers{"X-Order": "441"}, LegIDs: []string{"LEG-1"},
			Legs: nexmo.Legs{{ID: "LEG-1", Status: nexmo.LegStatusStarted}}, LegSettings: `{"a":1}`,
			Number: "441", KnockingID: "knocker:1", CPA: nexmo.True, CPATime: nexmo.Milliseconds(5 * time.Second),
			Preanswer: nexmo.False, RingTimeout: nexmo.Milliseconds(45 * time.Second), MaxLength: nexmo.Milliseconds(time.Minute),
			CanHear: []string{"LEG-2"}, CanSpeak: []string{"LEG-3"}, ContentType: "audio/l16",
		},
		Media: nexmo.Media{Audio: nexmo.False, AudioSettings: nexmo.AudioSettings{
			Enabled: nexmo.False, Earmuffed: nexmo.False, Muted: nexmo.False,
		}},
		InvitedBy: "shop",
		Timestamp: nexmo.MemberTimestamp{Invited: clock(1)},
	}
}

// priyaInside is priya after priyaInvited and priyaJoined.
func priyaInside() nexmo.Member {
	return with(priyaAfterInvitation(), func(m *nexmo.Member) {
		m.State = nexmo.MemberStateJoined
		m.Timestamp.Joined = clock(2)
		channel := *m.Channel
		channel.Legs = nexmo.Legs{{ID: "LEG-1", Status: nexmo.LegStatusAnswered}}
		m.Channel = &channel
	})
}

// tomasInside is tomas after tomasJoined.
func tomasInside() nexmo.Member {
	return nexmo.Member{
		ID: "MEM-2", UserID: "USR-2", UserName: "tomas", DisplayName: "Tomás", State: nexmo.MemberStateJoined,
		Channel:   &nexmo.Channel{ID: "LEG-2", Type: nexmo.ChannelTypePhone, LegIDs: []string{"LEG-2", "LEG-2b"}},
		Timestamp: nexmo.MemberTimestamp{Joined: clock(3)},
	}
}

// legEvent is an event of the agent's leg, number 4.
func legEvent(typ nexmo.EventType, body string) string {
	return fmt.Sprintf(`{"id":4,"type":%q,"conversation_id":"CON-1","from":"MEM-1","body":{%s}}`, typ, body)
}

// keptIDs are the IDs of the history, as its events and its loop give them.
func keptIDs(t testing.TB, c *nexmo.Conversation) []nexmo.EventID {
	t.Helper()
	var ids []nexmo.EventID
	for id, e := range c.Events() {
		if e.ID != id {
			t.Errorf("Events yields event %d as %d", e.ID, id)
		}
		ids = append(ids, id)
	}
	return ids
}

// kept returns an event of the history.
func kept(t testing.TB, c *nexmo.Conversation, id nexmo.EventID) *nexmo.Event {
	t.Helper()
	for i, e := range c.Events() {
		if i == id {
			return e
		}
	}
	t.Fatalf("event %d is not kept", id)
	return nil
}
