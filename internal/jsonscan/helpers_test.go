package jsonscan

import (
	"fmt"
	"strings"
	"time"
)

// event is an object of about 1 KB in the form of a conversation event.
const event = `{
  "id": 10451, "type": "message", "from": "MEM-63f61863-4a51-4f6b-86e1-46edebcf9356",
  "conversation_id": "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a", "cid": "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a",
  "timestamp": "2020-01-01T14:00:00.123Z",
  "body": {"message_type": "text", "text": "Bonjour, votre commande n° 4711 est arrivée. À bientôt, toute l’équipe"},
  "state": {"delivered_to": {"MEM-63f61863-4a51-4f6b-86e1-46edebcf9356": "2020-01-01T14:00:01.000Z"}, "seen_by": {}, "played": false},
  "_embedded": {"from_user": {"id": "USR-82e028d9-5201-4f1e-8188-604b2d3471ec", "name": "my_user_name", "display_name": "My User Name",
    "image_url": "https://example.com/image.png", "custom_data": {"field_1": 1, "field_2": -2.5e3, "field_3": [true, false, null]}},
    "from_member": {"id": "MEM-63f61863-4a51-4f6b-86e1-46edebcf9356", "state": "JOINED"}},
  "_links": {"self": {"href": "https://api.example.com/v1/conversations/CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a/events/10451"}}
}`

// scan returns a scanner over text.
func scan(text string) *Scanner {
	s := new(Scanner)
	s.Reset(text, []byte(text))
	return s
}

// skipAll is the syntax error of a whole text that is skipped.
func skipAll(text string) error {
	s := scan(text)
	s.Skip()
	s.End()
	return s.Err()
}

// walkAll consumes the next value with the methods a decoder uses. The names a,
// b and c are known to it; c has a number beyond those that fit into 64 bits.
// Other names of odd length are taken for the keys of a map.
func walkAll(s *Scanner) {
	switch s.Peek() {
	case '{':
		o, _ := s.Object()
		for s.Next(&o) {
			switch s.Name(&o) {
			case "a":
				if s.Once(&o, 0) {
					walkAll(s)
				}
			case "b":
				if s.Once(&o, 63) {
					walkAll(s)
				}
			case "c":
				if s.Once(&o, 64) {
					walkAll(s)
				}
			default:
				if len(s.Name(&o))%2 == 0 {
					s.Unknown(&o)
				} else if s.Remember(&o) {
					walkAll(s)
				}
			}
		}
	case '[':
		a, _ := s.Array()
		for s.More(&a) {
			walkAll(s)
		}
	case '"':
		s.Text()
	case '0':
		s.Number()
	case 't', 'f':
		s.Bool()
	case 'n':
		s.Null()
	default:
		s.Skip()
	}
}

func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

func nestedObjects(depth int) string {
	return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
}

// manyNames is an object of n members with different names.
func manyNames(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"name%08d":%d`, i, i)
	}
	b.WriteByte('}')
	return b.String()
}

// decoded is what walkEvent reads of the event.
type decoded struct {
	ID             int64
	Type, From     string
	Conversation   string
	Time           time.Time
	Text, UserName string
}

// walkEvent reads the event as a generated decoder does.
func walkEvent(s *Scanner) (d decoded) {
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "id":
			if s.Once(&o, 0) {
				d.ID, _ = s.Int()
			}
		case "type":
			if s.Once(&o, 1) {
				d.Type, _ = s.Text()
			}
		case "from":
			if s.Once(&o, 2) {
				d.From, _ = s.Text()
			}
		case "conversation_id":
			if s.Once(&o, 3) {
				d.Conversation, _ = s.Text()
			}
		case "timestamp":
			if s.Once(&o, 4) {
				d.Time, _ = s.Time()
			}
		case "body":
			if s.Once(&o, 5) {
				d.Text = walkMember(s, "text")
			}
		case "_embedded":
			if s.Once(&o, 6) {
				d.UserName = walkMember(s, "from_user", "name")
			}
		default:
			s.Unknown(&o)
		}
	}
	return d
}

// walkMember reads the text at a path of member names.
func walkMember(s *Scanner, path ...string) (text string) {
	if len(path) == 0 {
		text, _ = s.Text()
		return text
	}
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case path[0]:
			if s.Once(&o, 0) {
				text = walkMember(s, path[1:]...)
			}
		default:
			s.Unknown(&o)
		}
	}
	return text
}
