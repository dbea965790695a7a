//go:build !nohistory

package history

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/channelwatch/channelwatch/internal/metrics"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// testStart is a multiple of testEvery.
func testStart() time.Time { return time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC) }

const testName = "channelwatch_test_value"

func TestRound_AlignsTimes(t *testing.T) {
	src := newSource(t, 1)
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	for i, late := range []time.Duration{0, 4999 * time.Millisecond, time.Millisecond, 2 * time.Second} {
		src.set(map[string]float64{"n=1": float64(i)})
		ticks(t, s, o, testStart().Add(time.Duration(i)*testEvery+late))
	}
	same(t, "samples", map[string][]string{`{n="1"}`: {"0: 0", "5: 1", "10: 2", "15: 3"}}, recorded(t, o.db, testStart(), testName))
	status := s.Status()
	if want := testStart().Add(15 * time.Second); !status.LastAppend.Equal(want) || status.State != Ready || status.Revision != 4 || status.Why != "" {
		t.Errorf("status %+v, want ready, revision 4, appended last at %v", status, want)
	}
}

func TestRound_NativeHistogram(t *testing.T) {
	src := newSource(t, 1)
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	ticks(t, s, o, testStart())
	src.probe(2 * time.Second)
	ticks(t, s, o, testStart().Add(testEvery))
	want := map[string][]string{`{channel="shop", touchpoint="page-0000"}`: {"0: count 1", "5: count 2"}}
	same(t, "histogram", want, recorded(t, o.db, testStart(), "channelwatch_probe_duration_seconds"))
}

func TestRound_LooksLikeAScrape(t *testing.T) {
	src := newSource(t, 1)
	src.set(map[string]float64{"n=1": 1, "instance=other": 2, "job=": 3})
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	ticks(t, s, o, testStart())

	querier, err := o.db.Querier(0, testStart().UnixMilli())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = querier.Close() }()
	var got []string
	set := querier.Select(t.Context(), true, nil, labels.MustNewMatcher(labels.MatchRegexp, "__name__", testName+"|up|scrape_.*"))
	for set.Next() {
		got = append(got, set.At().Labels().String())
	}
	slices.Sort(got)
	same(t, "series", []string{
		`{__name__="channelwatch_test_value", instance="berlin-1", job="channelwatch", n="1"}`,
		`{__name__="channelwatch_test_value", instance="berlin-1", job="channelwatch"}`, // the empty job was none
		`{__name__="channelwatch_test_value", instance="other", job="channelwatch"}`,
		`{__name__="scrape_duration_seconds", instance="berlin-1", job="channelwatch"}`,
		`{__name__="scrape_samples_scraped", instance="berlin-1", job="channelwatch"}`,
		`{__name__="up", instance="berlin-1", job="channelwatch"}`,
	}, got)

	total := int(reading(s, "history_samples_total", ""))
	same(t, "up", map[string][]string{"{}": {"0: 1"}}, recorded(t, o.db, testStart(), "up"))
	if n := o.db.Head().NumSeries(); int(n) != total || n < 30 {
		t.Errorf("%d series after one round of %d samples, want as many, and more than those of one page", n, total)
	}
}

func TestRound_NothingCollected(t *testing.T) {
	src := newSource(t, 1)
	opts := testOptions(t, src)
	broken := false
	opts.Collect = func(v metrics.Visitor) {
		if !broken {
			src.collect(v)
		}
	}
	s := testStore(t, opts)
	o, _ := openStore(t, s)
	ticks(t, s, o, testStart())
	broken = true
	ticks(t, s, o, testStart().Add(testEvery))
	same(t, "up", map[string][]string{"{}": {"0: 1", "5: 0"}}, recorded(t, o.db, testStart(), "up"))
}

func TestRound_Families(t *testing.T) {
	src := newSource(t, 1)
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	ticks(t, s, o, testStart())
	src.set(map[string]float64{"n=1": 1})
	ticks(t, s, o, testStart().Add(testEvery))
	src.set(nil)
	ticks(t, s, o, testStart().Add(2*testEvery))
	got := make(map[string]metrics.Family)
	for _, f := range s.families() {
		got[f.Name] = f
	}
	for name, want := range map[string]metrics.Type{
		testName: metrics.Gauge, "up": metrics.Gauge, "scrape_duration_seconds": metrics.Gauge, "scrape_samples_scraped": metrics.Gauge,
		"channelwatch_probe_duration_seconds": metrics.Histogram, "channelwatch_experience_total": metrics.Counter, "go_goroutines": metrics.Gauge,
	} {
		if got[name].Type != want || got[name].Help == "" {
			t.Errorf("family %s: %+v, want type %s and a help", name, got[name], want)
		}
	}
}

