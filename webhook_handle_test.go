package nexmo_test

import (
	"context"
	"errors"
	"io"
	stdlog "log"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// request is a webhook without net/http.
func request(body []byte, opts ...nexmotest.SignOption) nexmo.WebhookRequest {
	return nexmo.WebhookRequest{
		Method: http.MethodPost, Header: http.Header{"Authorization": {"Bearer " + nexmotest.Sign(hookSecret, body, opts...)}}, Body: body,
	}
}

// Handle answers what ServeHTTP answers, and delivers the same event.
func TestWebhookHandleIsServeHTTP(t *testing.T) {
	t.Parallel()
	const query, hashed = "type=text&id=7&conversation_id=CON-1&body=%7B%22text%22:%22x%22%7D", `{"type":"text","id":"7","conversation_id":"CON-1","body":"{\"text\":\"x\"}"}`
	get := nexmo.WebhookRequest{Method: http.MethodGet, RawQuery: query, Header: http.Header{"Authorization": {"Bearer " + nexmotest.Sign(hookSecret, []byte(hashed))}}}
	with := func(r nexmo.WebhookRequest, change func(r *nexmo.WebhookRequest)) nexmo.WebhookRequest {
		change(&r)
		return r
	}
	post := request(hookText(1))
	tests := map[string]struct {
		r    nexmo.WebhookRequest
		h    func(h *nexmo.WebhookHandler)
		want nexmo.WebhookAnswer
	}{
		"POST":              {post, nil, nexmo.WebhookAnswer{Status: 204}},
		"GET":               {get, nil, nexmo.WebhookAnswer{Status: 204}},
		"another method":    {with(post, func(r *nexmo.WebhookRequest) { r.Method = http.MethodPut }), nil, nexmo.WebhookAnswer{Status: 405, Header: http.Header{"Allow": {"GET, POST"}}}},
		"not signed":        {with(post, func(r *nexmo.WebhookRequest) { r.Header = nil }), nil, nexmo.WebhookAnswer{Status: 401}},
		"another body":      {with(post, func(r *nexmo.WebhookRequest) { r.Body = hookText(2) }), nil, nexmo.WebhookAnswer{Status: 401}},
		"another query":     {with(get, func(r *nexmo.WebhookRequest) { r.RawQuery += "&x=1" }), nil, nexmo.WebhookAnswer{Status: 401}},
		"a malformed query": {with(get, func(r *nexmo.WebhookRequest) { r.RawQuery = "%zz" }), nil, nexmo.WebhookAnswer{Status: 400}},
		"no event":          {request([]byte(`{}`)), nil, nexmo.WebhookAnswer{Status: 400}},
		"as large as may be": {
			post, func(h *nexmo.WebhookHandler) { h.Verifier.MaxBody = int64(len(hookText(1))) }, nexmo.WebhookAnswer{Status: 204},
		},
		"too large": {
			post, func(h *nexmo.WebhookHandler) { h.Verifier.MaxBody = int64(len(hookText(1))) - 1 }, nexmo.WebhookAnswer{Status: 413},
		},
		"a query that is too large": {
			get, func(h *nexmo.WebhookHandler) { h.Verifier.MaxBody = int64(len(query)) - 1 }, nexmo.WebhookAnswer{Status: 413},
		},
		"without a Sink": {
			post, func(h *nexmo.WebhookHandler) { h.Sink = nil }, nexmo.WebhookAnswer{Status: 503, Header: http.Header{"Retry-After": {"5"}}},
		},
		"a handler fails": {
			post, func(h *nexmo.WebhookHandler) {
				h.Sink = nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return errors.New("not now") })
			}, nexmo.WebhookAnswer{Status: 503, Header: http.Header{"Retry-After": {"5"}}},
		},
		"unsigned, and allowed": {
			with(post, func(r *nexmo.WebhookRequest) { r.Header = nil }), func(h *nexmo.WebhookHandler) { h.AllowUnsigned = true }, nexmo.WebhookAnswer{Status: 204},
		},
		"unsigned, allowed, and too large": {
			with(get, func(r *nexmo.WebhookRequest) { r.Header = nil }), func(h *nexmo.WebhookHandler) { h.AllowUnsigned, h.Verifier.MaxBody = true, 5 }, nexmo.WebhookAnswer{Status: 413},
		},
		"unsigned, to be sent again": {
			with(post, func(r *nexmo.WebhookRequest) { r.Header = nil }), func(h *nexmo.WebhookHandler) { h.RetryUnsigned = true },
			nexmo.WebhookAnswer{Status: 503, Header: http.Header{"Retry-After": {"5"}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var results [2]webhookResult
			var sinks [2]hookRecorder
			var answers [2]nexmo.WebhookAnswer
			for i := range answers {
				h := newHook(&sinks[i])
				if test.h != nil {
					test.h(h)
				}
				observe(h, func(_ context.Context, r webhookResult) { r.Duration = 0; results[i] = r })
				if i == 0 {
					answers[i] = h.Handle(t.Context(), test.r)
					continue
				}
				r := httptest.NewRequest(test.r.Method, "/?"+url.QueryEscape("x"), strings.NewReader(string(test.r.Body)))
				r.URL.RawQuery, r.Header = test.r.RawQuery, test.r.Header
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				answers[i] = nexmo.WebhookAnswer{Status: w.Code}
				if len(w.Header()) > 0 {
					answers[i].Header = w.Header()
				}
			}
			if diff := cmp.Diff([2]nexmo.WebhookAnswer{test.want, test.want}, answers); diff != "" {
				t.Errorf("Handle and ServeHTTP answer (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(sinks[1].events, sinks[0].events); diff != "" {
				t.Errorf("delivered (-ServeHTTP +Handle):\n%s", diff)
			}
			if diff := cmp.Diff(results[1], results[0], cmp.Comparer(func(a, b error) bool { return errorText(a) == errorText(b) })); diff != "" {
				t.Errorf("observed (-ServeHTTP +Handle):\n%s", diff)
			}
		})
	}
}

// Without net/http, the method may be left out, and names of headers come in any case.
func TestWebhookHandleOfOtherLibraries(t *testing.T) {
	t.Parallel()
	token := "Bearer " + nexmotest.Sign(hookSecret, hookText(1))
	tests := map[string]struct {
		header http.Header
		want   int
	}{
		"lower case":           {http.Header{"content-type": {"x"}, "authorization": {token}}, http.StatusNoContent},
		"upper case":           {http.Header{"AUTHORIZATION": {token}}, http.StatusNoContent},
		"twice":                {http.Header{"authorization": {token, token}}, http.StatusUnauthorized},
		"twice, in two cases":  {http.Header{"authorization": {token}, "AUTHORIZATION": {token}}, http.StatusUnauthorized},
		"another header":       {http.Header{"proxy-authorization": {token}}, http.StatusUnauthorized},
		"an empty one besides": {http.Header{"Authorization": {}, "authorization": {token}}, http.StatusNoContent},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sink hookRecorder
			a := newHook(&sink).Handle(t.Context(), nexmo.WebhookRequest{Header: test.header, Body: hookText(1)})
			if a.Status != test.want || (len(sink.ids()) == 1) != (test.want == http.StatusNoContent) {
				t.Errorf("answered %d, delivered %v", a.Status, sink.ids())
			}
		})
	}
}

