package nexmo_test

import (
	"context"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/conversation-events/nexmo"
)

func membership(typ nexmo.EventType, id nexmo.EventID, member string) *nexmo.Event {
	e := &nexmo.Event{ID: id, Type: typ, ConversationID: conA, From: member}
	m := nexmo.Membership{MemberID: member, User: nexmo.User{ID: "USR-" + member, Name: "name of " + member}}
	switch typ {
	case nexmo.EventMemberInvited:
		e.Body = &nexmo.MemberInvited{Membership: m}
	case nexmo.EventMemberJoined:
		e.Body = &nexmo.MemberJoined{Membership: m}
	default:
		e.Body = &nexmo.MemberLeft{Membership: m}
	}
	return e
}

// "Members and conversation state are as they are after the event when its
// handlers run".
func TestContract03_StateIsAsAfterTheEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var j journal
		c := nexmo.NewConversation(conA, nexmo.WithStart(1), nexmo.WithHistory(10))
		c.On(nexmo.EventAny, func(_ context.Context, e *nexmo.Event) error {
			m, _ := c.Member("M")
			kept := slices.Collect(maps.Keys(maps.Collect(c.Events())))
			slices.Sort(kept)
			j.add("%d: %s, %q, %v, after %d", e.ID, m.State, c.Info().Name, kept, c.LastEventID())
			if e.ID == 2 && len(kept) == 2 {
				return errBoom
			}
			return nil
		})
		// They come in any order; what is held back has not happened yet.
		left := beginDeliver(t.Context(), c, membership(nexmo.EventMemberLeft, 4, "M"))
		left.waits(t)
		renamed := beginDeliver(t.Context(), c, &nexmo.Event{
			ID: 3, Type: nexmo.EventConversationUpdated, ConversationID: conA,
			Body: &nexmo.ConversationUpdated{ConversationDetails: nexmo.ConversationDetails{Name: "new"}},
		})
		renamed.waits(t)
		if _, ok := c.Member("M"); ok {
			t.Error("a member is known from an event that is held back")
		}
		checkError(t, c.Deliver(t.Context(), membership(nexmo.EventMemberInvited, 1, "M")), nil)
		joined := membership(nexmo.EventMemberJoined, 2, "M")
		checkError(t, c.Deliver(t.Context(), joined), errBoom)
		renamed.returns(t, nil)
		left.returns(t, nil)
		// An event that is handled again, or comes again, changes nothing again.
		checkError(t, c.Deliver(t.Context(), joined), nil)
		checkError(t, c.Deliver(t.Context(), joined), nil)
		checkError(t, c.Deliver(t.Context(), typingBy("N")), nil)
		j.is(t,
			`1: INVITED, "", [1], after 0`,
			`2: JOINED, "", [1 2], after 1`,
			`3: JOINED, "new", [1 2 3], after 1`,
			`4: LEFT, "new", [1 2 3 4], after 3`,
			`2: LEFT, "new", [1 2 3 4], after 4`,
			`0: LEFT, "new", [1 2 3 4], after 4`)
		if m, _ := c.Member("N"); !m.Typing {
			t.Error("an event without an ID did not change the member")
		}
	})
}
