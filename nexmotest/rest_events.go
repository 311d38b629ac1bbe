package nexmotest

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/conversation-events/nexmo"
)

var eventRoutes = []route{
	{current | beta, http.MethodPost, "/conversations/{conversation}/events", createEvent},
	{current | beta2, http.MethodGet, "/conversations/{conversation}/events", listEvents},
	{current | beta, http.MethodGet, "/conversations/{conversation}/events/{event}", getEvent},
	{current | beta2, http.MethodDelete, "/conversations/{conversation}/events/{event}", deleteEvent},
}

// creatable are the types that version 1 lets be created, apart from an
// application's own.
var creatable = []nexmo.EventType{
	"message", "message:submitted", "message:rejected", "message:undeliverable", "message:seen", "message:delivered",
	"ephemeral", "audio:play", "audio:play:stop", "audio:say", "audio:say:stop", "audio:dtmf", "audio:record",
	"audio:record:stop", "audio:mute:on", "audio:mute:off", "audio:earmuff:on", "audio:earmuff:off",
}

// customType is what the types of an application's own events begin with.
var customType = regexp.MustCompile(`^custom:[\w\-:]+`)

func createEvent(r *request) (answer, *apiError) {
	c, err := r.activeConversation()
	if err != nil {
		return answer{}, err
	}
	f := r.fields()
	f.require("type")
	typ, from, to := f.word("type", anyLength), f.word("from", 200), f.word("to", 200)
	isCustom := strings.HasPrefix(typ, "custom:")
	switch {
	case typ == "":
	case isCustom && !customType.MatchString(typ):
		f.fault("type", `"type" must match the pattern /^custom:[\w\-:]+/`)
	case r.gen == v1 && !isCustom && !slices.Contains(creatable, nexmo.EventType(typ)):
		f.fault("type", `"type" must be one of the types that can be created`)
	}
	body := f.raw("body", '{')
	if typ == string(nexmo.EventMessage) {
		f.object("body").require("message_type")
	}
	if body == nil {
		body = []byte("{}")
	}
	if err := f.err(); err != nil {
		return answer{}, err
	}
	by, err := r.author(c, from)
	if err != nil {
		return answer{}, err
	}
	if by.user != nil && (by.member == nil || by.member.state != nexmo.MemberStateJoined) {
		return answer{}, errNotJoined
	}
	by.to = to
	ev, err := r.server.engine.postEvent(c, typ, body, by)
	if err != nil {
		return answer{}, err
	}
	if r.gen.old() {
		o := object{"timestamp": stamp(ev.Timestamp), "href": r.eventLink(ev)}
		if ev.ID != 0 {
			o["id"] = ev.ID
		}
		if strings.HasPrefix(typ, "audio:") { // of which a client takes the answer for the event
			o["type"], o["from"], o["body"] = ev.Type, ev.From, ev.Body
		}
		return ok(o)
	}
	return created(r.eventDocument(ev))
}

// chatEvents are the types of the filter group that a client SDK asks for. It cannot
// read lists with others in them.
var chatEvents = []nexmo.EventType{
	"custom:*", nexmo.EventMemberInvited, nexmo.EventMemberJoined, nexmo.EventMemberLeft, nexmo.EventMessage, nexmo.EventEventDelete,
}

