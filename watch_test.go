package nexmo_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// A Watch loop gets the events of its types and patterns, in the order in which they
// are handled, from the call of Watch on.
func TestConversationWatchTypes(t *testing.T) {
	t.Parallel()
	delivered := []nexmo.EventType{
		nexmo.EventText, nexmo.EventTextTypingOn, nexmo.EventMemberJoined, nexmo.EventTextSeen, nexmo.EventMemberMedia, "video:shown",
	}
	for _, tt := range []struct {
		name  string
		types []nexmo.EventType
		want  []nexmo.EventType
	}{
		{"all", nil, delivered},
		{"any", []nexmo.EventType{nexmo.EventAny}, delivered},
		{"one type", []nexmo.EventType{nexmo.EventText}, []nexmo.EventType{nexmo.EventText}},
		{"a pattern", []nexmo.EventType{nexmo.EventMemberAny}, []nexmo.EventType{nexmo.EventMemberJoined, nexmo.EventMemberMedia}},
		{
			"a type and a pattern that overlap", []nexmo.EventType{nexmo.EventMemberMedia, nexmo.EventMemberAny, nexmo.EventTextSeen},
			[]nexmo.EventType{nexmo.EventMemberJoined, nexmo.EventTextSeen, nexmo.EventMemberMedia},
		},
		{"none of them", []nexmo.EventType{nexmo.EventImage}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := nexmo.NewConversation(conA)
				checkError(t, c.Deliver(t.Context(), &nexmo.Event{Type: nexmo.EventText, From: "before"}), nil)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				events := c.Watch(ctx, tt.types...)
				var got []nexmo.EventType
				watching := begin(func() error {
					for e := range events {
						got = append(got, e.Type)
					}
					return nil
				})
				for _, typ := range delivered {
					checkError(t, c.Deliver(t.Context(), &nexmo.Event{Type: typ}), nil)
				}
				watching.waits(t)
				cancel()
				watching.returns(t, nil)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("the loop (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// When its ctx ends, Watch leaves no handler behind, also if it was never ranged over.
func TestConversationWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := nexmo.NewConversation(conA)
		calls := 0
		c.Use(func(h nexmo.Handler) nexmo.Handler {
			return func(ctx context.Context, e *nexmo.Event) error { calls++; return h(ctx, e) }
		})
		ctx, cancel := context.WithCancel(t.Context())
		_ = c.Watch(ctx)
		mustDeliver(t, c, 1)
		cancel()
		synctest.Wait()
		mustDeliver(t, c, 2)
		if calls != 1 {
			t.Errorf("its handler was called %d times, want once, before ctx ended", calls)
		}
	})
}

// A conversation waits for a Watch loop that is more than 64 events behind, until the
// loop goes on, is left, its ctx ends, or that of Deliver does: then the event was not
// handled.
func TestConversationWatchSlowLoop(t *testing.T) {
	t.Parallel()
	const buffer = 64
	for _, tt := range []struct {
		name   string
		change func(goOn chan<- bool, watch, deliver context.CancelFunc)
		want   error // of the delivery that waits
	}{
		{"the loop goes on", func(goOn chan<- bool, _, _ context.CancelFunc) { goOn <- true }, nil},
		{"the loop is left", func(goOn chan<- bool, _, _ context.CancelFunc) { goOn <- false }, nil},
		{"the ctx of Watch ends", func(_ chan<- bool, watch, _ context.CancelFunc) { watch() }, nil},
		{"the ctx of Deliver ends", func(_ chan<- bool, _, deliver context.CancelFunc) { deliver() }, context.Canceled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := nexmo.NewConversation(conA)
				watchCtx, watch := context.WithCancel(t.Context())
				defer watch()
				deliverCtx, deliver := context.WithCancel(t.Context())
				defer deliver()
				goOn := make(chan bool, 1)
				events := c.Watch(watchCtx)
				watching := begin(func() error {
					for range events {
						if !<-goOn {
							break
						}
					}
					return nil
				})
				elapsed(t, 0, func() {
					for id := range nexmo.EventID(1 + buffer) { // the loop has one, and the buffer 64
						mustDeliver(t, c, id+1)
						synctest.Wait()
					}
				})
				late := beginDeliver(deliverCtx, c, numbered(2+buffer))
				time.Sleep(time.Hour)
				late.waits(t)
				tt.change(goOn, watch, deliver)
				late.returns(t, tt.want)
				last := nexmo.EventID(2 + buffer)
				if tt.want != nil {
					last--
				}
				if got := c.LastEventID(); got != last {
					t.Errorf("LastEventID is %d, want %d", got, last)
				}
				close(goOn) // false
				watch()
				watching.returns(t, nil)
				elapsed(t, 0, func() { mustDeliver(t, c, 2+buffer, 3+buffer) }) // nothing watches any more
			})
		})
	}
}
