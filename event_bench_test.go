package nexmo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// ringSize is how many different events the benchmarks parse in turn, so that
// neither branches nor caches learn one of them by heart.
const ringSize = 64

// joinedRing are webhooks of member:joined, about a kilobyte each.
func joinedRing() [][]byte {
	ring := make([][]byte, ringSize)
	for i := range ring {
		when := time.Date(2024, 5, 16, 8, i%60, 7*i%60, i*15_437_911, time.UTC)
		at := func(d time.Duration) string { return when.Add(d).Format("2006-01-02T15:04:05.000Z") }
		member := fmt.Sprintf("MEM-%08x-fe7d-42ac-b0c0-9015a44a%04x", uint32(i)*0x9e3779b1, i)
		user := fmt.Sprintf("USR-%08x-2029-4506-9331-e21ca70a%04x", uint32(i)*0x85ebca6b, i)
		leg := fmt.Sprintf("%08xf07e43199ebe10121ba0%04x", uint32(i)*0xc2b2ae35, i)
		name := fmt.Sprintf("user-%d", i*i)
		ring[i] = fmt.Appendf(nil, `{"application_id":"e8059728-5fa0-4cbe-83b4-9919be9cf1de","type":"member:joined",`+
			`"conversation_id":"CON-fd9c6936-e9b2-4483-ad41-%012x","id":%d,"from":%q,"body":{"member_id":%q,`+
			`"user":{"id":%q,"name":%q},"channel":{"id":%q,"type":"phone",`+
			`"from":{"type":"phone","number":"447700900%03d"},"to":{"type":"phone","number":"15555550123"},`+
			`"legs":[{"leg_id":%q,"status":"answered"}],"headers":{}},`+
			`"timestamp":{"invited":%q,"joined":%q},"initiator":{"joined":{"isSystem":%v,"user_id":%q,"member_id":%q}},`+
			`"media":{"audio_settings":{"enabled":%v,"earmuffed":false,"muted":false},"audio":%v}},"timestamp":%q,`+
			`"_embedded":{"from_user":{"id":%q,"name":%q},"from_member":{"id":%q}}}`,
			i, i+1, member, member, user, name, leg, i, leg, at(-9*time.Second), at(-5*time.Millisecond),
			i%2 == 0, user, member, i%3 == 0, i%3 == 0, at(0), user, name, member)
	}
	return ring
}

// textRing are webhooks of text, about 350 bytes each.
func textRing() [][]byte {
	ring := make([][]byte, ringSize)
	for i := range ring {
		when := time.Date(2024, 5, 17, 13, i%60, 11*i%60, i*15_437_911, time.UTC).Format("2006-01-02T15:04:05.000Z")
		ring[i] = fmt.Appendf(nil, `{"application_id":"e8059728-5fa0-4cbe-83b4-9919be9cf1de","type":"text",`+
			`"conversation_id":"CON-881333d2-b513-4c3b-ae99-%012x","id":%d,"from":"MEM-%08x-2c7b-4f84-babb-fc1eaa17%04x",`+
			`"body":{"text":"Hello number %d! Is the tandem from order %d ready, or shall I come by another day this week?"},"timestamp":%q}`,
			i, i+1, uint32(i)*0x9e3779b1, i, i*i, 441+i, when)
	}
	return ring
}

// standardEvent is an event as two passes of encoding/json read it.
type standardEvent struct {
	ID             nexmo.EventID   `json:"id"`
	Type           nexmo.EventType `json:"type"`
	ConversationID string          `json:"conversation_id"`
	ApplicationID  string          `json:"application_id"`
	From           string          `json:"from"`
	To             string          `json:"to"`
	Timestamp      time.Time       `json:"timestamp"`
	State          json.RawMessage `json:"state"`
	Params         json.RawMessage `json:"params"`
	Embedded       struct {
		FromUser   *nexmo.User `json:"from_user"`
		FromMember struct {
			ID string `json:"id"`
		} `json:"from_member"`
	} `json:"_embedded"`
	RawBody json.RawMessage `json:"body"`

	Body nexmo.Body `json:"-"`
}

// parseStandard is what a program does without this package: the envelope first,
// then the body into the struct of its type.
func parseStandard(data []byte) (*standardEvent, error) {
	e := new(standardEvent)
	if err := json.Unmarshal(data, e); err != nil {
		return nil, err
	}
	switch e.Type {
	case nexmo.EventMemberJoined:
		e.Body = new(nexmo.MemberJoined)
	case nexmo.EventText:
		e.Body = new(nexmo.Text)
	default:
		return nil, fmt.Errorf("type %q", e.Type)
	}
	return e, json.Unmarshal(e.RawBody, e.Body)
}

// TestBenchmarksCompareLikeWithLike: both ways of parsing read the same, of
// events that are all different and of the size that the benchmarks claim.
func TestBenchmarksCompareLikeWithLike(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ring     [][]byte
		min, max int
	}{
		"member:joined": {joinedRing(), 950, 1150},
		"text":          {textRing(), 325, 375},
	} {
		seen := map[string]bool{}
		for _, data := range tt.ring {
			if len(data) < tt.min || len(data) > tt.max {
				t.Errorf("%s has %d bytes, want %d to %d", name, len(data), tt.min, tt.max)
			}
			if seen[string(data)] {
				t.Errorf("%s: two events are equal", name)
			}
			seen[string(data)] = true
			e := parseText(t, data)
			s, err := parseStandard(data)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&nexmo.Event{
				ID: s.ID, Type: s.Type, ConversationID: s.ConversationID, ApplicationID: s.ApplicationID, From: s.From, To: s.To,
				Timestamp: s.Timestamp, FromUser: s.Embedded.FromUser, FromMember: s.Embedded.FromMember.ID, Body: s.Body,
			}, e, sameFields); diff != "" {
				t.Fatalf("%s (-encoding/json +ParseEvent):\n%s", name, diff)
			}
		}
	}
}

