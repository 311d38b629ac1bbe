package nexmo

import "time"

// LegTarget names the leg that an event acts on.
type LegTarget struct {
	RTCID string `json:"rtc_id,omitzero"` // the leg that is affected
}

// AudioMuteOn is the body of audio:mute:on. The member who is muted is in
// [Event.To] when the service says so, else the one whose leg is RTCID.
type AudioMuteOn struct{ LegTarget }

// AudioMuteOff is the body of audio:mute:off; see [AudioMuteOn] for whom it is
// about.
type AudioMuteOff struct{ LegTarget }

// AudioEarmuffOn is the body of audio:earmuff:on.
type AudioEarmuffOn struct{ LegTarget }

// AudioEarmuffOff is the body of audio:earmuff:off.
type AudioEarmuffOff struct{ LegTarget }

// AudioDTMF is the body of audio:dtmf.
type AudioDTMF struct {
	Digits   string       `json:"digits,omitzero"`   // 0-9, A-D, *, # and p for a pause; filled from Digit when only that was sent
	Digit    string       `json:"digit,omitzero"`    // another name of Digits, as sent
	Sequence int          `json:"dtmf_seq,omitzero"` // counts the presses; other generations have DTMFID
	DTMFID   string       `json:"dtmf_id,omitzero"`  // of the press
	Method   string       `json:"method,omitzero"`   // "in" when the tone came from the remote side
	Duration Milliseconds `json:"duration,omitzero"` // of the tone
	Channel  *Channel     `json:"channel,omitzero"`  // the leg
}

func (b *AudioDTMF) normalize() {
	if b.Digits == "" {
		b.Digits = b.Digit
	}
}

// AudioPlay is the body of audio:play. Level and Loop are required when the
// event is created: they are pointers because zero means something, a normal
// volume and a playback without end.
type AudioPlay struct {
	StreamURL StringList `json:"stream_url,omitzero"` // the addresses of the audio
	Level     *float64   `json:"level,omitzero"`      // volume, between -1 and 1
	Loop      *int       `json:"loop,omitzero"`       // how often to play; 0 is for ever
	Queue     Bool       `json:"queue,omitzero"`      // play after what is playing now
	PlayID    string     `json:"play_id,omitzero"`    // given by the service; the events that follow have it too
}

// AudioPlayDone is the body of audio:play:done.
type AudioPlayDone struct {
	PlayID  string   `json:"play_id,omitzero"` // of the audio:play event
	Error   string   `json:"error,omitzero"`   // why playing failed
	Channel *Channel `json:"channel,omitzero"` // the leg, if it was played to one
}

// AudioPlayStop is the body of audio:play:stop.
type AudioPlayStop struct {
	PlayID string `json:"play_id,omitzero"` // of the audio:play event
}

// RecordFormat is the format of a recording: "mp3", "wav", "ogg" or "vorbis".
// Unknown words are kept.
type RecordFormat string

// The documented formats of a recording.
const (
	RecordFormatMP3    RecordFormat = "mp3"    // compressed
	RecordFormatWAV    RecordFormat = "wav"    // not compressed
	RecordFormatOGG    RecordFormat = "ogg"    // in events only
	RecordFormatVorbis RecordFormat = "vorbis" // in events and requests
)

// AudioRecord is the body of audio:record.
type AudioRecord struct {
	RecordingID   string        `json:"recording_id,omitzero"`  // given by the service; the events that follow have it too
	Format        RecordFormat  `json:"format,omitzero"`        // mp3, wav, ogg or vorbis
	Validity      int           `json:"validity,omitzero"`      // retention; the documentation gives no unit
	Channels      int           `json:"channels,omitzero"`      // how many
	Streamed      Bool          `json:"streamed,omitzero"`      // uploaded while it is recorded
	Split         Bool          `json:"split,omitzero"`         // one track for each side
	Multitrack    Bool          `json:"multitrack,omitzero"`    // one track for each leg; filled from Mulitrack when only that was sent
	Mulitrack     Bool          `json:"mulitrack,omitzero"`     // as the published schema misspells Multitrack
	DetectSpeech  Bool          `json:"detect_speech,omitzero"` // record only while somebody speaks
	BeepStart     Bool          `json:"beep_start,omitzero"`    // beep first
	BeepStop      Bool          `json:"beep_stop,omitzero"`     // beep last
	Transcription Transcription `json:"transcription,omitzero"` // of the recording; none if zero
}

func (b *AudioRecord) normalize() {
	if b.Multitrack == Unset {
		b.Multitrack = b.Mulitrack
	}
}

// Transcription is how a recording is to be transcribed.
type Transcription struct {
	Language          string `json:"language,omitzero"`           // BCP 47
	SentimentAnalysis Bool   `json:"sentiment_analysis,omitzero"` // ask for the mood as well
}

// AudioRecordDone is the body of audio:record:done.
type AudioRecordDone struct {
	RecordingID    string       `json:"recording_id,omitzero"`    // of the audio:record event
	EventID        EventID      `json:"event_id,omitzero"`        // the audio:record event that started it
	DestinationURL string       `json:"destination_url,omitzero"` // needs a token of the application
	Format         RecordFormat `json:"format,omitzero"`          // mp3, wav, ogg or vorbis
	StartTime      time.Time    `json:"start_time,omitzero"`      // of the recording
	EndTime        time.Time    `json:"end_time,omitzero"`        // of the recording
	Size           int64        `json:"size,omitzero"`            // bytes
	Channel        *Channel     `json:"channel,omitzero"`         // the leg, if one was recorded
}

