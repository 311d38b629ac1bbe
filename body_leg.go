package nexmo

import "time"

// LegStatusUpdate is the body of leg:status:update. Before the caller joined a
// conversation, [Event.From] is the knocker and the event has no ID.
type LegStatusUpdate struct {
	LegID         string           `json:"leg_id,omitzero"`
	Type          ChannelType      `json:"type,omitzero"`
	Direction     Direction        `json:"direction,omitzero"`
	Status        LegStatus        `json:"status,omitzero"`
	State         LegState         `json:"state,omitzero"`
	StatusHistory []LegStatusEntry `json:"statusHistory,omitzero"` // oldest first
}

// LegStatusEntry is a status that a leg had.
type LegStatusEntry struct {
	Status         LegStatus `json:"status,omitzero"`
	Date           time.Time `json:"date,omitzero"`
	MemberID       string    `json:"member_id,omitzero"`
	ConversationID string    `json:"conversation_id,omitzero"`
	KnockerID      string    `json:"knocker_id,omitzero"`
	State          LegState  `json:"state,omitzero"`
}
