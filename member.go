package nexmo

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Member is a member of a conversation, as the events so far tell. It is a copy,
// and belongs to who asked for it.
type Member struct {
	ID          string          // MEM-…
	UserID      string          // USR-…; empty while not told
	UserName    string          // unique in the application; empty while not told
	DisplayName string          // to show
	ImageURL    string          // of a picture to show
	State       MemberState     // MemberStateUnknown while events have only named the member
	Channel     *Channel        // nil while no event told
	Media       Media           // audio:mute:* and audio:earmuff:* change it as well as member:media
	LegStatus   LegStatus       // of the member's leg
	Typing      bool            // between text:typing:on and text:typing:off
	Speaking    bool            // as the voice detector heard it
	InvitedBy   string          // name or ID of a user
	Reason      Reason          // of leaving
	Timestamp   MemberTimestamp // in the life of the member
}

// ofLeg returns the member that a leg belongs to, or nil. A leg can move to a new
// membership: it belongs to who has it, rather than to who has left.
func (m *members) ofLeg(leg string) *trackedMember {
	if leg == "" {
		return nil
	}
	var left *trackedMember
	for _, t := range slices.Backward(m.list) {
		switch {
		case !t.has(leg):
		case t.memberState() != MemberStateLeft:
			return t
		case left == nil:
			left = t
		}
	}
	return left
}

func (t *trackedMember) has(leg string) bool { return hasLeg(t.text(textChannel), leg) }

// knockerPrefix begins the from of a caller who is no member yet.
const knockerPrefix = "knocker:"

// apply changes the members as e tells. It keeps copies of strings only: those
// of an event are views of its whole text.
func (m *members) apply(e *Event) {
	switch b := e.Body.(type) {
	case *MemberInvited:
		m.applyMembership(e, &b.Membership)
		return
	case *MemberJoined:
		m.applyMembership(e, &b.Membership)
		return
	case *MemberLeft:
		m.applyMembership(e, &b.Membership)
		return
	}
	actor := m.actor(e)
	switch b := e.Body.(type) {
	case *MemberMedia:
		actor.hear(e, b.Media)
		if b.Media.Audio == Unset {
			actor.hear(e, Media{Audio: b.Audio})
		}
		actor.connect(e, b.Channel)
	case *AudioMuteOn:
		m.target(e, b.RTCID, actor).hear(e, Media{AudioSettings: AudioSettings{Muted: True}})
	case *AudioMuteOff:
		m.target(e, b.RTCID, actor).hear(e, Media{AudioSettings: AudioSettings{Muted: False}})
	case *AudioEarmuffOn:
		m.target(e, b.RTCID, actor).hear(e, Media{AudioSettings: AudioSettings{Earmuffed: True}})
	case *AudioEarmuffOff:
		m.target(e, b.RTCID, actor).hear(e, Media{AudioSettings: AudioSettings{Earmuffed: False}})
	case *AudioSpeakingOn:
		m.speaker(b.Channel, actor).speak(e, true)
	case *AudioSpeakingOff:
		m.speaker(b.Channel, actor).speak(e, false)
	case *TextTypingOn:
		actor.write(true)
	case *TextTypingOff:
		actor.write(false)
	case *LegStatusUpdate:
		m.owner(b.LegID, actor).progress(e, b.Status)
	case *RTCTransfer:
		actor.identify(e, &User{ID: b.UserID})
		actor.connect(e, b.Channel)
	case *SIPStatus:
		actor.connect(e, b.Channel)
		actor.progress(e, b.Status)
	case interface{ legChannel() *Channel }:
		actor.connect(e, b.legChannel())
		actor.progress(e, legProgress[e.Type])
	}
}

// legProgress is the status of a leg after an event that tells no status.
var legProgress = map[EventType]LegStatus{
	EventSIPRinging:     LegStatusRinging,
	EventSIPAnswered:    LegStatusAnswered,
	EventSIPHangup:      LegStatusCompleted,
	EventSIPMachine:     LegStatusMachine,
	EventSIPAMDMachine:  LegStatusMachine,
	EventRTCRinging:     LegStatusRinging,
	EventRTCAnswered:    LegStatusAnswered,
	EventRTCHangup:      LegStatusCompleted,
	EventRTCStatus:      LegStatusCompleted,
	EventMemberAnswered: LegStatusAnswered,
}

// actor returns the member that e comes from, and learns what e tells of it: so
// the members become known of a conversation whose first events were missed. It
// is nil for an event that comes from nobody, or from a caller who is no member.
func (m *members) actor(e *Event) *trackedMember {
	from := m.get(e.From)
	by := from
	if e.FromMember != "" && e.FromMember != e.From {
		by = m.get(e.FromMember)
		if e.From == "" {
			from = by
		}
	}
	if e.FromUser != nil {
		by.identify(e, e.FromUser)
	}
	return from
}

// owner returns the member whose leg it is: of who sent the event, if it may be
// his.
func (m *members) owner(leg string, actor *trackedMember) *trackedMember {
	if actor != nil && actor.has(leg) {
		return actor
	}
	if t := m.ofLeg(leg); t != nil {
		return t
	}
	return actor
}

// target returns the member whose leg an event acts on.
func (m *members) target(e *Event, leg string, actor *trackedMember) *trackedMember {
	if e.To != "" {
		return m.get(e.To)
	}
	return m.owner(leg, actor)
}

// speaker returns the member whose leg the voice detector heard.
func (m *members) speaker(ch *Channel, actor *trackedMember) *trackedMember {
	if actor == nil && ch != nil {
		return m.ofLeg(ch.ID)
	}
	return actor
}

