package view

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// base is a time at the beginning of a cell of every range.
var base = time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)

// script reads a track of one letter each 30 s: p poor, f fair, g good, e excellent, u unknown, a dot for nothing.
func script(text string) track {
	var t track
	for i, letter := range text {
		if value := strings.IndexRune("upfge", letter); value >= 0 {
			t = append(t, hold{base.Add(steps(i)).UnixMilli(), base.Add(steps(i + 1)).UnixMilli(), probe.Rating(value)})
		}
	}
	return t
}

// steps is how long n letters last.
func steps(n int) time.Duration { return time.Duration(n) * 30 * time.Second }

func TestTrack_Since(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, track string
		want        int // letters from the start
		atLeast     bool
	}{
		{"only now", "e", 0, true},
		{"always good", "egegeg", 0, true},
		{"good after bad", "eefgg", 3, false},
		{"good after one bad moment", "gggpg", 4, false},
		{"below good after good", "ggfpf", 2, false},
		{"below good with a good minute inside", "ggfggpf", 2, false},
		{"below good with 4.5 good minutes inside", "ggf" + strings.Repeat("g", 9) + "p", 2, false},
		{"below good with 5 good minutes inside", "ggf" + strings.Repeat("g", 10) + "p", 13, false},
		{"below good with unknown minutes inside", "ggfuup", 2, false},
		{"always below good", "ffp", 0, true},
		{"good with an unknown minute inside", "ggguugg", 0, true},
		{"good after 4.5 unknown minutes", "pe" + strings.Repeat("u", 9) + "g", 1, false},
		{"good after 5 unknown minutes", "ge" + strings.Repeat("u", 10) + "g", 12, false},
		{"unknown after good", "gguuu", 2, false},
		{"unknown after bad", "ffu", 2, false},
		{"always unknown", "uuu", 0, true},
		{"good over a hole of 4.5 minutes", "gg" + strings.Repeat(".", 9) + "gg", 0, true},
		{"good after a hole of 5 minutes", "gg" + strings.Repeat(".", 10) + "gg", 12, true},
		{"good after a bad hole", "gf" + strings.Repeat(".", 5) + "gg", 7, false},
		{"good after unknown at the beginning", "uugg", 2, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, atLeast := script(tt.track).since()
			want := base.Add(steps(tt.want))
			if !at.Equal(want) || atLeast != tt.atLeast {
				t.Errorf("got letter %v (at least %v), want %d (%v)", int(at.Sub(base)/steps(1)), atLeast, tt.want, tt.atLeast)
			}
		})
	}
	if at, atLeast := (track{}).since(); !at.IsZero() || atLeast {
		t.Errorf("nothing recorded: got %v, %v", at, atLeast)
	}
}

