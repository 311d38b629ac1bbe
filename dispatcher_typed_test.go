package nexmo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestOn: the type of the body names the type of the event.
func TestOn(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	want := &nexmo.Event{Type: "text", Body: &nexmo.Text{Text: "hello"}}
	off := nexmo.On(&d, func(_ context.Context, e *nexmo.Event, b *nexmo.Text) error {
		if e != want || b != want.Body {
			t.Errorf("the handler was given %+v and %+v", e, b)
		}
		c.note("text %s", b.Text)
		return io.ErrUnexpectedEOF
	})
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.TextSeen) error {
		c.note("seen %d", b.EventID)
		return nil
	})
	if err := d.Deliver(t.Context(), want); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the error is %v", err)
	}
	c.want(t, "text hello")
	if err := d.Deliver(t.Context(), &nexmo.Event{Type: "text:seen", Body: &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 3}}}); err != nil {
		t.Error(err)
	}
	c.want(t, "seen 3")
	off()
	if err := d.Deliver(t.Context(), want); err != nil {
		t.Error(err)
	}
	c.want(t)
}

// registrar notes under what types handlers are registered.
type registrar struct{ types []nexmo.EventType }

func (r *registrar) On(typ nexmo.EventType, _ nexmo.Handler) func() {
	r.types = append(r.types, typ)
	return func() {}
}

func TestOnRegistersTheTypeOfTheBody(t *testing.T) {
	t.Parallel()
	var r registrar
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.SIPAMDMachine) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.Custom) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.RawBody) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, nexmo.Body) error { return nil })
	nexmo.OnCustom(&r, "order", func(context.Context, *nexmo.Event, *struct{}) error { return nil })
	nexmo.OnCustom(&r, "order:new", func(context.Context, *nexmo.Event, *string) error { return nil })
	if diff := cmp.Diff([]nexmo.EventType{
		"member:joined", "sip:amd_machine", "custom:*", "*", "*", "custom:order", "custom:order:new",
	}, r.types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// TestOnSpecialBodies: *Custom, *RawBody and Body are given every event with
// such a body, and no other.
func TestOnSpecialBodies(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.Custom) error {
		c.note("custom %s", b.Name)
		return nil
	})
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.RawBody) error {
		c.note("raw %s, malformed %v", b.Type, b.Err != nil)
		return nil
	})
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b nexmo.Body) error {
		c.note("any %s", b.EventType())
		return nil
	})
	for _, text := range []string{
		`{"type":"custom:order","body":{"a":1}}`,
		`{"type":"custom:order:new"}`,
		`{"type":"tomorrow","body":{}}`,
		`{"type":"text","body":[7]}`,
		`{"type":"text","body":{"text":"x"}}`,
	} {
		if err := d.Deliver(t.Context(), parseText(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	c.want(t,
		"custom order", "any custom:order",
		"custom order:new", "any custom:order:new",
		"raw tomorrow, malformed false", "any tomorrow",
		"raw text, malformed true", "any text",
		"any text",
	)
}

func TestOnRefusesOtherBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    *nexmo.Event
		want string
	}{
		{"malformed", parseText(t, `{"type":"text","body":["SECRET"]}`), `nexmo: event of type "text": body: want object, found an array`},
		{"made with another body", &nexmo.Event{Type: "text", Body: &nexmo.Image{ID: "SECRET"}}, `nexmo: event of type "text": its Body is a *nexmo.Image`},
		{"made raw", &nexmo.Event{Type: "text", Body: &nexmo.RawBody{Type: "text", JSON: raw(`"SECRET"`)}}, `nexmo: event of type "text": its Body is a *nexmo.RawBody`},
		{"made without a body", &nexmo.Event{Type: "text"}, `nexmo: event of type "text": it has no Body`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d nexmo.EventDispatcher
			nexmo.On(&d, func(context.Context, *nexmo.Event, *nexmo.Text) error {
				t.Error("the handler was called")
				return nil
			})
			err := d.Deliver(t.Context(), tt.e)
			derr, ok := errors.AsType[*nexmo.DecodeError](err)
			if !ok || err.Error() != tt.want || derr.Type != "text" {
				t.Errorf("the error is %v (%T), want %s", err, err, tt.want)
			}
			if b, ok := tt.e.Body.(*nexmo.RawBody); ok && b.Err != nil && !errors.Is(err, b.Err) {
				t.Errorf("the error is not RawBody.Err, which is %v", b.Err)
			}
		})
	}
}

