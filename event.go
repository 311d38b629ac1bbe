package nexmo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// EventID counts the events of one conversation: the first has 1, and the order
// of the IDs is the order of the events. Numbers can be missing for good. Zero
// means that the event has none, as typing, ephemeral, knocker and application
// events do.
//
// It is read as a number and as its text, both of which the service sends, and
// written as a number.
type EventID int64

// UnmarshalJSON reads 4 and "4".
func (id *EventID) UnmarshalJSON(data []byte) error { return decodeJSON(data, id) }

func (id *EventID) decode(s *scanner) {
	start := s.Offset()
	if s.Null() {
		return
	}
	if v, ok := scanEventID(s); ok {
		*id = v
	} else {
		s.Fail(start, eventIDWanted)
	}
}

const eventIDWanted = "event ID: a whole number from 0, or its text"

// scanEventID reads an ID in either form; null is 0.
func scanEventID(s *scanner) (EventID, bool) {
	var text string
	switch s.Peek() {
	case '0':
		text, _ = s.Number()
	case '"':
		text, _ = s.Text()
	default:
		if s.Null() {
			return 0, true
		}
		s.Skip()
		return 0, false
	}
	v, err := strconv.ParseUint(text, 10, 63)
	return EventID(v), err == nil // 63 bits fit
}

// Event is one event of a conversation or an application, in the same form
// whichever way and in whichever generation it arrived.
//
// An event is read-only: all handlers share it.
type Event struct {
	ID             EventID         // its place in the conversation, or 0
	Type           EventType       // as sent, known or not
	ConversationID string          // "" for events of the application, which may name a conversation in their body
	ApplicationID  string          // "" where the path does not carry it
	From           string          // a member ID, "knocker:…" before a caller became a member, or ""
	To             string          // the member that the event is addressed to, or ""
	Timestamp      time.Time       // in UTC; zero where the path does not carry it
	FromUser       *User           // the user who acted (_embedded.from_user), or nil
	FromMember     string          // the member who acted (_embedded.from_member.id), or ""
	State          *EventState     // the receipts that the service keeps with the event, or nil
	Params         json.RawMessage // the callback.params of the conversation, or nil
	Body           Body            // never nil in an event from this package
	Raw            json.RawMessage // the event as received, whole; nil in an event made in Go
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
		if !s.Remember(&o) {
			return
		}
		(*m)[name], _ = s.Time()
	}
}

// RawBody is the body of an event of an unknown type, or of a known type whose
// body is not the documented shape. Nothing of it is lost.
type RawBody struct {
	Type EventType       // as sent
	JSON json.RawMessage // nil when the event has no body
	Err  error           // nil for an unknown type, else what is not as documented
}

// EventType returns the type of the event.
func (b *RawBody) EventType() EventType {
	if b == nil {
		return EventAny
	}
	return b.Type
}

// MarshalJSON writes the body as it is.
func (b RawBody) MarshalJSON() ([]byte, error) { return rawOrEmpty(b.JSON), nil }

// Custom is the body of an event of a type that the application defined itself,
// custom:<name>. Decode JSON, or register a handler with [OnCustom].
type Custom struct {
	Name string          // without "custom:"
	JSON json.RawMessage // untouched: the keys are the application's
}

// EventType returns custom:<name>.
func (b *Custom) EventType() EventType {
	if b == nil {
		return EventCustomAny
	}
	return customFamily + ":" + EventType(b.Name)
}

// MarshalJSON writes the body as it is.
func (b Custom) MarshalJSON() ([]byte, error) { return rawOrEmpty(b.JSON), nil }

func rawOrEmpty(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 {
		return json.RawMessage("{}")
	}
	return raw
}

// DecodeError says that an event, or the body of one, could not be read. It
// names what is wrong and never holds content of the event.
type DecodeError struct {
	Type EventType // "" when not even the type could be read
	Err  error     // what is wrong
}

// Error names the type of the event and what is wrong with it.
func (e *DecodeError) Error() string {
	if e.Type == "" {
		return "nexmo: event: " + e.Err.Error()
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
	} else if bytes.Contains(e.Raw, []byte(`"deleted"`)) {
		at = readDeleted(e.Raw)
	}
	return at, !at.IsZero()
}

// ParseEvent reads one event in any form in which the service sends it: the
// body of an rtc webhook, an event of REST in every version, an object or a
// whole packet (name first) of the realtime session, a push notification.
//
// It fails only when the envelope cannot be used: text that is not strict JSON
// (RFC 8259, no repeated names, no invalid Unicode, nothing behind, nested at
// most 512 deep), no type, or an id that is no number. The error is a
// [*DecodeError]. Everything else survives: an event of an unknown type, or one
// that is not of the documented shape, has a [*RawBody].
//
// The event keeps nothing of data.
func ParseEvent(data []byte) (*Event, error) {
	return parseOwned(clone(data))
}

