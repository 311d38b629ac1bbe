package jsonscan

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
)

// event is an object of about 1 KB in the form of a conversation event.
const event = `{
  "id": 10451, "type": "message", "from": "MEM-63f61863-4a51-4f6b-86e1-46edebcf9356",
  "conversation_id": "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a", "cid": "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a",
  "timestamp": "2020-01-01T14:00:00.123Z",
  "body": {"message_type": "text", "text": "Bonjour, votre commande n° 4711 est arrivée. À bientôt, toute l’équipe"},
  "state": {"delivered_to": {"MEM-63f61863-4a51-4f6b-86e1-46edebcf9356": "2020-01-01T14:00:01.000Z"}, "seen_by": {}, "played": false},
  "_embedded": {"from_user": {"id": "USR-82e028d9-5201-4f1e-8188-604b2d3471ec", "name": "my_user_name", "display_name": "My User Name",
    "image_url": "https://example.com/image.png", "custom_data": {"field_1": 1, "field_2": -2.5e3, "field_3": [true, false, null]}},
    "from_member": {"id": "MEM-63f61863-4a51-4f6b-86e1-46edebcf9356", "state": "JOINED"}},
  "_links": {"self": {"href": "https://api.example.com/v1/conversations/CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a/events/10451"}}
}`

// scan returns a scanner over text.
func scan(text string) *Scanner {
	s := new(Scanner)
	s.Reset(text, []byte(text))
	return s
}

// skipAll is the syntax error of a whole text that is skipped.
func skipAll(text string) error {
	s := scan(text)
	s.Skip()
	s.End()
	return s.Err()
}

// walkAll consumes the next value with the methods a decoder uses. The names a,
// b and c are known to it; c has a number beyond those that fit into 64 bits.
// Other names of odd length are taken for the keys of a map.
func walkAll(s *Scanner) {
	switch s.Peek() {
	case '{':
		o, _ := s.Object()
		for s.Next(&o) {
			switch s.Name(&o) {
			case "a":
				if s.Once(&o, 0) {
					walkAll(s)
				}
			case "b":
				if s.Once(&o, 63) {
					walkAll(s)
				}
			case "c":
				if s.Once(&o, 64) {
					walkAll(s)
				}
			default:
				if len(s.Name(&o))%2 == 0 {
					s.Unknown(&o)
				} else if s.Remember(&o) {
					walkAll(s)
				}
			}
		}
	case '[':
		a, _ := s.Array()
		for s.More(&a) {
			walkAll(s)
		}
	case '"':
		s.Text()
	case '0':
		s.Number()
	case 't', 'f':
		s.Bool()
	case 'n':
		s.Null()
	default:
		s.Skip()
	}
}

