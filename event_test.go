package nexmo_test

import (
	"fmt"
	"testing"

	"github.com/conversation-events/nexmo"
)

func TestMemberID(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{
			"body.member_id comes first",
			`{"type":"member:joined","from":"MEM-3","_embedded":{"from_member":{"id":"MEM-4"}},"body":{"member_id":"MEM-1","user":{"member_id":"MEM-2"},"id":"MEM-5"}}`,
			"MEM-1",
		},
		{
			"then body.user.member_id",
			`{"type":"member:invited","from":"MEM-3","body":{"user":{"member_id":"MEM-2"}}}`,
			"MEM-2",
		},
		{
			"then from",
			`{"type":"member:left","from":"MEM-3","_embedded":{"from_member":{"id":"MEM-4"}},"body":{"user":{"id":"USR-1"}}}`,
			"MEM-3",
		},
		{
			"then from_member",
			`{"type":"member:joined","from":null,"_embedded":{"from_member":{"id":"MEM-4"}},"body":{}}`,
			"MEM-4",
		},
		{
			"the member itself as the body",
			`{"type":"member:invited","from":"MEM-3","body":{"id":"MEM-5","user_id":"USR-1","state":"INVITED"}}`,
			"MEM-5",
		},
		{"nobody", `{"type":"member:joined","body":{}}`, ""},
		{"who acted, for other types", `{"type":"text","from":"MEM-3","body":{"member_id":"MEM-1"}}`, "MEM-3"},
		{"who acted, without from", `{"type":"text","_embedded":{"from_member":{"id":"MEM-4"}}}`, "MEM-4"},
		{"the knocker", `{"type":"app:knocking","from":"knocker:1","body":{"user":{"id":"USR-1"}}}`, "knocker:1"},
		{"the member of an offer", `{"type":"rtc:offer","body":{"member_id":"MEM-1"}}`, "MEM-1"},
		{"the member of a leg that is closed", `{"type":"rtc:terminate","from":"MEM-3","body":{"member_id":"MEM-1"}}`, "MEM-1"},
		{"a leg that is closed, without its member", `{"type":"rtc:terminate","from":"MEM-3","body":{}}`, "MEM-3"},
		{"a body that is no object", `{"type":"member:joined","from":"MEM-3","body":["member_id"]}`, "MEM-3"},
		{"an ID that does not fit", `{"type":"member:joined","from":"MEM-3","body":{"member_id":{}}}`, "MEM-3"},
		{"an unknown type", `{"type":"member:promoted","from":"MEM-3","body":{"member_id":"MEM-1"}}`, "MEM-3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := parseText(t, tt.text).MemberID(); got != tt.want {
				t.Errorf("MemberID() = %q, want %q", got, tt.want)
			}
		})
	}
	made := nexmo.Event{From: "MEM-3", Body: &nexmo.MemberJoined{Membership: nexmo.Membership{MemberID: "MEM-1"}}}
	if got := made.MemberID(); got != "MEM-1" {
		t.Errorf("MemberID() of an event made in Go = %q, want MEM-1", got)
	}
	if got := (&nexmo.Event{From: "MEM-3"}).MemberID(); got != "MEM-3" {
		t.Errorf("MemberID() of an event without a body = %q, want MEM-3", got)
	}
}

