package nexmo_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// Where a session is, and where its requests go, follow from one another.
func TestSessionURLs(t *testing.T) {
	t.Parallel()
	const user = "eyJhbGciOiJub25lIn0.e30."
	tests := []struct {
		name string
		opts []nexmo.SessionOption
		want string
		err  string
	}{
		{"the default", nil, "ws-us.vonage.com/v2/rtc/", ""},
		{"a region", []nexmo.SessionOption{nexmo.WithRegion(nexmo.RegionAP)}, "ws-ap.vonage.com/v2/rtc/", ""},
		{"a data centre", []nexmo.SessionOption{nexmo.WithRegion(nexmo.RegionDublin)}, "ws-eu-3.vonage.com/v2/rtc/", ""},
		{"a region and a URL", []nexmo.SessionOption{nexmo.WithWebsocketURL("https://example.test"), nexmo.WithRegion(nexmo.RegionAP)}, "example.test/v2/rtc/", ""},
		{"a region and a URL of requests", []nexmo.SessionOption{nexmo.WithBaseURL("https://example.test"), nexmo.WithRegion(nexmo.RegionAP)}, "ws-ap.vonage.com/v2/rtc/", ""},
		{"the URL of a region", []nexmo.SessionOption{nexmo.WithBaseURL("https://api-eu-4.vonage.com/")}, "ws-eu-4.vonage.com/v2/rtc/", ""},
		{"the URL of the default", []nexmo.SessionOption{nexmo.WithBaseURL("https://api.nexmo.com")}, "ws-us.vonage.com/v2/rtc/", ""},
		{"no region", []nexmo.SessionOption{nexmo.WithRegion("mars")}, "", `nexmo: dial: unknown region "mars"`},
		{"the server of requests", []nexmo.SessionOption{nexmo.WithBaseURL("http://example.test:81/")}, "example.test:81/v2/rtc/", ""},
		{"a path", []nexmo.SessionOption{nexmo.WithWebsocketURL("https://example.test/rtc/")}, "example.test/rtc/", ""},
		{"no URL", []nexmo.SessionOption{nexmo.WithWebsocketURL("example.test")}, "", "the websocket URL is not like"},
		{"another scheme", []nexmo.SessionOption{nexmo.WithWebsocketURL("ftp://example.test")}, "", "the websocket URL is not like"},
		{"a query", []nexmo.SessionOption{nexmo.WithWebsocketURL("ws://example.test?x=1")}, "", "the websocket URL is not like"},
		{"no room", []nexmo.SessionOption{nexmo.WithSessionQueue(0)}, "", "WithSessionQueue"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 1)
			client := &http.Client{Transport: transportFunc(func(r *http.Request) (*http.Response, error) {
				asked <- r.URL.Host + r.URL.Path
				return nil, io.ErrUnexpectedEOF
			})}
			tokens := nexmo.TokenFunc(func() (string, error) { return user, nil })
			_, err := nexmo.Dial(t.Context(), tokens, append(tt.opts, nexmo.WithHTTPClient(client))...)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("Dial returns %v", err)
				}
				return
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(err.Error(), user) {
				t.Errorf("Dial returns %v", err)
			}
			if diff := cmp.Diff(tt.want, <-asked); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
