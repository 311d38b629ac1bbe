package nexmo_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"iter"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conversation-events/nexmo"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata/golden")

// Who and what the payloads in testdata are about.
const (
	shopID     = "e8059728-5fa0-4cbe-83b4-9919be9cf1de" // the application
	chatID     = "CON-881333d2-b513-4c3b-ae99-01e0f06ce8e7"
	callID     = "CON-fd9c6936-e9b2-4483-ad41-190eaab3c8db"
	tomasID    = "MEM-465b72af-269d-4a1f-ab21-707be6f7d690"
	priyaID    = "MEM-db67afb3-2c7b-4f84-babb-fc1eaa1770c1"
	callerID   = "MEM-b63253e0-a0f5-4d38-b022-4b7c325d20fb"
	tomasUID   = "USR-f37f3c8d-0333-4f9e-b013-92f05ec47490"
	priyaUID   = "USR-cc54b96b-2029-4506-9331-e21ca70a6eda"
	callerUID  = "USR-98106743-a9c5-45bd-bbd9-7d3e857cd58b"
	callerName = "NAM-57b9486b-5f08-4356-979d-ec1e7799c9b4"
	callName   = "NAM-442c9e92-7ede-4dfd-bc7a-abe8bb913850"
	appLeg     = "45306cef-f07e-4319-9ebe-10121ba000ee"
	phoneLeg   = "47c0a315d44b488d97849676cb3647bf"
)

func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("no files in %s", dir)
	}
	for i := range names {
		names[i] = filepath.ToSlash(names[i])
	}
	return names
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parseFile(t testing.TB, name string) *nexmo.Event {
	t.Helper()
	return parseText(t, readFile(t, name))
}

func parseText[S ~string | ~[]byte](t testing.TB, text S) *nexmo.Event {
	t.Helper()
	e, err := nexmo.ParseEvent([]byte(text))
	if err != nil {
		t.Fatalf("ParseEvent: %v", err)
	}
	return e
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jsonValue is JSON as encoding/json sees it, numbers as they are spelt.
func jsonValue(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

// newBody is an empty body of a known type.
func newBody(t testing.TB, typ nexmo.EventType) nexmo.Body {
	t.Helper()
	return parseText(t, fmt.Sprintf(`{"type":%q,"body":{}}`, typ)).Body
}

func bodyName(b nexmo.Body) string { return fmt.Sprintf("%T", b) }

func raw(s string) nexmo.Raw { return nexmo.Raw(s) }

func at(s string) time.Time {
	when, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return when.UTC()
}

// sampleEvents yields every event in testdata that is as documented, by name.
func sampleEvents(t testing.TB) iter.Seq2[string, []byte] {
	t.Helper()
	return func(yield func(string, []byte) bool) {
		for _, dir := range []string{"events", "envelopes"} {
			for _, name := range filesIn(t, "testdata/"+dir) {
				if !yield(dir+"/"+filepath.Base(name), readFile(t, name)) {
					return
				}
			}
		}
		for i, line := range callLines(t) {
			if !yield(fmt.Sprintf("call.jsonl/%d", i+1), line) {
				return
			}
		}
		lists := append(filesIn(t, "testdata/lists"), "testdata/history.json")
		for _, name := range lists {
			for i, item := range listItems(t, readFile(t, name)) {
				if !yield(fmt.Sprintf("%s/%d", strings.TrimPrefix(name, "testdata/"), i), item) {
					return
				}
			}
		}
	}
}

func callLines(t testing.TB) [][]byte {
	t.Helper()
	return bytes.Split(bytes.TrimSpace(readFile(t, "testdata/call.jsonl")), []byte("\n"))
}

// listItems takes a list apart with encoding/json.
func listItems(t testing.TB, text []byte) []json.RawMessage {
	t.Helper()
	var items []json.RawMessage
	if bytes.HasPrefix(text, []byte("[")) {
		if err := json.Unmarshal(text, &items); err != nil {
			t.Fatal(err)
		}
		return items
	}
	var page struct {
		Embedded json.RawMessage `json:"_embedded"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	var embedded struct {
		Events []json.RawMessage `json:"events"`
		Data   struct {
			Events []json.RawMessage `json:"events"`
		} `json:"data"`
	}
	if json.Unmarshal(page.Embedded, &items) == nil {
		return items
	}
	if page.Embedded == nil {
		return nil
	}
	if err := json.Unmarshal(page.Embedded, &embedded); err != nil {
		t.Fatal(err)
	}
	return append(embedded.Events, embedded.Data.Events...)
}

// sentBody is the body in the text of an event, taken out with encoding/json.
func sentBody(t testing.TB, text []byte) []byte {
	t.Helper()
	var packet []json.RawMessage
	if json.Unmarshal(text, &packet) == nil && len(packet) > 1 {
		text = packet[1]
	}
	var e struct {
		Body   json.RawMessage `json:"body"`
		Nexmo  json.RawMessage `json:"nexmo"`
		Stitch json.RawMessage `json:"stitch"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	for _, wrapped := range []json.RawMessage{e.Nexmo, e.Stitch} {
		if wrapped != nil {
			return sentBody(t, wrapped)
		}
	}
	return e.Body
}

// isEmpty reports whether a JSON value says nothing: null, "", 0, and objects
// and arrays of nothing else.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case json.Number:
		return v == "0"
	case map[string]any:
		for _, v := range v {
			if !isEmpty(v) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	default:
		return false
	}
}

// sameScalar reports whether two scalars of JSON say the same. A number and its
// text do, and two texts of one time.
func sameScalar(a, b any) bool {
	if a == b {
		return true
	}
	x, xok := number(a)
	y, yok := number(b)
	if xok && yok {
		return x.Cmp(y) == 0
	}
	s, sok := a.(string)
	u, uok := b.(string)
	if !sok || !uok {
		return false
	}
	when, err := time.Parse(time.RFC3339Nano, s)
	other, err2 := time.Parse(time.RFC3339Nano, u)
	return err == nil && err2 == nil && when.Equal(other)
}

func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case json.Number:
		return new(big.Rat).SetString(string(v))
	case string:
		return new(big.Rat).SetString(v)
	default:
		return nil, false
	}
}

