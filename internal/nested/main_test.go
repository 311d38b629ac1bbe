package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	rootPath   = "example.com/tree"
	nestedPath = "example.com/tree/sub"
	rootMod    = "module " + rootPath + "\n\ngo 1.26\n"
	nestedMod  = "module " + nestedPath + "\n\ngo 1.26\n\nrequire " + rootPath + " v0.0.0\n"
	workspace  = "go 1.26\n\nuse (\n\t.\n\t..\n)\n"
)

// usual is a tree with a nested module that uses the root module.
func usual() map[string]string {
	return map[string]string{
		"go.mod":          rootMod,
		"tree.go":         "package tree\n\nfunc Name() string { return \"tree\" }\n",
		"testdata/go.mod": "module example.com/none\n",
		"sub/go.mod":      nestedMod,
		"sub/go.work":     workspace,
		"sub/sub_test.go": "package sub\n\nimport (\n\t\"testing\"\n\n\t\"" + rootPath + "\"\n)\n\nfunc Test(t *testing.T) {\n\tif tree.Name() != \"tree\" {\n\t\tt.Fatal(tree.Name())\n\t}\n}\n",
	}
}

// repository writes files into a new repository.
func repository(t *testing.T, files map[string]string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it runs the go command many times")
	}
	dir := t.TempDir()
	for name, text := range files {
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.CommandContext(t.Context(), "git", "init", "-q", dir).CombinedOutput(); err != nil {
		t.Skipf("git cannot make a repository: %v\n%s", err, out)
	}
	return dir
}

// offline is an environment without any other module.
func offline(cache string) []string {
	return append(os.Environ(), "GOMODCACHE="+cache, "GOPROXY=off", "GOFLAGS=-mod=readonly")
}

func TestNested(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		change  map[string]string // of files; "" removes one
		command string
		want    string // in the error; "" for none
	}{
		{name: "tidy", command: "go vet ./..."},
		{name: "tests", command: "go test ./..."},
		{name: "no command"},
		{name: "command fails", command: "go vet ./nothing", want: "sub: go vet ./nothing: exit status 1"},
		{name: "uses what the root does not export", change: map[string]string{"tree.go": "package tree\n"}, command: "go vet ./...", want: "sub: go vet"},
		{name: "needs a file outside", change: map[string]string{
			"sub/sub_test.go": "package sub\n\nimport (\n\t\"os\"\n\t\"testing\"\n\n\t_ \"" + rootPath + "\"\n)\n\nfunc Test(t *testing.T) {\n\tif _, err := os.Stat(\"../tree.go\"); err != nil {\n\t\tt.Fatal(err)\n\t}\n}\n",
		}, command: "go test ./...", want: "sub: go test"},
		{name: "ignored file", change: map[string]string{".gitignore": "tree.go\n"}, want: "sub: go mod tidy"},
		{name: "replace", change: map[string]string{"sub/go.mod": nestedMod + "\nreplace " + rootPath + " => ../\n"}, want: "sub/go.mod has a replace directive"},
		{name: "no workspace", change: map[string]string{"sub/go.work": ""}, want: "sub has no go.work"},
		{name: "workspace at the root", change: map[string]string{"go.work": workspace}, want: "the root has a go.work"},
		{name: "untidy go.mod", change: map[string]string{"sub/go.mod": "module " + nestedPath + "\n\ngo 1.26\n"}, want: "sub: go.mod is not tidy"},
		{name: "untidy go.sum", change: map[string]string{"sub/go.sum": "example.com/other v1.0.0/go.mod h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"}, want: "sub: go.sum is not tidy"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			files := usual()
			for name, text := range tt.change {
				if files[name] = text; text == "" {
					delete(files, name)
				}
			}
			cache := t.TempDir()
			err := run(context.Background(), repository(t, files), offline(cache), false, strings.Fields(tt.command))
			if tt.want == "" && err != nil {
				t.Error(err)
			} else if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("the error is %v, want one with %q", err, tt.want)
			}
			// Nothing of this tree stays in the module cache.
			_ = filepath.WalkDir(cache, func(name string, _ fs.DirEntry, err error) error {
				if strings.Contains(name, "v0.0.0-tree.") || err != nil {
					t.Errorf("in the module cache: %s (%v)", name, err)
				}
				return nil
			})
		})
	}
}

// -tidy writes the version that is committed, and no checksum of this tree.
func TestTidy(t *testing.T) {
	t.Parallel()
	tests := map[string]string{ // the go.mod before, by what is wrong with it
		"nothing":        nestedMod,
		"unused module":  nestedMod + "\nrequire example.com/tree/unused v0.0.0\n",
		"missing module": "module " + nestedPath + "\n\ngo 1.26\n",
	}
	for name, before := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := usual()
			files["sub/go.mod"] = before
			files["unused/go.mod"] = "module example.com/tree/unused\n\ngo 1.26\n"
			files["unused/go.work"] = workspace
			dir := repository(t, files)
			if err := run(context.Background(), dir, offline(t.TempDir()), true, nil); err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(dir, "sub", "go.mod"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(nestedMod, string(text)); diff != "" {
				t.Error(diff)
			}
			if sum, err := os.ReadFile(filepath.Join(dir, "sub", "go.sum")); err == nil && len(sum) > 0 {
				t.Errorf("go.sum has %s", sum)
			}
		})
	}
}
