package nexmo_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// refusedCalls are calls that are not sent, by the field that the error names.
func refusedCalls() map[string]map[string]func(ctx context.Context, c *nexmo.Client) error {
	long := func(n int) string { return strings.Repeat("ü", n) }
	create := func(p nexmo.ConversationParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateConversation(ctx, p)
			_, err2 := c.UpdateConversation(ctx, "CON-1", p)
			return firstIfAll(err, err2)
		}
	}
	user := func(p nexmo.UserParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateUser(ctx, p)
			_, err2 := c.UpdateUser(ctx, "USR-1", p)
			return firstIfAll(err, err2)
		}
	}
	member := func(p nexmo.MemberParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateMember(ctx, "CON-1", p)
			return err
		}
	}
	update := func(u nexmo.MemberUpdate) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateMember(ctx, "CON-1", "MEM-1", u)
			return err
		}
	}
	event := func(body nexmo.Body, opts ...nexmo.EventOption) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-1", body, opts...)
			return err
		}
	}
	list := func(o nexmo.EventListOptions) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.EventsPage(ctx, "CON-1", &o)
			_, err2 := collectAll(c.Events(ctx, "CON-1", &o))
			return firstIfAll(err, err2)
		}
	}
	lists := func(o nexmo.ListOptions) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.ConversationsPage(ctx, &nexmo.ConversationListOptions{ListOptions: o})
			_, err2 := c.MembersPage(ctx, "CON-1", &o)
			_, err3 := c.EventsPage(ctx, "CON-1", &nexmo.EventListOptions{ListOptions: o})
			_, err4 := c.UsersPage(ctx, &nexmo.UserListOptions{ListOptions: o})
			_, err5 := c.UserConversationsPage(ctx, "USR-1", &nexmo.UserConversationListOptions{ListOptions: o})
			_, err6 := c.UserSessionsPage(ctx, "USR-1", &o)
			return firstIfAll(err, err2, err3, err4, err5, err6)
		}
	}
	record := func(p nexmo.RecordParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error { return c.StartRecording(ctx, "CON-1", p) }
	}
	talk := func(p nexmo.TalkParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.StartTalk(ctx, "CON-1", p)
			return err
		}
	}
	stream := func(p nexmo.StreamParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.StartStream(ctx, "CON-1", p)
			return err
		}
	}
	type call = func(ctx context.Context, c *nexmo.Client) error
	ttl := nexmo.Seconds(2147483649 * time.Second)
	urls := []string{"https://example.com/1.mp3"}
	return map[string]map[string]call{
		"Name": {
			"conversation": create(nexmo.ConversationParams{Name: long(101)}), "me": user(nexmo.UserParams{Name: "me"}), "USR-": user(nexmo.UserParams{Name: "USR-priya"}),
			"custom blank": event(&nexmo.Custom{Name: "a b"}), "custom empty": event(&nexmo.Custom{}), "custom letters": event(&nexmo.Custom{Name: "ü"}), "custom dot": event(&nexmo.Custom{Name: "a.b"}),
		},
		"DisplayName":            {"conversation": create(nexmo.ConversationParams{DisplayName: long(51)}), "user": user(nexmo.UserParams{DisplayName: long(51)})},
		"ImageURL":               {"conversation": create(nexmo.ConversationParams{ImageURL: long(2049)})},
		"Properties.TTL":         {"conversation": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{TTL: ttl}}), "negative": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{TTL: -1}}), "user": user(nexmo.UserParams{Properties: nexmo.UserInfoProperties{TTL: ttl}})},
		"Properties.Type":        {"conversation": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{Type: long(201)}})},
		"CustomSortKey":          {"conversation": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{CustomSortKey: long(201)}})},
		"Numbers.URI":            {"conversation": create(nexmo.ConversationParams{Numbers: []nexmo.ConversationNumber{{}, {URI: long(201)}}})},
		"Callback.URL":           {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{URL: long(2049)}})},
		"Callback.EventMask":     {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{EventMask: long(201)}})},
		"ApplicationID":          {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{Params: nexmo.CallbackParams{ApplicationID: long(201)}}})},
		"NCCOURL":                {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{Params: nexmo.CallbackParams{NCCOURL: long(2049)}}})},
		"Callback.Method":        {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{Method: "PUT"}})},
		"State":                  {"none": member(nexmo.MemberParams{UserID: "USR-1"}), "left": member(nexmo.MemberParams{State: "left", UserID: "USR-1"}), "update": update(nexmo.MemberUpdate{State: nexmo.MemberStateInvited})},
		"UserID":                 {"none": member(nexmo.MemberParams{State: "joined"})},
		"MemberIDInviting":       {"long": member(nexmo.MemberParams{State: "joined", UserID: "USR-1", MemberIDInviting: long(201)})},
		"From":                   {"member": member(nexmo.MemberParams{State: "joined", UserID: "USR-1", From: long(201)}), "update": update(nexmo.MemberUpdate{State: "left", From: long(201)}), "event": event(&nexmo.Ephemeral{}, nexmo.From(long(201)))},
		"Reason":                 {"joined": update(nexmo.MemberUpdate{State: "joined", Reason: nexmo.Reason{Text: "a"}})},
		"Reason.Code":            {"long": update(nexmo.MemberUpdate{State: "left", Reason: nexmo.Reason{Code: long(201)}})},
		"Reason.Text":            {"long": update(nexmo.MemberUpdate{State: "left", Reason: nexmo.Reason{Text: long(201)}})},
		"Channels.SIP.URI":       {"http": user(nexmo.UserParams{Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: "https://example.com"}}}})},
		"Channels.Websocket.URI": {"http": user(nexmo.UserParams{Channels: nexmo.UserChannels{Websocket: []nexmo.UserChannel{{URI: "https://example.com"}}}})},
		"PageSize":               {"101": lists(nexmo.ListOptions{PageSize: 101}), "negative": lists(nexmo.ListOptions{PageSize: -1})},
		"Order":                  {"unknown": lists(nexmo.ListOptions{Order: "upwards"})},
		"Types":                  {"six": list(nexmo.EventListOptions{Types: slices.Repeat([]nexmo.EventType{nexmo.EventText}, 6)}), "custom": list(nexmo.EventListOptions{Types: []nexmo.EventType{"custom:a"}}), "two in one": list(nexmo.EventListOptions{Types: []nexmo.EventType{"text,image"}})},
		"StartID":                {"negative": list(nexmo.EventListOptions{StartID: -1})},
		"Digits":                 {"none": event(&nexmo.AudioDTMF{}), "letters": event(&nexmo.AudioDTMF{Digits: "1e"}), "many": event(&nexmo.AudioDTMF{Digits: strings.Repeat("1", 46)})},
		"Level":                  {"say": event(&nexmo.AudioSay{Text: "a", Level: new(1.0)}), "play": event(&nexmo.AudioPlay{StreamURL: urls, Level: new(-1.0)}), "talk": talk(nexmo.TalkParams{Text: "a", Level: 1.1}), "stream": stream(nexmo.StreamParams{StreamURL: urls, Level: -1.1})},
		"Loop":                   {"say": event(&nexmo.AudioSay{Text: "a", Loop: new(-1)}), "play": event(&nexmo.AudioPlay{StreamURL: urls, Loop: new(-1)}), "talk": talk(nexmo.TalkParams{Text: "a", Loop: new(-1)}), "stream": stream(nexmo.StreamParams{StreamURL: urls, Loop: new(-1)})},
		"Text":                   {"say": event(&nexmo.AudioSay{}), "talk": talk(nexmo.TalkParams{})},
		"StreamURL":              {"play": event(&nexmo.AudioPlay{}), "stream": stream(nexmo.StreamParams{})},
		"MessageType":            {"none": event(&nexmo.Message{})},
		"RetentionDays":          {"401": record(nexmo.RecordParams{RetentionDays: 401}), "negative": record(nexmo.RecordParams{RetentionDays: -1})},
		"Timeout":                {"long": record(nexmo.RecordParams{Timeout: nexmo.Seconds(7201 * time.Second)}), "negative": record(nexmo.RecordParams{Timeout: -1})},
		"body of the event":      {"long": event(&nexmo.Custom{Name: "a", JSON: nexmo.Raw(`"` + strings.Repeat("x", 4095) + `"`)})},
		"type of the event":      {"none": event(&nexmo.RawBody{}), "pattern": event(&nexmo.RawBody{Type: "audio:*"})},
		"event": {"no ID": func(ctx context.Context, c *nexmo.Client) error {
			return nexmo.NewConversation("CON-1", nexmo.WithClient(c)).MarkSeen(ctx, &nexmo.Event{})
		}},
		"path": {"relative": func(ctx context.Context, c *nexmo.Client) error { return c.Do(ctx, "GET", "v1/users", nil, nil) }, "host": func(ctx context.Context, c *nexmo.Client) error {
			return c.Do(ctx, "GET", "//token-thief.example/v1", nil, nil)
		}, "blank": func(ctx context.Context, c *nexmo.Client) error { return c.Do(ctx, "GET", "/v1/a b", nil, nil) }},
		"body": {"nil": event(nil)},
	}
}

