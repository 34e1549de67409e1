package sandbox

import (
	"net/http"
	"slices"
	"strconv"
)

// listWindow is a part of a list, newest first, with the ways to its other parts.
type listWindow struct {
	ids []string
	// older is how many there are before these.
	older int
	pager
}

// pager holds links, "" where they lead nowhere.
type pager struct{ Older, Newest string }

// newest takes size ids from the end of the list, or from a position that
// counts from its beginning. Nothing is removed from the lists that are shown,
// so a position means the same tomorrow.
func newest(ids []string, from, size int) listWindow {
	if from <= 0 || from > len(ids) {
		from = len(ids)
	}
	w := listWindow{older: max(0, from-size)}
	w.ids = slices.Clone(ids[w.older:from])
	slices.Reverse(w.ids)
	return w
}

// window is the part of the list that the query asks for by name.
func window(ids []string, r *http.Request, name string, size int) listWindow {
	from := pageStart(r, name)
	w := newest(ids, from, size)
	if w.older > 0 {
		w.Older = link(r, name, w.older)
	}
	if from > 0 {
		w.Newest = link(r, name, 0)
	}
	return w
}

// pageStart is the position in the query, 0 if there is none that makes sense.
func pageStart(r *http.Request, name string) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// link is the present page with another position.
func link(r *http.Request, name string, from int) string {
	query := r.URL.Query()
	query.Del(name)
	if from > 0 {
		query.Set(name, strconv.Itoa(from))
	}
	if len(query) == 0 {
		return r.URL.EscapedPath()
	}
	return r.URL.EscapedPath() + "?" + query.Encode()
}

func rowsOf[R any](ids []string, row func(string) R) []R {
	var rows []R
	for _, id := range ids {
		rows = append(rows, row(id))
	}
	return rows
}
