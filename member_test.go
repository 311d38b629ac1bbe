package nexmo_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// told parses an event that a test gives as its text.
func told(t testing.TB, text string) *nexmo.Event {
	t.Helper()
	e, err := nexmo.ParseEvent([]byte(text))
	if err != nil {
		t.Fatalf("ParseEvent(%.80s): %v", text, err)
	}
	if raw, ok := e.Body.(*nexmo.RawBody); ok && raw.Err != nil {
		t.Fatalf("the body of %.80s: %v", text, raw.Err)
	}
	return e
}

// tell delivers events, given as their texts, one after another.
func tell(t testing.TB, to nexmo.Sink, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err := to.Deliver(t.Context(), told(t, text)); err != nil {
			t.Fatalf("Deliver(%.80s): %v", text, err)
		}
	}
}

// noWait is for conversations that give up a gap at once, so that the test can
// deliver what was missing late.
func noWait() nexmo.ConversationOption { return nexmo.WithReorderWindow(0, 0) }

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

// memberChange is one event and what it makes of one member.
type memberChange struct {
	name   string
	given  []string // events before it
	before nexmo.Member
	event  string
	after  nexmo.Member
}

// nobody is a member that is not known before the event.
var nobody = nexmo.Member{}

// legEvent is an event of the agent's leg, number 4.
func legEvent(typ nexmo.EventType, body string) string {
	return fmt.Sprintf(`{"id":4,"type":%q,"conversation_id":"CON-1","from":"MEM-1","body":{%s}}`, typ, body)
}

