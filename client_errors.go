package nexmo

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// What an [*APIError] is, by its status. ErrInvalid is also what a request is
// that is not sent, because the documentation says that it would be refused.
var (
	ErrInvalid      = errors.New("nexmo: the request is invalid")  // 400 and 422
	ErrUnauthorized = errors.New("nexmo: unauthorized")            // 401
	ErrNotFound     = errors.New("nexmo: not found")               // 404
	ErrConflict     = errors.New("nexmo: in conflict with others") // 409
	ErrRateLimited  = errors.New("nexmo: too many requests")       // 429
)

// ErrorCode says precisely what the service refused. Unknown words are kept.
type ErrorCode string

// The codes that a program is likely to act on. There are many more; all can be
// compared as text.
const (
	ErrorCodeInvalidToken     ErrorCode = "system:error:invalid-token"           // 401
	ErrorCodeExpiredToken     ErrorCode = "system:error:expired-token"           //nolint:gosec // no token
	ErrorCodeMissingToken     ErrorCode = "system:error:missing-token"           // 401
	ErrorCodePermission       ErrorCode = "system:error:permission"              // the ACL of the token does not allow it
	ErrorCodePermissionDenied ErrorCode = "conversation:error:permission-denied" // an expired token, or one of another application

	ErrorCodeConversationNotFound      ErrorCode = "conversation:error:not-found"                 // 404; or it lives in another region
	ErrorCodeConversationDuplicateName ErrorCode = "conversation:error:duplicate-name"            // 409
	ErrorCodeConversationNotAllowed    ErrorCode = "conversation:error:not-allowed"               // its state is INACTIVE
	ErrorCodeConversationFull          ErrorCode = "conversation:error:maximum-number-of-members" // there are 100 members
	ErrorCodeInvalidChannel            ErrorCode = "conversation:error:invalid-channel"           // the Channel of a member is not one the service takes
	ErrorCodeInvalidEvent              ErrorCode = "conversation:error:invalid-event"             // the body of an event is not as documented

	ErrorCodeMemberNotFound       ErrorCode = "conversation:error:member-not-found"         // 404
	ErrorCodeMemberAlreadyJoined  ErrorCode = "conversation:error:member-already-joined"    // by the same channel
	ErrorCodeMemberAlreadyInvited ErrorCode = "conversation:error:member-already-invited"   // by the same channel
	ErrorCodeInvalidMemberState   ErrorCode = "conversation:error:invalid-member-state"     // such as to leave twice
	ErrorCodeMemberPermission     ErrorCode = "conversation:error:member:permission-denied" // not with the tokens of this user

	ErrorCodeEventNotFound         ErrorCode = "event:error:not-found"          // 404
	ErrorCodeEventUnknown          ErrorCode = "event:error:unknown-event"      // a type that cannot be made
	ErrorCodeEventNotJoined        ErrorCode = "event:error:not-joined"         // the member that it is from has not joined
	ErrorCodeEventPermission       ErrorCode = "event:error:permission-denied"  // not with the tokens of this user
	ErrorCodeEventDeleteNotAllowed ErrorCode = "event:error:delete-not-allowed" // only message and custom events can be deleted

	ErrorCodeUserNotFound      ErrorCode = "user:error:not-found"         // 404; or it lives in another region
	ErrorCodeUserDuplicateName ErrorCode = "user:error:duplicate-name"    // 409
	ErrorCodeInvalidUserName   ErrorCode = "user:error:invalid-user-name" // me, or one that begins with USR-

	ErrorCodeValidation         ErrorCode = "http:error:validation-fail"                    // 400; see InvalidParameters
	ErrorCodeRouteNotFound      ErrorCode = "http:error:not-found"                          // 404; no such path
	ErrorCodeTooManyRequests    ErrorCode = "http:error:too-many-request"                   // 429
	ErrorCodeInvalidCursor      ErrorCode = "paginator-builder:error:invalid-cursor"        // not one of this list
	ErrorCodeCustomDataTooLarge ErrorCode = "custom-data:error:max-data-limit"              // the limit is not documented
	ErrorCodeCustomDataSum      ErrorCode = "custom-data:error:max-data-sum-limit-exceeded" // of all there is; the limit is not documented
	ErrorCodeEphemeralTooLarge  ErrorCode = "ephemeral:error:max-data-limit"                // the limit is not documented
	ErrorCodeSessionNotFound    ErrorCode = "session:error:not-found"                       // 404
)

// APIError is an answer of the service that is no success, in whichever of its
// styles. With [errors.Is] it matches the sentinel of its status, such as
// [ErrNotFound]; the status is what counts, whatever the title says.
type APIError struct {
	Op                string             // what was tried, such as "create member"
	Status            int                // of HTTP
	Code              ErrorCode          // "" when the answer has none
	Title             string             // may be that of another status
	Detail            string             // with the reason of version 0.1, if there is one; may be empty
	Type              string             // usually the address of a page
	Instance          string             // what support asks for
	InvalidParameters []InvalidParameter // which parts of the request were refused; may be empty
	RetryAfter        time.Duration      // that the service asked for, or 0
	Attempts          int                // how often it was tried
	MaybeApplied      bool               // an earlier attempt may have been carried out
	Header            http.Header        // of the answer
	Body              []byte             // as it came: JSON, HTML or nothing
}

