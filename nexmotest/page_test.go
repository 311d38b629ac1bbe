package nexmotest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// pageOfEvents is a page as the current generations write it.
type pageOfEvents struct {
	Embedded struct {
		Events []struct{ ID int }
	} `json:"_embedded"`
	Links map[string]struct{ Href string } `json:"_links"`
}

// getEvents returns a page of events as it is.
func getEvents(t *testing.T, s *nexmotest.Server, path string) (ids []int, links map[string]string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.Token())
	a, err := s.HTTPClient().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Body.Close() }()
	var p pageOfEvents
	if err := json.NewDecoder(a.Body).Decode(&p); err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, a.StatusCode, err)
	}
	for _, e := range p.Embedded.Events {
		ids = append(ids, e.ID)
	}
	links = map[string]string{}
	for name, link := range p.Links {
		links[name] = link.Href
	}
	return ids, links
}

// follow returns the path and query of a link, which names the host of a region.
func follow(t *testing.T, link string) string {
	t.Helper()
	path, ok := strings.CutPrefix(link, "https://api-us-3.vonage.com")
	if !ok {
		t.Fatalf("the link %q does not name the host of the region", link)
	}
	return path
}

func withEvents(t *testing.T, n int) (*nexmotest.Server, string) {
	t.Helper()
	s := nexmotest.NewServer(t)
	id := s.CreateConversation("")
	for range n {
		s.Emit(id, &nexmo.Custom{Name: "x"})
	}
	return s, id
}

// A list is walked from one end to the other and back, by the links as they are.
func TestPaging(t *testing.T) {
	t.Parallel()
	s, id := withEvents(t, 7)
	for _, test := range []struct {
		query          string
		forth          [][]int
		back           [][]int
		first, ordered string
	}{
		{"page_size=3", [][]int{{1, 2, 3}, {4, 5, 6}, {7}}, [][]int{{4, 5, 6}, {1, 2, 3}}, "order=asc&page_size=3", "order=asc"},
		{"page_size=3&order=DESC", [][]int{{7, 6, 5}, {4, 3, 2}, {1}}, [][]int{{4, 3, 2}, {7, 6, 5}}, "order=desc&page_size=3", "order=desc"},
		{"start_id=2&end_id=5&page_size=2", [][]int{{2, 3}, {4, 5}}, [][]int{{2, 3}}, "order=asc&page_size=2&end_id=5&start_id=2", "start_id=2"},
		{"", [][]int{{1, 2, 3, 4, 5, 6, 7}}, nil, "order=asc&page_size=10", "order=asc"},
		{"page_size=7", [][]int{{1, 2, 3, 4, 5, 6, 7}}, nil, "order=asc&page_size=7", "order=asc"},
	} {
		var forth, back [][]int
		path := "/v1/conversations/" + id + "/events?" + test.query
		var links map[string]string
		for path != "" {
			var ids []int
			ids, links = getEvents(t, s, path)
			forth = append(forth, ids)
			if got := follow(t, links["first"]); got != "/v1/conversations/"+id+"/events?"+test.first {
				t.Errorf("%s: the first page is %s", test.query, got)
			}
			if len(forth) > 1 && follow(t, links["self"]) != path {
				t.Errorf("%s: self is %s and not %s", test.query, links["self"], path)
			}
			path = ""
			if links["next"] != "" {
				path = follow(t, links["next"])
				if !strings.Contains(path, test.ordered) || strings.Contains(path, "?cursor=") {
					t.Errorf("%s: the next page is %s", test.query, path)
				}
			}
		}
		for links["prev"] != "" {
			var ids []int
			ids, links = getEvents(t, s, follow(t, links["prev"]))
			back = append(back, ids)
		}
		if diff := cmp.Diff(test.forth, forth); diff != "" {
			t.Errorf("%s: forth (-want +got):\n%s", test.query, diff)
		}
		if diff := cmp.Diff(test.back, back); diff != "" {
			t.Errorf("%s: back (-want +got):\n%s", test.query, diff)
		}
	}
}

