package nexmo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"runtime"
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

// OnConversation is called once for each conversation, before its first event,
// however many goroutines deliver.
func TestApplication_OnConversationOnceBeforeTheFirstEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("")
		var early, calls, handled atomic.Int32
		app.OnConversation(func(c *nexmo.Conversation) {
			if app.Conversation(c.ID()) != c {
				t.Error("the conversation is not the one that the application keeps")
			}
			time.Sleep(time.Second)
			c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { handled.Add(1); return nil })
			calls.Add(1)
		})
		app.OnConversation(func(c *nexmo.Conversation) { panic(c.ID()) }) // it hurts nobody
		app.OnConversation(func(*nexmo.Conversation) { calls.Add(1) })
		app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error {
			if calls.Load() < 2 {
				early.Add(1)
			}
			return nil
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() { checkError(t, app.Deliver(t.Context(), typingBy("MEM-1")), nil) })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		synctest.Wait()
		checkError(t, app.Deliver(ctx, typingBy("MEM-1")), context.DeadlineExceeded)
		wg.Wait()
		if early.Load() != 0 || calls.Load() != 2 || handled.Load() != 50 {
			t.Errorf("%d events were early, %d calls, %d events were handled; want 0, 2 and 50", early.Load(), calls.Load(), handled.Load())
		}
	})
}

// A hook that ends its goroutine leaves a conversation that works, and can be
// let go.
func TestApplication_OnConversationEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithIdleTimeout(time.Hour))
		var j journal
		app.On(nexmo.EventAny, j.handle)
		exit := true
		app.OnConversation(func(*nexmo.Conversation) {
			if exit {
				exit = false
				runtime.Goexit()
			}
		})
		beginDeliver(t.Context(), app, numbered(1)).waits(t)
		mustDeliver(t, app, 1)
		j.is(t, "1")
		time.Sleep(2 * time.Hour)
		checkError(t, app.Deliver(t.Context(), numberedIn(conB, 1)), nil)
		checkKept(t, app, conB)
	})
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
