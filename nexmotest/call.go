package nexmotest

import (
	"cmp"
	"encoding/json"
	"time"

	"github.com/conversation-events/nexmo"
)

// Call is a phone call to the application, for [Server.Call] to play. The zero
// value is a caller who hears a sentence and hangs up.
type Call struct {
	From, To string // numbers; made up if empty
	Say      string // what the voice says; a greeting if empty
	Digits   string // what the caller presses then
	Agent    string // the name of a user who is called in the app then, and answers
	Record   bool   // whether the call is recorded
	SkipIDs  int    // how many event IDs are left out after what the voice says
}

// PlayedCall is what a call left behind.
type PlayedCall struct {
	ConversationID string        // of the call
	CallerID       string        // the caller's member
	AgentID        string        // the agent's member; "" if there was none
	LastEventID    nexmo.EventID // of the conversation
}

// Call plays a whole phone call: every event of it happens, from the knocking of
// the caller to the account of the leg, and the conversation stays. The webhooks
// go out as always; see [Server.Flush].
func (s *Server) Call(c Call) PlayedCall {
	e := s.engine
	e.mu.Lock()
	played, err := e.play(c)
	e.mu.Unlock()
	s.check("Call", err)
	return played
}

// leg is one leg of a call that is played.
type leg struct {
	e         *engine
	subject   string        // the ID of the conversation, which there is not from the beginning
	c         *conversation // nil until the caller is let in
	m         *member
	knocker   string
	channel   nexmo.Channel
	direction nexmo.Direction
	history   []nexmo.LegStatusEntry
	answered  time.Time
}

func (e *engine) play(call Call) (PlayedCall, *apiError) {
	from, to := cmp.Or(call.From, "447700900001"), cmp.Or(call.To, "447700900002")
	caller, err := e.createUser(userChange{})
	if err != nil {
		return PlayedCall{}, err
	}
	in := newLeg(e, nexmo.DirectionInbound, nexmo.Channel{
		Type: nexmo.ChannelTypePhone,
		From: &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: from},
		To:   &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: to},
	})
	in.knocker, in.subject = "knocker:"+newUUID(), "CON-"+newUUID()
	in.emit(&nexmo.AppKnocking{User: nexmo.User{ID: caller.id}, Channel: &in.channel})
	in.ring()

	c, err := e.createConversation(conversationChange{id: in.subject})
	if err != nil {
		return PlayedCall{}, err
	}
	if err := in.join(c, caller); err != nil {
		return PlayedCall{}, err
	}
	in.answer()
	in.say(cmp.Or(call.Say, "Welcome. How can we help?"))
	c.skip += int64(call.SkipIDs)
	for i, digit := range []byte(call.Digits) {
		in.emit(&nexmo.AudioDTMF{Digits: string(digit), Sequence: i + 1, Method: "in", Duration: nexmo.Milliseconds(100 * time.Millisecond), Channel: &in.channel})
	}
	var recording *event
	recordingID := newUUID()
	if call.Record {
		recording = e.emit(c, string(nexmo.EventAudioRecord), &nexmo.AudioRecord{RecordingID: recordingID, Format: nexmo.RecordFormatMP3}, author{})
	}
	played := PlayedCall{ConversationID: c.id, CallerID: in.m.id}
	if call.Agent != "" {
		out, err := e.callAgent(c, call.Agent, from)
		if err != nil {
			return PlayedCall{}, err
		}
		played.AgentID = out.m.id
		out.speak()
		in.speak()
		out.hangUp(&nexmo.RTCHangup{Hangup: out.hangup()})
		out.emit(&nexmo.RTCStatus{Duration: nexmo.SecondsText(time.Since(out.answered)), StartTime: out.answered, EndTime: now(), Channel: &out.channel})
	}
	if recording != nil {
		e.emit(c, string(nexmo.EventAudioRecordStop), &nexmo.AudioRecordStop{RecordID: recordingID}, author{})
		e.emit(c, string(nexmo.EventAudioRecordDone), &nexmo.AudioRecordDone{
			RecordingID: recordingID, EventID: nexmo.EventID(recording.ID), Format: nexmo.RecordFormatMP3,
			DestinationURL: "https://api.nexmo.com/v1/files/" + recordingID, StartTime: recording.Timestamp, EndTime: now(),
		}, author{})
	}
	in.hangUp(&nexmo.SIPHangup{Hangup: in.hangup()})
	in.emit(&nexmo.SIPStatus{
		Price: "0.00720000", Rate: "0.00720000", Duration: nexmo.SecondsText(time.Since(in.answered)), To: to, From: from,
		StartTime: in.answered, EndTime: now(), Status: nexmo.LegStatusCompleted, Direction: nexmo.DirectionIn, Channel: &in.channel,
	})
	played.LastEventID = nexmo.EventID(c.lastID)
	return played, nil
}

