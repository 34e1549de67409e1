package auth

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// cheap parameters, so that tests do not depend on the machine.
func cheap() Params { return Params{MemoryKiB: 8, Time: 1, Threads: 1} }

func newHasher(t testing.TB, cfg HasherConfig) *Hasher {
	t.Helper()
	h, err := NewHasher(cfg)
	if err != nil {
		t.Fatalf("NewHasher: %v", err)
	}
	return h
}

func mustHash(t testing.TB, h *Hasher, password string) string {
	t.Helper()
	hash, err := h.Hash(t.Context(), password)
	if err != nil {
		t.Fatalf("Hash: %v", err)
	}
	return hash
}

func TestPasswordsAreEqualInNFCAlone(t *testing.T) {
	t.Parallel()
	h := newHasher(t, HasherConfig{Params: cheap()})
	tests := map[string]struct {
		password, attempt string
		want              bool
	}{
		"the same":                  {"correct horse", "correct horse", true},
		"another":                   {"correct horse", "correct house", false},
		"empty":                     {"correct horse", "", false},
		"another case":              {"correct horse", "Correct horse", false},
		"a space more":              {"correct horse", "correct horse ", false},
		"a NUL inside":              {"correct\x00horse", "correct\x00horse", true},
		"different after a NUL":     {"correct\x00horse", "correct\x00house", false},
		"any script":                {"пароль 密码 🔑🔑", "пароль 密码 🔑🔑", true},
		"NFC, then NFD":             {"p\u00e4ssword", "pa\u0308ssword", true},
		"NFD, then NFC":             {"pa\u0308ssword", "p\u00e4ssword", true},
		"Hangul, NFC then NFD":      {"\ube44\ubc00\ubc88\ud638", "\u1107\u1175\u1106\u1175\u11af\u1107\u1165\u11ab\u1112\u1169", true},
		"marks in another order":    {"a\u0323\u0307ssword", "a\u0307\u0323ssword", true},
		"a compatible character":    {"\ufb01ne horse", "fine horse", false},
		"another width":             {"\uff43orrect horse", "correct horse", false},
		"an accent less":            {"p\u00e4ssword", "password", false},
		"longer than bcrypt's 72":   {strings.Repeat("a", 127) + "b", strings.Repeat("a", 127) + "b", true},
		"different behind 72 bytes": {strings.Repeat("a", 127) + "b", strings.Repeat("a", 127) + "c", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, rehash, err := h.Verify(t.Context(), mustHash(t, h, tc.password), tc.attempt)
			if ok != tc.want || rehash || err != nil {
				t.Errorf("got %v, %v, %v, want %v, no rehash, no error", ok, rehash, err, tc.want)
			}
		})
	}
}

func TestHashHasOWASPsParametersAndItsOwnSalt(t *testing.T) {
	t.Parallel()
	h := newHasher(t, HasherConfig{})
	first, second := mustHash(t, h, "correct horse"), mustHash(t, h, "correct horse")
	if first == second {
		t.Error("two hashes of one password are equal")
	}
	parsed, err := parsePHC(first)
	if err != nil {
		t.Fatal(err)
	}
	const prefix = "$argon2id$v=19$m=19456,t=2,p=1$"
	if !strings.HasPrefix(first, prefix) || len(parsed.salt) != 16 || len(parsed.tag) != 32 {
		t.Errorf("got %s, want %s, a salt of 16 bytes and a tag of 32", first, prefix)
	}
}

// The hash is a test vector of the reference implementation.
// Source: https://github.com/P-H-C/phc-winner-argon2, src/test.c.
func TestVerifyAgreesWithTheReferenceImplementation(t *testing.T) {
	t.Parallel()
	const hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	ok, rehash, err := newHasher(t, HasherConfig{Params: cheap()}).Verify(t.Context(), hash, "password")
	if !ok || !rehash || err != nil {
		t.Errorf("got %v, %v, %v, want it verified and to be hashed anew", ok, rehash, err)
	}
}

