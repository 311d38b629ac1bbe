package nexmo_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// cannedAnswer is a service that gives the same answer to everything.
type cannedAnswer []byte

func (a cannedAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, ContentLength: int64(len(a)), Body: io.NopCloser(bytes.NewReader(a))}, nil
}

// benchmarkPage is a page of a hundred events as the service lists them: fifty
// of a kilobyte, fifty of a third of that.
func benchmarkPage() cannedAnswer {
	var page bytes.Buffer
	page.WriteString(`{"page_size":100,"_embedded":{"events":[`)
	joined, text := joinedRing(), textRing()
	for i := range 50 {
		if i > 0 {
			page.WriteByte(',')
		}
		page.Write(joined[i])
		page.WriteByte(',')
		page.Write(text[i])
	}
	page.WriteString(`]},"_links":{"first":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/events?order=asc&page_size=100"},` +
		`"self":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/events?order=asc&page_size=100"},` +
		`"next":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/events?order=asc&page_size=100&cursor=7EjDNQrAcipmOnc0HCzpQRkhBULzY44ljGUX4lXKyUIVfiZay5pv9wg%3D"}}}`)
	return page.Bytes()
}

// standardPage is a page as encoding/json reads it; see [standardEvent].
type standardPage struct {
	Embedded struct {
		Events []json.RawMessage `json:"events"`
	} `json:"_embedded"`
	Links struct {
		Next struct {
			Href string `json:"href"`
		} `json:"next"`
	} `json:"_links"`
}

func parseStandardPage(data []byte) ([]*standardEvent, error) {
	var page standardPage
	if err := json.Unmarshal(data, &page); err != nil {
		return nil, err
	}
	events := make([]*standardEvent, len(page.Embedded.Events))
	for i, raw := range page.Embedded.Events {
		var err error
		if events[i], err = parseStandard(raw); err != nil {
			return nil, err
		}
	}
	return events, nil
}

// standardList does what a program does without this package.
func standardList(h *http.Client) ([]*standardEvent, error) {
	req, err := http.NewRequest(http.MethodGet, "https://api.nexmo.com/v1/conversations/CON-1/events?page_size=100", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer token")
	resp, err := h.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	return parseStandardPage(data)
}

func benchmarkClient(tb testing.TB, h *http.Client) *nexmo.Client {
	tb.Helper()
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return "token", nil }), nexmo.WithHTTPClient(h))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// TestListBenchmarkComparesLikeWithLike: both ways list the same events.
func TestListBenchmarkComparesLikeWithLike(t *testing.T) {
	t.Parallel()
	h := &http.Client{Transport: benchmarkPage()}
	page, err := benchmarkClient(t, h).EventsPage(t.Context(), "CON-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	standard, err := standardList(h)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Items) != 100 || page.Next == "" {
		t.Fatalf("%d events, next %q", len(page.Items), page.Next)
	}
	for i, s := range standard {
		if diff := cmp.Diff([]any{s.ID, s.Type, s.From, s.Timestamp, s.Body}, []any{
			page.Items[i].ID, page.Items[i].Type, page.Items[i].From, page.Items[i].Timestamp, page.Items[i].Body,
		}); diff != "" {
			t.Fatalf("event %d (-encoding/json +nexmo):\n%s", i, diff)
		}
	}
}

// BenchmarkListEvents lists a page of a hundred events, without a network.
func BenchmarkListEvents(b *testing.B) {
	page := benchmarkPage()
	h := &http.Client{Transport: page}
	b.Run("nexmo", func(b *testing.B) {
		c := benchmarkClient(b, h)
		b.ReportAllocs()
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			if p, err := c.EventsPage(b.Context(), "CON-1", nil); err != nil || len(p.Items) != 100 {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding-json", func(b *testing.B) {
		b.ReportAllocs()
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			if events, err := standardList(h); err != nil || len(events) != 100 {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkListMembers lists a page of a hundred members.
func BenchmarkListMembers(b *testing.B) {
	items := make([]string, 100)
	for i := range items {
		items[i] = fmt.Sprintf(`{"id":"MEM-%04d","state":"JOINED","_embedded":{"user":{"id":"USR-%04d","name":"user-%d","display_name":"User %d",`+
			`"_links":{"self":{"href":"https://api-us-3.vonage.com/v1/users/USR-%04d"}}}},"_links":{"href":"https://api-us-3.vonage.com/v1/conversations/CON-1/members/MEM-%04d"}}`, i, i, i, i, i, i)
	}
	page := cannedAnswer(`{"page_size":100,"_embedded":{"members":[` + strings.Join(items, ",") + `]},"_links":{}}`)
	c := benchmarkClient(b, &http.Client{Transport: page})
	b.ReportAllocs()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if p, err := c.MembersPage(b.Context(), "CON-1", nil); err != nil || len(p.Items) != 100 {
			b.Fatal(err)
		}
	}
}
