package auth

// InputError says which rule a value from a caller broke. Neither its fields
// nor its text hold the value.
type InputError struct {
	// Code is stable, for machines, such as "email_no_at".
	Code string
	// Detail is a sentence for people: the rule, and what to do.
	Detail string
}

// Error returns the detail.
func (e *InputError) Error() string { return e.Detail }

func refuse(code, detail string) error { return &InputError{Code: code, Detail: detail} }
