package nexmo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
)

// Handler handles an event. The event is shared: do not change it. A returned
// error means that the event was not handled: it reaches the caller of Deliver,
// and a [Conversation] will take the event again.
//
// ctx is that of who delivered the event: of a webhook it ends with its time, of a
// session with Run. What a handler delivers itself has to be delivered with it.
type Handler func(ctx context.Context, e *Event) error

// Middleware wraps a handler, as in net/http.
type Middleware func(Handler) Handler

// Registrar is where handlers are registered: an [EventDispatcher], a
// [Conversation] or an [Application].
type Registrar interface {
	// On registers h for the events of type t, or for those that the pattern t
	// matches. The function that it returns takes h off again.
	On(t EventType, h Handler) (off func())
}

// EventDispatcher runs handlers. The zero value is ready for use; it must not
// be copied after that. All methods may be called from several goroutines, and
// from handlers.
//
// It keeps nothing of the events it dispatches: events delivered from several
// goroutines are handled at the same time. For one at a time, in order and once,
// deliver to a [Conversation] or an [Application].
type EventDispatcher struct {
	registry atomic.Pointer[registry]
}

// registry is what was registered. It is never changed, only replaced: whoever
// dispatches has one that stays as it is.
type registry struct {
	middleware []Middleware
	entries    []entry
}

// entry is a registered handler.
type entry struct {
	pattern EventType
	family  string  // for "family:*"
	call    Handler // with the middleware around it
	reg     *registration
}

// registration is the identity of an entry.
type registration struct {
	handler Handler
	once    bool
	claimed atomic.Bool // for once: an event is being handled, or was
}

// On registers h for the events of type t, or for those that the pattern t
// matches. Handlers run in the order in which they were registered. The
// returned function takes h off again, from the next event on; it may be called
// more than once, and from h itself. On panics if h is nil.
func (d *EventDispatcher) On(t EventType, h Handler) (off func()) {
	return d.add(t, h, false)
}

// Once registers h for one event: it is taken off when it has handled one
// without an error. However many goroutines deliver, h runs one at a time.
func (d *EventDispatcher) Once(t EventType, h Handler) (off func()) {
	return d.add(t, h, true)
}

func (d *EventDispatcher) add(t EventType, h Handler, once bool) (off func()) {
	if h == nil {
		panic("nexmo: On: the handler is nil")
	}
	e := entry{pattern: t, reg: &registration{handler: h, once: once}}
	if t != EventAny && t.pattern() {
		e.family = t.Family()
	}
	var w wrapper
	d.change(func(r registry) registry {
		e.call = w.wrap(e.reg, r.middleware)
		r.entries = append(slices.Clip(r.entries), e)
		return r
	})
	return func() { d.remove(e.reg) }
}

func (d *EventDispatcher) remove(reg *registration) {
	d.change(func(r registry) registry {
		r.entries = slices.DeleteFunc(slices.Clone(r.entries), func(e entry) bool { return e.reg == reg })
		return r
	})
}

// Use wraps every handler, those registered before and after alike, from the
// next event on. The first middleware is the outermost; what a second call of
// Use adds is inside what the first added. A middleware may be called more than
// once for a handler.
func (d *EventDispatcher) Use(mw ...Middleware) {
	var w wrapper
	d.change(func(r registry) registry {
		r.middleware = append(slices.Clip(r.middleware), mw...)
		r.entries = slices.Clone(r.entries)
		for i := range r.entries {
			r.entries[i].call = w.wrap(r.entries[i].reg, r.middleware)
		}
		return r
	})
}

// change puts what f makes of the registry in its place, and calls f again when
// another change came in between: f calls middleware, which may make one.
func (d *EventDispatcher) change(f func(registry) registry) {
	for {
		old := d.registry.Load()
		r := registry{}
		if old != nil {
			r = *old
		}
		r = f(r)
		if d.registry.CompareAndSwap(old, &r) {
			return
		}
	}
}

// entries returns what is registered now.
func (d *EventDispatcher) entries() []entry {
	if r := d.registry.Load(); r != nil {
		return r.entries
	}
	return nil
}

// wrapper wraps handlers, each once for as long as the middleware is the same:
// middleware is the user's, and may register something each time it is called.
type wrapper struct {
	middleware int
	calls      map[*registration]Handler
}

func (w *wrapper) wrap(reg *registration, mw []Middleware) Handler {
	if w.calls == nil || w.middleware != len(mw) { // there is never less
		w.middleware, w.calls = len(mw), map[*registration]Handler{}
	}
	if h, ok := w.calls[reg]; ok {
		return h
	}
	h := reg.handler
	for _, m := range slices.Backward(mw) {
		h = m(h)
	}
	w.calls[reg] = h
	return h
}

// Deliver calls the handlers of e one after another and returns their errors,
// joined. A panic of a handler is one of them, as a [*PanicError]; the other
// handlers still run.
//
// An event that a handler delivers, with the ctx it was given, is queued behind
// the current one: that Deliver returns nil at once, and the outer one returns
// the errors of both.
func (d *EventDispatcher) Deliver(ctx context.Context, e *Event) error {
	return deliver(ctx, d, e)
}

