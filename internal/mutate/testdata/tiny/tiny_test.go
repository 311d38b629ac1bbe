package tiny

import (
	"testing"
	"time"
)

func TestClamp(t *testing.T) {
	t.Parallel()
	for _, c := range [...]struct{ n, want int }{{1, 2}, {2, 2}, {3, 3}, {5, 5}, {6, 5}} {
		if got := Clamp(c.n, 2, 5); got != c.want {
			t.Errorf("Clamp(%d): %d", c.n, got)
		}
	}
}

func TestSum(t *testing.T) {
	t.Parallel()
	if got, err := Sum(0, 1, 2, 20); got != 3 || err != nil {
		t.Error(got, err)
	}
	if _, err := Sum(1, -1); err == nil {
		t.Error("no error")
	}
}

func TestTwice(t *testing.T) {
	t.Parallel()
	if got, _ := Twice(4); got != 8 {
		t.Error(got)
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	for _, c := range [...]struct {
		n        int
		positive bool
		want     string
	}{{0, false, "zero."}, {0, true, "positive."}, {1, false, "positive."}, {-1, false, "negative!."}} {
		if got := Kind(c.n, c.positive); got != c.want {
			t.Errorf("Kind(%d): %s", c.n, got)
		}
	}
}

func TestDay(t *testing.T) {
	t.Parallel()
	if got := Day(5) + Day(6) + Day(7); got != "openclosedSunday" {
		t.Error(got)
	}
}

func TestPatience(t *testing.T) {
	t.Parallel()
	if got, ok := Patience[int](nil); got < time.Second || !ok {
		t.Error(got, ok)
	}
}

func TestSame(t *testing.T) {
	t.Parallel()
	if !Same(1, 1) || Other(true) || Rest("rest") != "est" {
		t.Error("not the same")
	}
}

func FuzzClamp(f *testing.F) {
	f.Add(1)
	f.Fuzz(func(t *testing.T, n int) { Clamp(n, n, n) })
}

func BenchmarkClamp(b *testing.B) {
	for b.Loop() {
		Clamp(1, 1, 1)
	}
}
