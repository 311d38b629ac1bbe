// Bench runs the benchmarks of this folder in interleaved rounds and prints one
// table in Markdown: what this module takes, what others take for the same, the
// ratio, and the targets of the project. From the root of the repository:
//
//	go -C bench run .
//	go -C bench run . -raw new.txt    # and keep the results for benchstat
//
// Each round runs every benchmark once, in a process of its own, so that what the
// machine does meanwhile falls on all alike. The figures are medians of the rounds.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"golang.org/x/perf/benchfmt"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	rounds := flag.Int("rounds", 15, "how often each benchmark runs")
	benchtime := flag.Duration("benchtime", 100*time.Millisecond, "for how long it runs each time")
	pattern := flag.String("bench", ".", "which benchmarks run, as for go test")
	raw := flag.String("raw", "", "a file for the results in the form that benchstat reads")
	flag.Parse()
	if flag.NArg() > 0 || *rounds < 1 || *benchtime <= 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	text, err := run(ctx, *rounds, *benchtime, *pattern)
	if err != nil {
		log.Fatal(err)
	}
	if *raw != "" {
		if err := os.WriteFile(*raw, text, 0o644); err != nil { //nolint:gosec // results are for all
			log.Fatal(err)
		}
	}
	all, err := read(bytes.NewReader(text))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, %s/%s, %d processors (%s); median of %d rounds\n\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), all.cpu, *rounds)
	all.table(os.Stdout)
}

// run runs the benchmarks and returns what they printed.
func run(ctx context.Context, rounds int, benchtime time.Duration, pattern string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	binary := filepath.Join(dir, "bench.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, ".") //nolint:gosec // the folder is the one just made
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the benchmarks: %w", err)
	}
	var out bytes.Buffer
	for i := range rounds {
		fmt.Fprintf(os.Stderr, "\rround %d of %d", i+1, rounds)
		//nolint:gosec // the binary is the one just built, the arguments are the caller's own
		cmd := exec.CommandContext(ctx, binary, "-test.run=^$", "-test.bench="+pattern, "-test.benchtime="+benchtime.String())
		cmd.Stdout, cmd.Stderr = &out, os.Stderr
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("round %d: %w", i+1, err)
		}
	}
	fmt.Fprintln(os.Stderr)
	return out.Bytes(), nil
}

// results are the values of each benchmark by unit.
type results struct {
	byName map[string]map[string][]float64
	cpu    string
}

func read(r io.Reader) (*results, error) {
	all := &results{byName: map[string]map[string][]float64{}, cpu: "unknown"}
	in := benchfmt.NewReader(r, "results")
	for in.Scan() {
		res, ok := in.Result().(*benchfmt.Result)
		if !ok {
			continue
		}
		base, parts := res.Name.Parts()
		if n := len(parts); n > 0 && parts[n-1][0] == '-' { // the number of processors
			parts = parts[:n-1]
		}
		name := string(base) + string(bytes.Join(parts, nil))
		units := all.byName[name]
		if units == nil {
			units = map[string][]float64{}
			all.byName[name] = units
		}
		for _, v := range res.Values {
			unit, value := v.Unit, v.Value
			if v.OrigUnit != "" {
				unit, value = v.OrigUnit, v.OrigValue
			}
			units[unit] = append(units[unit], value)
		}
		if cpu := res.GetConfig("cpu"); cpu != "" {
			all.cpu = cpu
		}
	}
	return all, in.Err()
}

func (r *results) median(name, unit string) (float64, bool) {
	v := slices.Sorted(slices.Values(r.byName[name][unit]))
	if len(v) == 0 {
		return 0, false
	}
	return (v[(len(v)-1)/2] + v[len(v)/2]) / 2, true
}

// comparison is a row of the table: a task, and what its times are compared with.
type comparison struct {
	task, benchmark string
	against, name   string
	target          string
	unit            string // ns/op if empty
}

const (
	joined = "decode `member:joined`, 1.1 KB"
	text   = "decode `text`, 0.6 KB"
	both   = "verify and decode, 1.1 KB"
	page   = "page of 100 events, 82 KB"
)

