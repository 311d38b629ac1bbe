package nexmo

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"net/http"
	"strings"
)

// MemberInfo is what REST tells of a member. A list has only ID, User and State.
type MemberInfo struct {
	ID             string          `json:"id,omitzero"`              // MEM-…
	ConversationID string          `json:"conversation_id,omitzero"` // CON-…; taken from the request where the answer lacks it
	User           User            `json:"user,omitzero"`            // of the member
	State          MemberState     `json:"state,omitzero"`           // INVITED, JOINED or LEFT
	Timestamp      MemberTimestamp `json:"timestamp,omitzero"`       // in the life of the member
	Initiator      Initiator       `json:"initiator,omitzero"`       // who caused each transition
	Channel        *Channel        `json:"channel,omitzero"`         // by which it takes part
	Media          Media           `json:"media,omitzero"`           // its settings
	KnockingID     string          `json:"knocking_id,omitzero"`     // the knocker that became the member
	InvitedBy      string          `json:"invited_by,omitzero"`      // name or ID of a user

	Raw Raw `json:"-"` // the answer, whole
}

// memberJSON is a member in every shape that it has had.
//
//gen:decode
type memberJSON struct {
	MemberInfo
	Embedded    memberEmbedded `json:"_embedded"`
	MemberID    string         `json:"member_id"` // version 0.1 and this
	UserID      string         `json:"user_id"`
	Name        string         `json:"name"`
	DisplayName string         `json:"display_name"`
}

type memberEmbedded struct {
	User User `json:"user"`
}

func (m *MemberInfo) decode(s *scanner) {
	start := s.Offset()
	var w memberJSON
	w.decode(s)
	*m = w.MemberInfo
	m.Raw = Raw(s.Since(start))
	m.ID = cmp.Or(m.ID, w.MemberID)
	if e := &w.Embedded.User; e.ID != "" || e.Name != "" {
		m.User = *e
	}
	m.User.ID = cmp.Or(m.User.ID, w.UserID)
	m.User.Name = cmp.Or(m.User.Name, w.Name)
	m.User.DisplayName = cmp.Or(m.User.DisplayName, w.DisplayName)
}

// MemberParams are what a member is made of: a user, by ID, by name or by both, and
// the channel by which it takes part.
type MemberParams struct {
	State            MemberState // MemberStateInvited or MemberStateJoined
	UserID           string      // USR-…
	UserName         string      // beside UserID or in place of it
	Channel          *Channel    // that of an app if nil
	Media            Media       // zero for the default of the service
	KnockingID       string      // the knocker that becomes the member
	MemberIDInviting string      // the member who invites
	From             string      // the user or member who does this
}

type memberRequest struct {
	State            string     `json:"state"`
	User             memberUser `json:"user"`
	Channel          *Channel   `json:"channel"`
	Media            Media      `json:"media,omitzero"`
	KnockingID       string     `json:"knocking_id,omitzero"`
	MemberIDInviting string     `json:"member_id_inviting,omitzero"`
	From             string     `json:"from,omitzero"`
}

type memberUser struct {
	ID   string `json:"id,omitzero"`
	Name string `json:"name,omitzero"`
}

// CreateMember invites a user to a conversation or has it join, as p.State says.
// A user who takes part by the same channel already makes an [*APIError] with
// [ErrorCodeMemberAlreadyJoined] or [ErrorCodeMemberAlreadyInvited], a conversation that is full one with
// [ErrorCodeConversationFull]: it has 100 members at most.
func (c *Client) CreateMember(ctx context.Context, conversationID string, p MemberParams) (*MemberInfo, error) {
	const op = "create member"
	check := checker{op: op}
	state := MemberState(strings.ToUpper(string(p.State)))
	switch {
	case state != MemberStateInvited && state != MemberStateJoined:
		check.fail("State", "it must be MemberStateInvited or MemberStateJoined")
	case p.UserID == "" && p.UserName == "":
		check.fail("UserID", "it is empty: give it or UserName")
	}
	check.length("MemberIDInviting", p.MemberIDInviting, maxWord)
	check.length("From", p.From, maxWord)
	if check.err != nil {
		return nil, check.err
	}
	channel := p.Channel
	if channel == nil {
		channel = &Channel{Type: ChannelTypeApp}
	}
	return one[MemberInfo](ctx, c, newRequest(http.MethodPost, op, "/v1/conversations/{conversation ID}/members", &memberRequest{
		State: strings.ToLower(string(state)), User: memberUser{p.UserID, p.UserName}, Channel: channel,
		Media: p.Media, KnockingID: p.KnockingID, MemberIDInviting: p.MemberIDInviting, From: p.From,
	}, conversationID))
}

