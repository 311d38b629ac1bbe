package jsonscan

import (
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

func TestSkipPlainStopsAtTheFirstSpecialByte(t *testing.T) {
	t.Parallel()
	// Every byte at every place of two words, followed by every class of byte.
	for c := range 256 {
		for at := range 17 {
			for _, after := range []string{"a", "\"", "\x00", "\x1f", "\x7f", "\x80", "\xff", "\\", "!", "#", " ", "]", "["} {
				raw := []byte(strings.Repeat("a", at) + string([]byte{byte(c)}) + strings.Repeat(after, 17))
				want := 0
				for want < len(raw) && raw[want] >= ' ' && raw[want] < 0x80 && raw[want] != '"' && raw[want] != '\\' {
					want++
				}
				if got := skipPlain(raw, 0); got != want {
					t.Fatalf("%q: stopped at %d, want %d", raw, got, want)
				}
			}
		}
	}
}

// outcome is what a method for one kind of value did with a text.
type outcome struct {
	Value any
	OK    bool
	Shape string
}

func TestValuesOfEveryKind(t *testing.T) {
	t.Parallel()
	methods := map[string]func(*Scanner) (any, bool){
		"Text":   func(s *Scanner) (any, bool) { v, ok := s.Text(); return v, ok },
		"Bool":   func(s *Scanner) (any, bool) { v, ok := s.Bool(); return v, ok },
		"Int":    func(s *Scanner) (any, bool) { v, ok := s.Int(); return v, ok },
		"Float":  func(s *Scanner) (any, bool) { v, ok := s.Float(); return v, ok },
		"Number": func(s *Scanner) (any, bool) { v, ok := s.Number(); return v, ok },
		"Time":   func(s *Scanner) (any, bool) { v, ok := s.Time(); return v, ok },
		"Raw":    func(s *Scanner) (any, bool) { v, ok := s.Raw(); return v, ok },
		"Null": func(s *Scanner) (any, bool) {
			null := s.Null()
			if !null {
				s.Skip()
			}
			return null, null
		},
		"Object": func(s *Scanner) (any, bool) {
			o, ok := s.Object()
			for ok && s.Next(&o) {
				s.Unknown(&o)
			}
			return nil, ok
		},
		"Array": func(s *Scanner) (any, bool) {
			a, ok := s.Array()
			for ok && s.More(&a) {
				s.Skip()
			}
			return nil, ok
		},
	}
	noon := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		method, text string
		want         outcome
	}{
		{"Text", `"abc"`, outcome{"abc", true, ""}},
		{"Text", `""`, outcome{"", true, ""}},
		{"Text", `"aé€😀"`, outcome{"aé€😀", true, ""}},
		{"Text", `"a\"\\\/\b\f\n\r\t\u0000\u00E9\u20ac\ud83d\ude00z"`, outcome{"a\"\\/\b\f\n\r\t\x00é€😀z", true, ""}},
		{"Text", `null`, outcome{"", false, ""}},
		{"Text", `1`, outcome{"", false, "want text, found a number"}},
		{"Text", `{"a":[1]}`, outcome{"", false, "want text, found an object"}},
		{"Bool", `true`, outcome{true, true, ""}},
		{"Bool", `false`, outcome{false, true, ""}},
		{"Bool", `null`, outcome{false, false, ""}},
		{"Bool", `"true"`, outcome{false, false, "want true or false, found text"}},
		{"Bool", `[]`, outcome{false, false, "want true or false, found an array"}},
		{"Int", `0`, outcome{int64(0), true, ""}},
		{"Int", `-0`, outcome{int64(0), true, ""}},
		{"Int", `12`, outcome{int64(12), true, ""}},
		{"Int", `-3`, outcome{int64(-3), true, ""}},
		{"Int", `9223372036854775807`, outcome{int64(math.MaxInt64), true, ""}},
		{"Int", `-9223372036854775808`, outcome{int64(math.MinInt64), true, ""}},
		{"Int", `-9223372036854775808.00`, outcome{int64(math.MinInt64), true, ""}},
		{"Int", `9.223372036854775807e18`, outcome{int64(math.MaxInt64), true, ""}},
		{"Int", `12.0`, outcome{int64(12), true, ""}},
		{"Int", `1e2`, outcome{int64(100), true, ""}},
		{"Int", `-1.5E+1`, outcome{int64(-15), true, ""}},
		{"Int", `1200e-2`, outcome{int64(12), true, ""}},
		{"Int", `0.00120e5`, outcome{int64(120), true, ""}},
		{"Int", `-0.0e999999999999999999999`, outcome{int64(0), true, ""}},
		{"Int", `0.` + strings.Repeat("0", 1000) + `7e1001`, outcome{int64(7), true, ""}},
		{"Int", `7` + strings.Repeat("0", 1000) + `e-1000`, outcome{int64(7), true, ""}},
		{"Int", `1` + strings.Repeat("0", 18) + `.0`, outcome{int64(1e18), true, ""}},
		{"Int", `9223372036854775808`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `9223372036854775808.0`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `-9223372036854775809e0`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `1e19`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `1e999999999999999999999`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `1e-999999999999999999999`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `1.5`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `12e-1`, outcome{int64(0), false, "want whole number, found a number"}},
		{"Int", `null`, outcome{int64(0), false, ""}},
		{"Int", `"12"`, outcome{int64(0), false, "want whole number, found text"}},
		{"Float", `-1.25e2`, outcome{-125.0, true, ""}},
		{"Float", `1e-400`, outcome{0.0, true, ""}},
		{"Float", `1e400`, outcome{0.0, false, "want number, found a number"}},
		{"Float", `null`, outcome{0.0, false, ""}},
		{"Float", `true`, outcome{0.0, false, "want number, found true or false"}},
		{"Number", `-1.250e+02`, outcome{"-1.250e+02", true, ""}},
		{"Number", `1e400`, outcome{"1e400", true, ""}},
		{"Number", `null`, outcome{"", false, ""}},
		{"Number", `"1"`, outcome{"", false, "want number, found text"}},
		{"Time", `"2020-01-01T12:00:00Z"`, outcome{noon, true, ""}},
		{"Time", `"2020-01-01T14:00:00.000+02:00"`, outcome{noon, true, ""}},
		{"Time", `"2020-01-01T14:00:00\u002b02:00"`, outcome{noon, true, ""}},
		{"Time", `""`, outcome{time.Time{}, false, ""}},
		{"Time", `null`, outcome{time.Time{}, false, ""}},
		{"Time", `" "`, outcome{time.Time{}, false, "want RFC 3339 time, found text"}},
		{"Time", `"2020-01-01"`, outcome{time.Time{}, false, "want RFC 3339 time, found text"}},
		{"Time", `"2020-01-01 12:00:00Z"`, outcome{time.Time{}, false, "want RFC 3339 time, found text"}},
		{"Time", `"2020-01-01T12:00:00"`, outcome{time.Time{}, false, "want RFC 3339 time, found text"}},
		{"Time", `"2020-02-30T12:00:00Z"`, outcome{time.Time{}, false, "want RFC 3339 time, found text"}},
		{"Time", `"2020-01-01T12:00:00+0100"`, outcome{time.Time{}, false, "want RFC 3339 time, found text"}},
		{"Time", `1577880000`, outcome{time.Time{}, false, "want RFC 3339 time, found a number"}},
		{"Raw", ` { "a" : 1 } `, outcome{`{ "a" : 1 }`, true, ""}},
		{"Raw", `"a"`, outcome{`"a"`, true, ""}},
		{"Raw", `null`, outcome{"", false, ""}},
		{"Null", `null`, outcome{true, true, ""}},
		{"Null", `0`, outcome{false, false, ""}},
		{"Object", `{"a":1}`, outcome{nil, true, ""}},
		{"Object", `null`, outcome{nil, false, ""}},
		{"Object", `[{}]`, outcome{nil, false, "want object, found an array"}},
		{"Array", `[1,[2]]`, outcome{nil, true, ""}},
		{"Array", `null`, outcome{nil, false, ""}},
		{"Array", `false`, outcome{nil, false, "want array, found true or false"}},
	} {
		t.Run(tc.method+" "+tc.text[:min(len(tc.text), 40)], func(t *testing.T) {
			t.Parallel()
			s := scan(tc.text)
			var got outcome
			got.Value, got.OK = methods[tc.method](s)
			s.End()
			if err := s.Shape(); err != nil {
				got.Shape = err.Error()
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if s.Err() != nil {
				t.Errorf("not consumed whole: %v", s.Err())
			}
		})
	}
}

func TestTimeIsInUTC(t *testing.T) {
	t.Parallel()
	got, ok := scan(`"2020-01-01T14:00:00+02:00"`).Time()
	if !ok || got.Location() != time.UTC {
		t.Errorf("ok %v, location %v", ok, got.Location())
	}
}

func TestRawIsPartOfTheText(t *testing.T) {
	t.Parallel()
	text := `[{"a":1},2]`
	raw := []byte(text)
	var s Scanner
	s.Reset(text, raw)
	a, _ := s.Array()
	s.More(&a)
	v, ok := s.Raw()
	if !ok || v != `{"a":1}` {
		t.Fatalf("got %s, %v", v, ok)
	}
	if unsafe.StringData(v) != unsafe.StringData(text[1:]) {
		t.Error("the value was copied")
	}
}

// TestTimeOfUsualLength holds the quick way of reading times to the standard library,
// for every byte in every place, and every pair of neighbours that are no digits.
func TestTimeOfUsualLength(t *testing.T) {
	t.Parallel()
	read := 0
	check := func(text []byte) {
		got, ok := parseTime(text)
		if !ok {
			return
		}
		read++
		var want time.Time
		if err := want.UnmarshalText(text); err != nil || !got.Equal(want) || got.Location() != time.UTC {
			t.Errorf("read %q as %v, want %v, %v", text, got, want, err)
		}
	}
	for _, usual := range []string{"2024-05-16T08:09:07.123Z", "0000-01-01T00:00:00.000Z", "9999-12-28T23:59:59.999Z"} {
		if _, ok := parseTime([]byte(usual)); !ok {
			t.Errorf("%s is not read the quick way", usual)
		}
		for i := range len(usual) {
			text := []byte(usual)
			for c := range 256 {
				text[i] = byte(c)
				check(text)
				for next := range 256 {
					if i+1 < len(usual) && (next < '0' || next > '9') {
						text[i+1] = byte(next)
						check(text)
					}
				}
				copy(text, usual)
			}
		}
	}
	if read == 0 {
		t.Error("no time was read")
	}
	for _, other := range []string{"", "2024-05-16T08:09:07Z", "2024-05-16T08:09:07.1234Z"} {
		if _, ok := parseTime([]byte(other)); ok {
			t.Errorf("%q is read the quick way", other)
		}
	}
}
