package nexmo_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

const testAppID = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"

func inPEM(label string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
}

func pkcs8(tb testing.TB, key any) []byte {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	return der
}

// keyFile is testKey as applications hand it out.
func keyFile(tb testing.TB) string {
	tb.Helper()
	return inPEM("PRIVATE KEY", pkcs8(tb, testKey()))
}

func newCredentials(tb testing.TB, opts ...nexmo.CredentialsOption) nexmo.Credentials {
	tb.Helper()
	c, err := nexmo.NewCredentials(testAppID, []byte(keyFile(tb)), opts...)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// tokenOf verifies a token with the public key, as the service would now.
func tokenOf(tb testing.TB, token string) (header map[string]any, claims jwt.MapClaims) {
	tb.Helper()
	claims = jwt.MapClaims{}
	parsed, err := jwt.NewParser(
		jwt.WithValidMethods([]string{"RS256"}), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithJSONNumber(), jwt.WithStrictDecoding(),
	).ParseWithClaims(token, claims, func(*jwt.Token) (any, error) { return &testKey().PublicKey, nil })
	if err != nil {
		tb.Fatalf("the token does not verify: %v", err)
	}
	return parsed.Header, claims
}

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// wantToken checks what a token says.
func wantToken(t *testing.T, token string, ttl time.Duration, want jwt.MapClaims) {
	t.Helper()
	header, got := tokenOf(t, token)
	if diff := cmp.Diff(map[string]any{"alg": "RS256", "typ": "JWT"}, header); diff != "" {
		t.Errorf("the header (-want +got):\n%s", diff)
	}
	jti, _ := got["jti"].(string)
	if !uuid4.MatchString(jti) {
		t.Errorf("jti is %q, which is no random UUID", jti)
	}
	now := time.Now()
	want = maps.Clone(want)
	want["jti"] = got["jti"]
	want["iat"] = json.Number(fmt.Sprint(now.Unix()))
	want["exp"] = json.Number(fmt.Sprint(now.Add(ttl).Unix()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the claims (-want +got):\n%s", diff)
	}
}

func TestCredentialsToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCredentials(t)
		if got := c.ApplicationID(); got != testAppID {
			t.Errorf("ApplicationID = %q", got)
		}
		token, err := c.Token()
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, token, 15*time.Minute, jwt.MapClaims{"application_id": testAppID})

		narrow := newCredentials(t, nexmo.WithTokenTTL(30*time.Second), nexmo.WithTokenACL(nexmo.NewACL(nexmo.ACLConversations)))
		token, err = narrow.Token()
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, token, 30*time.Second, jwt.MapClaims{
			"application_id": testAppID, "acl": map[string]any{"paths": map[string]any{"/*/conversations/**": map[string]any{}}},
		})
	})
}

// A token is used again until a fifth of its life is left, and is never handed
// out when it is about to expire.
func TestCredentialsTokenIsRenewed(t *testing.T) {
	t.Parallel()
	for _, ttl := range []time.Duration{30 * time.Second, time.Minute, 15 * time.Minute, 24 * time.Hour} {
		t.Run(ttl.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(345 * time.Millisecond) // tokens know only seconds
				c := newCredentials(t, nexmo.WithTokenTTL(ttl))
				first, err := c.Token()
				if err != nil {
					t.Fatal(err)
				}
				ids := map[string]bool{}
				renewed := time.Duration(0)
				began := time.Now()
				step := ttl / 60
				for at := time.Duration(0); at < 3*ttl; at += step {
					token, err := c.Token()
					if err != nil {
						t.Fatal(err)
					}
					_, claims := tokenOf(t, token)
					ids[claims["jti"].(string)] = true
					exp, err := claims.GetExpirationTime()
					if err != nil {
						t.Fatal(err)
					}
					if left := time.Until(exp.Time); left < ttl/5-time.Second {
						t.Errorf("after %v the token is good for %v only", at, left)
					}
					if token != first && renewed == 0 {
						renewed = time.Since(began)
					}
					time.Sleep(step)
				}
				if renewed != ttl*4/5 {
					t.Errorf("renewed after %v, want %v", renewed, ttl*4/5)
				}
				if len(ids) != 4 {
					t.Errorf("%d tokens in three lives, want 4", len(ids))
				}
			})
		})
	}
}

