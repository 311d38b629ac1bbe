package otelnexmo

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/conversation-events/nexmo"
)

// buckets are the bounds of all histograms, in seconds: handlers take microseconds, and a hold
// takes as long as a window.
var buckets = []float64{
	.00001, .0001, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60,
}

// metrics makes the metrics.
type metrics struct {
	received, refused, handled, failed, duplicates, deadLetters metric.Int64Counter
	gaps, missing, fetched, requests, attempts                  metric.Int64Counter

	receiving, holding, handling, running, fetching, loading, requesting metric.Float64Histogram

	conversations, sessions metric.Int64UpDownCounter

	byVia     cache[string, labels]
	byType    cache[string, labels]
	byViaType cache[viaType, labels]
	byHandler cache[handlerKey, labels]
	byRequest cache[requestKey, labels]

	mu     sync.Mutex
	states map[string]nexmo.SessionState // of each session that is not closed, by its ID
}

// viaType is what tells handled events apart.
type viaType struct{ via, typ string }

// labels are attributes of a metric, made once for all that have them.
type labels struct {
	add    []metric.AddOption
	record []metric.RecordOption
}

func labelsOf(attrs ...attribute.KeyValue) labels {
	set := metric.WithAttributeSet(attribute.NewSet(attrs...))
	return labels{[]metric.AddOption{set}, []metric.RecordOption{set}}
}

func newMetrics(m metric.Meter) *metrics {
	return &metrics{
		received:    counter(m, "nexmo.received", "{event}", "What arrived, refused or not."),
		refused:     counter(m, "nexmo.refused", "{event}", "Webhooks that were not delivered."),
		handled:     counter(m, "nexmo.handled", "{event}", "Events whose handlers succeeded."),
		failed:      counter(m, "nexmo.failed", "{event}", "Events of which a handler failed."),
		duplicates:  counter(m, "nexmo.duplicates", "{event}", "Events that were not handled because they were handled before."),
		deadLetters: counter(m, "nexmo.dead_letters", "{event}", "Events that were set aside, or could not be."),
		gaps:        counter(m, "nexmo.gaps", "{gap}", "Runs of missing events that are no longer waited for."),
		missing:     counter(m, "nexmo.gap.events", "{event}", "The events of these gaps."),
		fetched:     counter(m, "nexmo.fetched", "{event}", "Missing events that were fetched from the Source."),
		requests:    counter(m, "nexmo.requests", "{request}", "Requests of a Client, each with all its attempts."),
		attempts:    counter(m, "nexmo.request.attempts", "{attempt}", "Attempts of these requests."),

		receiving:  histogram(m, "nexmo.receive.duration", "From the arrival to the answer, or to the end of the delivery."),
		holding:    histogram(m, "nexmo.hold.duration", "How long events waited for their turn."),
		handling:   histogram(m, "nexmo.handle.duration", "All handlers of an event."),
		running:    histogram(m, "nexmo.handler.duration", "One handler."),
		fetching:   histogram(m, "nexmo.fetch.duration", "Readings of the Source for missing events."),
		loading:    histogram(m, "nexmo.load.duration", "Loading the members of a conversation."),
		requesting: histogram(m, "nexmo.request.duration", "Requests of a Client, each with all its attempts."),

		conversations: upDown(m, "nexmo.conversations", "{conversation}", "Conversations that are kept."),
		sessions:      upDown(m, "nexmo.sessions", "{session}", "Sessions that are not closed."),

		states: map[string]nexmo.SessionState{},
	}
}

func counter(m metric.Meter, name, unit, description string) metric.Int64Counter {
	c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if refusedBy(err) {
		return noop.Int64Counter{}
	}
	return c
}

func upDown(m metric.Meter, name, unit, description string) metric.Int64UpDownCounter {
	c, err := m.Int64UpDownCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if refusedBy(err) {
		return noop.Int64UpDownCounter{}
	}
	return c
}

func histogram(m metric.Meter, name, description string) metric.Float64Histogram {
	h, err := m.Float64Histogram(name, metric.WithUnit("s"), metric.WithDescription(description), metric.WithExplicitBucketBoundaries(buckets...))
	if refusedBy(err) {
		return noop.Float64Histogram{}
	}
	return h
}

// refusedBy reports an instrument that was not made.
func refusedBy(err error) bool {
	if err != nil {
		otel.Handle(err)
	}
	return err != nil
}

func record(ctx context.Context, h metric.Float64Histogram, d time.Duration, l labels) {
	h.Record(ctx, d.Seconds(), l.record...)
}

func (m *metrics) via(via string) labels {
	return m.byVia.get(viaWord(via), func(via string) labels { return labelsOf(viaKey.String(via)) })
}

func (m *metrics) typed(t nexmo.EventType) labels {
	return m.byType.get(typeWord(t), func(typ string) labels { return labelsOf(typeKey.String(typ)) })
}

// failure are the attributes of what may have failed.
func failure(err error, attrs ...attribute.KeyValue) labels {
	if err != nil {
		attrs = append(attrs, semconv.ErrorTypeKey.String(errorType(err)))
	}
	return labelsOf(attrs...)
}

func (m *metrics) receive(ctx context.Context, t nexmo.ReceiveTrace) {
	m.received.Add(ctx, 1, m.via(t.Via).add...)
}

func (m *metrics) receiveDuration(ctx context.Context, t nexmo.ReceiveTrace) {
	record(ctx, m.receiving, t.Duration, m.via(t.Via))
}

