//go:build !js

package socketio

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo/internal/npm"
)

// patience is how long anything may take that others do.
const patience = time.Minute

// TestInterop connects to npm's socket.io, and lets npm's socket.io-client connect.
func TestInterop(t *testing.T) {
	t.Parallel()
	dir := npm.Install(t, filepath.Join("testdata", "interop"))
	t.Run("their server", func(t *testing.T) {
		t.Parallel()
		testTheirServer(t, dir)
	})
	t.Run("their client", func(t *testing.T) {
		t.Parallel()
		testTheirClient(t, dir)
	})
}

// script is a program in Node that writes a JSON value per line.
type script struct {
	t     *testing.T
	lines *bufio.Scanner
}

// start runs a script until the test ends, which it learns by the end of its input.
func start(t *testing.T, dir, name string, args ...string) script {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	node := exec.CommandContext(ctx, "node", append([]string{name}, args...)...)
	node.Dir = dir
	node.WaitDelay = time.Second
	var complaints strings.Builder
	node.Stderr = &complaints
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		err := node.Wait()
		cancel()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("node %s: %v\n%s", name, err, complaints.String())
		}
	})
	return script{t, bufio.NewScanner(stdout)}
}

// next decodes the next line into v, a pointer.
func (s script) next(v any) {
	s.t.Helper()
	if !s.lines.Scan() {
		s.t.Fatalf("the script writes no more: %v", s.lines.Err())
	}
	if err := json.Unmarshal(s.lines.Bytes(), v); err != nil {
		s.t.Fatalf("the script writes %s: %v", s.lines.Bytes(), err)
	}
}

// ports are those of the servers of server.mjs.
type ports struct{ Usual, Lively, Impatient int }

// ending is what a server of server.mjs writes when a client is gone.
type ending struct{ Scenario, Reason string }

