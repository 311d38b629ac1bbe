package nexmo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// EventID counts the events of one conversation: the first has 1, and the order
// of the IDs is the order of the events. Numbers can be missing for good. Zero
// means that the event has none, as typing, ephemeral, knocker and application
// events do.
//
// It is read as a number and as its text, both of which the service sends, and
// written as a number. 4.0 and 4e0 are the number 4, and "" is none.
type EventID int64

// UnmarshalJSON reads 4 and "4".
func (id *EventID) UnmarshalJSON(data []byte) error { return decodeJSON(data, id) }

func (id *EventID) decode(s *scanner) {
	if v, ok := s.IntOf("event ID: a whole number from 0, or its text", 0); ok {
		*id = EventID(v)
	}
}

// Event is one event of a conversation or an application, in the same form
// whichever way and in whichever generation it arrived.
//
// An event is read-only: all handlers share it.
type Event struct {
	ID             EventID     // its place in the conversation, or 0
	Type           EventType   // as sent, known or not
	ConversationID string      // named around the body or, failing that, in it; "" for events of the application that name none
	ApplicationID  string      // "" where the path does not carry it
	From           string      // a member ID, "knocker:…" before a caller became a member, or ""
	To             string      // the member that the event is addressed to, or ""
	Timestamp      time.Time   // in UTC; zero where the path does not carry it
	FromUser       *User       // the user who acted (_embedded.from_user), or nil
	FromMember     string      // the member who acted (_embedded.from_member.id), or ""
	State          *EventState // the receipts that the service keeps with the event, or nil
	Params         Raw         // the callback.params of the conversation, or ""
	Body           Body        // never nil in an event from this package
	Raw            Raw         // the event as received, whole, without byte-order mark; "" in an event made in Go
}

// EventState holds the receipts that the service keeps with a text, an image or
// a message: when each member got it, by member ID.
//
//gen:decode
type EventState struct {
	DeliveredTo     ReceiptTimes `json:"delivered_to,omitzero"`     // whom it reached
	SeenBy          ReceiptTimes `json:"seen_by,omitzero"`          // who has seen it
	SubmittedTo     ReceiptTimes `json:"submitted_to,omitzero"`     // for whom it was handed to the provider of the channel
	RejectedBy      ReceiptTimes `json:"rejected_by,omitzero"`      // for whom that refused it
	UndeliverableTo ReceiptTimes `json:"undeliverable_to,omitzero"` // whom it could not reach
}

// ReceiptTimes holds the time of a receipt by member ID.
type ReceiptTimes map[string]time.Time

func (m *ReceiptTimes) decode(s *scanner) {
	o, ok := s.Object()
	if !ok {
		return
	}
	*m = ReceiptTimes{}
	for s.Next(&o) {
		name := s.Name(&o)
		(*m)[name], _ = s.Time()
	}
}

// RawBody is the body of an event of an unknown type, of a known type whose body is
// not an object, or of an element of a list that is not an event. Nothing of it is lost.
type RawBody struct {
	Type EventType // as sent; "" if it is not an event
	JSON Raw       // "" when the event has no body
	Err  error     // nil for an unknown type, else what is not as documented
}

// EventType returns the type of the event.
func (b *RawBody) EventType() EventType {
	if b == nil {
		return EventAny
	}
	return b.Type
}

// MarshalJSON writes the body as it is.
func (b RawBody) MarshalJSON() ([]byte, error) { return b.JSON.orEmptyObject().Bytes(), nil }

// Custom is the body of an event of a type that the application defined itself,
// custom:<name>. Decode JSON, or register a handler with [OnCustom].
type Custom struct {
	Name string // without "custom:"
	JSON Raw    // untouched: the keys are the application's
}

// EventType returns custom:<name>.
func (b *Custom) EventType() EventType {
	if b == nil {
		return EventCustomAny
	}
	return customFamily + ":" + EventType(b.Name)
}

// MarshalJSON writes the body as it is.
func (b Custom) MarshalJSON() ([]byte, error) { return b.JSON.orEmptyObject().Bytes(), nil }

// DecodeError says that an event, or the body of one, could not be read. It
// names what is wrong and never holds content of the event.
type DecodeError struct {
	Type EventType // "" when not even the type could be read
	Err  error     // what is wrong
}

