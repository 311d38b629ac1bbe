// Package jsonscan is a scanner over one JSON text, made for generated
// decoders: they ask for the value they document and the scanner either hands
// it out or remembers what was wrong.
//
// Two kinds of error are kept apart. A syntax error ([Scanner.Err]) says that
// the text is not JSON; it ends the scan. A shape error ([Scanner.Shape]) says
// that a value is valid JSON of another kind than the caller documents; the
// value is skipped, and the scan goes on.
//
// A scanner reads strictly or leniently. Strict is for what decides whom to trust.
// Accepted is what RFC 8259 allows, less what two readers may understand
// differently: invalid UTF-8, unpaired surrogate escapes, duplicate member
// names, and nesting deeper than [MaxDepth]. That holds for skipped values too.
//
// Lenient is for what is trusted already, see [Scanner.ResetLenient]: of the four,
// only the nesting is refused.
package jsonscan

import (
	"strconv"
)

// MaxDepth is how deeply objects and arrays may be nested. Some methods call
// themselves once per level, so it is also what bounds the use of the stack.
const MaxDepth = 512

// fewNames is how many unknown names of one object are compared one by one. More
// go into a map, so that time stays linear in the text.
const fewNames = 32

// Reasons that more than one method gives.
const (
	reasonValue     = "value expected"
	reasonDuplicate = "duplicate member name"
)

// Kind is the kind of a JSON value: one of '{', '[', '"', '0' (any number),
// 't', 'f' and 'n'. It is 0 where no value begins.
type Kind byte

// Scanner reads one JSON text from its beginning to its end. Call
// [Scanner.Reset] before first use; a Scanner can be used for many texts, one
// after the other, and is not safe for concurrent use.
//
// Every member that [Scanner.Next] and every element that [Scanner.More]
// announces has to be consumed by exactly one of the other methods.
//
// It is made to live on the stack, where the garbage collector need not be told of
// what is written: its methods let go of no pointer to it, and what they write
// often holds no pointers.
type Scanner struct {
	raw  []byte // the text
	src  string // the same bytes, of which all that is returned is a part; may be empty
	root int    // offset of the outermost value
	pos  int    // offset of the next byte
	// depth is the number of objects and arrays that are open.
	depth   int
	lenient bool
	err     *SyntaxError // first syntax error

	// Where the unknown names of all open objects begin, outermost first.
	names [fewNames]int32
	more  []int32 // those behind names
	held  int     // how many there are

	mismatched bool
	first      mismatch // if mismatched
	all        []mismatch
	most       int // how many are to be kept in all
}

// SyntaxError says where and why a text is not acceptable JSON. It never holds
// a part of the text.
type SyntaxError struct {
	Offset int    // of the byte that cannot be accepted
	Reason string // one of a fixed set
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return "invalid JSON at byte " + strconv.Itoa(e.Offset) + ": " + e.Reason
}

// Reset makes the scanner read a new text, given twice: the scanner reads raw, and
// the strings that it returns are sub-strings of src. Both must hold the same
// bytes, and raw must not change before the last call. If src is empty, each string
// is a copy of its own: that is for callers who want few of many. Reset panics if
// src is not empty and the lengths differ.
func (s *Scanner) Reset(src string, raw []byte) {
	if src != "" && len(src) != len(raw) {
		panic("jsonscan: the two copies of the text differ in length")
	}
	// One by one: names need not be cleared.
	s.src, s.raw = src, raw
	s.pos, s.depth, s.held = 0, 0, 0
	s.err, s.mismatched, s.lenient = nil, false, false
	s.all, s.most = nil, 0
	s.next()
	s.root = s.pos
}

// ResetLenient is Reset for a text that is read as far as it can be. What is not
// Unicode is read as U+FFFD, as encoding/json does; of the members with one name the
// caller gets all, and the last counts, see [Scanner.Again]. A number is read as text
// where text is wanted, and a text as the number that it holds. [Scanner.Time] reads
// more forms.
func (s *Scanner) ResetLenient(src string, raw []byte) {
	s.Reset(src, raw)
	s.lenient = true
}

// Err is the first syntax error, a [*SyntaxError], or nil. After one, every
// method returns its zero value, and [Scanner.Next] and [Scanner.More] end
// their loops.
func (s *Scanner) Err() error {
	if s.err == nil {
		return nil
	}
	return s.err
}

// End records a syntax error unless only whitespace follows.
func (s *Scanner) End() {
	if s.next(); s.pos < len(s.raw) {
		s.fail(s.pos, "text after the outermost value")
	}
}

// Offset is the offset of the next value.
func (s *Scanner) Offset() int {
	s.next()
	return s.pos
}

// Peek tells the kind of the next value by its first byte, consuming only
// whitespace. It records no error.
func (s *Scanner) Peek() Kind { return kinds[s.next()] }

