package nexmo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
)

// The fuzz tests compare the decoder with encoding/json, which reads the same
// structs by their tags, and with jsontext, which says what strict JSON is.

// seedCorpus adds every text in testdata, and an empty event of each type.
func seedCorpus(f *testing.F) {
	f.Helper()
	names, err := filepath.Glob("testdata/*/*.json")
	if err != nil || len(names) == 0 {
		f.Fatalf("no testdata: %v", err)
	}
	for _, name := range append(names, "testdata/history.json") {
		if strings.HasPrefix(filepath.ToSlash(name), "testdata/golden/") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	call, err := os.ReadFile("testdata/call.jsonl")
	if err != nil {
		f.Fatal(err)
	}
	for line := range bytes.Lines(call) {
		f.Add(line)
	}
	for i := range eventTypes {
		_, body, _ := eventTypes[i].alloc()
		text, err := json.Marshal(&Event{ID: 1, Body: body})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
}

func FuzzParseEvent(f *testing.F) {
	seedCorpus(f)
	f.Fuzz(checkParseEvent)
}

func checkParseEvent(t *testing.T, data []byte) {
	sent := bytes.Clone(data)
	e, err := ParseEvent(data)
	if !bytes.Equal(sent, data) {
		t.Fatal("ParseEvent changed its argument")
	}
	strict := strictJSON(data, deepest)
	m := modelEvent(data)
	if err != nil {
		if _, ok := errors.AsType[*DecodeError](err); !ok || e != nil {
			t.Fatalf("ParseEvent = %v, %T", e, err)
		}
		if strict && m.usable {
			t.Fatalf("ParseEvent refused a usable event: %v", err)
		}
		return
	}
	if !strict {
		t.Fatal("ParseEvent accepted what is not strict JSON")
	}
	if e.Body == nil || e.Type == "" || e.ID < 0 || string(e.Raw) != string(data) {
		t.Fatalf("ParseEvent = %+v", e)
	}
	if m.usable && (e.Type != m.typ || e.ID != m.id) {
		t.Fatalf("ParseEvent read type %q and ID %d, want %q and %d", e.Type, e.ID, m.typ, m.id)
	}
	checkRoundTrip(t, e)
	if m.usable {
		checkBody(t, e, m)
	}
	e.Deleted()
	e.MemberID()
}

// deepest is how deep an event may be nested.
const deepest = 512

// strictJSON reports whether text is one JSON value by every standard: RFC 8259,
// without repeated names and invalid Unicode, and no deeper than given.
func strictJSON(text []byte, deepest int) bool {
	if !json.Valid(text) || !jsontext.Value(text).IsValid() {
		return false
	}
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		if _, err := d.ReadToken(); err != nil {
			return errors.Is(err, io.EOF)
		}
		if d.StackDepth() > deepest {
			return false
		}
	}
}

// model is what encoding/json finds in the text of an event.
type model struct {
	usable bool // an event that ParseEvent has to accept
	typ    EventType
	id     EventID
	fields map[string]json.RawMessage
}

// modelEvent reads plain events and packets; of a push notification, and of what
// only ParseEvent can judge, it says nothing.
func modelEvent(data []byte) model {
	var m model
	var packet []json.RawMessage
	if json.Unmarshal(data, &packet) == nil && len(packet) > 1 {
		if json.Unmarshal(packet[0], &m.typ) != nil {
			return model{}
		}
		data = packet[1]
	}
	if !bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{")) || json.Unmarshal(data, &m.fields) != nil {
		return model{}
	}
	if t, ok := m.fields["type"]; ok {
		var typ EventType
		if json.Unmarshal(t, &typ) != nil {
			return model{}
		}
		if m.typ == "" {
			m.typ = typ
		}
	}
	if text, ok := m.fields["id"]; ok && string(text) != "null" {
		id, err := strconv.ParseUint(strings.Trim(string(text), `"`), 10, 63)
		if err != nil {
			return model{}
		}
		m.id = EventID(id)
	}
	m.usable = m.typ != ""
	return m
}

// checkRoundTrip writes an event and reads it again.
func checkRoundTrip(t *testing.T, e *Event) {
	t.Helper()
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	again, err := ParseEvent(text)
	if err != nil {
		t.Fatalf("what was accepted is refused when it is written: %v\n%s", err, text)
	}
	if diff := cmp.Diff(e, again, sameJSON, sameErrors); diff != "" {
		t.Fatalf("round trip (-first +second):\n%s", diff)
	}

	// The body alone, through its fields.
	first, err := json.Marshal(e.Body)
	if err != nil {
		t.Fatalf("json.Marshal of the body: %v", err)
	}
	again, err = ParseEvent(append(append([]byte(`{"body":`), first...), `,"type":`+quote(e.Type)+`}`...))
	if err != nil {
		t.Fatalf("the body that was accepted is refused when it is written: %v\n%s", err, first)
	}
	if got, want := reflect.TypeOf(again.Body), reflect.TypeOf(e.Body); got != want && want != reflect.TypeFor[*RawBody]() {
		t.Fatalf("the body is a %v when it is written and read, want %v\n%s", got, want, first)
	}
	second, err := json.Marshal(again.Body)
	if err != nil {
		t.Fatal(err)
	}
	if reflect.TypeOf(again.Body) == reflect.TypeOf(e.Body) && !bytes.Equal(first, second) {
		t.Fatalf("the body, written and read twice:\n%s\n%s", first, second)
	}
}

func quote(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "not JSON: " + err.Error()
	}
	return string(text)
}

