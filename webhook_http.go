package nexmo

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"time"
)

// ServeHTTP handles one webhook: it reads the request, and writes the answer.
func (h *WebhookHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	in := &incoming{WebhookRequest: WebhookRequest{Method: r.Method, Header: r.Header}, began: time.Now(), w: w, http: r}
	if r.URL != nil {
		in.RawQuery = r.URL.RawQuery
	}
	// Whatever the answer, net/http waits no longer for the body either. A server
	// whose connections cannot have deadlines has its own ways.
	_ = http.NewResponseController(w).SetReadDeadline(in.began.Add(h.timeout()))
	a := h.answer(r.Context(), in)
	maps.Copy(w.Header(), a.Header)
	w.WriteHeader(a.Status)
}

// readBody reads the body of a webhook that came by net/http.
func (in *incoming) readBody(limit int64, timeout time.Duration) (err error) {
	if in.http.Body == nil {
		return nil
	}
	// It closes the connection of a sender of too much. A body that is declared as
	// too large is not read at all, and net/http closes the connection by itself.
	body := http.MaxBytesReader(in.w, in.http.Body, limit)
	if in.Body, err = readBody(body, in.http.ContentLength, limit); tooSlow(err) || time.Since(in.began) >= timeout {
		return errSlowBody
	}
	return err
}

// tooSlow reports whether a body did not arrive in time: that of a deadline for reading,
// which may be the server's.
func tooSlow(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// unhurried ends the deadline for reading of a request of which nothing more is to come: it
// must not break the connection while a handler runs.
func (in *incoming) unhurried() {
	if in.http != nil && (in.Method == http.MethodPost || in.http.ContentLength == 0) {
		_ = http.NewResponseController(in.w).SetReadDeadline(time.Time{})
	}
}
