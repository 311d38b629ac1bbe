package nexmo_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
)

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
