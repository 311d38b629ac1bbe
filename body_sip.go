package nexmo

import (
	"strconv"
	"time"
)

// SIPCode is the status of a SIP response, such as 200 or 486. It is read as a
// number and as text, both of which the service sends; a number is written. It is 0
// when it was not sent, and for text that is no number, as version 1 allows.
type SIPCode int

// UnmarshalJSON reads a number or its text.
func (c *SIPCode) UnmarshalJSON(data []byte) error { return decodeJSON(data, c) }

func (c *SIPCode) decode(s *scanner) {
	if s.Peek() != '"' {
		if v, ok := decodeInt(s); ok {
			*c = SIPCode(v)
		}
		return
	}
	text, _ := s.Text()
	if v, err := strconv.Atoi(text); err == nil {
		*c = SIPCode(v)
	}
}

// SIPRinging is the body of sip:ringing. Before the caller joined a
// conversation, [Event.From] is the knocker and the event has no ID.
type SIPRinging struct{ LegProgress }

// SIPAnswered is the body of sip:answered.
type SIPAnswered struct{ LegProgress }

// SIPHangup is the body of sip:hangup. Before the caller joined a conversation,
// [Event.From] is the knocker and the event has no ID.
type SIPHangup struct{ Hangup }

// MachineDetection is what was found on a leg that is no human.
type MachineDetection struct {
	Type       string   `json:"type,omitzero"`       // what was found
	Confidence int      `json:"confidence,omitzero"` // per cent
	Channel    *Channel `json:"channel,omitzero"`    // the leg
}

func (m *MachineDetection) legChannel() *Channel { return m.Channel }

// SIPMachine is the body of sip:machine.
type SIPMachine struct{ MachineDetection }

// SIPAMDMachine is the body of sip:amd_machine.
type SIPAMDMachine struct{ MachineDetection }

// SIPStatus is the body of sip:status. Before the caller joined a conversation,
// [Event.From] is the knocker and the event has no ID.
type SIPStatus struct {
	Price       string      `json:"price,omitzero"`        // a decimal number
	Rate        string      `json:"rate,omitzero"`         // for a minute, a decimal number
	Duration    SecondsText `json:"duration,omitzero"`     // of the call
	To          string      `json:"to,omitzero"`           // the address called
	From        string      `json:"from,omitzero"`         // the address calling
	NetworkCode string      `json:"network_code,omitzero"` // of the operator
	RequestTime time.Time   `json:"request_time,omitzero"` // when the call was asked for
	StartTime   time.Time   `json:"start_time,omitzero"`   // of the call
	EndTime     time.Time   `json:"end_time,omitzero"`     // of the call
	Status      LegStatus   `json:"status,omitzero"`       // of the leg
	Direction   Direction   `json:"direction,omitzero"`    // in or out here
	State       LegState    `json:"state,omitzero"`        // finer than Status; version 1 only
	Channel     *Channel    `json:"channel,omitzero"`      // the leg
}
