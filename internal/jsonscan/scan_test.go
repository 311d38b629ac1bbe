package jsonscan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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

func TestResetPanicsOnDifferentLengths(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	new(Scanner).Reset("12", []byte("1"))
}
