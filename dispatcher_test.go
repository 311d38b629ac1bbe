package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

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
	pass := func(h nexmo.Handler) nexmo.Handler { return h }
	none := func(nexmo.Handler) nexmo.Handler { return nil }
	bad := func() *nexmo.EventDispatcher { // whose middleware returns nil
		d := new(nexmo.EventDispatcher)
		d.Use(pass, none)
		return d
	}
	h := func(context.Context, *nexmo.Event) error { return nil }
	conversation, app := nexmo.NewConversation("CON-1"), nexmo.NewApplication("")
	for want, registers := range map[string][]func(){
		"nexmo: On: the handler is nil": {
			func() { d.On("text", nil) }, func() { conversation.On("text", nil) }, func() { app.On("text", nil) },
			func() { nexmo.On[*nexmo.Text](&d, nil) }, func() { nexmo.On[nexmo.Body](&d, nil) },
		},
		"nexmo: Once: the handler is nil": {
			func() { d.Once("text", nil) }, func() { conversation.Once("text", nil) }, func() { app.Once("text", nil) },
		},
		"nexmo: OnCustom: the handler is nil":    {func() { nexmo.OnCustom[string](&d, "order", nil) }},
		"nexmo: Use: a middleware is nil":        {func() { d.Use(nil) }, func() { d.Use(pass, nil) }, func() { app.Use(nil, pass) }},
		"nexmo: On: a middleware returned nil":   {func() { bad().On("text", h) }},
		"nexmo: Once: a middleware returned nil": {func() { bad().Once("text", h) }},
		"nexmo: Use: a middleware returned nil": {
			func() { d := new(nexmo.EventDispatcher); d.On("text", h); d.Use(none, pass) },
		},
	} {
		for i, register := range registers {
			func() {
				defer func() {
					if got := recover(); got != want {
						t.Errorf("%d: panicked with %v, want %s", i, got, want)
					}
				}()
				register()
			}()
		}
	}
	var c calls
	d.On("text", c.handler("first")) // what was refused has left nothing behind
	deliverAll(t, &d, "text")
	c.want(t, "first text")
}

// TestDispatcherDeliversAtOnce: what a handler delivers to a dispatcher has been
// handled when that Deliver returns, with its errors.
func TestDispatcherDeliversAtOnce(t *testing.T) {
	t.Parallel()
	var d, other nexmo.EventDispatcher
	var c calls
	errInner, errOther := errors.New("inner"), errors.New("other")
	nested := func(ctx context.Context, to nexmo.Sink, typ nexmo.EventType, want error) {
		if err := to.Deliver(ctx, ofType(typ)); !errors.Is(err, want) {
			t.Errorf("Deliver(%q) in a handler returned %v, want %v", typ, err, want)
		}
	}
	d.On("text", func(ctx context.Context, _ *nexmo.Event) error {
		c.note("text begins")
		nested(ctx, &d, "image", errInner)
		nested(ctx, &other, "audio:say", errOther)
		c.note("text ends")
		return nil
	})
	d.On("text", c.handler("second"))
	d.On("image", func(ctx context.Context, _ *nexmo.Event) error {
		nested(ctx, &d, "message", nil)
		c.note("image")
		return errInner
	})
	d.On("message", c.handler("last"))
	other.On(nexmo.EventAny, c.failing("other", errOther))
	want := []string{"text begins", "last message", "image", "other", "text ends", "second text"}
	deliverAll(t, &d, "text") // the errors are those of the nested calls
	c.want(t, want...)

	// It makes no difference that the ctx is that of a Conversation.
	conversation := nexmo.NewConversation("CON-1")
	conversation.On("ephemeral", func(ctx context.Context, _ *nexmo.Event) error {
		defer c.note("end")
		return d.Deliver(ctx, ofType("text"))
	})
	deliverAll(t, conversation, "ephemeral")
	c.want(t, append(want, "end")...)
}

// TestDispatcherPassesContext: handlers get the ctx of Deliver itself, so that what
// they deliver with it to a Conversation is queued only if a Conversation or an
// Application made it.
func TestDispatcherPassesContext(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	conversation := nexmo.NewConversation("CON-1")
	conversation.On("image", c.handler("conversation"))
	conversation.On("ephemeral", d.Deliver)
	var given context.Context
	d.On(nexmo.EventAny, func(ctx context.Context, _ *nexmo.Event) error {
		given = ctx
		err := conversation.Deliver(ctx, ofType("image"))
		c.note("dispatcher")
		return err
	})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if err := d.Deliver(ctx, ofType("text")); err != nil {
		t.Error(err)
	}
	if given != ctx {
		t.Errorf("the handler was given %v, want the ctx of Deliver", given)
	}
	c.want(t, "conversation image", "dispatcher")
	deliverAll(t, conversation, "ephemeral")
	c.want(t, "dispatcher", "conversation image")
}

// TestDispatcherGoexit: a handler that ends its goroutine ends Deliver, whatever the
// handlers before it did, and the next event is handled as ever.
func TestDispatcherGoexit(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	var c calls
	d.On("text", panicsAt("boom"))
	d.On("text", c.failing("failing", io.ErrUnexpectedEOF))
	exit := true
	d.Once("text", func(context.Context, *nexmo.Event) error {
		c.note("once")
		if exit {
			runtime.Goexit()
		}
		return nil
	})
	d.On("text", c.handler("last"))
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = d.Deliver(t.Context(), ofType("text"))
		t.Error("Deliver returned")
	}()
	<-done
	c.want(t, "failing", "once")
	exit = false
	for range 2 {
		err := d.Deliver(t.Context(), ofType("text"))
		if _, ok := errors.AsType[*nexmo.PanicError](err); !ok || !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the error is %v, want those of two handlers", err)
		}
	}
	c.want(t, "failing", "once", "last text", "failing", "last text")
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
