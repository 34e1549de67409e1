package chaos_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// databaseDir names the variable that makes this test binary the database. Its
// value is the folder of the database's files.
const databaseDir = "CHAOS_DATABASE_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(databaseDir); dir != "" {
		serveDatabase(dir)
	}
	os.Exit(m.Run())
}

const databaseReady = "database at "

// serveDatabase runs a MongoDB-compatible server on the files in dir until the
// process is killed. What was answered is in the files by then: SQLite has
// written it, and only the machine could still lose it. A command that was under
// way has been carried out or not. The gate that makes commands atomic is in
// this process and dies with it, and with it every connection that a command
// could still come by, so the next process's gate is the only one.
func serveDatabase(dir string) {
	mongotest.Serve(dir, func(address string) { fmt.Println(databaseReady + address) })
}

// startDatabase runs this test binary as the database.
func startDatabase(ctx context.Context, dir string, sink func(string)) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = []string{databaseDir + "=" + dir}
	p, err := launch("database", cmd, func(line string) string {
		sink(line)
		if address, ok := strings.CutPrefix(strings.TrimSpace(line), databaseReady); ok {
			return address
		}
		return ""
	})
	if err != nil {
		return nil, err
	}
	return p, p.await(ctx)
}
