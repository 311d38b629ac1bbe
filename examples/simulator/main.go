// Simulator runs a Conversation service on this machine, for a program in any
// language to be tried against: REST, realtime sessions and signed webhooks.
//
//	go run ./examples/simulator -port 8081 -event-url http://localhost:8080/events
//
// The first line that it prints is a JSON object that says where everything is,
// with tokens of two users, alice and bob. It logs what happens until it is told
// to stop.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ignoreReaders()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1) //nolint:gocritic // stop only restores the signals
	}
}

// description is the first line.
type description struct {
	APIURL          string            `json:"api_url"`
	WebsocketURL    string            `json:"ws_url"`
	ApplicationID   string            `json:"application_id"`
	SignatureSecret string            `json:"signature_secret"`
	EventURL        string            `json:"event_url"`
	Tokens          map[string]string `json:"tokens"`
}

// tokenLife is how long the tokens of the users are good.
const tokenLife = 24 * time.Hour

func run(ctx context.Context, args []string, out, complaints io.Writer) error {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(complaints)
	host := flags.String("host", "127.0.0.1", "where to listen")
	port := flags.Int("port", 0, "the port of the REST API; one that is free if 0")
	wsPort := flags.Int("ws-port", 0, "the port of realtime sessions; that of the REST API if 0")
	eventURL := flags.String("event-url", "", "where webhooks are sent; nowhere if empty")
	secret := flags.String("signature-secret", "", "what webhooks are signed with; made up if empty")
	applicationID := flags.String("application-id", "", "the ID of the application; made up if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag", flags.Arg(0))
	}
	if u, err := url.Parse(*eventURL); *eventURL != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		return errors.New("-event-url: it must begin with http:// or https://, and a host")
	}
	log := newLog(out)
	opts := []nexmotest.Option{
		nexmotest.WithEventURL(*eventURL),
		nexmotest.WithLogger(slog.New(slog.NewTextHandler(log, nil))),
	}
	listener, err := listen(ctx, *host, *port)
	if err != nil {
		return fmt.Errorf("-port: %w", err)
	}
	opts = append(opts, nexmotest.WithListener(listener))
	if *wsPort != 0 && *wsPort != *port {
		sessions, err := listen(ctx, *host, *wsPort)
		if err != nil {
			_ = listener.Close()
			return fmt.Errorf("-ws-port: %w", err)
		}
		opts = append(opts, nexmotest.WithSessionListener(sessions))
	}
	if *secret != "" {
		opts = append(opts, nexmotest.WithSignatureSecret(*secret))
	}
	if *applicationID != "" {
		opts = append(opts, nexmotest.WithApplicationID(*applicationID))
	}
	server := nexmotest.NewServer(nil, opts...)
	defer server.Close()
	if err := describe(server, out); err != nil {
		return err
	}
	log.start()
	defer log.stop()
	<-ctx.Done()
	server.Close() // before the log
	return nil
}

func listen(ctx context.Context, host string, port int) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
}

// describe makes the users and prints the first line.
func describe(server *nexmotest.Server, out io.Writer) error {
	d := description{
		APIURL: server.URL(), WebsocketURL: server.WebsocketURL(), ApplicationID: server.ApplicationID(),
		SignatureSecret: server.SignatureSecret(), EventURL: server.EventURL(), Tokens: map[string]string{},
	}
	credentials, err := nexmo.NewCredentials(server.ApplicationID(), server.PrivateKey())
	if err != nil {
		return err
	}
	for _, name := range []string{"alice", "bob"} {
		server.CreateUser(name)
		if d.Tokens[name], err = credentials.UserToken(name, tokenLife, nexmo.ClientACL()); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(d)
}
