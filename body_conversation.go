package nexmo

import "time"

// ConversationDetails is what an event of the conversation family tells of the
// conversation.
type ConversationDetails struct {
	ID          string                `json:"id,omitzero"`           // CON-…
	Name        string                `json:"name,omitzero"`         // NAM-… when the service made it up
	DisplayName string                `json:"display_name,omitzero"` // to show
	ImageURL    string                `json:"image_url,omitzero"`    // of a picture to show
	State       ConversationState     `json:"state,omitzero"`        // not told by older generations
	Timestamp   ConversationTimestamp `json:"timestamp,omitzero"`    // in the life of the conversation
}

func (d *ConversationDetails) conversationID() string { return d.ID }

// ConversationState is whether a conversation lives: "ACTIVE", "INACTIVE" or
// "DELETED". Unknown words are kept.
type ConversationState string

// The documented states of a conversation.
const (
	ConversationStateActive   ConversationState = "ACTIVE"   // events can be made
	ConversationStateInactive ConversationState = "INACTIVE" // frozen: it can be read and deleted
	ConversationStateDeleted  ConversationState = "DELETED"  // deleted
)

// ConversationTimestamp are the times in the life of a conversation.
type ConversationTimestamp struct {
	Created   time.Time `json:"created,omitzero"`   // when it was made
	Updated   time.Time `json:"updated,omitzero"`   // when it last changed
	Destroyed time.Time `json:"destroyed,omitzero"` // when it was deleted
}

// ConversationCreated is the body of conversation:created. Its ID is in
// [Event.ConversationID] too, though the service sends it in the body alone.
type ConversationCreated struct{ ConversationDetails }

// ConversationUpdated is the body of conversation:updated.
type ConversationUpdated struct{ ConversationDetails }

// ConversationDeleted is the body of conversation:deleted. Its ID is in
// [Event.ConversationID] too, though the service sends it in the body alone.
type ConversationDeleted struct {
	ConversationDetails
	Reason string `json:"reason,omitzero"` // why
}
