// Package config reads the YAML of an agent into ready channels. It is strict: an unknown key, a double key or a wrong
// type is a mistake, and all mistakes of all files are reported at once, each with file, line, column and path.
//
// Structs are read by their tags: yaml names a field, doc describes it in the JSON Schema and in the reference, and
// required, enum, pattern, min, max and format say what it takes (see the type rule). The configuration of a kind is read by
// the same rules, so that a kind needs no code for it.
//
// The package may import the domain and yaml. It does not know any kind, opens no connection and starts nothing; it
// reads only the named file, what that includes, and the files that it refers to.
package config

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// Config is a complete configuration with its probers built. It is immutable.
type Config struct {
	Agent       Agent
	Host        Host
	Control     Control
	History     History
	Alerting    Raw
	RemoteWrite Raw
	Notify      Notify
	Pages       Pages // the block view
	Shard       Shard
	Public      Public
	Browser     Browser
	Evidence    Evidence
	RUM         RUM
	Receipts    Receipts
	Channels    []*probe.Channel
	Files       []string // all files that were read or are referred to, the main one first: what a reload depends on
	Hash        string   // of the contents of all configuration files, in hexadecimal; secrets are not in it

	blocks   map[*probe.Touchpoint]any // what each touchpoint was built from
	others   []*probe.Channel          // left to other agents; without probers that can be used
	settings settings
}

// Check looks at a field of the agent's own blocks that only another package understands.
type Check struct {
	Field string // such as "agent.web_config_file"
	// Wrong says what is wrong with it; nil when nothing is. Several errors can be joined, each of them a LineError, or a
	// probe.FieldError for a field below Field.
	Wrong func(*Config) error
}

// LineError is a mistake in a line of a Raw block.
type LineError struct {
	Line int // of the file; 0 when it is unknown
	Text string
}

// Error is the text.
func (e *LineError) Error() string { return e.Text }

// Load reads the file at path and what it includes. The error is an Errors with every mistake, those that checks find
// among them, or says why the file cannot be read. The probers of a refused configuration are closed.
func Load(path string, kinds []probe.Kind, checks ...Check) (*Config, error) {
	l := newLoader(kinds)
	l.checks = checks
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	main := l.parseMain(path, data)
	l.include(main)
	return l.finish(main)
}

// Parse reads a configuration from memory; name stands for the file in errors. It includes nothing, and relative paths
// start in the working directory.
func Parse(name string, data []byte, kinds []probe.Kind) (*Config, error) {
	l := newLoader(kinds)
	main := l.parseMain(name, data)
	if len(main.Include) > 0 {
		l.errs.add(main.pos("include"), "include", "not possible in a configuration that is not read from a file")
	}
	return l.finish(main)
}

// Touchpoints returns the touchpoints of all channels, in the order of the files.
func (c *Config) Touchpoints() []*probe.Touchpoint {
	var all []*probe.Touchpoint
	for _, channel := range c.Channels {
		all = append(all, channel.Touchpoints...)
	}
	return all
}

// Own returns the configuration with only those channels that keep wants; the probers of the others are closed. View still
// shows all, so that the configurations of agents that share channels compare equal.
func (c *Config) Own(keep func(channel string) bool) *Config {
	now := *c
	now.Channels = nil
	for _, channel := range c.Channels {
		if keep(channel.Name) {
			now.Channels = append(now.Channels, channel)
			continue
		}
		now.others = append(now.others, channel)
		for _, t := range channel.Touchpoints {
			if t.Close != nil {
				t.Close()
			}
		}
	}
	return &now
}

// Configured returns all channels, those that are left to other agents last.
func (c *Config) Configured() []*probe.Channel { return slices.Concat(c.Channels, c.others) }

// Close gives back what the probers hold. Call it for a configuration that is not put into use; a reload that keeps
// some of its touchpoints closes the others one by one instead.
func (c *Config) Close() {
	for _, t := range c.Touchpoints() {
		if t.Close != nil {
			t.Close()
		}
	}
}

// InForce returns the configuration with touchpoints of an earlier one in the place of those that did not change, which
// a reload keeps and closes in c. channels are those of c that hold them. Nothing that was closed is held on to.
func (c *Config) InForce(channels []*probe.Channel, earlier *Config) *Config {
	now := *c
	now.Channels, now.blocks = channels, make(map[*probe.Touchpoint]any, len(c.blocks))
	for _, t := range now.Touchpoints() {
		block, kept := earlier.blocks[t]
		if !kept {
			block = c.blocks[t]
		}
		now.blocks[t] = block
	}
	for _, channel := range c.others {
		for _, t := range channel.Touchpoints {
			now.blocks[t] = c.blocks[t]
		}
	}
	return &now
}

