package main

import (
	"github.com/grafana/grafana-foundation-sdk/go/barchart"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/statushistory"
	"github.com/grafana/grafana-foundation-sdk/go/text"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// lastValue reduces a series to its last value.
func lastValue() cog.Builder[common.ReduceDataOptions] {
	return common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"}).Values(false)
}

// ratingTiles shows one tile for each series, with its name and the word of its rating. It asks for the last minutes
// and not for one moment: only then does Prometheus sort the answer, and tiles keep their places.
func ratingTiles(links []link, query target) cog.Builder[dashboard.Panel] {
	return stat.NewPanelBuilder().WithTarget(query).TimeFrom("5m").HideTimeOverride(true).
		Unit("none").NoValue(noData).Mappings(mapping(ratingStates())).Thresholds(steps(ratingStates())).
		ColorScheme(byThresholds()).ReduceOptions(lastValue()).
		ColorMode(common.BigValueColorModeBackground).GraphMode(common.BigValueGraphModeNone).
		JustifyMode(common.BigValueJustifyModeCenter).TextMode(common.BigValueTextModeValueAndName).
		Orientation(common.VizOrientationAuto).DataLinks(asDataLinks(links))
}

// stateTile shows states of something that is no channel, such as a reload, as words.
func stateTile(states []state, query target) cog.Builder[dashboard.Panel] {
	return stat.NewPanelBuilder().WithTarget(query).Unit("none").NoValue(noData).
		Mappings(mapping(states)).Thresholds(steps(states)).ColorScheme(byThresholds()).ReduceOptions(lastValue()).
		ColorMode(common.BigValueColorModeBackground).GraphMode(common.BigValueGraphModeNone).
		JustifyMode(common.BigValueJustifyModeCenter).TextMode(common.BigValueTextModeAuto)
}

// number shows a value without a judgement.
func number(unit string, decimals float64, query target) cog.Builder[dashboard.Panel] {
	return stat.NewPanelBuilder().WithTarget(query).Unit(unit).Decimals(decimals).NoValue(noData).
		Thresholds(plain()).ColorScheme(fixed(unknownColor)).ReduceOptions(lastValue()).
		ColorMode(common.BigValueColorModeNone).GraphMode(common.BigValueGraphModeNone).
		JustifyMode(common.BigValueJustifyModeCenter).TextMode(common.BigValueTextModeAuto)
}

// history is fine enough that the five minutes after which a rating changes are not skipped over a week.
const history = 2016

// timeline shows states over time as bands, one for each series.
func timeline(states []state, links []link, query target) *statetimeline.PanelBuilder {
	return statetimeline.NewPanelBuilder().WithTarget(query).MaxDataPoints(history).Interval("30s").
		Unit("none").NoValue(noData).Mappings(mapping(states)).Thresholds(steps(states)).ColorScheme(byThresholds()).
		MergeValues(true).ShowValue(common.VisibilityModeNever).RowHeight(0.8).FillOpacity(90).LineWidth(0).
		Legend(hiddenLegend()).Tooltip(singleTooltip()).DataLinks(asDataLinks(links))
}

func ratingTimeline(links []link, query target) *statetimeline.PanelBuilder {
	return timeline(ratingStates(), links, query)
}

// ratingDays shows one field a day for the last four weeks.
func ratingDays(query target) cog.Builder[dashboard.Panel] {
	return statushistory.NewPanelBuilder().WithTarget(query).TimeFrom("28d").Interval("1d").MaxDataPoints(28).
		Unit("none").NoValue(noData).Mappings(mapping(ratingStates())).Thresholds(steps(ratingStates())).
		ColorScheme(byThresholds()).ShowValue(common.VisibilityModeNever).RowHeight(0.8).ColWidth(0.9).FillOpacity(90).
		LineWidth(0).Legend(hiddenLegend()).Tooltip(singleTooltip())
}

// noMax lets the longest bar set the scale.
const noMax = 0

// bars is what all bar charts share: horizontal, with the name beside and the number behind each bar.
func bars(name, unit string, max float64, links []link) *barchart.PanelBuilder {
	b := barchart.NewPanelBuilder().XField(name).Orientation(common.VizOrientationHorizontal).
		ShowValue(common.VisibilityModeAlways).Stacking(common.StackingModeNone).BarWidth(0.8).GroupWidth(0.7).
		XTickLabelMaxLength(28).FillOpacity(100).LineWidth(0).GradientMode(common.GraphGradientModeNone).
		Unit(unit).Decimals(0).Min(0).NoValue(noData).Legend(hiddenLegend()).Tooltip(singleTooltip()).
		DataLinks(asDataLinks(links))
	if max != noMax {
		b.Max(max)
	}
	return b
}

// scoreBars shows recorded scores in the colour of the recorded rating that belongs to them.
func scoreBars(links []link, scores, ratings target) cog.Builder[dashboard.Panel] {
	return bars("Name", "percent", 110, links).WithTarget(scores).WithTarget(ratings).
		Thresholds(plain()).ColorScheme(byThresholds()).ColorByField("Rating").
		WithTransformation(merge()).WithTransformation(columns(map[string]string{
		"title": "Name", "Value #A": "Score", "Value #B": "Rating",
	})).WithTransformation(sortBy("Score", false)).
		OverrideByName("Rating", append(ratingColumn(),
			dashboard.DynamicConfigValue{Id: "custom.hideFrom", Value: map[string]bool{"viz": true, "legend": true, "tooltip": false}}))
}

// plainBars shows values of one meaning, and so in one colour, the largest first.
func plainBars(label, unit, color string, max float64, links []link, query target) cog.Builder[dashboard.Panel] {
	return bars("Name", unit, max, links).WithTarget(query).Thresholds(plain()).ColorScheme(fixed(color)).
		WithTransformation(columns(map[string]string{label: "Name"})).WithTransformation(sortBy("Value", true))
}

// lines shows numbers over time.
func lines(unit string, queries ...target) *timeseries.PanelBuilder {
	b := timeseries.NewPanelBuilder().Unit(unit).NoValue(noData).Thresholds(plain()).ColorScheme(palette()).
		DrawStyle(common.GraphDrawStyleLine).LineWidth(1).FillOpacity(8).ShowPoints(common.VisibilityModeAuto).
		Min(0).Legend(common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).
		Placement(common.LegendPlacementBottom).ShowLegend(true).Calcs([]string{})).Tooltip(allTooltip())
	for _, q := range queries {
		b.WithTarget(q)
	}
	return b
}

// stacked shows parts of a whole over time.
func stacked(unit string, queries ...target) *timeseries.PanelBuilder {
	return lines(unit, queries...).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).LineWidth(0).
		Stacking(common.NewStackingConfigBuilder().Group("A").Mode(common.StackingModeNormal))
}

// note is a line of text. It asks nothing.
func note(markdown string) cog.Builder[dashboard.Panel] {
	return text.NewPanelBuilder().Mode(text.TextModeMarkdown).Content(markdown).Transparent(true)
}

// hiddenLegend: the legend of a timeline prints thresholds, which mean nothing to readers.
func hiddenLegend() cog.Builder[common.VizLegendOptions] {
	return common.NewVizLegendOptionsBuilder().DisplayMode(common.LegendDisplayModeList).
		Placement(common.LegendPlacementBottom).ShowLegend(false).Calcs([]string{})
}

func singleTooltip() cog.Builder[common.VizTooltipOptions] {
	return common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeSingle).Sort(common.SortOrderNone)
}

func allTooltip() cog.Builder[common.VizTooltipOptions] {
	return common.NewVizTooltipOptionsBuilder().Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending)
}
