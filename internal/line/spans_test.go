package line

import (
	"slices"
	"testing"
)

// Spans are compared with a list of what they stand for: for each ID up to most whether it is
// in none, absent or missed.
const most = 6

const none fate = handled // it is in no span

func spansOf(fates []fate) (s spans) {
	for i, f := range fates {
		if f != none {
			s = s.push(span{int64(i + 1), int64(i + 1), f})
		}
	}
	return s
}

// patterns calls f with all lists.
func patterns(f func(fates []fate)) {
	for n := range 3 * 3 * 3 * 3 * 3 * 3 {
		fates := make([]fate, most)
		for i := range fates {
			fates[i] = []fate{none, absent, missed}[n%3]
			n /= 3
		}
		f(fates)
	}
}

// Equal neighbours are one span, which is how 1024 of them are enough.
func TestPushJoinsWhatTouches(t *testing.T) {
	t.Parallel()
	patterns(func(fates []fate) {
		s := spansOf(fates)
		runs := 0
		for i, f := range fates {
			if f != none && (i == 0 || fates[i-1] != f) {
				runs++
			}
			at, ok := s.find(int64(i + 1))
			if ok != (f != none) || ok && s[at].fate != f {
				t.Fatalf("%v: %v has %d wrong", fates, s, i+1)
			}
		}
		if len(s) != runs {
			t.Fatalf("%v: %v, want %d spans", fates, s, runs)
		}
	})
}

func TestMarkChangesWhatHasNotCome(t *testing.T) {
	t.Parallel()
	patterns(func(fates []fate) {
		for from := 1; from <= most; from++ {
			for to := from; to <= most; to++ {
				for _, as := range []fate{absent, missed} {
					marked := slices.Clone(fates)
					for id := from; id <= to; id++ {
						if marked[id-1] != none {
							marked[id-1] = as
						}
					}
					if got, want := spansOf(fates).mark(int64(from), int64(to), as), spansOf(marked); !slices.Equal(got, want) {
						t.Fatalf("%v, %d to %d marked as %d: %v, want %v", spansOf(fates), from, to, as, got, want)
					}
				}
			}
		}
	})
}

func TestRemoveTakesOneOut(t *testing.T) {
	t.Parallel()
	patterns(func(fates []fate) {
		for id := 1; id <= most; id++ {
			without := slices.Clone(fates)
			without[id-1] = none
			if got, want := spansOf(fates).remove(int64(id)), spansOf(without); !slices.Equal(got, want) {
				t.Fatalf("%v without %d: %v, want %v", spansOf(fates), id, got, want)
			}
		}
	})
}