// order is an event body of an application's own.
type order struct {
	Order string    `json:"order"`
	Total int       `json:"total"`
	At    time.Time `json:"at"`
	Items []struct {
		N int `json:"n"`
	} `json:"items"`
	Notes map[string]int `json:"notes"`
	Picky picky          `json:"picky"`
	Bytes []byte         `json:"bytes"`
	By    map[int]string `json:"by"`
}

// picky tells in its error what it was given.
type picky struct{}

func (picky) UnmarshalJSON(data []byte) error { return pickyError(data) }

type pickyError string

func (e pickyError) Error() string { return "picky does not like " + string(e) }

func TestOnCustom(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	var seen []*order
	for range 2 {
		nexmo.OnCustom(&d, "order", func(_ context.Context, e *nexmo.Event, o *order) error {
			c.note("%s %s %d", e.Type, o.Order, o.Total)
			seen = append(seen, o)
			o.Order = "changed"
			return nil
		})
	}
	e := parseText(t, `{"type":"custom:order","body":{"order":"441","total":12,"Paid":true}}`)
	for range 2 {
		if err := d.Deliver(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	c.want(t, "custom:order 441 12", "custom:order 441 12", "custom:order 441 12", "custom:order 441 12")
	for i := range seen {
		for j := range i {
			if seen[i] == seen[j] {
				t.Errorf("calls %d and %d were given the same body", j, i)
			}
		}
	}
	if b, ok := nexmo.As[*nexmo.Custom](e); !ok || string(b.JSON) != `{"order":"441","total":12,"Paid":true}` {
		t.Errorf("the event was changed: %+v", e.Body)
	}
	for _, text := range []string{`{"type":"custom:order"}`, `{"type":"custom:order","body":null}`, `{"type":"custom:order","body":{}}`} {
		if err := d.Deliver(t.Context(), parseText(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		c.want(t, "custom:order  0", "custom:order  0")
	}
	if err := d.Deliver(t.Context(), parseText(t, `{"type":"custom:order:new","body":{"total":"x"}}`)); err != nil {
		t.Errorf("another type: %v", err)
	}
	c.want(t)
}

func TestOnCustomRefusesBodiesThatDoNotFit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       string // or what the next encoding/json says, after a bar
	}{
		{"text for a number", `{"total":"SECRET"}`, "body.total: want int, found string"},
		{"a fraction for a number", `{"total":12.5}`, "body.total: want int, found number"},
		{"deep inside", `{"items":[{},{"n":"SECRET"}]}`, "body.items: want int, found string"},
		{"under a name of the application's", `{"notes":{"SECRET":"SECRET"}}`, "body.notes: want int, found string"},
		{"a time", `{"at":"SECRET"}`, "the body does not fit (*time.ParseError)"},
		{"an error of the application's own", `{"picky":"SECRET"}`, "the body does not fit (nexmo_test.pickyError)"},
		{"base64", `{"bytes":"SECRET!"}`, "the body does not fit (base64.CorruptInputError)|body.bytes: want []uint8, found string"},
		{"a name that is no number", `{"by":{"SECRET":"x"}}`, "body.by: want int, found number"},
		{"an array", `["SECRET"]`, "body: want nexmo_test.order, found array"},
		{"a text", `"SECRET"`, "body: want nexmo_test.order, found string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d nexmo.EventDispatcher
			nexmo.OnCustom(&d, "order", func(context.Context, *nexmo.Event, *order) error {
				t.Error("the handler was called")
				return nil
			})
			err := d.Deliver(t.Context(), parseText(t, `{"type":"custom:order","body":`+tt.body+`}`))
			derr, ok := errors.AsType[*nexmo.DecodeError](err)
			if !ok || derr.Type != "custom:order" {
				t.Fatalf("the error is %v (%T)", err, err)
			}
			text := err.Error()
			if strings.Contains(text, "SECRET") || strings.Contains(text, "12.5") {
				t.Errorf("the error holds content: %s", text)
			}
			if reason, ok := strings.CutPrefix(text, `nexmo: event of type "custom:order": `); !ok || !slices.Contains(strings.Split(tt.want, "|"), reason) {
				t.Errorf("the error is\n%s, want\n%s", text, tt.want)
			}
			// For those who want to know, and may: what encoding/json says.
			if errors.Unwrap(derr.Err) == nil {
				t.Errorf("%T hides the error of encoding/json", derr.Err)
			}
		})
	}

	var d nexmo.EventDispatcher
	nexmo.OnCustom(&d, "order", func(context.Context, *nexmo.Event, *order) error {
		t.Error("the handler was called")
		return nil
	})
	err := d.Deliver(t.Context(), &nexmo.Event{Type: "custom:order"})
	if want := `nexmo: event of type "custom:order": it has no Body`; err == nil || err.Error() != want {
		t.Errorf("no body: the error is %v, want %s", err, want)
	}
}

// TestNoContentInErrorsAndLogs: whatever is wrong with an event, what it says
// stays in it.
func TestNoContentInErrorsAndLogs(t *testing.T) {
	t.Parallel()
	const secret = "SECRET-7f3a"
	events := []string{
		`{"id":1,"type":"text","conversation_id":"CON-1","body":[{"%s":"%s"}]}`,
		`{"id":2,"type":"text","conversation_id":"CON-1","body":"%s"}`,
		`{"id":3,"type":"text","conversation_id":"CON-1","from":["%s"],"body":["%s"]}`,
		`{"id":4,"type":"text","conversation_id":"CON-1","timestamp":"%s","body":7}`,
		`{"id":5,"type":"text","conversation_id":"CON-1","body":[{"edited_by":"%s"}]}`,
		`{"id":6,"type":"custom:order","conversation_id":"CON-1","body":{"total":"%s"}}`,
		`{"id":7,"type":"custom:order","conversation_id":"CON-1","body":{"picky":"%s","at":"%s"}}`,
		`{"id":8,"type":"custom:order","conversation_id":"CON-1","body":["%s"]}`,
		`{"id":8,"type":"custom:order","conversation_id":"CON-1","body":["%s"]}`, // once more
		`{"id":12,"type":"text","conversation_id":"CON-1","body":["%s"]}`,
		`{"type":"text:typing:on","conversation_id":"CON-1","body":"%s"}`,
		`{"id":13,"type":"text:seen","conversation_id":"CON-1","body":"%s"}`,
		`{"id":14,"type":"member:joined","conversation_id":"CON-1","body":["%s",{"name":"%s"}]}`,
		`{"type":"conversation:created","body":["%s"]}`,
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelInfo}))
	app := nexmo.NewApplication("app", nexmo.WithLogger(log), nexmo.WithReorderWindow(0, 0))
	app.OnConversation(func(conversation *nexmo.Conversation) {
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.TextSeen) error { return nil })
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.TextTypingOn) error { return nil })
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { return nil })
		nexmo.OnCustom(conversation, "order", func(context.Context, *nexmo.Event, *order) error { return nil })
	})
	nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.ConversationCreated) error { return nil })

	failed := 0
	for _, text := range events {
		e := parseText(t, strings.ReplaceAll(text, "%s", secret))
		if !strings.Contains(string(e.Raw), secret) {
			t.Fatalf("%s holds no secret", text)
		}
		err := app.Deliver(t.Context(), e)
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		failed++
		for err := error(err); err != nil; err = unwrapOwn(err) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error holds content: %v", text, err)
			}
		}
	}
	if failed != len(events) {
		t.Errorf("%d of %d events failed", failed, len(events))
	}

	// The same from a handler: now the errors go to the logger too.
	all := func(ctx context.Context, _ *nexmo.Event) error {
		for _, text := range events {
			if err := app.Deliver(ctx, parseText(t, strings.ReplaceAll(text, "%s", secret))); err != nil {
				t.Errorf("a nested Deliver returned %v", err)
			}
		}
		return nil
	}
	app.Once("ephemeral", all)
	err := app.Deliver(t.Context(), &nexmo.Event{Type: "ephemeral", Body: &nexmo.Ephemeral{JSON: raw(`"` + secret + `"`)}})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("the errors of nested deliveries are %v", err)
	}
	if lines := strings.Count(logged.String(), "level=ERROR"); lines < len(events) {
		t.Errorf("%d errors were logged, want %d:\n%s", lines, len(events), logged.String())
	}
	if strings.Contains(logged.String(), secret) {
		t.Errorf("the log holds content:\n%s", logged.String())
	}

	for _, text := range []string{`{"type":["%s"]}`, `{"type":"text","id":4,"%s"}`, `{"%s":1,"%s":2}`, `["%s"]`, `"%s"`} {
		text = strings.ReplaceAll(text, "%s", secret)
		_, err := nexmo.ParseEvent([]byte(text))
		_, lerr := nexmo.ParseEvents([]byte(text + `,`))
		if err == nil || lerr == nil || strings.Contains(err.Error()+lerr.Error(), secret) {
			t.Errorf("%s: the errors are %v and %v", text, err, lerr)
		}
	}
}

