// Package jsonscan is a strict scanner over one JSON text, made for generated
// decoders: they ask for the value they document and the scanner either hands
// it out or remembers what was wrong.
//
// Two kinds of error are kept apart. A syntax error ([Scanner.Err]) says that
// the text is not JSON; it ends the scan. A shape error ([Scanner.Shape]) says
// that a value is valid JSON of another kind than the caller documents; the
// value is skipped, and the scan goes on.
//
// Accepted is what RFC 8259 allows, less what two readers may understand
// differently: invalid UTF-8, unpaired surrogate escapes, duplicate member
// names, and nesting deeper than [MaxDepth]. That holds for skipped values too.
package jsonscan

import (
	"bytes"
	"math"
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
	depth int
	err   *SyntaxError // first syntax error

	// Where the unknown names of all open objects begin, outermost first.
	names [fewNames]int32
	more  []int32 // those behind names
	held  int     // how many there are

	// The first mismatch, if any.
	mismatched    bool
	mismatchAt    int
	mismatchWant  string
	mismatchFound Kind
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
	s.err, s.mismatched = nil, false
	s.next()
	s.root = s.pos
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

// Object is the state of walking through one object. The zero Object has no
// members.
type Object struct {
	// Where the name of the member that Next went to begins and ends. It is
	// written for each member, and so as numbers: a string would be a pointer to
	// tell the garbage collector of.
	start, end int

	walk   progress
	mark   int    // where this object's names begin in those of the Scanner
	count  int    // how many there are
	seen   uint64 // known members seen, for Once
	filter uint64 // hashes of the names kept
	odd    *odd   // what few objects need
}

// odd is a part of an Object.
type odd struct {
	unescaped string              // the name, if it holds escapes: end is 0
	many      map[string]struct{} // all names kept, once they are more than a few or one had escapes
}

// Object enters the next value if it is an object. A null is consumed; for
// anything else a mismatch is recorded. Both give false.
func (s *Scanner) Object() (Object, bool) {
	if s.Peek() != '{' {
		s.refuse("object")
		return Object{}, false
	}
	if !s.enter() {
		return Object{}, false
	}
	return Object{walk: begun, mark: s.held}, true
}

// Next goes to the next member, whose name is [Scanner.Name]. It returns false at
// the end of the object, which it then leaves, and after a syntax error.
func (s *Scanner) Next(o *Object) bool {
	// The usual case: no blanks, and no escapes in the name.
	i, raw := s.pos, s.raw
	if i < len(raw) && (raw[i] == ',' && o.walk == inside || raw[i] == '"' && o.walk == begun) {
		i += int(o.walk - begun)
		if i < len(raw) && raw[i] == '"' {
			end := skipPlain(raw, i+1)
			if end+1 < len(raw) && raw[end] == '"' && raw[end+1] == ':' {
				o.walk, o.start, o.end = inside, i+1, end
				s.pos = end + 2
				return true
			}
		}
	}
	c := s.next()
	switch {
	case o.walk == over:
		return false
	case c == '}':
		o.walk = over
		s.held = o.mark
		s.leave()
		return false
	case o.walk == begun:
		o.walk = inside
	case c == ',':
		s.pos++
		c = s.next()
	default:
		s.fail(s.pos, "comma or closing brace expected")
		return false
	}
	if c != '"' {
		s.fail(s.pos, "member name expected")
		return false
	}
	start, end, escaped := s.quoted()
	if s.next() != ':' {
		s.fail(s.pos, "colon expected")
		return false
	}
	s.pos++
	o.start, o.end = start, end
	if escaped {
		if o.odd == nil {
			o.odd = new(odd)
		}
		o.end, o.odd.unescaped = 0, unescape(s.view(start, end))
	}
	return true
}

// Name is the name of the member that Next went to, without escapes. It is one
// only when Next has returned true.
func (s *Scanner) Name(o *Object) string {
	if o.end == 0 && o.odd != nil {
		return o.odd.unescaped
	}
	return s.view(o.start, o.end)
}

// view is a part of the text to hand out.
func (s *Scanner) view(start, end int) string {
	if s.src == "" {
		return string(s.raw[start:end])
	}
	return s.src[start:end]
}

// Once reports whether the current member, known to the caller by the given
// number, is there for the first time in its object. The second time it records
// a syntax error. Call it before consuming the member's value.
func (s *Scanner) Once(o *Object, bit uint) bool {
	seen := o.seen
	o.seen |= 1 << bit // there is no 65th bit
	return o.seen != seen || s.again(o, bit)
}

// again is Once for a member that was seen, or one for whose number there is no bit.
func (s *Scanner) again(o *Object, bit uint) bool {
	if bit >= 64 {
		return s.Remember(o)
	}
	s.fail(o.start-1, reasonDuplicate)
	return false
}

// Unknown skips the value of a member that the caller does not know, having
// checked that no other unknown member of the object has the same name.
func (s *Scanner) Unknown(o *Object) {
	if s.Remember(o) {
		s.skip()
	}
}

// Remember keeps the current name of an object: for members that the caller knows
// by rule rather than by name, such as those of a map. It records a syntax error and
// returns false if the name was kept before.
func (s *Scanner) Remember(o *Object) bool {
	bit := nameBit(s.Name(o))
	// What lies behind this object's own names was left there by inner
	// objects that the caller did not walk to their end.
	s.held = o.mark + o.count
	dup := false
	if o.odd != nil && o.odd.many != nil {
		_, dup = o.odd.many[s.Name(o)]
	} else if o.filter&bit != 0 {
		name := s.Name(o)
		for i := o.mark; i < s.held && !dup; i++ {
			dup = string(s.heldName(i)) == name
		}
	}
	if dup {
		s.fail(o.start-1, reasonDuplicate)
		return false
	}
	o.filter |= bit
	// A name is held by its offset alone, if that is enough to find it again.
	if o.odd == nil && o.count < fewNames && o.end <= math.MaxInt32 {
		s.hold(int32(o.start)) //nolint:gosec // it is less than the end
		o.count++
		return true
	}
	if o.odd == nil {
		o.odd = new(odd)
	}
	if o.odd.many == nil {
		o.odd.many = make(map[string]struct{}, 2*o.count)
		for i := o.mark; i < s.held; i++ {
			o.odd.many[string(s.heldName(i))] = struct{}{}
		}
	}
	o.odd.many[s.Name(o)] = struct{}{}
	return true
}

// hold holds the name that begins at an offset, and has no escapes.
func (s *Scanner) hold(start int32) {
	if s.held < len(s.names) {
		s.names[s.held] = start
	} else {
		s.more = append(s.more[:s.held-len(s.names)], start)
	}
	s.held++
}

// heldName is one of the names that are held.
func (s *Scanner) heldName(i int) []byte {
	var start int32
	if i < len(s.names) {
		start = s.names[i]
	} else {
		start = s.more[i-len(s.names)]
	}
	name, _, _ := bytes.Cut(s.raw[start:], []byte{'"'})
	return name
}

// nameBit is a bit that is often different for different names. Most new names
// need no comparison thanks to it.
func nameBit(name string) uint64 {
	if name == "" {
		return 1
	}
	return 1 << ((len(name)*5 + int(name[0])*3 + int(name[len(name)-1])) & 63)
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
