package nexmo

import "errors"

// ErrWebhookNotAuthentic is matched by every error that says why a webhook is not
// authentic, so that [WebhookHandler] answers it 401:
//
//	if errors.Is(err, nexmo.ErrWebhookNotAuthentic) {
//		return nil // not from the service, not for us, or too late: drop it
//	}
var ErrWebhookNotAuthentic = errors.New("nexmo: webhook: not authentic")

// Why a webhook is not authentic. Each matches [ErrWebhookNotAuthentic] too. The log
// of a [WebhookHandler] says which it was; the sender receives only the status.
var (
	// ErrWebhookNoToken means that there is no Authorization header. The callbacks are not
	// signed, or a proxy removed the header.
	ErrWebhookNoToken = notAuthentic("no Authorization header")
	// ErrWebhookToken means that the header is not one Bearer token, or the token is larger than
	// 8 KiB, or it is not three parts of strict base64url and JSON with an iat.
	ErrWebhookToken = notAuthentic("the token is malformed")
	// ErrWebhookAlgorithm means that the alg of the token is not HS256.
	ErrWebhookAlgorithm = notAuthentic("the token is not signed with HS256")
	// ErrWebhookSignature means that none of Verifier.Secrets signed the token.
	ErrWebhookSignature = notAuthentic("the signature is wrong")
	// ErrWebhookIssuer means that the iss of the token is not Vonage.
	ErrWebhookIssuer = notAuthentic("the issuer of the token is not Vonage")
	// ErrWebhookExpired means that the iat of the token is more than Verifier.MaxAge ago, or its
	// exp, if there is one, has passed.
	ErrWebhookExpired = notAuthentic("token expired")
	// ErrWebhookNotYetValid means that the iat of the token is more than Verifier.Leeway ahead, or
	// its nbf, if there is one, is ahead.
	ErrWebhookNotYetValid = notAuthentic("token not valid yet")
	// ErrWebhookPayloadHash means that the payload_hash of the token is missing, or it is not the
	// hash of the payload. Something between the service and here changed the payload.
	ErrWebhookPayloadHash = notAuthentic("payload_hash of the token does not match the payload")
	// ErrWebhookAccount means that the api_key or application_id of the token is not
	// Verifier.APIKey or Verifier.ApplicationID.
	ErrWebhookAccount = notAuthentic("the token is for another account or application")
	// ErrWebhookReplay means that an event with this token was handled before. See
	// WebhookHandler.RememberTokens.
	ErrWebhookReplay = notAuthentic("the token was used before")
)

// Errors of a webhook that are not about its authenticity.
var (
	// ErrWebhookNoSecret means that Verifier.Secrets is empty, or one of them is.
	ErrWebhookNoSecret = errors.New("nexmo: webhook: no signature secret: Verifier.Secrets is empty, or holds an empty secret")
	// ErrWebhookTooLarge means that the body, or the query of a GET, is larger than
	// Verifier.MaxBody.
	ErrWebhookTooLarge = errors.New("nexmo: webhook: the body is larger than Verifier.MaxBody")
)

// Why [WebhookHandler] did not handle a webhook, besides.
var (
	errBusy      = errors.New("nexmo: webhook: MaxConcurrent events are under way")
	errDraining  = errors.New("nexmo: webhook: the handler is being drained")
	errSameToken = errors.New("nexmo: webhook: an event with the same token is under way")
	errMethod    = errors.New("nexmo: webhook: the method is neither POST nor GET")
	errQuery     = errors.New("nexmo: webhook: the query is malformed")
	errSlowBody  = errors.New("nexmo: webhook: the body did not arrive within Timeout")
	errSlow      = errors.New("nexmo: webhook: the handlers took longer than Timeout")
	errNoSink    = errors.New("nexmo: WebhookHandler: Sink is nil: set it to an Application or a Conversation")
	errUnsigned  = errors.New("nexmo: WebhookHandler: Verifier is nil: set it, or set AllowUnsigned to accept events from anybody")
)

// notAuthentic makes an error that matches [ErrWebhookNotAuthentic].
func notAuthentic(reason string) error { return &notAuthenticError{reason} }

type notAuthenticError struct{ reason string }

func (e *notAuthenticError) Error() string { return "nexmo: webhook: " + e.reason }

func (e *notAuthenticError) Unwrap() error { return ErrWebhookNotAuthentic }
