package nexmo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestRoundTripOfReceivedEvents: parse, marshal and parse again loses nothing.
func TestRoundTripOfReceivedEvents(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, text []byte) {
		t.Helper()
		e := parseText(t, text)
		direct, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, direct) {
			t.Errorf("MarshalJSON did not return what was received:\n%s", direct)
		}
		// encoding/json writes the same text without spaces.
		out := marshal(t, e)
		if diff := cmp.Diff(jsonValue(t, text), jsonValue(t, out)); diff != "" {
			t.Errorf("JSON (-received +written):\n%s", diff)
		}
		if diff := cmp.Diff(e, parseText(t, out), sameEvent); diff != "" {
			t.Errorf("event (-first +second):\n%s", diff)
		}
	}
	for name, text := range sampleEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, text)
		})
	}
	for _, name := range filesIn(t, "testdata/malformed") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, readFile(t, name))
		})
	}
}

// TestRoundTripWithoutRaw: the fields alone, written as version 1, say what the
// received text said.
func TestRoundTripWithoutRaw(t *testing.T) {
	t.Parallel()
	for name, text := range sampleEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := parseText(t, text)
			made := *want
			made.Raw = ""
			if diff := cmp.Diff(want, parseText(t, marshal(t, &made)), sameFields); diff != "" {
				t.Errorf("event (-received +written and read):\n%s", diff)
			}
		})
	}
}

// TestRoundTripOfMadeEvents: an event made in Go with every field filled, of
// every type, is written in the shape of version 1 and read back the same.
func TestRoundTripOfMadeEvents(t *testing.T) {
	t.Parallel()
	for _, typ := range nexmo.EventTypes() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			e := madeEvent(t, typ)
			text := marshal(t, e)
			got := parseText(t, text)
			if diff := cmp.Diff(e, got, sameFields); diff != "" {
				t.Errorf("event (-made +written and read):\n%s", diff)
			}
			if string(text) != string(got.Raw) {
				t.Errorf("Raw is not what was written: %s", got.Raw)
			}
			var names []string
			for name := range jsonValue(t, text).(map[string]any) {
				names = append(names, name)
			}
			slices.Sort(names)
			if diff := cmp.Diff([]string{
				"_embedded", "application_id", "body", "conversation_id", "from", "id", "params", "state", "timestamp", "to", "type",
			}, names); diff != "" {
				t.Errorf("names of the envelope (-want +got):\n%s", diff)
			}

			// The body alone: no type needs to be given, and nothing else is written.
			bare := marshal(t, &nexmo.Event{Body: e.Body})
			if diff := cmp.Diff(map[string]any{"type": string(typ), "body": jsonValue(t, marshal(t, e.Body))}, jsonValue(t, bare)); diff != "" {
				t.Errorf("an event with nothing but a body (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(e.Body, parseText(t, bare).Body, sameEvent); diff != "" {
				t.Errorf("body (-made +written and read):\n%s", diff)
			}
		})
	}
}

