package nexmo

import (
	"math/bits"
)

// index finds the handlers of an event type among many. It holds the types and
// families that handlers are registered for, and nothing of the types that events
// have. It belongs to one registry and does not change.
type index struct {
	types    table    // by type: its handlers, those of patterns included
	families *table   // by family: the handlers of a type that is not in types; nil without any
	any      []*entry // the handlers of all other types
}

const (
	// A registry with fewer than indexFrom handlers has no index: to compare them
	// one by one takes no memory, of which every Conversation would need some.
	indexFrom = 9

	// The index is made after indexAfter events, during which handlers are compared
	// one by one. That takes about as long as making the index does, which would
	// be wasted where a handler comes or goes with every event.
	indexAfter = 32

	// All lists of an index together hold at most indexMost times the handlers. Where
	// they would hold more, thousands of types and hundreds of patterns, there is no
	// index.
	indexMost = 64
)

// makeIndex makes the index when it is due, and returns nil until then.
func (r *registry) makeIndex() *index {
	if r.searches.Load() >= indexAfter || r.searches.Add(1) != indexAfter {
		return nil
	}
	x := newIndex(r.entries)
	r.index.Store(x)
	return x
}

// newIndex returns nil if the index would be too long.
func newIndex(entries []*entry) *index {
	types, families, patterns := map[string][]*entry{}, map[string][]*entry{}, 0
	for _, e := range entries {
		switch {
		case e.pattern == EventAny:
			patterns++
		case e.family != "":
			patterns++
			families[e.family] = nil
		default:
			types[string(e.pattern)] = nil
		}
	}
	if (len(types)+len(families))*patterns > indexMost*len(entries) {
		return nil
	}
	x := new(index)
	for _, e := range entries {
		if e.family == "" {
			types[string(e.pattern)] = append(types[string(e.pattern)], e)
			continue
		}
		for t, l := range types {
			if e.matches(EventType(t)) {
				types[t] = append(l, e)
			}
		}
		for f, l := range families {
			if e.matches(EventType(f)) {
				families[f] = append(l, e)
			}
		}
		if e.pattern == EventAny {
			x.any = append(x.any, e)
		}
	}
	x.types = newTable(types)
	if len(families) > 0 {
		t := newTable(families)
		x.families = &t
	}
	return x
}

// table maps keys to lists that are not empty, and does not change. A Go map takes
// more than twice as long to look one up, as long as the rest of Deliver: it has to
// withstand keys that an attacker chose, while these are those of the program.
type table struct {
	slots []slot // a power of two, of which more than half are empty
}

type slot struct {
	key  string
	list []*entry // nil: the slot is empty
}

func newTable(lists map[string][]*entry) table {
	t := table{make([]slot, 1<<bits.Len(uint(2*len(lists))))}
	for key, l := range lists {
		*t.slot(key) = slot{key, l}
	}
	return t
}

// slot returns the slot of key, or the empty one where it belongs.
func (t *table) slot(key string) *slot {
	var h uint64
	if n := len(key); n >= 8 && n <= 16 {
		h = mix(word(key), word(key[n-8:])^uint64(n))
	} else {
		h = hashOdd(key)
	}
	mask := uint64(len(t.slots) - 1) //nolint:gosec // there are slots
	for ; ; h++ {
		if s := &t.slots[h&mask]; s.list == nil || s.key == key {
			return s
		}
	}
}

// hashOdd hashes all bytes of a key that is shorter or longer than most.
func hashOdd(key string) uint64 {
	h := uint64(len(key))
	for ; len(key) > 16; key = key[8:] {
		h = mix(h, word(key))
	}
	switch n := len(key); {
	case n >= 8:
		return mix(h^word(key), word(key[n-8:]))
	case n >= 4:
		return mix(h^half(key), half(key[n-4:]))
	case n > 0:
		return mix(h^uint64(key[0])<<8|uint64(key[n/2]), uint64(key[n-1]))
	}
	return h
}

// mix makes one number of two.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0x9e3779b97f4a7c15, b^0xbf58476d1ce4e5b9)
	return hi ^ lo
}

func half(s string) uint64 {
	_ = s[3]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// word returns the first 8 bytes of s. The compiler makes one load of it.
func word(s string) uint64 {
	_ = s[7]
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 |
		uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
}
