package nexmotest

import (
	"encoding/json"

	"github.com/conversation-events/nexmo"
)

// EmitOption is an option of [Server.Emit]: [From] and [To] make one. A nil one is
// refused.
type EmitOption func(*author, *string)

// From has an event come from a member of the conversation, or, if it belongs to
// no conversation, from a knocker.
func From(id string) EmitOption {
	return func(_ *author, from *string) { *from = id }
}

// To has an event meant for one member.
func To(memberID string) EmitOption {
	return func(a *author, _ *string) { a.to = memberID }
}

// Emit has an event happen in a conversation, of the type and with the content of
// body, and returns its ID; 0 for an event that is not stored. If conversationID
// is empty, it is an event of the application. A receipt marks its event, as one
// that is posted does. Other events change nothing: [Server.Join] and
// [Server.Leave] emit those of members.
func (s *Server) Emit(conversationID string, body nexmo.Body, opts ...EmitOption) nexmo.EventID {
	var by author
	var from string
	for i, o := range opts {
		if o == nil {
			s.fail("%s", nilOption("Emit", i))
			return 0
		}
		o(&by, &from)
	}
	if body == nil {
		s.fail("nexmotest: Emit: the body is nil")
		return 0
	}
	typ := string(body.EventType())
	content, err := json.Marshal(body)
	if err != nil {
		s.fail("nexmotest: Emit: the body of %s: %v", typ, err)
		return 0
	}
	e := s.engine
	e.mu.Lock()
	id, refused := e.emitAs(conversationID, typ, content, from, by)
	e.mu.Unlock()
	s.check("Emit: "+typ, refused)
	return id
}

// emitAs emits an event for a test: from a member, or from nobody in particular if
// from is empty.
func (e *engine) emitAs(conversationID, typ string, body json.RawMessage, from string, by author) (nexmo.EventID, *apiError) {
	if conversationID == "" {
		e.publish(occurrence{Type: typ, From: from, To: by.to, Body: body, Timestamp: now()})
		return 0, nil
	}
	c, err := e.conversation(conversationID)
	if err != nil {
		return 0, err
	}
	if from != "" {
		if by.member = c.member(from); by.member == nil {
			return 0, errNoMember
		}
		by.user = by.member.user
	}
	ev, err := e.postEvent(c, typ, body, by)
	if err != nil {
		return 0, err
	}
	return nexmo.EventID(ev.ID), nil
}

// check fails the test if the engine refused what the test asked for.
func (s *Server) check(what string, err *apiError) {
	if err != nil {
		s.fail("nexmotest: %s: %s: %s", what, err.code, err.detail)
	}
}

// CreateUser makes a user with a name, unless there is one, and returns its ID.
func (s *Server) CreateUser(name string) string {
	e := s.engine
	e.mu.Lock()
	u := find(e.users, func(u *user) bool { return u.name == name })
	var err *apiError
	if u == nil {
		u, err = e.createUser(userChange{name: &name})
	}
	e.mu.Unlock()
	if err != nil {
		s.check("CreateUser", err)
		return ""
	}
	return u.id
}

// CreateConversation makes a conversation with a name, which is made up if it is
// empty, and returns its ID.
func (s *Server) CreateConversation(name string) string {
	e := s.engine
	e.mu.Lock()
	c, err := e.createConversation(conversationChange{name: &name})
	e.mu.Unlock()
	if err != nil {
		s.check("CreateConversation", err)
		return ""
	}
	return c.id
}

// Invite has the service invite the user with a name, who is made if there is
// none, into a conversation, and returns the ID of the member.
func (s *Server) Invite(conversationID, userName string) string {
	return s.member("Invite", conversationID, userName, nexmo.MemberStateInvited)
}

// Join has the user with a name, who is made if there is none, join a
// conversation in the app, and returns the ID of the member.
func (s *Server) Join(conversationID, userName string) string {
	return s.member("Join", conversationID, userName, nexmo.MemberStateJoined)
}

func (s *Server) member(what, conversationID, userName string, state nexmo.MemberState) string {
	userID := s.CreateUser(userName)
	e := s.engine
	e.mu.Lock()
	c, err := e.activeConversation(conversationID)
	var m *member
	if err == nil {
		r := membershipRequest{user: e.user(userID), state: state, channel: json.RawMessage(`{"type":"app"}`), kind: "app"}
		if state == nexmo.MemberStateJoined {
			r.by = author{user: r.user}
		}
		m, err = e.addMember(c, r)
	}
	e.mu.Unlock()
	if err != nil {
		s.check(what, err)
		return ""
	}
	return m.id
}

// Leave has a member leave a conversation.
func (s *Server) Leave(conversationID, memberID string) {
	e := s.engine
	e.mu.Lock()
	err := e.leave(conversationID, memberID)
	e.mu.Unlock()
	s.check("Leave", err)
}

func (e *engine) leave(conversationID, memberID string) *apiError {
	c, err := e.activeConversation(conversationID)
	if err != nil {
		return err
	}
	m := c.member(memberID)
	if m == nil {
		return errNoMember
	}
	return e.changeMember(m, nexmo.MemberStateLeft, author{user: m.user, member: m}, nil)
}
