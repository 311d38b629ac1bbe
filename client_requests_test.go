package nexmo_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conversation-events/nexmo"
)

// testToken is the token of the clients in these tests.
const testToken = "made-up.token.signature"

// exchange is a request that must be made, and the answer to it.
type exchange struct {
	method string
	target string // path and query, escaped; parameters in any order
	body   string // JSON; none if empty
	status int    // 200 if zero
	answer string
	header http.Header // of the answer
}

// exchanges answers requests in turn, and notes what is wrong with them.
type exchanges struct {
	mu     sync.Mutex
	calls  []exchange
	next   int
	wrong  []string
	called []string // the methods that made the requests
}

func (p *exchanges) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body := ""
	if r.Body != nil {
		b, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		_ = r.Body.Close()
		body = string(b)
	}
	if p.next >= len(p.calls) {
		p.wrong = append(p.wrong, fmt.Sprintf("there is one request too many: %s %s %s", r.Method, r.URL, body))
		return nil, errors.New("no more answers")
	}
	call := p.calls[p.next]
	p.next++
	p.called = append(p.called, callingMethod())
	p.check(call, r, body)
	header := http.Header{"Content-Type": {"application/json"}}
	maps.Copy(header, call.header)
	status := call.status
	if status == 0 {
		status = http.StatusOK
	}
	return &http.Response{
		StatusCode: status, Header: header, Request: r, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(call.answer)), Body: io.NopCloser(strings.NewReader(call.answer)),
	}, nil
}

// comparedRequest is a request as far as tests compare it.
type comparedRequest struct {
	Method, Host, Path string
	Query              url.Values
	Body               any
	Authorization      []string
	ContentType        []string
	Accept             []string
}

func (p *exchanges) check(call exchange, r *http.Request, body string) {
	path, query, _ := strings.Cut(call.target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		p.wrong = append(p.wrong, err.Error())
	}
	want := comparedRequest{
		Method: call.method, Host: "api.nexmo.com", Path: path, Query: values, Body: looseJSON(call.body),
		Authorization: []string{"Bearer " + testToken}, Accept: []string{"application/json"},
	}
	if call.body != "" {
		want.ContentType = []string{"application/json"}
	}
	got := comparedRequest{
		Method: r.Method, Host: r.URL.Host, Path: r.URL.EscapedPath(), Query: r.URL.Query(), Body: looseJSON(body),
		Authorization: r.Header["Authorization"], Accept: r.Header["Accept"], ContentType: r.Header["Content-Type"],
	}
	if diff := cmp.Diff(want, got); diff != "" {
		p.wrong = append(p.wrong, fmt.Sprintf("request %d (-want +got):\n%s", p.next, diff))
	}
	if strings.HasSuffix(r.URL.Path, "/") {
		p.wrong = append(p.wrong, "the path ends with a slash")
	}
	if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "nexmo-go") {
		p.wrong = append(p.wrong, fmt.Sprintf("the User-Agent is %q", agent))
	}
}

// done reports what was wrong, and requests that were not made.
func (p *exchanges) done(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, w := range p.wrong {
		t.Error(w)
	}
	if p.next < len(p.calls) {
		t.Errorf("%d of %d requests were made", p.next, len(p.calls))
	}
}

// looseJSON reads JSON with its numbers as they are spelt.
func looseJSON(text string) any {
	if text == "" {
		return nil
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "no JSON: " + text
	}
	return v
}

// expectingClient returns a client that must make these requests, one after another.
func expectingClient(t *testing.T, calls ...exchange) *nexmo.Client {
	t.Helper()
	c, _ := expecting(t, calls...)
	return c
}

// expecting is expectingClient, and what answers the requests.
func expecting(t *testing.T, calls ...exchange) (*nexmo.Client, *exchanges) {
	t.Helper()
	transport := &exchanges{calls: calls}
	t.Cleanup(func() { transport.done(t) })
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return testToken, nil }),
		nexmo.WithHTTPClient(&http.Client{Transport: transport}), nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return c, transport
}

