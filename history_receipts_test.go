package nexmo_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// receiptsOf names a map of an EventState.
var receiptsOf = map[string]func(*nexmo.EventState) *nexmo.ReceiptTimes{
	"delivered":     func(s *nexmo.EventState) *nexmo.ReceiptTimes { return &s.DeliveredTo },
	"seen":          func(s *nexmo.EventState) *nexmo.ReceiptTimes { return &s.SeenBy },
	"submitted":     func(s *nexmo.EventState) *nexmo.ReceiptTimes { return &s.SubmittedTo },
	"rejected":      func(s *nexmo.EventState) *nexmo.ReceiptTimes { return &s.RejectedBy },
	"undeliverable": func(s *nexmo.EventState) *nexmo.ReceiptTimes { return &s.UndeliverableTo },
}

// marked is the state of an event with one receipt.
func marked(what string, times nexmo.ReceiptTimes) *nexmo.EventState {
	var s nexmo.EventState
	*receiptsOf[what](&s) = times
	return &s
}

// receiptOf is the receipt number id, of one of a few types, by a member for an
// event, at a time.
func receiptOf(id int, typ, member string, event any, second int) string {
	return fmt.Sprintf(`{"id":%d,"type":%q,"from":%q,"body":{"event_id":%#v},"timestamp":"2024-05-14T09:00:%02dZ"}`,
		id, typ, member, event, second)
}

