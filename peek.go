package nexmo

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"unicode/utf8"
)

// fieldWalk walks the fields of a JSON object by quotes and brackets alone: what is
// between them is not looked at, so that a text that is no JSON can be walked as far as
// it goes.
type fieldWalk struct {
	data  []byte
	i     int
	whole bool // the object has ended, and nothing follows

	name  []byte // of the field, as it is written between the quotes
	value []byte // of the field, without blanks around it
	start int    // where the name begins, with its quote
	end   int    // where the value ends
}

// walkFields begins in front of the first field of an object. Any other text has none.
func walkFields(data []byte) fieldWalk {
	m := fieldWalk{data: data}
	m.i = m.blanks(0)
	if m.i == len(data) || data[m.i] != '{' {
		m.i = len(data)
	}
	return m
}

// next goes on to the next field, and reports whether there is one.
func (m *fieldWalk) next() bool {
	if m.i == len(m.data) {
		return false
	}
	before := m.data[m.i]
	i := m.blanks(m.i + 1)
	first := m.start == 0
	if first && i < len(m.data) && m.data[i] == '}' {
		before, i = '}', m.blanks(i+1)
	}
	switch {
	case before == '}':
		m.whole = i == len(m.data)
		return false
	case i == len(m.data) || m.data[i] != '"' || !first && before != ',':
		return false
	}
	quote := skipText(m.data, i+1)
	colon := m.blanks(min(quote+1, len(m.data)))
	if colon == len(m.data) || m.data[colon] != ':' {
		return false
	}
	from := m.blanks(colon + 1)
	to := skipItem(m.data, from)
	m.name, m.start = m.data[i+1:quote], i
	m.value = bytes.TrimRight(m.data[from:to], " \t\r\n")
	m.end = from + len(m.value)
	m.i = m.blanks(to)
	return true
}

// key returns the name of the field, without escapes.
func (m *fieldWalk) key() string {
	name := string(m.name)
	if bytes.IndexByte(m.name, '\\') >= 0 {
		_ = json.Unmarshal(m.data[m.start:m.start+len(m.name)+2], &name) // else it stays as it is written
	}
	return name
}

// putInFront returns an object with a field put in front, in place of those of its name.
// The rest stays as it is written.
func putInFront(object []byte, name string, value []byte) []byte {
	text := slices.Concat([]byte(`{"`), []byte(name), []byte(`":`), value)
	there, others := false, false
	for f := walkFields(object); f.next(); {
		if f.key() == name {
			there = true
		} else {
			others = true
		}
	}
	if !there {
		if others {
			text = append(text, ',')
		}
		return append(text, object[bytes.IndexByte(object, '{')+1:]...)
	}
	for f := walkFields(object); f.next(); {
		if f.key() != name {
			text = append(append(text, ','), object[f.start:f.end]...)
		}
	}
	return append(text, '}')
}

// blanks returns the offset of the next byte that is no blank.
func (m *fieldWalk) blanks(i int) int {
	for i < len(m.data) && (m.data[i] == ' ' || m.data[i] == '\t' || m.data[i] == '\r' || m.data[i] == '\n') {
		i++
	}
	return i
}

// peeked is what the top level of a payload says of which event it is.
type peeked struct {
	conversationID, typ []byte // parts of the payload
	id                  EventID
}

// complete reports whether all three were found.
func (p *peeked) complete() bool { return p.conversationID != nil && p.typ != nil && p.id != 0 }

// take takes note of a field. It reports false for one that makes the payload unusual,
// although ParseEvent may understand it: a name with an escape, one of the three twice or
// empty, an ID that is not a plain number from 1, a text with an escape.
func (p *peeked) take(f *fieldWalk) bool {
	switch string(f.name) {
	case "conversation_id":
		return takeText(&p.conversationID, f.value)
	case "type":
		return takeText(&p.typ, f.value)
	case "id":
		id, ok := plainID(f.value)
		ok = ok && p.id == 0
		p.id = id
		return ok
	default:
		return bytes.IndexByte(f.name, '\\') < 0
	}
}

func takeText(to *[]byte, value []byte) bool {
	text := plainText(value)
	ok := text != nil && *to == nil
	*to = text
	return ok
}

// peek returns what the top level of a payload says of which event it is, as far as that
// can be read.
func peek(payload []byte) (p peeked) {
	for f := walkFields(payload); f.next(); {
		p.take(&f)
	}
	return p
}

// plainID reads an ID that is written as a whole number and not 0.
func plainID(value []byte) (EventID, bool) {
	id, err := strconv.ParseInt(string(value), 10, 64)
	return EventID(id), err == nil && value[0] > '0' // no sign either
}

// plainText returns what is between the quotes of a text that is not empty and has no
// escapes, or nil.
func plainText(value []byte) []byte {
	if len(value) < 3 || skipText(value, 1) != len(value)-1 {
		return nil // of a value, it is empty or not a text
	}
	text := value[1 : len(value)-1]
	if bytes.IndexByte(text, '\\') >= 0 || !utf8.Valid(text) {
		return nil
	}
	for _, c := range text {
		if c < ' ' {
			return nil
		}
	}
	return text
}
