package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// saying dials a service that says some packets and is quiet from then on.
func saying(t *testing.T, packets []string, opts ...nexmo.SessionOption) *nexmo.Session {
	t.Helper()
	service := scriptedService(t, func(_ int, _ *http.Request, say func(...string), read func(n int) []string) {
		say(strings.ReplaceAll(openPacket, "25000", "2147483647"), letIn) // no pings are to come
		say(packets...)
		read(100)
	})
	s, err := nexmo.Dial(t.Context(), anyToken, append(service, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func textFrame(conversation string, id int) string {
	return fmt.Sprintf(`42["text",{"id":%d,"cid":%q,"body":{"text":"private words"}}]`, id, conversation)
}

// What no retry makes succeed is given to the function given to Dial, or logged as an error.
func TestSessionDeadLetter(t *testing.T) {
	t.Parallel()
	never := nexmo.Permanent(errors.New("no such order"))
	for _, kept := range []bool{true, false} {
		t.Run(fmt.Sprint(kept), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log hookLog
				var letters deadLetters
				opts := []nexmo.SessionOption{nexmo.WithLogger(log.logger())}
				if kept {
					opts = append(opts, nexmo.WithDeadLetter(letters.take))
				}
				s := saying(t, []string{successEvent, textFrame("CON-1", 1), textFrame("CON-1", 2)}, opts...)
				var got []nexmo.EventID
				done := running(t, s, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
					if got = append(got, e.ID); e.ID == 1 {
						return never
					}
					return nil
				}))
				synctest.Wait()
				_ = s.Close()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff([]nexmo.EventID{1, 2}, got); diff != "" {
					t.Errorf("delivered (-want +got):\n%s", diff)
				}
				want := []nexmo.DeadLetter{}
				if kept {
					want = []nexmo.DeadLetter{{
						ConversationID: "CON-1", EventID: 1, Type: "text", Via: nexmo.ViaSession, Err: never,
						Raw: `{"type":"text","conversation_id":"CON-1","id":1,"cid":"CON-1","body":{"text":"private words"}}`,
					}}
				}
				if diff := cmp.Diff(want, append([]nexmo.DeadLetter{}, letters.all()...), cmp.Comparer(func(a, b error) bool { return errorText(a) == errorText(b) })); diff != "" {
					t.Errorf("dead letters (-want +got):\n%s", diff)
				}
				if logged := strings.Contains(log.String(), "level=ERROR"); logged == kept || strings.Contains(log.String(), "private words") {
					t.Errorf("the log says %s", log.String())
				}
			})
		})
	}
}

// An error that a retry may mend is logged, as it always was, and is no dead letter.
func TestSessionErrorIsNoDeadLetter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log hookLog
		var letters deadLetters
		errs := []error{errors.New("not now"), &nexmo.DecodeError{Err: errors.New("of another event")}, errors.Join(nexmo.Permanent(errors.New("never")), errors.New("not now"))}
		s := saying(t, []string{successEvent, textFrame("CON-1", 1), textFrame("CON-1", 2), textFrame("CON-1", 3)},
			nexmo.WithLogger(log.logger()), nexmo.WithDeadLetter(letters.take))
		calls := 0
		running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { calls++; return errs[calls-1] }))
		time.Sleep(time.Hour)
		synctest.Wait()
		if calls != 3 || len(letters.all()) != 0 || strings.Count(log.String(), "was not handled") != 3 {
			t.Errorf("%d deliveries, dead letters %v, the log says %s", calls, letters.all(), log.String())
		}
	})
}

