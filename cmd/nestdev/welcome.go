package main

import (
	"bytes"
	"io"
	"net"
	"text/template"
)

// welcome is what nestdev prints once everything runs. The tour is a short form of
// the README's and can be run any number of times.
var welcome = template.Must(template.New("welcome").Parse(`
Nest Payments is running. Stop it with Ctrl-C; everything is still there next time.

  API       {{.URL}}
  Docs      {{.URL}}/docs   (try every request from the page)
  Spec      {{.URL}}/openapi.yaml
  Sandbox   {{.Sandbox}}   (in the place of Stripe: nothing here costs money)
  Dashboard {{.Sandbox}}/_sandbox/   (what Stripe would have done, and how to make it fail)
  Key       {{.Key}}   (the sandbox's, in place of a secret key of Stripe)
  Admin     {{.Email}}   password: {{.Password}}

A tour, in another terminal:

  URL={{.URL}}
  EMAIL=ada-$(od -An -N4 -tx1 /dev/urandom | tr -d ' \n')@example.com
  TOKEN=$(curl -s $URL/user/register -H 'Content-Type: application/json' \
    -d "{\"userName\":\"Ada Lovelace\",\"email\":\"$EMAIL\",\"password\":\"correct horse\"}" \
    | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  CUID=$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
  ID=$(curl -s $URL/payment -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
    -d "{\"cuid\":\"$CUID\"}" | sed 's/.*"id":"\([^"]*\)".*/\1/')
  curl -s $URL/payment/confirm -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
    -d "{\"cuid\":\"$CUID\",\"paymentId\":\"$ID\",\"paymentMethodId\":\"pm_card_visa\"}"
  curl -s $URL/payment -H "Authorization: Bearer $TOKEN"

`))

func printWelcome(w io.Writer, api, sandbox net.Addr, key string, data *folder) error {
	var text bytes.Buffer
	err := welcome.Execute(&text, map[string]string{
		"URL": "http://" + api.String(), "Sandbox": "http://" + sandbox.String(), "Key": key,
		"Email": adminEmail, "Password": data.AdminPassword,
	})
	// A terminal that cannot be written to is no reason not to serve.
	_, _ = w.Write(text.Bytes())
	return err
}