// sameEvent compares events: raw JSON by what it says, errors by their text.
var sameEvent = cmp.Options{
	cmp.Transformer("JSON", func(text nexmo.Raw) any {
		if text == "" {
			return nil
		}
		d := json.NewDecoder(strings.NewReader(string(text)))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return "not JSON: " + string(text)
		}
		return v
	}),
	cmp.Comparer(func(a, b error) bool {
		return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
	}),
}

// sameFields is sameEvent without Raw.
var sameFields = cmp.Options{sameEvent, cmpopts.IgnoreFields(nexmo.Event{}, "Raw")}

// identical is sameEvent with raw JSON compared by its bytes.
var identical = cmp.Options{sameEvent[1]}

// compareGolden compares v, as JSON, with a golden file, or rewrites the file.
func compareGolden(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "golden", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: write it with -update, and read what it wrote", err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// describe is an event as the golden files show it: the fields of Go that are
// not zero, without Raw.
func describe(e *nexmo.Event) any {
	c := *e
	c.Raw = ""
	return describeValue(reflect.ValueOf(c))
}

func describeAll(events []*nexmo.Event) any {
	all := make([]any, len(events))
	for i, e := range events {
		all[i] = describe(e)
	}
	return all
}

func describeValue(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case nexmo.Raw:
		return x
	case time.Time:
		return x.Format(time.RFC3339Nano)
	case error:
		return x.Error()
	case fmt.Stringer:
		return x.String()
	}
	switch v.Kind() {
	case reflect.Interface:
		return map[string]any{fmt.Sprintf("%T", v.Interface()): describeValue(v.Elem())}
	case reflect.Pointer:
		return describeValue(v.Elem())
	case reflect.Struct:
		fields := map[string]any{}
		for f, value := range v.Fields() {
			switch {
			case value.IsZero():
			case f.Type == reflect.TypeFor[nexmo.Body]():
				fields[f.Name] = map[string]any{fmt.Sprintf("%T", value.Interface()): describeValue(value.Elem())}
			default:
				fields[f.Name] = describeValue(value)
			}
		}
		return fields
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = describeValue(v.Index(i))
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for key, value := range v.Seq2() {
			m[key.String()] = describeValue(value)
		}
		return m
	default:
		return v.Interface()
	}
}

func aText(s string) *nexmo.Text { return &nexmo.Text{Text: s} }

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// filler fills values with distinct content.
type filler struct{ n int }

func (f *filler) fill(v reflect.Value) {
	f.n++
	text := fmt.Sprintf("value %d", f.n)
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(at("2024-05-17T13:42:10.001Z").Add(time.Duration(f.n) * 1009 * time.Millisecond)))
		return
	case reflect.TypeFor[nexmo.Raw]():
		v.SetString(fmt.Sprintf(`{"n":%d}`, f.n))
		return
	case reflect.TypeFor[nexmo.Bool]():
		v.Set(reflect.ValueOf(nexmo.BoolOf(f.n%2 == 0)))
		return
	case reflect.TypeFor[nexmo.Milliseconds]():
		v.SetInt(int64(f.n) * int64(time.Millisecond))
		return
	case reflect.TypeFor[nexmo.Seconds](), reflect.TypeFor[nexmo.SecondsText]():
		v.SetInt(int64(f.n)*int64(time.Second) + int64(time.Millisecond))
		return
	case reflect.TypeFor[nexmo.MemberState]():
		v.SetString(strings.ToUpper(text))
		return
	case reflect.TypeFor[nexmo.BodyTimestamp]():
		f.fill(v.FieldByName("Sent")) // a deleted event has the other one, and nothing else
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.25)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for _, field := range v.Fields() {
			f.fill(field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			value := reflect.New(v.Type().Elem()).Elem()
			f.fill(value)
			v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("name %d", f.n)).Convert(v.Type().Key()), value)
		}
	default:
		panic("no rule to fill a " + v.Type().String())
	}
}

// madeEvent is an event made in Go, of a type, with every field filled.
func madeEvent(t testing.TB, typ nexmo.EventType) *nexmo.Event {
	t.Helper()
	var f filler
	e := &nexmo.Event{Type: typ}
	for name, field := range reflect.ValueOf(e).Elem().Fields() {
		switch name.Name {
		case "Type", "Body", "Raw":
		default:
			f.fill(field)
		}
	}
	e.Body = newBody(t, typ)
	f.fill(reflect.ValueOf(e.Body).Elem())
	return e
}
