package nexmo_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestAnswersWithOddFields: a field of an answer that does not fit costs neither the
// resource nor its other fields, and what a reader can mend is read.
func TestAnswersWithOddFields(t *testing.T) {
	t.Parallel()
	user := `{"id":"USR-1","name":7,"display_name":"half \ud83d","image_url":{},"properties":{"ttl":"60"},"channels":{"pstn":[{"number":1234},5],"sip":"none"},"name":"last"}`
	for name, text := range map[string]string{"plain": user, "behind a byte-order mark": "\ufeff" + user} {
		s := newScriptedAPI(answerWith(200, text))
		got, err := s.client(t).UserInfo(t.Context(), "USR-1")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got.ID != "USR-1" || got.Name != "last" || got.DisplayName != "half \ufffd" || got.ImageURL != "" || got.Properties.TTL.Duration().Seconds() != 60 {
			t.Errorf("%s: %+v", name, got)
		}
		if diff := cmp.Diff([]nexmo.UserChannel{{Number: "1234"}, {}}, got.Channels.PSTN); diff != "" || string(got.Raw) != user {
			t.Errorf("%s: Raw %s (-want +got):\n%s", name, got.Raw, diff)
		}
	}
	list := newScriptedAPI(answerWith(200, `{"_embedded":{"members":[{"id":"MEM-1","channel":"none","state":"joined"},{"id":"MEM-2","initiator":7}]}}`))
	var ids []string
	for m, err := range list.client(t).Members(t.Context(), "CON-1", nil) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, m.ID)
	}
	if diff := cmp.Diff([]string{"MEM-1", "MEM-2"}, ids); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
}