var comparisons = []comparison{
	{task: joined, benchmark: "Decode/joined", against: "written by hand for it", name: "floor", target: "1.6× the time"},
	{task: joined, benchmark: "Decode/joined", against: "encoding/json in two passes", name: "encoding_json", target: "6× faster"},
	{task: joined, benchmark: "Decode/joined", against: "the same, structs without methods", name: "encoding_json_plain"},
	{task: joined, benchmark: "Decode/joined", against: "go-github, issue_comment", name: "go_github"},
	{task: joined, benchmark: "Decode/joined", against: "discordgo, MESSAGE_CREATE", name: "discordgo"},
	{task: joined, benchmark: "Decode/joined", against: "disgo, MESSAGE_CREATE", name: "disgo"},
	{task: joined, benchmark: "Decode/joined", against: "arikawa, MESSAGE_CREATE", name: "arikawa"},
	{task: text, benchmark: "Decode/text", against: "written by hand for it", name: "floor", target: "1.6× the time"},
	{task: text, benchmark: "Decode/text", against: "encoding/json in two passes", name: "encoding_json", target: "6× faster"},
	{task: "verify, 1.1 KB", benchmark: "Verify", against: "HMAC and SHA-256 alone", name: "floor"},
	{task: "verify, 1.1 KB", benchmark: "Verify", against: "golang-jwt", name: "golang_jwt"},
	{task: both, benchmark: "VerifyDecode", against: "written by hand for it", name: "floor", target: "1.6× the time"},
	{task: both, benchmark: "VerifyDecode", against: "livekit's receiver", name: "livekit", target: "5× faster"},
	{task: both, benchmark: "VerifyDecode", against: "go-github's receiver", name: "go_github"},
	{task: both, benchmark: "VerifyDecode", against: "golang-jwt and encoding/json", name: "golang_jwt_encoding_json"},
	{task: "dispatch to one handler", benchmark: "Dispatch", against: "a map and a loop", name: "floor", target: "8 ns"},
	{task: "dispatch to one handler", benchmark: "Dispatch", against: "disgo", name: "disgo", target: "1.4× the time"},
	{task: "dispatch to one handler", benchmark: "Dispatch", against: "arikawa", name: "arikawa"},
	{task: "memory of a dispatch to one handler", benchmark: "Dispatch", against: "disgo", name: "disgo", target: "0 B", unit: "B/op"},
	{task: "dispatch to 32 handlers", benchmark: "DispatchHandlers/32", against: "disgo", name: "disgo", target: "1.3× the time"},
	{task: "dispatch to one handler of 513", benchmark: "DispatchHandlers/others", against: "the same, without the 512 of other types", name: "without", target: "1× the time"},
	{task: "dispatch to one handler of 513", benchmark: "DispatchHandlers/others", against: "disgo", name: "disgo"},
	{task: "dispatch, all processors", benchmark: "DispatchParallel", against: "disgo", name: "disgo"},
	{task: "order, members and dispatch, Conversation", benchmark: "Ordered/conversation", target: "150 ns"},
	{task: "the same, routed by an Application", benchmark: "Ordered/application", target: "150 ns"},
	{task: "webhook to handler, without HTTP", benchmark: "Pipeline", against: "golang-jwt and encoding/json, unordered", name: "golang_jwt_encoding_json"},
	{task: page, benchmark: "Page", against: "written by hand for it", name: "floor"},
	{task: page, benchmark: "Page", against: "encoding/json", name: "encoding_json", target: "7× faster"},
	{task: "the same, listed by a Client", benchmark: "List", against: "net/http and encoding/json", name: "encoding_json"},
	{task: "webhook over loopback HTTP", benchmark: "HTTP", against: "a handler that only reads the body", name: "body_only", target: "1.54× the time"},
	{task: "memory of ten members on the phone", benchmark: "Memory", against: "their decoded structs", name: "decoded_structs", target: "3.6 KB", unit: "B/conversation"},
}

func (r *results) table(w io.Writer) {
	fmt.Fprintln(w, "| task | nexmo | allocs | beside | theirs | allocs | ratio | target |")
	fmt.Fprintln(w, "|---|---:|---:|---|---:|---:|---:|---|")
	for _, c := range comparisons {
		unit := c.unit
		if unit == "" {
			unit = "ns/op"
		}
		ours, ok := r.median(c.benchmark+"/nexmo", unit)
		if !ok {
			continue // not among those that ran
		}
		theirs, ratio := "", ""
		if v, ok := r.median(c.benchmark+"/"+c.name, unit); ok {
			theirs = amount(v, unit)
			ratio = fmt.Sprintf("%.1f× faster", v/ours)
			if v < ours {
				ratio = fmt.Sprintf("%.2f× the time", ours/v)
			}
			if unit != "ns/op" {
				ratio = fmt.Sprintf("%.1f× smaller", v/ours)
			}
			if ours == 0 || v == 0 {
				ratio = ""
			}
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | %s | %s |\n", c.task,
			amount(ours, unit), r.allocations(c.benchmark+"/nexmo"), c.against, theirs, r.allocations(c.benchmark+"/"+c.name), ratio, c.target)
	}
}

func (r *results) allocations(benchmark string) string {
	v, ok := r.median(benchmark, "allocs/op")
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.0f", v)
}

// amount writes a time or a size with three digits.
func amount(v float64, unit string) string {
	if unit != "ns/op" {
		return fmt.Sprintf("%.0f B", v)
	}
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3g ms", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3g µs", v/1e3)
	default:
		return fmt.Sprintf("%.3g ns", v)
	}
}
