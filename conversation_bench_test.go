package nexmo_test

import (
	"context"
	"testing"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/benchdata"
)

// The next benchmarks deliver the same events to one handler. The difference is
// what order, once each and the members cost.

func benchmarkInOrder(b *testing.B, to interface {
	nexmo.Sink
	nexmo.Registrar
}) {
	b.Helper()
	to.On(nexmo.EventText, countEvent)
	e := &nexmo.Event{Type: nexmo.EventText, ConversationID: "CON-1", From: "MEM-1", Body: &nexmo.Text{Text: "hello"}}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		e.ID++
		if err := to.Deliver(ctx, e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDispatcherDeliver(b *testing.B) { benchmarkInOrder(b, new(nexmo.EventDispatcher)) }

func BenchmarkConversationInOrder(b *testing.B) { benchmarkInOrder(b, nexmo.NewConversation("CON-1")) }

func BenchmarkApplicationInOrder(b *testing.B) { benchmarkInOrder(b, nexmo.NewApplication("app")) }

// BenchmarkWebhookToHandler is the whole way but for HTTP: parse, route, order,
// dispatch.
func BenchmarkWebhookToHandler(b *testing.B) {
	for _, bb := range []struct {
		name string
		ring [][]byte
	}{{"member:joined", benchdata.Joined()}, {"text", benchdata.Text()}} {
		b.Run(bb.name, func(b *testing.B) {
			app := nexmo.NewApplication("app")
			app.On(nexmo.EventAny, countEvent)
			ctx := context.Background()
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.ring[0])))
			for i := 0; b.Loop(); i++ {
				e, err := nexmo.ParseEvent(bb.ring[i%benchdata.Size])
				if err != nil {
					b.Fatal(err)
				}
				e.ID = nexmo.EventID(i/benchdata.Size + 1) // the next one of its conversation
				if err := app.Deliver(ctx, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestDispatchDoesNotAllocate: handlers cost nothing, and what a Conversation gives them
// as their context is made 25 at a time, whether the context of the caller is always the
// same or new each time. An EventDispatcher passes the caller's on.
//
//nolint:paralleltest // it counts allocations
func TestDispatchDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	type sink interface {
		nexmo.Sink
		nexmo.Registrar
	}
	const runs = 1600
	sinks := map[string]func() sink{
		"EventDispatcher": func() sink { return new(nexmo.EventDispatcher) },
		"Conversation":    func() sink { return nexmo.NewConversation("CON-1") },
		"Application":     func() sink { return nexmo.NewApplication("app") },
	}
	type key struct{}
	fresh := make([]context.Context, runs)
	for i := range fresh {
		fresh[i] = context.WithValue(t.Context(), key{}, i)
	}
	contexts := map[string]func(i int) context.Context{
		"Background": func(int) context.Context { return context.Background() },
		"of a test":  func(int) context.Context { return t.Context() },
		"fresh":      func(i int) context.Context { return fresh[i] },
	}
	for where, make := range sinks {
		for which, next := range contexts {
			to := make()
			handled := 0
			to.On("member:joined", countEvent)
			to.On(nexmo.EventTextAny, func(context.Context, *nexmo.Event) error { handled++; return nil })
			nexmo.On(to, func(context.Context, *nexmo.Event, *nexmo.Text) error { handled++; return nil })
			e := &nexmo.Event{Type: nexmo.EventText, ConversationID: "CON-1", From: "MEM-1", Body: &nexmo.Text{Text: "hello"}}
			// AllocsPerRun gives whole numbers: so it is all events in one run.
			got := testing.AllocsPerRun(1, func() {
				for i := range runs {
					e.ID++
					if err := to.Deliver(next(i), e); err != nil {
						t.Fatal(err)
					}
				}
			})
			if handled != 2*2*runs {
				t.Fatalf("%s, %s context: the handlers ran %d times, want %d", where, which, handled, 2*2*runs)
			}
			// A garbage collection may cost a few more.
			most := float64(runs)/16 + 8
			if where == "EventDispatcher" {
				most = 8
			}
			if got > most {
				t.Errorf("%s, %s context: %v allocations for %d events, want at most %v", where, which, got, runs, most)
			}
			t.Logf("%s, %s context: %v allocations for %d events", where, which, got, runs)
		}
	}
}

// BenchmarkMember reads a member who is on the phone.
func BenchmarkMember(b *testing.B) {
	e, err := nexmo.ParseEvent(benchdata.Joined()[1])
	if err != nil {
		b.Fatal(err)
	}
	c := nexmo.NewConversation(e.ConversationID)
	if err := c.Deliver(b.Context(), e); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if m, _ := c.Member(e.From); m.Channel == nil {
			b.Fatal("no channel")
		}
	}
}
