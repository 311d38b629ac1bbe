package nexmo_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/conversation-events/nexmo"
)

// stateText is an event that changes whatever a conversation keeps, with much
// more text than is kept.
const stateText = `{"id":%d,"type":%q,"conversation_id":"CON-1","from":"MEM-%[3]s","to":"MEM-to-%[3]s","padding":"%[4]s",
	"_embedded":{"from_user":{"id":"USR-%[3]s","name":"n%[3]s","display_name":"d%[3]s","image_url":"i%[3]s"},"from_member":{"id":"MEM-by-%[3]s"}},
	"timestamp":"2024-05-14T09:00:07Z","body":%[5]s}`

// stateBodies are the bodies of the events that change state, with text in every
// field that is kept. % is for the number of the conversation.
func stateBodies() []struct{ typ, body string } {
	const channel = `{"id":"l%","type":"t%","from":{"type":"f%","number":"n%","user":"u%","uri":"u%","extension":"e%","id":"i%",
		"content-type":"c%","headers":{"h%":"v%"}},"to":{"type":"t%","user":"u%","headers":{"a%":"b%"}},"number":"n%","headers":{"h%":"v%","i%":7},
		"leg_ids":["l%","m%"],"legs":[{"leg_id":"l%","status":"s%"}],"leg_settings":{"k%":"v%"},"knocking_id":"k%","can_hear":["h%"],
		"can_speak":["s%"],"content-type":"c%"}`
	bodies := []struct{ typ, body string }{
		{"member:invited", `{"member_id":"MEM-i%","invited_by":"b%","cname":"c%","conversation":{"name":"n%","display_name":"d%","image_url":"i%"},
			"user":{"id":"u%","name":"n%","display_name":"d%","image_url":"i%"},"channel":CH,
			"invited_by_member":{"member_id":"MEM-b%","name":"n%","state":"S%","user_id":"u%","channel":CH}}`},
		{"member:joined", `{"id":"MEM-j%","user_id":"u%","name":"n%","display_name":"d%","channel":CH}`},
		{"member:left", `{"member_id":"MEM-l%","user":{"id":"u%"},"reason":{"code":"c%","text":"t%"},"channel":CH}`},
		{"member:media", `{"audio":true,"channel":CH}`},
		{"audio:mute:on", `{"rtc_id":"l%"}`},
		{"leg:status:update", `{"leg_id":"l%","status":"s%"}`},
		{"sip:status", `{"status":"w%","channel":CH}`},
		{"rtc:answered", `{"channel":CH}`},
		{"rtc:transfer", `{"user_id":"v%","transferred_from":"CON-%","channel":CH}`},
		{"conversation:created", `{"id":"CON-1","name":"n%","display_name":"d%","image_url":"i%","state":"s%"}`},
		{"conversation:updated", `{"id":"CON-1","name":"m%","display_name":"e%","image_url":"j%","state":"t%"}`},
		{"conversation:deleted", `{"id":"CON-1","name":"o%","display_name":"f%","image_url":"k%","reason":"r%"}`},
		{"text:typing:on", `{}`},
		{"audio:speaking:on", `{}`},
	}
	for i := range bodies {
		bodies[i].body = strings.ReplaceAll(bodies[i].body, "CH", channel)
	}
	return bodies
}

