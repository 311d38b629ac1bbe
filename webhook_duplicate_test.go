package nexmo_test

import (
	"context"
	"math"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

// A duplicate of what the Sink has handled is answered 204 without being delivered, also
// while there is too much to do, and while the handler is being drained.
func TestWebhookDuplicateIsAnsweredWhileBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		h := newHook(handledSink{
			nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { <-release; return nil }),
			func(conversationID string, id nexmo.EventID) bool { return conversationID == "CON-hook" && id == 7 },
		})
		var log hookLog
		h.MaxConcurrent, h.Logger = 1, log.logger()
		results := observed(h)
		var all sync.WaitGroup
		all.Go(func() { wantAnswer(t, h, signed(hookText(1)), http.StatusNoContent) })
		synctest.Wait()
		wantAnswer(t, h, signed(hookText(2)), http.StatusServiceUnavailable)
		wantAnswer(t, h, signed(hookText(7)), http.StatusNoContent)
		if got := h.Handle(t.Context(), request(hookText(7))).Status; got != http.StatusNoContent {
			t.Errorf("Handle answers %d", got)
		}
		wantAnswer(t, h, signedBy("another", hookText(7)), http.StatusUnauthorized) // it is verified first
		close(release)
		all.Wait()
		if got := log.String(); strings.Contains(got, "panicked") || strings.Count(got, "event_id=7") != strings.Count(got, "a duplicate was dropped") {
			t.Errorf("the log says %s", got)
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Error(err)
		}
		wantAnswer(t, h, signed(hookText(7)), http.StatusNoContent)
		wantAnswer(t, h, signed(hookText(8)), http.StatusServiceUnavailable)
		got := results()[1]
		got.Duration = 0
		if diff := cmp.Diff(webhookResult{Status: 204, EventType: "text", ConversationID: "CON-hook", EventID: 7}, got); diff != "" {
			t.Errorf("ReceiveEnd was told (-want +got):\n%s", diff)
		}
	})
}

// A token that was used before is a replay, whatever the Sink has handled.
func TestWebhookReplayOfADuplicate(t *testing.T) {
	t.Parallel()
	handled := false
	h := newHook(handledSink{
		nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { handled = true; return nil }),
		func(string, nexmo.EventID) bool { return handled },
	})
	h.RememberTokens = 1
	wantAnswer(t, h, signed(hookText(1), nexmotest.Claim("jti", "1")), http.StatusNoContent)
	wantAnswer(t, h, signed(hookText(1), nexmotest.Claim("jti", "1")), http.StatusUnauthorized)
	wantAnswer(t, h, signed(hookText(1), nexmotest.Claim("jti", "2")), http.StatusNoContent)
}

