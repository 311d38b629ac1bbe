package nexmo_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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
