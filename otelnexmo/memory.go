package otelnexmo

import (
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/conversation-events/nexmo"
)

// maxRemembered is how many spans one memory holds.
const maxRemembered = 1024

// memory knows a span of each of the latest events that were put into it. The zero
// value is ready for use.
type memory struct {
	size atomic.Int32 // of spans: an empty memory costs no lock

	mu    sync.Mutex
	spans map[eventKey]remembered
	order []eventKey // a ring of the last ones that were put
	next  int        // in order
}

type remembered struct {
	span  trace.SpanContext
	place int // in order
}

// eventKey is an event that has an ID.
type eventKey struct {
	conversation string
	id           nexmo.EventID
}

func keyOf(t nexmo.TraceEvent) eventKey { return eventKey{t.ConversationID, t.EventID} }

// put remembers a span of an event, in place of the one that is known. It forgets the oldest
// one if there are too many. An event without an ID has no key, and a span that is not recorded
// anywhere leads nowhere: they are left out.
func (m *memory) put(k eventKey, span trace.SpanContext) {
	if k.id == 0 || !span.IsValid() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.spans[k]; ok {
		m.spans[k] = remembered{span, known.place}
		return
	}
	k.conversation = strings.Clone(k.conversation) // may be a part of the text of the event
	if m.spans == nil {
		m.spans = map[eventKey]remembered{}
	}
	if len(m.order) < maxRemembered {
		m.order = append(m.order, eventKey{})
		m.next = len(m.order) - 1
	} else {
		m.next = (m.next + 1) % maxRemembered
		if old := m.order[m.next]; m.spans[old].place == m.next {
			delete(m.spans, old)
		}
	}
	m.order[m.next] = k
	m.spans[k] = remembered{span, m.next}
	m.size.Store(int32(len(m.spans))) //nolint:gosec // at most maxRemembered
}

// get returns the span of an event; it is not valid if none is known.
func (m *memory) get(k eventKey) trace.SpanContext {
	if m.size.Load() == 0 {
		return trace.SpanContext{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spans[k].span
}

// take returns the span of an event, and forgets it.
func (m *memory) take(k eventKey) trace.SpanContext {
	if m.size.Load() == 0 {
		return trace.SpanContext{}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.spans[k]
	if ok {
		delete(m.spans, k)
		m.order[known.place] = eventKey{}
		m.size.Store(int32(len(m.spans))) //nolint:gosec // at most maxRemembered
	}
	return known.span
}
