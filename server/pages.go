package server

import (
	"fmt"

	"github.com/nestpayments/nestpayments/gen"
)

// defaultPage is the limit of a list whose request names none, as the spec says.
const defaultPage = 100

// page cuts a list that was read with one item too many down to limit, and
// returns the Link header that leads to the rest, nil if there is none. id returns
// the cursor of an item. name is the last segment of the list's path: the link is
// relative to the request's URL (RFC 3986, section 5.2), so it stays below the path
// where a gateway serves the API.
func page[T any](name string, items []T, limit int, id func(T) string) ([]T, *string) {
	if len(items) <= limit {
		return items, nil
	}
	items = items[:limit]
	link := fmt.Sprintf(`<%s?cursor=%s&limit=%d>; rel="next"`, name, id(items[limit-1]), limit)
	return items, &link
}

func limitOf(l *gen.Limit) int {
	if l == nil {
		return defaultPage
	}
	return int(*l)
}

func cursorOf(c *gen.Cursor) string {
	if c == nil {
		return ""
	}
	return *c
}
