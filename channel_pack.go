package nexmo

import (
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
)

// A channel is large and mostly empty. The state of a member keeps it packed into
// one string: an eighth of the memory, and nothing of the event it came in.
//
// A packed channel is its fields in the order of [packer.channel]: numbers as
// varints, texts as [packer.write] has them, lists after one more than their
// length. Of a run of zeros there is one, and how many; at the end there are none.

// packChannel appends c to buf; nothing for a channel that tells nothing.
func packChannel(buf []byte, c *Channel) []byte {
	p := packer{mode: packing, buf: buf}
	p.channel(c)
	return p.buf
}

// unpackChannel returns what was packed; nil for "". Its texts are views of it.
func unpackChannel(packed string) *Channel {
	if packed == "" {
		return nil
	}
	c := new(Channel)
	fillChannel(c, packed)
	return c
}

// hasChannel reports whether all that c tells was packed.
func hasChannel(packed string, c *Channel) bool {
	p := packer{mode: comparing, rest: packed}
	p.channel(c)
	return !p.differs
}

// hasLeg reports whether a leg is one of the packed channel.
func hasLeg(packed, leg string) bool {
	p := packer{rest: packed}
	p.id = p.read()
	found := p.id == leg
	for n := p.readNumber(); n > 1 && !found; n-- {
		found = p.read() == leg
	}
	return found
}

// fillChannel fills in what c does not tell from what was packed. An end of another type
// is another end: it gets nothing of the packed one. What c points to is not changed.
func fillChannel(c *Channel, packed string) {
	p := packer{mode: filling, rest: packed}
	p.channel(c)
}

// packer goes through the fields of a channel. It packs them, fills in those that are not
// told from what was packed, or compares those that are told with it. So each field is
// written down once.
type packer struct {
	mode packerMode
	id   string // of the channel: its legs repeat it

	buf     []byte // packed so far
	rest    string // not unpacked yet
	zeros   uint64 // in front of what is packed or unpacked next
	listed  bool   // in a list that is told: what is empty is told too
	differs bool
}

type packerMode int

const (
	packing packerMode = iota
	filling
	comparing
)

func (p *packer) channel(c *Channel) {
	p.id = packText(p, &c.ID)
	p.texts(&c.LegIDs)
	packText(p, &c.Type)
	p.endpoint(&c.From)
	p.endpoint(&c.To)
	packText(p, &c.Number)
	p.headers(&c.Headers)
	p.legs(&c.Legs)
	packText(p, &c.LegSettings)
	packText(p, &c.KnockingID)
	packNumber(p, &c.CPA)
	packNumber(p, &c.CPATime)
	packNumber(p, &c.Preanswer)
	packNumber(p, &c.RingTimeout)
	packNumber(p, &c.MaxLength)
	p.texts(&c.CanHear)
	p.texts(&c.CanSpeak)
	packText(p, &c.ContentType)
}

func (p *packer) endpoint(at **Endpoint) {
	e := *at
	if p.length(e != nil, 0) < 0 {
		return
	}
	if e == nil {
		e = new(Endpoint)
	} else if p.mode == filling {
		own := *e
		e = &own
	}
	told := e.Type
	packed := packText(p, &e.Type)
	switch {
	case p.mode != filling:
	case told == "" || string(told) == packed:
		*at = e
	default:
		e = new(Endpoint) // another one
	}
	packText(p, &e.Number)
	packText(p, &e.User)
	packText(p, &e.URI)
	packText(p, &e.Username)
	packText(p, &e.Password)
	packText(p, &e.Extension)
	packText(p, &e.ID)
	packText(p, &e.ContentType)
	p.headers(&e.Headers)
}

func (p *packer) headers(h *Headers) {
	n := p.length(*h != nil, len(*h))
	if p.mode == packing {
		for _, name := range slices.Sorted(maps.Keys(*h)) {
			p.write(name)
			p.write((*h)[name])
		}
		return
	}
	fill, told := p.fills(*h != nil, n), *h != nil
	if fill {
		*h = make(Headers, n)
	}
	for ; n > 0; n-- {
		name, value := p.read(), p.read()
		if fill {
			(*h)[name] = value
		} else if v, ok := (*h)[name]; p.mode == comparing && told && (!ok || v != value) {
			p.differs = true
		}
	}
}

