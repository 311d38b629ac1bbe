package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"strings"
)

// mutant is one small change of the code, which is off until the environment of
// the test binary names its number.
type mutant struct {
	id       int // from 1, unique in a run
	function string
	key      string
	file     *sourceFile
	line     int
	form     form
	leftOut  string // why the test binary is compiled without it; "" if it is not

	pkg   *testPackage
	tests []string // those that reach it
}

// form makes the text of a node in which m can be switched on, from the text in
// which the other mutants can.
type form func(m *mutant, text string) string

// on is the Go expression that is true while the mutant is switched on.
func (m *mutant) on() string { return fmt.Sprintf("mutantOn(%d)", m.id) }

// The forms that need nothing but the text. A mutant that makes a condition true is
// reached only where it is false, and the other way round.
func deleted(m *mutant, text string) string  { return "if !" + m.on() + " { " + text + " }" }
func inverted(m *mutant, text string) string { return "(" + m.on() + " != (" + text + "))" }
func always(m *mutant, text string) string   { return "((" + text + ") || " + m.on() + ")" }
func never(m *mutant, text string) string    { return "((" + text + ") && !" + m.on() + ")" }

// walker finds the mutants of a file.
type walker struct {
	file *sourceFile
	info *types.Info
	logs bool            // delete log calls too
	add  func(m *mutant) // takes a new mutant, and numbers it
	seen map[string]int  // how often each key came

	function string            // the function or variable it is in
	results  []*types.Tuple    // of the functions around, the innermost last
	tails    map[ast.Stmt]bool // a function with results ends with these: they have to return
	done     map[ast.Node]bool // another mutant changes these in the same way
	listed   map[ast.Stmt]bool // these stand in a list of statements
}

// mutate adds a mutant of node, around those that it has already.
func (w *walker) mutate(node ast.Node, operator, source string, f form) *mutant {
	key := strings.Join([]string{w.file.name, w.function, operator, normal(source)}, ":")
	w.seen[key]++
	if n := w.seen[key]; n > 1 {
		key += fmt.Sprintf(" (%d)", n)
	}
	m := &mutant{function: w.function, key: key, file: w.file, line: w.file.fset.Position(node.Pos()).Line, form: f}
	w.add(m)
	w.file.mutants[node] = append(w.file.mutants[node], m)
	return m
}

// rebuild adds a mutant of node inside those that it has already. It has one of
// these at most, whose form takes the text from the parts of the node.
func (w *walker) rebuild(node ast.Node, operator, source string, f form) *mutant {
	m := w.mutate(node, operator, source, f)
	all := w.file.mutants[node]
	w.file.mutants[node] = append([]*mutant{m}, all[:len(all)-1]...)
	return m
}

// normal returns source on one line, cut, without what ends a key.
func normal(source string) string {
	const most = 80
	source = strings.ReplaceAll(strings.Join(strings.Fields(source), " "), " # ", " ")
	if r := []rune(source); len(r) > most {
		source = string(r[:most]) + "…"
	}
	return source
}

// declaration finds the mutants of a function or of variables of the package.
func (w *walker) declaration(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Body == nil {
			return
		}
		w.function = d.Name.Name
		if d.Recv != nil {
			receiver := strings.Trim(w.file.text(d.Recv), "()")
			receiver, _, _ = strings.Cut(receiver, "[")
			receiver = receiver[strings.LastIndex(receiver, " ")+1:]
			w.function = strings.TrimPrefix(receiver, "*") + "." + w.function
		}
		w.body(w.info.Defs[d.Name].Type().(*types.Signature).Results(), d.Body)
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return
		}
		for _, spec := range d.Specs {
			spec := spec.(*ast.ValueSpec)
			w.function = spec.Names[0].Name
			for _, value := range spec.Values {
				ast.Walk(w, value)
			}
		}
	}
}

// body finds the mutants of the body of a function.
func (w *walker) body(results *types.Tuple, body *ast.BlockStmt) {
	if n := len(body.List); n > 0 && results.Len() > 0 {
		w.tails[body.List[n-1]] = true
	}
	w.results = append(w.results, results)
	ast.Walk(w, body)
	w.results = w.results[:len(w.results)-1]
}

