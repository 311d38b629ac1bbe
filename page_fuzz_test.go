package nexmo

import (
	"bytes"
	"encoding/json"
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
	const page = 4 // how deep in a page an event may be
	if !strictJSON(data, deepest+page) {
		if err == nil {
			t.Fatalf("ParseEvents accepted what is not strict JSON: %d events", len(events))
		}
		for _, e := range events { // around one that is bad
			checkParseEvent(t, e.Raw.Bytes())
		}
		return
	}
	items, ok := modelItems(data)
	if !ok {
		if err == nil || events != nil {
			t.Fatalf("ParseEvents accepted what is no list: %d events, %v", len(events), err)
		}
		return
	}
	if events == nil && !strictJSON(data, deepest) {
		if err == nil {
			t.Fatal("ParseEvents returned neither events nor an error")
		}
		return // the page itself is too deep
	}
	if events == nil {
		t.Fatalf("ParseEvents refused a list of %d: %v", len(items), err)
	}
	bad := 0
	for i, item := range items {
		want, ierr := ParseEvent(item)
		if ierr != nil {
			bad++
			continue
		}
		if i-bad >= len(events) {
			t.Fatalf("ParseEvents returned %d events, item %d is missing", len(events), i)
		}
		if diff := cmp.Diff(want, events[i-bad], sameErrors); diff != "" {
			t.Fatalf("item %d (-alone +listed):\n%s", i, diff)
		}
	}
	if len(events) != len(items)-bad {
		t.Fatalf("ParseEvents returned %d events, want %d", len(events), len(items)-bad)
	}
	if (err != nil) != (bad > 0) {
		t.Fatalf("%d items are bad, and the error is %v", bad, err)
	}
	if err != nil && strings.Count(err.Error(), "nexmo: list: item ") != bad {
		t.Fatalf("%d items are bad, and the error is %v", bad, err)
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
		found, err := l.read()
		if err != nil || len(found.events)+len(found.bad) != 100 || l.wrong != maxWrong {
			t.Errorf("%s: %d events, %d bad, %v, %d guesses were wrong", item, len(found.events), len(found.bad), err, l.wrong)
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
