package nexmo_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// model is what sentences 4 to 7 of the contract say, for events that arrive one
// after another, in rounds. Within a round no time passes; between two rounds so
// much that no gap is still waited for. It knows nothing of how a Conversation
// works.
type model struct {
	next    nexmo.EventID // the lowest ID whose turn has not come
	handled map[nexmo.EventID]bool
	failing map[nexmo.EventID]int // how often the handlers fail
	held    map[nexmo.EventID][]*modelCall
	source  map[nexmo.EventID]bool // of all there are; nil: there is no Source
	journal []string
}

// modelCall is a call of Deliver or Replay and what it returns.
type modelCall struct {
	name string
	err  error
	got  pending
}

// arrive delivers id for call.
func (m *model) arrive(id nexmo.EventID, call *modelCall) {
	switch {
	case id == 0:
		m.journal = append(m.journal, "no ID")
	case m.handled[id]:
	case m.next != 0 && id > m.next:
		m.held[id] = append(m.held[id], call)
	default:
		m.run(id, call)
		if id >= m.next {
			m.next = id + 1
		}
		m.runHeld()
	}
}

// run calls the handlers for those who wait for id.
func (m *model) run(id nexmo.EventID, calls ...*modelCall) {
	m.journal = append(m.journal, fmt.Sprint(id))
	if m.failing[id] > 0 {
		m.failing[id]--
		for _, call := range calls {
			call.err = errBoom
		}
		return
	}
	m.handled[id] = true
}

// runHeld handles the held events that are due.
func (m *model) runHeld() {
	for m.held[m.next] != nil {
		m.run(m.next, m.held[m.next]...)
		delete(m.held, m.next)
		m.next++
	}
}

// settle ends all gaps: the Source is asked, unless it is the end, and what is still
// missing is given up.
func (m *model) settle(end bool) {
	for from := m.next; len(m.held) > 0; {
		if m.held[m.next] == nil && (end || !m.source[m.next]) {
			m.next++
			continue
		}
		if from < m.next {
			m.journal = append(m.journal, fmt.Sprintf("gap %d-%d", from, m.next-1))
		}
		m.run(m.next, m.held[m.next]...)
		delete(m.held, m.next)
		m.next++
		from = m.next
	}
}

// Whatever arrives, in whatever order, with duplicates, holes, failures, streams and a
// Source with holes: a Conversation handles and reports what a
// simple model does, in its order, and each call returns what the model says.
func TestContract_AgainstAModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { compareWithModel(t, rand.New(rand.NewPCG(seed, 0))) })
		})
	}
}

func compareWithModel(t *testing.T, rng *rand.Rand) {
	const highest, rounds, arrivals = 400, 8, 12
	m := &model{
		handled: map[nexmo.EventID]bool{}, failing: map[nexmo.EventID]int{}, held: map[nexmo.EventID][]*modelCall{},
	}
	var opts []nexmo.ConversationOption
	if rng.IntN(2) == 0 {
		m.next = 1 + nexmo.EventID(rng.IntN(5))
		opts = append(opts, nexmo.WithStart(m.next))
	}
	if rng.IntN(2) == 0 {
		m.source = map[nexmo.EventID]bool{}
		for id := range nexmo.EventID(highest) {
			if rng.IntN(4) > 0 {
				m.source[id+1] = true
			}
		}
		opts = append(opts, nexmo.WithSource(stored(slices.Sorted(maps.Keys(m.source))...)))
	}
	// Failures or streams: where an event that a stream is to deliver fails at the
	// same time for another caller, the stream may get the error, or be in time to
	// have it handled again.
	if rng.IntN(2) == 0 {
		for id := range nexmo.EventID(highest) {
			if rng.IntN(6) == 0 {
				m.failing[id+1] = 1 + rng.IntN(2)
			}
		}
	}

	failing := maps.Clone(m.failing)
	var j journal
	c := nexmo.NewConversation(conA, append(opts, nexmo.WithGapFunc(j.gap))...)
	c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
		if e.ID == 0 {
			j.add("no ID")
			return nil
		}
		j.add("%d", e.ID)
		if failing[e.ID] > 0 {
			failing[e.ID]--
			return errBoom
		}
		return nil
	})

	var script []string
	var calls []*modelCall
	round := func() {
		for range 1 + rng.IntN(arrivals) {
			near := func() nexmo.EventID {
				for {
					// What comes is in the Source: it has all.
					if id := max(1, m.next-8+nexmo.EventID(rng.IntN(24))); m.source == nil || m.source[id] {
						return id
					}
				}
			}
			call := new(modelCall)
			switch kind := rng.IntN(10); {
			case kind == 0: // without an ID
				call.name = "no ID"
				call.got = beginDeliver(t.Context(), c, numbered(0))
				m.arrive(0, call)
			case kind == 1 && len(m.failing) == 0: // a stream
				ids := make([]nexmo.EventID, 1+rng.IntN(6))
				for i := range ids {
					// None that is late: it may pass what the stream made due.
					for ids[i] = near(); ids[i] < m.next; {
						ids[i] = near()
					}
				}
				call.name = fmt.Sprintf("replay %v", ids)
				steps := make([]any, len(ids))
				for i, id := range ids {
					steps[i] = numbered(id)
				}
				call.got = begin(func() error { return nexmo.Replay(t.Context(), c, scripted(steps...), conA, 0) })
				for _, id := range ids {
					m.arrive(id, call)
				}
			default:
				id := near()
				call.name = fmt.Sprint(id)
				call.got = beginDeliver(t.Context(), c, numbered(id))
				m.arrive(id, call)
			}
			calls = append(calls, call)
			script = append(script, call.name)
			synctest.Wait()
		}
	}
	for n := range rounds {
		round()
		synctest.Wait()
		if end := n == rounds-1; end {
			script = append(script, "close")
			m.settle(end)
			checkError(t, c.Close(), nil)
		} else {
			script = append(script, "settle")
			m.settle(end)
			time.Sleep(time.Minute)
		}
		synctest.Wait()
		if diff := cmp.Diff(m.journal, slices.Clone(j.entries)); diff != "" {
			t.Fatalf("after %q, what happened (-model +conversation):\n%s", script, diff)
		}
		for _, call := range calls {
			select {
			case err := <-call.got:
				if call.err == nil && err != nil || !errors.Is(err, call.err) {
					t.Fatalf("after %q: the call %s returned %v, want %v", script, call.name, err, call.err)
				}
			default:
				t.Fatalf("after %q: the call %s has not returned", script, call.name)
			}
		}
		calls = nil
	}
}