func BenchmarkParseEvent(b *testing.B) {
	for _, bb := range []struct {
		name string
		ring [][]byte
	}{{"member:joined", joinedRing()}, {"text", textRing()}} {
		b.Run(bb.name+"/nexmo", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.ring[0])))
			for i := 0; b.Loop(); i++ {
				if _, err := nexmo.ParseEvent(bb.ring[i%ringSize]); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(bb.name+"/encoding_json", func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.ring[0])))
			for i := 0; b.Loop(); i++ {
				if _, err := parseStandard(bb.ring[i%ringSize]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseEvents(b *testing.B) {
	page := readFile(b, "testdata/history.json")
	b.ReportAllocs()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if _, err := nexmo.ParseEvents(page); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMarshalEvent writes an event that was received, and one that was made.
func BenchmarkMarshalEvent(b *testing.B) {
	received := parseText(b, joinedRing()[0])
	made := *received
	made.Raw = nil
	for _, bb := range []struct {
		name string
		e    *nexmo.Event
	}{{"received", received}, {"made", &made}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := bb.e.MarshalJSON(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

//nolint:paralleltest // it counts allocations
func TestParseBudget(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, tt := range []struct {
		name string
		ring [][]byte
		most float64
	}{{"member:joined", joinedRing(), 20}, {"text", textRing(), 8}} {
		i := 0
		got := testing.AllocsPerRun(10*ringSize, func() {
			if _, err := nexmo.ParseEvent(tt.ring[i%ringSize]); err != nil {
				t.Fatal(err)
			}
			i++
		})
		t.Logf("%s: %v allocations", tt.name, got)
		if got > tt.most {
			t.Errorf("ParseEvent of %s makes %v allocations, want at most %v", tt.name, got, tt.most)
		}
	}
}

func countEvent(context.Context, *nexmo.Event) error { return nil }

// benchmarkTypes are n types of which the last is text.
func benchmarkTypes(n int) []nexmo.EventType {
	types := make([]nexmo.EventType, 0, n)
	for _, typ := range nexmo.EventTypes() {
		if typ != nexmo.EventText && len(types) < n-1 {
			types = append(types, typ)
		}
	}
	return append(types, nexmo.EventText)
}

// BenchmarkDispatch delivers a text to one handler of n.
func BenchmarkDispatch(b *testing.B) {
	e := &nexmo.Event{ID: 1, Type: nexmo.EventText, Body: &nexmo.Text{Text: "hello"}}
	ctx := context.Background()
	deliver := func(b *testing.B, d *nexmo.EventDispatcher) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Deliver(ctx, e); err != nil {
				b.Fatal(err)
			}
		}
	}
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprintf("handlers=%d", n), func(b *testing.B) {
			var d nexmo.EventDispatcher
			for _, typ := range benchmarkTypes(n) {
				d.On(typ, countEvent)
			}
			deliver(b, &d)
		})
	}
	b.Run("typed", func(b *testing.B) {
		var d nexmo.EventDispatcher
		nexmo.On(&d, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })
		deliver(b, &d)
	})
	b.Run("all=8", func(b *testing.B) { // every handler takes the event
		var d nexmo.EventDispatcher
		for range 8 {
			d.On(nexmo.EventText, countEvent)
		}
		deliver(b, &d)
	})
	b.Run("middleware", func(b *testing.B) {
		var d nexmo.EventDispatcher
		d.Use(func(h nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error { return h(ctx, e) }
		})
		d.On(nexmo.EventText, countEvent)
		deliver(b, &d)
	})
	b.Run("parallel", func(b *testing.B) {
		var d nexmo.EventDispatcher
		for _, typ := range benchmarkTypes(8) {
			d.On(typ, countEvent)
		}
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := d.Deliver(ctx, e); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

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
	}{{"member:joined", joinedRing()}, {"text", textRing()}} {
		b.Run(bb.name, func(b *testing.B) {
			app := nexmo.NewApplication("app")
			app.On(nexmo.EventAny, countEvent)
			ctx := context.Background()
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.ring[0])))
			for i := 0; b.Loop(); i++ {
				e, err := nexmo.ParseEvent(bb.ring[i%ringSize])
				if err != nil {
					b.Fatal(err)
				}
				e.ID = nexmo.EventID(i/ringSize + 1) // the next one of its conversation
				if err := app.Deliver(ctx, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// TestDispatchDoesNotAllocate: handlers cost nothing, and what each Deliver gives
// them as their context is made sixteen at a time, whether the context of the
// caller is always the same or new each time.
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
			if most := float64(runs)/16 + 8; got > most {
				t.Errorf("%s, %s context: %v allocations for %d events, want at most %v", where, which, got, runs, most)
			}
			t.Logf("%s, %s context: %v allocations for %d events", where, which, got, runs)
		}
	}
}

// BenchmarkMember reads a member who is on the phone.
func BenchmarkMember(b *testing.B) {
	e, err := nexmo.ParseEvent(joinedRing()[1])
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
