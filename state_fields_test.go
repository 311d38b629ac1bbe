package nexmo

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// filled returns a T with a value of its own in every field.
func filled[T any](t *testing.T) *T {
	t.Helper()
	v, n := new(T), 0
	fillEvery(t, reflect.ValueOf(v).Elem(), "", &n, func(string, reflect.Value) {})
	return v
}

// fieldsOf returns the fields of a struct by name.
func fieldsOf(v any) map[string]any {
	fields := map[string]any{}
	for f, field := range reflect.ValueOf(v).Fields() {
		fields[f.Name] = field.Interface()
	}
	return fields
}

// What REST answers of a conversation is in Conversation.Info, every field of it, also
// those that are added later.
func TestNoFieldOfALoadedConversationIsLost(t *testing.T) {
	t.Parallel()
	info := filled[ConversationInfo](t)
	s := state{id: info.ID}
	s.load(info, nil)
	want := *info
	want.Raw = ""                                    // documented: it is the answer's
	want.DeleteReason, want.TransferredFrom = "", "" // REST does not tell them
	if diff := cmp.Diff(want, *s.info); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
	// What is known already, and no more, is what is loaded again.
	s.load(&ConversationInfo{ID: info.ID, SequenceNumber: info.SequenceNumber, Properties: info.Properties, Numbers: info.Numbers, Callback: info.Callback}, nil)
	if diff := cmp.Diff(want, *s.info); diff != "" {
		t.Errorf("loaded again, with less (-want +got):\n%s", diff)
	}
}

// What events of the conversation family say of it is in Conversation.Info.
func TestNoFieldOfConversationDetailsIsLost(t *testing.T) {
	t.Parallel()
	details := filled[ConversationDetails](t)
	for name, body := range map[string]Body{
		"created": &ConversationCreated{ConversationDetails: *details},
		"updated": &ConversationUpdated{ConversationDetails: *details},
		"deleted": &ConversationDeleted{ConversationDetails: *details},
	} {
		s := state{id: details.ID}
		s.apply(&Event{ID: 1, Type: body.EventType(), Body: body})
		got := fieldsOf(*s.info)
		for field, want := range fieldsOf(*details) {
			if name == "deleted" && field == "State" {
				want = ConversationStateDeleted
			}
			if diff := cmp.Diff(want, got[field]); diff != "" {
				t.Errorf("%s: %s (-want +got):\n%s", name, field, diff)
			}
		}
	}
}

// What is said of a user is in Member, but for what Member has no place for.
func TestNoFieldOfAUserIsLost(t *testing.T) {
	t.Parallel()
	places := map[string]string{ // of the fields of User in Member
		"ID": "UserID", "Name": "UserName", "DisplayName": "DisplayName", "ImageURL": "ImageURL", "Media": "Media",
		"UserID":     "", // an older name of ID: the decoder has filled in ID
		"MemberID":   "ID",
		"Properties": "", // of the user, not of the membership
		"CustomData": "",
	}
	user := filled[User](t)
	loaded := state{}
	loaded.load(&ConversationInfo{}, []*MemberInfo{{ID: user.MemberID, User: *user}})
	joined := state{}
	joined.apply(&Event{ID: 1, Type: EventMemberJoined, Body: &MemberJoined{Membership: Membership{MemberID: user.MemberID, User: *user}}})
	for name, s := range map[string]*state{"loaded": &loaded, "joined": &joined} {
		got := fieldsOf(s.members.all()[0])
		for field, want := range fieldsOf(*user) {
			place, ok := places[field]
			if !ok {
				t.Errorf("User.%s: say where it is in Member, or that it is not", field)
			}
			if diff := cmp.Diff(want, got[place]); place != "" && diff != "" {
				t.Errorf("%s: User.%s is not in Member.%s (-want +got):\n%s", name, field, place, diff)
			}
		}
	}
}
