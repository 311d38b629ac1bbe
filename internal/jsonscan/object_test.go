package jsonscan

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

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
