package upgrade_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"
	"go.mongodb.org/mongo-driver/x/mongo/driver/connstring"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// previousRelease is the commit of the release before this one: 1.2.0. Raise it, and
// empty the list of what it erases, when this one is released.
const previousRelease = "268f331547666a63c7608bb547c51284ab005286"

const stripeKey = "sk_test_upgrade"

// system is both releases on one database and one Stripe sandbox.
type system struct {
	previous, current release
	box               *sandbox.Sandbox
	database          *mongo.Database
}

// release is one of the two programs.
type release struct{ name, url string }

func startSystem(t *testing.T) *system {
	t.Helper()
	programs := build(t)
	box, err := sandbox.New(sandbox.Config{SecretKeys: []string{stripeKey}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	stripe := httptest.NewServer(box)
	t.Cleanup(stripe.Close)
	key := filepath.Join(t.TempDir(), "key.pem")
	if err := auth.GenerateKey(key); err != nil {
		t.Fatal(err)
	}
	uri := mongotest.Start(t)
	s := &system{box: box, database: connect(t, uri)}
	// No round of a reconciler comes between two looks at a document.
	env := []string{"RECONCILE_INTERVAL=1h", "DATABASE_URL=" + uri, "STRIPE_SECRET_KEY=" + stripeKey, "STRIPE_URL=" + stripe.URL, "SIGNING_KEYS=" + key,
		"ADDR=127.0.0.1:0", "STRIPE_RATE=1000", "SHUTDOWN_NOTICE=0s", "SIGN_UP_LIMIT=1000", "LOGIN_LIMIT=1000"}
	// The previous release first: its database is upgraded.
	s.previous = release{"previous", startProgram(t, programs.previous, env)}
	s.current = release{"current", startProgram(t, programs.current, env)}
	return s
}

type programs struct{ previous, current string }

var built struct {
	sync.Once
	programs
	dir    string
	reason string // why the previous release is missing
	err    error
}

func TestMain(m *testing.M) {
	code := m.Run()
	_ = os.RemoveAll(built.dir)
	os.Exit(code)
}

// build builds both programs, once. Without the history of the repository it skips
// the test, or fails it in continuous integration.
func build(t *testing.T) programs {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "upgrade"); built.err == nil {
			built.reason, built.err = buildInto(built.dir)
		}
		built.previous, built.current = filepath.Join(built.dir, "previous"), filepath.Join(built.dir, "current")
	})
	switch {
	case built.err != nil:
		t.Fatal(built.err)
	case built.reason != "" && os.Getenv("CI") != "":
		t.Fatal(built.reason)
	case built.reason != "":
		t.Skip(built.reason)
	}
	return built.programs
}

func buildInto(dir string) (reason string, err error) {
	root, err := run("", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return "this is no git repository, so the previous release cannot be built: clone it", nil
	}
	if _, err := run(root, "git", "cat-file", "-e", previousRelease+"^{commit}"); err != nil {
		return "the history does not reach back to the previous release: git fetch --unshallow, and in CI check out with the whole history", nil
	}
	source := filepath.Join(dir, "source")
	if err := os.Mkdir(source, 0o700); err != nil {
		return "", err
	}
	archive := filepath.Join(dir, "source.tar")
	for _, step := range []struct {
		dir     string
		command []string
	}{
		{root, []string{"git", "archive", "--format=tar", "--output=" + archive, previousRelease}},
		{source, []string{"tar", "-xf", archive}},
		{source, []string{"go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "previous"), "./cmd/nestpayments"}},
		{root, []string{"go", "build", "-buildvcs=false", "-o", filepath.Join(dir, "current"), "./cmd/nestpayments"}},
	} {
		if _, err := run(step.dir, step.command...); err != nil {
			return "", err
		}
	}
	return "", nil
}

// run runs a command in dir and returns what it prints, without the last line break.
func run(dir string, command ...string) (string, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", &commandError{strings.Join(command, " "), stderr.String(), err}
	}
	return strings.TrimRight(string(out), "\n"), nil
}

type commandError struct {
	command, stderr string
	cause           error
}

func (e *commandError) Error() string { return e.command + ": " + e.cause.Error() + "\n" + e.stderr }

// startProgram runs a program until the test ends, and returns its URL once it
// serves.
func startProgram(t *testing.T, path string, env []string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path)
	cmd.Env, cmd.Stderr = env, os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// One goroutine reads everything, and says where the program serves, or nothing if
	// it ends before.
	serving := make(chan string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer close(serving)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var event struct{ Msg, Addr string }
			if json.Unmarshal(lines.Bytes(), &event) == nil && event.Msg == "serving" {
				serving <- "http://" + event.Addr
			}
		}
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-read
		_ = cmd.Wait()
	})
	url, ok := <-serving
	if !ok {
		t.Fatalf("%s ended before it served", filepath.Base(path))
	}
	return url
}

