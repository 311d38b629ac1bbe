package nexmo

import (
	"cmp"
	"net/url"
	"strings"
)

// Page is a page of a list. What its items hold as Raw and as text, but for those of
// an [Event], is part of the whole answer, and keeps it in memory.
type Page[T any] struct {
	Items []*T   // in the order of the list
	Next  string // the cursor of the next page; "" at the end
	Prev  string // the cursor of the page before; "" at the start
}

// pageInfo is what a list tells beside its items.
type pageInfo struct {
	name       string // of the items, such as events
	next, prev string // the cursors of the page

	found     bool   // there is an array of items
	misplaced string // the first field that should hold the array or lead to it, and does not
	object    bool   // it is an object, not an array
	empty     bool   // without fields
	paged     bool   // with a field that pages have
	typed     bool   // with a field that events have
}

// readList reads a list in any of the shapes in which the service sends one: an
// array, or a page. The items of a page are _embedded itself, or _embedded.<name>,
// or else _embedded.data.<name>. array reads an array of items. Without an array,
// readList returns the zero T.
func readList[T any](s *scanner, name string, array func() T) (items T, l pageInfo) {
	l.name = name
	if s.Peek() == '[' {
		l.found = true
		return array(), l
	}
	l.object, l.empty = s.Peek() == '{', true
	o, _ := s.Object()
	for s.Next(&o) {
		l.empty = false
		switch s.Name(&o) {
		case "_embedded":
			l.paged = true
			items, l.found = readEmbedded(s, &l, array, 1)
			continue
		case "_links":
			l.paged = true
			l.next, l.prev = decodeCursors(s)
			continue
		case "page_size":
			l.paged = true
		case "type", "event_type":
			l.typed = true
		}
		s.Unknown(&o)
	}
	return items, l
}

// readEmbedded reads the value of _embedded, or of data in it, where depth is 0.
func readEmbedded[T any](s *scanner, l *pageInfo, array func() T, depth int) (items T, found bool) {
	if s.Peek() != '{' {
		return readItems(s, l, "_embedded", array)
	}
	var inner T // of data: the other ones come first
	var innerFound bool
	o, _ := s.Object()
	for s.Next(&o) {
		switch {
		case s.Name(&o) == l.name:
			items, found = readItems(s, l, "_embedded."+l.name, array)
		case s.Name(&o) == "data" && depth > 0:
			inner, innerFound = readEmbedded(s, l, array, depth-1)
		default:
			s.Unknown(&o)
		}
	}
	if !found {
		return inner, innerFound
	}
	return items, true
}

// readItems reads an array of items. What is no array is skipped and noted.
func readItems[T any](s *scanner, l *pageInfo, path string, array func() T) (items T, found bool) {
	switch s.Peek() {
	case '[':
		return array(), true
	case 'n':
	default:
		l.misplaced = cmp.Or(l.misplaced, path)
	}
	s.Array()
	return items, false
}

// decodeCursors reads the links of a page and returns the cursors in them.
func decodeCursors(s *scanner) (next, prev string) {
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "next":
			next = cursorOf(decodeHref(s))
		case "prev":
			prev = cursorOf(decodeHref(s))
		default:
			s.Unknown(&o)
		}
	}
	return next, prev
}

func decodeHref(s *scanner) string {
	if s.Peek() == '"' {
		href, _ := s.Text()
		return href
	}
	var l link
	l.decode(s)
	return l.Href
}

// link is an entry of _links.
//
//gen:decode
type link struct {
	Href string `json:"href"`
}

// cursorOf returns the cursor in the query of a link. A cursor holds plus signs,
// which are not always escaped: one stands for itself, not for a blank.
func cursorOf(href string) string {
	href, _, _ = strings.Cut(href, "#")
	_, query, _ := strings.Cut(href, "?")
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if name, value, _ := strings.Cut(pair, "="); name == "cursor" {
			if cursor, err := url.PathUnescape(value); err == nil {
				return cursor
			}
			return value
		}
	}
	return ""
}
