package nexmo_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

// created is the event that says that the conversation conA was created.
func created() *nexmo.Event {
	return &nexmo.Event{Type: nexmo.EventConversationCreated, Body: &nexmo.ConversationCreated{ConversationDetails: nexmo.ConversationDetails{ID: conA}}}
}

func deliverCreated(t *testing.T, to nexmo.Sink) {
	t.Helper()
	checkError(t, to.Deliver(t.Context(), created()), nil)
}

// newAppA returns an application whose events and gaps go to j.
func newAppA(j *journal, opts ...nexmo.ApplicationOption) *nexmo.Application {
	app := nexmo.NewApplication("", append([]nexmo.ApplicationOption{nexmo.WithGapFunc(j.gap)}, opts...)...)
	app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
		if e.Type == nexmo.EventConversationCreated {
			j.add("created")
			return nil
		}
		return j.handle(ctx, e)
	})
	return app
}

// "The log of a conversation whose conversation:created was seen begins at 1": what is lost
// behind it is fetched, or reported, and what is late is waited for.
func TestContract06_TheLogBeginsAtOneAfterCreated(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		opts []nexmo.ApplicationOption
		late bool // 1 comes late
		want []string
		took time.Duration
	}{
		{"late", nil, true, []string{"created", "1", "2"}, 0},
		{"lost, in the Source", []nexmo.ApplicationOption{nexmo.WithSource(stored(1, 2))}, false, []string{"created", "1", "2"}, 100 * time.Millisecond},
		{"lost, not in the Source", []nexmo.ApplicationOption{nexmo.WithSource(stored())}, false, []string{"created", "gap 1-1", "2"}, 2 * time.Second},
		{"lost, no Source", nil, false, []string{"created", "gap 1-1", "2"}, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := newAppA(&j, tt.opts...)
				deliverCreated(t, app)
				elapsed(t, tt.took, func() {
					second := beginDeliver(t.Context(), app, numbered(2))
					second.waits(t)
					if tt.late {
						mustDeliver(t, app, 1)
					}
					checkError(t, <-second, nil)
				})
				j.is(t, tt.want...)
			})
		})
	}
}

// "If it is seen after the first events, what lies below them is fetched or reported once":
// nothing waits for that, and what comes by itself meanwhile is neither.
func TestContract06_CreatedAfterTheFirstEvents(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		source *shelf // nil for none
		before []nexmo.EventID
		after  []nexmo.EventID
		want   []string
		asked  []string
	}{
		{"in the Source", stored(1, 2, 3, 4), []nexmo.EventID{3}, nil, []string{"3", "created", "1", "2", "4"}, []string{"after 0"}},
		{"half of it in the Source", stored(2, 3, 4), []nexmo.EventID{4, 3}, nil, []string{"4", "3", "created", "2", "gap 1-1", "5"}, []string{"after 0"}},
		{"the Source fails", scripted(errBoom), []nexmo.EventID{3}, nil, []string{"3", "created", "gap 1-2", "4"}, []string{"after 0"}},
		{"no Source", nil, []nexmo.EventID{3}, nil, []string{"3", "created", "gap 1-2", "4"}, nil},
		{"no Source, one came before", nil, []nexmo.EventID{4, 2}, nil, []string{"4", "2", "created", "gap 1-1", "gap 3-3", "5"}, nil},
		{"comes by itself", stored(1, 2, 3), []nexmo.EventID{3}, []nexmo.EventID{2, 1}, []string{"3", "created", "2", "1", "4"}, nil},
		{"comes by itself, no Source", nil, []nexmo.EventID{3}, []nexmo.EventID{1, 2}, []string{"3", "created", "1", "2", "4"}, nil},
		{"nothing is missing", stored(1), []nexmo.EventID{1, 2}, nil, []string{"1", "2", "created", "3"}, nil},
		{"long ago", nil, []nexmo.EventID{5000, 2000}, []nexmo.EventID{4999}, []string{"5000", "2000", "created", "4999", "gap 1-1999", "gap 2001-4998", "5001"}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				var opts []nexmo.ApplicationOption
				if tt.source != nil {
					opts = append(opts, nexmo.WithSource(tt.source))
				}
				app := newAppA(&j, opts...)
				mustDeliver(t, app, tt.before...)
				elapsed(t, 0, func() {
					deliverCreated(t, app)
					mustDeliver(t, app, tt.after...)
				})
				time.Sleep(time.Minute)
				mustDeliver(t, app, slices.Max(tt.before)+1) // goes on where it was
				j.is(t, tt.want...)
				if tt.source != nil {
					tt.source.is(t, tt.asked...)
				}
				// A duplicate of it makes nothing be fetched or reported again, and what is
				// still missing is handled when it comes, once.
				seen := len(j.entries)
				deliverCreated(t, app)
				time.Sleep(time.Minute)
				for range 2 {
					for id := nexmo.EventID(1); id <= 4; id++ {
						mustDeliver(t, app, id)
					}
				}
				if tt.source != nil {
					tt.source.is(t, tt.asked...)
				}
				handled := map[string]int{}
				for i, entry := range j.entries {
					if handled[entry]++; handled[entry] > 1 && entry != "created" || i > seen && entry[0] == 'g' {
						t.Errorf("%s: %q", entry, j.entries)
					}
				}
			})
		})
	}
}