// firstIfAll returns the first error if none is nil.
func firstIfAll(errs ...error) error {
	if slices.Contains(errs, nil) {
		return nil
	}
	return errs[0]
}

// TestClientLimits sends nothing that the documentation says is refused.
func TestClientLimits(t *testing.T) {
	t.Parallel()
	for field, calls := range refusedCalls() {
		for name, call := range calls {
			t.Run(field+"/"+name, func(t *testing.T) {
				t.Parallel()
				err := call(t.Context(), expectingClient(t))
				if !errors.Is(err, nexmo.ErrInvalid) || errors.Is(err, nexmo.ErrNotFound) {
					t.Fatalf("got %v", err)
				}
				if !strings.Contains(err.Error(), field+": ") || !strings.HasPrefix(err.Error(), "nexmo: ") || strings.Contains(err.Error(), "üü") {
					t.Errorf("got %q", err)
				}
			})
		}
	}
}

// TestClientLimitsReached sends what is just within the limits.
func TestClientLimitsReached(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("ü", n) }
	text := func(n int) string { return `"` + long(n) + `"` }
	urls := []string{"https://example.com/1.mp3"}
	calls := []exchange{
		{method: "POST", target: "/v1/conversations", body: `{"name":` + text(100) + `,"display_name":` + text(50) + `,"image_url":` + text(2048) + `,"properties":{"ttl":2147483648,"type":` + text(200) + `,"custom_sort_key":` + text(200) + `},
			"callback":{"url":` + text(2048) + `,"event_mask":` + text(200) + `,"params":{"applicationId":` + text(200) + `,"ncco_url":` + text(2048) + `},"method":"GET"}}`},
		{method: "POST", target: "/v1/users", body: `{"name":` + text(500) + `,"display_name":` + text(50) + `,"image_url":` + text(5000) + `,"properties":{"ttl":2147483648},"channels":{"sip":[{"uri":"sips:+4478@example.com"}]}}`},
		{method: "GET", target: "/v1/users?page_size=1"},
		{method: "GET", target: "/v1/conversations/CON-1/events?event_type=text,text,text,text,text"},
		{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"audio:dtmf","body":{"digits":"` + strings.Repeat("9", 45) + `"}}`},
		{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"message","body":{"message_type":"text","text":` + text(10000) + `}}`},
		{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"custom:` + strings.Repeat("a", 93) + `","body":"` + strings.Repeat("x", 4094) + `"}`},
		{method: "PUT", target: "/v1/conversations/CON-1/record", body: `{"action":"start","retention_ttl":1,"timeout":7200}`},
		{method: "PUT", target: "/v1/conversations/CON-1/talk", body: `{"text":"a","level":"-1"}`},
		{method: "PUT", target: "/v1/conversations/CON-1/stream", body: `{"stream_url":["https://example.com/1.mp3"],"level":"0.1"}`},
		{method: "PATCH", target: "/v1/conversations/CON-1/members/MEM-1", body: `{"state":"left","from":` + text(200) + `,"reason":{"code":` + text(200) + `,"text":` + text(200) + `}}`},
	}
	c := expectingClient(t, calls...)
	ctx := t.Context()
	_, err1 := c.CreateConversation(ctx, nexmo.ConversationParams{
		Name: long(100), DisplayName: long(50), ImageURL: long(2048), Properties: &nexmo.ConversationProperties{TTL: nexmo.Seconds(2147483648 * time.Second), Type: long(200), CustomSortKey: long(200)},
		Callback: &nexmo.Callback{URL: long(2048), EventMask: long(200), Params: nexmo.CallbackParams{ApplicationID: long(200), NCCOURL: long(2048)}, Method: "GET"},
	})
	_, err2 := c.CreateUser(ctx, nexmo.UserParams{
		Name: long(500), DisplayName: long(50), ImageURL: long(5000), Properties: nexmo.UserInfoProperties{TTL: nexmo.Seconds(2147483648 * time.Second)},
		Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: "sips:+4478@example.com"}}},
	})
	_, err3 := c.UsersPage(ctx, &nexmo.UserListOptions{ListOptions: nexmo.ListOptions{PageSize: 1}})
	_, err4 := c.EventsPage(ctx, "CON-1", &nexmo.EventListOptions{Types: slices.Repeat([]nexmo.EventType{nexmo.EventText}, 5)})
	_, err5 := c.CreateEvent(ctx, "CON-1", &nexmo.AudioDTMF{Digits: strings.Repeat("9", 45)})
	_, err6 := c.CreateEvent(ctx, "CON-1", &nexmo.Message{MessageContent: nexmo.TextMessage(long(10000))})
	_, err11 := c.CreateEvent(ctx, "CON-1", &nexmo.Custom{Name: strings.Repeat("a", 93), JSON: nexmo.Raw(` "` + strings.Repeat("x", 4094) + `" `)})
	err7 := c.StartRecording(ctx, "CON-1", nexmo.RecordParams{RetentionDays: 1, Timeout: nexmo.Seconds(2 * time.Hour)})
	_, err8 := c.StartTalk(ctx, "CON-1", nexmo.TalkParams{Text: "a", Level: -1})
	_, err9 := c.StartStream(ctx, "CON-1", nexmo.StreamParams{StreamURL: urls, Level: 0.1})
	_, err10 := c.UpdateMember(ctx, "CON-1", "MEM-1", nexmo.MemberUpdate{State: "left", From: long(200), Reason: nexmo.Reason{Code: long(200), Text: long(200)}})
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11); err != nil {
		t.Error(err)
	}
}

func TestClientDoLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newScriptedAPI(answerWith(200, "{}")).client(t)
		for _, err := range []error{c.Do(t.Context(), "GET", "/v1/%zz", nil, nil), c.Do(t.Context(), "GE T", "/v1/users", nil, nil), c.Do(t.Context(), "GET", "/v1/us\ners", nil, nil)} {
			if !errors.Is(err, nexmo.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestClientLimitsOfRawBody(t *testing.T) {
	t.Parallel()
	s := newScriptedAPI(answerWith(200, `{}`))
	if _, err := s.client(t).CreateEvent(t.Context(), "CON-1", &nexmo.RawBody{Type: "custom:bad name"}); !errors.Is(err, nexmo.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if err := s.client(t).DeleteEvent(t.Context(), "CON-1", -5); !errors.Is(err, nexmo.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestClientNilBody(t *testing.T) {
	t.Parallel()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("panic: %v", v)
		}
	}()
	s := newScriptedAPI(answerWith(200, `{}`))
	if _, err := s.client(t).CreateEvent(t.Context(), "CON-1", (*nexmo.AudioDTMF)(nil)); !errors.Is(err, nexmo.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
