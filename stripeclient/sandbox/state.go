package sandbox

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// keyLifetime is how long an idempotency key is kept. Stripe keeps it for at
// least so long; here it is gone right after.
const keyLifetime = 24 * time.Hour

// state is everything that the account holds. Sandbox.mu guards it.
type state struct {
	customers  *table[Customer]
	intents    *table[Intent]
	methods    *table[PaymentMethod]
	charges    *table[Charge]
	events     *table[Event]
	saved      *table[savedAnswer] // by idempotency key
	deliveries *table[delivery]    // webhooks that are owed
	accounts   *table[account]     // one row at most, with the id ownAccount

	journal *journal
}

func newState() *state {
	return &state{
		customers:  newTable[Customer]("customers"),
		intents:    newGroupedTable("intents", func(in Intent) string { return in.Customer }),
		methods:    newTable[PaymentMethod]("payment_methods"),
		charges:    newGroupedTable("charges", func(ch Charge) string { return ch.Intent }),
		events:     newGroupedTable("events", Event.subject),
		saved:      newTable[savedAnswer]("saved"),
		deliveries: newTable[delivery]("deliveries"),
		accounts:   newTable[account]("accounts"),
	}
}

func (st *state) tables() []rows {
	return []rows{st.customers, st.intents, st.methods, st.charges, st.events, st.saved, st.deliveries, st.accounts}
}

// account holds what belongs to the account itself.
type account struct {
	SecretKey string `json:"secret_key"`
}

// ownAccount is the id of the account's row.
const ownAccount = "own"

// secretKey returns the account's random key, and makes it the first time.
func (st *state) secretKey() (string, error) {
	if own, ok := st.accounts.get(ownAccount); ok && strings.HasPrefix(own.SecretKey, testKeyPrefix) {
		return own.SecretKey, nil
	}
	key := testKeyPrefix + random(24)
	st.accounts.put(ownAccount, account{SecretKey: key})
	return key, st.commit()
}

// openState reads the file at path, forgets expired idempotency keys and
// writes the file again, one line per row. An empty path keeps all in memory.
func openState(path string, now time.Time) (*state, error) {
	st := newState()
	if path == "" {
		st.journal = &journal{}
		return st, nil
	}
	byName := map[string]rows{}
	for _, t := range st.tables() {
		byName[t.tableName()] = t
	}
	err := readJournal(path, func(c change) error {
		t, ok := byName[c.Table]
		if !ok {
			return fmt.Errorf("unknown table %q", c.Table)
		}
		return t.load(c)
	})
	if err != nil {
		return nil, err
	}
	for key, answer := range st.saved.rows {
		if answer.expired(now.Unix()) {
			st.saved.remove(key)
		}
	}
	st.saved.commit()
	st.journal, err = rewriteJournal(path, st.tables())
	if err != nil {
		return nil, err
	}
	return st, nil
}

// commit makes the staged changes durable and then visible. If it fails,
// nothing has changed.
func (st *state) commit() error {
	var changes []change
	var errs []error
	for _, t := range st.tables() {
		c, err := t.changes()
		changes, errs = append(changes, c...), append(errs, err)
	}
	err := errors.Join(errs...)
	if err == nil && len(changes) > 0 {
		err = st.journal.append(changes)
	}
	if err != nil {
		st.rollback()
		return fmt.Errorf("commit: %w", err)
	}
	for _, t := range st.tables() {
		t.commit()
	}
	return nil
}

func (st *state) rollback() {
	for _, t := range st.tables() {
		t.rollback()
	}
}

// owed returns the ids of the deliveries that are still to be made.
func (st *state) owed() []string {
	var ids []string
	for _, id := range st.deliveries.ids {
		if !st.deliveries.rows[id].Dropped {
			ids = append(ids, id)
		}
	}
	return ids
}
