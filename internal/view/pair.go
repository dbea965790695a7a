package view

import (
	"cmp"
	"slices"
	"time"

	"github.com/channelwatch/channelwatch/internal/query"
)

// pair asks for the touchpoints that show the same page as one does, itself among them, and for their figures.
func (a *asker) pair(at time.Time, only []string, infos, figures *[]query.Series) {
	same := `channelwatch_touchpoint_info{pair!=""} and on (pair) ` + selector([]string{"channelwatch_touchpoint_info"}, only...)
	a.at("the same page on other devices", "("+same+") or (channelwatch_channel_info and on (channel) ("+same+"))", at, infos)
	figure := func(name, expr string) string { return `label_replace(` + expr + `, "figure", "` + name + `", "", "")` }
	expr := figure("seconds", `touchpoint_vital:channelwatch_web_vital_seconds:p75_1h{vital="lcp"}`) +
		" or " + figure("bytes", "sum without (type) (channelwatch_page_load_bytes)") +
		" or " + figure("requests", "sum without (type) (channelwatch_page_load_requests)") +
		" or " + figure("rating", "touchpoint:channelwatch_rating:5m")
	a.at("the figures of the same page", "("+expr+") and on (channel, touchpoint) ("+same+")", at, figures)
}

// readPair returns the sides of a pair; nothing when there is only one.
func readPair(infos, figures []query.Series) []PairSide {
	known := readInfo(infos)
	sides := make(map[subject]*PairSide)
	for s, tp := range known.touchpoints {
		c := known.channels[s.channel]
		sides[s] = &PairSide{
			Channel: s.channel, ChannelTitle: cmp.Or(c.Title, s.channel), ChannelType: c.Type, Touchpoint: s.touchpoint, Title: tp.Title,
		}
	}
	if len(sides) < 2 {
		return nil
	}
	for _, name := range []string{"seconds", "bytes", "requests", "rating"} {
		of := slices.DeleteFunc(slices.Clone(figures), func(s query.Series) bool { return s.Labels["figure"] != name })
		for _, s := range oneSource(of) {
			side := sides[subjectOf(s)]
			if side == nil {
				continue
			}
			v := value(s)
			switch name {
			case "seconds":
				side.Seconds = &v
			case "bytes":
				side.Bytes = &v
			case "requests":
				side.Requests = &v
			case "rating":
				side.Rating = rating(v)
			}
		}
	}
	all := make([]PairSide, 0, len(sides))
	for _, side := range sides {
		all = append(all, *side)
	}
	slices.SortFunc(all, func(a, b PairSide) int {
		return cmp.Or(cmp.Compare(a.ChannelType, b.ChannelType), cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Touchpoint, b.Touchpoint))
	})
	return all
}
