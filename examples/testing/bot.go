// Package bot is a small bot, and its tests are what this example is about: they
// run it against package nexmotest, which plays the service.
package bot

import (
	"context"

	"github.com/conversation-events/nexmo"
)

// menu is what the bot says when a key is pressed.
var menu = map[string]string{
	"1": "We are open from nine to five.",
	"2": "Your tandem is ready.",
}

// New returns a bot that welcomes whoever joins, and answers keys that callers
// press. It lives in all conversations of the application.
func New(client *nexmo.Client) *nexmo.Application {
	app := nexmo.NewApplication("", nexmo.WithClient(client))
	app.OnConversation(func(c *nexmo.Conversation) {
		c.On("member:joined", func(ctx context.Context, e *nexmo.Event) error {
			member, _ := c.Member(e.MemberID())
			name := member.UserName
			if member.Channel != nil && member.Channel.Type == nexmo.ChannelTypePhone {
				name = "caller" // who has a name that the service made up
			}
			_, err := c.SendMessage(ctx, nexmo.TextMessage("Welcome, "+name+"!"))
			return err
		})
		nexmo.On(c, func(ctx context.Context, _ *nexmo.Event, b *nexmo.AudioDTMF) error {
			text, ok := menu[b.Digits]
			if !ok {
				text = "Please press 1 or 2."
			}
			_, err := c.Say(ctx, nexmo.AudioSay{Text: text})
			return err
		})
	})
	return app
}
