package page

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
)

// robots is one instruction to leave a page out of search results.
type robots struct {
	agent string // lower case; empty: to all
	where string // for people: where it stands and what it says
}

// engines returns the agents that decide whether customers find a page by a search. Others, such as
// googlebot-news or the bots of archives, are none of this check's business.
func engines() []string {
	return []string{
		"googlebot", "bingbot", "msnbot", "slurp", "duckduckbot", "yandex", "yandexbot", "baiduspider", "applebot",
		"qwantbot", "seznambot",
	}
}

// metaRobots returns the exclusion that a meta element makes, if any. Engines take commas and white space alike.
func metaRobots(name, content string) []robots {
	agent := strings.ToLower(name)
	if agent != "robots" && !slices.Contains(engines(), agent) {
		return nil
	}
	for directive := range strings.FieldsFuncSeq(content, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		if excludes(directive) {
			return []robots{{strings.TrimPrefix(agent, "robots"), fmt.Sprintf("meta %s %q", agent, quotable(content))}}
		}
	}
	return nil
}

// headerRobots returns the exclusions of all X-Robots-Tag fields. An agent in front of a directive holds for the rest
// of its field: "googlebot: noindex, nofollow".
func headerRobots(header http.Header) []robots {
	var found []robots
	for _, field := range header.Values("X-Robots-Tag") {
		agent := ""
		for directive := range strings.SplitSeq(field, ",") {
			if name, rest, ok := cutAgent(directive); ok {
				agent, directive = name, rest
			}
			if excludes(directive) {
				found = append(found, robots{agent, fmt.Sprintf("X-Robots-Tag %q", quotable(field))})
			}
		}
	}
	return found
}

// cutAgent parts "googlebot: noindex". Directives with a value, such as "max-snippet: 50", and dates have no agent.
func cutAgent(directive string) (agent, rest string, ok bool) {
	agent, rest, ok = strings.Cut(directive, ":")
	agent = strings.ToLower(strings.TrimSpace(agent))
	switch agent {
	case "", "unavailable_after", "max-snippet", "max-image-preview", "max-video-preview":
		return "", "", false
	}
	if !ok || strings.ContainsAny(agent, " \t") {
		return "", "", false
	}
	return agent, rest, true
}

func excludes(directive string) bool {
	directive = strings.TrimSpace(directive)
	return strings.EqualFold(directive, "noindex") || strings.EqualFold(directive, "none")
}

// hidden returns the first exclusion of all agents or of a search engine.
func hidden(exclusions []robots) (robots, bool) {
	for _, r := range exclusions {
		if r.agent == "" || slices.Contains(engines(), r.agent) {
			return r, true
		}
	}
	return robots{}, false
}

// hiddenFromAll reports whether every agent is told to leave the page out.
func hiddenFromAll(exclusions []robots) bool {
	return slices.ContainsFunc(exclusions, func(r robots) bool { return r.agent == "" })
}
