//go:build !js

package socketio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

func TestConn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, nil)
		ctx := t.Context()

		var acks []string
		acked := make(chan struct{})
		serverEnd := running(t, server, func(p Packet) error {
			acks = append(acks, p.ID)
			if len(acks) == 4 {
				close(acked)
			}
			return nil
		})
		var events []string
		clientEnd := running(t, client, func(p Packet) error {
			events = append(events, fmt.Sprintf("%s %s %s", p.ID, p.Name, p.Data))
			if p.ID == "" {
				return nil
			}
			return client.Ack(ctx, p.ID)
		})

		for _, id := range []string{"0", "7", "", "007", "12345678901234567890123"} {
			p := Packet{Type: TypeEvent, ID: id, Name: "text", Data: []byte(`{"id":1}`)}
			if err := server.Send(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
		<-acked
		if err := client.Disconnect(ctx); err != nil {
			t.Error(err)
		}
		if err := clientEnd(); !errors.Is(err, ErrClosed) {
			t.Errorf("the client's Run returns %v, want ErrClosed", err)
		}
		if err := serverEnd(); !errors.Is(err, ErrDisconnected) {
			t.Errorf("the server's Run returns %v, want ErrDisconnected", err)
		}
		if diff := cmp.Diff([]string{"0", "7", "007", "12345678901234567890123"}, acks); diff != "" {
			t.Errorf("acknowledgements (-want +got):\n%s", diff)
		}
		want := []string{
			`0 text {"id":1}`, `7 text {"id":1}`, ` text {"id":1}`, `007 text {"id":1}`,
			`12345678901234567890123 text {"id":1}`,
		}
		if diff := cmp.Diff(want, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		for name, c := range map[string]*Conn{"client": client, "server": server} {
			if err := c.Send(ctx, Packet{Type: TypeNoop}); err == nil {
				t.Errorf("the %s sends after its end", name)
			}
			if err := c.Run(ctx, nothing(t)); err == nil {
				t.Errorf("the %s runs twice", name)
			}
		}
	})
}

func TestPings(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		opts := &AcceptOptions{PingInterval: 200 * time.Millisecond, PingTimeout: 100 * time.Millisecond}
		client, server := pair(t, opts)
		clientEnd, serverEnd := running(t, client, nothing(t)), running(t, server, nothing(t))
		timeout := time.AfterFunc(time.Hour, client.Close)
		defer timeout.Stop()
		if err := clientEnd(); !errors.Is(err, ErrClosed) {
			t.Errorf("the client's Run returns %v after %v, want ErrClosed", err, time.Since(start))
		}
		if got := websocket.CloseStatus(serverEnd()); got != websocket.StatusNormalClosure {
			t.Errorf("the server's Run returns %v, want the client's close", got)
		}
		if got := time.Since(start); got != time.Hour {
			t.Errorf("ended after %v, want an hour", got)
		}
	})
}

func TestSilentServer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		client, _ := dialRaw(t, nil, func(peer raw) {
			time.Sleep(40 * time.Second)
			peer.write("2")
			if got := peer.read(); got != "3" {
				t.Errorf("the client answers %q, want 3", got)
			}
			time.Sleep(44 * time.Second)
			peer.write("6") // is no ping
			for peer.read() != "" {
				t.Error("the client writes by itself")
			}
		})
		if err := client.Run(t.Context(), nothing(t)); !errors.Is(err, ErrPingTimeout) {
			t.Errorf("Run returns %v, want ErrPingTimeout", err)
		}
		if got, want := time.Since(start), 85*time.Second; got != want {
			t.Errorf("gave up after %v, want %v", got, want)
		}
	})
}

func TestSilentClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		server, peer := acceptRaw(t, nil)
		end := running(t, server, nothing(t))
		var pings []time.Duration
		for peer.read() == "2" {
			pings = append(pings, time.Since(start))
			if len(pings) == 1 {
				time.Sleep(19 * time.Second)
				peer.write("3")
			}
		}
		if err := end(); !errors.Is(err, ErrPingTimeout) {
			t.Errorf("Run returns %v, want ErrPingTimeout", err)
		}
		if diff := cmp.Diff([]time.Duration{25 * time.Second, 69 * time.Second}, pings); diff != "" {
			t.Errorf("pings (-want +got):\n%s", diff)
		}
		if got, want := time.Since(start), 89*time.Second; got != want {
			t.Errorf("gave up after %v, want %v", got, want)
		}
	})
}

