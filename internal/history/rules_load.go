//go:build !nohistory

package history

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// loader hands rule files to a rules.Manager from memory.
type loader struct {
	files  []RuleFile
	parser parser.Parser
	parsed map[string]*rulefmt.RuleGroups // by name of the file
	order  map[string]int                 // of groups, by rules.GroupKey, as the files have them
}

// newLoader parses the files and returns all mistakes in them.
func newLoader(files []RuleFile) (*loader, error) {
	l := &loader{
		files: files, parser: parser.NewParser(parser.Options{}),
		parsed: make(map[string]*rulefmt.RuleGroups), order: make(map[string]int),
	}
	var mistakes []error
	for _, file := range files {
		if l.parsed[file.Name] != nil {
			mistakes = append(mistakes, fmt.Errorf("two rule files are named %s", file.Name))
			continue
		}
		groups, errs := rulefmt.Parse(file.Content, false, model.UTF8Validation, l.parser, slog.New(slog.DiscardHandler))
		for _, err := range errs {
			mistakes = append(mistakes, fmt.Errorf("rule file %s: %w", file.Name, err))
		}
		if len(errs) > 0 {
			continue
		}
		l.parsed[file.Name] = groups
		for _, group := range groups.Groups {
			l.order[rules.GroupKey(file.Name, group.Name)] = len(l.order)
		}
	}
	return l, errors.Join(mistakes...)
}

// Load implements rules.GroupLoader; the identifier is the name of a file.
func (l *loader) Load(name string, _ bool, _ model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	if groups := l.parsed[name]; groups != nil {
		return groups, nil
	}
	return nil, []error{fmt.Errorf("no rule file is named %s", name)}
}

// Parse implements rules.GroupLoader.
func (l *loader) Parse(expr string) (parser.Expr, error) { return l.parser.ParseExpr(expr) }

func (l *loader) names() []string {
	names := make([]string, len(l.files))
	for i, file := range l.files {
		names[i] = file.Name
	}
	return names
}

// sorted returns groups in the order of the files: what a group reads is recorded by one before it.
func (l *loader) sorted(groups []*rules.Group) []*rules.Group {
	place := func(g *rules.Group) int { return l.order[rules.GroupKey(g.File(), g.Name())] }
	slices.SortFunc(groups, func(a, b *rules.Group) int { return cmp.Compare(place(a), place(b)) })
	return groups
}
