package nexmo_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// lists is what each file in testdata/lists holds, by ID.
var lists = map[string][]nexmo.EventType{
	"array":              {1: "member:joined", 2: "text", 4: "text:seen", 5: "text"},
	"v0.2":               {6: "text", 7: "member:media", 9: "text:delivered", 10: "custom:order-update"},
	"v0.3":               {11: "member:joined", 12: "message", 14: "message:seen"},
	"v1":                 {15: "message", 16: "message:delivered", 18: "member:promoted", 19: "message"},
	"v1-embedded-array":  {15: "message", 16: "message:delivered", 18: "member:promoted"},
	"empty-object":       {},
	"empty-page":         {},
	"no-links":           {20: "text", 21: "text:seen", 24: "audio:ringing:start"},
	"links-without-href": {15: "message", 16: "message:delivered", 18: "member:promoted"},
	"foreign-next":       {15: "message", 16: "message:delivered", 18: "member:promoted"},
}

func TestParseEventsLists(t *testing.T) {
	t.Parallel()
	files := filesIn(t, "testdata/lists")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := lists[name]
			if !ok {
				t.Fatal("the file has no row in the table of lists")
			}
			data := readFile(t, file)
			events, err := nexmo.ParseEvents(data)
			if err != nil {
				t.Fatal(err)
			}
			if events == nil {
				t.Fatal("ParseEvents returned no list, want an empty one")
			}
			got := make([]nexmo.EventType, len(want))
			last := nexmo.EventID(0)
			for _, e := range events {
				if e.ID <= last || int(e.ID) >= len(want) {
					t.Fatalf("ID %d is not in the list, or not in order", e.ID)
				}
				last = e.ID
				got[e.ID] = e.Type
				if e.ConversationID != chatID {
					t.Errorf("event %d is of the conversation %q", e.ID, e.ConversationID)
				}
				if e.Timestamp.IsZero() {
					t.Errorf("event %d has no timestamp", e.ID)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("types by ID (-want +got):\n%s", diff)
			}
			checkItems(t, events, listItems(t, data))
			compareGolden(t, "lists/"+name+".json", describeAll(events))
		})
	}
	if len(files) != len(lists) {
		t.Errorf("%d files, %d rows in the table", len(files), len(lists))
	}
}

// checkItems compares the events of a list with its items, each parsed alone.
func checkItems(t *testing.T, events []*nexmo.Event, items []json.RawMessage) {
	t.Helper()
	if len(events) != len(items) {
		t.Fatalf("%d events, the list has %d", len(events), len(items))
	}
	for i, item := range items {
		if diff := cmp.Diff(parseText(t, item), events[i], identical); diff != "" {
			t.Errorf("item %d is not as it is alone (-alone +listed):\n%s", i, diff)
		}
	}
}

func TestParseEventsHistory(t *testing.T) {
	t.Parallel()
	want := []nexmo.EventType{
		"", "member:invited", "member:joined", "member:invited", "member:joined", "text", "text:delivered", "text:seen",
		"message", "message:submitted", "message:delivered", "message:seen", "message", "image", "image:delivered",
		"image:seen", "event:delete", "message", "custom:order-update", "text", "text:update", "text:seen", "member:left",
	}
	data := readFile(t, "testdata/history.json")
	events, err := nexmo.ParseEvents(data)
	if err != nil {
		t.Fatal(err)
	}
	got := []nexmo.EventType{""}
	for i, e := range events {
		got = append(got, e.Type)
		if e.ID != nexmo.EventID(i+1) {
			t.Errorf("event %d has the ID %d", i+1, e.ID)
		}
		if e.ConversationID != "CON-97ff833a-c20e-48c2-a010-f16a736be34f" {
			t.Errorf("event %d is of the conversation %q", e.ID, e.ConversationID)
		}
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("event %d is raw: %v", e.ID, b.Err)
		}
		if when, ok := e.Deleted(); ok != (e.ID == 12) {
			t.Errorf("event %d: Deleted() = %v, %v", e.ID, when, ok)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("types by ID (-want +got):\n%s", diff)
	}
	if when, _ := events[11].Deleted(); !when.Equal(at("2024-05-21T15:05:49.103Z")) {
		t.Errorf("event 12 was deleted at %v", when)
	}
	if diff := cmp.Diff(&nexmo.EventDelete{Receipt: nexmo.Receipt{EventID: 12}}, events[15].Body); diff != "" {
		t.Errorf("event 16 (-want +got):\n%s", diff)
	}
	if b, ok := nexmo.As[*nexmo.TextUpdate](events[19]); !ok || b.OriginalEventID != 19 || b.Text != "10 is perfect, thank you! 🚲" {
		t.Errorf("event 20 = %+v", events[19].Body)
	}
	if b, ok := nexmo.As[*nexmo.MemberLeft](events[21]); !ok || b.MemberID == "" || b.MemberID != events[21].MemberID() {
		t.Errorf("event 22 = %+v", events[21].Body)
	}
	checkItems(t, events, listItems(t, data))
	compareGolden(t, "lists/history.json", describeAll(events))
}

