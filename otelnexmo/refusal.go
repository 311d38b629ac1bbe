package otelnexmo

import (
	"errors"

	"github.com/conversation-events/nexmo"
)

// refusals are the reasons why a webhook is not delivered, and what they are called.
var refusals = []struct {
	err  error
	word string
}{
	{nexmo.ErrWebhookNoToken, "no_token"},
	{nexmo.ErrWebhookToken, "token"},
	{nexmo.ErrWebhookAlgorithm, "algorithm"},
	{nexmo.ErrWebhookSignature, "signature"},
	{nexmo.ErrWebhookIssuer, "issuer"},
	{nexmo.ErrWebhookExpired, "expired"},
	{nexmo.ErrWebhookNotYetValid, "not_yet_valid"},
	{nexmo.ErrWebhookPayloadHash, "payload_hash"},
	{nexmo.ErrWebhookAccount, "account"},
	{nexmo.ErrWebhookReplay, "replay"},
	{nexmo.ErrWebhookNoSecret, "no_secret"},
	{nexmo.ErrWebhookTooLarge, "too_large"},
}

// refusal returns what the reason is called why a webhook was not delivered.
func refusal(err error) string {
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return r.word
		}
	}
	if _, ok := errors.AsType[*nexmo.PanicError](err); ok {
		return "panic"
	}
	if _, ok := errors.AsType[*nexmo.DecodeError](err); ok {
		return "no_event"
	}
	return otherWord
}
