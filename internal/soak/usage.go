package main

import (
	"fmt"
	"runtime"
	"slices"
	"time"
)

// What a run may need more in its last quarter than in its second; the first is
// for warming up. Medians are compared: how much is under way varies.
const (
	heapSlack      = 8 << 20 // bytes, and a tenth
	goroutineSlack = 64
)

// usage is what the process needed over time.
type usage struct {
	heap       []int // what is reachable, in bytes
	goroutines []int
}

func (u *usage) sample() {
	u.goroutines = append(u.goroutines, runtime.NumGoroutine())
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	u.heap = append(u.heap, int(m.HeapAlloc)) //nolint:gosec // it fits
}

func (u *usage) lastHeap() int {
	if len(u.heap) == 0 {
		return 0
	}
	return u.heap[len(u.heap)-1]
}

// quarters returns the medians of the second and of the last quarter.
func quarters(samples []int) (second, last int) {
	n := len(samples)
	return median(samples[n/4 : n/2]), median(samples[n-n/4:])
}

func median(samples []int) int {
	if len(samples) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(samples))
	return sorted[len(sorted)/2]
}

// grown says what has grown beyond the bounds.
func (u *usage) grown() error {
	if len(u.heap) < 8 {
		return fmt.Errorf("the run was too short: the heap was measured only %d times", len(u.heap))
	}
	if a, b := quarters(u.heap); b > a+a/10+heapSlack {
		return fmt.Errorf("the heap has grown from %s to %s", megabytes(a), megabytes(b))
	}
	if a, b := quarters(u.goroutines); b > a+goroutineSlack {
		return fmt.Errorf("the goroutines have grown from %d to %d", a, b)
	}
	return nil
}

func (u *usage) heapText() string {
	if len(u.heap) == 0 {
		return "not measured"
	}
	a, b := quarters(u.heap)
	return fmt.Sprintf("%s in the second quarter, %s in the last, %s at most, after garbage collection",
		megabytes(a), megabytes(b), megabytes(slices.Max(u.heap)))
}

func (u *usage) goroutineText() string {
	if len(u.heap) == 0 {
		return "not counted"
	}
	a, b := quarters(u.goroutines)
	return fmt.Sprintf("%d in the second quarter, %d in the last, %d at most, %d now", a, b, slices.Max(u.goroutines), runtime.NumGoroutine())
}

func megabytes(n int) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// left says whether more goroutines are left than there were before. Some are on
// their way out.
func left(before int) error {
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	stacks := make([]byte, 1<<16)
	return fmt.Errorf("there are %d goroutines, and were %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}
