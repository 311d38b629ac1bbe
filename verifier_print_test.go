package nexmo_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
)

// The verbs of fmt. Of those, plainVerbs do not make fmt look behind the
// pointers that it finds on its way.
var (
	plainVerbs = []string{"%v", "%+v", "%#v", "%20v", "%T"}
	allVerbs   = append(plainVerbs, "%s", "%q", "%d", "%x", "%X", "% x", "%o", "%b", "%c", "%U", "%e", "%g", "%t", "%-20.3s")
)

// printings returns values in every way in which programs print things.
func printings(verbs []string, values ...any) map[string]string {
	out := map[string]string{}
	for _, v := range values {
		wrapped := map[string]any{
			"alone":           v,
			"in a struct":     struct{ V any }{v},
			"behind pointers": &struct{ V *any }{&v},
			"in a list":       []any{v},
			"in a map":        map[string]any{"v": v},
			"as an error":     fmt.Errorf("failed with %v", v),
		}
		for how, w := range wrapped {
			for _, verb := range verbs {
				out[fmt.Sprintf("%T %s with %s", v, how, verb)] = fmt.Sprintf(verb, w)
			}
			out[fmt.Sprintf("%T %s with Sprint", v, how)] = fmt.Sprint(w) + fmt.Sprintln(w)
			var text, structured bytes.Buffer
			options := &slog.HandlerOptions{Level: slog.LevelDebug}
			slog.New(slog.NewTextHandler(&text, options)).Info("x", "v", w, slog.Group("g", slog.Any("v", w)))
			slog.New(slog.NewJSONHandler(&structured, options)).Info("x", "v", w, slog.Group("g", slog.Any("v", w)))
			out[fmt.Sprintf("%T %s with slog as text", v, how)] = text.String()
			out[fmt.Sprintf("%T %s with slog as JSON", v, how)] = structured.String()
			if how != "as an error" {
				data, err := json.Marshal(w)
				out[fmt.Sprintf("%T %s as JSON", v, how)] = fmt.Sprint(string(data), err)
			}
		}
	}
	return out
}

// concealed is text in the forms in which the verbs print it, and in base64.
func concealed(text string) []string {
	return []string{
		text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))), fmt.Sprintf("% x", text),
		base64.StdEncoding.EncodeToString([]byte(text)), strings.Trim(fmt.Sprintf("%d", []byte(text)), "[]"),
	}
}

func TestVerifierIsNotPrinted(t *testing.T) {
	t.Parallel()
	v := hookVerifier()
	v.Secrets = append(v.Secrets, "an older secret of the account")
	h := &nexmo.WebhookHandler{Verifier: v, Sink: new(hookRecorder)}
	type public struct {
		Verifier nexmo.Verifier
		Pointer  *nexmo.Verifier
	}
	type private struct {
		v *nexmo.Verifier
		h *nexmo.WebhookHandler
	}
	shown := printings(allVerbs, *v, v, h, public{*v, v}, []nexmo.Verifier{*v}, map[string]*nexmo.Verifier{"v": v})
	maps.Copy(shown, printings(plainVerbs, private{v, h}, &private{v, h}, &public{*v, v}))
	var secrets []string
	for _, secret := range v.Secrets {
		secrets = append(secrets, concealed(secret)...)
	}
	leaks := 0
	for how, text := range shown {
		if slices.ContainsFunc(secrets, func(secret string) bool { return strings.Contains(text, secret) }) {
			if leaks++; leaks <= 3 {
				t.Errorf("%s shows the secret: %.300s", how, text)
			}
		}
	}
	if leaks > 3 {
		t.Errorf("the secret is shown in %d of %d ways", leaks, len(shown))
	}
	if got, want := fmt.Sprint(v), "nexmo.Verifier(2 secrets)"; got != want {
		t.Errorf("printed %q, want %q", got, want)
	}
}
