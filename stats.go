package nexmo

import (
	"errors"
	"maps"
	"sync"
	"sync/atomic"

	"github.com/conversation-events/nexmo/internal/line"
)

// ApplicationStats says what an [Application] holds, and what it has done since it was made.
type ApplicationStats struct {
	Conversations int // that are kept
	Held          int // events that wait for missing ones
	Waiting       int // calls of Deliver that wait for the turn of their event
	Failed        int // bytes of the events that failed and wait to be delivered again

	Made        int64 // conversations
	Loaded      int64 // conversations that were asked for at the service
	LoadsFailed int64 // of which the service told nothing
	Evicted     int64 // conversations that are no longer kept
	Duplicates  int64 // events that were dropped because they had been handled
	Gaps        int64 // runs of missing events that were given up
	Fetched     int64 // events that the Source had of the missing ones
	DeadLetters int64 // events that were set aside by this application
}

// SessionStats says what a [Session] holds, and what it has done since it was made.
type SessionStats struct {
	Queue       int   // events that were received and wait to be delivered
	Delivered   int64 // events
	Failed      int64 // events whose delivery failed
	DeadLetters int64 // events that were set aside by this session
	Reconnects  int64
}

// WebhookStats says what a [WebhookHandler] does, and what it has done.
type WebhookStats struct {
	UnderWay    int              // webhooks that are being delivered
	Delivered   int64            // webhooks whose event was delivered, whatever became of it
	Duplicates  int64            // webhooks that were answered without being parsed: see [HandledSink]
	DeadLetters int64            // events that were set aside by this handler
	Refused     map[string]int64 // webhooks that were not delivered, by reason: see [RefusedTrace]
}

// counters are what an Application or a Conversation counts. Whoever changes one holds no lock.
type counters struct {
	made, loaded, loadsFailed, evicted, duplicates, gaps, fetched, deadLetters atomic.Int64
}

// sessionCounters are what a Session counts.
type sessionCounters struct{ delivered, failed, deadLetters, reconnects atomic.Int64 }

// webhookCounters are what a WebhookHandler counts.
type webhookCounters struct {
	delivered, duplicates, deadLetters atomic.Int64

	mu      sync.Mutex
	refused map[string]int64 // by reason
}

// refuse counts a webhook that was not delivered.
func (c *webhookCounters) refuse(reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refused == nil {
		c.refused = map[string]int64{}
	}
	c.refused[reason]++
}

// Stats returns what the application holds and has done, for metrics. It looks at each
// conversation for a moment, which takes some milliseconds for 65,536 of them.
func (a *Application) Stats() ApplicationStats {
	a.mu.Lock()
	all := make([]*tracked, 0, len(a.byID))
	for _, t := range a.byID {
		all = append(all, t)
	}
	a.mu.Unlock()
	n := a.cfg.counters
	s := ApplicationStats{
		Conversations: len(all), Failed: int(a.cfg.failedBytes.Load()),
		Made: n.made.Load(), Loaded: n.loaded.Load(), LoadsFailed: n.loadsFailed.Load(), Evicted: n.evicted.Load(),
		Duplicates: n.duplicates.Load(), Gaps: n.gaps.Load(), Fetched: n.fetched.Load(), DeadLetters: n.deadLetters.Load(),
	}
	for _, t := range all {
		held, waiting := t.waitingNow()
		s.Held += held
		s.Waiting += waiting
	}
	return s
}

// waitingNow returns how many events are held, and how many calls of Deliver wait.
func (c *Conversation) waitingNow() (held, waiting int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for t := range c.line.All() {
		waiting += t.waiting
		if t.id != 0 && c.line.Standing(int64(t.id)) == line.Early {
			held++
		}
	}
	return held, waiting
}

// Stats returns what the session holds and has done, for metrics.
func (s *Session) Stats() SessionStats {
	n := &s.counters
	return SessionStats{
		Queue: s.inbox.length(), Delivered: n.delivered.Load(), Failed: n.failed.Load(),
		DeadLetters: n.deadLetters.Load(), Reconnects: n.reconnects.Load(),
	}
}

// Stats returns what the handler does and has done, for metrics.
func (h *WebhookHandler) Stats() WebhookStats {
	n := &h.counters
	h.mu.Lock()
	s := WebhookStats{UnderWay: h.underWay}
	h.mu.Unlock()
	s.Delivered, s.Duplicates, s.DeadLetters = n.delivered.Load(), n.duplicates.Load(), n.deadLetters.Load()
	n.mu.Lock()
	defer n.mu.Unlock()
	s.Refused = maps.Clone(n.refused)
	return s
}

// refusals are the reasons why a webhook is not delivered, and what they are called.
var refusals = []struct {
	reason string
	err    error
}{
	{"no_token", ErrWebhookNoToken},
	{"token", ErrWebhookToken},
	{"algorithm", ErrWebhookAlgorithm},
	{"signature", ErrWebhookSignature},
	{"issuer", ErrWebhookIssuer},
	{"expired", ErrWebhookExpired},
	{"not_yet_valid", ErrWebhookNotYetValid},
	{"payload_hash", ErrWebhookPayloadHash},
	{"account", ErrWebhookAccount},
	{"replay", ErrWebhookReplay},
	{"no_secret", ErrWebhookNoSecret},
	{"too_large", ErrWebhookTooLarge},
	{"busy", errBusy},
	{"draining", errDraining},
	{"same_token", errSameToken},
	{"method", errMethod},
	{"query", errQuery},
	{"slow_body", errSlowBody},
	{"no_sink", errNoSink},
	{"no_verifier", errUnsigned},
}

// reasonFor returns what the reason is called why a webhook was not delivered.
func reasonFor(err error) string {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	if _, ok := errors.AsType[*PanicError](err); ok {
		return "panic"
	}
	return "no_event"
}