// TestConversationEventsReceipts delivers a posting and its receipts in both
// orders: the receipts are on the event that is kept, and on no other copy.
func TestConversationEventsReceipts(t *testing.T) {
	t.Parallel()
	const (
		text    = `{"id":4,"type":"text","from":"MEM-1","body":{"text":"Hello"}}`
		image   = `{"id":4,"type":"image","from":"MEM-1","body":{"representations":{"id":"IMG-1"}}}`
		message = `{"id":4,"type":"message","from":"MEM-1","body":{"message_type":"text","text":"Hello"}}`
		stored  = `{"id":4,"type":"message","from":"MEM-1","body":{"message_type":"text","text":"Hello"},
			"state":{"delivered_to":{"MEM-3":"2024-05-14T09:00:03Z"},"seen_by":{"MEM-2":"2024-05-14T09:00:30Z"}}}`
	)
	status := func(more string) string {
		return `{"id":6,"type":"member:message:status","from":"MEM-2","timestamp":"2024-05-14T09:00:06Z",
			"body":{"original_event_id":"4","message_type":"text","channel_type":"sms"` + more + `}}`
	}
	at := func(second int) nexmo.ReceiptTimes { return nexmo.ReceiptTimes{"MEM-2": clock(second)} }
	tests := []struct {
		name     string
		posting  string
		receipts []string
		want     *nexmo.EventState
	}{
		{"text:delivered", text, []string{receiptOf(6, "text:delivered", "MEM-2", 4, 6)}, marked("delivered", at(6))},
		{"text:seen", text, []string{receiptOf(6, "text:seen", "MEM-2", 4, 6)}, marked("seen", at(6))},
		{"image:delivered", image, []string{receiptOf(6, "image:delivered", "MEM-2", 4, 6)}, marked("delivered", at(6))},
		{"image:seen", image, []string{receiptOf(6, "image:seen", "MEM-2", 4, 6)}, marked("seen", at(6))},
		{"message:submitted", message, []string{receiptOf(6, "message:submitted", "MEM-2", 4, 6)}, marked("submitted", at(6))},
		{"message:delivered", message, []string{receiptOf(6, "message:delivered", "MEM-2", 4, 6)}, marked("delivered", at(6))},
		{"message:seen", message, []string{receiptOf(6, "message:seen", "MEM-2", 4, 6)}, marked("seen", at(6))},
		{"message:rejected", message, []string{receiptOf(6, "message:rejected", "MEM-2", 4, 6)}, marked("rejected", at(6))},
		{"message:undeliverable", message, []string{receiptOf(6, "message:undeliverable", "MEM-2", 4, 6)}, marked("undeliverable", at(6))},
		{"member:message:status", message, []string{status("")}, marked("submitted", at(6))},
		{"member:message:status, error null", message, []string{status(`,"error":null`)}, marked("submitted", at(6))},
		{
			"member:message:status, with an error", message,
			[]string{status(`,"error":{"code":1330,"reason":"Unknown"}`)}, marked("undeliverable", at(6)),
		},
		{"the ID as text", text, []string{receiptOf(6, "text:seen", "MEM-2", "4", 6)}, marked("seen", at(6))},
		{
			"the member embedded", text,
			[]string{`{"id":6,"type":"text:seen","body":{"event_id":4},"timestamp":"2024-05-14T09:00:06Z","_embedded":{"from_member":{"id":"MEM-2"}}}`},
			marked("seen", at(6)),
		},
		{
			"several", text,
			[]string{
				receiptOf(5, "text:delivered", "MEM-2", 4, 5), receiptOf(6, "text:delivered", "MEM-3", 4, 6),
				receiptOf(7, "text:seen", "MEM-3", 4, 7), receiptOf(8, "text:seen", "MEM-2", 4, 8),
			},
			&nexmo.EventState{
				DeliveredTo: nexmo.ReceiptTimes{"MEM-2": clock(5), "MEM-3": clock(6)},
				SeenBy:      nexmo.ReceiptTimes{"MEM-2": clock(8), "MEM-3": clock(7)},
			},
		},
		{
			"twice", text,
			[]string{receiptOf(6, "text:seen", "MEM-2", 4, 6), receiptOf(8, "text:seen", "MEM-2", 4, 8)}, marked("seen", at(8)),
		},
		{
			"the second without a time", text,
			[]string{receiptOf(6, "text:seen", "MEM-2", 4, 6), `{"id":8,"type":"text:seen","from":"MEM-2","body":{"event_id":4}}`},
			marked("seen", at(6)),
		},
		{
			"without a time", text, []string{`{"id":8,"type":"text:seen","from":"MEM-2","body":{"event_id":4}}`},
			marked("seen", nexmo.ReceiptTimes{"MEM-2": time.Time{}}),
		},
		{
			"beside what the service keeps", stored,
			[]string{receiptOf(6, "message:delivered", "MEM-2", 4, 6), receiptOf(7, "message:seen", "MEM-2", 4, 7)},
			&nexmo.EventState{
				DeliveredTo: nexmo.ReceiptTimes{"MEM-2": clock(6), "MEM-3": clock(3)},
				SeenBy:      nexmo.ReceiptTimes{"MEM-2": clock(30)},
			},
		},
		{"of an event that is not kept", text, []string{receiptOf(6, "text:seen", "MEM-2", 3, 6)}, nil},
		{"of no event", text, []string{`{"id":6,"type":"text:seen","from":"MEM-2","body":{}}`}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			original := told(t, tt.posting)
			untouched := told(t, tt.posting)
			check := func(c *nexmo.Conversation) {
				t.Helper()
				e := kept(t, c, 4)
				if diff := cmp.Diff(tt.want, e.State); diff != "" {
					t.Errorf("the state that is kept (-want +got):\n%s", diff)
				}
				want := *untouched
				want.State = e.State
				if diff := cmp.Diff(&want, e); diff != "" {
					t.Errorf("the rest of what is kept (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(untouched, original); diff != "" {
					t.Errorf("the event that others hold (-want +got):\n%s", diff)
				}
			}

			c := nexmo.NewConversation("CON-1", nexmo.WithHistory(100), noWait())
			if err := c.Deliver(t.Context(), original); err != nil {
				t.Fatal(err)
			}
			for _, text := range tt.receipts {
				before := kept(t, c, 4)
				copied := *before
				e := told(t, text)
				c.Once(e.Type, func(context.Context, *nexmo.Event) error {
					if tt.want != nil && kept(t, c, 4).State == nil {
						t.Errorf("the handler of event %d does not see the receipt", e.ID)
					}
					return nil
				})
				if err := c.Deliver(t.Context(), e); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(&copied, before); diff != "" {
					t.Errorf("what Events gave before (-want +got):\n%s", diff)
				}
			}
			check(c)

			// The receipts first, the last one first of all.
			c = nexmo.NewConversation("CON-1", nexmo.WithHistory(100), noWait())
			for i := range tt.receipts {
				tell(t, c, tt.receipts[len(tt.receipts)-1-i])
			}
			if err := c.Deliver(t.Context(), original); err != nil {
				t.Fatal(err)
			}
			check(c)

			// Between them, other events come late.
			c = nexmo.NewConversation("CON-1", nexmo.WithHistory(100), noWait())
			if err := c.Deliver(t.Context(), original); err != nil {
				t.Fatal(err)
			}
			tell(t, c, tt.receipts...)
			tell(t, c, numberedJSON(2), numberedJSON(1))
			check(c)
		})
	}
}

// receipts counts the receipts of one kind.
func receipts(e *nexmo.Event, what string) int {
	if e.State == nil {
		return 0
	}
	return len(*receiptsOf[what](e.State))
}
