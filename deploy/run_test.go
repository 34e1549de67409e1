package deploy_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/nestpayments/nestpayments/server/auth"
	"github.com/nestpayments/nestpayments/stripeclient/sandbox"
)

// pays lays out the root of the image and starts it as an engine would with
// --read-only: in that root, mounted read-only but for the volume /data, as the
// image's user. A customer pays, by a Stripe whose certificate is known from the
// image's file alone, and SIGTERM ends it cleanly.
func (img image) pays(t *testing.T) {
	if os.Getuid() != 0 {
		if os.Getenv("CI") != "" {
			t.Fatal("CI must run this, as root: mounting and changing the root take that")
		}
		t.Skip("mounting and changing the root take root's rights")
	}
	root := t.TempDir()
	stripe := startStripe(t, httptest.NewTLSServer)
	entrypoint, user := img.layOut(t, root, stripe.Certificate().Raw)
	volume := filepath.Join(t.TempDir(), "volume")
	// A new volume has the owner of the folder that it is mounted on.
	done(t, exec.Command("cp", "-a", filepath.Join(root, "data"), volume))
	writeKey(t, filepath.Join(volume, "key.pem"), user)

	const inside = `mount --bind "$0" "$0" && mount --bind "$1" "$0/data" && mount -o remount,bind,ro "$0" && exec chroot --userspec="$2" "$0" "$3" serve`
	cmd := exec.CommandContext(t.Context(), "unshare", "--mount", "sh", "-euc", inside, root, volume, user, entrypoint)
	s := start(t, cmd, "sqlite:/data/data.db", "/data/key.pem", stripe)
	s.pay("pm_card_visa", http.StatusCreated)
	s.end()
	if _, err := os.Stat(filepath.Join(volume, "data.db")); err != nil {
		t.Errorf("the database is not in the volume: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "data", "data.db")); err == nil {
		t.Error("the database is in the image")
	}
}

// layOut copies what the last stage copies, and adds the certificate to those of the
// image, where a company would put that of its own proxy.
func (img image) layOut(t *testing.T, root string, certificate []byte) (entrypoint, user string) {
	t.Helper()
	for _, s := range img.final.Steps {
		switch s.Kind {
		case "COPY":
			from := s.Sources[0]
			if inSource, ok := strings.CutPrefix(from, "/src/"); ok {
				from = filepath.Join(img.source, inSource)
			}
			target := filepath.Join(root, s.Target)
			done(t, exec.Command("mkdir", "-p", filepath.Dir(target)))
			done(t, exec.Command("cp", "-rL", from, target))
			if s.Chown != "" {
				done(t, exec.Command("chown", s.Chown, target))
			}
		case "USER":
			user = s.Value[0]
		case "ENTRYPOINT":
			entrypoint = s.Value[0]
		}
	}
	// The folders above, which the test has made for itself alone.
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	roots, err := os.OpenFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer roots.Close()
	if err := pem.Encode(roots, &pem.Block{Type: "CERTIFICATE", Bytes: certificate}); err != nil {
		t.Fatal(err)
	}
	return entrypoint, user
}

func writeKey(t *testing.T, path, owner string) {
	t.Helper()
	if err := auth.GenerateKey(path); err != nil {
		t.Fatal(err)
	}
	if owner != "" {
		done(t, exec.Command("chown", owner, path))
	}
}

// measures gives the program some traffic and has the dashboard's queries and the
// alerts' metrics looked up in what it says to Prometheus.
func measures(t *testing.T, program string) {
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	writeKey(t, key, "")
	s := start(t, exec.CommandContext(t.Context(), program, "serve"), "sqlite:"+filepath.Join(dir, "data.db"), key, startStripe(t, httptest.NewServer))
	args := []string{"grafana/dashboard.json", "prometheus/alerts.yaml"}
	for i := range 3 {
		s.pay("pm_card_visa_chargeDeclined", http.StatusPaymentRequired)
		s.pay("pm_card_visa", http.StatusCreated)
		// Of each round four events are of interest.
		text := s.metrics(fmt.Sprintf(`nestpayments_webhook_events_total{result="handled"} %d`, 4*(i+1)))
		file := filepath.Join(dir, strconv.Itoa(i)+".txt")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, file)
	}
	s.end()
	t.Logf("%s", done(t, tool(t, "queries", args...)))
	for _, f := range []refused{
		{"a metric that there is not", "dashboard.json", "nestpayments_problems_total", "nestpayments_problem_total", "there is no metric"},
		{"a label that there is not", "dashboard.json", "sum by (operation) (rate(", "sum by (operationId) (rate(", `has no label "operationId"`},
		{"a value that there is not", "dashboard.json", `state=\"open\"`, `state=\"opened\"`, "finds nothing"},
	} {
		board := filepath.Join(changed(t, "grafana", f.file, f.from, f.to), f.file)
		if _, why := runs(tool(t, "queries", append([]string{board}, args[1:]...)...)); !strings.Contains(why, f.want) {
			t.Errorf("%s: got %q, want it to say %q", f.name, why, f.want)
		}
	}
}

