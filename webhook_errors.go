package nexmo

import (
	"errors"
)

// Why a webhook was refused. A handler logs which it was; the sender is told
// nothing but a status.
var (
	// ErrNoSecret says that Secrets is empty, or that one of them is.
	ErrNoSecret = errors.New("nexmo: Verifier: Secrets: give the signature secret of the account; an empty one verifies nothing")
	// ErrNoToken says that there is no Authorization header: the callbacks are not
	// signed, or something on the way has taken it.
	ErrNoToken = errors.New("nexmo: webhook: no Authorization header")
	// ErrToken says that the header is not one Bearer token, or that the token is not
	// three parts of strict base64url and JSON with an iat, or larger than 8 KiB.
	ErrToken = errors.New("nexmo: webhook: the token is malformed")
	// ErrAlgorithm says that the alg of the token is not HS256.
	ErrAlgorithm = errors.New("nexmo: webhook: the token is not signed with HS256")
	// ErrSignature says that the token was signed with none of the Secrets.
	ErrSignature = errors.New("nexmo: webhook: the signature is wrong")
	// ErrIssuer says that the iss of the token is not Vonage.
	ErrIssuer = errors.New("nexmo: webhook: the token is of another issuer")
	// ErrExpired says that the iat of the token is older than MaxAge, or that its exp,
	// if it has one, has passed.
	ErrExpired = errors.New("nexmo: webhook: the token is too old: the time that MaxAge allows has passed")
	// ErrNotYetValid says that the iat of the token is more than Leeway ahead, or that
	// its nbf, if it has one, is ahead.
	ErrNotYetValid = errors.New("nexmo: webhook: the token is of the future: more than Leeway away")
	// ErrPayloadHash says that the payload_hash of the token is missing, or is not that
	// of the body: something has changed the body on the way.
	ErrPayloadHash = errors.New("nexmo: webhook: the token is for another payload")
	// ErrAccount says that the api_key or application_id of the token is not that of
	// APIKey or ApplicationID.
	ErrAccount = errors.New("nexmo: webhook: the token is of another account or application")
	// ErrReplay says that the token has brought an event before; see RememberTokens of
	// [WebhookHandler].
	ErrReplay = errors.New("nexmo: webhook: the token was used before")
	// ErrTooLarge says that the body, or the query of a GET, is larger than MaxBody.
	ErrTooLarge = errors.New("nexmo: webhook: the body is larger than MaxBody allows")
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