func listEvents(r *request) (answer, *apiError) {
	c, err := r.conversation()
	if err != nil {
		return answer{}, err
	}
	var types []nexmo.EventType
	for t := range strings.SplitSeq(r.query.Get("event_type"), ",") {
		if t != "" {
			types = append(types, nexmo.EventType(t))
		}
	}
	if len(types) > 5 {
		return answer{}, invalid("event_type", `"event_type" must contain less than or equal to 5 items`)
	}
	var group []nexmo.EventType
	switch r.query.Get("filter_group_type") {
	case "":
	case "ChatEvents":
		group = chatEvents
	default:
		return answer{}, refuse(http.StatusBadRequest, "event:error:invalid-filter-group", "There is no such filter group.")
	}
	bound := map[string]int64{}
	for _, name := range []string{"start_id", "end_id"} {
		if text := r.query.Get(name); text != "" {
			id, err := strconv.ParseInt(text, 10, 64)
			if err != nil {
				return answer{}, invalid(name, strconv.Quote(name)+" must be a number")
			}
			bound[name] = id
		}
	}
	var found []*event
	for _, ev := range c.events {
		end, bounded := bound["end_id"]
		switch {
		case ev.ID < bound["start_id"], bounded && ev.ID > end,
			ev.deleted && r.query.Get("exclude_deleted_events") == "true",
			!isOneOf(nexmo.EventType(ev.Type), types), !isOneOf(nexmo.EventType(ev.Type), group):
		default:
			found = append(found, ev)
		}
	}
	p, err := paginate(r, found, func(ev *event) uint64 { return uint64(ev.ID) }) //nolint:gosec // IDs are not negative
	if err != nil {
		return answer{}, err
	}
	page := list(r, p, "events", r.eventDocument)
	if embedded, ok := page["_embedded"].(object); ok && r.gen == v1 && r.server.options.bareEvents {
		page["_embedded"] = embedded["events"]
	}
	return ok(page)
}

// eventInPath returns the event in the path, and its conversation.
func (r *request) eventInPath() (*conversation, *event, *apiError) {
	c, err := r.conversation()
	if err != nil {
		return nil, nil, err
	}
	id, bad := strconv.ParseInt(r.vars["event"], 10, 64)
	ev := c.event(id)
	if bad != nil || ev == nil {
		return nil, nil, errNoEvent
	}
	return c, ev, nil
}

func getEvent(r *request) (answer, *apiError) {
	c, ev, err := r.eventInPath()
	if err != nil {
		return answer{}, err
	}
	o := r.eventDocument(ev)
	if r.gen == beta {
		delete(o, "_links")
		delete(o, "href")
		o["conversation_id"], o["application_id"] = c.id, r.server.engine.applicationID
	}
	return ok(o)
}

func deleteEvent(r *request) (answer, *apiError) {
	c, ev, err := r.eventInPath()
	if err != nil {
		return answer{}, err
	}
	by, err := r.author(c, r.query.Get("from"))
	if err != nil {
		return answer{}, err
	}
	if r.user != nil && (by.member == nil || by.member.id != ev.From) {
		return answer{}, refuse(http.StatusForbidden, "event:error:permission-denied", "The event is somebody else's.")
	}
	if err := r.server.engine.deleteEvent(c, ev, by); err != nil {
		return answer{}, err
	}
	return r.done()
}

// eventDocument is an event as lists show it.
func (r *request) eventDocument(ev *event) object {
	o := object{"type": ev.Type, "body": ev.Body, "timestamp": stamp(ev.Timestamp), "_links": object{"self": object{"href": r.eventLink(ev)}}}
	if ev.ID != 0 {
		o["id"] = ev.ID
	}
	if ev.From != "" {
		o["from"] = ev.From
	}
	if ev.To != "" && r.gen != v1 {
		o["to"] = ev.To
	}
	if embedded := ev.embedded(); embedded != nil {
		o["_embedded"] = embedded
	}
	if state := ev.state(); state != nil {
		o["state"] = state
	}
	if r.gen.old() {
		o["href"] = r.eventLink(ev)
		if o["state"] == nil {
			o["state"] = object{}
		}
	}
	return o
}

// eventLink is the link to an event; to the list for one that is not stored.
func (r *request) eventLink(ev *event) string {
	if ev.ID == 0 {
		return r.to("conversations", ev.ConversationID, "events")
	}
	return r.to("conversations", ev.ConversationID, "events", strconv.FormatInt(ev.ID, 10))
}

// embedded is the _embedded of an event: who caused it. It is nil if nobody in
// particular did.
func (o *occurrence) embedded() object {
	e := object{}
	if o.FromUser != nil {
		e["from_user"] = o.FromUser
	}
	if o.FromMember != "" {
		e["from_member"] = object{"id": o.FromMember}
	}
	if len(e) == 0 {
		return nil
	}
	return e
}