// diffAnswer compares what was decoded. The raw text has tests of its own.
func diffAnswer(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.FilterPath(func(p cmp.Path) bool {
		field, ok := p.Last().(cmp.StructField)
		return ok && field.Name() == "Raw"
	}, cmp.Ignore()))
}

func collectAll[T any](list iter.Seq2[*T, error]) ([]*T, error) {
	var all []*T
	for v, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// timeAt reads a time of a test.
func timeAt(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

// requestCase is a call of a method, the requests that it makes, and what it returns.
type requestCase struct {
	name  string
	calls []exchange
	do    func(ctx context.Context, c *nexmo.Client) (any, error)
	want  any
}

// noAnswer is what a method returns that returns an error only.
func noAnswer(err error) (any, error) { return nil, err }

// requestCases are all cases of requests.
func requestCases() map[string][]requestCase {
	return map[string][]requestCase{
		"conversations": conversationCases(), "members": memberCases(), "events": eventCases(), "users": userCases(),
		"media": mediaCases(), "conversation": conversationRequestCases(), "lists": listShapeCases(), "versions": olderVersionCases(), "do": doCases(),
	}
}

// TestClientRequests makes every request, and reads what is answered.
func TestClientRequests(t *testing.T) {
	t.Parallel()
	count := 0
	for group, cases := range requestCases() {
		names := map[string]bool{}
		for _, tt := range cases {
			count++
			if names[tt.name] {
				t.Errorf("two cases are called %s/%s", group, tt.name)
			}
			names[tt.name] = true
			t.Run(group+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				got, err := tt.do(t.Context(), expectingClient(t, tt.calls...))
				if err != nil {
					t.Fatal(err)
				}
				if diff := diffAnswer(tt.want, got); diff != "" {
					t.Errorf("the result (-want +got):\n%s", diff)
				}
			})
		}
	}
	if count < 90 {
		t.Errorf("there are %d cases", count)
	}
}

func doCases() []requestCase {
	type legs struct {
		Count json.Number `json:"count"`
	}
	return []requestCase{
		{
			"get",
			[]exchange{{method: "GET", target: "/v0.1/legs?page_size=1&conversation_uuid=CON%2F1", answer: ` {"count":12345678901234567890} `}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				var out legs
				err := c.Do(ctx, "get", "/v0.1/legs?page_size=1&conversation_uuid=CON%2F1", nil, &out)
				return out, err
			},
			legs{"12345678901234567890"},
		},
		{
			"post",
			[]exchange{{method: "POST", target: "/v0.3/image", body: `{"a_B":"<b>","n":1.0}`, status: 202}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				var out legs
				err := c.Do(ctx, "POST", "/v0.3/image", json.RawMessage(`{"a_B":"<b>","n":1.0}`), &out)
				return out, err
			},
			legs{},
		},
		{
			"delete, and do not look",
			[]exchange{{method: "DELETE", target: "/v0.1/legs/a%20b", status: 200, answer: "<html>"}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return noAnswer(c.Do(ctx, "DELETE", "/v0.1/legs/a%20b", nil, nil))
			},
			nil,
		},
	}
}

// TestClientIDs escapes IDs as one segment of the path, and refuses those that
// would make it another path.
func TestClientIDs(t *testing.T) {
	t.Parallel()
	type call = func(ctx context.Context, c *nexmo.Client, id string) error
	calls := map[string]struct {
		method, before, after, body string
		do                          call
	}{
		"conversation": {"GET", "/v1/conversations/", "", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.ConversationInfo(ctx, id)
			return err
		}},
		"delete conversation": {"DELETE", "/v1/conversations/", "", "", func(ctx context.Context, c *nexmo.Client, id string) error { return c.DeleteConversation(ctx, id) }},
		"members": {"GET", "/v1/conversations/", "/members", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.MembersPage(ctx, id, nil)
			return err
		}},
		"me": {"GET", "/v1/conversations/", "/members/me", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.Me(ctx, id)
			return err
		}},
		"member": {"GET", "/v1/conversations/CON-1/members/", "", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.MemberInfo(ctx, "CON-1", id)
			return err
		}},
		"update member": {"PATCH", "/v1/conversations/CON-1/members/", "", `{"state":"left"}`, func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.UpdateMember(ctx, "CON-1", id, nexmo.MemberUpdate{State: "left"})
			return err
		}},
		"delete event": {"DELETE", "/v1/conversations/", "/events/5", "", func(ctx context.Context, c *nexmo.Client, id string) error { return c.DeleteEvent(ctx, id, 5) }},
		"events": {"GET", "/v1/conversations/", "/events", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.EventsPage(ctx, id, nil)
			return err
		}},
		"user": {"GET", "/v1/users/", "", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.UserInfo(ctx, id)
			return err
		}},
		"delete user": {"DELETE", "/v1/users/", "", "", func(ctx context.Context, c *nexmo.Client, id string) error { return c.DeleteUser(ctx, id) }},
		"conversations of user": {"GET", "/v1/users/", "/conversations", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.UserConversationsPage(ctx, id, nil)
			return err
		}},
		"sessions": {"GET", "/v1/users/", "/sessions", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.UserSessionsPage(ctx, id, nil)
			return err
		}},
		"stop talk": {"DELETE", "/v1/conversations/", "/talk", "", func(ctx context.Context, c *nexmo.Client, id string) error {
			_, err := c.StopTalk(ctx, id)
			return err
		}},
		"stop recording": {"PUT", "/v1/conversations/", "/record", `{"action":"stop"}`, func(ctx context.Context, c *nexmo.Client, id string) error { return c.StopRecording(ctx, id) }},
	}
	escaped := map[string]string{
		"MEM-63f61863-4a51-4f6b-86e1-46edebio0391": "MEM-63f61863-4a51-4f6b-86e1-46edebio0391",
		"a/b": "a%2Fb", "../c": "..%2Fc", "a?b=c": "a%3Fb=c", "#": "%23", "100%": "100%25", "%2F": "%252F", "ü ": "%C3%BC%20", "a+b@c:d": "a+b@c:d", "{user ID}": "%7Buser%20ID%7D", "...": "...", "\x00": "%00",
	}
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for id, want := range escaped {
				c := expectingClient(t, exchange{method: tt.method, target: tt.before + want + tt.after, body: tt.body, answer: `{}`})
				if err := tt.do(t.Context(), c, id); err != nil {
					t.Errorf("%q: %v", id, err)
				}
			}
			for _, id := range []string{"", ".", ".."} {
				if err := tt.do(t.Context(), expectingClient(t), id); !errors.Is(err, nexmo.ErrInvalid) || !strings.Contains(err.Error(), "ID") {
					t.Errorf("%q: got %v", id, err)
				}
			}
		})
	}
}

