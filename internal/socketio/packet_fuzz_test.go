package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// messages is the grammar of Socket.IO packets, for the model: the type, what says
// that a packet is ignored, the number and the JSON text.
var messages = regexp.MustCompile(`(?s)^4([0-6])(/,|/$|/.*)?([0-9]*)(.*)$`)

// model is what [Parse] makes of a packet, written for being obvious. It is not
// sure of JSON that encoding/json refuses.
func model(text []byte) (p Packet, ok, sure bool) {
	if len(text) == 0 {
		return p, false, true
	}
	if text[0] != '4' {
		switch text[0] {
		case '0':
			p.Type = TypeOpen
			return payload(p, string(text[1:]))
		case '1', '2', '3', '5', '6', 'b':
			types := map[byte]Type{'1': TypeClose, '2': TypePing, '3': TypePong, '6': TypeNoop}
			return Packet{Type: types[text[0]]}, true, true
		}
		return p, false, true
	}
	m := messages.FindSubmatch(text)
	if m == nil {
		return p, false, true
	}
	kind, namespace, id, rest := string(m[1]), string(m[2]), string(m[3]), string(m[4])
	if kind >= "5" || len(namespace) > 1 && namespace != "/," {
		return p, true, true
	}
	p.Type = map[string]Type{
		"0": TypeConnect, "1": TypeDisconnect, "2": TypeEvent, "3": TypeAck, "4": TypeConnectError,
	}[kind]
	switch p.Type {
	case TypeDisconnect:
		return p, id+rest == "", true
	case TypeConnect, TypeConnectError:
		return payload(p, id+rest)
	}

	p.ID = id
	if !strings.HasPrefix(rest, "[") || p.Type == TypeAck && id == "" {
		return p, false, true
	}
	var args []json.RawMessage
	if json.Unmarshal([]byte(rest), &args) != nil {
		return p, false, false
	}
	if p.Type == TypeEvent {
		if len(args) == 0 || args[0][0] != '"' {
			return p, false, true
		}
		if err := json.Unmarshal(args[0], &p.Name); err != nil {
			return p, false, true
		}
		if !utf8.Valid(args[0]) || strings.ContainsRune(p.Name, utf8.RuneError) {
			return p, false, false // jsonscan refuses what encoding/json replaces
		}
		args = args[1:]
	}
	if len(args) > 0 {
		p.Data = args[0]
	}
	return p, true, true
}

func payload(p Packet, text string) (Packet, bool, bool) {
	if text == "" {
		return p, true, true
	}
	p.Data = []byte(strings.Trim(text, " \t\r\n"))
	return p, len(p.Data) > 0 && strings.IndexByte(`{"`, p.Data[0]) >= 0, json.Valid(p.Data)
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{
		event, ``, `0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`,
		`1`, `2`, `2probe`, `3`, `4`, `40`, `40{"sid":"s"}`, `40/,`, `40/`, `40/admin,`, `41`, `41x`, `42`, `42[`, `42[]`, `42["`,
		`42["a"`, `42["a"]`, `420["a",{}]`, `42/,7["a",1]`, `42["a",]`, `42["a",1,2]`, "42[ \"a\" , 1 ] ", `42["\u00e9\"",{"b":"]\\"}]`,
		"42[\"\xff\"]", `42["\ud83d",1]`, `42["a",{]`, `42["a",}]`, `43[]`, `430[]`, `4312[{"a":1},2]`, `44{"message":"no"}`, `44"no"`,
		`451-["a",{"_placeholder":true,"num":0}]`, `461-1[]`, `47`, `5`, `6`, `7`, `bAQ`, `401{}`, `0 1 `,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		before := bytes.Clone(text)
		got, err := Parse(text)
		if !bytes.Equal(text, before) {
			t.Fatal("Parse has changed the text")
		}
		var bad *PacketError
		if err != nil && (!errors.As(err, &bad) || bad.Offset < 0 || bad.Offset > len(text)) {
			t.Errorf("the error is %#v, want a *PacketError with an offset in the text", err)
		}

		want, ok, sure := model(text)
		if sure && ok != (err == nil) {
			t.Fatalf("Parse(%q) says %v, the model %v", text, err, ok)
		}
		if sure && ok {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("Parse(%q) (-model +got):\n%s", text, diff)
			}
		}

		// What was read is written so that it is read the same again.
		if err != nil || got.Type == TypeIgnored {
			return
		}
		written := Append(nil, got)
		again, err := Parse(written)
		if err != nil {
			t.Fatalf("Parse(%q), written from %q: %v", written, text, err)
		}
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("%q written as %q (-want +got):\n%s", text, written, diff)
		}
	})
}
