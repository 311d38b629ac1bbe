// Nested checks the modules inside this one as those who install or import them get
// them: without a workspace, and with the modules of this tree from a module proxy.
// From the root of the repository:
//
//	go run ./internal/nested                   # each go.mod and go.sum is tidy
//	go run ./internal/nested go test ./...     # and this command succeeds in each module
//	go run ./internal/nested -tidy             # write each go.mod and go.sum tidily
//
// It publishes every module of the tree, under a version of this run alone, to a
// proxy that is a temporary folder. In a copy of each nested module, that version is
// what its go.mod requires. So no go.sum that is committed holds a checksum of this
// tree, which the next commit would change. All other modules come from the usual
// proxy and the usual module cache; the versions of this run are removed from the
// cache at the end.
package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

func main() {
	tidy := flag.Bool("tidy", false, "write go.mod and go.sum instead of comparing them")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, ".", os.Environ(), *tidy, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "nested:", err)
		os.Exit(1)
	}
}

// module is a module of the tree.
type module struct {
	dir      string            // from the root, with slashes; "." for the root module
	path     string            // such as github.com/conversation-events/nexmo/bench
	requires map[string]string // the modules of the tree that it requires, and their versions
	files    []string          // from dir, with slashes
	gomod    []byte            // its go.mod, which requires those modules in the version of this run
}

// tree is the modules of a repository, and what commands need to get them.
type tree struct {
	root    string
	tmp     string
	version string   // of all modules, for this run
	env     []string // of commands
	modules []*module
}

// run checks the nested modules of the tree at root, and runs command in each.
func run(ctx context.Context, root string, env []string, tidy bool, command []string) (err error) {
	tmp, err := os.MkdirTemp("", "nested")
	if err != nil {
		return err
	}
	t := &tree{root: root, tmp: tmp, version: "v0.0.0-tree." + strings.ToLower(rand.Text()), env: append(env, "GOWORK=off")}
	defer func() { err = errors.Join(err, t.clean()) }()
	if err := t.load(ctx); err != nil {
		return err
	}
	for _, m := range t.modules {
		if err := t.publish(ctx, m); err != nil {
			return fmt.Errorf("%s: %w", m.dir, err)
		}
	}
	if err := t.useProxy(ctx); err != nil {
		return err
	}
	for _, m := range t.modules {
		if m.dir == "." {
			continue
		}
		if err := t.check(ctx, m, tidy, command); err != nil {
			return fmt.Errorf("%s: %w", m.dir, err)
		}
	}
	return nil
}

// load finds the modules and their files: what git has, or would add.
func (t *tree) load(ctx context.Context) error {
	list, err := t.output(ctx, t.root, "git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	var files []string
	for name := range strings.SplitSeq(string(list), "\x00") {
		info, err := os.Lstat(filepath.Join(t.root, filepath.FromSlash(name)))
		if name == "" || errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
			continue // removed but not committed, or a link, which no module has
		} else if err != nil {
			return err
		}
		files = append(files, name)
	}
	slices.Sort(files)
	files = slices.Compact(files)
	for _, name := range files {
		if dir, file := path.Split(name); file == "go.mod" {
			t.modules = append(t.modules, &module{dir: path.Clean(dir)})
		}
	}
	for _, name := range files { // a file belongs to the innermost module
		var owner *module
		for _, m := range t.modules {
			if (m.dir == "." || strings.HasPrefix(name, m.dir+"/")) && (owner == nil || len(m.dir) > len(owner.dir) || owner.dir == ".") {
				owner = m
			}
		}
		if owner != nil {
			owner.files = append(owner.files, strings.TrimPrefix(name, owner.dir+"/"))
		}
	}
	t.modules = slices.DeleteFunc(t.modules, func(m *module) bool { // what only tests read
		return strings.Contains("/"+m.dir+"/", "/testdata/")
	})
	return t.readModules(ctx)
}

