package nexmo_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unsafe"
	"weak"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/conversation-events/nexmo"
)

var update = flag.Bool("update", false, "rewrite the golden files in testdata/golden")

// Who and what the payloads in testdata are about.
const (
	shopID     = "e8059728-5fa0-4cbe-83b4-9919be9cf1de" // the application
	chatID     = "CON-881333d2-b513-4c3b-ae99-01e0f06ce8e7"
	callID     = "CON-fd9c6936-e9b2-4483-ad41-190eaab3c8db"
	tomasID    = "MEM-465b72af-269d-4a1f-ab21-707be6f7d690"
	priyaID    = "MEM-db67afb3-2c7b-4f84-babb-fc1eaa1770c1"
	callerID   = "MEM-b63253e0-a0f5-4d38-b022-4b7c325d20fb"
	tomasUID   = "USR-f37f3c8d-0333-4f9e-b013-92f05ec47490"
	priyaUID   = "USR-cc54b96b-2029-4506-9331-e21ca70a6eda"
	callerUID  = "USR-98106743-a9c5-45bd-bbd9-7d3e857cd58b"
	callerName = "NAM-57b9486b-5f08-4356-979d-ec1e7799c9b4"
	callName   = "NAM-442c9e92-7ede-4dfd-bc7a-abe8bb913850"
	appLeg     = "45306cef-f07e-4319-9ebe-10121ba000ee"
	phoneLeg   = "47c0a315d44b488d97849676cb3647bf"
)

func filesIn(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 {
		t.Fatalf("no files in %s", dir)
	}
	for i := range names {
		names[i] = filepath.ToSlash(names[i])
	}
	return names
}

func readFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func parseFile(t testing.TB, name string) *nexmo.Event {
	t.Helper()
	return parseText(t, readFile(t, name))
}

func parseText[S ~string | ~[]byte](t testing.TB, text S) *nexmo.Event {
	t.Helper()
	e, err := nexmo.ParseEvent([]byte(text))
	if err != nil {
		t.Fatalf("ParseEvent: %v", err)
	}
	return e
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// jsonValue is JSON as encoding/json sees it, numbers as they are spelt.
func jsonValue(t testing.TB, text []byte) any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	return v
}

// newBody is an empty body of a known type.
func newBody(t testing.TB, typ nexmo.EventType) nexmo.Body {
	t.Helper()
	return parseText(t, fmt.Sprintf(`{"type":%q,"body":{}}`, typ)).Body
}

func bodyName(b nexmo.Body) string { return fmt.Sprintf("%T", b) }

func raw(s string) json.RawMessage { return json.RawMessage(s) }

func at(s string) time.Time {
	when, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return when.UTC()
}

// sampleEvents yields every event in testdata that is as documented, by name.
func sampleEvents(t testing.TB) iter.Seq2[string, []byte] {
	t.Helper()
	return func(yield func(string, []byte) bool) {
		for _, dir := range []string{"events", "envelopes"} {
			for _, name := range filesIn(t, "testdata/"+dir) {
				if !yield(dir+"/"+filepath.Base(name), readFile(t, name)) {
					return
				}
			}
		}
		for i, line := range callLines(t) {
			if !yield(fmt.Sprintf("call.jsonl/%d", i+1), line) {
				return
			}
		}
		lists := append(filesIn(t, "testdata/lists"), "testdata/history.json")
		for _, name := range lists {
			for i, item := range listItems(t, readFile(t, name)) {
				if !yield(fmt.Sprintf("%s/%d", strings.TrimPrefix(name, "testdata/"), i), item) {
					return
				}
			}
		}
	}
}

func callLines(t testing.TB) [][]byte {
	t.Helper()
	return bytes.Split(bytes.TrimSpace(readFile(t, "testdata/call.jsonl")), []byte("\n"))
}

// listItems takes a list apart with encoding/json.
func listItems(t testing.TB, text []byte) []json.RawMessage {
	t.Helper()
	var items []json.RawMessage
	if bytes.HasPrefix(text, []byte("[")) {
		if err := json.Unmarshal(text, &items); err != nil {
			t.Fatal(err)
		}
		return items
	}
	var page struct {
		Embedded json.RawMessage `json:"_embedded"`
	}
	if err := json.Unmarshal(text, &page); err != nil {
		t.Fatal(err)
	}
	var embedded struct {
		Events []json.RawMessage `json:"events"`
		Data   struct {
			Events []json.RawMessage `json:"events"`
		} `json:"data"`
	}
	if json.Unmarshal(page.Embedded, &items) == nil {
		return items
	}
	if page.Embedded == nil {
		return nil
	}
	if err := json.Unmarshal(page.Embedded, &embedded); err != nil {
		t.Fatal(err)
	}
	return append(embedded.Events, embedded.Data.Events...)
}

// sentBody is the body in the text of an event, taken out with encoding/json.
func sentBody(t testing.TB, text []byte) []byte {
	t.Helper()
	var packet []json.RawMessage
	if json.Unmarshal(text, &packet) == nil && len(packet) > 1 {
		text = packet[1]
	}
	var e struct {
		Body   json.RawMessage `json:"body"`
		Nexmo  json.RawMessage `json:"nexmo"`
		Stitch json.RawMessage `json:"stitch"`
	}
	if err := json.Unmarshal(text, &e); err != nil {
		t.Fatal(err)
	}
	for _, wrapped := range []json.RawMessage{e.Nexmo, e.Stitch} {
		if wrapped != nil {
			return sentBody(t, wrapped)
		}
	}
	return e.Body
}

// isEmpty reports whether a JSON value says nothing: null, "", 0, and objects
// and arrays of nothing else.
func isEmpty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case json.Number:
		return v == "0"
	case map[string]any:
		for _, v := range v {
			if !isEmpty(v) {
				return false
			}
		}
		return true
	case []any:
		return len(v) == 0
	default:
		return false
	}
}

// sameScalar reports whether two scalars of JSON say the same. A number and its
// text do, and two texts of one time.
func sameScalar(a, b any) bool {
	if a == b {
		return true
	}
	x, xok := number(a)
	y, yok := number(b)
	if xok && yok {
		return x.Cmp(y) == 0
	}
	s, sok := a.(string)
	u, uok := b.(string)
	if !sok || !uok {
		return false
	}
	when, err := time.Parse(time.RFC3339Nano, s)
	other, err2 := time.Parse(time.RFC3339Nano, u)
	return err == nil && err2 == nil && when.Equal(other)
}

func number(v any) (*big.Rat, bool) {
	switch v := v.(type) {
	case json.Number:
		return new(big.Rat).SetString(string(v))
	case string:
		return new(big.Rat).SetString(v)
	default:
		return nil, false
	}
}

// sameEvent compares events: raw JSON by what it says, errors by their text.
var sameEvent = cmp.Options{
	cmp.Transformer("JSON", func(text json.RawMessage) any {
		if len(text) == 0 {
			return nil
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			return "not JSON: " + string(text)
		}
		return v
	}),
	cmp.Comparer(func(a, b error) bool {
		return a == nil && b == nil || a != nil && b != nil && a.Error() == b.Error()
	}),
}

// sameFields is sameEvent without Raw.
var sameFields = cmp.Options{sameEvent, cmpopts.IgnoreFields(nexmo.Event{}, "Raw")}

// identical is sameEvent with raw JSON compared by its bytes.
var identical = cmp.Options{sameEvent[1]}

