package nexmotest

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/conversation-events/nexmo"
)

// conversation is a conversation and all that happened in it.
type conversation struct {
	seq         uint64
	id          string
	name        string
	displayName string
	imageURL    string
	inactive    bool
	properties  properties
	numbers     json.RawMessage
	callback    *callback
	created     time.Time
	updated     time.Time

	members []*member
	events  []*event // stored ones, by rising ID
	lastID  int64
	skip    int64 // how many IDs the next event leaves out
}

// properties are the properties of a conversation.
type properties struct {
	ttl           *int64
	kind          string
	customSortKey string
	customData    json.RawMessage
}

// callback is where a conversation has its own events posted.
type callback struct {
	url    string
	mask   []nexmo.EventType // all if empty
	method string
	params json.RawMessage
}

// conversationChange is what a request says of a conversation; nil fields are
// not mentioned.
type conversationChange struct {
	id          string // of one that is created; made up if empty
	name        *string
	displayName *string
	imageURL    *string
	inactive    *bool
	properties  *properties
	numbers     json.RawMessage
	callback    *callback
}

// conversation returns the conversation with an ID.
func (e *engine) conversation(id string) (*conversation, *apiError) {
	c := find(e.conversations, func(c *conversation) bool { return c.id == id })
	if c == nil {
		return nil, errNoConversation
	}
	return c, nil
}

// conversationNamed returns the conversation with a name, or nil.
func (e *engine) conversationNamed(name string) *conversation {
	return find(e.conversations, func(c *conversation) bool { return c.name == name })
}

// activeConversation returns a conversation in which something may happen.
func (e *engine) activeConversation(id string) (*conversation, *apiError) {
	c, err := e.conversation(id)
	if err == nil && c.inactive {
		return nil, refuse(http.StatusBadRequest, "conversation:error:not-allowed", "The conversation is inactive.")
	}
	return c, err
}

func (e *engine) createConversation(change conversationChange) (*conversation, *apiError) {
	at := now()
	c := &conversation{id: cmp.Or(change.id, "CON-"+newUUID()), name: "NAM-" + newUUID(), created: at}
	if err := e.changeConversation(c, change); err != nil {
		return nil, err
	}
	c.seq = e.next()
	e.conversations = append(e.conversations, c)
	body := c.details()
	body["state"] = "ACTIVE"
	e.publish(c.application(nexmo.EventConversationCreated, body, at))
	return c, nil
}

// updateConversation changes c and has it told. When replace is set, what is not
// mentioned is cleared, apart from the name.
func (e *engine) updateConversation(c *conversation, change conversationChange, replace bool) *apiError {
	changed := *c
	if replace {
		changed.displayName, changed.imageURL = "", ""
		changed.properties, changed.numbers, changed.callback = properties{}, nil, nil
	}
	if err := e.changeConversation(&changed, change); err != nil {
		return err
	}
	changed.updated = now()
	*c = changed
	body := c.details()
	body["state"] = c.state()
	e.emit(c, string(nexmo.EventConversationUpdated), body, author{})
	return nil
}

func (e *engine) changeConversation(c *conversation, change conversationChange) *apiError {
	if change.name != nil && *change.name != "" && *change.name != c.name {
		if e.conversationNamed(*change.name) != nil {
			return errDuplicateName
		}
		c.name = *change.name
	}
	if change.displayName != nil {
		c.displayName = *change.displayName
	}
	if change.imageURL != nil {
		c.imageURL = *change.imageURL
	}
	if change.inactive != nil {
		c.inactive = *change.inactive
	}
	if change.properties != nil {
		c.properties = *change.properties
	}
	if change.numbers != nil {
		c.numbers = change.numbers
	}
	if change.callback != nil {
		c.callback = change.callback
	}
	return nil
}

func (e *engine) deleteConversation(c *conversation) {
	at := now()
	e.conversations = slices.DeleteFunc(e.conversations, func(other *conversation) bool { return other == c })
	body := c.details()
	body["reason"] = "api request"
	times := c.times()
	times["destroyed"] = stamp(at)
	body["timestamp"] = times
	e.publish(c.application(nexmo.EventConversationDeleted, body, at))
}

// application returns an event of the application that is about c.
func (c *conversation) application(t nexmo.EventType, body object, at time.Time) occurrence {
	return occurrence{
		Type: string(t), Body: encode(body), Timestamp: at,
		subject: c.id, callback: c.callback, params: c.params(),
	}
}

func (c *conversation) params() json.RawMessage {
	if c.callback == nil {
		return nil
	}
	return c.callback.params
}

func (c *conversation) state() string {
	if c.inactive {
		return "INACTIVE"
	}
	return "ACTIVE"
}

// times is the timestamp of the conversation.
func (c *conversation) times() object {
	o := object{"created": stamp(c.created)}
	if !c.updated.IsZero() {
		o["updated"] = stamp(c.updated)
	}
	return o
}

// details is the conversation as its events tell of it.
func (c *conversation) details() object {
	return c.withPicture(object{"id": c.id, "name": c.name, "timestamp": c.times()})
}

func (c *conversation) withPicture(o object) object {
	if c.displayName != "" {
		o["display_name"] = c.displayName
	}
	if c.imageURL != "" {
		o["image_url"] = c.imageURL
	}
	return o
}
