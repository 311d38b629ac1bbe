package jsonscan

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text consumes text and returns it without escapes. It returns false for null,
// and for anything else after having recorded a mismatch.
func (s *Scanner) Text() (string, bool) {
	if i, raw := s.pos, s.raw; i < len(raw) && raw[i] == '"' { // the usual case, without escapes
		if end := skipPlain(raw, i+1); end < len(raw) && raw[end] == '"' {
			s.pos = end + 1
			return s.view(i+1, end), true
		}
	}
	switch c := s.next(); {
	case c == '"':
		text := s.text()
		return text, s.err == nil
	case s.lenient && kinds[c] == '0':
		return s.Number()
	}
	s.refuse("text")
	return "", false
}

// Bool consumes true or false. It returns ok=false for null, and for anything
// else after having recorded a mismatch.
func (s *Scanner) Bool() (value, ok bool) {
	switch s.Peek() {
	case 't':
		ok = s.literal("true")
		return ok, ok
	case 'f':
		return false, s.literal("false")
	}
	s.refuse("true or false")
	return false, false
}

// Null consumes a null if one is next.
func (s *Scanner) Null() bool {
	return s.Peek() == 'n' && s.literal("null")
}

// Number consumes a number and returns it as it is spelt. It returns false for
// null, and for anything else after having recorded a mismatch. A lenient scanner
// takes the text of a number for it, here and in [Scanner.Float] and [Scanner.Int],
// and the empty text for null.
func (s *Scanner) Number() (text string, ok bool) {
	n, ok := s.numeral("number")
	return n.text, ok
}

// Float consumes a number. It returns false for null, and for anything else and
// numbers out of range after having recorded a mismatch.
func (s *Scanner) Float() (float64, bool) {
	return s.FloatOf("number")
}

// FloatOf is Float for a caller who says what the number is.
func (s *Scanner) FloatOf(want string) (float64, bool) {
	n, ok := s.numeral(want)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(n.text, 64)
	if err != nil {
		s.note(n.at, want, n.kind)
		return 0, false
	}
	return f, true
}

// Int consumes a whole number, which may be spelt with a fraction of zeros or
// an exponent. It returns false for null, and for anything else and numbers out
// of range after having recorded a mismatch.
func (s *Scanner) Int() (int64, bool) {
	return s.IntOf("whole number", math.MinInt64)
}

// IntOf is Int for a caller who says what the number is, and the least that it can be.
func (s *Scanner) IntOf(want string, least int64) (int64, bool) {
	n, ok := s.numeral(want)
	if !ok {
		return 0, false
	}
	var v int64
	if n.plain {
		var err error
		v, err = strconv.ParseInt(n.text, 10, 64)
		ok = err == nil
	} else {
		v, ok = wholeNumber(n.text)
	}
	if !ok || v < least {
		s.note(n.at, want, n.kind)
		return 0, false
	}
	return v, true
}

// literal consumes one of the three words. What comes after it is checked by
// whatever reads on.
func (s *Scanner) literal(word string) bool {
	if end := s.pos + len(word); end > len(s.raw) || string(s.raw[s.pos:end]) != word {
		s.fail(s.pos, reasonValue)
		return false
	}
	s.pos += len(word)
	return true
}

// numeral is a number, or the text of one.
type numeral struct {
	text  string
	plain bool // it has neither a fraction nor an exponent
	at    int  // where its value begins
	kind  Kind // of the value
}

// numeral consumes a number. Instead of any other value the caller wants what want
// says.
func (s *Scanner) numeral(want string) (numeral, bool) {
	n := numeral{kind: s.Peek(), at: s.pos}
	switch {
	case n.kind == '0':
		n.plain = s.digits()
		if s.err != nil {
			return numeral{}, false
		}
		n.text = s.view(n.at, s.pos)
		return n, true
	case n.kind == '"' && s.lenient:
		n.text = s.text()
		if s.err != nil || n.text == "" {
			return numeral{}, false
		}
		if !isNumber(n.text) {
			s.note(n.at, want, '"')
			return numeral{}, false
		}
		n.plain = strings.Trim(n.text, "-0123456789") == ""
		return n, true
	}
	s.refuse(want)
	return numeral{}, false
}

