package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// files are those that hold secrets by the configuration: signing keys, and the database
// with its log if it is a file, or the key of the connection to it.
func (c serveCommand) files() (paths []string) {
	for _, key := range c.SigningKeys {
		if !pemBlock.MatchString(key) {
			paths = append(paths, key)
		}
	}
	if path, ok := strings.CutPrefix(c.DatabaseURL, "sqlite:"); ok {
		paths = append(paths, path, path+"-wal", path+"-shm")
	}
	return append(paths, connectionKeys(c.DatabaseURL)...)
}

// connectionKeys returns the files with private keys that the options of a MongoDB URL
// name. Names of options are in any letter case.
func connectionKeys(databaseURL string) (paths []string) {
	if !strings.HasPrefix(databaseURL, "mongodb") {
		return nil
	}
	_, options, _ := strings.Cut(databaseURL, "?")
	for option := range strings.FieldsFuncSeq(options, func(r rune) bool { return r == '&' || r == ';' }) {
		name, value, _ := strings.Cut(option, "=")
		path, err := url.QueryUnescape(value)
		switch strings.ToLower(name) {
		case "tlscertificatekeyfile", "sslclientcertificatekeyfile", "tlsprivatekeyfile":
			if err == nil {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// traceFiles are the private keys for the connection to the collector of traces.
func traceFiles(env func(string) string) (paths []string) {
	for _, variable := range []string{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY"} {
		if path := env(variable); path != "" && wantsTraces(env) {
			paths = append(paths, path)
		}
	}
	return paths
}

// exposed returns a warning, which says what to do, for each file that other users of this
// machine may read or write. A file that is not there is none.
func exposed(paths ...string) (warnings []string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || info.IsDir() || inContainer(path) || !openToOthers(info) {
			continue
		}
		warnings = append(warnings, "other users of this machine can open a file with secrets: run chmod 600 "+shellWord(path))
	}
	return warnings
}

// replaceable returns a warning, which says what to do, for each folder in which other
// users of this machine can replace one of these files, or a folder above it. In a folder
// with the sticky bit, such as /tmp, only the owner of a file can replace it.
func replaceable(paths ...string) (warnings []string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		abs, absErr := filepath.Abs(path)
		if err != nil || absErr != nil || info.IsDir() || inContainer(path) {
			continue
		}
		for folder := filepath.Dir(abs); ; folder = filepath.Dir(folder) {
			warning := "other users of this machine can replace a file with secrets, because they can write to its folder: run chmod o-w " + shellWord(folder)
			if openToWriting(folder) && !slices.Contains(warnings, warning) {
				warnings = append(warnings, warning)
			}
			if folder == filepath.Dir(folder) {
				break
			}
		}
	}
	return warnings
}

// openToWriting reports whether everybody can rename and remove what is in the folder.
func openToWriting(folder string) bool {
	info, err := os.Stat(folder)
	return err == nil && info.Mode().Perm()&0o002 != 0 && info.Mode()&os.ModeSticky == 0
}

// shellWord returns the text as one word of a shell's command.
func shellWord(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=][A-Za-z0-9_./:@%+,=-]*$`)

// openToOthers reports whether everybody may open the file, or its group although the file
// is our own. A file of another owner may be given to us by its group.
func openToOthers(info os.FileInfo) bool {
	const group, others = 0o060, 0o006
	return info.Mode().Perm()&others != 0 || info.Mode().Perm()&group != 0 && ownedByUs(info)
}

// inContainer reports whether the path is where container engines put secrets, in a file
// system that no other user of the machine sees.
func inContainer(path string) bool {
	abs, err := filepath.Abs(path)
	return err == nil && (strings.HasPrefix(abs, "/run/secrets/") || strings.HasPrefix(abs, "/var/run/secrets/"))
}
