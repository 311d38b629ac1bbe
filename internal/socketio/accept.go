package socketio

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"
)

// AcceptOptions are the options of [Accept]. The zero value has the defaults of the
// usual Socket.IO server.
type AcceptOptions struct {
	// PingInterval is the time between a pong and the next ping; 25 seconds if
	// zero. It is announced in whole milliseconds.
	PingInterval time.Duration
	// PingTimeout is how long a pong may take; 20 seconds if zero.
	PingTimeout time.Duration
	// MaxPayload is the size of the largest packet received; 1,000,000 bytes if
	// zero.
	MaxPayload int64
	// ConnectTimeout is how long the client may take to connect to the namespace;
	// 45 seconds if zero.
	ConnectTimeout time.Duration
	// WriteTimeout is how long one packet may take; 10 seconds if zero.
	WriteTimeout time.Duration
	// Refuse, unless empty, is the message with which the client is not let into
	// the namespace.
	Refuse string
}

// Accept opens a connection to the client that made the request and waits until it
// is connected to the root namespace, or ctx ends. If there is an error, the request
// is answered and the connection closed. The connection outlives the request's
// handler, and nothing but ctx and the options limits it.
//
// A page of any origin may connect, as there is nothing that a browser would add by
// itself to a token in the query.
//
// Having refused, as [AcceptOptions] may ask for, Accept returns a [*RefusedError].
func Accept(ctx context.Context, w http.ResponseWriter, r *http.Request, opts *AcceptOptions) (*Conn, error) {
	var o AcceptOptions
	if opts != nil {
		o = *opts
	}
	o.ConnectTimeout = orDefault(o.ConnectTimeout, 45*time.Second)
	params := handshake{
		pingInterval: orDefault(o.PingInterval, 25*time.Second),
		pingTimeout:  orDefault(o.PingTimeout, 20*time.Second),
		maxPayload:   orDefault(o.MaxPayload, 1e6),
	}

	if err := checkQuery(w, r.URL.Query()); err != nil {
		return nil, err
	}
	ws, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return nil, fmt.Errorf("socketio: accept: %w", err)
	}
	c := newConn(ws, true, params.maxPayload, orDefault(o.WriteTimeout, defaultWriteTimeout))
	c.handshake = params
	ctx, cancel := context.WithTimeoutCause(ctx, o.ConnectTimeout,
		fmt.Errorf("socketio: accept: not connected within %v: %w", o.ConnectTimeout, context.DeadlineExceeded))
	defer cancel()
	if err := c.within(ctx, func() error { return c.welcome(ctx, o.Refuse) }); err != nil {
		c.end(err)
		return nil, c.err
	}
	return c, nil
}

// checkQuery answers a request that asks for another transport or protocol.
func checkQuery(w http.ResponseWriter, query url.Values) error {
	var code int
	var message string
	switch {
	case query.Get("transport") != "websocket":
		message = "Transport unknown"
	case query.Get("EIO") != "4":
		code, message = 5, "Unsupported protocol version"
	case query.Has("sid"): // there is nothing to upgrade
		code, message = 1, "Session ID unknown"
	default:
		return nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusBadRequest)
	fmt.Fprintf(w, `{"code":%d,"message":%q}`, code, message)
	return errors.New("socketio: accept: " + message)
}

// welcome goes through the handshakes of the engine and of the namespace.
func (c *Conn) welcome(ctx context.Context, refuse string) error {
	open := Packet{Type: TypeOpen, Data: c.handshake.appendOpen(nil, rand.Text())}
	if err := c.Send(ctx, open); err != nil {
		return err
	}
	for {
		p, err := c.next()
		if err != nil {
			return err
		}
		switch p.Type {
		case TypeConnect:
			return c.letIn(ctx, refuse)
		case TypeEvent, TypeAck:
			return errors.New("socketio: accept: a packet came before the namespace was connected")
		}
		if err := c.control(ctx, p); err != nil {
			return err
		}
	}
}

// letIn answers a client that wants into the namespace.
func (c *Conn) letIn(ctx context.Context, refuse string) error {
	answer := Packet{Type: TypeConnect, Data: fmt.Appendf(nil, `{"sid":%q}`, rand.Text())}
	if refuse == "" {
		return c.Send(ctx, answer)
	}
	message, err := json.Marshal(map[string]string{"message": refuse})
	if err != nil {
		return err
	}
	if err := c.Send(ctx, Packet{Type: TypeConnectError, Data: message}); err != nil {
		return err
	}
	refused := &RefusedError{Message: refuse}
	c.finish(refused)
	_ = c.ws.Close(websocket.StatusNormalClosure, "") // so that the packet before arrives
	return refused
}
