package bot

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// serve starts a service that posts its events to a bot. It is closed with the
// test.
func serve(t *testing.T, opts ...nexmotest.Option) *nexmotest.Server {
	t.Helper()
	const secret = "the signature secret"
	webhook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{secret}}}
	opts = append(opts, nexmotest.WithSignatureSecret(secret), nexmotest.WithEventHandler(webhook))
	server := nexmotest.NewServer(t, opts...)
	webhook.Sink = New(server.Client())
	return server
}

// said waits for the bot to say something, in a message or aloud.
func said(t *testing.T, server *nexmotest.Server) string {
	t.Helper()
	request := server.ExpectRequest("POST /v1/conversations/*/events")
	e, err := nexmo.ParseEvent(request.Body)
	if err != nil {
		t.Fatal(err)
	}
	switch b := e.Body.(type) {
	case *nexmo.Message:
		return b.Text
	case *nexmo.AudioSay:
		return b.Text
	default:
		t.Fatalf("the bot made an event of type %s", e.Type)
		return ""
	}
}

func wantSaid(t *testing.T, server *nexmotest.Server, want ...string) {
	t.Helper()
	for _, want := range want {
		if diff := cmp.Diff(want, said(t, server)); diff != "" {
			t.Errorf("the bot said (-want +got):\n%s", diff)
		}
	}
}

func TestWelcome(t *testing.T) {
	t.Parallel()
	server := serve(t)
	conversation := server.CreateConversation("support")
	server.Join(conversation, "alice")
	wantSaid(t, server, "Welcome, alice!")
	server.Join(conversation, "bob")
	wantSaid(t, server, "Welcome, bob!")
}

func TestMenu(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ digit, want string }{
		"opening hours": {"1", "We are open from nine to five."},
		"repairs":       {"2", "Your tandem is ready."},
		"another key":   {"#", "Please press 1 or 2."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serve(t)
			conversation := server.CreateConversation("")
			alice := server.Join(conversation, "alice")
			server.Emit(conversation, &nexmo.AudioDTMF{Digits: test.digit}, nexmotest.From(alice))
			wantSaid(t, server, "Welcome, alice!", test.want)
		})
	}
}

// A whole call, whose webhooks come twice and in the wrong order: the bot answers
// each key once, in the order in which they were pressed.
func TestCall(t *testing.T) {
	t.Parallel()
	server := serve(t)
	server.Faults().Webhooks(nexmotest.Duplicate(), 1, "member:joined")
	server.Faults().Webhooks(nexmotest.Reorder(3), 1, "audio:dtmf")
	server.Call(nexmotest.Call{Digits: "12#"})
	wantSaid(t, server, "Welcome, caller!", menu["1"], menu["2"], "Please press 1 or 2.")
	if err := server.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var posts int
	for _, r := range server.Requests() {
		if r.Method == http.MethodPost {
			posts++
		}
	}
	if posts != 4 {
		t.Errorf("the bot said %d things, want 4: %v", posts, server.Requests())
	}
}

// In a bubble of testing/synctest time passes at once: here the service fails, so
// does the bot, and the service posts the event again after 5 seconds.
func TestServiceFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		server := serve(t, nexmotest.InMemory(), nexmotest.WithPatience(time.Minute))
		server.Faults().Requests(nexmotest.InternalError(), 1, "POST /v1/conversations/*/events")
		conversation := server.CreateConversation("")
		server.Join(conversation, "alice")
		server.ExpectWebhook("member:joined")
		wantSaid(t, server, "Welcome, alice!", "Welcome, alice!") // the first one in vain
		if got, want := time.Since(began), 5*time.Second; got != want {
			t.Errorf("it took %v, want %v", got, want)
		}
	})
}
