package nexmo_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo"
)

// FuzzPrivateKey gives a key in any form. What golang-jwt reads is read, what is
// read is the key, and what is not read is not shown. In the form, PKCS8 and PKCS1
// stand for the two encodings, with given breaks between the lines.
func FuzzPrivateKey(f *testing.F) {
	for _, breaks := range []string{"\n", "\r\n", `\n`, " ", "", "\n  ", "\r", "\n\n"} {
		for _, form := range []string{
			"-----BEGIN PRIVATE KEY-----\nPKCS8\n-----END PRIVATE KEY-----\n", "-----BEGIN RSA PRIVATE KEY----- PKCS1 -----END RSA PRIVATE KEY-----",
			"\ufeff\"-----BEGIN PRIVATE KEY-----\\nPKCS8\\n-----END PRIVATE KEY-----\"", "Bag Attributes\n-----BEGIN PRIVATE KEY-----\nPKCS8\n-----END PRIVATE KEY-----\n-----BEGIN",
		} {
			f.Add(form, breaks, false)
			f.Add(form, breaks, true)
		}
	}
	for _, form := range []string{
		"", "PKCS8", "PKCS1", "-----BEGIN PRIVATE KEY-----\nPKCS8", "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nPKCS1\n-----END RSA PRIVATE KEY-----",
		"-----BEGIN PUBLIC KEY-----\nPKCS8\n-----END PUBLIC KEY-----", "-----BEGIN PRIVATE KEY-----\nPKCS8PKCS1\n-----END PRIVATE KEY-----", "-----BEGIN PRIVATE KEY-----\nA: b\n\nPKCS8\n-----END PRIVATE KEY-----\n",
	} {
		f.Add(form, "\n", false)
	}
	lines := func(der []byte) []string {
		var all []string
		for chunk := range slices.Chunk([]byte(base64.StdEncoding.EncodeToString(der)), 64) {
			all = append(all, string(chunk))
		}
		return all
	}
	pkcs8, pkcs1 := lines(pkcs8(f, testKey())), lines(x509.MarshalPKCS1PrivateKey(testKey()))
	f.Fuzz(func(t *testing.T, form, breaks string, inBase64 bool) {
		if strings.Count(form, "PKCS") > 4 || len(breaks) > 64 {
			return
		}
		text := strings.NewReplacer("PKCS8", strings.Join(pkcs8, breaks), "PKCS1", strings.Join(pkcs1, breaks)).Replace(form)
		theirs, terr := jwt.ParseRSAPrivateKeyFromPEM([]byte(text))
		block, _ := pem.Decode([]byte(text))
		if inBase64 {
			text = base64.StdEncoding.EncodeToString([]byte(text))
		}
		c, err := nexmo.NewCredentials(testAppID, []byte(text))
		if err != nil {
			for _, line := range slices.Concat(pkcs8, pkcs1) {
				for piece := range slices.Chunk([]byte(line), 16) {
					if len(piece) == 16 && strings.Contains(err.Error(), string(piece)) {
						t.Errorf("the error shows the key: %v", err)
					}
				}
			}
			if terr == nil && theirs.Equal(testKey()) && (block.Type == "PRIVATE KEY" || block.Type == "RSA PRIVATE KEY") && len(block.Headers) == 0 {
				t.Errorf("golang-jwt reads it, we do not: %v", err)
			}
			return
		}
		token, err := c.Token()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jwt.Parse(token, func(*jwt.Token) (any, error) { return &testKey().PublicKey, nil }, jwt.WithValidMethods([]string{"RS256"})); err != nil {
			t.Errorf("the key is another one: %v", err)
		}
	})
}
