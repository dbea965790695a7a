package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// classic is the model that every Grafana from version 10 on imports.
type classic = dashboard.Dashboard //nolint:staticcheck // its successor is read by Grafana 13 only

// tag is what all dashboards share: by it each finds the others.
const tag = "channelwatch"

// gridWidth is the number of columns of a dashboard.
const gridWidth = 24

// page is one dashboard in the making.
type page struct {
	uid         string // fixed: links and imports rest on it
	title       string
	text        string // description
	audience    []string
	from        string // start of the time range, such as now-24h
	refresh     string
	variables   []cog.Builder[dashboard.VariableModel]
	annotations []cog.Builder[dashboard.AnnotationQuery]
	panels      []panel // open ones, in reading order
	closed      []section
}

// section is a closed row: its panels ask nothing of Prometheus until somebody opens it.
type section struct {
	id     uint32
	title  string
	panels []panel
}

// panel is what every panel has, whatever it shows.
type panel struct {
	id            uint32 // never reused: links to a single panel carry it
	width, height uint32
	title         string // the reader's question
	text          string // two sentences: what it shows; what to do
	links         []dashboard.DashboardLink
	shows         cog.Builder[dashboard.Panel]
}

func (p *page) file() string { return p.uid + ".json" }

// render returns the JSON with sorted keys, so that the same page always gives the same bytes.
func (p *page) render() ([]byte, error) {
	//nolint:staticcheck // the classic model on purpose, see classic
	b := dashboard.NewDashboardBuilder(p.title).Uid(p.uid).Description(p.text).
		Tags(append([]string{tag}, p.audience...)).Timezone("browser").Readonly().
		Tooltip(dashboard.DashboardCursorSyncCrosshair).Time(p.from, "now").Refresh(p.refresh).
		Variables(append([]cog.Builder[dashboard.VariableModel]{datasourceVariable()}, p.variables...)).
		Annotations(p.annotations).
		Link(dashboard.NewDashboardLinkBuilder("Channelwatch").Type(dashboard.DashboardLinkTypeDashboards).
			Tags([]string{tag}).KeepTime(true).IncludeVars(true).Icon("external link"))
	built, err := b.Build()
	if err != nil {
		return nil, err
	}
	inSight(&built)
	var at cursor
	panels, err := at.place(p.panels)
	if err != nil {
		return nil, err
	}
	for i := range panels {
		built.Panels = append(built.Panels, dashboard.PanelOrRowPanel{Panel: &panels[i]})
	}
	for _, s := range p.closed {
		row, err := at.section(s)
		if err != nil {
			return nil, err
		}
		built.Panels = append(built.Panels, dashboard.PanelOrRowPanel{RowPanel: &row})
	}
	return encode(built)
}

// inSight shows links and switches of annotations above the panels: the SDK's default hides them in a menu.
func inSight(built *classic) {
	for i := range built.Links {
		built.Links[i].Placement = nil
	}
	for i := range built.Annotations.List {
		built.Annotations.List[i].Placement = nil
	}
}

func encode(built classic) ([]byte, error) {
	raw, err := json.Marshal(built)
	if err != nil {
		return nil, err
	}
	var plain any
	if err := json.Unmarshal(raw, &plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false) // people read the queries
	encoder.SetIndent("", "  ")
	err = encoder.Encode(plain)
	return out.Bytes(), err
}

// cursor puts panels on the grid from left to right and from top to bottom.
type cursor struct{ x, y, height uint32 }

func (c *cursor) newLine() {
	c.x, c.y, c.height = 0, c.y+c.height, 0
}

func (c *cursor) place(panels []panel) ([]dashboard.Panel, error) {
	var placed []dashboard.Panel
	for _, p := range panels {
		built, err := p.shows.Build()
		if err != nil {
			return nil, fmt.Errorf("panel %d: %w", p.id, err)
		}
		if c.x+p.width > gridWidth {
			c.newLine()
		}
		built.Id, built.Title, built.Links = &p.id, &p.title, p.links
		built.GridPos = &dashboard.GridPos{X: c.x, Y: c.y, W: p.width, H: p.height}
		if p.text != "" {
			built.Description = &p.text
		}
		if len(built.Targets) > 0 {
			ref := datasource()
			built.Datasource = &ref
		}
		placed = append(placed, built)
		c.x += p.width
		c.height = max(c.height, p.height)
	}
	c.newLine()
	return placed, nil
}

func (c *cursor) section(s section) (dashboard.RowPanel, error) {
	row, err := dashboard.NewRowBuilder(s.title).Id(s.id).Collapsed(true).
		GridPos(dashboard.GridPos{Y: c.y, W: gridWidth, H: 1}).Build()
	if err != nil {
		return row, err
	}
	// A closed row takes one line; opened, Grafana moves what is below by the height of its panels.
	inside := cursor{y: c.y + 1}
	row.Panels, err = inside.place(s.panels)
	c.y++
	return row, err
}

// datasource refers to the data source that the reader chose.
func datasource() common.DataSourceRef {
	kind, uid := "prometheus", "${datasource}"
	return common.DataSourceRef{Type: &kind, Uid: &uid}
}
