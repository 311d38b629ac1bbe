package nexmo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrNoClient is returned by what needs a [Client] where there is none.
var ErrNoClient = errors.New("nexmo: the conversation has no Client: give one with WithClient, or make it with Client.Conversation")

// Conversation returns a conversation that exists, with what the service tells of
// it and of its members, as [Conversation.Load] does. The client is its Client.
// Events that are delivered to it continue what was loaded: from the next one on
// all are waited for.
func (c *Client) Conversation(ctx context.Context, id string, opts ...ConversationOption) (*Conversation, error) {
	own := []ConversationOption{WithClient(c), WithLogger(c.cfg.log)}
	conversation := NewConversation(id, append(own, opts...)...)
	if err := conversation.Load(ctx); err != nil {
		return nil, err
	}
	return conversation, nil
}

// Load asks the service for the conversation and its members, and takes over what
// it tells. What events told later stays. It makes one request, and one for each
// 100 members.
func (c *Conversation) Load(ctx context.Context) error {
	live, err := c.live(ctx)
	if err != nil {
		return err
	}
	defer live.unpin()
	return live.loadFrom(ctx, true)
}

// loadFrom is Load. baseline says whether what was loaded is where the events begin,
// unless one of them did.
func (c *Conversation) loadFrom(ctx context.Context, baseline bool) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	info, err := client.ConversationInfo(ctx, c.id)
	if err != nil {
		return err
	}
	var members []*MemberInfo
	for m, err := range client.Members(ctx, c.id, &ListOptions{PageSize: 100}) {
		if err != nil {
			return err
		}
		members = append(members, m)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.line.OutOfRange(int64(info.SequenceNumber)) {
		info.SequenceNumber = 0 // no conversation has counted to it
	}
	c.state.load(info, members)
	if at, ok := info.sequenceNumber(); ok && baseline {
		c.line.Start(int64(at) + 1)
	}
	return nil
}

func (c *Conversation) client() (*Client, error) {
	if c.cfg.client == nil {
		return nil, ErrNoClient
	}
	return c.cfg.client, nil
}

// Send makes an event in the conversation; see [Client.CreateEvent]. The event
// comes back the way all events come: what Send returns is not delivered to the
// conversation.
func (c *Conversation) Send(ctx context.Context, body Body, opts ...EventOption) (*Event, error) {
	return c.send(ctx, "Send", body, opts)
}

// send is Send for the method of a name.
func (c *Conversation) send(ctx context.Context, method string, body Body, opts []EventOption) (*Event, error) {
	checkOptions("Conversation."+method, opts)
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	return client.CreateEvent(ctx, c.id, body, opts...)
}

// SendMessage sends a message of any type; see [TextMessage].
func (c *Conversation) SendMessage(ctx context.Context, content MessageContent, opts ...EventOption) (*Event, error) {
	return c.send(ctx, "SendMessage", &Message{content}, opts)
}

// TextMessage is the content of a message that is a text.
func TextMessage(text string) MessageContent {
	return MessageContent{MessageType: MessageTypeText, Text: text}
}

// SendText sends a text event, which is what the older clients understand; see
// [Conversation.SendMessage] for its successor.
func (c *Conversation) SendText(ctx context.Context, text string, opts ...EventOption) (*Event, error) {
	return c.send(ctx, "SendText", &Text{Text: text}, opts)
}

// StartTyping tells the others that the member is typing, in the text generation.
func (c *Conversation) StartTyping(ctx context.Context, opts ...EventOption) error {
	_, err := c.send(ctx, "StartTyping", &TextTypingOn{Typing{Activity: new(1)}}, opts)
	return err
}

// StopTyping tells the others that the member is not typing any more.
func (c *Conversation) StopTyping(ctx context.Context, opts ...EventOption) error {
	_, err := c.send(ctx, "StopTyping", &TextTypingOff{Typing{Activity: new(0)}}, opts)
	return err
}

// SendCustom sends an event of the application's own type, custom:<name>, whose
// body encoding/json makes of v: at most 4096 bytes. name may be the whole type, with
// "custom:" in front.
func (c *Conversation) SendCustom(ctx context.Context, name string, v any, opts ...EventOption) (*Event, error) {
	body, err := contentOf(v)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, "SendCustom", &Custom{Name: customNameOf(name), JSON: Raw(body)}, opts)
}

// SendEphemeral sends an event that reaches who is there and is not stored. Its
// body encoding/json makes of v.
func (c *Conversation) SendEphemeral(ctx context.Context, v any, opts ...EventOption) error {
	body, err := contentOf(v)
	if err != nil {
		return err
	}
	_, err = c.send(ctx, "SendEphemeral", &Ephemeral{Raw(body)}, opts)
	return err
}

