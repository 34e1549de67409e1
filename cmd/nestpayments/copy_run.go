package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/nestpayments/nestpayments/store"
)

const (
	// copyPage is how many documents are read and written in one call, and a
	// few times that are in memory at once.
	copyPage = 500
	// copyWriters is how many writes to the target are under way at once.
	copyWriters = 4
)

// copier copies one database to another. It makes three walks over both: to see
// what there is to do and refuse what must not be done, to write, and to verify.
type copier struct {
	from, to      store.Movable
	out           output
	ahead, remove bool
	page          int

	leases leases
	size   store.Size
}

func (c *copier) run(ctx context.Context) (err error) {
	if err := c.leases.take(ctx, c); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.leases.release(ctx, c)) }()
	if c.size, err = c.from.Size(ctx); err != nil {
		return err
	}
	if err := c.survey(ctx); err != nil {
		return err
	}
	if err := c.write(ctx); err != nil {
		return err
	}
	if c.ahead {
		fmt.Fprintln(c.out, "copied ahead, not verified: stop the server, then copy again without --ahead")
		return nil
	}
	if err := c.verify(ctx); err != nil {
		return err
	}
	// Last, and only here: it says that everything before it is in the target.
	return c.leases.saveCursor(ctx, c)
}

// survey finds out whether the target may be written to. It deletes from it
// what it is asked to delete, once everything else is right.
func (c *copier) survey(ctx context.Context) error {
	found := findings{out: c.out}
	users, err := look(ctx, c, "looking at users", userKind(), &found, false)
	if err != nil {
		return err
	}
	payments, err := look(ctx, c, "looking at payments", paymentKind(), &found, false)
	if err != nil {
		return err
	}
	if users.source+payments.source == 0 {
		return errors.New("the source has no users and no payments: check that its URL names the right database")
	}
	if newer := users.newer + payments.newer; newer > 0 {
		return fmt.Errorf("nothing was written: %d documents were changed in the target: it is in use, or was. Copy to an empty database", newer)
	}
	if payments.extra > 0 {
		return fmt.Errorf("nothing was written: the target has %d payments that the source has not: they are other data. Copy to an empty database", payments.extra)
	}
	if users.extra > 0 && !c.remove {
		return fmt.Errorf("nothing was written: the target has %d users that the source has not. If they were deleted from the source since an earlier copy, run again with --delete; if not, they are other data: copy to an empty database", users.extra)
	}
	if users.extra > 0 {
		return c.deleteExtra(ctx)
	}
	return nil
}

// deleteExtra deletes users whom the source has not.
func (c *copier) deleteExtra(ctx context.Context) error {
	deleted := 0
	err := walk(ctx, c, "deleting users", userKind(), func(pairs []pair[store.User]) error {
		for _, p := range pairs {
			if p.from != nil {
				continue
			}
			if err := c.to.DeleteUser(ctx, p.to); err != nil {
				return err
			}
			deleted++
		}
		return nil
	})
	fmt.Fprintf(c.out, "deleted from the target: %d users that the source no longer has\n", deleted)
	return err
}

// verify reads everything again.
func (c *copier) verify(ctx context.Context) error {
	found := findings{out: c.out}
	users, err := look(ctx, c, "verifying users", userKind(), &found, true)
	if err != nil {
		return err
	}
	payments, err := look(ctx, c, "verifying payments", paymentKind(), &found, true)
	if err != nil {
		return err
	}
	if n := users.different() + payments.different(); n > 0 {
		return fmt.Errorf("the copy is not good: %d documents are not the same in both databases (source: %d users, %d payments; target: %d users, %d payments). Do not use the target",
			n, users.source, payments.source, users.target, payments.target)
	}
	fmt.Fprintf(c.out, "verified: %d users and %d payments, the same in both databases\n", users.target, payments.target)
	return nil
}

// tally counts documents, by what they are in one database and the other.
type tally struct {
	source, target                     int64
	same, missing, older, newer, extra int64
}

func (t tally) different() int64 { return t.missing + t.older + t.newer + t.extra }

// look walks over both databases and counts. It names to found what is newer in
// the target or only there, or with all set whatever is not the same.
func look[T comparable](ctx context.Context, c *copier, label string, k kind[T], found *findings, all bool) (t tally, err error) {
	err = walk(ctx, c, label, k, func(pairs []pair[T]) error {
		for _, p := range pairs {
			if p.from != nil {
				t.source++
			}
			if p.to != nil {
				t.target++
			}
			switch state := k.compare(p); state {
			case same:
				t.same++
			case missing:
				t.missing++
				if all {
					found.note("%s %s: missing in the target", k.name, k.id(p.from))
				}
			case older:
				t.older++
				if all {
					found.note("%s %s: older in the target: %s", k.name, k.id(p.from), differing(p))
				}
			case newer:
				t.newer++
				found.note("%s %s: changed in the target: %s", k.name, k.id(p.to), differing(p))
			case extra:
				t.extra++
				found.note("%s %s: only in the target", k.name, k.id(p.to))
			}
		}
		return nil
	})
	return t, errors.Join(err, found.end())
}
