package nexmo

import (
	"errors"
	"slices"
)

// unreadableError says why an authentic webhook is not an event, and what to do about it.
type unreadableError struct {
	advice string
	err    error // of ParseEvent
}

func (e *unreadableError) Error() string { return "nexmo: webhook: " + e.advice + ": " + e.err.Error() }

func (e *unreadableError) Unwrap() error { return e.err }

const (
	unreadableAdvice = "authentic, but not an event, and not sent again: set WebhookHandler.DeadLetter to keep what cannot be read"
	voiceAdvice      = "a callback of the Voice API, not an rtc event: the answer_url or event_url of the Voice capability of the application " +
		"(voice.webhooks), of a call or of an NCCO action leads here, and must have an address of its own; only rtc.webhooks.event_url may lead here"
)

// parseWebhook reads the event of an authentic webhook. The error is an [*unreadableError].
func parseWebhook(payload []byte) (*Event, error) {
	e, err := ParseEvent(payload)
	if err == nil && slices.Contains(voiceTypes, e.Type) && voiceCallback(payload) {
		err = &DecodeError{Type: e.Type, Err: errors.New("not a type of rtc events")}
	}
	switch {
	case err == nil:
		return e, nil
	case voiceCallback(payload):
		return nil, &unreadableError{voiceAdvice, err}
	default:
		return nil, &unreadableError{unreadableAdvice, err}
	}
}

// unreadableLetter returns the payload of an authentic webhook that is not an event as a
// dead letter.
func unreadableLetter(payload []byte, err error) *DeadLetter {
	p := peek(payload)
	return &DeadLetter{ConversationID: string(p.conversationID), EventID: p.id, Type: EventType(p.typ), Raw: Raw(payload), Via: ViaWebhook, Err: err}
}

// voiceTypes are those that callbacks of the Voice API have. Most have none.
var voiceTypes = []EventType{"transfer", "record"}

// voiceCallback reports whether a payload is a callback of the Voice API, by what its
// statuses, inputs, recordings, transfers and errors have in common: they name a leg or a
// conversation by a UUID, and have no type of an event. A status of another API names a
// message.
func voiceCallback(payload []byte) bool {
	var leg, status, message bool
	for f := walkFields(payload); f.next(); {
		switch string(f.name) {
		case "uuid", "call_uuid", "conversation_uuid", "conversation_uuid_from":
			leg = true
		case "status":
			status = true
		case "message_uuid", "messageId", "message-id":
			message = true
		case "type", "event_type":
			if t := plainText(f.value); t != nil && !slices.Contains(voiceTypes, EventType(t)) {
				return false
			}
		}
	}
	return leg || status && !message
}
