package nexmo

import (
	"encoding/json"
	"time"
)

// MessageType is the kind of content that a message carries; the field of
// [MessageContent] with the same name holds it. Unknown words are kept.
type MessageType string

// The documented types of a message.
const (
	MessageText     MessageType = "text"
	MessageImage    MessageType = "image"
	MessageAudio    MessageType = "audio"
	MessageVideo    MessageType = "video"
	MessageFile     MessageType = "file"
	MessageVCard    MessageType = "vcard"
	MessageLocation MessageType = "location"
	MessageTemplate MessageType = "template"
	MessageCustom   MessageType = "custom"
)

// Message is the body of message.
type Message struct{ MessageContent }

// MessageContent is the content of a message of any type.
type MessageContent struct {
	MessageType  MessageType     `json:"message_type,omitzero"`
	Text         string          `json:"text,omitzero"`
	Image        *MessageFileURL `json:"image,omitzero"`
	Audio        *MessageFileURL `json:"audio,omitzero"`
	Video        *MessageFileURL `json:"video,omitzero"`
	File         *MessageFileURL `json:"file,omitzero"`
	VCard        *MessageFileURL `json:"vcard,omitzero"` // a vcard may be in Image instead
	Location     *Location       `json:"location,omitzero"`
	Template     *Template       `json:"template,omitzero"`
	Custom       json.RawMessage `json:"custom,omitzero"`
	WhatsApp     *WhatsApp       `json:"whatsapp,omitzero"` // for a template; in version 1 inside it
	Messenger    *Messenger      `json:"messenger,omitzero"`
	ViberService *ViberService   `json:"viber_service,omitzero"`
	Timestamp    BodyTimestamp   `json:"timestamp,omitzero"`
}

func (c *MessageContent) deletedAt() time.Time { return c.Timestamp.Deleted }

// MessageFileURL is the address of a file that a message carries.
type MessageFileURL struct {
	URL string `json:"url,omitzero"`
}

// Location is a place.
type Location struct {
	Longitude Degrees `json:"longitude"`
	Latitude  Degrees `json:"latitude"`
	Name      string  `json:"name,omitzero"`
	Address   string  `json:"address,omitzero"`
}

// Template is a message template and what to put into it.
type Template struct {
	Name       string    `json:"name,omitzero"`
	Parameters []string  `json:"parameters,omitzero"`
	WhatsApp   *WhatsApp `json:"whatsapp,omitzero"`
}

// WhatsApp is how WhatsApp is to treat a template.
type WhatsApp struct {
	Policy string `json:"policy,omitzero"`
	Locale string `json:"locale,omitzero"`
}

// Messenger is how Messenger is to treat a message.
type Messenger struct {
	Category string `json:"category,omitzero"` // response, update or message_tag
	Tag      string `json:"tag,omitzero"`
}

// ViberService is how Viber is to treat a message.
type ViberService struct {
	Category string  `json:"category,omitzero"` // transaction or promotion
	TTL      Seconds `json:"ttl,omitzero"`
	Type     string  `json:"type,omitzero"`
}

// MessageDelivered is the body of message:delivered.
type MessageDelivered struct{ Receipt }

// MessageRejected is the body of message:rejected.
type MessageRejected struct{ Receipt }

// MessageSeen is the body of message:seen.
type MessageSeen struct{ Receipt }

// MessageSubmitted is the body of message:submitted.
type MessageSubmitted struct{ Receipt }

// MessageUndeliverable is the body of message:undeliverable.
type MessageUndeliverable struct{ Receipt }
