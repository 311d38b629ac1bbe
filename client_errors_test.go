package nexmo_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conversation-events/nexmo"
)

// TestAPIErrors reads each style of errors.
func TestAPIErrors(t *testing.T) {
	t.Parallel()
	sentinels := []error{nexmo.ErrInvalid, nexmo.ErrUnauthorized, nexmo.ErrNotFound, nexmo.ErrConflict, nexmo.ErrRateLimited}
	tests := []struct {
		name   string
		status int
		header http.Header
		answer string
		is     error
		want   nexmo.APIError
		text   []string // that the error shows
		hidden []string // that it does not
	}{
		{
			name: "validation", status: 400, is: nexmo.ErrInvalid,
			answer: `{"title":"Bad request.","type":"https://developer.nexmo.com/api/conversation#http:error:validation-fail","code":"http:error:validation-fail","detail":"Input validation failure.","instance":"00a5916655d650e920ccf0daf40ef4ee","invalid_parameters":[{"name":"state","reason":"\"state\" must be one of [invited, joined]"}]}`,
			want: nexmo.APIError{
				Title: "Bad request.", Type: "https://developer.nexmo.com/api/conversation#http:error:validation-fail", Code: nexmo.ErrorCodeValidation, Detail: "Input validation failure.",
				Instance: "00a5916655d650e920ccf0daf40ef4ee", InvalidParameters: []nexmo.InvalidParameter{{Name: "state", Reason: `"state" must be one of [invited, joined]`}},
			},
			text: []string{"get conversation", "400", "http:error:validation-fail", "Bad request.", "state", "00a5916655d650e920ccf0daf40ef4ee"}, hidden: []string{"must be one of", "Input validation"},
		},
		{
			name: "the status counts, not the title", status: 400, is: nexmo.ErrInvalid,
			answer: `{"title":"Conflict.","code":"conversation:error:invalid-member-state","detail":"Membership has ended."}`,
			want:   nexmo.APIError{Title: "Conflict.", Code: nexmo.ErrorCodeInvalidMemberState, Detail: "Membership has ended."},
		},
		{
			name: "not found", status: 404, is: nexmo.ErrNotFound,
			answer: `{"title":"Not found.","type":"https://developer.nexmo.com/api/conversation#conversation:error:not-found","code":"conversation:error:not-found","detail":"Conversation does not exist, or you do not have access.","instance":"i"}`,
			want: nexmo.APIError{
				Title: "Not found.", Type: "https://developer.nexmo.com/api/conversation#conversation:error:not-found", Code: nexmo.ErrorCodeConversationNotFound,
				Detail: "Conversation does not exist, or you do not have access.", Instance: "i",
			},
		},
		{
			name: "duplicate name", status: 409, is: nexmo.ErrConflict,
			answer: `{"title":"Conflict.","code":"conversation:error:duplicate-name","detail":"Duplicate name."}`,
			want:   nexmo.APIError{Title: "Conflict.", Code: nexmo.ErrorCodeConversationDuplicateName, Detail: "Duplicate name."},
		},
		{
			name: "version 0.1, with a reason", status: 400, is: nexmo.ErrInvalid,
			answer: `{"description":"Validation failed.","error":"\"display_name\" may not be empty","code":"http:error:validation-fail"}`,
			want: nexmo.APIError{
				Code: nexmo.ErrorCodeValidation, Detail: `Validation failed. "display_name" may not be empty`,
				InvalidParameters: []nexmo.InvalidParameter{{Name: "display_name", Reason: `"display_name" may not be empty`}},
			},
			text: []string{"see display_name"}, hidden: []string{"may not be empty"},
		},
		{
			name: "a reason that names no field", status: 400, is: nexmo.ErrInvalid,
			answer: `{"error":"\"Alice Example\" is taken","code":"http:error:validation-fail"}`,
			want:   nexmo.APIError{Code: nexmo.ErrorCodeValidation, Detail: `"Alice Example" is taken`},
			hidden: []string{"Alice"},
		},
		{
			name: "version 0.1", status: 404, is: nexmo.ErrNotFound,
			answer: `{"code":"event:error:not-found","description":"Event does not exist.","error":{}}`,
			want:   nexmo.APIError{Code: nexmo.ErrorCodeEventNotFound, Detail: "Event does not exist."},
		},
		{
			name: "of the account", status: 401, is: nexmo.ErrUnauthorized,
			answer: `{"type":"https://developer.vonage.com/api-errors#unauthorized","title":"Unauthorized","detail":"You did not provide correct credentials.","instance":"bf0ca0bf927b3b52e3cb03217e1a1ddf"}`,
			want: nexmo.APIError{
				Type: "https://developer.vonage.com/api-errors#unauthorized", Code: "unauthorized", Title: "Unauthorized",
				Detail: "You did not provide correct credentials.", Instance: "bf0ca0bf927b3b52e3cb03217e1a1ddf",
			},
		},
		{
			name: "of the account without detail", status: 401, is: nexmo.ErrUnauthorized,
			answer: `{"type":"https://developer.vonage.com/api-errors#jwt-expired","title":"JWT expired"}`,
			want:   nexmo.APIError{Type: "https://developer.vonage.com/api-errors#jwt-expired", Code: "jwt-expired", Title: "JWT expired"},
			text:   []string{"JWT expired"},
		},
		{
			name: "users", status: 404, is: nexmo.ErrNotFound,
			answer: `{"title":"Not found.","type":"https://developer.vonage.com/en/api/conversation#user:error:not-found","detail":"User does not exist, or you do not have access.","instance":"i"}`,
			want: nexmo.APIError{
				Title: "Not found.", Type: "https://developer.vonage.com/en/api/conversation#user:error:not-found", Code: nexmo.ErrorCodeUserNotFound,
				Detail: "User does not exist, or you do not have access.", Instance: "i",
			},
		},
		{
			name: "voice", status: 400, is: nexmo.ErrInvalid,
			answer: `{"type":"BAD_REQUEST","error_title":"Bad Request","invalid_parameters":{"stream_url":"Is required.","level":"Is too high."}}`,
			want: nexmo.APIError{Type: "BAD_REQUEST", Code: "BAD_REQUEST", Title: "Bad Request", InvalidParameters: []nexmo.InvalidParameter{
				{Name: "level", Reason: "Is too high."}, {Name: "stream_url", Reason: "Is required."},
			}},
			hidden: []string{"too high"},
		},
		{
			name: "oldest", status: 401, is: nexmo.ErrUnauthorized,
			answer: `{"error-code":"401","error-code-label":"authentication failed"}`,
			want:   nexmo.APIError{Code: "401", Title: "authentication failed"},
		},
		{name: "Error", status: 403, answer: `{"Error":"Forbidden here"}`, want: nexmo.APIError{Title: "Forbidden here"}},
		{name: "message", status: 405, answer: `{"message":"no such method"}`, want: nexmo.APIError{Title: "no such method"}},
		{
			name: "too many requests", status: 429, is: nexmo.ErrRateLimited, header: http.Header{"Retry-After": {"7"}},
			answer: `{"type":"https://developer.vonage.com/api-errors#rate-limit","title":"Rate Limit Hit","detail":"Please wait, then retry your request","instance":"i"}`,
			want: nexmo.APIError{
				Type: "https://developer.vonage.com/api-errors#rate-limit", Code: "rate-limit", Title: "Rate Limit Hit", Detail: "Please wait, then retry your request", Instance: "i", RetryAfter: 7 * time.Second,
			},
		},
		{name: "unprocessable", status: 422, is: nexmo.ErrInvalid, answer: `{"title":"Unprocessable"}`, want: nexmo.APIError{Title: "Unprocessable"}},
		{name: "media type", status: 415, answer: `{"code":"http:error:unsupported-media-type"}`, want: nexmo.APIError{Code: "http:error:unsupported-media-type"}},
		{
			name: "internal", status: 500,
			answer: `{"title":"Internal Server Error.","type":"https://developer.nexmo.com/api/conversation#system:error:internal-error","code":"system:error:internal-error","detail":"Something went wrong.","instance":"i"}`,
			want: nexmo.APIError{
				Title: "Internal Server Error.", Type: "https://developer.nexmo.com/api/conversation#system:error:internal-error", Code: "system:error:internal-error", Detail: "Something went wrong.", Instance: "i",
			},
		},
		{name: "nothing", status: 503},
		{name: "HTML", status: 502, answer: "<html><title>502 Bad Gateway</title></html>", hidden: []string{"<html>"}},
		{name: "text", status: 404, is: nexmo.ErrNotFound, answer: "404 page not found"},
		{name: "array", status: 400, is: nexmo.ErrInvalid, answer: `[1,2]`},
		{name: "null", status: 400, is: nexmo.ErrInvalid, answer: `null`},
		{name: "cut short", status: 400, is: nexmo.ErrInvalid, answer: `{"title":"Bad`},
		{name: "members of other types", status: 400, is: nexmo.ErrInvalid, answer: `{"title":7,"type":null,"code":{"a":1},"detail":["x"],"instance":true,"invalid_parameters":"none"}`},
		{name: "a redirect", status: 307, header: http.Header{"Location": {"https://token-thief.example/"}}},
		{name: "not modified", status: 304},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := expectingClient(t, exchange{method: "GET", target: "/v1/conversations/CON-1", status: tt.status, header: tt.header, answer: tt.answer})
			v, err := c.ConversationInfo(t.Context(), "CON-1")
			var got *nexmo.APIError
			if v != nil || !errors.As(err, &got) {
				t.Fatalf("got %v and %v", v, err)
			}
			tt.want.Op, tt.want.Status, tt.want.Attempts, tt.want.Body = "get conversation", tt.status, 1, []byte(tt.answer)
			tt.want.Header = http.Header{"Content-Type": {"application/json"}}
			maps.Copy(tt.want.Header, tt.header)
			tt.want.Header.Del("Location") // so that nothing follows it
			if diff := cmp.Diff(&tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, s := range sentinels {
				if errors.Is(err, s) != (s == tt.is) { //nolint:errorlint // the sentinel itself
					t.Errorf("errors.Is(%v, %v) = %v", err, s, errors.Is(err, s))
				}
			}
			if diff := cmp.Diff(tt.want.Code, nexmo.CodeOf(fmt.Errorf("wrapped: %w", err))); diff != "" {
				t.Errorf("the code (-want +got):\n%s", diff)
			}
			for _, part := range append(tt.text, "nexmo: get conversation: ", fmt.Sprint(tt.status)) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not show %q", err, part)
				}
			}
			for _, part := range append(tt.hidden, "CON-1", testToken, "https://api.nexmo.com") {
				if strings.Contains(err.Error(), part) {
					t.Errorf("%q shows %q", err, part)
				}
			}
		})
	}
}

