package nexmo_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// "No goroutine outlives its owner: whatever runs has Run(ctx) or Close."
// Close gives up the gaps and flushes what was held back.
func TestContract10_CloseFlushesWhatIsHeldBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(1, 2, 3)
		app := nexmo.NewApplication("", nexmo.WithStart(1), nexmo.WithGapFunc(j.gap), nexmo.WithSource(source))
		app.On(nexmo.EventAny, j.handle)
		c := app.Conversation(conA)
		waiting := beginDeliver(t.Context(), app, numbered(3))
		waiting.waits(t)
		replay := begin(func() error { return nexmo.Replay(t.Context(), app, scripted(5, 7), conA, 0) })
		replay.waits(t)
		elapsed(t, 0, func() { checkError(t, app.Close(), nil) })
		waiting.returns(t, nil)
		replay.returns(t, nil)
		j.is(t, "gap 1-2", "3", "gap 4-4", "5", "gap 6-6", "7")
		source.is(t) // Close waits for nothing, so it asks nobody
		for _, to := range []nexmo.Sink{app, c, app.Conversation(conB)} {
			checkError(t, to.Deliver(t.Context(), &nexmo.Event{Type: "text:typing:on"}), nexmo.ErrClosed)
		}
		checkError(t, app.Close(), nil)
		checkError(t, c.Close(), nil)
		time.Sleep(time.Hour)
		j.is(t, "gap 1-2", "3", "gap 4-4", "5", "gap 6-6", "7")
	})
}

// Close can be called while handlers run, and from one.
func TestContract10_CloseWhileHandlersRun(t *testing.T) {
	t.Parallel()
	for _, own := range []bool{false, true} {
		t.Run(fmt.Sprintf("from a handler %v", own), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				release := make(chan struct{})
				app := nexmo.NewApplication("", nexmo.WithGapFunc(j.gap))
				app.On(nexmo.EventAny, j.handle)
				app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
					if e.ID != 1 {
						return nil
					}
					<-release
					if own {
						checkError(t, app.Close(), nil)
					}
					return app.Deliver(ctx, numbered(9)) // closed by then
				})
				first := beginDeliver(t.Context(), app, numbered(1))
				first.waits(t)
				third, second, fifth := beginDeliver(t.Context(), app, numbered(3)), beginDeliver(t.Context(), app, numbered(2)), beginDeliver(t.Context(), app, numbered(5))
				third.waits(t)
				second.waits(t)
				fifth.waits(t)
				if !own {
					checkError(t, app.Close(), nil)
				}
				third.waits(t)
				close(release)
				first.returns(t, nexmo.ErrClosed)
				for _, p := range []pending{second, third, fifth} {
					p.returns(t, nil)
				}
				j.is(t, "1", "2", "3", "gap 4-4", "5")
			})
		})
	}
}

// A handler that ends its goroutine while an Application is closed leaves nothing
// held back in the other conversations.
func TestContract10_CloseWhenAHandlerEndsItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := nexmo.NewApplication("", nexmo.WithReorderWindow(64, time.Hour))
		app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			j.add("%s %d", e.ConversationID, e.ID)
			if e.ConversationID == conA && e.ID == 3 {
				runtime.Goexit()
			}
			return nil
		})
		var replay pending
		for _, con := range []string{conA, conB} {
			checkError(t, app.Deliver(t.Context(), numberedIn(con, 1)), nil)
			// Handed over: it is for whoever closes the conversation.
			replay = begin(func() error { return nexmo.Replay(t.Context(), app, scripted(numberedIn(con, 3)), con, 0) })
			replay.waits(t)
		}
		closing := begin(app.Close)
		synctest.Wait()
		if len(closing) > 0 {
			t.Error("Close returned")
		}
		replay.returns(t, nil)
		j.is(t, "CON-A 1", "CON-B 1", "CON-A 3", "CON-B 3")
	})
}

// Close of one conversation that hands its events to another, which is closed
// too, ends.
func TestContract10_CloseOfConversationsThatDeliverToEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := nexmo.NewApplication("", nexmo.WithStart(1))
		a, b := app.Conversation(conA), app.Conversation(conB)
		sinks := map[string]nexmo.Sink{conA: b, conB: a}
		app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			j.add("%s %d", e.ConversationID, e.ID)
			if e.ID == 1 {
				return app.Close()
			}
			return sinks[e.ConversationID].Deliver(ctx, &nexmo.Event{Type: "text:typing:on"})
		})
		for _, con := range []string{conA, conB} {
			replay := begin(func() error { return nexmo.Replay(t.Context(), app, scripted(numberedIn(con, 3)), con, 0) })
			replay.waits(t)
			defer replay.returns(t, nil)
		}
		closing := beginDeliver(t.Context(), app, numberedIn(conB, 1))
		closing.waitsOrReturns(t)
		slices.Sort(j.entries)
		j.is(t, "CON-A 3", "CON-B 1", "CON-B 3")
	})
}

// "… what waits for a gap ends with Close": the wait for the window, the reading of
// the Source and a Replay that handed events over. The bubble fails the test if a
// goroutine is left.
func TestContract10_WhatWaitsForAGapEndsWithClose(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		source nexmo.Source
	}{
		{"without a Source", nil},
		{"while the Source is read", scripted(func(ctx context.Context) { <-ctx.Done() }, errBoom)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				opts := []nexmo.ConversationOption{nexmo.WithStart(1), nexmo.WithReorderWindow(64, 24*time.Hour)}
				if tt.source != nil {
					opts = append(opts, nexmo.WithSource(tt.source))
				}
				c := newConA(&j, opts...)
				waiting := beginDeliver(t.Context(), c, numbered(3))
				replay := begin(func() error { return nexmo.Replay(t.Context(), c, scripted(5), conA, 0) })
				time.Sleep(time.Minute)
				waiting.waits(t)
				replay.waits(t)
				elapsed(t, 0, func() { checkError(t, c.Close(), nil) })
				waiting.returns(t, nil)
				replay.returns(t, nil)
				j.is(t, "gap 1-2", "3", "gap 4-4", "5")
			})
		})
	}
}
