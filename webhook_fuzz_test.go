package nexmo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// asJSON is a query as the service is documented to hash it.
func asJSON(query string) (string, bool) {
	var b strings.Builder
	b.WriteByte('{')
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		for i, text := range []string{name, value} {
			text, err := url.QueryUnescape(text)
			if err != nil {
				return "", false
			}
			switch {
			case i == 1:
				b.WriteByte(':')
			case b.Len() > 1:
				b.WriteByte(',')
			}
			b.WriteString(quoted(text))
		}
	}
	b.WriteByte('}')
	return b.String(), true
}

// FuzzQueryEvent sends an event as a query, as a callback with the method GET does:
// what is delivered is the event in which all that is no object is a text.
func FuzzQueryEvent(f *testing.F) {
	for _, text := range []string{
		`{"type":"text","id":7,"conversation_id":"CON-1","from":"MEM-1","body":{"text":"a+b &=%"},"timestamp":"2020-01-01T14:00:00.00Z","application_id":"A"}`,
		`{"type":"custom:a","id":"7","cid":"CON-1","body":{},"_embedded":{"from_user":{"id":"USR-1"}}}`, `{"type":"text","body":"{\"text\":1}","x":[1],"y":null,"z":"é\u0000"}`,
		`{"":""}`, `{}`, `[]`, `{"type":"rtc:hangup","session_destination":"a","isFromMB":true,"body":{"rtc_id":"r"}}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var members map[string]json.RawMessage
		if json.Unmarshal(data, &members) != nil || !utf8.Valid(data) {
			return
		}
		var query, want strings.Builder
		for name, value := range members {
			text := string(value)
			if value[0] == '"' {
				if err := json.Unmarshal(value, &text); err != nil {
					t.Fatal(err)
				}
			}
			if !strings.HasPrefix(text, "{") || !json.Valid([]byte(text)) {
				value = []byte(quoted(text))
			} else {
				value = []byte(text) // it cannot be told from an object
			}
			if query.Len() > 0 {
				query.WriteByte('&')
				want.WriteByte(',')
			}
			query.WriteString(url.QueryEscape(name) + "=" + url.QueryEscape(text))
			want.WriteString(quoted(name) + ":" + string(value))
		}
		event, perr := nexmo.ParseEvent([]byte("{" + want.String() + "}"))
		var got *nexmo.Event
		h := newHook(nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
			got = e
			return nil
		}))
		hashed, ok := asJSON(query.String())
		r := httptest.NewRequest(http.MethodGet, "/?"+query.String(), http.NoBody)
		r.Header.Set("Authorization", "Bearer "+nexmotest.Sign(hookSecret, []byte(hashed)))
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !ok || (perr == nil) != (w.Code == http.StatusNoContent) || (got == nil) != (w.Code != http.StatusNoContent) {
			t.Fatalf("answered %d; ParseEvent says %v", w.Code, perr)
		}
		if diff := cmp.Diff(event, got, cmp.Comparer(func(a, b error) bool { return (a == nil) == (b == nil) })); diff != "" {
			t.Errorf("(-ParseEvent +delivered):\n%s", diff)
		}
	})
}

// quoted is a text in JSON.
func quoted(text string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // a text cannot fail
	return strings.TrimSuffix(b.String(), "\n")
}

// FuzzWebhook checks a handler from end to end: whatever comes, the answer is one
// of the documented ones and bare, and nothing is delivered that was not signed.
func FuzzWebhook(f *testing.F) {
	good := "Bearer " + nexmotest.Sign("another secret", hookText(1))
	add := func(mode byte, method, query, auth string, body string) {
		f.Add(mode, method, query, auth, []byte(body))
	}
	for _, mode := range []byte{0, 1, 2, 3, 4, 8, 12, 16, 32, 64, 128} {
		add(mode, http.MethodPost, ``, good, string(hookText(1)))
		add(mode, http.MethodPost, ``, ``, hookTyping)
		add(mode, http.MethodGet, `type=text&id=7&body=%7B%22text%22:%22x%22%7D`, ``, ``)
	}
	for _, method := range []string{http.MethodHead, http.MethodPut, "get", "", "\r\n"} {
		add(0, method, `a=b`, good, hookBody)
	}
	for _, body := range []string{``, `null`, `{"type":"odd"}`, `{"type":"text","id":1,"body":{"text":1}}`, `{"type":1}`, `["text",{"id":1}]`, "{\"type\":\"a\xff\"}", strings.Repeat("[", 5000)} {
		add(0, http.MethodPost, ``, ``, body)
	}
	for _, query := range []string{``, `&&`, `type=text&id=1&id=2`, `type=%zz`, `type=text&body=%7B`, `type=text&body=[1]`, `=&=`, `type=text&x=%00%ff`, `type`, `type=a;b`} {
		add(0, http.MethodGet, query, ``, ``)
	}
	for _, auth := range []string{`Bearer`, `Bearer a.b.c`, "Bearer a\nb", `Basic YTpi`, `bearer  x`} {
		add(1, http.MethodPost, ``, auth, hookBody)
	}

	statuses := []int{204, 400, 401, 405, 413, 503}
	const limit = 4096
	f.Fuzz(func(t *testing.T, mode byte, method, query, auth string, body []byte) {
		bit := func(n byte) bool { return mode>>n&1 != 0 }
		outcome := []error{nil, errors.New("not now"), nexmo.Permanent(errors.New("odd")), nil}[mode>>2&3]
		panics := mode>>2&3 == 3
		delivered := 0
		var log hookLog
		h := &nexmo.WebhookHandler{
			Verifier: &nexmo.Verifier{Secrets: []string{"an older secret", hookSecret}, MaxBody: limit},
			Sink: nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error {
				delivered++
				if e == nil || e.Body == nil {
					t.Error("an event without a body was delivered")
				}
				if panics {
					panic("in the sink")
				}
				return outcome
			}),
			RetryUnsigned: bit(4), RememberTokens: int(mode >> 5 & 1), Logger: log.logger(),
		}
		payload, ok := string(body), true
		if method == http.MethodGet {
			payload, ok = asJSON(query)
		}
		r := &http.Request{
			Method: method, URL: &url.URL{Path: "/", RawQuery: query}, Header: http.Header{}, ContentLength: int64(len(body)),
			Body: io.NopCloser(bytes.NewReader(body)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "localhost",
		}
		if bit(6) {
			r.ContentLength = -1
		}
		token := ""
		switch mode & 3 {
		case 0, 2: // signed
			token = nexmotest.Sign(hookSecret, []byte(payload))
			r.Header.Set("Authorization", "Bearer "+token)
		case 1:
			if auth != "" {
				r.Header["Authorization"] = []string{auth}
			}
		}
		signed := token != ""
		if bit(7) {
			r.Header["Authorization"] = append(r.Header["Authorization"], auth)
			signed = false
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)

		if !slices.Contains(statuses, w.Code) || w.Body.Len() != 0 {
			t.Errorf("answered %d with a body of %d bytes", w.Code, w.Body.Len())
		}
		if delivered > 1 || delivered == 1 && !signed {
			t.Errorf("delivered %d times, signed: %t", delivered, signed)
		}
		for _, private := range []string{hookSecret, token, auth} {
			if len(private) > 16 && strings.Contains(log.String(), private) {
				t.Errorf("the log holds what it should not: %s", log.String())
			}
		}

		_, perr := nexmo.ParseEvent([]byte(payload))
		want := 0
		switch {
		case method != http.MethodGet && method != http.MethodPost:
			want = http.StatusMethodNotAllowed
		case method == http.MethodGet && len(query) > limit, method == http.MethodPost && len(body) > limit:
			want = http.StatusRequestEntityTooLarge
		case !ok:
			want = http.StatusBadRequest
		case !signed && len(r.Header["Authorization"]) == 0 && bit(4):
			want = http.StatusServiceUnavailable
		case !signed:
			want = http.StatusUnauthorized
		case method == http.MethodGet: // its nested JSON is the handler's affair
			return
		case perr != nil:
			want = http.StatusBadRequest
		case panics || outcome != nil && mode>>2&3 == 1:
			want = http.StatusServiceUnavailable
		default:
			want = http.StatusNoContent
		}
		if w.Code != want {
			t.Errorf("answered %d, want %d", w.Code, want)
		}
		if good := want == http.StatusNoContent; good && delivered != 1 {
			t.Errorf("delivered %d times", delivered)
		}
	})
}
