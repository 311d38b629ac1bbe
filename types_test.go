package nexmo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// seedTypes are the event types of the list of 2019.
var seedTypes = []nexmo.EventType{
	"app:knocking",
	"app:knocking:cancel",
	"audio:dtmf",
	"audio:earmuff:off",
	"audio:earmuff:on",
	"audio:mute:off",
	"audio:mute:on",
	"audio:play",
	"audio:play:done",
	"audio:play:stop",
	"audio:record",
	"audio:record:done",
	"audio:record:stop",
	"audio:ringing:start",
	"audio:say",
	"audio:say:done",
	"audio:say:stop",
	"audio:speaking:off",
	"audio:speaking:on",
	"conversation:created",
	"conversation:deleted",
	"conversation:updated",
	"event:delete",
	"image",
	"image:delivered",
	"image:seen",
	"member:invited",
	"member:joined",
	"member:left",
	"member:media",
	"rtc:hangup",
	"rtc:status",
	"rtc:terminate",
	"rtc:transfer",
	"sip:answered",
	"sip:hangup",
	"sip:machine",
	"sip:ringing",
	"sip:status",
	"text",
	"text:delivered",
	"text:seen",
	"text:typing:off",
	"text:typing:on",
	"text:update",
	"video:mute:off",
	"video:mute:on",
}

// typeSource is what types.go says.
type typeSource struct {
	constants map[string]typeConstant // by name: those of the type EventType
	rows      []typeRow
}

type typeConstant struct{ value, doc string }

type typeRow struct{ body, constant, description string }

func readTypeSource(t *testing.T) typeSource {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", nil, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	src := typeSource{constants: map[string]typeConstant{}}
	for _, decl := range file.Decls {
		decl, ok := decl.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range decl.Specs {
			spec, ok := spec.(*ast.ValueSpec)
			if !ok {
				continue
			}
			if typ, ok := spec.Type.(*ast.Ident); ok && decl.Tok == token.CONST && typ.Name == "EventType" {
				for i, name := range spec.Names {
					src.constants[name.Name] = typeConstant{stringLiteral(t, spec.Values[i]), strings.TrimSpace(spec.Doc.Text())}
				}
			}
			if spec.Names[0].Name == "eventTypes" {
				for _, elt := range spec.Values[0].(*ast.CompositeLit).Elts {
					call := elt.(*ast.CallExpr)
					src.rows = append(src.rows, typeRow{
						body:        call.Fun.(*ast.IndexExpr).Index.(*ast.Ident).Name,
						constant:    call.Args[0].(*ast.Ident).Name,
						description: stringLiteral(t, call.Args[1]),
					})
				}
			}
		}
	}
	if len(src.rows) == 0 || len(src.constants) == 0 {
		t.Fatal("types.go: the table or the constants were not found")
	}
	return src
}