// kinds is the kind of value that begins with a byte.
var kinds = [256]Kind{
	'{': '{', '[': '[', '"': '"', 't': 't', 'f': 'f', 'n': 'n', '-': '0',
	'0': '0', '1': '0', '2': '0', '3': '0', '4': '0', '5': '0', '6': '0', '7': '0', '8': '0', '9': '0',
}

// Seek continues at an offset of text that was read before without error, to
// decode a value that had been skipped or to return to where the scan was. The
// new position counts as inside one object or array, unless it is that of the
// outermost value. After a syntax error Seek does nothing.
func (s *Scanner) Seek(pos int) {
	if s.err != nil {
		return
	}
	s.pos = min(max(pos, 0), len(s.raw))
	s.depth = 1
	if s.pos <= s.root {
		s.depth = 0
	}
}

// fail records a syntax error, unless there is one already, and ends the scan:
// with the position at the end, whatever is asked next finds nothing.
func (s *Scanner) fail(at int, reason string) {
	if at >= len(s.raw) {
		reason = "unexpected end of text"
	}
	if s.err == nil {
		s.err = &SyntaxError{Offset: at, Reason: reason}
	}
	s.pos = len(s.raw)
}

// next skips whitespace and returns the byte there, 0 at the end of the text.
// (A zero byte in the text is as unacceptable as the end.)
func (s *Scanner) next() byte {
	if s.pos < len(s.raw) {
		if c := s.raw[s.pos]; c > ' ' {
			return c
		}
	}
	return s.blanks()
}

// blanks is next where there is whitespace, or nothing.
func (s *Scanner) blanks() byte {
	for ; s.pos < len(s.raw); s.pos++ {
		if c := s.raw[s.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
	}
	return 0
}

// enter consumes the opening byte of an object or array.
func (s *Scanner) enter() bool {
	if s.depth >= MaxDepth {
		s.fail(s.pos, "nested too deeply")
		return false
	}
	s.depth++
	s.pos++
	return true
}

// leave consumes the closing byte of an object or array.
func (s *Scanner) leave() {
	s.depth--
	s.pos++
}

// progress is how far the walk through an object or array has come. Its zero
// value ends the loop of a caller that went on without having entered one:
// otherwise that loop would take what follows for its own.
type progress byte

const (
	over progress = iota
	begun
	inside // at least one member or element was announced
)

// view is a part of the text to hand out.
func (s *Scanner) view(start, end int) string {
	if s.src == "" {
		return string(s.raw[start:end])
	}
	return s.src[start:end]
}

// Array is the state of walking through one array. The zero Array has no
// elements.
type Array struct {
	walk progress
}

// Array enters the next value if it is an array. A null is consumed; for
// anything else a mismatch is recorded. Both give false.
func (s *Scanner) Array() (Array, bool) {
	if s.Peek() != '[' {
		s.refuse("array")
		return Array{}, false
	}
	if !s.enter() {
		return Array{}, false
	}
	return Array{walk: begun}, true
}

// More reports whether an element follows. It returns false at the end of the
// array, which it then leaves, and after a syntax error.
func (s *Scanner) More(a *Array) bool {
	c := s.next()
	switch {
	case a.walk == over:
		return false
	case c == ']':
		a.walk = over
		s.leave()
		return false
	case a.walk == begun:
		a.walk = inside
	case c == ',':
		s.pos++
	default:
		s.fail(s.pos, "comma or closing bracket expected")
		return false
	}
	if s.Peek() == 0 {
		s.fail(s.pos, reasonValue)
		return false
	}
	return true
}

// Raw consumes a value and returns its text. It returns false for null.
func (s *Scanner) Raw() (string, bool) {
	if s.Null() {
		return "", false
	}
	start, end := s.Skip()
	return s.view(start, end), s.err == nil
}

// Skip consumes a value of any kind and returns where it begins and ends.
func (s *Scanner) Skip() (start, end int) {
	start = s.Offset()
	s.skip()
	if s.err != nil {
		return 0, 0
	}
	return start, s.pos
}

// Since returns the text from an offset on that has been consumed; "" after a
// syntax error.
func (s *Scanner) Since(start int) string {
	if s.err != nil {
		return ""
	}
	return s.view(start, s.pos)
}

// skip consumes a value of any kind, checking all of it.
func (s *Scanner) skip() {
	switch s.Peek() {
	case '{':
		for o, _ := s.Object(); s.Next(&o); {
			s.Unknown(&o)
		}
	case '[':
		for a, _ := s.Array(); s.More(&a); {
			s.skip()
		}
	case '"':
		s.quoted()
	case '0':
		s.digits()
	case 't':
		s.literal("true")
	case 'f':
		s.literal("false")
	case 'n':
		s.literal("null")
	default:
		s.fail(s.pos, reasonValue)
	}
}
