package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// The types of events are what goes wrong with them.
const (
	doubled   nexmo.EventType = "custom:doubled"   // the webhook is sent twice
	late      nexmo.EventType = "custom:late"      // the webhook comes when others have overtaken it
	reordered nexmo.EventType = "custom:reordered" // four webhooks come in the opposite order
	lost      nexmo.EventType = "custom:lost"      // neither webhook nor session has it
	silent    nexmo.EventType = "custom:silent"    // no webhook has it
	truncated nexmo.EventType = "custom:truncated" // the webhook is not JSON
	unsigned  nexmo.EventType = "custom:unsigned"  // the webhook has a signature when it is sent again
	refused   nexmo.EventType = "custom:refused"   // the handler fails the first time
	cut       nexmo.EventType = "custom:cut"       // the connection of the session is cut
	whole     nexmo.EventType = "custom:whole"     // nothing
	poison    nexmo.EventType = "custom:poison"    // no retry makes its handler succeed
)

// odd are bodies that are not as documented, and one with half an emoji. Handlers take
// them, or they are set aside.
var odd = []nexmo.Body{
	&nexmo.Custom{Name: "whole", JSON: `{"say":"see you \ud83d"}`},
	&nexmo.RawBody{Type: nexmo.EventText, JSON: `{"text":{"of":"another shape"}}`},
	&nexmo.RawBody{Type: nexmo.EventAudioDTMF, JSON: `{"digit":5,"channel":{"id":7,"headers":"none"}}`},
	&nexmo.RawBody{Type: nexmo.EventMemberMedia, JSON: `{"media":[],"audio":"yes"}`},
	&nexmo.RawBody{Type: nexmo.EventAudioRecordDone, JSON: `{"size":"many","start_time":7}`},
	&nexmo.RawBody{Type: nexmo.EventText, JSON: `7`},
	&nexmo.RawBody{Type: "tomorrow:type", JSON: `[1,2]`},
}

// batch is what is emitted before all of it must have been handled. Its last event
// shows that those in front of it are missing.
var batch = []nexmo.EventType{
	doubled, doubled, late, late, reordered, reordered, reordered, reordered, lost, silent, truncated, unsigned, refused,
	whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole, whole,
}

const (
	batches       = 10   // of a conversation
	rarely        = 1000 // one event of so many cuts a session
	seldom        = 57   // one whole event of so many, 1 % of all, is odd, and another poison
	patience      = 30 * time.Second
	conversations = 512 // that the application keeps
)

// users have a session each, and are in every other conversation.
var users = []string{"alice", "bob", "carol", "dave"}

// load is all that takes part.
type load struct {
	check    *checker
	service  *nexmotest.Server
	app      *nexmo.Application
	client   *nexmo.Client
	handler  *nexmo.WebhookHandler
	hooks    *http.Server
	requests *http.Transport
	sessions []*nexmo.Session
	group    sync.WaitGroup

	made       atomic.Int64 // conversations
	webhooks   atomic.Int64 // attempts to post one
	again      atomic.Int64 // of them, those that have to be sent again
	frames     atomic.Int64 // events from sessions
	reconnects atomic.Int64
	reads      atomic.Int64 // requests for what is missing
}

// start starts everything. What it has started, when it fails, ends with the program.
func start(ctx context.Context, c *checker) (*load, error) {
	l := &load{check: c, requests: &http.Transport{MaxIdleConnsPerHost: 64}}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	const secret = "secret of the soak"
	l.service = nexmotest.NewServer(nil, nexmotest.WithSignatureSecret(secret),
		nexmotest.WithEventURL("http://"+listener.Addr().String()+"/"),
		nexmotest.WithRetries(20*time.Millisecond, 200*time.Millisecond, time.Minute),
		nexmotest.WithRecords(256))
	faults := l.service.Faults()
	faults.Webhooks(nexmotest.Duplicate(), 0, doubled)
	faults.Webhooks(nexmotest.Delay(50*time.Millisecond), 0, late)
	faults.Webhooks(nexmotest.Reorder(4), 0, reordered)
	faults.Webhooks(nexmotest.Drop(), 0, lost, silent)
	faults.Webhooks(nexmotest.Truncated(), 0, truncated)
	faults.Webhooks(nexmotest.Unsigned(), 0, unsigned)
	faults.Frames("", nexmotest.Drop(), 0, lost)
	faults.Frames("", nexmotest.Cut(), 0, cut)

	// What a fault of REST is done to is tried again, soon.
	l.client = l.service.Client(
		nexmo.WithHTTPClient(&http.Client{Transport: l, Timeout: 10 * time.Second}),
		nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 10, MinDelay: 5 * time.Millisecond, MaxDelay: 50 * time.Millisecond}))
	// Nothing is given up because this machine is busy with something else.
	l.app = nexmo.NewApplication(l.service.ApplicationID(), nexmo.WithClient(l.client), nexmo.WithStart(1),
		nexmo.WithReorderWindow(len(batch), patience), nexmo.WithGapFunc(c.gap), nexmo.WithMaxConversations(conversations),
		nexmo.WithDeadLetter(c.setAside))
	l.app.On(nexmo.EventAny, c.handle)
	nexmo.On(l.app, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })

	l.handler = &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{secret}}, RetryUnsigned: true,
		Sink: nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			c.delivered(e, false)
			return l.app.Deliver(ctx, e)
		}),
	}
	l.hooks = &http.Server{Handler: http.HandlerFunc(l.webhook), ReadHeaderTimeout: time.Minute}
	l.group.Go(func() { _ = l.hooks.Serve(listener) })

	for _, user := range users {
		s, err := nexmo.Dial(ctx, nexmo.TokenFunc(func() (string, error) { return l.service.UserToken(user), nil }),
			nexmo.WithBaseURL(l.service.URL()), nexmo.WithWebsocketURL(l.service.WebsocketURL()),
			nexmo.WithHTTPClient(&http.Client{Transport: l.requests}))
		if err != nil {
			return nil, fmt.Errorf("the session of %s: %w", user, err)
		}
		l.sessions = append(l.sessions, s)
		s.OnState(func(state nexmo.SessionState, _ error) {
			if state == nexmo.SessionStateReconnecting {
				l.reconnects.Add(1)
			}
		})
		l.group.Go(func() {
			err := s.Run(context.Background(), nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
				l.frames.Add(1)
				c.delivered(e, true)
				return l.app.Deliver(ctx, e)
			}))
			if err != nil {
				c.violation("the session of %s ended: %v", user, err)
			}
		})
	}
	return l, nil
}

