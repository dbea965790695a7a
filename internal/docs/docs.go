// Package docs generates what can be derived: recording rules, the reference of the configuration, the catalogues of
// metrics and checks. Its tests fail when a committed file is stale; `go generate ./internal/docs` refreshes them.
// Decisions and their reasons are kept in decisions/.
package docs

//go:generate go test . -run Fresh -update
//go:generate go test ../config -run TestReference -update
