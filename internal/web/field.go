package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/view"
)

// maxField is how many groups of pages and devices a page compares.
const maxField = 12

// fieldTable sets what customers' browsers told beside what the probes measured.
type fieldTable struct {
	Heads []vitalHead
	Rows  []fieldRow
	Left  int // rows that are not shown
	Words []string
}

// vitalHead heads the column of a figure.
type vitalHead struct{ Short, Name string }

// fieldRow is a group of pages on one kind of device.
type fieldRow struct {
	Where, Visits string
	Cells         []fieldCell
}

// fieldCell is one figure; Value is empty when browsers did not tell it, Lab when no probe measures it.
type fieldCell struct {
	Name              string
	Value, Lab        string
	Rating, LabRating probe.Rating
}

// newField returns nil when no browser told anything.
func newField(all []view.Field) *fieldTable {
	if len(all) == 0 {
		return nil
	}
	t := &fieldTable{Left: max(len(all)-maxField, 0)}
	all = all[:len(all)-t.Left]
	var shown []probe.Vital
	for _, vital := range []probe.Vital{probe.LCP, probe.INP, probe.CLS, probe.FCP, probe.TTFB} {
		told := func(f view.Field) bool {
			return slices.ContainsFunc(f.Vitals, func(v view.FieldVital) bool { return v.Vital == vital })
		}
		if slices.ContainsFunc(all, told) {
			shown = append(shown, vital)
			t.Heads = append(t.Heads, vitalHead{strings.ToUpper(string(vital)), vitalName(vital)})
		}
	}
	for i := range all {
		f := &all[i]
		row := fieldRow{Where: where(f), Visits: fmt.Sprintf("%.0f", f.Visits())}
		for _, vital := range shown {
			row.Cells = append(row.Cells, newFieldCell(f, vital))
		}
		t.Rows = append(t.Rows, row)
		if text := fieldWords(f); text != "" && len(t.Words) < 3 {
			t.Words = append(t.Words, text)
		}
	}
	return t
}

func newFieldCell(f *view.Field, vital probe.Vital) fieldCell {
	i := slices.IndexFunc(f.Vitals, func(v view.FieldVital) bool { return v.Vital == vital })
	if i < 0 {
		return fieldCell{Name: vitalName(vital)}
	}
	v := &f.Vitals[i]
	cell := fieldCell{Name: vitalName(vital), Value: vitalValue(vital, v.Value, toldBounds(vital, f.Device)), Rating: v.Rating}
	if v.Lab != nil {
		cell.Lab, cell.LabRating = vitalValue(vital, *v.Lab, labBounds(vital, f.Limits)), v.LabRating
	}
	return cell
}

// toldBounds returns the bounds by which the rules rate what browsers on a kind of device told.
func toldBounds(vital probe.Vital, device string) probe.Bounds {
	paint := probe.Bounds{Excellent: 1.2, Good: 2.5, Fair: 4}
	if device == "mobile" {
		paint.Excellent = 1.8
	}
	return vitalBounds(vital, paint)
}

// labBounds returns the bounds by which a probe's figure is rated.
func labBounds(vital probe.Vital, limits *view.Limits) probe.Bounds {
	if limits == nil {
		return vitalBounds(vital, probe.Bounds{})
	}
	return vitalBounds(vital, probe.Bounds(*limits))
}

// where names a group of pages on a kind of device.
func where(f *view.Field) string {
	group := cmp.Or(f.Title, f.Group)
	if f.Title == "" && f.Group == "other" {
		group = "All other pages"
	}
	switch f.Device {
	case "mobile":
		return group + ", on phones"
	case "desktop":
		return group + ", on computers"
	case "tablet":
		return group + ", on tablets"
	}
	return group + ", on other devices"
}

// fieldWords says how long customers wait, and what our probe sees; empty when browsers did not tell.
func fieldWords(f *view.Field) string {
	i := slices.IndexFunc(f.Vitals, func(v view.FieldVital) bool { return v.Vital == probe.LCP })
	if i < 0 {
		return ""
	}
	v := &f.Vitals[i]
	text := fmt.Sprintf("%s: in three of four visits the main content showed within %s (%s), as %.0f visits told.",
		where(f), vitalValue(probe.LCP, v.Value, toldBounds(probe.LCP, f.Device)), v.Rating, v.Count)
	if v.Lab != nil {
		text += fmt.Sprintf(" Our own probe: %s (%s).", vitalValue(probe.LCP, *v.Lab, labBounds(probe.LCP, f.Limits)), v.LabRating)
	}
	return text
}
