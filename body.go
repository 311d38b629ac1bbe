package nexmo

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// The parts that bodies of several families share, and the scalar types that
// say on the wire what a plain Go type cannot.

// Bool is a boolean that may be absent: to the service, false and nothing at
// all are different. The zero value is [Unset] and is not written to JSON.
//
// true and false are read in the forms that the service has used: as JSON
// booleans, as the texts "true" and "false", and as 1 and 0.
type Bool uint8

// The three states of a [Bool].
const (
	Unset Bool = iota // absent
	False
	True
)

// BoolOf returns [True] or [False].
func BoolOf(b bool) Bool {
	if b {
		return True
	}
	return False
}

// IsSet reports whether b is [True] or [False].
func (b Bool) IsSet() bool { return b != Unset }

// String returns "true", "false" or "unset".
func (b Bool) String() string {
	switch b {
	case True:
		return "true"
	case False:
		return "false"
	default:
		return "unset"
	}
}

// MarshalJSON writes true, false or null.
func (b Bool) MarshalJSON() ([]byte, error) {
	if b == Unset {
		return []byte("null"), nil
	}
	return []byte(b.String()), nil
}

// UnmarshalJSON reads a boolean, its text, or 1 and 0.
func (b *Bool) UnmarshalJSON(data []byte) error { return decodeJSON(data, b) }

func (b *Bool) decode(s *scanner) {
	start := s.Offset()
	switch s.Peek() {
	case '"':
		switch text, _ := s.Text(); text {
		case "true":
			*b = True
		case "false":
			*b = False
		default:
			s.Fail(start, "true or false")
		}
	case '0':
		switch text, _ := s.Number(); text {
		case "1":
			*b = True
		case "0":
			*b = False
		default:
			s.Fail(start, "true or false")
		}
	default:
		if v, ok := s.Bool(); ok {
			*b = BoolOf(v)
		}
	}
}

// Milliseconds is a duration that travels as a whole number of milliseconds.
type Milliseconds time.Duration

// Duration returns d as a [time.Duration].
func (d Milliseconds) Duration() time.Duration { return time.Duration(d) }

// String returns d as [time.Duration] prints it.
func (d Milliseconds) String() string { return time.Duration(d).String() }

// MarshalJSON writes a number of milliseconds.
func (d Milliseconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendInt(nil, time.Duration(d).Milliseconds(), 10), nil
}

// UnmarshalJSON reads a number of milliseconds.
func (d *Milliseconds) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *Milliseconds) decode(s *scanner) {
	if v, ok := decodeDuration(s, time.Millisecond, "milliseconds"); ok {
		*d = Milliseconds(v)
	}
}

// Seconds is a duration that travels as seconds: as text in the accounts of a
// call ("31"), as a number elsewhere. Both are read; a number is written.
type Seconds time.Duration

// Duration returns d as a [time.Duration].
func (d Seconds) Duration() time.Duration { return time.Duration(d) }

// String returns d as [time.Duration] prints it.
func (d Seconds) String() string { return time.Duration(d).String() }

// MarshalJSON writes a number of seconds.
func (d Seconds) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, time.Duration(d).Seconds(), 'f', -1, 64), nil
}

// UnmarshalJSON reads a number of seconds or its text.
func (d *Seconds) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *Seconds) decode(s *scanner) {
	if v, ok := decodeDuration(s, time.Second, "seconds"); ok {
		*d = Seconds(v)
	}
}

// SecondsText is a duration that travels as the text of a number of seconds,
// such as "31" in [SIPStatus]. A bare number is read too.
type SecondsText time.Duration

// Duration returns d as a [time.Duration].
func (d SecondsText) Duration() time.Duration { return time.Duration(d) }

// String returns d as [time.Duration] prints it.
func (d SecondsText) String() string { return time.Duration(d).String() }

// MarshalJSON writes the text of a number of seconds.
func (d SecondsText) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatFloat(time.Duration(d).Seconds(), 'f', -1, 64)), nil
}

