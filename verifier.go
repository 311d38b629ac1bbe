package nexmo

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo/internal/jsonscan"
)

// Why a webhook was refused. A handler logs which it was; the sender is told
// nothing but a status.
var (
	// ErrNoSecret says that Secrets is empty, or that one of them is.
	ErrNoSecret = errors.New("nexmo: Verifier: Secrets: give the signature secret of the account; an empty one verifies nothing")
	// ErrNoToken says that there is no Authorization header: the callbacks are not
	// signed, or something on the way has taken it.
	ErrNoToken = errors.New("nexmo: webhook: no Authorization header")
	// ErrToken says that the header is not one Bearer token, or that the token is not
	// three parts of strict base64url and JSON with an iat, or larger than 8 KiB.
	ErrToken = errors.New("nexmo: webhook: the token is malformed")
	// ErrAlgorithm says that the alg of the token is not HS256.
	ErrAlgorithm = errors.New("nexmo: webhook: the token is not signed with HS256")
	// ErrSignature says that the token was signed with none of the Secrets.
	ErrSignature = errors.New("nexmo: webhook: the signature is wrong")
	// ErrIssuer says that the iss of the token is not Vonage.
	ErrIssuer = errors.New("nexmo: webhook: the token is of another issuer")
	// ErrExpired says that the iat of the token is older than MaxAge, or that its exp,
	// if it has one, has passed.
	ErrExpired = errors.New("nexmo: webhook: the token is too old: the time that MaxAge allows has passed")
	// ErrNotYetValid says that the iat of the token is more than Leeway ahead, or that
	// its nbf, if it has one, is ahead.
	ErrNotYetValid = errors.New("nexmo: webhook: the token is of the future: more than Leeway away")
	// ErrPayloadHash says that the payload_hash of the token is missing, or is not that
	// of the body: something has changed the body on the way.
	ErrPayloadHash = errors.New("nexmo: webhook: the token is for another payload")
	// ErrAccount says that the api_key or application_id of the token is not that of
	// APIKey or ApplicationID.
	ErrAccount = errors.New("nexmo: webhook: the token is of another account or application")
	// ErrReplay says that the token has brought an event before; see RememberTokens of
	// [WebhookHandler].
	ErrReplay = errors.New("nexmo: webhook: the token was used before")
	// ErrTooLarge says that the body, or the query of a GET, is larger than MaxBody.
	ErrTooLarge = errors.New("nexmo: webhook: the body is larger than MaxBody allows")
)

// Verifier verifies signed webhooks: that they come from the service, are meant
// for this account, are recent, and have arrived as they were sent. Only Secrets
// must be given. A Verifier is not changed by use: its methods may be called
// from several goroutines.
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
// The error is one of the Err variables above, or what reading the body failed
// with. It holds nothing of the request.
func (v *Verifier) Verify(r *http.Request) (*Claims, []byte, error) {
	hashed, payload, err := v.read(r)
	if err != nil {
		return nil, nil, err
	}
	token, err := bearer(r.Header)
	if err != nil {
		return nil, nil, err
	}
	claims, err := v.VerifyToken(token, hashed)
	if err != nil {
		return nil, nil, err
	}
	return claims, payload, nil
}

// VerifyToken verifies a token and that it was made for body, the payload as
// received, without HTTP: for queues and functions. The error is one of the Err
// variables above.
func (v *Verifier) VerifyToken(token string, body []byte) (*Claims, error) {
	if len(v.Secrets) == 0 || slices.Contains(v.Secrets, "") {
		return nil, ErrNoSecret
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
		return nil, ErrSignature
	case err != nil:
		return nil, ErrToken
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
		strings.IndexByte(token, '\r') >= 0 || strings.IndexByte(token, '\n') >= 0 { // the decoder would pass over them
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

// opener is what open works with: keyed hashes and room for text.
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
		return ErrIssuer
	case now.Sub(c.claims.IssuedAt) > maxAge:
		return ErrExpired
	case c.claims.IssuedAt.Sub(now) > leeway:
		return ErrNotYetValid
	case !c.claims.ExpiresAt.IsZero() && !now.Before(c.claims.ExpiresAt):
		return ErrExpired
	case now.Before(c.claims.NotBefore):
		return ErrNotYetValid
	case v.APIKey != "" && c.claims.APIKey != v.APIKey, v.ApplicationID != "" && c.claims.ApplicationID != v.ApplicationID:
		return ErrAccount
	case !c.hashed || subtle.ConstantTimeCompare(c.payloadHash[:], sum[:]) != 1:
		return ErrPayloadHash
	default:
		return nil
	}
}

// bearer returns the token in the one Authorization header there may be.
func bearer(h http.Header) (string, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", ErrNoToken
	}
	scheme, token, ok := strings.Cut(values[0], " ")
	if len(values) > 1 || !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", ErrToken
	}
	return token, nil
}

