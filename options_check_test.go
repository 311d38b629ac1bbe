package nexmo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestNilOptions: a nil option panics, with the constructor and the position.
func TestNilOptions(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	client := expectingClient(t)
	conversation := nexmo.NewConversation("CON-1", nexmo.WithClient(client))
	from := nexmo.From("MEM-1")
	for want, call := range map[string]func(){
		"nexmo: NewClient: option 1 is nil":              func() { _, _ = nexmo.NewClient(secretTokens, nil) },
		"nexmo: Dial: option 2 is nil":                   func() { _, _ = nexmo.Dial(ctx, secretTokens, nexmo.WithDeliveryReceipts(), nil) },
		"nexmo: NewCredentials: option 2 is nil":         func() { _, _ = nexmo.NewCredentials("app", nil, nexmo.WithTokenTTL(0), nil) },
		"nexmo: NewCredentialsFromFile: option 1 is nil": func() { _, _ = nexmo.NewCredentialsFromFile("app", "no.key", nil) },
		"nexmo: Client.CreateEvent: option 2 is nil":     func() { _, _ = client.CreateEvent(ctx, "CON-1", &nexmo.Ephemeral{}, from, nil) },
		"nexmo: Conversation.Send: option 1 is nil":      func() { _, _ = conversation.Send(ctx, &nexmo.Ephemeral{}, nil) },
		"nexmo: Conversation.Say: option 1 is nil":       func() { _, _ = conversation.Say(ctx, nexmo.AudioSay{Text: "a"}, nil) },
		"nexmo: Conversation.Mute: option 1 is nil":      func() { _ = conversation.Mute(ctx, "MEM-1", nil) },
		"nexmo: Conversation.MarkSeen: option 2 is nil":  func() { _ = conversation.MarkSeen(ctx, nil, from, nil) },
		"nexmo: Session.OnState: the function is nil":    func() { new(nexmo.Session).OnState(nil) },
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if diff := cmp.Diff(any(want), recover()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}()
			call()
		})
	}
}
