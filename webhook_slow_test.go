package nexmo_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// slowBodyStatus is the answer to a body that comes too slowly.
const slowBodyStatus = http.StatusServiceUnavailable

// opaque is middleware whose ResponseWriter hides what the server's can do.
func opaque(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
	})
}

// A body that comes too slowly has one answer, whoever notices it: the deadline of the
// handler, that of the server, or nobody until it has come; with HTTP/1.1 and HTTP/2.
func TestWebhookSlowBodyHasOneAnswer(t *testing.T) {
	t.Parallel()
	body := hookText(1)
	servers := map[string]struct {
		timeout     time.Duration // of the handler
		readTimeout time.Duration // of the server
		middleware  func(http.Handler) http.Handler
		want        time.Duration // when it is answered
	}{
		"the deadline of the handler":                         {2 * time.Second, 0, nil, 2 * time.Second},
		"that of the handler, before that of the server":      {2 * time.Second, 10 * time.Second, nil, 2 * time.Second},
		"that of the server, behind middleware":               {4 * time.Second, 2 * time.Second, opaque, 2 * time.Second},
		"that of the server, which the handler's comes after": {2 * time.Second, time.Second, nil, 2 * time.Second},
	}
	for name, server := range servers {
		for _, how := range []string{"HTTP/1.1", "HTTP/1.1, chunked", "HTTP/2"} {
			t.Run(name+", "+how, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var sink hookRecorder
					h := newHook(&sink)
					h.Timeout = server.timeout
					results := observed(h)
					var handler http.Handler = h
					if server.middleware != nil {
						handler = server.middleware(h)
					}
					l := newPipeListener()
					protocols := new(http.Protocols)
					protocols.SetHTTP1(how != "HTTP/2")
					protocols.SetUnencryptedHTTP2(how == "HTTP/2")
					s := &http.Server{Handler: handler, ReadTimeout: server.readTimeout, Protocols: protocols, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
					go func() { _ = s.Serve(l) }()
					transport := &http.Transport{
						Protocols:   protocols,
						DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return l.dial(ctx) },
					}
					pipe, come := io.Pipe()
					r := signed(body)
					r.URL.Scheme, r.URL.Host = "http", "localhost"
					r.Body, r.ContentLength = pipe, int64(len(body))
					if how == "HTTP/1.1, chunked" {
						r.ContentLength = -1
					}
					began := time.Now()
					go func() { _, _ = come.Write(body[:20]) }() // and then nothing
					a, err := transport.RoundTrip(r)
					if err != nil {
						t.Fatal(err)
					}
					_ = a.Body.Close()
					if took := time.Since(began); a.StatusCode != slowBodyStatus || took != server.want {
						t.Errorf("answered %d after %v, want %d after %v", a.StatusCode, took, slowBodyStatus, server.want)
					}
					if got := results(); len(got) != 1 || !strings.Contains(got[0].Err.Error(), "the body did not arrive within") {
						t.Errorf("ReceiveEnd was told %+v", got)
					}
					if len(sink.ids()) > 0 {
						t.Error("an event was delivered")
					}
					_ = come.CloseWithError(io.ErrUnexpectedEOF)
					transport.CloseIdleConnections()
					_ = s.Close()
					time.Sleep(time.Minute) // net/http lingers a little
				})
			})
		}
	}
}

// A body that has come whole, but too late, is not delivered to handlers that have no time
// left; and an error of reading that says so is as good as a deadline.
func TestWebhookBodyThatIsLate(t *testing.T) {
	t.Parallel()
	body := hookText(1)
	for name, tt := range map[string]struct {
		r    io.Reader
		want int
	}{
		"in time":              {io.MultiReader(bytes.NewReader(body), slowReader(4*time.Second-1)), http.StatusNoContent},
		"late":                 {io.MultiReader(bytes.NewReader(body), slowReader(4*time.Second)), slowBodyStatus},
		"another one, late":    {slowReader(5 * time.Second), slowBodyStatus},
		"a deadline":           {errorReader{os.ErrDeadlineExceeded}, slowBodyStatus},
		"a deadline, wrapped":  {errorReader{fmt.Errorf("proxy: %w", os.ErrDeadlineExceeded)}, slowBodyStatus},
		"a context":            {errorReader{context.DeadlineExceeded}, slowBodyStatus},
		"an error of networks": {errorReader{&net.OpError{Op: "read", Err: io.ErrClosedPipe}}, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sink hookRecorder
				r := signed(body)
				r.Body = io.NopCloser(tt.r)
				h := newHook(&sink)
				results := observed(h)
				wantAnswer(t, h, r, tt.want)
				if got := results(); len(got) != 1 || tt.want == slowBodyStatus && !strings.Contains(got[0].Err.Error(), "the body did not arrive within") {
					t.Errorf("Observe was told %+v", got)
				}
				if delivered := len(sink.ids()) == 1; delivered != (tt.want == http.StatusNoContent) {
					t.Errorf("delivered: %t", delivered)
				}
			})
		})
	}
}

// What the service is to send again is answered with the time to wait.
func TestWebhookRetryAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { <-release; return nil }))
		h.MaxConcurrent, h.RememberTokens = 1, 1
		expect := func(r *http.Request, status int) {
			t.Helper()
			w := headerRecorder{header: http.Header{}}
			h.ServeHTTP(&w, r)
			want := ""
			if status == http.StatusServiceUnavailable {
				want = "5"
			}
			if got := w.header.Get("Retry-After"); w.status != status || got != want {
				t.Errorf("answered %d, Retry-After: %q; want %d, %q", w.status, got, status, want)
			}
		}
		expect(signed(hookText(1), nexmotest.Claim("jti", "1")), http.StatusServiceUnavailable) // too slow
		expect(signed(hookText(2)), http.StatusServiceUnavailable)                              // too much
		expect(signedBy("another", hookText(1)), http.StatusUnauthorized)
		close(release)
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		expect(signed(hookText(3)), http.StatusServiceUnavailable) // drained
	})
}

type headerRecorder struct {
	header http.Header
	status int
}

func (w *headerRecorder) Header() http.Header         { return w.header }
func (w *headerRecorder) Write(p []byte) (int, error) { return len(p), nil }
func (w *headerRecorder) WriteHeader(status int)      { w.status = status }
