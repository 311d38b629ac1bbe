package nexmo_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// scalarTest is how one of the scalar types is read and written.
type scalarTest[T any] struct {
	event string // the text of an event with a field of the type in place of %s
	field func(b nexmo.Body) T
	path  string
	read  []scalarForm[T]
	no    []string
}

type scalarForm[T any] struct {
	text  string
	value T
	out   string // as it is written
}

func (st scalarTest[T]) run(t *testing.T) {
	t.Helper()
	for _, tt := range st.read {
		var got T
		if err := json.Unmarshal([]byte(tt.text), &got); err != nil {
			t.Errorf("json.Unmarshal(%s): %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.value, got, sameEvent); diff != "" {
			t.Errorf("json.Unmarshal(%s) (-want +got):\n%s", tt.text, diff)
		}
		out := marshal(t, got)
		if string(out) != tt.out {
			t.Errorf("%s is written as %s, want %s", tt.text, out, tt.out)
		}
		var again T
		if err := json.Unmarshal(out, &again); err != nil {
			t.Errorf("json.Unmarshal(%s), which was written for %s: %v", out, tt.text, err)
		} else if diff := cmp.Diff(got, again, sameEvent); diff != "" {
			t.Errorf("%s, written and read again (-first +second):\n%s", tt.text, diff)
		}

		e := parseText(t, fmt.Sprintf(st.event, tt.text))
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("%s within an event: %v", tt.text, b.Err)
		} else if diff := cmp.Diff(tt.value, st.field(e.Body), sameEvent); diff != "" {
			t.Errorf("%s within an event (-want +got):\n%s", tt.text, diff)
		}
	}

	for _, text := range st.no {
		got := st.read[0].value
		err := json.Unmarshal([]byte(text), &got)
		if err == nil {
			t.Errorf("json.Unmarshal(%s) = %v, want an error", text, got)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the error holds content: %v", err)
		}
		e := parseText(t, fmt.Sprintf(st.event, text))
		misfits := fmt.Sprint(e.Misfits())
		if !strings.HasPrefix(misfits, "["+st.path) || strings.Contains(misfits, "SECRET") {
			t.Errorf("%s within an event: misfits %v, want %s and no content", text, misfits, st.path)
		}
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("%s within an event costs the body: %v", text, b.Err)
		}
	}

	// null stands for nothing: by convention it leaves a scalar as it was.
	var zero T
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Slice, reflect.Map:
	default:
		got := st.read[0].value
		if err := json.Unmarshal([]byte("null"), &got); err != nil {
			t.Errorf("json.Unmarshal(null): %v", err)
		} else if diff := cmp.Diff(st.read[0].value, got, sameEvent); diff != "" {
			t.Errorf("null changed the value (-before +after):\n%s", diff)
		}
	}
	e := parseText(t, fmt.Sprintf(st.event, "null"))
	if b, ok := e.Body.(*nexmo.RawBody); ok {
		t.Errorf("null within an event: %v", b.Err)
	} else if diff := cmp.Diff(zero, st.field(e.Body), sameEvent); diff != "" {
		t.Errorf("null within an event (-want +got):\n%s", diff)
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	t.Run("Bool", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Bool]{
			event: `{"type":"audio:play","body":{"queue":%s}}`,
			field: func(b nexmo.Body) nexmo.Bool { return b.(*nexmo.AudioPlay).Queue },
			path:  "body.queue: ",
			read: []scalarForm[nexmo.Bool]{
				{`true`, nexmo.True, `true`},
				{`false`, nexmo.False, `false`},
				{`"true"`, nexmo.True, `true`},
				{`"false"`, nexmo.False, `false`},
				{`1`, nexmo.True, `true`},
				{`0`, nexmo.False, `false`},
				{`1.0`, nexmo.True, `true`},
				{`"1"`, nexmo.True, `true`},
				{`"0"`, nexmo.False, `false`},
				{`""`, nexmo.Unset, `null`},
			},
			no: []string{`"SECRET"`, `2`, `-1`, `"True"`, `"2"`, `[]`, `{}`, `[true]`},
		}.run(t)
	})
	t.Run("Milliseconds", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Milliseconds]{
			event: `{"type":"audio:dtmf","body":{"duration":%s}}`,
			field: func(b nexmo.Body) nexmo.Milliseconds { return b.(*nexmo.AudioDTMF).Duration },
			path:  "body.duration: ",
			read: []scalarForm[nexmo.Milliseconds]{
				{`90`, nexmo.Milliseconds(90 * time.Millisecond), `90`},
				{`"90"`, nexmo.Milliseconds(90 * time.Millisecond), `90`},
				{`7200000`, nexmo.Milliseconds(2 * time.Hour), `7200000`},
				{`1e3`, nexmo.Milliseconds(time.Second), `1000`},
				{`1.5`, nexmo.Milliseconds(1500 * time.Microsecond), `1.5`},
				{`"007"`, nexmo.Milliseconds(7 * time.Millisecond), `7`},
				{`0`, 0, `0`},
				{`""`, 0, `0`},
				{`-5`, nexmo.Milliseconds(-5 * time.Millisecond), `-5`},
			},
			no: []string{`"SECRET"`, `true`, `{}`, `[]`, `1e30`, `-1e30`, `"NaN"`, `"Inf"`, `"5s"`, `" 5"`, `"+5"`, `"0x1p3"`, `"1_000"`, `"."`},
		}.run(t)
	})
	t.Run("Seconds", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Seconds]{
			event: `{"type":"message","body":{"viber_service":{"ttl":%s}}}`,
			field: func(b nexmo.Body) nexmo.Seconds { return viber(b).TTL },
			path:  "body.viber_service.ttl: ",
			read: []scalarForm[nexmo.Seconds]{
				{`600`, nexmo.Seconds(10 * time.Minute), `600`},
				{`"600"`, nexmo.Seconds(10 * time.Minute), `600`},
				{`0.5`, nexmo.Seconds(500 * time.Millisecond), `0.5`},
				{`1.001`, nexmo.Seconds(1001 * time.Millisecond), `1.001`},
				{`"4.035"`, nexmo.Seconds(4035 * time.Millisecond), `4.035`},
				{`0.000000001`, nexmo.Seconds(1), `0.000000001`},
				{`-1.001`, nexmo.Seconds(-1001 * time.Millisecond), `-1.001`},
				{`0`, 0, `0`},
				{`""`, 0, `0`},
			},
			no: []string{`"SECRET"`, `true`, `{}`, `[]`, `1e12`, `1e999`, `"1e999"`, `"Infinity"`, `"nan"`, `"1m"`},
		}.run(t)
	})
	t.Run("SecondsText", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.SecondsText]{
			event: `{"type":"sip:status","body":{"duration":%s}}`,
			field: func(b nexmo.Body) nexmo.SecondsText { return b.(*nexmo.SIPStatus).Duration },
			path:  "body.duration: ",
			read: []scalarForm[nexmo.SecondsText]{
				{`"31"`, nexmo.SecondsText(31 * time.Second), `"31"`},
				{`31`, nexmo.SecondsText(31 * time.Second), `"31"`},
				{`"1.001"`, nexmo.SecondsText(1001 * time.Millisecond), `"1.001"`},
				{`"0"`, 0, `"0"`},
				{`""`, 0, `"0"`},
			},
			no: []string{`"SECRET"`, `false`, `{}`, `["31"]`, `"31s"`, `1e12`},
		}.run(t)
	})
	t.Run("Degrees", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Degrees]{
			event: `{"type":"message","body":{"location":{"longitude":%s}}}`,
			field: func(b nexmo.Body) nexmo.Degrees { return b.(*nexmo.Message).Location.Longitude },
			path:  "body.location.longitude: ",
			read: []scalarForm[nexmo.Degrees]{
				{`"2.2500"`, 2.25, `"2.25"`},
				{`2.25`, 2.25, `"2.25"`},
				{`-180`, -180, `"-180"`},
				{`"0.1"`, 0.1, `"0.1"`},
				{`1e-7`, 1e-7, `"0.0000001"`},
				{`""`, 0, `"0"`},
			},
			no: []string{`"SECRET"`, `true`, `{}`, `[2.25]`, `"NaN"`, `"-Inf"`, `1e999`, `"2,25"`},
		}.run(t)
	})
	t.Run("StringList", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.StringList]{
			event: `{"type":"audio:play","body":{"stream_url":%s}}`,
			field: func(b nexmo.Body) nexmo.StringList { return b.(*nexmo.AudioPlay).StreamURL },
			path:  "body.stream_url",
			read: []scalarForm[nexmo.StringList]{
				{`["a","b"]`, nexmo.StringList{"a", "b"}, `["a","b"]`},
				{`"a"`, nexmo.StringList{"a"}, `["a"]`},
				{`[]`, nexmo.StringList{}, `[]`},
				{`""`, nexmo.StringList{""}, `[""]`},
				{`["a",null]`, nexmo.StringList{"a", ""}, `["a",""]`},
				{`["a",7.0]`, nexmo.StringList{"a", "7.0"}, `["a","7.0"]`},
				{`7`, nexmo.StringList{"7"}, `["7"]`},
				{`null`, nil, `null`},
			},
			no: []string{`true`, `{"SECRET":1}`, `["a",{}]`, `[["SECRET"]]`},
		}.run(t)
	})
	t.Run("Headers", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Headers]{
			event: `{"type":"sip:ringing","body":{"channel":{"headers":%s}}}`,
			field: func(b nexmo.Body) nexmo.Headers {
				if c := b.(*nexmo.SIPRinging).Channel; c != nil {
					return c.Headers
				}
				return nil
			},
			path: "body.channel.headers: ",
			read: []scalarForm[nexmo.Headers]{
				{`{"X-Caller":"returning"}`, nexmo.Headers{"X-Caller": "returning"}, `{"X-Caller":"returning"}`},
				{`{"a":1,"b":[true, null],"c":null}`, nexmo.Headers{"a": "1", "b": "[true, null]", "c": ""}, `{"a":"1","b":"[true, null]","c":""}`},
				{`{"":"no name","d":{"e":1.0}}`, nexmo.Headers{"": "no name", "d": `{"e":1.0}`}, `{"":"no name","d":"{\"e\":1.0}"}`},
				{`{}`, nil, `null`},
				{`null`, nil, `null`},
			},
			no: []string{`"SECRET"`, `7`, `["SECRET"]`, `true`},
		}.run(t)
	})
	t.Run("Legs", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Legs]{
			event: `{"type":"sip:ringing","body":{"channel":{"legs":%s}}}`,
			field: func(b nexmo.Body) nexmo.Legs { return b.(*nexmo.SIPRinging).Channel.Legs },
			path:  "body.channel.legs",
			read: []scalarForm[nexmo.Legs]{
				{`[{"leg_id":"1","status":"ringing"},{"leg_id":"2"}]`, nexmo.Legs{{ID: "1", Status: nexmo.LegStatusRinging}, {ID: "2"}}, `[{"leg_id":"1","status":"ringing"},{"leg_id":"2"}]`},
				{`{"leg_id":"1","status":"of its own"}`, nexmo.Legs{{ID: "1", Status: "of its own"}}, `[{"leg_id":"1","status":"of its own"}]`},
				{`{"leg_id":null,"status":"started"}`, nexmo.Legs{{Status: nexmo.LegStatusStarted}}, `[{"status":"started"}]`},
				{`[]`, nexmo.Legs{}, `[]`},
				{`[null]`, nexmo.Legs{{}}, `[{}]`},
				{`[{"leg_id":7}]`, nexmo.Legs{{ID: "7"}}, `[{"leg_id":"7"}]`},
				{`{}`, nil, `null`},
				{`null`, nil, `null`},
			},
			no: []string{`"SECRET"`, `7`, `["SECRET"]`, `[{"leg_id":{}}]`, `{"status":[]}`, `[[]]`},
		}.run(t)
	})
	t.Run("Media", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Media]{
			event: `{"type":"member:media","body":{"media":%s}}`,
			field: func(b nexmo.Body) nexmo.Media { return b.(*nexmo.MemberMedia).Media },
			path:  "body.media",
			read: []scalarForm[nexmo.Media]{
				{
					`{"audio":true,"audio_settings":{"enabled":true,"earmuffed":false,"muted":"true"}}`,
					nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Earmuffed: nexmo.False, Muted: nexmo.True}},
					`{"audio":true,"audio_settings":{"enabled":true,"earmuffed":false,"muted":true}}`,
				},
				{
					`{"audio":{"enabled":true,"earmuffed":false,"muted":true}}`, // the older generation
					mutedMedia,
					`{"audio":true,"audio_settings":{"enabled":true,"earmuffed":false,"muted":true}}`,
				},
				{
					`{"audio_settings":{"muted":false},"audio":{"enabled":true,"muted":true}}`, // both: the newer counts
					nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Muted: nexmo.False}},
					`{"audio":true,"audio_settings":{"muted":false}}`,
				},
				{`{"audio":false}`, nexmo.Media{Audio: nexmo.False}, `{"audio":false}`},
				{`{"audio":1,"video":{"any":1}}`, nexmo.Media{Audio: nexmo.True}, `{"audio":true}`},
				{`{"audio":{}}`, nexmo.Media{}, `{}`},
				{`{"audio":null,"audio_settings":null}`, nexmo.Media{}, `{}`},
				{`{}`, nexmo.Media{}, `{}`},
			},
			no: []string{`"SECRET"`, `true`, `[]`, `{"audio":"SECRET"}`, `{"audio":[]}`, `{"audio":{"enabled":"SECRET"}}`, `{"audio_settings":7}`},
		}.run(t)
	})
	t.Run("BodyTimestamp", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.BodyTimestamp]{
			event: `{"type":"message","body":{"timestamp":%s}}`,
			field: func(b nexmo.Body) nexmo.BodyTimestamp { return b.(*nexmo.Message).Timestamp },
			path:  "body.timestamp",
			read: []scalarForm[nexmo.BodyTimestamp]{
				{`"2024-05-17T13:41:13.874Z"`, nexmo.BodyTimestamp{Sent: at("2024-05-17T13:41:13.874Z")}, `"2024-05-17T13:41:13.874Z"`},
				{`"2024-05-17T15:41:13+02:00"`, nexmo.BodyTimestamp{Sent: at("2024-05-17T13:41:13Z")}, `"2024-05-17T13:41:13Z"`},
				{`1715953273874`, nexmo.BodyTimestamp{Sent: at("2024-05-17T13:41:13.874Z")}, `"2024-05-17T13:41:13.874Z"`},
				{`{"deleted":"2024-05-17T13:41:13.874Z"}`, nexmo.BodyTimestamp{Deleted: at("2024-05-17T13:41:13.874Z")}, `{"deleted":"2024-05-17T13:41:13.874Z"}`},
			},
			no: []string{`"SECRET"`, `7`, `[]`, `true`, `{"deleted":"SECRET"}`, `{"deleted":7}`, `"2024-13-45T99:00:00Z"`, `"2024-05-17"`},
		}.run(t)
	})
	t.Run("EventID", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.EventID]{
			event: `{"type":"text:seen","body":{"event_id":%s}}`,
			field: func(b nexmo.Body) nexmo.EventID { return b.(*nexmo.TextSeen).EventID },
			path:  "body.event_id: ",
			read: []scalarForm[nexmo.EventID]{
				{`4`, 4, `4`},
				{`"4"`, 4, `4`},
				{`0`, 0, `0`},
				{`"0"`, 0, `0`},
				{`9223372036854775807`, 1<<63 - 1, `9223372036854775807`},
				{`"9223372036854775807"`, 1<<63 - 1, `9223372036854775807`},
				{`9007199254740993`, 1<<53 + 1, `9007199254740993`}, // not through a float
				{`9007199254740993.0`, 1<<53 + 1, `9007199254740993`},
				{`4.0`, 4, `4`},
				{`4e0`, 4, `4`},
				{`"4.0"`, 4, `4`},
				{`"007"`, 7, `7`},
				{`-0`, 0, `0`},
				{`""`, 0, `0`},
			},
			no: []string{`"SECRET"`, `-4`, `"-4"`, `4.5`, `"4.5"`, `9223372036854775808`, `"9223372036854775808"`, `true`, `[]`, `{}`, `"0x10"`, `" 4"`, `"+4"`},
		}.run(t)
	})
	t.Run("SIPCode", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.SIPCode]{
			event: `{"type":"sip:hangup","body":{"reason":{"sip_code":%s}}}`,
			field: func(b nexmo.Body) nexmo.SIPCode { return b.(*nexmo.SIPHangup).Reason.SIPCode },
			path:  "body.reason.sip_code: ",
			read: []scalarForm[nexmo.SIPCode]{
				{`486`, 486, `486`},
				{`"486"`, 486, `486`},
				{`""`, 0, `0`},
				{`0`, 0, `0`},
				{`"declined"`, 0, `0`},
				{`"486.5"`, 0, `0`},
				{`"99999999999999999999"`, 0, `0`},
			},
			no: []string{`486.5`, `true`, `[]`, `{}`, `1e30`},
		}.run(t)
	})
	t.Run("TransactionID", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.TransactionID]{
			event: `{"type":"text","body":{"tid":%s}}`,
			field: func(b nexmo.Body) nexmo.TransactionID { return b.(*nexmo.Text).TID },
			path:  "body.tid: ",
			read: []scalarForm[nexmo.TransactionID]{
				{`"30addd53"`, "30addd53", `"30addd53"`},
				{`12`, "12", `"12"`},
				{`1.50`, "1.50", `"1.50"`},
				{`123456789012345678901234567890`, "123456789012345678901234567890", `"123456789012345678901234567890"`},
				{`""`, "", `""`},
			},
			no: []string{`true`, `[]`, `{"SECRET":1}`},
		}.run(t)
	})
	t.Run("Representations", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Representations]{
			event: `{"type":"image","body":{"representations":%s}}`,
			field: func(b nexmo.Body) nexmo.Representations { return b.(*nexmo.Image).Representations },
			path:  "body.representations",
			read: []scalarForm[nexmo.Representations]{
				{
					`{"id":"1","original":{"id":"2","url":"u","type":"ORIGINAL","size":3}}`,
					nexmo.Representations{ID: "1", Original: &nexmo.Rendition{ID: "2", URL: "u", Type: "ORIGINAL", Size: 3}},
					`{"id":"1","original":{"id":"2","url":"u","type":"ORIGINAL","size":3}}`,
				},
				{`{"thumbnail":{}}`, nexmo.Representations{Thumbnail: &nexmo.Rendition{}}, `{"thumbnail":{}}`},
				{`{"medium":null}`, nexmo.Representations{}, `{}`},
				{`""`, nexmo.Representations{}, `{}`},
				{`{}`, nexmo.Representations{}, `{}`},
			},
			no: []string{`"SECRET"`, `" "`, `7`, `[]`, `true`, `{"original":"SECRET"}`, `{"original":{"size":"SECRET"}}`},
		}.run(t)
	})
	t.Run("MemberState", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.MemberState]{
			event: `{"type":"member:invited","body":{"state":%s}}`,
			field: func(b nexmo.Body) nexmo.MemberState { return b.(*nexmo.MemberInvited).State },
			path:  "body.state: ",
			read: []scalarForm[nexmo.MemberState]{
				{`"JOINED"`, nexmo.MemberStateJoined, `"JOINED"`},
				{`"joined"`, nexmo.MemberStateJoined, `"JOINED"`},
				{`"Left"`, nexmo.MemberStateLeft, `"LEFT"`},
				{`"invited"`, nexmo.MemberStateInvited, `"INVITED"`},
				{`"waiting"`, "WAITING", `"WAITING"`},
				{`""`, "", `""`},
			},
			no: []string{`true`, `[]`, `{"SECRET":1}`},
		}.run(t)
	})
}

