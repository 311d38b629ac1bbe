package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/conversation-events/nexmo"
)

func ExampleConversation_On() {
	conversation := nexmo.NewConversation("CON-1")
	conversation.On("member:joined", func(_ context.Context, e *nexmo.Event) error {
		member, _ := conversation.Member(e.MemberID())
		fmt.Println(member.UserName, "joined")
		return nil
	})

	e, err := nexmo.ParseEvent([]byte(`{
		"type": "member:joined", "id": 1, "conversation_id": "CON-1", "from": "MEM-1",
		"body": {"member_id": "MEM-1", "user": {"id": "USR-1", "name": "priya"}}
	}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := conversation.Deliver(context.Background(), e); err != nil {
		fmt.Println(err)
	}
	// Output: priya joined
}

func ExampleConversation_Events() {
	conversation := nexmo.NewConversation("CON-1", nexmo.WithHistory(100))
	for _, e := range []*nexmo.Event{
		{ID: 1, From: "MEM-1", Type: "text", Body: &nexmo.Text{Text: "Hello"}},
		{ID: 2, From: "MEM-2", Type: "text:seen", Body: &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 1}}},
	} {
		if err := conversation.Deliver(context.Background(), e); err != nil {
			fmt.Println(err)
		}
	}

	for id, e := range conversation.Events() {
		if _, ok := conversation.Member(e.From); !ok {
			continue
		}
		switch b := e.Body.(type) {
		case *nexmo.Text:
			fmt.Printf("%d %s: %q, read by %d\n", id, e.From, b.Text, len(e.State.SeenBy))
		case *nexmo.TextSeen:
			fmt.Printf("%d %s read %d\n", id, e.From, b.EventID)
		default:
			fmt.Println(id, e.Type)
		}
	}
	// Output:
	// 1 MEM-1: "Hello", read by 1
	// 2 MEM-2 read 1
}

func ExampleApplication() {
	app := nexmo.NewApplication("")
	app.OnConversation(func(c *nexmo.Conversation) {
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioDTMF) error {
			fmt.Println(c.ID(), e.From, "pressed", b.Digits)
			return nil
		})
	})

	webhook := []byte(`{
		"type": "audio:dtmf", "id": 7, "conversation_id": "CON-1", "from": "MEM-1",
		"timestamp": "2026-01-02T03:04:05.678Z", "application_id": "3a1f",
		"body": {"digit": "5", "channel": {"type": "phone"}}
	}`)
	e, err := nexmo.ParseEvent(webhook)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := app.Deliver(context.Background(), e); err != nil {
		fmt.Println(err)
	}
	// Output: CON-1 MEM-1 pressed 5
}

// Order is the body of an event that an application defined itself.
type Order struct {
	ID    string `json:"order_id"`
	Items int    `json:"items"`
}

func ExampleOnCustom() {
	conversation := nexmo.NewConversation("CON-1")
	nexmo.OnCustom(conversation, "order", func(_ context.Context, _ *nexmo.Event, o *Order) error {
		fmt.Println("order", o.ID, "has", o.Items, "items")
		return nil
	})

	e, err := nexmo.ParseEvent([]byte(`{"type": "custom:order", "id": 3, "cid": "CON-1", "body": {"order_id": "A-17", "items": 2}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := conversation.Deliver(context.Background(), e); err != nil {
		fmt.Println(err)
	}
	// Output: order A-17 has 2 items
}

func ExampleParseEvent() {
	e, err := nexmo.ParseEvent([]byte(`{"type": "member:promoted", "id": "4", "cid": "CON-1", "body": {"rank": 2}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	switch b := e.Body.(type) {
	case *nexmo.MemberJoined:
		fmt.Println(b.User.Name)
	case *nexmo.RawBody: // a type of tomorrow
		fmt.Printf("%d %s %s\n", e.ID, b.Type, b.JSON)
	}

	_, err = nexmo.ParseEvent([]byte(`{"id": 4}`))
	fmt.Println(err)
	// Output:
	// 4 member:promoted {"rank": 2}
	// nexmo: event: no "type": an event has one, such as "member:joined"
}

func ExampleParseEvents() {
	events, err := nexmo.ParseEvents([]byte(`{"page_size": 10, "_embedded": {"events": [
		{"id": 1, "type": "text", "body": {"text": "one"}},
		{"id": 2, "type": "text", "body": {"timestamp": {"deleted": "2026-01-02T03:04:05Z"}}}
	]}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, e := range events {
		if at, ok := e.Deleted(); ok {
			fmt.Println(e.ID, "was deleted at", at)
		} else if text, ok := nexmo.As[*nexmo.Text](e); ok {
			fmt.Println(e.ID, text.Text)
		}
	}
	// Output:
	// 1 one
	// 2 was deleted at 2026-01-02 03:04:05 +0000 UTC
}

func ExampleEventDispatcher() {
	var d nexmo.EventDispatcher
	d.Use(func(next nexmo.Handler) nexmo.Handler {
		return func(ctx context.Context, e *nexmo.Event) error {
			fmt.Print(e.Type, ": ")
			return next(ctx, e)
		}
	})
	off := d.On(nexmo.EventMemberAny, func(context.Context, *nexmo.Event) error {
		fmt.Println("a member")
		return nil
	})
	ctx := context.Background()
	_ = d.Deliver(ctx, &nexmo.Event{Body: &nexmo.MemberLeft{}, Type: nexmo.EventMemberLeft})
	off()
	_ = d.Deliver(ctx, &nexmo.Event{Body: &nexmo.MemberLeft{}, Type: nexmo.EventMemberLeft})
	// Output: member:left: a member
}

// chatLog is a list of events as a Source.
type chatLog []*nexmo.Event

func (l chatLog) EventsAfter(_ context.Context, _ string, after nexmo.EventID) iter.Seq2[*nexmo.Event, error] {
	return func(yield func(*nexmo.Event, error) bool) {
		for _, e := range l {
			if e.ID > after && !yield(e, nil) {
				return
			}
		}
	}
}

func text(id nexmo.EventID) *nexmo.Event {
	return &nexmo.Event{ID: id, Type: nexmo.EventText, Body: &nexmo.Text{}}
}

func ExampleWithSource() {
	conversation := nexmo.NewConversation("CON-1",
		nexmo.WithSource(chatLog{text(1), text(2), text(4), text(5)}),
		nexmo.WithReorderWindow(64, time.Minute), // the Source may take that long
		nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) {
			fmt.Println("missing for good:", g.From, "to", g.To)
		}))
	conversation.On("text", func(_ context.Context, e *nexmo.Event) error {
		fmt.Println(e.ID)
		return nil
	})

	ctx := context.Background()
	_ = conversation.Deliver(ctx, text(1))
	_ = conversation.Deliver(ctx, text(5)) // 2 and 4 are fetched; 3 does not exist
	// Output:
	// 1
	// 2
	// missing for good: 3 to 3
	// 4
	// 5
}

func ExampleReplay() {
	conversation := nexmo.NewConversation("CON-1")
	conversation.On("*", func(_ context.Context, e *nexmo.Event) error {
		if e.ID == 2 {
			return errors.New("no room")
		}
		fmt.Println(e.ID)
		return nil
	})
	err := nexmo.Replay(context.Background(), conversation, chatLog{text(1), text(2), text(3)}, "CON-1", 0)
	fmt.Println(err)
	// Output:
	// 1
	// nexmo: replay: event 2: no room
}

func ExampleOn() {
	conversation := nexmo.NewConversation("CON-1")
	off := nexmo.On(conversation, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioDTMF) error {
		fmt.Println(e.From, "pressed", b.Digits)
		return nil
	})

	ctx := context.Background()
	_ = conversation.Deliver(ctx, &nexmo.Event{ID: 1, Type: nexmo.EventAudioDTMF, From: "MEM-1", Body: &nexmo.AudioDTMF{Digits: "4"}})

	// A body that is not an object does not reach the function.
	e, err := nexmo.ParseEvent([]byte(`{"type": "audio:dtmf", "id": 2, "body": ["7"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	err = conversation.Deliver(ctx, e)
	_, malformed := errors.AsType[*nexmo.DecodeError](err)
	fmt.Println(malformed)

	off()
	_ = conversation.Deliver(ctx, &nexmo.Event{ID: 3, Type: nexmo.EventAudioDTMF, From: "MEM-1", Body: &nexmo.AudioDTMF{Digits: "1"}})
	// Output:
	// MEM-1 pressed 4
	// true
}

func ExampleAs() {
	e, err := nexmo.ParseEvent([]byte(`{"type": "text", "id": 1, "from": "MEM-1", "body": {"text": "Is it ready?"}}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	if b, ok := nexmo.As[*nexmo.Text](e); ok {
		fmt.Println(b.Text)
	}
	_, ok := nexmo.As[*nexmo.Image](e)
	fmt.Println(ok)
	// Output:
	// Is it ready?
	// false
}

func ExampleEventType_Matches() {
	for _, t := range []nexmo.EventType{"member:joined", "text", "custom:order"} {
		fmt.Println(t, t.Family(), nexmo.EventMemberAny.Matches(t), nexmo.EventAny.Matches(t))
	}
	// Output:
	// member:joined member true true
	// text text false true
	// custom:order custom false true
}

// An event is handled once, unless its handlers failed.
func ExampleConversation_Deliver() {
	conversation := nexmo.NewConversation("CON-1")
	full := true
	conversation.On("text", func(_ context.Context, e *nexmo.Event) error {
		if full {
			return errors.New("no room")
		}
		fmt.Println("handled", e.ID)
		return nil
	})

	ctx := context.Background()
	fmt.Println(conversation.Deliver(ctx, text(1))) // a webhook would be answered 503
	full = false
	fmt.Println(conversation.Deliver(ctx, text(1))) // and so sent again
	fmt.Println(conversation.Deliver(ctx, text(1))) // a duplicate
	// Output:
	// no room
	// handled 1
	// <nil>
	// <nil>
}

func ExampleConversation_Members() {
	conversation := nexmo.NewConversation("CON-1")
	for _, event := range []string{
		`{"type": "member:joined", "id": 1, "from": "MEM-1", "body": {"user": {"id": "USR-1", "name": "priya"}}}`,
		`{"type": "member:invited", "id": 2, "from": "MEM-2", "body": {"user": {"id": "USR-2", "name": "sam"}}}`,
		`{"type": "member:left", "id": 3, "from": "MEM-1", "body": {"user": {"id": "USR-1"}}}`,
	} {
		e, err := nexmo.ParseEvent([]byte(event))
		if err != nil {
			fmt.Println(err)
			return
		}
		if err := conversation.Deliver(context.Background(), e); err != nil {
			fmt.Println(err)
		}
	}
	for member := range conversation.Members() {
		fmt.Println(member.ID, member.UserName, member.State)
	}
	// Output:
	// MEM-1 priya LEFT
	// MEM-2 sam INVITED
}

func ExampleConversation_Watch() {
	conversation := nexmo.NewConversation("CON-1")
	texts := conversation.Watch(context.Background(), "text")

	go func() { // a webhook, or a session
		for id := range nexmo.EventID(3) {
			_ = conversation.Deliver(context.Background(), text(id+1))
		}
	}()
	for e := range texts {
		fmt.Println(e.ID)
		if e.ID == 3 {
			break // ends the watching
		}
	}
	// Output:
	// 1
	// 2
	// 3
}

// Sync reads what was missed, and what failed.
func ExampleConversation_Sync() {
	conversation := nexmo.NewConversation("CON-1", nexmo.WithSource(chatLog{text(1), text(2), text(3)}))
	fail := true
	conversation.On("text", func(_ context.Context, e *nexmo.Event) error {
		if e.ID == 1 && fail {
			fail = false
			return errors.New("no room")
		}
		fmt.Println("handled", e.ID)
		return nil
	})

	ctx := context.Background()
	fmt.Println(conversation.Deliver(ctx, text(1)))
	fmt.Println(conversation.Sync(ctx))
	// Output:
	// no room
	// handled 1
	// handled 2
	// handled 3
	// <nil>
}

// A log in front of an application takes the events, and answers for them. They
// are handled from there.
func ExampleSinkFunc() {
	var log chatLog // a program has one on disk
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"the signature secret of the account"}},
		Sink: nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			log = append(log, e)
			return nil
		}),
	}
	_ = webhook.Sink.Deliver(context.Background(), text(1)) // as the webhook does

	conversation := nexmo.NewConversation("CON-1")
	conversation.On("*", func(_ context.Context, e *nexmo.Event) error {
		fmt.Println("handled", e.ID)
		return nil
	})
	fmt.Println(nexmo.Replay(context.Background(), conversation, log, "CON-1", 0))
	// Output:
	// handled 1
	// <nil>
}

// A program that was stopped goes on behind the last event that it handled.
func ExampleReplay_restart() {
	service := chatLog{text(1), text(2), text(3), text(4)}
	const last = 2 // what the program wrote down: LastEventID of the conversation

	app := nexmo.NewApplication("")
	app.On("text", func(_ context.Context, e *nexmo.Event) error {
		fmt.Println("handled", e.ID)
		return nil
	})
	ctx := context.Background()
	if err := nexmo.Replay(ctx, app.Conversation("CON-1"), service, "CON-1", last); err != nil {
		fmt.Println(err)
	}
	// A webhook that comes again is a duplicate.
	fmt.Println(app.Conversation("CON-1").Deliver(ctx, text(4)), app.Conversation("CON-1").LastEventID())
	// Output:
	// handled 3
	// handled 4
	// <nil> 4
}