// compareGolden compares v, as JSON, with a golden file, or rewrites the file.
func compareGolden(t *testing.T, name string, v any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join("testdata", "golden", filepath.FromSlash(name))
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v: write it with -update, and read what it wrote", err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// describe is an event as the golden files show it: the fields of Go that are
// not zero, without Raw.
func describe(e *nexmo.Event) any {
	c := *e
	c.Raw = nil
	return describeValue(reflect.ValueOf(c))
}

func describeAll(events []*nexmo.Event) any {
	all := make([]any, len(events))
	for i, e := range events {
		all[i] = describe(e)
	}
	return all
}

func describeValue(v reflect.Value) any {
	switch x := v.Interface().(type) {
	case json.RawMessage:
		return x
	case time.Time:
		return x.Format(time.RFC3339Nano)
	case error:
		return x.Error()
	case fmt.Stringer:
		return x.String()
	}
	switch v.Kind() {
	case reflect.Interface:
		return map[string]any{fmt.Sprintf("%T", v.Interface()): describeValue(v.Elem())}
	case reflect.Pointer:
		return describeValue(v.Elem())
	case reflect.Struct:
		fields := map[string]any{}
		for f, value := range v.Fields() {
			switch {
			case value.IsZero():
			case f.Type == reflect.TypeFor[nexmo.Body]():
				fields[f.Name] = map[string]any{fmt.Sprintf("%T", value.Interface()): describeValue(value.Elem())}
			default:
				fields[f.Name] = describeValue(value)
			}
		}
		return fields
	case reflect.Slice:
		list := make([]any, v.Len())
		for i := range list {
			list[i] = describeValue(v.Index(i))
		}
		return list
	case reflect.Map:
		m := map[string]any{}
		for key, value := range v.Seq2() {
			m[key.String()] = describeValue(value)
		}
		return m
	default:
		return v.Interface()
	}
}

var (
	priyaData = raw(`{"desk":"repairs","languages":["en","hi"]}`)
	tomasUser = &nexmo.User{
		ID: tomasUID, Name: "tomas", DisplayName: "Tomás", ImageURL: "https://example.com/avatars/tomas.png",
		CustomData: raw(`{"customer":"C-2087"}`),
	}
	priyaUser = &nexmo.User{
		ID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop", ImageURL: "https://example.com/avatars/priya.png",
		CustomData: priyaData,
	}
	phoneChannel = &nexmo.Channel{
		Type: "phone", ID: phoneLeg,
		From: &nexmo.Endpoint{Type: "phone", Number: "447700900123"},
		To:   &nexmo.Endpoint{Type: "phone", Number: "15555550123"},
	}
	answeredChannel = &nexmo.Channel{
		Type: "phone", ID: phoneLeg,
		From:   &nexmo.Endpoint{Type: "phone", Number: "447700900123"},
		To:     &nexmo.Endpoint{Type: "phone", Number: "15555550123"},
		LegIDs: []string{phoneLeg},
		Legs:   nexmo.Legs{{ID: phoneLeg, Status: nexmo.LegStatusAnswered}},
	}
	silent = nexmo.Media{
		Audio:         nexmo.False,
		AudioSettings: nexmo.AudioSettings{Enabled: nexmo.False, Earmuffed: nexmo.False, Muted: nexmo.False},
	}
	joinedFromApp = &nexmo.MemberJoined{Membership: nexmo.Membership{
		MemberID: priyaID,
		User: nexmo.User{
			ID: priyaUID, UserID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop",
			ImageURL: "https://example.com/avatars/priya.png", Properties: nexmo.UserProperties{CustomData: priyaData},
		},
		Channel: &nexmo.Channel{
			Type: "app", ID: appLeg,
			From: &nexmo.Endpoint{Type: "app"}, To: &nexmo.Endpoint{Type: "app", User: "priya"},
			LegIDs: []string{appLeg}, Legs: nexmo.Legs{{ID: appLeg, Status: nexmo.LegStatusAnswered}},
			LegSettings: raw(`{}`),
		},
		Timestamp: nexmo.MemberTimestamp{Invited: at("2024-05-17T13:40:01.115Z"), Joined: at("2024-05-17T13:40:03.402Z")},
		Initiator: nexmo.Initiator{Joined: nexmo.Cause{IsSystem: nexmo.False, UserID: priyaUID, MemberID: priyaID}},
	}}
)

func aText(s string) *nexmo.Text { return &nexmo.Text{Text: s} }

// envelopes is what each file in testdata/envelopes says.
var envelopes = map[string]nexmo.Event{
	"beta": {
		ID: 4, Type: "text", ConversationID: chatID, From: tomasID,
		Timestamp: at("2018-11-06T10:14:25.904Z"),
		Body:      aText("Do you have 28 inch tyres?"),
	},
	"deleted-custom": {
		ID: 16, Type: "custom:order-update", ConversationID: chatID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      &nexmo.Custom{Name: "order-update", JSON: raw(`{"timestamp":{"deleted":"2024-05-17T13:51:00.094Z"}}`)},
	},
	"deleted-message": {
		ID: 15, Type: "message", ConversationID: chatID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:12.640Z"), State: &nexmo.EventState{},
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{Timestamp: nexmo.BodyTimestamp{Deleted: at("2024-05-17T13:50:20.481Z")}}},
	},
	"dtmf-digit": {
		ID: 36, Type: "audio:dtmf", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.AudioDTMF{
			Digits: "7", Digit: "7", Sequence: 2, Method: "in", Channel: answeredChannel,
			Duration: nexmo.Milliseconds(90 * time.Millisecond),
		},
	},
	"dtmf-neither": {
		ID: 37, Type: "audio:dtmf", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.AudioDTMF{DTMFID: "dd849009-af93-4e6f-940e-54a543979e59"},
	},
	"from-null": {
		ID: 44, Type: "custom:order-update", ConversationID: chatID, ApplicationID: shopID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.Custom{Name: "order-update", JSON: raw(`{"order":"441","state":"paid"}`)},
	},
	"hangup-v1-names": {
		ID: 38, Type: "sip:hangup", ConversationID: callID, From: callerID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body: &nexmo.SIPHangup{Hangup: nexmo.Hangup{
			Direction: nexmo.DirectionOutbound,
			Channel:   &nexmo.Channel{},
			Bandwidth: nexmo.Bandwidth{BytesIn: 48160, BytesOut: 47680, ByteIn: 48160, ByteOut: 47680},
			Reason:    nexmo.HangupReason{Reason: nexmo.Reason{Text: "Gone", Code: "gone"}, SIPCode: 410},
		}},
	},
	"id-zero": {
		Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      aText("counted from nothing"),
	},
	"image-flat": {
		ID: 34, Type: "image", ConversationID: chatID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body: &nexmo.Image{
			ID: "0b2eae9e-49f6-4213-9750-9df0c11d1255", Original: flatOriginal, Medium: flatMedium, Thumbnail: flatThumbnail,
			Representations: nexmo.Representations{
				ID: "0b2eae9e-49f6-4213-9750-9df0c11d1255", Original: flatOriginal, Medium: flatMedium, Thumbnail: flatThumbnail,
			},
		},
	},
	"image-representations-empty": {
		ID: 35, Type: "image", ConversationID: chatID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body:      &nexmo.Image{},
	},
	"invited-by-null": {
		ID: 1, Type: "member:invited", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-16T08:02:30.655Z"),
		Body: &nexmo.MemberInvited{
			CName: callName,
			Membership: nexmo.Membership{
				MemberID:     callerID,
				Conversation: nexmo.ConversationRef{ConversationID: callID, Name: callName},
				User:         nexmo.User{ID: callerUID, UserID: callerUID, MemberID: callerID, Name: callerName, Media: silent},
				Channel:      answeredChannel,
				Media:        silent,
				Timestamp:    nexmo.MemberTimestamp{Invited: at("2024-05-16T08:02:30.640Z")},
				Initiator:    nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True}},
			},
		},
	},
	"legs-object": {
		ID: 33, Type: "audio:speaking:on", ConversationID: callID, ApplicationID: shopID, From: callerID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.AudioSpeakingOn{Speaking: nexmo.Speaking{Channel: answeredChannel}},
	},
	"location-numbers": {
		ID: 40, Type: "message", ConversationID: chatID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
			MessageType: nexmo.MessageTypeLocation,
			Location:    &nexmo.Location{Longitude: 2.25, Latitude: 54.5, Name: "Example Cycles", Address: "2 Chainring Lane, Exampleton"},
		}},
	},
	"media-audio-object": {
		ID: 3, Type: "member:invited", ConversationID: chatID, From: priyaID,
		Timestamp: at("2019-06-20T09:12:45.126Z"),
		Body: &nexmo.MemberInvited{
			CName: "order-441", InvitedBy: "tomas",
			Membership: nexmo.Membership{
				MemberID:     priyaID,
				Conversation: nexmo.ConversationRef{ConversationID: chatID, Name: "order-441", DisplayName: "Order 441"},
				User:         nexmo.User{ID: priyaUID, UserID: priyaUID, MemberID: priyaID, Name: "priya", Media: mutedMedia},
				Channel:      &nexmo.Channel{Type: "app", ID: appLeg},
				Media:        mutedMedia,
				Timestamp:    nexmo.MemberTimestamp{Invited: at("2019-06-20T09:12:45.118Z")},
			},
		},
	},
	"member-joined-2017": {
		ID: 1, Type: "member:joined", ConversationID: chatID, From: tomasID,
		Timestamp: at("2017-11-23T17:05:40.119Z"),
		Body: &nexmo.MemberJoined{Membership: nexmo.Membership{
			User:      nexmo.User{ID: tomasUID, UserID: tomasUID, Name: "tomas"},
			Timestamp: nexmo.MemberTimestamp{Joined: at("2017-11-23T17:05:40.118Z")},
		}},
	},
	"member-left-2017": {
		ID: 8, Type: "member:left", ConversationID: chatID, From: tomasID,
		Timestamp: at("2017-11-23T17:21:02.645Z"),
		Body: &nexmo.MemberLeft{Membership: nexmo.Membership{
			User:      nexmo.User{ID: tomasUID, Name: "tomas"},
			Timestamp: nexmo.MemberTimestamp{Joined: at("2017-11-23T17:05:40.118Z"), Left: at("2017-11-23T17:21:02.645Z")},
		}},
	},
	"push-stitch": {
		ID: 6, Type: "text", ConversationID: chatID, From: tomasID,
		Timestamp: at("2018-02-19T12:08:51.660Z"),
		Body:      aText("Any news about my wheel?"),
	},
	"push": {
		ID: 26, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		FromUser:  &nexmo.User{ID: tomasUID, Name: "tomas"},
		Timestamp: at("2021-09-08T15:31:27.402Z"),
		Body:      aText("Any news about my wheel?"),
	},
	"receipt-text-id": {
		ID: 39, Type: "message:delivered", ConversationID: chatID, From: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      &nexmo.MessageDelivered{Receipt: nexmo.Receipt{EventID: 4}},
	},
	"stream-url-text": {
		ID: 41, Type: "audio:play", ConversationID: callID, ApplicationID: shopID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.AudioPlay{
			StreamURL: nexmo.StringList{"https://example.com/audio/freewheel.mp3"},
			Level:     new(0.0), Loop: new(1), Queue: nexmo.False, PlayID: "105039af-8aa9-4fc7-b987-617786bf1b07",
		},
	},
	"template-sibling": {
		ID: 42, Type: "message", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
			MessageType: nexmo.MessageTypeTemplate,
			Template:    &nexmo.Template{Name: "bike_ready", Parameters: []string{"Tomás"}},
			WhatsApp:    &nexmo.WhatsApp{Policy: "deterministic", Locale: "en-GB"},
		}},
	},
	"timestamp-no-fraction": {
		ID: 46, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10Z"),
		Body:      aText("on the second"),
	},
	"timestamp-offset": {
		ID: 45, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10.250Z"),
		Body:      aText("sent from two hours east"),
	},
	"timestamp-two-digits": {
		ID: 47, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2024-05-17T13:42:10.070Z"),
		Body:      aText("two digits"),
	},
	"unknown-family": {
		ID: 32, Type: "survey:completed", ConversationID: chatID, ApplicationID: shopID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.RawBody{Type: "survey:completed", JSON: raw(`{"score":9,"answers":{"q1":"yes","q2":"café"}}`)},
	},
	"unknown-type": {
		ID: 31, Type: "member:promoted", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.RawBody{Type: "member:promoted", JSON: raw(`{"member_id":"` + priyaID + `","role":"moderator",
			"since":"2024-05-17T13:42:10.300Z","weights":[1,2.5,-300.0],"note":null}`)},
	},
	"v0.1-single": {
		ID: 4, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID,
		Timestamp: at("2018-11-06T10:14:25.904Z"),
		Body:      aText("Do you have 28 inch tyres?"),
	},
	"v0.1-string-id": {
		ID: 5, Type: "member:joined", ConversationID: chatID, From: priyaID,
		Timestamp: at("2019-04-02T07:45:12.034Z"),
		Body: &nexmo.MemberJoined{Membership: nexmo.Membership{
			User:      nexmo.User{ID: priyaUID, Name: "priya"},
			Timestamp: nexmo.MemberTimestamp{Joined: at("2019-04-02T07:45:12.030Z")},
		}},
	},
	"v0.2-member-resource": {
		ID: 10, Type: "member:invited", ConversationID: chatID, From: tomasID,
		Timestamp: at("2020-03-11T16:21:02.455Z"),
		Body: &nexmo.MemberInvited{Membership: nexmo.Membership{
			MemberID: priyaID, ID: priyaID, UserID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop", State: nexmo.MemberStateInvited,
			User:      nexmo.User{ID: priyaUID, Name: "priya", DisplayName: "Priya at the workshop"},
			Timestamp: nexmo.MemberTimestamp{Invited: at("2020-03-11T16:21:02.440Z")},
			Channel:   &nexmo.Channel{Type: "app"},
			Initiator: nexmo.Initiator{Invited: nexmo.Cause{IsSystem: nexmo.True, IsSystemREST: nexmo.True}},
			Media:     silent,
		}},
	},
	"v0.2": {
		ID: 9, Type: "text", ConversationID: chatID, From: tomasID,
		Timestamp: at("2020-03-11T16:20:44.870Z"),
		Body:      aText("The blue ones, please."),
	},
	"v0.3-state-empty": {
		ID: 2, Type: "member:joined", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"), State: &nexmo.EventState{},
		Body: joinedFromApp,
	},
	"v0.3-state-object": {
		ID: 14, Type: "message", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		State: &nexmo.EventState{
			SubmittedTo: nexmo.ReceiptTimes{tomasID: at("2024-05-17T13:42:13Z")},
			DeliveredTo: nexmo.ReceiptTimes{tomasID: at("2024-05-17T13:42:13.310Z")},
			SeenBy:      nexmo.ReceiptTimes{tomasID: at("2024-05-17T13:42:31.077Z")},
			RejectedBy:  nexmo.ReceiptTimes{}, UndeliverableTo: nexmo.ReceiptTimes{},
		},
		Body: fridayMessage,
	},
	"v1-relative-link": {
		ID: 14, Type: "message", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      fridayMessage,
	},
	"v1": {
		ID: 14, Type: "message", ConversationID: chatID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:12.640Z"),
		Body:      fridayMessage,
	},
	"vcard-image": {
		ID: 43, Type: "message", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
			MessageType: nexmo.MessageTypeVCard, Image: &nexmo.MessageFileURL{URL: "https://example.com/media/workshop.vcf"},
		}},
	},
	"webhook-application": {
		Type: "conversation:created", ApplicationID: shopID,
		Timestamp: at("2024-05-17T07:00:00.219Z"),
		Body: &nexmo.ConversationCreated{ConversationDetails: nexmo.ConversationDetails{
			ID: "CON-754a264f-c1de-4ebe-b9d8-99c62c945ee7", Name: "workshop-queue", DisplayName: "Workshop queue",
			State: nexmo.ConversationStateActive, Timestamp: nexmo.ConversationTimestamp{Created: at("2024-05-17T07:00:00.212Z")},
		}},
	},
	"webhook-knocker": {
		Type: "sip:hangup", ApplicationID: shopID, From: "knocker:26c0d7c2-32e7-46a6-82c9-3621949a1c4e",
		Timestamp: at("2024-05-16T08:02:24.881Z"),
		Body:      &nexmo.SIPHangup{Hangup: nexmo.Hangup{Direction: nexmo.DirectionInbound, Channel: phoneChannel}},
	},
	"webhook-media-result-minimal": {
		Type: "audio:play:done", ApplicationID: shopID,
		Timestamp: at("2024-05-16T08:05:19.770Z"),
		Body:      &nexmo.AudioPlayDone{PlayID: "60a0c3db-28b7-455a-809d-bb03bf9592e6"},
	},
	"webhook-not-stored": {
		Type: "text:typing:on", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      &nexmo.TextTypingOn{Typing: nexmo.Typing{Activity: new(1)}},
	},
	"webhook-params": {
		ID: 22, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Params:    raw(`{"applicationId":"` + shopID + `","ncco_url":"https://example.com/ncco/repairs?lang=en"}`),
		Body:      aText("Which gear?"),
	},
	"webhook-signalling": {
		Type: "rtc:answer", ConversationID: callID, ApplicationID: shopID,
		Timestamp: at("2024-05-16T08:03:01.009Z"),
		Body: &nexmo.RTCAnswer{
			Answer: answerSDP("192.0.2.30"), RTCID: appLeg,
			IsFromMB: nexmo.True, SessionDestination: "681b2baa-3dc1-4664-bcaf-0e0b0596586c",
		},
	},
	"webhook": {
		ID: 21, Type: "text", ConversationID: chatID, ApplicationID: shopID, From: tomasID, FromUser: tomasUser, FromMember: tomasID,
		Timestamp: at("2024-05-17T13:42:10.318Z"),
		Body:      aText("See you at 5 <3 & thanks"),
	},
	"websocket-no-from": {
		Type: "rtc:answer", ConversationID: callID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body: &nexmo.RTCAnswer{
			Answer: answerSDP("192.0.2.31"), RTCID: appLeg,
			SessionDestination: "681b2baa-3dc1-4664-bcaf-0e0b0596586c",
		},
	},
	"websocket-no-timestamp": {
		ID: 24, Type: "audio:say", ConversationID: chatID, From: priyaID,
		Body: &nexmo.AudioSay{
			Text: "One moment, please.", Level: new(1.0), Loop: new(1), Queue: nexmo.True, VoiceName: "Amy",
			SSML: nexmo.False, SayID: "8acdcc32-924d-477d-9ac6-30293a33a3b2",
		},
	},
	"websocket-packet": {
		ID: 2, Type: "member:joined", ConversationID: chatID, ApplicationID: shopID, From: priyaID, FromUser: priyaUser, FromMember: priyaID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body:      joinedFromApp,
	},
	"websocket": {
		ID: 23, Type: "text:seen", ConversationID: chatID, From: priyaID,
		Timestamp: at("2024-05-17T13:42:11.250Z"),
		Body:      &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 22}},
	},
}

var (
	fridayMessage = &nexmo.Message{MessageContent: nexmo.MessageContent{MessageType: nexmo.MessageTypeText, Text: "Ready on Friday."}}

	flatOriginal = &nexmo.Rendition{
		ID: "91fc949b-1aa6-4b67-b2da-15cba424e990", Type: "ORIGINAL", Size: 742118,
		URL: "https://api.nexmo.com/v3/media/91fc949b-1aa6-4b67-b2da-15cba424e990",
	}
	flatMedium = &nexmo.Rendition{
		ID: "ad99e73b-27f0-4d37-a6b8-40f5d3721bd7", Type: "MEDIUM", Size: 218640,
		URL: "https://api.nexmo.com/v3/media/ad99e73b-27f0-4d37-a6b8-40f5d3721bd7",
	}
	flatThumbnail = &nexmo.Rendition{
		ID: "616ce5c4-89f1-4c6c-a359-45a2a741a822", Type: "THUMBNAIL", Size: 18022,
		URL: "https://api.nexmo.com/v3/media/616ce5c4-89f1-4c6c-a359-45a2a741a822",
	}
	mutedMedia = nexmo.Media{
		Audio:         nexmo.True,
		AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Earmuffed: nexmo.False, Muted: nexmo.True},
	}
)

