package nexmo

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	errEncryptedKey = errors.New("it is encrypted: decrypt it first")
	errNotRSA       = errors.New("it is no RSA key: the service takes RS256 only")
)

// parsePrivateKey reads a key in every form in which one is known to be given.
func parsePrivateKey(text []byte) (*rsa.PrivateKey, error) {
	text = repairPEM(text)
	block, _ := pem.Decode(text)
	switch {
	case len(text) == 0:
		return nil, errors.New("it is empty")
	case block == nil && !bytes.Contains(text, []byte("-----BEGIN")):
		if len(text) < 1024 && !bytes.Contains(text, []byte("\n")) {
			return nil, errors.New(`there is no "-----BEGIN PRIVATE KEY-----": if this is the name of a file, use NewCredentialsFromFile`)
		}
		return nil, errors.New(`there is no "-----BEGIN PRIVATE KEY-----": give the whole file, in PEM`)
	case block == nil && bytes.Contains(text, []byte("ENCRYPTED")):
		return nil, errEncryptedKey
	case block == nil:
		return nil, errors.New("the PEM is damaged: give the file as it was downloaded, to its last line")
	}
	switch block.Type {
	case "PUBLIC KEY", "RSA PUBLIC KEY", "CERTIFICATE":
		return nil, errors.New("this is the public half: give the private key that was downloaded when the application was made")
	case "ENCRYPTED PRIVATE KEY":
		return nil, errEncryptedKey
	case "EC PRIVATE KEY":
		return nil, errNotRSA
	}
	if _, encrypted := block.Headers["DEK-Info"]; encrypted {
		return nil, errEncryptedKey
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the PEM holds no key in PKCS#8 or PKCS#1: it may be damaged")
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errNotRSA
	}
	return key, nil
}

// repairPEM undoes what environment variables and forms do to a PEM file.
func repairPEM(text []byte) []byte {
	t := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff"))
	if n := len(t); n >= 2 && t[0] == t[n-1] && strings.ContainsRune("\"'`", rune(t[0])) {
		t = strings.TrimSpace(t[1 : n-1])
	}
	if !strings.Contains(t, "-----BEGIN") {
		whole := strings.TrimRight(strings.Join(strings.Fields(t), ""), "=")
		if decoded, err := base64.RawStdEncoding.DecodeString(whole); err == nil && bytes.Contains(decoded, []byte("-----BEGIN")) {
			t = strings.TrimSpace(strings.TrimPrefix(string(decoded), "\ufeff"))
		}
	}
	t = strings.NewReplacer(`\r\n`, "\n", `\n`, "\n", "\r\n", "\n", "\r", "\n").Replace(t)
	begin, rest, ok := strings.Cut(t, "-----BEGIN ")
	label, rest, ok2 := strings.Cut(rest, "-----")
	body, _, ok3 := strings.Cut(rest, "-----END ")
	if !ok || !ok2 || !ok3 || begin != "" {
		return []byte(t)
	}
	if strings.Contains(body, ":") { // headers, as an encrypted key has: lines matter
		return []byte(t + "\n")
	}
	// Line breaks may have become blanks, or nothing at all.
	var b strings.Builder
	fmt.Fprintf(&b, "-----BEGIN %s-----\n", label)
	for chunk := range slices.Chunk([]byte(strings.Join(strings.Fields(body), "")), 64) {
		b.Write(chunk)
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "-----END %s-----\n", label)
	return []byte(b.String())
}
