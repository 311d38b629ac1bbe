package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const tiny = "internal/mutate/testdata/tiny/tiny.go:"

// run returns what the program prints, without the names of the files.
func run(args ...string) (status int, lines []string, stderr string) {
	var out, errs bytes.Buffer
	status = mutate(args, &out, &errs)
	for line := range strings.Lines(out.String()) {
		lines = append(lines, strings.TrimSpace(strings.ReplaceAll(line, tiny, "")))
	}
	return status, lines, strings.ReplaceAll(errs.String(), tiny, "")
}

// survivorsFile makes a list of survivors.
func survivorsFile(t *testing.T, lines ...string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "survivors.txt")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// What becomes of each mutant of testdata/tiny, whose survivors are all listed.
func TestMutants(t *testing.T) {
	t.Parallel()
	status, got, stderr := run("-v", "-grace=1s", "-survivors=testdata/survivors.txt", "testdata/tiny/tiny.go")
	if status != 0 {
		t.Errorf("exit status %d: %s", status, stderr)
	}
	summary := got[len(got)-1]
	got = got[:len(got)-1]
	slices.Sort(got)
	want, err := os.ReadFile("testdata/tiny.txt")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(string(want)), "\n"), got); diff != "" {
		t.Error(diff)
	}
	if want := "61 mutants, 61 tried: 42 killed, 1 timed out, 18 survived (5 of them not reached), 18 of these listed; 4 left out; "; !strings.HasPrefix(summary, want) {
		t.Errorf("want %s, got %s", want, summary)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, test := range [...]struct {
		name      string
		survivors []string
		args      []string
		status    int
		stderr    string // all of it for status 1, a part of it for status 2
	}{
		{
			"survivors that are not listed", []string{"# a comment", "", tiny + "Clamp:boundary:n < low # the same"},
			[]string{"-only=Clamp", "testdata/tiny/tiny.go"}, 1,
			"24: survived:\n\tClamp:boundary:n > high # reason?\n",
		},
		{
			"not reached", nil, []string{"-only=Unseen:bool", "testdata/tiny/tiny.go"}, 1,
			"105: survived, since no test comes to where it differs:\n\tUnseen:bool:true # reason?\n",
		},
		{
			"stale lines", []string{
				tiny + "Clamp:never:n < low # killed",
				tiny + "Clamp:never:n < lowest # gone",
				tiny + "Rest:increment:1 # left out",
				"gone.go:F:bool:true # no such file",
				"main.go:main:bool:true # a file that is not mutated here",
			},
			[]string{"-only=Clamp:never:n <", "testdata/tiny/tiny.go"}, 1,
			"listed as a survivor, but killed:\n\tClamp:never:n < low\n" +
				"listed as a survivor, but left out:\n\tRest:increment:1\n" +
				"listed as a survivor, but not a mutant of the file any more:\n\tClamp:never:n < lowest\n" +
				"listed as a survivor, but there is no such file:\n\tgone.go:F:bool:true\n",
		},
		{"no time", nil, []string{"-within=1ns", "testdata/tiny/tiny.go"}, 0, ""},
		{"a test that fails by itself", nil, []string{"testdata/broken/broken.go"}, 2, "TestDouble fails alone"},
		{"no reason", []string{"a.go:F:bool:true # reason?"}, []string{"testdata/tiny/tiny.go"}, 2, ":1: want \"key # reason\""},
		{"listed twice", []string{"a.go:F:bool:true # a", "a.go:F:bool:true # b"}, []string{"testdata/tiny/tiny.go"}, 2, ":2: listed twice"},
		{"no file", nil, nil, 2, "usage"},
		{"no such file", nil, []string{"testdata/tiny/none.go"}, 2, "not all of none.go are files"},
		{"a test", nil, []string{"main_test.go"}, 2, "tests are not mutated"},
		{"no such flag", nil, []string{"-fast", "main.go"}, 2, "-fast"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			status, _, stderr := run(append([]string{"-survivors=" + survivorsFile(t, test.survivors...)}, test.args...)...)
			if status != test.status {
				t.Errorf("exit status: want %d, got %d: %s", test.status, status, stderr)
			}
			if test.status == 2 {
				if !strings.Contains(stderr, test.stderr) {
					t.Errorf("want %q in %s", test.stderr, stderr)
				}
			} else if diff := cmp.Diff(test.stderr, stderr); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSample(t *testing.T) {
	t.Parallel()
	samples := map[string]string{}
	for _, seed := range [...]string{"1", "0x2", "0x2"} {
		status, lines, stderr := run("-survivors="+survivorsFile(t), "-list", "-sample=5", "-seed="+seed, "testdata/tiny/tiny.go")
		sample := strings.Join(lines, "\n")
		if status != 0 || len(lines) != 5 {
			t.Fatalf("exit status %d: %s\n%s", status, stderr, sample)
		}
		if before, ok := samples[seed]; ok && before != sample {
			t.Errorf("seed %s:\n%s\nand then\n%s", seed, before, sample)
		}
		samples[seed] = sample
	}
	if samples["1"] == samples["0x2"] {
		t.Error("two seeds choose the same")
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string][]string{
		"-logs=false": nil,
		"-logs=true":  {`60: Kind:delete:slog.Error("negative", "n", n+1)`},
	} {
		status, got, stderr := run("-survivors="+survivorsFile(t), "-list", "-only=slog", flag, "testdata/tiny/tiny.go")
		if status != 0 {
			t.Errorf("%s: exit status %d: %s", flag, status, stderr)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", flag, diff)
		}
	}
}
