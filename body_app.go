package nexmo

import (
	"time"
)

// AppKnocking is the body of app:knocking. [Event.From] is the knocker, and the
// event belongs to no conversation.
type AppKnocking struct {
	User       User               `json:"user,omitzero"`       // created for the knocker
	Channel    *Channel           `json:"channel,omitzero"`    // the leg that knocks
	Properties KnockingProperties `json:"properties,omitzero"` // what the client passed along
}

// KnockingProperties are what a client passed along when it knocked.
type KnockingProperties struct {
	CustomData Raw `json:"custom_data,omitzero"` // the client's, untouched
}

// AppKnockingCancel is the body of app:knocking:cancel. [Event.From] is the
// knocker, and the event belongs to no conversation.
type AppKnockingCancel struct {
	User      User             `json:"user,omitzero"`      // of the knocker
	Reason    Reason           `json:"reason,omitzero"`    // why it was cancelled
	Timestamp KnockerTimestamp `json:"timestamp,omitzero"` // in the life of the knocker
}

// KnockerTimestamp are the times in the life of a knocker.
type KnockerTimestamp struct {
	Created   time.Time `json:"created,omitzero"`   // when it began to knock
	Updated   time.Time `json:"updated,omitzero"`   // when it last changed
	Destroyed time.Time `json:"destroyed,omitzero"` // when it was gone
	Left      time.Time `json:"left,omitzero"`      // when it left
}
