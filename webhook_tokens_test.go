package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

func TestWebhookRememberTokens(t *testing.T) {
	t.Parallel()
	token := func(jti string) *http.Request {
		return signed([]byte(hookTyping), nexmotest.Claim("jti", jti))
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		for range 3 {
			wantAnswer(t, h, token("1"), http.StatusNoContent)
		}
		if len(sink.ids()) != 3 {
			t.Errorf("%d were delivered", len(sink.ids()))
		}
	})
	t.Run("again", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		h.RememberTokens = 10
		results := observed(h)
		wantAnswer(t, h, token("1"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
		wantAnswer(t, h, token("2"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
		if len(sink.ids()) != 2 {
			t.Errorf("%d were delivered", len(sink.ids()))
		}
		if got := results(); !errors.Is(got[1].Err, nexmo.ErrWebhookReplay) {
			t.Errorf("ReceiveEnd was told %+v", got[1])
		}
	})
	t.Run("bounded", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		h.RememberTokens = 3
		for round := range 3 {
			for i := range 5 {
				wantAnswer(t, h, token(fmt.Sprint(round, i)), http.StatusNoContent)
			}
			for i := 2; i < 5; i++ { // the last three
				wantAnswer(t, h, token(fmt.Sprint(round, i)), http.StatusUnauthorized)
			}
		}
		wantAnswer(t, h, token("0 1"), http.StatusNoContent)
	})
	t.Run("after a failure", func(t *testing.T) {
		t.Parallel()
		calls := 0
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			switch calls++; calls {
			case 1:
				return errors.New("not now")
			case 2:
				panic("not now either")
			}
			return nil
		}))
		h.RememberTokens = 10
		wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
		wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
		wantAnswer(t, h, token("1"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
	})
	t.Run("after a refusal", func(t *testing.T) {
		t.Parallel()
		var sink hookRecorder
		h := newHook(&sink)
		h.RememberTokens = 10
		wantAnswer(t, h, signedBy("another", []byte(hookTyping), nexmotest.Claim("jti", "1")), http.StatusUnauthorized)
		r := token("1")
		r.Body = io.NopCloser(strings.NewReader("{}"))
		wantAnswer(t, h, r, http.StatusUnauthorized)
		wantAnswer(t, h, token("1"), http.StatusNoContent)
	})
	t.Run("after what a retry would not mend", func(t *testing.T) {
		t.Parallel()
		calls := 0
		h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
			calls++
			return nexmo.Permanent(errors.New("odd"))
		}))
		h.RememberTokens = 10
		wantAnswer(t, h, token("1"), http.StatusNoContent)
		wantAnswer(t, h, token("1"), http.StatusUnauthorized)
		if calls != 1 {
			t.Errorf("delivered %d times", calls)
		}
	})
	t.Run("at the same time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan error)
			var calls atomic.Int32
			h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
				calls.Add(1)
				return <-release
			}))
			h.RememberTokens = 10
			first := make(chan int)
			go func() { first <- answer(t, h, token("1")) }()
			synctest.Wait()
			// Nobody knows yet what will become of the first.
			for range 3 {
				wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
			}
			release <- errors.New("not now")
			if got := <-first; got != http.StatusServiceUnavailable {
				t.Errorf("the first was answered %d", got)
			}
			go func() { first <- answer(t, h, token("1")) }()
			synctest.Wait()
			release <- nil
			if got := <-first; got != http.StatusNoContent {
				t.Errorf("the retry was answered %d", got)
			}
			wantAnswer(t, h, token("1"), http.StatusUnauthorized)
			if got := calls.Load(); got != 2 {
				t.Errorf("delivered %d times, want 2", got)
			}
		})
	})
	t.Run("none, at the same time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
				<-release
				return nil
			}))
			var both sync.WaitGroup
			for range 2 {
				both.Go(func() { wantAnswer(t, h, token("1"), http.StatusNoContent) })
			}
			synctest.Wait()
			close(release)
			both.Wait()
		})
	})
	t.Run("one, at the same time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
				<-release
				return nil
			}))
			h.RememberTokens = 1
			first := make(chan int)
			go func() { first <- answer(t, h, token("1")) }()
			synctest.Wait()
			go func() {
				synctest.Wait()
				close(release)
			}()
			wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
			if got := <-first; got != http.StatusNoContent {
				t.Errorf("the first was answered %d", got)
			}
		})
	})
	t.Run("several at the same time", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			release := make(chan struct{})
			h := newHook(nexmo.SinkFunc(func(context.Context, *nexmo.Event) error {
				<-release
				return nil
			}))
			h.RememberTokens = 10
			var all sync.WaitGroup
			for _, jti := range []any{"1", "2", nil, nil} { // a token without jti is like no other
				all.Go(func() {
					wantAnswer(t, h, signed([]byte(hookTyping), nexmotest.Claim("jti", jti)), http.StatusNoContent)
				})
			}
			synctest.Wait()
			wantAnswer(t, h, token("1"), http.StatusServiceUnavailable)
			wantAnswer(t, h, token("2"), http.StatusServiceUnavailable)
			close(release)
			all.Wait()
		})
	})
	t.Run("without jti", func(t *testing.T) {
		t.Parallel()
		h := newHook(new(hookRecorder))
		h.RememberTokens = 1
		wantAnswer(t, h, token("1"), http.StatusNoContent)
		for range 2 {
			wantAnswer(t, h, signed([]byte(hookTyping), nexmotest.Claim("jti", nil)), http.StatusNoContent)
		}
		wantAnswer(t, h, token("1"), http.StatusUnauthorized) // they take no place
	})
}
