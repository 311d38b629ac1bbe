package jsonscan

import (
	"fmt"
	"testing"
)

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
