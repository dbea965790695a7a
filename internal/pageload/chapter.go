package pageload

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Bounds of evidence. Sums and counts go on beyond them.
const (
	maxRequests = 300
	maxConsole  = 100
	maxErrors   = 30
	maxMixed    = 30
	maxPending  = 30
	maxSites    = 1000
	maxHosts    = 100   // of a site
	maxOpen     = 20000 // requests that are under way at once
)

// chapter holds the books of one load. The journal guards it.
type chapter struct {
	arrived time.Time // of its first event, or of the order to navigate
	began   float64   // monotonic; 0 before the first document was asked for
	wall    float64   // seconds since 1970 at began

	document  *document
	loaded    bool
	moves     int // documents that another one replaced by itself, such as with a meta refresh
	redirects int // answers of the document that led elsewhere
	download  bool
	dialogs   int

	open     int       // requests under way that will end
	touched  time.Time // of the last sign of life
	overflow bool      // more were under way than are followed
	shown    []*record
	counts   Counts
	bytes    map[string]int64
	requests map[string]int
	hops     Party // answers on the way to the document and itself: first party wherever they came from
	sites    map[string]*siteSum
	insecure int
	mixed    []string
	errors   []line
	console  []line
}

type siteSum struct {
	Party
	kinds map[string]bool
	hosts map[string]bool
}

// line is a line of the console with the browser's time, in seconds since 1970.
type line struct {
	at float64
	probe.ConsoleLine
}

func newChapter(now time.Time) *chapter {
	return &chapter{
		arrived: now, touched: now,
		counts: Counts{Console: map[string]int{}, Protocols: map[string]int{}},
		bytes:  map[string]int64{}, requests: map[string]int{}, sites: map[string]*siteSum{},
	}
}

// sum returns where a site's requests are summed up. Beyond the bound they share a place without a name.
func (c *chapter) sum(name string) *siteSum {
	if _, known := c.sites[name]; !known && len(c.sites) >= maxSites {
		name = ""
	}
	s := c.sites[name]
	if s == nil {
		s = &siteSum{kinds: map[string]bool{}, hosts: map[string]bool{}}
		c.sites[name] = s
	}
	return s
}

// clone returns a copy that does not change any more.
func (c Counts) clone() Counts {
	c.Console, c.Protocols = maps.Clone(c.Console), maps.Clone(c.Protocols)
	return c
}

// write adds a line to the console.
func (c *chapter) write(l line, exception bool) {
	c.counts.Console[l.Level]++
	if exception {
		c.counts.JSErrors++
		if len(c.errors) < maxErrors {
			c.errors = append(c.errors, l)
		}
	}
	if len(c.console) < maxConsole {
		c.console = append(c.console, l)
	}
}

// weigh sums up by party, seen from the site of the page.
func (c *chapter) weigh(home string) Weight {
	w := Weight{Bytes: maps.Clone(c.bytes), Requests: maps.Clone(c.requests), First: c.hops, Insecure: c.insecure}
	for name, sum := range c.sites {
		side := &w.Third
		switch name {
		case home:
			side = &w.First
		case "": // beyond the bound
		default:
			w.Sites = append(w.Sites, Site{
				name, sum.Bytes, sum.Requests, slices.Sorted(maps.Keys(sum.kinds)), slices.Sorted(maps.Keys(sum.hosts)),
			})
		}
		side.Bytes += sum.Bytes
		side.Requests += sum.Requests
		side.Failed += sum.Failed
	}
	slices.SortFunc(w.Sites, func(a, b Site) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Name, b.Name))
	})
	return w
}
