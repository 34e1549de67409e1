package mongo

import (
	"reflect"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/bson"
	"go.mongodb.org/mongo-driver/bson/primitive"

	"github.com/nestpayments/nestpayments/store"
)

// The documents as they are stored. What is omitempty is absent while it is
// empty; for customerId, admin, syncAt, intentId and checkAt the sparse
// indexes depend on it.

type userDoc struct {
	ID              primitive.ObjectID `bson:"_id"`
	Name            string             `bson:"name"`
	Email           string             `bson:"email"`
	EmailKey        string             `bson:"emailKey"`
	PasswordHash    string             `bson:"passwordHash"`
	CustomerID      string             `bson:"customerId,omitempty"`
	CustomerAttempt int                `bson:"customerAttempt,omitempty"`
	CreatedBy       string             `bson:"createdBy,omitempty"`
	RootCreator     string             `bson:"rootCreator,omitempty"`
	PasswordSetBy   string             `bson:"passwordSetBy,omitempty"`
	Session         int64              `bson:"session,omitempty"`
	Admin           bool               `bson:"admin,omitempty"`
	SyncAt          time.Time          `bson:"syncAt,omitempty"`
	SyncFailures    int                `bson:"syncFailures,omitempty"`
	CreatedAt       time.Time          `bson:"createdAt,omitempty"`
	UpdatedAt       time.Time          `bson:"updatedAt,omitempty"`
	Version         int64              `bson:"version"`
}

// setFields returns the update that makes a stored document the same as doc. Fields
// that this program does not know stay: a newer replica, which runs beside this one
// during an upgrade, may have written them.
func setFields[D userDoc | paymentDoc](doc D) (bson.D, error) {
	text, err := bson.Marshal(doc)
	if err != nil {
		return nil, err
	}
	var set, unset bson.D
	for _, field := range fieldsOf[D]() {
		if value, err := bson.Raw(text).LookupErr(field); err == nil {
			set = append(set, bson.E{Key: field, Value: value})
		} else {
			unset = append(unset, bson.E{Key: field, Value: ""})
		}
	}
	update := bson.D{{Key: "$set", Value: set}}
	if len(unset) > 0 {
		update = append(update, bson.E{Key: "$unset", Value: unset})
	}
	return update, nil
}

// fieldsOf returns the names of a document's fields beside _id.
func fieldsOf[D any]() (names []string) {
	for _, field := range reflect.VisibleFields(reflect.TypeFor[D]()) {
		if name, _, _ := strings.Cut(field.Tag.Get("bson"), ","); name != "_id" {
			names = append(names, name)
		}
	}
	return names
}

// newUserDoc returns u as it is stored, with the given version.
func newUserDoc(id primitive.ObjectID, u *store.User, version int64) userDoc {
	return userDoc{
		ID:              id,
		Name:            u.Name,
		Email:           u.Email,
		EmailKey:        u.EmailKey,
		PasswordHash:    u.PasswordHash,
		CustomerID:      u.CustomerID,
		CustomerAttempt: u.CustomerAttempt,
		CreatedBy:       u.CreatedBy,
		RootCreator:     u.RootCreator,
		PasswordSetBy:   u.PasswordSetBy,
		Session:         u.Session,
		Admin:           u.Admin,
		SyncAt:          u.SyncAt,
		SyncFailures:    u.SyncFailures,
		CreatedAt:       u.CreatedAt,
		UpdatedAt:       u.UpdatedAt,
		Version:         version,
	}
}

func (d userDoc) domain() *store.User {
	return &store.User{
		ID:              d.ID.Hex(),
		Name:            d.Name,
		Email:           d.Email,
		EmailKey:        d.EmailKey,
		PasswordHash:    d.PasswordHash,
		CustomerID:      d.CustomerID,
		CustomerAttempt: d.CustomerAttempt,
		CreatedBy:       d.CreatedBy,
		RootCreator:     d.RootCreator,
		PasswordSetBy:   d.PasswordSetBy,
		Session:         d.Session,
		Admin:           d.Admin,
		SyncAt:          d.SyncAt,
		SyncFailures:    d.SyncFailures,
		CreatedAt:       d.CreatedAt,
		UpdatedAt:       d.UpdatedAt,
		Version:         d.Version,
	}
}

