package otelnexmo_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// scenario is something that happens, and the spans and counts that show it.
type scenario struct {
	name string
	run  func(t *testing.T, tel *telemetry)

	counts map[string]int64 // all of the metrics that it names
}

var errPrivate = errors.New(private)

// path is in front of the names of the handlers.
const path = "github.com/conversation-events/nexmo/otelnexmo_test."

// failing returns a handler that fails so many times.
func failing(times int, err error) nexmo.Handler {
	return func(context.Context, *nexmo.Event) error {
		if times--; times >= 0 {
			return err
		}
		return nil
	}
}

func panicking(context.Context, *nexmo.Event) error { panic(private) }

func inOrder(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	w.app.On("text", ignore)
	w.app.On("*", ignore)
	c := w.server.CreateConversation("repairs")
	w.say(c)
	w.say(c)
	w.flush(t)
}

func gapAndFetch(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	w.app.On("text", ignore)
	c := w.server.CreateConversation("repairs")
	w.say(c)
	w.server.Faults().Webhooks(nexmotest.Drop(), 1, "text")
	w.say(c)
	w.say(c)
	w.flush(t)
}

func gapWithoutSource(t *testing.T, tel *telemetry) {
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet), nexmo.WithReorderWindow(8, time.Second))
	defer func() { _ = app.Close() }()
	hook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app, Logger: quiet, Trace: tel.trace}
	for _, id := range []int{1, 4} {
		wantStatus(t, hook, secret, textEvent(id), http.StatusNoContent)
	}
}

func failureAndRetry(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	w.app.On("text", ignore)
	w.app.On("text", failing(1, errPrivate))
	w.say(w.server.CreateConversation("repairs"))
	w.flush(t)
}

func panicAndRetry(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	off := w.app.On("text", panicking)
	w.app.On("text", failing(1, errPrivate))
	w.say(w.server.CreateConversation("repairs"))
	off()
	w.flush(t)
}

func requestOfHandler(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	w.app.OnConversation(func(c *nexmo.Conversation) {
		c.On("text", func(ctx context.Context, _ *nexmo.Event) error {
			_, err := c.Join(ctx, nexmo.MemberParams{UserID: "USR-none"})
			if !errors.Is(err, nexmo.ErrNotFound) {
				t.Errorf("Join returned %v", err)
			}
			time.Sleep(time.Second)
			w.server.Faults().Requests(nexmotest.TooManyRequests(time.Second), 1)
			return c.Load(ctx)
		})
	})
	w.say(w.server.CreateConversation("repairs"))
	w.flush(t)
}

func deadLetters(t *testing.T, tel *telemetry) {
	aside := nexmo.WithDeadLetter(func(_ context.Context, d nexmo.DeadLetter) error {
		if d.EventID == 3 {
			return errPrivate
		}
		return nil
	})
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet), aside)
	defer func() { _ = app.Close() }()
	app.On("text", failing(9, nexmo.Permanent(errPrivate)))
	hook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app, Logger: quiet, Trace: tel.trace}
	for id, status := range []int{1: http.StatusNoContent, 2: http.StatusNoContent, 3: http.StatusServiceUnavailable} {
		if id > 0 {
			wantStatus(t, hook, secret, textEvent(id), status)
			time.Sleep(time.Second)
		}
	}
	// Without a function of the Application, the WebhookHandler is the last on the way out.
	bare := nexmo.NewConversation("CON-1", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet))
	bare.On("text", failing(9, nexmo.Permanent(errPrivate)))
	hook.Sink = bare
	wantStatus(t, hook, secret, textEvent(4), http.StatusNoContent)
}

func refused(t *testing.T, tel *telemetry) {
	hook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Logger: quiet, Trace: tel.trace,
		Sink: nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil })}
	wantStatus(t, hook, "a guess", textEvent(1), http.StatusUnauthorized)
	time.Sleep(time.Second)
	wantStatus(t, hook, secret, "no event", http.StatusBadRequest)
}

