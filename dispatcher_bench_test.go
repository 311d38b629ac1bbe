package nexmo_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/conversation-events/nexmo"
)

// BenchmarkEventDispatcher delivers a text to some handlers of its type, or of a
// pattern, beside others of other types.
func BenchmarkEventDispatcher(b *testing.B) {
	e := &nexmo.Event{ID: 1, Type: nexmo.EventText, Body: &nexmo.Text{Text: "hello"}}
	ctx := context.Background()
	others := func(d *nexmo.EventDispatcher, n int) {
		for i := range n {
			d.On(nexmo.EventType(fmt.Sprintf("custom:type-%d", i)), countEvent)
		}
	}
	for _, bb := range []struct {
		name     string
		handlers []nexmo.EventType
		others   int
		churn    int // handlers that came and went before
	}{
		{name: "handlers=0"},
		{name: "handlers=0/others=512", others: 512},
		{name: "handlers=1", handlers: []nexmo.EventType{"text"}},
		{name: "handlers=1/others=8", handlers: []nexmo.EventType{"text"}, others: 8},
		{name: "handlers=1/others=512", handlers: []nexmo.EventType{"text"}, others: 512},
		{name: "handlers=1/churn=100000", handlers: []nexmo.EventType{"text"}, churn: 100_000},
		{name: "handlers=32", handlers: make([]nexmo.EventType, 32)},
		{name: "family/others=512", handlers: []nexmo.EventType{"text:*"}, others: 512},
		{name: "any/others=512", handlers: []nexmo.EventType{"*"}, others: 512},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var d nexmo.EventDispatcher
			others(&d, bb.others)
			for _, typ := range bb.handlers {
				if typ == "" {
					typ = nexmo.EventText
				}
				d.On(typ, countEvent)
			}
			for range bb.churn {
				d.On(nexmo.EventText, countEvent)()
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := d.Deliver(ctx, e); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	// Registration, for all handlers together.
	b.Run("register=10000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var d nexmo.EventDispatcher
			others(&d, 10_000)
		}
	})
	b.Run("register-and-remove=1000", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var d nexmo.EventDispatcher
			offs := make([]func(), 1000)
			for i := range offs {
				offs[i] = d.On(nexmo.EventText, countEvent)
			}
			for _, off := range offs {
				off()
			}
		}
	})
}

// BenchmarkDispatch delivers a text to handlers that are registered in other ways.
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