func answerSDP(address string) string {
	return "v=0\r\no=- 31415926 2 IN IP4 " + address + "\r\ns=-\r\nc=IN IP4 " + address +
		"\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\n"
}

func TestParseEventEnvelopes(t *testing.T) {
	t.Parallel()
	files := filesIn(t, "testdata/envelopes")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := envelopes[name]
			if !ok {
				t.Fatal("the file has no row in the table of envelopes")
			}
			data := readFile(t, file)
			want.Raw = data
			got := parseText(t, data)
			if diff := cmp.Diff(&want, got, sameEvent); diff != "" {
				t.Errorf("ParseEvent (-want +got):\n%s", diff)
			}
			if !bytes.Equal(data, got.Raw) {
				t.Errorf("Raw is not what was received:\n%s", got.Raw)
			}
			if loc := got.Timestamp.Location(); loc != time.UTC {
				t.Errorf("Timestamp is in %v, want UTC", loc)
			}
			compareGolden(t, "envelopes/"+name+".json", describe(got))
		})
	}
	if len(files) != len(envelopes) {
		t.Errorf("%d files, %d rows in the table", len(files), len(envelopes))
	}
}

// TestParseEventEnvelopeFields: fields of the envelope that no file shows.
func TestParseEventEnvelopeFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       nexmo.Event
	}{
		{
			name: "only a type",
			text: `{"type":"text"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "body is null",
			text: `{"type":"text","body":null}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "an unknown type without a body",
			text: `{"type":"tomorrow"}`,
			want: nexmo.Event{Type: "tomorrow", Body: &nexmo.RawBody{Type: "tomorrow"}},
		},
		{
			name: "an own type without a body",
			text: `{"type":"custom:a:b"}`,
			want: nexmo.Event{Type: "custom:a:b", Body: &nexmo.Custom{Name: "a:b"}},
		},
		{
			name: "own types need a name",
			text: `{"type":"custom:","body":{}}`,
			want: nexmo.Event{Type: "custom:", Body: &nexmo.RawBody{Type: "custom:", JSON: raw(`{}`)}},
		},
		{
			name: "null stands for nothing everywhere",
			text: `{"type":"text","id":null,"conversation_id":null,"cid":null,"application_id":null,"from":null,"to":null,
				"timestamp":null,"state":null,"_embedded":null,"_links":null,"href":null,"params":null,"body":null}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "null stands for nothing within",
			text: `{"type":"text","_embedded":{"from_user":null,"from_member":null},"_links":{"self":null}}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "empty texts and objects stand for nothing",
			text: `{"type":"text","timestamp":"","conversation_id":"","_embedded":{},"_links":{"self":{}},"from":"","body":{}}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the conversation in conversation_id comes before cid and links",
			text: `{"_links":{"self":{"href":"/v1/conversations/CON-3/events/1"}},"cid":"CON-2","conversation_id":"CON-1","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-1", Body: &nexmo.Text{}},
		},
		{
			name: "the conversation in cid comes before links",
			text: `{"_links":{"self":{"href":"/v1/conversations/CON-3/events/1"}},"cid":"CON-2","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-2", Body: &nexmo.Text{}},
		},
		{
			name: "the link of an event comes before href",
			text: `{"href":"/beta/conversations/CON-4","_links":{"self":{"href":"/v1/conversations/CON-3?a=b"}},"type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-3", Body: &nexmo.Text{}},
		},
		{
			name: "a conversation at the end of a link",
			text: `{"href":"https://api.nexmo.com/beta/conversations/CON%2D4","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "CON-4", Body: &nexmo.Text{}},
		},
		{
			name: "a link that is no URL",
			text: `{"href":"/conversations/100%/events","type":"text"}`,
			want: nexmo.Event{Type: "text", ConversationID: "100%", Body: &nexmo.Text{}},
		},
		{
			name: "a link without a conversation",
			text: `{"href":"https://example.com/","type":"text"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the name of a packet comes before the type inside",
			text: `["text:seen",{"type":"text","id":3,"cid":"CON-1","body":{"event_id":2}},7,{"more":[]}]`,
			want: nexmo.Event{ID: 3, Type: "text:seen", ConversationID: "CON-1", Body: &nexmo.TextSeen{Receipt: nexmo.Receipt{EventID: 2}}},
		},
		{
			name: "type comes before event_type",
			text: `{"event_type":"text:seen","type":"text"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "names with escapes",
			text: `{"\u0074ype":"te\u0078t","fr\u006fm":"MEM-\u00e9\ud83d\ude80","body":{"te\u0078t":"a\"b\\c\/d\n"}}`,
			want: nexmo.Event{Type: "text", From: "MEM-é🚀", Body: aText("a\"b\\c/d\n")},
		},
		{
			name: "names of another case are other names",
			text: `{"type":"text","Type":"image","ID":7,"Body":{"text":"no"},"body":{"TEXT":"no"}}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the largest id",
			text: `{"type":"text","id":9223372036854775807}`,
			want: nexmo.Event{ID: 1<<63 - 1, Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "the session of a signal is in the body already",
			text: `{"type":"rtc:terminate","session_destination":"outer","body":{"session_destination":"inner","rtc_id":"leg"}}`,
			want: nexmo.Event{Type: "rtc:terminate", Body: &nexmo.RTCTerminate{SessionDestination: "inner", RTCID: "leg"}},
		},
		{
			name: "the session of a signal",
			text: `{"type":"rtc:terminate","session_destination":"outer","body":{"rtc_id":"leg"}}`,
			want: nexmo.Event{Type: "rtc:terminate", Body: &nexmo.RTCTerminate{SessionDestination: "outer", RTCID: "leg"}},
		},
		{
			name: "the session of an offer",
			text: `{"type":"rtc:offer","session_destination":"outer","body":{"sdp":"v=0"}}`,
			want: nexmo.Event{Type: "rtc:offer", Body: &nexmo.RTCOffer{SessionDestination: "outer", SDP: "v=0"}},
		},
		{
			name: "the other spelling of isFromMB",
			text: `{"type":"rtc:answer","isFromMb":true,"body":{"answer":"v=0"}}`,
			want: nexmo.Event{Type: "rtc:answer", Body: &nexmo.RTCAnswer{Answer: "v=0", IsFromMB: nexmo.True}},
		},
		{
			name: "the other spelling of isFromMB in the body",
			text: `{"type":"rtc:answer","isFromMB":true,"body":{"isFromMb":false}}`,
			want: nexmo.Event{Type: "rtc:answer", Body: &nexmo.RTCAnswer{IsFromMB: nexmo.False, IsFromMb: nexmo.False}},
		},
		{
			name: "a state that is a word",
			text: `{"type":"text","state":"JOINED"}`,
			want: nexmo.Event{Type: "text", Body: &nexmo.Text{}},
		},
		{
			name: "null among a list of texts keeps the place of the others",
			text: `{"type":"message","body":{"template":{"parameters":["a",null,"c"]}}}`,
			want: nexmo.Event{Type: "message", Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
				Template: &nexmo.Template{Parameters: []string{"a", "", "c"}},
			}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := parseText(t, tt.text)
			if diff := cmp.Diff(&tt.want, got, sameFields); diff != "" {
				t.Errorf("ParseEvent (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseEventOddEnvelopes: an event with an ID and a type survives whatever
// else its envelope holds, and says what is odd.
func TestParseEventOddEnvelopes(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		`"from":5`:                             "from: want text, found a number",
		`"to":["SECRET"]`:                      "to: want text, found an array",
		`"timestamp":"SECRET"`:                 "timestamp: want RFC 3339 time, found text",
		`"timestamp":1715953330318`:            "timestamp: want RFC 3339 time, found a number",
		`"conversation_id":{}`:                 "conversation_id: want text, found an object",
		`"cid":true`:                           "cid: want text, found true or false",
		`"application_id":1`:                   "application_id: want text, found a number",
		`"_embedded":["SECRET"]`:               "_embedded: want object, found an array",
		`"_embedded":{"from_user":"SECRET"}`:   "_embedded.from_user: want object, found text",
		`"_embedded":{"from_member":{"id":7}}`: "_embedded.from_member.id: want text, found a number",
		`"_links":"SECRET"`:                    "_links: want object, found text",
		`"_links":{"self":"SECRET"}`:           "_links.self: want object, found text",
		`"_links":{"self":{"href":7}}`:         "_links.self.href: want text, found a number",
		`"href":{}`:                            "href: want text, found an object",
		`"state":{"seen_by":"SECRET"}`:         "state.seen_by: want object, found text",
		`"state":{"seen_by":{"MEM-1":true}}`:   "state.seen_by.MEM-1: want RFC 3339 time, found true or false",
		`"session_destination":[]`:             "session_destination: want text, found an array",
		`"isFromMB":"SECRET"`:                  "isFromMB: want true or false, found text",
	}
	for field, want := range tests {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			for _, typ := range []nexmo.EventType{"text", "custom:order", "tomorrow"} {
				e := parseText(t, fmt.Sprintf(`{"id":4,%s,"body":{"text":"SECRET"},"type":%q}`, field, typ))
				b, ok := nexmo.As[*nexmo.RawBody](e)
				if !ok {
					t.Fatalf("%s: Body is a %T, want a *nexmo.RawBody", typ, e.Body)
				}
				if e.ID != 4 || e.Type != typ || b.Type != typ || string(b.JSON) != `{"text":"SECRET"}` {
					t.Errorf("%s: ID %d, Type %q, RawBody %q %s", typ, e.ID, e.Type, b.Type, b.JSON)
				}
				if b.Err == nil || b.Err.Error() != want {
					t.Errorf("%s: Err = %v, want %s", typ, b.Err, want)
				}
			}
		})
	}
}

// malformed is what RawBody.Err says of each file in testdata/malformed.
var malformed = map[string]string{
	"audio-dtmf-digits-array":               "body.digits: want text, found an array",
	"audio-record-done-no-such-day":         "body.start_time: want RFC 3339 time, found text",
	"audio-say-level-word":                  "body.level: want number, found text",
	"conversation-created-timestamp-number": "body.timestamp: want object, found a number",
	"event-delete-event-id-fraction":        "body.event_id: want event ID: a whole number from 0, or its text, found a number",
	"image-representations-number":          "body.representations: want object, found a number",
	"leg-status-update-history-text":        "body.statusHistory: want array, found text",
	"member-joined-body-text":               "body: want object, found text",
	"member-joined-timestamp-words":         "body.timestamp.invited: want RFC 3339 time, found text",
	"member-left-user-text":                 "body.user: want object, found text",
	"member-media-audio-text":               "body.audio: want true or false, found text",
	"message-body-array":                    "body: want object, found an array",
	"message-body-number":                   "body: want object, found a number",
	"rtc-hangup-quality-array":              "body.quality: want object, found an array",
	"sip-ringing-channel-number":            "body.channel: want object, found a number",
	"text-seen-event-id-word":               "body.event_id: want event ID: a whole number from 0, or its text, found text",
	"text-text-object":                      "body.text: want text, found an object",
}

func TestParseEventMalformedBodies(t *testing.T) {
	t.Parallel()
	files := filesIn(t, "testdata/malformed")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := malformed[name]
			if !ok {
				t.Fatal("the file has no row in the table of malformed bodies")
			}
			data := readFile(t, file)
			var sent struct {
				ID             nexmo.EventID   `json:"id"`
				Type           nexmo.EventType `json:"type"`
				ConversationID string          `json:"conversation_id"`
				ApplicationID  string          `json:"application_id"`
				From           string          `json:"from"`
				Timestamp      time.Time       `json:"timestamp"`
				Body           json.RawMessage `json:"body"`
			}
			if err := json.Unmarshal(data, &sent); err != nil {
				t.Fatal(err)
			}
			e := parseText(t, data)
			if diff := cmp.Diff(&nexmo.Event{
				ID: sent.ID, Type: sent.Type, ConversationID: sent.ConversationID, ApplicationID: sent.ApplicationID,
				From: sent.From, Timestamp: sent.Timestamp, Raw: data,
				Body: &nexmo.RawBody{Type: sent.Type, JSON: sent.Body, Err: errors.New(want)},
			}, e, identical); diff != "" {
				t.Errorf("ParseEvent (-want +got):\n%s", diff)
			}
			for _, value := range scalars(jsonValue(t, sent.Body)) {
				if strings.Contains(want, value) {
					t.Errorf("Err holds %q, which is a value of the body", value)
				}
			}
			compareGolden(t, "malformed/"+name+".json", describe(e))
		})
	}
	if len(files) != len(malformed) {
		t.Errorf("%d files, %d rows in the table", len(files), len(malformed))
	}
}

// scalars are the texts and numbers within a JSON value.
func scalars(v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		list = append(list, v)
	case json.Number:
		list = append(list, string(v))
	case []any:
		for _, v := range v {
			list = append(list, scalars(v)...)
		}
	case map[string]any:
		for _, v := range v {
			list = append(list, scalars(v)...)
		}
	}
	return list
}

// TestMalformedPathHoldsNoContent: in places where the names themselves are
// content of the event, the path does not repeat those that cannot be names.
func TestMalformedPathHoldsNoContent(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{
			`{"type":"message","body":{"template":{"parameters":["a",{"SECRET":1}]}}}`,
			"body.template.parameters[1]: want text, found an object",
		},
		{
			`{"type":"sip:ringing","body":{"channel":{"legs":[{},{"status":["SECRET"]}]}}}`,
			"body.channel.legs[1].status: want text, found an array",
		},
		{
			`{"type":"text","state":{"seen_by":{"not a SECRET name":1}}}`,
			"state.seen_by.?: want RFC 3339 time, found a number",
		},
		{
			`["text",{"body":{"text":7}}]`,
			"body.text: want text, found a number",
		},
		{
			`{"nexmo":{"event_type":"text","body":{"text":7}}}`,
			"body.text: want text, found a number",
		},
	}
	for _, tt := range tests {
		b, ok := nexmo.As[*nexmo.RawBody](parseText(t, tt.text))
		if !ok || b.Err == nil {
			t.Errorf("%s: the body is not malformed", tt.text)
			continue
		}
		if b.Err.Error() != tt.want {
			t.Errorf("%s: Err = %q, want %q", tt.text, b.Err, tt.want)
		}
	}
}

