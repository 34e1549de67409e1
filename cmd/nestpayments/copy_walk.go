package main

import (
	"context"
	"fmt"
	"iter"
)

// page is what one read returned.
type page[T any] struct {
	docs []*T
	err  error
}

// walk calls visit with all that either database has, in ascending order of id
// and c.page pairs at a time. It reads a page ahead of itself in both, and never
// behind what visit may have written: that lies before the pages still to come.
func walk[T comparable](ctx context.Context, c *copier, label string, k kind[T], visit func([]pair[T]) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := stream[T]{pages: readAhead(ctx, k.all(ctx, c.from, c.page))}
	to := stream[T]{pages: readAhead(ctx, k.all(ctx, c.to, c.page))}
	bar := newProgress(c.out, label, k.count(c.size))
	for {
		pairs, err := merge(&from, &to, k, c.page)
		if err == nil {
			err = ctx.Err() // which ends streams early
		}
		if err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		if len(pairs) == 0 {
			bar.end()
			return nil
		}
		if err := c.leases.renew(ctx, c); err != nil {
			return err
		}
		if err := visit(pairs); err != nil {
			return fmt.Errorf("%s: %w", label, err)
		}
		read := 0
		for _, p := range pairs {
			if p.from != nil {
				read++
			}
		}
		bar.add(read)
	}
}

// readAhead reads one page before it is asked for.
func readAhead[T any](ctx context.Context, all iter.Seq2[[]*T, error]) <-chan page[T] {
	pages := make(chan page[T])
	go func() {
		defer close(pages)
		for docs, err := range all {
			select {
			case pages <- page[T]{docs, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return pages
}

// stream is one database's documents, in order.
type stream[T any] struct {
	pages <-chan page[T]
	docs  []*T
}

// head returns the next document, nil behind the last.
func (s *stream[T]) head() (*T, error) {
	for len(s.docs) == 0 {
		next, ok := <-s.pages
		if !ok || next.err != nil {
			return nil, next.err
		}
		s.docs = next.docs
	}
	return s.docs[0], nil
}

// merge returns the next pairs, limit at most, none behind the last.
func merge[T comparable](from, to *stream[T], k kind[T], limit int) (pairs []pair[T], err error) {
	for len(pairs) < limit {
		a, err := from.head()
		if err != nil {
			return nil, fmt.Errorf("source: %w", err)
		}
		b, err := to.head()
		if err != nil {
			return nil, fmt.Errorf("target: %w", err)
		}
		if a == nil && b == nil {
			break
		}
		var p pair[T]
		if b == nil || a != nil && k.id(a) <= k.id(b) {
			p.from, from.docs = a, from.docs[1:]
		}
		if a == nil || b != nil && k.id(b) <= k.id(a) {
			p.to, to.docs = b, to.docs[1:]
		}
		pairs = append(pairs, p)
	}
	return pairs, nil
}
