package nexmo_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

func TestConversationInfo(t *testing.T) {
	t.Parallel()
	const (
		created = `{"type":"conversation:created","body":{"id":"CON-1","name":"repairs","display_name":"Repairs",
			"image_url":"https://example.com/r.png","timestamp":{"created":"2024-05-14T09:00:01Z"},"state":"ACTIVE"}}`
		renamed = `{"id":5,"type":"conversation:updated","conversation_id":"CON-1","body":{"id":"CON-1","name":"workshop","display_name":"Workshop",
			"timestamp":{"created":"2024-05-14T09:00:01Z","updated":"2024-05-14T09:00:05Z"},"state":"INACTIVE"}}`
		again = `{"id":7,"type":"conversation:updated","conversation_id":"CON-1","body":{"id":"CON-1","name":"workshop","display_name":"The workshop","state":"INACTIVE",
			"timestamp":{"updated":"2024-05-14T09:00:07Z"}}}`
		deleted = `{"type":"conversation:deleted","body":{"id":"CON-1","name":"closed","timestamp":{"created":"2024-05-14T09:00:01Z",
			"updated":"2024-05-14T09:00:08Z","destroyed":"2024-05-14T09:00:09Z"},"reason":"api request"}}`
		invited = `{"id":3,"type":"member:invited","conversation_id":"CON-1","from":"MEM-1","body":{"cname":"old","member_id":"MEM-1",
			"conversation":{"conversation_id":"CON-1","name":"older","display_name":"Older","image_url":"https://example.com/o.png"}}}`
		moved = `{"id":4,"type":"rtc:transfer","conversation_id":"CON-1","from":"MEM-1","body":{"transferred_from":"CON-0"}}`
	)
	var (
		wantCreated = nexmo.ConversationInfo{
			ID: "CON-1", Name: "repairs", DisplayName: "Repairs", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateActive, Timestamp: nexmo.ConversationTimestamp{Created: clock(1)},
		}
		wantRenamed = nexmo.ConversationInfo{
			ID: "CON-1", Name: "workshop", DisplayName: "Workshop", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateInactive, Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(5)},
		}
		wantAgain = nexmo.ConversationInfo{
			ID: "CON-1", Name: "workshop", DisplayName: "The workshop", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateInactive, Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(7)},
		}
		wantDeleted = nexmo.ConversationInfo{
			ID: "CON-1", Name: "closed", DisplayName: "The workshop", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateDeleted, DeleteReason: "api request",
			Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(8), Destroyed: clock(9)},
		}
	)
	tests := []struct {
		name   string
		events []string
		want   nexmo.ConversationInfo
	}{
		{"nothing", nil, nexmo.ConversationInfo{ID: "CON-1"}},
		{"created", []string{created}, wantCreated},
		{
			"created, without a state",
			[]string{`{"type":"conversation:created","body":{"id":"CON-1","name":"repairs"}}`},
			nexmo.ConversationInfo{ID: "CON-1", Name: "repairs", State: nexmo.ConversationStateActive},
		},
		{"updated", []string{created, renamed}, wantRenamed},
		{"updated, in part", []string{created, renamed, again}, wantAgain},
		{"updated twice, the first late", []string{created, again, renamed}, wantAgain},
		{"created after updated", []string{renamed, created}, wantRenamed},
		{"created last of all", []string{renamed, again, created}, wantAgain},
		{"deleted", []string{created, renamed, again, deleted}, wantDeleted},
		{"created after deleted", []string{renamed, again, deleted, created}, wantDeleted},
		{"updated after deleted", []string{created, renamed, deleted, again}, func() nexmo.ConversationInfo {
			want := wantDeleted
			want.DisplayName = "Workshop"
			return want
		}()},
		{"created and nothing else, after deleted", []string{deleted, created}, nexmo.ConversationInfo{
			ID: "CON-1", Name: "closed", DisplayName: "Repairs", ImageURL: "https://example.com/r.png",
			State: nexmo.ConversationStateDeleted, DeleteReason: "api request",
			Timestamp: nexmo.ConversationTimestamp{Created: clock(1), Updated: clock(8), Destroyed: clock(9)},
		}},
		{
			"an invitation", []string{invited},
			nexmo.ConversationInfo{ID: "CON-1", Name: "older", DisplayName: "Older", ImageURL: "https://example.com/o.png"},
		},
		{
			"an invitation that gives the name alone",
			[]string{`{"id":3,"type":"member:invited","from":"MEM-1","body":{"cname":"old","member_id":"MEM-1"}}`},
			nexmo.ConversationInfo{ID: "CON-1", Name: "old"},
		},
		{"an invitation after created", []string{created, invited}, wantCreated},
		{"created after an invitation", []string{invited, created}, wantCreated},
		{"an invitation after updated", []string{created, renamed, invited}, wantRenamed},
		{
			"an invitation after an update that left something open", []string{renamed, invited},
			func() nexmo.ConversationInfo {
				want := wantRenamed
				want.ImageURL = "https://example.com/o.png"
				return want
			}(),
		},
		{"a transfer", []string{moved}, nexmo.ConversationInfo{ID: "CON-1", TransferredFrom: "CON-0"}},
		{
			"an older transfer late",
			[]string{`{"id":9,"type":"rtc:transfer","from":"MEM-2","body":{"transferred_from":"CON-2"}}`, moved},
			nexmo.ConversationInfo{ID: "CON-1", TransferredFrom: "CON-2"},
		},
		{
			"a state of tomorrow",
			[]string{`{"id":9,"type":"conversation:updated","body":{"id":"CON-1","state":"PARKED"}}`},
			nexmo.ConversationInfo{ID: "CON-1", State: "PARKED"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", noWait())
			var inHandler nexmo.ConversationInfo
			c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
				inHandler = c.Info()
				return nil
			})
			tell(t, c, tt.events...)
			if diff := cmp.Diff(tt.want, c.Info()); diff != "" {
				t.Errorf("Info() (-want +got):\n%s", diff)
			}
			if tt.events != nil {
				if diff := cmp.Diff(tt.want, inHandler); diff != "" {
					t.Errorf("Info() in the handler (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestConversationInfoOfAnother delivers events of the application, which name
// their conversation in the body alone, to a conversation that is not it.
func TestConversationInfoOfAnother(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	tell(t, c, `{"type":"conversation:created","body":{"id":"CON-1","name":"repairs"}}`)
	for _, text := range []string{
		`{"type":"conversation:created","body":{"id":"CON-2","name":"sales"}}`,
		`{"type":"conversation:deleted","body":{"id":"CON-2","name":"sales","reason":"api request"}}`,
	} {
		// Whether it is refused or let pass, it changes nothing.
		_ = c.Deliver(t.Context(), told(t, text))
	}
	want := nexmo.ConversationInfo{ID: "CON-1", Name: "repairs", State: nexmo.ConversationStateActive}
	if diff := cmp.Diff(want, c.Info()); diff != "" {
		t.Errorf("Info() (-want +got):\n%s", diff)
	}
}
