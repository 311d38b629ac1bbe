package nexmo_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo"
)

// tokenErrors are what VerifyToken refuses tokens with.
var tokenErrors = []error{
	nexmo.ErrWebhookToken, nexmo.ErrWebhookAlgorithm, nexmo.ErrWebhookSignature, nexmo.ErrWebhookIssuer, nexmo.ErrWebhookExpired, nexmo.ErrWebhookNotYetValid, nexmo.ErrWebhookPayloadHash,
}

// fuzzToken makes a token of what the fuzzer gives. Most are signed well, or
// fuzzing would find nothing but wrong signatures.
func fuzzToken(mode byte, header, claims, raw string, body []byte) string {
	fill := strings.NewReplacer("HASH", hashOf(string(body)), "NOW", "1750000000")
	switch mode % 6 {
	case 0: // members more than needed
		return forge(`{"alg":"HS256"`+header+`}`, fill.Replace(`{"iss":"Vonage","iat":NOW,"payload_hash":"HASH"`+claims+`}`), hookSecret)
	case 1: // the same in front
		return forge(`{`+header+`"alg":"HS256"}`, fill.Replace(`{`+claims+`"iss":"Vonage","iat":NOW,"payload_hash":"HASH"}`), hookSecret)
	case 2:
		return forge(header, fill.Replace(claims), hookSecret)
	case 3: // base64 is the fuzzer's own
		return sealed(raw, hookSecret)
	case 4:
		return forge(hookHeader, fill.Replace(claims), hookSecret) + raw
	default:
		return raw
	}
}

// FuzzVerifier checks that what VerifyToken accepts, golang-jwt accepts with the
// same key and the same clock, whichever way it reads claims, and that the token
// says what a webhook must say.
func FuzzVerifier(f *testing.F) {
	good := forge(hookHeader, hookClaims(f), hookSecret)
	body := []byte(hookBody)
	add := func(mode byte, header, claims, raw string) { f.Add(mode, header, claims, raw, body) }
	add(0, ``, ``, ``)
	add(0, `,"typ":"JWT","kid":"1","jku":"http://localhost/","jwk":{"kty":"oct","k":"AAAA"}`, `,"jti":"1","api_key":"a","application_id":"b"`, ``)
	for _, claims := range []string{
		`,"exp":1750000001,"nbf":1750000000`, `,"exp":null`, `,"nbf":null`, `,"exp":0`, `,"nbf":0.5`, `,"nbf":1750000000.9`, `,"exp":1e400`, `,"exp":"1750000001"`,
		`,"aud":"x"`, `,"aud":["x","y"]`, `,"aud":[null]`, `,"aud":null`, `,"aud":{}`, `,"sub":null`, `,"sub":"s"`, `,"jti":null`, `,"jti":7`,
		`,"Exp":1`, `,"EXP":1750000001`, `,"ſub":1`, `,"iſſ":1`, `,"x":1e400`, `,"x":[{"y":-1e999}]`, `,"x":{"y":1,"y":2}`, `,"iss":"Vonage"`, `,"\u0069at":1`,
		`,"x":"\ud800"`, ",\"x\":\"\xff\"", `,"x":` + strings.Repeat("[", 600) + strings.Repeat("]", 600), `}{`, `} `, `,`, `,"":1,"":2`,
	} {
		add(0, ``, claims, ``)
		add(1, ``, strings.TrimPrefix(claims+",", ","), ``)
	}
	for _, header := range []string{`,"crit":[]`, `,"alg":"none"`, `,"\u0061lg":"none"`, `,"typ":"JWT","typ":"JWT"`, `,"x":1e400`, `,"b64":false`, `,"Alg":"none"`, `}{`} {
		add(0, header, ``, ``)
	}
	add(2, hookHeader, `{"iss":"Vonage","iat":NOW,"payload_hash":"HASH"}`, ``)
	add(2, `{"alg":"none"}`, `null`, ``)
	add(2, `{"alg":"HS512"}`, `[]`, ``)
	add(2, `null`, `{"iss":"Vonage","iat":1749999700,"payload_hash":"HASH"}`, ``)
	add(2, ` {"alg" : "HS256"} `, ` {"payload_hash":"HASH","iat":1750000060,"iss":"Vonage"} `, ``)
	add(3, ``, ``, good[:strings.LastIndexByte(good, '.')])
	add(3, ``, ``, good[:20]+"\n"+good[20:strings.LastIndexByte(good, '.')])
	add(4, ``, `{"iss":"Vonage","iat":NOW,"payload_hash":"HASH"}`, ``)
	add(4, ``, `{"iss":"Vonage","iat":NOW,"payload_hash":"HASH"}`, `=`)
	add(4, ``, `{"iss":"Vonage","iat":NOW,"payload_hash":"HASH"}`, "\n")
	add(5, ``, ``, good)
	add(5, ``, ``, good+"=")
	add(5, ``, ``, strings.Replace(good, ".", "\n.", 1))
	add(5, ``, ``, "..")

	v := hookVerifier()
	parser := jwt.NewParser(
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithIssuer("Vonage"), jwt.WithStrictDecoding(),
		jwt.WithTimeFunc(func() time.Time { return hookNow }),
	)
	key := func(*jwt.Token) (any, error) { return []byte(hookSecret), nil }
	f.Fuzz(func(t *testing.T, mode byte, header, claims, raw string, body []byte) {
		token := fuzzToken(mode, header, claims, raw, body)
		got, err := v.VerifyToken(token, body)

		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Header["Authorization"] = []string{"Bearer " + token}
		_, payload, rerr := v.Verify(r)
		if fmt.Sprint(err) != fmt.Sprint(rerr) || err == nil && !bytes.Equal(payload, body) {
			t.Errorf("VerifyToken says %v, Verify says %v", err, rerr)
		}
		if err != nil {
			if got != nil || !slices.ContainsFunc(tokenErrors, func(want error) bool { return errors.Is(err, want) }) {
				t.Errorf("refused with %v and %v", got, err)
			}
			return
		}

		plain := jwt.MapClaims{}
		if _, err := parser.ParseWithClaims(token, plain, key); err != nil {
			t.Fatalf("golang-jwt refuses it, reading a map: %v", err)
		}
		var registered jwt.RegisteredClaims
		if _, err := parser.ParseWithClaims(token, &registered, key); err != nil {
			t.Fatalf("golang-jwt refuses it, reading a struct: %v", err)
		}
		if hash, _ := plain["payload_hash"].(string); !strings.EqualFold(hash, hashOf(string(body))) {
			t.Errorf("the token is for %q", hash)
		}
		if iat, ok := plain["iat"].(float64); !ok || iat < hookIssued-300 || iat >= hookIssued+61 || got.IssuedAt.Unix() != int64(iat) {
			t.Errorf("iat is %v, read as %v", plain["iat"], got.IssuedAt)
		}
		for name, text := range map[string]string{"jti": got.ID, "api_key": got.APIKey, "application_id": got.ApplicationID} {
			if want, _ := plain[name].(string); text != want {
				t.Errorf("%s is %q, read as %q", name, want, text)
			}
		}
		for name, times := range map[string]struct {
			ours   time.Time
			theirs *jwt.NumericDate
		}{"iat": {got.IssuedAt, registered.IssuedAt}, "nbf": {got.NotBefore, registered.NotBefore}, "exp": {got.ExpiresAt, registered.ExpiresAt}} {
			if times.theirs == nil != times.ours.IsZero() || times.theirs != nil && !times.theirs.Equal(times.ours) {
				t.Errorf("%s is %v, read as %v", name, times.theirs, times.ours)
			}
		}
	})
}