func TestCredentialsConcurrently(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	tokens := make([]string, 8)
	var all sync.WaitGroup
	for i := range tokens {
		all.Go(func() {
			for range 20 {
				token, err := c.Token()
				if err != nil {
					t.Error(err)
				}
				tokens[i] = token
			}
			if _, err := c.UserToken("priya", 0, nexmo.ClientACL()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	slices.Sort(tokens)
	if got := slices.Compact(tokens); len(got) != 1 {
		t.Errorf("there were %d different tokens", len(got))
	}
	tokenOf(t, tokens[0])
}

func TestCredentialsTokenIDs(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	seen := map[any]bool{}
	for range 50 {
		token, err := c.UserToken("priya", 0, nexmo.ACL{})
		if err != nil {
			t.Fatal(err)
		}
		_, claims := tokenOf(t, token)
		jti, _ := claims["jti"].(string)
		if seen[jti] || !uuid4.MatchString(jti) {
			t.Errorf("jti %q is not unique, or no random UUID", jti)
		}
		seen[jti] = true
	}
}

func TestCredentialsUserToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCredentials(t, nexmo.WithTokenTTL(time.Hour), nexmo.WithTokenACL(nexmo.NewACL("/x")))
		acl := nexmo.ACL{Paths: map[string]nexmo.ACLRule{
			nexmo.ACLSessions: {}, nexmo.ACLUsers: {Methods: []string{"GET"}, Filters: json.RawMessage(`{"to":["1"]}`)},
		}}
		first, err := c.UserToken("priya", 0, acl)
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, first, 15*time.Minute, jwt.MapClaims{
			"application_id": testAppID, "sub": "priya",
			"acl": map[string]any{"paths": map[string]any{
				"/*/sessions/**": map[string]any{},
				"/*/users/**":    map[string]any{"methods": []any{"GET"}, "filters": map[string]any{"to": []any{"1"}}},
			}},
		})
		second, err := c.UserToken("a name with \"quotes\" and ümlauts", 24*time.Hour, nexmo.ACL{})
		if err != nil {
			t.Fatal(err)
		}
		wantToken(t, second, 24*time.Hour, jwt.MapClaims{
			"application_id": testAppID, "sub": "a name with \"quotes\" and ümlauts", "acl": map[string]any{"paths": map[string]any{}},
		})
		again, err := c.UserToken("priya", 0, acl)
		if err != nil || again == first {
			t.Errorf("a user token was handed out twice: %v", err)
		}
		if token, err := c.Token(); err != nil || token == first || token == second {
			t.Errorf("the token of the application is that of a user: %v", err)
		}
		for name, want := range map[string]string{"": "needs the name", "USR-1265829e-d8c9-4a0b-ba1e-cb7bbd0e594f": "not its ID"} {
			if token, err := c.UserToken(name, 0, acl); err == nil || token != "" || !strings.Contains(err.Error(), want) {
				t.Errorf("UserToken(%q) = %q, %v", name, token, err)
			}
		}
		_, err = c.UserToken("priya", 0, nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/x": {Filters: json.RawMessage(`{"to":`)}}})
		if err == nil || !strings.Contains(err.Error(), "ACL") {
			t.Errorf("an ACL that is no JSON: %v", err)
		}
	})
}

func TestCredentialsTTL(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	for ttl, ok := range map[time.Duration]bool{
		30 * time.Second: true, 24 * time.Hour: true, time.Minute: true, 30*time.Second + time.Millisecond: true,
		30*time.Second - 1: false, 24*time.Hour + 1: false, time.Nanosecond: false, -time.Minute: false, 365 * 24 * time.Hour: false,
	} {
		_, err := nexmo.NewCredentials(testAppID, []byte(keyFile(t)), nexmo.WithTokenTTL(ttl))
		if (err == nil) != ok {
			t.Errorf("NewCredentials with tokens for %v: %v", ttl, err)
		}
		token, err := c.UserToken("priya", ttl, nexmo.ACL{})
		if (err == nil) != ok || (token != "") != ok {
			t.Errorf("UserToken for %v: %v", ttl, err)
		}
		if !ok {
			continue
		}
		_, claims := tokenOf(t, token)
		iat, _ := claims.GetIssuedAt()
		exp, _ := claims.GetExpirationTime()
		if life := exp.Sub(iat.Time); life < 30*time.Second || life > 24*time.Hour {
			t.Errorf("for %v the token says %v", ttl, life)
		}
	}
	if _, err := nexmo.NewCredentials(testAppID, []byte(keyFile(t)), nexmo.WithTokenTTL(0)); err == nil {
		t.Error("tokens that are good for no time are accepted")
	}
}

func TestCredentialsZero(t *testing.T) {
	t.Parallel()
	var c nexmo.Credentials
	if c.ApplicationID() != "" {
		t.Error("the zero Credentials have an application ID")
	}
	if token, err := c.Token(); err == nil || token != "" {
		t.Errorf("Token = %q, %v", token, err)
	}
	if token, err := c.UserToken("priya", 0, nexmo.ACL{}); err == nil || token != "" {
		t.Errorf("UserToken = %q, %v", token, err)
	}
	if got := fmt.Sprintf("%v %+v %#v", c, &c, c); strings.Contains(got, "0x") || strings.Contains(got, "%!") {
		t.Errorf("printed as %s", got)
	}
	for _, id := range []string{"", " ", "\n"} {
		if _, err := nexmo.NewCredentials(id, []byte(keyFile(t))); err == nil || !strings.Contains(err.Error(), "application ID") {
			t.Errorf("the application ID %q: %v", id, err)
		}
	}
}

// tellsNoKey checks that text shows no line of the key, nor a part of one.
func tellsNoKey(t *testing.T, where, text string, secrets ...string) {
	t.Helper()
	for _, secret := range secrets {
		for i := 0; i+16 <= len(secret); i += 8 {
			if part := secret[i : i+16]; !strings.ContainsAny(part, " -\n\\") && strings.Contains(text, part) {
				t.Errorf("%s shows %q: %.100s", where, part, text)
				return
			}
		}
	}
}

func TestPrivateKeyForms(t *testing.T) {
	t.Parallel()
	file := keyFile(t)
	old := inPEM("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(testKey()))
	body := strings.TrimSuffix(strings.TrimPrefix(file, "-----BEGIN PRIVATE KEY-----\n"), "-----END PRIVATE KEY-----\n")
	oneLine := strings.ReplaceAll(strings.TrimSpace(file), "\n", " ")
	inBase64 := base64.StdEncoding.EncodeToString([]byte(file))
	var wrapped strings.Builder
	for chunk := range slices.Chunk([]byte(inBase64), 76) {
		wrapped.Write(chunk)
		wrapped.WriteString("\r\n")
	}
	crlf := strings.ReplaceAll(file, "\n", "\r\n")
	forms := map[string]string{
		"as handed out":                   file,
		"PKCS#1":                          old,
		"CRLF":                            crlf,
		"CR":                              strings.ReplaceAll(file, "\n", "\r"),
		"no last line break":              strings.TrimSpace(file),
		"many last line breaks":           file + "\n\n \n",
		"blank lines in front":            "\n\n" + file,
		"byte-order mark":                 "\ufeff" + file,
		"byte-order mark and CRLF":        "\ufeff" + crlf,
		"literal \\n":                     strings.ReplaceAll(file, "\n", `\n`),
		"literal \\n, PKCS#1":             strings.ReplaceAll(old, "\n", `\n`),
		"literal \\r\\n":                  strings.ReplaceAll(file, "\n", `\r\n`),
		"literal \\n and line breaks":     strings.ReplaceAll(file, "\n", "\\n\n"),
		"blanks for line breaks":          oneLine,
		"blanks for line breaks, PKCS#1":  strings.ReplaceAll(old, "\n", " "),
		"tabs for line breaks":            strings.ReplaceAll(file, "\n", "\t"),
		"nothing for line breaks":         strings.ReplaceAll(file, "\n", ""),
		"indented":                        strings.ReplaceAll(file, "\n", "\n    "),
		"lines too long":                  "-----BEGIN PRIVATE KEY-----\n" + strings.ReplaceAll(body, "\n", "") + "\n-----END PRIVATE KEY-----",
		"double quotes":                   `"` + file + `"`,
		"single quotes":                   `'` + strings.TrimSpace(file) + `'`,
		"quotes and literal \\n":          `"` + strings.ReplaceAll(file, "\n", `\n`) + `"`,
		"quotes and blanks":               `" ` + oneLine + ` "`,
		"quotes behind a byte-order mark": "\ufeff\"" + file + "\"\n",
		"base64":                          inBase64,
		"base64 with lines":               wrapped.String(),
		"base64 with blanks":              strings.ReplaceAll(wrapped.String(), "\r\n", " "),
		"base64 in quotes":                `"` + inBase64 + `"`,
		"base64 of PKCS#1":                base64.StdEncoding.EncodeToString([]byte(old)),
		"base64 of CRLF":                  base64.StdEncoding.EncodeToString([]byte(crlf)),
		"base64 of literal \\n":           base64.StdEncoding.EncodeToString([]byte(strings.ReplaceAll(file, "\n", `\n`))),
		"base64 of one line":              base64.StdEncoding.EncodeToString([]byte(oneLine)),
		"base64 with a byte-order mark":   "\ufeff" + inBase64 + "\n",
		"base64 of a byte-order mark":     base64.StdEncoding.EncodeToString([]byte("\ufeff" + crlf)),
		"base64 without padding":          strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(file+"\n")), "="),
		"first and last line differ":      strings.Replace(file, "END PRIVATE", "END RSA PRIVATE", 1),
		"the public half behind it":       file + publicPEM(t, &testKey().PublicKey),
		"remarks in front":                "Bag Attributes\n    friendlyName: key\n" + file,
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := nexmo.NewCredentials(testAppID, []byte(form))
			if err != nil {
				t.Fatal(err)
			}
			token, err := c.Token()
			if err != nil {
				t.Fatal(err)
			}
			tokenOf(t, token)

			path := filepath.Join(t.TempDir(), "private.key")
			if err := os.WriteFile(path, []byte(form), 0o600); err != nil {
				t.Fatal(err)
			}
			c, err = nexmo.NewCredentialsFromFile(testAppID, path)
			if err != nil {
				t.Fatal(err)
			}
			if token, err = c.UserToken("priya", 0, nexmo.ClientACL()); err != nil {
				t.Fatal(err)
			}
			tokenOf(t, token)
		})
	}
}

