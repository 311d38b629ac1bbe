package nexmo_test

import (
	"testing"

	"github.com/conversation-events/nexmo"
)

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
