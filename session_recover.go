package nexmo

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// recovery is what a session knows of the events that it has lost, because what it received
// could not be read. The first event of a conversation sets the baseline of a Conversation:
// if events in front of it were lost, nothing would show that. So the session asks the
// service for them. Behind the first event, a Conversation notices a gap by itself.
//
// It belongs to Run.
type recovery struct {
	seen  map[string]struct{} // conversations of which an event was delivered
	of    map[string]int      // how many events were lost of conversations that have not been seen
	other int                 // how many were lost of which the conversation is not known
	until time.Time           // when the last one was lost
}

const (
	maxRecovered     = 100                    // of one conversation, in events: a page
	maxSeen          = 1 << 16                // conversations of which a session knows that it has seen them
	recoveryTimeout  = 800 * time.Millisecond // for a conversation: all the others wait
	recoveryLeniency = 10 * time.Second       // by which the clock of the service may differ
)

// lose notes that events were lost.
func (r *recovery) lose(conversation string, lost int) {
	r.until = time.Now()
	switch _, seen := r.seen[conversation]; {
	case conversation == "":
		r.other = min(r.other+lost, maxRecovered)
	case !seen && len(r.of) < maxSeen:
		if r.of == nil {
			r.of = make(map[string]int)
		}
		r.of[conversation] = min(r.of[conversation]+lost, maxRecovered)
	}
}

// first notes that an event of a conversation is delivered. If it is the first one, it returns how
// many events in front of it may have been lost.
func (r *recovery) first(conversation string) (lost int) {
	if _, ok := r.seen[conversation]; ok {
		return 0
	}
	if r.seen == nil || len(r.seen) >= maxSeen {
		r.seen = make(map[string]struct{}) // those that are forgotten are asked for again, if anything is lost
	}
	r.seen[conversation] = struct{}{}
	lost = min(r.other+r.of[conversation], maxRecovered)
	delete(r.of, conversation)
	return lost
}

// fetchLost fetches the events that may have been lost in front of the first event of a
// conversation, and puts them in front of it. It reports whether there are any.
func (s *Session) fetchLost(ctx context.Context, r *received) bool {
	e := r.event
	id := conversationOf(e)
	if id == "" || e.ID == 0 {
		return false
	}
	lost := s.recovery.first(id)
	if lost == 0 || e.ID == 1 {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, recoveryTimeout)
	defer cancel()
	var found []*Event
	o := EventListOptions{ListOptions: ListOptions{PageSize: lost, Order: OrderDescending}, EndID: e.ID - 1}
	for older, err := range s.client.Events(ctx, id, &o) {
		if err != nil {
			s.log(ctx, slog.LevelWarn, "nexmo: events that the session has lost could not be fetched", reasonOf(err),
				slog.String("conversation_id", id), slog.Int64("before", int64(e.ID)))
			break
		}
		if len(found) == lost || older.Timestamp.Before(s.began.Add(-recoveryLeniency)) {
			break // it is from before the session
		}
		if older.ID < e.ID && !older.Timestamp.After(s.recovery.until.Add(recoveryLeniency)) {
			found = append(found, older)
		}
	}
	slices.Reverse(found)
	s.inbox.insert(r, found)
	return len(found) > 0
}
