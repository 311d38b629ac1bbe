package nexmo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/conversation-events/nexmo"
)

const oddToken = "odd.secret-token.signature"

var oddTokens = nexmo.TokenFunc(func() (string, error) { return oddToken, nil })

// oddService answers requests in turn, the last answer for ever, and remembers
// what it was asked.
type oddService struct {
	transport *httpmock.MockTransport

	mu      sync.Mutex
	answers []httpmock.Responder
	at      []time.Time
	bodies  []string
	tokens  []string
}

func newOddService(answers ...httpmock.Responder) *oddService {
	s := &oddService{transport: httpmock.NewMockTransport(), answers: answers}
	s.transport.RegisterNoResponder(func(r *http.Request) (*http.Response, error) {
		body := ""
		if r.Body != nil {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			body = string(b)
		}
		s.mu.Lock()
		answer := s.answers[0]
		if len(s.answers) > 1 {
			s.answers = s.answers[1:]
		}
		s.at = append(s.at, time.Now())
		s.bodies = append(s.bodies, body)
		s.tokens = append(s.tokens, r.Header.Get("Authorization"))
		s.mu.Unlock()
		resp, err := answer(r)
		if resp != nil {
			resp.Request = r
		}
		return resp, err
	})
	return s
}

func (s *oddService) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

// waits returns how long it took from each request to the next.
func (s *oddService) waits() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waits []time.Duration
	for i := 1; i < len(s.at); i++ {
		waits = append(waits, s.at[i].Sub(s.at[i-1]))
	}
	return waits
}

func (s *oddService) client(t *testing.T, opts ...nexmo.ClientOption) *nexmo.Client {
	t.Helper()
	return oddClient(t, s.transport, opts...)
}

func oddClient(t *testing.T, transport http.RoundTripper, opts ...nexmo.ClientOption) *nexmo.Client {
	t.Helper()
	c, err := nexmo.NewClient(oddTokens, append([]nexmo.ClientOption{nexmo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	oddDialError = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	oddDNSError  = &net.DNSError{Err: "no such host", Name: "api.nexmo.com", IsNotFound: true}
)

func oddStatus(status int, body string) httpmock.Responder {
	return httpmock.NewStringResponder(status, body)
}

// oddCall is a request by its method.
type oddCall struct {
	method string
	do     func(ctx context.Context, c *nexmo.Client) error
}

func oddCalls() []oddCall {
	return []oddCall{
		{"GET", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.ConversationInfo(ctx, "CON-1")
			return err
		}},
		{"PUT", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateConversation(ctx, "CON-1", &nexmo.ConversationParams{Name: "a"})
			return err
		}},
		{"PATCH", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateUser(ctx, "USR-1", &nexmo.UserParams{DisplayName: "a"})
			return err
		}},
		{"DELETE", func(ctx context.Context, c *nexmo.Client) error { return c.DeleteUser(ctx, "USR-1") }},
		{"POST", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateConversation(ctx, &nexmo.ConversationParams{Name: "a"})
			return err
		}},
	}
}

// TestOddAnswers reads answers that are a success and not what they should be.
func TestOddAnswers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, answer string
		fails        bool
	}{
		{"HTML", "<html><body>private words</body></html>", true},
		{"text", "private words", true},
		{"cut short", `{"id":"CON-1","name":"private wor`, true},
		{"cut short in a list", `{"_embedded":{"conversations":[{"id":"private words"}`, true},
		{"two values", `{"id":"CON-1"}{"name":"private words"}`, true},
		{"a comma too many", `{"id":"private words",}`, true},
		{"invalid Unicode", "{\"id\":\"private words\xff\"}", false},
		{"nested for ever", strings.Repeat("[", 100_000), true},
		{"nested deeply", `{"a":` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `}`, true},
		{"array", `["private words"]`, false},
		{"text in quotes", `"private words"`, false},
		{"number", `1`, false},
		{"null", `null`, false},
		{"members of other types", `{"id":1,"name":["private words"],"timestamp":"private words","sequence_number":{},"properties":[1],"_embedded":"private words","_links":7}`, false},
		{"blanks", " \r\n\t ", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			s := newOddService(oddStatus(200, tt.answer))
			c := s.client(t, nexmo.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			info, err1 := c.ConversationInfo(t.Context(), "CON-1")
			page, err2 := c.ConversationsPage(t.Context(), nil)
			_, err3 := c.MemberInfo(t.Context(), "CON-1", "MEM-1")
			for _, err := range []error{err1, err2, err3} {
				if (err != nil) != tt.fails {
					t.Errorf("got %v", err)
				}
				if err != nil && (strings.Contains(err.Error(), "private") || !strings.Contains(err.Error(), "could not be read")) {
					t.Errorf("got %q", err)
				}
			}
			if tt.fails && (info != nil || page != nil) {
				t.Errorf("got %v and %v", info, page)
			}
			if strings.Contains(log.String(), "private") {
				t.Errorf("the log has what was answered:\n%s", &log)
			}
			if got := s.count(); got != 3 {
				t.Errorf("there were %d requests", got)
			}
		})
	}
}

// oddReader reads a text and then fails.
type oddReader struct {
	io.Reader
	err error
}

func (r *oddReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		err = r.err
	}
	return n, err
}

func (r *oddReader) Close() error { return nil }

