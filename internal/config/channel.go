package config

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// mainFile is the file that the agent is started with.
type mainFile struct {
	Include     []string       `yaml:"include" format:"file" doc:"files, or directories with *.yaml files, that hold channels: one for each team"`
	Agent       Agent          `yaml:"agent" doc:"how the agent itself runs"`
	Host        Host           `yaml:"host" doc:"what the agent reads of the machine that it runs on"`
	Control     Control        `yaml:"control" doc:"how the agent finds out that its own network is gone, so that no channel is blamed for it"`
	History     History        `yaml:"history" doc:"how the agent keeps what it exports: scores, charts and alerts without any other server"`
	Alerting    Raw            `yaml:"alerting" doc:"Alertmanagers that alerts are sent to: the block of the same name of a Prometheus configuration, unchanged, with static_configs"`
	RemoteWrite Raw            `yaml:"remote_write" doc:"where samples are sent on to: the block of the same name of a Prometheus configuration, unchanged"`
	Notify      Notify         `yaml:"notify" doc:"how the agent itself tells people of incidents, for those who run no Alertmanager"`
	View        Pages          `yaml:"view" doc:"where the pages take their scores from, and where they lead to"`
	Shard       Shard          `yaml:"shard" doc:"how several agents with the same configuration share its channels"`
	Public      Public         `yaml:"public" doc:"a page for everybody: a few channels, without addresses, owners and evidence"`
	Browser     Browser        `yaml:"browser" doc:"how the agent runs the browsers that it visits pages with"`
	Evidence    Evidence       `yaml:"evidence" doc:"what the agent keeps of how pages looked"`
	RUM         RUM            `yaml:"rum" doc:"how the agent listens to what customers' own browsers measure"`
	Receipts    Receipts       `yaml:"receipts" doc:"how devices confirm push messages that they got"`
	Channels    []channelBlock `yaml:"channels" doc:"the ways in which customers meet the brand; [] for an agent that only watches its host"`
	place
}

// newMainFile returns a main file that holds the defaults.
func newMainFile() *mainFile {
	return &mainFile{
		Agent: defaultAgent(), Host: defaultHost(), Control: defaultControl(), History: defaultHistory(),
		Notify: defaultNotify(), View: defaultPages(), Shard: defaultShard(), Browser: defaultBrowser(), Evidence: defaultEvidence(),
		RUM: defaultRUM(),
	}
}

func (f *mainFile) prepare(at place) { f.place = at }

// teamFile is an included file.
type teamFile struct {
	Channels []channelBlock `yaml:"channels" required:"true" doc:"the ways in which customers meet the brand"`
}

// channelBlock is one channel as it is written.
type channelBlock struct {
	Name        string            `yaml:"name" required:"true" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"unique name, a label of its metrics"`
	Title       string            `yaml:"title" doc:"name for people; default: the name in words"`
	Type        probe.ChannelType `yaml:"type" required:"true" enum:"desktop_web,mobile_web,mobile_app,push,desktop_display,mobile_display,social,email,integration,custom" doc:"how customers meet the brand; chooses default limits"`
	Owners      owners            `yaml:"owners" doc:"who answers for the channel, on either side"`
	Objective   *objective        `yaml:"objective" doc:"the agreement that both owners signed"`
	Touchpoints []touchpointBlock `yaml:"touchpoints" doc:"what is probed"`
	place
}

type owners struct {
	IT        string `yaml:"it" doc:"address of the owner in IT"`
	Marketing string `yaml:"marketing" doc:"address of the owner in marketing"`
}

type objective struct {
	Score  float64       `yaml:"score" required:"true" min:"1" max:"100" doc:"share of results that are excellent or good, in percent"`
	Window time.Duration `yaml:"window" doc:"the time over which the score is taken: 1d, 7d or 28d, which the rules record"`
	Review time.Time     `yaml:"review" doc:"the day on which both owners look at the agreement again"`
}

func (o *objective) prepare(place) { o.Window = 28 * 24 * time.Hour }

// check refuses a window over which no score is recorded.
func (o *objective) check(b *channelBlock) {
	const day = 24 * time.Hour
	p := b.path.key("objective").key("window")
	if o.Window != day && o.Window != 7*day && o.Window != 28*day && !b.decoder.isBroken(p) {
		b.decoder.errs.add(b.decoder.find(b.node, "objective.window"), p, "got %s, want one of 1d, 7d and 28d", FormatDuration(o.Window))
		b.decoder.errs.hint("these are the windows over which the rules record a score")
	}
}

// prepare notes where the block stands. The type of the channel is needed by the touchpoints, wherever it stands.
func (c *channelBlock) prepare(at place) {
	c.place = at
	at.decoder.typ = probe.ChannelType(text(at.node, "type"))
}

// touchpointBlock is one touchpoint as it is written.
type touchpointBlock struct {
	Name    string         `yaml:"name" required:"true" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"name, unique in its channel; a label of its metrics"`
	Title   string         `yaml:"title" doc:"name for people; default: the name in words"`
	Kind    string         `yaml:"kind" required:"true" enum:"@kinds" doc:"how it is probed"`
	Every   *time.Duration `yaml:"every" max:"24h" doc:"time between two probes; default by kind"`
	Timeout *time.Duration `yaml:"timeout" min:"1ms" doc:"time after which a probe is given up, at most every; default by kind"`
	Tier    probe.Tier     `yaml:"tier" enum:"critical,standard" doc:"a channel is never rated more than 20 points better than its weakest critical touchpoint"`
	Pair    string         `yaml:"pair" pattern:"^[a-z0-9][a-z0-9-]{0,62}$" doc:"word that it shares with one touchpoint of another channel: the same page on another device, which the page shows beside it"`
	AlsoIn  []string       `yaml:"also_in" doc:"other channels that its results count in too, for a journey that crosses channels"`
	Weight  float64        `yaml:"weight" min:"0.01" max:"1000" doc:"relative to the other touchpoints of the channel"`
	Recheck *time.Duration `yaml:"recheck" min:"0s" max:"1h" doc:"how long after a poor result it is probed once more; default: recheck of the agent"`
	Limits  limits         `yaml:"limits" doc:"slowest results that are still excellent, good and fair; default by kind and type of the channel"`
	With    any            `yaml:"with" doc:"what the kind needs to know"`
	place
	refs []string // files that the block refers to
}

type limits struct {
	Excellent *time.Duration `yaml:"excellent" min:"1us" doc:"slowest result that is excellent"`
	Good      *time.Duration `yaml:"good" min:"1us" doc:"slowest result that is good"`
	Fair      *time.Duration `yaml:"fair" min:"1us" doc:"slowest result that is fair; slower is poor"`
}

// prepare sets the defaults, which depend on the kind. Without a kind that exists, the block of the kind is not read.
func (t *touchpointBlock) prepare(at place) {
	t.place = at
	at.decoder.current = t
	t.Tier, t.Weight = probe.Standard, 1
	if kind, ok := at.decoder.kinds[text(at.node, "kind")]; ok {
		t.With = kind.NewConfig(at.decoder.typ)
	}
}
