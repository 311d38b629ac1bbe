package nexmo_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

const (
	callConversation     = "CON-c5cde1df-c2c8-4419-b9b4-7ea13469608e"
	callConversationName = "NAM-70ed82b4-c269-4905-ae81-1f9cdb590ee5"
	callerMember         = "MEM-bdeeb7a5-ed06-44cd-b1e3-6b2047bb99f7"
	callerLeg            = "44d50a7f2df94867bb668234048d7c3d"
	agentMember          = "MEM-2d5d013e-496d-4e17-96a3-fb292b05f841"
	agentLeg             = "df1f7fb0-7c9b-486e-a8a6-49f7f165e84e"
)

// callTime is a time on the day of the call.
func callTime(t testing.TB, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, "2024-05-14T"+text+"Z")
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// callEvents parses the webhooks of a call, in the order of their arrival.
func callEvents(t testing.TB) []*nexmo.Event {
	t.Helper()
	file, err := os.ReadFile(filepath.Join("testdata", "call.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var events []*nexmo.Event
	for line := range bytes.Lines(file) {
		e, err := nexmo.ParseEvent(bytes.TrimSpace(line))
		if err != nil {
			t.Fatalf("line %d: %v", len(events)+1, err)
		}
		events = append(events, e)
	}
	if len(events) != 47 {
		t.Fatalf("%d lines, want 47", len(events))
	}
	return events
}

// callLog is what the handlers of an application, and of the conversation of the
// call, were given.
type callLog struct {
	app *nexmo.Application

	mu            sync.Mutex
	handled       []string // IDs, and types where there is none
	conversations []string
	digits        string
	orders        []string
	joined        []string
	gaps          []nexmo.Gap
}

// newCallLog returns an application that logs a call.
func newCallLog(t testing.TB, opts ...nexmo.ApplicationOption) *callLog {
	t.Helper()
	l := new(callLog)
	opts = append(opts, nexmo.WithHistory(100), nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.gaps = append(l.gaps, g)
		l.handled = append(l.handled, "gap")
	}))
	l.app = nexmo.NewApplication("e8059728-5fa0-4cbe-83b4-9919be9cf1de", opts...)
	l.app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		if e.ID != 0 {
			l.handled = append(l.handled, fmt.Sprint(e.ID))
		} else {
			l.handled = append(l.handled, string(e.Type))
		}
		return nil
	})
	// These need no lock: events of one conversation are handled one by one.
	l.app.OnConversation(func(c *nexmo.Conversation) {
		l.conversations = append(l.conversations, c.ID())
		nexmo.On(c, func(_ context.Context, _ *nexmo.Event, b *nexmo.AudioDTMF) error {
			l.digits += b.Digits
			return nil
		})
		nexmo.OnCustom(c, "order-update", func(_ context.Context, _ *nexmo.Event, b *struct{ Order, State string }) error {
			l.orders = append(l.orders, b.Order+" "+b.State)
			return nil
		})
		c.On(nexmo.EventMemberJoined, func(_ context.Context, e *nexmo.Event) error {
			m, ok := c.Member(e.MemberID())
			if !ok || m.State != nexmo.MemberStateJoined {
				t.Errorf("event %d: %s is %s", e.ID, e.MemberID(), m.State)
			}
			l.joined = append(l.joined, m.UserName)
			return nil
		})
	})
	return l
}

// idsBetween are the texts of the IDs from first to last.
func idsBetween(first, last int) []string {
	var list []string
	for id := first; id <= last; id++ {
		list = append(list, fmt.Sprint(id))
	}
	return list
}

// check compares everything that is known after the call.
func (l *callLog) check(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		what      string
		want, got any
	}{
		{"conversations", []string{callConversation}, l.conversations},
		{"gaps", []nexmo.Gap{{ConversationID: callConversation, From: 25, To: 25}}, l.gaps},
		{"digits", "2441", l.digits},
		{"orders", []string{"441 ready"}, l.orders},
		{"joined", []string{"NAM-b7ee0bb5-cf92-4e66-9856-92298d9141fb", "priya"}, l.joined},
	} {
		if diff := cmp.Diff(c.want, c.got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.what, diff)
		}
	}
	checkCall(t, l.app.Conversation(callConversation))
	if left := slices.Collect(l.app.Conversations()); len(left) != 0 {
		t.Errorf("%d conversations are left, want none: it was deleted", len(left))
	}
}

