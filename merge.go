package nexmo

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
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

func setBool(dst *Bool, v Bool) {
	if v != Unset {
		*dst = v
	}
}

func setDuration(dst *Milliseconds, v Milliseconds) {
	if v != 0 {
		*dst = v
	}
}

func setRaw(dst *json.RawMessage, v json.RawMessage) {
	if v != nil && !bytes.Equal(*dst, v) {
		*dst = bytes.Clone(v)
	}
}

func setStrings(dst *[]string, v []string) {
	if v == nil || slices.Equal(*dst, v) {
		return
	}
	list := make([]string, len(v))
	for i, s := range v {
		list[i] = strings.Clone(s)
	}
	*dst = list
}

func setHeaders(dst *Headers, v Headers) {
	if v == nil || maps.Equal(*dst, v) {
		return
	}
	m := make(Headers, len(v))
	for name, value := range v {
		m[strings.Clone(name)] = strings.Clone(value)
	}
	*dst = m
}

func setLegs(dst *Legs, v Legs) {
	if v == nil || slices.Equal(*dst, v) {
		return
	}
	list := make(Legs, len(v))
	for i, l := range v {
		list[i] = Leg{strings.Clone(l.ID), LegStatus(strings.Clone(string(l.Status)))}
	}
	*dst = list
}

// mergeChannel returns old with what n carries; either may be nil. Both stay as
// they are: others may be reading old.
func mergeChannel(old, n *Channel) *Channel {
	if n == nil {
		return old
	}
	var was Channel
	if old != nil {
		was = *old
	}
	c := was
	set(&c.ID, n.ID)
	set(&c.Type, n.Type)
	c.From = mergeEndpoint(c.From, n.From)
	c.To = mergeEndpoint(c.To, n.To)
	set(&c.Number, n.Number)
	setHeaders(&c.Headers, n.Headers)
	setStrings(&c.LegIDs, n.LegIDs)
	setLegs(&c.Legs, n.Legs)
	setRaw(&c.LegSettings, n.LegSettings)
	set(&c.KnockingID, n.KnockingID)
	setBool(&c.CPA, n.CPA)
	setDuration(&c.CPATime, n.CPATime)
	setBool(&c.Preanswer, n.Preanswer)
	setDuration(&c.RingTimeout, n.RingTimeout)
	setDuration(&c.MaxLength, n.MaxLength)
	setStrings(&c.CanHear, n.CanHear)
	setStrings(&c.CanSpeak, n.CanSpeak)
	set(&c.ContentType, n.ContentType)
	if sameChannel(&was, &c) {
		return old
	}
	return new(c)
}

// sameChannel compares a channel with the copy of it that was merged into: what
// did not change is shared by both.
func sameChannel(a, b *Channel) bool {
	return a.ID == b.ID && a.Type == b.Type && a.From == b.From && a.To == b.To && a.Number == b.Number &&
		maps.Equal(a.Headers, b.Headers) && slices.Equal(a.LegIDs, b.LegIDs) && slices.Equal(a.Legs, b.Legs) &&
		bytes.Equal(a.LegSettings, b.LegSettings) && a.KnockingID == b.KnockingID && a.CPA == b.CPA &&
		a.CPATime == b.CPATime && a.Preanswer == b.Preanswer && a.RingTimeout == b.RingTimeout &&
		a.MaxLength == b.MaxLength && slices.Equal(a.CanHear, b.CanHear) && slices.Equal(a.CanSpeak, b.CanSpeak) &&
		a.ContentType == b.ContentType
}

// mergeEndpoint is mergeChannel for one end. An end of another type is another
// one, and has nothing of the one before.
func mergeEndpoint(old, n *Endpoint) *Endpoint {
	if n == nil {
		return old
	}
	var c Endpoint
	if old != nil && (n.Type == "" || n.Type == old.Type) {
		c = *old
	}
	set(&c.Type, n.Type)
	set(&c.Number, n.Number)
	set(&c.User, n.User)
	set(&c.URI, n.URI)
	set(&c.Extension, n.Extension)
	set(&c.ID, n.ID)
	set(&c.ContentType, n.ContentType)
	setHeaders(&c.Headers, n.Headers)
	if old != nil && c.Type == old.Type && c.Number == old.Number && c.User == old.User && c.URI == old.URI &&
		c.Extension == old.Extension && c.ID == old.ID && c.ContentType == old.ContentType && maps.Equal(c.Headers, old.Headers) {
		return old
	}
	return new(c)
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
		c.describe(e, &b.ConversationDetails, ConversationActive)
	case *ConversationUpdated:
		c.describe(e, &b.ConversationDetails, "")
	case *ConversationDeleted:
		if c.describe(e, &b.ConversationDetails, "") {
			c.info.State = ConversationGone
			set(&c.info.DeleteReason, b.Reason)
		}
	case *MemberInvited:
		// What an invitation tells may be older than what an update told.
		put(&c.info.Name, b.Conversation.Name, true)
		put(&c.info.Name, b.CName, true)
		put(&c.info.DisplayName, b.Conversation.DisplayName, true)
		put(&c.info.ImageURL, b.Conversation.ImageURL, true)
	case *RTCTransfer:
		put(&c.info.TransferredFrom, b.TransferredFrom, !newer(&c.members.transfer, e))
	}
}

// describe takes over what an event of the conversation family tells, unless it
// is about another conversation. state is what it tells by itself.
func (c *Conversation) describe(e *Event, b *ConversationDetails, state ConversationState) bool {
	if e.ConversationID == "" && b.ID != "" && b.ID != c.id {
		return false
	}
	info := &c.info
	// A conversation is created before all else that happens to it, and deleted
	// after that.
	late := info.State == ConversationGone || e.Type == EventConversationCreated && c.infoID != 0 ||
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
