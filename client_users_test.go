package nexmo_test

import (
	"context"
	"time"

	"github.com/conversation-events/nexmo"
)

const userAnswer = `{"id":"USR-1","name":"priya","display_name":"Priya","image_url":"https://example.com/1.png",
	"properties":{"custom_data":{"custom_key":"custom_value","otherKey":12345678901234567890},"ttl":3600},
	"channels":{"pstn":[{"number":123457}],"sip":[{"uri":"sip:4442138907@sip.example.com;transport=tls","username":"New SIP","password":"made-up"}],"vbc":[{"extension":"403"}],
		"websocket":[{"uri":"wss://example.com/socket","content-type":"audio/l16;rate=16000","headers":{"customer_ID":"ABC123"}}],
		"sms":[{"number":"447700900001"}],"mms":[{"number":"447700900002"}],"whatsapp":[{"number":"447700900003"}],"viber":[{"number":"447700900004"}],"messenger":[{"id":"0104398746"}]},
	"timestamp":{"created":"2024-01-01T14:00:00Z"},"_links":{"self":{"href":"https://api-us-3.vonage.com/v1/users/USR-1"}}}`

func wantUser() *nexmo.UserInfo {
	return &nexmo.UserInfo{
		ID: "USR-1", Name: "priya", DisplayName: "Priya", ImageURL: "https://example.com/1.png",
		Properties: nexmo.UserInfoProperties{CustomData: `{"custom_key":"custom_value","otherKey":12345678901234567890}`, TTL: nexmo.Seconds(time.Hour)},
		Channels: nexmo.UserChannels{
			PSTN:      []nexmo.UserChannel{{Number: "123457"}},
			SIP:       []nexmo.UserChannel{{URI: "sip:4442138907@sip.example.com;transport=tls", Username: "New SIP", Password: "made-up"}},
			VBC:       []nexmo.UserChannel{{Extension: "403"}},
			Websocket: []nexmo.UserChannel{{URI: "wss://example.com/socket", ContentType: "audio/l16;rate=16000", Headers: nexmo.Headers{"customer_ID": "ABC123"}}},
			SMS:       []nexmo.UserChannel{{Number: "447700900001"}}, MMS: []nexmo.UserChannel{{Number: "447700900002"}},
			WhatsApp: []nexmo.UserChannel{{Number: "447700900003"}}, Viber: []nexmo.UserChannel{{Number: "447700900004"}}, Messenger: []nexmo.UserChannel{{ID: "0104398746"}},
		},
		Timestamp: nexmo.ConversationTimestamp{Created: timeAt("2024-01-01T14:00:00Z")},
	}
}

