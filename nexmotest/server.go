package nexmotest

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/http"
	"sync"

	"github.com/conversation-events/nexmo"
)

// TB is what a server needs of a [testing.TB].
type TB interface {
	// Helper marks the caller as one that fails for another.
	Helper()
	// Cleanup has fn called when the test is over.
	Cleanup(fn func())
	// Fatalf fails the test, and ends it.
	Fatalf(format string, args ...any)
}

// Server is a Conversation service in this process, for tests. It has the REST
// routes of the service and of its client SDKs, keeps conversations, users,
// members and events as the service does, and posts every event, signed, to a
// webhook. It can be told to do so badly: see [Server.Faults].
//
// All methods may be called from several goroutines. Those that cannot do what
// they are asked fail the test, and must then be called from its goroutine; or
// they panic if there is no test. [NewServer] makes one; the zero value cannot
// be used.
type Server struct {
	tb         TB
	options    options
	engine     *engine
	webhooks   *webhooks
	realtime   *realtime
	faults     *Faults
	journal    *journal
	background *background

	listener net.Listener
	http     []*http.Server
	client   *http.Client
	close    sync.Once

	credentials func() (nexmo.Credentials, error) // of the application
}

// The hosts of what is in memory. No name server knows them.
const (
	memoryHost  = "nexmotest.invalid"
	handlerHost = "webhook.nexmotest.invalid"
)

// NewServer starts a server. With a test, usually a [testing.T], it is closed
// when the test is over; without, tb is nil and the caller closes it.
func NewServer(tb TB, opts ...Option) *Server {
	o := defaultOptions()
	for i, opt := range opts {
		if opt == nil {
			panic(nilOption("NewServer", i))
		}
		opt(&o)
	}
	s := &Server{tb: tb, options: o, journal: newJournal(&o), background: newBackground()}
	s.engine = &engine{applicationID: o.applicationID, knockers: map[string]*user{}, images: map[string]image{}}
	s.faults = &Faults{server: s}
	s.credentials = sync.OnceValues(func() (nexmo.Credentials, error) {
		return nexmo.NewCredentials(o.applicationID, []byte(applicationKey))
	})

	pipes := map[string]*pipeListener{}
	switch {
	case o.listener != nil:
		s.listener = o.listener
	case o.inMemory:
		pipe := newPipeListener(memoryHost)
		s.listener, pipes[memoryHost+":80"] = pipe, pipe
	default:
		var err error
		if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil { //nolint:noctx // there is no ctx, and nothing to wait for
			s.fail("nexmotest: NewServer: %v", err)
		}
	}
	if o.eventHandler != nil {
		pipe := newPipeListener(handlerHost)
		pipes[handlerHost+":80"] = pipe
		s.http = append(s.http, serve(s.background, pipe, o.eventHandler))
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		if pipe := pipes[address]; pipe != nil {
			return pipe.dial(ctx)
		}
		var d net.Dialer
		return d.DialContext(ctx, network, address)
	}
	s.client = &http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: maxWebhooks}}
	s.webhooks = newWebhooks(s, &http.Transport{DialContext: dial, MaxIdleConnsPerHost: maxWebhooks, MaxConnsPerHost: maxWebhooks})
	s.engine.subscribe(s.webhooks)
	s.realtime = newRealtime(s)
	s.engine.subscribe(s.realtime)
	for _, l := range []net.Listener{s.listener, o.sessions} {
		if l != nil {
			s.http = append(s.http, serve(s.background, l, http.HandlerFunc(s.serveHTTP)))
		}
	}
	if tb != nil {
		tb.Helper()
		tb.Cleanup(s.Close)
	}
	return s
}

// Close ends the server: its connections, and the webhooks that are under way or
// wait to be sent again. It waits for what runs, the handler of
// [WithEventHandler] included. What was recorded can still be read.
func (s *Server) Close() {
	s.close.Do(func() {
		s.background.end()
		for _, server := range s.http {
			_ = server.Close()
		}
		s.background.close()
		s.client.CloseIdleConnections()
		s.webhooks.client.CloseIdleConnections()
	})
}

// fail fails the test, or panics if there is none.
func (s *Server) fail(format string, args ...any) {
	if s.tb == nil {
		panic(fmt.Sprintf(format, args...))
	}
	s.tb.Helper()
	s.tb.Fatalf(format, args...)
}

// address is where the server is, as host or host and port.
func (s *Server) address() string { return s.listener.Addr().String() }

// URL returns the address of the REST API, without a slash at its end.
func (s *Server) URL() string { return "http://" + s.address() }

// WebsocketURL returns the address of realtime sessions, without a slash at its
// end.
func (s *Server) WebsocketURL() string {
	if l := s.options.sessions; l != nil {
		return "ws://" + l.Addr().String()
	}
	return "ws://" + s.address()
}

// EventURL returns where events are posted, the rtc event_url of the
// application; "" if nowhere.
func (s *Server) EventURL() string { return s.options.eventURL }

// HTTPClient returns a client that reaches the server, also one that is in
// memory.
func (s *Server) HTTPClient() *http.Client { return s.client }

// ApplicationID returns the ID of the application.
func (s *Server) ApplicationID() string { return s.options.applicationID }

// PrivateKey returns the private key of the application, in PEM: with the
// application's ID it makes nexmo.Credentials. All servers have the same one.
func (s *Server) PrivateKey() []byte { return []byte(applicationKey) }

// SignatureSecret returns the secret that webhooks are signed with now.
func (s *Server) SignatureSecret() string { return s.webhooks.currentSecret() }

// Faults returns what can go wrong on demand.
func (s *Server) Faults() *Faults { return s.faults }

// Token returns a token of the application that is good for a while yet.
func (s *Server) Token() string {
	credentials, err := s.credentials()
	if err != nil {
		s.fail("nexmotest: Token: %v", err)
	}
	token, err := credentials.Token()
	if err != nil {
		s.fail("nexmotest: Token: %v", err)
	}
	return token
}

// UserToken returns a new token of the user with a name, who is made if there is
// none. It is good for 15 minutes and allows what the client SDKs need.
func (s *Server) UserToken(name string) string {
	s.CreateUser(name)
	credentials, err := s.credentials()
	if err != nil {
		s.fail("nexmotest: UserToken: %v", err)
	}
	token, err := credentials.UserToken(name, 0, nexmo.ClientACL())
	if err != nil {
		s.fail("nexmotest: UserToken: %v", err)
	}
	return token
}

// newSecret makes a signature secret up.
func newSecret() string { return rand.Text() + rand.Text() }
