package nexmo

import (
	"encoding/json"
	"time"
)

// The parts that bodies of several families share.

// User is what an event tells of a user. Every field may be missing.
type User struct {
	ID          string         `json:"id,omitzero"`           // USR-…; filled from UserID when only that was sent
	UserID      string         `json:"user_id,omitzero"`      // an older name of ID, as sent
	Name        string         `json:"name,omitzero"`         // unique within the application
	DisplayName string         `json:"display_name,omitzero"` // to show
	ImageURL    string         `json:"image_url,omitzero"`    // of a picture to show
	MemberID    string         `json:"member_id,omitzero"`    // of the user's member; few payloads tell
	Media       Media          `json:"media,omitzero"`        // the member's settings
	Properties  UserProperties `json:"properties,omitzero"`   // what else the application keeps with the user
	CustomData  Raw            `json:"custom_data,omitzero"`  // keys as the application wrote them
}

func (u *User) normalize() {
	if u.ID == "" {
		u.ID = u.UserID
	}
}

// UserProperties are the properties of a user.
type UserProperties struct {
	CustomData Raw `json:"custom_data,omitzero"` // keys as the application wrote them
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
			if s.Again(&o, 0) {
				inAudio, m.Audio = AudioSettings{}, Unset
			}
			if s.Peek() == '{' {
				inAudio.decode(s)
				m.Audio = inAudio.Enabled
			} else {
				m.Audio.decode(s)
			}
		case "audio_settings":
			if s.Again(&o, 1) {
				reset(&m.AudioSettings)
			}
			m.AudioSettings.decode(s)
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
