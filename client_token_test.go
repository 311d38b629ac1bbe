package nexmo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/jarcoal/httpmock"

	"github.com/conversation-events/nexmo"
)

// TestClientExpiredToken asks once more with a fresh token when the service finds a token
// expired, and no more than once.
func TestClientExpiredToken(t *testing.T) {
	t.Parallel()
	expired := map[string]httpmock.Responder{
		"code":    answerWith(401, `{"code":"system:error:expired-token","title":"Token has expired."}`),
		"old":     answerWith(401, `{"code":"system:error:expired-token","description":"Token has expired."}`),
		"account": answerWith(401, `{"type":"https://developer.vonage.com/api-errors#jwt-expired","title":"JWT expired"}`),
	}
	credentials := func(t *testing.T, user bool) nexmo.TokenSource {
		if c := newCredentials(t); !user {
			return c
		}
		return newCredentials(t).User("priya", 0, nexmo.ClientACL())
	}
	for style, answer := range expired {
		for _, user := range []bool{false, true} {
			for _, call := range callsOfMethods() {
				t.Run(fmt.Sprintf("%s %s user=%v", style, call.method, user), func(t *testing.T) {
					t.Parallel()
					s := newScriptedAPI(answer, answerWith(200, `{}`))
					c, err := nexmo.NewClient(credentials(t, user), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
					if err != nil {
						t.Fatal(err)
					}
					for range 2 { // the fresh token is kept
						if err := call.do(t.Context(), c); err != nil {
							t.Fatal(err)
						}
					}
					if s.count() != 3 || s.tokens[0] == s.tokens[1] || s.tokens[1] != s.tokens[2] {
						t.Errorf("there were %d requests, or the tokens were not renewed once", s.count())
					}
					always := newScriptedAPI(answer)
					c, err = nexmo.NewClient(credentials(t, user), nexmo.WithHTTPClient(&http.Client{Transport: always.transport}))
					if err != nil {
						t.Fatal(err)
					}
					if err := call.do(t.Context(), c); !errors.Is(err, nexmo.ErrUnauthorized) || always.count() != 2 {
						t.Errorf("got %v after %d requests", err, always.count())
					}
				})
			}
		}
	}
	for name, tt := range map[string]struct {
		tokens []string
		want   int // requests
	}{
		"fresh ones of another source": {[]string{"a", "b"}, 2},
		"no other one":                 {[]string{"a", "a"}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScriptedAPI(expired["code"])
			next := 0
			var log bytes.Buffer
			c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { next++; return tt.tokens[next-1], nil }),
				nexmo.WithHTTPClient(&http.Client{Transport: s.transport}), nexmo.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.UserInfo(t.Context(), "USR-1"); nexmo.CodeOf(err) != nexmo.ErrorCodeExpiredToken || s.count() != tt.want {
				t.Errorf("got %v after %d requests", err, s.count())
			}
			if got := log.String(); strings.Count(got, "expired") != 2 || !strings.Contains(got, "system:error:expired-token") {
				t.Errorf("the log is %q", got)
			}
		})
	}
	t.Run("another 401", func(t *testing.T) {
		t.Parallel()
		s := newScriptedAPI(answerWith(401, `{"code":"system:error:invalid-token"}`))
		c, err := nexmo.NewClient(newCredentials(t), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UserInfo(t.Context(), "USR-1"); nexmo.CodeOf(err) != nexmo.ErrorCodeInvalidToken || s.count() != 1 {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
	t.Run("without attempts to spare", func(t *testing.T) {
		t.Parallel()
		s := newScriptedAPI(expired["code"], answerWith(200, `{}`))
		c, err := nexmo.NewClient(newCredentials(t), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}), nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UserInfo(t.Context(), "USR-1"); err != nil || s.count() != 2 {
			t.Errorf("got %v after %d requests", err, s.count())
		}
	})
}

// TestClientNoToken sends nothing without a token.
func TestClientNoToken(t *testing.T) {
	t.Parallel()
	s := newScriptedAPI(answerWith(200, `{}`))
	none := errors.New("the vault is closed")
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return "", none }), nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UserInfo(t.Context(), "USR-1"); !errors.Is(err, none) || s.count() != 0 {
		t.Errorf("got %v after %d requests", err, s.count())
	}
	empty, err := nexmo.NewClient(nexmo.Credentials{}, nexmo.WithHTTPClient(&http.Client{Transport: s.transport}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := empty.UserInfo(t.Context(), "USR-1"); err == nil || s.count() != 0 {
		t.Errorf("got %v after %d requests", err, s.count())
	}
}

// TestClientHidesTokens has neither errors nor logs tell tokens, keys, names of users, or
// what was said.
func TestClientHidesTokens(t *testing.T) {
	t.Parallel()
	const name, words = "priya-the-user", "private words"
	secrets := []string{name, words, "private", secretToken, "secret-token", "Bearer", "CON-hidden", "USR-hidden", "MEM-hidden", "made-up-password", "BEGIN"}
	invalid := `{"code":"http:error:validation-fail","detail":"Input validation failure.","invalid_parameters":[{"name":"body.text","reason":"\"` + words + `\" of ` + name + ` is invalid"}]}`
	answers := map[string]httpmock.Responder{
		"400":         answerWith(400, invalid),
		"429":         answerWith(429, `{"title":"Busy"}`),
		"500 HTML":    answerWith(500, "<html>"+name+" said "+words+" with "+secretToken),
		"502 garbage": answerWith(502, words),
		"200 garbage": answerWith(200, `{"name":"`+name+`","body":`+words),
		"200 shapes":  answerWith(200, `{"id":["`+words+`"],"name":{"`+name+`":"`+words+`"},"_embedded":{"user":"`+name+`","members":[{"id":7,"`+name+`":1}],"users":["`+name+`"],"events":["`+words+`"]}}`),
		"broken":      httpmock.NewErrorResponder(io.ErrUnexpectedEOF),
		"dial":        httpmock.NewErrorResponder(errDialing),
	}
	calls := map[string]func(ctx context.Context, c *nexmo.Client) error{
		"get user": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UserInfo(ctx, name)
			return err
		},
		"list users": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UsersPage(ctx, &nexmo.UserListOptions{Name: name})
			return err
		},
		"create user": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateUser(ctx, nexmo.UserParams{Name: name, Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: "sip:" + name + "@example.com", Password: "made-up-password"}}}})
			return err
		},
		"refused user": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateUser(ctx, nexmo.UserParams{Name: "USR-hidden", DisplayName: name})
			return err
		},
		"refused URI": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateUser(ctx, "USR-hidden", nexmo.UserParams{Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: name, Password: "made-up-password"}}}})
			return err
		},
		"create event": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.Message{MessageContent: nexmo.TextMessage(words)}, nexmo.From("MEM-hidden"))
			return err
		},
		"refused custom": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.Custom{Name: words})
			return err
		},
		"refused digits": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.AudioDTMF{Digits: words})
			return err
		},
		"refused body": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-hidden", &nexmo.Custom{Name: "a", JSON: nexmo.Raw(words)})
			return err
		},
		"custom that is no JSON": func(ctx context.Context, c *nexmo.Client) error {
			_, err := nexmo.NewConversation("CON-hidden", nexmo.WithClient(c)).SendCustom(ctx, "a", json.RawMessage(words))
			return err
		},
		"list events": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.EventsPage(ctx, "CON-hidden", nil)
			return err
		},
		"members": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.MembersPage(ctx, "CON-hidden", nil)
			return err
		},
		"talk": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.StartTalk(ctx, "CON-hidden", nexmo.TalkParams{Text: words})
			return err
		},
		"do": func(ctx context.Context, c *nexmo.Client) error {
			var out struct{ ID int }
			return c.Do(ctx, "GET", "/v1/users/"+name, nil, &out)
		},
		"do with a bad path": func(ctx context.Context, c *nexmo.Client) error {
			return c.Do(ctx, "GET", "/v1/users/"+name+" x", nil, nil)
		},
		"do with a bad body": func(ctx context.Context, c *nexmo.Client) error {
			return c.Do(ctx, "PUT", "/v1/users", map[string]any{name: func() {}}, nil)
		},
	}
	for what, answer := range answers {
		for op, call := range calls {
			t.Run(what+" "+op, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var log bytes.Buffer
					handler := slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug - 4})
					c := newScriptedAPI(answer).client(t, nexmo.WithLogger(slog.New(handler)))
					err := call(t.Context(), c)
					told := fmt.Sprintf("%v %s %+v", err, log.String(), c)
					for _, secret := range secrets {
						if strings.Contains(told, secret) {
							t.Errorf("it tells %q:\n%s", secret, told)
						}
					}
				})
			})
		}
	}
}

func TestClientTokenWithNewline(t *testing.T) {
	t.Parallel()
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return "to\nk", nil }), nexmo.WithBaseURL("http://127.0.0.1:1"), nexmo.WithRetry(nexmo.RetryPolicy{MinDelay: 1}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.UserInfo(t.Context(), "a"); err == nil || strings.Contains(err.Error(), "attempts") {
		t.Errorf("got %v", err)
	}
}
