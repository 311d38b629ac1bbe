package nexmo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// calls notes which handlers were called, in order.
type calls struct {
	mu   sync.Mutex
	list []string
}

func (c *calls) note(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

// handler is a handler that notes its name and the type of the event.
func (c *calls) handler(name string) nexmo.Handler {
	return func(_ context.Context, e *nexmo.Event) error {
		c.note("%s %s", name, e.Type)
		return nil
	}
}

// failing is a handler that notes its name and returns err.
func (c *calls) failing(name string, err error) nexmo.Handler {
	return func(context.Context, *nexmo.Event) error {
		c.note("%s", name)
		return err
	}
}

// want checks what was noted since the last time.
func (c *calls) want(t *testing.T, want ...string) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if diff := cmp.Diff(strings.Join(want, "\n"), strings.Join(c.list, "\n")); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	c.list = nil
}

func ofType(typ nexmo.EventType) *nexmo.Event {
	return &nexmo.Event{Type: typ, Body: &nexmo.RawBody{Type: typ}}
}

func deliverAll(t *testing.T, to nexmo.Sink, types ...nexmo.EventType) {
	t.Helper()
	for _, typ := range types {
		if err := to.Deliver(t.Context(), ofType(typ)); err != nil {
			t.Errorf("Deliver(%q): %v", typ, err)
		}
	}
}

func TestDispatcherCallsWhatMatches(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher // the zero value is ready
	var c calls
	deliverAll(t, &d, "text") // nobody listens

	d.On("text", c.handler("text"))
	d.On(nexmo.EventAny, c.handler("*"))
	d.On("text:seen", c.handler("text:seen"))
	d.On(nexmo.EventTextAny, c.handler("text:*"))
	d.On("text:typing:*", c.handler("no pattern"))
	d.On("custom:*", c.handler("custom:*"))
	d.On("custom:order", c.handler("custom:order"))
	d.On("text", c.handler("text again"))

	deliverAll(t, &d, "text", "text:seen", "text:typing:on", "texts", "custom:order", "custom:", "tomorrow", "")
	c.want(t,
		"text text", "* text", "text:* text", "text again text",
		"* text:seen", "text:seen text:seen", "text:* text:seen",
		"* text:typing:on", "text:* text:typing:on",
		"* texts",
		"* custom:order", "custom:* custom:order", "custom:order custom:order",
		"* custom:", "custom:* custom:",
		"* tomorrow",
		"* ",
	)
}

// TestDispatcherMatchesAsEventTypeDoes: what a handler is called for is what
// EventType.Matches says.
func TestDispatcherMatchesAsEventTypeDoes(t *testing.T) {
	t.Parallel()
	patterns := append(nexmo.EventTypes(), nexmo.EventAny, "text:*", "text:typing:*", "member:*", "custom:*", "custom:a", "mem*", "", ":*", "*:*")
	types := append(nexmo.EventTypes(), "custom:a", "custom:a:b", "custom", "tomorrow", "tomorrow:never", "", ":", "*", "text:*", "textual")
	for _, pattern := range patterns {
		var d nexmo.EventDispatcher
		var got []nexmo.EventType
		d.On(pattern, func(_ context.Context, e *nexmo.Event) error {
			got = append(got, e.Type)
			return nil
		})
		var want []nexmo.EventType
		for _, typ := range types {
			if pattern.Matches(typ) {
				want = append(want, typ)
			}
		}
		deliverAll(t, &d, types...)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pattern %q: types handled (-Matches +handler):\n%s", pattern, diff)
		}
	}
}

func TestDispatcherOff(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	offA := d.On("text", c.handler("a"))
	d.On("text", c.handler("b"))
	offC := d.On("text", c.handler("c"))
	deliverAll(t, &d, "text")
	c.want(t, "a text", "b text", "c text")
	offA()
	offA() // more than once
	deliverAll(t, &d, "text")
	c.want(t, "b text", "c text")
	d.On("text", c.handler("d"))
	offA()
	deliverAll(t, &d, "text")
	c.want(t, "b text", "c text", "d text")
	offC()
	deliverAll(t, &d, "text")
	c.want(t, "b text", "d text")
}

