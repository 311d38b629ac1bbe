// Mutate changes one small thing of the code at a time, a mutant, and runs the
// tests: they must fail. Where none fails, either a test is missing, or the change
// makes no difference, which survivors.txt then explains.
//
//	go run ./internal/mutate dispatcher.go webhook.go
//	go run ./internal/mutate -only 'Drain' -v webhook.go      # some mutants, and what became of each
//	go run ./internal/mutate -sample 200 -seed 7 *.go         # a part, the same for the same seed
//	go run ./internal/mutate -within 3m -seed 7 *.go          # as many as fit into three minutes
//
// It writes nothing into the tree. The exit status is 0 when the survivors are those
// of survivors.txt, 1 when they are not, and 2 when something else went wrong: a
// wrong flag, code that does not compile, a test that fails without a mutant.
//
// # What it changes
//
//	delete      a statement: a call, an assignment to what exists, ++, --, defer, go, a
//	            send, break, continue, a return of nothing
//	always      the condition of an if or a case: true
//	never       the condition of an if, a case or a for: false
//	drop        an operand of && or ||
//	case        the statements of a case that has no condition: none
//	equal       == and != for each other
//	boundary    < and <=, > and >= for each other
//	not         !x: x
//	plusminus   + and -, += and -= for each other, of numbers
//	bool        true and false for each other
//	increment   a constant integer: one more
//	double      a constant duration: twice as long
//	nil         a returned error: nil
//
// Texts stay as they are, and so do the calls that write logs with what is in them;
// with -logs these calls are deleted too. Declarations of constants stay, but each use of
// a constant is changed. What two operators would change in the same way, one changes.
// Nothing inverts a condition, empties an else, or changes && for ||: what a test has to
// notice for that, it has to notice for always, never or drop.
//
// # How it works
//
// All mutants of a package are compiled into one test binary ("mutant schemata"), and
// the environment switches one on: `a < b` becomes mutantLess(17, a, b). The package
// that is compiled is an overlay (go help build) of the one in the tree. Each test
// then runs alone, with -short, and notes which mutants it reaches; and for each mutant
// those tests run that reach it, until one fails. A mutant has timed out, and
// counts as killed, when they take three times as long as without it and 5 seconds
// (-grace) more. A mutant that no test reaches has survived; a boundary is reached
// where both sides are equal. Mutants that cannot be switched on at run time, since the
// binary would not compile, are left out and counted.
//
// No tool was found that does this. Gremlins v0.6.0 compiles the tests again for each
// mutant, deletes no statements, leaves returned errors alone, and has no list of
// accepted survivors; the others are not maintained.
//
// # survivors.txt
//
// A line is a mutant that may survive, and why:
//
//	file:function:operator:source # reason
//
// The source is that of what is changed, cut after 80 characters; a second one like it in
// the same function ends with " (2)". A key has no line number, so it stays the same
// when code moves within its file. The reason says why no test can see the change, or
// why none should: "a missing test" is not a reason. A line whose mutant is killed,
// or does not exist any more, is an error.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() { os.Exit(mutate(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the flags.
type options struct {
	survivors string
	tests     *regexp.Regexp
	only      *regexp.Regexp
	logs      bool
	verbose   bool
	list      bool
	sample    int
	within    time.Duration
	seed      uint64
	grace     time.Duration
	processes int
	files     []string
}

