package main

import (
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
)

// column is one visible column of a table.
type column struct {
	field string // label, Value, or Value #REF
	title string
	unit  string
	width uint32                         // pixels; 0 shares what is left
	extra []dashboard.DynamicConfigValue // mappings, links
}

// sheet shows rows. Columns that are not named stay in the data, for links, and out of sight.
func sheet(hidden []string, cols []column, queries ...target) *table.PanelBuilder {
	b := table.NewPanelBuilder().NoValue(noData).Unit("none").Thresholds(plain()).ColorScheme(fixed(unknownColor)).
		ShowHeader(true).CellHeight(common.TableCellHeightSm).CellOptions(automatic()).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{}))
	names := make(map[string]string)
	for _, c := range cols {
		names[c.field] = c.title
		b.OverrideByName(c.title, c.properties())
	}
	for _, name := range hidden {
		names[name] = name
		// Older Grafanas read the first, newer ones the second.
		b.OverrideByName(name, []dashboard.DynamicConfigValue{
			{Id: "custom.hidden", Value: true}, {Id: "custom.hideFrom", Value: map[string]bool{"viz": true}},
		})
	}
	for _, q := range queries {
		b.WithTarget(q)
	}
	if len(queries) > 1 {
		b.WithTransformation(merge())
	}
	order := make(map[string]int)
	for i, c := range cols {
		order[c.field] = i
	}
	return b.WithTransformation(only(names)).WithTransformation(dashboard.DataTransformerConfig{
		Id: "organize", Options: map[string]any{"excludeByName": map[string]bool{}, "indexByName": order, "renameByName": names},
	})
}

func (c column) properties() []dashboard.DynamicConfigValue {
	var properties []dashboard.DynamicConfigValue
	if c.unit != "" {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "unit", Value: c.unit})
	}
	if c.width > 0 {
		properties = append(properties, dashboard.DynamicConfigValue{Id: "custom.width", Value: c.width})
	}
	return append(properties, c.extra...)
}

// ratingColumn prints a recorded rating as its word on its colour.
func ratingColumn() []dashboard.DynamicConfigValue {
	return stateColumn(ratingStates())
}

func stateColumn(states []state) []dashboard.DynamicConfigValue {
	steps, err := steps(states).Build()
	if err != nil {
		panic(err) // made of constants
	}
	return []dashboard.DynamicConfigValue{
		{Id: "mappings", Value: mapping(states)},
		{Id: "thresholds", Value: steps},
		{Id: "color", Value: map[string]string{"mode": "thresholds"}},
	}
}

// ratingCell is ratingColumn for tables, where the background has to be asked for.
func ratingCell() []dashboard.DynamicConfigValue { return stateCell(ratingStates()) }

func stateCell(states []state) []dashboard.DynamicConfigValue {
	return append(stateColumn(states), dashboard.DynamicConfigValue{
		Id: "custom.cellOptions", Value: map[string]string{"type": "color-background", "mode": "basic"},
	})
}

// wordCell prints the label of a rating like the number that stands for it.
func wordCell() []dashboard.DynamicConfigValue {
	options := make(map[string]dashboard.ValueMappingResult)
	for _, r := range ratings() {
		options[strings.ToLower(r.word)] = dashboard.ValueMappingResult{Text: &r.word, Color: &r.color}
	}
	return []dashboard.DynamicConfigValue{
		{Id: "mappings", Value: []dashboard.ValueMapping{
			{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}},
		}},
		{Id: "custom.cellOptions", Value: map[string]string{"type": "color-background", "mode": "basic"}},
	}
}

func decimals(n int) dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: "decimals", Value: n}
}

func linked(links ...link) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "links", Value: links}}
}

func wrapped() []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "custom.cellOptions", Value: map[string]any{"type": "auto", "wrapText": true}}}
}

func automatic() common.TableCellOptions {
	return common.TableCellOptions{TableAutoCellOptions: common.NewTableAutoCellOptions()}
}

// merge joins the rows of several queries on the labels that all of them have.
func merge() dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}
}

// only drops all columns but the named ones: the time of an instant query says nothing.
func only(names map[string]string) dashboard.DataTransformerConfig {
	keep := make([]string, 0, len(names))
	for name := range names {
		keep = append(keep, name)
	}
	slices.Sort(keep)
	return dashboard.DataTransformerConfig{Id: "filterFieldsByName", Options: map[string]any{"include": map[string]any{"names": keep}}}
}

// columns names columns for people.
func columns(names map[string]string) dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
		"excludeByName": map[string]bool{"Time": true}, "indexByName": map[string]int{}, "renameByName": names,
	}}
}

func sortBy(field string, descending bool) dashboard.DataTransformerConfig {
	return dashboard.DataTransformerConfig{Id: "sortBy", Options: map[string]any{
		"fields": map[string]any{}, "sort": []map[string]any{{"field": field, "desc": descending}},
	}}
}
