package nexmo_test

import (
	"bytes"
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
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conversation-events/nexmo"
)

// pairToken is the token of the clients in these tests.
const pairToken = "pair.token.signature"

// pairCall is a request that must be made, and the answer to it.
type pairCall struct {
	method string
	target string // path and query, escaped; parameters in any order
	body   string // JSON; none if empty
	status int    // 200 if zero
	answer string
	header http.Header // of the answer
}

// pairTransport answers requests in turn, and notes what is wrong with them.
type pairTransport struct {
	mu    sync.Mutex
	calls []pairCall
	next  int
	wrong []string
}

func (p *pairTransport) RoundTrip(r *http.Request) (*http.Response, error) {
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

// pairRequest is a request as far as tests compare it.
type pairRequest struct {
	Method, Host, Path string
	Query              url.Values
	Body               any
	Authorization      []string
	ContentType        []string
	Accept             []string
}

func (p *pairTransport) check(call pairCall, r *http.Request, body string) {
	path, query, _ := strings.Cut(call.target, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		p.wrong = append(p.wrong, err.Error())
	}
	want := pairRequest{
		Method: call.method, Host: "api.nexmo.com", Path: path, Query: values, Body: pairJSON(call.body),
		Authorization: []string{"Bearer " + pairToken}, Accept: []string{"application/json"},
	}
	if call.body != "" {
		want.ContentType = []string{"application/json"}
	}
	got := pairRequest{
		Method: r.Method, Host: r.URL.Host, Path: r.URL.EscapedPath(), Query: r.URL.Query(), Body: pairJSON(body),
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
func (p *pairTransport) done(t *testing.T) {
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

// pairJSON reads JSON with its numbers as they are spelt.
func pairJSON(text string) any {
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

// pairClient returns a client that must make these requests, one after another.
func pairClient(t *testing.T, calls ...pairCall) *nexmo.Client {
	t.Helper()
	transport := &pairTransport{calls: calls}
	t.Cleanup(func() { transport.done(t) })
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return pairToken, nil }),
		nexmo.WithHTTPClient(&http.Client{Transport: transport}), nexmo.WithRetry(nexmo.RetryPolicy{MaxAttempts: 1}))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// pairDiff compares what was decoded. The raw text has tests of its own.
func pairDiff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.FilterPath(func(p cmp.Path) bool {
		field, ok := p.Last().(cmp.StructField)
		return ok && field.Name() == "Raw"
	}, cmp.Ignore()))
}

func pairAll[T any](list iter.Seq2[*T, error]) ([]*T, error) {
	var all []*T
	for v, err := range list {
		if err != nil {
			return all, err
		}
		all = append(all, v)
	}
	return all, nil
}

// pairTime reads a time of a test.
func pairTime(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

// pairCase is a call of a method, the requests that it makes, and what it returns.
type pairCase struct {
	name  string
	calls []pairCall
	do    func(ctx context.Context, c *nexmo.Client) (any, error)
	want  any
}

// pairNothing is what a method returns that returns an error only.
func pairNothing(err error) (any, error) { return nil, err }

// TestPairRequests makes every request, and reads what is answered.
func TestPairRequests(t *testing.T) {
	t.Parallel()
	count := 0
	for group, cases := range map[string][]pairCase{
		"conversations": pairConversations(), "members": pairMembers(), "events": pairEvents(), "users": pairUsers(),
		"media": pairMedia(), "verbs": pairVerbs(), "lists": pairLists(), "versions": pairVersions(), "do": pairDo(),
	} {
		names := map[string]bool{}
		for _, tt := range cases {
			count++
			if names[tt.name] {
				t.Errorf("two cases are called %s/%s", group, tt.name)
			}
			names[tt.name] = true
			t.Run(group+"/"+tt.name, func(t *testing.T) {
				t.Parallel()
				got, err := tt.do(t.Context(), pairClient(t, tt.calls...))
				if err != nil {
					t.Fatal(err)
				}
				if diff := pairDiff(tt.want, got); diff != "" {
					t.Errorf("the result (-want +got):\n%s", diff)
				}
			})
		}
	}
	if count < 90 {
		t.Errorf("there are %d cases", count)
	}
}

const pairConversationAnswer = `{"id":"CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a","name":"cycle_shop","display_name":"Cycle shop",
	"image_url":"https://example.com/image.png","state":"ACTIVE","sequence_number":17,
	"timestamp":{"created":"2024-01-01T14:00:00.00Z","updated":"2024-01-02T14:00:00Z","destroyed":null},
	"properties":{"ttl":2147483648,"type":"quick_chat","custom_sort_key":"CSK_1","custom_data":{"camelCase":"a","snake_case":12345678901234567890,"Kebab-Case":1.10}},
	"numbers":[{"type":"phone","number":"447700900001"},{"type":"sip","uri":"sip:front@example.com","username":"front","password":"made-up"}],
	"callback":{"url":"https://example.com/events","event_mask":"member:joined,member:left","params":{"applicationId":"afa393df-2c46-475b-b2d6-92da4ea05481","ncco_url":"https://example.com/ncco"},"method":"POST"},
	"media_state":{"earmuff":false},"_links":{"self":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a"}}}`

func pairConversation() *nexmo.ConversationInfo {
	return &nexmo.ConversationInfo{
		ID: "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a", Name: "cycle_shop", DisplayName: "Cycle shop",
		ImageURL: "https://example.com/image.png", State: nexmo.ConversationStateActive, SequenceNumber: 17,
		Timestamp: nexmo.ConversationTimestamp{Created: pairTime("2024-01-01T14:00:00Z"), Updated: pairTime("2024-01-02T14:00:00Z")},
		Properties: &nexmo.ConversationProperties{
			TTL: nexmo.Seconds(2147483648 * time.Second), Type: "quick_chat", CustomSortKey: "CSK_1",
			CustomData: `{"camelCase":"a","snake_case":12345678901234567890,"Kebab-Case":1.10}`,
		},
		Numbers: []nexmo.ConversationNumber{
			{Type: nexmo.ChannelTypePhone, Number: "447700900001"},
			{Type: nexmo.ChannelTypeSIP, URI: "sip:front@example.com", Username: "front", Password: "made-up"},
		},
		Callback: &nexmo.Callback{
			URL: "https://example.com/events", EventMask: "member:joined,member:left", Method: "POST",
			Params: nexmo.CallbackParams{ApplicationID: "afa393df-2c46-475b-b2d6-92da4ea05481", NCCOURL: "https://example.com/ncco"},
		},
	}
}

func pairConversations() []pairCase {
	const path = "/v1/conversations"
	const one = path + "/CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a"
	const id = "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a"
	minimal := &nexmo.ConversationInfo{
		ID: "CON-1", Name: "NAM-6dd4ea1f-3841-47cb-a3d3-e271f5c1e33c", State: nexmo.ConversationStateActive, SequenceNumber: 1,
		Timestamp: nexmo.ConversationTimestamp{Created: pairTime("2023-09-21T10:32:04.526Z")},
	}
	const minimalAnswer = `{"id":"CON-1","name":"NAM-6dd4ea1f-3841-47cb-a3d3-e271f5c1e33c","timestamp":{"created":"2023-09-21T10:32:04.526Z"},"state":"ACTIVE","sequence_number":1,"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1"}}}`
	return []pairCase{
		{
			"create with nothing",
			[]pairCall{{method: "POST", target: path, body: `{}`, status: 201, answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.CreateConversation(ctx, nil) },
			minimal,
		},
		{
			"create with zero params",
			[]pairCall{{method: "POST", target: path, body: `{}`, status: 201, answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, &nexmo.ConversationParams{})
			},
			minimal,
		},
		{
			"create with a name",
			[]pairCall{{method: "POST", target: path, body: `{"name":"cycle_shop","display_name":"Räder & <Teile>"}`, status: 201, answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, &nexmo.ConversationParams{Name: "cycle_shop", DisplayName: "Räder & <Teile>"})
			},
			minimal,
		},
		{
			"create with everything",
			[]pairCall{{method: "POST", target: path, body: `{"name":"cycle_shop","display_name":"Cycle shop","image_url":"https://example.com/image.png",
				"properties":{"ttl":2147483648,"type":"quick_chat","custom_sort_key":"CSK_1","custom_data":{"camelCase":"a","snake_case":12345678901234567890,"Kebab-Case":1.10}},
				"numbers":[{"type":"phone","number":"447700900001"},{"type":"sip","uri":"sip:front@example.com","username":"front","password":"made-up"},
					{"type":"app","user":"priya"},{"type":"websocket","uri":"wss://example.com/socket","content_type":"audio/l16;rate=16000"},{"type":"vbc","extension":"413"}],
				"callback":{"url":"https://example.com/events","event_mask":"member:joined,member:left","params":{"applicationId":"afa393df-2c46-475b-b2d6-92da4ea05481","ncco_url":"https://example.com/ncco"},"method":"POST"}}`,
				status: 201, answer: pairConversationAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				is := pairConversation()
				numbers := append(is.Numbers, nexmo.ConversationNumber{Type: nexmo.ChannelTypeApp, User: "priya"},
					nexmo.ConversationNumber{Type: nexmo.ChannelTypeWebsocket, URI: "wss://example.com/socket", ContentType: "audio/l16;rate=16000"},
					nexmo.ConversationNumber{Type: nexmo.ChannelTypeVBC, Extension: "413"})
				return c.CreateConversation(ctx, &nexmo.ConversationParams{
					Name: is.Name, DisplayName: is.DisplayName, ImageURL: is.ImageURL, Properties: is.Properties, Numbers: numbers, Callback: is.Callback,
				})
			},
			pairConversation(),
		},
		{
			"create with empty properties",
			[]pairCall{{method: "POST", target: path, body: `{"name":"n","properties":{}}`, status: 201, answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, &nexmo.ConversationParams{Name: "n", Properties: &nexmo.ConversationProperties{}})
			},
			minimal,
		},
		{
			"create with an empty answer",
			[]pairCall{{method: "POST", target: path, body: `{"name":"n"}`, status: 201}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateConversation(ctx, &nexmo.ConversationParams{Name: "n"})
			},
			&nexmo.ConversationInfo{},
		},
		{
			"get",
			[]pairCall{{method: "GET", target: one, answer: pairConversationAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, id) },
			pairConversation(),
		},
		{
			"get the least",
			[]pairCall{{method: "GET", target: path + "/CON-1", answer: minimalAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, "CON-1") },
			minimal,
		},
		{
			"get with an ID to be escaped",
			[]pairCall{{method: "GET", target: path + "/CON-a%2Fb%3Fc%23d%25e%20f%C3%BC", answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.ConversationInfo(ctx, "CON-a/b?c#d%e fü")
			},
			&nexmo.ConversationInfo{},
		},
		{
			"get an unknown state and unknown members",
			[]pairCall{{method: "GET", target: path + "/CON-1", answer: `{"id":"CON-1","state":"HIBERNATING","future":[{"a":1}],"properties":{"future":true},"display_name":null,"numbers":null,"callback":null}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, "CON-1") },
			&nexmo.ConversationInfo{ID: "CON-1", State: "HIBERNATING", Properties: &nexmo.ConversationProperties{}},
		},
		{
			"update",
			[]pairCall{{method: "PUT", target: one, body: `{"name":"cycle_shop","properties":{"custom_data":{"aB":"c_d"}}}`, answer: pairConversationAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateConversation(ctx, id, &nexmo.ConversationParams{Name: "cycle_shop", Properties: &nexmo.ConversationProperties{CustomData: `{"aB":"c_d"}`}})
			},
			pairConversation(),
		},
		{
			"freeze",
			[]pairCall{{method: "PUT", target: one, body: `{"state":"INACTIVE"}`, answer: `{"id":"CON-1","state":"INACTIVE"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateConversation(ctx, id, &nexmo.ConversationParams{State: nexmo.ConversationStateInactive})
			},
			&nexmo.ConversationInfo{ID: "CON-1", State: nexmo.ConversationStateInactive},
		},
		{
			"delete",
			[]pairCall{{method: "DELETE", target: one, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.DeleteConversation(ctx, id))
			},
			nil,
		},
		{
			"delete answered as in version 0.1",
			[]pairCall{{method: "DELETE", target: one, status: 200, answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.DeleteConversation(ctx, id))
			},
			nil,
		},
		{
			"list",
			[]pairCall{{method: "GET", target: path, answer: `{"page_size":10,"_embedded":{"conversations":[
				{"id":"CON-1","name":"first","display_name":"First","image_url":"https://example.com/1.png","timestamp":{"created":"2019-09-03T18:40:24.324Z","updated":"2019-09-03T18:40:24.324Z","destroyed":"2019-09-03T18:40:24.324Z"},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1"}}},
				{"id":"CON-2"}]},"_links":{"first":{"href":"https://api.nexmo.com/v1/conversations?order=desc&page_size=10"},"self":{"href":"https://api.nexmo.com/v1/conversations?order=desc&page_size=10&cursor=x"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return pairAll(c.Conversations(ctx, nil)) },
			[]*nexmo.ConversationInfo{
				{ID: "CON-1", Name: "first", DisplayName: "First", ImageURL: "https://example.com/1.png", Timestamp: nexmo.ConversationTimestamp{
					Created: pairTime("2019-09-03T18:40:24.324Z"), Updated: pairTime("2019-09-03T18:40:24.324Z"), Destroyed: pairTime("2019-09-03T18:40:24.324Z"),
				}},
				{ID: "CON-2"},
			},
		},
		{
			"page with all options",
			[]pairCall{{method: "GET", target: path + "?page_size=100&order=desc&cursor=7EjD%2Ba%2F%3D&date_start=2018-01-01T09:00:00.000Z&date_end=2018-01-02T10:00:00.500Z&name=a%26b", answer: `{"_embedded":{"conversations":[]},"_links":{"prev":{"href":"https://api-us-3.vonage.com/v1/conversations?cursor=p%3D%3D"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.ConversationsPage(ctx, &nexmo.ConversationListOptions{
					ListOptions: nexmo.ListOptions{PageSize: 100, Order: nexmo.OrderDescending, Cursor: "7EjD+a/="},
					DateStart:   time.Date(2018, 1, 1, 10, 0, 0, 0, time.FixedZone("", 3600)),
					DateEnd:     time.Date(2018, 1, 2, 10, 0, 0, 5e8, time.UTC), Name: "a&b",
				})
			},
			&nexmo.Page[nexmo.ConversationInfo]{Prev: "p=="},
		},
	}
}

const pairMemberAnswer = `{"id":"MEM-63f61863-4a51-4f6b-86e1-46edebio0391","conversation_id":"CON-1",
	"_embedded":{"user":{"id":"USR-1","name":"priya","display_name":"Priya","_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}}},
	"state":"JOINED","timestamp":{"invited":"2020-01-01T14:00:00.00Z","joined":"2020-01-01T14:00:01Z","left":null},
	"initiator":{"joined":{"is_system":false,"user_id":"USR-2","member_id":"MEM-2"}},
	"channel":{"type":"app","from":{"type":"app,phone"},"to":{"type":"app","user":"priya"},"leg_ids":["a595959595995"],"preanswer":false,"can_hear":["leg-2"]},
	"media":{"audio_settings":{"enabled":false,"earmuffed":false,"muted":true},"audio":true},
	"knocking_id":"ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd","invited_by":"sam","_links":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-1"}}`

func pairMember() *nexmo.MemberInfo {
	return &nexmo.MemberInfo{
		ID: "MEM-63f61863-4a51-4f6b-86e1-46edebio0391", ConversationID: "CON-1",
		User: nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya"}, State: nexmo.MemberStateJoined,
		Timestamp: nexmo.MemberTimestamp{Invited: pairTime("2020-01-01T14:00:00Z"), Joined: pairTime("2020-01-01T14:00:01Z")},
		Initiator: nexmo.Initiator{Joined: nexmo.Cause{IsSystem: nexmo.False, IsSystemREST: nexmo.False, UserID: "USR-2", MemberID: "MEM-2"}},
		Channel: &nexmo.Channel{
			Type: nexmo.ChannelTypeApp, From: &nexmo.Endpoint{Type: "app,phone"}, To: &nexmo.Endpoint{Type: nexmo.ChannelTypeApp, User: "priya"},
			LegIDs: []string{"a595959595995"}, Preanswer: nexmo.False, CanHear: []string{"leg-2"},
		},
		Media:      nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.False, Earmuffed: nexmo.False, Muted: nexmo.True}},
		KnockingID: "ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd", InvitedBy: "sam",
	}
}

func pairMembers() []pairCase {
	const path = "/v1/conversations/CON-1/members"
	return []pairCase{
		{
			"join by ID",
			[]pairCall{{method: "POST", target: path, body: `{"state":"joined","user":{"id":"USR-1"},"channel":{"type":"app"}}`, status: 201, answer: pairMemberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", &nexmo.MemberParams{State: nexmo.MemberStateJoined, UserID: "USR-1"})
			},
			pairMember(),
		},
		{
			"invite by name with everything",
			[]pairCall{{method: "POST", target: path, body: `{"state":"invited","user":{"name":"priya"},
				"channel":{"type":"phone","from":{"type":"phone","number":"447700900001"},"to":{"type":"phone","number":"447700900002"},"preanswer":false,"ring_timeout":30000,"headers":{"X-camelCase":"v_1"}},
				"media":{"audio":false,"audio_settings":{"enabled":false,"earmuffed":true,"muted":false}},
				"knocking_id":"ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd","member_id_inviting":"MEM-2","from":"MEM-2"}`, status: 201, answer: `{"id":"MEM-1","state":"INVITED"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", &nexmo.MemberParams{
					State: nexmo.MemberStateInvited, UserName: "priya",
					Channel: &nexmo.Channel{
						Type: nexmo.ChannelTypePhone, From: &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "447700900001"},
						To: &nexmo.Endpoint{Type: nexmo.ChannelTypePhone, Number: "447700900002"}, Preanswer: nexmo.False,
						RingTimeout: nexmo.Milliseconds(30 * time.Second), Headers: nexmo.Headers{"X-camelCase": "v_1"},
					},
					Media:      nexmo.Media{Audio: nexmo.False, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.False, Earmuffed: nexmo.True, Muted: nexmo.False}},
					KnockingID: "ccc86f37-0e3a-4b8f-a1d9-f7a91b3a3ecd", MemberIDInviting: "MEM-2", From: "MEM-2",
				})
			},
			&nexmo.MemberInfo{ID: "MEM-1", State: nexmo.MemberStateInvited},
		},
		{
			"invite by ID and name",
			[]pairCall{{method: "POST", target: path, body: `{"state":"invited","user":{"id":"USR-1","name":"priya"},"channel":{"type":"viber","from":{"type":"app,phone,sms"},"to":{"type":"viber","id":"1"}}}`, status: 201, answer: `{"id":"MEM-1"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", &nexmo.MemberParams{
					State: nexmo.MemberStateInvited, UserID: "USR-1", UserName: "priya",
					Channel: &nexmo.Channel{Type: nexmo.ChannelTypeViber, From: &nexmo.Endpoint{Type: "app,phone,sms"}, To: &nexmo.Endpoint{Type: nexmo.ChannelTypeViber, ID: "1"}},
				})
			},
			&nexmo.MemberInfo{ID: "MEM-1"},
		},
		{
			"invite over a messenger",
			[]pairCall{{method: "POST", target: path, body: `{"state":"invited","user":{"id":"USR-1"},"channel":{"type":"messenger","to":{"type":"messenger","id":"123456"}}}`, status: 201, answer: `{"id":"MEM-1","state":"invited","channel":{"type":"sms","number":"447700900001"}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateMember(ctx, "CON-1", &nexmo.MemberParams{
					State: "invited", UserID: "USR-1",
					Channel: &nexmo.Channel{Type: nexmo.ChannelTypeMessenger, To: &nexmo.Endpoint{Type: nexmo.ChannelTypeMessenger, ID: "123456"}},
				})
			},
			&nexmo.MemberInfo{ID: "MEM-1", State: nexmo.MemberStateInvited, Channel: &nexmo.Channel{Type: nexmo.ChannelTypeSMS, Number: "447700900001"}},
		},
		{
			"get",
			[]pairCall{{method: "GET", target: path + "/MEM-63f61863-4a51-4f6b-86e1-46edebio0391", answer: pairMemberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.MemberInfo(ctx, "CON-1", "MEM-63f61863-4a51-4f6b-86e1-46edebio0391")
			},
			pairMember(),
		},
		{
			"get with a self link and texts for booleans",
			[]pairCall{{method: "GET", target: path + "/MEM-1", answer: `{"id":"MEM-1","state":"left","initiator":{"invited":{"is_system":"true"},"joined":{"isSystem":false}},"media":{"audio":{"enabled":true,"muted":false}},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-1"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.MemberInfo(ctx, "CON-1", "MEM-1") },
			&nexmo.MemberInfo{
				ID: "MEM-1", State: nexmo.MemberStateLeft,
				Initiator: nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True, IsSystemREST: nexmo.True}, Joined: nexmo.Cause{IsSystem: nexmo.False}},
				Media:     nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Muted: nexmo.False}},
			},
		},
		{
			"get me",
			[]pairCall{{method: "GET", target: path + "/me", answer: pairMemberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.Me(ctx, "CON-1") },
			pairMember(),
		},
		{
			"update to joined",
			[]pairCall{{method: "PATCH", target: path + "/MEM-1", body: `{"state":"joined","from":"USR-1"}`, answer: pairMemberAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateMember(ctx, "CON-1", "MEM-1", &nexmo.MemberUpdate{State: nexmo.MemberStateJoined, From: "USR-1"})
			},
			pairMember(),
		},
		{
			"update to left",
			[]pairCall{{method: "PATCH", target: path + "/MEM-1", body: `{"state":"left","from":"MEM-2","reason":{"code":"done","text":"all said"}}`, answer: `{"id":"MEM-1","state":"LEFT","timestamp":{"left":"2020-01-01T15:00:00.5Z"}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateMember(ctx, "CON-1", "MEM-1", &nexmo.MemberUpdate{State: nexmo.MemberStateLeft, From: "MEM-2", Reason: nexmo.Reason{Code: "done", Text: "all said"}})
			},
			&nexmo.MemberInfo{ID: "MEM-1", State: nexmo.MemberStateLeft, Timestamp: nexmo.MemberTimestamp{Left: pairTime("2020-01-01T15:00:00.5Z")}},
		},
		{
			"update with an empty answer",
			[]pairCall{{method: "PATCH", target: path + "/MEM-1", body: `{"state":"left"}`, status: 200}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateMember(ctx, "CON-1", "MEM-1", &nexmo.MemberUpdate{State: "left"})
			},
			&nexmo.MemberInfo{},
		},
		{
			"list with and without self links",
			[]pairCall{{method: "GET", target: path + "?page_size=3&order=asc", answer: `{"page_size":3,"_embedded":{"members":[
				{"id":"MEM-1","state":"JOINED","_embedded":{"user":{"id":"USR-1","name":"priya","display_name":"Priya","_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}}},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-1"}}},
				{"id":"MEM-2","state":"LEFT","_embedded":{"user":{"id":"USR-2","name":"sam"}},"_links":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members/MEM-2"}},
				{"id":"MEM-3","state":"WAITING"}]},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/members"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairAll(c.Members(ctx, "CON-1", &nexmo.ListOptions{PageSize: 3, Order: nexmo.OrderAscending}))
			},
			[]*nexmo.MemberInfo{
				{ID: "MEM-1", ConversationID: "CON-1", State: nexmo.MemberStateJoined, User: nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya"}},
				{ID: "MEM-2", ConversationID: "CON-1", State: nexmo.MemberStateLeft, User: nexmo.User{ID: "USR-2", Name: "sam"}},
				{ID: "MEM-3", ConversationID: "CON-1", State: "WAITING"},
			},
		},
		{
			"page",
			[]pairCall{{method: "GET", target: path + "?cursor=c1", answer: `{"_embedded":{"members":[]},"_links":{"next":{"href":"/v1/conversations/CON-1/members?cursor=c2"},"prev":{"href":"?cursor=c0"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.MembersPage(ctx, "CON-1", &nexmo.ListOptions{Cursor: "c1"})
			},
			&nexmo.Page[nexmo.MemberInfo]{Next: "c2", Prev: "c0"},
		},
	}
}

const pairEventAnswer = `{"id":7,"type":"message","from":"MEM-1","body":{"message_type":"text","text":"hello"},"timestamp":"2020-01-01T14:00:00.00Z",
	"_embedded":{"from_user":{"id":"USR-1","name":"priya","display_name":"Priya","image_url":"https://example.com/1.png","custom_data":{"fieldName":"v","other_field":1.50}},"from_member":{"id":"MEM-1"}},
	"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1/events/7"}}}`

func pairEvent() *nexmo.Event {
	return &nexmo.Event{
		ID: 7, Type: nexmo.EventMessage, ConversationID: "CON-1", From: "MEM-1", Timestamp: pairTime("2020-01-01T14:00:00Z"),
		FromUser:   &nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya", ImageURL: "https://example.com/1.png", CustomData: `{"fieldName":"v","other_field":1.50}`},
		FromMember: "MEM-1", Body: &nexmo.Message{MessageContent: nexmo.TextMessage("hello")},
	}
}

// pairSend is a body that CreateEvent sends.
func pairSend(name, path, wire string, body nexmo.Body, opts ...nexmo.EventOption) pairCase {
	return pairCase{
		name,
		[]pairCall{{method: "POST", target: path, body: wire, status: 201, answer: `{"id":8,"timestamp":"2020-01-01T14:00:00.00Z","href":"https://api.nexmo.com/v0.1/conversations/CON-1/events/8"}`}},
		func(ctx context.Context, c *nexmo.Client) (any, error) {
			e, err := c.CreateEvent(ctx, "CON-1", body, opts...)
			if err != nil {
				return nil, err
			}
			return e.ID, nil
		},
		nexmo.EventID(8),
	}
}

func pairEvents() []pairCase {
	const path = "/v1/conversations/CON-1/events"
	const old = "/v0.1/conversations/CON-1/events"
	message := func(c nexmo.MessageContent) *nexmo.Message { return &nexmo.Message{MessageContent: c} }
	leg := nexmo.LegTarget{RTCID: "leg-1"}
	return []pairCase{
		{
			"create",
			[]pairCall{{method: "POST", target: path, body: `{"type":"message","from":"MEM-1","body":{"message_type":"text","text":"hello"}}`, status: 201, answer: pairEventAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateEvent(ctx, "CON-1", message(nexmo.TextMessage("hello")), nexmo.From("MEM-1"))
			},
			pairEvent(),
		},
		{
			"create answered with little",
			[]pairCall{{method: "POST", target: path, body: `{"type":"custom:order-paid","body":{"orderID":12345678901234567890}}`, status: 200, answer: `{"id":"9","timestamp":"2020-01-01T14:00:00Z"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateEvent(ctx, "CON-1", &nexmo.Custom{Name: "order-paid", JSON: `{"orderID":12345678901234567890}`})
			},
			&nexmo.Event{
				ID: 9, Type: "custom:order-paid", ConversationID: "CON-1", Timestamp: pairTime("2020-01-01T14:00:00Z"),
				Body: &nexmo.Custom{Name: "order-paid", JSON: `{"orderID":12345678901234567890}`},
			},
		},
		{
			"create answered with nothing",
			[]pairCall{{method: "POST", target: path, body: `{"type":"ephemeral","from":"MEM-1","body":{}}`, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.CreateEvent(ctx, "CON-1", &nexmo.Ephemeral{}, nexmo.From("MEM-1"))
			},
			&nexmo.Event{Type: nexmo.EventEphemeral, ConversationID: "CON-1", From: "MEM-1", Body: &nexmo.Ephemeral{}},
		},
		pairSend("image", path, `{"type":"message","body":{"message_type":"image","image":{"url":"https://example.com/1.png"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeImage, Image: &nexmo.MessageFileURL{URL: "https://example.com/1.png"}})),
		pairSend("audio", path, `{"type":"message","body":{"message_type":"audio","audio":{"url":"https://example.com/1.mp3"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeAudio, Audio: &nexmo.MessageFileURL{URL: "https://example.com/1.mp3"}})),
		pairSend("video", path, `{"type":"message","body":{"message_type":"video","video":{"url":"https://example.com/1.mp4"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeVideo, Video: &nexmo.MessageFileURL{URL: "https://example.com/1.mp4"}})),
		pairSend("file", path, `{"type":"message","body":{"message_type":"file","file":{"url":"https://example.com/1.pdf"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeFile, File: &nexmo.MessageFileURL{URL: "https://example.com/1.pdf"}})),
		pairSend("vcard", path, `{"type":"message","body":{"message_type":"vcard","vcard":{"url":"https://example.com/1.vcf"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeVCard, VCard: &nexmo.MessageFileURL{URL: "https://example.com/1.vcf"}})),
		pairSend("location", path, `{"type":"message","body":{"message_type":"location","location":{"longitude":"-0.1","latitude":"0","name":"Shop","address":"1 High Street"}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeLocation, Location: &nexmo.Location{Longitude: -0.1, Name: "Shop", Address: "1 High Street"}})),
		pairSend("template", path, `{"type":"message","body":{"message_type":"template","template":{"name":"offer","parameters":["a","b"],"whatsapp":{"policy":"deterministic","locale":"en-GB"}}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeTemplate, Template: &nexmo.Template{Name: "offer", Parameters: []string{"a", "b"}, WhatsApp: &nexmo.WhatsApp{Policy: "deterministic", Locale: "en-GB"}}})),
		pairSend("custom message", path, `{"type":"message","body":{"message_type":"custom","custom":{"aB":1.0}}}`,
			message(nexmo.MessageContent{MessageType: nexmo.MessageTypeCustom, Custom: `{"aB":1.0}`})),
		pairSend("say", path, `{"type":"audio:say","from":"MEM-1","body":{"text":"hello","level":0.5,"loop":0,"queue":false,"language":"en-GB","style":2,"premium":true,"ssml":false}}`,
			&nexmo.AudioSay{Text: "hello", Level: new(0.5), Loop: new(0), Queue: nexmo.False, Language: "en-GB", Style: 2, Premium: nexmo.True, SSML: nexmo.False}, nexmo.From("MEM-1")),
		pairSend("play", path, `{"type":"audio:play","body":{"stream_url":["https://example.com/1.mp3"],"level":-0.5,"loop":2}}`,
			&nexmo.AudioPlay{StreamURL: nexmo.StringList{"https://example.com/1.mp3"}, Level: new(-0.5), Loop: new(2)}),
		pairSend("record", path, `{"type":"audio:record","body":{"format":"mp3","validity":31,"channels":2,"streamed":true,"split":false,"multitrack":true,"detect_speech":true,"beep_start":true,"beep_stop":false,"transcription":{"language":"en-US","sentiment_analysis":true}}}`,
			&nexmo.AudioRecord{
				Format: nexmo.RecordFormatMP3, Validity: 31, Channels: 2, Streamed: nexmo.True, Split: nexmo.False, Multitrack: nexmo.True, DetectSpeech: nexmo.True,
				BeepStart: nexmo.True, BeepStop: nexmo.False, Transcription: nexmo.Transcription{Language: "en-US", SentimentAnalysis: nexmo.True},
			}),
		pairSend("mute", path, `{"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, &nexmo.AudioMuteOn{LegTarget: leg}, nexmo.From("MEM-1")),
		pairSend("earmuff off", path, `{"type":"audio:earmuff:off","body":{"rtc_id":"leg-1"}}`, &nexmo.AudioEarmuffOff{LegTarget: leg}),
		pairSend("text", old, `{"type":"text","from":"MEM-1","to":"MEM-2","body":{"text":"hello"}}`, &nexmo.Text{Text: "hello"}, nexmo.From("MEM-1"), nexmo.To("MEM-2")),
		pairSend("a type of tomorrow", path, `{"type":"tomorrow:type","body":{"a":[1,{"b":null}]}}`, &nexmo.RawBody{Type: "tomorrow:type", JSON: `{"a":[1,{"b":null}]}`}),
		{
			"get",
			[]pairCall{{method: "GET", target: path + "/7", answer: pairEventAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.Event(ctx, "CON-1", 7) },
			pairEvent(),
		},
		{
			"get the event 0, whose ID is a text",
			[]pairCall{{method: "GET", target: path + "/0", answer: `{"id":"0","type":"message:seen","from":"MEM-1","body":{"event_id":"3"},"timestamp":"2020-01-01T14:00:00Z"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.Event(ctx, "CON-1", 0) },
			&nexmo.Event{
				Type: nexmo.EventMessageSeen, ConversationID: "CON-1", From: "MEM-1", Timestamp: pairTime("2020-01-01T14:00:00Z"),
				Body: &nexmo.MessageSeen{Receipt: nexmo.Receipt{EventID: 3}},
			},
		},
		{
			"delete",
			[]pairCall{{method: "DELETE", target: path + "/7", status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.DeleteEvent(ctx, "CON-1", 7))
			},
			nil,
		},
		{
			"page with all options",
			[]pairCall{{method: "GET", target: path + "?page_size=1&order=desc&cursor=a%2Bb%3D%3D&start_id=3&end_id=9&event_type=message,text,member:joined,audio:dtmf,ephemeral&exclude_deleted_events=true", answer: `{"_embedded":[]}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.EventsPage(ctx, "CON-1", &nexmo.EventListOptions{
					ListOptions: nexmo.ListOptions{PageSize: 1, Order: nexmo.OrderDescending, Cursor: "a+b=="}, StartID: 3, EndID: 9, ExcludeDeleted: true,
					Types: []nexmo.EventType{nexmo.EventMessage, nexmo.EventText, nexmo.EventMemberJoined, nexmo.EventAudioDTMF, nexmo.EventEphemeral},
				})
			},
			&nexmo.Page[nexmo.Event]{},
		},
		{
			"events after one",
			[]pairCall{{method: "GET", target: path + "?page_size=100&order=asc&start_id=7", answer: `{"_embedded":{"events":[` + pairEventAnswer + `]}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairAll(c.EventsAfter(ctx, "CON-1", 6))
			},
			[]*nexmo.Event{pairEvent()},
		},
	}
}

const pairUserAnswer = `{"id":"USR-1","name":"priya","display_name":"Priya","image_url":"https://example.com/1.png",
	"properties":{"custom_data":{"custom_key":"custom_value","otherKey":12345678901234567890},"ttl":3600},
	"channels":{"pstn":[{"number":123457}],"sip":[{"uri":"sip:4442138907@sip.example.com;transport=tls","username":"New SIP","password":"made-up"}],"vbc":[{"extension":"403"}],
		"websocket":[{"uri":"wss://example.com/socket","content-type":"audio/l16;rate=16000","headers":{"customer_ID":"ABC123"}}],
		"sms":[{"number":"447700900001"}],"mms":[{"number":"447700900002"}],"whatsapp":[{"number":"447700900003"}],"viber":[{"number":"447700900004"}],"messenger":[{"id":"0104398746"}]},
	"timestamp":{"created":"2024-01-01T14:00:00Z"},"_links":{"self":{"href":"https://api-us-3.vonage.com/v1/users/USR-1"}}}`

func pairUser() *nexmo.UserInfo {
	return &nexmo.UserInfo{
		ID: "USR-1", Name: "priya", DisplayName: "Priya", ImageURL: "https://example.com/1.png",
		Properties: nexmo.UserInfoProperties{CustomData: `{"custom_key":"custom_value","otherKey":12345678901234567890}`, TTL: nexmo.Seconds(time.Hour)},
		Channels: nexmo.UserChannels{
			PSTN:      []nexmo.UserChannel{{Number: "123457"}},
			SIP:       []nexmo.UserChannel{{URI: "sip:4442138907@sip.example.com;transport=tls", Username: "New SIP", Password: "made-up"}},
			VBC:       []nexmo.UserChannel{{Extension: "403"}},
			Websocket: []nexmo.UserChannel{{URI: "wss://example.com/socket", ContentType: "audio/l16;rate=16000", Headers: nexmo.Headers{"customer_ID": "ABC123"}}},
			SMS:       []nexmo.UserChannel{{Number: "447700900001"}}, MMS: []nexmo.UserChannel{{Number: "447700900002"}},
			WhatsApp: []nexmo.UserChannel{{Number: "447700900003"}}, Viber: []nexmo.UserChannel{{Number: "447700900004"}}, Messenger: []nexmo.UserChannel{{ID: "0104398746"}},
		},
		Timestamp: nexmo.ConversationTimestamp{Created: pairTime("2024-01-01T14:00:00Z")},
	}
}

func pairUsers() []pairCase {
	const path = "/v1/users"
	return []pairCase{
		{
			"create with nothing",
			[]pairCall{{method: "POST", target: path, body: `{}`, status: 201, answer: `{"id":"USR-1","name":"NAM-1","properties":{},"_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.CreateUser(ctx, nil) },
			&nexmo.UserInfo{ID: "USR-1", Name: "NAM-1"},
		},
		{
			"create with everything",
			[]pairCall{{method: "POST", target: path, body: `{"name":"priya","display_name":"Priya","image_url":"https://example.com/1.png",
				"properties":{"custom_data":{"custom_key":"custom_value","otherKey":12345678901234567890},"ttl":3600},
				"channels":{"pstn":[{"number":123457}],"sip":[{"uri":"sip:4442138907@sip.example.com;transport=tls","username":"New SIP","password":"made-up"}],"vbc":[{"extension":"403"}],
				"websocket":[{"uri":"wss://example.com/socket","content-type":"audio/l16;rate=16000","headers":{"customer_ID":"ABC123"}}],
				"sms":[{"number":"447700900001"}],"mms":[{"number":"447700900002"}],"whatsapp":[{"number":"447700900003"}],"viber":[{"number":"447700900004"}],"messenger":[{"id":"0104398746"}]}}`, status: 201, answer: pairUserAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				is := pairUser()
				return c.CreateUser(ctx, &nexmo.UserParams{Name: is.Name, DisplayName: is.DisplayName, ImageURL: is.ImageURL, Properties: is.Properties, Channels: is.Channels})
			},
			pairUser(),
		},
		{
			"get by ID",
			[]pairCall{{method: "GET", target: path + "/USR-1", answer: pairUserAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.UserInfo(ctx, "USR-1") },
			pairUser(),
		},
		{
			"get by name",
			[]pairCall{{method: "GET", target: path + "/priya+sam@example.com%2F%3F", answer: `{"id":"USR-1","channels":{}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UserInfo(ctx, "priya+sam@example.com/?")
			},
			&nexmo.UserInfo{ID: "USR-1"},
		},
		{
			"update",
			[]pairCall{{method: "PATCH", target: path + "/USR-1", body: `{"display_name":"Priya","channels":{"sms":[{"number":"447700900001"}]}}`, answer: pairUserAnswer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateUser(ctx, "USR-1", &nexmo.UserParams{DisplayName: "Priya", Channels: nexmo.UserChannels{SMS: []nexmo.UserChannel{{Number: "447700900001"}}}})
			},
			pairUser(),
		},
		{
			"numbers of all kinds",
			[]pairCall{{method: "PATCH", target: path + "/USR-1", body: `{"channels":{"pstn":[{"number":15550100},{"number":"+15550100"},{"number":"0123"},{}],"sms":[{"number":"15550100"}],"vbc":[]}}`, answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UpdateUser(ctx, "USR-1", &nexmo.UserParams{Channels: nexmo.UserChannels{
					PSTN: []nexmo.UserChannel{{Number: "15550100"}, {Number: "+15550100"}, {Number: "0123"}, {}}, SMS: []nexmo.UserChannel{{Number: "15550100"}}, VBC: []nexmo.UserChannel{},
				}})
			},
			&nexmo.UserInfo{},
		},
		{
			"delete",
			[]pairCall{{method: "DELETE", target: path + "/USR-1", status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.DeleteUser(ctx, "USR-1"))
			},
			nil,
		},
		{
			"list by name",
			[]pairCall{{method: "GET", target: path + "?name=Priya+%26+Sam&page_size=2", answer: `{"page_size":2,"_embedded":{"users":[{"id":"USR-1","name":"priya","display_name":"Priya","_links":{"self":{"href":"https://api.nexmo.com/v1/users/USR-1"}}},{"id":"USR-2","name":"sam"}]},"_links":{"first":{"href":"https://api.nexmo.com/v1/users?page_size=2"},"self":{"href":"https://api.nexmo.com/v1/users?page_size=2"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairAll(c.Users(ctx, &nexmo.UserListOptions{ListOptions: nexmo.ListOptions{PageSize: 2}, Name: "Priya & Sam"}))
			},
			[]*nexmo.UserInfo{{ID: "USR-1", Name: "priya", DisplayName: "Priya"}, {ID: "USR-2", Name: "sam"}},
		},
		{
			"page",
			[]pairCall{{method: "GET", target: path, answer: `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"https://api-eu-3.vonage.com/v1/users?page_size=1&cursor=n"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.UsersPage(ctx, nil) },
			&nexmo.Page[nexmo.UserInfo]{Items: []*nexmo.UserInfo{{ID: "USR-1"}}, Next: "n"},
		},
		{
			"conversations",
			[]pairCall{{method: "GET", target: path + "/USR-1/conversations?page_size=10&order=desc&date_start=2024-01-17T13:45:56.000Z&state=INVITED&order_by=created&include_custom_data=true", answer: `{"page_size":10,"_embedded":{"conversations":[
				{"id":"CON-1","name":"first","state":"ACTIVE","sequence_number":3,"timestamp":{"created":"2024-01-01T14:00:00Z"},"properties":{"custom_data":{"aB":1}},"_embedded":{"id":"MEM-1","state":"INVITED"},"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1"}}}]},"_links":{}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairAll(c.UserConversations(ctx, "USR-1", &nexmo.UserConversationListOptions{
					ListOptions: nexmo.ListOptions{PageSize: 10, Order: nexmo.OrderDescending}, DateStart: pairTime("2024-01-17T13:45:56Z"),
					State: nexmo.MemberStateInvited, OrderBy: "created", IncludeCustomData: nexmo.True,
				}))
			},
			[]*nexmo.UserConversation{{
				ConversationInfo: nexmo.ConversationInfo{
					ID: "CON-1", Name: "first", State: nexmo.ConversationStateActive, SequenceNumber: 3,
					Timestamp:  nexmo.ConversationTimestamp{Created: pairTime("2024-01-01T14:00:00Z")},
					Properties: &nexmo.ConversationProperties{CustomData: `{"aB":1}`},
				},
				MemberID: "MEM-1", MemberState: nexmo.MemberStateInvited,
			}},
		},
		{
			"conversations, one page",
			[]pairCall{{method: "GET", target: path + "/USR-1/conversations?include_custom_data=false", answer: `{"_embedded":{"conversations":[{"id":"CON-1","_embedded":{"member":{"id":"MEM-1","state":"joined"}}}]}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UserConversationsPage(ctx, "USR-1", &nexmo.UserConversationListOptions{IncludeCustomData: nexmo.False})
			},
			&nexmo.Page[nexmo.UserConversation]{Items: []*nexmo.UserConversation{{ConversationInfo: nexmo.ConversationInfo{ID: "CON-1"}, MemberID: "MEM-1", MemberState: nexmo.MemberStateJoined}}},
		},
		{
			"sessions",
			[]pairCall{{method: "GET", target: path + "/USR-1/sessions", answer: `{"page_size":10,"_embedded":{"sessions":[{"id":"SES-1","_embedded":{"user":{"id":"USR-1","name":"priya"},"api_key":"abcd1234"},"properties":{"ttl":900},"_links":{"self":{"href":"https://api.nexmo.com/v1/sessions/SES-1"}}},{"id":"SESSION-2"}]}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairAll(c.UserSessions(ctx, "USR-1", nil))
			},
			[]*nexmo.SessionInfo{{ID: "SES-1", User: nexmo.User{ID: "USR-1", Name: "priya"}, APIKey: "abcd1234", TTL: nexmo.Seconds(15 * time.Minute)}, {ID: "SESSION-2"}},
		},
		{
			"sessions, one page",
			[]pairCall{{method: "GET", target: path + "/USR-1/sessions?page_size=5", answer: `{}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.UserSessionsPage(ctx, "USR-1", &nexmo.ListOptions{PageSize: 5})
			},
			&nexmo.Page[nexmo.SessionInfo]{},
		},
	}
}

func pairMedia() []pairCase {
	const path = "/v1/conversations/CON-1"
	const played = `{"message":"Talk started","uuid":"63f61863-4a51-4f6b-86e1-46edebcf9356"}`
	playback := &nexmo.Playback{Message: "Talk started", UUID: "63f61863-4a51-4f6b-86e1-46edebcf9356"}
	return []pairCase{
		{
			"talk",
			[]pairCall{{method: "PUT", target: path + "/talk", body: `{"text":"hello"}`, answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.StartTalk(ctx, "CON-1", nexmo.TalkParams{Text: "hello"})
			},
			playback,
		},
		{
			"talk with everything",
			[]pairCall{{method: "PUT", target: path + "/talk", body: `{"text":"a < b","language":"en-GB","style":1,"premium":false,"loop":0,"level":"-0.4"}`, answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.StartTalk(ctx, "CON-1", nexmo.TalkParams{Text: "a < b", Language: "en-GB", Style: 1, Premium: nexmo.False, Loop: new(0), Level: -0.4})
			},
			playback,
		},
		{
			"stop to talk",
			[]pairCall{{method: "DELETE", target: path + "/talk", answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.StopTalk(ctx, "CON-1") },
			playback,
		},
		{
			"stop to talk, answered with nothing",
			[]pairCall{{method: "DELETE", target: path + "/talk", status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.StopTalk(ctx, "CON-1") },
			&nexmo.Playback{},
		},
		{
			"stream",
			[]pairCall{{method: "PUT", target: path + "/stream", body: `{"stream_url":["https://example.com/waiting.mp3"],"loop":3,"level":"1"}`, answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return c.StartStream(ctx, "CON-1", nexmo.StreamParams{StreamURL: []string{"https://example.com/waiting.mp3"}, Loop: new(3), Level: 1})
			},
			playback,
		},
		{
			"stop the stream",
			[]pairCall{{method: "DELETE", target: path + "/stream", answer: played}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.StopStream(ctx, "CON-1") },
			playback,
		},
		{
			"record",
			[]pairCall{{method: "PUT", target: path + "/record", body: `{"action":"start"}`, status: 200}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.StartRecording(ctx, "CON-1", nexmo.RecordParams{}))
			},
			nil,
		},
		{
			"record with everything",
			[]pairCall{{method: "PUT", target: path + "/record", body: `{"action":"start","event_url":["https://example.com/e"],"event_method":"GET","split":"conversation","format":"vorbis","retention_ttl":400,"timeout":7200,
				"transcription":{"language":"en-US","sentiment_analysis":true,"event_url":["https://example.com/t"],"event_method":"POST"}}`, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.StartRecording(ctx, "CON-1", nexmo.RecordParams{
					EventURL: []string{"https://example.com/e"}, EventMethod: "GET", Split: "conversation", Format: nexmo.RecordFormatVorbis,
					RetentionDays: 400, Timeout: nexmo.Seconds(2 * time.Hour), Transcription: &nexmo.RecordTranscription{
						Language: "en-US", SentimentAnalysis: nexmo.True, EventURL: []string{"https://example.com/t"}, EventMethod: "POST",
					},
				}))
			},
			nil,
		},
		{
			"stop the recording",
			[]pairCall{{method: "PUT", target: path + "/record", body: `{"action":"stop"}`, status: 204}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.StopRecording(ctx, "CON-1"))
			},
			nil,
		},
	}
}

// pairVerb is a verb of a conversation that makes an event.
func pairVerb(name, path, wire string, do func(ctx context.Context, c *nexmo.Conversation) error) pairCase {
	return pairCase{
		name,
		[]pairCall{{method: "POST", target: path, body: wire, status: 201, answer: `{"id":8}`}},
		func(ctx context.Context, c *nexmo.Client) (any, error) {
			conversation := nexmo.NewConversation("CON-1", nexmo.WithClient(c))
			joined := &nexmo.MemberJoined{Membership: nexmo.Membership{MemberID: "MEM-1", Channel: &nexmo.Channel{Type: nexmo.ChannelTypePhone, ID: "leg-0", LegIDs: []string{"leg-1", "leg-0"}}}}
			if err := conversation.Deliver(ctx, &nexmo.Event{ID: 1, Type: nexmo.EventMemberJoined, ConversationID: "CON-1", Body: joined}); err != nil {
				return nil, err
			}
			return nil, errors.Join(do(ctx, conversation), conversation.Close())
		},
		nil,
	}
}

func pairVerbs() []pairCase {
	const path = "/v1/conversations/CON-1/events"
	const old = "/v0.1/conversations/CON-1/events"
	const members = "/v1/conversations/CON-1/members"
	const info = `{"id":"CON-1","name":"first","state":"ACTIVE","sequence_number":17,"properties":{"ttl":60,"custom_data":{"aB":12345678901234567890}}}`
	stored := func(t nexmo.EventType) *nexmo.Event {
		return &nexmo.Event{ID: 5, Type: t, Body: &nexmo.RawBody{Type: t}}
	}
	send := func(_ *nexmo.Event, err error) error { return err }
	from := nexmo.From("MEM-2")
	member := func(name string, calls []pairCall, do func(ctx context.Context, c *nexmo.Conversation) (any, error), want any) pairCase {
		return pairCase{name, calls, func(ctx context.Context, c *nexmo.Client) (any, error) {
			return do(ctx, nexmo.NewConversation("CON-1", nexmo.WithClient(c)))
		}, want}
	}
	return []pairCase{
		{
			"conversation",
			[]pairCall{
				{method: "GET", target: "/v1/conversations/CON-1", answer: info},
				{method: "GET", target: members + "?page_size=100", answer: `{"_embedded":{"members":[{"id":"MEM-1","state":"JOINED","_embedded":{"user":{"id":"USR-1","name":"priya"}}}]},"_links":{"next":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/members?cursor=two"}}}`},
				{method: "GET", target: members + "?page_size=100&cursor=two", answer: `{"_embedded":{"members":[{"id":"MEM-2","state":"LEFT","user":{"id":"USR-2","name":"sam"}}]}}`},
			},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				conversation, err := c.Conversation(ctx, "CON-1")
				if err != nil {
					return nil, err
				}
				is := conversation.Info()
				return []any{is.Name, is.SequenceNumber, string(is.Properties.CustomData), slices.Collect(conversation.Members())}, conversation.Close()
			},
			[]any{"first", nexmo.EventID(17), `{"aB":12345678901234567890}`, []nexmo.Member{
				{ID: "MEM-1", UserID: "USR-1", UserName: "priya", State: nexmo.MemberStateJoined},
				{ID: "MEM-2", UserID: "USR-2", UserName: "sam", State: nexmo.MemberStateLeft},
			}},
		},
		{
			"sync",
			[]pairCall{
				{method: "GET", target: "/v1/conversations/CON-1", answer: info},
				{method: "GET", target: members + "?page_size=100", answer: `{}`},
				{method: "GET", target: path + "?page_size=100&order=asc&start_id=18", answer: `{"_embedded":{"events":[{"id":18,"type":"custom:a","from":"MEM-1","body":{}}]}}`},
			},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				conversation, err := c.Conversation(ctx, "CON-1")
				if err != nil {
					return nil, err
				}
				err = conversation.Sync(ctx)
				return conversation.LastEventID(), errors.Join(err, conversation.Close())
			},
			nexmo.EventID(18),
		},
		pairVerb("Send", path, `{"type":"message:rejected","from":"MEM-2","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Send(ctx, &nexmo.MessageRejected{Receipt: nexmo.Receipt{EventID: 5}}, from))
		}),
		pairVerb("SendMessage", path, `{"type":"message","from":"MEM-2","body":{"message_type":"text","text":"hello"}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.SendMessage(ctx, nexmo.TextMessage("hello"), from))
		}),
		pairVerb("SendText", old, `{"type":"text","body":{"text":"hello"}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.SendText(ctx, "hello"))
		}),
		pairVerb("StartTyping", old, `{"type":"text:typing:on","from":"MEM-2","body":{"activity":1}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StartTyping(ctx, from) }),
		pairVerb("StopTyping", old, `{"type":"text:typing:off","body":{"activity":0}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopTyping(ctx) }),
		pairVerb("SendCustom", path, `{"type":"custom:order:paid_1-a","from":"MEM-2","body":{"orderID":12345678901234567890,"a_b":"<&>"}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.SendCustom(ctx, "order:paid_1-a", map[string]any{"orderID": json.Number("12345678901234567890"), "a_b": "<&>"}, from))
		}),
		pairVerb("SendEphemeral", path, `{"type":"ephemeral","body":{"cursorX":1.50}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.SendEphemeral(ctx, json.RawMessage(`{"cursorX":1.50}`))
		}),
		pairVerb("MarkDelivered message", path, `{"type":"message:delivered","from":"MEM-2","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkDelivered(ctx, stored(nexmo.EventMessage), from)
		}),
		pairVerb("MarkSeen message", path, `{"type":"message:seen","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, stored(nexmo.EventMessage))
		}),
		pairVerb("MarkDelivered text", old, `{"type":"text:delivered","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkDelivered(ctx, stored(nexmo.EventText))
		}),
		pairVerb("MarkSeen image", old, `{"type":"image:seen","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, stored(nexmo.EventImage))
		}),
		pairVerb("MarkSeen custom", old, `{"type":"event:seen","body":{"event_id":5}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return c.MarkSeen(ctx, stored("custom:order"))
		}),
		pairVerb("Mute", path, `{"type":"audio:mute:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Mute(ctx, "MEM-1") }),
		pairVerb("Unmute", path, `{"type":"audio:mute:off","from":"MEM-2","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Unmute(ctx, "MEM-1", from) }),
		pairVerb("Earmuff", path, `{"type":"audio:earmuff:on","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Earmuff(ctx, "MEM-1") }),
		pairVerb("Unearmuff", path, `{"type":"audio:earmuff:off","from":"MEM-1","body":{"rtc_id":"leg-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.Unearmuff(ctx, "MEM-1") }),
		pairVerb("Say", path, `{"type":"audio:say","body":{"text":"hello","level":0,"loop":1}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Say(ctx, nexmo.AudioSay{Text: "hello"}))
		}),
		pairVerb("Say for ever", path, `{"type":"audio:say","from":"MEM-2","body":{"text":"hello","level":-0.9,"loop":0}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Say(ctx, nexmo.AudioSay{Text: "hello", Level: new(-0.9), Loop: new(0)}, from))
		}),
		pairVerb("StopSay", path, `{"type":"audio:say:stop","body":{"say_id":"say-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopSay(ctx, "say-1") }),
		pairVerb("Play", path, `{"type":"audio:play","from":"MEM-2","body":{"stream_url":["https://example.com/1.mp3"],"level":0,"loop":1,"queue":true}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Play(ctx, nexmo.AudioPlay{StreamURL: nexmo.StringList{"https://example.com/1.mp3"}, Queue: nexmo.True}, from))
		}),
		pairVerb("StopPlay", path, `{"type":"audio:play:stop","body":{"play_id":"play-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopPlay(ctx, "play-1") }),
		pairVerb("Record", path, `{"type":"audio:record","body":{"format":"wav","split":true}}`, func(ctx context.Context, c *nexmo.Conversation) error {
			return send(c.Record(ctx, nexmo.AudioRecord{Format: nexmo.RecordFormatWAV, Split: nexmo.True}))
		}),
		pairVerb("StopRecord", path, `{"type":"audio:record:stop","body":{"record_id":"rec-1"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.StopRecord(ctx, "rec-1") }),
		pairVerb("DTMF", path, `{"type":"audio:dtmf","body":{"digits":"12AB*#p"}}`, func(ctx context.Context, c *nexmo.Conversation) error { return c.DTMF(ctx, "12AB*#p") }),
		member("DeleteEvent", []pairCall{{method: "DELETE", target: path + "/5", status: 204}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return pairNothing(c.DeleteEvent(ctx, 5))
		}, nil),
		member("Invite", []pairCall{{method: "POST", target: members, body: `{"state":"invited","user":{"name":"sam"},"channel":{"type":"app"}}`, status: 201, answer: `{"id":"MEM-2","state":"INVITED"}`}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return c.Invite(ctx, nexmo.MemberParams{UserName: "sam"})
		}, &nexmo.MemberInfo{ID: "MEM-2", State: nexmo.MemberStateInvited}),
		member("Join", []pairCall{{method: "POST", target: members, body: `{"state":"joined","user":{"id":"USR-2"},"channel":{"type":"app"}}`, status: 201, answer: `{"id":"MEM-2","state":"JOINED"}`}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return c.Join(ctx, nexmo.MemberParams{UserID: "USR-2", State: nexmo.MemberStateInvited})
		}, &nexmo.MemberInfo{ID: "MEM-2", State: nexmo.MemberStateJoined}),
		member("Kick", []pairCall{{method: "PATCH", target: members + "/MEM-2", body: `{"state":"left","reason":{"text":"rude"}}`, answer: `{}`}}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return pairNothing(c.Kick(ctx, "MEM-2", nexmo.Reason{Text: "rude"}))
		}, nil),
		member("Leave", []pairCall{
			{method: "GET", target: members + "/me", answer: `{"id":"MEM-3"}`},
			{method: "PATCH", target: members + "/MEM-3", body: `{"state":"left","from":"MEM-3"}`, answer: `{}`},
		}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			return pairNothing(c.Leave(ctx, nexmo.Reason{}))
		}, nil),
		member("Load", []pairCall{
			{method: "GET", target: "/v1/conversations/CON-1", answer: info},
			{method: "GET", target: members + "?page_size=100", answer: `{"_embedded":{"members":[]}}`},
		}, func(ctx context.Context, c *nexmo.Conversation) (any, error) {
			err := c.Load(ctx)
			return c.Info().State, err
		}, nexmo.ConversationStateActive),
	}
}

// pairLists are the shapes of a list.
func pairLists() []pairCase {
	const path = "/v1/conversations/CON-1/events"
	const typing = `{"id":1,"type":"custom:a","from":"MEM-1","body":{"aB":1.0}}`
	event := &nexmo.Event{ID: 1, Type: "custom:a", ConversationID: "CON-1", From: "MEM-1", Body: &nexmo.Custom{Name: "a", JSON: `{"aB":1.0}`}}
	events := func(name, answer string, want nexmo.Page[nexmo.Event]) pairCase {
		return pairCase{
			"events " + name,
			[]pairCall{{method: "GET", target: path, answer: answer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.EventsPage(ctx, "CON-1", nil) },
			&want,
		}
	}
	users := func(name, answer string, want nexmo.Page[nexmo.UserInfo]) pairCase {
		return pairCase{
			"users " + name,
			[]pairCall{{method: "GET", target: "/v1/users", answer: answer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.UsersPage(ctx, nil) },
			&want,
		}
	}
	one := nexmo.Page[nexmo.Event]{Items: []*nexmo.Event{event}}
	next := nexmo.Page[nexmo.Event]{Items: []*nexmo.Event{event}, Next: "n+/=", Prev: "p"}
	const links = `,"_links":{"first":{"href":"https://api.nexmo.com` + path + `"},"next":{"href":"https://api-us-3.vonage.com` + path + `?order=asc&cursor=n%2B%2F%3D&page_size=10"},"prev":{"href":"https://api-us-3.vonage.com` + path + `?cursor=p"}}`
	user := nexmo.Page[nexmo.UserInfo]{Items: []*nexmo.UserInfo{{ID: "USR-1"}}}
	return []pairCase{
		events("as an array", `{"page_size":10,"_embedded":[`+typing+`]`+links+`}`, next),
		events("in an object", `{"page_size":10,"_embedded":{"events":[`+typing+`]}`+links+`}`, next),
		events("under data", `{"_embedded":{"data":{"events":[`+typing+`]}}`+links+`}`, next),
		events("links first", `{"_links":{"next":{"href":"https://api.nexmo.com`+path+`?cursor=n%2B%2F%3D"},"prev":{"href":"?cursor=p"}},"_embedded":{"events":[`+typing+`]}}`, next),
		events("bare", `[`+typing+`]`, one),
		events("without links", `{"_embedded":{"events":[`+typing+`]}}`, one),
		events("empty array", `{"_embedded":[],"_links":{}}`, nexmo.Page[nexmo.Event]{}),
		events("empty object", `{"_embedded":{"events":[]},"_links":{"self":{"href":"https://api.nexmo.com/x?cursor=self"}}}`, nexmo.Page[nexmo.Event]{}),
		events("missing", `{}`, nexmo.Page[nexmo.Event]{}),
		events("missing with a next page", `{"_links":{"next":{"href":"?cursor=n"}}}`, nexmo.Page[nexmo.Event]{Next: "n"}),
		events("nothing at all", ``, nexmo.Page[nexmo.Event]{}),
		users("in an object", `{"_embedded":{"users":[{"id":"USR-1"}]}}`, user),
		users("as an array", `{"_embedded":[{"id":"USR-1"}]}`, user),
		users("under data", `{"_embedded":{"data":{"users":[{"id":"USR-1"}]}}}`, user),
		users("bare", `[{"id":"USR-1"}]`, user),
		users("empty", `{"_embedded":{"users":[]}}`, nexmo.Page[nexmo.UserInfo]{}),
		users("null", `{"_embedded":null,"_links":null}`, nexmo.Page[nexmo.UserInfo]{}),
		users("null list", `{"_embedded":{"users":null}}`, nexmo.Page[nexmo.UserInfo]{}),
		users("nothing at all", ``, nexmo.Page[nexmo.UserInfo]{}),
		users("next without href", `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{}}}`, user),
		users("next null", `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":null}}`, user),
		users("href null", `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":null}}}`, user),
		users("href without cursor", `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"https://api.nexmo.com/v1/users?page_size=10&xcursor=a"}}}`, user),
		users("href with empty cursor", `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"https://api.nexmo.com/v1/users?cursor="}}}`, user),
	}
}

// pairVersions are the shapes of versions 0.1 and 0.2.
func pairVersions() []pairCase {
	return []pairCase{
		{
			"0.1 conversations, bare",
			[]pairCall{{method: "GET", target: "/v1/conversations", answer: `[{"uuid":"CON-1","name":"first"},{"id":"CON-2","href":"https://api.nexmo.com/v0.1/conversations/CON-2"}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return pairAll(c.Conversations(ctx, nil)) },
			[]*nexmo.ConversationInfo{{ID: "CON-1", Name: "first"}, {ID: "CON-2"}},
		},
		{
			"0.1 conversations by record",
			[]pairCall{{method: "GET", target: "/v1/conversations", answer: `{"count":1,"page_size":10,"record_index":0,"_embedded":{"conversations":[{"uuid":"CON-1","name":"first"}]},"_links":{"self":{"href":"https://api.nexmo.com/v0.1/conversations?page_size=10&record_index=0"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return pairAll(c.Conversations(ctx, nil)) },
			[]*nexmo.ConversationInfo{{ID: "CON-1", Name: "first"}},
		},
		{
			"0.1 conversation",
			[]pairCall{{method: "GET", target: "/v1/conversations/CON-1", answer: `{"uuid":"CON-1","name":"first","display_name":"First","timestamp":{"created":"2018-01-01T10:00:00.000Z"},"numbers":{},"members":[{"member_id":"MEM-1"}],"api_key":"abcd1234","sequence_number":"12"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, "CON-1") },
			&nexmo.ConversationInfo{ID: "CON-1", Name: "first", DisplayName: "First", SequenceNumber: 12, Timestamp: nexmo.ConversationTimestamp{Created: pairTime("2018-01-01T10:00:00Z")}},
		},
		{
			"0.1 members, bare",
			[]pairCall{{method: "GET", target: "/v1/conversations/CON-1/members", answer: `[{"member_id":"MEM-1","user_id":"USR-1","name":"priya","state":"JOINED"},{"user":{"id":"USR-2","name":"sam"},"id":"MEM-2","state":"INVITED","initiator":{"invited":{"isSystem":true}}}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return pairAll(c.Members(ctx, "CON-1", nil)) },
			[]*nexmo.MemberInfo{
				{ID: "MEM-1", ConversationID: "CON-1", User: nexmo.User{ID: "USR-1", Name: "priya"}, State: nexmo.MemberStateJoined},
				{ID: "MEM-2", ConversationID: "CON-1", User: nexmo.User{ID: "USR-2", Name: "sam"}, State: nexmo.MemberStateInvited, Initiator: nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True}}},
			},
		},
		{
			"0.2 members",
			[]pairCall{{method: "GET", target: "/v1/conversations/CON-1/members", answer: `{"page_size":10,"cursor":{"self":"abc"},"_embedded":{"data":{"members":[{"id":"MEM-1","name":"priya","user_id":"USR-1","display_name":"Priya","state":"JOINED","_links":{"self":{"href":"https://api.nexmo.com/v0.2/x"}}}]}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return pairAll(c.Members(ctx, "CON-1", nil)) },
			[]*nexmo.MemberInfo{{ID: "MEM-1", ConversationID: "CON-1", User: nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya"}, State: nexmo.MemberStateJoined}},
		},
		{
			"0.2 conversations of a user",
			[]pairCall{{method: "GET", target: "/v1/users/USR-1/conversations", answer: `{"_embedded":{"data":{"conversations":[{"id":"CON-1","name":"first","member_id":"MEM-1","state":"JOINED"}]}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairAll(c.UserConversations(ctx, "USR-1", nil))
			},
			[]*nexmo.UserConversation{{ConversationInfo: nexmo.ConversationInfo{ID: "CON-1", Name: "first"}, MemberID: "MEM-1", MemberState: nexmo.MemberStateJoined}},
		},
		{
			"0.1 events, bare",
			[]pairCall{{method: "GET", target: "/v1/conversations/CON-1/events", answer: `[{"id":"1","type":"text","from":"MEM-1","to":"MEM-2","timestamp":"2018-01-01T10:00:00.000Z","body":{"text":"hello"},"state":{"seen_by":{"MEM-2":"2018-01-01T10:00:01.000Z"}}}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return pairAll(c.Events(ctx, "CON-1", nil)) },
			[]*nexmo.Event{{
				ID: 1, Type: nexmo.EventText, ConversationID: "CON-1", From: "MEM-1", To: "MEM-2", Timestamp: pairTime("2018-01-01T10:00:00Z"),
				Body: &nexmo.Text{Text: "hello"}, State: &nexmo.EventState{SeenBy: nexmo.ReceiptTimes{"MEM-2": pairTime("2018-01-01T10:00:01Z")}},
			}},
		},
		{
			"0.1 users, bare",
			[]pairCall{{method: "GET", target: "/v1/users", answer: `[{"id":"USR-1","name":"priya","href":"https://api.nexmo.com/v0.1/users/USR-1"}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return pairAll(c.Users(ctx, nil)) },
			[]*nexmo.UserInfo{{ID: "USR-1", Name: "priya"}},
		},
	}
}

func pairDo() []pairCase {
	type legs struct {
		Count json.Number `json:"count"`
	}
	return []pairCase{
		{
			"get",
			[]pairCall{{method: "GET", target: "/v0.1/legs?page_size=1&conversation_uuid=CON%2F1", answer: ` {"count":12345678901234567890} `}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				var out legs
				err := c.Do(ctx, "get", "/v0.1/legs?page_size=1&conversation_uuid=CON%2F1", nil, &out)
				return out, err
			},
			legs{"12345678901234567890"},
		},
		{
			"post",
			[]pairCall{{method: "POST", target: "/v0.3/image", body: `{"a_B":"<b>","n":1.0}`, status: 202}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				var out legs
				err := c.Do(ctx, "POST", "/v0.3/image", json.RawMessage(`{"a_B":"<b>","n":1.0}`), &out)
				return out, err
			},
			legs{},
		},
		{
			"delete, and do not look",
			[]pairCall{{method: "DELETE", target: "/v0.1/legs/a%20b", status: 200, answer: "<html>"}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return pairNothing(c.Do(ctx, "DELETE", "/v0.1/legs/a%20b", nil, nil))
			},
			nil,
		},
	}
}

// TestPairPages iterates over three pages, whatever the links look like.
func TestPairPages(t *testing.T) {
	t.Parallel()
	const own = "https://api.nexmo.com/v1/conversations?page_size=2&order=desc&name=x&cursor="
	tests := []struct {
		name    string
		href    string // %s is the cursor as link writes it
		cursors [2]string
		links   [2]string
		sent    [2]string
	}{
		{"own host", own + "%s", [2]string{"b", "c"}, [2]string{"b", "c"}, [2]string{"b", "c"}},
		{"region", "https://api-us-3.vonage.com/v1/conversations?cursor=%s", [2]string{"b", "c"}, [2]string{"b", "c"}, [2]string{"b", "c"}},
		{"stranger, other path", "http://token-thief.example:99/v9/else/?page_size=99&order=asc&name=y&cursor=%s&z=1#cursor=no", [2]string{"b", "c"}, [2]string{"b", "c"}, [2]string{"b", "c"}},
		{"relative", "/v1/conversations?cursor=%s", [2]string{"b", "c"}, [2]string{"b", "c"}, [2]string{"b", "c"}},
		{"query only", "?cursor=%s", [2]string{"b", "c"}, [2]string{"b", "c"}, [2]string{"b", "c"}},
		{"doubled slash", "https://api.nexmo.com//v1/conversations?cursor=%s", [2]string{"b", "c"}, [2]string{"b", "c"}, [2]string{"b", "c"}},
		{"escaped", own + "%s", [2]string{"7E+/jD==", "+"}, [2]string{"7E%2B%2FjD%3D%3D", "%2b"}, [2]string{"7E%2B%2FjD%3D%3D", "%2B"}},
		{"raw plus", own + "%s", [2]string{"7E+/jD==", "a+b"}, [2]string{"7E+/jD==", "a+b"}, [2]string{"7E%2B%2FjD%3D%3D", "a%2Bb"}},
		{"escaped twice", own + "%s", [2]string{"a%2Bb", "%"}, [2]string{"a%252Bb", "%25"}, [2]string{"a%252Bb", "%25"}},
		{"not escaped well", own + "%s", [2]string{"a%zz", "100%"}, [2]string{"a%zz", "100%"}, [2]string{"a%25zz", "100%25"}},
		{"JSON escapes", "https:\\/\\/api.nexmo.com\\/v1\\/conversations?order=desc\\u0026cursor=%s", [2]string{"b", "c="}, [2]string{"b", "c\\u003d"}, [2]string{"b", "c%3D"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			page := func(id, cursor string) string {
				next := ""
				if cursor != "" {
					next = `"next":{"href":"` + strings.Replace(tt.href, "%s", cursor, 1) + `"},`
				}
				return `{"page_size":2,"_embedded":{"conversations":[{"id":"` + id + `1"},{"id":"` + id + `2"}]},"_links":{` + next + `"self":{"href":"x?cursor=self"}}}`
			}
			const target = "/v1/conversations?page_size=2&order=desc&name=x&date_start=2024-01-01T00:00:00.000Z"
			once := []pairCall{
				{method: "GET", target: target, answer: page("a", tt.links[0])},
				{method: "GET", target: target + "&cursor=" + tt.sent[0], answer: page("b", tt.links[1])},
				{method: "GET", target: target + "&cursor=" + tt.sent[1], answer: page("c", "")},
			}
			c := pairClient(t, slices.Concat(once, once, once[:1], once[:2], once[1:2])...)
			opts := &nexmo.ConversationListOptions{ListOptions: nexmo.ListOptions{PageSize: 2, Order: nexmo.OrderDescending}, Name: "x", DateStart: pairTime("2024-01-01T00:00:00Z")}
			before := *opts
			list := c.Conversations(t.Context(), opts)
			opts.Name, opts.PageSize, opts.Cursor = "changed", 50, "changed" // later: the list is not changed
			read := func(most int) string {
				t.Helper()
				var ids []string
				for v, err := range list {
					if err != nil {
						t.Fatal(err)
					}
					if ids = append(ids, v.ID); len(ids) == most {
						break
					}
				}
				return strings.Join(ids, " ")
			}
			for range 2 { // ranging twice reads twice
				if diff := cmp.Diff("a1 a2 b1 b2 c1 c2", read(100)); diff != "" {
					t.Errorf("all (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff("a1 a2", read(2)); diff != "" { // no request for a page that is not wanted
				t.Errorf("two (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff("a1 a2 b1", read(3)); diff != "" {
				t.Errorf("three (-want +got):\n%s", diff)
			}
			// Going on at a cursor.
			before.Cursor = tt.cursors[0]
			got, err := c.ConversationsPage(t.Context(), &before)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.cursors[1], got.Next); diff != "" {
				t.Errorf("the next cursor (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.cursors[0], before.Cursor); diff != "" {
				t.Errorf("the options were changed (-want +got):\n%s", diff)
			}
		})
	}
}

// pairPaged is a list of two pages whose last item is ID-2.
type pairPaged struct {
	name   string
	target string
	key    string
	list   func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error]
}

func pairIDs[T any](list iter.Seq2[*T, error], id func(*T) string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for v, err := range list {
			text := ""
			if v != nil {
				text = id(v)
			}
			if !yield(text, err) {
				return
			}
		}
	}
}

// TestPairEveryList has each list go on to its next page with the path and the
// filters of the first, and end with an error.
func TestPairEveryList(t *testing.T) {
	t.Parallel()
	size := nexmo.ListOptions{PageSize: 7, Order: nexmo.OrderDescending}
	eventID := func(e *nexmo.Event) string { return fmt.Sprintf("ID-%d", e.ID) }
	types := []nexmo.EventType{nexmo.EventText, nexmo.EventMessage}
	tests := []pairPaged{
		{"conversations", "/v1/conversations?page_size=7&order=desc&name=a%2Bb", "conversations", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return pairIDs(c.Conversations(ctx, &nexmo.ConversationListOptions{ListOptions: size, Name: "a+b"}), func(v *nexmo.ConversationInfo) string { return v.ID })
		}},
		{"members", "/v1/conversations/CON%2F1/members?page_size=7&order=desc", "members", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return pairIDs(c.Members(ctx, "CON/1", &size), func(v *nexmo.MemberInfo) string { return v.ID })
		}},
		{"events", "/v1/conversations/CON%2F1/events?page_size=7&order=desc&start_id=1&end_id=99&event_type=text,message&exclude_deleted_events=true", "events", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			list := c.Events(ctx, "CON/1", &nexmo.EventListOptions{ListOptions: size, StartID: 1, EndID: 99, Types: types, ExcludeDeleted: true})
			return pairIDs(list, eventID)
		}},
		{"events after", "/v1/conversations/CON%2F1/events?page_size=100&order=asc&start_id=6", "events", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return pairIDs(c.EventsAfter(ctx, "CON/1", 5), eventID)
		}},
		{"users", "/v1/users?page_size=7&order=desc&name=priya", "users", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return pairIDs(c.Users(ctx, &nexmo.UserListOptions{ListOptions: size, Name: "priya"}), func(v *nexmo.UserInfo) string { return v.ID })
		}},
		{"conversations of a user", "/v1/users/USR-1/conversations?page_size=7&order=desc&state=JOINED&order_by=custom_sort_key", "conversations", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return pairIDs(c.UserConversations(ctx, "USR-1", &nexmo.UserConversationListOptions{ListOptions: size, State: nexmo.MemberStateJoined, OrderBy: "custom_sort_key"}), func(v *nexmo.UserConversation) string { return v.ID })
		}},
		{"sessions", "/v1/users/USR-1/sessions?page_size=7&order=desc", "sessions", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return pairIDs(c.UserSessions(ctx, "USR-1", &size), func(v *nexmo.SessionInfo) string { return v.ID })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			item := `{"id":"ID-%d"}`
			if tt.key == "events" {
				item = `{"id":%d,"type":"custom:a"}`
			}
			page := func(id int, next string) string {
				return `{"_embedded":{"` + tt.key + `":[` + fmt.Sprintf(item, id) + `]},"_links":{"next":{"href":"https://api-ap-3.vonage.com/?cursor=` + next + `"}}}`
			}
			calls := []pairCall{
				{method: "GET", target: tt.target, answer: page(1, "two%3D")},
				{method: "GET", target: tt.target + "&cursor=two%3D", answer: page(2, "three")},
				{method: "GET", target: tt.target + "&cursor=three", status: 400, answer: `{"code":"paginator-builder:error:invalid-cursor"}`},
			}
			var got []string
			for id, err := range tt.list(t.Context(), pairClient(t, calls...)) {
				if err != nil {
					id += string(nexmo.CodeOf(err))
				}
				got = append(got, id)
			}
			want := []string{"ID-1", "ID-2", string(nexmo.ErrorCodeInvalidCursor)}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]nexmo.EventType{nexmo.EventText, nexmo.EventMessage}, types); diff != "" {
				t.Errorf("the options were changed (-want +got):\n%s", diff)
			}
		})
	}
}

// TestPairSameCursor has a list end with an error that would go on for ever.
func TestPairSameCursor(t *testing.T) {
	t.Parallel()
	const page = `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"?cursor=a"}}}`
	c := pairClient(t, pairCall{method: "GET", target: "/v1/users", answer: page}, pairCall{method: "GET", target: "/v1/users?cursor=a", answer: page})
	list, err := pairAll(c.Users(t.Context(), nil))
	if len(list) != 2 || err == nil {
		t.Errorf("there are %d users, and %v", len(list), err)
	}
}

// TestPairErrors reads each style of errors.
func TestPairErrors(t *testing.T) {
	t.Parallel()
	sentinels := []error{nexmo.ErrInvalid, nexmo.ErrUnauthorized, nexmo.ErrNotFound, nexmo.ErrConflict, nexmo.ErrRateLimited}
	tests := []struct {
		name   string
		status int
		header http.Header
		answer string
		is     error
		want   nexmo.APIError
		text   []string // that the error shows
		hidden []string // that it does not
	}{
		{
			name: "validation", status: 400, is: nexmo.ErrInvalid,
			answer: `{"title":"Bad request.","type":"https://developer.nexmo.com/api/conversation#http:error:validation-fail","code":"http:error:validation-fail","detail":"Input validation failure.","instance":"00a5916655d650e920ccf0daf40ef4ee","invalid_parameters":[{"name":"state","reason":"\"state\" must be one of [invited, joined]"}]}`,
			want: nexmo.APIError{
				Title: "Bad request.", Type: "https://developer.nexmo.com/api/conversation#http:error:validation-fail", Code: nexmo.ErrorCodeValidation, Detail: "Input validation failure.",
				Instance: "00a5916655d650e920ccf0daf40ef4ee", InvalidParameters: []nexmo.InvalidParameter{{Name: "state", Reason: `"state" must be one of [invited, joined]`}},
			},
			text: []string{"get conversation", "400", "http:error:validation-fail", "Bad request.", "state", "00a5916655d650e920ccf0daf40ef4ee"}, hidden: []string{"must be one of", "Input validation"},
		},
		{
			name: "the status counts, not the title", status: 400, is: nexmo.ErrInvalid,
			answer: `{"title":"Conflict.","code":"conversation:error:invalid-member-state","detail":"Membership has ended."}`,
			want:   nexmo.APIError{Title: "Conflict.", Code: nexmo.ErrorCodeInvalidMemberState, Detail: "Membership has ended."},
		},
		{
			name: "not found", status: 404, is: nexmo.ErrNotFound,
			answer: `{"title":"Not found.","type":"https://developer.nexmo.com/api/conversation#conversation:error:not-found","code":"conversation:error:not-found","detail":"Conversation does not exist, or you do not have access.","instance":"i"}`,
			want: nexmo.APIError{
				Title: "Not found.", Type: "https://developer.nexmo.com/api/conversation#conversation:error:not-found", Code: nexmo.ErrorCodeConversationNotFound,
				Detail: "Conversation does not exist, or you do not have access.", Instance: "i",
			},
		},
		{
			name: "duplicate name", status: 409, is: nexmo.ErrConflict,
			answer: `{"title":"Conflict.","code":"conversation:error:duplicate-name","detail":"Duplicate name."}`,
			want:   nexmo.APIError{Title: "Conflict.", Code: nexmo.ErrorCodeConversationDuplicateName, Detail: "Duplicate name."},
		},
		{
			name: "version 0.1", status: 404, is: nexmo.ErrNotFound,
			answer: `{"code":"event:error:not-found","description":"Event does not exist.","error":{}}`,
			want:   nexmo.APIError{Code: nexmo.ErrorCodeEventNotFound, Detail: "Event does not exist."},
		},
		{
			name: "of the account", status: 401, is: nexmo.ErrUnauthorized,
			answer: `{"type":"https://developer.vonage.com/api-errors#unauthorized","title":"Unauthorized","detail":"You did not provide correct credentials.","instance":"bf0ca0bf927b3b52e3cb03217e1a1ddf"}`,
			want: nexmo.APIError{
				Type: "https://developer.vonage.com/api-errors#unauthorized", Code: "unauthorized", Title: "Unauthorized",
				Detail: "You did not provide correct credentials.", Instance: "bf0ca0bf927b3b52e3cb03217e1a1ddf",
			},
		},
		{
			name: "of the account without detail", status: 401, is: nexmo.ErrUnauthorized,
			answer: `{"type":"https://developer.vonage.com/api-errors#jwt-expired","title":"JWT expired"}`,
			want:   nexmo.APIError{Type: "https://developer.vonage.com/api-errors#jwt-expired", Code: "jwt-expired", Title: "JWT expired"},
			text:   []string{"JWT expired"},
		},
		{
			name: "users", status: 404, is: nexmo.ErrNotFound,
			answer: `{"title":"Not found.","type":"https://developer.vonage.com/en/api/conversation#user:error:not-found","detail":"User does not exist, or you do not have access.","instance":"i"}`,
			want: nexmo.APIError{
				Title: "Not found.", Type: "https://developer.vonage.com/en/api/conversation#user:error:not-found", Code: nexmo.ErrorCodeUserNotFound,
				Detail: "User does not exist, or you do not have access.", Instance: "i",
			},
		},
		{
			name: "voice", status: 400, is: nexmo.ErrInvalid,
			answer: `{"type":"BAD_REQUEST","error_title":"Bad Request","invalid_parameters":{"stream_url":"Is required.","level":"Is too high."}}`,
			want: nexmo.APIError{Type: "BAD_REQUEST", Code: "BAD_REQUEST", Title: "Bad Request", InvalidParameters: []nexmo.InvalidParameter{
				{Name: "level", Reason: "Is too high."}, {Name: "stream_url", Reason: "Is required."},
			}},
			hidden: []string{"too high"},
		},
		{
			name: "oldest", status: 401, is: nexmo.ErrUnauthorized,
			answer: `{"error-code":"401","error-code-label":"authentication failed"}`,
			want:   nexmo.APIError{Code: "401", Title: "authentication failed"},
		},
		{name: "Error", status: 403, answer: `{"Error":"Forbidden here"}`, want: nexmo.APIError{Title: "Forbidden here"}},
		{name: "message", status: 405, answer: `{"message":"no such method"}`, want: nexmo.APIError{Title: "no such method"}},
		{
			name: "too many requests", status: 429, is: nexmo.ErrRateLimited, header: http.Header{"Retry-After": {"7"}},
			answer: `{"type":"https://developer.vonage.com/api-errors#rate-limit","title":"Rate Limit Hit","detail":"Please wait, then retry your request","instance":"i"}`,
			want: nexmo.APIError{
				Type: "https://developer.vonage.com/api-errors#rate-limit", Code: "rate-limit", Title: "Rate Limit Hit", Detail: "Please wait, then retry your request", Instance: "i", RetryAfter: 7 * time.Second,
			},
		},
		{name: "unprocessable", status: 422, is: nexmo.ErrInvalid, answer: `{"title":"Unprocessable"}`, want: nexmo.APIError{Title: "Unprocessable"}},
		{name: "media type", status: 415, answer: `{"code":"http:error:unsupported-media-type"}`, want: nexmo.APIError{Code: "http:error:unsupported-media-type"}},
		{
			name: "internal", status: 500,
			answer: `{"title":"Internal Server Error.","type":"https://developer.nexmo.com/api/conversation#system:error:internal-error","code":"system:error:internal-error","detail":"Something went wrong.","instance":"i"}`,
			want: nexmo.APIError{
				Title: "Internal Server Error.", Type: "https://developer.nexmo.com/api/conversation#system:error:internal-error", Code: "system:error:internal-error", Detail: "Something went wrong.", Instance: "i",
			},
		},
		{name: "nothing", status: 503},
		{name: "HTML", status: 502, answer: "<html><title>502 Bad Gateway</title></html>", hidden: []string{"<html>"}},
		{name: "text", status: 404, is: nexmo.ErrNotFound, answer: "404 page not found"},
		{name: "array", status: 400, is: nexmo.ErrInvalid, answer: `[1,2]`},
		{name: "null", status: 400, is: nexmo.ErrInvalid, answer: `null`},
		{name: "cut short", status: 400, is: nexmo.ErrInvalid, answer: `{"title":"Bad`},
		{name: "members of other types", status: 400, is: nexmo.ErrInvalid, answer: `{"title":7,"type":null,"code":{"a":1},"detail":["x"],"instance":true,"invalid_parameters":"none"}`},
		{name: "a redirect", status: 307, header: http.Header{"Location": {"https://token-thief.example/"}}},
		{name: "not modified", status: 304},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := pairClient(t, pairCall{method: "GET", target: "/v1/conversations/CON-1", status: tt.status, header: tt.header, answer: tt.answer})
			v, err := c.ConversationInfo(t.Context(), "CON-1")
			var got *nexmo.APIError
			if v != nil || !errors.As(err, &got) {
				t.Fatalf("got %v and %v", v, err)
			}
			tt.want.Op, tt.want.Status, tt.want.Attempts, tt.want.Body = "get conversation", tt.status, 1, []byte(tt.answer)
			tt.want.Header = http.Header{"Content-Type": {"application/json"}}
			maps.Copy(tt.want.Header, tt.header)
			tt.want.Header.Del("Location") // so that nothing follows it
			if diff := cmp.Diff(&tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, s := range sentinels {
				if errors.Is(err, s) != (s == tt.is) { //nolint:errorlint // the sentinel itself
					t.Errorf("errors.Is(%v, %v) = %v", err, s, errors.Is(err, s))
				}
			}
			if diff := cmp.Diff(tt.want.Code, nexmo.CodeOf(fmt.Errorf("wrapped: %w", err))); diff != "" {
				t.Errorf("the code (-want +got):\n%s", diff)
			}
			for _, part := range append(tt.text, "nexmo: get conversation: ", fmt.Sprint(tt.status)) {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not show %q", err, part)
				}
			}
			for _, part := range append(tt.hidden, "CON-1", pairToken, "https://api.nexmo.com") {
				if strings.Contains(err.Error(), part) {
					t.Errorf("%q shows %q", err, part)
				}
			}
		})
	}
}

// pairRefused are calls that are not sent, by the field that the error names.
func pairRefused() map[string]map[string]func(ctx context.Context, c *nexmo.Client) error {
	long := func(n int) string { return strings.Repeat("ü", n) }
	create := func(p nexmo.ConversationParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateConversation(ctx, &p)
			_, err2 := c.UpdateConversation(ctx, "CON-1", &p)
			return pairBoth(err, err2)
		}
	}
	user := func(p nexmo.UserParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateUser(ctx, &p)
			_, err2 := c.UpdateUser(ctx, "USR-1", &p)
			return pairBoth(err, err2)
		}
	}
	member := func(p nexmo.MemberParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateMember(ctx, "CON-1", &p)
			return err
		}
	}
	update := func(u nexmo.MemberUpdate) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateMember(ctx, "CON-1", "MEM-1", &u)
			return err
		}
	}
	event := func(body nexmo.Body, opts ...nexmo.EventOption) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateEvent(ctx, "CON-1", body, opts...)
			return err
		}
	}
	list := func(o nexmo.EventListOptions) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.EventsPage(ctx, "CON-1", &o)
			_, err2 := pairAll(c.Events(ctx, "CON-1", &o))
			return pairBoth(err, err2)
		}
	}
	lists := func(o nexmo.ListOptions) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.ConversationsPage(ctx, &nexmo.ConversationListOptions{ListOptions: o})
			_, err2 := c.MembersPage(ctx, "CON-1", &o)
			_, err3 := c.EventsPage(ctx, "CON-1", &nexmo.EventListOptions{ListOptions: o})
			_, err4 := c.UsersPage(ctx, &nexmo.UserListOptions{ListOptions: o})
			_, err5 := c.UserConversationsPage(ctx, "USR-1", &nexmo.UserConversationListOptions{ListOptions: o})
			_, err6 := c.UserSessionsPage(ctx, "USR-1", &o)
			return pairBoth(err, err2, err3, err4, err5, err6)
		}
	}
	record := func(p nexmo.RecordParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error { return c.StartRecording(ctx, "CON-1", p) }
	}
	talk := func(p nexmo.TalkParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.StartTalk(ctx, "CON-1", p)
			return err
		}
	}
	stream := func(p nexmo.StreamParams) func(ctx context.Context, c *nexmo.Client) error {
		return func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.StartStream(ctx, "CON-1", p)
			return err
		}
	}
	type call = func(ctx context.Context, c *nexmo.Client) error
	ttl := nexmo.Seconds(2147483649 * time.Second)
	urls := []string{"https://example.com/1.mp3"}
	return map[string]map[string]call{
		"Name": {
			"conversation": create(nexmo.ConversationParams{Name: long(101)}), "me": user(nexmo.UserParams{Name: "me"}), "USR-": user(nexmo.UserParams{Name: "USR-priya"}),
			"custom blank": event(&nexmo.Custom{Name: "a b"}), "custom empty": event(&nexmo.Custom{}), "custom letters": event(&nexmo.Custom{Name: "ü"}), "custom dot": event(&nexmo.Custom{Name: "a.b"}),
		},
		"DisplayName":            {"conversation": create(nexmo.ConversationParams{DisplayName: long(51)}), "user": user(nexmo.UserParams{DisplayName: long(51)})},
		"ImageURL":               {"conversation": create(nexmo.ConversationParams{ImageURL: long(2049)})},
		"Properties.TTL":         {"conversation": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{TTL: ttl}}), "negative": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{TTL: -1}}), "user": user(nexmo.UserParams{Properties: nexmo.UserInfoProperties{TTL: ttl}})},
		"Properties.Type":        {"conversation": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{Type: long(201)}})},
		"CustomSortKey":          {"conversation": create(nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{CustomSortKey: long(201)}})},
		"Numbers.URI":            {"conversation": create(nexmo.ConversationParams{Numbers: []nexmo.ConversationNumber{{}, {URI: long(201)}}})},
		"Callback.URL":           {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{URL: long(2049)}})},
		"Callback.EventMask":     {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{EventMask: long(201)}})},
		"ApplicationID":          {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{Params: nexmo.CallbackParams{ApplicationID: long(201)}}})},
		"NCCOURL":                {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{Params: nexmo.CallbackParams{NCCOURL: long(2049)}}})},
		"Callback.Method":        {"conversation": create(nexmo.ConversationParams{Callback: &nexmo.Callback{Method: "PUT"}})},
		"State":                  {"none": member(nexmo.MemberParams{UserID: "USR-1"}), "left": member(nexmo.MemberParams{State: "left", UserID: "USR-1"}), "update": update(nexmo.MemberUpdate{State: nexmo.MemberStateInvited})},
		"UserID":                 {"none": member(nexmo.MemberParams{State: "joined"})},
		"MemberIDInviting":       {"long": member(nexmo.MemberParams{State: "joined", UserID: "USR-1", MemberIDInviting: long(201)})},
		"From":                   {"member": member(nexmo.MemberParams{State: "joined", UserID: "USR-1", From: long(201)}), "update": update(nexmo.MemberUpdate{State: "left", From: long(201)}), "event": event(&nexmo.Ephemeral{}, nexmo.From(long(201)))},
		"Reason":                 {"joined": update(nexmo.MemberUpdate{State: "joined", Reason: nexmo.Reason{Text: "a"}})},
		"Reason.Code":            {"long": update(nexmo.MemberUpdate{State: "left", Reason: nexmo.Reason{Code: long(201)}})},
		"Reason.Text":            {"long": update(nexmo.MemberUpdate{State: "left", Reason: nexmo.Reason{Text: long(201)}})},
		"Channels.SIP.URI":       {"http": user(nexmo.UserParams{Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: "https://example.com"}}}})},
		"Channels.Websocket.URI": {"http": user(nexmo.UserParams{Channels: nexmo.UserChannels{Websocket: []nexmo.UserChannel{{URI: "https://example.com"}}}})},
		"PageSize":               {"101": lists(nexmo.ListOptions{PageSize: 101}), "negative": lists(nexmo.ListOptions{PageSize: -1})},
		"Order":                  {"unknown": lists(nexmo.ListOptions{Order: "upwards"})},
		"Types":                  {"six": list(nexmo.EventListOptions{Types: slices.Repeat([]nexmo.EventType{nexmo.EventText}, 6)}), "custom": list(nexmo.EventListOptions{Types: []nexmo.EventType{"custom:a"}}), "two in one": list(nexmo.EventListOptions{Types: []nexmo.EventType{"text,image"}})},
		"StartID":                {"negative": list(nexmo.EventListOptions{StartID: -1})},
		"Digits":                 {"none": event(&nexmo.AudioDTMF{}), "letters": event(&nexmo.AudioDTMF{Digits: "1e"}), "many": event(&nexmo.AudioDTMF{Digits: strings.Repeat("1", 46)})},
		"Level":                  {"say": event(&nexmo.AudioSay{Text: "a", Level: new(1.0)}), "play": event(&nexmo.AudioPlay{StreamURL: urls, Level: new(-1.0)}), "talk": talk(nexmo.TalkParams{Text: "a", Level: 1.1}), "stream": stream(nexmo.StreamParams{StreamURL: urls, Level: -1.1})},
		"Loop":                   {"say": event(&nexmo.AudioSay{Text: "a", Loop: new(-1)}), "play": event(&nexmo.AudioPlay{StreamURL: urls, Loop: new(-1)}), "talk": talk(nexmo.TalkParams{Text: "a", Loop: new(-1)}), "stream": stream(nexmo.StreamParams{StreamURL: urls, Loop: new(-1)})},
		"Text":                   {"say": event(&nexmo.AudioSay{}), "talk": talk(nexmo.TalkParams{})},
		"StreamURL":              {"play": event(&nexmo.AudioPlay{}), "stream": stream(nexmo.StreamParams{})},
		"MessageType":            {"none": event(&nexmo.Message{})},
		"RetentionDays":          {"401": record(nexmo.RecordParams{RetentionDays: 401}), "negative": record(nexmo.RecordParams{RetentionDays: -1})},
		"Timeout":                {"long": record(nexmo.RecordParams{Timeout: nexmo.Seconds(7201 * time.Second)}), "negative": record(nexmo.RecordParams{Timeout: -1})},
		"body of the event":      {"long": event(&nexmo.Custom{Name: "a", JSON: nexmo.Raw(`"` + strings.Repeat("x", 4095) + `"`)})},
		"type of the event":      {"none": event(&nexmo.RawBody{}), "pattern": event(&nexmo.RawBody{Type: "audio:*"})},
		"event": {"no ID": func(ctx context.Context, c *nexmo.Client) error {
			return nexmo.NewConversation("CON-1", nexmo.WithClient(c)).MarkSeen(ctx, &nexmo.Event{})
		}},
		"path": {"relative": func(ctx context.Context, c *nexmo.Client) error { return c.Do(ctx, "GET", "v1/users", nil, nil) }, "host": func(ctx context.Context, c *nexmo.Client) error {
			return c.Do(ctx, "GET", "//token-thief.example/v1", nil, nil)
		}, "blank": func(ctx context.Context, c *nexmo.Client) error { return c.Do(ctx, "GET", "/v1/a b", nil, nil) }},
		"MemberParams": {"nil": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.CreateMember(ctx, "CON-1", nil)
			return err
		}},
		"MemberUpdate": {"nil": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateMember(ctx, "CON-1", "MEM-1", nil)
			return err
		}},
		"ConversationParams": {"nil": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateConversation(ctx, "CON-1", nil)
			return err
		}},
		"UserParams": {"nil": func(ctx context.Context, c *nexmo.Client) error {
			_, err := c.UpdateUser(ctx, "USR-1", nil)
			return err
		}},
		"body": {"nil": event(nil)},
	}
}

// pairBoth returns the first error if none is nil.
func pairBoth(errs ...error) error {
	if slices.Contains(errs, nil) {
		return nil
	}
	return errs[0]
}

// TestPairLimits sends nothing that the documentation says is refused.
func TestPairLimits(t *testing.T) {
	t.Parallel()
	for field, calls := range pairRefused() {
		for name, call := range calls {
			t.Run(field+"/"+name, func(t *testing.T) {
				t.Parallel()
				err := call(t.Context(), pairClient(t))
				if !errors.Is(err, nexmo.ErrInvalid) || errors.Is(err, nexmo.ErrNotFound) {
					t.Fatalf("got %v", err)
				}
				if !strings.Contains(err.Error(), field+": ") || !strings.HasPrefix(err.Error(), "nexmo: ") || strings.Contains(err.Error(), "üü") {
					t.Errorf("got %q", err)
				}
			})
		}
	}
}

// TestPairLimitsReached sends what is just within the limits.
func TestPairLimitsReached(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("ü", n) }
	text := func(n int) string { return `"` + long(n) + `"` }
	urls := []string{"https://example.com/1.mp3"}
	calls := []pairCall{
		{method: "POST", target: "/v1/conversations", body: `{"name":` + text(100) + `,"display_name":` + text(50) + `,"image_url":` + text(2048) + `,"properties":{"ttl":2147483648,"type":` + text(200) + `,"custom_sort_key":` + text(200) + `},
			"callback":{"url":` + text(2048) + `,"event_mask":` + text(200) + `,"params":{"applicationId":` + text(200) + `,"ncco_url":` + text(2048) + `},"method":"GET"}}`},
		{method: "POST", target: "/v1/users", body: `{"name":` + text(500) + `,"display_name":` + text(50) + `,"image_url":` + text(5000) + `,"properties":{"ttl":2147483648},"channels":{"sip":[{"uri":"sips:+4478@example.com"}]}}`},
		{method: "GET", target: "/v1/users?page_size=1"},
		{method: "GET", target: "/v1/conversations/CON-1/events?event_type=text,text,text,text,text"},
		{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"audio:dtmf","body":{"digits":"` + strings.Repeat("9", 45) + `"}}`},
		{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"message","body":{"message_type":"text","text":` + text(10000) + `}}`},
		{method: "POST", target: "/v1/conversations/CON-1/events", body: `{"type":"custom:` + strings.Repeat("a", 93) + `","body":"` + strings.Repeat("x", 4094) + `"}`},
		{method: "PUT", target: "/v1/conversations/CON-1/record", body: `{"action":"start","retention_ttl":1,"timeout":7200}`},
		{method: "PUT", target: "/v1/conversations/CON-1/talk", body: `{"text":"a","level":"-1"}`},
		{method: "PUT", target: "/v1/conversations/CON-1/stream", body: `{"stream_url":["https://example.com/1.mp3"],"level":"0.1"}`},
		{method: "PATCH", target: "/v1/conversations/CON-1/members/MEM-1", body: `{"state":"left","from":` + text(200) + `,"reason":{"code":` + text(200) + `,"text":` + text(200) + `}}`},
	}
	c := pairClient(t, calls...)
	ctx := t.Context()
	_, err1 := c.CreateConversation(ctx, &nexmo.ConversationParams{
		Name: long(100), DisplayName: long(50), ImageURL: long(2048), Properties: &nexmo.ConversationProperties{TTL: nexmo.Seconds(2147483648 * time.Second), Type: long(200), CustomSortKey: long(200)},
		Callback: &nexmo.Callback{URL: long(2048), EventMask: long(200), Params: nexmo.CallbackParams{ApplicationID: long(200), NCCOURL: long(2048)}, Method: "GET"},
	})
	_, err2 := c.CreateUser(ctx, &nexmo.UserParams{
		Name: long(500), DisplayName: long(50), ImageURL: long(5000), Properties: nexmo.UserInfoProperties{TTL: nexmo.Seconds(2147483648 * time.Second)},
		Channels: nexmo.UserChannels{SIP: []nexmo.UserChannel{{URI: "sips:+4478@example.com"}}},
	})
	_, err3 := c.UsersPage(ctx, &nexmo.UserListOptions{ListOptions: nexmo.ListOptions{PageSize: 1}})
	_, err4 := c.EventsPage(ctx, "CON-1", &nexmo.EventListOptions{Types: slices.Repeat([]nexmo.EventType{nexmo.EventText}, 5)})
	_, err5 := c.CreateEvent(ctx, "CON-1", &nexmo.AudioDTMF{Digits: strings.Repeat("9", 45)})
	_, err6 := c.CreateEvent(ctx, "CON-1", &nexmo.Message{MessageContent: nexmo.TextMessage(long(10000))})
	_, err11 := c.CreateEvent(ctx, "CON-1", &nexmo.Custom{Name: strings.Repeat("a", 93), JSON: nexmo.Raw(` "` + strings.Repeat("x", 4094) + `" `)})
	err7 := c.StartRecording(ctx, "CON-1", nexmo.RecordParams{RetentionDays: 1, Timeout: nexmo.Seconds(2 * time.Hour)})
	_, err8 := c.StartTalk(ctx, "CON-1", nexmo.TalkParams{Text: "a", Level: -1})
	_, err9 := c.StartStream(ctx, "CON-1", nexmo.StreamParams{StreamURL: urls, Level: 0.1})
	_, err10 := c.UpdateMember(ctx, "CON-1", "MEM-1", &nexmo.MemberUpdate{State: "left", From: long(200), Reason: nexmo.Reason{Code: long(200), Text: long(200)}})
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11); err != nil {
		t.Error(err)
	}
}

