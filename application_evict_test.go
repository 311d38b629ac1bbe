package nexmo_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// checkKept fails the test unless the application keeps these conversations.
func checkKept(t *testing.T, app *nexmo.Application, want ...string) {
	t.Helper()
	var got []string
	for c := range app.Conversations() {
		got = append(got, c.ID())
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("conversations (-want +got):\n%s", diff)
	}
}

func deliverTo(t *testing.T, app *nexmo.Application, conversations ...string) {
	t.Helper()
	for _, con := range conversations {
		checkError(t, app.Deliver(t.Context(), &nexmo.Event{Type: "text:typing:on", ConversationID: con}), nil)
	}
}

// WithIdleTimeout: "for how long a conversation may be quiet before an
// application lets it go".
func TestApplication_LetsGoOfIdleConversations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		release := make(chan struct{})
		app := nexmo.NewApplication("", nexmo.WithIdleTimeout(time.Hour), nexmo.WithReorderWindow(64, 24*time.Hour))
		app.OnConversation(func(c *nexmo.Conversation) { j.add("new %s", c.ID()) })
		app.On("custom:block", func(context.Context, *nexmo.Event) error { <-release; return nil })

		deliverTo(t, app, "quiet", "busy", "held", "used", "silent")
		j.is(t, "new quiet", "new busy", "new held", "new used", "new silent")
		quiet := app.Conversation("quiet")
		deliverTo(t, app, "busy", "held", "used", "silent")
		used := app.Conversation("used")
		busy := beginDeliver(t.Context(), app, &nexmo.Event{Type: "custom:block", ConversationID: "busy"})
		checkError(t, app.Deliver(t.Context(), numberedIn("held", 1)), nil)
		held := beginDeliver(t.Context(), app, numberedIn("held", 3))
		busy.waits(t)
		held.waits(t)
		for range 9 {
			time.Sleep(10 * time.Minute)
			// Delivered to directly, a conversation is not quiet either.
			checkError(t, used.Deliver(t.Context(), numberedIn("used", 0)), nil)
		}
		deliverTo(t, app, "last")
		checkKept(t, app, "busy", "held", "used", "last")
		if app.Conversation("quiet") == quiet {
			t.Error("the conversation is still the same one")
		}
		if app.Conversation("used") != used {
			t.Error("a conversation that was used was let go")
		}
		close(release)
		busy.returns(t, nil)
		checkError(t, app.Deliver(t.Context(), numberedIn("held", 2)), nil)
		held.returns(t, nil)
		j.is(t, "new quiet", "new busy", "new held", "new used", "new silent", "new last", "new quiet")
		time.Sleep(2 * time.Hour)
		deliverTo(t, app, "end")
		checkKept(t, app, "end")
	})
}

// WithMaxConversations: "the ones that were quiet longest are let go first,
// deleted ones before others", and never one with an event under way.
func TestApplication_LetsGoOfTheLongestQuiet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(3), nexmo.WithReorderWindow(64, 24*time.Hour))
		deliverTo(t, app, "a", "b", "c", "a", "d")
		checkKept(t, app, "a", "c", "d")
		// A deleted one goes first, although it was used last.
		deleted := &nexmo.Event{Type: nexmo.EventConversationDeleted, Body: &nexmo.ConversationDeleted{ConversationDetails: nexmo.ConversationDetails{ID: "d"}}}
		checkError(t, app.Deliver(t.Context(), deleted), nil)
		checkKept(t, app, "a", "c")
		deliverTo(t, app, "e")
		checkKept(t, app, "a", "c", "e")
		// One that holds an event back stays, and the next one goes.
		checkError(t, app.Deliver(t.Context(), numberedIn("c", 1)), nil)
		held := beginDeliver(t.Context(), app, numberedIn("c", 3))
		held.waits(t)
		deliverTo(t, app, "a", "e", "f")
		checkKept(t, app, "c", "e", "f")
		deliverTo(t, app, "g", "h")
		checkKept(t, app, "c", "g", "h")
		checkError(t, app.Deliver(t.Context(), numberedIn("c", 2)), nil)
		held.returns(t, nil)
		deliverTo(t, app, "g", "h", "i")
		checkKept(t, app, "g", "h", "i")
	})
}

// A conversation that was delivered to directly was not quiet.
func TestApplication_DirectUseCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(3))
		for _, con := range []string{"a", "b", "c"} {
			deliverTo(t, app, con)
			time.Sleep(time.Second)
		}
		checkError(t, app.Conversation("c").Deliver(t.Context(), numberedIn("c", 0)), nil)
		a := app.Conversation("a")
		deliverTo(t, app, "b", "c")
		time.Sleep(time.Second)
		checkError(t, a.Deliver(t.Context(), numberedIn("a", 0)), nil)
		time.Sleep(time.Second)
		deliverTo(t, app, "d")
		checkKept(t, app, "a", "c", "d")
		deliverTo(t, app, "e")
		checkKept(t, app, "a", "d", "e")
	})
}

// A conversation is kept for the event that is on its way to it, also while the
// functions given to OnConversation run.
func TestApplication_KeepsAConversationThatIsBeingIntroduced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithMaxConversations(1))
		var introduced []*nexmo.Conversation
		app.OnConversation(func(c *nexmo.Conversation) {
			introduced = append(introduced, c)
			if c.ID() == conA {
				time.Sleep(time.Second)
			}
		})
		first := beginDeliver(t.Context(), app, numbered(1))
		first.waits(t)
		deliverTo(t, app, conB, conB)
		time.Sleep(time.Second)
		first.returns(t, nil)
		if c := app.Conversation(conA); c != introduced[0] || c.LastEventID() != 1 {
			t.Errorf("the conversation was let go while an event was on its way to it")
		}
	})
}

// A deleted conversation stays for what comes late, and to know its duplicates.
func TestApplication_DeletedConversationKnowsItsDuplicates(t *testing.T) {
	t.Parallel()
	var j journal
	app := nexmo.NewApplication("")
	app.On(nexmo.EventAny, j.handle)
	mustDeliver(t, app, 1, 2)
	checkError(t, app.Deliver(t.Context(), &nexmo.Event{ID: 3, ConversationID: conA, Type: nexmo.EventConversationDeleted, Body: new(nexmo.ConversationDeleted)}), nil)
	mustDeliver(t, app, 1, 2, 3, 4, 4)
	j.is(t, "1", "2", "3", "4")
	checkKept(t, app)
}

// However many goroutines come and go, a conversation that is let go and heard of
// again is introduced again, and no event is lost on the way.
func TestApplication_EvictionUnderLoad(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("", nexmo.WithMaxConversations(4))
	var made, handled atomic.Int64
	app.OnConversation(func(c *nexmo.Conversation) {
		made.Add(1)
		c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { handled.Add(1); return nil })
	})
	const workers, each = 8, 500
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				e := &nexmo.Event{Type: "text:typing:on", ConversationID: fmt.Sprint("CON-", (w*7+i)%50)}
				checkError(t, app.Deliver(t.Context(), e), nil)
			}
		})
	}
	wg.Wait()
	if got := handled.Load(); got != workers*each {
		t.Errorf("%d events were handled, want %d; %d conversations were made", got, workers*each, made.Load())
	}
	// 50 conversations took turns in 4 places.
	if got := made.Load(); got <= 50 {
		t.Errorf("%d conversations were made, want more than 50: evicted ones are made again", got)
	}
	// While events are under way, more are kept; not afterwards.
	deliverTo(t, app, "CON-LAST")
	if kept := len(slices.Collect(app.Conversations())); kept != 4 {
		t.Errorf("%d conversations are kept, want 4", kept)
	}
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
