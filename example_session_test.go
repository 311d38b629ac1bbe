package nexmo_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A user listens to the conversations of the user. The service is one for tests.
func ExampleSession() {
	server := nexmotest.NewServer(nil)
	defer server.Close()
	conversation := server.CreateConversation("repairs")
	server.Join(conversation, "alice")

	credentials, err := nexmo.NewCredentials(server.ApplicationID(), server.PrivateKey())
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	tokens := credentials.User("alice", 0, nexmo.ClientACL())
	client, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(server.URL()))
	if err != nil {
		fmt.Println(err)
		return
	}
	session, err := nexmo.Dial(ctx, tokens, nexmo.WithBaseURL(server.URL()))
	if err != nil {
		fmt.Println(err)
		return
	}

	app := nexmo.NewApplication("", nexmo.WithClient(client))
	app.OnConversation(func(c *nexmo.Conversation) {
		c.On("member:joined", func(_ context.Context, e *nexmo.Event) error {
			member, _ := c.Member(e.MemberID())
			fmt.Println(member.UserName, "joined")
			return nil
		})
		nexmo.On(c, func(ctx context.Context, _ *nexmo.Event, b *nexmo.Text) error {
			fmt.Println(b.Text)
			return session.Logout(ctx)
		})
	})
	bob := server.Join(conversation, "bob")
	server.Emit(conversation, &nexmo.Text{Text: "Is the tandem ready?"}, nexmotest.From(bob))
	fmt.Println(session.Run(ctx, app))
	// Output:
	// bob joined
	// Is the tandem ready?
	// <nil>
}

// A program that is stopped and started again goes on with its session.
func ExampleWithResume() {
	server := nexmotest.NewServer(nil)
	defer server.Close()
	conversation := server.CreateConversation("repairs")
	alice := server.Join(conversation, "alice")
	tokens := nexmo.TokenFunc(func() (string, error) { return server.UserToken("alice"), nil })

	ctx := context.Background()
	session, err := nexmo.Dial(ctx, tokens, nexmo.WithBaseURL(server.URL()))
	if err != nil {
		fmt.Println(err)
		return
	}
	id := session.ID()                                                            // to be written down
	_ = session.Close()                                                           // without a Logout
	server.Emit(conversation, &nexmo.Text{Text: "Hello?"}, nexmotest.From(alice)) // missed

	session, err = nexmo.Dial(ctx, tokens, nexmo.WithBaseURL(server.URL()), nexmo.WithResume(id))
	if err != nil {
		fmt.Println(err)
		return
	}
	app := nexmo.NewApplication("")
	nexmo.On(app, func(ctx context.Context, _ *nexmo.Event, b *nexmo.Text) error {
		fmt.Println(b.Text)
		return session.Logout(ctx)
	})
	fmt.Println(session.Run(ctx, app))
	// Output:
	// Hello?
	// <nil>
}

// What a session is up to.
func ExampleSession_OnState() {
	server := nexmotest.NewServer(nil)
	defer server.Close()
	server.CreateUser("alice")
	session, err := nexmo.Dial(context.Background(), nexmo.TokenFunc(func() (string, error) { return server.UserToken("alice"), nil }),
		nexmo.WithBaseURL(server.URL()))
	if err != nil {
		fmt.Println(err)
		return
	}
	session.OnState(func(state nexmo.SessionState, err error) { fmt.Println(state, err) })

	server.Faults().EndSessions("alice")
	err = session.Run(context.Background(), nexmo.NewApplication(""))
	fmt.Println(errors.Is(err, nexmo.ErrSessionTerminated))
	// Output:
	// closed nexmo: session: session:terminated
	// true
}