// InvalidParameter is a part of a request that the service refused.
type InvalidParameter struct {
	Name   string // of the field or parameter
	Reason string // may repeat what was sent
}

// Error names the status, the code, the title and what is invalid, but neither
// Detail nor a reason, which may repeat what was sent.
func (e *APIError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "nexmo: %s: %d", e.Op, e.Status)
	if text := http.StatusText(e.Status); text != "" {
		b.WriteString(" " + text)
	}
	if e.Code != "" {
		fmt.Fprintf(&b, ": %s", e.Code)
	}
	if e.Title != "" {
		b.WriteString(": " + e.Title)
	}
	for i, p := range e.InvalidParameters {
		sep := ", "
		if i == 0 {
			sep = ": see "
		}
		b.WriteString(sep + p.Name)
	}
	if e.Instance != "" {
		fmt.Fprintf(&b, " (instance %s)", e.Instance)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, " (after %d attempts)", e.Attempts)
	}
	return b.String()
}

// Is reports whether target is the sentinel of the status.
func (e *APIError) Is(target error) bool {
	switch e.Status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		return target == ErrInvalid
	case http.StatusUnauthorized:
		return target == ErrUnauthorized
	case http.StatusNotFound:
		return target == ErrNotFound
	case http.StatusConflict:
		return target == ErrConflict
	case http.StatusTooManyRequests:
		return target == ErrRateLimited
	default:
		return false
	}
}

// CodeOf returns the code of an [*APIError] in err, or "".
func CodeOf(err error) ErrorCode {
	if e, ok := errors.AsType[*APIError](err); ok {
		return e.Code
	}
	return ""
}

// expired reports whether a fresh token may help.
func (e *APIError) expired() bool {
	return e.Status == http.StatusUnauthorized && (e.Code == ErrorCodeExpiredToken || e.Code == "jwt-expired")
}

// newAPIError reads every style of error that the service and what is in front of
// it have.
func newAPIError(op string, resp *http.Response, body []byte) *APIError {
	e := &APIError{Op: op, Status: resp.StatusCode, Header: resp.Header, Body: body, RetryAfter: retryAfter(resp.Header, time.Now())}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil {
		return e
	}
	text := func(names ...string) string {
		for _, name := range names {
			var s string
			if json.Unmarshal(fields[name], &s) == nil && s != "" {
				return s
			}
		}
		return ""
	}
	e.Type = text("type")
	e.Title = text("title", "error_title", "error-code-label", "Error", "message")
	e.Detail = text("detail", "description")
	e.Instance = text("instance")
	e.Code = ErrorCode(text("code", "error-code"))
	if n := fields["error-code"]; e.Code == "" && json.Unmarshal(n, new(int)) == nil {
		e.Code = ErrorCode(n)
	}
	if e.Code == "" {
		// Some styles have the code in the fragment of the type, or as the type.
		_, fragment, ok := strings.Cut(e.Type, "#")
		switch {
		case ok:
			e.Code = ErrorCode(fragment)
		case !strings.Contains(e.Type, "/") && e.Type != "about:blank":
			e.Code = ErrorCode(e.Type)
		}
	}
	e.InvalidParameters = invalidParameters(fields["invalid_parameters"])
	if e.InvalidParameters == nil {
		e.InvalidParameters = invalidParameters(fields["validation"])
	}
	if reason := text("error"); reason != "" { // version 0.1: the description says less
		e.Detail = strings.TrimSpace(e.Detail + " " + reason)
		if name := refusedField.FindStringSubmatch(reason); name != nil && e.InvalidParameters == nil {
			e.InvalidParameters = []InvalidParameter{{name[1], reason}}
		}
	}
	return e
}

// refusedField finds the field that a reason is about, as in "display_name" may not be empty.
var refusedField = regexp.MustCompile(`^"([a-z][a-zA-Z0-9_.]{0,63})" `)

// invalidParameters reads a list of names and reasons, or an object of them. A
// reason that is no text is kept as its JSON.
func invalidParameters(data json.RawMessage) []InvalidParameter {
	var items []json.RawMessage
	var byName map[string]json.RawMessage
	var list []InvalidParameter
	switch {
	case json.Unmarshal(data, &items) == nil:
		for _, item := range items {
			var p struct {
				Name   string          `json:"name"`
				Reason json.RawMessage `json:"reason"`
			}
			if json.Unmarshal(item, &p) != nil {
				p.Name = reasonText(item)
			}
			list = append(list, InvalidParameter{p.Name, reasonText(p.Reason)})
		}
	case json.Unmarshal(data, &byName) == nil:
		for _, name := range slices.Sorted(maps.Keys(byName)) {
			list = append(list, InvalidParameter{name, reasonText(byName[name])})
		}
	}
	return list
}

func reasonText(data json.RawMessage) string {
	var text string
	if json.Unmarshal(data, &text) == nil {
		return text
	}
	return string(data)
}
