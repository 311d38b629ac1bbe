package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"strings"
	"time"

	"github.com/conversation-events/nexmo"
)

// The floors: what somebody would write by hand for just the events that the
// benchmarks read, with nothing kept back for another day. They trust their input:
// a name twice, text that is no UTF-8, an escape or a value of another kind is read
// wrongly or ends in a panic. Nothing that takes input from a network can be like
// that, and nothing can be much faster.

// floorEvent reads a text or a member:joined: one copy for the strings and
// Raw, one piece of memory for all structs.
func floorEvent(data []byte) *nexmo.Event {
	f := floor{text: string(data)}
	type joined struct {
		event    nexmo.Event
		body     nexmo.MemberJoined
		user     nexmo.User
		channel  nexmo.Channel
		from, to nexmo.Endpoint
		legs     [1]nexmo.Leg
	}
	type text struct {
		event nexmo.Event
		body  nexmo.Text
		user  nexmo.User
	}
	var e *nexmo.Event
	var j *joined
	var t *text
	var user *nexmo.User
	var id nexmo.EventID
	var application, conversation, from string
	f.open()
	for f.member() {
		switch f.name {
		case "application_id":
			application = f.string()
		case "conversation_id":
			conversation = f.string()
		case "id":
			id = nexmo.EventID(f.number())
		case "from":
			from = f.string()
		case "type":
			switch typ := f.string(); typ {
			case "member:joined":
				j = new(joined)
				e, user = &j.event, &j.user
				e.Type, e.Body = nexmo.EventMemberJoined, &j.body
			case "text":
				t = new(text)
				e, user = &t.event, &t.user
				e.Type, e.Body = nexmo.EventText, &t.body
			}
		case "timestamp":
			e.Timestamp = f.time()
		case "_embedded":
			f.open()
			for f.member() {
				switch f.name {
				case "from_user":
					f.user(user)
					e.FromUser = user
				case "from_member":
					f.open()
					for f.member() {
						e.FromMember = f.string()
					}
				}
			}
		case "body":
			f.open()
			if t != nil {
				for f.member() {
					t.body.Text = f.string()
				}
				break
			}
			b := &j.body
			for f.member() {
				switch f.name {
				case "member_id":
					b.MemberID = f.string()
				case "user":
					f.user(&b.User)
				case "channel":
					b.Channel = &j.channel
					f.channel(b.Channel, &j.from, &j.to, j.legs[:0])
				case "timestamp":
					f.open()
					for f.member() {
						if f.name == "invited" {
							b.Timestamp.Invited = f.time()
						} else {
							b.Timestamp.Joined = f.time()
						}
					}
				case "initiator":
					f.open()
					for f.member() {
						f.cause(&b.Initiator.Joined)
					}
				case "media":
					f.open()
					for f.member() {
						if f.name == "audio" {
							b.Media.Audio = f.bool()
							continue
						}
						f.open()
						for f.member() {
							switch f.name {
							case "enabled":
								b.Media.AudioSettings.Enabled = f.bool()
							case "earmuffed":
								b.Media.AudioSettings.Earmuffed = f.bool()
							case "muted":
								b.Media.AudioSettings.Muted = f.bool()
							}
						}
					}
				}
			}
		}
	}
	e.ApplicationID, e.ConversationID, e.ID, e.From = application, conversation, id, from
	e.Raw = nexmo.Raw(f.text)
	return e
}

// floorPage reads a page of such events, knowing how they end.
func floorPage(data []byte) ([]*nexmo.Event, error) {
	const begin, end = `"events":[`, `}}}`
	events := make([]*nexmo.Event, 0, 100)
	for rest := data[bytes.Index(data, []byte(begin))+len(begin)-1:]; rest[0] != ']'; {
		rest = rest[1:] // the bracket or a comma
		n := bytes.Index(rest, []byte(end)) + len(end)
		events = append(events, floorEvent(rest[:n]))
		rest = rest[n:]
	}
	return events, nil
}

// floor is a position in a text that has no blanks.
type floor struct {
	text string
	i    int
	name string
}

func (f *floor) open() { f.i++ }

// member goes to the next member, or behind the object.
func (f *floor) member() bool {
	switch f.text[f.i] {
	case '}':
		f.i++
		return false
	case ',':
		f.i++
	}
	f.name = f.string()
	f.i++
	return true
}

func (f *floor) string() string {
	start := f.i + 1
	end := start + strings.IndexByte(f.text[start:], '"')
	f.i = end + 1
	return f.text[start:end]
}

func (f *floor) number() int {
	n := 0
	for ; '0' <= f.text[f.i] && f.text[f.i] <= '9'; f.i++ {
		n = 10*n + int(f.text[f.i]-'0')
	}
	return n
}

