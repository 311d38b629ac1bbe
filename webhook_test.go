package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestWebhookMethods(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodConnect, "post", "Get", "PROPFIND"} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var sink hookRecorder
			h := newHook(&sink)
			results := observed(h)
			r := signed(hookText(1))
			r.Method = method
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if w.Code != http.StatusMethodNotAllowed || w.Body.Len() != 0 {
				t.Errorf("answered %d %q", w.Code, w.Body)
			}
			if diff := cmp.Diff(http.Header{"Allow": {"GET, POST"}}, w.Header()); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			if len(sink.ids()) != 0 {
				t.Error("an event was delivered")
			}
			if got := results(); len(got) != 1 || got[0].Status != http.StatusMethodNotAllowed || got[0].Err == nil {
				t.Errorf("ReceiveEnd was told %+v", got)
			}
		})
	}
}

// TestWebhookHandlesWhatAReaderCanMend: nobody hides an event from a handler by what is in
// it: an answer 400 would lose it.
func TestWebhookHandlesWhatAReaderCanMend(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{"type":"text","id":1,"conversation_id":"CON-1","body":{"text":"see you \ud83d"}}`, "{\"type\":\"text\",\"id\":1,\"x\":\"\xff\"}",
		"\ufeff" + `{"type":"text","id":1}`, `{"type":"image","type":"text","id":7,"id":1}`, `{"type":"text","id":1.0}`, `{"type":"text","id":1e0}`,
		`{"type":"text","id":"1","timestamp":1604307225497,"from":{},"_embedded":[],"isFromMB":"x"}`,
	} {
		var sink hookRecorder
		wantAnswer(t, newHook(&sink), signed([]byte(body)), http.StatusNoContent)
		if len(sink.events) != 1 || sink.events[0].ID != 1 {
			t.Errorf("%q: %d events were delivered", body, len(sink.events))
			continue
		}
		if _, ok := nexmo.As[*nexmo.Text](sink.events[0]); !ok {
			t.Errorf("%q: the body is a %T", body, sink.events[0].Body)
		}
	}
}

// What is signed but is no event is the sender's mistake, and final.
func TestWebhookNoEvent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, ` `, `null`, `true`, `"text"`, `[]`, `{}`, `{"type":null}`, `{"type":7}`, `{"id":1}`, `{"type":["text"],"id":1}`,
		`{"type":"text","id":1`, `{"type":"text","id":1}}`, `{"type":"text","type":null,"id":1}`, `{"type":"text","id":1,}`,
		"{\"type\":\"text\",\"id\":1,\"x\":\"\n\"}", "\ufeff\ufeff" + `{"type":"text","id":1}`, `{"type":"text","id":-}`,
		`[{"type":"text","id":1}]`, strings.Repeat("[", 1<<19), `<xml/>`, `type=text&id=1`,
	} {
		var sink hookRecorder
		var log hookLog
		h := newHook(&sink)
		h.Logger = log.logger()
		r := signed([]byte(body))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusBadRequest || w.Body.Len() != 0 {
			t.Errorf("%.40q: answered %d with %d bytes", body, w.Code, w.Body.Len())
		}
		if len(sink.ids()) != 0 {
			t.Errorf("%.40q: an event was delivered", body)
		}
		if !strings.Contains(log.String(), "status=400") {
			t.Errorf("%.40q: the log says %s", body, log.String())
		}
	}
}

func TestWebhookUnknownType(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("")
	var got []string
	app.On("*", func(_ context.Context, e *nexmo.Event) error {
		raw, ok := nexmo.As[*nexmo.RawBody](e)
		got = append(got, fmt.Sprintf("%d %s %t %s", e.ID, e.Type, ok, raw.JSON))
		return nil
	})
	wantAnswer(t, newHook(app), signed([]byte(`{"type":"member:promoted","id":1,"conversation_id":"CON-1","body":{"rank":2}}`)), http.StatusNoContent)
	if diff := cmp.Diff([]string{`1 member:promoted true {"rank":2}`}, got); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

// What a handler marks as permanent is logged as set aside, and the sender told that all is
// well. Nothing else passes for that: least of all a body of another event that a handler
// could not read, such as the answer to a request.
func TestWebhookPermanentErrors(t *testing.T) {
	t.Parallel()
	other := &nexmo.DecodeError{Type: "text", Err: errors.New("body: odd")}
	permanent := nexmo.Permanent(errors.New("no such order"))
	transient := errors.New("the database is away")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, http.StatusNoContent},
		{"permanent", permanent, http.StatusNoContent},
		{"wrapped", fmt.Errorf("handler: %w", permanent), http.StatusNoContent},
		{"two", errors.Join(permanent, nexmo.Permanent(other)), http.StatusNoContent},
		{"two, wrapped", fmt.Errorf("handler: %w", errors.Join(permanent, fmt.Errorf("again: %w", permanent))), http.StatusNoContent},
		{"another event that cannot be read", other, http.StatusServiceUnavailable},
		{"another event that cannot be read, wrapped", fmt.Errorf("handler: %w", other), http.StatusServiceUnavailable},
		{"other events that cannot be read", errors.Join(other, other), http.StatusServiceUnavailable},
		{"another", transient, http.StatusServiceUnavailable},
		{"another, wrapped", fmt.Errorf("handler: %w", transient), http.StatusServiceUnavailable},
		{"both", errors.Join(permanent, transient), http.StatusServiceUnavailable},
		{"both the other way", errors.Join(transient, permanent), http.StatusServiceUnavailable},
		{"both in a format", fmt.Errorf("%w and %w", permanent, transient), http.StatusServiceUnavailable},
		{"both, wrapped", fmt.Errorf("handler: %w", errors.Join(permanent, transient)), http.StatusServiceUnavailable},
		{"both, wrapped deeply", errors.Join(permanent, fmt.Errorf("1: %w", fmt.Errorf("2: %w", errors.Join(permanent, errors.Join(transient))))), http.StatusServiceUnavailable},
		{"the sentinel alone", nexmo.ErrPermanent, http.StatusServiceUnavailable},
		{"an empty list of errors", &errorList{}, http.StatusServiceUnavailable},
		{"a list with nothing in it", &errorList{[]error{nil}}, http.StatusServiceUnavailable},
		{"ctx", context.DeadlineExceeded, http.StatusServiceUnavailable},
		{"closed", nexmo.ErrClosed, http.StatusServiceUnavailable},
		{"an error like those of verifying", nexmo.ErrWebhookSignature, http.StatusServiceUnavailable},
		{"an error like that of a large body", nexmo.ErrWebhookTooLarge, http.StatusServiceUnavailable},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var log hookLog
			h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return test.err }))
			h.Logger = log.logger()
			results := observed(h)
			wantAnswer(t, h, signed(hookText(1)), test.want)
			if got := results(); len(got) != 1 || !errors.Is(got[0].Err, test.err) || (got[0].Err == nil) != (test.err == nil) {
				t.Errorf("ReceiveEnd was told %+v", got)
			}
			if logged := log.String(); (logged == "") != (test.err == nil) || test.err != nil && !strings.Contains(logged, "level=ERROR") {
				t.Errorf("the log says %s", logged)
			}
		})
	}
}

type errorList struct{ errs []error }

func (l *errorList) Error() string { return "a list of errors" }

func (l *errorList) Unwrap() []error { return l.errs }

func TestWebhookMalformedBody(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("")
	app.On("text", func(_ context.Context, e *nexmo.Event) error {
		if b, ok := nexmo.As[*nexmo.RawBody](e); ok {
			return nexmo.Permanent(b.Err)
		}
		return nil
	})
	raw := 0
	app.On("text", func(context.Context, *nexmo.Event) error {
		raw++
		return nil
	})
	var log hookLog
	h := newHook(app)
	h.Logger = log.logger()
	wantAnswer(t, h, signed([]byte(`{"type":"text","id":1,"conversation_id":"CON-1","body":[{"x":"private words"}]}`)), http.StatusNoContent)
	if raw != 1 {
		t.Errorf("the handler of every body was called %d times", raw)
	}
	if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "event_id=1") || strings.Contains(got, "private words") {
		t.Errorf("the log says %s", got)
	}
}

// Whatever a sink does, the sender gets its answer and the handler goes on.
func TestWebhookWildSinks(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		run  func()
		want func(err error) bool
	}{
		{"panic", func() { panic("private words") }, func(err error) bool {
			p, ok := errors.AsType[*nexmo.PanicError](err)
			return ok && p.Value == "private words" && len(p.Stack) > 0
		}},
		{"panic with an error", func() { panic(io.ErrClosedPipe) }, func(err error) bool { return errors.Is(err, io.ErrClosedPipe) }},
		{"panic with http.ErrAbortHandler", func() { panic(http.ErrAbortHandler) }, func(err error) bool { return errors.Is(err, http.ErrAbortHandler) }},
		{"panic of the runtime", func() { var v any = 1; _ = v.(string) }, func(err error) bool { _, ok := errors.AsType[*nexmo.PanicError](err); return ok }},
		{"Goexit", runtime.Goexit, func(err error) bool { return err != nil }},
	}
	for _, test := range tests {
		for _, how := range []string{"sink", "handler"} {
			t.Run(test.name+" in a "+how, func(t *testing.T) {
				t.Parallel()
				calls := 0
				wild := func(ctx context.Context, _ *nexmo.Event) error {
					if calls++; calls == 1 {
						test.run()
					}
					return ctx.Err()
				}
				var sink nexmo.Sink = nexmo.SinkFunc(wild)
				if how == "handler" {
					app := nexmo.NewApplication("")
					app.OnConversation(func(c *nexmo.Conversation) { c.On("text", wild) })
					sink = app
				}
				h := newHook(sink)
				h.MaxConcurrent = 1
				h.RememberTokens = 10
				results := observed(h)
				r := func() *http.Request { return signed(hookText(1), nexmotest.Claim("jti", "the same token")) }
				wantAnswer(t, h, r(), http.StatusServiceUnavailable)
				if got := results(); len(got) != 1 || !test.want(got[0].Err) {
					t.Errorf("ReceiveEnd was told %+v", got)
				}
				wantAnswer(t, h, r(), http.StatusNoContent)
				if calls != 2 {
					t.Errorf("called %d times", calls)
				}
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

func TestWebhookWithoutSink(t *testing.T) {
	t.Parallel()
	var log hookLog
	h := newHook(nil)
	h.Logger = log.logger()
	wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
	if !strings.Contains(log.String(), "Sink is nil") {
		t.Errorf("the log says %s", log.String())
	}
	log = hookLog{}
	h = &nexmo.WebhookHandler{Sink: new(hookRecorder), Logger: h.Logger}
	wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
	if !strings.Contains(log.String(), "Verifier is nil") {
		t.Errorf("the log says %s", log.String())
	}
	var zero nexmo.WebhookHandler
	wantAnswer(t, &zero, signed(hookText(1)), http.StatusServiceUnavailable)
}
