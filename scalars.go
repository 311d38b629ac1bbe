package nexmo

import (
	"strconv"
	"time"
)

// The scalar types that say on the wire what a plain Go type cannot.

// Bool is a boolean that may be absent: to the service, false and nothing at
// all are different. The zero value is [Unset] and is not written to JSON.
//
// true and false are read in the forms that the service has used: as JSON
// booleans, as the texts "true" and "false", and as 1 and 0 or their texts.
type Bool uint8

// The three states of a [Bool].
const (
	Unset Bool = iota // absent
	False
	True
)

// BoolOf returns [True] or [False].
func BoolOf(b bool) Bool {
	if b {
		return True
	}
	return False
}

// IsSet reports whether b is [True] or [False].
func (b Bool) IsSet() bool { return b != Unset }

// String returns "true", "false" or "unset".
func (b Bool) String() string {
	switch b {
	case True:
		return "true"
	case False:
		return "false"
	default:
		return "unset"
	}
}

// MarshalJSON writes true, false or null.
func (b Bool) MarshalJSON() ([]byte, error) {
	if b == Unset {
		return []byte("null"), nil
	}
	return []byte(b.String()), nil
}

// UnmarshalJSON reads a boolean, its text, 1 and 0, or their texts.
func (b *Bool) UnmarshalJSON(data []byte) error { return decodeJSON(data, b) }

func (b *Bool) decode(s *scanner) {
	kind, start := s.Peek(), s.Offset()
	if kind != '"' && kind != '0' {
		if v, ok := s.Bool(); ok {
			*b = BoolOf(v)
		}
		return
	}
	text, _ := s.Text()
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case text == "true", err == nil && f == 1:
		*b = True
	case text == "false", err == nil && f == 0:
		*b = False
	case text != "":
		s.Fail(start, "true or false")
	}
}

// Milliseconds is a duration that travels as a number of milliseconds, which is whole in
// all that the service sends.
type Milliseconds time.Duration

// Duration returns d as a [time.Duration].
func (d Milliseconds) Duration() time.Duration { return time.Duration(d) }

// String returns d as [time.Duration] prints it.
func (d Milliseconds) String() string { return time.Duration(d).String() }

// MarshalJSON writes a number of milliseconds.
func (d Milliseconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(d)/float64(time.Millisecond), 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of milliseconds.
func (d *Milliseconds) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *Milliseconds) decode(s *scanner) {
	if v, ok := decodeDuration(s, time.Millisecond, "milliseconds"); ok {
		*d = Milliseconds(v)
	}
}

// Seconds is a duration that travels as seconds: as text in the accounts of a
// call ("31"), as a number elsewhere. Both are read; a number is written.
type Seconds time.Duration

// Duration returns d as a [time.Duration].
func (d Seconds) Duration() time.Duration { return time.Duration(d) }

// String returns d as [time.Duration] prints it.
func (d Seconds) String() string { return time.Duration(d).String() }

// MarshalJSON writes a number of seconds.
func (d Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(d).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of seconds or its text.
func (d *Seconds) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *Seconds) decode(s *scanner) {
	if v, ok := decodeDuration(s, time.Second, "seconds"); ok {
		*d = Seconds(v)
	}
}

// SecondsText is a duration that travels as the text of a number of seconds,
// such as "31" in [SIPStatus]. A bare number is read too.
type SecondsText time.Duration

// Duration returns d as a [time.Duration].
func (d SecondsText) Duration() time.Duration { return time.Duration(d) }

// String returns d as [time.Duration] prints it.
func (d SecondsText) String() string { return time.Duration(d).String() }

// MarshalJSON writes the text of a number of seconds.
func (d SecondsText) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64)), nil
}

// UnmarshalJSON reads a number of seconds or its text.
func (d *SecondsText) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *SecondsText) decode(s *scanner) { (*Seconds)(d).decode(s) }

// Degrees is a geographic coordinate. Version 1 writes it as text, another
// generation as a number: both are read, text is written.
type Degrees float64

// MarshalJSON writes the text of the number.
func (d Degrees) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatFloat(float64(d), 'f', -1, 64)), nil
}

// UnmarshalJSON reads a number or its text.
func (d *Degrees) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *Degrees) decode(s *scanner) {
	if v, ok := s.FloatOf("degrees"); ok {
		*d = Degrees(v)
	}
}

// StringList is a list of texts; a single one is read as a list of one.
type StringList []string

// UnmarshalJSON reads an array of texts or one text.
func (l *StringList) UnmarshalJSON(data []byte) error { return decodeJSON(data, l) }

func (l *StringList) decode(s *scanner) {
	if kind := s.Peek(); kind == '"' || kind == '0' {
		if v, ok := s.Text(); ok {
			*l = StringList{v}
		}
		return
	}
	*l = decodeStrings(s)
}

// Headers are the custom headers of a leg or an endpoint. A value that is not
// text is kept as its JSON.
type Headers map[string]string

// UnmarshalJSON reads an object.
func (h *Headers) UnmarshalJSON(data []byte) error { return decodeJSON(data, h) }

func (h *Headers) decode(s *scanner) {
	o, ok := s.Object()
	if !ok {
		return
	}
	m := Headers(nil)
	for s.Next(&o) {
		if m == nil {
			m = make(Headers)
		}
		name := s.Name(&o)
		if s.Peek() == '"' {
			m[name], _ = s.Text()
		} else if raw, ok := s.Raw(); ok {
			m[name] = raw
		} else {
			m[name] = ""
		}
	}
	*h = m
}
