package nexmotest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// FuzzRequests makes requests of any kind: each is answered with JSON, or nothing,
// nothing is the server's fault, and what is listed afterwards can be read. In the
// path CON, MEM and USR stand for IDs.
func FuzzRequests(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/v1/conversations?page_size=2&order=desc", ``},
		{"GET", "/v1/conversations/CON/events?start_id=1&end_id=x&event_type=text,member:*", ``},
		{"GET", "/v0.1/conversations/CON/members?cursor=7&page_size=1", ``},
		{"POST", "/v1/conversations", `{"name":"a","properties":{"ttl":1,"custom_data":{}},"numbers":[{"type":"phone","number":"1"}],"callback":{"url":"http://x","method":"GET"}}`},
		{"PUT", "/v1/conversations/CON", `{"state":"INACTIVE"}`},
		{"POST", "/v1/conversations/CON/events", `{"type":"text:seen","from":"MEM","body":{"event_id":"1"}}`},
		{"POST", "/v0.1/conversations/CON/events", `{"type":"text","body":{"text":"x"}}`},
		{"POST", "/v1/conversations/CON/members", `{"user":{"name":"bob"},"state":"joined","channel":{"type":"app"}}`},
		{"PATCH", "/v1/conversations/CON/members/MEM", `{"state":"left","reason":{"code":"a","text":"b"}}`},
		{"PATCH", "/v1/users/USR", `{"name":"b","channels":{"sip":[{"uri":"sip:a@b"}]}}`},
		{"DELETE", "/v1/conversations/CON/events/1", ``}, {"GET", "/v1/users/USR/conversations?state=joined", ``}, {"GET", "/v0.3/users/USR/sessions", ``},
		{"PUT", "/v1/conversations/CON/talk", `{"text":"x","level":"0.5"}`}, {"PUT", "/v1/conversations/CON/record", `{"action":"start"}`}, {"POST", "/v3/media", `x`}, {"GET", "//", `{`},
	} {
		f.Add(seed[0], seed[1], []byte(seed[2]), false)
		f.Add(seed[0], seed[1], []byte(seed[2]), true)
	}
	f.Fuzz(func(t *testing.T, method, path string, body []byte, asUser bool) {
		s := nexmotest.NewServer(t, nexmotest.InMemory())
		conversation := s.CreateConversation("")
		user, member := s.CreateUser("alice"), s.Join(conversation, "alice")
		ids := strings.NewReplacer("CON", conversation, "MEM", member, "USR", user)
		u, err := url.Parse(s.URL() + ids.Replace(path))
		if err != nil {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), method, u.String(), strings.NewReader(ids.Replace(string(body))))
		if err != nil || u.Host != r.Host {
			return
		}
		r.Header.Set("Authorization", "Bearer "+s.Token())
		r.Header.Set("Content-Type", "application/json")
		if asUser {
			r.Header.Set("Authorization", "Bearer "+s.UserToken("alice"))
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code < 200 || w.Code > 499 {
			t.Errorf("%s %s is answered %d: %s", method, path, w.Code, w.Body)
		}
		if w.Header().Get("Content-Type") != "" && strings.Contains(w.Header().Get("Content-Type"), "json") && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s is answered with what is not JSON: %q", method, path, w.Body)
		}
		c := s.Client(nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))
		for e, err := range c.EventsAfter(t.Context(), conversation, 0) {
			if nexmo.CodeOf(err) == nexmo.ErrorCodeConversationNotFound && method == http.MethodDelete {
				return
			}
			if err != nil {
				t.Fatalf("after %s %s: %v", method, path, err)
			}
			if raw, ok := e.Body.(*nexmo.RawBody); ok && raw.Err != nil && method != http.MethodPost {
				t.Errorf("after %s %s an event cannot be read: %v", method, path, raw.Err)
			}
		}
	})
}
