package nexmo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// restSeeds are answers as the generations of the API have them; see
// client_requests_test.go for whole conversations with the service.
var restSeeds = []string{
	``, `null`, `[]`, `{}`, ` {"id":"x"} `, `{"id":7}`, `{"id":"a","id":"b"}`, `{"ID":"a"}`, `"x"`, `{"name":"\ud83d"}`, "{\"name\":\"\xff\"}",
	`{"id":"CON-1","name":"n","display_name":"d","image_url":"u","state":"ACTIVE","sequence_number":"7",
		"timestamp":{"created":"2020-01-01T14:00:00.00Z","updated":null,"destroyed":""},
		"properties":{"ttl":60,"type":"quick_chat","custom_sort_key":"k","custom_data":{"a":[1]}},
		"numbers":[{"type":"phone","number":"447700900001"},{"type":"sip","uri":"sip:a@b","username":"u","password":"p"},null],
		"callback":{"url":"https://example.com","event_mask":"member:joined","params":{"applicationId":"a","ncco_url":"n"},"method":"POST"},
		"_links":{"self":{"href":"https://api.nexmo.com/v1/conversations/CON-1"}}}`,
	`{"uuid":"CON-1","timestamp":{"created":"2020-01-01"},"properties":{"ttl":"60"}}`,
	`{"id":"MEM-1","conversation_id":"CON-1","user":{"id":"USR-1","name":"n","display_name":"d","_links":{}},"state":"joined","timestamp":{"joined":"2020-01-01T14:00:00Z"},
		"initiator":{"joined":{"isSystem":true,"user_id":"USR-2","member_id":"MEM-2"}},"channel":{"type":"app","to":{"type":"app","user":"n"}},
		"media":{"audio_settings":{"enabled":true,"earmuffed":false,"muted":1},"audio":true},"knocking_id":"K","invited_by":"x"}`,
	`{"member_id":"MEM-1","user_id":"USR-1","name":"n","display_name":"d","_embedded":{"user":{"id":"USR-2","name":"m"}}}`,
	`{"id":"USR-1","name":"n","properties":{"custom_data":{"a":1},"ttl":3600},"channels":{"pstn":[{"number":1234}],"sip":[{"uri":"sip:a@b","username":"u","password":"p"}],
		"websocket":[{"uri":"wss://a","content-type":"audio/l16;rate=16000","headers":{"a":"b","c":1}}],"messenger":[{"id":"x"}],"vbc":[{"extension":"1"}]}}`,
	`{"id":"CON-1","state":"JOINED","member_id":"MEM-1"}`,
	`{"id":"CON-1","state":"ACTIVE","_embedded":{"id":"MEM-1","state":"LEFT","member":{"id":"MEM-2","state":"JOINED"}}}`,
	`{"id":"SES-1","_embedded":{"user":{"id":"USR-1","name":"n"},"api_key":"k"},"properties":{"ttl":1}}`,
	`{"message":"Talk started","uuid":"x"}`,
	`{"id":"4","type":"text","timestamp":"2020-01-01T14:00:00.00Z","href":"https://x"}`,
}

// The shapes on the wire. What becomes of a shape is said in the functions of resources.
var wireTypes = []reflect.Type{
	reflect.TypeFor[conversationJSON](), reflect.TypeFor[memberJSON](), reflect.TypeFor[userJSON](), reflect.TypeFor[userConversationJSON](),
	reflect.TypeFor[sessionJSON](), reflect.TypeFor[playbackJSON](), reflect.TypeFor[createdJSON](),
}

// resource is a type that an answer is read as, and what the model makes of it.
type resource struct {
	decoder func() (decode func(*scanner), got any)
	model   func(data []byte) any
}

// wire reads a shape as the model does.
func wire[T any](data []byte) (w T) {
	x := decodeAny(data)
	new(modelReader).read("", reflect.ValueOf(&w).Elem(), x)
	return w
}

