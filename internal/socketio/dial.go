package socketio

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	defaultDialTimeout = 20 * time.Second
	defaultReadLimit   = 16 << 20
)

// DialOptions are the options of [Dial]. The zero value has the defaults.
type DialOptions struct {
	// HTTPClient makes the request; http.DefaultClient if nil. Redirects are not
	// followed, since they would hand the token on.
	HTTPClient *http.Client
	// Query is added to that of the URL and of the protocol. Its "token" is a
	// secret, which no error shows.
	Query url.Values
	// Timeout is how long the connection may take until the namespace is
	// connected; 20 seconds if zero.
	Timeout time.Duration
	// WriteTimeout is how long one packet may take; 10 seconds if zero.
	WriteTimeout time.Duration
	// ReadLimit is the size of the largest packet received; 16 MiB if zero.
	ReadLimit int64
}

// StatusError says that the server has answered with something else than a
// websocket.
type StatusError struct {
	StatusCode int
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("socketio: dial: no websocket but HTTP status %d %s", e.StatusCode, http.StatusText(e.StatusCode))
}

// Dial connects to the root namespace of a server. The URL is the location of the
// server, https://host/v2/rtc for example; it is requested with a slash at its end.
// The schemes ws and wss mean the same as http and https.
//
// Besides those of ctx and the network, the errors are [*StatusError] and
// [*RefusedError]. None of them holds the query: the token is in it.
func Dial(ctx context.Context, location string, opts *DialOptions) (*Conn, error) {
	var o DialOptions
	if opts != nil {
		o = *opts
	}
	o.Timeout = orDefault(o.Timeout, defaultDialTimeout)
	o.WriteTimeout = orDefault(o.WriteTimeout, defaultWriteTimeout)
	o.ReadLimit = orDefault(o.ReadLimit, defaultReadLimit)

	u, err := requestURL(location, o.Query)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.Timeout,
		fmt.Errorf("socketio: dial: not connected within %v: %w", o.Timeout, context.DeadlineExceeded))
	defer cancel()

	ws, err := dialWebsocket(ctx, u.String(), o.HTTPClient)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, withoutSecrets(err, u)
	}
	c := newConn(ws, false, o.ReadLimit, o.WriteTimeout)
	if err := c.within(ctx, func() error { return c.connect(ctx) }); err != nil {
		c.end(err)
		return nil, withoutSecrets(c.err, u)
	}
	return c, nil
}

// requestURL is what is requested to reach the server at a location.
func requestURL(location string, query url.Values) (*url.URL, error) {
	u, err := url.Parse(location)
	if err != nil {
		return nil, fmt.Errorf("socketio: dial: the URL cannot be parsed: %w", withoutURL(err))
	}
	switch u.Scheme {
	case "ws", "http":
		u.Scheme = "http"
	case "wss", "https":
		u.Scheme = "https"
	default:
		return nil, errors.New("socketio: dial: the URL must begin with https://, wss://, http:// or ws://")
	}
	if u.Host == "" {
		return nil, errors.New("socketio: dial: the URL has no host")
	}
	u = u.JoinPath("/")
	u.Fragment, u.RawFragment = "", ""
	all := u.Query()
	maps.Copy(all, query)
	all.Set("EIO", "4")
	all.Set("transport", "websocket")
	u.RawQuery = all.Encode()
	return u, nil
}

// connect goes through the handshakes of the engine and of the namespace.
func (c *Conn) connect(ctx context.Context) error {
	opened := false
	for {
		p, err := c.next()
		if err != nil {
			return err
		}
		switch {
		case p.Type == TypeOpen && !opened:
			opened = true
			if c.handshake, err = parseHandshake(p.Data); err == nil {
				err = c.Send(ctx, Packet{Type: TypeConnect})
			}
			c.beaten = time.Now()
		case p.Type == TypeConnect && opened:
			return nil
		case p.Type == TypePing:
			c.beaten = time.Now()
			err = c.Send(ctx, Packet{Type: TypePong})
		case p.Type == TypeEvent || p.Type == TypeAck:
			err = errors.New("socketio: dial: a packet came before the namespace was connected")
		default:
			err = c.control(ctx, p)
		}
		if err != nil {
			return err
		}
	}
}

// withoutURL is the reason in an error that tells the URL as well.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// withoutSecrets is err, but for one that shows the token of the URL: other
// packages, and the server, may have put it there.
func withoutSecrets(err error, u *url.URL) error {
	secrets := []string{u.RawQuery, "…"}
	for _, token := range u.Query()["token"] {
		if token != "" {
			secrets = append(secrets, token, "…", url.QueryEscape(token), "…")
		}
	}
	replacer := strings.NewReplacer(secrets...)
	if refused, ok := errors.AsType[*RefusedError](err); ok {
		refused.Message = replacer.Replace(refused.Message)
	}
	text := err.Error()
	if safe := replacer.Replace(text); safe != text {
		return errors.New(safe)
	}
	return err
}

func orDefault[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}
