package nexmo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// TestConversationRequests calls each verb, and hears of what it did by webhook.
func TestConversationRequests(t *testing.T) {
	t.Parallel()
	var webhook nexmo.WebhookHandler
	server := nexmotest.NewServer(t, nexmotest.WithEventHandler(&webhook))
	id := server.CreateConversation("Repairs")
	priya, kicked := server.Join(id, "priya"), server.Join(id, "kim")
	server.CreateUser("sam")
	if err := server.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	conversation, err := server.Client().Conversation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	asUser, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return server.UserToken("priya"), nil }),
		nexmo.WithBaseURL(server.URL()), nexmo.WithHTTPClient(server.HTTPClient()))
	if err != nil {
		t.Fatal(err)
	}
	ofPriya := nexmo.NewConversation(id, nexmo.WithClient(asUser))
	heard := ""
	conversation.On("*", func(_ context.Context, e *nexmo.Event) error {
		body, err := json.Marshal(e.Body)
		heard = fmt.Sprintf("%s %s %s", e.Type, e.From, body)
		return err
	})
	webhook.Verifier = &nexmo.Verifier{Secrets: []string{server.SignatureSecret()}}
	webhook.Sink = conversation

	message := &nexmo.Event{Type: "message"}
	text := &nexmo.Event{Type: "text"}
	var invited string
	from := nexmo.From(priya)
	ctx := t.Context()
	for _, tt := range []struct {
		verb string
		call func(c *nexmo.Conversation) error
		want []string // what the event has in it
	}{
		{"SendMessage", func(c *nexmo.Conversation) error {
			e, err := c.SendMessage(ctx, nexmo.TextMessage("<b>1 & 2</b>"), from)
			if err == nil {
				message.ID = e.ID
			}
			return err
		}, []string{"message " + priya, `"message_type":"text"`, `1 \u0026 2`}},
		{"SendText", func(c *nexmo.Conversation) error {
			e, err := c.SendText(ctx, "hello", from)
			if err == nil {
				text.ID = e.ID
			}
			return err
		}, []string{"text " + priya, `"text":"hello"`}},
		{"StartTyping", func(c *nexmo.Conversation) error { return c.StartTyping(ctx, from) }, []string{"text:typing:on " + priya, `"activity":1`}},
		{"StopTyping", func(c *nexmo.Conversation) error { return c.StopTyping(ctx, from) }, []string{"text:typing:off " + priya, `"activity":0`}},
		{"SendCustom", func(c *nexmo.Conversation) error {
			_, err := c.SendCustom(ctx, "order", map[string]any{"Order No": int64(12345678901234567)}, from)
			return err
		}, []string{"custom:order " + priya, `{"Order No":12345678901234567}`}},
		{"SendCustom of nothing", func(c *nexmo.Conversation) error {
			_, err := c.SendCustom(ctx, "ping", nil)
			return err
		}, []string{"custom:ping", `{}`}},
		{"SendEphemeral", func(c *nexmo.Conversation) error { return c.SendEphemeral(ctx, map[string]int{"x": 1}, from) }, []string{"ephemeral " + priya, `{"x":1}`}},
		{"Send", func(c *nexmo.Conversation) error {
			_, err := c.Send(ctx, &nexmo.MessageSubmitted{Receipt: nexmo.Receipt{EventID: message.ID}}, from)
			return err
		}, []string{"message:submitted " + priya, `"event_id":`}},
		{"MarkDelivered of a message", func(c *nexmo.Conversation) error { return c.MarkDelivered(ctx, message, from) }, []string{"message:delivered " + priya, `"event_id":3`}},
		{"MarkSeen of a text", func(c *nexmo.Conversation) error { return c.MarkSeen(ctx, text, from) }, []string{"text:seen " + priya, `"event_id":`}},
		{"Invite", func(c *nexmo.Conversation) error {
			m, err := c.Invite(ctx, nexmo.MemberParams{UserName: "sam", MemberIDInviting: priya})
			if err == nil {
				invited = m.ID
			}
			return err
		}, []string{"member:invited", `"name":"sam"`}},
		{"Accept", func(c *nexmo.Conversation) error {
			m, err := c.Accept(ctx, invited)
			if err == nil && m.State != nexmo.MemberStateJoined {
				return fmt.Errorf("the member is %s", m.State)
			}
			return err
		}, []string{"member:joined", `"name":"sam"`}},
		{"Join", func(c *nexmo.Conversation) error {
			_, err := c.Join(ctx, nexmo.MemberParams{UserName: "sam", Channel: &nexmo.Channel{Type: "phone", To: &nexmo.Endpoint{Type: "phone", Number: "447700900123"}}})
			return err
		}, []string{"member:joined", `"number":"447700900123"`}},
		{"Kick", func(c *nexmo.Conversation) error {
			return c.Kick(ctx, kicked, nexmo.Reason{Code: "1", Text: "closed"})
		}, []string{"member:left " + kicked, `"reason":{"code":"1","text":"closed"}`}},
		{"Say", func(c *nexmo.Conversation) error {
			_, err := c.Say(ctx, nexmo.AudioSay{Text: "Welcome!", Language: "en-GB", Premium: nexmo.False})
			return err
		}, []string{"audio:say", `"text":"Welcome!","level":0,"loop":1,"language":"en-GB","premium":false`}},
		{"StopSay", func(c *nexmo.Conversation) error { return c.StopSay(ctx, "say-1") }, []string{"audio:say:stop", `"say_id":"say-1"`}},
		{"Play", func(c *nexmo.Conversation) error {
			_, err := c.Play(ctx, nexmo.AudioPlay{StreamURL: []string{"https://example.com/a.mp3"}, Loop: new(0), Level: new(-0.5)})
			return err
		}, []string{"audio:play", `"stream_url":["https://example.com/a.mp3"],"level":-0.5,"loop":0`}},
		{"StopPlay", func(c *nexmo.Conversation) error { return c.StopPlay(ctx, "play-1") }, []string{"audio:play:stop", `"play_id":"play-1"`}},
		{"Record", func(c *nexmo.Conversation) error {
			_, err := c.Record(ctx, nexmo.AudioRecord{Format: nexmo.RecordFormatMP3, BeepStart: nexmo.True})
			return err
		}, []string{"audio:record", `"format":"mp3"`, `"beep_start":true`}},
		{"StopRecord", func(c *nexmo.Conversation) error { return c.StopRecord(ctx, "rec-1") }, []string{"audio:record:stop", `"record_id":"rec-1"`}},
		{"DTMF", func(c *nexmo.Conversation) error { return c.DTMF(ctx, "12#*p") }, []string{"audio:dtmf", `"digits":"12#*p"`}},
		{"DeleteEvent", func(c *nexmo.Conversation) error { return c.DeleteEvent(ctx, message.ID) }, []string{"event:delete", `"event_id":3`}},
		{"Leave", func(c *nexmo.Conversation) error {
			if c == conversation {
				c = ofPriya
			}
			return c.Leave(ctx, nexmo.Reason{})
		}, []string{"member:left " + priya}},
	} {
		heard = ""
		if err := tt.call(conversation); err != nil {
			t.Errorf("%s: %v", tt.verb, err)
			continue
		}
		if err := server.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		if err := tt.call(nexmo.NewConversation(id)); !errors.Is(err, nexmo.ErrNoClient) {
			t.Errorf("%s without a client: %v", tt.verb, err)
		}
		for _, want := range tt.want {
			if !strings.Contains(heard, want) {
				t.Errorf("%s: %s is not in %s", tt.verb, want, heard)
			}
		}
	}
	if m, _ := conversation.Member(priya); m.State != nexmo.MemberStateLeft {
		t.Errorf("in the end the member is %s", m.State)
	}
	checkError(t, conversation.Close(), nil)
}