// checkBody compares the body with what encoding/json makes of it.
func checkBody(t *testing.T, e *Event, m model) {
	t.Helper()
	content := m.fields["body"]
	info := eventTypeNamed(e.Type)
	if info == nil {
		switch b := e.Body.(type) {
		case *Custom:
			if name, ok := e.Type.customName(); !ok || b.Name != name || string(b.JSON) != string(content) {
				t.Fatalf("custom body %q: %s", b.Name, b.JSON)
			}
		case *RawBody:
			if b.Type != e.Type || string(b.JSON) != string(content) {
				t.Fatalf("raw body %q: %s", b.Type, b.JSON)
			}
		default:
			t.Fatalf("an unknown type has a %T", b)
		}
		return
	}
	_, want, _ := info.alloc()
	if namesInAnotherCase(content) || content != nil && json.Unmarshal(content, want) != nil {
		return // encoding/json reads other fields, or is less tolerant
	}
	normalizeAll(reflect.ValueOf(want))
	if s, ok := want.(interface{ signal(string, Bool) }); ok {
		var destination string
		var fromMB Bool
		mb, mb2 := m.fields["isFromMB"], m.fields["isFromMb"]
		if mb != nil && mb2 != nil {
			return // the last one counts
		}
		if unmarshalField(m.fields["session_destination"], &destination) != nil || unmarshalField(append(mb, mb2...), &fromMB) != nil {
			return // the envelope is malformed
		}
		s.signal(destination, fromMB)
	}
	if b, ok := e.Body.(*RawBody); ok {
		if b.Err == nil || strings.HasPrefix(b.Err.Error(), "body") {
			t.Fatalf("encoding/json can read the body: %v", b.Err)
		}
		return // the envelope is malformed
	}
	if diff := cmp.Diff(Body(want), e.Body, sameJSON, sameErrors); diff != "" {
		t.Fatalf("body (-encoding/json +ParseEvent):\n%s", diff)
	}
}

func unmarshalField(text json.RawMessage, v any) error {
	if text == nil {
		return nil
	}
	return json.Unmarshal(text, v)
}

// normalizeAll does what the decoders do when they have read a struct.
func normalizeAll(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			normalizeAll(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			normalizeAll(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return
		}
		for _, field := range v.Fields() {
			normalizeAll(field)
		}
		if n, ok := reflect.TypeAssert[interface{ normalize() }](v.Addr()); ok {
			n.normalize()
		}
	}
}

// bodyFields are the names that the structs read, and the same folded.
var bodyFields = func() map[string]bool {
	names := map[string]bool{}
	seen := map[reflect.Type]bool{}
	var visit func(t reflect.Type)
	visit = func(t reflect.Type) {
		switch t.Kind() {
		case reflect.Pointer, reflect.Slice:
			visit(t.Elem())
		case reflect.Struct:
			if seen[t] {
				return
			}
			seen[t] = true
			for field := range t.Fields() {
				if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" {
					names[name], names[fold(name)] = true, true
				}
				visit(field.Type)
			}
		}
	}
	for i := range eventTypes {
		_, body, _ := eventTypes[i].alloc()
		visit(reflect.TypeOf(body))
	}
	for _, t := range wireTypes {
		visit(t)
	}
	return names
}()

