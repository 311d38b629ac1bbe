package nexmo_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// misfitTexts are the misfits of an event as sentences.
func misfitTexts(e *nexmo.Event) []string {
	var list []string
	for _, m := range e.Misfits() {
		list = append(list, m.String())
	}
	return list
}

// TestOddFieldsAroundTheBody: a field of the envelope that does not fit costs neither
// another field nor the body, whatever the type.
func TestOddFieldsAroundTheBody(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`"id":"SECRET"`:                         "id: want event ID: a whole number from 0, or its text, found text",
		`"to":["SECRET"]`:                       "to: want text, found an array",
		`"from":{"SECRET":1}`:                   "from: want text, found an object",
		`"timestamp":"SECRET"`:                  "timestamp: want RFC 3339 time, found text",
		`"timestamp":7`:                         "timestamp: want RFC 3339 time, found a number",
		`"timestamp":{}`:                        "timestamp: want RFC 3339 time, found an object",
		`"conversation_id":{}`:                  "conversation_id: want text, found an object",
		`"cid":true`:                            "cid: want text, found true or false",
		`"_embedded":["SECRET"]`:                "_embedded: want object, found an array",
		`"_embedded":[]`:                        "_embedded: want object, found an array",
		`"_embedded":{"from_user":"SECRET"}`:    "_embedded.from_user: want object, found text",
		`"_embedded":{"from_member":{"id":{}}}`: "_embedded.from_member.id: want text, found an object",
		`"_links":"SECRET"`:                     "_links: want object, found text",
		`"_links":{"self":"SECRET"}`:            "_links.self: want object, found text",
		`"_links":{"self":{"href":[]}}`:         "_links.self.href: want text, found an array",
		`"href":{}`:                             "href: want text, found an object",
		`"state":[]`:                            "state: want object, found an array",
		`"state":{"seen_by":[]}`:                "state.seen_by: want object, found an array",
		`"state":{"seen_by":{"MEM-1":true}}`:    "state.seen_by.MEM-1: want RFC 3339 time, found true or false",
		`"session_destination":[]`:              "session_destination: want text, found an array",
		`"isFromMB":"SECRET"`:                   "isFromMB: want true or false, found text",
		`"event_type":[]`:                       "event_type: want text, found an array",
	}
	for field, want := range tests {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			for _, typ := range []nexmo.EventType{"text", "custom:order", "tomorrow", "rtc:answer"} {
				others := `"id":4,"application_id":"app","body":{"text":"hello"},"type":` + fmt.Sprintf("%q", typ)
				if strings.HasPrefix(field, `"id"`) {
					others = strings.TrimPrefix(others, `"id":4,`)
				}
				want := []string{want}
				e, sound := parseText(t, `{`+field+`,`+others+`}`), parseText(t, `{`+others+`}`)
				if diff := cmp.Diff(want, misfitTexts(e)); diff != "" {
					t.Errorf("%s: misfits (-want +got):\n%s", typ, diff)
				}
				e.State, e.Raw, sound.Raw = nil, "", ""
				if diff := cmp.Diff(sound, e); diff != "" {
					t.Errorf("%s: the rest (-sound +got):\n%s", typ, diff)
				}
			}
		})
	}
}