// TestConversationRequestsOfLegs: members are muted by their leg, which was loaded, or which the
// service is asked for. And receipts of other events than messages go to the older
// generation.
func TestConversationRequestsOfLegs(t *testing.T) {
	t.Parallel()
	const events, old, members = "POST /v1/conversations/CON-1/events ", "POST /v0.1/conversations/CON-1/events ", "/v1/conversations/CON-1/members"
	from := nexmo.From("MEM-9")
	for name, tt := range map[string]struct {
		call func(ctx context.Context, c *nexmo.Conversation) error
		want string
	}{
		"MarkSeen of an image": {func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, &nexmo.Event{ID: 7, Type: "image"}, from)
		}, old + `{"type":"image:seen","from":"MEM-9","body":{"event_id":7}}`},
		"MarkSeen of another": {func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, &nexmo.Event{ID: 7, Type: "custom:order"}, from)
		}, old + `{"type":"event:seen","from":"MEM-9","body":{"event_id":7}}`},
		"Mute": {func(ctx context.Context, c *nexmo.Conversation) error { return c.Mute(ctx, "MEM-1") }, events + `{"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"leg-2"}}`},
		"Unmute": {func(ctx context.Context, c *nexmo.Conversation) error { return c.Unmute(ctx, "MEM-1", from) },
			events + `{"type":"audio:mute:off","from":"MEM-9","body":{"rtc_id":"leg-2"}}`},
		"Mute by the leg that REST tells": {func(ctx context.Context, c *nexmo.Conversation) error { return c.Mute(ctx, "MEM-3", nexmo.To("MEM-3")) },
			events + `{"type":"audio:mute:on","from":"MEM-3","to":"MEM-3","body":{"rtc_id":"leg-3"}}`},
		"Earmuff":   {func(ctx context.Context, c *nexmo.Conversation) error { return c.Earmuff(ctx, "MEM-1") }, events + `{"type":"audio:earmuff:on","from":"MEM-1","body":{"rtc_id":"leg-2"}}`},
		"Unearmuff": {func(ctx context.Context, c *nexmo.Conversation) error { return c.Unearmuff(ctx, "MEM-1") }, events + `{"type":"audio:earmuff:off","from":"MEM-1","body":{"rtc_id":"leg-2"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := newLiveService()
			service.answers["GET "+members+"/me"] = `{"id":"MEM-7"}`
			service.answers["GET "+members+"/MEM-3"] = `{"id":"MEM-3","channel":{"type":"phone","id":"leg-3"}}`
			service.fallback = `{"id":12,"timestamp":"2024-05-16T08:00:01Z"}`
			c, err := service.client(t).Conversation(t.Context(), "CON-1")
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, service.asked[len(service.asked)-1]); diff != "" {
				t.Errorf("the request (-want +got):\n%s", diff)
			}

			// Without a client there is an error that says so.
			if err := tt.call(t.Context(), nexmo.NewConversation("CON-1")); err == nil ||
				!errors.Is(err, nexmo.ErrNoClient) && !errors.Is(err, nexmo.ErrInvalid) {
				t.Errorf("without a client: %v", err)
			}
		})
	}
}

// TestMuteWithoutLeg: a member who takes part in no call cannot be muted.
func TestMuteWithoutLeg(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	id := server.CreateConversation("")
	sam := server.Join(id, "sam") // in the app
	c, err := server.Client().Conversation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Mute(t.Context(), sam); err == nil || !strings.Contains(err.Error(), "no leg") {
		t.Errorf("Mute: %v", err)
	}
	if err := c.Mute(t.Context(), "MEM-4"); !errors.Is(err, nexmo.ErrNotFound) {
		t.Errorf("Mute: %v, want ErrNotFound", err)
	}
}

// TestConversationRequestsRefused: what is wrong is said before anything is sent.
func TestConversationRequestsRefused(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	c, err := server.Client().Conversation(t.Context(), server.CreateConversation(""))
	if err != nil {
		t.Fatal(err)
	}
	loaded := len(server.Requests())
	ctx := t.Context()
	discard := func(_ any, err error) error { return err }
	for name, err := range map[string]error{
		"event: it has no ID":             c.MarkSeen(ctx, &nexmo.Event{Type: "text"}),
		"event: it has no ID: only":       c.MarkDelivered(ctx, nil),
		"Digits: it is not like":          c.DTMF(ctx, "12x"),
		"Digits: it is empty":             c.DTMF(ctx, ""),
		"Text: it is empty":               discard(c.Say(ctx, nexmo.AudioSay{})),
		"Level: it must be between":       discard(c.Say(ctx, nexmo.AudioSay{Text: "x", Level: new(1.0)})),
		"Loop: it must not be negative":   discard(c.Say(ctx, nexmo.AudioSay{Text: "x", Loop: new(-1)})),
		"StreamURL: it is empty":          discard(c.Play(ctx, nexmo.AudioPlay{})),
		"MessageType: it is empty":        discard(c.SendMessage(ctx, nexmo.MessageContent{})),
		"Name: it is not like custom:":    discard(c.SendCustom(ctx, "no blanks", 1)),
		"Name: it is longer than 100":     discard(c.SendCustom(ctx, strings.Repeat("x", 94), 1)),
		"body: it is nil ":                discard(c.Send(ctx, (*nexmo.Text)(nil))),
		"body of the event: it cannot be": discard(c.SendCustom(ctx, "order", func() {})),
		"body: it is nil":                 discard(c.Send(ctx, nil)),
		"it is a pattern":                 discard(c.Send(ctx, &nexmo.RawBody{Type: "text:*"})),
		"UserID: it is empty":             discard(c.Invite(ctx, nexmo.MemberParams{})),
	} {
		if !errors.Is(err, nexmo.ErrInvalid) || !strings.Contains(err.Error(), strings.TrimSpace(name)) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if made := server.Requests()[loaded:]; len(made) > 0 {
		t.Errorf("requests were made: %v", made)
	}
}

// sendingCase is a verb of a conversation that makes an event.
func sendingCase(name, path, wire string, do func(ctx context.Context, c *nexmo.Conversation) error) requestCase {
	return requestCase{
		name,
		[]exchange{{method: "POST", target: path, body: wire, status: 201, answer: `{"id":8}`}},
		func(ctx context.Context, c *nexmo.Client) (any, error) {
			conversation := nexmo.NewConversation("CON-1", nexmo.WithClient(c))
			joined := &nexmo.MemberJoined{Membership: nexmo.Membership{MemberID: "MEM-1", Channel: &nexmo.Channel{Type: nexmo.ChannelTypePhone, ID: "leg-0", LegIDs: []string{"leg-1", "leg-0"}}}}
			if err := conversation.Deliver(ctx, &nexmo.Event{ID: 1, Type: nexmo.EventMemberJoined, ConversationID: "CON-1", Body: joined}); err != nil {
				return nil, err
			}
			return nil, errors.Join(do(ctx, conversation), conversation.Close())
		},
		nil,
	}
}

func conversationRequestCases() []requestCase {
	const path = "/v1/conversations/CON-1/events"
	const old = "/v0.1/conversations/CON-1/events"
	const members = "/v1/conversations/CON-1/members"
	const info = `{"id":"CON-1","name":"first","state":"ACTIVE","sequence_number":17,"properties":{"ttl":60,"custom_data":{"aB":12345678901234567890}}}`
	stored := func(t nexmo.EventType) *nexmo.Event {
		return &nexmo.Event{ID: 5, Type: t, Body: &nexmo.RawBody{Type: t}}
	}
	send := func(_ *nexmo.Event, err error) error { return err }
	from := nexmo.From("MEM-2")
	member := func(name string, calls []exchange, do func(ctx context.Context, c *nexmo.Conversation) (any, error), want any) requestCase {
		return requestCase{name, calls, func(ctx context.Context, c *nexmo.Client) (any, error) {
			return do(ctx, nexmo.NewConversation("CON-1", nexmo.WithClient(c)))
		}, want}
	}
	return []requestCase{
		{
			"conversation",
			[]exchange{
				{method: "GET", target: "/v1/conversations/CON-1", answer: info},
				{method: "GET", target: members + "?page_size=100", answer: `{"_embedded":{"members":[{"id":"MEM-1","state":"JOINED","_embedded":{"user":{"id":"USR-1","name":"priya"}}}]},"_links":{"next":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/members?cursor=two"}}}`},
				{method: "GET", target: members + "?page_size=100&cursor=two", answer: `{"_embedded":{"members":[{"id":"MEM-2","state":"LEFT","user":{"id":"USR-2","name":"sam"}}]}}`},
			},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				conversation, err := c.Conversation(ctx, "CON-1")
				if err != nil {
					return nil, err
				}
				is := conversation.Info()
				return []any{is.Name, is.SequenceNumber, string(is.Properties.CustomData), slices.Collect(conversation.Members())}, conversation.Close()
			},
			[]any{"first", nexmo.EventID(17), `{"aB":12345678901234567890}`, []nexmo.Member{
				{ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateJoined},
				{ID: "MEM-2", UserID: "USR-2", UserName: "sam", State: nexmo.MemberStateLeft},
			}},
		},
		{
			"sync",
			[]exchange{
				{method: "GET", target: "/v1/conversations/CON-1", answer: info},
				{method: "GET", target: members + "?page_size=100", answer: `{}`},
				{method: "GET", target: path + "?page_size=100&order=asc&start_id=18", answer: `{"_embedded":{"events":[{"id":18,"type":"custom:a","from":"MEM-1","body":{}}]}}`},
			},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				conversation, err := c.Conversation(ctx, "CON-1")
				if err != nil {
					return nil, err
				}
				err = conversation.Sync(ctx)
				return conversation.LastEventID(), errors.Join(err, conversation.Close())
			},
			nexmo.EventID(18),
		},
		sendingCase("Send", path, `{"type":"message:rejected","from":"MEM-2","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Send(ctx, &nexmo.MessageRejected{Receipt: nexmo.Receipt{EventID: 5}}, from))
		}),
		sendingCase("SendMessage", path, `{"type":"message","from":"MEM-2","body":{"message_type":"text","text":"hello"}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.SendMessage(ctx, nexmo.TextMessage("hello"), from))
		}),
		sendingCase("SendText", old, `{"type":"text","body":{"text":"hello"}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.SendText(ctx, "hello"))
		}),
		sendingCase("StartTyping", old, `{"type":"text:typing:on","from":"MEM-2","body":{"activity":1}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StartTyping(ctx, from) }),
		sendingCase("StopTyping", old, `{"type":"text:typing:off","body":{"activity":0}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopTyping(ctx) }),
		sendingCase("SendCustom", path, `{"type":"custom:order:paid_1-a","from":"MEM-2","body":{"orderID":12345678901234567890,"a_b":"<&>"}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.SendCustom(ctx, "order:paid_1-a", map[string]any{"orderID": json.Number("12345678901234567890"), "a_b": "<&>"}, from))
		}),
		sendingCase("SendEphemeral", path, `{"type":"ephemeral","body":{"cursorX":1.50}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.SendEphemeral(ctx, json.RawMessage(`{"cursorX":1.50}`))
		}),
		sendingCase("MarkDelivered message", path, `{"type":"message:delivered","from":"MEM-2","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkDelivered(ctx, stored(nexmo.EventMessage), from)
		}),
		sendingCase("MarkSeen message", path, `{"type":"message:seen","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, stored(nexmo.EventMessage))
		}),
		sendingCase("MarkDelivered text", old, `{"type":"text:delivered","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkDelivered(ctx, stored(nexmo.EventText))
		}),
		sendingCase("MarkSeen image", old, `{"type":"image:seen","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, stored(nexmo.EventImage))
		}),
		sendingCase("MarkSeen custom", old, `{"type":"event:seen","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, stored("custom:order"))
		}),
		sendingCase("Mute", path, `{"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Mute(ctx, "MEM-1") }),
		sendingCase("Unmute", path, `{"type":"audio:mute:off","from":"MEM-2","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Unmute(ctx, "MEM-1", from) }),
		sendingCase("Earmuff", path, `{"type":"audio:earmuff:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Earmuff(ctx, "MEM-1") }),
		sendingCase("Unearmuff", path, `{"type":"audio:earmuff:off","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Unearmuff(ctx, "MEM-1") }),
		sendingCase("Say", path, `{"type":"audio:say","body":{"text":"hello","level":0,"loop":1}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Say(ctx, nexmo.AudioSay{Text: "hello"}))
		}),
		sendingCase("Say for ever", path, `{"type":"audio:say","from":"MEM-2","body":{"text":"hello","level":-0.9,"loop":0}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Say(ctx, nexmo.AudioSay{Text: "hello", Level: new(-0.9), Loop: new(0)}, from))
		}),
		sendingCase("StopSay", path, `{"type":"audio:say:stop","body":{"say_id":"say-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopSay(ctx, "say-1") }),
		sendingCase("Play", path, `{"type":"audio:play","from":"MEM-2","body":{"stream_url":["https://example.com/1.mp3"],"level":0,"loop":1,"queue":true}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Play(ctx, nexmo.AudioPlay{StreamURL: nexmo.StringList{"https://example.com/1.mp3"}, Queue: nexmo.True}, from))
		}),
		sendingCase("StopPlay", path, `{"type":"audio:play:stop","body":{"play_id":"play-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopPlay(ctx, "play-1") }),
		sendingCase("Record", path, `{"type":"audio:record","body":{"format":"wav","split":true}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Record(ctx, nexmo.AudioRecord{Format: nexmo.RecordFormatWAV, Split: nexmo.True}))
		}),
		sendingCase("StopRecord", path, `{"type":"audio:record:stop","body":{"record_id":"rec-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopRecord(ctx, "rec-1") }),
		sendingCase("DTMF", path, `{"type":"audio:dtmf","body":{"digits":"12AB*#p"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.DTMF(ctx, "12AB*#p") }),
		member("DeleteEvent", []exchange{{method: "DELETE", target: path + "/5", status: 204}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return noAnswer(c.DeleteEvent(ctx, 5))
		}, nil),
		member("Invite", []exchange{{method: "POST", target: members, body: `{"state":"invited","user":{"name":"sam"},"channel":{"type":"app"}}`, status: 201, answer: `{"id":"MEM-2","state":"INVITED"}`}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return c.Invite(ctx, nexmo.MemberParams{UserName: "sam"})
		}, &nexmo.MemberInfo{ID: "MEM-2", State: nexmo.MemberStateInvited}),
		member("Join", []exchange{{method: "POST", target: members, body: `{"state":"joined","user":{"id":"USR-2"},"channel":{"type":"app"}}`, status: 201, answer: `{"id":"MEM-2","state":"JOINED"}`}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return c.Join(ctx, nexmo.MemberParams{UserID: "USR-2", State: nexmo.MemberStateInvited})
		}, &nexmo.MemberInfo{ID: "MEM-2", State: nexmo.MemberStateJoined}),
		member("Accept", []exchange{{method: "PATCH", target: members + "/MEM-2", body: `{"state":"joined"}`, answer: `{"id":"MEM-2","state":"JOINED"}`}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return c.Accept(ctx, "MEM-2")
		}, &nexmo.MemberInfo{ID: "MEM-2", State: nexmo.MemberStateJoined}),
		member("Kick", []exchange{{method: "PATCH", target: members + "/MEM-2", body: `{"state":"left","reason":{"text":"rude"}}`, answer: `{}`}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return noAnswer(c.Kick(ctx, "MEM-2", nexmo.Reason{Text: "rude"}))
		}, nil),
		member("Leave", []exchange{
			{method: "GET", target: members + "/me", answer: `{"id":"MEM-3"}`},
			{method: "PATCH", target: members + "/MEM-3", body: `{"state":"left","from":"MEM-3"}`, answer: `{}`},
		}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return noAnswer(c.Leave(ctx, nexmo.Reason{}))
		}, nil),
		member("Load", []exchange{
			{method: "GET", target: "/v1/conversations/CON-1", answer: info},
			{method: "GET", target: members + "?page_size=100", answer: `{"_embedded":{"members":[]}}`},
		}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			err := c.Load(ctx)
			return c.Info().State, err
		}, nexmo.ConversationStateActive),
	}
}

