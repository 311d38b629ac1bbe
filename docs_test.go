package nexmo_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/doc/comment"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// snippetPreamble stands in front of every snippet that is no file of its own. It
// declares what the documents take for granted; a snippet may declare it anew.
const snippetPreamble = `package snippet

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/conversation-events/nexmo"
	"github.com/conversation-events/nexmo/nexmotest"
)

type Order struct{ ID string }

var (
	ctx           context.Context
	err           error
	t             *testing.T
	r             *http.Request
	logger        *slog.Logger
	applicationID string
	id            string
	name          string
	text          string
	idOrName      string
	userID        string
	sessionID     string
	address       string
	data          any
	reason        nexmo.Reason
	secret        string
	newSecret     string
	oldSecret     string
	memberID      string
	token         string
	body          []byte
	key           []byte
	e             *nexmo.Event
	handler       nexmo.Handler
	app           *nexmo.Application
	conversation  *nexmo.Conversation
	client        *nexmo.Client
	credentials   nexmo.Credentials
	tokens        nexmo.TokenSource
	session       *nexmo.Session
	webhook       *nexmo.WebhookHandler
	verifier      *nexmo.Verifier
	source        nexmo.Source
	server        *nexmotest.Server
	newBot        func(*nexmo.Client) *nexmo.Application
	store         func(context.Context, string, nexmo.EventID, nexmo.Raw) error
	download      func(context.Context, *nexmo.Event) error
	saveLast      func(context.Context, string, nexmo.EventID) error
	savedLast     map[string]nexmo.EventID
)

`

// placeholder is code that a document leaves out: a line of its own, or all that is
// between braces.
var placeholder = regexp.MustCompile(`(?m)(^|\{)([ \t]*)…([ \t]*)(\}|$)`)

// snippetSource makes a file of a snippet, which may be a whole file, declarations,
// or statements of a function that returns an error.
func snippetSource(snippet string) string {
	if strings.HasPrefix(snippet, "package ") {
		return snippet
	}
	snippet = placeholder.ReplaceAllString(snippet, `$1${2}panic("left out")$3$4`)
	if _, err := parser.ParseFile(token.NewFileSet(), "", "package snippet\n"+snippet, 0); err == nil {
		return snippetPreamble + snippet
	}
	return snippetPreamble + "func _() error {\n" + snippet + "\nreturn nil\n}\n"
}

// checkSnippet type-checks a snippet. That it does not use all it declares is no
// error.
func checkSnippet(imports types.Importer, fset *token.FileSet, name, snippet string) error {
	file, err := parser.ParseFile(fset, name, snippetSource(snippet), 0)
	if err != nil {
		return err
	}
	var errs []error
	conf := types.Config{Importer: imports, Error: func(err error) {
		if e, ok := errors.AsType[types.Error](err); !ok || !e.Soft {
			errs = append(errs, err)
		}
	}}
	_, _ = conf.Check("snippet", fset, []*ast.File{file}, nil) // its error is the first of errs
	return errors.Join(errs...)
}

// exports are the files with what packages export, as go has compiled them. That
// needs no network: the tests were built of the same.
var exports = sync.OnceValues(func() (map[string]string, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}}\t{{.Export}}",
		"./nexmotest", "log", "os/signal", "testing", "testing/synctest")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, &stderr)
	}
	files := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, file, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = file
	}
	return files, nil
})

func importerOf(t *testing.T, fset *token.FileSet) types.Importer {
	t.Helper()
	exports, err := exports()
	if err != nil {
		t.Fatal(err)
	}
	return importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("%s is nothing that a snippet may import: see exports", path)
		}
		return os.Open(exports[path])
	})
}

// documents are the files whose snippets and links are checked.
func documents(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("*.md")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if len(names) == 0 || len(more) == 0 {
		t.Fatal("there are no documents: did they move?")
	}
	return append(names, more...)
}

// fence is a block of code in a document.
type fence struct {
	line           int // of its first line
	language, text string
}

// splitFences takes the blocks of code out of a document, line for line.
func splitFences(text string) (prose string, fences []fence) {
	var p strings.Builder
	var open *fence
	lines := bufio.NewScanner(strings.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		language, mark := strings.CutPrefix(strings.TrimLeft(line, " "), "```")
		switch {
		case mark && open == nil:
			open = &fence{line: n + 1, language: language}
		case mark:
			fences = append(fences, *open)
			open = nil
		case open != nil:
			open.text += line + "\n"
		default:
			p.WriteString(line)
		}
		p.WriteByte('\n')
	}
	return p.String(), fences
}

