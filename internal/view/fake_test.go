package view_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
	"github.com/channelwatch/channelwatch/internal/view"
)

// fake answers each question with the series of the first entry whose text the expression contains. It counts questions.
type fake struct {
	answers []answer
	wait    func(ctx context.Context) error // before each answer; nil for none

	mu            sync.Mutex
	asked         int
	now, mostEver int // questions under way
}

type answer struct {
	contains string
	series   []query.Series
	err      error
}

func (f *fake) ask(ctx context.Context, expr string) ([]query.Series, error) {
	f.mu.Lock()
	f.asked++
	f.now++
	f.mostEver = max(f.mostEver, f.now)
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		f.now--
		f.mu.Unlock()
	}()
	if f.wait != nil {
		if err := f.wait(ctx); err != nil {
			return nil, err
		}
	}
	for _, a := range f.answers {
		if strings.Contains(expr, a.contains) {
			return a.series, a.err
		}
	}
	return nil, nil
}

func (f *fake) Query(ctx context.Context, expr string, _ time.Time) ([]query.Series, error) {
	return f.ask(ctx, expr)
}

func (f *fake) QueryRange(ctx context.Context, expr string, _, _ time.Time, _ time.Duration) ([]query.Series, error) {
	return f.ask(ctx, expr)
}

// count returns how many questions were asked since the last call.
func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked
	f.asked = 0
	return n
}

// one is a series of one point; pairs alternate labels and values.
func one(at time.Time, value float64, pairs ...string) query.Series {
	labels := make(map[string]string)
	for i := 0; i < len(pairs); i += 2 {
		labels[pairs[i]] = pairs[i+1]
	}
	return query.Series{Labels: labels, Points: []query.Point{{At: at.UnixMilli(), Value: value}}}
}

// latency is a wait of a server.
func latency(d time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestView_ManyReadersCostOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{wait: latency(time.Second)}
		v := view.New(view.Options{Engine: f})
		var readers sync.WaitGroup
		pages := make([]*view.Overview, 50)
		for i := range pages {
			readers.Go(func() {
				var err error
				if pages[i], err = v.Overview(t.Context(), view.Day); err != nil {
					t.Error(err)
				}
			})
		}
		readers.Wait()
		questions := f.count()
		if questions < 3 || questions > 10 {
			t.Errorf("50 readers at once cost %d questions, want those of one page", questions)
		}
		for i, page := range pages {
			if page != pages[0] {
				t.Errorf("reader %d has another page", i)
			}
		}
		if f.mostEver > 3 {
			t.Errorf("%d questions were under way at once, want at most 3", f.mostEver)
		}
		for _, step := range []struct {
			wait, again time.Duration
			r           view.Range
		}{
			{4900 * time.Millisecond, 200 * time.Millisecond, view.Hour},
			{4900 * time.Millisecond, 200 * time.Millisecond, view.Day},
			{29 * time.Second, 2 * time.Second, view.Week},
			{59 * time.Second, 2 * time.Second, view.Month},
		} {
			time.Sleep(time.Hour) //nolint:forbidigo // of the bubble's clock
			first, _ := v.Overview(t.Context(), step.r)
			f.count()
			time.Sleep(step.wait) //nolint:forbidigo // of the bubble's clock
			if second, _ := v.Overview(t.Context(), step.r); second != first || f.count() != 0 {
				t.Errorf("%s: built anew after %v", step.r, step.wait)
			}
			time.Sleep(step.again) //nolint:forbidigo // of the bubble's clock
			if third, _ := v.Overview(t.Context(), step.r); third == first || f.count() == 0 {
				t.Errorf("%s: still the same after %v", step.r, step.wait+step.again)
			}
		}
	})
}

func TestView_ReadersMayLeave(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := view.New(view.Options{Engine: &fake{wait: latency(time.Second)}})
		ctx, leave := context.WithCancel(t.Context())
		var readers sync.WaitGroup
		readers.Go(func() { _, _ = v.Overview(ctx, view.Day) })
		synctest.Wait()
		readers.Go(func() {
			if _, err := v.Overview(t.Context(), view.Day); err != nil {
				t.Errorf("the second reader got %v when the first had left", err)
			}
		})
		synctest.Wait()
		leave()
		readers.Wait()
	})
}

