package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	arikawa "github.com/diamondburned/arikawa/v3/utils/handler"
	"github.com/disgoorg/disgo/bot"
	"github.com/disgoorg/disgo/events"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/benchdata"
	"github.com/conversation-events/nexmo/nexmotest"
)

const secret = "a signature secret of 32 bytes or so"

func hooks() []hook {
	ring := make([]hook, benchdata.Size)
	for i, body := range benchdata.Joined() {
		ring[i] = hook{body, nexmotest.Sign(secret, body)}
	}
	return ring
}

func newVerifier() *nexmo.Verifier {
	return &nexmo.Verifier{Secrets: []string{secret}, MaxAge: 24 * time.Hour}
}

// each runs do for one item of the ring after another.
func each[T any](b *testing.B, ring []T, do func(T) error) {
	b.Helper()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if err := do(ring[i%len(ring)]); err != nil {
			b.Fatal(err)
		}
	}
}

// only makes a function that fails of one that also returns what it read.
func only[In, Out any](f func(In) (Out, error)) func(In) error {
	return func(in In) error {
		_, err := f(in)
		return err
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, task := range []struct {
		name string
		ring [][]byte
	}{{"text", benchdata.Text()}, {"joined", benchdata.Joined()}} {
		b.Run(task.name, func(b *testing.B) {
			b.Run("nexmo", func(b *testing.B) { each(b, task.ring, only(nexmo.ParseEvent)) })
			b.Run("floor", func(b *testing.B) { each(b, task.ring, func(data []byte) error { floorEvent(data); return nil }) })
			b.Run("encoding_json", func(b *testing.B) { each(b, task.ring, only(standardParse)) })
			b.Run("encoding_json_plain", func(b *testing.B) { each(b, task.ring, only(plainParse)) })
			if task.name == "joined" {
				b.Run("go_github", func(b *testing.B) { each(b, githubRing(), only(githubDecode)) })
				b.Run("discordgo", func(b *testing.B) { each(b, discordRing(), only(discordgoDecode)) })
				b.Run("disgo", func(b *testing.B) { each(b, discordRing(), only(disgoDecode)) })
				b.Run("arikawa", func(b *testing.B) { each(b, discordRing(), only(newArikawaDecoder().decode)) })
			}
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	ring := hooks()
	v, f := newVerifier(), newFloorVerifier(secret)
	b.Run("nexmo", func(b *testing.B) {
		each(b, ring, func(h hook) error { _, err := v.VerifyToken(h.token, h.body); return err })
	})
	b.Run("floor", func(b *testing.B) { each(b, ring, func(h hook) error { return f.verify(h.token, h.body) }) })
	b.Run("golang_jwt", func(b *testing.B) {
		each(b, ring, func(h hook) error { return standardVerify(h.token, h.body) })
	})
}

// The ways to verify and decode a webhook.
func receiveNexmo(v *nexmo.Verifier) func(hook) (*nexmo.Event, error) {
	return func(h hook) (*nexmo.Event, error) {
		_, body, err := v.Verify(h.request("Authorization"))
		if err != nil {
			return nil, err
		}
		return nexmo.ParseEvent(body)
	}
}

func receiveFloor(v *floorVerifier) func(hook) (*nexmo.Event, error) {
	return func(h hook) (*nexmo.Event, error) {
		r := h.request("Authorization")
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			return nil, err
		}
		if err := v.verify(r.Header.Get("Authorization")[len("Bearer "):], body); err != nil {
			return nil, err
		}
		return floorEvent(body), nil
	}
}

func receiveStandard(h hook) (*standardEvent, error) {
	r := h.request("Authorization")
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if err := standardVerify(r.Header.Get("Authorization")[len("Bearer "):], body); err != nil {
		return nil, err
	}
	return standardParse(body)
}

// bearing puts the scheme in front of the tokens.
func bearing(ring []hook) []hook {
	for i := range ring {
		ring[i].token = "Bearer " + ring[i].token
	}
	return ring
}

func BenchmarkVerifyDecode(b *testing.B) {
	ring := bearing(hooks())
	livekitRing, err := livekitHooks()
	if err != nil {
		b.Fatal(err)
	}
	b.Run("nexmo", func(b *testing.B) { each(b, ring, only(receiveNexmo(newVerifier()))) })
	b.Run("floor", func(b *testing.B) { each(b, ring, only(receiveFloor(newFloorVerifier(secret)))) })
	b.Run("golang_jwt_encoding_json", func(b *testing.B) { each(b, ring, only(receiveStandard)) })
	b.Run("livekit", func(b *testing.B) {
		each(b, livekitRing, func(h hook) error { return livekitReceive(h.request("Authorization")) })
	})
	b.Run("go_github", func(b *testing.B) {
		each(b, githubHooks(), func(h hook) error { return githubReceive(h.request("X-Hub-Signature-256")) })
	})
}

var handled int // what the handlers count in: they are not compiled away

func handle(context.Context, *nexmo.Event) error { handled++; return nil }

func newText() *nexmo.Event {
	return &nexmo.Event{
		ID: 1, Type: nexmo.EventText, ConversationID: "CON-1", From: "MEM-1", FromMember: "MEM-1",
		Timestamp: time.Date(2024, 5, 16, 8, 0, 0, 0, time.UTC), Body: &nexmo.Text{Text: "hello"},
	}
}

// BenchmarkDispatch calls one handler of an event that is decoded.
func BenchmarkDispatch(b *testing.B) {
	ctx, e := context.Background(), newText()
	b.Run("nexmo", func(b *testing.B) {
		var d nexmo.EventDispatcher
		d.On(nexmo.EventText, handle)
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Deliver(ctx, e); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("floor", func(b *testing.B) {
		byType := map[nexmo.EventType][]nexmo.Handler{nexmo.EventText: {handle}}
		b.ReportAllocs()
		for b.Loop() {
			for _, h := range byType[e.Type] {
				if err := h(ctx, e); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("arikawa", func(b *testing.B) {
		e, err := newArikawaDecoder().decode(discordRing()[0])
		if err != nil {
			b.Fatal(err)
		}
		h := arikawa.New()
		h.AddSyncHandler(func(e any) { handled++ })
		b.ReportAllocs()
		for b.Loop() {
			h.Call(e)
		}
	})
	b.Run("disgo", func(b *testing.B) {
		m := bot.NewEventManager(nil, bot.WithListenerFunc(func(*events.MessageCreate) { handled++ }))
		var e bot.Event = &events.MessageCreate{}
		b.ReportAllocs()
		for b.Loop() {
			m.DispatchEvent(e)
		}
	})
}

// BenchmarkDispatchHandlers calls 32 handlers of one event, and one handler beside
// 512 of other types of events. disgo's listeners have a Go type of their own each;
// nexmo's a type of event, which may be any text.
func BenchmarkDispatchHandlers(b *testing.B) {
	ctx, e := context.Background(), newText()
	deliver := func(b *testing.B, handlers int, others int) {
		var d nexmo.EventDispatcher
		for range handlers {
			d.On(nexmo.EventText, handle)
		}
		for i := range others {
			d.On(nexmo.EventType(fmt.Sprintf("custom:other_%d", i)), handle)
		}
		before := handled
		if err := d.Deliver(ctx, e); err != nil || handled-before != handlers {
			b.Fatalf("%d handlers ran, want %d (%v)", handled-before, handlers, err)
		}
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Deliver(ctx, e); err != nil {
				b.Fatal(err)
			}
		}
	}
	dispatch := func(b *testing.B, handlers int, others int) {
		m := bot.NewEventManager(nil)
		for range handlers {
			m.AddEventListeners(bot.NewListenerFunc(func(*events.MessageCreate) { handled++ }))
		}
		for range others {
			m.AddEventListeners(bot.NewListenerFunc(func(*events.MessageDelete) { handled++ }))
		}
		var e bot.Event = &events.MessageCreate{}
		before := handled
		if m.DispatchEvent(e); handled-before != handlers {
			b.Fatalf("%d listeners ran, want %d", handled-before, handlers)
		}
		b.ReportAllocs()
		for b.Loop() {
			m.DispatchEvent(e)
		}
	}
	for _, set := range []struct {
		name             string
		handlers, others int
	}{{"32", 32, 0}, {"others", 1, 512}} {
		b.Run(set.name, func(b *testing.B) {
			b.Run("nexmo", func(b *testing.B) { deliver(b, set.handlers, set.others) })
			b.Run("disgo", func(b *testing.B) { dispatch(b, set.handlers, set.others) })
			if set.others > 0 {
				b.Run("without", func(b *testing.B) { deliver(b, set.handlers, 0) })
			}
		})
	}
}

// BenchmarkDispatchParallel does so from all processors at once.
func BenchmarkDispatchParallel(b *testing.B) {
	ctx, e := context.Background(), newText()
	nothing := func(context.Context, *nexmo.Event) error { return nil }
	b.Run("nexmo", func(b *testing.B) {
		var d nexmo.EventDispatcher
		d.On(nexmo.EventText, nothing)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := d.Deliver(ctx, e); err != nil {
					b.Error(err)
				}
			}
		})
	})
	b.Run("disgo", func(b *testing.B) {
		m := bot.NewEventManager(nil, bot.WithListenerFunc(func(*events.MessageCreate) {}))
		var e bot.Event = &events.MessageCreate{}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				m.DispatchEvent(e)
			}
		})
	})
}

// BenchmarkOrdered delivers decoded events, the next one of their conversation each
// time: duplicates, order and members are seen to, and one handler is called.
func BenchmarkOrdered(b *testing.B) {
	type sink interface {
		nexmo.Sink
		nexmo.Registrar
	}
	for name, newSink := range map[string]func() sink{
		"conversation": func() sink { return nexmo.NewConversation("CON-1") },
		"application":  func() sink { return nexmo.NewApplication("") },
	} {
		b.Run(name, func(b *testing.B) {
			b.Run("nexmo", func(b *testing.B) {
				to := newSink() // each time: with -count the events begin anew
				to.On(nexmo.EventText, handle)
				e, ctx := newText(), context.Background()
				b.ReportAllocs()
				for b.Loop() {
					e.ID++
					if err := to.Deliver(ctx, e); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkPipeline is the whole way of a webhook but for HTTP: verify, decode,
// route, order, members, dispatch.
func BenchmarkPipeline(b *testing.B) {
	ring := bearing(hooks())
	b.Run("nexmo", func(b *testing.B) {
		app := nexmo.NewApplication("")
		nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { handled++; return nil })
		receive, n := receiveNexmo(newVerifier()), 0
		each(b, ring, func(h hook) error {
			e, err := receive(h)
			if err != nil {
				return err
			}
			e.ID = nexmo.EventID(n/len(ring) + 1) // the next one of its conversation
			n++
			return app.Deliver(b.Context(), e)
		})
	})
	// What there is to compare with keeps neither order nor members.
	b.Run("golang_jwt_encoding_json", func(b *testing.B) {
		each(b, ring, func(h hook) error {
			e, err := receiveStandard(h)
			if _, ok := e.Body.(*nexmo.MemberJoined); ok {
				handled++
			}
			return err
		})
	})
}

// memoryOf tells how many bytes one of what do makes takes.
func memoryOf(b *testing.B, do func(i int) any) {
	b.Helper()
	const n = 500
	inUse := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	kept := make([]any, n)
	total := int64(0)
	for b.Loop() {
		clear(kept)
		before := inUse()
		for i := range kept {
			kept[i] = do(i)
		}
		total += inUse() - before
	}
	runtime.KeepAlive(kept)
	b.ReportMetric(float64(total)/n/float64(b.N), "B/conversation")
}

// BenchmarkMemory holds conversations of ten members who joined by phone.
func BenchmarkMemory(b *testing.B) {
	ring := benchdata.Joined()
	b.Run("nexmo", func(b *testing.B) {
		memoryOf(b, func(i int) any {
			c := nexmo.NewConversation("CON-1")
			for m := range 10 {
				e, err := nexmo.ParseEvent(ring[(i+m)%len(ring)])
				if err != nil {
					b.Fatal(err)
				}
				e.ConversationID, e.ID = "", nexmo.EventID(m+1)
				if err := c.Deliver(context.Background(), e); err != nil {
					b.Fatal(err)
				}
			}
			return c
		})
	})
	b.Run("decoded_structs", func(b *testing.B) {
		memoryOf(b, func(i int) any {
			members := make(map[string]*nexmo.MemberJoined, 10)
			for m := range 10 {
				e, err := standardParse(ring[(i+m)%len(ring)])
				if err != nil {
					b.Fatal(err)
				}
				joined := e.Body.(*nexmo.MemberJoined)
				members[joined.MemberID] = joined
			}
			return members
		})
	})
}

// BenchmarkHTTP posts webhooks over loopback, on connections that are kept, to a
// WebhookHandler and to a handler that only reads the body.
func BenchmarkHTTP(b *testing.B) {
	app := nexmo.NewApplication("")
	nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { return nil })
	mux := http.NewServeMux()
	mux.Handle("/nexmo", &nexmo.WebhookHandler{
		Verifier: newVerifier(),
		Sink: nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			e.ID = 0 // or it would be a duplicate the second time
			return app.Deliver(ctx, e)
		}),
	})
	mux.HandleFunc("/body_only", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)
	client := server.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	ring := bearing(hooks())
	for _, name := range []string{"nexmo", "body_only"} {
		b.Run(name, func(b *testing.B) {
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := post(b.Context(), client, server.URL+"/"+name, ring[next.Add(1)%benchdata.Size]); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

func post(ctx context.Context, client *http.Client, url string, h hook) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(h.body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", h.token)
	a, err := client.Do(r)
	if err != nil {
		return err
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusNoContent {
		return fmt.Errorf("answered %d", a.StatusCode)
	}
	return nil
}
