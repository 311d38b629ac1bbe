package nexmo

import (
	"context"
	"fmt"
)

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
		return ErrWebhookReplay
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
