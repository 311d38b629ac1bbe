package nexmo

import "slices"

// failedEvents are the events of a conversation that have an ID and whose handlers
// failed, until they are handled. It decides what is remembered of them; the line of the
// conversation knows their IDs.
type failedEvents struct {
	byID   map[EventID]*failedEvent
	bytes  int // of those that wait to be delivered again
	aside  int // how many were set aside
	queues [2]failedQueue
	count  uint64 // of all there were
}

// failedEvent is what is remembered of an event that failed.
type failedEvent struct {
	regs   []*registration // the handlers that failed: they run when it is delivered again
	letter DeadLetter      // what it becomes if there is no more room for it; zero if it was set aside
	number uint64          // in the order of failing
	wanted bool            // there was no room for it, and it is not set aside yet
}

const (
	// maxFailedConversation is how many bytes of failed events a conversation keeps.
	maxFailedConversation = 4 << 20
	// maxFailedApplication is how many those of an Application keep together.
	maxFailedApplication = 64 << 20
	// maxSetAside is of how many events that were set aside a conversation remembers
	// which handlers failed.
	maxSetAside = 1024
)

func (f *failedEvent) setAside() bool { return f.letter.Err == nil }

// size is how many bytes a failed event counts for, with what is kept beside its Raw.
func (f *failedEvent) size() int {
	if f.setAside() {
		return 0
	}
	return len(f.letter.Raw) + 256
}

// get returns what is known of an event that failed, or nil: then all handlers run when it
// is delivered again.
func (f *failedEvents) get(id EventID) *failedEvent {
	if f == nil {
		return nil
	}
	return f.byID[id]
}

// waiting returns how many bytes of events wait to be delivered again.
func (f *failedEvents) waiting() int {
	if f == nil {
		return 0
	}
	return f.bytes
}

// setAside reports whether an event is known to have been set aside.
func (f *failedEvents) setAside(id EventID) bool {
	one := f.get(id)
	return one != nil && one.setAside() && !one.wanted
}

// want says whether an event for which there is no room is not set aside yet: whoever reads
// a list of events delivers it again.
func (f *failedEvents) want(id EventID, wanted bool) {
	if one := f.get(id); one != nil {
		one.wanted = wanted
	}
}

// forget forgets an event, and returns how many bytes that frees.
func (f *failedEvents) forget(id EventID) (freed int) {
	one := f.byID[id]
	if one == nil {
		return 0
	}
	delete(f.byID, id)
	if one.setAside() {
		f.aside--
	}
	f.bytes -= one.size()
	return one.size()
}

// add remembers an event that has failed, in place of what was known of it, and returns
// how many bytes more are kept. letter is zero if it was set aside.
func (f *failedEvents) add(id EventID, regs []*registration, letter DeadLetter) (more int) {
	freed := f.forget(id)
	if f.byID == nil {
		f.byID = map[EventID]*failedEvent{}
	}
	f.count++
	one := &failedEvent{regs: regs, letter: letter, number: f.count}
	f.byID[id] = one
	f.bytes += one.size()
	q := f.queue(one.setAside())
	q.push(f, id, one.number)
	if one.setAside() {
		if f.aside++; f.aside > maxSetAside {
			oldest, _ := q.first(f)
			f.forget(oldest)
		}
	}
	return one.size() - freed
}

// oldest returns the event that has waited longest to be delivered again.
func (f *failedEvents) oldest() (id EventID, ok bool) { return f.queue(false).first(f) }

func (f *failedEvents) queue(aside bool) *failedQueue {
	if aside {
		return &f.queues[1]
	}
	return &f.queues[0]
}

// failedQueue is the IDs of failed events in the order of failing, and those of some that
// are in it no longer.
type failedQueue []failedRef

type failedRef struct {
	id     EventID
	number uint64
}

func (r failedRef) stale(f *failedEvents) bool {
	one := f.byID[r.id]
	return one == nil || one.number != r.number
}

func (q *failedQueue) push(f *failedEvents, id EventID, number uint64) {
	if len(*q) > 2*len(f.byID)+16 {
		*q = slices.DeleteFunc(*q, func(r failedRef) bool { return r.stale(f) })
	}
	*q = append(*q, failedRef{id, number})
}

// first returns the oldest ID, and leaves it in the queue.
func (q *failedQueue) first(f *failedEvents) (id EventID, ok bool) {
	for len(*q) > 0 && (*q)[0].stale(f) {
		*q = (*q)[1:]
	}
	if len(*q) == 0 {
		return 0, false
	}
	return (*q)[0].id, true
}
