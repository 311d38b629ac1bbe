package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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
