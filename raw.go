package nexmo

import "encoding/json"

// Raw is a JSON value as it was received. "" means that there was none, or null.
//
// A Raw never changes, and can be shared between goroutines. What a Raw of an event
// refers to is the text of the whole event: a Raw that is kept keeps that text in
// memory, unless it is copied with [strings.Clone].
type Raw string

// Bytes returns a copy of r; nil for "".
func (r Raw) Bytes() []byte {
	if r == "" {
		return nil
	}
	return []byte(r)
}

// Decode reads r into v, which must be a pointer, as [json.Unmarshal] does, and
// returns its error. It reads "" as null: v stays as it is, unless it is a pointer,
// map, slice or interface, which becomes nil.
func (r Raw) Decode(v any) error { return json.Unmarshal(r.json(), v) }

// MarshalJSON writes r as it is, and "" as null.
func (r Raw) MarshalJSON() ([]byte, error) { return r.json(), nil }

func (r Raw) json() []byte {
	if r == "" {
		return []byte("null")
	}
	return []byte(r)
}

// UnmarshalJSON sets r to a copy of data, even if that is null.
func (r *Raw) UnmarshalJSON(data []byte) error {
	*r = Raw(data)
	return nil
}

func (r *Raw) decode(s *scanner) {
	v, _ := s.Raw()
	*r = Raw(v)
}

// orEmptyObject returns r, or the empty object for "".
func (r Raw) orEmptyObject() Raw {
	if r == "" {
		return "{}"
	}
	return r
}
