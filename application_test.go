package nexmo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// textIn is an event of a conversation.
func textIn(conversation string, id int) string {
	return fmt.Sprintf(`{"id":%d,"type":"text","conversation_id":%q,"from":"MEM-1","body":{"text":"Hello"}}`, id, conversation)
}

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
		"use", "application 1", "use", "application 2", "conversation 1", "conversation 2",
	})
	// An event whose handlers failed is no duplicate.
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

func TestApplicationOnConversation(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	a := nexmo.NewApplication("APP-1", nexmo.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	a.Conversation("CON-early")
	var got []string
	a.OnConversation(func(c *nexmo.Conversation) { got = append(got, "first "+c.ID()) })
	a.OnConversation(func(*nexmo.Conversation) { panic("at once") })
	a.OnConversation(func(c *nexmo.Conversation) {
		got = append(got, "third "+c.ID())
		if again := a.Conversation(c.ID()); again != c {
			t.Error("Conversation made another one while the first was being introduced")
		}
		c.On(nexmo.EventAny, note(&got, c.ID()))
		// It may deliver to the conversation, in front of the event that is
		// on its way.
		tell(t, c, textIn(c.ID(), 1))
	})
	tell(t, a, textIn("CON-early", 1), textIn("CON-1", 2))
	a.Conversation("CON-2")
	tell(t, a, textIn("CON-2", 2), textIn("CON-1", 3))
	want := []string{
		"first CON-1", "third CON-1", "CON-1 text 1", "CON-1 text 2",
		"first CON-2", "third CON-2", "CON-2 text 1", "CON-2 text 2", "CON-1 text 3",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("called (-want +got):\n%s", diff)
	}
	if n := strings.Count(log.String(), "panicked"); n != 2 {
		t.Errorf("%d panics are logged, want 2:\n%s", n, log.String())
	}
}

// TestApplicationOnConversationSync reads what went before when a conversation is
// heard of.
func TestApplicationOnConversationSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var stored eventSource
		for id := 1; id <= 5; id++ {
			stored = append(stored, told(t, textIn("CON-1", id)))
		}
		a := nexmo.NewApplication("APP-1", nexmo.WithSource(stored))
		var got []string
		a.OnConversation(func(c *nexmo.Conversation) {
			c.On(nexmo.EventAny, note(&got, "handled"))
			if err := c.Sync(t.Context()); err != nil {
				t.Errorf("Sync: %v", err)
			}
		})
		tell(t, a, textIn("CON-1", 5), textIn("CON-1", 6))
		var want []string
		for id := 1; id <= 6; id++ {
			want = append(want, fmt.Sprintf("handled text %d", id))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
	})
}

// sourceFunc is a Source that has all events of a conversation.
type sourceFunc func(conversationID string) []*nexmo.Event

func (f sourceFunc) EventsAfter(ctx context.Context, conversationID string, after nexmo.EventID) iter.Seq2[*nexmo.Event, error] {
	return eventSource(f(conversationID)).EventsAfter(ctx, conversationID, after)
}