// unwrapOwn follows an error to the last one that this package made: what comes
// after it is for those who ask for it by type.
func unwrapOwn(err error) error {
	if _, ok := err.(*nexmo.DecodeError); ok { //nolint:errorlint // one step at a time
		return errors.Unwrap(err)
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	return nil
}

// TestTypedHandlersOfReceivedEvents: each sample reaches the handler that is
// registered for its struct, through a dispatcher.
func TestTypedHandlersOfReceivedEvents(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.AudioDTMF) error {
		c.note("pressed %s", b.Digits)
		return nil
	})
	nexmo.On(&d, func(_ context.Context, e *nexmo.Event, b *nexmo.MemberLeft) error {
		c.note("%s left: %v", e.MemberID(), b.Timestamp.Left.Sub(b.Timestamp.Joined).Round(time.Second))
		return nil
	})
	nexmo.OnCustom(&d, "order-update", func(_ context.Context, _ *nexmo.Event, b *struct {
		Order string          `json:"order"`
		State string          `json:"state"`
		Total json.RawMessage `json:"total"`
	}) error {
		c.note("order %s is %s: %s", b.Order, b.State, b.Total)
		return nil
	})
	for _, line := range callLines(t) {
		if err := d.Deliver(t.Context(), parseText(t, line)); err != nil {
			t.Error(err)
		}
	}
	c.want(t,
		"pressed 2", "pressed 4", "pressed 1", "pressed 4",
		`order 441 is ready: {"amount":1249.5,"currency":"GBP"}`,
		`order 441 is ready: {"amount":1249.5,"currency":"GBP"}`,
		"MEM-2d5d013e-496d-4e17-96a3-fb292b05f841 left: 1m28s",
		"MEM-bdeeb7a5-ed06-44cd-b1e3-6b2047bb99f7 left: 2m14s",
	)
}

