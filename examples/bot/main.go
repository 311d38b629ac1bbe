// Bot logs in as a user and takes part in the conversations of that user, in chats
// and in calls: it accepts invitations, greets who joins, answers messages and texts,
// and says which keys were pressed. It needs no webhook and no public address.
//
//	export NEXMO_APPLICATION_ID=… NEXMO_PRIVATE_KEY=private.key
//	go run ./examples/bot -user bot
//
// The user is made if there is none.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/conversation-events/nexmo"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bot:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	flags := flag.NewFlagSet("bot", flag.ContinueOnError)
	flags.SetOutput(out)
	user := flags.String("user", "bot", "the name of the user to log in as")
	base := flags.String("base-url", cmp.Or(getenv("NEXMO_BASE_URL"), "https://api-us.vonage.com"), "where requests go")
	websocket := flags.String("ws-url", getenv("NEXMO_WS_URL"), "where sessions are; that of the base URL if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	credentials, err := nexmo.NewCredentialsFromFile(getenv("NEXMO_APPLICATION_ID"), getenv("NEXMO_PRIVATE_KEY"))
	if err != nil {
		return fmt.Errorf("set NEXMO_APPLICATION_ID, and NEXMO_PRIVATE_KEY to the name of the key file: %w", err)
	}
	log := slog.New(slog.NewTextHandler(out, nil))
	if err := ensureUser(ctx, credentials, *user, nexmo.WithBaseURL(*base)); err != nil {
		return err
	}

	tokens := credentials.User(*user, time.Hour, nexmo.ClientACL())
	client, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(*base), nexmo.WithLogger(log))
	if err != nil {
		return err
	}
	session, err := nexmo.Dial(ctx, tokens, nexmo.WithBaseURL(*base), nexmo.WithWebsocketURL(*websocket),
		nexmo.WithLogger(log), nexmo.WithDeliveryReceipts())
	if err != nil {
		return err
	}
	defer session.Close() //nolint:errcheck // it never fails
	session.OnState(func(state nexmo.SessionState, err error) { log.Info("session", "state", state, "error", err) })
	log.Info("logged in", "user", session.Me().Name)

	app := nexmo.NewApplication(credentials.ApplicationID(), nexmo.WithClient(client), nexmo.WithLogger(log))
	defer app.Close() //nolint:errcheck // what was held back has been logged
	b := &bot{me: session.Me()}
	app.OnConversation(b.listen)

	// Who is told to stop logs out first: the session is over, and Run returns.
	leave := context.AfterFunc(ctx, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := session.Logout(ctx); err != nil && !errors.Is(err, nexmo.ErrClosed) {
			log.Warn("not logged out", "error", err)
			_ = session.Close()
		}
	})
	defer leave()
	return session.Run(context.WithoutCancel(ctx), app)
}

// ensureUser makes the user with a name unless there is one.
func ensureUser(ctx context.Context, credentials nexmo.Credentials, name string, opts ...nexmo.ClientOption) error {
	client, err := nexmo.NewClient(credentials, opts...)
	if err != nil {
		return err
	}
	_, err = client.CreateUser(ctx, nexmo.UserParams{Name: name})
	if errors.Is(err, nexmo.ErrConflict) || nexmo.CodeOf(err) == nexmo.ErrorCodeUserDuplicateName {
		return nil
	}
	return err
}

// bot is what the handlers share.
type bot struct {
	me nexmo.User
}

// listen registers the handlers of a conversation.
func (b *bot) listen(c *nexmo.Conversation) {
	nexmo.On(c, func(ctx context.Context, _ *nexmo.Event, invited *nexmo.MemberInvited) error {
		if invited.User.ID != b.me.ID {
			return nil
		}
		_, err := c.Accept(ctx, invited.MemberID)
		return err
	})
	c.On("member:joined", func(ctx context.Context, e *nexmo.Event) error {
		member, _ := c.Member(e.MemberID())
		if member.UserID == b.me.ID {
			return nil
		}
		return b.say(ctx, c, member, "Hello, "+name(member)+".")
	})
	nexmo.On(c, func(ctx context.Context, e *nexmo.Event, m *nexmo.Message) error {
		if b.own(c, e) || m.MessageType != nexmo.MessageTypeText {
			return nil
		}
		_, err := c.SendMessage(ctx, nexmo.TextMessage(answer(m.Text)))
		return err
	})
	nexmo.On(c, func(ctx context.Context, e *nexmo.Event, t *nexmo.Text) error {
		if b.own(c, e) {
			return nil
		}
		from, err := b.member(c)
		if err != nil {
			return err
		}
		_, err = c.SendText(ctx, answer(t.Text), nexmo.From(from))
		return err
	})
	nexmo.On(c, func(ctx context.Context, e *nexmo.Event, d *nexmo.AudioDTMF) error {
		if b.own(c, e) {
			return nil
		}
		_, err := c.Say(ctx, nexmo.AudioSay{Text: "You pressed " + strings.Join(strings.Split(d.Digits, ""), ", ") + "."})
		return err
	})
}

// say greets in the way in which a member takes part: aloud in a call, in writing
// elsewhere.
func (b *bot) say(ctx context.Context, c *nexmo.Conversation, to nexmo.Member, text string) error {
	if to.Channel != nil && (to.Channel.Type == nexmo.ChannelTypePhone || to.Channel.ID != "") {
		_, err := c.Say(ctx, nexmo.AudioSay{Text: text})
		return err
	}
	_, err := c.SendMessage(ctx, nexmo.TextMessage(text))
	return err
}

// member is the bot's own member of a conversation.
func (b *bot) member(c *nexmo.Conversation) (string, error) {
	for m := range c.Members() {
		if m.UserID == b.me.ID && m.State == nexmo.MemberStateJoined {
			return m.ID, nil
		}
	}
	return "", errors.New("the bot has not joined the conversation")
}

// own reports whether the bot caused an event: they come back like everybody's. Not
// every event names the user.
func (b *bot) own(c *nexmo.Conversation, e *nexmo.Event) bool {
	if e.FromUser != nil {
		return e.FromUser.ID == b.me.ID
	}
	member, _ := c.Member(e.From)
	return member.UserID == b.me.ID
}

// answer is what there is to say to a text.
func answer(text string) string {
	switch text = strings.TrimSpace(text); {
	case strings.EqualFold(text, "time"):
		return "It is " + time.Now().UTC().Format("15:04") + " UTC."
	case strings.HasSuffix(text, "?"):
		return "Good question."
	default:
		return "You said: " + text
	}
}

// name is what to call a member: a caller has no name but a number.
func name(m nexmo.Member) string {
	switch {
	case m.DisplayName != "":
		return m.DisplayName
	case m.Channel != nil && m.Channel.From != nil && m.Channel.From.Number != "":
		return m.Channel.From.Number
	default:
		return cmp.Or(m.UserName, "you there")
	}
}
