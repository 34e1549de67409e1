package stripeclient

import (
	"context"
	"crypto/rand"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/customer"
)

// CreateCustomer makes a customer under the idempotency key: 1 to 255 visible
// ASCII characters without space. The user's id goes into the metadata.
func (c *Client) CreateCustomer(ctx context.Context, key string, p CustomerParams) (*Customer, error) {
	const op = "create customer"
	if !isKey(key) {
		return nil, invalid(op, "idempotency_key")
	}
	return c.customer(ctx, op, "", key, func(cus customer.Client, common stripe.Params) (*stripe.Customer, error) {
		return cus.New(p.wire(common))
	})
}

// UpdateCustomer gives the customer our user's email, name and id; what is
// empty stays as it is. It is safe to repeat. KindNotFound for unknown and for
// deleted customers.
func (c *Client) UpdateCustomer(ctx context.Context, id string, p CustomerParams) (*Customer, error) {
	const op = "update customer"
	if !isID("cus_", id) {
		return nil, invalid(op, "customer")
	}
	return c.customer(ctx, op, id, rand.Text(), func(cus customer.Client, common stripe.Params) (*stripe.Customer, error) {
		return cus.Update(id, p.wire(common))
	})
}

// Customer fetches a customer. A deleted one is no error: Deleted is set, and
// nothing but its ID is known. KindNotFound.
func (c *Client) Customer(ctx context.Context, id string) (*Customer, error) {
	const op = "get customer"
	if !isID("cus_", id) {
		return nil, invalid(op, "customer")
	}
	return c.customer(ctx, op, id, "", func(cus customer.Client, common stripe.Params) (*stripe.Customer, error) {
		return cus.Get(id, &stripe.CustomerParams{Params: common})
	})
}

// wire leaves out what is empty: Stripe takes an empty value for an order to
// delete, and refuses it where it cannot obey.
func (p CustomerParams) wire(common stripe.Params) *stripe.CustomerParams {
	w := &stripe.CustomerParams{Params: common}
	if p.Email != "" {
		w.Email = &p.Email
	}
	if p.Name != "" {
		w.Name = &p.Name
	}
	if p.UserID != "" {
		w.AddMetadata(metaUser, p.UserID)
	}
	return w
}

// customer makes a call whose answer is a customer: the one with that id,
// unless id is empty.
func (c *Client) customer(ctx context.Context, op, id, key string,
	send func(customer.Client, stripe.Params) (*stripe.Customer, error),
) (*Customer, error) {
	var cus *stripe.Customer
	_, err := c.do(ctx, request{op: op, key: key, send: func(ctx context.Context, b stripe.Backend) (err error) {
		cus, err = send(customer.Client{B: b, Key: c.key}, params(ctx, key))
		if err == nil && (!isID("cus_", cus.ID) || id != "" && cus.ID != id) {
			err = errUnreadable
		}
		return err
	}})
	if err != nil {
		return nil, err
	}
	return &Customer{
		ID:      cus.ID,
		Email:   cus.Email,
		Name:    cus.Name,
		UserID:  cus.Metadata[metaUser],
		Deleted: cus.Deleted,
	}, nil
}
