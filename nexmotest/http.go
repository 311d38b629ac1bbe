package nexmotest

import "net/http"

// serveHTTP serves what comes in at the listeners: sessions and requests, those of
// the pages of any origin included.
func (s *Server) serveHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case r.Method == http.MethodOptions: // a browser asks whether it may
		h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == realtimePath:
		s.realtime.serve(w, r)
	default:
		s.respond(w, r)
	}
}
