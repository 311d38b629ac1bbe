package nexmo_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// The webhook that the attacks below are made from. The secret is base64, so
// that a verifier that decodes it shows.
const (
	hookSecret = "c2lnbmF0dXJlIHNlY3JldCBvZiBhIHRlc3Q="
	hookHeader = `{"alg":"HS256","typ":"JWT"}`
	hookBody   = `{"type":"member:joined","id":7,"conversation_id":"CON-hook","from":"MEM-hook",` +
		`"body":{"member_id":"MEM-hook","user":{"id":"USR-hook","name":"a private name"}}}`
	hookIssued = 1_750_000_000
	hookAPIKey = "acc0unt1"
	hookApp    = "e8059728-5fa0-4cbe-83b4-9919be9cf1de"
)

// hookNow is when it arrives: as it was issued.
var hookNow = time.Unix(hookIssued, 0)

func hookVerifier() *nexmo.Verifier {
	return &nexmo.Verifier{Secrets: []string{hookSecret}, Now: func() time.Time { return hookNow }}
}

func hashOf(body string) string {
	sum := sha256.Sum256([]byte(body))
	return hex.EncodeToString(sum[:])
}

// hookClaims returns good claims for hookBody, with parts of their text replaced.
func hookClaims(tb testing.TB, oldnew ...string) string {
	tb.Helper()
	text := fmt.Sprintf(`{"iss":"Vonage","iat":%d,"jti":"70a9f2f9-0d3a-4b3c-8a3c-2c8ab4a3a7a5","payload_hash":"%s","api_key":"%s","application_id":"%s"}`,
		hookIssued, hashOf(hookBody), hookAPIKey, hookApp)
	for i := 0; i < len(oldnew); i += 2 {
		if !strings.Contains(text, oldnew[i]) {
			tb.Fatalf("the claims hold no %q to replace", oldnew[i])
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return text
}

const (
	issClaim  = `"iss":"Vonage"`
	jtiClaim  = `"jti":"70a9f2f9-0d3a-4b3c-8a3c-2c8ab4a3a7a5"`
	keyClaim  = `"api_key":"` + hookAPIKey + `"`
	appClaim  = `"application_id":"` + hookApp + `"`
	iatPrefix = `"iat":`
)

var (
	iatClaim  = fmt.Sprintf(`"iat":%d`, hookIssued)
	hashClaim = `"payload_hash":"` + hashOf(hookBody) + `"`
)

func segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func macOf(h func() hash.Hash, key, input string) string {
	m := hmac.New(h, []byte(key))
	m.Write([]byte(input))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

// forge signs a header and claims, whatever they say, as HS256 does.
func forge(header, claims, key string) string {
	return sealed(segment(header)+"."+segment(claims), key)
}

func sealed(input, key string) string { return input + "." + macOf(sha256.New, key, input) }

func hookToken(tb testing.TB, oldnew ...string) string {
	tb.Helper()
	return forge(hookHeader, hookClaims(tb, oldnew...), hookSecret)
}

// attack is a webhook that must be refused.
type attack struct {
	name     string
	token    string
	auth     []string // the Authorization headers, if not "Bearer " and token
	body     string   // what arrives, if not hookBody
	verifier func(v *nexmo.Verifier)
	want     error
	status   int // 401 unless given
}

func (a *attack) request() *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(a.body))
	for _, value := range a.auth {
		r.Header.Add("Authorization", value)
	}
	return r
}

// hookRecorder is a Sink that remembers what was delivered.
type hookRecorder struct {
	mu     sync.Mutex
	events []*nexmo.Event
}

func (s *hookRecorder) Deliver(_ context.Context, e *nexmo.Event) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, e)
	return nil
}

func (s *hookRecorder) ids() []nexmo.EventID {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := []nexmo.EventID{}
	for _, e := range s.events {
		ids = append(ids, e.ID)
	}
	return ids
}

// hookLog is a log that can be read while it is written.
type hookLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *hookLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *hookLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *hookLog) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// tellsNothing checks that text holds neither secrets, nor the token, nor
// anything of the payload.
func tellsNothing(t *testing.T, where, text string, a *attack, secrets ...string) {
	t.Helper()
	private := append(secrets, hookSecret, a.token, "MEM-hook", "a private name", hookAPIKey, hashOf(a.body), hashOf(hookBody))
	private = append(append(private, strings.SplitN(a.token, ".", 9)...), a.auth...)
	lower := strings.ToLower(text)
	for _, p := range private {
		if len(p) >= 8 && len(p) <= len(text) && strings.Contains(lower, strings.ToLower(p)) {
			t.Errorf("%s holds %q, which is nobody's business: %s", where, p, text)
		}
	}
}

// refused checks that nobody takes a, by whatever way it comes, and that nobody
// says more than needed.
func (a attack) refused(t *testing.T) {
	t.Helper()
	if a.auth == nil {
		a.auth = []string{"Bearer " + a.token}
		checkToken(t, &a)
	}
	v := a.newVerifier()
	claims, payload, err := v.Verify(a.request())
	if !errors.Is(err, a.want) || claims != nil || payload != nil {
		t.Errorf("Verify = %v, %d bytes, %v; want the error %v", claims, len(payload), err, a.want)
	}
	if err != nil {
		tellsNothing(t, "the error of Verify", err.Error(), &a, v.Secrets...)
	}

	var sink hookRecorder
	var log hookLog
	var results []webhookResult
	h := &nexmo.WebhookHandler{
		Verifier: v, Sink: &sink, Logger: log.logger(),
	}
	observe(h, func(_ context.Context, r webhookResult) { results = append(results, r) })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, a.request())
	status := a.status
	if status == 0 {
		status = http.StatusUnauthorized
	}
	headers := 0
	if status == http.StatusServiceUnavailable {
		headers = 1 // Retry-After
	}
	if w.Code != status || w.Body.Len() != 0 || len(w.Header()) != headers {
		t.Errorf("answered %d with a body of %d bytes and the headers %v; want a bare %d", w.Code, w.Body.Len(), w.Header(), status)
	}
	if diff := cmp.Diff([]nexmo.EventID{}, sink.ids()); diff != "" {
		t.Errorf("events were delivered (-want +got):\n%s", diff)
	}
	if len(results) != 1 || results[0].Status != status || !errors.Is(results[0].Err, a.want) {
		t.Errorf("ReceiveEnd was told %+v, want one %d with %v", results, status, a.want)
	}
	if !strings.Contains(log.String(), a.want.Error()) {
		t.Errorf("the log does not say why: %s", log.String())
	}
	tellsNothing(t, "the log", log.String(), &a, v.Secrets...)
}

func (a *attack) newVerifier() *nexmo.Verifier {
	v := hookVerifier()
	if a.verifier != nil {
		a.verifier(v)
	}
	return v
}

func checkToken(t *testing.T, a *attack) {
	t.Helper()
	v := a.newVerifier()
	claims, err := v.VerifyToken(a.token, []byte(a.body))
	if !errors.Is(err, a.want) || claims != nil {
		t.Errorf("VerifyToken = %v, %v; want the error %v", claims, err, a.want)
	}
	if err != nil {
		tellsNothing(t, "the error of VerifyToken", err.Error(), a, v.Secrets...)
	}
}

// runAttacks checks that every one of them is refused.
func runAttacks(t *testing.T, attacks []attack) {
	t.Helper()
	names := map[string]bool{}
	for _, a := range attacks {
		if names[a.name] {
			t.Errorf("two attacks are called %q", a.name)
		}
		names[a.name] = true
		if a.body == "" {
			a.body = hookBody
		}
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			a.refused(t)
		})
	}
}
