//go:build !js

package socketio

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

func TestAcceptQuery(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, query string
		status      int
		want        string
	}{
		{"no transport", "EIO=4", http.StatusBadRequest, `{"code":0,"message":"Transport unknown"}`},
		{"polling", "EIO=4&transport=polling", http.StatusBadRequest, `{"code":0,"message":"Transport unknown"}`},
		{"old revision", "EIO=3&transport=websocket", http.StatusBadRequest, `{"code":5,"message":"Unsupported protocol version"}`},
		{"upgrade", "EIO=4&transport=websocket&sid=x", http.StatusBadRequest, `{"code":1,"message":"Session ID unknown"}`},
		{"no websocket", "EIO=4&transport=websocket", http.StatusUpgradeRequired,
			"WebSocket protocol violation: Connection header \"\" does not contain Upgrade\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/v2/rtc/?"+tt.query, nil)
			if c, err := Accept(t.Context(), w, r, nil); c != nil || err == nil {
				t.Errorf("Accept returns %v, %v; want an error", c, err)
			}
			if diff := cmp.Diff(tt.want, w.Body.String()); diff != "" || w.Code != tt.status {
				t.Errorf("status %d, want %d; body (-want +got):\n%s", w.Code, tt.status, diff)
			}
		})
	}
}

func TestAcceptErrors(t *testing.T) {
	t.Parallel()
	says := func(text string) func(raw) { return func(peer raw) { peer.write(text) } }
	tests := []struct {
		name   string
		script func(raw)
		refuse string
		last   string // what the client is told
		want   string
		after  time.Duration
	}{
		{"does not connect", func(raw) {}, "", "", "socketio: accept: not connected within 45s: context deadline exceeded", 45 * time.Second},
		{"event before its time", says(`42["a"]`), "", "", "socketio: accept: a packet came before the namespace was connected", 0},
		{"acknowledgement before its time", says(`430[]`), "", "", "socketio: accept: a packet came before the namespace was connected", 0},
		{"leaves", says(`41`), "", "", "socketio: disconnected by the peer", 0},
		{"bad packet", says(`9`), "", "", "socketio: bad packet: byte 0: unknown engine packet type", 0},
		{"another namespace only", says(`40/admin,`), "", "", "socketio: accept: not connected within 45s: context deadline exceeded", 45 * time.Second},
		{"refused", says(`40`), `no "entry"`, `44{"message":"no \"entry\""}`, `socketio: refused by the server: "no \"entry\""`, 0},
		{"closes", func(peer raw) { _ = peer.ws.Close(websocket.StatusNormalClosure, "") }, "", "",
			`socketio: receive: failed to get reader: received close frame: status = StatusNormalClosure and reason = ""`, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				result := make(chan error)
				n := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, err := Accept(context.Background(), w, r, &AcceptOptions{Refuse: tt.refuse})
					result <- err
				})
				start := time.Now()
				peer := raw{n.open(t)}
				defer peer.ws.CloseNow() //nolint:errcheck // closed in most cases
				peer.read()
				tt.script(peer)
				if diff := cmp.Diff(tt.last, peer.read()); diff != "" {
					t.Errorf("the client is told (-want +got):\n%s", diff)
				}
				for peer.read() != "" {
				}
				err := <-result
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

func TestAcceptOptions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, server := pair(t, &AcceptOptions{PingInterval: time.Second, PingTimeout: 500 * time.Millisecond, MaxPayload: 77})
		defer server.CloseNow()
		defer client.CloseNow()
		want := handshake{pingInterval: time.Second, pingTimeout: 500 * time.Millisecond, maxPayload: 77}
		if diff := cmp.Diff(want, client.handshake, cmp.AllowUnexported(handshake{})); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
