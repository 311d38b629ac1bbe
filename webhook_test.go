package nexmo_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// hookText is a text event of a conversation.
func hookText(id int) []byte {
	return fmt.Appendf(nil, `{"type":"text","id":%d,"conversation_id":"CON-hook","from":"MEM-hook","body":{"text":"private words"}}`, id)
}

// hookTyping is an event without an ID.
const hookTyping = `{"type":"text:typing:on","conversation_id":"CON-hook","from":"MEM-hook","body":{}}`

// signedBy returns a request as the service makes it now.
func signedBy(secret string, body []byte, opts ...nexmotest.SignOption) *http.Request {
	return nexmotest.SignedRequest(secret, body, opts...)
}

func signed(body []byte, opts ...nexmotest.SignOption) *http.Request {
	return signedBy(hookSecret, body, opts...)
}

// answer is what a handler answers, which must be without a body.
func answer(t *testing.T, h http.Handler, r *http.Request) int {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Body.Len() != 0 {
		t.Errorf("the answer has a body: %q", w.Body)
	}
	return w.Code
}

func wantAnswer(t *testing.T, h http.Handler, r *http.Request, want int) {
	t.Helper()
	if got := answer(t, h, r); got != want {
		t.Errorf("answered %d, want %d", got, want)
	}
}

// newHook returns a handler that takes what hookSecret signed now.
func newHook(sink nexmo.Sink) *nexmo.WebhookHandler {
	return &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{hookSecret}}, Sink: sink}
}

// observed has h report to a list.
func observed(h *nexmo.WebhookHandler) func() []nexmo.WebhookResult {
	var mu sync.Mutex
	results := []nexmo.WebhookResult{}
	h.Observe = func(_ context.Context, r nexmo.WebhookResult) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, r)
	}
	return func() []nexmo.WebhookResult {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(results)
	}
}

// pipeListener is a network of connections in memory, which a synctest bubble
// can hold.
type pipeListener struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), closed: make(chan struct{})}
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (l *pipeListener) dial(ctx context.Context) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.closed:
		return nil, errors.New("connection refused")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inMemory serves h, and returns a connection to it.
func inMemory(t *testing.T, h http.Handler) net.Conn {
	t.Helper()
	l := newPipeListener()
	server := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	served := make(chan struct{})
	go func() {
		_ = server.Serve(l)
		close(served)
	}()
	conn, err := l.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		_ = server.Close()
		<-served
		time.Sleep(time.Minute) // net/http lingers a little
	})
	return conn
}

// readStatus reads one answer, which must be without a body.
func readStatus(t *testing.T, conn net.Conn) int {
	t.Helper()
	a, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("there is no answer: %v", err)
	}
	body, err := io.ReadAll(a.Body)
	if err != nil || len(body) != 0 {
		t.Errorf("the answer has the body %q, %v", body, err)
	}
	_ = a.Body.Close()
	return a.StatusCode
}

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
				t.Errorf("Observe was told %+v", got)
			}
		})
	}
}

// A sender that uses another method and never sends its body is not waited for.
func TestWebhookMethodWithSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn := inMemory(t, newHook(new(hookRecorder)))
		began := time.Now()
		_, _ = fmt.Fprint(conn, "PUT / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
		if err := conn.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := readStatus(t, conn); got != http.StatusMethodNotAllowed {
			t.Errorf("answered %d", got)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("answered after %v", took)
		}
	})
}

// The same for a body that nobody reads, because the event is in the query.
func TestWebhookGetWithSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink hookRecorder
		conn := inMemory(t, &nexmo.WebhookHandler{AllowUnsigned: true, Sink: &sink})
		began := time.Now()
		_, _ = fmt.Fprint(conn, "GET /?type=text&id=1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
		if err := conn.SetReadDeadline(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if got := readStatus(t, conn); got != http.StatusNoContent {
			t.Errorf("answered %d", got)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("answered after %v", took)
		}
	})
}

// A connection on which one webhook took too long serves the next one.
func TestWebhookConnectionAfterTimeout(t *testing.T) {
	t.Parallel()
	for method, send := range map[string]func(conn net.Conn, id int){
		http.MethodPost: func(conn net.Conn, id int) {
			body := hookText(id)
			_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
		},
		http.MethodGet: func(conn net.Conn, id int) {
			_, _ = fmt.Fprintf(conn, "GET /?type=text&id=%d HTTP/1.1\r\nHost: localhost\r\n\r\n", id)
		},
	} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h := &nexmo.WebhookHandler{AllowUnsigned: true, Sink: nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
					if e.ID == 1 {
						time.Sleep(10 * time.Second)
					}
					return ctx.Err()
				})}
				conn := inMemory(t, h)
				send(conn, 1)
				if got := readStatus(t, conn); got != http.StatusServiceUnavailable {
					t.Errorf("the slow one was answered %d", got)
				}
				time.Sleep(time.Second)
				send(conn, 2)
				if got := readStatus(t, conn); got != http.StatusNoContent {
					t.Errorf("the next one was answered %d", got)
				}
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// countingReader is a body without end that counts what is read of it.
type countingReader struct{ read, left int64 }

func (r *countingReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), r.left)
	for i := range p[:n] {
		p[i] = ' '
	}
	r.read += n
	r.left -= n
	return int(n), nil
}

