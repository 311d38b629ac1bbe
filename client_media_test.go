package nexmo_test

import (
	"context"
	"time"

	"github.com/conversation-events/nexmo"
)

func mediaCases() []requestCase {
	const path = "/v1/conversations/CON-1"
	const played = `{"message":"Talk started","uuid":"63f61863-4a51-4f6b-86e1-46edebcf9356"}`
	playback := &nexmo.Playback{Message: "Talk started", UUID: "63f61863-4a51-4f6b-86e1-46edebcf9356"}
	return []requestCase{
		{
			"talk",
			[]exchange{{method: "PUT", target: path + "/talk", body: `{"text":"hello"}`, answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.StartTalk(ctx, "CON-1", nexmo.TalkParams{Text: "hello"})
			},
			playback,
		},
		{
			"talk with everything",
			[]exchange{{method: "PUT", target: path + "/talk", body: `{"text":"a < b","language":"en-GB","style":1,"premium":false,"loop":0,"level":"-0.4"}`, answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.StartTalk(ctx, "CON-1", nexmo.TalkParams{Text: "a < b", Language: "en-GB", Style: 1, Premium: nexmo.False, Loop: new(0), Level: -0.4})
			},
			playback,
		},
		{
			"stop to talk",
			[]exchange{{method: "DELETE", target: path + "/talk", answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.StopTalk(ctx, "CON-1") },
			playback,
		},
		{
			"stop to talk, answered with nothing",
			[]exchange{{method: "DELETE", target: path + "/talk", status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.StopTalk(ctx, "CON-1") },
			&nexmo.Playback{},
		},
		{
			"stream",
			[]exchange{{method: "PUT", target: path + "/stream", body: `{"stream_url":["https://example.com/waiting.mp3"],"loop":3,"level":"1"}`, answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.StartStream(ctx, "CON-1", nexmo.StreamParams{StreamURL: []string{"https://example.com/waiting.mp3"}, Loop: new(3), Level: 1})
			},
			playback,
		},
		{
			"stop the stream",
			[]exchange{{method: "DELETE", target: path + "/stream", answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.StopStream(ctx, "CON-1") },
			playback,
		},
		{
			"record",
			[]exchange{{method: "PUT", target: path + "/record", body: `{"action":"start"}`, status: 200}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.StartRecording(ctx, "CON-1", nexmo.RecordParams{}))
			},
			nil,
		},
		{
			"record with everything",
			[]exchange{{method: "PUT", target: path + "/record", body: `{"action":"start","event_url":["https://example.com/e"],"event_method":"GET","split":"conversation","format":"vorbis","retention_ttl":400,"timeout":7200,
				"transcription":{"language":"en-US","sentiment_analysis":true,"event_url":["https://example.com/t"],"event_method":"POST"}}`, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.StartRecording(ctx, "CON-1", nexmo.RecordParams{
					EventURL: []string{"https://example.com/e"}, EventMethod: "GET", Split: "conversation", Format: nexmo.RecordFormatVorbis,
					RetentionDays: 400, Timeout: nexmo.Seconds(2 * time.Hour), Transcription: &nexmo.RecordTranscription{
						Language: "en-US", SentimentAnalysis: nexmo.True, EventURL: []string{"https://example.com/t"}, EventMethod: "POST",
					},
				}))
			},
			nil,
		},
		{
			"stop the recording",
			[]exchange{{method: "PUT", target: path + "/record", body: `{"action":"stop"}`, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.StopRecording(ctx, "CON-1"))
			},
			nil,
		},
	}
}
