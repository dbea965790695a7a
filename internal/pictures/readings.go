package pictures

import "github.com/channelwatch/channelwatch/internal/metrics"

// Describe returns all metrics of a store, sorted by name.
func Describe() []metrics.Family {
	return []metrics.Family{
		{Name: "evidence_errors_total", Type: metrics.Counter, Help: "Times that pictures of a result could not be kept."},
		{Name: "evidence_picture_bytes", Type: metrics.Gauge, Unit: "bytes", Help: "Disk that pictures of pages take."},
		{Name: "evidence_pictures", Type: metrics.Gauge, Help: "Pictures of pages that are kept, equal ones counted once."},
	}
}

// Readings returns what a store tells of itself.
func (s *Store) Readings() []metrics.Reading {
	values := []float64{float64(s.Errors()), float64(s.Bytes()), float64(s.Files())}
	all := make([]metrics.Reading, len(values))
	for i, f := range Describe() {
		all[i] = metrics.Reading{Name: f.Name, Type: f.Type, Help: f.Help, Value: values[i]}
	}
	return all
}