func TestWebhookLargeBody(t *testing.T) {
	t.Parallel()
	const huge = 64 << 20
	tests := []struct {
		name     string
		size     int64
		declared int64 // -1: chunked
		limit    int64
		most     int64 // that may be read
		want     int
		alone    bool // there is no token
	}{
		{name: "64 MiB, declared", size: huge, declared: huge, most: 0, want: http.StatusRequestEntityTooLarge},
		{name: "64 MiB, chunked", size: huge, declared: -1, most: 1<<20 + 1, want: http.StatusRequestEntityTooLarge},
		{name: "64 MiB, declared as little", size: huge, declared: 10, most: 1<<20 + 1, want: http.StatusRequestEntityTooLarge},
		{name: "64 MiB, declared as none", size: huge, declared: 0, most: 1<<20 + 1, want: http.StatusRequestEntityTooLarge},
		{name: "64 MiB, declared, without a token", size: huge, declared: huge, most: 0, want: http.StatusRequestEntityTooLarge, alone: true},
		{name: "64 MiB, chunked, without a token", size: huge, declared: -1, most: 1<<20 + 1, want: http.StatusRequestEntityTooLarge, alone: true},
		{name: "a byte too much", size: 1<<20 + 1, declared: -1, most: 1<<20 + 1, want: http.StatusRequestEntityTooLarge},
		{name: "as much as may be, but no event", size: 1 << 20, declared: -1, most: 1 << 20, want: http.StatusUnauthorized},
		{name: "more than a small limit", size: 1001, declared: -1, limit: 1000, most: 1001, want: http.StatusRequestEntityTooLarge},
		{name: "as large as a small limit", size: 1000, declared: 1000, limit: 1000, most: 1000, want: http.StatusUnauthorized},
		{name: "more than any body, declared", size: 10, declared: math.MaxInt64, most: 0, want: http.StatusRequestEntityTooLarge},
		{name: "no limit worth the name, and a lie", size: 10, declared: 1 << 50, limit: math.MaxInt64, most: 10, want: http.StatusUnauthorized},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sink hookRecorder
			h := newHook(&sink)
			h.Verifier.MaxBody = test.limit
			results := observed(h)
			body := &countingReader{left: test.size}
			r := signed(hookText(1))
			r.Body, r.ContentLength = io.NopCloser(body), test.declared
			if test.alone {
				r.Header.Del("Authorization")
			}
			wantAnswer(t, h, r, test.want)
			if body.read > test.most {
				t.Errorf("%d bytes were read, want at most %d", body.read, test.most)
			}
			if len(sink.ids()) != 0 {
				t.Error("an event was delivered")
			}
			if got := results(); test.want == http.StatusRequestEntityTooLarge && !errors.Is(got[0].Err, nexmo.ErrTooLarge) {
				t.Errorf("Observe was told %+v", got)
			}

			// The same without a handler around it.
			body = &countingReader{left: test.size}
			r.Body, r.ContentLength = io.NopCloser(body), test.declared
			_, payload, err := h.Verifier.Verify(r)
			if payload != nil || errors.Is(err, nexmo.ErrTooLarge) != (test.want == http.StatusRequestEntityTooLarge) {
				t.Errorf("Verify = %d bytes, %v", len(payload), err)
			}
			if body.read > test.most {
				t.Errorf("Verify read %d bytes, want at most %d", body.read, test.most)
			}
		})
	}
	t.Run("a good one without a limit worth the name", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		h.Verifier.MaxBody = math.MaxInt64
		wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent)
		if diff := cmp.Diff([]nexmo.EventID{1}, sink.ids()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
	t.Run("a query", func(t *testing.T) {
		t.Parallel()
		h := newHook(new(hookRecorder))
		h.Verifier.MaxBody = 1000
		wantAnswer(t, h, httptest.NewRequest(http.MethodGet, "/?a="+strings.Repeat("a", 1000), nil), http.StatusRequestEntityTooLarge)
	})
}

// Over a connection, a body that is too large is not even asked for, and one
// that comes anyway is not read to its end.
func TestWebhookLargeBodyOnTheWire(t *testing.T) {
	t.Parallel()
	for _, headers := range []string{
		"Content-Length: 67108864\r\n", "Content-Length: 67108864\r\nExpect: 100-continue\r\n", "Transfer-Encoding: chunked\r\n",
	} {
		t.Run(headers, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				conn := inMemory(t, newHook(new(hookRecorder)))
				var sent atomic.Int64
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = fmt.Fprint(conn, "POST / HTTP/1.1\r\nHost: localhost\r\n"+headers+"\r\n")
					if strings.Contains(headers, "100-continue") {
						return
					}
					chunk := bytes.Repeat([]byte(" "), 1<<10)
					if strings.Contains(headers, "chunked") {
						chunk = fmt.Appendf(nil, "400\r\n%s\r\n", chunk)
					}
					for range 64 << 10 {
						n, err := conn.Write(chunk)
						sent.Add(int64(n))
						if err != nil {
							return
						}
					}
				}()
				if got := readStatus(t, conn); got != http.StatusRequestEntityTooLarge {
					t.Errorf("answered %d", got)
				}
				_ = conn.Close()
				<-done
				if n := sent.Load(); n > 2<<20 {
					t.Errorf("the server took %d bytes", n)
				}
			})
		})
	}
}

// A sender that keeps a connection busy with next to nothing is sent away.
func TestWebhookSlowBody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		headers string
		drip    string        // what is sent of the body again and again
		every   time.Duration // how often
		timeout time.Duration
	}{
		{name: "nothing comes", headers: "Content-Length: 1000\r\n"},
		{name: "a byte each second", headers: "Content-Length: 1000\r\n", drip: " ", every: time.Second},
		{name: "a byte each millisecond", headers: "Content-Length: 1000000\r\n", drip: " ", every: time.Millisecond},
		{name: "a chunk each second", headers: "Transfer-Encoding: chunked\r\n", drip: "1\r\n \r\n", every: time.Second},
		{name: "short Timeout", headers: "Content-Length: 1000\r\n", drip: " ", every: 10 * time.Millisecond, timeout: 50 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sink hookRecorder
				h := newHook(&sink)
				h.Timeout = test.timeout
				results := observed(h)
				conn := inMemory(t, h)
				began := time.Now()
				done := make(chan struct{})
				go func() {
					defer close(done)
					_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s\r\n", hookToken(t), test.headers)
					for test.drip != "" {
						if _, err := io.WriteString(conn, test.drip); err != nil {
							return
						}
						time.Sleep(test.every)
					}
				}()
				if got := readStatus(t, conn); got != http.StatusRequestTimeout {
					t.Errorf("answered %d", got)
				}
				want := test.timeout
				if want == 0 {
					want = 4 * time.Second
				}
				if took := time.Since(began); took != want {
					t.Errorf("answered after %v, want %v", took, want)
				}
				_ = conn.Close()
				<-done
				if len(sink.ids()) != 0 {
					t.Error("an event was delivered")
				}
				if got := results(); len(got) != 1 || got[0].Status != http.StatusRequestTimeout || got[0].Duration != want {
					t.Errorf("Observe was told %+v", got)
				}
			})
		})
	}
}

