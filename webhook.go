package nexmo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// WebhookHandler is an [http.Handler] for the rtc event_url of an application:
// it verifies each webhook, delivers its event to Sink and answers when the
// event has been handled. Verifier and Sink must be given; the zero value of
// everything else is ready for use. It must not be copied after first use.
//
// Its answers, which never have a body, make the service do the right thing:
//
//	204  handled, or a duplicate of what was; also an event whose body is not as
//	     documented, which a retry would not mend
//	400  not JSON, or not an event: not sent again
//	401  no token, or not a good one: not sent again
//	405  neither POST nor GET
//	408  the body did not come within Timeout
//	413  larger than Verifier.MaxBody
//	503  a handler failed or took longer than Timeout, there is too much to do,
//	     or the handler is being drained: the service sends the event again
//
// Give the http.Server a ReadHeaderTimeout: a handler is not called before the
// headers have come. And give it a ReadTimeout if middleware in front wraps the
// http.ResponseWriter without an Unwrap method: Timeout cannot end the reading of
// a body then.
type WebhookHandler struct {
	// Verifier verifies the webhooks. It must be given, but with AllowUnsigned.
	Verifier *Verifier

	// Sink takes the events: an Application, a Conversation, or what stands in front
	// of them. It must be given, and may be called from several goroutines.
	Sink Sink

	// Timeout is how long an event may take, from the arrival of the request
	// to the return of the last handler; 4 seconds if zero, as the service waits
	// little more than that. When it has passed the sender is answered 503, and
	// handlers are told by their ctx.
	Timeout time.Duration

	// MaxConcurrent is how many events may be under way, those that a
	// Conversation holds back included; 256 if zero. Beyond it the answer is
	// 503.
	MaxConcurrent int

	// RetryUnsigned answers 503 in place of 401 to a webhook without a token:
	// the service sends one after an internal fault, and on a 5xx sends it
	// again, signed.
	RetryUnsigned bool

	// AllowUnsigned accepts webhooks without a token from anybody, for
	// applications whose callbacks are not signed. It is logged as a warning.
	// A token that is there is still verified, if there is a Verifier.
	AllowUnsigned bool

	// RememberTokens refuses a token that brought an event before, and answers
	// 503 to one whose event is under way; it is how many are remembered. Zero
	// remembers none: a Conversation knows its duplicates. It matters for events
	// without an ID.
	RememberTokens int

	// Logger is told why a webhook was not handled; nil logs nothing. Content
	// and tokens are not logged.
	Logger *slog.Logger

	// Observe, when not nil, is called with the outcome of every request, for
	// metrics, before the answer is sent. It may be called from several
	// goroutines and should return soon.
	Observe func(ctx context.Context, r WebhookResult)

	warn sync.Once

	mu       sync.Mutex
	underWay int
	draining bool
	idle     chan struct{} // closed when underWay falls to 0; nil while nobody drains
	tokens   recentTokens
}

// WebhookResult is the outcome of one request to a [WebhookHandler].
type WebhookResult struct {
	Status         int           // of the answer
	EventType      EventType     // "" if it did not come to an event
	ConversationID string        // "" if it has none, or it did not come to an event
	EventID        EventID       // 0 if it has none, or it did not come to an event
	Duration       time.Duration // from the arrival of the request to the answer
	Err            error         // nil if the event was handled
}

const (
	defaultWebhookTimeout = 4 * time.Second
	defaultMaxConcurrent  = 256
)

// Reasons of an answer that is not about the token.
var (
	errBusy      = errors.New("nexmo: webhook: MaxConcurrent events are under way")
	errDraining  = errors.New("nexmo: webhook: the handler is being drained")
	errSameToken = errors.New("nexmo: webhook: an event with the same token is under way")
	errMethod    = errors.New("nexmo: webhook: the method is neither POST nor GET")
	errSlowBody  = errors.New("nexmo: webhook: the body did not come in time")
	errSlow      = errors.New("nexmo: webhook: the handlers took longer than Timeout")
	errNoSink    = errors.New("nexmo: WebhookHandler: Sink is nil: give an Application or a Conversation")
	errUnsigned  = errors.New("nexmo: WebhookHandler: Verifier is nil: give one, or set AllowUnsigned to accept events from anybody")
)

