package nexmo

import (
	"reflect"
	"slices"
	"strings"
)

//go:generate go run ./internal/gen
//go:generate go run ./internal/licences

// EventType is the name of an event as the service writes it, such as
// "member:joined". In [EventDispatcher.On] it may also be a pattern:
// [EventAny] or one of a family, such as [EventMemberAny].
//
// Types that this package does not know are as welcome as the others: they are
// parsed into a [RawBody] and can be handled under their name.
type EventType string

// Application events about callers who wait to be let in.
const (
	// EventAppKnocking: a call or user reached the application and waits to be let into a conversation. Its body is a [*AppKnocking].
	EventAppKnocking EventType = "app:knocking"
	// EventAppKnockingCancel: a waiting caller gave up or was turned away before joining a conversation. Its body is a [*AppKnockingCancel].
	EventAppKnockingCancel EventType = "app:knocking:cancel"
)

// What is said, played, pressed, heard and recorded on a call.
const (
	// EventAudioASRDone: speech recognition on a leg ended, with what it heard or why it failed. Its body is a [*AudioASRDone].
	EventAudioASRDone EventType = "audio:asr:done"
	// EventAudioASRRecordDone: the recording made while speech was being recognised is ready. Its body is a [*AudioASRRecordDone].
	EventAudioASRRecordDone EventType = "audio:asr:record:done"
	// EventAudioDTMF: keypad digits were pressed on a leg or sent into it. Its body is a [*AudioDTMF].
	EventAudioDTMF EventType = "audio:dtmf"
	// EventAudioEarmuffOff: a leg hears the conversation again. Its body is a [*AudioEarmuffOff].
	EventAudioEarmuffOff EventType = "audio:earmuff:off"
	// EventAudioEarmuffOn: a leg no longer hears the conversation. Its body is a [*AudioEarmuffOn].
	EventAudioEarmuffOn EventType = "audio:earmuff:on"
	// EventAudioMuteOff: a leg can be heard again. Its body is a [*AudioMuteOff].
	EventAudioMuteOff EventType = "audio:mute:off"
	// EventAudioMuteOn: a leg can no longer be heard. Its body is a [*AudioMuteOn].
	EventAudioMuteOn EventType = "audio:mute:on"
	// EventAudioPlay: an audio file began to play into the conversation or one leg. Its body is a [*AudioPlay].
	EventAudioPlay EventType = "audio:play"
	// EventAudioPlayDone: an audio file played to its end, or failed. Its body is a [*AudioPlayDone].
	EventAudioPlayDone EventType = "audio:play:done"
	// EventAudioPlayStop: somebody stopped an audio file that was playing. Its body is a [*AudioPlayStop].
	EventAudioPlayStop EventType = "audio:play:stop"
	// EventAudioRecord: a recording began. Its body is a [*AudioRecord].
	EventAudioRecord EventType = "audio:record"
	// EventAudioRecordDone: a recording is complete and its file can be fetched. Its body is a [*AudioRecordDone].
	EventAudioRecordDone EventType = "audio:record:done"
	// EventAudioRecordStop: somebody stopped a recording. Its body is a [*AudioRecordStop].
	EventAudioRecordStop EventType = "audio:record:stop"
	// EventAudioRingingStart: the ringback tone began in the conversation. Its body is a [*AudioRingingStart].
	EventAudioRingingStart EventType = "audio:ringing:start"
	// EventAudioRingingStop: the ringback tone ended. Its body is a [*AudioRingingStop].
	EventAudioRingingStop EventType = "audio:ringing:stop"
	// EventAudioSay: text-to-speech began to speak into the conversation or one leg. Its body is a [*AudioSay].
	EventAudioSay EventType = "audio:say"
	// EventAudioSayDone: text-to-speech spoke its text to the end, or failed. Its body is a [*AudioSayDone].
	EventAudioSayDone EventType = "audio:say:done"
	// EventAudioSayStop: somebody stopped text-to-speech. Its body is a [*AudioSayStop].
	EventAudioSayStop EventType = "audio:say:stop"
	// EventAudioSpeakingOff: a leg fell silent, as the voice detector heard it. Its body is a [*AudioSpeakingOff].
	EventAudioSpeakingOff EventType = "audio:speaking:off"
	// EventAudioSpeakingOn: a leg began to speak, as the voice detector heard it. Its body is a [*AudioSpeakingOn].
	EventAudioSpeakingOn EventType = "audio:speaking:on"
	// EventAudioTranscribeDone: the transcript of a recording is ready, or failed. Its body is a [*AudioTranscribeDone].
	EventAudioTranscribeDone EventType = "audio:transcribe:done"
)

