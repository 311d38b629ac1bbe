package nexmo

import (
	"errors"
)

// Why a webhook was refused. A handler logs which it was; the sender is told
// nothing but a status.
var (
	// ErrWebhookNoSecret says that Secrets is empty, or that one of them is.
	ErrWebhookNoSecret = errors.New("nexmo: Verifier: Secrets: give the signature secret of the account; an empty one verifies nothing")
	// ErrWebhookNoToken says that there is no Authorization header: the callbacks are not
	// signed, or something on the way has taken it.
	ErrWebhookNoToken = errors.New("nexmo: webhook: no Authorization header")
	// ErrWebhookToken says that the header is not one Bearer token, or that the token is not
	// three parts of strict base64url and JSON with an iat, or larger than 8 KiB.
	ErrWebhookToken = errors.New("nexmo: webhook: the token is malformed")
	// ErrWebhookAlgorithm says that the alg of the token is not HS256.
	ErrWebhookAlgorithm = errors.New("nexmo: webhook: the token is not signed with HS256")
	// ErrWebhookSignature says that the token was signed with none of the Secrets.
	ErrWebhookSignature = errors.New("nexmo: webhook: the signature is wrong")
	// ErrWebhookIssuer says that the iss of the token is not Vonage.
	ErrWebhookIssuer = errors.New("nexmo: webhook: the token is of another issuer")
	// ErrWebhookExpired says that the iat of the token is older than MaxAge, or that its exp,
	// if it has one, has passed.
	ErrWebhookExpired = errors.New("nexmo: webhook: the token is too old: the time that MaxAge allows has passed")
	// ErrWebhookNotYetValid says that the iat of the token is more than Leeway ahead, or that
	// its nbf, if it has one, is ahead.
	ErrWebhookNotYetValid = errors.New("nexmo: webhook: the token is of the future: more than Leeway away")
	// ErrWebhookPayloadHash says that the payload_hash of the token is missing, or is not that
	// of the body: something has changed the body on the way.
	ErrWebhookPayloadHash = errors.New("nexmo: webhook: the token is for another payload")
	// ErrWebhookAccount says that the api_key or application_id of the token is not that of
	// APIKey or ApplicationID.
	ErrWebhookAccount = errors.New("nexmo: webhook: the token is of another account or application")
	// ErrWebhookReplay says that the token has brought an event before; see RememberTokens of
	// [WebhookHandler].
	ErrWebhookReplay = errors.New("nexmo: webhook: the token was used before")
	// ErrWebhookTooLarge says that the body, or the query of a GET, is larger than MaxBody.
	ErrWebhookTooLarge = errors.New("nexmo: webhook: the body is larger than MaxBody allows")
)

// Reasons of an answer that is not about the token.
var (
	errBusy      = errors.New("nexmo: webhook: MaxConcurrent events are under way")
	errDraining  = errors.New("nexmo: webhook: the handler is being drained")
	errSameToken = errors.New("nexmo: webhook: an event with the same token is under way")
	errMethod    = errors.New("nexmo: webhook: the method is neither POST nor GET")
	errSlowBody  = errors.New("nexmo: webhook: the body did not come in time")
	errSlow      = errors.New("nexmo: webhook: the handlers took longer than Timeout")
	errNoSink    = errors.New("nexmo: WebhookHandler: Sink is nil: give an Application or a Conversation")
	errUnsigned  = errors.New("nexmo: WebhookHandler: Verifier is nil: give one, or set AllowUnsigned to accept events from anybody")
)
