package nexmotest

import (
	"net/http"
	"strings"

	"github.com/conversation-events/nexmo"
)

var userRoutes = []route{
	{current, http.MethodGet, "/users", listUsers},
	{current, http.MethodPost, "/users", createUser},
	{current | beta, http.MethodGet, "/users/{user}", getUser},
	{current, http.MethodPatch, "/users/{user}", updateUser},
	{current, http.MethodDelete, "/users/{user}", deleteUser},
	{current | beta2, http.MethodGet, "/users/{user}/conversations", listConversationsOfUser},
}

const maxTTL = 1 << 31

func listUsers(r *request) (answer, *apiError) {
	users := r.server.engine.users
	if name := r.query.Get("name"); name != "" {
		users = nil
		if u := r.server.engine.user(name); u != nil && u.name == name {
			users = []*user{u}
		}
	}
	p, err := paginate(r, users, func(u *user) uint64 { return u.seq })
	if err != nil {
		return answer{}, err
	}
	return ok(list(r, p, "users", r.userLite))
}

func createUser(r *request) (answer, *apiError) {
	if r.user != nil {
		return answer{}, errNoPermission
	}
	change, err := readUser(r.fields())
	if err != nil {
		return answer{}, err
	}
	u, err := r.server.engine.createUser(change)
	if err != nil {
		return answer{}, err
	}
	return created(r.userDocument(u))
}

func (r *request) userInPath() (*user, *apiError) {
	if u := r.server.engine.user(r.vars["user"]); u != nil {
		return u, nil
	}
	return nil, errNoUser
}

func getUser(r *request) (answer, *apiError) {
	u, err := r.userInPath()
	if err != nil {
		return answer{}, err
	}
	return ok(r.userDocument(u))
}

func updateUser(r *request) (answer, *apiError) {
	u, err := r.userInPath()
	if err != nil {
		return answer{}, err
	}
	if r.user != nil && r.user != u {
		return answer{}, errNoPermission
	}
	change, err := readUser(r.fields())
	if err != nil {
		return answer{}, err
	}
	if err := r.server.engine.changeUser(u, change); err != nil {
		return answer{}, err
	}
	return ok(r.userDocument(u))
}

func deleteUser(r *request) (answer, *apiError) {
	u, err := r.userInPath()
	if err != nil {
		return answer{}, err
	}
	if r.user != nil {
		return answer{}, errNoPermission
	}
	r.server.engine.deleteUser(u)
	return r.done()
}

func readUser(f fields) (userChange, *apiError) {
	c := userChange{
		name:        f.text("name", 100),
		displayName: f.text("display_name", 50),
		imageURL:    f.address("image_url"),
		channels:    f.raw("channels", '{'),
		properties:  f.has("properties"),
	}
	if c.name != nil && *c.name == "" {
		c.name = nil // one is made up
	}
	properties := f.object("properties")
	c.customData = properties.raw("custom_data", '{')
	c.ttl = properties.integer("ttl", 0, maxTTL)
	return c, f.err()
}

// userDocument is a user as a resource.
func (r *request) userDocument(u *user) object {
	properties := object{}
	if u.customData != nil {
		properties["custom_data"] = u.customData
	}
	if u.ttl != nil {
		properties["ttl"] = *u.ttl
	}
	o := u.withPicture(object{"id": u.id, "name": u.name, "properties": properties, "_links": r.self("users", u.id)})
	if u.channels != nil {
		o["channels"] = u.channels
	}
	if r.gen == beta {
		o["href"] = r.to("users", u.id)
	}
	return o
}

// userLite is a user in a list, and inside a member.
func (r *request) userLite(u *user) object {
	o := object{"id": u.id, "name": u.name, "_links": r.self("users", u.id)}
	if u.displayName != "" {
		o["display_name"] = u.displayName
	}
	return o
}

// membership is a conversation of a user, and how the user stands to it.
type membership struct {
	c *conversation
	m *member
}

func listConversationsOfUser(r *request) (answer, *apiError) {
	u, err := r.userInPath()
	if err != nil {
		return answer{}, err
	}
	span, err := r.span()
	if err != nil {
		return answer{}, err
	}
	state := nexmo.MemberState(strings.ToUpper(r.query.Get("state")))
	switch state {
	case "", nexmo.MemberStateInvited, nexmo.MemberStateJoined, nexmo.MemberStateLeft:
	default:
		return answer{}, invalid("state", `"state" must be one of [INVITED, JOINED, LEFT]`)
	}
	var found []membership
	for _, c := range r.server.engine.conversations {
		m := c.memberOf(u)
		if m != nil && (state == "" || m.state == state) && span.holds(c.created) {
			found = append(found, membership{c, m})
		}
	}
	p, err := paginate(r, found, func(m membership) uint64 { return m.c.seq })
	if err != nil {
		return answer{}, err
	}
	return ok(list(r, p, "conversations", r.membershipDocument))
}

// embeddedMember is the _embedded of a conversation that says how a user stands to
// it. Version 1 has the member itself there.
func (r *request) embeddedMember(m *member) object {
	o := object{"id": m.id, "state": m.state}
	if r.gen == v03 {
		return object{"member": o}
	}
	return o
}

func (r *request) membershipDocument(ms membership) object {
	c, m := ms.c, ms.m
	if r.gen.old() {
		return c.withPicture(object{
			"id": c.id, "name": c.name, "timestamp": c.times(), "sequence_number": c.lastID,
			"member_id": m.id, "state": m.state, "_links": r.self("conversations", c.id),
		})
	}
	o := r.conversationDocument(c)
	if properties, ok := o["properties"].(object); ok && r.query.Get("include_custom_data") != "true" {
		delete(properties, "custom_data")
	}
	o["_embedded"] = r.embeddedMember(m)
	return o
}
