package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// result is what became of a mutant.
type result int

const (
	survived result = iota
	killed
	timedOut   // killed, too
	notReached // survived: no test comes to it
)

func (r result) String() string {
	return [...]string{"survived", "killed", "timed out", "not reached"}[r]
}

func (r result) survived() bool { return r == survived || r == notReached }

// most is how much memory a test binary may use: a loop that does not end may
// allocate without end.
const most = 2 << 30

// record runs each test alone, and finds how long it takes and which mutants it
// reaches.
func (p *testPackage) record(tmp string, processes int, wanted *regexp.Regexp) error {
	list := exec.Command(p.binary, "-test.list", ".") //nolint:gosec // it was made here
	list.Dir = p.dir
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("listing the tests of %s: %w", p.path, err)
	}
	byID := map[int]*mutant{}
	for _, m := range p.mutants {
		byID[m.id] = m
	}
	p.took = map[string]time.Duration{}
	var mu sync.Mutex
	var errs []error
	parallel(processes, strings.Fields(string(out)), func(name string) {
		if strings.HasPrefix(name, "Benchmark") || !wanted.MatchString(name) {
			return
		}
		reached := filepath.Join(tmp, "reached-"+name)
		began := time.Now()
		output, r := p.run([]string{name}, 10*time.Minute, "MUTANT_REACHED="+reached)
		took := time.Since(began)
		numbers, err := os.ReadFile(reached)
		mu.Lock()
		defer mu.Unlock()
		if r != survived {
			errs = append(errs, fmt.Errorf("%s fails alone, in the instrumented package, with no mutant switched on:\n%s", name, output))
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
		p.took[name] = took
		for number := range strings.FieldsSeq(string(numbers)) {
			id, _ := strconv.Atoi(number) // written so
			// A test that runs itself as a process may write a number twice.
			if m := byID[id]; m != nil && !slices.Contains(m.tests, name) {
				m.tests = append(m.tests, name)
			}
		}
	})
	return errors.Join(errs...)
}

// output is what a test binary prints. Soon after a test has failed it calls stop:
// the others need not end.
type output struct {
	bytes.Buffer
	stop func()
}

func (o *output) Write(p []byte) (int, error) {
	n, _ := o.Buffer.Write(p) // which never fails
	if o.stop != nil && failed.Match(o.Bytes()) {
		time.AfterFunc(100*time.Millisecond, o.stop)
		o.stop = nil
	}
	return n, nil
}

var failed = regexp.MustCompile(`(?m)^--- FAIL: (\S+)`)

// run runs tests. What goes wrong in them is a kill.
func (p *testPackage) run(names []string, limit time.Duration, env string) ([]byte, result) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	run := exec.CommandContext(ctx, p.binary, "-test.short", "-test.failfast", "-test.paniconexit0", "-test.run=^("+strings.Join(names, "|")+")$") //nolint:gosec // it was made here
	run.Dir = p.dir
	run.Env = append(os.Environ(), "TMPDIR="+filepath.Dir(p.binary), env) // what a killed test leaves there is removed
	run.WaitDelay = time.Second
	out := &output{stop: cancel}
	run.Stdout, run.Stderr = out, out
	err := run.Start()
	if err == nil {
		go limitMemory(ctx, run.Process)
		err = run.Wait()
	}
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return out.Bytes(), timedOut
	case err != nil:
		return out.Bytes(), killed
	default:
		return out.Bytes(), survived
	}
}

// limitMemory kills a process that uses too much memory, where the system has a
// /proc.
func limitMemory(ctx context.Context, p *os.Process) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.Pid))
		fields := strings.Fields(string(data))
		if err != nil || len(fields) < 2 {
			return
		}
		if pages, _ := strconv.ParseInt(fields[1], 10, 64); pages*int64(os.Getpagesize()) > most {
			_ = p.Kill() // or it has ended
			return
		}
	}
}

// try runs the tests that reach a mutant, with the mutant switched on, until one
// fails: those first that killed mutants of the same function before, then the
// fastest.
func (p *testPackage) try(m *mutant, mu *sync.Mutex, grace time.Duration) result {
	if len(m.tests) == 0 {
		return notReached
	}
	mu.Lock()
	// cost is small for what is fast, and for what killed others there.
	cost := func(name string) time.Duration {
		return p.took[name] / time.Duration(1+5*p.killed[m.function+" "+name])
	}
	names := slices.SortedFunc(slices.Values(m.tests), func(a, b string) int { return cmp.Compare(cost(a), cost(b)) })
	mu.Unlock()
	for batch := 100 * time.Millisecond; len(names) > 0; batch *= 8 {
		n, took := 0, time.Duration(0)
		for n < len(names) && (n == 0 || took < batch) {
			took += p.took[names[n]]
			n++
		}
		output, r := p.run(names[:n], 3*took+grace, "MUTANT="+strconv.Itoa(m.id))
		if r != survived {
			if match := failed.FindSubmatch(output); match != nil {
				mu.Lock()
				p.killed[m.function+" "+string(match[1])]++
				mu.Unlock()
			}
			return r
		}
		names = names[n:]
	}
	return survived
}

// parallel calls f for each of the items, on as many goroutines as processes says.
func parallel[T any](processes int, items []T, f func(T)) {
	next := make(chan T)
	var wg sync.WaitGroup
	for range processes {
		wg.Go(func() {
			for item := range next {
				f(item)
			}
		})
	}
	for _, item := range items {
		next <- item
	}
	close(next)
	wg.Wait()
}
