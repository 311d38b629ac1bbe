package nexmo

import (
	"encoding/json"
	"time"
)

// AppKnocking is the body of app:knocking. [Event.From] is the knocker, and the
// event belongs to no conversation.
type AppKnocking struct {
	User       User               `json:"user,omitzero"` // created for the knocker
	Channel    *Channel           `json:"channel,omitzero"`
	Properties KnockingProperties `json:"properties,omitzero"`
}

// KnockingProperties are what a client passed along when it knocked.
type KnockingProperties struct {
	CustomData json.RawMessage `json:"custom_data,omitzero"`
}

// AppKnockingCancel is the body of app:knocking:cancel. [Event.From] is the
// knocker, and the event belongs to no conversation.
type AppKnockingCancel struct {
	User      User             `json:"user,omitzero"`
	Reason    Reason           `json:"reason,omitzero"`
	Timestamp KnockerTimestamp `json:"timestamp,omitzero"`
}

// KnockerTimestamp are the times in the life of a knocker.
type KnockerTimestamp struct {
	Created   time.Time `json:"created,omitzero"`
	Updated   time.Time `json:"updated,omitzero"`
	Destroyed time.Time `json:"destroyed,omitzero"`
	Left      time.Time `json:"left,omitzero"`
}
