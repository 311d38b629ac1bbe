// Package line decides in which order the events of one conversation are handled,
// which of them wait, and for how long. It decides and does nothing: it has no lock,
// no goroutine, no timer and no log, and instants are arguments. Who uses a [Line]
// asks it for the next [Step] and does what it says.
//
// Events are known by their ID. A conversation counts its events from 1, and they are
// handled in rising order. Events whose ID is further ahead are held until the missing
// ones have come, or are no longer waited for: see [Rules]. An event without an ID (0),
// and one that comes after its turn has passed, waits for nothing but the event that is
// being handled. So does one whose ID is out of range: above 2^40, or 2^20 or more above
// the next expected. It changes nothing.
//
// What was handled is known of all IDs, and that without memory while events come in
// order. What was not handled is known of each of the last 1024 IDs; below those, what
// failed is known until it was handled or set aside, and what has not come as up to
// 1024 runs of IDs. Of more than those the lowest is forgotten: see [Forgotten].
package line

import (
	"iter"
	"slices"
	"time"
)

// Rules say how long a [Line] waits for missing events.
type Rules struct {
	Window int           // more held events than that are too many: the gap in front of them is given up
	Wait   time.Duration // so old, a gap is given up
	Source bool          // missing events can be fetched
}

const (
	// grace is how old a gap is when the Source is asked: webhooks overtake each other by less.
	grace = 100 * time.Millisecond
	// patience is how long the Source may take for each event at least, however short the wait.
	patience = time.Second
)

// Line holds the events of one conversation that wait for their turn, each with a value
// of the user. It is not safe for concurrent use.
type Line[T comparable] struct {
	rules  *Rules
	ids    ids
	due    []item[T] // wait for the event that is being handled, in order of arrival
	held   []item[T] // wait for missing events, by rising ID
	gap    gap
	below  *below // what may be missing below the baseline; nil if nothing is waited for there
	fetch  fetch
	asked  int64 // the Source is not asked for the IDs below this one: it was
	listed int64 // IDs below this one that have not come do not exist: a list of all events has shown it
	closed bool
	begun  bool // the baseline is where the log begins, or where the user has said
}

// item is an event that waits.
type item[T comparable] struct {
	id int64
	at time.Time // of arrival, if it is held
	v  T
}

// gap is the run of missing IDs in front of the held events.
type gap struct {
	until int64     // the ID behind it, as it was when the gap was noticed
	since time.Time // the arrival of the event that has been held longest
}

// below are the IDs from..to below the baseline, of which it became known that they
// exist after the event of the baseline had come.
type below struct {
	from, to int64
	since    time.Time // when that became known
	asked    bool      // the Source was
}

// fetch is the reading of the Source.
type fetch struct {
	stage stage
	below bool      // it is read for what is missing below the baseline
	until time.Time // when the Source has had its time; zero while handlers run, or it is not waited for
}

type stage uint8

const (
	idle     stage = iota
	reading        // the Source is read, and waited for
	overtime       // it is read, but no longer waited for
)

// Action is what a [Step] says to do.
type Action uint8

// The actions of a step.
const (
	Rest  Action = iota // nothing is due: look again at Until, or when something has changed
	Run                 // handle Item: its turn has come, and it no longer waits
	Gap                 // the IDs From to To are missing and no longer waited for: report it
	Fetch               // read the IDs From to To from the Source
	Stop                // the Source has had its time: stop reading
)

// Step is what is to be done next.
type Step[T comparable] struct {
	Do       Action
	Item     T         // Run: what to handle. Gap and Fetch: what waits behind the missing IDs, if anything
	ID       int64     // Run: the ID of Item; 0 if that is out of range
	Again    bool      // Run: it was handled before, and failed
	From, To int64     // Gap and Fetch: the missing IDs, both included
	Until    time.Time // Rest: zero if only a change can make something due
}

// New returns an empty line, which keeps r: many lines can share it. start is the first ID,
// 0 if the first event that comes is to set it. A start out of range is none.
func New[T comparable](r *Rules, start int64) Line[T] {
	l := Line[T]{rules: r}
	l.Start(start)
	return l
}

