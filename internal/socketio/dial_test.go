//go:build !js

package socketio

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

const token = "header.payload+/=.signature"

func TestRequestURL(t *testing.T) {
	t.Parallel()
	query := url.Values{"token": {"a b"}, "EIO": {"3"}}
	const protocol = "EIO=4&token=a+b&transport=websocket"
	tests := []struct {
		name, location, want string
	}{
		{"wss", "wss://host", "https://host/?" + protocol},
		{"https with path", "https://host/v2/rtc", "https://host/v2/rtc/?" + protocol},
		{"ws with port and slash", "ws://host:8080/v2/rtc/", "http://host:8080/v2/rtc/?" + protocol},
		{"http with query and fragment", "http://host/v2/rtc?x=1&token=old#there", "http://host/v2/rtc/?" + protocol + "&x=1"},
		{"escaped path", "wss://host/a%2Fb", "https://host/a%2Fb/?" + protocol},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := requestURL(tt.location, query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDialBadURL(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, location, want string
	}{
		{"no scheme", "host/v2/rtc", "socketio: dial: the URL must begin with https://, wss://, http:// or ws://"},
		{"other scheme", "ftp://host", "socketio: dial: the URL must begin with https://, wss://, http:// or ws://"},
		{"no host", "wss:///v2/rtc", "socketio: dial: the URL has no host"},
		{"malformed", "wss://host/\n?token=" + token, "socketio: dial: the URL cannot be parsed: net/url: invalid control character in URL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), tt.location, nil)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDialErrors(t *testing.T) {
	t.Parallel()
	opened := func(script func(raw)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			ws, err := websocket.Accept(w, r, nil)
			if err != nil {
				return
			}
			defer ws.CloseNow() //nolint:errcheck // closed in most cases
			peer := raw{ws}
			script(peer)
			for peer.read() != "" {
			}
		}
	}
	says := func(text string) http.HandlerFunc { return opened(func(peer raw) { peer.write(text) }) }
	const late = "socketio: dial: not connected within 20s: context deadline exceeded"
	tests := []struct {
		name    string
		handler http.HandlerFunc
		want    string
		after   time.Duration
	}{
		{"status", func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.URL.String(), http.StatusUnauthorized)
		}, "socketio: dial: no websocket but HTTP status 401 Unauthorized", 0},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://elsewhere/", http.StatusFound)
		}, "socketio: dial: no websocket but HTTP status 302 Found", 0},
		{"no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, late, 20 * time.Second},
		{"no open packet", opened(func(raw) {}), late, 20 * time.Second},
		{"not let in", says(opening), late, 20 * time.Second},
		{"not an open packet", says(`{"sid":"s"}`), "socketio: bad packet: byte 0: unknown engine packet type", 0},
		{"open packet without payload", says(`0`), "socketio: open packet: invalid JSON at byte 0: unexpected end of text", 0},
		{"open packet of another shape", says(`0{"pingInterval":"1","pingTimeout":1}`), "socketio: open packet: pingInterval: want whole number, found text", 0},
		{"no interval", says(`0{"pingTimeout":1}`), "socketio: open packet: pingInterval is 0; want milliseconds from 1 to 2147483647", 0},
		{"timeout out of range", says(`0{"pingInterval":1,"pingTimeout":9007199254740991}`), "socketio: open packet: pingTimeout is 9007199254740991; want milliseconds from 1 to 2147483647", 0},
		{"refused", opened(func(peer raw) {
			peer.write(opening)
			peer.read()
			peer.write(`44{"message":"bad token ` + token + `","data":{"code":1}}`)
		}), `socketio: refused by the server: "bad token …"`, 0},
		{"refused by an old server", opened(func(peer raw) {
			peer.write(opening)
			peer.read()
			peer.write(`44"no"`)
		}), `socketio: refused by the server: "no"`, 0},
		{"refused without a word", opened(func(peer raw) {
			peer.write(opening)
			peer.read()
			peer.write(`44`)
		}), `socketio: refused by the server: ""`, 0},
		{"disconnected", opened(func(peer raw) {
			peer.write(opening)
			peer.read()
			peer.write(`41`)
		}), "socketio: disconnected by the peer", 0},
		{"event before its time", opened(func(peer raw) {
			peer.write(opening)
			peer.read()
			peer.write(`42["a"]`)
		}), "socketio: dial: a packet came before the namespace was connected", 0},
		{"connected before its time", says(`40{"sid":"s"}`), late, 20 * time.Second},
		{"closed", opened(func(peer raw) {
			_ = peer.ws.Close(websocket.StatusPolicyViolation, "no "+url.QueryEscape(token))
		}), `socketio: receive: failed to get reader: received close frame: status = StatusPolicyViolation and reason = "no …"`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, tt.handler)
				start := time.Now()
				_, err := Dial(t.Context(), "wss://test/v2/rtc", &DialOptions{
					HTTPClient: plain(n.client),
					Query:      url.Values{"token": {token}},
				})
				if err == nil {
					t.Fatal("no error")
				}
				if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if got := time.Since(start); got != tt.after {
					t.Errorf("it took %v, want %v", got, tt.after)
				}
			})
		})
	}
}

