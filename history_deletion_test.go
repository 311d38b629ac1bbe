package nexmo_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// secret is what must be gone after a deletion.
const secret = "the code of the lock"

// postings are events that hold the secret, and what is left of their body.
var postings = map[string]string{
	"text":                           `{"id":4,"type":"text","conversation_id":"CON-1","from":"MEM-1","to":"MEM-2","application_id":"APP-1","body":{"text":"the code of the lock"},"timestamp":"2024-05-14T09:00:04Z","_embedded":{"from_user":{"id":"USR-1","name":"priya","custom_data":{"desk":7}},"from_member":{"id":"MEM-1"}},"params":{"ncco_url":"https://example.com"},"state":{"seen_by":{"MEM-2":"2024-05-14T09:00:05Z"}}}`,
	"image":                          `{"id":4,"type":"image","cid":"CON-1","from":"MEM-1","body":{"representations":{"id":"the code of the lock"}},"timestamp":"2024-05-14T09:00:04Z"}`,
	"message":                        `["message",{"id":"4","cid":"CON-1","from":"MEM-1","body":{"message_type":"text","text":"the code of the lock"},"timestamp":"2024-05-14T09:00:04Z"}]`,
	"custom":                         `{"id":4,"type":"custom:lock","from":null,"body":{"code":"the code of the lock"},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/events/4"}}}`,
	"unknown":                        `{"id":4,"type":"video:shown","from":"MEM-1","body":{"code":"the code of the lock"},"more":"the code of the lock"}`,
	"a shape that is not documented": `{"id":4,"type":"text","from":"MEM-1","body":{"text":["the code of the lock"]}}`,
}

// checkDeleted checks that nothing of a posting is left but its envelope.
func checkDeleted(t testing.TB, e, original *nexmo.Event, at time.Time) {
	t.Helper()
	if got, ok := e.Deleted(); !ok || !got.Equal(at) {
		t.Errorf("Deleted() = %v, %t, want %v", got, ok, at)
	}
	written, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"Raw": string(e.Raw), "MarshalJSON": string(written), "Body": string(body), "the fields": fmt.Sprintf("%+v", e),
	} {
		if strings.Contains(text, secret) {
			t.Errorf("%s of a deleted event: %s", what, text)
		}
	}
	// All the rest of the envelope is there.
	want := *original
	want.Body, want.Raw = e.Body, e.Raw
	if diff := cmp.Diff(&want, e); diff != "" {
		t.Errorf("the envelope (-want +got):\n%s", diff)
	}
	// It is what the service would list.
	var listed struct {
		ID   nexmo.EventID
		Type nexmo.EventType
		Body map[string]map[string]time.Time
	}
	if err := json.Unmarshal(written, &listed); err != nil {
		t.Fatal(err)
	}
	if listed.ID != e.ID || listed.Type != e.Type {
		t.Errorf("event %d of type %q is written as %d of type %q", e.ID, e.Type, listed.ID, listed.Type)
	}
	if diff := cmp.Diff(map[string]map[string]time.Time{"timestamp": {"deleted": at}}, listed.Body); diff != "" {
		t.Errorf("the body that is written (-want +got):\n%s", diff)
	}
	again, err := nexmo.ParseEvent(written)
	if err != nil {
		t.Fatal(err)
	}
	if got, ok := again.Deleted(); !ok || !got.Equal(at) {
		t.Errorf("written and read again: Deleted() = %v, %t, want %v", got, ok, at)
	}
}