// packageSnippets returns the code in the package comment of a file.
func packageSnippets(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.PackageClauseOnly)
	if err != nil {
		t.Fatal(err)
	}
	var snippets []string
	for _, block := range new(comment.Parser).Parse(file.Doc.Text()).Content {
		if code, ok := block.(*comment.Code); ok {
			snippets = append(snippets, code.Text)
		}
	}
	return snippets
}

// Every piece of Go in the documents and in the package comments compiles.
func TestSnippets(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	imports := importerOf(t, fset)
	checked := 0
	check := func(name, snippet string) {
		t.Helper()
		checked++
		if err := checkSnippet(imports, fset, name, snippet); err != nil {
			t.Errorf("%s: a snippet does not compile:\n%v\n%s", name, err, snippet)
		}
	}
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		_, fences := splitFences(string(text))
		for _, f := range fences {
			if f.language == "go" {
				check(fmt.Sprintf("%s:%d", name, f.line), f.text)
			}
		}
	}
	for _, name := range []string{"doc.go", "nexmotest/doc.go"} {
		for i, snippet := range packageSnippets(t, name) {
			check(fmt.Sprintf("%s, block %d", name, i+1), snippet)
		}
	}
	if checked < 20 {
		t.Errorf("only %d snippets were found", checked)
	}
}

