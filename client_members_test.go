package nexmo_test

import (
	"context"
	"time"

	"github.com/conversation-events/nexmo"
)

const memberAnswer = `{"id":"MEM-63f61863-4a51-4f6b-86e1-46edebio0391","conversation_id":"CON-1",
	"_embedded":{"user":{"id":"USR-1","name":"priya","display_name":"Priya","_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}}},
	"state":"JOINED","timestamp":{"invited":"2020-01-01T14:00:00.00Z","joined":"2020-01-01T14:00:01Z","left":null},
	"initiator":{"joined":{"is_system":false,"user_id":"USR-2","member_id":"MEM-2"}},
	"channel":{"type":"app","from":{"type":"app,phone"},"to":{"type":"app","user":"priya"},"leg_ids":["a595959595995"],"preanswer":false,"can_hear":["leg-2"]},
	"media":{"audio_settings":{"enabled":false,"earmuffed":false,"muted":true},"audio":true},
	"knocking_id":"ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd","invited_by":"sam","_links":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-1"}}`

func wantMember() *nexmo.MemberInfo {
	return &nexmo.MemberInfo{
		ID: "MEM-63f61863-4a51-4f6b-86e1-46edebio0391", ConversationID: "CON-1",
		User: nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya"}, State: nexmo.MemberStateJoined,
		Timestamp: nexmo.MemberTimestamp{Invited: timeAt("2020-01-01T14:00:00Z"), Joined: timeAt("2020-01-01T14:00:01Z")},
		Initiator: nexmo.Initiator{Joined: nexmo.Cause{IsSystem: nexmo.False, IsSystemREST: nexmo.False, UserID: "USR-2", MemberID: "MEM-2"}},
		Channel: &nexmo.Channel{
			Type: nexmo.ChannelTypeApp, From: &nexmo.Endpoint{Type: "app,phone"}, To: &nexmo.Endpoint{Type: nexmo.ChannelTypeApp, User: "priya"},
			LegIDs: []string{"a595959595995"}, Preanswer: nexmo.False, CanHear: []string{"leg-2"},
		},
		Media:      nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.False, Earmuffed: nexmo.False, Muted: nexmo.True}},
		KnockingID: "ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd", InvitedBy: "sam",
	}
}