// isNumber reports whether a text is a number as people write one: like one of JSON,
// or with noughts in front, or without a digit on one side of the point.
func isNumber(text string) bool {
	if text[0] == '+' || strings.Trim(text, "+-.eE0123456789") != "" {
		return false
	}
	_, err := strconv.ParseFloat(text, 64)
	return err == nil || errors.Is(err, strconv.ErrRange)
}

// digits consumes the number at the position and tells whether it has neither a
// fraction nor an exponent.
func (s *Scanner) digits() (plain bool) {
	i := s.pos
	if s.raw[i] == '-' {
		i++
	}
	plain = true
	end := skipDigits(s.raw, i)
	bad := end == i || s.raw[i] == '0' && end > i+1
	i = end
	if i < len(s.raw) && s.raw[i] == '.' {
		plain = false
		end = skipDigits(s.raw, i+1)
		bad = bad || end == i+1
		i = end
	}
	if i < len(s.raw) && s.raw[i]|0x20 == 'e' {
		plain = false
		i++
		if i < len(s.raw) && (s.raw[i] == '+' || s.raw[i] == '-') {
			i++
		}
		end = skipDigits(s.raw, i)
		bad = bad || end == i
		i = end
	}
	if bad {
		s.fail(s.pos, "malformed number")
		return false
	}
	s.pos = i
	return plain
}

// skipDigits is the offset of the first byte from i on that is not a digit.
func skipDigits(text []byte, i int) int {
	for i < len(text) && text[i]-'0' <= 9 {
		i++
	}
	return i
}

// wholeNumber is the value of a number that has a fraction or an exponent, if it
// is whole and in range. It is exact: no floating point is involved.
func wholeNumber(text string) (int64, bool) {
	mantissa, exponent := text, "0"
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		mantissa, exponent = text[:i], text[i+1:]
	}
	unsigned := strings.TrimPrefix(mantissa, "-")
	sign := mantissa[:len(mantissa)-len(unsigned)]
	whole, fraction, _ := strings.Cut(unsigned, ".")

	// The value is digits · 10^zeros, with digits not ending in 0. An exponent
	// out of range becomes the largest, which no length of text makes up for.
	all := strings.TrimLeft(whole+fraction, "0")
	digits := strings.TrimRight(all, "0")
	power, _ := strconv.ParseInt(exponent, 10, 48)
	zeros := power + int64(len(all)-len(digits)-len(fraction))
	if digits == "" {
		return 0, true
	}
	const noughts = "0000000000000000000" // as many as an int64 has digits
	if zeros < 0 || zeros+int64(len(digits)) > int64(len(noughts)) {
		return 0, false
	}
	n, err := strconv.ParseInt(sign+digits+noughts[:zeros], 10, 64)
	return n, err == nil
}

// text consumes text and returns it without escapes.
func (s *Scanner) text() string {
	start, end, escaped := s.quoted()
	if escaped {
		return plain(s.view(start, end))
	}
	return s.view(start, end)
}

// quoted consumes text, checking it, and returns what is between the quotes and
// whether that is not what it says, because of escapes or bytes that are not UTF-8.
// After a syntax error it is empty.
func (s *Scanner) quoted() (start, end int, escaped bool) {
	start = s.pos + 1
	for i := start; ; {
		i = skipPlain(s.raw, i)
		if i >= len(s.raw) {
			s.fail(i, "")
			return 0, 0, false
		}
		size := 0
		switch c := s.raw[i]; {
		case c == '"':
			s.pos = i + 1
			return start, i, escaped
		case c == '\\':
			escaped = true
			size = s.escape(i)
		case c < ' ':
			s.fail(i, "control character in text")
		default:
			var valid bool
			size, valid = s.multibyte(i)
			escaped = escaped || !valid
		}
		if size == 0 {
			return 0, 0, false
		}
		i += size
	}
}