func TestConversationEventsDeletion(t *testing.T) {
	t.Parallel()
	const deletion = `{"id":7,"type":"event:delete","from":"MEM-1","body":{"event_id":"4"},"timestamp":"2024-05-14T09:00:07.123Z"}`
	at := clock(7).Add(123 * time.Millisecond)
	parse := func(t *testing.T, text string) *nexmo.Event {
		t.Helper()
		e, err := nexmo.ParseEvent([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	for name, posting := range postings {
		for order, texts := range map[string][]string{
			"":                      {posting, deletion},
			", deleted first":       {deletion, posting},
			", deleted twice":       {posting, deletion, `{"id":9,"type":"event:delete","body":{"event_id":4},"timestamp":"2024-05-14T09:00:09Z"}`},
			", others late":         {posting, deletion, numberedJSON(2)},
			", edited before":       {posting, `{"id":5,"type":"text:update","body":{"text":"the code of the lock?","original_event_id":4}}`, deletion},
			", edited late":         {posting, deletion, `{"id":5,"type":"text:update","body":{"text":"the code of the lock?","original_event_id":4}}`},
			", edited afterwards":   {posting, deletion, `{"id":9,"type":"text:update","body":{"text":"the code of the lock?","original_event_id":4}}`},
			", edited, all is late": {`{"id":5,"type":"text:update","body":{"text":"the code of the lock?","original_event_id":4}}`, deletion, posting},
		} {
			t.Run(name+order, func(t *testing.T) {
				t.Parallel()
				c := nexmo.NewConversation("CON-1", nexmo.WithHistory(100), noWait())
				original := parse(t, posting)
				for _, text := range texts {
					e := parse(t, text)
					if e.ID == 4 {
						e = original
					}
					if err := c.Deliver(t.Context(), e); err != nil {
						t.Fatal(err)
					}
				}
				checkDeleted(t, kept(t, c, 4), original, at)
				if diff := cmp.Diff(parse(t, posting), original); diff != "" {
					t.Errorf("the event that others hold (-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestConversationEventsDeletionAndReceipts checks that receipts are no content:
// they stay, and come, whatever the order.
func TestConversationEventsDeletionAndReceipts(t *testing.T) {
	t.Parallel()
	const (
		posting  = `{"id":4,"type":"text","from":"MEM-1","body":{"text":"the code of the lock"}}`
		deletion = `{"id":7,"type":"event:delete","from":"MEM-1","body":{"event_id":4},"timestamp":"2024-05-14T09:00:07Z"}`
	)
	before, after := receiptOf(5, "text:delivered", "MEM-2", 4, 5), receiptOf(8, "text:seen", "MEM-2", 4, 8)
	want := &nexmo.EventState{
		DeliveredTo: nexmo.ReceiptTimes{"MEM-2": clock(5)}, SeenBy: nexmo.ReceiptTimes{"MEM-2": clock(8)},
	}
	for name, texts := range map[string][]string{
		"in order":          {posting, before, deletion, after},
		"the posting late":  {before, deletion, after, posting},
		"the receipt late":  {posting, deletion, before, after},
		"the deletion late": {posting, before, after, deletion},
		"another late":      {posting, before, deletion, after, numberedJSON(3)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", nexmo.WithHistory(100), noWait())
			tell(t, c, texts...)
			e := kept(t, c, 4)
			if diff := cmp.Diff(want, e.State); diff != "" {
				t.Errorf("state (-want +got):\n%s", diff)
			}
			original := told(t, posting)
			original.State = want
			checkDeleted(t, e, original, clock(7))
		})
	}
}

// TestConversationEventsDeletionOfEventsMadeInGo checks that no event is so odd
// that its content stays.
func TestConversationEventsDeletionOfEventsMadeInGo(t *testing.T) {
	t.Parallel()
	posting := func() *nexmo.Event {
		return &nexmo.Event{
			ID: 4, Type: nexmo.EventText, From: "MEM-1", Timestamp: clock(4), Body: &nexmo.Text{Text: secret},
		}
	}
	tests := []struct {
		name   string
		change func(e *nexmo.Event)
		kept   func(e *nexmo.Event) // what of the envelope is not as it was
	}{
		{"as documented", func(*nexmo.Event) {}, nil},
		{"no type", func(e *nexmo.Event) { e.Type = "" }, func(e *nexmo.Event) { e.Type = nexmo.EventText }},
		{"no body", func(e *nexmo.Event) { e.Body = nil }, nil},
		{
			"custom data that is no JSON",
			func(e *nexmo.Event) { e.FromUser = &nexmo.User{ID: "USR-1", CustomData: "{"} },
			func(e *nexmo.Event) { e.FromUser = nil },
		},
		{
			"params that are no JSON",
			func(e *nexmo.Event) { e.Params = "{" },
			func(e *nexmo.Event) { e.Params = "" },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			original := posting()
			tt.change(original)
			want := *original
			if tt.kept != nil {
				tt.kept(&want)
			}
			deletion := told(t, `{"id":7,"type":"event:delete","from":"MEM-1","body":{"event_id":4},"timestamp":"2024-05-14T09:00:07Z"}`)
			c := nexmo.NewConversation("CON-1", nexmo.WithHistory(100))
			for _, e := range []*nexmo.Event{original, told(t, numberedJSON(5)), told(t, numberedJSON(6)), deletion} {
				if err := c.Deliver(t.Context(), e); err != nil {
					t.Fatal(err)
				}
			}
			checkDeleted(t, kept(t, c, 4), &want, clock(7))
		})
	}
}

// TestConversationEventsDeletionWithoutTime takes the time of hearing of it.
func TestConversationEventsDeletionWithoutTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := nexmo.NewConversation("CON-1", nexmo.WithHistory(100))
		posting := `{"id":4,"type":"text","from":"MEM-1","body":{"text":"the code of the lock"}}`
		tell(t, c, posting, `{"id":5,"type":"event:delete","from":"MEM-1","body":{"event_id":4}}`)
		checkDeleted(t, kept(t, c, 4), told(t, posting), time.Now())
	})
}

// TestConversationEventsDeletedBefore keeps an event as the service lists it
// after its deletion.
func TestConversationEventsDeletedBefore(t *testing.T) {
	t.Parallel()
	listed := `{"id":4,"type":"text","from":"MEM-1","state":{},"body":{"timestamp":{"deleted":"2024-05-14T09:00:07Z"}}}`
	c := nexmo.NewConversation("CON-1", nexmo.WithHistory(100))
	tell(t, c, listed, `{"id":5,"type":"event:delete","body":{"event_id":4},"timestamp":"2024-05-14T09:00:08Z"}`,
		`{"id":6,"type":"text:update","body":{"text":"Hello again","original_event_id":4}}`)
	if diff := cmp.Diff(told(t, listed), kept(t, c, 4)); diff != "" {
		t.Errorf("what is kept (-want +got):\n%s", diff)
	}
}
