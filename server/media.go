package server

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

const jsonType = "application/json"

// acceptsJSON tells whether an answer in JSON suits the request's Accept headers
// (RFC 9110, section 12.5.1). Problems are JSON too, so accepting them will do.
func acceptsJSON(h http.Header) bool {
	ranges := h.Values("Accept")
	if len(ranges) == 0 {
		return true
	}
	for _, r := range strings.Split(strings.Join(ranges, ","), ",") {
		name, params, err := mime.ParseMediaType(r)
		if err != nil {
			continue
		}
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil && q == 0 {
			continue
		}
		switch name {
		case "*/*", "application/*", jsonType, "application/problem+json":
			return true
		}
	}
	return false
}

// isJSON tells whether the request's body says that it is JSON in UTF-8 and not
// compressed.
func isJSON(h http.Header) bool {
	for _, enc := range h.Values("Content-Encoding") {
		if enc != "" && !strings.EqualFold(enc, "identity") {
			return false
		}
	}
	types := h.Values("Content-Type")
	if len(types) != 1 {
		return false
	}
	if types[0] == jsonType { // as nearly everybody spells it
		return true
	}
	name, params, err := mime.ParseMediaType(types[0])
	if err != nil || name != jsonType {
		return false
	}
	charset, given := params["charset"]
	return !given || strings.EqualFold(charset, "utf-8")
}