// contentOf writes what the application puts into an event; nil is nothing.
func contentOf(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	body, err := encodeJSON(v)
	if err != nil {
		return nil, &invalidError{"create event", "body of the event", fmt.Sprintf("it cannot be written as JSON (%T)", err), err}
	}
	return body, nil
}

// MarkDelivered sends the receipt that e reached the member, and MarkSeen the one
// that it was seen: text:delivered for a text, image:delivered for an image,
// message:delivered for a message, event:delivered for any other.
func (c *Conversation) MarkDelivered(ctx context.Context, e *Event, opts ...EventOption) error {
	return c.mark(ctx, "MarkDelivered", e, "delivered", opts)
}

// MarkSeen sends the receipt that the member has seen e; see
// [Conversation.MarkDelivered].
func (c *Conversation) MarkSeen(ctx context.Context, e *Event, opts ...EventOption) error {
	return c.mark(ctx, "MarkSeen", e, "seen", opts)
}

func (c *Conversation) mark(ctx context.Context, method string, e *Event, as string, opts []EventOption) error {
	checkOptions("Conversation."+method, opts)
	if e == nil || e.ID == 0 {
		return invalid("mark event", "event", "it has no ID: only stored events are marked")
	}
	family := "event"
	switch e.Type {
	case EventText, EventImage, EventMessage:
		family = string(e.Type)
	}
	body, err := encodeJSON(Receipt{e.ID})
	if err != nil {
		return err
	}
	_, err = c.send(ctx, method, &RawBody{Type: EventType(family + ":" + as), JSON: Raw(body)}, opts)
	return err
}

// DeleteEvent deletes what an event holds; see [Client.DeleteEvent].
func (c *Conversation) DeleteEvent(ctx context.Context, id EventID) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	return client.DeleteEvent(ctx, c.id, id)
}

// Invite invites a user; see [Client.CreateMember]. The State of p is not looked at.
func (c *Conversation) Invite(ctx context.Context, p MemberParams) (*MemberInfo, error) {
	return c.createMember(ctx, MemberStateInvited, p)
}

// Join has a user join; see [Client.CreateMember]. The State of p is not looked at. A
// member that was invited joins by [Conversation.Accept].
func (c *Conversation) Join(ctx context.Context, p MemberParams) (*MemberInfo, error) {
	return c.createMember(ctx, MemberStateJoined, p)
}

func (c *Conversation) createMember(ctx context.Context, state MemberState, p MemberParams) (*MemberInfo, error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	p.State = state
	return client.CreateMember(ctx, c.id, p)
}

// Accept has a member join that was invited.
func (c *Conversation) Accept(ctx context.Context, memberID string) (*MemberInfo, error) {
	client, err := c.client()
	if err != nil {
		return nil, err
	}
	return client.UpdateMember(ctx, c.id, memberID, MemberUpdate{State: MemberStateJoined})
}

// Kick has a member leave. [Client.UpdateMember] can say who does it, too.
func (c *Conversation) Kick(ctx context.Context, memberID string, reason Reason) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	_, err = client.UpdateMember(ctx, c.id, memberID, MemberUpdate{State: MemberStateLeft, Reason: reason})
	return err
}

// Leave has the own member leave, which it asks for first. It needs the tokens of a
// user.
func (c *Conversation) Leave(ctx context.Context, reason Reason) error {
	client, err := c.client()
	if err != nil {
		return err
	}
	me, err := client.Me(ctx, c.id)
	if err != nil {
		return err
	}
	_, err = client.UpdateMember(ctx, c.id, me.ID, MemberUpdate{State: MemberStateLeft, From: me.ID, Reason: reason})
	return err
}

// Mute has a member not be heard any more, by the leg that events told of it, or
// that the service is asked for.
func (c *Conversation) Mute(ctx context.Context, memberID string, opts ...EventOption) error {
	return c.turn(ctx, "Mute", memberID, opts, func(leg LegTarget) Body { return &AudioMuteOn{leg} })
}

// Unmute ends what Mute began.
func (c *Conversation) Unmute(ctx context.Context, memberID string, opts ...EventOption) error {
	return c.turn(ctx, "Unmute", memberID, opts, func(leg LegTarget) Body { return &AudioMuteOff{leg} })
}

// Earmuff has a member not hear any more; see [Conversation.Mute].
func (c *Conversation) Earmuff(ctx context.Context, memberID string, opts ...EventOption) error {
	return c.turn(ctx, "Earmuff", memberID, opts, func(leg LegTarget) Body { return &AudioEarmuffOn{leg} })
}

