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
	list []*trackedMember
	byID map[string]*trackedMember // nil while the list is short
}

// trackedMember is a member with the events that last changed it, by concern:
// an event that comes late does not undo what a later one did.
type trackedMember struct {
	Member
	state, media, speaking, leg EventID
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

// get returns the member with an ID, and makes it known if it is not.
func (m *members) get(id string) *trackedMember {
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

// ofLeg returns the member that a leg belongs to, or nil.
func (m *members) ofLeg(leg string) *trackedMember {
	if leg == "" {
		return nil
	}
	for _, t := range m.list {
		if ch := t.Channel; ch != nil && (ch.ID == leg || slices.Contains(ch.LegIDs, leg)) {
			return t
		}
	}
	return nil
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
	if b, ok := e.Body.(interface{ membership() *Membership }); ok {
		m.applyMembership(e, b.membership())
		return
	}
	actor := m.actor(e)
	switch b := e.Body.(type) {
	case *MemberMedia:
		if actor != nil && newer(&actor.media, e) {
			actor.Media.merge(b.Media)
			if b.Media.Audio == Unset && b.Audio != Unset {
				actor.Media.Audio = b.Audio
			}
		}
		actor.connect(b.Channel)
	case *AudioMuteOn:
		m.target(e, b.RTCID, actor).mute(e, True)
	case *AudioMuteOff:
		m.target(e, b.RTCID, actor).mute(e, False)
	case *AudioEarmuffOn:
		m.target(e, b.RTCID, actor).earmuff(e, True)
	case *AudioEarmuffOff:
		m.target(e, b.RTCID, actor).earmuff(e, False)
	case *AudioSpeakingOn:
		m.speaker(b.Channel, actor).speak(e, true)
	case *AudioSpeakingOff:
		m.speaker(b.Channel, actor).speak(e, false)
	case *TextTypingOn:
		actor.typing(true)
	case *TextTypingOff:
		actor.typing(false)
	case *LegStatusUpdate:
		t := m.ofLeg(b.LegID)
		if t == nil {
			t = actor
		}
		t.progress(e, b.Status)
	case *RTCTransfer:
		if actor != nil {
			set(&actor.UserID, b.UserID)
		}
		actor.connect(b.Channel)
	case *SIPStatus:
		actor.connect(b.Channel)
		actor.progress(e, b.Status)
	case interface{ legChannel() *Channel }:
		actor.connect(b.legChannel())
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

// actor returns the member that e comes from, with what e tells of it: so the
// members become known of a conversation whose first events were missed. It is
// nil for an event that comes from nobody, or from a caller who is no member.
func (m *members) actor(e *Event) *trackedMember {
	from := e.From
	if from == "" {
		from = e.FromMember
	}
	if from == "" || strings.HasPrefix(from, knockerPrefix) {
		return nil
	}
	t := m.get(from)
	if e.FromUser != nil && (e.FromMember == "" || e.FromMember == from) {
		t.identify(e.FromUser)
	}
	return t
}

// target returns the member whose leg an event acts on.
func (m *members) target(e *Event, leg string, actor *trackedMember) *trackedMember {
	if e.To != "" {
		return m.get(e.To)
	}
	if t := m.ofLeg(leg); t != nil {
		return t
	}
	return actor
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
	id := e.MemberID()
	if id == "" || strings.HasPrefix(id, knockerPrefix) {
		return
	}
	t := m.get(id)
	t.identify(&b.User)
	t.connect(b.Channel)
	setTime(&t.Timestamp.Invited, b.Timestamp.Invited)
	setTime(&t.Timestamp.Joined, b.Timestamp.Joined)
	setTime(&t.Timestamp.Left, b.Timestamp.Left)
	if newer(&t.media, e) {
		t.Media.merge(b.User.Media)
		t.Media.merge(b.Media)
	}
	current := newer(&t.state, e)
	switch b := e.Body.(type) {
	case *MemberInvited:
		set(&t.InvitedBy, b.InvitedBy)
		if current {
			t.State = MemberStateInvited
		}
		if by := b.InvitedByMember; by != nil && by.MemberID != "" {
			m.applyInviter(by)
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
	// In these events from is whom they are about; who acted is embedded.
	if e.FromMember != "" && e.FromUser != nil {
		m.get(e.FromMember).identify(e.FromUser)
	}
}

// applyInviter learns what an invitation tells of the inviting member.
func (m *members) applyInviter(by *InvitingMember) {
	t := m.get(by.MemberID)
	set(&t.UserID, by.UserID)
	set(&t.UserName, by.Name)
	t.connect(by.Channel)
	setTime(&t.Timestamp.Invited, by.Timestamp.Invited)
	setTime(&t.Timestamp.Joined, by.Timestamp.Joined)
	setTime(&t.Timestamp.Left, by.Timestamp.Left)
	if t.state == 0 && by.State != "" {
		t.State = by.State.known()
	}
	if t.media == 0 {
		t.Media.merge(by.Media)
	}
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

func (t *trackedMember) identify(u *User) {
	set(&t.UserID, u.ID)
	set(&t.UserName, u.Name)
	set(&t.DisplayName, u.DisplayName)
	set(&t.ImageURL, u.ImageURL)
}

func (t *trackedMember) connect(ch *Channel) {
	if t != nil && ch != nil {
		t.Channel = mergeChannel(t.Channel, ch)
	}
}

func (t *trackedMember) mute(e *Event, muted Bool) {
	if t != nil && newer(&t.media, e) {
		t.Media.AudioSettings.Muted = muted
	}
}

func (t *trackedMember) earmuff(e *Event, earmuffed Bool) {
	if t != nil && newer(&t.media, e) {
		t.Media.AudioSettings.Earmuffed = earmuffed
	}
}

func (t *trackedMember) speak(e *Event, speaking bool) {
	if t != nil && newer(&t.speaking, e) {
		t.Speaking = speaking
	}
}

func (t *trackedMember) typing(typing bool) {
	if t != nil {
		t.Typing = typing
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
