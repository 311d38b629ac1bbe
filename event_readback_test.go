package nexmo_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// wantReadBack checks that an event can be read back, from its Raw and from what
// encoding/json writes of it.
func wantReadBack(t *testing.T, e *nexmo.Event) {
	t.Helper()
	same := sameFields // of an event made in Go
	if e.Raw != "" {
		same = sameEvent
		again, err := nexmo.ParseEvent(e.Raw.Bytes())
		if err != nil {
			t.Fatalf("its Raw cannot be read: %v: %s", err, e.Raw)
		}
		if diff := cmp.Diff(e, again, identical); diff != "" {
			t.Errorf("its Raw says (-event +read back):\n%s", diff)
		}
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	again, err := nexmo.ParseEvent(text)
	if err != nil {
		t.Fatalf("its JSON cannot be read: %v: %s", err, text)
	}
	if diff := cmp.Diff(e, again, same); diff != "" {
		t.Errorf("its JSON says (-event +read back):\n%s", diff)
	}
}

// collected is a Sink that collects events, and a function that takes them.
type collected struct {
	mu  sync.Mutex
	all []*nexmo.Event
}

func (c *collected) Deliver(_ context.Context, e *nexmo.Event) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all = append(c.all, e)
	return nil
}

func (c *collected) take() []*nexmo.Event {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

// membersOf returns a sample event by its members, all of them as JSON.
func membersOf(t *testing.T, text []byte) map[string]json.RawMessage {
	t.Helper()
	var m map[string]json.RawMessage
	if err := json.Unmarshal(text, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

// waysIn are ways in which an event comes in. Each returns the sample as it came.
var waysIn = map[string]func(t *testing.T, sample []byte) []*nexmo.Event{
	"webhook POST": func(t *testing.T, sample []byte) []*nexmo.Event {
		var sink collected
		wantAnswer(t, newHook(&sink), signed(sample), http.StatusNoContent)
		return sink.take()
	},
	"webhook GET": func(t *testing.T, sample []byte) []*nexmo.Event {
		var query, hashed []string
		for _, f := range fieldsInOrder(t, string(sample)) {
			query = append(query, url.QueryEscape(f[0])+"="+url.QueryEscape(f[1]))
			hashed = append(hashed, quoted(f[0])+":"+quoted(f[1]))
		}
		var sink collected
		wantAnswer(t, newHook(&sink), getRequest(strings.Join(query, "&"), "{"+strings.Join(hashed, ",")+"}"), http.StatusNoContent)
		return sink.take()
	},
	"lists": func(t *testing.T, sample []byte) (all []*nexmo.Event) {
		for _, list := range []string{`[%s]`, `{"_embedded":[%s]}`, `{"_embedded":{"events":[%s]}}`, `{"_embedded":{"data":{"events":[%s]}}}`} {
			events, err := nexmo.ParseEvents(fmt.Appendf(nil, list, sample))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, events...)
		}
		return all
	},
	"lists whose URL names the conversation": func(t *testing.T, sample []byte) (all []*nexmo.Event) {
		m := membersOf(t, sample)
		delete(m, "_links")
		for _, change := range []func(){
			func() { delete(m, "conversation_id") },
			func() { m["conversation_id"] = json.RawMessage(`null`) },
			func() { m["conversation_id"] = json.RawMessage(`""`) },
		} {
			delete(m, "cid")
			change()
			text := string(marshal(t, m))
			c := expectingClient(t,
				exchange{method: "GET", target: "/v1/conversations/CON-1/events", answer: `{"_embedded":{"events":[` + text + `]}}`},
				exchange{method: "GET", target: "/v1/conversations/CON-1/events/1", answer: text},
			)
			page, err := c.EventsPage(t.Context(), "CON-1", nil)
			if err != nil {
				t.Fatal(err)
			}
			one, err := c.Event(t.Context(), "CON-1", 1)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range append(page.Items, one) {
				if e.ConversationID == "" {
					t.Errorf("it does not name its conversation: %s", e.Raw)
				}
				all = append(all, e)
			}
		}
		return all
	},
	"push": func(t *testing.T, sample []byte) (all []*nexmo.Event) {
		for _, push := range []string{`{"nexmo":%s}`, `{"stitch":%s,"aps":{}}`} {
			all = append(all, parseText(t, fmt.Appendf(nil, push, sample)))
		}
		return all
	},
	"packet": func(t *testing.T, sample []byte) []*nexmo.Event {
		m := membersOf(t, sample)
		typ := m["type"]
		delete(m, "type")
		return []*nexmo.Event{parseText(t, fmt.Appendf(nil, `[%s,%s]`, typ, marshal(t, m)))}
	},
	"live frame":     func(t *testing.T, sample []byte) []*nexmo.Event { return sessionEvents(t, sample, false) },
	"pending_events": func(t *testing.T, sample []byte) []*nexmo.Event { return sessionEvents(t, sample, true) },
}

// sessionEvents returns an event as a session receives it, with the type where frames, or
// missed events, have it: also with the one of another in its place.
func sessionEvents(t *testing.T, sample []byte, missed bool) (all []*nexmo.Event) {
	m := membersOf(t, sample)
	typ := m["type"]
	delete(m, "type")
	if id, ok := m["conversation_id"]; ok {
		delete(m, "conversation_id")
		m["cid"] = id
	}
	plain := marshal(t, m)
	m["type"] = json.RawMessage(`"of another"`)
	typed := marshal(t, m)
	m["type"] = typ
	inside := marshal(t, m)
	frames := []string{
		fmt.Sprintf(`421[%s,%s]`, typ, plain), fmt.Sprintf(`422[ %s , %s ]`, typ, indent(plain)), fmt.Sprintf(`423[%s,%s]`, typ, typed), fmt.Sprintf(`424[%s,%s]`, typ, inside),
	}
	success := successEvent
	if missed {
		success = fmt.Sprintf(`420["session:success",{"body":{"id":"SES-1","pending_events":[%s, %s ]}}]`, inside, indent(inside))
		frames = nil
	}
	synctest.Test(t, func(t *testing.T) {
		opts := scriptedService(t, func(_ int, _ *http.Request, say func(...string), read func(n int) []string) {
			say(openPacket, letIn, success)
			say(frames...)
			read(10)
		})
		s, err := nexmo.Dial(t.Context(), anyToken, opts...)
		if err != nil {
			t.Fatal(err)
		}
		var sink collected
		done := running(t, s, &sink)
		synctest.Wait()
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		all = sink.take()
	})
	if want := max(len(frames), 2); len(all) != want {
		t.Errorf("%d events came, want %d", len(all), want)
	}
	return all
}

func indent(text []byte) string { return strings.ReplaceAll(string(text), `,"`, " ,\n \"") }

// TestEveryWayInCanBeReadBack: ParseEvent makes of the Raw of an event, and of what
// encoding/json writes of it, the same event, whichever way it came in.
func TestEveryWayInCanBeReadBack(t *testing.T) {
	t.Parallel()
	samples := maps.Collect(sampleEvents(t))
	for way, in := range waysIn {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			for _, name := range slices.Sorted(maps.Keys(samples)) {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					if !strings.HasPrefix(strings.TrimSpace(string(samples[name])), "{") {
						t.Skip("it is a packet")
					}
					direct, err := nexmo.ParseEvent(samples[name])
					if err != nil || membersOf(t, samples[name])["type"] == nil {
						t.Skip("it is a push notification")
					}
					events := in(t, samples[name])
					if len(events) == 0 {
						t.Fatal("no event came in")
					}
					for _, e := range events {
						if e.Type != direct.Type || e.ID != direct.ID {
							t.Errorf("it came in as %s %d, and is %s %d", e.Type, e.ID, direct.Type, direct.ID)
						}
						wantReadBack(t, e)
					}
				})
			}
		})
	}
	t.Run("made in Go", func(t *testing.T) {
		t.Parallel()
		for _, typ := range nexmo.EventTypes() {
			wantReadBack(t, madeEvent(t, typ))
		}
	})
	t.Run("nexmotest", func(t *testing.T) {
		t.Parallel()
		var hook, session collected
		webhook := newHook(&hook)
		server := nexmotest.NewServer(t, nexmotest.WithSignatureSecret(hookSecret), nexmotest.WithEventHandler(webhook))
		conversation := server.CreateConversation("")
		s := dial(t, server, userTokens(t, server, "alice", 0))
		done := running(t, s, &session)
		alice := server.Join(conversation, "alice")
		for _, body := range []nexmo.Body{&nexmo.Text{Text: "<x> & \u2028"}, &nexmo.Custom{Name: "a", JSON: `{"x":1}`}, &nexmo.TextTypingOn{}} {
			server.Emit(conversation, body, nexmotest.From(alice))
		}
		server.ExpectAck("alice", "text:typing:on")
		if err := server.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
		if err := <-done; err != nil {
			t.Error(err)
		}
		var stored, listed collected
		for name, list := range map[*collected]nexmo.Source{&stored: server, &listed: server.Client()} {
			for e, err := range list.EventsAfter(t.Context(), conversation, 0) {
				if err != nil {
					t.Fatal(err)
				}
				_ = name.Deliver(t.Context(), e)
			}
		}
		for way, from := range map[string]*collected{"webhook": &hook, "session": &session, "source": &stored, "list": &listed} {
			events := from.take()
			if len(events) < 3 {
				t.Errorf("%s: only %d events came", way, len(events))
			}
			for _, e := range events {
				wantReadBack(t, e)
			}
		}
	})
}

