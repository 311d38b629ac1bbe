package nexmo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"time"
)

// SessionOption is an option of [Dial].
type SessionOption interface {
	applySession(c *sessionConfig)
}

// ConnectionOption is an option of whatever connects to the service: [NewClient]
// and [Dial].
type ConnectionOption interface {
	ClientOption
	SessionOption
}

type connectionOption func(*clientConfig)

func (o connectionOption) applyClient(c *clientConfig)   { o(c) }
func (o connectionOption) applySession(c *sessionConfig) { o(&c.client) }

type sessionOption func(*sessionConfig)

func (o sessionOption) applySession(c *sessionConfig) { o(c) }

// sessionConfig is what the options of a session say.
type sessionConfig struct {
	client       clientConfig // its base URL is empty unless it is given
	websocketURL string
	version      string
	resume       string
	receipts     bool
	queue        int
	backoff      backoff
	loginTimeout time.Duration
	// deadLetter is given what no retry mends; nil: it is logged.
	deadLetter func(context.Context, DeadLetter) error
}

func defaultSessionConfig() sessionConfig {
	return sessionConfig{
		client:       clientConfig{log: discard},
		version:      "0.0.1",
		queue:        4096,
		backoff:      backoff{first: 2 * time.Second, most: 15 * time.Second, jitter: 0.75, attempts: 5},
		loginTimeout: 20 * time.Second,
	}
}

// defaultRTCPath is where sessions are on a host.
const defaultRTCPath = "/v2/rtc"

// complete checks the options and fills in the rest. A URL that was given overrides
// that of the region. Without a region, a URL that is not of one stands for both, so
// that a token goes to no other server than the one that was given.
func (c *sessionConfig) complete() error {
	region := c.client.region
	if err := region.check("dial"); err != nil {
		return err
	}
	ws, base := trimURL(c.websocketURL), trimURL(c.client.baseURL)
	if region == "" && ws == "" && base == "" {
		region = RegionUS
	}
	region = cmp.Or(region, regionOf(base, ws))
	switch {
	case ws != "":
	case region != "":
		ws = region.websocketURL()
	default:
		ws = base
	}
	if base == "" && region != "" {
		base = region.baseURL()
	}
	u, err := url.Parse(ws)
	if err != nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("nexmo: dial: the websocket URL is not like %s", defaultWebsocketURL)
	}
	switch u.Scheme {
	case "ws", "http":
		u.Scheme = "http"
	case "wss", "https":
		u.Scheme = "https"
	default:
		return fmt.Errorf("nexmo: dial: the websocket URL is not like %s", defaultWebsocketURL)
	}
	if base == "" {
		base = (&url.URL{Scheme: u.Scheme, Host: u.Host}).String()
	}
	if u.Path == "" {
		u.Path = defaultRTCPath
	}
	c.websocketURL, c.client.baseURL = u.String(), base
	if c.queue < 1 {
		return errors.New("nexmo: dial: a session needs room for one event at least: give WithSessionQueue more")
	}
	return nil
}

func trimURL(address string) string { return strings.TrimRight(strings.TrimSpace(address), "/") }

// WithWebsocketURL connects the session to another server than those of the regions,
// such as a test server; see [WithRegion] for those. A path replaces /v2/rtc. Tokens
// are sent there and to the host of the session's requests: that of [WithBaseURL],
// else that of [WithRegion], else the same server. Where only WithBaseURL is given, the
// session connects to that server. The URL of a region stands for the region.
func WithWebsocketURL(address string) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.websocketURL = address })
}

// WithSessionVersion says which version of sessions is asked for. The default is
// "0.0.1". With "0.0.3" the invitation to a call may carry its SDP offer.
func WithSessionVersion(version string) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.version = version })
}

// WithResume has Dial go on with the session of an ID, which [Session.ID] told
// before: the service sends what was missed since. It takes a session of the same
// user that was not logged out, minutes ago rather than hours; otherwise the error
// matches [ErrSessionInvalid].
func WithResume(sessionID string) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.resume = sessionID })
}

// WithSessionQueue says how many events may wait for the sink of [Session.Run]; 4096
// unless given. What the service sends at once after a connection was resumed may
// be more.
func WithSessionQueue(events int) SessionOption {
	return sessionOption(func(c *sessionConfig) { c.queue = events })
}

// WithDeliveryReceipts has the session tell the sender of each text, image and
// message that it was delivered, when the sink of [Session.Run] has taken it. The
// user's own events are left out. Receipts are sent one after the other beside the
// delivery; one that fails is logged and not sent again.
func WithDeliveryReceipts() SessionOption {
	return sessionOption(func(c *sessionConfig) { c.receipts = true })
}

// backoff says how long to wait before the attempts to connect again.
type backoff struct {
	first, most time.Duration
	jitter      float64 // how far a delay may be off, as a part of it
	attempts    int
}

// delay returns how long to wait before an attempt, after so many have failed in a
// row. Half of the delays are below twice the one before, half above. sign and r
// are random: r is at least 0 and below 1.
func (b backoff) delay(failed int, r float64, below bool) time.Duration {
	base := b.first << min(failed, 16)
	off := time.Duration(r * b.jitter * float64(base)).Truncate(time.Millisecond)
	if below {
		off = -off
	}
	return min(base+off, b.most)
}

// random is delay with random numbers.
func (b backoff) random(failed int) time.Duration {
	return b.delay(failed, rand.Float64(), rand.N(2) == 0) //nolint:gosec // nothing to guess
}
