package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Lengths in bytes of UTF-8.
// Source: RFC 5321, section 4.5.3.1 (a path of 256 has angle brackets); RFC
// 1035, section 2.3.4.
const (
	maxEmailBytes = 254
	maxLocalBytes = 64
	maxLabelBytes = 63
)

// NewEmail is NormalizeEmail for an address that a user is about to get. It also
// refuses a local part with characters beyond ASCII, code email_ascii: few mail
// servers accept one, Stripe does not document that it does, and clients that
// validate `format: email` cannot read it. Users who have such an address keep it
// and log in with it.
func NewEmail(raw string) (email, key string, err error) {
	email, key, err = NormalizeEmail(raw)
	if err != nil {
		return "", "", err
	}
	local, _, _ := strings.Cut(email, "@")
	if strings.ContainsFunc(local, func(r rune) bool { return r > unicode.MaxASCII }) {
		return "", "", refuseEmail("email_ascii", "the part of the email before the @ has letters outside a to z: use an address without them")
	}
	return email, key, nil
}

// NormalizeEmail returns the address as written, without surrounding white
// space, and the key under which it is unique: folded local part, ASCII domain.
// The key of a key is the key itself. Dots and plus signs are kept.
//
// An *InputError if the address cannot be used, with one of the codes
// email_encoding, email_character, email_no_at, email_many_at, email_quoted,
// email_local, email_domain, email_long.
func NormalizeEmail(raw string) (email, key string, err error) {
	email = strings.TrimSpace(raw)
	if !utf8.ValidString(email) {
		return "", "", refuseEmail("email_encoding", "the email is not valid UTF-8: send it as UTF-8 text")
	}
	composed := norm.NFC.String(email)
	if len(composed) > maxEmailBytes {
		return "", "", errEmailLong()
	}
	local, domain, err := splitEmail(composed)
	if err != nil {
		return "", "", err
	}
	if err := checkLocal(local); err != nil {
		return "", "", err
	}
	ascii, err := asciiDomain(domain)
	if err != nil {
		return "", "", err
	}
	folded := fold(local)
	// Folding can lengthen: the key must be an address too.
	if len(local) > maxLocalBytes || len(folded) > maxLocalBytes {
		return "", "", refuseEmail("email_local", "the part of the email before the @ is too long: it may have 64 bytes")
	}
	key = folded + "@" + ascii
	if len(key) > maxEmailBytes {
		return "", "", errEmailLong()
	}
	return email, key, nil
}

func errEmailLong() error {
	return refuseEmail("email_long", "the email is too long: it may have 254 bytes")
}

// splitEmail cuts at the only @.
func splitEmail(email string) (local, domain string, err error) {
	if strings.ContainsFunc(email, func(r rune) bool { return !visible(r) }) {
		return "", "", refuseEmail("email_character", "the email has a space, a control or an invisible character: type it by hand")
	}
	if strings.Contains(email, `"`) {
		return "", "", refuseEmail("email_quoted", "the email has quotation marks, which are not supported: use another address")
	}
	local, domain, found := strings.Cut(email, "@")
	if !found {
		return "", "", refuseEmail("email_no_at", "the email has no @: write it like name@example.com")
	}
	if strings.Contains(domain, "@") {
		return "", "", refuseEmail("email_many_at", "the email has more than one @: write it like name@example.com")
	}
	return local, domain, nil
}

// checkLocal takes a dot-string of atoms, which may hold any visible character
// beyond ASCII.
// Source: RFC 5321, section 4.1.2; RFC 5322, section 3.2.3; RFC 6531, section
// 3.3.
func checkLocal(local string) error {
	if local == "" {
		return refuseEmail("email_local", "the email has nothing before the @: write it like name@example.com")
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return refuseEmail("email_local", "the part of the email before the @ starts or ends with a dot, or has two in a row: check the dots")
	}
	if strings.ContainsAny(local, `()<>[]:;\,`) {
		return refuseEmail("email_local", `the part of the email before the @ has one of ( ) < > [ ] : ; \ and comma: give the bare address`)
	}
	return nil
}

// asciiDomain returns the name that DNS would look up, in lower case.
// Source: RFC 5891, section 5; UTS 46; RFC 1123, section 2.1.
func asciiDomain(domain string) (string, error) {
	if strings.HasPrefix(domain, "[") {
		return "", refuseEmail("email_domain", "the email has an IP address after the @: use a domain name, like example.com")
	}
	// UTS 46 maps the capital sharp s to "ss" up to version 15.0 and to "ß"
	// since, the small one to itself: the key must not follow the Go release.
	domain = strings.ReplaceAll(domain, "ẞ", "ß")
	ascii, err := idna.Lookup.ToASCII(domain)
	if err == nil {
		// x/net v0.61.0 applies the bidi rule to what a character was before
		// the mapping; a second pass sees what it is.
		ascii, err = idna.Lookup.ToASCII(ascii)
	}
	if err != nil {
		return "", refuseEmail("email_domain", "the part of the email after the @ is not a domain name: write it like example.com")
	}
	labels := strings.Split(ascii, ".")
	for _, label := range labels {
		if label == "" || len(label) > maxLabelBytes {
			return "", refuseEmail("email_domain", "a part of the email's domain is empty or longer than 63 characters: write it like example.com")
		}
	}
	last := labels[len(labels)-1]
	if len(labels) < 2 || strings.Trim(last, "0123456789") == "" {
		return "", refuseEmail("email_domain", "the email's domain is not complete: write it with its ending, like example.com")
	}
	return ascii, nil
}

// visible reports whether r leaves a trace on paper and is known to the Unicode
// tables: folding a character that they do not know could give another key later.
func visible(r rune) bool {
	return unicode.IsPrint(r) && leavesMark(r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// fold is the form in which canonically and caselessly equal strings are equal.
// Source: The Unicode Standard, section 3.13.5, D145; composed at the end.
func fold(s string) string {
	folded := cases.Fold().String(norm.NFD.String(s))
	return norm.NFC.String(strings.Map(foldCherokee, folded))
}

// foldCherokee sets right what x/text v0.43.0 swaps: small Cherokee letters
// fold to capitals, and capitals to themselves.
// Source: https://www.unicode.org/Public/UCD/latest/ucd/CaseFolding.txt
func foldCherokee(r rune) rune {
	if unicode.Is(unicode.Cherokee, r) {
		return unicode.ToUpper(r)
	}
	return r
}
