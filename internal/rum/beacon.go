package rum

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/channelwatch/channelwatch/internal/probe"
)

// What a beacon may be at most.
const (
	maxBody   = 4 << 10 // bytes
	maxPath   = 512     // bytes
	maxValues = 8
	version   = 1
)

// beacon is what a browser tells of one page view. Times are in milliseconds, as browsers have them.
type beacon struct {
	Version int                 `json:"v"`
	Path    string              `json:"path"` // without query and fragment
	Device  string              `json:"device"`
	Rate    float64             `json:"rate"` // share of page views that the script measures
	Values  map[string]*float64 `json:"values"`
}

// decode reads a beacon and nothing else from a body. An error says in fixed words what is wrong.
func decode(body []byte) (*beacon, error) {
	var b beacon
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&b); err != nil {
		return nil, errors.New("not a beacon, want one JSON object with v, path, device, rate and values")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("more than one JSON value, want one")
	}
	return &b, b.check()
}

func (b *beacon) check() error {
	switch {
	case b.Version != version:
		return fmt.Errorf("v is not %d", version)
	case !strings.HasPrefix(b.Path, "/") || len(b.Path) > maxPath || strings.ContainsAny(b.Path, "?#"):
		return fmt.Errorf("path is not a path of at most %d bytes without query and fragment", maxPath)
	case deviceOf(b.Device) < 0:
		return fmt.Errorf("device is none of %s", strings.Join(devices(), ", "))
	case !(b.Rate > 0 && b.Rate <= 1):
		return errors.New("rate is not above 0 and at most 1")
	case len(b.Values) == 0 || len(b.Values) > maxValues:
		return fmt.Errorf("not 1 to %d values", maxValues)
	}
	return nil
}

// devices returns the closed list of classes of devices.
func devices() []string { return []string{"mobile", "desktop", "tablet", "other"} }

// deviceOf returns the place of a class in devices, or -1.
func deviceOf(class string) int { return slices.Index(devices(), class) }

// vitals returns the closed list of what is measured. All but the last are times.
func vitals() []probe.Vital {
	return []probe.Vital{probe.TTFB, probe.FCP, probe.LCP, probe.INP, probe.CLS}
}