func TestView_Deadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{wait: latency(time.Hour)}
		v := view.New(view.Options{Engine: f, Deadline: 7 * time.Second})
		begun := time.Now()
		_, err := v.Channel(t.Context(), "web", view.Day)
		if err == nil || !strings.Contains(err.Error(), "asking when the rules last ran: context deadline exceeded") || time.Since(begun) != 7*time.Second {
			t.Errorf("after %v: got error %v, want the deadline after 7s", time.Since(begun), err)
		}
		f.wait = nil
		f.answers = []answer{{contains: "channelwatch_check_info", err: fmt.Errorf("too many samples")}}
		if _, err := v.Overview(t.Context(), view.Day); err == nil || err.Error() != "asking for the sentences of the checks: too many samples" {
			t.Errorf("got error %v", err)
		}
		f.answers = nil
		if _, err := v.Overview(t.Context(), view.Day); err != nil {
			t.Errorf("an error was kept: %v", err)
		}
	})
}

// TestView_KeepsFewPages asks for more pages than are kept.
func TestView_KeepsFewPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		for i := range 100 {
			f.answers = append(f.answers, answer{fmt.Sprintf(`channelwatch_channel_configured",channel="c%d"`, i), []query.Series{
				one(time.Now(), 1, "__name__", "channelwatch_channel_info", "channel", fmt.Sprintf("c%d", i)),
			}, nil})
		}
		v := view.New(view.Options{Engine: f})
		for i := range 100 {
			if _, err := v.Incidents(t.Context(), fmt.Sprintf("c%d", i), view.Day); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Millisecond) //nolint:forbidigo // of the bubble's clock
		}
		f.count()
		cached := 0
		for i := range 100 {
			if _, err := v.Incidents(t.Context(), fmt.Sprintf("c%d", 99-i), view.Day); err != nil {
				t.Fatal(err)
			} else if f.count() == 0 {
				cached++
			}
		}
		if cached != 64 {
			t.Errorf("%d pages were kept, want 64", cached)
		}
	})
}

// TestView_NewStore shows what a newcomer sees: channels, before any rule has run.
func TestView_NewStore(t *testing.T) {
	t.Parallel()
	present := time.Now()
	info := func(extra ...string) query.Series {
		return one(present, 1, append([]string{"__name__", "channelwatch_channel_info", "channel", "web"}, extra...)...)
	}
	ratio := one(present, 0.57, "__name__", "channelwatch_channel_objective_ratio", "channel", "web")
	v := view.New(view.Options{Engine: &fake{answers: []answer{{"channelwatch_channel_info", []query.Series{
		info("title", "Web B", "type", "social"), info("title", "Web A", "type", "social"), ratio,
	}, nil}}}})
	o, err := v.Overview(t.Context(), view.Day)
	if err != nil {
		t.Fatal(err)
	}
	if d := o.At.Sub(present); len(o.Channels) != 1 || d < -time.Second || d > time.Minute {
		t.Fatalf("got %+v, want one channel now", o)
	}
	c := o.Channels[0]
	if c.Title != "Web A" || c.Rating != probe.Unknown || c.Since != nil || c.Now != nil || c.Words.Gap != "Not measured." || c.Timeline != nil ||
		c.Agreement.State != view.TooEarly || c.Agreement.Score != 57 {
		t.Errorf("got %+v, want the least title, nothing known, an agreement that it is too early for", c)
	}
	p, err := v.Channel(t.Context(), "web", view.Day)
	if err != nil || len(p.Touchpoints) != 0 || len(p.Score) != 0 || p.Lost == nil || p.Windows == nil || len(p.Dimensions) != 4 {
		t.Errorf("page %+v, error %v", p, err)
	}
}

