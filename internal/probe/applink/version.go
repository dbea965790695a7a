package applink

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/channelwatch/channelwatch/internal/assert"
	"github.com/channelwatch/channelwatch/internal/probe"
)

// version is the numbers of an app's version, such as 4.12.0.
type version struct {
	text    string
	numbers []uint64
}

// maxParts bounds the numbers of a version.
const maxParts = 8

// parseVersion reads numbers with dots between them. What follows behind a hyphen, a plus or a blank says nothing about
// the order.
func parseVersion(text string) (version, error) {
	plain, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	if at := strings.IndexAny(plain, "-+"); at >= 0 {
		plain = plain[:at]
	}
	v := version{text: probe.Clip(text, 40)}
	for part := range strings.SplitSeq(plain, ".") {
		n, err := strconv.ParseUint(part, 10, 64)
		if err != nil || len(v.numbers) == maxParts {
			return version{}, fmt.Errorf("version %q, want at most %d numbers with dots between them", probe.Clip(text, 40), maxParts)
		}
		v.numbers = append(v.numbers, n)
	}
	return v, nil
}

// compare compares two versions; numbers that one leaves out are 0.
func (v version) compare(other version) int {
	at := func(v version, i int) uint64 {
		if i < len(v.numbers) {
			return v.numbers[i]
		}
		return 0
	}
	for i := range max(len(v.numbers), len(other.numbers)) {
		if order := cmp.Compare(at(v, i), at(other, i)); order != 0 {
			return order
		}
	}
	return 0
}

// findVersion returns the version at a path of a JSON document.
func findVersion(body []byte, path *assert.Path) (version, error) {
	document, err := assert.ParseDocument(body)
	if err != nil {
		return version{}, err
	}
	text, err := path.Text(document)
	if err != nil {
		return version{}, fmt.Errorf("the path of the version %w", err)
	}
	return parseVersion(text)
}
