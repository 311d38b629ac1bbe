package nexmotest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// inbox is a webhook that verifies what it is sent, and answers as it is told.
type inbox struct {
	t        *testing.T
	verifier *nexmo.Verifier
	answer   func(e *nexmo.Event) int // 204 if nil

	mu      sync.Mutex
	began   time.Time
	events  []*nexmo.Event
	refused []error
	log     []string // what came when
}

func newInbox(t *testing.T) *inbox { return &inbox{t: t, began: time.Now()} }

// serve starts a server in memory that posts to the inbox.
func (i *inbox) serve(opts ...nexmotest.Option) *nexmotest.Server {
	s := nexmotest.NewServer(i.t, append([]nexmotest.Option{nexmotest.InMemory(), nexmotest.WithEventHandler(i)}, opts...)...)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.verifier = &nexmo.Verifier{Secrets: []string{s.SignatureSecret()}, ApplicationID: s.ApplicationID(), APIKey: "abcd1234"}
	return s
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	_, payload, err := i.verifier.Verify(r)
	i.mu.Unlock()
	status := http.StatusNoContent
	var e *nexmo.Event
	if err == nil {
		e, err = nexmo.ParseEvent(payload)
	}
	switch {
	case err != nil:
		status = http.StatusServiceUnavailable
	case i.answer != nil:
		status = i.answer(e)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	what := "refused"
	if err == nil {
		what = fmt.Sprint(e.Type, " ", e.ID)
		i.events = append(i.events, e)
	} else {
		i.refused = append(i.refused, err)
	}
	i.log = append(i.log, fmt.Sprintf("%v %s %d", time.Since(i.began), what, status))
	w.WriteHeader(status)
}

// logged returns what came so far, and forgets it.
func (i *inbox) logged() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	log := i.log
	i.log = nil
	return log
}