// UnmarshalJSON reads a number of seconds or its text.
func (d *SecondsText) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *SecondsText) decode(s *scanner) { (*Seconds)(d).decode(s) }

// decodeDuration reads a number, or its text, of units.
func decodeDuration(s *scanner, unit time.Duration, want string) (time.Duration, bool) {
	start := s.Offset()
	f, ok := decodeNumber(s, want)
	// A duration beyond what time.Duration holds (292 years) is no duration.
	const limit = float64(1 << 62)
	if v := math.Round(f * float64(unit)); ok && v > -limit && v < limit {
		return time.Duration(v), true
	}
	if ok {
		s.Fail(start, want)
	}
	return 0, false
}

// decodeNumber reads a number or its text; "" counts as absent.
func decodeNumber(s *scanner, want string) (float64, bool) {
	if s.Peek() != '"' {
		return s.Float()
	}
	start := s.Offset()
	text, _ := s.Text()
	if text == "" {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f-f != 0 { // not a number, or not a finite one
		s.Fail(start, want)
		return 0, false
	}
	return f, true
}

// decodeTextOrNumber reads a text, or a number as it is spelt.
func decodeTextOrNumber(s *scanner) (string, bool) {
	if s.Peek() == '0' {
		return s.Number()
	}
	return s.Text()
}

// Degrees is a geographic coordinate. Version 1 writes it as text, another
// generation as a number: both are read, text is written.
type Degrees float64

// MarshalJSON writes the text of the number.
func (d Degrees) MarshalJSON() ([]byte, error) {
	return strconv.AppendQuote(nil, strconv.FormatFloat(float64(d), 'f', -1, 64)), nil
}

// UnmarshalJSON reads a number or its text.
func (d *Degrees) UnmarshalJSON(data []byte) error { return decodeJSON(data, d) }

func (d *Degrees) decode(s *scanner) {
	if v, ok := decodeNumber(s, "degrees"); ok {
		*d = Degrees(v)
	}
}

// StringList is a list of texts; a single text is read as a list of one.
type StringList []string

// UnmarshalJSON reads an array of texts or one text.
func (l *StringList) UnmarshalJSON(data []byte) error { return decodeJSON(data, l) }

func (l *StringList) decode(s *scanner) {
	if s.Peek() == '"' {
		if v, ok := s.Text(); ok {
			*l = StringList{v}
		}
		return
	}
	*l = decodeStrings(s)
}

func decodeStrings(s *scanner) []string {
	a, ok := s.Array()
	if !ok {
		return nil
	}
	list := []string{}
	for s.More(&a) {
		v, _ := s.Text() // null counts: it keeps the place of the others
		list = append(list, v)
	}
	return list
}

// Headers are the custom headers of a leg or an endpoint. A value that is not
// text is kept as its JSON.
type Headers map[string]string

// UnmarshalJSON reads an object.
func (h *Headers) UnmarshalJSON(data []byte) error { return decodeJSON(data, h) }

func (h *Headers) decode(s *scanner) {
	o, ok := s.Object()
	if !ok {
		return
	}
	m := Headers(nil)
	for s.Next(&o) {
		if m == nil {
			m = make(Headers)
		}
		name := s.Name(&o)
		if !s.Remember(&o) {
			return
		}
		if s.Peek() == '"' {
			m[name], _ = s.Text()
		} else if raw, ok := s.Raw(); ok {
			m[name] = string(raw)
		} else {
			m[name] = ""
		}
	}
	*h = m
}

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
	ID          string          `json:"id,omitzero"`           // of the leg: a UUID, or 32 hexadecimal digits
	Type        ChannelType     `json:"type,omitzero"`         // by what means
	From        *Endpoint       `json:"from,omitzero"`         // the originating end; in requests, the channels that are accepted
	To          *Endpoint       `json:"to,omitzero"`           // the destination
	Number      string          `json:"number,omitzero"`       // in some answers, instead of To.Number
	Headers     Headers         `json:"headers,omitzero"`      // custom ones, of the leg
	LegIDs      []string        `json:"leg_ids,omitzero"`      // the first is the active one
	Legs        Legs            `json:"legs,omitzero"`         // the legs and how far they have come
	LegSettings json.RawMessage `json:"leg_settings,omitzero"` // usually an empty object
	KnockingID  string          `json:"knocking_id,omitzero"`  // the knocker that the channel came from
	CPA         Bool            `json:"cpa,omitzero"`          // whether call progress analysis is on
	CPATime     Milliseconds    `json:"cpa_time,omitzero"`     // the time allowed for it
	Preanswer   Bool            `json:"preanswer,omitzero"`    // whether media flows before the answer
	RingTimeout Milliseconds    `json:"ring_timeout,omitzero"` // how long it rings
	MaxLength   Milliseconds    `json:"max_length,omitzero"`   // of the call
	CanHear     []string        `json:"can_hear,omitzero"`     // the legs that this one hears
	CanSpeak    []string        `json:"can_speak,omitzero"`    // the legs that hear this one
	ContentType string          `json:"content-type,omitzero"` // the audio of a websocket, such as audio/l16;rate=16000
}

