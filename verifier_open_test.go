package nexmo

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"
)

// FuzzVerifierOpen: what open takes, golang-jwt takes too and finds the same in it;
// and open takes whatever with a usual header golang-jwt takes.
func FuzzVerifierOpen(f *testing.F) {
	v := &Verifier{Secrets: []string{"a new secret", "the old secret"}}
	const claims = `{"iss":"Vonage","iat":1715846400,"jti":"1","payload_hash":"` + "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" + `"}`
	sign := func(header, payload []byte, secret string) string {
		text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(payload)
		sig, err := jwt.SigningMethodHS256.Sign(text, []byte(secret))
		if err != nil {
			f.Fatal(err)
		}
		return text + "." + base64.RawURLEncoding.EncodeToString(sig)
	}
	usual := []byte(`{"alg":"HS256","typ":"JWT"}`)
	for _, header := range []string{string(usual), `{"typ":"JWT","alg":"HS256"}`, `{"alg":"HS256"}`, `{"alg":"HS512","typ":"JWT"}`, `{"alg":"none","typ":"JWT"}`} {
		for secret := range 3 {
			f.Add([]byte(header), []byte(claims), secret, "")
		}
	}
	for _, payload := range []string{"null", "[]", `{"iat":0}`, `{"iat":"1"}`, `{"iat":1715846400,"iat":1715846400}`, claims + " x"} {
		f.Add(usual, []byte(payload), 1, "")
	}
	for _, tail := range []string{"\n", "\r", "=", ".", "A", "\x00"} {
		f.Add(usual, []byte(claims), 0, tail)
	}
	f.Fuzz(func(t *testing.T, header, payload []byte, secret int, tail string) {
		key := append(v.Secrets, "another secret", "")[uint(secret)%4]
		token := sign(header, payload, key) + tail
		opened := v.open(token)
		parsed, err := v.parse(token)
		if opened == nil {
			header, _, _ := strings.Cut(token, ".")
			null := err == nil && parsed.claims.IssuedAt.IsZero() // check refuses it
			if err == nil && !null && (header == usualHeaders[0] || header == usualHeaders[1]) {
				t.Fatalf("golang-jwt takes what open does not: %q", token)
			}
			return
		}
		if err != nil {
			t.Fatalf("open takes what golang-jwt does not: %q: %v", token, err)
		}
		if diff := cmp.Diff(parsed, opened, cmp.AllowUnexported(tokenClaims{})); diff != "" {
			t.Fatalf("(-golang-jwt +open):\n%s", diff)
		}
	})
}

// TestVerifierOpens: the tests of the verifier would pass without open, so here is
// that it is used; and that it forgets secrets rather than keep any number of them.
func TestVerifierOpens(t *testing.T) {
	t.Parallel()
	for i := range 20 {
		v := &Verifier{Secrets: []string{strings.Repeat("s", i+1), "another"}}
		token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iat": 1715846400}).SignedString([]byte(v.Secrets[i%2]))
		if err != nil {
			t.Fatal(err)
		}
		if v.open(token) == nil {
			t.Errorf("a token as golang-jwt makes it is not opened")
		}
		if (&Verifier{Secrets: []string{"wrong"}}).open(token) != nil {
			t.Error("a token is opened with a secret that did not sign it")
		}
	}
}

// A secret is keyed once, and secrets are forgotten rather than any number kept.
func TestVerifierKeysSecretsOnce(t *testing.T) {
	t.Parallel()
	var o opener
	first, second := o.hashOf("first"), o.hashOf("second")
	if o.hashOf("first") != first || o.hashOf("second") != second || first == second {
		t.Error("a secret was keyed twice, or two secrets are one")
	}
	for i := range 100 {
		o.hashOf(strings.Repeat("s", i))
		if len(o.keyed) > 8 {
			t.Fatalf("%d secrets are kept", len(o.keyed))
		}
	}
}

// A token may have 8 KiB, and not a byte more, whatever its header.
func TestVerifierTokenSize(t *testing.T) {
	t.Parallel()
	v := &Verifier{Secrets: []string{"secret"}}
	for _, header := range []string{usualHeaders[0], base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`))} {
		for size, fits := range map[int]bool{8192: true, 8193: false} {
			claims := `{"iat":1715846400,"x":"`
			length := base64.RawURLEncoding.DecodedLen(size - len(header) - len("..") - base64.RawURLEncoding.EncodedLen(32))
			claims += strings.Repeat("x", length-len(claims)-len(`"}`)) + `"}`
			text := header + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
			sig, err := jwt.SigningMethodHS256.Sign(text, []byte("secret"))
			if err != nil {
				t.Fatal(err)
			}
			token := text + "." + base64.RawURLEncoding.EncodeToString(sig)
			if len(token) != size {
				t.Fatalf("the token has %d bytes, want %d", len(token), size)
			}
			if got := v.open(token) != nil; got != (fits && header == usualHeaders[0]) {
				t.Errorf("%d bytes, header %s: opened: %t", size, header, got)
			}
			if _, err := v.parse(token); (err == nil) != fits {
				t.Errorf("%d bytes, header %s: %v", size, header, err)
			}
		}
	}
}

// As many tokens are remembered as asked for, the last ones, and nothing but their IDs.
func TestRecentTokens(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{1, 3} {
		var tokens recentTokens
		const all = "0123456789"
		for i := range all {
			id := all[i : i+1]
			tokens.add(id, limit)
			tokens.add(id, limit)
			if len(tokens.set) != min(limit, i+1) || len(tokens.ring) != len(tokens.set) {
				t.Errorf("%d tokens of %d are remembered, in a ring of %d", len(tokens.set), limit, len(tokens.ring))
			}
			for j := range all {
				if got, want := tokens.has(all[j:j+1]), j <= i && j > i-limit; got != want {
					t.Errorf("after %d, %d is remembered: %t", i, j, got)
				}
			}
			for kept := range tokens.set {
				if unsafe.StringData(kept) == unsafe.StringData(id) {
					t.Error("the ID that is remembered is a view of the token")
				}
			}
		}
	}
}

// The last character of a signature has two bits that must be zero. The decoder finds that
// when it has written all bytes but one: where that one is zero, they are the signature.
func TestVerifierOpensNoSignatureWithBitsToSpare(t *testing.T) {
	t.Parallel()
	v := &Verifier{Secrets: []string{"secret"}}
	for i := 0; ; i++ {
		text := usualHeaders[0] + "." + base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, `{"iat":1715846400,"n":%d}`, i))
		sig, err := jwt.SigningMethodHS256.Sign(text, []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		if sig[30] != 0 {
			continue
		}
		token := text + "." + base64.RawURLEncoding.EncodeToString(sig)
		if v.open(token) == nil {
			t.Error("the token is not opened")
		}
		// The next character of the alphabet, of which A, E, I and so on have zeros at the end.
		if last := len(token) - 1; v.open(token[:last]+string(token[last]+1)) != nil {
			t.Error("a token with another last character is opened")
		}
		return
	}
}
