package nexmotest_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// The client of this module and the server understand each other.
func TestClient(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	s := nexmotest.NewServer(t)
	client := s.Client(nexmo.WithUserAgent("a test"))

	user, err := client.CreateUser(ctx, nexmo.UserParams{Name: "alice", DisplayName: "Alice"})
	must(t, err)
	c, err := client.CreateConversation(ctx, nexmo.ConversationParams{Name: "support"})
	must(t, err)
	_, err = client.CreateConversation(ctx, nexmo.ConversationParams{Name: "support"})
	if refused, ok := errors.AsType[*nexmo.APIError](err); !ok || refused.Status != 409 {
		t.Errorf("a second conversation of the name: %v", err)
	}
	if _, err := client.ConversationInfo(ctx, "CON-none"); !errors.Is(err, nexmo.ErrNotFound) {
		t.Error(err)
	}
	invited, err := client.CreateMember(ctx, c.ID, nexmo.MemberParams{State: nexmo.MemberStateInvited, UserID: user.ID})
	must(t, err)
	joined, err := client.UpdateMember(ctx, c.ID, invited.ID, nexmo.MemberUpdate{State: nexmo.MemberStateJoined})
	must(t, err)
	if joined.State != nexmo.MemberStateJoined || joined.ID != invited.ID || joined.User.Name != "alice" {
		t.Errorf("%+v", joined)
	}
	for _, body := range []nexmo.Body{&nexmo.Message{MessageContent: nexmo.TextMessage("hello")}, &nexmo.Text{Text: "old"}, &nexmo.Custom{Name: "x", JSON: `{"n":1}`}} {
		_, err := client.CreateEvent(ctx, c.ID, body, nexmo.From(joined.ID))
		must(t, err)
	}
	must(t, client.DeleteEvent(ctx, c.ID, 4))
	_, err = client.StartTalk(ctx, c.ID, nexmo.TalkParams{Text: "hello"})
	must(t, err)
	_, err = client.UpdateMember(ctx, c.ID, joined.ID, nexmo.MemberUpdate{State: nexmo.MemberStateLeft, Reason: nexmo.Reason{Code: "1", Text: "bye"}})
	must(t, err)

	var got []string
	for e, err := range client.Events(ctx, c.ID, &nexmo.EventListOptions{ListOptions: nexmo.ListOptions{PageSize: 3}}) {
		must(t, err)
		got = append(got, fmt.Sprint(e.ID, " ", e.Type))
	}
	want := []string{"1 member:invited", "2 member:joined", "3 message", "4 text", "5 custom:x", "6 event:delete", "7 audio:say", "8 member:left"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	for m, err := range client.Members(ctx, c.ID, nil) {
		must(t, err)
		if m.ID != joined.ID || m.State != nexmo.MemberStateLeft {
			t.Errorf("%+v", m)
		}
	}
	for uc, err := range client.UserConversations(ctx, user.ID, nil) {
		must(t, err)
		if uc.ID != c.ID || uc.MemberID != joined.ID || uc.MemberState != nexmo.MemberStateLeft {
			t.Errorf("%+v", uc)
		}
	}
	loaded, err := client.Conversation(ctx, c.ID)
	must(t, err)
	if m, ok := loaded.Member(joined.ID); !ok || m.State != nexmo.MemberStateLeft {
		t.Errorf("%+v, %v", m, ok)
	}
	must(t, client.DeleteConversation(ctx, c.ID))
	must(t, client.DeleteUser(ctx, user.ID))
	if r := s.ExpectRequest("POST /v1/users"); r.User != "" || r.Header.Get("User-Agent")[:6] != "a test" {
		t.Errorf("%+v", r)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