// memberChanges has at least one row for each event type that changes a member,
// and one for those that look as if they did.
func memberChanges() []memberChange {
	inside := []string{priyaInvited, priyaJoined}
	both := []string{priyaInvited, priyaJoined, tomasJoined}
	mute := func(to nexmo.Bool) func(m *nexmo.Member) {
		return func(m *nexmo.Member) { m.Media.AudioSettings.Muted = to }
	}
	earmuff := func(to nexmo.Bool) func(m *nexmo.Member) {
		return func(m *nexmo.Member) { m.Media.AudioSettings.Earmuffed = to }
	}
	status := func(s nexmo.LegStatus) func(m *nexmo.Member) {
		return func(m *nexmo.Member) { m.LegStatus = s }
	}
	changes := []memberChange{
		{
			name:  "member:invited, version 1",
			event: priyaInvited, after: priyaAfterInvitation(),
		},
		{
			name: "member:invited, webhook of 2020: no member_id, user_id",
			event: `{"id":1,"type":"member:invited","from":"MEM-1","body":{"cname":"repairs","invited_by":"USR-9",
				"user":{"member_id":"MEM-1","user_id":"USR-1","name":"priya","media":{"audio_settings":{"enabled":true},"audio":true}},
				"channel":{"type":"phone"},"media":{"audio_settings":{"enabled":false,"muted":false},"audio":false},
				"timestamp":{"invited":"2024-05-14T09:00:01Z"}}}`,
			after: nexmo.Member{
				ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateInvited, InvitedBy: "USR-9",
				Channel: &nexmo.Channel{Type: nexmo.ChannelTypePhone},
				Media: nexmo.Media{Audio: nexmo.False, AudioSettings: nexmo.AudioSettings{
					Enabled: nexmo.False, Muted: nexmo.False,
				}},
				Timestamp: nexmo.MemberTimestamp{Invited: clock(1)},
			},
		},
		{
			name: "member:invited, push of 2017: from is who invited, media an object",
			event: `{"id":1,"type":"member:invited","from":"MEM-9","body":{"cname":"repairs","invited_by":"shop",
				"user":{"member_id":"MEM-1","user_id":"USR-1","name":"priya","media":{"audio":{"enabled":true,"earmuffed":false,"muted":true}}},
				"timestamp":{"invited":"2024-05-14T09:00:01Z"}}}`,
			after: nexmo.Member{
				ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateInvited, InvitedBy: "shop",
				Media: nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{
					Enabled: nexmo.True, Earmuffed: nexmo.False, Muted: nexmo.True,
				}},
				Timestamp: nexmo.MemberTimestamp{Invited: clock(1)},
			},
		},
		{
			name: "member:invited, version 0.2: the body is the member",
			event: `{"id":1,"type":"member:invited","from":"MEM-9","body":{"id":"MEM-1","name":"priya","display_name":"Priya",
				"user_id":"USR-1","state":"INVITED","timestamp":{"invited":"2024-05-14T09:00:01Z"},"channel":{"type":"app"},
				"initiator":{"invited":{"is_system":true}},"media":{"audio_settings":{"enabled":false,"earmuffed":false,"muted":false}}}}`,
			after: nexmo.Member{
				ID: "MEM-1", UserID: "USR-1", UserName: "priya", DisplayName: "Priya", State: nexmo.MemberStateInvited,
				Channel: &nexmo.Channel{Type: nexmo.ChannelTypeApp},
				Media: nexmo.Media{AudioSettings: nexmo.AudioSettings{
					Enabled: nexmo.False, Earmuffed: nexmo.False, Muted: nexmo.False,
				}},
				Timestamp: nexmo.MemberTimestamp{Invited: clock(1)},
			},
		},
		{
			name: "member:joined", given: []string{priyaInvited}, before: priyaAfterInvitation(),
			event: priyaJoined, after: priyaInside(),
		},
		{
			name:  "member:joined, not invited",
			event: tomasJoined, after: tomasInside(),
		},
		{
			name: "member:joined, frame of 2017",
			event: `{"id":1,"type":"member:joined","cid":"CON-1","from":"MEM-1","body":{"user":{"user_id":"USR-1","name":"priya"},
				"timestamp":{"joined":"2024-05-14T09:00:02Z"}}}`,
			after: nexmo.Member{
				ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateJoined,
				Timestamp: nexmo.MemberTimestamp{Joined: clock(2)},
			},
		},
		{
			name: "member:joined, twice: the leg connects, then answers", given: inside, before: priyaInside(),
			event: `{"id":3,"type":"member:joined","from":"MEM-1","body":{"member_id":"MEM-1","user":{"id":"USR-1"},
				"channel":{"id":"LEG-1","legs":[{"leg_id":"LEG-1","status":"completed"}]},
				"timestamp":{"joined":"2024-05-14T09:00:07Z"}}}`,
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.Timestamp.Joined = clock(7)
				channel := *m.Channel
				channel.Legs = nexmo.Legs{{ID: "LEG-1", Status: nexmo.LegStatusCompleted}}
				m.Channel = &channel
			}),
		},
		{
			name:  "member:left",
			given: append(slices.Clip(inside), legEvent(nexmo.EventAudioSpeakingOn, ""), `{"type":"text:typing:on","from":"MEM-1","body":{}}`),
			before: with(priyaInside(), func(m *nexmo.Member) {
				m.Speaking, m.Typing = true, true
			}),
			event: `{"id":5,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1","user":{"id":"USR-1"},
				"timestamp":{"invited":"2024-05-14T09:00:01Z","joined":"2024-05-14T09:00:02Z","left":"2024-05-14T09:00:09Z"},
				"reason":{"code":"hangup","text":"the agent ended the call"}}}`,
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.Timestamp.Left = clock(9)
				m.Reason = nexmo.Reason{Code: "hangup", Text: "the agent ended the call"}
			}),
		},
		{
			name: "member:left, never joined", given: []string{priyaInvited}, before: priyaAfterInvitation(),
			event: `{"id":2,"type":"member:left","from":"MEM-1","to":"","state":"","body":{"user":{"id":"USR-1"},
				"timestamp":{"invited":"2024-05-14T09:00:01Z","left":"2024-05-14T09:00:09Z"}}}`,
			after: with(priyaAfterInvitation(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.Timestamp.Left = clock(9)
			}),
		},
		{
			name: "member:left, kicked by another", given: both, before: priyaInside(),
			event: `{"id":4,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1","user":{"id":"USR-1","name":"priya"},
				"timestamp":{"left":"2024-05-14T09:00:09Z"},
				"initiator":{"left":{"isSystem":false,"user_id":"USR-2","member_id":"MEM-2"}},"reason":{"code":"kicked"}},
				"_embedded":{"from_user":{"id":"USR-2","name":"tomas","display_name":"Tomás"},"from_member":{"id":"MEM-2"}}}`,
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.Timestamp.Left = clock(9)
				m.Reason = nexmo.Reason{Code: "kicked"}
			}),
		},
		{
			name: "member:left, not known before",
			event: `{"id":8,"type":"member:left","cid":"CON-1","from":"MEM-1","body":{"user":{"name":"priya","id":"USR-1"},
				"timestamp":{"joined":"2024-05-14T09:00:02Z","left":"2024-05-14T09:00:09Z"}}}`,
			after: nexmo.Member{
				ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateLeft,
				Timestamp: nexmo.MemberTimestamp{Joined: clock(2), Left: clock(9)},
			},
		},
		{
			name: "member:left, told twice",
			given: append(slices.Clip(inside), `{"id":3,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1",
				"reason":{"code":"hangup","text":"the agent ended the call"}}}`),
			before: with(priyaInside(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.Reason = nexmo.Reason{Code: "hangup", Text: "the agent ended the call"}
			}),
			event: `{"id":4,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1","reason":{"code":"gone"}}}`,
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.Reason = nexmo.Reason{Code: "gone"}
			}),
		},
		{
			name: "member:joined, after having left",
			given: append(slices.Clip(inside), `{"id":3,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1",
				"timestamp":{"left":"2024-05-14T09:00:09Z"},"reason":{"code":"hangup"}}}`),
			before: with(priyaInside(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.Timestamp.Left = clock(9)
				m.Reason = nexmo.Reason{Code: "hangup"}
			}),
			event: `{"id":4,"type":"member:joined","from":"MEM-1","body":{"member_id":"MEM-1"}}`,
			after: with(priyaInside(), func(m *nexmo.Member) { m.Timestamp.Left = clock(9) }),
		},
		{
			name: "member:media, audio alone", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventMemberMedia, `"audio":true`),
			after: with(priyaInside(), func(m *nexmo.Member) { m.Media.Audio = nexmo.True }),
		},
		{
			name: "member:media, media alone", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventMemberMedia, `"media":{"audio":true,"audio_settings":{"enabled":true,"earmuffed":true,"muted":true}}`),
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.Media = nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{
					Enabled: nexmo.True, Earmuffed: nexmo.True, Muted: nexmo.True,
				}}
			}),
		},
		{
			name: "member:media, some settings", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventMemberMedia, `"media":{"audio_settings":{"muted":true}}`),
			after: with(priyaInside(), mute(nexmo.True)),
		},
		{
			name: "member:media, media.audio an object", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventMemberMedia, `"media":{"audio":{"enabled":true,"muted":true}}`),
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.Media.Audio = nexmo.True
				m.Media.AudioSettings.Enabled = nexmo.True
				m.Media.AudioSettings.Muted = nexmo.True
			}),
		},
		{
			name: "member:media, all three, audio and media.audio not equal", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventMemberMedia, `"audio":false,"media":{"audio":true,"audio_settings":{"enabled":true}},
				"channel":{"id":"LEG-1","leg_ids":["LEG-1","LEG-1b"],"can_hear":[]}`),
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.Media.Audio = nexmo.True
				m.Media.AudioSettings.Enabled = nexmo.True
				channel := *m.Channel
				channel.LegIDs, channel.CanHear = []string{"LEG-1", "LEG-1b"}, []string{}
				m.Channel = &channel
			}),
		},
		{
			name: "audio:mute:on, of the member in to", given: both, before: tomasInside(),
			event: `{"id":4,"type":"audio:mute:on","from":"MEM-1","to":"MEM-2","body":{"rtc_id":"LEG-1"}}`,
			after: with(tomasInside(), mute(nexmo.True)),
		},
		{
			name: "audio:mute:on, of the member whose leg it is", given: both, before: tomasInside(),
			event: `{"id":4,"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"LEG-2b"}}`,
			after: with(tomasInside(), mute(nexmo.True)),
		},
		{
			name: "audio:mute:on, of who sent it", given: both, before: priyaInside(),
			event: `{"id":4,"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"LEG-1"}}`,
			after: with(priyaInside(), mute(nexmo.True)),
		},
		{
			name: "audio:mute:on, of who sent it, the leg not known", given: []string{tomasJoined},
			event: `{"id":4,"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"LEG-1"}}`,
			after: nexmo.Member{ID: "MEM-1", State: nexmo.MemberStateUnknown, Media: nexmo.Media{
				AudioSettings: nexmo.AudioSettings{Muted: nexmo.True},
			}},
		},
		{
			name: "audio:mute:on, of another: who sent it stays", given: both, before: priyaInside(),
			event: `{"id":4,"type":"audio:mute:on","from":"MEM-1","to":"MEM-2","body":{"rtc_id":"LEG-2"}}`,
			after: priyaInside(),
		},
		{
			name:   "audio:mute:off",
			given:  append(slices.Clip(inside), `{"id":3,"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"LEG-1"}}`),
			before: with(priyaInside(), mute(nexmo.True)),
			event:  `{"id":4,"type":"audio:mute:off","from":"MEM-9","to":"MEM-1","body":{"rtc_id":"LEG-1"}}`,
			after:  with(priyaInside(), mute(nexmo.False)),
		},
		{
			name: "audio:earmuff:on, of the member in to", given: both, before: tomasInside(),
			event: `{"id":4,"type":"audio:earmuff:on","from":"MEM-1","to":"MEM-2","body":{"rtc_id":"LEG-1"}}`,
			after: with(tomasInside(), earmuff(nexmo.True)),
		},
		{
			name: "audio:earmuff:on, of the member whose leg it is", given: both, before: tomasInside(),
			event: `{"id":4,"type":"audio:earmuff:on","from":"MEM-1","body":{"rtc_id":"LEG-2"}}`,
			after: with(tomasInside(), earmuff(nexmo.True)),
		},
		{
			name: "audio:earmuff:on, of who sent it", given: inside, before: priyaInside(),
			event: `{"id":4,"type":"audio:earmuff:on","from":"MEM-1","body":{}}`,
			after: with(priyaInside(), earmuff(nexmo.True)),
		},
		{
			name:   "audio:earmuff:off",
			given:  append(slices.Clip(inside), `{"id":3,"type":"audio:earmuff:on","from":"MEM-1","body":{"rtc_id":"LEG-1"}}`),
			before: with(priyaInside(), earmuff(nexmo.True)),
			event:  `{"id":4,"type":"audio:earmuff:off","from":"MEM-1","body":{"rtc_id":"LEG-1"}}`,
			after:  with(priyaInside(), earmuff(nexmo.False)),
		},
		{
			name: "audio:speaking:on", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventAudioSpeakingOn, `"channel":{"id":"LEG-1"}`),
			after: with(priyaInside(), func(m *nexmo.Member) { m.Speaking = true }),
		},
		{
			name: "audio:speaking:on, the member embedded alone", given: inside, before: priyaInside(),
			event: `{"id":4,"type":"audio:speaking:on","body":{},"_embedded":{"from_member":{"id":"MEM-1"}}}`,
			after: with(priyaInside(), func(m *nexmo.Member) { m.Speaking = true }),
		},
		{
			name: "audio:speaking:on, the leg alone is named", given: both, before: tomasInside(),
			event: `{"id":4,"type":"audio:speaking:on","body":{"channel":{"id":"LEG-2"}}}`,
			after: with(tomasInside(), func(m *nexmo.Member) { m.Speaking = true }),
		},
		{
			name:   "audio:speaking:off",
			given:  append(slices.Clip(both), legEvent(nexmo.EventAudioSpeakingOn, `"channel":{}`)),
			before: with(priyaInside(), func(m *nexmo.Member) { m.Speaking = true }),
			event:  `{"id":5,"type":"audio:speaking:off","from":"MEM-1","body":{"channel":{}}}`,
			after:  priyaInside(),
		},
		{
			name: "text:typing:on", given: inside, before: priyaInside(),
			event: `{"type":"text:typing:on","from":"MEM-1","body":{"activity":1}}`,
			after: with(priyaInside(), func(m *nexmo.Member) { m.Typing = true }),
		},
		{
			name:   "text:typing:off",
			given:  append(slices.Clip(inside), `{"type":"text:typing:on","from":"MEM-1","body":{}}`),
			before: with(priyaInside(), func(m *nexmo.Member) { m.Typing = true }),
			event:  `{"type":"text:typing:off","from":"MEM-1","body":{}}`,
			after:  priyaInside(),
		},
		{
			name: "leg:status:update, by the leg", given: both, before: tomasInside(),
			event: `{"id":4,"type":"leg:status:update","from":"MEM-1","body":{"leg_id":"LEG-2","type":"phone","status":"busy"}}`,
			after: with(tomasInside(), status(nexmo.LegStatusBusy)),
		},
		{
			name: "leg:status:update, by from", given: both, before: priyaInside(),
			event: `{"id":4,"type":"leg:status:update","from":"MEM-1","body":{"leg_id":"LEG-9","type":"app","status":"timeout"}}`,
			after: with(priyaInside(), status(nexmo.LegStatusTimeout)),
		},
		{
			name: "leg:status:update, a word of tomorrow", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventLegStatusUpdate, `"leg_id":"LEG-1","status":"parked"`),
			after: with(priyaInside(), status("parked")),
		},
		{
			name: "member:answered", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventMemberAnswered, ""), after: with(priyaInside(), status(nexmo.LegStatusAnswered)),
		},
		{
			name: "sip:status", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventSIPStatus, `"status":"failed","channel":{"id":"LEG-1","max_length":7200000}`),
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.LegStatus = nexmo.LegStatusFailed
				channel := *m.Channel
				channel.MaxLength = nexmo.Milliseconds(2 * time.Hour)
				m.Channel = &channel
			}),
		},
		{
			name:   "sip:status, no status",
			given:  append(slices.Clip(inside), `{"id":3,"type":"sip:hangup","from":"MEM-1","body":{}}`),
			before: with(priyaInside(), status(nexmo.LegStatusCompleted)),
			event:  legEvent(nexmo.EventSIPStatus, `"price":"0.01"`), after: with(priyaInside(), status(nexmo.LegStatusCompleted)),
		},
		{
			name: "rtc:transfer, the leg brings its member along",
			event: `{"id":4,"type":"rtc:transfer","from":"MEM-1","body":{"was_member":"MEM-0","user_id":"USR-1",
				"transferred_from":"CON-0","channel":{"id":"LEG-1","type":"phone"}}}`,
			after: nexmo.Member{
				ID: "MEM-1", UserID: "USR-1", State: nexmo.MemberStateUnknown,
				Channel: &nexmo.Channel{ID: "LEG-1", Type: nexmo.ChannelTypePhone},
			},
		},
		{
			name: "rtc:transfer, a known member", given: inside, before: priyaInside(),
			event: `{"id":4,"type":"rtc:transfer","from":"MEM-1","body":{"channel":{"id":"LEG-1","ring_timeout":60000}}}`,
			after: with(priyaInside(), func(m *nexmo.Member) {
				channel := *m.Channel
				channel.RingTimeout = nexmo.Milliseconds(time.Minute)
				m.Channel = &channel
			}),
		},
		{
			name:  "a channel that tells nothing",
			event: legEvent(nexmo.EventRTCHangup, `"channel":{}`),
			after: nexmo.Member{ID: "MEM-1", State: nexmo.MemberStateUnknown, LegStatus: nexmo.LegStatusCompleted},
		},
		{
			name: "lists that are empty now", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventSIPAnswered, `"channel":{"legs":[],"leg_ids":[]}`),
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.LegStatus = nexmo.LegStatusAnswered
				channel := *m.Channel
				channel.Legs, channel.LegIDs = nexmo.Legs{}, []string{}
				m.Channel = &channel
			}),
		},
		{
			name: "an end of another kind takes nothing over from the one before", given: inside, before: priyaInside(),
			event: legEvent(nexmo.EventRTCAnswered, `"channel":{"from":{"type":"sip","uri":"sip:tomas@example.com"},"to":{"user":"p.rao"}}`),
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.LegStatus = nexmo.LegStatusAnswered
				channel := *m.Channel
				channel.From = &nexmo.Endpoint{Type: nexmo.ChannelTypeSIP, URI: "sip:tomas@example.com"}
				channel.To = &nexmo.Endpoint{Type: nexmo.ChannelTypeApp, User: "p.rao"}
				m.Channel = &channel
			}),
		},
		{
			name: "any event, from somebody new",
			event: `{"id":9,"type":"custom:order-update","from":"MEM-1","body":{},
				"_embedded":{"from_user":{"id":"USR-1","name":"priya","display_name":"Priya","image_url":"https://example.com/p.png"}}}`,
			after: nexmo.Member{
				ID: "MEM-1", UserID: "USR-1", UserName: "priya", DisplayName: "Priya", ImageURL: "https://example.com/p.png",
				State: nexmo.MemberStateUnknown,
			},
		},
		{
			name: "any event, the member embedded alone",
			event: `{"id":9,"type":"text","body":{"text":"Hello"},
				"_embedded":{"from_user":{"id":"USR-1","name":"priya"},"from_member":{"id":"MEM-1"}}}`,
			after: nexmo.Member{ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateUnknown},
		},
		{
			name: "any event, a new picture", given: inside, before: priyaInside(),
			event: `{"id":9,"type":"text","from":"MEM-1","body":{},"_embedded":{"from_user":{"image_url":"https://example.com/new.png"}}}`,
			after: with(priyaInside(), func(m *nexmo.Member) { m.ImageURL = "https://example.com/new.png" }),
		},
	}
	for typ, s := range map[nexmo.EventType]nexmo.LegStatus{
		nexmo.EventSIPRinging: nexmo.LegStatusRinging, nexmo.EventSIPAnswered: nexmo.LegStatusAnswered,
		nexmo.EventSIPHangup: nexmo.LegStatusCompleted, nexmo.EventSIPMachine: nexmo.LegStatusMachine,
		nexmo.EventSIPAMDMachine: nexmo.LegStatusMachine, nexmo.EventRTCRinging: nexmo.LegStatusRinging,
		nexmo.EventRTCAnswered: nexmo.LegStatusAnswered, nexmo.EventRTCHangup: nexmo.LegStatusCompleted,
		nexmo.EventRTCStatus: nexmo.LegStatusCompleted,
	} {
		changes = append(changes, memberChange{
			name: string(typ), given: inside, before: priyaInside(),
			event: legEvent(typ, `"channel":{"id":"LEG-1","type":"app","to":{"type":"app","user":"priya","headers":{"X-Desk":"7"}}}`),
			after: with(priyaInside(), func(m *nexmo.Member) {
				m.LegStatus = s
				channel := *m.Channel
				channel.To = &nexmo.Endpoint{Type: nexmo.ChannelTypeApp, User: "priya", Headers: nexmo.Headers{"X-Desk": "7"}}
				m.Channel = &channel
			}),
		})
	}
	// These name a member and change none.
	for _, typ := range []nexmo.EventType{
		nexmo.EventRTCOffer, nexmo.EventRTCAnswer, nexmo.EventRTCTerminate, nexmo.EventMemberMessageStatus, nexmo.EventText,
		nexmo.EventAudioDTMF, nexmo.EventVideoMuteOn, "sip:new", "member:renamed",
	} {
		changes = append(changes, memberChange{
			name: string(typ) + " changes nothing", given: inside, before: priyaInside(),
			event: legEvent(typ, `"member_id":"MEM-1","leg_id":"LEG-1","rtc_id":"LEG-1"`), after: priyaInside(),
		})
	}
	return changes
}