// Endpoint is one end of a [Channel]. Which field names it depends on the type:
// Number for phone, sms, mms and whatsapp, User for app, URI for sip and
// websocket, Extension for vbc, ID for viber and messenger.
type Endpoint struct {
	Type        ChannelType `json:"type,omitzero"`         // which of the other fields there are
	Number      string      `json:"number,omitzero"`       // digits without a plus; can be "Unknown" or a caller ID that is no number
	User        string      `json:"user,omitzero"`         // the name of the user
	URI         string      `json:"uri,omitzero"`          // for sip and websocket
	Extension   string      `json:"extension,omitzero"`    // for vbc
	ID          string      `json:"id,omitzero"`           // for viber and messenger
	ContentType string      `json:"content-type,omitzero"` // of the audio, for websocket
	Headers     Headers     `json:"headers,omitzero"`      // custom ones
}

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

// User is what an event tells of a user. Every field may be missing.
type User struct {
	ID          string          `json:"id,omitzero"`           // USR-…; filled from UserID when only that was sent
	UserID      string          `json:"user_id,omitzero"`      // an older name of ID, as sent
	Name        string          `json:"name,omitzero"`         // unique within the application
	DisplayName string          `json:"display_name,omitzero"` // to show
	ImageURL    string          `json:"image_url,omitzero"`    // of a picture to show
	MemberID    string          `json:"member_id,omitzero"`    // of the user's member; few payloads tell
	Media       Media           `json:"media,omitzero"`        // the member's settings
	Properties  UserProperties  `json:"properties,omitzero"`   // what else the application keeps with the user
	CustomData  json.RawMessage `json:"custom_data,omitzero"`  // keys as the application wrote them
}

func (u *User) normalize() {
	if u.ID == "" {
		u.ID = u.UserID
	}
}

// UserProperties are the properties of a user.
type UserProperties struct {
	CustomData json.RawMessage `json:"custom_data,omitzero"` // keys as the application wrote them
}

// Media are the media settings of a member.
type Media struct {
	// Audio says whether audio is on. Older payloads have an object here, with
	// the fields of AudioSettings: its enabled is read as Audio, and the rest
	// as AudioSettings when those are not given.
	Audio         Bool          `json:"audio,omitzero"`
	AudioSettings AudioSettings `json:"audio_settings,omitzero"` // the switches
}

// AudioSettings are the audio switches of a member.
type AudioSettings struct {
	Enabled   Bool `json:"enabled,omitzero"`   // audio is on
	Earmuffed Bool `json:"earmuffed,omitzero"` // the member does not hear
	Muted     Bool `json:"muted,omitzero"`     // the member is not heard
}

// UnmarshalJSON reads both generations of media settings.
func (m *Media) UnmarshalJSON(data []byte) error { return decodeJSON(data, m) }

