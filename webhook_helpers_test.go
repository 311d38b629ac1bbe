package nexmo_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

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

// webhookResult is the outcome of a webhook.
type webhookResult struct {
	Status         int
	EventType      nexmo.EventType
	ConversationID string
	EventID        nexmo.EventID
	Duration       time.Duration
	Err            error
}

// observe has h report to fn.
func observe(h *nexmo.WebhookHandler, fn func(context.Context, webhookResult)) {
	h.Trace = &nexmo.Trace{ReceiveEnd: func(ctx context.Context, t nexmo.ReceiveTrace, err error) {
		fn(ctx, webhookResult{t.Status, t.EventType, t.ConversationID, t.EventID, t.Duration, err})
	}}
}

// observed has h report to a list.
func observed(h *nexmo.WebhookHandler) func() []webhookResult {
	var mu sync.Mutex
	results := []webhookResult{}
	observe(h, func(_ context.Context, r webhookResult) {
		mu.Lock()
		defer mu.Unlock()
		results = append(results, r)
	})
	return func() []webhookResult {
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

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

type slowReader time.Duration

func (r slowReader) Read([]byte) (int, error) {
	time.Sleep(time.Duration(r))
	return 0, io.EOF
}

// fieldsInOrder returns the names and values of an object in the order of its text: what
// is no text, as JSON.
func fieldsInOrder(t *testing.T, object string) (all [][2]string) {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(object))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			t.Fatal(err)
		}
		text := string(value)
		if value[0] == '"' {
			if err := json.Unmarshal(value, &text); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, [2]string{name.(string), text})
	}
	return all
}

// handledSink is a Sink that is asked what it has handled.
type handledSink struct {
	nexmo.Sink
	handled func(conversationID string, id nexmo.EventID) bool
}

func (s handledSink) Handled(conversationID string, id nexmo.EventID) bool {
	return s.handled(conversationID, id)
}
