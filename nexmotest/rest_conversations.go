package nexmotest

import (
	"net/http"
	"strings"
	"time"

	"github.com/conversation-events/nexmo"
)

var conversationRoutes = []route{
	{current, http.MethodGet, "/conversations", listConversations},
	{current | beta, http.MethodPost, "/conversations", createConversation},
	{current | beta, http.MethodGet, "/conversations/{conversation}", getConversation},
	{v1, http.MethodPut, "/conversations/{conversation}", replaceConversation},
	{v03, http.MethodPatch, "/conversations/{conversation}", updateConversation},
	{current | beta, http.MethodDelete, "/conversations/{conversation}", deleteConversation},
}

func listConversations(r *request) (answer, *apiError) {
	span, err := r.span()
	if err != nil {
		return answer{}, err
	}
	name := r.query.Get("name")
	var found []*conversation
	for _, c := range r.server.engine.conversations {
		if (name == "" || c.name == name) && span.holds(c.created) {
			found = append(found, c)
		}
	}
	p, err := paginate(r, found, func(c *conversation) uint64 { return c.seq })
	if err != nil {
		return answer{}, err
	}
	return ok(list(r, p, "conversations", func(c *conversation) object {
		return c.withPicture(object{"id": c.id, "name": c.name, "timestamp": c.times(), "_links": r.self("conversations", c.id)})
	}))
}

func createConversation(r *request) (answer, *apiError) {
	change, err := readConversation(r.fields())
	if err != nil {
		return answer{}, err
	}
	c, err := r.server.engine.createConversation(change)
	if err != nil {
		return answer{}, err
	}
	if r.gen == beta {
		return ok(object{"id": c.id, "href": r.to("conversations", c.id)})
	}
	return created(r.conversationDocument(c))
}

func getConversation(r *request) (answer, *apiError) {
	c, err := r.conversation()
	if err != nil && r.gen == v03 { // which takes a name as well
		if c = r.server.engine.conversationNamed(r.vars["conversation"]); c != nil {
			err = nil
		}
	}
	if err != nil {
		return answer{}, err
	}
	if r.gen == beta {
		return ok(r.oldConversation(c))
	}
	o := r.conversationDocument(c)
	if r.gen == v03 && r.user != nil {
		if m := c.memberOf(r.user); m != nil {
			o["_embedded"] = r.embeddedMember(m)
		}
	}
	return ok(o)
}

// replaceConversation clears what is not mentioned, unless it is about the state:
// whoever freezes a conversation does not mean to.
func replaceConversation(r *request) (answer, *apiError) {
	f := r.fields()
	return r.changeConversation(f, !f.has("state"))
}

func updateConversation(r *request) (answer, *apiError) {
	return r.changeConversation(r.fields(), false)
}

func (r *request) changeConversation(f fields, replace bool) (answer, *apiError) {
	c, err := r.activeConversation()
	if err != nil {
		return answer{}, err
	}
	change, err := readConversation(f)
	if err != nil {
		return answer{}, err
	}
	if err := r.server.engine.updateConversation(c, change, replace); err != nil {
		return answer{}, err
	}
	return ok(r.conversationDocument(c))
}

func deleteConversation(r *request) (answer, *apiError) {
	c, err := r.conversation()
	if err != nil {
		return answer{}, err
	}
	r.server.engine.deleteConversation(c)
	return r.done()
}

func readConversation(f fields) (conversationChange, *apiError) {
	c := conversationChange{
		name:        f.text("name", 100),
		displayName: f.text("display_name", 50),
		imageURL:    f.address("image_url"),
		numbers:     f.raw("numbers", '['),
	}
	if state := f.choice("state", "active", "inactive"); state != "" {
		inactive := state == "inactive"
		c.inactive = &inactive
	}
	if f.has("properties") {
		p := f.object("properties")
		c.properties = &properties{
			ttl:           p.integer("ttl", 0, maxTTL),
			kind:          p.word("type", 200),
			customSortKey: p.word("custom_sort_key", 200),
			customData:    p.raw("custom_data", '{'),
		}
	}
	if f.has("callback") {
		c.callback = readCallback(f.object("callback"))
	}
	return c, f.err()
}

