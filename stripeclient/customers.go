package stripeclient

import (
	"context"
	"crypto/rand"
	"time"

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

// FindCustomer looks through all customers made since then, by Stripe's clock
// and newest first, for one with our user's id in its metadata. Deleted ones
// are not found. Unlike Stripe's search, the list is never behind.
//
// KindNotFound with Param "customer" if there is none.
func (c *Client) FindCustomer(ctx context.Context, userID string, since time.Time) (*Customer, error) {
	const op = "find customer"
	if userID == "" {
		return nil, invalid(op, "user")
	}
	ctx, cancel := c.bound(ctx)
	defer cancel()
	query := &stripe.CustomerListParams{CreatedRange: &stripe.RangeQueryParams{GreaterThanOrEqual: since.Unix()}}
	query.Limit = stripe.Int64(maxPage)
	for {
		page, err := list(ctx, c, op, "/v1/customers", query, isListed)
		if err != nil {
			return nil, err
		}
		for _, cus := range page.Data {
			if cus.Metadata[metaUser] == userID && isCustomer(cus) {
				return customerOf(cus), nil
			}
		}
		if !page.HasMore {
			return nil, &Error{Kind: KindNotFound, Op: op, Param: "customer"}
		}
		query.StartingAfter = &page.Data[len(page.Data)-1].ID
	}
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
		if err == nil && (!isCustomer(cus) || id != "" && cus.ID != id) {
			err = errUnreadable
		}
		return err
	}})
	if err != nil {
		return nil, err
	}
	return customerOf(cus), nil
}

// isListed reports whether an item of a list is a customer, also one with an id of
// its own making, as old accounts have.
func isListed(cus *stripe.Customer) bool {
	return cus != nil && cus.ID != "" && cus.Object == "customer"
}

// isCustomer reports whether an answer is a customer as the API promises.
func isCustomer(cus *stripe.Customer) bool {
	return cus != nil && isID("cus_", cus.ID)
}

func customerOf(cus *stripe.Customer) *Customer {
	return &Customer{
		ID:      cus.ID,
		Email:   cus.Email,
		Name:    cus.Name,
		UserID:  cus.Metadata[metaUser],
		Deleted: cus.Deleted,
	}
}