// TestDispatcherHandlersChangeHandlers: what a handler registers or takes off
// counts from the next event on.
func TestDispatcherHandlersChangeHandlers(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	var offSelf, offNext func()
	once := sync.OnceFunc(func() {
		offSelf()
		offNext()
		d.On("text", c.handler("new"))
		d.Once("text", c.handler("new once"))
		d.Use(func(h nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error {
				c.note("around")
				return h(ctx, e)
			}
		})
	})
	offSelf = d.On("text", func(context.Context, *nexmo.Event) error {
		c.note("first")
		once()
		return nil
	})
	offNext = d.On("text", c.handler("next"))
	deliverAll(t, &d, "text")
	c.want(t, "first", "next text")
	deliverAll(t, &d, "text")
	c.want(t, "around", "new text", "around", "new once text")
	deliverAll(t, &d, "text")
	c.want(t, "around", "new text")
}

func TestDispatcherOnce(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	errOnce := errors.New("not yet")
	tries := 0
	d.Once("text", func(context.Context, *nexmo.Event) error {
		tries++
		c.note("try %d", tries)
		switch tries {
		case 1:
			return errOnce
		case 2:
			panic("not yet either")
		}
		return nil
	})
	off := d.Once(nexmo.EventAny, c.handler("taken off"))
	off()
	off()
	d.On("text", c.handler("always"))

	if err := d.Deliver(t.Context(), ofType("text")); !errors.Is(err, errOnce) {
		t.Errorf("the error is %v, want %v", err, errOnce)
	}
	c.want(t, "try 1", "always text")
	deliverAll(t, &d, "image")
	c.want(t)
	err := d.Deliver(t.Context(), ofType("text"))
	if p, ok := errors.AsType[*nexmo.PanicError](err); !ok || p.Value != "not yet either" {
		t.Errorf("the error is %v, want a PanicError", err)
	}
	c.want(t, "try 2", "always text")
	deliverAll(t, &d, "text", "text")
	c.want(t, "try 3", "always text", "always text")
}

// TestDispatcherOnceRunsOnce: however many goroutines deliver.
func TestDispatcherOnceRunsOnce(t *testing.T) {
	t.Parallel()
	const rounds, goroutines = 50, 8
	for range rounds {
		var d nexmo.EventDispatcher
		var inside, succeeded, failed atomic.Int32
		d.Once("text", func(context.Context, *nexmo.Event) error {
			if inside.Add(1) != 1 {
				t.Error("the handler runs twice at a time")
			}
			defer inside.Add(-1)
			runtime.Gosched()
			if failed.Load() < 2 {
				failed.Add(1)
				return errors.New("again")
			}
			succeeded.Add(1)
			return nil
		})
		var wg sync.WaitGroup
		start := make(chan struct{})
		for range goroutines {
			wg.Go(func() {
				<-start
				for range 10 {
					_ = d.Deliver(t.Context(), ofType("text"))
				}
			})
		}
		close(start)
		wg.Wait()
		// A delivery passes a handler that runs in another goroutine, so all of
		// them may be over before it has run three times.
		for range 3 {
			_ = d.Deliver(t.Context(), ofType("text"))
		}
		if failed.Load() != 2 || succeeded.Load() != 1 {
			t.Fatalf("%d failures and %d successes, want 2 and 1", failed.Load(), succeeded.Load())
		}
	}
}

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

func TestDispatcherJoinsErrors(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	errA, errC := errors.New("a failed"), errors.New("c failed")
	d.On("text", c.failing("a", errA))
	d.On("text", c.failing("b", nil))
	d.On("text", c.failing("c", errC))
	err := d.Deliver(t.Context(), ofType("text"))
	c.want(t, "a", "b", "c")
	if !errors.Is(err, errA) || !errors.Is(err, errC) || err.Error() != "a failed\nc failed" {
		t.Errorf("the error is %v", err)
	}
}

func TestDispatcherRefusesNil(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	if err := d.Deliver(t.Context(), nil); err == nil {
		t.Error("Deliver took a nil event")
	}
	for name, register := range map[string]func(){
		"On":   func() { d.On("text", nil) },
		"Once": func() { d.Once("text", nil) },
	} {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.Contains(fmt.Sprint(v), "handler is nil") {
					t.Errorf("%s with a nil handler panicked with %v", name, v)
				}
			}()
			register()
		}()
	}
	deliverAll(t, &d, "text") // and nothing was registered
}

