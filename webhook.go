package nexmo

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"
)

// WebhookHandler is an [http.Handler] for the rtc event_url of an application:
// it verifies each webhook, delivers its event to Sink and answers when the
// event has been handled. Verifier and Sink must be set: while one of them is nil,
// every webhook is answered 503 and nothing is delivered, so that the service sends
// it again, and the log says which is missing. All other fields may be zero. A
// WebhookHandler must not be copied or changed after first use.
//
// Its answers, which never have a body, make the service do the right thing:
//
//	204  handled, or a duplicate of what was; also an event whose body is not as
//	     documented, which a retry would not mend
//	400  not JSON, or not an event: not sent again
//	401  not authentic ([ErrWebhookNotAuthentic]): not sent again
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
	// Verifier verifies the webhooks. It may be nil only with AllowUnsigned, which
	// then verifies nothing.
	Verifier *Verifier

	// Sink receives the events: an Application, a Conversation, or a Sink in front of
	// them. It must be set, and may be called from several goroutines.
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

	// Observe, if not nil, is called with the outcome of every request, for
	// metrics, before the answer is sent. It may be called from several
	// goroutines and should return soon.
	Observe func(ctx context.Context, r WebhookResult)

	warn sync.Once

	mu       sync.Mutex
	underWay int
	idle     chan struct{} // closed when draining and nothing is under way; nil before
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
	claims, payload, err := h.verify(w, r, deadline)
	if err != nil {
		return h.refusal(err), err
	}
	e, err := ParseEvent(payload)
	if err != nil {
		return http.StatusBadRequest, err
	}
	res.EventType, res.ConversationID, res.EventID = e.Type, e.ConversationID, e.ID
	if err := h.begin(claims); err != nil {
		return h.refusal(err), err
	}
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
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
	// It closes the connection of a sender of too much. A body that is declared as
	// too large is not read at all, and net/http closes the connection by itself.
	if limit := v.maxBody(); r.Body != nil && r.ContentLength <= limit {
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
	case errors.Is(err, ErrWebhookNoToken) && h.RetryUnsigned,
		errors.Is(err, ErrWebhookNoSecret), errors.Is(err, errUnsigned), // this program is at fault
		errors.Is(err, errBusy), errors.Is(err, errDraining), errors.Is(err, errSameToken):
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrWebhookTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errSlowBody):
		return http.StatusRequestTimeout
	case errors.Is(err, ErrWebhookNotAuthentic):
		return http.StatusUnauthorized
	default:
		return http.StatusBadRequest
	}
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