// skipPlain is the offset of the first byte from i on that is a quote, a
// backslash, a control character or not ASCII.
func skipPlain(raw []byte, i int) int {
	const (
		ones = 0x0101010101010101
		high = 0x8080808080808080
	)
	// Eight bytes at a time: each subtraction sets a byte's high bit if the
	// byte is one of those looked for. Borrows may set more of them, but only
	// above the first. With its second bit changed a quote is a blank, and what is
	// below a blank stays below it: one subtraction finds both.
	for ; i+8 <= len(raw); i += 8 {
		x := binary.LittleEndian.Uint64(raw[i:])
		hits := (x | (x ^ ones*('"'^' ') - ones*(' '+1)) | (x ^ ones*'\\' - ones)) & high
		if hits != 0 {
			return i + bits.TrailingZeros64(hits)/8
		}
	}
	for ; i < len(raw); i++ {
		if c := raw[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// multibyte is the length of the bytes outside ASCII at offset i, and whether they
// are UTF-8. It is 0 if they are not and that was recorded.
func (s *Scanner) multibyte(i int) (length int, valid bool) {
	start := i
	valid = true
	for i < len(s.raw) && s.raw[i] >= utf8.RuneSelf {
		_, size := utf8.DecodeRune(s.raw[i:])
		if size == 1 {
			if !s.lenient {
				s.fail(i, "invalid UTF-8")
				return 0, false
			}
			valid = false
		}
		i += size
	}
	return i - start, valid
}

// escape is the length of the escape sequence at offset i, 0 after recording
// that it is not valid.
func (s *Scanner) escape(i int) int {
	src := s.raw[i:]
	if len(src) < 2 {
		s.fail(len(s.raw), "")
		return 0
	}
	switch src[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2
	case 'u':
		r, ok := hex4(src)
		if !ok {
			break
		}
		if !utf16.IsSurrogate(r) {
			return 6
		}
		low, ok := hex4(src[6:])
		switch {
		case ok && utf16.DecodeRune(r, low) != utf8.RuneError:
			return 12
		case s.lenient:
			return 6
		}
		s.fail(i, "unpaired surrogate escape")
		return 0
	}
	s.fail(i, "malformed escape")
	return 0
}

// hex4 is the code unit of the \uXXXX that src begins with.
func hex4[T string | []byte](src T) (rune, bool) {
	if len(src) < 6 || src[0] != '\\' || src[1] != 'u' {
		return 0, false
	}
	r, err := strconv.ParseUint(string(src[2:6]), 16, 16)
	return rune(r), err == nil
}

// plain returns what a text says that quoted has checked: its escapes are replaced, and
// what is not Unicode is U+FFFD.
func plain(text string) string {
	var b strings.Builder
	b.Grow(len(text)) // no escape is shorter than what it stands for
	for {
		i := strings.IndexByte(text, '\\')
		if i < 0 {
			writeValid(&b, text)
			return b.String()
		}
		writeValid(&b, text[:i])
		text = text[i:]
		size := 2
		if c := text[1]; c == 'u' {
			r, _ := hex4(text)
			size = 6
			if utf16.IsSurrogate(r) {
				low, _ := hex4(text[6:])
				if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
					size = 12
				}
			}
			b.WriteRune(r)
		} else if i := strings.IndexByte("bfnrt", c); i >= 0 {
			b.WriteByte("\b\f\n\r\t"[i])
		} else { // a quote, a backslash or a slash
			b.WriteByte(c)
		}
		text = text[size:]
	}
}

// writeValid writes a text with U+FFFD in place of each byte that is not UTF-8.
func writeValid(b *strings.Builder, text string) {
	if utf8.ValidString(text) {
		b.WriteString(text)
		return
	}
	for _, r := range text {
		b.WriteRune(r)
	}
}
