package storetest

import (
	"slices"
	"testing"

	"github.com/nestpayments/nestpayments/store"
)

var userPageTests = []test{
	{"an empty store has no users", noUsers},
	{"users come in ascending order of id, limit at most, behind the cursor", userPages},
	{"VisibleTo gives the user and those it created", userVisible},
	{"VisibleTo survives the deletion of the creator", userVisibleDeleted},
	{"a user who is their own creator is listed once", userOwnCreator},
	{"paging misses and repeats nobody while users come and go", userPagesChanging},
	{"admins come in ascending order of id", admins},
	{"admins are MaxPage at most", adminsMax},
}

func listUsers(t *testing.T, s store.Store, q store.UserQuery) []string {
	t.Helper()
	users, err := s.ListUsers(t.Context(), q)
	if err != nil {
		t.Fatalf("ListUsers(%+v): %v", q, err)
	}
	return userIDs(users)
}

func noUsers(t *testing.T, s store.Store) {
	for _, q := range []store.UserQuery{{Limit: 10}, {Limit: 10, VisibleTo: store.NewID(at(1))}} {
		if got := listUsers(t, s, q); len(got) != 0 {
			t.Errorf("ListUsers(%+v): got %v, want none", q, got)
		}
	}
	if got, err := s.ListAdmins(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("ListAdmins: got %v, %v, want none", got, err)
	}
}

func userPages(t *testing.T, s store.Store) {
	// Inserted out of order; ids[n] is the n-th.
	ids := make([]string, 7)
	want := map[string]store.User{}
	for _, n := range []int{4, 0, 6, 2, 5, 1, 3} {
		u := fullUser(n)
		u.CustomerID = ""
		insertUser(t, s, u)
		ids[n], want[u.ID] = u.ID, *u
	}
	for _, tt := range []struct {
		name string
		q    store.UserQuery
		want []string
	}{
		{"all", store.UserQuery{Limit: store.MaxPage}, ids},
		{"exactly all", store.UserQuery{Limit: 7}, ids},
		{"one", store.UserQuery{Limit: 1}, ids[:1]},
		{"first page", store.UserQuery{Limit: 3}, ids[:3]},
		{"second page", store.UserQuery{Limit: 3, After: ids[2]}, ids[3:6]},
		{"last page", store.UserQuery{Limit: 3, After: ids[5]}, ids[6:]},
		{"behind the last", store.UserQuery{Limit: 3, After: ids[6]}, nil},
		{"behind an id that nobody has", store.UserQuery{Limit: 2, After: store.NewID(at(-1))}, ids[:2]},
	} {
		if got := listUsers(t, s, tt.q); !slices.Equal(got, tt.want) {
			t.Errorf("%s: ListUsers(%+v):\n got %v\nwant %v", tt.name, tt.q, got, tt.want)
		}
	}
	users, err := s.ListUsers(t.Context(), store.UserQuery{Limit: 7})
	if err != nil {
		t.Fatalf("ListUsers: %v", err)
	}
	for _, u := range users {
		if *u != want[u.ID] {
			t.Errorf("listed user\n got %+v\nwant %+v", *u, want[u.ID])
		}
	}
}

func userVisible(t *testing.T, s store.Store) {
	// The creator's id lies among those of the users it created.
	const creator = 4
	creatorID := store.NewID(at(creator))
	ids := make([]string, 10)
	for n := range ids {
		u := newUser(n)
		switch {
		case n == creator:
			u.ID = creatorID
		case n%2 == 1:
			u.CreatedBy = creatorID
		case n == 6:
			u.CreatedBy = ids[0]
		}
		ids[n] = insertUser(t, s, u).ID
	}
	visible := []string{ids[1], ids[3], ids[4], ids[5], ids[7], ids[9]}
	for _, tt := range []struct {
		name  string
		to    string
		after string
		limit int
		want  []string
	}{
		{"all", creatorID, "", 100, visible},
		{"exactly all", creatorID, "", 6, visible},
		{"one", creatorID, "", 1, visible[:1]},
		{"page that ends before the creator", creatorID, "", 2, visible[:2]},
		{"page that ends at the creator", creatorID, "", 3, visible[:3]},
		{"page that starts at the creator", creatorID, visible[1], 2, visible[2:4]},
		{"page behind the creator", creatorID, creatorID, 10, visible[3:]},
		{"behind the last", creatorID, visible[5], 10, nil},
		{"behind one who is not visible", creatorID, ids[6], 10, visible[4:]},
		{"creator of one", ids[0], "", 10, []string{ids[0], ids[6]}},
		{"one who created nobody", ids[1], "", 10, []string{ids[1]}},
		{"a stranger", store.NewID(at(99)), "", 10, nil},
	} {
		q := store.UserQuery{VisibleTo: tt.to, After: tt.after, Limit: tt.limit}
		if got := listUsers(t, s, q); !slices.Equal(got, tt.want) {
			t.Errorf("%s: ListUsers(%+v):\n got %v\nwant %v", tt.name, q, got, tt.want)
		}
	}
}

