package nexmo

import (
	"context"
	"fmt"
)

// begin counts an event as under way, or returns why it is not admitted.
func (h *WebhookHandler) begin(c *Claims) error {
	limit := h.MaxConcurrent
	if limit == 0 {
		limit = defaultMaxConcurrent
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.idle != nil:
		return errDraining
	case h.underWay >= limit:
		return errBusy
	case h.tokens.has(c.ID):
		return ErrWebhookReplay
	case h.RememberTokens > 0 && !h.tokens.begin(c.ID):
		return errSameToken
	}
	h.underWay++
	return nil
}

// replayed reports whether an event with this token was handled before.
func (h *WebhookHandler) replayed(c *Claims) bool {
	if h.RememberTokens <= 0 {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.tokens.has(c.ID)
}

// end counts it as no longer under way. A token is remembered only when its event
// was handled, or the retry of the service would be refused.
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
	}
}

// drain admits nothing more. The channel is closed when nothing is under way.
func (h *WebhookHandler) drain() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.idle == nil {
		h.idle = make(chan struct{})
		if h.underWay == 0 {
			close(h.idle)
		}
	}
	return h.idle
}

// Drain makes the handler answer new webhooks with 503, for good. It returns when
// those under way have been handled, also the ones whose sender was answered 503
// meanwhile. If ctx ends first, Drain returns its error. Call it before http.Server's
// Shutdown. It may be called again, and from several goroutines.
func (h *WebhookHandler) Drain(ctx context.Context) error {
	idle := h.drain()
	select {
	case <-idle:
		return nil
	default:
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("nexmo: webhook: drain: %w", ctx.Err())
	}
}
