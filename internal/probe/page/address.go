package page

import (
	"fmt"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// gotAndWanted writes two URLs that differ. Values of the query are not shown; when the rest is the same, the parameters
// that differ are named.
func gotAndWanted(got, want string) string {
	shownGot, shownWant := httpx.RedactRawURL(got), httpx.RedactRawURL(want)
	text := quotable(shownGot) + ", want " + quotable(shownWant)
	if shownGot != shownWant {
		return text
	}
	if names := differing(got, want); len(names) > 0 {
		return fmt.Sprintf("%s (they differ in %s)", text, quotable(strings.Join(names, ", ")))
	}
	return text + " (they differ in the query)"
}

// differing returns the names of the parameters in which the queries of two URLs differ, when both have the same ones in
// the same order.
func differing(a, b string) []string {
	_, queryA, _ := strings.Cut(a, "?")
	_, queryB, _ := strings.Cut(b, "?")
	pairsA, pairsB := strings.Split(queryA, "&"), strings.Split(queryB, "&")
	if len(pairsA) != len(pairsB) {
		return nil
	}
	var names []string
	for i := range pairsA {
		name, _, named := strings.Cut(pairsA[i], "=")
		if pairsA[i] != pairsB[i] && named && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