// The fields of a handler hold for both ways in together.
func TestWebhookLimitsHoldForHandle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHook(nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error {
			if at, ok := ctx.Deadline(); !ok || time.Until(at) != time.Second {
				t.Errorf("the deadline is in %v", time.Until(at))
			}
			<-release
			return nil
		}))
		h.Timeout, h.MaxConcurrent, h.RememberTokens = time.Second, 2, 10
		results := observed(h)
		wantStatus := func(r nexmo.WebhookRequest, want int) {
			t.Helper()
			if got := h.Handle(t.Context(), r).Status; got != want {
				t.Errorf("answered %d, want %d", got, want)
			}
		}
		began := time.Now()
		wantStatus(request(hookText(1), nexmotest.Claim("jti", "1")), http.StatusServiceUnavailable) // after Timeout
		if took := time.Since(began); took != time.Second {
			t.Errorf("answered after %v", took)
		}
		wantAnswer(t, h, signed(hookText(1), nexmotest.Claim("jti", "1")), http.StatusServiceUnavailable) // the same token is under way
		wantAnswer(t, h, signed(hookText(2), nexmotest.Claim("jti", "2")), http.StatusServiceUnavailable)
		wantStatus(request(hookText(3)), http.StatusServiceUnavailable) // MaxConcurrent
		drained := make(chan error, 1)
		go func() { drained <- h.Drain(t.Context()) }()
		synctest.Wait()
		if len(drained) > 0 {
			t.Error("Drain does not wait for what Handle began")
		}
		close(release)
		if err := <-drained; err != nil {
			t.Error(err)
		}
		wantStatus(request(hookText(1), nexmotest.Claim("jti", "1")), http.StatusServiceUnavailable) // drained: see below
		if got := len(results()); got != 5 {
			t.Errorf("ReceiveEnd was called %d times, want 5", got)
		}
	})
}

