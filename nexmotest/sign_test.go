package nexmotest_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

const (
	secret = "the signature secret of a test"
	body   = `{"type":"text","id":1,"conversation_id":"CON-1","body":{"text":"hello"}}`
)

// claimsOf returns what golang-jwt finds in a token.
func claimsOf(t *testing.T, token string) (map[string]any, jwt.MapClaims) {
	t.Helper()
	claims := jwt.MapClaims{}
	parsed, err := jwt.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return []byte(secret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding())
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Header, claims
}

func TestSign(t *testing.T) {
	t.Parallel()
	now := time.Now()
	header, claims := claimsOf(t, nexmotest.Sign(secret, []byte(body)))
	if diff := cmp.Diff(map[string]any{"alg": "HS256", "typ": "JWT"}, header); diff != "" {
		t.Errorf("the header (-want +got):\n%s", diff)
	}
	sum := sha256.Sum256([]byte(body))
	want := jwt.MapClaims{
		"iss": "Vonage", "iat": claims["iat"], "jti": claims["jti"], "payload_hash": hex.EncodeToString(sum[:]), "api_key": "abcd1234",
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("the claims (-want +got):\n%s", diff)
	}
	if iat, ok := claims["iat"].(float64); !ok || time.Unix(int64(iat), 0).Sub(now).Abs() > time.Minute {
		t.Errorf("iat is %v", claims["iat"])
	}
	_, again := claimsOf(t, nexmotest.Sign(secret, []byte(body)))
	if jti, ok := claims["jti"].(string); !ok || jti == "" || again["jti"] == jti {
		t.Errorf("jti is %v and then %v", claims["jti"], again["jti"])
	}
}

func TestSignOptions(t *testing.T) {
	t.Parallel()
	at := time.Unix(1_750_000_000, 0)
	_, claims := claimsOf(t, nexmotest.Sign(secret, nil,
		nexmotest.IssuedAt(at), nexmotest.Claim("api_key", nil), nexmotest.Claim("jti", "1"), nexmotest.Claim("application_id", "app"),
		nexmotest.Claim("iss", "first"), nexmotest.Claim("iss", "last"), nexmotest.Claim("never there", nil)))
	sum := sha256.Sum256(nil)
	want := jwt.MapClaims{
		"iss": "last", "iat": float64(at.Unix()), "jti": "1", "application_id": "app", "payload_hash": hex.EncodeToString(sum[:]),
	}
	if diff := cmp.Diff(want, claims); diff != "" {
		t.Errorf("the claims (-want +got):\n%s", diff)
	}
	defer func() {
		if recover() == nil {
			t.Error("a claim that is no JSON is signed")
		}
	}()
	nexmotest.Sign(secret, nil, nexmotest.Claim("x", func() {}))
}

// What Sign signs, a Verifier takes, and what the options spoil it refuses.
func TestSignAndVerify(t *testing.T) {
	t.Parallel()
	v := &nexmo.Verifier{Secrets: []string{secret}, APIKey: "abcd1234"}
	for name, test := range map[string]struct {
		opts []nexmotest.SignOption
		want error
	}{
		"plain":   {nil, nil},
		"stale":   {[]nexmotest.SignOption{nexmotest.IssuedAt(time.Now().Add(-time.Hour))}, nexmo.ErrWebhookExpired},
		"future":  {[]nexmotest.SignOption{nexmotest.IssuedAt(time.Now().Add(time.Hour))}, nexmo.ErrWebhookNotYetValid},
		"issuer":  {[]nexmotest.SignOption{nexmotest.Claim("iss", "Somebody")}, nexmo.ErrWebhookIssuer},
		"account": {[]nexmotest.SignOption{nexmotest.Claim("api_key", "another")}, nexmo.ErrWebhookAccount},
		"hash":    {[]nexmotest.SignOption{nexmotest.Claim("payload_hash", nil)}, nexmo.ErrWebhookPayloadHash},
		"no iat":  {[]nexmotest.SignOption{nexmotest.Claim("iat", nil)}, nexmo.ErrWebhookToken},
	} {
		if _, err := v.VerifyToken(nexmotest.Sign(secret, []byte(body), test.opts...), []byte(body)); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
		if _, _, err := v.Verify(nexmotest.SignedRequest(secret, []byte(body), test.opts...)); !errors.Is(err, test.want) {
			t.Errorf("%s, as a request: %v, want %v", name, err, test.want)
		}
	}
}

func TestSignedRequest(t *testing.T) {
	t.Parallel()
	r := nexmotest.SignedRequest(secret, []byte(body))
	if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" || r.ContentLength != int64(len(body)) {
		t.Errorf("the request is %s, %v, of %d bytes", r.Method, r.Header, r.ContentLength)
	}
	for range 2 { // a request can be sent again: its body starts anew
		again, err := r.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(again)
		if err != nil || string(got) != body {
			t.Errorf("the body is %q, %v", got, err)
		}
	}

	// After its URL is set, it can be sent to a server.
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		claims, payload, err := (&nexmo.Verifier{Secrets: []string{secret}}).Verify(r)
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = fmt.Fprint(w, claims.APIKey, " ", string(payload))
	}))
	t.Cleanup(server.Close)
	var err error
	if r.URL, err = url.Parse(server.URL); err != nil {
		t.Fatal(err)
	}
	a, err := server.Client().Do(r.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	got, err := io.ReadAll(a.Body)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("abcd1234 "+body, string(got)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
