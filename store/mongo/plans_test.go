package mongo

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	driver "go.mongodb.org/mongo-driver/mongo"
	"go.mongodb.org/mongo-driver/mongo/options"

	"github.com/nestpayments/nestpayments/store"
	"github.com/nestpayments/nestpayments/store/mongo/mongotest"
)

// TestQueriesSuitTheIndexes needs no real server: it holds every filter and sort
// against the indexes that Open makes. -v shows which serves which.
func TestQueriesSuitTheIndexes(t *testing.T) {
	t.Parallel()
	_, queries := recordQueries(t, func(adjust func(*options.ClientOptions)) *Store {
		return openAdjusted(t, mongotest.Start(t), adjust)
	})
	for _, q := range queries {
		checkHint(t, q)
		plans, ok := plan(q.filter, q.sort, indexesOf(t, q.collection))
		if !ok {
			t.Errorf("%s: no index of %s serves %s with filter %v and sort %v", q.method, q.collection, q.name, q.filter, q.sort)
			continue
		}
		for _, p := range plans {
			t.Logf("%s: %s of %s on %v, equal %d, then range or sort %t", q.method, q.name, q.collection, p.keys, p.equal, p.ordered)
			for _, field := range p.unbound {
				if !p.single && !slices.Contains(passedOver[q.method], field) {
					t.Errorf("%s: %s of %s reads every document of index %v in its range to look at %s", q.method, q.name, q.collection, p.keys, field)
				}
			}
		}
	}
}

// checkHint fails the test if the plan of a query is left to the server's planner: it
// must name an index that serves it, unless it asks for one _id, and must not need
// two.
func checkHint(t *testing.T, q query) {
	if q.name != "find" || kindOf(q.filter, "_id") == "equal" {
		return
	}
	if slices.ContainsFunc(q.filter, func(e bson.E) bool { return e.Key == "$or" }) {
		t.Errorf("%s: find with filter %v needs a server that merges indexes", q.method, q.filter)
	}
	for _, i := range indexesOf(t, q.collection) {
		if fmt.Sprint(i.Keys) == fmt.Sprint(q.hint) {
			if _, ok := planOn(q.filter, q.sort, i); !ok {
				t.Errorf("%s: find with filter %v and sort %v has the hint %v, which does not serve it", q.method, q.filter, q.sort, q.hint)
			}
			return
		}
	}
	t.Errorf("%s: find with filter %v and sort %v has the hint %v, which is no index of %s", q.method, q.filter, q.sort, q.hint, q.collection)
}

// passedOver are the fields, by method, that are looked at in documents and not in
// an index, though a query finds several. Payments without an intent are those whose
// making has failed: few.
var passedOver = map[string][]string{"ListPayments": {"intentId"}}

// indexPlan is how an index serves a query.
type indexPlan struct {
	keys bson.D
	// equal is how many of its first keys have one value each, and ordered whether
	// the next is a range or the order.
	equal   int
	ordered bool
	// single is whether those that are equal leave one document at most.
	single bool
	// unbound are fields of the filter that the index says nothing of.
	unbound []string
}

// plan finds an index that leads to the documents of filter in the order of sort;
// with $or, one for each of its clauses, which the server merges, unless an index
// leaves one document to look at anyway.
func plan(filter, sort bson.D, indexes []driver.IndexModel) ([]indexPlan, bool) {
	var best *indexPlan
	for _, i := range indexes {
		p, ok := planOn(filter, sort, i)
		if ok && (best == nil || p.single && !best.single || p.single == best.single && len(p.unbound) < len(best.unbound)) {
			best = &p
		}
	}
	or := slices.IndexFunc(filter, func(e bson.E) bool { return e.Key == "$or" })
	if best != nil && (best.single || or < 0) {
		return []indexPlan{*best}, true
	}
	if or < 0 {
		return nil, false
	}
	var all []indexPlan
	for _, clause := range filter[or].Value.(bson.A) {
		plans, ok := plan(clause.(bson.D), sort, indexes)
		if !ok {
			return nil, false
		}
		all = append(all, plans...)
	}
	return all, true
}

