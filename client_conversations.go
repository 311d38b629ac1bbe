package nexmo

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// ConversationInfo is what REST, and events, tell of a conversation.
type ConversationInfo struct {
	ID             string                  `json:"id,omitzero"`              // CON-…
	Name           string                  `json:"name,omitzero"`            // NAM-… when the service made it up
	DisplayName    string                  `json:"display_name,omitzero"`    // to show
	ImageURL       string                  `json:"image_url,omitzero"`       // of a picture to show
	State          ConversationState       `json:"state,omitzero"`           // ACTIVE, INACTIVE or DELETED
	SequenceNumber EventID                 `json:"sequence_number,omitzero"` // of the last event, when REST was asked
	Timestamp      ConversationTimestamp   `json:"timestamp,omitzero"`       // in the life of the conversation
	Properties     *ConversationProperties `json:"properties,omitzero"`      // nil if not told
	Numbers        []ConversationNumber    `json:"numbers,omitzero"`         // endpoints that belong to it
	Callback       *Callback               `json:"callback,omitzero"`        // nil if it has none

	// What events tell and REST does not.
	DeleteReason    string `json:"-"` // of a deleted conversation
	TransferredFrom string `json:"-"` // the conversation that a leg was last transferred from

	Raw Raw `json:"-"` // the answer of REST, whole; "" in what Conversation.Info returns
}

// ConversationProperties are the properties of a conversation.
type ConversationProperties struct {
	TTL           Seconds `json:"ttl,omitzero"`             // how long it may be empty before it is deleted; at most 2^31 seconds
	Type          string  `json:"type,omitzero"`            // at most 200 characters
	CustomSortKey string  `json:"custom_sort_key,omitzero"` // lists of a user can be ordered by it; at most 200 characters
	CustomData    Raw     `json:"custom_data,omitzero"`     // an object; its keys are the application's
}

// ConversationNumber is an endpoint that belongs to a conversation. Which field
// names it depends on the type, as for an [Endpoint].
type ConversationNumber struct {
	Type        ChannelType `json:"type,omitzero"`         // which of the other fields there are
	Number      string      `json:"number,omitzero"`       // for phone
	URI         string      `json:"uri,omitzero"`          // for sip and websocket; at most 200 characters
	Username    string      `json:"username,omitzero"`     // for sip
	Password    Secret      `json:"password,omitzero"`     // for sip
	User        string      `json:"user,omitzero"`         // the name of a user, for app
	Extension   string      `json:"extension,omitzero"`    // for vbc
	ContentType string      `json:"content_type,omitzero"` // of the audio, for websocket
}

// Callback is where the events of one conversation go, besides the webhook of the
// application.
type Callback struct {
	URL       string         `json:"url,omitzero"`        // at most 2048 characters
	EventMask string         `json:"event_mask,omitzero"` // types, separated by commas; all if empty
	Params    CallbackParams `json:"params,omitzero"`     // come back as Event.Params
	Method    string         `json:"method,omitzero"`     // POST, or GET
}

// CallbackParams go with the events of a [Callback].
type CallbackParams struct {
	ApplicationID string `json:"applicationId,omitzero"` // at most 200 characters
	NCCOURL       string `json:"ncco_url,omitzero"`      // at most 2048 characters
}

// conversationJSON is a conversation in every shape that it has had.
//
//gen:decode
type conversationJSON struct {
	ConversationInfo
	UUID string `json:"uuid"` // version 0.1
}

func (c *ConversationInfo) decode(s *scanner) {
	start := s.Offset()
	var w conversationJSON
	w.decode(s)
	*c = w.ConversationInfo
	if c.Raw = Raw(s.Since(start)); c.ID == "" {
		c.ID = w.UUID
	}
}

// ConversationParams are what a conversation is made of, or changed to. What is
// zero is not sent.
type ConversationParams struct {
	Name        string                  `json:"name,omitzero"`         // at most 100 characters, unique in the application; made up if empty
	DisplayName string                  `json:"display_name,omitzero"` // at most 50 characters
	ImageURL    string                  `json:"image_url,omitzero"`    // at most 2048 characters
	State       ConversationState       `json:"state,omitzero"`        // of an update: ConversationStateInactive freezes it
	Properties  *ConversationProperties `json:"properties,omitzero"`   // nil for none
	Numbers     []ConversationNumber    `json:"numbers,omitzero"`      // endpoints that belong to it
	Callback    *Callback               `json:"callback,omitzero"`     // nil for none
}