// TestParseEventsYieldsWhatIsNotAnEvent: an element that is not an event costs neither
// the others nor itself. Its ID and conversation are told as far as they can be read.
func TestParseEventsYieldsWhatIsNotAnEvent(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 600) + strings.Repeat("]", 600)
	noType := `no "type": an event has one, such as "member:joined"`
	for name, tt := range map[string]struct {
		item string
		want nexmo.Event // and its Raw
		err  string
	}{
		"no type":               {`{"id":2,"conversation_id":"CON-1"}`, nexmo.Event{ID: 2, ConversationID: "CON-1"}, noType},
		"no type, but a body":   {`{"cid":"CON-1","body":{"text":"x"},"id":"2"}`, nexmo.Event{ID: 2, ConversationID: "CON-1", Body: &nexmo.RawBody{JSON: `{"text":"x"}`}}, noType},
		"a link":                {`{"_links":{"self":{"href":"/v1/conversations/CON-1/events/2"}},"id":2}`, nexmo.Event{ID: 2, ConversationID: "CON-1"}, noType},
		"a type that is none":   {`{"type":{},"id":2,"from":"MEM-1"}`, nexmo.Event{ID: 2, From: "MEM-1"}, `type: want text, such as "member:joined"`},
		"a number":              {`7`, nexmo.Event{}, "want a JSON object"},
		"null":                  {`null`, nexmo.Event{}, "want a JSON object"},
		"a text":                {`"],{\""`, nexmo.Event{}, "want a JSON object"},
		"a list":                {`[{"type":"text"}]`, nexmo.Event{}, "want an object, or a packet that begins with the name of the event; for a list use ParseEvents"},
		"too deep":              {`{"id":2,"type":"custom:a","conversation_id":"CON-1","body":{"x":` + deep + `}}`, nexmo.Event{ID: 2, ConversationID: "CON-1"}, "invalid JSON at byte 574: nested too deeply"},
		"no number":             {`{"type":"text","cid":"CON-1","id":NaN}`, nexmo.Event{ConversationID: "CON-1"}, "invalid JSON at byte 34: value expected"},
		"a comma too many":      {`{"id":2,"type":"text",}`, nexmo.Event{ID: 2}, "invalid JSON at byte 22: member name expected"},
		"brackets in a text":    {`{"from":"]}[\"]\\","id":2,"x":}`, nexmo.Event{ID: 2, From: `]}["]\`}, "invalid JSON at byte 30: value expected"},
		"brackets of two kinds": {`{"type":"text","body":[}]`, nexmo.Event{}, "invalid JSON at byte 23: value expected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.want.Raw = nexmo.Raw(tt.item)
			body, _ := tt.want.Body.(*nexmo.RawBody)
			if body == nil {
				body = &nexmo.RawBody{}
			}
			body.Err = errors.New(tt.err)
			tt.want.Body = body
			items := ` [{"type":"text","id":1} , ` + tt.item + ` , {"type":"image","id":3}]`
			for _, text := range []string{
				items, `{"_embedded":{"events":` + items + `}}`, `{"_embedded":{"data":{"events":` + items + `}},"_links":{}}`,
				`{"page_size":10,"_embedded":` + items + `,"_links":{}}`, `{"cursor":"x","_embedded":{"more":[],"events":` + items + `,"last":null}}`,
			} {
				events, err := nexmo.ParseEvents([]byte(text))
				if err != nil || len(events) != 3 {
					t.Fatalf("%d events, %v", len(events), err)
				}
				if events[0].ID != 1 || events[2].ID != 3 || string(events[2].Raw) != `{"type":"image","id":3}` {
					t.Errorf("the others are %+v and %+v", events[0], events[2])
				}
				if diff := cmp.Diff(&tt.want, events[1], identical); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestParseEventsShapes(t *testing.T) {
	t.Parallel()
	const (
		none   = ""
		list   = "nexmo: event: list: want an array of events, or a page of them"
		single = "nexmo: event: list: this is a single event: use ParseEvent"
		inside = "nexmo: event: list: _embedded: want an array of events, or an object that holds one"
		events = "nexmo: event: list: _embedded.events: want an array"
		noPage = "nexmo: event: list: no _embedded: this is no page of events"
	)
	tests := []struct {
		text  string
		want  string // what the error ends with
		count int
	}{
		{`[]`, none, 0},
		{`{}`, none, 0},
		{`{"_embedded":null}`, none, 0},
		{`{"_embedded":{}}`, none, 0},
		{`{"_embedded":[]}`, none, 0},
		{`{"_embedded":{"events":null}}`, none, 0},
		{`{"_embedded":{"data":null}}`, none, 0},
		{`{"_embedded":{"data":{"events":[]}}}`, none, 0},
		{`{"_embedded":{"data":[{"type":"text"}]}}`, none, 1},
		{`{"_embedded":{"events":[{"type":"text"}],"data":null}}`, none, 1},
		{`{"_embedded":{"events":[{"type":"text"}],"data":{"total":1}}}`, none, 1},
		{`{"_embedded":{"data":7,"events":[{"type":"text"}]}}`, none, 1},
		{`{"_embedded":{"data":{"events":[{"type":"text"}]},"events":null}}`, none, 1},
		{`{"page_size":10,"_links":{}}`, none, 0},
		{`{"events":[{"type":"text"}]}`, noPage, 0}, // not a shape that is used
		{`{"title":"Unauthorized","detail":"SECRET"}`, noPage, 0},
		{`{"_embedded":{"events":[{"type":"text"},{"type":"text"}]},"type":"page"}`, none, 2},
		{`{"type":"text","id":1,"body":{}}`, single, 0},
		{`{"type":"text","_embedded":{"from_user":{}}}`, single, 0},
		{`{"event_type":"text"}`, single, 0},
		{`7`, list, 0},
		{`"text"`, list, 0},
		{`null`, list, 0},
		{`true`, list, 0},
		{`{"_embedded":7}`, inside, 0},
		{`{"_embedded":"x"}`, inside, 0},
		{`{"_embedded":{"data":7}}`, inside, 0},
		{`{"_embedded":{"events":{}}}`, events, 0},
		{`{"_embedded":{"events":"none"}}`, events, 0},
		{`{"_embedded":{"data":{"events":7}}}`, events, 0},
		{`{"_embedded":{"events":[],"events":[{"type":"text"}]}}`, none, 1}, // the last counts
		{`{"_embedded":{"events":[{"type":"text"}],"events":null}}`, none, 0},
		{`{"_embedded":{"events":{},"events":[{"type":"text"}]}}`, none, 1},
		{`{"_embedded":{"data":{"events":[],"events":7}}}`, events, 0},
		{`{"_embedded":{"data":[{"type":"text"}],"data":[]}}`, none, 0},
		{`{"_embedded":[],"_embedded":[{"type":"text"}]}`, none, 1},
		{`{"a":1,"a":2}`, noPage, 0},
		{"\ufeff[{\"type\":\"text\"}]", none, 1},
		{"\ufeff {\"_embedded\":[{\"type\":\"text\"}]}", none, 1},
		{`[] []`, "text after the outermost value", 0},
		{`[{"type":"text"},]`, "value expected", 0},
		{`[{"type":"text"}`, "unexpected end of text", 0},
		{`[{"type":"text"}}`, "comma or closing bracket expected", 0},
		{`[{"type":"text"} {"type":"text"}]`, "comma or closing bracket expected", 0},
		{`[{"type":"text`, "unexpected end of text", 0},
		{`[{"type":"text\\`, "unexpected end of text", 0},
		{`[x]`, "value expected", 0},
		{`{"_embedded":{"events":[{"type":"text"}],}}`, "member name expected", 0},
		{`{"_embedded":{"events":[{"type":"text"}]}`, "unexpected end of text", 0},
		{`{"_embedded":{"events":[{"type":"text"}]}}}`, "text after the outermost value", 0},
		{`{"_embedded":{"events":[{"type":"text"}],"x":{"y":1,"y":1}}}`, none, 1},
		{``, "unexpected end of text", 0},
	}
	for _, tt := range tests {
		events, err := nexmo.ParseEvents([]byte(tt.text))
		text := errorText(err)
		if tt.want == none && err != nil || tt.want != none && !strings.HasSuffix(text, tt.want) {
			t.Errorf("ParseEvents(%s): the error is %q, want %q", tt.text, text, tt.want)
		}
		if len(events) != tt.count || (events == nil) != (tt.want != none) {
			t.Errorf("ParseEvents(%s) = %d events (nil: %v), want %d", tt.text, len(events), events == nil, tt.count)
		}
	}
}
