// Replay posts a recorded phone call, signed, to a webhook on this machine, and the
// handlers of an application tell what happens in it. The recording is what the
// service posted: out of order, with one event twice and one missing.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func main() {
	file := flag.String("file", "testdata/call.jsonl", "the recording: one event on each line")
	flag.Parse()
	if err := run(context.Background(), *file, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, out io.Writer) error {
	recording, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w (run it from the top of the repository, or say -file)", err)
	}
	s := &story{out: out}
	app := nexmo.NewApplication("",
		nexmo.WithReorderWindow(8, 2*time.Second),
		nexmo.WithLogger(slog.New(s)))
	s.listen(app)

	arrived := make(chan struct{})
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{secret}},
		Sink: nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			select {
			case arrived <- struct{}{}:
				return app.Deliver(ctx, e)
			case <-ctx.Done():
				return ctx.Err()
			}
		}),
	}
	server := httptest.NewServer(webhook)
	defer server.Close()

	// An event that comes before its turn is answered when its turn has come, so
	// the service does not wait for one answer before it posts the next event. One
	// without an ID has no turn, and one that comes again comes much later: by then
	// everything before it has been answered.
	var posts sync.WaitGroup
	failed := make(chan error, 1)
	posted := map[nexmo.EventID]bool{0: true}
	for line := range bytes.Lines(recording) {
		line = bytes.TrimSpace(line)
		e, err := nexmo.ParseEvent(line)
		if err != nil {
			return err
		}
		if posted[e.ID] {
			posts.Wait()
		}
		posted[e.ID] = true
		posts.Go(func() {
			if err := post(ctx, server, line); err != nil {
				select {
				case failed <- err:
				default: // the first will do
				}
			}
		})
		select {
		case <-arrived:
		case err := <-failed:
			return err
		}
		if e.ID == 0 {
			posts.Wait()
		}
	}
	posts.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	if err := webhook.Drain(ctx); err != nil {
		return err
	}
	return app.Close()
}

// secret is the signature secret that the service and the webhook share.
const secret = "a secret that only the two of them know"

// post sends one event as the service does.
func post(ctx context.Context, server *httptest.Server, body []byte) error {
	r := nexmotest.SignedRequest(secret, body).WithContext(ctx)
	var err error
	if r.URL, err = url.Parse(server.URL); err != nil {
		return err
	}
	answer, err := server.Client().Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the webhook answered %s", answer.Status)
	}
	return nil
}

// story tells on out what the handlers hear.
type story struct {
	mu    sync.Mutex // the log and the handlers write at the same time
	out   io.Writer
	began time.Time
}

// listen registers the handlers: one for what happens before there is a
// conversation, the others for each conversation as it appears.
func (s *story) listen(app *nexmo.Application) {
	nexmo.On(app, func(_ context.Context, e *nexmo.Event, b *nexmo.AppKnocking) error {
		s.tell(e, "%s is calling %s", b.Channel.From.Number, b.Channel.To.Number)
		return nil
	})
	app.OnConversation(func(c *nexmo.Conversation) {
		c.On("member:joined", func(_ context.Context, e *nexmo.Event) error {
			m, _ := c.Member(e.MemberID())
			s.tell(e, "%s joined by %s", name(m), m.Channel.Type)
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.MemberLeft) error {
			m, _ := c.Member(e.MemberID())
			s.tell(e, "%s left: %s", name(m), b.Reason.Text)
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioSay) error {
			s.tell(e, "the voice says %q", b.Text)
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioDTMF) error {
			m, _ := c.Member(e.From)
			s.tell(e, "%s pressed %s", name(m), b.Digits)
			return nil
		})
		muted := func(_ context.Context, e *nexmo.Event) error {
			m, _ := c.Member(e.To)
			s.tell(e, "%s is muted: %s", name(m), m.Media.AudioSettings.Muted)
			return nil
		}
		c.On("audio:mute:on", muted)
		c.On("audio:mute:off", muted)
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioRecordDone) error {
			s.tell(e, "recorded %s of %s, %d bytes", b.EndTime.Sub(b.StartTime), b.Format, b.Size)
			return nil
		})
		nexmo.OnCustom(c, "order-update", func(_ context.Context, e *nexmo.Event, o *order) error {
			s.tell(e, "order %s (%s) is %s", o.Order, o.Bike, o.State)
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.SIPStatus) error {
			s.tell(e, "the call took %s and cost %s", b.Duration, b.Price)
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, _ *nexmo.ConversationDeleted) error {
			s.tell(e, "the conversation is over: %s", c.Info().DeleteReason)
			for m := range c.Members() {
				s.tell(e, "  %s is %s", name(m), strings.ToLower(string(m.State)))
			}
			return nil
		})
	})
}

// order is the body of the application's own event, custom:order-update.
type order struct {
	Order string `json:"order"`
	Bike  string `json:"bike"`
	State string `json:"state"`
}

// tell prints a line with the time into the call.
func (s *story) tell(e *nexmo.Event, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.began.IsZero() {
		s.began = e.Timestamp
	}
	at := e.Timestamp.Sub(s.began).Round(time.Second)
	fmt.Fprintf(s.out, "%4s  %s\n", at, fmt.Sprintf(format, args...))
}

// name is what to call a member: the caller has no name but a number.
func name(m nexmo.Member) string {
	switch {
	case m.DisplayName != "":
		return m.DisplayName
	case m.Channel != nil && m.Channel.From != nil:
		return m.Channel.From.Number
	default:
		return m.ID
	}
}

// Handle makes the story a slog.Handler: what the application has to log, such
// as a duplicate that it dropped, is a line of the story.
func (s *story) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.out, "   !  %s:", strings.TrimPrefix(r.Message, "nexmo: "))
	r.Attrs(func(a slog.Attr) bool {
		if a.Key != "conversation_id" {
			fmt.Fprintf(s.out, " %s=%v", a.Key, a.Value)
		}
		return true
	})
	fmt.Fprintln(s.out)
	return nil
}

// Enabled has even duplicates told, which are logged at the level of debug.
func (s *story) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs is part of slog.Handler.
func (s *story) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup is part of slog.Handler.
func (s *story) WithGroup(string) slog.Handler { return s }
