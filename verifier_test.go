package nexmo_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"maps"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// The webhook that the attacks below are made from. The secret is base64, so
// that a verifier that decodes it shows.
const (
	hookSecret = "c2lnbmF0dXJlIHNlY3JldCBvZiBhIHRlc3Q="
	hookHeader = `{"alg":"HS256","typ":"JWT"}`
	hookBody   = `{"type":"member:joined","id":7,"conversation_id":"CON-hook","from":"MEM-hook",` +
		`"body":{"member_id":"MEM-hook","user":{"id":"USR-hook","name":"a private name"}}}`
	hookIssued = 1_750_000_000
	hookAPIKey = "acc0unt1"
	hookApp    = "e8059728-5fa0-4cbe-83b4-9919be9cf1de"
)

// hookNow is when it arrives: as it was issued.
var hookNow = time.Unix(hookIssued, 0)

func hookVerifier() *nexmo.Verifier {
	return &nexmo.Verifier{Secrets: []string{hookSecret}, Now: func() time.Time { return hookNow }}
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// hookClaims returns good claims for hookBody, with parts of their text replaced.
func hookClaims(tb testing.TB, oldnew ...string) string {
	tb.Helper()
	text := fmt.Sprintf(`{"iss":"Vonage","iat":%d,"jti":"70a9f2f9-0d3a-4b3c-8a3c-2c8ab4a3a7a5","payload_hash":"%s","api_key":"%s","application_id":"%s"}`,
		hookIssued, hashOf(hookBody), hookAPIKey, hookApp)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			tb.Fatalf("the claims hold no %q to replace", oldnew[i])
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return text
}

const (
	issClaim  = `"iss":"Vonage"`
	jtiClaim  = `"jti":"70a9f2f9-0d3a-4b3c-8a3c-2c8ab4a3a7a5"`
	keyClaim  = `"api_key":"` + hookAPIKey + `"`
	appClaim  = `"application_id":"` + hookApp + `"`
	iatPrefix = `"iat":`
)

var (
	iatClaim  = fmt.Sprintf(`"iat":%d`, hookIssued)
	hashClaim = `"payload_hash":"` + hashOf(hookBody) + `"`
)

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func macOf(h func() hash.Hash, key, input string) string {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(input))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// forge signs a header and claims, whatever they say, as HS256 does.
func forge(header, claims, key string) string {
	return sealed(segment(header)+"."+segment(claims), key)
}

func sealed(input, key string) string { return input + "." + macOf(sha256.New, key, input) }

func hookToken(tb testing.TB, oldnew ...string) string {
	tb.Helper()
	return forge(hookHeader, hookClaims(tb, oldnew...), hookSecret)
}

// attack is a webhook that must be refused.
type attack struct {
	name     string
	token    string
	auth     []string // the Authorization headers, if not "Bearer " and token
	body     string   // what arrives, if not hookBody
	verifier func(v *nexmo.Verifier)
	want     error
	status   int // 401 unless given
}

func (a *attack) request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(a.body))
	for _, value := range a.auth {
		r.Header.Add("Authorization", value)
	}
	return r
}

// hookRecorder is a Sink that remembers what was delivered.
type hookRecorder struct {
	mu     sync.Mutex
	events []*nexmo.Event
}

func (s *hookRecorder) Deliver(_ context.Context, e *nexmo.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return nil
}

func (s *hookRecorder) ids() []nexmo.EventID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := []nexmo.EventID{}
	for _, e := range s.events {
		ids = append(ids, e.ID)
	}
	return ids
}

// hookLog is a log that can be read while it is written.
type hookLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *hookLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *hookLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *hookLog) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// tellsNothing checks that text holds neither secrets, nor the token, nor
// anything of the payload.
func tellsNothing(t *testing.T, where, text string, a *attack, secrets ...string) {
	t.Helper()
	private := append(secrets, hookSecret, a.token, "MEM-hook", "a private name", hookAPIKey, hashOf(a.body), hashOf(hookBody))
	private = append(append(private, strings.SplitN(a.token, ".", 9)...), a.auth...)
	lower := strings.ToLower(text)
	for _, p := range private {
		if len(p) >= 8 && len(p) <= len(text) && strings.Contains(lower, strings.ToLower(p)) {
			t.Errorf("%s holds %q, which is nobody's business: %s", where, p, text)
		}
	}
}

// refused checks that nobody takes a, by whatever way it comes, and that nobody
// says more than needed.
func (a attack) refused(t *testing.T) {
	t.Helper()
	if a.auth == nil {
		a.auth = []string{"Bearer " + a.token}
		checkToken(t, &a)
	}
	v := a.newVerifier()
	claims, payload, err := v.Verify(a.request())
	if !errors.Is(err, a.want) || claims != nil || payload != nil {
		t.Errorf("Verify = %v, %d bytes, %v; want the error %v", claims, len(payload), err, a.want)
	}
	if err != nil {
		tellsNothing(t, "the error of Verify", err.Error(), &a, v.Secrets...)
	}

	var sink hookRecorder
	var log hookLog
	var results []nexmo.WebhookResult
	h := &nexmo.WebhookHandler{
		Verifier: v, Sink: &sink, Logger: log.logger(),
		Observe: func(_ context.Context, r nexmo.WebhookResult) { results = append(results, r) },
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, a.request())
	status := a.status
	if status == 0 {
		status = http.StatusUnauthorized
	}
	if w.Code != status || w.Body.Len() != 0 || len(w.Header()) != 0 {
		t.Errorf("answered %d with a body of %d bytes and the headers %v; want a bare %d", w.Code, w.Body.Len(), w.Header(), status)
	}
	if diff := cmp.Diff([]nexmo.EventID{}, sink.ids()); diff != "" {
		t.Errorf("events were delivered (-want +got):\n%s", diff)
	}
	if len(results) != 1 || results[0].Status != status || !errors.Is(results[0].Err, a.want) {
		t.Errorf("Observe was told %+v, want one %d with %v", results, status, a.want)
	}
	if !strings.Contains(log.String(), a.want.Error()) {
		t.Errorf("the log does not say why: %s", log.String())
	}
	tellsNothing(t, "the log", log.String(), &a, v.Secrets...)
}

func (a *attack) newVerifier() *nexmo.Verifier {
	v := hookVerifier()
	if a.verifier != nil {
		a.verifier(v)
	}
	return v
}

