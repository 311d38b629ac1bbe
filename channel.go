package nexmo

import (
	"fmt"
	"io"
	"log/slog"
)

// ChannelType says by what means a member takes part: "app", "phone", "sip",
// "websocket", "vbc", "whatsapp-voice", and for messages "sms", "mms",
// "whatsapp", "viber" and "messenger". Unknown words are kept.
type ChannelType string

// The documented channel types.
const (
	ChannelTypeApp           ChannelType = "app"            // a client SDK, or a program that is logged in
	ChannelTypePhone         ChannelType = "phone"          // a telephone
	ChannelTypeSIP           ChannelType = "sip"            // a SIP endpoint
	ChannelTypeWebsocket     ChannelType = "websocket"      // a program that takes the audio of a call
	ChannelTypeVBC           ChannelType = "vbc"            // Vonage Business Communications
	ChannelTypeWhatsAppVoice ChannelType = "whatsapp-voice" // a call over WhatsApp
	ChannelTypeSMS           ChannelType = "sms"            // messages
	ChannelTypeMMS           ChannelType = "mms"            // messages
	ChannelTypeWhatsApp      ChannelType = "whatsapp"       // messages
	ChannelTypeViber         ChannelType = "viber"          // messages
	ChannelTypeMessenger     ChannelType = "messenger"      // messages
)

// Channel is the means by which a member takes part in a conversation, and for
// calls the leg that carries it. Every field may be missing.
type Channel struct {
	ID          string       `json:"id,omitzero"`           // of the leg: a UUID, or 32 hexadecimal digits
	Type        ChannelType  `json:"type,omitzero"`         // by what means
	From        *Endpoint    `json:"from,omitzero"`         // the originating end; in requests, the channels that are accepted
	To          *Endpoint    `json:"to,omitzero"`           // the destination
	Number      string       `json:"number,omitzero"`       // in some answers, instead of To.Number
	Headers     Headers      `json:"headers,omitzero"`      // custom ones, of the leg
	LegIDs      []string     `json:"leg_ids,omitzero"`      // the first is the active one
	Legs        Legs         `json:"legs,omitzero"`         // the legs and how far they have come
	LegSettings Raw          `json:"leg_settings,omitzero"` // usually an empty object
	KnockingID  string       `json:"knocking_id,omitzero"`  // the knocker that the channel came from
	CPA         Bool         `json:"cpa,omitzero"`          // whether call progress analysis is on
	CPATime     Milliseconds `json:"cpa_time,omitzero"`     // the time allowed for it
	Preanswer   Bool         `json:"preanswer,omitzero"`    // whether media flows before the answer
	RingTimeout Milliseconds `json:"ring_timeout,omitzero"` // how long it rings
	MaxLength   Milliseconds `json:"max_length,omitzero"`   // of the call
	CanHear     []string     `json:"can_hear,omitzero"`     // the legs that this one hears
	CanSpeak    []string     `json:"can_speak,omitzero"`    // the legs that hear this one
	ContentType string       `json:"content-type,omitzero"` // the audio of a websocket, such as audio/l16;rate=16000
}

// Endpoint is one end of a [Channel]. Which field names it depends on the type:
// Number for phone, sms, mms and whatsapp, User for app, URI for sip and
// websocket, Extension for vbc, ID for viber and messenger.
type Endpoint struct {
	Type        ChannelType `json:"type,omitzero"`         // which of the other fields there are
	Number      string      `json:"number,omitzero"`       // digits without a plus; can be "Unknown" or a caller ID that is no number
	User        string      `json:"user,omitzero"`         // the name of the user
	URI         string      `json:"uri,omitzero"`          // for sip and websocket
	Username    string      `json:"username,omitzero"`     // for sip, where it asks for one
	Password    Secret      `json:"password,omitzero"`     // for sip, where it asks for one
	Extension   string      `json:"extension,omitzero"`    // for vbc
	ID          string      `json:"id,omitzero"`           // for viber and messenger
	ContentType string      `json:"content-type,omitzero"` // of the audio, for websocket
	Headers     Headers     `json:"headers,omitzero"`      // custom ones
}

// Secret is a text that is not printed: package fmt, in every format, and log/slog write
// "[secret]" in its place, also when it is a field of what they print. JSON holds it as
// it is; convert it to a string to use it.
type Secret string

const secretShown = "[secret]"

// String returns "[secret]", and "" for an empty s.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return secretShown
}

// Format writes what String returns.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// LogValue returns what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Leg is one leg of a [Channel] and its status.
type Leg struct {
	ID     string    `json:"leg_id,omitzero"` // of the leg
	Status LegStatus `json:"status,omitzero"` // how far it has come
}

// Legs are the legs of a channel. One payload has shown an object in place of
// the array: it is read as one leg.
type Legs []Leg

// UnmarshalJSON reads an array of legs or one leg.
func (l *Legs) UnmarshalJSON(data []byte) error { return decodeJSON(data, l) }

func (l *Legs) decode(s *scanner) {
	if s.Peek() == '{' {
		var leg Leg
		leg.decode(s)
		*l = nil
		if leg != (Leg{}) {
			*l = Legs{leg}
		}
		return
	}
	a, ok := s.Array()
	if !ok {
		return
	}
	list := newLegs(s)
	for s.More(&a) {
		list = append(list, Leg{})
		list[len(list)-1].decode(s)
	}
	*l = list
}

// LegStatus is how far a leg has come. Unknown words are kept.
type LegStatus string

// The documented statuses of a leg.
const (
	LegStatusStarted   LegStatus = "started"   // it is being set up
	LegStatusRinging   LegStatus = "ringing"   // the other side is being called
	LegStatusAnswered  LegStatus = "answered"  // the other side has answered
	LegStatusCompleted LegStatus = "completed" // it has ended
	LegStatusMachine   LegStatus = "machine"   // an answering machine picked up
	LegStatusFailed    LegStatus = "failed"    // it could not be set up
	LegStatusBusy      LegStatus = "busy"      // the other side was busy
	LegStatusTimeout   LegStatus = "timeout"   // nobody answered in time
	LegStatusCancelled LegStatus = "cancelled" // the calling side gave up
	LegStatusRejected  LegStatus = "rejected"  // the other side refused
)

// LegState is the finer state of a leg that version 1 adds to its status.
type LegState struct {
	Status     LegStatus `json:"status,omitzero"`     // started, ringing, answered or completed
	Successful Bool      `json:"successful,omitzero"` // with completed only
	Reason     string    `json:"reason,omitzero"`     // with completed only: ok, busy, timeout, cancelled, rejected, not_found, …
}

// Direction is the direction of a leg as the application sees it: "inbound" or
// "outbound", in [SIPStatus] "in" or "out". Unknown words are kept.
type Direction string

// The documented directions.
const (
	DirectionInbound  Direction = "inbound"  // to the application
	DirectionOutbound Direction = "outbound" // from the application
	DirectionIn       Direction = "in"       // DirectionInbound, in SIPStatus
	DirectionOut      Direction = "out"      // DirectionOutbound, in SIPStatus
)
