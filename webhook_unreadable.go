package nexmo

import (
	"bytes"
	"errors"
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

// unreadable returns err, with which ParseEvent refused the payload of an authentic
// webhook, with what to do about it.
func unreadable(payload []byte, err error) error {
	if voiceCallback(payload) {
		return &unreadableError{voiceAdvice, err}
	}
	return &unreadableError{unreadableAdvice, err}
}

// unreadableLetter returns the payload of an authentic webhook that is not an event as a
// dead letter.
func unreadableLetter(payload []byte, err error) *DeadLetter {
	p := peek(payload)
	d := &DeadLetter{ConversationID: string(p.conversationID), EventID: p.id, Raw: Raw(payload), Via: ViaWebhook, Err: err}
	if e, ok := errors.AsType[*DecodeError](err); ok {
		d.Type = e.Type
	}
	return d
}

// voiceCallback reports whether a payload that is not an event is a callback of the Voice
// API, by what its statuses, inputs, recordings, transfers and errors have in common: they
// name a leg or a conversation by a UUID, and have no type. A status of another API
// names a message.
func voiceCallback(payload []byte) bool {
	var named, status, message bool
	for f := walkFields(payload); f.next(); {
		switch string(f.name) {
		case "uuid", "call_uuid", "conversation_uuid", "conversation_uuid_from":
			named = true
		case "status":
			status = true
		case "message_uuid", "messageId", "message-id":
			message = true
		case "type", "event_type":
			if !bytes.Equal(f.value, []byte(`""`)) && !bytes.Equal(f.value, []byte("null")) {
				return false
			}
		}
	}
	return named || status && !message
}