// The life of a conversation.
const (
	// EventConversationCreated: a conversation was created. Its body is a [*ConversationCreated].
	EventConversationCreated EventType = "conversation:created"
	// EventConversationDeleted: a conversation was deleted. Its body is a [*ConversationDeleted].
	EventConversationDeleted EventType = "conversation:deleted"
	// EventConversationUpdated: the name, picture, state or another property of a conversation changed. Its body is a [*ConversationUpdated].
	EventConversationUpdated EventType = "conversation:updated"
)

// Events that are delivered and never stored.
const (
	// EventEphemeral: a short-lived event reached the connected members; it is not stored. Its body is a [*Ephemeral].
	EventEphemeral EventType = "ephemeral"
)

// Events about events.
const (
	// EventEventDelete: an earlier event was deleted and its content erased. Its body is a [*EventDelete].
	EventEventDelete EventType = "event:delete"
)

// Images and their receipts, the generation before message.
const (
	// EventImage: an image was posted. Its body is a [*Image].
	EventImage EventType = "image"
	// EventImageDelivered: an image reached a member. Its body is a [*ImageDelivered].
	EventImageDelivered EventType = "image:delivered"
	// EventImageSeen: a member looked at an image. Its body is a [*ImageSeen].
	EventImageSeen EventType = "image:seen"
)

// The life of a leg.
const (
	// EventLegStatusUpdate: the status of a leg changed. Its body is a [*LegStatusUpdate].
	EventLegStatusUpdate EventType = "leg:status:update"
)

// Who belongs to the conversation.
const (
	// EventMemberAnswered: a member's leg was answered; named in one table of the documentation, sent as sip:answered. Its body is a [*MemberAnswered].
	EventMemberAnswered EventType = "member:answered"
	// EventMemberInvited: a user was invited into the conversation. Its body is a [*MemberInvited].
	EventMemberInvited EventType = "member:invited"
	// EventMemberJoined: a user joined the conversation. Its body is a [*MemberJoined].
	EventMemberJoined EventType = "member:joined"
	// EventMemberLeft: a member left the conversation or was removed. Its body is a [*MemberLeft].
	EventMemberLeft EventType = "member:left"
	// EventMemberMedia: the media settings of a member changed. Its body is a [*MemberMedia].
	EventMemberMedia EventType = "member:media"
	// EventMemberMessageStatus: the fate of a message that went out over sms, mms, whatsapp, viber or messenger. Its body is a [*MemberMessageStatus].
	EventMemberMessageStatus EventType = "member:message:status"
)

// Messages of every kind and their receipts.
const (
	// EventMessage: a message was posted. Its body is a [*Message].
	EventMessage EventType = "message"
	// EventMessageDelivered: a message reached its recipient. Its body is a [*MessageDelivered].
	EventMessageDelivered EventType = "message:delivered"
	// EventMessageRejected: the provider of the channel refused a message. Its body is a [*MessageRejected].
	EventMessageRejected EventType = "message:rejected"
	// EventMessageSeen: a member read a message. Its body is a [*MessageSeen].
	EventMessageSeen EventType = "message:seen"
	// EventMessageSubmitted: a message was handed to the provider of the channel. Its body is a [*MessageSubmitted].
	EventMessageSubmitted EventType = "message:submitted"
	// EventMessageUndeliverable: a message could not be delivered. Its body is a [*MessageUndeliverable].
	EventMessageUndeliverable EventType = "message:undeliverable"
)

