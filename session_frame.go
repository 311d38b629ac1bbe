package nexmo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"slices"
)

// frameText returns a frame as the text of an event: what the frame holds, with its name as
// the type and its conversation put in front, so that ParseEvent reads it back. A frame that
// does not hold an object stays the packet that it is.
func frameText(name string, data []byte) []byte {
	if name == "" {
		return data // the type is inside, if there is one
	}
	var named bool
	var conversation []byte
	f := walkFields(data)
	for f.next() {
		switch f.key() {
		case "conversation_id":
			named = true
		case "cid":
			conversation = nil
			if len(f.value) > 2 && f.value[0] == '"' {
				conversation = f.value
			}
		}
	}
	if !f.whole {
		return slices.Concat([]byte("["), quoteJSON(name), []byte(","), data, []byte("]"))
	}
	if conversation != nil && !named {
		data = putInFront(data, "conversation_id", conversation)
	}
	return putInFront(data, "type", quoteJSON(name))
}

// letterOf returns an event that cannot be read as a dead letter, with what can be read of
// which event it is. A text may hold the beginning of one.
func letterOf(name string, data []byte, err error) DeadLetter {
	text := data
	var inner string
	if len(data) > 0 && data[0] == '"' && json.Unmarshal(data, &inner) == nil {
		text = []byte(inner)
	}
	d := DeadLetter{Type: EventType(name), Raw: Raw(frameText(name, data)), Via: ViaSession, Err: err}
	for f := walkFields(text); f.next(); {
		switch f.key() {
		case "conversation_id", "cid":
			if id := plainText(f.value); id != nil && d.ConversationID == "" {
				d.ConversationID = string(id)
			}
		case "id":
			d.EventID, _ = plainID(bytes.Trim(f.value, `"`))
		case "type":
			if t := plainText(f.value); t != nil && name == "" {
				d.Type = EventType(t)
			}
		}
	}
	return d
}

// ours reports whether an event with that name is not one of a conversation.
func ours(name string) bool { return aboutSession(name) || name == "echo" }

// accept puts an event that came in a frame, or among those that the session missed, into
// the inbox: also if it cannot be read. The name is empty if the type is inside.
func (s *Session) accept(ctx context.Context, name string, data []byte) {
	e, err := ParseEvent(frameText(name, data))
	switch {
	case err != nil:
		s.unreadable(ctx, letterOf(name, data, err), 1)
	case ours(string(e.Type)):
		s.log(ctx, slog.LevelDebug, "nexmo: the service says something about the session", slog.String("event_type", string(e.Type)))
	default:
		s.inbox.put(&received{event: e})
	}
}

// acceptMissed is accept for the events that the session missed. What is not a list of
// them was one that was cut.
func (s *Session) acceptMissed(ctx context.Context, list []byte) {
	switch string(list) {
	case "", "null", "{}", `""`, "false":
		return
	}
	whole := false
	for item := range arrayItems(list, &whole) {
		s.accept(ctx, "", item)
	}
	if !whole {
		s.unreadable(ctx, DeadLetter{Raw: Raw(list), Via: ViaSession, Err: errMissedCut}, maxRecovered)
	}
}

var errMissedCut = errors.New("nexmo: session: pending_events: want an array of events: some that the session missed are lost")

// unreadable puts what cannot be read into the inbox, where events have been lost: so many,
// as far as that is known.
func (s *Session) unreadable(ctx context.Context, d DeadLetter, lost int) {
	if s.cfg.deadLetter == nil {
		s.log(ctx, slog.LevelError, "nexmo: an event of the session cannot be read and is lost, unless it can be fetched: see WithDeadLetter",
			slog.String("conversation_id", d.ConversationID), slog.Int64("event_id", int64(d.EventID)), slog.String("event_type", string(d.Type)),
			slog.Any("error", d.Err))
	}
	s.inbox.put(&received{letter: &d, lost: lost})
}

// arrayItems yields the items of an array, by quotes and brackets alone, and then whether
// the array was whole.
func arrayItems(data []byte, whole *bool) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		f := fieldWalk{data: data} // for the blanks
		i := f.blanks(0)
		if i == len(data) || data[i] != '[' {
			return
		}
		if end := f.blanks(i + 1); end < len(data) && data[end] == ']' {
			*whole = f.blanks(end+1) == len(data)
			return
		}
		for {
			start := f.blanks(i + 1)
			i = skipItem(data, start)
			if item := bytes.TrimRight(data[start:i], " \t\r\n"); !yield(item) {
				return
			}
			i = f.blanks(i)
			if i == len(data) || data[i] != ',' {
				*whole = i < len(data) && data[i] == ']' && f.blanks(i+1) == len(data)
				return
			}
		}
	}
}
