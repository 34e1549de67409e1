package telemetry

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// masked stands for a secret in a text.
const masked = "***"

// secretName matches the end of the name of a setting whose value is a secret.
const secretName = `(?:pass(?:word|wd|phrase)?|pwd|secret|token|credentials?|signature|api[_-]?key|access[_-]?key|private[_-]?key)` // #nosec G101 -- a pattern of names

// settingValue matches the value of a setting: in quotation marks, which may be escaped
// and may not end, or up to the next separator.
const settingValue = `(?:\\*"[^"\n]*(?:"|$)|\\*'[^'\n]*(?:'|$)|[^\s&;,"'{}\[\]\\]+)`

// secretShapes lists what Redact replaces. marker is a text that every match holds, in
// any letter case, so that most texts are passed on without running the expression.
// least is the length of the shortest match.
var secretShapes = []struct {
	marker     string
	least      int
	expression *regexp.Regexp
	with       string
}{
	// A PEM block, whole or cut off. Its line breaks may be lost, or written as \n.
	{"-----begin", 0, regexp.MustCompile(`(?is)-----BEGIN.*?(?:-----END[^-]*-----|\z)`), masked},
	// The same in base64. The text may begin with up to two other characters.
	{"ls0tls1crudjti", 0, regexp.MustCompile(`LS0tLS1CRUdJTi[A-Za-z0-9+/=_\s\\-]*`), masked},
	{"0tls0tqkvhsu4", 0, regexp.MustCompile(`[A-Za-z0-9+/_-]{0,3}0tLS0tQkVHSU4[A-Za-z0-9+/=_\s\\-]*`), masked},
	{"tls0tlujfr0lo", 0, regexp.MustCompile(`[A-Za-z0-9+/_-]{0,3}tLS0tLUJFR0lO[A-Za-z0-9+/=_\s\\-]*`), masked},
	// The DER form of a key in base64, which is a PEM block without its first line.
	{"mii", 60, regexp.MustCompile(`MII[A-Za-z0-9+/=,\s\\]{60,}`), masked},
	{"m", 60, regexp.MustCompile(`M[A-P][A-Za-z0-9+/]{56}[A-Za-z0-9+/]*=*(?:(?:\s|,|\\+[nrt])+[A-Za-z0-9+/=]{16,})*={0,2}`), masked},
	// Bytes in hexadecimal digits, as tools print keys.
	{"", 64, regexp.MustCompile(`\b(?:[0-9A-Fa-f]{2}(?:[:,\s]|\\+[nrt])*){31,}[0-9A-Fa-f]{2}\b`), masked},
	// Keys of Stripe, wherever they stand.
	{"k_", 0, regexp.MustCompile(`(?i)[sr]k_(?:live|test)_[A-Za-z0-9_]+`), masked},
	{"k_", 0, regexp.MustCompile(`(?i)\b[sr]k_[A-Za-z0-9_]+`), masked},
	{"whsec_", 0, regexp.MustCompile(`(?i)whsec_[A-Za-z0-9_+/=-]+`), masked},
	{"_secret_", 0, regexp.MustCompile(`_secret_[A-Za-z0-9_]+`), "_secret_" + masked},
	// Keys and access tokens of our own.
	{"nest_", 0, regexp.MustCompile(`(?i)\bnest_[A-Za-z0-9_-]{6,}`), masked},
	{"eyj", 0, regexp.MustCompile(`eyJ[A-Za-z0-9_-]{6,}[A-Za-z0-9_.-]*`), masked},
	{"$argon2", 0, regexp.MustCompile(`\$argon2[a-z]*\$[^\s"]+`), masked},
	{" ", 0, regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "$1 " + masked},
	// What stands before the @ of a URL. A password may hold any character, so the
	// last @ of the line counts. A URL may also be percent-encoded, even twice.
	{"@", 0, regexp.MustCompile(`://[^\n]*@`), "://" + masked + "@"},
	{"40", 0, regexp.MustCompile(`(?i)((?::|%(?:25)*3A)(?:/|%(?:25)*2F){2})[^\s]*(%(?:25)*40)`), "${1}" + masked + "${2}"},
	{"@", 0, regexp.MustCompile(`[^\s/:@"'*]+:[^\s/@"'][^\s@"']*@`), masked + "@"},
	// A password in a query, in JSON, or in a list of settings. Go's errors write a cause
	// after a colon, so there "token: " and the like stay.
	{"=", 0, regexp.MustCompile(`(?im)(` + secretName + `\\*["']?[ \t]*=[ \t]*)` + settingValue), "${1}" + masked},
	{":", 0, regexp.MustCompile(`(?im)(` + secretName + `\\*["'][ \t]*:[ \t]*)` + settingValue), "${1}" + masked},
	{":", 0, regexp.MustCompile(`(?im)((?:passw(?:or)?d|passphrase|pwd|api[_-]?key)[ \t]*:[ \t]*)` + settingValue), "${1}" + masked},
	{"3d", 0, regexp.MustCompile(`(?i)(` + secretName + `%(?:25)*3D)[^\s&;,"'{}]+`), "${1}" + masked},
	{"key=", 0, regexp.MustCompile(`(?i)([?&]key=)[^\s&;"']+`), "${1}" + masked},
	// A value that a parser quotes because it cannot read it.
	{`"`, 0, regexp.MustCompile(`(\b(?:pars(?:e|ing)|but got|invalid duration|level string) )\\*"[^\n]*"`), "${1}" + masked},
}

// Redact returns the text with everything masked that looks like a secret: PEM blocks
// and other forms of a private key, keys and webhook secrets of Stripe, client secrets,
// keys and access tokens of this API, password hashes, and passwords in URLs, queries
// and settings. It is for texts that may quote what an operator or a library has put
// into them. A secret without a shape of its own, such as a password that stands alone,
// is not found: never put one into a text. The result is text that is safe to print on
// a terminal: see printable.
func Redact(text string) string {
	// Shapes are looked for before and after: a byte that is not UTF-8 may hide the
	// beginning of one, and a control character may divide one.
	return maskShapes(printable(maskShapes(text)))
}

func maskShapes(text string) string {
	lower := strings.ToLower(text)
	for _, s := range secretShapes {
		if len(text) >= s.least && strings.Contains(lower, s.marker) {
			text = s.expression.ReplaceAllString(text, s.with)
		}
	}
	return text
}

// printable masks each line from its first byte that is not UTF-8, which may belong to a
// key in binary form, and replaces every control character but line breaks and tabs.
func printable(text string) string {
	if !utf8.ValidString(text) {
		lines := strings.SplitAfter(text, "\n")
		for i, line := range lines {
			lines[i] = maskBinary(line)
		}
		text = strings.Join(lines, "")
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}

// maskBinary masks a line from its first byte that is not UTF-8.
func maskBinary(line string) string {
	for i, r := range line {
		if _, size := utf8.DecodeRuneInString(line[i:]); r != utf8.RuneError || size != 1 {
			continue
		}
		end := ""
		if strings.HasSuffix(line, "\n") {
			end = "\n"
		}
		return line[:i] + masked + end
	}
	return line
}