// applyMembership follows member:invited, member:joined and member:left.
func (m *members) applyMembership(e *Event, b *Membership) {
	t := m.get(e.MemberID())
	if t == nil {
		return
	}
	t.identify(e, &b.User)
	t.connect(e, b.Channel)
	t.hear(e, b.User.Media)
	t.hear(e, b.Media)
	current := t.newer(ofState, e)
	t.live(&b.Timestamp, !current)
	switch b := e.Body.(type) {
	case *MemberInvited:
		t.put(textInvitedBy, b.InvitedBy, !current)
		if current {
			t.set(textState, string(MemberStateInvited))
		}
		if b.InvitedByMember != nil {
			m.applyInviter(e, b.InvitedByMember)
		}
	case *MemberJoined:
		if current {
			t.set(textState, string(MemberStateJoined))
			t.because(Reason{})
		}
	case *MemberLeft:
		if current {
			t.set(textState, string(MemberStateLeft))
			t.typing, t.speaking = false, false
			t.because(b.Reason)
		}
	}
	// In these events from is whom they are about, or who acted in the oldest;
	// else who acted is embedded.
	m.get(e.From)
	m.get(e.FromMember).identify(e, e.FromUser)
}

// applyInviter learns what an invitation tells of the inviting member. State,
// times and media only fill in what is empty: the events about the member itself
// tell them better.
func (m *members) applyInviter(e *Event, by *InvitingMember) {
	t := m.get(by.MemberID)
	if t == nil {
		return
	}
	t.identify(e, &User{ID: by.UserID, Name: by.Name})
	t.connect(e, by.Channel)
	t.live(&by.Timestamp, true)
	if t.memberState() == MemberStateUnknown {
		t.put(textState, string(by.State), false)
	}
	t.media = mergeMedia(by.Media, t.media)
}

// newer reports whether e is not older than the event that last changed what c is,
// and remembers it. IDs beyond 32 bits, which no conversation counts up to, are all
// the same to it: of two events the one that comes later is the newer one.
func (t *trackedMember) newer(c concern, e *Event) bool {
	id := uint32(min(e.ID, math.MaxUint32)) //nolint:gosec // an ID is not negative
	if id != 0 && id < t.changed[c] {
		return false
	}
	t.changed[c] = max(t.changed[c], id)
	return true
}

// The rules below do nothing for a nil member: the event names none.

func (t *trackedMember) identify(e *Event, u *User) {
	if t == nil || u == nil || u.ID == "" && u.Name == "" && u.DisplayName == "" && u.ImageURL == "" {
		return
	}
	late := !t.newer(ofUser, e)
	t.put(textUserID, u.ID, late)
	t.put(textUserName, u.Name, late)
	t.put(textDisplayName, u.DisplayName, late)
	t.put(textImageURL, u.ImageURL, late)
}

func (t *trackedMember) connect(e *Event, ch *Channel) {
	if t == nil || ch == nil {
		return
	}
	late := !t.newer(ofChannel, e)
	known := t.text(textChannel)
	if hasChannel(known, ch) {
		return
	}
	told := *ch
	if late && known != "" {
		known, told = string(packChannel(nil, ch)), *unpackChannel(known)
	}
	fillChannel(&told, known)
	t.set(textChannel, string(packChannel(nil, &told)))
}

func (t *trackedMember) because(r Reason) {
	t.set(textReasonCode, r.Code)
	t.set(textReason, r.Text)
}

func (t *trackedMember) live(times *MemberTimestamp, late bool) {
	put := func(at *int64, v time.Time) {
		n := v.UnixNano()
		if !v.IsZero() && (!late || *at == 0) && timeOf(n).Equal(v) { // not in another millennium
			*at = n
		}
	}
	put(&t.invited, times.Invited)
	put(&t.joined, times.Joined)
	put(&t.left, times.Left)
}

// hear takes over the switches that e carries, each for itself: an event that
// mutes says nothing of the others.
func (t *trackedMember) hear(e *Event, m Media) {
	if t == nil {
		return
	}
	flip := func(dst *Bool, c concern, v Bool) {
		if v != Unset && t.newer(c, e) {
			*dst = v
		}
	}
	flip(&t.media.Audio, ofAudio, m.Audio)
	flip(&t.media.AudioSettings.Enabled, ofEnabled, m.AudioSettings.Enabled)
	flip(&t.media.AudioSettings.Earmuffed, ofEarmuffed, m.AudioSettings.Earmuffed)
	flip(&t.media.AudioSettings.Muted, ofMuted, m.AudioSettings.Muted)
}

// Who left neither speaks nor types, whatever comes late.

func (t *trackedMember) speak(e *Event, speaking bool) {
	if t != nil && t.newer(ofSpeaking, e) {
		t.speaking = speaking && t.memberState() != MemberStateLeft
	}
}

func (t *trackedMember) write(typing bool) {
	if t != nil {
		t.typing = typing && t.memberState() != MemberStateLeft
	}
}

func (t *trackedMember) progress(e *Event, status LegStatus) {
	if t != nil && status != "" && t.newer(ofLeg, e) {
		t.set(textLegStatus, string(status))
	}
}

// mergeMedia returns old with what m carries.
func mergeMedia(old, m Media) Media {
	return Media{
		Audio: cmp.Or(m.Audio, old.Audio),
		AudioSettings: AudioSettings{
			Enabled:   cmp.Or(m.AudioSettings.Enabled, old.AudioSettings.Enabled),
			Earmuffed: cmp.Or(m.AudioSettings.Earmuffed, old.AudioSettings.Earmuffed),
			Muted:     cmp.Or(m.AudioSettings.Muted, old.AudioSettings.Muted),
		},
	}
}
