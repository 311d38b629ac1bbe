package nexmo_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

const testAppID = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"

func newCredentials(tb testing.TB, opts ...nexmo.CredentialsOption) nexmo.Credentials {
	tb.Helper()
	c, err := nexmo.NewCredentials(testAppID, []byte(keyFile(tb)), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// tokenOf verifies a token with the public key, as the service would now.
func tokenOf(tb testing.TB, token string) (header map[string]any, claims jwt.MapClaims) {
	tb.Helper()
	claims = jwt.MapClaims{}
	parsed, err := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
	).ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return &testKey().PublicKey, nil })
	if err != nil {
		tb.Fatalf("the token does not verify: %v", err)
	}
	return parsed.Header, claims
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// wantToken checks what a token says.
func wantToken(t *testing.T, token string, ttl time.Duration, want jwt.MapClaims) {
	t.Helper()
	header, got := tokenOf(t, token)
	if diff := cmp.Diff(map[string]any{"alg": "RS256", "typ": "JWT"}, header); diff != "" {
		t.Errorf("the header (-want +got):\n%s", diff)
	}
	jti, _ := got["jti"].(string)
	if !uuid4.MatchString(jti) {
		t.Errorf("jti is %q, which is no random UUID", jti)
	}
	now := time.Now()
	want = maps.Clone(want)
	want["jti"] = got["jti"]
	want["iat"] = json.Number(fmt.Sprint(now.Unix()))
	want["exp"] = json.Number(fmt.Sprint(now.Add(ttl).Unix()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the claims (-want +got):\n%s", diff)
	}
}

func TestCredentialsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCredentials(t)
		if got := c.ApplicationID(); got != testAppID {
			t.Errorf("ApplicationID = %q", got)
		}
		token, err := c.Token()
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, token, 15*time.Minute, jwt.MapClaims{"application_id": testAppID})

		narrow := newCredentials(t, nexmo.WithTokenTTL(30*time.Second), nexmo.WithTokenACL(nexmo.NewACL(nexmo.ACLConversations)))
		token, err = narrow.Token()
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, token, 30*time.Second, jwt.MapClaims{
			"application_id": testAppID, "acl": map[string]any{"paths": map[string]any{"/*/conversations/**": map[string]any{}}},
		})
	})
}

// A token is used again until a fifth of its life is left, and is never handed
// out when it is about to expire.
func TestCredentialsTokenIsRenewed(t *testing.T) {
	t.Parallel()
	for _, ttl := range []time.Duration{30 * time.Second, time.Minute, 15 * time.Minute, 24 * time.Hour} {
		t.Run(ttl.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(345 * time.Millisecond) // tokens know only seconds
				c := newCredentials(t, nexmo.WithTokenTTL(ttl))
				first, err := c.Token()
				if err != nil {
					t.Fatal(err)
				}
				ids := map[string]bool{}
				renewed := time.Duration(0)
				began := time.Now()
				step := ttl / 60
				for at := time.Duration(0); at < 3*ttl; at += step {
					token, err := c.Token()
					if err != nil {
						t.Fatal(err)
					}
					_, claims := tokenOf(t, token)
					ids[claims["jti"].(string)] = true
					exp, err := claims.GetExpirationTime()
					if err != nil {
						t.Fatal(err)
					}
					if left := time.Until(exp.Time); left < ttl/5-time.Second {
						t.Errorf("after %v the token is good for %v only", at, left)
					}
					if token != first && renewed == 0 {
						renewed = time.Since(began)
					}
					time.Sleep(step)
				}
				if renewed != ttl*4/5 {
					t.Errorf("renewed after %v, want %v", renewed, ttl*4/5)
				}
				if len(ids) != 4 {
					t.Errorf("%d tokens in three lives, want 4", len(ids))
				}
			})
		})
	}
}

func TestCredentialsConcurrently(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	tokens := make([]string, 8)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			for range 20 {
				token, err := c.Token()
				if err != nil {
					t.Error(err)
				}
				tokens[i] = token
			}
			if _, err := c.UserToken("priya", 0, nexmo.ClientACL()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(tokens)
	if got := slices.Compact(tokens); len(got) != 1 {
		t.Errorf("there were %d different tokens", len(got))
	}
	tokenOf(t, tokens[0])
}

func TestCredentialsTokenIDs(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	seen := map[any]bool{}
	for range 50 {
		token, err := c.UserToken("priya", 0, nexmo.ACL{})
		if err != nil {
			t.Fatal(err)
		}
		_, claims := tokenOf(t, token)
		jti, _ := claims["jti"].(string)
		if seen[jti] || !uuid4.MatchString(jti) {
			t.Errorf("jti %q is not unique, or no random UUID", jti)
		}
		seen[jti] = true
	}
}

func TestCredentialsUserToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCredentials(t, nexmo.WithTokenTTL(time.Hour), nexmo.WithTokenACL(nexmo.NewACL("/x")))
		acl := nexmo.ACL{Paths: map[string]nexmo.ACLRule{
			nexmo.ACLSessions: {}, nexmo.ACLUsers: {Methods: []string{"GET"}, Filters: json.RawMessage(`{"to":["1"]}`)},
		}}
		first, err := c.UserToken("priya", 0, acl)
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, first, 15*time.Minute, jwt.MapClaims{
			"application_id": testAppID, "sub": "priya",
			"acl": map[string]any{"paths": map[string]any{
				"/*/sessions/**": map[string]any{},
				"/*/users/**":    map[string]any{"methods": []any{"GET"}, "filters": map[string]any{"to": []any{"1"}}},
			}},
		})
		second, err := c.UserToken("a name with \"quotes\" and ümlauts", 24*time.Hour, nexmo.ACL{})
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, second, 24*time.Hour, jwt.MapClaims{
			"application_id": testAppID, "sub": "a name with \"quotes\" and ümlauts", "acl": map[string]any{"paths": map[string]any{}},
		})
		again, err := c.UserToken("priya", 0, acl)
		if err != nil || again == first {
			t.Errorf("a user token was handed out twice: %v", err)
		}
		if token, err := c.Token(); err != nil || token == first || token == second {
			t.Errorf("the token of the application is that of a user: %v", err)
		}
		for name, want := range map[string]string{"": "needs the name", "USR-1265829e-d8c9-4a0b-ba1e-cb7bbd0e594f": "not its ID"} {
			if token, err := c.UserToken(name, 0, acl); err == nil || token != "" || !strings.Contains(err.Error(), want) {
				t.Errorf("UserToken(%q) = %q, %v", name, token, err)
			}
		}
		_, err = c.UserToken("priya", 0, nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/x": {Filters: json.RawMessage(`{"to":`)}}})
		if err == nil || !strings.Contains(err.Error(), "ACL") {
			t.Errorf("an ACL that is no JSON: %v", err)
		}
	})
}

