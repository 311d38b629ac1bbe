package nexmo

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"time"
)

// WebhookHandler is an [http.Handler] for the rtc event_url of an application:
// it verifies each webhook, delivers its event to Sink and answers when the
// event has been handled. For webhooks that come by a queue, a function in a cloud or
// another HTTP library, [WebhookHandler.Handle] does the same. Verifier and Sink must be
// set: while one of them is nil, every webhook is answered 503 and nothing is delivered,
// so that the service sends it again, and the log says which is missing. All other fields
// may be zero. A WebhookHandler must not be copied or changed after first use.
//
// Its answers, which never have a body, make the service do the right thing:
//
//	204  handled, or a duplicate of what was; or set aside, because no retry makes
//	     it succeed ([ErrPermanent]): given to DeadLetter, or logged as an error
//	400  authentic, but not an event, and there is no DeadLetter; or the query of a
//	     GET is malformed: not sent again
//	401  not authentic ([ErrWebhookNotAuthentic]): not sent again
//	405  neither POST nor GET
//	413  larger than Verifier.MaxBody
//	503  a handler or DeadLetter failed, or took longer than Timeout; the body did
//	     not arrive within Timeout, or the time that the server allows; there is too
//	     much to do; or the handler is being drained: the service sends the event
//	     again. Retry-After says when, in seconds
//
// A function of the program that panics, such as one of Trace, the handler of Logger or
// Verifier.Now, does not cost the answer.
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
	// them. It must be set, and may be called from several goroutines. If it is a
	// [HandledSink], duplicates of what it has handled are answered 204 without being
	// parsed or delivered, and also while MaxConcurrent events are under way.
	Sink Sink

	// DeadLetter, if not nil, receives what no retry makes succeed, as described at
	// [WithDeadLetter]: an event whose Deliver returned an error that matches
	// [ErrPermanent] because nothing behind Sink has set it aside, and an authentic
	// webhook that is not an event: no JSON, without a type, or nested too deep. Then
	// Raw is the payload, and Type is empty. When it returns nil, the webhook is
	// answered 204; when it returns an error or panics, 503. It counts as part of the
	// delivery for Timeout, MaxConcurrent and Drain.
	DeadLetter func(ctx context.Context, d DeadLetter) error

	// Timeout is how long an event may take, from the arrival of the request, or the
	// call of Handle, to the return of the last handler; 4 seconds if zero, as the
	// service waits little more than that. When it has passed the sender is answered 503, and
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

	// Trace, if not nil, sees every step of a webhook up to its delivery, and its outcome:
	// ReceiveEnd is for metrics. Sink has a Trace of its own.
	Trace *Trace

	warn sync.Once

	mu       sync.Mutex
	underWay int
	idle     chan struct{} // closed when draining and nothing is under way; nil before
	tokens   recentTokens
	counters webhookCounters
}

// webhookResult is the outcome of one webhook.
type webhookResult struct {
	ReceiveTrace
	err       error // nil if the event was handled; of one that was set aside, why
	delivered bool
}

const (
	defaultWebhookTimeout = 4 * time.Second
	defaultMaxConcurrent  = 256
)

// WebhookRequest is a webhook for [WebhookHandler.Handle], as it was received. Only the
// fields that its Method needs have to be set.
type WebhookRequest struct {
	Method   string      // POST or GET; "" is POST
	Header   http.Header // with the Authorization header, its name in upper or lower case
	RawQuery string      // of a GET: what follows the question mark, encoded as it came
	Body     []byte      // of a POST: to the byte, since the token carries its hash; not kept
}

// WebhookAnswer is what to answer to a webhook. The answer has no body.
type WebhookAnswer struct {
	Status int         // as listed at [WebhookHandler]; 429 and 5xx ask the sender for another try
	Header http.Header // with names as in Retry-After; nil if there is none
}

// webhookRetryAfter is the Retry-After of an answer, in seconds: the pause that the service makes
// in front of its first retry by itself. A sender that has to be slowed down has that.
const webhookRetryAfter = "5"

