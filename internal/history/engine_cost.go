//go:build !nohistory

package history

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/util/strutil"
)

// What an expression may be. The engine bounds samples and time, but not these: each of them can take all memory of the
// process within a few hundred bytes of PromQL, and running out of memory cannot be caught.
const (
	maxExpression = 32 << 10 // bytes
	maxDepth      = 250      // of parentheses; parser and engine recurse
	maxOperators  = 1000     // a chain of operators nests too
	maxSubquery   = 500_000  // steps; the engine counts in two arrays of as many
	maxLabel      = 8 << 10  // bytes of a label value that label_replace and label_join may build
	maxRegexps    = 100_000  // instructions of all compiled regular expressions of an expression

	// usualLabel is what a label value is taken to have before functions of labels build others of it.
	usualLabel = 256
)

// newParser returns a parser of what the engine evaluates. It refuses texts that are dangerous to parse.
func newParser() parser.Parser { return boundedParser{parser.NewParser(parser.Options{})} }

type boundedParser struct{ parser.Parser }

func (p boundedParser) ParseExpr(text string) (parser.Expr, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	return p.Parser.ParseExpr(text)
}

func (p boundedParser) ParseMetricSelectors(all []string) ([][]*labels.Matcher, error) {
	if err := checkText(strings.Join(all, ",")); err != nil {
		return nil, err
	}
	return p.Parser.ParseMetricSelectors(all)
}

// checkText refuses a text before it is parsed, because parsing recurses and compiles.
func checkText(text string) error {
	if len(text) > maxExpression {
		return fmt.Errorf("expression of %d bytes, want at most %d", len(text), maxExpression)
	}
	var (
		item             parser.Item
		depth, operators int
		regexps          int
	)
	for lexer := parser.Lex(text); ; {
		lexer.NextItem(&item)
		switch item.Typ {
		case parser.EOF, parser.ERROR:
			return nil // the parser says what is wrong
		case parser.LEFT_PAREN:
			depth++
		case parser.RIGHT_PAREN:
			depth--
		case parser.STRING:
			regexps += regexpSize(item.Val)
		}
		if item.Typ.IsOperator() {
			operators++
		}
		switch {
		case depth > maxDepth:
			return fmt.Errorf("expression nests deeper than %d", maxDepth)
		case operators > maxOperators:
			return fmt.Errorf("expression of more than %d operators", maxOperators)
		case regexps > maxRegexps:
			return errors.New("regular expressions are too large")
		}
	}
}

// regexpSize estimates the instructions of the regular expression that a quoted string may be.
func regexpSize(quoted string) int {
	text, err := strutil.Unquote(quoted)
	if err != nil {
		return 0
	}
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return 0
	}
	return instructions(parsed)
}

func instructions(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	for _, sub := range re.Sub {
		n += instructions(sub)
	}
	if re.Op == syntax.OpRepeat {
		n *= max(1, re.Min, re.Max)
	}
	return n
}

// checkCost refuses an expression that is evaluated over a span of time when the engine would need memory for it that it
// does not count.
func checkCost(e parser.Expr, over time.Duration) error {
	_, err := cost(e, over)
	return err
}

// cost returns the length that label values of the expression may have.
func cost(e parser.Node, over time.Duration) (label int, err error) {
	if sub, ok := e.(*parser.SubqueryExpr); ok {
		step := sub.Step
		if step == 0 {
			step = subqueryStep
		}
		if over += sub.Range; over/step > maxSubquery {
			return 0, fmt.Errorf("subquery of %d steps, want at most %d", over/step, maxSubquery)
		}
	}
	label = usualLabel
	for child := range parser.ChildrenIter(e) {
		l, err := cost(child, over)
		if err != nil {
			return 0, err
		}
		label = max(label, l)
	}
	if call, ok := e.(*parser.Call); ok {
		label = built(call, label)
	}
	if label > maxLabel {
		return 0, fmt.Errorf("label values could grow beyond %d bytes", maxLabel)
	}
	return label, nil
}

// built returns the length of label values after a function of labels had some of a length.
func built(call *parser.Call, label int) int {
	switch call.Func.Name {
	case "label_replace": // (vector, dst, replacement, src, regex)
		text := literal(call.Args[2])
		return max(label, len(text)+strings.Count(text, "$")*label)
	case "label_join": // (vector, dst, separator, src…)
		return max(label, (len(call.Args)-3)*(label+len(literal(call.Args[2]))))
	}
	return label
}

func literal(e parser.Expr) string {
	for {
		switch of := e.(type) {
		case *parser.ParenExpr:
			e = of.Expr
		case *parser.StepInvariantExpr:
			e = of.Expr
		case *parser.StringLiteral:
			return of.Val
		default:
			return ""
		}
	}
}