// callAgent calls a user in the app, who answers.
func (e *engine) callAgent(c *conversation, name, from string) (*leg, *apiError) {
	u := find(e.users, func(u *user) bool { return u.name == name })
	if u == nil {
		var err *apiError
		if u, err = e.createUser(userChange{name: &name}); err != nil {
			return nil, err
		}
	}
	out := newLeg(e, nexmo.DirectionOutbound, nexmo.Channel{
		Type: nexmo.ChannelTypeApp,
		From: &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: from},
		To:   &nexmo.Endpoint{Type: nexmo.ChannelTypeApp, User: name},
	})
	m, err := e.addMember(c, membershipRequest{user: u, state: nexmo.MemberStateInvited, channel: encode(out.channel), kind: "app"})
	if err != nil {
		return nil, err
	}
	out.c, out.m = c, m
	out.status(nexmo.LegStatusRinging)
	out.emit(&nexmo.RTCRinging{LegProgress: out.progress()})
	out.status(nexmo.LegStatusAnswered)
	out.answered = now()
	e.joinMember(m, author{user: u, member: m})
	out.emit(&nexmo.RTCAnswered{LegProgress: out.progress()})
	out.media()
	return out, nil
}

func newLeg(e *engine, direction nexmo.Direction, channel nexmo.Channel) *leg {
	channel.ID = cmp.Or(channel.ID, newUUID())
	channel.LegIDs = []string{channel.ID}
	return &leg{e: e, direction: direction, channel: channel}
}

// emit has an event of the leg happen: in the conversation, or before that at
// the door of the application.
func (l *leg) emit(body nexmo.Body) {
	content, err := json.Marshal(body)
	if err != nil {
		panic("nexmotest: " + err.Error()) // what is played is made of JSON
	}
	if l.c == nil {
		l.e.publish(occurrence{Type: string(body.EventType()), From: l.knocker, Body: content, Timestamp: now(), subject: l.subject})
		return
	}
	l.e.emit(l.c, string(body.EventType()), json.RawMessage(content), author{user: l.m.user, member: l.m})
}

// status has the leg come into a status.
func (l *leg) status(status nexmo.LegStatus) {
	entry := nexmo.LegStatusEntry{Status: status, Date: now()}
	if l.c == nil {
		entry.KnockerID = l.knocker
	} else {
		entry.MemberID, entry.ConversationID = l.m.id, l.c.id
	}
	l.history = append(l.history, entry)
	l.channel.Legs = nexmo.Legs{{ID: l.channel.ID, Status: status}}
	l.emit(&nexmo.LegStatusUpdate{LegID: l.channel.ID, Type: l.channel.Type, Direction: l.direction, Status: status, StatusHistory: l.history})
}

func (l *leg) progress() nexmo.LegProgress {
	return nexmo.LegProgress{Channel: &l.channel, Direction: l.direction}
}

func (l *leg) ring() {
	l.emit(&nexmo.SIPRinging{LegProgress: l.progress()})
	l.status(nexmo.LegStatusRinging)
}

// join lets the caller into a conversation.
func (l *leg) join(c *conversation, u *user) *apiError {
	m, err := l.e.addMember(c, membershipRequest{
		user: u, state: nexmo.MemberStateInvited, channel: encode(l.channel), kind: string(l.channel.Type), knockerID: l.knocker,
	})
	if err != nil {
		return err
	}
	l.c, l.m = c, m
	l.e.joinMember(m, author{})
	return nil
}

func (l *leg) answer() {
	l.answered = now()
	l.emit(&nexmo.SIPAnswered{LegProgress: l.progress()})
	l.status(nexmo.LegStatusAnswered)
	l.media()
}

// media has the audio of the leg flow.
func (l *leg) media() {
	on := nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Earmuffed: nexmo.False, Muted: nexmo.False}}
	l.m.media = encode(on)
	l.emit(&nexmo.MemberMedia{Audio: nexmo.True, Media: on, Channel: &l.channel})
}

// say has a voice say something to the leg.
func (l *leg) say(text string) {
	id, level, loop := newUUID(), 0.0, 1
	l.e.emit(l.c, string(nexmo.EventAudioSay), &nexmo.AudioSay{Text: text, Level: &level, Loop: &loop, Language: "en-GB", SayID: id}, author{})
	l.emit(&nexmo.AudioSayDone{SayID: id, Channel: &l.channel})
}

// speak has the voice detector hear the leg.
func (l *leg) speak() {
	l.emit(&nexmo.AudioSpeakingOn{Speaking: nexmo.Speaking{Channel: &l.channel}})
	l.emit(&nexmo.AudioSpeakingOff{Speaking: nexmo.Speaking{Channel: &l.channel}})
}

func (l *leg) hangup() nexmo.Hangup {
	return nexmo.Hangup{
		Direction: l.direction, Channel: &l.channel,
		Reason: nexmo.HangupReason{Reason: nexmo.Reason{Code: "ok", Text: "Normal Clearing"}, SIPCode: 200},
	}
}

// end ends the leg, as body says.
func (l *leg) end(body nexmo.Body) {
	l.emit(body)
	l.status(nexmo.LegStatusCompleted)
}

// hangUp ends the leg, as body says, and the membership of whom it belongs to.
func (l *leg) hangUp(body nexmo.Body) {
	l.end(body)
	// Whoever is on a leg has not left before it ends, so that this is not refused.
	_ = l.e.changeMember(l.m, nexmo.MemberStateLeft, author{}, encode(nexmo.Reason{Code: "200", Text: "hangup"}))
}