// TestDispatcherQueuesWhatHandlersDeliver: behind the current event, and the
// outer Deliver returns the errors of both.
func TestDispatcherQueuesWhatHandlersDeliver(t *testing.T) {
	t.Parallel()
	var d, other nexmo.EventDispatcher
	var c calls
	errInner, errOther := errors.New("inner"), errors.New("other")
	d.On("text", func(ctx context.Context, _ *nexmo.Event) error {
		c.note("text begins")
		if err := d.Deliver(ctx, ofType("image")); err != nil {
			t.Errorf("a nested Deliver returned %v", err)
		}
		if err := other.Deliver(ctx, ofType("audio:say")); err != nil {
			t.Errorf("a nested Deliver to another sink returned %v", err)
		}
		c.note("text ends")
		return nil
	})
	d.On("text", c.handler("second"))
	d.On("image", func(ctx context.Context, _ *nexmo.Event) error {
		c.note("image")
		if err := d.Deliver(ctx, ofType("message")); err != nil {
			t.Errorf("a nested Deliver returned %v", err)
		}
		return errInner
	})
	d.On("message", c.handler("last"))
	other.On(nexmo.EventAny, c.failing("other", errOther))

	err := d.Deliver(t.Context(), ofType("text"))
	c.want(t, "text begins", "text ends", "second text", "image", "other", "last message")
	if !errors.Is(err, errInner) || !errors.Is(err, errOther) {
		t.Errorf("the error is %v, want both", err)
	}
}

// TestDispatcherIsForSeveralGoroutines: handlers come and go while events are
// delivered, and the one that stays is called for each.
func TestDispatcherIsForSeveralGoroutines(t *testing.T) {
	t.Parallel()
	const goroutines, rounds = 4, 200
	var d nexmo.EventDispatcher
	var stays, comes, around atomic.Int64
	d.On("text", func(context.Context, *nexmo.Event) error {
		stays.Add(1)
		return nil
	})
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for range rounds {
				_ = d.Deliver(t.Context(), ofType("text"))
			}
		})
		wg.Go(func() {
			for i := range rounds {
				off := d.On(nexmo.EventTextAny, func(context.Context, *nexmo.Event) error {
					comes.Add(1)
					return nil
				})
				if i == rounds/2 {
					d.Use(func(h nexmo.Handler) nexmo.Handler {
						return func(ctx context.Context, e *nexmo.Event) error {
							around.Add(1)
							return h(ctx, e)
						}
					})
				}
				off()
			}
		})
	}
	wg.Wait()
	if got := stays.Load(); got != goroutines*rounds {
		t.Errorf("the handler that stays was called %d times, want %d", got, goroutines*rounds)
	}
	comes.Store(0)
	around.Store(0)
	deliverAll(t, &d, "text")
	if comes.Load() != 0 || around.Load() != goroutines {
		t.Errorf("afterwards %d handlers are left over, and %d of %d middlewares are there", comes.Load(), around.Load(), goroutines)
	}
}

func panicsAt(v any) nexmo.Handler {
	return func(context.Context, *nexmo.Event) error { panic(v) }
}

func TestPanicError(t *testing.T) {
	t.Parallel()
	errBoom := fmt.Errorf("boom: %w", io.ErrUnexpectedEOF)
	var nilMap map[string]int
	tests := []struct {
		name    string
		handler nexmo.Handler
		text    string
		is      error
	}{
		{"text", panicsAt("boom"), "nexmo: a handler panicked: boom", nil},
		{"number", panicsAt(7), "nexmo: a handler panicked: 7", nil},
		{"error", panicsAt(errBoom), "nexmo: a handler panicked: boom: unexpected EOF", io.ErrUnexpectedEOF},
		{"nil", panicsAt(nil), "nexmo: a handler panicked: " + new(runtime.PanicNilError).Error(), nil},
		{"run time", func(context.Context, *nexmo.Event) error { nilMap["x"]++; return nil }, "nexmo: a handler panicked: assignment to entry in nil map", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d nexmo.EventDispatcher
			var c calls
			d.On("text", tt.handler)
			d.On("text", c.handler("the next one runs"))
			err := d.Deliver(t.Context(), ofType("text"))
			c.want(t, "the next one runs text")
			p, ok := errors.AsType[*nexmo.PanicError](err)
			if !ok {
				t.Fatalf("the error is a %T: %v", err, err)
			}
			if p.Error() != tt.text {
				t.Errorf("Error() = %q, want %q", p.Error(), tt.text)
			}
			if tt.is != nil && !errors.Is(err, tt.is) {
				t.Errorf("the error is not %v", tt.is)
			}
			wrapped, _ := p.Value.(error)
			if any(p.Unwrap()) != any(wrapped) {
				t.Errorf("Unwrap() = %v, Value is %v", p.Unwrap(), p.Value)
			}
			if stack := string(p.Stack); !strings.Contains(stack, "dispatcher_test.go:") || !strings.Contains(stack, "panic(") {
				t.Errorf("the stack does not show where the handler panicked:\n%s", stack)
			}
			if strings.Contains(p.Error(), "dispatcher_test.go") {
				t.Error("the text holds the stack")
			}
		})
	}
}

