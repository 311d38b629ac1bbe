package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// story is what the handlers tell, from several goroutines, on out.
type story struct {
	mu  sync.Mutex
	out io.Writer
}

// Write is for the log, which is part of the story.
func (s *story) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Write(p)
}

func (s *story) printf(format string, args ...any) { fmt.Fprintf(s, format, args...) }

// listen registers the handlers: on the application for what happens outside of
// conversations, and on each conversation when it is first heard of.
func (s *story) listen(app *nexmo.Application) {
	nexmo.On(app, func(_ context.Context, _ *nexmo.Event, b *nexmo.AppKnocking) error {
		s.printf("  %s is calling %s\n", b.Channel.From.Number, b.Channel.To.Number)
		return nil
	})
	app.OnConversation(func(c *nexmo.Conversation) {
		name := func(memberID string) string { return nameOf(c, memberID) }
		c.On("member:joined", func(_ context.Context, e *nexmo.Event) error {
			member, _ := c.Member(e.MemberID())
			s.printf("  %s joined by %s\n", name(member.ID), member.Channel.Type)
			return nil
		})
		c.On("member:left", func(_ context.Context, e *nexmo.Event) error {
			s.printf("  %s left\n", name(e.MemberID()))
			return nil
		})
		c.On("text:typing:on", func(_ context.Context, e *nexmo.Event) error {
			s.printf("  %s is typing …\n", name(e.From))
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.Text) error {
			s.printf("  %s: %q\n", name(e.From), b.Text)
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.Message) error {
			s.printf("  %s: %q\n", name(e.From), b.Text)
			return nil
		})
		nexmo.On(c, func(_ context.Context, _ *nexmo.Event, b *nexmo.AudioSay) error {
			s.printf("  a voice: %q\n", b.Text)
			return nil
		})
		nexmo.On(c, func(_ context.Context, e *nexmo.Event, b *nexmo.AudioDTMF) error {
			s.printf("  %s pressed %s\n", name(e.From), b.Digits)
			return nil
		})
		nexmo.On(c, func(_ context.Context, _ *nexmo.Event, b *nexmo.AudioRecordDone) error {
			s.printf("  the call was recorded, as %s\n", b.Format)
			return nil
		})
		nexmo.On(c, func(_ context.Context, _ *nexmo.Event, b *nexmo.SIPStatus) error {
			s.printf("  the call is over and cost %s\n", b.Price)
			return nil
		})
		nexmo.OnCustom(c, "order-paid", func(_ context.Context, _ *nexmo.Event, b *order) error {
			s.printf("  order %d (%s) is paid\n", b.Order, b.Bike)
			return nil
		})
	})
}

// order is the body of the application's own event, custom:order-paid.
type order struct {
	Order int    `json:"order"`
	Bike  string `json:"bike"`
}

// nameOf is what to call a member: a caller has no name but a number.
func nameOf(c *nexmo.Conversation, memberID string) string {
	m, _ := c.Member(memberID)
	if m.Channel != nil && m.Channel.Type == nexmo.ChannelTypePhone {
		return m.Channel.From.Number
	}
	return m.DisplayName
}

// log is for what the application has to report. It leaves out what is never the
// same twice.
func (s *story) log() *slog.Logger {
	return slog.New(slog.NewTextHandler(s, &slog.HandlerOptions{
		Level: slog.LevelDebug, // duplicates are nothing to worry about
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "conversation_id" {
				return slog.Attr{}
			}
			return a
		},
	}))
}

// recount goes through the conversation once more, and compares what was handled
// with what was posted.
func (s *story) recount(service *nexmotest.Server, c *nexmo.Conversation) {
	s.printf("\nIn the end:\n")
	posted := map[nexmo.EventID]int{}
	for _, w := range service.Webhooks() {
		if w.ConversationID == c.ID() && w.Accepted() {
			posted[w.EventID]++
		}
	}
	for id, e := range c.Events() {
		switch posted[id] {
		case 0:
			s.printf("  event %d, %s, was never posted: it was fetched over REST, and handled in its place\n", id, e.Type)
		case 1:
		default:
			s.printf("  event %d, %s, was posted twice: it was handled once\n", id, e.Type)
		}
	}
}
