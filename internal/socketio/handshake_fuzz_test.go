package socketio

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// deepest is how deep jsonscan reads.
const deepest = 512

// FuzzHandshake holds what is read of an open packet, and of a refusal, to
// encoding/json.
func FuzzHandshake(f *testing.F) {
	for _, text := range []string{
		`{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`, `{"pingInterval":1,"pingTimeout":2147483647}`,
		`{"pingInterval":0,"pingTimeout":1}`, `{"pingInterval":1,"pingTimeout":2147483648}`, `{"pingInterval":1e3,"pingTimeout":1.0,"maxPayload":-1}`,
		`{"pingInterval":"1","pingTimeout":null}`, `{"pingInterval":1,"pingInterval":2,"pingTimeout":1}`, ``, `null`, `[]`, `{"message":"no"}`, `"no"`, `{"message":{"a":1}}`, `7`,
		`{"PingInterval":1,"pingTimeout":1,"pingInterval":9}`, `{"pingInterval":1,"pingTimeout":1,"maxPayload":9223372036854775808}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		strict := json.Valid(data) && jsontext.Value(data).IsValid() && strings.Count(string(data), "[")+strings.Count(string(data), "{") < deepest
		var fields map[string]json.RawMessage
		object := json.Unmarshal(data, &fields) == nil && fields != nil

		unsure := false
		number := func(name string, least int64) (int64, bool) {
			text, ok := fields[name]
			if !ok || string(text) == "null" {
				return 0, least <= 0
			}
			n, err := strconv.ParseInt(string(text), 10, 64)
			if v, ferr := strconv.ParseFloat(string(text), 64); err != nil && ferr == nil && v == math.Trunc(v) {
				if math.Abs(v) >= 1<<53 {
					unsure = true
				}
				n, err = int64(v), nil // 1e3 is a whole number
			}
			return n, err == nil && n >= least && (least <= 0 || n <= math.MaxInt32)
		}
		interval, ok1 := number("pingInterval", 1)
		timeout, ok2 := number("pingTimeout", 1)
		payload, ok3 := number("maxPayload", math.MinInt64)
		h, err := parseHandshake(data)
		if unsure {
			return
		}
		if good := strict && object && ok1 && ok2 && ok3; good != (err == nil) && (strict || err == nil && !json.Valid(data)) {
			t.Fatalf("%v, and a good one: %v", err, good)
		}
		want := handshake{time.Duration(interval) * time.Millisecond, time.Duration(timeout) * time.Millisecond, max(payload, 0)}
		if err == nil && strict && h != want {
			t.Errorf("read as %+v, want %+v", h, want)
		}

		var message string
		if strict && object {
			_ = json.Unmarshal(fields["message"], &message) // what is no text says nothing
		} else if strict {
			_ = json.Unmarshal(data, &message)
		}
		if e := newRefusedError(data); strict && e.Message != message || len(e.Error()) > 1<<10 {
			t.Errorf("refused with %q, want %q", e.Message, message)
		}
	})
}
