package nexmo_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// The webhook that all attacks are variations of is a good one.
func TestVerifierAccepts(t *testing.T) {
	t.Parallel()
	good := hookToken(t)
	bearer := func(scheme string) []string { return []string{scheme + " " + good} }
	tests := []struct {
		name string
		attack
		want func(c *nexmo.Claims)
	}{
		{name: "the plain webhook"},
		{name: "lower-case scheme", attack: attack{auth: bearer("bearer")}},
		{name: "upper-case scheme", attack: attack{auth: bearer("BEARER")}},
		{name: "no typ", attack: attack{token: forge(`{"alg":"HS256"}`, hookClaims(t), hookSecret)}},
		{name: "blanks in the header", attack: attack{token: forge(" {\n\"alg\" : \"HS256\" } ", hookClaims(t), hookSecret)}},
		{name: "alg with an escape", attack: attack{token: forge(`{"alg":"\u0048S256"}`, hookClaims(t), hookSecret)}},
		{name: "blanks in the claims", attack: attack{token: forge(hookHeader, hookClaims(t, `,"iat"`, " ,\r\n\t\"iat\"")+"\n", hookSecret)}},
		{name: "hash in upper case", attack: attack{token: hookToken(t, hashOf(hookBody), strings.ToUpper(hashOf(hookBody)))}},
		{name: "unknown claims", attack: attack{token: hookToken(t, issClaim, issClaim+`,"x":{"deep":[1,{"er":null}]},"y":1e3,"sub":"s"`)}},
		{name: "unknown claim null", attack: attack{token: hookToken(t, issClaim, issClaim+`,"x":null`)}},
		{name: "keys in the header are not looked at", attack: attack{
			token: forge(`{"alg":"HS256","kid":"../../etc/passwd","jku":"http://127.0.0.1:1/","jwk":{"kty":"oct","k":"AAAA"}}`, hookClaims(t), hookSecret),
		}},
		{
			name: "as old as may be", attack: attack{token: hookToken(t, iatClaim, fmt.Sprint(iatPrefix, hookIssued-300))},
			want: func(c *nexmo.Claims) { c.IssuedAt = hookNow.Add(-5 * time.Minute) },
		},
		{
			name: "as new as may be", attack: attack{token: hookToken(t, iatClaim, fmt.Sprint(iatPrefix, hookIssued+60))},
			want: func(c *nexmo.Claims) { c.IssuedAt = hookNow.Add(time.Minute) },
		},
		{
			name: "as old as retries are", attack: attack{
				token:    hookToken(t, iatClaim, fmt.Sprint(iatPrefix, hookIssued-86400)),
				verifier: func(v *nexmo.Verifier) { v.MaxAge = 24 * time.Hour },
			},
			want: func(c *nexmo.Claims) { c.IssuedAt = hookNow.Add(-24 * time.Hour) },
		},
		{name: "iat with a fraction", attack: attack{token: hookToken(t, iatClaim, iatClaim+".999")}},
		{name: "iat with an exponent", attack: attack{token: hookToken(t, iatClaim, `"iat":1.75e9`)}},
		{
			name: "nbf and exp in range", attack: attack{token: hookToken(t, iatClaim, fmt.Sprintf(`%s,"nbf":%d,"exp":%d`, iatClaim, hookIssued, hookIssued+1))},
			want: func(c *nexmo.Claims) { c.NotBefore, c.ExpiresAt = hookNow, hookNow.Add(time.Second) },
		},
		{name: "aud is text", attack: attack{token: hookToken(t, issClaim, issClaim+`,"aud":"somebody"`)}},
		{name: "aud null", attack: attack{token: hookToken(t, issClaim, issClaim+`,"aud":null`)}},
		{name: "aud and sub", attack: attack{token: hookToken(t, issClaim, issClaim+`,"aud":"somebody","sub":"s"`)}},
		{name: "aud is a list", attack: attack{token: hookToken(t, issClaim, issClaim+`,"aud":["somebody","else"]`)}},
		{
			name: "the expected account and application", attack: attack{
				verifier: func(v *nexmo.Verifier) { v.APIKey, v.ApplicationID = hookAPIKey, hookApp },
			},
		},
		{
			name: "any account and application", attack: attack{token: hookToken(t, ","+keyClaim, "", ","+appClaim, "")},
			want: func(c *nexmo.Claims) { c.APIKey, c.ApplicationID = "", "" },
		},
		{
			name: "no jti", attack: attack{token: hookToken(t, jtiClaim+",", "")},
			want: func(c *nexmo.Claims) { c.ID = "" },
		},
		{
			name: "claims with escapes", attack: attack{token: hookToken(t, `"iss"`, `"\u0069ss"`, `"api_key"`, `"api\u005fkey"`)},
		},
		{name: "the body is not JSON", attack: attack{
			body:  "\x00\xff, whatever",
			token: hookToken(t, hashOf(hookBody), hashOf("\x00\xff, whatever")),
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := test.attack
			if a.token == "" {
				a.token = good
			}
			if a.auth == nil {
				a.auth = []string{"Bearer " + a.token}
			}
			if a.body == "" {
				a.body = hookBody
			}
			want := &nexmo.Claims{
				ID: "70a9f2f9-0d3a-4b3c-8a3c-2c8ab4a3a7a5", IssuedAt: hookNow.UTC(), APIKey: hookAPIKey, ApplicationID: hookApp,
			}
			if test.want != nil {
				test.want(want)
			}
			v := a.newVerifier()
			got, err := v.VerifyToken(a.token, []byte(a.body))
			if err != nil {
				t.Fatalf("VerifyToken: %v", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the claims of VerifyToken (-want +got):\n%s", diff)
			}
			got, payload, err := v.Verify(a.request())
			if err != nil {
				t.Fatalf("Verify: %v", err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the claims of Verify (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(a.body, string(payload)); diff != "" {
				t.Errorf("the payload (-want +got):\n%s", diff)
			}
		})
	}
}

// A verifier without a secret verifies nothing, and least of all what was signed
// with the empty one.
func TestVerifierNeedsSecrets(t *testing.T) {
	t.Parallel()
	empty := forge(hookHeader, hookClaims(t), "")
	var attacks []attack
	for name, secrets := range map[string][]string{
		"nil":            nil,
		"none":           {},
		"an empty one":   {""},
		"two empty ones": {"", ""},
		"the last empty": {hookSecret, ""},
		"the new empty":  {"", hookSecret},
	} {
		configure := func(v *nexmo.Verifier) { v.Secrets = secrets }
		attacks = append(attacks,
			attack{name: name + ", signed with nothing", token: empty, verifier: configure, want: nexmo.ErrWebhookNoSecret, status: http.StatusServiceUnavailable},
			attack{name: name + ", signed well", token: hookToken(t), verifier: configure, want: nexmo.ErrWebhookNoSecret, status: http.StatusServiceUnavailable},
			attack{name: name + ", not signed", token: segment(`{"alg":"none"}`) + "." + segment(hookClaims(t)) + ".", verifier: configure, want: nexmo.ErrWebhookNoSecret, status: http.StatusServiceUnavailable})
	}
	runAttacks(t, attacks)
	if !strings.Contains(nexmo.ErrWebhookNoSecret.Error(), "Secrets") {
		t.Errorf("the error does not say what to set: %v", nexmo.ErrWebhookNoSecret)
	}
}

func TestVerifierRotation(t *testing.T) {
	t.Parallel()
	const oldSecret, newSecret, foreign = "the secret of last year, long enough", "the secret of this year, long enough", "the secret of somebody else, as long"
	tests := []struct {
		name    string
		secrets []string
		signer  string
		want    error
	}{
		{"before", []string{oldSecret}, oldSecret, nil},
		{"the new one is not known yet", []string{oldSecret}, newSecret, nexmo.ErrWebhookSignature},
		{"new while both are known", []string{newSecret, oldSecret}, newSecret, nil},
		{"old while both are known", []string{newSecret, oldSecret}, oldSecret, nil},
		{"new in the wrong order", []string{oldSecret, newSecret}, newSecret, nil},
		{"old in the wrong order", []string{oldSecret, newSecret}, oldSecret, nil},
		{"neither", []string{newSecret, oldSecret}, foreign, nexmo.ErrWebhookSignature},
		{"after", []string{newSecret}, newSecret, nil},
		{"the old one is not known any more", []string{newSecret}, oldSecret, nexmo.ErrWebhookSignature},
		{"many", []string{foreign, foreign + "2", newSecret, foreign + "3", oldSecret}, oldSecret, nil},
		{"the same twice", []string{newSecret, newSecret}, newSecret, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			v := hookVerifier()
			v.Secrets = test.secrets
			token := forge(hookHeader, hookClaims(t), test.signer)
			if _, err := v.VerifyToken(token, []byte(hookBody)); !errors.Is(err, test.want) {
				t.Errorf("VerifyToken: %v, want %v", err, test.want)
			}
			// Whichever matched, the sender sees the same.
			h := &nexmo.WebhookHandler{Verifier: v, Sink: new(hookRecorder)}
			w := httptest.NewRecorder()
			a := attack{body: hookBody, auth: []string{"Bearer " + token}}
			h.ServeHTTP(w, a.request())
			want := http.StatusNoContent
			if test.want != nil {
				want = http.StatusUnauthorized
			}
			if w.Code != want || len(w.Header()) != 0 || w.Body.Len() != 0 {
				t.Errorf("answered %d %v, want a bare %d", w.Code, w.Header(), want)
			}
		})
	}
}

// Verify says of a request what VerifyToken says of its token and body.
func TestVerifyEqualsVerifyToken(t *testing.T) {
	t.Parallel()
	for i, token := range []string{
		hookToken(t), hookToken(t, issClaim, `"iss":"x"`), forge(hookHeader, hookClaims(t), "x"), "a.b.c",
		hookToken(t, iatClaim, `"iat":1`), forge(`{"alg":"none"}`, hookClaims(t), hookSecret), hookToken(t, hashClaim+",", ""),
	} {
		for _, body := range []string{hookBody, "", "{}"} {
			a := attack{body: body, auth: []string{"Bearer " + token}}
			c1, err1 := hookVerifier().VerifyToken(token, []byte(body))
			c2, payload, err2 := hookVerifier().Verify(a.request())
			if fmt.Sprint(err1) != fmt.Sprint(err2) {
				t.Errorf("token %d: VerifyToken says %v, Verify says %v", i, err1, err2)
			}
			if diff := cmp.Diff(c1, c2); diff != "" {
				t.Errorf("token %d: the claims of Verify differ (-VerifyToken +Verify):\n%s", i, diff)
			}
			if (err2 == nil) != (payload != nil) || payload != nil && string(payload) != body {
				t.Errorf("token %d: Verify returned the payload %q with the error %v", i, payload, err2)
			}
		}
	}
}

// The zero Verifier but for its secrets takes what the service sends now.
func TestVerifierDefaults(t *testing.T) {
	t.Parallel()
	v := &nexmo.Verifier{Secrets: []string{hookSecret}}
	for _, test := range []struct {
		age  time.Duration
		want error
	}{
		{0, nil},
		{4 * time.Minute, nil},
		{6 * time.Minute, nexmo.ErrWebhookExpired},
		{-30 * time.Second, nil},
		{-90 * time.Second, nexmo.ErrWebhookNotYetValid},
	} {
		token := nexmotest.Sign(hookSecret, []byte(hookBody), nexmotest.IssuedAt(time.Now().Add(-test.age)))
		if _, err := v.VerifyToken(token, []byte(hookBody)); !errors.Is(err, test.want) {
			t.Errorf("a token that is %v old: %v, want %v", test.age, err, test.want)
		}
	}
}

// A Verifier is safe for use by many.
func TestVerifierConcurrently(t *testing.T) {
	t.Parallel()
	v := hookVerifier()
	good, bad := hookToken(t), forge(hookHeader, hookClaims(t), "another")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if _, err := v.VerifyToken(good, []byte(hookBody)); err != nil {
					t.Errorf("the good token: %v", err)
				}
				if _, err := v.VerifyToken(bad, []byte(hookBody)); !errors.Is(err, nexmo.ErrWebhookSignature) {
					t.Errorf("the bad token: %v", err)
				}
			}
		})
	}
	all.Wait()
}

// A Verifier keys its secrets once, and makes a buffer for the body once.
func TestVerifierAllocates(t *testing.T) { //nolint:paralleltest // it counts allocations
	if raceEnabled {
		t.Skip("the race detector allocates, too")
	}
	v := hookVerifier()
	body := strings.Repeat("x", 20_000)
	token := hookToken(t, hashOf(hookBody), hashOf(body))
	raw, in := []byte(body), strings.NewReader(body)
	r := httptest.NewRequest(http.MethodPost, "/events", in)
	r.Header.Set("Authorization", "Bearer "+token)
	for name, test := range map[string]struct {
		want float64
		do   func() error
	}{
		"VerifyToken": {2, func() error {
			_, err := v.VerifyToken(token, raw)
			return err
		}},
		"Verify": {4, func() error {
			in.Reset(body)
			_, _, err := v.Verify(r)
			return err
		}},
	} {
		var err error
		got := testing.AllocsPerRun(100, func() { err = errors.Join(err, test.do()) })
		if err != nil || got > test.want {
			t.Errorf("%s: %v allocations, want at most %v; %v", name, got, test.want, err)
		}
	}
}
