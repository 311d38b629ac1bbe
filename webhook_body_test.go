package nexmo_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

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
			if got := results(); test.want == http.StatusRequestEntityTooLarge && !errors.Is(got[0].Err, nexmo.ErrWebhookTooLarge) {
				t.Errorf("ReceiveEnd was told %+v", got)
			}

			// The same without a handler around it.
			body = &countingReader{left: test.size}
			r.Body, r.ContentLength = io.NopCloser(body), test.declared
			_, payload, err := h.Verifier.Verify(r)
			if payload != nil || errors.Is(err, nexmo.ErrWebhookTooLarge) != (test.want == http.StatusRequestEntityTooLarge) {
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
		for n, want := range map[int]int{998: http.StatusUnauthorized, 999: http.StatusRequestEntityTooLarge} { // and "a="
			wantAnswer(t, h, httptest.NewRequest(http.MethodGet, "/?a="+strings.Repeat("a", n), nil), want)
		}
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
				if got := readStatus(t, conn); got != slowBodyStatus {
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
				if got := results(); len(got) != 1 || got[0].Status != slowBodyStatus || got[0].Duration != want {
					t.Errorf("ReceiveEnd was told %+v", got)
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
	if got := readStatus(t, conn); got != slowBodyStatus {
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
				t.Errorf("ReceiveEnd was told %+v", got)
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
		t.Errorf("ReceiveEnd was told %+v", got)
	}
	r = signed(hookText(1))
	r.Body = nil
	wantAnswer(t, h, r, http.StatusUnauthorized)
}

// A sender of more than MaxBody is answered and disconnected: no further request is
// read from the connection, however little is left of the body.
func TestWebhookDisconnectsSenderOfTooMuch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newHook(new(hookRecorder))
		h.Verifier.MaxBody = 100
		conn := inMemory(t, h)
		go func() {
			_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n78\r\n%s\r\n0\r\n\r\n", strings.Repeat(" ", 120))
		}()
		a, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		_ = a.Body.Close()
		if a.StatusCode != http.StatusRequestEntityTooLarge || !a.Close {
			t.Errorf("answered %d, disconnected: %t", a.StatusCode, a.Close)
		}
	})
}

// deadlineRecorder is a ResponseWriter that records deadlines for reading.
type deadlineRecorder struct {
	http.ResponseWriter
	in []time.Duration // from the start; -1: none
}

func (w *deadlineRecorder) SetReadDeadline(at time.Time) error {
	after := time.Duration(-1)
	if !at.IsZero() {
		after = time.Until(at)
	}
	w.in = append(w.in, after)
	return nil
}

// The deadline for reading ends when the body was read, so that it does not break the
// connection while a handler runs; a body that is not read keeps it.
func TestWebhookReadDeadline(t *testing.T) {
	t.Parallel()
	get := func(length int64) *http.Request {
		r := getRequest("type=text&id=1", `{"type":"text","id":"1"}`)
		r.ContentLength = length
		return r
	}
	tests := map[string]struct {
		r    func() *http.Request
		want []time.Duration
	}{
		"POST":                     {func() *http.Request { return signed(hookText(1)) }, []time.Duration{4 * time.Second, -1}},
		"GET":                      {func() *http.Request { return get(0) }, []time.Duration{4 * time.Second, -1}},
		"GET with a body":          {func() *http.Request { return get(10) }, []time.Duration{4 * time.Second}},
		"GET with a body, chunked": {func() *http.Request { return get(-1) }, []time.Duration{4 * time.Second}},
		"refused":                  {func() *http.Request { return signedBy("another", hookText(1)) }, []time.Duration{4 * time.Second}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := &deadlineRecorder{ResponseWriter: httptest.NewRecorder()}
				newHook(new(hookRecorder)).ServeHTTP(w, test.r())
				if diff := cmp.Diff(test.want, w.in); diff != "" {
					t.Errorf("deadlines (-want +got):\n%s", diff)
				}
			})
		})
	}
}