func (p *packer) texts(list *[]string) {
	n := p.length(*list != nil, len(*list))
	fill := p.fills(*list != nil, n)
	if fill {
		*list = make([]string, n)
	}
	for i := range max(n, 0) {
		var untold string
		s := &untold
		if i < len(*list) && (fill || p.mode != filling) {
			s, p.listed = &(*list)[i], true
		}
		packText(p, s)
		p.listed = false
	}
}

func (p *packer) legs(list *Legs) {
	n := p.length(*list != nil, len(*list))
	fill := p.fills(*list != nil, n)
	if fill {
		*list = make(Legs, n)
	}
	for i := range max(n, 0) {
		var untold Leg
		l := &untold
		if i < len(*list) && (fill || p.mode != filling) {
			l, p.listed = &(*list)[i], true
		}
		packText(p, &l.ID)
		packText(p, &l.Status)
		p.listed = false
	}
}

// length is what a list begins with. It returns how many items were packed, -1 for
// no list.
func (p *packer) length(told bool, n int) int {
	if p.mode == packing {
		if !told {
			n = -1
		}
		p.writeNumber(uint64(n + 1))
		return n
	}
	packed := int(p.readNumber()) - 1 //nolint:gosec // as it was written
	if p.mode == comparing && told && packed != n {
		p.differs = true
	}
	return packed
}

// fills reports whether a list is to be made of n packed items.
func (p *packer) fills(told bool, n int) bool { return p.mode == filling && !told && n >= 0 }

func packNumber[T ~int64 | ~uint8](p *packer, v *T) {
	if p.mode == packing {
		p.writeNumber(uint64(*v))
		return
	}
	packed := T(p.readNumber())
	switch {
	case p.mode == filling:
		*v = cmp.Or(*v, packed)
	case *v != 0 && *v != packed:
		p.differs = true
	}
}

// packText returns the text that was packed.
func packText[T ~string](p *packer, v *T) string {
	if p.mode == packing {
		p.write(string(*v))
		return string(*v)
	}
	packed := p.read()
	switch {
	case p.mode == filling:
		*v = cmp.Or(*v, T(packed))
	case (*v != "" || p.listed) && string(*v) != packed:
		p.differs = true
	}
	return packed
}

// usualWords are packed as their number.
var usualWords = [...]string{
	string(ChannelTypeApp), string(ChannelTypePhone), string(ChannelTypeSIP), string(ChannelTypeWebsocket),
	string(LegStatusStarted), string(LegStatusRinging), string(LegStatusAnswered), string(LegStatusCompleted),
}

const (
	noText    = 0
	sameText  = 1 // as the ID of the channel
	usualText = 2
	otherText = usualText + len(usualWords) // and its length, before the text itself
)

func (p *packer) write(s string) {
	switch i := slices.Index(usualWords[:], s); {
	case s == "":
		p.writeNumber(noText)
	case s == p.id:
		p.writeNumber(sameText)
	case i >= 0:
		p.writeNumber(usualText + uint64(i))
	default:
		p.writeNumber(uint64(otherText + len(s)))
		p.buf = append(p.buf, s...)
	}
}

func (p *packer) read() (s string) {
	switch n := p.readNumber(); {
	case n == noText:
		return ""
	case n == sameText:
		return p.id
	case n < uint64(otherText):
		return usualWords[n-usualText]
	default:
		n -= uint64(otherText)
		s, p.rest = p.rest[:n], p.rest[n:]
		return s
	}
}

func (p *packer) writeNumber(n uint64) {
	if n == 0 {
		p.zeros++
		return
	}
	if p.zeros > 0 {
		p.buf = binary.AppendUvarint(append(p.buf, 0), p.zeros)
		p.zeros = 0
	}
	p.buf = binary.AppendUvarint(p.buf, n)
}

func (p *packer) readNumber() uint64 {
	if p.zeros > 0 {
		p.zeros--
		return 0
	}
	n := p.varint()
	if n == 0 && p.rest != "" {
		p.zeros = p.varint() - 1
	}
	return n
}

func (p *packer) varint() (n uint64) {
	for shift := 0; p.rest != ""; shift += 7 {
		b := p.rest[0]
		p.rest = p.rest[1:]
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			break
		}
	}
	return n
}