// A dead letter that is not safe is delivered again, after a second and then twice as long each
// time, before the next event of its conversation. Others do not wait for it.
func TestSessionDeliversAgainWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		letters := deadLetters{panics: 1, errs: []error{nil, errors.New("the table is locked"), errors.New("and again")}}
		var log hookLog
		s := saying(t, []string{successEvent, textFrame("CON-1", 1), textFrame("CON-1", 2), textFrame("CON-2", 1), textFrame("CON-1", 3)},
			nexmo.WithDeadLetter(letters.take), nexmo.WithLogger(log.logger()))
		type delivery struct {
			Conversation string
			ID           nexmo.EventID
			At           time.Duration
		}
		var got []delivery
		began := time.Now()
		done := running(t, s, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			got = append(got, delivery{e.ConversationID, e.ID, time.Since(began)})
			if e.ConversationID == "CON-1" && e.ID == 1 {
				return nexmo.Permanent(errors.New("no such order"))
			}
			return nil
		}))
		time.Sleep(time.Hour)
		synctest.Wait()
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		want := []delivery{
			{"CON-1", 1, 0}, {"CON-2", 1, 0}, {"CON-1", 1, 1 * time.Second}, {"CON-1", 1, 3 * time.Second}, {"CON-1", 1, 7 * time.Second},
			{"CON-1", 2, 7 * time.Second}, {"CON-1", 3, 7 * time.Second},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
		if n := strings.Count(log.String(), "could not be set aside"); n != 3 {
			t.Errorf("logged %d times, want 3: %s", n, log.String())
		}
	})
}

// The pauses end at a minute.
func TestSessionPausesEndAtAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := saying(t, []string{successEvent, textFrame("CON-1", 1)},
			nexmo.WithDeadLetter(func(context.Context, nexmo.DeadLetter) error { return errors.New("the table is gone") }))
		var at []time.Time
		running(t, s, nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			at = append(at, time.Now())
			return nexmo.Permanent(errors.New("never"))
		}))
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		var pauses []time.Duration
		for i := range 9 {
			pauses = append(pauses, at[i+1].Sub(at[i])/time.Second)
		}
		if diff := cmp.Diff([]time.Duration{1, 2, 4, 8, 16, 32, 60, 60, 60}, pauses); diff != "" {
			t.Errorf("seconds (-want +got):\n%s", diff)
		}
	})
}

// When the session is over, what cannot be set aside has one more chance, and is left to
// another Run with what is behind it.
func TestSessionLeavesWhatIsNotSafe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := true
		s := saying(t, []string{successEvent, textFrame("CON-1", 1), textFrame("CON-1", 2), textFrame("CON-2", 1)},
			nexmo.WithDeadLetter(func(context.Context, nexmo.DeadLetter) error {
				if broken {
					return errors.New("the table is gone")
				}
				return nil
			}))
		var got []string
		sink := nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			got = append(got, fmt.Sprint(e.ConversationID, " ", e.ID))
			return nexmo.Permanent(errors.New("never"))
		})
		done := running(t, s, sink)
		synctest.Wait()
		_ = s.Close()
		began := time.Now()
		if err := <-done; err == nil || !strings.Contains(err.Error(), "3 events are left") || time.Since(began) > 0 {
			t.Errorf("Run returns %v after %v", err, time.Since(began))
		}
		if err := s.Run(t.Context(), sink); err == nil {
			t.Error("Run returns nil, and events are left")
		}
		broken = false
		if err := s.Run(t.Context(), sink); err != nil {
			t.Error(err)
		}
		want := []string{
			"CON-1 1", "CON-2 1", "CON-1 1", "CON-2 1", // the last chance
			"CON-1 1", "CON-2 1",
			"CON-1 1", "CON-1 2", "CON-2 1",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

// An event whose delivery ends with ctx is delivered by the next Run, also if its dead letter
// was not safe by then.
func TestSessionDeadLetterEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		s := saying(t, []string{successEvent, textFrame("CON-1", 1)}, nexmo.WithDeadLetter(func(ctx context.Context, _ nexmo.DeadLetter) error {
			if calls++; calls == 1 {
				cancel()
			}
			return ctx.Err()
		}))
		sink := nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { return nexmo.Permanent(errors.New("never")) })
		if err := s.Run(ctx, sink); !errors.Is(err, context.Canceled) {
			t.Errorf("Run returns %v", err)
		}
		began := time.Now()
		done := running(t, s, sink)
		synctest.Wait()
		if calls != 2 || time.Since(began) != 0 {
			t.Errorf("%d dead letters after %v", calls, time.Since(began))
		}
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// What a Conversation has taken over behind a gap, and handles after Deliver has returned, is a
// dead letter too.
func TestSessionDeadLetterBehindAGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		letters := deadLetters{errs: []error{errors.New("the table is locked")}}
		s := saying(t, []string{successEvent, textFrame("CON-1", 1), textFrame("CON-1", 3), textFrame("CON-1", 4)}, nexmo.WithDeadLetter(letters.take))
		c := nexmo.NewConversation("CON-1")
		defer c.Close() //nolint:errcheck // nothing is held back
		var got []nexmo.EventID
		c.On("text", func(_ context.Context, e *nexmo.Event) error {
			got = append(got, e.ID)
			switch e.ID {
			case 3:
				return nexmo.Permanent(errors.New("never"))
			case 4:
				return errors.New("not now")
			}
			return nil
		})
		running(t, s, c)
		time.Sleep(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]nexmo.EventID{1, 3, 4, 3}, got); diff != "" {
			t.Errorf("handled (-want +got):\n%s", diff)
		}
		if all := letters.all(); len(all) != 2 || all[0].EventID != 3 || all[1].EventID != 3 {
			t.Errorf("dead letters: %v", all)
		}
	})
}

