package nexmotest

import (
	"cmp"
	"net/http"
	"strings"
)

// apiError is a refusal. How it is written depends on the generation of the
// route.
type apiError struct {
	status  int
	title   string // that of the status if empty
	code    string
	detail  string
	invalid []invalidParameter
	account bool // one of the whole account: the type has another address, and there is no code
	header  http.Header
}

// invalidParameter is one fault of a request.
type invalidParameter struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

func refuse(status int, code, detail string) *apiError {
	return &apiError{status: status, code: code, detail: detail}
}

func invalid(name, reason string) *apiError {
	return invalidParameters([]invalidParameter{{name, reason}})
}

func invalidParameters(list []invalidParameter) *apiError {
	return &apiError{status: http.StatusBadRequest, code: "http:error:validation-fail", detail: "Input validation failure.", invalid: list}
}

// Refusals that more than one place makes.
var (
	errNoConversation = refuse(http.StatusNotFound, "conversation:error:not-found", "Conversation does not exist, or you do not have access.")
	errNoMember       = refuse(http.StatusNotFound, "conversation:error:member-not-found", "Member does not exist, or you do not have access.")
	errNoEvent        = refuse(http.StatusNotFound, "event:error:not-found", "Event does not exist, or you do not have access.")
	errHasLeft        = &apiError{status: http.StatusBadRequest, title: "Conflict.", code: "conversation:error:invalid-member-state", detail: "The member has left."}
	errNotJoined      = refuse(http.StatusBadRequest, "event:error:not-joined", "The author has not joined the conversation.")
	errNoUser         = refuse(http.StatusNotFound, "user:error:not-found", "User does not exist, or you do not have access.")
	errDuplicateName  = refuse(http.StatusConflict, "conversation:error:duplicate-name", "Another conversation has this name.")
	errNoPermission   = refuse(http.StatusForbidden, "system:error:permission", "The token does not allow this.")
)

// answer is the refusal as an answer: problem details, or the object of the
// oldest generations.
func (e *apiError) answer(g generation) answer {
	a := answer{status: e.status, header: e.header, body: e.document(g)}
	if !g.old() {
		a.contentType = "application/problem+json"
	}
	return a
}

func (e *apiError) document(g generation) object {
	if g.old() {
		o := object{"code": e.code, "description": e.detail}
		if len(e.invalid) > 0 {
			fields := object{}
			for _, p := range e.invalid {
				fields[p.Name] = p.Reason
			}
			o["validation"] = fields
		}
		return o
	}
	trace := strings.ReplaceAll(newUUID(), "-", "")
	o := object{"title": cmp.Or(e.title, title(e.status)), "detail": e.detail, "instance": trace}
	switch {
	case e.account:
		o["type"] = "https://developer.vonage.com/api-errors#" + e.code
	case g == v1 && strings.HasPrefix(e.code, "user:"): // the code is in the address alone
		o["type"] = "https://developer.nexmo.com/api/conversation#" + e.code
	default:
		o["type"] = "https://developer.nexmo.com/api/conversation#" + e.code
		o["code"] = e.code
	}
	if len(e.invalid) > 0 {
		o["invalid_parameters"] = e.invalid
	}
	return o
}

// title returns the words of a status as the service writes them, such as
// "Bad request." in place of "Bad Request".
func title(status int) string {
	text := http.StatusText(status)
	return text[:1] + strings.ToLower(text[1:]) + "."
}
