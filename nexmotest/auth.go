package nexmotest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo"
)

// identity is who makes a request.
type identity struct {
	user    string // the name of a user; "" for the application itself
	acl     *nexmo.ACL
	expires time.Time
}

// tokenClaims is what the token of a request says.
type tokenClaims struct {
	jwt.RegisteredClaims
	JTI           json.RawMessage `json:"jti"` // a text or a number, as the service takes both
	ApplicationID string          `json:"application_id"`
	ACL           *nexmo.ACL      `json:"acl"`
}

// How long a token lives.
const (
	tokenLife    = 15 * time.Minute // of one that does not say when it expires
	maxTokenLife = 24 * time.Hour   // whatever it says
	clockSkew    = 5 * time.Second  // that the service puts up with
)

var tokenParser = jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg()}), jwt.WithoutClaimsValidation())

// Refusals of tokens.
var (
	errMissingToken = refuse(http.StatusUnauthorized, "system:error:missing-token", "There is no token.")
	errInvalidToken = refuse(http.StatusUnauthorized, "system:error:invalid-token", "The token is invalid.")
	errExpiredToken = refuse(http.StatusUnauthorized, "system:error:expired-token", "The token has expired.")
	errForeignToken = refuse(http.StatusUnauthorized, "conversation:error:permission-denied", "The token is of another application.")
	errInvalidUser  = refuse(http.StatusUnauthorized, "user:error:invalid-user", "There is no user of this name.")
	errNoUserToken  = refuse(http.StatusUnauthorized, "user:error:invalid-user-token", "This needs the token of a user.")
)

// bearer returns the token of a request.
func bearer(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return token
}

// identifies reports whether a jti is a text or a number, and not empty.
func identifies(jti json.RawMessage) bool {
	var v any
	_ = json.Unmarshal(jti, &v) // it was read already, unless there is none
	_, number := v.(float64)
	text, _ := v.(string)
	return number || text != ""
}

// authenticate verifies a token and says whose it is.
func authenticate(applicationID, token string) (identity, *apiError) {
	if token == "" {
		return identity{}, errMissingToken
	}
	var c tokenClaims
	_, err := tokenParser.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return publicKey(), nil })
	at := time.Now()
	switch {
	case err != nil:
		return identity{}, errInvalidToken
	case c.IssuedAt == nil, !identifies(c.JTI), c.IssuedAt.After(at.Add(clockSkew)), c.NotBefore != nil && c.NotBefore.After(at.Add(clockSkew)):
		return identity{}, errInvalidToken
	case c.ApplicationID != applicationID:
		return identity{}, errForeignToken
	}
	expires := c.IssuedAt.Add(tokenLife)
	if c.ExpiresAt != nil {
		expires = c.ExpiresAt.Time
	}
	if latest := c.IssuedAt.Add(maxTokenLife); expires.After(latest) {
		expires = latest
	}
	if !at.Before(expires) {
		return identity{}, errExpiredToken
	}
	return identity{user: c.Subject, acl: c.ACL, expires: expires}, nil
}

// allows reports whether the token allows a request. That of a user must say so,
// that of the application allows everything unless it says otherwise.
func (i identity) allows(method, path string) bool {
	if i.acl == nil {
		return i.user == ""
	}
	return i.acl.Allows(method, path)
}
