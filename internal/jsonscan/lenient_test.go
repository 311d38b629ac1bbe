package jsonscan

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// lenient returns a lenient scanner over text.
func lenient(text string) *Scanner {
	s := new(Scanner)
	s.ResetLenient(text, []byte(text))
	return s
}

// anyOf is a value as encoding/json reads it into an any, with numbers as they are spelt.
func anyOf(s *Scanner) any {
	switch s.Peek() {
	case '{':
		m := map[string]any{}
		for o, _ := s.Object(); s.Next(&o); {
			name := s.Name(&o)
			m[name] = anyOf(s)
		}
		return m
	case '[':
		list := []any{}
		for a, _ := s.Array(); s.More(&a); {
			list = append(list, anyOf(s))
		}
		return list
	case '"':
		v, _ := s.Text()
		return v
	case '0':
		v, _ := s.Number()
		return json.Number(v)
	case 't', 'f':
		v, _ := s.Bool()
		return v
	default:
		s.Skip()
		return nil
	}
}

// FuzzLenient: a lenient scanner accepts and reads what encoding/json does, but for the
// depth, and skips what it reads.
func FuzzLenient(f *testing.F) {
	seeds(f)
	for _, text := range []string{`"\ude00\ud83d\u0041\ud83d\ude00"`, "\"\xf0\x9f\x98\xed\xa0\x80é\"", `{"a":{"x":1},"a":{"y":2}}`, "{\"\xff\":1,\"\\ud800\":2}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		s := lenient(string(text))
		s.Skip()
		s.End()
		reader := lenient(string(text))
		got := anyOf(reader)
		reader.End()
		if (s.Err() == nil) != (reader.Err() == nil) {
			t.Fatalf("skipped with %v, read with %v", s.Err(), reader.Err())
		}
		valid := json.Valid(text) && (s.Err() == nil || depthAt(text, s.err.Offset) < MaxDepth)
		if valid != (s.Err() == nil) {
			t.Fatalf("%v; encoding/json accepts it: %v", s.Err(), json.Valid(text))
		}
		if !valid {
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-encoding/json +lenient):\n%s", diff)
		}
	})
}

// TestLenientNumbersAndTexts: each reads as the other. The strict scanner takes none.
func TestLenientNumbersAndTexts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text    string
		asText  string
		asFloat float64
		asInt   int64 // math.MinInt64 if it is a misfit
	}{
		{`7`, "7", 7, 7},
		{`"7"`, "7", 7, 7},
		{`-0.5e1`, "-0.5e1", -5, -5},
		{`"70e-1"`, "70e-1", 7, 7},
		{`"007"`, "007", 7, 7},
		{`".5"`, ".5", .5, math.MinInt64},
		{`"5."`, "5.", 5, 5},
		{`""`, "", 0, 0},
		{`null`, "", 0, 0},
		{`" 7"`, " 7", math.NaN(), math.MinInt64},
		{`"+7"`, "+7", math.NaN(), math.MinInt64},
		{`"0x7"`, "0x7", math.NaN(), math.MinInt64},
		{`"Inf"`, "Inf", math.NaN(), math.MinInt64},
		{`"."`, ".", math.NaN(), math.MinInt64},
		{`"1e400"`, "1e400", math.NaN(), math.MinInt64},
		{`9223372036854775807`, "9223372036854775807", 1 << 63, math.MaxInt64},
	} {
		s := lenient(tt.text)
		if got, _ := s.Text(); got != tt.asText || s.Shape() != nil {
			t.Errorf("%s as text: %q, %v", tt.text, got, s.Shape())
		}
		s = lenient(tt.text)
		if got, _ := s.Float(); got != tt.asFloat && !math.IsNaN(tt.asFloat) || (s.Shape() != nil) != math.IsNaN(tt.asFloat) {
			t.Errorf("%s as a number: %v, %v", tt.text, got, s.Shape())
		}
		s = lenient(tt.text)
		if got, _ := s.Int(); got != tt.asInt && tt.asInt != math.MinInt64 || (s.Shape() != nil) != (tt.asInt == math.MinInt64) {
			t.Errorf("%s as a whole number: %v, %v", tt.text, got, s.Shape())
		}
		strict := scan(tt.text)
		if tt.text[0] == '"' {
			strict.Float()
		} else {
			strict.Text()
		}
		if (strict.Shape() == nil) != (tt.text == "null") {
			t.Errorf("%s: strict reads one as the other", tt.text)
		}
	}
}