// pages are the files in testdata/invalid that are a list, if a bad one.
var pages = map[string]string{
	"array-of-numbers": "nexmo: list: item 0: nexmo: event: want a JSON object\n" +
		"nexmo: list: item 1: nexmo: event: want a JSON object\n" +
		"nexmo: list: item 2: nexmo: event: want a JSON object",
	"depth-5000": "nexmo: list: item 0: nexmo: event: invalid JSON at byte 512: nested too deeply",
}

func TestParseEventRefusesInvalidText(t *testing.T) {
	t.Parallel()
	reasons := map[string][2]string{}
	for _, file := range filesIn(t, "testdata/invalid") {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		data := readFile(t, file)

		e, err := nexmo.ParseEvent(data)
		if e != nil {
			t.Errorf("%s: ParseEvent returned an event", name)
		}
		checkRefusal(t, name, err)

		events, lerr := nexmo.ParseEvents(data)
		if want, ok := pages[name]; ok {
			if got := errorText(lerr); got != want || len(events) != 0 {
				t.Errorf("%s: ParseEvents returned %d events and %q, want none and %q", name, len(events), got, want)
			}
		} else {
			if events != nil {
				t.Errorf("%s: ParseEvents returned events", name)
			}
			checkRefusal(t, name, lerr)
		}
		reasons[name] = [2]string{errorText(err), errorText(lerr)}
	}
	compareGolden(t, "invalid/reasons.json", reasons)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// checkRefusal checks the one error about a text that cannot be used.
func checkRefusal(t *testing.T, name string, err error) {
	t.Helper()
	derr, ok := err.(*nexmo.DecodeError) //nolint:errorlint // it is the error, not in a chain
	if !ok {
		t.Errorf("%s: the error is a %T, want a *nexmo.DecodeError", name, err)
		return
	}
	if derr.Err == nil || any(errors.Unwrap(err)) != any(derr.Err) {
		t.Errorf("%s: Err is %v, Unwrap %v", name, derr.Err, errors.Unwrap(err))
	}
	text := err.Error()
	if !strings.HasPrefix(text, "nexmo: ") || strings.Contains(text, "\n") || len(text) > 120 {
		t.Errorf("%s: %q is not one clear sentence", name, text)
	}
	for _, content := range []string{"CON-", "MEM-", "2024", "tyres", "4.5", "-4", "0x10", "abc", "922337", "hi", "order"} {
		if strings.Contains(text, content) && !strings.Contains("this is a single event", content) {
			t.Errorf("%s: %q holds %q, which is content", name, text, content)
		}
	}
}

// TestParseEventNamesWhatIsWrong: what is valid JSON and no event gets an error
// about events, not about JSON.
func TestParseEventNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	const (
		list   = "nexmo: event: want an object, or a packet that begins with the name of the event; for a list use ParseEvents"
		noType = `nexmo: event: no "type": an event has one, such as "member:joined"`
	)
	tests := map[string]string{
		`[]`:                             list,
		`[[]]`:                           list,
		`[null]`:                         list,
		`[{"type":"text"}]`:              list,
		`[1,2,3]`:                        list,
		`[{"type":"text"},"text"]`:       list,
		`["text"]`:                       "nexmo: event: the packet has no payload",
		`["text",7]`:                     "nexmo: event: want a JSON object",
		`["text",[],{}]`:                 "nexmo: event: want a JSON object",
		`["",{}]`:                        noType,
		`{}`:                             noType,
		`{"nexmo":{}}`:                   noType,
		`{"nexmo":7}`:                    noType,
		`{"stitch":{"event_type":null}}`: noType,
		`{"type":"text","id":"x"}`:       `nexmo: event of type "text": id: want an event ID: a whole number from 0, or its text`,
		`{"id":-1,"type":7}`:             `nexmo: event: id: want an event ID: a whole number from 0, or its text`,
		`["text",{"id":1.5}]`:            `nexmo: event of type "text": id: want an event ID: a whole number from 0, or its text`,
		`{"type":["text"],"id":1}`:       `nexmo: event: type: want text, such as "member:joined"`,
		`["text",{"id":1},]`:             "nexmo: event: invalid JSON at byte 17: value expected",
		`[{"type":"text"}`:               "nexmo: event: invalid JSON at byte 16: unexpected end of text",
	}
	for text, want := range tests {
		e, err := nexmo.ParseEvent([]byte(text))
		if e != nil || err == nil || err.Error() != want {
			t.Errorf("ParseEvent(%s) = %v, %v; want the error %s", text, e, err, want)
		}
	}
}

func TestDecodeErrorShortensLongTypes(t *testing.T) {
	t.Parallel()
	_, err := nexmo.ParseEvent([]byte(`{"type":"custom:` + strings.Repeat("x", 500) + "SECRET" + `","id":"no"}`))
	derr, ok := errors.AsType[*nexmo.DecodeError](err)
	if !ok {
		t.Fatalf("the error is a %T", err)
	}
	if len(derr.Type) != 513 {
		t.Errorf("Type has %d bytes, want all 513", len(derr.Type))
	}
	if text := err.Error(); len(text) > 220 || strings.Contains(text, "SECRET") {
		t.Errorf("the text has %d bytes: %s", len(text), text)
	}
}

// lists is what each file in testdata/lists holds, by ID.
var lists = map[string][]nexmo.EventType{
	"array":              {1: "member:joined", 2: "text", 4: "text:seen", 5: "text"},
	"v0.2":               {6: "text", 7: "member:media", 9: "text:delivered", 10: "custom:order-update"},
	"v0.3":               {11: "member:joined", 12: "message", 14: "message:seen"},
	"v1":                 {15: "message", 16: "message:delivered", 18: "member:promoted", 19: "message"},
	"v1-embedded-array":  {15: "message", 16: "message:delivered", 18: "member:promoted"},
	"empty-object":       {},
	"empty-page":         {},
	"no-links":           {20: "text", 21: "text:seen", 24: "audio:ringing:start"},
	"links-without-href": {15: "message", 16: "message:delivered", 18: "member:promoted"},
	"foreign-next":       {15: "message", 16: "message:delivered", 18: "member:promoted"},
}

func TestParseEventsLists(t *testing.T) {
	t.Parallel()
	files := filesIn(t, "testdata/lists")
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := lists[name]
			if !ok {
				t.Fatal("the file has no row in the table of lists")
			}
			data := readFile(t, file)
			events, err := nexmo.ParseEvents(data)
			if err != nil {
				t.Fatal(err)
			}
			if events == nil {
				t.Fatal("ParseEvents returned no list, want an empty one")
			}
			got := make([]nexmo.EventType, len(want))
			last := nexmo.EventID(0)
			for _, e := range events {
				if e.ID <= last || int(e.ID) >= len(want) {
					t.Fatalf("ID %d is not in the list, or not in order", e.ID)
				}
				last = e.ID
				got[e.ID] = e.Type
				if e.ConversationID != chatID {
					t.Errorf("event %d is of the conversation %q", e.ID, e.ConversationID)
				}
				if e.Timestamp.IsZero() {
					t.Errorf("event %d has no timestamp", e.ID)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("types by ID (-want +got):\n%s", diff)
			}
			checkItems(t, events, listItems(t, data))
			compareGolden(t, "lists/"+name+".json", describeAll(events))
		})
	}
	if len(files) != len(lists) {
		t.Errorf("%d files, %d rows in the table", len(files), len(lists))
	}
}

// checkItems compares the events of a list with its items, each parsed alone.
func checkItems(t *testing.T, events []*nexmo.Event, items []json.RawMessage) {
	t.Helper()
	if len(events) != len(items) {
		t.Fatalf("%d events, the list has %d", len(events), len(items))
	}
	for i, item := range items {
		if diff := cmp.Diff(parseText(t, item), events[i], identical); diff != "" {
			t.Errorf("item %d is not as it is alone (-alone +listed):\n%s", i, diff)
		}
	}
}

func TestParseEventsHistory(t *testing.T) {
	t.Parallel()
	want := []nexmo.EventType{
		"", "member:invited", "member:joined", "member:invited", "member:joined", "text", "text:delivered", "text:seen",
		"message", "message:submitted", "message:delivered", "message:seen", "message", "image", "image:delivered",
		"image:seen", "event:delete", "message", "custom:order-update", "text", "text:update", "text:seen", "member:left",
	}
	data := readFile(t, "testdata/history.json")
	events, err := nexmo.ParseEvents(data)
	if err != nil {
		t.Fatal(err)
	}
	got := []nexmo.EventType{""}
	for i, e := range events {
		got = append(got, e.Type)
		if e.ID != nexmo.EventID(i+1) {
			t.Errorf("event %d has the ID %d", i+1, e.ID)
		}
		if e.ConversationID != "CON-97ff833a-c20e-48c2-a010-f16a736be34f" {
			t.Errorf("event %d is of the conversation %q", e.ID, e.ConversationID)
		}
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("event %d is raw: %v", e.ID, b.Err)
		}
		if when, ok := e.Deleted(); ok != (e.ID == 12) {
			t.Errorf("event %d: Deleted() = %v, %v", e.ID, when, ok)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("types by ID (-want +got):\n%s", diff)
	}
	if when, _ := events[11].Deleted(); !when.Equal(at("2024-05-21T15:05:49.103Z")) {
		t.Errorf("event 12 was deleted at %v", when)
	}
	if diff := cmp.Diff(&nexmo.EventDelete{Receipt: nexmo.Receipt{EventID: 12}}, events[15].Body); diff != "" {
		t.Errorf("event 16 (-want +got):\n%s", diff)
	}
	if b, ok := nexmo.As[*nexmo.TextUpdate](events[19]); !ok || b.OriginalEventID != 19 || b.Text != "10 is perfect, thank you! 🚲" {
		t.Errorf("event 20 = %+v", events[19].Body)
	}
	if b, ok := nexmo.As[*nexmo.MemberLeft](events[21]); !ok || b.MemberID == "" || b.MemberID != events[21].MemberID() {
		t.Errorf("event 22 = %+v", events[21].Body)
	}
	checkItems(t, events, listItems(t, data))
	compareGolden(t, "lists/history.json", describeAll(events))
}

func TestParseEventCall(t *testing.T) {
	t.Parallel()
	// The IDs in the order of the lines, 0 for events that have none.
	want := []nexmo.EventID{
		0, 0, 0, 1, 0, 3, 2, 4, 5, 6, 8, 7, 9, 10, 11, 13, 12, 14, 16, 17, 18, 19, 15, 20, 21, 23, 22, 24, 26, 27, 29, 28,
		30, 31, 32, 34, 33, 35, 30, 36, 37, 39, 38, 40, 41, 42, 0,
	}
	var got []nexmo.EventID
	lines := callLines(t)
	for i, line := range lines {
		e := parseText(t, line)
		got = append(got, e.ID)
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("line %d: %q is raw: %v", i+1, e.Type, b.Err)
		}
		if !e.Type.Known() || e.Timestamp.IsZero() || e.ApplicationID != shopID {
			t.Errorf("line %d: type %q, timestamp %v, application %q", i+1, e.Type, e.Timestamp, e.ApplicationID)
		}
		if (e.ConversationID != "") != (e.ID != 0) {
			t.Errorf("line %d: ID %d, conversation %q", i+1, e.ID, e.ConversationID)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("IDs by line (-want +got):\n%s", diff)
	}
	if !bytes.Equal(lines[32], lines[38]) {
		t.Error("the two deliveries of event 30 differ")
	}
}