func TestAs(t *testing.T) {
	t.Parallel()
	text := parseText(t, `{"type":"text","body":{"text":"hello"}}`)
	if b, ok := nexmo.As[*nexmo.Text](text); !ok || b.Text != "hello" || b != text.Body {
		t.Errorf("As[*Text] of a text = %+v, %v", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.Image](text); ok || b != nil {
		t.Errorf("As[*Image] of a text = %+v, %v, want nothing", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.RawBody](text); ok || b != nil {
		t.Errorf("As[*RawBody] of a text = %+v, %v, want nothing", b, ok)
	}
	if b, ok := nexmo.As[nexmo.Body](text); !ok || b != text.Body {
		t.Errorf("As[Body] of a text = %+v, %v", b, ok)
	}
	own := parseText(t, `{"type":"custom:order","body":{"n":1}}`)
	if b, ok := nexmo.As[*nexmo.Custom](own); !ok || b.Name != "order" || string(b.JSON) != `{"n":1}` {
		t.Errorf("As[*Custom] of custom:order = %+v, %v", b, ok)
	}
	malformed := parseText(t, `{"type":"text","body":["text"]}`)
	if b, ok := nexmo.As[*nexmo.Text](malformed); ok || b != nil {
		t.Errorf("As[*Text] of a malformed text = %+v, %v, want nothing", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.RawBody](malformed); !ok || b.Err == nil {
		t.Errorf("As[*RawBody] of a malformed text = %+v, %v", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.Text](&nexmo.Event{Type: "text"}); ok || b != nil {
		t.Errorf("As[*Text] of an event without a body = %+v, %v, want nothing", b, ok)
	}
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	const when = "2024-05-17T13:51:00.094Z"
	deleted := `{"timestamp":{"deleted":"` + when + `"}}`
	// Every type can be deleted: its body is replaced.
	types := append(nexmo.EventTypes(), "custom:order", "tomorrow")
	for _, typ := range types {
		for name, text := range map[string]string{
			"an event": fmt.Sprintf(`{"id":4,"type":%q,"body":%s}`, typ, deleted),
			"a packet": fmt.Sprintf(`[%q,{"id":4,"body":%s}]`, typ, deleted),
			"a push":   fmt.Sprintf(`{"nexmo":{"id":4,"event_type":%q,"body":%s}}`, typ, deleted),
		} {
			e := parseText(t, text)
			got, ok := e.Deleted()
			if !ok || !got.Equal(at(when)) || e.ID != 4 || e.Type != typ {
				t.Errorf("%s, %s: Deleted() = %v, %v, want %s", typ, name, got, ok, when)
			}
		}
		live := parseText(t, fmt.Sprintf(`{"id":4,"type":%q,"body":{}}`, typ))
		if got, ok := live.Deleted(); ok || !got.IsZero() {
			t.Errorf("%s: Deleted() of an empty body = %v, %v", typ, got, ok)
		}
	}

	tests := []struct {
		name string
		e    *nexmo.Event
		want string
	}{
		{"a message with the time of sending", parseText(t, `{"type":"message","body":{"text":"x","timestamp":"`+when+`"}}`), ""},
		{"a body that is about more", parseText(t, `{"type":"custom:order","body":{"timestamp":{"deleted":"`+when+`"},"order":1}}`), ""},
		{"the word elsewhere", parseText(t, `{"type":"custom:order","deleted":{"timestamp":{"deleted":"`+when+`"}},"body":{"deleted":true}}`), ""},
		{"a name of another case", parseText(t, `{"type":"custom:order","Body":`+deleted+`,"body":{}}`), ""},
		{"no time", parseText(t, `{"type":"image","body":{"timestamp":{"deleted":"soon"}}}`), ""},
		{"no object", parseText(t, `{"type":"image","body":{"timestamp":["deleted"]}}`), ""},
		{"no body", parseText(t, `{"type":"custom:deleted","note":"deleted"}`), ""},
		{"the body of a conversation that is gone", parseText(t, `{"type":"conversation:deleted","body":{"id":"CON-1","timestamp":{"destroyed":"`+when+`"}}}`), ""},
		{"a text made in Go", &nexmo.Event{Body: &nexmo.Text{Timestamp: nexmo.BodyTimestamp{Deleted: at(when)}}}, when},
		{"a text with spaces in it", parseText(t, "{ \"type\" : \"image:seen\",\n\"body\" : { \"timestamp\" : { \"deleted\" : \""+when+"\" } } }"), when},
		{"an event without a body", &nexmo.Event{Type: "text"}, ""},
	}
	for _, tt := range tests {
		got, ok := tt.e.Deleted()
		if ok != (tt.want != "") || ok && !got.Equal(at(tt.want)) || !ok && !got.IsZero() {
			t.Errorf("%s: Deleted() = %v, %v, want %q", tt.name, got, ok, tt.want)
		}
	}
}
