package nexmotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// fields reads and validates the members of an object in a request: it notes what
// is wrong with them.
type fields struct {
	members map[string]json.RawMessage
	path    string // where the object is, such as "properties."
	faults  *[]invalidParameter
}

// anyLength is the limit of texts that have none.
const anyLength = math.MaxInt

// newFields reads the body of a request; no body is an empty object. It is
// stricter about JSON than clients are with answers: what is kept of it will be in one.
func newFields(body []byte) fields {
	f := fields{faults: new([]invalidParameter)}
	if len(bytes.TrimSpace(body)) == 0 {
		return f
	}
	if json.Unmarshal(body, &f.members) != nil {
		f.fault("", `"value" must be an object`)
		return f
	}
	var s jsonscan.Scanner
	s.Reset(string(body), body)
	s.Skip()
	s.End()
	if err := s.Err(); err != nil {
		f.fault("", `"value" is `+err.Error())
	}
	return f
}

// err returns the refusal if anything is wrong.
func (f fields) err() *apiError {
	if len(*f.faults) == 0 {
		return nil
	}
	return invalidParameters(*f.faults)
}

func (f fields) fault(name, reason string) {
	*f.faults = append(*f.faults, invalidParameter{f.path + name, reason})
}

// has reports whether a member is there and is not null.
func (f fields) has(name string) bool {
	v, ok := f.members[name]
	return ok && string(v) != "null"
}

// require notes members that are missing.
func (f fields) require(names ...string) {
	for _, name := range names {
		if !f.has(name) {
			f.fault(name, fmt.Sprintf("%q is required", name))
		}
	}
}

// text reads a text of up to limit characters. It returns nil if it is not
// mentioned; null is an empty text.
func (f fields) text(name string, limit int) *string {
	v, ok := f.members[name]
	if !ok {
		return nil
	}
	s := ""
	if err := json.Unmarshal(v, &s); err != nil {
		f.fault(name, fmt.Sprintf("%q must be a string", name))
		return nil
	}
	if utf8.RuneCountInString(s) > limit {
		f.fault(name, fmt.Sprintf("%q length must be less than or equal to %d characters long", name, limit))
		return nil
	}
	return &s
}

// word reads a text; "" if it is not mentioned.
func (f fields) word(name string, limit int) string {
	if s := f.text(name, limit); s != nil {
		return *s
	}
	return ""
}

// choice reads one of some words; "" if it is not mentioned. Their case does not
// matter.
func (f fields) choice(name string, words ...string) string {
	if !f.has(name) {
		return ""
	}
	s := strings.ToLower(f.word(name, anyLength))
	if !slices.Contains(words, s) {
		f.fault(name, fmt.Sprintf("%q must be one of [%s]", name, strings.Join(words, ", ")))
		return ""
	}
	return s
}

// address reads a URL; nil if it is not mentioned.
func (f fields) address(name string) *string {
	s := f.text(name, 2048)
	if s == nil || *s == "" {
		return s
	}
	if u, err := url.Parse(*s); err != nil || u.Scheme == "" {
		f.fault(name, fmt.Sprintf("%q must be a valid uri", name))
		return nil
	}
	return s
}

// integer reads a whole number; nil if it is not mentioned.
func (f fields) integer(name string, least, most int64) *int64 {
	if !f.has(name) {
		return nil
	}
	n, err := strconv.ParseInt(string(f.members[name]), 10, 64)
	switch {
	case err != nil:
		f.fault(name, fmt.Sprintf("%q must be an integer", name))
	case n < least:
		f.fault(name, fmt.Sprintf("%q must be larger than or equal to %d", name, least))
	case n > most:
		f.fault(name, fmt.Sprintf("%q must be less than or equal to %d", name, most))
	default:
		return &n
	}
	return nil
}

// object reads an object; it is empty if it is not mentioned.
func (f fields) object(name string) fields {
	inner := fields{path: f.path + name + ".", faults: f.faults}
	if f.has(name) && json.Unmarshal(f.members[name], &inner.members) != nil {
		f.fault(name, fmt.Sprintf("%q must be an object", name))
	}
	return inner
}

// raw returns a member as it is, which must be of a kind: '{' or '['. It is nil
// if it is not mentioned.
func (f fields) raw(name string, kind byte) json.RawMessage {
	if !f.has(name) {
		return nil
	}
	v := f.members[name]
	if v[0] != kind {
		f.fault(name, fmt.Sprintf("%q must be %s", name, map[byte]string{'{': "an object", '[': "an array"}[kind]))
		return nil
	}
	return v
}
