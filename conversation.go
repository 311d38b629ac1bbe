package nexmo

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/conversation-events/nexmo/internal/line"
)

// Conversation follows one conversation through its events. It is a [Sink]:
// what is delivered to it is handled once each and in order, by the rules that
// the package comment gives, and it keeps the conversation's members, its
// properties and, with [WithHistory], its last events.
//
// With a [Client], which [WithClient] or [Client.Conversation] gives it, it has
// methods for messages, media and members: they make requests, as the methods of
// Client do, and return its errors. Without one they return [ErrNoClient].
//
// [NewConversation] and [Client.Conversation] make one; the zero value cannot be used.
// All methods may be called from several goroutines, and from handlers.
type Conversation struct {
	id         string
	cfg        *config
	parent     *EventDispatcher // of the Application, whose handlers run first
	dispatcher EventDispatcher

	mu        sync.Mutex
	closed    bool
	busy      bool               // a goroutine has the role of running handlers: see turn
	crowded   bool               // an event was not handed over, as the window was full
	runs      uint8              // counts the events that are handled, for slow
	pins      atomic.Int32       // how many use it; evicted if it was. Changed without mu
	line      line.Line[*turn]   // what is due, what waits, and for how long
	running   running            // the event that is being handled
	progress  progress           // which of its handlers runs
	timer     *time.Timer        // takes the role when the line said to look again
	stopFetch context.CancelFunc // ends the reading of the Source; nil while it is not read
	state     state              // what the events so far tell
	failed    *failedEvents      // whose handlers failed; nil while there were none
	causes    *causes            // of events without an ID; nil before the first one
	slow      *slowWatch         // nil while nobody looks for handlers that run long

	used atomic.Int64 // see touch; as of sinceStart, 0 for never
}

// ErrClosed is returned by Deliver after Close.
var ErrClosed = errors.New("nexmo: closed")

// ErrNoSource is returned by Sync when there is no [Source] to read.
var ErrNoSource = errors.New("nexmo: the conversation has no Source: give one with WithSource")

// NewConversation returns a conversation that has seen no event yet. It makes no
// request and starts no goroutine. id must be the one that its events name. It panics
// if an option is nil.
func NewConversation(id string, opts ...ConversationOption) *Conversation {
	checkOptions("NewConversation", opts)
	cfg := &defaultConfig
	if len(opts) > 0 {
		cfg = new(defaultConfig)
	}
	for _, o := range opts {
		o.applyConversation(cfg)
	}
	return newConversation(id, cfg, nil)
}

func newConversation(id string, cfg *config, parent *EventDispatcher) *Conversation {
	return &Conversation{
		id: id, cfg: cfg, parent: parent,
		line:  line.New[*turn](&cfg.rules, int64(cfg.start)),
		state: state{id: id, history: history{limit: cfg.history}},
	}
}

// ID returns the ID of the conversation.
func (c *Conversation) ID() string { return c.id }

// On registers h for the events of type t, or for those that the pattern t
// matches; see [EventDispatcher.On]. A type that is neither known nor custom is
// accepted, as tomorrow's types are, and logged as a warning: it is usually a
// slip.
func (c *Conversation) On(t EventType, h Handler) (off func()) {
	warnUnknown(c.cfg.log, t)
	return c.dispatcher.On(t, h)
}

// onFunc is On for a handler that was made of fn.
func (c *Conversation) onFunc(t EventType, h Handler, fn any) (off func()) {
	warnUnknown(c.cfg.log, t)
	return c.dispatcher.onFunc(t, h, fn)
}

// Once registers h for one event; see [EventDispatcher.Once].
func (c *Conversation) Once(t EventType, h Handler) (off func()) {
	warnUnknown(c.cfg.log, t)
	return c.dispatcher.Once(t, h)
}

func warnUnknown(log *slog.Logger, t EventType) {
	if !t.Known() && !t.pattern() {
		log.Warn("nexmo: a handler was registered for an event type that is not known", "event_type", string(t))
	}
}