// parsePacket is ParseEvent for a packet of the realtime session: the name of the
// event and its payload.
func parsePacket(name EventType, data []byte) (*Event, error) {
	return parse(name, clone(data))
}

// clone is bytes.Clone without room to grow, and a little quicker.
func clone(data []byte) []byte {
	own := make([]byte, len(data))
	copy(own, data)
	return own
}

// parseOwned is ParseEvent for data that nobody else will change.
func parseOwned(data []byte) (*Event, error) { return parse("", data) }

// ParseEvents reads a list of events: a bare array, or a page of any version.
// Links of the page are not followed; an empty object is an empty list.
//
// When some events of the list cannot be used, be it that their text is not strict
// JSON, it returns the others, with an error that names each bad one by its place.
func ParseEvents(data []byte) ([]*Event, error) {
	page, err := parsePage(data)
	return page.Items, err
}

// parsePage is ParseEvents with the cursors of the page.
func parsePage(data []byte) (*Page[Event], error) {
	l := listing{data: data}
	l.s.Reset("", data)
	found, err := l.read()
	if err != nil {
		return &Page[Event]{}, &DecodeError{Err: fmt.Errorf("list: %w", err)}
	}
	return &Page[Event]{Items: found.events, Next: l.next, Prev: l.prev}, errors.Join(found.bad...)
}

// parser reads one event. It lives on the stack: the garbage collector need not be
// told of what is written there, and nothing is kept from one event to the next.
type parser struct {
	s scanner
	envelope
}

// envelope is what is known of an event while it is read.
type envelope struct {
	Event
	packet      EventType // the name of a packet, which overrides the type inside
	cid, href   string    // other places of the conversation ID
	destination string    // envelope fields that belong to rtc bodies
	fromMB      Bool
	start       int
	shape       error // the first field, in order of the text, with another shape
	wrapped     span  // what a push notification wraps
	body        span
	pending     bool   // the body came before the type, and is not decoded
	made        *Event // the memory of an event whose type has a struct, or nil
}

// span is a value that was read or skipped; none when end is 0.
type span struct{ start, end int }

// parse reads an event, which keeps raw, for Raw and the raw values within, and a
// copy of it, of which its strings are views. A packet has a name, and else it is "".
func parse(packet EventType, raw []byte) (*Event, error) {
	var p parser
	p.packet = packet
	if err := p.read(raw); err != nil {
		return nil, &DecodeError{Type: p.Type, Err: err}
	}
	p.Raw = raw
	return p.finish(), nil
}

// read reads the envelope, in whatever form it is, and finds the body.
func (p *parser) read(raw []byte) error {
	s := &p.s
	s.Reset(string(raw), raw)
	var err error
	if s.Peek() == '[' {
		err = p.readPacket()
	} else {
		err = p.readEnvelope()
	}
	s.End()
	if serr := s.Err(); serr != nil {
		p.Type = ""
		return serr // broken JSON explains all else
	}
	if err == nil && p.Type == "" && p.wrapped.end != 0 {
		s.Seek(p.wrapped.start)
		err = p.readEnvelope()
	}
	if err == nil && p.Type == "" {
		err = errors.New(`no "type": an event has one, such as "member:joined"`)
	}
	if p.ConversationID == "" {
		p.ConversationID = p.cid
	}
	if p.ConversationID == "" {
		p.ConversationID = conversationInLink(p.href)
	}
	return err
}

// readDeleted returns body.timestamp.deleted of an event whose body holds nothing
// else, or zero.
func readDeleted(raw []byte) time.Time {
	var p parser
	if p.read(raw) != nil || p.body.end == 0 {
		return time.Time{}
	}
	s := &p.s
	s.Seek(p.body.start)
	var t deletedTimestamp
	fields := 0
	o, _ := s.Object()
	for ; s.Next(&o); fields++ {
		if s.Name(&o) == "timestamp" {
			t.decode(s)
		} else {
			s.Skip()
		}
	}
	if fields != 1 {
		return time.Time{}
	}
	return t.Deleted
}

