package nexmo

import (
	"cmp"
	"context"
	"iter"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// EventOption is an option of methods that make an event: [Client.CreateEvent] and
// those of a [Conversation], such as [Conversation.Say]. They panic if one is nil.
type EventOption interface {
	applyEvent(r *eventRequest)
}

type eventOption func(*eventRequest)

func (o eventOption) applyEvent(r *eventRequest) { o(r) }

// From says which member the event is from. The tokens of a user stand for the
// user's own member.
func From(memberID string) EventOption {
	return eventOption(func(r *eventRequest) { r.From = memberID })
}

// To says which member the event is for. Only the older generation of events,
// such as text, is documented to have it.
func To(memberID string) EventOption {
	return eventOption(func(r *eventRequest) { r.To = memberID })
}

type eventRequest struct {
	Type EventType `json:"type"`
	From string    `json:"from,omitzero"`
	To   string    `json:"to,omitzero"`
	Body any       `json:"body"`
}

// textGeneration are the types that only version 0.1 takes.
var textGeneration = map[EventType]bool{
	EventText: true, EventTextUpdate: true, EventTextDelivered: true, EventTextSeen: true, EventTextTypingOn: true, EventTextTypingOff: true,
	EventImage: true, EventImageDelivered: true, EventImageSeen: true,
	EventAudioRingingStart: true, EventAudioRingingStop: true,
	"event:delivered": true, "event:seen": true, // of other events than text, image and message
}

// CreateEvent makes an event, whose type is that of the body. The answer has the
// event's ID, but for an ephemeral one, which is not stored. Types that version 1
// does not know, such as text and typing, go to version 0.1, where the service still
// has it.
//
// A repetition might make the event twice, so there is none after an outcome that
// is not known: [Client.Events] with a StartID tells whether it is there.
func (c *Client) CreateEvent(ctx context.Context, conversationID string, body Body, opts ...EventOption) (*Event, error) {
	const op = "create event"
	checkOptions("Client.CreateEvent", opts)
	if isNil(body) {
		return nil, invalid(op, "body", "it is nil")
	}
	r := eventRequest{Type: body.EventType(), Body: body}
	for _, o := range opts {
		o.applyEvent(&r)
	}
	if err := r.check(op); err != nil {
		return nil, err
	}
	path := "/v1/conversations/{conversation ID}/events"
	if textGeneration[r.Type] {
		path = "/v0.1/conversations/{conversation ID}/events"
	}
	answer, err := c.send(ctx, newRequest(http.MethodPost, op, path, &r, conversationID))
	if err != nil {
		return nil, err
	}
	return r.created(op, conversationID, answer)
}

func (r *eventRequest) check(op string) error {
	c := checker{op: op}
	c.require("type of the event", string(r.Type))
	if r.Type.pattern() {
		c.fail("type of the event", "it is a pattern")
	}
	c.length("From", r.From, maxWord)
	if r.Type.Family() == customFamily {
		c.match("Name", string(r.Type), customTypePattern, "custom:order_paid: letters, digits, _, - and :")
		c.length("Name", string(r.Type), maxType)
		if body, err := encodeJSON(r.Body); err == nil && len(body) > maxCustom {
			c.fail("body of the event", "it is longer than %d bytes of JSON", maxCustom)
		}
	}
	switch b := r.Body.(type) {
	case *AudioDTMF:
		c.require("Digits", cmp.Or(b.Digits, b.Digit))
		c.match("Digits", cmp.Or(b.Digits, b.Digit), digitsPattern, "12#: 1 to 45 of 0-9, A-D, *, # and p")
	case *AudioSay:
		c.require("Text", b.Text)
		c.level(b.Level)
		c.loop(b.Loop)
	case *AudioPlay:
		if len(b.StreamURL) == 0 {
			c.fail("StreamURL", "it is empty")
		}
		c.level(b.Level)
		c.loop(b.Loop)
	case *Message:
		c.require("MessageType", string(b.MessageType))
	}
	return c.err
}

func (c *checker) level(level *float64) {
	if level != nil && !(*level > -1 && *level < 1) {
		c.fail("Level", "it must be between -1 and 1")
	}
}

func (c *checker) loop(loop *int) {
	if loop != nil && *loop < 0 {
		c.fail("Loop", "it must not be negative")
	}
}

// createdJSON is all that version 0.1 answers.
//
//gen:decode
type createdJSON struct {
	ID        EventID   `json:"id"`
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
}

// created returns the event that was made: the one in the answer, or as much of it
// as is known.
func (r *eventRequest) created(op, conversationID string, answer []byte) (*Event, error) {
	var w createdJSON
	if len(answer) > 0 {
		answer = withoutMark(answer)
		var s scanner
		s.Reset(string(answer), answer)
		w.decode(&s)
		s.End()
		if err := s.Err(); err != nil {
			return nil, &answerError{op, err}
		}
	}
	if w.Type == "" {
		body, _ := r.Body.(Body)
		return &Event{ID: w.ID, Type: r.Type, ConversationID: conversationID, From: r.From, To: r.To, Timestamp: w.Timestamp, Body: body}, nil
	}
	e, err := ParseEvent(answer)
	if err != nil {
		return nil, &answerError{op, err}
	}
	e.locate(conversationID)
	return e, nil
}

// Event returns a stored event, or [ErrNotFound]. Typing and ephemeral events are
// not stored.
func (c *Client) Event(ctx context.Context, conversationID string, id EventID) (*Event, error) {
	const op = "get event"
	if id < 0 {
		return nil, invalid(op, "event ID", "it is negative")
	}
	answer, err := c.send(ctx, newRequest(http.MethodGet, op, "/v1/conversations/{conversation ID}/events/{event ID}", nil, conversationID, eventIDText(id)))
	if err != nil {
		return nil, err
	}
	e, err := ParseEvent(answer)
	if err != nil {
		return nil, &answerError{op, err}
	}
	e.locate(conversationID)
	return e, nil
}

// locate gives the event the conversation that it was asked for in, unless it says so
// itself: then its Raw says so, too.
func (e *Event) locate(conversationID string) {
	if e.ConversationID != "" || conversationID == "" {
		return
	}
	e.ConversationID = conversationID
	text := e.Raw.Bytes()
	f := walkFields(text)
	for f.next() {
	}
	if f.whole {
		e.Raw = Raw(putInFront(text, "conversation_id", quoteJSON(conversationID)))
	}
}

// DeleteEvent deletes what an event holds: it stays in lists, without content.
// Only message and custom events can be deleted, with the tokens of a user only
// the user's own.
func (c *Client) DeleteEvent(ctx context.Context, conversationID string, id EventID) error {
	const op = "delete event"
	if id < 0 {
		return invalid(op, "event ID", "it is negative")
	}
	_, err := c.send(ctx, newRequest(http.MethodDelete, op, "/v1/conversations/{conversation ID}/events/{event ID}", nil, conversationID, eventIDText(id)))
	return err
}

// EventListOptions say which events are listed.
type EventListOptions struct {
	ListOptions
	StartID        EventID     // that one and later ones
	EndID          EventID     // that one and earlier ones
	Types          []EventType // at most 5, and none of the application's own
	ExcludeDeleted bool        // leaves deleted events out; their IDs are then missing
}

// Events lists the stored events of a conversation, page after page as the loop
// needs them. o may be nil. An error is yielded last, with a nil event.
func (c *Client) Events(ctx context.Context, conversationID string, o *EventListOptions) iter.Seq2[*Event, error] {
	opts := valueOf(o)
	opts.Types = slices.Clone(opts.Types)
	return pages(ctx, opts.Cursor, func(cursor string) (*Page[Event], error) {
		page := opts
		page.Cursor = cursor
		return c.EventsPage(ctx, conversationID, &page)
	})
}

// EventsPage is one page of [Client.Events]. An element of it that is not an event
// becomes one without a Type, as [ParseEvents] says.
func (c *Client) EventsPage(ctx context.Context, conversationID string, o *EventListOptions) (*Page[Event], error) {
	opts := valueOf(o)
	r := newRequest(http.MethodGet, "list events", "/v1/conversations/{conversation ID}/events", nil, conversationID)
	check := checker{op: r.op}
	check.eventTypes("Types", opts.Types)
	if opts.StartID < 0 || opts.EndID < 0 {
		check.fail("StartID", "an ID is negative")
	}
	if check.err != nil {
		return nil, check.err
	}
	var err error
	if r.query, err = opts.query(r.op); err != nil {
		return nil, err
	}
	setEventID(r.query, "start_id", opts.StartID)
	setEventID(r.query, "end_id", opts.EndID)
	types := make([]string, len(opts.Types))
	for i, t := range opts.Types {
		types[i] = string(t)
	}
	setText(r.query, "event_type", strings.Join(types, ","))
	if opts.ExcludeDeleted {
		r.query.Set("exclude_deleted_events", "true")
	}
	answer, err := c.send(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(answer) == 0 {
		return new(Page[Event]), nil
	}
	page, err := parsePage(answer)
	if err != nil {
		return nil, &answerError{r.op, err}
	}
	for _, e := range page.Items {
		e.locate(conversationID)
	}
	return page, nil
}

// EventsAfter lists the stored events of a conversation that come after one, in
// pages of 100, deleted ones among them. It makes the client a [Source].
func (c *Client) EventsAfter(ctx context.Context, conversationID string, after EventID) iter.Seq2[*Event, error] {
	if after == math.MaxInt64 {
		return func(func(*Event, error) bool) {}
	}
	return c.Events(ctx, conversationID, &EventListOptions{
		ListOptions: ListOptions{PageSize: 100, Order: OrderAscending},
		StartID:     max(after, 0) + 1,
	})
}

var _ Source = (*Client)(nil)
