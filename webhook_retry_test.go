package nexmo_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

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