func TestRound_EndsSeriesThatVanish(t *testing.T) {
	src := newSource(t, 1)
	s := testStore(t, testOptions(t, src))
	o, closeIt := openStore(t, s)
	at := from(testStart(), 8)

	src.set(map[string]float64{"n=1": 1, "n=2": 2})
	ticks(t, s, o, at[0])
	src.set(map[string]float64{"n=1": 1})
	ticks(t, s, o, at[1], at[2])
	src.set(map[string]float64{"n=1": 1, "n=2": 5})
	ticks(t, s, o, at[3])
	same(t, "readings", map[string][]string{
		`{n="1"}`: {"0: 1", "5: 1", "10: 1", "15: 1"},
		`{n="2"}`: {"0: 2", "5: end", "15: 5"},
	}, recorded(t, o.db, at[0], testName))

	// A touchpoint that went between two rounds and came back is another one to the metrics, but the same series.
	src.metrics.Apply(nil, nil)
	src.metrics.Apply([]*probe.Channel{src.channel}, nil)
	src.probe(time.Second)
	ticks(t, s, o, at[4])
	src.metrics.Apply(nil, nil)
	ticks(t, s, o, at[5], at[6])
	page := `{channel="shop", touchpoint="page-0000"}`
	same(t, "histogram", []string{"0: count 1", "5: count 1", "10: count 1", "15: count 1", "20: count 1", "25: end"},
		recorded(t, o.db, at[0], "channelwatch_probe_duration_seconds")[page])
	if n := len(s.cache.byID); n != 0 {
		t.Errorf("%d identities are remembered of touchpoints that are gone, want none", n)
	}

	// What vanishes while the store opens anew ends, too.
	closeIt()
	src.set(map[string]float64{"n=2": 5})
	o, _ = openStore(t, s)
	ticks(t, s, o, at[7])
	same(t, "after opening anew", map[string][]string{
		`{n="1"}`: {"0: 1", "5: 1", "10: 1", "15: 1", "20: 1", "25: 1", "30: 1", "35: end"},
		`{n="2"}`: {"0: 2", "5: end", "15: 5", "20: 5", "25: 5", "30: 5", "35: 5"},
	}, recorded(t, o.db, at[0], testName))
}

// References of an opening mean other series in the next one, when that begins without the log.
func TestRound_ReferencesEndWithTheOpening(t *testing.T) {
	src := newSource(t, 1)
	s := testStore(t, testOptions(t, src))
	o, closeIt := openStore(t, s)
	at := from(testStart(), 3)
	src.metrics.Apply(nil, nil)
	src.set(map[string]float64{"n=1": 1})
	ticks(t, s, o, at[0])
	src.metrics.Apply([]*probe.Channel{src.channel}, nil) // series that are visited earlier and known later
	src.probe(time.Second)
	ticks(t, s, o, at[1])
	closeIt()
	for _, part := range []string{logDir, headDir} {
		if err := os.RemoveAll(filepath.Join(s.opts.Dir, part)); err != nil {
			t.Fatal(err)
		}
	}
	o, _ = openStore(t, s)
	ticks(t, s, o, at[2])
	same(t, "samples", map[string][]string{`{n="1"}`: {"10: 1"}}, recorded(t, o.db, at[0], testName))
	same(t, "up", map[string][]string{`{}`: {"10: 1"}}, recorded(t, o.db, at[0], "up"))
	if n, samples := o.db.Head().NumSeries(), reading(s, "history_series", ""); float64(n) != samples || n < 100 {
		t.Errorf("%d series, want one for each that was visited", n)
	}
	if got := reading(s, "history_append_errors_total", "duplicate"); got != 0 {
		t.Errorf("%v samples went to a series that had one, want none", got)
	}
}

// transaction is one whose commit ends with an error.
type transaction struct {
	err                   error
	committed, rolledBack int
}

func (x *transaction) Commit() error   { x.committed++; return x.err }
func (x *transaction) Rollback() error { x.rolledBack++; return nil }

func TestGate_ClosesAtATornRecord(t *testing.T) {
	g := &gate{}
	torn := &transaction{err: errors.New("no space")}
	if err := g.commit(torn); !errors.Is(err, torn.err) || !errors.Is(g.torn(), torn.err) {
		t.Errorf("the commit: %v, the gate: %v, want %v of both", err, g.torn(), torn.err)
	}
	for _, held := range []bool{false, true, false} {
		g.hold(held)
		next := &transaction{}
		if err := g.commit(next); !errors.Is(err, errNotAppending) || next.committed != 0 || next.rolledBack != 1 {
			t.Errorf("behind a torn record: %v, %+v, want it rolled back", err, next)
		}
	}
}

