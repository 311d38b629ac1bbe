package nexmo_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// loadingApp returns an application whose client talks to a service with one
// conversation, CON-1. What is in front of the service decides about each request.
func loadingApp(t *testing.T, front func(*http.Request) error, opts ...nexmo.ApplicationOption) (*nexmo.Application, *liveService) {
	t.Helper()
	service := newLiveService()
	client, err := nexmo.NewClient(anyToken, nexmo.WithBaseURL("http://service.test"), nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}),
		nexmo.WithHTTPClient(&http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
			if err := front(r); err != nil {
				return nil, err
			}
			w := httptest.NewRecorder()
			r = r.Clone(r.Context())
			r.Body = http.NoBody // all of them ask
			service.ServeHTTP(w, r)
			return w.Result(), nil
		})}))
	if err != nil {
		t.Fatal(err)
	}
	app := nexmo.NewApplication("APP-1", append([]nexmo.ApplicationOption{nexmo.WithClient(client)}, opts...)...)
	t.Cleanup(func() { _ = app.Close() })
	return app, service
}

func (s *liveService) loads() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, asked := range s.asked {
		if strings.HasSuffix(asked, "/members") {
			n++
		}
	}
	return n
}

// Whoever delivers while a conversation is loaded waits, and the first event is the
// first to be handled.
func TestApplicationLoads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		app, service := loadingApp(t, func(r *http.Request) error {
			select {
			case <-answer:
				return nil
			case <-r.Context().Done():
				return r.Context().Err()
			}
		})
		var names []string
		var ids []nexmo.EventID
		app.OnConversation(func(c *nexmo.Conversation) {
			c.On("text", func(_ context.Context, e *nexmo.Event) error {
				m, _ := c.Member(e.From)
				names, ids = append(names, m.UserName), append(ids, e.ID)
				return nil
			})
		})
		var all sync.WaitGroup
		for id := range 5 {
			all.Go(func() { tell(t, app, textIn("CON-1", id+3)) })
			synctest.Wait()
		}
		all.Go(func() { tell(t, app, `{"type":"application:x"}`) })
		synctest.Wait()
		if len(ids) != 0 {
			t.Errorf("%v are handled before the conversation is loaded", ids)
		}
		close(answer)
		all.Wait()
		if diff := cmp.Diff([]nexmo.EventID{3, 4, 5, 6, 7}, ids); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, name := range names {
			if name != "priya" {
				t.Errorf("the members are not known: %q", names)
			}
		}
		if n := service.loads(); n != 1 {
			t.Errorf("it is loaded %d times", n)
		}
	})
}

// What cannot be loaded is handled without, and is tried again a minute later.
func TestApplicationLoadFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		app, service := loadingApp(t, func(r *http.Request) error {
			if down {
				<-r.Context().Done()
				return r.Context().Err()
			}
			return nil
		})
		known := map[nexmo.EventID]bool{}
		app.On("text", func(_ context.Context, e *nexmo.Event) error {
			_, known[e.ID] = app.Conversation("CON-1").Member("MEM-1")
			return nil
		})
		start := time.Now()
		tell(t, app, textIn("CON-1", 1))
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the event waited for %v", d)
		}
		tell(t, app, textIn("CON-1", 2))
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("the next one waited, too: %v", d)
		}
		down = false
		time.Sleep(time.Minute)
		tell(t, app, textIn("CON-1", 3))
		tell(t, app, textIn("CON-1", 4))
		if n := service.loads(); n != 1 || !known[4] {
			t.Errorf("it is loaded %d times, and MEM-1 is known: %v", n, known)
		}
	})
}

// An event whose context ends meanwhile was not handled, and the next one loads.
func TestApplicationLoadContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		app, service := loadingApp(t, func(r *http.Request) error {
			if down {
				<-r.Context().Done()
				return r.Context().Err()
			}
			return nil
		})
		handled := 0
		app.On("text", func(context.Context, *nexmo.Event) error {
			handled++
			return nil
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var all sync.WaitGroup
		for range 2 { // one asks, one waits
			all.Go(func() {
				if err := app.Deliver(ctx, &nexmo.Event{ID: 1, Type: "text", ConversationID: "CON-1", Body: &nexmo.Text{}}); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Deliver returns %v", err)
				}
			})
		}
		all.Wait()
		down = false
		tell(t, app, textIn("CON-1", 1))
		if n := service.loads(); n != 1 || handled != 1 {
			t.Errorf("it is loaded %d times and handled %d times", n, handled)
		}
	})
}

func TestApplicationLoadsOnce(t *testing.T) {
	t.Parallel()
	const created = `{"id":5,"type":"conversation:created","conversation_id":"CON-1","body":{"id":"CON-1"}}`
	tests := map[string]struct {
		opts  []nexmo.ApplicationOption
		hook  func(*nexmo.Conversation)
		first string
		want  int
	}{
		"by itself":                 {nil, nil, textIn("CON-1", 5), 1},
		"by a function":             {nil, func(c *nexmo.Conversation) { _ = c.Load(context.Background()) }, textIn("CON-1", 5), 1},
		"not when it is turned off": {[]nexmo.ApplicationOption{nexmo.WithoutLoading()}, nil, textIn("CON-1", 5), 0},
		"not when it is created":    {nil, nil, created, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, service := loadingApp(t, func(*http.Request) error { return nil }, tt.opts...)
			if tt.hook != nil {
				app.OnConversation(tt.hook)
			}
			handled := 0
			app.On("*", func(ctx context.Context, e *nexmo.Event) error {
				if handled++; handled == 1 {
					return app.Deliver(ctx, &nexmo.Event{ID: e.ID + 1, Type: "text", ConversationID: "CON-1", Body: &nexmo.Text{}}) // nor does a handler wait for it
				}
				return nil
			})
			tell(t, app, tt.first)
			tell(t, app, textIn("CON-1", 7))
			if n := service.loads(); n != tt.want || handled != 3 {
				t.Errorf("it is loaded %d times, want %d; %d events are handled", n, tt.want, handled)
			}
		})
	}
}
