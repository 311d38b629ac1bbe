package jsonscan

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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

func TestShapeIsTheFirstMismatch(t *testing.T) {
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
	s.More(&a)
	s.Mismatch("event")
	if s.More(&a) {
		t.Error("Mismatch did not skip the value")
	}
	s.End()
	if diff := cmp.Diff(error(&ShapeError{"[0]", "text", "an array"}), s.Shape()); diff != "" || s.Err() != nil {
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