// loader collects the parts of one configuration.
type loader struct {
	kinds  map[string]probe.Kind
	checks []Check
	fields *fields
	errs   Errors
	files  []string
	hash   []byte // of all contents so far
	read   []*channelBlock
	refs   references
	failed map[string][]path // fields by file in which a mistake was found
}

func newLoader(kinds []probe.Kind) *loader {
	l := &loader{kinds: make(map[string]probe.Kind), fields: newFields(kindNames(kinds)), refs: make(references), failed: make(map[string][]path)}
	for _, kind := range kinds {
		l.kinds[kind.Name] = kind
	}
	return l
}

func (l *loader) parseMain(name string, data []byte) *mainFile {
	main := newMainFile()
	l.parse(name, data, main)
	l.collect(main.Channels)
	return main
}

// collect notes the channels of one file. One that is not keys is left out: it is reported.
func (l *loader) collect(channels []channelBlock) {
	for i := range channels {
		if channels[i].decoder != nil {
			l.read = append(l.read, &channels[i])
		}
	}
}

// maxMistakes bounds what is reported of a file that is not a configuration at all.
const maxMistakes = 200

// full reports whether more is wrong than is shown, so that nothing more is looked for.
func (l *loader) full() bool { return len(l.errs) > maxMistakes }

// parse decodes one file into target.
func (l *loader) parse(name string, data []byte, target any) {
	l.files = append(l.files, name)
	sum := sha256.Sum256(append(l.hash, data...))
	l.hash = sum[:]
	root, err := document(name, data)
	if err != nil {
		l.errs = append(l.errs, err)
		return
	}
	d := &decoder{loader: l, file: name, dir: filepath.Dir(name), data: data, root: root}
	d.structure(root, reflect.ValueOf(target).Elem(), "")
}

// finish checks everything that was read together and builds the probers.
func (l *loader) finish(main *mainFile) (*Config, error) {
	if main.Agent.Location == "" {
		main.Agent.Location = hostName()
	}
	main.History.Dir = cmp.Or(main.History.Dir, stateDir())
	main.Evidence.Dir = cmp.Or(main.Evidence.Dir, filepath.Join(main.History.Dir, "pictures"))
	main.Shard.Name = cmp.Or(main.Shard.Name, hostName())
	c := &Config{
		Agent: main.Agent, Host: main.Host, Control: main.Control, History: main.History, Alerting: main.Alerting,
		RemoteWrite: main.RemoteWrite, Notify: main.Notify, Pages: main.View, Shard: main.Shard, Public: main.Public,
		Browser: main.Browser, Evidence: main.Evidence, RUM: main.RUM, Receipts: main.Receipts,
		blocks: make(map[*probe.Touchpoint]any),
	}
	l.build(c, main)
	l.together(c, main)
	l.check(c, main)
	if len(l.errs) > 0 {
		c.Close()
		errs := l.errs.sorted(l.files)
		if len(errs) > maxMistakes {
			errs = errs[:maxMistakes]
			errs.add(position{file: l.files[0]}, "", "there are more mistakes, the first %d are shown", maxMistakes)
		}
		return nil, errs
	}
	c.settings = main.settings()
	c.Files = append(l.files, l.refs.paths()...)
	c.Hash = hex.EncodeToString(l.hash)
	return c, nil
}

// check lets other packages look at what only they understand.
func (l *loader) check(c *Config, main *mainFile) {
	if main.decoder == nil {
		return // the file holds no keys, which is reported
	}
	for _, check := range l.checks {
		if !main.decoder.isBroken(path(check.Field)) {
			l.checked(main, check.Field, check.Wrong(c))
		}
	}
}

// checked notes what a check says of a field.
func (l *loader) checked(main *mainFile, field string, err error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			l.checked(main, field, one)
		}
		return
	}
	at := main.decoder.find(main.node, field)
	if wrong, ok := errors.AsType[*LineError](err); ok && wrong.Line > 0 {
		at = position{file: at.file, line: wrong.Line}
	} else if wrong, ok := errors.AsType[*probe.FieldError](err); ok {
		field, err = field+"."+wrong.Field, wrong.Err
		at = main.decoder.find(main.node, field)
	}
	if err != nil && !main.decoder.isBroken(path(field)) {
		l.errs.add(at, path(field), "%v", err)
	}
}

func kindNames(kinds []probe.Kind) []string {
	all := make([]string, len(kinds))
	for i, kind := range kinds {
		all[i] = kind.Name
	}
	return all
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}
