package nexmotest

import (
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/conversation-events/nexmo"
)

// Faults is what goes wrong with a server on demand. Each fault happens to the
// next ones that it is asked for, in order: while several wait for the same
// webhook or request, the one that was asked for first happens to it.
// [Server.Faults] returns those of a server; the zero value cannot be used.
type Faults struct {
	server *Server

	mu       sync.Mutex
	webhooks []*webhookRule
	requests []*requestRule
}

// EventFault is something that can go wrong with an event on its way. The zero value
// is [Drop].
type EventFault struct {
	kind  faultKind
	delay time.Duration // of late
	size  int           // of reordered
}

type faultKind int

const (
	dropped faultKind = iota
	duplicated
	late
	reordered
	unsigned
	malformed
	truncated
	severed
)

// Drop has the event never sent.
func Drop() EventFault { return EventFault{kind: dropped} }

// Duplicate has the event sent twice; a webhook has a token of its own each time.
func Duplicate() EventFault { return EventFault{kind: duplicated} }

// Delay has the event sent later, while those behind it go ahead. [Server.Flush]
// does not wait for it.
func Delay(d time.Duration) EventFault { return EventFault{kind: late, delay: d} }

// Reorder holds events of a conversation back until there are size of them, and
// sends them in the opposite order without waiting for one answer before the next.
// All size of them are one time that it happens. [Faults.Clear] lets go what never became so
// many.
func Reorder(size int) EventFault { return EventFault{kind: reordered, size: size} }

// Unsigned has the webhook sent without a token. If it is refused in a way that
// has it sent again, that is signed.
func Unsigned() EventFault { return EventFault{kind: unsigned} }

// Malformed has the body of the event be a text in place of an object. A webhook
// is signed all the same.
func Malformed() EventFault { return EventFault{kind: malformed} }

// Truncated has the second half of the event missing, so that it is no JSON. A
// webhook is signed all the same.
func Truncated() EventFault { return EventFault{kind: truncated} }

// webhookRule is a fault that waits for webhooks.
type webhookRule struct {
	fault EventFault
	left  int // how often it still happens; below 0 without end
	types []nexmo.EventType
	held  map[string][]*delivery // by line: what is to be reordered and waits for the others
}

// step is what is sent at a time: usually one webhook, and several, in order but
// without waiting for the answers, where order is disturbed. Those that follow
// on the same line wait for it, unless it comes later.
type step struct {
	deliveries []*delivery
	after      time.Duration
}

// waitsFor reports whether the rule is for d.
func (r *webhookRule) waitsFor(d *delivery) bool {
	_, begun := r.held[d.line()]
	return (begun || r.left < 0 || len(r.held) < r.left) && isOneOf(nexmo.EventType(d.event.Type), r.types)
}

// isOneOf reports whether t is one of some types, which may be patterns. Without
// any it is.
func isOneOf(t nexmo.EventType, types []nexmo.EventType) bool {
	return len(types) == 0 || slices.ContainsFunc(types, func(pattern nexmo.EventType) bool { return pattern.Matches(t) })
}

// apply returns what is to be sent in place of d.
func (r *webhookRule) apply(d *delivery) []step {
	one := step{deliveries: []*delivery{d}}
	switch r.fault.kind {
	case dropped:
		return nil
	case duplicated:
		again := *d
		return []step{one, {deliveries: []*delivery{&again}}}
	case late:
		one.after = r.fault.delay
	case reordered:
		held := append(r.held[d.line()], d)
		if len(held) < r.fault.size {
			if r.held == nil {
				r.held = map[string][]*delivery{}
			}
			r.held[d.line()] = held
			return nil
		}
		delete(r.held, d.line())
		slices.Reverse(held)
		one.deliveries = held
	case unsigned:
		d.unsigned = true
	case malformed:
		d.event.Body = encode("malformed")
		d.content = d.event.webhook(d.applicationID)
	case truncated:
		d.content = d.content[:len(d.content)/2]
	}
	return []step{one}
}

// Webhooks has fault happen to the next n webhooks of any of some types, which
// may be patterns; of all types if none is given. If n is 0, it happens from now
// on.
func (f *Faults) Webhooks(fault EventFault, n int, types ...nexmo.EventType) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n == 0 {
		n = -1
	}
	f.webhooks = append(f.webhooks, &webhookRule{fault: fault, left: n, types: types})
}

