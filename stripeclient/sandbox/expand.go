package sandbox

import (
	"slices"
	"strings"
)

// expandable names, per type of object, the properties that can be expanded
// and the type that they expand to.
var expandable = map[string]map[string]string{
	"payment_intent": {"customer": "customer", "payment_method": "payment_method", "latest_charge": "charge"},
	"payment_method": {"customer": "customer"},
	"charge":         {"customer": "customer", "payment_intent": "payment_intent"},
}

// expansions reads expand[]. In lists a name begins with "data.".
func (c *call) expansions() []string {
	if c.route.returns == "" {
		return nil
	}
	names := c.list("expand")
	for i, name := range names {
		inner, inData := strings.CutPrefix(name, "data.")
		if inData != c.route.list || !canExpand(c.route.returns, inner) {
			c.fail(invalid("This property cannot be expanded (%s).", name).with("", "expand"))
		}
		names[i] = inner
	}
	slices.Sort(names) // "a" before "a.b"
	return names
}

// canExpand reports whether every step of the dotted name can be expanded. Stripe
// goes four levels deep.
func canExpand(kind, name string) bool {
	steps := strings.Split(name, ".")
	for _, step := range steps {
		if kind = expandable[kind][step]; kind == "" {
			return false
		}
	}
	return len(steps) <= 4
}

// expand replaces the id that name leads to by its object, in body, which is
// an object of the given type or a list of such.
func (st *state) expand(body object, kind, name string) {
	if data, ok := body["data"].([]object); ok {
		for _, o := range data {
			st.expand(o, kind, name)
		}
		return
	}
	first, rest, more := strings.Cut(name, ".")
	if id, ok := body[first].(string); ok {
		body[first] = st.find(expandable[kind][first], id)
	}
	if inner, ok := body[first].(object); ok && more {
		st.expand(inner, expandable[kind][first], rest)
	}
}

// find renders an object that another one refers to.
func (st *state) find(kind, id string) object {
	switch kind {
	case "customer":
		customer, _ := st.customers.get(id)
		return customer.render()
	case "payment_method":
		method, _ := st.methods.get(id)
		return method.render()
	case "charge":
		charge, _ := st.charges.get(id)
		return st.renderCharge(charge)
	default:
		intent, _ := st.intents.get(id)
		return st.renderIntent(intent)
	}
}