func checkToken(t *testing.T, a *attack) {
	t.Helper()
	v := a.newVerifier()
	claims, err := v.VerifyToken(a.token, []byte(a.body))
	if !errors.Is(err, a.want) || claims != nil {
		t.Errorf("VerifyToken = %v, %v; want the error %v", claims, err, a.want)
	}
	if err != nil {
		tellsNothing(t, "the error of VerifyToken", err.Error(), a, v.Secrets...)
	}
}

// runAttacks checks that every one of them is refused.
func runAttacks(t *testing.T, attacks []attack) {
	t.Helper()
	names := map[string]bool{}
	for _, a := range attacks {
		if names[a.name] {
			t.Errorf("two attacks are called %q", a.name)
		}
		names[a.name] = true
		if a.body == "" {
			a.body = hookBody
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			a.refused(t)
		})
	}
}

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

func TestVerifierRefusesAlgorithms(t *testing.T) {
	t.Parallel()
	var attacks []attack
	for _, alg := range []string{
		`"none"`, `"None"`, `"NONE"`, `"nOnE"`, `"n\u006fne"`, `""`, `null`, `256`, `true`, `["HS256"]`, `{"alg":"HS256"}`,
		`"hs256"`, `"Hs256"`, `"HS256 "`, `" HS256"`, `"HS256\u0000"`, `"HS256,none"`, `"HS384"`, `"HS512"`, `"RS256"`, `"PS256"`,
		`"ES256"`, `"EdDSA"`, `"HS256/64"`, `"dir"`, `"A128KW"`,
	} {
		header := `{"alg":` + alg + `,"typ":"JWT"}`
		attacks = append(attacks,
			attack{name: alg + " with a good signature", token: forge(header, hookClaims(t), hookSecret), want: nexmo.ErrAlgorithm},
			attack{name: alg + " without a signature", token: segment(header) + "." + segment(hookClaims(t)) + ".", want: nexmo.ErrAlgorithm})
	}
	for _, header := range []string{`{"typ":"JWT"}`, `{}`, `{"Alg":"HS256"}`, `{"ALG":"HS256"}`, `null`, `[]`, `"HS256"`, `256`} {
		attacks = append(attacks, attack{name: "header " + header, token: forge(header, hookClaims(t), hookSecret), want: nexmo.ErrAlgorithm})
	}
	runAttacks(t, attacks)
}

// publicPEM is a public key in PEM, as an attacker has it.
func publicPEM(tb testing.TB, key any) string {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// testKey is the key of an application.
var testKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func TestVerifierRefusesOtherKeys(t *testing.T) {
	t.Parallel()
	claims := hookClaims(t)
	key := testKey()
	public := publicPEM(t, &key.PublicKey)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signed := func(m jwt.SigningMethod, header string, key any) string {
		input := segment(header) + "." + segment(claims)
		sig, err := m.Sign(input, key)
		if err != nil {
			t.Fatal(err)
		}
		return input + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	input := segment(hookHeader) + "." + segment(claims)
	secretAsKey := func(v *nexmo.Verifier) { v.Secrets = []string{public} }
	attackers := "the key of an attacker"
	oct := `{"kty":"oct","kid":"1","alg":"HS256","k":"` + segment(attackers) + `"}`
	decoded, err := base64.StdEncoding.DecodeString(hookSecret)
	if err != nil {
		t.Fatal(err)
	}
	runAttacks(t, []attack{
		{name: "RS256", token: signed(jwt.SigningMethodRS256, `{"alg":"RS256","typ":"JWT"}`, key), want: nexmo.ErrAlgorithm},
		{name: "RS256 and its public key as the secret", token: signed(jwt.SigningMethodRS256, `{"alg":"RS256"}`, key), verifier: secretAsKey, want: nexmo.ErrAlgorithm},
		{name: "RS256 by name, HMAC with the secret", token: forge(`{"alg":"RS256"}`, claims, hookSecret), want: nexmo.ErrAlgorithm},
		{name: "RS256 by name, HMAC with a public key", token: forge(`{"alg":"RS256"}`, claims, public), want: nexmo.ErrAlgorithm},
		{name: "HS256 by name, RS256 in truth", token: signed(jwt.SigningMethodRS256, hookHeader, key), want: nexmo.ErrSignature},
		{name: "HMAC with a public key", token: forge(hookHeader, claims, public), want: nexmo.ErrSignature},
		{name: "ES256", token: signed(jwt.SigningMethodES256, `{"alg":"ES256","typ":"JWT"}`, curve), want: nexmo.ErrAlgorithm},
		{name: "HS256 by name, ES256 in truth", token: signed(jwt.SigningMethodES256, hookHeader, curve), want: nexmo.ErrSignature},
		{name: "HS384", token: signed(jwt.SigningMethodHS384, `{"alg":"HS384","typ":"JWT"}`, []byte(hookSecret)), want: nexmo.ErrAlgorithm},
		{name: "HS512", token: signed(jwt.SigningMethodHS512, `{"alg":"HS512","typ":"JWT"}`, []byte(hookSecret)), want: nexmo.ErrAlgorithm},
		{name: "HS256 by name, HS384 in truth", token: input + "." + macOf(sha512.New384, hookSecret, input), want: nexmo.ErrSignature},
		{name: "HS256 by name, HS512 in truth", token: input + "." + macOf(sha512.New, hookSecret, input), want: nexmo.ErrSignature},

		{name: "key in jwk", token: forge(`{"alg":"HS256","jwk":`+oct+`}`, claims, attackers), want: nexmo.ErrSignature},
		{name: "key in jwks", token: forge(`{"alg":"HS256","kid":"1","jwks":{"keys":[`+oct+`]}}`, claims, attackers), want: nexmo.ErrSignature},
		{name: "certificate in x5c", token: forge(`{"alg":"HS256","x5c":["`+segment(attackers)+`"],"x5t":"AA"}`, claims, attackers), want: nexmo.ErrSignature},
		{name: "kid is a file", token: forge(`{"alg":"HS256","kid":"../../../../dev/null"}`, claims, "\x00"), want: nexmo.ErrSignature},
		{name: "kid is SQL", token: forge(`{"alg":"HS256","kid":"x' UNION SELECT 'key"}`, claims, "key"), want: nexmo.ErrSignature},
		{name: "kid is the secret itself", token: forge(`{"alg":"HS256","kid":"1","k":"`+segment("1")+`"}`, claims, "1"), want: nexmo.ErrSignature},

		{name: "empty key", token: forge(hookHeader, claims, ""), want: nexmo.ErrSignature},
		{name: "secret decoded from base64", token: forge(hookHeader, claims, string(decoded)), want: nexmo.ErrSignature},
		{name: "secret with a line break", token: forge(hookHeader, claims, hookSecret+"\n"), want: nexmo.ErrSignature},
		{name: "secret in upper case", token: forge(hookHeader, claims, strings.ToUpper(hookSecret)), want: nexmo.ErrSignature},
		{name: "all secrets at once", token: forge(hookHeader, claims, hookSecret+"another"), want: nexmo.ErrSignature, verifier: func(v *nexmo.Verifier) { v.Secrets = []string{hookSecret, "another"} }},
		{name: "plain SHA-256 in place of HMAC", token: input + "." + func() string {
			sum := crypto.SHA256.New()
			sum.Write([]byte(hookSecret + input))
			return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
		}(), want: nexmo.ErrSignature},
	})
}

// Nobody goes where a token says that keys are to be found.
func TestVerifierAsksNobodyForKeys(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, `{"keys":[{"kty":"oct","kid":"1","alg":"HS256","k":"`+segment("theirs")+`"}]}`)
	}))
	t.Cleanup(server.Close)
	for _, name := range []string{"jku", "x5u", "jwks_uri", "kid", "iss"} {
		header := `{"alg":"HS256","kid":"1","` + name + `x":1,"` + name + `":"` + server.URL + `"}`
		if name == "kid" {
			header = `{"alg":"HS256","kid":"` + server.URL + `"}`
		}
		a := attack{token: forge(header, hookClaims(t), "theirs"), body: hookBody, want: nexmo.ErrSignature}
		a.refused(t)
	}
	if n := asked.Load(); n != 0 {
		t.Errorf("the server that the header names was asked %d times", n)
	}
}