func TestConversationMember(t *testing.T) {
	t.Parallel()
	for _, tt := range memberChanges() {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", noWait())
			tell(t, c, tt.given...)
			before, known := c.Member(tt.after.ID)
			if want := !cmp.Equal(tt.before, nobody); known != want {
				t.Fatalf("known before: %t, want %t", known, want)
			}
			if diff := cmp.Diff(tt.before, before); diff != "" {
				t.Errorf("before (-want +got):\n%s", diff)
			}

			// Handlers see the member as it is after the event.
			handled := 0
			c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
				handled++
				checkMember(t, c, tt.after)
				return nil
			})
			tell(t, c, tt.event)
			if handled != 1 {
				t.Errorf("handled %d times", handled)
			}
			checkMember(t, c, tt.after)
			// What was read earlier stays as it was.
			if diff := cmp.Diff(tt.before, before); diff != "" {
				t.Errorf("the copy taken before (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConversationMemberLate delivers an event after later ones: it changes
// what they left open and nothing that they said.
func TestConversationMemberLate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		events []string
		late   string
		want   nexmo.Member
	}{
		{
			name: "invited after joined", events: []string{priyaJoined}, late: priyaInvited, want: priyaInside(),
		},
		{
			name: "invited after left",
			events: []string{`{"id":5,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1","user":{"display_name":"Priya R."},
				"timestamp":{"left":"2024-05-14T09:00:09Z"},"reason":{"code":"hangup"}}}`},
			late: priyaInvited,
			want: with(priyaAfterInvitation(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.DisplayName = "Priya R."
				m.Timestamp.Left = clock(9)
				m.Reason = nexmo.Reason{Code: "hangup"}
			}),
		},
		{
			name: "joined after left",
			events: []string{priyaInvited, `{"id":5,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1",
				"timestamp":{"left":"2024-05-14T09:00:09Z"},"reason":{"code":"hangup"}}}`},
			late: priyaJoined,
			want: with(priyaInside(), func(m *nexmo.Member) {
				m.State = nexmo.MemberStateLeft
				m.Timestamp.Left = clock(9)
				m.Reason = nexmo.Reason{Code: "hangup"}
			}),
		},
		{
			name: "the first join after the second",
			events: []string{priyaInvited, `{"id":6,"type":"member:joined","from":"MEM-1","body":{"member_id":"MEM-1",
				"timestamp":{"joined":"2024-05-14T09:00:07Z"},"channel":{"id":"LEG-1","legs":[{"leg_id":"LEG-1","status":"completed"}]}}}`},
			late: priyaJoined,
			want: with(priyaInside(), func(m *nexmo.Member) {
				m.Timestamp.Joined = clock(7)
				channel := *m.Channel
				channel.Legs = nexmo.Legs{{ID: "LEG-1", Status: nexmo.LegStatusCompleted}}
				m.Channel = &channel
			}),
		},
		{
			name: "an older name",
			events: []string{priyaInvited, priyaJoined,
				`{"id":9,"type":"text","from":"MEM-1","body":{},"_embedded":{"from_user":{"display_name":"Priya R."}}}`},
			late: `{"id":8,"type":"text","from":"MEM-1","body":{},"_embedded":{"from_user":{"display_name":"P.","name":"p"}}}`,
			want: with(priyaInside(), func(m *nexmo.Member) { m.DisplayName = "Priya R." }),
		},
		{
			name:   "a name where there is none",
			events: []string{`{"id":9,"type":"text","from":"MEM-1","body":{},"_embedded":{"from_user":{"display_name":"Priya R."}}}`},
			late:   `{"id":8,"type":"text","from":"MEM-1","body":{},"_embedded":{"from_user":{"id":"USR-1","display_name":"P."}}}`,
			want:   nexmo.Member{ID: "MEM-1", UserID: "USR-1", DisplayName: "Priya R.", State: nexmo.MemberStateUnknown},
		},
		{
			name: "an older channel",
			events: []string{tomasJoined,
				`{"id":9,"type":"sip:answered","from":"MEM-2","body":{"channel":{"id":"LEG-2b","leg_ids":["LEG-2b","LEG-2"]}}}`},
			late: `{"id":8,"type":"sip:ringing","from":"MEM-2","body":{"channel":{"id":"LEG-2","leg_ids":["LEG-2"],"preanswer":true}}}`,
			want: with(tomasInside(), func(m *nexmo.Member) {
				m.LegStatus = nexmo.LegStatusAnswered
				m.Channel = &nexmo.Channel{
					ID: "LEG-2b", Type: nexmo.ChannelTypePhone, LegIDs: []string{"LEG-2b", "LEG-2"}, Preanswer: nexmo.True,
				}
			}),
		},
		{
			name:   "older media",
			events: []string{legEvent(nexmo.EventMemberMedia, `"media":{"audio":true,"audio_settings":{"enabled":true,"muted":true}}`)},
			late: `{"id":3,"type":"member:media","from":"MEM-1","body":{"audio":false,
				"media":{"audio":false,"audio_settings":{"enabled":false,"earmuffed":true,"muted":false}}}}`,
			want: nexmo.Member{ID: "MEM-1", State: nexmo.MemberStateUnknown, Media: nexmo.Media{
				Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Earmuffed: nexmo.True, Muted: nexmo.True},
			}},
		},
		{
			name:   "media after a muting, which says nothing of the rest",
			events: []string{priyaInvited, priyaJoined, legEvent(nexmo.EventAudioMuteOn, "")},
			late: `{"id":3,"type":"member:media","from":"MEM-1","body":{
				"media":{"audio":true,"audio_settings":{"enabled":true,"earmuffed":true,"muted":false}}}}`,
			want: with(priyaInside(), func(m *nexmo.Member) {
				m.Media = nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{
					Enabled: nexmo.True, Earmuffed: nexmo.True, Muted: nexmo.True,
				}}
			}),
		},
		{
			name: "media after a second join, which says nothing of it",
			events: []string{priyaInvited, priyaJoined,
				`{"id":4,"type":"member:joined","from":"MEM-1","body":{"member_id":"MEM-1"}}`},
			late: `{"id":3,"type":"member:media","from":"MEM-1","body":{"audio":true}}`,
			want: with(priyaInside(), func(m *nexmo.Member) { m.Media.Audio = nexmo.True }),
		},
		{
			name:   "muted after unmuted",
			events: []string{priyaInvited, priyaJoined, legEvent(nexmo.EventAudioMuteOff, "")},
			late:   `{"id":3,"type":"audio:mute:on","from":"MEM-1","body":{}}`,
			want:   priyaInside(),
		},
		{
			name: "muted after unmuted, twice, once without an ID",
			events: []string{priyaInvited, priyaJoined, legEvent(nexmo.EventAudioMuteOff, ""),
				`{"type":"audio:mute:off","from":"MEM-1","body":{}}`},
			late: `{"id":3,"type":"audio:mute:on","from":"MEM-1","body":{}}`,
			want: priyaInside(),
		},
		{
			name:   "earmuffed after not",
			events: []string{priyaInvited, priyaJoined, legEvent(nexmo.EventAudioEarmuffOff, "")},
			late:   `{"id":3,"type":"audio:earmuff:on","from":"MEM-1","body":{}}`,
			want:   priyaInside(),
		},
		{
			name:   "speaking after not speaking",
			events: []string{priyaInvited, priyaJoined, legEvent(nexmo.EventAudioSpeakingOff, "")},
			late:   `{"id":3,"type":"audio:speaking:on","from":"MEM-1","body":{}}`,
			want:   priyaInside(),
		},
		{
			name: "speaking after having left",
			events: []string{priyaInvited, priyaJoined, `{"id":4,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1"}}`,
				`{"type":"text:typing:on","from":"MEM-1","body":{}}`},
			late: `{"id":3,"type":"audio:speaking:on","from":"MEM-1","body":{}}`,
			want: with(priyaInside(), func(m *nexmo.Member) { m.State = nexmo.MemberStateLeft }),
		},
		{
			name: "ringing after answered", events: []string{priyaInvited, priyaJoined, legEvent(nexmo.EventRTCAnswered, "")},
			late: `{"id":3,"type":"leg:status:update","from":"MEM-1","body":{"leg_id":"LEG-1","status":"ringing"}}`,
			want: with(priyaInside(), func(m *nexmo.Member) { m.LegStatus = nexmo.LegStatusAnswered }),
		},
		{
			name:   "ringing before an account of the leg that tells no status",
			events: []string{priyaInvited, priyaJoined, legEvent(nexmo.EventSIPStatus, `"price":"0.01"`)},
			late:   `{"id":3,"type":"leg:status:update","from":"MEM-1","body":{"leg_id":"LEG-1","status":"ringing"}}`,
			want:   with(priyaInside(), func(m *nexmo.Member) { m.LegStatus = nexmo.LegStatusRinging }),
		},
		{
			name:   "an earlier inviter",
			events: []string{`{"id":7,"type":"member:invited","from":"MEM-1","body":{"member_id":"MEM-1","invited_by":"tomas"}}`},
			late:   priyaInvited,
			want:   with(priyaAfterInvitation(), func(m *nexmo.Member) { m.InvitedBy = "tomas" }),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", noWait())
			tell(t, c, tt.events...)
			last := c.LastEventID()
			late := told(t, tt.late)
			if late.ID >= last {
				t.Fatalf("event %d is not late: event %d was handled", late.ID, last)
			}
			if err := c.Deliver(t.Context(), late); err != nil {
				t.Fatal(err)
			}
			checkMember(t, c, tt.want)
		})
	}
}