func (f *floor) bool() nexmo.Bool {
	if f.text[f.i] == 't' {
		f.i += len("true")
		return nexmo.True
	}
	f.i += len("false")
	return nexmo.False
}

// time reads 2006-01-02T15:04:05.000Z.
func (f *floor) time() time.Time {
	s := f.string()
	two := func(i int) int { return 10*int(s[i]-'0') + int(s[i+1]-'0') }
	return time.Date(100*two(0)+two(2), time.Month(two(5)), two(8), two(11), two(14), two(17),
		(100*int(s[20]-'0')+two(21))*int(time.Millisecond), time.UTC)
}

func (f *floor) user(u *nexmo.User) {
	f.open()
	for f.member() {
		switch f.name {
		case "id":
			u.ID = f.string()
		case "name":
			u.Name = f.string()
		case "display_name":
			u.DisplayName = f.string()
		case "image_url":
			u.ImageURL = f.string()
		case "custom_data":
			u.CustomData = nexmo.Raw(f.text[f.i : f.i+len("{}")])
			f.i += len("{}")
		}
	}
}

func (f *floor) cause(c *nexmo.Cause) {
	f.open()
	for f.member() {
		switch f.name {
		case "isSystem":
			c.IsSystem = f.bool()
		case "user_id":
			c.UserID = f.string()
		case "member_id":
			c.MemberID = f.string()
		}
	}
}

func (f *floor) channel(c *nexmo.Channel, from, to *nexmo.Endpoint, legs nexmo.Legs) {
	f.open()
	for f.member() {
		switch f.name {
		case "id":
			c.ID = f.string()
		case "type":
			c.Type = nexmo.ChannelType(f.string())
		case "from":
			f.endpoint(from)
			c.From = from
		case "to":
			f.endpoint(to)
			c.To = to
		case "legs":
			f.i++ // the bracket
			for f.text[f.i] != ']' {
				var l nexmo.Leg
				f.open()
				for f.member() {
					if f.name == "leg_id" {
						l.ID = f.string()
					} else {
						l.Status = nexmo.LegStatus(f.string())
					}
				}
				legs = append(legs, l)
			}
			f.i++
			c.Legs = legs
		case "headers":
			f.i += len("{}")
		}
	}
}

func (f *floor) endpoint(p *nexmo.Endpoint) {
	f.open()
	for f.member() {
		if f.name == "type" {
			p.Type = nexmo.ChannelType(f.string())
		} else {
			p.Number = f.string()
		}
	}
}

// floorVerifier verifies a token and the hash of its payload with nothing but HMAC
// and SHA-256: the keyed state is made once, and the claims are searched for the
// three that must be right.
type floorVerifier struct {
	mac    hash.Hash
	now    int64
	text   []byte
	sum    [sha256.Size]byte
	claims [512]byte
	sig    [sha256.Size]byte
}

func newFloorVerifier(secret string) *floorVerifier {
	return &floorVerifier{mac: hmac.New(sha256.New, []byte(secret)), now: time.Now().Unix()}
}

var errFloor = errors.New("refused")

func (v *floorVerifier) verify(token string, body []byte) error {
	dot := strings.IndexByte(token, '.')
	last := strings.LastIndexByte(token, '.')
	if dot < 0 || last <= dot {
		return errFloor
	}
	text := append(v.text[:0], token...)
	v.text = text
	v.mac.Reset()
	_, _ = v.mac.Write(text[:last])
	n, err := base64.RawURLEncoding.Decode(v.sig[:], text[last+1:])
	if err != nil || !hmac.Equal(v.sig[:n], v.mac.Sum(v.sum[:0])) {
		return errFloor
	}
	if n, err = base64.RawURLEncoding.Decode(v.claims[:], text[dot+1:last]); err != nil {
		return errFloor
	}
	claims := v.claims[:n]
	field := func(name string) []byte {
		_, after, _ := bytes.Cut(claims, []byte(name))
		return after
	}
	iat := int64(0)
	for _, c := range field(`"iat":`) {
		if c < '0' || c > '9' {
			break
		}
		iat = 10*iat + int64(c-'0')
	}
	sum := sha256.Sum256(body)
	var wanted [2 * sha256.Size]byte
	hex.Encode(wanted[:], sum[:])
	if v.now-iat > 24*60*60 || !bytes.HasPrefix(field(`"iss":"`), []byte(`Vonage"`)) || !bytes.HasPrefix(field(`"payload_hash":"`), wanted[:]) {
		return errFloor
	}
	return nil
}