// A body that takes its time but comes within Timeout is as good as any.
func TestWebhookBodyJustInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sink hookRecorder
		h := newHook(&sink)
		conn := inMemory(t, h)
		body := hookText(1)
		for range 2 { // on one connection: the first leaves no deadline behind
			go func() {
				_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n",
					nexmotest.Sign(hookSecret, body), len(body))
				for i := range body {
					time.Sleep(3 * time.Second / time.Duration(len(body)))
					_, _ = conn.Write(body[i : i+1])
				}
			}()
			if got := readStatus(t, conn); got != http.StatusNoContent {
				t.Errorf("answered %d", got)
			}
			time.Sleep(time.Minute)
		}
		if diff := cmp.Diff([]nexmo.EventID{1, 1}, sink.ids()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

// The same over a real connection.
func TestWebhookSlowBodyOnTheWire(t *testing.T) {
	t.Parallel()
	var sink hookRecorder
	h := newHook(&sink)
	h.Timeout = 20 * time.Millisecond
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	body := hookText(1)
	_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
		nexmotest.Sign(hookSecret, body), len(body), body[:len(body)-1])
	if got := readStatus(t, conn); got != http.StatusRequestTimeout {
		t.Errorf("answered %d", got)
	}
	if len(sink.ids()) != 0 {
		t.Error("an event was delivered")
	}
}

// A body that ends before its declared length is no body, even if what came of
// it was an event of its own.
func TestWebhookTruncatedBody(t *testing.T) {
	t.Parallel()
	for name, headers := range map[string]string{
		"Content-Length": fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hookText(1))+1),
		"chunked":        fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(hookText(1))),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sink hookRecorder
			h := newHook(&sink)
			results := observed(h)
			server := httptest.NewServer(h)
			t.Cleanup(server.Close)
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			body := hookText(1)
			_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n%s%s",
				nexmotest.Sign(hookSecret, body), headers, body)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if got := readStatus(t, conn); got != http.StatusBadRequest {
				t.Errorf("answered %d", got)
			}
			if len(sink.ids()) != 0 {
				t.Error("an event was delivered")
			}
			if got := results(); len(got) != 1 || !errors.Is(got[0].Err, io.ErrUnexpectedEOF) {
				t.Errorf("Observe was told %+v", got)
			}
		})
	}
	// Without a connection that could tell, the hash does.
	for n := range hookText(1) {
		var sink hookRecorder
		r := signed(hookText(1))
		r.Body = io.NopCloser(bytes.NewReader(hookText(1)[:n]))
		wantAnswer(t, newHook(&sink), r, http.StatusUnauthorized)
		if len(sink.ids()) != 0 {
			t.Errorf("an event was delivered after %d bytes", n)
		}
	}
}

// A body that cannot be read is not an event, and nothing of it is told.
func TestWebhookBrokenBody(t *testing.T) {
	t.Parallel()
	broken := errors.New("the connection is gone")
	h := newHook(new(hookRecorder))
	results := observed(h)
	r := signed(hookText(1))
	r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(hookText(1)), errorReader{broken}))
	wantAnswer(t, h, r, http.StatusBadRequest)
	if got := results(); len(got) != 1 || !errors.Is(got[0].Err, broken) {
		t.Errorf("Observe was told %+v", got)
	}
	r = signed(hookText(1))
	r.Body = nil
	wantAnswer(t, h, r, http.StatusUnauthorized)
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// What is signed but is no event is the sender's mistake, and final.
func TestWebhookNoEvent(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		``, ` `, `null`, `true`, `"text"`, `[]`, `{}`, `{"type":null}`, `{"type":7}`, `{"id":1}`, `{"type":"text","id":"x"}`,
		`{"type":"text","id":1`, `{"type":"text","id":1}}`, `{"type":"text","type":"text","id":1}`, `{"type":"text","id":1,}`,
		"{\"type\":\"text\",\"id\":1,\"x\":\"\xff\"}", "\ufeff" + `{"type":"text","id":1}`, `{"type":"text","id":-1}`,
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

// No retry would mend a body that is not as documented: it is logged, and the
// sender told that all is well. Nothing else passes for such a body.
func TestWebhookPermanentErrors(t *testing.T) {
	t.Parallel()
	decode := &nexmo.DecodeError{Type: "text", Err: errors.New("body: odd")}
	transient := errors.New("the database is away")
	tests := []struct {
		name string
		err  error
		want int
	}{
		{"none", nil, http.StatusNoContent},
		{"a body that is not as documented", decode, http.StatusNoContent},
		{"wrapped", fmt.Errorf("handler: %w", decode), http.StatusNoContent},
		{"two", errors.Join(decode, decode), http.StatusNoContent},
		{"two, wrapped", fmt.Errorf("handler: %w", errors.Join(decode, fmt.Errorf("again: %w", decode))), http.StatusNoContent},
		{"another", transient, http.StatusServiceUnavailable},
		{"another, wrapped", fmt.Errorf("handler: %w", transient), http.StatusServiceUnavailable},
		{"both", errors.Join(decode, transient), http.StatusServiceUnavailable},
		{"both the other way", errors.Join(transient, decode), http.StatusServiceUnavailable},
		{"both in a format", fmt.Errorf("%w and %w", decode, transient), http.StatusServiceUnavailable},
		{"both, wrapped", fmt.Errorf("handler: %w", errors.Join(decode, transient)), http.StatusServiceUnavailable},
		{"both, wrapped deeply", errors.Join(decode, fmt.Errorf("1: %w", fmt.Errorf("2: %w", errors.Join(decode, errors.Join(transient))))), http.StatusServiceUnavailable},
		{"an empty list of errors", &errorList{}, http.StatusServiceUnavailable},
		{"a list with nothing in it", &errorList{[]error{nil}}, http.StatusServiceUnavailable},
		{"ctx", context.DeadlineExceeded, http.StatusServiceUnavailable},
		{"closed", nexmo.ErrClosed, http.StatusServiceUnavailable},
		{"an error like those of verifying", nexmo.ErrSignature, http.StatusServiceUnavailable},
		{"an error like that of a large body", nexmo.ErrTooLarge, http.StatusServiceUnavailable},
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
				t.Errorf("Observe was told %+v", got)
			}
			if logged := log.String(); (logged == "") != (test.err == nil) || test.err != nil && !strings.Contains(logged, "level=ERROR") {
				t.Errorf("the log says %s", logged)
			}
		})
	}
}

