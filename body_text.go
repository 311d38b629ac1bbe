package nexmo

import (
	"time"
)

// Text is the body of text.
type Text struct {
	Text      string        `json:"text,omitzero"`      // what was said; empty when it was deleted
	Language  string        `json:"language,omitzero"`  // of the text
	Channels  []string      `json:"channels,omitzero"`  // sms, app or both
	Edited    Edited        `json:"edited,omitzero"`    // zero if it was not edited
	Timestamp BodyTimestamp `json:"timestamp,omitzero"` // when it was sent or deleted
	TID       TransactionID `json:"tid,omitzero"`       // of the request, where a client gave one
}

func (b *Text) deletedAt() time.Time { return b.Timestamp.Deleted }

// Edited says by what event a text was last edited.
type Edited struct {
	EditedBy EventID   `json:"edited_by,omitzero"` // the text:update event
	EditedAt time.Time `json:"edited_at,omitzero"` // when
}

// TransactionID is an ID that a client made up for its request. It is read as
// text and as a number, whose digits are kept.
type TransactionID string

// UnmarshalJSON reads a text or a number.
func (t *TransactionID) UnmarshalJSON(data []byte) error { return decodeJSON(data, t) }

func (t *TransactionID) decode(s *scanner) {
	if v, ok := s.Text(); ok {
		*t = TransactionID(v)
	}
}

// TextDelivered is the body of text:delivered.
type TextDelivered struct{ Receipt }

// TextSeen is the body of text:seen.
type TextSeen struct{ Receipt }

// Typing is the content of the two typing events, which are never stored.
type Typing struct {
	Activity *int    `json:"activity,omitzero"` // 1 while typing, 0 afterwards; may be missing
	EventID  EventID `json:"event_id,omitzero"` // the event that is answered or edited
}

// TextTypingOn is the body of text:typing:on.
type TextTypingOn struct{ Typing }

// TextTypingOff is the body of text:typing:off.
type TextTypingOff struct{ Typing }

// TextUpdate is the body of text:update.
type TextUpdate struct {
	Text            string  `json:"text,omitzero"`              // the new one
	OriginalEventID EventID `json:"original_event_id,omitzero"` // the text that is edited
}