// malformed are the misfits of each file in testdata/malformed.
var malformed = map[string][]string{
	"audio-dtmf-digits-array":               {"body.digits: want text, found an array"},
	"audio-record-done-no-such-day":         {"body.start_time: want RFC 3339 time, found text"},
	"audio-say-level-word":                  {"body.level: want number, found text"},
	"conversation-created-timestamp-number": {"body.timestamp: want object, found a number"},
	"event-delete-event-id-fraction":        {"body.event_id: want event ID: a whole number from 0, or its text, found a number"},
	"image-representations-number":          {"body.representations: want object, found a number"},
	"leg-status-update-history-text":        {"body.statusHistory: want array, found text"},
	"member-joined-body-text":               {"body: want object, found text"},
	"member-joined-timestamp-words":         {"body.timestamp.invited: want RFC 3339 time, found text", "body.timestamp.joined: want RFC 3339 time, found text"},
	"member-left-user-text":                 {"body.user: want object, found text"},
	"member-media-audio-text":               {"body.audio: want true or false, found text", "body.media: want object, found text"},
	"message-body-array":                    {"body: want object, found an array"},
	"message-body-number":                   {"body: want object, found a number"},
	"rtc-hangup-quality-array":              {"body.quality: want object, found an array"},
	"sip-ringing-channel-number":            {"body.channel: want object, found a number"},
	"text-id-array":                         {"id: want event ID: a whole number from 0, or its text, found an array"},
	"text-id-fraction":                      {"id: want event ID: a whole number from 0, or its text, found a number"},
	"text-id-negative":                      {"id: want event ID: a whole number from 0, or its text, found a number"},
	"text-id-object":                        {"id: want event ID: a whole number from 0, or its text, found an object"},
	"text-id-overflow":                      {"id: want event ID: a whole number from 0, or its text, found a number"},
	"text-id-text-fraction":                 {"id: want event ID: a whole number from 0, or its text, found text"},
	"text-id-text-hex":                      {"id: want event ID: a whole number from 0, or its text, found text"},
	"text-id-text-negative":                 {"id: want event ID: a whole number from 0, or its text, found text"},
	"text-id-text-overflow":                 {"id: want event ID: a whole number from 0, or its text, found text"},
	"text-id-true":                          {"id: want event ID: a whole number from 0, or its text, found true or false"},
	"text-id-word":                          {"id: want event ID: a whole number from 0, or its text, found text"},
	"text-seen-event-id-word":               {"body.event_id: want event ID: a whole number from 0, or its text, found text"},
	"text-text-object":                      {"body.text: want text, found an object"},
}

// TestMisfitsCostNoOtherField: what does not fit is zero and named, without its content;
// the body is typed unless it is not an object.
func TestMisfitsCostNoOtherField(t *testing.T) {
	t.Parallel()
	files := filesIn(t, "testdata/malformed")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := malformed[name]
			if !ok {
				t.Fatal("the file has no row in the table of misfits")
			}
			data := readFile(t, file)
			e := parseText(t, data)
			got := misfitTexts(e)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("misfits (-want +got):\n%s", diff)
			}
			raw, isRaw := e.Body.(*nexmo.RawBody)
			if isRaw != strings.HasPrefix(want[0], "body: ") || isRaw && (raw.Err == nil || raw.Err.Error() != want[0]) {
				t.Errorf("the body is a %T: %+v", e.Body, e.Body)
			}
			for _, value := range scalars(jsonValue(t, sentBody(t, data))) {
				if strings.Contains(strings.Join(got, "\n"), value) {
					t.Errorf("the misfits hold %q, which is a value of the body", value)
				}
			}
			compareGolden(t, "malformed/"+name+".json", describe(e))
		})
	}
	if len(files) != len(malformed) {
		t.Errorf("%d files, %d rows in the table", len(files), len(malformed))
	}
}