// TestConversationMembersFirstEventsMissed joins a conversation in the middle.
func TestConversationMembersFirstEventsMissed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		event string
		want  []nexmo.Member
	}{
		{
			name: "an invitation tells of who invited",
			event: `{"id":78,"type":"member:invited","from":"MEM-2","body":{"member_id":"MEM-2","invited_by":"priya",
				"user":{"id":"USR-2","name":"tomas"},
				"invited_by_member":{"member_id":"MEM-1","name":"priya","state":"joined","user_id":"USR-1","channel":{"type":"app"},
					"media":{"audio":true,"audio_settings":{"enabled":true}},"timestamp":{"joined":"2024-05-14T09:00:02Z"}}},
				"_embedded":{"from_user":{"id":"USR-1","name":"priya","display_name":"Priya"},"from_member":{"id":"MEM-1"}}}`,
			want: []nexmo.Member{
				{ID: "MEM-2", UserID: "USR-2", UserName: "tomas", State: nexmo.MemberStateInvited, InvitedBy: "priya"},
				{
					ID: "MEM-1", UserID: "USR-1", UserName: "priya", DisplayName: "Priya", State: nexmo.MemberStateJoined,
					Channel:   &nexmo.Channel{Type: nexmo.ChannelTypeApp},
					Media:     nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True}},
					Timestamp: nexmo.MemberTimestamp{Joined: clock(2)},
				},
			},
		},
		{
			name: "an invitation from another member",
			event: `{"id":9,"type":"member:invited","from":"MEM-1","body":{"id":"MEM-2","user_id":"USR-2","name":"tomas",
				"state":"INVITED"}}`,
			want: []nexmo.Member{
				{ID: "MEM-2", UserID: "USR-2", UserName: "tomas", State: nexmo.MemberStateInvited},
				{ID: "MEM-1", State: nexmo.MemberStateUnknown},
			},
		},
		{
			name: "who removed another, without a user",
			event: `{"id":9,"type":"member:left","from":"MEM-2","body":{"member_id":"MEM-2"},
				"_embedded":{"from_member":{"id":"MEM-1"}}}`,
			want: []nexmo.Member{
				{ID: "MEM-2", State: nexmo.MemberStateLeft},
				{ID: "MEM-1", State: nexmo.MemberStateUnknown},
			},
		},
		{
			name: "to whom an event is addressed",
			event: `{"id":9,"type":"audio:mute:on","from":"MEM-1","to":"MEM-2","body":{"rtc_id":"LEG-2"},
				"_embedded":{"from_user":{"id":"USR-1","name":"priya"},"from_member":{"id":"MEM-1"}}}`,
			want: []nexmo.Member{
				{ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateUnknown},
				{ID: "MEM-2", State: nexmo.MemberStateUnknown, Media: nexmo.Media{
					AudioSettings: nexmo.AudioSettings{Muted: nexmo.True},
				}},
			},
		},
		{
			name:  "nobody is named",
			event: `{"id":9,"type":"audio:mute:on","from":null,"body":{"rtc_id":"LEG-2"}}`,
		},
		{
			name:  "nobody is named, though somebody is addressed by an empty to",
			event: `{"id":9,"type":"audio:play","to":"","body":{"play_id":"PLY-1"}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1")
			tell(t, c, tt.event)
			checkMembers(t, c, tt.want...)
		})
	}
}

// TestConversationMembersInvitingMember checks that what an invitation says of
// the inviting member does not outdo the events about that member.
func TestConversationMembersInvitingMember(t *testing.T) {
	t.Parallel()
	invitation := func(id int, state string) string {
		return fmt.Sprintf(`{"id":%d,"type":"member:invited","from":"MEM-2","body":{"member_id":"MEM-2",
			"invited_by_member":{"member_id":"MEM-1","state":%q,"media":{"audio":true},"timestamp":{"joined":"2024-05-14T09:00:30Z"}}}}`, id, state)
	}
	left := `{"id":4,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1","timestamp":{"left":"2024-05-14T09:00:09Z"}}}`
	wantLeft := with(priyaInside(), func(m *nexmo.Member) {
		m.State = nexmo.MemberStateLeft
		m.Timestamp.Left = clock(9)
	})
	tests := []struct {
		name   string
		events []string
		want   nexmo.Member
	}{
		{"after", []string{priyaInvited, priyaJoined, left, invitation(5, "JOINED")}, wantLeft},
		{"late", []string{priyaInvited, priyaJoined, left, invitation(3, "JOINED")}, wantLeft},
		{
			"an older invitation late",
			[]string{invitation(5, "JOINED"), invitation(3, "INVITED")},
			nexmo.Member{
				ID: "MEM-1", State: nexmo.MemberStateJoined, Media: nexmo.Media{Audio: nexmo.True},
				Timestamp: nexmo.MemberTimestamp{Joined: clock(30)},
			},
		},
		{
			"a word of tomorrow", []string{invitation(5, "parked")},
			nexmo.Member{
				ID: "MEM-1", State: "PARKED", Media: nexmo.Media{Audio: nexmo.True},
				Timestamp: nexmo.MemberTimestamp{Joined: clock(30)},
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", noWait())
			tell(t, c, tt.events...)
			checkMember(t, c, tt.want)
		})
	}
}

// TestConversationMembersLegReused moves a leg to a new membership: the events
// of the leg are about the member who has it now, unless they say from whom they
// are.
func TestConversationMembersLegReused(t *testing.T) {
	t.Parallel()
	first := nexmo.Member{
		ID: "MEM-1", State: nexmo.MemberStateLeft, Channel: &nexmo.Channel{ID: "LEG-1"},
	}
	second := nexmo.Member{
		ID: "MEM-2", State: nexmo.MemberStateJoined, Channel: &nexmo.Channel{ID: "LEG-1"},
	}
	given := []string{
		`{"id":1,"type":"member:joined","from":"MEM-1","body":{"member_id":"MEM-1","channel":{"id":"LEG-1"}}}`,
		`{"id":2,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1"}}`,
		`{"id":3,"type":"member:joined","from":"MEM-2","body":{"member_id":"MEM-2","channel":{"id":"LEG-1"}}}`,
	}
	muted := func(m *nexmo.Member) { m.Media.AudioSettings.Muted = nexmo.True }
	completed := func(m *nexmo.Member) { m.LegStatus = nexmo.LegStatusCompleted }
	tests := []struct {
		name   string
		event  string
		wanted []nexmo.Member
	}{
		{
			"the leg alone, both have left",
			`{"id":5,"type":"audio:mute:on","body":{"rtc_id":"LEG-1"}}`,
			[]nexmo.Member{first, with(second, func(m *nexmo.Member) { m.State = nexmo.MemberStateLeft; muted(m) })},
		},
		{
			"the leg alone", `{"id":4,"type":"audio:mute:on","body":{"rtc_id":"LEG-1"}}`,
			[]nexmo.Member{first, with(second, muted)},
		},
		{
			"from who has it", `{"id":4,"type":"audio:mute:on","from":"MEM-2","body":{"rtc_id":"LEG-1"}}`,
			[]nexmo.Member{first, with(second, muted)},
		},
		{
			"from who had it", `{"id":4,"type":"leg:status:update","from":"MEM-1","body":{"leg_id":"LEG-1","status":"completed"}}`,
			[]nexmo.Member{with(first, completed), second},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1")
			tell(t, c, given...)
			if tt.wanted[1].State == nexmo.MemberStateLeft {
				tell(t, c, `{"id":4,"type":"member:left","from":"MEM-2","body":{"member_id":"MEM-2"}}`)
			}
			tell(t, c, tt.event)
			checkMembers(t, c, tt.wanted...)

			// The same when who has it now was known before who had it.
			if tt.wanted[1].State == nexmo.MemberStateLeft {
				return // nothing tells who had it last
			}
			c = nexmo.NewConversation("CON-1")
			tell(t, c, `{"type":"text:typing:off","from":"MEM-2","body":{}}`)
			tell(t, c, given...)
			tell(t, c, tt.event)
			checkMembers(t, c, tt.wanted[1], tt.wanted[0])
		})
	}
}

