package nexmotest_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/npm"
	"github.com/conversation-events/nexmo/nexmotest"
)

// TestInterop has the official client of others, in Node, use a server. What it
// checks is in testdata/interop/driver.mjs.
func TestInterop(t *testing.T) {
	t.Parallel()
	dir := npm.Install(t, filepath.Join("testdata", "interop"))
	d := &driver{t: t, server: nexmotest.NewServer(t, nexmotest.WithApplicationID("interop"))}
	d.server.CreateUser("alice")
	d.server.CreateUser("bob")
	where, err := json.Marshal(map[string]any{
		"api_url": d.server.URL(), "ws_url": d.server.WebsocketURL(),
		"tokens": map[string]string{
			"alice":     d.server.UserToken("alice"),
			"bob":       d.server.UserToken("bob"),
			"nobody":    d.token("nobody", time.Now(), nexmo.ClientACL()),
			"expired":   d.token("alice", time.Now().Add(-time.Hour), nexmo.ClientACL()),
			"powerless": d.token("alice", time.Now(), nexmo.NewACL(nexmo.ACLUsers)),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.run(dir, string(where))
}

// driver runs the script, and does what it asks of the server.
type driver struct {
	t      *testing.T
	server *nexmotest.Server
}

// line is a line of the script's output.
type line struct {
	Check, Error string
	Ask          string
	Args         []string
	Over         bool
}

func (d *driver) run(dir, where string) {
	ctx, cancel := context.WithTimeout(d.t.Context(), 3*time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "driver.mjs", where)
	node.Dir = dir
	node.WaitDelay = time.Second
	var complaints strings.Builder
	node.Stderr = &complaints
	stdin, err := node.StdinPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		d.t.Fatal(err)
	}
	over := d.follow(stdout, stdin)
	_ = stdin.Close()
	if err := node.Wait(); err != nil || !over {
		d.t.Errorf("the script did not come to its end: %v\n%s", err, complaints.String())
	}
}

// follow reads the script's output to its end, and reports whether that was as
// it should be.
func (d *driver) follow(output io.Reader, input io.Writer) (over bool) {
	checks := 0
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		var l line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			d.t.Errorf("the script writes %s: %v", lines.Bytes(), err)
			continue
		}
		switch {
		case l.Ask != "":
			answer, err := json.Marshal(d.answer(l.Ask, l.Args))
			if err != nil {
				d.t.Error(err)
			}
			_, _ = input.Write(append(answer, '\n')) // if it fails, the script has ended
		case l.Error != "":
			d.t.Errorf("%s: %s", l.Check, l.Error)
		case l.Check != "":
			d.t.Log(l.Check)
			checks++
		}
		over = l.Over
	}
	d.t.Logf("%d checks passed", checks)
	return over && lines.Err() == nil
}

// answer does what the script asks for.
func (d *driver) answer(what string, args []string) any {
	s, f := d.server, d.server.Faults()
	switch what {
	case "refuse":
		f.Logins(args[0], 1)
	case "disturb":
		f.SkipIDs(args[0], 3)
		f.Frames("bob", nexmotest.Reorder(3), 1, nexmo.EventText)
		f.Frames("bob", nexmotest.Duplicate(), 1, nexmo.EventText)
		f.Frames("bob", nexmotest.Drop(), 1, nexmo.EventText)
	case "clear":
		f.Clear()
	case "frames":
		f.SendFrame(args[0], "echo", struct{}{})
		f.SendFrame(args[0], "session:something", struct{}{})
		f.SendFrame(args[0], "system:error:test", map[string]any{"body": struct{}{}})
	case "token":
		return s.UserToken(args[0])
	case "cut":
		f.CutSessions(args[0])
		d.say(args[1:])
	case "close":
		f.CloseSessions(args[0])
		d.say(args[1:])
	case "metrics":
		var metrics any
		if err := json.Unmarshal(s.ExpectRequest("POST /v2/rtc/metrics").Body, &metrics); err != nil {
			d.t.Error(err)
		}
		return metrics
	case "disconnect":
		f.DisconnectSessions(args[0])
	case "end":
		f.EndSessions(args[0])
	default:
		d.t.Errorf("the script asks for %q", what)
	}
	return nil
}

// say has a member say three things in a conversation.
func (d *driver) say(args []string) {
	conversation, member, word := args[0], args[1], args[2]
	for _, n := range []string{" 1", " 2", " 3"} {
		d.server.Emit(conversation, &nexmo.Text{Text: word + n}, nexmotest.From(member))
	}
}

// token returns a token of a user that need not be there.
func (d *driver) token(user string, issued time.Time, acl nexmo.ACL) string {
	key, err := jwt.ParseRSAPrivateKeyFromPEM(d.server.PrivateKey())
	if err != nil {
		d.t.Fatal(err)
	}
	token, err := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"application_id": d.server.ApplicationID(), "sub": user, "acl": acl, "jti": "token of " + user,
		"iat": issued.Unix(), "exp": issued.Add(15 * time.Minute).Unix(),
	}).SignedString(key)
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}
