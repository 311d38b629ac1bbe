package nexmo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestParseEventEnvelopeFields: fields of the envelope that no file shows.
func TestParseEventEnvelopeFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       nexmo.Event
	}{
		{
			name: "only a type",
			text: `{"type":"text"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "body is null",
			text: `{"type":"text","body":null}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "an unknown type without a body",
			text: `{"type":"tomorrow"}`,
			want: nexmo.Event{Type: "tomorrow", Body: &nexmo.RawBody{Type: "tomorrow"}},
		},
		{
			name: "an own type without a body",
			text: `{"type":"custom:a:b"}`,
			want: nexmo.Event{Type: "custom:a:b", Body: &nexmo.Custom{Name: "a:b"}},
		},
		{
			name: "an own type without a name",
			text: `{"type":"custom:","body":{}}`,
			want: nexmo.Event{Type: "custom:", Body: &nexmo.Custom{JSON: raw(`{}`)}},
		},
		{
			name: "null stands for nothing everywhere",
			text: `{"type":"text","id":null,"conversation_id":null,"cid":null,"application_id":null,"from":null,"to":null,
				"timestamp":null,"state":null,"_embedded":null,"_links":null,"href":null,"params":null,"body":null}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "null stands for nothing within",
			text: `{"type":"text","_embedded":{"from_user":null,"from_member":null},"_links":{"self":null}}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "empty texts and objects stand for nothing",
			text: `{"type":"text","timestamp":"","conversation_id":"","_embedded":{},"_links":{"self":{}},"from":"","body":{}}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the conversation in conversation_id comes before cid and links",
			text: `{"_links":{"self":{"href":"/v1/conversations/CON-3/events/1"}},"cid":"CON-2","conversation_id":"CON-1","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-1", Body: &nexmo.Text{}},
		},
		{
			name: "the conversation in cid comes before links",
			text: `{"_links":{"self":{"href":"/v1/conversations/CON-3/events/1"}},"cid":"CON-2","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-2", Body: &nexmo.Text{}},
		},
		{
			name: "the link of an event comes before href",
			text: `{"href":"/beta/conversations/CON-4","_links":{"self":{"href":"/v1/conversations/CON-3?a=b"}},"type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-3", Body: &nexmo.Text{}},
		},
		{
			name: "a conversation at the end of a link",
			text: `{"href":"https://api.nexmo.com/beta/conversations/CON%2D4","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-4", Body: &nexmo.Text{}},
		},
		{
			name: "a link that is no URL",
			text: `{"href":"/conversations/100%/events","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "100%", Body: &nexmo.Text{}},
		},
		{
			name: "a link without a conversation",
			text: `{"href":"https://example.com/","type":"text"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the name of a packet comes before the type inside",
			text: `["text:seen",{"type":"text","id":3,"cid":"CON-1","body":{"event_id":2}},7,{"more":[]}]`,
			want: nexmo.Event{ID: 3, Type: "text:seen", ConversationID: "CON-1", Body: &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 2}}},
		},
		{
			name: "type comes before event_type",
			text: `{"event_type":"text:seen","type":"text"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "names with escapes",
			text: `{"\u0074ype":"te\u0078t","fr\u006fm":"MEM-\u00e9\ud83d\ude80","body":{"te\u0078t":"a\"b\\c\/d\n"}}`,
			want: nexmo.Event{Type: "text", From: "MEM-é🚀", Body: aText("a\"b\\c/d\n")},
		},
		{
			name: "names of another case are other names",
			text: `{"type":"text","Type":"image","ID":7,"Body":{"text":"no"},"body":{"TEXT":"no"}}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the largest id",
			text: `{"type":"text","id":9223372036854775807}`,
			want: nexmo.Event{ID: 1<<63 - 1, Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the session of a signal is in the body already",
			text: `{"type":"rtc:terminate","session_destination":"outer","body":{"session_destination":"inner","rtc_id":"leg"}}`,
			want: nexmo.Event{Type: "rtc:terminate", Body: &nexmo.RTCTerminate{SessionDestination: "inner", RTCID: "leg"}},
		},
		{
			name: "the session of a signal",
			text: `{"type":"rtc:terminate","session_destination":"outer","body":{"rtc_id":"leg"}}`,
			want: nexmo.Event{Type: "rtc:terminate", Body: &nexmo.RTCTerminate{SessionDestination: "outer", RTCID: "leg"}},
		},
		{
			name: "the session of an offer",
			text: `{"type":"rtc:offer","session_destination":"outer","body":{"sdp":"v=0"}}`,
			want: nexmo.Event{Type: "rtc:offer", Body: &nexmo.RTCOffer{SessionDestination: "outer", SDP: "v=0"}},
		},
		{
			name: "the other spelling of isFromMB",
			text: `{"type":"rtc:answer","isFromMb":true,"body":{"answer":"v=0"}}`,
			want: nexmo.Event{Type: "rtc:answer", Body: &nexmo.RTCAnswer{Answer: "v=0", IsFromMB: nexmo.True}},
		},
		{
			name: "the other spelling of isFromMB in the body",
			text: `{"type":"rtc:answer","isFromMB":true,"body":{"isFromMb":false}}`,
			want: nexmo.Event{Type: "rtc:answer", Body: &nexmo.RTCAnswer{IsFromMB: nexmo.False, IsFromMb: nexmo.False}},
		},
		{
			name: "a state that is a word",
			text: `{"type":"text","state":"JOINED"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "null among a list of texts keeps the place of the others",
			text: `{"type":"message","body":{"template":{"parameters":["a",null,"c"]}}}`,
			want: nexmo.Event{Type: "message", Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
				Template: &nexmo.Template{Parameters: []string{"a", "", "c"}},
			}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := parseText(t, tt.text)
			if diff := cmp.Diff(&tt.want, got, sameFields); diff != "" {
				t.Errorf("ParseEvent (-want +got):\n%s", diff)
			}
		})
	}
}

// scalars are the texts and numbers within a JSON value.
func scalars(v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		list = append(list, v)
	case json.Number:
		list = append(list, string(v))
	case []any:
		for _, v := range v {
			list = append(list, scalars(v)...)
		}
	case map[string]any:
		for _, v := range v {
			list = append(list, scalars(v)...)
		}
	}
	return list
}

