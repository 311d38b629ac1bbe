package nexmotest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo/nexmotest"
)

// scenario is a server and the names that a test has for what is made up there:
// the first conversation that an answer shows is CON-1, and so on. Times are all
// TIME, and links are at LINK.
type scenario struct {
	t       *testing.T
	server  *nexmotest.Server
	names   map[string]string // by what they stand for
	meant   map[string]string // the other way round
	counted map[string]int
}

// step is a request and what is answered.
type step struct {
	as     string // the name of a user; the application if empty
	method string
	path   string
	body   string
	status int
	want   string // not compared if empty
}

func newScenario(t *testing.T, opts ...nexmotest.Option) *scenario {
	return &scenario{
		t: t, server: nexmotest.NewServer(t, opts...),
		names: map[string]string{}, meant: map[string]string{}, counted: map[string]int{},
	}
}

var (
	madeUp = regexp.MustCompile(`(?:(?:CON|MEM|USR|NAM)-|knocker:)?[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}|"instance":"[0-9a-f]{32}"`)
	aTime  = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`)
	named  = regexp.MustCompile(`(?:CON|MEM|USR|NAM|ID)-\d+\b`)
	cursor = regexp.MustCompile(`cursor=[^"&]+|"cursor":"[^"]+"`)
)

// name replaces what is made up by its name.
func (s *scenario) name(text string) string {
	text = cursor.ReplaceAllString(text, "CURSOR")
	text = strings.ReplaceAll(text, "https://api-us-3.vonage.com", "LINK")
	text = strings.ReplaceAll(text, s.server.ApplicationID(), "APPLICATION")
	text = aTime.ReplaceAllString(text, "TIME")
	return madeUp.ReplaceAllStringFunc(text, func(real string) string {
		if strings.HasPrefix(real, `"instance"`) {
			return `"instance":"TRACE"`
		}
		if s.names[real] == "" {
			kind := "ID"
			if real[3] == '-' {
				kind = real[:3]
			}
			s.counted[kind]++
			s.names[real] = fmt.Sprintf("%s-%d", kind, s.counted[kind])
			s.meant[s.names[real]] = real
		}
		return s.names[real]
	})
}

// real is the opposite of name.
func (s *scenario) real(text string) string {
	return named.ReplaceAllStringFunc(text, func(name string) string {
		if real := s.meant[name]; real != "" {
			return real
		}
		return name
	})
}

// do makes a request and returns the answer, its body named.
func (s *scenario) do(st step) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), st.method, s.server.URL()+s.real(st.path), strings.NewReader(s.real(st.body)))
	if err != nil {
		s.t.Fatal(err)
	}
	token := s.server.Token()
	if st.as != "" {
		token = s.server.UserToken(st.as)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	a, err := s.server.HTTPClient().Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	body, err := io.ReadAll(a.Body)
	_ = a.Body.Close()
	if err != nil {
		s.t.Fatal(err)
	}
	return a, s.name(string(body))
}

// play makes requests and compares what is answered.
func (s *scenario) play(steps ...step) {
	s.t.Helper()
	for _, st := range steps {
		a, body := s.do(st)
		if a.StatusCode != st.status {
			s.t.Fatalf("%s %s: %d, want %d: %s", st.method, st.path, a.StatusCode, st.status, body)
		}
		if st.want == "" {
			continue
		}
		if diff := cmp.Diff(decode(s.t, st.want), decode(s.t, body)); diff != "" {
			s.t.Errorf("%s %s (-want +got):\n%s\ngot: %s", st.method, st.path, diff, body)
		}
	}
}

// decode reads JSON; no JSON at all is nil.
func decode(t *testing.T, text string) any {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		return nil
	}
	var v any
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// decodeBody reads a body of JSON.
func decodeBody(t *testing.T, body io.Reader, v any) {
	t.Helper()
	if err := json.NewDecoder(body).Decode(v); err != nil {
		t.Fatal(err)
	}
}
