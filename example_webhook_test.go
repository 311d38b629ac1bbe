package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func ExampleWebhookHandler() {
	app := nexmo.NewApplication("")
	app.OnConversation(func(c *nexmo.Conversation) {
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioDTMF) error {
			fmt.Println(c.ID(), e.From, "pressed", b.Digits)
			return nil
		})
	})

	const newSecret, oldSecret = "the signature secret of the account", "the one before it was changed"
	mux := http.NewServeMux()
	mux.Handle("/events", &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{newSecret, oldSecret}},
		Sink:     app,
	})

	// What a server would get from the service, and from somebody else.
	event := []byte(`{"type": "audio:dtmf", "id": 7, "conversation_id": "CON-1", "from": "MEM-1", "body": {"digits": "5"}}`)
	for _, secret := range []string{newSecret, oldSecret, "a guess"} {
		r := nexmotest.SignedRequest(secret, event)
		r.URL.Path = "/events"
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		fmt.Println(w.Code)
	}
	// Output:
	// CON-1 MEM-1 pressed 5
	// 204
	// 204
	// 401
}

// A function in a cloud, or the reader of a queue, hands over what it was given.
func ExampleWebhookHandler_Handle() {
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"the signature secret of the account"}},
		Sink: nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			fmt.Println("event", e.ID)
			return nil
		}),
	}
	type gatewayRequest struct { // of a library for such functions
		Method, Query, Body string
		Headers             map[string]string
	}
	type gatewayResponse struct {
		StatusCode int
		Headers    map[string][]string
	}
	handle := func(ctx context.Context, r gatewayRequest) gatewayResponse {
		header := http.Header{"Authorization": {r.Headers["authorization"]}}
		a := webhook.Handle(ctx, nexmo.WebhookRequest{Method: r.Method, Header: header, RawQuery: r.Query, Body: []byte(r.Body)})
		return gatewayResponse{StatusCode: a.Status, Headers: a.Header}
	}

	body := `{"type": "text", "id": 7, "conversation_id": "CON-1", "body": {"text": "hello"}}`
	token := nexmotest.Sign("the signature secret of the account", []byte(body))
	fmt.Println(handle(context.Background(), gatewayRequest{
		Method: "POST", Body: body, Headers: map[string]string{"authorization": "Bearer " + token},
	}))
	// Output:
	// event 7
	// {204 map[]}
}

// What no retry makes succeed is kept in a table, to be handled when the fault is mended.
func ExampleWebhookHandler_deadLetter() {
	app := nexmo.NewApplication("")
	app.On("custom:order", func(context.Context, *nexmo.Event) error {
		return nexmo.Permanent(errors.New("no such order"))
	})
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"secret"}},
		Sink:     app,
		DeadLetter: func(_ context.Context, d nexmo.DeadLetter) error {
			fmt.Println(d.Via, d.ConversationID, d.EventID, d.Err)
			return nil // it is safe
		},
	}
	w := httptest.NewRecorder()
	webhook.ServeHTTP(w, nexmotest.SignedRequest("secret", []byte(`{"type": "custom:order", "id": 7, "conversation_id": "CON-1", "body": {}}`)))
	fmt.Println(w.Code)
	// Output:
	// webhook CON-1 7 no such order
	// 204
}

func ExampleVerifier_VerifyToken() {
	verifier := nexmo.Verifier{Secrets: []string{"the signature secret of the account"}, APIKey: "abcd1234"}

	// Of a message in a queue: what the webhook had in its Authorization header
	// behind "Bearer ", and its body, to the byte.
	body := []byte(`{"type": "text", "id": 7, "conversation_id": "CON-1", "body": {"text": "hello"}}`)
	token := nexmotest.Sign("the signature secret of the account", body)

	claims, err := verifier.VerifyToken(token, body)
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := nexmo.ParseEvent(body)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("account", claims.APIKey, "event", e.ID)

	_, err = verifier.VerifyToken(token, append(body, '\n'))
	fmt.Println(errors.Is(err, nexmo.ErrWebhookPayloadHash), err)
	// Output:
	// account abcd1234 event 7
	// true nexmo: webhook: payload_hash of the token does not match the payload
}

// What comes during a shutdown is sent again later, and what has come is handled.
func ExampleWebhookHandler_Drain() {
	app := nexmo.NewApplication("")
	handling, finish := make(chan struct{}), make(chan struct{})
	app.On("text", func(context.Context, *nexmo.Event) error {
		close(handling)
		<-finish
		return nil
	})
	webhook := &nexmo.WebhookHandler{Verifier: &nexmo.Verifier{Secrets: []string{"secret"}}, Sink: app}
	post := func(id int) int {
		w := httptest.NewRecorder()
		webhook.ServeHTTP(w, nexmotest.SignedRequest("secret", fmt.Appendf(nil, `{"type": "text", "id": %d, "conversation_id": "CON-1", "body": {}}`, id)))
		return w.Code
	}
	answer := make(chan int)
	go func() { answer <- post(1) }()
	<-handling

	soon, cancel := context.WithCancel(context.Background())
	cancel() // a program gives it some seconds
	fmt.Println(webhook.Drain(soon))
	fmt.Println(post(2))
	close(finish)
	fmt.Println(<-answer, webhook.Drain(context.Background()), app.Close())
	// Output:
	// nexmo: webhook: drain: context canceled
	// 503
	// 204 <nil> <nil>
}

// Metrics of what comes in.
func ExampleWebhookHandler_trace() {
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{"secret"}},
		Sink:     nexmo.NewApplication(""),
		Trace: &nexmo.Trace{ReceiveEnd: func(_ context.Context, t nexmo.ReceiveTrace, err error) {
			fmt.Println(t.Status, t.EventType, t.ConversationID, t.EventID, err)
		}},
	}
	event := []byte(`{"type": "text", "id": 7, "conversation_id": "CON-1", "body": {"text": "hello"}}`)
	webhook.ServeHTTP(httptest.NewRecorder(), nexmotest.SignedRequest("secret", event))
	webhook.ServeHTTP(httptest.NewRecorder(), nexmotest.SignedRequest("a guess", event))
	// Output:
	// 204 text CON-1 7 <nil>
	// 401   0 nexmo: webhook: the signature is wrong
}
