// Package server is the HTTP edge of Nest Payments. It implements the interface
// that is generated from openapi.yaml.
//
// # The way of a request
//
// chain.go holds what every request passes: panic recovery, request id, security
// headers, the log event, other origins (cors.go), methods of static paths. Then,
// per operation and in this order: the limit of its sender (ratelimit.go), Accept
// (media.go), the access token (identity.go), content type, body and schema
// (admit.go), and the handler (users.go, sessions.go, payments.go). Routes and
// schemas are resolved once, at start. Logins, sign-ups and changes of an email
// address are throttled by their handlers as well, by the address that proxies.go
// finds; new payments and declines by package payments.
//
// # Failures
//
// Whoever fails returns an error; no handler builds an error answer. The one
// table in problem.go says which problem each error is, and problem_render.go
// writes it. Errors that the table does not know are a 500 whose text is
// withheld from the client and logged.
//
// # Types
//
// Wire types come from gen, domain types from store; convert.go maps them.
package server
