package nexmotest

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// apiKey is the account of every test.
const apiKey = "abcd1234"

// SignOption changes the claims of a token: [Claim] and [IssuedAt] make one. A nil
// one is refused with a panic.
type SignOption func(jwt.MapClaims)

// Claim sets a claim of the token, such as "api_key", "application_id", or "iat"
// in seconds since 1970. A nil value takes the claim out.
func Claim(name string, value any) SignOption {
	return func(c jwt.MapClaims) {
		if value == nil {
			delete(c, name)
		} else {
			c[name] = value
		}
	}
}

// IssuedAt sets the time at which the token was issued; now unless given.
func IssuedAt(t time.Time) SignOption { return Claim("iat", t.Unix()) }

// Sign returns the token with which the service signs a webhook whose body is
// body: HS256 over the usual claims.
func Sign(secret string, body []byte, opts ...SignOption) string {
	return sign("Sign", secret, body, opts)
}

// sign is Sign, as a call of the function with a name.
func sign(call, secret string, body []byte, opts []SignOption) string {
	sum := sha256.Sum256(body)
	claims := jwt.MapClaims{
		"iss":          "Vonage",
		"iat":          time.Now().Unix(),
		"jti":          rand.Text(),
		"payload_hash": hex.EncodeToString(sum[:]),
		"api_key":      apiKey,
	}
	for i, o := range opts {
		if o == nil {
			panic(nilOption(call, i))
		}
		o(claims)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodHS256, maps.Clone(claims)).SignedString([]byte(secret))
	if err != nil {
		panic("nexmotest: Sign: " + err.Error()) // a claim that is no JSON
	}
	return token
}

// SignedRequest returns a webhook request as the service makes it, for an
// [http.Handler] or, after its URL is set, for a server.
func SignedRequest(secret string, body []byte, opts ...SignOption) *http.Request {
	r, err := http.NewRequest(http.MethodPost, "/", bytes.NewReader(body)) //nolint:noctx // for a test, which has no context to give
	if err != nil {
		panic("nexmotest: SignedRequest: " + err.Error())
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+sign("SignedRequest", secret, body, opts))
	return r
}