// namesInAnotherCase reports whether a body has a name that encoding/json takes
// for one of ours though it is spelt in another case.
func namesInAnotherCase(text []byte) bool {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	for {
		tok, err := d.ReadToken()
		if err != nil {
			return false
		}
		if kind, n := d.StackIndex(d.StackDepth()); kind != '{' || n%2 == 0 || tok.Kind() != '"' {
			continue
		}
		if name := tok.String(); bodyFields[fold(name)] && !bodyFields[name] {
			return true
		}
	}
}

// fold makes names equal that differ in case alone.
func fold(name string) string { return "fold:" + strings.ToLower(strings.ToUpper(name)) }

// sameJSON compares raw JSON by what it says; null says the same as nothing.
var sameJSON = cmp.Options{
	cmp.Comparer(func(a, b Raw) bool { return a == b || canonical(string(a)) == canonical(string(b)) }),
	cmp.Comparer(func(a, b json.RawMessage) bool { return canonical(string(a)) == canonical(string(b)) }),
}

func canonical(text string) string {
	if text == "" {
		return "null"
	}
	var v any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if d.Decode(&v) != nil {
		return "not JSON: " + text
	}
	return quote(v)
}

var sameErrors = cmp.Comparer(func(a, b error) bool {
	return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
})

// TestEveryFieldWithEveryKindOfValue makes events with one field each, which
// holds one kind of value after the other, for every field of the envelope and of
// every body in the samples, and checks what the fuzz test checks.
func TestEveryFieldWithEveryKindOfValue(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/e*/*.json") // events and envelopes
	if err != nil || len(names) == 0 {
		t.Fatalf("no testdata: %v", err)
	}
	values := []string{
		`null`, `true`, `0`, `1`, `-1`, `1.5`, `1e2`, `1e400`, `9223372036854775808`,
		`""`, `"x"`, `"true"`, `"-1"`, `"1.5"`, `"2024-05-17T13:42:10.318Z"`, `"2024-05-17T13:42:10+02:00"`,
		`[]`, `["x",null,"y"]`, `[1]`, `[{}]`, `[{"id":"x","leg_id":"x","word":"x"}]`,
		`{}`, `{"id":"x"}`, `{"id":1}`, `{"x":1,"y":null}`, `{"enabled":true}`, `{"deleted":"2024-05-17T13:42:10.318Z"}`,
	}
	done := map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var event map[string]any
		if json.Unmarshal(text, &event) != nil || event["type"] == nil {
			continue // a packet, or a push notification
		}
		typed := `{"id":4,"type":` + quote(event["type"]) + ","
		var walk func(path, before, after string, v any)
		walk = func(path, before, after string, v any) {
			switch v := v.(type) {
			case []any:
				for _, elem := range v {
					walk(path, before+"[", "]"+after, elem)
				}
			case map[string]any:
				for field, inner := range v {
					path, open := path+"."+field, "{"
					if before == "" && field != "id" && field != "type" {
						open = typed
					}
					before, after := before+open+quote(field)+":", "}"+after
					if key := fieldKey(event["type"], path); !done[key] {
						done[key] = true
						for _, value := range values {
							checkParseEvent(t, []byte(before+value+after))
						}
						checkParseEvent(t, []byte(before+`null,`+quote(field)+`:null`+after)) // twice
					}
					walk(path, before, after, inner)
				}
			}
		}
		walk("", "", "", event)
	}
	if len(done) < 500 {
		t.Errorf("%d fields were checked, of more than 500", len(done))
	}
}

// fieldKey tells fields apart that are read by different code: each body has its
// own, but all have one envelope, and within the body the same structs come again.
func fieldKey(typ any, path string) string {
	names := strings.Split(path, ".")[1:]
	switch len(names) {
	case 1:
		return path
	case 2:
		return fmt.Sprint(typ, path)
	default:
		return strings.Join(names[len(names)-2:], ".")
	}
}
