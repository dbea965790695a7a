package browser

import (
	"math"
	"time"

	"github.com/channelwatch/channelwatch/internal/egress"
	"github.com/channelwatch/channelwatch/internal/pageload"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// PatientKind returns the kind with a browser of its own that is never starved: machines that run tests are busy.
func PatientKind() probe.Kind { return kindOf(&pool{patience: math.Inf(1)}) }

// QuickKind is a patient kind for pages that do nothing late: they are not watched for long.
func QuickKind() probe.Kind {
	return kindOf(&pool{patience: math.Inf(1), quiet: 300 * time.Millisecond, least: time.Second})
}

// WatchfulKind is a patient kind for pages that are never at rest, even when a busy machine lets them pause for a while.
func WatchfulKind() probe.Kind {
	return kindOf(&pool{patience: math.Inf(1), quiet: 1500 * time.Millisecond, least: time.Second})
}

// Run is what tests make up of a run.
type Run struct {
	Load    *pageload.Load
	End     *pageload.Load // after steps; nil without
	Again   bool           // after a crash
	Egress  egress.Report
	Wall    time.Duration
	CPU     time.Duration
	Reason  probe.Reason // what stopped it
	Detail  string
	Started time.Time
}

// Conclude makes a result of runs. The configuration must be a good one.
func Conclude(c Config, setup probe.Setup, runs ...Run) probe.Result {
	plan, err := c.compile(setup)
	if err != nil {
		panic(err)
	}
	visits := make([]*visit, len(runs))
	for i, run := range runs {
		v := &visit{start: run.Started, wall: run.Wall, cpu: run.CPU, browser: "shell 156", again: run.Again, egress: run.Egress}
		if run.Load != nil {
			v.looked(run.Load)
		}
		if run.End != nil {
			v.acted(run.End)
		}
		if run.Reason != "" {
			v.failure = &failure{run.Reason, run.Detail}
		}
		visits[i] = v
	}
	result := plan.conclude(visits)
	plan.redaction.Hide(&result)
	return result
}

// Network returns what a profile makes of the network, and of it what DevTools are told.
func Network(name string) (delay time.Duration, down, up int64, devTools [3]int64) {
	p, _ := profileNamed(name)
	d := p.devTools
	return p.network.delay, p.network.down, p.network.up, [3]int64{d.delay.Microseconds(), d.down, d.up}
}

// Soft404 reports what a page with these words is found to say.
func Soft404(load *pageload.Load) string {
	if finding := soft404(load); finding != nil {
		return finding.Detail
	}
	return ""
}

// Pace is how long the exercise took at a time.
type Pace struct {
	At   time.Duration // since the first one
	Took time.Duration
}

// Note tells a pool how long the exercise took, and returns whether that is too long.
func Note(factor float64, paces ...Pace) (starved []bool) {
	s := &pool{patience: factor}
	for _, pace := range paces {
		_, is := s.note("shell 156", pace.Took, time.Unix(1_700_000_000, 0).Add(pace.At))
		starved = append(starved, is)
	}
	return starved
}