type paymentDoc struct {
	ID             primitive.ObjectID `bson:"_id"`
	UserID         string             `bson:"userId"`
	CUID           string             `bson:"cuid"`
	Amount         int64              `bson:"amount"`
	Currency       string             `bson:"currency"`
	IntentID       string             `bson:"intentId,omitempty"`
	CustomerID     string             `bson:"customerId,omitempty"`
	Status         string             `bson:"status,omitempty"`
	PaymentMethod  string             `bson:"paymentMethod,omitempty"`
	Attempt        int                `bson:"attempt,omitempty"`
	ConfirmAttempt int                `bson:"confirmAttempt,omitempty"`
	DeclineCode    string             `bson:"declineCode,omitempty"`
	ErrorCode      string             `bson:"errorCode,omitempty"`
	CheckAt        time.Time          `bson:"checkAt,omitempty"`
	CreatedAt      time.Time          `bson:"createdAt,omitempty"`
	UpdatedAt      time.Time          `bson:"updatedAt,omitempty"`
	Version        int64              `bson:"version"`
}

// newPaymentDoc returns p as it is stored, with the given version.
func newPaymentDoc(id primitive.ObjectID, p *store.Payment, version int64) paymentDoc {
	return paymentDoc{
		ID:             id,
		UserID:         p.UserID,
		CUID:           p.CUID,
		Amount:         p.Amount,
		Currency:       p.Currency,
		IntentID:       p.IntentID,
		CustomerID:     p.CustomerID,
		Status:         p.Status,
		PaymentMethod:  p.PaymentMethod,
		Attempt:        p.Attempt,
		ConfirmAttempt: p.ConfirmAttempt,
		DeclineCode:    p.DeclineCode,
		ErrorCode:      p.ErrorCode,
		CheckAt:        p.CheckAt,
		CreatedAt:      p.CreatedAt,
		UpdatedAt:      p.UpdatedAt,
		Version:        version,
	}
}

func (d paymentDoc) domain() *store.Payment {
	return &store.Payment{
		ID:             d.ID.Hex(),
		UserID:         d.UserID,
		CUID:           d.CUID,
		Amount:         d.Amount,
		Currency:       d.Currency,
		IntentID:       d.IntentID,
		CustomerID:     d.CustomerID,
		Status:         d.Status,
		PaymentMethod:  d.PaymentMethod,
		Attempt:        d.Attempt,
		ConfirmAttempt: d.ConfirmAttempt,
		DeclineCode:    d.DeclineCode,
		ErrorCode:      d.ErrorCode,
		CheckAt:        d.CheckAt,
		CreatedAt:      d.CreatedAt,
		UpdatedAt:      d.UpdatedAt,
		Version:        d.Version,
	}
}

// leaseDoc is a lease under its name. A free lease has no holder and no
// expiresAt.
type leaseDoc struct {
	Name      string    `bson:"_id"`
	Holder    string    `bson:"holder,omitempty"`
	ExpiresAt time.Time `bson:"expiresAt,omitempty"`
	Cursor    string    `bson:"cursor,omitempty"`
}

// attemptDoc is the count of a key. What of it is absent has no account, no site
// or no address.
type attemptDoc struct {
	Key       string    `bson:"_id"`
	Account   string    `bson:"account,omitempty"`
	Site      string    `bson:"site,omitempty"`
	Address   string    `bson:"address,omitempty"`
	ExpiresAt time.Time `bson:"expiresAt"`
	Count     int       `bson:"count"`
}