// A frame that is authentic and cannot be read is not dropped in silence.
func TestSessionKeepsWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 520) + strings.Repeat("]", 520)
	missed := func(list string) string {
		return `420["session:success",{"body":{"id":"SES-1","user_id":"USR-1","name":"alice","pending_events":` + list + `}}]`
	}
	tests := map[string]struct {
		packets []string
		want    nexmo.DeadLetter // without Via and Err
	}{
		"half of an object": {
			[]string{successEvent, `42["text",{"id":3,"cid":"CON-1","body"}]`},
			nexmo.DeadLetter{ConversationID: "CON-1", EventID: 3, Type: "text", Raw: `["text",{"id":3,"cid":"CON-1","body"}]`},
		},
		"a text": {
			[]string{successEvent, `42["text","{\"id\":3,\"cid\":\"CON-1\",\"bo"]`},
			nexmo.DeadLetter{ConversationID: "CON-1", EventID: 3, Type: "text", Raw: `["text","{\"id\":3,\"cid\":\"CON-1\",\"bo"]`},
		},
		"nested too deep": {
			[]string{successEvent, `42["custom:a",{"cid":"CON-1","id":3,"body":` + deep + `}]`},
			nexmo.DeadLetter{
				ConversationID: "CON-1", EventID: 3, Type: "custom:a",
				Raw: nexmo.Raw(`{"type":"custom:a","conversation_id":"CON-1","cid":"CON-1","id":3,"body":` + deep + `}`),
			},
		},
		"nothing": {
			[]string{successEvent, `42["text"]`}, nexmo.DeadLetter{Type: "text", Raw: `["text",]`},
		},
		"a missed one that is a text": {
			[]string{missed(`["{\"type\":\"text\",\"id\":\"3\",\"conversation_id\":\"CON-1\",\"bo"]`)},
			nexmo.DeadLetter{ConversationID: "CON-1", EventID: 3, Type: "text", Raw: `"{\"type\":\"text\",\"id\":\"3\",\"conversation_id\":\"CON-1\",\"bo"`},
		},
		"a missed one without a type": {
			[]string{missed(`[{"id":3,"cid":"CON-1"}]`)}, nexmo.DeadLetter{ConversationID: "CON-1", EventID: 3, Raw: `{"id":3,"cid":"CON-1"}`},
		},
		"a missed one that is broken": {
			[]string{missed(`[{"type":"text","id":3,"cid":"CON-1","body":{"text":}}]`)},
			nexmo.DeadLetter{ConversationID: "CON-1", EventID: 3, Type: "text", Raw: `{"type":"text","id":3,"cid":"CON-1","body":{"text":}}`},
		},
		"a missed one that is nested too deep": {
			[]string{missed(`[{"type":"custom:a","body":` + deep + `}]`)}, nexmo.DeadLetter{Type: "custom:a", Raw: nexmo.Raw(`{"type":"custom:a","body":` + deep + `}`)},
		},
		"missed ones that are cut":    {[]string{missed(`"[{\"type\":\"te"`)}, nexmo.DeadLetter{Raw: `"[{\"type\":\"te"`}},
		"missed ones that are a hash": {[]string{missed(`{"events":[]}`)}, nexmo.DeadLetter{Raw: `{"events":[]}`}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				packets := append(slices.Clone(tt.packets), textFrame("CON-9", 9))
				letters := deadLetters{errs: []error{errors.New("the table is locked")}}
				s := saying(t, packets, nexmo.WithDeadLetter(letters.take))
				var sink collected
				done := running(t, s, &sink)
				time.Sleep(time.Hour)
				synctest.Wait()
				_ = s.Close()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if got := sink.take(); len(got) != 1 || got[0].ID != 9 {
					t.Errorf("delivered: %v", got)
				}
				got := letters.all()
				if len(got) != 2 { // it was not safe at once
					t.Fatalf("%d dead letters: %v", len(got), got)
				}
				if got[1].Err == nil || strings.Contains(got[1].Err.Error(), "CON-1") {
					t.Errorf("it is one because of %v", got[1].Err)
				}
				got[1].Err, tt.want.Via = nil, nexmo.ViaSession
				if diff := cmp.Diff(tt.want, got[1]); diff != "" {
					t.Errorf("the dead letter (-want +got):\n%s", diff)
				}
			})
			synctest.Test(t, func(t *testing.T) {
				var log hookLog
				s := saying(t, tt.packets, nexmo.WithLogger(log.logger()))
				synctest.Wait() // nobody runs it
				_ = s.Close()
				if got := log.String(); strings.Count(got, "level=ERROR") != 1 || !strings.Contains(got, "cannot be read") || !strings.Contains(got, "WithDeadLetter") {
					t.Errorf("the log says %s", got)
				}
			})
		})
	}
}