// Of which event a payload is, it must say in the plainest way, once and at its top level:
// everything else is parsed, and delivered.
func TestWebhookPeek(t *testing.T) {
	t.Parallel()
	const large = `"x":{"conversation_id":"CON-2","id":8,"type":"image","t":"}\\\" ,\"id\":9"}`
	tests := map[string]struct {
		payload string
		want    bool // answered from a peek
	}{
		"plain":                         {`{"type":"text","conversation_id":"CON-1","id":7,"body":{"text":"x"}}`, true},
		"another order":                 {`{"body":{"text":"x"},"id":7,"_embedded":{},"conversation_id":"CON-1","x":[1,{}],"type":"text"}`, true},
		"blanks":                        {" {\t\"type\" :\r\n\"text\" , \"conversation_id\": \"CON-1\" ,\"id\" : 7 } \n", true},
		"others of that name":           {`{` + large + `,"type":"text","conversation_id":"CON-1","id":7,` + strings.Replace(large, "x", "y", 1) + `}`, true},
		"a blank in a text":             {`{"type":"te xt","conversation_id":"CON-1","id":7}`, true},
		"a type of one character":       {`{"type":"a","conversation_id":"CON-1","id":7}`, true},
		"an empty name":                 {`{"":1,"type":"text","conversation_id":"CON-1","id":7}`, true},
		"an ID as text, and then one":   {`{"type":"text","conversation_id":"CON-1","id":"8","id":7}`, false},
		"no type, and then one":         {`{"type":8,"conversation_id":"CON-1","id":7,"type":"text"}`, false},
		"a positive sign":               {`{"type":"text","conversation_id":"CON-1","id":+7}`, false},
		"an escape at the beginning":    {`{"type":"text","conversation_id":"\u0043ON-1","id":7}`, false},
		"an escape at its beginning":    {`{"type":"\u0074ext","conversation_id":"CON-1","id":7}`, false},
		"a comma in place of a brace":   {`,"type":"text","conversation_id":"CON-1","id":7}`, false},
		"a name without a quote":        {`{"type":"text","conversation_id":"CON-1","id":7,xy":1}`, false},
		"not that event":                {`{"type":"text","conversation_id":"CON-1","id":8}`, false},
		"not that conversation":         {`{"type":"text","conversation_id":"CON-2","id":7}`, false},
		"no type":                       {`{"conversation_id":"CON-1","id":7}`, false},
		"no conversation":               {`{"type":"text","id":7}`, false},
		"no ID":                         {`{"type":"text","conversation_id":"CON-1"}`, false},
		"another name of the ID":        {`{"type":"text","cid":"CON-1","id":7}`, false},
		"an empty conversation":         {`{"type":"text","conversation_id":"","cid":"CON-1","id":7}`, false},
		"an ID as text":                 {`{"type":"text","conversation_id":"CON-1","id":"7"}`, false},
		"an ID with a fraction":         {`{"type":"text","conversation_id":"CON-1","id":7.0}`, false},
		"an ID with an exponent":        {`{"type":"text","conversation_id":"CON-1","id":7e0}`, false},
		"a leading zero":                {`{"type":"text","conversation_id":"CON-1","id":07}`, false},
		"an ID of 0":                    {`{"type":"text","conversation_id":"CON-1","id":0}`, false},
		"a negative ID":                 {`{"type":"text","conversation_id":"CON-1","id":-7}`, false},
		"an ID out of range":            {`{"type":"text","conversation_id":"CON-1","id":9223372036854775808}`, false},
		"the ID twice":                  {`{"type":"text","conversation_id":"CON-1","id":7,"id":8}`, false},
		"the same ID twice":             {`{"type":"text","conversation_id":"CON-1","id":7,"body":{},"id":7}`, false},
		"the conversation twice":        {`{"type":"text","conversation_id":"CON-1","id":7,"conversation_id":"CON-1"}`, false},
		"the type twice":                {`{"type":"text","conversation_id":"CON-1","id":7,"type":"text"}`, false},
		"a type that is no text":        {`{"type":7,"conversation_id":"CON-1","id":7}`, false},
		"an escape in a name":           {`{"type":"text","conversation_id":"CON-1","id":7,"\u0069d":8}`, false},
		"an escape in the conversation": {`{"type":"text","conversation_id":"CON-\u0031","id":7}`, false},
		"an escape in the type":         {`{"type":"te\u0078t","conversation_id":"CON-1","id":7}`, false},
		"invalid Unicode":               {"{\"type\":\"text\xff\",\"conversation_id\":\"CON-1\",\"id\":7}", false},
		"a control character":           {"{\"type\":\"te\nxt\",\"conversation_id\":\"CON-1\",\"id\":7}", false},
		"a packet":                      {`["text",{"type":"text","conversation_id":"CON-1","id":7}]`, false},
		"a byte-order mark":             {"\ufeff" + `{"type":"text","conversation_id":"CON-1","id":7}`, false},
		"cut":                           {`{"type":"text","conversation_id":"CON-1","id":7`, false},
		"cut in a text":                 {`{"type":"text","conversation_id":"CON-1","id":7,"x":"`, false},
		"cut in a name":                 {`{"type":"text","conversation_id":"CON-1","id":7,"x`, false},
		"cut behind a name":             {`{"type":"text","conversation_id":"CON-1","id":7,"x"`, false},
		"cut behind a colon":            {`{"type":"text","conversation_id":"CON-1","id":7,"x":`, false},
		"cut behind a comma":            {`{"type":"text","conversation_id":"CON-1","id":7,`, false},
		"a comma too much":              {`{"type":"text","conversation_id":"CON-1","id":7,}`, false},
		"something behind it":           {`{"type":"text","conversation_id":"CON-1","id":7}}`, false},
		"two":                           {`{"type":"text","conversation_id":"CON-1","id":7}{}`, false},
		"no comma":                      {`{"type":"text","conversation_id":"CON-1","id":7 "x":1}`, false},
		"no comma behind an object":     {`{"type":"text","conversation_id":"CON-1","id":7,"x":{} "y":1}`, false},
		"an object for a comma":         {`{"type":"text","conversation_id":"CON-1","id":7,"x":{}{"y":1}`, false},
		"no colon":                      {`{"type":"text","conversation_id":"CON-1","id":7,"x" 1}`, false},
		"a name that is no text":        {`{"type":"text","conversation_id":"CON-1","id":7,x:1}`, false},
		"two texts":                     {`{"type":"text""x","conversation_id":"CON-1","id":7}`, false},
		"an empty object":               {` { } `, false},
		"empty":                         {``, false},
		"blank":                         {` `, false},
		"a quote":                       {`"`, false},
		"a brace":                       {`{`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			delivered := 0
			h := newHook(handledSink{
				nexmo.SinkFunc(func(context.Context, *nexmo.Event) error { delivered++; return nil }),
				func(conversationID string, id nexmo.EventID) bool {
					return conversationID == "CON-1" && (id == 7 || id == math.MaxInt64)
				},
			})
			_, perr := nexmo.ParseEvent([]byte(test.payload))
			want := http.StatusNoContent
			if perr != nil {
				want = http.StatusBadRequest
			}
			wantAnswer(t, h, signed([]byte(test.payload)), want)
			if wanted := perr == nil && !test.want; (delivered == 1) != wanted {
				t.Errorf("delivered %d times, want it: %t", delivered, wanted)
			}
			if test.want && perr != nil {
				t.Errorf("what ParseEvent refuses is answered from a peek: %v", perr)
			}
		})
	}
}