// The service's audio mixer, from its own schema.
const (
	// EventMixerPublisherCreated: a publisher joined the audio mixer. Its body is a [*MixerPublisherCreated].
	EventMixerPublisherCreated EventType = "mixer:publisher:created"
	// EventMixerPublisherDestroyed: a publisher left the audio mixer. Its body is a [*MixerPublisherDestroyed].
	EventMixerPublisherDestroyed EventType = "mixer:publisher:destroyed"
	// EventMixerSubscriberCreated: a subscriber joined the audio mixer. Its body is a [*MixerSubscriberCreated].
	EventMixerSubscriberCreated EventType = "mixer:subscriber:created"
	// EventMixerSubscriberDestroyed: a subscriber left the audio mixer. Its body is a [*MixerSubscriberDestroyed].
	EventMixerSubscriberDestroyed EventType = "mixer:subscriber:destroyed"
)

// Legs over WebRTC: apps and browsers.
const (
	// EventRTCAnswer: the service answered a WebRTC offer. Its body is a [*RTCAnswer].
	EventRTCAnswer EventType = "rtc:answer"
	// EventRTCAnswered: a WebRTC leg was answered. Its body is a [*RTCAnswered].
	EventRTCAnswered EventType = "rtc:answered"
	// EventRTCHangup: a WebRTC leg ended. Its body is a [*RTCHangup].
	EventRTCHangup EventType = "rtc:hangup"
	// EventRTCOffer: a WebRTC offer went out to a client. Its body is a [*RTCOffer].
	EventRTCOffer EventType = "rtc:offer"
	// EventRTCRinging: a WebRTC leg is ringing. Its body is a [*RTCRinging].
	EventRTCRinging EventType = "rtc:ringing"
	// EventRTCStatus: the final account of a WebRTC leg: duration, price and quality. Its body is a [*RTCStatus].
	EventRTCStatus EventType = "rtc:status"
	// EventRTCTerminate: a WebRTC leg is about to be closed. Its body is a [*RTCTerminate].
	EventRTCTerminate EventType = "rtc:terminate"
	// EventRTCTransfer: a leg moved here from another conversation. Its body is a [*RTCTransfer].
	EventRTCTransfer EventType = "rtc:transfer"
)

// Legs over the phone network and SIP.
const (
	// EventSIPAMDMachine: advanced detection found an answering machine on a leg. Its body is a [*SIPAMDMachine].
	EventSIPAMDMachine EventType = "sip:amd_machine"
	// EventSIPAnswered: a phone or SIP leg was answered. Its body is a [*SIPAnswered].
	EventSIPAnswered EventType = "sip:answered"
	// EventSIPHangup: a phone or SIP leg ended. Its body is a [*SIPHangup].
	EventSIPHangup EventType = "sip:hangup"
	// EventSIPMachine: an answering machine picked up a leg. Its body is a [*SIPMachine].
	EventSIPMachine EventType = "sip:machine"
	// EventSIPRinging: a phone or SIP leg is ringing. Its body is a [*SIPRinging].
	EventSIPRinging EventType = "sip:ringing"
	// EventSIPStatus: the final account of a phone or SIP leg: duration, price and outcome. Its body is a [*SIPStatus].
	EventSIPStatus EventType = "sip:status"
)

// Texts, their receipts and typing, the generation before message.
const (
	// EventText: a text was posted. Its body is a [*Text].
	EventText EventType = "text"
	// EventTextDelivered: a text reached a member. Its body is a [*TextDelivered].
	EventTextDelivered EventType = "text:delivered"
	// EventTextSeen: a member read a text. Its body is a [*TextSeen].
	EventTextSeen EventType = "text:seen"
	// EventTextTypingOff: a member stopped typing. Its body is a [*TextTypingOff].
	EventTextTypingOff EventType = "text:typing:off"
	// EventTextTypingOn: a member is typing. Its body is a [*TextTypingOn].
	EventTextTypingOn EventType = "text:typing:on"
	// EventTextUpdate: a text was edited. Its body is a [*TextUpdate].
	EventTextUpdate EventType = "text:update"
)

