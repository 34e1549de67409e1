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

// pageFor returns the path under /_sandbox/ of what a browser asks the address of
// the sandbox for: the dashboard, and the icon, which browsers ask every server
// for. It is "" for programs, which get Stripe's answer.
func pageFor(r *http.Request) string {
	if (r.Method != http.MethodGet && r.Method != http.MethodHead) || r.Header.Get("Authorization") != "" {
		return ""
	}
	switch r.URL.Path {
	case "/favicon.ico":
		return iconPath
	case "/", strings.TrimSuffix(controlPrefix, "/"):
		if strings.Contains(r.Header.Get("Accept"), "text/html") {
			return controlPrefix
		}
	}
	return ""
}

// iconPath is where the icon of the pages is.
const iconPath = controlPrefix + "dashboard/assets/icon.svg"

// dashboard serves the pages, and passes everything else under /_sandbox/ to
// control. The pages work without scripts. With them they change when something
// happens in the sandbox, and have buttons that copy.
func (s *Sandbox) dashboard(control http.Handler) http.Handler {
	pages := http.NewServeMux()
	s.handlePages(pages)
	s.handleForms(pages)
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

func (s *Sandbox) handlePages(mux *http.ServeMux) {
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
		"GET /_sandbox/search":         s.searchPage,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v, err := look(r)
			switch {
			case err != nil:
				s.refusePage(w, r, err)
			case v.redirect != "":
				http.Redirect(w, r, v.redirect, http.StatusSeeOther)
			default:
				s.writePage(w, r, http.StatusOK, v)
			}
		})
	}
}

// handleForms redirects to the page that a form came from, once it is done.
func (s *Sandbox) handleForms(mux *http.ServeMux) {
	for pattern, do := range map[string]func(*http.Request) error{
		"POST /_sandbox/payments/{id}/challenge": s.challengeForm,
		"POST /_sandbox/payments/{id}/settle":    s.settleForm,
		"POST /_sandbox/events/{id}/resend":      s.resendForm,
		"POST /_sandbox/failures":                s.armForm,
		"POST /_sandbox/failures/disarm":         s.disarmForm,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
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
}

// maxForm is the size of the largest form, in bytes.
const maxForm = 64 << 10

// pageHeader is sent with every response of the dashboard. The pages load
// everything from here and nothing from elsewhere, and cannot be framed.
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

// refusePage renders an error, with a link back.
func (s *Sandbox) refusePage(w http.ResponseWriter, r *http.Request, err error) {
	status := controlStatus(err)
	s.writePage(w, r, status, view{title: http.StatusText(status), template: "refusal",
		notice: strings.TrimPrefix(err.Error(), "sandbox: ")})
}

// liveEvery is the shortest time between two messages to an open page. heartbeat
// is the longest, so that a page notices that the sandbox is gone.
const (
	liveEvery = 200 * time.Millisecond
	heartbeat = 20 * time.Second
)

// live sends a page a server-sent event whenever something has happened, and one
// at the beginning, for what happened before it listened.
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