// TestOddTruncated repeats what a connection broke off in the middle of, unless it
// might then be done twice.
func TestOddTruncated(t *testing.T) {
	t.Parallel()
	for _, call := range oddCalls() {
		t.Run(call.method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cut := func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &oddReader{strings.NewReader(`{"id":"CO`), io.ErrUnexpectedEOF}}, nil
				}
				s := newOddService(cut, cut, oddStatus(200, `{"id":"CON-1"}`))
				err := call.do(t.Context(), s.client(t))
				want := 3
				if call.method == http.MethodPost {
					want = 1
					if !errors.Is(err, io.ErrUnexpectedEOF) {
						t.Errorf("got %v", err)
					}
				} else if err != nil {
					t.Error(err)
				}
				if got := s.count(); got != want {
					t.Errorf("there were %d requests, want %d", got, want)
				}
			})
		})
	}
}

// oddEndless yields zeros.
type oddEndless struct {
	read   atomic.Int64
	closed atomic.Bool
}

func (e *oddEndless) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	clear(p)
	return len(p), nil
}

func (e *oddEndless) Close() error {
	e.closed.Store(true)
	return nil
}

// TestOddHuge gives up an answer that does not end, without keeping more of it
// than the largest that is read.
func TestOddHuge(t *testing.T) { //nolint:paralleltest // it measures what is allocated
	for _, status := range []int{200, 500} { //nolint:paralleltest // it measures what is allocated
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			body := new(oddEndless)
			s := newOddService(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: body}, nil
			})
			c := s.client(t, nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := c.ConversationInfo(t.Context(), "CON-1")
			runtime.ReadMemStats(&after)
			if err == nil || status == 200 && !strings.Contains(err.Error(), "32 MiB") {
				t.Errorf("got %v", err)
			}
			if s.count() != 1 {
				t.Errorf("there were %d requests", s.count())
			}
			if read := body.read.Load(); read > 33<<20 || !body.closed.Load() {
				t.Errorf("%d bytes were read, and the body is closed: %v", read, body.closed.Load())
			}
			if allocated := after.TotalAlloc - before.TotalAlloc; !raceEnabled && allocated > 3*32<<20 {
				t.Errorf("%d MiB were allocated", allocated>>20)
			}
			t.Logf("%d MiB were allocated", (after.TotalAlloc-before.TotalAlloc)>>20)
		})
	}
}

// TestOddLarge reads an answer of almost the largest size.
func TestOddLarge(t *testing.T) {
	t.Parallel()
	const most = 32 << 20
	answer := `{"id":"CON-1"}` + strings.Repeat(" ", most-14)
	s := newOddService(oddStatus(200, answer), oddStatus(200, answer+" "))
	c := s.client(t)
	if info, err := c.ConversationInfo(t.Context(), "CON-1"); err != nil || info.ID != "CON-1" {
		t.Errorf("got %v and %v", info, err)
	}
	if _, err := c.ConversationInfo(t.Context(), "CON-1"); err == nil {
		t.Error("a larger one was read")
	}
}

// TestOddRedirects follows no redirect: neither the token nor the body goes
// anywhere that the caller did not say.
func TestOddRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{300, 301, 302, 303, 307, 308} {
		for _, where := range []string{"other host", "same host", "other scheme", "other path only"} {
			t.Run(fmt.Sprintf("%d to %s", status, where), func(t *testing.T) {
				t.Parallel()
				var asked, stolen atomic.Int32
				thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Add(1) }))
				defer thief.Close()
				var own *httptest.Server
				own = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					asked.Add(1)
					if r.URL.Path == "/stolen" {
						stolen.Add(1)
					}
					w.Header().Set("Location", map[string]string{
						"other host": thief.URL + "/stolen", "same host": own.URL + "/stolen", "other scheme": "https://" + thief.Listener.Addr().String() + "/", "other path only": "/stolen",
					}[where])
					w.WriteHeader(status)
				}))
				defer own.Close()
				transport := new(http.Transport)
				defer transport.CloseIdleConnections()
				follow := func(*http.Request, []*http.Request) error { return nil }
				given := &http.Client{Transport: transport, CheckRedirect: follow}
				c := oddClient(t, transport, nexmo.WithHTTPClient(given), nexmo.WithBaseURL(own.URL))
				for i, call := range oddCalls() {
					err := call.do(t.Context(), c)
					if e, ok := errors.AsType[*nexmo.APIError](err); !ok || e.Status != status {
						t.Errorf("%s: got %v", call.method, err)
					}
					if got := int(asked.Load()); got != i+1 {
						t.Errorf("%s: there were %d requests, want %d", call.method, got, i+1)
					}
				}
				if n := stolen.Load(); n != 0 {
					t.Errorf("%d redirects were followed", n)
				}
				if given.CheckRedirect == nil || given.CheckRedirect(nil, nil) != nil {
					t.Error("the caller's client was changed")
				}
			})
		}
	}
}