func readCallback(f fields) *callback {
	cb := &callback{method: http.MethodPost, params: f.raw("params", '{')}
	if address := f.address("url"); address != nil {
		cb.url = *address
	}
	if method := f.choice("method", "get", "post"); method != "" {
		cb.method = strings.ToUpper(method)
	}
	for t := range strings.SplitSeq(f.word("event_mask", 200), ",") {
		if t = strings.TrimSpace(t); t != "" {
			cb.mask = append(cb.mask, nexmo.EventType(t))
		}
	}
	if f.has("params") {
		params := f.object("params")
		params.text("applicationId", 200)
		params.address("ncco_url")
	}
	return cb
}

// conversationDocument is a conversation as the current generations show it.
func (r *request) conversationDocument(c *conversation) object {
	o := c.withPicture(object{
		"id": c.id, "name": c.name, "state": c.state(), "sequence_number": c.lastID,
		"timestamp": c.times(), "_links": r.self("conversations", c.id),
	})
	if p := c.properties.document(); len(p) > 0 {
		o["properties"] = p
	}
	if c.numbers != nil {
		o["numbers"] = c.numbers
	}
	if cb := c.callback; cb != nil {
		shown := object{"url": cb.url, "method": cb.method}
		if len(cb.mask) > 0 {
			words := make([]string, len(cb.mask))
			for i, t := range cb.mask {
				words[i] = string(t)
			}
			shown["event_mask"] = strings.Join(words, ",")
		}
		if cb.params != nil {
			shown["params"] = cb.params
		}
		o["callback"] = shown
	}
	return o
}

// oldConversation is a conversation as the oldest generation shows it: with
// another name for its ID, and with its members.
func (r *request) oldConversation(c *conversation) object {
	members := make([]object, 0, len(c.members))
	for _, m := range c.members {
		o := object{
			"member_id": m.id, "user_id": m.user.id, "name": m.user.name, "state": m.state,
			"timestamp": m.times(), "channel": m.channel, "initiator": m.initiators("isSystem"),
		}
		if m.user.displayName != "" {
			o["display_name"] = m.user.displayName
		}
		members = append(members, o)
	}
	return c.withPicture(object{
		"uuid": c.id, "name": c.name, "timestamp": c.times(), "sequence_number": c.lastID, "state": c.state(),
		"properties": c.properties.document(), "numbers": object{}, "members": members,
		"api_key": apiKey, "href": r.to("conversations", c.id),
	})
}

func (p properties) document() object {
	o := object{}
	if p.ttl != nil {
		o["ttl"] = *p.ttl
	}
	for name, value := range map[string]string{"type": p.kind, "custom_sort_key": p.customSortKey} {
		if value != "" {
			o[name] = value
		}
	}
	if p.customData != nil {
		o["custom_data"] = p.customData
	}
	return o
}

// span is a time from one point to another; an end that is not given is open.
type span struct{ start, end time.Time }

func (s span) holds(t time.Time) bool {
	return !t.Before(s.start) && (s.end.IsZero() || !t.After(s.end))
}

// span reads date_start and date_end.
func (r *request) span() (s span, err *apiError) {
	for name, at := range map[string]*time.Time{"date_start": &s.start, "date_end": &s.end} {
		text := r.query.Get(name)
		if text == "" {
			continue
		}
		var bad error
		if *at, bad = time.Parse(time.RFC3339, text); bad == nil {
			continue
		}
		if *at, bad = time.Parse(time.DateTime, text); bad != nil {
			err = invalid(name, string(encode(name))+" must be in ISO 8601 date format")
		}
	}
	return s, err
}
