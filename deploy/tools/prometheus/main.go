// Command queries runs the queries of a dashboard, and looks up what alerts ask for,
// in the metrics of a server, and names all that finds nothing.
//
//	queries DASHBOARD ALERTS METRICS METRICS...
//
// The metrics are what one server answered to Prometheus, at first and a minute later
// each time.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	if len(args) < 4 {
		return errors.New("usage: queries DASHBOARD ALERTS METRICS METRICS...")
	}
	dir, err := os.MkdirTemp("", "queries")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	db, err := tsdb.Open(dir, nil, nil, tsdb.DefaultOptions(), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	known := series{}
	var at time.Time
	for i, file := range args[2:] {
		at = start.Add(time.Duration(i) * time.Minute)
		if err := scrape(ctx, db, file, at, known); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	c := checker{db: db, at: at, known: known, parser: parser.NewParser(parser.Options{})}
	c.engine = promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true, Parser: c.parser})
	panels, err := dashboard(args[0])
	if err != nil {
		return fmt.Errorf("%s: %w", args[0], err)
	}
	alerts, err := rules(args[1], c.parser)
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	for _, q := range panels {
		c.fault(q, c.names(q.expr))
		c.fault(q, c.answers(ctx, q.expr))
	}
	for _, q := range alerts {
		c.fault(q, c.names(q.expr))
	}
	fmt.Fprintf(out, "%d queries of panels answered, %d rules looked up\n", len(panels), len(alerts))
	return errors.Join(c.faults...)
}

// start is when the first metrics were read; any time does.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// query is a PromQL expression and where it stands.
type query struct{ where, expr string }

// dashboard reads the queries of all panels, with stand-ins for Grafana's variables.
func dashboard(file string) ([]query, error) {
	type panel struct {
		Title   string
		Targets []struct{ Expr string }
		Panels  []panel
	}
	var board panel
	text, err := os.ReadFile(file) // #nosec G304 G703 -- the caller names it
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &board); err != nil {
		return nil, err
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".+")
	var found []query
	for todo := board.Panels; len(todo) > 0; todo = todo[1:] {
		for _, t := range todo[0].Targets {
			found = append(found, query{where: "panel " + todo[0].Title, expr: variables.Replace(t.Expr)})
		}
		todo = append(todo, todo[0].Panels...)
	}
	if len(found) == 0 {
		return nil, errors.New("no panel has a query")
	}
	return found, nil
}

// rules reads the expressions of a file of rules.
func rules(file string, p parser.Parser) ([]query, error) {
	groups, faults := rulefmt.ParseFile(file, false, model.LegacyValidation, p, slog.New(slog.DiscardHandler))
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	var found []query
	for _, g := range groups.Groups {
		for _, r := range g.Rules {
			found = append(found, query{where: "alert " + r.Alert, expr: r.Expr})
		}
	}
	return found, nil
}

// checker runs queries.
type checker struct {
	db     *tsdb.DB
	engine *promql.Engine
	parser parser.Parser
	at     time.Time
	known  series
	faults []error
}

func (c *checker) fault(q query, err error) {
	if err != nil {
		c.faults = append(c.faults, fmt.Errorf("%s: %w: %s", q.where, err, q.expr))
	}
}

// answers tells whether the query finds anything.
func (c *checker) answers(ctx context.Context, expr string) error {
	q, err := c.engine.NewInstantQuery(ctx, c.db, nil, expr, c.at)
	if err != nil {
		return err
	}
	defer q.Close()
	result := q.Exec(ctx)
	if result.Err != nil {
		return result.Err
	}
	if v, ok := result.Value.(promql.Vector); ok && len(v) == 0 {
		return errors.New("finds nothing")
	}
	return nil
}

// names tells whether there is each metric of the expression, with the labels that
// it is selected and grouped by.
func (c *checker) names(expr string) error {
	tree, err := c.parser.ParseExpr(expr)
	if err != nil {
		return err
	}
	var faults []error
	parser.Inspect(tree, func(n parser.Node, path []parser.Node) error {
		s, ok := n.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		names, there := c.known[s.Name]
		if !there {
			faults = append(faults, fmt.Errorf("there is no metric %q", s.Name))
			return nil
		}
		for _, label := range asked(s, path) {
			if !slices.Contains(names, label) {
				faults = append(faults, fmt.Errorf("%s has no label %q, it has %v", s.Name, label, names))
			}
		}
		return nil
	})
	return errors.Join(faults...)
}

// asked are the labels that a selector and the aggregations around it speak of.
func asked(s *parser.VectorSelector, path []parser.Node) []string {
	var all []string
	for _, m := range s.LabelMatchers {
		if m.Name != labels.MetricName {
			all = append(all, m.Name)
		}
	}
	for _, n := range path {
		if a, ok := n.(*parser.AggregateExpr); ok && !a.Without {
			all = append(all, a.Grouping...)
		}
	}
	return all
}