// TestOddRetryAfter waits as long as the service asks, and no longer than the
// policy allows.
func TestOddRetryAfter(t *testing.T) {
	t.Parallel()
	const inTen = 10 * time.Second
	date := func(layout string, in time.Duration) func() string {
		return func() string { return time.Now().UTC().Add(in).Format(layout) }
	}
	text := func(s string) func() string { return func() string { return s } }
	tests := []struct {
		name   string
		header func() string
		asked  time.Duration // as the error has it
		wait   time.Duration
	}{
		{"none", text(""), 0, 0},
		{"seconds", text("3"), 3 * time.Second, 3 * time.Second},
		{"seconds with blanks", text(" 3 "), 3 * time.Second, 3 * time.Second},
		{"half seconds", text("2.5"), 2500 * time.Millisecond, 2500 * time.Millisecond},
		{"zero", text("0"), 0, 0},
		{"negative", text("-5"), 0, 0},
		{"garbage", text("soon"), 0, 0},
		{"NaN", text("NaN"), 0, 0},
		{"an hour", text("3600"), time.Hour, 30 * time.Second},
		{"huge", text("99999999999999999999"), 1e9 * time.Second, 30 * time.Second},
		{"infinite", text("Inf"), 1e9 * time.Second, 30 * time.Second},
		{"date", date(http.TimeFormat, inTen), inTen, inTen},
		{"date of RFC 850", date("Monday, 02-Jan-06 15:04:05 GMT", inTen), inTen, inTen},
		{"date of ANSI C", date(time.ANSIC, inTen), inTen, inTen},
		{"date long gone", date(http.TimeFormat, -time.Hour), 0, 0},
		{"date next year", date(http.TimeFormat, 366*24*time.Hour), 366 * 24 * time.Hour, 30 * time.Second},
	}
	for _, tt := range tests {
		for _, status := range []int{429, 503} {
			t.Run(fmt.Sprintf("%s %d", tt.name, status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					busy := func(*http.Request) (*http.Response, error) {
						resp := httpmock.NewStringResponse(status, "")
						resp.Header.Set("Retry-After", tt.header())
						return resp, nil
					}
					s := newOddService(busy, oddStatus(200, `{}`), busy)
					// The random wait is too short to matter.
					c := s.client(t, nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 2, MinDelay: 1}))
					if _, err := c.ConversationInfo(t.Context(), "CON-1"); err != nil {
						t.Fatal(err)
					}
					got := s.waits()
					if len(got) != 1 || got[0] < tt.wait || got[0] > tt.wait+time.Microsecond {
						t.Errorf("waited %v, want %v", got, tt.wait)
					}
					once := s.client(t, nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))
					_, err := once.ConversationInfo(t.Context(), "CON-1")
					e, ok := errors.AsType[*nexmo.APIError](err)
					if !ok {
						t.Fatalf("got %v", err)
					}
					if diff := cmp.Diff(tt.asked, e.RetryAfter); diff != "" {
						t.Errorf("RetryAfter (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// TestOddJitter waits at random, from nothing to twice as long as before, up to a
// bound.
func TestOddJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newOddService(oddStatus(503, ""))
		policy := nexmo.RetryPolicy{MaxAttempts: 8, MinDelay: 100 * time.Millisecond, MaxDelay: 2 * time.Second}
		c := s.client(t, nexmo.WithRetry(policy))
		bounds := []time.Duration{100, 200, 400, 800, 1600, 2000, 2000}
		const runs = 100
		sums := make([]time.Duration, len(bounds))
		least := slices.Repeat([]time.Duration{time.Hour}, len(bounds))
		most := make([]time.Duration, len(bounds))
		for range runs {
			before := s.count()
			if _, err := c.ConversationInfo(t.Context(), "CON-1"); err == nil {
				t.Fatal("no error")
			}
			waits := s.waits()
			if before > 0 {
				waits = waits[before:]
			}
			if len(waits) != len(bounds) {
				t.Fatalf("there were %d waits", len(waits))
			}
			for i, w := range waits {
				if w < 0 || w > bounds[i]*time.Millisecond {
					t.Errorf("wait %d took %v", i+1, w)
				}
				sums[i] += w
				least[i], most[i] = min(least[i], w), max(most[i], w)
			}
		}
		for i, bound := range bounds {
			bound *= time.Millisecond
			if mean := sums[i] / runs; mean < bound*3/10 || mean > bound*7/10 || least[i] > bound/5 || most[i] < bound*4/5 {
				t.Errorf("wait %d is not spread evenly up to %v: mean %v, from %v to %v", i+1, bound, mean, least[i], most[i])
			}
		}
	})
}

// TestOddAttempts tries again what may be, and nothing else.
func TestOddAttempts(t *testing.T) {
	t.Parallel()
	broken := httpmock.NewErrorResponder(io.ErrUnexpectedEOF)
	tests := []struct {
		name   string
		answer httpmock.Responder
		safe   int // attempts at what may be repeated
		post   int
	}{
		{"429", oddStatus(429, ""), 4, 4},
		{"500", oddStatus(500, ""), 4, 1},
		{"502", oddStatus(502, "<html>"), 4, 1},
		{"503", oddStatus(503, ""), 4, 1},
		{"504", oddStatus(504, ""), 4, 1},
		{"501", oddStatus(501, ""), 1, 1},
		{"505", oddStatus(505, ""), 1, 1},
		{"400", oddStatus(400, ""), 1, 1},
		{"401", oddStatus(401, ""), 1, 1},
		{"403", oddStatus(403, ""), 1, 1},
		{"404", oddStatus(404, ""), 1, 1},
		{"408", oddStatus(408, ""), 1, 1},
		{"409", oddStatus(409, ""), 1, 1},
		{"422", oddStatus(422, ""), 1, 1},
		{"broken connection", broken, 4, 1},
		{"reset connection", httpmock.NewErrorResponder(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}), 4, 1},
		{"no connection", httpmock.NewErrorResponder(oddDialError), 4, 4},
		{"no host", httpmock.NewErrorResponder(oddDNSError), 4, 4},
	}
	for _, tt := range tests {
		for _, call := range oddCalls() {
			t.Run(tt.name+" "+call.method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					s := newOddService(tt.answer)
					err := call.do(t.Context(), s.client(t, nexmo.WithLogger(slog.New(slog.NewTextHandler(&log, nil)))))
					want := tt.safe
					if call.method == http.MethodPost {
						want = tt.post
					}
					if err == nil || s.count() != want {
						t.Errorf("there were %d requests, want %d: %v", s.count(), want, err)
					}
					if e, ok := errors.AsType[*nexmo.APIError](err); ok && e.Attempts != want {
						t.Errorf("the error counts %d, want %d", e.Attempts, want)
					}
					if got := strings.Contains(err.Error(), fmt.Sprintf("after %d attempts", want)); got != (want > 1) {
						t.Errorf("got %q", err)
					}
					if got := strings.Count(log.String(), "tried again"); got != want-1 {
						t.Errorf("the log tells of %d repetitions, want %d", got, want-1)
					}
					if diff := cmp.Diff(slices.Repeat(s.bodies[:1], want), s.bodies); diff != "" {
						t.Errorf("the body is not the same each time (-want +got):\n%s", diff)
					}
				})
			})
		}
	}
}

