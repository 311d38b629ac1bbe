package nexmo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// getRequest is a webhook in the form of a GET.
func getRequest(query, hashed string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/events", nil)
	r.URL.RawQuery = query
	r.Header.Set("Authorization", "Bearer "+nexmotest.Sign(hookSecret, []byte(hashed)))
	return r
}

func TestWebhookGet(t *testing.T) {
	t.Parallel()
	body := `{"text":"1 & 1 = 2, <b>é</b>","n":[1,2,{"x":null}]}`
	pairs := [][2]string{
		{"type", "text"}, {"id", "7"}, {"conversation_id", "CON-1"}, {"from", "MEM-1"}, {"body", body},
		{"timestamp", "2026-01-02T03:04:05.678Z"}, {"application_id", "3a1f"},
	}
	var query, hashed []string
	for _, p := range pairs {
		query = append(query, url.QueryEscape(p[0])+"="+url.QueryEscape(p[1]))
		var value bytes.Buffer
		enc := json.NewEncoder(&value)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(p[1]); err != nil {
			t.Fatal(err)
		}
		hashed = append(hashed, `"`+p[0]+`":`+strings.TrimSpace(value.String()))
	}
	object := func(members []string) string { return "{" + strings.Join(members, ",") + "}" }
	sorted := slices.Sorted(slices.Values(hashed))
	tests := []struct {
		name, query, hashed string
		want                int
	}{
		{"in order", strings.Join(query, "&"), object(hashed), http.StatusNoContent},
		{"empty parameters in between", "&" + strings.Join(query, "&&") + "&", object(hashed), http.StatusNoContent},
		{"blanks as %20", strings.ReplaceAll(strings.Join(query, "&"), "+", "%20"), object(hashed), http.StatusNoContent},
		{"hash over another order", strings.Join(query, "&"), object(sorted), http.StatusUnauthorized},
		{"parameters in another order", strings.Join(slices.Sorted(slices.Values(query)), "&"), object(hashed), http.StatusUnauthorized},
		{"hash with blanks", strings.Join(query, "&"), "{" + strings.Join(hashed, ", ") + "}", http.StatusUnauthorized},
		{"hash over the query itself", strings.Join(query, "&"), strings.Join(query, "&"), http.StatusUnauthorized},
		{"hash over nothing", strings.Join(query, "&"), "", http.StatusUnauthorized},
		{"a parameter more", strings.Join(query, "&") + "&x=1", object(hashed), http.StatusUnauthorized},
		{"a parameter less", strings.Join(query[:5], "&"), object(hashed), http.StatusUnauthorized},
		{"a parameter changed", strings.Replace(strings.Join(query, "&"), "id=7", "id=8", 1), object(hashed), http.StatusUnauthorized},
		{"a parameter twice: the last counts", "id=6&" + strings.Join(query, "&"), object(append([]string{`"id":"6"`}, hashed...)), http.StatusNoContent},
		{"malformed", "type=text&id=%zz", `{"type":"text","id":"%zz"}`, http.StatusBadRequest},
		{"malformed name", "type=text&%zz=1", `{"type":"text","":"1"}`, http.StatusBadRequest},
		{"no parameters", "", "{}", http.StatusBadRequest},
		{"no type", "id=7", `{"id":"7"}`, http.StatusBadRequest},
		{"a parameter that breaks out", "type=text&id=7&x=" + url.QueryEscape(`","id":"8`), `{"type":"text","id":"7","x":"","id":"8"}`, http.StatusUnauthorized},
		{"a name that breaks out", "type=text&id=7&" + url.QueryEscape(`x":"","id`) + "=8", `{"type":"text","id":"7","x":"","id":"8"}`, http.StatusUnauthorized},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var sink hookRecorder
			wantAnswer(t, newHook(&sink), getRequest(test.query, test.hashed), test.want)
			if test.want != http.StatusNoContent {
				if len(sink.ids()) != 0 {
					t.Error("an event was delivered")
				}
				return
			}
			if len(sink.events) != 1 {
				t.Fatalf("%d events were delivered", len(sink.events))
			}
			e := sink.events[0]
			text, ok := nexmo.As[*nexmo.Text](e)
			if !ok || text.Text != "1 & 1 = 2, <b>é</b>" {
				t.Errorf("the body is %#v", e.Body)
			}
			got := []any{e.ID, e.Type, e.ConversationID, e.From, e.ApplicationID, e.Timestamp}
			want := []any{
				nexmo.EventID(7), nexmo.EventText, "CON-1", "MEM-1", "3a1f", time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the event (-want +got):\n%s", diff)
			}
		})
	}
	// A body that a GET has is not looked at, and one that is not signed is not
	// taken for the query either.
	t.Run("with a body", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		r := signed(hookText(1))
		r.Method = http.MethodGet
		wantAnswer(t, newHook(&sink), r, http.StatusUnauthorized)
		if len(sink.ids()) != 0 {
			t.Error("an event was delivered")
		}
	})
	t.Run("a query on a POST", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		r := signed(hookText(1))
		r.URL.RawQuery = strings.Join(query, "&")
		wantAnswer(t, newHook(&sink), r, http.StatusNoContent)
		if diff := cmp.Diff([]nexmo.EventID{1}, sink.ids()); diff != "" {
			t.Errorf("delivered (-want +got):\n%s", diff)
		}
	})
}