type errorList struct{ errs []error }

func (l *errorList) Error() string   { return "a list of errors" }
func (l *errorList) Unwrap() []error { return l.errs }

func TestWebhookMalformedBody(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("")
	nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.Text) error {
		t.Error("the typed handler was called")
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
	wantAnswer(t, h, signed([]byte(`{"type":"text","id":1,"conversation_id":"CON-1","body":{"text":{"x":"private words"}}}`)), http.StatusNoContent)
	if raw != 1 {
		t.Errorf("the handler of every body was called %d times", raw)
	}
	if got := log.String(); !strings.Contains(got, "body.text") || !strings.Contains(got, "status=204") || strings.Contains(got, "private words") {
		t.Errorf("the log says %s", got)
	}
}

// Contract 4: what a handler failed with is not a duplicate when it comes again.
func TestWebhookRedelivery(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("")
	tries := map[nexmo.EventID]int{}
	app.On("text", func(_ context.Context, e *nexmo.Event) error {
		tries[e.ID]++
		switch {
		case e.ID == 2 && tries[2] == 1:
			return errors.New("not now")
		case e.ID == 2 && tries[2] == 2:
			panic("not now either")
		}
		return nil
	})
	h := newHook(app)
	h.RememberTokens = 100
	for _, step := range []struct{ id, want int }{
		{1, 204}, {2, 503}, {3, 204}, {1, 204}, {2, 503}, {3, 204}, {2, 204}, {2, 204}, {4, 204},
	} {
		wantAnswer(t, h, signed(hookText(step.id)), step.want)
	}
	if diff := cmp.Diff(map[nexmo.EventID]int{1: 1, 2: 3, 3: 1, 4: 1}, tries); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

// A handler that takes its time does not hold the sender. It is told by its ctx,
// and Drain waits for it.
func TestWebhookTimeout(t *testing.T) {
	t.Parallel()
	for _, timeout := range []time.Duration{0, time.Second, 10 * time.Second} {
		t.Run(timeout.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				want := timeout
				if want == 0 {
					want = 4 * time.Second
				}
				if want == 4*time.Second && want >= 5*time.Second {
					t.Fatal("the default must be well under 5 s")
				}
				app := nexmo.NewApplication("")
				var calls int
				var toldAfter time.Duration
				app.On("text", func(ctx context.Context, _ *nexmo.Event) error {
					calls++
					began := time.Now()
					if deadline, ok := ctx.Deadline(); !ok || deadline.Sub(began) != want {
						t.Errorf("the deadline is in %v, %t; want %v", deadline.Sub(began), ok, want)
					}
					<-ctx.Done()
					toldAfter = time.Since(began)
					if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
						t.Errorf("ctx ended with %v", ctx.Err())
					}
					time.Sleep(time.Minute) // it does not mind, and succeeds
					return nil
				})
				h := newHook(app)
				h.Timeout = timeout
				results := observed(h)
				began := time.Now()
				wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
				if took := time.Since(began); took != want {
					t.Errorf("answered after %v, want %v", took, want)
				}
				if got := results(); len(got) != 1 || got[0].Status != http.StatusServiceUnavailable || got[0].Err == nil || got[0].Duration != want {
					t.Errorf("Observe was told %+v", got)
				}
				if err := h.Drain(t.Context()); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took != want+time.Minute {
					t.Errorf("drained after %v, want %v", took, want+time.Minute)
				}
				if toldAfter != want {
					t.Errorf("the handler was told after %v, want %v", toldAfter, want)
				}
				// The retry finds that it was handled after all.
				after := newHook(app)
				wantAnswer(t, after, signed(hookText(1)), http.StatusNoContent)
				if calls != 1 {
					t.Errorf("handled %d times", calls)
				}
			})
		})
	}
}

// The time that the body took to come is no longer there for the handlers.
func TestWebhookTimeoutCountsFromArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHook(nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error {
			<-ctx.Done()
			return ctx.Err()
		}))
		body := hookText(1)
		r := signed(body)
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), slowReader(3*time.Second)))
		began := time.Now()
		wantAnswer(t, h, r, http.StatusServiceUnavailable)
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("answered after %v", took)
		}
	})
}

type slowReader time.Duration

func (r slowReader) Read([]byte) (int, error) {
	time.Sleep(time.Duration(r))
	return 0, io.EOF
}

// A sender that hangs up is not answered, and the handlers are told.
func TestWebhookSenderGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		told := make(chan error, 1)
		h := newHook(nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error {
			<-ctx.Done()
			told <- ctx.Err()
			return ctx.Err()
		}))
		conn := inMemory(t, h)
		body := hookText(1)
		began := time.Now()
		_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n\r\n%s",
			nexmotest.Sign(hookSecret, body), len(body), body)
		synctest.Wait()
		_ = conn.Close()
		if err := <-told; !errors.Is(err, context.Canceled) || time.Since(began) != 0 {
			t.Errorf("the handler was told %v after %v", err, time.Since(began))
		}
	})
}

