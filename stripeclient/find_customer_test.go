package stripeclient

import (
	"fmt"
	"reflect"
	"testing"
	"time"
)

func customerOfUser(id, user string) string {
	return fmt.Sprintf(`{"id":%q,"object":"customer","metadata":{"userId":%q}}`, id, user)
}

func TestFindCustomer(t *testing.T) {
	t.Parallel()
	since := time.Unix(1_700_000_000, 5)
	pages := []step{
		reply(200, listJSON(true, customerOfUser("cus_4", "user4"), `{"id":"cus_3","object":"customer","metadata":{}}`)),
		reply(200, listJSON(false, customerOfUser("cus_2", "user2"))),
	}
	t.Run("on the last page, of those made since then", func(t *testing.T) {
		t.Parallel()
		f := newFake(pages...)
		cus, err := f.client(t).FindCustomer(t.Context(), "user2", since)
		if err != nil || cus.ID != "cus_2" || cus.UserID != "user2" {
			t.Fatalf("got %v, %v, want cus_2", cus, err)
		}
		var asked [][3]string
		for _, r := range f.sent() {
			asked = append(asked, [3]string{r.path, r.params.Get("created[gte]"), r.params.Get("starting_after")})
		}
		want := [][3]string{{"/v1/customers", "1700000000", ""}, {"/v1/customers", "1700000000", "cus_3"}}
		if !reflect.DeepEqual(asked, want) {
			t.Errorf("asked for %q, want %q", asked, want)
		}
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		f := newFake(pages...)
		_, err := f.client(t).FindCustomer(t.Context(), "user1", since)
		if e := wantKind(t, err, KindNotFound); e.Param != "customer" || len(f.sent()) != 2 {
			t.Errorf("got param %q after %d requests, want customer after 2", e.Param, len(f.sent()))
		}
	})
	t.Run("a page that is none", func(t *testing.T) {
		t.Parallel()
		for _, answer := range []string{`{}`, `{"object":"list","data":null,"has_more":false}`, listJSON(false, `{"id":"pi_1"}`)} {
			_, err := newFake(reply(200, answer)).client(t, oneAttempt).FindCustomer(t.Context(), "user1", since)
			wantKind(t, err, KindUnknown)
		}
	})
	t.Run("of no user", func(t *testing.T) {
		t.Parallel()
		f := newFake(pages...)
		_, err := f.client(t).FindCustomer(t.Context(), "", since)
		if wantKind(t, err, KindInvalid); len(f.sent()) != 0 {
			t.Errorf("got %d requests, want none", len(f.sent()))
		}
	})
}