func (o *options) parse(args []string, stderr io.Writer) error {
	flags := flag.NewFlagSet("mutate", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: mutate [flags] file.go ...")
		flags.PrintDefaults()
	}
	pattern := func(target **regexp.Regexp, name, usage string) {
		*target = regexp.MustCompile("")
		flags.Func(name, usage, func(s string) (err error) {
			*target, err = regexp.Compile(s)
			return err
		})
	}
	pattern(&o.tests, "run", "run only the tests whose name matches this `regexp`")
	pattern(&o.only, "only", "try only the mutants whose key matches this `regexp`")
	flags.StringVar(&o.survivors, "survivors", "internal/mutate/survivors.txt", "`file` of the mutants that may survive")
	flags.BoolVar(&o.logs, "logs", false, "delete calls that write logs, too")
	flags.BoolVar(&o.verbose, "v", false, "print what became of each mutant")
	flags.BoolVar(&o.list, "list", false, "print the mutants and try none")
	flags.IntVar(&o.sample, "sample", 0, "try only so `many`, chosen by -seed; 0 is all")
	flags.DurationVar(&o.within, "within", 0, "begin with no mutant after this `time`; 0 is without end")
	flags.Uint64Var(&o.seed, "seed", 1, "which mutants -sample chooses, and the order of -within")
	flags.DurationVar(&o.grace, "grace", 5*time.Second, "what tests may take besides three times their usual time")
	flags.IntVar(&o.processes, "p", runtime.GOMAXPROCS(0), "how many test binaries run at a time")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.files = flags.Args(); len(o.files) == 0 || o.processes < 1 {
		flags.Usage()
		return errors.New("no file is named")
	}
	return nil
}

func mutate(args []string, stdout, stderr io.Writer) (status int) {
	var o options
	if err := o.parse(args, stderr); err != nil {
		return 2
	}
	tmp, err := os.MkdirTemp("", "mutate")
	if err != nil {
		fmt.Fprintln(stderr, "mutate:", err)
		return 2
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	problems, err := o.run(tmp, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "mutate:", err)
		return 2
	}
	for _, problem := range problems {
		fmt.Fprintln(stderr, problem)
	}
	if len(problems) > 0 {
		return 1
	}
	return 0
}

// run returns in what the survivors are not those of the list.
func (o *options) run(tmp string, stdout io.Writer) ([]string, error) {
	began := time.Now()
	reasons, err := readSurvivors(o.survivors)
	if err != nil {
		return nil, err
	}
	packages, err := o.load()
	if err != nil {
		return nil, err
	}
	known := map[string]bool{} // all mutants of the files
	mutated := map[string]bool{}
	var chosen []*mutant
	for _, p := range packages {
		if err := p.prepare(tmp, o); err != nil {
			return nil, err
		}
		for _, f := range p.files {
			mutated[f.name] = true
		}
		for _, m := range p.mutants {
			known[m.key] = m.leftOut == ""
			if m.leftOut == "" && o.only.MatchString(m.key) {
				chosen = append(chosen, m)
			}
			if m.leftOut != "" && o.verbose {
				fmt.Fprintf(stdout, "left out: %s (%s)\n", m.key, m.leftOut)
			}
		}
	}
	left := 0
	for _, possible := range known {
		if !possible {
			left++
		}
	}
	if o.sample > 0 || o.within > 0 {
		random := rand.New(rand.NewPCG(o.seed, 0)) //nolint:gosec // there is nothing to guess
		random.Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		if o.sample > 0 {
			chosen = chosen[:min(o.sample, len(chosen))]
		}
	}
	if o.list {
		for _, m := range chosen {
			fmt.Fprintf(stdout, "%s:%d: %s\n", m.file.name, m.line, m.key)
		}
		return nil, nil
	}
	prepared := time.Now()
	results := map[string]result{}
	var mu, kills sync.Mutex
	parallel(o.processes, chosen, func(m *mutant) {
		if o.within > 0 && time.Since(prepared) > o.within {
			return
		}
		r := m.pkg.try(m, &kills, o.grace)
		if _, listed := reasons[m.key]; listed && !r.survived() {
			r = m.pkg.try(m, &kills, o.grace) // a test that fails by itself now and then is no proof
		}
		mu.Lock()
		defer mu.Unlock()
		results[m.key] = r
		if o.verbose {
			fmt.Fprintf(stdout, "%s: %s\n", r, m.key)
		}
	})
	count := map[result]int{}
	explained := 0
	for key, r := range results {
		count[r]++
		if _, listed := reasons[key]; listed && r.survived() {
			explained++
		}
	}
	fmt.Fprintf(stdout, "%d mutants, %d tried: %d killed, %d timed out, %d survived (%d of them not reached), %d of these listed; %d left out; %.0f s, %.0f s of them to prepare\n",
		len(known)-left, len(results), count[killed], count[timedOut], count[survived]+count[notReached], count[notReached], explained, left,
		time.Since(began).Seconds(), prepared.Sub(began).Seconds())
	return compare(chosen, results, reasons, known, mutated), nil
}

