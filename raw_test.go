package nexmo_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// withRaw is a struct as applications make them, to store what they received.
type withRaw struct {
	Always   nexmo.Raw `json:"always"`
	Omitzero nexmo.Raw `json:"omitzero,omitzero"`
}

func TestRawInJSON(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string // as it is written
		read       withRaw
		want       withRaw // as it is read again
	}{
		{"absent", `{"always":null}`, withRaw{}, withRaw{Always: "null"}},
		{"null", `{"always":null,"omitzero":null}`, withRaw{"null", "null"}, withRaw{"null", "null"}},
		{"object", `{"always":{"b":1.50,"a":12345678901234567890},"omitzero":{}}`, withRaw{`{"b":1.50,"a":12345678901234567890}`, `{}`}, withRaw{`{"b":1.50,"a":12345678901234567890}`, `{}`}},
		{"text", `{"always":"A é","omitzero":""}`, withRaw{`"A é"`, `""`}, withRaw{`"A é"`, `""`}},
		{"zero", `{"always":0,"omitzero":false}`, withRaw{"0", "false"}, withRaw{"0", "false"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := string(marshal(t, tt.read))
			if diff := cmp.Diff(tt.text, text); diff != "" {
				t.Errorf("written (-want +got):\n%s", diff)
			}
			var got withRaw
			if err := json.Unmarshal([]byte(text), &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("read again (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRawRefusesToWriteWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for _, r := range []nexmo.Raw{"{", "SECRET", `{"a":1} 2`} {
		_, err := json.Marshal(r)
		if err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v", r, err)
		}
	}
}

func TestRawDecode(t *testing.T) {
	t.Parallel()
	type order struct {
		Order string `json:"order"`
	}
	for _, tt := range []struct {
		name string
		raw  nexmo.Raw
		into any // a pointer
		want any // what it points to then
		err  string
	}{
		{"object", `{"order":"441"}`, new(order), order{"441"}, ""},
		{"absent leaves a struct as it is", "", &order{"before"}, order{"before"}, ""},
		{"null does too", "null", &order{"before"}, order{"before"}, ""},
		{"absent clears a map", "", &map[string]int{"a": 1}, map[string]int(nil), ""},
		{"another shape", `{"order":441}`, new(order), order{}, "json: cannot unmarshal number into Go struct field order.order of type string"},
		{"broken", `{`, new(order), order{}, "unexpected end of JSON input"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := tt.raw.Decode(tt.into); tt.err != errorText(err) {
				t.Errorf("Decode: %v, want %s", err, tt.err)
			}
			if diff := cmp.Diff(tt.want, reflect.ValueOf(tt.into).Elem().Interface()); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
		})
	}
}

// TestRawBytesAreACopy: what the caller writes into them does not change r.
func TestRawBytesAreACopy(t *testing.T) {
	t.Parallel()
	if got := nexmo.Raw("").Bytes(); got != nil {
		t.Errorf(`Bytes of "" = %q, want nil`, got)
	}
	e := parseText(t, `{"type":"custom:a","id":1,"body":{"n":1}}`)
	body, _ := nexmo.As[*nexmo.Custom](e)
	for name, r := range map[string]nexmo.Raw{"Event.Raw": e.Raw, "Custom.JSON": body.JSON} {
		written, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		before := strings.Clone(string(r))
		for _, b := range [][]byte{r.Bytes(), written} {
			if string(b) != before {
				t.Errorf("%s: %s, want %s", name, b, before)
			}
			clear(b)
		}
		if string(r) != before {
			t.Errorf("%s has changed to %q", name, r)
		}
	}
	for name, write := range map[string]func() ([]byte, error){"event": e.MarshalJSON, "body": body.MarshalJSON} {
		written, err := write()
		if err != nil {
			t.Fatal(err)
		}
		clear(written)
		if again, _ := write(); bytes.Equal(again, written) {
			t.Errorf("MarshalJSON of the %s returns the memory of the event", name)
		}
	}
}

// TestEventHasOneCopyOfItsText: what an event holds as text or Raw is part of Raw.
func TestEventHasOneCopyOfItsText(t *testing.T) {
	t.Parallel()
	e := parseText(t, `{"id":1,"type":"tomorrow:type","conversation_id":"CON-1","from":"MEM-1","params":{"p":1},`+
		`"_embedded":{"from_user":{"id":"USR-1","custom_data":{"c":1}}},"body":{"n":1}}`)
	text := string(e.Raw)
	whole := memory(unsafe.StringData(text), len(text))
	body, _ := nexmo.As[*nexmo.RawBody](e)
	for name, part := range map[string]string{
		"Type": string(e.Type), "ConversationID": e.ConversationID, "From": e.From, "Params": string(e.Params),
		"FromUser.ID": e.FromUser.ID, "FromUser.CustomData": string(e.FromUser.CustomData), "RawBody.JSON": string(body.JSON),
	} {
		at := memory(unsafe.StringData(part), len(part))
		if part == "" || at[0] < whole[0] || at[1] > whole[1] {
			t.Errorf("%s %q is not part of Raw", name, part)
		}
	}
}

// FuzzRaw holds Raw to json.RawMessage, and to what was put in.
func FuzzRaw(f *testing.F) {
	for _, seed := range []string{``, `null`, `{"a":[1,2.50,"\u00e9"]}`, ` [1 , 2] `, `"<&>"`, `{`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r nexmo.Raw
		if err := r.UnmarshalJSON(data); err != nil || string(r) != string(data) {
			t.Fatalf("UnmarshalJSON = %q, %v", r, err)
		}
		if text, err := r.MarshalJSON(); err != nil || len(data) > 0 && !bytes.Equal(text, data) {
			t.Fatalf("MarshalJSON = %q, %v", text, err)
		}
		want, werr := json.Marshal(struct{ V json.RawMessage }{data})
		got, gerr := json.Marshal(struct{ V nexmo.Raw }{r})
		if len(data) > 0 && (!bytes.Equal(want, got) || (werr == nil) != (gerr == nil)) {
			t.Fatalf("Marshal = %s, %v; want %s, %v", got, gerr, want, werr)
		}
		var again struct{ V nexmo.Raw }
		if gerr == nil && (json.Unmarshal(got, &again) != nil || `{"V":`+string(again.V)+`}` != string(got)) {
			t.Fatalf("%q reads as %q", got, again.V)
		}
		var a, b any
		if aerr, berr := json.Unmarshal(data, &a), r.Decode(&b); len(data) > 0 && (errorText(aerr) != errorText(berr) || cmp.Diff(a, b) != "") {
			t.Fatalf("Decode = %v, %v; want %v, %v", b, berr, a, aerr)
		}
	})
}