// An event behind a gap is handled when the window has passed, which is well
// within Timeout.
func TestWebhookHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("")
		var handled []nexmo.EventID
		app.On("text", func(_ context.Context, e *nexmo.Event) error {
			handled = append(handled, e.ID)
			return nil
		})
		h := newHook(app)
		wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent)
		began := time.Now()
		wantAnswer(t, h, signed(hookText(3)), http.StatusNoContent)
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("answered after %v", took)
		}
		// With a window longer than Timeout, the sender tries again.
		patient := nexmo.NewApplication("", nexmo.WithReorderWindow(64, time.Minute))
		patient.On("text", func(_ context.Context, e *nexmo.Event) error {
			handled = append(handled, 100+e.ID)
			return nil
		})
		h = newHook(patient)
		wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent)
		wantAnswer(t, h, signed(hookText(3)), http.StatusServiceUnavailable)
		wantAnswer(t, h, signed(hookText(2)), http.StatusNoContent)
		wantAnswer(t, h, signed(hookText(3)), http.StatusNoContent)
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]nexmo.EventID{1, 3, 101, 102, 103}, handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
	})
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
					t.Errorf("Observe was told %+v", got)
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

func TestWebhookMaxConcurrent(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3, 0} {
		t.Run(fmt.Sprint(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				var most, now atomic.Int32
				h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
					most.Store(max(most.Load(), now.Add(1)))
					defer now.Add(-1)
					<-release
					return nil
				}))
				h.MaxConcurrent = limit
				want := limit
				if want == 0 {
					want = 256
				}
				var all sync.WaitGroup
				for id := range want {
					all.Go(func() { wantAnswer(t, h, signed(hookText(id+1)), http.StatusNoContent) })
				}
				synctest.Wait()
				for id := range 3 {
					wantAnswer(t, h, signed(hookText(1000+id)), http.StatusServiceUnavailable)
				}
				// What is refused anyway takes no room, and needs none.
				wantAnswer(t, h, signedBy("another", hookText(1)), http.StatusUnauthorized)
				close(release)
				all.Wait()
				if got := most.Load(); got != int32(want) {
					t.Errorf("%d were under way at most, want %d", got, want)
				}
				wantAnswer(t, h, signed(hookText(2000)), http.StatusNoContent)
			})
		})
	}
}

// An event whose sender was sent away is still under way.
func TestWebhookMaxConcurrentCountsTheSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			<-release
			return nil
		}))
		h.MaxConcurrent = 1
		wantAnswer(t, h, signed(hookText(1)), http.StatusServiceUnavailable)
		began := time.Now()
		wantAnswer(t, h, signed(hookText(2)), http.StatusServiceUnavailable)
		if took := time.Since(began); took != 0 {
			t.Errorf("a sender for whom there was no room waited %v", took)
		}
		close(release)
		synctest.Wait()
		wantAnswer(t, h, signed(hookText(2)), http.StatusNoContent)
	})
}

func TestWebhookDrain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var handled atomic.Int32
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			<-release
			handled.Add(1)
			return nil
		}))
		var all sync.WaitGroup
		for id := range 2 {
			all.Go(func() { wantAnswer(t, h, signed(hookText(id)), http.StatusNoContent) })
		}
		// A body that is still on its way when the draining begins is of a new
		// webhook.
		late := signed(hookText(9))
		late.Body = io.NopCloser(io.MultiReader(bytes.NewReader(hookText(9)), slowReader(time.Second)))
		all.Go(func() { wantAnswer(t, h, late, http.StatusServiceUnavailable) })
		synctest.Wait()

		short, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		began := time.Now()
		if err := h.Drain(short); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 500*time.Millisecond {
			t.Errorf("Drain = %v after %v", err, time.Since(began))
		}
		drained := make(chan error, 3)
		for range cap(drained) {
			go func() { drained <- h.Drain(t.Context()) }()
		}
		synctest.Wait()
		if len(drained) != 0 {
			t.Error("Drain returned while events were under way")
		}
		wantAnswer(t, h, signed(hookText(3)), http.StatusServiceUnavailable)
		wantAnswer(t, h, signedBy("another", hookText(3)), http.StatusUnauthorized)
		time.Sleep(time.Second)
		release <- struct{}{}
		synctest.Wait()
		if len(drained) != 0 || handled.Load() != 1 {
			t.Errorf("Drain returned %d times when %d of 2 events had been handled", len(drained), handled.Load())
		}
		close(release)
		for range cap(drained) {
			if err := <-drained; err != nil {
				t.Error(err)
			}
		}
		all.Wait()
		if got := handled.Load(); got != 2 {
			t.Errorf("%d were handled, want 2", got)
		}
		wantAnswer(t, h, signed(hookText(4)), http.StatusServiceUnavailable)
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

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