// readModules reads each go.mod, and refuses what does not suit those who install
// the module, or who develop it.
func (t *tree) readModules(ctx context.Context) error {
	type gomod struct {
		Module  struct{ Path string }
		Require []struct{ Path, Version string }
		Replace []json.RawMessage
	}
	read := make([]gomod, len(t.modules))
	for i, m := range t.modules {
		out, err := t.output(ctx, t.path(m.dir), "go", "mod", "edit", "-json")
		if err != nil {
			return err
		}
		if err := json.Unmarshal(out, &read[i]); err != nil {
			return err
		}
		m.path = read[i].Module.Path
		if m.dir != "." && len(read[i].Replace) > 0 {
			return fmt.Errorf("%s/go.mod has a replace directive: go install refuses such a module", m.dir)
		}
		if hasWorkspace := slices.Contains(m.files, "go.work"); m.dir == "." && hasWorkspace {
			return errors.New("the root has a go.work: its commands would load what nested modules need")
		} else if m.dir != "." && !hasWorkspace {
			return fmt.Errorf("%s has no go.work: the go command would not find this tree", m.dir)
		}
	}
	for i, m := range t.modules {
		m.requires = map[string]string{}
		for _, r := range read[i].Require {
			if slices.ContainsFunc(t.modules, func(m *module) bool { return m.path == r.Path }) {
				m.requires[r.Path] = r.Version
			}
		}
	}
	return nil
}

// path is where a folder of the tree is.
func (t *tree) path(dir string) string { return filepath.Join(t.root, filepath.FromSlash(dir)) }

// proxy is the folder of the module proxy.
func (t *tree) proxy() string { return filepath.Join(t.tmp, "proxy") }