func TestVerifierRefusesMalformedTokens(t *testing.T) {
	t.Parallel()
	good := hookToken(t)
	header, rest, _ := strings.Cut(good, ".")
	claims, sig, _ := strings.Cut(rest, ".")
	last := func(s string) string { // with the bits set that no byte needs
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		c := strings.IndexByte(alphabet, s[len(s)-1])
		return s[:len(s)-1] + alphabet[c+1:c+2]
	}
	// Base64 of these has bits left over.
	oddHeader := segment(`{"alg":"HS256"}  `)
	oddClaims := segment(hookClaims(t) + strings.Repeat(" ", 2-len(hookClaims(t))%3+2))
	for _, s := range []string{oddHeader, oddClaims, sig} {
		if len(s)%4 == 0 {
			t.Fatalf("%s has no bits left over", s)
		}
	}
	plus := strings.NewReplacer("-", "+", "_", "/")
	withDash := ""
	for i := 0; withDash == ""; i++ {
		token := hookToken(t, jtiClaim, fmt.Sprintf(`"jti":"%d"`, i))
		if _, s, _ := strings.Cut(strings.TrimPrefix(token, header+"."), "."); strings.ContainsAny(s, "-_") {
			withDash = token
		}
	}
	tests := []attack{
		{name: "nothing", token: "", auth: []string{"Bearer "}},
		{name: "one segment", token: header},
		{name: "two segments", token: header + "." + claims},
		{name: "four segments", token: good + "." + sig},
		{name: "four segments, the last empty", token: good + "."},
		{name: "four segments, the first empty", token: "." + good},
		{name: "encrypted", token: segment(`{"alg":"dir","enc":"A256GCM"}`) + "..AAAA.AAAA.AAAA"},
		{name: "two points", token: ".."},
		{name: "no header", token: sealed("."+claims, hookSecret)},
		{name: "no claims", token: sealed(header+".", hookSecret)},
		{name: "no header and no claims", token: sealed(".", hookSecret)},
		{name: "one and a half tokens", token: good + header + "." + claims},

		{name: "header with padding", token: sealed(base64.URLEncoding.EncodeToString([]byte(`{"alg":"HS256"}  `))+"."+claims, hookSecret)},
		{name: "claims with padding", token: sealed(header+"."+oddClaims+"=", hookSecret)},
		{name: "signature with padding", token: good + "="},
		{name: "signature with much padding", token: good + "=="},
		{name: "header with bits left over", token: sealed(last(oddHeader)+"."+claims, hookSecret)},
		{name: "claims with bits left over", token: sealed(header+"."+last(oddClaims), hookSecret)},
		{name: "signature with bits left over", token: last(good)},
		{name: "the base64 of elsewhere", token: plus.Replace(withDash)},
		{name: "hexadecimal signature", token: header + "." + claims + "." + hex.EncodeToString([]byte(sig)) + "~"},
		{name: "token in quotes", token: `"` + good + `"`},

		{name: "header is no JSON", token: forge(`{"alg":"HS256"`, hookClaims(t), hookSecret)},
		{name: "header is empty JSON text", token: forge(` `, hookClaims(t), hookSecret)},
		{name: "header is a bare word", token: forge(`HS256`, hookClaims(t), hookSecret)},
		{name: "header with another behind", token: forge(`{"alg":"HS256"}{"alg":"none"}`, hookClaims(t), hookSecret)},
		{name: "header with a letter behind", token: forge(`{"alg":"HS256"}x`, hookClaims(t), hookSecret)},
		{name: "header with a zero byte behind", token: forge("{\"alg\":\"HS256\"}\x00", hookClaims(t), hookSecret)},
		{name: "header with a byte-order mark", token: forge("\ufeff"+hookHeader, hookClaims(t), hookSecret)},
		{name: "header with a comma too many", token: forge(`{"alg":"HS256",}`, hookClaims(t), hookSecret)},
		{name: "header with a comment", token: forge(`{"alg":"HS256"/**/}`, hookClaims(t), hookSecret)},
		{name: "header with invalid UTF-8", token: forge("{\"alg\":\"HS256\",\"x\":\"\xff\"}", hookClaims(t), hookSecret)},
		{name: "alg twice, the good one first", token: forge(`{"alg":"HS256","alg":"none"}`, hookClaims(t), hookSecret)},
		{name: "alg twice, the good one last", token: forge(`{"alg":"none","alg":"HS256"}`, hookClaims(t), hookSecret)},
		{name: "alg twice, alike", token: forge(`{"alg":"HS256","alg":"HS256"}`, hookClaims(t), hookSecret)},
		{name: "alg twice, once with an escape", token: forge(`{"alg":"HS256","\u0061lg":"none"}`, hookClaims(t), hookSecret)},
		{name: "typ twice", token: forge(`{"alg":"HS256","typ":"JWT","typ":"JWE"}`, hookClaims(t), hookSecret)},
		{name: "typ twice, once with an escape", token: forge(`{"alg":"HS256","typ":"JWT","\u0074yp":"JWT"}`, hookClaims(t), hookSecret)},
		{name: "members twice within jwk", token: forge(`{"alg":"HS256","jwk":{"k":"a","k":"b"}}`, hookClaims(t), hookSecret)},
		{name: "crit", token: forge(`{"alg":"HS256","crit":["exp"]}`, hookClaims(t), hookSecret)},
		{name: "crit of b64", token: forge(`{"alg":"HS256","b64":false,"crit":["b64"]}`, hookClaims(t), hookSecret)},
		{name: "crit without names", token: forge(`{"alg":"HS256","crit":[]}`, hookClaims(t), hookSecret)},
		{name: "crit is null", token: forge(`{"alg":"HS256","crit":null}`, hookClaims(t), hookSecret)},
		{name: "crit with an escape", token: forge(`{"alg":"HS256","cr\u0069t":["exp"]}`, hookClaims(t), hookSecret)},

		{name: "claims are no JSON", token: forge(hookHeader, hookClaims(t)[1:], hookSecret)},
		{name: "claims are a list", token: forge(hookHeader, "["+hookClaims(t)+"]", hookSecret)},
		{name: "claims are text", token: forge(hookHeader, `"Vonage"`, hookSecret)},
		{name: "claims with others behind", token: forge(hookHeader, hookClaims(t)+`{"iss":"Vonage"}`, hookSecret)},
		{name: "claims with a letter behind", token: forge(hookHeader, hookClaims(t)+"x", hookSecret)},
		{name: "claims with a zero byte behind", token: forge(hookHeader, hookClaims(t)+"\x00", hookSecret)},
		{name: "claims with a byte-order mark", token: forge(hookHeader, "\ufeff"+hookClaims(t), hookSecret)},
		{name: "claims with invalid UTF-8", token: hookToken(t, keyClaim, "\"api_key\":\"\xc0\xaf\"")},
		{name: "claims with half a character", token: hookToken(t, keyClaim, `"api_key":"\ud800"`)},
		{name: "claims nested deeply", token: hookToken(t, issClaim, issClaim+`,"x":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000))},

		{name: "1 MB of claims", token: hookToken(t, issClaim, issClaim+`,"x":"`+strings.Repeat("a", 1<<20)+`"`)},
		{name: "1 MB of header", token: forge(`{"alg":"HS256","x":"`+strings.Repeat("a", 1<<20)+`"}`, hookClaims(t), hookSecret)},
		{name: "1 MB of signature", token: header + "." + claims + "." + strings.Repeat("A", 1<<20)},
		{name: "1 MB of points", token: strings.Repeat(".", 1<<20)},
		{name: "1 MB of brackets", token: forge(strings.Repeat("[", 1<<20), hookClaims(t), hookSecret)},
	}
	// Whatever is no letter of base64url is no part of a token, wherever it is,
	// also where decoders pass over it.
	for _, c := range []string{"\n", "\r\n", "\r", " ", "\t", "\x00", "\v", "%", "=", ",", ";", "\u00a0", "\u2028", "é"} {
		for _, at := range []int{0, 5, len(header), len(header) + 1, len(header) + 9, len(header) + len(claims) + 5, len(good)} {
			name := fmt.Sprintf("%+q at %d", c, at)
			tests = append(tests, attack{name: name, token: good[:at] + c + good[at:]})
			if at < len(header)+len(claims) {
				tests = append(tests, attack{name: name + ", signed so", token: sealed((good[:at] + c + good[at:])[:len(header)+1+len(claims)+len(c)], hookSecret)})
			}
		}
	}
	for i := range tests {
		tests[i].want = nexmo.ErrToken
	}
	runAttacks(t, tests)

	// Cutting the token anywhere, or changing any letter of it, is noticed.
	t.Run("cut", func(t *testing.T) {
		t.Parallel()
		v := hookVerifier()
		for i := range good {
			if _, err := v.VerifyToken(good[:i], []byte(hookBody)); err == nil {
				t.Errorf("the first %d letters of the token are accepted", i)
			}
			if _, err := v.VerifyToken(good[i+1:], []byte(hookBody)); err == nil {
				t.Errorf("the token from letter %d on is accepted", i+1)
			}
		}
	})
	t.Run("changed", func(t *testing.T) {
		t.Parallel()
		v := hookVerifier()
		for i := range good {
			for _, c := range "AQgw-_z9.=\n" {
				if changed := good[:i] + string(c) + good[i+1:]; changed != good {
					if _, err := v.VerifyToken(changed, []byte(hookBody)); err == nil {
						t.Errorf("%q in place of letter %d is accepted", c, i)
					}
				}
			}
		}
	})
}

func TestVerifierRefusesSignatures(t *testing.T) {
	t.Parallel()
	good := hookToken(t)
	at := strings.LastIndexByte(good, '.') + 1
	flipped := func(i int) string {
		c := byte('A')
		if good[i] == c {
			c = 'Q'
		}
		return good[:i] + string(c) + good[i+1:]
	}
	other := hookToken(t, jtiClaim, `"jti":"1"`)
	tests := []attack{
		{name: "none", token: good[:at]},
		{name: "first letter changed", token: flipped(at)},
		{name: "letter in the middle changed", token: flipped(at + 20)},
		{name: "half", token: good[:at+20]},
		{name: "twice", token: good + strings.Repeat("A", 1) + good[at:]},
		{name: "a byte more", token: good[:at] + macOf(sha256.New, hookSecret, good[:at-1]) + "A"},
		{name: "of another token", token: good[:at] + other[strings.LastIndexByte(other, '.')+1:]},
		{name: "zero", token: good[:at] + strings.Repeat("A", 43)},
		{name: "a number written in base64", token: good[:at] + "AA"},
	}
	for i := range tests {
		tests[i].want = nexmo.ErrSignature
		if _, err := base64.RawURLEncoding.Strict().DecodeString(tests[i].token[at:]); err != nil {
			tests[i].want = nexmo.ErrToken
		}
	}
	runAttacks(t, tests)
}

func TestVerifierRefusesClaims(t *testing.T) {
	t.Parallel()
	compact := `{"a":1,"b":[2,3]}`
	spaced := `{ "a": 1, "b": [2, 3] }`
	var reserialised bytes.Buffer
	if err := json.Compact(&reserialised, []byte(spaced)); err != nil || reserialised.String() != compact {
		t.Fatal(reserialised.String(), err)
	}
	iat := func(value string) string { return hookToken(t, iatClaim, iatPrefix+value) }
	also := func(claim string) string { return hookToken(t, issClaim, issClaim+","+claim) }
	payload := func(claim string) string { return hookToken(t, hashClaim, claim) }
	only := func(claim string) string { return forge(hookHeader, claim, hookSecret) }
	sha512of := sha512.Sum512([]byte(hookBody))
	rawHash, err := hex.DecodeString(hashOf(hookBody))
	if err != nil {
		t.Fatal(err)
	}
	tests := []attack{
		{name: "no issuer", token: hookToken(t, issClaim+",", ""), want: nexmo.ErrIssuer},
		{name: "issuer null", token: hookToken(t, issClaim, `"iss":null`), want: nexmo.ErrIssuer},
		{name: "issuer empty", token: hookToken(t, issClaim, `"iss":""`), want: nexmo.ErrIssuer},
		{name: "issuer in lower case", token: hookToken(t, issClaim, `"iss":"vonage"`), want: nexmo.ErrIssuer},
		{name: "issuer with a blank", token: hookToken(t, issClaim, `"iss":"Vonage "`), want: nexmo.ErrIssuer},
		{name: "issuer Nexmo", token: hookToken(t, issClaim, `"iss":"Nexmo"`), want: nexmo.ErrIssuer},
		{name: "issuer in Iss", token: hookToken(t, `"iss"`, `"Iss"`), want: nexmo.ErrToken},
		{name: "issuer is a list", token: hookToken(t, issClaim, `"iss":["Vonage"]`), want: nexmo.ErrToken},
		{name: "issuer is a number", token: hookToken(t, issClaim, `"iss":1`), want: nexmo.ErrToken},
		{name: "no claims", token: only(`{}`), want: nexmo.ErrToken},
		{name: "claims are null", token: only(`null`), want: nexmo.ErrIssuer},

		{name: "no iat", token: hookToken(t, iatClaim+",", ""), want: nexmo.ErrToken},
		{name: "iat null", token: iat(`null`), want: nexmo.ErrToken},
		{name: "iat is text", token: iat(`"1750000000"`), want: nexmo.ErrToken},
		{name: "iat is a date", token: iat(`"2025-06-15T15:06:40Z"`), want: nexmo.ErrToken},
		{name: "iat true", token: iat(`true`), want: nexmo.ErrToken},
		{name: "iat is a list", token: iat(`[1750000000]`), want: nexmo.ErrToken},
		{name: "iat is an object", token: iat(`{}`), want: nexmo.ErrToken},
		{name: "iat zero", token: iat(`0`), want: nexmo.ErrToken},
		{name: "iat negative", token: iat(`-1750000000`), want: nexmo.ErrToken},
		{name: "iat negative and huge", token: iat(`-1e300`), want: nexmo.ErrToken},
		{name: "iat huge", token: iat(`1e300`), want: nexmo.ErrToken},
		{name: "iat beyond every number", token: iat(`1e400`), want: nexmo.ErrToken},
		{name: "iat as large as an int64", token: iat(`9223372036854775807`), want: nexmo.ErrToken},
		{name: "iat as large as an int64 and one", token: iat(`9223372036854775808`), want: nexmo.ErrToken},
		{name: "iat wraps around", token: iat(`18446744075459551616`), want: nexmo.ErrToken},
		{name: "iat in milliseconds", token: iat(`1750000000000`), want: nexmo.ErrToken},
		{name: "iat NaN", token: iat(`NaN`), want: nexmo.ErrToken},
		{name: "iat Infinity", token: iat(`Infinity`), want: nexmo.ErrToken},
		{name: "iat with a zero in front", token: iat(`01750000000`), want: nexmo.ErrToken},
		{name: "iat in hexadecimal", token: iat(`0x684ee180`), want: nexmo.ErrToken},
		{name: "iat next to nothing", token: iat(`1e-300`), want: nexmo.ErrExpired},
		{name: "iat one", token: iat(`1`), want: nexmo.ErrExpired},
		{name: "stale by a second", token: iat(fmt.Sprint(hookIssued - 301)), want: nexmo.ErrExpired},
		{name: "stale by a fraction", token: iat(fmt.Sprint(hookIssued-301) + ".5"), want: nexmo.ErrExpired},
		{name: "stale by a year", token: iat(fmt.Sprint(hookIssued - 365*86400)), want: nexmo.ErrExpired},
		{name: "staler than retries", token: iat(fmt.Sprint(hookIssued - 86401)), want: nexmo.ErrExpired, verifier: func(v *nexmo.Verifier) { v.MaxAge = 24 * time.Hour }},
		{name: "stale for a short MaxAge", token: iat(fmt.Sprint(hookIssued - 2)), want: nexmo.ErrExpired, verifier: func(v *nexmo.Verifier) { v.MaxAge = time.Second }},
		{name: "future by a second", token: iat(fmt.Sprint(hookIssued + 61)), want: nexmo.ErrNotYetValid},
		{name: "future by ten years", token: iat(fmt.Sprint(hookIssued + 3653*86400)), want: nexmo.ErrNotYetValid},
		{name: "future as far as can be", token: iat(`253402300799`), want: nexmo.ErrNotYetValid},
		{name: "future for a short Leeway", token: iat(fmt.Sprint(hookIssued + 1)), want: nexmo.ErrNotYetValid, verifier: func(v *nexmo.Verifier) { v.Leeway = 1 }},
		{name: "future however long the tokens live", token: iat(fmt.Sprint(hookIssued + 61)), want: nexmo.ErrNotYetValid, verifier: func(v *nexmo.Verifier) { v.MaxAge = 24 * time.Hour }},
		{name: "the clock stands still", token: iat(fmt.Sprint(hookIssued)), want: nexmo.ErrNotYetValid, verifier: func(v *nexmo.Verifier) {
			v.Now = func() time.Time { return time.Time{} }
		}},
		{name: "a clock of the far future", token: iat(fmt.Sprint(hookIssued)), want: nexmo.ErrExpired, verifier: func(v *nexmo.Verifier) {
			v.Now = func() time.Time { return time.Unix(math.MaxInt64>>8, 0) }
		}},

		{name: "exp past", token: also(fmt.Sprintf(`"exp":%d`, hookIssued-1)), want: nexmo.ErrExpired},
		{name: "exp now", token: also(fmt.Sprintf(`"exp":%d`, hookIssued)), want: nexmo.ErrExpired},
		{name: "exp now and a fraction", token: also(fmt.Sprintf(`"exp":%d.5`, hookIssued)), want: nexmo.ErrExpired},
		{name: "exp next to nothing", token: also(`"exp":0.5`), want: nexmo.ErrExpired},
		{name: "exp zero", token: also(`"exp":0`), want: nexmo.ErrToken},
		{name: "exp negative", token: also(`"exp":-1`), want: nexmo.ErrToken},
		{name: "exp null", token: also(`"exp":null`), want: nexmo.ErrToken},
		{name: "exp is text", token: also(fmt.Sprintf(`"exp":"%d"`, hookIssued+60)), want: nexmo.ErrToken},
		{name: "exp in milliseconds", token: also(fmt.Sprintf(`"exp":%d000`, hookIssued+60)), want: nexmo.ErrToken},
		{name: "exp beyond every number", token: also(`"exp":1e999`), want: nexmo.ErrToken},
		{name: "nbf future", token: also(fmt.Sprintf(`"nbf":%d`, hookIssued+1)), want: nexmo.ErrNotYetValid},
		{name: "nbf null", token: also(`"nbf":null`), want: nexmo.ErrToken},
		{name: "nbf is text", token: also(fmt.Sprintf(`"nbf":"%d"`, hookIssued)), want: nexmo.ErrToken},
		{name: "nbf true", token: also(`"nbf":true`), want: nexmo.ErrToken},
		{name: "nbf huge", token: also(`"nbf":1e30`), want: nexmo.ErrToken},

		{name: "no hash", token: hookToken(t, hashClaim+",", ""), want: nexmo.ErrPayloadHash},
		{name: "no hash and no body", token: hookToken(t, hashClaim+",", ""), body: " ", want: nexmo.ErrPayloadHash},
		{name: "hash null", token: payload(`"payload_hash":null`), want: nexmo.ErrPayloadHash},
		{name: "hash empty", token: payload(`"payload_hash":""`), want: nexmo.ErrPayloadHash},
		{name: "hash is a number", token: payload(`"payload_hash":0`), want: nexmo.ErrToken},
		{name: "hash is a list", token: payload(`"payload_hash":["` + hashOf(hookBody) + `"]`), want: nexmo.ErrToken},
		{name: "hash of another body", token: payload(`"payload_hash":"` + hashOf("another") + `"`), want: nexmo.ErrPayloadHash},
		{name: "hash of nothing", token: payload(`"payload_hash":"` + hashOf("") + `"`), want: nexmo.ErrPayloadHash},
		{name: "hash cut", token: payload(`"payload_hash":"` + hashOf(hookBody)[:62] + `"`), want: nexmo.ErrPayloadHash},
		{name: "hash cut to half a byte", token: payload(`"payload_hash":"` + hashOf(hookBody)[:63] + `"`), want: nexmo.ErrPayloadHash},
		{name: "hash and a letter", token: payload(`"payload_hash":"` + hashOf(hookBody) + `0"`), want: nexmo.ErrPayloadHash},
		{name: "hash and a byte", token: payload(`"payload_hash":"` + hashOf(hookBody) + `00"`), want: nexmo.ErrPayloadHash},
		{name: "hash and a blank", token: payload(`"payload_hash":"` + hashOf(hookBody) + ` "`), want: nexmo.ErrPayloadHash},
		{name: "hash in base64", token: payload(`"payload_hash":"` + base64.StdEncoding.EncodeToString(rawHash) + `"`), want: nexmo.ErrPayloadHash},
		{name: "hash by SHA-512", token: payload(`"payload_hash":"` + hex.EncodeToString(sha512of[:]) + `"`), want: nexmo.ErrPayloadHash},
		{name: "hash by half of SHA-512", token: payload(`"payload_hash":"` + hex.EncodeToString(sha512of[:32]) + `"`), want: nexmo.ErrPayloadHash},
		{name: "hash of re-serialised JSON", token: payload(`"payload_hash":"` + hashOf(compact) + `"`), body: spaced, want: nexmo.ErrPayloadHash},
		{name: "hash of JSON before it was re-serialised", token: payload(`"payload_hash":"` + hashOf(spaced) + `"`), body: compact, want: nexmo.ErrPayloadHash},
		{name: "body cut", token: hookToken(t), body: hookBody[:len(hookBody)-1], want: nexmo.ErrPayloadHash},
		{name: "body and a line break", token: hookToken(t), body: hookBody + "\n", want: nexmo.ErrPayloadHash},
		{name: "body and another", token: hookToken(t), body: hookBody + hookBody, want: nexmo.ErrPayloadHash},
		{name: "body changed", token: hookToken(t), body: strings.Replace(hookBody, `"id":7`, `"id":8`, 1), want: nexmo.ErrPayloadHash},
		{name: "body of another webhook", token: hookToken(t), body: `{"type":"text","id":8}`, want: nexmo.ErrPayloadHash},

		{name: "another account", token: hookToken(t), want: nexmo.ErrAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = "acc0unt2" }},
		{name: "account in other letters", token: hookToken(t), want: nexmo.ErrAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = strings.ToUpper(hookAPIKey) }},
		{name: "no account", token: hookToken(t, ","+keyClaim, ""), want: nexmo.ErrAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = hookAPIKey }},
		{name: "account null", token: hookToken(t, keyClaim, `"api_key":null`), want: nexmo.ErrAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = hookAPIKey }},
		{name: "account in a list", token: hookToken(t, keyClaim, `"api_key":["`+hookAPIKey+`"]`), want: nexmo.ErrToken, verifier: func(v *nexmo.Verifier) { v.APIKey = hookAPIKey }},
		{name: "another application", token: hookToken(t), want: nexmo.ErrAccount, verifier: func(v *nexmo.Verifier) { v.ApplicationID = "another" }},
		{name: "no application", token: hookToken(t, ","+appClaim, ""), want: nexmo.ErrAccount, verifier: func(v *nexmo.Verifier) { v.ApplicationID = hookApp }},
		{name: "the application as the account", token: hookToken(t, keyClaim, `"api_key":"`+hookApp+`"`, appClaim, `"application_id":"`+hookAPIKey+`"`), want: nexmo.ErrAccount, verifier: func(v *nexmo.Verifier) {
			v.APIKey, v.ApplicationID = hookAPIKey, hookApp
		}},

		{name: "sub is a number", token: also(`"sub":1`), want: nexmo.ErrToken},
		{name: "jti is a number", token: hookToken(t, jtiClaim, `"jti":1`), want: nexmo.ErrToken},
		{name: "aud is a number", token: also(`"aud":1`), want: nexmo.ErrToken},
		{name: "aud is a list of numbers", token: also(`"aud":[1]`), want: nexmo.ErrToken},
		{name: "aud is a list of nulls", token: also(`"aud":[null]`), want: nexmo.ErrToken},
		{name: "unknown claim twice", token: also(`"x":1,"x":2`), want: nexmo.ErrToken},
		{name: "unknown claim twice, once with an escape", token: also(`"x":1,"\u0078":2`), want: nexmo.ErrToken},
		{name: "members twice within a claim", token: also(`"x":[{"y":{"z":1,"z":1}}]`), want: nexmo.ErrToken},
		{name: "unknown claim beyond every number", token: also(`"x":[1,{"y":1e999}]`), want: nexmo.ErrToken},
	}
	// A claim that is there twice is refused whichever of the two is the good
	// one, and so is one that some readers take for another.
	for _, claim := range []string{issClaim, iatClaim, jtiClaim, hashClaim, keyClaim, appClaim, `"exp":1750000060`, `"nbf":1750000000`, `"sub":"s"`, `"aud":"a"`} {
		name, value, _ := strings.Cut(claim, ":")
		escaped := fmt.Sprintf(`"\u%04x%s`, name[1], name[2:])
		rest := strings.TrimSuffix(hookClaims(t), "}")
		if !strings.Contains(rest, claim) {
			rest += "," + claim
		}
		for _, bad := range []string{value, `null`, `1`, `"bad"`} {
			tests = append(tests,
				attack{name: name + " again as " + bad, token: only(rest + "," + name + ":" + bad + "}"), want: nexmo.ErrToken},
				attack{name: name + " before as " + bad, token: only("{" + name + ":" + bad + "," + rest[1:] + "}"), want: nexmo.ErrToken},
				attack{name: name + " again with an escape as " + bad, token: only(rest + "," + escaped + ":" + bad + "}"), want: nexmo.ErrToken})
		}
		for _, other := range []string{strings.ToUpper(name), name[:1] + strings.ToUpper(name[1:2]) + name[2:], strings.Replace(name, "s", "ſ", 1), strings.Replace(name, "k", "\u212a", 1)} {
			if other != name {
				tests = append(tests, attack{name: name + " also as " + other, token: only(rest + "," + other + ":" + value + "}"), want: nexmo.ErrToken})
			}
		}
	}
	runAttacks(t, tests)
}

func TestVerifierRefusesHeaders(t *testing.T) {
	t.Parallel()
	good := hookToken(t)
	bad := forge(hookHeader, hookClaims(t), "another secret")
	at := len(good) / 2
	tests := []attack{
		{name: "none", auth: []string{}, want: nexmo.ErrNoToken},
		{name: "empty", auth: []string{""}},
		{name: "scheme alone", auth: []string{"Bearer"}},
		{name: "scheme and a blank", auth: []string{"Bearer "}},
		{name: "no scheme", auth: []string{good}},
		{name: "no blank", auth: []string{"Bearer" + good}},
		{name: "two blanks", auth: []string{"Bearer  " + good}},
		{name: "tab", auth: []string{"Bearer\t" + good}},
		{name: "colon", auth: []string{"Bearer: " + good}},
		{name: "blank in front", auth: []string{" Bearer " + good}},
		{name: "blank behind", auth: []string{"Bearer " + good + " "}},
		{name: "Basic", auth: []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("user:"+hookSecret))}},
		{name: "Token", auth: []string{"Token " + good}},
		{name: "JWT", auth: []string{"JWT " + good}},
		{name: "Bearerer", auth: []string{"Bearerer " + good}},
		{name: "a scheme that folds to the right one", auth: []string{"Bea\u0280er " + good}},
		{name: "parameter", auth: []string{"Bearer token=" + good}},
		{name: "quoted", auth: []string{`Bearer "` + good + `"`}},
		{name: "the same twice", auth: []string{"Bearer " + good, "Bearer " + good}},
		{name: "the good one first", auth: []string{"Bearer " + good, "Bearer " + bad}},
		{name: "the good one last", auth: []string{"Bearer " + bad, "Bearer " + good}},
		{name: "an empty one first", auth: []string{"", "Bearer " + good}},
		{name: "another scheme first", auth: []string{"Basic YTpi", "Bearer " + good}},
		{name: "another scheme last", auth: []string{"Bearer " + good, "Basic YTpi"}},
		{name: "two in one with a comma", auth: []string{"Bearer " + good + ", Bearer " + good}},
		{name: "two in one with a comma alone", auth: []string{"Bearer " + good + "," + good}},
		{name: "two in one with a blank", auth: []string{"Bearer " + good + " " + good}},
		{name: "folded", auth: []string{"Bearer " + good[:at] + "\r\n " + good[at:]}},
		{name: "folded after the scheme", auth: []string{"Bearer\r\n " + good}},
		{name: "line break in the token", auth: []string{"Bearer " + good[:at] + "\n" + good[at:]}},
		{name: "line break behind", auth: []string{"Bearer " + good + "\r\n"}},
		{name: "a header within", auth: []string{"Bearer " + good + "\r\nX-Injected: 1"}},
	}
	for i := range tests {
		tests[i].token = good
		if tests[i].want == nil {
			tests[i].want = nexmo.ErrToken
		}
	}
	runAttacks(t, tests)
}

