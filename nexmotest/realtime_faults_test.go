package nexmotest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/socketio"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestSessionFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault   func(f *nexmotest.Faults)
		want    error // nil for the network's own
		last    string
		resumed bool
	}{
		"cut":        {fault: func(f *nexmotest.Faults) { f.CutSessions("alice") }, resumed: true},
		"close":      {fault: func(f *nexmotest.Faults) { f.CloseSessions("alice") }, want: socketio.ErrEngineClosed, resumed: true},
		"disconnect": {fault: func(f *nexmotest.Faults) { f.DisconnectSessions("alice") }, want: socketio.ErrDisconnected, resumed: true},
		"end":        {fault: func(f *nexmotest.Faults) { f.EndSessions("alice") }, want: socketio.ErrDisconnected, last: "session:terminated"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := nexmotest.NewServer(t)
			c := s.CreateConversation("")
			s.Join(c, "alice")
			p, id := login(t, s, "alice")
			other, _ := login(t, s, "bob")
			tt.fault(s.Faults())
			s.Emit(c, text("meanwhile"))
			if tt.last != "" {
				if f := p.next(); f.Name != tt.last {
					t.Errorf("%+v", f)
				}
			}
			if err := p.end(); err == nil || tt.want != nil && err != tt.want { //nolint:errorlint // as it is documented
				t.Errorf("%v, want %v", err, tt.want)
			}
			f := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id).next()
			if resumed := f.Name == "session:success" && strings.Contains(f.Data, "meanwhile"); resumed != tt.resumed {
				t.Errorf("%+v", f)
			}
			s.Faults().SendFrame("bob", "echo", struct{}{})
			if f := other.next(); f.Name != "echo" || f.Data != "{}" {
				t.Errorf("%+v", f)
			}
		})
	}
}

func TestFrameFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault nexmotest.EventFault
		clear bool
		want  []string
	}{
		"drop":        {nexmotest.Drop(), false, []string{"text 3", "text 4", "text 5"}},
		"duplicate":   {nexmotest.Duplicate(), false, []string{"text 2", "text 2", "text 3"}},
		"delay":       {nexmotest.Delay(10 * time.Second), false, []string{"text 3", "text 4", "text 5", "text 2"}},
		"reorder":     {nexmotest.Reorder(3), false, []string{"text 4", "text 3", "text 2", "text 5"}},
		"reorder all": {nexmotest.Reorder(9), true, []string{"text 2", "text 3", "text 4", "text 5"}},
		"malformed":   {nexmotest.Malformed(), false, []string{"text 2", "text 3", "text 4"}},
		"truncated":   {nexmotest.Truncated(), false, []string{"text 0", "text 3", "text 4"}},
		"unsigned":    {nexmotest.Unsigned(), false, []string{"text 2", "text 3", "text 4"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := nexmotest.NewServer(t, nexmotest.InMemory())
				c := s.CreateConversation("")
				s.Join(c, "alice")
				alice, _ := login(t, s, "alice")
				s.Faults().Frames("alice", tt.fault, 1, "text")
				for _, word := range []string{"a", "b", "c", "d"} {
					s.Emit(c, text(word))
				}
				if tt.clear {
					s.Faults().Clear()
				}
				if diff := cmp.Diff(tt.want, alice.names(len(tt.want))); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestCutInPlaceOfAnEvent(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	c := s.CreateConversation("")
	s.Join(c, "alice")
	s.Faults().Frames("", nexmotest.Cut(), 1, "custom:*")
	p, id := login(t, s, "alice")
	s.Emit(c, text("a"))
	s.Emit(c, &nexmo.Custom{Name: "x", JSON: `{}`})
	s.Emit(c, text("b"))
	if diff := cmp.Diff([]string{"text 2"}, p.names(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if err := p.end(); err == nil || err == socketio.ErrDisconnected { //nolint:errorlint // as it is documented
		t.Error(err)
	}
	again, _ := login(t, s, "alice", "session_id", id)
	s.Emit(c, text("c"))
	if diff := cmp.Diff([]string{"text 5"}, again.names(1)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// What went wrong with an event goes wrong again when the session is resumed.
func TestResumeWithFaults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault nexmotest.EventFault
		want  string
	}{
		"malformed": {nexmotest.Malformed(), `"body":"malformed"`},
		"truncated": {nexmotest.Truncated(), `\"cid\"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := nexmotest.NewServer(t)
			c := s.CreateConversation("")
			s.Join(c, "alice")
			s.Faults().Frames("alice", tt.fault, 0)
			_, id := login(t, s, "alice")
			s.Faults().CutSessions("alice")
			s.Emit(c, text("a"))
			pending := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id).success().PendingEvents
			if len(pending) != 1 || !strings.Contains(string(pending[0]), tt.want) {
				t.Errorf("%s", pending)
			}
		})
	}
}

// A list of missed events that is cut is a text, as often as asked for, and counts as
// acknowledged.
func TestCutMissed(t *testing.T) {
	t.Parallel()
	s := nexmotest.NewServer(t)
	c := s.CreateConversation("")
	s.Join(c, "alice")
	_, id := login(t, s, "alice")
	resume := func() string {
		t.Helper()
		p := dial(t, s, true, "token", s.UserToken("alice"), "session_id", id)
		data := p.next().Data
		s.ExpectAck("alice", "session:success")
		return data
	}
	s.ExpectAck("alice", "session:success")
	s.Faults().CutMissed("alice", 1)
	s.Faults().CutMissed("bob", 1)
	s.Faults().CutSessions("alice")
	if got := resume(); strings.Contains(got, "pending_events") {
		t.Errorf("without a list there is none to cut: %s", got)
	}
	for i, want := range []string{`"pending_events":"[{`, `"pending_events":[{`} {
		s.Faults().CutSessions("alice")
		s.Emit(c, text("meanwhile"))
		if got := resume(); !strings.Contains(got, want) {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	s.Faults().CutMissed("alice", 1)
	s.Faults().Clear()
	s.Faults().CutSessions("alice")
	s.Emit(c, text("meanwhile"))
	if got := resume(); !strings.Contains(got, `"pending_events":[{`) {
		t.Errorf("after Clear: %s", got)
	}
}
