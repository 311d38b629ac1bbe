package nexmo_test

import (
	"context"

	"github.com/conversation-events/nexmo"
)

const eventAnswer = `{"id":7,"type":"message","from":"MEM-1","body":{"message_type":"text","text":"hello"},"timestamp":"2020-01-01T14:00:00.00Z",
	"_embedded":{"from_user":{"id":"USR-1","name":"priya","display_name":"Priya","image_url":"https://example.com/1.png","custom_data":{"fieldName":"v","other_field":1.50}},"from_member":{"id":"MEM-1"}},
	"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/events/7"}}}`

func wantEvent() *nexmo.Event {
	return &nexmo.Event{
		ID: 7, Type: nexmo.EventMessage, ConversationID: "CON-1", From: "MEM-1", Timestamp: timeAt("2020-01-01T14:00:00Z"),
		FromUser:   &nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya", ImageURL: "https://example.com/1.png", CustomData: `{"fieldName":"v","other_field":1.50}`},
		FromMember: "MEM-1", Body: &nexmo.Message{MessageContent: nexmo.TextMessage("hello")},
	}
}

// createEventCase is a body that CreateEvent sends.
func createEventCase(name, path, wire string, body nexmo.Body, opts ...nexmo.EventOption) requestCase {
	return requestCase{
		name,
		[]exchange{{method: "POST", target: path, body: wire, status: 201, answer: `{"id":8,"timestamp":"2020-01-01T14:00:00.00Z","href":"https://api.nexmo.com/v0.1/conversations/CON-1/events/8"}`}},
		func(ctx context.Context, c *nexmo.Client) (any, error) {
			e, err := c.CreateEvent(ctx, "CON-1", body, opts...)
			if err != nil {
				return nil, err
			}
			return e.ID, nil
		},
		nexmo.EventID(8),
	}
}

