package config

import (
	"cmp"
	"errors"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Defaults for a kind that names none.
const (
	defaultEvery   = 30 * time.Second
	defaultTimeout = 10 * time.Second
	defaultFloor   = time.Second
)

// build turns the blocks of all files into the channels of c.
func (l *loader) build(c *Config, main *mainFile) {
	seen := make(map[string]*channelBlock)
	for _, block := range l.read {
		if l.full() {
			return
		}
		if old, double := seen[block.Name]; double && block.Name != "" {
			at := old.pos("name")
			l.errs.add(block.pos("name"), block.path.key("name"), "%s is the name of a channel at %s:%d already", quote(block.Name), at.file, at.line)
		}
		seen[block.Name] = block
		c.Channels = append(c.Channels, l.channel(c, block))
	}
	if len(l.read) == 0 && len(l.errs) == 0 && main.Channels == nil {
		l.errs.add(position{file: main.decoder.file}, "channels", "missing, want at least one with a touchpoint")
		l.errs.hint("write channels: [] for an agent that only watches its host")
	}
	l.served(c, main)
}

// served checks that the channels which run on this host exist. An agent without channels watches a host for others:
// what these probe is not known here.
func (l *loader) served(c *Config, main *mainFile) {
	if len(l.read) == 0 {
		return
	}
	var all []string
	for _, channel := range c.Channels {
		all = append(all, channel.Name)
	}
	for i, name := range c.Agent.Serves {
		if slices.Contains(all, name) {
			continue
		}
		p := path("agent").key("serves").index(i, "")
		if main.decoder.isBroken(p) {
			continue
		}
		at := main.decoder.find(main.node, string(p))
		hint, _ := suggestion(name, all)
		l.errs.add(at, p, "got %s, want the name of a channel", quote(name))
		l.errs.hint(hint)
	}
}

// channel builds one channel.
func (l *loader) channel(c *Config, b *channelBlock) *probe.Channel {
	channel := &probe.Channel{
		Name:     b.Name,
		Title:    cmp.Or(b.Title, titleOf(b.Name)),
		Type:     b.Type,
		OwnerIT:  b.Owners.IT,
		OwnerMkt: b.Owners.Marketing,
	}
	if o := b.Objective; o != nil {
		o.check(b)
		channel.Objective = probe.Objective{Score: o.Score, Window: o.Window, Review: o.Review}
	}
	if len(b.Touchpoints) == 0 && !slices.Contains(c.Agent.Serves, b.Name) && !b.decoder.isBroken(b.path.key("touchpoints")) {
		b.decoder.fail(b.node, b.path.key("touchpoints"), "missing, want at least one")
		b.decoder.errs.hint("only a channel in agent.serves can be without")
	}
	seen := make(map[string]*touchpointBlock)
	for i := range b.Touchpoints {
		t := &b.Touchpoints[i]
		if t.decoder == nil {
			continue // not keys, which is reported
		}
		if old, double := seen[t.Name]; double && t.Name != "" {
			l.errs.add(t.pos("name"), t.path.key("name"), "%s is the name of the touchpoint at line %d already", quote(t.Name), old.pos("name").line)
		}
		seen[t.Name] = t
		if touchpoint := l.touchpoint(c, channel, t); touchpoint != nil {
			channel.Touchpoints = append(channel.Touchpoints, touchpoint)
		}
	}
	return channel
}

// touchpoint builds one touchpoint, or returns nil after a mistake.
func (l *loader) touchpoint(c *Config, channel *probe.Channel, b *touchpointBlock) *probe.Touchpoint {
	kind, ok := l.kinds[b.Kind]
	if !ok || l.full() {
		return nil
	}
	t := &probe.Touchpoint{
		Channel: channel.Name,
		Name:    b.Name,
		Title:   cmp.Or(b.Title, titleOf(b.Name)),
		Kind:    b.Kind,
		Tier:    b.Tier,
		Pair:    b.Pair,
		AlsoIn:  b.AlsoIn,
		Weight:  b.Weight,
		Recheck: c.Agent.Recheck,
	}
	if b.Recheck != nil {
		t.Recheck = *b.Recheck
	}
	t.Every, t.Timeout = b.times(kind)
	built, err := kind.Build(b.With, probe.Setup{
		Channel:    channel.Name,
		Touchpoint: b.Name,
		Type:       channel.Type,
		Every:      t.Every,
		Timeout:    t.Timeout,
		Location:   c.Agent.Location,
		UserAgent:  userAgent(),
		Browser:    c.Browser.setup(),
		Receipts:   c.Receipts.url(),
	})
	if t.OnlyWhenDue = kind.OnlyWhenDue || built.Profile.OnlyWhenDue; t.OnlyWhenDue {
		t.Recheck = b.noRecheck(kind)
	}
	if err != nil {
		b.refused(err)
		return nil
	}
	t.Built, t.Limits = built, b.limits(kind, channel.Type, built.Profile.Limits)
	t.Fingerprint = l.fingerprint(t, channel.Type, b)
	c.blocks[t] = b.With
	return t
}

// noRecheck refuses a recheck of a touchpoint that must not be probed in between.
func (b *touchpointBlock) noRecheck(kind probe.Kind) time.Duration {
	if b.Recheck != nil && *b.Recheck > 0 {
		b.decoder.fail(child(b.node, "recheck"), b.path.key("recheck"), "got %s, want 0s: this touchpoint of the kind %s is never probed in between",
			FormatDuration(*b.Recheck), kind.Name)
	}
	return 0
}

// times returns the interval and the timeout, with the defaults of the kind.
func (b *touchpointBlock) times(kind probe.Kind) (every, timeout time.Duration) {
	floor := cmp.Or(kind.Floor, defaultFloor)
	every = max(cmp.Or(kind.Every, defaultEvery), floor)
	timeout = cmp.Or(kind.Timeout, defaultTimeout)
	if b.Every != nil {
		every = *b.Every
		if every < floor && !b.decoder.isBroken(b.path.key("every")) {
			b.decoder.fail(child(b.node, "every"), b.path.key("every"), "got %s, want at least %s for the kind %s",
				FormatDuration(every), FormatDuration(floor), kind.Name)
		}
	}
	if b.Timeout == nil {
		return every, min(timeout, every)
	}
	if *b.Timeout > every {
		b.decoder.fail(child(b.node, "timeout"), b.path.key("timeout"), "got %s, want at most every, which is %s",
			FormatDuration(*b.Timeout), FormatDuration(every))
	}
	return every, *b.Timeout
}

// limits returns the speed limits: those of what was built, else of the kind, where the block names none.
func (b *touchpointBlock) limits(kind probe.Kind, t probe.ChannelType, l probe.Limits) probe.Limits {
	if l == (probe.Limits{}) && kind.Limits != nil {
		l = kind.Limits(t)
	}
	set := false
	for _, one := range []struct {
		from *time.Duration
		to   *time.Duration
	}{{b.Limits.Excellent, &l.Excellent}, {b.Limits.Good, &l.Good}, {b.Limits.Fair, &l.Fair}} {
		if one.from != nil {
			*one.to, set = *one.from, true
		}
	}
	ascend := 0 < l.Excellent && l.Excellent < l.Good && l.Good < l.Fair
	if set && !ascend && !b.decoder.isBroken(b.path.key("limits")) {
		b.decoder.fail(child(b.node, "limits"), b.path.key("limits"), "got excellent %s, good %s, fair %s, want each larger than the one before",
			FormatDuration(l.Excellent), FormatDuration(l.Good), FormatDuration(l.Fair))
	}
	return l
}

// refused notes what the kind says against its block, each mistake where the field stands. A field that was found
// wrong before is left out.
func (b *touchpointBlock) refused(err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			b.refused(one)
		}
		return
	}
	block, field, cause := "with", "", err
	if wrong, ok := errors.AsType[*probe.FieldError](err); ok {
		field, cause = "."+wrong.Field, wrong.Err
		if wrong.Field == "every" || wrong.Field == "timeout" { // of the touchpoint: the kind was told it
			block, field = wrong.Field, ""
		}
	}
	p := b.path.key(block) + path(field)
	if b.decoder.isBroken(p) {
		b.decoder.explain(p, cause)
		return
	}
	b.decoder.errs.add(b.decoder.find(b.node, block+field), p, "%v", cause)
}

// explain says that a field is missing in the words of its kind, which knows better what is wanted.
func (d *decoder) explain(p path, cause error) {
	for _, err := range d.errs {
		if err.File == d.file && err.Path == string(p) && strings.HasPrefix(err.Text, "missing") {
			err.Text = cause.Error()
		}
	}
}

// titleOf makes a title of a name: "mobile-web" becomes "Mobile web".
func titleOf(name string) string {
	words := strings.ReplaceAll(name, "-", " ")
	if words == "" {
		return ""
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// userAgent is the product token that probes send.
func userAgent() string {
	version := "dev"
	if info, ok := debug.ReadBuildInfo(); ok && strings.HasPrefix(info.Main.Version, "v") {
		version = strings.TrimPrefix(info.Main.Version, "v")
	}
	return "Channelwatch/" + version
}
