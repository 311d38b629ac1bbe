package nexmo_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestOnWarnsOfUnknownTypes: a typing error is logged when the handler is
// registered, once and with the type; what can be received or is a pattern is not.
func TestOnWarnsOfUnknownTypes(t *testing.T) {
	t.Parallel()
	const text = "level=WARN msg=\"nexmo: a handler was registered for an event type that is not known\" event_type="
	tests := []struct {
		typ  nexmo.EventType
		want string
	}{
		{"member:jioned", text + "member:jioned\n"},
		{"tomorrow", text + "tomorrow\n"},
		{"custom", text + "custom\n"},
		{"text:typing:*", text + "text:typing:*\n"}, // not a pattern
		{"", text + "\"\"\n"},
		{"member:joined", ""},
		{"custom:order", ""},
		{"*", ""},
		{"member:*", ""},
		{"custom:*", ""},
		{"tomorrow:*", ""},
	}
	h := func(context.Context, *nexmo.Event) error { return nil }
	for _, tt := range tests {
		t.Run(string(tt.typ), func(t *testing.T) {
			t.Parallel()
			var logged bytes.Buffer
			log := nexmo.WithLogger(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{
				ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
					if a.Key == slog.TimeKey {
						return slog.Attr{}
					}
					return a
				},
			})))
			conversation, app := nexmo.NewConversation("CON-1", log), nexmo.NewApplication("", log)
			for name, on := range map[string]func(nexmo.EventType, nexmo.Handler) func(){
				"Conversation.On": conversation.On, "Conversation.Once": conversation.Once,
				"Application.On": app.On, "Application.Once": app.Once,
			} {
				logged.Reset()
				on(tt.typ, h)
				deliverAll(t, conversation, tt.typ)
				if diff := cmp.Diff(tt.want, logged.String()); diff != "" {
					t.Errorf("%s: log (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}