func stringLiteral(t *testing.T, e ast.Expr) string {
	t.Helper()
	s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// goName is the name in Go that follows from a name on the wire.
func goName(wire string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(wire, func(r rune) bool { return r == ':' || r == '_' }) {
		switch word {
		case "amd", "asr", "dtmf", "rtc", "sip":
			b.WriteString(strings.ToUpper(word))
		default:
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}

func sampleName(t nexmo.EventType) string { return strings.ReplaceAll(string(t), ":", "-") + ".json" }

func TestEventTypes(t *testing.T) {
	t.Parallel()
	src := readTypeSource(t)
	samples := map[string]bool{}
	for _, name := range filesIn(t, "testdata/events") {
		samples[filepath.Base(name)] = true
	}
	var listed []nexmo.EventType
	for _, row := range src.rows {
		wire := nexmo.EventType(src.constants[row.constant].value)
		listed = append(listed, wire)
		delete(samples, sampleName(wire))
		t.Run(string(wire), func(t *testing.T) {
			t.Parallel()
			if want := goName(string(wire)); row.body != want || row.constant != "Event"+want {
				t.Errorf("%q has the struct %s and the constant %s, want %s and %s", wire, row.body, row.constant, want, "Event"+want)
			}
			testDescription(t, wire, row, src.constants[row.constant].doc)

			e := parseFile(t, "testdata/events/"+sampleName(wire))
			if e.Type != wire {
				t.Errorf("the sample is of type %q, want %q", e.Type, wire)
			}
			if got, want := bodyName(e.Body), "*nexmo."+row.body; got != want {
				t.Fatalf("the sample decodes to a %s, want %s", got, want)
			}
			if got := e.Body.EventType(); got != wire {
				t.Errorf("EventType() of the body = %q, want %q", got, wire)
			}
			if got := newBody(t, wire).EventType(); got != wire {
				t.Errorf("EventType() of an empty body = %q, want %q", got, wire)
			}
			compareGolden(t, sampleName(wire), describe(e))
		})
	}

	slices.Sort(listed)
	if diff := cmp.Diff(listed, nexmo.EventTypes()); diff != "" {
		t.Errorf("EventTypes() is not the table (-table +got):\n%s", diff)
	}
	if len(slices.Compact(slices.Clone(listed))) != len(listed) {
		t.Error("the table has a type twice")
	}

	const custom = "custom-order-update.json"
	t.Run("custom", func(t *testing.T) {
		t.Parallel()
		e := parseFile(t, "testdata/events/"+custom)
		b, ok := nexmo.As[*nexmo.Custom](e)
		if !ok {
			t.Fatalf("the sample decodes to a %T, want *nexmo.Custom", e.Body)
		}
		if b.Name != "order-update" || b.EventType() != e.Type || e.Type != "custom:order-update" {
			t.Errorf("name %q, type of the body %q, type %q", b.Name, b.EventType(), e.Type)
		}
		compareGolden(t, custom, describe(e))
	})
	delete(samples, custom)
	for name := range samples {
		t.Errorf("testdata/events/%s belongs to no row of the table", name)
	}
	if *update {
		return
	}
	for _, name := range filesIn(t, "testdata/golden") {
		sample := "testdata/events/" + filepath.Base(name)
		if _, err := os.Stat(sample); err != nil {
			t.Errorf("%s has no sample: %v", name, err)
		}
	}
}

// testDescription checks the sentence about a type, in the table and above the
// constant.
func testDescription(t *testing.T, wire nexmo.EventType, row typeRow, doc string) {
	t.Helper()
	d := row.description
	if got := wire.Description(); got != d {
		t.Errorf("Description() = %q, want %q as in the table", got, d)
	}
	body, dot := strings.CutSuffix(d, ".")
	if !dot || body == "" || strings.ContainsAny(body, ".\n") || body[:1] != strings.ToUpper(body[:1]) {
		t.Errorf("%q is not one sentence that begins with a capital and ends with a full stop", d)
	}
	if doc == "" {
		t.Fatalf("%s has no doc line", row.constant)
	}
	want := row.constant + ": " + strings.ToLower(d[:1]) + d[1:] + " Its body is a [*" + row.body + "]."
	if doc != want {
		t.Errorf("the doc line of %s is\n%q, want\n%q", row.constant, doc, want)
	}
}

// TestEventTypeConstants: every constant is either the type of a row or one of
// the patterns, and there is a pattern for each family.
func TestEventTypeConstants(t *testing.T) {
	t.Parallel()
	src := readTypeSource(t)
	want := map[string]string{"EventAny": "*", "EventCustomAny": "custom:*"}
	for _, typ := range nexmo.EventTypes() {
		want["Event"+goName(string(typ))] = string(typ)
		want["Event"+goName(typ.Family())+"Any"] = typ.Family() + ":*"
	}
	got := map[string]string{}
	for name, c := range src.constants {
		got[name] = c.value
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("constants (-want +got):\n%s", diff)
	}
}

func TestEventTypesOfTheSeedListAreKnown(t *testing.T) {
	t.Parallel()
	if len(seedTypes) != 47 {
		t.Fatalf("the list has %d types, want 47", len(seedTypes))
	}
	known := nexmo.EventTypes()
	for _, typ := range seedTypes {
		if !typ.Known() || !slices.Contains(known, typ) {
			t.Errorf("%q is not known", typ)
		}
	}
}

func TestEventTypesIsSortedAndTheCallers(t *testing.T) {
	t.Parallel()
	first := nexmo.EventTypes()
	if !slices.IsSorted(first) {
		t.Error("the list is not sorted")
	}
	want := slices.Clone(first)
	for i := range first {
		first[i] = "changed"
	}
	_ = append(first[:1], "changed")
	if diff := cmp.Diff(want, nexmo.EventTypes()); diff != "" {
		t.Errorf("a change by one caller is seen by the next (-want +got):\n%s", diff)
	}
}

func TestEventTypeKnown(t *testing.T) {
	t.Parallel()
	for _, typ := range nexmo.EventTypes() {
		if !typ.Known() || typ.Description() == "" {
			t.Errorf("%q: Known %v, Description %q", typ, typ.Known(), typ.Description())
		}
	}
	tests := map[nexmo.EventType]bool{
		"custom:order":       true,
		"custom:order:new":   true,
		"custom:*:x":         true,
		"custom:ORDER":       true,
		"custom:":            true,
		"custom:*":           false,
		"custom":             false,
		"customs:order":      false,
		"":                   false,
		"*":                  false,
		"member:*":           false,
		"member:promoted":    false,
		"member":             false,
		"Member:Joined":      false,
		"member:joined ":     false,
		"member:joined:more": false,
	}
	for typ, want := range tests {
		if got := typ.Known(); got != want {
			t.Errorf("EventType(%q).Known() = %v, want %v", typ, got, want)
		}
		if got := typ.Description() != ""; got != want {
			t.Errorf("EventType(%q).Description() = %q, known is %v", typ, typ.Description(), want)
		}
	}
}

func TestEventTypeFamily(t *testing.T) {
	t.Parallel()
	tests := map[nexmo.EventType]string{
		"member:joined":       "member",
		"app:knocking:cancel": "app",
		"text":                "text",
		"text:typing:on":      "text",
		"ephemeral":           "ephemeral",
		"custom:order":        "custom",
		"custom:order:new":    "custom",
		"survey:completed":    "survey",
		"member:*":            "member",
		"*":                   "*",
		":odd":                "",
		"":                    "",
	}
	for typ, want := range tests {
		if got := typ.Family(); got != want {
			t.Errorf("EventType(%q).Family() = %q, want %q", typ, got, want)
		}
	}
}

func TestEventTypeMatches(t *testing.T) {
	t.Parallel()
	tests := []struct {
		pattern nexmo.EventType
		yes, no []nexmo.EventType
	}{
		{
			pattern: nexmo.EventAny,
			yes:     []nexmo.EventType{"member:joined", "text", "custom:order", "tomorrow", "*", ""},
		},
		{
			pattern: nexmo.EventMemberAny,
			yes:     []nexmo.EventType{"member:joined", "member:message:status", "member:promoted", "member", "member:*"},
			no:      []nexmo.EventType{"members:joined", "member_joined", "xmember:joined", "message", "Member:joined", "", "*"},
		},
		{
			pattern: nexmo.EventTextAny,
			yes:     []nexmo.EventType{"text", "text:seen", "text:typing:on"},
			no:      []nexmo.EventType{"texts", "texting:on", "message", "custom:text"},
		},
		{
			pattern: nexmo.EventCustomAny,
			yes:     []nexmo.EventType{"custom:order", "custom:order:new"},
			no:      []nexmo.EventType{"customs:order", "order", "text"},
		},
		{
			pattern: "survey:*", // of a family that is not known
			yes:     []nexmo.EventType{"survey:completed"},
			no:      []nexmo.EventType{"member:joined"},
		},
		{
			pattern: nexmo.EventMemberJoined,
			yes:     []nexmo.EventType{"member:joined"},
			no:      []nexmo.EventType{"member:left", "member", "member:joined:twice", "*", "member:*"},
		},
		{
			pattern: "text:typing:*", // no pattern: a family has no colon
			yes:     []nexmo.EventType{"text:typing:*"},
			no:      []nexmo.EventType{"text:typing:on", "text:typing", "text"},
		},
		{
			pattern: "mem*", // no pattern either
			yes:     []nexmo.EventType{"mem*"},
			no:      []nexmo.EventType{"member:joined", "mem"},
		},
		{
			pattern: ":*", // no pattern: a family has a name
			yes:     []nexmo.EventType{":*"},
			no:      []nexmo.EventType{"", ":", ":joined", "member:joined"},
		},
		{
			pattern: "*:joined",
			no:      []nexmo.EventType{"member:joined"},
		},
		{
			pattern: "",
			yes:     []nexmo.EventType{""},
			no:      []nexmo.EventType{"member:joined"},
		},
	}
	for _, tt := range tests {
		for _, typ := range tt.yes {
			if !tt.pattern.Matches(typ) {
				t.Errorf("EventType(%q).Matches(%q) = false, want true", tt.pattern, typ)
			}
		}
		for _, typ := range tt.no {
			if tt.pattern.Matches(typ) {
				t.Errorf("EventType(%q).Matches(%q) = true, want false", tt.pattern, typ)
			}
		}
	}
	for _, typ := range nexmo.EventTypes() {
		family := nexmo.EventType(typ.Family() + ":*")
		for _, other := range nexmo.EventTypes() {
			if got, want := typ.Matches(other), typ == other; got != want {
				t.Errorf("EventType(%q).Matches(%q) = %v, want %v", typ, other, got, want)
			}
			if got, want := family.Matches(other), typ.Family() == other.Family(); got != want {
				t.Errorf("EventType(%q).Matches(%q) = %v, want %v", family, other, got, want)
			}
		}
	}
}

// TestReadmeListsTheEventTypes: the table in the README is the one in types.go.
func TestReadmeListsTheEventTypes(t *testing.T) {
	t.Parallel()
	src := readTypeSource(t)
	var want strings.Builder
	want.WriteString("| event type | body | when |\n|---|---|---|\n")
	for _, row := range src.rows {
		want.WriteString("| `" + src.constants[row.constant].value + "` | `" + row.body + "` | " + row.description + " |\n")
	}
	text := string(readFile(t, "README.md"))
	_, rest, begun := strings.Cut(text, "<!-- event types: begin (go generate) -->\n")
	got, _, ended := strings.Cut(rest, "<!-- event types: end -->")
	if !begun || !ended {
		t.Fatal("README.md: the marks around the table of event types are missing")
	}
	if diff := cmp.Diff(strings.Split(want.String(), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("the table in README.md is out of date: run go generate (-want +got):\n%s", diff)
	}
}
