package nexmo

import (
	"strings"
)

// recentTokens is the IDs of the last tokens.
type recentTokens struct {
	set      map[string]struct{}
	ring     []string
	next     int
	underWay map[string]struct{} // those whose events are
}

// begin reports whether no event with the token is under way: now one is.
func (t *recentTokens) begin(id string) bool {
	if _, ok := t.underWay[id]; ok {
		return false
	}
	if t.underWay == nil {
		t.underWay = make(map[string]struct{})
	}
	if id != "" {
		t.underWay[id] = struct{}{}
	}
	return true
}

func (t *recentTokens) end(id string) { delete(t.underWay, id) }

func (t *recentTokens) has(id string) bool {
	_, ok := t.set[id]
	return ok
}

func (t *recentTokens) add(id string, limit int) {
	if limit <= 0 || id == "" || t.has(id) {
		return
	}
	if t.set == nil {
		t.set = make(map[string]struct{})
	}
	id = strings.Clone(id) // a view of the whole token
	t.set[id] = struct{}{}
	if len(t.ring) < limit {
		t.ring = append(t.ring, id)
		return
	}
	delete(t.set, t.ring[t.next])
	t.ring[t.next] = id
	t.next = (t.next + 1) % len(t.ring)
}
