package jsonscan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
