//go:build !nohistory

package history

import (
	"fmt"
	"slices"

	httpconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/config"
	_ "github.com/prometheus/prometheus/discovery/file" // file_sd_configs
	"github.com/prometheus/prometheus/model/relabel"
	yamlnode "go.yaml.in/yaml/v3"
)

// CheckAlerting returns every mistake in a block `alerting`, each a *BlockError.
func CheckAlerting(b Block) error {
	_, _, err := parseAlerting(b)
	return err
}

// CheckRemoteWrite returns every mistake in a block `remote_write`, each a *BlockError.
func CheckRemoteWrite(b Block) error {
	_, _, err := parseRemoteWrite(b)
	return err
}

// parseAlerting reads a block `alerting`; an empty one is no mistake.
func parseAlerting(b Block) (*config.AlertingConfig, secrets, error) {
	var parsed config.AlertingConfig
	d, err := readBlock(b)
	if err != nil || d.empty() {
		return &parsed, nil, err
	}
	d.want(yamlnode.MappingNode, "a mapping with alertmanagers")
	d.inspect()
	d.decode(&parsed, func() {
		entriesOf[config.AlertmanagerConfig](d, d.root.child("alertmanagers"))
		entriesOf[relabel.Config](d, d.root.child("alert_relabel_configs"))
	})
	if len(d.mistakes) == 0 && slices.Contains(parsed.AlertmanagerConfigs, nil) {
		d.add(0, "alertmanagers holds an empty entry")
	}
	if err := d.err(); err != nil {
		return nil, nil, err
	}
	parsed.SetDirectory(b.Dir)
	d.validate(0, func() error { return parsed.Validate(model.UTF8Validation) })
	for i, am := range parsed.AlertmanagerConfigs {
		d.connects(d.root.child("alertmanagers").element(i), am.HTTPClientConfig)
	}
	return &parsed, d.hide, d.err()
}

// parseRemoteWrite reads a block `remote_write`; an empty one is no mistake.
func parseRemoteWrite(b Block) ([]*config.RemoteWriteConfig, secrets, error) {
	var parsed []*config.RemoteWriteConfig
	d, err := readBlock(b)
	if err != nil || d.empty() {
		return nil, nil, err
	}
	d.want(yamlnode.SequenceNode, "a list of receivers")
	d.inspect()
	d.decode(&parsed, func() { entriesOf[config.RemoteWriteConfig](d, d.root) })
	if len(d.mistakes) == 0 && slices.Contains(parsed, nil) {
		d.add(0, "the list holds an empty entry")
	}
	if err := d.err(); err != nil {
		return nil, nil, err
	}
	names := make(map[string]bool)
	for i, receiver := range parsed {
		entry := d.root.element(i)
		switch {
		case receiver.Name == "": // upstream takes a checksum, which says little to people
			receiver.Name = receiver.URL.Host
			for n := 2; names[receiver.Name]; n++ {
				receiver.Name = fmt.Sprintf("%s-%d", receiver.URL.Host, n)
			}
		case names[receiver.Name]:
			d.add(entry.Line, "two receivers are named "+receiver.Name)
		}
		names[receiver.Name] = true
		// Protocol 2.0 sends metadata always, and 1.0 that of scraped targets, of which there are none.
		receiver.MetadataConfig.Send = false
		receiver.SetDirectory(b.Dir)
		d.validate(entry.Line, func() error { return receiver.Validate(model.UTF8Validation) })
		d.connects(entry, receiver.HTTPClientConfig)
	}
	return parsed, d.hide, d.err()
}

// connects checks that a client can be made for an entry: that certificates can be read and fit their keys.
func (d *document) connects(entry *node, conf httpconfig.HTTPClientConfig) {
	d.validate(entry.Line, func() error {
		_, err := httpconfig.NewClientFromConfig(conf, "check")
		return err
	})
}

// entriesOf decodes each element of a list on its own: what upstream says about one has no line, but the element has.
func entriesOf[T any](d *document, list *node) {
	for _, entry := range list.elements() {
		if err := entry.decode(new(T)); err != nil {
			for _, text := range mistakesIn(err) {
				d.add(entry.Line, text.Text)
			}
		}
	}
}
