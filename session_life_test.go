package nexmo

import (
	"encoding/base64"
	"testing"
	"time"
)

// Of a token that others made, only exp and iat are looked at.
func TestLifeOfAToken(t *testing.T) {
	t.Parallel()
	for claims, want := range map[string]time.Duration{
		`{"iat":1000,"exp":1900,"jti":"a"}`:                                15 * time.Minute,
		`{"iat":1000.5,"exp":1900.5,"jti":1764283000123}`:                  15 * time.Minute,
		`{"iat":"1000","exp":"1900","jti":null,"aud":{"of":"others"}}`:     15 * time.Minute,
		`{"iat":1000,"exp":1900,"nbf":"soon","iss":7,"sub":[],"Claims":1}`: 15 * time.Minute,
		`{"iat":1000}`:              0,
		`{"iat":1000,"exp":"soon"}`: 0,
		`{"iat":1000,"exp":{}}`:     0,
		`{"iat":1000,"exp":-1}`:     0,
		`{"iat":1000,"exp":1e300}`:  0,
		`[]`:                        0,
	} {
		token := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
		from, until, ok := lifeOf(token)
		if ok != (want > 0) || ok && until.Sub(from) != want {
			t.Errorf("%s: from %v until %v (%t), want %v", claims, from, until, ok, want)
		}
	}
	if from, until, ok := lifeOf("e30." + base64.RawURLEncoding.EncodeToString([]byte(`{"exp":9000000000}`)) + "."); ok && time.Since(from) > time.Minute {
		t.Errorf("without iat: from %v until %v", from, until)
	}
	if _, _, ok := lifeOf("no token"); ok {
		t.Error("what is no token has a life")
	}
}