func nested(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

func nestedObjects(depth int) string {
	return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
}

// manyNames is an object of n members with different names.
func manyNames(n int) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"name%08d":%d`, i, i)
	}
	b.WriteByte('}')
	return b.String()
}

func TestSkipAndWalkAcceptStrictJSON(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"event":                         event,
		"true":                          `true`,
		"false":                         `false`,
		"null":                          `null`,
		"zero":                          `0`,
		"negative zero":                 `-0`,
		"number with everything":        `-120.050e+07`,
		"number with capital exponent":  `1E-2`,
		"empty text":                    `""`,
		"empty object":                  `{}`,
		"empty array":                   `[]`,
		"empty with whitespace":         "{ \t\r\n}",
		"whitespace everywhere":         " \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n",
		"every escape":                  `"\"\\\/\b\f\n\r\t\u0000\u00e9\uFFFF"`,
		"surrogate pair":                `"\ud83d\uDE00"`,
		"characters of all lengths":     `"aé€😀"`,
		"escaped noncharacter":          `"\ufffe"`,
		"delete is no control":          "\"\x7f\"",
		"empty name":                    `{"":1}`,
		"same name in different object": `{"x":{"x":1},"y":{"x":1},"z":[{"x":1},{"x":1}]}`,
		"same name inside and after":    `{"a":{"x":1,"y":2},"x":1,"y":2}`,
		"names that differ in case":     `{"x":1,"X":2}`,
		"arrays to the limit":           nested(MaxDepth),
		"objects to the limit":          nestedObjects(MaxDepth),
		"many arrays side by side":      "[" + strings.Repeat("[],", 2*MaxDepth) + "{}]",
		"many names":                    manyNames(10 * fewNames),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := skipAll(text); err != nil {
				t.Errorf("skipped: %v", err)
			}
			s := scan(text)
			walkAll(s)
			s.End()
			if s.Err() != nil || s.Shape() != nil {
				t.Errorf("walked: %v, %v", s.Err(), s.Shape())
			}
			if s.depth != 0 || s.held != 0 {
				t.Errorf("depth %d and %d names left at the end", s.depth, s.held)
			}
		})
	}
}

func TestSkipAndWalkRefuseEverythingElse(t *testing.T) {
	t.Parallel()
	const eof = "unexpected end of text"
	for name, tc := range map[string]struct {
		text   string
		offset int
		reason string
	}{
		"nothing":                   {``, 0, eof},
		"only whitespace":           {" \n", 2, eof},
		"byte order mark":           {"\ufeff1", 0, reasonValue},
		"other whitespace":          {"\v1", 0, reasonValue},
		"no-break space":            {"\u00a01", 0, reasonValue},
		"zero byte":                 {"\x00", 0, reasonValue},
		"zero byte after":           {"1\x00", 1, "text after the outermost value"},
		"two values":                {`1 2`, 2, "text after the outermost value"},
		"bracket too many":          {`[]]`, 2, "text after the outermost value"},
		"bare word":                 {`none`, 0, reasonValue},
		"word in capitals":          {`True`, 0, reasonValue},
		"word cut short":            {`tru`, 0, reasonValue},
		"word too long":             {`nullx`, 4, "text after the outermost value"},
		"not a number":              {`NaN`, 0, reasonValue},
		"single quotes":             {`'a'`, 0, reasonValue},
		"comment":                   {`/**/1`, 0, reasonValue},
		"minus only":                {`-`, 0, "malformed number"},
		"plus sign":                 {`+1`, 0, reasonValue},
		"leading zero":              {`01`, 0, "malformed number"},
		"negative leading zero":     {`[-00]`, 1, "malformed number"},
		"fraction only":             {`.5`, 0, reasonValue},
		"no fraction":               {`1.`, 0, "malformed number"},
		"no fraction but exponent":  {`1.e1`, 0, "malformed number"},
		"no exponent":               {`1e`, 0, "malformed number"},
		"no digits in exponent":     {`1e+`, 0, "malformed number"},
		"hexadecimal":               {`0x1`, 1, "text after the outermost value"},
		"text without end":          {`"abc`, 4, eof},
		"quote only":                {`"`, 1, eof},
		"escape without end":        {`"\`, 2, eof},
		"tab in text":               {"\"a\tb\"", 2, "control character in text"},
		"newline in long text":      {"\"0123456789abcdef\n\"", 17, "control character in text"},
		"zero byte in text":         {"\"\x00\"", 1, "control character in text"},
		"unknown escape":            {`"\x41"`, 1, "malformed escape"},
		"escaped quote missing":     {`"\'"`, 1, "malformed escape"},
		"capital U escape":          {`"\U0041"`, 1, "malformed escape"},
		"short unicode escape":      {`"\u12"`, 1, "malformed escape"},
		"underscore in escape":      {`"\u1_23"`, 1, "malformed escape"},
		"sign in escape":            {`"\u+123"`, 1, "malformed escape"},
		"high surrogate alone":      {`"\ud83d"`, 1, "unpaired surrogate escape"},
		"high surrogate and text":   {`"\ud83dxxxxxx"`, 1, "unpaired surrogate escape"},
		"high surrogate twice":      {`"\ud83d\ud83d"`, 1, "unpaired surrogate escape"},
		"low surrogate alone":       {`"a\udc00"`, 2, "unpaired surrogate escape"},
		"surrogates in wrong order": {`"\ude00\ud83d"`, 1, "unpaired surrogate escape"},
		"surrogate and plain":       {`"\ud83d\u0041"`, 1, "unpaired surrogate escape"},
		"stray continuation":        {"\"\x80\"", 1, "invalid UTF-8"},
		"character cut short":       {"\"é\xe2\x82\"", 3, "invalid UTF-8"},
		"overlong character":        {"\"\xc0\xaf\"", 1, "invalid UTF-8"},
		"encoded surrogate":         {"\"\xed\xa0\x80\"", 1, "invalid UTF-8"},
		"character out of range":    {"\"\xf4\x90\x80\x80\"", 1, "invalid UTF-8"},
		"invalid UTF-8 in name":     {"{\"\xff\":1}", 2, "invalid UTF-8"},
		"array without end":         {`[1`, 2, eof},
		"array with nothing":        {`[`, 1, eof},
		"array ends after comma":    {`[1,`, 3, eof},
		"comma before the end":      {`[1,]`, 3, reasonValue},
		"comma first":               {`[,1]`, 1, reasonValue},
		"two commas":                {`[1,,2]`, 3, reasonValue},
		"no comma":                  {`[1 2]`, 3, "comma or closing bracket expected"},
		"array ends as object":      {`[1}`, 2, "comma or closing bracket expected"},
		"object without end":        {`{"a":1`, 6, eof},
		"object with nothing":       {`{`, 1, eof},
		"object ends after comma":   {`{"a":1,`, 7, eof},
		"object comma first":        {`{,"a":1}`, 1, "member name expected"},
		"object comma before end":   {`{"a":1,}`, 7, "member name expected"},
		"object without comma":      {`{"a":1"b":2}`, 6, "comma or closing brace expected"},
		"object ends as array":      {`{"a":1]`, 6, "comma or closing brace expected"},
		"name without quotes":       {`{a:1}`, 1, "member name expected"},
		"name is a number":          {`{1:1}`, 1, "member name expected"},
		"name without value":        {`{"a"}`, 4, "colon expected"},
		"name without end":          {`{"a`, 3, eof},
		"colon without value":       {`{"a":}`, 5, reasonValue},
		"equals sign":               {`{"a"=1}`, 4, "colon expected"},
		"arrays beyond the limit":   {nested(MaxDepth + 1), MaxDepth, "nested too deeply"},
		"objects beyond the limit":  {nestedObjects(MaxDepth + 1), 5 * MaxDepth, "nested too deeply"},
		"hostile arrays":            {strings.Repeat("[", 1<<20), MaxDepth, "nested too deeply"},
		"hostile objects":           {strings.Repeat(`{"a":`, 1<<18), 5 * MaxDepth, "nested too deeply"},
		"duplicate unknown":         {`{"x":1,"y":2,"x":3}`, 13, reasonDuplicate},
		"duplicate known":           {`{"a":1,"a":2}`, 7, reasonDuplicate},
		"duplicate known, high bit": {`{"b":1,"b":2}`, 7, reasonDuplicate},
		"duplicate known, no bit":   {`{"c":1,"x":0,"c":2}`, 13, reasonDuplicate},
		"duplicate empty":           {`{"":1,"":2}`, 6, reasonDuplicate},
		"duplicate with escape":     {`{"id":1,"\u0069d":2}`, 8, reasonDuplicate},
		"duplicate in array":        {`[1,{"x":1,"x":1}]`, 10, reasonDuplicate},
		"duplicate in skipped":      {`{"x":{"y":{"z":1,"z":1}}}`, 17, reasonDuplicate},
		"duplicate after inner":     {`{"x":1,"y":{"p":1,"q":2},"x":3}`, 25, reasonDuplicate},
		"duplicate null":            {`{"a":null,"a":null}`, 10, reasonDuplicate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := error(&SyntaxError{Offset: tc.offset, Reason: tc.reason})
			if diff := cmp.Diff(want, skipAll(tc.text)); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
			s := scan(tc.text)
			walkAll(s)
			s.End()
			if diff := cmp.Diff(want, s.Err()); diff != "" {
				t.Errorf("walked (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDuplicateIsFoundAmongAnyNumberOfNames(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, fewNames - 1, fewNames, fewNames + 1, fewNames + 2, 1000} {
		for _, again := range []int{0, n / 2, n - 1} {
			text := manyNames(n)
			at := len(text)
			text = text[:at-1] + fmt.Sprintf(`,"name%08d":0}`, again)
			want := error(&SyntaxError{Offset: at, Reason: reasonDuplicate})
			if diff := cmp.Diff(want, skipAll(text)); diff != "" {
				t.Errorf("name %d of %d again (-want +got):\n%s", again, n, diff)
			}
		}
	}
}

func TestManyNamesTakeLinearTime(t *testing.T) {
	t.Parallel()
	text := `{"first":` + manyNames(200_000) + `,"second":` + manyNames(200_000) + `}`
	start := time.Now()
	if err := skipAll(text); err != nil {
		t.Fatal(err)
	}
	// Comparing each name with all others takes minutes.
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestErrorIsStickyAndEndsEverything(t *testing.T) {
	t.Parallel()
	s := scan(`{"a":1 "secret":[1,2,3]}`)
	o, ok := s.Object()
	if !ok || !s.Next(&o) {
		t.Fatal("no first member")
	}
	s.Skip()
	if s.Next(&o) {
		t.Fatal("went on after the missing comma")
	}
	want := error(&SyntaxError{Offset: 7, Reason: "comma or closing brace expected"})
	check := func(method string, zero bool) {
		t.Helper()
		if !zero {
			t.Errorf("%s gave something after the error", method)
		}
		if diff := cmp.Diff(want, s.Err()); diff != "" {
			t.Errorf("error after %s (-want +got):\n%s", method, diff)
		}
		if s.Shape() != nil {
			t.Errorf("%s recorded a mismatch: %v", method, s.Shape())
		}
	}
	s.Seek(0)
	check("Seek", s.Offset() == 24 && s.Peek() == 0)
	check("Next", !s.Next(&o))
	o, ok = s.Object()
	check("Object", cmp.Equal(o, Object{}, cmp.AllowUnexported(Object{})) && !ok)
	check("Next", !s.Next(&o))
	a, ok := s.Array()
	check("Array", a == Array{} && !ok)
	check("More", !s.More(&a))
	text, ok := s.Text()
	check("Text", text == "" && !ok)
	b, ok := s.Bool()
	check("Bool", !b && !ok)
	i, ok := s.Int()
	check("Int", i == 0 && !ok)
	f, ok := s.Float()
	check("Float", f == 0 && !ok)
	tm, ok := s.Time()
	check("Time", tm.IsZero() && !ok)
	text, ok = s.Number()
	check("Number", text == "" && !ok)
	raw, ok := s.Raw()
	check("Raw", raw == "" && !ok)
	start, end := s.Skip()
	check("Skip", start == 0 && end == 0)
	check("Null", !s.Null())
	s.Unknown(&o)
	check("Unknown", true)
	s.Mismatch("text")
	check("Mismatch", true)
	s.Fail(0, "text")
	check("Fail", true)
	s.End()
	check("End", true)
}

func TestSyntaxErrorInsideAnyValueGivesZeroValues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		call func(*Scanner) (any, bool)
		zero any
	}{
		"Text":   {`"abc\q"`, func(s *Scanner) (any, bool) { v, ok := s.Text(); return v, ok }, ""},
		"Time":   {`"2020-01-01T00:00:00Z`, func(s *Scanner) (any, bool) { v, ok := s.Time(); return v, ok }, time.Time{}},
		"Bool":   {`truth`, func(s *Scanner) (any, bool) { v, ok := s.Bool(); return v, ok }, false},
		"Int":    {`12e`, func(s *Scanner) (any, bool) { v, ok := s.Int(); return v, ok }, int64(0)},
		"Float":  {`12.`, func(s *Scanner) (any, bool) { v, ok := s.Float(); return v, ok }, float64(0)},
		"Number": {`-x`, func(s *Scanner) (any, bool) { v, ok := s.Number(); return v, ok }, ""},
		"Raw":    {`[1,2,,]`, func(s *Scanner) (any, bool) { v, ok := s.Raw(); return v, ok }, ""},
		"null":   {`nul`, func(s *Scanner) (any, bool) { v, ok := s.Text(); return v, ok }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := scan(tc.text)
			got, ok := tc.call(s)
			if diff := cmp.Diff(tc.zero, got); diff != "" || ok {
				t.Errorf("ok %v (-want +got):\n%s", ok, diff)
			}
			if s.Err() == nil || s.Shape() != nil {
				t.Errorf("errors %v, %v", s.Err(), s.Shape())
			}
		})
	}
}

func TestSyntaxErrorMessage(t *testing.T) {
	t.Parallel()
	err := skipAll(`{"secret":1,   "secret":2}`)
	if want := "invalid JSON at byte 15: duplicate member name"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Offset != 15 {
		t.Errorf("not a syntax error at byte 15: %#v", err)
	}
}

func TestPeekAndOffsetConsumeOnlyWhitespace(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Kind{
		` {}`: '{', "\t[": '[', `"a"`: '"', "\n-1": '0', `0`: '0', `95`: '0',
		`true`: 't', `false`: 'f', `null`: 'n', ``: 0, ` `: 0, `}`: 0, `x`: 0, `+1`: 0,
	} {
		s := scan(text)
		at := len(text) - len(strings.TrimLeft(text, " \t\r\n"))
		for range 2 {
			if got := s.Peek(); got != want {
				t.Errorf("Peek of %q is %q, want %q", text, got, want)
			}
			if got := s.Offset(); got != at {
				t.Errorf("Offset of %q is %d, want %d", text, got, at)
			}
		}
		if s.Err() != nil {
			t.Errorf("Peek of %q recorded %v", text, s.Err())
		}
	}
}

func TestWalkObject(t *testing.T) {
	t.Parallel()
	s := scan(` {"id" : "x", "\u0069dé\n": 2, "n": null, "list": [1, 2, 3], "": true} `)
	var names []string
	var numbers []int64
	o, ok := s.Object()
	if !ok {
		t.Fatal("no object")
	}
	for s.Next(&o) {
		names = append(names, s.Name(&o))
		if s.Name(&o) != "list" {
			s.Unknown(&o)
			continue
		}
		a, ok := s.Array()
		if !ok {
			t.Fatal("no array")
		}
		for s.More(&a) {
			n, _ := s.Int()
			numbers = append(numbers, n)
		}
	}
	s.End()
	if s.Err() != nil || s.Shape() != nil {
		t.Fatal(s.Err(), s.Shape())
	}
	if diff := cmp.Diff([]string{"id", "idé\n", "n", "list", ""}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int64{1, 2, 3}, numbers); diff != "" {
		t.Errorf("numbers (-want +got):\n%s", diff)
	}
}

func TestLoopOverWhatWasNotEnteredEndsAtOnce(t *testing.T) {
	t.Parallel()
	for _, value := range []string{`null`, `"x"`, `[]`, `{}`} {
		s := scan(`{"a":` + value + `,"b":` + value + `}`)
		o, _ := s.Object()
		var names []string
		for s.Next(&o) {
			names = append(names, s.Name(&o))
			if value == `{}` {
				a, _ := s.Array()
				for s.More(&a) {
					t.Fatalf("%s has elements", value)
				}
				continue
			}
			inner, _ := s.Object()
			for s.Next(&inner) {
				t.Fatalf("%s has a member %s", value, s.Name(&inner))
			}
		}
		if s.Next(&o) {
			t.Error("a member after the end")
		}
		s.End()
		if diff := cmp.Diff([]string{"a", "b"}, names); diff != "" || s.Err() != nil {
			t.Errorf("%s: %v (-want +got):\n%s", value, s.Err(), diff)
		}
	}
}

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

func TestInnerObjectLeftEarlyDoesNotConfuseOuter(t *testing.T) {
	t.Parallel()
	text := `{"x":1,"inner":{"y":1,"z":2},"y":3,"y2":4}`
	s := scan(text)
	o, _ := s.Object()
	for s.Next(&o) {
		if s.Name(&o) != "inner" {
			s.Unknown(&o)
			continue
		}
		start, end := s.Skip()
		s.Seek(start)
		inner, _ := s.Object()
		s.Next(&inner)
		s.Unknown(&inner) // y only
		s.Seek(end)
	}
	s.End()
	if s.Err() != nil {
		t.Error(s.Err())
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

func TestSkipGivesSpanWithoutWhitespace(t *testing.T) {
	t.Parallel()
	s := scan(`[ 1 , {"a":2} ]`)
	a, _ := s.Array()
	var spans [][2]int
	for s.More(&a) {
		start, end := s.Skip()
		spans = append(spans, [2]int{start, end})
	}
	s.End()
	if diff := cmp.Diff([][2]int{{2, 3}, {6, 13}}, spans); diff != "" || s.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", s.Err(), diff)
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

func TestSeekReturnsToSkippedValue(t *testing.T) {
	t.Parallel()
	s := scan(`{"body":{"x":{"y":2},"z":1},"type":"t","rest":[3]}`)
	body, kind := -1, ""
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "body":
			body, _ = s.Skip()
		case "type":
			kind, _ = s.Text()
		default:
			s.Unknown(&o)
		}
	}
	s.End()
	end := s.Offset()

	s.Seek(body)
	var names []string
	inner, ok := s.Object()
	for ok && s.Next(&inner) {
		names = append(names, s.Name(&inner))
		s.Unknown(&inner)
	}
	if diff := cmp.Diff([]string{"x", "z"}, names); diff != "" || kind != "t" {
		t.Errorf("type %q, names (-want +got):\n%s", kind, diff)
	}
	if s.depth != 1 {
		t.Errorf("depth %d after the body, want 1", s.depth)
	}
	s.Seek(end)
	s.End()
	if s.Err() != nil {
		t.Error(s.Err())
	}
}

func TestSeekBackFromTheMiddleOfAnObject(t *testing.T) {
	t.Parallel()
	s := scan(`{"u1":0,"first":{"u1":1,"u2":2},"u2":3,"go":true,"u3":4,"u1":5}`)
	first := -1
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "first":
			first, _ = s.Skip()
		case "go":
			s.Skip()
			back := s.Offset()
			s.Seek(first)
			walkAll(s)
			if s.Err() != nil {
				t.Fatal(s.Err())
			}
			s.Seek(back)
		default:
			s.Unknown(&o)
		}
	}
	// The names seen before going back still count.
	want := error(&SyntaxError{Offset: 56, Reason: reasonDuplicate})
	if diff := cmp.Diff(want, s.Err()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSeekKeepsDepthOfDeepestText(t *testing.T) {
	t.Parallel()
	text := " " + nested(MaxDepth)
	s := scan(text)
	start, _ := s.Skip()
	s.Seek(start)
	s.Skip()
	s.Seek(start + 1)
	s.Skip()
	s.Seek(len(text))
	s.End()
	if s.Err() != nil {
		t.Error(s.Err())
	}
}

func TestSeekBeyondTheTextStaysInside(t *testing.T) {
	t.Parallel()
	s := scan(`[1]`)
	s.Seek(99)
	if s.Offset() != 3 || s.Peek() != 0 {
		t.Errorf("at %d", s.Offset())
	}
	s.Seek(-1)
	if s.Offset() != 0 || s.Peek() != '[' {
		t.Errorf("at %d", s.Offset())
	}
}

// wantTextAt records the mismatch that a decoder would which wants text in the
// place of the value that marker begins.
func wantTextAt(t *testing.T, text, marker string) *Scanner {
	t.Helper()
	s := scan(text)
	if err := skipAll(text); err != nil {
		t.Fatal(err)
	}
	s.Fail(strings.Index(text, marker), "text")
	return s
}

func TestShapePath(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("n", 64)
	for name, tc := range map[string]struct{ text, path string }{
		"outermost":          {` 77 `, ``},
		"member":             {`{"a":1,"id":77}`, `id`},
		"nested members":     {`{"a":{"id":1},"body":{"user":{"x":[1],"id":77}},"z":1}`, `body.user.id`},
		"element":            {`[0,[1,2],77]`, `[2]`},
		"element in member":  {`{"a":[],"to":[{"n":1},{"n":2},{"n":3},{"n":77}]}`, `to[3].n`},
		"element in element": {`[[1],[[2,3],[4,77]]]`, `[1][1][1]`},
		"all kinds of signs": {`{"a_B:9.z-":77}`, `a_B:9.z-`},
		"long name":          {`{"` + long + `":77}`, long},
		"too long name":      {`{"` + long + `n":{"a":77}}`, `?.a`},
		"private name":       {`{"jane doe":{"a":77}}`, `?.a`},
		"name with quote":    {`{"\"":77}`, `?`},
		"name with newline":  {`{"a\nb":77}`, `?`},
		"empty name":         {`{"":77}`, `?`},
		"name not ASCII":     {`{"é":77}`, `?`},
		"escaped plain name": {`{"\u0069d":77}`, `id`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := wantTextAt(t, tc.text, "77")
			want := error(&ShapeError{Path: tc.path, Want: "text", Found: "a number"})
			if diff := cmp.Diff(want, s.Shape()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestShapeNamesEveryKindFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"a":1}`: "an object", `[]`: "an array", `""`: "text", `-1`: "a number",
		`true`: "true or false", `false`: "true or false", `null`: "null",
	} {
		s := scan(text)
		s.Mismatch("event")
		s.End()
		if diff := cmp.Diff(error(&ShapeError{Want: "event", Found: want}), s.Shape()); diff != "" || s.Err() != nil {
			t.Errorf("%s: %v (-want +got):\n%s", text, s.Err(), diff)
		}
	}
	s := scan(`1 `)
	s.Fail(1, "event")
	if diff := cmp.Diff(error(&ShapeError{Want: "event", Found: "nothing"}), s.Shape()); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
}

func TestShapeOfManySiblingsTakesLinearTime(t *testing.T) {
	t.Parallel()
	// With a path of 32 KB, making it anew for each sibling takes far longer.
	const deep = MaxDepth - 2
	open := strings.Repeat(`{"`+strings.Repeat("n", 64)+`":`, deep)
	text := open + "[" + strings.Repeat("1,", 2_000_000) + "77]" + strings.Repeat("}", deep)
	s := scan(text)
	s.Fail(strings.Index(text, "77"), "text")
	start := time.Now()
	err := s.Shape()
	if err == nil || !strings.HasSuffix(err.Error(), "n[2000000]: want text, found a number") {
		t.Errorf("wrong path")
	}
	if took := time.Since(start); took > 30*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestShapeOfDeepText(t *testing.T) {
	t.Parallel()
	const half = MaxDepth / 2
	text := strings.Repeat(`[{"a":`, half) + "77" + strings.Repeat("}]", half)
	want := error(&ShapeError{Path: strings.Repeat("[0].a", half), Want: "text", Found: "a number"})
	if diff := cmp.Diff(want, wantTextAt(t, text, "77").Shape()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestShapeFromBeginsAtAValueWithItsPrefix(t *testing.T) {
	t.Parallel()
	text := `{"event":[{"user":{"id":77}}]}`
	s := wantTextAt(t, text, "77")
	start := strings.Index(text, `{"user"`)
	for prefix, want := range map[string]string{
		"body":    "body.user.id: want text, found a number",
		"list[4]": "list[4].user.id: want text, found a number",
		"":        "user.id: want text, found a number",
	} {
		if err := s.ShapeFrom(start, prefix); err == nil || err.Error() != want {
			t.Errorf("prefix %q: got %v, want %s", prefix, err, want)
		}
	}
	if err := s.ShapeFrom(strings.Index(text, "77"), "body"); err == nil || err.Error() != "body: want text, found a number" {
		t.Errorf("at the value itself: got %v", err)
	}
}

func TestShapeIsTheFirstMismatchUntilReset(t *testing.T) {
	t.Parallel()
	s := scan(`[[1],"x",{"a":1}]`)
	if s.Shape() != nil {
		t.Fatalf("mismatch before anything was read: %v", s.Shape())
	}
	a, _ := s.Array()
	s.More(&a)
	s.Text() // a mismatch
	s.More(&a)
	s.Int() // another
	if diff := cmp.Diff(error(&ShapeError{"[0]", "text", "an array"}), s.Shape()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.ResetShape()
	if s.Shape() != nil {
		t.Errorf("mismatch after reset: %v", s.Shape())
	}
	s.More(&a)
	s.Mismatch("event")
	if s.More(&a) {
		t.Error("Mismatch did not skip the value")
	}
	s.End()
	if diff := cmp.Diff(error(&ShapeError{"[2]", "event", "an object"}), s.Shape()); diff != "" || s.Err() != nil {
		t.Errorf("%v (-want +got):\n%s", s.Err(), diff)
	}
}

func TestScalarMismatchPointsAtItsValue(t *testing.T) {
	t.Parallel()
	for name, call := range map[string]func(*Scanner){
		"Int":   func(s *Scanner) { s.Int() },
		"Float": func(s *Scanner) { s.Float() },
		"Time":  func(s *Scanner) { s.Time() },
	} {
		text := `{"a":0, "b": 1.5e999 }`
		if name == "Time" {
			text = `{"a":0, "b": "noon" }`
		}
		s := scan(text)
		o, _ := s.Object()
		for s.Next(&o) {
			if s.Name(&o) == "b" {
				call(s)
			} else {
				s.Unknown(&o)
			}
		}
		s.End()
		var shape *ShapeError
		if !errors.As(s.Shape(), &shape) || shape.Path != "b" || s.Err() != nil {
			t.Errorf("%s: %v, %v", name, s.Shape(), s.Err())
		}
	}
}

func TestShapeErrorIsNilAfterSyntaxError(t *testing.T) {
	t.Parallel()
	s := scan(`[1,]`)
	a, _ := s.Array()
	for s.More(&a) {
		s.Text()
	}
	if s.Err() == nil || s.Shape() != nil {
		t.Errorf("got %v, %v", s.Err(), s.Shape())
	}
}

func TestResetForgetsTheTextBefore(t *testing.T) {
	t.Parallel()
	s := scan(`{"x":1,"y":{"z":[1,}}`)
	o, _ := s.Object()
	s.Next(&o)
	s.Text() // a mismatch
	walkAll(s)
	s.Skip()
	s.Reset(event, []byte(event))
	if s.Err() != nil || s.Shape() != nil || s.Offset() != 0 {
		t.Errorf("left over: %v, %v, offset %d", s.Err(), s.Shape(), s.Offset())
	}
	s.Skip()
	s.End()
	if s.Err() != nil {
		t.Error(s.Err())
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

// TestNamesOfManyOpenObjects has more names in open objects than are held in the
// scanner itself.
func TestNamesOfManyOpenObjects(t *testing.T) {
	t.Parallel()
	const names = fewNames - 1
	for depth := 1; depth < 8; depth++ {
		for twice := range depth {
			text := "1"
			for i := range depth {
				object := strings.TrimSuffix(manyNames(names), "}") + `,"inner":` + text
				if i == twice {
					object += `,"inner":2`
				}
				text = object + "}"
			}
			s := scan(text)
			s.Skip()
			var syntax *SyntaxError
			if !errors.As(s.Err(), &syntax) || syntax.Reason != reasonDuplicate || !strings.HasPrefix(text[syntax.Offset:], `"inner":2`) {
				t.Errorf("%d open, the name is twice in number %d: %v", depth, twice, s.Err())
			}

			s = scan(strings.Replace(text, `,"inner":2`, "", 1))
			s.Skip()
			s.End()
			if s.Err() != nil || s.held != 0 {
				t.Errorf("%d open: %v, %d names left", depth, s.Err(), s.held)
			}
		}
	}
}

func TestResetPanicsOnDifferentLengths(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	new(Scanner).Reset("12", []byte("1"))
}

//nolint:paralleltest // counts allocations of the whole process
func TestNothingIsAllocated(t *testing.T) {
	var s Scanner
	raw := []byte(event)
	for name, read := range map[string]func(){
		"skip": func() { s.Skip() },
		"walk": func() { walkEvent(&s) },
		"all":  func() { walkAll(&s) },
	} {
		allocs := testing.AllocsPerRun(100, func() {
			s.Reset(event, raw)
			read()
			s.End()
		})
		if allocs != 0 || s.Err() != nil || s.Shape() != nil {
			t.Errorf("%s: %v allocations, errors %v, %v", name, allocs, s.Err(), s.Shape())
		}
	}
}

//nolint:paralleltest // counts allocations of the whole process
func TestScalarsAreNotAllocated(t *testing.T) {
	text := `["text", 12, 12.0, 1e2, 1.5, true, "2020-01-01T12:00:00.5Z", {"a":1}, 7]`
	raw := []byte(text)
	var s Scanner
	allocs := testing.AllocsPerRun(100, func() {
		s.Reset(text, raw)
		a, _ := s.Array()
		for i := 0; s.More(&a); i++ {
			switch i {
			case 0:
				s.Text()
			case 1, 2, 3:
				s.Int()
			case 4:
				s.Float()
			case 5:
				s.Bool()
			case 6:
				s.Time()
			case 7:
				s.Raw()
			default:
				s.Number()
			}
		}
		s.End()
	})
	if allocs != 0 || s.Err() != nil || s.Shape() != nil {
		t.Errorf("%v allocations, errors %v, %v", allocs, s.Err(), s.Shape())
	}
}

// decoded is what walkEvent reads of the event.
type decoded struct {
	ID             int64
	Type, From     string
	Conversation   string
	Time           time.Time
	Text, UserName string
}

// walkEvent reads the event as a generated decoder does.
func walkEvent(s *Scanner) (d decoded) {
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case "id":
			if s.Once(&o, 0) {
				d.ID, _ = s.Int()
			}
		case "type":
			if s.Once(&o, 1) {
				d.Type, _ = s.Text()
			}
		case "from":
			if s.Once(&o, 2) {
				d.From, _ = s.Text()
			}
		case "conversation_id":
			if s.Once(&o, 3) {
				d.Conversation, _ = s.Text()
			}
		case "timestamp":
			if s.Once(&o, 4) {
				d.Time, _ = s.Time()
			}
		case "body":
			if s.Once(&o, 5) {
				d.Text = walkMember(s, "text")
			}
		case "_embedded":
			if s.Once(&o, 6) {
				d.UserName = walkMember(s, "from_user", "name")
			}
		default:
			s.Unknown(&o)
		}
	}
	return d
}

// walkMember reads the text at a path of member names.
func walkMember(s *Scanner, path ...string) (text string) {
	if len(path) == 0 {
		text, _ = s.Text()
		return text
	}
	o, _ := s.Object()
	for s.Next(&o) {
		switch s.Name(&o) {
		case path[0]:
			if s.Once(&o, 0) {
				text = walkMember(s, path[1:]...)
			}
		default:
			s.Unknown(&o)
		}
	}
	return text
}

func TestWalkEvent(t *testing.T) {
	t.Parallel()
	s := scan(event)
	got := walkEvent(s)
	s.End()
	want := decoded{
		ID:           10451,
		Type:         "message",
		From:         "MEM-63f61863-4a51-4f6b-86e1-46edebcf9356",
		Conversation: "CON-d66d47de-5bcb-4300-94f0-0c9d4b948e9a",
		Time:         time.Date(2020, 1, 1, 14, 0, 0, 123e6, time.UTC),
		Text:         "Bonjour, votre commande n° 4711 est arrivée. À bientôt, toute l’équipe",
		UserName:     "my_user_name",
	}
	if diff := cmp.Diff(want, got); diff != "" || s.Err() != nil || s.Shape() != nil {
		t.Errorf("%v, %v (-want +got):\n%s", s.Err(), s.Shape(), diff)
	}
}

func BenchmarkSkipEvent(b *testing.B) {
	raw := []byte(event)
	var s Scanner
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		s.Reset(event, raw)
		s.Skip()
		s.End()
		if s.Err() != nil {
			b.Fatal(s.Err())
		}
	}
}

func BenchmarkWalkEvent(b *testing.B) {
	raw := []byte(event)
	var s Scanner
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		s.Reset(event, raw)
		walkEvent(&s)
		s.End()
		if s.Err() != nil {
			b.Fatal(s.Err())
		}
	}
}

func BenchmarkSkipManyNames(b *testing.B) {
	for _, n := range []int{10, 1000, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			text := manyNames(n)
			raw := []byte(text)
			var s Scanner
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				s.Reset(text, raw)
				s.Skip()
				if s.Err() != nil {
					b.Fatal(s.Err())
				}
			}
		})
	}
}
