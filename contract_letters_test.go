package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conversation-events/nexmo"
)

// letters is a function for WithDeadLetter that keeps what it is given.
type letters struct {
	mu   sync.Mutex
	all  []nexmo.DeadLetter
	fail func() error // nil: it never fails
}

func (l *letters) take(_ context.Context, d nexmo.DeadLetter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		if err := l.fail(); err != nil {
			return err
		}
	}
	l.all = append(l.all, d)
	return nil
}

func (l *letters) ids() []nexmo.EventID {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []nexmo.EventID
	for _, d := range l.all {
		ids = append(ids, d.EventID)
	}
	return ids
}

func (l *letters) are(t *testing.T, want ...nexmo.EventID) {
	t.Helper()
	if diff := cmp.Diff(want, l.ids()); diff != "" {
		t.Errorf("events that were set aside (-want +got):\n%s", diff)
	}
}

// sinks are the sinks that handlers are registered with.
var sinks = map[string]func(opts ...nexmo.ConversationOption) interface {
	nexmo.Sink
	nexmo.Registrar
}{
	"conversation": func(opts ...nexmo.ConversationOption) interface {
		nexmo.Sink
		nexmo.Registrar
	} {
		return nexmo.NewConversation(conA, opts...)
	},
	"application": func(opts ...nexmo.ConversationOption) interface {
		nexmo.Sink
		nexmo.Registrar
	} {
		var all []nexmo.ApplicationOption
		for _, o := range opts {
			all = append(all, o)
		}
		return nexmo.NewApplication("", all...)
	},
}

// "One function gets it, the first on the way out; Deliver then returns nil.".
func TestContract11_WhatNoRetryMendsIsSetAside(t *testing.T) {
	t.Parallel()
	for name, newSink := range sinks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l letters
			var j journal
			s := newSink(nexmo.WithDeadLetter(l.take))
			errs := map[string]error{"1": fmt.Errorf("order 7: %w", nexmo.Permanent(errBoom))}
			s.On(nexmo.EventAny, j.named("1", errs))
			s.On(nexmo.EventAny, j.named("2", errs))
			e := told(t, `{"id":1,"conversation_id":"CON-A","type":"text","body":{"text":"hi"}}`)
			checkError(t, s.Deliver(t.Context(), e), nil)
			if len(l.all) != 1 {
				t.Fatalf("%d dead letters, want 1", len(l.all))
			}
			want := nexmo.DeadLetter{ConversationID: conA, EventID: 1, Type: nexmo.EventText, Raw: e.Raw, Via: nexmo.ViaDeliver}
			if diff := cmp.Diff(want, l.all[0], cmpopts.IgnoreFields(nexmo.DeadLetter{}, "Err")); diff != "" {
				t.Errorf("the dead letter (-want +got):\n%s", diff)
			}
			if err := l.all[0].Err; !errors.Is(err, errBoom) || !errors.Is(err, nexmo.ErrPermanent) || err.Error() != "order 7: boom" {
				t.Errorf("Err is %v", err)
			}
			// It counts as set aside: delivered again, the handler runs that failed.
			clear(errs)
			mustDeliver(t, s, 1, 1)
			j.is(t, "1", "2", "1")

			// An event without an ID and one of no conversation.
			errs["1"] = nexmo.Permanent(errBoom)
			checkError(t, s.Deliver(t.Context(), typingBy("x")), nil)
			checkError(t, s.Deliver(t.Context(), &nexmo.Event{Type: nexmo.EventAppKnocking, From: "knocker"}), nil)
			l.are(t, 1, 0, 0)
			if got := string(l.all[2].Raw); !strings.Contains(got, `"knocker"`) {
				t.Errorf("the Raw of an event that was made in Go is %s", got)
			}
		})
	}
}

// "If there is none, Deliver's error matches ErrPermanent.".
func TestContract11_WithoutAFunctionTheErrorMatchesErrPermanent(t *testing.T) {
	t.Parallel()
	var d nexmo.EventDispatcher
	all := map[string]interface {
		nexmo.Sink
		nexmo.Registrar
	}{"dispatcher": &d}
	for name, newSink := range sinks {
		all[name] = newSink()
	}
	for name, s := range all {
		errs := []error{nexmo.Permanent(errBoom), nil}
		for i := range 2 {
			s.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return errs[i] })
		}
		for _, e := range []*nexmo.Event{numbered(1), typingBy("x"), {Type: nexmo.EventAppKnocking}} {
			err := s.Deliver(t.Context(), e)
			if !errors.Is(err, nexmo.ErrPermanent) || !errors.Is(err, errBoom) {
				t.Errorf("%s: Deliver(%s) returned %v, want one that matches ErrPermanent", name, e.Type, err)
			}
		}
		// One that fails for now is to be delivered again: nothing is set aside before.
		errs[1] = errOther
		err := s.Deliver(t.Context(), numbered(2))
		if errors.Is(err, nexmo.ErrPermanent) || !errors.Is(err, errBoom) || !errors.Is(err, errOther) {
			t.Errorf("%s: Deliver returned %v, want one that does not match ErrPermanent", name, err)
		}
		if want := "boom\nanother error"; err.Error() != want {
			t.Errorf("%s: Deliver returned %q, want %q", name, err, want)
		}
	}
	if nexmo.Permanent(nil) != nil {
		t.Error("Permanent(nil) is not nil")
	}
}

