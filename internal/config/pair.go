package config

// pairs checks that a word pairs exactly two touchpoints, of one kind and two channels.
func (l *loader) pairs() {
	type half struct {
		channel *channelBlock
		block   *touchpointBlock
	}
	halves := make(map[string][]half)
	var words []string
	for _, channel := range l.read {
		for i := range channel.Touchpoints {
			t := &channel.Touchpoints[i]
			if t.decoder == nil || t.Pair == "" || l.kinds[t.Kind].Name == "" || t.decoder.isBroken(t.path.key("pair")) {
				continue
			}
			if halves[t.Pair] == nil {
				words = append(words, t.Pair)
			}
			halves[t.Pair] = append(halves[t.Pair], half{channel, t})
		}
	}
	for _, word := range words {
		all := halves[word]
		first, last := all[0], all[len(all)-1]
		at, p := last.block.pos("pair"), last.block.path.key("pair")
		switch {
		case len(all) == 1:
			l.errs.add(at, p, "%s pairs this touchpoint with none, want the same word at one of another channel", quote(word))
		case len(all) > 2:
			l.errs.add(at, p, "%s pairs %d touchpoints, want two", quote(word), len(all))
		case first.block.Kind != last.block.Kind:
			l.errs.add(at, p, "%s pairs the kinds %s and %s, want the same kind: what they measure cannot be compared", quote(word), first.block.Kind, last.block.Kind)
		case first.channel == last.channel:
			l.errs.add(at, p, "%s pairs two touchpoints of one channel, want two channels", quote(word))
		}
	}
}
