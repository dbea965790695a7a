package docs

import (
	"bytes"
	_ "embed"
	"fmt"
	"text/template"
)

//go:embed rules.yaml.tmpl
var rulesTemplate string

// longWindow is a scoring window that adds up shorter recorded ones.
type longWindow struct {
	Window   string // of the score
	From     string // the recorded increase that it adds up
	Interval string // of evaluation: the longer the window, the rarer
	Fives    int    // times of five minutes in the window
}

// agreement is a window over which a score can be agreed on.
type agreement struct {
	Window   string
	Seconds  int
	LookBack string // over its last evaluation, and one that was missed
}

// timeline is what a look back over weeks reads.
type timeline struct{ Record, Of string }

// Rules renders the recording rules in configs/prometheus/channelwatch.rules.yaml.
func Rules() ([]byte, error) {
	tmpl, err := template.New("rules").Funcs(template.FuncMap{"dict": dict}).Parse(rulesTemplate)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = tmpl.Execute(&out, struct {
		Long       []longWindow
		Agreements []agreement
		Timelines  []timeline
	}{
		[]longWindow{
			{"1h", "5m", "5m", 12},
			{"1d", "1h", "5m", 288},
			{"7d", "1h", "30m", 2016},
			{"28d", "1h", "1h", 8064},
		},
		[]agreement{
			{"1d", 86400, "15m"},
			{"7d", 604800, "2h"},
			{"28d", 2419200, "3h"},
		},
		[]timeline{
			{"channel:channelwatch_rating:min5m", "channel:channelwatch_rating:5m"},
			{"touchpoint:channelwatch_rating:min5m", "touchpoint:channelwatch_rating:5m"},
			{"channel_dimension:channelwatch_dimension_rating:min5m", "channel_dimension:channelwatch_dimension_rating:min"},
		},
	})
	return out.Bytes(), err
}

// dict makes a map of alternating keys and values, so that a template can take more than one argument.
func dict(pairs ...string) (map[string]string, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("dict: %d arguments, want pairs", len(pairs))
	}
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m, nil
}