func TestConversationMembersKnockersAreNone(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	for i, body := range []string{
		`"type":"app:knocking","from":"knocker:1","body":{"user":{"id":"USR-1"},"channel":{"id":"LEG-1"}}`,
		`"type":"sip:ringing","from":"knocker:1","body":{"direction":"inbound","channel":{"id":"LEG-1"}}`,
		`"type":"leg:status:update","from":"knocker:1","body":{"leg_id":"LEG-1","status":"ringing"}`,
		`"type":"sip:status","from":"knocker:1","body":{"status":"completed"}`,
		`"type":"app:knocking:cancel","from":"knocker:1","body":{"reason":{"code":"gone"}}`,
		`"type":"member:invited","from":"knocker:1","body":{"user":{"id":"USR-1"},"invited_by_member":{"member_id":"knocker:1"}}`,
		`"type":"text","from":"knocker:1","body":{},"_embedded":{"from_user":{"id":"USR-1"},"from_member":{"id":"knocker:1"}}`,
		`"type":"audio:mute:on","from":null,"to":"knocker:1","body":{"rtc_id":"LEG-1"}`,
	} {
		// Once as they are sent, and once as if they were of the conversation.
		tell(t, c, "{"+body+"}", fmt.Sprintf(`{"id":%d,"conversation_id":"CON-1",%s}`, i+1, body))
	}
	checkMembers(t, c)
}

