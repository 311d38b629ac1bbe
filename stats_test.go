package nexmo_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestApplicationStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l letters
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(2), nexmo.WithSource(stored(1, 2, 3)), nexmo.WithDeadLetter(l.take))
		release := make(chan struct{})
		app.On(nexmo.EventText, func(_ context.Context, e *nexmo.Event) error {
			switch e.ID {
			case 4:
				return nexmo.Permanent(errBoom)
			case 5:
				return errBoom
			case 10:
				<-release
			}
			return nil
		})
		mustDeliver(t, app, 1, 1, 3, 4) // 2 is fetched
		checkError(t, app.Deliver(t.Context(), numbered(5)), errBoom)
		mustDeliver(t, app, 8) // 6 and 7 are given up
		deliverTo(t, app, "B", "C", "D")
		held := beginDeliver(t.Context(), app, numbered(10))
		held.waits(t)
		other := beginDeliver(t.Context(), app, numbered(10))
		other.waits(t)
		got := app.Stats()
		if got.Failed < 100 || got.Failed > 1000 {
			t.Errorf("%d bytes of failed events", got.Failed)
		}
		got.Failed = 0
		want := nexmo.ApplicationStats{
			Conversations: 2, Held: 1, Waiting: 2, Made: 4, Evicted: 2, Duplicates: 1, Gaps: 1, Fetched: 1, DeadLetters: 1,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Stats (-want +got):\n%s", diff)
		}
		close(release)
		checkError(t, app.Close(), nil)
		held.returns(t, nil)
		other.returns(t, nil)
		if got := app.Stats(); got.Held != 0 || got.Waiting != 0 {
			t.Errorf("after Close: %+v", got)
		}
	})
}

func TestApplicationStatsOfLoading(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t, nexmotest.InMemory())
	app := nexmo.NewApplication("", nexmo.WithClient(server.Client(nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))))
	deliverTo(t, app, server.CreateConversation(""), "CON-none")
	if got := app.Stats(); got.Loaded != 2 || got.LoadsFailed != 1 {
		t.Errorf("Stats: %+v, want 2 loaded, of which 1 failed", got)
	}
}

func TestWebhookStats(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("")
	h := newHook(app)
	h.DeadLetter = new(letters).take
	for range 2 {
		wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent)
	}
	wantAnswer(t, h, signed([]byte(`{}`)), http.StatusNoContent)
	for range 2 {
		h.ServeHTTP(httptest.NewRecorder(), nexmotest.SignedRequest("a guess", hookText(2)))
	}
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/", nil))
	want := nexmo.WebhookStats{
		Delivered: 2, Duplicates: 1, DeadLetters: 1, Refused: map[string]int64{"signature": 2, "method": 1},
	}
	if diff := cmp.Diff(want, h.Stats()); diff != "" {
		t.Errorf("Stats (-want +got):\n%s", diff)
	}
	h.DeadLetter = nil
	wantAnswer(t, h, signed([]byte(`{}`)), http.StatusBadRequest)
	if got := h.Stats().Refused["no_event"]; got != 1 {
		t.Errorf("%d are no event, want 1", got)
	}
}

func TestSessionStats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		id := server.CreateConversation("")
		server.Join(id, "alice")
		s := dial(t, server, userTokens(t, server, "alice", 0), nexmo.WithDeadLetter(new(letters).take))
		release := make(chan struct{})
		running(t, s, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			switch e.Type {
			case "custom:wait":
				<-release
			case "custom:fail":
				return errBoom
			case "custom:poison":
				return nexmo.Permanent(errBoom)
			}
			return nil
		}))
		for _, name := range []string{"fail", "poison", "wait", "behind", "behind"} {
			server.Emit(id, &nexmo.Custom{Name: name})
		}
		synctest.Wait()
		want := nexmo.SessionStats{Queue: 3, Delivered: 2, Failed: 2, DeadLetters: 1}
		if diff := cmp.Diff(want, s.Stats()); diff != "" {
			t.Errorf("Stats (-want +got):\n%s", diff)
		}
		close(release)
		synctest.Wait()
		want.Queue, want.Delivered = 0, 5
		if diff := cmp.Diff(want, s.Stats()); diff != "" {
			t.Errorf("Stats (-want +got):\n%s", diff)
		}
	})
}