var resources = map[string]resource{
	"conversation": {
		func() (func(*scanner), any) { v := new(ConversationInfo); return v.decode, v },
		func(data []byte) any {
			w := wire[conversationJSON](data)
			w.ID = cmp.Or(w.ID, w.UUID)
			return &w.ConversationInfo
		},
	},
	"member": {
		func() (func(*scanner), any) { v := new(MemberInfo); return v.decode, v },
		func(data []byte) any {
			w := wire[memberJSON](data)
			m := w.MemberInfo
			if w.Embedded.User.ID != "" || w.Embedded.User.Name != "" {
				m.User = w.Embedded.User
			}
			m.ID, m.User.ID, m.User.Name = cmp.Or(m.ID, w.MemberID), cmp.Or(m.User.ID, w.UserID), cmp.Or(m.User.Name, w.Name)
			m.User.DisplayName = cmp.Or(m.User.DisplayName, w.DisplayName)
			return &m
		},
	},
	"user": {
		func() (func(*scanner), any) { v := new(UserInfo); return v.decode, v },
		func(data []byte) any { w := wire[userJSON](data); return &w.UserInfo },
	},
	"user's conversation": {
		func() (func(*scanner), any) { v := new(UserConversation); return v.decode, v },
		func(data []byte) any {
			c := wire[conversationJSON](data)
			w := wire[userConversationJSON](data)
			c.ID = cmp.Or(c.ID, c.UUID)
			u := &UserConversation{ConversationInfo: c.ConversationInfo, MemberID: cmp.Or(w.Embedded.ID, w.Embedded.Member.ID, w.MemberID)}
			u.MemberState = cmp.Or(w.Embedded.State, w.Embedded.Member.State)
			if w.MemberID != "" && u.MemberState == "" {
				u.MemberState, u.State = w.State, ""
			}
			return u
		},
	},
	"session": {
		func() (func(*scanner), any) { v := new(SessionInfo); return v.decode, v },
		func(data []byte) any {
			w := wire[sessionJSON](data)
			return &SessionInfo{ID: w.ID, User: w.Embedded.User, APIKey: w.Embedded.APIKey, TTL: w.Properties.TTL}
		},
	},
	"playback": {
		func() (func(*scanner), any) { v := new(Playback); return v.decode, v },
		func(data []byte) any { w := wire[playbackJSON](data); p := Playback(w); return &p },
	},
	"created event": {
		func() (func(*scanner), any) { v := new(createdJSON); return v.decode, v },
		func(data []byte) any { w := wire[createdJSON](data); return &w },
	},
}

// withoutRaw leaves out what encoding/json does not fill.
var withoutRaw = gocmp.FilterPath(func(p gocmp.Path) bool { return p.Last().String() == ".Raw" }, gocmp.Ignore())

// FuzzREST reads an answer of the service as every resource, to the values that the
// model finds. Only what is not JSON is refused, without telling what it was.
func FuzzREST(f *testing.F) {
	for _, text := range restSeeds {
		f.Add([]byte(text))
	}
	c := &Client{cfg: clientConfig{log: discard}}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.TrimPrefix(data, []byte("\ufeff"))
		valid := json.Valid(data) && depthOf(data) <= deepest
		for name, r := range resources {
			decode, got := r.decoder()
			err := c.scan(data, name, decode)
			if (err == nil) != valid {
				t.Fatalf("%s: %v; JSON: %v", name, err, valid)
			}
			if err != nil {
				if _, ok := errors.AsType[*answerError](err); !ok {
					t.Errorf("%s: a %T", name, err)
				}
				continue
			}
			if raw := reflect.ValueOf(got).Elem().FieldByName("Raw"); raw.IsValid() && raw.String() != string(bytes.TrimSpace(data)) {
				t.Errorf("%s: Raw is %q", name, raw.String())
			}
			if diff := gocmp.Diff(r.model(data), got, sameJSON, withoutRaw); diff != "" {
				t.Errorf("%s (-model +ours):\n%s", name, diff)
			}
		}
	})
}

// FuzzPage reads a page of users, in all shapes that a page may have, and of events.
func FuzzPage(f *testing.F) {
	seedCorpus(f)
	for _, text := range []string{
		`[{"id":"a"},null,{"id":"b"}]`, `{"_embedded":{"users":[{"id":"a"}]},"_links":{"next":{"href":"https://h/v1/users?order=asc&cursor=a%2Bb%3D&x=1"},"prev":{"href":"?cursor="}}}`,
		`{"_embedded":{"data":{"users":[{"id":"a"},7]}},"_links":{"next":"/v1/users?cursor=abc+def"}}`, `{"_embedded":[{"id":"a"}],"_links":{"next":{"href":null}}}`,
		`{"_embedded":{"users":null},"_links":null}`, `{"_embedded":7}`, `{"_embedded":{"data":[{"id":"a"}]}}`, `{"_links":{"next":{"href":"x?cursor=%zz#?cursor=y"}}}`,
	} {
		f.Add([]byte(text))
	}
	c := &Client{cfg: clientConfig{log: discard}}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = bytes.TrimSpace(data) // as it is received
		if len(data) == 0 {
			return
		}
		page, err := readUsers(c, data)
		data = bytes.TrimSpace(bytes.TrimPrefix(data, []byte("\ufeff")))
		valid := json.Valid(data) && depthOf(data) <= deepest
		if (err == nil) != (page != nil) || (err == nil) != valid {
			t.Fatalf("%v; JSON: %v", err, valid)
		}
		if !valid {
			return
		}
		items := modelUsers(data)
		got := make([]json.RawMessage, len(page.Items))
		for i, item := range page.Items {
			got[i] = item.Raw.Bytes()
		}
		if diff := gocmp.Diff(items, got, sameJSON, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("items (-model +got):\n%s", diff)
		}
		next, prev := modelLinks(data)
		events, err := parsePage(data)
		if err != nil {
			events = new(Page[Event])
		}
		for _, got := range []struct {
			name, next, prev string
			read             bool
		}{{"users", page.Next, page.Prev, true}, {"events", events.Next, events.Prev, err == nil && data[0] == '{'}} {
			if got.read && (got.next != cursorOf(next) || got.prev != cursorOf(prev)) {
				t.Errorf("%s: the cursors of %q and %q are %q and %q", got.name, next, prev, got.next, got.prev)
			}
		}
	})
}

