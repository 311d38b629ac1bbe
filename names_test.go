package nexmo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// constantsElse are the exceptions from the names of constants that CONTRIBUTING.md
// gives: what the constants of a type begin with in place of its name, or all of them.
var constantsElse = map[string]func(name string) bool{
	"EventType": func(name string) bool { return isValueOf("Event", name) },                                  // named as families and bodies are
	"Bool":      func(name string) bool { return slices.Contains([]string{"True", "False", "Unset"}, name) }, // as literals
}

// isValueOf reports whether the name of a constant is that of an enumeration and a value.
func isValueOf(enumeration, name string) bool {
	value, ok := strings.CutPrefix(name, enumeration)
	first, _ := utf8.DecodeRuneInString(value)
	return ok && (unicode.IsUpper(first) || unicode.IsDigit(first))
}

// misnamed returns the exported constants of a package whose type is a string or an
// integer that the package declares, and whose name is not <Type><Value>. It returns how
// many it looked at, too.
func misnamed(pkg *types.Package) (wrong []string, checked int) {
	for _, name := range pkg.Scope().Names() {
		c, ok := pkg.Scope().Lookup(name).(*types.Const)
		if !ok || !c.Exported() {
			continue
		}
		named, ok := types.Unalias(c.Type()).(*types.Named)
		if !ok || named.Obj().Pkg() != pkg {
			continue
		}
		if basic, ok := named.Underlying().(*types.Basic); !ok || basic.Info()&(types.IsString|types.IsInteger) == 0 {
			continue
		}
		checked++
		enumeration := named.Obj().Name()
		if other, ok := constantsElse[enumeration]; ok && other(name) || !ok && isValueOf(enumeration, name) {
			continue
		}
		wrong = append(wrong, name+" of "+enumeration)
	}
	return wrong, checked
}

// TestConstantNames: constants of enumerations are named <Type><Value>, but for the
// exceptions that CONTRIBUTING.md gives.
func TestConstantNames(t *testing.T) {
	t.Parallel()
	const path = "github.com/conversation-events/nexmo"
	imports := importerOf(t, token.NewFileSet())
	for path, least := range map[string]int{path: 150, path + "/nexmotest": 0} {
		pkg, err := imports.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		wrong, checked := misnamed(pkg)
		for _, name := range wrong {
			t.Errorf("%s: %s: want the name of the type in front", path, name)
		}
		if checked < least {
			t.Errorf("%s: only %d constants were found", path, checked)
		}
	}
}

// What TestConstantNames checks with tells right from wrong.
func TestMisnamed(t *testing.T) {
	t.Parallel()
	const source = `package p
import "time"
type State string
const (
	StateOpen State = "open"
	State2 State = "2"
	Open State = "open"
	Stateless State = "less"
	hidden State = "hidden"
)
type Kind uint8
const (
	KindA Kind = iota
	B
)
type EventType string
const (
	EventOpen EventType = "open"
	EventTypeOpen EventType = "open"
	TextEvent EventType = "text"
)
type Bool uint8
const (
	Unset Bool = iota
	True
	BoolMaybe
)
const (
	Paths = "/paths"
	Limit = 5
	Wait time.Duration = 5
)`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "p.go", source, 0)
	if err != nil {
		t.Fatal(err)
	}
	conf := types.Config{Importer: importerOf(t, fset)}
	pkg, err := conf.Check("p", fset, []*ast.File{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := misnamed(pkg)
	want := []string{"B of Kind", "BoolMaybe of Bool", "Open of State", "Stateless of State", "TextEvent of EventType"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