// TestConversationMembersOrder checks that those who left stay, and that the
// order is that of becoming known.
func TestConversationMembersOrder(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	tell(t, c, priyaInvited, priyaJoined, tomasJoined,
		`{"id":4,"type":"text","from":"MEM-9","body":{"text":"Hello"}}`,
		`{"id":5,"type":"member:left","from":"MEM-1","body":{"member_id":"MEM-1"}}`,
		`{"id":6,"type":"text","from":"MEM-1","body":{"text":"Bye"}}`,
		`{"id":7,"type":"member:joined","from":"MEM-0","body":{"member_id":"MEM-0"}}`)
	checkMembers(t, c,
		with(priyaInside(), func(m *nexmo.Member) { m.State = nexmo.MemberStateLeft }),
		tomasInside(),
		nexmo.Member{ID: "MEM-9", State: nexmo.MemberStateUnknown},
		nexmo.Member{ID: "MEM-0", State: nexmo.MemberStateJoined})

	// The loop sees them as they were when it began, and may be left.
	var seen []string
	for m := range c.Members() {
		tell(t, c, fmt.Sprintf(`{"type":"ephemeral","from":"MEM-new-%s","body":{}}`, m.ID))
		if seen = append(seen, m.ID); len(seen) == 3 {
			break
		}
	}
	if diff := cmp.Diff([]string{"MEM-1", "MEM-2", "MEM-9"}, seen); diff != "" {
		t.Errorf("the loop (-want +got):\n%s", diff)
	}
	if n := len(slices.Collect(c.Members())); n != 7 {
		t.Errorf("%d members after the loop, want 7", n)
	}
}

