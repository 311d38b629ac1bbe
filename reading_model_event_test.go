package nexmo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// modelEnvelope is what the model reads around a body.
type modelEnvelope struct {
	ID             EventID   `json:"id"`
	EventType      EventType `json:"event_type"`
	ConversationID string    `json:"conversation_id"`
	CID            string    `json:"cid"`
	HRef           string    `json:"href"`
	Links          struct {
		Self struct {
			HRef string `json:"href"`
		} `json:"self"`
	} `json:"_links"`
	ApplicationID string    `json:"application_id"`
	From          string    `json:"from"`
	To            string    `json:"to"`
	Timestamp     time.Time `json:"timestamp"`
	Embedded      struct {
		FromUser   *User `json:"from_user"`
		FromMember struct {
			ID string `json:"id"`
		} `json:"from_member"`
	} `json:"_embedded"`
	Params      Raw    `json:"params"`
	Destination string `json:"session_destination"`
	FromMB      Bool   `json:"isFromMB"`
	FromMb      Bool   `json:"isFromMb"`
}

// modelEvent is the event that a text holds, with Raw empty, and the paths of what does
// not fit, sorted. It returns nil if the text is not a plain event or a packet, be it
// that it is a push notification: of those it says nothing.
func modelEvent(data []byte) (*Event, []string) {
	x := decodeAny(bytes.TrimPrefix(data, []byte("\ufeff")))
	var packet EventType
	if list, ok := x.([]any); ok && len(list) > 1 {
		name, named := list[0].(string)
		if packet, x = EventType(name), list[1]; !named {
			return nil, nil
		}
	}
	m, ok := x.(map[string]any)
	if !ok {
		return nil, nil
	}
	var r modelReader
	e := &Event{Type: packet}
	if typ, ok := m["type"].(string); ok {
		if packet == "" {
			e.Type = EventType(typ)
		}
	} else if m["type"] != nil {
		r.misfit("type")
	}
	if e.Type == "" {
		return nil, nil
	}
	var w modelEnvelope
	r.fields("", reflect.ValueOf(&w).Elem(), m)
	e.ID, e.ApplicationID, e.From, e.To, e.Timestamp, e.Params = w.ID, w.ApplicationID, w.From, w.To, w.Timestamp, w.Params
	e.FromUser, e.FromMember = w.Embedded.FromUser, w.Embedded.FromMember.ID
	if _, word := m["state"].(string); !word {
		r.read("state", reflect.ValueOf(&e.State).Elem(), m["state"])
	}
	for _, id := range []string{w.ConversationID, w.CID, conversationInLink(w.Links.Self.HRef)} {
		if e.ConversationID == "" {
			e.ConversationID = id
		}
	}
	if e.ConversationID == "" && w.Links.Self.HRef == "" {
		e.ConversationID = conversationInLink(w.HRef)
	}
	r.body(e, m, &w)
	slices.Sort(r.misfits)
	return e, r.misfits
}

// body reads the body of e.
func (r *modelReader) body(e *Event, m map[string]any, w *modelEnvelope) {
	x, given := m["body"]
	content := Raw("")
	if given {
		content = Raw(quote(x))
	}
	info := eventTypeNamed(e.Type)
	if info == nil {
		e.Body = &RawBody{Type: e.Type, JSON: content}
		if name, ok := strings.CutPrefix(string(e.Type), "custom:"); ok && name != "*" {
			e.Body = &Custom{Name: name, JSON: content}
		}
		return
	}
	_, e.Body, _ = info.alloc()
	_, object := x.(map[string]any)
	if _, any := e.Body.(*Ephemeral); !object && !any && x != nil {
		r.misfit("body")
		e.Body = &RawBody{Type: e.Type, JSON: content, Err: fmt.Errorf("body: want object, found %s", kindName(x))}
		return
	}
	r.read("body", reflect.ValueOf(e.Body).Elem(), x)
	if b, ok := e.Body.(interface{ signal(string, Bool) }); ok {
		fromMB := w.FromMB
		if fromMB == Unset {
			fromMB = w.FromMb
		}
		b.signal(w.Destination, fromMB)
	}
	if e.ConversationID != "" {
		return
	}
	switch object, _ := x.(map[string]any); e.Type.Family() {
	case "conversation":
		e.ConversationID = (&modelReader{}).text("", object["id"])
	case "member":
		if _, ok := e.Body.(interface{ memberID() string }); ok {
			ref, _ := object["conversation"].(map[string]any)
			e.ConversationID = (&modelReader{}).text("", ref["conversation_id"])
		}
	}
}

// kindName is the kind of a JSON value in words.
func kindName(x any) string {
	switch x.(type) {
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	case []any:
		return "an array"
	case map[string]any:
		return "an object"
	default:
		return "null"
	}
}