func TestParseEventRefusesInvalidText(t *testing.T) {
	t.Parallel()
	reasons := map[string][2]string{}
	for _, file := range filesIn(t, "testdata/invalid") {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		data := readFile(t, file)

		e, err := nexmo.ParseEvent(data)
		if e != nil {
			t.Errorf("%s: ParseEvent returned an event", name)
		}
		checkRefusal(t, name, err)

		events, lerr := nexmo.ParseEvents(data)
		if name == "array-of-numbers" || name == "depth-5000" { // a list of what is not an event
			if lerr != nil || len(events) == 0 || events[0].Type != "" {
				t.Errorf("%s: ParseEvents returned %d events and %v", name, len(events), lerr)
			}
		} else {
			if events != nil {
				t.Errorf("%s: ParseEvents returned events", name)
			}
			checkRefusal(t, name, lerr)
		}
		reasons[name] = [2]string{errorText(err), errorText(lerr)}
	}
	compareGolden(t, "invalid/reasons.json", reasons)
}

// checkRefusal checks the one error about a text that cannot be used.
func checkRefusal(t *testing.T, name string, err error) {
	t.Helper()
	derr, ok := err.(*nexmo.DecodeError) //nolint:errorlint // it is the error, not in a chain
	if !ok {
		t.Errorf("%s: the error is a %T, want a *nexmo.DecodeError", name, err)
		return
	}
	if derr.Err == nil || any(errors.Unwrap(err)) != any(derr.Err) {
		t.Errorf("%s: Err is %v, Unwrap %v", name, derr.Err, errors.Unwrap(err))
	}
	text := err.Error()
	if !strings.HasPrefix(text, "nexmo: ") || strings.Contains(text, "\n") || len(text) > 120 {
		t.Errorf("%s: %q is not one clear sentence", name, text)
	}
	for _, content := range []string{"CON-", "MEM-", "2024", "tyres", "4.5", "-4", "0x10", "abc", "922337", "hi", "order"} {
		if strings.Contains(text, content) && !strings.Contains("this is a single event", content) {
			t.Errorf("%s: %q holds %q, which is content", name, text, content)
		}
	}
}

// TestParseEventNamesWhatIsWrong: what is valid JSON and no event gets an error
// about events, not about JSON.
func TestParseEventNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const (
		list   = "nexmo: event: want an object, or a packet that begins with the name of the event; for a list use ParseEvents"
		noType = `nexmo: event: no "type": an event has one, such as "member:joined"`
	)
	tests := map[string]string{
		`[]`:                             list,
		`[[]]`:                           list,
		`[null]`:                         list,
		`[{"type":"text"}]`:              list,
		`[1,2,3]`:                        list,
		`[{"type":"text"},"text"]`:       list,
		`["text"]`:                       "nexmo: event: the packet has no payload",
		`["text",7]`:                     "nexmo: event: want a JSON object",
		`["text",[],{}]`:                 "nexmo: event: want a JSON object",
		`["",{}]`:                        noType,
		`{}`:                             noType,
		`{"nexmo":{}}`:                   noType,
		`{"nexmo":7}`:                    noType,
		`{"stitch":{"event_type":null}}`: noType,
		`{"id":-1,"type":7}`:             `nexmo: event: type: want text, such as "member:joined"`,
		`{"type":["text"],"id":1}`:       `nexmo: event: type: want text, such as "member:joined"`,
		`["text",{"id":1},]`:             "nexmo: event: invalid JSON at byte 17: value expected",
		`[{"type":"text"}`:               "nexmo: event: invalid JSON at byte 16: unexpected end of text",
	}
	for text, want := range tests {
		e, err := nexmo.ParseEvent([]byte(text))
		if e != nil || err == nil || err.Error() != want {
			t.Errorf("ParseEvent(%s) = %v, %v; want the error %s", text, e, err, want)
		}
	}
}

