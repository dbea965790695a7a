package config

import (
	"fmt"
	"maps"
	"reflect"
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// View is a configuration to look at and to compare: what is in force, defaults included, without anything secret.
type View struct {
	Hash   string  `json:"hash"`
	Blocks []Block `json:"blocks"`
}

// Block is one part of a View.
type Block struct {
	Type   string            `json:"type"`           // agent, host, control, … as in the file; channel or touchpoint
	Name   string            `json:"name,omitempty"` // of a channel; channel/touchpoint of a touchpoint
	Fields map[string]string `json:"fields"`         // by path, such as "with.url"; what is not set is absent
}

// View returns the configuration to look at. References to secrets are shown, secrets are not: URLs lose user and query
// values, and what requests carry in headers and bodies is shown as a short checksum, so that a change is seen.
func (c *Config) View() View {
	v, k := c.Settings(), newFields(nil)
	add := func(typ, name string, fields map[string]string) {
		v.Blocks = append(v.Blocks, Block{Type: typ, Name: name, Fields: fields})
	}
	for _, channel := range c.Configured() {
		add("channel", channel.Name, channelFields(channel))
		for _, t := range channel.Touchpoints {
			fields := touchpointFields(t)
			maps.Copy(fields, k.flatten("with", reflect.ValueOf(c.blocks[t])))
			add("touchpoint", t.Key(), fields)
		}
	}
	return v
}

// Settings returns the blocks of View that are about the agent itself.
func (c *Config) Settings() View {
	k := newFields(nil)
	v := View{Hash: c.Hash}
	for i, block := range []any{
		c.Agent, c.Host, c.Control, c.History,
		rawBlock{c.Alerting},
		rawBlock{c.RemoteWrite},
		c.Notify, c.Pages, c.Shard, c.Public,
		c.Browser, c.Evidence, c.RUM, c.Receipts,
	} {
		if fields := k.flatten("", reflect.ValueOf(block)); len(fields) > 0 {
			v.Blocks = append(v.Blocks, Block{Type: settingBlocks()[i], Fields: fields})
		}
	}
	return v
}

// rawBlock shows a block that is kept as it is written.
type rawBlock struct {
	Text Raw `yaml:"text"`
}

func channelFields(c *probe.Channel) map[string]string {
	fields := map[string]string{
		"title": c.Title, "type": string(c.Type), "owners.it": c.OwnerIT, "owners.marketing": c.OwnerMkt,
	}
	if o := c.Objective; o != (probe.Objective{}) {
		fields["objective.score"] = fmt.Sprint(o.Score)
		fields["objective.window"] = FormatDuration(o.Window)
		if !o.Review.IsZero() {
			fields["objective.review"] = o.Review.Format(time.DateOnly)
		}
	}
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "" })
	return fields
}

func touchpointFields(t *probe.Touchpoint) map[string]string {
	fields := map[string]string{
		"title": t.Title, "kind": t.Kind, "every": FormatDuration(t.Every), "timeout": FormatDuration(t.Timeout),
		"recheck": FormatDuration(t.Recheck), "tier": string(t.Tier), "weight": fmt.Sprint(t.Weight),
	}
	if t.Pair != "" {
		fields["pair"] = t.Pair
	}
	if l := t.Limits; l != (probe.Limits{}) {
		fields["limits.excellent"] = FormatDuration(l.Excellent)
		fields["limits.good"] = FormatDuration(l.Good)
		fields["limits.fair"] = FormatDuration(l.Fair)
	}
	return fields
}