// checkCall compares members, info and history after the call.
func checkCall(t *testing.T, c *nexmo.Conversation) {
	t.Helper()
	speaks := nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{
		Enabled: nexmo.True, Earmuffed: nexmo.False, Muted: nexmo.False,
	}}
	checkMembers(t, c,
		nexmo.Member{
			ID: callerMember, UserID: "USR-1265829e-d8c9-4a0b-ba1e-cb7bbd0e594f",
			UserName: "NAM-b7ee0bb5-cf92-4e66-9856-92298d9141fb",
			State:    nexmo.MemberStateLeft, LegStatus: nexmo.LegStatusCompleted, Media: speaks,
			Channel: &nexmo.Channel{
				ID: callerLeg, Type: nexmo.ChannelTypePhone,
				From:       &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "447700900123"},
				To:         &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "15555550123"},
				LegIDs:     []string{callerLeg},
				Legs:       nexmo.Legs{{ID: callerLeg, Status: nexmo.LegStatusCompleted}},
				KnockingID: "knocker:e700cca7-1191-4640-b1a8-c80a2dbad1d6",
			},
			Reason: nexmo.Reason{Code: "hangup", Text: "the caller ended the call"},
			Timestamp: nexmo.MemberTimestamp{
				Invited: callTime(t, "09:30:00.552"), Joined: callTime(t, "09:30:00.671"), Left: callTime(t, "09:32:14.738"),
			},
		},
		nexmo.Member{
			ID: agentMember, UserID: "USR-cc54b96b-2029-4506-9331-e21ca70a6eda",
			UserName: "priya", DisplayName: "Priya at the workshop", ImageURL: "https://example.com/avatars/priya.png",
			State: nexmo.MemberStateLeft, LegStatus: nexmo.LegStatusCompleted, Media: speaks,
			Channel: &nexmo.Channel{
				ID: agentLeg, Type: nexmo.ChannelTypeApp,
				From:        &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "447700900123"},
				To:          &nexmo.Endpoint{Type: nexmo.ChannelTypeApp, User: "priya"},
				LegIDs:      []string{agentLeg},
				Legs:        nexmo.Legs{{ID: agentLeg, Status: nexmo.LegStatusCompleted}},
				LegSettings: "{}",
			},
			Reason: nexmo.Reason{Code: "hangup", Text: "the agent ended the call"},
			Timestamp: nexmo.MemberTimestamp{
				Invited: callTime(t, "09:30:14.701"), Joined: callTime(t, "09:30:24.816"), Left: callTime(t, "09:31:53.240"),
			},
		})
	want := nexmo.ConversationInfo{
		ID: callConversation, Name: callConversationName, State: nexmo.ConversationStateDeleted, DeleteReason: "api request",
		Timestamp: nexmo.ConversationTimestamp{
			Created: callTime(t, "09:30:00.389"), Updated: callTime(t, "09:31:53.240"), Destroyed: callTime(t, "09:32:20.361"),
		},
	}
	if diff := cmp.Diff(want, c.Info()); diff != "" {
		t.Errorf("Info() (-want +got):\n%s", diff)
	}
	var ids []string
	for id := range c.Events() {
		ids = append(ids, fmt.Sprint(id))
	}
	if diff := cmp.Diff(append(idsBetween(1, 24), idsBetween(26, 42)...), ids); diff != "" {
		t.Errorf("Events() (-want +got):\n%s", diff)
	}
	if got := c.LastEventID(); got != 42 {
		t.Errorf("LastEventID() = %d, want 42", got)
	}
}

// callHandled is the order in which a call is handled whose events are all there
// at once: what has no ID passes through as it arrives, the rest waits for 2,
// and later for 25, which never comes.
func callHandled() []string {
	return slices.Concat(
		[]string{"app:knocking", "sip:ringing", "leg:status:update", "1", "conversation:created"},
		idsBetween(2, 24), []string{"conversation:deleted", "gap"}, idsBetween(26, 42))
}

// TestApplicationCallByWebhooks delivers a call as webhooks do, each with a
// goroutine of its own, which returns when the event has been handled.
func TestApplicationCallByWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newCallLog(t)
		start := time.Now()
		var wg sync.WaitGroup
		for i, e := range callEvents(t) {
			wg.Go(func() {
				if err := l.app.Deliver(t.Context(), e); err != nil {
					t.Errorf("line %d: %v", i+1, err)
				}
				l.mu.Lock()
				defer l.mu.Unlock()
				if e.ID != 0 && !slices.Contains(l.handled, fmt.Sprint(e.ID)) {
					t.Errorf("line %d: Deliver returned before event %d was handled", i+1, e.ID)
				}
			})
			synctest.Wait() // it has arrived
		}
		wg.Wait()
		if diff := cmp.Diff(callHandled(), l.handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("25 was waited for %v, want 2s", waited)
		}
		l.check(t)
	})
}