// readUsers does what readPage does with an answer.
func readUsers(c *Client, data []byte) (*Page[UserInfo], error) {
	return parseAnswerPage[UserInfo](c, data, "list users", "users")
}

// modelUsers returns the items of a page.
func modelUsers(data json.RawMessage) []json.RawMessage {
	var fields, embedded, inside map[string]json.RawMessage
	list := data
	if json.Unmarshal(data, &fields) == nil && fields != nil {
		list = fields["_embedded"]
		if json.Unmarshal(list, &embedded) == nil && embedded != nil {
			list = embedded["users"]
			if data, ok := embedded["data"]; ok && (len(list) == 0 || list[0] != '[') {
				list = data
				if json.Unmarshal(data, &inside) == nil && inside != nil {
					list = inside["users"]
				}
			}
		}
	}
	var all []json.RawMessage
	if json.Unmarshal(list, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(item json.RawMessage) bool { return string(item) == "null" })
}

// modelLinks returns the links to other pages, "" for none.
func modelLinks(data []byte) (next, prev string) {
	var fields, links map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil || json.Unmarshal(fields["_links"], &links) != nil {
		return "", ""
	}
	href := func(data json.RawMessage) (text string) {
		var link map[string]json.RawMessage
		if json.Unmarshal(data, &link) == nil && link != nil {
			data = link["href"]
		}
		if json.Unmarshal(data, &text) != nil {
			return ""
		}
		return text
	}
	return href(links["next"]), href(links["prev"])
}

// FuzzCursor holds the cursor of a link to what net/url finds in it. A plus sign
// stands for itself.
func FuzzCursor(f *testing.F) {
	for _, link := range []string{
		``, `https://api-us-3.vonage.com/v1/users?order=desc&cursor=7EjDNQrAcipmOnc0HCzpQRkhBULzY44ljGUX4lXKyUIVfiZay5pv9wg%3D`,
		`/v1/users?cursor=a+b/c==&page_size=10#?cursor=x`, `?cursor=&cursor=b`, `?cursor=%zz`, `?x=cursor=1`, `?cursor`, `?a;cursor=1`, `cursor=1`,
	} {
		f.Add(link, "a b+c/=&#?%25")
	}
	f.Fuzz(func(t *testing.T, link, cursor string) {
		if got := cursorOf("https://h/x?" + url.Values{"cursor": {strings.ReplaceAll(cursor, " ", "_")}, "order": {"asc"}}.Encode()); got != strings.ReplaceAll(cursor, " ", "_") {
			t.Errorf("the cursor %q comes back as %q", cursor, got)
		}
		u, err := url.Parse(link)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(strings.ReplaceAll(u.RawQuery, "+", "%2B"))
		for pair := range strings.SplitSeq(u.RawQuery, "&") {
			if name, _, _ := strings.Cut(pair, "="); strings.Contains(name, "%") {
				return // nobody writes the name so
			}
		}
		if got := cursorOf(link); err == nil && got != values.Get("cursor") {
			t.Errorf("the cursor of %q is %q, want %q", link, got, values.Get("cursor"))
		}
	})
}

var digits = regexp.MustCompile(`^[0-9]+$`)

