package nexmo

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Why a session is over, or did not begin, as far as a program decides by it.
var (
	// ErrSessionInvalid is a [*SessionError] that says that the session cannot be
	// resumed: it was logged out, or is too old.
	ErrSessionInvalid = errors.New("nexmo: the session cannot be resumed")
	// ErrSessionTerminated is a [*SessionError] that says that the service has ended
	// the session.
	ErrSessionTerminated = errors.New("nexmo: the session was terminated")
	// ErrTooManySessions is a [*SessionError] that says that the user has as many
	// sessions as there may be.
	ErrTooManySessions = errors.New("nexmo: the user has too many sessions")
	// ErrSessionDisconnected says that the service has sent the session away, as it
	// does when its token has expired. With a new token, Dial and [WithResume]
	// continue it.
	ErrSessionDisconnected = errors.New("nexmo: session: disconnected by the service: the token may have expired")
	// ErrReconnect says that the connection was lost and could not be made again.
	ErrReconnect = errors.New("nexmo: session: the connection was lost and could not be made again")
)

// The codes of a [SessionError] that a program is likely to act on, besides those
// of an [*APIError], such as [ErrorCodeExpiredToken].
const (
	ErrorCodeSessionInvalid      ErrorCode = "session:invalid"                 // it cannot be resumed
	ErrorCodeSessionErrorInvalid ErrorCode = "session:error:invalid"           // it cannot be resumed; another word for it
	ErrorCodeSessionTerminated   ErrorCode = "session:terminated"              // the service has ended it
	ErrorCodeSessionLoggedOut    ErrorCode = "session:logged-out"              // it was logged out
	ErrorCodeTooManySessions     ErrorCode = "session:error:max-open-sessions" // of this user
	ErrorCodeInvalidUser         ErrorCode = "user:error:invalid-user"         // the user of the token does not exist
	ErrorCodeConnectError        ErrorCode = "connect_error"                   // refused before there was a word about the session
)

// SessionError is what the service says against a session, or in one. With
// [errors.Is] it matches [ErrSessionInvalid], [ErrSessionTerminated] or
// [ErrTooManySessions], and [ErrUnauthorized] if the token or its user is no good.
type SessionError struct {
	Code        ErrorCode // the name of the event that said so
	Description string    // may be empty
}

// Error names the code, not the Description, which may repeat what was sent.
func (e *SessionError) Error() string { return "nexmo: session: " + string(e.Code) }

// Is reports whether target is the sentinel of the code.
func (e *SessionError) Is(target error) bool {
	switch e.Code {
	case ErrorCodeSessionInvalid, ErrorCodeSessionErrorInvalid:
		return target == ErrSessionInvalid
	case ErrorCodeSessionTerminated, ErrorCodeSessionLoggedOut:
		return target == ErrSessionTerminated
	case ErrorCodeTooManySessions:
		return target == ErrTooManySessions
	case ErrorCodeExpiredToken, ErrorCodeInvalidToken, ErrorCodeMissingToken, ErrorCodeInvalidUser:
		return target == ErrUnauthorized
	default:
		return false
	}
}

// newSessionError reads an event that says what is wrong.
func newSessionError(name string, data []byte) *SessionError {
	var said struct {
		Description string `json:"description"`
		Body        struct {
			Description string `json:"description"`
		} `json:"body"`
	}
	_ = json.Unmarshal(data, &said) // the name says enough
	e := &SessionError{Code: ErrorCode(strings.Clone(name)), Description: said.Body.Description}
	if e.Description == "" {
		e.Description = said.Description
	}
	return e
}

// reconnectError is [ErrReconnect] with what the last attempt failed with.
type reconnectError struct {
	attempts int
	err      error
}

func (e *reconnectError) Error() string {
	return fmt.Sprintf("%v, after %d attempts: %v", ErrReconnect, e.attempts, e.err)
}

func (e *reconnectError) Unwrap() []error { return []error{ErrReconnect, e.err} }

// These end a connection and are not told.
var (
	errLoggedOut = errors.New("nexmo: session: logged out")
	errQueueFull = errors.New("nexmo: session: more events wait than there is room for: the connection is resumed when there is")
	errLoginTime = errors.New("nexmo: session: the service did not answer the login in time")
)
