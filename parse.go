package nexmo

import (
	"bytes"
	"cmp"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// ParseEvent reads one event in any form in which the service sends it: the
// body of an rtc webhook, an event of REST in every version, an object or a
// whole packet (name first) of the realtime session, a push notification.
//
// An event that is authentic is not refused for what a reader can mend. Text that is
// not Unicode, such as half a surrogate pair, is read as U+FFFD, as [encoding/json]
// does. Of a name twice the last counts. A number is read where text is documented, as
// it is spelt, and a text where a number is. An "id" that is not an ID is none. A field
// that still does not fit stays zero, and [Event.Misfits] lists it. An event of an
// unknown type, and one whose body is not an object, has a [*RawBody].
//
// It fails only for text that is not JSON (RFC 8259, nothing behind, nested at most 512
// deep), and without a type. The error is a [*DecodeError].
//
// The event keeps nothing of data.
func ParseEvent(data []byte) (*Event, error) {
	data = withoutMark(data)
	var p parser
	p.Raw = Raw(data)
	if err := p.read(data); err != nil {
		return nil, &DecodeError{Type: p.Type, Err: err}
	}
	return p.finish(), nil
}

// parser reads one event, which keeps one copy of its text: its Raw. All of its strings are
// parts of that. A parser lives on the stack: the garbage collector need not be
// told of what is written there, and nothing is kept from one event to the next.
type parser struct {
	s       scanner
	collect int // how many misfits are to be remembered
	envelope
}

// envelope is what is known of an event while it is read.
type envelope struct {
	Event
	packet          EventType // the name of a packet, which overrides the type inside
	eventType       EventType // what push notifications have in place of the type
	cid, href, link string    // other places of the conversation ID
	destination     string    // envelope fields that belong to rtc bodies
	fromMB          Bool
	noText          bool // there is a type, and it is not text
	wrapped         span // what a push notification wraps
	own             span // the object with the fields of the envelope
	body            span
	pending         bool          // the body came before the type, and is not decoded
	other           jsonscan.Kind // of the body, if its type has a struct and it is no object; else 0
	made            *Event        // the memory of an event whose type has a struct, or nil
}

// span is a value that was read or skipped; none when end is 0.
type span struct{ start, end int }

// withoutMark returns a text without the byte-order mark that some programs put in front.
func withoutMark(data []byte) []byte { return bytes.TrimPrefix(data, []byte("\ufeff")) }

// unusable returns what can be read of an element of a list that is not an event, as err
// says.
func unusable(data []byte, err error) *Event {
	x := new(struct {
		event Event
		body  RawBody
	})
	var p parser
	p.Raw = Raw(data)
	_ = p.read(data)
	p.Type, p.Body = "", &x.body
	x.event, x.body = p.Event, RawBody{JSON: p.content(), Err: err}
	return &x.event
}

// read reads the envelope, in whatever form it is, and finds the body. data is what
// Raw is a copy of.
func (p *parser) read(data []byte) error {
	s := &p.s
	s.Reset(string(p.Raw), data)
	s.Collect(p.collect)
	var err error
	if s.Peek() == '[' {
		err = p.readPacket()
	} else {
		err = p.readEnvelope()
	}
	s.End()
	if err == nil && p.Type == "" && p.wrapped.end != 0 && s.Err() == nil {
		s.Seek(p.wrapped.start)
		err = p.readEnvelope()
	}
	if p.ConversationID == "" {
		p.ConversationID = p.cid
	}
	if p.ConversationID == "" {
		p.ConversationID = conversationInLink(cmp.Or(p.link, p.href))
	}
	switch {
	case s.Err() != nil:
		p.Type = ""
		return s.Err() // broken JSON explains all else
	case err != nil || p.Type != "":
		return err
	case p.noText:
		return errors.New(`type: want text, such as "member:joined"`)
	default:
		return errors.New(`no "type": an event has one, such as "member:joined"`)
	}
}

// readDeleted returns body.timestamp.deleted of an event whose body holds nothing
// else, or zero.
func readDeleted(raw Raw) time.Time {
	var p parser
	p.Raw = raw
	_ = p.read(raw.Bytes()) // the type does not matter
	if p.s.Err() != nil || p.body.end == 0 {
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

// readEnvelope reads the fields around the body. It fails if there is no object, and
// then goes on behind what is there.
func (p *parser) readEnvelope() error {
	s := &p.s
	p.own.start = s.Offset()
	if s.Peek() != '{' {
		s.Skip()
		return errors.New("want a JSON object")
	}
	if p.packet != "" {
		p.make(p.packet)
	}
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "id":
			p.ID = 0
			p.ID.decode(s)
		case "type":
			p.readType()
		case "event_type": // push notifications
			t, _ := s.Text()
			p.eventType = EventType(t)
		case "conversation_id":
			p.ConversationID, _ = s.Text()
		case "cid":
			p.cid, _ = s.Text()
		case "href":
			p.href, _ = s.Text()
		case "_links":
			p.readLinks()
		case "application_id":
			p.ApplicationID, _ = s.Text()
		case "from":
			p.From, _ = s.Text()
		case "to":
			p.To, _ = s.Text()
		case "timestamp":
			p.Timestamp, _ = s.Time()
		case "body":
			p.readBody()
		case "state":
			p.readState()
		case "_embedded":
			p.readEmbedded()
		case "params":
			p.Params.decode(s)
		case "session_destination":
			p.destination, _ = s.Text()
		case "isFromMB":
			if s.Again(&o, 0) {
				reset(&p.fromMB)
			}
			p.fromMB.decode(s)
		case "isFromMb":
			if s.Again(&o, 1) {
				reset(&p.fromMB)
			}
			p.fromMB.decode(s)
		case "nexmo", "stitch": // push notifications wrap the event
			object := s.Peek() == '{'
			start, end := s.Skip()
			if object {
				p.wrapped = span{start, end}
			}
		default:
			s.Unknown(&o)
		}
	}
	p.own.end = p.own.start + len(s.Since(p.own.start))
	if p.packet != "" {
		p.Type = p.packet
	} else if p.Type == "" {
		p.Type = p.eventType
	}
	return nil
}

// readType reads the type. A body that came in front of it is decoded by finish.
func (p *parser) readType() {
	s := &p.s
	p.Type, p.noText = "", false
	if s.Peek() == '"' {
		t, _ := s.Text()
		p.Type = EventType(t)
	} else if !s.Null() {
		s.Mismatch("text")
		p.noText = true
	}
	if p.packet == "" {
		p.make(p.Type)
		p.pending = p.body.end != 0
	}
}

// make makes the memory of an event if its type has a struct. Its parts are then
// handed out by the scanner.
func (p *parser) make(typ EventType) {
	info := eventTypeNamed(typ)
	if info == nil {
		p.made, p.Body = nil, nil
		return
	}
	p.made, p.Body, p.s.parts = info.alloc()
}

// readBody decodes the body if the type is known already. Else finish does.
func (p *parser) readBody() {
	s := &p.s
	if p.pending = p.made == nil; p.pending {
		p.body.start, p.body.end = s.Skip()
		return
	}
	if p.body.end != 0 { // it is there once more
		p.make(p.Body.EventType())
	}
	p.body.start = s.Offset()
	p.decodeBody()
	p.body.end = p.body.start + len(s.Since(p.body.start))
}

// decodeBody decodes the body, if it can be decoded into the struct of its type.
func (p *parser) decodeBody() {
	s := &p.s
	p.other = 0
	if kind := s.Peek(); kind != '{' && kind != 'n' {
		if _, ok := p.Body.(*Ephemeral); !ok {
			p.other = kind
			s.Mismatch("object")
			return
		}
	}
	decodeBody(p.Body, s)
}

// readState reads the receipts. "", null and words of other enumerations have
// been seen in their place.
func (p *parser) readState() {
	p.State = nil
	if p.s.Peek() == '"' {
		p.s.Skip()
		return
	}
	if p.s.opens() {
		p.State = new(EventState)
		p.State.decode(&p.s)
	}
}

func (p *parser) readEmbedded() {
	s := &p.s
	p.FromUser, p.FromMember = nil, ""
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "from_user":
			p.FromUser = nil
			if s.opens() {
				p.FromUser = newUser(s)
				p.FromUser.decode(s)
			}
		case "from_member":
			p.FromMember = readOneText(s, "id")
		default:
			s.Unknown(&o)
		}
	}
}

