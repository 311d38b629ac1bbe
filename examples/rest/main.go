// Rest makes a conversation with the REST client, has a user join it and invites
// another, sends a message and an event of its own type, lists what happened, and
// deletes the conversation.
//
//	export NEXMO_APPLICATION_ID=… NEXMO_PRIVATE_KEY=private.key
//	go run ./examples/rest
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"time"

	"github.com/conversation-events/nexmo"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("rest: ")
	base := flag.String("base-url", cmp.Or(os.Getenv("NEXMO_BASE_URL"), "https://api.nexmo.com"), "where the service is")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	credentials, err := nexmo.NewCredentialsFromFile(os.Getenv("NEXMO_APPLICATION_ID"), os.Getenv("NEXMO_PRIVATE_KEY"))
	if err != nil {
		log.Fatalf("set NEXMO_APPLICATION_ID, and NEXMO_PRIVATE_KEY to the name of the key file: %v", err)
	}
	client, err := nexmo.NewClient(credentials, nexmo.WithBaseURL(*base), nexmo.WithUserAgent("rest-example"))
	if err != nil {
		log.Fatal(err)
	}
	if err := run(ctx, os.Stdout, client); err != nil {
		log.Fatal(err)
	}
}

// userNamed returns the user with a name, and makes it if there is none.
func userNamed(ctx context.Context, client *nexmo.Client, name, displayName string) (*nexmo.UserInfo, error) {
	user, err := client.UserInfo(ctx, name)
	if errors.Is(err, nexmo.ErrNotFound) {
		return client.CreateUser(ctx, nexmo.UserParams{Name: name, DisplayName: displayName})
	}
	return user, err
}

// order is the body of the event of our own type.
type order struct {
	Number int    `json:"number"`
	Item   string `json:"item"`
}

func run(ctx context.Context, w io.Writer, client *nexmo.Client) (err error) {
	priya, err := userNamed(ctx, client, "priya", "Priya")
	if err != nil {
		return err
	}
	sam, err := userNamed(ctx, client, "sam", "Sam")
	if err != nil {
		return err
	}
	info, err := client.CreateConversation(ctx, nexmo.ConversationParams{
		DisplayName: "Tandem repair",
		Properties:  &nexmo.ConversationProperties{TTL: nexmo.Seconds(time.Hour)},
	})
	if err != nil {
		return err
	}
	defer func() {
		// Also when the program is told to stop.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if e := client.DeleteConversation(ctx, info.ID); e != nil {
			err = errors.Join(err, e)
			return
		}
		fmt.Fprintln(w, "deleted it")
	}()
	fmt.Fprintf(w, "made the conversation %q\n", info.DisplayName)

	conversation, err := client.Conversation(ctx, info.ID)
	if err != nil {
		return err
	}
	member, err := conversation.Join(ctx, nexmo.MemberParams{UserID: priya.ID})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s\n", priya.DisplayName, member.State)
	invited, err := conversation.Invite(ctx, nexmo.MemberParams{UserName: sam.Name, MemberIDInviting: member.ID})
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %s\n", sam.DisplayName, invited.State)

	from := nexmo.From(member.ID)
	if _, err := conversation.SendMessage(ctx, nexmo.TextMessage("Your tandem is ready."), from); err != nil {
		return err
	}
	if _, err := conversation.SendCustom(ctx, "order", order{Number: 441, Item: "tandem"}, from); err != nil {
		return err
	}
	for e, err := range client.Events(ctx, info.ID, nil) {
		if err != nil {
			return err
		}
		switch body := e.Body.(type) {
		case *nexmo.Message:
			fmt.Fprintf(w, "%d %s: %s\n", e.ID, e.Type, body.Text)
		case *nexmo.Custom:
			fmt.Fprintf(w, "%d %s: %s\n", e.ID, e.Type, body.JSON)
		default:
			fmt.Fprintf(w, "%d %s\n", e.ID, e.Type)
		}
	}
	return nil
}
