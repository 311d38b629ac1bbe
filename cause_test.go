package nexmo

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"testing/synctest"
)

// Which of two events with one cause is the duplicate shows in a log only.

func causeNumber(n int) cause {
	return sha256.Sum256(binary.AppendVarint(nil, int64(n)))
}

// An event with an ID is known by that, whatever it names.
func TestCauseIsOfEventsWithoutID(t *testing.T) {
	t.Parallel()
	e := Event{Type: EventAppKnocking, From: "knocker:1"}
	if _, ok := causeOf(&e); !ok {
		t.Error("a knock has no cause")
	}
	e.ID = 7
	if _, ok := causeOf(&e); ok {
		t.Error("an event with an ID is known by its cause")
	}
}

// Only what comes after an event was handled is a duplicate. What failed, or was set aside, is
// handled again, and who waits for another one has its outcome.
func TestCausesTellWhatIsADuplicate(t *testing.T) {
	t.Parallel()
	errFailed := errors.New("failed")
	for name, tt := range map[string]struct {
		err   error
		aside bool
		again bool
	}{
		"handled":         {nil, false, false},
		"failed":          {errFailed, false, true},
		"set aside":       {nil, true, true},
		"failed for good": {errFailed, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var m causes
				release := make(chan struct{})
				check := func(ctx context.Context, calls, duplicate bool, want error) {
					t.Helper()
					called := false
					e := &Event{Type: EventAppKnocking, From: "knocker:1"}
					cause, _ := causeOf(e)
					got, err := m.once(ctx, cause, func() error {
						called = true
						<-release
						if tt.aside {
							m.setAside(e)
						}
						return tt.err
					})
					if called != calls || got != duplicate || !errors.Is(err, want) || want == nil && err != nil {
						t.Errorf("called %t, a duplicate %t, %v; want %t, %t, %v", called, got, err, calls, duplicate, want)
					}
				}
				go check(t.Context(), true, false, tt.err)
				synctest.Wait()
				go check(t.Context(), false, false, tt.err)
				synctest.Wait()
				ended, cancel := context.WithCancel(t.Context())
				cancel()
				check(ended, false, false, context.Canceled)
				close(release)
				synctest.Wait()
				for range 2 {
					want := tt.err
					if !tt.again {
						want = nil
					}
					check(t.Context(), tt.again, !tt.again, want)
				}
			})
		})
	}
}

// 16384 causes are remembered. The next one takes the place of the first.
func TestCausesAreBounded(t *testing.T) {
	t.Parallel()
	var m causes
	handle := func(n int, want bool) {
		t.Helper()
		called := false
		duplicate, err := m.once(t.Context(), causeNumber(n), func() error { called = true; return nil })
		if err != nil || called != want || duplicate == want {
			t.Fatalf("cause %d: called %t, a duplicate %t, %v", n, called, duplicate, err)
		}
	}
	for n := range maxCauses {
		handle(n, true)
	}
	for n := range maxCauses {
		handle(n, false)
	}
	handle(maxCauses, true)
	handle(1, false)
	handle(maxCauses-1, false)
	handle(0, true)
}
