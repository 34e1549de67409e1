package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"
	"time"

	"modernc.org/sqlite"
)

// readers are the connections that read, each with its prepared statements. They
// use the driver without database/sql between, which has nothing to do for
// connections that never go bad and takes half of the time of a small read: two
// goroutines and some forty allocations.
//
// Nothing interrupts a read that has begun, unless it scans a whole table:
// it takes microseconds, and a page at most some milliseconds. Only while another
// process recovers the log after a crash may it take as long as the busy time-out.
type readers struct {
	idle    chan *reader
	closing chan struct{}
}

// reader is one connection, for one caller at a time.
type reader struct {
	conn  driver.Conn
	stmts [queryCount]driver.StmtQueryContext
	// args and row are of the present call.
	args [maxReadArgs]driver.NamedValue
	row  [maxColumns]driver.Value
}

const (
	maxReadArgs = 3
	maxColumns  = 17 // of a payment
)

// openReaders opens n connections to the database and prepares every statement
// that reads.
func openReaders(ctx context.Context, path string, n int) (_ *readers, err error) {
	connector, err := sqlite.NewConnector(dsn(path, url.Values{"mode": {"rw"}, "_query_only": {"true"}}))
	if err != nil {
		return nil, err
	}
	p := &readers{idle: make(chan *reader, n), closing: make(chan struct{})}
	for range n {
		r := &reader{}
		if r.conn, err = connector.Connect(ctx); err == nil {
			p.idle <- r
			err = r.prepare(ctx)
		}
		if err != nil {
			return nil, errors.Join(err, p.closeIdle())
		}
	}
	return p, nil
}

func (r *reader) prepare(ctx context.Context) error {
	for q, st := range statements {
		if st.kind == writes {
			continue
		}
		prepared, err := r.conn.(driver.ConnPrepareContext).PrepareContext(ctx, st.text)
		if err != nil {
			return err
		}
		r.stmts[q] = prepared.(driver.StmtQueryContext)
	}
	return nil
}

// close closes every connection, after the call that is under way on it. Callers
// that wait for one, and later ones, get sql.ErrConnDone. It is called once.
func (p *readers) close() (err error) {
	close(p.closing)
	for range cap(p.idle) {
		err = errors.Join(err, (<-p.idle).closeConn())
	}
	return err
}

// closeIdle closes those that openReaders has opened.
func (p *readers) closeIdle() (err error) {
	for range len(p.idle) {
		err = errors.Join(err, (<-p.idle).closeConn())
	}
	return err
}

func (r *reader) closeConn() (err error) {
	for _, st := range r.stmts {
		if st, ok := st.(driver.Stmt); ok {
			err = errors.Join(err, st.Close())
		}
	}
	return errors.Join(err, r.conn.Close())
}

// read runs a query and gives every row to scan, valid until scan returns. Its
// errors are the driver's, or ctx's, or sql.ErrConnDone: pass them to fail.
func (p *readers) read(ctx context.Context, q query, scan func(row), args ...driver.Value) error {
	r, err := p.take(ctx)
	if err != nil {
		return err
	}
	defer func() { p.idle <- r }()
	// A context that can end costs the driver a goroutine for each query.
	running := context.WithoutCancel(ctx)
	if statements[q].kind == scans {
		running = ctx
	}
	err = r.run(running, q, scan, args)
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// take waits for a connection that is idle.
func (p *readers) take(ctx context.Context) (*reader, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case r := <-p.idle:
		return r, nil
	default:
	}
	select {
	case r := <-p.idle:
		return r, nil
	case <-p.closing:
		return nil, sql.ErrConnDone
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *reader) run(ctx context.Context, q query, scan func(row), args []driver.Value) (err error) {
	for i, v := range args {
		r.args[i] = driver.NamedValue{Ordinal: i + 1, Value: v}
	}
	rows, err := r.stmts[q].QueryContext(ctx, r.args[:len(args)])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	columns := r.row[:len(rows.Columns())]
	for {
		switch err := rows.Next(columns); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		scan(columns)
	}
}

// row is one row of a result: each value is an int64, a string or nil, as the
// tables are STRICT.
type row []driver.Value

// text is "" for NULL.
func (r row) text(i int) string {
	if r[i] == nil {
		return ""
	}
	return r[i].(string)
}

func (r row) integer(i int) int64 { return r[i].(int64) }

// time is the zero time for NULL.
func (r row) time(i int) time.Time {
	if r[i] == nil {
		return time.Time{}
	}
	return fromMillis(r.integer(i))
}

// one returns the row of a query by a unique key. store.ErrNotFound.
func one[T any](ctx context.Context, s *Store, op string, q query, scan func(row) T, args ...driver.Value) (v T, err error) {
	found := false
	err = s.readers.read(ctx, q, func(r row) { v, found = scan(r), true }, args...)
	if err == nil && !found {
		err = sql.ErrNoRows
	}
	return v, s.fail(op, err)
}

// many returns all rows of a query.
func many[T any](ctx context.Context, s *Store, op string, q query, scan func(row) T, args ...driver.Value) (all []T, err error) {
	err = s.readers.read(ctx, q, func(r row) { all = append(all, scan(r)) }, args...)
	if err != nil {
		return nil, s.fail(op, err)
	}
	return all, nil
}
