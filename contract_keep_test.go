package nexmo_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// slowly is a Source with the events 1 to last, each of which takes a second.
func slowly(last nexmo.EventID) *shelf {
	return &shelf{read: func(ctx context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
		for id := after + 1; id <= last; id++ {
			time.Sleep(time.Second)
			if ctx.Err() != nil || !yield(numbered(id), nil) {
				return
			}
		}
	}}
}

// "A conversation that is Synced, Loaded or Replayed is not evicted meanwhile": its events
// are handled once, and one at a time, however many other conversations are heard of.
func TestApplication_KeepsWhatIsReadInto(t *testing.T) {
	t.Parallel()
	const last = 40
	for name, read := range map[string]func(t *testing.T, app *nexmo.Application, src nexmo.Source) error{
		"Sync": func(t *testing.T, app *nexmo.Application, _ nexmo.Source) error {
			t.Helper()
			return app.Conversation(conA).Sync(t.Context())
		},
		"Replay": func(t *testing.T, app *nexmo.Application, src nexmo.Source) error {
			t.Helper()
			return nexmo.Replay(t.Context(), app, src, conA, 0)
		},
		"Replay into the conversation": func(t *testing.T, app *nexmo.Application, src nexmo.Source) error {
			t.Helper()
			return nexmo.Replay(t.Context(), app.Conversation(conA), src, conA, 0)
		},
		"Replay into a SinkFunc": func(t *testing.T, app *nexmo.Application, src nexmo.Source) error {
			t.Helper()
			return nexmo.Replay(t.Context(), nexmo.SinkFunc(app.Deliver), src, conA, 0)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				src := slowly(last)
				app := nexmo.NewApplication("", nexmo.WithMaxConversations(1), nexmo.WithIdleTimeout(time.Millisecond), nexmo.WithSource(src))
				var mu sync.Mutex
				handled, inside := map[nexmo.EventID]int{}, 0
				app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
					if e.ConversationID != conA {
						return nil
					}
					mu.Lock()
					handled[e.ID]++
					if inside++; inside > 1 {
						t.Errorf("%d is handled while another is", e.ID)
					}
					mu.Unlock()
					time.Sleep(100 * time.Millisecond)
					mu.Lock()
					inside--
					mu.Unlock()
					return nil
				})
				reading := begin(func() error { return read(t, app, src) })
				time.Sleep(1500 * time.Millisecond) // the first event was handled
				for n := range 3 * last {
					deliverTo(t, app, fmt.Sprint("other", n))
					if n%9 == 0 { // a live event, which was read or will be
						live := numbered(nexmo.EventID(n/3 + 1))
						checkError(t, <-beginDeliver(t.Context(), app, live), nil)
					}
					time.Sleep(300 * time.Millisecond)
				}
				checkError(t, <-reading, nil)
				for id := nexmo.EventID(1); id <= last; id++ {
					if handled[id] != 1 {
						t.Errorf("%d was handled %d times", id, handled[id])
					}
				}
				// Then it may go.
				time.Sleep(time.Second)
				deliverTo(t, app, "end", "end2")
				checkKept(t, app, "end2")
			})
		})
	}
}

// A conversation that is loaded is kept, too.
func TestApplication_KeepsWhatIsLoaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		answer := make(chan struct{})
		app, _ := loadingApp(t, func(r *http.Request) error {
			select {
			case <-answer:
				return nil
			case <-r.Context().Done():
				return r.Context().Err()
			}
		}, nexmo.WithoutLoading(), nexmo.WithMaxConversations(1))
		c := app.Conversation("CON-1")
		loading := begin(func() error { return c.Load(t.Context()) })
		loading.waits(t)
		deliverTo(t, app, conB, "CON-C")
		checkKept(t, app, "CON-1", "CON-C")
		close(answer)
		loading.returns(t, nil)
		if kept, ok := app.Lookup("CON-1"); kept != c || !ok {
			t.Error("it was evicted while it was loaded")
		}
		deliverTo(t, app, conB)
		checkKept(t, app, conB)
	})
}

