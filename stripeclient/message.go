package stripeclient

import (
	"context"
	"errors"
	"io"
	"net"
	"regexp"
	"strings"
	"syscall"
	"unicode"
)

// maxMessage is how much of a message is kept, in bytes.
const maxMessage = 300

// masks replace what must not be logged. Their order matters: what one leaves, the
// next sees.
var masks = []struct {
	shape *regexp.Regexp
	with  string
}{
	{regexp.MustCompile(`(?s)-----BEGIN .*?(-----END [A-Z ]*-----|$)`), "[pem]"},
	{regexp.MustCompile(`[a-z][a-z0-9+.-]*://[^\s"']+@[^\s"']+`), "[url]"},
	{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[^\s"',;]+`), "[token]"},
	{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)*`), "[token]"},
	{regexp.MustCompile(`[^\s"'(]*_secret_[^\s"'),]*`), "[secret]"},
	{regexp.MustCompile(`(?i)(\b[srpe]k|[srpe]k_test|[srpe]k_live|whsec)_[A-Za-z0-9_*.…-]+`), "[key]"},
	{regexp.MustCompile(`("[^"]*"|[^\s"'<>(,;:]+)@[^\s"'<>),;]+`), "[email]"},
	{regexp.MustCompile(`\b[0-9]{1,3}(\.[0-9]{1,3}){3}\b`), "[address]"},
	{regexp.MustCompile(`(?i)[0-9a-f]*:[0-9a-f]*:[0-9a-f:]*[0-9a-f]`), "[address]"},
	{regexp.MustCompile(`[0-9]([ .-]?[0-9]){12,}`), "[digits]"},
	{regexp.MustCompile(`\b[0-9]([ ./()-]{0,2}[0-9]){8,}`), "[digits]"},
}

// personal are the parameters whose value is a person's: Stripe quotes it, behind a
// colon, in forms that no mask foresees.
var personal = regexp.MustCompile(`(?i)email|name|phone|address|shipping|card|number|cvc`)

// redact returns the message that Stripe sends about param, on one line, shortened,
// and without keys, client secrets, tokens, email and IP addresses, and numbers long
// enough to be a card's or a phone's.
func redact(param, message string) string {
	if before, _, quotes := strings.Cut(message, ":"); quotes && personal.MatchString(param) {
		message = before
	}
	if len(message) > 10*maxMessage {
		message = message[:10*maxMessage]
	}
	for _, m := range masks {
		message = m.shape.ReplaceAllLiteralString(message, m.with)
	}
	message = strings.Join(strings.FieldsFunc(message, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsPrint(r)
	}), " ")
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + " ..."
	}
	return message
}

// reason returns in a few words why there is no answer that can be read.
func reason(err error) string {
	var timeout net.Error
	var dns *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return "the caller gave up"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "time-out"
	case errors.As(err, &dns):
		return "the host name cannot be resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the answer was cut short"
	case errors.Is(err, io.EOF):
		return "the connection was closed without an answer"
	}
	return redact("", err.Error())
}