// What TestSnippets checks with tells right from wrong.
func TestCheckSnippet(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	imports := importerOf(t, fset)
	tests := []struct {
		name, snippet, want string
	}{
		{"statements", "e, err := nexmo.ParseEvent(body)\nif err != nil {\n\treturn err\n}\nreturn app.Deliver(ctx, e)\n", ""},
		{"declaration", "func handle(ctx context.Context, e *nexmo.Event) error { … }\n", ""},
		{"file", "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println() }\n", ""},
		{"left out", "client, err := nexmo.NewClient(credentials)\n…\nconversation.On(\"text\", func(ctx context.Context, e *nexmo.Event) error { … })\n", ""},
		{"not used", "off := conversation.On(\"text\", handler)\n", ""},
		{"no such function", "nexmo.ParseEvnt(body)\n", "undefined: nexmo.ParseEvnt"},
		{"no such method", "conversation.OnEvent(\"text\", handler)\n", "conversation.OnEvent undefined"},
		{"no such field", "fmt.Println(e.Kind)\n", "e.Kind undefined"},
		{"no such option", "nexmo.NewConversation(\"CON-1\", nexmo.WithClock())\n", "undefined: nexmo.WithClock"},
		{"no such variable", "fmt.Println(dispatcher)\n", "undefined: dispatcher"},
		{"another type", "conversation.On(\"text\", func(e *nexmo.Event) {})\n", "cannot use (func(e *nexmo.Event)"},
		{"too few results", "client := nexmo.NewClient(credentials)\n", "assignment mismatch"},
		{"file of another package", "package main\n\nimport \"example.com/nexmo\"\n\nfunc main() { nexmo.Run() }\n", "could not import"},
		{"no Go", "conversation.on(\"text\", (sender) => {})\n", "expected"},
	}
	for _, tt := range tests {
		err := checkSnippet(imports, fset, tt.name, tt.snippet)
		if tt.want == "" && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		} else if tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: the error is %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

// goSpan matches Go in the midst of a sentence: something exported of the packages,
// or of a variable that snippetPreamble declares.
var goSpan = regexp.MustCompile("`((?:nexmo|nexmotest|app|client|conversation|credentials|e|server|session|verifier|webhook)\\.[A-Z][^`\n]*)`")

// The Go within sentences and tables is right, too.
func TestCodeSpans(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	const end = "func _() {}\n"
	file, err := parser.ParseFile(fset, "", snippetPreamble+end, 0)
	if err != nil {
		t.Fatal(err)
	}
	conf := types.Config{Importer: importerOf(t, fset), Error: func(error) {}} // what is not used
	pkg, _ := conf.Check("snippet", fset, []*ast.File{file}, nil)
	if _, err := types.Eval(fset, pkg, file.End()-2, "conversation.Sed(ctx)"); err == nil {
		t.Error("a method that is not there is no error")
	}
	checked := 0
	for _, name := range documents(t) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		prose, _ := splitFences(string(text))
		for _, span := range goSpan.FindAllStringSubmatch(prose, -1) {
			checked++
			if _, err := types.Eval(fset, pkg, file.End()-2, span[1]); err != nil {
				t.Errorf("%s: `%s`: %v", name, span[1], err)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d were found", checked)
	}
}

var (
	linkPattern    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingPattern = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	codeSpan       = regexp.MustCompile("`[^`\n]*`")
)

// anchors returns the names under which the headings of a document can be linked
// to, by the rules of the sites that show it.
func anchors(prose string) []string {
	var names []string
	for _, heading := range headingPattern.FindAllStringSubmatch(prose, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, linkPattern.ReplaceAllString(heading[1], ""))
		for n, base := 1, name; slices.Contains(names, name); n++ {
			name = fmt.Sprintf("%s-%d", base, n)
		}
		names = append(names, name)
	}
	return names
}

// Every relative link in the documents leads somewhere.
func TestLinks(t *testing.T) {
	t.Parallel()
	prose := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p, _ := splitFences(string(text))
		return p
	}
	checked := 0
	for _, name := range documents(t) {
		for _, link := range linkPattern.FindAllStringSubmatch(codeSpan.ReplaceAllString(prose(name), ""), -1) {
			target, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(target, ":") {
				continue // elsewhere
			}
			checked++
			file := name
			if target != "" {
				file = filepath.Join(filepath.Dir(name), filepath.FromSlash(target))
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which is not there", name, link[1])
			} else if anchor != "" && !slices.Contains(anchors(prose(file)), anchor) {
				t.Errorf("%s links to %s, which has no such heading", name, link[1])
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d links were found", checked)
	}
}

// mapFolders are the folders whose files and folders the map of CONTRIBUTING.md has to name.
var mapFolders = []string{".", "nexmotest", "internal", "internal/line"}

// mapOf returns the patterns of files and folders in the map of a document. Its tables are
// of the root, but for those behind a line such as "In `nexmotest`".
func mapOf(t *testing.T, prose string) []string {
	t.Helper()
	_, section, found := strings.Cut(prose, "\n## Map\n")
	section, _, ended := strings.Cut(section, "\n## ")
	if !found || !ended {
		t.Fatal("the map was not found")
	}
	var patterns []string
	folder := "."
	for line := range strings.Lines(section) {
		if in, ok := strings.CutPrefix(line, "In `"); ok {
			folder, _, _ = strings.Cut(in, "`")
		}
		if _, files, ok := strings.Cut(strings.Trim(line, "| \n"), " | "); ok {
			for _, span := range codeSpan.FindAllString(files, -1) {
				patterns = append(patterns, path.Join(folder, strings.Trim(span, "`")))
			}
		}
	}
	return patterns
}

// notInMap returns what is wrong with the patterns of a map: those that match nothing, and
// the files of mapFolders that none matches.
func notInMap(t *testing.T, patterns []string) (wrong []string) {
	t.Helper()
	for _, pattern := range patterns {
		if found, err := filepath.Glob(pattern); err != nil || len(found) == 0 || strings.HasPrefix(path.Base(pattern), "*") {
			wrong = append(wrong, pattern+" does not exist")
		}
	}
	for _, folder := range mapFolders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			name := entry.Name()
			source := strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") && !strings.HasSuffix(name, "_gen.go")
			if !source && (folder != "internal" || !entry.IsDir()) {
				continue
			}
			name = path.Join(folder, name)
			named := func(pattern string) bool {
				ok, _ := path.Match(pattern, name)
				return ok || strings.HasPrefix(pattern, name+"/")
			}
			if !slices.ContainsFunc(patterns, named) {
				wrong = append(wrong, name+" is not in the map")
			}
		}
	}
	return wrong
}

// The map of CONTRIBUTING.md names every file, and no other.
func TestMap(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	patterns := mapOf(t, string(text))
	for _, wrong := range notInMap(t, patterns) {
		t.Errorf("the map of CONTRIBUTING.md: %s", wrong)
	}
	without := slices.DeleteFunc(slices.Clone(patterns), func(p string) bool { return p == "member.go" || p == "internal/soak" })
	want := []string{"memory.go does not exist", "member.go is not in the map", "internal/soak is not in the map"}
	if diff := cmp.Diff(want, notInMap(t, append(without, "memory.go"))); diff != "" {
		t.Errorf("a map with mistakes (-want +got):\n%s", diff)
	}
}
