package nexmo

import (
	"errors"
	"net/url"
	"strings"
	"time"
)

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

// read reads the envelope, in whatever form it is, and finds the body. data is what
// Raw is a copy of.
func (p *parser) read(data []byte) error {
	s := &p.s
	s.Reset(string(p.Raw), data)
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
func readDeleted(raw Raw) time.Time {
	var p parser
	p.Raw = raw
	if p.read(raw.Bytes()) != nil || p.body.end == 0 {
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
			p.Params.decode(s)
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
	p.made, p.Body, p.s.parts = info.alloc()
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
	var content Raw
	if p.body.end != 0 {
		content = p.Raw[p.body.start:p.body.end]
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
