package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/conversation-events/nexmo"
)

// service is a server that gives one answer to each "METHOD path?query".
func service(answers map[string]string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, ok := answers[r.Method+" "+r.URL.RequestURI()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"title": "Not found.", "code": "conversation:error:not-found", "detail": "There is no such conversation."}`
		}
		_, _ = io.WriteString(w, answer)
	}))
}

// tokens stand for Credentials.
var tokens = nexmo.TokenFunc(func() (string, error) { return "a token", nil })

func ExampleClient_Conversations() {
	server := service(map[string]string{
		"GET /v1/conversations?page_size=2": `{
			"_embedded": {"conversations": [{"id": "CON-1", "display_name": "Sales"}, {"id": "CON-2", "display_name": "Repairs"}]},
			"_links": {"next": {"href": "https://elsewhere.example.com/v1/conversations?page_size=2&cursor=abc%3D"}}}`,
		"GET /v1/conversations?cursor=abc%3D&page_size=2": `{
			"_embedded": {"conversations": [{"id": "CON-3", "display_name": "Billing"}]}}`,
	})
	defer server.Close()

	client, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(server.URL))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	options := &nexmo.ConversationListOptions{ListOptions: nexmo.ListOptions{PageSize: 2}}
	for c, err := range client.Conversations(ctx, options) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.ID, c.DisplayName)
	}

	_, err = client.ConversationInfo(ctx, "CON-4")
	fmt.Println(errors.Is(err, nexmo.ErrNotFound), nexmo.CodeOf(err))
	// Output:
	// CON-1 Sales
	// CON-2 Repairs
	// CON-3 Billing
	// true conversation:error:not-found
}

func ExampleClient_Conversation() {
	server := service(map[string]string{
		"GET /v1/conversations/CON-1": `{"id": "CON-1", "display_name": "Repairs", "state": "ACTIVE", "sequence_number": 2}`,
		"GET /v1/conversations/CON-1/members?page_size=100": `{"_embedded": {"members": [
			{"id": "MEM-1", "state": "JOINED", "_embedded": {"user": {"id": "USR-1", "name": "priya", "display_name": "Priya"}}}]}}`,
		"GET /v1/conversations/CON-1/events?order=asc&page_size=100&start_id=3": `{"_embedded": {"events": [
			{"id": 3, "type": "message", "from": "MEM-1", "body": {"message_type": "text", "text": "Is it ready?"}},
			{"id": 4, "type": "message", "from": "MEM-1", "body": {"message_type": "text", "text": "Hello?"}}]}}`,
		"POST /v1/conversations/CON-1/events": `{"id": 5, "type": "message", "body": {"message_type": "text", "text": "It is."}}`,
	})
	defer server.Close()
	client, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(server.URL))
	if err != nil {
		fmt.Println(err)
		return
	}

	ctx := context.Background()
	conversation, err := client.Conversation(ctx, "CON-1")
	if err != nil {
		fmt.Println(err)
		return
	}
	nexmo.On(conversation, func(_ context.Context, e *nexmo.Event, b *nexmo.Message) error {
		member, _ := conversation.Member(e.From)
		fmt.Printf("%s, in %s: %s\n", member.DisplayName, conversation.Info().DisplayName, b.Text)
		return nil
	})
	if err := conversation.Sync(ctx); err != nil { // what happened since it was loaded
		fmt.Println(err)
		return
	}
	sent, err := conversation.SendMessage(ctx, nexmo.TextMessage("It is."), nexmo.From("MEM-2"))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sent as event", sent.ID)
	// Output:
	// Priya, in Repairs: Is it ready?
	// Priya, in Repairs: Hello?
	// sent as event 5
}