// Visit adds the mutants of one node and returns nil when it has been inside it.
func (w *walker) Visit(node ast.Node) ast.Visitor {
	if e, ok := node.(ast.Expr); ok && w.constant(e) {
		return nil
	}
	switch n := node.(type) {
	case *ast.BlockStmt:
		w.list(n.List, w.tails[n])
	case *ast.CaseClause:
		w.list(n.Body, false)
	case *ast.CommClause:
		w.list(n.Body, false)
	case *ast.IfStmt:
		w.condition(n.Cond, n.Else != nil || !w.single(n.Body.List))
		w.tails[n.Body] = w.tails[n]
		if e := n.Else; e != nil {
			w.tails[e] = w.tails[n]
		}
	case *ast.ForStmt:
		if n.Cond != nil {
			w.settle(n.Cond)
			w.logical(n.Cond, "never", never)
		}
	case *ast.SwitchStmt:
		w.clauses(n, n.Body, n.Tag == nil)
	case *ast.TypeSwitchStmt:
		w.clauses(n, n.Body, false)
	case *ast.SelectStmt:
		w.clauses(n, n.Body, false)
	case *ast.ReturnStmt:
		w.returnStmt(n)
	case *ast.AssignStmt:
		w.opAssign(n)
	case *ast.BinaryExpr:
		w.binary(n)
	case *ast.UnaryExpr:
		if n.Op == token.NOT && !w.done[n] {
			w.logical(n, "not", inverted)
		}
	case *ast.CallExpr:
		if w.logCall(n) {
			return nil
		}
		// The capacity of what make makes is only a matter of speed.
		if id, ok := n.Fun.(*ast.Ident); ok && id.Name == "make" && len(n.Args) == 3 {
			ast.Walk(w, n.Args[1])
			return nil
		}
	case *ast.FuncLit:
		w.body(w.info.TypeOf(n).(*types.Signature).Results(), n.Body)
		return nil
	case *ast.CompositeLit:
		w.literal(n)
		return nil
	case *ast.GenDecl:
		if n.Tok != token.VAR {
			return nil
		}
	case *ast.ArrayType, *ast.StructType, *ast.FuncType, *ast.InterfaceType, *ast.MapType, *ast.ChanType:
		return nil
	}
	return w
}

// list adds the mutants that delete a statement of a list. A list at the tail of
// a function hands that on to its last statement.
func (w *walker) list(stmts []ast.Stmt, tail bool) {
	for i, stmt := range stmts {
		if tail && i == len(stmts)-1 {
			w.tails[stmt] = true
		}
		w.listed[stmt] = true
		if w.deletable(stmt) {
			w.mutate(stmt, "delete", w.file.text(stmt), deleted)
		}
	}
}

func (w *walker) deletable(stmt ast.Stmt) bool {
	switch s := stmt.(type) {
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return !ok || w.logs || !w.logCall(call)
	case *ast.AssignStmt:
		return s.Tok != token.DEFINE
	case *ast.BranchStmt:
		return s.Tok == token.BREAK || s.Tok == token.CONTINUE
	case *ast.ReturnStmt:
		return len(s.Results) == 0 && !w.tails[s]
	case *ast.IncDecStmt, *ast.DeferStmt, *ast.GoStmt, *ast.SendStmt:
		return true
	}
	return false
}

// logCall reports whether call writes a log.
func (w *walker) logCall(call *ast.CallExpr) bool {
	fun, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	f, ok := w.info.Uses[fun.Sel].(*types.Func)
	if !ok || f.Pkg() == nil || f.Pkg().Path() != "log/slog" && f.Pkg().Path() != "log" {
		return false
	}
	return f.Signature().Results().Len() == 0
}

