package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The part that is compiled into the package; it is no Go file here, since it
// lacks a name of a package.
//
//go:embed runtime.go.txt
var runtimePart string

// sourceFile is a file to be mutated.
type sourceFile struct {
	name    string // from the root of the module, with slashes
	path    string
	pkgPath string
	fset    *token.FileSet
	tree    *ast.File
	source  []byte
	mutants map[ast.Node][]*mutant // by the node whose text they change
}

func (f *sourceFile) span(from, to token.Pos) string {
	return string(f.source[f.fset.Position(from).Offset:f.fset.Position(to).Offset])
}

func (f *sourceFile) text(n ast.Node) string { return f.span(n.Pos(), n.End()) }

// node returns the text of n with all mutants in it.
func (f *sourceFile) node(n ast.Node) string {
	text := f.render(n, n.Pos(), n.End())
	for _, m := range f.mutants[n] {
		if m.leftOut == "" {
			text = m.form(m, text)
		}
	}
	return text
}

// render returns the text of a part of n, with the mutants of the nodes in n.
func (f *sourceFile) render(n ast.Node, from, to token.Pos) string {
	var children []ast.Node
	ast.Inspect(n, func(c ast.Node) bool {
		if c != nil && c != n && from <= c.Pos() && c.End() <= to {
			children = append(children, c)
		}
		return c == n
	})
	slices.SortStableFunc(children, func(a, b ast.Node) int { return int(a.Pos() - b.Pos()) })
	var b strings.Builder
	for _, c := range children {
		if c.Pos() >= from { // the type of a function begins before its name
			b.WriteString(f.span(from, c.Pos()))
			b.WriteString(f.node(c))
			from = c.End()
		}
	}
	b.WriteString(f.span(from, to))
	return b.String()
}

// instrumented returns the text of the file with all mutants in it.
func (f *sourceFile) instrumented() string {
	var b strings.Builder
	from := f.tree.FileStart
	for _, d := range f.tree.Decls {
		var n ast.Node = d
		if fun, ok := d.(*ast.FuncDecl); ok {
			if fun.Body == nil {
				continue
			}
			n = fun.Body
		}
		b.WriteString(f.span(from, n.Pos()))
		b.WriteString(f.node(n))
		from = n.End()
	}
	b.WriteString(f.span(from, f.tree.FileEnd))
	return b.String()
}

// testPackage is a package with files to be mutated.
type testPackage struct {
	dir, path, name string
	files           []*sourceFile // to be mutated
	others          []*ast.File   // that are not
	fset            *token.FileSet
	imports         types.Importer
	mutants         []*mutant

	binary string
	took   map[string]time.Duration // by each test alone, with no mutant switched on
	killed map[string]int           // mutants of a function by a test, by "function test"
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Name, Dir, Export string
	GoFiles                       []string
	DepOnly                       bool
	Module                        *struct{ Dir string }
}

