package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/internal/benchdata"
)

// TestSameEvents: all ways of reading find the same in an event, the floor
// included, and the events are all different and of the size that is claimed.
func TestSameEvents(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ring     [][]byte
		min, max int
	}{
		"text":      {benchdata.Text(), 560, 640},
		"joined":    {benchdata.Joined(), 950, 1150},
		"discord":   {discordRing(), 950, 1150},
		"go-github": {githubRing(), 950, 1150},
		"livekit":   {livekitRing(), 950, 1150},
	} {
		seen := map[string]bool{}
		for _, data := range tt.ring {
			if len(data) < tt.min || len(data) > tt.max {
				t.Errorf("%s has %d bytes, want %d to %d", name, len(data), tt.min, tt.max)
			}
			if seen[string(data)] {
				t.Errorf("%s: two events are equal", name)
			}
			seen[string(data)] = true
		}
	}
	for _, data := range append(benchdata.Text(), benchdata.Joined()...) {
		e, err := nexmo.ParseEvent(data)
		if err != nil {
			t.Fatal(err)
		}
		s, err := standardParse(data)
		if err != nil {
			t.Fatal(err)
		}
		want := &nexmo.Event{
			ID: s.ID, Type: s.Type, ConversationID: s.ConversationID, ApplicationID: s.ApplicationID, From: s.From, To: s.To,
			Timestamp: s.Timestamp, FromUser: s.Embedded.FromUser, FromMember: s.Embedded.FromMember.ID, Body: s.Body, Raw: nexmo.Raw(data),
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Fatalf("(-encoding/json +ParseEvent):\n%s", diff)
		}
		if diff := cmp.Diff(want, floorEvent(data)); diff != "" {
			t.Fatalf("(-encoding/json +floor):\n%s", diff)
		}
		p, err := plainParse(data)
		if err != nil {
			t.Fatal(err)
		}
		got := []any{p.ConversationID, p.From, p.Timestamp}
		wants := []any{e.ConversationID, e.From, e.Timestamp}
		if b, ok := p.Body.(*plainJoined); ok {
			j, _ := nexmo.As[*nexmo.MemberJoined](e)
			got = append(got, b.MemberID, b.User.Name, b.Channel.From.Number, b.Timestamp.Joined, b.Media.AudioSettings.Enabled, b.Initiator.Joined.IsSystem)
			wants = append(wants, j.MemberID, j.User.Name, j.Channel.From.Number, j.Timestamp.Joined, j.Media.AudioSettings.Enabled == nexmo.True, j.Initiator.Joined.IsSystem == nexmo.True)
		}
		if diff := cmp.Diff(wants, got); diff != "" {
			t.Fatalf("(-ParseEvent +plain structs):\n%s", diff)
		}
	}
}

// TestSamePage: all ways, with and without a client, list the same events.
func TestSamePage(t *testing.T) {
	t.Parallel()
	h := &http.Client{Transport: canned(benchdata.Page())}
	list, err := listNexmo(h)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := list("CON-1")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := nexmo.ParseEvents(benchdata.Page())
	if err != nil {
		t.Fatal(err)
	}
	floor, err := floorPage(benchdata.Page())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(parsed, floor); diff != "" {
		t.Fatalf("(-ParseEvents +floor):\n%s", diff)
	}
	standard, err := listStandard(h)("CON-1")
	if err != nil {
		t.Fatal(err)
	}
	if len(listed) != 100 || len(parsed) != 100 || len(standard) != 100 {
		t.Fatalf("%d, %d and %d events", len(listed), len(parsed), len(standard))
	}
	for i, s := range standard {
		want := []any{s.ID, s.Type, s.From, s.Timestamp, s.Body}
		for _, e := range []*nexmo.Event{listed[i], parsed[i]} {
			if diff := cmp.Diff(want, []any{e.ID, e.Type, e.From, e.Timestamp, e.Body}); diff != "" {
				t.Fatalf("event %d (-encoding/json +nexmo):\n%s", i, diff)
			}
		}
	}
}

// TestSameRefusals: all ways of receiving a webhook accept what is signed, and
// refuse what is signed by another or was changed.
func TestSameRefusals(t *testing.T) {
	t.Parallel()
	livekitRing, err := livekitHooks()
	if err != nil {
		t.Fatal(err)
	}
	foreign := bearing([]hook{{hooks()[0].body, hooks()[1].token}})[0]
	for name, tt := range map[string]struct {
		ring    []hook
		receive func(hook) error
	}{
		"nexmo":     {bearing(hooks()), only(receiveNexmo(newVerifier()))},
		"floor":     {bearing(hooks()), only(receiveFloor(newFloorVerifier(secret)))},
		"standard":  {bearing(hooks()), only(receiveStandard)},
		"livekit":   {livekitRing, func(h hook) error { return livekitReceive(h.request("Authorization")) }},
		"go-github": {githubHooks(), func(h hook) error { return githubReceive(h.request("X-Hub-Signature-256")) }},
	} {
		for i, h := range tt.ring {
			if err := tt.receive(h); err != nil {
				t.Fatalf("%s, %d: %v", name, i, err)
			}
			changed := hook{append(bytes.Clone(h.body), ' '), h.token}
			// The last character of a signature has bits that are none of it.
			forged := hook{h.body, h.token[:len(h.token)-4] + "0000"}
			if tt.receive(changed) == nil || tt.receive(forged) == nil || tt.receive(foreign) == nil {
				t.Fatalf("%s, %d: what is not signed is accepted", name, i)
			}
		}
	}
}

// TestPeersDecode: the peers decode their events.
func TestPeersDecode(t *testing.T) {
	t.Parallel()
	arikawa := newArikawaDecoder()
	for i, data := range discordRing() {
		var want struct {
			D struct{ ID, Content string }
		}
		if err := json.Unmarshal(data, &want); err != nil {
			t.Fatal(err)
		}
		a, aerr := arikawa.decode(data)
		d, derr := disgoDecode(data)
		g, gerr := discordgoDecode(data)
		if err := errors.Join(aerr, derr, gerr); err != nil {
			t.Fatal(err)
		}
		if a.Content != want.D.Content || d.Content != want.D.Content || g.Content != want.D.Content || g.ID != want.D.ID || want.D.ID == "" {
			t.Fatalf("message %d: %q, %q, %q, want %q", i, a.Content, d.Content, g.Content, want.D.Content)
		}
	}
	for i, data := range githubRing() {
		if e, err := githubDecode(data); err != nil || e.GetIssue().GetNumber() != i || e.GetComment().GetBody() == "" {
			t.Fatalf("comment %d: %v", i, err)
		}
	}
}
