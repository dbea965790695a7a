package dashboards_test

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// choice is what a reader has chosen: variable to value.
type choice map[string]string

func (c choice) String() string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(c)) {
		parts = append(parts, name+"="+c[name])
	}
	return strings.Join(parts, " ")
}

// span is a time range and what Grafana makes of it for one panel.
type span struct {
	length  time.Duration
	step    time.Duration // $__interval
	scraped time.Duration // the interval that the data source is provisioned with
}

// panelSpan returns the span of a panel in a dashboard over a time range.
func panelSpan(p *panel, length time.Duration) span {
	if p.TimeFrom != "" {
		length = days(p.TimeFrom)
	}
	points := 1000
	if p.MaxDataPoints > 0 {
		points = p.MaxDataPoints
	}
	step := max(length/time.Duration(points), 15*time.Second).Round(time.Second)
	if p.Interval != "" {
		step = max(step, days(p.Interval))
	}
	return span{length, step, 15 * time.Second}
}

// days parses a duration that may be given in days.
func days(text string) time.Duration {
	if n, ok := strings.CutSuffix(text, "d"); ok {
		count, err := strconv.Atoi(n)
		if err != nil {
			panic(err)
		}
		return time.Duration(count) * 24 * time.Hour
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(err)
	}
	return d
}

var reference = regexp.MustCompile(`\$\{(\w+)(?::\w+)?\}|\$([a-zA-Z_]\w*)`)

// fill replaces variables as Grafana does: its own, and those that the reader chose.
func fill(expr string, chosen choice, s span) (string, error) {
	var unknown []string
	filled := reference.ReplaceAllStringFunc(expr, func(match string) string {
		parts := reference.FindStringSubmatch(match)
		switch name := parts[1] + parts[2]; name {
		case "__interval":
			return promDuration(s.step)
		case "__rate_interval":
			return promDuration(max(s.step+s.scraped, 4*s.scraped))
		case "__range":
			return promDuration(s.length)
		case "__range_s":
			return fmt.Sprint(int(s.length.Seconds()))
		default:
			value, ok := chosen[name]
			if !ok {
				unknown = append(unknown, name)
			}
			return value
		}
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("nothing is chosen for %v", unknown)
	}
	return filled, nil
}

func promDuration(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }

// ask calls Prometheus as the panel does.
func ask(ctx context.Context, p *prometheus, of *panel, q *target, chosen choice, length time.Duration, end time.Time) (answer, error) {
	s := panelSpan(of, length)
	expr, err := fill(q.Expr, chosen, s)
	if err != nil {
		return answer{}, err
	}
	if q.Instant {
		return p.query(ctx, expr, end)
	}
	return p.queryRange(ctx, expr, end.Add(-s.length), end, s.step)
}

// choices returns what a reader may choose: the defaults, then each value of each variable by itself. Variables are
// resolved in their order, so that one may depend on those before.
func choices(ctx context.Context, p *prometheus, b *board) ([]choice, error) {
	all := []choice{{}}
	for _, v := range b.Templating.List {
		switch v.Type {
		case "datasource":
		case "custom":
			all = multiply(all, v.Name, "1d", strings.Split(v.Query, ","))
		case "query":
			var next []choice
			for _, c := range all {
				values, err := resolve(ctx, p, &v, c)
				if err != nil {
					return nil, err
				}
				next = append(next, expand(c, &v, values)...)
			}
			all = next
		default:
			return nil, fmt.Errorf("variable %s: type %s", v.Name, v.Type)
		}
	}
	return all, nil
}

// resolve asks for the values of a query variable.
func resolve(ctx context.Context, p *prometheus, v *variable, chosen choice) ([]string, error) {
	selector, label := labelValues(v.Query)
	selector, err := fill(selector, chosen, span{})
	if err != nil {
		return nil, err
	}
	values, err := p.labelValues(ctx, label, selector)
	if err != nil {
		return nil, fmt.Errorf("variable %s: %w", v.Name, err)
	}
	return values, nil
}

// expand adds All, where it is offered, and each value. Without any value Grafana fills in nothing.
func expand(c choice, v *variable, values []string) []choice {
	if v.IncludeAll {
		values = append([]string{v.AllValue}, values...)
	}
	if len(values) == 0 {
		values = []string{""}
	}
	return multiply([]choice{c}, v.Name, values[0], values)
}

// multiply gives the first choice each value and all the others the default: the rest would tell nothing new.
func multiply(all []choice, name, fallback string, values []string) []choice {
	var next []choice
	for i, c := range all {
		if i > 0 {
			values = []string{fallback}
		}
		for _, value := range values {
			with := maps.Clone(c)
			with[name] = value
			next = append(next, with)
		}
	}
	return next
}

// merge joins the rows of several tables as Grafana's transformation of that name does: two rows become one where no
// column that both have differs. The name of a series is a column, too.
func merge(tables [][]sample) []map[string]string {
	var rows []map[string]string
	for i, table := range tables {
		for _, s := range table {
			with := maps.Clone(s.labels)
			with[fmt.Sprintf("Value #%d", i)] = fmt.Sprint(s.value)
			j := slices.IndexFunc(rows, func(row map[string]string) bool { return mergeable(row, with) })
			if j < 0 {
				rows = append(rows, with)
				continue
			}
			maps.Copy(rows[j], with)
		}
	}
	return rows
}

func mergeable(row, with map[string]string) bool {
	for name, value := range with {
		if had, ok := row[name]; ok && had != value {
			return false
		}
	}
	return true
}