// encryptedPEM is a key in the form that openssl rsa -aes128 writes.
func encryptedPEM(tb testing.TB) string {
	tb.Helper()
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(testKey()), []byte("password"), x509.PEMCipherAES128) //nolint:staticcheck // insecure, and still about
	if err != nil {
		tb.Fatal(err)
	}
	return string(pem.EncodeToMemory(block))
}

// Whatever cannot be put right is named, and never shown.
func TestPrivateKeyMistakes(t *testing.T) {
	t.Parallel()
	file := keyFile(t)
	lines := strings.SplitAfter(file, "\n")
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, err := x509.MarshalECPrivateKey(curve)
	if err != nil {
		t.Fatal(err)
	}
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Join(lines[1:len(lines)-2], "")
	tests := map[string]struct {
		key  string
		want string
	}{
		"nothing":                       {"", "empty"},
		"blanks":                        {" \n\t", "empty"},
		"quotes":                        {`""`, "empty"},
		"byte-order mark":               {"\ufeff", "empty"},
		"name of a file":                {"private.key", "NewCredentialsFromFile"},
		"path of a file":                {"/home/somebody/keys/private.key", "NewCredentialsFromFile"},
		"URL of a file":                 {"file:///keys/private.key", "NewCredentialsFromFile"},
		"no first and last line":        {body, "BEGIN PRIVATE KEY"},
		"DER":                           {string(pkcs8(t, testKey())), "BEGIN PRIVATE KEY"},
		"base64 of DER in one line":     {base64.StdEncoding.EncodeToString(pkcs8(t, testKey())), "BEGIN PRIVATE KEY"},
		"public key":                    {publicPEM(t, &testKey().PublicKey), "public"},
		"public key in one line":        {strings.ReplaceAll(publicPEM(t, &testKey().PublicKey), "\n", " "), "public"},
		"public key, PKCS#1":            {inPEM("RSA PUBLIC KEY", x509.MarshalPKCS1PublicKey(&testKey().PublicKey)), "public"},
		"certificate":                   {inPEM("CERTIFICATE", []byte("certificate")), "public"},
		"encrypted, PKCS#8":             {inPEM("ENCRYPTED PRIVATE KEY", pkcs8(t, testKey())), "encrypted"},
		"encrypted, PKCS#1":             {encryptedPEM(t), "encrypted"},
		"encrypted, literal \\n":        {strings.ReplaceAll(encryptedPEM(t), "\n", `\n`), "encrypted"},
		"encrypted, in one line":        {strings.ReplaceAll(encryptedPEM(t), "\n", " "), "encrypted"},
		"encrypted, base64":             {base64.StdEncoding.EncodeToString([]byte(encryptedPEM(t))), "encrypted"},
		"EC, PKCS#8":                    {inPEM("PRIVATE KEY", pkcs8(t, curve)), "RSA"},
		"EC, SEC 1":                     {inPEM("EC PRIVATE KEY", sec1), "RSA"},
		"Ed25519":                       {inPEM("PRIVATE KEY", pkcs8(t, edwards)), "RSA"},
		"OpenSSH":                       {inPEM("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00 and so on")), "PKCS#8"},
		"no last line":                  {strings.Join(lines[:len(lines)-2], ""), "damaged"},
		"no last line, in one line":     {strings.ReplaceAll(strings.Join(lines[:len(lines)-2], ""), "\n", " "), "damaged"},
		"a line is missing":             {strings.Join(slices.Delete(slices.Clone(lines), 5, 6), ""), "damaged"},
		"cut in the middle":             {file[:len(file)/2], "damaged"},
		"first line only":               {lines[0], "damaged"},
		"a letter too many":             {strings.Replace(file, body[:20], body[:20]+"*", 1), "damaged"},
		"one quote":                     {`"` + file, "damaged"},
		"too few dashes":                {strings.ReplaceAll(file, "-----", "----"), "BEGIN PRIVATE KEY"},
		"something else within":         {inPEM("PRIVATE KEY", []byte("not a key, and private words")), "PKCS#8"},
		"nothing within":                {"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "PKCS#8"},
		"JSON of the dashboard":         {`{"private_key":"` + strings.ReplaceAll(file, "\n", `\n`) + `"}`, "damaged"},
		"an API secret":                 {"s3cr3tS3cr3tS3cr3t", "BEGIN PRIVATE KEY"},
		"zero bytes":                    {strings.Repeat("\x00", 2000), "BEGIN PRIVATE KEY"},
		"the file in UTF-16":            {"\xff\xfe" + strings.Join(strings.Split(file, ""), "\x00") + "\x00", "BEGIN PRIVATE KEY"},
		"far too long":                  {strings.Repeat("A", 1<<20), "BEGIN PRIVATE KEY"},
		"far too long, between the two": {inPEM("PRIVATE KEY", bytes.Repeat([]byte("A"), 1<<20)), "PKCS#8"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := nexmo.NewCredentials(testAppID, []byte(test.key))
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), "nexmo: credentials: ") {
				t.Errorf("the error does not speak of %q: %v", test.want, err)
			}
			if len(err.Error()) > 300 {
				t.Errorf("the error is %d bytes long", len(err.Error()))
			}
			tellsNoKey(t, "the error", err.Error(), test.key, body)
			if _, err := c.Token(); err == nil {
				t.Error("there is a token of no key")
			}
		})
	}
}

