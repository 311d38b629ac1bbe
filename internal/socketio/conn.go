package socketio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// Why a connection has ended, as far as callers have to tell apart. Any other
// error is that of the network, or a [*PacketError].
var (
	// ErrClosed says that Close, CloseNow or Disconnect was called here.
	ErrClosed = errors.New("socketio: the connection is closed")
	// ErrDisconnected says that the peer has left the namespace.
	ErrDisconnected = errors.New("socketio: disconnected by the peer")
	// ErrEngineClosed says that the peer has closed the engine.
	ErrEngineClosed = errors.New("socketio: the peer has closed the engine")
	// ErrPingTimeout says that a ping or its answer did not come in time.
	ErrPingTimeout = errors.New("socketio: no ping or pong in time")
	// ErrWriteTimeout says that the peer did not take a packet in time.
	ErrWriteTimeout = errors.New("socketio: the peer takes no data")
)

// ErrTooLarge says that a packet is larger than the server accepts. It was not
// sent, and the connection goes on.
var ErrTooLarge = errors.New("socketio: the packet is larger than the peer accepts")

const (
	defaultWriteTimeout = 10 * time.Second
	// keepBuffer is the largest buffer kept for the next packet.
	keepBuffer = 64 << 10
)

// Conn is one end of a connection whose namespace is connected. Its owner calls
// [Conn.Run] once, which receives; all other methods may be called from anywhere.
//
// Nothing of a Conn runs but what Run has started, and that ends before Run
// returns. A Conn that is not run has to be closed.
type Conn struct {
	ws           *websocket.Conn
	server       bool
	handshake    handshake
	beaten       time.Time // when the peer was last known to be there, before Run
	writeTimeout time.Duration

	running atomic.Bool
	beats   chan struct{} // the pings of a server or the pongs of a client
	in      bytes.Buffer  // the packet being handled; Run's own

	turn chan struct{} // held by the one who writes
	out  []byte        // the packet being written; belongs to whose turn it is

	once sync.Once
	done chan struct{} // closed when err is set
	err  error         // the first reason to end
}

func newConn(ws *websocket.Conn, server bool, readLimit int64, writeTimeout time.Duration) *Conn {
	ws.SetReadLimit(readLimit)
	return &Conn{
		ws:           ws,
		server:       server,
		beaten:       time.Now(),
		writeTimeout: writeTimeout,
		beats:        make(chan struct{}, 1),
		turn:         make(chan struct{}, 1),
		done:         make(chan struct{}),
	}
}

// Run receives until the connection ends, and returns why it did; never nil. A
// client answers pings, a server sends them; the time since Dial or Accept counts, so
// call it soon. When ctx ends, so does the connection.
//
// Events and acknowledgements are given to handle one after the other. While it
// runs nothing is received, pings included: it must not wait for long. It must not
// keep the packet's Data, which the next packet overwrites. Its error ends the
// connection and is returned.
//
// When the peer has disconnected, closing the websocket in good order may take up to
// ten seconds.
func (c *Conn) Run(ctx context.Context, handle func(Packet) error) error {
	if c.running.Swap(true) {
		return errors.New("socketio: Run was called before")
	}
	var keeper sync.WaitGroup
	defer keeper.Wait()
	defer c.end(ErrClosed) // only if handle panics is this the reason
	keeper.Go(func() { c.keep(ctx) })

	err := c.receive(ctx, handle)
	if errors.Is(err, ErrDisconnected) || errors.Is(err, ErrEngineClosed) {
		c.finish(err)
		c.part()
	}
	c.end(err)
	return c.err
}

// part closes the websocket after the peer has said goodbye. A client is about to
// close it by itself: both at once would wait for each other to read, where nothing
// lies between them that could hold what they write.
func (c *Conn) part() {
	if !c.server {
		_ = c.ws.Close(websocket.StatusNormalClosure, "") // closed it is, whatever the peer says
		return
	}
	patience := time.AfterFunc(c.writeTimeout, func() { _ = c.ws.CloseNow() })
	defer patience.Stop()
	for {
		if _, err := c.next(); err != nil {
			return
		}
	}
}

// receive handles packets until the connection ends.
func (c *Conn) receive(ctx context.Context, handle func(Packet) error) error {
	for {
		p, err := c.next()
		if err != nil {
			return err
		}
		if c.ended() {
			return c.err
		}
		switch p.Type {
		case TypeEvent, TypeAck:
			err = handle(p)
		default:
			err = c.control(ctx, p)
		}
		if err != nil {
			return err
		}
	}
}

// control does what a packet that is for nobody but the connection asks for.
func (c *Conn) control(ctx context.Context, p Packet) error {
	switch p.Type {
	case TypePing:
		if c.server {
			return errors.New("socketio: the client sends pings, as revision 3 of the protocol does")
		}
		c.beat()
		// If it cannot be sent, what is read next tells why.
		_ = c.Send(ctx, Packet{Type: TypePong})
	case TypePong:
		if c.server {
			c.beat()
		}
	case TypeClose:
		return ErrEngineClosed
	case TypeDisconnect:
		return ErrDisconnected
	case TypeConnectError:
		if !c.server {
			return newRefusedError(p.Data)
		}
	}
	return nil
}