// TestOddRecovers succeeds when one of the attempts does.
func TestOddRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newOddService(oddStatus(503, ""), httpmock.NewErrorResponder(io.EOF), oddStatus(429, ""), oddStatus(200, `{"id":"CON-1"}`))
		info, err := s.client(t).ConversationInfo(t.Context(), "CON-1")
		if err != nil || info.ID != "CON-1" || s.count() != 4 {
			t.Errorf("got %v and %v after %d requests", info, err, s.count())
		}
		s = newOddService(oddStatus(429, ""), httpmock.NewErrorResponder(oddDialError), oddStatus(201, `{"id":"CON-1"}`))
		info, err = s.client(t).CreateConversation(t.Context(), &nexmo.ConversationParams{Name: "a"})
		if err != nil || info.ID != "CON-1" || s.count() != 3 {
			t.Errorf("got %v and %v after %d requests", info, err, s.count())
		}
		for i, body := range s.bodies {
			if diff := cmp.Diff(`{"name":"a"}`, body); diff != "" {
				t.Errorf("body %d (-want +got):\n%s", i, diff)
			}
		}
	})
}

// TestOddDelete takes it for done when something is gone that an earlier attempt
// may have deleted.
func TestOddDelete(t *testing.T) {
	t.Parallel()
	gone := oddStatus(404, `{"code":"conversation:error:not-found"}`)
	broken := httpmock.NewErrorResponder(io.ErrUnexpectedEOF)
	tests := []struct {
		name    string
		answers []httpmock.Responder
		is      error
	}{
		{"at once", []httpmock.Responder{gone}, nexmo.ErrNotFound},
		{"after 500", []httpmock.Responder{oddStatus(500, ""), gone}, nil},
		{"after a broken connection", []httpmock.Responder{broken, gone}, nil},
		{"after 500 and 429", []httpmock.Responder{oddStatus(500, ""), oddStatus(429, ""), gone}, nil},
		{"after 429", []httpmock.Responder{oddStatus(429, ""), gone}, nexmo.ErrNotFound},
		{"after no connection", []httpmock.Responder{httpmock.NewErrorResponder(oddDialError), gone}, nexmo.ErrNotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for name, do := range map[string]func(c *nexmo.Client) error{
					"conversation": func(c *nexmo.Client) error { return c.DeleteConversation(t.Context(), "CON-1") },
					"event":        func(c *nexmo.Client) error { return c.DeleteEvent(t.Context(), "CON-1", 1) },
					"user":         func(c *nexmo.Client) error { return c.DeleteUser(t.Context(), "USR-1") },
				} {
					s := newOddService(tt.answers...)
					if err := do(s.client(t)); !errors.Is(err, tt.is) {
						t.Errorf("%s: got %v, want %v", name, err, tt.is)
					}
					if s.count() != len(tt.answers) {
						t.Errorf("%s: there were %d requests", name, s.count())
					}
				}
				// To read what is gone is no success.
				s := newOddService(oddStatus(500, ""), gone)
				if _, err := s.client(t).ConversationInfo(t.Context(), "CON-1"); !errors.Is(err, nexmo.ErrNotFound) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// TestOddLeave takes it for done when a member is in the state that an earlier
// attempt may have brought it to.
func TestOddLeave(t *testing.T) {
	t.Parallel()
	ended := oddStatus(400, `{"title":"Conflict.","code":"conversation:error:invalid-member-state"}`)
	left, joined := oddStatus(200, `{"id":"MEM-1","state":"LEFT"}`), oddStatus(200, `{"id":"MEM-1","state":"JOINED"}`)
	broken := httpmock.NewErrorResponder(io.ErrUnexpectedEOF)
	tests := []struct {
		name    string
		answers []httpmock.Responder
		code    nexmo.ErrorCode
	}{
		{"at once", []httpmock.Responder{ended}, nexmo.ErrorCodeInvalidMemberState},
		{"after 500, left", []httpmock.Responder{oddStatus(500, ""), ended, left}, ""},
		{"after a broken connection, left", []httpmock.Responder{broken, ended, left}, ""},
		{"after 500, not left", []httpmock.Responder{oddStatus(500, ""), ended, joined}, nexmo.ErrorCodeInvalidMemberState},
		{"after 500, gone", []httpmock.Responder{oddStatus(500, ""), ended, oddStatus(404, "")}, nexmo.ErrorCodeInvalidMemberState},
		{"after 500", []httpmock.Responder{oddStatus(500, ""), left}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newOddService(tt.answers...)
				m, err := s.client(t).UpdateMember(t.Context(), "CON-1", "MEM-1", &nexmo.MemberUpdate{State: "left"})
				if (err == nil) != (tt.code == "") || nexmo.CodeOf(err) != tt.code {
					t.Fatalf("got %v", err)
				}
				if err == nil && m.State != nexmo.MemberStateLeft {
					t.Errorf("got %v", m.State)
				}
				if s.count() != len(tt.answers) {
					t.Errorf("there were %d requests", s.count())
				}
			})
		})
	}
}