// Who has said where the log begins is not overruled: what lies below it was handled before
// the process was started, or is not wanted.
func TestContract06_CreatedAfterARestart(t *testing.T) {
	t.Parallel()
	for name, catchUp := range map[string]func(t *testing.T, app *nexmo.Application, source nexmo.Source){
		"Replay": func(t *testing.T, app *nexmo.Application, source nexmo.Source) {
			t.Helper()
			checkError(t, nexmo.Replay(t.Context(), app, source, conA, 4), nil)
		},
		"Replay through a SinkFunc": func(t *testing.T, app *nexmo.Application, source nexmo.Source) {
			t.Helper()
			checkError(t, nexmo.Replay(t.Context(), nexmo.SinkFunc(app.Deliver), source, conA, 4), nil)
		},
		"WithStart": func(t *testing.T, app *nexmo.Application, _ nexmo.Source) {
			t.Helper()
			mustDeliver(t, app, 5)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				source := stored(1, 2, 3, 4, 5)
				opts := []nexmo.ApplicationOption{nexmo.WithSource(source)}
				if name == "WithStart" {
					opts = append(opts, nexmo.WithStart(5))
				}
				app := newAppA(&j, opts...)
				catchUp(t, app, source)
				deliverCreated(t, app) // the webhook comes again
				time.Sleep(time.Minute)
				mustDeliver(t, app, 6)
				j.is(t, "5", "created", "6")
			})
		})
	}
}

// Sync, too, says where the log begins, also of a log in which nothing is left of the
// beginning.
func TestContract06_CreatedAfterSync(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		source := stored(3, 4)
		app := newAppA(&j, nexmo.WithSource(source))
		checkError(t, app.Conversation(conA).Sync(t.Context()), nil)
		deliverCreated(t, app)
		time.Sleep(time.Minute)
		mustDeliver(t, app, 5)
		j.is(t, "3", "4", "created", "5")
		source.is(t, "after 0")
	})
}

// What says that another conversation was created says nothing of this one.
func TestContract06_CreatedOfAnotherConversation(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j)
		mustDeliver(t, c, 3)
		e := created()
		e.Body = &nexmo.ConversationCreated{ConversationDetails: nexmo.ConversationDetails{ID: conB}}
		checkError(t, c.Deliver(t.Context(), e), nil)
		time.Sleep(time.Minute)
		j.is(t, "3", "")
	})
}

// An event that does not say of which conversation it is, is of the one that it is delivered to.
func TestContract06_CreatedOfTheConversationItIsDeliveredTo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := newConA(&j)
		mustDeliver(t, c, 3)
		checkError(t, c.Deliver(t.Context(), &nexmo.Event{Type: nexmo.EventConversationCreated, From: "created", Body: new(nexmo.ConversationCreated)}), nil)
		checkError(t, c.Close(), nil)
		j.is(t, "3", "created", "gap 1-2")
	})
}

// A list says where the log of its own conversation begins, and nothing of another one to
// which a handler delivers meanwhile.
func TestContract06_AListSaysNothingOfOtherConversations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := newAppA(&j)
		a := nexmo.SinkFunc(func(ctx context.Context, _ *nexmo.Event) error { return app.Deliver(ctx, numbered(3)) })
		checkError(t, nexmo.Replay(t.Context(), a, stored(9), conB, 8), nil)
		deliverCreated(t, app)
		checkError(t, app.Close(), nil)
		j.is(t, "3", "created", "gap 1-2")
	})
}

// What lies below is reported when the conversation is closed, at the latest, and keeps it
// from being evicted before.
func TestContract06_CreatedAndClosed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		app := newAppA(&j, nexmo.WithMaxConversations(1))
		mustDeliver(t, app, 3)
		deliverCreated(t, app)
		checkError(t, app.Deliver(t.Context(), numberedIn(conB, 1)), nil)
		checkKept(t, app, conA, conB)
		checkError(t, app.Close(), nil)
		j.is(t, "3", "created", "1", "gap 1-2")
	})
}

// Sync within a handler of another conversation: all it reads is queued behind that, and
// what comes meanwhile finds its place.
func TestContract08_SyncWithinAHandlerOfAnotherConversation(t *testing.T) {
	t.Parallel()
	for name, held := range map[string]bool{"alone": false, "with a live event meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var j journal
				app := newAppA(&j, nexmo.WithSource(stored(3, 4, 6)))
				var live pending
				app.On(nexmo.EventText, func(ctx context.Context, e *nexmo.Event) error {
					if e.ConversationID != conB {
						return nil
					}
					err := app.Conversation(conA).Sync(ctx)
					if held {
						live = beginDeliver(t.Context(), app, numbered(7))
						live.waits(t)
					}
					return err
				})
				elapsed(t, 0, func() { checkError(t, app.Deliver(t.Context(), numberedIn(conB, 100)), nil) })
				if held {
					live.returns(t, nil)
				} else {
					mustDeliver(t, app, 7)
				}
				mustDeliver(t, app, 3, 8, 2)
				j.is(t, "100", "3", "4", "gap 5-5", "6", "7", "8", "2")
			})
		})
	}
}
