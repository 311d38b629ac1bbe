package nexmo

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Conversation follows one conversation through its events. It is a [Sink]:
// what is delivered to it is handled once each and in order, by the rules that
// the package comment gives, and it keeps the conversation's members, its
// properties and, with [WithHistory], its last events.
//
// With a [Client], which [WithClient] or [Client.Conversation] gives it, it has the
// verbs of the field: they make requests, as the methods of Client do, and return
// its errors. Without one they return [ErrNoClient].
//
// All methods may be called from several goroutines, and from handlers.
type Conversation struct {
	id         string
	cfg        *config
	parent     *EventDispatcher // of the Application, whose handlers run first
	dispatcher EventDispatcher

	// The role: at any time at most one goroutine, the one that set busy, runs
	// handlers of this conversation. When it is done it passes the role on to
	// the goroutine that waits with the next event, or gives it up.
	mu      sync.Mutex
	busy    bool
	closed  bool
	seq     sequencer
	queue   []*turn // due now, in order of arrival: events without an ID, and late ones
	running running // the event that is being handled
	gap     gap
	timer   *time.Timer

	// stopFetch ends the reading of the Source; nil while it is not read. That
	// needs no role: events that come meanwhile are handled.
	stopFetch context.CancelFunc
	stuck     bool // the Source has not answered in time, and is not waited for

	loaded  bool // members and info are those that REST told, and what events changed
	members members
	info    *ConversationInfo // nil while nothing was told
	infoID  EventID           // the event that last changed info
	history history

	used atomic.Int64 // see touch; as of sinceStart, 0 for never
}

// ErrClosed is returned by Deliver after Close.
var ErrClosed = errors.New("nexmo: closed")

// ErrNoSource is returned by Sync when there is no [Source] to read.
var ErrNoSource = errors.New("nexmo: the conversation has no Source: give one with WithSource")

// errHandlerExited is the outcome of an event whose handler ended its goroutine
// with runtime.Goexit, as t.FailNow does.
var errHandlerExited = errors.New("nexmo: a handler ended its goroutine")

// Gap is a run of event IDs that are missing from a conversation and are no
// longer waited for. An event of a gap that arrives later is still handled.
type Gap struct {
	ConversationID string  // whose events are missing
	From, To       EventID // both are missing
}

// gap is what is known of the IDs that are missing in front of the held events.
type gap struct {
	until EventID   // the ID behind it, when it was noticed
	since time.Time // when the first event behind it came
	asked bool      // the Source was asked
	known EventID   // IDs below this one that have not come do not exist
}

// turn is an event that waits until it can be handled.
type turn struct {
	e       *Event
	ctx     context.Context // of the caller who delivered it
	at      time.Time       // when he did, if it has to be held back
	streams []*stream       // are told the outcome

	// A turn has an owner while the goroutine that delivered it waits. The
	// owner handles the event itself, once it is given the role.
	owned   bool
	granted bool          // the owner has the role
	wake    chan struct{} // closed when granted or done
	done    bool
	err     error

	// A turn that was handed over is handled by whoever has the role, whether
	// or not its owner still waits. An eager owner hands it over when events are
	// missing in front of it.
	handedOver bool
	eager      bool

	outcome *outcome
}

// running is the event that is being handled.
type running struct {
	id      EventID
	outcome *outcome
}

// outcome is what those wait for who delivered the same event again; nil while
// there are none.
type outcome struct {
	done chan struct{}
	err  error
	// sharing is how many wait.
	sharing int
}

func (o *outcome) settle(err error) {
	if o != nil {
		o.err = err
		close(o.done)
	}
}