func TestWebhookRememberTokens(t *testing.T) {
	t.Parallel()
	token := func(jti string) *http.Request {
		return signed([]byte(hookTyping), nexmotest.Claim("jti", jti))
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		for range 3 {
			wantAnswer(t, h, token("1"), http.StatusNoContent)
		}
		if len(sink.ids()) != 3 {
			t.Errorf("%d were delivered", len(sink.ids()))
		}
	})
	t.Run("again", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		h.RememberTokens = 10
		results := observed(h)
		wantAnswer(t, h, token("1"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
		wantAnswer(t, h, token("2"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
		if len(sink.ids()) != 2 {
			t.Errorf("%d were delivered", len(sink.ids()))
		}
		if got := results(); !errors.Is(got[1].Err, nexmo.ErrReplay) {
			t.Errorf("Observe was told %+v", got[1])
		}
	})
	t.Run("bounded", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		h.RememberTokens = 3
		for round := range 3 {
			for i := range 5 {
				wantAnswer(t, h, token(fmt.Sprint(round, i)), http.StatusNoContent)
			}
			for i := 2; i < 5; i++ { // the last three
				wantAnswer(t, h, token(fmt.Sprint(round, i)), http.StatusUnauthorized)
			}
		}
		wantAnswer(t, h, token("0 1"), http.StatusNoContent)
	})
	t.Run("after a failure", func(t *testing.T) {
		t.Parallel()
		calls := 0
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			switch calls++; calls {
			case 1:
				return errors.New("not now")
			case 2:
				panic("not now either")
			}
			return nil
		}))
		h.RememberTokens = 10
		wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
		wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
		wantAnswer(t, h, token("1"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
	})
	t.Run("after a refusal", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		h.RememberTokens = 10
		wantAnswer(t, h, signedBy("another", []byte(hookTyping), nexmotest.Claim("jti", "1")), http.StatusUnauthorized)
		r := token("1")
		r.Body = io.NopCloser(strings.NewReader("{}"))
		wantAnswer(t, h, r, http.StatusUnauthorized)
		wantAnswer(t, h, token("1"), http.StatusNoContent)
	})
	t.Run("after what a retry would not mend", func(t *testing.T) {
		t.Parallel()
		calls := 0
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			calls++
			return &nexmo.DecodeError{Err: errors.New("odd")}
		}))
		h.RememberTokens = 10
		wantAnswer(t, h, token("1"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
		if calls != 1 {
			t.Errorf("delivered %d times", calls)
		}
	})
	t.Run("at the same time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan error)
			var calls atomic.Int32
			h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
				calls.Add(1)
				return <-release
			}))
			h.RememberTokens = 10
			first := make(chan int)
			go func() { first <- answer(t, h, token("1")) }()
			synctest.Wait()
			// Nobody knows yet what will become of the first.
			for range 3 {
				wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
			}
			release <- errors.New("not now")
			if got := <-first; got != http.StatusServiceUnavailable {
				t.Errorf("the first was answered %d", got)
			}
			go func() { first <- answer(t, h, token("1")) }()
			synctest.Wait()
			release <- nil
			if got := <-first; got != http.StatusNoContent {
				t.Errorf("the retry was answered %d", got)
			}
			wantAnswer(t, h, token("1"), http.StatusUnauthorized)
			if got := calls.Load(); got != 2 {
				t.Errorf("delivered %d times, want 2", got)
			}
		})
	})
	t.Run("without jti", func(t *testing.T) {
		t.Parallel()
		h := newHook(new(hookRecorder))
		h.RememberTokens = 10
		for range 2 {
			wantAnswer(t, h, signed([]byte(hookTyping), nexmotest.Claim("jti", nil)), http.StatusNoContent)
		}
	})
}

func TestWebhookObserve(t *testing.T) {
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
		var got []nexmo.WebhookResult
		var errs []error
		h.Observe = func(ctx context.Context, r nexmo.WebhookResult) {
			if ctx.Value(observeKey{}) != "of the request" {
				t.Error("ctx is not that of the request")
			}
			if answered {
				t.Error("called after the answer was sent")
			}
			errs = append(errs, r.Err)
			r.Err = nil
			got = append(got, r)
		}
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
		want := []nexmo.WebhookResult{
			{Status: 204, EventType: "text", ConversationID: "CON-hook", EventID: 1, Duration: time.Second},
			{Status: 503, EventType: "text", ConversationID: "CON-hook", EventID: 2, Duration: 2 * time.Second},
			{Status: 503, EventType: "text", ConversationID: "CON-hook", EventID: 5, Duration: 4 * time.Second},
			{Status: 204, EventType: "odd"},
			{Status: 400},
			{Status: 401},
			{Status: 405},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Observe was told (-want +got):\n%s", diff)
		}
		for i, want := range []error{nil, failing, nil, nil, nil, nexmo.ErrSignature, nil} {
			ok := errors.Is(errs[i], want)
			if want == nil {
				ok = (errs[i] == nil) == (got[i].Status == http.StatusNoContent)
			}
			if !ok {
				t.Errorf("request %d: Observe was told %v", i, errs[i])
			}
		}
		if _, ok := errors.AsType[*nexmo.DecodeError](errs[4]); !ok {
			t.Errorf("what is no event: Observe was told %v", errs[4])
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

type observeKey struct{}

// statusFunc is a ResponseWriter that can do next to nothing.
type statusFunc func(int)

func (f statusFunc) Header() http.Header         { return http.Header{} }
func (f statusFunc) Write(p []byte) (int, error) { return len(p), nil }
func (f statusFunc) WriteHeader(status int)      { f(status) }

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

// getRequest is a webhook in the form of a GET.
func getRequest(query, hashed string, opts ...nexmotest.SignOption) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/events", nil)
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+nexmotest.Sign(hookSecret, []byte(hashed), opts...))
	return r
}

