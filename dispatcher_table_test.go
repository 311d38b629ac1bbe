package nexmo

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// That an index is used, and how large it is, shows in no event.

func entriesOf(patterns ...EventType) []*entry {
	var d EventDispatcher
	for _, p := range patterns {
		d.On(p, func(context.Context, *Event) error { return nil })
	}
	return d.load().entries
}

// repeated returns n names that differ in a number.
func repeated(format string, n int) []EventType {
	var all []EventType
	for i := range n {
		all = append(all, EventType(fmt.Sprintf(format, i)))
	}
	return all
}

// With 8 handlers there is no index. With 9 it is made after 32 events, and then used.
func TestIndexIsMadeWhenItPays(t *testing.T) {
	t.Parallel()
	few := &registry{entries: entriesOf(repeated("custom:%d", 8)...)}
	for range 100 {
		if hs := few.find("custom:1"); !hs.mixed || few.searches.Load() != 0 {
			t.Fatal("8 handlers have an index, or count events for one")
		}
	}
	many := &registry{entries: entriesOf(repeated("custom:%d", 9)...)}
	for event := 1; event <= 100; event++ {
		hs := many.find("custom:1")
		if hs.mixed != (event < 32) {
			t.Fatalf("event %d: handlers of other types are among those that are found: %v", event, hs.mixed)
		}
		if !hs.mixed && (len(hs.entries) != 1 || hs.entries[0] != many.entries[1]) {
			t.Fatalf("event %d: %d handlers were found, want the one of the type", event, len(hs.entries))
		}
	}
}

// An index holds at most 64 entries for each handler. Where it would hold more there is
// none, and nobody counts events for it any more.
func TestIndexIsBounded(t *testing.T) {
	t.Parallel()
	patterns := slices.Concat(
		repeated("type%d", 64), repeated("type%d", 64), // 64 types, with two handlers each
		repeated("family%d:*", 64), slices.Repeat([]EventType{EventAny}, 64)) // and 128 patterns
	entries := entriesOf(patterns...)
	if newIndex(entries) == nil { // (64+64) lists of 128 patterns, which is 64 times 256 handlers
		t.Error("an index of 64 entries for each handler is not made")
	}
	if newIndex(entries[1:]) != nil {
		t.Error("an index of more than 64 entries for each handler is made")
	}
	r := &registry{entries: entries[1:]}
	for range 100 {
		if !r.find("type1").mixed {
			t.Fatal("it has an index")
		}
	}
	if got := r.searches.Load(); got != indexAfter {
		t.Errorf("%d events were counted, want %d", got, indexAfter)
	}
}

// A table is more than half empty, so that its lists are found soon, and not larger than that needs.
func TestTableSize(t *testing.T) {
	t.Parallel()
	for n := 1; n < 200; n++ {
		lists := map[string][]*entry{}
		for _, name := range repeated("custom:%d", n) {
			lists[string(name)] = []*entry{{}}
		}
		if got := len(newTable(lists).slots); got <= 2*n || got > 4*n {
			t.Errorf("%d lists have %d slots, want more than %d and at most %d", n, got, 2*n, 4*n)
		}
	}
}

// Types differ in one place or another: if a byte of a key did not count, those that
// differ there would all have one slot, and would be searched for one by one.
func TestEveryByteOfAKeyCounts(t *testing.T) {
	t.Parallel()
	empty := table{make([]slot, 1<<10)}
	home := func(key string) int {
		s := empty.slot(key)
		for i := range empty.slots {
			if &empty.slots[i] == s {
				return i
			}
		}
		return -1
	}
	used := map[bool]bool{}
	for n := range 50 {
		key := strings.Repeat("a", n)
		for i := range n {
			slots := map[int]bool{}
			for c := byte('a'); c <= 'z'; c++ {
				slot := home(key[:i] + string(c) + key[i+1:])
				slots[slot], used[slot%2 == 1] = true, true
			}
			if len(slots) < 5 { // of 26, in 1024 slots
				t.Errorf("keys of %d bytes that differ at %d have %d slots", n, i, len(slots))
			}
		}
	}
	if home("") < 0 || len(used) != 2 {
		t.Error("there are slots that no key has")
	}
}

func TestWordsOfAKey(t *testing.T) {
	t.Parallel()
	const key = "\x81\x92\xa3\xb4\xc5\xd6\xe7\xf8\xff"
	if got, want := word(key), binary.LittleEndian.Uint64([]byte(key)); got != want {
		t.Errorf("word: %x, want %x", got, want)
	}
	if got, want := half(key), uint64(binary.LittleEndian.Uint32([]byte(key))); got != want {
		t.Errorf("half: %x, want %x", got, want)
	}
}