// Video of a member, in the documentation of 2018 to 2020.
const (
	// EventVideoMuteOff: a member shows video again. Its body is a [*VideoMuteOff].
	EventVideoMuteOff EventType = "video:mute:off"
	// EventVideoMuteOn: a member hides video. Its body is a [*VideoMuteOn].
	EventVideoMuteOn EventType = "video:mute:on"
)

// Patterns, for the registration of handlers.
const (
	// EventAny matches every event.
	EventAny EventType = "*"

	// One pattern for each family. It matches the type named like the family
	// as well: EventTextAny matches "text" and "text:seen".
	EventAppAny          EventType = "app:*"
	EventAudioAny        EventType = "audio:*"
	EventConversationAny EventType = "conversation:*"
	EventEphemeralAny    EventType = "ephemeral:*"
	EventEventAny        EventType = "event:*"
	EventImageAny        EventType = "image:*"
	EventLegAny          EventType = "leg:*"
	EventMemberAny       EventType = "member:*"
	EventMessageAny      EventType = "message:*"
	EventMixerAny        EventType = "mixer:*"
	EventRTCAny          EventType = "rtc:*"
	EventSIPAny          EventType = "sip:*"
	EventTextAny         EventType = "text:*"
	EventVideoAny        EventType = "video:*"
	// EventCustomAny matches every event that an application defined itself.
	EventCustomAny EventType = "custom:*"
)

// customFamily is the family of the types that applications define.
const customFamily = "custom"

// Body is the content of an event. Every type in [EventTypes] has a struct of
// its own; events of an application's own types carry a [*Custom], and what is
// unknown or not as documented a [*RawBody]. The set grows with the service:
// keep a default case in a type switch.
type Body interface {
	// EventType returns the type of the events that carry this body.
	EventType() EventType
}

