package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// conversationIDs are the IDs of the conversations that an application lists.
func conversationIDs(a *nexmo.Application) []string {
	var ids []string
	for c := range a.Conversations() {
		ids = append(ids, c.ID())
	}
	return ids
}

// note returns a handler that adds a word and the event to a list.
func note(list *[]string, word string) nexmo.Handler {
	return func(_ context.Context, e *nexmo.Event) error {
		*list = append(*list, fmt.Sprintf("%s %s %d", word, e.Type, e.ID))
		return nil
	}
}

func TestApplicationRoutes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		event string
		want  string // the conversation, or none
	}{
		{"conversation_id", textIn("CON-1", 1), "CON-1"},
		{"cid", `{"id":1,"type":"text","cid":"CON-1","body":{}}`, "CON-1"},
		{"link", `{"id":1,"type":"text","_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/events/1"}}}`, "CON-1"},
		{"no ID", `{"type":"text:typing:on","conversation_id":"CON-1","from":"MEM-1","body":{}}`, "CON-1"},
		{"conversation:created", `{"type":"conversation:created","body":{"id":"CON-1"}}`, "CON-1"},
		{"conversation:deleted", `{"type":"conversation:deleted","body":{"id":"CON-1","reason":"api request"}}`, "CON-1"},
		{
			"conversation:created with both", `{"type":"conversation:created","conversation_id":"CON-1","body":{"id":"CON-2"}}`,
			"CON-1",
		},
		{"conversation:updated", `{"id":1,"type":"conversation:updated","conversation_id":"CON-1","body":{"id":"CON-1"}}`, "CON-1"},
		{"conversation:created without an ID", `{"type":"conversation:created","body":{"name":"repairs"}}`, ""},
		{"app:knocking", `{"type":"app:knocking","from":"knocker:1","body":{}}`, ""},
		{"app:knocking:cancel", `{"type":"app:knocking:cancel","from":"knocker:1","body":{}}`, ""},
		{"sip:ringing of a knocker", `{"type":"sip:ringing","from":"knocker:1","body":{}}`, ""},
		{"sip:hangup of a knocker", `{"type":"sip:hangup","from":"knocker:1","body":{}}`, ""},
		{"leg:status:update of a knocker", `{"type":"leg:status:update","from":"knocker:1","body":{}}`, ""},
		{"a media result of no conversation", `{"type":"audio:play:done","body":{"play_id":"PLY-1"}}`, ""},
		{"an unknown type with an ID in its body", `{"type":"conversation:archived","body":{"id":"CON-1"}}`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := nexmo.NewApplication("APP-1")
			var got []string
			a.On(nexmo.EventAny, note(&got, "application"))
			a.OnConversation(func(c *nexmo.Conversation) {
				got = append(got, "new "+c.ID())
				c.On(nexmo.EventAny, note(&got, c.ID()))
			})
			e := told(t, tt.event)
			if err := a.Deliver(t.Context(), e); err != nil {
				t.Fatal(err)
			}
			handled := fmt.Sprintf(" %s %d", e.Type, e.ID)
			want := []string{"application" + handled}
			if tt.want != "" {
				want = []string{"new " + tt.want, "application" + handled, tt.want + handled}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("called (-want +got):\n%s", diff)
			}
		})
	}
}