// condition adds the mutants of a condition: always true, never true, unless there
// are mutants that find more. Where one of the operands of && is dropped, some of
// what is false becomes true; and of || the other way round.
func (w *walker) condition(e ast.Expr, neverToo bool) {
	op := w.settle(e)
	if op != token.LAND {
		w.logical(e, "always", always)
	}
	if op != token.LOR && neverToo {
		w.logical(e, "never", never)
	}
}

// logical adds a mutant of something true or false.
func (w *walker) logical(e ast.Expr, operator string, f form) {
	m := w.mutate(e, operator, w.file.text(e), f)
	if !types.Identical(types.Default(w.info.TypeOf(e)), types.Typ[types.Bool]) {
		m.leftOut = "its type is not bool"
	}
}

// settle marks e as something that has mutants which find all that == for != and a
// dropped ! would, and returns its operator if it has two operands.
func (w *walker) settle(e ast.Expr) token.Token {
	inner := ast.Unparen(e)
	w.done[e], w.done[inner] = true, true
	if b, ok := inner.(*ast.BinaryExpr); ok {
		return b.Op
	}
	return token.ILLEGAL
}

// operands adds the mutants that drop one of the operands of && or ||.
func (w *walker) operands(n *ast.BinaryExpr) {
	dropped := map[token.Token]form{token.LAND: always, token.LOR: never}[n.Op]
	for _, e := range [...]ast.Expr{n.X, n.Y} {
		if w.settle(e) != n.Op { // each operand of a && b && c once
			w.logical(e, "drop", dropped)
		}
	}
}

// single reports whether list is one statement, which another mutant deletes or
// which writes a log.
func (w *walker) single(list []ast.Stmt) bool {
	if len(list) != 1 {
		return false
	}
	_, ok := list[0].(*ast.ExprStmt)
	return ok || w.deletable(list[0])
}

// clauses adds the mutants of the cases of a switch or select: those of a switch
// without a tag are conditions, the bodies of the others are emptied.
func (w *walker) clauses(n ast.Stmt, body *ast.BlockStmt, conditions bool) {
	tail := w.tails[n]
	for _, clause := range body.List {
		var list []ast.Stmt
		var colon token.Pos
		source := "default"
		switch c := clause.(type) {
		case *ast.CaseClause:
			list, colon = c.Body, c.Colon
			if len(c.List) > 0 {
				source = w.file.span(c.List[0].Pos(), colon)
			}
			if conditions {
				for _, e := range c.List {
					w.condition(e, true)
				}
			}
		case *ast.CommClause:
			list, colon = c.Body, c.Colon
			if c.Comm != nil {
				source = w.file.text(c.Comm)
			}
		}
		if n := len(list); n > 0 && tail {
			w.tails[list[n-1]] = true
		}
		if conditions && source != "default" || len(list) == 0 || w.single(list) {
			continue
		}
		m := w.rebuild(clause, "case", source, func(m *mutant, _ string) string {
			return w.file.render(clause, clause.Pos(), colon+1) + deleted(m, w.file.render(clause, colon+1, clause.End()))
		})
		if tail {
			m.leftOut = "nothing would be returned"
		}
	}
}

// returnStmt adds the mutant in which the error that is returned is nil.
func (w *walker) returnStmt(n *ast.ReturnStmt) {
	results := w.results[len(w.results)-1]
	last := results.Len() - 1
	if last < 0 || !types.Identical(results.At(last).Type(), types.Universe.Lookup("error").Type()) || len(n.Results) == 0 {
		return
	}
	returned := n.Results[len(n.Results)-1]
	if id, ok := returned.(*ast.Ident); ok && id.Name == "nil" || !w.listed[n] {
		return
	}
	w.mutate(n, "nil", w.file.text(n), func(m *mutant, text string) string {
		if len(n.Results) == results.Len() {
			values := w.file.render(n, n.Pos(), returned.Pos()) // "return a, b, "
			return "if " + m.on() + " { " + values + "nil }; " + text
		}
		var results []string
		for i := range last {
			results = append(results, fmt.Sprintf("result%d", i))
		}
		names, call := strings.Join(results, ", "), w.file.render(n, returned.Pos(), n.End())
		return fmt.Sprintf("if %s { %s, _ := %s; return %s, nil }; %s", m.on(), names, call, names, text)
	})
}

