package main

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/conversation-events/nexmo/nexmotest"
)

const (
	secret    = "TheSignatureSecretOfATest"
	oldSecret = "TheOneBeforeItWasChanged"
)

// output is what the program prints, and tells when its address is known.
type output struct {
	mu      sync.Mutex
	text    bytes.Buffer
	address chan string // of the event_url; filled once
	found   bool
}

func newOutput() *output { return &output{address: make(chan string, 1)} }

var addressInLog = regexp.MustCompile(`msg=listening url=(\S+)`)

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.text.Write(p)
	if m := addressInLog.FindSubmatch(o.text.Bytes()); m != nil && !o.found {
		o.found = true
		o.address <- string(m[1])
	}
	return n, err
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// started runs the program until stop is called, or the test ends. stop returns
// what run did.
func started(t *testing.T, getenv func(string) string, args ...string) (address string, out *output, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out = newOutput()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, append(args, "-addr", "localhost:0"), getenv, out) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	select {
	case address = <-out.address:
		return address, out, stop
	case err := <-ended:
		ended <- err
		t.Fatalf("it ended at once: %v\n%s", err, out)
		return "", nil, nil
	}
}

// post sends r to the program and returns the status of the answer.
func post(t *testing.T, r *http.Request, address string) int {
	t.Helper()
	var err error
	if r.URL, err = url.Parse(address); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Do(r.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	_ = a.Body.Close()
	return a.StatusCode
}

func event(typ, id, body string) []byte {
	return []byte(`{"type":"` + typ + `","id":` + id + `,"conversation_id":"CON-1","from":"MEM-1","body":` + body + `}`)
}

func env(values map[string]string) func(string) string {
	return func(name string) string { return values[name] }
}

func TestRun(t *testing.T) {
	t.Parallel()
	address, out, stop := started(t, env(map[string]string{"NEXMO_SIGNATURE_SECRET": secret + " " + oldSecret + "\n"}), "-path", "/hook")
	unsigned := nexmotest.SignedRequest(secret, event("text", "9", `{"text":"x"}`))
	unsigned.Header.Del("Authorization")
	put := nexmotest.SignedRequest(secret, event("text", "9", `{"text":"x"}`))
	put.Method = http.MethodPut
	for _, step := range []struct {
		name string
		r    *http.Request
		want int
	}{
		{"a member", nexmotest.SignedRequest(secret, event("member:joined", "1", `{"member_id":"MEM-1","user":{"name":"priya"}}`)), http.StatusNoContent},
		{"a key, signed with the old secret", nexmotest.SignedRequest(oldSecret, event("audio:dtmf", "2", `{"digits":"5"}`)), http.StatusNoContent},
		{"the same again", nexmotest.SignedRequest(secret, event("audio:dtmf", "2", `{"digits":"5"}`)), http.StatusNoContent},
		{"signed by somebody else", nexmotest.SignedRequest("a guess", event("text", "3", `{"text":"x"}`)), http.StatusUnauthorized},
		{"not signed: the service signs the next try", unsigned, http.StatusServiceUnavailable},
		{"no event", nexmotest.SignedRequest(secret, []byte("{}")), http.StatusBadRequest},
		{"another method", put, http.StatusMethodNotAllowed},
	} {
		if got := post(t, step.r, address); got != step.want {
			t.Errorf("%s: answered %d, want %d", step.name, got, step.want)
		}
	}
	if got := post(t, nexmotest.SignedRequest(secret, event("text", "3", `{}`)), strings.TrimSuffix(address, "/hook")+"/events"); got != http.StatusNotFound {
		t.Errorf("another path: answered %d", got)
	}
	if err := stop(); err != nil {
		t.Errorf("it stopped with %v", err)
	}
	told := out.String()
	for _, want := range []string{
		`msg=member:joined conversation_id=CON-1 event_id=1 from=MEM-1`, `msg="a key was pressed" conversation_id=CON-1 member=priya digits=5`,
		`the signature is wrong`, `msg="stopping`,
	} {
		if strings.Count(told, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, told)
		}
	}
	for _, private := range []string{secret, oldSecret, "Bearer", "eyJ", `"text"`} {
		if strings.Contains(told, private) {
			t.Errorf("%q is logged:\n%s", private, told)
		}
	}
	// Nobody listens any more.
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := http.DefaultClient.Do(r); err == nil {
		_ = a.Body.Close()
		t.Errorf("after the end it answered %d", a.StatusCode)
	}
}

func TestRunUnsigned(t *testing.T) {
	t.Parallel()
	address, out, stop := started(t, env(nil), "-allow-unsigned")
	for range 2 {
		r := nexmotest.SignedRequest(secret, event("text:typing:on", "0", `{}`))
		r.Header.Del("Authorization")
		if got := post(t, r, address); got != http.StatusNoContent {
			t.Errorf("answered %d", got)
		}
	}
	if err := stop(); err != nil {
		t.Errorf("it stopped with %v", err)
	}
	if n := strings.Count(out.String(), "AllowUnsigned"); n != 1 {
		t.Errorf("warned %d times:\n%s", n, out)
	}
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	set := env(map[string]string{"NEXMO_SIGNATURE_SECRET": secret})
	for name, test := range map[string]struct {
		getenv func(string) string
		args   []string
		want   string
	}{
		"no secret":         {env(nil), nil, "NEXMO_SIGNATURE_SECRET"},
		"a blank secret":    {env(map[string]string{"NEXMO_SIGNATURE_SECRET": " \n"}), nil, "NEXMO_SIGNATURE_SECRET"},
		"an unknown flag":   {set, []string{"-x"}, "-x"},
		"an unusable place": {set, []string{"-addr", "localhost:http:1"}, "address"},
	} {
		if err := run(t.Context(), test.args, test.getenv, newOutput()); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
