package nexmotest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// user is a user of the application.
type user struct {
	seq         uint64
	id          string
	name        string
	displayName string
	imageURL    string
	customData  json.RawMessage
	ttl         *int64
	channels    json.RawMessage
}

// userChange is what a request says of a user; nil fields are not mentioned.
type userChange struct {
	name        *string
	displayName *string
	imageURL    *string
	properties  bool // customData and ttl are mentioned
	customData  json.RawMessage
	ttl         *int64
	channels    json.RawMessage
}

// user returns the user with an ID or a name.
func (e *engine) user(idOrName string) *user {
	return find(e.users, func(u *user) bool { return u.id == idOrName || u.name == idOrName })
}

func (e *engine) createUser(c userChange) (*user, *apiError) {
	u := &user{id: "USR-" + newUUID(), name: "NAM-" + newUUID()}
	if err := e.changeUser(u, c); err != nil {
		return nil, err
	}
	u.seq = e.next()
	e.users = append(e.users, u)
	return u, nil
}

// changeUser changes u, which need not be listed yet.
func (e *engine) changeUser(u *user, c userChange) *apiError {
	if c.name != nil && *c.name != u.name {
		switch name := *c.name; {
		case name == "me" || name == "" || strings.HasPrefix(name, "USR-"):
			return refuse(http.StatusBadRequest, "user:error:invalid-user-name", `A name must not be empty, be "me" or begin with "USR-".`)
		case e.user(name) != nil:
			return refuse(http.StatusConflict, "user:error:duplicate-name", "Another user has this name.")
		default:
			u.name = name
		}
	}
	if c.displayName != nil {
		u.displayName = *c.displayName
	}
	if c.imageURL != nil {
		u.imageURL = *c.imageURL
	}
	if c.properties {
		u.customData, u.ttl = c.customData, c.ttl
	}
	if c.channels != nil {
		u.channels = c.channels
	}
	return nil
}

func (e *engine) deleteUser(u *user) {
	e.users = slices.DeleteFunc(e.users, func(other *user) bool { return other == u })
}

// reference is the user as events name it in _embedded.from_user.
func (u *user) reference() json.RawMessage {
	return encode(u.withPicture(object{"id": u.id, "name": u.name, "custom_data": u.custom()}))
}

// withPicture adds what of the user is shown to others, if it is there.
func (u *user) withPicture(o object) object {
	if u.displayName != "" {
		o["display_name"] = u.displayName
	}
	if u.imageURL != "" {
		o["image_url"] = u.imageURL
	}
	return o
}

func (u *user) custom() json.RawMessage {
	if u.customData == nil {
		return json.RawMessage("{}")
	}
	return u.customData
}
