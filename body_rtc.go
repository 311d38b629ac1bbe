package nexmo

import (
	"time"
)

// LegProgress is the content of the events that tell how far a leg has come.
type LegProgress struct {
	Channel   *Channel  `json:"channel,omitzero"`   // the leg
	Direction Direction `json:"direction,omitzero"` // inbound or outbound
}

func (p *LegProgress) legChannel() *Channel { return p.Channel }

// Hangup is the content of the events that end a leg.
type Hangup struct {
	Direction Direction    `json:"direction,omitzero"` // inbound or outbound
	Channel   *Channel     `json:"channel,omitzero"`   // the leg
	Reason    HangupReason `json:"reason,omitzero"`    // why it ended
	Quality   Quality      `json:"quality,omitzero"`   // of the voice; zero if it was not measured
	Bandwidth Bandwidth    `json:"bandwidth,omitzero"` // in all
}

func (h *Hangup) legChannel() *Channel { return h.Channel }

// HangupReason says why a leg ended.
type HangupReason struct {
	Reason
	SIPCode SIPCode `json:"sip_code,omitzero"` // such as 200 or 486; 0 if there is none
}

// Quality is what the service measured of the voice quality.
type Quality struct {
	MOSScore          float64 `json:"mos_score,omitzero"`          // mean opinion score, 1 to 5
	QualityPercentage float64 `json:"quality_percentage,omitzero"` // 0 to 100
	JitterMinVar      float64 `json:"jitter_min_var,omitzero"`     // lowest variance
	JitterMaxVar      float64 `json:"jitter_max_var,omitzero"`     // highest variance
	JitterLossRate    float64 `json:"jitter_loss_rate,omitzero"`   // loss rate
	JitterBurstRate   float64 `json:"jitter_burst_rate,omitzero"`  // burst rate
	FlawTotal         float64 `json:"flaw_total,omitzero"`         // how many flaws
	PacketCount       float64 `json:"packet_cnt,omitzero"`         // how many packets were seen
	PacketLoss        float64 `json:"packet_loss_perc,omitzero"`   // per cent
}

// Bandwidth is how much a leg carried.
type Bandwidth struct {
	BytesIn  int64 `json:"bytes_in,omitzero"`  // filled from ByteIn when only that was sent
	BytesOut int64 `json:"bytes_out,omitzero"` // filled from ByteOut when only that was sent
	ByteIn   int64 `json:"byte_in,omitzero"`   // as version 1 names BytesIn
	ByteOut  int64 `json:"byte_out,omitzero"`  // as version 1 names BytesOut
}

func (b *Bandwidth) normalize() {
	if b.BytesIn == 0 {
		b.BytesIn = b.ByteIn
	}
	if b.BytesOut == 0 {
		b.BytesOut = b.ByteOut
	}
}

// RTCAnswer is the body of rtc:answer.
type RTCAnswer struct {
	Answer string `json:"answer,omitzero"` // SDP
	RTCID  string `json:"rtc_id,omitzero"` // the leg

	// Webhooks have these two in the envelope, version 1 in the body: here
	// they are always.
	IsFromMB           Bool   `json:"isFromMB,omitzero"`
	SessionDestination string `json:"session_destination,omitzero"` // the session that it is for

	IsFromMb Bool `json:"isFromMb,omitzero"` // another spelling of IsFromMB, as sent
}

func (b *RTCAnswer) normalize() {
	if b.IsFromMB == Unset {
		b.IsFromMB = b.IsFromMb
	}
}

func (b *RTCAnswer) signal(destination string, fromMB Bool) {
	if b.SessionDestination == "" {
		b.SessionDestination = destination
	}
	if b.IsFromMB == Unset {
		b.IsFromMB = fromMB
	}
}

// RTCAnswered is the body of rtc:answered.
type RTCAnswered struct{ LegProgress }

// RTCHangup is the body of rtc:hangup.
type RTCHangup struct{ Hangup }

// RTCOffer is the body of rtc:offer.
type RTCOffer struct {
	SDP                string `json:"sdp,omitzero"`                 // the offer
	MemberID           string `json:"member_id,omitzero"`           // the member
	LegID              string `json:"leg_id,omitzero"`              // of the leg
	MemberLegID        string `json:"member_leg_id,omitzero"`       // of the member's leg
	MediaSettings      Raw    `json:"media_settings,omitzero"`      // untouched
	Name               string `json:"name,omitzero"`                // what it names is not documented
	SessionDestination string `json:"session_destination,omitzero"` // taken from the envelope
}

func (b *RTCOffer) memberID() string { return b.MemberID }

func (b *RTCOffer) signal(destination string, _ Bool) {
	if b.SessionDestination == "" {
		b.SessionDestination = destination
	}
}

// RTCRinging is the body of rtc:ringing.
type RTCRinging struct{ LegProgress }

// RTCStatus is the body of rtc:status.
type RTCStatus struct {
	Duration      SecondsText `json:"duration,omitzero"`       // of the call
	StartTime     time.Time   `json:"start_time,omitzero"`     // of the call
	EndTime       time.Time   `json:"end_time,omitzero"`       // of the call
	Price         string      `json:"price,omitzero"`          // a decimal number
	PriceCurrency string      `json:"price_currency,omitzero"` // such as EUR
	MOS           float64     `json:"mos,omitzero"`            // mean opinion score, 1 to 5
	Channel       *Channel    `json:"channel,omitzero"`        // the leg
}

func (b *RTCStatus) legChannel() *Channel { return b.Channel }

// RTCTerminate is the body of rtc:terminate.
type RTCTerminate struct {
	RTCID              string `json:"rtc_id,omitzero"`              // the leg
	MemberID           string `json:"member_id,omitzero"`           // whose leg it is
	SessionDestination string `json:"session_destination,omitzero"` // taken from the envelope
}

func (b *RTCTerminate) memberID() string { return b.MemberID }

func (b *RTCTerminate) signal(destination string, _ Bool) {
	if b.SessionDestination == "" {
		b.SessionDestination = destination
	}
}

// RTCTransfer is the body of rtc:transfer. [Event.From] is the member that the
// leg has become in this conversation.
type RTCTransfer struct {
	WasMember       string   `json:"was_member,omitzero"`       // the member in the conversation it came from
	UserID          string   `json:"user_id,omitzero"`          // of the member
	TransferredFrom string   `json:"transferred_from,omitzero"` // the conversation it came from
	Channel         *Channel `json:"channel,omitzero"`          // the leg
}