// A sample that the database does not take must not take the round with it.
func TestRound_CountsWhatIsRefused(t *testing.T) {
	src := newSource(t, 0)
	src.set(map[string]float64{"n=early": 1, "n=twice": 2, "n=fine": 3})
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	at := from(testStart(), 2)
	ticks(t, s, o, at[0])

	app := o.db.AppenderV2(t.Context())
	for n, when := range map[string]time.Time{"early": at[1].Add(time.Second), "twice": at[1]} {
		of := labels.FromStrings("__name__", testName, "n", n, "instance", "berlin-1", "job", "channelwatch")
		if _, err := app.Append(0, of, 0, when.UnixMilli(), 99, nil, nil, storage.AOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	ticks(t, s, o, at[1])
	same(t, "samples", map[string][]string{
		`{n="early"}`: {"0: 1", "6: 99"}, `{n="twice"}`: {"0: 2", "5: 99"}, `{n="fine"}`: {"0: 3", "5: 3"},
	}, recorded(t, o.db, at[0], testName))
	for why, want := range map[string]float64{"out_of_order": 1, "duplicate": 1, "out_of_bounds": 0, "other": 0} {
		if got := reading(s, "history_append_errors_total", why); got != want {
			t.Errorf("%v samples refused as %s, want %v", got, why, want)
		}
	}
	if got := reading(s, "history_rounds_total", "appended"); got != 2 {
		t.Errorf("%v rounds appended, want 2", got)
	}
}

// A round of which nothing was taken is not one that was appended.
func TestRound_AllRefused(t *testing.T) {
	src := newSource(t, 1)
	s := testStore(t, testOptions(t, src))
	o, _ := openStore(t, s)
	app := o.db.AppenderV2(t.Context())
	if _, err := app.Append(0, labels.FromStrings("__name__", "later"), 0, testStart().Add(6*time.Hour).UnixMilli(), 1, nil, nil, storage.AOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	ticks(t, s, o, testStart())
	if status := s.Status(); !status.LastAppend.IsZero() || status.Revision != 0 {
		t.Errorf("status %+v, want nothing appended", status)
	}
	if got := reading(s, "history_append_errors_total", "out_of_bounds"); got < 30 {
		t.Errorf("%v samples out of bounds, want all of the round", got)
	}
	if got := reading(s, "history_rounds_total", "refused"); got != 1 {
		t.Errorf("%v rounds refused, want 1", got)
	}
}

func TestCache_TellsEqualHashesApart(t *testing.T) {
	c := newCache(nil)
	c.begin()
	a, b, d := c.own("a"), c.own("b"), c.own("d")
	// As if all three had the hash of a.
	for _, s := range []*series{b, d} {
		delete(c.byHash, s.hash)
		s.hash = a.hash
	}
	a.next, b.next = b, d
	c.forget([]*series{b})
	if c.byHash[a.hash] != a || a.next != d || d.next != nil {
		t.Error("the second of three was not taken out of the chain")
	}
	c.forget([]*series{a})
	if c.byHash[a.hash] != d {
		t.Error("the first of two was not taken out of the chain")
	}
	c.forget([]*series{d})
	if len(c.byHash) != 0 {
		t.Errorf("%d chains are left, want none", len(c.byHash))
	}
}

func TestCache_MakesNothingWhenNothingChanges(t *testing.T) {
	src := newSource(t, 4)
	c := newCache(testOptions(t, src).Labels)
	c.begin()
	f := &refs{cache: c}
	src.collect(f)
	again := &refs{cache: c}
	src.collect(again)
	if !slices.Equal(f.found, again.found) {
		t.Error("the second walk found other series than the first")
	}
	if n := testing.AllocsPerRun(10, func() { c.own("up") }); n != 0 {
		t.Errorf("finding a series by its labels allocates %v times, want 0", n)
	}
	id := &lookup{cache: c}
	src.collect(id)
	if id.allocs != 0 || id.tried == 0 {
		t.Errorf("finding %d series by their identity allocates %v times, want 0", id.tried, id.allocs)
	}
}

// refs is a visitor that keeps what it found.
type refs struct {
	cache *cache
	found []*series
}

func (r *refs) Family(*metrics.Family)                                 {}
func (r *refs) Float(ref *metrics.Ref, _ float64)                      { r.found = append(r.found, r.cache.find(ref)) }
func (r *refs) Histogram(ref *metrics.Ref, _ *metrics.NativeHistogram) { r.Float(ref, 0) }

// lookup is a visitor that measures finding the first series with an identity.
type lookup struct {
	cache  *cache
	tried  int
	allocs float64
}

func (l *lookup) Family(*metrics.Family) {}

func (l *lookup) Float(ref *metrics.Ref, _ float64) {
	if _, ok := ref.ID(); ok && l.tried == 0 {
		l.tried++
		l.allocs = testing.AllocsPerRun(10, func() { l.cache.find(ref) })
	}
}

func (l *lookup) Histogram(*metrics.Ref, *metrics.NativeHistogram) {}