func (i *inbox) wants(what string, want ...string) {
	i.t.Helper()
	if diff := cmp.Diff(want, i.logged()); diff != "" {
		i.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// Every event is posted, signed, with the envelope of webhooks.
func TestWebhooks(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	s := box.serve()
	sc := &scenario{t: t, server: s, names: map[string]string{}, meant: map[string]string{}, counted: map[string]int{}}
	s.CreateUser("alice")
	sc.play(
		step{"", "POST", "/v1/conversations", `{"name":"c","callback":{"params":{"ncco_url":"https://example.com/n"}}}`, 201, ``},
		step{"alice", "POST", "/v1/conversations/CON-1/members", aliceJoins, 201, ``},
		step{"alice", "POST", "/v0.3/conversations/CON-1/events", `{"type":"text:typing:on","body":{"activity":1}}`, 201, ``},
		step{"alice", "POST", "/v1/conversations/CON-1/events", `{"type":"message","to":"MEM-1","body":{"message_type":"text","text":"<>"}}`, 201, ``},
		step{"", "DELETE", "/v1/conversations/CON-1", ``, 204, ``},
	)
	s.Emit("", &nexmo.AppKnocking{User: nexmo.User{ID: "USR-1"}}, nexmotest.From("knocker:1"))
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	const by = `"from":"MEM-1","_embedded":{"from_user":{"id":"USR-1","name":"alice","custom_data":{}},"from_member":{"id":"MEM-1"}},`
	want := map[string]string{
		"conversation:created": `{"application_id":"APPLICATION","type":"conversation:created","timestamp":"TIME","params":{"ncco_url":"https://example.com/n"},
			"body":{"id":"CON-1","name":"c","state":"ACTIVE","timestamp":{"created":"TIME"}}}`,
		"member:joined": `{"application_id":"APPLICATION","type":"member:joined","timestamp":"TIME","params":{"ncco_url":"https://example.com/n"},"conversation_id":"CON-1","id":1,` + by + `
			"body":{"member_id":"MEM-1","cname":"c","conversation":{"conversation_id":"CON-1","name":"c"},"channel":{"type":"app"},"media":` + audioOff + `,
				"user":{"id":"USR-1","user_id":"USR-1","name":"alice","member_id":"MEM-1","media":` + audioOff + `,"properties":{"custom_data":{}}},
				"timestamp":{"joined":"TIME"},"initiator":{"joined":{"isSystem":false,"user_id":"USR-1","member_id":"MEM-1"}}}}`,
		"text:typing:on": `{"application_id":"APPLICATION","type":"text:typing:on","timestamp":"TIME","params":{"ncco_url":"https://example.com/n"},"conversation_id":"CON-1",` + by + `"body":{"activity":1}}`,
		"message": `{"application_id":"APPLICATION","type":"message","timestamp":"TIME","params":{"ncco_url":"https://example.com/n"},"conversation_id":"CON-1","id":2,"to":"MEM-1",` + by + `
			"body":{"message_type":"text","text":"<>"}}`,
		"conversation:deleted": `{"application_id":"APPLICATION","type":"conversation:deleted","timestamp":"TIME","params":{"ncco_url":"https://example.com/n"},
			"body":{"id":"CON-1","name":"c","reason":"api request","timestamp":{"created":"TIME","destroyed":"TIME"}}}`,
		"app:knocking": `{"application_id":"APPLICATION","type":"app:knocking","timestamp":"TIME","from":"knocker:1","body":{"user":{"id":"USR-1"}}}`,
	}
	for _, w := range s.Webhooks() {
		body := sc.name(string(w.Body))
		if diff := cmp.Diff(decode(t, want[string(w.Type)]), decode(t, body)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", w.Type, diff)
		}
		delete(want, string(w.Type))
		if !w.Accepted() || w.Attempt != 1 || w.Err != nil || w.Method != http.MethodPost || w.URL != s.EventURL() || w.Header.Get("Authorization") == "" {
			t.Errorf("%s: %+v", w.Type, w)
		}
	}
	if len(want) > 0 {
		t.Errorf("not posted: %v", want)
	}
	if box.refused != nil {
		t.Errorf("refused: %v", box.refused)
	}
}

// The events of one conversation come in order, each when the one before was
// answered; those of another do not wait for them.
func TestWebhooksAreInOrder(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	held := make(chan struct{})
	box.answer = func(e *nexmo.Event) int {
		if e.Type == "custom:x" && e.ID == 1 { // of the first conversation; the second has none
			<-held
		}
		return http.StatusOK
	}
	s := box.serve()
	first := s.CreateConversation("first")
	second := s.CreateConversation("second")
	const n = 200
	for range n {
		s.Emit(first, &nexmo.Custom{Name: "x"})
	}
	s.Emit(second, &nexmo.Text{Text: "hi"})
	if w := s.ExpectWebhook(nexmo.EventText); w.ConversationID != second || w.EventID != 1 {
		t.Errorf("%v", w)
	}
	close(held)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var ids []nexmo.EventID
	for _, e := range box.events {
		if e.ConversationID == first && e.ID != 0 { // not conversation:created
			ids = append(ids, e.ID)
		}
	}
	for i, id := range ids {
		if int(id) != i+1 {
			t.Fatalf("events came as %v", ids)
		}
	}
	if len(ids) != n {
		t.Errorf("%d events came", len(ids))
	}
}

// What is answered 429 or 5xx is sent again after 5 seconds, then after twice as
// long each time up to 15 minutes, with a new token, for a day.
func TestRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := newInbox(t)
		answers := []int{503, 429, 500, 204}
		box.answer = func(e *nexmo.Event) int {
			if e.Type != nexmo.EventText {
				return http.StatusOK
			}
			box.mu.Lock()
			defer box.mu.Unlock()
			status := answers[0]
			answers = answers[1:]
			return status
		}
		s := box.serve()
		id := s.CreateConversation("")
		s.Emit(id, &nexmo.Text{Text: "again and again"})
		s.Emit(id, &nexmo.Custom{Name: "x"}) // it does not wait
		time.Sleep(time.Hour)
		box.wants("answers", "0s conversation:created 0 200", "0s text 1 503", "0s custom:x 2 200", "5s text 1 429", "15s text 1 500", "35s text 1 204")
		var attempts []string
		tokens := map[string]bool{}
		for _, w := range s.Webhooks() {
			if w.Type == nexmo.EventText {
				attempts = append(attempts, w.String())
				tokens[w.Header.Get("Authorization")] = true
			}
		}
		want := []string{}
		for i, status := range []int{503, 429, 500, 204} {
			want = append(want, fmt.Sprintf("text %s 1, attempt %d: %d", id, i+1, status))
		}
		if diff := cmp.Diff(want, attempts); diff != "" || len(tokens) != 4 {
			t.Errorf("%d tokens; -want +got:\n%s", len(tokens), diff)
		}
	})
}

func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		opts     []nexmotest.Option
		status   int
		attempts int
		last     time.Duration
	}{
		// 5, 10, 20 … 640 seconds, and then every 15 minutes.
		"as documented": {nil, 503, 103, 23*time.Hour + 51*time.Minute + 15*time.Second},
		"as told":       {[]nexmotest.Option{nexmotest.WithRetries(time.Second, 3*time.Second, 10*time.Second)}, 500, 5, 9 * time.Second},
		"not for 4xx":   {nil, 400, 1, 0},
		"not for 3xx":   {nil, 302, 1, 0},
		"nor 206":       {nil, 206, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := newInbox(t)
				box.answer = func(*nexmo.Event) int { return test.status }
				s := box.serve(test.opts...)
				s.Emit("", &nexmo.AppKnocking{})
				began := time.Now()
				time.Sleep(48 * time.Hour)
				all := s.Webhooks()
				if last := all[len(all)-1]; len(all) != test.attempts || last.At.Sub(began) != test.last || last.Accepted() {
					t.Errorf("%d attempts, the last after %v: %v", len(all), last.At.Sub(began), last)
				}
			})
		})
	}
}

