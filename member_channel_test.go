package nexmo_test

import (
	"testing"

	"github.com/conversation-events/nexmo"
)

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
