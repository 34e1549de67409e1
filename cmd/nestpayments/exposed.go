package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// files are those that hold secrets by the configuration: signing keys, and the database
// with its log if it is a file.
func (c serveCommand) files() (paths []string) {
	for _, key := range c.SigningKeys {
		if !pemBlock.MatchString(key) {
			paths = append(paths, key)
		}
	}
	if path, ok := strings.CutPrefix(c.DatabaseURL, "sqlite:"); ok {
		paths = append(paths, path, path+"-wal", path+"-shm")
	}
	return paths
}

// exposed returns a warning, which says what to do, for each file that other users of this
// machine may read or write. A file that is not there is none.
func exposed(paths ...string) (warnings []string) {
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil || inContainer(path) || !openToOthers(info) {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("other users of this machine can open a file with secrets: run chmod 600 %s", path))
	}
	return warnings
}

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
