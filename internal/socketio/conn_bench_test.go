//go:build !js

package socketio

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
)

// loopback returns both ends of a connection over TCP. The first end that is run has
// to be closed by the caller.
func loopback(b *testing.B) (client, server *Conn) {
	b.Helper()
	accepted := make(chan *Conn, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := Accept(context.Background(), w, r, nil)
		if err != nil {
			b.Error(err)
		}
		accepted <- c
	}))
	b.Cleanup(s.Close)
	client, err := Dial(b.Context(), s.URL, nil)
	if err != nil {
		b.Fatal(err)
	}
	return client, <-accepted
}

// BenchmarkConn sends events of which each is acknowledged.
func BenchmarkConn(b *testing.B) {
	client, server := loopback(b)
	ctx := b.Context()
	window := make(chan struct{}, 64) // events on their way
	var wg sync.WaitGroup
	wg.Go(func() {
		_ = client.Run(ctx, func(p Packet) error { return client.Ack(ctx, p.ID) })
	})
	wg.Go(func() {
		_ = server.Run(ctx, func(Packet) error {
			<-window
			return nil
		})
	})
	p, err := Parse([]byte(event))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		window <- struct{}{}
		if err := server.Send(ctx, p); err != nil {
			b.Fatal(err)
		}
	}
	for range cap(window) {
		window <- struct{}{} // until all are acknowledged
	}
	client.CloseNow()
	server.CloseNow()
	wg.Wait()
}

// BenchmarkIdle reports what a client takes that receives nothing.
func BenchmarkIdle(b *testing.B) {
	const clients = 100
	var wg sync.WaitGroup
	for b.Loop() {
		accepted := make(chan *Conn, clients)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			c, _ := Accept(context.Background(), w, r, nil)
			accepted <- c
		}))
		before := memory()
		conns := make([]*Conn, clients)
		for i := range conns {
			c, err := Dial(b.Context(), s.URL, nil)
			if err != nil {
				b.Fatal(err)
			}
			conns[i] = c
			wg.Go(func() { _ = c.Run(b.Context(), func(Packet) error { return nil }) })
		}
		for range clients {
			c := <-accepted
			wg.Go(func() { _ = c.Run(b.Context(), func(Packet) error { return nil }) })
		}
		b.ReportMetric(float64(memory()-before)/clients, "B/pair")
		for _, c := range conns {
			c.CloseNow()
		}
		wg.Wait()
		s.Close()
	}
}

// memory is what the heap and the stacks take.
func memory() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
