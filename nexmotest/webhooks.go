package nexmotest

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/conversation-events/nexmo"
)

// webhooks posts events. Those of one conversation go one after another, each
// when the one before was answered; one that is to be sent again is sent when
// its time has come, past those that follow.
type webhooks struct {
	options    *options
	client     *http.Client
	faults     *Faults
	journal    *journal
	background *background

	mu     sync.Mutex
	secret string
	lines  map[string][]step // what waits, by conversation; those there are have a goroutine
	busy   int               // how many steps are under way or wait in a line
	idle   chan struct{}     // closed when there are none; nil while nobody waits
}

// delivery is an event on its way to one address.
type delivery struct {
	applicationID string
	method, url   string
	event         occurrence
	content       []byte
	unsigned      bool
	attempts      int
	first         time.Time // when it was sent first
}

// line is what d waits in.
func (d *delivery) line() string { return d.event.subject + " " + d.url }

// webhookTimeout is how long an answer is waited for.
const webhookTimeout = 5 * time.Second

// maxWebhooks is how many webhooks are sent to one host at a time.
const maxWebhooks = 64

func newWebhooks(s *Server, transport *http.Transport) *webhooks {
	client := &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &webhooks{
		options: &s.options, client: client, faults: s.faults, journal: s.journal, background: s.background,
		secret: s.options.secret, lines: map[string][]step{},
	}
}

// notify sends an event to the event_url of the application and to the callback
// of its conversation, if that wants it.
func (w *webhooks) notify(o occurrence) {
	if w.options.eventURL != "" {
		w.send(o, http.MethodPost, w.options.eventURL)
	}
	if cb := o.callback; cb != nil && cb.url != "" && (len(cb.mask) == 0 || slices.ContainsFunc(cb.mask, func(t nexmo.EventType) bool {
		return t.Matches(nexmo.EventType(o.Type))
	})) {
		w.send(o, cb.method, cb.url)
	}
}

func (w *webhooks) send(o occurrence, method, address string) {
	id := w.options.applicationID
	d := &delivery{applicationID: id, method: method, url: address, event: o, content: o.webhook(id)}
	for _, s := range w.faults.disturb(d) {
		w.enqueue(s)
	}
}

// webhook is the event as webhooks carry it.
func (o *occurrence) webhook(applicationID string) []byte {
	return encode(struct {
		ApplicationID  string          `json:"application_id"`
		ConversationID string          `json:"conversation_id,omitempty"`
		ID             int64           `json:"id,omitempty"`
		From           string          `json:"from,omitempty"`
		To             string          `json:"to,omitempty"`
		Body           json.RawMessage `json:"body"`
		Timestamp      string          `json:"timestamp"`
		Type           string          `json:"type"`
		Params         json.RawMessage `json:"params,omitempty"`
		Embedded       object          `json:"_embedded,omitempty"`
	}{applicationID, o.ConversationID, o.ID, o.From, o.To, o.Body, stamp(o.Timestamp), o.Type, o.params, o.embedded()})
}

// enqueue sends s when its turn has come.
func (w *webhooks) enqueue(s step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.after > 0 {
		w.background.run(func(ctx context.Context) {
			if wait(ctx, s.after) {
				w.attempt(ctx, s.deliveries[0], func() {})
			}
		})
		return
	}
	name := s.deliveries[0].line()
	waiting, running := w.lines[name]
	w.lines[name] = append(waiting, s)
	w.busy++
	if !running && !w.background.run(func(ctx context.Context) { w.runLine(ctx, name) }) {
		delete(w.lines, name)
		w.busy--
	}
}

// runLine sends what waits in a line until nothing does.
func (w *webhooks) runLine(ctx context.Context, name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.lines[name]) > 0 && ctx.Err() == nil {
		s := w.lines[name][0]
		w.lines[name] = w.lines[name][1:]
		w.mu.Unlock()
		w.sendAll(ctx, s.deliveries)
		w.mu.Lock()
		w.busy--
	}
	w.busy -= len(w.lines[name])
	delete(w.lines, name)
	if w.busy == 0 && w.idle != nil {
		close(w.idle)
		w.idle = nil
	}
}

// sendAll sends several webhooks, each when the one before is on the wire, and
// returns when all were answered.
func (w *webhooks) sendAll(ctx context.Context, deliveries []*delivery) {
	var group sync.WaitGroup
	for _, d := range deliveries {
		sent := make(chan struct{})
		onWire := sync.OnceFunc(func() { close(sent) })
		group.Go(func() {
			defer onWire()
			w.attempt(ctx, d, onWire)
		})
		<-sent
	}
	group.Wait()
}

