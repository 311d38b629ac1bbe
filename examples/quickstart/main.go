// Quickstart talks to the service over REST and hears of everything by webhook:
// two people meet in a conversation, and then a phone call comes in. It needs no
// account: package nexmotest is the service, in this process, and has some things
// go wrong as they do in the world. What the handlers hear is told line by line.
package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strings"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func main() {
	if err := run(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute) // it takes a second
	defer cancel()
	s := &story{out: out}

	// The service, and the address at which it posts the events. With an account
	// that is the rtc event_url of the application.
	receiver := httptest.NewUnstartedServer(nil)
	service := nexmotest.NewServer(nil, nexmotest.WithEventURL("http://"+receiver.Listener.Addr().String()+"/events"))
	defer service.Close()

	// With an account, the client comes from nexmo.NewClient and the secret from
	// the dashboard. The rest stays as it is.
	client := service.Client()
	app := nexmo.NewApplication(service.ApplicationID(),
		nexmo.WithClient(client),  // to fetch what gets lost, and for the verbs
		nexmo.WithHistory(100),    // for Conversation.Events
		nexmo.WithLogger(s.log())) // to be told what was dropped or is missing
	s.listen(app)
	receiver.Config.Handler = &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{service.SignatureSecret()}},
		Sink:     app,
		Logger:   s.log(),
	}
	receiver.Start()
	defer receiver.Close()

	s.printf("Two people talk:\n")
	if err := talk(ctx, client, app); err != nil {
		return err
	}
	if err := service.Flush(ctx); err != nil {
		return err
	}
	s.printf("\nA phone call comes in. One event is posted twice, three the wrong way round, and one never:\n")
	id := call(service)
	if err := service.Flush(ctx); err != nil {
		return err
	}
	s.recount(service, app.Conversation(id))
	return app.Close()
}

// talk has two users join a conversation and say something.
func talk(ctx context.Context, client *nexmo.Client, app *nexmo.Application) error {
	info, err := client.CreateConversation(ctx, nexmo.ConversationParams{DisplayName: "Tandem repair"})
	if err != nil {
		return err
	}
	conversation := app.Conversation(info.ID)
	members := map[string]nexmo.EventOption{}
	for _, name := range []string{"Sam", "Priya"} {
		user, err := client.CreateUser(ctx, nexmo.UserParams{Name: strings.ToLower(name), DisplayName: name})
		if err != nil {
			return err
		}
		member, err := conversation.Join(ctx, nexmo.MemberParams{UserID: user.ID})
		if err != nil {
			return err
		}
		members[name] = nexmo.From(member.ID)
	}
	if err := conversation.StartTyping(ctx, members["Sam"]); err != nil {
		return err
	}
	if _, err := conversation.SendText(ctx, "Is my tandem ready?", members["Sam"]); err != nil {
		return err
	}
	_, err = conversation.SendMessage(ctx, nexmo.TextMessage("Nearly. Call us at five!"), members["Priya"])
	return err
}

// call has the service play a phone call, and returns its conversation.
func call(service *nexmotest.Server) (conversationID string) {
	faults := service.Faults()
	faults.Webhooks(nexmotest.Duplicate(), 1, "audio:say")
	faults.Webhooks(nexmotest.Reorder(3), 1, "audio:dtmf")
	faults.Webhooks(nexmotest.Drop(), 1, "audio:record:done")
	played := service.Call(nexmotest.Call{
		From: "447700900123", To: "15555550123",
		Say:    "Welcome to Example Cycles. Please enter the number of your order.",
		Digits: "471", Agent: "priya", Record: true,
	})
	// Two IDs that no event has: there is nothing to wait for.
	faults.SkipIDs(played.ConversationID, 2)
	service.Emit(played.ConversationID, &nexmo.Custom{Name: "order-paid", JSON: `{"order":471,"bike":"tandem, blue"}`})
	return played.ConversationID
}