// TestConversationMembersMany goes past the lengths at which members are kept
// and searched in another way.
func TestConversationMembersMany(t *testing.T) {
	t.Parallel()
	const limit = 1000 // the documented limit of the service is 100
	joined := func(n int) *nexmo.Event {
		id := fmt.Sprintf("MEM-%d", n)
		b := &nexmo.MemberJoined{Membership: nexmo.Membership{MemberID: id, User: nexmo.User{Name: fmt.Sprintf("user %d", n)}}}
		b.Channel = &nexmo.Channel{ID: fmt.Sprintf("LEG-%d", n)}
		return &nexmo.Event{ID: nexmo.EventID(n), Type: b.EventType(), From: id, Body: b}
	}
	want := func(n int) nexmo.Member {
		return nexmo.Member{
			ID: fmt.Sprintf("MEM-%d", n), UserName: fmt.Sprintf("user %d", n), State: nexmo.MemberStateJoined,
			Channel: &nexmo.Channel{ID: fmt.Sprintf("LEG-%d", n)},
		}
	}
	c := nexmo.NewConversation("CON-1")
	check := func(known ...int) {
		t.Helper()
		all := slices.Collect(c.Members())
		var ids, wantIDs []string
		for _, m := range all {
			ids = append(ids, m.ID)
		}
		for _, n := range known {
			wantIDs = append(wantIDs, want(n).ID)
			checkMember(t, c, want(n))
		}
		if diff := cmp.Diff(wantIDs, ids); diff != "" {
			t.Fatalf("members (-want +got):\n%s", diff)
		}
		if _, ok := c.Member("MEM-0"); ok {
			t.Error("a member nobody told of is known")
		}
	}
	deliver := func(e *nexmo.Event) {
		t.Helper()
		if err := c.Deliver(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	var known []int
	for n := 1; n <= limit; n++ {
		deliver(joined(n))
		known = append(known, n)
		if n <= 20 || n == limit {
			check(known...)
		}
	}

	// Those who left go first, the ones known longest before others.
	left := &nexmo.MemberLeft{Membership: nexmo.Membership{MemberID: "MEM-500"}}
	deliver(&nexmo.Event{ID: limit + 1, Type: left.EventType(), From: "MEM-500", Body: left})
	deliver(joined(limit + 2))
	known = append(slices.Delete(known, 499, 500), limit+2)
	check(known...)
	deliver(joined(limit + 3))
	known = append(known[1:], limit+3)
	check(known...)

	for _, id := range []string{"MEM-1", "MEM-500"} {
		if m, ok := c.Member(id); ok {
			t.Errorf("a member that was let go is known: %+v", m)
		}
	}

	// The leg of a member that was let go belongs to nobody.
	mute := &nexmo.AudioMuteOn{LegTarget: nexmo.LegTarget{RTCID: "LEG-1"}}
	deliver(&nexmo.Event{ID: limit + 4, Type: mute.EventType(), Body: mute})
	check(known...)
}

// TestConversationMemberIsACopy reads and changes copies while events come in.
// The race detector sees if they are not.
func TestConversationMemberIsACopy(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	tell(t, c, priyaInvited, priyaJoined)

	spoil := func(m *nexmo.Member) {
		m.UserName, m.State, m.Typing = "somebody else", nexmo.MemberStateLeft, true
		m.Media.Audio, m.Timestamp.Left, m.Reason.Code, m.Channel = nexmo.True, clock(9), "gone", nil
	}
	mine, _ := c.Member("MEM-1")
	spoil(&mine)
	for m := range c.Members() {
		spoil(&m)
	}
	checkMember(t, c, priyaInside())

	// The channel of a copy is as it was when the copy was made.
	earlier, _ := c.Member("MEM-1")
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Go(func() {
			for {
				if diff := cmp.Diff(priyaInside(), earlier); diff != "" {
					t.Errorf("an earlier copy changed (-want +got):\n%s", diff)
					return
				}
				for m := range c.Members() {
					spoil(&m)
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for i := range 200 {
		e := told(t, fmt.Sprintf(`{"id":%d,"type":"rtc:answered","from":"MEM-1","body":{"channel":{
			"to":{"user":"priya-%[1]d","headers":{"n":"%[1]d"}},"headers":{"n":"%[1]d"},"leg_ids":["LEG-%[1]d"],
			"legs":[{"leg_id":"LEG-1","status":"s%[1]d"}],"leg_settings":{"n":%[1]d},"can_hear":["LEG-%[1]d"],"can_speak":["%[1]d"]}}}`, i+3))
		if err := c.Deliver(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	if now, _ := c.Member("MEM-1"); now.Channel.To.User != "priya-202" {
		t.Errorf("the member is connected to %+v", now.Channel.To)
	}
}

// stateText is an event that changes whatever a conversation keeps, with much
// more text than is kept.
const stateText = `{"id":%d,"type":%q,"conversation_id":"CON-1","from":"MEM-%[3]s","to":"MEM-to-%[3]s","padding":"%[4]s",
	"_embedded":{"from_user":{"id":"USR-%[3]s","name":"n%[3]s","display_name":"d%[3]s","image_url":"i%[3]s"},"from_member":{"id":"MEM-by-%[3]s"}},
	"timestamp":"2024-05-14T09:00:07Z","body":%[5]s}`

// stateBodies are the bodies of the events that change state, with text in every
// field that is kept. % is for the number of the conversation.
func stateBodies() []struct{ typ, body string } {
	const channel = `{"id":"l%","type":"t%","from":{"type":"f%","number":"n%","user":"u%","uri":"u%","extension":"e%","id":"i%",
		"content-type":"c%","headers":{"h%":"v%"}},"to":{"type":"t%","user":"u%","headers":{"a%":"b%"}},"number":"n%","headers":{"h%":"v%","i%":7},
		"leg_ids":["l%","m%"],"legs":[{"leg_id":"l%","status":"s%"}],"leg_settings":{"k%":"v%"},"knocking_id":"k%","can_hear":["h%"],
		"can_speak":["s%"],"content-type":"c%"}`
	bodies := []struct{ typ, body string }{
		{"member:invited", `{"member_id":"MEM-i%","invited_by":"b%","cname":"c%","conversation":{"name":"n%","display_name":"d%","image_url":"i%"},
			"user":{"id":"u%","name":"n%","display_name":"d%","image_url":"i%"},"channel":CH,
			"invited_by_member":{"member_id":"MEM-b%","name":"n%","state":"S%","user_id":"u%","channel":CH}}`},
		{"member:joined", `{"id":"MEM-j%","user_id":"u%","name":"n%","display_name":"d%","channel":CH}`},
		{"member:left", `{"member_id":"MEM-l%","user":{"id":"u%"},"reason":{"code":"c%","text":"t%"},"channel":CH}`},
		{"member:media", `{"audio":true,"channel":CH}`},
		{"audio:mute:on", `{"rtc_id":"l%"}`},
		{"leg:status:update", `{"leg_id":"l%","status":"s%"}`},
		{"sip:status", `{"status":"w%","channel":CH}`},
		{"rtc:answered", `{"channel":CH}`},
		{"rtc:transfer", `{"user_id":"v%","transferred_from":"CON-%","channel":CH}`},
		{"conversation:created", `{"id":"CON-1","name":"n%","display_name":"d%","image_url":"i%","state":"s%"}`},
		{"conversation:updated", `{"id":"CON-1","name":"m%","display_name":"e%","image_url":"j%","state":"t%"}`},
		{"conversation:deleted", `{"id":"CON-1","name":"o%","display_name":"f%","image_url":"k%","reason":"r%"}`},
		{"text:typing:on", `{}`},
		{"audio:speaking:on", `{}`},
	}
	for i := range bodies {
		bodies[i].body = strings.ReplaceAll(bodies[i].body, "CH", channel)
	}
	return bodies
}

// heapInUse is how much memory is reachable.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC() // twice: a pool gives up what it holds with the second one
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestConversationKeepsNoEventAlive checks that what state keeps of an event
// are copies: strings of an event are views of its whole text, so a single one
// that is kept would keep 64 KB.
func TestConversationKeepsNoEventAlive(t *testing.T) { //nolint:paralleltest // it measures the heap
	const conversations, padding = 200, 64 << 10
	pad := strings.Repeat("x", padding)
	for i, b := range stateBodies() { //nolint:paralleltest // as above
		t.Run(b.typ, func(t *testing.T) {
			all := make([]*nexmo.Conversation, conversations)
			before := heapInUse()
			for n := range all {
				all[n] = nexmo.NewConversation("CON-1")
				num := fmt.Sprint(n)
				tell(t, all[n], fmt.Sprintf(stateText, i+1, b.typ, num, pad, strings.ReplaceAll(b.body, "%", num)))
			}
			grown := heapInUse() - before
			if limit := int64(conversations * padding / 4); grown > limit {
				t.Errorf("%d conversations hold %d KB after one event of %d KB each, more than %d KB",
					conversations, grown>>10, padding>>10, limit>>10)
			}
			for _, c := range all {
				if len(slices.Collect(c.Members())) == 0 && c.Info().Name == "" {
					t.Fatal("nothing is kept")
				}
			}
		})
	}
}

// TestConversationDeliverAllocatesNothing delivers events that say nothing new
// to a conversation that has seen it all.
func TestConversationDeliverAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts those of other tests
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const rounds = 200
	embedded := `"_embedded":{"from_user":{"id":"USR-1","name":"priya","display_name":"Priya"},"from_member":{"id":"MEM-1"}}`
	channel := `"channel":{"type":"app","id":"LEG-1","from":{"type":"phone","number":"447700900123"},"to":{"type":"app","user":"priya"},
		"headers":{"X-Order":"441"},"legs":[{"leg_id":"LEG-1","status":"answered"}],"leg_ids":["LEG-1"],"leg_settings":{"a":1}}`
	tests := []struct {
		name   string
		events []string // delivered in turn
	}{
		{"speaking", []string{
			`"type":"audio:speaking:on","body":{` + channel + `}`, `"type":"audio:speaking:off","body":{` + channel + `}`,
		}},
		{"text", []string{`"type":"text","body":{"text":"Hello"}`}},
		{"media", []string{
			`"type":"member:media","body":{"audio":true,"media":{"audio":true,"audio_settings":{"enabled":true,"muted":false}},` + channel + `}`,
		}},
		{"mute", []string{
			`"type":"audio:mute:on","to":"MEM-1","body":{"rtc_id":"LEG-1"}`, `"type":"audio:mute:off","body":{"rtc_id":"LEG-1"}`,
		}},
		{"leg", []string{`"type":"leg:status:update","body":{"leg_id":"LEG-1","status":"answered"}`}},
		{"answered", []string{`"type":"rtc:answered","body":{` + channel + `}`}},
		{"transfer", []string{`"type":"rtc:transfer","body":{"user_id":"USR-1","transferred_from":"CON-0",` + channel + `}`}},
		{"joined again", []string{
			`"type":"member:joined","body":{"member_id":"MEM-1","user":{"id":"USR-1","name":"priya"},` + channel +
				`,"timestamp":{"joined":"2024-05-14T09:00:02Z"}}`,
		}},
		{"invited again", []string{
			`"type":"member:invited","body":{"member_id":"MEM-1","user":{"id":"USR-1"},"invited_by":"tomas","conversation":{"name":"repairs"},
				"invited_by_member":{"member_id":"MEM-2","name":"tomas","state":"JOINED","channel":{"type":"app"}}}`,
		}},
		{"updated", []string{`"type":"conversation:updated","body":{"id":"CON-1","name":"repairs","display_name":"Repairs","state":"ACTIVE"}`}},
		{"dtmf", []string{`"type":"audio:dtmf","body":{"digits":"2",` + channel + `}`}},
		{"custom", []string{`"type":"custom:order-update","body":{"order":"441"}`}},
	}
	for _, tt := range tests { //nolint:paralleltest // as above
		t.Run(tt.name, func(t *testing.T) {
			c := nexmo.NewConversation("CON-1")
			handled := 0
			c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { handled++; return nil })
			tell(t, c, `{"type":"conversation:created","body":{"id":"CON-1","name":"repairs"}}`, priyaInvited, priyaJoined)
			var parsed, events []*nexmo.Event
			for _, text := range tt.events {
				parsed = append(parsed, told(t, fmt.Sprintf(`{"id":1,"conversation_id":"CON-1","from":"MEM-1",%s,%s}`, text, embedded)))
			}
			for i := range rounds + 10 {
				e := *parsed[i%len(parsed)]
				e.ID = nexmo.EventID(i + 3)
				events = append(events, &e)
			}
			ctx, next := t.Context(), 0
			deliver := func() {
				if err := c.Deliver(ctx, events[next]); err != nil {
					t.Error(err)
				}
				next++
			}
			for range len(tt.events) + 1 { // tells all there is to tell
				deliver()
			}
			if n := testing.AllocsPerRun(rounds, deliver); n != 0 {
				t.Errorf("%v allocations for each event", n)
			}
			if handled != next+3 {
				t.Errorf("handled %d events of %d", handled, next+3)
			}
		})
	}
}

func TestConversationInfo(t *testing.T) {
	t.Parallel()
	const (
		created = `{"type":"conversation:created","body":{"id":"CON-1","name":"repairs","display_name":"Repairs",
			"image_url":"https://example.com/r.png","timestamp":{"created":"2024-05-14T09:00:01Z"},"state":"ACTIVE"}}`
		renamed = `{"id":5,"type":"conversation:updated","conversation_id":"CON-1","body":{"id":"CON-1","name":"workshop","display_name":"Workshop",
			"timestamp":{"created":"2024-05-14T09:00:01Z","updated":"2024-05-14T09:00:05Z"},"state":"INACTIVE"}}`
		again = `{"id":7,"type":"conversation:updated","conversation_id":"CON-1","body":{"id":"CON-1","name":"workshop","display_name":"The workshop","state":"INACTIVE",
			"timestamp":{"updated":"2024-05-14T09:00:07Z"}}}`
		deleted = `{"type":"conversation:deleted","body":{"id":"CON-1","name":"closed","timestamp":{"created":"2024-05-14T09:00:01Z",
			"updated":"2024-05-14T09:00:08Z","destroyed":"2024-05-14T09:00:09Z"},"reason":"api request"}}`
		invited = `{"id":3,"type":"member:invited","conversation_id":"CON-1","from":"MEM-1","body":{"cname":"old","member_id":"MEM-1",
			"conversation":{"conversation_id":"CON-1","name":"older","display_name":"Older","image_url":"https://example.com/o.png"}}}`
		moved = `{"id":4,"type":"rtc:transfer","conversation_id":"CON-1","from":"MEM-1","body":{"transferred_from":"CON-0"}}`
	)
	var (
		wantCreated = nexmo.ConversationInfo{
			ID: "CON-1", Name: "repairs", DisplayName: "Repairs", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateActive, Timestamp: nexmo.ConversationTimestamp{Created: clock(1)},
		}
		wantRenamed = nexmo.ConversationInfo{
			ID: "CON-1", Name: "workshop", DisplayName: "Workshop", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateInactive, Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(5)},
		}
		wantAgain = nexmo.ConversationInfo{
			ID: "CON-1", Name: "workshop", DisplayName: "The workshop", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateInactive, Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(7)},
		}
		wantDeleted = nexmo.ConversationInfo{
			ID: "CON-1", Name: "closed", DisplayName: "The workshop", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateDeleted, DeleteReason: "api request",
			Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(8), Destroyed: clock(9)},
		}
	)
	tests := []struct {
		name   string
		events []string
		want   nexmo.ConversationInfo
	}{
		{"nothing", nil, nexmo.ConversationInfo{ID: "CON-1"}},
		{"created", []string{created}, wantCreated},
		{
			"created, without a state",
			[]string{`{"type":"conversation:created","body":{"id":"CON-1","name":"repairs"}}`},
			nexmo.ConversationInfo{ID: "CON-1", Name: "repairs", State: nexmo.ConversationStateActive},
		},
		{"updated", []string{created, renamed}, wantRenamed},
		{"updated, in part", []string{created, renamed, again}, wantAgain},
		{"updated twice, the first late", []string{created, again, renamed}, wantAgain},
		{"created after updated", []string{renamed, created}, wantRenamed},
		{"created last of all", []string{renamed, again, created}, wantAgain},
		{"deleted", []string{created, renamed, again, deleted}, wantDeleted},
		{"created after deleted", []string{renamed, again, deleted, created}, wantDeleted},
		{"updated after deleted", []string{created, renamed, deleted, again}, func() nexmo.ConversationInfo {
			want := wantDeleted
			want.DisplayName = "Workshop"
			return want
		}()},
		{"created and nothing else, after deleted", []string{deleted, created}, nexmo.ConversationInfo{
			ID: "CON-1", Name: "closed", DisplayName: "Repairs", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateDeleted, DeleteReason: "api request",
			Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(8), Destroyed: clock(9)},
		}},
		{
			"an invitation", []string{invited},
			nexmo.ConversationInfo{ID: "CON-1", Name: "older", DisplayName: "Older", ImageURL: "https://example.com/o.png"},
		},
		{
			"an invitation that gives the name alone",
			[]string{`{"id":3,"type":"member:invited","from":"MEM-1","body":{"cname":"old","member_id":"MEM-1"}}`},
			nexmo.ConversationInfo{ID: "CON-1", Name: "old"},
		},
		{"an invitation after created", []string{created, invited}, wantCreated},
		{"created after an invitation", []string{invited, created}, wantCreated},
		{"an invitation after updated", []string{created, renamed, invited}, wantRenamed},
		{
			"an invitation after an update that left something open", []string{renamed, invited},
			func() nexmo.ConversationInfo {
				want := wantRenamed
				want.ImageURL = "https://example.com/o.png"
				return want
			}(),
		},
		{"a transfer", []string{moved}, nexmo.ConversationInfo{ID: "CON-1", TransferredFrom: "CON-0"}},
		{
			"an older transfer late",
			[]string{`{"id":9,"type":"rtc:transfer","from":"MEM-2","body":{"transferred_from":"CON-2"}}`, moved},
			nexmo.ConversationInfo{ID: "CON-1", TransferredFrom: "CON-2"},
		},
		{
			"a state of tomorrow",
			[]string{`{"id":9,"type":"conversation:updated","body":{"id":"CON-1","state":"PARKED"}}`},
			nexmo.ConversationInfo{ID: "CON-1", State: "PARKED"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", noWait())
			var inHandler nexmo.ConversationInfo
			c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
				inHandler = c.Info()
				return nil
			})
			tell(t, c, tt.events...)
			if diff := cmp.Diff(tt.want, c.Info()); diff != "" {
				t.Errorf("Info() (-want +got):\n%s", diff)
			}
			if tt.events != nil {
				if diff := cmp.Diff(tt.want, inHandler); diff != "" {
					t.Errorf("Info() in the handler (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestConversationInfoOfAnother delivers events of the application, which name
// their conversation in the body alone, to a conversation that is not it.
func TestConversationInfoOfAnother(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	tell(t, c, `{"type":"conversation:created","body":{"id":"CON-1","name":"repairs"}}`)
	for _, text := range []string{
		`{"type":"conversation:created","body":{"id":"CON-2","name":"sales"}}`,
		`{"type":"conversation:deleted","body":{"id":"CON-2","name":"sales","reason":"api request"}}`,
	} {
		// Whether it is refused or let pass, it changes nothing.
		_ = c.Deliver(t.Context(), told(t, text))
	}
	want := nexmo.ConversationInfo{ID: "CON-1", Name: "repairs", State: nexmo.ConversationStateActive}
	if diff := cmp.Diff(want, c.Info()); diff != "" {
		t.Errorf("Info() (-want +got):\n%s", diff)
	}
}

// TestConversationMemberHeldBack checks that an event changes nothing before
// its turn.
func TestConversationMemberHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := nexmo.NewConversation("CON-1", nexmo.WithStart(1))
		tell(t, c, priyaInvited)
		var wg sync.WaitGroup
		wg.Go(func() { tell(t, c, tomasJoined) })
		synctest.Wait()
		checkMembers(t, c, priyaAfterInvitation())
		tell(t, c, priyaJoined)
		wg.Wait()
		checkMembers(t, c, priyaInside(), tomasInside())
	})
}
