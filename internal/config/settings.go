package config

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// settings are the blocks of the agent itself as they stand in the main file, kept for mistakes that show only later.
type settings struct {
	file   string
	blocks map[string]*yaml.Node // those of settingBlocks that the file has
}

// settingBlocks names the blocks of the main file that are about the agent itself.
func settingBlocks() []string {
	return []string{
		"agent", "host", "control", "history", "alerting", "remote_write", "notify", "view", "shard", "public", "browser", "evidence", "rum", "receipts",
	}
}

func (m *mainFile) settings() settings {
	s := settings{file: m.decoder.file, blocks: make(map[string]*yaml.Node)}
	for _, name := range settingBlocks() {
		if n := child(m.node, name); n != nil {
			s.blocks[name] = n
		}
	}
	return s
}

// Mistake returns a mistake in a field of the agent's own blocks, such as "agent.location", that shows only when the
// configuration is put to use. It names the place of the field, or of its block where the file does not have the field.
func (c *Config) Mistake(field, text string) *Error {
	mistake := &Error{File: c.settings.file, Path: field, Text: text}
	block, rest, _ := strings.Cut(field, ".")
	if n := c.settings.blocks[block]; n != nil {
		n = locate(n, rest)
		mistake.Line, mistake.Column = n.Line, n.Column
	}
	return mistake
}