// TestOn: the type of the body names the type of the event.
func TestOn(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	want := &nexmo.Event{Type: "text", Body: &nexmo.Text{Text: "hello"}}
	off := nexmo.On(&d, func(_ context.Context, e *nexmo.Event, b *nexmo.Text) error {
		if e != want || b != want.Body {
			t.Errorf("the handler was given %+v and %+v", e, b)
		}
		c.note("text %s", b.Text)
		return io.ErrUnexpectedEOF
	})
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.TextSeen) error {
		c.note("seen %d", b.EventID)
		return nil
	})
	if err := d.Deliver(t.Context(), want); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("the error is %v", err)
	}
	c.want(t, "text hello")
	if err := d.Deliver(t.Context(), &nexmo.Event{Type: "text:seen", Body: &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 3}}}); err != nil {
		t.Error(err)
	}
	c.want(t, "seen 3")
	off()
	if err := d.Deliver(t.Context(), want); err != nil {
		t.Error(err)
	}
	c.want(t)
}

// registrar notes under what types handlers are registered.
type registrar struct{ types []nexmo.EventType }

func (r *registrar) On(typ nexmo.EventType, _ nexmo.Handler) func() {
	r.types = append(r.types, typ)
	return func() {}
}

func TestOnRegistersTheTypeOfTheBody(t *testing.T) {
	t.Parallel()
	var r registrar
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.SIPAMDMachine) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.Custom) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, *nexmo.RawBody) error { return nil })
	nexmo.On(&r, func(context.Context, *nexmo.Event, nexmo.Body) error { return nil })
	nexmo.OnCustom(&r, "order", func(context.Context, *nexmo.Event, *struct{}) error { return nil })
	nexmo.OnCustom(&r, "order:new", func(context.Context, *nexmo.Event, *string) error { return nil })
	if diff := cmp.Diff([]nexmo.EventType{
		"member:joined", "sip:amd_machine", "custom:*", "*", "*", "custom:order", "custom:order:new",
	}, r.types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
}

// TestOnSpecialBodies: *Custom, *RawBody and Body are given every event with
// such a body, and no other.
func TestOnSpecialBodies(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.Custom) error {
		c.note("custom %s", b.Name)
		return nil
	})
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.RawBody) error {
		c.note("raw %s, malformed %v", b.Type, b.Err != nil)
		return nil
	})
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b nexmo.Body) error {
		c.note("any %s", b.EventType())
		return nil
	})
	for _, text := range []string{
		`{"type":"custom:order","body":{"a":1}}`,
		`{"type":"custom:order:new"}`,
		`{"type":"tomorrow","body":{}}`,
		`{"type":"text","body":{"text":7}}`,
		`{"type":"text","body":{"text":"x"}}`,
	} {
		if err := d.Deliver(t.Context(), parseText(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	c.want(t,
		"custom order", "any custom:order",
		"custom order:new", "any custom:order:new",
		"raw tomorrow, malformed false", "any tomorrow",
		"raw text, malformed true", "any text",
		"any text",
	)
}

func TestOnRefusesOtherBodies(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    *nexmo.Event
		want string
	}{
		{"malformed", parseText(t, `{"type":"text","body":{"text":{"SECRET":1}}}`), `nexmo: event of type "text": body.text: want text, found an object`},
		{"malformed envelope", parseText(t, `{"type":"text","from":["SECRET"]}`), `nexmo: event of type "text": from: want text, found an array`},
		{"made with another body", &nexmo.Event{Type: "text", Body: &nexmo.Image{ID: "SECRET"}}, `nexmo: event of type "text": its Body is a *nexmo.Image`},
		{"made raw", &nexmo.Event{Type: "text", Body: &nexmo.RawBody{Type: "text", JSON: raw(`"SECRET"`)}}, `nexmo: event of type "text": its Body is a *nexmo.RawBody`},
		{"made without a body", &nexmo.Event{Type: "text"}, `nexmo: event of type "text": it has no Body`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d nexmo.EventDispatcher
			nexmo.On(&d, func(context.Context, *nexmo.Event, *nexmo.Text) error {
				t.Error("the handler was called")
				return nil
			})
			err := d.Deliver(t.Context(), tt.e)
			derr, ok := errors.AsType[*nexmo.DecodeError](err)
			if !ok || err.Error() != tt.want || derr.Type != "text" {
				t.Errorf("the error is %v (%T), want %s", err, err, tt.want)
			}
			if b, ok := tt.e.Body.(*nexmo.RawBody); ok && b.Err != nil && !errors.Is(err, b.Err) {
				t.Errorf("the error is not RawBody.Err, which is %v", b.Err)
			}
		})
	}
}

