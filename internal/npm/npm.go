// Package npm installs what tests use of others from the registry of npm.
package npm

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

// Variable names the environment variable that, if it is 1, lets a test fail where
// it is skipped otherwise: without Node, npm, or the packages.
const Variable = "NEXMO_INTEROP"

// Install returns a directory with a copy of source, where the packages are
// installed that its package-lock.json names. The directory goes with the test.
func Install(t testing.TB, source string) string {
	t.Helper()
	miss, limit := t.Skipf, 20*time.Second
	if os.Getenv(Variable) == "1" {
		miss, limit = t.Fatalf, time.Minute
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			miss("what others wrote needs %s: %v (a failure where %s is 1)", program, err, Variable)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(source)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--fetch-retries=0")
	npm.Dir = dir
	npm.WaitDelay = time.Second
	if output, err := npm.CombinedOutput(); err != nil {
		miss("npm cannot install it: %v (a failure where %s is 1)\n%s", err, Variable, output)
	}
	return dir
}
