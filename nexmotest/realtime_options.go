package nexmotest

import (
	"net"
	"time"
)

// WithSessionListener has realtime sessions at an address of their own. The
// server closes l. Without it they are where the REST API is.
func WithSessionListener(l net.Listener) Option {
	notNil("WithSessionListener", "listener", l == nil)
	return func(o *options) { o.sessions = l }
}

// WithMaxSessions limits how many sessions of a user may be connected. Without it
// there may be any number.
func WithMaxSessions(n int) Option {
	return func(o *options) { o.maxSessions = n }
}

// WithPings says how long after a pong the next ping follows, and how long its
// answer may take. Unless given it is 25 seconds and 20 seconds.
func WithPings(interval, timeout time.Duration) Option {
	return func(o *options) { o.pingInterval, o.pingTimeout = interval, timeout }
}
