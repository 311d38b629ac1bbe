package nexmo

import (
	"context"
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// Handler handles an event. The event is shared: do not change it. A returned
// error means that the event was not handled: it reaches the caller of Deliver,
// and a [Conversation] will take the event again.
//
// ctx is that of who delivered the event: of a webhook it ends with its time, of a
// session with Run. What a handler delivers itself has to be delivered with it.
type Handler func(ctx context.Context, e *Event) error

// Middleware wraps a handler, as in net/http. It must not return nil.
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
//
// Handlers of other types cost an event nothing, however many are registered. On and
// Once take constant time on average; the function that removes a handler, and Use,
// take time in proportion to the number of handlers.
type EventDispatcher struct {
	registry atomic.Pointer[registry]
	mu       sync.Mutex // held while the registry is replaced, not while it is read
}

// registry is what was registered. It is never changed, only replaced: a
// goroutine that dispatches an event works with one that stays as it is.
type registry struct {
	middleware []Middleware
	entries    []*entry // in the order of registration
	index      atomic.Pointer[index]
	searches   atomic.Uint32 // that were made without an index; see makeIndex
}

// entry is a registered handler, wrapped in the middleware of one registry.
type entry struct {
	pattern EventType
	call    Handler
	family  string // for "family:*"
	reg     *registration
}

// registration is the identity of a handler: Use makes a new entry of it.
type registration struct {
	handler Handler
	name    string // of the function that the program gave: handler, or what On or OnCustom made it of
	once    bool
	claimed atomic.Bool // for once: an event is being handled, or was
}

// nameOf returns the name of a function, or method.
func nameOf(fn any) string {
	return strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(fn).Pointer()).Name(), "-fm")
}

// matches reports what EventType.Matches reports, with the family at hand.
func (n *entry) matches(t EventType) bool {
	if n.pattern == t || n.pattern == EventAny {
		return true
	}
	return n.family != "" && strings.HasPrefix(string(t), n.family) &&
		(len(t) == len(n.family) || t[len(n.family)] == ':')
}

// On registers h for the events of type t, or for those that the pattern t
// matches. Handlers run in the order in which they were registered. The
// returned function takes h off again, from the next event on; it may be called
// more than once, and from h itself. On panics if h is nil.
func (d *EventDispatcher) On(t EventType, h Handler) (off func()) {
	return d.add("On", t, h, h, false)
}

// Once registers h for one event: it is taken off when it has handled one
// without an error. However many goroutines deliver, h runs one at a time: h does not
// receive events that are delivered while it runs. Once panics if h is nil.
func (d *EventDispatcher) Once(t EventType, h Handler) (off func()) {
	return d.add("Once", t, h, h, true)
}

// Use wraps every handler, those registered before and after alike, from the
// next event on. The first middleware is the outermost; what a second call of
// Use adds is inside what the first added. A middleware may be called more than
// once for a handler. Use panics if a middleware is nil or returns nil; so do On
// and Once if a middleware returns nil for their handler.
func (d *EventDispatcher) Use(mw ...Middleware) {
	for _, m := range mw {
		if m == nil {
			panic("nexmo: Use: a middleware is nil")
		}
	}
	w := wrapper{dispatcher: d, caller: "Use"}
	for {
		old := d.load()
		all := append(slices.Clip(old.middleware), mw...)
		entries := make([]*entry, len(old.entries))
		for i, e := range old.entries {
			entries[i] = &entry{e.pattern, w.wrap(e.reg, all), e.family, e.reg}
		}
		if d.replace(old, func() *registry { return &registry{middleware: all, entries: entries} }) {
			return
		}
	}
}

// onFunc is On for a handler that was made of fn, which is not nil.
func (d *EventDispatcher) onFunc(t EventType, h Handler, fn any) (off func()) {
	return d.add("On", t, h, fn, false)
}

func (d *EventDispatcher) add(caller string, t EventType, h Handler, fn any, once bool) (off func()) {
	if h == nil {
		panic("nexmo: " + caller + ": the handler is nil")
	}
	reg := &registration{handler: h, name: nameOf(fn), once: once}
	e := &entry{pattern: t, reg: reg}
	if t.pattern() {
		e.family = t.Family()
	}
	w := wrapper{dispatcher: d, caller: caller}
	for {
		old := d.load()
		e.call = w.wrap(reg, old.middleware)
		if d.replace(old, func() *registry {
			// Registries may share an array: none reads beyond its own length, and
			// only the newest one is appended to.
			return &registry{middleware: old.middleware, entries: append(old.entries, e)}
		}) {
			return func() { d.remove(reg) }
		}
	}
}

func (d *EventDispatcher) remove(reg *registration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.load()
	i := slices.IndexFunc(old.entries, func(e *entry) bool { return e.reg == reg })
	if i < 0 {
		return
	}
	d.registry.Store(&registry{middleware: old.middleware, entries: slices.Concat(old.entries[:i], old.entries[i+1:])})
}

