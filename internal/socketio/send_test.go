//go:build !js

package socketio

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSendContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client, _ := dialRaw(t, nil, func(raw) { <-release })
		defer close(release)
		end := running(t, client, nothing(t))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		noop := Packet{Type: TypeNoop}
		if err := client.Send(ended, noop); !errors.Is(err, context.Canceled) || client.ended() {
			t.Errorf("Send returns %v, the connection's end is %v; want nothing sent", err, client.ended())
		}

		// The first is stuck until its context ends, and the connection with it. The
		// second only waits.
		first, stop := context.WithTimeout(t.Context(), 2*time.Second)
		defer stop()
		second, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := client.Send(first, noop); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Send returns %v, want the end of its context", err)
			}
		})
		synctest.Wait()
		if err := client.Send(second, noop); !errors.Is(err, context.DeadlineExceeded) || client.ended() {
			t.Errorf("Send returns %v, the connection's end is %v; want no end", err, client.ended())
		}
		wg.Wait()
		if err := end(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Run returns %v, want the end of the context", err)
		}
	})
}

func TestSendLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := make(chan int, 1)
		client, _ := dialRaw(t, nil, func(peer raw) { got <- len(peer.read()) })
		defer client.CloseNow()
		if err := client.Send(t.Context(), Packet{Type: TypeIgnored}); err == nil || client.ended() {
			t.Errorf("a packet without text: error %v, want one and no end", err)
		}
		large := Packet{Type: TypeEvent, Name: "a", Data: bytes.Repeat([]byte("1"), 993)}
		if err := client.Send(t.Context(), large); !errors.Is(err, ErrTooLarge) || client.ended() {
			t.Errorf("Send returns %v, want ErrTooLarge and no end", err)
		}
		large.Data = large.Data[1:] // now of maxPayload bytes
		if err := client.Send(t.Context(), large); err != nil {
			t.Error(err)
		}
		if n := <-got; n != 1000 {
			t.Errorf("the server has %d bytes, want 1000", n)
		}
	})
}

// Data is whole, whoever sends at the same time and however large it is.
func TestConcurrentSend(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, nil)
		const senders, each = 8, 25
		received := make(chan struct{})
		next := map[string]int{}
		total := 0
		running(t, client, func(p Packet) error {
			number := next[p.Name]
			next[p.Name]++
			want := fmt.Sprintf(`{"n":%d,"fill":"%s"}`, number, strings.Repeat(p.Name, number*500))
			if string(p.Data) != want {
				t.Errorf("event %d of %s is damaged or out of order", number, p.Name)
			}
			if total++; total == senders*each {
				close(received)
			}
			return nil
		})
		running(t, server, nothing(t))
		var wg sync.WaitGroup
		for i := range senders {
			wg.Go(func() {
				name := string(rune('a' + i))
				for n := range each {
					data := fmt.Sprintf(`{"n":%d,"fill":"%s"}`, n, strings.Repeat(name, n*500))
					if err := server.Send(t.Context(), Packet{Type: TypeEvent, Name: name, Data: []byte(data)}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		<-received
		wg.Wait()
	})
}