// The time between Dial and Run counts.
func TestRunLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, nil)
		time.Sleep(50 * time.Second)
		start := time.Now()
		if err := client.Run(t.Context(), nothing(t)); !errors.Is(err, ErrPingTimeout) {
			t.Errorf("Run returns %v, want ErrPingTimeout", err)
		}
		if got := time.Since(start); got != 0 {
			t.Errorf("Run returns after %v, want at once", got)
		}
		server.CloseNow()
	})
}

func TestClientEnds(t *testing.T) {
	t.Parallel()
	own := errors.New("own error")
	event := func(peer raw) {
		peer.write(`42["a"]`)
		peer.read()
	}
	tests := []struct {
		name   string
		script func(raw)
		handle func(*Conn, context.CancelCauseFunc, *network) error
		check  func(error) bool
	}{
		{"disconnected", func(peer raw) {
			peer.write("41")
			peer.read()
		}, nil, is(ErrDisconnected)},
		{"engine closed", func(peer raw) {
			peer.write("1")
			peer.read()
		}, nil, is(ErrEngineClosed)},
		{"websocket closed", func(peer raw) {
			_ = peer.ws.Close(websocket.StatusGoingAway, "restart")
		}, nil, func(err error) bool { return websocket.CloseStatus(err) == websocket.StatusGoingAway }},
		{"hung up", func(raw) {}, nil, is(io.EOF)},
		{"refused afterwards", func(peer raw) {
			peer.write(`44{"message":"no more"}`)
			peer.read()
		}, nil, func(err error) bool {
			var refused *RefusedError
			return errors.As(err, &refused) && refused.Message == "no more"
		}},
		{"bad packet", func(peer raw) {
			peer.write(`42{"secret":1}`)
			peer.read()
		}, nil, func(err error) bool {
			var bad *PacketError
			return errors.As(err, &bad) && !strings.Contains(err.Error(), "secret")
		}},
		{"packet too large", func(peer raw) {
			peer.write(`42["a","` + strings.Repeat("x", 1000) + `"]`)
			peer.read()
		}, nil, is(websocket.ErrMessageTooBig)},
		{"handler fails", event, func(*Conn, context.CancelCauseFunc, *network) error { return own }, is(own)},
		{"context ends", event, func(c *Conn, cancel context.CancelCauseFunc, _ *network) error {
			cancel(own)
			<-c.done
			return errors.New("too late")
		}, is(own)},
		{"closed by its handler", event, func(c *Conn, _ context.CancelCauseFunc, _ *network) error {
			c.Close()
			return errors.New("too late")
		}, is(ErrClosed)},
		{"closed now by its handler", event, func(c *Conn, _ context.CancelCauseFunc, _ *network) error {
			c.CloseNow()
			return errors.New("too late")
		}, is(ErrClosed)},
		{"disconnects", event, func(c *Conn, _ context.CancelCauseFunc, _ *network) error {
			return c.Disconnect(context.Background())
		}, is(ErrClosed)},
		{"cut", func(peer raw) {
			peer.write(`42["a"]`)
			for peer.read() != "" {
				t.Error("the client writes by itself")
			}
		}, func(_ *Conn, _ context.CancelCauseFunc, n *network) error {
			n.cut()
			return nil
		}, is(io.EOF)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, n := dialRaw(t, &DialOptions{ReadLimit: 1000}, tt.script)
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				err := client.Run(ctx, func(Packet) error {
					if tt.handle == nil {
						t.Error("an event came, want none")
						return nil
					}
					return tt.handle(client, cancel, n)
				})
				if !tt.check(err) {
					t.Errorf("Run returns %v", err)
				}
				if got := client.Send(t.Context(), Packet{Type: TypeNoop}); !errors.Is(got, err) {
					t.Errorf("Send returns %v afterwards, want %v", got, err)
				}
				client.Close() // does no harm
			})
		})
	}
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

func TestHandlerPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := dialRaw(t, nil, func(peer raw) {
			peer.write(`42["a"]`)
			peer.read()
		})
		defer func() {
			if got := recover(); got != "oh" {
				t.Errorf("recovered %v, want the handler's panic", got)
			}
			if !client.ended() {
				t.Error("the connection goes on")
			}
		}()
		_ = client.Run(t.Context(), func(Packet) error { panic("oh") })
	})
}