// readLinks reads _links.self.href.
func (p *parser) readLinks() {
	s := &p.s
	p.link = ""
	o, _ := s.Object()
	for s.Next(&o) {
		if s.Name(&o) == "self" {
			p.link = readOneText(s, "href")
		} else {
			s.Unknown(&o)
		}
	}
}

// readOneText reads an object and returns one of its texts.
func readOneText(s *scanner, name string) (text string) {
	o, _ := s.Object()
	for s.Next(&o) {
		if s.Name(&o) == name {
			text, _ = s.Text()
		} else {
			s.Unknown(&o)
		}
	}
	return text
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

// content returns the text of the body, or "".
func (p *parser) content() Raw {
	if p.body.end == 0 {
		return ""
	}
	return p.Raw[p.body.start:p.body.end]
}

// finish returns the event, and decodes the body unless that was done. The envelope
// is complete.
func (p *parser) finish() *Event {
	if p.made == nil {
		p.make(p.Type) // event_type has named it
	}
	if p.made != nil && p.pending {
		p.s.Seek(p.body.start)
		p.decodeBody()
	}
	if p.made != nil && p.other == 0 {
		if p.destination != "" || p.fromMB != Unset {
			if b, ok := p.Body.(interface{ signal(string, Bool) }); ok {
				b.signal(p.destination, p.fromMB)
			}
		}
		if p.ConversationID == "" {
			if b, ok := p.Body.(interface{ conversationID() string }); ok {
				p.ConversationID = b.conversationID()
			}
		}
		*p.made = p.Event
		return p.made
	}
	if name, ok := p.Type.customName(); ok {
		x := new(struct {
			event Event
			body  Custom
		})
		p.Body = &x.body
		x.event, x.body = p.Event, Custom{Name: name, JSON: p.content()}
		return &x.event
	}
	x := new(struct {
		event Event
		body  RawBody
	})
	p.Body = &x.body
	x.event, x.body = p.Event, RawBody{Type: p.Type, JSON: p.content()}
	if p.other != 0 {
		x.body.Err = &jsonscan.ShapeError{Path: "body", Want: "object", Found: p.other.Found()}
	}
	return &x.event
}
