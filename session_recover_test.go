package nexmo_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// If the first events of a conversation cannot be read, the next one does not move its
// baseline: the events since the session began are fetched, and handled first. So do
// those that the session missed, one of them or the list of them.
func TestSessionFirstEventsThatCannotBeRead(t *testing.T) {
	t.Parallel()
	text := func(server *nexmotest.Server, conversation, member string, n int) {
		for range n {
			server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(member))
		}
	}
	// Of those, none is from before the session: the conversation begins with it.
	tests := map[string]struct {
		disturb func(server *nexmotest.Server, conversation, alice string)
		want    []nexmo.EventID // of 7, the first of which alice does not get
	}{
		"none": {func(server *nexmotest.Server, conversation, alice string) {
			text(server, conversation, alice, 6)
		}, from1(7)},
		"live frames": {func(server *nexmotest.Server, conversation, alice string) {
			server.Faults().Frames("alice", nexmotest.Truncated(), 3, "text")
			text(server, conversation, alice, 6)
		}, from1(7)},
		"some that were missed": {func(server *nexmotest.Server, conversation, alice string) {
			server.Faults().CutSessions("alice")
			server.Faults().Frames("alice", nexmotest.Truncated(), 3, "text")
			text(server, conversation, alice, 6)
		}, from1(7)},
		"the list of what was missed": {func(server *nexmotest.Server, conversation, alice string) {
			server.Faults().CutMissed("alice", 1)
			server.Faults().CutSessions("alice")
			text(server, conversation, alice, 4)
			time.Sleep(time.Minute) // it is resumed, and its list was cut
			text(server, conversation, alice, 2)
		}, from1(7)},
	}
	for name, tt := range tests {
		for _, kept := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", kept: ", kept), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					server := nexmotest.NewServer(t, nexmotest.InMemory())
					var letters deadLetters
					opts := []nexmo.SessionOption{}
					if kept {
						opts = append(opts, nexmo.WithDeadLetter(letters.take))
					}
					s := dial(t, server, userTokens(t, server, "alice", time.Hour), opts...)
					app := nexmo.NewApplication("", nexmo.WithClient(server.Client()))
					defer app.Close() //nolint:errcheck // nothing is held back
					var got []nexmo.EventID
					app.On("*", func(_ context.Context, e *nexmo.Event) error {
						got = append(got, e.ID)
						return nil
					})
					conversation := server.CreateConversation("")
					server.Faults().Frames("alice", nexmotest.Truncated(), 1, "member:joined")
					alice := server.Join(conversation, "alice")
					if name == "none" {
						server.Faults().Clear()
					}
					tt.disturb(server, conversation, alice)
					time.Sleep(time.Minute)
					synctest.Wait()
					done := running(t, s, app)
					time.Sleep(time.Minute)
					synctest.Wait()
					_ = s.Close()
					if err := <-done; err != nil {
						t.Error(err)
					}
					if diff := cmp.Diff(tt.want, got); diff != "" {
						t.Errorf("handled (-want +got):\n%s", diff)
					}
					if kept && len(letters.all()) == 0 {
						t.Error("there are no dead letters")
					}
				})
			})
		}
	}
}

// What is from before the session is not fetched: it was not lost.
func TestSessionFetchesNothingFromBefore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		tokens := userTokens(t, server, "alice", time.Hour)
		conversation, other := server.CreateConversation(""), server.CreateConversation("")
		alice, of := server.Join(conversation, "alice"), server.Join(other, "alice")
		emit := func(n int, conversation, member string) {
			for range n {
				server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(member))
			}
		}
		emit(5, conversation, alice) // 2 to 6
		emit(1, other, of)
		time.Sleep(time.Minute)
		synctest.Wait()
		s := dial(t, server, tokens)
		server.Faults().Frames("alice", nexmotest.Truncated(), 3, "text")
		emit(3, conversation, alice) // 7 to 9 cannot be read
		emit(2, conversation, alice) // 10 and 11 can
		time.Sleep(time.Minute)
		synctest.Wait()
		emit(1, other, of) // 3: of another conversation, when all is well again
		var sink collected
		done := running(t, s, &sink)
		synctest.Wait()
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		got := map[string][]nexmo.EventID{}
		for _, e := range sink.take() {
			got[e.ConversationID] = append(got[e.ConversationID], e.ID)
		}
		want := map[string][]nexmo.EventID{conversation: {7, 8, 9, 10, 11}, other: {3}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

// No more is fetched than was lost, where it is not known when the session began.
func TestSessionFetchesNoMoreThanWasLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		tokens := userTokens(t, server, "alice", time.Hour)
		conversation := server.CreateConversation("")
		alice := server.Join(conversation, "alice")
		emit := func(n int) {
			for range n {
				server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
			}
		}
		first := dial(t, server, tokens)
		emit(3) // 2 to 4, which the first one takes
		synctest.Wait()
		_ = first.Close()
		server.Faults().Frames("alice", nexmotest.Truncated(), 2, "text")
		emit(4) // of 5 to 8, 5 and 6 cannot be read
		s := dial(t, server, tokens, nexmo.WithResume(first.ID()))
		var sink collected
		done := running(t, s, &sink)
		synctest.Wait()
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var got []nexmo.EventID
		for _, e := range sink.take() {
			got = append(got, e.ID)
		}
		if diff := cmp.Diff([]nexmo.EventID{5, 6, 7, 8}, got); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

// A service that does not answer, or refuses, holds up the events for less than a second.
func TestSessionDoesNotWaitForWhatIsLost(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]nexmotest.RequestFault{"slow": nexmotest.SlowBody(time.Minute), "refused": nexmotest.InternalError()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log hookLog
				server := nexmotest.NewServer(t, nexmotest.InMemory())
				s := dial(t, server, userTokens(t, server, "alice", time.Hour), nexmo.WithLogger(log.logger()))
				server.Faults().Requests(fault, 0, "GET /v1/conversations/*/events")
				server.Faults().Frames("alice", nexmotest.Truncated(), 1, "member:joined")
				conversation := server.CreateConversation("")
				alice := server.Join(conversation, "alice")
				server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
				server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
				server.Join(server.CreateConversation(""), "alice") // nothing is in front of the first of all
				synctest.Wait()
				var got []nexmo.EventID
				began := time.Now()
				var took time.Duration
				done := running(t, s, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
					got = append(got, e.ID)
					took = time.Since(began)
					return nil
				}))
				time.Sleep(time.Minute)
				synctest.Wait()
				synctest.Wait()
				_ = s.Close()
				if err := <-done; err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff([]nexmo.EventID{2, 3, 1}, got); diff != "" || took > 800*time.Millisecond {
					t.Errorf("delivered after %v (-want +got):\n%s", took, diff)
				}
				if !strings.Contains(log.String(), "could not be fetched") {
					t.Errorf("the log says %s", log.String())
				}
			})
		})
	}
}
