package freshness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// postgres asks PostgreSQL and what speaks its protocol.
type postgres struct {
	config *pgx.ConnConfig // without a way to connect; copied for each probe
	query  string
}

func newPostgres(b *sqlBlock, to httpx.Endpoint, password string, secure *tls.Config) (*postgres, error) {
	// The library insists on reading a text first, and the environment with it. All that matters is set below.
	config, err := pgx.ParseConfig("host=localhost sslmode=disable")
	if err != nil {
		return nil, fmt.Errorf("reading the environment of PostgreSQL: %w", err)
	}
	config.Host, config.Port = to.Host, to.Port
	config.Database, config.User, config.Password = b.Database, b.Username, password
	config.TLSConfig, config.Fallbacks = secure, nil
	config.ConnectTimeout = 0 // the context says how long
	config.RuntimeParams = map[string]string{"application_name": "channelwatch"}
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	return &postgres{config, wrapped(b.Query, "left(value::text, 101)")}, nil
}

// ask makes one read-only transaction. What is set is set for it alone, by statements, because poolers refuse unknown
// parameters at the start of a connection.
func (p *postgres) ask(ctx context.Context, w *wire) ([]*string, error) {
	config := p.config.Copy()
	config.DialFunc = w.once
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		if strings.Contains(err.Error(), "server refused TLS connection") { // the library has no name for it
			err = errRefused
		}
		return nil, err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.WithoutCancel(ctx), parting)
		defer cancel()
		_ = conn.Close(end) // nobody is to be told
		<-conn.PgConn().CleanupDone()
	}()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, err
	}
	settings := fmt.Sprintf("SET LOCAL statement_timeout = %d; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'", remaining(ctx))
	if _, err := tx.Exec(ctx, settings, pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, p.query)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[*string])
}

// parting is how long a driver may take to say goodbye.
const parting = 300 * time.Millisecond

// queryCanceled is the state of a query that took longer than statement_timeout (PostgreSQL, appendix A).
const queryCanceled = "57014"

func (*postgres) said(err error) (text string, late bool) {
	own, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("database answered %s: %s", own.Code, own.Message), own.Code == queryCanceled
}
