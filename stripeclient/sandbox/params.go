package sandbox

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// params are the parameters of one call, form-encoded as Stripe takes them:
// a=1, a[b]=c, a[]=x and a[0]=x. Reading one marks it as known. The first
// fault is kept, so that a handler reads all that it needs and then asks once.
type params struct {
	values url.Values
	known  map[string]bool
	err    *apiError
}

func newParams(values url.Values) *params {
	return &params{values: values, known: map[string]bool{}}
}

// fail refuses the call before it is executed.
func (p *params) fail(e *apiError) {
	if p.err == nil {
		p.err = e.beforeExecution()
	}
}

func (p *params) raw(name string) (string, bool) {
	p.known[name] = true
	values, ok := p.values[name]
	if !ok {
		return "", false
	}
	return values[len(values)-1], true // the last one counts, as in Rack
}

// text reads a string of at most limit bytes that can be unset by an empty
// value.
func (p *params) text(name string, limit int) (string, bool) {
	value, ok := p.raw(name)
	if len(value) > limit {
		p.fail(invalid("Invalid string: the value of %s must be at most %d characters", name, limit).with("", name))
	}
	return value, ok
}

// filled reads a string that cannot be unset; "" if it was not sent.
func (p *params) filled(name string) string {
	value, ok := p.text(name, 5000)
	if ok && value == "" {
		p.fail(invalid("You passed an empty string for '%[1]s'. We assume empty values are an attempt to unset a parameter; however '%[1]s' cannot be unset. You should remove '%[1]s' from your request or supply a non-empty value.", name).
			with("parameter_invalid_empty", name))
	}
	return value
}

// required is filled, and an error if it was not sent.
func (p *params) required(name string) string {
	if _, ok := p.values[name]; !ok {
		p.fail(invalid("Missing required param: %s.", name).with(codeParameterMissing, name))
	}
	return p.filled(name)
}

// integer reads a whole number; 0 and false if it was not sent.
func (p *params) integer(name string) (int64, bool) {
	value := p.filled(name)
	if value == "" {
		return 0, false
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		p.fail(invalid("Invalid integer: %s", value).with("parameter_invalid_integer", name))
		return 0, false
	}
	return n, true
}

func (p *params) boolean(name string) (value, ok bool) {
	switch text := p.filled(name); text {
	case "":
		return false, false
	case "true":
		return true, true
	case "false":
		return false, true
	default:
		p.fail(invalid("Invalid boolean: %s", text).with("", name))
		return false, false
	}
}

// oneOf reads one of the values that Stripe allows; "" if it was not sent.
func (p *params) oneOf(name string, allowed ...string) string {
	value := p.filled(name)
	if value != "" && !slices.Contains(allowed, value) {
		p.fail(invalid("Invalid %s: must be one of %s", name, strings.Join(allowed, ", ")).with("", name))
	}
	return value
}

var index = regexp.MustCompile(`^\[\d*\]$`)

// list reads name[]=… and name[0]=…; name= is an empty list.
func (p *params) list(name string) []string {
	var found []string
	if value, _ := p.raw(name); value != "" {
		p.fail(invalid("Invalid array").with("", name))
	}
	for _, full := range slices.Sorted(maps.Keys(p.values)) {
		if rest, ok := strings.CutPrefix(full, name); ok && index.MatchString(rest) {
			p.known[full] = true
			found = append(found, p.values[full]...)
		}
	}
	return found
}

// metadata applies metadata[key]=value to old and returns the result as a new
// map. An empty value removes the key, and metadata= removes all.
func (p *params) metadata(old map[string]string) map[string]string {
	result := maps.Clone(old)
	if result == nil {
		result = map[string]string{}
	}
	if value, ok := p.raw("metadata"); ok {
		if value != "" {
			p.fail(invalid("Invalid object").with("", "metadata"))
		}
		clear(result)
	}
	for full := range p.values {
		key, ok := strings.CutPrefix(full, "metadata[")
		if !ok || !strings.HasSuffix(key, "]") {
			continue
		}
		key = strings.TrimSuffix(key, "]")
		value, _ := p.raw(full)
		switch {
		case strings.ContainsAny(key, "[]"):
			p.fail(invalid("Metadata keys cannot contain square brackets").with("", "metadata"))
		case len([]rune(key)) > 40:
			p.fail(invalid("Metadata keys can have up to 40 characters").with("", "metadata"))
		case len([]rune(value)) > 500:
			p.fail(invalid("Metadata values can have up to 500 characters").with("", "metadata"))
		case value == "":
			delete(result, key)
		default:
			result[key] = value
		}
	}
	if len(result) > 50 {
		p.fail(invalid("Metadata can have up to 50 keys").with("", "metadata"))
	}
	return result
}

// span is a range of times; nil bounds are open.
type span struct{ gt, gte, lt, lte *int64 }

func (p *params) span(name string) span {
	read := func(full string) *int64 {
		if n, ok := p.integer(full); ok {
			return &n
		}
		return nil
	}
	exact := read(name)
	s := span{gt: read(name + "[gt]"), gte: read(name + "[gte]"), lt: read(name + "[lt]"), lte: read(name + "[lte]")}
	if exact != nil {
		s.gte, s.lte = exact, exact
	}
	return s
}

func (s span) has(t int64) bool {
	return (s.gt == nil || t > *s.gt) && (s.gte == nil || t >= *s.gte) &&
		(s.lt == nil || t < *s.lt) && (s.lte == nil || t <= *s.lte)
}

// done returns the first fault; a parameter that nobody read is one. Those
// named in refused are Stripe's, and the sandbox does not emulate them.
func (p *params) done(refused string) *apiError {
	for _, full := range slices.Sorted(maps.Keys(p.values)) {
		if p.known[full] {
			continue
		}
		top, _, _ := strings.Cut(full, "[")
		if slices.Contains(strings.Fields(refused), top) {
			return notEmulated(full)
		}
		return invalid("Received unknown parameter: %s", full).with(codeParameterUnknown, full)
	}
	return p.err
}