func (p *ConversationParams) check(op string) error {
	c := checker{op: op}
	c.length("Name", p.Name, maxName)
	c.length("DisplayName", p.DisplayName, maxDisplayName)
	c.length("ImageURL", p.ImageURL, maxURL)
	if q := p.Properties; q != nil {
		c.seconds("Properties.TTL", q.TTL, maxTTL)
		c.length("Properties.Type", q.Type, maxWord)
		c.length("Properties.CustomSortKey", q.CustomSortKey, maxWord)
	}
	for _, n := range p.Numbers {
		c.length("Numbers.URI", n.URI, maxWord)
	}
	if b := p.Callback; b != nil {
		c.length("Callback.URL", b.URL, maxURL)
		c.length("Callback.EventMask", b.EventMask, maxWord)
		c.length("Callback.Params.ApplicationID", b.Params.ApplicationID, maxWord)
		c.length("Callback.Params.NCCOURL", b.Params.NCCOURL, maxURL)
		if b.Method != "" && b.Method != "POST" && b.Method != "GET" {
			c.fail("Callback.Method", "it must be POST or GET")
		}
	}
	return c.err
}

// CreateConversation makes a conversation. With the zero value of p the service makes
// up a name. A name that is taken is [ErrConflict].
func (c *Client) CreateConversation(ctx context.Context, p ConversationParams) (*ConversationInfo, error) {
	const op = "create conversation"
	if err := p.check(op); err != nil {
		return nil, err
	}
	return one[ConversationInfo](ctx, c, newRequest(http.MethodPost, op, "/v1/conversations", p))
}

// ConversationInfo returns what the service tells of a conversation, or
// [ErrNotFound].
func (c *Client) ConversationInfo(ctx context.Context, id string) (*ConversationInfo, error) {
	return one[ConversationInfo](ctx, c, newRequest(http.MethodGet, "get conversation", "/v1/conversations/{conversation ID}", nil, id))
}

// UpdateConversation replaces all that p can hold: what p leaves out is gone.
func (c *Client) UpdateConversation(ctx context.Context, id string, p ConversationParams) (*ConversationInfo, error) {
	const op = "update conversation"
	if err := p.check(op); err != nil {
		return nil, err
	}
	return one[ConversationInfo](ctx, c, newRequest(http.MethodPut, op, "/v1/conversations/{conversation ID}", p, id))
}

// DeleteConversation deletes a conversation. One that does not exist is
// [ErrNotFound], unless an earlier attempt of the same call may have deleted it.
func (c *Client) DeleteConversation(ctx context.Context, id string) error {
	_, err := c.send(ctx, newRequest(http.MethodDelete, "delete conversation", "/v1/conversations/{conversation ID}", nil, id))
	return err
}

// ConversationListOptions say which conversations are listed.
type ConversationListOptions struct {
	ListOptions
	DateStart time.Time // made then or later
	DateEnd   time.Time // made then or earlier
	Name      string    // exactly; not documented for version 1
}

func (o *ConversationListOptions) request() (*request, error) {
	const op = "list conversations"
	q, err := o.query(op)
	if err != nil {
		return nil, err
	}
	setTime(q, "date_start", o.DateStart)
	setTime(q, "date_end", o.DateEnd)
	setText(q, "name", o.Name)
	r := newRequest(http.MethodGet, op, "/v1/conversations", nil)
	r.query = q
	return r, nil
}

// Conversations lists the conversations of the application, page after page as
// the loop needs them. o may be nil. An error is yielded last, with a nil item.
func (c *Client) Conversations(ctx context.Context, o *ConversationListOptions) iter.Seq2[*ConversationInfo, error] {
	opts := valueOf(o)
	return pages(ctx, opts.Cursor, func(cursor string) (*Page[ConversationInfo], error) {
		page := opts
		page.Cursor = cursor
		return c.ConversationsPage(ctx, &page)
	})
}

// ConversationsPage is one page of [Client.Conversations].
func (c *Client) ConversationsPage(ctx context.Context, o *ConversationListOptions) (*Page[ConversationInfo], error) {
	opts := valueOf(o)
	r, err := opts.request()
	if err != nil {
		return nil, err
	}
	return readPage[ConversationInfo](ctx, c, r, "conversations")
}
