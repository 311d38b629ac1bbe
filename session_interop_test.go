package nexmo_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/npm"
)

// TestSessionInterop holds a session with npm's socket.io, which sends events twice,
// in the wrong order, late, or not at all, ends the connection in every way, and
// refuses a token. Without Node, npm or the package it is skipped, unless NEXMO_INTEROP
// is 1.
func TestSessionInterop(t *testing.T) {
	t.Parallel()
	const events = 10_000
	node := startNode(t, "session.mjs", fmt.Sprint(events))
	var at struct{ Port int }
	node.next(&at)
	base := nexmo.WithBaseURL(fmt.Sprintf("http://127.0.0.1:%d", at.Port))
	var number atomic.Int64
	tokens := nexmo.TokenFunc(func() (string, error) { return fmt.Sprint("token", number.Add(1)), nil })
	s, err := nexmo.Dial(t.Context(), tokens, base)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	told := statesOf(s)
	client, err := nexmo.NewClient(tokens, base)
	if err != nil {
		t.Fatal(err)
	}
	record := newTranscript(events)
	c := nexmo.NewConversation("CON-1", nexmo.WithStart(1), nexmo.WithClient(client), nexmo.WithReorderWindow(events, time.Minute),
		nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) { t.Errorf("%v is missing", g) }))
	defer c.Close() //nolint:errcheck // nothing is held back
	nexmo.On(c, func(ctx context.Context, e *nexmo.Event, b *nexmo.Text) error {
		if want := fmt.Sprintf("number %d ünï😀", e.ID); b.Text != want {
			t.Errorf("event %d says %q", e.ID, b.Text)
		}
		return record.handle(ctx, e)
	})

	// Cut, and then closed.
	err = <-running(t, s, c)
	if !errors.Is(err, nexmo.ErrSessionDisconnected) {
		t.Fatalf("Run returns %v", err)
	}
	const lost, again, back = nexmo.SessionStateDisconnected, nexmo.SessionStateReconnecting, nexmo.SessionStateConnected
	told.expectChanges(t, lost, again, back, lost, again, back, nexmo.SessionStateClosed)

	// Sent away, and then closed.
	if s, err = nexmo.Dial(t.Context(), tokens, base, nexmo.WithResume(s.ID())); err != nil {
		t.Fatal(err)
	}
	told = statesOf(s)
	done := running(t, s, c)
	record.wait(t)
	if diff := cmp.Diff(from1(events), record.all()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	told.expectChanges(t, lost, again, back)
	if err := s.Logout(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-done; err != nil {
		t.Errorf("Run returns %v", err)
	}
	var got struct {
		Queries      []string
		Acknowledged int
		Pending      int
		Reason       string
		Complaints   []string
	}
	node.next(&got)
	want := got
	const resumed = "session_id"
	want.Queries = []string{"OS_family OS_revision SDK_name SDK_version acknowledge_events session_version", resumed, resumed, resumed, resumed, resumed}
	want.Acknowledged, want.Pending, want.Reason, want.Complaints = events-events/500, 0, "client namespace disconnect", []string{}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the server's view (-want +got):\n%s", diff)
	}
}

// node is a program in Node that writes a JSON value per line.
type node struct {
	t     *testing.T
	lines *bufio.Scanner
}

// startNode installs the scripts and runs one until the test ends, which it learns by
// the end of its input.
func startNode(t *testing.T, args ...string) node {
	t.Helper()
	dir := npm.Install(t, filepath.Join("internal", "socketio", "testdata", "interop"))
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	script := exec.CommandContext(ctx, "node", args...)
	script.Dir, script.WaitDelay = dir, time.Second
	var complaints strings.Builder
	script.Stderr = &complaints
	stdin, err := script.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := script.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := script.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_, _ = io.Copy(io.Discard, stdout)
		err := script.Wait()
		cancel()
		if err != nil || complaints.Len() > 0 {
			t.Errorf("node: %v\n%s", err, complaints.String())
		}
	})
	return node{t, bufio.NewScanner(stdout)}
}

// next decodes the next line into v, a pointer.
func (n node) next(v any) {
	n.t.Helper()
	if !n.lines.Scan() {
		n.t.Fatalf("the script writes no more: %v", n.lines.Err())
	}
	if err := json.Unmarshal(n.lines.Bytes(), v); err != nil {
		n.t.Fatalf("the script writes %s: %v", n.lines.Bytes(), err)
	}
}