// TestParseEventsReturnsTheGoodOnes: bad items do not cost the others, and are
// named by their place.
func TestParseEventsReturnsTheGoodOnes(t *testing.T) {
	t.Parallel()
	const items = `[{"type":"text","id":1},{"id":2},7,{"type":"text","id":"SECRET"},{"type":"tomorrow","id":5},{"type":"text","id":6,"body":{"text":9}}]`
	want := []string{
		`nexmo: list: item 1: nexmo: event: no "type": an event has one, such as "member:joined"`,
		`nexmo: list: item 2: nexmo: event: want a JSON object`,
		`nexmo: list: item 3: nexmo: event of type "text": id: want an event ID: a whole number from 0, or its text`,
	}
	for name, text := range map[string]string{
		"bare array":        items,
		"events":            `{"_embedded":{"events":` + items + `}}`,
		"data.events":       `{"_embedded":{"data":{"events":` + items + `}}}`,
		"_embedded is it":   `{"page_size":10,"_embedded":` + items + `,"_links":{}}`,
		"other names first": `{"cursor":"x","_embedded":{"more":[],"events":` + items + `,"last":null}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			events, err := nexmo.ParseEvents([]byte(text))
			if err == nil {
				t.Fatal("no error about the bad items")
			}
			if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("the error (-want +got):\n%s", diff)
			}
			derr, ok := errors.AsType[*nexmo.DecodeError](err)
			if !ok || derr.Type != "" {
				t.Errorf("the first *DecodeError in the error is %v", derr)
			}
			var got []string
			for _, e := range events {
				got = append(got, fmt.Sprintf("%d %s %T", e.ID, e.Type, e.Body))
			}
			if diff := cmp.Diff([]string{"1 text *nexmo.Text", "5 tomorrow *nexmo.RawBody", "6 text *nexmo.RawBody"}, got); diff != "" {
				t.Errorf("the good events (-want +got):\n%s", diff)
			}
		})
	}
}

// TestParseEventsOneBadTextDoesNotCostTheOthers: an event that is not even strict
// JSON is refused, and those around it are not.
func TestParseEventsOneBadTextDoesNotCostTheOthers(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("[", 600) + strings.Repeat("]", 600)
	for name, tt := range map[string]struct{ item, want string }{
		"a name twice":          {`{"type":"custom:a","body":{"SECRET":1,"SECRET":2}}`, "invalid JSON at byte 38: duplicate member name"},
		"the type twice":        {`{"type":"text","type":"text"}`, "invalid JSON at byte 15: duplicate member name"},
		"half a character":      {`{"type":"text","body":{"text":"\ud83d"}}`, "invalid JSON at byte 31: unpaired surrogate escape"},
		"bytes that are none":   {"{\"type\":\"text\",\"from\":\"SECRET\xff\"}", "invalid JSON at byte 29: invalid UTF-8"},
		"too deep":              {`{"type":"custom:a","body":` + deep + `}`, "invalid JSON at byte 537: nested too deeply"},
		"no number":             {`{"type":"text","id":NaN}`, "invalid JSON at byte 20: value expected"},
		"a comma too many":      {`{"type":"text",}`, "invalid JSON at byte 15: member name expected"},
		"brackets in a text":    {`{"type":"text","from":"]}[\"]\\","from":"SECRET"}`, "invalid JSON at byte 33: duplicate member name"},
		"brackets of two kinds": {`{"type":"text","body":[}]`, "invalid JSON at byte 23: value expected"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			items := ` [{"type":"text","id":1} , ` + tt.item + ` , {"type":"image","id":3}]`
			for _, text := range []string{items, `{"_embedded":{"data":{"events":` + items + `}},"_links":{}}`} {
				events, err := nexmo.ParseEvents([]byte(text))
				if want := "nexmo: list: item 1: nexmo: event: " + tt.want; err == nil || err.Error() != want {
					t.Errorf("the error is %v, want %s", err, want)
				}
				if len(events) != 2 || events[0].ID != 1 || events[1].ID != 3 || string(events[1].Raw) != `{"type":"image","id":3}` {
					t.Errorf("%d events, want 1 and 3", len(events))
				}
			}
		})
	}
}

// TestDepth: an event may be nested 512 deep, alone and in a list.
func TestDepth(t *testing.T) {
	t.Parallel()
	nested := func(deep int) string {
		return `{"type":"custom:a","body":` + strings.Repeat("[", deep-1) + strings.Repeat("]", deep-1) + `}`
	}
	for deep, ok := range map[int]bool{511: true, 512: true, 513: false, 5000: false, 100_000: false} {
		text := nested(deep)
		if _, err := nexmo.ParseEvent([]byte(text)); (err == nil) != ok {
			t.Errorf("an event that is nested %d deep: %v", deep, err)
		}
		for _, list := range []string{`[` + text + `]`, `{"_embedded":{"data":{"events":[` + text + `]}},"_links":{"a":{"b":{}}}}`} {
			if events, err := nexmo.ParseEvents([]byte(list)); (err == nil) != ok || (len(events) == 1) != ok {
				t.Errorf("a list with an event that is nested %d deep: %d events, %v", deep, len(events), err)
			}
		}
	}
}

func TestParseEventsShapes(t *testing.T) {
	t.Parallel()
	const (
		none   = ""
		list   = "nexmo: event: list: want an array of events, or a page of them"
		single = "nexmo: event: list: this is a single event: use ParseEvent"
		inside = "nexmo: event: list: _embedded: want an array of events, or an object that holds one"
		events = "nexmo: event: list: _embedded.events: want an array"
		noPage = "nexmo: event: list: no _embedded: this is no page of events"
		twice  = "duplicate member name"
	)
	tests := []struct {
		text  string
		want  string // what the error ends with
		count int
	}{
		{`[]`, none, 0},
		{`{}`, none, 0},
		{`{"_embedded":null}`, none, 0},
		{`{"_embedded":{}}`, none, 0},
		{`{"_embedded":[]}`, none, 0},
		{`{"_embedded":{"events":null}}`, none, 0},
		{`{"_embedded":{"data":null}}`, none, 0},
		{`{"_embedded":{"data":{"events":[]}}}`, none, 0},
		{`{"_embedded":{"data":[{"type":"text"}]}}`, none, 1},
		{`{"_embedded":{"events":[{"type":"text"}],"data":null}}`, none, 1},
		{`{"_embedded":{"events":[{"type":"text"}],"data":{"total":1}}}`, none, 1},
		{`{"_embedded":{"data":7,"events":[{"type":"text"}]}}`, none, 1},
		{`{"_embedded":{"data":{"events":[{"type":"text"}]},"events":null}}`, none, 1},
		{`{"page_size":10,"_links":{}}`, none, 0},
		{`{"events":[{"type":"text"}]}`, noPage, 0}, // not a shape that is used
		{`{"title":"Unauthorized","detail":"SECRET"}`, noPage, 0},
		{`{"_embedded":{"events":[{"type":"text"},{"type":"text"}]},"type":"page"}`, none, 2},
		{`{"type":"text","id":1,"body":{}}`, single, 0},
		{`{"type":"text","_embedded":{"from_user":{}}}`, single, 0},
		{`{"event_type":"text"}`, single, 0},
		{`7`, list, 0},
		{`"text"`, list, 0},
		{`null`, list, 0},
		{`true`, list, 0},
		{`{"_embedded":7}`, inside, 0},
		{`{"_embedded":"x"}`, inside, 0},
		{`{"_embedded":{"data":7}}`, inside, 0},
		{`{"_embedded":{"events":{}}}`, events, 0},
		{`{"_embedded":{"events":"none"}}`, events, 0},
		{`{"_embedded":{"data":{"events":7}}}`, events, 0},
		{`{"_embedded":{"events":[],"events":[]}}`, twice, 0},
		{`{"_embedded":{"events":[],"events":null}}`, twice, 0},
		{`{"_embedded":{"events":{},"events":[]}}`, twice, 0},
		{`{"_embedded":{"data":{"events":[],"events":7}}}`, twice, 0},
		{`{"_embedded":{"data":[],"data":[]}}`, twice, 0},
		{`{"_embedded":{"data":{"data":1,"data":2}}}`, twice, 0},
		{`{"_embedded":[],"_embedded":[]}`, twice, 0},
		{`{"a":1,"a":2}`, twice, 0},
		{`[] []`, "text after the outermost value", 0},
		{`[{"type":"text"},]`, "value expected", 0},
		{`[{"type":"text"}`, "unexpected end of text", 0},
		{`[{"type":"text"}}`, "comma or closing bracket expected", 0},
		{`[{"type":"text"} {"type":"text"}]`, "comma or closing bracket expected", 0},
		{`[{"type":"text`, "unexpected end of text", 0},
		{`[{"type":"text\\`, "unexpected end of text", 0},
		{`[x]`, "value expected", 0},
		{`{"_embedded":{"events":[{"type":"text"}],}}`, "member name expected", 0},
		{`{"_embedded":{"events":[{"type":"text"}]}`, "unexpected end of text", 0},
		{`{"_embedded":{"events":[{"type":"text"}]}}}`, "text after the outermost value", 0},
		{`{"_embedded":{"events":[{"type":"text"}],"x":{"y":1,"y":1}}}`, twice, 0},
		{``, "unexpected end of text", 0},
	}
	for _, tt := range tests {
		events, err := nexmo.ParseEvents([]byte(tt.text))
		text := errorText(err)
		if tt.want == none && err != nil || tt.want != none && !strings.HasSuffix(text, tt.want) {
			t.Errorf("ParseEvents(%s): the error is %q, want %q", tt.text, text, tt.want)
		}
		if len(events) != tt.count || (events == nil) != (tt.want != none) {
			t.Errorf("ParseEvents(%s) = %d events (nil: %v), want %d", tt.text, len(events), events == nil, tt.count)
		}
	}
}

// TestRoundTripOfReceivedEvents: parse, marshal and parse again loses nothing.
func TestRoundTripOfReceivedEvents(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, text []byte) {
		t.Helper()
		e := parseText(t, text)
		direct, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(text, direct) {
			t.Errorf("MarshalJSON did not return what was received:\n%s", direct)
		}
		// encoding/json writes the same text without spaces.
		out := marshal(t, e)
		if diff := cmp.Diff(jsonValue(t, text), jsonValue(t, out)); diff != "" {
			t.Errorf("JSON (-received +written):\n%s", diff)
		}
		if diff := cmp.Diff(e, parseText(t, out), sameEvent); diff != "" {
			t.Errorf("event (-first +second):\n%s", diff)
		}
	}
	for name, text := range sampleEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, text)
		})
	}
	for _, name := range filesIn(t, "testdata/malformed") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check(t, readFile(t, name))
		})
	}
}

// TestRoundTripWithoutRaw: the fields alone, written as version 1, say what the
// received text said.
func TestRoundTripWithoutRaw(t *testing.T) {
	t.Parallel()
	for name, text := range sampleEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := parseText(t, text)
			made := *want
			made.Raw = nil
			if diff := cmp.Diff(want, parseText(t, marshal(t, &made)), sameFields); diff != "" {
				t.Errorf("event (-received +written and read):\n%s", diff)
			}
		})
	}
}

// filler fills values with distinct content.
type filler struct{ n int }

func (f *filler) fill(v reflect.Value) {
	f.n++
	text := fmt.Sprintf("value %d", f.n)
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(at("2024-05-17T13:42:10.001Z").Add(time.Duration(f.n) * 1009 * time.Millisecond)))
		return
	case reflect.TypeFor[json.RawMessage]():
		v.SetBytes(fmt.Appendf(nil, `{"n":%d}`, f.n))
		return
	case reflect.TypeFor[nexmo.Bool]():
		v.Set(reflect.ValueOf(nexmo.BoolOf(f.n%2 == 0)))
		return
	case reflect.TypeFor[nexmo.Milliseconds]():
		v.SetInt(int64(f.n) * int64(time.Millisecond))
		return
	case reflect.TypeFor[nexmo.Seconds](), reflect.TypeFor[nexmo.SecondsText]():
		v.SetInt(int64(f.n)*int64(time.Second) + int64(time.Millisecond))
		return
	case reflect.TypeFor[nexmo.MemberState]():
		v.SetString(strings.ToUpper(text))
		return
	case reflect.TypeFor[nexmo.BodyTimestamp]():
		f.fill(v.FieldByName("Sent")) // a deleted event has the other one, and nothing else
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(f.n))
	case reflect.Float64:
		v.SetFloat(float64(f.n) + 0.25)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Struct:
		for _, field := range v.Fields() {
			f.fill(field)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		f.fill(v.Index(0))
		f.fill(v.Index(1))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range 2 {
			value := reflect.New(v.Type().Elem()).Elem()
			f.fill(value)
			v.SetMapIndex(reflect.ValueOf(fmt.Sprintf("name %d", f.n)).Convert(v.Type().Key()), value)
		}
	default:
		panic("no rule to fill a " + v.Type().String())
	}
}

// madeEvent is an event made in Go, of a type, with every field filled.
func madeEvent(t testing.TB, typ nexmo.EventType) *nexmo.Event {
	t.Helper()
	var f filler
	e := &nexmo.Event{Type: typ}
	for name, field := range reflect.ValueOf(e).Elem().Fields() {
		switch name.Name {
		case "Type", "Body", "Raw":
		default:
			f.fill(field)
		}
	}
	e.Body = newBody(t, typ)
	f.fill(reflect.ValueOf(e.Body).Elem())
	return e
}