// heapInUse is how much memory is reachable.
func heapInUse() int64 {
	var m runtime.MemStats
	runtime.GC() // twice: a pool gives up what it holds with the second one
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestConversationKeepsNoEventAlive checks that what state keeps of an event
// are copies: strings of an event are views of its whole text, so a single one
// that is kept would keep 64 KB.
func TestConversationKeepsNoEventAlive(t *testing.T) { //nolint:paralleltest // it measures the heap
	const conversations, padding = 200, 64 << 10
	pad := strings.Repeat("x", padding)
	for i, b := range stateBodies() { //nolint:paralleltest // as above
		t.Run(b.typ, func(t *testing.T) {
			all := make([]*nexmo.Conversation, conversations)
			before := heapInUse()
			for n := range all {
				all[n] = nexmo.NewConversation("CON-1")
				num := fmt.Sprint(n)
				tell(t, all[n], fmt.Sprintf(stateText, i+1, b.typ, num, pad, strings.ReplaceAll(b.body, "%", num)))
			}
			grown := heapInUse() - before
			if limit := int64(conversations * padding / 4); grown > limit {
				t.Errorf("%d conversations hold %d KB after one event of %d KB each, more than %d KB",
					conversations, grown>>10, padding>>10, limit>>10)
			}
			for _, c := range all {
				if len(slices.Collect(c.Members())) == 0 && c.Info().Name == "" {
					t.Fatal("nothing is kept")
				}
			}
		})
	}
}

// TestConversationDeliverAllocatesNothing delivers events that say nothing new
// to a conversation that has seen it all.
func TestConversationDeliverAllocatesNothing(t *testing.T) { //nolint:paralleltest // AllocsPerRun counts those of other tests
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const rounds = 200
	embedded := `"_embedded":{"from_user":{"id":"USR-1","name":"priya","display_name":"Priya"},"from_member":{"id":"MEM-1"}}`
	channel := `"channel":{"type":"app","id":"LEG-1","from":{"type":"phone","number":"447700900123"},"to":{"type":"app","user":"priya"},
		"headers":{"X-Order":"441"},"legs":[{"leg_id":"LEG-1","status":"answered"}],"leg_ids":["LEG-1"],"leg_settings":{"a":1}}`
	tests := []struct {
		name   string
		events []string // delivered in turn
	}{
		{"speaking", []string{
			`"type":"audio:speaking:on","body":{` + channel + `}`, `"type":"audio:speaking:off","body":{` + channel + `}`,
		}},
		{"text", []string{`"type":"text","body":{"text":"Hello"}`}},
		{"media", []string{
			`"type":"member:media","body":{"audio":true,"media":{"audio":true,"audio_settings":{"enabled":true,"muted":false}},` + channel + `}`,
		}},
		{"mute", []string{
			`"type":"audio:mute:on","to":"MEM-1","body":{"rtc_id":"LEG-1"}`, `"type":"audio:mute:off","body":{"rtc_id":"LEG-1"}`,
		}},
		{"leg", []string{`"type":"leg:status:update","body":{"leg_id":"LEG-1","status":"answered"}`}},
		{"answered", []string{`"type":"rtc:answered","body":{` + channel + `}`}},
		{"transfer", []string{`"type":"rtc:transfer","body":{"user_id":"USR-1","transferred_from":"CON-0",` + channel + `}`}},
		{"joined again", []string{
			`"type":"member:joined","body":{"member_id":"MEM-1","user":{"id":"USR-1","name":"priya"},` + channel +
				`,"timestamp":{"joined":"2024-05-14T09:00:02Z"}}`,
		}},
		{"invited again", []string{
			`"type":"member:invited","body":{"member_id":"MEM-1","user":{"id":"USR-1"},"invited_by":"tomas","conversation":{"name":"repairs"},
				"invited_by_member":{"member_id":"MEM-2","name":"tomas","state":"JOINED","channel":{"type":"app"}}}`,
		}},
		{"updated", []string{`"type":"conversation:updated","body":{"id":"CON-1","name":"repairs","display_name":"Repairs","state":"ACTIVE"}`}},
		{"dtmf", []string{`"type":"audio:dtmf","body":{"digits":"2",` + channel + `}`}},
		{"custom", []string{`"type":"custom:order-update","body":{"order":"441"}`}},
	}
	for _, tt := range tests { //nolint:paralleltest // as above
		t.Run(tt.name, func(t *testing.T) {
			c := nexmo.NewConversation("CON-1")
			handled := 0
			c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { handled++; return nil })
			tell(t, c, `{"type":"conversation:created","body":{"id":"CON-1","name":"repairs"}}`, priyaInvited, priyaJoined)
			var parsed, events []*nexmo.Event
			for _, text := range tt.events {
				parsed = append(parsed, told(t, fmt.Sprintf(`{"id":1,"conversation_id":"CON-1","from":"MEM-1",%s,%s}`, text, embedded)))
			}
			for i := range rounds + 10 {
				e := *parsed[i%len(parsed)]
				e.ID = nexmo.EventID(i + 3)
				events = append(events, &e)
			}
			ctx, next := t.Context(), 0
			deliver := func() {
				if err := c.Deliver(ctx, events[next]); err != nil {
					t.Error(err)
				}
				next++
			}
			for range len(tt.events) + 1 { // tells all there is to tell
				deliver()
			}
			if n := testing.AllocsPerRun(rounds, deliver); n != 0 {
				t.Errorf("%v allocations for each event", n)
			}
			if handled != next+3 {
				t.Errorf("handled %d events of %d", handled, next+3)
			}
		})
	}
}

// TestConversationEventsKeepNoReceiptAlive checks that a mark on an event that
// is kept does not keep the text of the event that marked it.
func TestConversationEventsKeepNoReceiptAlive(t *testing.T) { //nolint:paralleltest // it measures the heap
	const conversations, padding = 200, 64 << 10
	pad := strings.Repeat("x", padding)
	for _, typ := range []string{"text:seen", "text:update", "member:message:status", "event:delete"} { //nolint:paralleltest // as above
		t.Run(typ, func(t *testing.T) {
			all := make([]*nexmo.Conversation, conversations)
			before := heapInUse()
			for n := range all {
				// The event that marks is older than all that is kept by
				// the end.
				c := nexmo.NewConversation("CON-1", nexmo.WithHistory(1), noWait())
				tell(t, c, fmt.Sprintf(`{"id":9,"type":"text","body":{"text":"Hello %d"}}`, n),
					fmt.Sprintf(`{"id":4,"type":%q,"from":"MEM-%d","padding":"%s","body":{"event_id":9,"original_event_id":9,"text":"Bye %[2]d"}}`, typ, n, pad))
				all[n] = c
			}
			if grown, limit := heapInUse()-before, int64(conversations*padding/4); grown > limit {
				t.Errorf("%d conversations hold %d KB, more than %d KB", conversations, grown>>10, limit>>10)
			}
			for _, c := range all {
				e := kept(t, c, 9)
				if text, ok := e.Body.(*nexmo.Text); ok && text.Text != "" && e.State == nil && text.Edited.EditedBy == 0 {
					t.Fatalf("event 9 is not marked: %+v", text)
				}
			}
		})
	}
}
