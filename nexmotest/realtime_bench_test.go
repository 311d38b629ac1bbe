package nexmotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/socketio"
	"github.com/conversation-events/nexmo/nexmotest"
)

// crowd is many sessions and a webhook, all of which are to get every event in
// order.
type crowd struct {
	server       *nexmotest.Server
	conversation string
	sessions     int

	group sync.WaitGroup
	got   chan int // a session, or -1 for the webhook, has got the last
	wrong atomic.Pointer[string]
	last  int64
	hook  atomic.Int64 // what the webhook got last
}

// newCrowd has sessions of as many users get events, the last of which has the
// ID last.
func newCrowd(tb testing.TB, sessions, events int) *crowd {
	tb.Helper()
	c := &crowd{sessions: sessions, got: make(chan int, sessions+1), last: int64(sessions + events)}
	c.server = nexmotest.NewServer(tb, nexmotest.WithEventHandler(http.HandlerFunc(c.webhook)))
	c.conversation = c.server.CreateConversation("")
	for i := range sessions {
		c.server.Join(c.conversation, fmt.Sprint("user ", i))
	}
	ctx, end := context.WithCancel(context.Background())
	tb.Cleanup(func() {
		end()
		c.group.Wait()
	})
	for i := range sessions {
		conn, err := socketio.Dial(ctx, c.server.WebsocketURL()+"/v2/rtc", &socketio.DialOptions{
			HTTPClient: c.server.HTTPClient(),
			Query:      url.Values{"token": {c.server.UserToken(fmt.Sprint("user ", i))}, "acknowledge_events": {"true"}},
		})
		if err != nil {
			tb.Fatal(err)
		}
		c.group.Go(func() { c.run(ctx, conn, i) })
	}
	for i := range sessions {
		c.server.ExpectLogin(fmt.Sprint("user ", i))
	}
	if err := c.server.Flush(ctx); err != nil { // the webhooks of joining
		tb.Fatal(err)
	}
	return c
}

// run receives what a session gets.
func (c *crowd) run(ctx context.Context, conn *socketio.Conn, session int) {
	want := int64(c.sessions)
	_ = conn.Run(ctx, func(p socketio.Packet) error {
		if p.Name == "text" {
			want++
			c.check(p.Data, want, session)
		}
		_ = conn.Ack(ctx, p.ID) // if it fails, the connection ends
		return nil
	})
}

func (c *crowd) webhook(w http.ResponseWriter, r *http.Request) {
	var e struct {
		ID   int64
		Type string
	}
	if err := json.NewDecoder(r.Body).Decode(&e); err == nil && e.Type == "text" {
		id := c.hook.Add(1) + int64(c.sessions)
		c.order(e.ID, id, -1)
	}
	w.WriteHeader(http.StatusNoContent)
}

func (c *crowd) check(data []byte, want int64, session int) {
	var e struct{ ID int64 }
	if err := json.Unmarshal(data, &e); err != nil {
		e.ID = -1
	}
	c.order(e.ID, want, session)
}

func (c *crowd) order(got, want int64, session int) {
	if got != want {
		s := fmt.Sprintf("session %d: event %d, want %d", session, got, want)
		c.wrong.CompareAndSwap(nil, &s)
	}
	if want == c.last {
		c.got <- session
	}
}

// emit emits events and waits until everybody has got them.
func (c *crowd) emit(tb testing.TB, events int) {
	tb.Helper()
	for range events {
		c.server.Emit(c.conversation, &nexmo.Text{Text: "to all"})
	}
	late := time.After(5 * time.Minute) // ten thousand events take the better part of one on a busy machine
	for n := range c.sessions + 1 {
		select {
		case <-c.got:
		case <-late:
			tb.Fatalf("%d of %d have got everything", n, c.sessions+1)
		}
	}
	if wrong := c.wrong.Load(); wrong != nil {
		tb.Error(*wrong)
	}
}

// BenchmarkSessions emits events to 100 sessions and a webhook.
func BenchmarkSessions(b *testing.B) {
	c := newCrowd(b, 100, b.N)
	b.ReportAllocs()
	b.ResetTimer()
	c.emit(b, b.N)
	b.ReportMetric(float64(b.N*(c.sessions+1))/b.Elapsed().Seconds(), "deliveries/s")
}

func TestManySessions(t *testing.T) {
	t.Parallel()
	const sessions, events = 50, 200
	c := newCrowd(t, sessions, events)
	began := time.Now()
	c.emit(t, events)
	t.Logf("%.0f deliveries/s", float64(events*(sessions+1))/time.Since(began).Seconds())
}
