package nexmo

import "time"

// ApplicationOption is an option of [NewApplication].
type ApplicationOption interface {
	applyApplication(c *applicationConfig)
}

// applicationConfig is what the options of an application say.
type applicationConfig struct {
	config
	maxConversations int
	idle             time.Duration
	unloaded         bool
}

var defaultApplicationConfig = applicationConfig{
	config:           defaultConfig,
	maxConversations: 1 << 16,
	idle:             24 * time.Hour,
}

type applicationOption func(*applicationConfig)

func (o applicationOption) applyApplication(c *applicationConfig) { o(c) }

// WithoutLoading has an application with a [Client] ask nothing about conversations
// by itself.
func WithoutLoading() ApplicationOption {
	return applicationOption(func(c *applicationConfig) { c.unloaded = true })
}

// WithMaxConversations says how many conversations an application keeps; the
// ones that were quiet longest are let go first, deleted ones before others. The
// default is 65,536, and 1 the least. One that has events under way or held back, or that
// [Conversation.Sync], [Conversation.Load] or [Replay] reads into, is kept.
func WithMaxConversations(n int) ApplicationOption {
	return applicationOption(func(c *applicationConfig) { c.maxConversations = max(n, 1) })
}

// WithIdleTimeout says for how long a conversation may be quiet before an
// application lets it go. The default is the 24 hours for which webhooks are
// retried.
func WithIdleTimeout(d time.Duration) ApplicationOption {
	return applicationOption(func(c *applicationConfig) { c.idle = d })
}