// ServeHTTP handles one webhook.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	var res WebhookResult
	res.Status, res.Err = h.serve(w, r, &res)
	res.Duration = time.Since(began)
	h.report(r.Context(), &res)
	if res.Status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", "GET, POST")
	}
	w.WriteHeader(res.Status)
}

func (h *WebhookHandler) serve(w http.ResponseWriter, r *http.Request, res *WebhookResult) (int, error) {
	timeout := h.Timeout
	if timeout == 0 {
		timeout = defaultWebhookTimeout
	}
	// Whatever the answer, net/http waits no longer for the body either. A server
	// whose connections cannot have deadlines has its own ways.
	deadline := time.Now().Add(timeout)
	_ = http.NewResponseController(w).SetReadDeadline(deadline)
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return http.StatusMethodNotAllowed, errMethod
	}
	if h.Sink == nil {
		return http.StatusServiceUnavailable, errNoSink
	}
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
	claims, payload, err := h.verify(w, r, deadline)
	if err != nil {
		cancel()
		return h.refusal(err), err
	}
	e, err := ParseEvent(payload)
	if err != nil {
		cancel()
		return http.StatusBadRequest, err
	}
	res.EventType, res.ConversationID, res.EventID = e.Type, e.ConversationID, e.ID
	if err := h.begin(claims); err != nil {
		cancel()
		return h.refusal(err), err
	}
	// On a goroutine of its own, which belongs to Drain: a handler that does
	// not mind its ctx must not hold the sender.
	done := make(chan error, 1)
	go func() {
		defer cancel()
		err := errHandlerExited
		defer func() {
			h.end(claims, err == nil || permanent(err))
			done <- err
		}()
		err = deliverTo(ctx, h.Sink, e)
	}()
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		default:
			err = ctx.Err() // the sender is gone, or
			if errors.Is(err, context.DeadlineExceeded) {
				err = errSlow
			}
		}
	}
	if err == nil || permanent(err) {
		return http.StatusNoContent, err
	}
	return http.StatusServiceUnavailable, err
}

// verify returns what a request carries, if it may.
func (h *WebhookHandler) verify(w http.ResponseWriter, r *http.Request, deadline time.Time) (*Claims, []byte, error) {
	v := h.Verifier
	if h.AllowUnsigned {
		h.warn.Do(func() {
			h.logger().WarnContext(r.Context(), "nexmo: webhooks without a signature are accepted from anybody (AllowUnsigned)")
		})
		if v == nil {
			v = &Verifier{}
		}
	} else if v == nil {
		return nil, nil, errUnsigned
	}
	limit := v.MaxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	if r.Body != nil && r.ContentLength <= limit {
		r.Body = http.MaxBytesReader(w, r.Body, limit)
	}
	unsigned := h.AllowUnsigned && (h.Verifier == nil || len(r.Header.Values("Authorization")) == 0)
	var claims *Claims
	var payload []byte
	var err error
	if unsigned {
		_, payload, err = v.read(r)
		claims = &Claims{}
	} else {
		claims, payload, err = v.Verify(r)
	}
	if err != nil {
		if !time.Now().Before(deadline) {
			err = errSlowBody
		}
		return nil, nil, err
	}
	if r.Method == http.MethodPost || r.ContentLength == 0 { // nothing more is to come
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	return claims, payload, nil
}

// refusal returns the status for what kept an event from being delivered.
func (h *WebhookHandler) refusal(err error) int {
	switch {
	case errors.Is(err, ErrNoToken) && h.RetryUnsigned,
		errors.Is(err, ErrNoSecret), errors.Is(err, errUnsigned), // it is we who are at fault
		errors.Is(err, errBusy), errors.Is(err, errDraining), errors.Is(err, errSameToken):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errSlowBody):
		return http.StatusRequestTimeout
	case refused(err):
		return http.StatusUnauthorized
	default:
		return http.StatusBadRequest
	}
}