func connect(t *testing.T, uri string) *mongo.Database {
	t.Helper()
	cs, err := connstring.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	client, err := mongo.Connect(t.Context(), options.Client().ApplyURI(uri))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Disconnect(t.Context()) })
	return client.Database(cs.Database)
}

// document returns the stored document that filter matches.
func (s *system) document(t *testing.T, collection string, filter bson.D) (doc bson.M) {
	t.Helper()
	if err := s.database.Collection(collection).FindOne(t.Context(), filter).Decode(&doc); err != nil {
		t.Fatalf("reading from %s: %v", collection, err)
	}
	return doc
}

// set sets fields of the document that filter matches.
func (s *system) set(t *testing.T, collection string, filter, fields bson.D) {
	t.Helper()
	result, err := s.database.Collection(collection).UpdateOne(t.Context(), filter, bson.D{{Key: "$set", Value: fields}})
	if err != nil || result.MatchedCount != 1 {
		t.Fatalf("changing %s: got %+v, %v", collection, result, err)
	}
}

type object = map[string]any

type user struct{ id, email, token string }

func register(t *testing.T, r release, email string) user {
	t.Helper()
	token := r.do(t, "POST", "/user/register", "", object{"userName": "Ada", "email": email, "password": password}, 201)["access_token"].(string)
	status, body, err := r.send(t.Context(), "GET", "/user", token, nil)
	if err != nil || status != 200 {
		t.Fatalf("%s: GET /user: got status %d, %v: %s", r.name, status, err, body)
	}
	var users []struct{ UserID string }
	if err := json.Unmarshal(body, &users); err != nil || len(users) != 1 {
		t.Fatalf("%s: GET /user: got %v, %s, want one user", r.name, err, body)
	}
	return user{users[0].UserID, email, token}
}

// send sends a request until the answer is no 503, which says to send it again.
func (r release) send(ctx context.Context, method, path, token string, body object) (int, []byte, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	for {
		req, err := http.NewRequestWithContext(ctx, method, r.url+path, bytes.NewReader(text))
		if err != nil {
			return 0, nil, err
		}
		req.Header.Set("Content-Type", "application/json")
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return 0, nil, err
		}
		answer, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusServiceUnavailable {
			return res.StatusCode, answer, err
		}
	}
}

// do sends a request and returns the object that it answers with.
func (r release) do(t *testing.T, method, path, token string, body object, want int) (o object) {
	t.Helper()
	status, answer, err := r.send(t.Context(), method, path, token, body)
	if err != nil || status != want {
		t.Fatalf("%s: %s %s: got status %d, %v, want %d: %s", r.name, method, path, status, err, want, answer)
	}
	if err := json.Unmarshal(answer, &o); err != nil {
		t.Fatalf("%s: %s %s: %v: %s", r.name, method, path, err, answer)
	}
	return o
}

// confirm is do for goroutines: it does not end the test.
func (r release) confirm(t *testing.T, token string, body object) {
	status, answer, err := r.send(t.Context(), "POST", "/payment/confirm", token, body)
	if err != nil || status != http.StatusCreated {
		t.Errorf("%s: confirm: got status %d, %v: %s", r.name, status, err, answer)
	}
}