// TestApplicationHandlersRunFirst checks the order of handlers, and that neither
// those of the application nor those of the conversation hide an error of the
// others.
func TestApplicationHandlersRunFirst(t *testing.T) {
	t.Parallel()
	a := nexmo.NewApplication("APP-1")
	if a.ID() != "APP-1" {
		t.Errorf("ID() = %q", a.ID())
	}
	var got []string
	mark := func(word string, err error) nexmo.Handler {
		return func(context.Context, *nexmo.Event) error {
			got = append(got, word)
			return err
		}
	}
	errApplication, errConversation := errors.New("application"), errors.New("conversation")
	a.Use(func(next nexmo.Handler) nexmo.Handler {
		return func(ctx context.Context, e *nexmo.Event) error {
			got = append(got, "use")
			return next(ctx, e)
		}
	})
	c := a.Conversation("CON-1")
	c.On(nexmo.EventText, mark("conversation 1", errConversation))
	a.On(nexmo.EventAny, mark("application 1", nil))
	a.On(nexmo.EventText, mark("application 2", errApplication))
	c.On(nexmo.EventAny, mark("conversation 2", nil))
	off := a.On(nexmo.EventTextAny, mark("application off", nil))
	a.Once(nexmo.EventText, mark("application once", nil))
	off()

	first := []string{
		"use", "application 1", "use", "application 2", "use", "application once", "conversation 1", "conversation 2",
	}
	again := slices.Concat(first, []string{
		"use", "application 2", "conversation 1",
	})
	// When the event is delivered again, the handlers run that failed.
	for _, want := range [][]string{first, again} {
		err := a.Deliver(t.Context(), told(t, textIn("CON-1", 1)))
		if !errors.Is(err, errApplication) || !errors.Is(err, errConversation) {
			t.Errorf("Deliver: %v, want both errors", err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("called (-want +got):\n%s", diff)
		}
	}
}

// TestApplicationHandlersSeeTheConversation checks that the state is set when a
// handler of the application runs.
func TestApplicationHandlersSeeTheConversation(t *testing.T) {
	t.Parallel()
	a := nexmo.NewApplication("APP-1", nexmo.WithHistory(10))
	seen := 0
	a.On(nexmo.EventMemberJoined, func(_ context.Context, e *nexmo.Event) error {
		seen++
		c := a.Conversation(e.ConversationID)
		checkMember(t, c, priyaInside())
		if diff := cmp.Diff([]nexmo.EventID{1, 2}, keptIDs(t, c)); diff != "" {
			t.Errorf("Events() (-want +got):\n%s", diff)
		}
		return nil
	})
	a.On(nexmo.EventConversationCreated, func(context.Context, *nexmo.Event) error {
		seen++
		if got := a.Conversation("CON-1").Info().Name; got != "repairs" {
			t.Errorf("Info().Name = %q", got)
		}
		return nil
	})
	tell(t, a, priyaInvited, priyaJoined, `{"type":"conversation:created","body":{"id":"CON-1","name":"repairs"}}`)
	if seen != 2 {
		t.Errorf("%d handlers ran, want 2", seen)
	}
}

func TestApplicationConversations(t *testing.T) {
	t.Parallel()
	a := nexmo.NewApplication("APP-1")
	check := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, conversationIDs(a)); diff != "" {
			t.Errorf("Conversations() (-want +got):\n%s", diff)
		}
	}
	check()
	b := a.Conversation("CON-b")
	tell(t, a, textIn("CON-c", 1), textIn("CON-a", 1), textIn("CON-b", 7), textIn("CON-c", 2))
	check("CON-b", "CON-c", "CON-a") // as they were heard of
	if a.Conversation("CON-b") != b {
		t.Error("Conversation made another one of the same ID")
	}
	if got := b.LastEventID(); got != 7 {
		t.Errorf("LastEventID() = %d, want 7", got)
	}

	// The loop sees them as they were when it began, and may be left.
	var seen []string
	for c := range a.Conversations() {
		tell(t, a, textIn("CON-new-"+c.ID(), 1))
		if seen = append(seen, c.ID()); len(seen) == 2 {
			break
		}
	}
	if diff := cmp.Diff([]string{"CON-b", "CON-c"}, seen); diff != "" {
		t.Errorf("the loop (-want +got):\n%s", diff)
	}
	check("CON-b", "CON-c", "CON-a", "CON-new-CON-b", "CON-new-CON-c")

	// A deleted one is no longer listed, and still there for what comes late.
	handled := 0
	b.On(nexmo.EventText, func(context.Context, *nexmo.Event) error { handled++; return nil })
	tell(t, a, `{"type":"conversation:deleted","body":{"id":"CON-b","name":"B","reason":"api request"}}`)
	check("CON-c", "CON-a", "CON-new-CON-b", "CON-new-CON-c")
	tell(t, a, textIn("CON-b", 8), textIn("CON-b", 8), textIn("CON-b", 7))
	if handled != 1 {
		t.Errorf("handled %d events of the deleted conversation, want 1", handled)
	}
	if a.Conversation("CON-b") != b {
		t.Error("Conversation made another one in place of a deleted one")
	}
	if got := b.Info(); got.State != nexmo.ConversationStateDeleted || got.DeleteReason != "api request" {
		t.Errorf("Info() = %+v", got)
	}
	check("CON-c", "CON-a", "CON-new-CON-b", "CON-new-CON-c")
}

// TestApplicationHandlersMayDeliver delivers from handlers: to other
// conversations, and to those that nobody has heard of.
func TestApplicationHandlersMayDeliver(t *testing.T) {
	t.Parallel()
	a := nexmo.NewApplication("APP-1")
	var got []string
	a.On(nexmo.EventAny, note(&got, "application"))
	a.OnConversation(func(c *nexmo.Conversation) {
		c.On(nexmo.EventAny, note(&got, c.ID()))
		c.On(nexmo.EventText, func(ctx context.Context, e *nexmo.Event) error {
			if c.ID() == "CON-1" && e.ID == 1 {
				return errors.Join(a.Deliver(ctx, told(t, textIn("CON-2", 1))), a.Deliver(ctx, told(t, textIn("CON-1", 2))))
			}
			return nil
		})
	})
	tell(t, a, textIn("CON-1", 1))
	want := []string{
		"application text 1", "CON-1 text 1", "application text 1", "CON-2 text 1", "application text 2", "CON-1 text 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("handled (-want +got):\n%s", diff)
	}
}

// TestApplicationFromManyGoroutines is for the race detector.
func TestApplicationFromManyGoroutines(t *testing.T) {
	t.Parallel()
	const conversations, events = 8, 40
	a := nexmo.NewApplication("APP-1", nexmo.WithStart(1), nexmo.WithHistory(10))
	var mu sync.Mutex
	handled := map[string][]nexmo.EventID{}
	a.OnConversation(func(c *nexmo.Conversation) {
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			mu.Lock()
			defer mu.Unlock()
			handled[c.ID()] = append(handled[c.ID()], e.ID)
			return nil
		})
	})
	var wg sync.WaitGroup
	for n := range conversations {
		for _, first := range []int{1, 2} {
			wg.Go(func() {
				for id := first; id <= events; id += 2 {
					tell(t, a, textIn(fmt.Sprintf("CON-%d", n), id))
				}
			})
		}
		wg.Go(func() {
			for range 20 {
				for c := range a.Conversations() {
					_ = c.Info()
					for range c.Members() {
					}
				}
				a.Conversation(fmt.Sprintf("CON-%d", n))
			}
		})
	}
	wg.Wait()
	for n := range conversations {
		id := fmt.Sprintf("CON-%d", n)
		if len(handled[id]) != events || !slices.IsSorted(handled[id]) {
			t.Errorf("%s: handled %v", id, handled[id])
		}
	}
}