// readPacket reads ["type", {…}], as the realtime session sends an event.
func (p *parser) readPacket() error {
	s := &p.s
	a, _ := s.Array()
	err := errors.New("want an object, or a packet that begins with the name of the event; for a list use ParseEvents")
	switch {
	case !s.More(&a):
	case s.Peek() != '"':
		s.Skip()
	default:
		name, _ := s.Text()
		p.packet = EventType(name)
		err = errors.New("the packet has no payload")
		if s.More(&a) {
			err = p.readEnvelope()
		}
	}
	for s.More(&a) {
		s.Skip()
	}
	return err
}

// readEnvelope reads the fields around the body. The error is the first field
// that makes the event unusable; the scanner has gone on behind the object.
func (p *parser) readEnvelope() error {
	s := &p.s
	p.start = s.Offset()
	if s.Peek() != '{' {
		s.Skip()
		return errors.New("want a JSON object")
	}
	if p.packet != "" {
		p.make(p.packet)
	}
	var unusable error
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "id":
			s.Once(&o, 0)
			var ok bool
			if p.ID, ok = scanEventID(s); !ok && unusable == nil {
				unusable = errors.New("id: want an " + eventIDWanted)
			}
		case "type":
			s.Once(&o, 1)
			if s.Peek() != '"' && s.Peek() != 'n' && unusable == nil {
				unusable = errors.New(`type: want text, such as "member:joined"`)
			}
			t, _ := s.Text()
			p.Type = EventType(t)
			if p.packet == "" {
				p.make(p.Type)
			}
		case "event_type": // push notifications
			s.Once(&o, 2)
			if t, ok := s.Text(); ok && p.Type == "" {
				p.Type = EventType(t)
			}
		case "conversation_id":
			s.Once(&o, 3)
			p.ConversationID, _ = s.Text()
		case "cid":
			s.Once(&o, 4)
			p.cid, _ = s.Text()
		case "href":
			s.Once(&o, 5)
			if h, ok := s.Text(); ok && p.href == "" {
				p.href = h
			}
		case "_links":
			s.Once(&o, 6)
			p.readLinks()
		case "application_id":
			s.Once(&o, 7)
			p.ApplicationID, _ = s.Text()
		case "from":
			s.Once(&o, 8)
			p.From, _ = s.Text()
		case "to":
			s.Once(&o, 9)
			p.To, _ = s.Text()
		case "timestamp":
			s.Once(&o, 10)
			p.Timestamp, _ = s.Time()
		case "body":
			s.Once(&o, 11)
			p.readBody()
		case "state":
			s.Once(&o, 12)
			p.readState()
		case "_embedded":
			s.Once(&o, 13)
			p.readEmbedded()
		case "params":
			s.Once(&o, 14)
			p.Params, _ = s.Raw()
		case "session_destination":
			s.Once(&o, 15)
			p.destination, _ = s.Text()
		case "isFromMB":
			s.Once(&o, 16)
			p.fromMB.decode(s)
		case "isFromMb":
			s.Once(&o, 17)
			p.fromMB.decode(s)
		case "nexmo", "stitch": // push notifications wrap the event
			s.Remember(&o)
			if s.Peek() == '{' {
				p.wrapped.start, p.wrapped.end = s.Skip()
			} else {
				s.Skip()
			}
		default:
			s.Unknown(&o)
		}
	}
	if p.packet != "" {
		p.Type = p.packet
	}
	if p.shape == nil {
		p.shape = s.ShapeFrom(p.start, "")
	}
	s.ResetShape()
	return unusable
}

// make makes the memory of an event if its type has a struct. Its parts are then
// handed out by the scanner.
func (p *parser) make(typ EventType) {
	info := eventTypeNamed(typ)
	if info == nil {
		return
	}
	p.made, p.Body, p.s.room = info.alloc()
}

// readBody decodes the body if the type is known already. Else finish does.
func (p *parser) readBody() {
	s := &p.s
	if p.pending = p.made == nil; p.pending {
		p.body.start, p.body.end = s.Skip()
		return
	}
	p.body.start = s.Offset()
	decodeBody(p.Body, s)
	p.body.end = p.body.start + len(s.Since(p.body.start))
}

// readState reads the receipts. "", null and words of other enumerations have
// been seen in their place.
func (p *parser) readState() {
	if p.s.Peek() != '{' {
		p.s.Skip()
		return
	}
	p.State = new(EventState)
	p.State.decode(&p.s)
}

