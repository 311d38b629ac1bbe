package nexmotest_test

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestServerListens(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	own := nexmotest.NewServer(t, nexmotest.WithListener(l), nexmotest.WithApplicationID("app"))
	if own.URL() != "http://"+l.Addr().String() || own.WebsocketURL() != "ws://"+l.Addr().String() || own.ApplicationID() != "app" {
		t.Errorf("%s, %s, %s", own.URL(), own.WebsocketURL(), own.ApplicationID())
	}
	other := nexmotest.NewServer(t)
	if other.ApplicationID() == own.ApplicationID() || other.SignatureSecret() == own.SignatureSecret() {
		t.Error("two servers are the same application")
	}
	memory := nexmotest.NewServer(t, nexmotest.InMemory())
	for _, s := range []*nexmotest.Server{own, other, memory} {
		u, err := url.Parse(s.URL())
		if err != nil || u.Path != "" {
			t.Errorf("%q, %v", s.URL(), err)
		}
		if status := get(t, s, "/v1/users"); status != http.StatusOK {
			t.Errorf("%s: %d", s.URL(), status)
		}
	}
	// One in memory is not reached by others.
	if a, err := own.HTTPClient().Get(memory.URL()); err == nil { //nolint:noctx // it goes nowhere
		_ = a.Body.Close()
		t.Errorf("%s answered %d", memory.URL(), a.StatusCode)
	}
}

func TestClose(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(nil)
	id := s.CreateConversation("")
	if status := get(t, s, "/v1/conversations/"+id); status != http.StatusOK {
		t.Fatal(status)
	}
	s.Close()
	s.Close()
	if a, err := request(t, s, http.MethodGet, "/v1/users", ""); err == nil {
		_ = a.Body.Close()
		t.Error("it answers")
	}
	if len(s.Requests()) != 1 {
		t.Errorf("%v", s.Requests())
	}
	s.Emit(id, &nexmo.Text{}) // its state is still there
}

// judge is a test that a server fails.
type judge struct {
	cleanup []func()
	failed  string
}

func (*judge) Helper()             {}
func (j *judge) Cleanup(fn func()) { j.cleanup = append(j.cleanup, fn) }
func (j *judge) Fatalf(format string, args ...any) {
	j.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// failing runs fn, in which a server should fail its test, and returns how.
func failing(fn func(*judge)) string {
	j := &judge{}
	var done sync.WaitGroup
	done.Go(func() { fn(j) })
	done.Wait()
	for _, fn := range j.cleanup {
		fn()
	}
	return j.failed
}

// What Emit and its like cannot do fails the test, or panics without one.
func TestScriptsFail(t *testing.T) {
	t.Parallel()
	for want, fn := range map[string]func(*nexmotest.Server){
		"Emit: text: conversation:error:not-found":        func(s *nexmotest.Server) { s.Emit("CON-9", &nexmo.Text{}) },
		"Emit: text: conversation:error:member-not-found": func(s *nexmotest.Server) { s.Emit(s.CreateConversation(""), &nexmo.Text{}, nexmotest.From("MEM-9")) },
		"Emit: text:seen: event:error:not-found": func(s *nexmotest.Server) {
			s.Emit(s.CreateConversation(""), &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 4}})
		},
		"Emit: the body of custom:x":         func(s *nexmotest.Server) { s.Emit("", &nexmo.Custom{Name: "x", JSON: "{"}) },
		"Join: conversation:error:not-found": func(s *nexmotest.Server) { s.Join("CON-9", "alice") },
		"Invite: conversation:error:member-already-invited": func(s *nexmotest.Server) {
			id := s.CreateConversation("")
			s.Invite(id, "alice")
			s.Invite(id, "alice")
		},
		"Leave: conversation:error:not-found":                              func(s *nexmotest.Server) { s.Leave("CON-9", "MEM-9") },
		"Leave: conversation:error:member-not-found":                       func(s *nexmotest.Server) { s.Leave(s.CreateConversation(""), "MEM-9") },
		"CreateUser: user:error:invalid-user-name":                         func(s *nexmotest.Server) { s.CreateUser("me") },
		"CreateConversation: conversation:error:duplicate-name":            func(s *nexmotest.Server) { s.CreateConversation("a"); s.CreateConversation("a") },
		`SkipIDs: there is no conversation "CON-9"`:                        func(s *nexmotest.Server) { s.Faults().SkipIDs("CON-9", 1) },
		"Call: user:error:invalid-user-name":                               func(s *nexmotest.Server) { s.Call(nexmotest.Call{Agent: "me"}) },
		"ExpectWebhook(text): none was accepted within 1ns; none was sent": func(s *nexmotest.Server) { s.ExpectWebhook("text") },
	} {
		got := failing(func(j *judge) { fn(nexmotest.NewServer(j, nexmotest.WithPatience(1))) })
		if !strings.HasPrefix(got, "nexmotest: "+want) {
			t.Errorf("it fails with %q, want %q", got, want)
		}
		func() {
			s := nexmotest.NewServer(nil, nexmotest.WithPatience(1))
			defer s.Close()
			defer func() {
				if v := recover(); v != got {
					t.Errorf("without a test: %v, want a panic with %q", v, got)
				}
			}()
			fn(s)
		}()
	}
}

