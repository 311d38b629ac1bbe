package nexmo

import (
	"context"
	"iter"
	"slices"
)

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