// TestRoundTripOfMadeEvents: an event made in Go with every field filled, of
// every type, is written in the shape of version 1 and read back the same.
func TestRoundTripOfMadeEvents(t *testing.T) {
	t.Parallel()
	for _, typ := range nexmo.EventTypes() {
		t.Run(string(typ), func(t *testing.T) {
			t.Parallel()
			e := madeEvent(t, typ)
			text := marshal(t, e)
			got := parseText(t, text)
			if diff := cmp.Diff(e, got, sameFields); diff != "" {
				t.Errorf("event (-made +written and read):\n%s", diff)
			}
			if !bytes.Equal(text, got.Raw) {
				t.Errorf("Raw is not what was written: %s", got.Raw)
			}
			var names []string
			for name := range jsonValue(t, text).(map[string]any) {
				names = append(names, name)
			}
			slices.Sort(names)
			if diff := cmp.Diff([]string{
				"_embedded", "application_id", "body", "conversation_id", "from", "id", "params", "state", "timestamp", "to", "type",
			}, names); diff != "" {
				t.Errorf("names of the envelope (-want +got):\n%s", diff)
			}

			// The body alone: no type needs to be given, and nothing else is written.
			bare := marshal(t, &nexmo.Event{Body: e.Body})
			if diff := cmp.Diff(map[string]any{"type": string(typ), "body": jsonValue(t, marshal(t, e.Body))}, jsonValue(t, bare)); diff != "" {
				t.Errorf("an event with nothing but a body (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(e.Body, parseText(t, bare).Body, sameEvent); diff != "" {
				t.Errorf("body (-made +written and read):\n%s", diff)
			}
		})
	}
}

func TestMarshalJSON(t *testing.T) {
	t.Parallel()
	when := time.Date(2024, 5, 17, 15, 42, 10, 318_999_999, time.FixedZone("east", 2*60*60))
	tests := []struct {
		name string
		e    nexmo.Event
		want string
	}{
		{
			name: "all there is",
			e: nexmo.Event{
				ID: 4, Type: nexmo.EventText, ConversationID: "CON-1", ApplicationID: "app", From: "MEM-1", To: "MEM-2",
				Timestamp: when, FromUser: &nexmo.User{ID: "USR-1", Name: "priya"}, FromMember: "MEM-1",
				State:  &nexmo.EventState{SeenBy: nexmo.ReceiptTimes{"MEM-2": at("2024-05-17T13:42:11Z")}},
				Params: raw(`{"a":1}`), Body: aText("a < b"),
			},
			want: `{"application_id":"app","conversation_id":"CON-1","id":4,"type":"text","from":"MEM-1","to":"MEM-2",` +
				`"body":{"text":"a \u003c b"},"state":{"seen_by":{"MEM-2":"2024-05-17T13:42:11Z"}},` +
				`"timestamp":"2024-05-17T13:42:10.318Z",` +
				`"_embedded":{"from_user":{"id":"USR-1","name":"priya"},"from_member":{"id":"MEM-1"}},"params":{"a":1}}`,
		},
		{
			name: "nothing but a type",
			e:    nexmo.Event{Type: "tomorrow"},
			want: `{"type":"tomorrow","body":{}}`,
		},
		{
			name: "nothing but a body",
			e:    nexmo.Event{Body: &nexmo.AudioMuteOn{LegTarget: nexmo.LegTarget{RTCID: "leg"}}},
			want: `{"type":"audio:mute:on","body":{"rtc_id":"leg"}}`,
		},
		{
			name: "numbers as numbers, degrees as text",
			e: nexmo.Event{Body: &nexmo.Message{MessageContent: nexmo.MessageContent{
				Location:     &nexmo.Location{Longitude: 2.25, Latitude: -54.5},
				ViberService: &nexmo.ViberService{TTL: nexmo.Seconds(600 * time.Second)},
			}}},
			want: `{"type":"message","body":{"location":{"longitude":"2.25","latitude":"-54.5"},"viber_service":{"ttl":600}}}`,
		},
		{
			name: "an event that an application defined itself",
			e:    nexmo.Event{ID: 1, Body: &nexmo.Custom{Name: "order", JSON: raw(`{"Paid":true}`)}},
			want: `{"id":1,"type":"custom:order","body":{"Paid":true}}`,
		},
		{
			name: "the same without a body",
			e:    nexmo.Event{Type: "custom:order", Body: &nexmo.Custom{Name: "order"}},
			want: `{"type":"custom:order","body":{}}`,
		},
		{
			name: "a raw body takes the type of the event",
			e:    nexmo.Event{Type: "text", Body: &nexmo.RawBody{Type: "image", JSON: raw(`[1]`), Err: errors.New("odd")}},
			want: `{"type":"text","body":[1]}`,
		},
		{
			name: "a raw body gives its type",
			e:    nexmo.Event{Body: &nexmo.RawBody{Type: "tomorrow", JSON: raw(`{"a":1}`)}},
			want: `{"type":"tomorrow","body":{"a":1}}`,
		},
		{
			name: "raw text comes first",
			e:    nexmo.Event{ID: 9, Type: "image", Body: aText("other"), Raw: raw(`{"type":"text", "new":1}`)},
			want: `{"type":"text","new":1}`,
		},
		{
			name: "an ephemeral body",
			e:    nexmo.Event{Body: &nexmo.Ephemeral{JSON: raw(`{"x":[1]}`)}},
			want: `{"type":"ephemeral","body":{"x":[1]}}`,
		},
		{
			name: "only a member who acted",
			e:    nexmo.Event{FromMember: "MEM-1", Body: &nexmo.AudioRingingStart{}},
			want: `{"type":"audio:ringing:start","body":{},"_embedded":{"from_member":{"id":"MEM-1"}}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, string(marshal(t, &tt.e))); diff != "" {
				t.Errorf("json.Marshal (-want +got):\n%s", diff)
			}
		})
	}
}

// TestUnmarshalJSON: encoding/json reads events as ParseEvent does, and refuses what
// it refuses.
func TestUnmarshalJSON(t *testing.T) {
	t.Parallel()
	var job struct{ Event *nexmo.Event }
	text := readFile(t, "testdata/events/member-joined.json")
	if err := json.Unmarshal(fmt.Appendf(nil, `{"event":%s}`, text), &job); err != nil {
		t.Fatal(err)
	}
	want := parseText(t, bytes.TrimSpace(text))
	if diff := cmp.Diff(want, job.Event, identical); diff != "" {
		t.Errorf("(-ParseEvent +json.Unmarshal):\n%s", diff)
	}
	if err := json.Unmarshal([]byte(`{"id":1}`), job.Event); !errors.As(err, new(*nexmo.DecodeError)) {
		t.Errorf("an event without a type: %v, want a *DecodeError", err)
	}
	if diff := cmp.Diff(want, job.Event, identical); diff != "" {
		t.Errorf("what was refused changed the event:\n%s", diff)
	}
}

func TestMarshalJSONRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    nexmo.Event
		want string
	}{
		{"neither type nor body", nexmo.Event{ID: 1}, "nexmo: event: to write an event it must have a Type or a Body"},
		{"a body of another type", nexmo.Event{Type: "image", Body: aText("SECRET")}, `nexmo: event of type "image": its body is of type "text": give both the same`},
		{"an own body of another type", nexmo.Event{Type: "custom:a", Body: &nexmo.Custom{Name: "b"}}, `nexmo: event of type "custom:a": its body is of type "custom:b": give both the same`},
		{"a raw body without a type", nexmo.Event{Body: &nexmo.RawBody{JSON: raw(`{}`)}}, "nexmo: event: to write an event it must have a Type or a Body"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := tt.e.MarshalJSON()
			if _, ok := errors.AsType[*nexmo.DecodeError](err); !ok || err.Error() != tt.want {
				t.Errorf("the error is %v (%T), want %s", err, err, tt.want)
			}
			if text, err := json.Marshal(&tt.e); err == nil {
				t.Errorf("json.Marshal wrote %s", text)
			}
		})
	}
}

func TestMemberID(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{
			"body.member_id comes first",
			`{"type":"member:joined","from":"MEM-3","_embedded":{"from_member":{"id":"MEM-4"}},"body":{"member_id":"MEM-1","user":{"member_id":"MEM-2"},"id":"MEM-5"}}`,
			"MEM-1",
		},
		{
			"then body.user.member_id",
			`{"type":"member:invited","from":"MEM-3","body":{"user":{"member_id":"MEM-2"}}}`,
			"MEM-2",
		},
		{
			"then from",
			`{"type":"member:left","from":"MEM-3","_embedded":{"from_member":{"id":"MEM-4"}},"body":{"user":{"id":"USR-1"}}}`,
			"MEM-3",
		},
		{
			"then from_member",
			`{"type":"member:joined","from":null,"_embedded":{"from_member":{"id":"MEM-4"}},"body":{}}`,
			"MEM-4",
		},
		{
			"the member itself as the body",
			`{"type":"member:invited","from":"MEM-3","body":{"id":"MEM-5","user_id":"USR-1","state":"INVITED"}}`,
			"MEM-5",
		},
		{"nobody", `{"type":"member:joined","body":{}}`, ""},
		{"who acted, for other types", `{"type":"text","from":"MEM-3","body":{"member_id":"MEM-1"}}`, "MEM-3"},
		{"who acted, without from", `{"type":"text","_embedded":{"from_member":{"id":"MEM-4"}}}`, "MEM-4"},
		{"the knocker", `{"type":"app:knocking","from":"knocker:1","body":{"user":{"id":"USR-1"}}}`, "knocker:1"},
		{"the member of an offer", `{"type":"rtc:offer","body":{"member_id":"MEM-1"}}`, "MEM-1"},
		{"the member of a leg that is closed", `{"type":"rtc:terminate","from":"MEM-3","body":{"member_id":"MEM-1"}}`, "MEM-1"},
		{"a leg that is closed, without its member", `{"type":"rtc:terminate","from":"MEM-3","body":{}}`, "MEM-3"},
		{"a malformed body", `{"type":"member:joined","from":"MEM-3","body":{"member_id":7}}`, "MEM-3"},
		{"an unknown type", `{"type":"member:promoted","from":"MEM-3","body":{"member_id":"MEM-1"}}`, "MEM-3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := parseText(t, tt.text).MemberID(); got != tt.want {
				t.Errorf("MemberID() = %q, want %q", got, tt.want)
			}
		})
	}
	made := nexmo.Event{From: "MEM-3", Body: &nexmo.MemberJoined{Membership: nexmo.Membership{MemberID: "MEM-1"}}}
	if got := made.MemberID(); got != "MEM-1" {
		t.Errorf("MemberID() of an event made in Go = %q, want MEM-1", got)
	}
	if got := (&nexmo.Event{From: "MEM-3"}).MemberID(); got != "MEM-3" {
		t.Errorf("MemberID() of an event without a body = %q, want MEM-3", got)
	}
}

func TestAs(t *testing.T) {
	t.Parallel()
	text := parseText(t, `{"type":"text","body":{"text":"hello"}}`)
	if b, ok := nexmo.As[*nexmo.Text](text); !ok || b.Text != "hello" || b != text.Body {
		t.Errorf("As[*Text] of a text = %+v, %v", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.Image](text); ok || b != nil {
		t.Errorf("As[*Image] of a text = %+v, %v, want nothing", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.RawBody](text); ok || b != nil {
		t.Errorf("As[*RawBody] of a text = %+v, %v, want nothing", b, ok)
	}
	if b, ok := nexmo.As[nexmo.Body](text); !ok || b != text.Body {
		t.Errorf("As[Body] of a text = %+v, %v", b, ok)
	}
	own := parseText(t, `{"type":"custom:order","body":{"n":1}}`)
	if b, ok := nexmo.As[*nexmo.Custom](own); !ok || b.Name != "order" || string(b.JSON) != `{"n":1}` {
		t.Errorf("As[*Custom] of custom:order = %+v, %v", b, ok)
	}
	malformed := parseText(t, `{"type":"text","body":{"text":7}}`)
	if b, ok := nexmo.As[*nexmo.Text](malformed); ok || b != nil {
		t.Errorf("As[*Text] of a malformed text = %+v, %v, want nothing", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.RawBody](malformed); !ok || b.Err == nil {
		t.Errorf("As[*RawBody] of a malformed text = %+v, %v", b, ok)
	}
	if b, ok := nexmo.As[*nexmo.Text](&nexmo.Event{Type: "text"}); ok || b != nil {
		t.Errorf("As[*Text] of an event without a body = %+v, %v, want nothing", b, ok)
	}
}

func TestDeleted(t *testing.T) {
	t.Parallel()
	const when = "2024-05-17T13:51:00.094Z"
	deleted := `{"timestamp":{"deleted":"` + when + `"}}`
	// Every type can be deleted: its body is replaced.
	types := append(nexmo.EventTypes(), "custom:order", "tomorrow")
	for _, typ := range types {
		for name, text := range map[string]string{
			"an event": fmt.Sprintf(`{"id":4,"type":%q,"body":%s}`, typ, deleted),
			"a packet": fmt.Sprintf(`[%q,{"id":4,"body":%s}]`, typ, deleted),
			"a push":   fmt.Sprintf(`{"nexmo":{"id":4,"event_type":%q,"body":%s}}`, typ, deleted),
		} {
			e := parseText(t, text)
			got, ok := e.Deleted()
			if !ok || !got.Equal(at(when)) || e.ID != 4 || e.Type != typ {
				t.Errorf("%s, %s: Deleted() = %v, %v, want %s", typ, name, got, ok, when)
			}
		}
		live := parseText(t, fmt.Sprintf(`{"id":4,"type":%q,"body":{}}`, typ))
		if got, ok := live.Deleted(); ok || !got.IsZero() {
			t.Errorf("%s: Deleted() of an empty body = %v, %v", typ, got, ok)
		}
	}

	tests := []struct {
		name string
		e    *nexmo.Event
		want string
	}{
		{"a message with the time of sending", parseText(t, `{"type":"message","body":{"text":"x","timestamp":"`+when+`"}}`), ""},
		{"a body that is about more", parseText(t, `{"type":"custom:order","body":{"timestamp":{"deleted":"`+when+`"},"order":1}}`), ""},
		{"the word elsewhere", parseText(t, `{"type":"custom:order","deleted":{"timestamp":{"deleted":"`+when+`"}},"body":{"deleted":true}}`), ""},
		{"a name of another case", parseText(t, `{"type":"custom:order","Body":`+deleted+`,"body":{}}`), ""},
		{"no time", parseText(t, `{"type":"image","body":{"timestamp":{"deleted":"soon"}}}`), ""},
		{"no object", parseText(t, `{"type":"image","body":{"timestamp":["deleted"]}}`), ""},
		{"no body", parseText(t, `{"type":"custom:deleted","note":"deleted"}`), ""},
		{"the body of a conversation that is gone", parseText(t, `{"type":"conversation:deleted","body":{"id":"CON-1","timestamp":{"destroyed":"`+when+`"}}}`), ""},
		{"a text made in Go", &nexmo.Event{Body: &nexmo.Text{Timestamp: nexmo.BodyTimestamp{Deleted: at(when)}}}, when},
		{"a text with spaces in it", parseText(t, "{ \"type\" : \"image:seen\",\n\"body\" : { \"timestamp\" : { \"deleted\" : \""+when+"\" } } }"), when},
		{"an event without a body", &nexmo.Event{Type: "text"}, ""},
	}
	for _, tt := range tests {
		got, ok := tt.e.Deleted()
		if ok != (tt.want != "") || ok && !got.Equal(at(tt.want)) || !ok && !got.IsZero() {
			t.Errorf("%s: Deleted() = %v, %v, want %q", tt.name, got, ok, tt.want)
		}
	}
}

// memory is where the bytes of a slice or a string are.
func memory[T byte](p *T, n int) [2]uintptr {
	start := uintptr(unsafe.Pointer(p))
	return [2]uintptr{start, start + uintptr(n)}
}

// eventMemory is where everything is that an event refers to.
func eventMemory(e *nexmo.Event) [][2]uintptr {
	var list [][2]uintptr
	var visit func(v reflect.Value)
	visit = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.String:
			if s := v.String(); s != "" {
				list = append(list, memory(unsafe.StringData(s), len(s)))
			}
		case reflect.Pointer, reflect.Interface:
			if !v.IsNil() {
				visit(v.Elem())
			}
		case reflect.Slice:
			if v.Type().Elem().Kind() == reflect.Uint8 {
				if b := v.Bytes(); cap(b) > 0 {
					list = append(list, memory(unsafe.SliceData(b), cap(b)))
				}
				return
			}
			for i := range v.Len() {
				visit(v.Index(i))
			}
		case reflect.Map:
			for key, value := range v.Seq2() {
				visit(key)
				visit(value)
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[time.Time]() {
				return
			}
			for _, field := range v.Fields() {
				visit(field)
			}
		}
	}
	visit(reflect.ValueOf(e))
	return list
}

func overlaps(a, b [][2]uintptr) bool {
	for _, x := range a {
		for _, y := range b {
			if x[0] < y[1] && y[0] < x[1] {
				return true
			}
		}
	}
	return false
}

// TestParseEventKeepsNothingOfData: data may be used again for something else.
func TestParseEventKeepsNothingOfData(t *testing.T) {
	t.Parallel()
	for name, text := range sampleEvents(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := bytes.Clone(text)
			e := parseText(t, data)
			if overlaps(eventMemory(e), [][2]uintptr{memory(unsafe.SliceData(data), cap(data))}) {
				t.Error("the event refers to memory of data")
			}
			for i := range data {
				data[i] = 'x'
			}
			if diff := cmp.Diff(parseText(t, text), e, identical); diff != "" {
				t.Errorf("the event changed with data (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWhereTheTypeStands: an event is the same whether its type comes before the body,
// which is then read as it comes, or behind it, and by either name of the type.
func TestWhereTheTypeStands(t *testing.T) {
	t.Parallel()
	names := slices.Concat(filesIn(t, "testdata/events"), filesIn(t, "testdata/envelopes"), filesIn(t, "testdata/malformed"))
	compared := 0
	for _, name := range names {
		var members map[string]json.RawMessage
		if json.Unmarshal(readFile(t, name), &members) != nil || members["type"] == nil || members["event_type"] != nil {
			continue // a packet, or a push notification
		}
		typ := members["type"]
		delete(members, "type")
		rest := string(marshal(t, members))[1:]
		rest = rest[:len(rest)-1]
		first := parseText(t, fmt.Sprintf(`{"type":%s,%s}`, typ, rest))
		for where, text := range map[string]string{
			"last":                fmt.Sprintf(`{%s,"type":%s}`, rest, typ),
			"event_type":          fmt.Sprintf(`{"event_type":%s,%s}`, typ, rest),
			"event_type, last":    fmt.Sprintf(`{%s,"event_type":%s}`, rest, typ),
			"a packet":            fmt.Sprintf(`[%s,{%s}]`, typ, rest),
			"a push":              fmt.Sprintf(`{"nexmo":{"type":%s,%s}}`, typ, rest),
			"behind another body": fmt.Sprintf(`{"body":{"user":7},"nexmo":{"type":%s,%s}}`, typ, rest),
		} {
			if diff := cmp.Diff(first, parseText(t, text), sameFields); diff != "" {
				t.Errorf("%s, %s (-first +got):\n%s", name, where, diff)
			}
		}
		compared++
	}
	if compared < 100 {
		t.Errorf("only %d events were compared", compared)
	}
}

// TestEventsOfAPageShareNoMemory: an event that is kept does not keep the page,
// nor the other events of it.
func TestEventsOfAPageShareNoMemory(t *testing.T) {
	t.Parallel()
	page := readFile(t, "testdata/history.json")
	events, err := nexmo.ParseEvents(page)
	if err != nil {
		t.Fatal(err)
	}
	all := make([][][2]uintptr, len(events))
	for i, e := range events {
		all[i] = eventMemory(e)
		if overlaps(all[i], [][2]uintptr{memory(unsafe.SliceData(page), cap(page))}) {
			t.Errorf("event %d refers to memory of the page", e.ID)
		}
		// The runtime rounds up by at most an eighth.
		if most := len(e.Raw) + len(e.Raw)/8 + 16; cap(e.Raw) > most {
			t.Errorf("event %d: Raw has a capacity of %d for %d bytes", e.ID, cap(e.Raw), len(e.Raw))
		}
		if b, ok := e.Body.(*nexmo.Custom); ok && cap(b.JSON) != len(b.JSON) {
			t.Errorf("event %d: append to Custom.JSON would write into Raw", e.ID)
		}
		for j := range i {
			if overlaps(all[i], all[j]) {
				t.Errorf("events %d and %d share memory", e.ID, events[j].ID)
			}
		}
	}
}

// TestParsedEventsAreCollected: neither the page nor an event that was let go is
// kept by another event or by the package.
func TestParsedEventsAreCollected(t *testing.T) {
	t.Parallel()
	kept, page, events, texts := parseAndLetGo(t)
	runtime.GC()
	if page.Value() != nil {
		t.Error("the page is still in memory")
	}
	for i := range events {
		if events[i].Value() != nil || texts[i].Value() != nil {
			t.Errorf("event %d of the others is still in memory", i)
		}
	}
	if kept.ID != 5 || kept.Type != "text" || !json.Valid(kept.Raw) {
		t.Errorf("the event that was kept is now %+v", kept)
	}
}

// parseAndLetGo parses a page and returns one event of it, and where the page,
// the other events and their texts were.
func parseAndLetGo(t *testing.T) (kept *nexmo.Event, page weak.Pointer[byte], events []weak.Pointer[nexmo.Event], texts []weak.Pointer[byte]) {
	t.Helper()
	data := readFile(t, "testdata/history.json")
	all, err := nexmo.ParseEvents(data)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range all {
		if i == 4 {
			kept = e
			continue
		}
		events = append(events, weak.Make(e))
		texts = append(texts, weak.Make(unsafe.SliceData(e.Raw)))
	}
	return kept, weak.Make(unsafe.SliceData(data)), events, texts
}

// scalarTest is how one of the scalar types is read and written.
type scalarTest[T any] struct {
	event string // the text of an event with a field of the type in place of %s
	field func(b nexmo.Body) T
	path  string
	read  []scalarForm[T]
	no    []string
}

type scalarForm[T any] struct {
	text  string
	value T
	out   string // as it is written
}

func (st scalarTest[T]) run(t *testing.T) {
	t.Helper()
	for _, tt := range st.read {
		var got T
		if err := json.Unmarshal([]byte(tt.text), &got); err != nil {
			t.Errorf("json.Unmarshal(%s): %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.value, got, sameEvent); diff != "" {
			t.Errorf("json.Unmarshal(%s) (-want +got):\n%s", tt.text, diff)
		}
		out := marshal(t, got)
		if string(out) != tt.out {
			t.Errorf("%s is written as %s, want %s", tt.text, out, tt.out)
		}
		var again T
		if err := json.Unmarshal(out, &again); err != nil {
			t.Errorf("json.Unmarshal(%s), which was written for %s: %v", out, tt.text, err)
		} else if diff := cmp.Diff(got, again, sameEvent); diff != "" {
			t.Errorf("%s, written and read again (-first +second):\n%s", tt.text, diff)
		}

		e := parseText(t, fmt.Sprintf(st.event, tt.text))
		if b, ok := e.Body.(*nexmo.RawBody); ok {
			t.Errorf("%s within an event: %v", tt.text, b.Err)
		} else if diff := cmp.Diff(tt.value, st.field(e.Body), sameEvent); diff != "" {
			t.Errorf("%s within an event (-want +got):\n%s", tt.text, diff)
		}
	}

	for _, text := range st.no {
		got := st.read[0].value
		err := json.Unmarshal([]byte(text), &got)
		if err == nil {
			t.Errorf("json.Unmarshal(%s) = %v, want an error", text, got)
		} else if strings.Contains(err.Error(), "SECRET") {
			t.Errorf("the error holds content: %v", err)
		}
		e := parseText(t, fmt.Sprintf(st.event, text))
		b, ok := e.Body.(*nexmo.RawBody)
		switch {
		case !ok:
			t.Errorf("%s within an event was read as %v, want an error", text, st.field(e.Body))
		case !strings.HasPrefix(b.Err.Error(), st.path) || strings.Contains(b.Err.Error(), "SECRET"):
			t.Errorf("%s within an event: Err = %q, want it to name %s and no content", text, b.Err, st.path)
		}
	}

	// null stands for nothing: by convention it leaves a scalar as it was.
	var zero T
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Slice, reflect.Map:
	default:
		got := st.read[0].value
		if err := json.Unmarshal([]byte("null"), &got); err != nil {
			t.Errorf("json.Unmarshal(null): %v", err)
		} else if diff := cmp.Diff(st.read[0].value, got, sameEvent); diff != "" {
			t.Errorf("null changed the value (-before +after):\n%s", diff)
		}
	}
	e := parseText(t, fmt.Sprintf(st.event, "null"))
	if b, ok := e.Body.(*nexmo.RawBody); ok {
		t.Errorf("null within an event: %v", b.Err)
	} else if diff := cmp.Diff(zero, st.field(e.Body), sameEvent); diff != "" {
		t.Errorf("null within an event (-want +got):\n%s", diff)
	}
}

func TestScalars(t *testing.T) {
	t.Parallel()
	t.Run("Bool", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Bool]{
			event: `{"type":"audio:play","body":{"queue":%s}}`,
			field: func(b nexmo.Body) nexmo.Bool { return b.(*nexmo.AudioPlay).Queue },
			path:  "body.queue: ",
			read: []scalarForm[nexmo.Bool]{
				{`true`, nexmo.True, `true`},
				{`false`, nexmo.False, `false`},
				{`"true"`, nexmo.True, `true`},
				{`"false"`, nexmo.False, `false`},
				{`1`, nexmo.True, `true`},
				{`0`, nexmo.False, `false`},
			},
			no: []string{`"SECRET"`, `2`, `-1`, `1.0`, `"1"`, `"True"`, `""`, `[]`, `{}`, `[true]`},
		}.run(t)
	})
	t.Run("Milliseconds", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Milliseconds]{
			event: `{"type":"audio:dtmf","body":{"duration":%s}}`,
			field: func(b nexmo.Body) nexmo.Milliseconds { return b.(*nexmo.AudioDTMF).Duration },
			path:  "body.duration: ",
			read: []scalarForm[nexmo.Milliseconds]{
				{`90`, nexmo.Milliseconds(90 * time.Millisecond), `90`},
				{`"90"`, nexmo.Milliseconds(90 * time.Millisecond), `90`},
				{`7200000`, nexmo.Milliseconds(2 * time.Hour), `7200000`},
				{`1e3`, nexmo.Milliseconds(time.Second), `1000`},
				{`0`, 0, `0`},
				{`""`, 0, `0`},
				{`-5`, nexmo.Milliseconds(-5 * time.Millisecond), `-5`},
			},
			no: []string{`"SECRET"`, `true`, `{}`, `[]`, `1e30`, `-1e30`, `"NaN"`, `"Inf"`, `"5s"`, `" 5"`},
		}.run(t)
	})
	t.Run("Seconds", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Seconds]{
			event: `{"type":"message","body":{"viber_service":{"ttl":%s}}}`,
			field: func(b nexmo.Body) nexmo.Seconds { return viber(b).TTL },
			path:  "body.viber_service.ttl: ",
			read: []scalarForm[nexmo.Seconds]{
				{`600`, nexmo.Seconds(10 * time.Minute), `600`},
				{`"600"`, nexmo.Seconds(10 * time.Minute), `600`},
				{`0.5`, nexmo.Seconds(500 * time.Millisecond), `0.5`},
				{`1.001`, nexmo.Seconds(1001 * time.Millisecond), `1.001`},
				{`"4.035"`, nexmo.Seconds(4035 * time.Millisecond), `4.035`},
				{`0.000000001`, nexmo.Seconds(1), `0.000000001`},
				{`-1.001`, nexmo.Seconds(-1001 * time.Millisecond), `-1.001`},
				{`0`, 0, `0`},
				{`""`, 0, `0`},
			},
			no: []string{`"SECRET"`, `true`, `{}`, `[]`, `1e12`, `1e999`, `"1e999"`, `"Infinity"`, `"nan"`, `"1m"`},
		}.run(t)
	})
	t.Run("SecondsText", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.SecondsText]{
			event: `{"type":"sip:status","body":{"duration":%s}}`,
			field: func(b nexmo.Body) nexmo.SecondsText { return b.(*nexmo.SIPStatus).Duration },
			path:  "body.duration: ",
			read: []scalarForm[nexmo.SecondsText]{
				{`"31"`, nexmo.SecondsText(31 * time.Second), `"31"`},
				{`31`, nexmo.SecondsText(31 * time.Second), `"31"`},
				{`"1.001"`, nexmo.SecondsText(1001 * time.Millisecond), `"1.001"`},
				{`"0"`, 0, `"0"`},
				{`""`, 0, `"0"`},
			},
			no: []string{`"SECRET"`, `false`, `{}`, `["31"]`, `"31s"`, `1e12`},
		}.run(t)
	})
	t.Run("Degrees", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Degrees]{
			event: `{"type":"message","body":{"location":{"longitude":%s}}}`,
			field: func(b nexmo.Body) nexmo.Degrees { return b.(*nexmo.Message).Location.Longitude },
			path:  "body.location.longitude: ",
			read: []scalarForm[nexmo.Degrees]{
				{`"2.2500"`, 2.25, `"2.25"`},
				{`2.25`, 2.25, `"2.25"`},
				{`-180`, -180, `"-180"`},
				{`"0.1"`, 0.1, `"0.1"`},
				{`1e-7`, 1e-7, `"0.0000001"`},
				{`""`, 0, `"0"`},
			},
			no: []string{`"SECRET"`, `true`, `{}`, `[2.25]`, `"NaN"`, `"-Inf"`, `1e999`, `"2,25"`},
		}.run(t)
	})
	t.Run("StringList", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.StringList]{
			event: `{"type":"audio:play","body":{"stream_url":%s}}`,
			field: func(b nexmo.Body) nexmo.StringList { return b.(*nexmo.AudioPlay).StreamURL },
			path:  "body.stream_url",
			read: []scalarForm[nexmo.StringList]{
				{`["a","b"]`, nexmo.StringList{"a", "b"}, `["a","b"]`},
				{`"a"`, nexmo.StringList{"a"}, `["a"]`},
				{`[]`, nexmo.StringList{}, `[]`},
				{`""`, nexmo.StringList{""}, `[""]`},
				{`["a",null]`, nexmo.StringList{"a", ""}, `["a",""]`},
				{`null`, nil, `null`},
			},
			no: []string{`7`, `true`, `{"SECRET":1}`, `["a",7]`, `[["SECRET"]]`},
		}.run(t)
	})
	t.Run("Headers", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Headers]{
			event: `{"type":"sip:ringing","body":{"channel":{"headers":%s}}}`,
			field: func(b nexmo.Body) nexmo.Headers {
				if c := b.(*nexmo.SIPRinging).Channel; c != nil {
					return c.Headers
				}
				return nil
			},
			path: "body.channel.headers: ",
			read: []scalarForm[nexmo.Headers]{
				{`{"X-Caller":"returning"}`, nexmo.Headers{"X-Caller": "returning"}, `{"X-Caller":"returning"}`},
				{`{"a":1,"b":[true, null],"c":null}`, nexmo.Headers{"a": "1", "b": "[true, null]", "c": ""}, `{"a":"1","b":"[true, null]","c":""}`},
				{`{"":"no name","d":{"e":1.0}}`, nexmo.Headers{"": "no name", "d": `{"e":1.0}`}, `{"":"no name","d":"{\"e\":1.0}"}`},
				{`{}`, nil, `null`},
				{`null`, nil, `null`},
			},
			no: []string{`"SECRET"`, `7`, `["SECRET"]`, `true`},
		}.run(t)
	})
	t.Run("Legs", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Legs]{
			event: `{"type":"sip:ringing","body":{"channel":{"legs":%s}}}`,
			field: func(b nexmo.Body) nexmo.Legs { return b.(*nexmo.SIPRinging).Channel.Legs },
			path:  "body.channel.legs",
			read: []scalarForm[nexmo.Legs]{
				{`[{"leg_id":"1","status":"ringing"},{"leg_id":"2"}]`, nexmo.Legs{{ID: "1", Status: nexmo.LegStatusRinging}, {ID: "2"}}, `[{"leg_id":"1","status":"ringing"},{"leg_id":"2"}]`},
				{`{"leg_id":"1","status":"of its own"}`, nexmo.Legs{{ID: "1", Status: "of its own"}}, `[{"leg_id":"1","status":"of its own"}]`},
				{`{"leg_id":null,"status":"started"}`, nexmo.Legs{{Status: nexmo.LegStatusStarted}}, `[{"status":"started"}]`},
				{`[]`, nexmo.Legs{}, `[]`},
				{`[null]`, nexmo.Legs{{}}, `[{}]`},
				{`{}`, nil, `null`},
				{`null`, nil, `null`},
			},
			no: []string{`"SECRET"`, `7`, `["SECRET"]`, `[{"leg_id":7}]`, `{"status":[]}`, `[[]]`},
		}.run(t)
	})
	t.Run("Media", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Media]{
			event: `{"type":"member:media","body":{"media":%s}}`,
			field: func(b nexmo.Body) nexmo.Media { return b.(*nexmo.MemberMedia).Media },
			path:  "body.media",
			read: []scalarForm[nexmo.Media]{
				{
					`{"audio":true,"audio_settings":{"enabled":true,"earmuffed":false,"muted":"true"}}`,
					nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Enabled: nexmo.True, Earmuffed: nexmo.False, Muted: nexmo.True}},
					`{"audio":true,"audio_settings":{"enabled":true,"earmuffed":false,"muted":true}}`,
				},
				{
					`{"audio":{"enabled":true,"earmuffed":false,"muted":true}}`, // the older generation
					mutedMedia,
					`{"audio":true,"audio_settings":{"enabled":true,"earmuffed":false,"muted":true}}`,
				},
				{
					`{"audio_settings":{"muted":false},"audio":{"enabled":true,"muted":true}}`, // both: the newer counts
					nexmo.Media{Audio: nexmo.True, AudioSettings: nexmo.AudioSettings{Muted: nexmo.False}},
					`{"audio":true,"audio_settings":{"muted":false}}`,
				},
				{`{"audio":false}`, nexmo.Media{Audio: nexmo.False}, `{"audio":false}`},
				{`{"audio":1,"video":{"any":1}}`, nexmo.Media{Audio: nexmo.True}, `{"audio":true}`},
				{`{"audio":{}}`, nexmo.Media{}, `{}`},
				{`{"audio":null,"audio_settings":null}`, nexmo.Media{}, `{}`},
				{`{}`, nexmo.Media{}, `{}`},
			},
			no: []string{`"SECRET"`, `true`, `[]`, `{"audio":"SECRET"}`, `{"audio":[]}`, `{"audio":{"enabled":"SECRET"}}`, `{"audio_settings":7}`},
		}.run(t)
	})
	t.Run("BodyTimestamp", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.BodyTimestamp]{
			event: `{"type":"message","body":{"timestamp":%s}}`,
			field: func(b nexmo.Body) nexmo.BodyTimestamp { return b.(*nexmo.Message).Timestamp },
			path:  "body.timestamp",
			read: []scalarForm[nexmo.BodyTimestamp]{
				{`"2024-05-17T13:41:13.874Z"`, nexmo.BodyTimestamp{Sent: at("2024-05-17T13:41:13.874Z")}, `"2024-05-17T13:41:13.874Z"`},
				{`"2024-05-17T15:41:13+02:00"`, nexmo.BodyTimestamp{Sent: at("2024-05-17T13:41:13Z")}, `"2024-05-17T13:41:13Z"`},
				{`{"deleted":"2024-05-17T13:41:13.874Z"}`, nexmo.BodyTimestamp{Deleted: at("2024-05-17T13:41:13.874Z")}, `{"deleted":"2024-05-17T13:41:13.874Z"}`},
			},
			no: []string{`"SECRET"`, `7`, `[]`, `true`, `{"deleted":"SECRET"}`, `{"deleted":7}`, `"2024-13-45T99:00:00Z"`, `"2024-05-17"`},
		}.run(t)
	})
	t.Run("EventID", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.EventID]{
			event: `{"type":"text:seen","body":{"event_id":%s}}`,
			field: func(b nexmo.Body) nexmo.EventID { return b.(*nexmo.TextSeen).EventID },
			path:  "body.event_id: ",
			read: []scalarForm[nexmo.EventID]{
				{`4`, 4, `4`},
				{`"4"`, 4, `4`},
				{`0`, 0, `0`},
				{`"0"`, 0, `0`},
				{`9223372036854775807`, 1<<63 - 1, `9223372036854775807`},
				{`"9223372036854775807"`, 1<<63 - 1, `9223372036854775807`},
				{`9007199254740993`, 1<<53 + 1, `9007199254740993`}, // not through a float
			},
			no: []string{`"SECRET"`, `-4`, `-0`, `"-4"`, `4.5`, `"4.5"`, `9223372036854775808`, `"9223372036854775808"`, `true`, `[]`, `{}`, `"0x10"`, `" 4"`, `"+4"`},
		}.run(t)
	})
	t.Run("SIPCode", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.SIPCode]{
			event: `{"type":"sip:hangup","body":{"reason":{"sip_code":%s}}}`,
			field: func(b nexmo.Body) nexmo.SIPCode { return b.(*nexmo.SIPHangup).Reason.SIPCode },
			path:  "body.reason.sip_code: ",
			read: []scalarForm[nexmo.SIPCode]{
				{`486`, 486, `486`},
				{`"486"`, 486, `486`},
				{`""`, 0, `0`},
				{`0`, 0, `0`},
				{`"declined"`, 0, `0`},
				{`"486.5"`, 0, `0`},
				{`"99999999999999999999"`, 0, `0`},
			},
			no: []string{`486.5`, `true`, `[]`, `{}`, `1e30`},
		}.run(t)
	})
	t.Run("TransactionID", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.TransactionID]{
			event: `{"type":"text","body":{"tid":%s}}`,
			field: func(b nexmo.Body) nexmo.TransactionID { return b.(*nexmo.Text).TID },
			path:  "body.tid: ",
			read: []scalarForm[nexmo.TransactionID]{
				{`"30addd53"`, "30addd53", `"30addd53"`},
				{`12`, "12", `"12"`},
				{`1.50`, "1.50", `"1.50"`},
				{`123456789012345678901234567890`, "123456789012345678901234567890", `"123456789012345678901234567890"`},
				{`""`, "", `""`},
			},
			no: []string{`true`, `[]`, `{"SECRET":1}`},
		}.run(t)
	})
	t.Run("Representations", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.Representations]{
			event: `{"type":"image","body":{"representations":%s}}`,
			field: func(b nexmo.Body) nexmo.Representations { return b.(*nexmo.Image).Representations },
			path:  "body.representations",
			read: []scalarForm[nexmo.Representations]{
				{
					`{"id":"1","original":{"id":"2","url":"u","type":"ORIGINAL","size":3}}`,
					nexmo.Representations{ID: "1", Original: &nexmo.Rendition{ID: "2", URL: "u", Type: "ORIGINAL", Size: 3}},
					`{"id":"1","original":{"id":"2","url":"u","type":"ORIGINAL","size":3}}`,
				},
				{`{"thumbnail":{}}`, nexmo.Representations{Thumbnail: &nexmo.Rendition{}}, `{"thumbnail":{}}`},
				{`{"medium":null}`, nexmo.Representations{}, `{}`},
				{`""`, nexmo.Representations{}, `{}`},
				{`{}`, nexmo.Representations{}, `{}`},
			},
			no: []string{`"SECRET"`, `" "`, `7`, `[]`, `true`, `{"original":"SECRET"}`, `{"original":{"size":"SECRET"}}`},
		}.run(t)
	})
	t.Run("MemberState", func(t *testing.T) {
		t.Parallel()
		scalarTest[nexmo.MemberState]{
			event: `{"type":"member:invited","body":{"state":%s}}`,
			field: func(b nexmo.Body) nexmo.MemberState { return b.(*nexmo.MemberInvited).State },
			path:  "body.state: ",
			read: []scalarForm[nexmo.MemberState]{
				{`"JOINED"`, nexmo.MemberStateJoined, `"JOINED"`},
				{`"joined"`, nexmo.MemberStateJoined, `"JOINED"`},
				{`"Left"`, nexmo.MemberStateLeft, `"LEFT"`},
				{`"invited"`, nexmo.MemberStateInvited, `"INVITED"`},
				{`"waiting"`, "WAITING", `"WAITING"`},
				{`""`, "", `""`},
			},
			no: []string{`7`, `true`, `[]`, `{"SECRET":1}`},
		}.run(t)
	})
}

func viber(b nexmo.Body) nexmo.ViberService {
	if v := b.(*nexmo.Message).ViberService; v != nil {
		return *v
	}
	return nexmo.ViberService{}
}

// TestScalarsRefuseBrokenText: called without encoding/json in front, they do
// not take text that is not JSON, or more than one value.
func TestScalarsRefuseBrokenText(t *testing.T) {
	t.Parallel()
	for name, v := range map[string]json.Unmarshaler{
		"Bool": new(nexmo.Bool), "Milliseconds": new(nexmo.Milliseconds), "Seconds": new(nexmo.Seconds),
		"SecondsText": new(nexmo.SecondsText), "Degrees": new(nexmo.Degrees), "StringList": new(nexmo.StringList),
		"Headers": new(nexmo.Headers), "Legs": new(nexmo.Legs), "Media": new(nexmo.Media),
		"BodyTimestamp": new(nexmo.BodyTimestamp), "EventID": new(nexmo.EventID), "SIPCode": new(nexmo.SIPCode),
		"TransactionID": new(nexmo.TransactionID), "Representations": new(nexmo.Representations),
	} {
		for _, text := range []string{``, ` `, `nul`, `"`, `{"a"`, `[1`, `-`, `null null`, `{"a":1,"a":2}`, `[1,]`, "\"\xff\""} {
			if err := v.UnmarshalJSON([]byte(text)); err == nil {
				t.Errorf("%s read %q", name, text)
			}
		}
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		b    nexmo.Bool
		set  bool
		text string
		json string
	}{
		{nexmo.Unset, false, "unset", "null"},
		{nexmo.False, true, "false", "false"},
		{nexmo.True, true, "true", "true"},
		{nexmo.BoolOf(true), true, "true", "true"},
		{nexmo.BoolOf(false), true, "false", "false"},
	} {
		if tt.b.IsSet() != tt.set || tt.b.String() != tt.text || string(marshal(t, tt.b)) != tt.json {
			t.Errorf("Bool %d: IsSet %v, String %q, JSON %s", tt.b, tt.b.IsSet(), tt.b, marshal(t, tt.b))
		}
	}
	// What was not set is not written.
	if got := string(marshal(t, nexmo.AudioSettings{Muted: nexmo.False})); got != `{"muted":false}` {
		t.Errorf("AudioSettings with Muted alone is written as %s", got)
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	const d = 90 * time.Second
	for name, got := range map[string]interface {
		Duration() time.Duration
		String() string
	}{
		"Milliseconds": nexmo.Milliseconds(d), "Seconds": nexmo.Seconds(d), "SecondsText": nexmo.SecondsText(d),
	} {
		if got.Duration() != d || got.String() != "1m30s" {
			t.Errorf("%s: Duration %v, String %q", name, got.Duration(), got)
		}
	}
}