func (p *parser) readEmbedded() {
	s := &p.s
	o, ok := s.Object()
	if !ok {
		return
	}
	for s.Next(&o) {
		switch s.Name(&o) {
		case "from_user":
			s.Once(&o, 0)
			if !s.Null() {
				p.FromUser = newUser(s)
				p.FromUser.decode(s)
			}
		case "from_member":
			s.Once(&o, 1)
			var m struct{ id string }
			if o, ok := s.Object(); ok {
				for s.Next(&o) {
					if s.Name(&o) == "id" {
						s.Once(&o, 0)
						m.id, _ = s.Text()
					} else {
						s.Unknown(&o)
					}
				}
			}
			p.FromMember = m.id
		default:
			s.Unknown(&o)
		}
	}
}

// readLinks reads _links.self.href.
func (p *parser) readLinks() {
	s := &p.s
	o, ok := s.Object()
	if !ok {
		return
	}
	for s.Next(&o) {
		if s.Name(&o) != "self" {
			s.Unknown(&o)
			continue
		}
		s.Once(&o, 0)
		self, ok := s.Object()
		if !ok {
			continue
		}
		for s.Next(&self) {
			if s.Name(&self) == "href" {
				s.Once(&self, 0)
				p.href, _ = s.Text()
			} else {
				s.Unknown(&self)
			}
		}
	}
}

