package nexmo

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/conversation-events/nexmo/internal/line"
)

// ConversationOption is an option of [NewConversation]. Given to
// [NewApplication], it holds for all its conversations.
type ConversationOption interface {
	ApplicationOption
	applyConversation(c *config)
}

// config is what the options of a conversation say.
type config struct {
	app     *Application // which the conversation belongs to; nil for none
	source  Source
	client  *Client
	history int
	rules   line.Rules
	start   EventID
	onGap   func(context.Context, Gap)
	log     *slog.Logger
	trace   *Trace // nil for none
	// deadLetter is given what no retry mends; nil: the caller of Deliver is told.
	deadLetter func(context.Context, DeadLetter) error
	// failedBytes is how many bytes of failed events all conversations of an Application
	// keep; nil: there is no Application.
	failedBytes *atomic.Int64
	counters    *counters // of an Application; those without one share what nobody reads
}

var defaultConfig = config{
	rules: line.Rules{Window: 64, Wait: 2 * time.Second},
	log:   discard,

	counters: new(counters),
}

type conversationOption func(*config)

func (o conversationOption) applyConversation(c *config)           { o(c) }
func (o conversationOption) applyApplication(c *applicationConfig) { o(&c.config) }

// WithSource gives the conversation a [Source] to fetch missing events from, and
// to read with [Conversation.Sync]. It is asked when a gap is 100 milliseconds old,
// or the window is full, and read in a goroutine of its own. For each event it may
// take the time of the window, but at least a second: then its ctx ends, as it does
// with Close, and the gap is given up. A nil s is the same as no option.
func WithSource(s Source) ConversationOption {
	return conversationOption(func(c *config) { c.source, c.rules.Source = s, s != nil })
}

// WithClient gives the conversation a [Client]: it is the [Source], and the verbs
// of the conversation, such as [Conversation.SendMessage], make their requests
// with it.
//
// Given to [NewApplication], it also has every conversation loaded, as
// [Conversation.Load] does, when its first event is delivered: the members who joined
// before are known to the handlers, and what the event changed is not taken back by
// it. Whoever delivers an event of the conversation waits for that, up to ten seconds.
// If it fails the events are handled without, and it is tried again with one that
// comes a minute later. [WithoutLoading] turns it off. A nil client is the same as no option.
func WithClient(client *Client) ConversationOption {
	return conversationOption(func(c *config) {
		if c.client = client; client != nil {
			c.source, c.rules.Source = client, true
		}
	})
}

// WithHistory keeps the last n events that have an ID, whole, for
// [Conversation.Events]. Without it, or with an n below 1, none are kept.
func WithHistory(n int) ConversationOption {
	return conversationOption(func(c *config) { c.history = max(n, 0) })
}

// WithReorderWindow says how many events, and for how long, are held back while
// earlier ones are missing. When either is passed the missing ones are given up.
// The default is 64 events and 2 seconds; with 0 and 0 nothing is waited for but the
// answer of a [Source]. Behind a [WebhookHandler] the wait should be shorter than
// its Timeout.
func WithReorderWindow(events int, wait time.Duration) ConversationOption {
	return conversationOption(func(c *config) { c.rules.Window, c.rules.Wait = max(events, 0), max(wait, 0) })
}

// WithGapFunc has fn called for every [Gap] that is given up, before the event
// behind it is handled. The conversation waits for fn, whose panics are logged.
// WithGapFunc panics if fn is nil.
func WithGapFunc(fn func(context.Context, Gap)) ConversationOption {
	if fn == nil {
		panic("nexmo: WithGapFunc: the function is nil")
	}
	return conversationOption(func(c *config) { c.onGap = fn })
}

// WithStart says which ID comes first: events from id on are waited for; 1 is the
// first of all. Without it the first event that arrives sets the baseline, or
// conversation:created does. An id below 1 or above 2^40 is the same as no option. Given
// to an Application it holds for each of its conversations.
func WithStart(id EventID) ConversationOption {
	return conversationOption(func(c *config) { c.start = id })
}
