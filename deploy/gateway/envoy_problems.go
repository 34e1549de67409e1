package main

// problems makes what Envoy answers by itself a problem of the contract, so that
// clients need not know that there is an Envoy.
func problems() object {
	const requestID = "%REQ(X-REQUEST-ID)%"
	return object{"mappers": []any{
		problem(expired(), requestID, 401, "token_expired", "The access token has expired", "Log in again and send the new access token."),
		problem(status("EQ", 401), requestID, 401, "unauthenticated", "Not logged in", "Send a valid access token."),
		// Its answer to a token for another audience.
		problem(status("EQ", 403), requestID, 401, "unauthenticated", "Not logged in", "Send a valid access token."),
		problem(status("EQ", 404), requestID, 404, "not_found", "Not found", "There is no such path."),
		problem(status("EQ", 413), requestID, 413, "body_too_large", "The body is too large", "Send a smaller body."),
		problem(status("GE", 500), requestID, 503, "outcome_unknown", "The outcome is not known yet", "Send the same request again after Retry-After."),
		// What is no HTTP that Envoy likes is refused before it has been given an id.
		problem(status("GE", 400), "none", 400, "invalid_request", "The gateway refused the request", "Mend the request and send it again."),
	}}
}

// status is the filter for replies whose status compares to code by op, EQ or GE.
func status(op string, code int) object {
	return object{"status_code_filter": object{"comparison": object{
		"op": op, "value": object{"default_value": code, "runtime_key": "none"},
	}}}
}

// expired is the filter for replies to a token that is past its time.
func expired() object {
	return object{"extension_filter": object{
		"name": "envoy.access_loggers.extension_filters.cel",
		"typed_config": object{
			"@type":      "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter",
			"expression": "response.code_details == 'jwt_authn_access_denied{Jwt_is_expired}'",
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