// TestConversationWithoutClient has the verbs of a conversation say that they need a client.
func TestConversationWithoutClient(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	ctx := t.Context()
	_, err1 := c.Send(ctx, &nexmo.Ephemeral{})
	_, err2 := c.Invite(ctx, nexmo.MemberParams{})
	for i, err := range []error{
		err1, err2, c.Load(ctx), c.DeleteEvent(ctx, 1), c.Kick(ctx, "MEM-1", nexmo.Reason{}), c.Leave(ctx, nexmo.Reason{}), c.DTMF(ctx, "1"),
	} {
		if !errors.Is(err, nexmo.ErrNoClient) {
			t.Errorf("%d: got %v", i, err)
		}
	}
}

// TestConversationAsksClientForGap has a conversation of the client ask it for what is missing, by ID,
// and with the deleted events.
func TestConversationAsksClientForGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		event := func(id int) string {
			return fmt.Sprintf(`{"id":%d,"type":"message","from":"MEM-1","body":{},"timestamp":"2020-01-01T14:00:00Z"}`, id)
		}
		c := expectingClient(t,
			exchange{method: "GET", target: "/v1/conversations/CON-1", answer: `{"id":"CON-1","sequence_number":17}`},
			exchange{method: "GET", target: "/v1/conversations/CON-1/members?page_size=100", answer: `{}`},
			exchange{method: "GET", target: "/v1/conversations/CON-1/events?page_size=100&order=asc&start_id=18", answer: `{"_embedded":{"events":[` + event(18) + `,` + event(19) + `]},"_links":{"next":{"href":"https://api-us-3.vonage.com/?cursor=a%2Bb"}}}`},
			exchange{method: "GET", target: "/v1/conversations/CON-1/events?page_size=100&order=asc&start_id=18&cursor=a%2Bb", answer: `{"_embedded":[` + event(20) + `,` + event(21) + `]}`},
		)
		conversation, err := c.Conversation(t.Context(), "CON-1")
		if err != nil {
			t.Fatal(err)
		}
		var got []nexmo.EventID
		conversation.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			got = append(got, e.ID)
			return nil
		})
		late, err := nexmo.ParseEvent([]byte(event(21)))
		if err != nil {
			t.Fatal(err)
		}
		if err := conversation.Deliver(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		if err := conversation.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]nexmo.EventID{18, 19, 20, 21}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestMuteAfterLoad(t *testing.T) {
	t.Parallel()
	c := expectingClient(t,
		exchange{method: "GET", target: "/v1/conversations/CON-1", answer: `{"id":"CON-1","sequence_number":3}`},
		exchange{method: "GET", target: "/v1/conversations/CON-1/members?page_size=100", answer: `{"_embedded":{"members":[{"id":"MEM-1","state":"JOINED"}]}}`},
		exchange{method: "GET", target: "/v1/conversations/CON-1/members/MEM-1", answer: `{"id":"MEM-1","channel":{"type":"phone","leg_ids":["leg-1"]}}`},
		exchange{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, answer: `{"id":4}`},
	)
	conversation, err := c.Conversation(t.Context(), "CON-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := conversation.Mute(t.Context(), "MEM-1"); err != nil {
		t.Error(err)
	}
}