// conversationInLink returns the ID in …/conversations/{id}/….
func conversationInLink(href string) string {
	_, rest, ok := strings.Cut(href, "/conversations/")
	if !ok {
		return ""
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	id, err := url.PathUnescape(rest)
	if err != nil {
		return rest
	}
	return id
}

// finish returns the event, and decodes the body unless that was done. The envelope
// is complete.
func (p *parser) finish() *Event {
	s, shape := &p.s, p.shape
	var content json.RawMessage
	if p.body.end != 0 {
		content = p.Raw[p.body.start:p.body.end:p.body.end]
	}
	if p.made == nil {
		p.make(p.Type) // event_type has named it
	}
	if p.made != nil && p.pending && shape == nil {
		s.Seek(p.body.start)
		decodeBody(p.Body, s)
		shape = s.ShapeFrom(p.body.start, "body")
	}
	if p.made != nil && shape == nil {
		if p.destination != "" || p.fromMB != Unset {
			if b, ok := p.Body.(interface{ signal(string, Bool) }); ok {
				b.signal(p.destination, p.fromMB)
			}
		}
		*p.made = p.Event
		return p.made
	}
	if name, ok := p.Type.customName(); ok && shape == nil {
		x := new(struct {
			event Event
			body  Custom
		})
		p.Body = &x.body
		x.event, x.body = p.Event, Custom{Name: name, JSON: content}
		return &x.event
	}
	x := new(struct {
		event Event
		body  RawBody
	})
	p.Body = &x.body
	x.event, x.body = p.Event, RawBody{Type: p.Type, JSON: content, Err: shape}
	return &x.event
}

// listing reads a list of events.
type listing struct {
	s          scanner
	data       []byte
	next, prev string // the cursors of the page
	wrong      int    // how many guesses were, of where an item ends
}

// maxWrong is how many guesses may be wrong: each can cost as much as closingBrace
// looks at, for an item of a few bytes.
const maxWrong = 4

// items is what an array of events holds.
type items struct {
	events []*Event
	bad    []error // the others
}

func (l *listing) read() (*items, error) {
	s := &l.s
	var found *items
	var err error
	switch s.Peek() {
	case '[':
		found = l.items()
	case '{':
		found, err = l.page()
	default:
		s.Skip()
		err = errors.New("want an array of events, or a page of them")
	}
	s.End()
	if found == nil {
		found = &items{events: []*Event{}}
	}
	return found, cmp.Or(s.Err(), err)
}

func (l *listing) items() *items {
	found := &items{events: []*Event{}}
	a, _ := l.s.Array()
	for i := 0; l.s.More(&a); i++ {
		start := l.s.Offset()
		e, end, err := l.item(start)
		l.s.Seek(end)
		if err != nil {
			found.bad = append(found.bad, fmt.Errorf("nexmo: list: item %d: %w", i, err))
			continue
		}
		if len(found.events) == 0 { // others will be about as long; a page has 100 at most
			found.events = make([]*Event, 0, min(1+len(l.data[end:])/(end-start), 100))
		}
		found.events = append(found.events, e)
	}
	return found
}

// item parses the item at an offset and returns where it ends.
func (l *listing) item(start int) (e *Event, end int, err error) {
	guess := 0
	if l.data[start] == '{' && l.wrong < maxWrong {
		guess = closingBrace(l.data, start)
		if e, err = ParseEvent(l.data[start:guess]); err == nil {
			return e, guess, nil // only what ends there can be parsed
		}
	}
	if end = skipItem(l.data, start); end != guess {
		e, err = ParseEvent(l.data[start:end])
		if guess > 0 {
			l.wrong++
		}
	}
	return e, end, err
}

// closingBrace returns the end of the object at an offset, if there are no braces
// in its texts and it is not very long. Else it returns any other place behind it.
func closingBrace(data []byte, i int) int {
	const most = 8 << 10
	data = data[:min(len(data), i+most)]
	for depth := 0; ; {
		n := bytes.IndexByte(data[i:], '}')
		if n < 0 {
			return i
		}
		depth += bytes.Count(data[i:i+n], []byte{'{'}) - 1
		if i += n + 1; depth <= 0 {
			return i
		}
	}
}

// skipItem returns the end of the item at an offset, by its brackets alone. What
// is wrong within it, ParseEvent will say: it must not cost the other items.
func skipItem(data []byte, i int) int {
	depth := 0
	for ; i < len(data); i++ {
		switch data[i] {
		case '"':
			i = skipText(data, i+1)
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth < 0 {
				return i // it is the end of the list
			}
			if depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
	}
	return len(data)
}

// skipText returns where the quote is that ends a text, or the end of data.
func skipText(data []byte, i int) int {
	for {
		n := bytes.IndexByte(data[i:], '"')
		if n < 0 {
			return len(data)
		}
		i += n
		escapes := 0
		for data[i-1-escapes] == '\\' { // the quote in front of the text is none
			escapes++
		}
		if escapes%2 == 0 {
			return i
		}
		i++
	}
}

// page reads a page: the array of events is _embedded itself, or events or
// data.events in it.
func (l *listing) page() (found *items, err error) {
	s := &l.s
	single, paged, empty := false, false, true
	o, _ := s.Object()
	for s.Next(&o) {
		empty = false
		switch s.Name(&o) {
		case "_embedded":
			s.Once(&o, 0)
			paged = true
			found, err = l.embeddedItems(0)
			continue
		case "_links":
			s.Once(&o, 1)
			paged = true
			l.next, l.prev = decodeCursors(s)
			continue
		case "page_size":
			paged = true
		case "type", "event_type":
			single = true
		}
		s.Unknown(&o)
	}
	switch {
	case err != nil || found != nil:
		return found, err
	case single: // its _embedded and _links are its own
		return nil, errors.New("this is a single event: use ParseEvent")
	case paged || empty:
		return nil, nil
	default:
		return nil, errors.New("no _embedded: this is no page of events")
	}
}

func (l *listing) embeddedItems(depth int) (found *items, err error) {
	s := &l.s
	switch s.Peek() {
	case '[':
		return l.items(), nil
	case 'n':
		s.Null()
		return nil, nil
	case '{':
	default:
		s.Skip()
		return nil, errors.New("_embedded: want an array of events, or an object that holds one")
	}
	var inner *items
	o, _ := s.Object()
	for s.Next(&o) {
		switch {
		case s.Name(&o) == "events":
			s.Once(&o, 0)
			switch s.Peek() {
			case '[':
				found = l.items()
			case 'n':
				s.Null()
			default:
				s.Skip()
				err = errors.New("_embedded.events: want an array")
			}
		case s.Name(&o) == "data" && depth == 0:
			s.Once(&o, 1)
			var derr error
			inner, derr = l.embeddedItems(1)
			err = cmp.Or(err, derr)
		default:
			s.Unknown(&o)
		}
	}
	if found != nil {
		return found, nil
	}
	return inner, err
}

// MarshalJSON writes Raw when the event was received, so that nothing of it is
// lost, and else the fields as version 1 sends them.
func (e *Event) MarshalJSON() ([]byte, error) {
	if e.Raw != nil {
		return e.Raw, nil
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
		w.Timestamp = e.Timestamp.UTC().Format(timestampLayout)
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

type eventJSON struct {
	ApplicationID  string          `json:"application_id,omitzero"`
	ConversationID string          `json:"conversation_id,omitzero"`
	ID             EventID         `json:"id,omitzero"`
	Type           EventType       `json:"type"`
	From           string          `json:"from,omitzero"`
	To             string          `json:"to,omitzero"`
	Body           any             `json:"body"`
	State          *EventState     `json:"state,omitzero"`
	Timestamp      string          `json:"timestamp,omitzero"`
	Embedded       *embeddedJSON   `json:"_embedded,omitzero"`
	Params         json.RawMessage `json:"params,omitzero"`
}

type embeddedJSON struct {
	FromUser   *User           `json:"from_user,omitzero"`
	FromMember *fromMemberJSON `json:"from_member,omitzero"`
}

type fromMemberJSON struct {
	ID string `json:"id"`
}
