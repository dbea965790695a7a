// Package freshness is the kind that asks how old the data behind the channels is: the last order in the warehouse, the
// last profile in the customer data platform, the product feed on disk. It takes one time or age out of a JSON document,
// a file or a database, and says what it cannot be sure of: times without a zone, times in the future, and nothing at all.
//
// Databases are asked with one read-only SELECT for one value, with a timeout that the server knows of too, on a
// connection of its own that is closed again. Their answers are bounded, and so is everything else that is read. TLS to a
// database is made by its driver, after words of its protocol, so that it is no phase and leaves no evidence of its own.
//
// It imports probe, httpx, httpkind, assert and the drivers pgx, go-sql-driver/mysql and modernc.org/sqlite only. It
// writes nowhere, and keeps no connection.
package freshness

import (
	_ "embed"
	"time"

	"github.com/channelwatch/channelwatch/internal/httpkind"
	"github.com/channelwatch/channelwatch/internal/probe"
)

//go:embed sample.yaml
var sample string

// Config is what a freshness touchpoint is told below "with". Exactly one of HTTP, File and SQL is set.
type Config struct {
	HTTP     *httpBlock    `yaml:"http" doc:"A JSON document that holds the time or age."`
	File     *fileBlock    `yaml:"file" doc:"A file whose last change counts."`
	SQL      *sqlBlock     `yaml:"sql" doc:"A database that is asked for the time or age."`
	Value    string        `yaml:"value" enum:"time,age" doc:"What is found: a time (RFC 3339, or a number since 1970), or an age in seconds. Default: time."`
	Zone     string        `yaml:"zone" doc:"Time zone of times that name none, such as Europe/Berlin; those of mysql never do, and TIMESTAMP is UTC. Default: UTC, and they are flagged."`
	Warn     time.Duration `yaml:"warn" required:"true" min:"1s" doc:"Data that is older is rated fair at best."`
	Error    time.Duration `yaml:"error" required:"true" min:"1s" doc:"Data that is older is rated poor."`
	Ahead    time.Duration `yaml:"ahead" doc:"How far ahead of our clock a time may be before it is flagged. Default: 1m."`
	Resolver string        `yaml:"resolver" doc:"DNS server, as host:port. Default: the system's."`
	TLS      httpkind.TLS  `yaml:"tls" doc:"How certificates of web servers and databases are verified."`
}

// httpBlock says where a JSON document is.
type httpBlock struct {
	URL           string                  `yaml:"url" required:"true" format:"url" doc:"Address of the document, http or https. It must not hold a password."`
	JSONPath      string                  `yaml:"jsonpath" required:"true" doc:"JSON path (RFC 9535) of the value, such as $.last_order_at."`
	Headers       map[string]string       `yaml:"headers" doc:"Request headers. Credentials belong into secret_headers."`
	SecretHeaders map[string]probe.Secret `yaml:"secret_headers" doc:"Request headers with a secret value."`
}

// fileBlock says which file is looked at.
type fileBlock struct {
	Path    string `yaml:"path" required:"true" doc:"The file on the agent's host. It is not opened; its directories must be searchable."`
	MinSize int64  `yaml:"min_size" format:"bytes" min:"0" doc:"Smaller is poor."`
	MaxSize int64  `yaml:"max_size" format:"bytes" min:"0" doc:"Larger is poor. Default: any size."`
}

// sqlBlock says which database is asked for what.
type sqlBlock struct {
	Driver    string       `yaml:"driver" required:"true" enum:"postgres,mysql,sqlite" doc:"Kind of database; mysql is for MariaDB too."`
	Address   string       `yaml:"address" doc:"Where the database listens, as host:port. Default port: 5432, or 3306 for mysql."`
	Database  string       `yaml:"database" doc:"Name of the database; for sqlite its file, which is opened for reading only."`
	Username  string       `yaml:"username" doc:"User that may read what the query reads, and better nothing else."`
	Password  probe.Secret `yaml:"password" doc:"Password of the user."`
	Plaintext bool         `yaml:"plaintext" doc:"Speak without TLS. Default: no."`
	Query     string       `yaml:"query" required:"true" doc:"One SELECT without semicolon that returns one row with one column: the time or age."`
}

// Kind returns the kind "freshness".
func Kind() probe.Kind {
	opener := new(httpkind.Opener)
	return probe.Define(probe.Kind{
		Name:    "freshness",
		Summary: "Looks how old the data behind the channels is, in a document, a file or a database: what customers see is only as fresh as that.",
		Sample:  sample,
		Checks:  checks(),
		Metrics: metrics(),
		Floor:   10 * time.Second,
		Every:   time.Minute,
		Timeout: 10 * time.Second,
		Limits:  limits,
	}, defaults, func(c Config, setup probe.Setup) (probe.Built, error) { return build(c, setup, opener) })
}

func defaults(probe.ChannelType) Config { return Config{Value: valueTime, Ahead: time.Minute} }

// limits are none: how long it takes to look says nothing about how old the data is, and no customer waits for it.
func limits(probe.ChannelType) probe.Limits { return probe.Limits{} }
