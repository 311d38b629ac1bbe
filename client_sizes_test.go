package nexmo_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/conversation-events/nexmo"
)

// cutReader reads a text and then fails.
type cutReader struct {
	io.Reader
	err error
}

func (r *cutReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err == io.EOF {
		err = r.err
	}
	return n, err
}

func (r *cutReader) Close() error { return nil }

// TestClientTruncated repeats what a connection broke off in the middle of, unless it
// might then be done twice.
func TestClientTruncated(t *testing.T) {
	t.Parallel()
	for _, call := range callsOfMethods() {
		t.Run(call.method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cut := func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &cutReader{strings.NewReader(`{"id":"CO`), io.ErrUnexpectedEOF}}, nil
				}
				s := newScriptedAPI(cut, cut, answerWith(200, `{"id":"CON-1"}`))
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

// endlessReader yields zeros.
type endlessReader struct {
	read   atomic.Int64
	closed atomic.Bool
}

func (e *endlessReader) Read(p []byte) (int, error) {
	e.read.Add(int64(len(p)))
	clear(p)
	return len(p), nil
}

func (e *endlessReader) Close() error {
	e.closed.Store(true)
	return nil
}

// TestClientHuge gives up an answer that does not end, without keeping more of it
// than the largest that is read.
func TestClientHuge(t *testing.T) { //nolint:paralleltest // it measures what is allocated
	for _, status := range []int{200, 500} { //nolint:paralleltest // it measures what is allocated
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			body := new(endlessReader)
			s := newScriptedAPI(func(*http.Request) (*http.Response, error) {
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

// TestClientLarge reads an answer of almost the largest size.
func TestClientLarge(t *testing.T) {
	t.Parallel()
	const most = 32 << 20
	answer := `{"id":"CON-1"}` + strings.Repeat(" ", most-14)
	s := newScriptedAPI(answerWith(200, answer), answerWith(200, answer+" "))
	c := s.client(t)
	if info, err := c.ConversationInfo(t.Context(), "CON-1"); err != nil || info.ID != "CON-1" {
		t.Errorf("got %v and %v", info, err)
	}
	if _, err := c.ConversationInfo(t.Context(), "CON-1"); err == nil {
		t.Error("a larger one was read")
	}
}
