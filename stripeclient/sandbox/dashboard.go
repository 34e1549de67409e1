package sandbox

import (
	"bytes"
	"embed"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// pageFiles are the templates of the pages.
//
//go:embed dashboard/*.html
var pageFiles embed.FS

// assetFiles are what the pages load: style, script and icon.
//
//go:embed dashboard/assets
var assetFiles embed.FS

// leadsIn reports whether a browser has come to the sandbox's address. Programs
// get Stripe's answer there.
func leadsIn(r *http.Request) bool {
	return (r.URL.Path == "/" || r.URL.Path == strings.TrimSuffix(controlPrefix, "/")) &&
		(r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Authorization") == "" && strings.Contains(r.Header.Get("Accept"), "text/html")
}

// dashboard serves the pages, and everything else under /_sandbox/ by control.
// They work without a script. The script does one thing: when the sandbox says
// that something has happened, it fetches the page again and puts in what has
// changed.
func (s *Sandbox) dashboard(control http.Handler) http.Handler {
	pages := http.NewServeMux()
	for pattern, look := range map[string]func(*http.Request) (view, error){
		"GET /_sandbox/{$}":            s.overviewPage,
		"GET /_sandbox/payments":       s.paymentsPage,
		"GET /_sandbox/payments/{id}":  s.paymentPage,
		"GET /_sandbox/customers":      s.customersPage,
		"GET /_sandbox/customers/{id}": s.customerPage,
		"GET /_sandbox/charges":        s.chargesPage,
		"GET /_sandbox/charges/{id}":   s.chargePage,
		"GET /_sandbox/events":         s.eventsPage,
		"GET /_sandbox/events/{id}":    s.eventPage,
		"GET /_sandbox/requests":       s.requestsPage,
		"GET /_sandbox/requests/{id}":  s.requestPage,
		"GET /_sandbox/failures":       s.failuresPage,
	} {
		pages.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := look(r)
			if err != nil {
				s.refusePage(w, r, err)
				return
			}
			s.writePage(w, r, http.StatusOK, v)
		})
	}
	for pattern, do := range map[string]func(*http.Request) error{
		"POST /_sandbox/payments/{id}/challenge": s.challengeForm,
		"POST /_sandbox/payments/{id}/settle":    s.settleForm,
		"POST /_sandbox/events/{id}/resend":      s.resendForm,
		"POST /_sandbox/failures":                s.armForm,
		"POST /_sandbox/failures/disarm":         s.disarmForm,
	} {
		pages.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			err := r.ParseForm()
			if err != nil {
				err = fmt.Errorf("%w: the form cannot be read", errBadRequest)
			} else {
				err = do(r)
			}
			if err != nil {
				s.refusePage(w, r, err)
				return
			}
			http.Redirect(w, r, back(r), http.StatusSeeOther) // #nosec G710 -- back is a path under /_sandbox/
		})
	}
	pages.HandleFunc("GET /_sandbox/live", s.live)
	// Where Stripe would let the customer authenticate.
	pages.HandleFunc("GET /_sandbox/payment_intents/{id}/challenge", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/_sandbox/payments/"+url.PathEscape(r.PathValue("id")), http.StatusSeeOther)
	})
	pages.Handle("GET /_sandbox/dashboard/assets/{name}", http.StripPrefix(controlPrefix, http.FileServerFS(assetFiles)))
	safe := guard(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := pages.Handler(r); pattern != "" {
			safe.ServeHTTP(w, r)
			return
		}
		control.ServeHTTP(w, r)
	})
}

// maxForm is the size of the largest form, in bytes.
const maxForm = 64 << 10

// pageHeader goes with every answer of the dashboard. The pages take everything
// from here and nothing from elsewhere, and nobody may frame them.
var pageHeader = map[string]string{
	"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; " +
		"img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy":              "same-origin",
	"X-Content-Type-Options":       "nosniff",
	"Cache-Control":                "no-store",
}

// guard keeps other sites from sending forms and from following the stream. It
// is stricter than LoopbackOnly: another page on this machine is refused too.
func guard(next http.Handler) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range pageHeader {
			w.Header().Set(name, value)
		}
		next.ServeHTTP(w, r)
	})
}

// ownPage reports whether a request comes from a page of the dashboard itself,
// or from no page.
func ownPage(r *http.Request) bool {
	if origin, sent := r.Header["Origin"]; sent {
		_, host, _ := strings.Cut(origin[0], "://")
		return host == r.Host
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "" || site == "none" || site == "same-origin"
}

// writePage renders into memory first: half a page would hide an error.
func (s *Sandbox) writePage(w http.ResponseWriter, r *http.Request, status int, v view) {
	var page bytes.Buffer
	if err := templates.ExecuteTemplate(&page, v.template, s.shell(r, v)); err != nil {
		http.Error(w, "the page cannot be rendered: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(page.Bytes()) // a caller that has gone needs no answer
}

// refusePage says what is wrong, and leads back.
func (s *Sandbox) refusePage(w http.ResponseWriter, r *http.Request, err error) {
	status := controlStatus(err)
	s.writePage(w, r, status, view{title: http.StatusText(status), template: "refusal",
		notice: strings.TrimPrefix(err.Error(), "sandbox: ")})
}

// liveEvery is how often an open page is told to fetch itself at most, and
// heartbeat how often a page that nothing happens to is shown that we are here.
const (
	liveEvery = 200 * time.Millisecond
	heartbeat = 20 * time.Second
)

// live tells a page, by server-sent events, whenever something has happened, and
// once at the beginning, for what happened before it listened.
func (s *Sandbox) live(w http.ResponseWriter, r *http.Request) {
	if !ownPage(r) {
		http.Error(w, errForeignPage.Error(), http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	// wait ends with a change or after a time; open is false when the page or
	// the sandbox has gone.
	wait := func(change <-chan struct{}, most time.Duration) (happened, open bool) {
		timer := time.NewTimer(most)
		defer timer.Stop()
		select {
		case <-change:
			return true, true
		case <-timer.C:
			return false, true
		case <-r.Context().Done():
		case <-s.closing:
		}
		return false, false
	}
	for happened, open := true, true; open; {
		change := s.feed.wait()
		message := ": nothing new\n\n"
		if happened {
			message = "data: changed\n\n"
		}
		if _, err := w.Write([]byte(message)); err != nil || out.Flush() != nil {
			return
		}
		if _, open = wait(nil, liveEvery); open {
			happened, open = wait(change, heartbeat)
		}
	}
}