// TestApplicationOnConversationSyncDelivers: handlers of what a function of
// OnConversation has read deliver to the same application, also when two of them
// do so to each other's conversation.
func TestApplicationOnConversationSyncDelivers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stored := sourceFunc(func(c string) []*nexmo.Event {
			return []*nexmo.Event{told(t, textIn(c, 1)), told(t, textIn(c, 2))}
		})
		a := nexmo.NewApplication("APP-1", nexmo.WithSource(stored))
		other := map[string]string{"CON-1": "CON-2", "CON-2": "CON-1"}
		var mu sync.Mutex
		got := map[string][]string{}
		a.OnConversation(func(c *nexmo.Conversation) {
			c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
				mu.Lock()
				got[c.ID()] = append(got[c.ID()], fmt.Sprint(e.Type, " ", e.ID))
				mu.Unlock()
				if e.ID == 0 {
					return nil
				}
				time.Sleep(time.Second) // both are at it
				return errors.Join(
					a.Deliver(ctx, told(t, `{"type":"text:typing:on","conversation_id":"`+c.ID()+`","body":{}}`)),
					a.Deliver(ctx, told(t, `{"type":"text:typing:off","conversation_id":"`+other[c.ID()]+`","body":{}}`)))
			})
			if err := c.Sync(t.Context()); err != nil {
				t.Errorf("Sync of %s: %v", c.ID(), err)
			}
		})
		var wg sync.WaitGroup
		for c := range other {
			wg.Go(func() { tell(t, a, textIn(c, 2), textIn(c, 3)) })
		}
		wg.Wait()
		for c := range other {
			slices.Sort(got[c])
			want := []string{"text 1", "text 2", "text 3"}
			for range 3 {
				want = append(want, "text:typing:off 0")
			}
			for range 3 {
				want = append(want, "text:typing:on 0")
			}
			if diff := cmp.Diff(want, got[c]); diff != "" {
				t.Errorf("handled in %s (-want +got):\n%s", c, diff)
			}
		}
	})
}

// TestApplicationOnConversationOnce makes many goroutines hear of a conversation
// at once: all wait until the one that was first has introduced it.
func TestApplicationOnConversationOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := nexmo.NewApplication("APP-1", nexmo.WithStart(1))
		introduced, handled := 0, 0
		proceed := make(chan struct{})
		a.OnConversation(func(c *nexmo.Conversation) {
			introduced++
			<-proceed
			c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
				handled++
				return nil
			})
		})
		impatient, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for id := 1; id <= 20; id++ {
			wg.Go(func() { tell(t, a, textIn("CON-1", id)) })
		}
		synctest.Wait() // one is in the function, the others wait for it
		gaveUp := make(chan error, 1)
		go func() { gaveUp <- a.Deliver(impatient, told(t, textIn("CON-1", 21))) }()
		synctest.Wait()
		if introduced != 1 || handled != 0 {
			t.Errorf("introduced %d times, %d events handled, before the function returned", introduced, handled)
		}
		cancel()
		if err := <-gaveUp; !errors.Is(err, context.Canceled) {
			t.Errorf("Deliver: %v, want that the context ended", err)
		}
		tell(t, a, `{"type":"app:knocking","from":"knocker:1","body":{}}`) // does not wait
		close(proceed)
		wg.Wait()
		if introduced != 1 || handled != 20 {
			t.Errorf("introduced %d times, want 1; handled %d events, want 20", introduced, handled)
		}
	})
}

// TestApplicationLetsGoOfTheQuietest keeps no more conversations than it is told.
func TestApplicationLetsGoOfTheQuietest(t *testing.T) {
	t.Parallel()
	a := nexmo.NewApplication("APP-1", nexmo.WithMaxConversations(3))
	introduced := map[string]int{}
	a.OnConversation(func(c *nexmo.Conversation) { introduced[c.ID()]++ })
	check := func(want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, conversationIDs(a)); diff != "" {
			t.Errorf("Conversations() (-want +got):\n%s", diff)
		}
	}
	tell(t, a, textIn("CON-1", 1), textIn("CON-2", 1), textIn("CON-3", 1), textIn("CON-1", 2))
	check("CON-1", "CON-2", "CON-3")
	tell(t, a, textIn("CON-4", 1))
	check("CON-1", "CON-3", "CON-4")
	a.Conversation("CON-3") // asking for it is using it
	tell(t, a, textIn("CON-5", 1))
	check("CON-3", "CON-4", "CON-5")

	// Deleted ones go first, however lately they were used.
	tell(t, a, `{"type":"conversation:deleted","body":{"id":"CON-5"}}`, textIn("CON-6", 1))
	check("CON-3", "CON-4", "CON-6")
	tell(t, a, textIn("CON-7", 1))
	check("CON-3", "CON-6", "CON-7")

	// One that is heard of again is a new one.
	tell(t, a, textIn("CON-1", 1))
	check("CON-6", "CON-7", "CON-1")
	if got := a.Conversation("CON-1").LastEventID(); got != 1 {
		t.Errorf("LastEventID() = %d, want 1", got)
	}
	want := map[string]int{"CON-1": 2, "CON-2": 1, "CON-3": 1, "CON-4": 1, "CON-5": 1, "CON-6": 1, "CON-7": 1}
	if diff := cmp.Diff(want, introduced); diff != "" {
		t.Errorf("introduced (-want +got):\n%s", diff)
	}
}

