package nexmotest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func contextWithTimeout(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// What can go wrong with webhooks: the second of four texts is the victim.
func TestWebhookFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault nexmotest.EventFault
		want  []string
		err   error
	}{
		"drop":      {nexmotest.Drop(), []string{"0s text 1 204", "0s text 3 204", "0s text 4 204"}, nil},
		"duplicate": {nexmotest.Duplicate(), []string{"0s text 1 204", "0s text 2 204", "0s text 2 204", "0s text 3 204", "0s text 4 204"}, nil},
		"delay":     {nexmotest.Delay(time.Minute), []string{"0s text 1 204", "0s text 3 204", "0s text 4 204", "1m0s text 2 204"}, nil},
		"unsigned":  {nexmotest.Unsigned(), []string{"0s text 1 204", "0s refused 503", "0s text 3 204", "0s text 4 204", "5s text 2 204"}, nexmo.ErrWebhookNoToken},
		"truncated": {nexmotest.Truncated(), []string{"0s text 1 204", "0s refused 503", "0s text 3 204", "0s text 4 204", "5s refused 503"}, nil},
		"malformed": {nexmotest.Malformed(), []string{"0s text 1 204", "0s text 2 204", "0s text 3 204", "0s text 4 204"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				box := newInbox(t)
				s := box.serve()
				id := s.CreateConversation("")
				s.Emit(id, &nexmo.Text{Text: "one"})
				synctest.Wait()
				box.logged()
				// Faults of other types, and those that are over, do not count.
				s.Faults().Webhooks(nexmotest.Drop(), 1, "custom:*", nexmo.EventImage)
				s.Faults().Webhooks(test.fault, 1, nexmo.EventText)
				for _, text := range []string{"two", "three", "four"} {
					s.Emit(id, &nexmo.Text{Text: text})
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				got := append([]string{"0s text 1 204"}, box.logged()...)
				if len(got) > 5 && name == "truncated" {
					got = got[:5]
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if test.err != nil && !errors.Is(box.refused[0], test.err) {
					t.Errorf("it was refused with %v", box.refused)
				}
				if name == "malformed" {
					if b, ok := box.events[2].Body.(*nexmo.RawBody); !ok || b.Err == nil || box.events[2].ID != 2 {
						t.Errorf("the body is %#v", box.events[2].Body)
					}
				}
			})
		})
	}
}

// What is reordered is sent at once and in the opposite order, and is not waited
// for in between: the last may hold its answer back until the first has come.
func TestReorder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := newInbox(t)
		firstHasCome := make(chan struct{})
		box.answer = func(e *nexmo.Event) int {
			switch e.ID {
			case 1:
				close(firstHasCome)
			case 2, 3:
				<-firstHasCome
			}
			return http.StatusNoContent
		}
		s := box.serve()
		s.Faults().Webhooks(nexmotest.Reorder(3), 1, nexmo.EventText)
		id := s.CreateConversation("")
		s.Emit(id, &nexmo.Text{})
		s.Emit(id, &nexmo.Text{})
		synctest.Wait()
		box.wants("while two are held back", "0s conversation:created 0 204")
		s.Emit(id, &nexmo.Text{})
		s.Emit(id, &nexmo.Text{})
		synctest.Wait()
		got := box.logged()
		slices.Sort(got[:3])
		if diff := cmp.Diff([]string{"0s text 1 204", "0s text 2 204", "0s text 3 204", "0s text 4 204"}, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// Events of different conversations are not held back for each other.
func TestReorderByConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := newInbox(t)
		s := box.serve()
		a, b := s.CreateConversation(""), s.CreateConversation("")
		if err := s.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		box.logged()
		s.Faults().Webhooks(nexmotest.Reorder(2), 1, nexmo.EventText)
		s.Emit(a, &nexmo.Text{})
		s.Emit(b, &nexmo.Text{})
		synctest.Wait()
		box.wants("one is held back", "0s text 1 204")
		s.Emit(b, &nexmo.Text{})
		synctest.Wait()
		box.wants("in order", "0s text 2 204")
		s.Emit(a, &nexmo.Text{})
		synctest.Wait()
		got := box.logged()
		slices.Sort(got)
		if diff := cmp.Diff([]string{"0s text 1 204", "0s text 2 204"}, got); diff != "" {
			t.Errorf("both at once (-want +got):\n%s", diff)
		}
	})
}

