// Soak sends events as fast as this machine can through everything that there is
// between the service and a handler, while all goes wrong that may:
//
//	go run ./internal/soak -duration 10m
//
// A service of package nexmotest posts webhooks, and tells sessions, over TCP on
// the loopback interface: lost, doubled, late, out of order, cut off, unsigned.
// Handlers fail, answers get lost, connections are cut, IDs are left out, and what
// is missing is read over REST, which fails, too. One event of a hundred has odd
// content, and no retry makes the handler of another one succeed. All goes into one
// Application.
//
// It ends with status 1 when an event is neither handled nor set aside, is handled twice, or
// out of order, when one that exists is given up, or when the heap or the number of
// goroutines grows. It ends by itself, and reaches no other machine.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	duration := flag.Duration("duration", 10*time.Minute, "for how long")
	conversations := flag.Int("conversations", 64, "how many conversations at a time")
	every := flag.Duration("every", 5*time.Second, "how often a line is printed")
	flag.Parse()
	if flag.NArg() > 0 || *duration <= 0 || *conversations <= 0 || *every <= 0 {
		flag.Usage()
		os.Exit(2) //nolint:gocritic // stop only restores the signals
	}
	if !run(ctx, os.Stdout, *duration, *conversations, *every) {
		os.Exit(1)
	}
}

// run reports whether all went well.
func run(ctx context.Context, out io.Writer, duration time.Duration, conversations int, every time.Duration) bool {
	fmt.Fprintf(out, "soak: %v, %d conversations at a time; %s, %s/%s, GOMAXPROCS %d\n",
		duration, conversations, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	c := newChecker()
	goroutines := runtime.NumGoroutine()
	began := time.Now()
	load, err := start(ctx, c)
	if err != nil {
		fmt.Fprintln(out, "FAIL:", err)
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, duration)
	defer cancel()
	context.AfterFunc(c.failed, cancel)
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		load.run(ctx, conversations)
	}()

	var use usage
	sample := time.NewTicker(max(duration/100, 50*time.Millisecond))
	defer sample.Stop()
	line := time.NewTicker(every)
	defer line.Stop()
	before, at := int64(0), began
	for running := true; running; {
		select {
		case <-ctx.Done():
			running = false
		case <-sample.C:
			use.sample()
		case <-line.C:
			n, t := c.handled.Load(), time.Now()
			fmt.Fprintf(out, "%6s %10d events %7.0f/s   %s   heap %s, %d goroutines\n", t.Sub(began).Round(time.Second), n,
				float64(n-before)/t.Sub(at).Seconds(), load.counts(), megabytes(use.lastHeap()), runtime.NumGoroutine())
			before, at = n, t
		}
	}
	elapsed := time.Since(began)
	<-finished
	load.stop()
	if c.failed.Err() == nil { // else these follow from what failed
		c.check(use.grown())
		c.check(left(goroutines))
	}

	fmt.Fprintf(out, `
events      %d handled once each and in order, %d others; %.0f a second for %v
deliveries  %s
heap        %s
goroutines  %s
`, c.handled.Load(), c.plain.Load(), float64(c.handled.Load())/elapsed.Seconds(), elapsed.Round(100*time.Millisecond),
		load.counts(), use.heapText(), use.goroutineText())
	if c.handled.Load() == 0 {
		c.violation("nothing was handled")
	}
	for _, v := range c.violations() {
		fmt.Fprintln(out, "FAIL:", v)
	}
	if c.failed.Err() != nil {
		return false
	}
	fmt.Fprintln(out, "PASS")
	return true
}
