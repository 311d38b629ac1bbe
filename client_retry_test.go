package nexmo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jarcoal/httpmock"

	"github.com/conversation-events/nexmo"
)

// TestRetryAfter waits as long as the service asks, and no longer than the
// policy allows.
func TestRetryAfter(t *testing.T) {
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
					s := newScriptedAPI(busy, answerWith(200, `{}`), busy)
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

// TestRetryJitter waits at random, from nothing to twice as long as before, up to a
// bound.
func TestRetryJitter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScriptedAPI(answerWith(503, ""))
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

// TestRetryAttempts tries again what may be, and nothing else.
func TestRetryAttempts(t *testing.T) {
	t.Parallel()
	broken := httpmock.NewErrorResponder(io.ErrUnexpectedEOF)
	tests := []struct {
		name   string
		answer httpmock.Responder
		safe   int // attempts at what may be repeated
		post   int
	}{
		{"429", answerWith(429, ""), 4, 4},
		{"500", answerWith(500, ""), 4, 1},
		{"502", answerWith(502, "<html>"), 4, 1},
		{"503", answerWith(503, ""), 4, 1},
		{"504", answerWith(504, ""), 4, 1},
		{"501", answerWith(501, ""), 1, 1},
		{"505", answerWith(505, ""), 1, 1},
		{"400", answerWith(400, ""), 1, 1},
		{"401", answerWith(401, ""), 1, 1},
		{"403", answerWith(403, ""), 1, 1},
		{"404", answerWith(404, ""), 1, 1},
		{"408", answerWith(408, ""), 1, 1},
		{"409", answerWith(409, ""), 1, 1},
		{"422", answerWith(422, ""), 1, 1},
		{"broken connection", broken, 4, 1},
		{"reset connection", httpmock.NewErrorResponder(&net.OpError{Op: "read", Net: "tcp", Err: errors.New("connection reset by peer")}), 4, 1},
		{"no connection", httpmock.NewErrorResponder(errDialing), 4, 4},
		{"no host", httpmock.NewErrorResponder(errLookup), 4, 4},
	}
	for _, tt := range tests {
		for _, call := range callsOfMethods() {
			t.Run(tt.name+" "+call.method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					s := newScriptedAPI(tt.answer)
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

// TestRetryRecovers succeeds when one of the attempts does.
func TestRetryRecovers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScriptedAPI(answerWith(503, ""), httpmock.NewErrorResponder(io.EOF), answerWith(429, ""), answerWith(200, `{"id":"CON-1"}`))
		info, err := s.client(t).ConversationInfo(t.Context(), "CON-1")
		if err != nil || info.ID != "CON-1" || s.count() != 4 {
			t.Errorf("got %v and %v after %d requests", info, err, s.count())
		}
		s = newScriptedAPI(answerWith(429, ""), httpmock.NewErrorResponder(errDialing), answerWith(201, `{"id":"CON-1"}`))
		info, err = s.client(t).CreateConversation(t.Context(), nexmo.ConversationParams{Name: "a"})
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

// TestRetryDelete takes it for done when something is gone that an earlier attempt
// may have deleted.
func TestRetryDelete(t *testing.T) {
	t.Parallel()
	gone := answerWith(404, `{"code":"conversation:error:not-found"}`)
	broken := httpmock.NewErrorResponder(io.ErrUnexpectedEOF)
	tests := []struct {
		name    string
		answers []httpmock.Responder
		is      error
	}{
		{"at once", []httpmock.Responder{gone}, nexmo.ErrNotFound},
		{"after 500", []httpmock.Responder{answerWith(500, ""), gone}, nil},
		{"after a broken connection", []httpmock.Responder{broken, gone}, nil},
		{"after 500 and 429", []httpmock.Responder{answerWith(500, ""), answerWith(429, ""), gone}, nil},
		{"after 429", []httpmock.Responder{answerWith(429, ""), gone}, nexmo.ErrNotFound},
		{"after no connection", []httpmock.Responder{httpmock.NewErrorResponder(errDialing), gone}, nexmo.ErrNotFound},
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
					s := newScriptedAPI(tt.answers...)
					if err := do(s.client(t)); !errors.Is(err, tt.is) {
						t.Errorf("%s: got %v, want %v", name, err, tt.is)
					}
					if s.count() != len(tt.answers) {
						t.Errorf("%s: there were %d requests", name, s.count())
					}
				}
				// To read what is gone is no success.
				s := newScriptedAPI(answerWith(500, ""), gone)
				if _, err := s.client(t).ConversationInfo(t.Context(), "CON-1"); !errors.Is(err, nexmo.ErrNotFound) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

// TestRetryLeave takes it for done when a member is in the state that an earlier
// attempt may have brought it to.
func TestRetryLeave(t *testing.T) {
	t.Parallel()
	ended := answerWith(400, `{"title":"Conflict.","code":"conversation:error:invalid-member-state"}`)
	left, joined := answerWith(200, `{"id":"MEM-1","state":"LEFT"}`), answerWith(200, `{"id":"MEM-1","state":"JOINED"}`)
	broken := httpmock.NewErrorResponder(io.ErrUnexpectedEOF)
	tests := []struct {
		name    string
		answers []httpmock.Responder
		code    nexmo.ErrorCode
	}{
		{"at once", []httpmock.Responder{ended}, nexmo.ErrorCodeInvalidMemberState},
		{"after 500, left", []httpmock.Responder{answerWith(500, ""), ended, left}, ""},
		{"after a broken connection, left", []httpmock.Responder{broken, ended, left}, ""},
		{"after 500, not left", []httpmock.Responder{answerWith(500, ""), ended, joined}, nexmo.ErrorCodeInvalidMemberState},
		{"after 500, gone", []httpmock.Responder{answerWith(500, ""), ended, answerWith(404, "")}, nexmo.ErrorCodeInvalidMemberState},
		{"after 500", []httpmock.Responder{answerWith(500, ""), left}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := newScriptedAPI(tt.answers...)
				m, err := s.client(t).UpdateMember(t.Context(), "CON-1", "MEM-1", nexmo.MemberUpdate{State: "left"})
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

// TestRetryCancelled ends at once when ctx does, between two attempts.
func TestRetryCancelled(t *testing.T) {
	t.Parallel()
	for _, call := range callsOfMethods() {
		t.Run(call.method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				busy := answerWith(429, `{"code":"http:error:too-many-request"}`).HeaderSet(http.Header{"Retry-After": {"20"}})
				s := newScriptedAPI(busy)
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

func TestRetryLeftBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScriptedAPI(answerWith(429, ""), answerWith(400, `{"code":"conversation:error:invalid-member-state"}`), answerWith(200, `{"state":"LEFT"}`))
		_, err := s.client(t).UpdateMember(t.Context(), "CON-1", "MEM-1", nexmo.MemberUpdate{State: "left"})
		if nexmo.CodeOf(err) != nexmo.ErrorCodeInvalidMemberState || s.count() != 2 {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
}
