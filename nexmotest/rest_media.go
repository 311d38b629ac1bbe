package nexmotest

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/conversation-events/nexmo"
)

var mediaRoutes = []route{
	{v1, http.MethodPut, "/conversations/{conversation}/talk", startTalk},
	{v1, http.MethodDelete, "/conversations/{conversation}/talk", stopTalk},
	{v1, http.MethodPut, "/conversations/{conversation}/stream", startStream},
	{v1, http.MethodDelete, "/conversations/{conversation}/stream", stopStream},
	{v1, http.MethodPut, "/conversations/{conversation}/record", record},
}

func startTalk(r *request) (answer, *apiError) {
	f := r.fields()
	f.require("text")
	body := object{
		"say_id": newUUID(), "text": f.word("text", anyLength), "language": "en-US", "style": int64(0),
		"premium": f.has("premium") && string(f.members["premium"]) == "true", "ssml": false,
	}
	if language := f.word("language", anyLength); language != "" {
		body["language"] = language
	}
	if style := f.integer("style", 0, 1000); style != nil {
		body["style"] = *style
	}
	return r.startAudio(f, nexmo.EventAudioSay, body, body["say_id"], "Talk started")
}

func startStream(r *request) (answer, *apiError) {
	f := r.fields()
	f.require("stream_url")
	body := object{"play_id": newUUID(), "stream_url": f.raw("stream_url", '[')}
	return r.startAudio(f, nexmo.EventAudioPlay, body, body["play_id"], "Stream started")
}

// startAudio emits the event of what is to be heard. The level, which requests
// have as text, is a number there.
func (r *request) startAudio(f fields, t nexmo.EventType, body object, id any, message string) (answer, *apiError) {
	body["queue"], body["loop"], body["level"] = false, int64(1), float64(0)
	if loop := f.integer("loop", 0, 1<<31); loop != nil {
		body["loop"] = *loop
	}
	if text := f.text("level", anyLength); text != nil && *text != "" {
		level, err := strconv.ParseFloat(*text, 64)
		if err != nil || !(level >= -1 && level <= 1) { // NaN is neither
			f.fault("level", `"level" must be between -1 and 1`)
		}
		body["level"] = level
	}
	c, err := r.activeConversation()
	if err == nil {
		err = f.err()
	}
	if err != nil {
		return answer{}, err
	}
	r.server.engine.emit(c, string(t), body, author{})
	return ok(object{"message": message, "uuid": id})
}

func stopTalk(r *request) (answer, *apiError) {
	return r.stopAudio(nexmo.EventAudioSay, nexmo.EventAudioSayStop, "say_id", "Talk stopped")
}

func stopStream(r *request) (answer, *apiError) {
	return r.stopAudio(nexmo.EventAudioPlay, nexmo.EventAudioPlayStop, "play_id", "Stream stopped")
}

func (r *request) stopAudio(started, stop nexmo.EventType, name, message string) (answer, *apiError) {
	c, err := r.activeConversation()
	if err != nil {
		return answer{}, err
	}
	id := c.lastOf(started, name)
	r.server.engine.emit(c, string(stop), object{name: id}, author{})
	return ok(object{"message": message, "uuid": id})
}

func record(r *request) (answer, *apiError) {
	c, err := r.activeConversation()
	if err != nil {
		return answer{}, err
	}
	f := r.fields()
	f.require("action")
	action, format := f.choice("action", "start", "stop"), f.choice("format", "mp3", "wav", "vorbis")
	f.choice("split", "conversation")
	f.raw("event_url", '[')
	retention := f.integer("retention_ttl", 1, 400)
	f.integer("timeout", 0, 7200)
	if err := f.err(); err != nil {
		return answer{}, err
	}
	if action == "stop" {
		r.server.engine.emit(c, string(nexmo.EventAudioRecordStop), object{"record_id": c.lastOf(nexmo.EventAudioRecord, "recording_id")}, author{})
		return answer{status: http.StatusOK}, nil
	}
	body := object{"recording_id": newUUID(), "format": "mp3", "validity": int64(31), "split": f.has("split"), "streamed": false}
	if format != "" {
		body["format"] = format
	}
	if retention != nil {
		body["validity"] = *retention
	}
	r.server.engine.emit(c, string(nexmo.EventAudioRecord), body, author{})
	return answer{status: http.StatusOK}, nil
}

// lastOf returns what the last event of a type calls what it started; "" if there
// is none.
func (c *conversation) lastOf(t nexmo.EventType, name string) string {
	for _, ev := range slices.Backward(c.events) {
		if ev.Type == string(t) {
			return newFields(ev.Body).word(name, anyLength)
		}
	}
	return ""
}