// TestClientCustomData sends custom data as it was given, and reads it as it was
// sent: keys, numbers, order and all.
func TestClientCustomData(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{
		"keys":    `{"camelCase":1,"snake_case":2,"Kebab-Case":3,"UPPER":4,"with blank":5,"":6,"ünï":7}`,
		"numbers": `{"big":123456789012345678901234567890,"exact":1.10,"small":1e-400,"minus":-0,"exponent":1E+2,"id":9007199254740993}`,
		"nested":  `{"b":{"z":[1,{"a_b":null},[]],"a":{}},"a":[true,false,"<script>&\u2028","\ud83d\ude00"]}`,
		"order":   `{"z":1,"a":2,"m":3}`,
		"empty":   `{}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []string
			answer := func(wrap string) http.RoundTripper {
				return answerFunc(func(r *http.Request) string {
					body, _ := io.ReadAll(r.Body)
					sent = append(sent, string(body))
					return wrap
				})
			}
			client := func(wrap string) *nexmo.Client {
				c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return testToken, nil }), nexmo.WithHTTPClient(&http.Client{Transport: answer(wrap)}))
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			raw := nexmo.Raw(data)
			conversation, err := client(`{"id":"CON-1","properties":{"custom_data":`+data+`}}`).CreateConversation(t.Context(), nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{CustomData: raw}})
			if err != nil {
				t.Fatal(err)
			}
			user, err := client(`{"id":"USR-1","properties":{"custom_data":`+data+`}}`).CreateUser(t.Context(), nexmo.UserParams{Properties: nexmo.UserInfoProperties{CustomData: raw}})
			if err != nil {
				t.Fatal(err)
			}
			event, err := client(`{"id":1,"type":"custom:a","body":`+data+`}`).CreateEvent(t.Context(), "CON-1", &nexmo.Custom{Name: "a", JSON: raw})
			if err != nil {
				t.Fatal(err)
			}
			custom, _ := nexmo.As[*nexmo.Custom](event)
			if custom == nil {
				t.Fatalf("the body is a %T", event.Body)
			}
			var got []string
			for _, v := range []nexmo.Raw{conversation.Properties.CustomData, user.Properties.CustomData, custom.JSON} {
				got = append(got, string(v))
			}
			if diff := cmp.Diff(slices.Repeat([]string{data}, 3), got); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
			want := []string{`{"properties":{"custom_data":` + data + `}}`, `{"properties":{"custom_data":` + data + `}}`, `{"type":"custom:a","body":` + data + `}`}
			if diff := cmp.Diff(want, sent); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}

// answerFunc answers 200 with what it returns.
type answerFunc func(r *http.Request) string

func (f answerFunc) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(f(r)))}, nil
}

// TestClientRaw keeps the answers whole.
func TestClientRaw(t *testing.T) {
	t.Parallel()
	const conversation = `{"id": "CON-1", "future": {"a": [1.0]}}`
	c := expectingClient(t,
		exchange{method: "GET", target: "/v1/conversations/CON-1", answer: " " + conversation + "\n"},
		exchange{method: "GET", target: "/v1/conversations", answer: `{"_embedded":{"conversations":[{"id":"CON-0"}, ` + conversation + ` ]}}`},
		exchange{method: "GET", target: "/v1/conversations/CON-1/members/MEM-1", answer: `{"id":"MEM-1","x":1}`},
		exchange{method: "GET", target: "/v1/users/USR-1", answer: `{"id":"USR-1","x":1}`},
		exchange{method: "GET", target: "/v1/users/USR-1/conversations", answer: `{"_embedded":{"conversations":[{"id":"CON-1","x":1}]}}`},
		exchange{method: "GET", target: "/v1/users/USR-1/sessions", answer: `{"_embedded":{"sessions":[{"id":"SES-1","x":1}]}}`},
		exchange{method: "GET", target: "/v1/conversations/CON-1/events/1", answer: `{"id":1,"type":"text","x":1}`},
	)
	ctx := t.Context()
	v1, err1 := c.ConversationInfo(ctx, "CON-1")
	v2, err2 := c.ConversationsPage(ctx, nil)
	v3, err3 := c.MemberInfo(ctx, "CON-1", "MEM-1")
	v4, err4 := c.UserInfo(ctx, "USR-1")
	v5, err5 := c.UserConversationsPage(ctx, "USR-1", nil)
	v6, err6 := c.UserSessionsPage(ctx, "USR-1", nil)
	v7, err7 := c.Event(ctx, "CON-1", 1)
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7); err != nil {
		t.Fatal(err)
	}
	want := []string{
		conversation, conversation, `{"id":"MEM-1","x":1}`, `{"id":"USR-1","x":1}`, `{"id":"CON-1","x":1}`, `{"id":"SES-1","x":1}`, `{"conversation_id":"CON-1","id":1,"type":"text","x":1}`,
	}
	got := []string{string(v1.Raw), string(v2.Items[1].Raw), string(v3.Raw), string(v4.Raw), string(v5.Items[0].Raw), string(v6.Items[0].Raw), string(v7.Raw)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
