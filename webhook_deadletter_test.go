package nexmo_test

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// deadLetters is a function given to WithDeadLetter, and what it received.
type deadLetters struct {
	mu     sync.Mutex
	got    []nexmo.DeadLetter
	errs   []error // of the first calls
	panics int     // of the first calls
}

func (d *deadLetters) take(_ context.Context, letter nexmo.DeadLetter) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, letter)
	if len(d.got) <= d.panics {
		panic("a table that is broken")
	}
	if len(d.got) <= len(d.errs) {
		return d.errs[len(d.got)-1]
	}
	return nil
}

func (d *deadLetters) all() []nexmo.DeadLetter {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.got)
}

// What no retry makes succeed is given to DeadLetter, if nothing behind Sink took it. It is
// answered 204 when that is safe.
func TestWebhookDeadLetter(t *testing.T) {
	t.Parallel()
	never := nexmo.Permanent(errors.New("no such order"))
	tests := map[string]struct {
		letters *deadLetters
		want    []int // the answers
	}{
		"kept":             {&deadLetters{}, []int{204}},
		"not kept at once": {&deadLetters{errs: []error{errors.New("the table is locked")}}, []int{503, 204}},
		"panics at first":  {&deadLetters{panics: 1}, []int{503, 204}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log hookLog
			h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return never }))
			h.DeadLetter, h.RememberTokens, h.Logger = test.letters.take, 10, log.logger()
			results := observed(h)
			for _, want := range test.want {
				wantAnswer(t, h, signed(hookText(7), nexmotest.Claim("jti", "1")), want)
			}
			letter := nexmo.DeadLetter{ConversationID: "CON-hook", EventID: 7, Type: "text", Raw: nexmo.Raw(hookText(7)), Via: nexmo.ViaWebhook, Err: never}
			got := test.letters.all()
			if len(got) != len(test.want) {
				t.Fatalf("%d dead letters for %d webhooks", len(got), len(test.want))
			}
			for _, got := range got {
				if !errors.Is(got.Err, never) {
					t.Errorf("it was set aside for %v", got.Err)
				}
				got.Err = never
				if diff := cmp.Diff(letter, got, cmp.Comparer(func(a, b error) bool { return errors.Is(a, b) })); diff != "" {
					t.Errorf("the dead letter (-want +got):\n%s", diff)
				}
			}
			if last := results()[len(test.want)-1]; !errors.Is(last.Err, nexmo.ErrPermanent) {
				t.Errorf("ReceiveEnd was told %+v", last)
			}
			if strings.Contains(log.String(), "set aside") || strings.Contains(log.String(), "status=204") {
				t.Errorf("what was kept is logged as lost: %s", log.String())
			}
			// Its token was used, as by one that was handled.
			wantAnswer(t, h, signed(hookText(7), nexmotest.Claim("jti", "1")), http.StatusUnauthorized)
		})
	}
	t.Run("taken before", func(t *testing.T) {
		t.Parallel()
		var inner, outer deadLetters
		h := newHook(nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			return inner.take(ctx, nexmo.DeadLetter{EventID: e.ID})
		}))
		h.DeadLetter = outer.take
		wantAnswer(t, h, signed(hookText(7)), http.StatusNoContent)
		if len(inner.all()) != 1 || len(outer.all()) != 0 {
			t.Error("what was set aside is set aside again")
		}
	})
	t.Run("mended by a retry", func(t *testing.T) {
		t.Parallel()
		var letters deadLetters
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return errors.New("not now") }))
		h.DeadLetter = letters.take
		wantAnswer(t, h, signed(hookText(7)), http.StatusServiceUnavailable)
		if len(letters.all()) != 0 {
			t.Error("it is a dead letter")
		}
	})
}