// A conversation that was evicted returns to the application when the program uses it: what
// it handled is known.
func TestApplication_AnEvictedConversationReturns(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(t *testing.T, c *nexmo.Conversation){
		"Deliver": func(t *testing.T, c *nexmo.Conversation) {
			t.Helper()
			mustDeliver(t, c, 2, 3)
		},
		"Sync": func(t *testing.T, c *nexmo.Conversation) {
			t.Helper()
			checkError(t, c.Sync(t.Context()), nil)
		},
		"Replay": func(t *testing.T, c *nexmo.Conversation) {
			t.Helper()
			checkError(t, nexmo.Replay(t.Context(), c, stored(1, 2, 3), conA, 0), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := newAppA(&j, nexmo.WithMaxConversations(1), nexmo.WithSource(stored(1, 2, 3)))
				app.OnConversation(func(c *nexmo.Conversation) { j.add("made %s", c.ID()) })
				mustDeliver(t, app, 1, 2)
				c, _ := app.Lookup(conA)
				c.On(nexmo.EventText, func(_ context.Context, e *nexmo.Event) error { j.add("own %d", e.ID); return nil })
				deliverTo(t, app, conB)
				checkKept(t, app, conB)
				if !c.Handled(conA, 2) || app.Handled(conA, 2) {
					t.Error("what it handled is not known, or an evicted one is asked")
				}
				use(t, c)
				checkKept(t, app, conA)
				mustDeliver(t, app, 1, 2, 3)
				j.is(t, "made CON-A", "1", "2", "made CON-B", "", "3", "own 3")
				if kept, ok := app.Lookup(conA); kept != c || !ok {
					t.Error("the application keeps another one")
				}
			})
		})
	}
}

// If another one was made meanwhile, that one is used: two never handle events of the same
// conversation.
func TestApplication_AnEvictedConversationThatWasReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := newAppA(&j, nexmo.WithMaxConversations(1), nexmo.WithSource(stored(1, 2, 3, 4)))
		mustDeliver(t, app, 1)
		old, _ := app.Lookup(conA)
		old.On(nexmo.EventText, func(_ context.Context, e *nexmo.Event) error { j.add("old %d", e.ID); return nil })
		deliverTo(t, app, conB)
		app.OnConversation(func(c *nexmo.Conversation) {
			c.On(nexmo.EventText, func(_ context.Context, e *nexmo.Event) error { j.add("new %d", e.ID); return nil })
		})
		mustDeliver(t, app, 2)
		mustDeliver(t, old, 2, 3)
		checkError(t, old.Sync(t.Context()), nil)
		checkError(t, nexmo.Replay(t.Context(), old, stored(4, 5), conA, 3), nil)
		j.is(t, "1", "", "2", "new 2", "3", "new 3", "4", "new 4", "5", "new 5")
		current, _ := app.Lookup(conA)
		if current == old || current.LastEventID() != 5 || old.LastEventID() != 1 {
			t.Errorf("the old one is at %d", old.LastEventID())
		}
		checkError(t, app.Close(), nil)
		checkError(t, old.Deliver(t.Context(), numbered(6)), nexmo.ErrClosed)
		checkError(t, old.Sync(t.Context()), nexmo.ErrClosed)
	})
}

// A deleted conversation that returns is a deleted one.
func TestApplication_ADeletedConversationReturns(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("", nexmo.WithMaxConversations(1))
	mustDeliver(t, app, 1)
	c, _ := app.Lookup(conA)
	checkError(t, app.Deliver(t.Context(), &nexmo.Event{ID: 2, ConversationID: conA, Type: nexmo.EventConversationDeleted, Body: new(nexmo.ConversationDeleted)}), nil)
	if kept, ok := app.Lookup(conA); kept != c || !ok {
		t.Error("it is not kept for what comes late")
	}
	deliverTo(t, app, conB)
	if _, ok := app.Lookup(conA); ok {
		t.Error("it was not evicted")
	}
	mustDeliver(t, c, 2, 3)
	checkKept(t, app)
	if kept, ok := app.Lookup(conA); kept != c || !ok {
		t.Error("it has not returned")
	}
}

