package nexmo_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/benchdata"
)

// cannedAnswer is a service that gives the same answer to everything.
type cannedAnswer []byte

func (a cannedAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: r, ContentLength: int64(len(a)), Body: io.NopCloser(bytes.NewReader(a))}, nil
}

func benchmarkClient(tb testing.TB, h *http.Client) *nexmo.Client {
	tb.Helper()
	c, err := nexmo.NewClient(nexmo.TokenFunc(func() (string, error) { return "token", nil }), nexmo.WithHTTPClient(h))
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// BenchmarkListEvents lists a page of a hundred events, without a network.
func BenchmarkListEvents(b *testing.B) {
	page := cannedAnswer(benchdata.Page())
	c := benchmarkClient(b, &http.Client{Transport: page})
	b.ReportAllocs()
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if p, err := c.EventsPage(b.Context(), "CON-1", nil); err != nil || len(p.Items) != 100 {
			b.Fatal(err)
		}
	}
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
