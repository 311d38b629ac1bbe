package nexmo_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/conversation-events/nexmo"
)

func TestVerifierRefusesClaims(t *testing.T) {
	t.Parallel()
	compact := `{"a":1,"b":[2,3]}`
	spaced := `{ "a": 1, "b": [2, 3] }`
	var reserialised bytes.Buffer
	if err := json.Compact(&reserialised, []byte(spaced)); err != nil || reserialised.String() != compact {
		t.Fatal(reserialised.String(), err)
	}
	iat := func(value string) string { return hookToken(t, iatClaim, iatPrefix+value) }
	also := func(claim string) string { return hookToken(t, issClaim, issClaim+","+claim) }
	payload := func(claim string) string { return hookToken(t, hashClaim, claim) }
	only := func(claim string) string { return forge(hookHeader, claim, hookSecret) }
	sha512of := sha512.Sum512([]byte(hookBody))
	rawHash, err := hex.DecodeString(hashOf(hookBody))
	if err != nil {
		t.Fatal(err)
	}
	endsInZero := endsInZero()
	tests := []attack{
		{name: "no issuer", token: hookToken(t, issClaim+",", ""), want: nexmo.ErrWebhookIssuer},
		{name: "issuer null", token: hookToken(t, issClaim, `"iss":null`), want: nexmo.ErrWebhookIssuer},
		{name: "issuer empty", token: hookToken(t, issClaim, `"iss":""`), want: nexmo.ErrWebhookIssuer},
		{name: "issuer in lower case", token: hookToken(t, issClaim, `"iss":"vonage"`), want: nexmo.ErrWebhookIssuer},
		{name: "issuer with a blank", token: hookToken(t, issClaim, `"iss":"Vonage "`), want: nexmo.ErrWebhookIssuer},
		{name: "issuer Nexmo", token: hookToken(t, issClaim, `"iss":"Nexmo"`), want: nexmo.ErrWebhookIssuer},
		{name: "issuer in Iss", token: hookToken(t, `"iss"`, `"Iss"`), want: nexmo.ErrWebhookToken},
		{name: "issuer is a list", token: hookToken(t, issClaim, `"iss":["Vonage"]`), want: nexmo.ErrWebhookToken},
		{name: "issuer is a number", token: hookToken(t, issClaim, `"iss":1`), want: nexmo.ErrWebhookToken},
		{name: "no claims", token: only(`{}`), want: nexmo.ErrWebhookToken},
		{name: "claims are null", token: only(`null`), want: nexmo.ErrWebhookIssuer},

		{name: "no iat", token: hookToken(t, iatClaim+",", ""), want: nexmo.ErrWebhookToken},
		{name: "iat null", token: iat(`null`), want: nexmo.ErrWebhookToken},
		{name: "iat is text", token: iat(`"1750000000"`), want: nexmo.ErrWebhookToken},
		{name: "iat is a date", token: iat(`"2025-06-15T15:06:40Z"`), want: nexmo.ErrWebhookToken},
		{name: "iat true", token: iat(`true`), want: nexmo.ErrWebhookToken},
		{name: "iat is a list", token: iat(`[1750000000]`), want: nexmo.ErrWebhookToken},
		{name: "iat is an object", token: iat(`{}`), want: nexmo.ErrWebhookToken},
		{name: "iat zero", token: iat(`0`), want: nexmo.ErrWebhookToken},
		{name: "iat negative", token: iat(`-1750000000`), want: nexmo.ErrWebhookToken},
		{name: "iat negative and huge", token: iat(`-1e300`), want: nexmo.ErrWebhookToken},
		{name: "iat huge", token: iat(`1e300`), want: nexmo.ErrWebhookToken},
		{name: "iat beyond every number", token: iat(`1e400`), want: nexmo.ErrWebhookToken},
		{name: "iat as large as an int64", token: iat(`9223372036854775807`), want: nexmo.ErrWebhookToken},
		{name: "iat as large as an int64 and one", token: iat(`9223372036854775808`), want: nexmo.ErrWebhookToken},
		{name: "iat wraps around", token: iat(`18446744075459551616`), want: nexmo.ErrWebhookToken},
		{name: "iat in milliseconds", token: iat(`1750000000000`), want: nexmo.ErrWebhookToken},
		{name: "iat in the year 10000", token: iat(`253402300800`), want: nexmo.ErrWebhookToken},
		{name: "iat NaN", token: iat(`NaN`), want: nexmo.ErrWebhookToken},
		{name: "iat Infinity", token: iat(`Infinity`), want: nexmo.ErrWebhookToken},
		{name: "iat with a zero in front", token: iat(`01750000000`), want: nexmo.ErrWebhookToken},
		{name: "iat in hexadecimal", token: iat(`0x684ee180`), want: nexmo.ErrWebhookToken},
		{name: "iat next to nothing", token: iat(`1e-300`), want: nexmo.ErrWebhookExpired},
		{name: "iat one", token: iat(`1`), want: nexmo.ErrWebhookExpired},
		{name: "stale by a second", token: iat(fmt.Sprint(hookIssued - 301)), want: nexmo.ErrWebhookExpired},
		{name: "stale by a fraction", token: iat(fmt.Sprint(hookIssued-301) + ".5"), want: nexmo.ErrWebhookExpired},
		{name: "stale by a year", token: iat(fmt.Sprint(hookIssued - 365*86400)), want: nexmo.ErrWebhookExpired},
		{name: "staler than retries", token: iat(fmt.Sprint(hookIssued - 86401)), want: nexmo.ErrWebhookExpired, verifier: func(v *nexmo.Verifier) { v.MaxAge = 24 * time.Hour }},
		{name: "stale for a short MaxAge", token: iat(fmt.Sprint(hookIssued - 2)), want: nexmo.ErrWebhookExpired, verifier: func(v *nexmo.Verifier) { v.MaxAge = time.Second }},
		{name: "future by a second", token: iat(fmt.Sprint(hookIssued + 61)), want: nexmo.ErrWebhookNotYetValid},
		{name: "future by ten years", token: iat(fmt.Sprint(hookIssued + 3653*86400)), want: nexmo.ErrWebhookNotYetValid},
		{name: "future as far as can be", token: iat(`253402300799`), want: nexmo.ErrWebhookNotYetValid},
		{name: "future for a short Leeway", token: iat(fmt.Sprint(hookIssued + 1)), want: nexmo.ErrWebhookNotYetValid, verifier: func(v *nexmo.Verifier) { v.Leeway = 1 }},
		{name: "future however long the tokens live", token: iat(fmt.Sprint(hookIssued + 61)), want: nexmo.ErrWebhookNotYetValid, verifier: func(v *nexmo.Verifier) { v.MaxAge = 24 * time.Hour }},
		{name: "the clock stands still", token: iat(fmt.Sprint(hookIssued)), want: nexmo.ErrWebhookNotYetValid, verifier: func(v *nexmo.Verifier) {
			v.Now = func() time.Time { return time.Time{} }
		}},
		{name: "a clock of the far future", token: iat(fmt.Sprint(hookIssued)), want: nexmo.ErrWebhookExpired, verifier: func(v *nexmo.Verifier) {
			v.Now = func() time.Time { return time.Unix(math.MaxInt64>>8, 0) }
		}},

		{name: "exp past", token: also(fmt.Sprintf(`"exp":%d`, hookIssued-1)), want: nexmo.ErrWebhookExpired},
		{name: "exp now", token: also(fmt.Sprintf(`"exp":%d`, hookIssued)), want: nexmo.ErrWebhookExpired},
		{name: "exp now and a fraction", token: also(fmt.Sprintf(`"exp":%d.5`, hookIssued)), want: nexmo.ErrWebhookExpired},
		{name: "exp next to nothing", token: also(`"exp":0.5`), want: nexmo.ErrWebhookExpired},
		{name: "exp zero", token: also(`"exp":0`), want: nexmo.ErrWebhookToken},
		{name: "exp negative", token: also(`"exp":-1`), want: nexmo.ErrWebhookToken},
		{name: "exp null", token: also(`"exp":null`), want: nexmo.ErrWebhookToken},
		{name: "exp is text", token: also(fmt.Sprintf(`"exp":"%d"`, hookIssued+60)), want: nexmo.ErrWebhookToken},
		{name: "exp in milliseconds", token: also(fmt.Sprintf(`"exp":%d000`, hookIssued+60)), want: nexmo.ErrWebhookToken},
		{name: "exp beyond every number", token: also(`"exp":1e999`), want: nexmo.ErrWebhookToken},
		{name: "nbf future", token: also(fmt.Sprintf(`"nbf":%d`, hookIssued+1)), want: nexmo.ErrWebhookNotYetValid},
		{name: "nbf null", token: also(`"nbf":null`), want: nexmo.ErrWebhookToken},
		{name: "nbf is text", token: also(fmt.Sprintf(`"nbf":"%d"`, hookIssued)), want: nexmo.ErrWebhookToken},
		{name: "nbf true", token: also(`"nbf":true`), want: nexmo.ErrWebhookToken},
		{name: "nbf huge", token: also(`"nbf":1e30`), want: nexmo.ErrWebhookToken},

		{name: "no hash", token: hookToken(t, hashClaim+",", ""), want: nexmo.ErrWebhookPayloadHash},
		{name: "no hash and no body", token: hookToken(t, hashClaim+",", ""), body: " ", want: nexmo.ErrWebhookPayloadHash},
		{name: "hash null", token: payload(`"payload_hash":null`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash empty", token: payload(`"payload_hash":""`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash is a number", token: payload(`"payload_hash":0`), want: nexmo.ErrWebhookToken},
		{name: "hash is a list", token: payload(`"payload_hash":["` + hashOf(hookBody) + `"]`), want: nexmo.ErrWebhookToken},
		{name: "hash of another body", token: payload(`"payload_hash":"` + hashOf("another") + `"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash of nothing", token: payload(`"payload_hash":"` + hashOf("") + `"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash cut", token: payload(`"payload_hash":"` + hashOf(hookBody)[:62] + `"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash cut to half a byte", token: payload(`"payload_hash":"` + hashOf(hookBody)[:63] + `"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash and a letter", token: payload(`"payload_hash":"` + hashOf(hookBody) + `0"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash and a byte", token: payload(`"payload_hash":"` + hashOf(hookBody) + `00"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash and a blank", token: payload(`"payload_hash":"` + hashOf(hookBody) + ` "`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash whose end is no hexadecimal", token: payload(`"payload_hash":"` + hashOf(endsInZero)[:62] + `zz"`), body: endsInZero, want: nexmo.ErrWebhookPayloadHash},
		{name: "hash in base64", token: payload(`"payload_hash":"` + base64.StdEncoding.EncodeToString(rawHash) + `"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash by SHA-512", token: payload(`"payload_hash":"` + hex.EncodeToString(sha512of[:]) + `"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash by half of SHA-512", token: payload(`"payload_hash":"` + hex.EncodeToString(sha512of[:32]) + `"`), want: nexmo.ErrWebhookPayloadHash},
		{name: "hash of re-serialised JSON", token: payload(`"payload_hash":"` + hashOf(compact) + `"`), body: spaced, want: nexmo.ErrWebhookPayloadHash},
		{name: "hash of JSON before it was re-serialised", token: payload(`"payload_hash":"` + hashOf(spaced) + `"`), body: compact, want: nexmo.ErrWebhookPayloadHash},
		{name: "body cut", token: hookToken(t), body: hookBody[:len(hookBody)-1], want: nexmo.ErrWebhookPayloadHash},
		{name: "body and a line break", token: hookToken(t), body: hookBody + "\n", want: nexmo.ErrWebhookPayloadHash},
		{name: "body and another", token: hookToken(t), body: hookBody + hookBody, want: nexmo.ErrWebhookPayloadHash},
		{name: "body changed", token: hookToken(t), body: strings.Replace(hookBody, `"id":7`, `"id":8`, 1), want: nexmo.ErrWebhookPayloadHash},
		{name: "body of another webhook", token: hookToken(t), body: `{"type":"text","id":8}`, want: nexmo.ErrWebhookPayloadHash},

		{name: "another account", token: hookToken(t), want: nexmo.ErrWebhookAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = "acc0unt2" }},
		{name: "account in other letters", token: hookToken(t), want: nexmo.ErrWebhookAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = strings.ToUpper(hookAPIKey) }},
		{name: "no account", token: hookToken(t, ","+keyClaim, ""), want: nexmo.ErrWebhookAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = hookAPIKey }},
		{name: "account null", token: hookToken(t, keyClaim, `"api_key":null`), want: nexmo.ErrWebhookAccount, verifier: func(v *nexmo.Verifier) { v.APIKey = hookAPIKey }},
		{name: "account in a list", token: hookToken(t, keyClaim, `"api_key":["`+hookAPIKey+`"]`), want: nexmo.ErrWebhookToken, verifier: func(v *nexmo.Verifier) { v.APIKey = hookAPIKey }},
		{name: "another application", token: hookToken(t), want: nexmo.ErrWebhookAccount, verifier: func(v *nexmo.Verifier) { v.ApplicationID = "another" }},
		{name: "no application", token: hookToken(t, ","+appClaim, ""), want: nexmo.ErrWebhookAccount, verifier: func(v *nexmo.Verifier) { v.ApplicationID = hookApp }},
		{name: "the application as the account", token: hookToken(t, keyClaim, `"api_key":"`+hookApp+`"`, appClaim, `"application_id":"`+hookAPIKey+`"`), want: nexmo.ErrWebhookAccount, verifier: func(v *nexmo.Verifier) {
			v.APIKey, v.ApplicationID = hookAPIKey, hookApp
		}},

		{name: "sub is a number", token: also(`"sub":1`), want: nexmo.ErrWebhookToken},
		{name: "jti is a number", token: hookToken(t, jtiClaim, `"jti":1`), want: nexmo.ErrWebhookToken},
		{name: "aud is a number", token: also(`"aud":1`), want: nexmo.ErrWebhookToken},
		{name: "aud is a list of numbers", token: also(`"aud":[1]`), want: nexmo.ErrWebhookToken},
		{name: "aud is a list of nulls", token: also(`"aud":[null]`), want: nexmo.ErrWebhookToken},
		{name: "unknown claim twice", token: also(`"x":1,"x":2`), want: nexmo.ErrWebhookToken},
		{name: "unknown claim twice, once with an escape", token: also(`"x":1,"\u0078":2`), want: nexmo.ErrWebhookToken},
		{name: "members twice within a claim", token: also(`"x":[{"y":{"z":1,"z":1}}]`), want: nexmo.ErrWebhookToken},
		{name: "unknown claim beyond every number", token: also(`"x":[1,{"y":1e999}]`), want: nexmo.ErrWebhookToken},
	}
	// A claim that is there twice is refused whichever of the two is the good
	// one, and so is one that some readers take for another.
	for _, claim := range []string{issClaim, iatClaim, jtiClaim, hashClaim, keyClaim, appClaim, `"exp":1750000060`, `"nbf":1750000000`, `"sub":"s"`, `"aud":"a"`} {
		name, value, _ := strings.Cut(claim, ":")
		escaped := fmt.Sprintf(`"\u%04x%s`, name[1], name[2:])
		rest := strings.TrimSuffix(hookClaims(t), "}")
		if !strings.Contains(rest, claim) {
			rest += "," + claim
		}
		for _, bad := range []string{value, `null`, `1`, `"bad"`} {
			tests = append(tests,
				attack{name: name + " again as " + bad, token: only(rest + "," + name + ":" + bad + "}"), want: nexmo.ErrWebhookToken},
				attack{name: name + " before as " + bad, token: only("{" + name + ":" + bad + "," + rest[1:] + "}"), want: nexmo.ErrWebhookToken},
				attack{name: name + " again with an escape as " + bad, token: only(rest + "," + escaped + ":" + bad + "}"), want: nexmo.ErrWebhookToken})
		}
		for _, other := range []string{strings.ToUpper(name), name[:1] + strings.ToUpper(name[1:2]) + name[2:], strings.Replace(name, "s", "ſ", 1), strings.Replace(name, "k", "\u212a", 1)} {
			if other != name {
				tests = append(tests, attack{name: name + " also as " + other, token: only(rest + "," + other + ":" + value + "}"), want: nexmo.ErrWebhookToken})
			}
		}
	}
	runAttacks(t, tests)
}

// endsInZero returns a body whose hash ends with a zero byte, as does what is left of
// a hash that is malformed there.
func endsInZero() string {
	for i := 0; ; i++ {
		if body := fmt.Sprintf(`{"n":%d}`, i); strings.HasSuffix(hashOf(body), "00") {
			return body
		}
	}
}
