package main

import (
	"context"
	"errors"

	"github.com/nestpayments/nestpayments/server"
	"github.com/nestpayments/nestpayments/store"
)

// ensureAdmin registers the ready-made admin as anybody would, and makes it one.
func ensureAdmin(ctx context.Context, srv *server.Server, db store.Store, data *folder) error {
	u, err := db.UserByEmail(ctx, adminEmail)
	if errors.Is(err, store.ErrNotFound) {
		u, err = srv.Register(ctx, "Admin", adminEmail, data.AdminPassword)
	}
	if err != nil || u.Admin {
		return err
	}
	u.Admin = true
	return db.UpdateUser(ctx, u)
}