// An authentic webhook that is not an event is a dead letter, or is refused with a log that
// says why and what to do.
func TestWebhookThatIsNoEventIsKept(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want nexmo.DeadLetter // without Raw, Via, Err
	}{
		"no JSON":          {`{"type":"text","id":3,"conversation_id":"CON-1"`, nexmo.DeadLetter{ConversationID: "CON-1", EventID: 3, Type: "text"}},
		"no type":          {`{"id":3,"conversation_id":"CON-1","body":{"text":"private words"}}`, nexmo.DeadLetter{ConversationID: "CON-1", EventID: 3}},
		"nested too deep":  {`{"type":"custom:a","body":` + strings.Repeat("[", 600) + strings.Repeat("]", 600) + `}`, nexmo.DeadLetter{Type: "custom:a"}},
		"nothing":          {``, nexmo.DeadLetter{}},
		"another language": {`<event id="3"/>`, nexmo.DeadLetter{}},
		"a list":           {`[{"type":"text"}]`, nexmo.DeadLetter{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var letters deadLetters
			letters.errs = []error{errors.New("the table is locked")}
			var sink hookRecorder
			h := newHook(&sink)
			h.DeadLetter = letters.take
			results := observed(h)
			wantAnswer(t, h, signed([]byte(test.body)), http.StatusServiceUnavailable)
			wantAnswer(t, h, signed([]byte(test.body)), http.StatusNoContent)
			got := letters.all()
			if len(got) != 2 {
				t.Fatalf("%d dead letters", len(got))
			}
			if _, ok := errors.AsType[*nexmo.DecodeError](got[1].Err); !ok || strings.Contains(got[1].Err.Error(), "private words") {
				t.Errorf("it is one because of %v", got[1].Err)
			}
			got[1].Err = nil
			test.want.Raw, test.want.Via = nexmo.Raw(test.body), nexmo.ViaWebhook
			if diff := cmp.Diff(test.want, got[1]); diff != "" {
				t.Errorf("the dead letter (-want +got):\n%s", diff)
			}
			if got := results()[1]; got.Status != http.StatusNoContent || got.Err == nil {
				t.Errorf("ReceiveEnd was told %+v", got)
			}

			var log hookLog
			h = newHook(&sink)
			h.Logger = log.logger()
			wantAnswer(t, h, signed([]byte(test.body)), http.StatusBadRequest)
			if got := log.String(); !strings.Contains(got, "set WebhookHandler.DeadLetter") || !strings.Contains(got, "nexmo: event") || strings.Contains(got, "private words") {
				t.Errorf("the log says %s", got)
			}
			if len(sink.ids()) != 0 {
				t.Error("an event was delivered")
			}
		})
	}
}

// The query of a GET that is no event is kept as the object that it is.
func TestWebhookQueryThatIsNoEventIsKept(t *testing.T) {
	t.Parallel()
	var letters deadLetters
	h := newHook(new(hookRecorder))
	h.DeadLetter = letters.take
	wantAnswer(t, h, getRequest("conversation_id=CON-1&body=%7B%22a%22:1%7D", `{"conversation_id":"CON-1","body":"{\"a\":1}"}`), http.StatusNoContent)
	if got := letters.all(); len(got) != 1 || got[0].Raw != `{"conversation_id":"CON-1","body":{"a":1}}` || got[0].ConversationID != "CON-1" {
		t.Errorf("the dead letters are %v", got)
	}
}

// DeadLetter is part of the delivery: it is bounded by MaxConcurrent and Timeout, and Drain
// waits for it.
func TestWebhookDeadLetterIsPartOfTheDelivery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHook(new(hookRecorder))
		h.MaxConcurrent = 1
		h.DeadLetter = func(ctx context.Context, _ nexmo.DeadLetter) error {
			if at, ok := ctx.Deadline(); !ok || time.Until(at) != 4*time.Second {
				t.Errorf("the deadline is in %v", time.Until(at))
			}
			<-release
			return nil
		}
		began := time.Now()
		wantAnswer(t, h, signed([]byte(`{}`)), http.StatusServiceUnavailable)
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("answered after %v", took)
		}
		wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
		drained := make(chan error, 1)
		go func() { drained <- h.Drain(t.Context()) }()
		synctest.Wait()
		if len(drained) > 0 {
			t.Error("Drain does not wait")
		}
		close(release)
		if err := <-drained; err != nil {
			t.Error(err)
		}
	})
}

