package nexmotest

import (
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/conversation-events/nexmo"
)

// maxMembers is how many members a conversation may have, invited and joined.
const maxMembers = 100

// member is a user's membership of a conversation. A user who left and comes
// back is another member.
type member struct {
	seq       uint64
	id        string
	user      *user
	c         *conversation
	state     nexmo.MemberState
	channel   json.RawMessage
	kind      string // the type of the channel
	media     json.RawMessage
	knockerID string
	invitedBy string // the name of a user
	invited   time.Time
	joined    time.Time
	left      time.Time
	initiator map[string]author // by state
}

// author is who causes something. The zero value is the service itself.
type author struct {
	user   *user
	member *member
	to     string // the member it is meant for
}

// membershipRequest is a request for a membership.
type membershipRequest struct {
	user      *user
	state     nexmo.MemberState // invited or joined
	channel   json.RawMessage
	kind      string
	media     json.RawMessage
	knockerID string
	by        author
}

var noMedia = json.RawMessage(`{"audio_settings":{"enabled":false,"earmuffed":false,"muted":false},"audio":false}`)

// addMember invites a user or has a user join.
func (e *engine) addMember(c *conversation, r membershipRequest) (*member, *apiError) {
	present := 0
	for _, m := range c.members {
		if m.state == nexmo.MemberStateLeft {
			continue
		}
		present++
		if m.user != r.user || m.kind != r.kind {
			continue
		}
		switch {
		case m.state == nexmo.MemberStateJoined:
			return nil, refuse(http.StatusBadRequest, "conversation:error:member-already-joined", "The user has joined already.")
		case r.state == nexmo.MemberStateInvited:
			return nil, refuse(http.StatusBadRequest, "conversation:error:member-already-invited", "The user is invited already.")
		}
		m.channel = r.channel
		if r.media != nil {
			m.media = r.media
		}
		e.joinMember(m, r.by)
		return m, nil
	}
	if present >= maxMembers {
		return nil, refuse(http.StatusBadRequest, "conversation:error:maximum-number-of-members", "The conversation is full.")
	}
	m := &member{
		seq: e.next(), id: "MEM-" + newUUID(), user: r.user, c: c, state: r.state,
		channel: r.channel, kind: r.kind, media: r.media, knockerID: r.knockerID, initiator: map[string]author{},
	}
	if m.media == nil {
		m.media = noMedia
	}
	if r.by.user == r.user && r.by.member == nil {
		r.by.member = m
	}
	c.members = append(c.members, m)
	if r.state == nexmo.MemberStateJoined {
		e.joinMember(m, r.by)
		return m, nil
	}
	m.invited = now()
	m.initiator["invited"] = r.by
	if r.by.user != nil {
		m.invitedBy = r.by.user.name
	}
	e.emitMember(m, nexmo.EventMemberInvited, r.by, nil)
	return m, nil
}

func (e *engine) joinMember(m *member, by author) {
	if by.user == m.user && by.member == nil {
		by.member = m
	}
	m.state, m.joined = nexmo.MemberStateJoined, now()
	m.initiator["joined"] = by
	e.emitMember(m, nexmo.EventMemberJoined, by, nil)
}

// changeMember joins an invited member, or has a member leave. The state that a
// member has already can be set again, apart from having left.
func (e *engine) changeMember(m *member, state nexmo.MemberState, by author, reason json.RawMessage) *apiError {
	switch {
	case m.state == nexmo.MemberStateLeft:
		return errHasLeft
	case state == nexmo.MemberStateLeft:
		m.state, m.left = nexmo.MemberStateLeft, now()
		m.initiator["left"] = by
		e.emitMember(m, nexmo.EventMemberLeft, by, reason)
	case m.state == nexmo.MemberStateInvited:
		e.joinMember(m, by)
	}
	return nil
}

// emitMember tells of a member. Whom it is about sees it too, joined or not.
func (e *engine) emitMember(m *member, t nexmo.EventType, by author, reason json.RawMessage) {
	body := object{
		"member_id":    m.id,
		"cname":        m.c.name,
		"conversation": m.c.withPicture(object{"conversation_id": m.c.id, "name": m.c.name}),
		"user": m.user.withPicture(object{
			"id": m.user.id, "user_id": m.user.id, "name": m.user.name, "member_id": m.id, "media": m.media,
			"properties": object{"custom_data": m.user.custom()},
		}),
		"channel":   m.eventChannel(),
		"media":     m.media,
		"timestamp": m.times(),
		"initiator": m.initiators("isSystem"),
	}
	if t == nexmo.EventMemberInvited {
		body["invited_by"] = nil
		if m.invitedBy != "" {
			body["invited_by"] = m.invitedBy
		}
	}
	if reason != nil {
		body["reason"] = reason
	}
	if by.user == nil {
		by = author{user: m.user, member: m}
	}
	e.emitFrom(m.c, string(t), body, m.id, by, m.user.id)
}

// eventChannel is the channel as events show it: with the knocker it came from.
func (m *member) eventChannel() json.RawMessage {
	if m.knockerID == "" {
		return m.channel
	}
	var channel object
	if json.Unmarshal(m.channel, &channel) != nil {
		return m.channel
	}
	channel["knocking_id"] = m.knockerID
	return encode(channel)
}

// times is the timestamp of the member: when it came into each state.
func (m *member) times() object {
	o := object{}
	for state, at := range map[string]time.Time{"invited": m.invited, "joined": m.joined, "left": m.left} {
		if !at.IsZero() {
			o[state] = stamp(at)
		}
	}
	return o
}

// initiators says who brought the member into each state. Events and resources
// spell the member isSystem differently.
func (m *member) initiators(isSystem string) object {
	o := object{}
	for state, by := range m.initiator {
		cause := object{isSystem: by.user == nil}
		if by.user != nil {
			cause["user_id"] = by.user.id
		}
		if by.member != nil {
			cause["member_id"] = by.member.id
		}
		o[state] = cause
	}
	return o
}

// member returns the member with an ID.
func (c *conversation) member(id string) *member {
	return find(c.members, func(m *member) bool { return m.id == id })
}

// memberOf returns the user's membership: the one that lasts, or else the last.
func (c *conversation) memberOf(u *user) *member {
	var last *member
	for _, m := range slices.Backward(c.members) {
		if m.user != u {
			continue
		}
		if m.state != nexmo.MemberStateLeft {
			return m
		}
		if last == nil {
			last = m
		}
	}
	return last
}
