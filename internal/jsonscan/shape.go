package jsonscan

import (
	"strconv"
	"strings"
)

// ShapeError says which value is valid JSON, but not what the caller documents.
// It never holds a value; see [Scanner.ShapeFrom] for the names it may hold.
type ShapeError struct {
	Path  string // as in body.to[3].number; empty for the outermost value
	Want  string // what is documented
	Found string // the kind of value that is there instead
}

// Error implements error.
func (e *ShapeError) Error() string {
	text := "want " + e.Want + ", found " + e.Found
	if e.Path == "" {
		return text
	}
	return e.Path + ": " + text
}

// Mismatch skips the next value, remembering that it is not what the caller
// wants. Only the first mismatch is remembered.
func (s *Scanner) Mismatch(want string) {
	found, at := s.Peek(), s.pos
	s.skip()
	s.note(at, want, found)
}

// Fail is Mismatch for the value at an offset that was consumed already.
func (s *Scanner) Fail(offset int, want string) {
	at := Scanner{raw: s.raw, src: s.src, pos: min(max(offset, 0), len(s.raw))}
	found := at.Peek()
	s.note(at.pos, want, found)
}

// Shape is the first mismatch, a [*ShapeError], or nil. After a syntax error it
// is nil: what is not JSON has no shape.
func (s *Scanner) Shape() error {
	return s.ShapeFrom(s.root, "")
}

// ShapeFrom is Shape with a path that begins with prefix, which stands for the
// value at offset start. Member names in the path that are long or not made of
// letters, digits and a few signs are replaced with a question mark, so that
// the error can go into a log.
func (s *Scanner) ShapeFrom(start int, prefix string) error {
	if !s.mismatched || s.err != nil {
		return nil
	}
	walker := Scanner{raw: s.raw, src: s.src, pos: start}
	path := []byte(prefix)
	walker.walk(s.mismatchAt, &path)
	return &ShapeError{
		Path:  strings.TrimPrefix(string(path), "."),
		Want:  s.mismatchWant,
		Found: s.mismatchFound.found(),
	}
}

// ResetShape forgets the mismatch, so that the next one is remembered.
func (s *Scanner) ResetShape() {
	s.mismatched, s.mismatchAt, s.mismatchWant, s.mismatchFound = false, 0, "", 0
}

// refuse deals with a value that is not what the caller wants. A null stands for
// a value that is absent and is no mismatch.
func (s *Scanner) refuse(want string) {
	if !s.Null() {
		s.Mismatch(want)
	}
}

// note remembers a mismatch if it is the first.
func (s *Scanner) note(at int, want string, found Kind) {
	if s.mismatched || s.err != nil {
		return
	}
	s.mismatched, s.mismatchAt, s.mismatchWant, s.mismatchFound = true, at, want, found
}

// walk goes through the next value up to the byte at target and reports whether
// it got there. If so, path was extended to the innermost value with that byte.
func (s *Scanner) walk(target int, path *[]byte) bool {
	kind, outer := s.Peek(), len(*path)
	if s.pos >= target {
		return true
	}
	switch kind {
	case '{':
		for o, _ := s.Object(); s.Next(&o); {
			*path = append(append((*path)[:outer], '.'), pathName(s.Name(&o))...)
			if s.walk(target, path) {
				return true
			}
		}
	case '[':
		a, _ := s.Array()
		for i := int64(0); s.More(&a); i++ {
			*path = append(strconv.AppendInt(append((*path)[:outer], '['), i, 10), ']')
			if s.walk(target, path) {
				return true
			}
		}
	default:
		s.skip()
	}
	*path = (*path)[:outer]
	return s.pos > target
}

// pathName is a member name as it may appear in a path.
func pathName(name string) string {
	if name == "" || len(name) > 64 {
		return "?"
	}
	for i := range len(name) {
		switch c := name[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == ':', c == '.', c == '-':
		default:
			return "?"
		}
	}
	return name
}

// found names a kind in a [ShapeError].
func (k Kind) found() string {
	switch k {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "text"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "nothing"
}
