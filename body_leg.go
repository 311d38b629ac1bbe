package nexmo

import "time"

// LegStatusUpdate is the body of leg:status:update. Before the caller joined a
// conversation, [Event.From] is the knocker and the event has no ID.
type LegStatusUpdate struct {
	LegID         string           `json:"leg_id,omitzero"`        // of the leg
	Type          ChannelType      `json:"type,omitzero"`          // by what means
	Direction     Direction        `json:"direction,omitzero"`     // inbound or outbound
	Status        LegStatus        `json:"status,omitzero"`        // how far it has come
	State         LegState         `json:"state,omitzero"`         // finer than Status; version 1 only
	StatusHistory []LegStatusEntry `json:"statusHistory,omitzero"` // oldest first
}

// LegStatusEntry is a status that a leg had.
type LegStatusEntry struct {
	Status         LegStatus `json:"status,omitzero"`          // how far the leg had come
	Date           time.Time `json:"date,omitzero"`            // when
	MemberID       string    `json:"member_id,omitzero"`       // the member whose leg it was then, or empty
	ConversationID string    `json:"conversation_id,omitzero"` // where that member is, or empty
	KnockerID      string    `json:"knocker_id,omitzero"`      // who knocked, before there was a member
	State          LegState  `json:"state,omitzero"`           // finer than Status; version 1 only
}