func refused(err error) bool {
	for _, e := range [...]error{
		ErrNoToken, ErrToken, ErrAlgorithm, ErrSignature, ErrIssuer, ErrExpired,
		ErrNotYetValid, ErrPayloadHash, ErrAccount, ErrReplay,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// permanent reports whether err is nothing but bodies that are not as
// documented: no retry would mend those.
func permanent(err error) bool {
	switch e := err.(type) { //nolint:errorlint // it looks at every error of the tree
	case *DecodeError:
		return true
	case interface{ Unwrap() []error }:
		errs := e.Unwrap()
		return len(errs) > 0 && !slices.ContainsFunc(errs, func(err error) bool { return !permanent(err) })
	case interface{ Unwrap() error }:
		return permanent(e.Unwrap())
	default:
		return false
	}
}

// begin counts an event that is under way, if there is room for it.
func (h *WebhookHandler) begin(c *Claims) error {
	limit := h.MaxConcurrent
	if limit == 0 {
		limit = defaultMaxConcurrent
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.draining:
		return errDraining
	case h.underWay >= limit:
		return errBusy
	case h.tokens.has(c.ID):
		return ErrReplay
	case h.RememberTokens > 0 && !h.tokens.begin(c.ID):
		return errSameToken
	}
	h.underWay++
	return nil
}

// end counts it out. A token is remembered only when its event was handled, or
// the retry of the service would be refused.
func (h *WebhookHandler) end(c *Claims, handled bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.tokens.end(c.ID)
	if handled {
		h.tokens.add(c.ID, h.RememberTokens)
	}
	h.underWay--
	if h.underWay == 0 && h.idle != nil {
		close(h.idle)
		h.idle = nil
	}
}

// Drain has new webhooks answered 503 from now on, and returns when those under
// way have been handled, also the ones whose sender was answered 503 meanwhile.
// When ctx ends first, its error is returned. Call it before http.Server's
// Shutdown.
func (h *WebhookHandler) Drain(ctx context.Context) error {
	h.mu.Lock()
	h.draining = true
	if h.underWay == 0 {
		h.mu.Unlock()
		return nil
	}
	if h.idle == nil {
		h.idle = make(chan struct{})
	}
	idle := h.idle
	h.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("nexmo: webhook: drain: %w", ctx.Err())
	}
}

func (h *WebhookHandler) logger() *slog.Logger {
	if h.Logger == nil {
		return defaultConfig.log
	}
	return h.Logger
}

// report tells the log and Observe what became of a request.
func (h *WebhookHandler) report(ctx context.Context, res *WebhookResult) {
	if res.Err != nil {
		level := slog.LevelWarn
		if res.Status == http.StatusServiceUnavailable || res.Status == http.StatusNoContent {
			level = slog.LevelError
		}
		h.logger().LogAttrs(ctx, level, "nexmo: a webhook was not handled",
			slog.Int("status", res.Status), slog.String("conversation_id", res.ConversationID),
			slog.Int64("event_id", int64(res.EventID)), slog.String("event_type", string(res.EventType)),
			slog.Duration("duration", res.Duration), slog.Any("error", res.Err))
	}
	if h.Observe != nil {
		h.Observe(ctx, *res)
	}
}

// recentTokens is the IDs of the last tokens.
type recentTokens struct {
	set      map[string]struct{}
	ring     []string
	next     int
	underWay map[string]struct{} // those whose events are
}

// begin reports whether no event with the token is under way: now one is.
func (t *recentTokens) begin(id string) bool {
	if _, ok := t.underWay[id]; ok {
		return false
	}
	if t.underWay == nil {
		t.underWay = make(map[string]struct{})
	}
	if id != "" {
		t.underWay[id] = struct{}{}
	}
	return true
}

func (t *recentTokens) end(id string) { delete(t.underWay, id) }

func (t *recentTokens) has(id string) bool {
	_, ok := t.set[id]
	return ok && id != ""
}

func (t *recentTokens) add(id string, limit int) {
	if limit <= 0 || id == "" || t.has(id) {
		return
	}
	if t.set == nil {
		t.set = make(map[string]struct{})
	}
	id = strings.Clone(id) // a view of the whole token
	t.set[id] = struct{}{}
	if len(t.ring) < limit {
		t.ring = append(t.ring, id)
		return
	}
	delete(t.set, t.ring[t.next])
	t.ring[t.next] = id
	t.next = (t.next + 1) % len(t.ring)
}
