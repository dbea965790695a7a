// Package e2e holds the end-to-end tests: the demo shop, real agents with a history of their own, a real Prometheus with
// the rules and alerts that ship in configs/, a real Alertmanager with the configuration that ships there, VictoriaMetrics,
// a mail server, and receivers of all messages. What comes out at the far end is compared with figures that the tests work
// out by hand, from the raw counters and from the script of faults.
//
// It contains nothing but tests and imports nothing outside of them. It does not test single parts: each package does
// that for itself.
package e2e
