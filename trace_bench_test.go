package nexmo_test

import (
	"context"
	"testing"

	"github.com/conversation-events/nexmo"
)

// BenchmarkTrace is BenchmarkConversationInOrder and BenchmarkApplicationInOrder with a Trace
// each function of which counts.
func BenchmarkTrace(b *testing.B) {
	b.Run("conversation", func(b *testing.B) {
		benchmarkInOrder(b, nexmo.NewConversation("CON-1", nexmo.WithTrace(counting(new(int)))))
	})
	b.Run("application", func(b *testing.B) {
		benchmarkInOrder(b, nexmo.NewApplication("app", nexmo.WithTrace(counting(new(int)))))
	})
}

// counting returns a Trace each function of which counts.
func counting(n *int) *nexmo.Trace {
	return &nexmo.Trace{
		ReceiveBegin: func(ctx context.Context, _ nexmo.ReceiveTrace) context.Context { *n++; return ctx },
		ReceiveEnd:   func(context.Context, nexmo.ReceiveTrace, error) { *n++ },
		Verified:     func(context.Context, nexmo.VerifiedTrace) { *n++ },
		Refused:      func(context.Context, nexmo.RefusedTrace) { *n++ },
		Parsed:       func(context.Context, nexmo.ParsedTrace) { *n++ },
		Duplicate:    func(context.Context, nexmo.DuplicateTrace) { *n++ },
		Held:         func(context.Context, nexmo.HeldTrace) { *n++ },
		Released:     func(context.Context, nexmo.ReleasedTrace) { *n++ },
		Gap:          func(context.Context, nexmo.GapTrace) { *n++ },
		Fetched:      func(context.Context, nexmo.FetchedTrace) { *n++ },
		HandleBegin:  func(ctx context.Context, _ nexmo.HandleTrace) context.Context { *n++; return ctx },
		HandleEnd:    func(context.Context, nexmo.HandleTrace, error) { *n++ },
		HandlerBegin: func(ctx context.Context, _ nexmo.HandlerTrace) context.Context { *n++; return ctx },
		HandlerEnd:   func(context.Context, nexmo.HandlerTrace, error) { *n++ },
		DeadLetter:   func(context.Context, nexmo.DeadLetterTrace) { *n++ },
		Made:         func(context.Context, nexmo.ConversationTrace) { *n++ },
		Loaded:       func(context.Context, nexmo.ConversationTrace) { *n++ },
		Evicted:      func(context.Context, nexmo.ConversationTrace) { *n++ },
		SessionState: func(context.Context, nexmo.SessionTrace) { *n++ },
		RequestBegin: func(ctx context.Context, _ nexmo.RequestTrace) context.Context { *n++; return ctx },
		RequestEnd:   func(context.Context, nexmo.RequestTrace, error) { *n++ },
	}
}
