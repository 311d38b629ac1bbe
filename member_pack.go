package nexmo

import (
	"slices"
	"strings"
	"time"
)

// How members are kept: small, and with nothing of the events that told of them.

// members are the members of a conversation, in the order in which they became
// known.
type members struct {
	list     []*trackedMember
	byID     map[string]*trackedMember // nil while the list is short
	transfer EventID                   // the last rtc:transfer
}

// trackedMember is what is kept of a member: all its texts in one string, its
// times as nanoseconds since 1970, and for each concern the event that last changed
// it. An event that comes late fills in what is empty, and does not undo what a
// later one did.
type trackedMember struct {
	texts                 string
	ends                  [memberTexts]uint32 // of each text in texts
	changed               [concerns]uint32    // event IDs; see newer
	invited, joined, left int64               // 0: not told
	media                 Media
	typing, speaking      bool
}

// memberText is one of the texts of a member.
type memberText int

const (
	textID memberText = iota
	textUserID
	textUserName
	textDisplayName
	textImageURL
	textState
	textChannel // as packChannel packs it
	textLegStatus
	textInvitedBy
	textReasonCode
	textReason
	memberTexts
)

// concern is what an event can change of a member for itself.
type concern int

const (
	ofUser concern = iota
	ofState
	ofChannel
	ofLeg
	ofSpeaking
	ofAudio // the switches of Media
	ofEnabled
	ofEarmuffed
	ofMuted
	concerns
)

func (t *trackedMember) text(i memberText) string {
	if i == 0 {
		return t.texts[:t.ends[0]]
	}
	return t.texts[t.ends[i-1]:t.ends[i]]
}

// set changes a text. It keeps a copy.
func (t *trackedMember) set(i memberText, s string) {
	old := t.text(i)
	if s == old {
		return
	}
	end := t.ends[i]
	t.texts = t.texts[:int(end)-len(old)] + s + t.texts[end:]
	for ; i < memberTexts; i++ {
		t.ends[i] += uint32(len(s)) - uint32(len(old)) //nolint:gosec // a member is smaller than 4 GB
	}
}

// put takes over what an event tells; one that is late only fills in what is empty.
func (t *trackedMember) put(i memberText, s string, late bool) {
	if s != "" && (!late || t.text(i) == "") {
		t.set(i, s)
	}
}

func (t *trackedMember) memberState() MemberState { return MemberState(t.text(textState)) }

// member returns a copy.
func (t *trackedMember) member() Member {
	return Member{
		ID:          t.text(textID),
		UserID:      t.text(textUserID),
		UserName:    t.text(textUserName),
		DisplayName: t.text(textDisplayName),
		ImageURL:    t.text(textImageURL),
		State:       t.memberState(),
		Channel:     unpackChannel(t.text(textChannel)),
		Media:       t.media,
		LegStatus:   LegStatus(t.text(textLegStatus)),
		Typing:      t.typing,
		Speaking:    t.speaking,
		InvitedBy:   t.text(textInvitedBy),
		Reason:      Reason{t.text(textReasonCode), t.text(textReason)},
		Timestamp:   MemberTimestamp{timeOf(t.invited), timeOf(t.joined), timeOf(t.left)},
	}
}

func timeOf(nanoseconds int64) time.Time {
	if nanoseconds == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanoseconds).UTC()
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
		if t.text(textID) == id {
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
	t := new(trackedMember)
	t.set(textID, id)
	t.set(textState, string(MemberStateUnknown))
	m.list = append(m.list, t)
	switch {
	case m.byID != nil:
		m.byID[t.text(textID)] = t
	case len(m.list) > shortList:
		m.byID = make(map[string]*trackedMember, 2*shortList)
		for _, t := range m.list {
			m.byID[t.text(textID)] = t
		}
	}
	return t
}

// forgetOne lets go of the member who has been known longest, of those who left
// if there are any.
func (m *members) forgetOne() {
	i := max(0, slices.IndexFunc(m.list, func(t *trackedMember) bool { return t.memberState() == MemberStateLeft }))
	delete(m.byID, m.list[i].text(textID))
	m.list = slices.Delete(m.list, i, i+1)
}

func (m *members) all() []Member {
	list := make([]Member, len(m.list))
	for i, t := range m.list {
		list[i] = t.member()
	}
	return list
}
