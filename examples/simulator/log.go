package main

import (
	"bytes"
	"io"
	"time"
)

// logWriter writes lines to an output that perhaps nobody reads after the first line.
// The service does not wait for it: lines that find no place are left out.
type logWriter struct {
	out   io.Writer
	lines chan []byte
	done  chan struct{}
}

func newLog(out io.Writer) *logWriter {
	return &logWriter{out: out, lines: make(chan []byte, 4096), done: make(chan struct{})}
}

// Write takes one line.
func (l *logWriter) Write(line []byte) (int, error) {
	select {
	case l.lines <- bytes.Clone(line):
	default: // too many wait
	}
	return len(line), nil
}

// start has the lines written.
func (l *logWriter) start() {
	go func() {
		defer close(l.done)
		for line := range l.lines {
			_, _ = l.out.Write(line)
		}
	}()
}

// stop writes what waits, unless nobody reads it. Nothing is written to l after
// that.
func (l *logWriter) stop() {
	close(l.lines)
	select {
	case <-l.done:
	case <-time.After(time.Second):
	}
}