// A Sink is asked once, about what the event is.
func TestWebhookAsksOnce(t *testing.T) {
	t.Parallel()
	type question struct {
		ConversationID string
		ID             nexmo.EventID
	}
	var asked []question
	var sink hookRecorder
	h := newHook(handledSink{&sink, func(conversationID string, id nexmo.EventID) bool {
		asked = append(asked, question{conversationID, id})
		return id == 2
	}})
	for _, body := range []string{string(hookText(1)), string(hookText(2)), hookTyping} {
		wantAnswer(t, h, signed([]byte(body)), http.StatusNoContent)
	}
	if diff := cmp.Diff([]question{{"CON-hook", 1}, {"CON-hook", 2}}, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]nexmo.EventID{1, 0}, sink.ids()); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

// FuzzPeek holds the peek to ParseEvent: what is answered without being parsed is the event
// that was handled.
func FuzzPeek(f *testing.F) {
	for _, text := range []string{
		`{"type":"text","conversation_id":"CON-1","id":7,"body":{"text":"x"}}`, `{"body":{"t":"}\\\" ,"},"id":7,"conversation_id":"CON-1","type":"text"}`,
		`{"type":"text","conversation_id":"CON-1","id":7,"id":8}`, `{"type":"text","conversation_id":"CON-1","id":7,"\u0069d":8}`, `{"a":{}{"id":7}`, `{"":"`,
		`{"type":"text","conversation_id":"CON-1","id":17}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		type which struct {
			ConversationID string
			ID             nexmo.EventID
		}
		var asked which
		var got *nexmo.Event
		h := newHook(handledSink{
			nexmo.SinkFunc(func(_ context.Context, e *nexmo.Event) error { got = e; return nil }),
			func(conversationID string, id nexmo.EventID) bool { asked = which{conversationID, id}; return true },
		})
		status := h.Handle(t.Context(), request(data)).Status
		e, err := nexmo.ParseEvent(data)
		switch {
		case err != nil: // the rest of a duplicate is nobody's business
		case status != http.StatusNoContent:
			t.Errorf("answered %d", status)
		case got == nil && asked != which{e.ConversationID, e.ID}:
			t.Errorf("answered as %v, and it is %v", asked, which{e.ConversationID, e.ID})
		}
	})
}

// A duplicate that is answered from a peek is logged like one that was delivered.
func TestWebhookDuplicateIsLogged(t *testing.T) {
	t.Parallel()
	var log hookLog
	h := newHook(nexmo.NewApplication(""))
	h.Logger = log.logger()
	for range 2 {
		wantAnswer(t, h, signed(hookText(7)), http.StatusNoContent)
	}
	if got := log.String(); strings.Count(got, "a duplicate was dropped") != 1 || !strings.Contains(got, "event_id=7") || strings.Contains(got, "private words") {
		t.Errorf("the log says %s", got)
	}
}
