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

func ExampleClient_Conversations() {
	server := nexmotest.NewServer(nil) // in place of the service
	defer server.Close()
	client := server.Client() // with an account: nexmo.NewClient

	ctx := context.Background()
	for _, name := range []string{"Sales", "Repairs", "Billing"} {
		if _, err := client.CreateConversation(ctx, nexmo.ConversationParams{DisplayName: name}); err != nil {
			fmt.Println(err)
			return
		}
	}
	// Page after page is fetched, as the loop goes on.
	options := &nexmo.ConversationListOptions{ListOptions: nexmo.ListOptions{PageSize: 2}}
	for c, err := range client.Conversations(ctx, options) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(c.DisplayName)
	}

	_, err := client.ConversationInfo(ctx, "CON-4")
	fmt.Println(errors.Is(err, nexmo.ErrNotFound), nexmo.CodeOf(err))
	// Output:
	// Sales
	// Repairs
	// Billing
	// true conversation:error:not-found
}

func ExampleClient_Conversation() {
	server := nexmotest.NewServer(nil) // in place of the service
	defer server.Close()
	id := server.CreateConversation("repairs")
	priya, sam := server.Join(id, "priya"), server.Join(id, "sam")

	ctx := context.Background()
	conversation, err := server.Client().Conversation(ctx, id)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = conversation.Close() }()
	nexmo.On(conversation, func(_ context.Context, e *nexmo.Event, b *nexmo.Message) error {
		member, _ := conversation.Member(e.From)
		fmt.Printf("%s, in %s: %s\n", member.UserName, conversation.Info().Name, b.Text)
		return nil
	})
	for _, text := range []string{"Is it ready?", "Hello?"} {
		server.Emit(id, &nexmo.Message{MessageContent: nexmo.TextMessage(text)}, nexmotest.From(priya))
	}
	if err := conversation.Sync(ctx); err != nil { // what happened since it was loaded
		fmt.Println(err)
		return
	}
	sent, err := conversation.SendMessage(ctx, nexmo.TextMessage("It is."), nexmo.From(sam))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("sent as event", sent.ID)
	// Output:
	// priya, in repairs: Is it ready?
	// priya, in repairs: Hello?
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
	_, err = client.CreateConversation(ctx, nexmo.ConversationParams{DisplayName: strings.Repeat("x", 51)})
	fmt.Println(errors.Is(err, nexmo.ErrInvalid), err)
	// Output:
	// true
	// get conversation 404 conversation:error:not-found 2
	// true nexmo: create conversation: DisplayName: it is longer than 50 characters
}

// A request that this package has no method for.
func ExampleClient_Do() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id": "LEG-1", "state": "ANSWERED"}`)
	}))
	defer server.Close()
	tokens := nexmo.TokenFunc(func() (string, error) { return "a token", nil }) // in place of Credentials
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