func userCases() []requestCase {
	const path = "/v1/users"
	return []requestCase{
		{
			"create with nothing",
			[]exchange{{method: "POST", target: path, body: `{}`, status: 201, answer: `{"id":"USR-1","name":"NAM-1","properties":{},"_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.CreateUser(ctx, nexmo.UserParams{}) },
			&nexmo.UserInfo{ID: "USR-1", Name: "NAM-1"},
		},
		{
			"create with everything",
			[]exchange{{method: "POST", target: path, body: `{"name":"priya","display_name":"Priya","image_url":"https://example.com/1.png",
				"properties":{"custom_data":{"custom_key":"custom_value","otherKey":12345678901234567890},"ttl":3600},
				"channels":{"pstn":[{"number":123457}],"sip":[{"uri":"sip:4442138907@sip.example.com;transport=tls","username":"New SIP","password":"made-up"}],"vbc":[{"extension":"403"}],
				"websocket":[{"uri":"wss://example.com/socket","content-type":"audio/l16;rate=16000","headers":{"customer_ID":"ABC123"}}],
				"sms":[{"number":"447700900001"}],"mms":[{"number":"447700900002"}],"whatsapp":[{"number":"447700900003"}],"viber":[{"number":"447700900004"}],"messenger":[{"id":"0104398746"}]}}`, status: 201, answer: userAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				is := wantUser()
				return c.CreateUser(ctx, nexmo.UserParams{Name: is.Name, DisplayName: is.DisplayName, ImageURL: is.ImageURL, Properties: is.Properties, Channels: is.Channels})
			},
			wantUser(),
		},
		{
			"get by ID",
			[]exchange{{method: "GET", target: path + "/USR-1", answer: userAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.UserInfo(ctx, "USR-1") },
			wantUser(),
		},
		{
			"get by name",
			[]exchange{{method: "GET", target: path + "/priya+sam@example.com%2F%3F", answer: `{"id":"USR-1","channels":{}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UserInfo(ctx, "priya+sam@example.com/?")
			},
			&nexmo.UserInfo{ID: "USR-1"},
		},
		{
			"update",
			[]exchange{{method: "PATCH", target: path + "/USR-1", body: `{"display_name":"Priya","channels":{"sms":[{"number":"447700900001"}]}}`, answer: userAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateUser(ctx, "USR-1", nexmo.UserParams{DisplayName: "Priya", Channels: nexmo.UserChannels{SMS: []nexmo.UserChannel{{Number: "447700900001"}}}})
			},
			wantUser(),
		},
		{
			"numbers of all kinds",
			[]exchange{{method: "PATCH", target: path + "/USR-1", body: `{"channels":{"pstn":[{"number":15550100},{"number":"+15550100"},{"number":"0123"},{}],"sms":[{"number":"15550100"}],"vbc":[]}}`, answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateUser(ctx, "USR-1", nexmo.UserParams{Channels: nexmo.UserChannels{
					PSTN: []nexmo.UserChannel{{Number: "15550100"}, {Number: "+15550100"}, {Number: "0123"}, {}}, SMS: []nexmo.UserChannel{{Number: "15550100"}}, VBC: []nexmo.UserChannel{},
				}})
			},
			&nexmo.UserInfo{},
		},
		{
			"delete",
			[]exchange{{method: "DELETE", target: path + "/USR-1", status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.DeleteUser(ctx, "USR-1"))
			},
			nil,
		},
		{
			"list by name",
			[]exchange{{method: "GET", target: path + "?name=Priya+%26+Sam&page_size=2", answer: `{"page_size":2,"_embedded":{"users":[{"id":"USR-1","name":"priya","display_name":"Priya","_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}},{"id":"USR-2","name":"sam"}]},"_links":{"first":{"href":"https://api.nexmo.com/v1/users?page_size=2"},"self":{"href":"https://api.nexmo.com/v1/users?page_size=2"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.Users(ctx, &nexmo.UserListOptions{ListOptions: nexmo.ListOptions{PageSize: 2}, Name: "Priya & Sam"}))
			},
			[]*nexmo.UserInfo{{ID: "USR-1", Name: "priya", DisplayName: "Priya"}, {ID: "USR-2", Name: "sam"}},
		},
		{
			"page",
			[]exchange{{method: "GET", target: path, answer: `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"https://api-eu-3.vonage.com/v1/users?page_size=1&cursor=n"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.UsersPage(ctx, nil) },
			&nexmo.Page[nexmo.UserInfo]{Items: []*nexmo.UserInfo{{ID: "USR-1"}}, Next: "n"},
		},
		{
			"conversations",
			[]exchange{{method: "GET", target: path + "/USR-1/conversations?page_size=10&order=desc&date_start=2024-01-17T13:45:56.000Z&state=INVITED&order_by=created&include_custom_data=true", answer: `{"page_size":10,"_embedded":{"conversations":[
				{"id":"CON-1","name":"first","state":"ACTIVE","sequence_number":3,"timestamp":{"created":"2024-01-01T14:00:00Z"},"properties":{"custom_data":{"aB":1}},"_embedded":{"id":"MEM-1","state":"INVITED"},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1"}}}]},"_links":{}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.UserConversations(ctx, "USR-1", &nexmo.UserConversationListOptions{
					ListOptions: nexmo.ListOptions{PageSize: 10, Order: nexmo.OrderDescending}, DateStart: timeAt("2024-01-17T13:45:56Z"),
					State: nexmo.MemberStateInvited, OrderBy: "created", IncludeCustomData: nexmo.True,
				}))
			},
			[]*nexmo.UserConversation{{
				ConversationInfo: nexmo.ConversationInfo{
					ID: "CON-1", Name: "first", State: nexmo.ConversationStateActive, SequenceNumber: 3,
					Timestamp:  nexmo.ConversationTimestamp{Created: timeAt("2024-01-01T14:00:00Z")},
					Properties: &nexmo.ConversationProperties{CustomData: `{"aB":1}`},
				},
				MemberID: "MEM-1", MemberState: nexmo.MemberStateInvited,
			}},
		},
		{
			"conversations, one page",
			[]exchange{{method: "GET", target: path + "/USR-1/conversations?include_custom_data=false", answer: `{"_embedded":{"conversations":[{"id":"CON-1","_embedded":{"member":{"id":"MEM-1","state":"joined"}}}]}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UserConversationsPage(ctx, "USR-1", &nexmo.UserConversationListOptions{IncludeCustomData: nexmo.False})
			},
			&nexmo.Page[nexmo.UserConversation]{Items: []*nexmo.UserConversation{{ConversationInfo: nexmo.ConversationInfo{ID: "CON-1"}, MemberID: "MEM-1", MemberState: nexmo.MemberStateJoined}}},
		},
		{
			"sessions",
			[]exchange{{method: "GET", target: path + "/USR-1/sessions", answer: `{"page_size":10,"_embedded":{"sessions":[{"id":"SES-1","_embedded":{"user":{"id":"USR-1","name":"priya"},"api_key":"abcd1234"},"properties":{"ttl":900},"_links":{"self":{"href":"https://api.nexmo.com/v1/sessions/SES-1"}}},{"id":"SESSION-2"}]}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.UserSessions(ctx, "USR-1", nil))
			},
			[]*nexmo.SessionInfo{{ID: "SES-1", User: nexmo.User{ID: "USR-1", Name: "priya"}, APIKey: "abcd1234", TTL: nexmo.Seconds(15 * time.Minute)}, {ID: "SESSION-2"}},
		},
		{
			"sessions, one page",
			[]exchange{{method: "GET", target: path + "/USR-1/sessions?page_size=5", answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UserSessionsPage(ctx, "USR-1", &nexmo.ListOptions{PageSize: 5})
			},
			&nexmo.Page[nexmo.SessionInfo]{},
		},
	}
}
