package nexmo

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
)

// Playback is what the service says when it begins or ends to talk or to stream.
type Playback struct {
	Message string `json:"message,omitzero"` // for people
	UUID    string `json:"uuid,omitzero"`    // the say_id or play_id of the events that follow
}

//gen:decode
type playbackJSON struct {
	Message string `json:"message"`
	UUID    string `json:"uuid"`
}

func (p *Playback) decode(s *scanner) {
	var w playbackJSON
	w.decode(s)
	*p = Playback(w)
}

// TalkParams are what is said to a whole conversation, and how.
type TalkParams struct {
	Text     string  // what is said; must not be empty
	Language string  // BCP 47; en-US if empty
	Style    int     // which voice of the language
	Premium  Bool    // a premium voice
	Loop     *int    // how often, once if nil; 0 is for ever
	Level    float64 // volume, -1 to 1
}

// MarshalJSON writes Level as text, as this request has it; in events it is a
// number.
func (p TalkParams) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Text     string `json:"text"`
		Language string `json:"language,omitzero"`
		Style    int    `json:"style,omitzero"`
		Premium  Bool   `json:"premium,omitzero"`
		Loop     *int   `json:"loop,omitzero"`
		Level    string `json:"level,omitzero"`
	}{p.Text, p.Language, p.Style, p.Premium, p.Loop, levelText(p.Level)})
}

func levelText(level float64) string {
	if level == 0 {
		return ""
	}
	return strconv.FormatFloat(level, 'f', -1, 64)
}

// StartTalk speaks a text to all members of a conversation. Use it where there is only a
// conversation ID, or where [Client.StopTalk] ends it without its ID. Use
// [Conversation.Say] to queue texts, to stop one by its ID, or to send it from a member.
func (c *Client) StartTalk(ctx context.Context, conversationID string, p TalkParams) (*Playback, error) {
	const op = "start talk"
	check := checker{op: op}
	check.require("Text", p.Text)
	check.between("Level", p.Level, -1, 1)
	check.loop(p.Loop)
	if check.err != nil {
		return nil, check.err
	}
	return one[Playback](ctx, c, newRequest(http.MethodPut, op, "/v1/conversations/{conversation ID}/talk", p, conversationID))
}

// StopTalk ends what [Client.StartTalk] began; [Conversation.StopSay] ends what
// [Conversation.Say] began. The Playback is zero if the answer has no body.
func (c *Client) StopTalk(ctx context.Context, conversationID string) (*Playback, error) {
	return one[Playback](ctx, c, newRequest(http.MethodDelete, "stop talk", "/v1/conversations/{conversation ID}/talk", nil, conversationID))
}

// StreamParams are what is played to a whole conversation, and how.
type StreamParams struct {
	StreamURL []string // the addresses of the audio; at least one
	Loop      *int     // how often, once if nil; 0 is for ever
	Level     float64  // volume, -1 to 1
}

// MarshalJSON writes Level as text, as this request has it; in events it is a
// number.
func (p StreamParams) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		StreamURL []string `json:"stream_url"`
		Loop      *int     `json:"loop,omitzero"`
		Level     string   `json:"level,omitzero"`
	}{p.StreamURL, p.Loop, levelText(p.Level)})
}

// StartStream plays audio to all members of a conversation. Use it where there is only a
// conversation ID, or where [Client.StopStream] ends it without its ID. Use
// [Conversation.Play] to queue audio, to stop it by its ID, or to send it from a member.
func (c *Client) StartStream(ctx context.Context, conversationID string, p StreamParams) (*Playback, error) {
	const op = "start stream"
	check := checker{op: op}
	if len(p.StreamURL) == 0 {
		check.fail("StreamURL", "it is empty")
	}
	check.between("Level", p.Level, -1, 1)
	check.loop(p.Loop)
	if check.err != nil {
		return nil, check.err
	}
	return one[Playback](ctx, c, newRequest(http.MethodPut, op, "/v1/conversations/{conversation ID}/stream", p, conversationID))
}

// StopStream ends what [Client.StartStream] began; [Conversation.StopPlay] ends what
// [Conversation.Play] began.
func (c *Client) StopStream(ctx context.Context, conversationID string) (*Playback, error) {
	return one[Playback](ctx, c, newRequest(http.MethodDelete, "stop stream", "/v1/conversations/{conversation ID}/stream", nil, conversationID))
}

// RecordParams say how a conversation is recorded. What is zero is not sent.
type RecordParams struct {
	EventURL      []string             `json:"event_url,omitzero"`     // where the outcome goes
	EventMethod   string               `json:"event_method,omitzero"`  // POST, or GET
	Split         string               `json:"split,omitzero"`         // "conversation": one track for each side
	Format        RecordFormat         `json:"format,omitzero"`        // RecordFormatMP3, RecordFormatWAV or RecordFormatVorbis
	RetentionDays int                  `json:"retention_ttl,omitzero"` // 1 to 400; 31 if zero
	Timeout       Seconds              `json:"timeout,omitzero"`       // at most two hours, which is the default
	Transcription *RecordTranscription `json:"transcription,omitzero"` // nil for none
}

// RecordTranscription is how a recording is to be transcribed, and where the
// outcome goes.
type RecordTranscription struct {
	Language          string   `json:"language,omitzero"`           // BCP 47
	SentimentAnalysis Bool     `json:"sentiment_analysis,omitzero"` // ask for the mood as well
	EventURL          []string `json:"event_url,omitzero"`          // where the outcome goes
	EventMethod       string   `json:"event_method,omitzero"`       // POST, or GET
}

type recordRequest struct {
	Action string `json:"action"`
	RecordParams
}

// StartRecording records a conversation. Use it to post the outcome to a URL of its own,
// or to set how long the recording is kept. Use [Conversation.Record] to
// stop a recording by its ID, or to send it from a member. Both report the file in
// [AudioRecordDone].
func (c *Client) StartRecording(ctx context.Context, conversationID string, p RecordParams) error {
	const op = "start recording"
	check := checker{op: op}
	if p.RetentionDays != 0 {
		check.between("RetentionDays", float64(p.RetentionDays), 1, 400)
	}
	check.seconds("Timeout", p.Timeout, 7200)
	if check.err != nil {
		return check.err
	}
	return c.record(ctx, op, conversationID, recordRequest{"start", p})
}

// StopRecording ends what [Client.StartRecording] began; [Conversation.StopRecord] ends
// what [Conversation.Record] began.
func (c *Client) StopRecording(ctx context.Context, conversationID string) error {
	return c.record(ctx, "stop recording", conversationID, recordRequest{Action: "stop"})
}

func (c *Client) record(ctx context.Context, op, conversationID string, r recordRequest) error {
	_, err := c.send(ctx, newRequest(http.MethodPut, op, "/v1/conversations/{conversation ID}/record", r, conversationID))
	return err
}