// A call that is played can have a hole.
func TestCallSkipsIDs(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	whole := s.Call(nexmotest.Call{Digits: "1"})
	call := s.Call(nexmotest.Call{Digits: "1", SkipIDs: 3})
	if call.LastEventID != whole.LastEventID+3 {
		t.Errorf("the last event is %d, want %d", call.LastEventID, whole.LastEventID+3)
	}
	prev := nexmo.EventID(0)
	var holes []nexmo.EventID
	for e, err := range s.EventsAfter(t.Context(), call.ConversationID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		for id := prev + 1; id < e.ID; id++ {
			holes = append(holes, id)
		}
		prev = e.ID
	}
	if len(holes) != 3 {
		t.Errorf("left out are %v", holes)
	}
}

// Clear takes all faults back, and sends what is held back.
func TestClear(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := newInbox(t)
		s := box.serve()
		s.Faults().Webhooks(nexmotest.Drop(), 0, nexmo.EventImage)
		s.Faults().Webhooks(nexmotest.Reorder(10), 1, nexmo.EventText)
		s.Faults().Requests(nexmotest.InternalError(), 0)
		id := s.CreateConversation("")
		for range 3 {
			s.Emit(id, &nexmo.Image{})
			s.Emit(id, &nexmo.Text{})
		}
		synctest.Wait()
		box.wants("at first", "0s conversation:created 0 204")
		s.Faults().Clear()
		synctest.Wait()
		if got := box.logged(); len(got) != 3 {
			t.Errorf("what was held back: %v", got)
		}
		s.Emit(id, &nexmo.Image{})
		synctest.Wait()
		box.wants("afterwards", "0s image 7 204")
		if status := get(t, s, "/v1/conversations/"+id); status != http.StatusOK {
			t.Errorf("a request: %d", status)
		}
	})
}

func TestRotateSecret(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		box := newInbox(t)
		s := box.serve(nexmotest.WithSignatureSecret("first"))
		if s.SignatureSecret() != "first" {
			t.Errorf("the secret is %q", s.SignatureSecret())
		}
		second := s.Faults().RotateSecret()
		if second == "first" || s.SignatureSecret() != second {
			t.Errorf("the secret is %q, was %q", s.SignatureSecret(), second)
		}
		s.Emit("", &nexmo.AppKnocking{})
		synctest.Wait()
		box.wants("with the old secret", "0s refused 503")
		if !errors.Is(box.refused[0], nexmo.ErrWebhookSignature) {
			t.Error(box.refused)
		}
		box.mu.Lock()
		box.verifier.Secrets = []string{second, "first"}
		box.mu.Unlock()
		time.Sleep(time.Minute)
		box.wants("with both", "5s app:knocking 0 204")
	})
}