func (c *Conn) beat() {
	select {
	case c.beats <- struct{}{}:
	default: // the one before has not been noticed yet
	}
}

// keep ends the connection when ctx ends or the peer is silent for too long, and
// sends the pings of a server.
func (c *Conn) keep(ctx context.Context) {
	rest, patience := c.handshake.pingInterval, c.handshake.pingTimeout
	waiting := !c.server // for the peer, whose turn it is
	if waiting {
		rest += patience
	}
	timer := time.NewTimer(rest - time.Since(c.beaten))
	defer timer.Stop()
	for {
		select {
		case <-c.done:
			return
		case <-ctx.Done():
			c.end(context.Cause(ctx))
			return
		case <-c.beats:
			waiting = !c.server
			timer.Reset(rest)
		case <-timer.C:
			switch {
			case len(c.beats) > 0: // just in time
			case waiting:
				c.end(ErrPingTimeout)
				return
			default:
				_ = c.Send(ctx, Packet{Type: TypePing}) // if it fails, so does reading
				waiting = true
				timer.Reset(patience)
			}
		}
	}
}

// next reads the next packet. Its Data is good until the next call.
func (c *Conn) next() (Packet, error) {
	// The connection is closed when it shall end. A context would cost
	// allocations with every frame.
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return Packet{}, fmt.Errorf("socketio: receive: %w", err)
	}
	if c.in.Cap() > keepBuffer {
		c.in = bytes.Buffer{}
	}
	c.in.Reset()
	if _, err := c.in.ReadFrom(r); err != nil {
		return Packet{}, fmt.Errorf("socketio: receive: %w", err)
	}
	if kind != websocket.MessageText {
		return Packet{}, nil
	}
	return Parse(c.in.Bytes())
}

// Send writes a packet. If that takes longer than the write timeout, or than ctx
// allows once it has begun, the connection ends, since part of a packet may be on
// its way. Another failure does not end it: what the peer has sent before it was
// gone, such as a disconnect, is still received, and then Run returns. After the
// connection has ended, Send returns why.
func (c *Conn) Send(ctx context.Context, p Packet) error {
	if c.ended() {
		return c.err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return ctx.Err()
	}

	if cap(c.out) > keepBuffer {
		c.out = nil
	}
	c.out = Append(c.out[:0], p)
	if len(c.out) == 0 {
		return fmt.Errorf("socketio: send: packets of type %d cannot be sent", p.Type)
	}
	if limit := c.handshake.maxPayload; !c.server && limit > 0 && int64(len(c.out)) > limit {
		return ErrTooLarge
	}
	timed, cancel := context.WithTimeoutCause(ctx, c.writeTimeout, ErrWriteTimeout)
	defer cancel()
	err := c.within(timed, func() error {
		return c.ws.Write(context.Background(), websocket.MessageText, c.out)
	})
	switch {
	case err == nil:
		return nil
	case c.ended():
		return c.err
	default:
		return fmt.Errorf("socketio: send: %w", err)
	}
}

// Ack acknowledges the event that wants it by this number. A handler does well to
// go on if it fails, see [Conn.Send].
func (c *Conn) Ack(ctx context.Context, id string) error {
	return c.Send(ctx, Packet{Type: TypeAck, ID: id})
}

// Disconnect leaves the namespace, for good in the eyes of the peer, and closes the
// connection as Close does. If it cannot leave, it returns why, and has closed the
// connection at once.
func (c *Conn) Disconnect(ctx context.Context) error {
	if err := c.Send(ctx, Packet{Type: TypeDisconnect}); err != nil {
		c.CloseNow()
		return err
	}
	c.Close()
	return nil
}

// Close closes the websocket, which the peer may take for a lost connection, and
// waits for the peer's answer to that, no longer than ten seconds. No packet is
// handled from now on. Close does not wait for Run to return.
func (c *Conn) Close() {
	c.finish(ErrClosed)
	_ = c.ws.Close(websocket.StatusNormalClosure, "") // closed it is, whatever the peer says
}

// CloseNow is Close without a word to the peer.
func (c *Conn) CloseNow() { c.end(ErrClosed) }

// ended reports whether there is a reason to end, and so whether err may be read.
func (c *Conn) ended() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// finish remembers why the connection ends. The first reason wins.
func (c *Conn) finish(err error) {
	c.once.Do(func() {
		c.err = err
		close(c.done)
	})
}

// end is finish, and closes the websocket at once.
func (c *Conn) end(err error) {
	c.finish(err)
	_ = c.ws.CloseNow() // fails only if it is closed
}

// within calls f. If ctx ends before f returns, the connection ends with the cause
// of that, which within returns.
func (c *Conn) within(ctx context.Context, f func() error) error {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		c.end(context.Cause(ctx))
		close(ended)
	})
	err := f()
	if !stop() {
		<-ended
		return c.err
	}
	return err
}
