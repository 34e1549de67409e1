package auth

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"
	"time"
)

// A token that has been verified is judged by the clock as if it had not.
func TestAVerifiedTokenStillExpires(t *testing.T) {
	t.Parallel()
	now := testNow()
	tokens, err := NewTokens(TokenConfig{
		Keys: parseKeys(t, pkcs8(t, testKeys()[0])), Issuer: testIssuer, Audience: testAudience, Clock: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	token, expires, err := tokens.Issue(testUser, 0)
	if err != nil {
		t.Fatal(err)
	}
	issued := now
	for _, step := range []struct {
		name string
		at   time.Time
		want error
	}{
		{"first seen", issued, nil},
		{"seen again", issued, nil},
		{"before it expires", expires.Add(-time.Second), nil},
		{"within the leeway", expires.Add(defaultLeeway - time.Second), nil},
		{"after that", expires.Add(defaultLeeway + time.Second), ErrTokenExpired},
		{"once more", expires.Add(defaultLeeway + time.Second), ErrTokenExpired},
		{"by a clock that is behind by less than the leeway", issued.Add(-defaultLeeway + 2*time.Second), nil},
		{"by one that is further behind", issued.Add(-defaultLeeway - 2*time.Second), ErrTokenInvalid},
	} {
		now = step.at
		c, err := tokens.Verify(token)
		if !errors.Is(err, step.want) || step.want == nil && c.UserID != testUser {
			t.Errorf("%s: got %+v, %v, want %v", step.name, c, err, step.want)
		}
	}
}

func TestWhatIsLikeAVerifiedTokenIsNone(t *testing.T) {
	t.Parallel()
	tokens := newTokens(t, parseKeys(t, pkcs8(t, testKeys()[0])))
	token, _, err := tokens.Issue(testUser, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Verify(token); err != nil {
		t.Fatal(err)
	}
	for name, spoiled := range map[string]string{
		"shorter": token[:len(token)-1], "longer": token + "A", "with a line break": token + "\n",
		"with a NUL": token + "\x00", "longer than any": token + strings.Repeat("A", maxTokenBytes),
	} {
		for range 2 { // a refusal is not remembered as anything else
			if _, err := tokens.Verify(spoiled); !errors.Is(err, ErrTokenInvalid) {
				t.Errorf("%s: got %v, want ErrTokenInvalid", name, err)
			}
		}
	}
}

func TestVerifiedTokensAreBounded(t *testing.T) {
	t.Parallel()
	var v verified
	now := testNow()
	good := Claims{UserID: testUser, IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	sum := func(n int) (s tokenSum) {
		binary.BigEndian.PutUint64(s[:], uint64(n))
		return s
	}
	for n := range 3 * maxVerified {
		v.add(sum(n), good)
		if _, ok := v.find(sum(0), now); !ok {
			t.Fatalf("the token that is always used was forgotten after %d others", n)
		}
		if size := len(v.young) + len(v.old); size > maxVerified {
			t.Fatalf("%d tokens are remembered, want %d at most", size, maxVerified)
		}
	}
	if _, ok := v.find(sum(1), now); ok {
		t.Error("a token that nobody has used since is remembered, though there is no room")
	}
}