// TestView_Orphan shows a channel that agents know and none of them probes.
func TestView_Orphan(t *testing.T) {
	t.Parallel()
	present := time.Now()
	configured := func(channel string) query.Series {
		return one(present, 1, "__name__", "channelwatch_channel_configured", "channel", channel, "title", "Of "+channel, "owner_it", "it@x")
	}
	probed := one(present, 1, "__name__", "channelwatch_channel_info", "channel", "web", "title", "Web", "type", "social", "owner_it", "it@y")
	v := view.New(view.Options{Engine: &fake{answers: []answer{
		{"channelwatch_channel_configured", []query.Series{configured("web"), probed, configured("shop"), configured("shop")}, nil},
	}}})
	o, err := v.Overview(t.Context(), view.Hour)
	if err != nil || len(o.Channels) != 2 {
		t.Fatalf("got %+v and error %v, want two channels", o, err)
	}
	shop, web := o.Channels[0], o.Channels[1]
	if !shop.Orphan || shop.Title != "Of shop" || shop.OwnerIT != "it@x" || shop.Words.Gap != "No agent probes it." || shop.Rating != probe.Unknown {
		t.Errorf("got %+v, want an orphan", shop)
	}
	if web.Orphan || web.Title != "Web" || web.Type != "social" || web.OwnerIT != "it@y" {
		t.Errorf("got %+v, want what the agent that probes it says", web)
	}
}

// TestView_PartOfAnEvaluation reads from a server that has only a part of the last evaluation yet.
func TestView_PartOfAnEvaluation(t *testing.T) {
	t.Parallel()
	last := time.Now().Truncate(time.Second)
	before := last.Add(-30 * time.Second)
	series := func(at time.Time, score, lost float64) []query.Series {
		all := []query.Series{
			one(at, score, "__name__", "channel:channelwatch_score:5m", "channel", "web"),
			one(at, 4, "__name__", "channel:channelwatch_rating:5m", "channel", "web"),
		}
		if lost > 0 {
			all = append(all, one(at, lost, "__name__", "channel_cause:channelwatch_points_lost:5m", "channel", "web", "cause", "slow_server", "dimension", "fast"))
		}
		return all
	}
	for name, tt := range map[string]struct {
		earlier []query.Series
		want    float64
		at      time.Time
	}{
		"the one before is whole":   {series(before, 97, 3), 97, before},
		"the one before is neither": {series(before, 97, 0), 94, last},
		"there is none before":      {nil, 94, last},
	} {
		v := view.New(view.Options{Engine: &stepped{last: last, fake: fake{answers: []answer{
			{"timestamp(", []query.Series{one(last, float64(last.Unix()), "window", "5m")}, nil},
			{"channelwatch_channel_info", []query.Series{one(last, 1, "__name__", "channelwatch_channel_info", "channel", "web")}, nil},
			{"channel:channelwatch_up:5m", series(last, 94, 0), nil},
		}}, earlier: tt.earlier}})
		o, err := v.Overview(t.Context(), view.Day)
		if err != nil {
			t.Fatal(err)
		}
		if got := o.Channels[0].Now; got == nil || got.Score != tt.want || !got.At.Equal(tt.at) {
			t.Errorf("%s: got %+v, want %v at %v", name, got, tt.want, tt.at)
		}
	}
}

// stepped answers with other series at times before the last.
type stepped struct {
	fake
	last    time.Time
	earlier []query.Series
}

func (s *stepped) Query(ctx context.Context, expr string, at time.Time) ([]query.Series, error) {
	if at.Before(s.last) {
		return s.earlier, nil
	}
	return s.fake.Query(ctx, expr, at)
}

// TestView_RulesHaveNotRunSince shows a page again as long as there is nothing new.
func TestView_RulesHaveNotRunSince(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := many(2)
		v := view.New(view.Options{Engine: f})
		first, err := v.Overview(t.Context(), view.Day)
		if err != nil {
			t.Fatal(err)
		}
		f.count()
		for range 3 {
			time.Sleep(6 * time.Second) //nolint:forbidigo // of the bubble's clock
			if again, err := v.Overview(t.Context(), view.Day); err != nil || again != first || f.count() != 1 {
				t.Error("the page was built anew though the rules have not run")
			}
		}
		f.answers[0].series[0].Points[0].Value += 30
		time.Sleep(6 * time.Second) //nolint:forbidigo // of the bubble's clock
		if again, err := v.Overview(t.Context(), view.Day); err != nil || again == first || !again.At.Equal(first.At.Add(30*time.Second)) {
			t.Errorf("got a page of %v, want one of 30 s after %v", again.At, first.At)
		}
	})
}

