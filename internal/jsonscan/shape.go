package jsonscan

import (
	"slices"
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

// mismatch is a value that is not what the caller wants.
type mismatch struct {
	at    int // where it begins
	want  string
	found Kind
}

// Mismatch skips the next value, remembering that it is not what the caller
// wants.
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
	err, _ := s.shapeOf(s.first, start, prefix)
	return err
}

// shapeOf returns a mismatch within the value at offset start, and whether it counts: it
// does not in a member whose name is there once more further on.
func (s *Scanner) shapeOf(m mismatch, start int, prefix string) (err *ShapeError, counts bool) {
	w := walker{Scanner: Scanner{raw: s.raw, src: s.src, pos: start, lenient: true}, target: m.at, path: []byte(prefix)}
	w.walk()
	return &ShapeError{Path: strings.TrimPrefix(string(w.path), "."), Want: m.want, Found: m.found.Found()}, !w.replaced
}

// Collect makes the scanner remember mismatches beyond the first, up to a number of
// them. Reset ends that.
func (s *Scanner) Collect(most int) { s.most = most }

// Collected returns the mismatches since Collect, in the order of the text. The path of
// one between the offsets start and end begins at the value at start, that of another at
// the outermost value. Those of members that a later one with the same name replaces are
// left out. After a syntax error it is empty.
func (s *Scanner) Collected(start, end int) []*ShapeError {
	if s.err != nil {
		return nil
	}
	slices.SortStableFunc(s.all, func(a, b mismatch) int { return a.at - b.at })
	var list []*ShapeError
	for i, m := range s.all {
		if i > 0 && m.at == s.all[i-1].at {
			continue // the value was read twice
		}
		from := s.root
		if start <= m.at && m.at < end {
			from = start
		}
		if err, counts := s.shapeOf(m, from, ""); counts {
			list = append(list, err)
		}
	}
	return list
}

// refuse deals with a value that is not what the caller wants. A null stands for
// a value that is absent and is no mismatch.
func (s *Scanner) refuse(want string) {
	if !s.Null() {
		s.Mismatch(want)
	}
}

// note remembers a mismatch.
func (s *Scanner) note(at int, want string, found Kind) {
	if s.err != nil {
		return
	}
	m := mismatch{at, want, found}
	if !s.mismatched {
		s.mismatched, s.first = true, m
	}
	if len(s.all) < s.most {
		s.all = append(s.all, m)
	}
}

// walker looks for the path of a value.
type walker struct {
	Scanner
	target   int // where the value begins
	path     []byte
	replaced bool // a member on the path is there once more further on
}

// walk consumes the next value and reports whether the byte at target is in it. If so,
// path was extended to the innermost value with that byte.
func (w *walker) walk() bool {
	kind, outer := w.Peek(), len(w.path)
	found := w.pos >= w.target
	switch {
	case found:
		w.skip()
	case kind == '{':
		name := "" // on the path
		for o, _ := w.Object(); w.Next(&o); {
			if found {
				w.replaced = w.replaced || w.Name(&o) == name
				w.skip()
				continue
			}
			name = w.Name(&o)
			w.path = append(append(w.path[:outer], '.'), pathName(name)...)
			found = w.walk()
		}
	case kind == '[':
		a, _ := w.Array()
		for i := int64(0); w.More(&a); i++ {
			if found {
				w.skip()
				continue
			}
			w.path = append(strconv.AppendInt(append(w.path[:outer], '['), i, 10), ']')
			found = w.walk()
		}
	default:
		w.skip()
	}
	if !found {
		w.path = w.path[:outer]
	}
	return found || w.pos > w.target
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

// Found names a kind as a [ShapeError] does.
func (k Kind) Found() string {
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
