package nexmo

import (
	"cmp"
	"context"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// UserInfo is what REST tells of a user.
type UserInfo struct {
	ID          string                `json:"id,omitzero"`           // USR-…
	Name        string                `json:"name,omitzero"`         // unique in the application; NAM-… when the service made it up
	DisplayName string                `json:"display_name,omitzero"` // to show
	ImageURL    string                `json:"image_url,omitzero"`    // of a picture to show
	Properties  UserInfoProperties    `json:"properties,omitzero"`   // what the application keeps with the user
	Channels    UserChannels          `json:"channels,omitzero"`     // how the user can be reached
	Timestamp   ConversationTimestamp `json:"timestamp,omitzero"`    // in the life of the user; zero where the service does not tell

	Raw Raw `json:"-"` // the answer, whole
}

// UserInfoProperties are the properties of a user.
type UserInfoProperties struct {
	CustomData Raw     `json:"custom_data,omitzero"` // an object; its keys are the application's
	TTL        Seconds `json:"ttl,omitzero"`         // at most 2^31 seconds
}

// UserChannels are the ways in which a user can be reached.
type UserChannels struct {
	PSTN      []UserChannel `json:"pstn,omitzero"`      // telephones
	SIP       []UserChannel `json:"sip,omitzero"`       // SIP addresses
	VBC       []UserChannel `json:"vbc,omitzero"`       // extensions of Vonage Business Communications
	Websocket []UserChannel `json:"websocket,omitzero"` // addresses that take audio
	SMS       []UserChannel `json:"sms,omitzero"`       // numbers
	MMS       []UserChannel `json:"mms,omitzero"`       // numbers
	WhatsApp  []UserChannel `json:"whatsapp,omitzero"`  // numbers
	Viber     []UserChannel `json:"viber,omitzero"`     // numbers
	Messenger []UserChannel `json:"messenger,omitzero"` // IDs
}

// MarshalJSON writes the numbers of PSTN as numbers: there, and nowhere else, that
// is what the service documents.
func (c UserChannels) MarshalJSON() ([]byte, error) {
	type channels UserChannels
	type pstn struct {
		UserChannel
		Number any `json:"number,omitzero"` // in place of that of UserChannel
	}
	w := struct {
		channels
		PSTN []pstn `json:"pstn,omitzero"` // in place of that of channels
	}{channels: channels(c)}
	if c.PSTN != nil {
		w.PSTN = make([]pstn, len(c.PSTN))
	}
	for i, ch := range c.PSTN {
		w.PSTN[i].UserChannel = ch
		switch n, err := strconv.ParseUint(string(ch.Number), 10, 64); {
		case err == nil && strconv.FormatUint(n, 10) == string(ch.Number):
			w.PSTN[i].Number = n
		case ch.Number != "":
			w.PSTN[i].Number = ch.Number // which no number can spell
		}
	}
	return encodeJSON(w)
}

// UserChannel is one way in which a user can be reached. Which fields it has
// depends on the kind: Number for pstn, sms, mms, whatsapp and viber, URI, Username
// and Password for sip, Extension for vbc, URI, ContentType and Headers for
// websocket, ID for messenger.
type UserChannel struct {
	Number      PhoneNumber `json:"number,omitzero"`       // for pstn, sms, mms, whatsapp and viber
	URI         string      `json:"uri,omitzero"`          // for sip and websocket
	Username    string      `json:"username,omitzero"`     // for sip
	Password    Secret      `json:"password,omitzero"`     // for sip
	Extension   string      `json:"extension,omitzero"`    // for vbc
	ContentType string      `json:"content-type,omitzero"` // such as audio/l16;rate=16000
	Headers     Headers     `json:"headers,omitzero"`      // for websocket
	ID          string      `json:"id,omitzero"`           // for messenger
}

// PhoneNumber is a telephone number: digits without a plus. It is read as text
// and as a number.
type PhoneNumber string

// UnmarshalJSON reads a text or a number.
func (p *PhoneNumber) UnmarshalJSON(data []byte) error { return decodeJSON(data, p) }

func (p *PhoneNumber) decode(s *scanner) {
	if v, ok := s.Text(); ok {
		*p = PhoneNumber(v)
	}
}

//gen:decode
type userJSON struct{ UserInfo }

func (u *UserInfo) decode(s *scanner) {
	start := s.Offset()
	var w userJSON
	w.decode(s)
	*u = w.UserInfo
	u.Raw = Raw(s.Since(start))
}

// UserParams are what a user is made of, or changed to. What is zero is not sent.
type UserParams struct {
	Name        string             `json:"name,omitzero"`         // unique in the application; made up if empty
	DisplayName string             `json:"display_name,omitzero"` // at most 50 characters
	ImageURL    string             `json:"image_url,omitzero"`    // of a picture to show
	Properties  UserInfoProperties `json:"properties,omitzero"`   // what the application keeps with the user
	Channels    UserChannels       `json:"channels,omitzero"`     // how the user can be reached
}

func (p *UserParams) check(op string) error {
	c := checker{op: op}
	if p.Name == "me" || strings.HasPrefix(p.Name, "USR-") {
		c.fail("Name", "the service keeps me, and what begins with USR-, for itself")
	}
	c.length("DisplayName", p.DisplayName, maxDisplayName)
	c.seconds("Properties.TTL", p.Properties.TTL, maxTTL)
	for _, ch := range p.Channels.SIP {
		c.match("Channels.SIP.URI", ch.URI, sipPattern, "sip:name@host")
	}
	for _, ch := range p.Channels.Websocket {
		c.match("Channels.Websocket.URI", ch.URI, websocketPattern, "wss://host/path")
	}
	return c.err
}

// CreateUser makes a user. With the zero value of p the service makes up a name. A
// name that is taken is [ErrConflict].
func (c *Client) CreateUser(ctx context.Context, p UserParams) (*UserInfo, error) {
	const op = "create user"
	if err := p.check(op); err != nil {
		return nil, err
	}
	return one[UserInfo](ctx, c, newRequest(http.MethodPost, op, "/v1/users", p))
}

// UserInfo returns what the service tells of a user, by ID or by name.
func (c *Client) UserInfo(ctx context.Context, idOrName string) (*UserInfo, error) {
	return one[UserInfo](ctx, c, newRequest(http.MethodGet, "get user", "/v1/users/{user ID}", nil, idOrName))
}

// UpdateUser changes what p says of a user, by ID. What is zero in p stays as it is.
func (c *Client) UpdateUser(ctx context.Context, id string, p UserParams) (*UserInfo, error) {
	const op = "update user"
	if err := p.check(op); err != nil {
		return nil, err
	}
	return one[UserInfo](ctx, c, newRequest(http.MethodPatch, op, "/v1/users/{user ID}", p, id))
}

// DeleteUser deletes a user, by ID. That cannot be undone.
func (c *Client) DeleteUser(ctx context.Context, id string) error {
	_, err := c.send(ctx, newRequest(http.MethodDelete, "delete user", "/v1/users/{user ID}", nil, id))
	return err
}

// UserListOptions say which users are listed.
type UserListOptions struct {
	ListOptions
	Name string // exactly
}

// Users lists the users of the application, page after page as the loop needs
// them. o may be nil. An error is yielded last, with a nil item.
func (c *Client) Users(ctx context.Context, o *UserListOptions) iter.Seq2[*UserInfo, error] {
	opts := valueOf(o)
	return pages(ctx, opts.Cursor, func(cursor string) (*Page[UserInfo], error) {
		page := opts
		page.Cursor = cursor
		return c.UsersPage(ctx, &page)
	})
}

// UsersPage is one page of [Client.Users].
func (c *Client) UsersPage(ctx context.Context, o *UserListOptions) (*Page[UserInfo], error) {
	opts := valueOf(o)
	r := newRequest(http.MethodGet, "list users", "/v1/users", nil)
	var err error
	if r.query, err = opts.query(r.op); err != nil {
		return nil, err
	}
	setText(r.query, "name", opts.Name)
	return readPage[UserInfo](ctx, c, r, "users")
}

// UserConversation is a conversation, and the membership of a user in it.
type UserConversation struct {
	ConversationInfo
	MemberID    string      `json:"member_id,omitzero"`    // of the user's member
	MemberState MemberState `json:"member_state,omitzero"` // of that member: INVITED, JOINED or LEFT
}

// userConversationJSON is the rest of a [UserConversation], in every shape that it
// has had.
//
//gen:decode
type userConversationJSON struct {
	Embedded membershipJSON `json:"_embedded"`
	MemberID string         `json:"member_id"` // version 0.2, whose state is that of the member
	State    MemberState    `json:"state"`
}

type membershipJSON struct {
	ID     string         `json:"id"`
	State  MemberState    `json:"state"`
	Member membershipItem `json:"member"` // version 0.3
}

type membershipItem struct {
	ID    string      `json:"id"`
	State MemberState `json:"state"`
}

func (u *UserConversation) decode(s *scanner) {
	start := s.Offset()
	u.ConversationInfo.decode(s)
	end := s.Offset()
	s.Seek(start)
	var w userConversationJSON
	w.decode(s)
	s.Seek(end)
	u.MemberID = cmp.Or(w.Embedded.ID, w.Embedded.Member.ID, w.MemberID)
	u.MemberState = cmp.Or(w.Embedded.State, w.Embedded.Member.State)
	if w.MemberID != "" && u.MemberState == "" {
		u.MemberState, u.State = w.State, ""
	}
}

// UserConversationListOptions say which conversations of a user are listed.
type UserConversationListOptions struct {
	ListOptions
	DateStart         time.Time   // made then or later
	State             MemberState // of the user's membership
	OrderBy           string      // "created" or "custom_sort_key"
	IncludeCustomData Bool        // whether Properties.CustomData is told
}

// UserConversations lists the conversations of a user, page after page as the loop
// needs them. o may be nil. An error is yielded last, with a nil item.
func (c *Client) UserConversations(ctx context.Context, userID string, o *UserConversationListOptions) iter.Seq2[*UserConversation, error] {
	opts := valueOf(o)
	return pages(ctx, opts.Cursor, func(cursor string) (*Page[UserConversation], error) {
		page := opts
		page.Cursor = cursor
		return c.UserConversationsPage(ctx, userID, &page)
	})
}

// UserConversationsPage is one page of [Client.UserConversations].
func (c *Client) UserConversationsPage(ctx context.Context, userID string, o *UserConversationListOptions) (*Page[UserConversation], error) {
	opts := valueOf(o)
	r := newRequest(http.MethodGet, "list conversations of user", "/v1/users/{user ID}/conversations", nil, userID)
	var err error
	if r.query, err = opts.query(r.op); err != nil {
		return nil, err
	}
	setTime(r.query, "date_start", opts.DateStart)
	setText(r.query, "state", string(opts.State))
	setText(r.query, "order_by", opts.OrderBy)
	setSwitch(r.query, "include_custom_data", opts.IncludeCustomData)
	return readPage[UserConversation](ctx, c, r, "conversations")
}

// SessionInfo is a session of a user.
type SessionInfo struct {
	ID     string  `json:"id,omitzero"`      // SES-…
	User   User    `json:"user,omitzero"`    // who logged in
	APIKey string  `json:"api_key,omitzero"` // of the account
	TTL    Seconds `json:"ttl,omitzero"`     // of the session; 0 if not told

	Raw Raw `json:"-"` // the answer, whole
}

//gen:decode
type sessionJSON struct {
	ID         string             `json:"id"`
	Embedded   sessionEmbedded    `json:"_embedded"`
	Properties UserInfoProperties `json:"properties"`
}

type sessionEmbedded struct {
	User   User   `json:"user"`
	APIKey string `json:"api_key"`
}

func (i *SessionInfo) decode(s *scanner) {
	start := s.Offset()
	var w sessionJSON
	w.decode(s)
	*i = SessionInfo{w.ID, w.Embedded.User, w.Embedded.APIKey, w.Properties.TTL, Raw(s.Since(start))}
}

// UserSessions lists the sessions of a user, page after page as the loop needs
// them. o may be nil. An error is yielded last, with a nil item.
func (c *Client) UserSessions(ctx context.Context, userID string, o *ListOptions) iter.Seq2[*SessionInfo, error] {
	opts := valueOf(o)
	return pages(ctx, opts.Cursor, func(cursor string) (*Page[SessionInfo], error) {
		page := opts
		page.Cursor = cursor
		return c.UserSessionsPage(ctx, userID, &page)
	})
}

// UserSessionsPage is one page of [Client.UserSessions].
func (c *Client) UserSessionsPage(ctx context.Context, userID string, o *ListOptions) (*Page[SessionInfo], error) {
	r := newRequest(http.MethodGet, "list sessions of user", "/v1/users/{user ID}/sessions", nil, userID)
	var err error
	if r.query, err = valueOf(o).query(r.op); err != nil {
		return nil, err
	}
	return readPage[SessionInfo](ctx, c, r, "sessions")
}