// TestOddCancelWaiting ends at once when ctx does, between two attempts.
func TestOddCancelWaiting(t *testing.T) {
	t.Parallel()
	for _, call := range oddCalls() {
		t.Run(call.method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				busy := oddStatus(429, `{"code":"http:error:too-many-request"}`).HeaderSet(http.Header{"Retry-After": {"20"}})
				s := newOddService(busy)
				ctx, cancel := context.WithCancel(t.Context())
				start := time.Now()
				time.AfterFunc(3*time.Second, cancel)
				err := call.do(ctx, s.client(t))
				if !errors.Is(err, context.Canceled) || !errors.Is(err, nexmo.ErrRateLimited) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took != 3*time.Second || s.count() != 1 {
					t.Errorf("it took %v and %d requests", took, s.count())
				}
				ctx, cancel = context.WithTimeout(t.Context(), 4*time.Second)
				defer cancel()
				start = time.Now()
				if err := call.do(ctx, s.client(t)); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("got %v", err)
				}
				if took := time.Since(start); took != 4*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestOddCancelInFlight ends at once when ctx does, while an answer is waited for
// or read, and does not try again.
func TestOddCancelInFlight(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"header", "body"} {
		for _, call := range oddCalls() {
			t.Run(where+" "+call.method, func(t *testing.T) {
				t.Parallel()
				asked := make(chan struct{}, 10)
				left := make(chan struct{}, 10)
				server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if where == "body" {
						_, _ = io.WriteString(w, `{"id":`)
						_ = http.NewResponseController(w).Flush()
					}
					asked <- struct{}{}
					<-r.Context().Done()
					left <- struct{}{}
				}))
				defer server.Close()
				transport := new(http.Transport)
				defer transport.CloseIdleConnections()
				ctx, cancel := context.WithCancel(t.Context())
				go func() {
					<-asked
					cancel()
				}()
				err := call.do(ctx, oddClient(t, transport, nexmo.WithBaseURL(server.URL)))
				if !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
				<-left // the connection is closed
				if len(asked) != 0 {
					t.Error("it was tried again")
				}
			})
		}
	}
}

// TestOddCancelled sends nothing when ctx has ended.
func TestOddCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	transport := new(http.Transport)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	defer transport.CloseIdleConnections()
	c := oddClient(t, transport, nexmo.WithBaseURL(server.URL))
	for _, call := range oddCalls() {
		if err := call.do(ctx, c); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", call.method, err)
		}
	}
	for _, err := range c.Users(ctx, nil) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("list: got %v", err)
		}
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("there were %d requests", n)
	}
}