func TestExpect(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	box.answer = func(e *nexmo.Event) int {
		if e.Type == nexmo.EventImage {
			return http.StatusTeapot
		}
		return http.StatusOK
	}
	s := box.serve()
	id := s.CreateConversation("")
	s.Emit(id, &nexmo.Text{})
	s.Emit(id, &nexmo.Text{})
	// Each is expected once, and patterns are taken.
	got := []nexmo.EventID{s.ExpectWebhook(nexmo.EventText).EventID, s.ExpectWebhook("text:*").EventID}
	if diff := cmp.Diff([]nexmo.EventID{1, 2}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if w := s.ExpectWebhook("conversation:*"); w.Type != nexmo.EventConversationCreated {
		t.Errorf("%v", w)
	}
	// It waits for what comes later.
	var later sync.WaitGroup
	later.Go(func() {
		s.Emit(id, &nexmo.Custom{Name: "later"})
		get(t, s, "/v1/users")
	})
	s.ExpectWebhook("custom:later")
	if r := s.ExpectRequest("GET /v1/users"); r.Status != http.StatusOK || r.User != "" {
		t.Errorf("%v", r)
	}
	later.Wait()
}

// A test that expects in vain is told what there was instead.
func TestExpectFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got := failing(func(j *judge) {
			s := nexmotest.NewServer(j, nexmotest.InMemory(), nexmotest.WithEventHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusTeapot)
			})))
			for range 25 {
				s.Emit("", &nexmo.AppKnocking{})
			}
			s.ExpectWebhook(nexmo.EventAppKnocking)
		})
		want := "nexmotest: ExpectWebhook(app:knocking): none was accepted within 10s; 25 were sent:\n\t… 5 earlier ones" +
			strings.Repeat("\n\tapp:knocking, attempt 1: 418", 20)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		got = failing(func(j *judge) {
			s := nexmotest.NewServer(j, nexmotest.InMemory())
			get(t, s, "/v1/users")
			s.ExpectRequest("GET /v1/users/*")
		})
		if want := "nexmotest: ExpectRequest(GET /v1/users/*): none came within 10s; 1 came:\n\tGET /v1/users: 200"; got != want {
			t.Errorf("it fails with %q, want %q", got, want)
		}
	})
}

func TestRecordsAreBounded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		opts        []nexmotest.Option
		n           int
		first, last int
	}{
		"by default": {nil, 1<<16 + 1, 1 << 15, 1 << 16},
		"to a few":   {[]nexmotest.Option{nexmotest.WithRecords(3)}, 6, 4, 5},
		"to one":     {[]nexmotest.Option{nexmotest.WithRecords(0)}, 3, 2, 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := nexmotest.NewServer(t, tt.opts...)
			s.Record(tt.n)
			got := s.Requests()
			if len(got) != tt.last-tt.first+1 || got[0].Status != tt.first || got[len(got)-1].Status != tt.last {
				t.Errorf("%d requests, %v", len(got), got[:min(len(got), 9)])
			}
		})
	}
}

