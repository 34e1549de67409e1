package main

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"strings"
	"time"

	"github.com/nestpayments/nestpayments/store"
)

// kind is how the documents of one sort are read, compared and written.
type kind[T comparable] struct {
	name    string
	plural  string
	id      func(*T) string
	version func(*T) int64
	updated func(*T) time.Time
	count   func(store.Size) int64
	all     func(ctx context.Context, db store.Movable, limit int) iter.Seq2[[]*T, error]
	find    func(ctx context.Context, db store.Movable, doc *T) (*T, error)
	insert  func(ctx context.Context, db store.Movable, docs []*T) error
	replace func(ctx context.Context, db store.Movable, doc *T, version int64) error
}

func userKind() kind[store.User] {
	return kind[store.User]{
		name: "user", plural: "users",
		id:      func(u *store.User) string { return u.ID },
		version: func(u *store.User) int64 { return u.Version },
		updated: func(u *store.User) time.Time { return u.UpdatedAt },
		count:   func(s store.Size) int64 { return s.Users },
		all: func(ctx context.Context, db store.Movable, limit int) iter.Seq2[[]*store.User, error] {
			return db.AllUsers(ctx, limit)
		},
		find: func(ctx context.Context, db store.Movable, doc *store.User) (*store.User, error) {
			return found(db.User(ctx, doc.ID))
		},
		insert: func(ctx context.Context, db store.Movable, docs []*store.User) error {
			return db.MoveUsers(ctx, docs)
		},
		replace: func(ctx context.Context, db store.Movable, doc *store.User, version int64) error {
			return db.ReplaceUser(ctx, doc, version)
		},
	}
}

func paymentKind() kind[store.Payment] {
	return kind[store.Payment]{
		name: "payment", plural: "payments",
		id:      func(p *store.Payment) string { return p.ID },
		version: func(p *store.Payment) int64 { return p.Version },
		updated: func(p *store.Payment) time.Time { return p.UpdatedAt },
		count:   func(s store.Size) int64 { return s.Payments },
		all: func(ctx context.Context, db store.Movable, limit int) iter.Seq2[[]*store.Payment, error] {
			return db.AllPayments(ctx, limit)
		},
		find: func(ctx context.Context, db store.Movable, doc *store.Payment) (*store.Payment, error) {
			return found(db.PaymentByCUID(ctx, doc.UserID, doc.CUID))
		},
		insert: func(ctx context.Context, db store.Movable, docs []*store.Payment) error {
			return db.MovePayments(ctx, docs)
		},
		replace: func(ctx context.Context, db store.Movable, doc *store.Payment, version int64) error {
			return db.ReplacePayment(ctx, doc, version)
		},
	}
}

// pair is what both databases have under one id; one of the two may be nil.
type pair[T comparable] struct{ from, to *T }

// state is what the target has of a document, beside what the source has.
type state int

const (
	same    state = iota
	missing       // the target has none
	older         // to be brought up to date
	newer         // written to in the target, never to be overwritten
	extra         // the source has none
)

// compare tells the state of a pair. The version is copied with the document and
// counts its writes, so the larger one has been written to since; if that is the
// same, both have. A document that was written to in the target and then twice
// in the source has the smaller version in the target, but the later time, unless
// its clock is behind: two servers at once on two databases is what the leases
// are there to prevent.
func (k kind[T]) compare(p pair[T]) state {
	switch {
	case p.to == nil:
		return missing
	case p.from == nil:
		return extra
	case *p.from == *p.to:
		return same
	case k.version(p.to) >= k.version(p.from), k.updated(p.to).After(k.updated(p.from)):
		return newer
	}
	return older
}

// differing names the fields in which the two of a pair differ, not their values.
func differing[T comparable](p pair[T]) string {
	a, b := reflect.ValueOf(*p.from), reflect.ValueOf(*p.to)
	var names []string
	for i := range a.NumField() {
		if !a.Field(i).Equal(b.Field(i)) {
			names = append(names, a.Type().Field(i).Name)
		}
	}
	return strings.Join(names, ", ")
}

// findings prints what is found, up to a bound.
type findings struct {
	out   output
	count int
}

const maxFindings = 100

func (f *findings) note(format string, args ...any) {
	if f.count++; f.count <= maxFindings {
		fmt.Fprintf(f.out, format+"\n", args...)
	}
}

// end tells how many there are beside those that were printed.
func (f *findings) end() error {
	if f.count <= maxFindings {
		return nil
	}
	_, err := fmt.Fprintf(f.out, "and %d more\n", f.count-maxFindings)
	f.count = maxFindings
	return err
}
