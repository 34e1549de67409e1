package sandbox

import (
	"net/http"
	"reflect"
	"strings"
)

// customerParams reads what create and update have in common into customer.
func (c *call) customerParams(customer *Customer) {
	for _, f := range []struct {
		name  string
		limit int
		field *string
	}{
		{"email", 512, &customer.Email},
		{"name", 256, &customer.Name},
		{"description", 5000, &customer.Description},
		{"phone", 20, &customer.Phone},
	} {
		if value, ok := c.text(f.name, f.limit); ok {
			*f.field = value
		}
	}
	customer.Metadata = c.metadata(customer.Metadata)
	if !validEmail(customer.Email) {
		c.fail(invalid("Invalid email address: %s", customer.Email).with("email_invalid", "email"))
	}
}

// validEmail is no stricter than Stripe: something on both sides of an @.
func validEmail(email string) bool {
	local, domain, ok := strings.Cut(email, "@")
	return email == "" || ok && local != "" && domain != "" && !strings.ContainsAny(email, " \t\r\n")
}

func (c *call) createCustomer() work {
	customer := Customer{ID: newID("cus_"), Created: c.at}
	c.customerParams(&customer)
	return func() (object, *apiError) {
		c.state.customers.put(customer.ID, customer)
		c.emit(c.cause, "customer.created", customer.render(), nil)
		return customer.render(), nil
	}
}

// liveCustomer finds the customer of the path.
func (c *call) liveCustomer() (Customer, *apiError) {
	customer, ok := c.state.customers.get(c.id)
	if !ok || customer.Deleted {
		return customer, missingInPath("customer", c.id, "id")
	}
	return customer, nil
}

func (c *call) retrieveCustomer() work {
	return func() (object, *apiError) {
		customer, ok := c.state.customers.get(c.id)
		if !ok {
			return nil, missingInPath("customer", c.id, "id")
		}
		return customer.render(), nil
	}
}

func (c *call) updateCustomer() work {
	// The parameters are checked before it is known what they change.
	var scratch Customer
	c.customerParams(&scratch)
	return func() (object, *apiError) {
		customer, e := c.liveCustomer()
		if e != nil {
			if customer.Deleted {
				e.status = http.StatusBadRequest // 404 is for ids that never were
			}
			return nil, e
		}
		before := customer.render()
		c.customerParams(&customer)
		if c.err != nil {
			return nil, c.err // too much metadata together with the old
		}
		c.state.customers.put(customer.ID, customer)
		if previous := differences(before, customer.render()); len(previous) > 0 {
			c.emit(c.cause, "customer.updated", customer.render(), previous)
		}
		return customer.render(), nil
	}
}

// differences returns the old values of the properties that changed. Within
// metadata only the keys that changed are shown, null for new ones.
func differences(before, after object) object {
	changed := object{}
	for name, old := range before {
		if reflect.DeepEqual(old, after[name]) {
			continue
		}
		changed[name] = old
		if was, ok := old.(map[string]string); ok {
			is := after[name].(map[string]string)
			keys := object{}
			for key, value := range was {
				if is[key] != value {
					keys[key] = value
				}
			}
			for key := range is {
				if _, ok := was[key]; !ok {
					keys[key] = nil
				}
			}
			changed[name] = keys
		}
	}
	return changed
}

func (c *call) deleteCustomer() work {
	return func() (object, *apiError) {
		customer, e := c.liveCustomer()
		if e != nil {
			return nil, e
		}
		c.emit(c.cause, "customer.deleted", customer.render(), nil)
		for _, id := range c.state.methods.ids {
			if method := c.state.methods.rows[id]; method.Customer == customer.ID {
				method.Customer, method.Spent = "", true
				c.state.methods.put(id, method)
			}
		}
		deleted := Customer{ID: customer.ID, Created: customer.Created, Deleted: true}
		c.state.customers.put(customer.ID, deleted)
		return deleted.render(), nil
	}
}

func (c *call) listCustomers() work {
	p, created := c.page(), c.span("created")
	email := c.filled("email") // compared letter by letter
	return func() (object, *apiError) {
		keep := func(customer Customer) bool {
			return !customer.Deleted && created.has(customer.Created) && (email == "" || customer.Email == email)
		}
		return listOf(c, c.state.customers, "customer", p, keep, Customer.render)
	}
}

func (customer Customer) render() object {
	if customer.Deleted {
		return object{"id": customer.ID, "object": "customer", "deleted": true}
	}
	return object{
		"id": customer.ID, "object": "customer", "address": nil, "balance": 0, "created": customer.Created,
		"currency": nil, "default_source": nil, "delinquent": false, "description": orNull(customer.Description),
		"discount": nil, "email": orNull(customer.Email), "invoice_prefix": strings.ToUpper(customer.ID[len(customer.ID)-8:]),
		"invoice_settings": object{"custom_fields": nil, "default_payment_method": nil, "footer": nil, "rendering_options": nil},
		"livemode":         false, "metadata": customer.Metadata, "name": orNull(customer.Name), "next_invoice_sequence": 1,
		"phone": orNull(customer.Phone), "preferred_locales": []string{}, "shipping": nil, "tax_exempt": "none", "test_clock": nil,
	}
}

// orNull is what Stripe sends for a string that may be absent.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