// opAssign adds the mutants of += and -=.
func (w *walker) opAssign(n *ast.AssignStmt) {
	other := map[token.Token]string{token.ADD_ASSIGN: " -= ", token.SUB_ASSIGN: " += "}[n.Tok]
	if other == "" || !w.listed[n] || !w.numeric(n.Lhs[0]) {
		return
	}
	w.mutate(n, "plusminus", w.file.text(n), func(m *mutant, text string) string {
		return "if " + m.on() + " { " + w.file.render(n, n.Pos(), n.TokPos) + other + w.file.render(n, n.Rhs[0].Pos(), n.End()) + " } else { " + text + " }"
	})
}

// functions of the part that runs in the test binary, for operators.
var functions = map[token.Token]string{
	token.LSS: "mutantLess", token.LEQ: "mutantLessEqual", token.GTR: "mutantGreater", token.GEQ: "mutantGreaterEqual",
	token.ADD: "mutantPlus", token.SUB: "mutantMinus",
}

// binary adds the mutants of an operator between two operands.
func (w *walker) binary(n *ast.BinaryExpr) {
	call := func(m *mutant, _ string) string {
		x, y := w.file.render(n, n.X.Pos(), n.X.End()), w.file.render(n, n.Y.Pos(), n.Y.End())
		return fmt.Sprintf("%s(%d, %s, %s)", functions[n.Op], m.id, x, y)
	}
	switch n.Op {
	case token.EQL, token.NEQ:
		if !w.done[n] {
			w.logical(n, "equal", inverted)
		}
	case token.LSS, token.GEQ:
		w.rebuild(n, "boundary", w.file.text(n), call)
		w.same(n.Y)
	case token.LEQ, token.GTR:
		w.rebuild(n, "boundary", w.file.text(n), call)
		w.same(n.X)
	case token.ADD, token.SUB:
		if w.numeric(n) {
			w.rebuild(n, "plusminus", w.file.text(n), call)
		}
	case token.LAND, token.LOR:
		w.operands(n)
	}
}

// same marks a constant integer whose successor is what the other boundary is.
func (w *walker) same(e ast.Expr) {
	if w.info.Types[e].Value != nil {
		w.done[e] = true
	}
}

// constant adds the mutant of a constant, if e is one, and reports whether it is.
func (w *walker) constant(e ast.Expr) bool {
	value := w.info.Types[e].Value
	if value == nil {
		return false
	}
	typ := types.Default(w.info.TypeOf(e))
	switch {
	case w.done[e]:
	case value.Kind() == constant.Bool:
		w.logical(e, "bool", inverted)
	case value.Kind() == constant.Int && typ.Underlying().(*types.Basic).Info()&types.IsInteger != 0:
		name := types.TypeString(typ, func(p *types.Package) string {
			if p.Path() == w.file.pkgPath {
				return ""
			}
			return p.Name()
		})
		operator, function := "increment", "mutantIncrement"
		if name == "time.Duration" && constant.Sign(value) != 0 {
			operator, function = "double", "mutantDouble" // a nanosecond more is no difference
		}
		w.mutate(e, operator, w.file.text(e), func(m *mutant, text string) string {
			return fmt.Sprintf("%s[%s](%d, %s)", function, name, m.id, text)
		})
	}
	return true
}

// literal goes through a composite literal. The indices of an array stay constant.
func (w *walker) literal(n *ast.CompositeLit) {
	_, isMap := w.info.TypeOf(n).Underlying().(*types.Map)
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if isMap {
				ast.Walk(w, kv.Key)
			}
			e = kv.Value
		}
		ast.Walk(w, e)
	}
}

func (w *walker) numeric(e ast.Expr) bool {
	basic, ok := w.info.TypeOf(e).Underlying().(*types.Basic)
	return ok && basic.Info()&(types.IsInteger|types.IsFloat) != 0
}