// TestOddExpired asks once more with a fresh token when the service finds a token
// expired, and no more than once.
func TestOddExpired(t *testing.T) {
	t.Parallel()
	expired := map[string]httpmock.Responder{
		"code":    oddStatus(401, `{"code":"system:error:expired-token","title":"Token has expired."}`),
		"old":     oddStatus(401, `{"code":"system:error:expired-token","description":"Token has expired."}`),
		"account": oddStatus(401, `{"type":"https://developer.vonage.com/api-errors#jwt-expired","title":"JWT expired"}`),
	}
	credentials := func(t *testing.T, user bool) nexmo.TokenSource {
		if c := newCredentials(t); !user {
			return c
		}
		return newCredentials(t).User("priya", 0, nexmo.ClientACL())
	}
	for style, answer := range expired {
		for _, user := range []bool{false, true} {
			for _, call := range oddCalls() {
				t.Run(fmt.Sprintf("%s %s user=%v", style, call.method, user), func(t *testing.T) {
					t.Parallel()
					s := newOddService(answer, oddStatus(200, `{}`))
					c, err := nexmo.NewClient(credentials(t, user), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
					if err != nil {
						t.Fatal(err)
					}
					for range 2 { // the fresh token is kept
						if err := call.do(t.Context(), c); err != nil {
							t.Fatal(err)
						}
					}
					if s.count() != 3 || s.tokens[0] == s.tokens[1] || s.tokens[1] != s.tokens[2] {
						t.Errorf("there were %d requests, or the tokens were not renewed once", s.count())
					}
					always := newOddService(answer)
					c, err = nexmo.NewClient(credentials(t, user), nexmo.WithHTTPClient(&http.Client{Transport: always.transport}))
					if err != nil {
						t.Fatal(err)
					}
					if err := call.do(t.Context(), c); !errors.Is(err, nexmo.ErrUnauthorized) || always.count() != 2 {
						t.Errorf("got %v after %d requests", err, always.count())
					}
				})
			}
		}
	}
	for name, tt := range map[string]struct {
		tokens []string
		want   int // requests
	}{
		"fresh ones of another source": {[]string{"a", "b"}, 2},
		"no other one":                 {[]string{"a", "a"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newOddService(expired["code"])
			next := 0
			var log bytes.Buffer
			c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { next++; return tt.tokens[next-1], nil }),
				nexmo.WithHTTPClient(&http.Client{Transport: s.transport}), nexmo.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.UserInfo(t.Context(), "USR-1"); nexmo.CodeOf(err) != nexmo.ErrorCodeExpiredToken || s.count() != tt.want {
				t.Errorf("got %v after %d requests", err, s.count())
			}
			if got := log.String(); strings.Count(got, "expired") != 2 || !strings.Contains(got, "system:error:expired-token") {
				t.Errorf("the log is %q", got)
			}
		})
	}
	t.Run("another 401", func(t *testing.T) {
		t.Parallel()
		s := newOddService(oddStatus(401, `{"code":"system:error:invalid-token"}`))
		c, err := nexmo.NewClient(newCredentials(t), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UserInfo(t.Context(), "USR-1"); nexmo.CodeOf(err) != nexmo.ErrorCodeInvalidToken || s.count() != 1 {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
	t.Run("without attempts to spare", func(t *testing.T) {
		t.Parallel()
		s := newOddService(expired["code"], oddStatus(200, `{}`))
		c, err := nexmo.NewClient(newCredentials(t), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}), nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UserInfo(t.Context(), "USR-1"); err != nil || s.count() != 2 {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
}

// TestOddNoToken sends nothing without a token.
func TestOddNoToken(t *testing.T) {
	t.Parallel()
	s := newOddService(oddStatus(200, `{}`))
	none := errors.New("the vault is closed")
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return "", none }), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UserInfo(t.Context(), "USR-1"); !errors.Is(err, none) || s.count() != 0 {
		t.Errorf("got %v after %d requests", err, s.count())
	}
	empty, err := nexmo.NewClient(nexmo.Credentials{}, nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := empty.UserInfo(t.Context(), "USR-1"); err == nil || s.count() != 0 {
		t.Errorf("got %v after %d requests", err, s.count())
	}
}

// TestOddSecrets has neither errors nor logs tell tokens, keys, names of users, or
// what was said.
func TestOddSecrets(t *testing.T) {
	t.Parallel()
	const name, words = "priya-the-user", "private words"
	secrets := []string{name, words, "private", oddToken, "secret-token", "Bearer", "CON-hidden", "USR-hidden", "MEM-hidden", "made-up-password", "BEGIN"}
	invalid := `{"code":"http:error:validation-fail","detail":"Input validation failure.","invalid_parameters":[{"name":"body.text","reason":"\"` + words + `\" of ` + name + ` is invalid"}]}`
	answers := map[string]httpmock.Responder{
		"400":         oddStatus(400, invalid),
		"429":         oddStatus(429, `{"title":"Busy"}`),
		"500 HTML":    oddStatus(500, "<html>"+name+" said "+words+" with "+oddToken),
		"502 garbage": oddStatus(502, words),
		"200 garbage": oddStatus(200, `{"name":"`+name+`","body":`+words),
		"200 shapes":  oddStatus(200, `{"id":["`+words+`"],"name":{"`+name+`":"`+words+`"},"_embedded":{"user":"`+name+`","members":[{"id":7,"`+name+`":1}],"users":["`+name+`"],"events":["`+words+`"]}}`),
		"broken":      httpmock.NewErrorResponder(io.ErrUnexpectedEOF),
		"dial":        httpmock.NewErrorResponder(oddDialError),
	}
	calls := map[string]func(ctx context.Context, c *nexmo.Client) error{
		"get user": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UserInfo(ctx, name)
			return err
		},
		"list users": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UsersPage(ctx, &nexmo.UserListOptions{Name: name})
			return err
		},
		"create user": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateUser(ctx, &nexmo.UserParams{Name: name, Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: "sip:" + name + "@example.com", Password: "made-up-password"}}}})
			return err
		},
		"refused user": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateUser(ctx, &nexmo.UserParams{Name: "USR-hidden", DisplayName: name})
			return err
		},
		"refused URI": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateUser(ctx, "USR-hidden", &nexmo.UserParams{Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: name, Password: "made-up-password"}}}})
			return err
		},
		"create event": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.Message{MessageContent: nexmo.TextMessage(words)}, nexmo.From("MEM-hidden"))
			return err
		},
		"refused custom": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.Custom{Name: words})
			return err
		},
		"refused digits": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.AudioDTMF{Digits: words})
			return err
		},
		"refused body": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.Custom{Name: "a", JSON: nexmo.Raw(words)})
			return err
		},
		"custom that is no JSON": func(ctx context.Context, c *nexmo.Client) error {
			_, err := nexmo.NewConversation("CON-hidden", nexmo.WithClient(c)).SendCustom(ctx, "a", json.RawMessage(words))
			return err
		},
		"list events": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.EventsPage(ctx, "CON-hidden", nil)
			return err
		},
		"members": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.MembersPage(ctx, "CON-hidden", nil)
			return err
		},
		"talk": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.StartTalk(ctx, "CON-hidden", nexmo.TalkParams{Text: words})
			return err
		},
		"do": func(ctx context.Context, c *nexmo.Client) error {
			var out struct{ ID int }
			return c.Do(ctx, "GET", "/v1/users/"+name, nil, &out)
		},
		"do with a bad path": func(ctx context.Context, c *nexmo.Client) error {
			return c.Do(ctx, "GET", "/v1/users/"+name+" x", nil, nil)
		},
		"do with a bad body": func(ctx context.Context, c *nexmo.Client) error {
			return c.Do(ctx, "PUT", "/v1/users", map[string]any{name: func() {}}, nil)
		},
	}
	for what, answer := range answers {
		for op, call := range calls {
			t.Run(what+" "+op, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					handler := slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4})
					c := newOddService(answer).client(t, nexmo.WithLogger(slog.New(handler)))
					err := call(t.Context(), c)
					told := fmt.Sprintf("%v %s %+v", err, log.String(), c)
					for _, secret := range secrets {
						if strings.Contains(told, secret) {
							t.Errorf("it tells %q:\n%s", secret, told)
						}
					}
				})
			})
		}
	}
}