// load reads and checks the package in dir, and finds the mutants of its files.
func load(dir string, files []string, logs bool, nextID func() int) (*testPackage, error) {
	list := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Name,Dir,Export,GoFiles,DepOnly,Module", ".", "cmp", "os", "strconv", "sync/atomic")
	list.Dir = dir
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	exports := map[string]string{}
	var self listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := dec.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		exports[l.ImportPath] = l.Export
		if !l.DepOnly && l.Module != nil { // not one of those that the runtime part imports
			self = l
		}
	}
	if self.Module == nil {
		return nil, fmt.Errorf("%s is not a package of a module", dir)
	}
	p := &testPackage{dir: dir, path: self.ImportPath, name: self.Name, fset: token.NewFileSet(), killed: map[string]int{}}
	p.imports = importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var all []*ast.File
	for _, name := range self.GoFiles {
		path := filepath.Join(self.Dir, name)
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		tree, err := parser.ParseFile(p.fset, path, source, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		all = append(all, tree)
		if !slices.Contains(files, name) {
			p.others = append(p.others, tree)
			continue
		}
		short, err := filepath.Rel(self.Module.Dir, path)
		if err != nil {
			return nil, err
		}
		p.files = append(p.files, &sourceFile{
			name: filepath.ToSlash(short), path: path, pkgPath: p.path,
			fset: p.fset, tree: tree, source: source, mutants: map[ast.Node][]*mutant{},
		})
	}
	if len(p.files) != len(files) {
		return nil, fmt.Errorf("%s: not all of %s are files of the package on this platform", dir, strings.Join(files, ", "))
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	if errs := p.check(p.fset, all, info); len(errs) > 0 {
		return nil, errs[0]
	}
	for _, f := range p.files {
		w := &walker{
			file: f, info: info, logs: logs, tails: map[ast.Stmt]bool{}, done: map[ast.Node]bool{},
			seen: map[string]int{}, listed: map[ast.Stmt]bool{},
			add: func(m *mutant) {
				m.id, m.pkg = nextID(), p
				p.mutants = append(p.mutants, m)
			},
		}
		for _, d := range f.tree.Decls {
			w.declaration(d)
		}
	}
	return p, nil
}

// check checks the types of the package and returns what is wrong.
func (p *testPackage) check(fset *token.FileSet, files []*ast.File, info *types.Info) (errs []types.Error) {
	conf := types.Config{
		Importer: p.imports,
		Sizes:    types.SizesFor("gc", runtime.GOARCH),
		Error:    func(err error) { errs = append(errs, err.(types.Error)) }, //nolint:errorlint // documented so
	}
	_, _ = conf.Check(p.path, fset, files, info) // the errors are in errs
	return errs
}

var numberOfMutant = regexp.MustCompile(`\bmutant[A-Za-z]+(?:\[[^]]*\])?\((\d+)`)

// instrument returns the text of the files with all mutants in them, but those that
// do not compile, which it marks: each is what stands before an error in its line.
func (p *testPackage) instrument() (texts map[string]string, err error) {
	byID := map[int]*mutant{}
	for _, m := range p.mutants {
		byID[m.id] = m
	}
	highest := p.mutants[len(p.mutants)-1].id
	support := strings.NewReplacer("PACKAGE", p.name, "COUNT", strconv.Itoa(highest+1)).Replace(runtimePart)
	texts = map[string]string{filepath.Join(p.dir, "mutate_overlay.go"): support}
	for {
		files := slices.Clone(p.others)
		for _, f := range p.files {
			texts[f.path] = f.instrumented()
		}
		for path, text := range texts {
			tree, err := parser.ParseFile(p.fset, path, text, parser.SkipObjectResolution)
			if err != nil {
				return nil, fmt.Errorf("the instrumented file is not Go: %w", err)
			}
			files = append(files, tree)
		}
		errs := p.check(p.fset, files, nil)
		if len(errs) == 0 {
			return texts, nil
		}
		for _, e := range errs {
			at := p.fset.Position(e.Pos)
			lines := strings.Split(texts[at.Filename], "\n")
			line := lines[min(at.Line, len(lines))-1]
			found := numberOfMutant.FindAllStringSubmatchIndex(line, -1)
			if len(found) == 0 {
				return nil, fmt.Errorf("the instrumented file does not compile: %w", e)
			}
			last := found[0] // before the error, if there is one
			for _, match := range found {
				if match[0] < at.Column {
					last = match
				}
			}
			id, _ := strconv.Atoi(line[last[2]:last[3]]) // digits
			byID[id].leftOut = "it does not compile: " + e.Msg
		}
	}
}

// build compiles the tests of the package with the texts in place of its files.
func (p *testPackage) build(tmp string, texts map[string]string) error {
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	for path, text := range texts {
		replacement := filepath.Join(tmp, fmt.Sprintf("%d-%s", len(overlay.Replace), filepath.Base(path)))
		if err := os.WriteFile(replacement, []byte(text), 0o600); err != nil {
			return err
		}
		overlay.Replace[path] = replacement
	}
	data, err := json.Marshal(overlay)
	if err != nil {
		return err
	}
	name := filepath.Join(tmp, "overlay.json")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		return err
	}
	p.binary = filepath.Join(tmp, "package.test")
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", name, "-o", p.binary, ".") //nolint:gosec // the names are our own
	build.Dir = p.dir
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("go test -c with the mutants: %w\n%s", err, out)
	}
	if _, err := os.Stat(p.binary); err != nil {
		return fmt.Errorf("%s has no tests", p.path)
	}
	return nil
}
