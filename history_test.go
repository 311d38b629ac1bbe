package nexmo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// keptIDs are the IDs of the history, as its events and its loop give them.
func keptIDs(t testing.TB, c *nexmo.Conversation) []nexmo.EventID {
	t.Helper()
	var ids []nexmo.EventID
	for id, e := range c.Events() {
		if e.ID != id {
			t.Errorf("Events yields event %d as %d", e.ID, id)
		}
		ids = append(ids, id)
	}
	return ids
}

// kept returns an event of the history.
func kept(t testing.TB, c *nexmo.Conversation, id nexmo.EventID) *nexmo.Event {
	t.Helper()
	for i, e := range c.Events() {
		if i == id {
			return e
		}
	}
	t.Fatalf("event %d is not kept", id)
	return nil
}

// numberedJSON is an event that says nothing.
func numberedJSON(id int) string {
	return fmt.Sprintf(`{"id":%d,"type":"audio:ringing:start","body":{}}`, id)
}

func TestConversationEventsAreInOrder(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		limit  int
		events []int
		want   []nexmo.EventID
	}{
		{"in order", 4, []int{1, 2, 3}, []nexmo.EventID{1, 2, 3}},
		{"holes", 4, []int{1, 3, 7}, []nexmo.EventID{1, 3, 7}},
		{"late, first", 4, []int{3, 4, 1}, []nexmo.EventID{1, 3, 4}},
		{"late, in the middle", 4, []int{1, 5, 3}, []nexmo.EventID{1, 3, 5}},
		{"late, all", 4, []int{9, 7, 5, 3}, []nexmo.EventID{3, 5, 7, 9}},
		{"twice", 4, []int{1, 2, 2, 1}, []nexmo.EventID{1, 2}},
		{"full", 3, []int{1, 2, 3}, []nexmo.EventID{1, 2, 3}},
		{"the oldest goes", 3, []int{1, 2, 3, 4, 5}, []nexmo.EventID{3, 4, 5}},
		{"full, late in the middle", 3, []int{1, 3, 5, 4}, []nexmo.EventID{3, 4, 5}},
		{"full, late in front of the last", 3, []int{1, 2, 5, 4, 3}, []nexmo.EventID{3, 4, 5}},
		{"full, late in the second place", 3, []int{1, 5, 9, 3}, []nexmo.EventID{3, 5, 9}},
		{"full, older than all", 3, []int{3, 4, 5, 1}, []nexmo.EventID{3, 4, 5}},
		{"one", 1, []int{1, 2, 9, 5}, []nexmo.EventID{9}},
		{"none", 0, []int{1, 2, 3}, nil},
		{"fewer than none", -1, []int{1, 2, 3}, nil},
		{"without an ID", 4, []int{0, 1, 0, 2}, []nexmo.EventID{1, 2}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := nexmo.NewConversation("CON-1", nexmo.WithHistory(tt.limit), noWait())
			for _, id := range tt.events {
				tell(t, c, numberedJSON(id))
			}
			if diff := cmp.Diff(tt.want, keptIDs(t, c)); diff != "" {
				t.Errorf("kept (-want +got):\n%s", diff)
			}
		})
	}
}

