// Package e2e holds the end-to-end test: the demo shop, the real agent, a real Prometheus with the rules and alerts
// that ship in configs/, a real Alertmanager with the configuration that ships there, and a receiver of its messages.
// What comes out at the far end is compared with figures that the test works out by hand, from the raw counters and
// from the script of faults.
//
// It contains nothing but tests and imports nothing outside of them. It does not test single parts: each package does
// that for itself.
package e2e
