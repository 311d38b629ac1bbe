package nexmo_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// slowHandler runs for a minute.
func slowHandler(context.Context, *nexmo.Event) error { time.Sleep(time.Minute); return nil }

// A handler that runs longer than 5 seconds is named, then at each doubling. Many that are
// quick are not.
func TestSlowHandlersAreNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logged := new(hookLog)
		c := nexmo.NewConversation(conA, nexmo.WithLogger(logged.logger()))
		c.On(nexmo.EventText, func(context.Context, *nexmo.Event) error { return nil })
		c.On(nexmo.EventText, func(context.Context, *nexmo.Event) error { time.Sleep(4 * time.Second); return nil })
		for id := range nexmo.EventID(20) {
			mustDeliver(t, c, id+1)
		}
		if got := logged.String(); got != "" {
			t.Errorf("quick handlers were logged: %s", got)
		}
		c.On(nexmo.EventTextTypingOn, slowHandler)
		began := time.Now()
		checkError(t, c.Deliver(t.Context(), typingBy("x")), nil)
		lines := strings.Split(strings.TrimSpace(logged.String()), "\n")
		if len(lines) != 4 {
			t.Fatalf("%d lines in a minute, want 4, after 5, 10, 20 and 40 s: %q", len(lines), lines)
		}
		for i, line := range lines {
			for _, part := range []string{"level=WARN", "has been running for long", "slowHandler", "conversation_id=CON-A", "event_type=text:typing:on", []string{"running=5s", "running=10s", "running=20s", "running=40s"}[i]} {
				if !strings.Contains(line, part) {
					t.Errorf("no %s in %q", part, line)
				}
			}
		}
		if got := time.Since(began); got != time.Minute {
			t.Errorf("Deliver took %v", got)
		}
		time.Sleep(time.Hour)
		mustDeliver(t, c, 21)
		checkError(t, c.Close(), nil)
	})
}

// A handler that delivers to its own conversation with another ctx than its own waits for
// itself, which the log says.
func TestHandlersThatWaitForThemselvesAreNamed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		logged := new(hookLog)
		c := nexmo.NewConversation(conA, nexmo.WithLogger(logged.logger()))
		c.On(nexmo.EventText, func(_ context.Context, e *nexmo.Event) error {
			if e.ID > 1 {
				return nil
			}
			ctx, cancel := context.WithTimeout(context.Background(), 9*time.Second)
			defer cancel()
			return c.Deliver(ctx, numbered(2))
		})
		checkError(t, c.Deliver(t.Context(), numbered(1)), context.DeadlineExceeded)
		if got := logged.String(); strings.Count(got, "waits for itself") != 1 || !strings.Contains(got, "TestHandlersThatWaitForThemselvesAreNamed") {
			t.Errorf("the log says %q", got)
		}

		// One that others wait for does not wait for itself.
		logged = new(hookLog)
		d := nexmo.NewConversation(conA, nexmo.WithLogger(slog.New(logged.logger().Handler())))
		d.On(nexmo.EventTextTypingOn, slowHandler)
		busy := beginDeliver(t.Context(), d, typingBy("x"))
		synctest.Wait()
		other := beginDeliver(t.Context(), d, numbered(1))
		time.Sleep(time.Minute)
		busy.returns(t, nil)
		other.returns(t, nil)
		if got := logged.String(); strings.Contains(got, "waits for itself") || !strings.Contains(got, "waiting=1") {
			t.Errorf("the log says %q", got)
		}
	})
}
