package nexmo_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A token that others made is renewed before it expires, whatever types its other claims
// have: only exp and iat are looked at, which may have a fraction or be text.
func TestSessionRenewsTokensOfOthers(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(claims jwt.MapClaims){
		"jti is a number": func(c jwt.MapClaims) { c["jti"] = int64(1764283000123) },
		"fractions": func(c jwt.MapClaims) {
			for _, name := range []string{"iat", "nbf", "exp"} {
				c[name] = float64(c[name].(int64)) + 0.25
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := nexmotest.NewServer(t, nexmotest.InMemory())
				server.CreateUser("alice")
				key, err := jwt.ParseRSAPrivateKeyFromPEM(server.PrivateKey())
				if err != nil {
					t.Fatal(err)
				}
				n := 0
				tokens := nexmo.TokenFunc(func() (string, error) {
					n++
					now := time.Now().Unix()
					claims := jwt.MapClaims{
						"application_id": server.ApplicationID(), "sub": "alice", "iat": now, "nbf": now, "exp": now + 60, "n": n,
						"jti": "a", "acl": map[string]any{"paths": map[string]any{"/**": map[string]any{}}},
					}
					change(claims)
					return jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(key)
				})
				s := dial(t, server, tokens)
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if got := len(server.Logins()); got != 1 {
					t.Errorf("there are %d logins: the token has expired", got)
				}
				if puts := requestsTo(server, http.MethodPut, "/v0.2/sessions/"+s.ID()); puts < 5 || puts > 10 {
					t.Errorf("the token was renewed %d times in five minutes, want once in 50 s", puts)
				}
			})
		})
	}
}
