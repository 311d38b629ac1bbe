package nexmo

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzPackChannel: what was packed comes back, whatever it is, and is told from
// what was not.
func FuzzPackChannel(f *testing.F) {
	for _, text := range []string{
		`{}`,
		`{"id":"a1","type":"phone","from":{"type":"phone","number":"447700900001"},"to":{"type":"phone","number":"447700900002"},
			"leg_ids":["a1","b2"],"legs":[{"leg_id":"a1","status":"answered"},{"leg_id":"b2","status":"odd"}],"headers":{},"leg_settings":{}}`,
		`{"type":"sip","to":{"type":"sip","uri":"sip:a@example.com","headers":{"X-A":"1","X-B":""}},"headers":{"b":"\u0000","":"a"},
			"cpa":true,"cpa_time":1,"preanswer":false,"ring_timeout":-60000,"max_length":9223372036854775,"content-type":"audio/l16;rate=16000"}`,
		`{"from":{},"leg_ids":[],"legs":[{}],"can_hear":["",""],"can_speak":["` + strings.Repeat("x", 300) + `"],"knocking_id":"\u0000\u0000"}`,
	} {
		f.Add([]byte(text), []byte(`{"id":"a1","to":{"type":"app","user":"u"}}`))
	}
	f.Fuzz(func(t *testing.T, text, other []byte) {
		var c, o Channel
		if json.Unmarshal(text, &c) != nil || json.Unmarshal(other, &o) != nil {
			return
		}
		packed := string(packChannel(nil, &c))
		got := unpackChannel(packed)
		if got == nil {
			got = &Channel{}
		}
		if diff := cmp.Diff(&c, got); diff != "" {
			t.Fatalf("-packed +unpacked:\n%s", diff)
		}
		if again := string(packChannel([]byte("x"), got)); again != "x"+packed {
			t.Fatalf("packed %q, and then %q", packed, again)
		}
		if !hasChannel(packed, &c) || !hasChannel(packed, &Channel{}) {
			t.Error("it has not what was packed")
		}
		merged := string(packChannel(nil, merged(&c, &o)))
		if !hasChannel(merged, &o) {
			t.Error("a merged channel has not what was merged into it")
		}
		if hasChannel(packed, &o) != (merged == packed) {
			t.Errorf("hasChannel is %v; what has been merged is packed as %q, before as %q", hasChannel(packed, &o), merged, packed)
		}
		for _, leg := range append(slices.Clone(o.LegIDs), "a1", o.ID, o.KnockingID) {
			if want := c.ID == leg || slices.Contains(c.LegIDs, leg); hasLeg(packed, leg) != want {
				t.Errorf("hasLeg(%q) is not %v", leg, want)
			}
		}
	})
}