// TestApplicationKeepsBusyConversations lets none go whose events are being
// handled or held back.
func TestApplicationKeepsBusyConversations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := nexmo.NewApplication("APP-1", nexmo.WithMaxConversations(1))
		proceed := make(chan struct{})
		a.On(nexmo.EventImage, func(context.Context, *nexmo.Event) error {
			<-proceed
			return nil
		})
		var wg sync.WaitGroup
		wg.Go(func() { tell(t, a, `{"id":1,"type":"image","conversation_id":"CON-handling","body":{}}`) })
		synctest.Wait()
		tell(t, a, textIn("CON-holding", 1))
		wg.Go(func() { tell(t, a, textIn("CON-holding", 3)) })
		synctest.Wait()
		tell(t, a, textIn("CON-1", 1), textIn("CON-2", 1))
		if diff := cmp.Diff([]string{"CON-handling", "CON-holding", "CON-2"}, conversationIDs(a)); diff != "" {
			t.Errorf("while two are busy (-want +got):\n%s", diff)
		}
		tell(t, a, textIn("CON-holding", 2))
		close(proceed)
		wg.Wait()
		tell(t, a, textIn("CON-3", 1))
		if diff := cmp.Diff([]string{"CON-3"}, conversationIDs(a)); diff != "" {
			t.Errorf("afterwards (-want +got):\n%s", diff)
		}
	})
}

// TestApplicationLetsGoOfTheIdle lets go of what was quiet for too long.
func TestApplicationLetsGoOfTheIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := nexmo.NewApplication("APP-1", nexmo.WithIdleTimeout(time.Hour))
		check := func(want ...string) {
			t.Helper()
			if diff := cmp.Diff(want, conversationIDs(a)); diff != "" {
				t.Errorf("Conversations() (-want +got):\n%s", diff)
			}
		}
		tell(t, a, textIn("CON-1", 1), textIn("CON-2", 1), textIn("CON-gone", 1),
			`{"type":"conversation:deleted","body":{"id":"CON-gone"}}`)
		gone := a.Conversation("CON-gone")
		time.Sleep(40 * time.Minute)
		tell(t, a, textIn("CON-1", 2))
		check("CON-1", "CON-2")
		time.Sleep(40 * time.Minute)
		tell(t, a, textIn("CON-3", 1))
		check("CON-1", "CON-3")
		if a.Conversation("CON-gone") == gone {
			t.Error("a deleted conversation is kept though it was quiet")
		}
		time.Sleep(2 * time.Hour)
		tell(t, a, textIn("CON-1", 3)) // it is what is used, however late
		check("CON-1")
		if got := a.Conversation("CON-1").LastEventID(); got != 3 {
			t.Errorf("LastEventID() = %d, want 3", got)
		}
	})
}