// What is over is not kept: a server may run for long.
func TestNothingPilesUp(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithEventHandler(http.NotFoundHandler()))
	for range 3 {
		s.Faults().Requests(nexmotest.InternalError(), 1)
		if status := get(t, s, "/v1/users"); status != http.StatusInternalServerError {
			t.Fatalf("the status is %d", status)
		}
		s.Faults().Webhooks(nexmotest.Drop(), 2)
		if err := s.Client().DeleteConversation(t.Context(), s.CreateConversation("")); err != nil {
			t.Fatal(err)
		}
	}
	if rules, conversations := s.Kept(); rules != 0 || conversations != 0 {
		t.Errorf("%d faults and %d conversations are kept", rules, conversations)
	}
}

// What is logged is what happened, and nothing that anybody said.
func TestLogger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		s := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithEventHandler(http.NotFoundHandler()),
			nexmotest.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.TimeKey {
					return slog.Attr{}
				}
				return a
			}}))))
		s.Emit("", &nexmo.Custom{Name: "x", JSON: `{"private":1}`})
		synctest.Wait()
		address := "http://user:private@webhook.nexmotest.invalid/own?key=private"
		if _, err := s.Client().CreateConversation(t.Context(), nexmo.ConversationParams{Callback: &nexmo.Callback{URL: address, EventMask: "conversation:created"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		get(t, s, "/v1/users")
		s.Close()
		want := `level=INFO msg="nexmotest: request" method=GET path=/v1/users user="" status=200
level=INFO msg="nexmotest: request" method=POST path=/v1/conversations user="" status=201
level=INFO msg="nexmotest: webhook" event_type=conversation:created conversation_id="" event_id=0 url=http://webhook.nexmotest.invalid/ attempt=1 status=404
level=INFO msg="nexmotest: webhook" event_type=conversation:created conversation_id="" event_id=0 url=http://webhook.nexmotest.invalid/own attempt=1 status=404
level=INFO msg="nexmotest: webhook" event_type=custom:x conversation_id="" event_id=0 url=http://webhook.nexmotest.invalid/ attempt=1 status=404`
		got := slices.Sorted(strings.Lines(log.String())) // what follows a request does not wait for its answer
		if diff := cmp.Diff(want, strings.TrimSpace(strings.Join(got, ""))); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// Users see what happens where they have joined, and what is about them.
func TestAudience(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	var seen []nexmotest.Seen
	s.Watch(func(e nexmotest.Seen) { seen = append(seen, e) })
	names := map[string]string{}
	for _, name := range []string{"alice", "bob"} {
		names[s.CreateUser(name)] = name
	}
	id := s.CreateConversation("")
	alice := s.Join(id, "alice")
	s.Invite(id, "bob")
	s.Emit(id, &nexmo.Text{}, nexmotest.From(alice))
	bob := s.Join(id, "bob")
	s.Emit(id, &nexmo.TextTypingOn{}, nexmotest.From(bob))
	s.Emit(id, &nexmo.Ephemeral{}, nexmotest.From(bob))
	s.Leave(id, alice)
	s.Emit(id, &nexmo.Text{}, nexmotest.From(bob))
	s.Emit("", &nexmo.AppKnocking{}, nexmotest.From("knocker:1"))

	var got []string
	for _, e := range seen {
		for i, id := range e.Audience {
			e.Audience[i] = names[id]
		}
		slices.Sort(e.Audience)
		got = append(got, fmt.Sprint(e.Type, " ", e.ID, " ", e.Audience))
	}
	want := []string{
		"conversation:created 0 []",
		"member:joined 1 [alice]",
		"member:invited 2 [alice bob]",
		"text 3 [alice]",
		"member:joined 4 [alice bob]",
		"text:typing:on 0 [alice bob]",
		"ephemeral 0 [alice bob]",
		"member:left 5 [alice bob]",
		"text 6 [bob]",
		"app:knocking 0 []",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Servers leave nothing behind.
func TestThousandServers(t *testing.T) { //nolint:paralleltest // it counts goroutines
	before := runtime.NumGoroutine()
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	for i := range 1000 {
		opts := []nexmotest.Option{nexmotest.WithEventHandler(handler)}
		if i%2 == 0 {
			opts = append(opts, nexmotest.InMemory())
		}
		s := nexmotest.NewServer(nil, opts...)
		s.Faults().Webhooks(nexmotest.Delay(1<<62), 1, nexmo.EventText)
		id := s.CreateConversation("") // its webhook will be sent again
		s.Emit(id, &nexmo.Text{})
		if i%10 == 0 {
			if err := s.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if status := get(t, s, "/v1/conversations/"+id); status != http.StatusOK {
				t.Fatal(status)
			}
		}
		s.Close()
	}
	// Some goroutines of net/http are on their way out.
	for i := 0; runtime.NumGoroutine() > before; i++ {
		if i == 1_000_000 {
			stacks := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
		runtime.Gosched()
	}
}

func BenchmarkNewServer(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		nexmotest.NewServer(nil).Close()
	}
}

// A hundred events that are emitted, posted to a WebhookHandler and handled.
func BenchmarkEmit(b *testing.B) {
	const secret = "secret"
	app := nexmo.NewApplication("")
	s := nexmotest.NewServer(b, nexmotest.WithSignatureSecret(secret), nexmotest.WithEventHandler(&nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app,
	}))
	id := s.CreateConversation("")
	const batch = 100
	b.ReportAllocs()
	for b.Loop() {
		for range batch {
			s.Emit(id, &nexmo.Text{Text: "hello"})
		}
		if err := s.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*batch)/b.Elapsed().Seconds(), "events/s")
	if err := app.Close(); err != nil {
		b.Fatal(err)
	}
}

// A nil option, or a nil argument of one, is refused where it is given.
func TestNilIsRefused(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t, nexmotest.InMemory())
	tests := []struct {
		name, want string
		fn         func()
	}{
		{"NewServer", "nexmotest: NewServer: option 2 is nil", func() { nexmotest.NewServer(nil, nexmotest.InMemory(), nil) }},
		{"Client", "nexmotest: Client: option 1 is nil", func() { s.Client(nil) }},
		{"Sign", "nexmotest: Sign: option 1 is nil", func() { nexmotest.Sign("secret", nil, nil) }},
		{"SignedRequest", "nexmotest: SignedRequest: option 2 is nil", func() { nexmotest.SignedRequest("secret", nil, nexmotest.Claim("a", 1), nil) }},
		{"WithListener", "nexmotest: WithListener: the listener is nil", func() { nexmotest.WithListener(nil) }},
		{"WithSessionListener", "nexmotest: WithSessionListener: the listener is nil", func() { nexmotest.WithSessionListener(nil) }},
		{"WithEventHandler", "nexmotest: WithEventHandler: the handler is nil", func() { nexmotest.WithEventHandler(nil) }},
		{"Emit", "nexmotest: Emit: option 1 is nil", func() {
			if got := failing(func(j *judge) { nexmotest.NewServer(j).Emit("", &nexmo.Text{}, nil) }); got != "" {
				panic(got)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if diff := cmp.Diff(any(tt.want), recover()); diff != "" {
					t.Error(diff)
				}
			}()
			tt.fn()
		})
	}
}

// Without a logger nothing is logged, and nothing fails.
func TestNilLogger(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t, nexmotest.WithEventHandler(http.NotFoundHandler()), nexmotest.WithLogger(nil))
	s.CreateConversation("")
	if err := s.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if n := len(s.Webhooks()); n != 1 {
		t.Errorf("%d webhooks were sent, want 1", n)
	}
}
