package nexmo_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// signedEvent is a webhook: a body and its token.
type signedEvent struct {
	body  []byte
	token string
}

// signedRing are the events of joinedRing, signed now.
func signedRing() []signedEvent {
	ring := make([]signedEvent, ringSize)
	for i, body := range joinedRing() {
		ring[i] = signedEvent{body, nexmotest.Sign(hookSecret, body, nexmotest.Claim("application_id", hookApp))}
	}
	return ring
}

// obviousClaims are the claims of a webhook as golang-jwt has one declare them.
type obviousClaims struct {
	jwt.RegisteredClaims
	PayloadHash   string `json:"payload_hash"`
	APIKey        string `json:"api_key"`
	ApplicationID string `json:"application_id"`
}

// verifyObvious is how a program verifies a webhook without this package.
func verifyObvious(token string, body []byte) (*obviousClaims, error) {
	claims := new(obviousClaims)
	_, err := jwt.ParseWithClaims(token, claims,
		func(*jwt.Token) (any, error) { return []byte(hookSecret), nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("Vonage"), jwt.WithIssuedAt(), jwt.WithLeeway(time.Minute))
	if err != nil {
		return nil, err
	}
	if claims.IssuedAt == nil || time.Since(claims.IssuedAt.Time) > 24*time.Hour {
		return nil, errors.New("too old")
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != claims.PayloadHash {
		return nil, errors.New("another body")
	}
	return claims, nil
}

// plainEvent and plainJoined are an event and its body in structs that nothing
// but encoding/json reads: no type in them reads itself.
type plainEvent struct {
	ID             int64           `json:"id"`
	Type           string          `json:"type"`
	ConversationID string          `json:"conversation_id"`
	ApplicationID  string          `json:"application_id"`
	From           string          `json:"from"`
	To             string          `json:"to"`
	Timestamp      time.Time       `json:"timestamp"`
	State          json.RawMessage `json:"state"`
	Params         json.RawMessage `json:"params"`
	Embedded       struct {
		FromUser   *plainUser `json:"from_user"`
		FromMember struct {
			ID string `json:"id"`
		} `json:"from_member"`
	} `json:"_embedded"`
	Body json.RawMessage `json:"body"`
}

type plainUser struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	DisplayName string `json:"display_name"`
}

type plainEndpoint struct {
	Type   string `json:"type"`
	Number string `json:"number"`
	User   string `json:"user"`
}

type plainCause struct {
	IsSystem bool   `json:"isSystem"`
	UserID   string `json:"user_id"`
	MemberID string `json:"member_id"`
}

type plainJoined struct {
	MemberID string    `json:"member_id"`
	User     plainUser `json:"user"`
	Channel  *struct {
		ID   string         `json:"id"`
		Type string         `json:"type"`
		From *plainEndpoint `json:"from"`
		To   *plainEndpoint `json:"to"`
		Legs []struct {
			ID     string `json:"leg_id"`
			Status string `json:"status"`
		} `json:"legs"`
		Headers map[string]string `json:"headers"`
	} `json:"channel"`
	Timestamp struct {
		Invited time.Time `json:"invited"`
		Joined  time.Time `json:"joined"`
		Left    time.Time `json:"left"`
	} `json:"timestamp"`
	Initiator struct {
		Invited plainCause `json:"invited"`
		Joined  plainCause `json:"joined"`
	} `json:"initiator"`
	Media struct {
		AudioSettings struct {
			Enabled   bool `json:"enabled"`
			Earmuffed bool `json:"earmuffed"`
			Muted     bool `json:"muted"`
		} `json:"audio_settings"`
		Audio bool `json:"audio"`
	} `json:"media"`
}

// The handlers that the three ways call.
var (
	handleObvious = func(context.Context, *standardEvent, *nexmo.MemberJoined) error { return nil }
	handlePlain   = func(context.Context, *plainEvent, *plainJoined) error { return nil }
)

// webhookObvious verifies, parses and handles a webhook with golang-jwt and
// encoding/json: the envelope, then the body into the struct that ParseEvent
// fills, then a switch.
func webhookObvious(ctx context.Context, w signedEvent) error {
	if _, err := verifyObvious(w.token, w.body); err != nil {
		return err
	}
	e, err := parseStandard(w.body)
	if err != nil {
		return err
	}
	switch b := e.Body.(type) {
	case *nexmo.MemberJoined:
		return handleObvious(ctx, e, b)
	default:
		return nil
	}
}

// webhookPlain does the same with structs of its own.
func webhookPlain(ctx context.Context, w signedEvent) error {
	if _, err := verifyObvious(w.token, w.body); err != nil {
		return err
	}
	e := new(plainEvent)
	if err := json.Unmarshal(w.body, e); err != nil {
		return err
	}
	switch e.Type {
	case "member:joined":
		b := new(plainJoined)
		if err := json.Unmarshal(e.Body, b); err != nil {
			return err
		}
		return handlePlain(ctx, e, b)
	default:
		return nil
	}
}

// webhookNexmo does it with this package, and in order, once each, with the
// members of the conversation kept as well. The event is the next one of its
// conversation, whichever it was.
func webhookNexmo(ctx context.Context, v *nexmo.Verifier, app *nexmo.Application, w signedEvent, id nexmo.EventID) error {
	if _, err := v.VerifyToken(w.token, w.body); err != nil {
		return err
	}
	e, err := nexmo.ParseEvent(w.body)
	if err != nil {
		return err
	}
	e.ID = id
	return app.Deliver(ctx, e)
}

// BenchmarkWebhook verifies, parses and delivers a webhook of a kilobyte.
func BenchmarkWebhook(b *testing.B) {
	ring := signedRing()
	ctx := context.Background()
	run := func(name string, handle func(i int) error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(ring[0].body)))
			for i := 0; b.Loop(); i++ {
				if err := handle(i); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	v := &nexmo.Verifier{Secrets: []string{hookSecret}, MaxAge: 24 * time.Hour}
	app := nexmo.NewApplication("")
	nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { return nil })
	next := 0 // goes on when the benchmark is run again: the conversations do
	run("nexmo", func(int) error {
		w, id := ring[next%ringSize], nexmo.EventID(next/ringSize+1)
		next++
		return webhookNexmo(ctx, v, app, w, id)
	})
	run("obvious", func(i int) error { return webhookObvious(ctx, ring[i%ringSize]) })
	run("obvious_plain_structs", func(i int) error { return webhookPlain(ctx, ring[i%ringSize]) })
}

