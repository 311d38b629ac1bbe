package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// start runs the simulator until the test ends, and returns its first line, and
// the others.
func start(t *testing.T, args ...string) (description, *bufio.Scanner) {
	t.Helper()
	read, write := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, write, io.Discard)
		_ = write.Close()
	}()
	t.Cleanup(func() {
		cancel()
		_, _ = io.Copy(io.Discard, read)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	lines := bufio.NewScanner(read)
	if !lines.Scan() {
		t.Fatal(lines.Err())
	}
	var d description
	decoder := json.NewDecoder(strings.NewReader(lines.Text()))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatalf("%v: %s", err, lines.Text())
	}
	return d, lines
}

func TestSimulator(t *testing.T) {
	t.Parallel()
	events := make(chan *nexmo.Event, 10)
	webhook := httptest.NewServer(&nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"secret"}},
		Sink: nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			events <- e
			return nil
		}),
	})
	t.Cleanup(webhook.Close)
	d, lines := start(t, "-event-url", webhook.URL, "-signature-secret", "secret", "-application-id", "app")
	if d.SignatureSecret != "secret" || d.ApplicationID != "app" || d.EventURL != webhook.URL || "http"+strings.TrimPrefix(d.WebsocketURL, "ws") != d.APIURL {
		t.Errorf("%+v", d)
	}
	var names []string
	for name, token := range d.Tokens {
		client, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return token, nil }), nexmo.WithBaseURL(d.APIURL))
		if err != nil {
			t.Fatal(err)
		}
		u, err := client.UserInfo(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, u.Name)
		if name != "alice" {
			continue
		}
		c, err := client.CreateConversation(t.Context(), nexmo.ConversationParams{})
		if err != nil {
			t.Fatal(err)
		}
		if e := <-events; e.Type != nexmo.EventConversationCreated {
			t.Errorf("%s of %s", e.Type, c.ID)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"alice", "bob"}, names); diff != "" {
		t.Errorf("users (-want +got):\n%s", diff)
	}
	for lines.Scan() {
		for name, token := range d.Tokens {
			if strings.Contains(lines.Text(), token) || strings.Contains(lines.Text(), "secret") {
				t.Errorf("the log tells the token of %s or the secret: %s", name, lines.Text())
			}
		}
		if strings.Contains(lines.Text(), "webhook") && strings.Contains(lines.Text(), "conversation:created") {
			return
		}
	}
	t.Error("the log does not tell of the webhook")
}

func TestPorts(t *testing.T) {
	t.Parallel()
	free := httptest.NewServer(http.NotFoundHandler())
	_, port, _ := strings.Cut(strings.TrimPrefix(free.URL, "http://"), ":")
	free.Close()
	d, _ := start(t, "-ws-port", port)
	if d.WebsocketURL != "ws://127.0.0.1:"+port || strings.HasSuffix(d.APIURL, ":"+port) {
		t.Errorf("%+v", d)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	taken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(taken.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(taken.URL, "http://"), ":")
	for _, test := range []struct{ arguments, want string }{
		{"-port " + port, "-port: listen tcp 127.0.0.1:" + port},
		{"-ws-port " + port, "-ws-port: listen tcp 127.0.0.1:" + port},
		{"-port x", `"x" for flag -port`},
		{"-port 65536", "-port: listen tcp: address 65536: invalid port"},
		{"-nonsense", "-nonsense"},
		{"nonsense", `"nonsense" is no flag`},
		{"-event-url localhost:8080", "-event-url: it must begin with http://"},
	} {
		if err := run(t.Context(), strings.Fields(test.arguments), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %s", test.arguments, err, test.want)
		}
	}
}
