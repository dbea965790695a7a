// Package configs carries the rule files that are shipped beside the agent into the agent, so that its own store
// evaluates the very bytes that a Prometheus beside it would load. It imports nothing and holds no logic: the files in
// this folder are what people copy, and the tests of internal/history evaluate them.
package configs

import _ "embed"

//go:embed prometheus/channelwatch.rules.yaml
var recording []byte

//go:embed prometheus/channelwatch.alerts.yaml
var alerting []byte

// File is a shipped file.
type File struct {
	Name    string // without a directory
	Content []byte
}

// Rules returns the rule files that an agent evaluates over its own history, in the form of Prometheus: first the recording
// rules, then the alerts that read what they record. The content is the caller's. The third file that is shipped,
// channelwatch.fleet.alerts.yaml, is not among them: an agent that is gone, full or cut off cannot say so itself, and one
// that sees no other agent cannot judge what the others do.
func Rules() []File {
	return []File{
		{"channelwatch.rules.yaml", append([]byte(nil), recording...)},
		{"channelwatch.alerts.yaml", append([]byte(nil), alerting...)},
	}
}
