package sqlite

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Every prepared statement is in statements, so none can be forgotten here.
func TestEveryStatementIsOnAnIndex(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	for q, st := range statements {
		if st.text == "" {
			t.Fatalf("query %d has no statement", q)
		}
		plan := explainPlan(t, s, st.text)
		for _, step := range plan {
			if strings.HasPrefix(step, "SCAN") || strings.Contains(step, "TEMP B-TREE") || strings.Contains(step, "AUTOMATIC") {
				t.Errorf("%s\nplan: %q", st.text, plan)
			}
		}
		// An INSERT of values has no plan; every other statement seeks.
		insert := query(q) == insertUser || query(q) == insertPayment || query(q) == acquireLease || query(q) == countAttempt
		if seeks := strings.Contains(strings.Join(plan, "\n"), "SEARCH"); !seeks && !insert {
			t.Errorf("%s\nplan without a search: %q", st.text, plan)
		}
	}
}

// Somebody may run ANALYZE on the file, after which SQLite plans by its statistics:
// of tables that were empty, or of a million rows whose indexes tell much or nothing.
func TestStatisticsChangeNoPlan(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	want := map[query][]string{}
	for q, st := range statements {
		want[query(q)] = explainPlan(t, s, st.text)
	}
	const statistics = `
		DELETE FROM sqlite_stat1;
		INSERT INTO sqlite_stat1 SELECT tbl_name, name,
			'1000000' || (SELECT group_concat(' ' || %s, '') FROM pragma_index_info(name)) FROM sqlite_schema WHERE type = 'index';
		ANALYZE sqlite_schema`
	for _, tt := range []struct{ name, statements string }{
		{"of empty tables", ""},
		{"of keys that are all different", fmt.Sprintf(statistics, "1")},
		{"of keys that are all the same", fmt.Sprintf(statistics, "1000000")},
	} {
		if _, err := s.writer.ExecContext(t.Context(), "ANALYZE;"+tt.statements); err != nil {
			t.Fatal(err)
		}
		for q, st := range statements {
			if got := explainPlan(t, s, st.text); !slices.Equal(got, want[query(q)]) {
				t.Errorf("with statistics %s: %s\n got plan %q\nwant %q", tt.name, st.text, got, want[query(q)])
			}
		}
	}
}

func TestPlansUseTheIndexMadeForThem(t *testing.T) {
	t.Parallel()
	s := openNew(t)
	for _, tt := range []struct {
		q    query
		want []string
	}{
		{userByID, []string{"SEARCH users USING PRIMARY KEY (id=?)"}},
		{userByEmail, []string{"SEARCH users USING INDEX users_email (email_key=?)"}},
		{userByCustomer, []string{"SEARCH users USING INDEX users_customer (customer_id=?)"}},
		{listUsers, []string{"SEARCH users USING PRIMARY KEY (id>?)"}},
		{listVisibleUsers, []string{
			"SEARCH users USING PRIMARY KEY (id=?)",
			"SEARCH users USING INDEX users_creator (created_by=? AND id>?)",
		}},
		{listAdmins, []string{"SEARCH users USING INDEX users_admin (admin=?)"}},
		{usersToSync, []string{"SEARCH users USING INDEX users_sync (sync_at<?)"}},
		{paymentByCUID, []string{"SEARCH payments USING INDEX payments_cuid (user_id=? AND cuid=?)"}},
		{paymentByIntent, []string{"SEARCH payments USING INDEX payments_intent (intent_id=?)"}},
		{listPayments, []string{"SEARCH payments USING PRIMARY KEY (user_id=? AND id<?)"}},
		{paymentsToCheck, []string{"SEARCH payments USING INDEX payments_check (check_at<?)"}},
		{listAllPayments, []string{"SEARCH payments USING INDEX payments_id (id>?)"}},
		{countUsers, []string{"SEARCH users USING COVERING INDEX users_email (email_key>?)"}},
		{countPayments, []string{"SEARCH payments USING COVERING INDEX payments_cuid (user_id>?)"}},
		{uncountAttempt, []string{"SEARCH attempts USING PRIMARY KEY (key=?)"}},
		{attemptsByKey, []string{"SEARCH attempts USING PRIMARY KEY (key=?)"}},
		{attemptsByAccount, []string{"SEARCH attempts USING COVERING INDEX attempts_account (account=?)"}},
		{attemptsBySite, []string{"SEARCH attempts USING COVERING INDEX attempts_account (account=? AND site=?)"}},
		{attemptsByAddress, []string{"SEARCH attempts USING COVERING INDEX attempts_address (address=?)"}},
		{pruneAttempts, []string{
			"SEARCH attempts USING PRIMARY KEY (key=?)",
			"SEARCH attempts USING COVERING INDEX attempts_expires (expires<?)",
		}},
	} {
		got := strings.Join(explainPlan(t, s, statements[tt.q].text), "\n")
		for _, want := range tt.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s\n got plan %s\nwant %s", statements[tt.q].text, got, want)
			}
		}
	}
}

// explainPlan returns the steps of a statement's plan.
func explainPlan(t *testing.T, s *Store, statement string) []string {
	t.Helper()
	params := make([]any, 18) // as many as the largest statement has
	rows, err := s.writer.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+statement, params...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
