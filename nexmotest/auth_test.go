package nexmotest_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	s.server.CreateUser("alice")
	key, err := jwt.ParseRSAPrivateKeyFromPEM(s.server.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	claims := func(changes jwt.MapClaims) jwt.MapClaims {
		c := jwt.MapClaims{"application_id": s.server.ApplicationID(), "iat": now.Unix(), "jti": "1"}
		for name, v := range changes {
			c[name] = v
			if v == nil {
				delete(c, name)
			}
		}
		return c
	}
	sign := func(changes jwt.MapClaims) string {
		token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims(changes)).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + token
	}
	signBy := func(method jwt.SigningMethod, key any) string {
		token, err := jwt.NewWithClaims(method, claims(nil)).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return "Bearer " + token
	}
	acl := func(paths ...string) map[string]any {
		rules := map[string]any{}
		for _, p := range paths {
			rules[p] = map[string]any{}
		}
		return map[string]any{"paths": rules}
	}
	ago := func(d time.Duration) int64 { return now.Add(-d).Unix() }

	const missing, invalid, expired = "system:error:missing-token", "system:error:invalid-token", "system:error:expired-token"
	for name, test := range map[string]struct {
		authorization string
		status        int
		code          string
	}{
		"of the application":         {sign(nil), 200, ""},
		"of the application, narrow": {sign(jwt.MapClaims{"acl": acl("/*/conversations/**")}), 200, ""},
		"of a user":                  {sign(jwt.MapClaims{"sub": "alice", "acl": acl("/*/conversations/**")}), 200, ""},
		"lower case":                 {"bearer " + sign(nil)[7:], 200, ""},
		"that expires":               {sign(jwt.MapClaims{"exp": ago(-time.Minute)}), 200, ""},
		"older than 15 minutes":      {sign(jwt.MapClaims{"iat": ago(20 * time.Minute), "exp": ago(-time.Minute)}), 200, ""},
		"expires in milliseconds":    {sign(jwt.MapClaims{"exp": now.UnixMilli()}), 200, ""},

		"none":                  {"", 401, missing},
		"another scheme":        {"Basic YTpi", 401, missing},
		"no token":              {"Bearer ", 401, missing},
		"not a token":           {"Bearer abc", 401, invalid},
		"another key":           {signBy(jwt.SigningMethodRS256, foreign), 401, invalid},
		"another algorithm":     {signBy(jwt.SigningMethodRS512, key), 401, invalid},
		"a shared secret":       {signBy(jwt.SigningMethodHS256, []byte("x")), 401, invalid},
		"no algorithm":          {signBy(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType), 401, invalid},
		"no iat":                {sign(jwt.MapClaims{"iat": nil}), 401, invalid},
		"no jti":                {sign(jwt.MapClaims{"jti": nil}), 401, invalid},
		"iat of the future":     {sign(jwt.MapClaims{"iat": ago(-time.Hour)}), 401, invalid},
		"nbf of the future":     {sign(jwt.MapClaims{"nbf": ago(-time.Hour)}), 401, invalid},
		"exp as text":           {sign(jwt.MapClaims{"exp": "soon"}), 401, invalid},
		"expired":               {sign(jwt.MapClaims{"iat": ago(2 * time.Hour), "exp": ago(time.Hour)}), 401, expired},
		"expired by itself":     {sign(jwt.MapClaims{"iat": ago(16 * time.Minute)}), 401, expired},
		"older than a day":      {sign(jwt.MapClaims{"iat": ago(25 * time.Hour), "exp": now.UnixMilli()}), 401, expired},
		"another application":   {sign(jwt.MapClaims{"application_id": "another"}), 401, "conversation:error:permission-denied"},
		"a user without an acl": {sign(jwt.MapClaims{"sub": "alice"}), 403, "system:error:permission"},
		"another acl":           {sign(jwt.MapClaims{"sub": "alice", "acl": acl("/*/users/**")}), 403, "system:error:permission"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/v1/conversations", nil)
		if err != nil {
			t.Fatal(err)
		}
		if test.authorization != "" {
			r.Header.Set("Authorization", test.authorization)
		}
		status, code := codeOf(t, s.server, r)
		if status != test.status || code != test.code {
			t.Errorf("%s: %d %q, want %d %q", name, status, code, test.status, test.code)
		}
	}

	// A token of a user whom nobody made. Errors of users have no code.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/beta/users/alice", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", sign(jwt.MapClaims{"sub": "nobody", "acl": acl("/**")}))
	if status, code := codeOf(t, s.server, r); status != http.StatusUnauthorized || code != "user:error:invalid-user" {
		t.Errorf("of nobody: %d %s", status, code)
	}
}

// codeOf makes a request and returns the status and code of the answer.
func codeOf(t *testing.T, s *nexmotest.Server, r *http.Request) (int, string) {
	t.Helper()
	a, err := s.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	var body struct{ Code string }
	decodeBody(t, a.Body, &body)
	return a.StatusCode, body.Code
}

// The tokens that a server makes are those that Credentials make.
func TestServerTokens(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	c, err := nexmo.NewCredentials(s.server.ApplicationID(), s.server.PrivateKey())
	if err != nil {
		t.Fatal(err)
	}
	token, err := c.Token()
	if err != nil {
		t.Fatal(err)
	}
	id := s.server.CreateUser("alice")
	if again := s.server.CreateUser("alice"); again != id {
		t.Errorf("alice is %s and then %s", id, again)
	}
	statuses := map[string]int{}
	for name, token := range map[string]string{"credentials": token, "server": s.server.Token(), "alice": s.server.UserToken("alice"), "a new user": s.server.UserToken("bob")} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+"/v1/users/alice", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		statuses[name], _ = codeOf(t, s.server, r)
	}
	if diff := cmp.Diff(map[string]int{"credentials": 200, "server": 200, "alice": 200, "a new user": 200}, statuses); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var users []string
	for _, r := range s.server.Requests() {
		users = append(users, r.User)
	}
	if len(users) != 4 {
		t.Errorf("requests of %q", users)
	}
}
