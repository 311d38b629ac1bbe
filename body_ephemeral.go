package nexmo

import (
	"encoding/json"
)

// Ephemeral is the body of ephemeral: whatever the application put there.
type Ephemeral struct {
	JSON json.RawMessage // the application's, untouched
}

// MarshalJSON writes the body as it is.
func (b Ephemeral) MarshalJSON() ([]byte, error) { return rawOrEmpty(b.JSON), nil }

// UnmarshalJSON keeps a copy of the body as it is.
func (b *Ephemeral) UnmarshalJSON(data []byte) error {
	b.JSON = append(b.JSON[:0:0], data...)
	return nil
}

func (b *Ephemeral) decode(s *scanner) { b.JSON, _ = s.Raw() }
