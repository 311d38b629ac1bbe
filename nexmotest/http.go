package nexmotest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"strconv"
	"time"
)

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

// serve starts an HTTP server that ends with its Close. Its handlers are background
// work: their ctx ends when b is closed, which waits for them.
func serve(b *background, l net.Listener, h http.Handler) *http.Server {
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !b.begin() {
				panic(http.ErrAbortHandler)
			}
			defer b.group.Done()
			h.ServeHTTP(w, r)
		}),
		BaseContext:       func(net.Listener) context.Context { return b.ctx },
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	b.run(func(context.Context) { _ = server.Serve(l) })
	return server
}

// maxRequest is the largest body of a request that is read, in bytes.
const maxRequest = 16 << 20

// respond serves one request of the REST API.
func (s *Server) respond(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		status := http.StatusBadRequest
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			status = http.StatusRequestEntityTooLarge
		}
		w.WriteHeader(status)
		return
	}
	rec := Request{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.Query(), Header: r.Header.Clone(), Body: body, At: time.Now()}
	fault := s.faults.request(rec)
	var a answer
	if fault.refusal != nil {
		a = fault.refusal.answer(generationOf(r))
	} else {
		var who identity
		a, who = s.handle(r, body)
		rec.User = who.user
	}
	if rec.Status = a.status; fault.cut {
		rec.Status = 0
	}
	s.journal.request(rec)
	write(w, r, a, fault)
}

// write writes an answer, badly if it is to be.
func write(w http.ResponseWriter, r *http.Request, a answer, fault RequestFault) {
	content, contentType := a.content, a.contentType
	if a.body != nil {
		content, contentType = encode(a.body), cmp.Or(contentType, "application/json")
	}
	if contentType != "" {
		w.Header().Set("Content-Type", contentType)
	}
	maps.Copy(w.Header(), a.header)
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	}
	switch {
	case fault.cut && len(content) == 0:
		panic(http.ErrAbortHandler)
	case fault.cut:
		w.WriteHeader(a.status)
		_, _ = w.Write(content[:len(content)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	case fault.pause > 0:
		w.WriteHeader(a.status)
		writeSlowly(w, r, content, fault.pause)
	default:
		w.WriteHeader(a.status)
		_, _ = w.Write(content)
	}
}

// writeSlowly writes content in ten pieces with a pause before each.
func writeSlowly(w http.ResponseWriter, r *http.Request, content []byte, pause time.Duration) {
	size := max((len(content)+9)/10, 1)
	for len(content) > 0 {
		_ = http.NewResponseController(w).Flush()
		if !wait(r.Context(), pause) {
			panic(http.ErrAbortHandler)
		}
		piece := content[:min(size, len(content))]
		_, _ = w.Write(piece)
		content = content[len(piece):]
	}
}
