package nexmo_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A session that was closed goes on elsewhere, with what was missed.
func TestSessionResume(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t)
	tokens := userTokens(t, server, "alice", 0)
	conversation := server.CreateConversation("")
	alice := server.Join(conversation, "alice")
	s := dial(t, server, tokens)
	_ = s.Close()
	_ = s.Close()
	id := server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
	again := dial(t, server, tokens, nexmo.WithResume(s.ID()))
	if again.ID() != s.ID() {
		t.Errorf("it is session %s, want %s", again.ID(), s.ID())
	}
	got := make(chan *nexmo.Event, 1)
	running(t, again, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
		got <- e
		return nil
	}))
	if e := <-got; e.ID != id || e.Type != "text" || e.ConversationID != conversation {
		t.Errorf("the event that was missed is %v", e)
	}
}

// An event that overtakes the answer when a session goes on is not lost, nor taken for
// the answer.
func TestSessionResumeOvertaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := make(chan struct{})
		opts := scriptedService(t, func(n int, _ *http.Request, say func(...string), read func(n int) []string) {
			say(openPacket, letIn)
			want := []string{"40", "430[]"}
			if n == 2 {
				say(`427["text",{"id":4,"cid":"CON-1","body":{"text":"x"}}]`)
				want = []string{"40", "437[]", "430[]"}
			}
			say(successEvent)
			if diff := cmp.Diff(want, read(len(want))); diff != "" {
				t.Errorf("connection %d (-want +got):\n%s", n, diff)
			}
			if <-begin; n == 2 {
				read(1)
			}
		})
		s, err := nexmo.Dial(t.Context(), anyToken, opts...)
		if err != nil {
			t.Fatal(err)
		}
		told := statesOf(s)
		close(begin)
		record := newTranscript(1)
		running(t, s, nexmo.SinkFunc(record.handle))
		record.wait(t)
		told.expect(t, nexmo.SessionStateDisconnected, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		_ = s.Close()
	})
}
