package nexmo_test

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// BenchmarkSessions holds a thousand sessions in one process, has each of them get an
// event, and tells the memory of each; the other end of the connection, and the
// server, count.
func BenchmarkSessions(b *testing.B) {
	const sessions, members = 1000, 50
	server := nexmotest.NewServer(b, nexmotest.InMemory())
	server.HTTPClient().Transport.(*http.Transport).MaxConnsPerHost = 0
	var conversations []string
	tokens := make([]nexmo.TokenSource, sessions)
	for i := range tokens {
		name := fmt.Sprint("user", i)
		tokens[i] = userTokens(b, server, name, 24*time.Hour)
		if _, err := tokens[i].Token(); err != nil { // which is kept
			b.Fatal(err)
		}
		if i%members == 0 {
			conversations = append(conversations, server.CreateConversation(""))
		}
		server.Join(conversations[i/members], name)
	}
	for b.Loop() {
		var all sync.WaitGroup
		var handled atomic.Int64
		list := make([]*nexmo.Session, sessions)
		before := memoryInUse()
		for i := range list {
			s, err := nexmo.Dial(b.Context(), tokens[i], sessionAt(server)...)
			if err != nil {
				b.Fatal(err)
			}
			list[i] = s
			all.Go(func() {
				_ = s.Run(b.Context(), nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
					handled.Add(1)
					return nil
				}))
			})
		}
		b.ReportMetric(float64(memoryInUse()-before)/sessions, "B/session")
		for _, id := range conversations {
			server.Emit(id, &nexmo.Custom{Name: "x", JSON: `{}`})
		}
		for handled.Load() < sessions {
			runtime.Gosched()
		}
		for _, s := range list {
			if err := s.Logout(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		all.Wait()
	}
}

// memoryInUse returns how much memory is in use, stacks of goroutines included.
func memoryInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
