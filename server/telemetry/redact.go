package telemetry

import (
	"regexp"
	"strings"
)

// masked stands for a secret in a text.
const masked = "***"

// secretShapes lists what Redact replaces. marker is a text that every match holds, in
// any letter case, so that most texts are passed on without running the expression.
var secretShapes = []struct {
	marker     string
	expression *regexp.Regexp
	with       string
}{
	// A PEM block, whole or cut off. Its line breaks may be lost, or written as \n.
	{"-----begin", regexp.MustCompile(`(?is)-----BEGIN.*?(?:-----END[^-]*-----|\z)`), masked},
	// The DER form of a key in base64, which is a PEM block without its first line.
	{"mii", regexp.MustCompile(`MII[A-Za-z0-9+/=\s\\]{60,}`), masked},
	// Keys of Stripe, wherever they stand.
	{"k_", regexp.MustCompile(`(?i)[sr]k_(?:live|test)_[A-Za-z0-9_]+`), masked},
	{"k_", regexp.MustCompile(`(?i)\b[sr]k_[A-Za-z0-9_]+`), masked},
	{"whsec_", regexp.MustCompile(`(?i)whsec_[A-Za-z0-9_+/=-]+`), masked},
	{"_secret_", regexp.MustCompile(`_secret_[A-Za-z0-9_]+`), "_secret_" + masked},
	// Keys and access tokens of our own.
	{"nest_", regexp.MustCompile(`(?i)\bnest_[A-Za-z0-9_-]{6,}`), masked},
	{"eyj", regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}[A-Za-z0-9_.-]*`), masked},
	{"$argon2", regexp.MustCompile(`\$argon2[a-z]*\$[^\s"]+`), masked},
	{" ", regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "$1 " + masked},
	// What stands before the @ of a URL. A password may hold any character, so the
	// last @ of the line counts.
	{"@", regexp.MustCompile(`://[^\n]*@`), "://" + masked + "@"},
	{"@", regexp.MustCompile(`[^\s/:@"'*]+:[^\s/@"'][^\s@"']*@`), masked + "@"},
	// A password in a query or in a list of settings.
	{"=", regexp.MustCompile(`(?i)(pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|signature|api_?key)=[^\s&;"']+`), "$1=" + masked},
}

// Redact returns the text with everything masked that looks like a secret: PEM blocks,
// keys and webhook secrets of Stripe, client secrets, keys and access tokens of this
// API, password hashes, and passwords in URLs and queries. It is for texts that may
// quote what an operator or a library has put into them. A secret without a shape of
// its own, such as a password that stands alone, is not found: never put one into a
// text.
func Redact(text string) string {
	lower := strings.ToLower(text)
	for _, s := range secretShapes {
		if strings.Contains(lower, s.marker) {
			text = s.expression.ReplaceAllString(text, s.with)
		}
	}
	return text
}
