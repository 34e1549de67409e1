package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// field is a field of the form above a list: a choice if it has Options, a check
// box if it has Tick, the value that the box sends, and otherwise a text.
type field struct {
	Name, Label, Value string
	Options            []option
	Tick               string
}

// option is a choice: the value in the query, and the word on the page.
type option struct{ Value, Word string }

// optionsOf makes options whose words are their values.
func optionsOf(values ...string) []option {
	var options []option
	for _, value := range values {
		options = append(options, option{value, strings.ReplaceAll(value, "_", " ")})
	}
	return options
}

// customerField finds a customer as a search does: see customerMatches.
var customerField = field{Name: "customer", Label: "Customer"}

// filters are the fields of a list with the values of the query.
type filters []field

// readFilters reads the values of the fields from the query. A value that is not
// one of the options is an error: the list would not be what the query asks for.
func readFilters(r *http.Request, fields ...field) (filters, error) {
	query := r.URL.Query()
	for i := range fields {
		f := &fields[i]
		f.Value = shortened(strings.TrimSpace(query.Get(f.Name)))
		known := slices.ContainsFunc(f.Options, func(o option) bool { return o.Value == f.Value })
		if len(f.Options) > 0 && f.Value != "" && !known {
			return nil, fmt.Errorf("%w: the filter %s has no such value", errBadRequest, f.Name)
		}
	}
	return fields, nil
}

// value returns the value of the field with a name, "" if it is not set.
func (fs filters) value(name string) string {
	for _, f := range fs {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// Set reports whether a filter is set.
func (fs filters) Set() bool {
	return slices.ContainsFunc(fs, func(f field) bool { return f.Value != "" })
}

// ofCustomer returns a function that reports whether an object passes the customer
// field. The function runs under Sandbox.mu.
func (s *Sandbox) ofCustomer(fs filters) func(id string) bool {
	t := newTerm(fs.value(customerField.Name))
	return func(id string) bool { return t == "" || s.belongsTo(t, id) }
}
