package nexmo_test

import (
	"fmt"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// "An ID above 2^40, or 2^20 above the next expected, is handled at once like an event
// without ID, with a warning, and moves nothing.".
func TestContract06_IDsOutOfRangeMoveNothing(t *testing.T) {
	t.Parallel()
	for _, id := range []nexmo.EventID{9e18, math.MaxInt64, 1<<40 + 1, 2 + 1<<20, 2 + 1<<21} {
		t.Run(fmt.Sprint(id), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				logged := new(logbook)
				c := newConA(&j, nexmo.WithLogger(slog.New(logged)), nexmo.WithHistory(10))
				mustDeliver(t, c, 1)
				third := beginDeliver(t.Context(), c, numbered(3))
				third.waits(t)
				elapsed(t, 0, func() { mustDeliver(t, c, id, id) }) // its duplicates cannot be known
				third.waits(t)
				if got := c.LastEventID(); got != 1 {
					t.Errorf("LastEventID is %d, want 1", got)
				}
				mustDeliver(t, c, 2, 1)
				third.returns(t, nil)
				mustDeliver(t, c, 4, 3)
				j.is(t, "1", fmt.Sprint(id), fmt.Sprint(id), "2", "3", "4")
				if got := c.LastEventID(); got != 4 {
					t.Errorf("LastEventID is %d, want 4", got)
				}
				if n := logged.count(slog.LevelWarn); n != 2 {
					t.Errorf("%d warnings, want one for each: %q", n, logged.entries)
				}
				for kept := range c.Events() {
					if kept == id {
						t.Errorf("the history has it")
					}
				}
				if c.Handled(conA, id) {
					t.Error("it counts as handled")
				}
			})
		})
	}
}

// "The first event seen sets the baseline": not one whose ID is out of range, whichever way
// it comes.
func TestContract06_IDsOutOfRangeSetNoBaseline(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]func(t *testing.T, app *nexmo.Application){
		"deliver": func(t *testing.T, app *nexmo.Application) {
			t.Helper()
			mustDeliver(t, app, 9e18)
		},
		"replay": func(t *testing.T, app *nexmo.Application) {
			t.Helper()
			checkError(t, nexmo.Replay(t.Context(), app, stored(9e18), conA, 0), nil)
		},
		"sync": func(t *testing.T, app *nexmo.Application) {
			t.Helper()
			checkError(t, app.Conversation(conA).Sync(t.Context()), nil)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := nexmo.NewApplication("", nexmo.WithGapFunc(j.gap), nexmo.WithSource(stored(9e18)))
				app.On(nexmo.EventAny, j.handle)
				first(t, app)
				if name == "sync" {
					// The log has nothing else: it begins at 1.
					mustDeliver(t, app, 1, 2)
					j.is(t, "9000000000000000000", "1", "2")
					return
				}
				mustDeliver(t, app, 5, 6)
				j.is(t, "9000000000000000000", "5", "6")
			})
		})
	}
}

// A list with an ID out of range in its middle says nothing of the others.
func TestContract06_IDsOutOfRangeInAList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // read for a gap
		var j journal
		c := newConA(&j, nexmo.WithSource(scripted(2, numbered(9e18), 3, 5)))
		mustDeliver(t, c, 1)
		elapsed(t, 100*time.Millisecond, func() { mustDeliver(t, c, 6) })
		j.is(t, "1", "2", "3", "gap 4-4", "5", "6")
	})
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j, nexmo.WithSource(scripted(1, numbered(9e18), 2, 3)))
		elapsed(t, 0, func() { checkError(t, c.Sync(t.Context()), nil) })
		j.is(t, "1", "9000000000000000000", "2", "3")
		if got := c.LastEventID(); got != 3 {
			t.Errorf("LastEventID is %d, want 3", got)
		}
	})
}

// "… and moves nothing": what later events say of members and the conversation counts.
func TestContract06_IDsOutOfRangeMoveNoState(t *testing.T) {
	t.Parallel()
	c := nexmo.NewConversation("CON-1", nexmo.WithHistory(9))
	tell(t, c,
		`{"id":1,"type":"member:joined","from":"MEM-1","body":{"user":{"id":"USR-1","name":"a"},"channel":{"type":"app","id":"L1"}}}`,
		`{"id":2,"type":"text","from":"MEM-1","body":{"text":"one"}}`,
		`{"id":9000000000000000000,"type":"member:media","from":"MEM-1","body":{"audio":true}}`,
		`{"id":9000000000000000000,"type":"leg:status:update","from":"MEM-1","body":{"leg_id":"L1","status":"ringing"}}`,
		`{"id":9000000000000000000,"type":"member:left","from":"MEM-1","body":{"user":{"id":"USR-1","name":"z"},"channel":{"type":"app","id":"L9"}}}`,
		`{"id":9000000000000000000,"type":"conversation:updated","body":{"id":"CON-1","name":"z"}}`,
		`{"id":9000000000000000000,"type":"text:update","from":"MEM-1","body":{"original_event_id":2,"text":"z"}}`,
		`{"id":3,"type":"member:media","from":"MEM-1","body":{"audio":false}}`,
		`{"id":4,"type":"leg:status:update","from":"MEM-1","body":{"leg_id":"L1","status":"answered"}}`,
		`{"id":5,"type":"member:joined","from":"MEM-1","body":{"user":{"id":"USR-1","name":"b"}}}`,
		`{"id":6,"type":"conversation:updated","body":{"id":"CON-1","name":"b"}}`,
		`{"id":7,"type":"text:update","from":"MEM-1","body":{"original_event_id":2,"text":"two"}}`,
	)
	m, _ := c.Member("MEM-1")
	text, _ := nexmo.As[*nexmo.Text](kept(t, c, 2))
	got := fmt.Sprint(m.UserName, " ", m.State, " ", m.Media.Audio, " ", m.LegStatus, " ", c.Info().Name, " ", text.Text)
	if want := "b JOINED false answered b two"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