// The payload of a GET is an object of texts; only what is a JSON object is written
// as one.
func TestVerifyReturnsPayloadOfQuery(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, value, want string }{
		{"text", `a "b" <c>`, `"a \"b\" <c>"`},
		{"object", `{"a": [1]}`, `{"a": [1]}`},
		{"empty object", `{}`, `{}`},
		{"begins like an object", `{`, `"{"`},
		{"an object and more", `{}x`, `"{}x"`},
		{"an object behind a blank", ` {}`, `" {}"`},
		{"array", `[1]`, `"[1]"`},
		{"number", `7`, `"7"`},
		{"bool", `true`, `"true"`},
		{"null", `null`, `"null"`},
		{"text in quotes", `"x"`, `"\"x\""`},
		{"nothing", ``, `""`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			query := "k=" + url.QueryEscape(test.value) + "&l=2"
			hashed := `{"k":` + quoted(test.value) + `,"l":"2"}`
			v := &nexmo.Verifier{Secrets: []string{hookSecret}}
			_, payload, err := v.Verify(getRequest(query, hashed))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(`{"k":`+test.want+`,"l":"2"}`, string(payload)); diff != "" {
				t.Errorf("the payload (-want +got):\n%s", diff)
			}
		})
	}
}

// Content is never a reason to refuse a GET: neither what JSON.stringify does not escape, nor
// bytes that are no UTF-8, whichever way the service wrote what it hashed.
func TestWebhookGetOfAnyText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"a\u2028b\u2029", "half \xf0\x9f", "\ufffd", `back\\u2028slash`, `\ud83d`} {
		query := "type=custom:x&id=7&conversation_id=CON-1&from=" + url.QueryEscape(text)
		plain := strings.ToValidUTF8(strings.ReplaceAll(text, "\xf0\x9f", "\ufffd\ufffd"), "")
		plain = `"` + strings.ReplaceAll(plain, `\`, `\\`) + `"`
		for name, written := range map[string]string{"encoding/json": quoted(text), "JSON.stringify": plain} {
			var sink hookRecorder
			wantAnswer(t, newHook(&sink), getRequest(query, `{"type":"custom:x","id":"7","conversation_id":"CON-1","from":`+written+`}`), http.StatusNoContent)
			if diff := cmp.Diff([]nexmo.EventID{7}, sink.ids()); diff != "" {
				t.Errorf("%+q as %s: delivered (-want +got):\n%s", text, name, diff)
			}
		}
	}
}

// A body that was posted is the bytes that it is: another way to write them is not what was
// hashed.
func TestWebhookPostIsHashedAsItIs(t *testing.T) {
	t.Parallel()
	hashed := `{"type":"custom:x","id":7,"conversation_id":"CON-1","from":"` + "a\u2028b" + `"}`
	sent := strings.ReplaceAll(hashed, "\u2028", `\u2028`)
	r := httptest.NewRequest(http.MethodPost, "/events", strings.NewReader(sent))
	r.Header.Set("Authorization", "Bearer "+nexmotest.Sign(hookSecret, []byte(hashed)))
	v := nexmo.Verifier{Secrets: []string{hookSecret}}
	if _, _, err := v.Verify(r); !errors.Is(err, nexmo.ErrWebhookPayloadHash) {
		t.Errorf("Verify returned %v, want ErrWebhookPayloadHash", err)
	}
}
