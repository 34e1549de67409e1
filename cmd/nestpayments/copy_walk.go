package main

import (
	"context"
	"fmt"
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
	from := stream[T]{pages: readAhead(ctx, c.page, func(ctx context.Context, after string) ([]*T, error) { return k.read(ctx, c.from, after, c.page) }, k.id)}
	to := stream[T]{pages: readAhead(ctx, c.page, func(ctx context.Context, after string) ([]*T, error) { return k.read(ctx, c.to, after, c.page) }, k.id)}
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

// readAhead reads pages until one is not full, and one before it is asked for.
func readAhead[T any](ctx context.Context, limit int, read func(ctx context.Context, after string) ([]*T, error), id func(*T) string) <-chan page[T] {
	pages := make(chan page[T])
	go func() {
		defer close(pages)
		after := ""
		for {
			docs, err := read(ctx, after)
			select {
			case pages <- page[T]{docs, err}:
			case <-ctx.Done():
				return
			}
			if err != nil || len(docs) < limit {
				return
			}
			after = id(docs[len(docs)-1])
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