func userVisibleDeleted(t *testing.T, s store.Store) {
	creator := insertUser(t, s, newUser(1))
	created := newUser(2)
	created.CreatedBy = creator.ID
	insertUser(t, s, created)
	if err := s.DeleteUser(t.Context(), creator); err != nil {
		t.Fatalf("DeleteUser: %v", err)
	}
	got := listUsers(t, s, store.UserQuery{VisibleTo: creator.ID, Limit: 10})
	if want := []string{created.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func userOwnCreator(t *testing.T, s store.Store) {
	u := newUser(1)
	u.CreatedBy = u.ID
	insertUser(t, s, u)
	got := listUsers(t, s, store.UserQuery{VisibleTo: u.ID, Limit: 10})
	if want := []string{u.ID}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// Between pages the user at the cursor goes, and one comes on either side.
func userPagesChanging(t *testing.T, s store.Store) {
	creator := insertUser(t, s, newUser(1000))
	newcomer := func(n int) string {
		u := newUser(n)
		u.CreatedBy = creator.ID
		return insertUser(t, s, u).ID
	}
	for _, visibleTo := range []string{"", creator.ID} {
		base := 0
		if visibleTo != "" {
			base = 500
		}
		var permanent []string
		for n := range 9 {
			permanent = append(permanent, newcomer(base+10*n))
		}
		seen := map[string]int{}
		q := store.UserQuery{VisibleTo: visibleTo, Limit: 2}
		for page := 1; ; page++ {
			got := listUsers(t, s, q)
			for _, id := range got {
				seen[id]++
			}
			if len(got) == 0 || page > 100 {
				break
			}
			last := got[len(got)-1]
			if last != creator.ID && !slices.Contains(permanent[:4], last) {
				u, err := s.User(t.Context(), last)
				if err == nil {
					err = s.DeleteUser(t.Context(), u)
				}
				if err != nil {
					t.Fatalf("DeleteUser: %v", err)
				}
			}
			if page <= 6 {
				newcomer(base - page)
				newcomer(base + 100 + page)
			}
			q.After = last
		}
		for _, id := range append(permanent, creator.ID) {
			if seen[id] != 1 {
				t.Errorf("VisibleTo %q: user %s was listed %d times, want once", visibleTo, id, seen[id])
			}
		}
		for id, times := range seen {
			if times > 1 {
				t.Errorf("VisibleTo %q: user %s was listed %d times", visibleTo, id, times)
			}
		}
	}
}

func admins(t *testing.T, s store.Store) {
	var want []string
	for n := range 6 {
		u := newUser(5 - n)
		u.Admin = n%2 == 0
		insertUser(t, s, u)
		if u.Admin {
			want = append([]string{u.ID}, want...)
		}
	}
	check := func() {
		t.Helper()
		got, err := s.ListAdmins(t.Context())
		if err != nil || !slices.Equal(userIDs(got), want) {
			t.Errorf("ListAdmins: got %v, %v, want %v", userIDs(got), err, want)
		}
	}
	check()
	u, err := s.User(t.Context(), want[1])
	if err != nil {
		t.Fatalf("User: %v", err)
	}
	u.Admin = false
	if err := s.UpdateUser(t.Context(), u); err != nil {
		t.Fatalf("UpdateUser: %v", err)
	}
	want = slices.Delete(want, 1, 2)
	check()
}

func adminsMax(t *testing.T, s store.Store) {
	if testing.Short() {
		t.Skip("inserts more than MaxPage users")
	}
	var want []string
	for n := range store.MaxPage + 1 {
		u := newUser(n)
		u.Admin = true
		want = append(want, insertUser(t, s, u).ID)
	}
	got, err := s.ListAdmins(t.Context())
	if err != nil || !slices.Equal(userIDs(got), want[:store.MaxPage]) {
		t.Errorf("ListAdmins: got %d users, %v, want the first %d", len(got), err, store.MaxPage)
	}
}
