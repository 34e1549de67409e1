package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
)

// table holds the rows of one kind. Changes are staged until the transaction
// commits; reads see them at once. The rows are values: a caller changes its
// copy and puts it back.
type table[T any] struct {
	name   string
	rows   map[string]T
	ids    []string // of rows, in order of creation
	staged map[string]*T
	order  []string // of staged

	// groupOf names what a row belongs to, as a charge to its intent, "" for
	// nothing; nil where nobody asks. groups holds the committed ids of each,
	// in order of creation.
	groupOf func(T) string
	groups  map[string][]string
}

// change is one row of a transaction as it is written to the journal.
type change struct {
	Table string `json:"table"`
	ID    string `json:"id"`
	// Row is null for a row that was removed.
	Row json.RawMessage `json:"row"`
}

// rows is a table without the type of its rows.
type rows interface {
	tableName() string
	changes() ([]change, error)
	commit()
	rollback()
	load(change) error
	all() ([]change, error)
}

func newTable[T any](name string) *table[T] {
	return &table[T]{name: name, rows: map[string]T{}, staged: map[string]*T{}}
}

func newGroupedTable[T any](name string, groupOf func(T) string) *table[T] {
	t := newTable[T](name)
	t.groupOf, t.groups = groupOf, map[string][]string{}
	return t
}

func (t *table[T]) tableName() string { return t.name }

func (t *table[T]) get(id string) (T, bool) {
	if v, ok := t.staged[id]; ok {
		if v == nil {
			var zero T
			return zero, false
		}
		return *v, true
	}
	v, ok := t.rows[id]
	return v, ok
}

func (t *table[T]) put(id string, v T) { t.stage(id, &v) }
func (t *table[T]) remove(id string)   { t.stage(id, nil) }

func (t *table[T]) stage(id string, v *T) {
	if _, again := t.staged[id]; !again {
		t.order = append(t.order, id)
	}
	t.staged[id] = v
}

func (t *table[T]) changes() ([]change, error) {
	changes := make([]change, 0, len(t.order))
	for _, id := range t.order {
		c := change{Table: t.name, ID: id}
		if v := t.staged[id]; v != nil {
			row, err := json.Marshal(v)
			if err != nil {
				return nil, fmt.Errorf("encode %s: %w", t.name, err)
			}
			c.Row = row
		}
		changes = append(changes, c)
	}
	return changes, nil
}

func (t *table[T]) commit() {
	for _, id := range t.order {
		t.apply(id, t.staged[id])
	}
	t.rollback()
}

func (t *table[T]) rollback() {
	clear(t.staged)
	t.order = t.order[:0]
}

func (t *table[T]) apply(id string, v *T) {
	old, exists := t.rows[id]
	if t.groupOf != nil {
		t.regroup(id, old, exists, v)
	}
	switch {
	case v != nil:
		t.rows[id] = *v
		if !exists {
			t.ids = append(t.ids, id)
		}
	case exists:
		delete(t.rows, id)
		// The rows that are removed are mostly the oldest.
		i := slices.Index(t.ids, id)
		t.ids = slices.Delete(t.ids, i, i+1)
	}
}

// regroup moves the row from the group of its old value to that of its new one.
func (t *table[T]) regroup(id string, old T, exists bool, v *T) {
	from, to := "", ""
	if exists {
		from = t.groupOf(old)
	}
	if v != nil {
		to = t.groupOf(*v)
	}
	if from == to {
		return
	}
	if i := slices.Index(t.groups[from], id); i >= 0 {
		t.groups[from] = slices.Delete(t.groups[from], i, i+1)
	}
	if to != "" {
		t.groups[to] = append(t.groups[to], id)
	}
}

func (t *table[T]) load(c change) error {
	var v *T
	if err := json.Unmarshal(c.Row, &v); err != nil {
		return fmt.Errorf("decode %s: %w", t.name, err)
	}
	t.apply(c.ID, v)
	return nil
}

func (t *table[T]) all() ([]change, error) {
	for _, id := range t.ids {
		t.put(id, t.rows[id])
	}
	defer t.rollback()
	return t.changes()
}
