package auth

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxNameLength is in characters (Unicode code points), after normalization.
const maxNameLength = 100

// NormalizeName returns a person's name in NFC and without surrounding white
// space: 1 to 100 characters, at least one of them visible. Any script is allowed,
// including characters that this program's Unicode tables do not know yet. An
// *InputError with code name_encoding, name_empty, name_long or name_character.
func NormalizeName(raw string) (string, error) {
	if !utf8.ValidString(raw) {
		return "", refuseName("name_encoding", "the name is not valid UTF-8: send it as UTF-8 text")
	}
	name := norm.NFC.String(strings.TrimSpace(raw))
	switch {
	case utf8.RuneCountInString(name) > maxNameLength:
		return "", refuseName("name_long", "the name is too long: shorten it to 100 characters or fewer")
	case strings.ContainsFunc(withoutEmojiTags(name), isHarmful):
		return "", refuseName("name_character", "the name contains a control or invisible character: remove it, or type the name by hand")
	case hasStrayJoiner(name):
		return "", refuseName("name_character", "the name contains an invisible joiner that joins nothing: remove it, or type the name by hand")
	case !strings.ContainsFunc(name, leavesMark):
		return "", refuseName("name_empty", "the name is empty: enter at least one visible character")
	}
	return name, nil
}

// hasStrayJoiner reports whether a joiner is the first or last character, or follows
// another one. Persian, Hebrew, Indic scripts and emoji need joiners between two
// characters; anywhere else they only make equal names differ.
func hasStrayJoiner(name string) bool {
	afterJoiner := true
	for _, r := range name {
		if isJoiner(r) && afterJoiner {
			return true
		}
		afterJoiner = isJoiner(r)
	}
	return afterJoiner && name != ""
}
