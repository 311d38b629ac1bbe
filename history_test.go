package nexmo_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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
