package nexmotest

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/conversation-events/nexmo"
)

// event is a stored event.
type event struct {
	occurrence
	deleted  bool
	receipts map[string]map[string]string // by kind such as "seen_by", then by member ID: when
}

// emit adds an event to a conversation, from the member who caused it.
func (e *engine) emit(c *conversation, typ string, body any, by author) *event {
	from := ""
	if by.member != nil {
		from = by.member.id
	}
	return e.emitFrom(c, typ, body, from, by)
}

// emitFrom adds an event to a conversation. All joined users see it, and so do
// those who are named besides.
func (e *engine) emitFrom(c *conversation, typ string, body any, from string, by author, besides ...string) *event {
	o := occurrence{
		Type: typ, ConversationID: c.id, From: from, To: by.to, Body: encode(body), Timestamp: now(),
		subject: c.id, callback: c.callback, params: c.params(),
	}
	if by.user != nil {
		o.FromUser = by.user.reference()
	}
	if by.member != nil {
		o.FromMember = by.member.id
	}
	o.audience = besides
	for _, m := range c.members {
		if m.state == nexmo.MemberStateJoined && !slices.Contains(o.audience, m.user.id) {
			o.audience = append(o.audience, m.user.id)
		}
	}
	// Who caused it is told first: a client that knows what it did is ready for what
	// others make of it.
	if by.user != nil {
		if i := slices.Index(o.audience, by.user.id); i > 0 {
			o.audience[0], o.audience[i] = o.audience[i], o.audience[0]
		}
	}
	stored := &event{occurrence: o}
	if isStored(typ) {
		c.lastID += 1 + c.skip
		c.skip = 0
		stored.ID = c.lastID
		c.events = append(c.events, stored)
	}
	e.publish(stored.occurrence)
	return stored
}

// isStored reports whether events of a type are kept and have an ID.
func isStored(typ string) bool {
	return typ != string(nexmo.EventEphemeral) && !strings.HasPrefix(typ, "text:typing:")
}

// event returns the event with an ID.
func (c *conversation) event(id int64) *event {
	i, ok := slices.BinarySearchFunc(c.events, id, func(ev *event, id int64) int { return cmp.Compare(ev.ID, id) })
	if !ok {
		return nil
	}
	return c.events[i]
}

// postEvent adds an event that somebody posted.
func (e *engine) postEvent(c *conversation, typ string, body json.RawMessage, by author) (*event, *apiError) {
	kind, isReceipt := receiptKind(typ)
	if !isReceipt {
		return e.emit(c, typ, body, by), nil
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(body, &fields); err != nil || fields["event_id"] == nil {
		return nil, invalid("body.event_id", `"event_id" is required`)
	}
	id, err := strconv.ParseInt(strings.Trim(string(fields["event_id"]), `"`), 10, 64)
	if err != nil {
		return nil, invalid("body.event_id", `"event_id" must be a number`)
	}
	marked := c.event(id)
	if marked == nil {
		return nil, errNoEvent
	}
	fields["event_id"] = json.RawMessage(strconv.FormatInt(id, 10)) // some send text, which frames must not have
	receipt := e.emit(c, typ, fields, by)
	if receipt.From != "" {
		if marked.receipts == nil {
			marked.receipts = map[string]map[string]string{}
		}
		if marked.receipts[kind] == nil {
			marked.receipts[kind] = map[string]string{}
		}
		marked.receipts[kind][receipt.From] = stamp(receipt.Timestamp)
	}
	return receipt, nil
}

// receiptKind returns under which name the state of an event keeps receipts of a
// type.
func receiptKind(typ string) (kind string, ok bool) {
	family, what, _ := strings.Cut(typ, ":")
	switch family {
	case "text", "image", "message", "event":
	default:
		return "", false
	}
	switch {
	case what == "delivered":
		return "delivered_to", true
	case what == "seen":
		return "seen_by", true
	case family == "message" && what == "submitted":
		return "submitted_to", true
	case family == "message" && what == "rejected":
		return "rejected_by", true
	case family == "message" && what == "undeliverable":
		return "undeliverable_to", true
	default:
		return "", false
	}
}

// state is the receipts of the event, nil for an event that can have none.
func (ev *event) state() object {
	if ev.Type != string(nexmo.EventText) && ev.Type != string(nexmo.EventImage) && ev.Type != string(nexmo.EventMessage) {
		return nil
	}
	o := object{}
	for kind, by := range ev.receipts {
		o[kind] = maps.Clone(by)
	}
	return o
}

// deleteEvent takes the content out of an event, which stays, and tells of it.
func (e *engine) deleteEvent(c *conversation, ev *event, by author) *apiError {
	switch {
	case ev.deleted:
		return errNoEvent
	case ev.Type != string(nexmo.EventMessage) && ev.Type != string(nexmo.EventText) && ev.Type != string(nexmo.EventImage) &&
		!strings.HasPrefix(ev.Type, "custom:"):
		return refuse(http.StatusBadRequest, "event:error:delete-not-allowed", "Events of this type cannot be deleted.")
	}
	ev.deleted = true
	ev.Body = encode(object{"timestamp": object{"deleted": stamp(time.Now())}})
	e.emit(c, string(nexmo.EventEventDelete), object{"event_id": ev.ID}, by)
	return nil
}
