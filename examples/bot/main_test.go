package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// output is what the program prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func TestRun(t *testing.T) {
	t.Parallel()
	server := nexmotest.NewServer(t, nexmotest.WithPatience(time.Minute))
	key := filepath.Join(t.TempDir(), "private.key")
	if err := os.WriteFile(key, server.PrivateKey(), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"NEXMO_APPLICATION_ID": server.ApplicationID(), "NEXMO_PRIVATE_KEY": key, "NEXMO_BASE_URL": server.URL()}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	out := new(output)
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-user", "robot"}, func(name string) string { return env[name] }, out)
	}()
	server.ExpectLogin("robot")

	// Alice listens to what the bot says.
	credentials, err := nexmo.NewCredentials(server.ApplicationID(), server.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	conversation := server.CreateConversation("repairs")
	alice := server.Join(conversation, "alice")
	listening, err := nexmo.Dial(t.Context(), credentials.User("alice", 0, nexmo.ClientACL()), nexmo.WithBaseURL(server.URL()))
	if err != nil {
		t.Fatal(err)
	}
	defer listening.Close() //nolint:errcheck // it never fails
	robot := server.CreateUser("robot")
	said := make(chan string, 10)
	handlers := new(nexmo.EventDispatcher)
	handlers.On("*", func(_ context.Context, e *nexmo.Event) error {
		if e.FromUser == nil || e.FromUser.ID != robot {
			return nil
		}
		switch b := e.Body.(type) {
		case *nexmo.Message:
			said <- "message: " + b.Text
		case *nexmo.Text:
			said <- "text: " + b.Text
		case *nexmo.AudioSay:
			said <- "voice: " + b.Text
		case *nexmo.MemberJoined:
			said <- "joined"
		case *nexmo.MessageDelivered:
			said <- "delivered"
		}
		return nil
	})
	heard := make(chan error, 1)
	go func() { heard <- listening.Run(t.Context(), handlers) }()

	steps := []struct {
		name string
		do   func()
		want []string
	}{
		{"an invitation", func() { server.Invite(conversation, "robot") }, []string{"joined"}},
		{"who joins", func() { server.Join(conversation, "bob") }, []string{"message: Hello, bob."}},
		{"a text", func() { server.Emit(conversation, &nexmo.Text{Text: "how much?"}, nexmotest.From(alice)) }, []string{"text: Good question."}},
		{"keys", func() { server.Emit(conversation, &nexmo.AudioDTMF{Digits: "12"}, nexmotest.From(alice)) }, []string{"voice: You pressed 1, 2."}},
		{"a message", func() {
			server.Emit(conversation, &nexmo.Message{MessageContent: nexmo.TextMessage("ready")}, nexmotest.From(alice))
		}, []string{"message: You said: ready", "delivered"}},
	}
	for _, step := range steps {
		step.do()
		var got []string
		for len(got) < len(step.want) {
			select {
			case text := <-said:
				got = append(got, text)
			case err := <-ended:
				t.Fatalf("%s: it ended with %v\n%s", step.name, err, out)
			case <-time.After(time.Minute):
				t.Fatalf("%s: it said nothing\n%s", step.name, out)
			}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
	if err := listening.Close(); err != nil {
		t.Error(err)
	}
	if err := <-heard; err != nil {
		t.Error(err)
	}
	for _, private := range []string{"eyJ", "ready", "how much"} {
		if strings.Contains(out.String(), private) {
			t.Errorf("%q is logged:\n%s", private, out)
		}
	}
}

// The bot would answer itself for ever.
func TestOwn(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	e, err := nexmo.ParseEvent([]byte(`{"id":1,"type":"member:joined","cid":"CON-1","from":"MEM-1",
		"body":{"member_id":"MEM-1","user":{"id":"USR-1","name":"robot"},"timestamp":{"joined":"2026-01-02T03:04:05.678Z"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Deliver(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	b := &bot{me: nexmo.User{ID: "USR-1"}}
	for name, tt := range map[string]struct {
		event nexmo.Event
		want  bool
	}{
		"its user":       {nexmo.Event{From: "MEM-9", FromUser: &nexmo.User{ID: "USR-1"}}, true},
		"another user":   {nexmo.Event{From: "MEM-1", FromUser: &nexmo.User{ID: "USR-2"}}, false},
		"its member":     {nexmo.Event{From: "MEM-1"}, true},
		"another member": {nexmo.Event{From: "MEM-2"}, false},
		"nobody":         {nexmo.Event{}, false},
	} {
		if got := b.own(c, &tt.event); got != tt.want {
			t.Errorf("%s: own is %v", name, got)
		}
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"an unknown flag": {[]string{"-x"}, "-x"},
		"no credentials":  {nil, "NEXMO_APPLICATION_ID"},
	} {
		err := run(t.Context(), test.args, func(string) string { return "" }, new(output))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