// load reads the packages of the files.
func (o *options) load() ([]*testPackage, error) {
	byDir := map[string][]string{}
	var dirs []string
	for _, file := range o.files {
		path, err := filepath.Abs(file)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil, fmt.Errorf("%s: tests are not mutated", file)
		}
		dir, name := filepath.Split(path)
		if byDir[dir] == nil {
			dirs = append(dirs, dir)
		}
		byDir[dir] = append(byDir[dir], name)
	}
	number := 0
	nextID := func() int { number++; return number }
	var packages []*testPackage
	for _, dir := range dirs {
		p, err := load(dir, byDir[dir], o.logs, nextID)
		if err != nil {
			return nil, err
		}
		if len(p.mutants) > 0 {
			packages = append(packages, p)
		}
	}
	return packages, nil
}

// prepare compiles the tests with the mutants, and records which reach which.
func (p *testPackage) prepare(tmp string, o *options) error {
	tmp = filepath.Join(tmp, strings.ReplaceAll(p.path, "/", "_"))
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	texts, err := p.instrument()
	if err != nil || o.list {
		return err
	}
	if err := p.build(tmp, texts); err != nil {
		return err
	}
	return p.record(tmp, o.processes, o.tests)
}

// compare says in what the results are not what the list of survivors has.
func compare(chosen []*mutant, results map[string]result, reasons map[string]string, known, mutated map[string]bool) []string {
	var problems []string
	for _, m := range chosen {
		r, tried := results[m.key]
		if _, listed := reasons[m.key]; tried && r.survived() && !listed {
			what := "survived"
			if r == notReached {
				what = "survived, since no test comes to where it differs"
			}
			problems = append(problems, fmt.Sprintf("%s:%d: %s:\n\t%s # reason?", m.file.name, m.line, what, m.key))
		}
	}
	var stale []string
	for key := range reasons {
		file, _, _ := strings.Cut(key, ":")
		r, tried := results[key]
		possible, exists := known[key]
		switch {
		case tried && !r.survived():
			stale = append(stale, "listed as a survivor, but killed:\n\t"+key)
		case exists && !possible:
			stale = append(stale, "listed as a survivor, but left out:\n\t"+key)
		case !exists && mutated[file]:
			stale = append(stale, "listed as a survivor, but not a mutant of the file any more:\n\t"+key)
		case !mutated[file]:
			if _, err := os.Stat(filepath.FromSlash(file)); errors.Is(err, os.ErrNotExist) {
				stale = append(stale, "listed as a survivor, but there is no such file:\n\t"+key)
			}
		}
	}
	slices.Sort(stale)
	return append(problems, stale...)
}

// readSurvivors reads the list of survivors: their reasons, by key.
func readSurvivors(name string) (map[string]string, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	reasons := map[string]string{}
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, reason, _ := strings.Cut(line, " # ")
		if reason = strings.TrimSpace(reason); reason == "" || reason == "reason?" {
			return nil, fmt.Errorf("%s:%d: want \"key # reason\", and no reason is given", name, n)
		}
		if _, twice := reasons[key]; twice {
			return nil, fmt.Errorf("%s:%d: listed twice: %s", name, n, key)
		}
		reasons[key] = reason
	}
	return reasons, lines.Err()
}
