package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/benchdata"
)

// BenchmarkPage lists a page of a hundred events, half of them member:joined.
func BenchmarkPage(b *testing.B) {
	ring := [][]byte{benchdata.Page()}
	b.Run("nexmo", func(b *testing.B) { each(b, ring, only(nexmo.ParseEvents)) })
	b.Run("floor", func(b *testing.B) { each(b, ring, only(floorPage)) })
	b.Run("encoding_json", func(b *testing.B) { each(b, ring, only(standardPage)) })
}

// canned is a service that gives the same answer to everything.
type canned []byte

func (a canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r,
		ContentLength: int64(len(a)), Body: io.NopCloser(bytes.NewReader(a)),
	}, nil
}

// BenchmarkList asks for that page with a client, without a network.
func BenchmarkList(b *testing.B) {
	h := &http.Client{Transport: canned(benchdata.Page())}
	b.Run("nexmo", func(b *testing.B) {
		list, err := listNexmo(h)
		if err != nil {
			b.Fatal(err)
		}
		each(b, []string{"CON-1"}, only(list))
	})
	b.Run("encoding_json", func(b *testing.B) { each(b, []string{"CON-1"}, only(listStandard(h))) })
}

func listNexmo(h *http.Client) (func(string) ([]*nexmo.Event, error), error) {
	tokens := nexmo.TokenFunc(func() (string, error) { return "token", nil })
	c, err := nexmo.NewClient(tokens, nexmo.WithHTTPClient(h))
	return func(id string) ([]*nexmo.Event, error) {
		page, err := c.EventsPage(context.Background(), id, nil)
		if err != nil {
			return nil, err
		}
		return page.Items, nil
	}, err
}

func listStandard(h *http.Client) func(string) ([]*standardEvent, error) {
	return func(id string) ([]*standardEvent, error) {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.nexmo.com/v1/conversations/"+id+"/events?page_size=100", http.NoBody)
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
		return standardPage(data)
	}
}
