package nexmo

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzSessionFrames reads what a session is sent: a login's answer, with the events
// that were missed, is what encoding/json finds in it, a frame is what ParseEvent
// makes of the packet, and no error holds what a frame says.
func FuzzSessionFrames(f *testing.F) {
	seedCorpus(f)
	for _, text := range []string{
		`{"body":{"id":"SES-1","user_id":"USR-1","name":"n"}}`, `{"body":{"id":"SES-1","pending_events":[{"type":"text","id":1},{"type":"text:seen","cid":"CON-1"},7]}}`,
		`{"body":{"id":""}}`, `{"body":null}`, `{"body":{"id":"SES-1","pending_events":{}}}`, `{"body":{"description":"d"},"description":"e"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := newSession(TokenFunc(func() (string, error) { return "token", nil }), nil)
		if err != nil {
			t.Fatal(err)
		}
		err = s.adopt(t.Context(), data)
		var said map[string]map[string]any
		var pending struct {
			Body struct {
				Events json.RawMessage `json:"pending_events"`
			} `json:"body"`
		}
		exact := json.Unmarshal(data, &said) == nil && json.Unmarshal(data, &pending) == nil && !namesInAnotherCase(data)
		id, _ := said["body"]["id"].(string)
		if exact && strictJSON(data, math.MaxInt) && id != "" && err == nil {
			if s.ID() != id {
				t.Errorf("the session is %q, want %q", s.ID(), id)
			}
			if name, ok := said["body"]["user_id"].(string); ok && s.Me().ID != name {
				t.Errorf("we are %q, want %q", s.Me().ID, name)
			}
			var want []*Event
			if list := pending.Body.Events; len(list) > 0 && list[0] == '[' {
				var items []json.RawMessage
				_ = json.Unmarshal(list, &items) // it is an array
				for _, item := range items {
					if e, err := ParseEvent(item); err == nil && !ours(string(e.Type)) { // what is bad is left out
						want = append(want, e)
					}
				}
			}
			var got []*Event
			over := make(chan struct{})
			close(over)
			for r, ok := s.inbox.next(nil, over); ok; r, ok = s.inbox.next(nil, over) {
				if r.event != nil {
					got = append(got, r.event)
				}
				s.inbox.delivered(r)
			}
			if diff := gocmp.Diff(want, got, sameErrors, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("missed events (-ParseEvent +got):\n%s", diff)
			}
		} else if err == nil && s.ID() == "" {
			t.Error("a session without an ID")
		}
		if bytes.Contains(data, []byte("private words")) {
			for _, err := range []error{err, newSessionError("session:error", data)} {
				if err != nil && strings.Contains(err.Error(), "private words") {
					t.Errorf("it says: %v", err)
				}
			}
		}

		// A frame of the name text, and the packet that it is: what it says of itself
		// reads back.
		got, gerr := ParseEvent(frameText("text", data))
		want, werr := ParseEvent(slices.Concat([]byte(`["text",`), data, []byte(`]`)))
		object := json.Valid(data) && bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("{"))
		typed := false // then a type inside, whatever it is, does not matter
		for f := walkFields(data); f.next(); {
			typed = typed || f.key() == "type"
		}
		if object && (gerr != nil && werr == nil || gerr == nil && werr != nil && !typed) {
			t.Fatalf("the frame is %v, the packet is %v", gerr, werr)
		}
		if object && gerr == nil && werr == nil {
			if diff := gocmp.Diff(want, got, sameErrors, withoutRaw); diff != "" {
				t.Errorf("(-packet +frame):\n%s", diff)
			}
		}
	})
}
