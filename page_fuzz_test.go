package nexmo

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func FuzzParseEvents(f *testing.F) {
	seedCorpus(f)
	for _, text := range []string{
		`[{"type":"text","id":1},{"id":2},7]`,
		`{"_embedded":{"events":[{"type":"text"}],"data":{"events":[]}}}`,
		`{"_embedded":[{"type":"text","id":"x"},{"type":"tomorrow"}]}`,
		`[{"type":"text","body":{"text":"}{"}},{"type":"text","body":{"text":"}"}},{"type":"text","body":{"text":"{"}}]`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(checkParseEvents)
}

func checkParseEvents(t *testing.T, data []byte) {
	sent := bytes.Clone(data)
	events, err := ParseEvents(data)
	if !bytes.Equal(sent, data) {
		t.Fatal("ParseEvents changed its argument")
	}
	if !json.Valid(bytes.TrimPrefix(data, []byte("\ufeff"))) {
		for _, e := range events { // the list can be told apart all the same
			if e.Type != "" {
				checkParseEvent(t, e.Raw.Bytes())
			}
		}
		return
	}
	items, ok := modelItems(bytes.TrimPrefix(data, []byte("\ufeff")))
	if !ok {
		if err == nil || events != nil {
			t.Fatalf("ParseEvents accepted what is no list: %d events, %v", len(events), err)
		}
		return
	}
	if err != nil {
		if depthOf(data) <= deepest {
			t.Fatalf("ParseEvents refused a list of %d: %v", len(items), err)
		}
		return // the page itself is too deep
	}
	if len(events) != len(items) {
		t.Fatalf("ParseEvents returned %d events, want %d", len(events), len(items))
	}
	for i, item := range items {
		want, err := ParseEvent(item)
		if err == nil {
			if diff := cmp.Diff(want, events[i], sameErrors); diff != "" {
				t.Fatalf("item %d (-alone +listed):\n%s", i, diff)
			}
			continue
		}
		b, _ := events[i].Body.(*RawBody)
		if b == nil || b.Err == nil || b.Err.Error() != errors.Unwrap(err).Error() || events[i].Type != "" || b.Type != "" || string(events[i].Raw) != string(item) {
			t.Fatalf("item %d, which is refused with %v, is %+v", i, err, events[i])
		}
		events[i].Misfits()
	}
}

// TestParseEventsStopsGuessing: where items end is guessed in vain a few times only.
// A guess can cost kilobytes, and an item be a few bytes.
func TestParseEventsStopsGuessing(t *testing.T) {
	t.Parallel()
	for _, item := range []string{`{"{":1}`, `{"type":"text","body":{"text":"{"}}`, `{"type":"text","body":{"text":"}"}}`} {
		data := []byte("[" + strings.Repeat(item+",", 99) + item + "]")
		l := listing{data: data}
		l.s.Reset("", data)
		events, err := l.read()
		if err != nil || len(events) != 100 || l.wrong != maxWrong {
			t.Errorf("%s: %d events, %v, %d guesses were wrong", item, len(events), err, l.wrong)
		}
		checkParseEvents(t, data)
	}
}

// TestParseEventsWithBracesInTexts: where an item ends is no matter of the braces
// in its texts, nor of its length.
func TestParseEventsWithBracesInTexts(t *testing.T) {
	t.Parallel()
	texts := []string{"", "{", "}", "{}", "}{", "}}", `}\"`, `\"}`, `{\\`, "},{", `}},{\"type\":\"text\"},`, strings.Repeat("{", 9<<10), strings.Repeat("x", 9<<10)}
	for _, first := range texts {
		for _, second := range texts {
			var list []string
			for _, text := range []string{first, second, "", first} {
				list = append(list, `{"type":"text","body":{"text":"`+text+`"},"id":1}`)
			}
			for _, between := range []string{",", " ,\n ", `,7,{"id":"}"},`} {
				data := []byte("[" + strings.Join(list, between) + "]")
				checkParseEvents(t, data)
				events, _ := ParseEvents(data)
				events = slices.DeleteFunc(events, func(e *Event) bool { return e.Type == "" })
				if len(events) != len(list) {
					t.Fatalf("%d events of %.200s", len(events), data)
				}
				for i, e := range events {
					if string(e.Raw) != list[i] {
						t.Fatalf("event %d of %.200s is %.200s", i, data, e.Raw)
					}
				}
				for cut := 0; first == second && cut < min(len(data), 300); cut++ {
					checkParseEvents(t, data[:cut])
				}
			}
		}
	}
}

// modelItems takes a list apart with encoding/json.
func modelItems(data []byte) (items []json.RawMessage, ok bool) {
	data = bytes.TrimLeft(data, " \t\r\n")
	if data[0] == '[' {
		return items, json.Unmarshal(data, &items) == nil
	}
	var page map[string]json.RawMessage
	if data[0] != '{' || json.Unmarshal(data, &page) != nil {
		return nil, false
	}
	embedded, nested := page["_embedded"], false
	for embedded != nil {
		switch embedded[0] {
		case '[':
			return items, json.Unmarshal(embedded, &items) == nil
		case '{':
			var in map[string]json.RawMessage
			if json.Unmarshal(embedded, &in) != nil {
				return nil, false
			}
			if list := in["events"]; len(list) > 0 && list[0] == '[' {
				return items, json.Unmarshal(list, &items) == nil
			}
			embedded = nil
			if !nested {
				embedded, nested = in["data"], true
			}
			continue
		case 'n':
		default:
			return nil, false
		}
		break
	}
	_, single := page["type"]
	_, push := page["event_type"]
	_, size := page["page_size"]
	_, links := page["_links"]
	_, isPage := page["_embedded"]
	return nil, len(page) == 0 || !single && !push && (isPage || size || links)
}