func duplicates(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	w.server.Faults().Webhooks(nexmotest.Duplicate(), 1, "text")
	c := w.server.CreateConversation("repairs")
	w.say(c)
	w.flush(t)
	// One that has no webhook is found by the conversation.
	e, err := nexmo.ParseEvent([]byte(`{"type":"text","id":1,"conversation_id":"` + c + `","body":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.app.Deliver(t.Context(), e); err != nil {
		t.Error(err)
	}
}

// heldForAnother has an event handled by a webhook other than the one that brought it.
func heldForAnother(t *testing.T, tel *telemetry) {
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet), nexmo.WithReorderWindow(8, 10*time.Second))
	defer func() { _ = app.Close() }()
	app.On("text", ignore)
	hook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app, Logger: quiet, Trace: tel.trace}
	wantStatus(t, hook, secret, textEvent(1), http.StatusNoContent)
	time.Sleep(time.Second)
	first, second := make(chan int), make(chan int)
	ctx, gone := context.WithCancel(t.Context())
	go func() {
		rec := httptest.NewRecorder()
		hook.ServeHTTP(rec, nexmotest.SignedRequest(secret, []byte(textEvent(3))).WithContext(ctx))
		first <- rec.Code
	}()
	time.Sleep(time.Second)
	go func() { second <- receive(hook, secret, textEvent(3)) }()
	time.Sleep(time.Second)
	gone() // the sender
	if status := <-first; status != http.StatusServiceUnavailable {
		t.Errorf("the first one was answered %d", status)
	}
	synctest.Wait()
	wantStatus(t, hook, secret, textEvent(2), http.StatusNoContent)
	if status := <-second; status != http.StatusNoContent {
		t.Errorf("the second one was answered %d", status)
	}
}

func session(t *testing.T, tel *telemetry) {
	server := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithLogger(quiet))
	c := server.CreateConversation("repairs")
	member := server.Join(c, "alice")
	tokens := nexmo.TokenFunc(func() (string, error) { return server.UserToken("alice"), nil })
	s, err := nexmo.Dial(t.Context(), tokens, nexmo.WithBaseURL(server.URL()), nexmo.WithHTTPClient(server.HTTPClient()), nexmo.WithLogger(quiet), nexmo.WithTrace(tel.trace))
	if err != nil {
		t.Fatal(err)
	}
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet))
	app.On("text", ignore)
	ended := make(chan error)
	go func() { ended <- s.Run(t.Context(), app) }()
	server.Emit(c, &nexmo.Text{Text: private}, nexmotest.From(member))
	time.Sleep(time.Minute)
	tel.wantCounts(t, map[string]int64{"nexmo.sessions{nexmo.session.state=connected}": 1})
	server.Faults().CutSessions("alice")
	time.Sleep(time.Minute)
	tel.wantCounts(t, map[string]int64{"nexmo.sessions{nexmo.session.state=connected}": 1})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
	if err := app.Close(); err != nil {
		t.Error(err)
	}
	server.Close()
}

// load has an event come first of a conversation that was there before.
func load(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	w.server.Faults().Webhooks(nexmotest.Drop(), 1, "conversation:created")
	w.say(w.server.CreateConversation("repairs"))
	w.flush(t)
}

func requestsFail(t *testing.T, tel *telemetry) {
	w := newWorld(t, tel)
	w.server.Faults().Webhooks(nexmotest.Drop(), 1, "conversation:created")
	w.server.Faults().Requests(nexmotest.InternalError(), 0)
	c := w.server.CreateConversation("repairs")
	w.say(c)
	w.server.Faults().Webhooks(nexmotest.Drop(), 1, "text")
	w.say(c)
	w.say(c)
	w.flush(t)
}

func evicted(t *testing.T, tel *telemetry) {
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet), nexmo.WithMaxConversations(1))
	defer func() { _ = app.Close() }()
	app.Conversation("CON-1")
	app.Conversation("CON-2")
	app.Conversation("CON-3")
	_ = t
}

func redelivered(t *testing.T, tel *telemetry) {
	app := nexmo.NewApplication("", nexmo.WithTrace(tel.trace), nexmo.WithLogger(quiet))
	defer func() { _ = app.Close() }()
	app.On("custom:order", failing(1, errPrivate))
	e, err := nexmo.ParseEvent([]byte(`{"type":"custom:order","id":1,"conversation_id":"CON-1","body":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Deliver(t.Context(), e); !errors.Is(err, errPrivate) {
		t.Errorf("Deliver returned %v", err)
	}
	time.Sleep(time.Second)
	if err := app.Redeliver(t.Context(), e); err != nil {
		t.Errorf("Redeliver returned %v", err)
	}
}

func wantStatus(t *testing.T, h http.Handler, signedWith, body string, want int) {
	t.Helper()
	if got := receive(h, signedWith, body); got != want {
		t.Errorf("answered %d, want %d", got, want)
	}
}

func scenarios() []scenario {
	const failingName = path + "failureAndRetry.failing.func1"
	return []scenario{
		{"in order", inOrder, map[string]int64{
			"nexmo.received{nexmo.via=webhook}":                                                        3,
			"nexmo.handled{nexmo.event.type=conversation:created,nexmo.via=webhook}":                   1,
			"nexmo.handled{nexmo.event.type=text,nexmo.via=webhook}":                                   2,
			"nexmo.receive.duration{nexmo.via=webhook}":                                                3,
			"nexmo.handle.duration{nexmo.event.type=conversation:created}":                             1,
			"nexmo.handle.duration{nexmo.event.type=text}":                                             2,
			"nexmo.handler.duration{code.function.name=" + path + "ignore,nexmo.handler.pattern=text}": 2,
			"nexmo.handler.duration{code.function.name=" + path + "ignore,nexmo.handler.pattern=*}":    3,
			"nexmo.conversations": 1,
		}},
		{"gap and fetch", gapAndFetch, map[string]int64{
			"nexmo.hold.duration":  1,
			"nexmo.fetch.duration": 1,
			"nexmo.fetched":        1,
			"nexmo.handled{nexmo.event.type=conversation:created,nexmo.via=webhook}":                                                        1,
			"nexmo.handled{nexmo.event.type=text,nexmo.via=webhook}":                                                                        2,
			"nexmo.handled{nexmo.event.type=text,nexmo.via=fetch}":                                                                          1,
			"nexmo.requests{http.request.method=GET,http.response.status_code=200,url.template=/v1/conversations/{conversation ID}/events}": 1,
		}},
		{"gap without source", gapWithoutSource, map[string]int64{
			"nexmo.gaps": 1, "nexmo.gap.events": 2, "nexmo.hold.duration": 1,
		}},
		{"failure and retry", failureAndRetry, map[string]int64{
			"nexmo.failed{error.type=*errors.errorString,nexmo.event.type=text,nexmo.outcome=failed}":                                  1,
			"nexmo.handled{nexmo.event.type=conversation:created,nexmo.via=webhook}":                                                   1,
			"nexmo.handled{nexmo.event.type=text,nexmo.via=webhook}":                                                                   1,
			"nexmo.handler.duration{code.function.name=" + path + "ignore,nexmo.handler.pattern=text}":                                 1,
			"nexmo.handler.duration{code.function.name=" + failingName + ",error.type=*errors.errorString,nexmo.handler.pattern=text}": 1,
			"nexmo.handler.duration{code.function.name=" + failingName + ",nexmo.handler.pattern=text}":                                1,
		}},
		{"panic and retry", panicAndRetry, map[string]int64{
			"nexmo.failed{error.type=panic,nexmo.event.type=text,nexmo.outcome=failed}": 1,
		}},
		{"request of handler", requestOfHandler, map[string]int64{
			"nexmo.requests{error.type=404,http.request.method=POST,http.response.status_code=404,url.template=/v1/conversations/{conversation ID}/members}": 1,
			"nexmo.requests{http.request.method=GET,http.response.status_code=200,url.template=/v1/conversations/{conversation ID}}":                         1,
			"nexmo.requests{http.request.method=GET,http.response.status_code=200,url.template=/v1/conversations/{conversation ID}/members}":                 1,
			"nexmo.request.attempts{http.request.method=POST,url.template=/v1/conversations/{conversation ID}/members}":                                      1,
			"nexmo.request.attempts{http.request.method=GET,url.template=/v1/conversations/{conversation ID}}":                                               2,
			"nexmo.request.attempts{http.request.method=GET,url.template=/v1/conversations/{conversation ID}/members}":                                       1,
		}},
		{"dead letters", deadLetters, map[string]int64{
			"nexmo.dead_letters{nexmo.event.type=text,nexmo.outcome=set_aside,nexmo.via=webhook}":        3,
			"nexmo.dead_letters{nexmo.event.type=text,nexmo.outcome=failed,nexmo.via=webhook}":           1,
			"nexmo.failed{error.type=*errors.errorString,nexmo.event.type=text,nexmo.outcome=set_aside}": 2,
			"nexmo.failed{error.type=*errors.errorString,nexmo.event.type=text,nexmo.outcome=failed}":    2,
			"nexmo.handled": 0,
		}},
		{"refused", refused, map[string]int64{
			"nexmo.received{nexmo.via=webhook}":                                           2,
			"nexmo.refused{http.response.status_code=401,nexmo.refusal.reason=signature}": 1,
			"nexmo.refused{http.response.status_code=400,nexmo.refusal.reason=no_event}":  1,
			"nexmo.handled": 0,
		}},
		{"duplicates", duplicates, map[string]int64{
			"nexmo.duplicates{nexmo.duplicate.forgotten=false,nexmo.event.type=text}": 2,
			"nexmo.handled{nexmo.event.type=conversation:created,nexmo.via=webhook}":  1,
			"nexmo.handled{nexmo.event.type=text,nexmo.via=webhook}":                  1,
		}},
		{"held for another", heldForAnother, map[string]int64{
			"nexmo.hold.duration": 1,
			"nexmo.handled{nexmo.event.type=text,nexmo.via=webhook}": 3,
		}},
		{"session", session, map[string]int64{
			"nexmo.received{nexmo.via=session}":                      1,
			"nexmo.handled{nexmo.event.type=text,nexmo.via=session}": 1,
			"nexmo.sessions": 0,
		}},
		{"load", load, map[string]int64{"nexmo.load.duration": 1}},
		{"requests fail", requestsFail, map[string]int64{
			"nexmo.load.duration{error.type=500}":  1,
			"nexmo.fetch.duration{error.type=500}": 1,
		}},
		{"evicted", evicted, map[string]int64{"nexmo.conversations": 1}},
		{"redelivered", redelivered, map[string]int64{
			"nexmo.failed{error.type=*errors.errorString,nexmo.event.type=custom:*,nexmo.outcome=failed}": 1,
			"nexmo.handled{nexmo.event.type=custom:*,nexmo.via=deliver}":                                  1,
		}},
	}
}