// "If one handler fails for good and another for now, it is not set aside before the other
// is done.".
func TestContract11_NotSetAsideBeforeAllAreDone(t *testing.T) {
	t.Parallel()
	var l letters
	var j journal
	c := nexmo.NewConversation(conA, nexmo.WithDeadLetter(l.take))
	errs := map[string]error{"good": nexmo.Permanent(errBoom), "now": errOther}
	c.On(nexmo.EventAny, j.named("good", errs))
	c.On(nexmo.EventAny, j.named("now", errs))
	checkError(t, c.Deliver(t.Context(), numbered(1)), errOther)
	l.are(t)
	delete(errs, "now")
	mustDeliver(t, c, 1)
	l.are(t, 1)
	if err := l.all[0].Err; !errors.Is(err, errBoom) || errors.Is(err, errOther) {
		t.Errorf("Err is %v", err)
	}
}

// "Permanent is only what On and OnCustom made for this very event, and what a handler
// marks": not a DecodeError of something else, wrapped or not.
func TestContract11_OnlyWhatIsAboutThisEventIsPermanent(t *testing.T) {
	t.Parallel()
	foreign := &nexmo.DecodeError{Type: nexmo.EventText, Err: errBoom}
	var bare nexmo.EventDispatcher
	nexmo.On(&bare, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })
	inner := nexmo.NewConversation(conB)
	inner.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nexmo.Permanent(errBoom) })
	odd := told2(t, `{"id":1,"type":"text","body":7}`)
	for name, fail := range map[string]func(e *nexmo.Event) error{
		"a DecodeError":          func(*nexmo.Event) error { return foreign },
		"a DecodeError, wrapped": func(*nexmo.Event) error { return fmt.Errorf("the client: %w", foreign) },
		"of another event":       func(*nexmo.Event) error { return bare.Deliver(context.Background(), odd) },
		"of another event, set aside there": func(*nexmo.Event) error {
			return inner.Deliver(context.Background(), numberedIn(conB, 1))
		},
		"of another event, wrapped": func(*nexmo.Event) error {
			return fmt.Errorf("passing on: %w", inner.Deliver(context.Background(), numberedIn(conB, 2)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l letters
			c := nexmo.NewConversation(conA, nexmo.WithDeadLetter(l.take))
			c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error { return fail(e) })
			if err := c.Deliver(t.Context(), numbered(1)); err == nil || errors.Is(err, nexmo.ErrPermanent) {
				t.Errorf("Deliver returned %v, want an error that does not match ErrPermanent", err)
			}
			l.are(t)
		})
	}
	// A handler that marks it says so.
	var l letters
	c := nexmo.NewConversation(conA, nexmo.WithDeadLetter(l.take))
	c.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nexmo.Permanent(foreign) })
	mustDeliver(t, c, 1)
	l.are(t, 1)
}