// order is an event body of an application's own.
type order struct {
	Order string    `json:"order"`
	Total int       `json:"total"`
	At    time.Time `json:"at"`
	Items []struct {
		N int `json:"n"`
	} `json:"items"`
	Notes map[string]int `json:"notes"`
	Picky picky          `json:"picky"`
	Bytes []byte         `json:"bytes"`
	By    map[int]string `json:"by"`
}

// picky tells in its error what it was given.
type picky struct{}

func (picky) UnmarshalJSON(data []byte) error { return pickyError(data) }

type pickyError string

func (e pickyError) Error() string { return "picky does not like " + string(e) }

func TestOnCustom(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	var seen []*order
	for range 2 {
		nexmo.OnCustom(&d, "order", func(_ context.Context, e *nexmo.Event, o *order) error {
			c.note("%s %s %d", e.Type, o.Order, o.Total)
			seen = append(seen, o)
			o.Order = "changed"
			return nil
		})
	}
	e := parseText(t, `{"type":"custom:order","body":{"order":"441","total":12,"Paid":true}}`)
	for range 2 {
		if err := d.Deliver(t.Context(), e); err != nil {
			t.Error(err)
		}
	}
	c.want(t, "custom:order 441 12", "custom:order 441 12", "custom:order 441 12", "custom:order 441 12")
	for i := range seen {
		for j := range i {
			if seen[i] == seen[j] {
				t.Errorf("calls %d and %d were given the same body", j, i)
			}
		}
	}
	if b, ok := nexmo.As[*nexmo.Custom](e); !ok || string(b.JSON) != `{"order":"441","total":12,"Paid":true}` {
		t.Errorf("the event was changed: %+v", e.Body)
	}
	for _, text := range []string{`{"type":"custom:order"}`, `{"type":"custom:order","body":null}`, `{"type":"custom:order","body":{}}`} {
		if err := d.Deliver(t.Context(), parseText(t, text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		c.want(t, "custom:order  0", "custom:order  0")
	}
	if err := d.Deliver(t.Context(), parseText(t, `{"type":"custom:order:new","body":{"total":"x"}}`)); err != nil {
		t.Errorf("another type: %v", err)
	}
	c.want(t)
}

func TestOnCustomRefusesBodiesThatDoNotFit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, body string
		want       string // or what the next encoding/json says, after a bar
	}{
		{"text for a number", `{"total":"SECRET"}`, "body.total: want int, found string"},
		{"a fraction for a number", `{"total":12.5}`, "body.total: want int, found number"},
		{"deep inside", `{"items":[{},{"n":"SECRET"}]}`, "body.items: want int, found string"},
		{"under a name of the application's", `{"notes":{"SECRET":"SECRET"}}`, "body.notes: want int, found string"},
		{"a time", `{"at":"SECRET"}`, "the body does not fit (*time.ParseError)"},
		{"an error of the application's own", `{"picky":"SECRET"}`, "the body does not fit (nexmo_test.pickyError)"},
		{"base64", `{"bytes":"SECRET!"}`, "the body does not fit (base64.CorruptInputError)|body.bytes: want []uint8, found string"},
		{"a name that is no number", `{"by":{"SECRET":"x"}}`, "body.by: want int, found number"},
		{"an array", `["SECRET"]`, "body: want nexmo_test.order, found array"},
		{"a text", `"SECRET"`, "body: want nexmo_test.order, found string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var d nexmo.EventDispatcher
			nexmo.OnCustom(&d, "order", func(context.Context, *nexmo.Event, *order) error {
				t.Error("the handler was called")
				return nil
			})
			err := d.Deliver(t.Context(), parseText(t, `{"type":"custom:order","body":`+tt.body+`}`))
			derr, ok := errors.AsType[*nexmo.DecodeError](err)
			if !ok || derr.Type != "custom:order" {
				t.Fatalf("the error is %v (%T)", err, err)
			}
			text := err.Error()
			if strings.Contains(text, "SECRET") || strings.Contains(text, "12.5") {
				t.Errorf("the error holds content: %s", text)
			}
			if reason, ok := strings.CutPrefix(text, `nexmo: event of type "custom:order": `); !ok || !slices.Contains(strings.Split(tt.want, "|"), reason) {
				t.Errorf("the error is\n%s, want\n%s", text, tt.want)
			}
			// For those who want to know, and may: what encoding/json says.
			if errors.Unwrap(derr.Err) == nil {
				t.Errorf("%T hides the error of encoding/json", derr.Err)
			}
		})
	}

	var m nexmo.EventDispatcher
	nexmo.OnCustom(&m, "order", func(context.Context, *nexmo.Event, *map[string]order) error {
		t.Error("the handler was called")
		return nil
	})
	err := m.Deliver(t.Context(), parseText(t, `{"type":"custom:order","body":{"SECRET":{"total":"SECRET"}}}`))
	if want := `nexmo: event of type "custom:order": body: want int, found string`; err == nil || err.Error() != want {
		t.Errorf("a map: the error is %v, want %s", err, want)
	}

	var d nexmo.EventDispatcher
	nexmo.OnCustom(&d, "order", func(context.Context, *nexmo.Event, *order) error {
		t.Error("the handler was called")
		return nil
	})
	err = d.Deliver(t.Context(), parseText(t, `{"type":"custom:order","from":["SECRET"],"body":{}}`))
	if want := `nexmo: event of type "custom:order": from: want text, found an array`; err == nil || err.Error() != want {
		t.Errorf("malformed envelope: the error is %v, want %s", err, want)
	}
	err = d.Deliver(t.Context(), &nexmo.Event{Type: "custom:order"})
	if want := `nexmo: event of type "custom:order": it has no Body`; err == nil || err.Error() != want {
		t.Errorf("no body: the error is %v, want %s", err, want)
	}
}

