package nexmo_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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
