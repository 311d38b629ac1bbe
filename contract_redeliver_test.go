package nexmo_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// What a person redelivers and fails again is not set aside again: the person is told.
func TestContract11_RedeliverTellsWhoAsked(t *testing.T) {
	t.Parallel()
	for name, newSink := range sinks {
		var l letters
		s := newSink(nexmo.WithDeadLetter(l.take))
		s.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nexmo.Permanent(errBoom) })
		for _, e := range []*nexmo.Event{numbered(1), {Type: nexmo.EventAppKnocking}} {
			err := s.(interface {
				Redeliver(context.Context, *nexmo.Event) error
			}).Redeliver(t.Context(), e)
			if !errors.Is(err, errBoom) || !errors.Is(err, nexmo.ErrPermanent) {
				t.Errorf("%s: Redeliver returned %v", name, err)
			}
		}
		l.are(t)
	}
}

// A dead letter that is parsed and redelivered is the event that it was.
func TestContract11_ADeadLetterIsRedelivered(t *testing.T) {
	t.Parallel()
	var l letters
	var got []*nexmo.Event
	app := nexmo.NewApplication("", nexmo.WithDeadLetter(l.take))
	fail := true
	app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		if fail {
			return nexmo.Permanent(errBoom)
		}
		got = append(got, e)
		return nil
	})
	text := told(t, `{"id":4,"conversation_id":"CON-A","type":"text","from":"MEM-1","body":{"text":"hi"},"timestamp":"2026-05-04T10:00:00.000Z"}`)
	made := &nexmo.Event{ID: 5, ConversationID: conA, Type: nexmo.EventText, Body: &nexmo.Text{Text: "made"}}
	for _, e := range []*nexmo.Event{text, made} {
		checkError(t, app.Deliver(t.Context(), e), nil)
	}
	l.are(t, 4, 5)
	fail = false
	for _, d := range l.all {
		if !json.Valid(d.Raw.Bytes()) {
			t.Fatalf("Raw is %q", d.Raw)
		}
		checkError(t, app.Redeliver(t.Context(), told(t, string(d.Raw))), nil)
	}
	mustDeliver(t, app, 4, 5)
	if len(got) != 2 || !slices.EqualFunc(got, []*nexmo.Event{text, made}, func(a, b *nexmo.Event) bool {
		return a.ID == b.ID && a.Type == b.Type && a.ConversationID == b.ConversationID && cmp.Equal(a.Body, b.Body)
	}) {
		t.Errorf("redelivered: %v", got)
	}
}

// A redelivery that fails mends nothing, and one that succeeds frees what was kept.
func TestContract04_RedeliverFreesWhatItMends(t *testing.T) {
	t.Parallel()
	var j journal
	source := stored(1, 2)
	app := nexmo.NewApplication("", nexmo.WithSource(source))
	c := app.Conversation(conA)
	errs := map[string]error{"1": errBoom}
	app.On(nexmo.EventAny, j.named("1", errs))
	app.On(nexmo.EventAny, j.named("2", errs))
	checkError(t, app.Deliver(t.Context(), numbered(1)), errBoom)
	checkError(t, app.Redeliver(t.Context(), numbered(1)), errBoom)
	if app.Stats().Failed == 0 {
		t.Error("nothing is kept of an event whose redelivery failed")
	}
	clear(errs)
	mustDeliver(t, app, 1) // the handler that failed, and no other
	j.is(t, "1", "2", "1", "2", "1")
	if n := app.Stats().Failed; n != 0 {
		t.Errorf("%d bytes are kept of an event that was handled", n)
	}

	errs["2"] = errBoom
	checkError(t, app.Deliver(t.Context(), numbered(2)), errBoom)
	clear(errs)
	checkError(t, app.Redeliver(t.Context(), numbered(2)), nil)
	if n := app.Stats().Failed; n != 0 {
		t.Errorf("%d bytes are kept of an event that was redelivered", n)
	}
	checkError(t, c.Sync(t.Context()), nil)
	source.is(t, "after 2") // it is wanted no more
}

// What was set aside is wanted no more: Sync does not begin there.
func TestContract11_SyncBeginsBehindWhatWasSetAside(t *testing.T) {
	t.Parallel()
	var l letters
	source := stored(1, 2, 3)
	c := nexmo.NewConversation(conA, nexmo.WithSource(source), nexmo.WithDeadLetter(l.take))
	c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		if e.ID == 2 {
			return nexmo.Permanent(errBoom)
		}
		return nil
	})
	mustDeliver(t, c, 1, 2, 3)
	checkError(t, c.Sync(t.Context()), nil)
	source.is(t, "after 3")
	l.are(t, 2)
}
