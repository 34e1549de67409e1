package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"

	"github.com/getkin/kin-openapi/openapi3"
)

// object is a message of Envoy's API, as JSON.
type object = map[string]any

// settings is the x-envoy extension of the document.
type settings struct {
	// Listen is the address to listen on, HOST:PORT.
	Listen string `json:"listen"`
	// Issuer and Audience are the iss and aud that access tokens must have.
	Issuer   string `json:"issuer"`
	Audience string `json:"audience"`
	// JWKS is the path of the key set at the server.
	JWKS string `json:"jwks"`
}

// envoy writes the bootstrap configuration of an Envoy that listens, verifies access
// tokens and routes as the document says.
func envoy(document []byte) ([]byte, error) {
	spec, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, fmt.Errorf("read the document: %w", err)
	}
	var s settings
	raw, err := json.Marshal(spec.Extensions["x-envoy"])
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return nil, fmt.Errorf("read x-envoy: %w", err)
	}
	if s.Issuer == "" || s.Audience == "" || s.JWKS == "" {
		return nil, errors.New("x-envoy: issuer, audience and jwks are required")
	}
	server, err := url.Parse(spec.Servers[0].URL)
	if err != nil {
		return nil, fmt.Errorf("the address of the servers: %w", err)
	}
	if server.Scheme != "http" || server.Port() == "" || server.Path != "" {
		return nil, fmt.Errorf("the address of the servers is %s: write it like http://HOST:PORT", server)
	}
	listen, err := address(s.Listen)
	if err != nil {
		return nil, fmt.Errorf("x-envoy: listen: %w", err)
	}
	upstream, err := address(server.Host)
	if err != nil {
		return nil, fmt.Errorf("the address of the servers: %w", err)
	}
	return json.MarshalIndent(object{"static_resources": object{
		"listeners": []any{object{
			"name": "api", "address": listen,
			"filter_chains": []any{object{"filters": []any{object{
				"name": "envoy.filters.network.http_connection_manager", "typed_config": manager(spec, s, server),
			}}}},
		}},
		"clusters": []any{cluster(upstream)},
	}}, "", "  ")
}

// manager takes the requests of clients.
func manager(spec *openapi3.T, s settings, server *url.URL) object {
	return object{
		"@type":       "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
		"stat_prefix": "api",
		// The address of the connection goes to the end of X-Forwarded-For, where
		// the server's TRUSTED_PROXIES look for it.
		"use_remote_address": true,
		// Envoy and the server must see the same path.
		"normalize_path":                   true,
		"path_with_escaped_slashes_action": "REJECT_REQUEST",
		"common_http_protocol_options":     object{"headers_with_underscores_action": "REJECT_REQUEST", "idle_timeout": "120s"},
		"request_headers_timeout":          "10s",
		"request_timeout":                  "30s",
		"server_header_transformation":     "PASS_THROUGH",
		"local_reply_config":               problems(),
		"http_filters": []any{
			object{"name": "envoy.filters.http.jwt_authn", "typed_config": verifier(s, server)},
			object{"name": "envoy.filters.http.router", "typed_config": object{
				"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router", "suppress_envoy_headers": true,
			}},
		},
		"route_config": object{"virtual_hosts": []any{object{"name": "api", "domains": []any{"*"}, "routes": routes(spec)}}},
	}
}

// tokenRule is what routes that are not public name.
const tokenRule = "access_token"

// verifier verifies access tokens as server/auth does. Users that are gone are left
// to the server.
func verifier(s settings, server *url.URL) object {
	keys := url.URL{Scheme: server.Scheme, Host: server.Host, Path: s.JWKS}
	return object{
		"@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.JwtAuthentication",
		"providers": object{tokenRule: object{
			"issuer": s.Issuer, "audiences": []any{s.Audience},
			"require_expiration": true, "clock_skew_seconds": 30,
			"from_headers": []any{object{"name": "Authorization", "value_prefix": "Bearer "}},
			"forward":      true, // the server verifies again
			"remote_jwks": object{
				"http_uri":       object{"uri": keys.String(), "cluster": "servers", "timeout": "5s"},
				"cache_duration": "300s",
				"async_fetch":    object{},
				"retry_policy":   object{"num_retries": 5},
			},
		}},
		"requirement_map": object{tokenRule: object{"provider_name": tokenRule}},
	}
}

func cluster(upstream object) object {
	return object{
		"name": "servers", "type": "STRICT_DNS", "connect_timeout": "5s",
		"load_assignment": object{"cluster_name": "servers", "endpoints": []any{object{
			"lb_endpoints": []any{object{"endpoint": object{"address": upstream}}},
		}}},
	}
}

func address(hostPort string) (object, error) {
	host, port, err := net.SplitHostPort(hostPort)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, err
	}
	return object{"socket_address": object{"address": host, "port_value": number}}, nil
}