// told2 parses an event whose body need not be typed.
func told2(t *testing.T, text string) *nexmo.Event {
	t.Helper()
	e, err := nexmo.ParseEvent([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// A body that does not fit what On or OnCustom needs is not mended by a retry.
func TestContract11_ABodyThatDoesNotFitIsPermanent(t *testing.T) {
	t.Parallel()
	var l letters
	c := nexmo.NewConversation(conA, nexmo.WithDeadLetter(l.take))
	nexmo.On(c, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })
	nexmo.OnCustom(c, "order", func(context.Context, *nexmo.Event, *struct{ Total int }) error { return nil })
	for _, text := range []string{
		`{"id":1,"type":"text","body":7}`,
		`{"id":2,"type":"text","body":[]}`,
		`{"id":3,"type":"custom:order","body":{"Total":"many"}}`,
		`{"id":4,"type":"custom:order","body":[1]}`,
		`{"id":5,"type":"text","body":{"text":"hi"}}`,
	} {
		checkError(t, c.Deliver(t.Context(), told2(t, text)), nil)
	}
	l.are(t, 1, 2, 3, 4)
	for _, d := range l.all {
		if _, ok := errors.AsType[*nexmo.DecodeError](d.Err); !ok || !errors.Is(d.Err, nexmo.ErrPermanent) {
			t.Errorf("event %d: Err is %v, want a DecodeError that matches ErrPermanent", d.EventID, d.Err)
		}
	}
}

// "If fn fails or panics, nothing is acknowledged", and the event may be delivered again.
func TestContract11_IfTheFunctionFailsNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func() error{
		"error": func() error { return errOther },
		"panic": func() error { panic(errOther) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var j journal
			l := letters{fail: fail}
			c := nexmo.NewConversation(conA, nexmo.WithDeadLetter(l.take), nexmo.WithSource(stored(1, 2, 3)))
			c.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
				_ = j.handle(ctx, e)
				if e.ID == 2 {
					return nexmo.Permanent(errBoom)
				}
				return nil
			})
			for range 2 {
				for what, err := range map[string]error{
					"Deliver": c.Deliver(t.Context(), numbered(2)),
					"Replay":  nexmo.Replay(t.Context(), c, stored(2), conA, 0),
					"Sync":    c.Sync(t.Context()),
				} {
					if !errors.Is(err, errOther) || errors.Is(err, nexmo.ErrPermanent) || !strings.Contains(err.Error(), "the function given to WithDeadLetter failed") {
						t.Errorf("%s returned %v, want the error of the function", what, err)
					}
				}
			}
			var logged logbook
			other := nexmo.NewConversation(conA)
			other.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nexmo.Permanent(errBoom) })
			checkError(t, nexmo.Replay(t.Context(), other, stored(1), conA, 0, nexmo.WithDeadLetter(l.take), nexmo.WithLogger(slog.New(&logged))), errOther)
			if got := logged.count(slog.LevelWarn); got > 0 {
				t.Errorf("it is logged that events were set aside: %q", logged.entries)
			}
			l.fail = nil
			mustDeliver(t, c, 2)
			l.are(t, 2)
		})
	}
}

// "Sync and Replay return nil when each event was handled or set aside, and log the count
// once": with a function or without.
func TestContract11_CatchUpIsNeverStuck(t *testing.T) {
	t.Parallel()
	source := scripted(told2(t, `{"id":1,"type":"text","body":7}`), 2, told2(t, `{"id":3,"type":"text","body":[]}`), 4)
	for _, where := range []string{"conversation", "replay", "nowhere"} {
		for _, how := range []string{"Sync", "Replay", "Feed"} {
			t.Run(how+" "+where, func(t *testing.T) {
				t.Parallel()
				var (
					l      letters
					j      journal
					logged logbook
					opts   = []nexmo.ConversationOption{nexmo.WithSource(source), nexmo.WithStart(1)}
					replay = []nexmo.ReplayOption{nexmo.WithLogger(slog.New(&logged))}
				)
				switch where {
				case "conversation":
					opts = append(opts, nexmo.WithDeadLetter(l.take))
				case "replay":
					if how == "Sync" {
						t.Skip("Sync has no options of its own")
					}
					replay = append(replay, nexmo.WithDeadLetter(l.take))
				}
				if how == "Sync" {
					opts = append(opts, nexmo.WithLogger(slog.New(&logged)))
				}
				c := nexmo.NewConversation(conA, opts...)
				nexmo.On(c, func(ctx context.Context, e *nexmo.Event, _ *nexmo.Text) error { return j.handle(ctx, e) })
				var err error
				switch how {
				case "Sync":
					err = c.Sync(t.Context())
				case "Replay":
					err = nexmo.Replay(t.Context(), c, source, conA, 0, replay...)
				case "Feed":
					err = nexmo.Feed(t.Context(), c, source.EventsAfter(t.Context(), conA, 0), func(e *nexmo.Event, err error) {
						if err != nil {
							t.Errorf("event %d: %v", e.ID, err)
						}
					}, replay...)
				}
				checkError(t, err, nil)
				j.is(t, "2", "4")
				if where == "nowhere" {
					l.are(t)
					if got := logged.count(slog.LevelError); got != 2 {
						t.Errorf("%d errors were logged, want one for each of 2 events: %q", got, logged.entries)
					}
				} else {
					l.are(t, 1, 3)
					for _, d := range l.all {
						if d.Via != nexmo.ViaReplay {
							t.Errorf("event %d came via %q", d.EventID, d.Via)
						}
					}
				}
				if got := logged.count(slog.LevelWarn); got != 1 || !strings.Contains(strings.Join(logged.entries, "\n"), " count=2") {
					t.Errorf("%d warnings were logged, want one with the count: %q", got, logged.entries)
				}
				if how == "Sync" { // what it has set aside it does not read again
					logged.entries = nil
					checkError(t, c.Sync(t.Context()), nil)
					j.is(t, "2", "4")
					if logged.count(slog.LevelWarn)+logged.count(slog.LevelError) > 0 {
						t.Errorf("a second Sync logged %q", logged.entries)
					}
				}
			})
		}
	}
}

