package main

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

type target = cog.Builder[variants.Dataquery]

// over asks for the time range of the dashboard, one line for each series.
func over(ref, expr, legend string) target {
	return prometheus.NewDataqueryBuilder().RefId(ref).Datasource(datasource()).Expr(expr).LegendFormat(legend).
		Range().Format(prometheus.PromQueryFormatTimeSeries).EditorMode(prometheus.QueryEditorModeCode)
}

// now asks for the one value at the end of the time range.
func now(expr string) target {
	return prometheus.NewDataqueryBuilder().RefId("A").Datasource(datasource()).Expr(expr).
		Instant().Format(prometheus.PromQueryFormatTimeSeries).EditorMode(prometheus.QueryEditorModeCode)
}

// rows asks for the end of the time range, one row for each series and one column for each label.
func rows(ref, expr string) target {
	return prometheus.NewDataqueryBuilder().RefId(ref).Datasource(datasource()).Expr(expr).
		Instant().Format(prometheus.PromQueryFormatTable).EditorMode(prometheus.QueryEditorModeCode)
}

// Names for people are joined from what the agents say of themselves. Several agents may probe the same channel and
// say different things of it for a moment: one of them is taken, so that no query breaks.

func withChannel(expr string, labels string) string {
	return fmt.Sprintf("%s\n* on (channel) group_left (%s)\n  topk by (channel) (1, channelwatch_channel_info)", expr, labels)
}

func withTouchpoint(expr string) string { return withTouchpointLabels(expr, "title") }

func withTouchpointLabels(expr, labels string) string {
	return fmt.Sprintf("%s\n* on (channel, touchpoint) group_left (%s)\n  topk by (channel, touchpoint) (1, channelwatch_touchpoint_info)", expr, labels)
}

// withLimit joins title and, as the label good, the slowest that is still good, where there is such a limit. No query can
// make a line of it: labels are no samples.
func withLimit(expr string) string {
	return "label_replace(\n" + withTouchpointLabels(expr, "title, limit_good") + ",\n\"good\", \", good up to $1 s\", \"limit_good\", \"(.+)\")"
}

// recorded reads a recorded series of the chosen window, as it was some time ago when offset says so. The long windows
// are evaluated up to an hour apart, but Prometheus looks back for five minutes only. What a short window recorded longer
// ago is no longer so.
func recorded(series, matchers, offset string) string {
	return fmt.Sprintf(`(%[1]s:${window}{%[2]s}%[3]s or last_over_time({__name__="%[1]s:${window}", __name__=~".+:(1d|7d|28d)", %[2]s}[3h]%[3]s))`,
		series, matchers, offset)
}

// ofAgreement reads a recorded series of the agreements, which are evaluated every five minutes.
func ofAgreement(series, matchers string) string {
	return fmt.Sprintf("last_over_time(channel:channelwatch_agreement_%s{%s}[15m])", series, matchers)
}

// ofDay reads a recorded series of the vitals of a day, which are evaluated every five minutes.
func ofDay(series, matchers string) string {
	return fmt.Sprintf("last_over_time(%s{%s}[15m])", series, matchers)
}

// quantile works for histograms with buckets and for native ones, whichever Prometheus keeps.
func quantile(q float64, series, matchers string) string {
	return fmt.Sprintf("histogram_quantile(%[1]v, sum by (le) (rate(%[2]s_bucket{%[3]s}[$__rate_interval])))\nor\nhistogram_quantile(%[1]v, sum (rate(%[2]s{%[3]s}[$__rate_interval])))",
		q, series, matchers)
}

// withCheck joins the sentences of the check that is the cause.
func withCheck(expr, labels string) string {
	return fmt.Sprintf("%s\n* on (cause) group_left (%s)\n  topk by (cause) (1, label_replace(channelwatch_check_info, \"cause\", \"$1\", \"check\", \"(.+)\"))", expr, labels)
}

// ofAgents keeps the series of processes that are agents: their exporter's names are those of every Go program.
func ofAgents(expr string) string {
	return expr + " and on (instance, job) channelwatch_build_info"
}

func datasourceVariable() cog.Builder[dashboard.VariableModel] {
	return dashboard.NewDatasourceVariableBuilder("datasource").Label("Prometheus").Type("prometheus").
		Description("The Prometheus that scrapes the agents and evaluates their recording rules.")
}

// windowVariable chooses over how long scores are taken: the windows that the recording rules make.
func windowVariable() cog.Builder[dashboard.VariableModel] {
	windows := []string{"5m", "1h", "1d", "7d", "28d"}
	const chosen = "1d"
	var query string
	var options []dashboard.VariableOption
	for i, w := range windows {
		if i > 0 {
			query += ","
		}
		query += w
		options = append(options, option(w, w == chosen))
	}
	return dashboard.NewCustomVariableBuilder("window").Label("Score over").
		Description("The time over which scores, gaps and points lost are taken.").
		Values(dashboard.StringOrMap{String: &query}).Options(options).Current(option(chosen, true))
}

func option(value string, selected bool) dashboard.VariableOption {
	text := dashboard.StringOrArrayOfString{String: &value}
	return dashboard.VariableOption{Selected: &selected, Text: text, Value: text}
}

// labelVariable offers the values of a label of a series.
func labelVariable(name, label, text, series, of string) *dashboard.QueryVariableBuilder {
	query := fmt.Sprintf("label_values(%s, %s)", series, of)
	return dashboard.NewQueryVariableBuilder(name).Label(label).Description(text).Datasource(datasource()).
		Query(dashboard.StringOrMap{String: &query}).
		Definition(query).Refresh(dashboard.VariableRefreshOnTimeRangeChanged).Sort(dashboard.VariableSortAlphabeticalAsc)
}

// any lets a reader choose several values or all.
func anyOf(v *dashboard.QueryVariableBuilder) *dashboard.QueryVariableBuilder {
	all := []string{"$__all"}
	selected := true
	return v.Multi(true).IncludeAll(true).AllValue(".*").Current(dashboard.VariableOption{
		Selected: &selected, Text: dashboard.StringOrArrayOfString{ArrayOfString: []string{"All"}},
		Value: dashboard.StringOrArrayOfString{ArrayOfString: all},
	})
}

// annotation marks moments on all time axes.
func annotation(name, expr, title, text, color string) *dashboard.AnnotationQueryBuilder {
	return dashboard.NewAnnotationQueryBuilder().Name(name).Datasource(datasource()).Enable(true).IconColor(color).
		Expr(expr).TitleFormat(title).TextFormat(text).Step("1m")
}

func firingAlerts(selector string) *dashboard.AnnotationQueryBuilder {
	return annotation("Alerts", `ALERTS{alertstate="firing", alertname=~"(Channel|Touchpoint|Certificate|Host|Agent|Config|Series|Shard|Push).+"`+selector+`}`,
		"{{alertname}}", "{{channel}} {{touchpoint}}", poorColor)
}

// configLoaded marks when an agent took a configuration into force: at its start and at each reload.
func configLoaded() *dashboard.AnnotationQueryBuilder {
	return annotation("Configuration loaded", "channelwatch_config_last_reload_success_timestamp_seconds * 1000",
		"Configuration loaded", "{{instance}}", unknownColor).UseValueForTime(true)
}