// FuzzRetryAfter holds Retry-After to its grammar: a whole number of seconds, or a
// date. Whatever else it may be, it is no wait below zero, nor one without end.
func FuzzRetryAfter(f *testing.F) {
	now := time.Date(2025, 6, 15, 12, 0, 0, 0, time.UTC)
	for _, text := range []string{
		"", "0", "7", " 7 ", "-1", "+3", "1.5", "1e3", "0x10", "1_0", "NaN", "Inf", "-Inf", "99999999999999999999", "1e-400", "1e400",
		now.Add(time.Minute).Format(http.TimeFormat), now.Add(-time.Minute).Format(time.RFC850), now.Format(time.ANSIC), "Fri, 31 Dec 9999 23:59:59 GMT", "7, 8",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := retryAfter(http.Header{"Retry-After": {text}}, now)
		if got < 0 {
			t.Fatalf("Retry-After: %q has us wait %v", text, got)
		}
		plain := strings.TrimSpace(text)
		if digits.MatchString(plain) {
			n, _ := new(big.Int).SetString(plain, 10)
			want := time.Duration(1e9) * time.Second
			if n.IsInt64() && n.Int64() < 1e9 {
				want = time.Duration(n.Int64()) * time.Second
			}
			if got != want {
				t.Errorf("Retry-After: %q is %v, want %v", text, got, want)
			}
		}
		if at, err := http.ParseTime(plain); err == nil {
			want := at.Sub(now)
			if at.Before(now) {
				want = 0
			}
			if got != want {
				t.Errorf("Retry-After: %q is %v, want %v", text, got, want)
			}
		}
		policy := RetryPolicy{}.withDefaults()
		for n := range 70 {
			if d := policy.delay(n+1, got); d < 0 || d > policy.MaxDelay || d < min(got, policy.MaxDelay) {
				t.Fatalf("after %d attempts: %v, asked for %v", n+1, d, got)
			}
		}
	})
}

// FuzzAPIError reads an answer that is no success. The status alone says which
// sentinel it is, the fields are those that a map has, and what may repeat what was
// sent is not in the text.
func FuzzAPIError(f *testing.F) {
	for _, body := range []string{
		``, `<html>`, `null`, `[]`, `{}`, `{"title":7,"detail":null}`,
		`{"title":"Not found.","type":"https://developer.nexmo.com/api/conversation#user:error:not-found","code":"http:error:not-found","detail":"User does not exist","instance":"00a5916655d650e920ccf0daf40ef4ee"}`,
		`{"type":"https://www.nexmo.com/messages/Errors#InvalidParams","title":"t","detail":"d","invalid_parameters":[{"name":"to","reason":"no"},7,{"name":7}]}`,
		`{"code":"http:error:validation-fail","description":"d","validation":{"name":"\"name\" is required","b":{"c":1}}}`,
		`{"type":"UNAUTHORIZED","error_title":"Unauthorized"}`, `{"error-code":420,"error-code-label":"Numbers from this country can not be requested"}`, `{"message":"no"}`,
		`{"type":"about:blank","Error":"x","code":"jwt-expired"}`,
	} {
		f.Add(404, []byte(body))
		f.Add(401, []byte(body))
	}
	sentinels := map[error][]int{
		ErrInvalid: {400, 422}, ErrUnauthorized: {401}, ErrNotFound: {404}, ErrConflict: {409}, ErrRateLimited: {429},
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := newAPIError("get user", &http.Response{StatusCode: status, Header: http.Header{}}, body)
		if e.Status != status || !bytes.Equal(e.Body, body) {
			t.Fatalf("status %d, body %q", e.Status, e.Body)
		}
		for sentinel, statuses := range sentinels {
			if errors.Is(e, sentinel) != slices.Contains(statuses, status) {
				t.Errorf("%d is %v: %v", status, sentinel, errors.Is(e, sentinel))
			}
		}
		var fields map[string]any
		if json.Unmarshal(body, &fields) != nil {
			fields = nil
		}
		first := func(names ...string) string {
			for _, name := range names {
				if text, _ := fields[name].(string); text != "" {
					return text
				}
			}
			return ""
		}
		want := APIError{
			Type: first("type"), Title: first("title", "error_title", "error-code-label", "Error", "message"),
			Detail: first("detail", "description"), Instance: first("instance"), Code: e.Code, InvalidParameters: e.InvalidParameters,
			Op: e.Op, Status: status, Header: e.Header, Body: body,
		}
		if diff := gocmp.Diff(&want, e, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("(-model +got):\n%s", diff)
		}
		if code := first("code", "error-code"); code != "" && string(e.Code) != code {
			t.Errorf("the code is %q, want %q", e.Code, code)
		}
		for _, key := range []string{"invalid_parameters", "validation"} {
			list, ok := fields[key].([]any)
			if ok && len(list) > 0 && (key == "invalid_parameters" || fields["invalid_parameters"] == nil) && len(e.InvalidParameters) != len(list) {
				t.Errorf("%d of %d %s are read", len(e.InvalidParameters), len(list), key)
			}
		}
		shown := string(e.Code) + "\n" + e.Title + "\n" + e.Instance
		private := []string{e.Detail}
		for _, p := range e.InvalidParameters {
			shown += "\n" + p.Name
			private = append(private, p.Reason)
		}
		for _, text := range private {
			if len(text) > len("Unprocessable Entity") && !strings.Contains(shown, text) && strings.Contains(e.Error(), text) {
				t.Errorf("the text holds %q: %s", text, e)
			}
		}
	})
}

// jsonText reports whether JSON can hold the texts.
func jsonText(texts ...string) bool {
	return !slices.ContainsFunc(texts, func(s string) bool { return strings.ToValidUTF8(s, "") != s })
}
