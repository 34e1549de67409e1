package sandbox

import (
	"slices"
)

// page is a window into a list, newest first.
type page struct {
	limit         int
	after, before string
}

// page reads limit, starting_after and ending_before.
func (c *call) page() page {
	p := page{limit: 10, after: c.filled("starting_after"), before: c.filled("ending_before")}
	if limit, ok := c.integer("limit"); ok {
		p.limit = int(max(1, min(limit, 100))) // Stripe corrects it silently
	}
	if p.after != "" && p.before != "" {
		c.fail(invalid("You cannot use both ending_before and starting_after."))
	}
	return p
}

// listOf renders the page of the table's rows that keep accepts. what is the
// type's name in "No such …". An unknown cursor is a 400: it is no part of the
// path.
func listOf[T any](c *call, t *table[T], what string, p page, keep func(T) bool, render func(T) object) (object, *apiError) {
	from, step := len(t.ids)-1, -1
	cursor, param := p.after, "starting_after"
	if p.before != "" {
		cursor, param, step = p.before, "ending_before", 1
	}
	if cursor != "" {
		position := slices.Index(t.ids, cursor)
		if position < 0 {
			return nil, missingInBody(what, cursor, param)
		}
		from = position + step
	}
	data := []object{}
	more := false
	for i := from; i >= 0 && i < len(t.ids); i += step {
		row := t.rows[t.ids[i]]
		if !keep(row) {
			continue
		}
		if len(data) == p.limit {
			more = true
			break
		}
		data = append(data, render(row))
	}
	if step > 0 {
		slices.Reverse(data)
	}
	return object{"object": "list", "url": c.path(), "has_more": more, "data": data}, nil
}