// TestOddBrokenConnections has a server close connections without an answer.
func TestOddBrokenConnections(t *testing.T) {
	t.Parallel()
	for _, call := range oddCalls() {
		t.Run(call.method, func(t *testing.T) {
			t.Parallel()
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				if asked.Add(1) < 3 {
					panic(http.ErrAbortHandler)
				}
				_, _ = io.WriteString(w, `{}`)
			}))
			defer server.Close()
			transport := new(http.Transport)
			defer transport.CloseIdleConnections()
			c := oddClient(t, transport, nexmo.WithBaseURL(server.URL), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: 1}))
			err, want := call.do(t.Context(), c), int32(3)
			if call.method == http.MethodPost {
				want = 1
				if err == nil {
					t.Error("there is no error")
				}
			} else if err != nil {
				t.Error(err)
			}
			if got := asked.Load(); got != want {
				t.Errorf("there were %d requests, want %d", got, want)
			}
		})
	}
}

// TestOddNobodyListens makes a POST again when no connection could be made.
func TestOddNobodyListens(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	c := oddClient(t, transport, nexmo.WithBaseURL("http://"+address), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: 1}))
	for _, call := range oddCalls() {
		if err := call.do(t.Context(), c); err == nil || !strings.Contains(err.Error(), "after 4 attempts") {
			t.Errorf("%s: got %v", call.method, err)
		}
	}
}

// TestOddTenThousand makes 10,000 calls, one after another, over one connection
// or two, whatever the answers are.
func TestOddTenThousand(t *testing.T) {
	t.Parallel()
	const calls = 10_000
	var asked, opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case n%10 == 3:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<html>"+strings.Repeat("not found ", 1000))
		case n%10 == 5:
			w.WriteHeader(http.StatusNoContent)
		case n%10 == 7:
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		case r.URL.Query().Get("cursor") != "":
			_, _ = io.WriteString(w, `{"_embedded":{"users":[{"id":"USR-2"}]}}`)
		default:
			_, _ = io.WriteString(w, `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"https://api-us-3.vonage.com/v1/users?cursor=a%2Bb"}}}`)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	c := oddClient(t, transport, nexmo.WithBaseURL(server.URL))
	before := runtime.NumGoroutine()
	for i := range calls {
		stop := i%3 == 0
		for _, err := range c.Users(t.Context(), nil) {
			if e, ok := errors.AsType[*nexmo.APIError](err); err != nil && !ok || ok && e.Status >= 400 && e.Status != http.StatusNotFound {
				t.Fatal(err)
			}
			if stop {
				break
			}
		}
	}
	if asked.Load() < calls || opened.Load() > 2 {
		t.Errorf("%d requests opened %d connections", asked.Load(), opened.Load())
	}
	t.Logf("%d requests over %d connections, from %d to %d goroutines", asked.Load(), opened.Load(), before, runtime.NumGoroutine())
}

// TestOddConcurrent calls one client from many goroutines, whose token expires
// meanwhile.
func TestOddConcurrent(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	var first atomic.Pointer[string]
	s := newOddService(func(r *http.Request) (*http.Response, error) {
		token := r.Header.Get("Authorization")
		first.CompareAndSwap(nil, &token)
		if n.Add(1) > 50 && token == *first.Load() {
			return httpmock.NewStringResponse(401, `{"code":"system:error:expired-token"}`), nil
		}
		return httpmock.NewStringResponse(200, `{"id":"CON-1","_embedded":{"users":[{"id":"USR-1"}]}}`), nil
	})
	c, err := nexmo.NewClient(newCredentials(t), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 10 {
				for _, call := range oddCalls() {
					if err := call.do(t.Context(), c); err != nil {
						t.Error(err)
					}
				}
				for _, err := range c.Users(t.Context(), nil) {
					if err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestOddMuteAfterLoad(t *testing.T) {
	t.Parallel()
	c := pairClient(t,
		pairCall{method: "GET", target: "/v1/conversations/CON-1", answer: `{"id":"CON-1","sequence_number":3}`},
		pairCall{method: "GET", target: "/v1/conversations/CON-1/members?page_size=100", answer: `{"_embedded":{"members":[{"id":"MEM-1","state":"JOINED"}]}}`},
		pairCall{method: "GET", target: "/v1/conversations/CON-1/members/MEM-1", answer: `{"id":"MEM-1","channel":{"type":"phone","leg_ids":["leg-1"]}}`},
		pairCall{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, answer: `{"id":4}`},
	)
	conversation, err := c.Conversation(t.Context(), "CON-1")
	if err != nil {
		t.Fatal(err)
	}
	if err := conversation.Mute(t.Context(), "MEM-1"); err != nil {
		t.Error(err)
	}
}

func TestOddErrorCutShort(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{404: 1, 400: 1, 429: 4} {
		synctest.Test(t, func(t *testing.T) {
			s := newOddService(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: 50, Body: &oddReader{strings.NewReader(`{"title":"No`), io.ErrUnexpectedEOF}}, nil
			})
			_, err := s.client(t).UserInfo(t.Context(), "priya")
			e, ok := errors.AsType[*nexmo.APIError](err)
			if !ok || e.Status != status || string(e.Body) != `{"title":"No` || s.count() != want {
				t.Errorf("%d: got %v after %d requests", status, err, s.count())
			}
			s = newOddService(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: new(oddEndless)}, nil
			})
			_, err = s.client(t, nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1})).UserInfo(t.Context(), "priya")
			if _, ok := errors.AsType[*nexmo.APIError](err); !ok {
				t.Errorf("%d endless: got %v", status, err)
			}
		})
	}
}

