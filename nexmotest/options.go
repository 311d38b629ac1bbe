package nexmotest

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Option is an option of [NewServer]. The functions of this package make options;
// a nil one is refused with a panic.
type Option func(*options)

// nilOption says which option of a call is nil.
func nilOption(call string, i int) string {
	return fmt.Sprintf("nexmotest: %s: option %d is nil", call, i+1)
}

// notNil panics if the argument of an option is nil.
func notNil(option, argument string, isNil bool) {
	if isNil {
		panic(fmt.Sprintf("nexmotest: %s: the %s is nil", option, argument))
	}
}

// options is what the options say.
type options struct {
	listener      net.Listener
	inMemory      bool
	applicationID string
	secret        string
	linkBase      string
	bareEvents    bool
	eventURL      string
	eventHandler  http.Handler
	firstRetry    time.Duration
	longestRetry  time.Duration
	retryFor      time.Duration
	patience      time.Duration
	sessions      net.Listener // that of the rest if nil
	maxSessions   int          // of a user; 0 for any number
	maxPending    int          // what may wait for a client
	pingInterval  time.Duration
	pingTimeout   time.Duration
	records       int // what is kept of each kind
	log           *slog.Logger
}

func defaultOptions() options {
	return options{
		applicationID: newUUID(),
		secret:        newSecret(),
		linkBase:      "https://api-us-3.vonage.com",
		firstRetry:    5 * time.Second,
		longestRetry:  15 * time.Minute,
		retryFor:      24 * time.Hour,
		patience:      10 * time.Second, // longer than the first retry
		maxPending:    100_000,
		records:       1 << 16,
		log:           slog.New(slog.DiscardHandler),
	}
}

// WithListener has the server listen on l, for an address of one's choice. The
// server closes l. Without it a free port of the loopback interface is taken.
func WithListener(l net.Listener) Option {
	notNil("WithListener", "listener", l == nil)
	return func(o *options) { o.listener = l }
}

// InMemory has the server listen on no network: [Server.HTTPClient] alone
// reaches it. Such a server works in a bubble of testing/synctest, where retries
// and delays take no time. WithListener goes before it.
func InMemory() Option {
	return func(o *options) { o.inMemory = true }
}

// WithApplicationID sets the ID of the application; a random one unless given.
func WithApplicationID(id string) Option {
	return func(o *options) { o.applicationID = id }
}

// WithSignatureSecret sets the secret that webhooks are signed with at first; a
// random one unless given.
func WithSignatureSecret(secret string) Option {
	return func(o *options) { o.secret = secret }
}

// WithEventURL has every event posted to address, the rtc event_url of the
// application.
func WithEventURL(address string) Option {
	return func(o *options) { o.eventURL = address }
}

// WithEventHandler has every event posted to h, such as a nexmo.WebhookHandler,
// in memory and without a network. [Server.EventURL] is its address for the
// server.
func WithEventHandler(h http.Handler) Option {
	notNil("WithEventHandler", "handler", h == nil)
	return func(o *options) { o.eventHandler, o.eventURL = h, "http://"+handlerHost+"/" }
}

// WithRetries says how webhooks are sent again that were answered 429 or 5xx, or
// not at all within 5 seconds: the first time after first, then after twice as long
// each time but at most longest, until the webhook is older than total. Unless given
// it is 5 seconds, 15 minutes and 24 hours, as documented.
func WithRetries(first, longest, total time.Duration) Option {
	return func(o *options) { o.firstRetry, o.longestRetry, o.retryFor = first, longest, total }
}

// WithLinkBase sets what the links in answers begin with. Unless given it is the
// host of a region and not the one that was asked, as with the service: what
// follows such a link leaves the server.
func WithLinkBase(base string) Option {
	return func(o *options) { o.linkBase = base }
}

// WithBareEventLists has the lists of events of version 1 written as the
// published description has them: _embedded is the array. The service itself
// answers an object with the array in it.
func WithBareEventLists() Option {
	return func(o *options) { o.bareEvents = true }
}

// WithPatience says for how long the Expect methods wait; 10 seconds unless given.
func WithPatience(d time.Duration) Option {
	return func(o *options) { o.patience = d }
}

// WithLogger has l told of every request, login and acknowledgement, and of every
// attempt to post an event.
// Neither tokens nor what events say is logged. The default, and nil, is to log
// nothing.
func WithLogger(l *slog.Logger) Option {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return func(o *options) { o.log = l }
}

// WithRecords says how many requests, webhooks, logins and acknowledgements are
// kept of each, for [Server.Requests] and its like, and for the Expect methods: of
// more, the older half goes. Unless given it is 65,536; what runs for long may want
// fewer.
func WithRecords(n int) Option {
	return func(o *options) { o.records = max(n, 1) }
}