func TestApplicationClose(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := nexmo.NewApplication("APP-1")
		var mu sync.Mutex
		var handled []string
		var gaps []nexmo.Gap
		boom := errors.New("boom")
		b := nexmo.NewApplication("APP-2", nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) {
			mu.Lock()
			defer mu.Unlock()
			gaps = append(gaps, g)
		}))
		b.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			mu.Lock()
			defer mu.Unlock()
			handled = append(handled, fmt.Sprintf("%s %d", e.ConversationID, e.ID))
			if e.ID == 5 {
				return boom
			}
			return nil
		})
		tell(t, b, textIn("CON-1", 1), textIn("CON-2", 1))
		var wg sync.WaitGroup
		wg.Go(func() { tell(t, b, textIn("CON-1", 3)) })
		synctest.Wait()
		wg.Go(func() {
			if err := b.Deliver(t.Context(), told(t, textIn("CON-2", 5))); !errors.Is(err, boom) {
				t.Errorf("Deliver: %v, want the error of the handler", err)
			}
		})
		synctest.Wait()
		start := time.Now()
		if err := b.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		wg.Wait()
		if waited := time.Since(start); waited != 0 {
			t.Errorf("what was held back had to wait for %v more", waited)
		}
		slices.Sort(handled)
		if diff := cmp.Diff([]string{"CON-1 1", "CON-1 3", "CON-2 1", "CON-2 5"}, handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		slices.SortFunc(gaps, func(x, y nexmo.Gap) int { return strings.Compare(x.ConversationID, y.ConversationID) })
		wantGaps := []nexmo.Gap{{ConversationID: "CON-1", From: 2, To: 2}, {ConversationID: "CON-2", From: 2, To: 4}}
		if diff := cmp.Diff(wantGaps, gaps); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}

		// Nothing is taken after Close, and what is known stays known.
		for _, app := range []*nexmo.Application{a, b} {
			if err := app.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
			known := conversationIDs(app)
			for _, text := range []string{
				textIn("CON-1", 9), textIn("CON-9", 1), `{"type":"app:knocking","body":{}}`,
				`{"type":"conversation:created","body":{"id":"CON-8"}}`,
			} {
				if err := app.Deliver(t.Context(), told(t, text)); !errors.Is(err, nexmo.ErrClosed) {
					t.Errorf("Deliver after Close: %v, want ErrClosed", err)
				}
			}
			c := app.Conversation("CON-9")
			if err := c.Deliver(t.Context(), told(t, textIn("CON-9", 1))); !errors.Is(err, nexmo.ErrClosed) {
				t.Errorf("Deliver to a conversation made after Close: %v, want ErrClosed", err)
			}
			if diff := cmp.Diff(known, conversationIDs(app)); diff != "" {
				t.Errorf("Conversations() (-want +got):\n%s", diff)
			}
		}
		if diff := cmp.Diff([]string{"CON-1", "CON-2"}, conversationIDs(b)); diff != "" {
			t.Errorf("Conversations() (-want +got):\n%s", diff)
		}
	})
}

// TestApplicationConversationAfterClose asks for a conversation that was heard of.
func TestApplicationConversationAfterClose(t *testing.T) {
	t.Parallel()
	a := nexmo.NewApplication("APP-1")
	tell(t, a, priyaInvited, priyaJoined)
	c := a.Conversation("CON-1")
	if err := a.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	if a.Conversation("CON-1") != c {
		t.Error("Conversation made another one of the same ID")
	}
	checkMembers(t, c, priyaInside())
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

// TestApplicationKeepsNoEventAlive checks that a conversation which an event
// made known does not keep its text.
func TestApplicationKeepsNoEventAlive(t *testing.T) { //nolint:paralleltest // it measures the heap
	const conversations, padding = 200, 64 << 10
	pad := strings.Repeat("x", padding)
	for _, text := range []string{
		`{"id":1,"type":"text","conversation_id":"CON-%d","padding":"%s"}`,
		`{"type":"conversation:created","body":{"id":"CON-%d","name":"repairs"},"padding":"%s"}`,
		`{"type":"conversation:deleted","body":{"id":"CON-%d","name":"repairs"},"padding":"%s"}`,
	} {
		a := nexmo.NewApplication("APP-1")
		before := heapInUse()
		for n := range conversations {
			tell(t, a, fmt.Sprintf(text, n, pad))
		}
		if grown, limit := heapInUse()-before, int64(conversations*padding/4); grown > limit {
			t.Errorf("%.40s…: %d conversations hold %d KB, more than %d KB", text, conversations, grown>>10, limit>>10)
		}
		if a.Conversation("CON-0").ID() != "CON-0" {
			t.Error("the conversation is not kept")
		}
	}
}