func TestCredentialsTTL(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	for ttl, ok := range map[time.Duration]bool{
		30 * time.Second: true, 24 * time.Hour: true, time.Minute: true, 30*time.Second + time.Millisecond: true,
		30*time.Second - 1: false, 24*time.Hour + 1: false, time.Nanosecond: false, -time.Minute: false, 365 * 24 * time.Hour: false,
	} {
		_, err := nexmo.NewCredentials(testAppID, []byte(keyFile(t)), nexmo.WithTokenTTL(ttl))
		if (err == nil) != ok {
			t.Errorf("NewCredentials with tokens for %v: %v", ttl, err)
		}
		token, err := c.UserToken("priya", ttl, nexmo.ACL{})
		if (err == nil) != ok || (token != "") != ok {
			t.Errorf("UserToken for %v: %v", ttl, err)
		}
		if !ok {
			continue
		}
		_, claims := tokenOf(t, token)
		iat, _ := claims.GetIssuedAt()
		exp, _ := claims.GetExpirationTime()
		if life := exp.Sub(iat.Time); life < 30*time.Second || life > 24*time.Hour {
			t.Errorf("for %v the token says %v", ttl, life)
		}
	}
	if _, err := nexmo.NewCredentials(testAppID, []byte(keyFile(t)), nexmo.WithTokenTTL(0)); err == nil {
		t.Error("tokens that are good for no time are accepted")
	}
}

func TestCredentialsZero(t *testing.T) {
	t.Parallel()
	var c nexmo.Credentials
	if c.ApplicationID() != "" {
		t.Error("the zero Credentials have an application ID")
	}
	if token, err := c.Token(); err == nil || token != "" {
		t.Errorf("Token = %q, %v", token, err)
	}
	if token, err := c.UserToken("priya", 0, nexmo.ACL{}); err == nil || token != "" {
		t.Errorf("UserToken = %q, %v", token, err)
	}
	if got := fmt.Sprintf("%v %+v %#v", c, &c, c); strings.Contains(got, "0x") || strings.Contains(got, "%!") {
		t.Errorf("printed as %s", got)
	}
	for _, id := range []string{"", " ", "\n"} {
		if _, err := nexmo.NewCredentials(id, []byte(keyFile(t))); err == nil || !strings.Contains(err.Error(), "application ID") {
			t.Errorf("the application ID %q: %v", id, err)
		}
	}
}

func TestCredentialsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	token, err := c.Token()
	if err != nil {
		t.Fatal(err)
	}
	type public struct {
		Credentials nexmo.Credentials
		Pointer     *nexmo.Credentials
	}
	type private struct {
		c nexmo.Credentials
		p *nexmo.Credentials
	}
	key := testKey()
	secrets := []string{token}
	for _, n := range []fmt.Stringer{key.D, key.Primes[0], key.Primes[1], key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv} {
		secrets = append(secrets, n.String())
	}
	secrets = append(secrets, fmt.Sprintf("%x", key.D), fmt.Sprintf("%X", key.D), fmt.Sprintf("%b", key.D), fmt.Sprintf("%x", token), fmt.Sprintf("%X", token), fmt.Sprintf("% x", token))
	secrets = append(secrets, strings.Split(token, ".")...)
	shown := printings(allVerbs, c, &c, public{c, &c}, &public{c, &c}, private{c, &c}, &private{c, &c},
		[]nexmo.Credentials{c}, map[string]private{"c": {c, &c}}, fmt.Errorf("with %v", c))
	leaks := 0
	for how, text := range shown {
		if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret[:min(24, len(secret))]) }) {
			if leaks++; leaks <= 3 {
				t.Errorf("%s shows the key or a token: %.100s", how, text)
			}
		}
	}
	if leaks > 3 {
		t.Errorf("the key or a token is shown in %d of %d ways", leaks, len(shown))
	}
	if got, want := fmt.Sprint(c), "nexmo.Credentials("+testAppID+")"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	data, err := json.Marshal(public{c, &c})
	if want := fmt.Sprintf(`{"Credentials":%[1]q,"Pointer":%[1]q}`, "nexmo.Credentials("+testAppID+")"); err != nil || string(data) != want {
		t.Errorf("as JSON %s, %v; want %s", data, err, want)
	}
}
