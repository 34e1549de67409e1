package deploy_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// installed returns the path of a program of this machine. Without it the test is
// skipped, except in CI.
func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	if err != nil {
		t.Skip(program + " is not installed")
	}
	return path
}

// systemd is a command of systemd-analyze.
func systemd(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	return exec.CommandContext(t.Context(), installed(t, "systemd-analyze"), args...)
}

// verified is what systemd has to say of the unit in the folder, with a program that is
// there in the place of ours.
func verified(t *testing.T, folder string) string {
	t.Helper()
	dir := changed(t, folder, "nestpayments.service", "/usr/local/bin/nestpayments", "/bin/true")
	out, err := systemd(t, "verify", "--man=no", filepath.Join(dir, "nestpayments.service")).CombinedOutput()
	if err != nil {
		out = append(out, err.Error()...)
	}
	return string(out)
}

func TestSystemdTakesTheUnit(t *testing.T) {
	t.Parallel()
	if out := verified(t, "single"); out != "" {
		t.Errorf("systemd-analyze verify: %s", out)
	}
	for _, f := range []refused{
		{"a misspelt key", "nestpayments.service", "ProtectHome=yes", "ProtectHomes=yes", "'ProtectHomes'"},
		{"a value that is none", "nestpayments.service", "ProtectSystem=strict", "ProtectSystem=strictly", "strictly"},
		{"a system call group that is none", "nestpayments.service", "@system-service", "@system-services", "@system-services"},
	} {
		if out := verified(t, changed(t, "single", f.file, f.from, f.to)); !strings.Contains(out, f.want) {
			t.Errorf("%s: got %q, want %q", f.name, out, f.want)
		}
	}
	// In tenths: 96 is a unit without any protection.
	done(t, systemd(t, "security", "--offline=yes", "--threshold=20", "single/nestpayments.service"))
	open := changed(t, "single", "nestpayments.service", "CapabilityBoundingSet=\n", "")
	if _, why := runs(systemd(t, "security", "--offline=yes", "--threshold=10", filepath.Join(open, "nestpayments.service"))); why == "" {
		t.Error("the threshold is not applied")
	}
}

// Every variable that a deployment sets is one of the program: the README lists them.
func TestOneMachineSetsVariablesThatExist(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"GOMEMLIMIT": true, "DOMAIN": true, "UPSTREAM": true}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\|").FindAllSubmatch(readme, -1) {
		known[string(row[1])], known[string(row[1])+"_FILE"] = true, true
	}
	for file, pattern := range map[string]string{
		"single/nestpayments.service": `(?m)^Environment=([A-Z_]+)=`, "single/compose.yaml": `(?m)^      ([A-Z_]+): `,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindAllSubmatch(text, -1)
		if len(found) < 5 {
			t.Errorf("%s sets %d variables, want more", file, len(found))
		}
		for _, name := range found {
			if !known[string(name[1])] {
				t.Errorf("%s sets %s, which nothing reads", file, name[1])
			}
		}
	}
}

func TestComposeWouldTakeTheFileOfOneMachine(t *testing.T) {
	t.Parallel()
	cmd := tool(t, "manifests", "compose", "single/compose.yaml")
	cmd.Env = append(os.Environ(), "DOMAIN=pay.example.com")
	out := string(done(t, cmd))
	for _, want := range []string{"\n  nestpayments:", "\n  caddy:", "ipv4_address: 172.30.64.2\n", "TRUSTED_PROXIES: 172.30.64.2/32\n", "subnet: 172.30.64.0/29\n", "UPSTREAM: nestpayments:8080\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("the file comes to\n%swant it to have %q", out, want)
		}
	}
	cmd = tool(t, "manifests", "compose", "single/compose.yaml")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if _, why := runs(cmd); !strings.Contains(why, "DOMAIN") {
		t.Errorf("without DOMAIN: got %q, want it to name the variable", why)
	}
}

// Caddy, with the Caddyfile as it is, ends TLS in front of the program, which then knows
// the client's own address, and not one that the client has made up.
func TestCaddyInFrontOfTheProgram(t *testing.T) {
	t.Parallel()
	program := installed(t, "caddy")
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	writeKey(t, key, "")
	bin := filepath.Join(dir, "nestpayments")
	done(t, exec.Command("go", "build", "-o", bin, "../cmd/nestpayments"))
	cmd := exec.CommandContext(t.Context(), bin, "serve", "--trusted-proxies", "127.0.0.1/32", "--sign-up-limit", "1")
	s := start(t, cmd, "sqlite:"+filepath.Join(dir, "data.db"), key, startStripe(t, httptest.NewServer))
	url, roots := startCaddy(t, program, strings.TrimPrefix(s.url, "http://"))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	// The limit is one for each address. A client that claims another has the same.
	for i, want := range []int{http.StatusCreated, http.StatusTooManyRequests} {
		body := fmt.Sprintf(`{"userName":"Ada","email":"ada%d@example.com","password":"correct horse"}`, i)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/user/register", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i))
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("registration %d: status %d, want %d: %s", i, res.StatusCode, want, text)
		}
	}
	s.end()
}

// startCaddy starts Caddy with our file on a free port of this machine, with certificates
// of its own, and returns its URL and their root once it answers.
func startCaddy(t *testing.T, program, upstream string) (url string, roots *x509.CertPool) {
	t.Helper()
	file, err := filepath.Abs("single/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	dir, addr := t.TempDir(), freeAddress(t)
	config := filepath.Join(dir, "Caddyfile")
	global := "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n\tlocal_certs\n}\nimport " + file + "\n"
	if err := os.WriteFile(config, []byte(global), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	cmd := exec.CommandContext(t.Context(), program, "run", "--config", config)
	cmd.Env = []string{"DOMAIN=https://" + addr, "UPSTREAM=" + upstream, "XDG_DATA_HOME=" + dir, "XDG_CONFIG_HOME=" + dir, "HOME=" + dir}
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	roots = x509.NewCertPool()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		pem, err := os.ReadFile(filepath.Join(dir, "caddy", "pki", "authorities", "local", "root.crt"))
		if err == nil && roots.AppendCertsFromPEM(pem) {
			if conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}); err == nil {
				conn.Close()
				return "https://" + addr, roots
			}
		}
		if time.Now().After(end) {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			t.Fatalf("Caddy does not answer:\n%s", &stderr)
		}
	}
}

// freeAddress is one that nothing listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