// Error names the type of the event and what is wrong with it.
func (e *DecodeError) Error() string {
	if e.Type == "" {
		return fmt.Sprintf("nexmo: event: %v", e.Err)
	}
	const most = 100 // the service allows no longer types
	return fmt.Sprintf("nexmo: event of type %.*q: %v", most, string(e.Type), e.Err)
}

// Unwrap returns Err.
func (e *DecodeError) Unwrap() error { return e.Err }

// As returns the body of e as a B, such as *[MemberJoined], and whether it is
// one.
func As[B Body](e *Event) (B, bool) {
	b, ok := e.Body.(B)
	return b, ok
}

// MemberID returns the member that the event is about: body.member_id, else
// body.user.member_id, else From, else FromMember.
func (e *Event) MemberID() string {
	if b, ok := e.Body.(interface{ memberID() string }); ok && b.memberID() != "" {
		return b.memberID()
	}
	if e.From != "" {
		return e.From
	}
	return e.FromMember
}

// Deleted returns when the event was deleted, and whether it was. A deleted
// event keeps its ID and type; its body is empty.
func (e *Event) Deleted() (time.Time, bool) {
	var at time.Time
	if b, ok := e.Body.(interface{ deletedAt() time.Time }); ok {
		at = b.deletedAt()
	} else if strings.Contains(string(e.Raw), `"deleted"`) {
		at = readDeleted(e.Raw)
	}
	return at, !at.IsZero()
}

// MarshalJSON writes Raw when the event was received, so that nothing of it is
// lost, and else the fields as version 1 sends them. [ParseEvent] reads the same event
// from either. To write an event that was received with other fields, change a copy of
// it and its Body, and empty the Raw of the copy.
func (e *Event) MarshalJSON() ([]byte, error) {
	if e.Raw != "" {
		return e.Raw.Bytes(), nil
	}
	typ := e.Type
	if e.Body != nil {
		if typ == "" {
			typ = e.Body.EventType()
		} else if _, raw := e.Body.(*RawBody); !raw && typ != e.Body.EventType() {
			return nil, &DecodeError{Type: typ, Err: fmt.Errorf("its body is of type %q: give both the same", e.Body.EventType())}
		}
	}
	if typ == "" {
		return nil, &DecodeError{Err: errors.New("to write an event it must have a Type or a Body")}
	}
	w := eventJSON{
		ID: e.ID, Type: typ, ConversationID: e.ConversationID, ApplicationID: e.ApplicationID,
		From: e.From, To: e.To, Body: e.Body, State: e.State, Params: e.Params,
	}
	if e.Body == nil {
		w.Body = struct{}{}
	}
	if !e.Timestamp.IsZero() {
		w.Timestamp = formatTimestamp(e.Timestamp)
	}
	if e.FromUser != nil || e.FromMember != "" {
		w.Embedded = &embeddedJSON{FromUser: e.FromUser}
		if e.FromMember != "" {
			w.Embedded.FromMember = &fromMemberJSON{e.FromMember}
		}
	}
	return json.Marshal(w)
}

// UnmarshalJSON is [ParseEvent] for events that encoding/json reads, such as one
// within a message of a queue.
func (e *Event) UnmarshalJSON(data []byte) error {
	parsed, err := ParseEvent(data)
	if err != nil {
		return err
	}
	*e = *parsed
	return nil
}

// timestampLayout is how the service writes times.
const timestampLayout = "2006-01-02T15:04:05.000Z"

// formatTimestamp writes t as the service does, unless that loses a part of it.
func formatTimestamp(t time.Time) string {
	if t = t.UTC(); t.Nanosecond()%int(time.Millisecond) != 0 {
		return t.Format(time.RFC3339Nano)
	}
	return t.Format(timestampLayout)
}

type eventJSON struct {
	ApplicationID  string        `json:"application_id,omitzero"`
	ConversationID string        `json:"conversation_id,omitzero"`
	ID             EventID       `json:"id,omitzero"`
	Type           EventType     `json:"type"`
	From           string        `json:"from,omitzero"`
	To             string        `json:"to,omitzero"`
	Body           any           `json:"body"`
	State          *EventState   `json:"state,omitzero"`
	Timestamp      string        `json:"timestamp,omitzero"`
	Embedded       *embeddedJSON `json:"_embedded,omitzero"`
	Params         Raw           `json:"params,omitzero"`
}

type embeddedJSON struct {
	FromUser   *User           `json:"from_user,omitzero"`
	FromMember *fromMemberJSON `json:"from_member,omitzero"`
}

type fromMemberJSON struct {
	ID string `json:"id"`
}
