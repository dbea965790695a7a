package freshness

import "time"

// HTTPBlock, FileBlock and SQLBlock are parts of the configuration.
type (
	HTTPBlock = httpBlock
	FileBlock = fileBlock
	SQLBlock  = sqlBlock
)

// NewSQL returns the block for a database without TLS.
func NewSQL(driver, address, query string) *SQLBlock {
	return &sqlBlock{Driver: driver, Address: address, Database: "postgres", Username: "watcher", Plaintext: true, Query: query}
}

// ParseTime reads a time, for the fuzzer.
var ParseTime = parseTime

// Fields returns what was found.
func (m moment) Fields() (at time.Time, zoneless bool) { return m.at, m.zoneless }
