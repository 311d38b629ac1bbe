package jsonscan

import (
	"bytes"
	"math"
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
		o.end, o.odd.unescaped = 0, plain(s.view(start, end))
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

// Once reports whether the current member, known to the caller by the given
// number, is there for the first time in its object. The second time it records
// a syntax error, if the scanner is strict. Call it before consuming the member's
// value.
func (s *Scanner) Once(o *Object, bit uint) bool {
	seen := o.seen
	o.seen |= 1 << bit // there is no 65th bit
	return o.seen != seen || s.again(o, bit)
}

// Again reports whether the current member, known to the caller by the given number,
// was there before in its object: then what was read of it does not count. It may
// report so of a member with a number from 64 on that is there for the first time.
func (s *Scanner) Again(o *Object, bit uint) bool {
	seen := o.seen
	o.seen |= 1 << bit
	return o.seen == seen
}

// again is Once for a member that was seen, or one for whose number there is no bit.
func (s *Scanner) again(o *Object, bit uint) bool {
	if s.lenient {
		return true
	}
	if bit >= 64 {
		return s.Remember(o)
	}
	s.fail(o.start-1, reasonDuplicate)
	return false
}

// Unknown skips the value of a member that the caller does not know, having
// checked that no other unknown member of the object has the same name.
func (s *Scanner) Unknown(o *Object) {
	if s.lenient || s.Remember(o) {
		s.skip()
	}
}

// Remember keeps the current name of an object: for members that the caller knows
// by rule rather than by name, such as those of a map. It records a syntax error and
// returns false if the name was kept before. A lenient scanner keeps no names.
func (s *Scanner) Remember(o *Object) bool {
	if s.lenient {
		return true
	}
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
