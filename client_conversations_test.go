package nexmo_test

import (
	"context"
	"time"

	"github.com/conversation-events/nexmo"
)

const conversationAnswer = `{"id":"CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a","name":"cycle_shop","display_name":"Cycle shop",
	"image_url":"https://example.com/image.png","state":"ACTIVE","sequence_number":17,
	"timestamp":{"created":"2024-01-01T14:00:00.00Z","updated":"2024-01-02T14:00:00Z","destroyed":null},
	"properties":{"ttl":2147483648,"type":"quick_chat","custom_sort_key":"CSK_1","custom_data":{"camelCase":"a","snake_case":12345678901234567890,"Kebab-Case":1.10}},
	"numbers":[{"type":"phone","number":"447700900001"},{"type":"sip","uri":"sip:front@example.com","username":"front","password":"made-up"}],
	"callback":{"url":"https://example.com/events","event_mask":"member:joined,member:left","params":{"applicationId":"afa393df-2c46-475b-b2d6-92da4ea05481","ncco_url":"https://example.com/ncco"},"method":"POST"},
	"media_state":{"earmuff":false},"_links":{"self":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a"}}}`

func wantConversation() *nexmo.ConversationInfo {
	return &nexmo.ConversationInfo{
		ID: "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a", Name: "cycle_shop", DisplayName: "Cycle shop",
		ImageURL: "https://example.com/image.png", State: nexmo.ConversationStateActive, SequenceNumber: 17,
		Timestamp: nexmo.ConversationTimestamp{Created: timeAt("2024-01-01T14:00:00Z"), Updated: timeAt("2024-01-02T14:00:00Z")},
		Properties: &nexmo.ConversationProperties{
			TTL: nexmo.Seconds(2147483648 * time.Second), Type: "quick_chat", CustomSortKey: "CSK_1",
			CustomData: `{"camelCase":"a","snake_case":12345678901234567890,"Kebab-Case":1.10}`,
		},
		Numbers: []nexmo.ConversationNumber{
			{Type: nexmo.ChannelTypePhone, Number: "447700900001"},
			{Type: nexmo.ChannelTypeSIP, URI: "sip:front@example.com", Username: "front", Password: "made-up"},
		},
		Callback: &nexmo.Callback{
			URL: "https://example.com/events", EventMask: "member:joined,member:left", Method: "POST",
			Params: nexmo.CallbackParams{ApplicationID: "afa393df-2c46-475b-b2d6-92da4ea05481", NCCOURL: "https://example.com/ncco"},
		},
	}
}

