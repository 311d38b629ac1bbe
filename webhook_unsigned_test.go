package nexmo_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestWebhookUnsigned(t *testing.T) {
	t.Parallel()
	verifier := func() *nexmo.Verifier { return &nexmo.Verifier{Secrets: []string{hookSecret}} }
	unsigned := func() *http.Request {
		r := signed(hookText(1))
		r.Header.Del("Authorization")
		return r
	}
	garbage := func() *http.Request {
		r := signed(hookText(1))
		r.Header.Set("Authorization", "Bearer garbage")
		return r
	}
	forged := func() *http.Request { return signedBy("another", hookText(1)) }
	stale := func() *http.Request {
		return signed(hookText(1), nexmotest.IssuedAt(time.Now().Add(-time.Hour)))
	}
	good := func() *http.Request { return signed(hookText(1)) }
	type requests map[string]struct {
		r    func() *http.Request
		want int
	}
	tests := []struct {
		name     string
		handler  *nexmo.WebhookHandler
		requests requests
		warned   bool
	}{
		{
			name: "plain", handler: &nexmo.WebhookHandler{Verifier: verifier()},
			requests: requests{"good": {good, 204}, "unsigned": {unsigned, 401}, "garbage": {garbage, 401}, "forged": {forged, 401}, "stale": {stale, 401}},
		},
		{
			name: "RetryUnsigned", handler: &nexmo.WebhookHandler{Verifier: verifier(), RetryUnsigned: true},
			requests: requests{"good": {good, 204}, "unsigned": {unsigned, 503}, "garbage": {garbage, 401}, "forged": {forged, 401}, "stale": {stale, 401}},
		},
		{
			name: "AllowUnsigned", handler: &nexmo.WebhookHandler{Verifier: verifier(), AllowUnsigned: true}, warned: true,
			requests: requests{"good": {good, 204}, "unsigned": {unsigned, 204}, "garbage": {garbage, 401}, "forged": {forged, 401}, "stale": {stale, 401}},
		},
		{
			name: "AllowUnsigned and RetryUnsigned", handler: &nexmo.WebhookHandler{Verifier: verifier(), AllowUnsigned: true, RetryUnsigned: true}, warned: true,
			requests: requests{"good": {good, 204}, "unsigned": {unsigned, 204}, "garbage": {garbage, 401}, "forged": {forged, 401}},
		},
		{
			name: "AllowUnsigned without a Verifier", handler: &nexmo.WebhookHandler{AllowUnsigned: true}, warned: true,
			requests: requests{"good": {good, 204}, "unsigned": {unsigned, 204}, "garbage": {garbage, 204}, "forged": {forged, 204}},
		},
		{
			name: "AllowUnsigned with a Verifier without secrets", handler: &nexmo.WebhookHandler{Verifier: new(nexmo.Verifier), AllowUnsigned: true}, warned: true,
			requests: requests{"good": {good, 503}, "unsigned": {unsigned, 204}},
		},
		{
			name: "no Verifier", handler: new(nexmo.WebhookHandler),
			requests: requests{"good": {good, 503}, "unsigned": {unsigned, 503}},
		},
		{
			name: "no Verifier, RetryUnsigned", handler: &nexmo.WebhookHandler{RetryUnsigned: true},
			requests: requests{"good": {good, 503}, "unsigned": {unsigned, 503}},
		},
		{
			name: "a Verifier without secrets", handler: &nexmo.WebhookHandler{Verifier: new(nexmo.Verifier)},
			requests: requests{"good": {good, 503}, "unsigned": {unsigned, 401}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log hookLog
			var sink hookRecorder
			h := test.handler
			h.Sink, h.Logger = &sink, log.logger()
			delivered := []nexmo.EventID{}
			for range 3 {
				for name, request := range test.requests {
					if got := answer(t, h, request.r()); got != request.want {
						t.Errorf("%s: answered %d, want %d", name, got, request.want)
					}
					if request.want == http.StatusNoContent {
						delivered = append(delivered, 1)
					}
				}
			}
			if diff := cmp.Diff(delivered, sink.ids()); diff != "" {
				t.Errorf("delivered (-want +got):\n%s", diff)
			}
			want := 0
			if test.warned {
				want = 1
			}
			if got := strings.Count(log.String(), "AllowUnsigned)"); got != want {
				t.Errorf("warned %d times, want %d: %s", got, want, log.String())
			}
		})
	}
}

// The limits hold for those who need no token too.
func TestWebhookUnsignedIsBounded(t *testing.T) {
	t.Parallel()
	h := &nexmo.WebhookHandler{AllowUnsigned: true, Sink: new(hookRecorder), Timeout: time.Hour}
	body := &countingReader{left: 64 << 20}
	r := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(body))
	r.ContentLength = -1
	wantAnswer(t, h, r, http.StatusRequestEntityTooLarge)
	if body.read > 1<<20+1 {
		t.Errorf("%d bytes were read", body.read)
	}
}