// planOn walks one index in the order that makes it useful: what is equal, then
// what is sorted by, or else a range. What is left of a sort would be sorted in memory.
func planOn(filter, sort bson.D, index driver.IndexModel) (indexPlan, bool) {
	p := indexPlan{keys: index.Keys.(bson.D)}
	used := map[string]bool{}
	for p.equal < len(p.keys) && kindOf(filter, p.keys[p.equal].Key) == "equal" {
		used[p.keys[p.equal].Key] = true
		p.equal++
	}
	unique := index.Options != nil && index.Options.Unique != nil && *index.Options.Unique
	p.single = unique && p.equal == len(p.keys)
	if rest := p.keys[p.equal:]; len(rest) > 0 {
		next := rest[0].Key
		ranged := kindOf(filter, next) == "range"
		sorted := len(sort) > 0 && sort[0].Key == next
		// A sparse index lacks documents, so it cannot order all of them.
		sparse := index.Options != nil && index.Options.Sparse != nil && *index.Options.Sparse
		p.ordered = ranged || sorted && (p.equal > 0 || !sparse)
		if p.ordered {
			used[next] = true
		}
		if len(sort) > 0 && !(p.ordered && sorted && len(sort) == 1) {
			return p, false
		}
	} else if len(sort) > 0 && !p.single {
		return p, false
	}
	for _, e := range filter {
		if !used[e.Key] {
			p.unbound = append(p.unbound, e.Key)
		}
	}
	return p, p.equal > 0 || p.ordered
}

// kindOf returns how filter bounds a field: "equal", "range" or not at all.
func kindOf(filter bson.D, field string) string {
	for _, e := range filter {
		if e.Key != field {
			continue
		}
		operators, ok := e.Value.(bson.D)
		if !ok || operators[0].Key == "$in" {
			return "equal"
		}
		if slices.Contains([]string{"$gt", "$gte", "$lt", "$lte"}, operators[0].Key) {
			return "range"
		}
	}
	return ""
}

// indexesOf returns all indexes of a collection.
func indexesOf(t *testing.T, collection string) []driver.IndexModel {
	models := map[string][]driver.IndexModel{"users": userIndexes(), "payments": paymentIndexes(), "leases": nil, "attempts": attemptIndexes()}
	indexes, ok := models[collection]
	if !ok {
		t.Fatalf("unexpected collection %q", collection)
	}
	return append(indexes, index(bson.D{{Key: "_id", Value: 1}}, options.Index().SetUnique(true)))
}

func TestPlansOfBadQueries(t *testing.T) {
	t.Parallel()
	id := bson.E{Key: "_id", Value: bson.D{{Key: "$gt", Value: 1}}}
	for _, tt := range []struct {
		name         string
		filter, sort bson.D
		collection   string
		want         string
	}{
		{"no index", bson.D{{Key: "status", Value: "x"}}, nil, "payments", "none"},
		{"the second key alone", bson.D{{Key: "cuid", Value: "x"}}, nil, "payments", "none"},
		{"a sort in memory", bson.D{{Key: "userId", Value: "x"}}, bson.D{{Key: "createdAt", Value: 1}}, "payments", "none"},
		{"a sort behind a range of another field", bson.D{{Key: "checkAt", Value: bson.D{{Key: "$lte", Value: 1}}}}, bson.D{{Key: "_id", Value: 1}}, "payments", "[checkAt]"},
		{"a sort by two", bson.D{id}, bson.D{{Key: "_id", Value: 1}, {Key: "cuid", Value: 1}}, "payments", "none"},
		{"a filter that the index knows nothing of", bson.D{{Key: "userId", Value: "x"}, {Key: "status", Value: "x"}}, nil, "payments", "[status]"},
		{"an order over a sparse index", nil, bson.D{{Key: "syncAt", Value: 1}}, "users", "none"},
		{"a clause without an index", bson.D{{Key: "$or", Value: bson.A{bson.D{id}, bson.D{{Key: "name", Value: "x"}}}}}, nil, "users", "none"},
		{"a good one", bson.D{{Key: "userId", Value: "x"}, id}, bson.D{{Key: "_id", Value: -1}}, "payments", "[]"},
	} {
		got := "none"
		if plans, ok := plan(tt.filter, tt.sort, indexesOf(t, tt.collection)); ok {
			got = fmt.Sprint(plans[0].unbound)
		}
		if got != tt.want {
			t.Errorf("%s: got %s looked at beside an index, want %s", tt.name, got, tt.want)
		}
	}
}

