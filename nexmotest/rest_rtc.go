package nexmotest

import (
	"net/http"
	"strings"

	"github.com/conversation-events/nexmo"
)

var rtcRoutes = []route{
	{beta | v03, http.MethodPost, "/conversations/{conversation}/rtc", offerAudio},
	{beta | v03, http.MethodPost, "/conversations/{conversation}/rtc/{leg}/offer", offerAudio}, // once more
	{beta | v03, http.MethodPost, "/conversations/{conversation}/rtc/{leg}/answer", answerAudio},
	{beta2, http.MethodDelete, "/conversations/{conversation}/rtc/{leg}", endAudio},
	{beta | v03, http.MethodPost, "/legs", createLeg},
}

// offerAudio has a member speak and hear, as far as events tell. No media flows.
func offerAudio(r *request) (answer, *apiError) {
	f := r.fields()
	sdp := f.offer()
	l, err := r.ownLeg(f, f.word("from", 200))
	if err != nil {
		return answer{}, err
	}
	l.e.publish(occurrence{
		Type: string(nexmo.EventRTCAnswer), ConversationID: l.c.id, Timestamp: now(),
		Body:    encode(object{"rtc_id": l.channel.ID, "answer": answerTo(sdp)}),
		subject: l.c.id, callback: l.c.callback, params: l.c.params(), audience: []string{l.m.user.id},
	})
	l.status(nexmo.LegStatusAnswered)
	l.media()
	return ok(object{"rtc_id": l.channel.ID})
}

// answerAudio takes the answer to an offer that a member was invited with.
func answerAudio(r *request) (answer, *apiError) {
	f := r.fields()
	body := f.object("body")
	body.require("answer")
	body.word("answer", anyLength)
	l, err := r.ownLeg(f, f.word("from", 200))
	if err != nil {
		return answer{}, err
	}
	l.status(nexmo.LegStatusAnswered)
	l.emit(&nexmo.RTCAnswered{LegProgress: l.progress()})
	l.media()
	return r.done()
}

func endAudio(r *request) (answer, *apiError) {
	l, err := r.ownLeg(r.fields(), r.query.Get("from"))
	if err != nil {
		return answer{}, err
	}
	l.end(&nexmo.RTCHangup{Hangup: l.hangup()})
	return r.done()
}

// createLeg prepares a call to a number, for which there is no conversation yet.
func createLeg(r *request) (answer, *apiError) {
	if r.user == nil {
		return answer{}, errNoUserToken
	}
	f := r.fields()
	sdp := f.offer()
	if err := f.err(); err != nil {
		return answer{}, err
	}
	return ok(object{"rtc_id": newUUID(), "sdp": answerTo(sdp)})
}

// offer reads the session description of an offer.
func (f fields) offer() string {
	offer := f.object("body").object("offer")
	offer.require("sdp")
	return offer.word("sdp", anyLength)
}

// ownLeg returns the leg in the path, or a new one, of the member who makes the
// request.
func (r *request) ownLeg(f fields, from string) (*leg, *apiError) {
	c, err := r.activeConversation()
	if err == nil {
		err = f.err()
	}
	if err != nil {
		return nil, err
	}
	by, err := r.author(c, from)
	if err != nil {
		return nil, err
	}
	if by.member == nil || by.member.state != nexmo.MemberStateJoined {
		return nil, errNotJoined
	}
	l := newLeg(r.server.engine, nexmo.DirectionInbound, nexmo.Channel{ID: r.vars["leg"], Type: nexmo.ChannelTypeApp})
	l.subject, l.c, l.m, l.answered = c.id, c, by.member, now()
	return l, nil
}

// answerTo answers an offer with itself: it has the same media, and only the other
// side of the handshake is missing.
func answerTo(sdp string) string { return strings.ReplaceAll(sdp, "a=setup:actpass", "a=setup:active") }
