package nexmo

import (
	"container/list"
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Application routes the events of an application to its conversations, which it
// makes as they are first heard of. It is a [Sink], and its own handlers see
// every event, before those of the conversation do: events that belong to no
// conversation as well.
//
// [NewApplication] makes one; the zero value cannot be used. All methods may be called
// from several goroutines, and from handlers.
type Application struct {
	id         string
	cfg        applicationConfig
	dispatcher EventDispatcher

	mu     sync.Mutex
	closed bool
	byID   map[string]*tracked
	recent list.List // of *tracked, the most recently used first
	gone   list.List // of *tracked: deleted conversations, the same way
	made   uint64
	hooks  []func(*Conversation)

	causes causes // of events without an ID
}

// tracked is a conversation that the application keeps.
type tracked struct {
	*Conversation
	number  uint64        // in the order of making
	ready   chan struct{} // closed when the functions of OnConversation have returned
	element *list.Element // in recent or gone
	deleted bool
	used    time.Duration // as of sinceStart
	loading loading
}

// NewApplication returns an application without conversations. id is for
// [Application.ID] alone and may be empty: which application a webhook is for is
// checked by a [Verifier]. It panics if an option is nil.
func NewApplication(id string, opts ...ApplicationOption) *Application {
	checkOptions("NewApplication", opts)
	cfg := defaultApplicationConfig
	for _, o := range opts {
		o.applyApplication(&cfg)
	}
	cfg.failedBytes, cfg.counters = new(atomic.Int64), new(counters)
	a := &Application{id: id, cfg: cfg, byID: map[string]*tracked{}}
	a.cfg.app = a
	return a
}

// ID returns the ID that NewApplication was given.
func (a *Application) ID() string { return a.id }

// On registers h for the events of type t, or for those that the pattern t
// matches, in all conversations and outside; see [Conversation.On].
func (a *Application) On(t EventType, h Handler) (off func()) {
	warnUnknown(a.cfg.log, t)
	return a.dispatcher.On(t, h)
}

// onFunc is On for a handler that was made of fn.
func (a *Application) onFunc(t EventType, h Handler, fn any) (off func()) {
	warnUnknown(a.cfg.log, t)
	return a.dispatcher.onFunc(t, h, fn)
}

// Once registers h for one event; see [EventDispatcher.Once].
func (a *Application) Once(t EventType, h Handler) (off func()) {
	warnUnknown(a.cfg.log, t)
	return a.dispatcher.Once(t, h)
}

// Use wraps the handlers of the application, not those of its conversations; see
// [EventDispatcher.Use].
func (a *Application) Use(mw ...Middleware) { a.dispatcher.Use(mw...) }

// OnConversation has fn called once for each conversation that is heard of from
// now on, before its first event is handled: the place to register handlers of
// the conversation. A conversation that was let go and is heard of again is a
// new one. fn must not deliver events of that conversation to the application;
// it may deliver them to the conversation, or have it Sync. It runs in the goroutine
// that first names the conversation: where that is a handler of another one, nothing
// that fn waits for may wait for that one. OnConversation panics if fn is nil.
func (a *Application) OnConversation(fn func(*Conversation)) {
	if fn == nil {
		panic("nexmo: OnConversation: the function is nil")
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hooks = append(slices.Clip(a.hooks), fn)
}

// Deliver hands e to the conversation it belongs to, as [Conversation.Deliver]
// does, or handles it at once when it belongs to none. The first event of a
// conversation has the functions of OnConversation run, and with [WithClient] the
// conversation loaded, which may take ten seconds. After Close the error is
// [ErrClosed].
func (a *Application) Deliver(ctx context.Context, e *Event) error {
	return deliver(ctx, a, e)
}

// Redeliver runs all handlers of e once more, also those that have handled it, and leaves
// the state of its conversation as it is; see [Conversation.Redeliver].
func (a *Application) Redeliver(ctx context.Context, e *Event) error {
	return deliver(ctx, applicationRedelivery{a}, e)
}

// applicationRedelivery is an application that runs all handlers of an event once more.
type applicationRedelivery struct{ *Application }

func (r applicationRedelivery) handle(d *delivery, e *Event) error {
	return r.Application.handle(d.redelivering(), e)
}

// handle hands e to the conversation it belongs to.
func (a *Application) handle(d *delivery, e *Event) error {
	id := conversationOf(e)
	if id == "" {
		a.mu.Lock()
		closed := a.closed
		a.mu.Unlock()
		if closed {
			return ErrClosed
		}
		if d.redelivered {
			return a.run(d, e)
		}
		return a.once(d, e)
	}
	t, err := a.track(id)
	if err != nil {
		return err
	}
	defer t.unpin()
	if st := streamOf(d); st != nil {
		st.keep(t.Conversation)
	}
	return a.handleIn(d, t, e)
}

// once has an event that names its cause handled once.
func (a *Application) once(d *delivery, e *Event) error {
	cause, ok := causeOf(e)
	if !ok {
		return a.run(d, e)
	}
	duplicate, err := a.causes.once(d, cause, func() error { return a.run(d, e) })
	if duplicate {
		a.cfg.log.LogAttrs(d, slog.LevelDebug, "nexmo: a duplicate was dropped", slog.String("event_type", string(e.Type)))
		a.cfg.dropped(d, e, false)
	}
	return err
}

// handleIn hands e to a conversation that is pinned.
func (a *Application) handleIn(d *delivery, t *tracked, e *Event) error {
	select {
	case <-t.ready:
	default:
		if d.queued && t.Conversation.used.Load() != 0 {
			break // a function of OnConversation has it Sync, which may wait for this very event
		}
		select {
		case <-t.ready:
		case <-d.Done():
			return d.Err()
		}
	}
	if err := a.load(d, t, e); err != nil {
		return err
	}
	err := t.handle(d, e)
	if e.Type == EventConversationDeleted {
		a.bury(t)
	}
	return err
}

// run handles an event that belongs to no conversation.
func (a *Application) run(d *delivery, e *Event) (err error) {
	traced := a.cfg.beginHandle(d, e, false)
	err = errHandlerExited
	defer func() { traced.end(err) }()
	var failed failures
	if unreadable(e) {
		failed = failures{{err: wrongBody(e)}}
	} else {
		a.dispatcher.handlersOf(e.Type).callTraced(d, e, &failed, traced, nil)
	}
	err, aside := a.cfg.conclude(d, e, failed)
	if aside {
		a.causes.setAside(e)
	}
	return err
}

// loading is how far it has come that a conversation knows what the service tells
// of it.
type loading struct {
	mu    sync.Mutex
	done  bool
	busy  chan struct{} // closed when the one who asks has an answer; nil when nobody does
	again time.Time     // when it may be tried again
}

const (
	// maxLoading is for how long the first event of a conversation waits.
	maxLoading = 10 * time.Second
	// loadingPause is how long after a failure the service is asked again.
	loadingPause = time.Minute
)

// load asks the service, if there is a [Client], for a conversation that was not
// heard of before, in front of its first event. No lock is held meanwhile: whoever
// delivers to the same conversation waits. The error is that of d.
func (a *Application) load(d *delivery, t *tracked, e *Event) error {
	l := &t.loading
	if a.cfg.client == nil || a.cfg.unloaded {
		return nil
	}
	for {
		l.mu.Lock()
		busy := l.busy
		switch {
		case l.done, busy == nil && time.Now().Before(l.again):
			l.mu.Unlock()
			return nil
		case e.Type == EventConversationCreated, e.Type == EventConversationDeleted:
			// There is nobody in it yet, or nothing to ask for any more.
			l.done = l.done || busy == nil
			l.mu.Unlock()
			return nil
		case busy == nil:
			busy = make(chan struct{})
			l.busy = busy
			l.mu.Unlock()
			if t.begin(e.ID) {
				a.askFor(d, e, t, busy)
			} else { // a function of OnConversation has loaded it
				l.end(busy, true, time.Time{})
			}
			return d.Err()
		}
		l.mu.Unlock()
		select {
		case <-busy:
		case <-d.Done():
			return d.Err()
		}
	}
}

// end notes the outcome, and closes busy.
func (l *loading) end(busy chan struct{}, done bool, again time.Time) {
	l.mu.Lock()
	l.busy, l.done, l.again = nil, done, again
	l.mu.Unlock()
	close(busy)
}

// begin sets the baseline to the first event, in front of which the conversation is
// to be loaded, and reports whether it is: others that come meanwhile overtake the
// first one.
func (c *Conversation) begin(id EventID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.line.Expect(int64(id))
	return !c.state.loaded
}

// askFor loads t, and closes busy.
func (a *Application) askFor(d *delivery, e *Event, t *tracked, busy chan struct{}) {
	err := errors.New("nexmo: what makes the requests of the Client ended its goroutine")
	began := time.Now()
	defer func() {
		var again time.Time
		if d.Err() == nil {
			again = time.Now().Add(loadingPause)
		}
		t.loading.end(busy, err == nil, again)
		if err != nil {
			a.cfg.log.LogAttrs(d, slog.LevelWarn, "nexmo: the members of a conversation could not be loaded",
				slog.String("conversation_id", t.id), reasonOf(err))
		}
		a.cfg.counters.loaded.Add(1)
		if err != nil {
			a.cfg.counters.loadsFailed.Add(1)
		}
		if tr := a.cfg.trace; tr != nil {
			traceStep(d, a.cfg.log, tr.Loaded, ConversationTrace{t.id, time.Since(began), err})
		}
	}()
	ctx, cancel := context.WithTimeout(forEvent(d, e), maxLoading)
	defer cancel()
	err = t.loadFrom(ctx, false)
}

// conversationOf returns the conversation whose state e changes. Two events of
// the application name it in their body alone.
func conversationOf(e *Event) string {
	if e.ConversationID != "" {
		return e.ConversationID
	}
	switch b := e.Body.(type) {
	case *ConversationCreated:
		return b.ID
	case *ConversationDeleted:
		return b.ID
	default:
		return ""
	}
}

// Conversation returns the conversation with an ID, and makes it if it was not
// heard of yet; it does not wait for functions of OnConversation that another
// goroutine runs. Handlers registered on it last until it is let go, which
// [WithIdleTimeout] and [WithMaxConversations] decide: handlers for every
// conversation belong in OnConversation. [Application.Lookup] makes none.
//
// One that was let go and is still held by the program returns to the application when
// it is used: by Deliver, Sync or Load. If another one was made meanwhile, these act on
// that one, with its handlers, and what the old one tells is of the past.
func (a *Application) Conversation(id string) *Conversation {
	t, err := a.track(id)
	if err != nil { // closed: none will take events any more
		a.mu.Lock()
		defer a.mu.Unlock()
		if t := a.byID[id]; t != nil {
			return t.Conversation
		}
		c := newConversation(strings.Clone(id), &a.cfg.config, &a.dispatcher)
		c.closed = true
		return c
	}
	t.unpin()
	return t.Conversation
}

// track returns the conversation with an ID, pinned, and makes it if need be.
func (a *Application) track(id string) (*tracked, error) {
	now := sinceStart()
	a.mu.Lock()
	if a.closed {
		a.mu.Unlock()
		return nil, ErrClosed
	}
	t := a.byID[id]
	if t != nil {
		t.used = now
		t.pins.Add(1)
		if t.deleted {
			a.gone.MoveToFront(t.element)
		} else {
			a.recent.MoveToFront(t.element)
		}
		a.unlock(now)
		return t, nil
	}
	a.made++
	t = &tracked{number: a.made, ready: make(chan struct{}), used: now}
	t.Conversation = newConversation(strings.Clone(id), &a.cfg.config, &a.dispatcher)
	t.pins.Add(1)
	t.element = a.recent.PushFront(t)
	a.byID[t.id] = t
	hooks := a.hooks
	a.unlock(now)

	defer close(t.ready)
	introduced := false
	defer func() {
		if !introduced { // fn ended the goroutine
			t.unpin()
		}
	}()
	a.cfg.counters.made.Add(1)
	if tr := a.cfg.trace; tr != nil {
		traceStep(context.Background(), a.cfg.log, tr.Made, ConversationTrace{ConversationID: t.id})
	}
	for _, fn := range hooks {
		a.introduce(fn, t.Conversation)
	}
	introduced = true
	return t, nil
}

func (a *Application) introduce(fn func(*Conversation), c *Conversation) {
	defer func() {
		if v := recover(); v != nil {
			a.cfg.log.Error("nexmo: a function given to OnConversation panicked", "conversation_id", c.id)
		}
	}()
	fn(c)
}

// bury moves a deleted conversation to those that are let go first. It is still
// there for the events that come late, and to know their duplicates.
func (a *Application) bury(t *tracked) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if t.deleted || a.byID[t.id] != t {
		return
	}
	t.deleted = true
	a.recent.Remove(t.element)
	t.element = a.gone.PushFront(t)
}

// Conversations returns the conversations that are kept and not deleted, as they
// are when the loop begins, in the order in which they were first heard of.
func (a *Application) Conversations() iter.Seq[*Conversation] {
	return func(yield func(*Conversation) bool) {
		a.mu.Lock()
		list := make([]*tracked, 0, a.recent.Len())
		for el := a.recent.Front(); el != nil; el = el.Next() {
			list = append(list, el.Value.(*tracked))
		}
		a.mu.Unlock()
		slices.SortFunc(list, func(x, y *tracked) int { return int(x.number) - int(y.number) }) //nolint:gosec // small numbers
		for _, t := range list {
			if !yield(t.Conversation) {
				return
			}
		}
	}
}

// Close closes every conversation, which handles what was held back; see
// [Conversation.Close]. Deliver returns [ErrClosed] from then on. It may be called
// again.
func (a *Application) Close() (err error) {
	a.mu.Lock()
	a.closed = true
	all := make([]*tracked, 0, len(a.byID))
	for _, t := range a.byID {
		all = append(all, t)
	}
	a.mu.Unlock()
	slices.SortFunc(all, func(x, y *tracked) int { return int(x.number) - int(y.number) }) //nolint:gosec // small numbers
	// All of them first: what is held back may be passed on to another one.
	for _, t := range all {
		t.mu.Lock()
		t.close()
		t.mu.Unlock()
	}
	for _, t := range slices.Backward(all) {
		defer func() { err = errors.Join(err, t.Conversation.Close()) }() // also when a handler ends the goroutine
	}
	return nil
}

func (a *Application) queuedError(e *Event, err error) {
	a.cfg.log.LogAttrs(context.Background(), slog.LevelError, "nexmo: an event that a handler delivered failed",
		slog.String("conversation_id", e.ConversationID), slog.Int64("event_id", int64(e.ID)),
		slog.String("event_type", string(e.Type)), slog.Any("error", err))
}
