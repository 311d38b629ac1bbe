package nexmo

import (
	"cmp"
	"strings"
	"time"
)

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

// apply changes what the conversation knows as e tells. The caller holds c.mu.
func (c *Conversation) apply(e *Event) {
	c.members.apply(e)
	c.applyInfo(e)
	c.history.apply(e)
}

func (c *Conversation) applyInfo(e *Event) {
	switch b := e.Body.(type) {
	case *ConversationCreated:
		c.describe(e, &b.ConversationDetails, ConversationStateActive)
	case *ConversationUpdated:
		c.describe(e, &b.ConversationDetails, "")
	case *ConversationDeleted:
		if c.describe(e, &b.ConversationDetails, "") {
			set(&c.info.State, ConversationStateDeleted)
			set(&c.info.DeleteReason, b.Reason)
		}
	case *MemberInvited:
		// What an invitation tells may be older than what an update told.
		if name := cmp.Or(b.Conversation.Name, b.CName); name != "" || b.Conversation.DisplayName != "" || b.Conversation.ImageURL != "" {
			info := c.about()
			put(&info.Name, name, true)
			put(&info.DisplayName, b.Conversation.DisplayName, true)
			put(&info.ImageURL, b.Conversation.ImageURL, true)
		}
	case *RTCTransfer:
		put(&c.about().TransferredFrom, b.TransferredFrom, !newer(&c.members.transfer, e))
	}
}

// about returns the Info to be changed.
func (c *Conversation) about() *ConversationInfo {
	if c.info == nil {
		c.info = &ConversationInfo{ID: c.id}
	}
	return c.info
}

// describe takes over what an event of the conversation family tells, unless it
// is about another conversation. state is what it tells by itself.
func (c *Conversation) describe(e *Event, b *ConversationDetails, state ConversationState) bool {
	if e.ConversationID == "" && b.ID != "" && b.ID != c.id {
		return false
	}
	info := c.about()
	// A conversation is created before all else that happens to it, and deleted
	// after that.
	late := info.State == ConversationStateDeleted || e.Type == EventConversationCreated && c.infoID != 0 ||
		!newer(&c.infoID, e)
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
