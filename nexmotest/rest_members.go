package nexmotest

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/conversation-events/nexmo"
)

var memberRoutes = []route{
	{current | beta2, http.MethodGet, "/conversations/{conversation}/members", listMembers},
	{current, http.MethodPost, "/conversations/{conversation}/members", createMember},
	{current, http.MethodGet, "/conversations/{conversation}/members/me", getOwnMember},
	{current, http.MethodGet, "/conversations/{conversation}/members/{member}", getMember},
	{current, http.MethodPatch, "/conversations/{conversation}/members/{member}", updateMember},
	{v03, http.MethodPut, "/conversations/{conversation}/members/{member}", updateMember},
	{beta | beta2, http.MethodDelete, "/conversations/{conversation}/members/{member}", deleteMember},
}

func listMembers(r *request) (answer, *apiError) {
	c, err := r.conversation()
	if err != nil {
		return answer{}, err
	}
	p, err := paginate(r, c.members, func(m *member) uint64 { return m.seq })
	if err != nil {
		return answer{}, err
	}
	if r.gen.old() {
		return ok(list(r, p, "members", r.oldMember))
	}
	return ok(list(r, p, "members", func(m *member) object {
		return object{"id": m.id, "state": m.state, "_embedded": object{"user": r.userLite(m.user)}, "_links": r.memberLinks(m)}
	}))
}

func createMember(r *request) (answer, *apiError) {
	c, err := r.activeConversation()
	if err != nil {
		return answer{}, err
	}
	f := r.fields()
	f.require("state", "channel")
	if r.user == nil {
		f.require("user")
	}
	channel, who := f.object("channel"), f.object("user")
	if f.has("channel") {
		channel.require("type")
	}
	kind := channel.choice("type", "app", "phone", "sms", "mms", "whatsapp", "viber", "messenger")
	state, knocker := f.choice("state", "invited", "joined"), f.word("knocking_id", anyLength)
	from, inviter := f.word("from", 200), f.word("member_id_inviting", 200)
	id, name := who.word("id", anyLength), who.word("name", anyLength)
	if f.has("user") && id == "" && name == "" && r.user == nil {
		f.fault("user", `"user" must contain at least one of [id, name]`)
	}
	media := f.raw("media", '{')
	if err := f.err(); err != nil {
		return answer{}, err
	}
	if from == "" {
		from = inviter
	}
	by, err := r.author(c, from)
	if err != nil {
		return answer{}, err
	}
	u := r.user
	if id != "" || name != "" {
		u = find(r.server.engine.users, func(u *user) bool { return u.id == id || id == "" && u.name == name })
	}
	if u == nil {
		return answer{}, errNoUser
	}
	m, err := r.server.engine.addMember(c, membershipRequest{
		user: u, state: nexmo.MemberState(strings.ToUpper(state)), channel: f.members["channel"], kind: kind,
		media: media, knockerID: knocker, by: by,
	})
	if err != nil {
		return answer{}, err
	}
	return created(r.memberDocument(m))
}

// memberInPath returns the member in the path, and its conversation.
func (r *request) memberInPath() (*conversation, *member, *apiError) {
	c, err := r.conversation()
	if err != nil {
		return nil, nil, err
	}
	m := c.member(r.vars["member"])
	if m == nil {
		return nil, nil, errNoMember
	}
	return c, m, nil
}

func getMember(r *request) (answer, *apiError) {
	_, m, err := r.memberInPath()
	if err != nil {
		return answer{}, err
	}
	return ok(r.memberDocument(m))
}

func getOwnMember(r *request) (answer, *apiError) {
	c, err := r.conversation()
	if err != nil {
		return answer{}, err
	}
	if r.user == nil {
		return answer{}, errNoUserToken
	}
	m := c.memberOf(r.user)
	if m == nil {
		return answer{}, errNoMember
	}
	return ok(r.memberDocument(m))
}

func updateMember(r *request) (answer, *apiError) {
	c, m, err := r.memberInPath()
	if err != nil {
		return answer{}, err
	}
	f := r.fields()
	f.require("state")
	state, from := f.choice("state", "joined", "left"), f.word("from", 200)
	reason := f.raw("reason", '{')
	if reason != nil {
		inner := f.object("reason")
		inner.text("code", 200)
		inner.text("text", 200)
		if state == "joined" {
			f.fault("reason", `"reason" is not allowed`)
		}
	}
	if err := f.err(); err != nil {
		return answer{}, err
	}
	if err := r.changeMember(c, m, state, from, reason); err != nil {
		return answer{}, err
	}
	return ok(r.memberDocument(m))
}

func deleteMember(r *request) (answer, *apiError) {
	c, m, err := r.memberInPath()
	if err != nil {
		return answer{}, err
	}
	var reason json.RawMessage
	code, text := r.query.Get("reason_code"), r.query.Get("reason_text")
	if code != "" || text != "" {
		reason = encode(map[string]string{"code": code, "text": text})
	}
	if err := r.changeMember(c, m, "left", r.query.Get("from"), reason); err != nil {
		return answer{}, err
	}
	return r.done()
}

func (r *request) changeMember(c *conversation, m *member, state, from string, reason json.RawMessage) *apiError {
	if _, err := r.activeConversation(); err != nil {
		return err
	}
	by, err := r.author(c, from)
	if err != nil {
		return err
	}
	return r.server.engine.changeMember(m, nexmo.MemberState(strings.ToUpper(state)), by, reason)
}

// memberDocument is a member as the current generations show it.
func (r *request) memberDocument(m *member) object {
	o := object{
		"id": m.id, "conversation_id": m.c.id, "_embedded": object{"user": r.userLite(m.user)}, "state": m.state,
		"timestamp": m.times(), "initiator": m.initiators("is_system"), "channel": m.channel, "media": m.media,
		"_links": r.memberLinks(m),
	}
	if m.knockerID != "" {
		o["knocking_id"] = m.knockerID
	}
	if m.invitedBy != "" {
		o["invited_by"] = m.invitedBy
	}
	return o
}

// memberLinks is the _links of a member, which version 1 describes without self.
func (r *request) memberLinks(m *member) object {
	if r.gen == v1 {
		return object{"href": r.to("conversations", m.c.id, "members", m.id)}
	}
	return r.self("conversations", m.c.id, "members", m.id)
}

// oldMember is a member as beta2 lists it: flat.
func (r *request) oldMember(m *member) object {
	o := object{
		"id": m.id, "user_id": m.user.id, "name": m.user.name, "state": m.state, "timestamp": m.times(),
		"channel": m.channel, "initiator": m.initiators("isSystem"), "_links": r.self("conversations", m.c.id, "members", m.id),
	}
	if m.user.displayName != "" {
		o["display_name"] = m.user.displayName
	}
	return o
}