// decode is written by hand because audio is a boolean or an object.
func (m *Media) decode(s *scanner) {
	o, ok := s.Object()
	if !ok {
		return
	}
	var inAudio AudioSettings
	for s.Next(&o) {
		switch s.Name(&o) {
		case "audio":
			if !s.Once(&o, 0) {
				break
			}
			if s.Peek() == '{' {
				inAudio.decode(s)
				m.Audio = inAudio.Enabled
			} else {
				m.Audio.decode(s)
			}
		case "audio_settings":
			if s.Once(&o, 1) {
				m.AudioSettings.decode(s)
			}
		default:
			s.Unknown(&o)
		}
	}
	if m.AudioSettings == (AudioSettings{}) {
		m.AudioSettings = inAudio
	}
}

// Reason says why something ended.
type Reason struct {
	Code string `json:"code,omitzero"` // at most 200 characters when it is sent
	Text string `json:"text,omitzero"` // at most 200 characters when it is sent
}

// Initiator says who caused each transition of a member.
type Initiator struct {
	Invited Cause `json:"invited,omitzero"` // who invited
	Joined  Cause `json:"joined,omitzero"`  // who had it join
	Left    Cause `json:"left,omitzero"`    // who had it leave
}

// Cause is who caused a transition.
type Cause struct {
	IsSystem Bool   `json:"isSystem,omitzero"`  // true: the application did, not a user. Read as is_system too
	UserID   string `json:"user_id,omitzero"`   // the user who did
	MemberID string `json:"member_id,omitzero"` // the member who did

	// IsSystemREST is IsSystem as REST spells it, as sent.
	IsSystemREST Bool `json:"is_system,omitzero"`
}

func (c *Cause) normalize() {
	if c.IsSystem == Unset {
		c.IsSystem = c.IsSystemREST
	}
}

// Receipt is the content of an event that marks an earlier one. The member that
// marks it is [Event.From].
type Receipt struct {
	EventID EventID `json:"event_id,omitzero"` // the event that is marked
}

// BodyTimestamp holds the times in the body of a message: when it was sent, as
// client SDKs copy it there, and when it was deleted. On the wire it is a text
// or an object.
type BodyTimestamp struct {
	Sent    time.Time // zero if not told
	Deleted time.Time // zero if it was not deleted
}

// MarshalJSON writes the time of sending as text, or the object of a deletion.
func (t BodyTimestamp) MarshalJSON() ([]byte, error) {
	if t.Deleted.IsZero() {
		return json.Marshal(t.Sent)
	}
	return json.Marshal(deletedTimestamp{t.Deleted})
}

// UnmarshalJSON reads a time, or an object with the time of deletion.
func (t *BodyTimestamp) UnmarshalJSON(data []byte) error { return decodeJSON(data, t) }

func (t *BodyTimestamp) decode(s *scanner) {
	if s.Peek() != '{' {
		if v, ok := s.Time(); ok {
			t.Sent = v
		}
		return
	}
	var d deletedTimestamp
	d.decode(s)
	t.Deleted = d.Deleted
}

// deletedTimestamp is the timestamp in what is left of a deleted body.
//
//gen:decode
type deletedTimestamp struct {
	Deleted time.Time `json:"deleted,omitzero"`
}

// decoder is a value that reads itself from JSON. What is null or missing
// leaves it as it was; what has another shape is reported to the scanner.
type decoder interface {
	decode(s *scanner)
}

func decodeInt(s *scanner) (int, bool) {
	start := s.Offset()
	v, ok := s.Int()
	if ok && int64(int(v)) != v {
		s.Fail(start, "whole number")
		return 0, false
	}
	return int(v), ok
}

// decodeJSON lets encoding/json read what the scanner reads.
func decodeJSON(data []byte, v decoder) error {
	var s scanner
	s.Reset(string(data), data)
	v.decode(&s)
	s.End()
	if err := s.Err(); err != nil {
		return err
	}
	return s.ShapeFrom(0, "value")
}
