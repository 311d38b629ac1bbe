package nexmo

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Credentials are what an application proves itself with: its ID and its private
// key. They make the tokens that requests carry. All methods may be called from
// several goroutines. Printing or logging Credentials, in whatever way, shows
// neither the key nor a token.
//
// [NewCredentials] and [NewCredentialsFromFile] make them. With the zero value there is no
// token: the methods that make one return an error.
type Credentials struct {
	// open is a function because nothing that prints looks into one. Package fmt
	// calls no method of what it finds in an unexported field, and with a verb
	// such as %s it follows pointers there.
	open func() *secrets
}

type secrets struct {
	applicationID string
	key           *rsa.PrivateKey
	ttl           time.Duration
	acl           *ACL

	tokens tokenCache
}

// tokenCache keeps a token until a fifth of its life is left.
type tokenCache struct {
	mu      sync.Mutex
	token   string
	renewAt time.Time // by the clock on the wall, which goes on while a machine sleeps
}

func (c *tokenCache) get(ttl time.Duration, sign func(now time.Time) (string, error)) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now().Round(0)
	if c.token != "" && now.Before(c.renewAt) {
		return c.token, nil
	}
	token, err := sign(now)
	if err != nil {
		return "", err
	}
	c.token, c.renewAt = token, now.Add(ttl-ttl/5)
	return token, nil
}

// hidden is a text that is not shown by what prints a struct that holds it, which
// looks into no function.
type hidden func() string

func hide(text string) hidden { return func() string { return text } }

func (h hidden) text() string {
	if h == nil {
		return ""
	}
	return h()
}

// discard has the next token be another one.
func (c *tokenCache) discard(token string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.token == token {
		c.token = ""
	}
}

// CredentialsOption is an option of [NewCredentials].
type CredentialsOption interface {
	applyCredentials(s *secrets)
}

type credentialsOption func(*secrets)

func (o credentialsOption) applyCredentials(s *secrets) { o(s) }

// WithTokenTTL says for how long application tokens are good: 30 seconds to 24
// hours, 15 minutes unless given. They are made anew well before they expire.
func WithTokenTTL(ttl time.Duration) CredentialsOption {
	return credentialsOption(func(s *secrets) { s.ttl = ttl })
}

// WithTokenACL narrows what application tokens allow. Without it they allow
// everything.
func WithTokenACL(acl ACL) CredentialsOption {
	acl.Paths = maps.Clone(acl.Paths) // the caller may change theirs later
	return credentialsOption(func(s *secrets) { s.acl = &acl })
}

const (
	defaultTokenTTL = 15 * time.Minute
	minTokenTTL     = 30 * time.Second
	maxTokenTTL     = 24 * time.Hour
)

// NewCredentials returns the credentials of an application. privateKey is the
// content of its private key file: PEM, in PKCS#8 or PKCS#1. The forms in which
// a key tends to arrive from an environment variable are put right: quotes
// around it, "\n" or blanks in place of line breaks, a byte-order mark, or all of
// it in base64. Whatever else is wrong the error names, without showing the key.
func NewCredentials(applicationID string, privateKey []byte, opts ...CredentialsOption) (Credentials, error) {
	checkOptions("NewCredentials", opts)
	if strings.TrimSpace(applicationID) == "" {
		return Credentials{}, errors.New("nexmo: credentials: the application ID is empty: it is the UUID in the application's settings")
	}
	key, err := parsePrivateKey(privateKey)
	if err != nil {
		return Credentials{}, fmt.Errorf("nexmo: credentials: private key: %w", err)
	}
	s := &secrets{applicationID: applicationID, key: key, ttl: defaultTokenTTL}
	for _, o := range opts {
		o.applyCredentials(s)
	}
	if err := checkTTL(s.ttl); err != nil {
		return Credentials{}, err
	}
	return Credentials{func() *secrets { return s }}, nil
}

// secrets returns nil for the zero value.
func (c Credentials) secrets() *secrets {
	if c.open == nil {
		return nil
	}
	return c.open()
}

// NewCredentialsFromFile returns the credentials of an application whose private
// key is in a file; see [NewCredentials].
func NewCredentialsFromFile(applicationID, name string, opts ...CredentialsOption) (Credentials, error) {
	checkOptions("NewCredentialsFromFile", opts)
	key, err := os.ReadFile(name) //nolint:gosec // the caller's file
	switch {
	case err != nil && !isFileName(name): // which the error must not show
		return Credentials{}, errors.New("nexmo: credentials: this looks like a key and not like the name of a file: give a key to NewCredentials")
	case err != nil:
		return Credentials{}, fmt.Errorf("nexmo: credentials: %w", err)
	}
	return NewCredentials(applicationID, key, opts...)
}

