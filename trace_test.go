package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// tally is a Trace that counts the calls of each of its functions.
type tally struct {
	mu    sync.Mutex
	calls map[string]int
}

// trace returns a Trace whose functions are all set. Those that begin something return a ctx
// with the name of the function, which those that end it must be given.
func (c *tally) trace(t testing.TB) *nexmo.Trace {
	c.calls = map[string]int{}
	trace := new(nexmo.Trace)
	v := reflect.ValueOf(trace).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		v.Field(i).Set(reflect.MakeFunc(v.Field(i).Type(), func(args []reflect.Value) []reflect.Value {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.calls[name]++
			ctx := args[0].Interface().(context.Context)
			if of, ok := strings.CutSuffix(name, "Begin"); ok {
				return []reflect.Value{reflect.ValueOf(context.WithValue(ctx, contextKey(of), name))}
			}
			if of, ok := strings.CutSuffix(name, "End"); ok && ctx.Value(contextKey(of)) == nil {
				t.Errorf("%s is not given the ctx of %sBegin", name, of)
			}
			return nil
		}))
	}
	return trace
}

// Every function of a Trace is called, by what happens between a service and a program.
func TestTraceSeesEveryStep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var count tally
		trace := count.trace(t)
		var webhook http.Handler
		server := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithEventHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			webhook.ServeHTTP(w, r)
		})))
		client := server.Client(nexmo.WithTrace(trace))
		app := nexmo.NewApplication(server.ApplicationID(), nexmo.WithClient(client), nexmo.WithTrace(trace), nexmo.WithMaxConversations(1))
		webhook = &nexmo.WebhookHandler{
			Verifier: &nexmo.Verifier{Secrets: []string{server.SignatureSecret()}}, Sink: app, Trace: trace,
		}
		app.On("custom:poison", func(context.Context, *nexmo.Event) error { return nexmo.Permanent(errBoom) })
		app.On("custom:ask", func(ctx context.Context, e *nexmo.Event) error {
			_, err := client.ConversationInfo(ctx, e.ConversationID)
			return err
		})
		faults := server.Faults()
		faults.Webhooks(nexmotest.Drop(), 1, "conversation:created", "custom:lost")
		faults.Webhooks(nexmotest.Duplicate(), 0, "custom:doubled")
		faults.Webhooks(nexmotest.Drop(), 1, "custom:lost")

		first := server.CreateConversation("first")
		server.Join(first, "alice")
		session := dial(t, server, userTokens(t, server, "alice", 0), nexmo.WithTrace(trace))
		running(t, session, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil }))
		for _, name := range []string{"doubled", "ask", "poison", "lost"} {
			server.Emit(first, &nexmo.Custom{Name: name})
		}
		faults.SkipIDs(first, 1)
		server.Emit(first, &nexmo.Custom{Name: "behind"})
		checkError(t, server.Flush(t.Context()), nil)
		server.CreateConversation("second")
		checkError(t, server.Flush(t.Context()), nil)
		webhook.ServeHTTP(httptest.NewRecorder(), nexmotest.SignedRequest("a guess", []byte(`{"type":"text"}`)))
		checkError(t, session.Close(), nil)

		for f := range reflect.TypeFor[nexmo.Trace]().Fields() {
			if count.calls[f.Name] == 0 {
				t.Errorf("%s was not called", f.Name)
			}
		}
		for name, n := range count.calls {
			if of, ok := strings.CutSuffix(name, "Begin"); ok && count.calls[of+"End"] != n {
				t.Errorf("%s was called %d times, and %sEnd %d times", name, n, of, count.calls[of+"End"])
			}
		}
	})
}

