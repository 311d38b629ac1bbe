//go:build !js

package socketio

import (
	"context"
	"fmt"
	"net/http"

	"github.com/coder/websocket"
)

// dialWebsocket opens a websocket.
func dialWebsocket(ctx context.Context, location string, client *http.Client) (*websocket.Conn, error) {
	var own http.Client
	if client != nil {
		own = *client
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ws, resp, err := websocket.Dial(ctx, location, &websocket.DialOptions{HTTPClient: &own})
	if err == nil {
		return ws, nil
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, &StatusError{StatusCode: resp.StatusCode}
	}
	return nil, fmt.Errorf("socketio: dial: %w", withoutURL(err))
}