func TestWebhookGet(t *testing.T) {
	t.Parallel()
	body := `{"text":"1 & 1 = 2, <b>é</b>","n":[1,2,{"x":null}]}`
	pairs := [][2]string{
		{"type", "text"}, {"id", "7"}, {"conversation_id", "CON-1"}, {"from", "MEM-1"}, {"body", body},
		{"timestamp", "2026-01-02T03:04:05.678Z"}, {"application_id", "3a1f"},
	}
	var query, hashed []string
	for _, p := range pairs {
		query = append(query, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
		var value bytes.Buffer
		enc := json.NewEncoder(&value)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(p[1]); err != nil {
			t.Fatal(err)
		}
		hashed = append(hashed, `"`+p[0]+`":`+strings.TrimSpace(value.String()))
	}
	object := func(members []string) string { return "{" + strings.Join(members, ",") + "}" }
	sorted := slices.Sorted(slices.Values(hashed))
	tests := []struct {
		name, query, hashed string
		want                int
	}{
		{"in order", strings.Join(query, "&"), object(hashed), http.StatusNoContent},
		{"empty parameters in between", "&" + strings.Join(query, "&&") + "&", object(hashed), http.StatusNoContent},
		{"blanks as %20", strings.ReplaceAll(strings.Join(query, "&"), "+", "%20"), object(hashed), http.StatusNoContent},
		{"hash over another order", strings.Join(query, "&"), object(sorted), http.StatusUnauthorized},
		{"parameters in another order", strings.Join(slices.Sorted(slices.Values(query)), "&"), object(hashed), http.StatusUnauthorized},
		{"hash with blanks", strings.Join(query, "&"), "{" + strings.Join(hashed, ", ") + "}", http.StatusUnauthorized},
		{"hash over the query itself", strings.Join(query, "&"), strings.Join(query, "&"), http.StatusUnauthorized},
		{"hash over nothing", strings.Join(query, "&"), "", http.StatusUnauthorized},
		{"a parameter more", strings.Join(query, "&") + "&x=1", object(hashed), http.StatusUnauthorized},
		{"a parameter less", strings.Join(query[:5], "&"), object(hashed), http.StatusUnauthorized},
		{"a parameter changed", strings.Replace(strings.Join(query, "&"), "id=7", "id=8", 1), object(hashed), http.StatusUnauthorized},
		{"a parameter twice", "type=text&id=7&id=8", `{"type":"text","id":"7","id":"8"}`, http.StatusBadRequest},
		{"members within a parameter twice", "type=text&id=7&body=" + url.QueryEscape(`{"text":"a","text":"b"}`), `{"type":"text","id":"7","body":"{\"text\":\"a\",\"text\":\"b\"}"}`, http.StatusBadRequest},
		{"malformed", "type=text&id=%zz", `{"type":"text","id":"%zz"}`, http.StatusBadRequest},
		{"no parameters", "", "{}", http.StatusBadRequest},
		{"no type", "id=7", `{"id":"7"}`, http.StatusBadRequest},
		{"a parameter that breaks out", "type=text&id=7&x=" + url.QueryEscape(`","id":"8`), `{"type":"text","id":"7","x":"","id":"8"}`, http.StatusUnauthorized},
		{"a name that breaks out", "type=text&id=7&" + url.QueryEscape(`x":"","id`) + "=8", `{"type":"text","id":"7","x":"","id":"8"}`, http.StatusUnauthorized},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sink hookRecorder
			wantAnswer(t, newHook(&sink), getRequest(test.query, test.hashed), test.want)
			if test.want != http.StatusNoContent {
				if len(sink.ids()) != 0 {
					t.Error("an event was delivered")
				}
				return
			}
			if len(sink.events) != 1 {
				t.Fatalf("%d events were delivered", len(sink.events))
			}
			e := sink.events[0]
			text, ok := nexmo.As[*nexmo.Text](e)
			if !ok || text.Text != "1 & 1 = 2, <b>é</b>" {
				t.Errorf("the body is %#v", e.Body)
			}
			got := []any{e.ID, e.Type, e.ConversationID, e.From, e.ApplicationID, e.Timestamp}
			want := []any{
				nexmo.EventID(7), nexmo.EventText, "CON-1", "MEM-1", "3a1f", time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the event (-want +got):\n%s", diff)
			}
		})
	}
	// A body that a GET has is not looked at, and one that is not signed is not
	// taken for the query either.
	t.Run("with a body", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		r := signed(hookText(1))
		r.Method = http.MethodGet
		wantAnswer(t, newHook(&sink), r, http.StatusUnauthorized)
		if len(sink.ids()) != 0 {
			t.Error("an event was delivered")
		}
	})
	t.Run("a query on a POST", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		r := signed(hookText(1))
		r.URL.RawQuery = strings.Join(query, "&")
		wantAnswer(t, newHook(&sink), r, http.StatusNoContent)
		if diff := cmp.Diff([]nexmo.EventID{1}, sink.ids()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

// sender sends events as the common callback service is documented to: again
// after 5 seconds, then after twice as long each time, up to 15 minutes, for 24
// hours; each event on its own; on 429, 5xx and when there is no answer.
type sender struct {
	t     *testing.T
	dial  func(ctx context.Context) (net.Conn, error)
	token func(body []byte) string

	mu       sync.Mutex
	statuses map[string][]int // of each event; 0 without an answer
}

// send returns when an event was taken, or dropped.
func (s *sender) send(name string, body []byte) {
	first := s.token(body)
	began := time.Now()
	for wait := 5 * time.Second; ; wait = min(2*wait, 15*time.Minute) {
		status := s.post(body, first)
		if time.Since(began) > 0 {
			first = s.token(body)
		}
		s.mu.Lock()
		s.statuses[name] = append(s.statuses[name], status)
		s.mu.Unlock()
		switch {
		case status >= 200 && status <= 205:
			return
		case status == 0, status == http.StatusTooManyRequests, status >= 500:
		default:
			s.t.Errorf("event %s was answered %d and is lost", name, status)
			return
		}
		if time.Since(began)+wait > 24*time.Hour {
			s.t.Errorf("event %s was given up after 24 hours and is lost", name)
			return
		}
		time.Sleep(wait)
	}
}

// post makes one request on a connection of its own, and waits 5 seconds for the
// answer.
func (s *sender) post(body []byte, token string) int {
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Second)
	defer cancel()
	conn, err := s.dial(ctx)
	if err != nil {
		return 0
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	_, err = fmt.Fprintf(conn, "POST /events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		token, len(body), body)
	if err != nil {
		return 0
	}
	a, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0
	}
	_ = a.Body.Close()
	return a.StatusCode
}

// receiver is a program that receives events, and can be killed.
type receiver struct {
	app    *nexmo.Application
	server *http.Server
	served chan struct{}
	dead   atomic.Bool // a dead program does nothing more, whatever its goroutines would
}

func newReceiver(l net.Listener, handle func(r *receiver, ctx context.Context, e *nexmo.Event) error) *receiver {
	r := &receiver{app: nexmo.NewApplication(""), served: make(chan struct{})}
	r.app.OnConversation(func(c *nexmo.Conversation) {
		c.On("*", func(ctx context.Context, e *nexmo.Event) error { return handle(r, ctx, e) })
	})
	h := newHook(r.app)
	h.Verifier.MaxAge = 24 * time.Hour // a retry may carry the token of the first try
	r.server = &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, 0)}
	go func() {
		defer close(r.served)
		_ = r.server.Serve(l)
	}()
	return r
}

