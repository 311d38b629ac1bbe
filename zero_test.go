package nexmo_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/conversation-events/nexmo"
)

// TestZeroValues: what a zero value does, where it is made to do something.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	e := &nexmo.Event{ID: 1, ConversationID: "CON-1", Type: nexmo.EventText}
	var credentials nexmo.Credentials
	user := credentials.User("alice", 0, nexmo.ClientACL())
	for name, test := range map[string]struct {
		call func() (any, error)
		want any
		err  string // "" for none
	}{
		"EventDispatcher": {call: func() (any, error) { return nil, new(nexmo.EventDispatcher).Deliver(ctx, e) }},
		"ACL":             {call: func() (any, error) { return nexmo.ACL{}.Allows("GET", "/v1/users"), nil }, want: false},
		"ACLRule": {call: func() (any, error) {
			return nexmo.ACL{Paths: map[string]nexmo.ACLRule{"/*/users": {}}}.Allows("GET", "/v1/users"), nil
		}, want: true},
		"Credentials":        {call: func() (any, error) { _, err := credentials.Token(); return credentials.ApplicationID(), err }, want: "", err: "nexmo: credentials are empty: make them with NewCredentials"},
		"Credentials, user":  {call: func() (any, error) { return user.Token() }, want: "", err: "nexmo: credentials are empty: make them with NewCredentials"},
		"Credentials, print": {call: func() (any, error) { b, err := credentials.MarshalJSON(); return string(b), err }, want: `"nexmo.Credentials()"`},
		"Verifier":           {call: func() (any, error) { _, err := new(nexmo.Verifier).VerifyToken("", nil); return nil, err }, err: nexmo.ErrWebhookNoSecret.Error()},
		"Event":              {call: func() (any, error) { _, err := new(nexmo.Event).MarshalJSON(); return nil, err }, err: "nexmo: event: to write an event it must have a Type or a Body"},
		"RawBody":            {call: func() (any, error) { b, err := nexmo.RawBody{}.MarshalJSON(); return string(b), err }, want: "{}"},
		"Custom":             {call: func() (any, error) { b, err := nexmo.Custom{}.MarshalJSON(); return string(b), err }, want: "{}"},
		"APIError":           {call: func() (any, error) { return nil, new(nexmo.APIError) }, err: "nexmo: : 0"},
		"DecodeError":        {call: func() (any, error) { return nil, new(nexmo.DecodeError) }, err: "nexmo: event: <nil>"},
		"PanicError":         {call: func() (any, error) { return nil, new(nexmo.PanicError) }, err: "nexmo: a handler panicked: <nil>"},
		"SessionError":       {call: func() (any, error) { return nil, new(nexmo.SessionError) }, err: "nexmo: session: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.call()
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.err, errorText(err)); diff != "" {
				t.Errorf("the error (-want +got):\n%s", diff)
			}
		})
	}
}

// withoutZeroValue returns the exported structs of a file that have unexported fields and
// whose comments do not say what their zero value is. What has none works as it is.
func withoutZeroValue(file *ast.File) (wrong []string, checked int) {
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			spec, _ := spec.(*ast.TypeSpec)
			fields, ok := spec.Type.(*ast.StructType)
			if !ok || !spec.Name.IsExported() {
				continue
			}
			hidden := false
			for _, field := range fields.Fields.List {
				for _, name := range field.Names {
					hidden = hidden || !name.IsExported()
				}
			}
			if !hidden {
				continue
			}
			checked++
			doc := strings.Join(strings.Fields(types.Doc.Text()+spec.Doc.Text()), " ")
			if !strings.Contains(doc, "zero value") && !strings.Contains(doc, "must be set") {
				wrong = append(wrong, spec.Name.Name)
			}
		}
	}
	return wrong, checked
}

// TestZeroValueComments: the comment of a struct that hides fields says whether its zero
// value works, or what must be set, or what makes one.
func TestZeroValueComments(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	checked := 0
	for _, folder := range []string{".", "nexmotest"} {
		names, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			wrong, n := withoutZeroValue(file)
			checked += n
			for _, name := range wrong {
				t.Errorf("%s: the comment does not say what the zero value of %s does", folder, name)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d structs were found", checked)
	}
	const source = "package p\n\n// A works. The zero value is ready.\ntype A struct{ n int }\n\n// B is more.\ntype B struct{ n int }\n\n// C is plain.\ntype C struct{ N int }\n"
	file, err := parser.ParseFile(fset, "p.go", source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	wrong, _ := withoutZeroValue(file)
	if diff := cmp.Diff([]string{"B"}, wrong); diff != "" {
		t.Errorf("a file with a mistake (-want +got):\n%s", diff)
	}
}
