package nexmo

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
)

// ParseEvents reads a list of events: a bare array, or a page of any version.
// Links of the page are not followed; an empty object is an empty list.
//
// It fails only for what is not a list, with a [*DecodeError]. An element that [ParseEvent]
// refuses, even one that is not JSON, becomes an [Event] too, at its place: with the ID
// and the ConversationID, as far as they can be read, no Type, and a [*RawBody] whose Err
// says what is wrong.
func ParseEvents(data []byte) ([]*Event, error) {
	page, err := parsePage(data)
	if err != nil {
		return nil, err
	}
	return page.Items, nil
}

// parsePage is ParseEvents with the cursors of the page.
func parsePage(data []byte) (*Page[Event], error) {
	data = withoutMark(data)
	l := listing{data: data}
	l.s.Reset("", data)
	events, err := l.read()
	if err != nil {
		return nil, &DecodeError{Err: fmt.Errorf("list: %w", err)}
	}
	return &Page[Event]{Items: events, Next: l.next, Prev: l.prev}, nil
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

func (l *listing) read() ([]*Event, error) {
	s := &l.s
	events, page := readList(s, "events", l.items)
	l.next, l.prev = page.next, page.prev
	s.End()
	if events == nil {
		events = []*Event{}
	}
	return events, cmp.Or(s.Err(), page.eventsErr())
}

// eventsErr says why a text is not a list of events.
func (l *pageInfo) eventsErr() error {
	switch {
	case l.found:
		return nil
	case !l.object:
		return errors.New("want an array of events, or a page of them")
	case l.misplaced == "_embedded":
		return errors.New("_embedded: want an array of events, or an object that holds one")
	case l.misplaced != "":
		return errors.New(l.misplaced + ": want an array")
	case l.typed: // its _embedded and _links are its own
		return errors.New("this is a single event: use ParseEvent")
	case l.paged || l.empty:
		return nil
	default:
		return errors.New("no _embedded: this is no page of events")
	}
}

func (l *listing) items() []*Event {
	events := []*Event{}
	a, _ := l.s.Array()
	for l.s.More(&a) {
		start := l.s.Offset()
		e, end := l.item(start)
		l.s.Seek(end)
		if len(events) == 0 { // others will be about as long; a page has 100 at most
			events = make([]*Event, 0, min(1+len(l.data[end:])/(end-start), 100))
		}
		events = append(events, e)
	}
	return events
}

// item parses the item at an offset and returns where it ends.
func (l *listing) item(start int) (e *Event, end int) {
	var err error
	guess := 0
	if l.data[start] == '{' && l.wrong < maxWrong {
		guess = closingBrace(l.data, start)
		if e, err = ParseEvent(l.data[start:guess]); err == nil {
			return e, guess // only what ends there can be parsed
		}
	}
	if end = skipItem(l.data, start); end != guess {
		e, err = ParseEvent(l.data[start:end])
		if guess > 0 {
			l.wrong++
		}
	}
	if err != nil {
		e = unusable(bytes.TrimRight(l.data[start:end], " \t\r\n"), errors.Unwrap(err))
	}
	return e, end
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