// A cursor stays where it was while the list grows, and belongs to one list.
func TestCursors(t *testing.T) {
	t.Parallel()
	s, id := withEvents(t, 4)
	path := "/v1/conversations/" + id + "/events"
	_, links := getEvents(t, s, path+"?page_size=2&order=desc")
	next := follow(t, links["next"])
	s.Emit(id, &nexmo.Custom{Name: "x"})
	ids, _ := getEvents(t, s, next)
	if diff := cmp.Diff([]int{2, 1}, ids); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	// It is encoded once, and has characters that need it sooner or later.
	raw := next[strings.Index(next, "&cursor=")+len("&cursor="):]
	cursor, err := url.QueryUnescape(raw)
	if err != nil || url.QueryEscape(cursor) != raw || !strings.HasSuffix(cursor, "=") && strings.ContainsAny(cursor, "%") {
		t.Errorf("the cursor is %q, %v", raw, err)
	}
	// A page can be asked for by the cursor alone.
	ids, _ = getEvents(t, s, path+"?cursor="+raw)
	if diff := cmp.Diff([]int{2, 1}, ids); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	sc := &scenario{t: t, server: s, names: map[string]string{}, meant: map[string]string{}, counted: map[string]int{}}
	for _, path := range []string{"/v1/conversations?cursor=" + raw, "/v1/conversations/" + id + "/members?cursor=" + raw, path + "?cursor=" + raw[3:]} {
		sc.play(step{"", "GET", path, ``, 400, problem(400, "paginator-builder:error:invalid-cursor", "The cursor is invalid.")})
	}
}

// Every list pages.
func TestListsPage(t *testing.T) {
	t.Parallel()
	s := newScenario(t)
	var last string
	for i := range 5 {
		last = s.server.CreateConversation("")
		s.server.Join(last, "alice")
		s.server.Join(last, fmt.Sprint("user ", i))
	}
	for i := range 3 {
		s.server.Invite(last, fmt.Sprint("user ", i))
	}
	for path, want := range map[string]string{
		"/v1/users":                                   "users 2 2 2",
		"/v0.3/users":                                 "users 2 2 2",
		"/v1/conversations":                           "conversations 2 2 1",
		"/v1/users/alice/conversations":               "conversations 2 2 1",
		"/beta2/users/alice/conversations":            "conversations 2 2 1",
		"/v1/conversations/" + last + "/members":      "members 2 2 1",
		"/beta2/conversations/" + last + "/members":   "members 2 2 1",
		"/v1/conversations/" + last + "/events":       "events 2 2 1",
		"/v0.2/conversations/" + last + "/events":     "events 2 2 1",
		"/v0.3/conversations/" + last + "/events":     "events 2 2 1",
		"/v1/users/user%200/conversations":            "conversations 2",
		"/v1/conversations/" + last + "/events?x=%20": "events 2 2 1",
	} {
		name, _, _ := strings.Cut(want, " ")
		got := name
		seen := map[string]bool{}
		join := "?"
		if strings.Contains(path, "?") {
			join = "&"
		}
		for next := path + join + "page_size=2"; next != ""; {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.server.URL()+next, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+s.server.Token())
			a, err := s.server.HTTPClient().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			var p struct {
				Embedded map[string]json.RawMessage       `json:"_embedded"`
				Links    map[string]struct{ Href string } `json:"_links"`
			}
			err = json.NewDecoder(a.Body).Decode(&p)
			_ = a.Body.Close()
			if err != nil {
				t.Fatal(err)
			}
			items := p.Embedded[name]
			if data := p.Embedded["data"]; data != nil {
				var inner map[string]json.RawMessage
				if err := json.Unmarshal(data, &inner); err != nil {
					t.Fatal(err)
				}
				items = inner[name]
			}
			var list []struct{ ID json.RawMessage }
			if err := json.Unmarshal(items, &list); err != nil {
				t.Fatal(err)
			}
			got += fmt.Sprint(" ", len(list))
			if slices.ContainsFunc(list, func(e struct{ ID json.RawMessage }) bool { return seen[string(e.ID)] }) {
				t.Errorf("%s: something comes twice", path)
			}
			for _, e := range list {
				seen[string(e.ID)] = true
			}
			next = ""
			if link := p.Links["next"].Href; link != "" {
				next = follow(t, link)
			}
		}
		if got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