var noHandlers = new(registry)

func (d *EventDispatcher) load() *registry {
	if r := d.registry.Load(); r != nil {
		return r
	}
	return noHandlers
}

// replace replaces old by the registry that next returns. It returns false if old has
// been replaced already: callers call middleware, which may register, without the lock.
func (d *EventDispatcher) replace(old *registry, next func() *registry) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.load() != old {
		return false
	}
	d.registry.Store(next())
	return true
}

// wrapper wraps handlers, each once for as long as the middleware is the same:
// middleware is the user's, and may register something each time it is called.
type wrapper struct {
	dispatcher *EventDispatcher
	caller     string // for panics
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
		if h = m(h); h == nil {
			panic("nexmo: " + w.caller + ": a middleware returned nil")
		}
	}
	if reg.once {
		h = w.dispatcher.once(reg, h)
	}
	w.calls[reg] = h
	return h
}

// once returns a handler that calls h for one event at a time, until h has handled
// one.
func (d *EventDispatcher) once(reg *registration, h Handler) Handler {
	return func(ctx context.Context, e *Event) error {
		if !reg.claimed.CompareAndSwap(false, true) {
			return nil
		}
		handled := false
		defer func() { // also when h panics or ends its goroutine
			if handled {
				d.remove(reg)
			} else {
				reg.claimed.Store(false)
			}
		}()
		err := h(ctx, e)
		handled = err == nil
		return err
	}
}

// Deliver calls the handlers of e one after another, with ctx unchanged, and returns
// their errors, joined. A panic of a handler is one of them, as a [*PanicError]; the
// other handlers still run. Deliver returns an error if e is nil.
//
// Deliver never queues: when a handler delivers an event to an EventDispatcher, also a
// handler of a [Conversation], that event has been handled when Deliver returns.
func (d *EventDispatcher) Deliver(ctx context.Context, e *Event) error {
	if e == nil {
		return errNilEvent
	}
	var failed failures
	d.handlersOf(e.Type).call(ctx, e, &failed, nil)
	return failed.outcome(e)
}

// handlers are the handlers of one type of event as they were registered at one
// time, in the order of registration. They do not change.
type handlers struct {
	entries []*entry
	mixed   bool // entries has those of other types as well
}

// handlersOf returns the handlers of the events of type t that are registered now.
func (d *EventDispatcher) handlersOf(t EventType) handlers {
	if r := d.registry.Load(); r != nil {
		return r.find(t)
	}
	return handlers{}
}

// find returns the handlers of the events of type t.
func (r *registry) find(t EventType) handlers {
	all := handlers{entries: r.entries, mixed: true}
	if len(r.entries) < indexFrom {
		return all
	}
	x := r.index.Load()
	if x == nil {
		x = r.makeIndex()
	}
	if x == nil {
		return all
	}
	s := x.types.slot(string(t))
	if s.list == nil && x.families != nil {
		s = x.families.slot(t.Family())
	}
	if s.list == nil {
		return handlers{entries: x.any}
	}
	return handlers{entries: s.list}
}

// only returns those of the handlers that are in regs.
func (hs handlers) only(regs []*registration) handlers {
	var some []*entry
	for _, h := range hs.entries {
		if slices.Contains(regs, h.reg) {
			some = append(some, h)
		}
	}
	return handlers{some, hs.mixed}
}

// call calls hs, which are the handlers of the type of e, one after another, and adds
// those that fail to failed. The handlers that follow one that panics are called while
// its panic is handled. If one ends its goroutine, it and those that follow are added.
//
// p, if not nil, is told which handler is called.
func (hs handlers) call(ctx context.Context, e *Event, failed *failures, p *progress) {
	next, returned := 0, false
	defer func() {
		if returned { // recover takes time
			return
		}
		if v := recover(); v != nil {
			*failed = append(*failed, failure{hs.entries[next-1].reg, &PanicError{Value: v, Stack: debug.Stack()}})
			hs.from(next).call(ctx, e, failed, p)
			return
		}
		hs.from(next-1).exited(e, failed)
	}()
	for next < len(hs.entries) {
		h := hs.entries[next]
		next++
		if hs.mixed && !h.matches(e.Type) {
			continue
		}
		if p != nil {
			p.current.Store(h.reg)
		}
		if err := h.call(ctx, e); err != nil {
			*failed = append(*failed, failure{h.reg, err})
		}
	}
	returned = true
}

// from returns the handlers from index i on.
func (hs handlers) from(i int) handlers { return handlers{hs.entries[i:], hs.mixed} }

// exited adds all handlers to failed: the first has ended its goroutine.
func (hs handlers) exited(e *Event, failed *failures) {
	for _, h := range hs.entries {
		if h.matches(e.Type) {
			*failed = append(*failed, failure{h.reg, errHandlerExited})
		}
	}
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