// isFileName reports whether text is likely the name of a file, and certainly
// neither a key nor a line of one.
func isFileName(text string) bool {
	return len(text) < 256 && !strings.ContainsAny(text, "\n\r") && !strings.Contains(text, "BEGIN ") &&
		(len(text) < 48 || strings.ContainsAny(text, `.-_:\`))
}

func checkTTL(ttl time.Duration) error {
	if ttl < minTokenTTL || ttl > maxTokenTTL {
		return fmt.Errorf("nexmo: credentials: a token cannot be good for %v: the service takes %v to %v", ttl, minTokenTTL, maxTokenTTL)
	}
	return nil
}

// ApplicationID returns the ID of the application.
func (c Credentials) ApplicationID() string {
	if s := c.secrets(); s != nil {
		return s.applicationID
	}
	return ""
}

var errNoCredentials = errors.New("nexmo: credentials are empty: make them with NewCredentials")

// Token returns a token of the application that is good for a while yet. The
// same one is returned until a fifth of its life is left.
func (c Credentials) Token() (string, error) {
	s := c.secrets()
	if s == nil {
		return "", errNoCredentials
	}
	return s.tokens.get(s.ttl, func(now time.Time) (string, error) { return s.sign(now, s.ttl, "", s.acl) })
}

func (c Credentials) discard(token string) {
	if s := c.secrets(); s != nil {
		s.tokens.discard(token)
	}
}

// User returns a [TokenSource] of a user; see [Credentials.UserToken] for what it
// takes, and for the errors that its Token returns. The same token is returned
// until a fifth of its life is left.
func (c Credentials) User(name string, ttl time.Duration, acl ACL) TokenSource {
	acl.Paths = maps.Clone(acl.Paths)
	cache := new(tokenCache)
	ttl = cmp.Or(ttl, defaultTokenTTL)
	return userTokens{
		token: func() (string, error) {
			return cache.get(ttl, func(time.Time) (string, error) { return c.UserToken(name, ttl, acl) })
		},
		drop: cache.discard,
	}
}

// userTokens holds functions only: nothing that prints looks into one.
type userTokens struct {
	token func() (string, error)
	drop  func(token string)
}

func (u userTokens) Token() (string, error) { return u.token() }

func (u userTokens) discard(token string) { u.drop(token) }

// UserToken returns a new token of a user, for sessions and for requests on the
// user's behalf. name is the name of the user and not its ID. The token is good
// for ttl, 30 seconds to 24 hours; 15 minutes if zero. acl says what it allows;
// see [ClientACL].
func (c Credentials) UserToken(name string, ttl time.Duration, acl ACL) (string, error) {
	s := c.secrets()
	switch {
	case s == nil:
		return "", errNoCredentials
	case name == "":
		return "", errors.New("nexmo: credentials: a user token needs the name of the user")
	case strings.HasPrefix(name, "USR-"):
		return "", errors.New("nexmo: credentials: a user token needs the name of the user, not its ID: no name begins with USR-")
	}
	if ttl == 0 {
		ttl = defaultTokenTTL
	}
	if err := checkTTL(ttl); err != nil {
		return "", err
	}
	return s.sign(time.Now(), ttl, name, &acl)
}

func (s *secrets) sign(now time.Time, ttl time.Duration, sub string, acl *ACL) (string, error) {
	claims := jwt.MapClaims{
		"application_id": s.applicationID,
		"iat":            now.Unix(),
		"exp":            now.Add(ttl).Unix(),
		"jti":            newUUID(),
	}
	if sub != "" {
		claims["sub"] = sub
	}
	if acl != nil {
		paths, err := json.Marshal(*acl)
		if err != nil {
			return "", errors.New("nexmo: credentials: the Filters of the ACL are not JSON")
		}
		claims["acl"] = json.RawMessage(paths)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, claims).SignedString(s.key)
	if err != nil {
		return "", errors.New("nexmo: credentials: the private key cannot sign")
	}
	return token, nil
}

// newUUID returns a random UUID (RFC 9562, version 4).
func newUUID() string {
	var u [16]byte
	_, _ = rand.Read(u[:]) // never fails
	u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Format prints the ID of the application and nothing else, whatever the verb.
func (c Credentials) Format(f fmt.State, _ rune) { _, _ = fmt.Fprint(f, c.describe()) }

// LogValue logs the ID of the application and nothing else.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.describe()) }

// MarshalJSON writes the ID of the application and nothing else.
func (c Credentials) MarshalJSON() ([]byte, error) { return json.Marshal(c.describe()) }

func (c Credentials) describe() string { return "nexmo.Credentials(" + c.ApplicationID() + ")" }