// JoinTraces, and WithTrace twice, call the functions of all; a Begin receives the ctx of the
// one before, and one that panics costs nothing of the others.
func TestJoinTraces(t *testing.T) {
	t.Parallel()
	if got := nexmo.JoinTraces(nil, nil); got != nil {
		t.Errorf("JoinTraces of nothing is %v", got)
	}
	one := new(nexmo.Trace)
	if got := nexmo.JoinTraces(nil, one, nil); got != one {
		t.Error("JoinTraces of one is another one")
	}
	var a, b, c tally
	joined := reflect.ValueOf(nexmo.JoinTraces(a.trace(t), new(nexmo.Trace), b.trace(t), c.trace(t))).Elem()
	for i := range joined.NumField() {
		fn := joined.Field(i)
		name := joined.Type().Field(i).Name
		args := []reflect.Value{reflect.ValueOf(context.WithValue(t.Context(), contextKey(strings.TrimSuffix(name, "End")), ""))}
		for n := 1; n < fn.Type().NumIn(); n++ {
			args = append(args, reflect.Zero(fn.Type().In(n)))
		}
		fn.Call(args)
	}
	want := map[string]int{}
	for i := range joined.NumField() {
		want[joined.Type().Field(i).Name] = 1
	}
	for _, got := range []map[string]int{a.calls, b.calls, c.calls} {
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("WithTrace(nil) does not panic")
			}
		}()
		nexmo.WithTrace(nil)
	}()
}

// A function of a Trace that panics is logged, and costs neither the event nor the functions of
// other Traces, whose ctx it does not touch.
func TestTracePanicsCostNothing(t *testing.T) {
	t.Parallel()
	logged := new(logbook)
	var got []string
	broken := new(nexmo.Trace)
	for _, f := range reflect.ValueOf(broken).Elem().Fields() {
		f.Set(reflect.MakeFunc(f.Type(), func([]reflect.Value) []reflect.Value { panic("a trace that is broken") }))
	}
	ours := &nexmo.Trace{
		HandlerBegin: func(ctx context.Context, _ nexmo.HandlerTrace) context.Context {
			return context.WithValue(ctx, contextKey("ours"), "ours")
		},
		HandlerEnd: func(ctx context.Context, h nexmo.HandlerTrace, err error) {
			got = append(got, fmt.Sprint(ctx.Value(contextKey("ours")), " ", h.EventID, " ", err))
		},
	}
	c := nexmo.NewConversation(conA, nexmo.WithTrace(broken), nexmo.WithTrace(ours), nexmo.WithTrace(broken), nexmo.WithLogger(slog.New(logged)))
	var in []any
	c.On(nexmo.EventAny, func(ctx context.Context, _ *nexmo.Event) error {
		in = append(in, ctx.Value(contextKey("ours")))
		return errBoom
	})
	checkError(t, c.Deliver(t.Context(), numbered(1)), errBoom)
	if diff := cmp.Diff([]string{"ours 1 boom"}, got); diff != "" {
		t.Errorf("HandlerEnd (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"ours"}, in); diff != "" {
		t.Errorf("the ctx of the handler (-want +got):\n%s", diff)
	}
	if n := logged.count(slog.LevelError); n < 4 {
		t.Errorf("%d panics were logged, want one for each of the 4 functions: %q", n, logged.entries)
	}
}

func handleText(context.Context, *nexmo.Event, *nexmo.Text) error { return errBoom }

func handleAny(context.Context, *nexmo.Event) error { panic(errBoom) }

// HandlerTrace names the function that the program gave, what it was registered for and how it
// ended; HandleTrace what Deliver returns, and whether the event is handled again.
func TestTraceNamesHandlers(t *testing.T) {
	t.Parallel()
	var got []string
	trace := &nexmo.Trace{
		HandlerEnd: func(_ context.Context, h nexmo.HandlerTrace, err error) {
			_, name, _ := strings.Cut(h.Handler, "nexmo_test.")
			got = append(got, fmt.Sprintf("%s for %s of %s %d: %v", name, h.Pattern, h.ConversationID, h.EventID, err))
		},
		HandleEnd: func(_ context.Context, h nexmo.HandleTrace, err error) {
			got = append(got, fmt.Sprintf("%s %d via %s, again %t, redelivered %t: %v", h.EventType, h.EventID, h.Via, h.Again, h.Redelivered, err != nil))
		},
	}
	app := nexmo.NewApplication("", nexmo.WithTrace(trace))
	nexmo.On(app, handleText)
	app.Conversation(conA).On(nexmo.EventAny, handleAny)
	checkError(t, nexmo.Replay(t.Context(), app, stored(1), conA, 0), errBoom)
	checkError(t, app.Deliver(t.Context(), numbered(1)), errBoom)
	checkError(t, app.Redeliver(t.Context(), numbered(1)), errBoom)
	handlers := []string{"handleText for text of CON-A 1: boom", "handleAny for * of CON-A 1: nexmo: a handler panicked: boom"}
	want := slices.Concat(handlers, []string{"text 1 via replay, again false, redelivered false: true"},
		handlers, []string{"text 1 via deliver, again true, redelivered false: true"},
		handlers, []string{"text 1 via deliver, again false, redelivered true: true"})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("traced (-want +got):\n%s", diff)
	}
}

