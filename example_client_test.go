package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
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

func ExampleNewCredentials() {
	server := nexmotest.NewServer(nil)
	defer server.Close()

	// Of an environment variable, say, with what it did to the line breaks.
	key := strings.ReplaceAll(string(server.PrivateKey()), "\n", `\n`)
	credentials, err := nexmo.NewCredentials("3a1f0000-0000-4000-8000-000000000000", []byte(key))
	if err != nil {
		fmt.Println(err)
		return
	}
	token, err := credentials.Token()
	fmt.Println(strings.Count(token, "."), err)
	fmt.Println(credentials) // shows neither the key nor a token

	_, err = nexmo.NewCredentials("3a1f0000-0000-4000-8000-000000000000", []byte("private.key"))
	fmt.Println(err)
	// Output:
	// 2 <nil>
	// nexmo.Credentials(3a1f0000-0000-4000-8000-000000000000)
	// nexmo: credentials: private key: there is no "-----BEGIN PRIVATE KEY-----": if this is the name of a file, use NewCredentialsFromFile
}

// A client that acts as a user.
func ExampleCredentials_User() {
	server := nexmotest.NewServer(nil)
	defer server.Close()
	conversation := server.CreateConversation("repairs")
	server.Join(conversation, "alice")

	credentials, err := nexmo.NewCredentials(server.ApplicationID(), server.PrivateKey())
	if err != nil {
		fmt.Println(err)
		return
	}
	tokens := credentials.User("alice", time.Hour, nexmo.NewACL(nexmo.ACLUsers, nexmo.ACLConversations))
	client, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(server.URL()))
	if err != nil {
		fmt.Println(err)
		return
	}
	me, err := client.Me(context.Background(), conversation)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(me.User.Name, me.State)
	// Output: alice JOINED
}

func ExampleClient_Events() {
	server := nexmotest.NewServer(nil)
	defer server.Close()
	conversation := server.CreateConversation("repairs")
	alice := server.Join(conversation, "alice")
	for _, text := range []string{"Hello?", "Is it ready?"} {
		server.Emit(conversation, &nexmo.Text{Text: text}, nexmotest.From(alice))
	}

	client := server.Client()
	for e, err := range client.Events(context.Background(), conversation, &nexmo.EventListOptions{Types: []nexmo.EventType{"text"}}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		text, _ := nexmo.As[*nexmo.Text](e)
		fmt.Println(e.ID, text.Text)
	}
	// Output:
	// 2 Hello?
	// 3 Is it ready?
}

// What the service refuses, and what is tried again.
func ExampleAPIError() {
	server := nexmotest.NewServer(nil)
	defer server.Close()
	client := server.Client(nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: time.Millisecond}))
	ctx := context.Background()

	server.Faults().Requests(nexmotest.InternalError(), 1)
	_, err := client.ConversationInfo(ctx, "CON-1")
	fmt.Println(errors.Is(err, nexmo.ErrNotFound))
	if refused, ok := errors.AsType[*nexmo.APIError](err); ok {
		fmt.Println(refused.Op, refused.Status, refused.Code, refused.Attempts)
	}
	_, err = client.CreateConversation(ctx, &nexmo.ConversationParams{DisplayName: strings.Repeat("x", 51)})
	fmt.Println(errors.Is(err, nexmo.ErrInvalid), err)
	// Output:
	// true
	// get conversation 404 conversation:error:not-found 2
	// true nexmo: create conversation: DisplayName: it is longer than 50 characters
}

// A request that this package has no method for.
func ExampleClient_Do() {
	server := service(map[string]string{"GET /v0.3/legs/LEG-1": `{"id": "LEG-1", "state": "ANSWERED"}`})
	defer server.Close()
	client, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(server.URL))
	if err != nil {
		fmt.Println(err)
		return
	}
	var leg struct{ ID, State string }
	err = client.Do(context.Background(), http.MethodGet, "/v0.3/legs/LEG-1", nil, &leg)
	fmt.Println(leg.ID, leg.State, err)
	// Output: LEG-1 ANSWERED <nil>
}

// A voice that greets who joins.
func ExampleConversation_Say() {
	server := nexmotest.NewServer(nil)
	defer server.Close()
	id := server.CreateConversation("repairs")

	ctx := context.Background()
	conversation, err := server.Client().Conversation(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	conversation.On("member:joined", func(ctx context.Context, e *nexmo.Event) error {
		member, _ := conversation.Member(e.MemberID())
		_, err := conversation.Say(ctx, nexmo.AudioSay{Text: "Welcome, " + member.UserName + "!", Language: "en-GB"})
		return err
	})
	nexmo.On(conversation, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioSay) error {
		fmt.Printf("event %d: %s\n", e.ID, b.Text)
		return nil
	})

	server.Join(id, "alice")
	for range 2 { // the event of alice, and then that of the voice
		if err := conversation.Sync(ctx); err != nil {
			fmt.Println(err)
			return
		}
	}
	// Output: event 2: Welcome, alice!
}
