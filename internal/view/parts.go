package view

import (
	"cmp"
	"math"
	"slices"
)

// Parts writes points lost with one decimal at most, in their order, so that what is printed of the score (see Percent)
// and of them adds up: each is rounded down or up, those up whose rest is greatest.
func Parts(score float64, points []float64) []string {
	texts := make([]string, len(points))
	for i, n := range tenths(score, points) {
		texts[i] = tenth(n)
	}
	return texts
}

// tenth writes tenths of a point.
func tenth(n int) string { return decimal(float64(n) / 10) }

// tenths returns the points in whole tenths.
func tenths(score float64, points []float64) []int {
	down := func(v float64) int { return int(math.Floor(v*10 + rounding)) }
	sum := score
	parts, order := make([]int, len(points)), make([]int, len(points))
	for i, p := range points {
		sum += p
		parts[i], order[i] = down(p), i
	}
	left := int(math.Round(sum*10)) - down(score)
	for _, n := range parts {
		left -= n
	}
	rest := func(i int) float64 { return points[i]*10 - float64(parts[i]) }
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest(b), rest(a)) })
	for _, i := range order[:min(max(left, 0), len(order))] {
		parts[i]++
	}
	return parts
}