// TestMisfitPathHoldsNoContent: in places where the names themselves are content of the
// event, the path does not repeat those that cannot be names.
func TestMisfitPathHoldsNoContent(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want []string
	}{
		{
			`{"type":"message","body":{"template":{"parameters":["a",{"SECRET":1},true]}}}`,
			[]string{"body.template.parameters[1]: want text, found an object", "body.template.parameters[2]: want text, found true or false"},
		},
		{
			`{"type":"sip:ringing","body":{"channel":{"legs":[{},{"status":["SECRET"]}]}}}`,
			[]string{"body.channel.legs[1].status: want text, found an array"},
		},
		{`{"type":"text","state":{"seen_by":{"not a SECRET name":1}}}`, []string{"state.seen_by.?: want RFC 3339 time, found a number"}},
		{`["text",{"body":{"text":[]}}]`, []string{"body.text: want text, found an array"}},
		{`{"nexmo":{"event_type":"text","body":{"text":[]}}}`, []string{"body.text: want text, found an array"}},
		{`{"href":[],"nexmo":{"event_type":"text","body":{"text":[]}},"to":{}}`, []string{
			"href: want text, found an array", "body.text: want text, found an array", "to: want text, found an object",
		}},
		{`{"type":"text","from":{},"from":"MEM-1","body":{"text":[],"edited":7},"body":{"text":{}}}`, []string{"body.text: want text, found an object"}},
		{`{"type":"text","body":{"text":"x"}}`, nil},
	} {
		if diff := cmp.Diff(tt.want, misfitTexts(parseText(t, tt.text))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

// TestMisfitsAreBounded: an event that is nothing but misfits takes no more than others.
func TestMisfitsAreBounded(t *testing.T) {
	t.Parallel()
	e := parseText(t, `{"type":"sip:ringing","body":{"channel":{"leg_ids":[`+strings.Repeat("{},", 9999)+`"last"]}}}`)
	if n := len(e.Misfits()); n != 100 {
		t.Errorf("%d misfits, want 100", n)
	}
	if b, ok := nexmo.As[*nexmo.SIPRinging](e); !ok || len(b.Channel.LegIDs) != 10_000 || b.Channel.LegIDs[9999] != "last" {
		t.Error("an odd element cost the others")
	}
}

// TestMisfitsOfEventsWithoutText: an event made in Go has none, and one that came as the
// payload of a packet has those of its payload.
func TestMisfitsOfEventsWithoutText(t *testing.T) {
	t.Parallel()
	if got := (&nexmo.Event{Type: "text"}).Misfits(); got != nil {
		t.Errorf("an event made in Go: %v", got)
	}
	e := &nexmo.Event{Type: "text", Raw: `{"id":4,"body":{"text":[]}}`}
	if diff := cmp.Diff([]nexmo.Misfit{{Path: "body.text", Want: "text", Found: "an array"}}, e.Misfits()); diff != "" {
		t.Errorf("the payload of a packet (-want +got):\n%s", diff)
	}
}

// TestContentIsNeverAReasonToRefuse: what a reader can mend is read, and is no misfit.
func TestContentIsNeverAReasonToRefuse(t *testing.T) {
	t.Parallel()
	when := at("2020-11-02T08:53:45.497Z")
	text := func(change func(e *nexmo.Event)) *nexmo.Event {
		e := &nexmo.Event{ID: 7, Type: "text", Body: aText("hi")}
		change(e)
		return e
	}
	for name, tt := range map[string]struct {
		text string
		want *nexmo.Event
	}{
		"half an escaped pair":      {`{"id":7,"type":"text","body":{"text":"see you \ud83d"}}`, text(func(e *nexmo.Event) { e.Body = aText("see you \ufffd") })},
		"the other half":            {`{"id":7,"type":"text","body":{"text":"\ude00 you"}}`, text(func(e *nexmo.Event) { e.Body = aText("\ufffd you") })},
		"halves in the wrong order": {`{"id":7,"type":"text","body":{"text":"\ude00\ud83d\ud83d\u0041"}}`, text(func(e *nexmo.Event) { e.Body = aText("\ufffd\ufffd\ufffdA") })},
		"bytes that are no UTF-8":   {"{\"id\":7,\"type\":\"text\",\"body\":{\"text\":\"caf\xe9, \xf0\x9f\x98\"}}", text(func(e *nexmo.Event) { e.Body = aText("caf\ufffd, \ufffd\ufffd\ufffd") })},
		"in the type":               {`{"id":7,"type":"custom:\ud83d","body":{}}`, text(func(e *nexmo.Event) { e.Type, e.Body = "custom:\ufffd", &nexmo.Custom{Name: "\ufffd", JSON: "{}"} })},
		"in a name":                 {"{\"id\":7,\"type\":\"text\",\"\xff\\ud83d\":1,\"body\":{\"text\":\"hi\",\"\xfe\":[]}}", text(func(*nexmo.Event) {})},
		"in the envelope":           {`{"id":7,"type":"text","from":"MEM-\ud83d","body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.From = "MEM-\ufffd" })},
		"a byte-order mark":         {"\ufeff{\"id\":7,\"type\":\"text\",\"body\":{\"text\":\"hi\"}}", text(func(*nexmo.Event) {})},
		"a whole ID with fraction":  {`{"id":7.0,"type":"text","body":{"text":"hi"}}`, text(func(*nexmo.Event) {})},
		"an ID with exponent":       {`{"id":70e-1,"type":"text","body":{"text":"hi"}}`, text(func(*nexmo.Event) {})},
		"an ID as text":             {`{"id":"7","type":"text","body":{"text":"hi"}}`, text(func(*nexmo.Event) {})},
		"an empty ID":               {`{"id":"","type":"text","body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.ID = 0 })},
		"numbers for texts":         {`{"id":7,"type":"text","cid":1,"from":2.50,"to":-3e1,"body":{"text":4}}`, text(func(e *nexmo.Event) { e.ConversationID, e.From, e.To, e.Body = "1", "2.50", "-3e1", aText("4") })},
		"seconds since 1970":        {`{"id":7,"type":"text","timestamp":1604307225,"body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.Timestamp = when.Truncate(time.Second) })},
		"seconds with a fraction":   {`{"id":7,"type":"text","timestamp":1604307225.497,"body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.Timestamp = when })},
		"milliseconds since 1970":   {`{"id":7,"type":"text","timestamp":1604307225497,"body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.Timestamp = when })},
		"the same as text":          {`{"id":7,"type":"text","timestamp":"1604307225497","body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.Timestamp = when })},
		"a blank for the T":         {`{"id":7,"type":"text","timestamp":"2020-11-02 08:53:45.497Z","body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.Timestamp = when })},
		"a blank and no zone":       {`{"id":7,"type":"text","timestamp":"2020-11-02 08:53:45.497","body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.Timestamp = when })},
		"a zone without a colon":    {`{"id":7,"type":"text","timestamp":"2020-11-02T09:53:45.497+0100","body":{"text":"hi"}}`, text(func(e *nexmo.Event) { e.Timestamp = when })},
		"the last of a name":        {`{"id":6,"type":"image","body":{"id":"x"},"id":7,"type":"text","body":{"text":"no","language":"en"},"body":{"text":"no","text":"hi"}}`, text(func(*nexmo.Event) {})},
		"the last, which is null":   {`{"id":7,"type":"text","from":"MEM-1","state":{},"_embedded":{"from_user":{"id":"x"}},"body":{"text":"hi","edited":{"edited_by":1},"edited":null},"from":null,"state":null,"_embedded":null}`, text(func(*nexmo.Event) {})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind, text := range map[string]string{"alone": tt.text, "in a list": "[" + strings.TrimPrefix(tt.text, "\ufeff") + "]"} {
				var e *nexmo.Event
				if kind == "alone" {
					e = parseText(t, text)
				} else if list, err := nexmo.ParseEvents([]byte(text)); err == nil && len(list) == 1 {
					e = list[0]
				} else {
					t.Fatalf("ParseEvents: %d events, %v", len(list), err)
				}
				if diff := cmp.Diff(tt.want, e, sameFields); diff != "" {
					t.Errorf("%s (-want +got):\n%s", kind, diff)
				}
				if got := e.Misfits(); got != nil {
					t.Errorf("%s: misfits %v", kind, got)
				}
				if diff := cmp.Diff(e, parseText(t, marshal(t, e)), sameEvent); diff != "" {
					t.Errorf("%s: written and read (-first +second):\n%s", kind, diff)
				}
			}
		})
	}
}

// TestMendedFiles: files that a strict reader refuses.
func TestMendedFiles(t *testing.T) {
	t.Parallel()
	for _, file := range filesIn(t, "testdata/mended") {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		e := parseText(t, readFile(t, file))
		if _, raw := e.Body.(*nexmo.RawBody); raw && e.Type.Known() || e.Misfits() != nil {
			t.Errorf("%s: %T, misfits %v", name, e.Body, e.Misfits())
		}
		compareGolden(t, "mended/"+name+".json", describe(e))
	}
}

// TestOddShapesThatWereSeen: single shapes that were seen, in the bodies where they were.
func TestOddShapesThatWereSeen(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		text    string
		check   func(e *nexmo.Event) bool
		misfits []string // paths
	}{
		"a digit as number": {
			`{"type":"audio:dtmf","id":3,"body":{"digit":5,"dtmf_seq":"1","duration":"260","channel":{"id":"leg","type":"phone"}}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.AudioDTMF](e)
				return ok && b.Digits == "5" && b.Digit == "5" && b.Sequence == 1 && b.Duration == nexmo.Milliseconds(260*time.Millisecond) && b.Channel.ID == "leg"
			}, nil,
		},
		"an initiator that is a word": {
			`{"type":"member:joined","id":3,"body":{"user":{"id":"USR-1"},"channel":{"type":"app","headers":"none"},"timestamp":{"joined":"2021-02-02T08:33:50.600Z"},"initiator":"system"}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.MemberJoined](e)
				return ok && b.User.ID == "USR-1" && b.Channel.Type == "app" && b.Timestamp.Joined.Equal(at("2021-02-02T08:33:50.600Z"))
			}, []string{"body.channel.headers", "body.initiator"},
		},
		"an account in numbers": {
			`{"type":"rtc:status","body":{"price":0.010,"duration":31,"mos":"4.5","price_currency":"EUR"}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.RTCStatus](e)
				return ok && b.Price == "0.010" && b.Duration == nexmo.SecondsText(31*time.Second) && b.MOS == 4.5 && b.PriceCurrency == "EUR"
			}, nil,
		},
		"bytes and loops as texts": {
			`{"type":"rtc:hangup","body":{"bandwidth":{"bytes_in":"12","bytes_out":"13.0"},"quality":{"mos_score":"4.5"},"reason":{"sip_code":"486"}}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.RTCHangup](e)
				return ok && b.Bandwidth.BytesIn == 12 && b.Bandwidth.BytesOut == 13 && b.Quality.MOSScore == 4.5 && b.Reason.SIPCode == 486
			}, nil,
		},
		"a loop and a level as texts": {
			`{"type":"audio:say","body":{"loop":"2","level":"-0.5","style":"","queue":"1","text":"x"}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.AudioSay](e)
				return ok && *b.Loop == 2 && *b.Level == -0.5 && b.Style == 0 && b.Queue == nexmo.True
			}, nil,
		},
		"a channel with numbers": {
			`{"type":"sip:ringing","body":{"channel":{"to":{"number":447700900001},"from":{"extension":12},"leg_ids":[1,{},"3"],"legs":[7,{"leg_id":8}],"can_hear":[null,9]}}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.SIPRinging](e)
				return ok && b.Channel.To.Number == "447700900001" && b.Channel.From.Extension == "12" && slices.Equal(b.Channel.LegIDs, []string{"1", "", "3"}) &&
					slices.Equal(b.Channel.Legs, nexmo.Legs{{}, {ID: "8"}}) && slices.Equal(b.Channel.CanHear, []string{"", "9"})
			}, []string{"body.channel.leg_ids[1]", "body.channel.legs[0]"},
		},
		"a pointer that is no object": {
			`{"type":"message","body":{"text":"x","image":"y","location":[]}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.Message](e)
				return ok && b.Text == "x" && b.Image == nil && b.Location == nil
			}, []string{"body.image", "body.location"},
		},
		"a reference to what is no event": {
			`{"type":"event:delete","body":{"event_id":"-1790421334"}}`,
			func(e *nexmo.Event) bool { b, ok := nexmo.As[*nexmo.EventDelete](e); return ok && b.EventID == 0 },
			[]string{"body.event_id"},
		},
		"video of a member": {
			`{"type":"member:media","body":{"audio":true,"video":false}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.MemberMedia](e)
				return ok && b.Audio == nexmo.True && b.Video == nexmo.False
			}, nil,
		},
		"a knock of a SIP endpoint": {
			`{"type":"app:knocking","from":"knocker:1","params":{"tenant":"shop"},"body":{"channel":{"type":"sip","to":{"type":"sip","uri":"sip:a@example.com","username":"desk","password":"word"},` +
				`"can_hear":["leg"],"can_speak":[],"content-type":"audio/l16;rate=16000"}}}`,
			func(e *nexmo.Event) bool {
				b, ok := nexmo.As[*nexmo.AppKnocking](e)
				return ok && b.Channel.To.Username == "desk" && b.Channel.To.Password == "word" && e.ConversationID == "" && e.Params == `{"tenant":"shop"}` &&
					slices.Equal(b.Channel.CanHear, []string{"leg"}) && b.Channel.ContentType == "audio/l16;rate=16000"
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := parseText(t, tt.text)
			if !tt.check(e) {
				t.Errorf("read %s", marshal(t, e.Body))
			}
			var paths []string
			for _, m := range e.Misfits() {
				paths = append(paths, m.Path)
			}
			if diff := cmp.Diff(tt.misfits, paths); diff != "" {
				t.Errorf("misfits (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBodyNamesTheConversation: an event that names its conversation in the body alone
// has its ID.
func TestBodyNamesTheConversation(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"type":"conversation:created","body":{"id":"CON-2"}}`:                                    "CON-2",
		`{"body":{"id":"CON-2"},"type":"conversation:deleted"}`:                                    "CON-2",
		`["conversation:updated",{"body":{"id":"CON-2"}}]`:                                         "CON-2",
		`{"type":"conversation:created","conversation_id":"CON-1","body":{"id":"CON-2"}}`:          "CON-1",
		`{"type":"member:invited","body":{"conversation":{"conversation_id":"CON-2"}}}`:            "CON-2",
		`{"type":"member:left","cid":"CON-1","body":{"conversation":{"conversation_id":"CON-2"}}}`: "CON-1",
		`{"type":"conversation:created","body":{"id":{}}}`:                                         "",
		`{"type":"leg:status:update","body":{"statusHistory":[{"conversation_id":"CON-3"}]}}`:      "",
		`{"type":"rtc:transfer","body":{"transferred_from":"CON-3"}}`:                              "",
		`{"type":"custom:conversation","body":{"id":"CON-3"}}`:                                     "",
	} {
		if e := parseText(t, text); e.ConversationID != want {
			t.Errorf("%s: ConversationID %q, want %q", text, e.ConversationID, want)
		}
	}
}

// TestEveryLeafOfEverySampleMayBeOdd puts a value of each kind in the place of each value
// of each sample, one at a time. The event stays usable, its body typed, every other field
// as it was; and the value was read, or is the one misfit.
func TestEveryLeafOfEverySampleMayBeOdd(t *testing.T) {
	t.Parallel()
	odd := []any{json.Number("4711"), "x", "4711", map[string]any{"odd": json.Number("1")}, []any{}, []any{json.Number("1")}, nil, true}
	count := 0
	for _, file := range filesIn(t, "testdata/events") {
		sound, ok := jsonValue(t, readFile(t, file)).(map[string]any)
		if !ok {
			t.Fatalf("%s is not an object", file)
		}
		var walk func(path string, v any, put func(any))
		walk = func(path string, v any, put func(any)) {
			switch v := v.(type) {
			case map[string]any:
				for name, inner := range v {
					walk(strings.TrimPrefix(path+"."+name, "."), inner, func(x any) { v[name] = x })
				}
			case []any:
				for i, inner := range v {
					walk(fmt.Sprintf("%s[%d]", path, i), inner, func(x any) { v[i] = x })
				}
			}
			if path == "" || path == "type" {
				return
			}
			put(nil)
			without := parseText(t, marshal(t, sound))
			for _, x := range odd {
				put(x)
				count++
				checkOddLeaf(t, fmt.Sprintf("%s: %s is %v", file, path, x), path, parseText(t, marshal(t, sound)), without)
			}
			put(v)
		}
		walk("", sound, nil)
	}
	if count < 5000 {
		t.Errorf("%d values were checked", count)
	}
}

// checkOddLeaf checks an event with an odd value at a path. without is the event with null
// in its place.
func checkOddLeaf(t *testing.T, what, path string, e, without *nexmo.Event) {
	t.Helper()
	misfits := e.Misfits()
	if raw, ok := e.Body.(*nexmo.RawBody); ok && (path != "body" || raw.Err == nil || len(misfits) != 1) {
		t.Errorf("%s: the body is raw: %v", what, raw.Err)
	}
	for _, m := range misfits {
		if m.Path != path && !strings.HasPrefix(m.Path, path+"[") {
			t.Errorf("%s: misfit %v", what, m)
		}
	}
	if _, raw := e.Body.(*nexmo.RawBody); raw {
		return
	}
	if len(misfits) == 0 {
		return // it was read: what it says now is in the model of the fuzz tests
	}
	if strings.HasPrefix(misfits[0].Path, path+"[") || strings.HasSuffix(path, "]") || strings.HasPrefix(path, "state.") {
		return // a list keeps the place of what is odd, and a map its key
	}
	if diff := cmp.Diff(without, e, sameFields); diff != "" {
		t.Errorf("%s: (-without +odd):\n%s", what, diff)
	}
}

// TestStateTakesWhatFits: the members of a conversation are as an event with misfits says.
func TestStateTakesWhatFits(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	for _, text := range []string{
		`{"type":"member:joined","id":1,"conversation_id":"CON-1","from":"MEM-1","timestamp":{},"body":{"user":{"id":"USR-1","name":["x"]},"channel":{"type":"app"},"initiator":"system"}}`,
		`{"type":"member:media","id":"2","cid":"CON-1","from":"MEM-1","_embedded":[],"body":{"audio":"yes","media":{"audio_settings":{"muted":"1"}}}}`,
	} {
		if err := c.Deliver(t.Context(), parseText(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	m, ok := c.Member("MEM-1")
	if !ok || m.State != nexmo.MemberStateJoined || m.UserID != "USR-1" || m.UserName != "" || m.Channel.Type != nexmo.ChannelTypeApp || m.Media.AudioSettings.Muted != nexmo.True {
		t.Errorf("the member is %+v, %v", m, ok)
	}
	if c.LastEventID() != 2 {
		t.Errorf("the last event is %d", c.LastEventID())
	}
}
