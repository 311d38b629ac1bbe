package nexmotest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/socketio"
	"github.com/conversation-events/nexmo/nexmotest"
)

// peer is a client of a realtime session, which keeps the frames that it gets.
type peer struct {
	t      *testing.T
	conn   *socketio.Conn
	frames chan frame
	ended  chan error
}

// frame is a frame that a peer got.
type frame struct {
	Name   string
	Number string // of its acknowledgement
	Data   string
}

// dial connects to a server. The peer acknowledges if ack is set.
func dial(t *testing.T, s *nexmotest.Server, ack bool, query ...string) *peer {
	t.Helper()
	q := url.Values{}
	for i := 0; i < len(query); i += 2 {
		q.Set(query[i], query[i+1])
	}
	conn, err := socketio.Dial(t.Context(), s.WebsocketURL()+"/v2/rtc", &socketio.DialOptions{HTTPClient: s.HTTPClient(), Query: q})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, conn: conn, frames: make(chan frame, 100), ended: make(chan error, 1)}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.ended <- conn.Run(ctx, func(f socketio.Packet) error {
			if ack && f.ID != "" {
				_ = conn.Ack(ctx, f.ID) // if it fails, the connection ends
			}
			select {
			case p.frames <- frame{f.Name, f.ID, string(f.Data)}:
			case <-ctx.Done():
			}
			return nil
		})
		close(p.frames)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return p
}

// login connects as a user, and acknowledges everything.
func login(t *testing.T, s *nexmotest.Server, user string, query ...string) (p *peer, sessionID string) {
	t.Helper()
	p = dial(t, s, true, append([]string{"token", s.UserToken(user), "acknowledge_events", "true"}, query...)...)
	return p, p.success().ID
}

// session is the body of session:success.
type session struct {
	ID            string            `json:"id"`
	UserID        string            `json:"user_id"`
	Name          string            `json:"name"`
	APIKey        string            `json:"api_key"`
	PendingEvents []json.RawMessage `json:"pending_events"`
}

// next returns the next frame; the zero frame if there is none any more.
func (p *peer) next() frame {
	p.t.Helper()
	select {
	case f := <-p.frames:
		return f
	case <-time.After(20 * time.Second):
		p.t.Fatal("no frame comes")
		return frame{}
	}
}

// names returns the names of the next n frames, and the IDs of their events.
func (p *peer) names(n int) []string {
	p.t.Helper()
	names := make([]string, n)
	for i := range names {
		f := p.next()
		var e struct{ ID int64 }
		_ = json.Unmarshal([]byte(f.Data), &e) // some are malformed
		names[i] = fmt.Sprint(f.Name, " ", e.ID)
	}
	return names
}

func (p *peer) success() session {
	p.t.Helper()
	f := p.next()
	var answer struct{ Body session }
	if err := json.Unmarshal([]byte(f.Data), &answer); err != nil || f.Name != "session:success" {
		p.t.Fatalf("%+v: %v", f, err)
	}
	return answer.Body
}

// end returns why the connection ended.
func (p *peer) end() error {
	p.t.Helper()
	select {
	case err := <-p.ended:
		return err
	case <-time.After(20 * time.Second):
		p.t.Fatal("the connection does not end")
		return nil
	}
}

// pending returns the types and IDs of pending events.
func (s session) pending(t *testing.T) []string {
	t.Helper()
	list := []string{}
	for _, raw := range s.PendingEvents {
		e, err := nexmo.ParseEvent(raw)
		if err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		list = append(list, fmt.Sprint(e.Type, " ", e.ID))
	}
	return list
}
