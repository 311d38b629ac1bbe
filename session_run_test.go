package nexmo_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A handler that does not return holds up neither acknowledgements nor pongs, and
// nothing is lost when more waits than there is room for.
func TestSessionSlowHandler(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events, room = 100, 10
		server := nexmotest.NewServer(t, nexmotest.InMemory(), nexmotest.WithPings(time.Second, time.Second))
		s := dial(t, server, userTokens(t, server, "alice", time.Hour), nexmo.WithSessionQueue(room))
		conversation := server.CreateConversation("")
		told := statesOf(s)
		release := make(chan struct{})
		record := newTranscript(events + 1)
		c := nexmo.NewConversation(conversation)
		c.On("*", func(ctx context.Context, e *nexmo.Event) error {
			<-release
			return record.handle(ctx, e)
		})
		done := running(t, s, c)
		alice := server.Join(conversation, "alice")
		for range 5 {
			server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
		}
		synctest.Wait()
		if n := len(server.Acks()); n != 1+1+5 {
			t.Errorf("%d frames are acknowledged while a handler is busy, want 7", n)
		}
		time.Sleep(time.Minute) // of pings
		if n := len(server.Logins()); n != 1 {
			t.Errorf("there are %d logins: the connection was lost", n)
		}
		for range events - 5 {
			server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
		}
		told.expect(t, nexmo.SessionStateDisconnected)
		time.Sleep(time.Minute)
		if n := len(server.Logins()); n != 1 {
			t.Errorf("the session is resumed before there is room: %d logins", n)
		}
		if n := len(server.Acks()); n != 1+room {
			t.Errorf("%d frames are acknowledged with room for %d", n, room)
		}
		close(release)
		record.wait(t)
		told.expect(t, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected)
		first := int(record.all()[0])
		if diff := cmp.Diff(from1(first + events)[first-1:], record.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// An error of the sink, or a panic, is logged, and the session goes on; the event on which the
// context has ended is delivered by the next Run.
func TestSessionRunErrors(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	server := nexmotest.NewServer(t)
	conversation := server.CreateConversation("")
	alice := server.Join(conversation, "alice")
	s := dial(t, server, userTokens(t, server, "alice", 0), nexmo.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	for range 3 {
		server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var got []nexmo.EventID
	err := s.Run(ctx, nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
		got = append(got, e.ID)
		if len(got) == 2 {
			cancel()
			return ctx.Err()
		}
		return errors.New("own error")
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returns %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	err = s.Run(ctx, nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
		if got = append(got, e.ID); len(got) == 4 {
			cancel()
			return nil
		}
		panic("own panic")
	}))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returns %v", err)
	}
	if err := s.Run(t.Context(), nil); err == nil {
		t.Error("Run needs no Sink")
	}
	first := got[0]
	if diff := cmp.Diff([]nexmo.EventID{first, first + 1, first + 1, first + 2}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	_ = s.Close()
	if !strings.Contains(log.String(), "own error") || !strings.Contains(log.String(), "own panic") || !strings.Contains(log.String(), "event_type=text") {
		t.Errorf("logged: %s", log.String())
	}
}

// When the session is over Run returns, although events are held back behind one that
// only the next session brings.
func TestSessionRunGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const second = `["text",{"id":2,"cid":"CON-1","body":{"text":"x"}}]`
		end := make(chan struct{})
		opts := scriptedService(t, func(n int, _ *http.Request, say func(...string), read func(n int) []string) {
			say(openPacket, letIn, successEvent)
			if n == 2 {
				say("42" + second)
				read(10)
				return
			}
			say(`421["text",{"id":1,"cid":"CON-1","body":{"text":"x"}}]`, `423["text",{"id":3,"cid":"CON-1","body":{"text":"x"}}]`)
			<-end
			say("41")
			read(10)
		})
		record := newTranscript(3)
		c := nexmo.NewConversation("CON-1", nexmo.WithReorderWindow(10, time.Hour))
		defer c.Close() //nolint:errcheck // nothing is held back
		c.On("text", record.handle)
		for _, want := range []error{nexmo.ErrSessionDisconnected, nil} {
			s, err := nexmo.Dial(t.Context(), anyToken, append(opts, nexmo.WithResume("SES-1"))...)
			if err != nil {
				t.Fatal(err)
			}
			done := running(t, s, c)
			synctest.Wait()
			if want != nil {
				close(end)
			} else {
				_ = s.Close()
			}
			synctest.Wait()
			select {
			case err := <-done:
				if !errors.Is(err, want) {
					t.Errorf("Run returns %v", err)
				}
			default:
				t.Error("Run waits for what is missing")
			}
		}
		if diff := cmp.Diff(from1(3), record.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// After the connection was given up for want of room, the next attempt takes its time
// as any other does.
func TestSessionRoomDelay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const events, room = 50, 5
		server := nexmotest.NewServer(t, nexmotest.InMemory())
		s := dial(t, server, userTokens(t, server, "alice", time.Hour), nexmo.WithSessionQueue(room))
		told := statesOf(s)
		conversation := server.CreateConversation("")
		alice := server.Join(conversation, "alice")
		record := newTranscript(events + 1)
		done := running(t, s, nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			time.Sleep(time.Millisecond)
			return record.handle(ctx, e)
		}))
		for range events {
			server.Emit(conversation, &nexmo.Text{Text: "x"}, nexmotest.From(alice))
		}
		told.expect(t, nexmo.SessionStateDisconnected)
		start := time.Now()
		told.expect(t, nexmo.SessionStateReconnecting)
		if d := time.Since(start); d < 500*time.Millisecond || d > 3500*time.Millisecond {
			t.Errorf("the next attempt came after %v", d)
		}
		record.wait(t)
		_ = s.Close()
		if err := <-done; err != nil {
			t.Errorf("Run returns %v", err)
		}
	})
}