// A file that cannot be read is named. What is no name of a file, because it is
// the key itself, is not shown.
func TestPrivateKeyFiles(t *testing.T) {
	t.Parallel()
	file := keyFile(t)
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing.key")
	if _, err := nexmo.NewCredentialsFromFile(testAppID, missing); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), missing) {
		t.Errorf("a file that does not exist: %v", err)
	}
	if _, err := nexmo.NewCredentialsFromFile(testAppID, dir); err == nil {
		t.Error("a directory was accepted")
	}
	if _, err := nexmo.NewCredentialsFromFile(testAppID, ""); err == nil {
		t.Error("no name was accepted")
	}
	body := strings.Join(strings.Split(file, "\n")[1:27], "\n")
	for name, key := range map[string]string{
		"the content":               file,
		"the content in one line":   strings.ReplaceAll(file, "\n", " "),
		"literal \\n":               strings.ReplaceAll(file, "\n", `\n`),
		"in base64":                 base64.StdEncoding.EncodeToString([]byte(file)),
		"in base64 with lines":      strings.ReplaceAll(base64.StdEncoding.EncodeToString([]byte(file)), "LS0t", "LS0t\n"),
		"in base64 with quotes":     `"` + base64.StdEncoding.EncodeToString([]byte(file)) + `"`,
		"in base64 without padding": strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(file+"\n")), "="),
		"DER":                       string(pkcs8(t, testKey())),
		"DER in base64":             base64.StdEncoding.EncodeToString(pkcs8(t, testKey())),
		"without the first line":    strings.Join(strings.Split(file, "\n")[1:], "\n"),
		"without first and last":    body,
		"the same in one line":      strings.ReplaceAll(body, "\n", ""),
		"the same with blanks":      strings.ReplaceAll(body, "\n", " "),
		"one line of it":            strings.Split(file, "\n")[3],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := nexmo.NewCredentialsFromFile(testAppID, key)
			if err == nil {
				t.Fatal("it was accepted")
			}
			if !strings.Contains(err.Error(), "name of a file") || !strings.Contains(err.Error(), "NewCredentials") {
				t.Errorf("the error does not say what is wrong: %.100v", err)
			}
			tellsNoKey(t, "the error", err.Error(), key, body)
			if p, ok := errors.AsType[*fs.PathError](err); ok {
				t.Errorf("the error carries the path %.100q", p.Path)
			}
		})
	}
}