// Over a real connection, net/http joins folded headers and sorts out the rest;
// what is left is refused.
func TestVerifierRefusesHeadersOnTheWire(t *testing.T) {
	t.Parallel()
	good := hookToken(t)
	at := len(good) / 2
	tests := []struct {
		name, headers string
		want          int
	}{
		{"as it should be", "Authorization: Bearer " + good + "\r\n", http.StatusNoContent},
		{"blanks around it", "Authorization:   Bearer " + good + "  \r\n", http.StatusNoContent},
		{"folded within the token", "Authorization: Bearer " + good[:at] + "\r\n " + good[at:] + "\r\n", http.StatusUnauthorized},
		{"folded with a tab", "Authorization: Bearer " + good[:at] + "\r\n\t" + good[at:] + "\r\n", http.StatusUnauthorized},
		{"bare line break", "Authorization: Bearer " + good[:at] + "\n " + good[at:] + "\r\n", http.StatusUnauthorized},
		{"carriage return", "Authorization: Bearer " + good[:at] + "\r" + good[at:] + "\r\n", http.StatusBadRequest},
		{"zero byte", "Authorization: Bearer " + good + "\x00\r\n", http.StatusBadRequest},
		{"two headers", "Authorization: Bearer " + good + "\r\nauthorization: Bearer " + good + "\r\n", http.StatusUnauthorized},
		{"blank before the colon", "Authorization : Bearer " + good + "\r\n", http.StatusBadRequest},
		{"another header", "Proxy-Authorization: Bearer " + good + "\r\n", http.StatusUnauthorized},
		{"none", "", http.StatusUnauthorized},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sink hookRecorder
			server := httptest.NewServer(&nexmo.WebhookHandler{Verifier: hookVerifier(), Sink: &sink})
			t.Cleanup(server.Close)
			conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_, err = fmt.Fprintf(conn, "POST /events HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s",
				test.headers, len(hookBody), hookBody)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != test.want {
				t.Errorf("answered %d, want %d", answer.StatusCode, test.want)
			}
			want := []nexmo.EventID{}
			if test.want == http.StatusNoContent {
				want = append(want, 7)
			}
			if diff := cmp.Diff(want, sink.ids()); diff != "" {
				t.Errorf("delivered (-want +got):\n%s", diff)
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
			attack{name: name + ", signed with nothing", token: empty, verifier: configure, want: nexmo.ErrNoSecret, status: http.StatusServiceUnavailable},
			attack{name: name + ", signed well", token: hookToken(t), verifier: configure, want: nexmo.ErrNoSecret, status: http.StatusServiceUnavailable},
			attack{name: name + ", not signed", token: segment(`{"alg":"none"}`) + "." + segment(hookClaims(t)) + ".", verifier: configure, want: nexmo.ErrNoSecret, status: http.StatusServiceUnavailable})
	}
	runAttacks(t, attacks)
	if !strings.Contains(nexmo.ErrNoSecret.Error(), "Secrets") {
		t.Errorf("the error does not say what to set: %v", nexmo.ErrNoSecret)
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
		{"the new one is not known yet", []string{oldSecret}, newSecret, nexmo.ErrSignature},
		{"new while both are known", []string{newSecret, oldSecret}, newSecret, nil},
		{"old while both are known", []string{newSecret, oldSecret}, oldSecret, nil},
		{"new in the wrong order", []string{oldSecret, newSecret}, newSecret, nil},
		{"old in the wrong order", []string{oldSecret, newSecret}, oldSecret, nil},
		{"neither", []string{newSecret, oldSecret}, foreign, nexmo.ErrSignature},
		{"after", []string{newSecret}, newSecret, nil},
		{"the old one is not known any more", []string{newSecret}, oldSecret, nexmo.ErrSignature},
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
			if !errors.Is(err1, err2) || !errors.Is(err2, err1) {
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
		{6 * time.Minute, nexmo.ErrExpired},
		{-30 * time.Second, nil},
		{-90 * time.Second, nexmo.ErrNotYetValid},
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
				if _, err := v.VerifyToken(bad, []byte(hookBody)); !errors.Is(err, nexmo.ErrSignature) {
					t.Errorf("the bad token: %v", err)
				}
			}
		})
	}
	all.Wait()
}

