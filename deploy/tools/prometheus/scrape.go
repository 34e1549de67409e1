package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/tsdb"
)

// series are the names of the labels of each metric.
type series map[string][]string

func (s series) add(l labels.Labels) {
	name := l.Get(labels.MetricName)
	l.Range(func(label labels.Label) {
		if !slices.Contains(s[name], label.Name) {
			s[name] = append(s[name], label.Name)
		}
	})
}

// scrape stores the metrics of the file as Prometheus does that reads them at the
// time, with up and with the labels of a target.
func scrape(ctx context.Context, db *tsdb.DB, file string, at time.Time, known series) error {
	text, err := os.ReadFile(file) // #nosec G304 G703 -- the caller names it
	if err != nil {
		return err
	}
	p, err := textparse.New(text, "text/plain", labels.NewSymbolTable(), textparse.ParserOptions{})
	if err != nil {
		return err
	}
	app := db.Appender(ctx)
	add := func(l labels.Labels, value float64) error {
		target := labels.NewBuilder(l)
		l = target.Set("job", "nestpayments").Set("instance", "127.0.0.1:9090").Labels()
		known.add(l)
		_, err := app.Append(0, l, at.UnixMilli(), value)
		return err
	}
	if err := add(labels.FromStrings(labels.MetricName, "up"), 1); err != nil {
		return errors.Join(err, app.Rollback())
	}
	for {
		entry, err := p.Next()
		if errors.Is(err, io.EOF) {
			return app.Commit()
		}
		if err != nil {
			return errors.Join(err, app.Rollback())
		}
		if entry != textparse.EntrySeries {
			continue
		}
		var l labels.Labels
		p.Labels(&l)
		_, _, value := p.Series()
		if err := add(l, value); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
}