// A callback of the Voice API is no rtc event, whatever it says: the log names the setting
// that sends it here.
func TestWebhookOfTheVoiceAPI(t *testing.T) {
	t.Parallel()
	callbacks := map[string]struct {
		text  string
		voice bool
	}{
		"status":            {`{"from":"447700900000","to":"447700900001","uuid":"aaaa","conversation_uuid":"CON-1","status":"answered","direction":"inbound","headers":{}}`, true},
		"machine detection": {`{"call_uuid":"aaaa","status":"machine","sub_state":"beep_start"}`, true},
		"status alone":      {`{"status":"ringing"}`, true},
		"input":             {`{"uuid":"aaaa","dtmf":{"digits":"1","timed_out":false}}`, true},
		"record":            {`{"recording_url":"https://example.com/a","conversation_uuid":"CON-1"}`, true},
		"transcription":     {`{"conversation_uuid":"CON-1","type":"record","status":"transcribed"}`, true},
		"transfer":          {`{"conversation_uuid_from":"CON-1","conversation_uuid_to":"CON-2","uuid":"aaaa","type":"transfer"}`, true},
		"moved":             {`{"conversation_uuid_from":"CON-1","type":"transfer"}`, true},
		"notify":            {`{"payload":{},"conversation_uuid":"CON-1"}`, true},
		"error":             {`{"reason":"bad NCCO","conversation_uuid":"CON-1"}`, true},
		"an empty type":     {`{"type":"","uuid":"aaaa"}`, true},
		"no type":           {`{"type":null,"uuid":"aaaa"}`, true},
		"of a message":      {`{"message_uuid":"aaaa","status":"delivered"}`, false},
		"of a short one":    {`{"messageId":"aaaa","status":"delivered"}`, false},
		"of an older one":   {`{"message-id":"aaaa","status":"delivered"}`, false},
		"none":              {`{"id":1,"body":{"uuid":"aaaa","status":"answered"}}`, false},
		"broken":            {`{"type":"text","uuid":"aaaa","status":"x"`, false},
	}
	for name, callback := range callbacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requests := map[string]*http.Request{"POST": signed([]byte(callback.text))}
			if name != "broken" && name != "no type" { // a query has no null
				var query, hashed []string
				for _, f := range fieldsInOrder(t, callback.text) {
					query = append(query, url.QueryEscape(f[0])+"="+url.QueryEscape(f[1]))
					hashed = append(hashed, quoted(f[0])+":"+quoted(f[1]))
				}
				requests["GET"] = getRequest(strings.Join(query, "&"), "{"+strings.Join(hashed, ",")+"}")
			}
			for method, r := range requests {
				var log hookLog
				var sink hookRecorder
				h := newHook(&sink)
				h.Logger = log.logger()
				wantAnswer(t, h, r, http.StatusBadRequest)
				if len(sink.ids()) != 0 {
					t.Errorf("%s: an event was delivered", method)
				}
				for _, want := range []string{"Voice API", "event_url", "rtc.webhooks.event_url"} {
					if got := log.String(); strings.Contains(got, want) != callback.voice {
						t.Errorf("%s: %q in the log: %t, want %t: %s", method, want, !callback.voice, callback.voice, got)
					}
				}
			}
		})
	}
	// Events of the words in question are events.
	for _, body := range []string{
		`{"type":"transfer","body":{}}`, `{"type":"record","id":1,"conversation_id":"CON-1"}`, `{"type":"leg:status:update","uuid":"aaaa","status":"answered","body":{}}`,
	} {
		var sink hookRecorder
		wantAnswer(t, newHook(&sink), signed([]byte(body)), http.StatusNoContent)
		if len(sink.ids()) != 1 {
			t.Errorf("%s is not delivered", body)
		}
	}
	// With a place for it, it is kept.
	var letters deadLetters
	h := newHook(new(hookRecorder))
	h.DeadLetter = letters.take
	wantAnswer(t, h, signed([]byte(callbacks["transfer"].text)), http.StatusNoContent)
	if got := letters.all(); len(got) != 1 || got[0].Type != "transfer" || !strings.Contains(got[0].Err.Error(), "Voice API") {
		t.Errorf("the dead letters are %v", got)
	}
}