// The verbs of fmt. Of those, plainVerbs do not make fmt look behind the
// pointers that it finds on its way.
var (
	plainVerbs = []string{"%v", "%+v", "%#v", "%20v", "%T"}
	allVerbs   = append(plainVerbs, "%s", "%q", "%d", "%x", "%X", "% x", "%o", "%b", "%c", "%U", "%e", "%g", "%t", "%-20.3s")
)

// printings returns values in every way in which programs print things.
func printings(verbs []string, values ...any) map[string]string {
	out := map[string]string{}
	for _, v := range values {
		wrapped := map[string]any{
			"alone":           v,
			"in a struct":     struct{ V any }{v},
			"behind pointers": &struct{ V *any }{&v},
			"in a list":       []any{v},
			"in a map":        map[string]any{"v": v},
			"as an error":     fmt.Errorf("failed with %v", v),
		}
		for how, w := range wrapped {
			for _, verb := range verbs {
				out[fmt.Sprintf("%T %s with %s", v, how, verb)] = fmt.Sprintf(verb, w)
			}
			out[fmt.Sprintf("%T %s with Sprint", v, how)] = fmt.Sprint(w) + fmt.Sprintln(w)
			var text, structured bytes.Buffer
			options := &slog.HandlerOptions{Level: slog.LevelDebug}
			slog.New(slog.NewTextHandler(&text, options)).Info("x", "v", w, slog.Group("g", slog.Any("v", w)))
			slog.New(slog.NewJSONHandler(&structured, options)).Info("x", "v", w, slog.Group("g", slog.Any("v", w)))
			out[fmt.Sprintf("%T %s with slog as text", v, how)] = text.String()
			out[fmt.Sprintf("%T %s with slog as JSON", v, how)] = structured.String()
			if how != "as an error" {
				data, err := json.Marshal(w)
				out[fmt.Sprintf("%T %s as JSON", v, how)] = fmt.Sprint(string(data), err)
			}
		}
	}
	return out
}

