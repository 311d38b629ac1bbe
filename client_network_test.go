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
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"

	"github.com/conversation-events/nexmo"
)

const secretToken = "made-up.secret-token.signature"

var secretTokens = nexmo.TokenFunc(func() (string, error) { return secretToken, nil })

// scriptedAPI answers requests in turn, the last answer for ever, and remembers
// what it was asked.
type scriptedAPI struct {
	transport *httpmock.MockTransport

	mu      sync.Mutex
	answers []httpmock.Responder
	at      []time.Time
	bodies  []string
	tokens  []string
}

func newScriptedAPI(answers ...httpmock.Responder) *scriptedAPI {
	s := &scriptedAPI{transport: httpmock.NewMockTransport(), answers: answers}
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

func (s *scriptedAPI) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.at)
}

// waits returns how long it took from each request to the next.
func (s *scriptedAPI) waits() []time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var waits []time.Duration
	for i := 1; i < len(s.at); i++ {
		waits = append(waits, s.at[i].Sub(s.at[i-1]))
	}
	return waits
}

func (s *scriptedAPI) client(t *testing.T, opts ...nexmo.ClientOption) *nexmo.Client {
	t.Helper()
	return clientOver(t, s.transport, opts...)
}

func clientOver(t *testing.T, transport http.RoundTripper, opts ...nexmo.ClientOption) *nexmo.Client {
	t.Helper()
	c, err := nexmo.NewClient(secretTokens, append([]nexmo.ClientOption{nexmo.WithHTTPClient(&http.Client{Transport: transport})}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var (
	errDialing = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	errLookup  = &net.DNSError{Err: "no such host", Name: "api.nexmo.com", IsNotFound: true}
)

func answerWith(status int, body string) httpmock.Responder {
	return httpmock.NewStringResponder(status, body)
}

// callOfMethod is a request by its method.
type callOfMethod struct {
	method string
	do     func(ctx context.Context, c *nexmo.Client) error
}

func callsOfMethods() []callOfMethod {
	return []callOfMethod{
		{"GET", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.ConversationInfo(ctx, "CON-1")
			return err
		}},
		{"PUT", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateConversation(ctx, "CON-1", nexmo.ConversationParams{Name: "a"})
			return err
		}},
		{"PATCH", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateUser(ctx, "USR-1", nexmo.UserParams{DisplayName: "a"})
			return err
		}},
		{"DELETE", func(ctx context.Context, c *nexmo.Client) error { return c.DeleteUser(ctx, "USR-1") }},
		{"POST", func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateConversation(ctx, nexmo.ConversationParams{Name: "a"})
			return err
		}},
	}
}

// TestClientAnswers reads answers that are a success and not what they should be.
func TestClientAnswers(t *testing.T) {
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
			s := newScriptedAPI(answerWith(200, tt.answer))
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

// TestClientRedirects follows no redirect: neither the token nor the body goes
// anywhere that the caller did not say.
func TestClientRedirects(t *testing.T) {
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
				c := clientOver(t, transport, nexmo.WithHTTPClient(given), nexmo.WithBaseURL(own.URL))
				for i, call := range callsOfMethods() {
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

// TestClientCancelInFlight ends at once when ctx does, while an answer is waited for
// or read, and does not try again.
func TestClientCancelInFlight(t *testing.T) {
	t.Parallel()
	for _, where := range []string{"header", "body"} {
		for _, call := range callsOfMethods() {
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
				err := call.do(ctx, clientOver(t, transport, nexmo.WithBaseURL(server.URL)))
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

// TestClientCancelled sends nothing when ctx has ended.
func TestClientCancelled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	transport := new(http.Transport)
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	defer transport.CloseIdleConnections()
	c := clientOver(t, transport, nexmo.WithBaseURL(server.URL))
	for _, call := range callsOfMethods() {
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

// TestClientBrokenConnections has a server close connections without an answer.
func TestClientBrokenConnections(t *testing.T) {
	t.Parallel()
	for _, call := range callsOfMethods() {
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
			c := clientOver(t, transport, nexmo.WithBaseURL(server.URL), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: 1}))
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

// TestClientNobodyListens makes a POST again when no connection could be made.
func TestClientNobodyListens(t *testing.T) {
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
	c := clientOver(t, transport, nexmo.WithBaseURL("http://"+address), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: 1}))
	for _, call := range callsOfMethods() {
		if err := call.do(t.Context(), c); err == nil || !strings.Contains(err.Error(), "after 4 attempts") {
			t.Errorf("%s: got %v", call.method, err)
		}
	}
}

// TestClientConcurrent calls one client from many goroutines, whose token expires
// meanwhile.
func TestClientConcurrent(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	var first atomic.Pointer[string]
	s := newScriptedAPI(func(r *http.Request) (*http.Response, error) {
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
				for _, call := range callsOfMethods() {
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

func TestClientErrorCutShort(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{404: 1, 400: 1, 429: 4} {
		synctest.Test(t, func(t *testing.T) {
			s := newScriptedAPI(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, ContentLength: 50, Body: &cutReader{strings.NewReader(`{"title":"No`), io.ErrUnexpectedEOF}}, nil
			})
			_, err := s.client(t).UserInfo(t.Context(), "priya")
			e, ok := errors.AsType[*nexmo.APIError](err)
			if !ok || e.Status != status || string(e.Body) != `{"title":"No` || s.count() != want {
				t.Errorf("%d: got %v after %d requests", status, err, s.count())
			}
			s = newScriptedAPI(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: status, Header: http.Header{}, Body: new(endlessReader)}, nil
			})
			_, err = s.client(t, nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1})).UserInfo(t.Context(), "priya")
			if _, ok := errors.AsType[*nexmo.APIError](err); !ok {
				t.Errorf("%d endless: got %v", status, err)
			}
		})
	}
}

// TestClientHead: the length of an answer to HEAD is that of a body which does not come.
func TestClientHead(t *testing.T) {
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
	if err := clientOver(t, transport, nexmo.WithBaseURL(server.URL)).Do(t.Context(), "HEAD", "/v1/users/priya", nil, nil); err != nil {
		t.Error(err)
	}
}

func TestClientBadLocation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newScriptedAPI(httpmock.NewStringResponder(302, "").HeaderSet(http.Header{"Location": {"http://[::1/private words"}}))
		_, err := s.client(t).UserInfo(t.Context(), "a")
		if e, ok := errors.AsType[*nexmo.APIError](err); !ok || e.Status != 302 || s.count() != 1 || strings.Contains(err.Error(), "private") {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
}