func conversationCases() []requestCase {
	const path = "/v1/conversations"
	const one = path + "/CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a"
	const id = "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a"
	minimal := &nexmo.ConversationInfo{
		ID: "CON-1", Name: "NAM-6dd4ea1f-3841-47cb-a3d3-e271f5c1e33c", State: nexmo.ConversationStateActive, SequenceNumber: 1,
		Timestamp: nexmo.ConversationTimestamp{Created: timeAt("2023-09-21T10:32:04.526Z")},
	}
	const minimalAnswer = `{"id":"CON-1","name":"NAM-6dd4ea1f-3841-47cb-a3d3-e271f5c1e33c","timestamp":{"created":"2023-09-21T10:32:04.526Z"},"state":"ACTIVE","sequence_number":1,"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1"}}}`
	return []requestCase{
		{
			"create with zero params",
			[]exchange{{method: "POST", target: path, body: `{}`, status: 201, answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, nexmo.ConversationParams{})
			},
			minimal,
		},
		{
			"create with a name",
			[]exchange{{method: "POST", target: path, body: `{"name":"cycle_shop","display_name":"Räder & <Teile>"}`, status: 201, answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, nexmo.ConversationParams{Name: "cycle_shop", DisplayName: "Räder & <Teile>"})
			},
			minimal,
		},
		{
			"create with everything",
			[]exchange{{method: "POST", target: path, body: `{"name":"cycle_shop","display_name":"Cycle shop","image_url":"https://example.com/image.png",
				"properties":{"ttl":2147483648,"type":"quick_chat","custom_sort_key":"CSK_1","custom_data":{"camelCase":"a","snake_case":12345678901234567890,"Kebab-Case":1.10}},
				"numbers":[{"type":"phone","number":"447700900001"},{"type":"sip","uri":"sip:front@example.com","username":"front","password":"made-up"},
					{"type":"app","user":"priya"},{"type":"websocket","uri":"wss://example.com/socket","content_type":"audio/l16;rate=16000"},{"type":"vbc","extension":"413"}],
				"callback":{"url":"https://example.com/events","event_mask":"member:joined,member:left","params":{"applicationId":"afa393df-2c46-475b-b2d6-92da4ea05481","ncco_url":"https://example.com/ncco"},"method":"POST"}}`,
				status: 201, answer: conversationAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				is := wantConversation()
				numbers := append(is.Numbers, nexmo.ConversationNumber{Type: nexmo.ChannelTypeApp, User: "priya"},
					nexmo.ConversationNumber{Type: nexmo.ChannelTypeWebsocket, URI: "wss://example.com/socket", ContentType: "audio/l16;rate=16000"},
					nexmo.ConversationNumber{Type: nexmo.ChannelTypeVBC, Extension: "413"})
				return c.CreateConversation(ctx, nexmo.ConversationParams{
					Name: is.Name, DisplayName: is.DisplayName, ImageURL: is.ImageURL, Properties: is.Properties, Numbers: numbers, Callback: is.Callback,
				})
			},
			wantConversation(),
		},
		{
			"create with empty properties",
			[]exchange{{method: "POST", target: path, body: `{"name":"n","properties":{}}`, status: 201, answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, nexmo.ConversationParams{Name: "n", Properties: &nexmo.ConversationProperties{}})
			},
			minimal,
		},
		{
			"create with an empty answer",
			[]exchange{{method: "POST", target: path, body: `{"name":"n"}`, status: 201}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, nexmo.ConversationParams{Name: "n"})
			},
			&nexmo.ConversationInfo{},
		},
		{
			"get",
			[]exchange{{method: "GET", target: one, answer: conversationAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, id) },
			wantConversation(),
		},
		{
			"get the least",
			[]exchange{{method: "GET", target: path + "/CON-1", answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, "CON-1") },
			minimal,
		},
		{
			"get with an ID to be escaped",
			[]exchange{{method: "GET", target: path + "/CON-a%2Fb%3Fc%23d%25e%20f%C3%BC", answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.ConversationInfo(ctx, "CON-a/b?c#d%e fü")
			},
			&nexmo.ConversationInfo{},
		},
		{
			"get an unknown state and unknown members",
			[]exchange{{method: "GET", target: path + "/CON-1", answer: `{"id":"CON-1","state":"HIBERNATING","future":[{"a":1}],"properties":{"future":true},"display_name":null,"numbers":null,"callback":null}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, "CON-1") },
			&nexmo.ConversationInfo{ID: "CON-1", State: "HIBERNATING", Properties: &nexmo.ConversationProperties{}},
		},
		{
			"update",
			[]exchange{{method: "PUT", target: one, body: `{"name":"cycle_shop","properties":{"custom_data":{"aB":"c_d"}}}`, answer: conversationAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateConversation(ctx, id, nexmo.ConversationParams{Name: "cycle_shop", Properties: &nexmo.ConversationProperties{CustomData: `{"aB":"c_d"}`}})
			},
			wantConversation(),
		},
		{
			"freeze",
			[]exchange{{method: "PUT", target: one, body: `{"state":"INACTIVE"}`, answer: `{"id":"CON-1","state":"INACTIVE"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateConversation(ctx, id, nexmo.ConversationParams{State: nexmo.ConversationStateInactive})
			},
			&nexmo.ConversationInfo{ID: "CON-1", State: nexmo.ConversationStateInactive},
		},
		{
			"delete",
			[]exchange{{method: "DELETE", target: one, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.DeleteConversation(ctx, id))
			},
			nil,
		},
		{
			"delete answered as in version 0.1",
			[]exchange{{method: "DELETE", target: one, status: 200, answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.DeleteConversation(ctx, id))
			},
			nil,
		},
		{
			"list",
			[]exchange{{method: "GET", target: path, answer: `{"page_size":10,"_embedded":{"conversations":[
				{"id":"CON-1","name":"first","display_name":"First","image_url":"https://example.com/1.png","timestamp":{"created":"2019-09-03T18:40:24.324Z","updated":"2019-09-03T18:40:24.324Z","destroyed":"2019-09-03T18:40:24.324Z"},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1"}}},
				{"id":"CON-2"}]},"_links":{"first":{"href":"https://api.nexmo.com/v1/conversations?order=desc&page_size=10"},"self":{"href":"https://api.nexmo.com/v1/conversations?order=desc&page_size=10&cursor=x"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return collectAll(c.Conversations(ctx, nil)) },
			[]*nexmo.ConversationInfo{
				{ID: "CON-1", Name: "first", DisplayName: "First", ImageURL: "https://example.com/1.png", Timestamp: nexmo.ConversationTimestamp{
					Created: timeAt("2019-09-03T18:40:24.324Z"), Updated: timeAt("2019-09-03T18:40:24.324Z"), Destroyed: timeAt("2019-09-03T18:40:24.324Z"),
				}},
				{ID: "CON-2"},
			},
		},
		{
			"page with all options",
			[]exchange{{method: "GET", target: path + "?page_size=100&order=desc&cursor=7EjD%2Ba%2F%3D&date_start=2018-01-01T09:00:00.000Z&date_end=2018-01-02T10:00:00.500Z&name=a%26b", answer: `{"_embedded":{"conversations":[]},"_links":{"prev":{"href":"https://api-us-3.vonage.com/v1/conversations?cursor=p%3D%3D"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.ConversationsPage(ctx, &nexmo.ConversationListOptions{
					ListOptions: nexmo.ListOptions{PageSize: 100, Order: nexmo.OrderDescending, Cursor: "7EjD+a/="},
					DateStart:   time.Date(2018, 1, 1, 10, 0, 0, 0, time.FixedZone("", 3600)),
					DateEnd:     time.Date(2018, 1, 2, 10, 0, 0, 5e8, time.UTC), Name: "a&b",
				})
			},
			&nexmo.Page[nexmo.ConversationInfo]{Prev: "p=="},
		},
	}
}
