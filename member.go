package nexmo

import (
	"slices"
	"strings"
)

// Member is a member of a conversation, as the events so far tell. It is a copy;
// what Channel points to is shared and must not be changed.
type Member struct {
	ID          string
	UserID      string
	UserName    string
	DisplayName string
	ImageURL    string
	State       MemberState // MemberStateUnknown while events have only named the member
	Channel     *Channel    // nil while no event told
	Media       Media       // audio:mute:* and audio:earmuff:* change it as well as member:media
	LegStatus   LegStatus   // of the member's leg
	Typing      bool
	Speaking    bool
	InvitedBy   string // name or ID of a user
	Reason      Reason // of leaving
	Timestamp   MemberTimestamp
}

// members are the members of a conversation, in the order in which they became
// known.
type members struct {
	list     []*trackedMember
	byID     map[string]*trackedMember // nil while the list is short
	transfer EventID                   // the last rtc:transfer
}

// trackedMember is a member with the events that last changed it, by concern:
// an event that comes late fills in what is empty, and does not undo what a
// later one did.
type trackedMember struct {
	Member
	user, state, channel, leg, speaking EventID
	audio, enabled, earmuffed, muted    EventID // the switches of Media
}

const (
	// shortList is the length up to which searching the list beats a map.
	shortList = 16
	// maxMembers bounds what is kept of a conversation that members join and
	// leave for ever. The service allows 100 at a time.
	maxMembers = 1000
)

func (m *members) find(id string) *trackedMember {
	if m.byID != nil {
		return m.byID[id]
	}
	for _, t := range m.list {
		if t.ID == id {
			return t
		}
	}
	return nil
}

// get returns the member with an ID, and makes it known if it is not. It is nil
// for the ID of nobody, and for that of a caller, who is no member yet.
func (m *members) get(id string) *trackedMember {
	if id == "" || strings.HasPrefix(id, knockerPrefix) {
		return nil
	}
	if t := m.find(id); t != nil {
		return t
	}
	if len(m.list) >= maxMembers {
		m.forgetOne()
	}
	t := &trackedMember{Member: Member{ID: strings.Clone(id), State: MemberStateUnknown}}
	m.list = append(m.list, t)
	switch {
	case m.byID != nil:
		m.byID[t.ID] = t
	case len(m.list) > shortList:
		m.byID = make(map[string]*trackedMember, 2*shortList)
		for _, t := range m.list {
			m.byID[t.ID] = t
		}
	}
	return t
}

// forgetOne lets go of the member who has been known longest, of those who left
// if there are any.
func (m *members) forgetOne() {
	i := max(0, slices.IndexFunc(m.list, func(t *trackedMember) bool { return t.State == MemberStateLeft }))
	delete(m.byID, m.list[i].ID)
	m.list = slices.Delete(m.list, i, i+1)
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
		case t.State != MemberStateLeft:
			return t
		case left == nil:
			left = t
		}
	}
	return left
}

func (t *trackedMember) has(leg string) bool {
	return t.Channel != nil && (t.Channel.ID == leg || slices.Contains(t.Channel.LegIDs, leg))
}