func (d *EventDispatcher) handle(del *delivery, e *Event) error {
	return d.dispatch(del, e, d.entries())
}

func (d *EventDispatcher) queuedError(*Event, error) {} // the outer caller has it

// dispatch calls those of the entries, which are entries of d, that are for e.
func (d *EventDispatcher) dispatch(ctx context.Context, e *Event, entries []entry) error {
	var errs []error
	for i := range entries {
		entry := &entries[i]
		if !entry.matches(e.Type) {
			continue
		}
		err := error(nil)
		if entry.reg.once {
			err = d.runOnce(ctx, entry, e)
		} else {
			err = entry.run(ctx, e)
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	if errs == nil {
		return nil
	}
	return errors.Join(errs...)
}

func (n *entry) matches(t EventType) bool {
	if n.pattern == t || n.pattern == EventAny {
		return true
	}
	return n.family != "" && strings.HasPrefix(string(t), n.family) &&
		(len(t) == len(n.family) || t[len(n.family)] == ':')
}

func (n *entry) run(ctx context.Context, e *Event) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return n.call(ctx, e)
}

func (d *EventDispatcher) runOnce(ctx context.Context, n *entry, e *Event) error {
	if !n.reg.claimed.CompareAndSwap(false, true) {
		return nil
	}
	handled := false
	defer func() { // also when the handler ends its goroutine
		if handled {
			d.remove(n.reg)
		} else {
			n.reg.claimed.Store(false)
		}
	}()
	err := n.run(ctx, e)
	handled = err == nil
	return err
}

// PanicError is what a handler panicked with. It is the error of that handler; the
// others still run.
type PanicError struct {
	Value any    // what panic was called with
	Stack []byte // of the goroutine, as debug.Stack gives it
}

// Error returns Value as text, without the stack.
func (p *PanicError) Error() string { return fmt.Sprintf("nexmo: a handler panicked: %v", p.Value) }

// Unwrap returns Value if it is an error.
func (p *PanicError) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// On registers fn for the events whose body is a B, such as *[MemberJoined]: the
// type of the body names the type of the event. An event of that type whose body
// is not as documented makes a [*DecodeError]; fn is not called.
//
// B may also be *[Custom] or *[RawBody], for all events with such a body, or
// [Body], for all events.
func On[B Body](r Registrar, fn func(ctx context.Context, e *Event, body B) error) (off func()) {
	var zero B
	t := EventAny
	if any(zero) != nil {
		t = zero.EventType()
	}
	one := !t.pattern()
	return r.On(t, func(ctx context.Context, e *Event) error {
		body, ok := e.Body.(B)
		if ok {
			return fn(ctx, e, body)
		}
		if one {
			return wrongBody(e)
		}
		return nil
	})
}

// OnCustom registers fn for custom:<name>, whose body encoding/json decodes
// into a T, anew for each event and handler. A body that does not fit makes a
// [*DecodeError]; fn is not called.
func OnCustom[T any](r Registrar, name string, fn func(ctx context.Context, e *Event, body *T) error) (off func()) {
	return r.On((&Custom{Name: name}).EventType(), func(ctx context.Context, e *Event) error {
		body, ok := e.Body.(*Custom)
		if !ok {
			return wrongBody(e)
		}
		v := new(T)
		if err := body.JSON.orEmptyObject().Decode(v); err != nil {
			return &DecodeError{Type: e.Type, Err: &unfitError{err, reflect.TypeFor[T]()}}
		}
		return fn(ctx, e, v)
	})
}

func wrongBody(e *Event) error {
	raw, ok := e.Body.(*RawBody)
	switch {
	case ok && raw.Err != nil:
		return &DecodeError{Type: e.Type, Err: raw.Err}
	case e.Body == nil:
		return &DecodeError{Type: e.Type, Err: errors.New("it has no Body")}
	default:
		return &DecodeError{Type: e.Type, Err: fmt.Errorf("its Body is a %T", e.Body)}
	}
}

// unfitError says why JSON does not fit a type of the user, without any of the
// values, which the message of the error from encoding/json may hold.
type unfitError struct {
	err  error
	into reflect.Type
}

func (u *unfitError) Error() string {
	if t, ok := errors.AsType[*json.UnmarshalTypeError](u.err); ok {
		found, _, _ := strings.Cut(t.Value, " ") // "number 12": the rest is the value
		path := "body"
		if into := u.into; t.Field != "" && (into.Kind() == reflect.Struct || into.Kind() == reflect.Pointer && into.Elem().Kind() == reflect.Struct) {
			// What follows the first field may be a key of a map, which is content.
			field, _, _ := strings.Cut(t.Field, ".")
			path += "." + field
		}
		return fmt.Sprintf("%s: want %s, found %s", path, t.Type, found)
	}
	return fmt.Sprintf("the body does not fit (%T)", u.err)
}

func (u *unfitError) Unwrap() error { return u.err }