// NewConversation returns a conversation that has seen no event yet. It makes no
// request and starts no goroutine. id must be the one that its events name.
func NewConversation(id string, opts ...ConversationOption) *Conversation {
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
	c := &Conversation{id: id, cfg: cfg, parent: parent}
	c.history.limit = cfg.history
	if cfg.start > 0 {
		c.seq.start(cfg.start)
	}
	return c
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
// e is nil, names another conversation, or has an ID below 0.
//
// From a handler, with the handler's ctx, Deliver queues e behind the current
// event and returns nil at once.
func (c *Conversation) Deliver(ctx context.Context, e *Event) error {
	c.touch()
	return deliver(ctx, c, e)
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

func (c *Conversation) handle(d *delivery, e *Event) error {
	if err := c.refuse(e); err != nil {
		return err
	}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return ErrClosed
	}
	st := due
	if e.ID != 0 {
		if c.running.id == e.ID {
			return c.share(d, &c.running.outcome)
		}
		if t := c.waiting(e.ID); t != nil {
			if c.handOver(d, t) {
				c.mu.Unlock()
				return nil
			}
			return c.share(d, &t.outcome)
		}
		st = c.seq.standing(e.ID)
	}
	switch {
	case st == duplicate || st == forgotten:
		c.mu.Unlock()
		c.dropped(d, e, st)
		return nil
	case st != early && !c.busy: // the usual case
		c.busy = true
		return c.runNow(d, e)
	}
	t := &turn{e: e, ctx: d.Context, owned: true, wake: make(chan struct{})}
	if st == late || e.ID == 0 {
		c.queue = append(c.queue, t)
	} else {
		t.at, t.eager = time.Now(), d.queued || streamOf(d) != nil
		c.seq.start(e.ID)
		c.seq.hold(t)
	}
	if !c.busy {
		c.busy = true
		c.advance(d, t)
		c.mu.Lock()
	}
	return c.wait(d, t)
}

// refuse says why e is none of the conversation's events, if it is none.
func (c *Conversation) refuse(e *Event) error {
	if e.ConversationID != "" && e.ConversationID != c.id {
		return errors.New("nexmo: the event belongs to another conversation: deliver it to an Application, or to its own Conversation")
	}
	if e.ID < 0 || e.ID == math.MaxInt64 {
		return errors.New("nexmo: the ID of the event is out of range")
	}
	return nil
}

// runNow handles e without a turn. The caller has the role and holds c.mu;
// runNow gives up both.
func (c *Conversation) runNow(d *delivery, e *Event) error {
	defer c.advance(d, nil)
	return c.run(d, e, nil)
}

// waiting returns the turn that waits with an ID, or nil.
func (c *Conversation) waiting(id EventID) *turn {
	for _, t := range c.queue {
		if t.e.ID == id {
			return t
		}
	}
	return c.seq.find(id)
}

// handOver takes the responsibility for t from a caller who goes on without
// waiting behind a gap, and reports whether it did. The caller holds c.mu.
func (c *Conversation) handOver(d *delivery, t *turn) bool {
	st := streamOf(d)
	if !d.queued && st == nil || !c.seq.gapBefore(t) {
		return false
	}
	// With the window full the gap is given up at once, but for a Source that is read:
	// whoever reads it may be the one who must not wait.
	if len(c.seq.held) > c.cfg.window && (!d.queued || !c.fetching()) {
		return false
	}
	if st != nil && !slices.Contains(t.streams, st) {
		if st.handOver() {
			t.streams = append(t.streams, st)
		} else if !d.queued {
			return false
		}
	}
	t.handedOver = true
	return true
}

// share waits for the outcome of an event that somebody else delivered. The
// caller holds c.mu; share releases it.
func (c *Conversation) share(d *delivery, at **outcome) error {
	if *at == nil {
		*at = &outcome{done: make(chan struct{})}
	}
	o := *at
	o.sharing++
	c.mu.Unlock()
	select {
	case <-o.done:
		return o.err
	case <-d.Done():
		c.mu.Lock()
		o.sharing--
		c.mu.Unlock()
		return d.Err()
	}
}

// wait returns when t has been handled, by this goroutine if it is given the
// role. The caller holds c.mu; wait releases it.
func (c *Conversation) wait(d *delivery, t *turn) error {
	for {
		switch {
		case t.done:
			c.mu.Unlock()
			return t.err
		case t.granted:
			t.granted, t.wake = false, make(chan struct{})
			c.advance(d, t)
			c.mu.Lock()
			continue
		case t.eager && c.handOver(d, t):
			t.disown()
			c.mu.Unlock()
			return nil
		}
		wake := t.wake
		c.mu.Unlock()
		select {
		case <-wake:
			c.mu.Lock()
		case <-d.Done():
			c.mu.Lock()
			switch {
			case t.done || t.granted:
			case t.e.ID != 0 && t.e.ID == c.running.id:
				c.mu.Unlock()
				<-wake // no longer held back, but being handled
				c.mu.Lock()
			default:
				c.withdraw(t)
				c.mu.Unlock()
				return d.Err()
			}
		}
	}
}

// withdraw gives up the turn of a caller who no longer waits, unless others
// depend on it. The caller holds c.mu.
func (c *Conversation) withdraw(t *turn) {
	if t.handedOver || t.outcome != nil && t.outcome.sharing > 0 {
		t.disown()
		return
	}
	c.remove(t)
	for _, behind := range c.seq.held { // there may be a gap now
		if behind.eager && !behind.granted {
			close(behind.wake)
			behind.wake = make(chan struct{})
		}
	}
}

// disown says that the owner no longer waits: his context may end, the event is
// handled all the same.
func (t *turn) disown() {
	t.owned = false
	t.ctx = context.WithoutCancel(t.ctx)
}

// remove takes t out of where it waits.
func (c *Conversation) remove(t *turn) {
	if i := slices.Index(c.queue, t); i >= 0 {
		c.queue = slices.Delete(c.queue, i, i+1)
		return
	}
	c.seq.remove(t)
}

// advance handles what is due until nothing is, or until the next event belongs
// to a goroutine that waits: then it passes the role on. own is the turn of this
// goroutine, or nil. The caller has the role and holds c.mu, and gives up both.
func (c *Conversation) advance(d *delivery, own *turn) {
	if len(c.queue) == 0 && len(c.seq.held) == 0 { // the usual case
		c.busy = false
		c.mu.Unlock()
		return
	}
	finished := false
	defer func() {
		if finished {
			return
		}
		// What was called ended the goroutine, or its panic will: the role must
		// not go with it.
		if own != nil && !own.done {
			c.withdraw(own)
		}
		c.advance(d, nil)
	}()
	for {
		t := c.nextDue(d)
		if t == nil {
			c.busy = false
			c.arm()
			finished = true
			c.mu.Unlock()
			return
		}
		if t.owned && t != own {
			t.granted = true
			close(t.wake)
			finished = true
			c.mu.Unlock()
			return
		}
		c.runTurn(d, t, t == own)
	}
}

// nextDue returns the turn that is due now, or nil. It may give up a gap, for
// which it releases c.mu for a while, or have the Source asked.
func (c *Conversation) nextDue(d *delivery) *turn {
	for {
		if len(c.queue) > 0 {
			return c.queue[0]
		}
		head := c.seq.head()
		if head == nil || head.e.ID <= c.seq.next {
			return head
		}
		if !c.bridge(d, head) {
			return nil
		}
	}
}

// runTurn handles t, which is due, and settles it. own says whether it is the
// turn of this goroutine.
func (c *Conversation) runTurn(d *delivery, t *turn, own bool) {
	c.remove(t)
	if !own {
		d = d.onBehalf(t.ctx)
	}
	err := errHandlerExited
	defer func() { c.settle(t, err) }() // also when a handler ends the goroutine
	err = c.run(d, t.e, t.outcome)
}

// settle tells those who wait what became of t. The caller has the role and
// holds c.mu, which settle may release for a while.
func (c *Conversation) settle(t *turn, err error) {
	t.done, t.err = true, err
	for _, st := range t.streams {
		st.handled(t.e, err)
	}
	if t.owned {
		close(t.wake)
	} else if err != nil {
		c.mu.Unlock()
		defer c.mu.Lock()
		c.log(t.ctx, slog.LevelError, "nexmo: the handlers of an event that was held back failed", t.e, slog.Any("error", err))
	}
}

// run applies e to the conversation and calls its handlers. The caller has the
// role and holds c.mu, which is free while the handlers run.
func (c *Conversation) run(d *delivery, e *Event, o *outcome) (err error) {
	if e.ID == 0 || !c.seq.tried(e.ID) {
		c.apply(e)
	}
	if e.ID != 0 {
		c.running = running{e.ID, o}
		if e.ID >= c.seq.next {
			c.seq.take(e.ID)
		}
	}
	c.mu.Unlock()

	err = errHandlerExited
	defer func() {
		c.mu.Lock()
		if e.ID != 0 {
			became := handled
			if err != nil {
				became = failed
			}
			c.seq.record(e.ID, became)
			c.running.outcome.settle(err)
			c.running = running{}
		}
	}()
	err = c.dispatch(d, e)
	return err
}

// dispatch calls the handlers of the Application and then those of the
// conversation: those that are registered now, whatever the first ones do.
func (c *Conversation) dispatch(d *delivery, e *Event) error {
	own := c.dispatcher.handlersOf(e.Type)
	if c.parent == nil {
		return c.dispatcher.run(d, e, own)
	}
	perr := c.parent.run(d, e, c.parent.handlersOf(e.Type))
	err := c.dispatcher.run(d, e, own)
	if perr == nil {
		return err
	}
	return errors.Join(perr, err)
}

// bridge deals with the IDs that are missing in front of head, and reports
// whether anything changed. The caller has the role and holds c.mu, which bridge
// may release for a while.
func (c *Conversation) bridge(d *delivery, head *turn) bool {
	g, now, id := &c.gap, time.Now(), head.e.ID
	if c.seq.next >= g.until || id > g.until { // head was another one, and withdrawn
		*g = gap{until: id, since: c.seq.oldest(), known: g.known}
	}
	none := c.closed || id <= g.known // of them will come
	over := none || !c.fetching() && (len(c.seq.held) > c.cfg.window || now.Sub(g.since) >= c.cfg.wait)
	ask := c.cfg.source != nil && !g.asked && c.stopFetch == nil && !none
	switch {
	case ask && (over || now.Sub(g.since) >= c.grace()):
		c.fetch(head.ctx)
		return false
	case over:
		c.skip(d, id)
		return true
	default:
		return false
	}
}

// fetching reports whether the Source is read and waited for. The caller holds c.mu.
func (c *Conversation) fetching() bool { return c.stopFetch != nil && !c.stuck }

// grace is how long missing events may come by themselves before the Source is
// asked: webhooks overtake each other by less than that.
func (c *Conversation) grace() time.Duration { return min(100*time.Millisecond, c.cfg.wait) }

// arm makes sure that a gap is looked at when its time has come. The caller
// holds c.mu and nobody has the role.
func (c *Conversation) arm() {
	if len(c.seq.held) == 0 || c.closed {
		return
	}
	at := c.gap.since.Add(c.cfg.wait)
	switch {
	case c.fetching():
		return // its end is looked at
	case len(c.seq.held) > c.cfg.window:
		at = c.gap.since
	case c.cfg.source != nil && !c.gap.asked && c.stopFetch == nil:
		at = c.gap.since.Add(c.grace())
	}
	if wait := time.Until(at); c.timer == nil {
		c.timer = time.AfterFunc(wait, c.look)
	} else {
		c.timer.Reset(wait)
	}
}

// look has the gap looked at: it gives the role to whoever waits behind it, or
// does his work when he handed it over.
func (c *Conversation) look() {
	c.mu.Lock()
	head := c.seq.head()
	if c.busy || head == nil || c.closed {
		c.mu.Unlock()
		return
	}
	c.busy = true
	if head.owned {
		head.granted = true
		close(head.wake)
		c.mu.Unlock()
		return
	}
	d := newDelivery(head.ctx)
	defer d.finish()
	c.advance(d, nil)
}

// skip gives up the missing IDs below to. The caller has the role and holds
// c.mu, which is free while the gap is reported.
func (c *Conversation) skip(d *delivery, to EventID) {
	missing := Gap{ConversationID: c.id, From: c.seq.next, To: to - 1}
	if to <= c.gap.known {
		c.seq.pass(to, absent)
	} else {
		c.seq.pass(to, missed)
	}
	c.mu.Unlock()
	defer c.mu.Lock()
	c.cfg.log.LogAttrs(d, slog.LevelWarn, "nexmo: events are missing and no longer waited for",
		slog.String("conversation_id", c.id), slog.Int64("from", int64(missing.From)), slog.Int64("to", int64(missing.To)))
	if c.cfg.onGap == nil {
		return
	}
	defer func() {
		if v := recover(); v != nil {
			c.cfg.log.ErrorContext(d, "nexmo: the function given to WithGapFunc panicked", "conversation_id", c.id)
		}
	}()
	c.cfg.onGap(d, missing)
}

// minFetch is how long the Source may take at least, however short the window.
const minFetch = time.Second

// fetch asks the Source, once for each gap, for the events that are missing. ctx
// is that of the event behind the gap: it gives the values. The caller has the
// role and holds c.mu.
func (c *Conversation) fetch(ctx context.Context) {
	c.gap.asked = true
	ctx = context.WithValue(context.WithoutCancel(ctx), deliveryKey{}, nil)
	ctx = context.WithValue(ctx, streamKey{}, nil)
	reading, stop := context.WithCancel(ctx)
	c.stopFetch, c.stuck = stop, false
	go c.read(ctx, reading, c.gap, c.seq.next-1)
}

// read delivers what the Source has of a gap and was not handled yet. The Source
// is given the time of the window, but at least a second, for each event: time in
// which handlers run does not count. Close ends the reading too.
func (c *Conversation) read(ctx, reading context.Context, g gap, after EventID) {
	err := errors.New("nexmo: the Source, or a handler, ended its goroutine")
	ended := false // guarded by c.mu
	patience := time.AfterFunc(max(time.Until(g.since.Add(c.cfg.wait)), minFetch), func() {
		c.mu.Lock()
		if !ended {
			c.stuck = true
			c.stopFetch()
		}
		c.mu.Unlock()
		c.look()
	})
	defer func() {
		if v := recover(); v != nil {
			err = errors.New("nexmo: the Source panicked")
		}
		patience.Stop()
		c.mu.Lock()
		ended = true
		c.stopFetch()
		c.stopFetch, c.stuck = nil, false
		quiet := err == nil || c.closed
		c.mu.Unlock()
		if !quiet {
			c.cfg.log.LogAttrs(ctx, slog.LevelWarn, "nexmo: missing events could not be fetched",
				slog.String("conversation_id", c.id), slog.Any("error", err))
		}
		c.look()
	}()
	err = c.readList(ctx, c.cfg.source.EventsAfter(reading, c.id, after), after, g.until, patience)
}

func (c *Conversation) readList(ctx context.Context, list iter.Seq2[*Event, error], after, until EventID, patience *time.Timer) error {
	for e, err := range list {
		if err != nil {
			return err
		}
		if e == nil || e.ID <= 0 {
			continue
		}
		if err := c.refuse(e); err != nil {
			c.log(ctx, slog.LevelWarn, "nexmo: the Source gave what was not asked for", e, slog.Any("error", err))
			continue
		}
		inTime := patience.Stop()
		switch err := deliver(ctx, listed{c, after, until}, e); {
		case errors.Is(err, ErrClosed):
			return nil
		case err != nil:
			c.log(ctx, slog.LevelError, "nexmo: the handlers of an event that was fetched failed", e, slog.Any("error", err))
		}
		if inTime {
			patience.Reset(max(c.cfg.wait, minFetch))
		}
		if after = e.ID; after >= until-1 {
			break
		}
	}
	return nil
}

// Sync reads the Source up to now: every event that was not handled yet, from
// the first one on when there was none at all, and what was given up or failed
// among the last 1024 IDs.
// It stops at the first event that fails; call it again to go on there. Without
// a Source it returns [ErrNoSource].
func (c *Conversation) Sync(ctx context.Context) error {
	if c.cfg.source == nil {
		return ErrNoSource
	}
	c.touch()
	c.mu.Lock()
	prev := max(c.seq.unhandled(), 1) - 1
	c.mu.Unlock()
	for e, err := range c.cfg.source.EventsAfter(ctx, c.id, prev) {
		if err == nil && e == nil {
			err = errNilEvent
		}
		if err != nil {
			return fmt.Errorf("nexmo: sync: %w", err)
		}
		if err := deliver(ctx, listed{c, prev, 0}, e); err != nil {
			return fmt.Errorf("nexmo: sync: event %d: %w", e.ID, err)
		}
		prev = e.ID
	}
	c.mu.Lock()
	c.seq.start(1) // there are none: the first one to come is the first of all
	c.mu.Unlock()
	return nil
}

// listed takes events from a list of all there are: an ID between prev and the
// event that has not come does not exist.
type listed struct {
	*Conversation
	prev  EventID
	until EventID // only missing events, below this ID, are wanted; 0: all
}

func (l listed) handle(d *delivery, e *Event) error {
	c := l.Conversation
	if err := c.refuse(e); err != nil {
		return err // before it is believed what it says of others
	}
	c.mu.Lock()
	if l.prev < c.seq.next || l.prev <= c.gap.known {
		c.gap.known = max(c.gap.known, e.ID)
	}
	c.seq.deny(l.prev, e.ID)
	head := c.seq.head()
	look := head != nil && head.e.ID <= c.gap.known
	wanted := l.until == 0 || e.ID < l.until && !c.seq.tried(e.ID) && c.waiting(e.ID) == nil && c.running.id != e.ID
	c.mu.Unlock()
	if look {
		c.look()
	}
	if !wanted {
		return nil
	}
	return c.handle(d, e)
}

// Close gives up the gaps that are open, so that what was held back is handled,
// and lets go of the conversation's timer. Deliver returns [ErrClosed] from then
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
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.stopFetch != nil {
		c.stopFetch()
	}
}