// concealed is text in the forms in which the verbs print it, and in base64.
func concealed(text string) []string {
	return []string{
		text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))), fmt.Sprintf("% x", text),
		base64.StdEncoding.EncodeToString([]byte(text)), strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"),
	}
}

func TestVerifierIsNotPrinted(t *testing.T) {
	t.Parallel()
	v := hookVerifier()
	v.Secrets = append(v.Secrets, "an older secret of the account")
	h := &nexmo.WebhookHandler{Verifier: v, Sink: new(hookRecorder)}
	type public struct {
		Verifier nexmo.Verifier
		Pointer  *nexmo.Verifier
	}
	type private struct {
		v *nexmo.Verifier
		h *nexmo.WebhookHandler
	}
	shown := printings(allVerbs, *v, v, h, public{*v, v}, []nexmo.Verifier{*v}, map[string]*nexmo.Verifier{"v": v})
	maps.Copy(shown, printings(plainVerbs, private{v, h}, &private{v, h}, &public{*v, v}))
	var secrets []string
	for _, secret := range v.Secrets {
		secrets = append(secrets, concealed(secret)...)
	}
	leaks := 0
	for how, text := range shown {
		if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) }) {
			if leaks++; leaks <= 3 {
				t.Errorf("%s shows the secret: %.300s", how, text)
			}
		}
	}
	if leaks > 3 {
		t.Errorf("the secret is shown in %d of %d ways", leaks, len(shown))
	}
	if got, want := fmt.Sprint(v), "nexmo.Verifier(2 secrets)"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