// TestMongoDBPlansUseIndexes asks a real server how it carries out every query among
// many documents: on an index, without a sort, and reading little more than it finds.
func TestMongoDBPlansUseIndexes(t *testing.T) {
	t.Parallel()
	needRealServer(t)
	s, queries := recordQueries(t, func(adjust func(*options.ClientOptions)) *Store {
		return openAdjusted(t, mongotest.Start(t), adjust)
	})
	crowd(t, s)
	for _, q := range queries {
		var answer bson.M
		err := s.users.Database().RunCommand(t.Context(), bson.D{
			{Key: "explain", Value: q.command}, {Key: "verbosity", Value: "executionStats"},
		}).Decode(&answer)
		if command := (driver.CommandError{}); errors.As(err, &command) && command.Code == 59 { // CommandNotFound
			t.Skip("the server has no command explain")
		}
		if err == nil {
			err = checkExplained(answer)
		}
		if err != nil {
			t.Errorf("%s: %s with filter %v and sort %v: %v", q.method, q.name, q.filter, q.sort, err)
		}
	}
}

// crowd adds documents that no query is about.
func crowd(t *testing.T, s *Store) {
	t.Helper()
	var users []*store.User
	var payments []*store.Payment
	now := time.Now()
	for range 500 {
		id := store.NewID(now)
		users = append(users, &store.User{ID: id, EmailKey: id, CustomerID: "cus_" + id, SyncAt: now.Add(time.Hour), Version: 1})
		payments = append(payments, &store.Payment{ID: id, UserID: id, CUID: id, IntentID: "pi_" + id, CheckAt: now.Add(time.Hour), Version: 1})
		_, err := s.CountAttempt(t.Context(), store.Attempt{Key: id, Account: id, Site: id, Address: id, Expires: now.Add(time.Hour)}, 1)
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(s.MoveUsers(t.Context(), users), s.MovePayments(t.Context(), payments)); err != nil {
		t.Fatal(err)
	}
}

// spare is how much more than it finds a query may read: the end of a range, a
// document that a write changes and does not return, the clauses of $or.
const spare = 5

// checkExplained judges the answer to explain, with executionStats, of one server or
// of shards.
func checkExplained(answer bson.M) error {
	stages := planStages(answer)
	if len(stages) == 0 {
		return fmt.Errorf("no stage found in %v", answer)
	}
	for _, forbidden := range []string{"COLLSCAN", "SORT"} {
		if slices.Contains(stages, forbidden) {
			return fmt.Errorf("stages %v contain %s", stages, forbidden)
		}
	}
	stats, _ := answer["executionStats"].(bson.M)
	found, err1 := count(stats, "nReturned")
	keys, err2 := count(stats, "totalKeysExamined")
	docs, err3 := count(stats, "totalDocsExamined")
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	if keys > found+spare || docs > found+spare {
		return fmt.Errorf("stages %v examine %d keys and %d documents to find %d", stages, keys, docs, found)
	}
	return nil
}

func count(stats bson.M, name string) (int64, error) {
	switch n := stats[name].(type) {
	case int32:
		return int64(n), nil
	case int64:
		return n, nil
	}
	return 0, fmt.Errorf("no %s in the statistics %v", name, stats)
}

// planStages collects the stages of the winning plan, of every shard.
func planStages(v any) (stages []string) {
	switch v := v.(type) {
	case bson.M:
		for key, value := range v {
			switch name, isName := value.(string); {
			case key == "stage" && isName:
				stages = append(stages, name)
			case key != "rejectedPlans":
				stages = append(stages, planStages(value)...)
			}
		}
	case bson.A:
		for _, value := range v {
			stages = append(stages, planStages(value)...)
		}
	}
	return stages
}

func TestExplanationsAreJudged(t *testing.T) {
	t.Parallel()
	explained := func(stage string, found, keys, docs int32) bson.M {
		return bson.M{
			"queryPlanner": bson.M{"winningPlan": bson.M{"stage": "LIMIT", "inputStage": bson.M{"stage": stage}},
				"rejectedPlans": bson.A{bson.M{"stage": "SORT"}}},
			"executionStats": bson.M{"nReturned": found, "totalKeysExamined": keys, "totalDocsExamined": docs},
		}
	}
	for _, tt := range []struct {
		name   string
		answer bson.M
		good   bool
	}{
		{"an index", explained("IXSCAN", 10, 11, 10), true},
		{"a scan of the collection", explained("COLLSCAN", 10, 0, 10), false},
		{"a sort in memory", explained("SORT", 10, 10, 10), false},
		{"too many keys", explained("IXSCAN", 10, 500, 10), false},
		{"too many documents", explained("IXSCAN", 10, 10, 500), false},
		{"no statistics", bson.M{"queryPlanner": bson.M{"winningPlan": bson.M{"stage": "IXSCAN"}}}, false},
		{"no stage", bson.M{}, false},
	} {
		if err := checkExplained(tt.answer); (err == nil) != tt.good {
			t.Errorf("%s: got %v, want it good %t", tt.name, err, tt.good)
		}
	}
}