// Idle reports whether nothing waits: no event, and nobody for the Source.
func (l *Line[T]) Idle() bool {
	return len(l.due) == 0 && len(l.held) == 0 && !l.Fetching() && l.below == nil
}

// Full reports whether more events are held than the window has place for.
func (l *Line[T]) Full() bool { return len(l.held) > l.rules.Window }

// Fetching reports whether the Source is being read and waited for.
func (l *Line[T]) Fetching() bool { return l.fetch.stage == reading }

// Started reports whether the first ID is known.
func (l *Line[T]) Started() bool { return l.ids.next > 0 }

// Start sets the first ID, unless it is known: what lies below it is not asked for.
func (l *Line[T]) Start(id int64) {
	if id > 0 && !l.Started() && !l.OutOfRange(id) {
		l.ids.start(id)
		l.begun = true
	}
}

// Expect sets the first ID, unless it is known, to that of an event which is about to come.
func (l *Line[T]) Expect(id int64) {
	if id > 0 && !l.OutOfRange(id) {
		l.ids.start(id)
	}
}

// Begin says which ID is the first of all. If the first event that has come has set a
// higher one, those below it that have not come are fetched, or reported as gaps. Begin
// does nothing after Start, or when it was called before.
func (l *Line[T]) Begin(first int64, now time.Time) {
	if l.begun {
		return
	}
	l.ids.start(first)
	l.begun = true
	if to := l.ids.first - 1; to >= first {
		l.ids.mark(first, to, missed)
		l.below = &below{from: first, to: to, since: now}
	}
}

// OutOfRange reports whether an ID is above all that the conversation can have counted
// to. The event is handled as one without ID.
func (l *Line[T]) OutOfRange(id int64) bool { return l.ids.outOfRange(id) }

// Standing returns how an ID stands to what has come so far. An ID of 0 is always due.
func (l *Line[T]) Standing(id int64) Standing {
	if id == 0 {
		return Due
	}
	return l.ids.standing(id)
}

// Handled reports whether it is known that the event with this ID was handled, or is.
func (l *Line[T]) Handled(id int64) bool {
	return l.Standing(id) == Duplicate
}

// Last returns the highest ID that was handled without an error, or 0.
func (l *Line[T]) Last() int64 { return l.ids.last }

// Wanted returns the lowest ID that a reader of history should begin with: the oldest
// one that was given up, or failed and was not set aside, else the next one. It is at
// least 1.
func (l *Line[T]) Wanted() int64 { return max(l.ids.unhandled(), 1) }

// Find returns the event with an ID that waits.
func (l *Line[T]) Find(id int64) (v T, ok bool) {
	for _, w := range l.due {
		if w.id == id && id != 0 {
			return w.v, true
		}
	}
	if i, ok := l.search(id); ok {
		return l.held[i].v, true
	}
	return v, false
}

// Missing reports whether an event with this ID has not come: it does not wait, and its
// handlers have not failed. Those that were handled count as missing, too: see Standing.
func (l *Line[T]) Missing(id int64) bool {
	_, waits := l.Find(id)
	return !waits && !l.ids.failed(id)
}

// Add makes an event wait for its turn. No other event with its ID waits.
func (l *Line[T]) Add(id int64, v T, now time.Time) {
	if l.OutOfRange(id) {
		id = 0
	}
	if id == 0 || l.Standing(id) == Late {
		l.due = append(l.due, item[T]{id: id, v: v})
		return
	}
	l.ids.start(id)
	i, _ := l.search(id)
	l.held = slices.Insert(l.held, i, item[T]{id, now, v})
}

// Withdraw takes an event out of the line, and reports whether it waited.
func (l *Line[T]) Withdraw(id int64, v T) bool {
	if i := slices.IndexFunc(l.due, func(w item[T]) bool { return w.v == v }); i >= 0 {
		l.due = slices.Delete(l.due, i, i+1)
		return true
	}
	i, ok := l.search(id)
	if !ok || l.held[i].v != v {
		return false
	}
	l.unhold(i)
	return true
}