func TestTrack_Troubles(t *testing.T) {
	t.Parallel()
	type stretch struct {
		from, until int
		worst       probe.Rating
		lasts       bool
	}
	tests := []struct {
		name, track string
		want        []stretch
	}{
		{"none", "gegu", nil},
		{"one that lasts", "gff", []stretch{{1, 3, probe.Fair, true}}},
		{"one that has ended", "gfpfg", []stretch{{1, 4, probe.Poor, false}}},
		{"one with 4.5 good minutes inside", "f" + strings.Repeat("g", 9) + "pg", []stretch{{0, 11, probe.Poor, false}}},
		{"two with 5 good minutes between", "p" + strings.Repeat("e", 10) + "f", []stretch{{0, 1, probe.Poor, false}, {11, 12, probe.Fair, true}}},
		{"two with a hole between", "p" + strings.Repeat(".", 10) + "f", []stretch{{0, 1, probe.Poor, false}, {11, 12, probe.Fair, true}}},
		{"one with unknown inside", "puuf", []stretch{{0, 4, probe.Poor, true}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want []trouble
			for _, s := range tt.want {
				want = append(want, trouble{base.Add(steps(s.from)).UnixMilli(), base.Add(steps(s.until)).UnixMilli(), s.worst, s.lasts})
			}
			if diff := cmp.Diff(want, script(tt.track).troubles(), cmp.AllowUnexported(trouble{})); diff != "" {
				t.Errorf("troubles (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTrack_Spans(t *testing.T) {
	t.Parallel()
	type span struct {
		from, until int
		rating      probe.Rating
	}
	tests := []struct {
		name, track string
		want        []span // in letters, in cells of 4
	}{
		{"nothing", "", nil},
		{"worst of a cell", "egfe" + "gggg" + "eeee", []span{{0, 4, probe.Fair}, {4, 8, probe.Good}, {8, 12, probe.Excellent}}},
		{"equal cells are one", "gegg" + "eegg" + "gegg", []span{{0, 12, probe.Good}}},
		{"unknown only where nothing was measured", "uuue" + "uuuu" + "puue", []span{{0, 4, probe.Excellent}, {4, 8, probe.Unknown}, {8, 11, probe.Poor}, {11, 12, probe.Excellent}}},
		{"a hole", "eeee" + "...." + "eeee", []span{{0, 4, probe.Excellent}, {8, 12, probe.Excellent}}},
		{"a cell with one point", "...." + "..e." + "....", []span{{6, 8, probe.Excellent}}},
		{"until now", "gggg" + "gggg" + "ef", []span{{0, 8, probe.Good}, {8, 9, probe.Excellent}, {9, 10, probe.Fair}}},
		{"good since a moment ago", "gggg" + "ggpg" + "fpgg", []span{{0, 4, probe.Good}, {4, 10, probe.Poor}, {10, 12, probe.Good}}},
		{"good since the last cell began", "gggg" + "gggp" + "gggg", []span{{0, 4, probe.Good}, {4, 8, probe.Poor}, {8, 12, probe.Good}}},
		{"good again, not yet the first time", "gggg" + "gggg" + "gpgg", []span{{0, 8, probe.Good}, {8, 10, probe.Poor}, {10, 12, probe.Good}}},
		{"not measured since a moment ago", "gggg" + "gggg" + "gguu", []span{{0, 10, probe.Good}, {10, 12, probe.Unknown}}},
		{"the present one over a short hole", "gggg" + "gggg" + "f.ff", []span{{0, 8, probe.Good}, {8, 12, probe.Fair}}},
		{"begun within a cell", "..fg" + "gggg" + "gggg", []span{{2, 4, probe.Fair}, {4, 12, probe.Good}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var want []Span
			for _, s := range tt.want {
				want = append(want, Span{base.Add(steps(s.from)), base.Add(steps(s.until)), s.rating})
			}
			until := base.Add(steps(12))
			if tt.name == "until now" {
				until = base.Add(steps(10))
			}
			if diff := cmp.Diff(want, script(tt.track).spans(2*time.Minute, base, until)); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
	got := script("gggggggg").spans(2*time.Minute, base.Add(steps(1)), base.Add(steps(7)))
	if want := []Span{{base.Add(steps(1)), base.Add(steps(7)), probe.Good}}; cmp.Diff(want, got) != "" {
		t.Errorf("cut at both ends: got %+v, want %+v", got, want)
	}
}

func TestTrack_Begun(t *testing.T) {
	t.Parallel()
	minute := strings.Repeat("u", 2)
	tests := []struct {
		name, track, want string
		young             bool
	}{
		{"nothing", "", "", false},
		{"tried for two minutes", minute + minute + "eg", "....eg", true},
		{"not measured for longer", minute + minute + "ueg", "uuuuueg", true},
		{"never measured", minute, minute, true},
		{"measured at once", "eue", "eue", true},
		{"recorded before", "." + "u" + strings.Repeat("e", 119), ".u" + strings.Repeat("e", 119), false},
		{"five minutes", "u" + strings.Repeat("e", 10), "." + strings.Repeat("e", 10), false},
		{"less than five minutes", "u" + strings.Repeat("e", 9), "." + strings.Repeat("e", 9), true},
	}
	for _, tt := range tests {
		at := base.Add(steps(len(tt.track) - 1))
		got := script(tt.track).begun(Hour.grid(), at)
		if diff := cmp.Diff(script(tt.want), got, cmp.AllowUnexported(hold{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if young := got.young(at); young != tt.young {
			t.Errorf("%s: young %v", tt.name, young)
		}
	}
}

// TestTrack_AgreesWithItself compares what is told of the same random track: a channel is below good since its last
// incident began, spans are in order and hide no trouble.
func TestTrack_AgreesWithItself(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // repeatable
	for range 2000 {
		var text strings.Builder
		for range 5 + random.IntN(10) {
			text.WriteString(strings.Repeat(string("upfge."[random.IntN(6)]), 1+random.IntN(14)))
		}
		tr := script(text.String() + string("upfge"[random.IntN(5)]))
		since, _ := tr.since()
		troubles := tr.troubles()
		until := base.Add(steps(len(text.String()) + 1))
		spans := tr.spans(2*time.Minute, base, until)
		now := sideOf(tr[len(tr)-1].rating)
		for i, trouble := range troubles {
			if last := i == len(troubles)-1; trouble.lasts != (last && now == below) {
				t.Fatalf("%s: trouble %d lasts %v while it is %v now", text.String(), i, trouble.lasts, now)
			}
			if trouble.lasts && since.UnixMilli() != trouble.from {
				t.Fatalf("%s: below good since %v, but its incident began at %v", text.String(), since, time.UnixMilli(trouble.from).UTC())
			}
			if now == good && since.UnixMilli() < trouble.until {
				t.Fatalf("%s: good since %v, but an incident lasted until %v", text.String(), since, time.UnixMilli(trouble.until).UTC())
			}
			shown := false
			for _, s := range spans {
				shown = shown || s.Rating == trouble.worst && s.From.UnixMilli() < trouble.until && s.Until.UnixMilli() > trouble.from
			}
			if !shown {
				t.Fatalf("%s: the timeline hides trouble %+v", text.String(), trouble)
			}
		}
		for i, s := range spans {
			if !s.From.Before(s.Until) || i > 0 && (s.From.Before(spans[i-1].Until) || s.From.Equal(spans[i-1].Until) && s.Rating == spans[i-1].Rating) {
				t.Fatalf("%s: span %d of %+v", text.String(), i, spans)
			}
		}
	}
}

func TestRatings_Tracks(t *testing.T) {
	t.Parallel()
	at := func(minutes float64) int64 {
		return base.Add(time.Duration(minutes * float64(time.Minute))).UnixMilli()
	}
	of := map[string]string{"channel": "web"}
	q := ratings{
		coarse: []query.Series{{Labels: of, Points: []query.Point{{At: at(5), Value: 4}, {At: at(10), Value: 2}}}},
		fine:   []query.Series{{Labels: of, Points: []query.Point{{At: at(10), Value: 3}, {At: at(10.5), Value: 4}}}},
	}
	got := q.tracks(Week.grid())[trackOf{subject: subject{channel: "web"}}]
	want := track{
		{at(0), at(5), probe.Excellent}, {at(5), at(10), probe.Fair}, {at(10), at(10.5), probe.Good}, {at(10.5), at(11), probe.Excellent},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(hold{})); diff != "" {
		t.Errorf("what is recorded rarely tells of the time before it (-want +got):\n%s", diff)
	}
	want = append(want[:3:3], hold{at(10.5), at(11), probe.Poor})
	if diff := cmp.Diff(want, got.now(base.Add(10*time.Minute+30*time.Second), probe.Poor), cmp.AllowUnexported(hold{})); diff != "" {
		t.Errorf("the present rating takes the place of the last (-want +got):\n%s", diff)
	}
	want = append(want, hold{at(11), at(11.5), probe.Fair})
	if diff := cmp.Diff(want, got.now(base.Add(10*time.Minute+30*time.Second), probe.Poor).now(base.Add(11*time.Minute), probe.Fair), cmp.AllowUnexported(hold{})); diff != "" {
		t.Errorf("or follows it (-want +got):\n%s", diff)
	}
}

// TestGrid_Fits sees to it that the steps of all ranges divide what they divide.
func TestGrid_Fits(t *testing.T) {
	t.Parallel()
	for _, r := range Ranges() {
		g := r.grid()
		for name, step := range map[string]time.Duration{"cell": g.cell, "spark": g.spark, "speed": g.speed, "grain": g.grain()} {
			if step <= 0 || g.length%step != 0 || g.length/step > 11_000 {
				t.Errorf("%s: %s of %v does not fit into %v", r, name, step, g.length)
			}
		}
		if g.cell%g.grain() != 0 || g.cell%g.line.every() != 0 || r.Length() != g.length {
			t.Errorf("%s: cells of %v do not hold whole evaluations", r, g.cell)
		}
		x := axisUntil(base, g.length, g.cell)
		if !x.to.Equal(base) || x.to.Sub(x.from) != g.length-g.cell {
			t.Errorf("%s: axis %+v", r, x)
		}
	}
}
