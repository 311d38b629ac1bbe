package nexmo

import (
	"log/slog"
	"time"
)

// Where the log of a conversation begins, and which IDs belong to it.

// originOf takes from e, which has arrived, where the log of the conversation begins. If e
// says that it was created, that is with 1, or with e itself, should it have an ID. If e is
// the first one of a list that the program reads, from an ID that it knows, it is e. The caller holds c.mu, which is free while a
// warning is logged.
func (c *Conversation) originOf(d *delivery, e *Event) {
	if e.Type == EventConversationCreated {
		if of := conversationOf(e); of == "" || of == c.id {
			c.line.Begin(max(int64(c.inRange(e)), 1), time.Now())
		}
	}
	if !c.line.Started() {
		if st := streamOf(d); st != nil && st.conversation == c.id {
			c.line.Start(int64(e.ID))
		}
	}
	if c.inRange(e) != e.ID {
		c.mu.Unlock()
		defer c.mu.Lock()
		c.log(d, slog.LevelWarn, "nexmo: the ID of an event is out of range: the event is handled as one without ID", e)
	}
}

// inRange returns the ID of e, or 0 if no conversation has counted to it. The caller
// holds c.mu.
func (c *Conversation) inRange(e *Event) EventID {
	if c.line.OutOfRange(int64(e.ID)) {
		return 0
	}
	return e.ID
}

// withID returns e with an ID for the state, to which events with larger IDs are newer.
func withID(e *Event, id EventID) *Event {
	if e.ID == id {
		return e
	}
	c := *e
	c.ID = id
	return &c
}