// TestApplicationCallByWebhooksAtOnce lets the webhooks arrive in whatever order
// their goroutines run in.
func TestApplicationCallByWebhooksAtOnce(t *testing.T) {
	t.Parallel()
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			l := newCallLog(t, nexmo.WithStart(1))
			var wg sync.WaitGroup
			for i, e := range callEvents(t) {
				wg.Go(func() {
					if err := l.app.Deliver(t.Context(), e); err != nil {
						t.Errorf("line %d: %v", i+1, err)
					}
				})
			}
			wg.Wait()
			var ids []string
			for _, h := range l.handled {
				if !strings.Contains(h, ":") {
					ids = append(ids, h)
				}
			}
			want := slices.Concat(idsBetween(1, 24), []string{"gap"}, idsBetween(26, 42))
			if diff := cmp.Diff(want, ids); diff != "" {
				t.Errorf("handled (-want +got):\n%s", diff)
			}
			l.check(t)
		})
	}
}

// eventSource is a Source over events, in the order in which they stand.
type eventSource []*nexmo.Event

func (s eventSource) EventsAfter(_ context.Context, _ string, after nexmo.EventID) iter.Seq2[*nexmo.Event, error] {
	return func(yield func(*nexmo.Event, error) bool) {
		for _, e := range s {
			if e.ID != 0 && e.ID <= after {
				continue
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// TestReplayCall replays the call as one stream. Replay delivers on behind the
// hole, and returns when all has been handled.
func TestReplayCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newCallLog(t)
		start := time.Now()
		if err := nexmo.Replay(t.Context(), l.app, eventSource(callEvents(t)), callConversation, 0); err != nil {
			t.Errorf("Replay: %v", err)
		}
		if diff := cmp.Diff(callHandled(), l.handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		if waited := time.Since(start); waited != 2*time.Second {
			t.Errorf("25 was waited for %v, want 2s", waited)
		}
		l.check(t)
	})
}

// TestReplayCallTwice replays a call that was replayed: nothing is handled again
// but what has no ID and does not name its cause, as the knock does.
func TestReplayCallTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newCallLog(t)
		for range 2 {
			if err := nexmo.Replay(t.Context(), l.app, eventSource(callEvents(t)), callConversation, 0); err != nil {
				t.Errorf("Replay: %v", err)
			}
		}
		want := append(callHandled(), "sip:ringing", "leg:status:update", "conversation:created", "conversation:deleted")
		if diff := cmp.Diff(want, l.handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		l.check(t)
	})
}

// TestReplayCallAfter goes on where an earlier replay stopped.
func TestReplayCallAfter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		events := callEvents(t)
		slices.SortStableFunc(events, func(a, b *nexmo.Event) int { return int(a.ID - b.ID) })
		events = slices.DeleteFunc(events, func(e *nexmo.Event) bool { return e.ID == 0 }) // a log has no others
		boom := errors.New("boom")
		var handled []string
		fail := true
		c := nexmo.NewConversation(callConversation, nexmo.WithHistory(100))
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			handled = append(handled, fmt.Sprint(e.ID))
			if e.ID == 12 && fail {
				return boom
			}
			return nil
		})
		err := nexmo.Replay(t.Context(), c, eventSource(events), callConversation, 0)
		if !errors.Is(err, boom) || !strings.Contains(err.Error(), "event 12") {
			t.Errorf("Replay: %v, want the error of event 12", err)
		}
		if got := c.LastEventID(); got != 11 {
			t.Errorf("LastEventID() = %d, want 11", got)
		}
		fail = false
		if err := nexmo.Replay(t.Context(), c, eventSource(events), callConversation, c.LastEventID()); err != nil {
			t.Errorf("Replay: %v", err)
		}
		want := slices.Concat(idsBetween(1, 12), idsBetween(12, 24), idsBetween(26, 42))
		if diff := cmp.Diff(want, handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		// All is known but what the events of the application tell.
		tell(t, c, `{"type":"conversation:created","body":{"timestamp":{"created":"2024-05-14T09:30:00.389Z"}}}`,
			`{"type":"conversation:deleted","body":{"timestamp":{"updated":"2024-05-14T09:31:53.240Z",
				"destroyed":"2024-05-14T09:32:20.361Z"},"reason":"api request"}}`)
		checkCall(t, c)
	})
}
