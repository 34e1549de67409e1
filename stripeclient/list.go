package stripeclient

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/stripe/stripe-go/v76"
	"github.com/stripe/stripe-go/v76/form"
)

// maxPage is the largest page that Stripe lists.
// Source: https://docs.stripe.com/api/pagination
const maxPage = 100

// page is one page of a list, newest first.
type page[T any] struct {
	stripe.APIResource
	Object  string `json:"object"`
	HasMore bool   `json:"has_more"`
	Data    []T    `json:"data"`
}

// list fetches one page, or its first half, quarter and so on if an answer is too
// large: then the limit in the query stays at that for the pages that follow.
func list[T any](ctx context.Context, c *Client, op, path string, query stripe.ListParamsContainer, valid func(T) bool) (*page[T], error) {
	limit := query.GetListParams().Limit
	for {
		p, err := listOnce(ctx, c, op, path, query, valid)
		if *limit == 1 || !errors.Is(err, errTooLarge) {
			return p, err
		}
		*limit /= 2
	}
}

// listOnce asks for one page. It does not use stripe-go's iterators: they take any
// JSON object for an empty list, and after an empty list a new intent
// may be created.
func listOnce[T any](ctx context.Context, c *Client, op, path string, query stripe.ListParamsContainer, valid func(T) bool) (*page[T], error) {
	values := &form.Values{}
	form.AppendTo(values, query)
	var p *page[T]
	_, err := c.do(ctx, request{op: op, send: func(ctx context.Context, b stripe.Backend) error {
		common := params(ctx, "")
		p = &page[T]{}
		if err := b.CallRaw(http.MethodGet, path, c.key, values, &common, p); err != nil {
			return err
		}
		isPage := p.Object == "list" && p.Data != nil && (len(p.Data) > 0 || !p.HasMore)
		if !isPage || slices.ContainsFunc(p.Data, func(v T) bool { return !valid(v) }) {
			return errUnreadable
		}
		return nil
	}})
	return p, err
}
