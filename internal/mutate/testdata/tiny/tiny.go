// Package tiny is what the tests of mutate mutate.
package tiny

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

var errNegative = errors.New("negative")

// limit is a constant, which is changed where it is used.
const limit = 10

var patience, none = 2 * time.Second, 0 * time.Second

// Clamp returns n, or the bound that it is beyond. That a bound itself is beyond
// it or not makes no difference.
func Clamp(n, low, high int) int {
	if n < low {
		return low
	}
	if n > high {
		return high
	}
	return n
}

// Sum adds up what is below limit.
func Sum(numbers ...int) (sum int, err error) {
	for i := 0; i < len(numbers); {
		n := numbers[i]
		i++
		if n < 0 {
			return 0, errNegative
		}
		if n >= limit {
			continue
		}
		sum += n
	}
	return sum, nil
}

// Twice is Sum of twice the same.
func Twice(n int) (int, error) {
	return Sum(n, n)
}

// Kind is a word for n.
func Kind(n int, positive bool) (kind string) {
	defer func() { kind += "." }()
	switch {
	case n == 0 && !positive:
		return "zero"
	case n > 0 || positive:
		kind = "positive"
	default:
		slog.Error("negative", "n", n+1)
		kind = "negative"
		kind = fmt.Sprint(kind, "!")
	}
	return kind
}

// Day has cases that return, and one that does not.
func Day(n int) string {
	switch n {
	case 6:
		n = 6 + 1
		n--
	case 7:
		return "Sunday"
	}
	if open := n < 6; open == true {
		switch {
		case n == 0:
			return "new"
		default:
			return "open"
		}
	} else {
		return "closed"
	}
}

// Same and Other are what the results of comparisons say.
func Same(a, b int) bool {
	return a == b
}

// Other is !equal.
func Other(equal bool) bool {
	return !equal
}

// Rest has a constant whose type cannot be named there.
func Rest(int string) string {
	return int[1:]
}

// Unseen is called by no test.
func Unseen(done chan<- bool) {
	done <- true
}

// Patience returns how long to wait.
func Patience[T comparable](map[T]bool) (time.Duration, bool) {
	levels := [...]int{1: 5}
	type named bool
	return patience + none, bool(named(levels[1] > 4) && true)
}