// AudioRecordStop is the body of audio:record:stop.
type AudioRecordStop struct {
	RecordID string `json:"record_id,omitzero"` // the same ID as RecordingID elsewhere
}

// AudioRingingStart is the body of audio:ringing:start; it is empty.
type AudioRingingStart struct{}

// AudioRingingStop is the body of audio:ringing:stop; it is empty.
type AudioRingingStop struct{}

// AudioSay is the body of audio:say. Level and Loop are required when the event
// is created: they are pointers because zero means something, a normal volume
// and a repetition without end.
type AudioSay struct {
	Text      string   `json:"text,omitzero"`       // what is said
	Level     *float64 `json:"level,omitzero"`      // volume, between -1 and 1
	Loop      *int     `json:"loop,omitzero"`       // how often to say it; 0 is for ever
	Queue     Bool     `json:"queue,omitzero"`      // say it after what is being said now
	VoiceName string   `json:"voice_name,omitzero"` // the older way to choose a voice
	Language  string   `json:"language,omitzero"`   // BCP 47
	Style     int      `json:"style,omitzero"`      // which voice of the language
	Premium   Bool     `json:"premium,omitzero"`    // a premium voice
	SSML      Bool     `json:"ssml,omitzero"`       // Text is SSML
	SayID     string   `json:"say_id,omitzero"`     // given by the service; the events that follow have it too
	Type      string   `json:"type,omitzero"`       // known from a client SDK only
}

// AudioSayDone is the body of audio:say:done.
type AudioSayDone struct {
	SayID   string   `json:"say_id,omitzero"`  // of the audio:say event
	Error   string   `json:"error,omitzero"`   // why speaking failed
	Channel *Channel `json:"channel,omitzero"` // the leg, if it was said to one
}

// AudioSayStop is the body of audio:say:stop.
type AudioSayStop struct {
	SayID string `json:"say_id,omitzero"` // of the audio:say event
}

// Speaking is the content of the two events of the voice detector. Who speaks
// is in [Event.From].
type Speaking struct {
	Channel *Channel `json:"channel,omitzero"` // the leg
}

// AudioSpeakingOn is the body of audio:speaking:on.
type AudioSpeakingOn struct{ Speaking }

// AudioSpeakingOff is the body of audio:speaking:off.
type AudioSpeakingOff struct{ Speaking }

// AudioASRDone is the body of audio:asr:done.
type AudioASRDone struct {
	Channel *Channel `json:"channel,omitzero"` // the leg
	ASR     ASR      `json:"asr,omitzero"`     // what was heard
}

// ASR is the outcome of speech recognition.
type ASR struct {
	ID            string      `json:"asr_id,omitzero"`         // of the recognition
	CallID        string      `json:"call_id,omitzero"`        // the leg
	Error         string      `json:"error,omitzero"`          // empty when all went well
	Results       []ASRResult `json:"results,omitzero"`        // likeliest first; filled from Result when only that was sent
	Result        []ASRResult `json:"result,omitzero"`         // another name of Results, as sent
	TimeoutReason string      `json:"timeout_reason,omitzero"` // what ended the listening
}

func (a *ASR) normalize() {
	if a.Results == nil {
		a.Results = a.Result
	}
}

// ASRResult is one phrase that may have been said.
type ASRResult struct {
	Word       string  `json:"word,omitzero"`       // a word or a phrase
	Confidence float64 `json:"confidence,omitzero"` // 0 to 1
}

// AudioASRRecordDone is the body of audio:asr:record:done.
type AudioASRRecordDone struct {
	Channel *Channel     `json:"channel,omitzero"` // the leg
	ASR     ASRRecording `json:"asr,omitzero"`     // the recording
}

// ASRRecording is the recording made while speech was being recognised.
type ASRRecording struct {
	ID               string       `json:"asr_id,omitzero"`             // of the recognition
	CallID           string       `json:"call_id,omitzero"`            // the leg
	Error            string       `json:"error,omitzero"`              // empty when all went well
	DestinationURL   string       `json:"destination_url,omitzero"`    // where the file is
	Format           RecordFormat `json:"format,omitzero"`             // mp3 or wav
	StartTime        time.Time    `json:"start_time,omitzero"`         // of the recording
	EndTime          time.Time    `json:"end_time,omitzero"`           // of the recording
	Size             int64        `json:"size,omitzero"`               // bytes
	MediaServiceUUID string       `json:"media_service_uuid,omitzero"` // of the file at the media service
}

// AudioTranscribeDone is the body of audio:transcribe:done.
type AudioTranscribeDone struct {
	RequestID        string   `json:"request_id,omitzero"`        // of the transcription
	RecordingID      string   `json:"recording_id,omitzero"`      // of the recording
	TranscriptionURL string   `json:"transcription_url,omitzero"` // where the text is
	Error            string   `json:"error,omitzero"`             // why transcribing failed
	Channel          *Channel `json:"channel,omitzero"`           // the leg, if one was recorded
}
