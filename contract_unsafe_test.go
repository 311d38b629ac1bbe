package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// "If fn fails or panics, nothing is acknowledged": also if what it returns is the error of
// the dead letter, which says that no retry makes the event succeed.
func TestContract11_TheErrorOfAFunctionIsNeverPermanent(t *testing.T) {
	t.Parallel()
	never := nexmo.Permanent(errBoom)
	returnsIts := func(_ context.Context, d nexmo.DeadLetter) error {
		return fmt.Errorf("the table is locked: %w", d.Err)
	}
	for name, inner := range map[string]bool{"of the Application": true, "of the outermost": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []nexmo.ApplicationOption
			var replayOptions []nexmo.ReplayOption
			webhook := newHook(nil)
			if inner {
				options = append(options, nexmo.WithDeadLetter(returnsIts))
			} else {
				replayOptions = append(replayOptions, nexmo.WithDeadLetter(returnsIts))
				webhook.DeadLetter = returnsIts
			}
			var j journal
			app := nexmo.NewApplication("", options...)
			app.On(nexmo.EventAny, func(ctx context.Context, e *nexmo.Event) error {
				_ = j.handle(ctx, e)
				return never
			})
			err := nexmo.Replay(t.Context(), app, stored(1, 2), conA, 0, replayOptions...)
			if !errors.Is(err, errBoom) || errors.Is(err, nexmo.ErrPermanent) {
				t.Errorf("Replay returned %v", err)
			}
			j.is(t, "1")
			webhook.Sink = app
			answer := httptest.NewRecorder()
			webhook.ServeHTTP(answer, signed(hookText(1)))
			if answer.Code != 503 {
				t.Errorf("the webhook was answered %d, want 503", answer.Code)
			}
		})
	}
}

// "A session tries again before the conversation's next event", whichever function has failed.
func TestContract11_ASessionTriesAgainWhenTheFunctionOfTheApplicationFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		frames, want []string
	}{
		"live": {
			[]string{textFrame("CON-1", 1), textFrame("CON-1", 2), textFrame("CON-2", 3)},
			[]string{"CON-1 1 0s", "CON-2 3 0s", "CON-1 1 1s", "CON-1 1 3s", "CON-1 2 3s"},
		},
		"behind a gap": {
			[]string{textFrame("CON-2", 1), textFrame("CON-2", 3), textFrame("CON-2", 2)},
			[]string{"CON-2 1 0s", "CON-2 2 0s", "CON-2 3 0s", "CON-2 3 1s", "CON-2 3 3s"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				dead := deadLetters{panics: 1, errs: []error{nil, errors.New("the table is locked")}}
				app := nexmo.NewApplication("", nexmo.WithDeadLetter(dead.take))
				var got []string
				began := time.Now()
				app.On("text", func(_ context.Context, e *nexmo.Event) error {
					got = append(got, fmt.Sprint(e.ConversationID, " ", e.ID, " ", time.Since(began)))
					if e.ConversationID == "CON-1" && e.ID == 1 || e.ID == 3 && name != "live" {
						return nexmo.Permanent(errors.New("no such order"))
					}
					return nil
				})
				running(t, saying(t, append([]string{successEvent}, test.frames...)), app)
				time.Sleep(time.Hour)
				synctest.Wait()
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Errorf("handled (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// "Failed events keep their Raw; the one that must go is set aside. If fn fails, nothing is
// acknowledged": Sync reads it again, and only the handlers that failed run.
func TestContract11_WhatMustGoAndIsNotSafeIsReadAgain(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("x", 1500<<10) // three of them are too many
	large := func(id nexmo.EventID) *nexmo.Event {
		return &nexmo.Event{ID: id, Type: "text", ConversationID: conA, Body: &nexmo.Text{Text: body}}
	}
	source := scripted(large(1), large(2), large(3), large(4), large(5))
	l := letters{fail: func() error { return errOther }}
	c := nexmo.NewConversation(conA, nexmo.WithSource(source), nexmo.WithDeadLetter(l.take))
	var once, again journal
	c.On("text", once.handle)
	fault := errBoom
	c.On("text", func(ctx context.Context, e *nexmo.Event) error {
		_ = again.handle(ctx, e)
		return fault
	})
	for id := range nexmo.EventID(5) {
		if err := c.Deliver(t.Context(), large(id+1)); !errors.Is(err, errBoom) {
			t.Fatalf("Deliver returned %v", err)
		}
	}
	fault, l.fail = nil, nil
	if err := c.Sync(t.Context()); err != nil {
		t.Fatal(err)
	}
	once.is(t, "1", "2", "3", "4", "5")
	again.is(t, "1", "2", "3", "4", "5", "1", "2", "3", "4", "5")
	l.are(t)
}

// "Permanent is what On and OnCustom made for this very event": also if a middleware, or the
// Sink in front, has passed on a copy of it, which a handler that must not change it makes.
func TestContract11_ACopyOfAnEventIsThatEvent(t *testing.T) {
	t.Parallel()
	var l letters
	app := nexmo.NewApplication("", nexmo.WithDeadLetter(l.take))
	app.Use(func(next nexmo.Handler) nexmo.Handler {
		return func(ctx context.Context, e *nexmo.Event) error {
			c := *e
			c.To = "MEM-1"
			return next(ctx, &c)
		}
	})
	nexmo.On(app, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })
	e := parseText(t, `{"type":"text","id":1,"conversation_id":"CON-1","body":5}`)
	if err := app.Deliver(t.Context(), e); err != nil {
		t.Errorf("Deliver returned %v", err)
	}
	l.are(t, 1)

	none := nexmo.NewApplication("")
	nexmo.On(none, func(context.Context, *nexmo.Event, *nexmo.Text) error { return nil })
	webhook := newHook(nexmo.SinkFunc(func(ctx context.Context, e *nexmo.Event) error {
		c := *e
		if err := none.Deliver(ctx, &c); err != nil {
			return fmt.Errorf("tenant 7: %w", err)
		}
		return nil
	}))
	webhook.DeadLetter = l.take
	wantAnswer(t, webhook, signed(e.Raw.Bytes()), 204)
	l.are(t, 1, 1)
}