// RoundTrip counts the requests of the client.
func (l *load) RoundTrip(r *http.Request) (*http.Response, error) {
	l.reads.Add(1)
	return l.requests.RoundTrip(r)
}

// webhook is the endpoint. Sometimes it is out of order, and sometimes its answer
// gets lost.
func (l *load) webhook(w http.ResponseWriter, r *http.Request) {
	switch n := l.webhooks.Add(1); {
	case n%101 == 0:
		l.again.Add(1)
		w.WriteHeader(http.StatusServiceUnavailable)
	case n%97 == 0:
		l.again.Add(1)
		l.handler.ServeHTTP(httptest.NewRecorder(), r)
		panic(http.ErrAbortHandler)
	default:
		answer := &statusWriter{ResponseWriter: w}
		l.handler.ServeHTTP(answer, r)
		if answer.status == http.StatusServiceUnavailable {
			l.again.Add(1)
		}
	}
}

type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// run emits until ctx ends, and returns when all that was emitted is handled.
func (l *load) run(ctx context.Context, n int) {
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			for ctx.Err() == nil && l.conversation(ctx) {
			}
		})
	}
	group.Wait()
}

// conversation goes through one conversation. It reports whether all went well.
func (l *load) conversation(ctx context.Context) bool {
	n := int(l.made.Add(1))
	id := l.service.CreateConversation("")
	w := l.check.watch(id)
	joined := n%2 == 0
	if joined {
		l.service.Join(id, users[n/2%len(users)])
	}
	var last nexmo.EventID
	for e, err := range l.service.EventsAfter(context.Background(), id, 0) {
		if err != nil {
			l.check.violation("%v", err)
			return false
		}
		w.emitted(e.ID)
	}
	types := append([]nexmo.EventType(nil), batch...)
	for b := 0; b < batches && ctx.Err() == nil; b++ {
		rand.Shuffle(len(types)-1, func(i, j int) { types[i], types[j] = types[j], types[i] })
		hole := rand.IntN(len(types))
		for i, t := range types {
			if i == hole {
				l.service.Faults().SkipIDs(id, 1+rand.IntN(3))
			}
			if t == whole && joined && i < len(types)-1 && rand.IntN(rarely) == 0 {
				t = cut
			}
			if t == lost {
				l.disturbRequest()
			}
			var body nexmo.Body = &nexmo.Custom{Name: strings.TrimPrefix(string(t), "custom:"), JSON: `{"say":"something"}`}
			if t == whole && i < len(types)-1 {
				switch rand.IntN(seldom) {
				case 0:
					body = odd[rand.IntN(len(odd))]
				case 1:
					body = &nexmo.Custom{Name: strings.TrimPrefix(string(poison), "custom:")}
				}
			}
			last = l.service.Emit(id, body)
			w.emitted(last)
		}
		if !l.check.await(w, 0, patience) {
			return false
		}
	}
	if joined && !l.check.await(w, last, patience) {
		return false
	}
	if err := l.client.DeleteConversation(context.Background(), id); err != nil {
		l.check.violation("%s: %v", id, err)
		return false
	}
	l.check.over(w)
	return true
}

// disturbRequest sometimes has something go wrong with a request for what is missing.
func (l *load) disturbRequest() {
	faults := []nexmotest.RequestFault{
		nexmotest.InternalError(), nexmotest.TooManyRequests(0), nexmotest.CutConnection(), nexmotest.SlowBody(time.Millisecond),
	}
	if n := rand.IntN(4 * len(faults)); n < len(faults) {
		l.service.Faults().Requests(faults[n], 1, "GET /v1/conversations/*/events")
	}
}

// stop ends everything that was started.
func (l *load) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if l.check.failed.Err() == nil {
		l.check.check(l.service.Flush(ctx))
	}
	for _, s := range l.sessions {
		l.check.check(s.Close())
	}
	l.service.Close() // before the endpoint: what is late is not missed
	l.check.check(l.hooks.Shutdown(ctx))
	l.check.check(l.handler.Drain(ctx))
	l.check.check(l.app.Close())
	l.requests.CloseIdleConnections()
	l.group.Wait()
}

// counts says what came how.
func (l *load) counts() string {
	return fmt.Sprintf("%d conversations; %d webhooks, %d of them again; %d in sessions, %d reconnects; %d duplicates dropped; %d gaps filled, %d REST requests; %d holes; %d set aside",
		l.made.Load(), l.webhooks.Load(), l.again.Load(), l.frames.Load(), l.reconnects.Load(),
		l.check.duplicates.Load(), l.check.filled.Load(), l.reads.Load(), l.check.holes.Load(), l.check.aside.Load())
}