// TestView_OneOfSeveralSources reads what two agents recorded of the same channel: figures of both must not be mixed.
func TestView_OneOfSeveralSources(t *testing.T) {
	t.Parallel()
	present := time.Now().Truncate(time.Second)
	recorded := func(source, name string, value float64, more ...string) query.Series {
		pairs := []string{"__name__", name, "channel", "web", "replica", source}
		return one(present, value, append(pairs, more...)...)
	}
	f := &fake{answers: []answer{
		{"timestamp(", []query.Series{one(present, float64(present.Unix()), "window", "5m")}, nil},
		{"channelwatch_channel_info", []query.Series{one(present, 1, "__name__", "channelwatch_channel_info", "channel", "web")}, nil},
		{"channel:channelwatch_up:5m", []query.Series{
			recorded("b", "channel:channelwatch_score:5m", 50),
			recorded("b", "channel_cause:channelwatch_points_lost:5m", 50, "cause", "slow_server", "dimension", "fast"),
			recorded("b", "channel:channelwatch_rating:5m", 2),
			recorded("a", "channel:channelwatch_rating:5m", 3),
			recorded("a", "channel:channelwatch_score:5m", 80),
			recorded("a", "channel:channelwatch_up:5m", math.NaN()),
			recorded("a", "channel_cause:channelwatch_points_lost:5m", 20, "cause", "broken_link", "dimension", "correct"),
		}, nil},
	}}
	for range 20 {
		slices.SortFunc(f.answers[2].series, func(a, b query.Series) int { return cmp.Compare(a.Labels["cause"], b.Labels["cause"]) })
		o, err := view.New(view.Options{Engine: f}).Overview(t.Context(), view.Day)
		if err != nil {
			t.Fatal(err)
		}
		c := o.Channels[0]
		if c.Rating != probe.Good || c.Now.Score != 80 || c.Now.Up != 0 || len(c.Causes) != 1 || c.Causes[0].Check != "broken_link" || c.Causes[0].Points != 20 {
			t.Fatalf("got %v, %+v, %+v: want the figures of one source, and nothing that is no number", c.Rating, c.Now, c.Causes)
		}
	}
}

// many answers as a history of channels with touchpoints does, with points enough for a day.
func many(channels int) *fake {
	present := time.Now().Truncate(time.Second)
	var infos, figures, tracks, spark []query.Series
	for i := range channels {
		labels := func(name string, more ...string) query.Series {
			return one(present, 95, append([]string{"__name__", name, "channel", fmt.Sprintf("channel-%d", i)}, more...)...)
		}
		infos = append(infos, labels("channelwatch_channel_info", "title", "Channel", "type", "social", "location", "berlin"))
		for _, name := range []string{"score", "up", "gap", "unknown", "rating"} {
			figures = append(figures, labels("channel:channelwatch_"+name+":5m"))
		}
		lost := labels("channel_cause:channelwatch_points_lost:5m", "cause", "slow_server", "dimension", "fast")
		lost.Points[0].Value = 5
		figures = append(figures, lost)
		day, line := labels("channel:channelwatch_rating:5m"), labels("channel:channelwatch_score:1h")
		day.Points, line.Points = nil, nil
		for step := range int64(2880) {
			day.Points = append(day.Points, query.Point{At: present.UnixMilli() - (2879-step)*30_000, Value: float64(1 + step/700)})
		}
		for step := range int64(48) {
			line.Points = append(line.Points, query.Point{At: present.UnixMilli() - (47-step)*1_800_000, Value: 95})
		}
		tracks, spark = append(tracks, day), append(spark, line)
	}
	return &fake{answers: []answer{
		{"timestamp(", []query.Series{one(present, float64(present.Unix()), "window", "5m"), one(present, float64(present.Unix()), "window", "1h")}, nil},
		{"channelwatch_channel_info", infos, nil},
		{"channel:channelwatch_up:5m", figures, nil},
		{"channel:channelwatch_rating:5m", tracks, nil},
		{"channel:channelwatch_score:1h", spark, nil},
	}}
}

// BenchmarkOverview measures what the view itself costs for 60 channels, without the engine and the cache.
func BenchmarkOverview(b *testing.B) {
	f := many(60)
	b.ReportAllocs()
	for b.Loop() {
		o, err := view.New(view.Options{Engine: f}).Overview(b.Context(), view.Day)
		if err != nil || len(o.Channels) != 60 || len(o.Channels[0].Timeline) < 4 {
			b.Fatalf("got %d channels and error %v", len(o.Channels), err)
		}
	}
}