// The Raw of a frame is its text, with type and conversation put in front.
func TestRawOfAFrame(t *testing.T) {
	t.Parallel()
	for frame, want := range map[string]string{
		`["text",{"id":1,"cid":"CON-1","body":{"text":"x"}}]`: `{"type":"text","conversation_id":"CON-1","id":1,"cid":"CON-1","body":{"text":"x"}}`,
		`["text",{"conversation_id":"CON-1","id":1}]`:         `{"type":"text","conversation_id":"CON-1","id":1}`,
		`["text",{"conversation_id":"CON-1","cid":"CON-2"}]`:  `{"type":"text","conversation_id":"CON-1","cid":"CON-2"}`,
		`["text",{"id":1, "cid" : "CON-\u0031" }]`:            `{"type":"text","conversation_id":"CON-\u0031","id":1, "cid" : "CON-\u0031" }`,
		`["text",{"id":1}]`:        `{"type":"text","id":1}`,
		`["text",{}]`:              `{"type":"text"}`,
		`["text",{ }]`:             `{"type":"text" }`,
		`["text",{"type":"text"}]`: `{"type":"text"}`,
		`["text",{"id":1,"type":"image","cid":"CON-1","body":{}}]`:   `{"type":"text","conversation_id":"CON-1","id":1,"cid":"CON-1","body":{}}`,
		`["text",{"\u0074ype":"image","id":1}]`:                      `{"type":"text","id":1}`,
		`["text",{"cid":7,"id":1}]`:                                  `{"type":"text","cid":7,"id":1}`,
		`["text",{"cid":"","id":1}]`:                                 `{"type":"text","cid":"","id":1}`,
		`["custom:a\"b",{"cid":"CON-1","body":{"type":"x","id":2}}]`: `{"type":"custom:a\"b","conversation_id":"CON-1","cid":"CON-1","body":{"type":"x","id":2}}`,
		`["",{"type":"text","cid":"CON-1"}]`:                         `{"type":"text","cid":"CON-1"}`,
	} {
		t.Run(frame, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				opts := scriptedService(t, func(_ int, _ *http.Request, say func(...string), read func(n int) []string) {
					say(openPacket, letIn, successEvent, "42"+frame)
					read(10)
				})
				s, err := nexmo.Dial(t.Context(), anyToken, opts...)
				if err != nil {
					t.Fatal(err)
				}
				var sink collected
				done := running(t, s, &sink)
				synctest.Wait()
				_ = s.Close()
				if err := <-done; err != nil {
					t.Error(err)
				}
				events := sink.take()
				if len(events) == 0 {
					t.Fatal("no event came")
				}
				if diff := cmp.Diff(want, string(events[0].Raw)); diff != "" {
					t.Errorf("Raw (-want +got):\n%s", diff)
				}
				wantReadBack(t, events[0])
			})
		})
	}
}