func eventCases() []requestCase {
	const path = "/v1/conversations/CON-1/events"
	const old = "/v0.1/conversations/CON-1/events"
	message := func(c nexmo.MessageContent) *nexmo.Message { return &nexmo.Message{MessageContent: c} }
	leg := nexmo.LegTarget{RTCID: "leg-1"}
	return []requestCase{
		{
			"create",
			[]exchange{{method: "POST", target: path, body: `{"type":"message","from":"MEM-1","body":{"message_type":"text","text":"hello"}}`, status: 201, answer: eventAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateEvent(ctx, "CON-1", message(nexmo.TextMessage("hello")), nexmo.From("MEM-1"))
			},
			wantEvent(),
		},
		{
			"create answered with little",
			[]exchange{{method: "POST", target: path, body: `{"type":"custom:order-paid","body":{"orderID":12345678901234567890}}`, status: 200, answer: `{"id":"9","timestamp":"2020-01-01T14:00:00Z"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateEvent(ctx, "CON-1", &nexmo.Custom{Name: "order-paid", JSON: `{"orderID":12345678901234567890}`})
			},
			&nexmo.Event{
				ID: 9, Type: "custom:order-paid", ConversationID: "CON-1", Timestamp: timeAt("2020-01-01T14:00:00Z"),
				Body: &nexmo.Custom{Name: "order-paid", JSON: `{"orderID":12345678901234567890}`},
			},
		},
		{
			"create answered with nothing",
			[]exchange{{method: "POST", target: path, body: `{"type":"ephemeral","from":"MEM-1","body":{}}`, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateEvent(ctx, "CON-1", &nexmo.Ephemeral{}, nexmo.From("MEM-1"))
			},
			&nexmo.Event{Type: nexmo.EventEphemeral, ConversationID: "CON-1", From: "MEM-1", Body: &nexmo.Ephemeral{}},
		},
		createEventCase("image", path, `{"type":"message","body":{"message_type":"image","image":{"url":"https://example.com/1.png"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeImage, Image: &nexmo.MessageFileURL{URL: "https://example.com/1.png"}})),
		createEventCase("audio", path, `{"type":"message","body":{"message_type":"audio","audio":{"url":"https://example.com/1.mp3"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeAudio, Audio: &nexmo.MessageFileURL{URL: "https://example.com/1.mp3"}})),
		createEventCase("video", path, `{"type":"message","body":{"message_type":"video","video":{"url":"https://example.com/1.mp4"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeVideo, Video: &nexmo.MessageFileURL{URL: "https://example.com/1.mp4"}})),
		createEventCase("file", path, `{"type":"message","body":{"message_type":"file","file":{"url":"https://example.com/1.pdf"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeFile, File: &nexmo.MessageFileURL{URL: "https://example.com/1.pdf"}})),
		createEventCase("vcard", path, `{"type":"message","body":{"message_type":"vcard","vcard":{"url":"https://example.com/1.vcf"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeVCard, VCard: &nexmo.MessageFileURL{URL: "https://example.com/1.vcf"}})),
		createEventCase("location", path, `{"type":"message","body":{"message_type":"location","location":{"longitude":"-0.1","latitude":"0","name":"Shop","address":"1 High Street"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeLocation, Location: &nexmo.Location{Longitude: -0.1, Name: "Shop", Address: "1 High Street"}})),
		createEventCase("template", path, `{"type":"message","body":{"message_type":"template","template":{"name":"offer","parameters":["a","b"],"whatsapp":{"policy":"deterministic","locale":"en-GB"}}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeTemplate, Template: &nexmo.Template{Name: "offer", Parameters: []string{"a", "b"}, WhatsApp: &nexmo.WhatsApp{Policy: "deterministic", Locale: "en-GB"}}})),
		createEventCase("custom message", path, `{"type":"message","body":{"message_type":"custom","custom":{"aB":1.0}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeCustom, Custom: `{"aB":1.0}`})),
		createEventCase("say", path, `{"type":"audio:say","from":"MEM-1","body":{"text":"hello","level":0.5,"loop":0,"queue":false,"language":"en-GB","style":2,"premium":true,"ssml":false}}`,
			&nexmo.AudioSay{Text: "hello", Level: new(0.5), Loop: new(0), Queue: nexmo.False, Language: "en-GB", Style: 2, Premium: nexmo.True, SSML: nexmo.False}, nexmo.From("MEM-1")),
		createEventCase("play", path, `{"type":"audio:play","body":{"stream_url":["https://example.com/1.mp3"],"level":-0.5,"loop":2}}`,
			&nexmo.AudioPlay{StreamURL: nexmo.StringList{"https://example.com/1.mp3"}, Level: new(-0.5), Loop: new(2)}),
		createEventCase("record", path, `{"type":"audio:record","body":{"format":"mp3","validity":31,"channels":2,"streamed":true,"split":false,"multitrack":true,"detect_speech":true,"beep_start":true,"beep_stop":false,"transcription":{"language":"en-US","sentiment_analysis":true}}}`,
			&nexmo.AudioRecord{
				Format: nexmo.RecordFormatMP3, Validity: 31, Channels: 2, Streamed: nexmo.True, Split: nexmo.False, Multitrack: nexmo.True, DetectSpeech: nexmo.True,
				BeepStart: nexmo.True, BeepStop: nexmo.False, Transcription: nexmo.Transcription{Language: "en-US", SentimentAnalysis: nexmo.True},
			}),
		createEventCase("mute", path, `{"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, &nexmo.AudioMuteOn{LegTarget: leg}, nexmo.From("MEM-1")),
		createEventCase("earmuff off", path, `{"type":"audio:earmuff:off","body":{"rtc_id":"leg-1"}}`, &nexmo.AudioEarmuffOff{LegTarget: leg}),
		createEventCase("text", old, `{"type":"text","from":"MEM-1","to":"MEM-2","body":{"text":"hello"}}`, &nexmo.Text{Text: "hello"}, nexmo.From("MEM-1"), nexmo.To("MEM-2")),
		createEventCase("a type of tomorrow", path, `{"type":"tomorrow:type","body":{"a":[1,{"b":null}]}}`, &nexmo.RawBody{Type: "tomorrow:type", JSON: `{"a":[1,{"b":null}]}`}),
		{
			"get",
			[]exchange{{method: "GET", target: path + "/7", answer: eventAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.Event(ctx, "CON-1", 7) },
			wantEvent(),
		},
		{
			"get the event 0, whose ID is a text",
			[]exchange{{method: "GET", target: path + "/0", answer: `{"id":"0","type":"message:seen","from":"MEM-1","body":{"event_id":"3"},"timestamp":"2020-01-01T14:00:00Z"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.Event(ctx, "CON-1", 0) },
			&nexmo.Event{
				Type: nexmo.EventMessageSeen, ConversationID: "CON-1", From: "MEM-1", Timestamp: timeAt("2020-01-01T14:00:00Z"),
				Body: &nexmo.MessageSeen{Receipt: nexmo.Receipt{EventID: 3}},
			},
		},
		{
			"delete",
			[]exchange{{method: "DELETE", target: path + "/7", status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.DeleteEvent(ctx, "CON-1", 7))
			},
			nil,
		},
		{
			"page with all options",
			[]exchange{{method: "GET", target: path + "?page_size=1&order=desc&cursor=a%2Bb%3D%3D&start_id=3&end_id=9&event_type=message,text,member:joined,audio:dtmf,ephemeral&exclude_deleted_events=true", answer: `{"_embedded":[]}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.EventsPage(ctx, "CON-1", &nexmo.EventListOptions{
					ListOptions: nexmo.ListOptions{PageSize: 1, Order: nexmo.OrderDescending, Cursor: "a+b=="}, StartID: 3, EndID: 9, ExcludeDeleted: true,
					Types: []nexmo.EventType{nexmo.EventMessage, nexmo.EventText, nexmo.EventMemberJoined, nexmo.EventAudioDTMF, nexmo.EventEphemeral},
				})
			},
			&nexmo.Page[nexmo.Event]{},
		},
		{
			"events after one",
			[]exchange{{method: "GET", target: path + "?page_size=100&order=asc&start_id=7", answer: `{"_embedded":{"events":[` + eventAnswer + `]}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.EventsAfter(ctx, "CON-1", 6))
			},
			[]*nexmo.Event{wantEvent()},
		},
	}
}