func TestDecodeErrorShortensLongTypes(t *testing.T) {
	t.Parallel()
	err := &nexmo.DecodeError{Type: nexmo.EventType("custom:" + strings.Repeat("x", 500) + "SECRET"), Err: errors.New("odd")}
	if text := err.Error(); len(text) > 220 || strings.Contains(text, "SECRET") {
		t.Errorf("the text has %d bytes: %s", len(text), text)
	}
}

func TestParseEventCall(t *testing.T) {
	t.Parallel()
	// The IDs in the order of the lines, 0 for events that have none.
	want := []nexmo.EventID{
		0, 0, 0, 1, 0, 3, 2, 4, 5, 6, 8, 7, 9, 10, 11, 13, 12, 14, 16, 17, 18, 19, 15, 20, 21, 23, 22, 24, 26, 27, 29, 28,
		30, 31, 32, 34, 33, 35, 30, 36, 37, 39, 38, 40, 41, 42, 0,
	}
	var got []nexmo.EventID
	lines := callLines(t)
	for i, line := range lines {
		e := parseText(t, line)
		got = append(got, e.ID)
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("line %d: %q is raw: %v", i+1, e.Type, b.Err)
		}
		if !e.Type.Known() || e.Timestamp.IsZero() || e.ApplicationID != shopID {
			t.Errorf("line %d: type %q, timestamp %v, application %q", i+1, e.Type, e.Timestamp, e.ApplicationID)
		}
		if (e.ConversationID != "") != (e.ID != 0 || e.Type.Family() == "conversation") {
			t.Errorf("line %d: ID %d, conversation %q", i+1, e.ID, e.ConversationID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("IDs by line (-want +got):\n%s", diff)
	}
	if !bytes.Equal(lines[32], lines[38]) {
		t.Error("the two deliveries of event 30 differ")
	}
}

// TestDepth: an event may be nested 512 deep, alone and in a list.
func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(deep int) string {
		return `{"type":"custom:a","body":` + strings.Repeat("[", deep-1) + strings.Repeat("]", deep-1) + `}`
	}
	for deep, ok := range map[int]bool{511: true, 512: true, 513: false, 5000: false, 100_000: false} {
		text := nested(deep)
		if _, err := nexmo.ParseEvent([]byte(text)); (err == nil) != ok {
			t.Errorf("an event that is nested %d deep: %v", deep, err)
		}
		for _, list := range []string{`[` + text + `]`, `{"_embedded":{"data":{"events":[` + text + `]}},"_links":{"a":{"b":{}}}}`} {
			events, err := nexmo.ParseEvents([]byte(list))
			if err != nil || len(events) != 1 || (events[0].Type == "custom:a") != ok || string(events[0].Raw) != text {
				t.Errorf("a list with an event that is nested %d deep: %d events, %v", deep, len(events), err)
			}
		}
	}
}

// TestWhereTheTypeStands: an event is the same whether its type comes before the body,
// which is then read as it comes, or behind it, and by either name of the type.
func TestWhereTheTypeStands(t *testing.T) {
	t.Parallel()
	names := slices.Concat(filesIn(t, "testdata/events"), filesIn(t, "testdata/envelopes"), filesIn(t, "testdata/malformed"))
	compared := 0
	for _, name := range names {
		var members map[string]json.RawMessage
		if json.Unmarshal(readFile(t, name), &members) != nil || members["type"] == nil || members["event_type"] != nil {
			continue // a packet, or a push notification
		}
		typ := members["type"]
		delete(members, "type")
		rest := string(marshal(t, members))[1:]
		rest = rest[:len(rest)-1]
		first := parseText(t, fmt.Sprintf(`{"type":%s,%s}`, typ, rest))
		for where, text := range map[string]string{
			"last":                fmt.Sprintf(`{%s,"type":%s}`, rest, typ),
			"event_type":          fmt.Sprintf(`{"event_type":%s,%s}`, typ, rest),
			"event_type, last":    fmt.Sprintf(`{%s,"event_type":%s}`, rest, typ),
			"a packet":            fmt.Sprintf(`[%s,{%s}]`, typ, rest),
			"a push":              fmt.Sprintf(`{"nexmo":{"type":%s,%s}}`, typ, rest),
			"behind another body": fmt.Sprintf(`{"body":{"user":7},"nexmo":{"type":%s,%s}}`, typ, rest),
		} {
			if diff := cmp.Diff(first, parseText(t, text), sameFields); diff != "" {
				t.Errorf("%s, %s (-first +got):\n%s", name, where, diff)
			}
		}
		compared++
	}
	if compared < 100 {
		t.Errorf("only %d events were compared", compared)
	}
}