// checkHeader checks the form of a token and its header, of which nothing is
// used but alg: keys and addresses of keys in it are nobody's business.
func checkHeader(token string) error {
	header, rest, ok := strings.Cut(token, ".")
	if !ok || strings.Count(rest, ".") != 1 || len(token) > maxToken {
		return ErrToken
	}
	for i := range len(token) {
		if c := token[i]; !isBase64URL(c) && c != '.' { // the decoder would pass over line breaks
			return ErrToken
		}
	}
	text, err := base64.RawURLEncoding.Strict().DecodeString(header)
	if err != nil {
		return ErrToken
	}
	var s jsonscan.Scanner
	s.Reset(string(text), text)
	alg, critical := "", false
	if o, ok := s.Object(); ok {
		for s.Next(&o) {
			switch s.Name(&o) {
			case "alg":
				s.Once(&o, 0)
				alg, _ = s.Text()
			case "crit":
				s.Once(&o, 1)
				s.Skip()
				critical = true
			default:
				s.Unknown(&o)
			}
		}
	}
	s.End()
	switch {
	case s.Err() != nil || critical:
		return ErrToken
	case alg != jwt.SigningMethodHS256.Alg():
		return ErrAlgorithm
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
			n, err := hex.Decode(c.payloadHash[:], []byte(text)[:min(len(text), 2*sha256.Size)])
			c.hashed = err == nil && n == sha256.Size && len(text) == 2*sha256.Size
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

// read returns the payload of a request: the bytes that its hash covers, and
// the JSON of the event, which for a POST is the same.
func (v *Verifier) read(r *http.Request) (hashed, payload []byte, err error) {
	limit := v.MaxBody
	if limit == 0 {
		limit = defaultMaxBody
	}
	if r.Method == http.MethodGet {
		if int64(len(r.URL.RawQuery)) > limit {
			return nil, nil, ErrTooLarge
		}
		return queryPayload(r.URL.RawQuery)
	}
	body, err := readBody(r, limit)
	return body, body, err
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, ErrTooLarge
	}
	var b bytes.Buffer
	if n := min(r.ContentLength, defaultMaxBody); n > 0 { // room for more is made when it comes
		b.Grow(int(n) + bytes.MinRead)
	}
	limit = min(limit, math.MaxInt64-1)
	if _, err := b.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return nil, ErrTooLarge
		}
		return nil, fmt.Errorf("nexmo: webhook: reading the body: %w", err)
	}
	if int64(b.Len()) > limit {
		return nil, ErrTooLarge
	}
	return b.Bytes(), nil
}

// queryPayload writes the query of a GET webhook as a JSON object, in order of
// arrival and without blanks: so the service hashes it. In the event, values of
// members that are objects are written as such.
func queryPayload(query string) (hashed, payload []byte, err error) {
	var h, p bytes.Buffer
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, nerr := url.QueryUnescape(name)
		value, verr := url.QueryUnescape(value)
		if nerr != nil || verr != nil {
			return nil, nil, errors.New("nexmo: webhook: the query is malformed")
		}
		if h.Len() > 0 {
			h.WriteByte(',')
			p.WriteByte(',')
		}
		key, text := quoteJSON(name), quoteJSON(value)
		fmt.Fprintf(&h, "%s:%s", key, text)
		if strings.HasPrefix(value, "{") && json.Valid([]byte(value)) {
			text = []byte(value)
		}
		fmt.Fprintf(&p, "%s:%s", key, text)
	}
	return fmt.Appendf(nil, "{%s}", h.Bytes()), fmt.Appendf(nil, "{%s}", p.Bytes()), nil
}

func quoteJSON(s string) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// Format prints no secret, whatever the verb.
func (v Verifier) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "nexmo.Verifier(%d secrets)", len(v.Secrets))
}

// LogValue logs no secret.
func (v Verifier) LogValue() slog.Value {
	return slog.StringValue(fmt.Sprintf("nexmo.Verifier(%d secrets)", len(v.Secrets)))
}
