package socketio

import (
	"context"
	"errors"
	"net/http"

	"github.com/coder/websocket"
)

// dialWebsocket opens a websocket, by the means of the browser, which needs no
// client and tells nothing about failures.
func dialWebsocket(ctx context.Context, location string, _ *http.Client) (*websocket.Conn, error) {
	ws, _, err := websocket.Dial(ctx, location, nil)
	if err != nil {
		return nil, errors.New("socketio: dial: no websocket could be opened")
	}
	return ws, nil
}
