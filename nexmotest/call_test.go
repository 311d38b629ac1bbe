package nexmotest_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// wholeCall is the events of a call with everything in it.
var wholeCall = []string{
	"0 app:knocking", "0 sip:ringing", "0 leg:status:update", "0 conversation:created",
	"1 member:invited", "2 member:joined", "3 sip:answered", "4 leg:status:update", "5 member:media",
	"6 audio:say", "7 audio:say:done", "8 audio:dtmf", "9 audio:dtmf", "10 audio:record",
	"11 member:invited", "12 leg:status:update", "13 rtc:ringing", "14 leg:status:update", "15 member:joined", "16 rtc:answered", "17 member:media",
	"18 audio:speaking:on", "19 audio:speaking:off", "20 audio:speaking:on", "21 audio:speaking:off",
	"22 rtc:hangup", "23 leg:status:update", "24 member:left", "25 rtc:status",
	"26 audio:record:stop", "27 audio:record:done",
	"28 sip:hangup", "29 leg:status:update", "30 member:left", "31 sip:status",
}

var anyCall = nexmotest.Call{From: "447700900123", To: "15555550123", Say: "Press 1 or 2.", Digits: "12", Agent: "priya", Record: true}

// Every event of a call has a body as documented.
func TestCall(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	s := box.serve()
	played := s.Call(anyCall)
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	byID := map[nexmo.EventID]*nexmo.Event{}
	var got []string
	for _, e := range box.events {
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("%s: %v: %s", e.Type, b.Err, b.JSON)
		}
		if e.ID != 0 && e.ConversationID != played.ConversationID {
			t.Errorf("event %d is of %q", e.ID, e.ConversationID)
		}
		byID[e.ID] = e
		got = append(got, fmt.Sprint(e.ID, " ", e.Type))
	}
	if diff := cmp.Diff(wholeCall, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if dtmf, ok := nexmo.As[*nexmo.AudioDTMF](byID[9]); !ok || dtmf.Digits != "2" || byID[9].From != played.CallerID || dtmf.Channel.From.Number != anyCall.From {
		t.Errorf("%+v", byID[9])
	}
	if joined, ok := nexmo.As[*nexmo.MemberJoined](byID[15]); !ok || joined.MemberID != played.AgentID || joined.User.Name != "priya" {
		t.Errorf("%+v", byID[15])
	}
	if ids, _ := getEvents(t, s, "/v1/conversations/"+played.ConversationID+"/events?page_size=100"); len(ids) != int(played.LastEventID) {
		t.Errorf("the list has %v", ids)
	}
}

func TestShortCall(t *testing.T) {
	t.Parallel()
	box := newInbox(t)
	s := box.serve()
	played := s.Call(nexmotest.Call{})
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if played.AgentID != "" || played.LastEventID != 11 || len(box.events) != 15 {
		t.Errorf("%+v, %d events", played, len(box.events))
	}
}

// The whole way: a call is played, its webhooks are disturbed in every way, and
// an application handles each event once and in order.
func TestCallIsHandledInSpiteOfFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const secret = "a secret"
		var handled, members []string
		var gaps []nexmo.Gap
		app := nexmo.NewApplication("",
			nexmo.WithStart(1),
			nexmo.WithReorderWindow(64, 3*time.Second),
			nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) { gaps = append(gaps, g) }))
		app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID != 0 {
				handled = append(handled, fmt.Sprint(e.ID, " ", e.Type))
			}
			return nil
		})
		app.OnConversation(func(c *nexmo.Conversation) {
			c.On(nexmo.EventSIPStatus, func(context.Context, *nexmo.Event) error {
				for m := range c.Members() {
					members = append(members, fmt.Sprint(m.Channel.Type, " ", m.State))
				}
				return nil
			})
		})
		s := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithSignatureSecret(secret), nexmotest.WithEventHandler(&nexmo.WebhookHandler{
			Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app, RetryUnsigned: true, Timeout: 10 * time.Second,
		}))
		f := s.Faults()
		f.Webhooks(nexmotest.Reorder(5), 1, "member:*", nexmo.EventSIPAnswered, nexmo.EventLegStatusUpdate)
		f.Webhooks(nexmotest.Duplicate(), 2, nexmo.EventAudioDTMF)
		f.Webhooks(nexmotest.Delay(2*time.Second), 1, nexmo.EventAudioSay)
		f.Webhooks(nexmotest.Drop(), 1, nexmo.EventAudioSpeakingOn)
		f.Webhooks(nexmotest.Unsigned(), 1, nexmo.EventAppKnocking)
		f.Webhooks(nexmotest.Malformed(), 1, nexmo.EventRTCStatus)
		s.Call(anyCall)
		time.Sleep(time.Minute)
		synctest.Wait()

		var want []string
		for _, e := range wholeCall[4:] {
			if e != "18 audio:speaking:on" {
				want = append(want, e)
			}
		}
		if diff := cmp.Diff(want, handled); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		if len(gaps) != 1 || gaps[0].From != 18 || gaps[0].To != 18 {
			t.Errorf("gaps: %v", gaps)
		}
		if diff := cmp.Diff([]string{"phone LEFT", "app LEFT"}, members); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
}

// The server is a Source too: what is lost on the way is fetched.
func TestServerIsASource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const secret = "a secret"
		// The server posts to the application, which fetches from the server.
		source := &lateSource{}
		var handled []string
		app := nexmo.NewApplication("", nexmo.WithStart(1), nexmo.WithSource(source),
			nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) { t.Errorf("%+v is missing", g) }))
		app.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			if e.ID != 0 {
				handled = append(handled, fmt.Sprint(e.ID, " ", e.Type))
			}
			return nil
		})
		s := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithSignatureSecret(secret), nexmotest.WithEventHandler(&nexmo.WebhookHandler{
			Verifier: &nexmo.Verifier{Secrets: []string{secret}}, Sink: app,
		}))
		source.Source = s
		s.Faults().Webhooks(nexmotest.Drop(), 3, "member:*")
		s.Faults().Webhooks(nexmotest.Drop(), 0, nexmo.EventAudioSay, "audio:speaking:*")
		s.Call(anyCall)
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := cmp.Diff(wholeCall[4:], handled); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if err := app.Close(); err != nil {
			t.Error(err)
		}
	})
}

// lateSource is a Source that is known only after what reads it.
type lateSource struct{ nexmo.Source }

func TestEventsAfter(t *testing.T) {
	t.Parallel()
	s, id := withEvents(t, 5)
	var got []nexmo.EventID
	for e, err := range s.EventsAfter(t.Context(), id, 2) {
		if err != nil || e.ConversationID != id || e.Type != "custom:x" {
			t.Fatal(e, err)
		}
		if got = append(got, e.ID); e.ID == 4 {
			break
		}
	}
	if diff := cmp.Diff([]nexmo.EventID{3, 4}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for want, seq := range map[string]iter.Seq2[*nexmo.Event, error]{
		"context canceled": s.EventsAfter(cancelled, id, 0),
		"nexmotest: events of CON-9: conversation:error:not-found": s.EventsAfter(t.Context(), "CON-9", 0),
	} {
		n := 0
		for e, err := range seq {
			if n++; e != nil || err == nil || err.Error() != want {
				t.Errorf("%v, %v, want %s", e, err, want)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d errors", want, n)
		}
	}
}
