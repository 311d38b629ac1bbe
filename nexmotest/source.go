package nexmotest

import (
	"context"
	"fmt"
	"iter"

	"github.com/conversation-events/nexmo"
)

var _ nexmo.Source = (*Server)(nil)

// EventsAfter yields the stored events of a conversation whose ID is above after,
// which makes the server a [nexmo.Source]: with nexmo.WithSource, what a fault
// keeps from a webhook is fetched. It makes no request, and no fault happens to it.
func (s *Server) EventsAfter(ctx context.Context, conversationID string, after nexmo.EventID) iter.Seq2[*nexmo.Event, error] {
	return func(yield func(*nexmo.Event, error) bool) {
		stored, err := s.stored(conversationID, after)
		if err != nil {
			yield(nil, fmt.Errorf("nexmotest: events of %s: %s", conversationID, err.code))
			return
		}
		for _, o := range stored {
			e, err := nexmo.ParseEvent(o.webhook(s.options.applicationID))
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// stored returns the events of a conversation as they are now.
func (s *Server) stored(conversationID string, after nexmo.EventID) ([]occurrence, *apiError) {
	e := s.engine
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.conversation(conversationID)
	if err != nil {
		return nil, err
	}
	var found []occurrence
	for _, ev := range c.events {
		if ev.ID > int64(after) {
			found = append(found, ev.occurrence)
		}
	}
	return found, nil
}
