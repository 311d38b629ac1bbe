package socketio

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	t.Parallel()
	raw := func(s string) []byte { return []byte(s) }
	ignored := Packet{}
	tests := []struct {
		name, text string
		want       Packet
	}{
		{"open", `0{"sid":"s"}`, Packet{Type: TypeOpen, Data: raw(`{"sid":"s"}`)}},
		{"close", `1`, Packet{Type: TypeClose}},
		{"ping", `2`, Packet{Type: TypePing}},
		{"ping with a word", `2probe`, Packet{Type: TypePing}},
		{"pong", `3`, Packet{Type: TypePong}},
		{"upgrade", `5`, ignored},
		{"noop", `6`, Packet{Type: TypeNoop}},
		{"binary of long-polling", `bAQID`, ignored},
		{"connect", `40`, Packet{Type: TypeConnect}},
		{"connected", `40{"sid":"s","pid":"p"}`, Packet{Type: TypeConnect, Data: raw(`{"sid":"s","pid":"p"}`)}},
		{"connect, root written out", `40/,{"sid":"s"}`, Packet{Type: TypeConnect, Data: raw(`{"sid":"s"}`)}},
		{"connect, root without comma", `40/`, Packet{Type: TypeConnect}},
		{"connect elsewhere", `40/admin,`, ignored},
		{"disconnect", `41`, Packet{Type: TypeDisconnect}},
		{"disconnect elsewhere", `41/admin,`, ignored},
		{"connect error", `44{"message":"no"}`, Packet{Type: TypeConnectError, Data: raw(`{"message":"no"}`)}},
		{"connect error as text", `44"no"`, Packet{Type: TypeConnectError, Data: raw(`"no"`)}},
		{"event", `42["text",{"id":1}]`, Packet{Type: TypeEvent, Name: "text", Data: raw(`{"id":1}`)}},
		{"event to acknowledge", `4217["text",{"id":1}]`, Packet{Type: TypeEvent, ID: "17", Name: "text", Data: raw(`{"id":1}`)}},
		{"number zero", `420["text",{}]`, Packet{Type: TypeEvent, ID: "0", Name: "text", Data: raw(`{}`)}},
		{"digits kept", `42007["a"]`, Packet{Type: TypeEvent, ID: "007", Name: "a"}},
		{"number beyond 64 bits", `42` + strings.Repeat("9", 30) + `["a"]`, Packet{Type: TypeEvent, ID: strings.Repeat("9", 30), Name: "a"}},
		{"event without payload", `42["a"]`, Packet{Type: TypeEvent, Name: "a"}},
		{"event elsewhere", `42/admin,1["a",{}]`, ignored},
		{"event, root written out", `42/,1["a",{}]`, Packet{Type: TypeEvent, ID: "1", Name: "a", Data: raw(`{}`)}},
		{"binary event", `451-["a",{"_placeholder":true,"num":0}]`, ignored},
		{"binary acknowledgement", `461-1[{"_placeholder":true,"num":0}]`, ignored},
		{"more arguments", `42["a",{"b":[1,2]},3,"]"]`, Packet{Type: TypeEvent, Name: "a", Data: raw(`{"b":[1,2]}`)}},
		{"whitespace", "42[ \"a\" ,\t{} ,1 ]\r\n", Packet{Type: TypeEvent, Name: "a", Data: raw(`{}`)}},
		{"name with escapes", `42["a\"\u00e9\\",1]`, Packet{Type: TypeEvent, Name: `a"é\`, Data: raw(`1`)}},
		{"name with half a pair", `42["custom:\ud83d",1]`, Packet{Type: TypeEvent, Name: "custom:\ufffd", Data: raw(`1`)}},
		{"name that is no UTF-8", "42[\"custom:\xff\",1]", Packet{Type: TypeEvent, Name: "custom:\ufffd", Data: raw(`1`)}},
		{"brackets and quotes in text", `42["a",{"b":"]}\\\",[{"},4]`, Packet{Type: TypeEvent, Name: "a", Data: raw(`{"b":"]}\\\",[{"}`)}},
		{"text as payload", `42["a","b\\"]`, Packet{Type: TypeEvent, Name: "a", Data: raw(`"b\\"`)}},
		{"payload that is not JSON", `421["a",{"b":tru}]`, Packet{Type: TypeEvent, ID: "1", Name: "a", Data: raw(`{"b":tru}`)}},
		{"acknowledgement", `4317[]`, Packet{Type: TypeAck, ID: "17"}},
		{"acknowledgement with arguments", `430[{"ok":true},2]`, Packet{Type: TypeAck, ID: "0", Data: raw(`{"ok":true}`)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Parse([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestParseBad(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       PacketError
	}{
		{"empty", ``, PacketError{0, "it is empty"}},
		{"unknown engine type", `7`, PacketError{0, "unknown engine packet type"}},
		{"not a packet", `{"a":1}`, PacketError{0, "unknown engine packet type"}},
		{"message without type", `4`, PacketError{1, "the message is empty"}},
		{"unknown message type", `47`, PacketError{1, "unknown message type"}},
		{"open with two payloads", `0{},{}`, PacketError{1, "the payload is not one object"}},
		{"open cut short", `0{"sid":`, PacketError{1, "the payload is not one object"}},
		{"connect with a number", `401`, PacketError{2, "the payload is not one object"}},
		{"open with space", `0 `, PacketError{1, "the payload is not one object"}},
		{"disconnect with payload", `41{}`, PacketError{2, "a disconnect has no payload"}},
		{"event without array", `42`, PacketError{2, "an event is an array"}},
		{"event with number and no array", `4217`, PacketError{4, "an event is an array"}},
		{"event is an object", `42{"a":1}`, PacketError{2, "an event is an array"}},
		{"event without name", `42[]`, PacketError{3, "an event begins with its name"}},
		{"event cut after bracket", `42[`, PacketError{3, "an event begins with its name"}},
		{"event named by a number", `42[1,{}]`, PacketError{3, "an event begins with its name"}},
		{"name does not end", `42["a`, PacketError{3, "the event's name: invalid JSON at byte 2: unexpected end of text"}},
		{"name with bad escape", `42["\x",1]`, PacketError{3, "the event's name: invalid JSON at byte 1: malformed escape"}},
		{"array does not end", `42["a"`, PacketError{6, "the array of arguments does not end"}},
		{"payload does not end", `42["a",{"b":1}`, PacketError{14, "the array of arguments does not end"}},
		{"payload with too few brackets", `42["a",{"b":[1]`, PacketError{7, "the first argument is not one JSON value"}},
		{"payload with too many brackets", `42["a",{}}]`, PacketError{7, "the first argument is not one JSON value"}},
		{"no payload after comma", `42["a",]`, PacketError{7, "the first argument is not one JSON value"}},
		{"colon after name", `42["a":1]`, PacketError{6, "comma or closing bracket expected"}},
		{"acknowledgement of nothing", `43[]`, PacketError{2, "an acknowledgement has a number"}},
		{"acknowledgement without array", `431`, PacketError{3, "an acknowledgement is an array"}},
		{"acknowledgement does not end", `431[`, PacketError{4, "the array of arguments does not end"}},
		{"attachments of an event", `421-["a"]`, PacketError{3, "an event is an array"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse([]byte(tt.text))
			var got *PacketError
			if !errors.As(err, &got) {
				t.Fatalf("Parse(%s): error is %v, want a *PacketError", tt.text, err)
			}
			if diff := cmp.Diff(&tt.want, got); diff != "" {
				t.Errorf("Parse(%s) (-want +got):\n%s", tt.text, diff)
			}
		})
	}
}

func TestAppend(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		packet Packet
		want   string
	}{
		{"open", Packet{Type: TypeOpen, Data: []byte(`{}`)}, `0{}`},
		{"close", Packet{Type: TypeClose}, `1`},
		{"ping", Packet{Type: TypePing}, `2`},
		{"pong", Packet{Type: TypePong}, `3`},
		{"noop", Packet{Type: TypeNoop}, `6`},
		{"connect", Packet{Type: TypeConnect}, `40`},
		{"connected", Packet{Type: TypeConnect, Data: []byte(`{"sid":"s"}`)}, `40{"sid":"s"}`},
		{"disconnect", Packet{Type: TypeDisconnect}, `41`},
		{"connect error", Packet{Type: TypeConnectError, Data: []byte(`{"message":"no"}`)}, `44{"message":"no"}`},
		{"event", Packet{Type: TypeEvent, Name: "a"}, `42["a"]`},
		{"event with everything", Packet{Type: TypeEvent, ID: "0", Name: "a", Data: []byte(`{}`)}, `420["a",{}]`},
		{"name to escape", Packet{Type: TypeEvent, Name: "a\"\n\\é"}, `42["a\"\n\\é"]`},
		{"acknowledgement", Packet{Type: TypeAck, ID: "12"}, `4312[]`},
		{"acknowledgement with data", Packet{Type: TypeAck, ID: "12", Data: []byte(`1`)}, `4312[1]`},
		{"ignored", Packet{Type: TypeIgnored, Data: []byte(`1`)}, ``},
		{"unknown type", Packet{Type: 99}, ``},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff("x"+tt.want, string(Append([]byte("x"), tt.packet))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// event is a frame of the usual size.
const event = `4248213["member:joined",{"id":12,"cid":"CON-11111111-2222-3333-4444-555555555555",` +
	`"from":"MEM-11111111-2222-3333-4444-555555555555","timestamp":"2026-01-02T03:04:05.678Z",` +
	`"body":{"user":{"id":"USR-11111111-2222-3333-4444-555555555555","name":"ada","display_name":"Ada \"the first\""},` +
	`"channel":{"type":"app"},"timestamp":{"invited":"2026-01-02T03:04:04.000Z","joined":"2026-01-02T03:04:05.678Z"}},` +
	`"_embedded":{"from_user":{"id":"USR-11111111-2222-3333-4444-555555555555","name":"ada"},` +
	`"from_member":{"id":"MEM-11111111-2222-3333-4444-555555555555"}}}]`

//nolint:paralleltest // allocations of other tests would be counted
func TestAllocations(t *testing.T) {
	frame, ping, buf := []byte(event), []byte("2"), make([]byte, 0, 2*len(event))
	packet, err := Parse(frame)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		want float64
		f    func()
	}{
		{"parse a ping", 0, func() { _, _ = Parse(ping) }},
		{"parse an event: its number and name", 1, func() { _, _ = Parse(frame) }},
		{"append an event", 0, func() { buf = Append(buf[:0], packet) }},
	}
	for _, tt := range tests {
		if got := testing.AllocsPerRun(100, tt.f); got != tt.want {
			t.Errorf("%s: %v allocations, want %v", tt.name, got, tt.want)
		}
	}
}

func BenchmarkParseEvent(b *testing.B) {
	frame := []byte(event)
	b.SetBytes(int64(len(frame)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(frame); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendEvent(b *testing.B) {
	p, err := Parse([]byte(event))
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 2*len(event))
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], p)
	}
}

func BenchmarkAck(b *testing.B) {
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], Packet{Type: TypeAck, ID: "48213"})
	}
}