func TestSkipIDs(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	id := s.CreateConversation("")
	got := []nexmo.EventID{s.Emit(id, &nexmo.Text{})}
	s.Faults().SkipIDs(id, 2)
	s.Faults().SkipIDs(id, 1)
	got = append(got, s.Emit(id, &nexmo.TextTypingOn{}), s.Emit(id, &nexmo.Text{}), s.Emit(id, &nexmo.Text{}))
	if diff := cmp.Diff([]nexmo.EventID{1, 0, 5, 6}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	ids, _ := getEvents(t, s, "/v1/conversations/"+id+"/events")
	if diff := cmp.Diff([]int{1, 5, 6}, ids); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// get makes a request and returns the status of the answer.
func get(t *testing.T, s *nexmotest.Server, path string) int {
	t.Helper()
	a, err := request(t, s, http.MethodGet, path, "")
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode
}

func request(t *testing.T, s *nexmotest.Server, method, path, body string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token())
	return s.HTTPClient().Do(r)
}

func TestRequestFaults(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	const limited = `{"title":"Too many requests.","type":"https://developer.vonage.com/api-errors#rate-limit","detail":"You have exceeded the rate limit.","instance":"TRACE"}`
	s.server.Faults().Requests(nexmotest.TooManyRequests(1500*time.Millisecond), 1, "GET /v1/conversations")
	s.server.Faults().Requests(nexmotest.TooManyRequests(0), 1, "GET /beta2/users/*/conversations")
	s.server.Faults().Requests(nexmotest.InternalError(), 2, "GET /v1/users", "POST /v1/conversations")
	s.play(
		step{"", "GET", "/v1/users/x", ``, 404, ``},
		step{"", "GET", "/v1/users", ``, 500, problem(500, "system:error:internal-error", "Something went wrong.")},
		step{"", "POST", "/v1/conversations", `{"name":"c"}`, 500, ``},
		step{"", "POST", "/v1/conversations", `{"name":"c"}`, 201, ``}, // it was not made before
		step{"", "GET", "/beta2/users/x/conversations", ``, 429, `{"code":"rate-limit","description":"You have exceeded the rate limit."}`},
	)
	a, body := s.do(step{method: "GET", path: "/v1/conversations?page_size=1"})
	if diff := cmp.Diff(decode(t, limited), decode(t, body)); diff != "" || a.StatusCode != 429 || a.Header.Get("Retry-After") != "2" {
		t.Errorf("%d %v -want +got:\n%s", a.StatusCode, a.Header, diff)
	}
	s.play(step{"", "GET", "/v1/conversations", ``, 200, ``})
}

// A connection is cut after the request was handled.
func TestCutConnection(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	id := s.CreateConversation("")
	s.Faults().Requests(nexmotest.CutConnection(), 2)
	a, err := request(t, s, http.MethodPost, "/v1/conversations", `{"name":"made"}`)
	if err == nil {
		_, err = io.ReadAll(a.Body)
		_ = a.Body.Close()
	}
	if err == nil {
		t.Error("the answer came")
	}
	if a, err := request(t, s, http.MethodDelete, "/v1/conversations/"+id, ""); err == nil {
		_ = a.Body.Close()
		t.Error("the answer without a body came")
	}
	if a, b := get(t, s, "/v1/conversations/"+id), get(t, s, "/v0.3/conversations/made"); a != http.StatusNotFound || b != http.StatusOK {
		t.Errorf("what was deleted: %d, what was made: %d", a, b)
	}
	var statuses []int
	for _, r := range s.Requests() {
		statuses = append(statuses, r.Status)
	}
	if diff := cmp.Diff([]int{0, 0, 404, 200}, statuses); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := nexmotest.NewServer(t, nexmotest.InMemory())
		s.CreateUser("alice")
		s.Faults().Requests(nexmotest.SlowBody(time.Second), 0)
		began := time.Now()
		a, err := request(t, s, http.MethodGet, "/v1/users/alice", "")
		if err != nil {
			t.Fatal(err)
		}
		headers := time.Since(began)
		body, err := io.ReadAll(a.Body)
		_ = a.Body.Close()
		if err != nil || !strings.Contains(string(body), `"alice"`) {
			t.Errorf("%q, %v", body, err)
		}
		if whole := time.Since(began); headers != 0 || whole < 9*time.Second || whole > 10*time.Second {
			t.Errorf("it took %v and %v", headers, whole)
		}

		// It ends with its server.
		a, err = request(t, s, http.MethodGet, "/v1/users/alice", "")
		if err != nil {
			t.Fatal(err)
		}
		s.Close()
		if _, err := io.ReadAll(a.Body); err == nil {
			t.Error("the answer came")
		}
		_ = a.Body.Close()
	})
}

func ExampleFaults() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	server := nexmotest.NewServer(nil, nexmotest.WithEventHandler(handler))
	defer server.Close()
	server.Faults().Webhooks(nexmotest.Duplicate(), 1, nexmo.EventText)

	conversation := server.CreateConversation("support")
	server.Emit(conversation, &nexmo.Text{Text: "hello"})
	if err := server.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, w := range server.Webhooks() {
		fmt.Println(w.Type, w.EventID, w.Status)
	}
	// Output:
	// conversation:created 0 204
	// text 1 204
	// text 1 204
}
