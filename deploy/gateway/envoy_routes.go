package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// routes has one route for every operation, and behind those of a path one for its
// other methods: the server answers them with 405 and Allow, or as preflights, and
// neither needs a token. Paths without parameters come first: /user/login is not a
// user of that id. Whatever else is asked for, the server never sees.
func routes(spec *openapi3.T) []any {
	paths := slices.SortedFunc(maps.Keys(spec.Paths.Map()), func(a, b string) int {
		if at, bt := strings.Count(a, "{"), strings.Count(b, "{"); at != bt {
			return at - bt
		}
		return strings.Compare(a, b)
	})
	var list []any
	for _, path := range paths {
		operations := spec.Paths.Value(path).Operations()
		for _, method := range slices.Sorted(maps.Keys(operations)) {
			list = append(list, route(spec, path, method, operations[method]))
		}
		list = append(list, object{
			"name": "any " + path, "match": match(path), "route": object{"cluster": "servers", "timeout": "35s"},
		})
	}
	return append(list, object{"name": "none", "match": object{"prefix": "/"}, "direct_response": object{"status": 404}})
}

func route(spec *openapi3.T, path, method string, operation *openapi3.Operation) object {
	m := match(path)
	m["headers"] = []any{object{"name": ":method", "string_match": object{"exact": method}}}
	r := object{
		"name": method + " " + path, "match": m,
		// The server ends a request after 30 seconds. Clients repeat, not Envoy.
		"route": object{"cluster": "servers", "timeout": "35s"},
	}
	security := operation.Security
	if security == nil {
		security = &spec.Security
	}
	if len(*security) > 0 {
		r["typed_per_filter_config"] = object{"envoy.filters.http.jwt_authn": object{
			"@type":            "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig",
			"requirement_name": tokenRule,
		}}
	}
	return r
}

// match takes the path as OpenAPI means it: a parameter is one segment.
func match(path string) object {
	if !strings.Contains(path, "{") {
		return object{"path": path}
	}
	return object{"path_match_policy": object{
		"name": "envoy.path.match.uri_template.uri_template_matcher",
		"typed_config": object{
			"@type":         "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
			"path_template": path,
		},
	}}
}