// What the session missed goes through the same filter as frames: what is not an event of a
// conversation reaches no sink, and one that is broken costs neither the others nor the session.
func TestSessionFiltersWhatItMissed(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		list string
		want []nexmo.EventID
	}{
		"all kinds": {
			`[{"type":"text","id":1,"cid":"CON-1"}, {"type":"session:terminated","id":2}, {"type":"echo","id":3},` +
				`{"type":"system:error:expired-token","id":4},{"type":"user:error:invalid-user","id":5},{},{"type":"text","id":6,"cid":"CON-1"} ,["text",{"id":7,"cid":"CON-1"}]]`,
			[]nexmo.EventID{1, 6, 7},
		},
		"one that is broken": {`[{"type":"text","id":1},{"a":}, {"type":"text","id":2}]`, []nexmo.EventID{1, 2}},
		"none":               {`[ ]`, []nexmo.EventID{}},
		"null":               {`null`, []nexmo.EventID{}},
		"an empty object":    {`{}`, []nexmo.EventID{}},
		"an empty text":      {`""`, []nexmo.EventID{}},
		"false":              {`false`, []nexmo.EventID{}},
		"one, blanks":        {" [\n{\"type\":\"text\",\"id\":1}\t] ", []nexmo.EventID{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var letters deadLetters
				s := saying(t, []string{`420["session:success",{"body":{"\u0069d":"SES-1","pending_events":` + tt.list + `,"name":"alice","user_id":"USR-1"}}]`},
					nexmo.WithDeadLetter(letters.take))
				told := statesOf(s)
				var sink collected
				done := running(t, s, &sink)
				synctest.Wait()
				if s.ID() != "SES-1" || s.Me() != (nexmo.User{ID: "USR-1", Name: "alice"}) {
					t.Errorf("the session is %s of %v", s.ID(), s.Me())
				}
				_ = s.Close()
				if err := <-done; err != nil {
					t.Error(err)
				}
				told.expect(t, nexmo.SessionStateClosed)
				got := []nexmo.EventID{}
				for _, e := range sink.take() {
					got = append(got, e.ID)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("delivered (-want +got):\n%s", diff)
				}
				want := 0
				if name == "all kinds" || name == "one that is broken" {
					want = 1
				}
				if got := letters.all(); len(got) != want {
					t.Errorf("%d dead letters, want %d: %v", len(got), want, got)
				}
			})
		})
	}
}
