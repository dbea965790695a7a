package freshness

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"time"

	_ "modernc.org/sqlite" // registers the driver

	"github.com/channelwatch/channelwatch/internal/probe"
)

// sqlite is a source that is a file of SQLite on this host.
type sqlite struct {
	path  string
	query string
}

func newSQLite(b *sqlBlock) *sqlite {
	return &sqlite{b.Database, wrapped(b.Query, "substr(CAST(value AS TEXT), 1, 101)")}
}

// look opens the file for reading only, asks, and closes it.
func (s *sqlite) look(ctx context.Context) (found, probe.Result, error) {
	start := time.Now()
	if _, reason, detail := regular(s.path); reason != "" { // a pipe is never opened: nobody may write to it
		r := local(start, "SELECT", s.path)
		r.Reason, r.Detail = reason, detail
		return found{}, r, nil
	}
	all, err := s.ask(ctx)
	r := local(start, "SELECT", s.path)
	switch {
	case ctx.Err() != nil:
		r.Reason, r.Detail = probe.ResponseTimeout, "no answer to the query in time"
	case err != nil:
		r.Reason, r.Detail = unasked, "database answered "+clipLine(err.Error())
	default:
		return only(&r, all), r, nil
	}
	return found{}, r, nil
}

func (s *sqlite) ask(ctx context.Context) ([]*string, error) {
	parameters := url.Values{
		"mode":    {"ro"},
		"_pragma": {"query_only(true)", fmt.Sprintf("busy_timeout(%d)", remaining(ctx))}, // writers lock for moments
	}
	db, err := sql.Open("sqlite", "file:"+(&url.URL{Path: s.path}).EscapedPath()+"?"+parameters.Encode())
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()            // nobody is to be told
	return values(db.QueryContext(ctx, s.query)) //nolint:rowserrcheck,sqlclosecheck // values does both
}