// eventTypes is the one table of event types: a constant, its struct and a
// plain sentence. The decoders, the table in the README and the tests are made
// from it; CONTRIBUTING.md tells how to add a row.
var eventTypes = [...]eventType{
	define[AppKnocking](EventAppKnocking, "A call or user reached the application and waits to be let into a conversation."),
	define[AppKnockingCancel](EventAppKnockingCancel, "A waiting caller gave up or was turned away before joining a conversation."),
	define[AudioASRDone](EventAudioASRDone, "Speech recognition on a leg ended, with what it heard or why it failed."),
	define[AudioASRRecordDone](EventAudioASRRecordDone, "The recording made while speech was being recognised is ready."),
	define[AudioDTMF](EventAudioDTMF, "Keypad digits were pressed on a leg or sent into it."),
	define[AudioEarmuffOff](EventAudioEarmuffOff, "A leg hears the conversation again."),
	define[AudioEarmuffOn](EventAudioEarmuffOn, "A leg no longer hears the conversation."),
	define[AudioMuteOff](EventAudioMuteOff, "A leg can be heard again."),
	define[AudioMuteOn](EventAudioMuteOn, "A leg can no longer be heard."),
	define[AudioPlay](EventAudioPlay, "An audio file began to play into the conversation or one leg."),
	define[AudioPlayDone](EventAudioPlayDone, "An audio file played to its end, or failed."),
	define[AudioPlayStop](EventAudioPlayStop, "Somebody stopped an audio file that was playing."),
	define[AudioRecord](EventAudioRecord, "A recording began."),
	define[AudioRecordDone](EventAudioRecordDone, "A recording is complete and its file can be fetched."),
	define[AudioRecordStop](EventAudioRecordStop, "Somebody stopped a recording."),
	define[AudioRingingStart](EventAudioRingingStart, "The ringback tone began in the conversation."),
	define[AudioRingingStop](EventAudioRingingStop, "The ringback tone ended."),
	define[AudioSay](EventAudioSay, "Text-to-speech began to speak into the conversation or one leg."),
	define[AudioSayDone](EventAudioSayDone, "Text-to-speech spoke its text to the end, or failed."),
	define[AudioSayStop](EventAudioSayStop, "Somebody stopped text-to-speech."),
	define[AudioSpeakingOff](EventAudioSpeakingOff, "A leg fell silent, as the voice detector heard it."),
	define[AudioSpeakingOn](EventAudioSpeakingOn, "A leg began to speak, as the voice detector heard it."),
	define[AudioTranscribeDone](EventAudioTranscribeDone, "The transcript of a recording is ready, or failed."),
	define[ConversationCreated](EventConversationCreated, "A conversation was created."),
	define[ConversationDeleted](EventConversationDeleted, "A conversation was deleted."),
	define[ConversationUpdated](EventConversationUpdated, "The name, picture, state or another property of a conversation changed."),
	define[Ephemeral](EventEphemeral, "A short-lived event reached the connected members; it is not stored."),
	define[EventDelete](EventEventDelete, "An earlier event was deleted and its content erased."),
	define[Image](EventImage, "An image was posted."),
	define[ImageDelivered](EventImageDelivered, "An image reached a member."),
	define[ImageSeen](EventImageSeen, "A member looked at an image."),
	define[LegStatusUpdate](EventLegStatusUpdate, "The status of a leg changed."),
	define[MemberAnswered](EventMemberAnswered, "A member's leg was answered; named in one table of the documentation, sent as sip:answered."),
	define[MemberInvited](EventMemberInvited, "A user was invited into the conversation."),
	define[MemberJoined](EventMemberJoined, "A user joined the conversation."),
	define[MemberLeft](EventMemberLeft, "A member left the conversation or was removed."),
	define[MemberMedia](EventMemberMedia, "The media settings of a member changed."),
	define[MemberMessageStatus](EventMemberMessageStatus, "The fate of a message that went out over sms, mms, whatsapp, viber or messenger."),
	define[Message](EventMessage, "A message was posted."),
	define[MessageDelivered](EventMessageDelivered, "A message reached its recipient."),
	define[MessageRejected](EventMessageRejected, "The provider of the channel refused a message."),
	define[MessageSeen](EventMessageSeen, "A member read a message."),
	define[MessageSubmitted](EventMessageSubmitted, "A message was handed to the provider of the channel."),
	define[MessageUndeliverable](EventMessageUndeliverable, "A message could not be delivered."),
	define[MixerPublisherCreated](EventMixerPublisherCreated, "A publisher joined the audio mixer."),
	define[MixerPublisherDestroyed](EventMixerPublisherDestroyed, "A publisher left the audio mixer."),
	define[MixerSubscriberCreated](EventMixerSubscriberCreated, "A subscriber joined the audio mixer."),
	define[MixerSubscriberDestroyed](EventMixerSubscriberDestroyed, "A subscriber left the audio mixer."),
	define[RTCAnswer](EventRTCAnswer, "The service answered a WebRTC offer."),
	define[RTCAnswered](EventRTCAnswered, "A WebRTC leg was answered."),
	define[RTCHangup](EventRTCHangup, "A WebRTC leg ended."),
	define[RTCOffer](EventRTCOffer, "A WebRTC offer went out to a client."),
	define[RTCRinging](EventRTCRinging, "A WebRTC leg is ringing."),
	define[RTCStatus](EventRTCStatus, "The final account of a WebRTC leg: duration, price and quality."),
	define[RTCTerminate](EventRTCTerminate, "A WebRTC leg is about to be closed."),
	define[RTCTransfer](EventRTCTransfer, "A leg moved here from another conversation."),
	define[SIPAMDMachine](EventSIPAMDMachine, "Advanced detection found an answering machine on a leg."),
	define[SIPAnswered](EventSIPAnswered, "A phone or SIP leg was answered."),
	define[SIPHangup](EventSIPHangup, "A phone or SIP leg ended."),
	define[SIPMachine](EventSIPMachine, "An answering machine picked up a leg."),
	define[SIPRinging](EventSIPRinging, "A phone or SIP leg is ringing."),
	define[SIPStatus](EventSIPStatus, "The final account of a phone or SIP leg: duration, price and outcome."),
	define[Text](EventText, "A text was posted."),
	define[TextDelivered](EventTextDelivered, "A text reached a member."),
	define[TextSeen](EventTextSeen, "A member read a text."),
	define[TextTypingOff](EventTextTypingOff, "A member stopped typing."),
	define[TextTypingOn](EventTextTypingOn, "A member is typing."),
	define[TextUpdate](EventTextUpdate, "A text was edited."),
	define[VideoMuteOff](EventVideoMuteOff, "A member shows video again."),
	define[VideoMuteOn](EventVideoMuteOn, "A member hides video."),
}

