// History goes through the events of a conversation as the documentation of the
// service does: for each event, find the member it comes from, and switch on its
// type.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/conversation-events/nexmo"
)

func main() {
	file := flag.String("file", "testdata/history.json", "a page of events, as REST lists them")
	flag.Parse()
	if err := run(context.Background(), *file, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, file string, out io.Writer) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("%w (run it from the top of the repository, or say -file)", err)
	}
	events, err := nexmo.ParseEvents(page)
	if err != nil {
		return err
	}
	if len(events) == 0 {
		return fmt.Errorf("%s holds no events", file)
	}
	conversation := nexmo.NewConversation(events[0].ConversationID, nexmo.WithHistory(100))
	for _, e := range events {
		if err := conversation.Deliver(ctx, e); err != nil {
			return err
		}
	}
	show(out, conversation)
	return nil
}

func show(out io.Writer, conversation *nexmo.Conversation) {
	for id, e := range conversation.Events() {
		member, ok := conversation.Member(e.From)
		if !ok {
			continue
		}
		fmt.Fprintf(out, "%3d %-7s ", id, member.UserName)
		if at, deleted := e.Deleted(); deleted {
			fmt.Fprintf(out, "(deleted at %s)\n", at.Format("15:04:05"))
			continue
		}
		switch b := e.Body.(type) {
		case *nexmo.MemberInvited:
			fmt.Fprintln(out, "was invited")
		case *nexmo.MemberJoined:
			fmt.Fprintln(out, "joined")
		case *nexmo.MemberLeft:
			fmt.Fprintln(out, "left")
		case *nexmo.Text:
			fmt.Fprintf(out, "wrote %q%s\n", b.Text, seen(conversation, e))
		case *nexmo.Message:
			switch {
			case b.Text != "":
				fmt.Fprintf(out, "wrote %q%s\n", b.Text, seen(conversation, e))
			case b.Location != nil:
				fmt.Fprintf(out, "sent where %s is%s\n", b.Location.Name, seen(conversation, e))
			default:
				fmt.Fprintf(out, "sent a message of type %s%s\n", b.MessageType, seen(conversation, e))
			}
		case *nexmo.Image:
			fmt.Fprintf(out, "sent an image%s\n", seen(conversation, e))
		case *nexmo.TextSeen:
			fmt.Fprintf(out, "read text %d\n", b.EventID)
		case *nexmo.Custom:
			fmt.Fprintf(out, "did %s: %s\n", b.Name, b.JSON)
		default:
			fmt.Fprintf(out, "%s\n", e.Type)
		}
	}
}

// seen names those who have read an event.
func seen(conversation *nexmo.Conversation, e *nexmo.Event) string {
	if e.State == nil || len(e.State.SeenBy) == 0 {
		return ""
	}
	var names []string
	for member := range conversation.Members() {
		if _, ok := e.State.SeenBy[member.ID]; ok {
			names = append(names, member.UserName)
		}
	}
	return ", seen by " + strings.Join(names, " and ")
}