// A request names the event whose handler makes it.
func TestTraceNamesTheEventOfARequest(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t, nexmotest.InMemory())
	id := server.CreateConversation("")
	var got []string
	trace := &nexmo.Trace{RequestEnd: func(_ context.Context, r nexmo.RequestTrace, err error) {
		got = append(got, fmt.Sprintf("%s %s %s %d after %d for %s %d: %t", r.Operation, r.Method, r.Route, r.Status, r.Attempts, r.EventType, r.EventID, err == nil))
	}}
	client := server.Client(nexmo.WithTrace(trace), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: 1}))
	c := nexmo.NewConversation(id, nexmo.WithTrace(trace), nexmo.WithClient(client))
	c.On(nexmo.EventAny, func(ctx context.Context, _ *nexmo.Event) error {
		_, err := client.ConversationInfo(ctx, id)
		return err
	})
	server.Faults().Requests(nexmotest.InternalError(), 1, "GET /v1/conversations/*")
	checkError(t, c.Deliver(t.Context(), numberedIn(id, 1)), nil)
	if _, err := client.ConversationInfo(t.Context(), "CON-none"); !errors.Is(err, nexmo.ErrNotFound) {
		t.Errorf("ConversationInfo: %v", err)
	}
	want := []string{
		"get conversation GET /v1/conversations/{conversation ID} 200 after 2 for text 1: true",
		"get conversation GET /v1/conversations/{conversation ID} 404 after 1 for  0: false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

// An event that has to wait is Held, with what is missing, and Released when its turn has come.
func TestTraceOfWhatIsHeld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		trace := &nexmo.Trace{
			Held:      func(_ context.Context, h nexmo.HeldTrace) { j.add("held %d behind %d-%d", h.EventID, h.From, h.To) },
			Released:  func(_ context.Context, r nexmo.ReleasedTrace) { j.add("released %d after %v", r.EventID, r.Waited) },
			Gap:       func(_ context.Context, g nexmo.GapTrace) { j.add("missing %d-%d", g.From, g.To) },
			HandleEnd: func(_ context.Context, h nexmo.HandleTrace, _ error) { j.add("handled %d", h.EventID) },
			Duplicate: func(_ context.Context, d nexmo.DuplicateTrace) { j.add("duplicate %d", d.EventID) },
		}
		c := nexmo.NewConversation(conA, nexmo.WithTrace(trace), nexmo.WithStart(1))
		release := make(chan struct{})
		c.On(nexmo.EventTextTypingOn, func(context.Context, *nexmo.Event) error { <-release; return nil })
		mustDeliver(t, c, 1, 1)
		elapsed(t, 2e9, func() { mustDeliver(t, c, 4) })
		j.is(t, "handled 1", "duplicate 1", "held 4 behind 2-3", "missing 2-3", "released 4 after 2s", "handled 4")
		j.entries = nil
		busy := beginDeliver(t.Context(), c, typingBy("x"))
		synctest.Wait()
		five := beginDeliver(t.Context(), c, numbered(5))
		five.waits(t)
		close(release)
		busy.returns(t, nil)
		five.returns(t, nil)
		j.is(t, "held 5 behind 0-0", "handled 0", "released 5 after 0s", "handled 5")
	})
}
