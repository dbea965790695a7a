package assert

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of CEL expressions. A unit of cost is about one step of the evaluation, or ten characters of a text that is
// looked through.
const (
	maxExpression = 4 << 10    // characters
	maxCost       = 10_000_000 // about a second on a small machine, or a pattern of 40 characters in 10 MB
	maxPattern    = 10_000     // instructions of a regular expression, which may come from the server
	interruptStep = 1000       // turns of a comprehension between two looks at the clock
)

// compiler holds what the rules of one list are compiled with.
type compiler struct{ env func() (*cel.Env, error) }

func newCompiler() *compiler { return &compiler{env: sync.OnceValues(newEnv)} }

// variableNames returns the names of what expressions can read.
func variableNames() []string {
	return []string{"status", "headers", "body", "json", "timings", "duration", "cert"}
}

// newEnv declares what expressions can use: the standard library of CEL and the variables of a response.
func newEnv() (*cel.Env, error) {
	return cel.NewEnv(
		cel.CustomTypeAdapter(adapter{}),
		cel.CrossTypeNumericComparisons(true), // JSON does not tell 1 from 1.0
		cel.RegexProgramSizeLimit(maxPattern),
		cel.Variable("status", cel.IntType),
		cel.Variable("headers", cel.MapType(cel.StringType, cel.StringType)),
		cel.Variable("body", cel.StringType),
		cel.Variable("json", cel.DynType),
		cel.Variable("timings", cel.MapType(cel.StringType, cel.DoubleType)),
		cel.Variable("duration", cel.DoubleType),
		cel.Variable("cert", cel.MapType(cel.StringType, cel.DynType)),
	)
}

// compileCEL returns a test that an expression is true.
func (c *compiler) compileCEL(field, expression string) (test, error) {
	if n := utf8.RuneCountInString(expression); n > maxExpression {
		return nil, probe.Fieldf(field, "%d characters, want at most %d", n, maxExpression)
	}
	env, err := c.env()
	if err != nil {
		return nil, probe.Fieldf(field, "preparing CEL: %w", err)
	}
	ast, issues := env.Compile(expression)
	if issues.Err() != nil {
		return nil, probe.Fieldf(field, "%s", complaints(issues))
	}
	if out := ast.OutputType(); !out.IsExactType(cel.BoolType) && !out.IsExactType(cel.DynType) {
		return nil, probe.Fieldf(field, "is of type %s, want an expression that is true or false", out)
	}
	program, err := env.Program(ast, append(limits(), cel.EvalOptions(cel.OptOptimize))...)
	if err != nil {
		return nil, probe.Fieldf(field, "%w", err)
	}
	found := reads(ast)
	rule := &celRule{expression, env, ast, program, found[:min(len(found), maxReads)]}
	return rule.test, nil
}

// complaints says in one line what is wrong with an expression, and where.
func complaints(issues *cel.Issues) string {
	var all []string
	for _, issue := range issues.Errors() {
		all = append(all, fmt.Sprintf("line %d, column %d: %s", issue.Location.Line(), issue.Location.Column()+1, issue.Message))
	}
	return strings.Join(all, "; ")
}

// limits returns what keeps the evaluation of an expression from going on and on.
func limits() []cel.ProgramOption {
	return []cel.ProgramOption{cel.CostLimit(maxCost), cel.InterruptCheckFrequency(interruptStep)}
}

// celRule is a compiled expression.
type celRule struct {
	expression string
	env        *cel.Env
	ast        *cel.Ast
	program    cel.Program
	reads      []read
}

func (r *celRule) test(s *subject) (string, error) {
	value, _, err := r.program.ContextEval(s.ctx, s.vars)
	if document, ok := errors.AsType[*documentError](err); ok {
		return document.Error(), nil
	}
	if err != nil {
		return "", err
	}
	holds, ok := value.(types.Bool)
	switch {
	case !ok:
		return "", fmt.Errorf("the expression is of type %s, want true or false", value.Type().TypeName())
	case bool(holds):
		return "", nil
	}
	return quote(r.expression) + " is false, want true" + r.values(s), nil
}
