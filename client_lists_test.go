package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// listShapeCases are the shapes of a list.
func listShapeCases() []requestCase {
	const path = "/v1/conversations/CON-1/events"
	const typing = `{"id":1,"type":"custom:a","from":"MEM-1","body":{"aB":1.0}}`
	event := &nexmo.Event{ID: 1, Type: "custom:a", ConversationID: "CON-1", From: "MEM-1", Body: &nexmo.Custom{Name: "a", JSON: `{"aB":1.0}`}}
	events := func(name, answer string, want nexmo.Page[nexmo.Event]) requestCase {
		return requestCase{
			"events " + name,
			[]exchange{{method: "GET", target: path, answer: answer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.EventsPage(ctx, "CON-1", nil) },
			&want,
		}
	}
	users := func(name, answer string, want nexmo.Page[nexmo.UserInfo]) requestCase {
		return requestCase{
			"users " + name,
			[]exchange{{method: "GET", target: "/v1/users", answer: answer}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.UsersPage(ctx, nil) },
			&want,
		}
	}
	one := nexmo.Page[nexmo.Event]{Items: []*nexmo.Event{event}}
	next := nexmo.Page[nexmo.Event]{Items: []*nexmo.Event{event}, Next: "n+/=", Prev: "p"}
	const links = `,"_links":{"first":{"href":"https://api.nexmo.com` + path + `"},"next":{"href":"https://api-us-3.vonage.com` + path + `?order=asc&cursor=n%2B%2F%3D&page_size=10"},"prev":{"href":"https://api-us-3.vonage.com` + path + `?cursor=p"}}`
	user := nexmo.Page[nexmo.UserInfo]{Items: []*nexmo.UserInfo{{ID: "USR-1"}}}
	return []requestCase{
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

// olderVersionCases are the shapes of versions 0.1 and 0.2.
func olderVersionCases() []requestCase {
	return []requestCase{
		{
			"0.1 conversations, bare",
			[]exchange{{method: "GET", target: "/v1/conversations", answer: `[{"uuid":"CON-1","name":"first"},{"id":"CON-2","href":"https://api.nexmo.com/v0.1/conversations/CON-2"}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return collectAll(c.Conversations(ctx, nil)) },
			[]*nexmo.ConversationInfo{{ID: "CON-1", Name: "first"}, {ID: "CON-2"}},
		},
		{
			"0.1 conversations by record",
			[]exchange{{method: "GET", target: "/v1/conversations", answer: `{"count":1,"page_size":10,"record_index":0,"_embedded":{"conversations":[{"uuid":"CON-1","name":"first"}]},"_links":{"self":{"href":"https://api.nexmo.com/v0.1/conversations?page_size=10&record_index=0"}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return collectAll(c.Conversations(ctx, nil)) },
			[]*nexmo.ConversationInfo{{ID: "CON-1", Name: "first"}},
		},
		{
			"0.1 conversation",
			[]exchange{{method: "GET", target: "/v1/conversations/CON-1", answer: `{"uuid":"CON-1","name":"first","display_name":"First","timestamp":{"created":"2018-01-01T10:00:00.000Z"},"numbers":{},"members":[{"member_id":"MEM-1"}],"api_key":"abcd1234","sequence_number":"12"}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return c.ConversationInfo(ctx, "CON-1") },
			&nexmo.ConversationInfo{ID: "CON-1", Name: "first", DisplayName: "First", SequenceNumber: 12, Timestamp: nexmo.ConversationTimestamp{Created: timeAt("2018-01-01T10:00:00Z")}},
		},
		{
			"0.1 members, bare",
			[]exchange{{method: "GET", target: "/v1/conversations/CON-1/members", answer: `[{"member_id":"MEM-1","user_id":"USR-1","name":"priya","state":"JOINED"},{"user":{"id":"USR-2","name":"sam"},"id":"MEM-2","state":"INVITED","initiator":{"invited":{"isSystem":true}}}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.Members(ctx, "CON-1", nil))
			},
			[]*nexmo.MemberInfo{
				{ID: "MEM-1", ConversationID: "CON-1", User: nexmo.User{ID: "USR-1", Name: "priya"}, State: nexmo.MemberStateJoined},
				{ID: "MEM-2", ConversationID: "CON-1", User: nexmo.User{ID: "USR-2", Name: "sam"}, State: nexmo.MemberStateInvited, Initiator: nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True}}},
			},
		},
		{
			"0.2 members",
			[]exchange{{method: "GET", target: "/v1/conversations/CON-1/members", answer: `{"page_size":10,"cursor":{"self":"abc"},"_embedded":{"data":{"members":[{"id":"MEM-1","name":"priya","user_id":"USR-1","display_name":"Priya","state":"JOINED","_links":{"self":{"href":"https://api.nexmo.com/v0.2/x"}}}]}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.Members(ctx, "CON-1", nil))
			},
			[]*nexmo.MemberInfo{{ID: "MEM-1", ConversationID: "CON-1", User: nexmo.User{ID: "USR-1", Name: "priya", DisplayName: "Priya"}, State: nexmo.MemberStateJoined}},
		},
		{
			"0.2 conversations of a user",
			[]exchange{{method: "GET", target: "/v1/users/USR-1/conversations", answer: `{"_embedded":{"data":{"conversations":[{"id":"CON-1","name":"first","member_id":"MEM-1","state":"JOINED"}]}}}`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.UserConversations(ctx, "USR-1", nil))
			},
			[]*nexmo.UserConversation{{ConversationInfo: nexmo.ConversationInfo{ID: "CON-1", Name: "first"}, MemberID: "MEM-1", MemberState: nexmo.MemberStateJoined}},
		},
		{
			"0.1 events, bare",
			[]exchange{{method: "GET", target: "/v1/conversations/CON-1/events", answer: `[{"id":"1","type":"text","from":"MEM-1","to":"MEM-2","timestamp":"2018-01-01T10:00:00.000Z","body":{"text":"hello"},"state":{"seen_by":{"MEM-2":"2018-01-01T10:00:01.000Z"}}}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) {
				return collectAll(c.Events(ctx, "CON-1", nil))
			},
			[]*nexmo.Event{{
				ID: 1, Type: nexmo.EventText, ConversationID: "CON-1", From: "MEM-1", To: "MEM-2", Timestamp: timeAt("2018-01-01T10:00:00Z"),
				Body: &nexmo.Text{Text: "hello"}, State: &nexmo.EventState{SeenBy: nexmo.ReceiptTimes{"MEM-2": timeAt("2018-01-01T10:00:01Z")}},
			}},
		},
		{
			"0.1 users, bare",
			[]exchange{{method: "GET", target: "/v1/users", answer: `[{"id":"USR-1","name":"priya","href":"https://api.nexmo.com/v0.1/users/USR-1"}]`}},
			func(ctx context.Context, c *nexmo.Client) (any, error) { return collectAll(c.Users(ctx, nil)) },
			[]*nexmo.UserInfo{{ID: "USR-1", Name: "priya"}},
		},
	}
}

// TestListPages iterates over three pages, whatever the links look like.
func TestListPages(t *testing.T) {
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
			once := []exchange{
				{method: "GET", target: target, answer: page("a", tt.links[0])},
				{method: "GET", target: target + "&cursor=" + tt.sent[0], answer: page("b", tt.links[1])},
				{method: "GET", target: target + "&cursor=" + tt.sent[1], answer: page("c", "")},
			}
			c := expectingClient(t, slices.Concat(once, once, once[:1], once[:2], once[1:2])...)
			opts := &nexmo.ConversationListOptions{ListOptions: nexmo.ListOptions{PageSize: 2, Order: nexmo.OrderDescending}, Name: "x", DateStart: timeAt("2024-01-01T00:00:00Z")}
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

// pagedItem is a list of two pages whose last item is ID-2.
type pagedItem struct {
	name   string
	target string
	key    string
	list   func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error]
}

func idsOf[T any](list iter.Seq2[*T, error], id func(*T) string) iter.Seq2[string, error] {
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

// TestListEvery has each list go on to its next page with the path and the
// filters of the first, and end with an error.
func TestListEvery(t *testing.T) {
	t.Parallel()
	size := nexmo.ListOptions{PageSize: 7, Order: nexmo.OrderDescending}
	eventID := func(e *nexmo.Event) string { return fmt.Sprintf("ID-%d", e.ID) }
	types := []nexmo.EventType{nexmo.EventText, nexmo.EventMessage}
	tests := []pagedItem{
		{"conversations", "/v1/conversations?page_size=7&order=desc&name=a%2Bb", "conversations", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return idsOf(c.Conversations(ctx, &nexmo.ConversationListOptions{ListOptions: size, Name: "a+b"}), func(v *nexmo.ConversationInfo) string { return v.ID })
		}},
		{"members", "/v1/conversations/CON%2F1/members?page_size=7&order=desc", "members", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return idsOf(c.Members(ctx, "CON/1", &size), func(v *nexmo.MemberInfo) string { return v.ID })
		}},
		{"events", "/v1/conversations/CON%2F1/events?page_size=7&order=desc&start_id=1&end_id=99&event_type=text,message&exclude_deleted_events=true", "events", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			list := c.Events(ctx, "CON/1", &nexmo.EventListOptions{ListOptions: size, StartID: 1, EndID: 99, Types: types, ExcludeDeleted: true})
			return idsOf(list, eventID)
		}},
		{"events after", "/v1/conversations/CON%2F1/events?page_size=100&order=asc&start_id=6", "events", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return idsOf(c.EventsAfter(ctx, "CON/1", 5), eventID)
		}},
		{"users", "/v1/users?page_size=7&order=desc&name=priya", "users", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return idsOf(c.Users(ctx, &nexmo.UserListOptions{ListOptions: size, Name: "priya"}), func(v *nexmo.UserInfo) string { return v.ID })
		}},
		{"conversations of a user", "/v1/users/USR-1/conversations?page_size=7&order=desc&state=JOINED&order_by=custom_sort_key", "conversations", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return idsOf(c.UserConversations(ctx, "USR-1", &nexmo.UserConversationListOptions{ListOptions: size, State: nexmo.MemberStateJoined, OrderBy: "custom_sort_key"}), func(v *nexmo.UserConversation) string { return v.ID })
		}},
		{"sessions", "/v1/users/USR-1/sessions?page_size=7&order=desc", "sessions", func(ctx context.Context, c *nexmo.Client) iter.Seq2[string, error] {
			return idsOf(c.UserSessions(ctx, "USR-1", &size), func(v *nexmo.SessionInfo) string { return v.ID })
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
			calls := []exchange{
				{method: "GET", target: tt.target, answer: page(1, "two%3D")},
				{method: "GET", target: tt.target + "&cursor=two%3D", answer: page(2, "three")},
				{method: "GET", target: tt.target + "&cursor=three", status: 400, answer: `{"code":"paginator-builder:error:invalid-cursor"}`},
			}
			var got []string
			for id, err := range tt.list(t.Context(), expectingClient(t, calls...)) {
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

// TestListSameCursor has a list end with an error that would go on for ever.
func TestListSameCursor(t *testing.T) {
	t.Parallel()
	const page = `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"?cursor=a"}}}`
	c := expectingClient(t, exchange{method: "GET", target: "/v1/users", answer: page}, exchange{method: "GET", target: "/v1/users?cursor=a", answer: page})
	list, err := collectAll(c.Users(t.Context(), nil))
	if len(list) != 2 || err == nil {
		t.Errorf("there are %d users, and %v", len(list), err)
	}
}

// TestListOfTenThousand makes 10,000 calls, one after another, over one connection
// or two, whatever the answers are.
func TestListOfTenThousand(t *testing.T) {
	t.Parallel()
	const calls = 10_000
	var asked, opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n := asked.Add(1); {
		case n%10 == 3:
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "<html>"+strings.Repeat("not found ", 1000))
		case n%10 == 5:
			w.WriteHeader(http.StatusNoContent)
		case n%10 == 7:
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusFound)
		case r.URL.Query().Get("cursor") != "":
			_, _ = io.WriteString(w, `{"_embedded":{"users":[{"id":"USR-2"}]}}`)
		default:
			_, _ = io.WriteString(w, `{"_embedded":{"users":[{"id":"USR-1"}]},"_links":{"next":{"href":"https://api-us-3.vonage.com/v1/users?cursor=a%2Bb"}}}`)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	c := clientOver(t, transport, nexmo.WithBaseURL(server.URL))
	before := runtime.NumGoroutine()
	for i := range calls {
		stop := i%3 == 0
		for _, err := range c.Users(t.Context(), nil) {
			if e, ok := errors.AsType[*nexmo.APIError](err); err != nil && !ok || ok && e.Status >= 400 && e.Status != http.StatusNotFound {
				t.Fatal(err)
			}
			if stop {
				break
			}
		}
	}
	// A few more than one: on a busy machine net/http dials while a connection comes back.
	if asked.Load() < calls || opened.Load() > calls/1000 {
		t.Errorf("%d requests opened %d connections", asked.Load(), opened.Load())
	}
	t.Logf("%d requests over %d connections, from %d to %d goroutines", asked.Load(), opened.Load(), before, runtime.NumGoroutine())
}

func TestListWithOneBadEvent(t *testing.T) {
	t.Parallel()
	s := newScriptedAPI(answerWith(200, `{"_embedded":{"events":[{"id":1,"type":"text"},{"id":2},{"id":3,"type":"text"}]}}`))
	var got []nexmo.EventID
	for e, err := range s.client(t).EventsAfter(t.Context(), "CON-1", 0) {
		if err == nil {
			got = append(got, e.ID)
		}
	}
	if diff := cmp.Diff([]nexmo.EventID{1, 2, 3}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestListOrderInCapitals(t *testing.T) {
	t.Parallel()
	s := newScriptedAPI(answerWith(200, `{}`))
	if _, err := s.client(t).UsersPage(t.Context(), &nexmo.UserListOptions{ListOptions: nexmo.ListOptions{Order: "DESC"}}); err != nil {
		t.Error(err)
	}
}