// TestNoContentInErrorsAndLogs: whatever is wrong with an event, what it says
// stays in it.
func TestNoContentInErrorsAndLogs(t *testing.T) {
	t.Parallel()
	const secret = "SECRET-7f3a"
	events := []string{
		`{"id":1,"type":"text","conversation_id":"CON-1","body":{"text":{"%s":"%s"}}}`,
		`{"id":2,"type":"text","conversation_id":"CON-1","body":"%s"}`,
		`{"id":3,"type":"text","conversation_id":"CON-1","from":["%s"],"body":{"text":"%s"}}`,
		`{"id":4,"type":"text","conversation_id":"CON-1","timestamp":"%s"}`,
		`{"id":5,"type":"text","conversation_id":"CON-1","body":{"edited":{"edited_by":"%s"}}}`,
		`{"id":6,"type":"custom:order","conversation_id":"CON-1","body":{"total":"%s"}}`,
		`{"id":7,"type":"custom:order","conversation_id":"CON-1","body":{"picky":"%s","at":"%s"}}`,
		`{"id":8,"type":"custom:order","conversation_id":"CON-1","body":["%s"]}`,
		`{"id":8,"type":"custom:order","conversation_id":"CON-1","body":["%s"]}`, // once more
		`{"id":12,"type":"text","conversation_id":"CON-1","body":{"text":["%s"]}}`,
		`{"type":"text:typing:on","conversation_id":"CON-1","body":{"activity":"%s"}}`,
		`{"id":13,"type":"text:seen","conversation_id":"CON-1","body":{"event_id":"%s"}}`,
		`{"id":14,"type":"member:joined","conversation_id":"CON-1","body":{"timestamp":{"joined":"%s"},"user":{"name":"%s"}}}`,
		`{"type":"conversation:created","body":{"id":["%s"]}}`,
	}
	var logged bytes.Buffer
	log := slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelInfo}))
	app := nexmo.NewApplication("app", nexmo.WithLogger(log), nexmo.WithReorderWindow(0, 0))
	app.OnConversation(func(conversation *nexmo.Conversation) {
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.TextSeen) error { return nil })
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.TextTypingOn) error { return nil })
		nexmo.On(conversation, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { return nil })
		nexmo.OnCustom(conversation, "order", func(context.Context, *nexmo.Event, *order) error { return nil })
	})
	nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.ConversationCreated) error { return nil })

	failed := 0
	for _, text := range events {
		e := parseText(t, strings.ReplaceAll(text, "%s", secret))
		if !strings.Contains(string(e.Raw), secret) {
			t.Fatalf("%s holds no secret", text)
		}
		err := app.Deliver(t.Context(), e)
		if err == nil {
			t.Errorf("%s: no error", text)
			continue
		}
		failed++
		for err := error(err); err != nil; err = unwrapOwn(err) {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error holds content: %v", text, err)
			}
		}
	}
	if failed != len(events) {
		t.Errorf("%d of %d events failed", failed, len(events))
	}

	// The same from a handler: now the errors go to the logger too.
	all := func(ctx context.Context, _ *nexmo.Event) error {
		for _, text := range events {
			if err := app.Deliver(ctx, parseText(t, strings.ReplaceAll(text, "%s", secret))); err != nil {
				t.Errorf("a nested Deliver returned %v", err)
			}
		}
		return nil
	}
	app.Once("ephemeral", all)
	err := app.Deliver(t.Context(), &nexmo.Event{Type: "ephemeral", Body: &nexmo.Ephemeral{JSON: raw(`"` + secret + `"`)}})
	if err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("the errors of nested deliveries are %v", err)
	}
	if lines := strings.Count(logged.String(), "level=ERROR"); lines < len(events) {
		t.Errorf("%d errors were logged, want %d:\n%s", lines, len(events), logged.String())
	}
	if strings.Contains(logged.String(), secret) {
		t.Errorf("the log holds content:\n%s", logged.String())
	}

	for _, text := range []string{`{"type":"text","id":"%s"}`, `{"type":"text","id":4,"%s"}`, `{"%s":1,"%s":2}`, `["%s"]`, `"%s"`} {
		text = strings.ReplaceAll(text, "%s", secret)
		_, err := nexmo.ParseEvent([]byte(text))
		_, lerr := nexmo.ParseEvents([]byte(`[` + text + `]`))
		if err == nil || lerr == nil || strings.Contains(err.Error()+lerr.Error(), secret) {
			t.Errorf("%s: the errors are %v and %v", text, err, lerr)
		}
	}
}

