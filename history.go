package nexmo

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// history keeps the last events of a conversation, with what later events said
// about them. An event that others may hold is never changed: a changed copy
// takes its place.
type history struct {
	limit  int
	events []*Event // by rising ID
}

func compareEvent(e *Event, id EventID) int {
	switch {
	case e.ID < id:
		return -1
	case e.ID > id:
		return 1
	default:
		return 0
	}
}

func (h *history) apply(e *Event) {
	if h.limit == 0 || e.ID == 0 {
		return
	}
	h.amend(e)
	i, ok := slices.BinarySearchFunc(h.events, e.ID, compareEvent)
	if ok || i == 0 && len(h.events) == h.limit {
		return // known, or older than all that is kept
	}
	if len(h.events) == h.limit {
		copy(h.events, h.events[1:i])
		h.events[i-1] = e
		i--
	} else {
		h.events = slices.Insert(h.events, i, e)
	}
	// An event that comes late may have been marked already.
	for _, later := range h.events[i+1:] {
		h.amend(later)
	}
}

// amend applies what e says about an earlier event.
func (h *history) amend(e *Event) {
	switch b := e.Body.(type) {
	case *EventDelete:
		h.replace(b.EventID, func(old *Event) *Event { return deletedCopy(old, e.Timestamp) })
	case *TextUpdate:
		h.replace(b.OriginalEventID, func(old *Event) *Event { return editedCopy(old, e, b) })
	case *MemberMessageStatus:
		kind := EventMessageSubmitted
		if b.Error != "" {
			kind = EventMessageUndeliverable
		}
		h.mark(b.OriginalEventID, kind, e)
	case interface{ receiptOf() EventID }:
		h.mark(b.receiptOf(), e.Type, e)
	}
}

func (r *Receipt) receiptOf() EventID { return r.EventID }

// mark notes a receipt on the event that it is for. Of two from the same member
// the later one counts, in whichever order they come.
func (h *history) mark(id EventID, kind EventType, e *Event) {
	h.replace(id, func(old *Event) *Event {
		var state EventState
		if old.State != nil {
			state = *old.State
		}
		var at *ReceiptTimes
		switch kind {
		case EventTextDelivered, EventImageDelivered, EventMessageDelivered:
			at = &state.DeliveredTo
		case EventTextSeen, EventImageSeen, EventMessageSeen:
			at = &state.SeenBy
		case EventMessageSubmitted:
			at = &state.SubmittedTo
		case EventMessageRejected:
			at = &state.RejectedBy
		case EventMessageUndeliverable:
			at = &state.UndeliverableTo
		default:
			return old
		}
		member := e.MemberID()
		if was, ok := (*at)[member]; ok && !e.Timestamp.After(was) {
			return old
		}
		m := maps.Clone(*at)
		if m == nil {
			m = ReceiptTimes{}
		}
		m[strings.Clone(member)] = e.Timestamp
		*at = m
		c := *old
		c.State = &state
		return &c
	})
}

// replace puts what change returns in the place of the event with an ID.
func (h *history) replace(id EventID, change func(*Event) *Event) {
	if i, ok := slices.BinarySearchFunc(h.events, id, compareEvent); ok {
		h.events[i] = change(h.events[i])
	}
}

// deletedCopy returns what the service lists of an event after its deletion: the
// envelope, and a body that says when. It is parsed anew, since all strings of an
// event are views of its whole text.
func deletedCopy(e *Event, at time.Time) *Event {
	if _, ok := e.Deleted(); ok {
		return e
	}
	if at.IsZero() {
		at = time.Now()
	}
	bare := *e
	if bare.Type == "" && e.Body != nil {
		bare.Type = e.Body.EventType()
	}
	body, _ := json.Marshal(map[string]deletedTimestamp{"timestamp": {at.UTC()}})
	bare.Raw, bare.Body = "", &RawBody{Type: bare.Type, JSON: Raw(body)}
	text, err := bare.MarshalJSON()
	if err != nil { // made in Go, with parts that are no JSON
		bare.FromUser, bare.State, bare.Params = nil, nil, ""
		text, _ = bare.MarshalJSON()
	}
	c, err := ParseEvent(text)
	if err != nil {
		return &bare
	}
	c.Timestamp = e.Timestamp // to the digit
	return c
}

// editedCopy returns a text as a text:update left it. Raw stays as received.
func editedCopy(old, e *Event, update *TextUpdate) *Event {
	text, ok := As[*Text](old)
	if !ok || text.Edited.EditedBy > e.ID {
		return old
	}
	if _, deleted := old.Deleted(); deleted {
		return old
	}
	body := *text
	body.Text = strings.Clone(update.Text)
	body.Edited = Edited{EditedBy: e.ID, EditedAt: e.Timestamp}
	c := *old
	c.Body = &body
	return &c
}
