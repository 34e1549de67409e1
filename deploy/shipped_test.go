package deploy_test

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/json"
	"go/version"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// stage is one image of the Containerfile, as the tool manifests reads it.
type stage struct {
	Name, From string
	Steps      []struct {
		Kind, Run, From, Target, Chown string
		Sources, Value                 []string
	}
}

// image is what the Containerfile makes of the work tree.
type image struct {
	build, final stage
	// source is the folder of the build stage.
	source string
	// args are the build arguments of the build stage.
	args []string
}

// TestShipped does what the Containerfile says, in folders of this machine instead of
// containers, and tries what comes out of it.
func TestShipped(t *testing.T) {
	t.Parallel()
	img := read(t)
	img.source = filepath.Join(t.TempDir(), "src")
	cloneWorkTree(t, img.source)
	img.runs(t)
	program := filepath.Join(img.source, "bin", "nestpayments")

	t.Run("the program is static", func(t *testing.T) { isStatic(t, program) })
	t.Run("it knows its commit", func(t *testing.T) {
		commit := strings.TrimSpace(git(t, img.source, "rev-parse", "HEAD"))
		out, err := exec.Command(program, "version").CombinedOutput()
		if err != nil || !strings.Contains(string(out), commit+"\n") {
			t.Errorf("%v: it says\n%swant the commit %s, unchanged", err, out, commit)
		}
	})
	t.Run("another folder gives the same bytes", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "some", "other", "folder")
		git(t, ".", "clone", "--quiet", img.source, other)
		makeBuild(t, other)
		first, second := sum(t, program), sum(t, filepath.Join(other, "bin", "nestpayments"))
		t.Logf("sha256 %x in %s\nsha256 %x in %s", first, img.source, second, other)
		if first != second {
			t.Error("the programs differ")
		}
	})
	t.Run("a version that the program does not have is refused", func(t *testing.T) {
		img := img
		img.args = []string{"VERSION=v0.0.0-none"}
		if why := img.try(t, "test "); why == "" {
			t.Error("the build goes on")
		}
		said := strings.Fields(string(done(t, exec.Command(program, "version"))))[1]
		img.args = []string{"VERSION=" + said}
		if why := img.try(t, "test "); why != "" {
			t.Errorf("its own version is refused: %s", why)
		}
	})
	t.Run("the image is nobody's and holds nothing else", func(t *testing.T) { img.checkShape(t) })
	t.Run("it runs as the image", func(t *testing.T) { img.pays(t) })
	t.Run("panels and alerts find their metrics", func(t *testing.T) { measures(t, program) })
}

// read reads the Containerfile, in which BuildKit must find nothing to warn of.
func read(t *testing.T) image {
	t.Helper()
	var stages []stage
	if err := json.Unmarshal(done(t, tool(t, "manifests", "containerfile", "Containerfile")), &stages); err != nil {
		t.Fatal(err)
	}
	img := image{build: stages[0], final: stages[len(stages)-1]}
	if img.build.Name != "build" || img.final.From != "scratch" {
		t.Fatalf("got %+v, want a stage named build first and one from scratch last", stages)
	}
	return img
}

// runs does the steps of the build stage in the clone.
func (img image) runs(t *testing.T) {
	t.Helper()
	if why := img.try(t, ""); why != "" {
		t.Fatal(why)
	}
}

// try does the RUN steps that begin so, and tells why one failed.
func (img image) try(t *testing.T, prefix string) (why string) {
	t.Helper()
	for _, s := range img.build.Steps {
		if s.Kind == "COPY" && (s.From != "" || !slices.Equal(s.Sources, []string{"."})) {
			t.Fatalf("COPY %v: want the whole context and nothing else", s.Sources)
		}
		if s.Kind != "RUN" || !strings.HasPrefix(s.Run, prefix) {
			continue
		}
		cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", s.Run)
		// GOFLAGS as some machines have it, which must not change what is built.
		cmd.Dir, cmd.Env = img.source, append(append(os.Environ(), "GOFLAGS=-buildvcs=false"), img.args...)
		if _, why := runs(cmd); why != "" {
			return "RUN " + s.Run + ": " + why
		}
	}
	return ""
}

func makeBuild(t *testing.T, dir string) {
	t.Helper()
	done(t, exec.CommandContext(t.Context(), "make", "-C", dir, "build"))
}

// cloneWorkTree makes a clone of this repository at the folder whose commit is the
// work tree as it is; without changes, that is HEAD.
func cloneWorkTree(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	git(t, ".", "clone", "--quiet", "--shared", "--no-checkout", root, dir)
	own := "--git-dir=" + filepath.Join(dir, ".git")
	git(t, root, own, "--work-tree=.", "add", "--all", ".")
	if _, why := runs(exec.Command("git", own, "diff", "--cached", "--quiet", "HEAD")); why != "" {
		git(t, root, own, "--work-tree=.", "-c", "user.name=nobody", "-c", "user.email=nobody@example.com",
			"-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "--message=the work tree")
	}
	git(t, dir, "reset", "--quiet", "--hard")
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	return string(done(t, cmd))
}

func sum(t *testing.T, path string) [sha256.Size]byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(text)
}

// isStatic: in an image from scratch there is nothing to link with.
func isStatic(t *testing.T, program string) {
	t.Helper()
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the program asks for a loader")
		}
	}
	if needed, err := f.DynString(elf.DT_NEEDED); err == nil && len(needed) > 0 {
		t.Errorf("the program asks for %v", needed)
	}
}

// checkShape holds the image to what is said of it.
func (img image) checkShape(t *testing.T) {
	t.Helper()
	var targets []string
	values := map[string][]string{}
	for _, s := range img.final.Steps {
		switch s.Kind {
		case "COPY":
			if s.From != img.build.Name {
				t.Errorf("%s is copied from %q, want the build stage", s.Target, s.From)
			}
			targets = append(targets, s.Target)
		case "RUN":
			t.Error("a RUN in an image without a shell")
		default:
			values[s.Kind] = s.Value
		}
	}
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/LICENSE", "/nestpayments", "/data"}; !slices.Equal(targets, want) {
		t.Errorf("the image holds %v, want %v", targets, want)
	}
	for kind, want := range map[string]string{"USER": "65532:65532", "EXPOSE": "8080", "ENTRYPOINT": "/nestpayments"} {
		if got := values[kind]; !slices.Equal(got, []string{want}) {
			t.Errorf("%s is %v, want %s alone", kind, got, want)
		}
	}
	text, err := os.ReadFile("Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	mod := git(t, "..", "grep", "-h", "^go [0-9]", "--", "go.mod")
	_, image, _ := bytes.Cut(text, []byte("/golang:"))
	image, _, _ = bytes.Cut(image, []byte("-"))
	if want := "go" + strings.Fields(mod)[1]; version.Compare("go"+string(image), want) < 0 {
		t.Errorf("the image builds with go%s, and go.mod asks for %s", image, want)
	}
}