// unwrapOwn follows an error to the last one that this package made: what comes
// after it is for those who ask for it by type.
func unwrapOwn(err error) error {
	if _, ok := err.(*nexmo.DecodeError); ok { //nolint:errorlint // one step at a time
		return errors.Unwrap(err)
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()[0]
	}
	return nil
}

// TestTypedHandlersOfReceivedEvents: each sample reaches the handler that is
// registered for its struct, through a dispatcher.
func TestTypedHandlersOfReceivedEvents(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	nexmo.On(&d, func(_ context.Context, _ *nexmo.Event, b *nexmo.AudioDTMF) error {
		c.note("pressed %s", b.Digits)
		return nil
	})
	nexmo.On(&d, func(_ context.Context, e *nexmo.Event, b *nexmo.MemberLeft) error {
		c.note("%s left: %v", e.MemberID(), b.Timestamp.Left.Sub(b.Timestamp.Joined).Round(time.Second))
		return nil
	})
	nexmo.OnCustom(&d, "order-update", func(_ context.Context, _ *nexmo.Event, b *struct {
		Order string          `json:"order"`
		State string          `json:"state"`
		Total json.RawMessage `json:"total"`
	}) error {
		c.note("order %s is %s: %s", b.Order, b.State, b.Total)
		return nil
	})
	for _, line := range callLines(t) {
		if err := d.Deliver(t.Context(), parseText(t, line)); err != nil {
			t.Error(err)
		}
	}
	c.want(t,
		"pressed 2", "pressed 4", "pressed 1", "pressed 4",
		`order 441 is ready: {"amount":1249.5,"currency":"GBP"}`,
		`order 441 is ready: {"amount":1249.5,"currency":"GBP"}`,
		"MEM-2d5d013e-496d-4e17-96a3-fb292b05f841 left: 1m28s",
		"MEM-bdeeb7a5-ed06-44cd-b1e3-6b2047bb99f7 left: 2m14s",
	)
}
