package nexmo

import (
	"context"
	"errors"
	"slices"
	"testing"
)

func TestDeliverReturnsAnErrorForNoEvent(t *testing.T) {
	t.Parallel()
	for _, sink := range []Sink{NewConversation("CON-A"), NewApplication("")} {
		if err := sink.Deliver(t.Context(), nil); !errors.Is(err, errNilEvent) {
			t.Errorf("%T: %v", sink, err)
		}
	}
}

// The errors of a conversation's handlers are one step of Unwrap away.
func TestDeliverJoinsErrorsOnce(t *testing.T) {
	t.Parallel()
	want := []error{errors.New("first"), errors.New("second")}
	c := NewConversation("CON-A")
	for _, err := range want {
		c.On(EventAny, func(context.Context, *Event) error { return err })
	}
	err := c.Deliver(t.Context(), &Event{Type: EventText})
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok || !slices.Equal(joined.Unwrap(), want) {
		t.Errorf("the error is %#v, want those of the handlers, joined", err)
	}
}

// The last look at a queue and the end of its delivery are two steps. What a handler
// delivers between them would be lost.
func TestNothingIsQueuedBehindTheLastLook(t *testing.T) {
	t.Parallel()
	d := newDelivery(t.Context())
	if !d.push(queuedEvent{e: new(Event)}) {
		t.Fatal("the queue took no event")
	}
	b := d.queue.Load()
	if _, ok := b.pop(); !ok {
		t.Fatal("the event is not in the queue")
	}
	if _, ok := b.pop(); ok {
		t.Fatal("there is another event in the queue")
	}
	if d.push(queuedEvent{e: new(Event)}) {
		t.Error("the queue took an event, and nobody will look at it")
	}
}

// A chain of events, each delivered by the handler of the one before, is no chain of contexts:
// to look up a value takes as long for the last event as for the second.
func TestNestedContextsDoNotPileUp(t *testing.T) {
	t.Parallel()
	var depth func(ctx context.Context) int
	depth = func(ctx context.Context) int {
		switch c := ctx.(type) {
		case *delivery:
			return 1 + depth(c.Context)
		case nestedContext:
			return 1 + max(depth(c.Context), depth(c.values))
		default:
			return 0
		}
	}
	d := newDelivery(t.Context())
	type key struct{}
	last := d.nested(queuedEvent{ctx: context.WithValue(d, key{}, "value")})
	want := depth(last)
	for range 100 {
		last = d.nested(queuedEvent{ctx: last})
	}
	if got := depth(last); got != want {
		t.Errorf("the context of the last event consists of %d, want %d as for the second", got, want)
	}
	if last.Value(key{}) != "value" {
		t.Error("it has lost a value")
	}
}
