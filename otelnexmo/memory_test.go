package otelnexmo

import (
	"encoding/binary"
	"strconv"
	"testing"

	"go.opentelemetry.io/otel/trace"

	"github.com/conversation-events/nexmo"
)

func spanNumber(n int) trace.SpanContext {
	var c trace.SpanContextConfig
	binary.BigEndian.PutUint64(c.SpanID[:], uint64(n))
	binary.BigEndian.PutUint64(c.TraceID[:], 1)
	return trace.NewSpanContext(c)
}

func key(n int) eventKey { return eventKey{"CON-" + strconv.Itoa(n), nexmo.EventID(n)} }

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var m memory
	const all = 3 * maxRemembered
	for n := 1; n <= all; n++ {
		m.put(key(n), spanNumber(n))
	}
	if len(m.spans) != maxRemembered || len(m.order) != maxRemembered {
		t.Errorf("%d spans in a ring of %d, want %d", len(m.spans), len(m.order), maxRemembered)
	}
	for n := 1; n <= all; n++ {
		if got, want := m.get(key(n)).IsValid(), n > all-maxRemembered; got != want {
			t.Fatalf("event %d: known is %t, want %t", n, got, want)
		}
	}
}

func TestMemoryTakesEachOnce(t *testing.T) {
	t.Parallel()
	var m memory
	for round := range 3 * maxRemembered {
		m.put(key(1), spanNumber(round+1))
		m.put(key(2), spanNumber(round+2))
		m.put(key(1), spanNumber(round+3)) // in its place
		if got := m.take(key(1)); !got.Equal(spanNumber(round + 3)) {
			t.Fatalf("round %d: took %v", round, got)
		}
		if m.take(key(1)).IsValid() {
			t.Fatalf("round %d: it was taken twice", round)
		}
		if !m.get(key(2)).Equal(spanNumber(round + 2)) {
			t.Fatalf("round %d: another one was lost", round)
		}
	}
}

func TestMemoryLeavesOutWhatLeadsNowhere(t *testing.T) {
	t.Parallel()
	var m memory
	m.put(eventKey{"CON-1", 0}, spanNumber(1))
	m.put(key(1), trace.SpanContext{})
	if len(m.spans) != 0 || m.get(key(1)).IsValid() || m.take(key(1)).IsValid() {
		t.Errorf("it holds %d spans", len(m.spans))
	}
}
