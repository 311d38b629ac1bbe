package nexmo_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

func TestConversationEventsEdits(t *testing.T) {
	t.Parallel()
	const (
		posting = `{"id":4,"type":"text","from":"MEM-1","body":{"text":"Helo","language":"en","tid":"T-1"}}`
		first   = `{"id":6,"type":"text:update","from":"MEM-1","body":{"text":"Hell","original_event_id":4},"timestamp":"2024-05-14T09:00:06Z"}`
		second  = `{"id":8,"type":"text:update","from":"MEM-1","body":{"text":"Hello","original_event_id":"4"},"timestamp":"2024-05-14T09:00:08Z"}`
		message = `{"id":4,"type":"message","from":"MEM-1","body":{"message_type":"text","text":"Helo"}}`
		stored  = `{"id":4,"type":"text","from":"MEM-1","body":{"text":"Hello!","edited":{"edited_by":9,"edited_at":"2024-05-14T09:00:09Z"}}}`
	)
	text := func(s string, by nexmo.EventID, at time.Time) nexmo.Body {
		return &nexmo.Text{Text: s, Language: "en", TID: "T-1", Edited: nexmo.Edited{EditedBy: by, EditedAt: at}}
	}
	tests := []struct {
		name   string
		events []string
		want   nexmo.Body
	}{
		{"once", []string{posting, first}, text("Hell", 6, clock(6))},
		{"twice", []string{posting, first, second}, text("Hello", 8, clock(8))},
		{"the older edit late", []string{posting, second, first}, text("Hello", 8, clock(8))},
		{"the text late", []string{first, second, posting}, text("Hello", 8, clock(8))},
		{"all late", []string{second, first, posting}, text("Hello", 8, clock(8))},
		{"another late", []string{posting, first, second, numberedJSON(3), numberedJSON(7)}, text("Hello", 8, clock(8))},
		{
			"already edited in the list of the service", []string{stored, first, second},
			&nexmo.Text{Text: "Hello!", Edited: nexmo.Edited{EditedBy: 9, EditedAt: clock(9)}},
		},
		{
			"of a message, which has no edits", []string{message, first},
			&nexmo.Message{MessageContent: nexmo.MessageContent{MessageType: nexmo.MessageTypeText, Text: "Helo"}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", nexmo.WithHistory(100), noWait())
			var original *nexmo.Event
			for _, s := range tt.events {
				e := told(t, s)
				if e.ID == 4 {
					original = e
				}
				if err := c.Deliver(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			got := kept(t, c, 4)
			if diff := cmp.Diff(tt.want, got.Body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(told(t, string(original.Raw)), original); diff != "" {
				t.Errorf("the event that others hold (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(string(original.Raw), string(got.Raw)); diff != "" {
				t.Errorf("raw (-want +got):\n%s", diff)
			}
		})
	}
}