func viber(b nexmo.Body) nexmo.ViberService {
	if v := b.(*nexmo.Message).ViberService; v != nil {
		return *v
	}
	return nexmo.ViberService{}
}

// TestScalarsRefuseBrokenText: called without encoding/json in front, they do
// not take text that is not JSON, or more than one value.
func TestScalarsRefuseBrokenText(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]json.Unmarshaler{
		"Bool": new(nexmo.Bool), "Milliseconds": new(nexmo.Milliseconds), "Seconds": new(nexmo.Seconds),
		"SecondsText": new(nexmo.SecondsText), "Degrees": new(nexmo.Degrees), "StringList": new(nexmo.StringList),
		"Headers": new(nexmo.Headers), "Legs": new(nexmo.Legs), "Media": new(nexmo.Media),
		"BodyTimestamp": new(nexmo.BodyTimestamp), "EventID": new(nexmo.EventID), "SIPCode": new(nexmo.SIPCode),
		"TransactionID": new(nexmo.TransactionID), "Representations": new(nexmo.Representations),
	} {
		for _, text := range []string{``, ` `, `nul`, `"`, `{"a"`, `[1`, `-`, `null null`, `{"a":1 "a":2}`, `[1,]`, "\"\n\""} {
			if err := v.UnmarshalJSON([]byte(text)); err == nil {
				t.Errorf("%s read %q", name, text)
			}
		}
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		b    nexmo.Bool
		set  bool
		text string
		json string
	}{
		{nexmo.Unset, false, "unset", "null"},
		{nexmo.False, true, "false", "false"},
		{nexmo.True, true, "true", "true"},
		{nexmo.BoolOf(true), true, "true", "true"},
		{nexmo.BoolOf(false), true, "false", "false"},
	} {
		if tt.b.IsSet() != tt.set || tt.b.String() != tt.text || string(marshal(t, tt.b)) != tt.json {
			t.Errorf("Bool %d: IsSet %v, String %q, JSON %s", tt.b, tt.b.IsSet(), tt.b, marshal(t, tt.b))
		}
	}
	// What was not set is not written.
	if got := string(marshal(t, nexmo.AudioSettings{Muted: nexmo.False})); got != `{"muted":false}` {
		t.Errorf("AudioSettings with Muted alone is written as %s", got)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	const d = 90 * time.Second
	for name, got := range map[string]interface {
		Duration() time.Duration
		String() string
	}{
		"Milliseconds": nexmo.Milliseconds(d), "Seconds": nexmo.Seconds(d), "SecondsText": nexmo.SecondsText(d),
	} {
		if got.Duration() != d || got.String() != "1m30s" {
			t.Errorf("%s: Duration %v, String %q", name, got.Duration(), got)
		}
	}
}
