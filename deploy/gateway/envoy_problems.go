package main

// problems turns Envoy's own responses into problems of the contract, so that clients
// need not know about Envoy.
func problems() object {
	const (
		requestID    = "%REQ(X-REQUEST-ID)%"
		invalidToken = "Send the access token exactly as the login returned it. If you did, log in again."
	)
	return object{"mappers": []any{
		problem(token("Jwt_is_expired"), requestID, 401, "token_expired", "The access token has expired", "Log in again and send the new access token."),
		problem(token("Jwt_is_missing"), requestID, 401, "unauthenticated", "An access token is required", "Log in and send the access token."),
		problem(status("EQ", 401), requestID, 401, "token_invalid", "The access token is not valid", invalidToken),
		// A token for another audience.
		problem(status("EQ", 403), requestID, 401, "token_invalid", "The access token is not valid", invalidToken),
		problem(status("EQ", 404), requestID, 404, "not_found", "Not found", "There is no such path."),
		problem(status("EQ", 413), requestID, 413, "body_too_large", "The body is too large", "Send a smaller body."),
		problem(status("GE", 500), requestID, 503, "outcome_unknown", "The outcome is not known yet", "Send the same request again after Retry-After."),
		// Envoy refuses malformed HTTP before it gives the request an id.
		problem(status("GE", 400), "none", 400, "invalid_request", "The gateway refused the request", "Correct the request and send it again."),
	}}
}

// status is the filter for replies whose status compares to code by op, EQ or GE.
func status(op string, code int) object {
	return object{"status_code_filter": object{"comparison": object{
		"op": op, "value": object{"default_value": code, "runtime_key": "none"},
	}}}
}

// token is the filter for replies to a request whose token Envoy refuses with this
// status of its JWT filter.
func token(jwtStatus string) object {
	return object{"extension_filter": object{
		"name": "envoy.access_loggers.extension_filters.cel",
		"typed_config": object{
			"@type":      "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
			"expression": "response.code_details == 'jwt_authn_access_denied{" + jwtStatus + "}'",
		},
	}}
}

func problem(filter object, id string, status int, code, title, detail string) object {
	headers := []any{header("X-Request-Id", id), header("Cache-Control", "no-store")}
	if status == 503 {
		headers = append(headers, header("Retry-After", "2"))
	}
	return object{
		"filter": filter, "status_code": status,
		"body_format_override": object{
			"json_format": object{
				"type": "https://nest-payments.dev/problems/" + code, "title": title, "status": status,
				"detail": detail, "instance": id, "code": code,
			},
			"content_type": "application/problem+json",
		},
		"headers_to_add": headers,
	}
}

func header(name, value string) object {
	return object{"header": object{"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
}
