package jsonscan

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

const whitespace = " \t\r\n"

// seeds adds texts that touch every rule.
func seeds(f *testing.F) {
	for _, text := range []string{
		event, ``, ` `, `null`, `true`, `false`, `0`, `-12.5e+3`, `01`, `1.`, `"a"`, `"\u00e9\n\\"`,
		`"\ud83d\ude00"`, `"\ud83d"`, `"\udc00"`, "\"\xff\"", "\"\t\"", `"é€😀"`, `[]`, `[1,[2,{}]]`, `[1,]`,
		`{"a":1,"b":[true],"c":null}`, `{"a":1,"a":2}`, `{"id":1,"\u0069d":2}`, `{"x":{"y":1,"y":2}}`,
		`{"c":1,"c":2}`, `{"a":1,}`, `{"a" 1}`, `{} {}`, `[}`, `{"a":"b`, "\ufeff{}", nested(20), nested(MaxDepth + 1),
		nestedObjects(9), manyNames(fewNames + 2),
	} {
		f.Add([]byte(text))
	}
}

// depthAt is how many objects and arrays are open at an offset of valid text.
func depthAt(text []byte, offset int) (depth int) {
	quoted := false
	for i := 0; i < offset; i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		}
	}
	return depth
}

// FuzzScan checks that skipping and walking accept what jsontext accepts, but
// for the depth, and nothing that encoding/json refuses.
func FuzzScan(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		s := scan(string(text))
		start, end := s.Skip()
		s.End()
		err := s.Err()

		walker := scan(string(text))
		walkAll(walker)
		walker.End()
		if (walker.Err() == nil) != (err == nil) || err != nil && walker.Err().Error() != err.Error() {
			t.Errorf("skipped with %v, walked with %v", err, walker.Err())
		}
		copying := new(Scanner)
		copying.Reset("", text)
		walkAll(copying)
		copying.End()
		if (copying.Err() == nil) != (err == nil) || err != nil && copying.Err().Error() != err.Error() {
			t.Errorf("skipped with %v, walked without a string with %v", err, copying.Err())
		}
		if walker.Shape() != nil {
			t.Errorf("walked with a mismatch: %v", walker.Shape())
		}

		strict := jsontext.Value(text).IsValid()
		if err == nil {
			if !strict || !json.Valid(text) {
				t.Errorf("accepted, but jsontext says %v, encoding/json says %v", strict, json.Valid(text))
			}
			if want := bytes.Trim(text, whitespace); string(text[start:end]) != string(want) {
				t.Errorf("span is %q, want %q", text[start:end], want)
			}
			return
		}
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Fatalf("not a syntax error: %v", err)
		}
		if syntax.Offset < 0 || syntax.Offset > len(text) {
			t.Errorf("offset outside the text: %v", err)
		}
		if syntax.Reason == "nested too deeply" {
			if depth := depthAt(text, syntax.Offset); depth != MaxDepth {
				t.Errorf("depth is only %d: %v", depth, err)
			}
			return
		}
		if strict {
			t.Errorf("jsontext accepts what is refused with %v", err)
		}
	})
}

// FuzzText checks text without escapes against encoding/json, for anything that
// can be written in quotes and anything that can be read from them.
func FuzzText(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		s := scan(string(text))
		got, ok := s.Text()
		s.End()
		accepted := ok && s.Err() == nil
		copying := new(Scanner)
		copying.Reset("", text)
		if same, sameOK := copying.Text(); same != got || sameOK != ok {
			t.Errorf("got %q, %v without a string, and %q, %v with one", same, sameOK, got, ok)
		}
		isText := bytes.HasPrefix(bytes.Trim(text, whitespace), []byte{'"'}) && jsontext.Value(text).IsValid()
		if accepted != isText {
			t.Fatalf("Text accepts: %v, %v; jsontext accepts as text: %v", accepted, s.Err(), isText)
		}
		if accepted {
			var want string
			if err := json.Unmarshal(text, &want); err != nil || got != want {
				t.Errorf("got %q, want %q, %v", got, want, err)
			}
		}

		plain := strings.ToValidUTF8(string(text), "\ufffd")
		written, err := json.Marshal(plain)
		if err != nil {
			t.Fatal(err)
		}
		s = scan(string(written))
		got, ok = s.Text()
		s.End()
		if got != plain || !ok || s.Err() != nil {
			t.Errorf("got %q back from %s, want %q: %v, %v", got, written, plain, ok, s.Err())
		}
	})
}

// wholeValue is the value of a valid number as an int64, worked out in the
// obvious way.
func wholeValue(number string) (int64, bool) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(number), "e")
	if strings.Trim(mantissa, "-.0") == "" {
		return 0, true
	}
	// A big.Rat of a large exponent takes forever. What is written here is far
	// too short to make up for one.
	if n, err := strconv.Atoi(exponent); exponent != "" && (err != nil || n > 5000 || n < -5000) {
		return 0, false
	}
	r, ok := new(big.Rat).SetString(number)
	if !ok || !r.IsInt() || !r.Num().IsInt64() {
		return 0, false
	}
	return r.Num().Int64(), true
}

