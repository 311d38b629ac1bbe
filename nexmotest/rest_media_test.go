package nexmotest_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestAudio(t *testing.T) {
	t.Parallel()
	s := withMembers(t)
	s.play(
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"text":"hi","level":"-0.5","language":"en-GB","style":2,"premium":true,"loop":0}`, 200, `{"message":"Talk started","uuid":"ID-1"}`},
		step{"", "DELETE", "/v1/conversations/CON-1/talk", ``, 200, `{"message":"Talk stopped","uuid":"ID-1"}`},
		step{"", "PUT", "/v1/conversations/CON-1/stream", `{"stream_url":["https://example.com/a.mp3"]}`, 200, `{"message":"Stream started","uuid":"ID-2"}`},
		step{"", "DELETE", "/v1/conversations/CON-1/stream", ``, 200, `{"message":"Stream stopped","uuid":"ID-2"}`},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"start","format":"wav","retention_ttl":400,"split":"conversation"}`, 200, ``},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"stop"}`, 200, ``},
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"level":"2"}`, 400, ``},
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"text":"hi","level":"NaN"}`, 400, fault("level", `"level" must be between -1 and 1`)},
		step{"", "PUT", "/v1/conversations/CON-1/talk", `{"text":"hi","level":1}`, 400, fault("level", `"level" must be a string`)},
		step{"", "PUT", "/v1/conversations/CON-1/stream", `{"stream_url":"https://example.com/a.mp3"}`, 400, fault("stream_url", `"stream_url" must be an array`)},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"pause"}`, 400, fault("action", `"action" must be one of [start, stop]`)},
		step{"", "PUT", "/v1/conversations/CON-1/record", `{"action":"start","retention_ttl":401}`, 400, fault("retention_ttl", `"retention_ttl" must be less than or equal to 400`)},
	)
	_, body := s.do(step{method: "GET", path: "/v1/conversations/CON-1/events?start_id=2"})
	var got []string
	for _, e := range decode(t, body).(map[string]any)["_embedded"].(map[string]any)["events"].([]any) {
		e := e.(map[string]any)
		got = append(got, fmt.Sprint(e["type"], " ", e["body"]))
	}
	want := []string{
		`audio:say map[language:en-GB level:-0.5 loop:0 premium:true queue:false say_id:ID-1 ssml:false style:2 text:hi]`,
		`audio:say:stop map[say_id:ID-1]`,
		`audio:play map[level:0 loop:1 play_id:ID-2 queue:false stream_url:[https://example.com/a.mp3]]`,
		`audio:play:stop map[play_id:ID-2]`,
		`audio:record map[format:wav recording_id:ID-3 split:true streamed:false validity:400]`,
		`audio:record:stop map[record_id:ID-3]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("quality_ratio", "100")
	part, err := w.CreateFormFile("file", "a.png")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = part.Write([]byte("picture"))
	_ = w.Close()
	do := func(method, url, contentType string, body io.Reader) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, url, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.server.UserToken("alice"))
		r.Header.Set("Content-Type", contentType)
		a, err := s.server.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = a.Body.Close() }()
		content, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return a.StatusCode, string(content)
	}
	status, answer := do("POST", s.server.URL()+"/v1/image", w.FormDataContentType(), bytes.NewReader(form.Bytes()))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, answer)
	}
	for size, v := range decode(t, answer).(map[string]any) {
		url := v.(map[string]any)["url"].(string)
		if status, content := do("GET", url, "", nil); status != http.StatusOK || content != "picture" {
			t.Errorf("%s: %d %s", size, status, content)
		}
		if status, _ := do("DELETE", url, "", nil); status != http.StatusNoContent {
			t.Errorf("%s: deleting it: %d", size, status)
		}
		for _, method := range []string{"GET", "DELETE"} {
			if status, _ := do(method, url, "", nil); status != http.StatusNotFound {
				t.Errorf("%s: %s after that: %d", size, method, status)
			}
		}
	}
	if status, _ := do("POST", s.server.URL()+"/v1/image", "multipart/form-data; boundary=x", strings.NewReader("x")); status != http.StatusBadRequest {
		t.Errorf("without a file: %d", status)
	}
}

// A member offers audio and takes the offer back. The answer goes to that user
// alone, and fits the offer.
func TestOffers(t *testing.T) {
	t.Parallel()
	const offer, answer = `{"body":{"offer":{"sdp":"m=audio\r\na=setup:actpass\r\n"}}}`, `"m=audio\r\na=setup:active\r\n"`
	box := newInbox(t)
	box.verifier = &nexmo.Verifier{Secrets: []string{"secret"}}
	s := withMembers(t, nexmotest.WithSignatureSecret("secret"), nexmotest.WithEventHandler(box))
	seen := make(chan nexmotest.Seen, 100)
	s.server.Watch(func(e nexmotest.Seen) {
		if e.Type == string(nexmo.EventRTCAnswer) {
			seen <- e
		}
	})
	s.play(
		step{"alice", "POST", "/beta/conversations/CON-1/rtc", offer, 200, `{"rtc_id":"ID-1"}`},
		step{"alice", "POST", "/beta/conversations/CON-1/rtc/ID-1/offer", offer, 200, `{"rtc_id":"ID-1"}`},
		step{"alice", "POST", "/v0.3/conversations/CON-1/rtc/ID-1/answer", `{"from":"MEM-1","body":{"answer":"v=0"}}`, 204, ``},
		step{"alice", "DELETE", "/beta2/conversations/CON-1/rtc/ID-1?from=MEM-1&originating_session=x", ``, 200, `{}`},
		step{"alice", "POST", "/beta/legs", offer, 200, `{"rtc_id":"ID-2","sdp":` + answer + `}`},
		step{"", "POST", "/beta/legs", offer, 401, ``},
		step{"alice", "POST", "/beta/legs", `{}`, 400, `{"code":"http:error:validation-fail","description":"Input validation failure.","validation":{"body.offer.sdp":"\"sdp\" is required"}}`},
		step{"alice", "POST", "/v0.3/conversations/CON-1/rtc", `{"body":{}}`, 400, fault("body.offer.sdp", `"sdp" is required`)},
		step{"alice", "POST", "/v0.3/conversations/CON-1/rtc/ID-1/answer", `{}`, 400, fault("body.answer", `"answer" is required`)},
		step{"bob", "POST", "/v0.3/conversations/CON-1/rtc", offer, 400, problem(400, "event:error:not-joined", "The author has not joined the conversation.")},
		step{"bob", "DELETE", "/beta2/conversations/CON-1/rtc/ID-1?from=MEM-1", ``, 403, ``},
		step{"alice", "DELETE", "/beta2/conversations/CON-9/rtc/ID-1", ``, 404, ``},
		step{"", "PATCH", "/v1/conversations/CON-1/members/MEM-1", `{"state":"left"}`, 200, ``},
	)
	var types []string
	for e, err := range s.server.EventsAfter(t.Context(), s.real("CON-1"), 1) {
		if err != nil {
			t.Fatal(err)
		}
		what := string(e.Type)
		if b, ok := nexmo.As[*nexmo.LegStatusUpdate](e); ok {
			what += " " + string(b.Status) + " " + s.name(b.LegID)
		}
		types = append(types, what)
	}
	on := []string{"leg:status:update answered ID-1", "member:media"}
	want := slices.Concat(on, on, on[:1], []string{"rtc:answered"}, on[1:], []string{"rtc:hangup", "leg:status:update completed ID-1", "member:left"})
	if diff := cmp.Diff(want, types); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if len(seen) != 2 {
		t.Fatalf("%d answers", len(seen))
	}
	e := <-seen
	if diff := cmp.Diff([]string{"USR-1"}, []string{s.name(strings.Join(e.Audience, " "))}); diff != "" || e.ID != 0 {
		t.Errorf("event %d, audience (-want +got):\n%s", e.ID, diff)
	}
	posted := `{"application_id":"APPLICATION","type":"rtc:answer","conversation_id":"CON-1","timestamp":"TIME","body":{"rtc_id":"ID-1","answer":` + answer + `}}`
	if diff := cmp.Diff(decode(t, posted), decode(t, s.name(string(s.server.ExpectWebhook(nexmo.EventRTCAnswer).Body)))); diff != "" {
		t.Errorf("rtc:answer (-want +got):\n%s", diff)
	}
}
