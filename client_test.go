package nexmo_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestNewClient refuses what no client can be made of, and reaches each
// region.
func TestNewClient(t *testing.T) {
	t.Parallel()
	tokens := nexmo.TokenFunc(func() (string, error) { return testToken, nil })
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
	if _, err := nexmo.NewClient(tokens, nexmo.WithRegion("mars")); err == nil || !strings.Contains(err.Error(), `nexmo: client: unknown region "mars"`) {
		t.Errorf("an unknown region: got %v", err)
	}
	if _, err := nexmo.NewClient(nexmo.TokenFunc(nil)); err == nil {
		t.Error("there is a client with a nil TokenFunc")
	}
	var buf bytes.Buffer
	var options []nexmo.ClientOption
	for _, r := range []nexmo.Region{
		"", nexmo.RegionUS, nexmo.RegionEU, nexmo.RegionAP,
		nexmo.RegionVirginia, nexmo.RegionOregon, nexmo.RegionDublin, nexmo.RegionFrankfurt, nexmo.RegionSingapore, nexmo.RegionSydney,
	} {
		options = append(options, nexmo.WithRegion(r))
	}
	options = append(options, nexmo.WithBaseURL(" https://api.nexmo.com/ "), nexmo.WithBaseURL("http://localhost:1/prefix//"))
	for _, option := range options {
		transport := answerFunc(func(r *http.Request) string {
			fmt.Fprintln(&buf, r.URL, r.Header.Get("User-Agent"))
			return ""
		})
		c, err := nexmo.NewClient(tokens, option, nexmo.WithHTTPClient(&http.Client{Transport: transport}), nexmo.WithHTTPClient(nil), nexmo.WithUserAgent("shop/1.0"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UserInfo(t.Context(), "USR-1"); err != nil {
			t.Error(err)
		}
	}
	var want strings.Builder
	for _, address := range []string{
		"https://api.nexmo.com", "https://api-us.vonage.com", "https://api-eu.vonage.com", "https://api-ap.vonage.com",
		"https://api-us-3.vonage.com", "https://api-us-4.vonage.com", "https://api-eu-3.vonage.com", "https://api-eu-4.vonage.com", "https://api-ap-3.vonage.com", "https://api-ap-4.vonage.com",
		"https://api.nexmo.com", "http://localhost:1/prefix",
	} {
		want.WriteString(address + "/v1/users/USR-1 shop/1.0 nexmo-go\n")
	}
	if diff := cmp.Diff(want.String(), buf.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestBaseURLOverridesRegion: the URL is the more specific of the two, in any order.
func TestBaseURLOverridesRegion(t *testing.T) {
	t.Parallel()
	for _, options := range [][]nexmo.ClientOption{
		{nexmo.WithRegion(nexmo.RegionEU), nexmo.WithBaseURL("https://example.test")},
		{nexmo.WithBaseURL("https://example.test"), nexmo.WithRegion(nexmo.RegionEU)},
	} {
		host := ""
		transport := answerFunc(func(r *http.Request) string {
			host = r.URL.Host
			return ""
		})
		c, err := nexmo.NewClient(secretTokens, append(options, nexmo.WithHTTPClient(&http.Client{Transport: transport}))...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.UserInfo(t.Context(), "USR-1"); err != nil || host != "example.test" {
			t.Errorf("the request went to %q, and %v", host, err)
		}
	}
}
