package nexmotest

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/conversation-events/nexmo/internal/socketio"
)

// realtimePath is where sessions are.
const realtimePath = "/v2/rtc/"

// connection is a websocket and the session that it carries.
type connection struct {
	rt     *realtime
	socket *socketio.Conn
	wake   chan struct{}     // there is something to do for the writer
	sent   map[string]*frame // what is to be acknowledged, by number; guarded by rt.mu
}

// serve serves a websocket until it ends.
func (rt *realtime) serve(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	rec := Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: q, Header: r.Header.Clone(), At: time.Now()}
	ctx := r.Context()
	socket, err := socketio.Accept(ctx, w, r, &socketio.AcceptOptions{PingInterval: rt.options.pingInterval, PingTimeout: rt.options.pingTimeout})
	if err != nil {
		rec.Status = http.StatusBadRequest
		rt.journal.request(rec)
		return
	}
	conn := &connection{rt: rt, socket: socket, wake: make(chan struct{}, 1), sent: map[string]*frame{}}
	l := rt.login(q)
	var s *session
	if l.refusal == "" {
		s = rt.open(&l, conn)
	}
	rec.User, rec.Status = l.who.user, http.StatusSwitchingProtocols
	rt.journal.request(rec)
	entry := Login{User: l.who.user, Resumed: l.resumed != "", Refusal: l.refusal, At: rec.At}
	if s == nil {
		rt.journal.login(entry)
		conn.refuse(ctx, l)
		return
	}
	entry.SessionID = s.id
	rt.journal.login(entry)
	conn.run(ctx, s)
}

// refuse answers a login with something else than a session, and leaves.
func (c *connection) refuse(ctx context.Context, l login) {
	answer := object{"description": l.detail, "body": object{"description": l.detail}}
	if err := c.send(ctx, &message{name: l.refusal, data: encode(answer)}, ""); err != nil {
		c.socket.CloseNow()
		return
	}
	_ = c.socket.Disconnect(ctx) // whatever becomes of it, the connection is closed
}

// run carries a session until the connection ends.
func (c *connection) run(ctx context.Context, s *session) {
	ctx, cancel := context.WithCancel(ctx)
	var writer sync.WaitGroup
	writer.Go(func() { c.write(ctx, s) })
	_ = c.socket.Run(ctx, func(p socketio.Packet) error {
		switch p.Type {
		case socketio.TypeAck:
			c.rt.acknowledge(s, c, p.ID)
		case socketio.TypeEvent:
			c.request(ctx, s, p)
		}
		return nil
	})
	c.rt.mu.Lock()
	s.disconnect(c)
	c.rt.mu.Unlock()
	cancel()
	writer.Wait()
}

// write sends what the session has queued until the connection ends.
func (c *connection) write(ctx context.Context, s *session) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		p := c.rt.take(s, c)
		for _, f := range p.frames {
			if err := c.send(ctx, f.message, f.number); err != nil {
				return // so does reading
			}
		}
		switch {
		case p.gone:
			return
		case p.cut:
			c.socket.CloseNow()
			return
		case len(p.frames) > 0:
			continue
		}
		timer.Reset(time.Until(p.expires))
		select {
		case <-c.wake:
		case <-ctx.Done():
			return
		case <-timer.C:
			if c.leave(ctx, s) {
				return
			}
		}
	}
}

// leave takes its connection from a session whose token has run out: the client is
// to come back by hand, with a new one. It reports false if there is a new one.
func (c *connection) leave(ctx context.Context, s *session) bool {
	c.rt.mu.Lock()
	expired := !time.Now().Before(s.expires)
	if expired {
		s.disconnect(c)
	}
	c.rt.mu.Unlock()
	if expired {
		_ = c.socket.Disconnect(ctx) // whatever becomes of it, the connection is closed
	}
	return expired
}

// drop cuts the connection, which may take a moment that nobody waits for.
func (c *connection) drop() {
	c.rt.background.run(func(context.Context) { c.socket.CloseNow() })
}

// send writes a frame, which wants an acknowledgement if it has a number.
func (c *connection) send(ctx context.Context, m *message, number string) error {
	return c.socket.Send(ctx, socketio.Packet{Type: socketio.TypeEvent, ID: number, Name: m.name, Data: m.data})
}

// request answers what the client asks for: to log out, and nothing else.
func (c *connection) request(ctx context.Context, s *session, p socketio.Packet) {
	var asked struct {
		ID string `json:"tid"`
	}
	_ = json.Unmarshal(p.Data, &asked) // without an ID, the answer has none
	answer := message{name: "session:error:invalid-event", data: encode(object{"rid": asked.ID, "body": object{"description": "There is no such request."}})}
	if p.Name == "session:logout" {
		c.rt.mu.Lock()
		c.rt.end(s)
		c.rt.mu.Unlock()
		answer = message{name: "session:logged-out", data: encode(object{"rid": asked.ID, "body": object{}})}
	}
	_ = c.send(ctx, &answer, "") // if it cannot be sent, the connection ends
}