// Handle handles one webhook that did not come by net/http, as ServeHTTP does: the limits
// of the fields hold together for both. ctx is that of the request: its end is answered
// 503. Handle may be called from several goroutines.
func (h *WebhookHandler) Handle(ctx context.Context, r WebhookRequest) WebhookAnswer {
	r.Method = cmp.Or(r.Method, http.MethodPost)
	return h.answer(ctx, &incoming{WebhookRequest: r, began: time.Now()})
}

// incoming is a webhook, however it came.
type incoming struct {
	WebhookRequest
	began time.Time

	w    http.ResponseWriter // nil, and so is http, if the body is there
	http *http.Request       // has the body
}

// tracer returns how webhooks are traced; its Trace is never nil.
func (h *WebhookHandler) tracer() tracer {
	if h.Trace == nil {
		return tracer{noTrace, nil}
	}
	return tracer{h.Trace, h.logger()}
}

var noTrace = new(Trace)

// answer handles a webhook, and reports it.
func (h *WebhookHandler) answer(ctx context.Context, in *incoming) WebhookAnswer {
	tr := h.tracer()
	ctx = traceBegin(ctx, tr.log, tr.ReceiveBegin, ReceiveTrace{Via: ViaWebhook})
	res := h.outcome(ctx, in)
	res.Via, res.Duration = ViaWebhook, time.Since(in.began)
	h.report(ctx, &res)
	switch {
	case res.delivered:
		h.counters.delivered.Add(1)
	case res.err == nil:
		h.counters.duplicates.Add(1)
	default:
		reason := reasonFor(res.err)
		h.counters.refuse(reason)
		traceStep(ctx, tr.log, tr.Refused, RefusedTrace{res.TraceEvent, res.Status, reason, res.err})
	}
	traceEnd(ctx, tr.log, tr.ReceiveEnd, res.ReceiveTrace, res.err)
	a := WebhookAnswer{Status: res.Status}
	switch res.Status {
	case http.StatusServiceUnavailable:
		a.Header = http.Header{"Retry-After": {webhookRetryAfter}}
	case http.StatusMethodNotAllowed:
		a.Header = http.Header{"Allow": {"GET, POST"}}
	}
	return a
}