// Watch returns the events of the given types, or patterns, or all, from now on,
// as they are handled: a loop in place of a handler. The sequence ends when ctx
// does or the loop is left; it can be ranged over once. The conversation waits
// for a loop that is more than 64 events behind, so do not deliver to the
// conversation from the loop. An event counts as handled when the loop is to get
// it: what fails in the loop is not delivered again.
func (c *Conversation) Watch(ctx context.Context, types ...EventType) iter.Seq[*Event] {
	if len(types) == 0 {
		types = []EventType{EventAny}
	}
	ctx, cancel := context.WithCancel(ctx)
	events := make(chan *Event, watchBuffer)
	off := c.dispatcher.On(EventAny, func(hctx context.Context, e *Event) error {
		if !slices.ContainsFunc(types, func(t EventType) bool { return t.Matches(e.Type) }) {
			return nil
		}
		select {
		case events <- e:
			return nil
		case <-ctx.Done():
			return nil
		case <-hctx.Done():
			return hctx.Err()
		}
	})
	context.AfterFunc(ctx, off)
	return func(yield func(*Event) bool) {
		defer cancel()
		for {
			select {
			case e := <-events:
				if !yield(e) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// watchBuffer is how many events a Watch loop may be behind.
const watchBuffer = 64

// LastEventID returns the highest ID of an event that was handled, or 0.
func (c *Conversation) LastEventID() EventID {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seq.last
}

// Member returns a copy of the member with an ID. Members who left stay, with
// the state LEFT.
func (c *Conversation) Member(id string) (Member, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.members.find(id)
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
		list := c.members.all()
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
		list := slices.Clone(c.history.events)
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
	if c.info == nil {
		return ConversationInfo{ID: c.id}
	}
	return *c.info
}

func (c *Conversation) dropped(ctx context.Context, e *Event, st standing) {
	if st == forgotten {
		c.log(ctx, slog.LevelWarn, "nexmo: an event came too late to know whether it was handled; it counts as handled", e)
	} else {
		c.log(ctx, slog.LevelDebug, "nexmo: a duplicate was dropped", e)
	}
}

func (c *Conversation) queuedError(e *Event, err error) {
	c.log(context.Background(), slog.LevelError, "nexmo: an event that a handler delivered failed", e, slog.Any("error", err))
}

func (c *Conversation) log(ctx context.Context, level slog.Level, msg string, e *Event, more ...slog.Attr) {
	if !c.cfg.log.Enabled(ctx, level) {
		return
	}
	c.cfg.log.LogAttrs(ctx, level, msg, append(more,
		slog.String("conversation_id", c.id),
		slog.Int64("event_id", int64(e.ID)),
		slog.String("event_type", string(e.Type)))...)
}
