package nexmo

import (
	"context"
	"log/slog"
)

// WithLogger has l told of what is dropped, missing or failing, with the
// attributes conversation_id, event_id and event_type; and, given to [NewClient], of
// requests that are tried again. Content of events is not logged, nor are tokens.
// The default is to log nothing.
func WithLogger(l *slog.Logger) LoggerOption {
	if l == nil {
		l = discard
	}
	return loggerOption{guard(l)}
}

// LoggerOption is an option of whatever logs; see [WithLogger].
type LoggerOption interface {
	ConversationOption
	ConnectionOption
	ReplayOption
}

type loggerOption struct{ log *slog.Logger }

func (o loggerOption) applyConversation(c *config)           { c.log = o.log }
func (o loggerOption) applyApplication(c *applicationConfig) { c.log = o.log }
func (o loggerOption) applyClient(c *clientConfig)           { c.log = o.log }
func (o loggerOption) applyReplay(c *replayConfig)           { c.log = o.log }
func (o loggerOption) applySession(c *sessionConfig)         { c.client.log = o.log }

var discard = slog.New(slog.DiscardHandler)

// log writes a record about an event of the conversation: what it is, and nothing of its content.
func (c *Conversation) log(ctx context.Context, level slog.Level, msg string, e *Event, more ...slog.Attr) {
	if !c.cfg.log.Enabled(ctx, level) {
		return
	}
	c.cfg.log.LogAttrs(ctx, level, msg, append(more,
		slog.String("conversation_id", c.id),
		slog.Int64("event_id", int64(e.ID)),
		slog.String("event_type", string(e.Type)))...)
}

// guard returns l with a handler whose panics cost the record and no more. They are logged
// to [slog.Default].
func guard(l *slog.Logger) *slog.Logger {
	if _, ok := l.Handler().(guardedHandler); ok {
		return l
	}
	return slog.New(guardedHandler{l.Handler()})
}

// guardedHandler is a handler that others wrote.
type guardedHandler struct{ slog.Handler }

func (h guardedHandler) Enabled(ctx context.Context, level slog.Level) (enabled bool) {
	defer h.caught()
	return h.Handler.Enabled(ctx, level)
}

func (h guardedHandler) Handle(ctx context.Context, r slog.Record) (err error) {
	defer h.caught()
	return h.Handler.Handle(ctx, r)
}

func (h guardedHandler) caught() {
	if v := recover(); v != nil {
		defer func() { _ = recover() }() // it is the handler of the default logger, too
		slog.Default().Error("nexmo: the handler of a logger panicked: a record of the log is lost")
	}
}