func (m *metrics) refuse(ctx context.Context, t nexmo.RefusedTrace) {
	m.refused.Add(ctx, 1, labelsOf(reasonKey.String(t.Reason), semconv.HTTPResponseStatusCode(t.Status)).add...)
}

func (m *metrics) duplicate(ctx context.Context, t nexmo.DuplicateTrace) {
	m.duplicates.Add(ctx, 1, labelsOf(typeKey.String(typeWord(t.EventType)), forgottenKey.Bool(t.Forgotten)).add...)
}

func (m *metrics) hold(ctx context.Context, t nexmo.ReleasedTrace) {
	record(ctx, m.holding, t.Waited, labels{})
}

func (m *metrics) gap(ctx context.Context, t nexmo.GapTrace) {
	m.gaps.Add(ctx, 1)
	m.missing.Add(ctx, int64(t.To-t.From)+1)
}

func (m *metrics) fetch(ctx context.Context, t nexmo.FetchedTrace) {
	m.fetched.Add(ctx, int64(t.Events))
	record(ctx, m.fetching, t.Duration, failure(t.Err))
}

func (m *metrics) load(ctx context.Context, t nexmo.ConversationTrace) {
	record(ctx, m.loading, t.Duration, failure(t.Err))
}

func (m *metrics) handle(ctx context.Context, t nexmo.HandleTrace, o outcome) {
	record(ctx, m.handling, t.Duration, m.typed(t.EventType))
	if o.word != handled {
		m.failed.Add(ctx, 1, failure(o.err, typeKey.String(typeWord(t.EventType)), outcomeKey.String(o.word)).add...)
		return
	}
	m.handled.Add(ctx, 1, m.byViaType.get(viaType{viaWord(t.Via), typeWord(t.EventType)}, func(k viaType) labels {
		return labelsOf(viaKey.String(k.via), typeKey.String(k.typ))
	}).add...)
}

func (m *metrics) handler(ctx context.Context, t nexmo.HandlerTrace, err error) {
	if err != nil {
		record(ctx, m.running, t.Duration, failure(err, handlerAttrs(t.Handler, t.Pattern)...))
		return
	}
	record(ctx, m.running, t.Duration, m.byHandler.get(handlerKey{t.Handler, t.Pattern}, func(k handlerKey) labels {
		return labelsOf(handlerAttrs(k.name, k.pattern)...)
	}))
}

func handlerAttrs(name string, pattern nexmo.EventType) []attribute.KeyValue {
	return []attribute.KeyValue{semconv.CodeFunctionName(name), patternKey.String(typeWord(pattern))}
}

// letterOutcome returns what became of a dead letter.
func letterOutcome(t nexmo.DeadLetterTrace) string {
	if t.Failed != nil {
		return failed
	}
	return setAside
}

func (m *metrics) deadLetter(ctx context.Context, t nexmo.DeadLetterTrace) {
	m.deadLetters.Add(ctx, 1, labelsOf(viaKey.String(viaWord(t.Via)), typeKey.String(typeWord(t.Type)), outcomeKey.String(letterOutcome(t))).add...)
}

func (m *metrics) made(ctx context.Context, _ nexmo.ConversationTrace) { m.conversations.Add(ctx, 1) }

func (m *metrics) evicted(ctx context.Context, _ nexmo.ConversationTrace) {
	m.conversations.Add(ctx, -1)
}

// sessionState moves a session from the count of one state to that of another. A session that is
// closed is in none.
func (m *metrics) sessionState(ctx context.Context, t nexmo.SessionTrace) {
	m.mu.Lock()
	old := m.states[t.SessionID]
	if t.State == nexmo.SessionStateClosed {
		delete(m.states, t.SessionID)
	} else {
		m.states[t.SessionID] = t.State
	}
	m.mu.Unlock()
	if old != "" {
		m.sessions.Add(ctx, -1, stateLabels[old].add...)
	}
	if t.State != nexmo.SessionStateClosed {
		m.sessions.Add(ctx, 1, stateLabels[t.State].add...)
	}
}

// stateLabels are the attributes of the states of a session.
var stateLabels = map[nexmo.SessionState]labels{
	nexmo.SessionStateConnected:    labelsOf(stateKey.String(string(nexmo.SessionStateConnected))),
	nexmo.SessionStateDisconnected: labelsOf(stateKey.String(string(nexmo.SessionStateDisconnected))),
	nexmo.SessionStateReconnecting: labelsOf(stateKey.String(string(nexmo.SessionStateReconnecting))),
}

func (m *metrics) request(ctx context.Context, t nexmo.RequestTrace, err error) {
	key := requestKey{method: listed(methods, t.Method), route: t.Route}
	record(ctx, m.requesting, t.Duration, m.byRequest.get(key, func(k requestKey) labels { return labelsOf(requestAttrs(k)...) }))
	attrs := requestAttrs(key)
	if t.Status != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(t.Status))
	}
	m.requests.Add(ctx, 1, failure(err, attrs...).add...)
	m.attempts.Add(ctx, int64(t.Attempts), m.byRequest.get(key, func(k requestKey) labels { return labelsOf(requestAttrs(k)...) }).add...)
}

func requestAttrs(k requestKey) []attribute.KeyValue {
	return []attribute.KeyValue{semconv.HTTPRequestMethodKey.String(k.method), semconv.URLTemplate(k.route)}
}
