package nexmo

import (
	"strings"
	"time"
)

// MemberState is how a member stands to the conversation. It is read without
// regard to case and kept in capitals, as answers write it. Unknown words are
// kept.
type MemberState string

// The documented states of a member.
const (
	MemberStateUnknown MemberState = "UNKNOWN" // an event named the member, none told its state
	MemberStateInvited MemberState = "INVITED" // asked to join
	MemberStateJoined  MemberState = "JOINED"  // takes part
	MemberStateLeft    MemberState = "LEFT"    // left, or was removed
)

// UnmarshalText reads a state without regard to case.
func (m *MemberState) UnmarshalText(text []byte) error {
	*m = MemberState(strings.ToUpper(string(text)))
	return nil
}

func (m *MemberState) decode(s *scanner) {
	if v, ok := s.Text(); ok {
		*m = MemberState(strings.ToUpper(v))
	}
}

// MemberTimestamp are the times in the life of a member.
type MemberTimestamp struct {
	Invited time.Time `json:"invited,omitzero"` // zero if it was not invited, or that is not told
	Joined  time.Time `json:"joined,omitzero"`  // zero before it joined
	Left    time.Time `json:"left,omitzero"`    // zero before it left
}

// Membership is what the events member:invited, member:joined and member:left
// tell of the member. [Event.MemberID] finds the member in every generation of
// these events.
type Membership struct {
	MemberID     string          `json:"member_id,omitzero"`    // missing before 2021; filled from what the other generations sent
	User         User            `json:"user,omitzero"`         // of the member
	Channel      *Channel        `json:"channel,omitzero"`      // by which it takes part
	Media        Media           `json:"media,omitzero"`        // its settings
	Timestamp    MemberTimestamp `json:"timestamp,omitzero"`    // in the life of the member
	Initiator    Initiator       `json:"initiator,omitzero"`    // who caused each transition
	Conversation ConversationRef `json:"conversation,omitzero"` // where it is a member

	// Version 0.2 sends the member itself as the body. What these fields say
	// is in MemberID and User too.
	ID          string      `json:"id,omitzero"`
	UserID      string      `json:"user_id,omitzero"`      // see User
	Name        string      `json:"name,omitzero"`         // see User
	DisplayName string      `json:"display_name,omitzero"` // see User
	State       MemberState `json:"state,omitzero"`        // INVITED, JOINED or LEFT
}

func (m *Membership) normalize() {
	if m.MemberID == "" {
		m.MemberID = m.User.MemberID
	}
	if m.MemberID == "" {
		m.MemberID = m.ID
	}
	if m.User.ID == "" {
		m.User.ID = m.UserID
	}
	if m.User.Name == "" {
		m.User.Name = m.Name
	}
	if m.User.DisplayName == "" {
		m.User.DisplayName = m.DisplayName
	}
}

func (m *Membership) memberID() string { return m.MemberID }

func (m *Membership) conversationID() string { return m.Conversation.ConversationID }

// ConversationRef names a conversation.
type ConversationRef struct {
	ConversationID string `json:"conversation_id,omitzero"` // CON-…
	Name           string `json:"name,omitzero"`            // unique in the application
	DisplayName    string `json:"display_name,omitzero"`    // to show
	ImageURL       string `json:"image_url,omitzero"`       // of a picture to show
}

// MemberInvited is the body of member:invited.
type MemberInvited struct {
	Membership
	CName           string          `json:"cname,omitzero"`             // the name of the conversation once more
	InvitedBy       string          `json:"invited_by,omitzero"`        // name or ID of a user; empty when the service invited
	InvitedByMember *InvitingMember `json:"invited_by_member,omitzero"` // nil when the service invited, or does not tell
	SDP             string          `json:"sdp,omitzero"`               // an offer of media, when the session asked for them
}

// InvitingMember is the member who invited another.
type InvitingMember struct {
	MemberID  string          `json:"member_id,omitzero"` // MEM-…
	Name      string          `json:"name,omitzero"`      // of the user
	State     MemberState     `json:"state,omitzero"`     // INVITED, JOINED or LEFT
	UserID    string          `json:"user_id,omitzero"`   // USR-…
	Channel   *Channel        `json:"channel,omitzero"`   // by which it takes part
	Media     Media           `json:"media,omitzero"`     // its settings
	Timestamp MemberTimestamp `json:"timestamp,omitzero"` // in the life of the member
}

// MemberJoined is the body of member:joined. A member can cause it twice: when
// its leg connects, and when it answers.
type MemberJoined struct {
	Membership
	ClientRef string `json:"client_ref,omitzero"` // a reference that the caller chose
}

// MemberLeft is the body of member:left.
type MemberLeft struct {
	Membership
	Reason Reason `json:"reason,omitzero"` // why, if it was said
}

// MemberMedia is the body of member:media.
type MemberMedia struct {
	Audio   Bool     `json:"audio,omitzero"`   // all there was in 2018; not always equal to Media.Audio
	Video   Bool     `json:"video,omitzero"`   // beside Audio, where clients send it
	Media   Media    `json:"media,omitzero"`   // the settings as they are now
	Channel *Channel `json:"channel,omitzero"` // the leg
}

// MemberAnswered is the body of member:answered, a type that one table of the
// documentation names and that is sent as sip:answered.
type MemberAnswered struct{ LegProgress }

// MemberMessageStatus is the body of member:message:status: the message and
// where it went, and what went wrong if something did.
type MemberMessageStatus struct {
	MessageContent
	OriginalEventID EventID     `json:"original_event_id,omitzero"` // the message event
	ChannelType     ChannelType `json:"channel_type,omitzero"`      // sms, mms, whatsapp, viber or messenger
	From            string      `json:"from,omitzero"`              // the sender's address
	To              string      `json:"to,omitzero"`                // the recipient's address
	MessageUUID     string      `json:"message_uuid,omitzero"`      // of the Messages API
	Error           Raw         `json:"error,omitzero"`             // an object; what is in it depends on the channel
}