// BenchmarkVerifyToken is the verifying alone.
func BenchmarkVerifyToken(b *testing.B) {
	ring := signedRing()
	v := &nexmo.Verifier{Secrets: []string{hookSecret}, MaxAge: 24 * time.Hour}
	b.Run("nexmo", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := v.VerifyToken(ring[i%ringSize].token, ring[i%ringSize].body); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("obvious", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if _, err := verifyObvious(ring[i%ringSize].token, ring[i%ringSize].body); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestWebhookBenchmarksCompareLikeWithLike: all ways accept the same, find the
// same in it, and refuse what is not signed.
func TestWebhookBenchmarksCompareLikeWithLike(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	v := &nexmo.Verifier{Secrets: []string{hookSecret}, MaxAge: 24 * time.Hour}
	app := nexmo.NewApplication("")
	var got *nexmo.Event
	app.On("member:joined", func(_ context.Context, e *nexmo.Event) error { got = e; return nil })
	for i, w := range signedRing() {
		if err := errors.Join(webhookNexmo(ctx, v, app, w, 1), webhookObvious(ctx, w), webhookPlain(ctx, w)); err != nil {
			t.Fatal(err)
		}
		forged := signedEvent{w.body, nexmotest.Sign("another", w.body)}
		changed := signedEvent{append(bytes.Clone(w.body), ' '), w.token}
		for _, bad := range []signedEvent{forged, changed} {
			if webhookNexmo(ctx, v, app, bad, 2) == nil || webhookObvious(ctx, bad) == nil || webhookPlain(ctx, bad) == nil {
				t.Fatalf("event %d: what is not signed is accepted", i)
			}
		}
		ours, err := v.VerifyToken(w.token, w.body)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := verifyObvious(w.token, w.body)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(&nexmo.Claims{ID: theirs.ID, IssuedAt: theirs.IssuedAt.UTC(), APIKey: theirs.APIKey, ApplicationID: theirs.ApplicationID}, ours); diff != "" {
			t.Errorf("claims (-golang-jwt +VerifyToken):\n%s", diff)
		}
		var plain plainEvent
		var body plainJoined
		if err := errors.Join(json.Unmarshal(w.body, &plain), json.Unmarshal(plain.Body, &body)); err != nil {
			t.Fatal(err)
		}
		joined, ok := nexmo.As[*nexmo.MemberJoined](got)
		if !ok {
			t.Fatalf("event %d: the body is a %T", i, got.Body)
		}
		want := []any{plain.ConversationID, plain.From, plain.Timestamp, body.MemberID, body.User.Name, body.Channel.From.Number, body.Timestamp.Joined, body.Media.AudioSettings.Enabled, body.Initiator.Joined.IsSystem}
		found := []any{got.ConversationID, got.From, got.Timestamp, joined.MemberID, joined.User.Name, joined.Channel.From.Number, joined.Timestamp.Joined, joined.Media.AudioSettings.Enabled == nexmo.True, joined.Initiator.Joined.IsSystem == nexmo.True}
		if diff := cmp.Diff(want, found); diff != "" {
			t.Errorf("event %d (-encoding/json +ParseEvent):\n%s", i, diff)
		}
	}
}

// BenchmarkLoopbackHTTP posts webhooks to a server on this machine, over
// connections that are kept, and compares with a handler that only reads the
// body.
func BenchmarkLoopbackHTTP(b *testing.B) {
	ring := signedRing()
	app := nexmo.NewApplication("")
	nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.MemberJoined) error { return nil })
	webhook := &nexmo.WebhookHandler{
		Verifier: &nexmo.Verifier{Secrets: []string{hookSecret}, MaxAge: 24 * time.Hour},
		Sink: nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
			e.ID = 0 // or it would be a duplicate the second time
			return app.Deliver(ctx, e)
		}),
	}
	bodyOnly := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux := http.NewServeMux()
	mux.Handle("/nexmo", webhook)
	mux.Handle("/body_only", bodyOnly)
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)
	client := server.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 64
	for _, name := range []string{"nexmo", "body_only"} {
		b.Run(name, func(b *testing.B) {
			var next atomic.Int64
			b.ReportAllocs()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					w := ring[next.Add(1)%ringSize]
					if err := postOnce(b.Context(), client, server.URL+"/"+name, w); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
		})
	}
}

func postOnce(ctx context.Context, client *http.Client, url string, w signedEvent) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(w.body))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+w.token)
	a, err := client.Do(r)
	if err != nil {
		return err
	}
	_ = a.Body.Close()
	if a.StatusCode != http.StatusNoContent {
		return fmt.Errorf("answered %d", a.StatusCode)
	}
	return nil
}
