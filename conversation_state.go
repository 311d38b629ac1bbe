package nexmo

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"
)

// state is what the events of a conversation have said so far. It is a value: apply and
// load change it, and nothing else. The rules of members are in member.go, those of
// receipts, edits and deletions in history.go, and those of the conversation itself here.
type state struct {
	id      string
	members members
	info    *ConversationInfo // nil while nothing was said of it
	infoID  EventID           // the event that last changed info
	history history
	loaded  bool // members and info are what REST answered, and what events changed since
}

// How state takes over what an event carries: only the fields that are there,
// nothing at all when they say nothing new, and as copies, since the strings of
// an event are views of its whole text.

func set[T ~string](dst *T, v T) {
	if v != "" && *dst != v {
		*dst = T(strings.Clone(string(v)))
	}
}

// put is set for an event that may be late: then it only fills in what is empty.
func put[T ~string](dst *T, v T, late bool) {
	if !late || *dst == "" {
		set(dst, v)
	}
}

func putTime(dst *time.Time, v time.Time, late bool) {
	if !v.IsZero() && (!late || dst.IsZero()) {
		*dst = v
	}
}

// newer reports whether e is not older than the event that at remembers, and
// remembers it.
func newer(at *EventID, e *Event) bool {
	if e.ID != 0 && e.ID < *at {
		return false
	}
	*at = max(*at, e.ID)
	return true
}

// apply changes the state as e says.
func (s *state) apply(e *Event) {
	s.members.apply(e)
	s.applyInfo(e)
	s.history.apply(e)
}

func (s *state) applyInfo(e *Event) {
	switch b := e.Body.(type) {
	case *ConversationCreated:
		s.describe(e, &b.ConversationDetails, ConversationStateActive)
	case *ConversationUpdated:
		s.describe(e, &b.ConversationDetails, "")
	case *ConversationDeleted:
		if s.describe(e, &b.ConversationDetails, "") {
			set(&s.info.State, ConversationStateDeleted)
			set(&s.info.DeleteReason, b.Reason)
		}
	case *MemberInvited:
		// What an invitation tells may be older than what an update told.
		if name := cmp.Or(b.Conversation.Name, b.CName); name != "" || b.Conversation.DisplayName != "" || b.Conversation.ImageURL != "" {
			info := s.about()
			put(&info.Name, name, true)
			put(&info.DisplayName, b.Conversation.DisplayName, true)
			put(&info.ImageURL, b.Conversation.ImageURL, true)
		}
	case *RTCTransfer:
		put(&s.about().TransferredFrom, b.TransferredFrom, !newer(&s.members.transfer, e))
	}
}

// about returns the Info to be changed.
func (s *state) about() *ConversationInfo {
	if s.info == nil {
		s.info = &ConversationInfo{ID: s.id}
	}
	return s.info
}

// describe takes over what an event of the conversation family tells, unless it
// is about another conversation. state is what it tells by itself.
func (s *state) describe(e *Event, b *ConversationDetails, state ConversationState) bool {
	if e.ConversationID == "" && b.ID != "" && b.ID != s.id {
		return false
	}
	info := s.about()
	// A conversation is created before all else that happens to it, and deleted
	// after that.
	late := info.State == ConversationStateDeleted || e.Type == EventConversationCreated && s.infoID != 0 ||
		!newer(&s.infoID, e)
	put(&info.Name, b.Name, late)
	put(&info.DisplayName, b.DisplayName, late)
	put(&info.ImageURL, b.ImageURL, late)
	put(&info.State, b.State, late)
	put(&info.State, state, true)
	putTime(&info.Timestamp.Created, b.Timestamp.Created, late)
	putTime(&info.Timestamp.Updated, b.Timestamp.Updated, late)
	putTime(&info.Timestamp.Destroyed, b.Timestamp.Destroyed, late)
	return true
}

// load takes over what REST told of the conversation and its members. It is as
// the conversation was after the event SequenceNumber.
func (s *state) load(info *ConversationInfo, list []*MemberInfo) {
	at := info.SequenceNumber
	asOf := &Event{ID: max(at, 1)} // before whatever events told, when that is not known
	is := s.about()
	late := is.State == ConversationStateDeleted || !newer(&s.infoID, asOf)
	put(&is.Name, info.Name, late)
	put(&is.DisplayName, info.DisplayName, late)
	put(&is.ImageURL, info.ImageURL, late)
	put(&is.State, info.State, late)
	putTime(&is.Timestamp.Created, info.Timestamp.Created, late)
	putTime(&is.Timestamp.Updated, info.Timestamp.Updated, late)
	putTime(&is.Timestamp.Destroyed, info.Timestamp.Destroyed, late)
	is.SequenceNumber = max(is.SequenceNumber, at)
	if !late || is.Properties == nil {
		// Copies: Raw, and the strings, are views of the whole answer.
		is.Properties, is.Numbers, is.Callback = copyOf(info.Properties), copyOf(info.Numbers), copyOf(info.Callback)
	}
	s.loaded = true
	for _, m := range list {
		t := s.members.get(m.ID)
		if t == nil {
			continue
		}
		t.identify(asOf, &m.User)
		t.connect(asOf, m.Channel)
		t.hear(asOf, m.User.Media)
		t.hear(asOf, m.Media)
		current := t.newer(ofState, asOf)
		t.live(&m.Timestamp, !current)
		t.put(textInvitedBy, m.InvitedBy, !current)
		if current {
			t.put(textState, strings.ToUpper(string(m.State)), false)
		}
	}
}

// copyOf returns v with nothing of the text that it was read from.
func copyOf[T any](v T) T {
	var c T
	if text, err := encodeJSON(v); err == nil {
		_ = json.Unmarshal(text, &c) // it was written by the same rules
	}
	return c
}