// attempt sends a webhook, once, and sees to it that it is sent again if need
// be. onWire is called when it has been written.
func (w *webhooks) attempt(ctx context.Context, d *delivery, onWire func()) {
	d.attempts++
	if d.attempts == 1 {
		d.first = time.Now()
	}
	r := w.request(d)
	rec := Webhook{
		Method: d.method, URL: d.url, Header: r.Header, Body: d.content,
		Type: nexmo.EventType(d.event.Type), ConversationID: d.event.ConversationID, EventID: nexmo.EventID(d.event.ID),
		Attempt: d.attempts, At: time.Now(),
	}
	d.unsigned = false
	bounded, cancel := context.WithTimeout(ctx, webhookTimeout)
	defer cancel()
	bounded = httptrace.WithClientTrace(bounded, &httptrace.ClientTrace{WroteRequest: func(httptrace.WroteRequestInfo) { onWire() }})
	a, err := w.client.Do(r.WithContext(bounded))
	if err == nil {
		rec.Status = a.StatusCode
		_, _ = io.Copy(io.Discard, io.LimitReader(a.Body, maxRequest))
		_ = a.Body.Close()
	}
	if ctx.Err() != nil {
		return // the server is closed
	}
	rec.Err = err
	if e, ok := errors.AsType[*url.Error](err); ok {
		rec.Err = e.Err // without the address, in which a GET has the event
	}
	if err != nil || rec.Status == http.StatusTooManyRequests || rec.Status >= http.StatusInternalServerError {
		pause := w.pause(d.attempts)
		if time.Since(d.first)+pause <= w.options.retryFor {
			w.background.run(func(ctx context.Context) {
				if wait(ctx, pause) {
					w.attempt(ctx, d, func() {})
				}
			})
		}
	}
	w.journal.webhook(rec)
}

// pause is how long it takes after a number of attempts until the next.
func (w *webhooks) pause(attempts int) time.Duration {
	pause := w.options.firstRetry
	for i := 1; i < attempts && pause < w.options.longestRetry; i++ {
		pause *= 2
	}
	return min(pause, w.options.longestRetry)
}

// request makes the request of a webhook, with a token of its own. A GET carries
// the event as its query, and the token is for the query.
func (w *webhooks) request(d *delivery) *http.Request {
	target, err := url.Parse(d.url)
	if err != nil {
		target = &url.URL{Opaque: d.url} // it fails, and is recorded so
	}
	signed := d.content
	if d.method == http.MethodGet {
		withEvent := *target
		withEvent.RawQuery = strings.Trim(target.RawQuery+queryOf(d.content), "&")
		target, signed = &withEvent, hashedQuery(withEvent.RawQuery)
	}
	r := SignedRequest(w.currentSecret(), signed, Claim("application_id", d.applicationID))
	r.URL, r.Host = target, target.Host
	if d.method == http.MethodGet {
		r.Method, r.Body, r.GetBody, r.ContentLength = http.MethodGet, http.NoBody, nil, 0
		r.Header.Del("Content-Type")
	}
	if d.unsigned {
		r.Header.Del("Authorization")
	}
	return r
}

// queryOf writes the members of an event as a query, each with "&" in front.
// What is no text in the event is written as JSON.
func queryOf(event []byte) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(event, &members) // a truncated event has none
	var query strings.Builder
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value := string(members[name])
		if text := ""; json.Unmarshal(members[name], &text) == nil {
			value = text
		}
		query.WriteString("&" + url.QueryEscape(name) + "=" + url.QueryEscape(value))
	}
	return query.String()
}

// hashedQuery is what the token of a GET is for: a JSON object of the parameters
// in their order, which are all texts.
func hashedQuery(query string) []byte {
	var members []string
	for pair := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, _ = url.QueryUnescape(name) // a callback's own query, if malformed, fails later
		value, _ = url.QueryUnescape(value)
		members = append(members, string(encode(name))+":"+string(encode(value)))
	}
	return []byte("{" + strings.Join(members, ",") + "}")
}

func (w *webhooks) currentSecret() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.secret
}

func (w *webhooks) rotateSecret() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secret = newSecret()
	return w.secret
}

// Flush waits until every webhook was sent that can be sent now, and answered.
// Those that are delayed, held back, or wait to be sent again are not waited
// for.
func (s *Server) Flush(ctx context.Context) error {
	w := s.webhooks
	w.mu.Lock()
	if w.busy == 0 {
		w.mu.Unlock()
		return nil
	}
	if w.idle == nil {
		w.idle = make(chan struct{})
	}
	idle := w.idle
	w.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