func TestAPIErrorBody(t *testing.T) {
	t.Parallel()
	const body = "\n404 page not found\n"
	s := newScriptedAPI(answerWith(404, body))
	_, err := s.client(t).UserInfo(t.Context(), "a")
	e, _ := errors.AsType[*nexmo.APIError](err)
	if diff := cmp.Diff(body, string(e.Body)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAPIErrorShapes(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]nexmo.APIError{
		`{"type":"about:blank","title":"Not Found"}`:                                                              {},
		`{"error-code":420,"error-code-label":"x"}`:                                                               {Code: "420"},
		`{"invalid_parameters":[{"name":"a","reason":["x"]},{"name":"b","reason":"y"}]}`:                          {InvalidParameters: []nexmo.InvalidParameter{{Name: "a", Reason: `["x"]`}, {Name: "b", Reason: "y"}}},
		`{"code":"a:error:b","description":"c","invalid_parameters":[{"name":"a","reason":"x","in":"body"},"b"]}`: {Code: "a:error:b", InvalidParameters: []nexmo.InvalidParameter{{Name: "a", Reason: "x"}, {Name: "b"}}},
	} {
		s := newScriptedAPI(answerWith(400, body))
		_, err := s.client(t).UserInfo(t.Context(), "a")
		e, _ := errors.AsType[*nexmo.APIError](err)
		if diff := cmp.Diff(want.Code, e.Code); diff != "" {
			t.Errorf("%s code (-want +got):\n%s", body, diff)
		}
		if diff := cmp.Diff(want.InvalidParameters, e.InvalidParameters); diff != "" {
			t.Errorf("%s params (-want +got):\n%s", body, diff)
		}
	}
}

func TestAPIErrorHidesDetail(t *testing.T) {
	t.Parallel()
	s := newScriptedAPI(answerWith(409, `{"title":"Conflict","code":"user:error:duplicate-name","detail":"The user name priya is taken."}`))
	_, err := s.client(t).CreateUser(t.Context(), nexmo.UserParams{Name: "priya"})
	if strings.Contains(err.Error(), "priya") {
		t.Errorf("got %v", err)
	}
}
