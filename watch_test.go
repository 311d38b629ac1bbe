package nexmo_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestWatchTypes: the loop gets the events of the types and patterns that Watch was
// given, each once and in order, or all.
func TestWatchTypes(t *testing.T) {
	t.Parallel()
	types := []nexmo.EventType{"text", "image", "text:seen", "texts", "custom:order", "text", "member:left", "tomorrow"}
	tests := []struct {
		watch, want []nexmo.EventType
	}{
		{nil, types},
		{[]nexmo.EventType{"*"}, types},
		{[]nexmo.EventType{"text"}, []nexmo.EventType{"text", "text"}},
		{[]nexmo.EventType{"text:*"}, []nexmo.EventType{"text", "text:seen", "text"}},
		{[]nexmo.EventType{"tomorrow", "image"}, []nexmo.EventType{"image", "tomorrow"}},
		{[]nexmo.EventType{"text:*", "text", "custom:*"}, []nexmo.EventType{"text", "text:seen", "custom:order", "text"}},
		{[]nexmo.EventType{"audio:*"}, nil},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.watch), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				conversation := nexmo.NewConversation("CON-1")
				deliverAll(t, conversation, "text") // before Watch: not for the loop
				events := conversation.Watch(ctx, tt.watch...)
				var got []nexmo.EventType
				go func() {
					for e := range events {
						got = append(got, e.Type)
					}
				}()
				deliverAll(t, conversation, types...)
				synctest.Wait()
				cancel()
				synctest.Wait()
				deliverAll(t, conversation, types...) // after ctx: nobody watches
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("events of the loop (-want +got):\n%s", diff)
				}
			})
		})
	}
}
