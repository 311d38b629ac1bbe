package nexmo_test

import (
	"testing"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/benchdata"
)

// The benchmarks here are for work on this package. What compares it with others is
// in the module bench.

func BenchmarkParseEvent(b *testing.B) {
	for _, bb := range []struct {
		name string
		ring [][]byte
	}{{"member:joined", benchdata.Joined()}, {"text", benchdata.Text()}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(bb.ring[0])))
			for i := 0; b.Loop(); i++ {
				if _, err := nexmo.ParseEvent(bb.ring[i%benchdata.Size]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkParseEvents(b *testing.B) {
	page := benchdata.Page()
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
	received := parseText(b, benchdata.Joined()[0])
	made := *received
	made.Raw = ""
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
	}{{"member:joined", benchdata.Joined(), 2}, {"text", benchdata.Text(), 2}} {
		i := 0
		got := testing.AllocsPerRun(10*benchdata.Size, func() {
			if _, err := nexmo.ParseEvent(tt.ring[i%benchdata.Size]); err != nil {
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
