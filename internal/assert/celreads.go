package assert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxReads bounds how many of the values that an expression reads are shown when it is false.
const maxReads = 4

// read is a part of an expression that reads a variable, such as json.items[0].price.
type read struct {
	id     int64
	text   string
	header string // name of the field, when it is one of the header
}

// reads returns the longest parts of an expression that read a variable by constant keys, without those that are
// evaluated for each element of a list: they have no one value.
func reads(checked *cel.Ast) []read {
	var found []read
	var walk func(e ast.Expr)
	walk = func(e ast.Expr) {
		if root, key, ok := path(e); ok {
			text, err := cel.ExprToString(e, checked.NativeRep().SourceInfo())
			double := slices.ContainsFunc(found, func(r read) bool { return r.text == text })
			if err == nil && !double && (root != "headers" || key != "") {
				found = append(found, read{e.ID(), text, key})
			}
			return
		}
		for _, part := range parts(e) {
			walk(part)
		}
	}
	walk(checked.NativeRep().Expr())
	return found
}

// readsAny reports whether an expression reads one of the variables; not when it cannot be parsed.
func readsAny(expression string, variables ...string) bool {
	env, err := newEnv()
	if err != nil {
		return false
	}
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		return false
	}
	found := ast.MatchDescendants(ast.NavigateAST(parsed.NativeRep()), func(e ast.NavigableExpr) bool {
		return e.Kind() == ast.IdentKind && slices.Contains(variables, e.AsIdent())
	})
	return len(found) > 0
}

// path reports whether an expression is a variable, or what a chain of constant keys selects of one: the name of the
// variable, and the first key when the variable is the header.
func path(e ast.Expr) (root, header string, ok bool) {
	switch e.Kind() {
	case ast.IdentKind:
		return e.AsIdent(), "", slices.Contains(variableNames(), e.AsIdent())
	case ast.SelectKind:
		selected := e.AsSelect()
		root, header, ok = path(selected.Operand())
		if root == "headers" {
			header = selected.FieldName()
		}
		return root, header, ok && !selected.IsTestOnly()
	case ast.CallKind:
		call := e.AsCall()
		if call.FunctionName() != operators.Index || call.Args()[1].Kind() != ast.LiteralKind {
			return "", "", false
		}
		root, header, ok = path(call.Args()[0])
		if root == "headers" {
			header = fmt.Sprint(call.Args()[1].AsLiteral().Value())
		}
		return root, header, ok
	}
	return "", "", false
}

// parts returns the expressions that an expression is made of and that are evaluated at most once.
func parts(e ast.Expr) []ast.Expr {
	switch e.Kind() {
	case ast.SelectKind:
		return []ast.Expr{e.AsSelect().Operand()}
	case ast.CallKind:
		call := e.AsCall()
		if call.IsMemberFunction() {
			return append([]ast.Expr{call.Target()}, call.Args()...)
		}
		return call.Args()
	case ast.ListKind:
		return e.AsList().Elements()
	case ast.ComprehensionKind:
		return []ast.Expr{e.AsComprehension().IterRange()}
	}
	return nil
}

// values says what an expression that turned out to be false has read: it is evaluated once more, keeping all values.
func (r *celRule) values(s *subject) string {
	program, err := r.env.Program(r.ast, append(limits(), cel.EvalOptions(cel.OptTrackState))...)
	if err != nil {
		return ""
	}
	_, details, err := program.ContextEval(s.ctx, s.vars)
	if err != nil || details == nil {
		return ""
	}
	var said strings.Builder
	for _, read := range r.reads {
		value, ok := details.State().Value(read.id)
		if !ok || types.IsUnknownOrError(value) {
			continue
		}
		shown := showCEL(value)
		if read.header != "" {
			shown = quoteHeader(read.header, fmt.Sprint(value.Value()))
		}
		fmt.Fprintf(&said, "; %s is %s", read.text, shown)
	}
	return said.String()
}

// showCEL writes a value as JSON, cut, and a time by RFC 3339. Variables hold no other types.
func showCEL(value ref.Val) string {
	if value == types.NullValue {
		return "null"
	}
	switch native := value.Value().(type) {
	case time.Time:
		return native.UTC().Format(time.RFC3339)
	case string:
		return quote(native)
	default:
		return show(native)
	}
}
