package nexmo_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"runtime"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// memory is where the bytes of a slice or a string are.
func memory[T byte](p *T, n int) [2]uintptr {
	start := uintptr(unsafe.Pointer(p))
	return [2]uintptr{start, start + uintptr(n)}
}

// eventMemory is where everything is that an event refers to.
func eventMemory(e *nexmo.Event) [][2]uintptr {
	var list [][2]uintptr
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			if s := v.String(); s != "" {
				list = append(list, memory(unsafe.StringData(s), len(s)))
			}
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				if b := v.Bytes(); cap(b) > 0 {
					list = append(list, memory(unsafe.SliceData(b), cap(b)))
				}
				return
			}
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Map:
			for key, value := range v.Seq2() {
				visit(key)
				visit(value)
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for _, field := range v.Fields() {
				visit(field)
			}
		}
	}
	visit(reflect.ValueOf(e))
	return list
}

func overlaps(a, b [][2]uintptr) bool {
	for _, x := range a {
		for _, y := range b {
			if x[0] < y[1] && y[0] < x[1] {
				return true
			}
		}
	}
	return false
}

// TestParseEventKeepsNothingOfData: data may be used again for something else.
func TestParseEventKeepsNothingOfData(t *testing.T) {
	t.Parallel()
	for name, text := range sampleEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := bytes.Clone(text)
			e := parseText(t, data)
			if overlaps(eventMemory(e), [][2]uintptr{memory(unsafe.SliceData(data), cap(data))}) {
				t.Error("the event refers to memory of data")
			}
			for i := range data {
				data[i] = 'x'
			}
			if diff := cmp.Diff(parseText(t, text), e, identical); diff != "" {
				t.Errorf("the event changed with data (-want +got):\n%s", diff)
			}
		})
	}
}

// TestEventsOfAPageShareNoMemory: an event that is kept does not keep the page,
// nor the other events of it.
func TestEventsOfAPageShareNoMemory(t *testing.T) {
	t.Parallel()
	page := readFile(t, "testdata/history.json")
	events, err := nexmo.ParseEvents(page)
	if err != nil {
		t.Fatal(err)
	}
	all := make([][][2]uintptr, len(events))
	for i, e := range events {
		all[i] = eventMemory(e)
		if overlaps(all[i], [][2]uintptr{memory(unsafe.SliceData(page), cap(page))}) {
			t.Errorf("event %d refers to memory of the page", e.ID)
		}
		for j := range i {
			if overlaps(all[i], all[j]) {
				t.Errorf("events %d and %d share memory", e.ID, events[j].ID)
			}
		}
	}
}

// TestParsedEventsAreCollected: neither the page nor an event that was let go is
// kept by another event or by the package.
func TestParsedEventsAreCollected(t *testing.T) {
	t.Parallel()
	kept, page, events, texts := parseAndLetGo(t)
	runtime.GC()
	if page.Value() != nil {
		t.Error("the page is still in memory")
	}
	for i := range events {
		if events[i].Value() != nil || texts[i].Value() != nil {
			t.Errorf("event %d of the others is still in memory", i)
		}
	}
	if kept.ID != 5 || kept.Type != "text" || !json.Valid(kept.Raw.Bytes()) {
		t.Errorf("the event that was kept is now %+v", kept)
	}
}

// parseAndLetGo parses a page and returns one event of it, and where the page,
// the other events and their texts were.
func parseAndLetGo(t *testing.T) (kept *nexmo.Event, page weak.Pointer[byte], events []weak.Pointer[nexmo.Event], texts []weak.Pointer[byte]) {
	t.Helper()
	data := readFile(t, "testdata/history.json")
	all, err := nexmo.ParseEvents(data)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all {
		if i == 4 {
			kept = e
			continue
		}
		events = append(events, weak.Make(e))
		texts = append(texts, weak.Make(unsafe.StringData(string(e.Raw))))
	}
	return kept, weak.Make(unsafe.SliceData(data)), events, texts
}