func TestCredentialsAreNotPrinted(t *testing.T) {
	t.Parallel()
	c := newCredentials(t)
	token, err := c.Token()
	if err != nil {
		t.Fatal(err)
	}
	type public struct {
		Credentials nexmo.Credentials
		Pointer     *nexmo.Credentials
	}
	type private struct {
		c nexmo.Credentials
		p *nexmo.Credentials
	}
	key := testKey()
	secrets := []string{token}
	for _, n := range []fmt.Stringer{key.D, key.Primes[0], key.Primes[1], key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv} {
		secrets = append(secrets, n.String())
	}
	secrets = append(secrets, fmt.Sprintf("%x", key.D), fmt.Sprintf("%X", key.D), fmt.Sprintf("%b", key.D), fmt.Sprintf("%x", token), fmt.Sprintf("%X", token), fmt.Sprintf("% x", token))
	secrets = append(secrets, strings.Split(token, ".")...)
	shown := printings(allVerbs, c, &c, public{c, &c}, &public{c, &c}, private{c, &c}, &private{c, &c},
		[]nexmo.Credentials{c}, map[string]private{"c": {c, &c}}, fmt.Errorf("with %v", c))
	leaks := 0
	for how, text := range shown {
		if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret[:min(24, len(secret))]) }) {
			if leaks++; leaks <= 3 {
				t.Errorf("%s shows the key or a token: %.100s", how, text)
			}
		}
	}
	if leaks > 3 {
		t.Errorf("the key or a token is shown in %d of %d ways", leaks, len(shown))
	}
	if got, want := fmt.Sprint(c), "nexmo.Credentials("+testAppID+")"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
	data, err := json.Marshal(public{c, &c})
	if want := fmt.Sprintf(`{"Credentials":%[1]q,"Pointer":%[1]q}`, "nexmo.Credentials("+testAppID+")"); err != nil || string(data) != want {
		t.Errorf("as JSON %s, %v; want %s", data, err, want)
	}
}

func TestACLJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		acl  nexmo.ACL
		want string
	}{
		{"zero", nexmo.ACL{}, `{"paths":{}}`},
		{"no paths", nexmo.NewACL(), `{"paths":{}}`},
		{"everything at one path", nexmo.NewACL(nexmo.ACLUsers), `{"paths":{"/*/users/**":{}}}`},
		{"the same path twice", nexmo.NewACL(nexmo.ACLUsers, nexmo.ACLUsers), `{"paths":{"/*/users/**":{}}}`},
		{"methods", nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/v1/users/**": {Methods: []string{"GET", "POST"}}}}, `{"paths":{"/v1/users/**":{"methods":["GET","POST"]}}}`},
		{"filters", nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/x": {Filters: json.RawMessage(`{"from":"1"}`)}}}, `{"paths":{"/x":{"filters":{"from":"1"}}}}`},
		{"the client SDKs", nexmo.ClientACL(), `{"paths":{"/*/applications/**":{},"/*/conversations/**":{},"/*/devices/**":{},"/*/image/**":{},"/*/knocking/**":{},"/*/legs/**":{},"/*/media/**":{},"/*/push/**":{},"/*/rtc/**":{},"/*/sessions/**":{},"/*/users/**":{}}}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(test.acl)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if got, err = json.Marshal(struct{ A *nexmo.ACL }{&test.acl}); err != nil || string(got) != `{"A":`+test.want+`}` {
				t.Errorf("behind a pointer: %s, %v", got, err)
			}
		})
	}
}

func TestACLAllows(t *testing.T) {
	t.Parallel()
	rule := func(pattern string, methods ...string) nexmo.ACL {
		return nexmo.ACL{Paths: map[string]nexmo.ACLRule{pattern: {Methods: methods}}}
	}
	users := nexmo.NewACL(nexmo.ACLUsers)
	tests := []struct {
		acl          nexmo.ACL
		method, path string
		want         bool
	}{
		{nexmo.ACL{}, "GET", "/v1/users", false},
		{nexmo.NewACL(), "GET", "/v1/users", false},
		{users, "GET", "/v1/users", true},
		{users, "GET", "/v1/users/", true},
		{users, "GET", "v1/users", true},
		{users, "POST", "/v0.3/users", true},
		{users, "DELETE", "/v1/users/USR-1/conversations", true},
		{users, "GET", "/v1/users?name=priya", true},
		{users, "GET", "/v1/users/USR-1?x=/../y", true},
		{users, "GET", "/v1/conversations", false},
		{users, "GET", "/v1/users2", false},
		{users, "GET", "/v1/Users", false},
		{users, "GET", "/users", false},
		{users, "GET", "/v1/v1/users", false},
		{users, "GET", "//users", false},
		{users, "GET", "/", false},
		{users, "GET", "", false},
		{users, "GET", "/v1", false},
		{users, "GET", "/v1/users/../conversations", false},
		{users, "GET", "/v1/users/./x", false},
		{users, "GET", "/v1/users/..", false},
		{users, "GET", "/../v1/users", false},
		{users, "GET", "/v1/users/%2e%2e/conversations", false},
		{users, "GET", "/v1/users/%2E./conversations", false},
		{users, "GET", "/v1/users/..%2fconversations", false},
		{users, "GET", "/v1/users/x%2F..%2F..%2Fconversations", false},
		{users, "GET", "/v1/users/%5c..%5cconversations", false},
		{users, "GET", "/v1/users/%zz", false},
		{users, "GET", "/v1/users/a%20name", true},
		{users, "GET", "/v1/%75sers", true},
		{users, "GET", "/v1/users/100%", false},
		{users, "GET", "/v1/users/x?y=%2e%2e/", true},
		{rule("/*/users/*"), "GET", "/v1/users/USR-1", true},
		{rule("/*/users/*"), "GET", "/v1/users", false},
		{rule("/*/users/*"), "GET", "/v1/users/USR-1/x", false},
		{rule("/v1/users/**"), "GET", "/v1/users/USR-1", true},
		{rule("/v1/users/**"), "GET", "/v2/users/USR-1", false},
		{rule("/v1/users"), "GET", "/v1/users", true},
		{rule("/v1/users"), "GET", "/v1/users/USR-1", false},
		{rule("/**"), "GET", "/v1/anything/at/all", true},
		{rule("**"), "GET", "/v1/anything/at/all", true},
		{rule(""), "GET", "/v1/users", false},
		{rule("/"), "GET", "/v1/users", false},
		{rule("/**/users"), "GET", "/v1/users", false},
		{rule("/*/conversations/*/events/**"), "POST", "/v1/conversations/CON-1/events", true},
		{rule("/*/conversations/*/events/**"), "POST", "/v1/conversations/CON-1/members", false},
		{rule("/*/conv*/**"), "GET", "/v1/conversations", false},
		{rule("/*/*/users"), "GET", "/v1//users", false},
		{rule("/*/users/**", "GET"), "GET", "/v1/users", true},
		{rule("/*/users/**", "get"), "GET", "/v1/users", true},
		{rule("/*/users/**", "GET"), "POST", "/v1/users", false},
		{rule("/*/users/**", "GET", "POST"), "POST", "/v1/users", true},
		{rule("/*/users/**", "GET"), "", "/v1/users", false},
		{rule("/*/users/**", "GE"), "GET", "/v1/users", false},
		{nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/*/users/**": {Methods: []string{"GET"}}, "/*/users/*": {Methods: []string{"PUT"}}}}, "PUT", "/v1/users/USR-1", true},
		{nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/*/users/**": {Methods: []string{"GET"}}, "/*/users/*": {Methods: []string{"PUT"}}}}, "PUT", "/v1/users/USR-1/x", false},
		{nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/*/users/**": {Filters: json.RawMessage(`{"x":1}`)}}}, "PUT", "/v1/users", true},
	}
	for _, test := range tests {
		if got := test.acl.Allows(test.method, test.path); got != test.want {
			t.Errorf("%v allows %s %q: %t, want %t", test.acl, test.method, test.path, got, test.want)
		}
	}
	for name, path := range map[string]string{
		nexmo.ACLSessions: "/v1/sessions", nexmo.ACLUsers: "/v1/users/USR-1", nexmo.ACLConversations: "/v0.3/conversations/CON-1/members/MEM-1",
		nexmo.ACLImage: "/v1/image", nexmo.ACLMedia: "/v1/media/x/y", nexmo.ACLKnocking: "/v1/knocking", nexmo.ACLLegs: "/v1/legs/LEG-1",
		nexmo.ACLRTC: "/v1/rtc/x", nexmo.ACLPush: "/v1/push/x", nexmo.ACLDevices: "/v1/devices/x", nexmo.ACLApplications: "/v1/applications/x/push_tokens",
	} {
		if !nexmo.ClientACL().Allows("GET", path) || !nexmo.NewACL(name).Allows("PATCH", path) {
			t.Errorf("%s is not allowed", path)
		}
		if nexmo.NewACL(name).Allows("GET", "/v1/something/else") {
			t.Errorf("%s allows something else", name)
		}
	}
}