const webhookSecret = "whsec_0123456789abcdef0123456789abcdef"

// stripe is a sandbox whose events find the server once that is started.
type stripe struct {
	*httptest.Server
	key      string
	webhooks atomic.Pointer[url.URL]
}

func startStripe(t *testing.T, serve func(http.Handler) *httptest.Server) *stripe {
	t.Helper()
	var s stripe
	relay := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if to := s.webhooks.Load(); to != nil {
			httputil.NewSingleHostReverseProxy(to).ServeHTTP(w, r)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	t.Cleanup(relay.Close)
	box, err := sandbox.New(sandbox.Config{WebhookURL: relay.URL + "/webhook/stripe", WebhookSecret: webhookSecret})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = box.Close() })
	s.Server, s.key = serve(box), box.SecretKey()
	t.Cleanup(s.Close)
	return &s
}

// server is a nestpayments under test.
type server struct {
	t             *testing.T
	cmd           *exec.Cmd
	stderr        bytes.Buffer
	url, operator string
	drained       chan struct{}
	users         int
}

// start starts the command with a configuration that works.
func start(t *testing.T, cmd *exec.Cmd, database, key string, stripe *stripe) *server {
	t.Helper()
	s := &server{t: t, cmd: cmd, drained: make(chan struct{})}
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"), "DATABASE_URL=" + database, "SIGNING_KEYS=" + key,
		"STRIPE_SECRET_KEY=" + stripe.key, "STRIPE_URL=" + stripe.URL, "STRIPE_WEBHOOK_SECRETS=" + webhookSecret,
		"ADDR=127.0.0.1:0", "OPERATOR_ADDR=127.0.0.1:0", "SHUTDOWN_NOTICE=0s",
	}
	cmd.Stderr = &s.stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	log := json.NewDecoder(stdout)
	for s.url == "" {
		var line struct{ Msg, Addr string }
		if err := log.Decode(&line); err != nil {
			_ = cmd.Wait()
			t.Fatalf("it ended before it served: %v\n%s", err, &s.stderr)
		}
		switch line.Msg {
		case "serving":
			s.url = "http://" + line.Addr
		case "serving the operator":
			s.operator = "http://" + line.Addr
		}
	}
	go func() {
		defer close(s.drained)
		_, _ = io.Copy(io.Discard, io.MultiReader(log.Buffered(), stdout))
	}()
	to, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	stripe.webhooks.Store(to)
	return s
}

// pay registers a user who pays with the payment method.
func (s *server) pay(method string, want int) {
	s.t.Helper()
	s.users++
	user := s.post("/user/register", "", http.StatusCreated, map[string]string{
		"userName": "Ada", "email": fmt.Sprintf("ada%d@example.com", s.users), "password": "correct horse"})
	token, _ := user["access_token"].(string)
	payment := s.post("/payment", token, http.StatusCreated, map[string]string{"cuid": "c1"})
	id, _ := payment["id"].(string)
	s.post("/payment/confirm", token, want, map[string]string{"cuid": "c1", "paymentId": id, "paymentMethodId": method})
}

func (s *server) post(path, token string, want int, body map[string]string) map[string]any {
	s.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		s.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer res.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != want {
		s.t.Fatalf("POST %s: got %d, %v, %v; want %d", path, res.StatusCode, answer["code"], err, want)
	}
	return answer
}

// metrics are those of the server, once they have the line.
func (s *server) metrics(line string) []byte {
	s.t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		res, err := http.Get(s.operator + "/metrics")
		if err != nil {
			s.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			s.t.Fatal(err)
		}
		if bytes.Contains(text, []byte("\n"+line+"\n")) {
			return text
		}
		if time.Now().After(end) {
			s.t.Fatalf("the metrics never have %s:\n%s", line, text)
		}
	}
}

// end tells the server to stop, which must be clean.
func (s *server) end() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	<-s.drained
	if err := s.cmd.Wait(); err != nil {
		s.t.Errorf("the server ended with %v\n%s", err, &s.stderr)
	}
}
