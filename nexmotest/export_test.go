package nexmotest

import (
	"net/http"
	"slices"
)

// Seen is what a subscriber of the engine is told.
type Seen struct {
	Type     string
	ID       int64
	Audience []string // user IDs, sorted
}

// Watch subscribes to the engine, as sessions do.
func (s *Server) Watch(fn func(Seen)) { s.engine.subscribe(watcher(fn)) }

type watcher func(Seen)

func (w watcher) notify(o occurrence) {
	w(Seen{o.Type, o.ID, slices.Sorted(slices.Values(o.audience))})
}

// Record has the server remember n requests, whose status counts up from 0.
func (s *Server) Record(n int) {
	for i := range n {
		s.journal.request(Request{Status: i})
	}
}

// WithMaxPending limits what may wait for the client of a session.
func WithMaxPending(n int) Option { return func(o *options) { o.maxPending = n } }

// Kept counts the faults that are still to happen, and the conversations.
func (s *Server) Kept() (faults, conversations int) {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.engine.mu.Lock()
	defer s.engine.mu.Unlock()
	return len(s.faults.webhooks) + len(s.faults.requests), len(s.engine.conversations)
}

// ServeHTTP answers a request as the server does.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.serveHTTP(w, r) }
