package nexmo_test

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// "Handlers may call On, off, Once, Use and Deliver; … off is idempotent and
// takes effect from the next event".
func TestContract08_HandlersChangeHandlers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		to   interface {
			nexmo.Sink
			nexmo.Registrar
			Once(nexmo.EventType, nexmo.Handler) func()
			Use(...nexmo.Middleware)
		}
	}{
		{"EventDispatcher", new(nexmo.EventDispatcher)},
		{"Conversation", nexmo.NewConversation(conA)},
		{"Application", nexmo.NewApplication("")},
		{"Conversation of an Application", nexmo.NewApplication("").Conversation(conA)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var j journal
			note := func(name string) nexmo.Handler {
				return func(_ context.Context, e *nexmo.Event) error { j.add("%s %d", name, e.ID); return nil }
			}
			var offSelf, offNext func()
			tt.to.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
				j.add("first %d", e.ID)
				switch e.ID {
				case 1:
					tt.to.On(nexmo.EventAny, note("added"))
					tt.to.Once(nexmo.EventAny, note("once"))
					offNext()
					offNext()
				case 3:
					tt.to.Use(func(next nexmo.Handler) nexmo.Handler {
						return func(ctx context.Context, e *nexmo.Event) error {
							j.add("(")
							defer j.add(")")
							return next(ctx, e)
						}
					})
				case 4:
					offSelf()
					offSelf()
				}
				return nil
			})
			_ = tt.to.On(nexmo.EventAny, note("second"))
			offNext = tt.to.On(nexmo.EventAny, note("third"))
			offSelf = tt.to.On(nexmo.EventAny, note("self"))
			mustDeliver(t, tt.to, 1, 2, 3, 4, 5)
			offNext()
			offSelf()
			j.is(t,
				"first 1", "second 1", "third 1", "self 1",
				"first 2", "second 2", "self 2", "added 2", "once 2",
				"first 3", "second 3", "self 3", "added 3",
				"(", "first 4", ")", "(", "second 4", ")", "(", "self 4", ")", "(", "added 4", ")",
				"(", "first 5", ")", "(", "second 5", ")", "(", "added 5", ")")
		})
	}
}

// A handler of an Application changes the handlers of the conversation whose event
// it is: from the next event on, as with its own.
func TestContract08_HandlersOfAnApplicationChangeThoseOfTheConversation(t *testing.T) {
	t.Parallel()
	var j journal
	app := nexmo.NewApplication("")
	c := app.Conversation(conA)
	note := func(name string) nexmo.Handler {
		return func(_ context.Context, e *nexmo.Event) error { j.add("%s %d", name, e.ID); return nil }
	}
	off := c.On(nexmo.EventAny, note("first"))
	app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		switch e.ID {
		case 1:
			off()
			c.On(nexmo.EventAny, note("second"))
		case 2:
			c.Use(func(nexmo.Handler) nexmo.Handler { return note("instead") })
		}
		return nil
	})
	mustDeliver(t, app, 1, 2, 3)
	j.is(t, "first 1", "second 2", "instead 3")
}

// Once is for one event, however many goroutines deliver; a handler that failed
// is kept for the next one.
func TestContract08_Once(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var d nexmo.EventDispatcher
		var inside, calls, handled atomic.Int32
		d.Once(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if inside.Add(1) != 1 {
				t.Error("the handler runs twice at the same time")
			}
			defer inside.Add(-1)
			time.Sleep(time.Millisecond)
			switch calls.Add(1) {
			case 1:
				return errBoom
			case 2:
				panic("no")
			case 3:
				runtime.Goexit()
			}
			handled.Add(1)
			return nil
		})
		var wg sync.WaitGroup
		for id := range nexmo.EventID(100) {
			wg.Go(func() {
				time.Sleep(time.Duration(id%10) * time.Millisecond)
				_ = d.Deliver(t.Context(), numbered(id+1))
			})
		}
		wg.Wait()
		if handled.Load() != 1 || calls.Load() != 4 {
			t.Errorf("called %d times, of which %d handled the event; want 4 and 1", calls.Load(), handled.Load())
		}
	})
}

// The first middleware is the outermost, and Use wraps the handlers registered
// before and after.
func TestContract08_UseOrder(t *testing.T) {
	t.Parallel()
	var j journal
	mw := func(name string) nexmo.Middleware {
		return func(next nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error {
				j.add("%s(", name)
				defer j.add(")")
				return next(ctx, e)
			}
		}
	}
	app := nexmo.NewApplication("")
	c := app.Conversation(conA)
	c.On(nexmo.EventAny, j.handle)
	c.Use(mw("a"), mw("b"))
	app.Use(mw("app"))
	app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { j.add("-"); return nil })
	c.Use(mw("c"))
	c.Once(nexmo.EventAny, j.handle)
	mustDeliver(t, app, 1)
	j.is(t, "app(", "-", ")", "a(", "b(", "c(", "1", ")", ")", ")", "a(", "b(", "c(", "1", ")", ")", ")")
}

// "No lock is held while user code runs.": whatever is called may call anything.
func TestContract08_NoLockIsHeldWhileUserCodeRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var app *nexmo.Application
		touched := map[string]int{}
		touch := func(what string) {
			touched[what]++
			if app == nil {
				return
			}
			for c := range app.Conversations() {
				_, _ = c.Member("M")
				_, _, _ = c.Info(), c.LastEventID(), slices.Collect(c.Members())
				for range c.Events() {
					break
				}
				c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nil })()
				c.Once(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nil })()
			}
			app.Conversation(conA)
			app.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nil })()
			app.OnConversation(func(*nexmo.Conversation) {})
		}
		logged := new(logbook)
		inHook := false
		logged.hook = func() {
			if !inHook { // touching logs too
				inHook = true
				touch("log")
				inHook = false
			}
		}
		source := scripted(func() { touch("source") }, 3, func() { touch("source") }, errBoom)
		app = nexmo.NewApplication("", nexmo.WithStart(1), nexmo.WithSource(source), nexmo.WithHistory(3), nexmo.WithLogger(slog.New(logged)),
			nexmo.WithGapFunc(func(context.Context, nexmo.Gap) { touch("gap") }))
		wrapping := false
		middleware := func(next nexmo.Handler) nexmo.Handler {
			if !wrapping { // touching wraps too
				wrapping = true
				touch("middleware")
				wrapping = false
			}
			return next
		}
		app.Use(middleware)
		app.OnConversation(func(c *nexmo.Conversation) {
			touch("conversation")
			c.Use(middleware)
			c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
				touch("handler")
				if e.ID >= 7 {
					return errBoom
				}
				return nil
			})
		})
		app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
			touch("application handler")
			if e.ID == 5 {
				return app.Deliver(ctx, numbered(7)) // it will fail
			}
			return nil
		})
		app.Use(func(next nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error {
				touch("middleware")
				return next(ctx, e)
			}
		})
		finish := begin(func() error {
			mustDeliver(t, app, 5, 5, 6)
			// What is handed over and fails is logged.
			checkError(t, nexmo.Replay(t.Context(), app, scripted(10, 9), conA, 0), errBoom)
			checkError(t, app.Close(), nil)
			return nil
		})
		time.Sleep(time.Minute)
		finish.returns(t, nil)
		for _, what := range []string{"log", "source", "gap", "conversation", "handler", "application handler", "middleware"} {
			if touched[what] == 0 {
				t.Errorf("no %s was called", what)
			}
		}
	})
}
