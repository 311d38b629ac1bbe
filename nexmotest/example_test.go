package nexmotest_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A bot that answers every text, and what its test looks like.
func ExampleServer() {
	var server *nexmotest.Server
	bot := nexmo.NewApplication("")
	nexmo.On(bot, func(ctx context.Context, e *nexmo.Event, b *nexmo.Text) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL()+"/v1/conversations/"+e.ConversationID+"/events",
			strings.NewReader(`{"type":"custom:answer","body":{"to":"`+b.Text+`"}}`))
		if err != nil {
			return err
		}
		r.Header.Set("Authorization", "Bearer "+server.Token())
		answer, err := server.HTTPClient().Do(r)
		if err != nil {
			return err
		}
		return answer.Body.Close()
	})

	// In a test, t comes in place of nil: the server closes itself then.
	server = nexmotest.NewServer(nil, nexmotest.WithSignatureSecret("secret"), nexmotest.WithEventHandler(&nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"secret"}},
		Sink:     bot,
	}))
	defer server.Close()
	conversation := server.CreateConversation("support")
	alice := server.Join(conversation, "alice")
	server.Emit(conversation, &nexmo.Text{Text: "help"}, nexmotest.From(alice))

	request := server.ExpectRequest("POST /v1/conversations/*/events")
	fmt.Println(request.Status, string(request.Body))
	webhook := server.ExpectWebhook("custom:*")
	fmt.Println(webhook.Type, webhook.EventID)
	// Output:
	// 201 {"type":"custom:answer","body":{"to":"help"}}
	// custom:answer 3
}

func ExampleServer_Call() {
	app := nexmo.NewApplication("")
	nexmo.On(app, func(_ context.Context, _ *nexmo.Event, b *nexmo.AudioDTMF) error {
		fmt.Println("pressed", b.Digits)
		return nil
	})
	server := nexmotest.NewServer(nil, nexmotest.WithSignatureSecret("secret"), nexmotest.WithEventHandler(&nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"secret"}},
		Sink:     app,
	}))
	defer server.Close()
	server.Call(nexmotest.Call{From: "447700900001", Digits: "42"})
	if err := server.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// pressed 4
	// pressed 2
}

// One handler alone, without a server.
func ExampleSignedRequest() {
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"secret"}, APIKey: "abcd1234"},
		Sink:     nexmo.NewApplication(""),
	}
	post := func(opts ...nexmotest.SignOption) int {
		w := httptest.NewRecorder()
		webhook.ServeHTTP(w, nexmotest.SignedRequest("secret", []byte(`{"type": "text", "id": 1, "conversation_id": "CON-1", "body": {}}`), opts...))
		return w.Code
	}
	fmt.Println("as the service signs it:", post())
	fmt.Println("too old:", post(nexmotest.IssuedAt(time.Now().Add(-time.Hour))))
	fmt.Println("of another account:", post(nexmotest.Claim("api_key", "00000000")))
	fmt.Println("without a hash:", post(nexmotest.Claim("payload_hash", nil)))
	// Output:
	// as the service signs it: 204
	// too old: 401
	// of another account: 401
	// without a hash: 401
}

// A webhook that is lost is fetched, and one that comes twice is handled once.
func ExampleFaults_Webhooks() {
	webhook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{"secret"}}}
	server := nexmotest.NewServer(nil, nexmotest.WithSignatureSecret("secret"), nexmotest.WithEventHandler(webhook))
	defer server.Close()
	app := nexmo.NewApplication("", nexmo.WithClient(server.Client()))
	nexmo.On(app, func(_ context.Context, e *nexmo.Event, b *nexmo.Text) error {
		fmt.Println(e.ID, b.Text)
		return nil
	})
	webhook.Sink = app

	conversation := server.CreateConversation("support")
	alice := server.Join(conversation, "alice")
	server.Faults().Webhooks(nexmotest.Drop(), 1, "text")
	server.Faults().Webhooks(nexmotest.Duplicate(), 1, "text")
	for _, text := range []string{"one", "two", "three"} {
		server.Emit(conversation, &nexmo.Text{Text: text}, nexmotest.From(alice))
	}
	if err := server.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2 one
	// 3 two
	// 4 three
}
