package config

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// references are the files that blocks refer to, with a hash of what was in them when they were first met.
type references map[string][sha256.Size]byte

// maxReference bounds what is read of a referenced file to notice a change.
const maxReference = 1 << 20

// of returns the hash of a file's content. A file that cannot be read has that of nothing: its kind reports it.
func (r references) of(name string) [sha256.Size]byte {
	if sum, ok := r[name]; ok {
		return sum
	}
	h := sha256.New()
	if f, err := os.Open(name); err == nil {
		_, _ = io.Copy(h, io.LimitReader(f, maxReference))
		_ = f.Close()
	}
	r[name] = [sha256.Size]byte(h.Sum(nil))
	return r[name]
}

func (r references) paths() []string {
	var all []string
	for name := range r {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// fingerprint is a hash of everything that defines a touchpoint: its own fields, the block of its kind as it is
// written, without regard to the order of keys, and the contents of the files that it refers to.
func (l *loader) fingerprint(t *probe.Touchpoint, typ probe.ChannelType, b *touchpointBlock) uint64 {
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "%q %q %q %q %d %d %d %q %g %v %q\n", t.Channel, t.Name, t.Title, t.Kind, t.Every, t.Timeout, t.Recheck, t.Tier, t.Weight, t.Limits, t.Pair)
	_, _ = fmt.Fprintf(h, "%q\n", t.AlsoIn)
	_, _ = fmt.Fprintf(h, "%q\n", typ)
	if with := child(b.node, "with"); with != nil {
		hashNode(h, with)
	}
	for _, name := range b.refs {
		sum := l.refs.of(name)
		_, _ = fmt.Fprintf(h, "%q %x\n", name, sum)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// hashNode writes a node so that equal content gives equal bytes.
func hashNode(h hash.Hash, n *yaml.Node) {
	n = resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		all := pairs(n, reportedThere)
		slices.SortFunc(all, func(a, b pair) int { return strings.Compare(a.key.Value, b.key.Value) })
		_, _ = fmt.Fprintf(h, "{%d", len(all))
		for _, p := range all {
			_, _ = fmt.Fprintf(h, "%q", p.key.Value)
			hashNode(h, p.value)
		}
	case yaml.SequenceNode:
		_, _ = fmt.Fprintf(h, "[%d", len(n.Content))
		for _, entry := range n.Content {
			hashNode(h, entry)
		}
	default:
		_, _ = fmt.Fprintf(h, "%s%q", n.Tag, n.Value)
	}
}