// What comes back by Handle with a token that ServeHTTP has seen is a replay.
func TestWebhookTokensOfHandle(t *testing.T) {
	t.Parallel()
	h := newHook(new(hookRecorder))
	h.RememberTokens = 1
	wantAnswer(t, h, signed([]byte(hookTyping), nexmotest.Claim("jti", "1")), http.StatusNoContent)
	if got := h.Handle(t.Context(), request([]byte(hookTyping), nexmotest.Claim("jti", "1"))); got.Status != http.StatusUnauthorized {
		t.Errorf("answered %d", got.Status)
	}
}

// A Verifier reads a request to its end, whatever MaxBody says, and minds no missing body.
func TestVerifyReadsTheBody(t *testing.T) {
	t.Parallel()
	v := nexmo.Verifier{Secrets: []string{hookSecret}, MaxBody: math.MaxInt64}
	if _, payload, err := v.Verify(signed(hookText(1))); err != nil || string(payload) != string(hookText(1)) {
		t.Errorf("Verify = %s, %v", payload, err)
	}
	r := signed(hookText(1))
	r.Body = nil
	if _, _, err := v.Verify(r); !errors.Is(err, nexmo.ErrWebhookPayloadHash) {
		t.Errorf("Verify = %v", err)
	}
}

// A request that was made by hand has no URL.
func TestWebhookWithoutURL(t *testing.T) {
	t.Parallel()
	r := signed(hookText(1))
	r.URL = nil
	wantAnswer(t, newHook(new(hookRecorder)), r, http.StatusNoContent)
}

// Handle keeps nothing of the body.
func TestWebhookHandleKeepsNoBody(t *testing.T) {
	t.Parallel()
	var sink hookRecorder
	var letters deadLetters
	h := newHook(&sink)
	h.DeadLetter = letters.take
	for _, text := range []string{string(hookText(1)), `{"id":2}`} {
		body := []byte(text)
		if got := h.Handle(t.Context(), request(body)).Status; got != http.StatusNoContent {
			t.Errorf("answered %d", got)
		}
		clear(body)
	}
	if got := sink.events[0]; string(got.Raw) != string(hookText(1)) || got.ConversationID != "CON-hook" {
		t.Errorf("the event is %v", got)
	}
	if got := letters.all()[0]; got.Raw != `{"id":2}` {
		t.Errorf("the dead letter is %v", got)
	}
}

// panics returns a logger whose handler panics.
func panics() *slog.Logger { return slog.New(panickingHandler{}) }

type panickingHandler struct{}

func (panickingHandler) Enabled(context.Context, slog.Level) bool  { return true }
func (panickingHandler) Handle(context.Context, slog.Record) error { panic("a log that is broken") }
func (h panickingHandler) WithAttrs([]slog.Attr) slog.Handler      { return h }
func (h panickingHandler) WithGroup(string) slog.Handler           { return h }

// disabledPanics panics when it is asked whether it logs.
type disabledPanics struct{ panickingHandler }

func (disabledPanics) Enabled(context.Context, slog.Level) bool { panic("a log that is broken") }

// wildContext panics when it is asked for a value.
type wildContext struct{ context.Context }

func (wildContext) Value(any) any { panic("a context that is broken") }

// wildError panics when it is looked into.
type wildError struct{}

func (wildError) Error() string   { return "wild" }
func (wildError) Unwrap() []error { panic("an error that is broken") }

