package nexmo

import (
	"context"
	"log/slog"
	"sync"
)

// receipts are those that [WithDeliveryReceipts] has sent.
type receipts struct {
	mu      sync.Mutex
	waiting []*Event
	sending bool
	seen    map[receiptKey]struct{} // what a receipt was sent for, or is to be
	order   []receiptKey            // of seen, the oldest first
	members map[string]string       // the own member, by conversation; used by sendReceipts alone
}

type receiptKey struct {
	conversationID string
	id             EventID
}

const (
	maxReceipts       = 1024 // how many may wait to be sent
	rememberedReceipt = 4096 // how many are not sent twice
	rememberedMembers = 1024 // in how many conversations the own member is known
)

func (r *receipts) init() {
	r.seen, r.members = map[receiptKey]struct{}{}, map[string]string{}
}

// acceptReceipt has a receipt sent for an event that is to have one.
func (s *Session) acceptReceipt(e *Event) {
	if !s.cfg.receipts || e.ID == 0 || e.ConversationID == "" || e.From == "" {
		return
	}
	switch e.Type {
	case EventText, EventImage, EventMessage:
	default:
		return
	}
	if _, deleted := e.Deleted(); deleted || s.own(e) {
		return
	}
	r := &s.receipts
	r.mu.Lock()
	defer r.mu.Unlock()
	key := receiptKey{e.ConversationID, e.ID}
	if _, ok := r.seen[key]; ok || len(r.waiting) >= maxReceipts {
		return
	}
	r.seen[key] = struct{}{}
	if r.order = append(r.order, key); len(r.order) > rememberedReceipt {
		delete(r.seen, r.order[0])
		r.order = r.order[1:]
	}
	r.waiting = append(r.waiting, e)
	if !r.sending {
		r.sending = true
		s.spawn(s.sendReceipts)
	}
}

// own reports whether an event names the user as the one it came from.
func (s *Session) own(e *Event) bool {
	me := s.Me()
	return e.FromUser != nil && (e.FromUser.ID != "" && e.FromUser.ID == me.ID || e.FromUser.Name != "" && e.FromUser.Name == me.Name)
}

// sendReceipts sends receipts until there is none to send.
func (s *Session) sendReceipts(ctx context.Context) {
	r := &s.receipts
	for {
		r.mu.Lock()
		if len(r.waiting) == 0 || ctx.Err() != nil {
			r.waiting, r.sending = nil, false
			r.mu.Unlock()
			return
		}
		e := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.mu.Unlock()
		if err := s.sendReceipt(ctx, e); err != nil && ctx.Err() == nil {
			s.log(ctx, slog.LevelInfo, "nexmo: a receipt could not be sent", reasonOf(err),
				slog.String("conversation_id", e.ConversationID), slog.Int64("event_id", int64(e.ID)))
		}
	}
}

// sendReceipt sends the receipt for e. A user who is no member sends none.
func (s *Session) sendReceipt(ctx context.Context, e *Event) error {
	r := &s.receipts
	member, known := r.members[e.ConversationID]
	if !known {
		me, err := s.client.Me(ctx, e.ConversationID)
		if err != nil {
			return err
		}
		if me.State == MemberStateJoined {
			member = me.ID
		}
		if len(r.members) >= rememberedMembers {
			clear(r.members)
		}
		if member != "" {
			r.members[e.ConversationID] = member
		}
	}
	if member == "" || member == e.From {
		return nil
	}
	err := NewConversation(e.ConversationID, WithClient(s.client)).MarkDelivered(ctx, e, From(member))
	if err != nil {
		delete(r.members, e.ConversationID) // who comes back is another member
	}
	return err
}