// disturb returns what is to be sent in place of d.
func (f *Faults) disturb(d *delivery) []step {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.webhooks {
		if !rule.waitsFor(d) {
			continue
		}
		steps := rule.apply(d)
		if rule.left > 0 && (rule.fault.kind != reordered || steps != nil) {
			if rule.left--; rule.left == 0 {
				f.webhooks = without(f.webhooks, rule)
			}
		}
		return steps
	}
	return []step{{deliveries: []*delivery{d}}}
}

// without returns rules without one that has happened as often as it was to.
func without[R any](rules []*R, spent *R) []*R {
	return slices.DeleteFunc(rules, func(r *R) bool { return r == spent })
}

// RequestFault is something that can go wrong with a request to the REST API. The
// zero value lets the request pass.
type RequestFault struct {
	refusal *apiError // in place of handling it
	cut     bool
	pause   time.Duration
}

// requestRule is a fault that waits for requests.
type requestRule struct {
	fault  RequestFault
	left   int
	routes []string
}

// TooManyRequests answers 429 and does nothing else. The answer says to try
// again after a number of seconds, unless that is 0.
func TooManyRequests(retryAfter time.Duration) RequestFault {
	e := refuse(http.StatusTooManyRequests, "rate-limit", "You have exceeded the rate limit.")
	e.account = true
	if retryAfter > 0 {
		seconds := int((retryAfter + time.Second - 1) / time.Second)
		e.header = http.Header{"Retry-After": {strconv.Itoa(seconds)}}
	}
	return RequestFault{refusal: e}
}

// InternalError answers 500 and does nothing else.
func InternalError() RequestFault {
	return RequestFault{refusal: refuse(http.StatusInternalServerError, "system:error:internal-error", "Something went wrong.")}
}

// CutConnection does what is asked and cuts the connection in the middle of the
// answer: whoever asked cannot tell whether it was done.
func CutConnection() RequestFault { return RequestFault{cut: true} }

// SlowBody answers in ten pieces, with a pause before each.
func SlowBody(pause time.Duration) RequestFault { return RequestFault{pause: pause} }

// Requests has fault happen to the next n requests to any of some routes, or to
// all if none is given. A route is a method and a path, such as
// "GET /v1/conversations/*/events", in which "*" is any one segment. If n is 0, it
// happens from now on.
func (f *Faults) Requests(fault RequestFault, n int, routes ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n == 0 {
		n = -1
	}
	f.requests = append(f.requests, &requestRule{fault: fault, left: n, routes: routes})
}

// request returns what happens to a request; nothing if it is zero.
func (f *Faults) request(r Request) RequestFault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, rule := range f.requests {
		if len(rule.routes) > 0 && !slices.ContainsFunc(rule.routes, r.is) {
			continue
		}
		if rule.left > 0 {
			if rule.left--; rule.left == 0 {
				f.requests = without(f.requests, rule)
			}
		}
		return rule.fault
	}
	return RequestFault{}
}

// is reports whether a request is to a route, such as "GET /v1/users/*".
func (r Request) is(route string) bool {
	method, pattern, _ := strings.Cut(route, " ")
	matched, err := path.Match(pattern, r.Path)
	return method == r.Method && err == nil && matched
}

// SkipIDs has the next event of a conversation leave out n IDs, as deleted and
// invisible events do.
func (f *Faults) SkipIDs(conversationID string, n int) {
	e := f.server.engine
	e.mu.Lock()
	c, err := e.conversation(conversationID)
	if err == nil {
		c.skip += int64(n)
	}
	e.mu.Unlock()
	if err != nil {
		f.server.fail("nexmotest: SkipIDs: there is no conversation %q", conversationID)
	}
}

// RotateSecret has webhooks signed with a new secret from now on, and returns it.
func (f *Faults) RotateSecret() string { return f.server.webhooks.rotateSecret() }

// Clear has nothing go wrong any more. Events that are held back are sent.
func (f *Faults) Clear() {
	f.mu.Lock()
	rules := f.webhooks
	f.webhooks, f.requests = nil, nil
	f.mu.Unlock()
	f.server.realtime.clear()
	for _, rule := range rules {
		for _, held := range rule.held {
			f.server.webhooks.enqueue(step{deliveries: held})
		}
	}
}