// publish writes a module as module proxies have it: go.dev/ref/mod#goproxy-protocol.
func (t *tree) publish(ctx context.Context, m *module) error {
	file := filepath.Join(t.tmp, "go.mod")
	text, err := os.ReadFile(filepath.Join(t.path(m.dir), "go.mod"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil { //nolint:gosec // in a directory of its own
		return err
	}
	for path := range m.requires {
		if _, err := t.output(ctx, t.tmp, "go", "mod", "edit", "-require="+path+"@"+t.version, file); err != nil {
			return err
		}
	}
	if m.gomod, err = os.ReadFile(file); err != nil { //nolint:gosec // just written
		return err
	}
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, name := range m.files {
		content, err := t.content(m, name)
		if err != nil {
			return err
		}
		f, err := w.Create(m.path + "@" + t.version + "/" + name)
		if err != nil {
			return err
		}
		if _, err := f.Write(content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	info, err := json.Marshal(map[string]any{"Version": t.version, "Time": time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return err
	}
	versions := filepath.Join(t.proxy(), escape(m.path), "@v")
	return errors.Join(
		write(filepath.Join(versions, "list"), []byte(t.version+"\n")),
		write(filepath.Join(versions, t.version+".info"), info),
		write(filepath.Join(versions, t.version+".mod"), m.gomod),
		write(filepath.Join(versions, t.version+".zip"), archive.Bytes()),
	)
}

// content is what a file of a module holds when it is published.
func (t *tree) content(m *module, name string) ([]byte, error) {
	if name == "go.mod" {
		return m.gomod, nil
	}
	return os.ReadFile(filepath.Join(t.path(m.dir), filepath.FromSlash(name)))
}

// escape writes a module path as proxies and the module cache do.
func escape(path string) string {
	var b strings.Builder
	for _, r := range path {
		if unicode.IsUpper(r) {
			b.WriteByte('!')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return filepath.FromSlash(b.String())
}

func write(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o600)
}

// useProxy puts the proxy in front of the usual ones, for the modules of the tree,
// whose checksums no database has.
func (t *tree) useProxy(ctx context.Context) error {
	out, err := t.output(ctx, t.root, "go", "env", "-json", "GOPROXY", "GONOSUMDB")
	if err != nil {
		return err
	}
	var usual struct{ GOPROXY, GONOSUMDB string }
	if err := json.Unmarshal(out, &usual); err != nil {
		return err
	}
	sums := []string{usual.GONOSUMDB}
	for _, m := range t.modules {
		sums = append(sums, m.path)
	}
	url := "file:///" + strings.TrimPrefix(filepath.ToSlash(t.proxy()), "/")
	t.env = append(t.env, "GOPROXY="+url+","+usual.GOPROXY, "GONOPROXY=none", "GONOSUMDB="+strings.Trim(strings.Join(sums, ","), ","))
	return nil
}

// check copies a nested module as it is published, sees whether its go.mod and
// go.sum are tidy, and runs command in the copy.
func (t *tree) check(ctx context.Context, m *module, tidy bool, command []string) error {
	dir := filepath.Join(t.tmp, "modules", filepath.FromSlash(m.dir))
	for _, name := range m.files {
		content, err := t.content(m, name)
		if err != nil {
			return err
		}
		if err := write(filepath.Join(dir, filepath.FromSlash(name)), content); err != nil {
			return err
		}
	}
	if err := t.command(ctx, dir, "go", "mod", "tidy"); err != nil {
		return err
	}
	for name, tidied := range map[string]func([]byte) []byte{"go.mod": m.committedMod, "go.sum": t.committedSum} {
		text, err := os.ReadFile(filepath.Join(dir, name)) //nolint:gosec // of the copy
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		want := tidied(bytes.ReplaceAll(text, []byte(" "+t.version), []byte(" "+placeholder)))
		file := filepath.Join(t.path(m.dir), name)
		got, err := os.ReadFile(file) //nolint:gosec // of the tree
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if bytes.Equal(got, want) {
			continue
		}
		if !tidy {
			return fmt.Errorf("%s is not tidy: run go run ./internal/nested -tidy", name)
		}
		if err := os.WriteFile(file, want, 0o644); err != nil { //nolint:gosec // for all to read
			return err
		}
	}
	if len(command) == 0 {
		return nil
	}
	return t.command(ctx, dir, command[0], command[1:]...)
}

// placeholder stands for the version of this run in what is compared.
const placeholder = "(tree)"

// committedMod writes the versions that are committed back into a go.mod. A module
// of the tree that is newly required has none.
func (m *module) committedMod(text []byte) []byte {
	for path, version := range m.requires {
		text = bytes.ReplaceAll(text, []byte(path+" "+placeholder), []byte(path+" "+version))
	}
	return bytes.ReplaceAll(text, []byte(" "+placeholder), []byte(" v0.0.0"))
}

// committedSum leaves out the checksums of the modules of the tree.
func (t *tree) committedSum(text []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(text) {
		path, _, _ := strings.Cut(string(line), " ")
		if !slices.ContainsFunc(t.modules, func(m *module) bool { return m.path == path }) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// output runs a command and returns what it printed.
func (t *tree) output(ctx context.Context, dir, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // go, and what the caller asked for
	cmd.Dir, cmd.Env, cmd.Stderr = dir, t.env, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return out, nil
}

// command runs a command and shows what it prints.
func (t *tree) command(ctx context.Context, dir, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // go, and what the caller asked for
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, t.env, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// clean removes what this run made, from the module cache too.
func (t *tree) clean() error {
	errs := []error{os.RemoveAll(t.tmp)}
	out, err := t.output(context.Background(), t.root, "go", "env", "GOMODCACHE")
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	cache := strings.TrimSpace(string(out))
	for _, m := range t.modules {
		errs = append(errs, removeReadOnly(filepath.Join(cache, escape(m.path)+"@"+t.version)))
		versions := filepath.Join(cache, "cache", "download", escape(m.path), "@v")
		files, err := filepath.Glob(filepath.Join(versions, t.version+".*"))
		errs = append(errs, err)
		for _, name := range files {
			errs = append(errs, os.Remove(name))
		}
		list := filepath.Join(versions, "list")
		text, err := os.ReadFile(list) //nolint:gosec // of the module cache
		if err == nil {
			errs = append(errs, os.WriteFile(list, bytes.ReplaceAll(text, []byte(t.version+"\n"), nil), 0o600)) //nolint:gosec // of the module cache
		} else if !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeReadOnly removes a folder of the module cache, whose folders are read-only.
func removeReadOnly(dir string) error {
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(name, 0o700) //nolint:gosec // it is removed next
		}
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return errors.Join(err, os.RemoveAll(dir))
}
