package nexmo

// Ephemeral is the body of ephemeral: whatever the application put there.
type Ephemeral struct {
	JSON Raw // the application's, untouched
}

// MarshalJSON writes the body as it is.
func (b Ephemeral) MarshalJSON() ([]byte, error) { return b.JSON.orEmptyObject().Bytes(), nil }

// UnmarshalJSON keeps a copy of the body as it is.
func (b *Ephemeral) UnmarshalJSON(data []byte) error {
	return b.JSON.UnmarshalJSON(data)
}

func (b *Ephemeral) decode(s *scanner) { b.JSON.decode(s) }
