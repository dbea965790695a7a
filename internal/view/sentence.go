package view

import (
	"time"

	"github.com/channelwatch/channelwatch/internal/probe"
	"github.com/channelwatch/channelwatch/internal/query"
)

// sentences are what the catalogue says of each check.
type sentences map[probe.CheckID]Cause

// sentences asks for the catalogue. Agents of different versions may say different things: the greatest text wins.
func (a *asker) sentences(at time.Time, into *[]query.Series) {
	a.at("the sentences of the checks", "max by (check, dimension, title, marketing, it) (channelwatch_check_info)", at, into)
}

func readSentences(answer []query.Series) sentences {
	all := make(sentences)
	for _, s := range answer {
		c := Cause{
			Check: probe.CheckID(s.Labels["check"]), Title: s.Labels["title"], Marketing: s.Labels["marketing"], IT: s.Labels["it"],
		}
		if old, ok := all[c.Check]; !ok || old.Title+old.Marketing+old.IT < c.Title+c.Marketing+c.IT {
			all[c.Check] = c
		}
	}
	return all
}

// explain adds the sentences to causes. A check that no agent knows any more has its id for a title.
func (all sentences) explain(causes []Cause) []Cause {
	for i := range causes {
		c := &causes[i]
		known, ok := all[c.Check]
		if !ok {
			known.Title = string(c.Check)
		}
		c.Title, c.Marketing, c.IT = known.Title, known.Marketing, known.IT
	}
	return causes
}
