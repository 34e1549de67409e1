package auth

// InputError reports which rule a value from a caller broke. Neither its fields
// nor its text contain the value.
type InputError struct {
	// Field is the kind of value: FieldName, FieldEmail, FieldPassword or
	// FieldNewPassword.
	Field Field
	// Code is stable, for programs, such as "email_no_at".
	Code string
	// Detail is a sentence for people: the rule, and what to do.
	Detail string
}

// Field is a kind of value that a caller sends.
type Field int

const (
	FieldName Field = iota + 1
	FieldEmail
	FieldPassword    // the password of a new user
	FieldNewPassword // the password that replaces another
)

// Error returns the detail.
func (e *InputError) Error() string { return e.Detail }

func refuseName(code, detail string) error {
	return &InputError{Field: FieldName, Code: code, Detail: detail}
}

func refuseEmail(code, detail string) error {
	return &InputError{Field: FieldEmail, Code: code, Detail: detail}
}