// TestConversationEventsWithoutHistory says what a program forgot.
func TestConversationEventsWithoutHistory(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	c := nexmo.NewConversation("CON-1", nexmo.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	tell(t, c, numberedJSON(1))
	if ids := keptIDs(t, c); ids != nil {
		t.Errorf("kept %v", ids)
	}
	if !strings.Contains(log.String(), "WithHistory") {
		t.Errorf("the log does not name WithHistory: %q", log.String())
	}
}

// TestConversationEventsWhileTheyGrow checks that a loop sees the history as it
// was when it began, and that handlers may add to it and loop themselves.
func TestConversationEventsWhileTheyGrow(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1", nexmo.WithHistory(50), noWait())
	c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
		ids := keptIDs(t, c)
		if !slices.Contains(ids, e.ID) {
			t.Errorf("the handler of event %d sees %v", e.ID, ids)
		}
		if e.ID == 3 {
			return c.Deliver(ctx, told(t, numberedJSON(4)))
		}
		return nil
	})
	tell(t, c, numberedJSON(1), numberedJSON(2))
	var seen []nexmo.EventID
	for id := range c.Events() {
		seen = append(seen, id)
		if id == 1 {
			tell(t, c, numberedJSON(3))
		}
	}
	if diff := cmp.Diff([]nexmo.EventID{1, 2}, seen); diff != "" {
		t.Errorf("the loop (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]nexmo.EventID{1, 2, 3, 4}, keptIDs(t, c)); diff != "" {
		t.Errorf("after the loop (-want +got):\n%s", diff)
	}

	// The same of a history that is full, so that events make room for others.
	full := nexmo.NewConversation("CON-1", nexmo.WithHistory(3), noWait())
	tell(t, full, numberedJSON(1), numberedJSON(3), `{"id":5,"type":"text","from":"MEM-1","body":{"text":"Hello"}}`)
	seen = nil
	for id, e := range full.Events() {
		seen = append(seen, id)
		switch {
		case id == 1:
			tell(t, full, numberedJSON(4), `{"id":6,"type":"text:seen","from":"MEM-2","body":{"event_id":5}}`)
		case e.State != nil:
			t.Errorf("the loop sees a receipt that came after it began: %+v", e.State)
		}
	}
	if diff := cmp.Diff([]nexmo.EventID{1, 3, 5}, seen); diff != "" {
		t.Errorf("the loop over a full history (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]nexmo.EventID{4, 5, 6}, keptIDs(t, full)); diff != "" {
		t.Errorf("after the loop (-want +got):\n%s", diff)
	}

	// The race detector watches the same from two goroutines. Every third
	// event is late, and every third marks another.
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			last := nexmo.EventID(0)
			for id, e := range c.Events() {
				if id <= last {
					t.Errorf("event %d comes after %d", id, last)
				}
				last = id
				if e.State != nil {
					_ = len(e.State.SeenBy)
				}
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for i := 6; i < 300; i += 3 {
		tell(t, c, numberedJSON(i), fmt.Sprintf(`{"id":%d,"type":"text:seen","from":"MEM-1","body":{"event_id":%d}}`, i+1, i), numberedJSON(i-1))
	}
	close(stop)
	wg.Wait()
}

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

// TestConversationEventsKeepNoReceiptAlive checks that a mark on an event that
// is kept does not keep the text of the event that marked it.
func TestConversationEventsKeepNoReceiptAlive(t *testing.T) { //nolint:paralleltest // it measures the heap
	const conversations, padding = 200, 64 << 10
	pad := strings.Repeat("x", padding)
	for _, typ := range []string{"text:seen", "text:update", "member:message:status", "event:delete"} { //nolint:paralleltest // as above
		t.Run(typ, func(t *testing.T) {
			all := make([]*nexmo.Conversation, conversations)
			before := heapInUse()
			for n := range all {
				// The event that marks is older than all that is kept by
				// the end.
				c := nexmo.NewConversation("CON-1", nexmo.WithHistory(1), noWait())
				tell(t, c, fmt.Sprintf(`{"id":9,"type":"text","body":{"text":"Hello %d"}}`, n),
					fmt.Sprintf(`{"id":4,"type":%q,"from":"MEM-%d","padding":"%s","body":{"event_id":9,"original_event_id":9,"text":"Bye %[2]d"}}`, typ, n, pad))
				all[n] = c
			}
			if grown, limit := heapInUse()-before, int64(conversations*padding/4); grown > limit {
				t.Errorf("%d conversations hold %d KB, more than %d KB", conversations, grown>>10, limit>>10)
			}
			for _, c := range all {
				e := kept(t, c, 9)
				if text, ok := e.Body.(*nexmo.Text); ok && text.Text != "" && e.State == nil && text.Edited.EditedBy == 0 {
					t.Fatalf("event 9 is not marked: %+v", text)
				}
			}
		})
	}
}

// TestConversationEventsForEach is the loop of the documentation, over a chat as
// the service lists it: the author of an event is a member even after leaving.
func TestConversationEventsForEach(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(filepath.Join("testdata", "history.json"))
	if err != nil {
		t.Fatal(err)
	}
	events, err := nexmo.ParseEvents(page)
	if err != nil {
		t.Fatal(err)
	}
	conversation := nexmo.NewConversation(events[0].ConversationID, nexmo.WithHistory(100), nexmo.WithStart(1))
	for _, e := range events {
		if err := conversation.Deliver(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}

	var got []string
	say := func(e *nexmo.Event, m nexmo.Member, what string, more ...any) {
		got = append(got, fmt.Sprintf("%d %s %s", e.ID, m.UserName, fmt.Sprintf(what, more...)))
	}
	for id, e := range conversation.Events() {
		member, ok := conversation.Member(e.From)
		if !ok {
			got = append(got, fmt.Sprintf("%d from no member", id))
			continue
		}
		if at, ok := e.Deleted(); ok {
			say(e, member, "deleted at %s", at.Format(time.TimeOnly))
			continue
		}
		switch b := e.Body.(type) {
		case *nexmo.TextSeen:
			say(e, member, "saw %d", b.EventID)
		case *nexmo.TextDelivered:
			say(e, member, "got %d", b.EventID)
		case *nexmo.Text:
			say(e, member, "%q, edited by %d, got by %d, seen by %d", b.Text, b.Edited.EditedBy, receipts(e, "delivered"), receipts(e, "seen"))
		case *nexmo.Message:
			say(e, member, "%s %q, submitted to %d", b.MessageType, b.Text, receipts(e, "submitted"))
		case *nexmo.Image:
			say(e, member, "image of %d, seen by %d", b.Representations.Original.Size, receipts(e, "seen"))
		case *nexmo.MemberInvited:
			say(e, member, "invited")
		case *nexmo.MemberJoined:
			say(e, member, "joined")
		case *nexmo.MemberLeft:
			say(e, member, "left: %s", b.Reason.Text)
		case *nexmo.EventDelete:
			say(e, member, "deleted %d", b.EventID)
		default:
			say(e, member, "%s", e.Type)
		}
	}
	want := []string{
		"1 priya invited", "2 priya joined", "3 tomas invited", "4 tomas joined",
		`5 tomas "Hello, is the tandem of order 441 ready?", edited by 0, got by 1, seen by 1`,
		"6 priya got 5", "7 priya saw 5",
		`8 priya text "Good afternoon! One wheel is still being trued. Tomorrow at 10?", submitted to 1`,
		"9 tomas message:submitted", "10 tomas message:delivered", "11 tomas message:seen",
		"12 tomas deleted at 15:05:49",
		"13 tomas image of 742118, seen by 1", "14 priya image:delivered", "15 priya image:seen",
		"16 tomas deleted 12", `17 priya location "", submitted to 0`, "18 from no member",
		`19 tomas "10 is perfect, thank you! 🚲", edited by 20, got by 0, seen by 1`,
		"20 tomas text:update", "21 priya saw 19", "22 tomas left: the customer closed the chat",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the loop (-want +got):\n%s", diff)
	}
	wantMembers := map[string]nexmo.MemberState{"priya": nexmo.MemberStateJoined, "tomas": nexmo.MemberStateLeft}
	members := map[string]nexmo.MemberState{}
	for m := range conversation.Members() {
		members[m.UserName] = m.State
	}
	if diff := cmp.Diff(wantMembers, members); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if got := conversation.LastEventID(); got != 22 {
		t.Errorf("LastEventID() = %d", got)
	}
}

// receipts counts the receipts of one kind.
func receipts(e *nexmo.Event, what string) int {
	if e.State == nil {
		return 0
	}
	return len(*receiptsOf[what](e.State))
}