// An answer is not waited for much longer than the service waits, and none at
// all is as bad as a 5xx.
func TestWebhookTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var requests atomic.Int32
		s := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithEventHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if requests.Add(1) == 1 {
				<-r.Context().Done()
			}
		})))
		s.Emit("", &nexmo.AppKnocking{})
		time.Sleep(time.Minute)
		all := s.Webhooks()
		if len(all) != 2 || all[0].Err == nil || all[0].Status != 0 || !all[1].Accepted() || all[1].At.Sub(all[0].At) != 10*time.Second {
			t.Errorf("%v", all)
		}
		if text := all[0].String(); !strings.Contains(text, "deadline") {
			t.Errorf("it is shown as %q", text)
		}
	})
}

// A conversation has its events posted to its own address too: those of its
// mask, as a POST or a GET.
func TestCallback(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	s := box.serve()
	got := make(chan string, 100)
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, payload, err := box.verifier.Verify(r)
		if err != nil {
			t.Error(err)
		}
		e, err := nexmo.ParseEvent(payload)
		if err != nil {
			t.Error(err)
			return
		}
		got <- fmt.Sprint(r.Method, " ", r.URL.Path, " ", e.Type, " ", e.ID, " ", string(e.Params))
	}))
	t.Cleanup(own.Close)
	sc := &scenario{t: t, server: s, names: map[string]string{}, meant: map[string]string{}, counted: map[string]int{}}
	sc.play(
		step{"", "POST", "/v1/conversations", `{"callback":{"url":"` + own.URL + `/post","event_mask":"text,audio:*"}}`, 201, ``},
		step{"", "POST", "/v1/conversations", `{"callback":{"url":"` + own.URL + `/get?a=b","method":"GET","params":{"applicationId":"a b"}}}`, 201, ``},
		step{"", "POST", "/v1/conversations", `{"callback":{"url":"://"}}`, 400, ``},
	)
	for _, name := range []string{"CON-1", "CON-2"} {
		s.Emit(sc.real(name), &nexmo.Custom{Name: "x", JSON: `{"é":"<&>"}`})
		s.Emit(sc.real(name), &nexmo.Text{Text: "hi & bye"})
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	close(got)
	var post, get []string
	for line := range got {
		if strings.HasPrefix(line, "POST") {
			post = append(post, line)
		} else {
			get = append(get, line)
		}
	}
	if diff := cmp.Diff([]string{"POST /post text 2 "}, post); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	const params = ` {"applicationId":"a b"}`
	if diff := cmp.Diff([]string{"GET /get conversation:created 0" + params, "GET /get custom:x 1" + params, "GET /get text 2" + params}, get); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if len(box.events) != 6 {
		t.Errorf("the application got %d events", len(box.events))
	}
}

func TestWithoutEventURL(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	s.Emit(s.CreateConversation(""), &nexmo.Text{})
	if err := s.Flush(t.Context()); err != nil || len(s.Webhooks()) > 0 || s.EventURL() != "" {
		t.Errorf("%v, %v, %q", err, s.Webhooks(), s.EventURL())
	}
}

// Webhooks that cannot even be sent are recorded.
func TestUnusableEventURL(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"http://%zz", "nowhere", "http://127.0.0.1:1/"} {
		s := nexmotest.NewServer(t, nexmotest.WithEventURL(address))
		s.Emit("", &nexmo.AppKnocking{})
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if all := s.Webhooks(); len(all) != 1 || all[0].Err == nil || all[0].Accepted() {
			t.Errorf("%s: %v", address, all)
		}
	}
}

func TestFlushIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithEventHandler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})))
		s.Emit("", &nexmo.AppKnocking{})
		ctx, cancel := contextWithTimeout(t, time.Second)
		defer cancel()
		if err := s.Flush(ctx); err == nil {
			t.Error("it is flushed")
		}
		s.Close() // while the webhook is under way
		s.Emit("", &nexmo.AppKnocking{})
		if err := s.Flush(t.Context()); err != nil || len(s.Webhooks()) > 0 {
			t.Errorf("%v, %v", err, s.Webhooks())
		}
	})
}
