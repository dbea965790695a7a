package probe

import (
	"context"
	"slices"
	"time"
)

// Prober probes one touchpoint. It is immutable and safe for concurrent use.
type Prober interface {
	// Probe takes one measurement. It returns soon after ctx ends: a deadline that passes is a Result with the reason of
	// the phase that hung; a cancelled context is an error. Every other error means "could not measure".
	Probe(ctx context.Context) (Result, error)
}

// Profile is what is known of a prober before its first probe; it makes the number of series predictable.
type Profile struct {
	Target  string   // host:port that is probed; the limit of concurrent probes per host counts by it
	URL     string   // what people recognise, redacted
	Phases  []Phase  // all that its results can have
	Metrics []string // names of the kind's metrics that this touchpoint can export; those with a label, all its values
	TLS     bool     // whether certificate dates are exported

	// Values are those that labels have at this touchpoint, by metric, of metrics that declare none themselves, such as
	// the steps of a journey; at most 20 for each.
	Values map[string][]string
	Limits Limits // default speed limits of this touchpoint, where they depend on its block; zero: those of the kind

	// Passive says that nobody is asked: its results tell what others have reported. They hold however busy the agent was,
	// and what they count is counted whatever they are rated.
	Passive bool
	// Waits says that its probes do nothing but wait for most of their time: they are not counted against the limit of
	// concurrent probes per host.
	Waits bool
	// Receipts says that its messages are confirmed at Setup.Receipts: somebody has to listen there while it is probed.
	Receipts bool
	// OnlyWhenDue says of this touchpoint what Kind.OnlyWhenDue says of all, where it depends on its block: it writes.
	OnlyWhenDue bool

	// Takes is how long a probe is expected to take, of kinds whose probes wait in a line of their own; see Kind.Line.
	Takes time.Duration
}

// Setup is what a kind is told about the touchpoint that it builds a prober for.
type Setup struct {
	Channel    string
	Touchpoint string
	Type       ChannelType
	Every      time.Duration
	Timeout    time.Duration
	Location   string // of the agent
	UserAgent  string // the product token of this agent, such as "Channelwatch/1.0"
	Browser    Browser
	Receipts   string // public URL that devices send receipts of messages to, without a slash at its end; empty: nobody listens
}

// Built is a prober with its profile. Closer, when not nil, is called once after the last probe, to give back held
// connections.
type Built struct {
	Prober  Prober
	Profile Profile
	Close   func()
}

// MetricType is the type of a kind's own metric.
type MetricType uint8

// The metric types.
const (
	Gauge MetricType = iota
	Counter
	Histogram
)

// Metric declares one measurement of a kind beyond duration and phases.
type Metric struct {
	Name    string // without the channelwatch_ prefix; ends in its unit
	Help    string
	Type    MetricType
	Label   string    // its one label beyond channel and touchpoint; empty for none
	Values  []string  // all values that the label can have; none: those of Profile.Values
	Buckets []float64 // upper bounds of the classic histogram

	// Momentary says of a gauge that it is of one result: a result without it takes it away, so that no figure outlives
	// the page that it was taken from.
	Momentary bool
	// Unrated says that the metric tells of credentials, targets and receivers rather than of the channel: it is taken in
	// of results that are rated unknown, too.
	Unrated bool
}

func (m Metric) equal(o Metric) bool {
	return m.Name == o.Name && m.Help == o.Help && m.Type == o.Type && m.Label == o.Label && m.Momentary == o.Momentary && m.Unrated == o.Unrated &&
		slices.Equal(m.Values, o.Values) && slices.Equal(m.Buckets, o.Buckets)
}

// Kind is one way of probing: its name in the configuration, its documentation and how to build a prober from its
// block of the configuration. Make one with Define. It is immutable.
type Kind struct {
	Name    string // the word that users write
	Summary string // one sentence: what it watches and why a marketer cares
	Sample  string // an example touchpoint in YAML, commented; parsed by the conformance suite
	Checks  []Check
	Metrics []Metric
	Floor   time.Duration              // the shortest interval that is polite; 0 means 1 s
	Every   time.Duration              // default interval
	Timeout time.Duration              // default timeout
	Limits  func(t ChannelType) Limits // default speed limits

	// Line says that the probes of the kind wait in a line of their own, whatever the touchpoint: they share something that
	// too many at once would disturb. The configuration says how many run at once.
	Line bool
	// OnlyWhenDue says that its touchpoints are never probed in between, neither to confirm a poor result nor for a reader:
	// a message more would not be polite, or would take from the next result what belongs there.
	OnlyWhenDue bool
	// State tells of what the kind holds for all its touchpoints, such as a browser; nil when it holds nothing. It is
	// safe for concurrent use and quick.
	State func() []Reading
	// Told has at least one reading of everything that State can tell, for the reference. Their values mean nothing.
	Told []Reading

	config func(t ChannelType) any         // pointer to the kind's configuration, with its defaults
	build  func(any, Setup) (Built, error) // validates; all mistakes at once, as FieldErrors
}

// Define completes a kind with its typed configuration: defaults returns it with all defaults set, build validates it
// and returns a ready prober. build reports mistakes as FieldError values, joined.
//
// C is a plain struct. Its fields have a yaml tag with their name and should have a doc tag with one sentence for the
// reference and the editor's schema. They can be strings, numbers, bools, time.Duration ("1.8s", "28d"), Secret, slices,
// maps, pointers, structs, any, and types with UnmarshalText. Further tags are checked by the loader and shown in the
// schema: required:"true", enum:"a,b", pattern:"^…$", min:"1", max:"10" (of numbers, durations and sizes), and
// format:"bytes" (an integer written as "8MiB"), format:"file" (a path relative to the configuration file, which is
// watched), format:"url", format:"regex", or format:"hidden" (a text that the view of a configuration must not show).
func Define[C any](kind Kind, defaults func(ChannelType) C, build func(C, Setup) (Built, error)) Kind {
	kind.config = func(t ChannelType) any {
		c := defaults(t)
		return &c
	}
	kind.build = func(config any, setup Setup) (Built, error) { return build(*config.(*C), setup) }
	return kind
}

// NewConfig returns a pointer to the kind's configuration with the defaults for a channel type, to decode YAML into.
func (k Kind) NewConfig(t ChannelType) any { return k.config(t) }

// Build validates a configuration that NewConfig returned and returns a ready prober.
func (k Kind) Build(config any, setup Setup) (Built, error) { return k.build(config, setup) }
