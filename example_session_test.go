package nexmo_test

import (
	"context"
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
