package web

import (
	"fmt"
	"math"
	"net/url"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// differences says in sentences what differs between the first side and each other one: facts, and no more.
func (p *parity) differences() []string {
	var all []string
	sides := p.Sides
	for i := range sides {
		if s := &sides[i]; s.trouble != "" {
			all = append(all, fmt.Sprintf("%s, at the last look: %s", s.Title, s.trouble))
		}
	}
	compared := true
	for i := range sides[1:] {
		a, b := &sides[0], &sides[i+1]
		all = append(all, contentDifferences(a, b)...)
		all = append(all, p.speedDifferences(a, b)...)
		compared = compared && a.content != nil && b.content != nil
	}
	switch {
	case len(all) > 0:
		return all
	case compared:
		return []string{"The page says the same on all devices: same title, same heading, about as many words."}
	}
	return nil
}

// contentDifferences compares what both say.
func contentDifferences(a, b *paritySide) (all []string) {
	if a.content == nil || b.content == nil {
		return nil
	}
	if a.status != b.status && a.status > 0 && b.status > 0 {
		all = append(all, fmt.Sprintf("%s answers with status %d, %s with status %d.", a.Title, a.status, b.Title, b.status))
	}
	if hostless(a.url) != hostless(b.url) {
		all = append(all, fmt.Sprintf("%s leads to %s, %s to %s.", a.Title, a.url, b.Title, b.url))
	}
	for _, of := range []struct{ name, a, b string }{
		{"title", bare(a.content.Title), bare(b.content.Title)}, {"heading", bare(a.content.Heading), bare(b.content.Heading)},
	} {
		switch {
		case of.a == of.b:
		case of.a == "":
			all = append(all, fmt.Sprintf("%s has no %s; %s says “%s”.", a.Title, of.name, b.Title, probe.Clip(of.b, 100)))
		case of.b == "":
			all = append(all, fmt.Sprintf("%s has no %s; %s says “%s”.", b.Title, of.name, a.Title, probe.Clip(of.a, 100)))
		default:
			all = append(all, fmt.Sprintf("The %s differs: “%s” on %s, “%s” on %s.", of.name, probe.Clip(of.a, 100), a.Title, probe.Clip(of.b, 100), b.Title))
		}
	}
	if farInContent(float64(a.content.Words), float64(b.content.Words)) {
		all = append(all, fmt.Sprintf("%s shows %d words, %s %d.", a.Title, a.content.Words, b.Title, b.content.Words))
	}
	return all
}

// hostless returns an address without its host: the same page may have a host for each device.
func hostless(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	u.Scheme, u.Host = "", ""
	return u.String()
}

// speedDifferences compares how long customers wait, and for how much.
func (p *parity) speedDifferences(a, b *paritySide) (all []string) {
	if a.seconds != nil && b.seconds != nil && farInTime(*a.seconds, *b.seconds) {
		slow, fast := a, b
		if *b.seconds > *a.seconds {
			slow, fast = b, a
		}
		all = append(all, fmt.Sprintf("On %s customers wait %s longer for %s than on %s%s.",
			slow.Title, brief(*slow.seconds-*fast.seconds), p.wait, fast.Title, p.of))
	}
	if a.bytes != nil && b.bytes != nil && farInSize(*a.bytes, *b.bytes) {
		heavy, light := a, b
		if *b.bytes > *a.bytes {
			heavy, light = b, a
		}
		all = append(all, fmt.Sprintf("%s loads %s, %s %s.", heavy.Title, size(int64(*heavy.bytes)), light.Title, size(int64(*light.bytes))))
	}
	return all
}

// farInTime reports whether customers notice that one is slower: by a fifth, and a fifth of a second.
func farInTime(a, b float64) bool { return math.Abs(a-b) > max(0.2, 0.2*max(a, b)) }

// farInSize reports whether one is at least a quarter larger.
func farInSize(a, b float64) bool { return max(a, b) >= 1.25*min(a, b) && a != b }

// farInContent reports whether one says at least a quarter less.
func farInContent(a, b float64) bool { return min(a, b) <= 0.75*max(a, b) && a != b }

// anyFar reports whether a side is far from the first one.
func anyFar(sides []paritySide, of func(*paritySide) *float64, far func(a, b float64) bool) bool {
	first := of(&sides[0])
	for i := range sides[1:] {
		if other := of(&sides[i+1]); first != nil && other != nil && far(*first, *other) {
			return true
		}
	}
	return false
}

// differ reports whether sides that are known say different things.
func differ(sides []paritySide, of func(*paritySide) string) bool {
	for i := range sides[1:] {
		if a, b := &sides[0], &sides[i+1]; a.content != nil && b.content != nil && of(a) != of(b) {
			return true
		}
	}
	return false
}

func contentWord(of func(*probe.Content) string) func(*paritySide) string {
	return func(s *paritySide) string {
		if s.content == nil {
			return ""
		}
		return of(s.content)
	}
}

func contentCount(of func(*probe.Content) int) func(*paritySide) *float64 {
	return func(s *paritySide) *float64 {
		if s.content == nil {
			return nil
		}
		return new(float64(of(s.content)))
	}
}