// FuzzNumber checks Float and Number against encoding/json, and Int against it
// and against exact arithmetic.
func FuzzNumber(f *testing.F) {
	for _, text := range []string{
		`0`, `-0`, `12`, `-3`, ` 7 `, `12.0`, `1e2`, `1.5`, `1e400`, `-1e-400`, `9223372036854775807`, `9223372036854775808`,
		`-9223372036854775808`, `9.223372036854775807e18`, `0.00120e5`, `100e-2`, `0e999999999999999999999`, `01`, `1.`, `-`,
		`1e`, `+1`, `null`, `"1"`, `[1]`, `0x10`, `1_000`, `Inf`, `922337203685477580700e-2`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4000 || strings.Trim(text, whitespace) == "null" {
			return
		}
		var number json.Number
		valid := json.Unmarshal([]byte(text), &number) == nil && strings.Trim(text, whitespace) == number.String()
		s := scan(text)
		literal, ok := s.Number()
		s.End()
		if accepted := ok && s.Err() == nil; accepted != valid || accepted && literal != number.String() {
			t.Fatalf("number %q, %v, %v; want %q, %v", literal, ok, s.Err(), number, valid)
		}

		var wantFloat float64
		inRange := json.Unmarshal([]byte(text), &wantFloat) == nil
		s = scan(text)
		gotFloat, ok := s.Float()
		s.End()
		if accepted := ok && s.Err() == nil; accepted != inRange || accepted && gotFloat != wantFloat {
			t.Errorf("float %v, %v, %v; want %v, %v", gotFloat, ok, s.Err(), wantFloat, inRange)
		}
		if valid && ok == (s.Shape() != nil) {
			t.Errorf("float %v, mismatch %v", ok, s.Shape())
		}

		s = scan(text)
		gotInt, ok := s.Int()
		s.End()
		var plainInt int64
		if json.Unmarshal([]byte(text), &plainInt) == nil && (!ok || gotInt != plainInt) {
			t.Errorf("int %d, %v; encoding/json reads %d", gotInt, ok, plainInt)
		}
		if valid {
			if want, whole := wholeValue(number.String()); gotInt != want || ok != whole {
				t.Errorf("int %d, %v; want %d, %v", gotInt, ok, want, whole)
			}
			if ok == (s.Shape() != nil) {
				t.Errorf("int %v, mismatch %v", ok, s.Shape())
			}
		} else if ok && s.Err() == nil {
			t.Errorf("int %d of what is no number", gotInt)
		}
	})
}

// FuzzTime checks Time against encoding/json.
func FuzzTime(f *testing.F) {
	for _, text := range []string{
		``, ` `, `2020-01-01T12:00:00Z`, `2020-01-01T12:00:00.123456789+02:00`, `2020-01-01t12:00:00z`, `2020-02-30T12:00:00Z`,
		`2020-01-01T12:00:00-00:00`, `2020-01-01T24:00:00Z`, `2020-01-01T1:00:00Z`, `2020-01-01T12:00:00,5Z`, `2020-01-01`,
		`2020-12-31T23:59:60Z`, `9999-12-31T23:59:59-23:59`, `0000-01-01T00:00:00+23:59`, `2020-01-01T12:00:00+24:00`,
		`2020-01-01T12:00:00\u002b02:00`, `2020-01-01T12:00:00.Z`, `2020-01-01T12:00:00.123Z`, `2020-02-29T23:59:59.999Z`,
		`2020-01-01T12:00:00.1½Z`, `202½01-01T12:00:00.123Z`, `2020-01-01T12:00:00.9:9Z`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, content string) {
		text := []byte(`"` + content + `"`)
		if !jsontext.Value(text).IsValid() {
			return
		}
		s := scan(string(text))
		got, ok := s.Time()
		s.End()
		if s.Err() != nil {
			t.Fatal(s.Err())
		}
		if content == "" {
			if ok || s.Shape() != nil {
				t.Fatalf("empty text: %v, %v", ok, s.Shape())
			}
			return
		}

		var want time.Time
		err := json.Unmarshal(text, &want)
		if strings.Contains(content, `\`) {
			// encoding/json does not look behind escapes here.
			var plain string
			if err := json.Unmarshal(text, &plain); err != nil {
				t.Fatal(err)
			}
			err = want.UnmarshalText([]byte(plain))
		}
		if year := want.UTC().Year(); err == nil && (year < 0 || year > 9999) {
			err = errors.New("no text for it in UTC")
		}
		if ok != (err == nil) || ok == (s.Shape() != nil) {
			t.Fatalf("ok %v, mismatch %v; encoding/json gives %v", ok, s.Shape(), err)
		}
		if ok && (!got.Equal(want) || got.Location() != time.UTC) {
			t.Errorf("got %v, want %v in UTC", got, want)
		}
	})
}
