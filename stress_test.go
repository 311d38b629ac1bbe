package nexmo_test

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
)

var stressSeed = flag.Uint64("stress.seed", 0, "the seed of the stress tests; 0 takes another one each time")

const (
	stressChunk   = 16  // events of a conversation are shuffled within so many
	stressWorkers = 8   // goroutines that deliver
	stressGroup   = 500 // conversations that are under way at the same time
	stressEvents  = 100 // of each conversation
)

// stressSize is how many conversations there are.
func stressSize() int {
	if raceEnabled || testing.Short() {
		return 500
	}
	return 10_000
}

// stressed is what must be and what was of one conversation. Its fields have no
// lock: the race detector is to see that the conversation is one.
type stressed struct {
	id       string
	lost     [stressEvents + 1]bool // never delivered
	handled  [stressEvents + 1]bool
	reported [stressEvents + 1]bool // in a Gap
	last     nexmo.EventID
	inside   atomic.Bool
	failed   string // the first thing that was wrong
}

func (s *stressed) fail(format string, args ...any) {
	if s.failed == "" {
		s.failed = fmt.Sprintf(format, args...)
	}
}

func (s *stressed) handle(_ context.Context, e *nexmo.Event) error {
	if !raceEnabled && s.inside.Swap(true) { // an atomic would hide from the race detector what it is to find
		panic("two events are handled at the same time")
	}
	switch id := e.ID; {
	case s.handled[id]:
		s.fail("%d is handled twice", id)
	case id <= s.last:
		s.fail("%d is handled after %d", id, s.last)
	default:
		s.handled[id] = true
		s.last = id
	}
	if !raceEnabled {
		s.inside.Store(false)
	}
	return nil
}

func (s *stressed) gap(g nexmo.Gap) {
	for id := g.From; id <= g.To; id++ {
		switch {
		case !s.lost[id]:
			s.fail("%d is reported missing, it was only late", id)
		case s.reported[id]:
			s.fail("%d is reported missing twice", id)
		case id <= s.last:
			s.fail("%d is reported missing after %d was handled", id, s.last)
		}
		s.reported[id] = true
	}
}

func (s *stressed) check() string {
	for id := 1; id <= stressEvents && s.failed == ""; id++ {
		switch {
		case s.lost[id] != s.reported[id]:
			s.fail("%d is lost: %v, reported missing: %v", id, s.lost[id], s.reported[id])
		case s.lost[id] == s.handled[id]:
			s.fail("%d is lost: %v, handled: %v", id, s.lost[id], s.handled[id])
		}
	}
	return s.failed
}

// stress delivers the events of many conversations: those of each shuffled
// within chunks, 5 % twice and 1 % never. round is given what is to be delivered
// by the workers at the same time, and returns when it is.
func stress(t *testing.T, round func(shares *[stressWorkers][]*nexmo.Event)) (app *nexmo.Application, finish func()) {
	t.Helper()
	seed := *stressSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	rng := rand.New(rand.NewPCG(seed, 0))

	all := make([]*stressed, stressSize())
	byID := make(map[string]*stressed, len(all))
	for i := range all {
		all[i] = &stressed{id: fmt.Sprintf("CON-%06d", i)}
		byID[all[i].id] = all[i]
	}
	app = nexmo.NewApplication("",
		nexmo.WithStart(1),
		nexmo.WithReorderWindow(64, 35*time.Millisecond),
		nexmo.WithGapFunc(func(_ context.Context, g nexmo.Gap) { byID[g.ConversationID].gap(g) }))
	app.OnConversation(func(c *nexmo.Conversation) { c.On(nexmo.EventAny, byID[c.ID()].handle) })

	return app, func() {
		t.Helper()
		start := time.Now()
		body := new(nexmo.Text)
		var shares [stressWorkers][]*nexmo.Event
		for group := all; len(group) > 0; group = group[min(stressGroup, len(group)):] {
			for first := 1; first <= stressEvents; first += stressChunk {
				for w := range shares {
					shares[w] = shares[w][:0]
				}
				var batch []*nexmo.Event
				for _, s := range group[:min(stressGroup, len(group))] {
					for id := first; id < min(first+stressChunk, stressEvents+1); id++ {
						// The last one shows that those in front of it are missing.
						if rng.IntN(100) == 0 && id < stressEvents {
							s.lost[id] = true
							continue
						}
						e := &nexmo.Event{ID: nexmo.EventID(id), Type: nexmo.EventText, ConversationID: s.id, Body: body}
						batch = append(batch, e)
						if rng.IntN(20) == 0 {
							batch = append(batch, e)
						}
					}
				}
				rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
				for i, e := range batch {
					shares[i%stressWorkers] = append(shares[i%stressWorkers], e)
				}
				round(&shares)
			}
		}
		round(nil)
		synctest.Wait()

		failures := 0
		for _, s := range all {
			if what := s.check(); what != "" {
				if failures++; failures <= 10 {
					t.Errorf("%s: %s", s.id, what)
				}
			}
		}
		if failures > 0 {
			t.Errorf("%d of %d conversations are wrong; again with -stress.seed=%d", failures, len(all), seed)
		}
		t.Logf("%d events of %d conversations, in %v by the clock of the bubble", len(all)*stressEvents, len(all), time.Since(start))
	}
}

// liveSource yields the events that come in its channel, and says when it is
// asked for more than those of a share.
type liveSource struct {
	shares chan []*nexmo.Event
	taken  *sync.WaitGroup
}

func (s liveSource) EventsAfter(context.Context, string, nexmo.EventID) iter.Seq2[*nexmo.Event, error] {
	return func(yield func(*nexmo.Event, error) bool) {
		for share := range s.shares {
			for _, e := range share {
				if !yield(e, nil) {
					return
				}
			}
			s.taken.Done()
		}
	}
}

// Eight streams, each with a share of the events of every conversation.
func TestStressStreams(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var taken, streams sync.WaitGroup
		var sources [stressWorkers]liveSource
		for w := range sources {
			sources[w] = liveSource{shares: make(chan []*nexmo.Event), taken: &taken}
		}
		app, finish := stress(t, func(shares *[stressWorkers][]*nexmo.Event) {
			if shares == nil {
				for _, s := range sources {
					close(s.shares)
				}
				streams.Wait()
				return
			}
			taken.Add(len(sources))
			for w, s := range sources {
				s.shares <- shares[w]
			}
			taken.Wait()
			// Some gaps are given up because of the time, some because of the
			// events behind them.
			time.Sleep(10 * time.Millisecond)
		})
		for _, s := range sources {
			streams.Go(func() {
				if err := nexmo.Replay(t.Context(), app, s, "", 0); err != nil {
					t.Errorf("Replay: %v", err)
				}
			})
		}
		finish()
	})
}

// A goroutine for each event that is under way, as a server has for each webhook:
// it waits until the event has been handled.
func TestStressWebhooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var app *nexmo.Application
		var failed atomic.Int64
		app, finish := stress(t, func(shares *[stressWorkers][]*nexmo.Event) {
			if shares == nil {
				return
			}
			var wg sync.WaitGroup
			for _, share := range shares {
				wg.Go(func() {
					for _, e := range share {
						wg.Go(func() {
							if err := app.Deliver(t.Context(), e); err != nil {
								failed.Add(1)
							}
						})
					}
				})
			}
			wg.Wait()
		})
		finish()
		if n := failed.Load(); n != 0 {
			t.Errorf("%d calls of Deliver failed", n)
		}
	})
}
