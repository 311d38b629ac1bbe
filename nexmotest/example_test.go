package nexmotest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"

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
