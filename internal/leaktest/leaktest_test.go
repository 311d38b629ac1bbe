package leaktest

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"testing"
)

func TestMain(m *testing.M) { Main(m) }

// leaking is set in the process whose test leaves a goroutine behind.
const leaking = "NEXMO_LEAKTEST_LEAKING"

// TestMainFails runs these tests once more, with and without a leak.
func TestMainFails(t *testing.T) {
	t.Parallel()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(env ...string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), exe, "-test.run=^TestLeaking$")
		cmd.Env = append(os.Environ(), env...)
		return cmd.CombinedOutput()
	}
	if out, err := run(); err != nil {
		t.Errorf("without a leak: %v\n%s", err, out)
	}
	out, err := run(leaking + "=1")
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !bytes.Contains(out, []byte("leaktest.TestLeaking")) {
		t.Errorf("with a leak: %v, want exit status 1 and the stack\n%s", err, out)
	}
}

func TestLeaking(t *testing.T) { //nolint:paralleltest // it is there for another test
	if os.Getenv(leaking) != "" {
		go func() { select {} }()
	}
}
