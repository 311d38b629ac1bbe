package nexmo

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// parse verifies the signature of any token, and says what is wrong with it.
func (v *Verifier) parse(token string) (*tokenClaims, error) {
	if err := checkHeader(token); err != nil {
		return nil, err
	}
	claims := new(tokenClaims)
	keys := jwt.VerificationKeySet{Keys: make([]jwt.VerificationKey, len(v.Secrets))}
	for i, secret := range v.Secrets {
		keys.Keys[i] = []byte(secret)
	}
	_, err := tokenParser.ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return keys, nil })
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid):
		return nil, ErrWebhookSignature
	case err != nil:
		return nil, ErrWebhookToken
	}
	return claims, nil
}

// usualHeaders are those of nearly all tokens, HS256 and JWT in either order: what
// has one of them, byte for byte, can only be signed in one way.
var usualHeaders = [...]string{
	base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)),
	base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"JWT","alg":"HS256"}`)),
}

var strictBase64 = base64.RawURLEncoding.Strict()

// open is parse for a good token with a usual header, in a fraction of the time.
// It returns nil for all others: parse says what is wrong with them, if anything.
func (v *Verifier) open(token string) *tokenClaims {
	header, rest, _ := strings.Cut(token, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	var sig [sha256.Size]byte
	if len(token) > maxToken || len(signature) != strictBase64.EncodedLen(len(sig)) || !slices.Contains(usualHeaders[:], header) ||
		strings.Contains(token, "\r") || strings.Contains(token, "\n") { // the decoder would pass over them
		return nil
	}
	o := openers.Get().(*opener)
	defer openers.Put(o)
	o.text = append(o.text[:0], token...)
	signed := o.text[:len(header)+1+len(payload)]
	if _, err := strictBase64.Decode(sig[:], o.text[len(signed)+1:]); err != nil || !o.signedWith(v.Secrets, signed, sig[:]) {
		return nil
	}
	o.claims = slices.Grow(o.claims[:0], strictBase64.DecodedLen(len(payload)))
	n, err := strictBase64.Decode(o.claims[:cap(o.claims)], signed[len(header)+1:])
	claims := new(tokenClaims)
	if err != nil || claims.UnmarshalJSON(o.claims[:n]) != nil {
		return nil
	}
	return claims
}

// opener is what open works with: keyed hashes and buffers.
type opener struct {
	keyed        []keyedHash
	text, claims []byte
	sum          [sha256.Size]byte
}

// keyedHash is the HMAC of a secret. To key one costs as much as to use it.
type keyedHash struct {
	secret string
	mac    hash.Hash
}

var openers = sync.Pool{New: func() any { return new(opener) }}

// signedWith reports whether one of the secrets signed text.
func (o *opener) signedWith(secrets []string, text, signature []byte) bool {
	for _, secret := range secrets {
		mac := o.hashOf(secret)
		mac.Reset()
		_, _ = mac.Write(text)
		if hmac.Equal(mac.Sum(o.sum[:0]), signature) {
			return true
		}
	}
	return false
}

func (o *opener) hashOf(secret string) hash.Hash {
	for _, k := range o.keyed {
		if k.secret == secret {
			return k.mac
		}
	}
	const most = 8 // enough for the secrets of a program
	if len(o.keyed) == most {
		o.keyed = o.keyed[:0]
	}
	mac := hmac.New(sha256.New, []byte(secret))
	o.keyed = append(o.keyed, keyedHash{secret, mac})
	return mac
}

// tokenParser verifies signatures. The times are checked by Verifier, since
// tokens of webhooks do not say when they expire.
var tokenParser = jwt.NewParser(
	jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
	jwt.WithStrictDecoding(),
	jwt.WithoutClaimsValidation(),
)

// authorization returns the Authorization headers. Of a map that is not of net/http, the
// names may be in lower case.
func authorization(h http.Header) []string {
	if values := h["Authorization"]; len(values) > 0 {
		return values
	}
	var all []string
	for name, values := range h {
		if strings.EqualFold(name, "Authorization") {
			all = append(all, values...)
		}
	}
	return all
}

// bearer returns the token in the one Authorization header there may be.
func bearer(h http.Header) (string, error) {
	values := authorization(h)
	if len(values) == 0 {
		return "", ErrWebhookNoToken
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", ErrWebhookToken
	}
	return token, nil
}

// checkHeader checks the form of a token and its header, of which nothing is
// used but alg: keys and addresses of keys in it are nobody's business.
func checkHeader(token string) error {
	header, rest, _ := strings.Cut(token, ".")
	if strings.Count(rest, ".") != 1 || len(token) > maxToken {
		return ErrWebhookToken
	}
	for i := range len(token) {
		if c := token[i]; !isBase64URL(c) && c != '.' { // the decoder would pass over line breaks
			return ErrWebhookToken
		}
	}
	text, err := strictBase64.DecodeString(header)
	var s jsonscan.Scanner
	s.Reset(string(text), text)
	alg := ""
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "alg":
			s.Once(&o, 0)
			alg, _ = s.Text()
		case "crit":
			return ErrWebhookToken
		default:
			s.Unknown(&o)
		}
	}
	s.End()
	switch {
	case err != nil || s.Err() != nil:
		return ErrWebhookToken
	case alg != jwt.SigningMethodHS256.Alg():
		return ErrWebhookAlgorithm
	default:
		return nil
	}
}

func isBase64URL(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// tokenClaims reads the claims strictly: no name twice, every one of its type,
// and those that a webhook must have.
type tokenClaims struct {
	jwt.RegisteredClaims // empty: it makes this a jwt.Claims
	claims               Claims
	issuer               string
	payloadHash          [sha256.Size]byte
	hashed               bool // there is a payload_hash, and it can be one
}

// UnmarshalJSON is called by the parser of golang-jwt.
func (c *tokenClaims) UnmarshalJSON(data []byte) error {
	var s jsonscan.Scanner
	s.Reset(string(data), data)
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "iss":
			s.Once(&o, 0)
			c.issuer, _ = s.Text()
		case "iat":
			s.Once(&o, 1)
			c.claims.IssuedAt = scanNumericDate(&s)
		case "nbf":
			s.Once(&o, 2)
			c.claims.NotBefore = scanNumericDate(&s)
		case "exp":
			s.Once(&o, 3)
			c.claims.ExpiresAt = scanNumericDate(&s)
		case "jti":
			s.Once(&o, 4)
			c.claims.ID, _ = s.Text()
		case "payload_hash":
			s.Once(&o, 5)
			text, _ := s.Text()
			if len(text) == hex.EncodedLen(sha256.Size) {
				_, err := hex.Decode(c.payloadHash[:], []byte(text))
				c.hashed = err == nil
			}
		case "api_key":
			s.Once(&o, 6)
			c.claims.APIKey, _ = s.Text()
		case "application_id":
			s.Once(&o, 7)
			c.claims.ApplicationID, _ = s.Text()
		case "sub":
			s.Once(&o, 8)
			s.Text()
		case "aud":
			s.Once(&o, 9)
			start := s.Offset()
			if raw, ok := s.Raw(); ok && new(jwt.ClaimStrings).UnmarshalJSON([]byte(raw)) != nil {
				s.Fail(start, "text, or an array of texts")
			}
		default:
			skipClaim(&s, &o)
		}
	}
	s.End()
	if err := s.Err(); err != nil {
		return err
	}
	if err := s.Shape(); err != nil {
		return err
	}
	if c.claims.IssuedAt.IsZero() {
		return errors.New("no iat")
	}
	return nil
}

// knownClaims are the names that UnmarshalJSON looks for.
var knownClaims = []string{"iss", "iat", "nbf", "exp", "jti", "payload_hash", "api_key", "application_id", "sub", "aud"}

// skipClaim skips a claim that is not known, if every reader would: encoding/json
// takes EXP for exp, and refuses numbers that are out of range.
func skipClaim(s *jsonscan.Scanner, o *jsonscan.Object) {
	start := s.Offset()
	s.Remember(o)
	raw, ok := s.Raw()
	known := slices.ContainsFunc(knownClaims, func(name string) bool { return strings.EqualFold(name, s.Name(o)) })
	if known || ok && json.Unmarshal([]byte(raw), new(any)) != nil {
		s.Fail(start, "a claim that every reader understands alike")
	}
}

// scanNumericDate reads seconds since 1970.
func scanNumericDate(s *jsonscan.Scanner) time.Time {
	start := s.Offset()
	f, ok := s.Float()
	const year9999 = 253402300800
	if !ok || f <= 0 || f >= year9999 {
		s.Fail(start, "seconds since 1970")
		return time.Time{}
	}
	return time.Unix(int64(f), 0).UTC()
}
