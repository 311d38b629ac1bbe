package nexmo

import (
	"time"
)

// MessageType is the kind of content that a message carries; the field of
// [MessageContent] with the same name holds it. Unknown words are kept.
type MessageType string

// The documented types of a message.
const (
	MessageTypeText     MessageType = "text"
	MessageTypeImage    MessageType = "image"
	MessageTypeAudio    MessageType = "audio"
	MessageTypeVideo    MessageType = "video"
	MessageTypeFile     MessageType = "file"
	MessageTypeVCard    MessageType = "vcard"
	MessageTypeLocation MessageType = "location"
	MessageTypeTemplate MessageType = "template"
	MessageTypeCustom   MessageType = "custom"
)

// Message is the body of message.
type Message struct{ MessageContent }

// MessageContent is the content of a message of any type.
type MessageContent struct {
	MessageType  MessageType     `json:"message_type,omitzero"`  // which of the other fields there is
	Text         string          `json:"text,omitzero"`          // for text
	Image        *MessageFileURL `json:"image,omitzero"`         // for image
	Audio        *MessageFileURL `json:"audio,omitzero"`         // for audio
	Video        *MessageFileURL `json:"video,omitzero"`         // for video
	File         *MessageFileURL `json:"file,omitzero"`          // for file
	VCard        *MessageFileURL `json:"vcard,omitzero"`         // a vcard may be in Image instead
	Location     *Location       `json:"location,omitzero"`      // for location
	Template     *Template       `json:"template,omitzero"`      // for template
	Custom       Raw             `json:"custom,omitzero"`        // for custom: the application's, untouched
	WhatsApp     *WhatsApp       `json:"whatsapp,omitzero"`      // for a template; in version 1 inside it
	Messenger    *Messenger      `json:"messenger,omitzero"`     // for messages that go there
	ViberService *ViberService   `json:"viber_service,omitzero"` // for messages to Viber
	Timestamp    BodyTimestamp   `json:"timestamp,omitzero"`     // when it was sent or deleted
}

func (c *MessageContent) deletedAt() time.Time { return c.Timestamp.Deleted }

// MessageFileURL is the address of a file that a message carries.
type MessageFileURL struct {
	URL string `json:"url,omitzero"` // where the file is
}

// Location is a place.
type Location struct {
	Longitude Degrees `json:"longitude"`        // degrees, east is positive
	Latitude  Degrees `json:"latitude"`         // degrees, north is positive
	Name      string  `json:"name,omitzero"`    // of the place
	Address   string  `json:"address,omitzero"` // postal
}

// Template is a message template and what to put into it.
type Template struct {
	Name       string    `json:"name,omitzero"`       // of the template
	Parameters []string  `json:"parameters,omitzero"` // what is put into it
	WhatsApp   *WhatsApp `json:"whatsapp,omitzero"`   // as version 1 has it
}

// WhatsApp is how WhatsApp is to treat a template.
type WhatsApp struct {
	Policy string `json:"policy,omitzero"` // how the language is chosen, such as deterministic
	Locale string `json:"locale,omitzero"` // such as en_GB
}

// Messenger is how Messenger is to treat a message.
type Messenger struct {
	Category string `json:"category,omitzero"` // response, update or message_tag
	Tag      string `json:"tag,omitzero"`      // with the category message_tag
}

// ViberService is how Viber is to treat a message.
type ViberService struct {
	Category string  `json:"category,omitzero"` // transaction or promotion
	TTL      Seconds `json:"ttl,omitzero"`      // how long it may wait to be delivered
	Type     string  `json:"type,omitzero"`     // as Viber names it
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