// MemberInfo returns what the service tells of a member, or [ErrNotFound]. It is
// more than lists tell.
func (c *Client) MemberInfo(ctx context.Context, conversationID, memberID string) (*MemberInfo, error) {
	return one[MemberInfo](ctx, c, newRequest(http.MethodGet, "get member", "/v1/conversations/{conversation ID}/members/{member ID}", nil, conversationID, memberID))
}

// Me returns the member that the user of the client's tokens is, or
// [ErrNotFound]. It needs the tokens of a user.
func (c *Client) Me(ctx context.Context, conversationID string) (*MemberInfo, error) {
	return one[MemberInfo](ctx, c, newRequest(http.MethodGet, "get own member", "/v1/conversations/{conversation ID}/members/me", nil, conversationID))
}

// MemberUpdate changes the state of a member.
type MemberUpdate struct {
	State  MemberState // MemberStateJoined or MemberStateLeft
	From   string      // the user or member who does this
	Reason Reason      // of leaving
}

type memberUpdateRequest struct {
	State  string `json:"state"`
	From   string `json:"from,omitzero"`
	Reason Reason `json:"reason,omitzero"`
}

// UpdateMember makes a member that was invited join, or a member leave. A member that
// left cannot come back: it joins anew, as another member.
func (c *Client) UpdateMember(ctx context.Context, conversationID, memberID string, u MemberUpdate) (*MemberInfo, error) {
	const op = "update member"
	check := checker{op: op}
	state := MemberState(strings.ToUpper(string(u.State)))
	switch {
	case state != MemberStateJoined && state != MemberStateLeft:
		check.fail("State", "it must be MemberStateJoined or MemberStateLeft")
	case state == MemberStateJoined && u.Reason != Reason{}:
		check.fail("Reason", "it goes with MemberStateLeft only")
	}
	check.length("From", u.From, maxWord)
	check.length("Reason.Code", u.Reason.Code, maxWord)
	check.length("Reason.Text", u.Reason.Text, maxWord)
	if check.err != nil {
		return nil, check.err
	}
	m, err := one[MemberInfo](ctx, c, newRequest(http.MethodPatch, op, "/v1/conversations/{conversation ID}/members/{member ID}", &memberUpdateRequest{
		State: strings.ToLower(string(state)), From: u.From, Reason: u.Reason,
	}, conversationID, memberID))
	if e, ok := errors.AsType[*APIError](err); ok && e.MaybeApplied && (e.Code == ErrorCodeInvalidMemberState || e.Code == ErrorCodeMemberAlreadyJoined) {
		// An earlier attempt may have done it.
		if is, gerr := c.MemberInfo(ctx, conversationID, memberID); gerr == nil && is.State == state {
			return is, nil
		}
	}
	return m, err
}

// Members lists the members of a conversation, page after page as the loop needs
// them; those who left are among them. o may be nil. An error is yielded last,
// with a nil item.
func (c *Client) Members(ctx context.Context, conversationID string, o *ListOptions) iter.Seq2[*MemberInfo, error] {
	opts := valueOf(o)
	return pages(ctx, opts.Cursor, func(cursor string) (*Page[MemberInfo], error) {
		page := opts
		page.Cursor = cursor
		return c.MembersPage(ctx, conversationID, &page)
	})
}

// MembersPage is one page of [Client.Members].
func (c *Client) MembersPage(ctx context.Context, conversationID string, o *ListOptions) (*Page[MemberInfo], error) {
	r := newRequest(http.MethodGet, "list members", "/v1/conversations/{conversation ID}/members", nil, conversationID)
	var err error
	if r.query, err = valueOf(o).query(r.op); err != nil {
		return nil, err
	}
	page, err := readPage[MemberInfo](ctx, c, r, "members")
	if err != nil {
		return nil, err
	}
	for _, m := range page.Items {
		m.ConversationID = cmp.Or(m.ConversationID, conversationID)
	}
	return page, nil
}