// Head returns the held event with the lowest ID.
func (l *Line[T]) Head() (v T, ok bool) {
	if len(l.held) == 0 {
		return v, false
	}
	return l.held[0].v, true
}

// Held returns the events that wait for missing ones, by rising ID.
func (l *Line[T]) Held() []T {
	all := make([]T, len(l.held))
	for i, h := range l.held {
		all[i] = h.v
	}
	return all
}

// All yields the events that wait, for missing ones or for the one that is being handled.
func (l *Line[T]) All() iter.Seq[T] {
	return func(yield func(T) bool) {
		for _, list := range [...][]item[T]{l.due, l.held} {
			for _, w := range list {
				if !yield(w.v) {
					return
				}
			}
		}
	}
}

// Behind reports whether the event with this ID is held and IDs are missing in front of it.
func (l *Line[T]) Behind(id int64) bool {
	i, ok := l.search(id)
	return ok && id-l.ids.next > int64(i)
}

// Before returns the IDs that come before an event that is early, of which some are missing.
func (l *Line[T]) Before(id int64) (from, to int64, ok bool) {
	return l.ids.next, id - 1, l.Standing(id) == Early
}

// Take says that the event with this ID is being handled, without having waited. It
// reports whether it was handled before, and failed.
func (l *Line[T]) Take(id int64) (again bool) {
	return id != 0 && l.ids.take(id)
}

// Settle says how the handling of an event ended.
func (l *Line[T]) Settle(id int64, ok bool) {
	if id != 0 {
		l.ids.settle(id, ok)
	}
}

// SetAside says that an event that failed is kept elsewhere. It is not Wanted any more.
// If it comes again it is handled again, as long as it is one of the last 1024 IDs; then
// it is forgotten.
func (l *Line[T]) SetAside(id int64) { l.ids.setAside(id) }

// Next returns what is to be done now. What it returns counts as done: it is not
// returned again.
func (l *Line[T]) Next(now time.Time) Step[T] {
	switch {
	case len(l.due) > 0:
		first := l.due[0]
		if l.due = slices.Delete(l.due, 0, 1); len(l.due) == 0 {
			l.due = nil
		}
		return l.run(first)
	case l.expired(now):
		l.fetch = fetch{stage: overtime}
		return Step[T]{Do: Stop}
	case len(l.held) > 0 && l.held[0].id <= l.ids.next:
		first := l.held[0]
		l.unhold(0)
		return l.run(first)
	}
	step := Step[T]{Until: l.fetch.until}
	if len(l.held) > 0 {
		step = l.bridge(now)
	}
	if step.Do == Rest && l.below != nil {
		until := step.Until
		step = l.fill(now)
		step.Until = earlier(step.Until, until)
	}
	return step
}

func (l *Line[T]) run(w item[T]) Step[T] {
	return Step[T]{Do: Run, Item: w.v, ID: w.id, Again: l.Take(w.id)}
}

// bridge decides about the missing IDs in front of the held events.
func (l *Line[T]) bridge(now time.Time) Step[T] {
	head := l.held[0]
	l.look(head.id)
	var (
		none  = l.closed || head.id <= l.listed // of the missing ones will come
		old   = l.Full() || now.Sub(l.gap.since) >= l.rules.Wait
		over  = none || old && !l.Fetching()
		ask   = l.rules.Source && l.asked < head.id && l.fetch.stage == idle && !none
		asked = l.gap.since.Add(min(grace, l.rules.Wait)) // when the Source is
	)
	switch {
	case ask && (over || !now.Before(asked)):
		l.asked = l.held[len(l.held)-1].id
		l.fetch = fetch{stage: reading, until: later(l.gap.since.Add(l.rules.Wait), now.Add(patience))}
		return Step[T]{Do: Fetch, Item: head.v, From: l.ids.next, To: l.asked - 1}
	case over:
		missing := Step[T]{Do: Gap, Item: head.v, From: l.ids.next, To: head.id - 1}
		if head.id <= l.listed {
			l.ids.pass(head.id, absent)
		} else {
			l.ids.pass(head.id, missed)
		}
		return missing
	case ask:
		return Step[T]{Until: asked}
	case l.Fetching():
		return Step[T]{Until: l.fetch.until}
	default:
		return Step[T]{Until: l.gap.since.Add(l.rules.Wait)}
	}
}

