package metrics

import "github.com/prometheus/client_golang/prometheus"

// Registry holds what an embedded library counts about itself.
type Registry = prometheus.Registry

// Library returns a registry for an embedded library. Nothing of it is exported: whoever owns the library picks from it
// what is worth a Reading, under a name of this agent's.
func Library() *Registry { return prometheus.NewRegistry() }
