package nexmo_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

func TestWebhookReceiveEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		failing := errors.New("not now")
		h := newHook(nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			time.Sleep(time.Duration(e.ID) * time.Second)
			if e.ID == 2 {
				return failing
			}
			return nil
		}))
		var answered bool
		var got []webhookResult
		var errs []error
		observe(h, func(ctx context.Context, r webhookResult) {
			if ctx.Value(observeKey{}) != "of the request" {
				t.Error("ctx is not that of the request")
			}
			if answered {
				t.Error("called after the answer was sent")
			}
			errs = append(errs, r.Err)
			r.Err = nil
			got = append(got, r)
		})
		put := signed(hookText(1))
		put.Method = http.MethodPut
		for _, r := range []*http.Request{
			signed(hookText(1)), signed(hookText(2)), signed(hookText(5)), signed([]byte(`{"type":"odd","body":{}}`)),
			signed([]byte(`{}`)), signedBy("another", hookText(1)), put,
		} {
			answered = false
			w := statusFunc(func(int) { answered = true })
			h.ServeHTTP(w, r.WithContext(context.WithValue(t.Context(), observeKey{}, "of the request")))
			if !answered {
				t.Error("there was no answer")
			}
		}
		want := []webhookResult{
			{Status: 204, EventType: "text", ConversationID: "CON-hook", EventID: 1, Duration: time.Second},
			{Status: 503, EventType: "text", ConversationID: "CON-hook", EventID: 2, Duration: 2 * time.Second},
			{Status: 503, EventType: "text", ConversationID: "CON-hook", EventID: 5, Duration: 4 * time.Second},
			{Status: 204, EventType: "odd"},
			{Status: 400},
			{Status: 401},
			{Status: 405},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("ReceiveEnd was told (-want +got):\n%s", diff)
		}
		for i, want := range []error{nil, failing, nil, nil, nil, nexmo.ErrWebhookSignature, nil} {
			ok := errors.Is(errs[i], want)
			if want == nil {
				ok = (errs[i] == nil) == (got[i].Status == http.StatusNoContent)
			}
			if !ok {
				t.Errorf("request %d: ReceiveEnd was told %v", i, errs[i])
			}
		}
		if _, ok := errors.AsType[*nexmo.DecodeError](errs[4]); !ok {
			t.Errorf("what is no event: ReceiveEnd was told %v", errs[4])
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

type observeKey struct{}

// statusFunc is a ResponseWriter that can do next to nothing.
type statusFunc func(int)

func (f statusFunc) Header() http.Header { return http.Header{} }

func (f statusFunc) Write(p []byte) (int, error) { return len(p), nil }

func (f statusFunc) WriteHeader(status int) { f(status) }

// Of what is logged of a webhook, nothing is content.
func TestWebhookLog(t *testing.T) {
	t.Parallel()
	for _, status := range []int{204, 400, 401, 503} {
		var log hookLog
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			if status == http.StatusServiceUnavailable {
				return errors.New("not now")
			}
			return nil
		}))
		h.Logger = log.logger()
		secret, body := hookSecret, hookText(7)
		switch status {
		case http.StatusBadRequest:
			body = append(body, body...)
		case http.StatusUnauthorized:
			secret = "the secret of somebody else"
		}
		r := signedBy(secret, body)
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		wantAnswer(t, h, r, status)
		got := log.String()
		for _, private := range []string{hookSecret, secret, token, "private words", "MEM-hook", hashOf(string(body)), "abcd1234"} {
			if strings.Contains(got, private) {
				t.Errorf("%d: the log holds %q: %s", status, private, got)
			}
		}
		level := map[int]string{204: "", 400: "level=WARN ", 401: "level=WARN ", 503: "level=ERROR "}[status]
		if !strings.Contains(got, level) {
			t.Errorf("%d: want %q in the log: %s", status, level, got)
		}
		if status == http.StatusNoContent && got != "" {
			t.Errorf("a webhook that was handled is logged: %s", got)
		}
		if status == http.StatusServiceUnavailable {
			for _, attr := range []string{"status=503", "conversation_id=CON-hook", "event_id=7", "event_type=text", "not now"} {
				if !strings.Contains(got, attr) {
					t.Errorf("the log lacks %q: %s", attr, got)
				}
			}
		}
	}
}