func TestServerEnds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       string
	}{
		{"disconnected", "41", ErrDisconnected.Error()},
		{"engine closed", "1", ErrEngineClosed.Error()},
		{"old client", "2", "socketio: the client sends pings, as revision 3 of the protocol does"},
		{"packet too large", `42["` + strings.Repeat("x", 1e6) + `"]`,
			"socketio: receive: failed to read: websocket: message too big: read limited at 1000001 bytes"},
		{"bad packet", "x", "socketio: bad packet: byte 0: unknown engine packet type"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, peer := acceptRaw(t, nil)
				end := running(t, server, nothing(t))
				peer.write(tt.text)
				if got := peer.read(); got != "" {
					t.Errorf("the server sends %s", got)
				}
				if diff := cmp.Diff(tt.want, end().Error()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

// No packet is handled once the connection is being closed, though they still come.
func TestCloseHandlesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		closing := make(chan struct{})
		client, _ := dialRaw(t, nil, func(peer raw) {
			<-closing
			peer.write(`42["a"]`)
			for peer.read() != "" {
				t.Error("the client writes by itself")
			}
		})
		end := running(t, client, nothing(t))
		go client.Close()
		synctest.Wait()
		close(closing)
		if err := end(); !errors.Is(err, ErrClosed) {
			t.Errorf("Run returns %v, want ErrClosed", err)
		}
	})
}

// A peer that says goodbye and hangs up is heard, whether or not anything can be sent
// to it any more.
func TestLastWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, n := dialRaw(t, nil, func(raw) { <-release })
		defer close(release)
		go func() {
			// Two websocket frames at once.
			if _, err := n.peers[0].Write([]byte("\x81\x08" + `420["a"]` + "\x81\x0241")); err != nil {
				t.Error(err)
			}
			n.cut()
		}()
		err := client.Run(t.Context(), func(p Packet) error {
			if err := client.Ack(t.Context(), p.ID); err == nil || client.ended() {
				t.Errorf("Ack returns %v, the connection's end is %v; want an error and no end", err, client.ended())
			}
			return nil
		})
		if !errors.Is(err, ErrDisconnected) {
			t.Errorf("Run returns %v, want ErrDisconnected", err)
		}
	})
}

// What is no part of the protocol is passed over.
func TestIgnored(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := dialRaw(t, nil, func(peer raw) {
			for _, text := range []string{
				"6", "3", "5", `42/other,1["a",{}]`, `451-["a",{"_placeholder":true,"num":0}]`, `40{"sid":"again"}`,
				opening, `42["kept"]`,
			} {
				if err := peer.ws.Write(t.Context(), websocket.MessageBinary, []byte("42[1]")); err != nil {
					t.Error(err)
				}
				peer.write(text)
			}
			if got := peer.read(); got != "" {
				t.Errorf("the client sends %s", got)
			}
		})
		var names []string
		err := client.Run(t.Context(), func(p Packet) error {
			names = append(names, p.Name)
			client.Close()
			return nil
		})
		if diff := cmp.Diff([]string{"kept"}, names); diff != "" || !errors.Is(err, ErrClosed) {
			t.Errorf("Run returns %v; events (-want +got):\n%s", err, diff)
		}
	})
}

func TestStuckPeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, _ := dialRaw(t, &DialOptions{WriteTimeout: 3 * time.Second}, func(raw) { <-release })
		defer close(release)
		end := running(t, client, nothing(t))
		start := time.Now()

		// One is stuck, and the other waits for its turn.
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				if err := client.Send(t.Context(), Packet{Type: TypeEvent, Name: "a"}); !errors.Is(err, ErrWriteTimeout) {
					t.Errorf("Send returns %v, want ErrWriteTimeout", err)
				}
			})
		}
		wg.Wait()
		if err := end(); !errors.Is(err, ErrWriteTimeout) {
			t.Errorf("Run returns %v, want ErrWriteTimeout", err)
		}
		if got, want := time.Since(start), 3*time.Second; got != want {
			t.Errorf("stuck for %v, want %v", got, want)
		}
	})
}

// Closing has a limit as well.
func TestCloseStuckPeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, _ := dialRaw(t, nil, func(raw) { <-release })
		defer close(release)
		end := running(t, client, nothing(t))
		start := time.Now()
		client.Close()
		if err := end(); !errors.Is(err, ErrClosed) {
			t.Errorf("Run returns %v, want ErrClosed", err)
		}
		if got := time.Since(start); got > 10*time.Second {
			t.Errorf("Close took %v, want ten seconds at most", got)
		}
	})
}

func TestDisconnectStuckPeer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, _ := dialRaw(t, nil, func(raw) { <-release })
		defer close(release)
		end := running(t, client, nothing(t))
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := client.Disconnect(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Disconnect returns %v, want the end of its context", err)
		}
		if err := end(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run returns %v, want the end of the context", err)
		}
		if got, want := time.Since(start), time.Second; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
	})
}