// kill ends the program as the loss of power does: nobody is answered any more.
func (r *receiver) kill() {
	r.dead.Store(true)
	_ = r.server.Close()
	<-r.served
}

// A handler fails twice and then succeeds, the sender retries as documented, and
// the receiver is killed and started again in between: the event is handled, its
// predecessors and successors are not lost, and duplicates are not handled.
//
// What a receiver knows of duplicates dies with it: only what it acknowledged
// never comes again. So every event is handled once here, because none was
// handled and not acknowledged at the moment of the kill.
func TestRetriesAcrossRestart(t *testing.T) {
	t.Parallel()
	for name, fresh := range map[string]bool{"retries with fresh tokens": true, "retries with the same token": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { retriesAcrossRestart(t, fresh) })
		})
	}
}

func retriesAcrossRestart(t *testing.T, fresh bool) {
	const failing, slow, underWay = 5, 7, 12
	began := time.Now()
	var mu sync.Mutex
	tries := map[nexmo.EventID]int{}
	type handled struct {
		Program int
		ID      nexmo.EventID
	}
	var got []handled
	program := 0
	var killed *receiver
	handle := func(r *receiver, ctx context.Context, e *nexmo.Event) error {
		mu.Lock()
		tries[e.ID]++
		try := tries[e.ID]
		mu.Unlock()
		switch {
		case e.ID == failing && try <= 2:
			return errors.New("the database is away")
		case e.ID == slow && try == 1:
			time.Sleep(4200 * time.Millisecond) // longer than Timeout, and then it succeeds
		case e.ID == underWay && try == 1:
			<-ctx.Done() // until the program is killed
			return ctx.Err()
		}
		if r.dead.Load() {
			return errors.New("this program is dead")
		}
		mu.Lock()
		defer mu.Unlock()
		n := 2
		if r != killed && program == 1 {
			n = 1
		}
		got = append(got, handled{n, e.ID})
		return nil
	}

	var listener atomic.Pointer[pipeListener]
	s := &sender{
		t: t,
		dial: func(ctx context.Context) (net.Conn, error) {
			if l := listener.Load(); l != nil {
				return l.dial(ctx)
			}
			return nil, errors.New("connection refused")
		},
		statuses: map[string][]int{},
	}
	tokens := map[string]string{}
	s.token = func(body []byte) string {
		s.mu.Lock()
		defer s.mu.Unlock()
		if token, ok := tokens[string(body)]; ok && !fresh {
			return token
		}
		tokens[string(body)] = nexmotest.Sign(hookSecret, body)
		return tokens[string(body)]
	}
	start := func() *receiver {
		mu.Lock()
		defer mu.Unlock()
		program++
		l := newPipeListener()
		r := newReceiver(l, handle)
		listener.Store(l)
		return r
	}
	var posts sync.WaitGroup
	at := func(when time.Duration, name string, id int) {
		posts.Go(func() {
			time.Sleep(time.Until(began.Add(when)))
			s.send(name, hookText(id))
		})
	}

	r := start()
	// The first program: 2 and 3 change places, 4 comes twice at once, 3 once
	// more when it was handled, 5 fails at 3 s and at 8 s, 7 takes longer than
	// the sender is made to wait, 10 overtakes 9.
	at(0, "1", 1)
	at(1*time.Second, "3", 3)
	at(1500*time.Millisecond, "2", 2)
	at(2*time.Second, "4", 4)
	at(2*time.Second, "4 again", 4)
	at(2500*time.Millisecond, "3 again", 3)
	at(3*time.Second, "5", failing)
	at(3100*time.Millisecond, "6", 6)
	at(3200*time.Millisecond, "7", slow) // handled at 7.4 s, a duplicate at 12.2 s
	at(9*time.Second, "8", 8)
	at(11*time.Second, "10", 10)
	at(11500*time.Millisecond, "9", 9)
	at(13500*time.Millisecond, "11", 11)
	at(14*time.Second, "12", underWay) // is being handled when the program is killed
	at(14500*time.Millisecond, "13", 13)

	// Killed at 15 s, before the third try of 5 at 18 s; down for two seconds.
	time.Sleep(time.Until(began.Add(15 * time.Second)))
	mu.Lock()
	killed = r
	mu.Unlock()
	listener.Store(nil)
	r.kill()
	at(15500*time.Millisecond, "14", 14) // nobody there: comes again at 20.5 s
	at(17500*time.Millisecond, "15", 15) // the first that the second program sees
	at(18500*time.Millisecond, "16", 16)
	at(18500*time.Millisecond, "16 again", 16)
	at(40*time.Second, "5 again", failing) // long handled by then
	at(41*time.Second, "17", 17)
	time.Sleep(time.Until(began.Add(17 * time.Second)))
	second := start()
	posts.Wait()
	second.kill()

	// What came back at the same moment came in any order.
	if i := slices.Index(got, handled{2, underWay + 1}); i >= 0 && i+1 < len(got) && got[i+1].ID == underWay {
		got[i], got[i+1] = got[i+1], got[i]
	}
	want := []handled{
		{1, 1}, {1, 2}, {1, 3}, {1, 4}, {1, 6}, {1, 7}, {1, 8}, {1, 9}, {1, 10}, {1, 11},
		{2, 15}, {2, 5}, {2, 16}, {2, 12}, {2, 13}, {2, 14}, {2, 17},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
	for name, want := range map[string][]int{
		"1": {204}, "2": {204}, "3": {204}, "3 again": {204}, "4": {204}, "4 again": {204}, "5": {503, 503, 204}, "5 again": {204},
		"7": {503, 204}, "12": {0, 204}, "13": {0, 204}, "14": {0, 204}, "16": {204}, "16 again": {204},
	} {
		if diff := cmp.Diff(want, s.statuses[name]); diff != "" {
			t.Errorf("the answers to %s (-want +got):\n%s", name, diff)
		}
	}
	if tries[failing] != 3 {
		t.Errorf("event %d was tried %d times, want 3", failing, tries[failing])
	}
}