// TestOddHead: the length of an answer to HEAD is that of a body which does not come.
func TestOddHead(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodHead {
			w.WriteHeader(http.StatusMethodNotAllowed)
		}
		w.Header().Set("Content-Length", "12")
	}))
	defer server.Close()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	if err := oddClient(t, transport, nexmo.WithBaseURL(server.URL)).Do(t.Context(), "HEAD", "/v1/users/priya", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestOddNotARequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newOddService(oddStatus(200, "{}")).client(t)
		for _, err := range []error{c.Do(t.Context(), "GET", "/v1/%zz", nil, nil), c.Do(t.Context(), "GE T", "/v1/users", nil, nil), c.Do(t.Context(), "GET", "/v1/us\ners", nil, nil)} {
			if !errors.Is(err, nexmo.ErrInvalid) {
				t.Errorf("got %v", err)
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}

func TestOddTokenWithNewline(t *testing.T) {
	t.Parallel()
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return "to\nk", nil }), nexmo.WithBaseURL("http://127.0.0.1:1"), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UserInfo(t.Context(), "a"); err == nil || strings.Contains(err.Error(), "attempts") {
		t.Errorf("got %v", err)
	}
}

func TestOddOneBadEvent(t *testing.T) {
	t.Parallel()
	s := newOddService(oddStatus(200, `{"_embedded":{"events":[{"id":1,"type":"text"},{"id":2},{"id":3,"type":"text"}]}}`))
	var got []nexmo.EventID
	for e, err := range s.client(t).EventsAfter(t.Context(), "CON-1", 0) {
		if err == nil {
			got = append(got, e.ID)
		}
	}
	if diff := cmp.Diff([]nexmo.EventID{1, 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOddBodyAsItCame(t *testing.T) {
	t.Parallel()
	const body = "\n404 page not found\n"
	s := newOddService(oddStatus(404, body))
	_, err := s.client(t).UserInfo(t.Context(), "a")
	e, _ := errors.AsType[*nexmo.APIError](err)
	if diff := cmp.Diff(body, string(e.Body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOddErrorShapes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]nexmo.APIError{
		`{"type":"about:blank","title":"Not Found"}`:                                                              {},
		`{"error-code":420,"error-code-label":"x"}`:                                                               {Code: "420"},
		`{"invalid_parameters":[{"name":"a","reason":["x"]},{"name":"b","reason":"y"}]}`:                          {InvalidParameters: []nexmo.InvalidParameter{{Name: "a", Reason: `["x"]`}, {Name: "b", Reason: "y"}}},
		`{"code":"a:error:b","description":"c","invalid_parameters":[{"name":"a","reason":"x","in":"body"},"b"]}`: {Code: "a:error:b", InvalidParameters: []nexmo.InvalidParameter{{Name: "a", Reason: "x"}, {Name: "b"}}},
	} {
		s := newOddService(oddStatus(400, body))
		_, err := s.client(t).UserInfo(t.Context(), "a")
		e, _ := errors.AsType[*nexmo.APIError](err)
		if diff := cmp.Diff(want.Code, e.Code); diff != "" {
			t.Errorf("%s code (-want +got):\n%s", body, diff)
		}
		if diff := cmp.Diff(want.InvalidParameters, e.InvalidParameters); diff != "" {
			t.Errorf("%s params (-want +got):\n%s", body, diff)
		}
	}
}

func TestOddDetailEcho(t *testing.T) {
	t.Parallel()
	s := newOddService(oddStatus(409, `{"title":"Conflict","code":"user:error:duplicate-name","detail":"The user name priya is taken."}`))
	_, err := s.client(t).CreateUser(t.Context(), &nexmo.UserParams{Name: "priya"})
	if strings.Contains(err.Error(), "priya") {
		t.Errorf("got %v", err)
	}
}

func TestOddOrderInCapitals(t *testing.T) {
	t.Parallel()
	s := newOddService(oddStatus(200, `{}`))
	if _, err := s.client(t).UsersPage(t.Context(), &nexmo.UserListOptions{ListOptions: nexmo.ListOptions{Order: "DESC"}}); err != nil {
		t.Error(err)
	}
}

func TestOddRawCustom(t *testing.T) {
	t.Parallel()
	s := newOddService(oddStatus(200, `{}`))
	if _, err := s.client(t).CreateEvent(t.Context(), "CON-1", &nexmo.RawBody{Type: "custom:bad name"}); !errors.Is(err, nexmo.ErrInvalid) {
		t.Errorf("got %v", err)
	}
	if err := s.client(t).DeleteEvent(t.Context(), "CON-1", -5); !errors.Is(err, nexmo.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

func TestOddLeftBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newOddService(oddStatus(429, ""), oddStatus(400, `{"code":"conversation:error:invalid-member-state"}`), oddStatus(200, `{"state":"LEFT"}`))
		_, err := s.client(t).UpdateMember(t.Context(), "CON-1", "MEM-1", &nexmo.MemberUpdate{State: "left"})
		if nexmo.CodeOf(err) != nexmo.ErrorCodeInvalidMemberState || s.count() != 2 {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
}

func TestOddBadLocation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newOddService(httpmock.NewStringResponder(302, "").HeaderSet(http.Header{"Location": {"http://[::1/private words"}}))
		_, err := s.client(t).UserInfo(t.Context(), "a")
		if e, ok := errors.AsType[*nexmo.APIError](err); !ok || e.Status != 302 || s.count() != 1 || strings.Contains(err.Error(), "private") {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
}

func TestOddNilBody(t *testing.T) {
	t.Parallel()
	defer func() {
		if v := recover(); v != nil {
			t.Errorf("panic: %v", v)
		}
	}()
	s := newOddService(oddStatus(200, `{}`))
	if _, err := s.client(t).CreateEvent(t.Context(), "CON-1", (*nexmo.AudioDTMF)(nil)); !errors.Is(err, nexmo.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
