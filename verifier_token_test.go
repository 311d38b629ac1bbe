package nexmo_test

import (
	"bufio"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

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
			attack{name: alg + " with a good signature", token: forge(header, hookClaims(t), hookSecret), want: nexmo.ErrWebhookAlgorithm},
			attack{name: alg + " without a signature", token: segment(header) + "." + segment(hookClaims(t)) + ".", want: nexmo.ErrWebhookAlgorithm})
	}
	for _, header := range []string{`{"typ":"JWT"}`, `{}`, `{"Alg":"HS256"}`, `{"ALG":"HS256"}`, `null`, `[]`, `"HS256"`, `256`} {
		attacks = append(attacks, attack{name: "header " + header, token: forge(header, hookClaims(t), hookSecret), want: nexmo.ErrWebhookAlgorithm})
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
		{name: "RS256", token: signed(jwt.SigningMethodRS256, `{"alg":"RS256","typ":"JWT"}`, key), want: nexmo.ErrWebhookAlgorithm},
		{name: "RS256 and its public key as the secret", token: signed(jwt.SigningMethodRS256, `{"alg":"RS256"}`, key), verifier: secretAsKey, want: nexmo.ErrWebhookAlgorithm},
		{name: "RS256 by name, HMAC with the secret", token: forge(`{"alg":"RS256"}`, claims, hookSecret), want: nexmo.ErrWebhookAlgorithm},
		{name: "RS256 by name, HMAC with a public key", token: forge(`{"alg":"RS256"}`, claims, public), want: nexmo.ErrWebhookAlgorithm},
		{name: "HS256 by name, RS256 in truth", token: signed(jwt.SigningMethodRS256, hookHeader, key), want: nexmo.ErrWebhookSignature},
		{name: "HMAC with a public key", token: forge(hookHeader, claims, public), want: nexmo.ErrWebhookSignature},
		{name: "ES256", token: signed(jwt.SigningMethodES256, `{"alg":"ES256","typ":"JWT"}`, curve), want: nexmo.ErrWebhookAlgorithm},
		{name: "HS256 by name, ES256 in truth", token: signed(jwt.SigningMethodES256, hookHeader, curve), want: nexmo.ErrWebhookSignature},
		{name: "HS384", token: signed(jwt.SigningMethodHS384, `{"alg":"HS384","typ":"JWT"}`, []byte(hookSecret)), want: nexmo.ErrWebhookAlgorithm},
		{name: "HS512", token: signed(jwt.SigningMethodHS512, `{"alg":"HS512","typ":"JWT"}`, []byte(hookSecret)), want: nexmo.ErrWebhookAlgorithm},
		{name: "HS256 by name, HS384 in truth", token: input + "." + macOf(sha512.New384, hookSecret, input), want: nexmo.ErrWebhookSignature},
		{name: "HS256 by name, HS512 in truth", token: input + "." + macOf(sha512.New, hookSecret, input), want: nexmo.ErrWebhookSignature},

		{name: "key in jwk", token: forge(`{"alg":"HS256","jwk":`+oct+`}`, claims, attackers), want: nexmo.ErrWebhookSignature},
		{name: "key in jwks", token: forge(`{"alg":"HS256","kid":"1","jwks":{"keys":[`+oct+`]}}`, claims, attackers), want: nexmo.ErrWebhookSignature},
		{name: "certificate in x5c", token: forge(`{"alg":"HS256","x5c":["`+segment(attackers)+`"],"x5t":"AA"}`, claims, attackers), want: nexmo.ErrWebhookSignature},
		{name: "kid is a file", token: forge(`{"alg":"HS256","kid":"../../../../dev/null"}`, claims, "\x00"), want: nexmo.ErrWebhookSignature},
		{name: "kid is SQL", token: forge(`{"alg":"HS256","kid":"x' UNION SELECT 'key"}`, claims, "key"), want: nexmo.ErrWebhookSignature},
		{name: "kid is the secret itself", token: forge(`{"alg":"HS256","kid":"1","k":"`+segment("1")+`"}`, claims, "1"), want: nexmo.ErrWebhookSignature},

		{name: "empty key", token: forge(hookHeader, claims, ""), want: nexmo.ErrWebhookSignature},
		{name: "secret decoded from base64", token: forge(hookHeader, claims, string(decoded)), want: nexmo.ErrWebhookSignature},
		{name: "secret with a line break", token: forge(hookHeader, claims, hookSecret+"\n"), want: nexmo.ErrWebhookSignature},
		{name: "secret in upper case", token: forge(hookHeader, claims, strings.ToUpper(hookSecret)), want: nexmo.ErrWebhookSignature},
		{name: "all secrets at once", token: forge(hookHeader, claims, hookSecret+"another"), want: nexmo.ErrWebhookSignature, verifier: func(v *nexmo.Verifier) { v.Secrets = []string{hookSecret, "another"} }},
		{name: "plain SHA-256 in place of HMAC", token: input + "." + func() string {
			sum := crypto.SHA256.New()
			sum.Write([]byte(hookSecret + input))
			return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
		}(), want: nexmo.ErrWebhookSignature},
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
		a := attack{token: forge(header, hookClaims(t), "theirs"), body: hookBody, want: nexmo.ErrWebhookSignature}
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
	// The form is checked before alg is: the first check that fails decides.
	for _, c := range "{[:@`/+^" {
		tests = append(tests, attack{name: fmt.Sprintf("%q in the claims of alg none", c), token: segment(`{"alg":"none"}`) + "." + claims[:8] + string(c) + claims[9:] + "." + sig})
	}
	tests = append(tests,
		attack{name: "header of alg none with a letter behind", token: forge(`{"alg":"none"}x`, hookClaims(t), hookSecret)},
		attack{name: "header of alg none with bits left over", token: sealed(last(segment(`{"alg":"none"}   `))+"."+claims, hookSecret)})
	for i := range tests {
		tests[i].want = nexmo.ErrWebhookToken
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
		tests[i].want = nexmo.ErrWebhookSignature
		if _, err := base64.RawURLEncoding.Strict().DecodeString(tests[i].token[at:]); err != nil {
			tests[i].want = nexmo.ErrWebhookToken
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
		{name: "none", auth: []string{}, want: nexmo.ErrWebhookNoToken},
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
			tests[i].want = nexmo.ErrWebhookToken
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