func TestRehashIsAskedForWhenParametersChanged(t *testing.T) {
	t.Parallel()
	current := Params{MemoryKiB: 16, Time: 2, Threads: 1}
	tests := map[string]struct {
		stored Params
		want   bool
	}{
		"the same":    {current, false},
		"less memory": {Params{MemoryKiB: 8, Time: 2, Threads: 1}, true},
		"more memory": {Params{MemoryKiB: 32, Time: 2, Threads: 1}, true},
		"less time":   {Params{MemoryKiB: 16, Time: 1, Threads: 1}, true},
		"more lanes":  {Params{MemoryKiB: 16, Time: 2, Threads: 2}, true},
	}
	h := newHasher(t, HasherConfig{Params: current})
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hash := mustHash(t, newHasher(t, HasherConfig{Params: tc.stored}), "correct horse")
			ok, rehash, err := h.Verify(t.Context(), hash, "correct horse")
			if !ok || rehash != tc.want || err != nil {
				t.Errorf("right password: got %v, %v, %v, want true, %v, no error", ok, rehash, err, tc.want)
			}
			ok, rehash, err = h.Verify(t.Context(), hash, "wrong horse")
			if ok || rehash || err != nil {
				t.Errorf("wrong password: got %v, %v, %v, want neither and no error", ok, rehash, err)
			}
		})
	}
}

// A hash from before passwords were normalized is of the bytes as they were sent.
func TestHashOfAPasswordAsItWasSentKeepsWorking(t *testing.T) {
	t.Parallel()
	const nfc, nfd = "p\u00e4ssword", "pa\u0308ssword"
	h := newHasher(t, HasherConfig{Params: cheap()})
	old := phc{params: cheap(), salt: randomBytes(saltBytes), tag: make([]byte, tagBytes)}
	for _, tc := range []struct {
		name, hashed, attempt string
		ok, rehash            bool
	}{
		{"NFD as it was sent", nfd, nfd, true, true},
		{"NFC as it was sent", nfc, nfc, true, false},
		{"NFC, now sent as NFD", nfc, nfd, true, false},
		{"NFD, now another password", nfd, "pa\u0308sswort", false, false},
	} {
		stored := old
		stored.tag = h.tag(old, tc.hashed)
		ok, rehash, err := h.Verify(t.Context(), stored.String(), tc.attempt)
		if ok != tc.ok || rehash != tc.rehash || err != nil {
			t.Errorf("%s: got %v, %v, %v, want %v, %v", tc.name, ok, rehash, err, tc.ok, tc.rehash)
		}
	}
}

func TestUnknownAccountCostsTheSameWork(t *testing.T) {
	t.Parallel()
	h := newHasher(t, HasherConfig{Params: cheap()})
	hash := mustHash(t, h, "correct horse")
	var work []string
	derive := h.derive
	h.derive = func(password, salt []byte, passes, memory uint32, threads uint8, size uint32) []byte {
		work = append(work, fmt.Sprintf("%q salt=%d t=%d m=%d p=%d size=%d", password, len(salt), passes, memory, threads, size))
		return derive(password, salt, passes, memory, threads, size)
	}
	for password, hashes := range map[string]int{"wrong horse": 1, "wro\u0308ng horse": 2} {
		work = nil
		if _, _, err := h.Verify(t.Context(), hash, password); err != nil {
			t.Fatal(err)
		}
		known := work
		work = nil
		if err := h.VerifyNone(t.Context(), password); err != nil {
			t.Fatal(err)
		}
		if len(known) != hashes || !slices.Equal(known, work) {
			t.Errorf("%q: a known account costs %q and an unknown one %q, want %d hashes for each", password, known, work, hashes)
		}
	}
}