func dialTheirs(t *testing.T, port int, scenario string) *Conn {
	t.Helper()
	c, err := Dial(t.Context(), fmt.Sprintf("ws://127.0.0.1:%d/v2/rtc", port), &DialOptions{
		Query: url.Values{"token": {"good"}, "scenario": {scenario}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.CloseNow)
	return c
}

func testTheirServer(t *testing.T, dir string) {
	server := start(t, dir, "server.mjs")
	var at ports
	server.next(&at)

	// One after the other, since all of them have one output.
	t.Run("refused", func(t *testing.T) {
		_, err := Dial(t.Context(), fmt.Sprintf("http://127.0.0.1:%d/v2/rtc/", at.Usual), &DialOptions{
			Query: url.Values{"token": {"expired"}},
		})
		if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Message != "bad token …" {
			t.Errorf("Dial returns %v, want a *RefusedError", err)
		}
	})
	t.Run("acks", func(t *testing.T) {
		testAcks(t, at.Usual)
		for range 2 {
			var end ending
			server.next(&end)
			if diff := cmp.Diff(ending{"acks", "client namespace disconnect"}, end); diff != "" {
				t.Errorf("the server's view (-want +got):\n%s", diff)
			}
		}
	})

	answers := func(p Packet) Packet {
		switch p.Name {
		case "session:logged-out":
			return Packet{Type: TypeEvent, Name: "large", Data: []byte(`"` + strings.Repeat("x", 900_000) + `"`)}
		case "length":
			return Packet{Type: TypeEvent, Name: "please", Data: []byte(`{"n":3000000}`)}
		}
		return Packet{}
	}
	tests := []struct {
		scenario string
		port     int
		first    Packet              // is sent
		answer   func(Packet) Packet // what is sent next; the client leaves for a packet that is not
		events   []string
		check    func(error) bool
		reason   string // as the server sees it
	}{
		{"answers", at.Usual, Packet{Type: TypeEvent, Name: "session:logout", Data: []byte(`{"tid":"ä"}`)}, answers,
			[]string{`session:logged-out {"rid":"ä"}`, `length {"n":900000}`, `large {"text":"` + strings.Repeat("x", 3_000_000) + `"}`},
			is(ErrClosed), "client namespace disconnect"},
		{"leaves", at.Usual, Packet{}, nil, nil, is(ErrDisconnected), "server namespace disconnect"},
		{"disconnects", at.Usual, Packet{}, nil, nil, is(ErrDisconnected), "server namespace disconnect"},
		{"closes the engine", at.Usual, Packet{}, nil, nil, is(ErrEngineClosed), "transport close"},
		{"closes the websocket", at.Usual, Packet{}, nil, nil,
			func(err error) bool { return websocket.CloseStatus(err) == websocket.StatusNoStatusRcvd }, "forced close"},
		{"cuts", at.Usual, Packet{}, nil, nil, is(io.EOF), "transport close"},
		{"pings", at.Lively, Packet{}, nil, []string{`done {"pongs":5}`}, is(ErrClosed), "client namespace disconnect"},
		{"silence", at.Impatient, Packet{}, nil, nil, is(ErrPingTimeout), "transport close"},
		{"ignored", at.Usual, Packet{}, nil, []string{`several {"n":1}`}, is(ErrClosed), "client namespace disconnect"},
	}
	for _, tt := range tests {
		t.Run(tt.scenario, func(t *testing.T) {
			c := dialTheirs(t, tt.port, tt.scenario)
			if tt.first.Type != TypeIgnored {
				if err := c.Send(t.Context(), tt.first); err != nil {
					t.Fatal(err)
				}
			}
			var events []string
			err := c.Run(t.Context(), func(p Packet) error {
				events = append(events, p.Name+" "+string(p.Data))
				if tt.answer != nil {
					if answer := tt.answer(p); answer.Type != TypeIgnored {
						return c.Send(t.Context(), answer)
					}
				}
				return c.Disconnect(t.Context())
			})
			if !tt.check(err) {
				t.Errorf("Run returns %v", err)
			}
			if diff := cmp.Diff(tt.events, events); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
			var end ending
			server.next(&end)
			if diff := cmp.Diff(ending{tt.scenario, tt.reason}, end); diff != "" {
				t.Errorf("the server's view (-want +got):\n%s", diff)
			}
		})
	}
}

// testAcks receives the events of a server with two clients, which counts the
// acknowledgements that it wants of both together.
func testAcks(t *testing.T, port int) {
	t.Helper()
	var wg sync.WaitGroup
	ids := make([][]string, 2)
	for i := range ids {
		c := dialTheirs(t, port, "acks")
		wg.Go(func() {
			n := 0
			err := c.Run(t.Context(), func(p Packet) error {
				if p.Name == "done" {
					if diff := cmp.Diff(`{"acknowledged":40}`, string(p.Data)); diff != "" {
						t.Errorf("done (-want +got):\n%s", diff)
					}
					return c.Disconnect(t.Context())
				}
				want := fmt.Sprintf(`{"n":%d,"text":"ünï €😀 \"]}"}`, n)
				if diff := cmp.Diff(want, string(p.Data)); diff != "" {
					t.Errorf("event (-want +got):\n%s", diff)
				}
				n++
				ids[i] = append(ids[i], p.ID)
				return c.Ack(t.Context(), p.ID)
			})
			if !errors.Is(err, ErrClosed) {
				t.Errorf("Run returns %v, want ErrClosed", err)
			}
		})
	}
	wg.Wait()
	want := make([][]string, 2)
	for n := range 40 {
		want[n%2] = append(want[n%2], fmt.Sprint(n))
	}
	if diff := cmp.Diff(want, ids); diff != "" {
		t.Errorf("numbers to acknowledge (-want +got):\n%s", diff)
	}
}

// result is what client.mjs writes of a scenario.
type result struct {
	Scenario string
	Saw      []any
}

func testTheirClient(t *testing.T, dir string) {
	var mu sync.Mutex
	connections := map[string]int{}
	acks := map[string]string{}
	ends := make(chan string, 1)
	event := func(id, name, data string) Packet {
		return Packet{Type: TypeEvent, ID: id, Name: name, Data: []byte(data)}
	}

	handler := func(w http.ResponseWriter, r *http.Request) {
		scenario := r.URL.Query().Get("scenario")
		mu.Lock()
		connections[scenario]++
		visit := connections[scenario]
		mu.Unlock()
		opts := &AcceptOptions{}
		switch scenario {
		case "pings":
			opts.PingInterval = 20 * time.Millisecond
		case "refuses":
			opts.Refuse = `no "entry"`
		}
		c, err := Accept(t.Context(), w, r, opts)
		if err != nil {
			ends <- err.Error()
			return
		}
		var sent []Packet
		switch {
		case scenario == "events":
			sent = []Packet{event("", "text", `{"n":1}`), event("7", "text", `{"n":2}`), event("900", "übung", `{"n":3}`)}
		case scenario == "disconnects":
			sent = []Packet{{Type: TypeNoop}, {Type: TypeDisconnect}}
		case scenario == "comes back" && visit == 2:
			sent = []Packet{event("0", "welcome back", `{}`)}
		case scenario == "cuts":
			c.CloseNow()
		case scenario == "closes" || scenario == "comes back":
			c.Close()
		}
		for _, p := range sent {
			if err := c.Send(t.Context(), p); err != nil {
				t.Errorf("%s: %v", scenario, err)
			}
		}
		err = c.Run(t.Context(), func(p Packet) error {
			if p.Type == TypeEvent {
				answer := Packet{Type: TypeAck, ID: p.ID, Data: []byte(`{"name":"` + p.Name + `","data":` + string(p.Data) + `}`)}
				return c.Send(t.Context(), answer)
			}
			mu.Lock()
			defer mu.Unlock()
			acks[p.ID] = string(p.Data)
			if p.ID == "900" {
				return c.Disconnect(t.Context())
			}
			return nil
		})
		if scenario != "comes back" || visit == 2 {
			ends <- err.Error()
		}
	}
	server := httptest.NewServer(http.HandlerFunc(handler))
	defer server.Close()

	client := start(t, dir, "client.mjs", server.URL)
	list := func(items ...any) []any { return items }
	tests := []struct {
		scenario string
		saw      []any
		end      string
	}{
		{"events", list(
			list("connect"), list("text", map[string]any{"n": 1.0}), list("text", map[string]any{"n": 2.0}),
			list("übung", map[string]any{"n": 3.0}), list("disconnect", "io server disconnect"),
		), ErrClosed.Error()},
		{"request", list(
			list("connect"), list("answer", map[string]any{"name": "question", "data": map[string]any{"tid": "ä"}}),
			list("disconnect", "io client disconnect"),
		), ErrDisconnected.Error()},
		{"pings", list(list("connect"), list("five pings"), list("disconnect", "io client disconnect")), ErrDisconnected.Error()},
		{"disconnects", list(list("connect"), list("disconnect", "io server disconnect")),
			`socketio: receive: failed to get reader: received close frame: status = StatusNoStatusRcvd and reason = ""`},
		{"closes", list(list("connect"), list("disconnect", "transport close")), ErrClosed.Error()},
		{"cuts", list(list("connect"), list("disconnect", "transport close")), ErrClosed.Error()},
		{"refuses", list(list("connect_error", `no "entry"`)), `socketio: refused by the server: "no \"entry\""`},
		{"comes back", list(
			list("connect"), list("disconnect", "transport close"), list("connect"), list("welcome back", map[string]any{}),
			list("disconnect", "io client disconnect"),
		), ErrDisconnected.Error()},
	}
	for _, tt := range tests {
		var got result
		client.next(&got)
		if diff := cmp.Diff(result{tt.scenario, tt.saw}, got); diff != "" {
			t.Errorf("%s: the client's view (-want +got):\n%s", tt.scenario, diff)
		}
		if diff := cmp.Diff(tt.end, <-ends); diff != "" {
			t.Errorf("%s: the server's Run (-want +got):\n%s", tt.scenario, diff)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff(map[string]string{"7": `{"got":2}`, "900": `{"got":3}`}, acks); diff != "" {
		t.Errorf("acknowledgements (-want +got):\n%s", diff)
	}
}