// TestIntOf: what is below the least is a misfit, named as the caller says.
func TestIntOf(t *testing.T) {
	t.Parallel()
	for text, ok := range map[string]bool{`0`: true, `"5"`: true, `-1`: false, `"-1"`: false, `1.5`: false, `9223372036854775808`: false} {
		s := lenient(text)
		if _, got := s.IntOf("ID", 0); got != ok || (s.Shape() == nil) != ok {
			t.Errorf("%s: %v, %v", text, got, s.Shape())
		}
		if err := s.Shape(); err != nil && err.(*ShapeError).Want != "ID" { //nolint:errorlint // it is one
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestLenientTimes(t *testing.T) {
	t.Parallel()
	when := time.Date(2020, 11, 2, 8, 53, 45, 497e6, time.UTC)
	for text, want := range map[string]time.Time{
		`"2020-11-02T08:53:45.497Z"`:           when,
		`"2020-11-02 08:53:45.497Z"`:           when,
		`"2020-11-02 08:53:45.497"`:            when,
		`"2020-11-02T08:53:45.497"`:            when,
		`"2020-11-02 08:53:45,497 UTC"`:        when,
		`"2020-11-02T09:53:45.497+0100"`:       when,
		`"2020-11-02 09:53:45.497 +0100"`:      when,
		`"2020-11-02\u002009:53:45.497+01:00"`: when,
		`1604307225497`:                        when,
		`"1604307225497"`:                      when,
		`1604307225.497`:                       when,
		`1.604307225497e12`:                    when,
		`1604307225`:                           when.Truncate(time.Second),
		`1000000000`:                           time.Unix(1e9, 0).UTC(),
		`9999999999999`:                        time.UnixMilli(9999999999999).UTC(),
	} {
		s := lenient(text)
		if got, ok := s.Time(); !ok || !got.Equal(want) || got.Location() != time.UTC || s.Shape() != nil {
			t.Errorf("%s: %v, %v, %v", text, got, ok, s.Shape())
		}
		if s := scan(text); text != `"2020-11-02T08:53:45.497Z"` {
			if _, ok := s.Time(); ok {
				t.Errorf("%s: strict reads it", text)
			}
		}
	}
	for _, text := range []string{
		`0`, `7`, `-1604307225`, `999999999`, `10000000000`, `999999999999`, `10000000000000`, `1e999`, `"noon"`, `"2020-11-02"`, `"2020-02-30 08:53:45"`,
		`"9999-12-31T23:59:59-23:59"`, `"0000-01-01T00:00:00+23:59"`, `{}`, `[]`, `true`,
	} {
		s := lenient(text)
		if got, ok := s.Time(); ok || !got.IsZero() || s.Shape() == nil {
			t.Errorf("%s: %v, %v, %v", text, got, ok, s.Shape())
		}
	}
}

// TestAgain: a member that is there once more is told from the first.
func TestAgain(t *testing.T) {
	t.Parallel()
	s := lenient(`{"a":1,"b":2,"a":3,"inner":{"a":4},"a":5,"b":6}`)
	var again []bool
	for o, _ := s.Object(); s.Next(&o); s.Skip() {
		switch s.Name(&o) {
		case "a":
			again = append(again, s.Again(&o, 0))
		case "b":
			again = append(again, s.Again(&o, 63))
		}
		if !s.Once(&o, 1) || !s.Remember(&o) {
			t.Errorf("%s is not taken", s.Name(&o))
		}
	}
	s.End()
	if diff := cmp.Diff([]bool{false, false, true, true, true}, again); diff != "" || s.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", s.Err(), diff)
	}
}

// TestCollected: mismatches in the order of the text, without those that do not count.
func TestCollected(t *testing.T) {
	t.Parallel()
	text := `{"late":7,"user":{"id":[]},"user":{"id":{},"id":[],"id":true},"list":[1,"x",2],"last":{}}`
	s := lenient(text)
	s.Collect(100)
	late := 0
	var userStart, userEnd int
	for o, _ := s.Object(); s.Next(&o); {
		switch s.Name(&o) {
		case "late":
			late, _ = s.Skip()
		case "user":
			userStart = s.Offset()
			for u, _ := s.Object(); s.Next(&u); {
				s.Text()
			}
			userEnd = userStart + len(s.Since(userStart))
		case "list":
			for a, _ := s.Array(); s.More(&a); {
				s.Bool()
			}
		default:
			s.Text()
		}
	}
	s.End()
	s.Fail(late, "later")
	got := s.Collected(userStart, userEnd)
	want := []*ShapeError{
		{"late", "later", "a number"}, {"id", "text", "true or false"}, {"list[0]", "true or false", "a number"},
		{"list[1]", "true or false", "text"}, {"list[2]", "true or false", "a number"}, {"last", "text", "an object"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s = lenient(`[1,}`)
	s.Collect(5)
	for a, _ := s.Array(); s.More(&a); {
		s.Bool()
	}
	if got := s.Collected(0, 0); got != nil {
		t.Errorf("after a syntax error: %v", got)
	}
}
