package nexmo

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The fuzz tests compare the decoders with the model of reading_model_test.go.

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

// checkParseEvent holds ParseEvent to the model: it accepts what encoding/json accepts as
// an object with a text under exactly "type", no deeper than 512, and reads the same.
func checkParseEvent(t *testing.T, data []byte) {
	sent := bytes.Clone(data)
	e, err := ParseEvent(data)
	if !bytes.Equal(sent, data) {
		t.Fatal("ParseEvent changed its argument")
	}
	text := bytes.TrimPrefix(data, []byte("\ufeff"))
	valid := json.Valid(text) && depthOf(text) <= deepest
	want, misfits := modelEvent(data)
	if err != nil {
		if _, ok := errors.AsType[*DecodeError](err); !ok || e != nil {
			t.Fatalf("ParseEvent = %v, %T", e, err)
		}
		if valid && want != nil {
			t.Fatalf("ParseEvent refused a usable event: %v", err)
		}
		return
	}
	if !valid {
		t.Fatal("ParseEvent accepted what is not JSON, or too deep")
	}
	if e.Body == nil || e.Type == "" || e.ID < 0 || string(e.Raw) != string(text) {
		t.Fatalf("ParseEvent = %+v", e)
	}
	got := e.Misfits()
	for _, m := range got {
		if m.Path == "" || m.Want == "" || m.Found == "" {
			t.Fatalf("misfit %+v", m)
		}
	}
	if want != nil && !bothSpellings(data) {
		if diff := cmp.Diff(want, e, sameJSON, sameErrors, cmpopts.IgnoreFields(Event{}, "Raw")); diff != "" {
			t.Fatalf("event (-model +ParseEvent):\n%s", diff)
		}
		if diff := cmp.Diff(misfits, misfitPaths(got)); diff != "" && len(got) < maxMisfits {
			t.Fatalf("misfits (-model +ParseEvent):\n%s", diff)
		}
	}
	checkRoundTrip(t, e)
	e.Deleted()
	e.MemberID()
}

func misfitPaths(list []Misfit) (paths []string) {
	for _, m := range list {
		paths = append(paths, m.Path)
	}
	slices.Sort(paths)
	return paths
}

// bothSpellings reports whether the text has both isFromMB and isFromMb: then the last
// one counts, and the model knows no order.
func bothSpellings(text []byte) bool {
	x := decodeAny(bytes.TrimPrefix(text, []byte("\ufeff")))
	if list, ok := x.([]any); ok && len(list) > 1 {
		x = list[1]
	}
	m, _ := x.(map[string]any)
	_, one := m["isFromMB"]
	_, two := m["isFromMb"]
	return one && two
}

// deepest is how deep an event may be nested.
const deepest = 512

// depthOf is how deep a valid JSON text is nested.
func depthOf(text []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}

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

// checkRoundTrip writes an event, as it was received and by its fields, and reads it again.
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
	made := *e
	made.Raw = ""
	switch b := e.Body.(type) { // no body is written as an empty one
	case *RawBody:
		b.JSON = b.JSON.orEmptyObject()
	case *Custom:
		b.JSON = b.JSON.orEmptyObject()
	case *Ephemeral:
		b.JSON = b.JSON.orEmptyObject()
	}
	text, err = json.Marshal(&made)
	if err != nil {
		t.Fatalf("json.Marshal of the fields: %v", err)
	}
	again, err = ParseEvent(text)
	if err != nil {
		t.Fatalf("what was accepted is refused when its fields are written: %v\n%s", err, text)
	}
	if diff := cmp.Diff(e, again, sameJSON, sameErrors, cmpopts.IgnoreFields(Event{}, "Raw")); diff != "" {
		t.Fatalf("round trip of the fields (-first +second):\n%s\n%s", diff, text)
	}
}

func quote(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "not JSON: " + err.Error()
	}
	return string(text)
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

// sameJSON compares raw JSON by what it says; null says the same as nothing. A header that
// is not text is its JSON.
var sameJSON = cmp.Options{
	cmp.Comparer(func(a, b Raw) bool { return a == b || canonical(string(a)) == canonical(string(b)) }),
	cmp.Comparer(func(a, b Headers) bool {
		return (a == nil) == (b == nil) && maps.EqualFunc(a, b, func(x, y string) bool { return x == y || canonical(x) == canonical(y) })
	}),
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