// TestPairIDs escapes IDs as one segment of the path, and refuses those that
// would make it another path.
func TestPairIDs(t *testing.T) {
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
			_, err := c.UpdateMember(ctx, "CON-1", id, &nexmo.MemberUpdate{State: "left"})
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
				c := pairClient(t, pairCall{method: tt.method, target: tt.before + want + tt.after, body: tt.body, answer: `{}`})
				if err := tt.do(t.Context(), c, id); err != nil {
					t.Errorf("%q: %v", id, err)
				}
			}
			for _, id := range []string{"", ".", ".."} {
				if err := tt.do(t.Context(), pairClient(t), id); !errors.Is(err, nexmo.ErrInvalid) || !strings.Contains(err.Error(), "ID") {
					t.Errorf("%q: got %v", id, err)
				}
			}
		})
	}
}

// TestPairCustomData sends custom data as it was given, and reads it as it was
// sent: keys, numbers, order and all.
func TestPairCustomData(t *testing.T) {
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
				return pairRoundTrip(func(r *http.Request) string {
					body, _ := io.ReadAll(r.Body)
					sent = append(sent, string(body))
					return wrap
				})
			}
			client := func(wrap string) *nexmo.Client {
				c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return pairToken, nil }), nexmo.WithHTTPClient(&http.Client{Transport: answer(wrap)}))
				if err != nil {
					t.Fatal(err)
				}
				return c
			}
			raw := nexmo.Raw(data)
			conversation, err := client(`{"id":"CON-1","properties":{"custom_data":`+data+`}}`).CreateConversation(t.Context(), &nexmo.ConversationParams{Properties: &nexmo.ConversationProperties{CustomData: raw}})
			if err != nil {
				t.Fatal(err)
			}
			user, err := client(`{"id":"USR-1","properties":{"custom_data":`+data+`}}`).CreateUser(t.Context(), &nexmo.UserParams{Properties: nexmo.UserInfoProperties{CustomData: raw}})
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