// plain speaks to a server of HTTPS without encryption.
func plain(client *http.Client) *http.Client {
	return &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
		r = r.Clone(r.Context())
		r.URL.Scheme = "http"
		return client.Transport.RoundTrip(r)
	})}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// None of the errors holds the query, as Dial promises.
func TestDialErrorsWithoutToken(t *testing.T) {
	t.Parallel()
	own := errors.New("own error")
	tests := []struct {
		name string
		fail func(*http.Request) error
		want string
	}{
		{"of the network", func(*http.Request) error { return own }, "socketio: dial: own error"},
		{"with the URL", func(r *http.Request) error { return fmt.Errorf("%s: %w", r.URL, own) }, "socketio: dial: https://test/?…: own error"},
		{"with the token", func(*http.Request) error { return fmt.Errorf("%s: %w", token, own) }, "socketio: dial: …: own error"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Dial(t.Context(), "wss://test", &DialOptions{
				HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
					return nil, tt.fail(r)
				})},
				Query: url.Values{"token": {token}},
			})
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestDialContext(t *testing.T) {
	t.Parallel()
	own := errors.New("own error")
	tests := []struct {
		name   string
		script func(raw)
	}{
		{"before the open packet", func(raw) {}},
		{"before the namespace is connected", func(peer raw) {
			peer.write(opening)
			if got := peer.read(); got != "40" {
				t.Errorf("the client sends %q, want 40", got)
			}
			peer.write("2")
			if got := peer.read(); got != "3" {
				t.Errorf("the client answers %q, want 3", got)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					ws, err := websocket.Accept(w, r, nil)
					if err != nil {
						t.Error(err)
						return
					}
					tt.script(raw{ws})
					_, _, _ = ws.Read(t.Context())
				})
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, own)
				defer cancel()
				_, err := Dial(ctx, "ws://test", &DialOptions{HTTPClient: n.client})
				if !errors.Is(err, own) {
					t.Errorf("Dial returns %v, want the cause of its context's end", err)
				}
			})
		})
	}
}

func TestDialTypedErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Get("token") == "" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			_, _ = Accept(context.Background(), w, r, &AcceptOptions{Refuse: `who is "` + r.URL.Query().Get("token") + `"?`})
		})
		_, err := Dial(t.Context(), "ws://test", &DialOptions{HTTPClient: n.client})
		var status *StatusError
		if !errors.As(err, &status) || status.StatusCode != http.StatusTeapot {
			t.Errorf("Dial returns %v, want the status", err)
		}
		_, err = Dial(t.Context(), "ws://test", &DialOptions{HTTPClient: n.client, Query: url.Values{"token": {token}}})
		var refused *RefusedError
		if !errors.As(err, &refused) || refused.Message != `who is "…"?` {
			t.Errorf("Dial returns %v, want the refusal without the token", err)
		}
		if strings.Contains(err.Error(), "signature") {
			t.Errorf("%v shows the token", err)
		}
	})
}