// eventType is a row of the table.
type eventType struct {
	name        EventType
	description string
	// alloc makes an event, the body of its type and memory for their parts in one
	// piece: they live and die together, so that one allocation serves all.
	alloc func() (*Event, Body, parts)
}

// define makes a row of the table from a body struct.
func define[B any, P interface {
	*B
	Body
}](name EventType, description string) eventType {
	alloc := func() (*Event, Body, parts) {
		x := new(struct {
			event Event
			body  B
			user  User
		})
		return &x.event, P(&x.body), parts{user: &x.user}
	}
	if f, ok := reflect.TypeFor[B]().FieldByName("Channel"); ok && f.Type == reflect.TypeFor[*Channel]() {
		alloc = func() (*Event, Body, parts) {
			x := new(struct {
				event   Event
				body    B
				user    User
				channel Channel
				ends    [2]Endpoint
				legs    [1]Leg
			})
			return &x.event, P(&x.body), parts{&x.user, &x.channel, x.ends[:], x.legs[:]}
		}
	}
	return eventType{name, description, alloc}
}

// EventTypes returns every event type that has a body struct, sorted. Types of
// the form custom:<name> are not listed: an application makes them up. The
// slice is the caller's.
func EventTypes() []EventType {
	names := make([]EventType, 0, len(eventTypes))
	for _, t := range eventTypes {
		names = append(names, t.name)
	}
	slices.Sort(names)
	return names
}

// Known reports whether events of type t are decoded into a struct: those in
// [EventTypes], and custom:<name>. Patterns are not known types.
func (t EventType) Known() bool {
	if eventTypeNamed(t) != nil {
		return true
	}
	_, ok := t.customName()
	return ok
}

// Family returns the part of t before its first colon: "member" for
// "member:joined", "text" for "text", "custom" for every custom:<name>.
func (t EventType) Family() string {
	family, _, _ := strings.Cut(string(t), ":")
	return family
}

// Description returns one plain sentence about t, or "" when it is not known.
func (t EventType) Description() string {
	if info := eventTypeNamed(t); info != nil {
		return info.description
	}
	if _, ok := t.customName(); ok {
		return "An event of a type that the application defined itself."
	}
	return ""
}

// Matches reports whether t, taken as a pattern, matches typ: "*" matches every
// type, "family:*" those of one family, and anything else itself alone. There
// are no other wildcards.
func (t EventType) Matches(typ EventType) bool {
	if t == typ || t == EventAny {
		return true
	}
	family, ok := t.patternFamily()
	return ok && typ.Family() == family
}

// pattern reports whether t can match types other than itself.
func (t EventType) pattern() bool {
	_, ok := t.patternFamily()
	return t == EventAny || ok
}

// patternFamily returns the family in "family:*".
func (t EventType) patternFamily() (string, bool) {
	family, ok := strings.CutSuffix(string(t), ":*")
	return family, ok && family != "" && !strings.Contains(family, ":")
}

// customNameOf returns the name of a custom type, of which the whole type is another
// spelling: applications use both.
func customNameOf(name string) string { return strings.TrimPrefix(name, customFamily+":") }

// customName returns the name in custom:<name>, which may be empty.
func (t EventType) customName() (string, bool) {
	name, ok := strings.CutPrefix(string(t), customFamily+":")
	return name, ok && name != "*"
}
