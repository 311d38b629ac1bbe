//go:build !js

package socketio

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// network is a server that clients reach without a port, so that all of it can be in
// a bubble of synctest.
type network struct {
	conns  chan net.Conn
	closed chan struct{}
	client *http.Client
	mu     sync.Mutex
	peers  []net.Conn // the server's ends
}

// serve starts a server that ends with the test.
func serve(t *testing.T, handler http.HandlerFunc) *network {
	t.Helper()
	n := &network{conns: make(chan net.Conn), closed: make(chan struct{})}
	transport := &http.Transport{DialContext: n.dial}
	n.client = &http.Client{Transport: transport}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(n) })
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = server.Close()
		running.Wait()
	})
	return n
}

func (n *network) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case n.conns <- there:
		return here, nil
	case <-n.closed:
		return nil, errors.New("nobody listens")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cut cuts all connections.
func (n *network) cut() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range n.peers {
		_ = c.Close()
	}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		n.mu.Lock()
		defer n.mu.Unlock()
		n.peers = append(n.peers, c)
		return c, nil
	case <-n.closed:
		return nil, net.ErrClosed
	}
}

func (n *network) Close() error {
	close(n.closed)
	return nil
}

func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "test"} }

// raw is the other end of a connection, which does only what the test says.
type raw struct {
	ws *websocket.Conn
}

// write sends a message. That it does not arrive is for the test to notice.
func (r raw) write(text string) {
	_ = r.ws.Write(context.Background(), websocket.MessageText, []byte(text))
}

// read returns the next message, or the empty string when there are no more.
func (r raw) read() string {
	_, text, err := r.ws.Read(context.Background())
	if err != nil {
		return ""
	}
	return string(text)
}

const opening = `0{"sid":"engine","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}`

// connect is the server's part of both handshakes.
func (r raw) connect() {
	r.write(opening)
	r.read()
	r.write(`40{"sid":"namespace","pid":"recovery"}`)
}

// dialRaw returns a client whose server is script, which has connected.
func dialRaw(t *testing.T, opts *DialOptions, script func(raw)) (*Conn, *network) {
	t.Helper()
	n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer ws.CloseNow() //nolint:errcheck // closed in most cases
		peer := raw{ws}
		peer.connect()
		script(peer)
	})
	if opts == nil {
		opts = &DialOptions{}
	}
	opts.HTTPClient = n.client
	c, err := Dial(t.Context(), "http://test/v2/rtc", opts)
	if err != nil {
		t.Fatal(err)
	}
	return c, n
}

// acceptRaw returns a server whose client is raw, and has connected.
func acceptRaw(t *testing.T, opts *AcceptOptions) (*Conn, raw) {
	t.Helper()
	accepted := make(chan *Conn)
	release := make(chan struct{})
	n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(context.Background(), w, r, opts)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
		<-release
	})
	t.Cleanup(func() { close(release) })
	peer := raw{n.open(t)}
	t.Cleanup(func() { _ = peer.ws.CloseNow() })
	peer.read()
	peer.write("40")
	peer.read()
	c := <-accepted
	if c == nil {
		t.FailNow()
	}
	return c, peer
}

// open opens a websocket as a client of Socket.IO does.
func (n *network) open(t *testing.T) *websocket.Conn {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), "ws://test/?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: n.client})
	if err != nil {
		t.Fatal(err)
	}
	return ws
}

// pair returns both ends of a connection.
func pair(t *testing.T, opts *AcceptOptions) (client, server *Conn) {
	t.Helper()
	accepted := make(chan *Conn, 1)
	release := make(chan struct{})
	n := serve(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(context.Background(), w, r, opts)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
		<-release
	})
	t.Cleanup(func() { close(release) })
	client, err := Dial(t.Context(), "ws://test/v2/rtc/", &DialOptions{HTTPClient: n.client})
	if err != nil {
		t.Fatal(err)
	}
	return client, <-accepted
}

// running runs a connection until the test ends, and returns what gives its error.
func running(t *testing.T, c *Conn, handle func(Packet) error) func() error {
	t.Helper()
	var err error
	var wg sync.WaitGroup
	wg.Go(func() { err = c.Run(context.Background(), handle) })
	t.Cleanup(func() {
		c.CloseNow()
		wg.Wait()
	})
	return func() error {
		wg.Wait()
		return err
	}
}

// nothing is a handler for connections that receive nothing.
func nothing(t *testing.T) func(Packet) error {
	return func(p Packet) error {
		t.Errorf("received %+v, want nothing", p)
		return nil
	}
}
