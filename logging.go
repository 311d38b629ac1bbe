package nexmo

import "log/slog"

// WithLogger has l told of what is dropped, missing or failing, with the
// attributes conversation_id, event_id and event_type; and, given to [NewClient], of
// requests that are tried again. Content of events is not logged, nor are tokens.
// The default is to log nothing.
func WithLogger(l *slog.Logger) LoggerOption {
	if l == nil {
		l = discard
	}
	return loggerOption{l}
}

// LoggerOption is an option of whatever logs; see [WithLogger].
type LoggerOption interface {
	ConversationOption
	ConnectionOption
}

type loggerOption struct{ log *slog.Logger }

func (o loggerOption) applyConversation(c *config)           { c.log = o.log }
func (o loggerOption) applyApplication(c *applicationConfig) { c.log = o.log }
func (o loggerOption) applyClient(c *clientConfig)           { c.log = o.log }
func (o loggerOption) applySession(c *sessionConfig)         { c.client.log = o.log }

var discard = slog.New(slog.DiscardHandler)
