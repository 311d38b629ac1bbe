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

func setBool(dst *Bool, v Bool) {
	if v != Unset {
		*dst = v
	}
}

func setTime(dst *time.Time, v time.Time) {
	if !v.IsZero() {
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
	if len(v) == 0 || slices.Equal(*dst, v) {
		return
	}
	list := make(Legs, len(v))
	for i, l := range v {
		list[i] = Leg{strings.Clone(l.ID), LegStatus(strings.Clone(string(l.Status)))}
	}
	*dst = list
}

// mergeChannel returns old with what n carries. Both stay as they are: others
// may be reading old.
func mergeChannel(old, n *Channel) *Channel {
	var c Channel
	if old != nil {
		c = *old
	}
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
	if old != nil && sameChannel(old, &c) {
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

func mergeEndpoint(old, n *Endpoint) *Endpoint {
	if n == nil {
		return old
	}
	var c Endpoint
	if old != nil {
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
		c.describe(e, &b.ConversationDetails, "")
		c.info.State = ConversationGone
		set(&c.info.DeleteReason, b.Reason)
	case *MemberInvited:
		// What an invitation tells is older than what an update told.
		if c.infoID == 0 {
			setIfEmpty(&c.info.Name, b.Conversation.Name)
			setIfEmpty(&c.info.Name, b.CName)
			setIfEmpty(&c.info.DisplayName, b.Conversation.DisplayName)
			setIfEmpty(&c.info.ImageURL, b.Conversation.ImageURL)
		}
	case *RTCTransfer:
		set(&c.info.TransferredFrom, b.TransferredFrom)
	}
}

// describe takes over what an event of the conversation family tells.
func (c *Conversation) describe(e *Event, b *ConversationDetails, state ConversationState) {
	info := &c.info
	setTime(&info.Timestamp.Created, b.Timestamp.Created)
	setTime(&info.Timestamp.Destroyed, b.Timestamp.Destroyed)
	if e.ID != 0 && e.ID < c.infoID || e.Type == EventConversationCreated && c.infoID != 0 {
		return // a later event has told
	}
	c.infoID = max(c.infoID, e.ID)
	set(&info.Name, b.Name)
	set(&info.DisplayName, b.DisplayName)
	set(&info.ImageURL, b.ImageURL)
	setTime(&info.Timestamp.Updated, b.Timestamp.Updated)
	if info.State == ConversationGone {
		return // for good
	}
	set(&info.State, state)
	set(&info.State, b.State)
}

func setIfEmpty(dst *string, v string) {
	if *dst == "" {
		set(dst, v)
	}
}
