// Webhook receives the events of an application at its rtc event_url and logs
// them. It verifies their signatures, answers when an event has been handled, and
// finishes what is under way when it is told to stop.
//
//	NEXMO_SIGNATURE_SECRET=… go run ./examples/webhook -addr :8080
//
// Then give the address, at https, as the rtc event_url of the application.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/conversation-events/nexmo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "webhook:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signals
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("webhook", flag.ContinueOnError)
	flags.SetOutput(out)
	addr := flags.String("addr", "localhost:8080", "where to listen")
	path := flags.String("path", "/events", "the path of the event_url")
	unsigned := flags.Bool("allow-unsigned", false, "accept events from anybody, for an application whose callbacks are not signed")
	if err := flags.Parse(args); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(out, nil))

	app := nexmo.NewApplication("", nexmo.WithLogger(log))
	listen(app, log)
	webhook := &nexmo.WebhookHandler{Sink: app, Logger: log, RetryUnsigned: true, AllowUnsigned: *unsigned}
	// Several secrets, newest first, while the secret is being changed.
	if secrets := strings.Fields(getenv("NEXMO_SIGNATURE_SECRET")); len(secrets) > 0 {
		webhook.Verifier = &nexmo.Verifier{Secrets: secrets}
	} else if !*unsigned {
		return errors.New("set NEXMO_SIGNATURE_SECRET to the signature secret of the account")
	}

	mux := http.NewServeMux()
	mux.Handle(*path, webhook)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	log.Info("listening", "url", "http://"+listener.Addr().String()+*path)

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	log.Info("stopping: events that come now are sent again later")
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	return errors.Join(webhook.Drain(last), app.Close(), server.Shutdown(last))
}

// listen registers the handlers: here, one that logs every event.
func listen(app *nexmo.Application, log *slog.Logger) {
	app.On("*", func(ctx context.Context, e *nexmo.Event) error {
		log.InfoContext(ctx, string(e.Type), "conversation_id", e.ConversationID, "event_id", int64(e.ID), "from", e.From)
		return nil
	})
	app.OnConversation(func(c *nexmo.Conversation) {
		nexmo.On(c, func(ctx context.Context, e *nexmo.Event, b *nexmo.AudioDTMF) error {
			member, _ := c.Member(e.From)
			log.InfoContext(ctx, "a key was pressed", "conversation_id", c.ID(), "member", member.UserName, "digits", b.Digits)
			return nil
		})
	})
}
