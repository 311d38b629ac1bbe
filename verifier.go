package nexmo

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"time"
)

// Verifier verifies signed webhooks: that they come from the service, are meant
// for this account, are recent, and have arrived as they were sent. Only Secrets
// must be set: without it, every webhook is refused with [ErrWebhookNoSecret]. A
// Verifier is not changed by use: its methods may be called from several goroutines.
//
// Printing or logging a Verifier shows no secret. No method can keep package fmt
// from looking into an unexported field of another struct, though: have a pointer
// there, and print such a struct with no verb but %v.
//
// It refuses whatever the description of signed webhooks does not allow: tokens
// that are not signed with HS256, of an issuer other than Vonage, without a time
// of issue or a payload hash, with members twice or critical headers.
type Verifier struct {
	// Secrets are the signature secrets of the account, newest first: give the
	// old one too while the secret is being changed. It is the signature secret
	// of the account's settings, not its API secret.
	Secrets []string `json:"-"`

	// MaxAge is how old a token may be; 5 minutes if zero. Retries go on for 24
	// hours, and whether they carry a fresh token is not documented.
	MaxAge time.Duration

	// Leeway is how far in the future a token may be; 1 minute if zero.
	Leeway time.Duration

	// MaxBody is the largest body, or query, that Verify reads, in bytes; 1 MiB
	// if zero.
	MaxBody int64

	// APIKey, when not empty, is the account that must be in the token.
	APIKey string

	// ApplicationID, when not empty, is the application that must be in the token.
	// The claim is documented as optional: a token without it is refused then.
	ApplicationID string

	// Now is the clock; time.Now if nil.
	Now func() time.Time `json:"-"`
}

// Claims is what the token of a webhook says.
type Claims struct {
	ID            string    // jti, unique to the token
	IssuedAt      time.Time // iat
	NotBefore     time.Time // nbf; zero if absent
	ExpiresAt     time.Time // exp; zero if absent
	APIKey        string    // api_key, the account
	ApplicationID string    // application_id; may be empty
}

const (
	defaultMaxAge  = 5 * time.Minute
	defaultLeeway  = time.Minute
	defaultMaxBody = 1 << 20
	webhookIssuer  = "Vonage"
	maxToken       = 8 << 10 // tokens of webhooks have some 400 bytes
)

// Verify reads the body of r, or the query of a GET, and verifies the token in
// its Authorization header. It returns what the token says and the payload, for
// [ParseEvent]. The body is read to its end, or to MaxBody, and not closed.
//
// The error matches [ErrWebhookNotAuthentic] and the one that says why, or
// [ErrWebhookNoSecret], or [ErrWebhookTooLarge]. Any other error is about a query
// that is malformed, or from reading the body. It holds nothing of the request.
func (v *Verifier) Verify(r *http.Request) (*Claims, []byte, error) {
	w := WebhookRequest{Method: r.Method, Header: r.Header}
	switch {
	case r.Method == http.MethodGet:
		w.RawQuery = r.URL.RawQuery
	case r.Body != nil:
		limit, err := v.maxBody(), error(nil)
		if w.Body, err = readBody(io.LimitReader(r.Body, min(limit, math.MaxInt64-1)+1), r.ContentLength, limit); err != nil {
			return nil, nil, err
		}
	}
	return v.verify(&w)
}

// verify is Verify of a webhook that was read.
func (v *Verifier) verify(r *WebhookRequest) (*Claims, []byte, error) {
	hashed, payload, err := v.payload(r)
	if err != nil {
		return nil, nil, err
	}
	token, err := bearer(r.Header)
	if err != nil {
		return nil, nil, err
	}
	claims, err := v.VerifyToken(token, hashed)
	if r.Method == http.MethodGet && errors.Is(err, ErrWebhookPayloadHash) {
		if plain := plainQuery.Replace(string(hashed)); plain != string(hashed) {
			claims, err = v.VerifyToken(token, []byte(plain))
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return claims, payload, nil
}

// VerifyToken verifies a token and that it was made for body, the payload as
// received, without HTTP: for queues and functions. The error matches
// [ErrWebhookNotAuthentic] and the one that says why, or [ErrWebhookNoSecret].
func (v *Verifier) VerifyToken(token string, body []byte) (*Claims, error) {
	if len(v.Secrets) == 0 || slices.Contains(v.Secrets, "") {
		return nil, ErrWebhookNoSecret
	}
	claims := v.open(token)
	if claims == nil {
		var err error
		if claims, err = v.parse(token); err != nil {
			return nil, err
		}
	}
	if err := v.check(claims, body); err != nil {
		return nil, err
	}
	return &claims.claims, nil
}

// check checks what a token with a good signature says.
func (v *Verifier) check(c *tokenClaims, body []byte) error {
	now := time.Now()
	if v.Now != nil {
		now = v.Now()
	}
	maxAge, leeway := v.MaxAge, v.Leeway
	if maxAge == 0 {
		maxAge = defaultMaxAge
	}
	if leeway == 0 {
		leeway = defaultLeeway
	}
	sum := sha256.Sum256(body)
	switch {
	case c.issuer != webhookIssuer:
		return ErrWebhookIssuer
	case now.Sub(c.claims.IssuedAt) > maxAge:
		return fmt.Errorf("%w: iat is more than %s ago (MaxAge)", ErrWebhookExpired, maxAge)
	case c.claims.IssuedAt.Sub(now) > leeway:
		return fmt.Errorf("%w: iat is more than %s ahead of this clock (Leeway)", ErrWebhookNotYetValid, leeway)
	case !c.claims.ExpiresAt.IsZero() && !now.Before(c.claims.ExpiresAt):
		return fmt.Errorf("%w: exp has passed", ErrWebhookExpired)
	case now.Before(c.claims.NotBefore):
		return fmt.Errorf("%w: nbf is ahead of this clock", ErrWebhookNotYetValid)
	case v.APIKey != "" && c.claims.APIKey != v.APIKey, v.ApplicationID != "" && c.claims.ApplicationID != v.ApplicationID:
		return ErrWebhookAccount
	case !c.hashed || subtle.ConstantTimeCompare(c.payloadHash[:], sum[:]) != 1:
		return ErrWebhookPayloadHash
	default:
		return nil
	}
}

// Format prints no secret, whatever the verb.
func (v Verifier) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "nexmo.Verifier(%d secrets)", len(v.Secrets))
}

// LogValue logs no secret.
func (v Verifier) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("nexmo.Verifier(%d secrets)", len(v.Secrets)))
}