// A body that does not fit is described by the field that does not, if the application
// declared one. Keys of a map are content, and are not shown.
func TestOnCustomNamesFieldsAndNoKeys(t *testing.T) {
	t.Parallel()
	type order struct{ Total int }
	const order1, inMap = `{"Total":"SECRET"}`, `{"SECRET":{"Total":"SECRET"}}`
	for _, test := range []struct {
		name, body string
		on         func(r nexmo.Registrar)
		want       string
	}{
		{"struct", order1, refuseBodies[order], "body.Total: want int, found string"},
		{"pointer to a struct", order1, refuseBodies[*order], "body.Total: want int, found string"},
		{"map", inMap, refuseBodies[map[string]order], "body: want int, found string"},
		{"pointer to a map", inMap, refuseBodies[*map[string]order], "body: want int, found string"},
		{"slice", "[" + inMap + "]", refuseBodies[[]map[string]order], "body: want int, found string"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var d nexmo.EventDispatcher
			test.on(&d)
			err := d.Deliver(t.Context(), parseText(t, `{"type":"custom:order","body":`+test.body+`}`))
			if want := `nexmo: event of type "custom:order": ` + test.want; err == nil || err.Error() != want {
				t.Errorf("the error is %v, want %s", err, want)
			}
		})
	}
}

func refuseBodies[T any](r nexmo.Registrar) {
	nexmo.OnCustom(r, "order", func(context.Context, *nexmo.Event, *T) error {
		return errors.New("the handler was called")
	})
}