// pairRoundTrip answers 200 with what it returns.
type pairRoundTrip func(r *http.Request) string

func (f pairRoundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(f(r)))}, nil
}

// TestPairRaw keeps the answers whole.
func TestPairRaw(t *testing.T) {
	t.Parallel()
	const conversation = `{"id": "CON-1", "future": {"a": [1.0]}}`
	c := pairClient(t,
		pairCall{method: "GET", target: "/v1/conversations/CON-1", answer: " " + conversation + "\n"},
		pairCall{method: "GET", target: "/v1/conversations", answer: `{"_embedded":{"conversations":[{"id":"CON-0"}, ` + conversation + ` ]}}`},
		pairCall{method: "GET", target: "/v1/conversations/CON-1/members/MEM-1", answer: `{"id":"MEM-1","x":1}`},
		pairCall{method: "GET", target: "/v1/users/USR-1", answer: `{"id":"USR-1","x":1}`},
		pairCall{method: "GET", target: "/v1/users/USR-1/conversations", answer: `{"_embedded":{"conversations":[{"id":"CON-1","x":1}]}}`},
		pairCall{method: "GET", target: "/v1/users/USR-1/sessions", answer: `{"_embedded":{"sessions":[{"id":"SES-1","x":1}]}}`},
		pairCall{method: "GET", target: "/v1/conversations/CON-1/events/1", answer: `{"id":1,"type":"text","x":1}`},
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
		conversation, conversation, `{"id":"MEM-1","x":1}`, `{"id":"USR-1","x":1}`, `{"id":"CON-1","x":1}`, `{"id":"SES-1","x":1}`, `{"id":1,"type":"text","x":1}`,
	}
	got := []string{string(v1.Raw), string(v2.Items[1].Raw), string(v3.Raw), string(v4.Raw), string(v5.Items[0].Raw), string(v6.Items[0].Raw), string(v7.Raw)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPairNoClient has the verbs of a conversation say that they need a client.
func TestPairNoClient(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1")
	ctx := t.Context()
	_, err1 := c.Send(ctx, &nexmo.Ephemeral{})
	_, err2 := c.Invite(ctx, nexmo.MemberParams{})
	for i, err := range []error{
		err1, err2, c.Load(ctx), c.DeleteEvent(ctx, 1), c.Kick(ctx, "MEM-1", nexmo.Reason{}), c.Leave(ctx, nexmo.Reason{}), c.DTMF(ctx, "1"),
	} {
		if !errors.Is(err, nexmo.ErrNoClient) {
			t.Errorf("%d: got %v", i, err)
		}
	}
}

// TestPairNewClient refuses what no client can be made of, and reaches each
// region.
func TestPairNewClient(t *testing.T) {
	t.Parallel()
	tokens := nexmo.TokenFunc(func() (string, error) { return pairToken, nil })
	if _, err := nexmo.NewClient(nil); err == nil {
		t.Error("there is a client without tokens")
	}
	for _, address := range []string{"", "api.nexmo.com", "ftp://api.nexmo.com", "https://", "https://user:password@api.nexmo.com", "https://api.nexmo.com?a=b", "https://api.nexmo.com#a", "https://api.nexmo.com/%zz"} {
		if _, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(address)); err == nil || strings.Contains(err.Error(), "password") {
			t.Errorf("%q: got %v", address, err)
		}
	}
	if _, err := nexmo.NewClient(tokens, nexmo.WithUserAgent("shop\r\nX: y")); err == nil {
		t.Error("there is a client with a user agent of two lines")
	}
	var buf bytes.Buffer
	for _, address := range []string{
		nexmo.BaseURL, nexmo.BaseURLVirginia, nexmo.BaseURLOregon, nexmo.BaseURLDublin, nexmo.BaseURLFrankfurt, nexmo.BaseURLSingapore, nexmo.BaseURLSydney,
		" https://api.nexmo.com/ ", "http://localhost:1/prefix//",
	} {
		transport := pairRoundTrip(func(r *http.Request) string {
			fmt.Fprintln(&buf, r.URL, r.Header.Get("User-Agent"))
			return ""
		})
		c, err := nexmo.NewClient(tokens, nexmo.WithBaseURL(address), nexmo.WithHTTPClient(&http.Client{Transport: transport}), nexmo.WithHTTPClient(nil), nexmo.WithUserAgent("shop/1.0"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UserInfo(t.Context(), "USR-1"); err != nil {
			t.Error(err)
		}
	}
	var want strings.Builder
	for _, address := range []string{
		"https://api.nexmo.com", "https://api-us-3.vonage.com", "https://api-us-4.vonage.com", "https://api-eu-3.vonage.com", "https://api-eu-4.vonage.com", "https://api-ap-3.vonage.com", "https://api-ap-4.vonage.com",
		"https://api.nexmo.com", "http://localhost:1/prefix",
	} {
		want.WriteString(address + "/v1/users/USR-1 shop/1.0 nexmo-go\n")
	}
	if diff := cmp.Diff(want.String(), buf.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestPairGap has a conversation of the client ask it for what is missing, by ID,
// and with the deleted events.
func TestPairGap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		event := func(id int) string {
			return fmt.Sprintf(`{"id":%d,"type":"message","from":"MEM-1","body":{},"timestamp":"2020-01-01T14:00:00Z"}`, id)
		}
		c := pairClient(t,
			pairCall{method: "GET", target: "/v1/conversations/CON-1", answer: `{"id":"CON-1","sequence_number":17}`},
			pairCall{method: "GET", target: "/v1/conversations/CON-1/members?page_size=100", answer: `{}`},
			pairCall{method: "GET", target: "/v1/conversations/CON-1/events?page_size=100&order=asc&start_id=18", answer: `{"_embedded":{"events":[` + event(18) + `,` + event(19) + `]},"_links":{"next":{"href":"https://api-us-3.vonage.com/?cursor=a%2Bb"}}}`},
			pairCall{method: "GET", target: "/v1/conversations/CON-1/events?page_size=100&order=asc&start_id=18&cursor=a%2Bb", answer: `{"_embedded":[` + event(20) + `,` + event(21) + `]}`},
		)
		conversation, err := c.Conversation(t.Context(), "CON-1")
		if err != nil {
			t.Fatal(err)
		}
		var got []nexmo.EventID
		conversation.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			got = append(got, e.ID)
			return nil
		})
		late, err := nexmo.ParseEvent([]byte(event(21)))
		if err != nil {
			t.Fatal(err)
		}
		if err := conversation.Deliver(t.Context(), late); err != nil {
			t.Fatal(err)
		}
		if err := conversation.Close(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]nexmo.EventID{18, 19, 20, 21}, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