// A function of the program that panics does not cost the answer, and is logged.
func TestWebhookPanicsDoNotCostTheAnswer(t *testing.T) {
	t.Parallel()
	failing := nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return errors.New("not now") })
	tests := map[string]struct {
		change func(h *nexmo.WebhookHandler)
		ctx    func(context.Context) context.Context
		body   string
		want   int
		logged string // "": to the default logger
	}{
		"Trace": {
			func(h *nexmo.WebhookHandler) {
				observe(h, func(context.Context, webhookResult) { panic("metrics that are broken") })
			}, nil, string(hookText(1)), http.StatusNoContent, "a function of a Trace panicked",
		},
		"Trace of a failure": {
			func(h *nexmo.WebhookHandler) {
				h.Sink = failing
				observe(h, func(context.Context, webhookResult) { panic("metrics that are broken") })
			}, nil, string(hookText(1)), http.StatusServiceUnavailable, "a function of a Trace panicked",
		},
		"Logger": {
			func(h *nexmo.WebhookHandler) { h.Sink, h.Logger = failing, panics() }, nil, string(hookText(1)), http.StatusServiceUnavailable, "",
		},
		"Logger, asked whether it logs": {
			func(h *nexmo.WebhookHandler) { h.Sink, h.Logger = failing, slog.New(disabledPanics{}) }, nil, string(hookText(1)), http.StatusServiceUnavailable, "",
		},
		"Logger of what is set aside": {
			func(h *nexmo.WebhookHandler) {
				h.Sink = nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nexmo.Permanent(errors.New("never")) })
				h.Logger = panics()
			}, nil, string(hookText(1)), http.StatusNoContent, "",
		},
		"Verifier.Now": {
			func(h *nexmo.WebhookHandler) { h.Verifier.Now = func() time.Time { panic("a clock that is broken") } },
			nil, string(hookText(1)), http.StatusServiceUnavailable, "a clock that is broken",
		},
		"DeadLetter": {
			func(h *nexmo.WebhookHandler) {
				h.DeadLetter = func(context.Context, nexmo.DeadLetter) error { panic("a table that is broken") }
			}, nil, `{"id":1}`, http.StatusServiceUnavailable, "a table that is broken",
		},
		"Handled": {
			func(h *nexmo.WebhookHandler) {
				h.Sink = handledSink{h.Sink, func(string, nexmo.EventID) bool { panic("a set that is broken") }}
			}, nil, string(hookText(1)), http.StatusNoContent, "WebhookHandler.Sink panicked",
		},
		"a context": {
			func(*nexmo.WebhookHandler) {}, func(ctx context.Context) context.Context { return wildContext{ctx} }, string(hookText(1)), http.StatusServiceUnavailable, "a context that is broken",
		},
		"an error": {
			func(h *nexmo.WebhookHandler) {
				h.Sink = nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return wildError{} })
			}, nil, string(hookText(1)), http.StatusServiceUnavailable, "an error that is broken",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log hookLog
			h := newHook(new(hookRecorder))
			h.Logger = log.logger()
			test.change(h)
			ctx := t.Context()
			if test.ctx != nil {
				ctx = test.ctx(ctx)
			}
			if got := h.Handle(ctx, request([]byte(test.body))).Status; got != test.want {
				t.Errorf("answered %d, want %d", got, test.want)
			}
			wantAnswer(t, h, signed([]byte(test.body)).WithContext(ctx), test.want)
			if !strings.Contains(log.String(), test.logged) {
				t.Errorf("want %q in the log: %s", test.logged, log.String())
			}
			if err := h.Drain(t.Context()); err != nil { // nothing counts as under way
				t.Error(err)
			}
		})
	}
}

// A log that is broken is reported to the default logger.
//
//nolint:paralleltest // it sets the default logger
func TestBrokenLoggerIsReported(t *testing.T) {
	var log hookLog
	// SetDefault has package log write to the new one, and does not undo that.
	defer func(old *slog.Logger, w io.Writer, flags int) {
		slog.SetDefault(old)
		stdlog.SetOutput(w)
		stdlog.SetFlags(flags)
	}(slog.Default(), stdlog.Writer(), stdlog.Flags())
	slog.SetDefault(log.logger())
	h := newHook(nil)
	h.Logger = panics()
	wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
	if got := log.String(); !strings.Contains(got, "level=ERROR") || !strings.Contains(got, "the handler of a logger panicked") || strings.Contains(got, "a log that is broken") {
		t.Errorf("the default logger says %s", got)
	}
	slog.SetDefault(panics()) // it is the same one
	wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
}

// The ctx of a Sink has the values of the request's.
func TestWebhookContextHasTheValuesOfTheRequest(t *testing.T) {
	t.Parallel()
	for _, h := range []func(*nexmo.WebhookHandler, context.Context){
		func(h *nexmo.WebhookHandler, ctx context.Context) { h.Handle(ctx, request(hookText(1))) },
		func(h *nexmo.WebhookHandler, ctx context.Context) {
			h.ServeHTTP(httptest.NewRecorder(), signed(hookText(1)).WithContext(ctx))
		},
	} {
		var got any
		hook := newHook(nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error {
			got = ctx.Value(observeKey{})
			return nil
		}))
		h(hook, context.WithValue(t.Context(), observeKey{}, "of the request"))
		if got != "of the request" {
			t.Errorf("the value is %v", got)
		}
	}
}