// The event that a handler delivers is set aside by itself, whatever becomes of the one
// that is being handled.
func TestContract11_AnEventThatAHandlerDelivers(t *testing.T) {
	t.Parallel()
	for name, outer := range map[string]error{"handled": nil, "fails for now": errOther, "fails for good": nexmo.Permanent(errOther)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l letters
			b := nexmo.NewConversation(conB)
			b.On(nexmo.EventAny, func(context.Context, *nexmo.Event) error { return nexmo.Permanent(errBoom) })
			a := nexmo.NewConversation(conA)
			a.On(nexmo.EventAny, func(ctx context.Context, _ *nexmo.Event) error {
				checkError(t, b.Deliver(ctx, numberedIn(conB, 5)), nil)
				return outer
			})
			err := nexmo.Replay(t.Context(), a, scripted(1), conA, 0, nexmo.WithDeadLetter(l.take), nexmo.WithLogger(slog.New(slog.DiscardHandler)))
			switch name {
			case "handled":
				checkError(t, err, nil)
				l.are(t, 5)
			case "fails for now":
				checkError(t, err, errOther)
				l.are(t, 5)
			case "fails for good":
				checkError(t, err, nil)
				l.are(t, 1, 5)
			}
			for _, d := range l.all {
				if want := map[nexmo.EventID]string{1: conA, 5: conB}[d.EventID]; d.ConversationID != want {
					t.Errorf("event %d is of %q", d.EventID, d.ConversationID)
				}
			}
			// Whoever asks the error itself is not told to acknowledge what failed for now.
			err = a.Deliver(t.Context(), numbered(2))
			if got, want := errors.Is(err, nexmo.ErrPermanent), name != "fails for now"; got != want {
				t.Errorf("Deliver returned %v, which matches ErrPermanent: %t", err, got)
			}
			if !errors.Is(err, errBoom) || errors.Is(err, io.EOF) || outer != nil && !errors.Is(err, errOther) {
				t.Errorf("Deliver returned %v, which does not match what the handlers returned, or more", err)
			}
		})
	}
}

// An element of a list that is no event is set aside at its place: no handler runs for it,
// and it holds up nothing, also if its ID cannot be read.
func TestContract11_AnElementThatIsNoEventIsSetAside(t *testing.T) {
	t.Parallel()
	list, err := nexmo.ParseEvents([]byte(`[
		{"id":1,"type":"text","body":{"text":"a"}},
		{"id":2,"body":{"text":"it has no type"}},
		7,
		{"id":3,"type":"text","body":{"text":"b"}},
		{"id":4,"type":"text","body":{"text":"c"}}
	]`))
	if err != nil || len(list) != 5 {
		t.Fatalf("ParseEvents: %d events, %v", len(list), err)
	}
	source := &shelf{read: func(_ context.Context, after nexmo.EventID, yield func(*nexmo.Event, error) bool) {
		for _, e := range list {
			if (e.ID == 0 || e.ID > after) && !yield(e, nil) {
				return
			}
		}
	}}
	for how, read := range map[string]func(ctx context.Context, c *nexmo.Conversation) error{
		"Sync":   func(ctx context.Context, c *nexmo.Conversation) error { return c.Sync(ctx) },
		"Replay": func(ctx context.Context, c *nexmo.Conversation) error { return nexmo.Replay(ctx, c, source, conA, 0) },
		"fetch":  func(ctx context.Context, c *nexmo.Conversation) error { return c.Deliver(ctx, list[4]) },
	} {
		for name, sink := range map[string]func(opts ...nexmo.ConversationOption) *nexmo.Conversation{
			"conversation": func(opts ...nexmo.ConversationOption) *nexmo.Conversation {
				return nexmo.NewConversation(conA, opts...)
			},
			"application": func(opts ...nexmo.ConversationOption) *nexmo.Conversation {
				var all []nexmo.ApplicationOption
				for _, o := range opts {
					all = append(all, o)
				}
				return nexmo.NewApplication("", all...).Conversation(conA)
			},
		} {
			t.Run(how+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					var l letters
					var j journal
					c := sink(nexmo.WithSource(source), nexmo.WithDeadLetter(l.take), nexmo.WithStart(1))
					c.On(nexmo.EventAny, j.handle)
					checkError(t, read(t.Context(), c), nil)
					synctest.Wait()
					j.is(t, "1", "3", "4")
					l.are(t, 2, 0)
					for _, d := range l.all {
						if d.Err == nil || d.Type != "" || d.Raw == "" {
							t.Errorf("the dead letter is %+v", d)
						}
					}
				})
			})
		}
	}
}