// Unearmuff ends what Earmuff began.
func (c *Conversation) Unearmuff(ctx context.Context, memberID string, opts ...EventOption) error {
	return c.turn(ctx, "Unearmuff", memberID, opts, func(leg LegTarget) Body { return &AudioEarmuffOff{leg} })
}

// turn sends an event that turns a switch of a member's leg.
func (c *Conversation) turn(ctx context.Context, method, memberID string, opts []EventOption, body func(LegTarget) Body) error {
	checkOptions("Conversation."+method, opts)
	client, err := c.client()
	if err != nil {
		return err
	}
	m, _ := c.Member(memberID)
	leg := legOf(m.Channel)
	if leg == "" { // no event told, and lists of members do not
		info, err := client.MemberInfo(ctx, c.id, memberID)
		if err != nil {
			return err
		}
		if leg = legOf(info.Channel); leg == "" {
			return errors.New("nexmo: create event: the member has no leg: it takes part in no call")
		}
	}
	_, err = c.send(ctx, method, body(LegTarget{leg}), append([]EventOption{From(memberID)}, opts...))
	return err
}

// legOf returns the active leg of a channel, or "".
func legOf(ch *Channel) string {
	switch {
	case ch == nil:
		return ""
	case len(ch.LegIDs) > 0:
		return ch.LegIDs[0]
	default:
		return ch.ID
	}
}

// Say speaks a text, once and at normal volume unless say sets Loop or Level. It makes
// an event: use it to queue texts, to stop one by its ID with [Conversation.StopSay], or
// to send it from a member. Use [Client.StartTalk] where there is only a conversation ID,
// or to stop without one. The events that follow have the SayID of the answer.
func (c *Conversation) Say(ctx context.Context, say AudioSay, opts ...EventOption) (*Event, error) {
	say.Level, say.Loop = orDefault(say.Level, 0), orDefault(say.Loop, 1)
	return c.send(ctx, "Say", &say, opts)
}

// StopSay ends what Say began.
func (c *Conversation) StopSay(ctx context.Context, sayID string, opts ...EventOption) error {
	_, err := c.send(ctx, "StopSay", &AudioSayStop{sayID}, opts)
	return err
}

// Play plays audio, once and at normal volume unless play sets Loop or Level. It makes
// an event: use it to queue audio, to stop it by its ID with [Conversation.StopPlay], or
// to send it from a member. Use [Client.StartStream] where there is only a conversation
// ID, or to stop without one. The events that follow have the PlayID of the answer.
func (c *Conversation) Play(ctx context.Context, play AudioPlay, opts ...EventOption) (*Event, error) {
	play.Level, play.Loop = orDefault(play.Level, 0), orDefault(play.Loop, 1)
	return c.send(ctx, "Play", &play, opts)
}

// StopPlay ends what Play began.
func (c *Conversation) StopPlay(ctx context.Context, playID string, opts ...EventOption) error {
	_, err := c.send(ctx, "StopPlay", &AudioPlayStop{playID}, opts)
	return err
}

// Record begins a recording. It makes an event: use it to stop a recording by its ID
// with [Conversation.StopRecord], or to send it from a member. Use [Client.StartRecording] to post the outcome to a URL of its own, or to set
// how long the recording is kept. The events that follow have the RecordingID of the
// answer; [AudioRecordDone] reports where the file is.
func (c *Conversation) Record(ctx context.Context, record AudioRecord, opts ...EventOption) (*Event, error) {
	return c.send(ctx, "Record", &record, opts)
}

// StopRecord ends what Record began.
func (c *Conversation) StopRecord(ctx context.Context, recordingID string, opts ...EventOption) error {
	_, err := c.send(ctx, "StopRecord", &AudioRecordStop{recordingID}, opts)
	return err
}

// DTMF sends 1 to 45 digits: 0-9, A-D, *, # and p for a pause.
func (c *Conversation) DTMF(ctx context.Context, digits string, opts ...EventOption) error {
	_, err := c.send(ctx, "DTMF", &AudioDTMF{Digits: digits}, opts)
	return err
}

func orDefault[T any](p *T, v T) *T {
	if p == nil {
		return &v
	}
	return p
}

// sequenceNumber returns the ID of the last event as the answer has it, if it has one.
func (c *ConversationInfo) sequenceNumber() (EventID, bool) {
	var told struct {
		SequenceNumber *EventID `json:"sequence_number"`
	}
	if c.Raw.Decode(&told) != nil || told.SequenceNumber == nil {
		return 0, false
	}
	return *told.SequenceNumber, true
}