// outcome handles a webhook. A panic of what the program gave for that, such as
// Verifier.Now, is as a handler's.
func (h *WebhookHandler) outcome(ctx context.Context, in *incoming) (res webhookResult) {
	defer func() {
		if v := recover(); v != nil {
			res.Status, res.err = http.StatusServiceUnavailable, &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	res.Status, res.err = h.serve(ctx, in, &res)
	return res
}

func (h *WebhookHandler) serve(ctx context.Context, in *incoming, res *webhookResult) (int, error) {
	tr := h.tracer()
	if in.Method != http.MethodPost && in.Method != http.MethodGet {
		return http.StatusMethodNotAllowed, errMethod
	}
	if h.Sink == nil {
		return http.StatusServiceUnavailable, errNoSink
	}
	claims, payload, err := h.verify(ctx, in)
	if err != nil {
		return h.refusal(err), err
	}
	traceStep(ctx, tr.log, tr.Verified, VerifiedTrace{claims})
	in.unhurried()
	if sink, ok := h.Sink.(HandledSink); ok && !h.replayed(claims) && h.duplicate(ctx, sink, payload, res) {
		traceStep(ctx, tr.log, tr.Duplicate, DuplicateTrace{TraceEvent: res.TraceEvent})
		return http.StatusNoContent, nil
	}
	d := &webhookDelivery{h: h, claims: claims}
	if d.event, err = parseWebhook(payload); err != nil {
		if h.DeadLetter == nil {
			return http.StatusBadRequest, err
		}
		d.unreadable = unreadableLetter(payload, err)
	} else {
		res.TraceEvent = traceOf(d.event)
		traceStep(ctx, tr.log, tr.Parsed, ParsedTrace{res.TraceEvent, ViaWebhook, len(payload)})
	}
	if err := d.start(ctx, in.began.Add(h.timeout())); err != nil {
		return h.refusal(err), err
	}
	res.delivered = true
	return d.wait()
}

func (h *WebhookHandler) timeout() time.Duration { return cmp.Or(h.Timeout, defaultWebhookTimeout) }

// verify returns what a webhook carries, if it may.
func (h *WebhookHandler) verify(ctx context.Context, in *incoming) (*Claims, []byte, error) {
	v := h.Verifier
	if h.AllowUnsigned {
		h.warn.Do(func() {
			h.logger().WarnContext(ctx, "nexmo: webhooks without a signature are accepted from anybody (AllowUnsigned)")
		})
		if v == nil {
			v = &Verifier{}
		}
	} else if v == nil {
		return nil, nil, errUnsigned
	}
	if in.http != nil && in.Method == http.MethodPost {
		if err := in.readBody(v.maxBody(), h.timeout()); err != nil {
			return nil, nil, err
		}
	}
	if h.AllowUnsigned && (h.Verifier == nil || len(authorization(in.Header)) == 0) {
		_, payload, err := v.payload(&in.WebhookRequest)
		return &Claims{}, payload, err
	}
	return v.verify(&in.WebhookRequest)
}

// duplicate reports whether a payload is an event that sink has handled, by what its top
// level says. Whatever is unusual there, ParseEvent has to understand.
func (h *WebhookHandler) duplicate(ctx context.Context, sink HandledSink, payload []byte, res *webhookResult) bool {
	defer func() {
		if v := recover(); v != nil {
			h.logger().LogAttrs(ctx, slog.LevelError, "nexmo: the method Handled of WebhookHandler.Sink panicked")
		}
	}()
	var p peeked
	handled := false
	f := walkFields(payload)
	for f.next() {
		if !p.take(&f) {
			return false
		}
		if handled || !p.complete() {
			continue
		}
		if handled = sink.Handled(string(p.conversationID), p.id); !handled {
			return false
		}
	}
	if !handled || !f.whole {
		return false
	}
	res.EventType, res.ConversationID, res.EventID = EventType(p.typ), string(p.conversationID), p.id
	h.logger().LogAttrs(ctx, slog.LevelDebug, "nexmo: a duplicate was dropped", slog.String("conversation_id", res.ConversationID),
		slog.Int64("event_id", int64(p.id)), slog.String("event_type", string(res.EventType)))
	return true
}

// refusal returns the status for what kept an event from being delivered.
func (h *WebhookHandler) refusal(err error) int {
	switch {
	case errors.Is(err, ErrWebhookNoToken) && h.RetryUnsigned,
		errors.Is(err, ErrWebhookNoSecret), errors.Is(err, errUnsigned), // this program is at fault
		errors.Is(err, errBusy), errors.Is(err, errDraining), errors.Is(err, errSameToken),
		errors.Is(err, errSlowBody): // a 4xx would lose the event: it is not sent again
		return http.StatusServiceUnavailable
	case errors.Is(err, ErrWebhookTooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, ErrWebhookNotAuthentic):
		return http.StatusUnauthorized
	default:
		return http.StatusBadRequest
	}
}

func (h *WebhookHandler) letterBox() letterBox {
	return letterBox{h.DeadLetter, h.logger(), h.Trace, &h.counters.deadLetters}
}

func (h *WebhookHandler) logger() *slog.Logger {
	if h.Logger == nil {
		return defaultConfig.log
	}
	return guard(h.Logger)
}

// report tells the log what became of a webhook.
func (h *WebhookHandler) report(ctx context.Context, res *webhookResult) {
	if res.Status != http.StatusNoContent { // what is set aside was logged, or kept
		level := slog.LevelWarn
		if res.Status == http.StatusServiceUnavailable {
			level = slog.LevelError
		}
		h.logger().LogAttrs(ctx, level, "nexmo: a webhook was not handled",
			slog.Int("status", res.Status), slog.String("conversation_id", res.ConversationID),
			slog.Int64("event_id", int64(res.EventID)), slog.String("event_type", string(res.EventType)),
			slog.Duration("duration", res.Duration), slog.Any("error", res.err))
	}
}