func (m *members) all() []Member {
	list := make([]Member, len(m.list))
	for i, t := range m.list {
		list[i] = t.Member
	}
	return list
}

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
		actor.typing(true)
	case *TextTypingOff:
		actor.typing(false)
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
	EventSIPRinging:     LegRinging,
	EventSIPAnswered:    LegAnswered,
	EventSIPHangup:      LegCompleted,
	EventSIPMachine:     LegMachine,
	EventSIPAMDMachine:  LegMachine,
	EventRTCRinging:     LegRinging,
	EventRTCAnswered:    LegAnswered,
	EventRTCHangup:      LegCompleted,
	EventRTCStatus:      LegCompleted,
	EventMemberAnswered: LegAnswered,
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
	current := newer(&t.state, e)
	t.live(&b.Timestamp, !current)
	switch b := e.Body.(type) {
	case *MemberInvited:
		put(&t.InvitedBy, b.InvitedBy, !current)
		if current {
			t.State = MemberStateInvited
		}
		if b.InvitedByMember != nil {
			m.applyInviter(e, b.InvitedByMember)
		}
	case *MemberJoined:
		if current {
			t.State = MemberStateJoined
			t.Reason = Reason{}
		}
	case *MemberLeft:
		if current {
			t.State = MemberStateLeft
			t.Typing, t.Speaking = false, false
			t.Reason = Reason{}
			set(&t.Reason.Code, b.Reason.Code)
			set(&t.Reason.Text, b.Reason.Text)
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
	if t.State == MemberStateUnknown && by.State != "" {
		t.State = by.State.known()
	}
	known := t.Media
	t.Media.merge(by.Media)
	t.Media.merge(known)
}

// known returns m as a string that holds no event's text alive.
func (m MemberState) known() MemberState {
	for _, s := range [...]MemberState{MemberStateInvited, MemberStateJoined, MemberStateLeft, MemberStateUnknown} {
		if m == s {
			return s
		}
	}
	return MemberState(strings.Clone(string(m)))
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

// The rules below do nothing for a nil member: the event names none.

func (t *trackedMember) identify(e *Event, u *User) {
	if t == nil || u == nil || u.ID == "" && u.Name == "" && u.DisplayName == "" && u.ImageURL == "" {
		return
	}
	late := !newer(&t.user, e)
	put(&t.UserID, u.ID, late)
	put(&t.UserName, u.Name, late)
	put(&t.DisplayName, u.DisplayName, late)
	put(&t.ImageURL, u.ImageURL, late)
}

func (t *trackedMember) connect(e *Event, ch *Channel) {
	switch {
	case t == nil || ch == nil:
	case newer(&t.channel, e):
		t.Channel = mergeChannel(t.Channel, ch)
	default:
		t.Channel = mergeChannel(mergeChannel(nil, ch), t.Channel)
	}
}

func (t *trackedMember) live(times *MemberTimestamp, late bool) {
	putTime(&t.Timestamp.Invited, times.Invited, late)
	putTime(&t.Timestamp.Joined, times.Joined, late)
	putTime(&t.Timestamp.Left, times.Left, late)
}

// hear takes over the switches that e carries, each for itself: an event that
// mutes says nothing of the others.
func (t *trackedMember) hear(e *Event, m Media) {
	if t == nil {
		return
	}
	turn := func(dst *Bool, at *EventID, v Bool) {
		if v != Unset && newer(at, e) {
			*dst = v
		}
	}
	turn(&t.Media.Audio, &t.audio, m.Audio)
	turn(&t.Media.AudioSettings.Enabled, &t.enabled, m.AudioSettings.Enabled)
	turn(&t.Media.AudioSettings.Earmuffed, &t.earmuffed, m.AudioSettings.Earmuffed)
	turn(&t.Media.AudioSettings.Muted, &t.muted, m.AudioSettings.Muted)
}

// Who left neither speaks nor types, whatever comes late.

func (t *trackedMember) speak(e *Event, speaking bool) {
	if t != nil && newer(&t.speaking, e) {
		t.Speaking = speaking && t.State != MemberStateLeft
	}
}

func (t *trackedMember) typing(typing bool) {
	if t != nil {
		t.Typing = typing && t.State != MemberStateLeft
	}
}

func (t *trackedMember) progress(e *Event, status LegStatus) {
	if t != nil && status != "" && newer(&t.leg, e) {
		set(&t.LegStatus, status)
	}
}

// merge takes over what n carries.
func (m *Media) merge(n Media) {
	setBool(&m.Audio, n.Audio)
	setBool(&m.AudioSettings.Enabled, n.AudioSettings.Enabled)
	setBool(&m.AudioSettings.Earmuffed, n.AudioSettings.Earmuffed)
	setBool(&m.AudioSettings.Muted, n.AudioSettings.Muted)
}
