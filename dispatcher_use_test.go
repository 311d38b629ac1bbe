package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

func TestDispatcherUse(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	around := func(name string) nexmo.Middleware {
		return func(h nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error {
				c.note("(%s", name)
				defer c.note("%s)", name)
				return h(ctx, e)
			}
		}
	}
	d.On("text", c.handler("before"))
	d.Use(around("1"), around("2"))
	d.Use() // nothing
	off := d.On("text", c.handler("between"))
	d.Use(around("3"))
	d.Once("text", c.handler("after"))

	deliverAll(t, &d, "text")
	c.want(t,
		"(1", "(2", "(3", "before text", "3)", "2)", "1)",
		"(1", "(2", "(3", "between text", "3)", "2)", "1)",
		"(1", "(2", "(3", "after text", "3)", "2)", "1)",
	)
	off()
	deliverAll(t, &d, "image", "text")
	c.want(t, "(1", "(2", "(3", "before text", "3)", "2)", "1)")
}

// TestDispatcherMiddlewareRegisters: what wraps a handler may register others,
// take them off, and add middleware; all of them are wrapped.
func TestDispatcherMiddlewareRegisters(t *testing.T) {
	t.Parallel()
	for _, late := range []bool{false, true} {
		t.Run(fmt.Sprint(late), func(t *testing.T) {
			t.Parallel()
			var d nexmo.EventDispatcher
			var got []string
			note := func(name string) nexmo.Handler {
				return func(context.Context, *nexmo.Event) error { got = append(got, name); return nil }
			}
			around := func(name string) nexmo.Middleware {
				return func(next nexmo.Handler) nexmo.Handler {
					return func(ctx context.Context, e *nexmo.Event) error {
						got = append(got, name)
						return next(ctx, e)
					}
				}
			}
			off := d.On(nexmo.EventAny, note("taken off"))
			var once sync.Once
			mw := func(next nexmo.Handler) nexmo.Handler {
				once.Do(func() {
					off()
					d.On(nexmo.EventAny, note("added"))
					d.Use(around("inner"))
				})
				return around("outer")(next)
			}
			if !late {
				d.Use(mw)
			}
			d.On(nexmo.EventAny, note("first"))
			if late {
				d.Use(mw)
			}
			if err := d.Deliver(t.Context(), &nexmo.Event{Type: nexmo.EventText, Body: new(nexmo.Text)}); err != nil {
				t.Fatal(err)
			}
			// A Use inside another one is through first: its middleware is outside.
			want := []string{"inner", "outer", "first", "inner", "outer", "added"}
			if !late {
				want = []string{"inner", "outer", "added", "inner", "outer", "first"}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("called (-want +got):\n%s", diff)
			}
		})
	}
}

// TestDispatcherMiddlewareDecides: it may keep an event from the handler, turn
// its error into another, or give it another context.
func TestDispatcherMiddlewareDecides(t *testing.T) {
	t.Parallel()
	type key struct{}
	var d nexmo.EventDispatcher
	var c calls
	d.Use(func(h nexmo.Handler) nexmo.Handler {
		return func(ctx context.Context, e *nexmo.Event) error {
			if e.Type == "image" {
				return nil
			}
			if err := h(context.WithValue(ctx, key{}, "from outside"), e); err != nil {
				return fmt.Errorf("wrapped: %w", err)
			}
			return nil
		}
	})
	d.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
		c.note("%s %v", e.Type, ctx.Value(key{}))
		return io.ErrUnexpectedEOF
	})
	deliverAll(t, &d, "image")
	c.want(t)
	err := d.Deliver(t.Context(), ofType("text"))
	if !errors.Is(err, io.ErrUnexpectedEOF) || err.Error() != "wrapped: unexpected EOF" {
		t.Errorf("the error is %v", err)
	}
	c.want(t, "text from outside")
}

// TestDispatcherMiddlewareOncePerHandler: a middleware that registers a handler while
// it wraps another is not called again for that one, as the middleware is the same.
func TestDispatcherMiddlewareOncePerHandler(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	wrapped := 0
	d.Use(func(h nexmo.Handler) nexmo.Handler {
		if wrapped++; wrapped == 1 {
			d.On("text", c.handler("added"))
		}
		return h
	})
	d.On("text", c.handler("first"))
	deliverAll(t, &d, "text")
	c.want(t, "added text", "first text")
	if wrapped != 2 {
		t.Errorf("the middleware was called %d times for two handlers", wrapped)
	}
}
