package nexmo_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// webhookErrors are the names of the package's variables that begin with ErrWebhook,
// without the umbrella.
func webhookErrors(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			vars, ok := d.(*ast.GenDecl)
			if !ok || vars.Tok != token.VAR {
				continue
			}
			for _, spec := range vars.Specs {
				for _, n := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(n.Name, "ErrWebhook") && n.Name != "ErrWebhookNotAuthentic" {
						names = append(names, n.Name)
					}
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// Every error of a webhook has a request that provokes it: what matches
// ErrWebhookNotAuthentic is answered 401, and nothing else is.
func TestWebhookErrors(t *testing.T) {
	t.Parallel()
	sign := func(opts ...nexmotest.SignOption) func() *http.Request {
		return func() *http.Request { return signed(hookText(1), opts...) }
	}
	header := func(values ...string) func() *http.Request {
		return func() *http.Request {
			r := signed(hookText(1))
			r.Header["Authorization"] = values
			return r
		}
	}
	tests := map[string]struct {
		err    error
		r      func() *http.Request
		setUp  func(h *nexmo.WebhookHandler)
		before int // requests that are handled first
		status int
	}{
		"ErrWebhookNoToken":     {err: nexmo.ErrWebhookNoToken, r: header(), status: 401},
		"ErrWebhookToken":       {err: nexmo.ErrWebhookToken, r: header("Bearer x"), status: 401},
		"ErrWebhookAlgorithm":   {err: nexmo.ErrWebhookAlgorithm, r: header("Bearer " + forge(`{"alg":"none"}`, "{}", hookSecret)), status: 401},
		"ErrWebhookSignature":   {err: nexmo.ErrWebhookSignature, r: func() *http.Request { return signedBy("another", hookText(1)) }, status: 401},
		"ErrWebhookIssuer":      {err: nexmo.ErrWebhookIssuer, r: sign(nexmotest.Claim("iss", "x")), status: 401},
		"ErrWebhookExpired":     {err: nexmo.ErrWebhookExpired, r: sign(nexmotest.IssuedAt(time.Now().Add(-time.Hour))), status: 401},
		"ErrWebhookNotYetValid": {err: nexmo.ErrWebhookNotYetValid, r: sign(nexmotest.IssuedAt(time.Now().Add(time.Hour))), status: 401},
		"ErrWebhookPayloadHash": {err: nexmo.ErrWebhookPayloadHash, r: sign(nexmotest.Claim("payload_hash", nil)), status: 401},
		"ErrWebhookAccount": {
			err: nexmo.ErrWebhookAccount, r: sign(), setUp: func(h *nexmo.WebhookHandler) { h.Verifier.APIKey = "another" }, status: 401,
		},
		"ErrWebhookReplay": {
			err: nexmo.ErrWebhookReplay, r: sign(nexmotest.Claim("jti", "1")), setUp: func(h *nexmo.WebhookHandler) { h.RememberTokens = 1 }, before: 1, status: 401,
		},
		"ErrWebhookNoSecret": {err: nexmo.ErrWebhookNoSecret, r: sign(), setUp: func(h *nexmo.WebhookHandler) { h.Verifier.Secrets = nil }, status: 503},
		"ErrWebhookTooLarge": {err: nexmo.ErrWebhookTooLarge, r: sign(), setUp: func(h *nexmo.WebhookHandler) { h.Verifier.MaxBody = 1 }, status: 413},
	}
	if diff := cmp.Diff(webhookErrors(t), slices.Sorted(maps.Keys(tests))); diff != "" {
		t.Errorf("the errors of a webhook, and those of this test (-package +test):\n%s", diff)
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(new(hookRecorder))
			if test.setUp != nil {
				test.setUp(h)
			}
			for range test.before {
				wantAnswer(t, h, test.r(), http.StatusNoContent)
			}
			results := observed(h)
			wantAnswer(t, h, test.r(), test.status)
			got := results()[0].Err
			for other, of := range tests {
				if errors.Is(got, of.err) != (name == other) {
					t.Errorf("%q matches %s: %t", got, other, name != other)
				}
			}
			if is, want := errors.Is(got, nexmo.ErrWebhookNotAuthentic), test.status == http.StatusUnauthorized; is != want {
				t.Errorf("%q matches ErrWebhookNotAuthentic: %t, want %t", got, is, want)
			}
			if !strings.HasPrefix(got.Error(), "nexmo: webhook: ") || strings.Contains(got.Error(), "not authentic") {
				t.Errorf("the error says %q", got)
			}
		})
	}
}

// An error about the time of a token says what was allowed.
func TestVerifierSaysWhatIsAllowed(t *testing.T) {
	t.Parallel()
	for claims, want := range map[string]string{
		`"iat":1749999698`:                  "nexmo: webhook: token expired: iat is more than 5m0s ago (MaxAge)",
		`"iat":1750000062`:                  "nexmo: webhook: token not valid yet: iat is more than 1m1s ahead of this clock (Leeway)",
		`"iat":1750000000,"exp":1750000000`: "nexmo: webhook: token expired: exp has passed",
		`"iat":1750000000,"nbf":1750000001`: "nexmo: webhook: token not valid yet: nbf is ahead of this clock",
	} {
		v := hookVerifier()
		v.Leeway = 61 * time.Second
		_, err := v.VerifyToken(hookToken(t, iatClaim, claims), []byte(hookBody))
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", claims, err, want)
		}
	}
}

// The zero Verifier accepts nothing.
func TestZeroVerifier(t *testing.T) {
	t.Parallel()
	var v nexmo.Verifier
	r := httptest.NewRequest(http.MethodPost, "/", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+nexmotest.Sign(hookSecret, nil))
	if claims, payload, err := v.Verify(r); !errors.Is(err, nexmo.ErrWebhookNoSecret) || claims != nil || payload != nil {
		t.Errorf("Verify = %v, %q, %v", claims, payload, err)
	}
	r.Header.Set("Authorization", "Basic x") // the header is looked at first
	if _, _, err := v.Verify(r); !errors.Is(err, nexmo.ErrWebhookToken) {
		t.Errorf("Verify of another scheme: %v", err)
	}
	if claims, err := v.VerifyToken(nexmotest.Sign(hookSecret, nil), nil); !errors.Is(err, nexmo.ErrWebhookNoSecret) || claims != nil {
		t.Errorf("VerifyToken = %v, %v", claims, err)
	}
}