// Within a handler, what is delivered to a conversation that is evicted before its turn
// finds the one that has its place.
func TestApplication_EvictedWhileAnEventIsQueued(t *testing.T) {
	t.Parallel()
	for name, deliver := range map[string]func(context.Context, *nexmo.Conversation) error{
		"Deliver": func(ctx context.Context, c *nexmo.Conversation) error { return c.Deliver(ctx, numbered(2)) },
		"Sync":    func(ctx context.Context, c *nexmo.Conversation) error { return c.Sync(ctx) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := newAppA(&j, nexmo.WithMaxConversations(1), nexmo.WithSource(stored(2)))
				mustDeliver(t, app, 1)
				old, _ := app.Lookup(conA)
				app.On(nexmo.EventCustomAny, func(ctx context.Context, _ *nexmo.Event) error {
					err := deliver(ctx, old)
					deliverTo(t, app, conB) // evicts it
					mustDeliver(t, app, 1)  // makes another one
					return err
				})
				checkError(t, app.Deliver(t.Context(), &nexmo.Event{Type: "custom:x", ConversationID: "CON-C", Body: &nexmo.Custom{Name: "x"}}), nil)
				if got := old.LastEventID(); got != 1 {
					t.Errorf("the evicted one has handled %d", got)
				}
				mustDeliver(t, app, 2)
				j.is(t, "1", "", "", "1", "2")
			})
		})
	}
}

// Lookup "makes none, and does not count as use".
func TestApplicationLookup(t *testing.T) {
	t.Parallel()
	app := nexmo.NewApplication("", nexmo.WithMaxConversations(2))
	made := 0
	app.OnConversation(func(*nexmo.Conversation) { made++ })
	if c, ok := app.Lookup("a"); c != nil || ok || made != 0 {
		t.Errorf("Lookup returned %v, %v and made %d", c, ok, made)
	}
	deliverTo(t, app, "a", "b")
	a, ok := app.Lookup("a")
	if !ok || a != app.Conversation("a") {
		t.Error("it is not the one that the application keeps")
	}
	app.Conversation("b")
	for range 3 {
		app.Lookup("a")
		app.Handled("a", 1)
	}
	deliverTo(t, app, "c")
	checkKept(t, app, "b", "c")
	checkError(t, app.Close(), nil)
	if _, ok := app.Lookup("b"); !ok {
		t.Error("a closed application has lost its conversations")
	}
	var got []bool
	for _, id := range []string{"", "a"} {
		_, ok := app.Lookup(id)
		got = append(got, ok)
	}
	if diff := cmp.Diff([]bool{false, false}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// "Handled … false in doubt".
func TestHandled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := nexmo.NewApplication("", nexmo.WithStart(1))
		release, failing := make(chan struct{}), true
		app.On(nexmo.EventText, func(_ context.Context, e *nexmo.Event) error {
			switch {
			case e.ID == 4 && failing:
				return errBoom
			case e.ID == 5:
				<-release
			}
			return nil
		})
		is := func(when string, want ...nexmo.EventID) {
			t.Helper()
			var got, own []nexmo.EventID
			c, _ := app.Lookup(conA)
			for _, id := range []nexmo.EventID{-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9e18} {
				if app.Handled(conA, id) {
					got = append(got, id)
				}
				if c != nil && c.Handled(conA, id) {
					own = append(own, id)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
			if diff := cmp.Diff(got, own); diff != "" {
				t.Errorf("%s, by the conversation (-application +conversation):\n%s", when, diff)
			}
			if app.Handled(conB, 1) || app.Handled("", 1) || c != nil && (c.Handled(conB, 1) || c.Handled("", 1)) {
				t.Errorf("%s: in another conversation, too", when)
			}
		}
		is("unknown")
		if _, ok := app.Lookup(conA); ok {
			t.Error("Handled made a conversation")
		}
		mustDeliver(t, app, 1, 2, 3, 0)
		mustDeliver(t, app, 9e18)
		checkError(t, app.Deliver(t.Context(), numbered(4)), errBoom)
		is("one has failed", 1, 2, 3)
		running := beginDeliver(t.Context(), app, numbered(5))
		held := beginDeliver(t.Context(), app, numbered(7))
		held.waits(t)
		is("one runs, one is held back", 1, 2, 3)
		close(release)
		running.returns(t, nil)
		time.Sleep(time.Minute)
		held.returns(t, nil)
		is("6 is missing", 1, 2, 3, 5, 7)
		failing = false
		mustDeliver(t, app, 4, 6)
		is("all came", 1, 2, 3, 4, 5, 6, 7)
		checkError(t, app.Close(), nil)
		is("closed", 1, 2, 3, 4, 5, 6, 7)
	})
}
