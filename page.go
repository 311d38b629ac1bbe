package nexmo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
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

// decode reads a page whose items are _embedded itself, or _embedded.name, or
// _embedded.data.name.
func (p *Page[T]) decode(s *scanner, name string, items func()) {
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "_embedded":
			s.Once(&o, 0)
			embedded(s, name, items, 1)
		case "_links":
			s.Once(&o, 1)
			p.Next, p.Prev = decodeCursors(s)
		default:
			s.Unknown(&o)
		}
	}
}

func embedded(s *scanner, name string, items func(), depth int) {
	if s.Peek() != '{' {
		items()
		return
	}
	o, _ := s.Object()
	for s.Next(&o) {
		switch {
		case s.Name(&o) == name:
			s.Once(&o, 0)
			items()
		case s.Name(&o) == "data" && depth > 0:
			s.Once(&o, 1)
			embedded(s, name, items, depth-1)
		default:
			s.Unknown(&o)
		}
	}
}

// decodeCursors reads the links of a page and returns the cursors in them.
func decodeCursors(s *scanner) (next, prev string) {
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "next":
			s.Once(&o, 0)
			next = cursorOf(decodeHref(s))
		case "prev":
			s.Once(&o, 1)
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

// ParseEvents reads a list of events: a bare array, or a page of any version.
// Links of the page are not followed; an empty object is an empty list.
//
// When some events of the list cannot be used, be it that their text is not strict
// JSON, it returns the others, with an error that names each bad one by its place.
func ParseEvents(data []byte) ([]*Event, error) {
	page, err := parsePage(data)
	return page.Items, err
}

// parsePage is ParseEvents with the cursors of the page.
func parsePage(data []byte) (*Page[Event], error) {
	l := listing{data: data}
	l.s.Reset("", data)
	found, err := l.read()
	if err != nil {
		return &Page[Event]{}, &DecodeError{Err: fmt.Errorf("list: %w", err)}
	}
	return &Page[Event]{Items: found.events, Next: l.next, Prev: l.prev}, errors.Join(found.bad...)
}

// listing reads a list of events.
type listing struct {
	s          scanner
	data       []byte
	next, prev string // the cursors of the page
	wrong      int    // how many guesses were, of where an item ends
}

// maxWrong is how many guesses may be wrong: each can cost as much as closingBrace
// looks at, for an item of a few bytes.
const maxWrong = 4

// items is what an array of events holds.
type items struct {
	events []*Event
	bad    []error // the others
}

func (l *listing) read() (*items, error) {
	s := &l.s
	var found *items
	var err error
	switch s.Peek() {
	case '[':
		found = l.items()
	case '{':
		found, err = l.page()
	default:
		s.Skip()
		err = errors.New("want an array of events, or a page of them")
	}
	s.End()
	if found == nil {
		found = &items{events: []*Event{}}
	}
	return found, cmp.Or(s.Err(), err)
}

func (l *listing) items() *items {
	found := &items{events: []*Event{}}
	a, _ := l.s.Array()
	for i := 0; l.s.More(&a); i++ {
		start := l.s.Offset()
		e, end, err := l.item(start)
		l.s.Seek(end)
		if err != nil {
			found.bad = append(found.bad, fmt.Errorf("nexmo: list: item %d: %w", i, err))
			continue
		}
		if len(found.events) == 0 { // others will be about as long; a page has 100 at most
			found.events = make([]*Event, 0, min(1+len(l.data[end:])/(end-start), 100))
		}
		found.events = append(found.events, e)
	}
	return found
}

// item parses the item at an offset and returns where it ends.
func (l *listing) item(start int) (e *Event, end int, err error) {
	guess := 0
	if l.data[start] == '{' && l.wrong < maxWrong {
		guess = closingBrace(l.data, start)
		if e, err = ParseEvent(l.data[start:guess]); err == nil {
			return e, guess, nil // only what ends there can be parsed
		}
	}
	if end = skipItem(l.data, start); end != guess {
		e, err = ParseEvent(l.data[start:end])
		if guess > 0 {
			l.wrong++
		}
	}
	return e, end, err
}

// closingBrace returns the end of the object at an offset, if there are no braces
// in its texts and it is not very long. Else it returns any other place behind it.
func closingBrace(data []byte, i int) int {
	const most = 8 << 10
	data = data[:min(len(data), i+most)]
	for depth := 0; ; {
		n := bytes.IndexByte(data[i:], '}')
		if n < 0 {
			return i
		}
		depth += bytes.Count(data[i:i+n], []byte{'{'}) - 1
		if i += n + 1; depth <= 0 {
			return i
		}
	}
}

// skipItem returns the end of the item at an offset, by its brackets alone. What
// is wrong within it, ParseEvent will say: it must not cost the other items.
func skipItem(data []byte, i int) int {
	depth := 0
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipText(data, i+1)
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i // it is the end of the list
			}
			if depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(data)
}

// skipText returns where the quote is that ends a text, or the end of data.
func skipText(data []byte, i int) int {
	for {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 {
			return len(data)
		}
		i += n
		escapes := 0
		for data[i-1-escapes] == '\\' { // the quote in front of the text is none
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
		i++
	}
}

// page reads a page: the array of events is _embedded itself, or events or
// data.events in it.
func (l *listing) page() (found *items, err error) {
	s := &l.s
	single, paged, empty := false, false, true
	o, _ := s.Object()
	for s.Next(&o) {
		empty = false
		switch s.Name(&o) {
		case "_embedded":
			s.Once(&o, 0)
			paged = true
			found, err = l.embeddedItems(0)
			continue
		case "_links":
			s.Once(&o, 1)
			paged = true
			l.next, l.prev = decodeCursors(s)
			continue
		case "page_size":
			paged = true
		case "type", "event_type":
			single = true
		}
		s.Unknown(&o)
	}
	switch {
	case err != nil || found != nil:
		return found, err
	case single: // its _embedded and _links are its own
		return nil, errors.New("this is a single event: use ParseEvent")
	case paged || empty:
		return nil, nil
	default:
		return nil, errors.New("no _embedded: this is no page of events")
	}
}

func (l *listing) embeddedItems(depth int) (found *items, err error) {
	s := &l.s
	switch s.Peek() {
	case '[':
		return l.items(), nil
	case 'n':
		s.Null()
		return nil, nil
	case '{':
	default:
		s.Skip()
		return nil, errors.New("_embedded: want an array of events, or an object that holds one")
	}
	var inner *items
	o, _ := s.Object()
	for s.Next(&o) {
		switch {
		case s.Name(&o) == "events":
			s.Once(&o, 0)
			switch s.Peek() {
			case '[':
				found = l.items()
			case 'n':
				s.Null()
			default:
				s.Skip()
				err = errors.New("_embedded.events: want an array")
			}
		case s.Name(&o) == "data" && depth == 0:
			s.Once(&o, 1)
			var derr error
			inner, derr = l.embeddedItems(1)
			err = cmp.Or(err, derr)
		default:
			s.Unknown(&o)
		}
	}
	if found != nil {
		return found, nil
	}
	return inner, err
}