// fill decides about the missing IDs below the baseline. Nothing waits behind them: so
// there is time until they are reported, also if the Source does not have them.
func (l *Line[T]) fill(now time.Time) Step[T] {
	b := l.below
	from, to := l.ids.missing(b.from, b.to)
	if from == 0 {
		l.below = nil
		return Step[T]{}
	}
	var (
		reported = b.since.Add(l.rules.Wait)
		ask      = l.rules.Source && !b.asked && l.fetch.stage == idle && !l.closed
		asked    = b.since.Add(min(grace, l.rules.Wait))
	)
	switch {
	case ask && now.Before(asked):
		return Step[T]{Until: asked}
	case ask:
		b.asked = true
		l.fetch = fetch{reading, true, later(reported, now.Add(patience))}
		return Step[T]{Do: Fetch, From: from, To: b.to}
	case l.Fetching() && !l.closed:
		return Step[T]{Until: l.fetch.until}
	case now.Before(reported) && !l.closed:
		return Step[T]{Until: reported}
	default:
		b.from = to + 1
		return Step[T]{Do: Gap, From: from, To: to}
	}
}

// look notices a gap in front of the lowest held ID. A gap that is known stays as it
// was noticed, also when an event within it has come meanwhile.
func (l *Line[T]) look(head int64) {
	if head <= l.gap.until {
		return
	}
	since := l.held[0].at
	for _, h := range l.held[1:] {
		if h.at.Before(since) {
			since = h.at
		}
	}
	l.gap = gap{until: head, since: since}
}

// Listed says that a list of all events has id behind prev: what lies between them and
// has not come does not exist. It reports whether that may have made something due.
func (l *Line[T]) Listed(prev, id int64) bool {
	if l.OutOfRange(prev) || l.OutOfRange(id) {
		return false
	}
	if prev < l.ids.next || prev <= l.listed {
		l.listed = max(l.listed, id)
	}
	l.ids.mark(prev+1, id-1, absent)
	return len(l.held) > 0 && l.held[0].id <= l.listed
}

// Answered says that the Source has answered with an event: until Resume, the time in
// which its handlers run does not count as the Source's.
func (l *Line[T]) Answered() { l.fetch.until = time.Time{} }

// Resume says that the Source goes on reading.
func (l *Line[T]) Resume(now time.Time) {
	if l.Fetching() {
		l.fetch.until = now.Add(max(l.rules.Wait, patience))
	}
}

// Fetched says that the reading of the Source has ended, and whether without an error.
// After an error, the Source is asked again for the gaps behind the one that it was
// being read for; not if it was too slow, which would hold up each of them.
func (l *Line[T]) Fetched(ok bool) {
	if !ok && l.Fetching() && !l.fetch.below {
		l.asked = min(l.asked, l.gap.until)
	}
	l.fetch = fetch{}
}

// Failed reports whether the handlers of the event with this ID have failed, and it was
// not handled since.
func (l *Line[T]) Failed(id int64) bool { return l.ids.failed(id) }

// Close says that nothing is waited for any more.
func (l *Line[T]) Close() { l.closed = true }

func (l *Line[T]) expired(now time.Time) bool {
	return !l.fetch.until.IsZero() && !now.Before(l.fetch.until)
}

// search returns the place of an ID among the held ones.
func (l *Line[T]) search(id int64) (int, bool) {
	return slices.BinarySearchFunc(l.held, id, func(h item[T], id int64) int {
		switch {
		case h.id < id:
			return -1
		case h.id > id:
			return 1
		default:
			return 0
		}
	})
}

func (l *Line[T]) unhold(i int) {
	if l.held = slices.Delete(l.held, i, i+1); len(l.held) == 0 {
		l.held = nil
	}
}

// earlier returns the earlier of two instants; one that is zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