func memberCases() []requestCase {
	const path = "/v1/conversations/CON-1/members"
	return []requestCase{
		{
			"join by ID",
			[]exchange{{method: "POST", target: path, body: `{"state":"joined","user":{"id":"USR-1"},"channel":{"type":"app"}}`, status: 201, answer: memberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", nexmo.MemberParams{State: nexmo.MemberStateJoined, UserID: "USR-1"})
			},
			wantMember(),
		},
		{
			"invite by name with everything",
			[]exchange{{method: "POST", target: path, body: `{"state":"invited","user":{"name":"priya"},
				"channel":{"type":"phone","from":{"type":"phone","number":"447700900001"},"to":{"type":"phone","number":"447700900002"},"preanswer":false,"ring_timeout":30000,"headers":{"X-camelCase":"v_1"}},
				"media":{"audio":false,"audio_settings":{"enabled":false,"earmuffed":true,"muted":false}},
				"knocking_id":"ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd","member_id_inviting":"MEM-2","from":"MEM-2"}`, status: 201, answer: `{"id":"MEM-1","state":"INVITED"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", nexmo.MemberParams{
					State: nexmo.MemberStateInvited, UserName: "priya",
					Channel: &nexmo.Channel{
						Type: nexmo.ChannelTypePhone, From: &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "447700900001"},
						To: &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "447700900002"}, Preanswer: nexmo.False,
						RingTimeout: nexmo.Milliseconds(30 * time.Second), Headers: nexmo.Headers{"X-camelCase": "v_1"},
					},
					Media:      nexmo.Media{Audio: nexmo.False, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.False, Earmuffed: nexmo.True, Muted: nexmo.False}},
					KnockingID: "ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd", MemberIDInviting: "MEM-2", From: "MEM-2",
				})
			},
			&nexmo.MemberInfo{ID: "MEM-1", State: nexmo.MemberStateInvited},
		},
		{
			"invite by ID and name",
			[]exchange{{method: "POST", target: path, body: `{"state":"invited","user":{"id":"USR-1","name":"priya"},"channel":{"type":"viber","from":{"type":"app,phone,sms"},"to":{"type":"viber","id":"1"}}}`, status: 201, answer: `{"id":"MEM-1"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", nexmo.MemberParams{
					State: nexmo.MemberStateInvited, UserID: "USR-1", UserName: "priya",
					Channel: &nexmo.Channel{Type: nexmo.ChannelTypeViber, From: &nexmo.Endpoint{Type: "app,phone,sms"}, To: &nexmo.Endpoint{Type: nexmo.ChannelTypeViber, ID: "1"}},
				})
			},
			&nexmo.MemberInfo{ID: "MEM-1"},
		},
		{
			"invite over a messenger",
			[]exchange{{method: "POST", target: path, body: `{"state":"invited","user":{"id":"USR-1"},"channel":{"type":"messenger","to":{"type":"messenger","id":"123456"}}}`, status: 201, answer: `{"id":"MEM-1","state":"invited","channel":{"type":"sms","number":"447700900001"}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", nexmo.MemberParams{
					State: "invited", UserID: "USR-1",
					Channel: &nexmo.Channel{Type: nexmo.ChannelTypeMessenger, To: &nexmo.Endpoint{Type: nexmo.ChannelTypeMessenger, ID: "123456"}},
				})
			},
			&nexmo.MemberInfo{ID: "MEM-1", State: nexmo.MemberStateInvited, Channel: &nexmo.Channel{Type: nexmo.ChannelTypeSMS, Number: "447700900001"}},
		},
		{
			"get",
			[]exchange{{method: "GET", target: path + "/MEM-63f61863-4a51-4f6b-86e1-46edebio0391", answer: memberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.MemberInfo(ctx, "CON-1", "MEM-63f61863-4a51-4f6b-86e1-46edebio0391")
			},
			wantMember(),
		},
		{
			"get with a self link and texts for booleans",
			[]exchange{{method: "GET", target: path + "/MEM-1", answer: `{"id":"MEM-1","state":"left","initiator":{"invited":{"is_system":"true"},"joined":{"isSystem":false}},"media":{"audio":{"enabled":true,"muted":false}},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-1"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.MemberInfo(ctx, "CON-1", "MEM-1") },
			&nexmo.MemberInfo{
				ID: "MEM-1", State: nexmo.MemberStateLeft,
				Initiator: nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True, IsSystemREST: nexmo.True}, Joined: nexmo.Cause{IsSystem: nexmo.False}},
				Media:     nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Muted: nexmo.False}},
			},
		},
		{
			"get me",
			[]exchange{{method: "GET", target: path + "/me", answer: memberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.Me(ctx, "CON-1") },
			wantMember(),
		},
		{
			"update to joined",
			[]exchange{{method: "PATCH", target: path + "/MEM-1", body: `{"state":"joined","from":"USR-1"}`, answer: memberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateMember(ctx, "CON-1", "MEM-1", nexmo.MemberUpdate{State: nexmo.MemberStateJoined, From: "USR-1"})
			},
			wantMember(),
		},
		{
			"update to left",
			[]exchange{{method: "PATCH", target: path + "/MEM-1", body: `{"state":"left","from":"MEM-2","reason":{"code":"done","text":"all said"}}`, answer: `{"id":"MEM-1","state":"LEFT","timestamp":{"left":"2020-01-01T15:00:00.5Z"}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateMember(ctx, "CON-1", "MEM-1", nexmo.MemberUpdate{State: nexmo.MemberStateLeft, From: "MEM-2", Reason: nexmo.Reason{Code: "done", Text: "all said"}})
			},
			&nexmo.MemberInfo{ID: "MEM-1", State: nexmo.MemberStateLeft, Timestamp: nexmo.MemberTimestamp{Left: timeAt("2020-01-01T15:00:00.5Z")}},
		},
		{
			"update with an empty answer",
			[]exchange{{method: "PATCH", target: path + "/MEM-1", body: `{"state":"left"}`, status: 200}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateMember(ctx, "CON-1", "MEM-1", nexmo.MemberUpdate{State: "left"})
			},
			&nexmo.MemberInfo{},
		},
		{
			"list with and without self links",
			[]exchange{{method: "GET", target: path + "?page_size=3&order=asc", answer: `{"page_size":3,"_embedded":{"members":[
				{"id":"MEM-1","state":"JOINED","_embedded":{"user":{"id":"USR-1","name":"priya","display_name":"Priya","_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}}},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-1"}}},
				{"id":"MEM-2","state":"LEFT","_embedded":{"user":{"id":"USR-2","name":"sam"}},"_links":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-2"}},
				{"id":"MEM-3","state":"WAITING"}]},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.Members(ctx, "CON-1", &nexmo.ListOptions{PageSize: 3, Order: nexmo.OrderAscending}))
			},
			[]*nexmo.MemberInfo{
				{ID: "MEM-1", ConversationID: "CON-1", State: nexmo.MemberStateJoined, User: nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya"}},
				{ID: "MEM-2", ConversationID: "CON-1", State: nexmo.MemberStateLeft, User: nexmo.User{ID: "USR-2", Name: "sam"}},
				{ID: "MEM-3", ConversationID: "CON-1", State: "WAITING"},
			},
		},
		{
			"page",
			[]exchange{{method: "GET", target: path + "?cursor=c1", answer: `{"_embedded":{"members":[]},"_links":{"next":{"href":"/v1/conversations/CON-1/members?cursor=c2"},"prev":{"href":"?cursor=c0"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.MembersPage(ctx, "CON-1", &nexmo.ListOptions{Cursor: "c1"})
			},
			&nexmo.Page[nexmo.MemberInfo]{Next: "c2", Prev: "c0"},
		},
	}
}