// Use wraps the handlers of the conversation, not those of its [Application]; see
// [EventDispatcher.Use].
func (c *Conversation) Use(mw ...Middleware) { c.dispatcher.Use(mw...) }

// Deliver hands e to the conversation and returns when its handlers have
// returned, with their errors joined; for an event that is held back because
// earlier ones are missing, that is when its turn has come. If ctx ends first,
// the event is withdrawn and ctx's error returned: deliver it again. A duplicate
// of an event that was handled returns nil.
//
// The error is [ErrClosed] after Close. It is another one, and no handler runs, when
// e is nil, names another conversation, or has an ID below 0. An ID above 2^40, or 2^20
// or more above the next expected, is one that no conversation has counted to: the event
// is handled at once, as one without an ID, and a warning is logged.
//
// From a handler, with the handler's ctx, Deliver queues e behind the current
// event and returns nil at once.
func (c *Conversation) Deliver(ctx context.Context, e *Event) error {
	c.touch()
	return deliver(ctx, direct{c}, e)
}

// sinceStart is a clock that only goes forward, and may be negative. To read it takes
// half the time of time.Now, which every event of an Application would pay for.
func sinceStart() time.Duration { return time.Since(programStart) }

var programStart = time.Now()

// touch notes that the conversation is used other than through its Application.
func (c *Conversation) touch() {
	if c.parent != nil {
		c.used.Store(int64(sinceStart()))
	}
}

// Close gives up the gaps that are open, so that what was held back is handled,
// and stops the conversation's timer. Deliver returns [ErrClosed] from then
// on. Close does not wait for handlers that other goroutines run. A handler may
// close its own conversation, but not another one.
func (c *Conversation) Close() error {
	c.mu.Lock()
	c.close()
	if c.busy {
		c.mu.Unlock()
		return nil
	}
	c.busy = true
	d := newDelivery(context.Background())
	defer d.finish()
	c.advance(d, nil)
	return d.drain()
}

// close takes no more events. The caller holds c.mu.
func (c *Conversation) close() {
	c.closed = true
	c.line.Close()
	if c.slow != nil && !c.busy {
		c.slow.timer.Stop()
		c.slow = nil
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.stopFetch != nil {
		c.stopFetch()
	}
}

// LastEventID returns the highest ID of an event that was handled, or 0.
func (c *Conversation) LastEventID() EventID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return EventID(c.line.Last())
}

// Member returns a copy of the member with an ID. Members who left stay, with
// the state LEFT.
func (c *Conversation) Member(id string) (Member, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.state.members.find(id)
	if m == nil {
		return Member{}, false
	}
	return m.member(), true
}

// Members returns copies of the members as they are when the loop begins, in the
// order in which they became known; those who left are among them.
func (c *Conversation) Members() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		c.mu.Lock()
		list := c.state.members.all()
		c.mu.Unlock()
		for _, m := range list {
			if !yield(m) {
				return
			}
		}
	}
}

// Events returns the kept history as it is when the loop begins, in the order of
// the IDs. It is empty unless [WithHistory] says how many events to keep. Events
// without an ID are not kept. Receipts, edits and deletions have been applied to
// what is kept: such an event is a copy of the one that was handled, and read-only
// as that.
func (c *Conversation) Events() iter.Seq2[EventID, *Event] {
	return func(yield func(EventID, *Event) bool) {
		if c.cfg.history == 0 {
			c.cfg.log.Warn("nexmo: Conversation.Events is empty: no history is kept without WithHistory", "conversation_id", c.id)
		}
		c.mu.Lock()
		list := slices.Clone(c.state.history.events)
		c.mu.Unlock()
		for _, e := range list {
			if !yield(e.ID, e) {
				return
			}
		}
	}
}

// Info returns what is known of the conversation itself. What it points to is shared
// and must not be changed.
func (c *Conversation) Info() ConversationInfo {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.info == nil {
		return ConversationInfo{ID: c.id}
	}
	return *c.state.info
}

func (c *Conversation) queuedError(e *Event, err error) {
	c.log(context.Background(), slog.LevelError, "nexmo: an event that a handler delivered failed", e, slog.Any("error", err))
}
