package sandbox

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// LoopbackOnly serves requests to this machine from this machine, and refuses
// all others with 403. Every development server that listens on loopback needs
// it: a browser on this machine runs pages of other sites, and such a site can
//
//   - give itself a name that resolves to 127.0.0.1 (DNS rebinding), so that the
//     browser takes this server for a part of the site. The Host header then has
//     that name;
//   - send requests here from its own pages. The browser then sends the site in
//     Origin, or says cross-site in Sec-Fetch-Site.
//
// Following a link from another site is allowed.
func LoopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := checkLoopback(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var (
	errForeignHost = errors.New("the Host header is not a loopback name: use 127.0.0.1 or localhost")
	errForeignPage = errors.New("requests from web pages of other sites are refused")
)

func checkLoopback(r *http.Request) error {
	if !loopbackHost(r.Host) {
		return errForeignHost
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if !LoopbackOrigin(origin) {
			return errForeignPage
		}
		return nil
	}
	// A browser sends no Origin with what a page embeds, such as a script.
	if r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate" {
		return errForeignPage
	}
	return nil
}

// LoopbackOrigin reports whether a web origin, such as http://localhost:3000, is on
// this machine.
func LoopbackOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && loopbackHost(u.Host)
}

// loopbackHost reports whether a host, with or without a port, is localhost, a
// name below it, or an address in 127.0.0.0/8 or ::1. Nobody can register a
// name that ends in .localhost (RFC 6761 §6.3).
func loopbackHost(host string) bool {
	u, err := url.Parse("//" + host)
	if err != nil || u.Host != host || u.User != nil {
		return false
	}
	name := strings.ToLower(u.Hostname())
	return name == "localhost" || strings.HasSuffix(name, ".localhost") || net.ParseIP(name).IsLoopback()
}

// refuseForeignCall refuses a call of Stripe's API in Stripe's form, so that a
// Stripe library shows the reason.
func refuseForeignCall(w http.ResponseWriter, err error) {
	e := apiError{status: http.StatusForbidden, kind: typeInvalid, message: "The sandbox: " + err.Error()}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_, _ = w.Write(encode(e.render(""))) // a caller that has gone needs no answer
}