func TestMalformedHashIsAnErrorAndCostsNoWork(t *testing.T) {
	t.Parallel()
	const (
		salt = "c29tZXNhbHRzb21lc2FsdA"
		tag  = "nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
		good = "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + tag
	)
	with := func(old, replacement string) string { return strings.Replace(good, old, replacement, 1) }
	tests := map[string]string{
		"empty":                   "",
		"the password itself":     "correct horse",
		"bcrypt":                  "$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
		"argon2i":                 with("argon2id", "argon2i"),
		"version 16":              with("v=19", "v=16"),
		"no version":              with("$v=19", ""),
		"4 GiB of memory":         with("m=19456", "m=4194304"),
		"a KiB above the bound":   with("m=19456", "m=65537"),
		"memory beyond 32 bits":   with("m=19456", "m=4294986752"),
		"no memory":               with("m=19456", "m=0"),
		"too little for lanes":    with("m=19456,t=2,p=1", "m=31,t=2,p=4"),
		"a million passes":        with("t=2", "t=1000000"),
		"no passes":               with("t=2", "t=0"),
		"200 lanes":               with("p=1", "p=200"),
		"lanes beyond 8 bits":     with("p=1", "p=257"),
		"no lanes":                with("p=1", "p=0"),
		"negative":                with("t=2", "t=-2"),
		"signed":                  with("t=2", "t=+2"),
		"leading zero":            with("t=2", "t=02"),
		"hexadecimal":             with("t=2", "t=0x2"),
		"another order":           with("m=19456,t=2", "t=2,m=19456"),
		"a parameter more":        with("p=1", "p=1,keyid=x"),
		"a parameter less":        with(",p=1", ""),
		"padded salt":             with(salt, salt+"=="),
		"URL alphabet":            with("/uIP", "_uIP"),
		"line break in the tag":   with("/uIP", "\n/uIP"),
		"stray bits in the tag":   with("Gi/4", "Gi/5"),
		"no salt":                 with(salt, ""),
		"short salt":              with(salt, "c29t"),
		"no tag":                  with(tag, ""),
		"short tag":               with(tag, "nf65EOgLrQM"),
		"tag of 65 bytes":         with(tag, strings.Repeat("A", 87)),
		"field more":              good + "$",
		"trailing space":          good + " ",
		"megabytes":               good + strings.Repeat("A", 10<<20),
		"dollars":                 strings.Repeat("$", 5),
		"megabytes of parameters": with("p=1", "p=1"+strings.Repeat(",", 1<<20)),
	}
	h := newHasher(t, HasherConfig{Params: cheap()})
	h.derive = func([]byte, []byte, uint32, uint32, uint8, uint32) []byte {
		t.Error("a malformed hash was worked on")
		return nil
	}
	for name, hash := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ok, rehash, err := h.Verify(t.Context(), hash, "correct horse")
			if ok || rehash || !errors.Is(err, ErrMalformedHash) {
				t.Errorf("got %v, %v, %v, want ErrMalformedHash", ok, rehash, err)
			}
			for _, secret := range []string{salt, tag, "correct horse"} {
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("the error quotes the hash or the password: %v", err)
				}
			}
		})
	}
	t.Run("and the one that they are made of is fine", func(t *testing.T) {
		t.Parallel()
		if _, err := parsePHC(good); err != nil {
			t.Errorf("got %v, want no error", err)
		}
	})
}

func TestHasherConfig(t *testing.T) {
	t.Parallel()
	h := newHasher(t, HasherConfig{})
	workers := max(1, runtime.GOMAXPROCS(0)-1)
	if got, want := h.Stats(), (HasherStats{Workers: workers, Queue: 64 * workers}); got != want {
		t.Errorf("defaults: got %+v, want %+v", got, want)
	}
	_, err := NewHasher(HasherConfig{Workers: -1, Queue: -1, MaxWait: -1, Params: Params{MemoryKiB: 1 << 20, Time: 1, Threads: 1}})
	if err == nil {
		t.Fatal("got no error, want one")
	}
	for _, want := range []string{"Workers", "Queue", "MaxWait", "Params"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("got %q, want it to name %s", err, want)
		}
	}
}

// FuzzParsePHC holds that what is accepted is in bounds and in the one
// spelling.
func FuzzParsePHC(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4")
	f.Add("$argon2id$v=19$m=65536,t=10,p=4$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEg")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			if !errors.Is(err, ErrMalformedHash) {
				t.Fatalf("got %v, want ErrMalformedHash", err)
			}
			return
		}
		if !h.params.valid() || h.String() != s {
			t.Fatalf("accepted %q as %+v", s, h)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	h := newHasher(b, HasherConfig{})
	b.ReportAllocs()
	for b.Loop() {
		mustHash(b, h, "correct horse battery staple")
	}
}

// inputCode is the code of an *InputError, "" for nil, and the text of any
// other error.
func inputCode(err error) string {
	var input *InputError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &input):
		return input.Code
	}
	return err.Error()
}