func TestMarshalJSON(t *testing.T) {
	t.Parallel()
	when := time.Date(2024, 5, 17, 15, 42, 10, 318_999_999, time.FixedZone("east", 2*60*60))
	tests := []struct {
		name string
		e    nexmo.Event
		want string
	}{
		{
			name: "all there is",
			e: nexmo.Event{
				ID: 4, Type: nexmo.EventText, ConversationID: "CON-1", ApplicationID: "app", From: "MEM-1", To: "MEM-2",
				Timestamp: when, FromUser: &nexmo.User{ID: "USR-1", Name: "priya"}, FromMember: "MEM-1",
				State:  &nexmo.EventState{SeenBy: nexmo.ReceiptTimes{"MEM-2": at("2024-05-17T13:42:11Z")}},
				Params: raw(`{"a":1}`), Body: aText("a < b"),
			},
			want: `{"application_id":"app","conversation_id":"CON-1","id":4,"type":"text","from":"MEM-1","to":"MEM-2",` +
				`"body":{"text":"a \u003c b"},"state":{"seen_by":{"MEM-2":"2024-05-17T13:42:11Z"}},` +
				`"timestamp":"2024-05-17T13:42:10.318999999Z",` +
				`"_embedded":{"from_user":{"id":"USR-1","name":"priya"},"from_member":{"id":"MEM-1"}},"params":{"a":1}}`,
		},
		{
			name: "nothing but a type",
			e:    nexmo.Event{Type: "tomorrow"},
			want: `{"type":"tomorrow","body":{}}`,
		},
		{
			name: "nothing but a body",
			e:    nexmo.Event{Body: &nexmo.AudioMuteOn{LegTarget: nexmo.LegTarget{RTCID: "leg"}}},
			want: `{"type":"audio:mute:on","body":{"rtc_id":"leg"}}`,
		},
		{
			name: "numbers as numbers, degrees as text",
			e: nexmo.Event{Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
				Location:     &nexmo.Location{Longitude: 2.25, Latitude: -54.5},
				ViberService: &nexmo.ViberService{TTL: nexmo.Seconds(600 * time.Second)},
			}}},
			want: `{"type":"message","body":{"location":{"longitude":"2.25","latitude":"-54.5"},"viber_service":{"ttl":600}}}`,
		},
		{
			name: "an event that an application defined itself",
			e:    nexmo.Event{ID: 1, Body: &nexmo.Custom{Name: "order", JSON: raw(`{"Paid":true}`)}},
			want: `{"id":1,"type":"custom:order","body":{"Paid":true}}`,
		},
		{
			name: "the same without a body",
			e:    nexmo.Event{Type: "custom:order", Body: &nexmo.Custom{Name: "order"}},
			want: `{"type":"custom:order","body":{}}`,
		},
		{
			name: "a raw body takes the type of the event",
			e:    nexmo.Event{Type: "text", Body: &nexmo.RawBody{Type: "image", JSON: raw(`[1]`), Err: errors.New("odd")}},
			want: `{"type":"text","body":[1]}`,
		},
		{
			name: "a raw body gives its type",
			e:    nexmo.Event{Body: &nexmo.RawBody{Type: "tomorrow", JSON: raw(`{"a":1}`)}},
			want: `{"type":"tomorrow","body":{"a":1}}`,
		},
		{
			name: "raw text comes first",
			e:    nexmo.Event{ID: 9, Type: "image", Body: aText("other"), Raw: raw(`{"type":"text", "new":1}`)},
			want: `{"type":"text","new":1}`,
		},
		{
			name: "an ephemeral body",
			e:    nexmo.Event{Body: &nexmo.Ephemeral{JSON: raw(`{"x":[1]}`)}},
			want: `{"type":"ephemeral","body":{"x":[1]}}`,
		},
		{
			name: "only a member who acted",
			e:    nexmo.Event{FromMember: "MEM-1", Body: &nexmo.AudioRingingStart{}},
			want: `{"type":"audio:ringing:start","body":{},"_embedded":{"from_member":{"id":"MEM-1"}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, string(marshal(t, &tt.e))); diff != "" {
				t.Errorf("json.Marshal (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnmarshalJSON: encoding/json reads events as ParseEvent does, and refuses what
// it refuses.
func TestUnmarshalJSON(t *testing.T) {
	t.Parallel()
	var job struct{ Event *nexmo.Event }
	text := readFile(t, "testdata/events/member-joined.json")
	if err := json.Unmarshal(fmt.Appendf(nil, `{"event":%s}`, text), &job); err != nil {
		t.Fatal(err)
	}
	want := parseText(t, bytes.TrimSpace(text))
	if diff := cmp.Diff(want, job.Event, identical); diff != "" {
		t.Errorf("(-ParseEvent +json.Unmarshal):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"id":1}`), job.Event); !errors.As(err, new(*nexmo.DecodeError)) {
		t.Errorf("an event without a type: %v, want a *DecodeError", err)
	}
	if diff := cmp.Diff(want, job.Event, identical); diff != "" {
		t.Errorf("what was refused changed the event:\n%s", diff)
	}
}

func TestMarshalJSONRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    nexmo.Event
		want string
	}{
		{"neither type nor body", nexmo.Event{ID: 1}, "nexmo: event: to write an event it must have a Type or a Body"},
		{"a body of another type", nexmo.Event{Type: "image", Body: aText("SECRET")}, `nexmo: event of type "image": its body is of type "text": give both the same`},
		{"an own body of another type", nexmo.Event{Type: "custom:a", Body: &nexmo.Custom{Name: "b"}}, `nexmo: event of type "custom:a": its body is of type "custom:b": give both the same`},
		{"a raw body without a type", nexmo.Event{Body: &nexmo.RawBody{JSON: raw(`{}`)}}, "nexmo: event: to write an event it must have a Type or a Body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.e.MarshalJSON()
			if _, ok := errors.AsType[*nexmo.DecodeError](err); !ok || err.Error() != tt.want {
				t.Errorf("the error is %v (%T), want %s", err, err, tt.want)
			}
			if text, err := json.Marshal(&tt.e); err == nil {
				t.Errorf("json.Marshal wrote %s", text)
			}
		})
	}
}

// TestChangedCopyMarshalsItsFields: what was received is written as it came; a copy that
// was changed, with its Raw emptied, is written by its fields.
func TestChangedCopyMarshalsItsFields(t *testing.T) {
	t.Parallel()
	e := parseText(t, `{"id":4,"type":"text","cid":"CON-1","unknown":1,"timestamp":1604307225497.5,"from":{},"body":{"text":"said","edited":"no","more":2}}`)
	if got := string(marshal(t, e)); got != string(e.Raw) {
		t.Errorf("as received: %s", got)
	}
	c, body := *e, *e.Body.(*nexmo.Text)
	body.Text = "changed"
	c.Raw, c.From, c.Body = "", "MEM-1", &body
	want := `{"conversation_id":"CON-1","id":4,"type":"text","from":"MEM-1","body":{"text":"changed"},"timestamp":"2020-11-02T08:53:45.4975Z"}`
	got := marshal(t, &c)
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("the copy (-want +got):\n%s", diff)
	}
	again := parseText(t, got)
	if diff := cmp.Diff(&c, again, sameFields); diff != "" || again.Misfits() != nil {
		t.Errorf("read again: %v (-written +read):\n%s", again.Misfits(), diff)
	}
	if b := e.Body.(*nexmo.Text); b.Text != "said" {
		t.Errorf("the event itself says %q", b.Text)
	}
}
