package freshness

import (
	"context"
	"crypto/tls"
	"database/sql"
	"errors"
	"fmt"

	mysqldriver "github.com/go-sql-driver/mysql"

	"github.com/channelwatch/channelwatch/internal/httpx"
)

// mysql asks MySQL and MariaDB.
type mysql struct {
	config *mysqldriver.Config // without a way to connect; cloned for each probe
	query  string
}

func newMySQL(b *sqlBlock, to httpx.Endpoint, password string, secure *tls.Config) *mysql {
	config := mysqldriver.NewConfig()
	config.Net, config.Addr = "tcp", to.String()
	config.DBName, config.User, config.Passwd = b.Database, b.Username, password
	config.TLS = secure
	config.MaxAllowedPacket = maxRead
	config.Logger = &mysqldriver.NopLogger{}
	return &mysql{config, wrapped(b.Query, "LEFT(CAST(value AS CHAR), 101)")}
}

// ask makes one read-only transaction.
func (m *mysql) ask(ctx context.Context, w *wire) ([]*string, error) {
	config := m.config.Clone()
	config.DialFunc = w.once
	connector, err := mysqldriver.NewConnector(config)
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	defer func() { _ = db.Close() }() // nobody is to be told
	conn, err := db.Conn(ctx)
	switch {
	case errors.Is(err, mysqldriver.ErrNoTLS):
		return nil, errRefused
	case err != nil:
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	if err := m.prepare(ctx, conn); err != nil {
		return nil, err
	}
	return selectIn(ctx, conn, m.query)
}

// unknownVariable is the error of a server that has no such setting.
const unknownVariable = 1193

// prepare sets the zone that TIMESTAMP columns are shown in, and the longest time of a query: MySQL knows it in
// milliseconds, MariaDB by another name in seconds.
func (*mysql) prepare(ctx context.Context, conn *sql.Conn) error {
	if _, err := conn.ExecContext(ctx, "SET SESSION time_zone = '+00:00'"); err != nil {
		return err
	}
	limit := remaining(ctx)
	_, err := conn.ExecContext(ctx, fmt.Sprintf("SET SESSION max_execution_time = %d", limit))
	if own, ok := errors.AsType[*mysqldriver.MySQLError](err); ok && own.Number == unknownVariable {
		_, err = conn.ExecContext(ctx, fmt.Sprintf("SET SESSION max_statement_time = %d.%03d", limit/1000, limit%1000))
	}
	return err
}

// The errors of queries that took too long, of MySQL and MariaDB.
const (
	queryInterrupted = 3024
	statementTimeout = 1969
)

func (*mysql) said(err error) (text string, late bool) {
	own, ok := errors.AsType[*mysqldriver.MySQLError](err)
	if !ok {
		return "", false
	}
	return fmt.Sprintf("database answered %d: %s", own.Number, own.Message), own.Number == queryInterrupted || own.Number == statementTimeout
}

// selectIn asks in a read-only transaction.
func selectIn(ctx context.Context, conn *sql.Conn, query string) ([]*string, error) {
	tx, err := conn.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = tx.Rollback() }() // there is nothing to lose
	return values(tx.QueryContext(ctx, query))
}

// values reads the rows of an answer.
func values(rows *sql.Rows, err error) ([]*string, error) {
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []*string
	for rows.Next() {
		var value *string
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		all = append(all, value)
	}
	return all, rows.Err()
}
