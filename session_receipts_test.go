package nexmo_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// Receipts are sent for what others say, once, and only when asked for.
func TestSessionDeliveryReceipts(t *testing.T) {
	t.Parallel()
	for _, asked := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			server := nexmotest.NewServer(t, nexmotest.InMemory())
			conversation := server.CreateConversation("")
			alice, bob := server.Join(conversation, "alice"), server.Join(conversation, "bob")
			var opts []nexmo.SessionOption
			if asked {
				opts = append(opts, nexmo.WithDeliveryReceipts())
			}
			s := dial(t, server, userTokens(t, server, "alice", time.Hour), opts...)
			running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nil }))
			server.Faults().Frames("alice", nexmotest.Duplicate(), 0)
			text := server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(bob))
			message := server.Emit(conversation, &nexmo.Message{MessageContent: nexmo.TextMessage("x")}, nexmotest.From(bob))
			server.Emit(conversation, &nexmo.Custom{Name: "x", JSON: `{}`}, nexmotest.From(bob))
			server.Emit(conversation, &nexmo.Text{Text: "own"}, nexmotest.From(alice))
			synctest.Wait()
			got := map[nexmo.EventID]string{}
			for e, err := range server.Client().Events(t.Context(), conversation, nil) {
				if err != nil {
					t.Fatal(err)
				}
				switch b := e.Body.(type) {
				case *nexmo.TextDelivered:
					got[b.EventID] += "text from " + e.From
				case *nexmo.MessageDelivered:
					got[b.EventID] += "message from " + e.From
				}
			}
			want := map[nexmo.EventID]string{}
			if asked {
				want = map[nexmo.EventID]string{text: "text from " + alice, message: "message from " + alice}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("asked for: %v (-want +got):\n%s", asked, diff)
			}
		})
	}
}
