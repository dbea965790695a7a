package metrics

import "github.com/prometheus/client_golang/prometheus"

// Library returns a registry for what an embedded library counts about itself. Nothing of it is exported: whoever owns
// the library picks from it what is worth a Reading, under a name of this agent's.
func Library() *prometheus.Registry { return prometheus.NewRegistry() }
